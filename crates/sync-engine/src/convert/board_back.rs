//! A gym's board written back as Stokt told it.

use std::collections::HashMap;

use mastoc_domain::StoktId;
use mastoc_domain::import::{Extra, ImportFace, ImportGym, ImportHold, ImportWall};
use mastoc_stokt_client::types::{FaceSetup, GymSummary, Wall};
use mastoc_stokt_client::{Record, WireRecord as _};
use serde_json::Value;

use super::board_parts::{
    FACES, HOLDS, LIST, RAW, SETUP, SUMMARY, SUMMARY_WALLS, WALLS, parse, rendered_face_ref, rendered_gym,
    rendered_setup, rendered_wall,
};
use super::hold::hold_to_stokt;
use super::{Refused, fields, residual};

/// A gym's board as Stokt answers it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoktBoard {
    /// The gym's summary.
    pub summary: Value,
    /// The list of its walls.
    pub walls: Vec<Value>,
    /// The set-ups of its faces, in the order of the faces.
    pub setups: Vec<Value>,
}

/// A gym's board as Stokt answers it, from import records in any order.
///
/// # Errors
/// [`Refused`] when a kept rest does not fit its record.
pub fn board_to_stokt(
    gym: &ImportGym,
    walls: &[ImportWall],
    faces: &[ImportFace],
    holds: &[ImportHold],
) -> Result<StoktBoard, Refused> {
    let walls: HashMap<StoktId, &ImportWall> = walls.iter().map(|wall| (wall.stokt_id, wall)).collect();
    let faces: HashMap<StoktId, &ImportFace> = faces.iter().map(|face| (face.stokt_id, face)).collect();
    let holds: HashMap<i64, &ImportHold> = holds.iter().map(|hold| (hold.stokt_id.get(), hold)).collect();

    let mut summary = overlaid(fields(rendered_gym(gym)?.to_value()), gym.extra.get(SUMMARY));
    if let Some(list) = gym.extra.get(SUMMARY_WALLS) {
        let told = unlisted(list, |id| {
            let wall = walls.get(&id.as_str()?.parse().ok()?)?;
            Some(wall_to_stokt(wall, SUMMARY))
        })?;
        let mut typed: GymSummary = parse(summary)?;
        typed.walls = Some(told.into_iter().map(Record::new).collect());
        summary = fields(typed.to_value());
    }

    let mut setups = Vec::new();
    let listed = gym.extra.get(WALLS).cloned().unwrap_or_default();
    let told = unlisted(&listed, |id| {
        let wall = walls.get(&id.as_str()?.parse().ok()?)?;
        Some(wall_with_faces_to_stokt(wall, &faces, &holds, &mut setups))
    })?;
    Ok(StoktBoard { summary: Value::Object(summary), walls: told, setups })
}

fn wall_to_stokt(wall: &ImportWall, place: &str) -> Result<Value, Refused> {
    Ok(Value::Object(overlaid(fields(rendered_wall(wall, place)?.to_value()), wall.extra.get(place))))
}

fn wall_with_faces_to_stokt(
    wall: &ImportWall,
    faces: &HashMap<StoktId, &ImportFace>,
    holds: &HashMap<i64, &ImportHold>,
    setups: &mut Vec<Value>,
) -> Result<Value, Refused> {
    let told = wall_to_stokt(wall, LIST)?;
    let Some(list) = wall.extra.get(FACES) else { return Ok(told) };
    let children = unlisted(list, |id| {
        let face = faces.get(&id.as_str()?.parse().ok()?)?;
        Some(setup_to_stokt(face, holds).and_then(|setup| {
            setups.push(setup);
            let rendered = fields(rendered_face_ref(face)?.to_value());
            Ok(Value::Object(overlaid(rendered, face.extra.get(LIST))))
        }))
    })?;
    let mut typed: Wall = parse(fields(told))?;
    typed.faces = Some(children.into_iter().map(Record::new).collect());
    Ok(typed.to_value())
}

fn setup_to_stokt(face: &ImportFace, holds: &HashMap<i64, &ImportHold>) -> Result<Value, Refused> {
    let setup = overlaid(fields(rendered_setup(face)?.to_value()), face.extra.get(SETUP));
    let Some(list) = face.extra.get(HOLDS) else { return Ok(Value::Object(setup)) };
    let children = unlisted(list, |id| Some(hold_to_stokt(holds.get(&id.as_i64()?)?)))?;
    let mut typed: FaceSetup = parse(setup)?;
    typed.holds = Some(children.into_iter().map(Record::new).collect());
    Ok(typed.to_value())
}

/// Writes the children of a list back, in its order. A child that is gone from our records is left out.
fn unlisted(
    list: &Value,
    mut write: impl FnMut(&Value) -> Option<Result<Value, Refused>>,
) -> Result<Vec<Value>, Refused> {
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let written = entries.iter().filter_map(|entry| match entry.get(RAW) {
        Some(record) => Some(Ok(record.clone())),
        None => write(entry),
    });
    written.collect()
}

fn overlaid(rendered: Extra, rest: Option<&Value>) -> Extra {
    match rest {
        Some(Value::Object(rest)) => residual::overlay(rendered, rest),
        _ => rendered,
    }
}
