//! Bad records are kept aside with their reason while the rest goes on.

use mastoc_stokt_sim::{Rule, Sim};
use mastoc_storage::quarantine;
use mastoc_sync_engine::{Ending, Report};
use mastoc_test_support::both_backends;
use serde_json::{Map, Value, json};

use crate::world::*;

/// A sound climb of the board, to be spoilt.
fn sound(sim: &Sim) -> Map<String, Value> {
    let climbs = sim.with_board(|board| board.climbs());
    let is_own = |climb: &Value| climb["id"].as_str().is_some_and(|id| !id.starts_with("00000000"));
    climbs.into_iter().find(is_own).unwrap().as_object().unwrap().clone()
}

fn add(sim: &Sim, id: &str, spoil: impl FnOnce(&mut Map<String, Value>)) {
    let mut climb = sound(sim);
    climb.insert("id".into(), json!(id));
    spoil(&mut climb);
    sim.with_board(|board| board.add_raw_climb(climb));
}

fn code_of<'r>(report: &'r Report, id: &str) -> Option<&'r str> {
    report.problems.iter().find(|issue| issue.stokt_id == id).map(|issue| issue.code.as_str())
}

const IDS: [&str; 7] = [
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
    "00000000-0000-4000-8000-000000000003",
    "00000000-0000-4000-8000-000000000004",
    "00000000-0000-4000-8000-000000000005",
    "00000000-0000-4000-8000-000000000006",
    "00000000-0000-4000-8000-000000000007",
];

both_backends! {
    prepare: prepare;

    fn bad_records_are_set_aside_and_the_rest_goes_on(url: &str) {
        let sim = small().climbs(60).start().unwrap();
        add(&sim, IDS[0], |climb| drop(climb.insert("holdsList".into(), json!("S1 O2 T3"))));
        add(&sim, IDS[1], |climb| drop(climb.insert("name".into(), json!("x".repeat(10 << 20)))));
        add(&sim, IDS[2], |climb| drop(climb.insert("name".into(), json!("a\u{0}b"))));
        add(&sim, IDS[3], |climb| drop(climb.insert("dateCreated".into(), json!("yesterday"))));
        add(&sim, IDS[4], |climb| drop(climb.insert("holdsList".into(), json!("what?"))));
        add(&sim, IDS[5], |climb| drop(climb.insert("faceId".into(), json!(IDS[0]))));
        add(&sim, IDS[6], |climb| drop(climb.insert("name".into(), json!("\u{202e}gnp.exe"))));
        add(&sim, "x", |climb| drop(climb.insert("id".into(), Value::Null)));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Partial, "{}", report.summary());
        assert_eq!(report.exit_code, 1);
        assert_eq!(code_of(&report, IDS[0]), Some("unknown_hold"), "{}", report.summary());
        assert_eq!(code_of(&report, IDS[1]), Some("bad_text"), "{}", report.summary());
        assert_eq!(code_of(&report, IDS[2]), Some("bad_text"), "{}", report.summary());
        assert_eq!(code_of(&report, IDS[3]), Some("bad_date"), "{}", report.summary());
        assert_eq!(code_of(&report, IDS[4]), Some("bad_holds_list"), "{}", report.summary());
        assert_eq!(code_of(&report, IDS[5]), Some("unknown_face"), "{}", report.summary());
        assert_eq!(code_of(&report, IDS[6]), None, "odd, but kept as it is");
        assert!(report.problems.iter().any(|issue| issue.stokt_id.starts_with("without-id-")));
        assert_eq!(report.counts.climbs.quarantined, 7);
        assert_eq!(report.counts.climbs.created + 7, report.gyms[0].listing.distinct);
        assert!(report.gyms[0].listing.complete, "all were shown: {:?}", report.gyms[0].listing);
        assert_eq!(open(url).read(quarantine::count).unwrap(), 7);

        // One is mended at Stokt: it comes in and leaves the quarantine. Nothing else changes.
        sim.with_board(|board| {
            board.edit_climb(IDS[2].parse().unwrap(), |climb| drop(climb.insert("name".into(), json!("ab"))));
        });
        let again = run(&sim, url, data.path());
        assert_eq!((again.counts.climbs.created, again.counts.climbs.updated), (1, 0), "{}", again.summary());
        assert_eq!(open(url).read(quarantine::count).unwrap(), 6);
    }

    fn an_odd_hold_takes_only_its_own_climbs_with_it(url: &str) {
        let sim = small().climbs(60).start().unwrap();
        let holds = sim.with_board(|board| {
            let face = board.face_ids()[0];
            let holds = board.hold_ids(face);
            board.edit_setup(face, |setup| {
                setup["holds"][0]["centroidStr"] = json!("nowhere");
                setup["holds"][0]["polygonStr"] = json!("");
                setup["holds"][1]["id"] = json!(null);
            });
            holds
        });
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Partial, "{}", report.summary());
        assert_eq!((report.counts.holds.created, report.counts.holds.quarantined), (58, 2));
        assert_eq!(code_of(&report, &holds[0].to_string()), Some("bad_number"));
        let lost = report.problems.iter().filter(|issue| issue.kind == "climb");
        assert!(lost.clone().all(|issue| issue.code == "unknown_hold"), "{}", report.summary());
        let (_, climbs) = source(&sim);
        let uses = |climb: &Value| {
            let list = climb["holdsList"].as_str().unwrap();
            list.split(' ').any(|token| holds[..2].iter().any(|hold| token[1..] == hold.to_string()))
        };
        assert_eq!(lost.count(), climbs.iter().filter(|climb| uses(climb)).count());
    }

    fn a_hold_that_has_lost_its_outline_stays_as_it_is_here(url: &str) {
        let sim = small().climbs(60).start().unwrap();
        let data = tempfile::tempdir().unwrap();
        assert_eq!(run(&sim, url, data.path()).ending, Ending::Done);
        let before = stored(url, &sim).holds;
        sim.with_board(|board| {
            let face = board.face_ids()[0];
            board.edit_setup(face, |setup| drop(setup["holds"][0].as_object_mut().unwrap().remove("polygonStr")));
        });
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Partial, "{}", report.summary());
        assert_eq!((report.counts.holds.quarantined, report.counts.holds.updated), (1, 0));
        assert_eq!(report.counts.climbs.quarantined, 0, "its climbs go on");
        assert_eq!(stored(url, &sim).holds, before);
    }

    fn a_face_that_has_lost_its_picture_stays_as_it_is_here(url: &str) {
        let sim = small().faces(2).climbs(60).start().unwrap();
        let data = tempfile::tempdir().unwrap();
        assert_eq!(run(&sim, url, data.path()).ending, Ending::Done);
        let before = stored(url, &sim);
        let face = sim.face_ids()[1];
        sim.with_board(|board| {
            board.edit_setup(face, |setup| drop(setup.remove("picture")));
        });
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Partial, "{}", report.summary());
        assert_eq!(code_of(&report, &face.to_string()), Some("odd_field"));
        assert_eq!((report.counts.faces.updated, report.counts.climbs.quarantined), (0, 0));
        let now = stored(url, &sim);
        assert_eq!((now.faces, now.holds), (before.faces, before.holds));
    }

    fn a_face_without_a_set_up_does_not_stop_the_others(url: &str) {
        let sim = small().faces(2).start().unwrap();
        let face = sim.face_ids()[1];
        sim.faults().push(Rule::status(403).path(&format!("/api/faces/{face}/setup")));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Partial, "{}", report.summary());
        assert_eq!(code_of(&report, &face.to_string()), Some("no_setup"));
        assert_eq!((report.counts.faces.created, report.counts.holds.created), (1, 60));
        assert!(report.counts.climbs.created > 0);
    }
}
