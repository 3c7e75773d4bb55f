//! Conflicts: climbs of which both sides made something, so that only a person can say what they shall be. Each keeps
//! what both sides last agreed on, ours and theirs; a climb has at most one that is open.

mod open;
mod resolve;

use diesel::prelude::*;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::conflict::Settlement;
use mastoc_domain::sync_merge::{ConflictKind, Field};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ClimbId, RunId, StoktId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::conflicts as t;
use crate::types::{Id, Time};

pub use open::{NewConflict, close, open, open_all};
pub use resolve::{Outcome, Resolved, resolve};

/// A conflict about a climb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Its own id.
    pub id: Uuid,
    /// Our id of the climb, which may be deleted here.
    pub climb: ClimbId,
    /// Stokt's id of it.
    pub stokt_id: Option<StoktId>,
    /// What is to be decided.
    pub kind: ConflictKind,
    /// The fields that were changed on both sides.
    pub fields: Vec<Field>,
    /// What both sides last agreed on.
    pub base: Option<CanonicalClimb>,
    /// What it was here; `None` when it was deleted.
    pub ours: Option<CanonicalClimb>,
    /// What it was at Stokt; `None` when it was gone.
    pub theirs: Option<CanonicalClimb>,
    /// The run that found it, or last found that it had changed.
    pub run: Option<RunId>,
    /// How it ended; `None` as long as it is open.
    pub settlement: Option<Settlement>,
    /// When it was found.
    pub opened_at: Timestamp,
    /// When what it says last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub settled_at: Option<Timestamp>,
}

impl Conflict {
    /// The climb's name, as either side knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        let versions = [&self.ours, &self.theirs, &self.base];
        versions.into_iter().flatten().map(|version| version.name.as_str()).next().unwrap_or_default()
    }
}

type Columns = (
    (Id, String, Option<String>, Word<ConflictKind>),
    (Value, Option<Value>, Option<Value>, Option<Value>),
    (Option<Id>, Option<Word<Settlement>>, Time, Time, Option<Time>),
);

/// Selects [`Columns`].
macro_rules! columns {
    () => {
        (
            (t::id, t::local_id, t::stokt_id, t::kind),
            (t::fields, t::base, t::ours, t::theirs),
            (t::run_id, t::resolution, t::created_at, t::updated_at, t::resolved_at),
        )
    };
}
use columns;

fn to_conflict(row: Columns) -> Result<Conflict, StoreError> {
    let (
        (id, climb, stokt_id, kind),
        (fields, base, ours, theirs),
        (run, settlement, opened_at, updated_at, settled_at),
    ) = row;
    let odd = |what: &str| StoreError::Internal(format!("conflict {}: {what}", id.0));
    let version = |form: Option<Value>| match form {
        None => Ok(None),
        Some(form) => CanonicalClimb::from_json(&form).map(Some).ok_or_else(|| odd("a version is damaged")),
    };
    Ok(Conflict {
        id: id.0,
        climb: climb.parse().map_err(|_| odd("its climb has no id"))?,
        stokt_id: stokt_id.and_then(|text| text.parse().ok()),
        kind: kind.0,
        fields: serde_json::from_value(fields).map_err(|_| odd("its fields are damaged"))?,
        base: version(base)?,
        ours: version(ours)?,
        theirs: version(theirs)?,
        run: run.map(|run| RunId(run.0)),
        settlement: settlement.map(|word| word.0),
        opened_at: opened_at.0,
        updated_at: updated_at.0,
        settled_at: settled_at.map(|time| time.0),
    })
}

/// Which conflicts are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    /// Those that wait for a person.
    #[default]
    Open,
    /// Those that were settled as well.
    All,
}

/// Conflicts, the oldest first and then by id: at most `limit` after leaving out `offset`.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut ReadConn<'_>,
    which: Which,
    offset: i64,
    limit: i64,
) -> Result<Vec<Conflict>, StoreError> {
    let rows: Vec<Columns> = on_backend!(conn, |c| {
        let mut query = t::table
            .filter(t::entity.eq(EntityKind::Climb.as_str()))
            .order((t::created_at.asc(), t::id.asc()))
            .offset(offset.max(0))
            .limit(limit.max(0))
            .select(columns!())
            .into_boxed();
        if which == Which::Open {
            query = query.filter(t::resolved_at.is_null());
        }
        query.load(c)
    })?;
    rows.into_iter().map(to_conflict).collect()
}

/// How many conflicts [`list`] lists.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, which: Which) -> Result<i64, StoreError> {
    let climbs = t::table.filter(t::entity.eq(EntityKind::Climb.as_str()));
    Ok(match which {
        Which::Open => on_backend!(conn, |c| climbs.filter(t::resolved_at.is_null()).count().get_result(c))?,
        Which::All => on_backend!(conn, |c| climbs.count().get_result(c))?,
    })
}

/// One conflict, open or settled.
///
/// # Errors
/// When the database fails.
pub fn get(conn: &mut ReadConn<'_>, id: Uuid) -> Result<Option<Conflict>, StoreError> {
    let row: Option<Columns> =
        on_backend!(conn, |c| t::table.find(Id(id)).select(columns!()).first(c).optional())?;
    row.map(to_conflict).transpose()
}

/// The open conflict about a climb.
///
/// # Errors
/// When the database fails.
pub fn of_climb(conn: &mut ReadConn<'_>, climb: ClimbId) -> Result<Option<Conflict>, StoreError> {
    let row: Option<Columns> = on_backend!(conn, |c| t::table
        .filter(t::entity.eq(EntityKind::Climb.as_str()))
        .filter(t::local_id.eq(climb.to_string()))
        .filter(t::resolved_at.is_null())
        .select(columns!())
        .first(c)
        .optional())?;
    row.map(to_conflict).transpose()
}

/// Writes down how open conflicts ended.
fn settle(conn: &mut WriteConn<'_>, ids: &[Id], settlement: Settlement) -> Result<(), StoreError> {
    let now = Time(conn.now());
    for ids in crate::sql::keys(ids) {
        on_backend!(conn, |c| diesel::update(t::table)
            .filter(t::id.eq_any(ids))
            .filter(t::resolved_at.is_null())
            .set((
                t::resolution.eq(Some(settlement.as_str())),
                t::resolved_at.eq(Some(now)),
                t::updated_at.eq(now),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Writes down how the open conflict about a climb ended, if there is one.
pub(crate) fn settle_of(
    conn: &mut WriteConn<'_>,
    climb: ClimbId,
    settlement: Settlement,
) -> Result<(), StoreError> {
    let open: Vec<Id> = of_climb(conn, climb)?.into_iter().map(|conflict| Id(conflict.id)).collect();
    settle(conn, &open, settlement)
}
