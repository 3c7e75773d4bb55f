//! The rows that a climb written here consists of.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Double, Nullable, Text};
use mastoc_domain::board::ClimbGrade;
use mastoc_domain::climb_edit::ClimbContent;
use mastoc_domain::fold::fold_name;
use mastoc_domain::grade::FontGrade;
use mastoc_domain::holds_list::{HoldsList, Role};
use mastoc_domain::sync_state::{Source, SyncState};
use mastoc_domain::{ClimbId, FaceId, StoktId, Timestamp, UserId};
use serde_json::{Value, json};

use crate::climbs::{self, Word};
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::{climb_holds, climbs as t};
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;

/// A climb that is about to be written, as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Our id.
    pub id: ClimbId,
    /// Stokt's id.
    pub stokt_id: Option<StoktId>,
    /// Its face.
    pub face_id: FaceId,
    /// The version of the face it was set on.
    pub face_version: i32,
    /// Its setter.
    pub setter_id: Option<UserId>,
    /// What people edit.
    pub content: ClimbContent,
    /// How it stands towards Stokt.
    pub sync_state: SyncState,
    /// When it was set.
    pub created_at: Timestamp,
}

type Columns = (
    Nullable<DbUuid>,
    DbUuid,
    diesel::sql_types::Integer,
    Nullable<DbUuid>,
    Text,
    Text,
    (Nullable<Text>, Nullable<Double>, Nullable<Text>, Nullable<Text>),
    Nullable<Text>,
    Nullable<Text>,
    Bool,
    Text,
    DbTime,
);

#[derive(Queryable)]
struct Row {
    stokt_id: Option<Id>,
    face_id: Id,
    face_version: i32,
    setter_id: Option<Id>,
    name: String,
    holds_list: String,
    grade: (Option<String>, Option<f64>, Option<String>, Option<String>),
    feet_rule: Option<String>,
    description: Option<String>,
    is_private: bool,
    sync_state: Word<SyncState>,
    created_at: Time,
}

/// The climb as it stands, if `viewer` sees it; kept from other writers until the transaction ends.
pub(super) fn locked(
    conn: &mut WriteConn<'_>,
    viewer: Viewer,
    id: ClimbId,
) -> Result<Option<Standing>, StoreError> {
    let mut sql = Fragment::new(
        "SELECT c.stokt_id, c.face_id, c.face_version, c.setter_id, c.name, c.holds_list, c.grade_font, \
         c.grade_ircra, c.grade_hueco, c.grade_dankyu, c.feet_rule, c.description, c.is_private, c.sync_state, \
         c.created_at FROM climbs c WHERE c.id = ",
    );
    sql.id(id.0).sql(" AND ");
    viewer.sees(&mut sql, "c");
    sql.either(" FOR UPDATE", "");
    let statement = sql.selecting::<Columns>();
    let row: Option<Row> = on_backend!(conn, |c| statement.get_result(c).optional())?;
    Ok(row.map(|row| Standing {
        id,
        stokt_id: row.stokt_id.map(|id| StoktId(id.0)),
        face_id: FaceId(row.face_id.0),
        face_version: row.face_version,
        setter_id: row.setter_id.map(|id| UserId(id.0)),
        content: ClimbContent {
            name: row.name,
            holds_list: row.holds_list,
            grade: ClimbGrade {
                font: row.grade.0,
                ircra: row.grade.1,
                hueco: row.grade.2,
                dankyu: row.grade.3,
            },
            feet_rule: row.feet_rule,
            description: row.description,
            is_private: row.is_private,
        },
        sync_state: row.sync_state.0,
        created_at: row.created_at.0,
    }))
}

/// The place of a grade in the order of Font grades; 0 for one that is unknown.
pub(super) fn rank(grade: &ClimbGrade) -> i32 {
    let font = grade.font.as_deref().and_then(|font| FontGrade::parse(font).ok());
    font.unwrap_or(FontGrade::Ungraded).rank()
}

pub(super) fn holds_count(holds_list: &str) -> i32 {
    let count = HoldsList::parse(holds_list).map_or(0, |list| list.hold_count());
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Writes the row of a new climb.
pub(super) fn insert(
    conn: &mut WriteConn<'_>,
    id: ClimbId,
    face: FaceId,
    version: i32,
    setter: Option<Id>,
    content: &ClimbContent,
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let grade = &content.grade;
    on_backend!(conn, |c| diesel::insert_into(t::table)
        .values((
            (
                t::id.eq(Id(id.0)),
                t::face_id.eq(Id(face.0)),
                t::face_version.eq(version),
                t::setter_id.eq(setter),
                t::name.eq(&content.name),
                t::name_folded.eq(fold_name(&content.name)),
                t::holds_list.eq(&content.holds_list),
                t::mirror_holds_list.eq(""),
                t::holds_count.eq(holds_count(&content.holds_list)),
                t::grade_font.eq(&grade.font),
                t::grade_ircra.eq(grade.ircra),
                t::grade_hueco.eq(&grade.hueco),
                t::grade_dankyu.eq(&grade.dankyu),
                t::grade_rank.eq(rank(grade)),
                t::feet_rule.eq(&content.feet_rule),
                t::description.eq(&content.description),
            ),
            (
                t::is_private.eq(content.is_private),
                t::is_benchmark.eq(false),
                t::climbed_by.eq(0),
                t::total_likes.eq(0),
                t::total_comments.eq(0),
                t::tags.eq(""),
                t::circuit.eq(""),
                t::angle.eq(""),
                t::rev.eq(1),
                t::source.eq(Source::Mastoc.as_str()),
                t::sync_state.eq(SyncState::Local.as_str()),
                t::created_at.eq(now),
                t::updated_at.eq(now),
                t::has_own_grade.eq(grade.font.is_some()),
            ),
        ))
        .execute(c))?;
    Ok(())
}

/// Writes what an edit made of a climb. The mirrored list belonged to the holds that it had.
pub(super) fn update(
    conn: &mut WriteConn<'_>,
    climb: &Standing,
    content: &ClimbContent,
    state: SyncState,
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let id = Id(climb.id.0);
    let grade = &content.grade;
    on_backend!(conn, |c| diesel::update(t::table.find(id))
        .set((
            t::name.eq(&content.name),
            t::name_folded.eq(fold_name(&content.name)),
            t::feet_rule.eq(&content.feet_rule),
            t::description.eq(&content.description),
            t::is_private.eq(content.is_private),
            t::rev.eq(t::rev + 1),
            t::sync_state.eq(state.as_str()),
            t::updated_at.eq(now),
        ))
        .execute(c))?;
    if climb.content.holds_list != content.holds_list {
        on_backend!(conn, |c| diesel::update(t::table.find(id))
            .set((
                t::holds_list.eq(&content.holds_list),
                t::mirror_holds_list.eq(""),
                t::holds_count.eq(holds_count(&content.holds_list)),
            ))
            .execute(c))?;
    }
    if climb.content.grade != *grade {
        on_backend!(conn, |c| diesel::update(t::table.find(id))
            .set((
                t::grade_font.eq(&grade.font),
                t::grade_ircra.eq(grade.ircra),
                t::grade_hueco.eq(&grade.hueco),
                t::grade_dankyu.eq(&grade.dankyu),
                t::grade_rank.eq(rank(grade)),
                t::has_own_grade.eq(grade.font.is_some()),
            ))
            .execute(c))?;
    }
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = climb_holds, treat_none_as_default_value = false)]
struct HoldRow {
    climb_id: Id,
    hold_id: i64,
    role: &'static str,
}

/// Writes the holds of a climb that has none yet.
pub(super) fn insert_holds(conn: &mut WriteConn<'_>, id: ClimbId, list: &str) -> Result<(), StoreError> {
    let list = HoldsList::parse(list).map_err(|error| StoreError::Invalid(error.to_string()))?;
    let tokens: BTreeSet<(i64, Role)> = list.iter().map(|token| (token.hold.0, token.role)).collect();
    let rows: Vec<HoldRow> = tokens
        .into_iter()
        .map(|(hold_id, role)| HoldRow { climb_id: Id(id.0), hold_id, role: role.as_str() })
        .collect();
    for rows in crate::sql::chunks(&rows, 3) {
        on_backend!(conn, |c| diesel::insert_into(climb_holds::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// Removes the holds of a climb.
pub(super) fn delete_holds(conn: &mut WriteConn<'_>, id: ClimbId) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::delete(climb_holds::table)
        .filter(climb_holds::climb_id.eq(Id(id.0)))
        .execute(c))?;
    Ok(())
}

/// What is kept of a climb that is deleted: everything but what people keep to themselves about it.
pub(super) fn remains(conn: &mut WriteConn<'_>, climb: &Standing) -> Result<Value, StoreError> {
    let climb = climbs::by_id(conn, Viewer::Service, climb.id)?.ok_or(StoreError::NotFound)?;
    Ok(json!({
        "id": climb.id,
        "stokt_id": climb.stokt_id,
        "face_id": climb.face_id,
        "face_version": climb.face_version,
        "setter_id": climb.setter_id,
        "setter_name": climb.setter_name,
        "name": climb.name,
        "holds_list": climb.holds_list,
        "mirror_holds_list": climb.mirror_holds_list,
        "grade": climb.grade,
        "feet_rule": climb.feet_rule,
        "description": climb.description,
        "is_private": climb.is_private,
        "is_benchmark": climb.is_benchmark,
        "climbed_by": climb.climbed_by,
        "total_likes": climb.total_likes,
        "total_comments": climb.total_comments,
        "tags": climb.tags,
        "circuit": climb.circuit,
        "angle": climb.angle,
        "source": climb.source,
        "sync_state": climb.sync_state,
        "created_at": climb.created_at,
        "updated_at": climb.updated_at,
        "synced_at": climb.synced_at,
    }))
}
