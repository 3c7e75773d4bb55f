//! Stokt throttles, breaks, drifts and lies.

use std::time::Duration;

use mastoc_domain::StoktId;
use mastoc_stokt_client::secrecy::SecretString;
use mastoc_stokt_client::{Cancel, Client};
use mastoc_stokt_sim::{Fault, RetryAfter, Rule};
use mastoc_sync_engine::{Ending, ImportOptions, Silent, StoreTarget, import};
use mastoc_test_support::both_backends;

use crate::world::*;

const CLIMBS: &str = "/api/gyms/*/climbs";

both_backends! {
    prepare: prepare;

    fn passing_faults_are_waited_out(url: &str) {
        let sim = small().page_size(10).start().unwrap();
        let faults = sim.faults();
        faults.push(Rule::throttle(RetryAfter::Seconds(0)).path(CLIMBS).skip(1).times(2));
        faults.push(Rule::throttle(RetryAfter::Date(0)).path("/api/gyms/*/walls").times(1));
        faults.push(Rule::html_status(502).path(CLIMBS).skip(5).times(2));
        faults.push(Rule::cut(0).path("/api/gyms/*/summary").times(1));
        faults.push(Rule::cut(400).path(CLIMBS).skip(9).times(1));
        faults.push(Rule::new(Fault::Garbage).path("/api/faces/*/setup").times(1));
        faults.push(Rule::new(Fault::Html).path(CLIMBS).skip(12).times(1));
        faults.push(Rule::new(Fault::Truncate { keep: 100 }).path(CLIMBS).skip(15).times(1));
        faults.push(Rule::cut(2_000).path("/media/*walls").times(2));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        assert_eq!(report.traffic.throttles, 3, "{:?}", report.traffic);
        assert!(report.traffic.retries >= 10, "{:?}", report.traffic);
        sim.faults().clear();
        assert_lossless(url, &sim);
    }

    fn three_throttles_stop_the_run_and_the_next_one_goes_on(url: &str) {
        let sim = small().start().unwrap();
        sim.faults().push(Rule::throttle(RetryAfter::Seconds(0)).path(CLIMBS).skip(4));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!((report.ending, report.exit_code), (Ending::Temporary, 75), "{}", report.summary());
        assert_eq!(report.counts.climbs.created, 80, "four pages are kept");
        sim.faults().clear();
        sim.forget_requests();
        let rest = run(&sim, url, data.path());
        assert_eq!(rest.ending, Ending::Done, "{}", rest.summary());
        assert!(rest.gyms[0].resumed);
        assert_eq!(rest.run, report.run);
        assert!(!sim.requests().iter().any(|request| request.path.ends_with("/climbs") && !format!("{request:?}").contains("page=")),
            "the first page is not asked for again");
        assert_lossless(url, &sim);
    }

    fn a_token_that_ends_on_page_three_keeps_two_pages(url: &str) {
        let sim = small().start().unwrap();
        sim.faults().push(Rule::new(Fault::ExpireToken).path(CLIMBS).skip(2).times(1));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!((report.ending, report.exit_code), (Ending::Credentials, 5), "{}", report.summary());
        assert_eq!(report.counts.climbs.created, 40);
        assert_eq!(stored_climbs(url, &sim.gym_id().to_string()), 40);
    }

    fn a_drifting_listing_is_read_again(url: &str) {
        let sim = small().start().unwrap();
        sim.faults().push(Rule::new(Fault::Drift { climbs: 1 }).skip(2).times(1));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        assert_eq!(report.gyms[0].listing.attempts, 2);
        let climbs = source(&sim).1;
        assert_eq!(stored(url, &sim).climbs(), climbs);
        // Each climb is counted once, however often it was listed.
        let counted = report.counts.climbs;
        assert_eq!((counted.created, counted.unchanged), (climbs.len() as u64, 0), "{}", report.summary());
    }

    fn a_listing_that_never_settles_is_told_as_incomplete(url: &str) {
        let sim = small().climbs(60).start().unwrap();
        sim.faults().push(Rule::new(Fault::Count { count: 1_000 }));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!((report.ending, report.exit_code), (Ending::Partial, 1), "{}", report.summary());
        let listing = &report.gyms[0].listing;
        assert_eq!((listing.attempts, listing.complete), (3, false));
        assert_eq!((report.counts.climbs.created, report.counts.climbs.unchanged), (60, 0), "{}", report.summary());
        assert!(listing.flaw.as_ref().unwrap().contains("1000"), "{listing:?}");
        assert!(report.watermarks.after.is_none(), "nothing is proved");
        sim.faults().clear();
        assert_lossless(url, &sim);
    }

    fn repeats_are_seen_once(url: &str) {
        let sim = small().start().unwrap();
        sim.faults().push(Rule::new(Fault::Repeat { records: 3 }));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        assert!(report.gyms[0].listing.last.repeats > 0);
        assert_eq!(report.counts.climbs.unchanged, 0);
    }

    fn a_listing_that_loops_is_not_followed(url: &str) {
        let sim = small().start().unwrap();
        sim.faults().push(Rule::new(Fault::NextLoop).skip(1));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Partial, "{}", report.summary());
        assert_eq!(report.gyms[0].listing.attempts, 3);
    }

    fn a_next_page_at_another_host_stops_the_run_as_a_redirect_does(url: &str) {
        let foreign = small().climbs(5).start().unwrap();
        let sim = small().start().unwrap();
        sim.faults().push(Rule::new(Fault::NextElsewhere { origin: foreign.base_url() }).skip(1));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!((report.ending, report.exit_code), (Ending::Guard, 4), "{}", report.summary());
        assert_eq!(report.counts.climbs.created, 40, "what came before is kept");
        assert!(foreign.requests().is_empty(), "nobody asked the other origin");
        sim.faults().clear();
        assert_eq!(run(&sim, url, data.path()).ending, Ending::Done);
        assert_lossless(url, &sim);
    }

    fn a_redirect_to_another_host_stops_the_run(url: &str) {
        let foreign = small().climbs(5).start().unwrap();
        let sim = small().start().unwrap();
        sim.faults().push(Rule::new(Fault::Redirect { code: 308, to: foreign.base_url() }).path(CLIMBS).skip(1));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!((report.ending, report.exit_code), (Ending::Guard, 4), "{}", report.summary());
        assert!(foreign.requests().is_empty());
    }

    fn what_the_operator_got_wrong_is_one_line_with_its_code(url: &str) {
        let sim = small().climbs(5).start().unwrap();
        let data = tempfile::tempdir().unwrap();
        let target = target(url, data.path());
        let login = |password: &str| {
            let password = SecretString::from(password.to_owned());
            Client::builder(&sim.base_url()).login(sim.username(), password).build().unwrap()
        };
        let report = import(&login("wrong"), &target, &options(), &Silent);
        assert_eq!(report.exit_code, 5, "{report:?}");
        let line = report.error.unwrap();
        assert!(!line.contains('\n') && !line.contains("wrong") && line.contains("password"), "{line}");

        let unknown = ImportOptions { gyms: vec![StoktId(uuid::Uuid::nil())], ..options() };
        let report = import(&login(&sim.password()), &target, &unknown, &Silent);
        assert_eq!(report.exit_code, 2, "{report:?}");
        assert!(report.error.unwrap().contains("check the id"));

        let dead = sim.base_url();
        drop(sim);
        let client = Client::builder(&dead)
            .token(SecretString::from("t".to_owned()))
            .backoff(Duration::from_millis(1), Duration::from_millis(1))
            .build()
            .unwrap();
        let report = import(&client, &target, &options(), &Silent);
        assert_eq!(report.exit_code, 75, "{report:?}");
    }

    fn a_second_run_finds_the_door_locked(url: &str) {
        let data = tempfile::tempdir().unwrap();
        let first = target(url, data.path());
        let media = mastoc_media::MediaStore::open(data.path()).unwrap();
        let error = StoreTarget::open(open(url), media.clone(), "second").map(|_| ()).unwrap_err();
        assert_eq!(error.ending().exit_code(), 6);
        assert!(error.to_string().contains("test, since"), "{error}");
        drop(first);
        StoreTarget::open(open(url), media, "second").unwrap();
    }

    fn ctrl_c_leaves_a_place_to_go_on_from(url: &str) {
        let sim = small().start().unwrap();
        let cancel = Cancel::new();
        let stop = cancel.clone();
        sim.faults().push(Rule::change(move |_| stop.cancel()).path(CLIMBS).skip(3).times(1));
        let data = tempfile::tempdir().unwrap();
        let target = target(url, data.path());
        let report = import(&client_with(&sim, cancel), &target, &options(), &Silent);
        assert_eq!((report.ending, report.exit_code), (Ending::Interrupted, 75), "{}", report.summary());
        drop(target);
        let rest = run(&sim, url, data.path());
        assert_eq!(rest.ending, Ending::Done, "{}", rest.summary());
        assert!(rest.gyms[0].resumed);
        assert_lossless(url, &sim);
    }
}

fn stored_climbs(url: &str, gym: &str) -> usize {
    let gym = gym.parse().unwrap();
    open(url).read(|conn| mastoc_storage::export::climbs(conn, gym, None)).unwrap().len()
}
