//! An import of answers that have lost their shape changes nothing: what is missing in them is no edit.

use mastoc_stokt_sim::{Rule, Sim};
use mastoc_sync_engine::Ending;
use mastoc_test_support::both_backends;
use serde_json::json;

use crate::world::*;

/// Something that goes wrong from now on.
fn fault(text: &str) -> Rule {
    text.parse().unwrap()
}

/// A board with a private climb.
fn board() -> Sim {
    let sim = small().start().unwrap();
    sim.with_board(|board| {
        let id = board.climbs()[3]["id"].as_str().unwrap().parse().unwrap();
        board.edit_climb(id, |climb| drop(climb.insert("isPrivate".into(), json!(true))));
    });
    sim
}

both_backends! {
    prepare: prepare;

    fn a_field_that_matters_and_is_gone_from_all_records_stops_the_import(url: &str) {
        let sim = board();
        let data = tempfile::tempdir().unwrap();
        assert_eq!(run(&sim, url, data.path()).ending, Ending::Done);
        let before = stored(url, &sim);
        assert!(before.climbs.iter().any(|climb| climb.is_private));
        for (rule, named) in [
            ("field-gone:field=isPrivate,path=/api/gyms/*/climbs", "isPrivate"),
            ("field-retyped:field=name,path=/api/gyms/*/climbs", "name"),
            ("field-gone:field=climbSetters,path=/api/gyms/*/climbs", "climbSetters"),
            ("field-gone:field=polygonStr,path=/api/faces", "polygonStr"),
            ("field-gone:field=displayName,path=/api/gyms/*/summary", "displayName"),
        ] {
            sim.faults().push(fault(rule));
            let report = run(&sim, url, data.path());
            sim.faults().clear();
            assert_eq!(report.ending, Ending::Guard, "{rule}: {}", report.summary());
            let error = report.error.unwrap();
            assert!(error.contains(named) && error.contains("changed its shape"), "{rule}: {error}");
            assert_eq!(stored(url, &sim), before, "{rule}");
        }
        let mended = run(&sim, url, data.path());
        assert_eq!((mended.ending, mended.counts.climbs.updated), (Ending::Done, 0), "{}", mended.summary());
    }

    fn a_field_that_matters_and_is_odd_in_some_records_sets_these_aside(url: &str) {
        let sim = board();
        let data = tempfile::tempdir().unwrap();
        assert_eq!(run(&sim, url, data.path()).ending, Ending::Done);
        let before = stored(url, &sim);
        sim.faults().push(fault("field-retyped:field=isPrivate,path=/api/gyms/*/climbs,every=2"));
        let report = run(&sim, url, data.path());
        sim.faults().clear();
        assert_eq!(report.ending, Ending::Partial, "{}", report.summary());
        assert!(report.problems.iter().all(|issue| issue.code == "odd_field"), "{}", report.summary());
        assert_eq!((report.counts.climbs.updated, report.counts.climbs.quarantined > 0), (0, true));
        assert_eq!(stored(url, &sim), before);

        let mended = run(&sim, url, data.path());
        assert_eq!((mended.ending, mended.counts.climbs.updated), (Ending::Done, 0), "{}", mended.summary());
    }

    fn a_new_field_is_kept_and_told_once(url: &str) {
        let sim = board();
        sim.faults().push(fault("field-new:field=moonPhase,path=/api/gyms/*/climbs"));
        sim.faults().push(fault("field-new:field=sunSpots,path=/api/faces"));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        sim.faults().clear();
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        let told = |kind: &str| {
            let is_it = |note: &&mastoc_sync_engine::Issue| note.kind == kind && note.code == "new_field";
            report.notes.iter().filter(is_it).map(|note| note.stokt_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(told("climb"), ["moonPhase"], "{}", report.summary());
        assert_eq!(told("face"), ["sunSpots"], "{}", report.summary());
    }
}
