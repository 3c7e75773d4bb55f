//! Bringing a database's schema up to date, and refusing one that a newer program wrote.

use diesel::connection::SimpleConnection as _;
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

/// Whether all migrations have run, found without changing anything; `None` where none has.
pub(crate) fn is_current(connection: &mut AnyConnection) -> Result<Option<bool>, StoreError> {
    use diesel::RunQueryDsl as _;
    use diesel::dsl::sql;
    use diesel::sql_types::Bool;
    // Asking diesel for the migrations would create the table that it keeps them in.
    let begun: bool = match connection {
        AnyConnection::Postgres(c) => {
            diesel::select(sql::<Bool>("to_regclass('__diesel_schema_migrations') IS NOT NULL"))
                .get_result(c)?
        }
        AnyConnection::Sqlite(c) => diesel::select(sql::<Bool>(
            "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')",
        ))
        .get_result(c)?,
    };
    if !begun {
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

fn apply_postgres(c: &mut diesel::PgConnection) -> Result<Vec<String>, StoreError> {
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
