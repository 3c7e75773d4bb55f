//! Climbs that are held back, since Stokt has one just like each of them, and what a person can do about it.

use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ClimbId, StoktId};
use mastoc_storage::outbox::{self, Entry};

use super::{World, decided, prepare, why};
use crate::decision::Decided;
use crate::report::Report;
use crate::sync::by_hand;
use crate::sync::options::{Selection, SyncOptions};

/// A climb made here, of which Stokt has one just like it that is linked to nothing.
fn twins(world: &World, name: &str) -> (ClimbId, StoktId) {
    let holds = world.holds(1);
    let there = world.sim.with_board(|board| board.add_climb(name, &holds, None));
    (world.local(name, 1), StoktId(there))
}

/// The row under which it is held back, and the run that says so.
#[track_caller]
fn held(world: &World) -> (Entry, Report) {
    let report = world.run();
    assert_eq!(decided(&report), [Decided::HeldBack], "{}", report.sync_summary());
    (world.rows().into_iter().find(Entry::is_held_back).unwrap(), report)
}

fn choosing(world: World, selection: Selection) -> World {
    World { options: SyncOptions { selection, ..world.options.clone() }, ..world }
}

mastoc_test_support::both_backends! {
    prepare: prepare;

    fn what_is_not_to_be_sent_at_all_is_called_off_and_stays_so(url: &str) {
        let world = World::new(url);
        let (id, twin) = twins(&world, "Nobody's business");
        held(&world);
        // It stays held back: Stokt's may be what became of it, and would come in beside it for all to see.
        world.edit(id, |climb| climb.is_private = true);
        let (row, report) = held(&world);
        assert!(!serde_json::to_string(&report).unwrap().contains("business"), "{report:?}");
        assert!(report.sync_summary().contains("  a private climb (climb "), "{}", report.sync_summary());
        let drop = format!("mastoc-sync outbox drop {}", row.id);
        assert_eq!(by_hand::remedies(&row).last().unwrap().command, drop);
        for way in by_hand::remedies(&row) {
            assert!(report.sync_summary().contains(&way.command), "{}", report.sync_summary());
        }
        assert!(world.store.write(|conn| outbox::drop_pending(conn, row.id, "another one")).unwrap());
        for _ in 0..2 {
            let report = world.run();
            assert_eq!(decided(&report), [Decided::Skipped], "{}", report.sync_summary());
            assert!(why(&report.decisions.listed[0]).contains("another one"), "{report:?}");
        }
        assert_eq!(world.there("Nobody's business"), 1);
        let awaited = world.store.read(|conn| outbox::awaited(conn, EntityKind::Climb)).unwrap();
        assert!(awaited.is_empty(), "Stokt's comes as the other one that it is");
        // Whoever names it sends it all the same; a new twin is another question.
        let holds = world.holds(1);
        world.sim.with_board(|board| board.add_climb("Nobody's business", &holds, None));
        assert_eq!(held(&world).0.known_twins.len(), 2);
        let world = choosing(world, Selection::Climbs(vec![id]));
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        assert_ne!(world.here(id).stokt_id, Some(twin));
    }

    fn of_many_twins_some_are_named_and_every_other_way_out(url: &str) {
        let world = World::new(url);
        twins(&world, "Many");
        let holds = world.holds(1);
        for _ in 0..4 {
            world.sim.with_board(|board| board.add_climb("Many", &holds, None));
        }
        let (row, report) = held(&world);
        let told = report.sync_summary();
        assert_eq!(told.matches("--adopt").count(), 3, "{told}");
        assert!(told.contains("--climb-ids") && told.contains(&format!("outbox drop {}", row.id)), "{told}");
    }
}
