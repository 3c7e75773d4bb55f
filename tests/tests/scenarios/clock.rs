//! Clocks that disagree, and others who work at the same time.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use mastoc_stokt_sim::{Fault, Rule};
use mastoc_storage::locks::break_lock;
use mastoc_test_support::Process;
use serde_json::json;
use uuid::Uuid;

use crate::support::world::World;
use crate::support::{Imported, LIMIT, local, reported};

/// A run by a clock that is so many seconds ahead of Stokt's.
fn run_by(world: &World, direction: &str, more: &[&str], seconds: i64) -> Imported {
    let mut command = world.sync(direction, more);
    command.arg("--json").env("MASTOC_TEST_CLOCK", seconds.to_string());
    reported(Process::run(command, LIMIT))
}

/// Somebody sets a climb at Stokt at some time.
fn set_there(world: &World, name: &str, at: DateTime<Utc>) -> Uuid {
    let mut climb = world.there("Other 2").as_object().unwrap().clone();
    climb.insert("id".into(), json!(Uuid::new_v4()));
    climb.insert("name".into(), json!(name));
    climb.insert("dateCreated".into(), json!(at.to_rfc3339()));
    world.sim.with_board(|board| board.add_raw_climb(climb))
}

#[test]
fn ours_a_day_off_either_way() {
    const DAY: i64 = 86_400;
    for world in World::both() {
        for (number, seconds) in [DAY, -DAY, 0].into_iter().enumerate() {
            let (there, here) = (format!("Set there {number}"), format!("Set here {number}"));
            set_there(&world, &there, Utc::now());
            world.create(&here, 60 + number);
            let own = format!("Own {}", number + 1);
            world.edit(&own, |climb| climb.feet_rule = Some("No foot".into()));
            world.edit_there(&own, |climb| drop(climb.insert("name".into(), json!(format!("{own}, later")))));
            run_by(&world, "both", &["--all-local"], seconds).expect(0);
            assert_eq!((world.here(&there).name, world.count_there(&here)), (there, 1));
            world.agree();
        }
    }
}

#[test]
fn stokts_clock_is_the_one_that_decides_what_is_new() {
    for world in World::both() {
        // Three weeks pass there and none here; and the other way round.
        world.sim.advance(TimeDelta::days(21));
        set_there(&world, "Of three weeks later", Utc::now() + TimeDelta::days(21));
        run_by(&world, "stokt-to-mastoc", &[], 0).expect(0);
        world.sim.advance(TimeDelta::days(1));
        set_there(&world, "Of the day after", Utc::now() + TimeDelta::days(22));
        run_by(&world, "stokt-to-mastoc", &[], -30 * 86_400).expect(0);
        world.sim.advance(TimeDelta::days(10));
        set_there(&world, "Missed for ten days", Utc::now() + TimeDelta::days(24));
        run_by(&world, "stokt-to-mastoc", &[], 90 * 86_400).expect(0);
        for name in ["Of three weeks later", "Of the day after", "Missed for ten days"] {
            assert_eq!(world.here(name).name, name);
        }
        world.agree();
    }
}

#[test]
fn when_the_clocks_change() {
    for world in World::both() {
        // The night of 25 October 2026 in Europe: two o'clock comes twice.
        let before: DateTime<Utc> = "2026-10-25T00:30:00Z".parse().unwrap();
        for (number, minutes) in [0, 45, 60, 105].into_iter().enumerate() {
            let now = before + TimeDelta::minutes(minutes);
            world.sim.with_board(|board| board.set_now(Some(now)));
            let name = format!("In that night {number}");
            set_there(&world, &name, now - TimeDelta::minutes(1));
            let mut command = world.sync("both", &["--all-local", "--json"]);
            command.env("TZ", "Europe/Paris");
            let away = (now - Utc::now()).num_seconds();
            command.env("MASTOC_TEST_CLOCK", away.to_string());
            reported(Process::run(command, LIMIT)).expect(0);
            assert_eq!(world.here(&name).name, name);
            world.agree();
        }
    }
}

#[test]
fn a_date_created_in_the_future() {
    for world in World::both() {
        set_there(&world, "Of next year", Utc::now() + TimeDelta::days(365));
        run_by(&world, "both", &["--all-local"], 0).expect(0);
        world.agree();
        // It does not make the runs after it blind to what is set now.
        for number in 0..2 {
            world.sim.advance(TimeDelta::days(1));
            let name = format!("Of that day {number}");
            set_there(&world, &name, Utc::now() + TimeDelta::days(1 + number));
            run_by(&world, "both", &[], 86_400 * (1 + number)).expect(0);
            assert_eq!(world.here(&name).name, name);
        }
        world.edit_there("Of next year", |climb| drop(climb.insert("name".into(), json!("Renamed already"))));
        run_by(&world, "both", &["--full"], 3 * 86_400).expect(0);
        world.agree();
    }
}

#[test]
fn two_crons() {
    for world in World::both() {
        world.create("New", 50);
        world
            .sim
            .faults()
            .push(Rule::new(Fault::DelayAnswer(Duration::from_millis(1500))).method("POST").times(1));
        let first = Process::start(world.sync("both", &["--full", "--all-local", "--json"]));
        crate::support::wait_until(|| (world.count_there("New") == 1).then_some(()));
        // While it waits for the answer.
        world.sim.forget_requests();
        let begun = Instant::now();
        for direction in ["both", "stokt-to-mastoc", "mastoc-to-stokt"] {
            let second = Process::run(world.sync(direction, &["--full", "--all-local"]), LIMIT);
            assert_eq!(second.code, Some(6), "{second:?}");
        }
        assert!(begun.elapsed() < Duration::from_millis(1500), "it did not wait");
        assert!(world.sim.requests().is_empty(), "nor ask Stokt");
        reported(first.wait(LIMIT)).expect(0);
        assert_eq!(world.count_there("New"), 1);
        world.agree();
        // One that waits gets its turn.
        world.run("both", &["--full", "--wait-lock"]).expect(0);
    }
}

#[test]
fn an_expired_lease_s_worker_cannot_commit() {
    for world in World::both() {
        world.create("New", 50);
        world
            .sim
            .faults()
            .push(Rule::new(Fault::DelayAnswer(Duration::from_secs(3))).method("POST").times(1));
        let hanging = Process::start(world.sync("both", &["--full", "--all-local", "--json"]));
        crate::support::wait_until(|| (world.count_there("New") == 1).then_some(()));
        // It hangs, somebody takes its lock away, and another run finds what it did.
        let broken = break_lock(&world.store(), "a test", "it hangs").unwrap();
        assert_eq!(broken.is_free, world.place.is_postgres(), "the file of the lock is its process's");
        let late = if broken.is_free {
            world.run("both", &["--full", "--all-local"]).expect(0);
            assert!(world.here("New").stokt_id.is_some());
            hanging.wait(LIMIT)
        } else {
            let late = hanging.wait(LIMIT);
            assert_eq!(world.here("New").stokt_id, None, "it came too late");
            late
        };
        assert_eq!(late.code, Some(6), "another run took over: {late:?}");
        world.settle(3);
        assert_eq!(world.count_there("New"), 1);
        world.agree();
    }
}

#[test]
fn an_item_deleted_while_paging() {
    for world in World::both() {
        let gone = world.key("Own 4");
        let delete = Rule::change(move |board| assert!(board.delete_climb(gone)));
        world.sim.faults().push(delete.path("/api/gyms/*/climbs").skip(2).times(1));
        let mut command = world.sync("both", &["--full", "--all-local", "--allow-delete"]);
        command.env("MASTOC_GONE_AFTER", "0");
        let report = crate::support::run(command).expect(0);
        assert!(report.report["gyms"][0]["listing"]["attempts"].as_u64().unwrap() > 1, "it was read again");
        // The one that moved from page to page is not taken for gone, nor is the other after one absence.
        let all = local::all(&world.store());
        assert!(all.iter().all(|climb| climb.sync_state == mastoc_domain::sync_state::SyncState::Synced));
        assert_eq!(world.changing_requests(), Vec::<String>::new());
    }
}

#[test]
fn climbs_that_appear_while_paging() {
    for world in World::both() {
        world.sim.faults().push(Rule::new(Fault::Drift { climbs: 1 }).skip(1).times(2));
        world.run("both", &["--full", "--all-local"]).expect(0);
        world.agree();
    }
}
