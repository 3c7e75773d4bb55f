//! Parsing loses nothing and never panics: on arbitrary JSON, on mutated records, and on the real board.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

use std::path::PathBuf;

use mastoc_stokt_client::{Record, WireRecord, types::*};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Parses, writes back, compares; an unreadable record keeps its raw JSON and says which field.
fn check<T: WireRecord>(value: &Value) -> Result<(), TestCaseError> {
    let record = Record::<T>::new(value.clone());
    prop_assert_eq!(&record.raw, value);
    match record.parsed {
        Ok(typed) => {
            prop_assert_eq!(&typed.to_value(), value);
            let unknown: Vec<&str> = typed.unknown_fields().collect();
            prop_assert!(unknown.iter().all(|name| !T::FIELDS.contains(name)));
        }
        Err(why) => {
            prop_assert!(why.field == "(record)" || T::FIELDS.contains(&why.field));
            let message = why.to_string();
            prop_assert!(message.len() < 2000 && !message.contains('\n'), "{}", message);
        }
    }
    Ok(())
}

fn check_all(value: &Value) -> Result<(), TestCaseError> {
    check::<Version>(value)?;
    check::<Me>(value)?;
    check::<GymRef>(value)?;
    check::<GymSummary>(value)?;
    check::<FeetRule>(value)?;
    check::<Wall>(value)?;
    check::<FaceRef>(value)?;
    check::<Picture>(value)?;
    check::<FaceSetup>(value)?;
    check::<Hold>(value)?;
    check::<Climb>(value)?;
    check::<Setter>(value)?;
    check::<CrowdGrade>(value)?;
    check::<Permissions>(value)?;
    check::<Send>(value)?;
    check::<Comment>(value)?;
    check::<Like>(value)?;
    check::<Person>(value)?;
    check::<ClimbList>(value)?;
    check::<ListItem>(value)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("")),
        Just(json!(20.0)),
    ];
    leaf.prop_recursive(3, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((field_name(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Names that the types know, and others.
fn field_name() -> impl Strategy<Value = String> {
    let known: Vec<&'static str> = [
        Climb::FIELDS,
        Hold::FIELDS,
        FaceSetup::FIELDS,
        Wall::FIELDS,
        Me::FIELDS,
        Like::FIELDS,
        ClimbList::FIELDS,
    ]
    .concat();
    prop_oneof![4 => prop::sample::select(known).prop_map(str::to_owned), 1 => "[a-zA-Z_]{0,8}"]
}

fn climb() -> Value {
    json!({
        "id": "2b96f0d7-e45c-4381-b0fa-c8137e5d924a", "name": "Dévers 🧗", "holdsList": "S400166 O399938 T400602",
        "mirrorHoldsList": "", "feetRule": "Tous pieds", "dateCreated": "2025-12-17T06:56:34.010432-05:00",
        "isPrivate": false, "isBenchmark": false,
        "crowdGrade": { "ircra": 20.5, "hueco": "V6", "font": "7A", "dankyu": "1Q" }, "crowdGrades": [],
        "faceId": "5fa7e1c0-3b52-4d86-9e14-7a20c6d81f35", "wallId": "7d3e58b4-06a1-4f9d-a2c7-95b1e804d6f2",
        "wallName": "Stōkt board", "isAngleAdjustable": false, "angle": "", "climbedBy": 1, "totalLikes": 0,
        "totalComments": 0, "likedByUser": false, "bookmarkedByUser": false, "hasSymmetric": false, "circuit": "",
        "tags": "", "attemptsToSendOriginal": 0, "attemptsToSendMirror": 0, "lastAttemptDate": null,
        "lastEffortDate": null, "lastEffortIsFlashed": null,
        "climbSetters": { "id": "a40c7d19-58e2-4b6f-93d0-1fe7b2c5860d", "fullName": "Setter 01", "avatar": null }
    })
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics_and_never_loses(value in any_json()) {
        check_all(&value)?;
    }

    #[test]
    fn a_climb_with_any_field_changed_still_parses(
        changes in prop::collection::vec((field_name(), any_json()), 0..6),
        dropped in prop::collection::vec(0_usize..30, 0..6),
    ) {
        let mut value = climb();
        let fields = value.as_object_mut().unwrap();
        for index in dropped {
            if let Some(name) = fields.keys().nth(index).cloned().filter(|name| name != "id") {
                fields.remove(&name);
            }
        }
        for (name, content) in changes.into_iter().filter(|(name, _)| name != "id") {
            fields.insert(name, content);
        }
        prop_assert!(Climb::parse(value.clone()).is_ok(), "only the id is required");
        check_all(&value)?;
    }
}

#[test]
fn a_climb_is_read_field_by_field() {
    let climb = Climb::parse(climb()).unwrap();
    assert_eq!(climb.setter.as_ref().unwrap().full_name.as_deref(), Some("Setter 01"));
    assert_eq!(climb.crowd_grade.as_ref().unwrap().ircra.as_ref().unwrap().as_f64(), Some(20.5));
    assert_eq!(climb.date_created.as_ref().unwrap().instant().unwrap().timestamp(), 1_765_972_594);
    assert_eq!(climb.unknown_fields().count() + climb.retyped_fields().count(), 0, "null is neither");
    assert_eq!(climb.extra.len(), 3);
    let read: Climb = serde_json::from_str(&serde_json::to_string(&climb).unwrap()).unwrap();
    assert_eq!(read, climb);
}

#[test]
fn an_edited_field_wins_over_what_came() {
    let mut value = climb();
    value["name"] = Value::Null;
    let mut climb = Climb::parse(value).unwrap();
    climb.name = Some("Arête".to_owned());
    assert_eq!(climb.to_value()["name"], "Arête");
}

#[test]
fn both_shapes_of_a_like_name_the_user() {
    let nested =
        json!({ "user": { "id": "u1", "fullName": "Ada", "avatar": null }, "date": "2025-01-01T00:00:00Z" });
    let direct = json!({ "id": "u2", "fullName": "Bo", "avatar": "a.jpg" });
    for (value, id) in [(nested, "u1"), (direct, "u2")] {
        let record = Record::<Like>::new(value);
        assert_eq!(record.id().unwrap().to_string(), id);
        assert_eq!(record.parsed.unwrap().who().unwrap().id.to_string(), id);
    }
}

#[test]
fn a_hold_inside_a_setup_may_be_odd_alone() {
    let setup =
        json!({ "id": "f", "holds": [{ "id": 1, "area": "2.00" }, { "area": "3" }, null], "picture": null });
    let setup = FaceSetup::parse(setup).unwrap();
    let holds = setup.holds.as_ref().unwrap();
    assert_eq!(holds.iter().map(|hold| hold.parsed.is_ok()).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(holds[1].parsed.as_ref().unwrap_err().field, "id");
}

/// The real board's folder, where it is present.
fn board() -> Option<PathBuf> {
    let folder = std::env::var_os("MASTOC_BOARD_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/montoboard"),
        PathBuf::from,
    );
    let found = folder.join("climbs.json").exists().then_some(folder);
    if found.is_none() {
        println!("skipped: no real board here (set MASTOC_BOARD_DATA)");
    }
    found
}

fn read(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_real_climbs_come_back_field_by_field() {
    let Some(board) = board() else { return };
    let source = read(board.join("climbs.json"));
    let climbs = source["climbs"].as_array().unwrap();
    assert_eq!(climbs.len() as u64, source["count"].as_u64().unwrap());
    for value in climbs {
        let climb = Climb::parse(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&climb).unwrap(), *value);
        assert_eq!(climb.unknown_fields().count() + climb.retyped_fields().count(), 0, "{:?}", climb.extra);
        assert!(climb.id.as_uuid().is_some() && climb.date_created.unwrap().instant().is_some());
        assert!(climb.setter.is_some() && climb.holds_list.is_some());
    }
}

#[test]
fn the_real_face_comes_back_field_by_field() {
    let Some(board) = board() else { return };
    let value = read(board.join("setup.json"));
    let setup = FaceSetup::parse(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&setup).unwrap(), value);
    assert_eq!(
        setup.unknown_fields().count() + setup.retyped_fields().count(),
        0,
        "{:?}",
        setup.extra.keys()
    );
    let holds = setup.holds.unwrap();
    assert_eq!(holds.len(), value["holds"].as_array().unwrap().len());
    for record in holds {
        let hold = record.parsed.unwrap();
        assert_eq!(hold.to_value(), record.raw);
        assert!(hold.extra.is_empty() && hold.id.as_i64().is_some());
    }
}
