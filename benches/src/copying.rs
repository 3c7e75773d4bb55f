//! What SQLite alone needs for the rows of an imported board: a new database with our tables, and the rows copied into
//! it from the file that holds them. No import can be faster, since nothing is downloaded, read or compared here.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use mastoc_storage::{DatabaseTarget, Store, StoreOptions};

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// How long it takes to make the tables in the new file `to`, and to copy the rows of `from` into them and close the
/// file. As safe as an import's transactions, but without looking for what the rows refer to.
pub(crate) fn copy_rows(from: &Path, to: &Path) -> io::Result<(Duration, Duration)> {
    let started = Instant::now();
    let target: DatabaseTarget = format!("sqlite://{}", to.display()).parse().map_err(io::Error::other)?;
    drop(Store::open(&target, &StoreOptions::default()).map_err(io::Error::other)?);
    let made = started.elapsed();

    let mut connection = SqliteConnection::establish(&to.to_string_lossy()).map_err(io::Error::other)?;
    let prepare = format!(
        "PRAGMA foreign_keys=OFF; PRAGMA synchronous=FULL; ATTACH '{}' AS imported",
        from.to_string_lossy().replace('\'', "''")
    );
    connection.batch_execute(&prepare).map_err(io::Error::other)?;
    let tables: Vec<Name> = sql_query(
        "SELECT name FROM imported.sqlite_master
         WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '!_!_%' ESCAPE '!'",
    )
    .load(&mut connection)
    .map_err(io::Error::other)?;
    let copies = tables
        .iter()
        .map(|Name { name }| format!("INSERT OR IGNORE INTO main.{name} SELECT * FROM imported.{name};"));
    let all = format!("BEGIN IMMEDIATE; {} COMMIT", copies.collect::<String>());

    let started = Instant::now();
    connection.batch_execute(&all).map_err(io::Error::other)?;
    drop(connection);
    Ok((made, started.elapsed()))
}
