//! The answers as JSON.

use std::collections::BTreeMap;

use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::SyncState;
use mastoc_domain::{RunId, StoktId, Timestamp};
use mastoc_storage::DatabaseTarget;
use mastoc_storage::locks::{Broken, LockState};
use mastoc_storage::run_history::PastRun;
use mastoc_storage::sync_status::SyncStatus;
use serde::Serialize;
use serde_json::Value;

/// A run in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PastRunJson {
    /// Its id.
    pub id: RunId,
    /// `stokt_to_mastoc`, `mastoc_to_stokt` or `both`.
    pub direction: String,
    /// `full` or `incremental`.
    pub mode: String,
    /// The other side's address.
    pub origin: String,
    /// `running` (or killed), `done`, `waiting`, `partial`, `failed` or `interrupted`.
    pub status: &'static str,
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

impl From<PastRun> for PastRunJson {
    fn from(run: PastRun) -> Self {
        Self {
            id: run.id,
            direction: run.direction,
            mode: run.mode,
            origin: run.origin,
            status: run.status.as_str(),
            ending: run.ending,
            error: run.error,
            counts: run.counts,
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}

/// The lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LockJson {
    /// Whether somebody holds it right now.
    pub is_held: bool,
    /// Who holds it, or held it last.
    pub owner: Option<String>,
    /// Since when.
    pub acquired_at: Option<Timestamp>,
    /// Until when.
    pub released_at: Option<Timestamp>,
    /// When it was last taken from a run.
    pub broken_at: Option<Timestamp>,
    /// By whom.
    pub breaker: Option<String>,
    /// Why.
    pub broken_reason: Option<String>,
}

impl From<&LockState> for LockJson {
    fn from(state: &LockState) -> Self {
        let holder = state.holder.as_ref();
        let broken = holder.and_then(|holder| holder.broken.as_ref());
        Self {
            is_held: state.is_held,
            owner: holder.map(|holder| holder.owner.clone()),
            acquired_at: holder.map(|holder| holder.acquired_at),
            released_at: holder.and_then(|holder| holder.released_at),
            broken_at: broken.map(|broken| broken.at),
            breaker: broken.map(|broken| broken.by.clone()),
            broken_reason: broken.map(|broken| broken.reason.clone()),
        }
    }
}

/// Up to which moment, on Stokt's clock, everything of a gym is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WatermarkJson {
    /// Stokt's address.
    pub origin: String,
    /// The gym's id there.
    pub gym: StoktId,
    /// The moment.
    pub at: Timestamp,
}

/// How synchronising stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The database, without its password.
    pub database: String,
    /// The run that began last.
    pub last_run: Option<PastRunJson>,
    /// The last run that did all that could be done.
    pub last_success: Option<PastRunJson>,
    /// One for each gym.
    pub watermarks: Vec<WatermarkJson>,
    /// The age of the oldest of them, in seconds.
    pub lag_seconds: Option<i64>,
    /// How much there is in the outbox, by state; every state is named.
    pub outbox: BTreeMap<OutboxState, i64>,
    /// How many conflicts wait for a person.
    pub open_conflicts: i64,
    /// How many climbs there are, by state; every state is named.
    pub climbs: BTreeMap<SyncState, i64>,
    /// The lock.
    pub lock: LockJson,
}

impl Status {
    pub(super) fn new(database: &DatabaseTarget, status: &SyncStatus, now: Timestamp) -> Self {
        let named = |states: &BTreeMap<OutboxState, i64>| {
            OutboxState::ALL.iter().map(|s| (*s, states.get(s).copied().unwrap_or(0))).collect()
        };
        let climbs = SyncState::ALL.iter().map(|s| (*s, status.climbs.get(s).copied().unwrap_or(0)));
        Self {
            database: database.to_string(),
            last_run: status.last_run.clone().map(Into::into),
            last_success: status.last_success.clone().map(Into::into),
            watermarks: status
                .watermarks
                .iter()
                .map(|mark| WatermarkJson { origin: mark.origin.clone(), gym: mark.gym, at: mark.at })
                .collect(),
            lag_seconds: status.lag_seconds(now),
            outbox: named(&status.outbox),
            open_conflicts: status.open_conflicts,
            climbs: climbs.collect(),
            lock: LockJson::from(&status.lock),
        }
    }
}

/// Runs, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// How many there were.
    pub count: i64,
    /// How many newer ones are left out.
    pub offset: i64,
    /// Those of this page.
    pub runs: Vec<PastRunJson>,
}

/// A lock that was taken from a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenLock {
    /// From whom.
    pub owner: String,
    /// Since when they held it.
    pub acquired_at: Timestamp,
    /// Whether the next run can begin at once.
    pub is_free: bool,
    /// What that means, for a person.
    pub meaning: &'static str,
}

impl From<Broken> for TakenLock {
    fn from(broken: Broken) -> Self {
        let meaning = if broken.is_free {
            "that run can write nothing any more; the next one can begin"
        } else {
            "that run can write nothing any more and stops when it next tries; its process still holds the lock's \
             file, so if it does not stop, end the process: then the next run can begin"
        };
        let Broken { holder, is_free } = broken;
        Self { owner: holder.owner, acquired_at: holder.acquired_at, is_free, meaning }
    }
}
