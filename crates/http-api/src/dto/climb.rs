//! A climb as JSON.

use mastoc_domain::Timestamp;
use mastoc_domain::board::Climb;
use mastoc_domain::{ClimbId, FaceId, StoktId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// A climb: a chosen set of holds of one face.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Climb)]
pub(crate) struct ClimbJson<'a> {
    /// Our id.
    #[schema(value_type = Uuid)]
    id: ClimbId,
    /// Stokt's id; null for a climb that is known here only.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// The face it is on.
    #[schema(value_type = Uuid)]
    face_id: FaceId,
    /// The version of the face that it was set on: `/api/faces/{id}/setup?version=` draws it.
    face_version: i32,
    /// Who set it.
    #[schema(value_type = Option<Uuid>)]
    setter_id: Option<UserId>,
    /// The setter's name.
    setter_name: Option<&'a str>,
    /// Its name.
    name: &'a str,
    /// Its holds with their roles: `S400166 O399906 F399901 T400009`.
    holds_list: &'a str,
    /// Font grade, `?` where ungraded.
    grade_font: Option<&'a str>,
    /// The same on the IRCRA scale.
    grade_ircra: Option<f64>,
    /// What feet may use.
    feet_rule: Option<&'a str>,
    /// Free text.
    description: Option<&'a str>,
    /// Whether only its setter may see it.
    is_private: bool,
    /// Whether it is a benchmark of its grade.
    is_benchmark: bool,
    /// How many people climbed it.
    climbed_by: i32,
    /// Likes.
    total_likes: i32,
    /// Comments.
    total_comments: i32,
    /// Where it was born: `mastoc` or `stokt`.
    source: &'static str,
    /// The caller's own notes.
    personal_notes: Option<&'a str>,
    /// The caller's own rating, 1 to 5.
    personal_rating: Option<i16>,
    /// Whether it is one of the caller's projects.
    is_project: bool,
    /// When it was set.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed here.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When it was last brought in line with Stokt.
    #[schema(value_type = Option<String>, format = DateTime)]
    synced_at: Option<Timestamp>,
    /// Comma-separated tags; often empty.
    tags: &'a str,
    /// The circuit; often empty.
    circuit: &'a str,
    /// The wall's angle; often empty.
    angle: &'a str,
    /// The mirrored holds list; often empty.
    mirror_holds_list: &'a str,
    /// `local`, `synced`, `modified`, `conflict` or `archived`.
    sync_state: &'static str,
}

impl<'a> From<&'a Climb> for ClimbJson<'a> {
    fn from(climb: &'a Climb) -> Self {
        Self {
            id: climb.id,
            stokt_id: climb.stokt_id,
            face_id: climb.face_id,
            face_version: climb.face_version,
            setter_id: climb.setter_id,
            setter_name: climb.setter_name.as_deref(),
            name: &climb.name,
            holds_list: &climb.holds_list,
            grade_font: climb.grade.font.as_deref(),
            grade_ircra: climb.grade.ircra,
            feet_rule: climb.feet_rule.as_deref(),
            description: climb.description.as_deref(),
            is_private: climb.is_private,
            is_benchmark: climb.is_benchmark,
            climbed_by: climb.climbed_by,
            total_likes: climb.total_likes,
            total_comments: climb.total_comments,
            source: climb.source.as_str(),
            personal_notes: climb.personal.notes.as_deref(),
            personal_rating: climb.personal.rating,
            is_project: climb.personal.is_project,
            created_at: climb.created_at,
            updated_at: climb.updated_at,
            synced_at: climb.synced_at,
            tags: &climb.tags,
            circuit: &climb.circuit,
            angle: &climb.angle,
            mirror_holds_list: &climb.mirror_holds_list,
            sync_state: climb.sync_state.as_str(),
        }
    }
}

/// A page of climbs by number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClimbPage<'a> {
    /// The climbs of this page.
    pub(crate) results: Vec<ClimbJson<'a>>,
    /// How many climbs there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many climbs a page has.
    pub(crate) page_size: i64,
}

/// A page of climbs by cursor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClimbCursorPage<'a> {
    /// The climbs of this page.
    pub(crate) results: Vec<ClimbJson<'a>>,
    /// How many climbs a page has.
    pub(crate) page_size: i64,
    /// Sent as `cursor` it gives the next page; null at the end.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// A page of climbs: by number, or by cursor if one was sent.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documents an answer that has two shapes")]
pub(crate) enum ClimbAnswer<'a> {
    /// By number.
    Page(ClimbPage<'a>),
    /// By cursor.
    Cursor(ClimbCursorPage<'a>),
}
