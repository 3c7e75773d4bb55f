//! The rows an imported climb consists of, and the statements that write many of them.

use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::fold::fold_name;
use mastoc_domain::grade::FontGrade;
use mastoc_domain::import::ImportClimb;
use mastoc_domain::sync_state::{Source, SyncState};
use serde_json::Value;
use uuid::Uuid;

use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::{climb_holds, climb_viewer_facts, climbs as t};
use crate::sql::{chunks, keys};
use crate::types::{Id, Time};

/// Sets each column of the grade to what is imported, unless the climb was graded here.
macro_rules! imported_grade {
    () => {
        imported_grade!(grade_font, grade_ircra, grade_hueco, grade_dankyu, grade_rank)
    };
    ($($column:ident),+) => {
        ($(t::$column.eq(case_when(t::has_own_grade, t::$column).otherwise(excluded(t::$column))),)+)
    };
}

/// A climb as it is written.
#[derive(Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
pub(super) struct ClimbRow<'a> {
    pub(super) id: Id,
    stokt_id: Option<Id>,
    face_id: Id,
    face_version: i32,
    setter_id: Option<Id>,
    name: &'a str,
    name_folded: String,
    holds_list: &'a str,
    mirror_holds_list: &'a str,
    holds_count: i32,
    grade_font: Option<&'a str>,
    grade_ircra: Option<f64>,
    grade_hueco: Option<&'a str>,
    grade_dankyu: Option<&'a str>,
    grade_rank: i32,
    feet_rule: Option<&'a str>,
    description: Option<&'a str>,
    is_private: bool,
    is_benchmark: bool,
    climbed_by: i32,
    total_likes: i32,
    total_comments: i32,
    tags: &'a str,
    circuit: &'a str,
    angle: &'a str,
    rev: i32,
    source: &'a str,
    sync_state: &'a str,
    created_at: Time,
    updated_at: Time,
    synced_at: Option<Time>,
}

/// How many values a row has.
const COLUMNS: usize = 31;

/// What of a climb's row does not come from the record.
pub(super) struct Place {
    pub(super) id: Uuid,
    pub(super) face_id: Uuid,
    pub(super) face_version: i32,
    pub(super) setter_id: Option<Uuid>,
    pub(super) holds_count: i32,
    pub(super) rev: i32,
    pub(super) source: Source,
    pub(super) created_at: Time,
    pub(super) now: Time,
}

impl<'a> ClimbRow<'a> {
    pub(super) fn new(record: &'a ImportClimb, place: &Place) -> Self {
        Self {
            id: Id(place.id),
            stokt_id: Some(Id(record.stokt_id.0)),
            face_id: Id(place.face_id),
            face_version: place.face_version,
            setter_id: place.setter_id.map(Id),
            name: &record.name,
            name_folded: fold_name(&record.name),
            holds_list: &record.holds_list,
            mirror_holds_list: &record.mirror_holds_list,
            holds_count: place.holds_count,
            grade_font: record.grade.font.as_deref(),
            grade_ircra: record.grade.ircra,
            grade_hueco: record.grade.hueco.as_deref(),
            grade_dankyu: record.grade.dankyu.as_deref(),
            grade_rank: rank(record),
            feet_rule: record.feet_rule.as_deref(),
            description: record.description.as_deref(),
            is_private: record.is_private,
            is_benchmark: record.is_benchmark,
            climbed_by: record.climbed_by,
            total_likes: record.total_likes,
            total_comments: record.total_comments,
            tags: &record.tags,
            circuit: &record.circuit,
            angle: &record.angle,
            rev: place.rev,
            source: place.source.as_str(),
            sync_state: SyncState::Synced.as_str(),
            created_at: place.created_at,
            updated_at: place.now,
            synced_at: Some(place.now),
        }
    }
}

/// The place of the climb's grade in the order of Font grades; 0 for one that is unknown.
fn rank(record: &ImportClimb) -> i32 {
    let grade = record.grade.font.as_deref().and_then(|font| FontGrade::parse(font).ok());
    grade.unwrap_or(FontGrade::Ungraded).rank()
}

/// Writes climbs: new ones, and existing ones with all that the record says, except a grade that was given here.
pub(super) fn save(conn: &mut WriteConn<'_>, rows: &[ClimbRow<'_>]) -> Result<(), StoreError> {
    for rows in chunks(rows, COLUMNS) {
        on_backend!(conn, |c| diesel::insert_into(t::table)
            .values(rows)
            .on_conflict(t::id)
            .do_update()
            .set((
                t::face_id.eq(excluded(t::face_id)),
                t::face_version.eq(excluded(t::face_version)),
                t::setter_id.eq(excluded(t::setter_id)),
                t::name.eq(excluded(t::name)),
                t::name_folded.eq(excluded(t::name_folded)),
                t::holds_list.eq(excluded(t::holds_list)),
                t::mirror_holds_list.eq(excluded(t::mirror_holds_list)),
                t::holds_count.eq(excluded(t::holds_count)),
                imported_grade!(),
                t::feet_rule.eq(excluded(t::feet_rule)),
                // Stokt never tells a description: one that was written here stays.
                t::description.eq(case_when(excluded(t::description).is_null(), t::description)
                    .otherwise(excluded(t::description))),
                t::is_private.eq(excluded(t::is_private)),
                t::is_benchmark.eq(excluded(t::is_benchmark)),
                t::climbed_by.eq(excluded(t::climbed_by)),
                t::total_likes.eq(excluded(t::total_likes)),
                t::total_comments.eq(excluded(t::total_comments)),
                t::tags.eq(excluded(t::tags)),
                t::circuit.eq(excluded(t::circuit)),
                t::angle.eq(excluded(t::angle)),
                t::rev.eq(excluded(t::rev)),
                t::sync_state.eq(excluded(t::sync_state)),
                t::created_at.eq(excluded(t::created_at)),
                t::updated_at.eq(excluded(t::updated_at)),
                t::synced_at.eq(excluded(t::synced_at)),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Refreshes what Stokt alone counts, and leaves what a person can edit, or graded, as it is here.
pub(super) fn refresh(conn: &mut WriteConn<'_>, rows: &[ClimbRow<'_>]) -> Result<(), StoreError> {
    for rows in chunks(rows, COLUMNS) {
        on_backend!(conn, |c| diesel::insert_into(t::table)
            .values(rows)
            .on_conflict(t::id)
            .do_update()
            .set((
                imported_grade!(),
                t::climbed_by.eq(excluded(t::climbed_by)),
                t::total_likes.eq(excluded(t::total_likes)),
                t::total_comments.eq(excluded(t::total_comments)),
                t::updated_at.eq(excluded(t::updated_at)),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// A hold that a climb uses, in one role.
#[derive(Insertable)]
#[diesel(table_name = climb_holds, treat_none_as_default_value = false)]
pub(super) struct HoldRow {
    pub(super) climb_id: Id,
    pub(super) hold_id: i64,
    pub(super) role: &'static str,
}

/// Writes the holds of climbs, after removing those of `replaced` climbs.
pub(super) fn save_holds(
    conn: &mut WriteConn<'_>,
    replaced: &[Id],
    rows: &[HoldRow],
) -> Result<(), StoreError> {
    for ids in keys(replaced) {
        on_backend!(conn, |c| diesel::delete(climb_holds::table.filter(climb_holds::climb_id.eq_any(ids)))
            .execute(c))?;
    }
    for rows in chunks(rows, 3) {
        on_backend!(conn, |c| diesel::insert_into(climb_holds::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// What Stokt said of a climb for one account.
#[derive(Insertable)]
#[diesel(table_name = climb_viewer_facts, treat_none_as_default_value = false)]
pub(super) struct FactsRow<'a> {
    pub(super) climb_id: Id,
    pub(super) account: &'a str,
    pub(super) facts: Value,
    pub(super) updated_at: Time,
}

/// Writes what Stokt said of climbs for one account.
pub(super) fn save_facts(conn: &mut WriteConn<'_>, rows: &[FactsRow<'_>]) -> Result<(), StoreError> {
    use climb_viewer_facts as f;
    for rows in chunks(rows, 4) {
        on_backend!(conn, |c| diesel::insert_into(f::table)
            .values(rows)
            .on_conflict((f::climb_id, f::account))
            .do_update()
            .set((f::facts.eq(excluded(f::facts)), f::updated_at.eq(excluded(f::updated_at))))
            .execute(c))?;
    }
    Ok(())
}
