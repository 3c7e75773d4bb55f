//! How much of everything there is.

use diesel::RunQueryDsl as _;
use diesel::deserialize::Queryable;
use diesel::sql_types::BigInt;

use crate::conn::{AnyConnection, ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;

/// Counts of the whole database, private climbs included: for whoever synchronises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct SyncStats {
    /// Gyms.
    pub gyms: i64,
    /// Faces.
    pub faces: i64,
    /// Holds, retired ones included.
    pub holds: i64,
    /// Climbs.
    pub climbs: i64,
    /// People.
    pub users: i64,
    /// Climbs that Stokt knows too.
    pub climbs_synced: i64,
    /// Climbs that are known here only.
    pub climbs_local: i64,
}

/// Counts everything, in one statement.
///
/// # Errors
/// When the database fails.
pub fn sync_stats(conn: &mut ReadConn<'_>) -> Result<SyncStats, StoreError> {
    // The few local climbs have an index of their own, so that two passes over all climbs are enough.
    let sql = Fragment::new(
        "SELECT (SELECT count(*) FROM gyms), (SELECT count(*) FROM faces), (SELECT count(*) FROM holds), \
         (SELECT count(*) FROM climbs), (SELECT count(*) FROM users), \
         (SELECT count(*) FROM climbs) - (SELECT count(*) FROM climbs WHERE stokt_id IS NULL), \
         (SELECT count(*) FROM climbs WHERE stokt_id IS NULL)",
    );
    let statement = sql.selecting::<(BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt)>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// Lets PostgreSQL look at the tables again after much was written, by which it plans; it would do so by itself, but
/// minutes later. SQLite's ways to the data are chosen here and need no statistics.
///
/// # Errors
/// When the database fails.
pub fn refresh_statistics(conn: &mut WriteConn<'_>) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = conn.any() {
        diesel::sql_query("ANALYZE").execute(c)?;
    }
    Ok(())
}
