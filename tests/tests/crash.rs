//! The importer is killed, really, at any moment; started again it ends as if nothing had been.
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

use std::process::Command;
use std::time::{Duration, Instant};

use mastoc_stokt_sim::{Fault, Rule, Sim};
use mastoc_test_support::Process;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use support::board::{created, holds_exactly, mappings, records};
use support::server::{ADMIN_KEY, Server};
use support::{LIMIT, Place, Source, changes_nothing, reported, run, small_board, wait_until};

/// A service slow enough that there is something to hit between any two requests.
fn slow_board() -> Sim {
    let sim = small_board().page_size(10).start().unwrap();
    sim.faults().push(Rule::new(Fault::Delay(Duration::from_millis(15))));
    sim
}

fn in_small_batches(mut command: Command) -> Command {
    command.args(["--batch-size", "10"]);
    command
}

/// How long an uninterrupted import takes, and the place it filled.
fn uninterrupted(place: Place, source: &Source) -> (Duration, Place) {
    let begun = Instant::now();
    run(in_small_batches(place.import(source))).expect(0);
    (begun.elapsed(), place)
}

/// Kills imports into fresh places, up to three times each, at moments spread over their duration; resumes them, and
/// compares the end with the uninterrupted one's.
fn killed_and_resumed(rounds: usize, seed: u64, mut fresh: impl FnMut() -> Place) {
    let sim = slow_board();
    let source = Source::from(&sim);
    let (took, whole) = uninterrupted(fresh(), &source);
    let account = holds_exactly(&whole, &source).account;
    let expected = records(&whole, source.gym, account);
    println!("seed {seed}; uninterrupted in {took:?}");

    let mut moments = StdRng::seed_from_u64(seed);
    let mut cut = 0;
    for round in 0..rounds {
        let place = fresh();
        for kill in 0..=round % 3 {
            // The first kills go through the whole duration, one part of it in each round.
            let part = if kill == 0 {
                (round as f64 + moments.random::<f64>()) / rounds as f64
            } else {
                moments.random()
            };
            let process = Process::start(in_small_batches(place.import(&source)));
            std::thread::sleep(took.mul_f64(part));
            let killed = process.kill();
            cut += usize::from(killed.code.is_none());
        }
        let mut end = in_small_batches(place.import(&source));
        end.arg("--json");
        reported(Process::run(end, LIMIT)).expect(0);
        assert_eq!(records(&place, source.gym, account), expected, "seed {seed}, round {round}");
        assert_eq!(mappings(&place), mappings(&whole), "seed {seed}, round {round}");
        assert_eq!(created(&place), created(&whole), "seed {seed}, round {round}");
        assert_eq!(place.pictures(), whole.pictures(), "seed {seed}, round {round}");
        changes_nothing(place.import(&source));
    }
    assert!(cut >= rounds / 2, "of {rounds} rounds, only {cut} kills came before the end");
}

#[test]
fn an_import_into_sqlite_that_is_killed_ten_times_ends_like_an_uninterrupted_one() {
    killed_and_resumed(10, 20_251_217, Place::sqlite);
}

#[test]
fn an_import_into_postgresql_that_is_killed_ends_like_an_uninterrupted_one() {
    if Place::postgres().is_some() {
        killed_and_resumed(4, 7, || Place::postgres().unwrap());
    }
}

#[test]
fn one_import_that_is_killed_ten_times_in_a_row_still_arrives() {
    let sim = slow_board();
    let source = Source::from(&sim);
    let place = Place::sqlite();
    let mut moments = StdRng::seed_from_u64(99);
    for _ in 0..10 {
        let before = sim.requests().len();
        let process = Process::start(in_small_batches(place.import(&source)));
        // Far enough to have begun, short enough that ten of them do not do it all.
        let requests = moments.random_range(4..9);
        wait_until(|| (sim.requests().len() >= before + requests).then_some(()));
        drop(process.kill());
    }
    run(in_small_batches(place.import(&source))).expect(0);
    holds_exactly(&place, &source);
    created(&place);
}

#[test]
fn an_import_over_http_survives_its_own_death_and_the_server_s() {
    let sim = slow_board();
    let source = Source::from(&sim);
    let place = Place::sqlite();
    let import = |server: &Server| {
        let mut command = support::program("mastoc-import", place.folder());
        command.args(["--stokt-url", &source.url, "--gym", &source.gym.to_string(), "--batch-size", "10"]);
        command.args(["--server-url", &server.url]);
        command.env("STOKT_TOKEN", &source.token).env("MASTOC_API_KEY", ADMIN_KEY);
        command
    };
    let pages = |count: usize| {
        let read = sim.requests().iter().filter(|request| request.path.ends_with("/climbs")).count();
        (read >= count).then_some(())
    };
    let server = Server::start(&place);
    let importer = Process::start(import(&server));
    wait_until(|| pages(4));
    drop(importer.kill());
    // Now the other end: the importer must say so, and lose nothing.
    sim.forget_requests();
    let importer = Process::start(import(&server));
    wait_until(|| pages(4));
    drop(server.process.kill());
    let finished = importer.wait(LIMIT);
    support::one_line(&finished, 75, &[]);

    let server = Server::start(&place);
    run(import(&server)).expect(0);
    holds_exactly(&place, &source);
    created(&place);
}

#[test]
fn ctrl_c_leaves_a_state_that_the_next_run_goes_on_from() {
    for place in Place::both() {
        let sim = slow_board();
        let source = Source::from(&sim);
        for signal in ["INT", "TERM"] {
            sim.forget_requests();
            let mut command = in_small_batches(place.import(&source));
            command.arg("--json");
            let importer = Process::start(command);
            let pages = || sim.requests().iter().filter(|request| request.path.ends_with("/climbs")).count();
            wait_until(|| (pages() >= 5).then_some(()));
            importer.signal(signal);
            let stopped = importer.wait(LIMIT);
            assert_eq!(stopped.code, Some(75), "{stopped:?}");
            let stopped = reported(stopped);
            assert_eq!(stopped.report["ending"], "interrupted");
            assert!(stopped.report["next_steps"][0].as_str().unwrap().contains("run the same command again"));
        }
        sim.forget_requests();
        let resumed = run(in_small_batches(place.import(&source))).expect(0);
        let pages = sim.requests().iter().filter(|request| request.path.ends_with("/climbs")).count();
        assert!(
            pages <= 8,
            "{pages} of 12 or 13 pages were read again though at least 5 of them were written"
        );
        assert_eq!(resumed.report["gyms"][0]["resumed"], true);
        holds_exactly(&place, &source);
    }
}

#[test]
fn a_setter_of_two_names_is_the_same_after_a_stop() {
    // Somebody who renames themselves while the listing is read: two pages tell of them differently.
    let sim = slow_board();
    let setters = sim.with_board(|board| {
        let climbs = board.climbs();
        let setter =
            |climb: &serde_json::Value| climb["climbSetters"]["id"].as_str().unwrap_or_default().to_owned();
        let newest: Vec<String> = climbs.iter().take(20).map(setter).collect();
        for (id, climb) in board.climb_ids().into_iter().zip(&climbs).skip(60) {
            if newest.contains(&setter(climb)) {
                board.edit_climb(id, |climb| climb["climbSetters"]["fullName"] = "Of Old".into());
            }
        }
        newest.len()
    });
    assert!(setters > 0);
    let source = Source::from(&sim);
    for (whole, place) in Place::both().into_iter().zip(Place::both()) {
        let (_, whole) = uninterrupted(whole, &source);
        let account = holds_exactly(&whole, &source).account;
        sim.forget_requests();
        let importer = Process::start(in_small_batches(place.import(&source)));
        let pages = || sim.requests().iter().filter(|request| request.path.ends_with("/climbs")).count();
        // A few pages are read ahead of what is written.
        wait_until(|| (pages() >= 9).then_some(()));
        drop(importer.kill());
        let resumed = run(in_small_batches(place.import(&source))).expect(0);
        assert_eq!(resumed.report["gyms"][0]["resumed"], true);
        holds_exactly(&place, &source);
        assert_eq!(records(&place, source.gym, account), records(&whole, source.gym, account));
        changes_nothing(place.import(&source));
    }
}
