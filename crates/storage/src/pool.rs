//! Opening connections of either database and keeping them in a pool, with the real cause when one fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::{InstrumentationEvent, SimpleConnection as _};
use diesel::r2d2::ManageConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};

use crate::conn::AnyConnection;
use crate::error::{StoreError, explain, not_connected};
use crate::target::DatabaseTarget;

/// How long SQLite waits for another program's write, and PostgreSQL for one statement.
#[derive(Debug, Clone)]
pub(crate) struct Timeouts {
    pub(crate) busy: Duration,
    pub(crate) statement: Duration,
}

/// Opens connections for the pool; counts the statements they run.
#[derive(Clone)]
pub(crate) struct Manager {
    pub(crate) target: DatabaseTarget,
    pub(crate) timeouts: Timeouts,
    pub(crate) memory_map: u64,
    pub(crate) checkpoint_pages: u32,
    pub(crate) statements: Arc<AtomicU64>,
}

impl Manager {
    /// Opens one connection, with every setting that the two databases need to behave alike.
    pub(crate) fn open(&self) -> Result<AnyConnection, StoreError> {
        self.open_if(|_| Ok(()))
    }

    /// As [`Manager::open`]; `fits` looks at a file of SQLite before any setting changes it.
    pub(crate) fn open_if(
        &self,
        fits: impl FnOnce(&mut SqliteConnection) -> Result<(), StoreError>,
    ) -> Result<AnyConnection, StoreError> {
        let count = {
            let statements = Arc::clone(&self.statements);
            move |event: InstrumentationEvent<'_>| {
                if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                    statements.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        match &self.target {
            DatabaseTarget::Sqlite(path) => {
                let unusable = |cause: &str| {
                    StoreError::Unusable(format!("cannot use the database {}: {cause}", path.display()))
                };
                let text = path.to_str().ok_or_else(|| unusable("its path is not valid Unicode"))?;
                #[cfg(unix)]
                make_private(path);
                let mut connection = SqliteConnection::establish(text)
                    .map_err(|error| unusable(&explain(&error.to_string())))?;
                let refused = |error: StoreError| match error {
                    StoreError::Unavailable(cause) => StoreError::Unavailable(cause),
                    // Its message says already what to do.
                    other => unusable(&other.to_string()),
                };
                let patience = format!("PRAGMA busy_timeout = {}", self.timeouts.busy.as_millis());
                connection.batch_execute(&patience).map_err(|error| refused(error.into()))?;
                fits(&mut connection).map_err(refused)?;
                // An empty file has nothing to lose: until the first checkpoint, a power cut leaves it empty either way.
                let careless = if self.target.is_no_file_yet() { "PRAGMA synchronous = OFF;" } else { "" };
                connection
                    .batch_execute(&format!(
                        "{careless}
                         PRAGMA journal_mode = WAL;
                         PRAGMA synchronous = NORMAL;
                         PRAGMA foreign_keys = ON;
                         PRAGMA cache_size = -16000;
                         PRAGMA temp_store = MEMORY;
                         PRAGMA mmap_size = {};
                         PRAGMA wal_autocheckpoint = {};",
                        self.memory_map, self.checkpoint_pages
                    ))
                    .map_err(|error| refused(error.into()))?;
                connection.set_instrumentation(count);
                Ok(AnyConnection::Sqlite(connection))
            }
            DatabaseTarget::Postgres(url) => {
                let mut connection = PgConnection::establish(url)
                    .map_err(|error| not_connected(&self.target, &error.to_string()))?;
                connection.batch_execute(&format!(
                    "SET TIME ZONE 'UTC'; SET statement_timeout = {}; SET client_min_messages = warning;",
                    self.timeouts.statement.as_millis()
                ))?;
                connection.set_instrumentation(count);
                Ok(AnyConnection::Postgres(connection))
            }
        }
    }
}

/// Makes a new SQLite file that only its owner can read, before SQLite makes one that everybody can: it holds hashes of
/// passwords, addresses and private climbs. SQLite gives the files beside it the same mode. One that exists keeps its own;
/// what is wrong with the place, SQLite says.
#[cfg(unix)]
fn make_private(path: &std::path::Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    drop(std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = StoreError;

    fn connect(&self) -> Result<AnyConnection, StoreError> {
        self.open()
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        match connection {
            AnyConnection::Postgres(c) => c.batch_execute("SELECT 1")?,
            AnyConnection::Sqlite(c) => c.batch_execute("SELECT 1")?,
        }
        Ok(())
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        use diesel::connection::TransactionManager as _;
        match connection {
            AnyConnection::Postgres(c) => {
                std::thread::panicking()
                    || <PgConnection as diesel::Connection>::TransactionManager::is_broken_transaction_manager(c)
            }
            AnyConnection::Sqlite(c) => {
                std::thread::panicking()
                    || <SqliteConnection as diesel::Connection>::TransactionManager::is_broken_transaction_manager(c)
            }
        }
    }
}
