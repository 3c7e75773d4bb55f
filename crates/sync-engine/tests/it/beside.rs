//! What an operator asks of Stokt beside a run: the account's personal lists, and the counters of single climbs.

use std::time::Duration;

use mastoc_domain::lists::ListItemStatus;
use mastoc_domain::{ClimbId, ListId, StoktId};
use mastoc_stokt_client::types::ListItemsQuery;
use mastoc_storage::list_items::{self, ItemChange};
use mastoc_storage::lists::{self, ListChange};
use mastoc_storage::{StoreError, Viewer, changes, climbs, locks};
use mastoc_sync_engine::EngineError;
use mastoc_sync_engine::sync::lists::ListOutcome;
use mastoc_sync_engine::sync::{counters, lists as pulling};
use mastoc_test_support::both_backends;
use uuid::Uuid;

use crate::syncing::*;
use crate::world::{client, open, prepare, small};

const SOON: Duration = Duration::from_millis(50);

/// Pulls the lists: what became of the one that the test made, its id here, and how many climbs came and went.
fn pull_lists(
    url: &str,
    sim: &mastoc_stokt_sim::Sim,
    id: StoktId,
) -> (ListOutcome, Option<ListId>, usize, usize) {
    let told = pulling::pull(&client(sim), &open(url), "a test", SOON).unwrap();
    let one = told.lists.iter().find(|one| one.stokt_id == id).unwrap();
    assert!(told.table().contains(&one.name), "{}", told.table());
    (one.outcome, one.list, one.added, one.removed)
}

/// The climbs of a list here, by Stokt's ids.
fn climbs_of(url: &str, list: ListId) -> Vec<Uuid> {
    open(url)
        .read(|conn| {
            let full = lists::by_ids(conn, Viewer::Service, &[list])?.remove(0);
            full.items
                .iter()
                .map(|item| {
                    let climb = climbs::by_id(conn, Viewer::Service, item.climb_id)?.unwrap();
                    Ok::<_, StoreError>(climb.stokt_id.unwrap().0)
                })
                .collect()
        })
        .unwrap()
}

fn ours(url: &str, id: Uuid) -> ClimbId {
    open(url).read(|conn| climbs::by_stokt_id(conn, Viewer::Service, StoktId(id))).unwrap().unwrap().id
}

both_backends! {
    prepare: prepare;

    fn personal_lists_come_from_stokt_and_what_either_side_does_to_them_is_brought_together(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let stokt = client(&sim);
        let account = stokt.me().unwrap().id.clone();
        let ids = sim.with_board(|board| board.climb_ids());
        let id = StoktId(stokt.create_list(&account, "Winter").unwrap().id.as_uuid().unwrap());
        for climb in &ids[..4] {
            stokt.add_to_list(id, climb).unwrap();
        }
        let (outcome, list, added, removed) = pull_lists(url, &sim, id);
        assert_eq!((outcome, added, removed), (ListOutcome::Created, 4, 0));
        let list = list.unwrap();
        assert_eq!(climbs_of(url, list), ids[..4]);
        let store = open(url);
        let read = |conn: &mut mastoc_storage::ReadConn<'_>| lists::by_id(conn, Viewer::Service, list);
        let kept = store.read(read).unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.is_public, kept.stokt_id), ("Winter", false, Some(id)));
        assert!(store.read(|conn| lists::by_id(conn, Viewer::Public, list)).unwrap().is_none(), "it is personal");

        // Once more: nothing is written.
        let before = store.read(changes::latest).unwrap();
        assert_eq!(pull_lists(url, &sim, id), (ListOutcome::Unchanged, Some(list), 0, 0));
        assert_eq!(store.read(changes::latest).unwrap(), before);

        // Here: notes on one, another goes, one comes, and the list has another name. There: the noted one and another
        // go, one comes.
        let (noted, gone, mine) = (ours(url, ids[0]), ours(url, ids[1]), ours(url, ids[9]));
        let work: Result<(), StoreError> = store.write(|conn| {
            let status = Some(ListItemStatus::InProgress);
            list_items::update(conn, list, noted, &ItemChange { status, ..ItemChange::default() })?;
            list_items::remove(conn, list, gone)?;
            list_items::add(conn, list, mine, &list_items::NewItem::default())?;
            let change = ListChange { name: Some("Hiver".into()), ..ListChange::default() };
            lists::update(conn, list, false, &change)
        });
        work.unwrap();
        let items = stokt.list_items(id, &ListItemsQuery::default()).unwrap().collect_all().unwrap();
        for item in &items {
            let climb = item.parsed.as_ref().unwrap().climb.as_ref().unwrap().id.as_uuid().unwrap();
            if climb == ids[0] || climb == ids[2] {
                stokt.remove_from_list(id, &item.parsed.as_ref().unwrap().id).unwrap();
            }
        }
        stokt.add_to_list(id, ids[6]).unwrap();
        assert_eq!(pull_lists(url, &sim, id), (ListOutcome::Updated, Some(list), 1, 1));
        assert_eq!(climbs_of(url, list), [ids[0], ids[3], ids[9], ids[6]], "kept, kept, ours, theirs");
        assert_eq!(store.read(read).unwrap().unwrap().name, "Hiver", "a name that was given here stays");
        assert_eq!(pull_lists(url, &sim, id), (ListOutcome::Unchanged, Some(list), 0, 0));

        // A climb that no pull has brought comes into the list once one has.
        let new = sim.with_board(|board| board.invent_climbs(1))[0];
        stokt.add_to_list(id, new).unwrap();
        let told = pulling::pull(&stokt, &store, "a test", SOON).unwrap();
        assert_eq!(told.lists.iter().find(|one| one.stokt_id == id).unwrap().not_here, 1);
        here.sync(&sim, &pull());
        assert_eq!(pull_lists(url, &sim, id), (ListOutcome::Updated, Some(list), 1, 0));
        assert_eq!(climbs_of(url, list).last(), Some(&new));

        // Gone from Stokt, it stays; deleted here, it does not come back.
        let all = pulling::pull(&stokt, &store, "a test", SOON).unwrap().lists.len();
        let other = StoktId(stokt.create_list(&account, "Summer").unwrap().id.as_uuid().unwrap());
        stokt.delete_list(id).unwrap();
        let (outcome, summer, ..) = pull_lists(url, &sim, other);
        assert_eq!(outcome, ListOutcome::Created);
        assert_eq!(climbs_of(url, list).len(), 5);
        let work: Result<(), StoreError> = store.write(|conn| {
            let summer = lists::by_id(conn, Viewer::Service, summer.unwrap())?.unwrap();
            lists::delete(conn, &summer)
        });
        work.unwrap();
        assert_eq!(pull_lists(url, &sim, other), (ListOutcome::KeptDeleted, None, 0, 0));
        assert_eq!(pulling::pull(&stokt, &store, "a test", SOON).unwrap().lists.len(), all);
    }

    fn lists_cost_the_same_number_of_statements_however_many_climbs_they_hold(url: &str) {
        let sim = small().start().unwrap();
        Here::new(url).sync(&sim, &pull());
        let (stokt, store) = (client(&sim), open(url));
        let account = stokt.me().unwrap().id.clone();
        pulling::pull(&stokt, &store, "a test", SOON).unwrap();
        let ids = sim.with_board(|board| board.climb_ids());
        let cost = |from: usize, climbs: usize| {
            let id = stokt.create_list(&account, "L").unwrap().id.as_uuid().unwrap();
            for climb in &ids[from..from + climbs] {
                stokt.add_to_list(id, climb).unwrap();
            }
            let before = store.statements();
            pulling::pull(&stokt, &store, "a test", SOON).unwrap();
            store.statements() - before
        };
        assert_eq!(cost(0, 2), cost(10, 40));
    }

    fn the_counters_of_a_climb_are_asked_for_on_demand(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let (stokt, store) = (client(&sim), open(url));
        let id = sim.with_board(|board| board.climb_ids())[3];
        let climb = ours(url, id);
        let counts = || {
            let climb = store.read(|conn| climbs::by_id(conn, Viewer::Service, climb)).unwrap().unwrap();
            (climb.climbed_by, climb.total_likes, climb.total_comments)
        };
        let told = counters::refresh(&stokt, &store, "a test", SOON, &[climb]).unwrap();
        let before = counts();
        assert_eq!((told.climbs.len(), told.skipped.len()), (1, 0));

        let text = |text: &str| mastoc_stokt_client::types::NewComment { text: text.into(), replied_to_id: None };
        stokt.create_comment(id, &text("Nice")).unwrap();
        stokt.create_comment(id, &text("Hard")).unwrap();
        let likes = stokt.likes(id).unwrap().collect_all().unwrap().len();
        stokt.like(id).unwrap();
        let likes = stokt.likes(id).unwrap().collect_all().unwrap().len() - likes;
        let sent = sim.with_board(|board| board.send_climb(id));
        let log = store.read(changes::latest).unwrap();
        let told = counters::refresh(&stokt, &store, "a test", SOON, &[climb]).unwrap();
        let after = counts();
        assert_eq!(after.2, before.2 + 2, "{told:?}");
        assert_eq!(after.1, before.1 + i32::try_from(likes).unwrap());
        assert!(after.0 >= before.0 && (sent || after.0 == before.0));
        assert!(told.climbs[0].changed && told.table().contains(&format!("{} comments", after.2)));
        assert!(store.read(changes::latest).unwrap() > log, "followers hear of it");

        // Nothing new: nothing is written. A run that looks at everything agrees.
        let log = store.read(changes::latest).unwrap();
        assert!(!counters::refresh(&stokt, &store, "a test", SOON, &[climb]).unwrap().climbs[0].changed);
        assert_eq!(store.read(changes::latest).unwrap(), log);

        // A climb that is gone there, or was never there, is told of; one that is nowhere is an error.
        sim.with_board(|board| board.delete_climb(id));
        let told = counters::refresh(&stokt, &store, "a test", SOON, &[climb]).unwrap();
        assert!(told.climbs.is_empty() && told.skipped[0].why.contains("gone"), "{told:?}");
        assert_eq!(counts(), after);
        let nowhere = ClimbId(Uuid::from_u128(7));
        let refused = counters::refresh(&stokt, &store, "a test", SOON, &[nowhere]).unwrap_err();
        assert!(refused.to_string().contains("no climb"), "{refused}");
    }

    fn neither_comes_between_what_a_run_does(url: &str) {
        let sim = small().start().unwrap();
        Here::new(url).sync(&sim, &pull());
        let store = open(url);
        let run = mastoc_storage::RunLock::try_acquire(&store, "a run").unwrap().unwrap();
        assert!(store.read(locks::holder).unwrap().is_some());
        let climb = ours(url, sim.with_board(|board| board.climb_ids())[0]);
        let refused = pulling::pull(&client(&sim), &store, "a test", SOON).unwrap_err();
        assert!(matches!(refused, EngineError::Locked { .. }), "{refused}");
        let refused = counters::refresh(&client(&sim), &store, "a test", SOON, &[climb]).unwrap_err();
        assert!(matches!(refused, EngineError::Locked { .. }), "{refused}");
        drop(run);
        assert!(!pulling::pull(&client(&sim), &store, "a test", SOON).unwrap().lists.is_empty());
    }
}
