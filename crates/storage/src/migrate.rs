//! Bringing a database's schema up to date, and refusing one that a newer program wrote.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::sql_types::Bool;
use diesel::{RunQueryDsl as _, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::conn::AnyConnection;
use crate::error::StoreError;

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

type MigrationError = Box<dyn std::error::Error + Send + Sync>;

/// Runs the migrations that the database lacks. Two programs that start at once take turns.
pub(crate) fn run_pending(connection: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
    match connection {
        AnyConnection::Postgres(c) => {
            c.batch_execute("SELECT pg_advisory_lock(hashtext('mastoc.migrate'))")?;
            let outcome = apply_postgres(c);
            c.batch_execute("SELECT pg_advisory_unlock(hashtext('mastoc.migrate'))")?;
            outcome
        }
        AnyConnection::Sqlite(c) => {
            // A database that is up to date is only read, so that opening it never waits for a writer.
            refuse_newer(&c.applied_migrations().map_err(failed)?, &versions(&SQLITE)?)?;
            if !c.has_pending_migration(SQLITE).map_err(failed)? {
                return Ok(Vec::new());
            }
            c.exclusive_transaction(|c| {
                let names = c.run_pending_migrations(SQLITE).map_err(Trouble::Migration)?;
                Ok(names.iter().map(ToString::to_string).collect())
            })
            .map_err(|trouble| match trouble {
                Trouble::Migration(error) => failed(error),
                Trouble::Database(error) => StoreError::from(error),
            })
        }
    }
}

/// Whether migrations ever ran here. Asking diesel for them would create the table that it keeps them in.
fn is_begun(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    Ok(match connection {
        AnyConnection::Postgres(c) => {
            diesel::select(sql::<Bool>("to_regclass('__diesel_schema_migrations') IS NOT NULL"))
                .get_result(c)?
        }
        AnyConnection::Sqlite(c) => diesel::select(sql::<Bool>(
            "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')",
        ))
        .get_result(c)?,
    })
}

/// Refuses a file of SQLite that holds something and has never seen a migration of ours, before anything is changed in
/// it. One statement, since another program of ours may be making the database just now.
///
/// # Errors
/// [`StoreError::Unusable`] for another program's file; or the database's failure.
pub(crate) fn refuse_another_s(c: &mut SqliteConnection) -> Result<(), StoreError> {
    let is_another_s: bool = diesel::select(sql::<Bool>(
        "EXISTS (SELECT 1 FROM sqlite_master)
         AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')",
    ))
    .get_result(c)?;
    if is_another_s { Err(another_s()) } else { Ok(()) }
}

fn another_s() -> StoreError {
    StoreError::Unusable(
        "the database is another program's, and stays as it is; name another one, or an empty one".to_owned(),
    )
}

/// Whether all migrations have run, found without changing anything; `None` where none has.
pub(crate) fn is_current(connection: &mut AnyConnection) -> Result<Option<bool>, StoreError> {
    if !is_begun(connection)? {
        return Ok(None);
    }
    let (applied, pending) = match connection {
        AnyConnection::Postgres(c) => {
            (c.applied_migrations().map_err(failed)?, c.has_pending_migration(POSTGRES).map_err(failed)?)
        }
        AnyConnection::Sqlite(c) => {
            (c.applied_migrations().map_err(failed)?, c.has_pending_migration(SQLITE).map_err(failed)?)
        }
    };
    refuse_newer(&applied, &versions(&SQLITE)?)?;
    Ok((!applied.is_empty()).then_some(!pending))
}

/// Programs may share a database of PostgreSQL, as long as they name their tables differently. Whoever comes here holds
/// the lock, so that half of ours is not taken for another's.
fn apply_postgres(c: &mut diesel::PgConnection) -> Result<Vec<String>, StoreError> {
    let is_another_s: bool = diesel::select(sql::<Bool>(
        "to_regclass('__diesel_schema_migrations') IS NULL
         AND (to_regclass('climbs') IS NOT NULL OR to_regclass('gyms') IS NOT NULL)",
    ))
    .get_result(c)?;
    if is_another_s {
        return Err(another_s());
    }
    refuse_newer(&c.applied_migrations().map_err(failed)?, &versions(&POSTGRES)?)?;
    let names = c.run_pending_migrations(POSTGRES).map_err(failed)?;
    Ok(names.iter().map(ToString::to_string).collect())
}

enum Trouble {
    Migration(MigrationError),
    Database(diesel::result::Error),
}

impl From<diesel::result::Error> for Trouble {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

fn failed(error: MigrationError) -> StoreError {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => StoreError::from(*error),
        Err(error) => {
            let text = error.to_string();
            StoreError::Unusable(format!(
                "cannot bring the database up to date: {}",
                crate::error::explain(&text)
            ))
        }
    }
}

fn versions(embedded: &EmbeddedMigrations) -> Result<Vec<String>, StoreError> {
    use diesel::migration::MigrationSource as _;
    let migrations: Vec<Box<dyn diesel::migration::Migration<diesel::sqlite::Sqlite>>> =
        embedded.migrations().map_err(failed)?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

fn refuse_newer(
    applied: &[diesel::migration::MigrationVersion<'static>],
    known: &[String],
) -> Result<(), StoreError> {
    let newest_known = known.iter().max().cloned().unwrap_or_default();
    match applied.iter().map(ToString::to_string).filter(|version| !known.contains(version)).max() {
        Some(found) => Err(StoreError::TooNew { found, known: newest_known }),
        None => Ok(()),
    }
}
