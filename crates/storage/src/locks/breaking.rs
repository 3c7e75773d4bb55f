//! Taking the lock from a run that hangs.

use diesel::prelude::*;

use super::{LockHolder, NAME, holder, is_held};
use crate::conn::{AnyConnection, WriteConn, on_backend};
use crate::error::StoreError;
use crate::runs::RunStatus;
use crate::schema::{sync_locks, sync_runs};
use crate::store::Store;
use crate::types::{Id, Time};

/// The sessions that hold the advisory lock of synchronisation in this PostgreSQL database: the part of a statement
/// from `FROM` on.
pub(super) const HOLDERS: &str = " FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted \
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.objsubid = 1 \
    AND l.classid::bigint = ((hashtext('mastoc.sync')::bigint >> 32) & 4294967295) \
    AND l.objid::bigint = (hashtext('mastoc.sync')::bigint & 4294967295)";

/// What became of a lock that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// From whom it was taken.
    pub holder: LockHolder,
    /// Whether the next run can begin at once. If not, the process that holds the lock's file still lives: it can write
    /// nothing any more and stops at its next attempt; one that does not must be ended by hand.
    pub is_free: bool,
}

/// Takes the lock from the run that holds it: from this moment that run can commit nothing any more. Who did it and why
/// stays on record. On PostgreSQL the session that holds the lock is ended, too.
///
/// # Errors
/// [`StoreError::Invalid`] when no reason is given or nobody holds the lock, or the database's failure.
pub fn break_lock(store: &Store, by: &str, reason: &str) -> Result<Broken, StoreError> {
    if reason.trim().is_empty() {
        return Err(StoreError::Invalid("say why the lock is to be broken".to_owned()));
    }
    let held = store.read(holder)?;
    let Some(held) = held.filter(|held| held.released_at.is_none()) else {
        return Err(StoreError::Invalid("nobody holds the lock; there is nothing to break".to_owned()));
    };
    if !is_held(store)? {
        return Err(StoreError::Invalid(format!(
            "nobody holds the lock any more: {} ended without giving it back, and the next run can begin",
            held.owner
        )));
    }
    end_session(store)?;
    store.write(|conn| take_away(conn, &held, by, reason))?;
    let is_free = !is_held(store)?;
    Ok(Broken { holder: held, is_free })
}

/// Ends the PostgreSQL session that holds the lock. Transactions of its run in other sessions are waited for by
/// [`take_away`].
fn end_session(store: &Store) -> Result<(), StoreError> {
    store.read(|conn| {
        if let AnyConnection::Postgres(c) = conn.any() {
            // The second argument waits until it has ended.
            let sql = format!("SELECT pg_terminate_backend(l.pid, 5000){HOLDERS}");
            diesel::sql_query(sql).execute(c)?;
        }
        Ok(())
    })
}

fn take_away(conn: &mut WriteConn<'_>, held: &LockHolder, by: &str, reason: &str) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let taken = on_backend!(conn, |c| diesel::update(sync_locks::table.find(NAME))
        .filter(sync_locks::fence.eq(held.fence))
        .set((
            sync_locks::fence.eq(sync_locks::fence + 1),
            sync_locks::released_at.eq(Some(now)),
            sync_locks::broken_at.eq(Some(now)),
            sync_locks::breaker.eq(Some(by)),
            sync_locks::broken_reason.eq(Some(reason)),
        ))
        .execute(c))?;
    if taken == 0 {
        return Err(StoreError::Invalid(
            "another run has taken the lock in the meantime; look again".to_owned(),
        ));
    }
    note_in_run(conn, by, reason)
}

/// The run under this lock is over. Older ones that have not ended were killed.
fn note_in_run(conn: &mut WriteConn<'_>, by: &str, reason: &str) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let running = sync_runs::table.filter(sync_runs::status.eq(RunStatus::Running.as_str()));
    let latest: Option<Id> = on_backend!(conn, |c| running
        .order((sync_runs::started_at.desc(), sync_runs::id.desc()))
        .select(sync_runs::id)
        .first(c)
        .optional())?;
    let Some(run) = latest else { return Ok(()) };
    let report = serde_json::json!({
        "error": format!("the lock was broken by {by}: {reason}"),
        "lock_broken": { "at": now.0, "by": by, "reason": reason },
    });
    on_backend!(conn, |c| diesel::update(sync_runs::table.find(run))
        .set((
            sync_runs::status.eq(RunStatus::Interrupted.as_str()),
            sync_runs::finished_at.eq(Some(now)),
            sync_runs::report.eq(Some(&report)),
        ))
        .execute(c))?;
    Ok(())
}
