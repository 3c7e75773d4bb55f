//! A run ended at each of its points, as a crash ends it, and run again: what was meant is there, once.

use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::Rule;

use super::{World, decided, prepare};
use crate::error::EngineError;
use crate::sync::points::{POINTS, StopAt};
use crate::sync::surroundings::Uncut;

/// Climbs to create, to change, to make private and to delete; some of them meet faults.
fn story(world: &mut World, round: usize) -> Vec<mastoc_domain::ClimbId> {
    world.options.allow_delete = true;
    let mut ids: Vec<_> = (0..3).map(|n| world.local(&format!("New {round} {n}"), round * 3 + n)).collect();
    let linked: Vec<_> =
        (0..3).map(|n| world.local(&format!("Old {round} {n}"), round * 3 + n + 20)).collect();
    let pushed = world.try_run(&Uncut).unwrap();
    assert_eq!(decided(&pushed).len(), 6, "{pushed:?}");
    ids.extend(linked.iter().take(2));
    for (number, id) in linked.into_iter().enumerate() {
        match number {
            0 => world.edit(id, |climb| climb.name = format!("Old {round} 0, renamed")),
            1 => world.edit(id, |climb| climb.is_private = true),
            _ => world.delete(id),
        }
    }
    ids.extend((3..6).map(|n| world.local(&format!("New {round} {n}"), round * 3 + n)));
    ids
}

/// What was meant is there, once, and both sides agree.
fn agrees(world: &World, ids: &[mastoc_domain::ClimbId], round: usize, at: &str) {
    for id in ids {
        let here = world.here(*id);
        assert_eq!(here.sync_state, SyncState::Synced, "{} after {at}", here.name);
        assert_eq!(world.there(&here.name), 1, "{} after {at}", here.name);
        let there = world.show(here.stokt_id.unwrap());
        assert_eq!(
            (&there["name"], &there["isPrivate"]),
            (&here.name.into(), &here.is_private.into()),
            "{at}"
        );
    }
    assert_eq!(
        (world.there(&format!("Old {round} 0")), world.there(&format!("Old {round} 2"))),
        (0, 0),
        "{at}"
    );
}

fn sweep(url: &str, fault: Option<fn() -> Rule>) {
    let mut world = World::new(url);
    let mut round = 0;
    loop {
        let ids = story(&mut world, round);
        let before = world.sim.with_board(|board| board.climb_count());
        if let Some(fault) = fault {
            world.sim.faults().push(fault());
        }
        let points = StopAt::new(round as u64 + 1);
        let cut = world.try_run(&points);
        let at = format!("point {} ({:?})", round + 1, points.passed().last());
        assert!(points.passed().iter().all(|name| POINTS.contains(name)), "{:?}", points.passed());
        assert!(matches!(cut, Ok(_) | Err(EngineError::Stopped(_))), "{at}: {cut:?}");
        // A second crash, while the first one's traces are settled.
        let again = StopAt::new(1 + round as u64 % 5);
        let _ended_or_not = world.try_run(&again);
        world.sim.faults().clear();
        for _ in 0..3 {
            world.run();
        }
        agrees(&world, &ids, round, &at);
        let after = world.sim.with_board(|board| board.climb_count());
        assert_eq!(after, before + 3 - 1, "three were meant and one was deleted, after {at}");
        assert_eq!(decided(&world.run()), [], "it is over, after {at}");
        if cut.is_ok() {
            assert!(round > 12, "the run came by {round} points only");
            return;
        }
        round += 1;
    }
}

mastoc_test_support::both_backends! {
    prepare: prepare;

    fn cut_anywhere_a_push_ends_as_if_it_had_not_been(url: &str) {
        sweep(url, None);
    }

    fn cut_anywhere_with_answers_that_are_lost_as_well(url: &str) {
        sweep(url, Some(|| Rule::cut(0).method("POST").every(2).times(1).carried_out()));
    }

    fn cut_anywhere_with_requests_that_are_lost_as_well(url: &str) {
        sweep(url, Some(|| Rule::html_status(502).method("P").every(2).times(1)));
    }
}
