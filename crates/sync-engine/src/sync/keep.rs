//! What an operator asks beside synchronising: how it stands, what was done, what waits, and settling it.
//!
//! Every answer prints as JSON, whose fields only ever grow, and as a short table for people. Nothing here asks Stokt
//! anything, but [`verify`] where it is given a client.

mod answers;
mod tables;
mod verify;

use std::time::Duration;

use mastoc_domain::conflict::Take;
use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::Direction;
use mastoc_domain::{ClimbId, Timestamp};
use mastoc_storage::conflicts::Which;
use mastoc_storage::import::ImportContext;
use mastoc_storage::run_history::{self, Covering};
use mastoc_storage::{
    DatabaseTarget, RunLock, Store, StoreError, StoreOptions, locks, sync_status, unlinking,
};
use uuid::Uuid;

use crate::error::EngineError;

pub use answers::{
    Conflicts, History, LockJson, Outbox, OutboxRow, PastRunJson, Resolved, Status, TakenLock, Unlinked,
    WatermarkJson,
};
pub use verify::{Verified, verify};

/// Opens a database of ours that is there already; nothing is made or migrated.
fn open(database: &DatabaseTarget) -> Result<Store, EngineError> {
    let missing = matches!(database, DatabaseTarget::Sqlite(path) if !path.exists());
    let options = StoreOptions { connections: 2, ..StoreOptions::default() };
    let store = if missing { None } else { Store::open_as_it_is(database, &options)? };
    store.ok_or_else(|| {
        StoreError::Unusable(format!("there is no board in {database} yet; a pull makes one")).into()
    })
}

/// Takes the lock of the database for something that a person does, waiting for `patience` at most.
fn locked(store: &Store, owner: &str, patience: Duration) -> Result<RunLock, EngineError> {
    if let Some(lock) = RunLock::acquire(store, owner, patience, &|| false)? {
        return Ok(lock);
    }
    Err(EngineError::Locked { holder: holder_words(store)? })
}

/// Who holds the lock, for whoever waits.
///
/// # Errors
/// When the database fails.
pub fn holder_words(store: &Store) -> Result<String, EngineError> {
    let holder = store.read(locks::holder)?;
    Ok(holder.map_or_else(
        || "unknown".to_owned(),
        |holder| format!("{}, since {}", holder.owner, holder.acquired_at),
    ))
}

fn context(lock: &RunLock) -> ImportContext<'static> {
    ImportContext { fence: Some(lock.fence()), ..ImportContext::default() }
}

/// "Not found" of something that has a name.
fn none_such(what: impl FnOnce() -> String) -> impl FnOnce(StoreError) -> EngineError {
    move |error| match error {
        StoreError::NotFound => StoreError::Invalid(what()).into(),
        error => error.into(),
    }
}

/// How synchronising stands. `now` is this machine's time, which the lag is measured by.
///
/// # Errors
/// When the database cannot be used.
pub fn status(database: &DatabaseTarget, now: Timestamp) -> Result<Status, EngineError> {
    let store = open(database)?;
    Ok(Status::new(database, &sync_status::read(&store)?, now))
}

/// The runs that were, the newest first.
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

/// The conflicts that wait for a person, or with `all` those that were settled as well; the oldest first.
///
/// # Errors
/// When the database cannot be used.
pub fn conflicts(
    database: &DatabaseTarget,
    all: bool,
    offset: i64,
    limit: i64,
) -> Result<Conflicts, EngineError> {
    use mastoc_storage::conflicts;
    let store = open(database)?;
    let which = if all { Which::All } else { Which::Open };
    let (count, list) = store.snapshot(|conn| {
        Ok::<_, StoreError>((conflicts::count(conn, which)?, conflicts::list(conn, which, offset, limit)?))
    })?;
    Ok(Conflicts { count, offset, conflicts: list.into_iter().map(Into::into).collect() })
}

/// Settles a conflict. `owner`: who does it, in words for whoever waits for the lock meanwhile.
///
/// # Errors
/// [`EngineError::Locked`] when a run is under way for longer than `patience`; when there is no such conflict, it was
/// settled before, or the database fails.
pub fn resolve(
    database: &DatabaseTarget,
    id: Uuid,
    take: Take,
    owner: &str,
    patience: Duration,
) -> Result<Resolved, EngineError> {
    let store = open(database)?;
    let lock = locked(&store, owner, patience)?;
    let resolved = store.write(|conn| mastoc_storage::conflicts::resolve(conn, &context(&lock), id, take));
    Ok(resolved.map_err(none_such(|| format!("there is no conflict {id}")))?.into())
}

/// What waits to be sent to Stokt, or was sent and came to nothing; the newest first. `states`: none for all.
///
/// # Errors
/// When the database cannot be used.
pub fn outbox(
    database: &DatabaseTarget,
    states: &[OutboxState],
    before: Option<Uuid>,
    limit: i64,
) -> Result<Outbox, EngineError> {
    use mastoc_storage::outbox;
    let store = open(database)?;
    let (counts, rows) = store.snapshot(|conn| {
        Ok::<_, StoreError>((outbox::counts(conn)?, outbox::page(conn, states, before, limit)?))
    })?;
    Ok(Outbox { counts, rows: rows.into_iter().map(Into::into).collect() })
}

/// Makes a linked climb a local one. `owner` and `patience` as for [`resolve`].
///
/// # Errors
/// As [`resolve`]; and when the climb is not linked, or something was sent of it of which nobody knows what became.
pub fn unlink(
    database: &DatabaseTarget,
    climb: ClimbId,
    owner: &str,
    patience: Duration,
) -> Result<Unlinked, EngineError> {
    let store = open(database)?;
    let lock = locked(&store, owner, patience)?;
    let unlinked =
        store.write(|conn| unlinking::unlink(conn, &context(&lock), climb, Direction::MastocToStokt));
    Ok(unlinked.map_err(none_such(|| format!("there is no climb {climb}")))?.into())
}

/// Takes the lock from the run that holds it; that run can write nothing any more. `by` and `reason` stay on record.
///
/// # Errors
/// When nobody holds the lock, no reason is given, or the database fails.
pub fn break_lock(database: &DatabaseTarget, by: &str, reason: &str) -> Result<TakenLock, EngineError> {
    let store = open(database)?;
    Ok(locks::break_lock(&store, by, reason)?.into())
}

/// When the last successful run began that did what is asked for again, if that is less than `interval` ago: then there
/// is nothing to do yet. A database that is not there yet was never synchronised.
///
/// # Errors
/// When the database cannot be used.
pub fn done_lately(
    database: &DatabaseTarget,
    covering: Covering<'_>,
    interval: Duration,
    now: Timestamp,
) -> Result<Option<Timestamp>, EngineError> {
    if matches!(database, DatabaseTarget::Sqlite(path) if !path.exists()) {
        return Ok(None);
    }
    let options = StoreOptions { connections: 1, ..StoreOptions::default() };
    // One that is older than this program is brought up to date by the run.
    let Ok(Some(store)) = Store::open_as_it_is(database, &options) else { return Ok(None) };
    let last = store.read(|conn| run_history::latest_success(conn, covering))?;
    Ok(last.map(|run| run.started_at).filter(|began| {
        let age = now.as_utc().signed_duration_since(began.as_utc());
        // A run that began in the future was written by a clock that was wrong.
        age.to_std().is_ok_and(|age| age < interval)
    }))
}
