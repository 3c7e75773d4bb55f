//! What people do to a list on either side after it was sent, before a pull of lists first looks at it.

use mastoc_domain::{ClimbId, ListId, StoktId};
use mastoc_stokt_sim::{RetryAfter, Rule};
use mastoc_storage::list_items::{self, NewItem};
use mastoc_storage::{StoreError, Viewer, lists};

use super::backups::{list, pulled};
use super::lists::{chosen, there};
use super::{World, client, prepare};
use crate::error::EngineError;
use crate::sync::lists::ListOutcome;
use crate::sync::surroundings::Points;

/// The climbs of a list here, in their order.
fn climbs(world: &World, id: ListId) -> Vec<ClimbId> {
    let full = world.store.read(|conn| lists::by_ids(conn, Viewer::Service, &[id])).unwrap().remove(0);
    full.items.iter().map(|item| item.climb_id).collect()
}

fn take_out(world: &World, list: ListId, climb: ClimbId) {
    let done: Result<_, StoreError> = world.store.write(|conn| list_items::remove(conn, list, climb));
    done.unwrap();
}

fn put_in(world: &World, list: ListId, climb: ClimbId) {
    let done: Result<_, StoreError> =
        world.store.write(|conn| list_items::add(conn, list, climb, &NewItem::default()));
    done.unwrap();
}

fn take_out_there(world: &World, list: StoktId, climb: StoktId) {
    let stokt = client(&world.sim);
    let items = stokt.list_items(list, &Default::default()).unwrap().collect_all().unwrap();
    let is_it = |item: &&mastoc_stokt_client::Record<mastoc_stokt_client::types::ListItem>| {
        item.raw["climb"]["id"] == climb.to_string()
    };
    let item = items.iter().find(is_it).unwrap();
    stokt.remove_from_list(list, &item.parsed.as_ref().unwrap().id).unwrap();
}

/// Ends a run as a crash does, the `nth` time that it comes to a point.
struct Cut(&'static str, std::sync::atomic::AtomicUsize);

impl Points for Cut {
    fn reached(&self, name: &'static str) -> Result<(), EngineError> {
        let is_it = name == self.0 && self.1.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) == 1;
        if is_it { Err(EngineError::Stopped(name)) } else { Ok(()) }
    }
}

mastoc_test_support::both_backends! {
    prepare: prepare;

    fn what_was_taken_out_on_either_side_since_a_list_was_sent_stays_out(url: &str) {
        let (world, ours) = chosen(url, "Projects");
        let (third, fourth) = (world.local("Third", 5), world.owns().remove(1));
        put_in(&world, ours, third);
        world.run();
        let before = climbs(&world, ours);
        let [made, own] = [before[0], before[1]];
        let theirs = list(&world, ours).unwrap().stokt_id.unwrap();
        // One goes here, one goes there, one comes there.
        take_out(&world, ours, made);
        take_out_there(&world, theirs, world.here(third).stokt_id.unwrap());
        client(&world.sim).add_to_list(theirs, fourth.stokt_id.unwrap()).unwrap();
        let told = pulled(&world, theirs);
        assert_eq!((told.outcome, told.added, told.removed), (ListOutcome::Updated, 1, 1));
        assert_eq!(climbs(&world, ours), [own, fourth.id]);
        assert_eq!(pulled(&world, theirs).outcome, ListOutcome::Unchanged);
        // Nor is it undone by sending the list again, or by what that writes down.
        world.run();
        assert_eq!(pulled(&world, theirs).outcome, ListOutcome::Unchanged);
        assert_eq!((climbs(&world, ours), there(&world, "Projects").1.len()), (vec![own, fourth.id], 3));
        // What is put in anew is wanted anew.
        put_in(&world, ours, made);
        world.run();
        assert_eq!(pulled(&world, theirs).outcome, ListOutcome::Unchanged);
        assert_eq!(climbs(&world, ours), [own, fourth.id, made]);
    }

    fn what_was_taken_out_after_a_run_that_was_cut_stays_out(url: &str) {
        for point in ["list.added", "list.agreed"] {
            if point == "list.agreed" && url.starts_with("postgres") {
                // One database for each body: the second case is SQLite's.
                continue;
            }
            let fresh = mastoc_test_support::sqlite::fresh_path();
            let url = if point == "list.agreed" { fresh.url() } else { url };
            let (world, ours) = chosen(url, "Projects");
            let nth = if point == "list.added" { 1 } else { 2 };
            let cut = world.try_run(&Cut(point, nth.into()));
            assert!(matches!(cut, Err(EngineError::Stopped(_))), "{cut:?}");
            let [made, own] = [climbs(&world, ours)[0], climbs(&world, ours)[1]];
            let theirs = list(&world, ours).unwrap().stokt_id.unwrap();
            assert_eq!(there(&world, "Projects").1.len(), nth);
            take_out(&world, ours, made);
            let told = pulled(&world, theirs);
            assert_eq!((told.added, told.removed, climbs(&world, ours)), (0, 0, vec![own]), "{point}");
            // What was not put in yet comes with the next run, and takes nothing away.
            world.run();
            assert_eq!(pulled(&world, theirs).outcome, ListOutcome::Unchanged);
            assert_eq!((climbs(&world, ours), there(&world, "Projects").1.len()), (vec![own], 2));
        }
    }

    fn what_stokt_did_not_take_is_not_taken_for_gone(url: &str) {
        let (world, ours) = chosen(url, "Projects");
        world.sim.faults().push(Rule::throttle(RetryAfter::Seconds(0)).method("POST").path("/api/lists/").skip(1));
        assert!(world.try_run(&crate::sync::surroundings::Uncut).is_err());
        world.sim.faults().clear();
        let theirs = list(&world, ours).unwrap().stokt_id.unwrap();
        for _ in 0..2 {
            let told = pulled(&world, theirs);
            assert_eq!((told.added, told.removed, climbs(&world, ours).len()), (0, 0, 2));
        }
        world.run();
        assert_eq!(there(&world, "Projects").1.len(), 2);
    }
}
