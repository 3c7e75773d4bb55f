//! What an operator asks beside synchronising: how it stands, which runs there were, whether all is well, and taking the
//! lock from a run that hangs.
//!
//! Every answer prints as JSON, whose fields only ever grow, and as a short table for people. Nothing here asks Stokt
//! anything, but [`verify()`] where it is given a client.

mod answers;
mod tables;
mod verify;

use mastoc_domain::Timestamp;
use mastoc_storage::{DatabaseTarget, Store, StoreError, StoreOptions, locks, run_history, sync_status};

use crate::error::EngineError;

pub use answers::{History, LockJson, PastRunJson, Status, TakenLock, WatermarkJson};
pub use verify::{FindingJson, Verified, verify};

/// Opens a database of ours that is there already; nothing is made or migrated.
fn open(database: &DatabaseTarget) -> Result<Store, EngineError> {
    let options = StoreOptions { connections: 2, ..StoreOptions::default() };
    Store::open_as_it_is(database, &options)?.ok_or_else(|| {
        StoreError::Unusable(format!("there is no board in {database} yet; a pull makes one")).into()
    })
}

/// How synchronising stands. `now` is this machine's time, which the lag is measured by.
///
/// # Errors
/// When the database cannot be used.
pub fn status(database: &DatabaseTarget, now: Timestamp) -> Result<Status, EngineError> {
    let store = open(database)?;
    Ok(Status::new(database, &sync_status::read(&store)?, now))
}

/// The runs that were, the newest first: at most `limit` after leaving out `offset`.
///
/// # Errors
/// When the database cannot be used.
pub fn history(database: &DatabaseTarget, offset: i64, limit: i64) -> Result<History, EngineError> {
    let store = open(database)?;
    let (count, runs) = store.snapshot(|conn| {
        Ok::<_, StoreError>((run_history::count(conn)?, run_history::page(conn, offset, limit)?))
    })?;
    Ok(History { count, offset, runs: runs.into_iter().map(PastRunJson::from).collect() })
}

/// Takes the lock from the run that holds it; that run can write nothing any more. `by` and `reason` stay on record.
///
/// # Errors
/// When nobody holds the lock, no reason is given, or the database fails.
pub fn break_lock(database: &DatabaseTarget, by: &str, reason: &str) -> Result<TakenLock, EngineError> {
    let store = open(database)?;
    Ok(locks::break_lock(&store, by, reason)?.into())
}
