//! The network: answers that do not come, come cut or lead away. Whatever was created is found, and nothing is made twice.

use std::time::{Duration, Instant};

use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::{Fault, RetryAfter, Rule};
use mastoc_test_support::Process;

use crate::support::world::{World, tiny_board};
use crate::support::{LIMIT, local, one_line};

/// Everything, both ways.
const WHOLE: &[&str] = &["--full", "--all-local", "--allow-delete"];
const CLIMBS: &str = "/api/gyms/*/climbs";

/// Runs into a fault with a new climb to send, then without it until all is settled: the climb is there, once. What came
/// of the first attempt is not known, so that run is done only in part, and no later one says that all is done before it
/// is.
#[track_caller]
fn creates_once(rule: impl Fn() -> Rule, is_created: bool) {
    for world in World::both() {
        world.create("New", 50);
        let id = world.sim.faults().push(rule());
        let begun = Instant::now();
        let first = world.run("both", WHOLE);
        let (hits, there) = (world.sim.faults().hits_of(id), world.count_there("New"));
        assert!(hits > 0, "a fault that never happened proves nothing");
        assert!(begun.elapsed() < LIMIT / 2);
        first.expect(1);
        assert_eq!(there, usize::from(is_created), "after the first run");
        world.sim.faults().clear();
        world.settle(4);
        assert_eq!(world.count_there("New"), 1);
        assert_eq!(world.here("New").sync_state, SyncState::Synced);
        world.agree();
    }
}

#[test]
fn a_502_yet_created() {
    creates_once(|| Rule::html_status(502).method("POST").times(1).carried_out(), true);
}

#[test]
fn a_502_and_not_created() {
    creates_once(|| Rule::html_status(502).method("POST").times(1), false);
}

#[test]
fn a_201_with_truncated_json() {
    creates_once(|| Rule::new(Fault::Truncate { keep: 60 }).method("POST").times(1), true);
}

#[test]
fn a_201_that_is_no_json_at_all() {
    creates_once(|| Rule::new(Fault::Garbage).method("POST").times(1), true);
}

#[test]
fn a_connection_cut_before_any_byte_of_the_answer() {
    creates_once(|| Rule::cut(0).method("POST").times(1), true);
}

#[test]
fn a_connection_cut_in_the_middle_of_the_answer() {
    creates_once(|| Rule::cut(300).method("POST").times(1), true);
}

#[test]
fn a_connection_cut_in_the_middle_of_the_request() {
    creates_once(|| Rule::new(Fault::CutRequest { after_bytes: 20 }).method("POST").times(1), false);
}

#[test]
fn a_200_with_the_page_of_a_proxy() {
    creates_once(|| Rule::new(Fault::Html).method("POST").times(1), false);
}

/// A service that wants it slower has done nothing: the same run sends it again, once the time is over.
#[track_caller]
fn waits_and_sends_again(retry_after: RetryAfter, at_least: Duration) {
    for world in World::both() {
        world.create("New", 50);
        let rule = Rule::throttle(retry_after).method("POST").times(1);
        let id = world.sim.faults().push(rule);
        let begun = Instant::now();
        world.run("both", WHOLE).expect(0);
        assert!(begun.elapsed() >= at_least, "{:?}", begun.elapsed());
        assert_eq!((world.sim.faults().hits_of(id), world.changing_requests().len()), (1, 2));
        assert_eq!(world.count_there("New"), 1);
        world.agree();
    }
}

#[test]
fn a_429_with_retry_after_in_seconds() {
    waits_and_sends_again(RetryAfter::Seconds(1), Duration::from_secs(1));
}

#[test]
fn a_429_with_retry_after_as_a_date() {
    // A date has whole seconds.
    waits_and_sends_again(RetryAfter::Date(3), Duration::from_secs(2));
}

#[test]
fn a_refusal_is_told_with_stokts_reason_and_not_repeated() {
    for world in World::both() {
        world.create("New", 50);
        world.sim.faults().push(Rule::status(400).method("POST").times(1));
        let report = world.run("both", WHOLE).expect(1);
        assert!(report.finished.stdout.contains("New"), "{}", report.finished.stdout);
        assert_eq!((world.count_there("New"), world.here("New").sync_state), (0, SyncState::Local));
    }
}

#[test]
fn waiting_is_never_shorter_than_retry_after() {
    for world in World::both() {
        let begun = Instant::now();
        world.sim.faults().push(Rule::throttle(RetryAfter::Seconds(2)).path(CLIMBS).times(1));
        world.run("stokt-to-mastoc", &[]).expect(0);
        assert!(begun.elapsed() >= Duration::from_secs(2));
    }
}

#[test]
fn three_throttles_in_a_row_stop_the_run_with_progress_kept() {
    for world in World::both() {
        for number in 0..4 {
            world.create(&format!("New {number}"), 50 + number);
        }
        // Two are let through.
        world.sim.faults().push(Rule::throttle(RetryAfter::Seconds(0)).method("POST").skip(2));
        let report = world.run("both", WHOLE);
        assert_eq!(report.finished.code, Some(75), "{}", report.finished.stdout);
        let created = (0..4).filter(|number| world.count_there(&format!("New {number}")) == 1).count();
        assert_eq!(created, 2);
        world.sim.faults().clear();
        world.settle(3);
        world.agree();
    }
}

#[test]
fn a_401_on_page_three_deletes_nothing() {
    for world in World::both() {
        world.create("New", 50);
        world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), "Renamed".into())));
        let before = local::all(&world.store());
        world.sim.faults().push(Rule::new(Fault::ExpireToken).path(CLIMBS).skip(2).times(1));
        let mut command = world.sync("both", WHOLE);
        command.env("MASTOC_GONE_AFTER", "0");
        one_line(&Process::run(command, LIMIT), 5, &["token"]);
        assert_eq!(local::all(&world.store()), before);
        assert_eq!(world.changing_requests(), Vec::<String>::new());
    }
}

#[test]
fn a_308_to_another_host_gets_no_token_and_no_climb() {
    for world in World::both() {
        world.create("New", 50);
        let elsewhere = tiny_board().seed(77).start().unwrap();
        let before = local::all(&world.store());
        for (method, path, code) in
            [("GET", CLIMBS, 4), ("GET", "/api/users/me", 4), ("POST", "/api/faces", 1)]
        {
            let there = Fault::Redirect { code: 308, to: elsewhere.base_url() };
            let id = world.sim.faults().push(Rule::new(there).method(method).path(path).times(1));
            let report = world.run("both", WHOLE);
            assert_eq!(world.sim.faults().hits_of(id), 1, "{method} {path}");
            assert_eq!(report.finished.code, Some(code), "{method} {path}: {}", report.finished.stdout);
            world.sim.faults().clear();
        }
        assert_eq!(elsewhere.requests().len(), 0, "neither the token nor anything else went there");
        assert_eq!(local::all(&world.store()).len(), before.len());
        world.settle(4);
        assert_eq!(world.count_there("New"), 1);
        world.agree();
    }
}

#[test]
fn a_next_off_origin_is_not_followed() {
    for world in World::both() {
        let elsewhere = tiny_board().seed(77).start().unwrap();
        world.create("New", 50);
        let before = local::all(&world.store());
        world.sim.faults().push(Fault::NextElsewhere { origin: elsewhere.base_url() });
        let report = world.run("both", WHOLE);
        assert_eq!(report.finished.code, Some(4), "{}", report.finished.stdout);
        assert_eq!(elsewhere.requests().len(), 0);
        assert_eq!(local::all(&world.store()), before);
        assert_eq!(world.changing_requests(), Vec::<String>::new());
        world.sim.faults().clear();
        world.settle(2);
        world.agree();
    }
}

#[test]
fn a_service_under_maintenance_is_tried_later() {
    for world in World::both() {
        world.create("New", 50);
        let before = local::all(&world.store());
        world.sim.faults().push(Rule::html_status(503).path(CLIMBS));
        let report = world.run("both", WHOLE);
        assert_eq!(report.finished.code, Some(75), "{}", report.finished.stdout);
        assert_eq!(local::all(&world.store()), before);
        world.sim.faults().clear();
        world.settle(2);
        world.agree();
    }
}
