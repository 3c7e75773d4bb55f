//! People who change here what is waiting its turn to be sent: nothing is sent that they took back, above all nothing
//! that became private.

use std::sync::Mutex;

use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::{RetryAfter, Rule};
use serde_json::json;

use super::{World, decided, prepare, why};
use crate::decision::Decided;
use crate::error::EngineError;
use crate::sync::options::SyncOptions;
use crate::sync::surroundings::Points;

/// Does something once, the `nth` time (from 1) that a run comes to a point.
pub(super) struct Once<'a> {
    point: &'static str,
    left: Mutex<usize>,
    act: &'a (dyn Fn() + Send + Sync),
}

impl<'a> Once<'a> {
    pub(super) fn at(point: &'static str, nth: usize, act: &'a (dyn Fn() + Send + Sync)) -> Self {
        Self { point, left: Mutex::new(nth), act }
    }
}

impl Points for Once<'_> {
    fn reached(&self, name: &'static str) -> Result<(), EngineError> {
        let is_now = {
            let mut left = self.left.lock().unwrap();
            *left = left.saturating_sub(usize::from(name == self.point && *left > 0));
            name == self.point && *left == 0
        };
        if is_now {
            *self.left.lock().unwrap() = usize::MAX;
            (self.act)();
        }
        Ok(())
    }
}

/// Where a climb may be changed before the call, with what Stokt does before: the last place is a wait that it asks for.
const BEFORE: [&str; 3] = ["push.claimed", "push.leased", "push.queued"];

fn slow(world: &World, method: &str) {
    world.sim.faults().push(Rule::throttle(RetryAfter::Seconds(0)).method(method).times(1));
}

mastoc_test_support::both_backends! {
    prepare: prepare;

    fn what_becomes_private_before_its_turn_is_not_sent(url: &str) {
        let world = World::new(url);
        for (number, point) in (1..).zip(BEFORE) {
            let id = world.local(&format!("Secret {number}"), number);
            if point == "push.queued" {
                slow(&world, "POST");
            }
            let hide = || world.edit(id, |climb| climb.is_private = true);
            let report = world.try_run(&Once::at(point, 1, &hide)).unwrap();
            assert_eq!(decided(&report), [Decided::Skipped], "{point}");
            assert!(why(&report.decisions.listed[0]).contains("changed here"), "{report:?}");
            assert!(!format!("{report:?}").contains("Secret"), "reports go to people who may not see it");
            assert_eq!((world.there(&format!("Secret {number}")), world.rows()[0].state), (0, OutboxState::Pending));
            // Nobody asked for it as it is now.
            assert_eq!(decided(&world.run()).into_iter().filter(|one| *one == Decided::Sent).count(), 0);
            world.edit(id, |climb| climb.is_private = false);
            assert!(decided(&world.run()).contains(&Decided::Sent), "{point}");
            assert_eq!(world.there(&format!("Secret {number}")), 1);
            assert_eq!(world.here(id).sync_state, SyncState::Synced);
        }
    }

    fn what_is_edited_before_its_turn_is_sent_as_it_is_then(url: &str) {
        let world = World::new(url);
        for (number, point) in (1..).zip(BEFORE) {
            let id = world.local(&format!("Before {number}"), number);
            if point == "push.queued" {
                slow(&world, "POST");
            }
            let name = format!("After {number}");
            let rename = || world.edit(id, |climb| climb.name.clone_from(&name));
            world.try_run(&Once::at(point, 1, &rename)).unwrap();
            assert_eq!(decided(&world.run()), [Decided::Sent], "{point}");
            assert_eq!((world.there(&format!("Before {number}")), world.there(&name)), (0, 1), "{point}");
            assert_eq!(world.here(id).sync_state, SyncState::Synced);
        }
    }

    fn what_is_deleted_before_its_turn_is_not_sent(url: &str) {
        let world = World::new(url);
        for (number, point) in (1..).zip(BEFORE) {
            let name = format!("Deleted {number}");
            let id = world.local(&name, number);
            if point == "push.queued" {
                slow(&world, "POST");
            }
            let delete = || world.delete(id);
            let report = world.try_run(&Once::at(point, 1, &delete)).unwrap();
            assert_eq!(decided(&report), [Decided::Skipped], "{point}");
            assert_eq!(decided(&world.run()), []);
            assert_eq!((world.there(&name), world.rows()[0].state), (0, OutboxState::Rejected), "{point}");
        }
    }

    fn what_is_deleted_while_it_is_sent_is_told_of(url: &str) {
        let world = World::new(url);
        let id = world.local("Deleted", 1);
        let delete = || world.delete(id);
        let report = world.try_run(&Once::at("push.sent", 1, &delete)).unwrap();
        assert_eq!((decided(&report), world.there("Deleted")), (vec![Decided::Sent], 1));
        assert!(why(&report.decisions.listed[0]).contains("deleted here"), "{report:?}");
    }

    fn a_linked_climb_that_becomes_private_again_before_its_turn_stays_so(url: &str) {
        let world = World::new(url);
        let own = world.own();
        let there = own.stokt_id.unwrap();
        let is_private = || world.show(there)["isPrivate"].clone();
        world.edit(own.id, |climb| climb.is_private = true);
        world.run();
        for point in BEFORE {
            world.edit(own.id, |climb| climb.is_private = false);
            if point == "push.queued" {
                slow(&world, "PATCH");
            }
            let hide = || world.edit(own.id, |climb| climb.is_private = true);
            let report = world.try_run(&Once::at(point, 1, &hide)).unwrap();
            assert_eq!((decided(&report), is_private()), (vec![Decided::Skipped], json!(true)), "{point}");
            world.run();
            assert_eq!((is_private(), world.here(own.id).sync_state), (json!(true), SyncState::Synced), "{point}");
        }
    }

    fn an_edit_of_a_linked_climb_before_its_turn_is_sent_later(url: &str) {
        let world = World::new(url);
        let own = world.own();
        let there = own.stokt_id.unwrap();
        world.edit(own.id, |climb| climb.name = "First".into());
        let again = || world.edit(own.id, |climb| climb.name = "Second".into());
        let report = world.try_run(&Once::at("push.leased", 1, &again)).unwrap();
        assert_eq!((decided(&report), world.changes().len()), (vec![Decided::Skipped], 0));
        assert_eq!(decided(&world.run()), [Decided::Patched]);
        assert_eq!(world.show(there)["name"], "Second");
        // Deleted, and brought to its turn as an edit.
        world.edit(own.id, |climb| climb.name = "Third".into());
        let delete = || world.delete(own.id);
        let report = world.try_run(&Once::at("push.leased", 1, &delete)).unwrap();
        assert_eq!(decided(&report), [Decided::Skipped]);
        let world = World { options: SyncOptions { allow_delete: true, ..world.options.clone() }, ..world };
        assert_eq!(decided(&world.run()), [Decided::DeletedThere]);
    }

    fn what_becomes_private_while_it_is_created_is_hidden_at_stokt_at_once(url: &str) {
        let world = World::new(url);
        for (number, point) in (1..).zip(["push.sent", "push.answered"]) {
            let name = format!("Secret {number}");
            let id = world.local(&name, number);
            let other = world.local(&format!("Other {number}"), number + 10);
            let hide = || world.edit(id, |climb| climb.is_private = true);
            let report = world.try_run(&Once::at(point, 1, &hide)).unwrap();
            // At once, and not only once everything else was sent.
            assert_eq!(decided(&report), [Decided::Sent, Decided::Patched, Decided::Sent], "{point}");
            assert!(why(&report.decisions.listed[0]).contains("public at Stokt"), "{report:?}");
            assert!(!format!("{report:?}").contains("Secret"), "reports go to people who may not see it");
            let here = world.here(id);
            assert_eq!((world.show(here.stokt_id.unwrap())["isPrivate"].clone(), here.sync_state), (json!(true), SyncState::Synced));
            assert_eq!(world.here(other).sync_state, SyncState::Synced);
            assert_eq!(decided(&world.run()), []);
        }
    }

    fn what_becomes_private_while_it_is_changed_is_hidden_at_stokt_at_once(url: &str) {
        let world = World::new(url);
        let own = world.own();
        let there = own.stokt_id.unwrap();
        for (number, point) in (1..).zip(["push.sent", "push.answered"]) {
            world.edit(own.id, |climb| {
                climb.name = format!("Renamed {number}");
                climb.is_private = false;
            });
            let hide = || world.edit(own.id, |climb| climb.is_private = true);
            let report = world.try_run(&Once::at(point, 1, &hide)).unwrap();
            assert_eq!(decided(&report), [Decided::Patched, Decided::Patched], "{point}");
            assert!(why(&report.decisions.listed[0]).contains("public at Stokt"), "{report:?}");
            let shown = world.show(there);
            assert_eq!((&shown["isPrivate"], &shown["name"]), (&json!(true), &json!(format!("Renamed {number}"))));
            assert_eq!((world.here(own.id).sync_state, decided(&world.run())), (SyncState::Synced, vec![]));
        }
    }

    fn what_cannot_be_hidden_at_once_is_told_and_hidden_by_the_next_run(url: &str) {
        let world = World::new(url);
        let id = world.local("Secret", 1);
        world.sim.faults().push(Rule::html_status(502).method("PATCH").times(1));
        let hide = || world.edit(id, |climb| climb.is_private = true);
        let report = world.try_run(&Once::at("push.sent", 1, &hide)).unwrap();
        assert_eq!(decided(&report), [Decided::Sent, Decided::Unknown], "{report:?}");
        assert!(why(&report.decisions.listed[0]).contains("public at Stokt"), "{report:?}");
        let is_private = || world.show(world.here(id).stokt_id.unwrap())["isPrivate"].clone();
        assert_eq!(is_private(), json!(false));
        world.run();
        assert_eq!((is_private(), world.here(id).sync_state), (json!(true), SyncState::Synced));
    }
}
