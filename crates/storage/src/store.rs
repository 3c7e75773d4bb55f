//! The open database: pooled reading, one-transaction writing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::QueryResult;
use diesel::connection::{
    AnsiTransactionManager, SimpleConnection as _, TransactionManager as _, TransactionManagerStatus,
};
use diesel::r2d2::Pool;
use diesel::result::Error as DieselError;

use crate::changes;
use crate::conn::{AnyConnection, ReadConn, WriteConn};
use crate::error::StoreError;
use crate::group::Writer;
use crate::migrate;
use crate::pool::{Manager, Timeouts};
use crate::reader::Reader;
use crate::target::DatabaseTarget;

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Connections kept for reading (SQLite) or for everything (PostgreSQL).
    pub connections: u32,
    /// How long to wait for a free connection.
    pub acquire_timeout: Duration,
    /// How long to wait while another program writes to the SQLite file.
    pub busy_timeout: Duration,
    /// How long one PostgreSQL statement may take.
    pub statement_timeout: Duration,
    /// How many bytes of the SQLite file are read through the memory map instead of being copied. They count as the
    /// program's memory as long as the system has room for them; 0 for whoever must stay small.
    pub memory_map: u64,
    /// After how many written pages SQLite brings its journal into the file. More means less writing for whoever
    /// writes the same pages again and again, and a larger journal.
    pub checkpoint_pages: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            connections: 8,
            acquire_timeout: Duration::from_secs(10),
            busy_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(60),
            memory_map: 0,
            checkpoint_pages: 1000,
        }
    }
}

struct Inner {
    manager: Manager,
    pool: Pool<Manager>,
    /// SQLite has one writer: a second connection would only wait inside the database.
    writer: Option<Writer>,
}

/// An open database whose schema is up to date. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("target", &self.inner.manager.target).finish_non_exhaustive()
    }
}

fn manager(target: &DatabaseTarget, options: &StoreOptions) -> Manager {
    Manager {
        target: target.clone(),
        timeouts: Timeouts { busy: options.busy_timeout, statement: options.statement_timeout },
        memory_map: options.memory_map,
        checkpoint_pages: options.checkpoint_pages,
        statements: Arc::new(AtomicU64::new(0)),
    }
}

impl Store {
    /// Opens the database, creating the SQLite file where there is none, and runs the migrations it lacks.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the target is no database of ours, [`StoreError::TooNew`] when a newer program
    /// wrote it, [`StoreError::Unavailable`] when it cannot be reached.
    pub fn open(target: &DatabaseTarget, options: &StoreOptions) -> Result<Self, StoreError> {
        let manager = manager(target, options);
        let mut first = manager.open_if(migrate::refuse_another_s)?;
        migrate::run_pending(&mut first)?;
        Self::with(manager, first, options)
    }

    /// Opens an existing database as it is, for somebody who must not change anything in it. `None`: there is none, or
    /// nothing of ours in it yet.
    ///
    /// # Errors
    /// As [`Store::open`]; and [`StoreError::Unusable`] when migrations are missing.
    pub fn open_as_it_is(
        target: &DatabaseTarget,
        options: &StoreOptions,
    ) -> Result<Option<Self>, StoreError> {
        // To open such a file would already write to it.
        if target.is_no_file_yet() {
            return Ok(None);
        }
        let manager = manager(target, options);
        let mut first = manager.open_if(migrate::refuse_another_s)?;
        match migrate::is_current(&mut first)? {
            None => Ok(None),
            Some(true) => Self::with(manager, first, options).map(Some),
            Some(false) => Err(StoreError::Unusable(
                "the database is older than this program, and may not be changed here; bring it up to date first: \
                 mastoc-server migrate"
                    .to_owned(),
            )),
        }
    }

    fn with(manager: Manager, mut first: AnyConnection, options: &StoreOptions) -> Result<Self, StoreError> {
        let writer = match &mut first {
            AnyConnection::Sqlite(c) => {
                // What was answered survives a power cut: each commit waits for the disk.
                c.batch_execute("PRAGMA synchronous = FULL")?;
                Some(Writer::new(first))
            }
            AnyConnection::Postgres(_) => None,
        };
        let pool = Pool::builder()
            .max_size(options.connections.max(1))
            // The first one is opened when it is needed: an import needs one or two, and each reads the schema anew.
            .min_idle(Some(0))
            .test_on_check_out(writer.is_none())
            .connection_timeout(options.acquire_timeout)
            .build(manager.clone())?;
        Ok(Self { inner: Arc::new(Inner { manager, pool, writer }) })
    }

    /// Which database this is, without its password.
    #[must_use]
    pub fn target(&self) -> &DatabaseTarget {
        &self.inner.manager.target
    }

    /// How many statements all connections of this store have run; tests hold query counts with it.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.inner.manager.statements.load(Ordering::Relaxed)
    }

    /// A reader with a connection of its own. It counts beside the pool's connections.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(self.clone())
    }

    /// Opens a connection outside the pool, for something that must outlive single operations.
    pub(crate) fn own_connection(&self) -> Result<AnyConnection, StoreError> {
        self.inner.manager.open()
    }

    /// Reads. Each query sees what was committed before it; for several queries that must agree, use
    /// [`Store::snapshot`].
    ///
    /// # Errors
    /// What `work` answers, or [`StoreError::Unavailable`] when no connection is free.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut ReadConn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.inner.pool.get().map_err(StoreError::from)?;
        work(&mut ReadConn::new(&mut connection))
    }

    /// Reads one consistent state of the data, however many queries it takes.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn snapshot<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut ReadConn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.inner.pool.get().map_err(StoreError::from)?;
        in_transaction(&mut connection, Mode::Snapshot, |connection| work(&mut ReadConn::new(connection)))
    }

    /// Writes in one transaction: all of it is kept, or, on an error, nothing.
    ///
    /// # Errors
    /// What `work` answers, or the database's failure; in both cases nothing was written.
    pub fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut WriteConn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let run = |connection: &mut AnyConnection| {
            let mut conn = WriteConn::new(connection);
            let answer = work(&mut conn)?;
            changes::flush(&mut conn)?;
            Ok(answer)
        };
        match &self.inner.writer {
            Some(writer) => writer.write(run),
            None => {
                let mut connection = self.inner.pool.get().map_err(StoreError::from)?;
                in_transaction(&mut connection, Mode::Write, run)
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Snapshot,
    Write,
}

/// Runs `work` in a transaction that is begun and ended by hand, through diesel's transaction manager: the work needs
/// the whole enum, while diesel's own `transaction` lends out one variant.
fn in_transaction<T, E: From<StoreError>>(
    connection: &mut AnyConnection,
    mode: Mode,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    begin_clean(connection, mode).map_err(|error| E::from(StoreError::from(error)))?;
    match work(connection) {
        Ok(answer) => match commit(connection) {
            Ok(()) => Ok(answer),
            Err(error) => {
                // diesel rolled back already, unless that failed too.
                end(connection);
                Err(E::from(StoreError::from(error)))
            }
        },
        Err(error) => {
            end(connection);
            Err(error)
        }
    }
}

/// Begins a transaction. SQLite's writer is shared and outlives a panic in the midst of its work; what is left of that
/// work is undone here.
pub(crate) fn begin_clean(connection: &mut AnyConnection, mode: Mode) -> QueryResult<()> {
    match begin(connection, mode) {
        Err(DieselError::AlreadyInTransaction | DieselError::BrokenTransactionManager) => {
            reset(connection);
            begin(connection, mode)
        }
        begun => begun,
    }
}

fn begin(connection: &mut AnyConnection, mode: Mode) -> QueryResult<()> {
    match (connection, mode) {
        (AnyConnection::Postgres(c), Mode::Snapshot) => AnsiTransactionManager::begin_transaction_sql(
            c,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ),
        (AnyConnection::Postgres(c), Mode::Write) => {
            AnsiTransactionManager::begin_transaction_sql(c, "BEGIN")
        }
        (AnyConnection::Sqlite(c), Mode::Snapshot) => {
            AnsiTransactionManager::begin_transaction_sql(c, "BEGIN")
        }
        // Taking the write lock at once: a reader that becomes a writer later can be refused without a wait.
        (AnyConnection::Sqlite(c), Mode::Write) => {
            AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")
        }
    }
}

pub(crate) fn commit(connection: &mut AnyConnection) -> QueryResult<()> {
    match connection {
        AnyConnection::Postgres(c) => AnsiTransactionManager::commit_transaction(c),
        AnyConnection::Sqlite(c) => AnsiTransactionManager::commit_transaction(c),
    }
}

/// Rolls back, whatever is left of the transaction.
pub(crate) fn end(connection: &mut AnyConnection) {
    let ended = match connection {
        AnyConnection::Postgres(c) => AnsiTransactionManager::rollback_transaction(c),
        AnyConnection::Sqlite(c) => AnsiTransactionManager::rollback_transaction(c),
    };
    match ended {
        // No transaction is open any more: a failed commit was rolled back already.
        Ok(()) | Err(DieselError::NotInTransaction) => {}
        Err(error) => {
            // SQLite ends a transaction by itself after some failures (a full disk), and a lost PostgreSQL
            // connection cannot roll back: the server did.
            tracing::debug!(%error, "the transaction was ended by the database itself");
            reset(connection);
        }
    }
}

/// Brings a connection to SQLite back to a usable state, in no transaction. One to PostgreSQL is left as it is: the
/// pool throws it away.
fn reset(connection: &mut AnyConnection) {
    if let AnyConnection::Sqlite(c) = connection {
        // Fails when SQLite rolled back by itself, which is as good.
        let _already_over = c.batch_execute("ROLLBACK");
        *AnsiTransactionManager::transaction_manager_status_mut(c) = TransactionManagerStatus::default();
    }
}

#[cfg(test)]
mod tests;
