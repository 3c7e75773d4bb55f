//! The answers as JSON.

use std::collections::BTreeMap;

use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::conflict::Settlement;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_merge::{ConflictKind, Field};
use mastoc_domain::sync_state::SyncState;
use mastoc_domain::{ClimbId, RunId, StoktId, Timestamp};
use mastoc_storage::conflicts::{self, Outcome};
use mastoc_storage::locks::{Broken, LockState};
use mastoc_storage::run_history::PastRun;
use mastoc_storage::sync_status::SyncStatus;
use mastoc_storage::{DatabaseTarget, outbox, unlinking};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

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

/// A conflict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConflictJson {
    /// Its id, to settle it by.
    pub id: Uuid,
    /// Our id of the climb.
    pub climb: ClimbId,
    /// Stokt's id of it.
    pub stokt_id: Option<StoktId>,
    /// The climb's name.
    pub name: String,
    /// `fields`, `gone` or `deleted`.
    pub kind: ConflictKind,
    /// The fields that were changed on both sides.
    pub fields: Vec<FieldJson>,
    /// What both sides last agreed on, whole.
    pub base: Option<Value>,
    /// Ours, whole; null when it was deleted here.
    pub ours: Option<Value>,
    /// Stokt's, whole; null when it is gone there.
    pub theirs: Option<Value>,
    /// The run that found it.
    pub run: Option<RunId>,
    /// How it ended: `mastoc`, `stokt`, `agreed` or `unlinked`; null as long as it waits.
    pub settlement: Option<Settlement>,
    /// When it was found.
    pub opened_at: Timestamp,
    /// When what it says last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub settled_at: Option<Timestamp>,
}

/// A field in conflict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldJson {
    /// Which.
    pub field: Field,
    /// What both sides last agreed on.
    pub base: Option<Value>,
    /// What it is here.
    pub ours: Option<Value>,
    /// What it is at Stokt.
    pub theirs: Option<Value>,
}

impl From<conflicts::Conflict> for ConflictJson {
    fn from(conflict: conflicts::Conflict) -> Self {
        let of = |field: Field, version: &Option<CanonicalClimb>| version.as_ref().map(|v| field.value(v));
        let fields = conflict.fields.iter().map(|field| FieldJson {
            field: *field,
            base: of(*field, &conflict.base),
            ours: of(*field, &conflict.ours),
            theirs: of(*field, &conflict.theirs),
        });
        let whole = |version: &Option<CanonicalClimb>| version.as_ref().map(CanonicalClimb::to_json);
        Self {
            id: conflict.id,
            climb: conflict.climb,
            stokt_id: conflict.stokt_id,
            name: conflict.name().to_owned(),
            kind: conflict.kind,
            fields: fields.collect(),
            base: whole(&conflict.base),
            ours: whole(&conflict.ours),
            theirs: whole(&conflict.theirs),
            run: conflict.run,
            settlement: conflict.settlement,
            opened_at: conflict.opened_at,
            updated_at: conflict.updated_at,
            settled_at: conflict.settled_at,
        }
    }
}

/// Conflicts, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conflicts {
    /// How many there are.
    pub count: i64,
    /// How many older ones are left out.
    pub offset: i64,
    /// Those of this page.
    pub conflicts: Vec<ConflictJson>,
}

/// A settled conflict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resolved {
    /// The conflict.
    pub conflict: ConflictJson,
    /// `waits_to_be_sent`, `in_step`, `local`, `archived`, `stays_deleted`, `restored` or `comes_with_the_pull`.
    pub outcome: &'static str,
    /// What that means, for a person.
    pub meaning: &'static str,
}

impl From<conflicts::Resolved> for Resolved {
    fn from(resolved: conflicts::Resolved) -> Self {
        let (outcome, meaning) = match resolved.outcome {
            Outcome::WaitsToBeSent => {
                ("waits_to_be_sent", "the climb here differs from Stokt's; the next push sends it")
            }
            Outcome::InStep => ("in_step", "both sides say the same"),
            Outcome::Local => {
                ("local", "the climb is known here only; it is sent to Stokt again only if you choose it")
            }
            Outcome::Archived => ("archived", "the climb is kept here as archived"),
            Outcome::StaysDeleted => (
                "stays_deleted",
                "the climb stays deleted here; a push with --allow-delete deletes it at Stokt if it is yours",
            ),
            Outcome::Restored => ("restored", "the climb is back, as Stokt has it"),
            Outcome::ComesWithThePull => (
                "comes_with_the_pull",
                "nothing was kept of it here; the next full pull brings it as a new climb",
            ),
        };
        Self { conflict: resolved.conflict.into(), outcome, meaning }
    }
}

/// Something in the outbox.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutboxRow {
    /// Its id.
    pub id: Uuid,
    /// `climb` or `list`.
    pub entity: String,
    /// Our id of it.
    pub local_id: String,
    /// Stokt's id, where it has one.
    pub stokt_id: Option<StoktId>,
    /// The name that is sent, if one is.
    pub name: Option<String>,
    /// What is to be done at Stokt.
    pub action: OutboxAction,
    /// How far it has come.
    pub state: OutboxState,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried again at the earliest.
    pub not_before: Option<Timestamp>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was put in.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

impl From<outbox::Entry> for OutboxRow {
    fn from(entry: outbox::Entry) -> Self {
        Self {
            id: entry.id,
            entity: entry.entity.to_string(),
            local_id: entry.local_id,
            stokt_id: entry.stokt_id,
            name: entry.payload.get("name").and_then(Value::as_str).map(str::to_owned),
            action: entry.action,
            state: entry.state,
            attempts: entry.attempts,
            not_before: entry.not_before,
            sent_at: entry.sent_at,
            last_error: entry.last_error,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

/// The outbox.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outbox {
    /// How much there is, by state.
    pub counts: BTreeMap<OutboxState, i64>,
    /// Those of this page, the newest first.
    pub rows: Vec<OutboxRow>,
}

/// A climb that is linked no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unlinked {
    /// Our id of the climb.
    pub climb: ClimbId,
    /// Its name.
    pub name: String,
    /// Stokt's id of what it was linked to.
    pub stokt_id: StoktId,
    /// How many writes to Stokt that waited were called off.
    pub called_off: usize,
    /// What that means, for a person.
    pub meaning: &'static str,
}

impl From<unlinking::Unlinked> for Unlinked {
    fn from(unlinked: unlinking::Unlinked) -> Self {
        let unlinking::Unlinked { climb, name, stokt_id, called_off } = unlinked;
        let meaning = "the climb here is a local one now, and the one at Stokt stays as it is; a pull that sees it \
                       there brings it in as another climb";
        Self { climb, name, stokt_id, called_off, meaning }
    }
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
