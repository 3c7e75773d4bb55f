//! What a run must not mistake: clocks for time, another account's view for the whole, its own work for somebody
//! else's.

use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::{Fault, Rule};
use mastoc_storage::runs::RunDirection;
use mastoc_sync_engine::sync::{Selection, SyncOptions, Uncut};
use mastoc_sync_engine::{Decided, Ending};
use mastoc_test_support::both_backends;
use serde_json::json;
use uuid::Uuid;

use crate::syncing::*;
use crate::world::{prepare, run, small};

fn both_ways() -> SyncOptions {
    SyncOptions { direction: RunDirection::Both, selection: Selection::AllLocal, ..full() }
}

both_backends! {
    prepare: prepare;

    fn our_clock_says_nothing_about_how_long_a_climb_is_missing(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let id = sim.with_board(|board| board.climb_ids())[5];
        sim.with_board(|board| board.delete_climb(id));
        here.sync(&sim, &full());
        for jump in [48, -96, 48] {
            here.clock.advance(jump * 3600);
            assert_eq!(here.sync(&sim, &full()).count(Decided::Archived), 0, "only our clock moved");
        }
        sim.advance(chrono::TimeDelta::hours(13));
        here.clock.advance(-48 * 3600);
        assert_eq!(decided(&here.sync(&sim, &full())), [(id, Decided::Archived)]);
    }

    fn another_account_s_view_archives_no_private_climbs(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let secret = private_there(&sim);
        assert!(!secret.is_empty());
        let second = second_account(&sim);
        for _ in 0..3 {
            let report = here.sync_as(&second, &full(), &Uncut);
            assert_eq!(report.ending, Ending::Done, "{}", report.sync_summary());
            here.hours(&sim, 13);
        }
        assert!(secret.iter().all(|id| here.state(*id) == SyncState::Synced && here.known(*id).link.missing_runs == 0));
        // A public one of the first account is seen by both.
        let public = sim.with_board(|board| board.climb_ids()).into_iter().find(|id| !secret.contains(id)).unwrap();
        sim.with_board(|board| board.delete_climb(public));
        sim.with_board(|board| board.delete_climb(secret[0]));
        for client in [&second, &second] {
            here.sync_as(client, &full(), &Uncut);
            here.hours(&sim, 13);
        }
        assert_eq!((here.state(public), here.state(secret[0])), (SyncState::Archived, SyncState::Synced));
        // Its own account misses it.
        here.sync(&sim, &full());
        here.hours(&sim, 13);
        let report = here.sync(&sim, &full());
        assert_eq!(decided(&report), [(secret[0], Decided::Archived)], "{}", report.sync_summary());
    }

    fn private_climbs_that_no_listing_shows_are_pulled_with_the_account_s_own(url: &str) {
        let sim = small().page_size(500).start().unwrap();
        hide_private(&sim);
        let here = Here::new(url);
        let secret = private_there(&sim);
        assert!(!secret.is_empty());
        let first = here.sync(&sim, &pull());
        assert_eq!(first.ending, Ending::Done, "{}", first.sync_summary());
        assert!(secret.iter().all(|id| here.state(*id) == SyncState::Synced));
        assert_eq!(here.sync(&sim, &full()).decisions.listed.len(), 0);
        edit_there(&sim, secret[0], "name", json!("Renamed in secret"));
        let report = here.sync(&sim, &SyncOptions { full: false, ..both_ways() });
        assert_eq!((report.mode.as_str(), decided(&report)), ("incremental", vec![(secret[0], Decided::Updated)]));
        assert_eq!(here.name(secret[0]), "Renamed in secret");
        let new = sim.with_board(|board| {
            let id = board.add_climb("New in secret", "S1 T2", None);
            let holds = board.climb(secret[0]).unwrap()["holdsList"].clone();
            board.edit_climb(id, |climb| {
                climb.insert("holdsList".into(), holds);
                climb.insert("isPrivate".into(), json!(true));
            });
            id
        });
        let report = here.sync(&sim, &SyncOptions { full: false, ..both_ways() });
        assert_eq!(decided(&report), [(new, Decided::Created)], "{}", report.sync_summary());
        // They can be missed as well.
        sim.with_board(|board| board.delete_climb(new));
        here.sync(&sim, &full());
        here.hours(&sim, 13);
        assert_eq!(decided(&here.sync(&sim, &full())), [(new, Decided::Archived)]);
    }

    fn many_climbs_that_stokt_took_a_little_differently_are_no_surprise(url: &str) {
        let sim = small().climbs(5).start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let climbs: Vec<_> = (0..60).map(|n| here.create(&sim, &format!("Ours {n}"), n)).collect();
        let sent = here.sync(&sim, &both_ways());
        assert_eq!(sent.count(Decided::Sent), 60, "{}", sent.sync_summary());
        let there: Vec<Uuid> = climbs.iter().map(|id| here.there(*id).unwrap()).collect();
        there.iter().for_each(|id| edit_there(&sim, *id, "tags", json!("by stokt")));
        let report = here.sync(&sim, &both_ways());
        assert_eq!((report.ending, report.count(Decided::Updated)), (Ending::Done, 60), "{}", report.sync_summary());
        // Were they changed now, somebody would have to look.
        there.iter().for_each(|id| edit_there(&sim, *id, "tags", json!("again")));
        assert_eq!(here.sync(&sim, &both_ways()).ending, Ending::Guard);
    }

    fn conflicts_that_wait_are_no_surprise(url: &str) {
        let sim = small().climbs(25).start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let ids = sim.with_board(|board| board.climb_ids());
        for (at, half) in ids.chunks(ids.len().div_ceil(2)).enumerate() {
            for id in half {
                here.rename(*id, &format!("Ours {at}"));
                edit_there(&sim, *id, "name", json!("Theirs"));
            }
            let report = here.sync(&sim, &full());
            assert_eq!(report.ending, Ending::Waiting, "{}", report.sync_summary());
        }
        let report = here.sync(&sim, &full());
        assert_eq!(report.ending, Ending::Waiting, "{}", report.sync_summary());
    }

    fn what_was_sent_and_is_not_settled_is_not_made_anew_by_others(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let second = second_account(&sim);
        let climb = here.create(&sim, "Sent, and then?", 3);
        sim.faults().push(Rule::cut(0).method("POST").times(1).carried_out());
        let sent = here.sync(&sim, &both_ways());
        assert_eq!(sent.count(Decided::Unknown), 1, "{}", sent.sync_summary());
        let there = sim.with_board(|board| board.climbs_named("Sent, and then?"));
        assert_eq!(there.len(), 1);
        let twin = there[0];

        let other = here.sync_as(&second, &full(), &Uncut);
        assert_eq!(other.count(Decided::Created), 0, "{}", other.sync_summary());
        assert!(here.try_known(twin).is_none());
        let imported = run(&sim, url, here.data.path());
        assert_eq!((imported.exit_code, imported.counts.climbs.created), (0, 0), "{imported:?}");
        let told = imported.notes.iter().find(|note| note.stokt_id == twin.to_string());
        assert_eq!(told.map(|note| note.code.as_str()), Some("awaited"), "{:?}", imported.notes);
        assert!(here.try_known(twin).is_none());

        let report = here.sync(&sim, &both_ways());
        assert_eq!(report.count(Decided::Adopted), 1, "{}", report.sync_summary());
        assert_eq!(here.there(climb), Some(twin));
        assert_eq!(run(&sim, url, here.data.path()).notes.len(), 0);
    }

    fn a_watermark_stays_where_it_was_when_the_pull_was_not_whole(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        // Not even a first one.
        sim.faults().push(Fault::Count { count: 1_000 });
        let broken = here.sync(&sim, &pull());
        assert_eq!((broken.ending, broken.watermarks.after), (Ending::Partial, None), "{}", broken.sync_summary());
        sim.faults().clear();
        let whole = here.sync(&sim, &pull());
        assert_eq!(whole.mode, "full");
        let mark = whole.watermarks.after;
        assert!(mark.is_some());
        here.hours(&sim, 24);
        let seen = |options: &SyncOptions| here.sync(&sim, &SyncOptions { dry_run: true, ..options.clone() }).watermarks.before;
        for incremental in [true, false] {
            let options = SyncOptions { full: !incremental, ..pull() };
            sim.faults().push(Fault::Count { count: 1_000 });
            let broken = here.sync(&sim, &options);
            assert_eq!((broken.ending, broken.watermarks.after), (Ending::Partial, mark));
            sim.faults().clear();
            assert_eq!(seen(&options), mark);
            sim.faults().push(Rule::status(401).path("/api/gyms/*/climbs"));
            assert_eq!(here.sync(&sim, &options).ending, Ending::Credentials);
            sim.faults().clear();
            assert_eq!(seen(&options), mark);
            // Cut between the batches.
            sim.with_board(|board| board.invent_climbs(3));
            let cut = here.sync_with(&sim, &options, &At("pull.batch"));
            assert!(cut.error.is_some(), "{}", cut.sync_summary());
            assert_eq!(seen(&options), mark);
        }
        let after = here.sync(&sim, &pull()).watermarks.after;
        assert!(after > mark, "{after:?}");
    }
}

/// Ends a run at the first point of a name, as a crash would.
pub struct At(pub &'static str);

impl mastoc_sync_engine::sync::Points for At {
    fn reached(&self, name: &'static str) -> Result<(), mastoc_sync_engine::EngineError> {
        if name == self.0 { Err(mastoc_sync_engine::EngineError::Stopped(name)) } else { Ok(()) }
    }
}
