//! Lists that were sent by a database of which an older backup was restored, after a pull of lists came first.

use std::time::Duration;

use mastoc_domain::{ListId, StoktId, UserId};
use mastoc_storage::{StoreError, Viewer, climbs, lists, outbox};

use super::lists::{FREE, chosen, held, of, there};
use super::{World, client, prepare};
use crate::sync::by_hand;
use crate::sync::keep;
use crate::sync::lists::{ListOutcome, ListTold, pull};

/// What a pull of lists does with this one of Stokt's.
pub(super) fn pulled(world: &World, id: StoktId) -> ListTold {
    let told = pull(&client(&world.sim), &world.store, "a test", Duration::from_secs(20)).unwrap();
    told.lists.into_iter().find(|one| one.stokt_id == id).unwrap()
}

/// A list that the account made at Stokt, which nobody here knows of.
fn made_there(world: &World, name: &str) -> StoktId {
    client(&world.sim).create_list(world.account, name).unwrap().id.to_string().parse().unwrap()
}

/// Somebody who is another person at Stokt than the account.
fn somebody(world: &World) -> UserId {
    let ids = world.sim.with_board(|board| board.climb_ids());
    let other = |id: &uuid::Uuid| world.show(StoktId(*id))["climbSetters"]["id"] != world.account.to_string();
    let climb = StoktId(ids.into_iter().find(other).unwrap());
    let climb = world.store.read(|conn| climbs::by_stokt_id(conn, Viewer::Service, climb)).unwrap().unwrap();
    climb.setter_id.unwrap()
}

pub(super) fn list(world: &World, id: ListId) -> Option<lists::ClimbList> {
    world.store.read(|conn| lists::by_id(conn, Viewer::Service, id)).unwrap()
}

pub(super) fn delete(world: &World, id: ListId) {
    let deleted: Result<(), StoreError> = world.store.write(|conn| {
        let list = lists::by_id(conn, Viewer::Service, id)?.unwrap();
        lists::delete(conn, &list)
    });
    deleted.unwrap();
}

#[track_caller]
fn is_whole(url: &str) {
    let verified = keep::verify(&url.parse().unwrap(), None, None, &mut |_| ()).unwrap();
    assert!(verified.ok, "{}", verified.table());
}

mastoc_test_support::both_backends! {
    prepare: prepare;

    fn a_list_of_somebody_else_that_came_back_as_the_accounts_own_is_not_made_twice(url: &str) {
        let world = World::new(url);
        let owner = somebody(&world);
        let (world, ours) = of(world, "Projects", owner);
        let twin = made_there(&world, "Projects");
        let copy = pulled(&world, twin);
        assert_eq!(copy.outcome, ListOutcome::Created);
        let copy = copy.list.unwrap();
        let told = held(&world, true).sync_summary();
        assert!(told.contains(&format!("--adopt {twin}")) && told.contains("--send"), "{told}");
        assert_eq!(there(&world, "Projects").0, 1);
        // It is the same: the one that the pull made is a list of its own from now on.
        let row = world.rows().into_iter().find(super::Entry::is_held_back).unwrap();
        let shown = by_hand::candidates(&client(&world.sim), &world.store, row.id).unwrap();
        let adopted = world.store.write(|conn| by_hand::adopt(conn, &FREE, row.id, twin, &shown)).unwrap();
        assert_eq!(adopted.freed, Some(copy));
        assert_eq!(list(&world, ours).unwrap().stokt_id, Some(twin));
        assert_eq!(list(&world, copy).unwrap().stokt_id, None);
        is_whole(url);
        held(&world, false);
        assert_eq!((there(&world, "Projects").0, there(&world, "Projects").1.len()), (1, 2));
        assert_eq!(pulled(&world, twin).list, Some(ours));
        is_whole(url);
    }

    fn a_copy_that_was_deleted_here_says_nothing_about_somebody_elses_list(url: &str) {
        let world = World::new(url);
        let owner = somebody(&world);
        let (world, ours) = of(world, "Projects", owner);
        let twin = made_there(&world, "Projects");
        delete(&world, pulled(&world, twin).list.unwrap());
        held(&world, true);
        let row = world.rows().into_iter().find(super::Entry::is_held_back).unwrap();
        let shown = by_hand::candidates(&client(&world.sim), &world.store, row.id).unwrap();
        let adopted = world.store.write(|conn| by_hand::adopt(conn, &FREE, row.id, twin, &shown)).unwrap();
        assert_eq!(adopted.freed, None, "it is not here any more");
        assert_eq!(list(&world, ours).unwrap().stokt_id, Some(twin));
        is_whole(url);
        held(&world, false);
        assert_eq!((there(&world, "Projects").0, pulled(&world, twin).list), (1, Some(ours)));
    }

    fn what_is_not_the_same_is_sent_all_the_same(url: &str) {
        let world = World::new(url);
        let owner = somebody(&world);
        let (world, ours) = of(world, "Projects", owner);
        let twin = made_there(&world, "Projects");
        let copy = pulled(&world, twin).list.unwrap();
        held(&world, true);
        let row = world.rows().into_iter().find(super::Entry::is_held_back).unwrap();
        world.store.write(|conn| by_hand::send_all_the_same(conn, &FREE, row.id)).unwrap();
        held(&world, false);
        assert_eq!(there(&world, "Projects").0, 2);
        let there = [ours, copy].map(|id| list(&world, id).unwrap().stokt_id.unwrap());
        assert!(there[0] != twin && there[1] == twin);
        // One that was sent from here explains itself, whoever else has a list of its name.
        let owner = somebody(&world);
        let (world, _) = of(world, "Projects", owner);
        let row = |world: &World| world.rows().into_iter().find(super::Entry::is_held_back);
        held(&world, true);
        assert_eq!(row(&world).unwrap().known_twins, [twin].into());
    }

    fn a_new_list_of_the_accounts_own_beside_one_that_came_is_sent_without_a_question(url: &str) {
        let (world, ours) = chosen(url, "Before");
        let twin = made_there(&world, "Projects");
        assert_eq!(pulled(&world, twin).outcome, ListOutcome::Created);
        let change = lists::ListChange { name: Some("Projects".into()), ..Default::default() };
        world.store.write(|conn| lists::update(conn, ours, false, &change)).unwrap();
        held(&world, false);
        assert_eq!(there(&world, "Projects").0, 2);
    }

    fn a_list_that_is_not_to_be_sent_is_called_off_and_stokts_comes_as_the_other_one_that_it_is(url: &str) {
        let (world, ours) = chosen(url, "Projects");
        let twin = made_there(&world, "Projects");
        assert_eq!(pulled(&world, twin).outcome, ListOutcome::HeldBack);
        held(&world, true);
        let row = world.rows().into_iter().find(super::Entry::is_held_back).unwrap();
        assert!(by_hand::remedies(&row).iter().any(|way| way.command == format!("mastoc-sync outbox drop {}", row.id)));
        assert!(world.store.write(|conn| outbox::drop_pending(conn, row.id, "another one")).unwrap());
        assert_eq!(pulled(&world, twin).outcome, ListOutcome::Created);
        assert_eq!(list(&world, ours).unwrap().stokt_id, None);
        // It is known to be another one, should somebody send it some day.
        held(&world, false);
        assert_eq!(there(&world, "Projects").0, 2);
    }
}
