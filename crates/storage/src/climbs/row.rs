//! One climb as the databases answer it, and the columns every query about climbs selects.

use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow, Queryable};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Bool, Double, Integer, Nullable, SmallInt, Text};
use diesel::sqlite::Sqlite;
use mastoc_domain::board::{Climb, ClimbGrade, PersonalFields};
use mastoc_domain::sync_state::{Source, SyncState};
use mastoc_domain::{ClimbId, FaceId, StoktId, UserId};

use crate::fragment::Fragment;
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;

use super::cursor::ClimbSort;

/// The types of the columns of [`ClimbRow`], in its order.
pub(crate) type ClimbColumns = (
    DbUuid,
    Nullable<DbUuid>,
    DbUuid,
    Integer,
    Nullable<DbUuid>,
    Nullable<Text>,
    Text,
    Text,
    Text,
    Nullable<Text>,
    Nullable<Double>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Bool,
    Bool,
    Integer,
    Integer,
    Integer,
    Text,
    Text,
    Text,
    Text,
    Text,
    DbTime,
    DbTime,
    Nullable<DbTime>,
    Nullable<Text>,
    Nullable<SmallInt>,
    Nullable<Bool>,
    Text,
);

/// Adds `SELECT ... FROM climbs c ...` up to the place of `WHERE`: the climb `c`, its setter's name, and the reader's
/// own fields where the reader is a person. The last column is what `sort` orders by and the climb itself lacks.
pub(crate) fn select(sql: &mut Fragment, viewer: Viewer, sort: Option<ClimbSort>) {
    sql.sql(
        "SELECT c.id, c.stokt_id, c.face_id, c.face_version, c.setter_id, u.full_name, c.name, c.holds_list, \
         c.mirror_holds_list, c.grade_font, c.grade_ircra, c.grade_hueco, c.grade_dankyu, c.feet_rule, c.description, \
         c.is_private, c.is_benchmark, c.climbed_by, c.total_likes, c.total_comments, c.tags, c.circuit, c.angle, \
         c.source, c.sync_state, c.created_at, c.updated_at, c.synced_at, ",
    );
    sql.sql(match viewer {
        Viewer::Person(_) => "p.notes, p.rating, p.is_project, ",
        Viewer::Public | Viewer::Service => {
            "CAST(NULL AS TEXT), CAST(NULL AS SMALLINT), CAST(NULL AS BOOLEAN), "
        }
    });
    sql.sql(match sort {
        Some(ClimbSort::Name | ClimbSort::NameDesc) => "c.name_folded",
        Some(ClimbSort::Grade | ClimbSort::GradeDesc) => "CAST(c.grade_rank AS TEXT)",
        _ => "''",
    });
    sql.sql(" FROM climbs c LEFT JOIN users u ON u.id = c.setter_id");
    if let Viewer::Person(person) = viewer {
        sql.sql(" LEFT JOIN climb_personal p ON p.climb_id = c.id AND p.user_id = ").id(person.0);
    }
}

/// A word of one of the domain's enumerations, read without copying its text.
#[derive(Debug, Clone, Copy, FromSqlRow)]
pub(crate) struct Word<T>(pub(crate) T);

fn word<T: FromStr>(text: &str) -> deserialize::Result<Word<T>> {
    text.parse().map(Word).map_err(|_| format!("unknown word '{text}' in the database").into())
}

impl<T: FromStr> FromSql<Text, Pg> for Word<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        word(std::str::from_utf8(value.as_bytes())?)
    }
}

impl<T: FromStr> FromSql<Text, Sqlite> for Word<T> {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        word(value.read_text())
    }
}

/// A climb with its setter's name and the reader's own fields.
#[derive(Debug, Queryable)]
pub(crate) struct ClimbRow {
    id: Id,
    stokt_id: Option<Id>,
    face_id: Id,
    face_version: i32,
    setter_id: Option<Id>,
    setter_name: Option<String>,
    name: String,
    holds_list: String,
    mirror_holds_list: String,
    grade_font: Option<String>,
    grade_ircra: Option<f64>,
    grade_hueco: Option<String>,
    grade_dankyu: Option<String>,
    feet_rule: Option<String>,
    description: Option<String>,
    is_private: bool,
    is_benchmark: bool,
    climbed_by: i32,
    total_likes: i32,
    total_comments: i32,
    tags: String,
    circuit: String,
    angle: String,
    source: Word<Source>,
    sync_state: Word<SyncState>,
    created_at: Time,
    updated_at: Time,
    synced_at: Option<Time>,
    personal_notes: Option<String>,
    personal_rating: Option<i16>,
    is_project: Option<bool>,
    /// What the page is ordered by, where no other column says it.
    pub(crate) sort_key: String,
}

impl From<ClimbRow> for Climb {
    fn from(row: ClimbRow) -> Self {
        Self {
            id: ClimbId(row.id.0),
            stokt_id: row.stokt_id.map(|id| StoktId(id.0)),
            face_id: FaceId(row.face_id.0),
            face_version: row.face_version,
            setter_id: row.setter_id.map(|id| UserId(id.0)),
            setter_name: row.setter_name,
            name: row.name,
            holds_list: row.holds_list,
            mirror_holds_list: row.mirror_holds_list,
            grade: ClimbGrade {
                font: row.grade_font,
                ircra: row.grade_ircra,
                hueco: row.grade_hueco,
                dankyu: row.grade_dankyu,
            },
            feet_rule: row.feet_rule,
            description: row.description,
            is_private: row.is_private,
            is_benchmark: row.is_benchmark,
            climbed_by: row.climbed_by,
            total_likes: row.total_likes,
            total_comments: row.total_comments,
            tags: row.tags,
            circuit: row.circuit,
            angle: row.angle,
            source: row.source.0,
            sync_state: row.sync_state.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            synced_at: row.synced_at.map(|time| time.0),
            personal: PersonalFields {
                notes: row.personal_notes,
                rating: row.personal_rating,
                is_project: row.is_project.unwrap_or(false),
            },
        }
    }
}
