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

/// Runs work that fills a processor for long on a thread of its own that steps back behind all others, inside the
/// tracing span of the request that asked for it. Such a thread cannot come forward again: it ends with the work.
///
/// # Errors
/// What `work` answers, or an internal error when it panicked or the system gives no thread.
pub(crate) async fn run_behind<T, F>(work: F) -> Result<T, ApiError>
where
    F: FnOnce() -> Result<T, ApiError> + Send + 'static,
    T: Send + 'static,
{
    let span = tracing::Span::current();
    let (answer, answered) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("behind".to_owned()).spawn(move || {
        step_back();
        // Whoever asked may have gone.
        let _ = answer.send(span.in_scope(work));
    });
    thread.map_err(|error| ApiError::internal(format!("no thread for slow work: {error}")))?;
    answered.await.unwrap_or_else(|_| Err(ApiError::internal("slow work did not finish")))
}

/// Lets everybody else go first. Linux counts the calling thread as the process here; elsewhere it would be the whole
/// server, so nothing is done.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "the thread keeps its priority");
    }
}
