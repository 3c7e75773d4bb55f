//! The records of an import as JSON, read into domain values. Names that existing clients send are fixed; everything
//! that they do not send may be left out (then a row that is here keeps its value, see `import_kept`) or null.

use mastoc_domain::board::{ClimbGrade, FeetRuleOption, HoldShape, PictureRef};
use mastoc_domain::import::{Extra, ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall};
use mastoc_domain::{StoktHoldId, StoktId, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Why a record's values do not make a domain value.
pub(crate) type Wrong = String;

/// A text, or a number that stands for one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum TextOrNumber {
    /// A text, kept as it is.
    Text(String),
    /// A number.
    Number(f64),
}

impl TextOrNumber {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// A gym of an import.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct GymItem {
    /// Stokt's id.
    stokt_id: Uuid,
    /// The name people know.
    display_name: String,
    /// Where it is.
    location_string: Option<String>,
    /// Free text.
    description: Option<String>,
    /// Whatever else Stokt sent.
    #[schema(value_type = Option<Object>)]
    stokt_extra: Option<Extra>,
}

impl TryFrom<GymItem> for ImportGym {
    type Error = Wrong;

    fn try_from(item: GymItem) -> Result<Self, Wrong> {
        Ok(Self {
            stokt_id: StoktId(item.stokt_id),
            display_name: item.display_name,
            location: item.location_string,
            description: item.description,
            extra: item.stokt_extra.unwrap_or_default(),
        })
    }
}

/// A feet rule that a wall offers.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FeetRuleItem {
    /// The rule as people read it.
    name: String,
    /// Whether new climbs get it by themselves.
    is_default: Option<bool>,
}

/// A wall of an import.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct WallItem {
    /// Stokt's id.
    stokt_id: Uuid,
    /// The gym it stands in, by Stokt's id.
    gym_stokt_id: Uuid,
    /// Its name.
    name: String,
    /// Whether its inclination can be changed; false by default.
    is_angle_adjustable: Option<bool>,
    /// Whether it is in use; true by default.
    is_active: Option<bool>,
    /// The feet rules offered on it.
    feet_rules: Option<Vec<FeetRuleItem>>,
    /// Whatever else Stokt sent.
    #[schema(value_type = Option<Object>)]
    stokt_extra: Option<Extra>,
}

impl TryFrom<WallItem> for ImportWall {
    type Error = Wrong;

    fn try_from(item: WallItem) -> Result<Self, Wrong> {
        let rules = item.feet_rules.unwrap_or_default().into_iter();
        Ok(Self {
            stokt_id: StoktId(item.stokt_id),
            gym_stokt_id: StoktId(item.gym_stokt_id),
            name: item.name,
            is_angle_adjustable: item.is_angle_adjustable.unwrap_or(false),
            is_active: item.is_active.unwrap_or(true),
            feet_rules: rules
                .map(|rule| FeetRuleOption { name: rule.name, is_default: rule.is_default.unwrap_or(false) })
                .collect(),
            extra: item.stokt_extra.unwrap_or_default(),
        })
    }
}

/// A face of an import.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FaceItem {
    /// Stokt's id.
    stokt_id: Uuid,
    /// The gym it belongs to, by Stokt's id.
    gym_stokt_id: Uuid,
    /// The wall it shows, by Stokt's id.
    wall_stokt_id: Option<Uuid>,
    /// Whether it is in use; true by default.
    is_active: Option<bool>,
    /// The path of the wall picture.
    picture_path: Option<String>,
    /// Its width in pixels.
    picture_width: Option<u32>,
    /// Its height in pixels.
    picture_height: Option<u32>,
    /// The path of a smaller rendering.
    small_picture_path: Option<String>,
    /// Its width in pixels.
    small_picture_width: Option<u32>,
    /// Its height in pixels.
    small_picture_height: Option<u32>,
    /// The feet rules that its climbs may name.
    feet_rules_options: Option<Vec<String>>,
    /// Whether the arrangement is mirror-symmetric; false by default.
    has_symmetry: Option<bool>,
    /// Whatever else Stokt sent.
    #[schema(value_type = Option<Object>)]
    stokt_extra: Option<Extra>,
}

fn picture(
    which: &str,
    path: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
) -> Result<Option<PictureRef>, Wrong> {
    match (path.filter(|path| !path.is_empty()), width, height) {
        (None, _, _) => Ok(None),
        (Some(path), Some(width), Some(height)) if width > 0 && height > 0 => {
            Ok(Some(PictureRef { path, width, height }))
        }
        (Some(_), _, _) => Err(format!("{which}_path needs {which}_width and {which}_height")),
    }
}

impl TryFrom<FaceItem> for ImportFace {
    type Error = Wrong;

    fn try_from(item: FaceItem) -> Result<Self, Wrong> {
        Ok(Self {
            stokt_id: StoktId(item.stokt_id),
            gym_stokt_id: StoktId(item.gym_stokt_id),
            wall_stokt_id: item.wall_stokt_id.map(StoktId),
            is_active: item.is_active.unwrap_or(true),
            picture: picture("picture", item.picture_path, item.picture_width, item.picture_height)?,
            small_picture: picture(
                "small_picture",
                item.small_picture_path,
                item.small_picture_width,
                item.small_picture_height,
            )?,
            feet_rules_options: item.feet_rules_options.unwrap_or_default(),
            has_symmetry: item.has_symmetry.unwrap_or(false),
            extra: item.stokt_extra.unwrap_or_default(),
        })
    }
}

/// A hold of an import.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct HoldItem {
    /// Stokt's id, from 1 to 999,999,999; it becomes ours.
    stokt_id: i64,
    /// The face it is on, by Stokt's id.
    face_stokt_id: Uuid,
    /// The outline in pixels.
    polygon_str: Option<String>,
    /// Horizontal centre in pixels; read from `centroid_str` where it is left out.
    centroid_x: Option<f64>,
    /// Vertical centre in pixels; read from `centroid_str` where it is left out.
    centroid_y: Option<f64>,
    /// Area in square pixels, as text or as a number.
    area: Option<TextOrNumber>,
    /// The outline as an SVG path.
    path_str: Option<String>,
    /// The wider zone that a finger may touch.
    touch_polygon_str: Option<String>,
    /// `x y` in pixels.
    centroid_str: Option<String>,
    /// The wider outline that is drawn round a top hold.
    top_polygon_str: Option<String>,
    /// Tape line drawn with two start holds or more.
    center_tape_str: Option<String>,
    /// Left tape line of a single start hold.
    left_tape_str: Option<String>,
    /// Right tape line of a single start hold.
    right_tape_str: Option<String>,
    /// Whatever else Stokt sent.
    #[schema(value_type = Option<Object>)]
    stokt_extra: Option<Extra>,
}

impl TryFrom<HoldItem> for ImportHold {
    type Error = Wrong;

    fn try_from(item: HoldItem) -> Result<Self, Wrong> {
        let centroid_str = item.centroid_str.unwrap_or_default();
        let mut written = centroid_str.split_whitespace().map(|text| text.parse::<f64>().ok());
        let (x, y) = (written.next().flatten(), written.next().flatten());
        let centre = |given: Option<f64>, written: Option<f64>, which: &str| {
            let value = given.or(written).filter(|value| value.is_finite());
            value.ok_or_else(|| format!("{which} is missing, and centroid_str does not tell it"))
        };
        Ok(Self {
            stokt_id: StoktHoldId::new(item.stokt_id)
                .ok_or_else(|| format!("stokt_id {} is not from 1 to 999999999", item.stokt_id))?,
            face_stokt_id: StoktId(item.face_stokt_id),
            centroid_x: centre(item.centroid_x, x, "centroid_x")?,
            centroid_y: centre(item.centroid_y, y, "centroid_y")?,
            shape: HoldShape {
                area: item.area.map(TextOrNumber::into_text).unwrap_or_default(),
                polygon_str: item.polygon_str.unwrap_or_default(),
                touch_polygon_str: item.touch_polygon_str.unwrap_or_default(),
                path_str: item.path_str.unwrap_or_default(),
                centroid_str,
                top_polygon_str: item.top_polygon_str.unwrap_or_default(),
                center_tape_str: item.center_tape_str.unwrap_or_default(),
                left_tape_str: item.left_tape_str.unwrap_or_default(),
                right_tape_str: item.right_tape_str.unwrap_or_default(),
            },
            extra: item.stokt_extra.unwrap_or_default(),
        })
    }
}

/// A setter of an import.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UserItem {
    /// Stokt's id.
    stokt_id: Uuid,
    /// The name they show.
    full_name: String,
    /// The path of their avatar at Stokt.
    avatar_path: Option<String>,
    /// Whatever else Stokt sent.
    #[schema(value_type = Option<Object>)]
    stokt_extra: Option<Extra>,
}

impl TryFrom<UserItem> for ImportUser {
    type Error = Wrong;

    fn try_from(item: UserItem) -> Result<Self, Wrong> {
        Ok(Self {
            stokt_id: StoktId(item.stokt_id),
            full_name: item.full_name,
            avatar_path: item.avatar_path.filter(|path| !path.is_empty()),
            extra: item.stokt_extra.unwrap_or_default(),
        })
    }
}

/// A climb of an import.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ClimbItem {
    /// Stokt's id.
    stokt_id: Uuid,
    /// The face it is on, by Stokt's id.
    face_stokt_id: Uuid,
    /// Who set it, by Stokt's id.
    setter_stokt_id: Option<Uuid>,
    /// Its name.
    name: String,
    /// Its holds with their roles, exactly as Stokt writes them.
    holds_list: String,
    /// The mirrored list.
    mirror_holds_list: Option<String>,
    /// Font grade.
    grade_font: Option<String>,
    /// The same on the IRCRA scale.
    grade_ircra: Option<f64>,
    /// The same on the V scale.
    grade_hueco: Option<String>,
    /// The same on the dankyu scale.
    grade_dankyu: Option<String>,
    /// What feet may use.
    feet_rule: Option<String>,
    /// Free text.
    description: Option<String>,
    /// Whether only its setter may see it; false by default.
    is_private: Option<bool>,
    /// Whether it is a benchmark; false by default.
    is_benchmark: Option<bool>,
    /// How many people climbed it.
    climbed_by: Option<i32>,
    /// Likes.
    total_likes: Option<i32>,
    /// Comments.
    total_comments: Option<i32>,
    /// Comma-separated tags.
    tags: Option<String>,
    /// The circuit.
    circuit: Option<String>,
    /// The angle.
    angle: Option<String>,
    /// When it was set; for a new climb the time of the import where it is left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    date_created: Option<Timestamp>,
    /// Whatever else Stokt sent about the climb.
    #[schema(value_type = Option<Object>)]
    stokt_extra: Option<Extra>,
    /// What Stokt sent about the account that asked.
    #[schema(value_type = Option<Object>)]
    viewer: Option<Extra>,
}

impl TryFrom<ClimbItem> for ImportClimb {
    type Error = Wrong;

    fn try_from(item: ClimbItem) -> Result<Self, Wrong> {
        Ok(Self {
            stokt_id: StoktId(item.stokt_id),
            face_stokt_id: StoktId(item.face_stokt_id),
            setter_stokt_id: item.setter_stokt_id.map(StoktId),
            name: item.name,
            holds_list: item.holds_list,
            mirror_holds_list: item.mirror_holds_list.unwrap_or_default(),
            grade: ClimbGrade {
                font: item.grade_font,
                ircra: item.grade_ircra,
                hueco: item.grade_hueco,
                dankyu: item.grade_dankyu,
            },
            feet_rule: item.feet_rule,
            description: item.description,
            is_private: item.is_private.unwrap_or(false),
            is_benchmark: item.is_benchmark.unwrap_or(false),
            climbed_by: item.climbed_by.unwrap_or(0),
            total_likes: item.total_likes.unwrap_or(0),
            total_comments: item.total_comments.unwrap_or(0),
            tags: item.tags.unwrap_or_default(),
            circuit: item.circuit.unwrap_or_default(),
            angle: item.angle.unwrap_or_default(),
            created_at: item.date_created.unwrap_or_else(Timestamp::now),
            extra: item.stokt_extra.unwrap_or_default(),
            viewer: item.viewer.unwrap_or_default(),
        })
    }
}
