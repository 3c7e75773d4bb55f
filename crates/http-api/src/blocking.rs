//! The one way off the async workers: databases, files and compression run here.

use crate::errors::ApiError;

/// Runs blocking work on the blocking pool, inside the tracing span of the request that asked for it.
///
/// # Errors
/// What `work` answers, or an internal error when it panicked.
pub(crate) async fn run<T, F>(work: F) -> Result<T, ApiError>
where
    F: FnOnce() -> Result<T, ApiError> + Send + 'static,
    T: Send + 'static,
{
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(answer) => answer,
        Err(error) => Err(ApiError::internal(format!("blocking work did not finish: {error}"))),
    }
}
