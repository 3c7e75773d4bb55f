//! Which records an unfinished listing has shown so far: the proof of completeness that survives a crash.

use diesel::prelude::*;
use mastoc_domain::{RunId, StoktId};

use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::sync_seen;
use crate::sql::chunks;
use crate::types::Id;

#[derive(Insertable)]
#[diesel(table_name = sync_seen, treat_none_as_default_value = false)]
struct Row {
    run_id: Id,
    stokt_id: String,
}

/// Adds records that the listing showed; answers how many of them were new to this run.
///
/// # Errors
/// When the database fails.
pub fn add(conn: &mut WriteConn<'_>, run: RunId, stokt_ids: &[StoktId]) -> Result<usize, StoreError> {
    let mut new = 0;
    let rows: Vec<Row> =
        stokt_ids.iter().map(|id| Row { run_id: Id(run.0), stokt_id: id.to_string() }).collect();
    for rows in chunks(&rows, 2) {
        new += on_backend!(conn, |c| diesel::insert_into(sync_seen::table)
            .values(rows)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(new)
}

/// How many different records the run's listing showed.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, run: RunId) -> Result<i64, StoreError> {
    Ok(on_backend!(conn, |c| sync_seen::table.filter(sync_seen::run_id.eq(Id(run.0))).count().get_result(c))?)
}

/// Forgets what the run's listing showed: it is complete, or starts over.
///
/// # Errors
/// When the database fails.
pub fn clear(conn: &mut WriteConn<'_>, run: RunId) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::delete(sync_seen::table.filter(sync_seen::run_id.eq(Id(run.0))))
        .execute(c))?;
    Ok(())
}
