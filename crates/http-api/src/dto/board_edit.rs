//! Boards that are made here: what is sent, and versions of faces, as JSON.

use mastoc_domain::board::FeetRuleOption;
use mastoc_domain::geometry::{DrawnHold, MAX_DRAWN_POINTS};
use mastoc_domain::text::FeetRule;
use mastoc_domain::{GymId, Timestamp, WallId};
use mastoc_storage::boards::{FacePatch, GymPatch, WallPatch};
use mastoc_storage::face_building::FaceVersion;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::fields::Fields;

/// The longest name of a gym or a wall, in characters.
const LONGEST_NAME: usize = 255;
/// The longest description, in characters.
const LONGEST_TEXT: usize = 5_000;
/// The most feet rules of a wall or a face.
const MOST_RULES: usize = 50;
/// The most holds that are sent at once.
const MOST_HOLDS: usize = 2_000;
/// The longest outline, in characters: enough for the most corners.
const LONGEST_OUTLINE: usize = MAX_DRAWN_POINTS * 40;

/// A gym to be made, such as a home wall.
#[derive(ToSchema)]
#[schema(as = GymInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct GymInput {
    /// The name people know.
    #[schema(min_length = 1, max_length = 255, pattern = "\\S")]
    display_name: String,
    /// Where it is.
    #[schema(required = false, max_length = 255)]
    location: Option<String>,
    /// Free text.
    #[schema(required = false, max_length = 5000)]
    description: Option<String>,
}

/// What changes about a gym. A field that is not sent stays; null clears a text that may be empty.
#[derive(ToSchema)]
#[schema(as = GymPatchInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct GymPatchInput {
    /// The name people know.
    #[schema(required = false, nullable = false, min_length = 1, max_length = 255, pattern = "\\S")]
    display_name: String,
    /// Where it is.
    #[schema(required = false, max_length = 255)]
    location: Option<String>,
    /// Free text.
    #[schema(required = false, max_length = 5000)]
    description: Option<String>,
}

/// A feet rule that a wall offers.
#[derive(ToSchema)]
#[schema(as = FeetRuleInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct FeetRuleInput {
    /// The rule as people read it.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    name: String,
    /// Whether new climbs get it by themselves.
    #[schema(required = false)]
    is_default: bool,
}

/// A wall to be made.
#[derive(ToSchema)]
#[schema(as = WallInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct WallInput {
    /// Its name.
    #[schema(min_length = 1, max_length = 255, pattern = "\\S")]
    name: String,
    /// Whether its inclination can be changed; it cannot unless sent.
    #[schema(required = false)]
    is_angle_adjustable: bool,
    /// Whether it is in use; it is unless sent.
    #[schema(required = false)]
    is_active: bool,
    /// The feet rules offered on it.
    #[schema(required = false, max_items = 50)]
    feet_rules: Vec<FeetRuleInput>,
}

/// What changes about a wall. A field that is not sent stays.
#[derive(ToSchema)]
#[schema(as = WallPatchInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct WallPatchInput {
    /// Its name.
    #[schema(required = false, min_length = 1, max_length = 255, pattern = "\\S")]
    name: String,
    /// Whether its inclination can be changed.
    #[schema(required = false)]
    is_angle_adjustable: bool,
    /// Whether it is in use.
    #[schema(required = false)]
    is_active: bool,
    /// The feet rules offered on it.
    #[schema(required = false, max_items = 50)]
    feet_rules: Vec<FeetRuleInput>,
}

/// A face to be made; its picture comes after it.
#[derive(ToSchema)]
#[schema(as = FaceInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct FaceInput {
    /// The gym it belongs to.
    gym_id: Uuid,
    /// The wall it shows, in the same gym.
    #[schema(required = false)]
    wall_id: Option<Uuid>,
    /// Whether it is in use; it is unless sent.
    #[schema(required = false)]
    is_active: bool,
    /// The feet rules that a climb of this face may name, each of 1 to 100 characters.
    #[schema(required = false, max_items = 50)]
    feet_rules_options: Vec<String>,
    /// Whether the arrangement is mirror-symmetric; it is not unless sent.
    #[schema(required = false)]
    has_symmetry: bool,
}

/// What changes about a face. A field that is not sent stays; null takes it off its wall.
#[derive(ToSchema)]
#[schema(as = FacePatchInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct FacePatchInput {
    /// The wall it shows, in the same gym.
    #[schema(required = false)]
    wall_id: Option<Uuid>,
    /// Whether it is in use.
    #[schema(required = false)]
    is_active: bool,
    /// The feet rules that a climb of this face may name, each of 1 to 100 characters.
    #[schema(required = false, max_items = 50)]
    feet_rules_options: Vec<String>,
    /// Whether the arrangement is mirror-symmetric.
    #[schema(required = false)]
    has_symmetry: bool,
}

/// A hold as it is drawn.
#[derive(ToSchema)]
#[schema(as = HoldInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct HoldInput {
    /// The outline, in pixels of the shown picture: `x,y x,y ...`, 3 to 300 corners, none outside the picture, no two
    /// edges crossing. Everything else of a hold is made of it.
    polygon_str: String,
}

/// Holds to be put on a face.
#[derive(ToSchema)]
#[schema(as = HoldsInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct HoldsInput {
    /// The holds: all of them are made, or none.
    #[schema(min_items = 1, max_items = 2000)]
    holds: Vec<HoldInput>,
}

fn name(fields: &mut Fields, field: &str) -> Option<Option<String>> {
    let name = fields.text(field, LONGEST_NAME)?.map(|name| name.trim().to_owned());
    if name.as_deref() == Some("") {
        fields.refuse(field, "must not be empty");
        return None;
    }
    Some(name)
}

/// A name that must be there for something new, and may be left out of a change.
fn needed_name(fields: &mut Fields, field: &str, is_new: bool) -> Option<String> {
    let found = name(fields, field);
    if is_new { fields.required(field, found) } else { fields.not_null(field, found) }
}

/// A text that may be empty; blanks are nothing.
fn some_text(text: Option<Option<String>>) -> Option<Option<String>> {
    text.map(|text| text.filter(|text| !text.trim().is_empty()))
}

/// Reads what is said about a gym.
pub(crate) fn gym(fields: &mut Fields, is_new: bool) -> GymPatch {
    GymPatch {
        display_name: needed_name(fields, "display_name", is_new),
        location: some_text(fields.text("location", LONGEST_NAME)),
        description: some_text(fields.long_text("description", LONGEST_TEXT)),
    }
}

fn flag(fields: &mut Fields, field: &str) -> Option<bool> {
    let found = fields.flag(field);
    fields.not_null(field, found)
}

fn feet_rule(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| "is no text".to_owned())?;
    FeetRule::parse(text).map(|rule| rule.as_str().to_owned()).map_err(|error| error.to_string())
}

/// Reads what is said about a wall.
pub(crate) fn wall(fields: &mut Fields, is_new: bool) -> WallPatch {
    let rules = fields.list("feet_rules", MOST_RULES, |item| {
        let default = item.get("is_default").unwrap_or(&Value::Bool(false));
        Ok(FeetRuleOption {
            name: feet_rule(item.get("name").unwrap_or(&Value::Null))
                .map_err(|why| format!("name: {why}"))?,
            is_default: default.as_bool().ok_or_else(|| "is_default: must be true or false".to_owned())?,
        })
    });
    WallPatch {
        name: needed_name(fields, "name", is_new),
        is_angle_adjustable: flag(fields, "is_angle_adjustable"),
        is_active: flag(fields, "is_active"),
        feet_rules: fields.not_null("feet_rules", rules),
    }
}

/// Reads what is said about a face.
pub(crate) fn face(fields: &mut Fields) -> FacePatch {
    let rules = fields.list("feet_rules_options", MOST_RULES, |item| feet_rule(&item));
    FacePatch {
        wall_id: fields.parsed::<WallId>("wall_id", "a UUID"),
        is_active: flag(fields, "is_active"),
        feet_rules_options: fields.not_null("feet_rules_options", rules),
        has_symmetry: flag(fields, "has_symmetry"),
    }
}

/// Reads which gym a face belongs to.
pub(crate) fn gym_of_face(fields: &mut Fields) -> Option<GymId> {
    let gym = fields.parsed("gym_id", "a UUID");
    fields.required("gym_id", gym)
}

/// Reads a hold's outline; it is drawn later, since that needs its picture.
pub(crate) fn outline(fields: &mut Fields) -> Option<String> {
    let outline = fields.text("polygon_str", LONGEST_OUTLINE);
    fields.required("polygon_str", outline)
}

/// Reads holds to be put on a face: their outlines.
pub(crate) fn outlines(fields: &mut Fields) -> Vec<String> {
    let items = fields.list("holds", MOST_HOLDS, Ok);
    let Some(items) = fields.required("holds", items) else { return Vec::new() };
    if items.is_empty() {
        fields.refuse("holds", "is empty");
    }
    let mut outlines = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let place = format!("holds.{index}");
        let Value::Object(map) = item else {
            fields.refuse(&place, "must be an object");
            continue;
        };
        let mut inner = Fields::of(map);
        outlines.extend(outline(&mut inner));
        fields.refuse_inside(&place, inner);
    }
    outlines
}

/// Draws a hold in a picture of this size, or says in `fields` what is wrong with it.
pub(crate) fn draw(fields: &mut Fields, place: &str, outline: &str, size: (u32, u32)) -> Option<DrawnHold> {
    DrawnHold::parse(outline, size.0, size.1).map_err(|error| fields.refuse(place, error)).ok()
}

/// One version of a face: a picture, and the holds as they are drawn in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FaceVersion)]
pub(crate) struct FaceVersionJson<'a> {
    /// Its number, from 1; `/api/faces/{id}/setup?version=` tells all of it.
    version: i32,
    /// Whether it is the one that is shown.
    is_current: bool,
    /// The path of its picture: `/static/{picture_path}` serves it.
    picture_path: Option<&'a str>,
    /// Its width in pixels.
    picture_width: Option<u32>,
    /// Its height in pixels.
    picture_height: Option<u32>,
    /// The SHA-256 of the picture once its copy here is verified.
    picture_sha256: Option<&'a str>,
    /// How many holds it shows.
    holds_count: i64,
    /// How many climbs were set on it that the caller may see.
    climbs_count: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a FaceVersion> for FaceVersionJson<'a> {
    fn from(version: &'a FaceVersion) -> Self {
        let picture = version.picture.as_ref();
        Self {
            version: version.version,
            is_current: version.is_current,
            picture_path: picture.map(|picture| picture.path.as_str()),
            picture_width: picture.map(|picture| picture.width),
            picture_height: picture.map(|picture| picture.height),
            picture_sha256: version.picture_sha256.as_deref(),
            holds_count: version.holds_count,
            climbs_count: version.climbs_count,
            created_at: version.created_at,
        }
    }
}

/// The versions of a face.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaceVersionList<'a> {
    /// The first one first.
    pub(crate) results: Vec<FaceVersionJson<'a>>,
    /// How many there are.
    pub(crate) count: usize,
}
