//! A gym with its walls and faces. Stokt tells of each wall twice (in the gym's summary and in the list of walls) and
//! of each face twice (in its wall and as a set-up); both are merged into one record here, and told apart again.
//!
//! Which children a record had, and in which order, is kept as a list of their ids; a child that could not be
//! imported stays in that list as it came.

use std::collections::{HashMap, HashSet};

use mastoc_domain::StoktId;
use mastoc_domain::import::{Extra, ImportFace, ImportGym, ImportHold, ImportWall};
use mastoc_domain::sync_state::EntityKind;
use mastoc_stokt_client::types::{FaceRef, FaceSetup, GymSummary, Wall};
use mastoc_stokt_client::{Record, WireRecord};
use serde_json::{Map, Value};

use super::board_parts::{
    FACES, HOLDS, LIST, RAW, SETUP, SUMMARY, SUMMARY_WALLS, WALLS, feet_rules_from_stokt, picture_from_stokt,
    rendered_face_ref, rendered_gym, rendered_setup, rendered_wall,
};
use super::hold::hold_from_stokt;
use super::{Refused, fields, residual, stokt_id};
use crate::plan::Quarantined;
use crate::sync::contract::{Kind, flaw};

/// A gym's board as import records.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardRecords {
    /// The gym.
    pub gym: ImportGym,
    /// Its walls.
    pub walls: Vec<ImportWall>,
    /// Their faces.
    pub faces: Vec<ImportFace>,
    /// The holds of all faces.
    pub holds: Vec<ImportHold>,
    /// What could not be read.
    pub refused: Vec<Quarantined>,
}

/// Reads a gym's board. A face without a set-up among `setups` is left out, with a word in `refused`.
///
/// # Errors
/// [`Refused`] when the gym itself has no usable id.
pub fn board_from_stokt(
    summary: &GymSummary,
    walls: &[Record<Wall>],
    setups: Vec<FaceSetup>,
) -> Result<BoardRecords, Refused> {
    let gym_id = stokt_id(&summary.id, "gym")?;
    let mut refused = Vec::new();
    let mut own = Extra::new();

    // The gym itself, with its walls taken out.
    let mut summary = summary.clone();
    let told = summary.walls.take();
    let mut gym = ImportGym {
        stokt_id: gym_id,
        display_name: summary.display_name.clone().unwrap_or_default(),
        location: summary.location.clone(),
        description: summary.description.clone(),
        extra: Extra::new(),
    };
    keep(
        &mut own,
        SUMMARY,
        residual::rest(&fields(rendered_gym(&gym)?.to_value()), fields(summary.to_value())),
    );

    // Walls: by id, from both places.
    let mut merged: Vec<Merged> = Vec::new();
    if let Some(told) = told {
        own.insert(
            SUMMARY_WALLS.to_owned(),
            members(&told, |wall, id| merge(&mut merged, id, wall, true), "wall"),
        );
    }
    own.insert(WALLS.to_owned(), members(walls, |wall, id| merge(&mut merged, id, wall, false), "wall"));
    for record in walls {
        refuse_unreadable(&mut refused, EntityKind::Wall, record, "wall");
    }

    let mut board =
        BoardRecords { gym: gym.clone(), walls: vec![], faces: vec![], holds: vec![], refused: vec![] };
    let mut setups: HashMap<StoktId, FaceSetup> =
        setups.into_iter().filter_map(|setup| Some((StoktId(setup.id.as_uuid()?), setup))).collect();
    let mut seen_faces = HashSet::new();
    for wall in merged {
        let faces = wall.list.as_ref().and_then(|wall| wall.faces.clone());
        let wall_id = wall.id;
        let mut import = wall.into_import(gym_id)?;
        if let Some(faces) = faces {
            for record in &faces {
                refuse_unreadable(&mut refused, EntityKind::Face, record, "face");
            }
            let mut taken = Vec::new();
            let list = members(
                &faces,
                |face, id| {
                    let is_new = setups.contains_key(&id) && seen_faces.insert(id);
                    if is_new {
                        taken.push((id, face.clone()));
                    }
                    is_new
                },
                "face",
            );
            import.extra.insert(FACES.to_owned(), list);
            for (id, face) in taken {
                if let Some(setup) = setups.remove(&id) {
                    let (face, holds) = face_from_stokt(&face, setup, id, gym_id, wall_id, &mut refused)?;
                    board.faces.push(face);
                    board.holds.extend(holds);
                }
            }
        }
        board.walls.push(import);
    }
    gym.extra = own;
    Ok(BoardRecords { gym, refused, ..board })
}

/// A wall with what both places tell of it.
struct Merged {
    id: StoktId,
    summary: Option<Wall>,
    list: Option<Wall>,
}

fn merge(merged: &mut Vec<Merged>, id: StoktId, wall: &Wall, in_summary: bool) -> bool {
    let at = match merged.iter().position(|known| known.id == id) {
        Some(at) => at,
        None => {
            merged.push(Merged { id, summary: None, list: None });
            merged.len() - 1
        }
    };
    let Some(known) = merged.get_mut(at) else { return false };
    let place = if in_summary { &mut known.summary } else { &mut known.list };
    let is_new = place.is_none();
    if is_new {
        *place = Some(wall.clone());
    }
    is_new
}

impl Merged {
    fn into_import(self, gym: StoktId) -> Result<ImportWall, Refused> {
        let told = |read: fn(&Wall) -> Option<bool>| {
            self.list.as_ref().and_then(read).or_else(|| self.summary.as_ref().and_then(read))
        };
        let name = |wall: &Option<Wall>| wall.as_ref().and_then(|wall| wall.name.clone());
        let rules = self.summary.as_ref().and_then(|wall| wall.feet_rules.as_ref());
        let rules = rules.or_else(|| self.list.as_ref().and_then(|wall| wall.feet_rules.as_ref()));
        let mut import = ImportWall {
            stokt_id: self.id,
            gym_stokt_id: gym,
            name: name(&self.list).or_else(|| name(&self.summary)).unwrap_or_default(),
            is_angle_adjustable: told(|wall| wall.is_angle_adjustable).unwrap_or_default(),
            is_active: told(|wall| wall.is_active).unwrap_or(true),
            feet_rules: rules.map(|rules| feet_rules_from_stokt(rules)).unwrap_or_default(),
            extra: Extra::new(),
        };
        let mut extra = Extra::new();
        for (place, wall) in [(SUMMARY, self.summary), (LIST, self.list)] {
            if let Some(mut wall) = wall {
                // Only the list's faces become members; whatever the summary may have under that name stays in its rest.
                if place == LIST {
                    wall.faces = None;
                }
                let rendered = fields(rendered_wall(&import, place)?.to_value());
                extra.insert(
                    place.to_owned(),
                    Value::Object(residual::rest(&rendered, fields(wall.to_value()))),
                );
            }
        }
        import.extra = extra;
        Ok(import)
    }
}

fn face_from_stokt(
    face: &FaceRef,
    mut setup: FaceSetup,
    id: StoktId,
    gym: StoktId,
    wall: StoktId,
    refused: &mut Vec<Quarantined>,
) -> Result<(ImportFace, Vec<ImportHold>), Refused> {
    let told = setup.holds.take();
    let mut import = ImportFace {
        stokt_id: id,
        gym_stokt_id: gym,
        wall_stokt_id: Some(wall),
        is_active: face.is_active.unwrap_or(true),
        picture: setup.picture.as_ref().and_then(picture_from_stokt),
        small_picture: face.small_picture.as_ref().and_then(picture_from_stokt),
        feet_rules_options: setup.feet_rules_options.clone().unwrap_or_default(),
        has_symmetry: setup.has_symmetry.unwrap_or_default(),
        extra: Extra::new(),
    };
    let mut extra = Extra::new();
    keep(
        &mut extra,
        LIST,
        residual::rest(&fields(rendered_face_ref(&import)?.to_value()), fields(face.to_value())),
    );
    keep(
        &mut extra,
        SETUP,
        residual::rest(&fields(rendered_setup(&import)?.to_value()), fields(setup.to_value())),
    );
    let mut holds = Vec::new();
    if let Some(told) = told {
        let mut seen = HashSet::new();
        let mut list = Vec::with_capacity(told.len());
        for record in &told {
            // Without what matters it would pass for an edit, such as one that took its outline away.
            if let Some(problem) = flaw(Kind::Hold, &record.raw) {
                list.push(raw(&record.raw));
                refused.push(Quarantined::odd(EntityKind::Hold, &record.raw, problem));
                continue;
            }
            let read =
                record.parsed.as_ref().map_err(Refused::from).and_then(|hold| hold_from_stokt(hold, id));
            match read {
                Ok(hold) if seen.insert(hold.stokt_id) => {
                    list.push(Value::from(hold.stokt_id.get()));
                    holds.push(hold);
                }
                Ok(_) => list.push(raw(&record.raw)),
                Err(why) => {
                    list.push(raw(&record.raw));
                    refused.push(Quarantined::new(EntityKind::Hold, &record.raw, &why));
                }
            }
        }
        extra.insert(HOLDS.to_owned(), Value::Array(list));
    }
    import.extra = extra;
    Ok((import, holds))
}

/// The children's list: an id for each that `take` takes, the record as it came for the others.
fn members<T>(records: &[Record<T>], mut take: impl FnMut(&T, StoktId) -> bool, what: &str) -> Value
where
    T: WireRecord,
{
    let entries = records.iter().map(|record| {
        let id = record.id().and_then(|id| stokt_id(&id, what).ok());
        match (&record.parsed, id) {
            (Ok(child), Some(id)) if take(child, id) => Value::String(id.to_string()),
            _ => raw(&record.raw),
        }
    });
    Value::Array(entries.collect())
}

fn raw(record: &Value) -> Value {
    Value::Object(Map::from_iter([(RAW.to_owned(), record.clone())]))
}

/// Keeps a rest under a name, unless there is none.
fn keep(extra: &mut Extra, name: &str, rest: Extra) {
    if !rest.is_empty() {
        extra.insert(name.to_owned(), Value::Object(rest));
    }
}

fn refuse_unreadable<T: WireRecord>(
    refused: &mut Vec<Quarantined>,
    kind: EntityKind,
    record: &Record<T>,
    what: &str,
) {
    let readable = record.parsed.as_ref().map_err(Refused::from);
    let usable = readable.and_then(|_| match record.id() {
        Some(id) => stokt_id(&id, what).map(|_| ()),
        None => Err(Refused::new("bad_id", format!("a {what} without an id"))),
    });
    if let Err(why) = usable {
        refused.push(Quarantined::new(kind, &record.raw, &why));
    }
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
