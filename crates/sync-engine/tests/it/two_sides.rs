//! Two people, or two accounts, who want different things of the same climb.

use mastoc_domain::conflict::Take;
use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::{Permissions, Sim};
use mastoc_storage::conflicts::{self, Which};
use mastoc_storage::import::ImportContext;
use mastoc_storage::runs::RunDirection;
use mastoc_sync_engine::sync::{Selection, SyncOptions, Uncut};
use mastoc_sync_engine::{Decided, Ending};
use mastoc_test_support::both_backends;
use serde_json::json;
use uuid::Uuid;

use crate::syncing::*;
use crate::world::{open, prepare, small};

fn both_ways() -> SyncOptions {
    SyncOptions { direction: RunDirection::Both, selection: Selection::AllLocal, ..full() }
}

/// A public climb of the account's, which it may change.
fn own(sim: &Sim) -> Uuid {
    sim.with_board(|board| {
        let holds = board.climb(board.climb_ids()[0]).unwrap()["holdsList"].as_str().unwrap().to_owned();
        let id = board.add_climb("Both", &holds, None);
        board.set_permissions(id, Some(Permissions::all(true)));
        id
    })
}

fn resolve(here: &Here<'_>, take: Take) {
    let store = open(here.url);
    let open_ones = store.read(|conn| conflicts::list(conn, Which::Open, 0, 9)).unwrap();
    assert_eq!(open_ones.len(), 1);
    store.write(|conn| conflicts::resolve(conn, &ImportContext::default(), open_ones[0].id, take)).unwrap();
}

fn shown(sim: &Sim, id: Uuid) -> (String, bool) {
    let climb = sim.with_board(|board| board.climb(id)).unwrap();
    (climb["name"].as_str().unwrap().to_owned(), climb["isPrivate"].as_bool().unwrap())
}

both_backends! {
    prepare: prepare;

    fn a_conflict_in_which_either_side_asked_for_privacy_ends_private_on_both(url: &str) {
        for (there, here_too, take, name) in [
            (true, false, Take::Mastoc, "Ours"),
            (true, false, Take::Stokt, "Theirs"),
            (false, true, Take::Mastoc, "Ours"),
            (false, true, Take::Stokt, "Theirs"),
        ] {
            let fresh = crate::world::Fresh::like(url);
            let sim = small().start().unwrap();
            let id = own(&sim);
            let here = Here::new(fresh.url());
            here.sync(&sim, &pull());
            here.edit(id, |content| {
                content.name = "Ours".into();
                content.is_private |= here_too;
            });
            edit_there(&sim, id, "name", json!("Theirs"));
            edit_there(&sim, id, "isPrivate", json!(there));
            let report = here.sync(&sim, &both_ways());
            assert_eq!(report.ending, Ending::Waiting, "{}", report.sync_summary());
            // It does not wait for a person.
            assert!(here.known(id).climb.unwrap().is_private);
            resolve(&here, take);
            for _ in 0..2 {
                let report = here.sync(&sim, &both_ways());
                assert_eq!(report.ending, Ending::Done, "{}", report.sync_summary());
                let side = here.known(id).climb.unwrap();
                assert_eq!((side.name.as_str(), side.is_private, side.sync_state), (name, true, SyncState::Synced));
                assert_eq!(shown(&sim, id), (name.to_owned(), true));
            }
        }
    }

    fn privacy_and_a_name_changed_on_different_sides_meet(url: &str) {
        let sim = small().start().unwrap();
        let id = own(&sim);
        let here = Here::new(url);
        here.sync(&sim, &pull());
        here.rename(id, "Ours");
        edit_there(&sim, id, "isPrivate", json!(true));
        let report = here.sync(&sim, &both_ways());
        assert_eq!(report.ending, Ending::Done, "{}", report.sync_summary());
        assert!(here.known(id).climb.unwrap().is_private);
        assert_eq!(shown(&sim, id), ("Ours".to_owned(), true));
    }

    fn one_account_sends_nothing_of_another_s(url: &str) {
        let sim = small().start().unwrap();
        let second = second_account(&sim);
        let id = own(&sim);
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let sent = here.create(&sim, "Sent by the first", 4);
        assert_eq!(here.sync(&sim, &both_ways()).count(Decided::Sent), 1);
        let there = here.there(sent).unwrap();
        sim.with_board(|board| board.set_permissions(there, Some(Permissions::all(true))));
        here.rename(id, "Edited here");
        here.rename(there, "Sent, and edited here");
        let report = here.sync_as(&second, &both_ways(), &Uncut);
        assert_eq!(report.ending, Ending::Done, "{}", report.sync_summary());
        assert_eq!((shown(&sim, id).0, shown(&sim, there).0), ("Both".to_owned(), "Sent by the first".to_owned()));
        let by_second = here.create(&sim, "Sent by the second", 9);
        assert_eq!(here.sync_as(&second, &both_ways(), &Uncut).count(Decided::Sent), 1);
        let by_second = here.there(by_second).unwrap();
        let report = here.sync(&sim, &both_ways());
        assert_eq!(report.count(Decided::Patched), 2, "{}", report.sync_summary());
        assert_eq!((shown(&sim, id).0, shown(&sim, there).0), ("Edited here".to_owned(), "Sent, and edited here".to_owned()));
        // All of it is in step for either.
        for client in [&second, &crate::world::client(&sim)] {
            let report = here.sync_as(client, &both_ways(), &Uncut);
            assert_eq!((report.ending, report.decisions.listed.len()), (Ending::Done, 0), "{}", report.sync_summary());
        }
        assert_eq!(here.state(by_second), SyncState::Synced);
    }
}
