//! Stokt misbehaves; the import gets through, or says what is missing, and never believes nonsense.
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

mod support;

use mastoc_stokt_sim::{Fault, PictureFault, RetryAfter, Rule, Sim};
use mastoc_storage::quarantine;
use mastoc_test_support::Process;
use serde_json::{Map, Value, json};

use support::board::{Board, holds_exactly, same, served, stored};
use support::{LIMIT, Place, Source, changes_nothing, one_line, run, small_board};

/// The gym's listing of climbs.
const CLIMBS: &str = "/api/gyms/*/climbs";

/// An import gets through these faults, to the same board as without any.
#[track_caller]
fn gets_through(rules: impl IntoIterator<Item = Rule>) {
    let sim = small_board().start().unwrap();
    let source = Source::from(&sim);
    let expected = served(&source);
    let ids: Vec<_> = rules.into_iter().map(|rule| sim.faults().push(rule)).collect();
    let place = Place::sqlite();
    run(place.import(&source)).expect(0);
    for id in ids {
        assert!(sim.faults().hits_of(id) > 0, "a fault that never happened proves nothing");
    }
    same(&stored(&place, source.gym, expected.account), &expected);
    sim.faults().clear();
    changes_nothing(place.import(&source));
}

#[test]
fn throttling_is_obeyed_in_both_forms() {
    gets_through([
        Rule::throttle(RetryAfter::Seconds(1)).skip(2).every(3).times(2),
        Rule::throttle(RetryAfter::Date(2)).path(CLIMBS).times(1),
        Rule::status(429).path("/media").times(1),
    ]);
}

#[test]
fn errors_of_the_service_are_waited_out() {
    gets_through([
        Rule::html_status(502).every(4).times(3),
        Rule::status(500).path(CLIMBS).skip(1).times(2),
        Rule::html_status(503).path("/media").times(2),
    ]);
}

#[test]
fn cut_and_unreadable_answers_are_asked_for_again() {
    gets_through([
        Rule::cut(0).every(5).times(2),
        Rule::cut(300).path(CLIMBS).times(1),
        Rule::cut(2_000).path("/media/*walls").times(1),
        Rule::new(Fault::Truncate { keep: 400 }).path("/api/faces").times(1),
        Rule::new(Fault::Garbage).path(CLIMBS).skip(2).times(1),
        Rule::new(Fault::Html).path("/api/gyms/*/summary").times(1),
    ]);
}

#[test]
fn records_that_come_twice_are_one() {
    gets_through([Rule::new(Fault::Repeat { records: 3 })]);
}

#[test]
fn a_listing_that_changed_underway_is_read_again() {
    let sim = small_board().start().unwrap();
    let source = Source::from(&sim);
    sim.faults().push(Rule::new(Fault::Drift { climbs: 2 }).skip(2).times(1));
    sim.faults().push(Rule::new(Fault::Vanish { climbs: 1 }).skip(3).times(1));
    let place = Place::sqlite();
    let report = run(place.import(&source)).expect(0);
    assert!(report.report["gyms"][0]["listing"]["attempts"].as_u64().unwrap() > 1);
    let theirs = served(&source);
    let ours = stored(&place, source.gym, theirs.account);
    for (id, climb) in &theirs.climbs {
        assert_eq!(ours.climbs.get(id), Some(climb));
    }
}

#[test]
fn a_listing_that_never_adds_up_is_not_believed() {
    for rule in [Rule::new(Fault::Drift { climbs: 1 }), Rule::new(Fault::Count { count: 1_000 })] {
        let sim = small_board().start().unwrap();
        let source = Source::from(&sim);
        sim.faults().push(rule);
        let place = Place::sqlite();
        let report = run(place.import(&source)).expect(1);
        let listing = &report.report["gyms"][0]["listing"];
        assert_eq!(listing["complete"], false, "{listing}");
        assert!(listing["flaw"].is_string(), "{listing}");
        assert!(report.report["watermarks"]["after"].is_null(), "the watermark moves on success only");
        sim.faults().clear();
        run(place.import(&source)).expect(0);
        holds_exactly(&place, &source);
    }
}

/// An import that is led astray believes nothing of it (exit code and what the report says are given), and is whole
/// once it is not led astray any more.
#[track_caller]
fn is_not_led_astray(rule: Rule, code: i32, says: &str) {
    let sim = small_board().start().unwrap();
    let source = Source::from(&sim);
    let place = Place::sqlite();
    sim.faults().push(rule);
    let led = run(place.import(&source)).expect(code);
    assert!(led.finished.stdout.contains(says), "{says:?} is not in {}", led.finished.stdout);
    sim.faults().clear();
    run(place.import(&source)).expect(0);
    holds_exactly(&place, &source);
}

#[test]
fn a_listing_that_goes_in_a_circle_ends() {
    is_not_led_astray(Rule::new(Fault::NextLoop), 1, "the listing cannot be followed");
}

#[test]
fn nothing_is_asked_of_another_host() {
    let elsewhere = small_board().seed(12).start().unwrap();
    let origin = elsewhere.base_url();
    let next = Rule::new(Fault::NextElsewhere { origin: origin.clone() });
    is_not_led_astray(next, 4, "its next page lies elsewhere");
    // A picture that is elsewhere is missing; an answer that is elsewhere is a reason to stop.
    for (path, code) in [("/api/gyms/*/walls", 4), (CLIMBS, 4), ("/media/*walls", 1)] {
        let redirect = Rule::new(Fault::Redirect { code: 308, to: origin.clone() }).path(path);
        is_not_led_astray(redirect, code, "redirect");
    }
    assert_eq!(elsewhere.requests().len(), 0, "neither the token nor anything else went there");
}

#[test]
fn a_token_that_expires_underway_costs_nothing_but_time() {
    let sim = small_board().start().unwrap();
    let source = Source::from(&sim);
    let place = Place::sqlite();
    sim.faults().push(Rule::new(Fault::ExpireToken).path(CLIMBS).skip(2).times(1));
    one_line(&Process::run(place.import(&source), LIMIT), 5, &["token"]);
    sim.faults().clear();
    let mut again = place.import(&source);
    again
        .env_remove("STOKT_TOKEN")
        .env("STOKT_PASSWORD", &source.password)
        .args(["--username", &source.username]);
    run(again).expect(0);
    let renewed = Source { token: sim.token(), ..source };
    holds_exactly(&place, &renewed);
}

fn broken(sim: &Sim, change: impl FnOnce(&mut Map<String, Value>)) -> uuid::Uuid {
    sim.with_board(|board| {
        let model = board.climb(board.climb_ids()[0]).unwrap();
        let mut climb = model.as_object().unwrap().clone();
        climb.insert("id".into(), json!(uuid::Uuid::new_v4()));
        climb.insert("name".into(), json!("Broken"));
        change(&mut climb);
        board.add_raw_climb(climb)
    })
}

#[test]
fn bad_records_are_kept_aside_while_the_others_come() {
    for place in Place::both() {
        let sim = small_board().start().unwrap();
        let source = Source::from(&sim);
        let good: Board = served(&source);
        let bad = [
            broken(&sim, |climb| drop(climb.insert("holdsList".into(), json!("S999999999 O1 T2")))),
            broken(&sim, |climb| drop(climb.insert("holdsList".into(), json!("nonsense")))),
            broken(&sim, |climb| drop(climb.insert("id".into(), Value::Null))),
            broken(&sim, |climb| drop(climb.shift_remove("id"))),
            broken(&sim, |climb| drop(climb.insert("name".into(), json!("NUL \u{0} inside")))),
            broken(&sim, |climb| drop(climb.insert("name".into(), json!("x".repeat(10 << 20))))),
        ];
        let report = run(place.import(&source)).expect(1);
        assert_eq!(
            report.count("climbs", "quarantined"),
            bad.len() as u64,
            "{:#}",
            report.report["problems"]
        );
        assert_eq!(report.count("climbs", "created"), good.climbs.len() as u64);
        let codes = report.problem_codes();
        for code in ["unknown_hold", "bad_holds_list", "bad_text"] {
            assert!(codes.iter().any(|known| known == code), "{code} is not among {codes:?}");
        }
        assert_eq!(stored(&place, source.gym, good.account).climbs, good.climbs);
        let kept = place.store().read(|conn| quarantine::list(conn, 100)).unwrap();
        assert_eq!(kept.len(), bad.len());

        // Again: the same words, nothing new. Mended at Stokt: imported, and off the list.
        let again = run(place.import(&source)).expect(1);
        assert_eq!((again.sum("created"), again.sum("updated")), (0, 0));
        let list = good.climbs.values().next().unwrap()["holdsList"].clone();
        sim.with_board(|board| {
            for (index, id) in bad.iter().enumerate() {
                if index == 2 || index == 3 {
                    assert!(board.delete_climb(*id));
                } else {
                    assert!(board.edit_climb(*id, |climb| {
                        climb.insert("holdsList".into(), list.clone());
                        climb.insert("name".into(), json!("Mended"));
                    }));
                }
            }
        });
        let mended = run(place.import(&source)).expect(0);
        assert_eq!(mended.count("climbs", "created"), 4);
        holds_exactly(&place, &source);
        // Records without an id can never be told to be mended; those with one are off the list.
        let kept = place.store().read(|conn| quarantine::list(conn, 100)).unwrap();
        let named: Vec<&str> = kept.iter().map(|kept| kept.stokt_id.as_str()).collect();
        assert!(named.iter().all(|id| id.starts_with("without-id-")), "{named:?}");
    }
}

#[test]
fn odd_text_is_kept_as_it_came() {
    let sim = small_board().start().unwrap();
    let source = Source::from(&sim);
    let place = Place::sqlite();
    broken(&sim, |climb| {
        drop(climb.insert("name".into(), json!("\u{202e}txet lanoitceridib\u{202c} \u{200d}")))
    });
    run(place.import(&source)).expect(0);
    holds_exactly(&place, &source);
}

#[test]
fn an_import_is_not_complete_without_a_sound_wall_picture() {
    for fault in [
        PictureFault::Truncated,
        PictureFault::NotAnImage,
        PictureFault::WrongDimensions,
        PictureFault::Oversized(40 << 20),
    ] {
        let sim = small_board().start().unwrap();
        let source = Source::from(&sim);
        let place = Place::sqlite();
        sim.faults().push(Rule::new(Fault::Picture(fault)));
        let report = run(place.import(&source)).expect(1);
        assert_eq!(report.report["images"]["missing_wall_pictures"], 1, "{fault:?}");
        assert!(!report.problem_codes().is_empty(), "{fault:?}");
        // Everything else is here; of the picture there is neither a file, nor a part of one, nor a row.
        let wall = sim.picture(sim.face_ids()[0]).unwrap();
        for name in place.pictures() {
            let kept = std::fs::read(place.data_dir().join("media").join(name)).unwrap();
            assert!(kept.len() < 20_000 && kept != wall, "{fault:?}: only avatars are kept");
        }
        let parts = support::files_below(&place.data_dir().join("media/tmp"));
        assert_eq!(parts, Vec::<String>::new(), "{fault:?}");
        let gym = mastoc_domain::StoktId(source.gym);
        let complete = place.store().read(|conn| mastoc_storage::import::pictures::complete(conn, &[gym]));
        assert!(!complete.unwrap(), "{fault:?}");

        sim.faults().clear();
        let healed = run(place.import(&source)).expect(0);
        assert_eq!(
            (healed.sum("created"), healed.report["images"]["copied"].as_u64()),
            (0, Some(1)),
            "{fault:?}"
        );
        let complete = place.store().read(|conn| mastoc_storage::import::pictures::complete(conn, &[gym]));
        assert!(complete.unwrap(), "{fault:?}");
        holds_exactly(&place, &source);
    }
}

#[test]
fn chaos_is_got_through_by_running_again() {
    for seed in 1..=3 {
        let sim = small_board().seed(seed).chaos(0.15).start().unwrap();
        let source = Source::from(&sim);
        let place = Place::sqlite();
        let mut codes = Vec::new();
        while codes.last() != Some(&Some(0)) {
            assert!(codes.len() < 25, "seed {seed}: {codes:?}");
            let finished = Process::run(place.import(&source), LIMIT);
            assert!(matches!(finished.code, Some(0 | 1 | 75)), "seed {seed}: {finished:?}");
            codes.push(finished.code);
        }
        assert!(sim.faults().hits() > 0);
        sim.faults().clear();
        // What is left at most is an avatar that came as garbage.
        let healed = run(place.import(&source)).expect(0);
        assert_eq!((healed.sum("created"), healed.sum("updated")), (0, 0), "seed {seed}");
        holds_exactly(&place, &source);
        changes_nothing(place.import(&source));
    }
}
