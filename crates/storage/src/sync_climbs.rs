//! What is known of climbs that are linked to Stokt: the two sides of a link as a synchronisation decides by them.

mod summaries;

use std::collections::HashMap;

use diesel::prelude::*;
use mastoc_domain::board::ClimbGrade;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::import::ImportClimb;
use mastoc_domain::sync_state::{EntityKind, Source, SyncState};
use mastoc_domain::{ClimbId, FaceId, StoktId, Timestamp, UserId};
use serde_json::Value;
use uuid::Uuid;

use crate::climbs::Word;
use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::links;
use crate::schema::{climbs as t, conflicts, faces, sync_links as l, tombstones, users};
use crate::sql::keys;
use crate::types::{Id, Time};

pub use summaries::{LinkSummary, deleted_of_gym, linked_in_gym, links_of_gym, summaries};

/// The link of a climb: what both sides last agreed on, and how either stands since.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkSide {
    /// Our id as text.
    pub local_id: String,
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// What both sides last agreed on; `None` for a climb that was never compared.
    pub base: Option<CanonicalClimb>,
    /// Hash of that.
    pub base_hash: Option<String>,
    /// Hash of the last record of Stokt's that was written here; empty when there was none yet.
    pub observed_hash: String,
    /// How often the climb changed here.
    pub local_rev: i32,
    /// How often it had when both sides last agreed.
    pub base_rev: i32,
    /// How many complete runs in a row did not find it at Stokt.
    pub missing_runs: i32,
    /// When the first of those runs was.
    pub missing_since: Option<Timestamp>,
    /// Whether the climb was deleted here.
    pub is_deleted: bool,
}

impl LinkSide {
    /// Whether the climb has changes made here that Stokt has not got.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.local_rev > self.base_rev
    }
}

/// A climb as it stands here.
#[derive(Debug, Clone, PartialEq)]
pub struct ClimbSide {
    /// Our id.
    pub id: ClimbId,
    /// Stokt's id.
    pub stokt_id: Option<StoktId>,
    /// Its face.
    pub face: FaceId,
    /// The face's id at Stokt.
    pub face_stokt_id: Option<StoktId>,
    /// Its setter.
    pub setter: Option<UserId>,
    /// The setter's id at Stokt.
    pub setter_stokt_id: Option<StoktId>,
    /// What a person can edit on both sides.
    pub canonical: CanonicalClimb,
    /// Its name as it is written here.
    pub name: String,
    /// Its holds in the order written here.
    pub holds_list: String,
    /// Its grade.
    pub grade: ClimbGrade,
    /// Whether that was given here and not by the crowd at Stokt.
    pub has_own_grade: bool,
    /// Free text, which Stokt takes and never tells again.
    pub description: Option<String>,
    /// Whether only its setter may see it.
    pub is_private: bool,
    /// How often its content changed.
    pub rev: i32,
    /// Where it was born.
    pub source: Source,
    /// How it stands towards Stokt.
    pub sync_state: SyncState,
    /// When it was set.
    pub created_at: Timestamp,
}

/// A linked climb: the link, the climb unless it was deleted here, and the conflict that waits for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The link.
    pub link: LinkSide,
    /// The climb; `None` when it was deleted here.
    pub climb: Option<ClimbSide>,
    /// The open conflict about it.
    pub conflict: Option<Uuid>,
}

type SideColumns = (
    (Id, Option<Id>, Id, Option<Id>, Option<Id>, Option<Id>),
    (String, String, Option<String>, bool, bool, String, String, String, String),
    (Option<String>, Option<f64>, Option<String>, Option<String>, bool),
    (Option<String>, i32, Word<Source>, Word<SyncState>, Time),
);

fn to_side(row: SideColumns) -> ClimbSide {
    let (
        (id, stokt_id, face, face_stokt_id, setter, setter_stokt_id),
        (name, holds_list, feet_rule, is_private, is_benchmark, circuit, tags, angle, mirror_holds_list),
        (font, ircra, hueco, dankyu, has_own_grade),
        (description, rev, source, sync_state, created_at),
    ) = row;
    let canonical = CanonicalClimb::new(
        &name,
        &holds_list,
        feet_rule.as_deref(),
        is_private,
        is_benchmark,
        &circuit,
        &tags,
        &angle,
        &mirror_holds_list,
    );
    ClimbSide {
        id: ClimbId(id.0),
        stokt_id: stokt_id.map(|id| StoktId(id.0)),
        face: FaceId(face.0),
        face_stokt_id: face_stokt_id.map(|id| StoktId(id.0)),
        setter: setter.map(|id| UserId(id.0)),
        setter_stokt_id: setter_stokt_id.map(|id| StoktId(id.0)),
        canonical,
        name,
        holds_list,
        grade: ClimbGrade { font, ircra, hueco, dankyu },
        has_own_grade,
        description,
        is_private,
        rev,
        source: source.0,
        sync_state: sync_state.0,
        created_at: created_at.0,
    }
}

/// Selects [`SideColumns`] of climbs that pass `$filter`.
macro_rules! sides {
    ($conn:expr, $filter:expr) => {{
        let rows: Vec<SideColumns> = on_backend!($conn, |c| t::table
            .inner_join(faces::table.on(faces::id.eq(t::face_id)))
            .left_join(users::table.on(t::setter_id.eq(users::id.nullable())))
            .filter($filter)
            .select((
                (t::id, t::stokt_id, t::face_id, faces::stokt_id, t::setter_id, users::stokt_id.nullable(),),
                (
                    t::name,
                    t::holds_list,
                    t::feet_rule,
                    t::is_private,
                    t::is_benchmark,
                    t::circuit,
                    t::tags,
                    t::angle,
                    t::mirror_holds_list,
                ),
                (t::grade_font, t::grade_ircra, t::grade_hueco, t::grade_dankyu, t::has_own_grade),
                (t::description, t::rev, t::source, t::sync_state, t::created_at),
            ))
            .load(c))?;
        rows
    }};
}

/// The climbs with these ids of ours, in no order; those that are not there are left out.
///
/// # Errors
/// When the database fails.
pub fn local(conn: &mut ReadConn<'_>, ids: &[ClimbId]) -> Result<Vec<ClimbSide>, StoreError> {
    let ids = Id::sorted(ids.iter().map(|id| id.0));
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&ids) {
        found.extend(sides!(conn, t::id.eq_any(ids)).into_iter().map(to_side));
    }
    Ok(found)
}

type LinkColumns =
    (String, String, Option<Value>, Option<String>, String, i32, i32, i32, Option<Time>, Option<Time>);

fn to_link(row: LinkColumns) -> Option<LinkSide> {
    let (stokt_id, local_id, base, base_hash, observed_hash, local_rev, base_rev, runs, since, deleted) = row;
    Some(LinkSide {
        local_id,
        stokt_id: stokt_id.parse().ok()?,
        base: base.as_ref().and_then(CanonicalClimb::from_json),
        base_hash,
        observed_hash,
        local_rev,
        base_rev,
        missing_runs: runs,
        missing_since: since.map(|time| time.0),
        is_deleted: deleted.is_some(),
    })
}

/// A link as good as none: the climb has an id of Stokt's, and was never compared.
fn unlinked(stokt_id: StoktId, local_id: String, is_deleted: bool) -> LinkSide {
    LinkSide {
        local_id,
        stokt_id,
        base: None,
        base_hash: None,
        observed_hash: String::new(),
        local_rev: 0,
        base_rev: 0,
        missing_runs: 0,
        missing_since: None,
        is_deleted,
    }
}

/// What is known here of climbs of Stokt, by its ids; those that were never here are left out.
///
/// # Errors
/// When the database fails.
pub fn known(conn: &mut ReadConn<'_>, ids: &[StoktId]) -> Result<HashMap<StoktId, Known>, StoreError> {
    let mut found: HashMap<StoktId, Known> = HashMap::with_capacity(ids.len());
    let entity = EntityKind::Climb.as_str();
    for ids in keys(ids) {
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let rows: Vec<LinkColumns> = on_backend!(conn, |c| l::table
            .filter(l::entity.eq(entity))
            .filter(l::stokt_id.eq_any(&texts))
            .select((
                l::stokt_id,
                l::local_id,
                l::base,
                l::base_hash,
                l::observed_hash,
                l::local_rev,
                l::base_rev,
                l::missing_runs,
                l::missing_since,
                l::tombstone_at,
            ))
            .load(c))?;
        for link in rows.into_iter().filter_map(to_link) {
            found.insert(link.stokt_id, Known { link, climb: None, conflict: None });
        }
        let stokt_ids = Id::all(ids.iter().map(|id| id.0));
        for side in sides!(conn, t::stokt_id.eq_any(&stokt_ids)).into_iter().map(to_side) {
            let Some(stokt_id) = side.stokt_id else { continue };
            let known = found.entry(stokt_id).or_insert_with(|| Known {
                link: unlinked(stokt_id, side.id.to_string(), false),
                climb: None,
                conflict: None,
            });
            known.climb = Some(side);
        }
        let deleted: Vec<(String, Option<String>)> = on_backend!(conn, |c| tombstones::table
            .filter(tombstones::entity.eq(entity))
            .filter(tombstones::stokt_id.eq_any(&texts))
            .select((tombstones::entity_id, tombstones::stokt_id))
            .load(c))?;
        for (local_id, stokt_id) in deleted {
            let Some(stokt_id) = stokt_id.and_then(|text| text.parse::<StoktId>().ok()) else { continue };
            let known = found.entry(stokt_id).or_insert_with(|| Known {
                link: unlinked(stokt_id, local_id, true),
                climb: None,
                conflict: None,
            });
            known.link.is_deleted |= known.climb.is_none();
        }
    }
    add_conflicts(conn, &mut found)?;
    Ok(found)
}

fn add_conflicts(conn: &mut ReadConn<'_>, found: &mut HashMap<StoktId, Known>) -> Result<(), StoreError> {
    let local: Vec<String> = found.values().map(|known| known.link.local_id.clone()).collect();
    let mut open: HashMap<String, Uuid> = HashMap::new();
    for ids in keys(&local) {
        let rows: Vec<(String, Id)> = on_backend!(conn, |c| conflicts::table
            .filter(conflicts::entity.eq(EntityKind::Climb.as_str()))
            .filter(conflicts::local_id.eq_any(ids))
            .filter(conflicts::resolved_at.is_null())
            .select((conflicts::local_id, conflicts::id))
            .load(c))?;
        open.extend(rows.into_iter().map(|(local_id, id)| (local_id, id.0)));
    }
    for known in found.values_mut() {
        known.conflict = open.get(&known.link.local_id).copied();
    }
    Ok(())
}

/// Hash of everything that a record of Stokt's says, as links keep it.
///
/// # Errors
/// Never for the records of an import; a value that cannot become JSON is a defect.
pub fn observed_hash(record: &impl serde::Serialize) -> Result<String, StoreError> {
    let mut json = serde_json::to_value(record).map_err(|why| StoreError::Internal(why.to_string()))?;
    if let Some(object) = json.as_object_mut() {
        object.shift_remove("viewer");
    }
    Ok(links::json_hash(&json))
}

/// Hash of what a person can edit of a climb, as links keep it of what both sides agreed on.
#[must_use]
pub fn base_hash(content: &CanonicalClimb) -> String {
    links::json_hash(&content.to_json())
}

/// What a person can edit of a climb as Stokt tells it.
#[must_use]
pub fn canonical(record: &ImportClimb) -> CanonicalClimb {
    crate::import::canonical(record)
}
