//! Our JSON as a client sends and reads it: one struct per kind of record, filled from domain values by hand.

use mastoc_domain::board::{FeetRuleOption, PictureRef};
use mastoc_domain::import::{Extra, ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall};
use mastoc_domain::{StoktHoldId, StoktId, Timestamp};
use serde::{Deserialize, Serialize};

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct BatchAnswer {
    /// New rows.
    pub created: u64,
    /// Rows that really changed.
    pub updated: u64,
    /// Records that were refused.
    pub errors: u64,
    /// Records in the batch.
    pub total: u64,
    /// What became of each record, in the batch's order.
    #[serde(default)]
    pub statuses: Vec<ItemWord>,
    /// Why records were refused.
    #[serde(default)]
    pub failures: Vec<ItemReport>,
    /// What is odd about records that were kept.
    #[serde(default)]
    pub notes: Vec<ItemReport>,
}

impl BatchAnswer {
    /// Rows that said the same already.
    #[must_use]
    pub fn unchanged(&self) -> u64 {
        self.total.saturating_sub(self.created).saturating_sub(self.updated).saturating_sub(self.errors)
    }
}

/// What became of one record of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemWord {
    /// It is new.
    Created,
    /// It really changed.
    Updated,
    /// It said the same already.
    Exists,
    /// It was changed there, and stays so.
    KeptLocal,
    /// It was refused.
    Failed,
    /// A word of a newer server.
    #[serde(other)]
    Other,
}

/// One record of a batch that was refused, or that is odd.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ItemReport {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Stokt's id of it.
    #[serde(default, deserialize_with = "text_of_id")]
    pub stokt_id: String,
    /// A stable word.
    pub code: String,
    /// What is wrong, for a person.
    #[serde(default)]
    pub detail: String,
}

/// Hold ids are integers, all others are texts.
fn text_of_id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    })
}

/// A picture that the server has no verified copy of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WantedPicture {
    /// `face` or `avatar`.
    pub owner: String,
    /// The face's or the person's id at Stokt.
    pub stokt_id: StoktId,
    /// Its path at Stokt.
    pub path: String,
    /// The width that its record states, in pixels.
    #[serde(default)]
    pub width: Option<u32>,
    /// The height that its record states, in pixels.
    #[serde(default)]
    pub height: Option<u32>,
}

/// How an import run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// Everything was done.
    Done,
    /// Some records were refused or are missing.
    Partial,
    /// It stopped on an error.
    Failed,
    /// Somebody stopped it, or Stokt could not be reached.
    Interrupted,
}

#[derive(Debug, Serialize)]
pub(crate) struct RunBegin<'a> {
    pub(crate) origin: &'a str,
    pub(crate) lease_seconds: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct RunReport<'a> {
    pub(crate) status: RunEnd,
    pub(crate) report: &'a serde_json::Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct WantedPictures {
    pub(crate) wanted: Vec<WantedPicture>,
}

/// A picture as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeptPicture {
    /// Its hash: 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Width as displayed, in pixels.
    pub width: u32,
    /// Height as displayed, in pixels.
    pub height: u32,
    /// Size of the file, in bytes.
    pub size_bytes: u64,
}

/// How many rows the server has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct SyncStats {
    /// Gyms.
    pub gyms: u64,
    /// Faces.
    pub faces: u64,
    /// Holds.
    pub holds: u64,
    /// Climbs.
    pub climbs: u64,
    /// People.
    pub users: u64,
    /// Climbs that Stokt knows.
    pub climbs_synced: u64,
    /// Climbs that only the server knows.
    pub climbs_local: u64,
}

/// The body of a batch: `{"climbs": [...], "account": ...}`.
#[derive(Debug, Serialize)]
pub(crate) struct Batch<T> {
    #[serde(flatten)]
    pub(crate) rows: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<StoktId>,
}

macro_rules! rows {
    ($($name:ident { $field:ident: $row:ident }),+ $(,)?) => {$(
        #[derive(Debug, Serialize)]
        pub(crate) struct $name<'a> {
            pub(crate) $field: Vec<$row<'a>>,
        }
    )+};
}

rows! {
    Gyms { gyms: Gym },
    Walls { walls: Wall },
    Faces { faces: Face },
    Users { users: User },
    Holds { holds: Hold },
    Climbs { climbs: Climb },
}

#[derive(Debug, Serialize)]
pub(crate) struct Gym<'a> {
    stokt_id: StoktId,
    display_name: &'a str,
    location_string: Option<&'a str>,
    description: Option<&'a str>,
    stokt_extra: &'a Extra,
}

impl<'a> From<&'a ImportGym> for Gym<'a> {
    fn from(gym: &'a ImportGym) -> Self {
        Self {
            stokt_id: gym.stokt_id,
            display_name: &gym.display_name,
            location_string: gym.location.as_deref(),
            description: gym.description.as_deref(),
            stokt_extra: &gym.extra,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Wall<'a> {
    stokt_id: StoktId,
    gym_stokt_id: StoktId,
    name: &'a str,
    is_angle_adjustable: bool,
    is_active: bool,
    feet_rules: &'a [FeetRuleOption],
    stokt_extra: &'a Extra,
}

impl<'a> From<&'a ImportWall> for Wall<'a> {
    fn from(wall: &'a ImportWall) -> Self {
        Self {
            stokt_id: wall.stokt_id,
            gym_stokt_id: wall.gym_stokt_id,
            name: &wall.name,
            is_angle_adjustable: wall.is_angle_adjustable,
            is_active: wall.is_active,
            feet_rules: &wall.feet_rules,
            stokt_extra: &wall.extra,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Face<'a> {
    stokt_id: StoktId,
    gym_stokt_id: StoktId,
    wall_stokt_id: Option<StoktId>,
    is_active: bool,
    picture_path: Option<&'a str>,
    picture_width: Option<u32>,
    picture_height: Option<u32>,
    small_picture_path: Option<&'a str>,
    small_picture_width: Option<u32>,
    small_picture_height: Option<u32>,
    feet_rules_options: &'a [String],
    has_symmetry: bool,
    stokt_extra: &'a Extra,
}

impl<'a> From<&'a ImportFace> for Face<'a> {
    fn from(face: &'a ImportFace) -> Self {
        let path = |picture: &'a Option<PictureRef>| picture.as_ref().map(|picture| picture.path.as_str());
        let width = |picture: &Option<PictureRef>| picture.as_ref().map(|picture| picture.width);
        let height = |picture: &Option<PictureRef>| picture.as_ref().map(|picture| picture.height);
        Self {
            stokt_id: face.stokt_id,
            gym_stokt_id: face.gym_stokt_id,
            wall_stokt_id: face.wall_stokt_id,
            is_active: face.is_active,
            picture_path: path(&face.picture),
            picture_width: width(&face.picture),
            picture_height: height(&face.picture),
            small_picture_path: path(&face.small_picture),
            small_picture_width: width(&face.small_picture),
            small_picture_height: height(&face.small_picture),
            feet_rules_options: &face.feet_rules_options,
            has_symmetry: face.has_symmetry,
            stokt_extra: &face.extra,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct User<'a> {
    stokt_id: StoktId,
    full_name: &'a str,
    avatar_path: Option<&'a str>,
    stokt_extra: &'a Extra,
}

impl<'a> From<&'a ImportUser> for User<'a> {
    fn from(user: &'a ImportUser) -> Self {
        Self {
            stokt_id: user.stokt_id,
            full_name: &user.full_name,
            avatar_path: user.avatar_path.as_deref(),
            stokt_extra: &user.extra,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Hold<'a> {
    stokt_id: StoktHoldId,
    face_stokt_id: StoktId,
    centroid_x: f64,
    centroid_y: f64,
    area: &'a str,
    polygon_str: &'a str,
    touch_polygon_str: &'a str,
    path_str: &'a str,
    centroid_str: &'a str,
    top_polygon_str: &'a str,
    center_tape_str: &'a str,
    left_tape_str: &'a str,
    right_tape_str: &'a str,
    stokt_extra: &'a Extra,
}

impl<'a> From<&'a ImportHold> for Hold<'a> {
    fn from(hold: &'a ImportHold) -> Self {
        Self {
            stokt_id: hold.stokt_id,
            face_stokt_id: hold.face_stokt_id,
            centroid_x: hold.centroid_x,
            centroid_y: hold.centroid_y,
            area: &hold.shape.area,
            polygon_str: &hold.shape.polygon_str,
            touch_polygon_str: &hold.shape.touch_polygon_str,
            path_str: &hold.shape.path_str,
            centroid_str: &hold.shape.centroid_str,
            top_polygon_str: &hold.shape.top_polygon_str,
            center_tape_str: &hold.shape.center_tape_str,
            left_tape_str: &hold.shape.left_tape_str,
            right_tape_str: &hold.shape.right_tape_str,
            stokt_extra: &hold.extra,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Climb<'a> {
    stokt_id: StoktId,
    face_stokt_id: StoktId,
    setter_stokt_id: Option<StoktId>,
    name: &'a str,
    holds_list: &'a str,
    mirror_holds_list: &'a str,
    grade_font: Option<&'a str>,
    grade_ircra: Option<f64>,
    grade_hueco: Option<&'a str>,
    grade_dankyu: Option<&'a str>,
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
    date_created: Timestamp,
    stokt_extra: &'a Extra,
    viewer: &'a Extra,
}

impl<'a> From<&'a ImportClimb> for Climb<'a> {
    fn from(climb: &'a ImportClimb) -> Self {
        Self {
            stokt_id: climb.stokt_id,
            face_stokt_id: climb.face_stokt_id,
            setter_stokt_id: climb.setter_stokt_id,
            name: &climb.name,
            holds_list: &climb.holds_list,
            mirror_holds_list: &climb.mirror_holds_list,
            grade_font: climb.grade.font.as_deref(),
            grade_ircra: climb.grade.ircra,
            grade_hueco: climb.grade.hueco.as_deref(),
            grade_dankyu: climb.grade.dankyu.as_deref(),
            feet_rule: climb.feet_rule.as_deref(),
            description: climb.description.as_deref(),
            is_private: climb.is_private,
            is_benchmark: climb.is_benchmark,
            climbed_by: climb.climbed_by,
            total_likes: climb.total_likes,
            total_comments: climb.total_comments,
            tags: &climb.tags,
            circuit: &climb.circuit,
            angle: &climb.angle,
            date_created: climb.created_at,
            stokt_extra: &climb.extra,
            viewer: &climb.viewer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_count_what_stayed_the_same() {
        let answer: BatchAnswer = serde_json::from_str(
            r#"{"created":1,"updated":2,"errors":1,"total":10,"new_field":1,
                "failures":[{"index":3,"stokt_id":400166,"code":"unknown_face","detail":"x"}]}"#,
        )
        .unwrap();
        assert_eq!(answer.unchanged(), 6);
        assert_eq!(answer.failures[0].stokt_id, "400166");
    }

    #[test]
    fn the_account_stands_beside_the_rows() {
        let account = "c20d6b7e-91f4-4a3c-8b65-2e7f40a9d113".parse().unwrap();
        let body = Batch { rows: Climbs { climbs: vec![] }, account: Some(account) };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"climbs":[],"account":"c20d6b7e-91f4-4a3c-8b65-2e7f40a9d113"}"#
        );
    }
}
