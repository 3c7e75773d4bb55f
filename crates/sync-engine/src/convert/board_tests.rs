//! Boards with every oddity come back as they were.

use proptest::prelude::*;
use serde_json::json;

use super::super::board_back::{StoktBoard, board_to_stokt};
use super::super::residual::tests::any_json;
use super::*;

const GYM: &str = "c20d6b7e-91f4-4a3c-8b65-2e7f40a9d113";
const WALL: &str = "7d3e58b4-06a1-4f9d-a2c7-95b1e804d6f2";
const FACE: &str = "5fa7e1c0-3b52-4d86-9e14-7a20c6d81f35";

fn source() -> StoktBoard {
    StoktBoard {
        summary: json!({
            "id": GYM, "displayName": "Montoboard", "unit": "metric", "numberOfClimbs": 1017,
            "walls": [
                {"id": WALL, "name": "Board", "isAngleAdjustable": false,
                 "feetRules": [{"name": "Tous pieds", "isDefault": true}, {"name": "No foot", "isDefault": false}]},
                {"id": null, "name": "odd"}
            ],
            "defaultPictures": [], "locationString": "Caraman", "description": null, "isFavorite": true
        }),
        walls: vec![
            json!({"id": WALL, "name": "Board", "angle": null, "angles": [], "isAngleAdjustable": false,
                   "isActive": true, "faces": [
                {"id": FACE, "isActive": true, "dateModified": "2025-12-17T10:56:38.491973-05:00",
                 "smallPicture": {"name": "s.jpg", "width": 226, "height": 300}, "totalClimbs": 1017},
                {"id": FACE, "again": true},
                {"noid": 1}
            ]}),
            json!("not a wall"),
            json!({"id": "A40C7D19-58E2-4B6F-93D0-1FE7B2C5860D", "faces": null, "new": 1.0}),
        ],
        setups: vec![json!({
            "id": FACE, "gym": "Montoboard", "wall": "Board",
            "picture": {"name": "w.jpg", "width": 2263, "height": 3000, "new": true},
            "feetRulesOptions": ["Tous pieds"], "hasSymmetry": false,
            "holds": [
                {"id": 3, "area": "1.00", "centroidStr": "1 2", "polygonStr": "0,0 2,4", "leftTapeStr": null},
                {"id": 1, "area": "1.00", "centroidStr": "1 2", "polygonStr": "0,0 2,4"},
                {"id": 1, "area": "2.00", "centroidStr": "1 2", "polygonStr": ""},
                {"id": null}
            ]
        })],
    }
}

fn convert(source: &StoktBoard) -> Result<BoardRecords, Refused> {
    let summary = GymSummary::parse(source.summary.clone()).map_err(|why| Refused::from(&why))?;
    let walls: Vec<Record<Wall>> = source.walls.iter().cloned().map(Record::new).collect();
    let setups: Vec<FaceSetup> =
        source.setups.iter().filter_map(|setup| FaceSetup::parse(setup.clone()).ok()).collect();
    board_from_stokt(&summary, &walls, setups)
}

fn back(board: &BoardRecords) -> StoktBoard {
    let mut holds = board.holds.clone();
    // A database gives them back in its own order.
    holds.sort_by_key(|hold| hold.stokt_id);
    board_to_stokt(&board.gym, &board.walls, &board.faces, &holds).unwrap()
}

#[test]
fn both_tellings_of_walls_and_faces_are_merged_and_told_apart_again() {
    let board = convert(&source()).unwrap();
    assert_eq!(board.gym.location.as_deref(), Some("Caraman"));
    assert_eq!(board.walls.len(), 2);
    assert_eq!(board.walls[0].feet_rules.len(), 2);
    assert!(board.walls[0].feet_rules[0].is_default);
    assert_eq!((board.faces.len(), board.holds.len()), (1, 2));
    assert_eq!(board.faces[0].picture.as_ref().unwrap().height, 3000);
    assert_eq!(board.faces[0].small_picture.as_ref().unwrap().path, "s.jpg");
    let codes: Vec<&str> = board.refused.iter().map(|item| item.problem.code.as_str()).collect();
    assert_eq!(codes, ["unreadable", "unreadable", "odd_field"], "a wall, a face and a hold");
    assert_eq!(back(&board), source());
}

#[test]
fn a_face_without_a_set_up_is_left_out_and_kept_as_it_came() {
    let mut without = source();
    without.setups.clear();
    let board = convert(&without).unwrap();
    assert!(board.faces.is_empty() && board.holds.is_empty());
    assert_eq!(back(&board), without);
}

#[test]
fn a_gym_without_an_id_is_refused() {
    let mut odd = source();
    odd.summary["id"] = json!("gym");
    assert_eq!(convert(&odd).unwrap_err().code, "bad_id");
}

/// Changes the value at a random place of a record.
fn disturb(value: &mut Value, at: usize, new: &Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(at % fields.len()).cloned().unwrap();
            if at.is_multiple_of(7) {
                fields.shift_remove(&name);
            } else if at.is_multiple_of(3) {
                disturb(fields.get_mut(&name).unwrap(), at / 3, new);
            } else {
                fields.insert(name, new.clone());
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = at % items.len();
            disturb(&mut items[index], at / 2, new);
        }
        other => *other = new.clone(),
    }
}

proptest! {
    #[test]
    fn nothing_is_lost(changes in proptest::collection::vec((0..3_usize, 0..500_usize, any_json()), 0..5)) {
        let mut odd = source();
        for (part, at, new) in changes {
            match part {
                0 => disturb(&mut odd.summary, at, &new),
                1 => {
                    let index = at % odd.walls.len();
                    disturb(&mut odd.walls[index], at, &new);
                }
                _ => disturb(&mut odd.setups[0], at, &new),
            }
        }
        if let Ok(board) = convert(&odd) {
            let again = back(&board);
            prop_assert_eq!(&again.summary, &odd.summary);
            prop_assert_eq!(&again.walls, &odd.walls);
            if !board.faces.is_empty() {
                prop_assert_eq!(&again.setups, &odd.setups);
            }
        }
    }
}
