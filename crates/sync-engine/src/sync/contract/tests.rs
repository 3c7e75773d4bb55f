//! What the watch says of records that drift, on an invented board and on the stand-in's own drift.

use mastoc_stokt_client::Client;
use mastoc_stokt_client::secrecy::SecretString;
use mastoc_stokt_sim::{Fault, Rule, Sim};
use serde_json::json;

use super::*;

fn sim() -> Sim {
    Sim::builder().climbs(60).holds(40).setters(5).page_size(25).start().unwrap()
}

fn climbs(sim: &Sim) -> Vec<Value> {
    sim.with_board(|board| board.climbs())
}

fn watched(kind: Kind, records: &[Value]) -> Result<Vec<Issue>, EngineError> {
    let mut watch = Watch::new();
    records.iter().for_each(|record| watch.record(kind, record));
    watch.finish()
}

fn refused(outcome: Result<Vec<Issue>, EngineError>) -> String {
    let error = outcome.unwrap_err();
    assert_eq!(error.ending().exit_code(), 4, "{error}");
    error.to_string()
}

/// Everything that a run reads, as a survey would show it.
fn all_of(sim: &Sim) -> Result<Vec<Issue>, EngineError> {
    let client = Client::builder(&sim.base_url()).token(SecretString::from(sim.token())).build().unwrap();
    let (gym, face) = (sim.gym_id(), sim.face_ids()[0]);
    let mut watch = Watch::new();
    watch.record(Kind::Account, &client.me().unwrap().raw);
    watch.record(Kind::Gym, &client.gym_summary(gym).unwrap().raw);
    for wall in client.walls(gym).unwrap() {
        watch.record(Kind::Wall, &wall.raw);
    }
    watch.record(Kind::Face, &client.face_setup(face).unwrap().raw);
    for page in client.climbs(gym, 9999).unwrap() {
        watch.page(&page.unwrap());
    }
    watch.finish()
}

#[test]
fn a_board_as_we_know_it_has_nothing_to_report() {
    assert_eq!(all_of(&sim()).unwrap(), []);
}

#[test]
fn one_odd_record_stops_nothing_and_is_told_by_itself() {
    let sim = sim();
    let good = climbs(&sim);
    for (field, odd) in [
        ("id", json!(null)),
        ("holdsList", json!({"start": []})),
        ("faceId", json!(7)),
        ("name", json!(["a"])),
        ("isPrivate", json!("no")),
        ("tags", json!(["a", "b"])),
    ] {
        let mut all = good.clone();
        all[3][field] = odd;
        assert_eq!(watched(Kind::Climb, &all).unwrap(), [], "{field}");
        assert!(flaw(Kind::Climb, &all[3]).unwrap().detail.contains(field));
        assert_eq!(flaw(Kind::Climb, &all[2]), None);
        let lacks = all[3].as_object_mut().unwrap().shift_remove(field).is_some();
        assert!(lacks && flaw(Kind::Climb, &all[3]).unwrap().detail.contains("found nothing"), "{field}");
    }
    assert!(flaw(Kind::Climb, &json!("x")).is_some() && flaw(Kind::Hold, &json!(null)).is_some());
}

#[test]
fn what_matters_and_drifts_everywhere_stops_the_run_by_name() {
    let sim = sim();
    let good = climbs(&sim);
    for checked in shapes::of(Kind::Climb).checked {
        let drifted = |change: &dyn Fn(&mut Value)| {
            let mut all = good.clone();
            all.iter_mut().for_each(change);
            watched(Kind::Climb, &all)
        };
        let gone = drifted(&|climb| {
            climb.as_object_mut().unwrap().shift_remove(checked.field);
        });
        let retyped = drifted(&|climb| climb[checked.field] = json!([[]]));
        for (outcome, found) in [(gone, "found nothing"), (retyped, "found a list")] {
            if checked.matters {
                let told = refused(outcome);
                for part in ["climb", &format!("`{}`", checked.field), found, "60 of 60 records"] {
                    assert!(told.contains(part), "{part}: {told}");
                }
            } else {
                let issues = outcome.unwrap();
                assert_eq!(issues.len(), 1, "{issues:?}");
                assert_eq!(
                    (issues[0].code.as_str(), issues[0].stokt_id.as_str()),
                    ("changed_field", checked.field)
                );
                assert!(issues[0].detail.contains(found));
            }
        }
    }
}

#[test]
fn the_great_majority_is_nine_of_ten_and_at_least_three() {
    let good = climbs(&sim());
    let outcome = |odd: usize, all: usize| {
        let mut climbs: Vec<Value> = good[..all].to_vec();
        climbs[..odd].iter_mut().for_each(|climb| climb["name"] = json!(1));
        watched(Kind::Climb, &climbs)
    };
    for (odd, all, stops) in
        [(1, 1, false), (2, 2, false), (3, 3, true), (44, 50, false), (45, 50, true), (49, 50, true)]
    {
        assert_eq!(outcome(odd, all).is_err(), stops, "{odd} of {all}");
    }
    // Of what there is one of, one is all.
    assert!(
        refused(watched(Kind::Account, &[json!({"id": 7})])).contains("account: field `id` should be text")
    );
    assert!(
        refused(watched(Kind::Page, &[json!({"count": "7", "results": [], "next": null})]))
            .contains("`count`")
    );
    assert!(
        watched(Kind::Page, &[json!({"count": 0, "results": []})]).is_ok(),
        "the last page may have no next"
    );
}

#[test]
fn null_is_no_drift_where_it_always_was_possible() {
    let mut all = climbs(&sim());
    for climb in &mut all {
        for field in ["climbSetters", "crowdGrade", "feetRule", "tags", "circuit", "mirrorHoldsList", "angle"]
        {
            climb[field] = Value::Null;
        }
    }
    assert_eq!(watched(Kind::Climb, &all).unwrap(), []);
    all.iter_mut().for_each(|climb| climb["isPrivate"] = Value::Null);
    assert!(refused(watched(Kind::Climb, &all)).contains("`isPrivate` should be true or false, found null"));
}

#[test]
fn new_fields_are_told_once_wherever_they_are() {
    let mut all = climbs(&sim());
    for climb in &mut all {
        climb["moon"] = json!("waning");
        climb["climbSetters"]["shoe\u{7}Size"] = json!(42);
    }
    let issues = watched(Kind::Climb, &all).unwrap();
    let told: Vec<(&str, &str)> =
        issues.iter().map(|issue| (issue.kind.as_str(), issue.stokt_id.as_str())).collect();
    assert_eq!(told, [("climb", "moon"), ("setter", "shoeSize")]);
    assert_eq!(
        issues[0].detail,
        "climb: field `moon` is new: text in 60 of 60 records; it is kept as it comes"
    );
    // Names that never end do not fill the memory.
    let mut watch = Watch::new();
    for number in 0..10_000 {
        watch.record(Kind::Climb, &json!({ format!("{number:0200}"): 1, format!("x{number}"): 1 }));
    }
    assert!(watch.seen[&Kind::Climb].new.len() <= MOST_NEW);
    assert!(watch.seen[&Kind::Climb].new.keys().all(|name| name.len() <= LONGEST_NAME));
}

#[test]
fn what_drifts_at_the_stand_in_is_seen_through_the_client() {
    for (path, field, stops) in [
        ("/api/gyms/*/summary", "displayName", true),
        ("/api/gyms/*/walls", "name", true),
        ("/api/faces/*/setup", "polygonStr", true),
        ("/api/gyms/*/climbs", "holdsList", true),
        ("/api/gyms/*/climbs", "tags", true),
        ("/api/gyms/*/climbs", "climbedBy", false),
    ] {
        let name = || field.to_owned();
        for fault in [Fault::FieldGone { field: name() }, Fault::FieldRetyped { field: name() }] {
            let sim = sim();
            sim.faults().push(Rule::new(fault.clone()).path(path));
            let outcome = all_of(&sim);
            assert_eq!(outcome.is_err(), stops, "{path} {fault:?}: {outcome:?}");
            if stops {
                assert!(refused(outcome).contains(field));
            } else {
                assert_eq!(outcome.unwrap()[0].code, "changed_field");
            }
        }
    }
    let sim = sim();
    sim.faults().push(Rule::new(Fault::FieldNew { field: "moon".to_owned() }).path("/api/gyms/*/climbs"));
    let issues = all_of(&sim).unwrap();
    assert!(issues.iter().any(|issue| issue.kind == "climb" && issue.stokt_id == "moon"), "{issues:?}");
}

#[test]
fn a_real_board_has_nothing_odd() {
    let Some(folder) = mastoc_test_support::real_board_dir() else { return };
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
    };
    let climbs = read("climbs.json")["climbs"].as_array().unwrap().clone();
    let setup = read("setup.json");
    let mut watch = Watch::new();
    climbs.iter().for_each(|climb| watch.record(Kind::Climb, climb));
    watch.record(Kind::Face, &setup);
    assert_eq!(watch.finish().unwrap(), []);
    assert_eq!(climbs.iter().find_map(|climb| flaw(Kind::Climb, climb)), None);
    let holds = setup["holds"].as_array().unwrap();
    assert!(climbs.len() > 700 && holds.iter().all(|hold| flaw(Kind::Hold, hold).is_none()));
}
