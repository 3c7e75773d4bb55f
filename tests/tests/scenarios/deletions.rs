//! Deletions: what is gone from one side is never simply deleted on the other.

use mastoc_domain::sync_state::SyncState;
use serde_json::json;

use crate::support::local;
use crate::support::world::{World, tiny_board};
use crate::support::{Imported, Place, reported};

const LIMIT: std::time::Duration = crate::support::LIMIT;

/// A full run for which hours pass as quickly as it likes: gone means missing from two runs.
fn at_once(world: &World, direction: &str, more: &[&str]) -> Imported {
    after(world, direction, more, 0, "0")
}

/// A full run by a clock of ours that is so many hours ahead of Stokt's, with so many hours between the two absences.
fn after(world: &World, direction: &str, more: &[&str], ahead: i64, gone_after: &str) -> Imported {
    let mut command = world.sync(direction, more);
    let seconds = (ahead * 3600).to_string();
    command.args(["--full", "--json"]);
    command.env("MASTOC_GONE_AFTER", gone_after).env("MASTOC_TEST_CLOCK", seconds);
    reported(mastoc_test_support::Process::run(command, LIMIT))
}

#[test]
fn one_absence_does_nothing() {
    for world in World::both() {
        world.delete_there("Own 1");
        world.delete_there("Other 1");
        at_once(&world, "both", &[]).expect(0);
        for name in ["Own 1", "Other 1"] {
            assert_eq!(world.here(name).sync_state, SyncState::Synced, "{name}");
        }
        at_once(&world, "both", &[]).expect(0);
        for name in ["Own 1", "Other 1"] {
            assert_eq!(world.here(name).sync_state, SyncState::Archived, "{name}");
        }
        world.agree();
        assert_eq!(world.changing_requests(), Vec::<String>::new());
    }
}

#[test]
fn two_absences_must_be_far_enough_apart() {
    for world in World::both() {
        world.delete_there("Own 1");
        // Stokt's hours count; ours may jump as they like.
        for (hours, ahead) in [(0, 0), (1, 48), (10, -48), (0, 24)] {
            world.sim.advance(chrono::TimeDelta::hours(hours));
            after(&world, "stokt-to-mastoc", &[], ahead, "12").expect(0);
            assert_eq!(
                world.here("Own 1").sync_state,
                SyncState::Synced,
                "{hours} hours later, {ahead} ahead"
            );
        }
        world.sim.advance(chrono::TimeDelta::hours(2));
        after(&world, "stokt-to-mastoc", &[], -48, "12").expect(0);
        assert_eq!(world.here("Own 1").sync_state, SyncState::Archived);
    }
}

#[test]
fn an_incremental_run_and_a_broken_listing_count_no_absence() {
    for world in World::both() {
        world.delete_there("Own 1");
        at_once(&world, "stokt-to-mastoc", &[]).expect(0);
        for _ in 0..3 {
            world.run("stokt-to-mastoc", &[]).expect(0);
        }
        world.sim.faults().push(mastoc_stokt_sim::Fault::Count { count: 1_000 });
        let broken = at_once(&world, "stokt-to-mastoc", &[]);
        broken.expect(1);
        assert_eq!(world.here("Own 1").sync_state, SyncState::Synced);
        world.sim.faults().clear();
        at_once(&world, "stokt-to-mastoc", &[]).expect(0);
        assert_eq!(world.here("Own 1").sync_state, SyncState::Archived);
    }
}

#[test]
fn three_percent_gone_stops_the_run() {
    for place in Place::both() {
        let world = World::with(place, tiny_board().climbs(290).page_size(100));
        let gone: Vec<String> = world.sim.with_board(|board| {
            let ids: Vec<_> = board.climb_ids().into_iter().skip(20).take(9).collect();
            let names = ids.iter().map(|id| board.climb(*id).unwrap()["name"].as_str().unwrap().to_owned());
            let names = names.collect();
            assert!(ids.into_iter().all(|id| board.delete_climb(id)));
            names
        });
        world.edit_there("Own 2", |climb| drop(climb.insert("name".into(), json!("Renamed meanwhile"))));
        world.edit("Own 3", |climb| climb.name = "Renamed here".into());
        at_once(&world, "stokt-to-mastoc", &[]).expect(0);
        let stopped = at_once(&world, "both", &[]).expect(4);
        let told = format!("{}{}", stopped.finished.stdout, stopped.finished.stderr);
        assert!(told.contains("--max-delete"), "it says what to do: {told}");
        let store = world.store();
        assert!(local::all(&store).iter().all(|climb| climb.sync_state != SyncState::Archived));
        assert_eq!(world.count_there("Own 3"), 1, "nothing was sent either");
        at_once(&world, "both", &["--max-delete", "9"]).expect(0);
        let archived = local::all(&store).into_iter().filter(|climb| climb.sync_state == SyncState::Archived);
        let mut archived: Vec<String> = archived.map(|climb| climb.name).collect();
        let mut gone = gone;
        archived.sort();
        gone.sort();
        assert_eq!(archived, gone);
        world.agree();
    }
}

#[test]
fn a_remote_that_is_suddenly_empty_or_all_different_stops_the_run() {
    for world in World::both() {
        let before = local::all(&world.store());
        let full = world.sim.save();
        world.sim.with_board(mastoc_stokt_sim::Board::delete_all_climbs);
        for _ in 0..3 {
            at_once(&world, "both", &["--all-local"]).expect(4);
        }
        assert_eq!(local::all(&world.store()), before);
        world.sim.restore(&full);
        world.sim.with_board(|board| {
            for id in board.climb_ids() {
                board.edit_climb(id, |climb| drop(climb.insert("name".into(), json!("Oops"))));
            }
        });
        at_once(&world, "both", &["--all-local"]).expect(4);
        assert_eq!(local::all(&world.store()), before);
        world.sim.restore(&full);
        at_once(&world, "both", &["--all-local"]).expect(0);
        world.agree();
    }
}

#[test]
fn a_local_deletion_is_not_undone() {
    for world in World::both() {
        world.delete("Own 1");
        world.delete("Other 1");
        for direction in ["stokt-to-mastoc", "both", "mastoc-to-stokt"] {
            at_once(&world, direction, &["--all-local"]).expect(0);
            let names: Vec<String> = local::all(&world.store()).into_iter().map(|climb| climb.name).collect();
            assert!(!names.iter().any(|name| name == "Own 1" || name == "Other 1"), "{direction}: {names:?}");
        }
        assert_eq!(world.changing_requests(), Vec::<String>::new(), "deletions were not allowed");
        at_once(&world, "both", &["--allow-delete"]).expect(0);
        assert_eq!((world.count_there("Own 1"), world.count_there("Other 1")), (0, 1), "only our own");
        assert_eq!(world.changing_requests().len(), 1);
        // Gone there as well now: the link is over, and nothing more is ever sent.
        for _ in 0..2 {
            at_once(&world, "both", &["--allow-delete"]).expect(0);
        }
        assert_eq!(world.changing_requests().len(), 1);
    }
}

#[test]
fn a_deletion_that_others_made_first_counts_as_done() {
    for world in World::both() {
        world.delete("Own 1");
        let key = world.key("Own 1");
        // Gone between our looking and our asking.
        let gone = mastoc_stokt_sim::Rule::change(move |board| assert!(board.delete_climb(key)));
        world.sim.faults().push(gone.method("DELETE").times(1));
        at_once(&world, "both", &["--allow-delete"]).expect(0);
        at_once(&world, "both", &["--allow-delete"]).expect(0);
        world.agree();
        assert_eq!(world.changing_requests().len(), 1);
    }
}

#[test]
fn delete_against_edit_conflicts() {
    for world in World::both() {
        world.delete("Own 1");
        world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Edited there"))));
        world.edit("Own 2", |climb| climb.name = "Edited here".into());
        world.delete_there("Own 2");
        for _ in 0..4 {
            at_once(&world, "both", &["--all-local", "--allow-delete"]).expect(3);
        }
        assert_eq!(world.count_there("Edited there"), 1, "what they wrote is there");
        assert_eq!(world.here("Edited here").sync_state, SyncState::Conflict, "what we wrote is here");
        assert_eq!(world.count_there("Edited here"), 0, "and was not created again");
        assert_eq!(world.changing_requests(), Vec::<String>::new());
        assert!(local::all(&world.store()).iter().all(|climb| climb.name != "Edited there"));
    }
}

#[test]
fn a_reappearing_climb_is_un_archived() {
    for world in World::both() {
        let id = world.here("Other 1").id;
        let climb = world.there("Other 1").as_object().unwrap().clone();
        world.delete_there("Other 1");
        for _ in 0..2 {
            at_once(&world, "stokt-to-mastoc", &[]).expect(0);
        }
        assert_eq!(world.here("Other 1").sync_state, SyncState::Archived);
        world.sim.with_board(|board| board.add_raw_climb(climb));
        at_once(&world, "stokt-to-mastoc", &[]).expect(0);
        let back = world.here("Other 1");
        assert_eq!((back.id, back.sync_state), (id, SyncState::Synced));
        world.agree();
    }
}
