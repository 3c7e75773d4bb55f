//! A target within a run of somebody else's: a synchronisation holds the lock and keeps the run itself.

use std::sync::OnceLock;
use std::time::Duration;

use mastoc_domain::{RunId, StoktId};
use mastoc_media::MediaStore;
use mastoc_storage::{Store, StoreError, WriteConn};

use super::{Changed, State, StoreTarget};
use crate::error::EngineError;

/// Pauses before a failed transaction is tried again: a busy database is often free a moment later.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(2)];

impl StoreTarget {
    /// The target of the run `run`, which holds the lock with the number `fence`.
    pub(crate) fn within(
        store: Store,
        media: Option<MediaStore>,
        run: Option<RunId>,
        fence: Option<i64>,
        origin: &str,
        account: StoktId,
    ) -> Self {
        let state = OnceLock::from(State { run, origin: origin.to_owned(), account: Some(account) });
        Self {
            store,
            media,
            fence,
            _lock: None,
            state,
            changed: Changed::default(),
            dry: None,
            stand_in: None,
        }
    }
}

/// One transaction, tried again when the database was busy.
///
/// # Errors
/// What the work answers, or the database's failure.
pub(crate) fn transaction<T>(
    store: &Store,
    mut work: impl FnMut(&mut WriteConn<'_>) -> Result<T, StoreError>,
) -> Result<T, EngineError> {
    for pause in PAUSES {
        match store.write(|conn| work(conn)) {
            Err(error) if error.is_retryable() => {
                tracing::info!(%error, "trying the transaction again");
                std::thread::sleep(pause);
            }
            outcome => return Ok(outcome?),
        }
    }
    Ok(store.write(|conn| work(conn))?)
}
