//! A list is made at Stokt once, and filled.

use mastoc_domain::lists::ListType;
use mastoc_domain::outbox::OutboxState;
use mastoc_domain::{ListId, UserId};
use mastoc_stokt_sim::{RetryAfter, Rule};
use mastoc_storage::import::ImportContext;
use mastoc_storage::list_items::{self, NewItem};
use mastoc_storage::lists::{self, ListChange, NewList};
use mastoc_storage::{StoreError, Viewer};
use serde_json::json;

use super::meanwhile::Once;
use super::{World, client, decided, prepare};
use crate::decision::{Decided, Decision};
use crate::report::Report;
use crate::sync::by_hand::{self, Candidates};
use crate::sync::options::{Selection, SyncOptions};

/// The names of the account's personal lists at Stokt, and of the climbs in those called `name`.
pub(super) fn there(world: &World, name: &str) -> (usize, Vec<String>) {
    let client = client(&world.sim);
    let lists: Vec<_> = client
        .personal_lists(world.account)
        .unwrap()
        .flat_map(|page| page.unwrap().into_distinct())
        .collect();
    let called: Vec<_> = lists.iter().filter(|list| list.raw["name"] == name).collect();
    let items = called.first().map(|list| {
        let id = list.raw["id"].as_str().unwrap();
        let items = client
            .list_items(id, &Default::default())
            .unwrap()
            .flat_map(|page| page.unwrap().into_distinct());
        items.map(|item| item.raw["climb"]["name"].as_str().unwrap().to_owned()).collect()
    });
    (called.len(), items.unwrap_or_default())
}

/// A list of a climb made here and one that came from Stokt, chosen to be sent.
pub(super) fn chosen(url: &str, name: &str) -> (World, ListId) {
    let world = World::new(url);
    let owner = world.own().setter_id.unwrap();
    of(world, name, owner)
}

/// The same of whoever is named.
pub(super) fn of(world: World, name: &str, owner: UserId) -> (World, ListId) {
    let own = world.own();
    let local = world.local("Made here", 1);
    let made: Result<ListId, StoreError> = world.store.write(|conn| {
        let new = NewList {
            name: name.into(),
            description: None,
            list_type: ListType::Personal,
            is_public: false,
            gym_id: None,
        };
        let list = lists::create(conn, owner, &new)?;
        for climb in [local, own.id] {
            list_items::add(conn, list, climb, &NewItem::default())?;
        }
        Ok(list)
    });
    let list = made.unwrap();
    let options = SyncOptions { selection: Selection::List(list), ..world.options.clone() };
    (World { options, ..world }, list)
}

/// A run in which the list is held back, or not.
#[track_caller]
pub(super) fn held(world: &World, is_held: bool) -> Report {
    let report = world.run();
    assert_eq!(report.count(Decided::HeldBack), u64::from(is_held), "{}", report.sync_summary());
    report
}

/// What a run tells of what it holds back.
fn told(report: &Report) -> Vec<&Decision> {
    report.decisions.listed.iter().filter(|one| one.decision == Decided::HeldBack).collect()
}

pub(super) const FREE: ImportContext<'static> =
    ImportContext { run: None, account: None, fence: None, dry: None };

mastoc_test_support::both_backends! {
    prepare: prepare;

    fn a_list_that_is_renamed_before_its_turn_is_sent_as_it_is_then(url: &str) {
        let (world, list) = chosen(url, "Before");
        world.sim.faults().push(Rule::throttle(RetryAfter::Seconds(0)).method("POST").path("/api/users/").times(1));
        let rename = || {
            let change = ListChange { name: Some("After".into()), ..ListChange::default() };
            world.store.write(|conn| lists::update(conn, list, false, &change)).unwrap();
        };
        // The climb that it holds is sent before it, and comes by this place but once.
        let report = world.try_run(&Once::at("push.queued", 1, &rename)).unwrap();
        assert!(report.count(Decided::Skipped) > 0, "{}", report.sync_summary());
        assert_eq!((there(&world, "Before").0, there(&world, "After").0), (0, 0));
        world.run();
        let after = there(&world, "After");
        assert_eq!((there(&world, "Before").0, after.0, after.1.len()), (0, 1, 2));
    }

    fn a_list_that_is_deleted_before_its_turn_is_not_made(url: &str) {
        let (world, list) = chosen(url, "Deleted");
        world.sim.faults().push(Rule::throttle(RetryAfter::Seconds(0)).method("POST").path("/api/users/").times(1));
        let delete = || {
            let deleted: Result<(), StoreError> = world.store.write(|conn| {
                let list = lists::by_id(conn, Viewer::Service, list)?.unwrap();
                lists::delete(conn, &list)
            });
            deleted.unwrap();
        };
        world.try_run(&Once::at("push.queued", 1, &delete)).unwrap();
        assert_eq!(there(&world, "Deleted").0, 0);
        // It does not wait for ever: the next run calls it off, and says so once.
        let waiting = |world: &World| world.states().iter().filter(|state| **state == OutboxState::Pending).count();
        assert_eq!(waiting(&world), 1);
        let world = World { options: SyncOptions { selection: Selection::Nothing, ..world.options.clone() }, ..world };
        let report = world.run();
        assert_eq!((decided(&report), waiting(&world)), (vec![Decided::Skipped], 0));
        let told = &report.decisions.listed[0];
        assert_eq!((told.kind.as_str(), told.stokt_id.clone()), ("list", list.to_string()));
        assert!(super::why(told).contains("deleted"), "{told:?}");
        assert_eq!((decided(&world.run()), there(&world, "Deleted").0), (vec![], 0));
    }

    fn a_list_whose_name_the_account_has_there_already_waits_for_a_person(url: &str) {
        let (world, list) = chosen(url, " Projete\u{301}s");
        // Sent by a database of which a backup was restored.
        let stokt = client(&world.sim);
        let twin = stokt.create_list(world.account, "Projet\u{e9}s").unwrap().id.to_string();
        let posts = |world: &World| {
            let asked = world.sim.requests();
            asked.iter().filter(|one| one.method == "POST" && one.path.starts_with("/api/users/")).count()
        };
        let first = held(&world, true);
        assert!(first.sync_summary().contains(&format!("--adopt {twin}")), "{}", first.sync_summary());
        let again = held(&world, true);
        assert_eq!(told(&again), told(&first), "in the same words");
        assert_eq!((posts(&world), world.rows().iter().filter(|row| row.is_held_back()).count()), (1, 1));
        // Another run speaks of it as well, and leaves it.
        let world = World { options: SyncOptions { selection: Selection::Nothing, ..world.options.clone() }, ..world };
        assert_eq!(told(&held(&world, true)), told(&first));
        let row = world.rows().into_iter().find(super::Entry::is_held_back).unwrap();
        let refused = world.store.write(|conn| by_hand::not_created(conn, &FREE, row.id)).unwrap_err();
        assert!(refused.to_string().contains("--send"), "{refused}");
        let other = mastoc_domain::StoktId(uuid::Uuid::from_u128(7));
        let shown = by_hand::candidates(&stokt, &world.store, row.id).unwrap();
        assert!(world.store.write(|conn| by_hand::adopt(conn, &FREE, row.id, other, &shown)).is_err());
        let twin = twin.parse().unwrap();
        let gone = world.store.write(|conn| by_hand::adopt(conn, &FREE, row.id, twin, &Candidates::default()));
        assert!(gone.is_err(), "what Stokt does not show any more is not adopted");
        world.store.write(|conn| by_hand::adopt(conn, &FREE, row.id, twin, &shown)).unwrap();
        let world = World { options: SyncOptions { selection: Selection::List(list), ..world.options.clone() }, ..world };
        held(&world, false);
        assert_eq!((posts(&world), there(&world, "Projet\u{e9}s").0, there(&world, "Projet\u{e9}s").1.len()), (1, 1, 2));
    }

    fn a_list_that_is_another_one_is_sent_all_the_same(url: &str) {
        let (world, list) = chosen(url, "Projects");
        client(&world.sim).create_list(world.account, "Projects").unwrap();
        held(&world, true);
        let row = world.rows().into_iter().find(super::Entry::is_held_back).unwrap();
        world.store.write(|conn| by_hand::send_all_the_same(conn, &FREE, row.id)).unwrap();
        // Also if Stokt does not take it at once.
        world.sim.faults().push(Rule::throttle(RetryAfter::Seconds(0)).method("POST").path("/api/users/").times(1));
        held(&world, false);
        assert_eq!(there(&world, "Projects").0, 2);
        let again = world.store.write(|conn| by_hand::send_all_the_same(conn, &FREE, row.id)).unwrap_err();
        assert!(again.to_string().contains("nothing to settle"), "{again}");
        // What is linked here explains one at Stokt.
        let linked = world.store.read(|conn| lists::by_id(conn, Viewer::Service, list)).unwrap().unwrap();
        assert!(linked.stokt_id.is_some());
        let before = world.changes();
        assert_eq!((decided(&world.run()), world.changes()), (vec![], before));
    }

    fn a_list_that_has_no_more_reason_to_be_held_back_is_let_go(url: &str) {
        let (world, list) = chosen(url, "Projects");
        let stokt = client(&world.sim);
        stokt.create_list(world.account, "Projects").unwrap();
        held(&world, true);
        let named = |name: &str| {
            let change = ListChange { name: Some(name.into()), ..ListChange::default() };
            world.store.write(|conn| lists::update(conn, list, false, &change)).unwrap();
        };
        // Another name that is there as well: held back anew.
        stokt.create_list(world.account, "Winter").unwrap();
        named("Winter");
        held(&world, true);
        assert_eq!(world.rows().iter().filter(|row| row.is_held_back()).count(), 1);
        // Deleted here, it waits for nobody.
        let world = World { options: SyncOptions { selection: Selection::Nothing, ..world.options.clone() }, ..world };
        let deleted: Result<(), StoreError> = world.store.write(|conn| {
            let list = lists::by_id(conn, Viewer::Service, list)?.unwrap();
            lists::delete(conn, &list)
        });
        deleted.unwrap();
        held(&world, false);
        assert_eq!(world.rows().iter().filter(|row| row.is_held_back()).count(), 0);
    }

    fn a_list_is_not_made_while_it_may_be_among_lists_that_cannot_be_read(url: &str) {
        let (world, _) = chosen(url, "Projects");
        let short = Rule::rewrite(|answer| {
            let lists = answer.as_array().unwrap().clone();
            *answer = json!({ "count": lists.len() + 1, "next": null, "previous": null, "results": lists });
        });
        world.sim.faults().push(short.method("GET").path("/api/users/lists/"));
        let report = world.run();
        assert_eq!(report.problems.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["incomplete"]);
        assert_eq!(there(&world, "Projects").0, 0);
        world.sim.faults().clear();
        world.run();
        assert_eq!(there(&world, "Projects").0, 1);
    }

    fn a_list_is_sent_with_its_climbs_in_their_order(url: &str) {
        let (world, _) = chosen(url, "Projects");
        let own = world.own().name;
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Sent, Decided::Sent, Decided::Patched], "{report:?}");
        assert_eq!(there(&world, "Projects"), (1, vec!["Made here".to_owned(), own]));
        let before = world.changes();
        assert_eq!((decided(&world.run()), world.changes()), (vec![], before));
    }

    fn a_list_whose_answer_was_lost_is_not_made_again(url: &str) {
        for (number, rule) in [Rule::cut(0).carried_out(), Rule::html_status(502)].into_iter().enumerate() {
            if number > 0 && url.starts_with("postgres") {
                // One database for each body: the second case is SQLite's.
                continue;
            }
            let fresh = mastoc_test_support::sqlite::fresh_path();
            let url = if number > 0 { fresh.url() } else { url };
            let (world, _) = chosen(url, "Projects");
            world.sim.faults().push(rule.method("POST").path("/api/users/").times(1));
            let report = world.run();
            assert_eq!(decided(&report), [Decided::Sent, Decided::Unknown]);
            assert!(world.states().contains(&OutboxState::Unknown));
            (0..3).for_each(|_| drop(world.run()));
            assert_eq!((there(&world, "Projects").0, there(&world, "Projects").1.len()), (1, 2));
            assert_eq!(decided(&world.run()), []);
        }
    }

    fn a_list_is_recognised_as_stokt_keeps_its_name_and_a_part_of_the_lists_proves_nothing(url: &str) {
        let (world, _) = chosen(url, "  Projete\u{301}s ");
        // Stokt cuts the white space off and composes the letters; the list of lists lacks one at first.
        let kept = Rule::rewrite(|answer| {
            let lists = answer.as_array_mut().unwrap();
            lists.iter_mut().for_each(|list| list["name"] = json!(list["name"].as_str().unwrap().trim().replace("e\u{301}", "é")));
        });
        let short = Rule::rewrite(|answer| {
            let mut lists = answer.as_array().unwrap().clone();
            let count = lists.len();
            lists.retain(|list| !list["name"].as_str().unwrap().contains("Proj"));
            *answer = json!({ "count": count, "next": null, "previous": null, "results": lists });
        });
        world.sim.faults().push(Rule::cut(0).carried_out().method("POST").path("/api/users/").times(1));
        assert_eq!(decided(&world.run()), [Decided::Sent, Decided::Unknown]);
        world.sim.faults().push(short.method("GET").path("/api/users/lists/"));
        for _ in 0..4 {
            assert!(decided(&world.run()).contains(&Decided::Unknown));
        }
        world.sim.faults().clear();
        world.sim.faults().push(kept.method("GET").path("/api/users/lists/"));
        assert!(decided(&world.run()).contains(&Decided::Adopted));
        let posts = world.sim.requests().into_iter().filter(|asked| asked.method == "POST" && asked.path.starts_with("/api/users/"));
        assert_eq!(posts.count(), 1);
    }

    fn a_climb_whose_place_in_the_list_is_unknown_is_there_once(url: &str) {
        let (world, _) = chosen(url, "Projects");
        world.sim.faults().push(Rule::throttle(RetryAfter::Seconds(0)).method("POST").path("/api/lists/").times(1));
        world.sim.faults().push(Rule::cut(0).carried_out().method("POST").path("/api/lists/").skip(1).times(1));
        let report = world.run();
        assert_eq!(report.problems.len(), 1, "{report:?}");
        world.run();
        assert_eq!(there(&world, "Projects").1.len(), 2);
    }

    fn a_list_that_is_not_here_is_a_mistake(url: &str) {
        let world = World::new(url);
        let options = SyncOptions { selection: Selection::List(ListId::generate()), ..world.options.clone() };
        let world = World { options, ..world };
        let error = world.try_run(&crate::sync::surroundings::Uncut).unwrap_err();
        assert_eq!(error.ending(), crate::ending::Ending::Usage);
    }
}
