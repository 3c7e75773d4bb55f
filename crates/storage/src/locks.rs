//! One run at a time per database, and fencing: a run that lost the lock cannot write any more.
//!
//! The lock itself ends with its process however that dies: an advisory lock on PostgreSQL, a lock on a file beside
//! the database for SQLite. The row in `sync_locks` shows who runs and carries the fencing number.

mod breaking;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::conn::{AnyConnection, ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::sync_locks;
use crate::store::Store;
use crate::target::DatabaseTarget;
use crate::types::Time;

pub use breaking::{Broken, break_lock};

const NAME: &str = "sync";
/// Whoever looks whether the lock is held takes its file for an instant, and PostgreSQL needs an instant to notice that
/// a process died; a run is not turned away for that.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
/// How often a run that waits for the lock tries to take it.
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Held while a run works; dropping it lets the next run begin.
pub struct RunLock {
    store: Store,
    fence: i64,
    held: Held,
}

enum Held {
    File { _file: File },
    Session { connection: Box<AnyConnection> },
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
    /// Until when, if it was given back, or broken.
    pub released_at: Option<mastoc_domain::Timestamp>,
    /// Who last took the lock from a run.
    pub broken: Option<LockBroken>,
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, since {}", self.owner, self.acquired_at)
    }
}

/// That somebody took the lock from a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockBroken {
    /// When.
    pub at: mastoc_domain::Timestamp,
    /// Who, in words of their own.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The lock as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockState {
    /// Who holds it, or held it last; `None` when nobody ever did.
    pub holder: Option<LockHolder>,
    /// Whether it is held right now. A holder that was killed holds it no more.
    pub is_held: bool,
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
            DatabaseTarget::Sqlite(path) => match take_file(path)? {
                Some(file) => Held::File { _file: file },
                None => return Ok(None),
            },
            DatabaseTarget::Postgres(_) => {
                let mut connection = store.own_connection()?;
                if !take_session(&mut connection)? {
                    return Ok(None);
                }
                Held::Session { connection: Box::new(connection) }
            }
        };
        let fence = store.write(|conn| take_fence(conn, owner))?;
        Ok(Some(Self { store: store.clone(), fence, held }))
    }

    /// Takes the lock, and waits for it for `patience` at most when another run holds it; `None` when that was not long
    /// enough, or `is_cancelled` says that nobody wants it any more.
    ///
    /// # Errors
    /// As [`RunLock::try_acquire`].
    pub fn acquire(
        store: &Store,
        owner: &str,
        patience: Duration,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, StoreError> {
        let began = Instant::now();
        loop {
            if let Some(lock) = Self::try_acquire(store, owner)? {
                return Ok(Some(lock));
            }
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() || is_cancelled() {
                return Ok(None);
            }
            std::thread::sleep(left.min(BETWEEN_TRIES));
        }
    }

    /// The number that this run's writes must carry.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.fence
    }
}

/// Takes the lock file beside a SQLite database; `None` when another process has it.
fn take_file(database: &Path) -> Result<Option<File>, StoreError> {
    let mut name = database.to_path_buf().into_os_string();
    name.push(".sync-lock");
    let unusable = |error: std::io::Error| {
        StoreError::Unusable(format!("cannot use the lock file {}: {error}", name.display()))
    };
    let file = File::options().create(true).truncate(false).write(true).open(&name).map_err(unusable)?;
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_LOOKS),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
    }
    Ok(None)
}

/// Takes the lock for a session of PostgreSQL; false when another session has it.
fn take_session(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    for look in 0..LOOKS {
        if look > 0 {
            std::thread::sleep(BETWEEN_LOOKS);
        }
        if ask(connection, "SELECT pg_try_advisory_lock(hashtext('mastoc.sync')) AS got")? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Asks PostgreSQL something whose answer is yes or no, in the column `got`.
fn ask(connection: &mut AnyConnection, sql: &str) -> Result<bool, StoreError> {
    let query = diesel::sql_query(sql);
    let mut read = ReadConn::new(connection);
    let got: Got = on_backend!(read, |c| query.get_result(c))?;
    Ok(got.got)
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
        if let Held::Session { connection } = &mut self.held {
            // The end of the session would give it back too, some time after this.
            let unlock = "SELECT pg_advisory_unlock(hashtext('mastoc.sync')) AS got";
            if let Err(error) = ask(connection, unlock) {
                tracing::debug!(%error, "the session of the lock is over already");
            }
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

/// Refuses to go on when another run has taken the lock since; call it first in each of a run's transactions. Until
/// the transaction ends, nobody can take the lock over: there is no moment between this question and the commit.
///
/// # Errors
/// [`StoreError::Fenced`] when the lock is another's.
pub fn check_fence(conn: &mut WriteConn<'_>, fence: i64) -> Result<(), StoreError> {
    let row = sync_locks::table.find(NAME).select(sync_locks::fence);
    let current: Option<i64> = match conn.any() {
        AnyConnection::Postgres(c) => row.for_share().first(c).optional()?,
        // There is one writer at a time.
        AnyConnection::Sqlite(c) => row.first(c).optional()?,
    };
    if current == Some(fence) { Ok(()) } else { Err(StoreError::Fenced) }
}

type HolderColumns = (String, i64, Time, Option<Time>, (Option<Time>, Option<String>, Option<String>));

/// Who holds, or last held, the lock.
///
/// # Errors
/// When the database fails.
pub fn holder(conn: &mut ReadConn<'_>) -> Result<Option<LockHolder>, StoreError> {
    let row: Option<HolderColumns> = on_backend!(conn, |c| sync_locks::table
        .find(NAME)
        .select((
            sync_locks::owner,
            sync_locks::fence,
            sync_locks::acquired_at,
            sync_locks::released_at,
            (sync_locks::broken_at, sync_locks::breaker, sync_locks::broken_reason),
        ))
        .first(c)
        .optional())?;
    Ok(row.map(|(owner, fence, acquired_at, released_at, (at, by, reason))| LockHolder {
        owner,
        fence,
        acquired_at: acquired_at.0,
        released_at: released_at.map(|time| time.0),
        broken: at.map(|at| LockBroken {
            at: at.0,
            by: by.unwrap_or_default(),
            reason: reason.unwrap_or_default(),
        }),
    }))
}

/// The lock as it stands, found without keeping any run from it.
///
/// # Errors
/// When the database or the lock file cannot be used.
pub fn state(store: &Store) -> Result<LockState, StoreError> {
    let holder = store.read(holder)?;
    // Whoever gave it back does not hold it; only of the others it must be found out.
    let may_hold = holder.as_ref().is_some_and(|holder| holder.released_at.is_none());
    let is_held = may_hold && is_held(store)?;
    Ok(LockState { holder, is_held })
}

fn is_held(store: &Store) -> Result<bool, StoreError> {
    match store.target() {
        DatabaseTarget::Sqlite(path) => Ok(take_file(path)?.is_none()),
        DatabaseTarget::Postgres(_) => store.read(|conn| match conn.any() {
            AnyConnection::Postgres(c) => {
                let sql = format!("SELECT EXISTS (SELECT 1{}) AS got", breaking::HOLDERS);
                let got: Got = diesel::sql_query(sql).get_result(c)?;
                Ok(got.got)
            }
            AnyConnection::Sqlite(_) => Ok(false),
        }),
    }
}
