//! The runs that were, told in short: their reports may be long.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use mastoc_domain::{RunId, Timestamp};
use serde_json::Value;

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::runs::RunStatus;
use crate::types::{DbTime, DbUuid, Id, Time};

/// A run in short.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    /// Its id.
    pub id: RunId,
    /// Which way it moved data, as the table's word.
    pub direction: String,
    /// How much it looked at, as the table's word.
    pub mode: String,
    /// The other side.
    pub origin: String,
    /// How it stands.
    pub status: RunStatus,
    /// How it ended, in the report's word.
    pub ending: Option<String>,
    /// What ended it early.
    pub error: Option<String>,
    /// What the report counts.
    pub counts: Option<Value>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

type Columns = (
    DbUuid,
    Text,
    Text,
    Text,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    DbTime,
    Nullable<DbTime>,
);

#[derive(Queryable)]
struct Row {
    id: Id,
    direction: String,
    mode: String,
    origin: String,
    status: String,
    ending: Option<String>,
    error: Option<String>,
    counts: Option<String>,
    started_at: Time,
    finished_at: Option<Time>,
}

fn select() -> Fragment {
    Fragment::new(
        "SELECT r.id, r.direction, r.mode, r.origin, r.status, r.report ->> 'ending', r.report ->> 'error', \
         CAST(r.report -> 'counts' AS TEXT), r.started_at, r.finished_at FROM sync_runs r",
    )
}

fn load(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<PastRun>, StoreError> {
    let statement = sql.selecting::<Columns>();
    let rows: Vec<Row> = on_backend!(conn, |c| statement.load(c))?;
    rows.into_iter()
        .map(|row| {
            Ok(PastRun {
                id: RunId(row.id.0),
                direction: row.direction,
                mode: row.mode,
                origin: row.origin,
                status: RunStatus::from_word(&row.status)?,
                ending: row.ending,
                error: row.error,
                counts: row.counts.and_then(|text| serde_json::from_str(&text).ok()),
                started_at: row.started_at.0,
                finished_at: row.finished_at.map(|time| time.0),
            })
        })
        .collect()
}

const NEWEST_FIRST: &str = " ORDER BY r.started_at DESC, r.id DESC LIMIT ";

/// Runs, the newest first: at most `limit` after leaving out `offset`.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut ReadConn<'_>, offset: i64, limit: i64) -> Result<Vec<PastRun>, StoreError> {
    let mut sql = select();
    sql.sql(NEWEST_FIRST).big(limit.max(0)).sql(" OFFSET ").big(offset.max(0));
    load(conn, sql)
}

/// How many runs there were.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>) -> Result<i64, StoreError> {
    let statement = Fragment::new("SELECT count(*) FROM sync_runs").selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// The latest run that did all that could be done.
///
/// # Errors
/// When the database fails.
pub fn latest_success(conn: &mut ReadConn<'_>) -> Result<Option<PastRun>, StoreError> {
    let mut sql = select();
    sql.sql(" WHERE r.status IN (").text(RunStatus::Done.as_str()).sql(", ");
    sql.text(RunStatus::Waiting.as_str()).sql(")").sql(NEWEST_FIRST).big(1);
    Ok(load(conn, sql)?.pop())
}
