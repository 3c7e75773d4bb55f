//! Everything that can come of creating a climb: it is there once, and linked.

use std::time::Duration;

use mastoc_domain::ClimbId;
use mastoc_domain::outbox::OutboxState::{self, Ambiguous, Done, Pending, Rejected, Unknown};
use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::{Fault, RetryAfter, Rule};
use mastoc_storage::{RunLock, outbox};

use super::{World, decided, edit, prepare, why};
use crate::decision::Decided;
use crate::ending::Ending;
use crate::sync::options::{Selection, SyncOptions};
use crate::sync::surroundings::Uncut;

fn posting(rule: Rule) -> Rule {
    rule.method("POST").path("/api/faces/").times(1)
}

/// The climb is at Stokt once, and that one is linked.
fn is_there_once(world: &World, id: ClimbId) {
    let here = world.here(id);
    let ids = world.sim.with_board(|board| board.climbs_named(&here.name));
    assert_eq!(ids.len(), 1, "{}", here.name);
    assert_eq!(here.stokt_id.map(|id| id.0), ids.first().copied());
    assert_eq!(here.sync_state, SyncState::Synced);
}

mastoc_test_support::both_backends! {
    prepare: prepare;

    fn a_climb_is_sent_as_it_is_and_only_once(url: &str) {
        let world = World::new(url);
        let id = world.make(&mastoc_domain::climb_edit::ClimbContent { is_private: true, ..world.content("Secret", 1) });
        let selection = Selection::Climbs(vec![id]);
        let world = World { options: SyncOptions { selection, ..world.options.clone() }, ..world };
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Sent]);
        assert_eq!(report.decisions.listed[0].name.as_deref(), Some("Secret"));
        is_there_once(&world, id);
        let there = world.show(world.here(id).stokt_id.unwrap());
        assert_eq!((&there["isPrivate"], &there["feetRule"], &there["crowdGrade"]["font"]), (&true.into(), &"Tous pieds".into(), &"6A+".into()));
        for _ in 0..2 {
            assert_eq!(decided(&world.run()), []);
        }
        assert_eq!(world.changes(), ["POST"]);
    }

    fn whatever_comes_of_sending_it_is_there_once_in_the_end(url: &str) {
        let cases: [(&str, Rule, OutboxState, usize); 12] = [
            ("cut, done", Rule::cut(0).carried_out(), Unknown, 1),
            ("cut, not done", Rule::cut(0).not_carried_out(), Unknown, 2),
            ("cut in the midst", Rule::cut(40).carried_out(), Unknown, 1),
            ("cut while sending", Rule::new(Fault::CutRequest { after_bytes: 5 }), Unknown, 2),
            ("502, done", Rule::html_status(502).carried_out(), Unknown, 1),
            ("502, not done", Rule::html_status(502), Unknown, 2),
            ("500, done", Rule::status(500).carried_out(), Unknown, 1),
            ("half of the JSON", Rule::new(Fault::Truncate { keep: 30 }), Unknown, 1),
            ("no JSON", Rule::new(Fault::Garbage), Unknown, 1),
            ("HTML with 200", Rule::new(Fault::Html), Unknown, 2),
            ("an answer without an id", Rule::rewrite(|answer| drop(answer.as_object_mut().unwrap().remove("id"))), Unknown, 1),
            ("slow down", Rule::throttle(RetryAfter::Seconds(0)), Done, 0),
        ];
        let world = World::new(url);
        for (number, (name, rule, state, more)) in cases.into_iter().enumerate() {
            let name = format!("Climb: {name}");
            let id = world.local(&name, number);
            world.sim.faults().clear();
            world.sim.faults().push(posting(rule));
            let report = world.run();
            world.sim.faults().clear();
            assert_eq!(world.rows()[0].state, state, "{name}: {report:?}");
            for run in 0..more {
                let report = world.run();
                if run + 1 < more {
                    assert_eq!(decided(&report), [Decided::Unknown], "{name}");
                }
            }
            is_there_once(&world, id);
            assert_eq!(decided(&world.run()), [], "{name}");
        }
    }

    fn three_throttles_in_a_row_stop_the_run_and_nothing_is_lost(url: &str) {
        let world = World::new(url);
        let ids: Vec<ClimbId> = (0..3).map(|n| world.local(&format!("Climb {n}"), n)).collect();
        let slow = Rule::throttle(RetryAfter::Seconds(0)).method("POST").skip(1).times(3);
        world.sim.faults().push(slow);
        let stopped = world.try_run(&Uncut).unwrap_err();
        assert_eq!(stopped.ending(), Ending::Temporary);
        assert_eq!(world.states(), [Done, Pending, Pending]);
        is_there_once(&world, ids[0]);
        // What waits is sent though nothing is chosen any more: it was.
        let world = World { options: crate::sync::SyncOptions { selection: Selection::Nothing, ..world.options.clone() }, ..world };
        assert_eq!(decided(&world.run()), [Decided::Sent, Decided::Sent]);
        ids.into_iter().for_each(|id| is_there_once(&world, id));
    }

    fn a_remote_that_is_down_stops_the_run_before_it_asks_for_everything(url: &str) {
        let world = World::new(url);
        let ids: Vec<ClimbId> = (0..6).map(|n| world.local(&format!("Climb {n}"), n)).collect();
        world.sim.faults().push(Rule::html_status(503).method("POST").times(3));
        assert_eq!(world.try_run(&Uncut).unwrap_err().ending(), Ending::Temporary);
        assert_eq!(world.changes().len(), 3);
        world.run();
        world.run();
        ids.into_iter().for_each(|id| is_there_once(&world, id));
        world.sim.faults().push(Rule::status(401).method("POST").times(1));
        let last = world.local("The last", 9);
        assert_eq!(world.try_run(&Uncut).unwrap_err().ending(), Ending::Credentials);
        world.run();
        is_there_once(&world, last);
    }

    fn what_stokt_refuses_is_said_and_not_tried_again_as_it_is(url: &str) {
        let world = World::new(url);
        let id = world.local("Refused", 1);
        world.sim.faults().push(posting(Rule::status(400)));
        let report = world.run();
        assert_eq!((decided(&report), world.states()), (vec![Decided::Rejected], vec![Rejected]));
        assert_eq!(report.problems.len(), 1);
        let again = world.run();
        assert_eq!(decided(&again), [Decided::Skipped]);
        assert!(why(&again.decisions.listed[0]).contains("not sent again"), "{again:?}");
        assert_eq!(world.changes(), ["POST"]);
        world.edit(id, |climb| climb.name = "Better".into());
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        is_there_once(&world, id);
    }

    fn what_stokt_would_refuse_is_never_sent(url: &str) {
        let world = World::new(url);
        world.local("ab", 1);
        let fine = world.local("abc", 2);
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Rejected, Decided::Sent]);
        assert!(why(&report.decisions.listed[0]).contains("3 characters"));
        assert_eq!(world.changes(), ["POST"]);
        is_there_once(&world, fine);
    }

    fn an_edit_during_the_post_stays_to_be_sent(url: &str) {
        let world = World::new(url);
        let id = world.local("Before", 1);
        let store = world.store.clone();
        world.sim.faults().push(posting(Rule::change(move |_| edit(&store, id, |climb| climb.name = "After".into()))));
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        let here = world.here(id);
        assert_eq!((here.name.as_str(), here.sync_state), ("After", SyncState::Modified));
        assert_eq!((world.there("Before"), world.there("After")), (1, 0));
        assert_eq!(decided(&world.run()), [Decided::Patched]);
        is_there_once(&world, id);
        assert_eq!(world.there("Before"), 0);
    }

    fn an_edit_while_the_outcome_is_unknown_is_sent_once_it_is_known(url: &str) {
        let world = World::new(url);
        for (number, rule) in [Rule::cut(0).carried_out(), Rule::cut(0).not_carried_out()].into_iter().enumerate() {
            let (before, after) = (format!("Before {number}"), format!("After {number}"));
            let id = world.local(&before, number);
            world.sim.faults().push(posting(rule));
            world.run();
            world.edit(id, |climb| climb.name.clone_from(&after));
            (0..3).for_each(|_| drop(world.run()));
            is_there_once(&world, id);
            assert_eq!((world.there(&before), world.there(&after)), (0, 1));
        }
    }

    fn a_climb_deleted_during_the_post_is_not_taken_for_a_new_one(url: &str) {
        let world = World::new(url);
        let id = world.local("Gone", 1);
        let store = world.store.clone();
        world.sim.faults().push(posting(Rule::change(move |_| {
            let deleted: Result<(), mastoc_storage::StoreError> = store.write(|conn| {
                let climb = mastoc_storage::climb_writes::take(conn, mastoc_storage::Viewer::Service, id)?.unwrap();
                mastoc_storage::climb_writes::delete(conn, &mastoc_storage::climb_edits::Author::Key("a key".into()), &climb)
            });
            deleted.unwrap();
        })));
        world.run();
        assert_eq!(world.there("Gone"), 1);
        let kept = world.run();
        assert_eq!(decided(&kept), [Decided::Skipped], "deleting is not allowed: {kept:?}");
        let world = World { options: crate::sync::SyncOptions { allow_delete: true, ..world.options.clone() }, ..world };
        assert_eq!(decided(&world.run()), [Decided::DeletedThere]);
        assert_eq!(world.there("Gone"), 0);
        assert_eq!(decided(&world.run()), []);
    }

    fn several_twins_are_for_a_person(url: &str) {
        let world = World::new(url);
        let id = world.local("Twin", 1);
        let holds = world.holds(1);
        world.sim.faults().push(posting(Rule::cut(0).carried_out()));
        world.run();
        let other = world.sim.with_board(|board| board.add_climb("Twin", &holds, None));
        // It is told once; that it still waits is in the exit code.
        for told in [&[Decided::Ambiguous][..], &[], &[]] {
            assert_eq!(decided(&world.run()), told);
            assert_eq!(world.states(), [Ambiguous]);
        }
        assert_eq!((world.there("Twin"), world.changes().len()), (2, 1), "nothing is sent meanwhile");
        world.sim.with_board(|board| board.delete_climb(other));
        assert_eq!(decided(&world.run()), [Decided::Adopted]);
        is_there_once(&world, id);
    }

    fn a_twin_that_was_there_before_is_not_adopted(url: &str) {
        let world = World::new(url);
        let id = world.local("Twin", 1);
        let holds = world.holds(1);
        let before = world.sim.with_board(|board| board.add_climb("Twin", &holds, None));
        // Nobody knows whether it is the same: it is not sent because everything is.
        for _ in 0..3 {
            let report = world.run();
            assert_eq!(decided(&report), [Decided::Ambiguous]);
            assert!(why(&report.decisions.listed[0]).contains("--climb-ids"), "{report:?}");
        }
        assert_eq!((world.changes(), world.states()), (vec![], vec![Ambiguous]));
        // Somebody who names it means another one.
        let options = crate::sync::SyncOptions { selection: Selection::Climbs(vec![id]), ..world.options.clone() };
        let world = World { options, ..world };
        world.sim.faults().push(posting(Rule::cut(0).not_carried_out()));
        world.run();
        // It stays meant, whoever runs next.
        let world = World { options: crate::sync::SyncOptions { selection: Selection::Nothing, ..world.options.clone() }, ..world };
        (0..3).for_each(|_| drop(world.run()));
        assert_eq!(world.there("Twin"), 2, "two were meant");
        assert!(world.here(id).stokt_id.is_some_and(|id| id.0 != before));
    }

    fn a_twin_that_is_gone_from_stokt_holds_nothing_back(url: &str) {
        let world = World::new(url);
        let id = world.local("Twin", 1);
        let holds = world.holds(1);
        let before = world.sim.with_board(|board| board.add_climb("Twin", &holds, None));
        assert_eq!(decided(&world.run()), [Decided::Ambiguous]);
        world.sim.with_board(|board| board.delete_climb(before));
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        is_there_once(&world, id);
    }

    fn how_long_stokt_wants_peace_outlives_the_process(url: &str) {
        let world = World::new(url);
        let (first, second) = (world.local("First", 1), world.local("Second", 2));
        world.sim.faults().push(posting(Rule::throttle(RetryAfter::Seconds(3600))));
        assert_eq!(world.try_run(&Uncut).unwrap_err().ending(), Ending::Temporary);
        assert_eq!(decided(&world.run()), [Decided::Skipped, Decided::Skipped]);
        assert_eq!(world.changes(), ["POST"]);
        world.clock.advance(3700);
        assert_eq!(decided(&world.run()), [Decided::Sent, Decided::Sent]);
        is_there_once(&world, first);
        is_there_once(&world, second);
    }

    fn waiting_for_stokt_comes_before_it_is_on_record_as_being_sent(url: &str) {
        /// When each call began and ended, as the run tells it.
        struct Times(std::sync::Mutex<Vec<(&'static str, std::time::Instant)>>);
        impl crate::sync::surroundings::Points for Times {
            fn reached(&self, name: &'static str) -> Result<(), crate::error::EngineError> {
                self.0.lock().unwrap().push((name, std::time::Instant::now()));
                Ok(())
            }
        }
        let world = World::new(url);
        world.local("Patient", 1);
        world.sim.faults().push(posting(Rule::throttle(RetryAfter::Seconds(4))));
        let times = Times(std::sync::Mutex::default());
        assert_eq!(decided(&world.try_run(&times).unwrap()), [Decided::Sent]);
        let times = times.0.into_inner().unwrap();
        let at = |name: &str| times.iter().filter(|(point, _)| *point == name).map(|(_, at)| *at).collect::<Vec<_>>();
        let (sent, answered) = (at("push.sent"), at("push.answered"));
        assert_eq!((sent.len(), answered.len()), (2, 2));
        assert!(sent[1] - answered[0] > Duration::from_secs(3), "the wait came before");
        assert!(answered[1] - sent[1] < Duration::from_secs(3), "{:?}", answered[1] - sent[1]);
    }

    fn what_stokt_does_not_show_to_be_private_is_made_private(url: &str) {
        let world = World::new(url);
        let private = |name: &str, n| world.make(&mastoc_domain::climb_edit::ClimbContent { is_private: true, ..world.content(name, n) });
        let (open, silent) = (private("Left open", 1), private("Not told", 2));
        let options = crate::sync::SyncOptions { selection: Selection::Climbs(vec![open, silent]), ..world.options.clone() };
        let world = World { options, ..world };
        // Stokt takes the first one as public, and says nothing about the second.
        world.sim.faults().push(Rule::change(|board| {
            board.climbs_named("Left open").into_iter().for_each(|id| assert!(board.edit_climb(id, |climb| drop(climb.insert("isPrivate".into(), false.into())))));
        }).method("GET").path("/api/gyms/*/my-set-climbs").skip(1).times(1));
        world.sim.faults().push(Rule::rewrite(|climb| match climb["name"].as_str() {
            Some("Left open") => climb["isPrivate"] = false.into(),
            _ => drop(climb.as_object_mut().unwrap().remove("isPrivate")),
        }).method("POST").path("/api/faces/"));
        let report = world.run();
        assert!(decided(&report).starts_with(&[Decided::Sent, Decided::Sent]), "{report:?}");
        for id in [open, silent] {
            assert_eq!(world.show(world.here(id).stokt_id.unwrap())["isPrivate"], true, "{report:?}");
            assert!(world.here(id).is_private);
            assert_eq!(world.here(id).sync_state, SyncState::Synced);
        }
        assert_eq!(decided(&world.run()), []);
    }

    fn climbs_that_nobody_could_tell_apart_are_sent_one_after_the_other(url: &str) {
        let world = World::new(url);
        let ids = [world.local("Same", 1), world.local("Same", 1)];
        world.sim.faults().push(posting(Rule::cut(0).carried_out()));
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Unknown, Decided::Skipped]);
        assert_eq!(decided(&world.run()), [Decided::Adopted, Decided::Sent]);
        assert_eq!(world.there("Same"), 2);
        let links = ids.map(|id| world.here(id).stokt_id.unwrap());
        assert_ne!(links[0], links[1]);
    }

    fn nothing_is_sent_again_before_two_listings_the_last_of_them_late_enough(url: &str) {
        let world = World::new(url);
        let world = World { options: crate::sync::SyncOptions { unknown_settle: Duration::from_secs(600), ..world.options.clone() }, ..world };
        let id = world.local("Patience", 1);
        world.sim.faults().push(posting(Rule::cut(0).not_carried_out()));
        world.run();
        for _ in 0..4 {
            world.clock.advance(120);
            assert_eq!(decided(&world.run()), [Decided::Unknown]);
        }
        assert_eq!(world.changes().len(), 1, "eight minutes are too few, however many listings");
        world.clock.advance(130);
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        is_there_once(&world, id);
        // One listing is too few, however late.
        let other = world.local("More patience", 2);
        world.sim.faults().push(posting(Rule::cut(0).not_carried_out()));
        world.run();
        world.clock.advance(4000);
        assert_eq!(decided(&world.run()), [Decided::Unknown]);
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        is_there_once(&world, other);
    }

    fn a_worker_that_was_overtaken_creates_nothing_and_writes_nothing(url: &str) {
        let world = World::new(url);
        let id = world.local("Overtaken", 1);
        // While the answer is on its way another run takes the lock over and looks.
        let store = world.store.clone();
        world.sim.faults().push(posting(Rule::change(move |_| {
            mastoc_storage::locks::break_lock(&store, "a test", "to see what happens").unwrap();
        })));
        let late = world.try_run(&Uncut).unwrap_err();
        assert_eq!(late.ending(), Ending::Locked, "{late}");
        assert_eq!(world.states(), [OutboxState::Sent]);
        assert_eq!(world.here(id).stokt_id, None);
        assert_eq!(decided(&world.run()), [Decided::Adopted]);
        is_there_once(&world, id);
        assert!(RunLock::try_acquire(&world.store, "next").unwrap().is_some());
        assert_eq!(world.store.read(outbox::counts).unwrap().len(), 1);
    }
}
