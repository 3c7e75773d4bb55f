//! One run at a time per database, and fencing: a run that lost the lock cannot write any more.
//!
//! The lock itself ends with its process however that dies: an advisory lock on PostgreSQL, a lock on a file beside
//! the database for SQLite. The row in `sync_locks` shows who runs and carries the fencing number.

use std::fs::{File, TryLockError};

use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::conn::{AnyConnection, ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::sync_locks;
use crate::store::Store;
use crate::target::DatabaseTarget;
use crate::types::Time;

const NAME: &str = "sync";

/// Held while a run works; dropping it lets the next run begin.
pub struct RunLock {
    store: Store,
    fence: i64,
    _held: Held,
}

enum Held {
    File { _file: File },
    Session { _connection: Box<AnyConnection> },
}

/// The present or last holder of the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// Who holds it, in words made by the holder.
    pub owner: String,
    /// The fencing number of its writes.
    pub fence: i64,
    /// Since when.
    pub acquired_at: mastoc_domain::Timestamp,
    /// Until when, if it was given back.
    pub released_at: Option<mastoc_domain::Timestamp>,
}

#[derive(QueryableByName)]
struct Got {
    #[diesel(sql_type = Bool)]
    got: bool,
}

impl RunLock {
    /// Takes the lock, or answers `None` at once when another run holds it.
    ///
    /// # Errors
    /// When the database or the lock file cannot be used.
    pub fn try_acquire(store: &Store, owner: &str) -> Result<Option<Self>, StoreError> {
        let held = match store.target() {
            DatabaseTarget::Sqlite(path) => {
                let mut name = path.clone().into_os_string();
                name.push(".sync-lock");
                let unusable = |error: std::io::Error| {
                    StoreError::Unusable(format!("cannot use the lock file {}: {error}", name.display()))
                };
                let file =
                    File::options().create(true).truncate(false).write(true).open(&name).map_err(unusable)?;
                match file.try_lock() {
                    Ok(()) => Held::File { _file: file },
                    Err(TryLockError::WouldBlock) => return Ok(None),
                    Err(TryLockError::Error(error)) => return Err(unusable(error)),
                }
            }
            DatabaseTarget::Postgres(_) => {
                let mut connection = store.own_connection()?;
                let got: Got = on_connection(&mut connection)?;
                if !got.got {
                    return Ok(None);
                }
                Held::Session { _connection: Box::new(connection) }
            }
        };
        let fence = store.write(|conn| take_fence(conn, owner))?;
        Ok(Some(Self { store: store.clone(), fence, _held: held }))
    }

    /// The number that this run's writes must carry.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.fence
    }
}

fn on_connection(connection: &mut AnyConnection) -> Result<Got, StoreError> {
    let query = diesel::sql_query("SELECT pg_try_advisory_lock(hashtext('mastoc.sync')) AS got");
    let mut read = ReadConn::new(connection);
    Ok(on_backend!(read, |c| query.get_result(c))?)
}

impl Drop for RunLock {
    fn drop(&mut self) {
        let fence = self.fence;
        let released: Result<usize, StoreError> = self.store.write(|conn| {
            let now = Time(conn.now());
            Ok(on_backend!(conn, |c| diesel::update(
                sync_locks::table.filter(sync_locks::name.eq(NAME)).filter(sync_locks::fence.eq(fence))
            )
            .set(sync_locks::released_at.eq(now))
            .execute(c))?)
        });
        if let Err(error) = released {
            tracing::warn!(%error, "the lock's row still names this run; the lock itself is free");
        }
    }
}

fn take_fence(conn: &mut WriteConn<'_>, owner: &str) -> Result<i64, StoreError> {
    let now = Time(conn.now());
    let fence = on_backend!(conn, |c| diesel::insert_into(sync_locks::table)
        .values((
            sync_locks::name.eq(NAME),
            sync_locks::owner.eq(owner),
            sync_locks::fence.eq(1_i64),
            sync_locks::acquired_at.eq(now),
            sync_locks::released_at.eq(None::<Time>),
        ))
        .on_conflict(sync_locks::name)
        .do_update()
        .set((
            sync_locks::owner.eq(owner),
            sync_locks::fence.eq(sync_locks::fence + 1),
            sync_locks::acquired_at.eq(now),
            sync_locks::released_at.eq(None::<Time>),
        ))
        .returning(sync_locks::fence)
        .get_result(c))?;
    Ok(fence)
}

/// Refuses to go on when another run has taken the lock since; call it first in each of a run's transactions.
///
/// # Errors
/// [`StoreError::Fenced`] when the lock is another's.
pub fn check_fence(conn: &mut WriteConn<'_>, fence: i64) -> Result<(), StoreError> {
    let current: Option<i64> =
        on_backend!(conn, |c| sync_locks::table.find(NAME).select(sync_locks::fence).first(c).optional())?;
    if current == Some(fence) { Ok(()) } else { Err(StoreError::Fenced) }
}

/// Who holds, or last held, the lock.
///
/// # Errors
/// When the database fails.
pub fn holder(conn: &mut ReadConn<'_>) -> Result<Option<LockHolder>, StoreError> {
    let row: Option<(String, i64, Time, Option<Time>)> = on_backend!(conn, |c| sync_locks::table
        .find(NAME)
        .select((sync_locks::owner, sync_locks::fence, sync_locks::acquired_at, sync_locks::released_at))
        .first(c)
        .optional())?;
    Ok(row.map(|(owner, fence, acquired_at, released_at)| LockHolder {
        owner,
        fence,
        acquired_at: acquired_at.0,
        released_at: released_at.map(|time| time.0),
    }))
}
