//! A list is made at Stokt once, and filled.

use mastoc_domain::ListId;
use mastoc_domain::lists::ListType;
use mastoc_domain::outbox::OutboxState;
use mastoc_stokt_sim::{RetryAfter, Rule};
use mastoc_storage::StoreError;
use mastoc_storage::list_items::{self, NewItem};
use mastoc_storage::lists::{self, NewList};
use serde_json::json;

use super::{World, client, decided, prepare};
use crate::decision::Decided;
use crate::sync::options::{Selection, SyncOptions};

/// The names of the account's personal lists at Stokt, and of the climbs in those called `name`.
fn there(world: &World, name: &str) -> (usize, Vec<String>) {
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
fn chosen(url: &str, name: &str) -> (World, ListId) {
    let world = World::new(url);
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
        let list = lists::create(conn, own.setter_id.unwrap(), &new)?;
        for climb in [local, own.id] {
            list_items::add(conn, list, climb, &NewItem::default())?;
        }
        Ok(list)
    });
    let list = made.unwrap();
    let options = SyncOptions { selection: Selection::List(list), ..world.options.clone() };
    (World { options, ..world }, list)
}

mastoc_test_support::both_backends! {
    prepare: prepare;

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
