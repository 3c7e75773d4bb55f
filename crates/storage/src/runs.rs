//! Import and synchronisation runs and their reports.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{RunId, StoktId, Timestamp};
use serde_json::Value;

use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::schema::{conflicts, import_checkpoints, sync_links, sync_runs, sync_seen, sync_watermarks};
use crate::sql::keys;
use crate::types::{Id, Time};

/// Which way a run moves data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunDirection {
    /// From Stokt to us: an import or a pull.
    StoktToMastoc,
    /// From us to Stokt: a push.
    MastocToStokt,
    /// A pull, then a push.
    Both,
}

impl RunDirection {
    /// The word kept in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StoktToMastoc => "stokt_to_mastoc",
            Self::MastocToStokt => "mastoc_to_stokt",
            Self::Both => "both",
        }
    }
}

/// How much a run looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// Everything.
    Full,
    /// What is new since the watermark.
    Incremental,
}

impl RunMode {
    /// The word kept in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// It works, or was killed.
    Running,
    /// It did everything.
    Done,
    /// It did everything that it could; some decisions wait for a person.
    Waiting,
    /// It finished, but some records were refused or are missing.
    Partial,
    /// It stopped on an error.
    Failed,
    /// Somebody stopped it; it can be resumed.
    Interrupted,
}

impl RunStatus {
    const ALL: [Self; 6] =
        [Self::Running, Self::Done, Self::Waiting, Self::Partial, Self::Failed, Self::Interrupted];

    pub(crate) fn from_word(word: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == word)
            .ok_or_else(|| StoreError::Internal(format!("unknown status '{word}' of a run")))
    }

    /// The word kept in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Waiting => "waiting",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Which way it moves data, as the table's word.
    pub direction: String,
    /// How much it looks at, as the table's word.
    pub mode: String,
    /// Where it takes data from.
    pub origin: String,
    /// How it stands.
    pub status: RunStatus,
    /// Its report.
    pub report: Option<Value>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

type Columns = (Id, String, String, String, String, Option<Value>, Time, Option<Time>);

fn to_run(row: Columns) -> Result<Run, StoreError> {
    let (id, direction, mode, origin, status, report, started_at, finished_at) = row;
    let status = RunStatus::from_word(&status)?;
    Ok(Run {
        id: RunId(id.0),
        direction,
        mode,
        origin,
        status,
        report,
        started_at: started_at.0,
        finished_at: finished_at.map(|time| time.0),
    })
}

/// Records that a run begins.
///
/// # Errors
/// When the database fails.
pub fn start(
    conn: &mut WriteConn<'_>,
    direction: RunDirection,
    mode: RunMode,
    origin: &str,
) -> Result<RunId, StoreError> {
    let run = RunId::generate();
    start_as(conn, run, direction, mode, origin)?;
    Ok(run)
}

/// Records that a run begins whose id somebody else made.
///
/// # Errors
/// [`StoreError::Conflict`] when the id is taken, or the database's failure.
pub fn start_as(
    conn: &mut WriteConn<'_>,
    run: RunId,
    direction: RunDirection,
    mode: RunMode,
    origin: &str,
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::insert_into(sync_runs::table)
        .values((
            sync_runs::id.eq(Id(run.0)),
            sync_runs::direction.eq(direction.as_str()),
            sync_runs::mode.eq(mode.as_str()),
            sync_runs::origin.eq(origin),
            sync_runs::status.eq(RunStatus::Running.as_str()),
            sync_runs::started_at.eq(now),
        ))
        .execute(c))?;
    Ok(())
}

/// Records how a run ended. One that was ended by somebody else in the meantime, who took its lock, stays as that one
/// wrote it.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such run, or the database's failure.
pub fn finish(
    conn: &mut WriteConn<'_>,
    run: RunId,
    status: RunStatus,
    report: &Value,
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let row = sync_runs::table.find(Id(run.0));
    let changed = on_backend!(conn, |c| diesel::update(row.filter(sync_runs::finished_at.is_null()))
        .set((
            sync_runs::status.eq(status.as_str()),
            sync_runs::report.eq(Some(report)),
            sync_runs::finished_at.eq(Some(now)),
        ))
        .execute(c))?;
    if changed == 0 { by_id(conn, run)?.map(drop).ok_or(StoreError::NotFound) } else { Ok(()) }
}

/// Forgets runs that began longer ago than `age`: cron makes hundreds a day. Those stay that a watermark, an unfinished
/// import or a conflict refers to, and whatever began after the last one that did everything.
///
/// # Errors
/// When the database fails.
pub fn forget(conn: &mut WriteConn<'_>, age: TimeDelta) -> Result<(), StoreError> {
    let Some(before) = conn.now().as_utc().checked_sub_signed(age) else { return Ok(()) };
    let last_done: Option<Time> = on_backend!(conn, |c| sync_runs::table
        .filter(sync_runs::status.eq(RunStatus::Done.as_str()))
        .select(diesel::dsl::max(sync_runs::started_at))
        .get_result(c))?;
    let Some(last_done) = last_done else { return Ok(()) };
    let old = sync_runs::table
        .filter(sync_runs::started_at.lt(Time(Timestamp::from_utc(before).min(last_done.0))))
        .filter(sync_runs::id.ne_all(sync_watermarks::table.select(sync_watermarks::run_id)))
        .filter(sync_runs::id.ne_all(import_checkpoints::table.select(import_checkpoints::run_id)))
        .filter(sync_runs::id.ne_all(sync_seen::table.select(sync_seen::run_id)))
        .filter(
            sync_runs::id
                .nullable()
                .ne_all(conflicts::table.filter(conflicts::run_id.is_not_null()).select(conflicts::run_id)),
        );
    on_backend!(conn, |c| diesel::delete(old).execute(c))?;
    Ok(())
}

/// Records that an interrupted or killed run goes on under the same id.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such run, or the database's failure.
pub fn resume(conn: &mut WriteConn<'_>, run: RunId) -> Result<(), StoreError> {
    let changed = on_backend!(conn, |c| diesel::update(sync_runs::table.find(Id(run.0)))
        .set((sync_runs::status.eq(RunStatus::Running.as_str()), sync_runs::finished_at.eq(None::<Time>)))
        .execute(c))?;
    if changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

/// The latest run from this origin that did not come to its end: killed, interrupted, or failed.
///
/// # Errors
/// When the database fails.
pub fn latest_unfinished(conn: &mut ReadConn<'_>, origin: &str) -> Result<Option<Run>, StoreError> {
    let unfinished = [RunStatus::Running, RunStatus::Interrupted, RunStatus::Failed].map(RunStatus::as_str);
    let latest: Option<Run> = latest(conn, origin)?;
    Ok(latest.filter(|run| unfinished.contains(&run.status.as_str())))
}

/// The latest run from this origin.
///
/// # Errors
/// When the database fails.
pub fn latest(conn: &mut ReadConn<'_>, origin: &str) -> Result<Option<Run>, StoreError> {
    let row: Option<Columns> = on_backend!(conn, |c| sync_runs::table
        .filter(sync_runs::origin.eq(origin))
        .order((sync_runs::started_at.desc(), sync_runs::id.desc()))
        .first(c)
        .optional())?;
    row.map(to_run).transpose()
}

/// The report of the latest run in this direction that came to its end, in part or wholly, with this origin.
///
/// # Errors
/// When the database fails.
pub fn last_report(
    conn: &mut ReadConn<'_>,
    direction: RunDirection,
    origin: &str,
) -> Result<Option<Value>, StoreError> {
    let ended = [RunStatus::Done, RunStatus::Waiting, RunStatus::Partial].map(RunStatus::as_str);
    let report: Option<Option<Value>> = on_backend!(conn, |c| sync_runs::table
        .filter(sync_runs::direction.eq(direction.as_str()))
        .filter(sync_runs::origin.eq(origin))
        .filter(sync_runs::status.eq_any(ended))
        .filter(sync_runs::report.is_not_null())
        .order((sync_runs::started_at.desc(), sync_runs::id.desc()))
        .select(sync_runs::report)
        .first(c)
        .optional())?;
    Ok(report.flatten())
}

/// All watermarks: the origin, the gym's id there, and up to which moment everything of it is known.
///
/// # Errors
/// When the database fails.
pub fn all_watermarks(conn: &mut ReadConn<'_>) -> Result<Vec<(String, StoktId, Timestamp)>, StoreError> {
    let rows: Vec<(String, Id, Time)> = on_backend!(conn, |c| sync_watermarks::table
        .order((sync_watermarks::origin.asc(), sync_watermarks::gym_stokt_id.asc()))
        .select((sync_watermarks::origin, sync_watermarks::gym_stokt_id, sync_watermarks::watermark))
        .load(c))?;
    Ok(rows.into_iter().map(|(origin, gym, time)| (origin, StoktId(gym.0), time.0)).collect())
}

/// The run with this id.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, run: RunId) -> Result<Option<Run>, StoreError> {
    let row: Option<Columns> = on_backend!(conn, |c| sync_runs::table.find(Id(run.0)).first(c).optional())?;
    row.map(to_run).transpose()
}

/// The watermarks of these gyms at this origin: up to which moment, on the remote's clock, everything of each is known.
/// Gyms without one are left out.
///
/// # Errors
/// When the database fails.
pub fn watermarks(
    conn: &mut ReadConn<'_>,
    origin: &str,
    gyms: &[StoktId],
) -> Result<Vec<(StoktId, Timestamp)>, StoreError> {
    let ids = Id::all(gyms.iter().map(|gym| gym.0));
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&ids) {
        let rows: Vec<(Id, Time)> = on_backend!(conn, |c| sync_watermarks::table
            .filter(sync_watermarks::origin.eq(origin))
            .filter(sync_watermarks::gym_stokt_id.eq_any(ids))
            .select((sync_watermarks::gym_stokt_id, sync_watermarks::watermark))
            .load(c))?;
        found.extend(rows.into_iter().map(|(gym, time)| (StoktId(gym.0), time.0)));
    }
    Ok(found)
}

/// Moves a gym's watermark, never back: `watermark` is the remote's time when a listing began that proved complete.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn move_watermark(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    run: RunId,
    origin: &str,
    gym: StoktId,
    watermark: Timestamp,
) -> Result<(), StoreError> {
    use sync_watermarks as w;
    ctx.check_fence(conn)?;
    if watermarks(conn, origin, &[gym])?.iter().any(|(_, known)| *known >= watermark) {
        return Ok(());
    }
    on_backend!(conn, |c| diesel::insert_into(w::table)
        .values((
            w::origin.eq(origin),
            w::gym_stokt_id.eq(Id(gym.0)),
            w::watermark.eq(Time(watermark)),
            w::run_id.eq(Id(run.0)),
        ))
        .on_conflict((w::origin, w::gym_stokt_id))
        .do_update()
        .set((w::watermark.eq(excluded(w::watermark)), w::run_id.eq(excluded(w::run_id))))
        .execute(c))?;
    Ok(())
}

/// How many rows of this kind are linked to Stokt: what a suddenly empty remote is compared with.
///
/// # Errors
/// When the database fails.
pub fn linked_count(conn: &mut ReadConn<'_>, entity: EntityKind) -> Result<i64, StoreError> {
    Ok(on_backend!(conn, |c| sync_links::table
        .filter(sync_links::entity.eq(entity.as_str()))
        .count()
        .get_result(c))?)
}
