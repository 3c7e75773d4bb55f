//! Bringing back a climb that was deleted here.

use diesel::prelude::*;
use mastoc_domain::board::ClimbGrade;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::change::ChangeKind;
use mastoc_domain::climb_edit::{ClimbContent, changes};
use mastoc_domain::fold::fold_name;
use mastoc_domain::sync_state::{EntityKind, Source, SyncState};
use mastoc_domain::{ClimbId, FaceId, StoktId, Timestamp, UserId};
use serde::Deserialize;
use serde_json::Value;

use super::{counted, note, rows};
use crate::climb_edits::{self, Author, NewEdit};
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::echoes::Recounted;
use crate::schema::{climbs as t, face_versions, tombstones, users};
use crate::sync_writes::AUTHOR;
use crate::types::{Id, Time};

/// Whether a deleted climb is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restored {
    /// It is.
    Back,
    /// Nothing of it was kept, or its face is gone. Nothing stands in the way of importing it any more.
    NothingKept,
}

/// Of what is kept of a deleted climb, what people do not edit at Stokt.
#[derive(Deserialize)]
struct Remains {
    face_id: FaceId,
    face_version: i32,
    setter_id: Option<UserId>,
    grade: ClimbGrade,
    description: Option<String>,
    climbed_by: i32,
    total_likes: i32,
    total_comments: i32,
    source: Source,
    created_at: Timestamp,
}

/// Brings a deleted climb back under its old id, with `content`, which both sides agree on then, and lifts its
/// tombstone. `check` may refuse the content for the climb's face. The link is for the caller to see to.
pub(crate) fn restore(
    conn: &mut WriteConn<'_>,
    id: ClimbId,
    stokt_id: StoktId,
    content: &CanonicalClimb,
    check: impl FnOnce(&mut ReadConn<'_>, FaceId) -> Result<(), StoreError>,
) -> Result<Restored, StoreError> {
    let tombstone = tombstones::table.find((EntityKind::Climb.as_str(), id.to_string()));
    let row: Option<Option<Value>> =
        on_backend!(conn, |c| tombstone.clone().select(tombstones::row).first(c).optional())?;
    let remains: Option<Remains> = row.flatten().and_then(|row| serde_json::from_value(row).ok());
    on_backend!(conn, |c| diesel::delete(tombstone).execute(c))?;
    let Some(remains) = remains else { return Ok(Restored::NothingKept) };
    let place = (Id(remains.face_id.0), remains.face_version);
    let has_face: i64 = on_backend!(conn, |c| face_versions::table.find(place).count().get_result(c))?;
    if has_face == 0 {
        return Ok(Restored::NothingKept);
    }
    check(conn, remains.face_id)?;
    let setter: Option<Id> = match remains.setter_id {
        Some(setter) => {
            on_backend!(conn, |c| users::table.find(Id(setter.0)).select(users::id).first(c).optional())?
        }
        None => None,
    };
    insert(conn, id, stokt_id, content, &remains, setter)?;
    rows::insert_holds(conn, id, &content.holds)?;
    let whole = ClimbContent {
        name: content.name.clone(),
        holds_list: content.holds.clone(),
        grade: remains.grade,
        feet_rule: content.feet_rule.clone(),
        description: remains.description,
        is_private: content.is_private,
    };
    let edit = NewEdit {
        climb: id.0,
        action: ChangeKind::Created,
        owner: setter,
        is_private: content.is_private,
        changes: changes(None, Some(&whole)),
    };
    climb_edits::record(conn, &Author::Key(AUTHOR.to_owned()), vec![edit])?;
    let mut recounted = Recounted::default();
    recounted.climb(None, counted(remains.face_id, setter, content.is_private));
    recounted.note(conn);
    note(conn, id, ChangeKind::Created, !content.is_private, setter);
    Ok(Restored::Back)
}

fn insert(
    conn: &mut WriteConn<'_>,
    id: ClimbId,
    stokt_id: StoktId,
    content: &CanonicalClimb,
    remains: &Remains,
    setter: Option<Id>,
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let grade = &remains.grade;
    on_backend!(conn, |c| diesel::insert_into(t::table)
        .values((
            (
                t::id.eq(Id(id.0)),
                t::stokt_id.eq(Some(Id(stokt_id.0))),
                t::face_id.eq(Id(remains.face_id.0)),
                t::face_version.eq(remains.face_version),
                t::setter_id.eq(setter),
                t::name.eq(&content.name),
                t::name_folded.eq(fold_name(&content.name)),
                t::holds_list.eq(&content.holds),
                t::mirror_holds_list.eq(&content.mirror_holds),
                t::holds_count.eq(rows::holds_count(&content.holds)),
                t::grade_font.eq(&grade.font),
                t::grade_ircra.eq(grade.ircra),
                t::grade_hueco.eq(&grade.hueco),
                t::grade_dankyu.eq(&grade.dankyu),
                t::grade_rank.eq(rows::rank(grade)),
                t::feet_rule.eq(&content.feet_rule),
            ),
            (
                t::description.eq(&remains.description),
                t::is_private.eq(content.is_private),
                t::is_benchmark.eq(content.is_benchmark),
                t::climbed_by.eq(remains.climbed_by),
                t::total_likes.eq(remains.total_likes),
                t::total_comments.eq(remains.total_comments),
                t::tags.eq(&content.tags),
                t::circuit.eq(&content.circuit),
                t::angle.eq(&content.angle),
                t::rev.eq(1),
                t::source.eq(remains.source.as_str()),
                t::sync_state.eq(SyncState::Synced.as_str()),
                t::created_at.eq(Time(remains.created_at)),
                t::updated_at.eq(now),
                t::synced_at.eq(Some(now)),
                // A grade of the crowd's comes with the next record anyway.
                t::has_own_grade.eq(remains.source == Source::Mastoc && grade.font.is_some()),
            ),
        ))
        .execute(c))?;
    Ok(())
}
