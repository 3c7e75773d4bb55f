//! The feed of changes as JSON.

use mastoc_storage::feed::{FeedPage, FeedRows, Gone};
use serde::Serialize;
use utoipa::ToSchema;

use super::annotation::HoldAnnotationsJson;
use super::ascent::AscentJson;
use super::board::{FaceJson, GymJson, HoldJson, SetterJson, WallJson};
use super::climb::ClimbJson;
use super::comment::CommentJson;
use super::list::FullListJson;
use super::social::SocialJson;

/// Rows of every kind as they are now, each kind by id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangedRows)]
pub(crate) struct RowsJson<'a> {
    /// Gyms.
    gyms: Vec<GymJson<'a>>,
    /// Walls.
    walls: Vec<WallJson<'a>>,
    /// Faces.
    faces: Vec<FaceJson<'a>>,
    /// Holds, in the current version of their face.
    holds: Vec<HoldJson<'a>>,
    /// Setters of climbs that the caller may see.
    users: Vec<SetterJson<'a>>,
    /// Climbs, with the caller's own fields.
    climbs: Vec<ClimbJson<'a>>,
    /// What people say about holds.
    annotations: Vec<HoldAnnotationsJson<'a>>,
    /// Lists with their items.
    lists: Vec<FullListJson<'a>>,
    /// What happened to climbs here: counts, and what the caller did.
    social: Vec<SocialJson>,
    /// Comments.
    comments: Vec<CommentJson<'a>>,
    /// Ascents; without the climb's name and grade, which the copy has with the climb.
    ascents: Vec<AscentJson<'a>>,
}

impl<'a> From<&'a FeedRows> for RowsJson<'a> {
    fn from(rows: &'a FeedRows) -> Self {
        Self {
            gyms: rows.gyms.iter().map(GymJson::from).collect(),
            walls: rows.walls.iter().map(WallJson::from).collect(),
            faces: rows.faces.iter().map(FaceJson::from).collect(),
            holds: rows.holds.iter().map(HoldJson::from).collect(),
            users: rows.users.iter().map(SetterJson::from).collect(),
            climbs: rows.climbs.iter().map(ClimbJson::from).collect(),
            annotations: rows.annotations.iter().map(HoldAnnotationsJson::from).collect(),
            lists: rows.lists.iter().map(FullListJson::from).collect(),
            social: rows.social.iter().map(SocialJson::from).collect(),
            comments: rows.comments.iter().map(CommentJson::from).collect(),
            ascents: rows.ascents.iter().map(AscentJson::from).collect(),
        }
    }
}

/// A row that is gone, or that the caller may no longer see.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeletedRow)]
pub(crate) struct GoneJson<'a> {
    /// `gym`, `wall`, `face`, `hold`, `user`, `climb`, `annotation`, `list`, `social`, `comment` or `ascent`.
    entity: &'static str,
    /// Its id as text: of an `annotation` the hold's, of `social` the climb's.
    id: &'a str,
}

/// One step of following the board. Pages follow the order of commits; within a page each row comes once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangePage<'a> {
    /// Rows that are new.
    created: RowsJson<'a>,
    /// Rows that changed.
    updated: RowsJson<'a>,
    /// Rows that are gone, in the order in which they went.
    deleted: Vec<GoneJson<'a>>,
    /// Send it as `since` to go on from here.
    next_cursor: String,
    /// Whether there is more already.
    has_more: bool,
}

impl<'a> From<&'a FeedPage> for ChangePage<'a> {
    fn from(page: &'a FeedPage) -> Self {
        let gone = |gone: &'a Gone| GoneJson { entity: gone.kind.as_str(), id: &gone.id };
        Self {
            created: RowsJson::from(&page.created),
            updated: RowsJson::from(&page.updated),
            deleted: page.deleted.iter().map(gone).collect(),
            next_cursor: page.next.to_string(),
            has_more: page.has_more,
        }
    }
}
