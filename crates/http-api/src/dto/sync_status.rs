//! How synchronising stands, as JSON.

use std::collections::BTreeMap;

use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::SyncState;
use mastoc_domain::{RunId, StoktId, Timestamp};
use mastoc_storage::locks::LockState;
use mastoc_storage::run_history::PastRun;
use mastoc_storage::sync_status::{SyncStatus, Watermark};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A run in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncRun)]
pub(crate) struct RunJson<'a> {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: RunId,
    /// `stokt_to_mastoc`, `mastoc_to_stokt` or `both`.
    direction: &'a str,
    /// `full` or `incremental`.
    mode: &'a str,
    /// The other side's address.
    origin: &'a str,
    /// `running` (or killed), `done`, `waiting` (for a person), `partial`, `failed` or `interrupted`.
    status: &'static str,
    /// How it ended, in the report's word.
    ending: Option<&'a str>,
    /// What ended it early.
    error: Option<&'a str>,
    /// What its report counts.
    #[schema(value_type = Option<Object>)]
    counts: Option<&'a Value>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

impl<'a> From<&'a PastRun> for RunJson<'a> {
    fn from(run: &'a PastRun) -> Self {
        Self {
            id: run.id,
            direction: &run.direction,
            mode: &run.mode,
            origin: &run.origin,
            status: run.status.as_str(),
            ending: run.ending.as_deref(),
            error: run.error.as_deref(),
            counts: run.counts.as_ref(),
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}

/// Up to which moment, on Stokt's clock, everything of a gym is known.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncWatermark)]
pub(crate) struct WatermarkJson<'a> {
    /// Stokt's address.
    origin: &'a str,
    /// Stokt's id of the gym.
    #[schema(value_type = Uuid)]
    gym_stokt_id: StoktId,
    /// The moment.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl<'a> From<&'a Watermark> for WatermarkJson<'a> {
    fn from(watermark: &'a Watermark) -> Self {
        Self { origin: &watermark.origin, gym_stokt_id: watermark.gym, at: watermark.at }
    }
}

/// What waits to be sent to Stokt, or was sent and came to nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncOutboxCounts)]
pub(crate) struct OutboxJson {
    /// Waits its turn.
    pending: i64,
    /// Was sent, and nobody knows yet whether Stokt did it.
    unknown: i64,
    /// Several things at Stokt may be it; a person decides.
    ambiguous: i64,
    /// Stokt refused it, or it was called off.
    rejected: i64,
}

/// How many climbs stand how towards Stokt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncClimbCounts)]
pub(crate) struct ClimbsJson {
    /// Known here only.
    local: i64,
    /// Both sides agree.
    synced: i64,
    /// Changed here since.
    modified: i64,
    /// Changed on both sides; a person decides.
    conflict: i64,
    /// Gone from Stokt, kept here.
    archived: i64,
}

impl From<&BTreeMap<SyncState, i64>> for ClimbsJson {
    fn from(climbs: &BTreeMap<SyncState, i64>) -> Self {
        let of = |state: SyncState| climbs.get(&state).copied().unwrap_or(0);
        Self {
            local: of(SyncState::Local),
            synced: of(SyncState::Synced),
            modified: of(SyncState::Modified),
            conflict: of(SyncState::Conflict),
            archived: of(SyncState::Archived),
        }
    }
}

/// Who synchronises, or did last: one run at a time does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncLock)]
pub(crate) struct LockJson<'a> {
    /// Whether somebody holds the lock right now.
    is_held: bool,
    /// Who holds it, or held it last.
    owner: Option<&'a str>,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    acquired_at: Option<Timestamp>,
    /// Until when; null for a run that was killed.
    #[schema(value_type = Option<String>, format = DateTime)]
    released_at: Option<Timestamp>,
    /// When it was last taken from a run that hung.
    #[schema(value_type = Option<String>, format = DateTime)]
    broken_at: Option<Timestamp>,
    /// Who took it.
    broken_by: Option<&'a str>,
    /// Why.
    broken_reason: Option<&'a str>,
}

impl<'a> From<&'a LockState> for LockJson<'a> {
    fn from(state: &'a LockState) -> Self {
        let holder = state.holder.as_ref();
        let broken = holder.and_then(|holder| holder.broken.as_ref());
        Self {
            is_held: state.is_held,
            owner: holder.map(|holder| holder.owner.as_str()),
            acquired_at: holder.map(|holder| holder.acquired_at),
            released_at: holder.and_then(|holder| holder.released_at),
            broken_at: broken.map(|broken| broken.at),
            broken_by: broken.map(|broken| broken.by.as_str()),
            broken_reason: broken.map(|broken| broken.reason.as_str()),
        }
    }
}

/// How synchronising stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncStatus)]
pub(crate) struct SyncStatusJson<'a> {
    /// The run that began last.
    last_run: Option<RunJson<'a>>,
    /// The last run that did all that could be done.
    last_success: Option<RunJson<'a>>,
    /// One for each gym, by origin and id.
    watermarks: Vec<WatermarkJson<'a>>,
    /// The age of the oldest watermark in seconds; null before the first complete listing.
    lag_seconds: Option<i64>,
    /// What waits to be sent.
    outbox: OutboxJson,
    /// How many conflicts wait for a person.
    open_conflicts: i64,
    /// How many climbs stand how.
    climbs: ClimbsJson,
    /// The lock.
    lock: LockJson<'a>,
}

impl<'a> SyncStatusJson<'a> {
    pub(crate) fn new(status: &'a SyncStatus, now: Timestamp) -> Self {
        Self {
            last_run: status.last_run.as_ref().map(Into::into),
            last_success: status.last_success.as_ref().map(Into::into),
            watermarks: status.watermarks.iter().map(Into::into).collect(),
            lag_seconds: status.lag_seconds(now),
            outbox: OutboxJson {
                pending: status.outbox_in(&[OutboxState::Pending, OutboxState::Leased]),
                unknown: status.outbox_in(&[OutboxState::Sent, OutboxState::Unknown]),
                ambiguous: status.outbox_in(&[OutboxState::Ambiguous]),
                rejected: status.outbox_in(&[OutboxState::Rejected]),
            },
            open_conflicts: status.open_conflicts,
            climbs: (&status.climbs).into(),
            lock: (&status.lock).into(),
        }
    }
}
