//! The board as it is kept here: gyms, walls, faces with their versions, holds, setters and climbs.

use serde::{Deserialize, Serialize};

use crate::ids::{ClimbId, FaceId, GymId, HoldId, StoktHoldId, StoktId, UserId, WallId};
use crate::sync_state::{Source, SyncState};
use crate::time::Timestamp;

/// A climbing gym, or somebody's home wall.
#[derive(Debug, Clone, PartialEq)]
pub struct Gym {
    /// Our id.
    pub id: GymId,
    /// Stokt's id, if the gym is known there.
    pub stokt_id: Option<StoktId>,
    /// The name people know.
    pub display_name: String,
    /// Where it is, as free text.
    pub location: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Who may change it, beside admins; nobody where it came from outside.
    pub owner_id: Option<UserId>,
    /// Where the row was born.
    pub source: Source,
    /// When it was made here.
    pub created_at: Timestamp,
    /// When it last changed here.
    pub updated_at: Timestamp,
}

/// One of the feet rules that a wall offers, e.g. "Tous pieds".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeetRuleOption {
    /// The rule as people read it.
    pub name: String,
    /// Whether new climbs get this rule by themselves.
    pub is_default: bool,
}

/// A wall of a gym; it is photographed as one face or more.
#[derive(Debug, Clone, PartialEq)]
pub struct Wall {
    /// Our id.
    pub id: WallId,
    /// Stokt's id, if the wall is known there.
    pub stokt_id: Option<StoktId>,
    /// The gym it stands in.
    pub gym_id: GymId,
    /// Its name.
    pub name: String,
    /// Whether its inclination can be changed.
    pub is_angle_adjustable: bool,
    /// Whether it is in use.
    pub is_active: bool,
    /// The feet rules offered on it.
    pub feet_rules: Vec<FeetRuleOption>,
}

/// A picture as its owner names it, with its size in pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureRef {
    /// The path under which it is served (`/static/{path}` here, `/media/{path}` at Stokt).
    pub path: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// A face in its current version: one photographed arrangement of holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    /// Our id.
    pub id: FaceId,
    /// Stokt's id, if the face is known there.
    pub stokt_id: Option<StoktId>,
    /// The gym it belongs to.
    pub gym_id: GymId,
    /// The wall it shows, where that is known.
    pub wall_id: Option<WallId>,
    /// Whether it is in use.
    pub is_active: bool,
    /// The version that is shown: picture and hold geometry belong together.
    pub version: i32,
    /// The wall picture of this version; hold geometry is in its pixels.
    pub picture: Option<PictureRef>,
    /// The SHA-256 of the picture once its copy here is verified.
    pub picture_sha256: Option<String>,
    /// A smaller rendering of the same picture.
    pub small_picture: Option<PictureRef>,
    /// The feet rules that a climb of this face may name.
    pub feet_rules_options: Vec<String>,
    /// Whether the arrangement is mirror-symmetric.
    pub has_symmetry: bool,
    /// How many holds the current version has.
    pub holds_count: i64,
    /// How many climbs there are on it that the reader may see.
    pub climbs_count: i64,
}

/// The geometry texts of a hold, kept exactly as they came; pixels of the full-size picture, origin top left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HoldShape {
    /// Area in square pixels, as text.
    pub area: String,
    /// The outline: `x,y x,y ...`.
    pub polygon_str: String,
    /// The wider zone that a finger may touch.
    pub touch_polygon_str: String,
    /// The outline as an SVG path.
    pub path_str: String,
    /// `x y`.
    pub centroid_str: String,
    /// The wider outline that is drawn round a top hold.
    pub top_polygon_str: String,
    /// Tape line drawn with two start holds or more: `x1 y1 x2 y2`.
    pub center_tape_str: String,
    /// Left tape line of a single start hold.
    pub left_tape_str: String,
    /// Right tape line of a single start hold.
    pub right_tape_str: String,
}

/// A hold in one version of its face.
#[derive(Debug, Clone, PartialEq)]
pub struct Hold {
    /// Our id; equal to Stokt's for an imported hold.
    pub id: HoldId,
    /// Stokt's id, if the hold is known there.
    pub stokt_id: Option<StoktHoldId>,
    /// The face it is on.
    pub face_id: FaceId,
    /// Horizontal centre in pixels.
    pub centroid_x: f64,
    /// Vertical centre in pixels.
    pub centroid_y: f64,
    /// Whether it is off the wall: old climbs keep it, new ones cannot have it.
    pub is_retired: bool,
    /// Its outlines and tape lines.
    pub shape: HoldShape,
}

/// A climb's grade: Font text, its IRCRA value, and what Stokt calls it on two more scales.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClimbGrade {
    /// Font text such as `6A+`, or `?`; `None` where nothing is known.
    pub font: Option<String>,
    /// Position on the IRCRA scale.
    pub ircra: Option<f64>,
    /// V scale text.
    pub hueco: Option<String>,
    /// Dankyu text.
    pub dankyu: Option<String>,
}

/// What somebody keeps to themselves about a climb.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonalFields {
    /// Free text.
    pub notes: Option<String>,
    /// 1 to 5.
    pub rating: Option<i16>,
    /// Whether the climb is one of their projects.
    pub is_project: bool,
}

/// A climb (fr. *bloc*): a chosen set of holds of one face.
#[derive(Debug, Clone, PartialEq)]
pub struct Climb {
    /// Our id.
    pub id: ClimbId,
    /// Stokt's id, if the climb is known there.
    pub stokt_id: Option<StoktId>,
    /// The face it is on.
    pub face_id: FaceId,
    /// The version of the face it was set on.
    pub face_version: i32,
    /// Who set it.
    pub setter_id: Option<UserId>,
    /// The setter's name.
    pub setter_name: Option<String>,
    /// Its name.
    pub name: String,
    /// Its holds with their roles, as text; kept exactly as imported.
    pub holds_list: String,
    /// The mirrored list, where the face is symmetric; empty otherwise.
    pub mirror_holds_list: String,
    /// Its grade.
    pub grade: ClimbGrade,
    /// What feet may use, as free text.
    pub feet_rule: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Whether only its setter may see it.
    pub is_private: bool,
    /// Whether it is a benchmark of its grade.
    pub is_benchmark: bool,
    /// How many people climbed it, as Stokt counts.
    pub climbed_by: i32,
    /// Likes, as Stokt counts.
    pub total_likes: i32,
    /// Comments, as Stokt counts.
    pub total_comments: i32,
    /// Comma-separated tags; often empty.
    pub tags: String,
    /// The circuit as Stokt writes it (JSON text); often empty.
    pub circuit: String,
    /// The wall's angle for this climb as text; often empty.
    pub angle: String,
    /// Where the row was born.
    pub source: Source,
    /// How it stands towards Stokt.
    pub sync_state: SyncState,
    /// When it was set.
    pub created_at: Timestamp,
    /// When it last changed here.
    pub updated_at: Timestamp,
    /// When it was last brought in line with Stokt.
    pub synced_at: Option<Timestamp>,
    /// The reader's own fields; empty for readers that are not persons.
    pub personal: PersonalFields,
}

/// A person as others see them.
#[derive(Debug, Clone, PartialEq)]
pub struct Setter {
    /// Our id.
    pub id: UserId,
    /// Stokt's id, if the person is known there.
    pub stokt_id: Option<StoktId>,
    /// The name they show.
    pub full_name: String,
    /// The path of their avatar, where they have one.
    pub avatar_path: Option<String>,
    /// How many climbs they set that the reader may see.
    pub climbs_count: i64,
}
