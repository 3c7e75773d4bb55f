//! How synchronising stands: the last runs, what waits to be sent or decided, and who holds the lock.

use std::collections::BTreeMap;

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};
use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::SyncState;
use mastoc_domain::{StoktId, Timestamp};

use crate::climbs::Word;
use crate::conflicts::{self, Which};
use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::locks::{self, LockState};
use crate::outbox;
use crate::run_history::{self, PastRun};
use crate::runs;
use crate::store::Store;

/// Up to which moment, on the remote's clock, everything of a gym is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// Where the gym is.
    pub origin: String,
    /// Its id there.
    pub gym: StoktId,
    /// The moment.
    pub at: Timestamp,
}

/// How synchronising stands.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncStatus {
    /// The run that began last.
    pub last_run: Option<PastRun>,
    /// The last run that did all that could be done.
    pub last_success: Option<PastRun>,
    /// One for each gym of each origin.
    pub watermarks: Vec<Watermark>,
    /// How much there is in the outbox, by state.
    pub outbox: BTreeMap<OutboxState, i64>,
    /// How many conflicts wait for a person.
    pub open_conflicts: i64,
    /// How many climbs there are, by state.
    pub climbs: BTreeMap<SyncState, i64>,
    /// The lock.
    pub lock: LockState,
}

impl SyncStatus {
    /// How far what is known here is behind, in seconds: the age of the oldest watermark. `None` where no listing was
    /// ever complete. The watermark is a time of Stokt's, so this is as exact as both clocks are.
    #[must_use]
    pub fn lag_seconds(&self, now: Timestamp) -> Option<i64> {
        let oldest = self.watermarks.iter().map(|watermark| watermark.at).min()?;
        Some(now.as_utc().signed_duration_since(oldest.as_utc()).num_seconds().max(0))
    }

    /// How many rows of the outbox are in one of these states.
    #[must_use]
    pub fn outbox_in(&self, states: &[OutboxState]) -> i64 {
        states.iter().filter_map(|state| self.outbox.get(state)).sum()
    }
}

/// How synchronising stands now. Seven statements, however much there is.
///
/// # Errors
/// When the database or the lock's file cannot be used.
pub fn read(store: &Store) -> Result<SyncStatus, StoreError> {
    let lock = locks::state(store)?;
    store.snapshot(|conn| {
        let watermarks = runs::all_watermarks(conn)?;
        Ok(SyncStatus {
            last_run: run_history::page(conn, 0, 1)?.pop(),
            last_success: run_history::latest_success(conn)?,
            watermarks: watermarks
                .into_iter()
                .map(|(origin, gym, at)| Watermark { origin, gym, at })
                .collect(),
            outbox: outbox::counts(conn)?,
            open_conflicts: conflicts::count(conn, Which::Open)?,
            climbs: climbs_by_state(conn)?,
            lock,
        })
    })
}

/// Counts the climbs that are not simply in step, which an index holds; the others are the rest.
fn climbs_by_state(conn: &mut ReadConn<'_>) -> Result<BTreeMap<SyncState, i64>, StoreError> {
    let mut sql = Fragment::new("SELECT sync_state, count(*) FROM climbs WHERE sync_state <> 'synced' ");
    sql.sql("GROUP BY sync_state UNION ALL SELECT 'synced', (SELECT count(*) FROM climbs) - ");
    sql.sql("(SELECT count(*) FROM climbs WHERE sync_state <> 'synced')");
    let statement = sql.selecting::<(Text, BigInt)>();
    let rows: Vec<(Word<SyncState>, i64)> = on_backend!(conn, |c| statement.load(c))?;
    Ok(rows.into_iter().map(|(state, count)| (state.0, count)).collect())
}
