//! Gyms, walls, faces, holds and setters as JSON.

use mastoc_domain::Timestamp;
use mastoc_domain::board::{Face, Gym, Hold, PictureRef, Setter, Wall};
use mastoc_domain::{FaceId, GymId, HoldId, StoktHoldId, StoktId, UserId, WallId};
use serde::Serialize;
use utoipa::ToSchema;

/// A picture by the path under `/static/`, with its size in pixels.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Picture)]
pub(crate) struct PictureJson<'a> {
    /// The path: `/static/{name}` serves it.
    name: &'a str,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
}

impl<'a> From<&'a PictureRef> for PictureJson<'a> {
    fn from(picture: &'a PictureRef) -> Self {
        Self { name: &picture.path, width: picture.width, height: picture.height }
    }
}

/// A face: one photographed arrangement of holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Face)]
pub(crate) struct FaceJson<'a> {
    /// Our id.
    #[schema(value_type = Uuid)]
    id: FaceId,
    /// Stokt's id.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// The gym it belongs to.
    #[schema(value_type = Uuid)]
    gym_id: GymId,
    /// The wall it shows, where that is known.
    #[schema(value_type = Option<Uuid>)]
    wall_id: Option<WallId>,
    /// Whether it is in use.
    is_active: bool,
    /// The version that is shown; picture and hold geometry belong together.
    version: i32,
    /// The path of the wall picture: `/static/{picture_path}` serves it.
    picture_path: Option<&'a str>,
    /// Its width in pixels.
    picture_width: Option<u32>,
    /// Its height in pixels.
    picture_height: Option<u32>,
    /// The SHA-256 of the picture once its copy here is verified: `/media/{picture_sha256}` serves it.
    picture_sha256: Option<&'a str>,
    /// The feet rules that a climb of this face may name.
    feet_rules_options: &'a [String],
    /// Whether the arrangement is mirror-symmetric.
    has_symmetry: bool,
    /// How many holds it has.
    holds_count: i64,
    /// How many climbs there are on it that the caller may see.
    climbs_count: i64,
}

impl<'a> From<&'a Face> for FaceJson<'a> {
    fn from(face: &'a Face) -> Self {
        let picture = face.picture.as_ref();
        Self {
            id: face.id,
            stokt_id: face.stokt_id,
            gym_id: face.gym_id,
            wall_id: face.wall_id,
            is_active: face.is_active,
            version: face.version,
            picture_path: picture.map(|picture| picture.path.as_str()),
            picture_width: picture.map(|picture| picture.width),
            picture_height: picture.map(|picture| picture.height),
            picture_sha256: face.picture_sha256.as_deref(),
            feet_rules_options: &face.feet_rules_options,
            has_symmetry: face.has_symmetry,
            holds_count: face.holds_count,
            climbs_count: face.climbs_count,
        }
    }
}

/// A hold; every text is there, as it was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
pub(crate) struct HoldJson<'a> {
    /// Names the hold everywhere; equal to Stokt's id for an imported hold.
    #[schema(value_type = i64)]
    id: HoldId,
    /// Stokt's id.
    #[schema(value_type = Option<i64>)]
    stokt_id: Option<StoktHoldId>,
    /// The face it is on.
    #[schema(value_type = Uuid)]
    face_id: FaceId,
    /// The outline in pixels: `x,y x,y ...`.
    polygon_str: &'a str,
    /// Horizontal centre in pixels.
    centroid_x: f64,
    /// Vertical centre in pixels.
    centroid_y: f64,
    /// The outline as an SVG path.
    path_str: &'a str,
    /// Area in square pixels, as text.
    area: &'a str,
    /// The wider zone that a finger may touch.
    touch_polygon_str: &'a str,
    /// `x y` in pixels.
    centroid_str: &'a str,
    /// The wider outline that is drawn round a top hold.
    top_polygon_str: &'a str,
    /// Tape line drawn with two start holds or more: `x1 y1 x2 y2`.
    center_tape_str: &'a str,
    /// Right tape line of a single start hold.
    right_tape_str: &'a str,
    /// Left tape line of a single start hold.
    left_tape_str: &'a str,
    /// Whether it is off the wall: old climbs keep it, new ones cannot have it.
    is_retired: bool,
}

impl<'a> From<&'a Hold> for HoldJson<'a> {
    fn from(hold: &'a Hold) -> Self {
        let shape = &hold.shape;
        Self {
            id: hold.id,
            stokt_id: hold.stokt_id,
            face_id: hold.face_id,
            polygon_str: &shape.polygon_str,
            centroid_x: hold.centroid_x,
            centroid_y: hold.centroid_y,
            path_str: &shape.path_str,
            area: &shape.area,
            touch_polygon_str: &shape.touch_polygon_str,
            centroid_str: &shape.centroid_str,
            top_polygon_str: &shape.top_polygon_str,
            center_tape_str: &shape.center_tape_str,
            right_tape_str: &shape.right_tape_str,
            left_tape_str: &shape.left_tape_str,
            is_retired: hold.is_retired,
        }
    }
}

/// Everything that drawing a face needs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FaceSetup)]
pub(crate) struct FaceSetupJson<'a> {
    /// Our id.
    #[schema(value_type = Uuid)]
    id: FaceId,
    /// Stokt's id.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// Whether it is in use.
    is_active: bool,
    /// The version of picture and holds that this is.
    version: i32,
    /// How many climbs there are on it that the caller may see.
    total_climbs: i64,
    /// The wall picture.
    picture: Option<PictureJson<'a>>,
    /// The SHA-256 of the picture once its copy here is verified.
    picture_sha256: Option<&'a str>,
    /// A smaller rendering.
    small_picture: Option<PictureJson<'a>>,
    /// The feet rules that a climb of this face may name.
    feet_rules_options: &'a [String],
    /// Whether the arrangement is mirror-symmetric.
    has_symmetry: bool,
    /// The holds, by id.
    holds: Vec<HoldJson<'a>>,
}

impl<'a> FaceSetupJson<'a> {
    pub(crate) fn new(face: &'a Face, holds: &'a [Hold]) -> Self {
        Self {
            id: face.id,
            stokt_id: face.stokt_id,
            is_active: face.is_active,
            version: face.version,
            total_climbs: face.climbs_count,
            picture: face.picture.as_ref().map(PictureJson::from),
            picture_sha256: face.picture_sha256.as_deref(),
            small_picture: face.small_picture.as_ref().map(PictureJson::from),
            feet_rules_options: &face.feet_rules_options,
            has_symmetry: face.has_symmetry,
            holds: holds.iter().map(HoldJson::from).collect(),
        }
    }
}

/// Holds with their number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldList<'a> {
    /// The holds.
    pub(crate) results: Vec<HoldJson<'a>>,
    /// How many there are.
    pub(crate) count: usize,
}

/// A feet rule that a wall offers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeetRuleJson<'a> {
    /// The rule as people read it.
    name: &'a str,
    /// Whether new climbs get it by themselves.
    is_default: bool,
}

/// A wall of a gym.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wall)]
pub(crate) struct WallJson<'a> {
    /// Our id.
    #[schema(value_type = Uuid)]
    id: WallId,
    /// Stokt's id.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// The gym it stands in.
    #[schema(value_type = Uuid)]
    gym_id: GymId,
    /// Its name.
    name: &'a str,
    /// Whether its inclination can be changed.
    is_angle_adjustable: bool,
    /// Whether it is in use.
    is_active: bool,
    /// The feet rules offered on it.
    feet_rules: Vec<FeetRuleJson<'a>>,
}

impl<'a> From<&'a Wall> for WallJson<'a> {
    fn from(wall: &'a Wall) -> Self {
        let rules = wall.feet_rules.iter();
        Self {
            id: wall.id,
            stokt_id: wall.stokt_id,
            gym_id: wall.gym_id,
            name: &wall.name,
            is_angle_adjustable: wall.is_angle_adjustable,
            is_active: wall.is_active,
            feet_rules: rules
                .map(|rule| FeetRuleJson { name: &rule.name, is_default: rule.is_default })
                .collect(),
        }
    }
}

/// A climbing gym, or somebody's home wall.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gym)]
pub(crate) struct GymJson<'a> {
    /// Our id.
    #[schema(value_type = Uuid)]
    id: GymId,
    /// Stokt's id.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// The name people know.
    display_name: &'a str,
    /// Where it is, as free text.
    location_string: Option<&'a str>,
    /// Free text.
    description: Option<&'a str>,
    /// Who may change it, beside admins; null where it came from outside.
    #[schema(value_type = Option<Uuid>)]
    owner_id: Option<UserId>,
    /// Where it was born: `mastoc` or `stokt`.
    source: &'static str,
    /// When it was made here.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed here.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a Gym> for GymJson<'a> {
    fn from(gym: &'a Gym) -> Self {
        Self {
            id: gym.id,
            stokt_id: gym.stokt_id,
            display_name: &gym.display_name,
            location_string: gym.location.as_deref(),
            description: gym.description.as_deref(),
            owner_id: gym.owner_id,
            source: gym.source.as_str(),
            created_at: gym.created_at,
            updated_at: gym.updated_at,
        }
    }
}

/// Gyms with their number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GymList<'a> {
    /// The gyms.
    pub(crate) results: Vec<GymJson<'a>>,
    /// How many there are.
    pub(crate) count: usize,
}

/// A gym with its walls.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GymWithWalls<'a> {
    /// The gym.
    #[serde(flatten)]
    pub(crate) gym: GymJson<'a>,
    /// Its walls, by name and id.
    pub(crate) walls: Vec<WallJson<'a>>,
}

/// A setter as others see them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Setter)]
pub(crate) struct SetterJson<'a> {
    /// Our id.
    #[schema(value_type = Uuid)]
    id: UserId,
    /// Stokt's id.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// The name they show.
    full_name: &'a str,
    /// The path of their avatar: `/static/{avatar_path}` serves it.
    avatar_path: Option<&'a str>,
    /// How many climbs they set that the caller may see.
    climbs_count: i64,
}

impl<'a> From<&'a Setter> for SetterJson<'a> {
    fn from(setter: &'a Setter) -> Self {
        Self {
            id: setter.id,
            stokt_id: setter.stokt_id,
            full_name: &setter.full_name,
            avatar_path: setter.avatar_path.as_deref(),
            climbs_count: setter.climbs_count,
        }
    }
}

/// A page of setters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetterPage<'a> {
    /// The setters of this page.
    pub(crate) results: Vec<SetterJson<'a>>,
    /// How many there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many a page has.
    pub(crate) page_size: i64,
}
