//! The single records of a board as Stokt tells them, from what our records have a place for; and the names under
//! which the rest is kept.

use mastoc_domain::board::{FeetRuleOption, PictureRef};
use mastoc_domain::import::{Extra, ImportFace, ImportGym, ImportWall};
use mastoc_stokt_client::types::{FaceRef, FaceSetup, FeetRule, GymSummary, Picture, Wall};
use mastoc_stokt_client::{Record, WireRecord};
use serde_json::{Map, Value};

use super::{Refused, blank};

/// Rest of a record as the gym's summary tells it.
pub(super) const SUMMARY: &str = "summary";
/// Rest of a record as the list of walls tells it.
pub(super) const LIST: &str = "list";
/// Rest of a face as its set-up tells it.
pub(super) const SETUP: &str = "setup";
/// Children in the gym's summary.
pub(super) const SUMMARY_WALLS: &str = "summary_walls";
/// Children in the list of walls.
pub(super) const WALLS: &str = "walls";
/// Children of a wall.
pub(super) const FACES: &str = "faces";
/// Children of a set-up.
pub(super) const HOLDS: &str = "holds";
/// Marks a child that stays as it came.
pub(super) const RAW: &str = "raw";

pub(super) fn rendered_gym(gym: &ImportGym) -> Result<GymSummary, Refused> {
    let mut summary: GymSummary = blank(gym.stokt_id.to_string())?;
    summary.display_name = Some(gym.display_name.clone());
    summary.location.clone_from(&gym.location);
    summary.description.clone_from(&gym.description);
    Ok(summary)
}

pub(super) fn rendered_wall(wall: &ImportWall, place: &str) -> Result<Wall, Refused> {
    let mut told: Wall = blank(wall.stokt_id.to_string())?;
    told.name = Some(wall.name.clone());
    told.is_angle_adjustable = Some(wall.is_angle_adjustable);
    if place == SUMMARY {
        told.feet_rules = Some(feet_rules_to_stokt(&wall.feet_rules)?);
    } else {
        told.is_active = Some(wall.is_active);
    }
    Ok(told)
}

pub(super) fn rendered_face_ref(face: &ImportFace) -> Result<FaceRef, Refused> {
    let mut told: FaceRef = blank(face.stokt_id.to_string())?;
    told.is_active = Some(face.is_active);
    told.small_picture = picture_to_stokt(face.small_picture.as_ref())?;
    Ok(told)
}

pub(super) fn rendered_setup(face: &ImportFace) -> Result<FaceSetup, Refused> {
    let mut setup: FaceSetup = blank(face.stokt_id.to_string())?;
    setup.picture = picture_to_stokt(face.picture.as_ref())?;
    setup.feet_rules_options = Some(face.feet_rules_options.clone());
    setup.has_symmetry = Some(face.has_symmetry);
    Ok(setup)
}

pub(super) fn picture_from_stokt(picture: &Picture) -> Option<PictureRef> {
    let pixels = |size: Option<u64>| size.and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
    Some(PictureRef {
        path: picture.name.clone().filter(|path| !path.is_empty())?,
        width: pixels(picture.width)?,
        height: pixels(picture.height)?,
    })
}

pub(super) fn picture_to_stokt(picture: Option<&PictureRef>) -> Result<Option<Picture>, Refused> {
    let Some(picture) = picture else { return Ok(None) };
    let mut told: Picture = parse(Map::new())?;
    told.name = Some(picture.path.clone());
    told.width = Some(u64::from(picture.width));
    told.height = Some(u64::from(picture.height));
    Ok(Some(told))
}

pub(super) fn feet_rules_from_stokt(rules: &[Record<FeetRule>]) -> Vec<FeetRuleOption> {
    let usable = rules.iter().filter_map(|rule| rule.parsed.as_ref().ok());
    usable
        .filter_map(|rule| {
            Some(FeetRuleOption { name: rule.name.clone()?, is_default: rule.is_default.unwrap_or_default() })
        })
        .collect()
}

pub(super) fn feet_rules_to_stokt(rules: &[FeetRuleOption]) -> Result<Vec<Record<FeetRule>>, Refused> {
    let told = rules.iter().map(|rule| {
        let mut told: FeetRule = parse(Map::new())?;
        told.name = Some(rule.name.clone());
        told.is_default = Some(rule.is_default);
        Ok(Record::new(told.to_value()))
    });
    told.collect()
}

/// A record from its fields.
pub(super) fn parse<T: WireRecord>(record: Extra) -> Result<T, Refused> {
    T::parse(Value::Object(record)).map_err(|why| Refused::from(&why))
}
