//! Pulling: what is new, changed, merged, in conflict, missing, gone and back again.

use mastoc_domain::sync_state::SyncState;
use mastoc_storage::{changes, conflicts};
use mastoc_sync_engine::sync::{ConflictPolicy, MaxDelete, Opened, SyncOptions, Uncut, sync_after};
use mastoc_sync_engine::{Decided, Ending, Silent};
use mastoc_test_support::both_backends;
use serde_json::json;
use uuid::Uuid;

use crate::syncing::*;
use crate::world::{assert_lossless, client, open, prepare, run, small};

both_backends! {
    prepare: prepare;

    fn a_first_run_brings_everything_and_the_next_asks_for_one_page(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        let first = here.sync(&sim, &pull());
        assert_eq!(first.ending, Ending::Done, "{}", first.sync_summary());
        assert_eq!(first.mode, "full", "nothing was known");
        assert_eq!(first.count(Decided::Created), first.gyms[0].listing.distinct);
        assert_eq!(first.counts.climbs.created, first.gyms[0].listing.distinct);
        assert_eq!(first.images.missing_wall_pictures, 0);
        assert!(first.images.copied > 0 && first.watermarks.after.is_some());
        assert_lossless(url, &sim);

        asked(&sim);
        let before = open(url).read(changes::latest).unwrap();
        let second = here.sync(&sim, &pull());
        assert_eq!(second.ending, Ending::Done, "{}", second.sync_summary());
        assert_eq!((second.mode.as_str(), second.decisions.listed.len()), ("incremental", 0));
        let gym = sim.gym_id();
        assert_eq!(asked(&sim), ["/api/users/me".to_owned(), format!("/api/gyms/{gym}/climbs")]);
        assert_eq!(open(url).read(changes::latest).unwrap(), before);
        assert!(second.watermarks.after >= first.watermarks.after);
        let all = here.sync(&sim, &full());
        assert_eq!((all.ending, all.decisions.listed.len()), (Ending::Done, 0), "{}", all.sync_summary());
        assert_eq!(all.counts.climbs.unchanged, first.counts.climbs.created);
        assert_eq!(open(url).read(changes::latest).unwrap(), before);
    }

    fn an_import_and_a_synchronisation_agree(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        run(&sim, url, here.data.path());
        let report = here.sync(&sim, &full());
        assert_eq!((report.ending, report.decisions.listed.len()), (Ending::Done, 0), "{}", report.sync_summary());
        assert_eq!(run(&sim, url, here.data.path()).counts.sum().updated, 0);
    }

    fn what_is_new_comes_with_few_requests_and_what_was_changed_with_a_full_run(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let ids = sim.with_board(|board| board.climb_ids());
        edit_there(&sim, ids[0], "name", json!("Renamed there"));
        edit_there(&sim, ids[1], "totalLikes", json!(77));
        sim.with_board(|board| board.rename_user(board.user_ids()[1], "Somebody Else"));
        let new = sim.with_board(|board| board.invent_climbs(3));
        asked(&sim);
        let report = here.sync(&sim, &pull());
        assert_eq!(report.ending, Ending::Done, "{}", report.sync_summary());
        assert_eq!(report.count(Decided::Created), 3);
        assert!(new.iter().all(|id| here.state(*id) == SyncState::Synced));
        let report = here.sync(&sim, &full());
        let found = decided(&report);
        assert!(found.contains(&(ids[0], Decided::Updated)), "{found:?}");
        assert!(report.counts.climbs.updated >= 2 && report.counts.setters.updated <= 1);
        assert_eq!(here.name(ids[0]), "Renamed there");
        assert_lossless(url, &sim);
    }

    fn a_climb_that_names_a_hold_nobody_knows_brings_the_board_along(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let id = sim.with_board(|board| {
            let face = board.face_ids()[0];
            board.edit_setup(face, |setup| {
                let mut hold = setup["holds"][0].clone();
                hold["id"] = json!(900_001);
                setup["holds"].as_array_mut().unwrap().push(hold);
            });
            board.add_climb("With a new hold", "S900001 T900001", None)
        });
        let report = here.sync(&sim, &pull());
        assert_eq!((report.ending, report.mode.as_str()), (Ending::Done, "incremental"), "{}", report.sync_summary());
        assert_eq!(report.counts.holds.created, 1);
        assert_eq!(here.state(id), SyncState::Synced);
        let odd = sim.with_board(|board| board.add_climb("On no hold", "S777 T777", None));
        let report = here.sync(&sim, &pull());
        assert_eq!(report.ending, Ending::Partial, "{}", report.sync_summary());
        assert_eq!(decided(&report), [(odd, Decided::Quarantined)]);
        assert!(here.try_known(odd).is_none());
    }

    fn both_sides_changes_meet_field_by_field(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let ids = sim.with_board(|board| board.climb_ids());
        let [merged, same, kept, fought]: [Uuid; 4] = ids[..4].try_into().unwrap();
        here.edit(merged, |content| content.feet_rule = Some("Pieds libres".into()));
        edit_there(&sim, merged, "name", json!("Named there"));
        here.rename(same, "Named alike");
        edit_there(&sim, same, "name", json!("Named alike"));
        here.rename(kept, "Named here");
        here.rename(fought, "Ours");
        edit_there(&sim, fought, "name", json!("Theirs"));
        edit_there(&sim, fought, "climbedBy", json!(123));
        let report = here.sync(&sim, &full());
        assert_eq!(report.ending, Ending::Waiting, "{}", report.sync_summary());
        let mut found = decided(&report);
        let mut wanted = vec![
            (merged, Decided::Merged),
            (same, Decided::Rebased),
            (kept, Decided::KeptLocal),
            (fought, Decided::Conflict),
        ];
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
        let states = [merged, same, kept, fought].map(|id| here.state(id));
        assert_eq!(
            states,
            [SyncState::Modified, SyncState::Synced, SyncState::Modified, SyncState::Conflict]
        );
        assert_eq!(here.name(merged), "Named there");
        let whole = here.known(merged).climb.unwrap();
        assert_eq!(whole.canonical.feet_rule.as_deref(), Some("Pieds libres"));
        assert_eq!([here.name(kept), here.name(fought)], ["Named here", "Ours"]);
        let open_ones = || open(url).read(|conn| conflicts::list(conn, conflicts::Which::Open, 0, 9)).unwrap();
        assert_eq!(open_ones().len(), 1);
        assert_eq!(open_ones()[0].theirs.as_ref().unwrap().name, "Theirs");

        // Nothing of it happens twice, and waiting is no news.
        let seen = open(url).read(changes::latest).unwrap();
        let again = here.sync(&sim, &full());
        assert_eq!(again.ending, Ending::Waiting);
        let rest: Vec<Decided> = decided(&again).into_iter().map(|(_, what)| what).collect();
        assert_eq!(rest, [Decided::KeptLocal, Decided::KeptLocal], "{}", again.sync_summary());
        assert_eq!(open(url).read(changes::latest).unwrap(), seen);

        // Stokt comes to say the same: the conflict is over.
        edit_there(&sim, fought, "name", json!("Ours"));
        let report = here.sync(&sim, &full());
        assert_eq!(report.ending, Ending::Done, "{}", report.sync_summary());
        assert_eq!((here.state(fought), open_ones().len()), (SyncState::Synced, 0));
        assert_eq!(here.known(fought).conflict, None);
    }

    fn a_policy_settles_what_would_be_a_conflict(url: &str) {
        for (policy, name, state) in [
            (ConflictPolicy::Stokt, "Theirs", SyncState::Synced),
            (ConflictPolicy::Mastoc, "Ours", SyncState::Modified),
        ] {
            let fresh = crate::world::Fresh::like(url);
            let sim = small().start().unwrap();
            let here = Here::new(fresh.url());
            here.sync(&sim, &pull());
            let id = sim.with_board(|board| board.climb_ids())[0];
            here.rename(id, "Ours");
            edit_there(&sim, id, "name", json!("Theirs"));
            let report = here.sync(&sim, &SyncOptions { policy, ..full() });
            assert_eq!(report.ending, Ending::Done, "{}", report.sync_summary());
            assert_eq!((here.name(id).as_str(), here.state(id)), (name, state));
        }
    }

    fn only_two_absences_far_enough_apart_archive_a_climb_and_it_may_come_back(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let id = sim.with_board(|board| board.climb_ids())[5];
        let raw = sim.with_board(|board| board.climb(id).unwrap());
        sim.with_board(|board| board.delete_climb(id));
        let one = here.sync(&sim, &full());
        assert_eq!((one.ending, one.count(Decided::Archived)), (Ending::Done, 0), "{}", one.sync_summary());
        assert_eq!(here.known(id).link.missing_runs, 1);
        here.hours(&sim, 11);
        assert_eq!(here.sync(&sim, &full()).count(Decided::Archived), 0, "too soon");
        here.hours(&sim, 2);
        let gone = here.sync(&sim, &full());
        assert_eq!(decided(&gone), [(id, Decided::Archived)], "{}", gone.sync_summary());
        assert_eq!(here.state(id), SyncState::Archived);
        here.hours(&sim, 24);
        assert_eq!(here.sync(&sim, &full()).decisions.listed.len(), 0);
        sim.with_board(|board| board.add_raw_climb(raw.as_object().unwrap().clone()));
        let back = here.sync(&sim, &full());
        assert_eq!(decided(&back), [(id, Decided::Unarchived)], "{}", back.sync_summary());
        let known = here.known(id);
        assert_eq!((known.climb.unwrap().sync_state, known.link.missing_runs), (SyncState::Synced, 0));
        assert_lossless(url, &sim);
    }

    fn too_many_absences_stop_the_run_with_nothing_written(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let ids = sim.with_board(|board| board.climb_ids());
        sim.with_board(|board| ids[..6].iter().for_each(|id| assert!(board.delete_climb(*id))));
        assert_eq!(here.sync(&sim, &full()).ending, Ending::Done);
        here.hours(&sim, 13);
        sim.with_board(|board| board.invent_climbs(1));
        let seen = open(url).read(changes::latest).unwrap();
        let stopped = here.sync(&sim, &full());
        assert_eq!((stopped.ending, stopped.exit_code), (Ending::Guard, 4), "{}", stopped.sync_summary());
        assert_eq!(open(url).read(changes::latest).unwrap(), seen);
        assert_eq!(here.known(ids[0]).link.missing_runs, 1);
        let allowed = SyncOptions { max_delete: MaxDelete::Count(6), ..full() };
        assert_eq!(here.sync(&sim, &allowed).count(Decided::Archived), 6);
        sim.with_board(|board| board.delete_all_climbs());
        assert_eq!(here.sync(&sim, &full()).ending, Ending::Guard, "suddenly empty");
    }

    fn a_deletion_here_holds_and_meets_an_edit_there_as_a_conflict(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let ids = sim.with_board(|board| board.climb_ids());
        here.delete(ids[0]);
        here.delete(ids[1]);
        here.delete(ids[2]);
        edit_there(&sim, ids[1], "name", json!("Changed there"));
        sim.with_board(|board| board.delete_climb(ids[2]));
        let report = here.sync(&sim, &full());
        assert_eq!(report.ending, Ending::Waiting, "{}", report.sync_summary());
        assert!(here.known(ids[0]).climb.is_none());
        assert!(here.known(ids[1]).conflict.is_some());
        assert!(here.known(ids[2]).link.base.is_some());
        here.hours(&sim, 13);
        let report = here.sync(&sim, &full());
        assert_eq!(report.count(Decided::Retired), 1, "{}", report.sync_summary());
        assert!(here.known(ids[2]).link.base.is_none());
    }

    fn a_dry_run_tells_and_writes_nothing_and_its_plan_is_carried_out_or_refused(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let ids = sim.with_board(|board| board.climb_ids());
        edit_there(&sim, ids[0], "name", json!("Renamed there"));
        let seen = open(url).read(changes::latest).unwrap();
        let dry = here.sync(&sim, &SyncOptions { dry_run: true, ..full() });
        assert_eq!(dry.ending, Ending::Done, "{}", dry.sync_summary());
        assert_eq!(decided(&dry), [(ids[0], Decided::Updated)]);
        assert_eq!(dry.decisions.listed[0].name.as_deref(), Some("Renamed there"));
        assert_eq!((dry.run, open(url).read(changes::latest).unwrap()), (None, seen));
        let expect = SyncOptions { expect: dry.plan.clone(), ..full() };
        // A like more is no other plan; a name is.
        edit_there(&sim, ids[3], "totalLikes", json!(99));
        edit_there(&sim, ids[1], "name", json!("This too"));
        let stale = here.sync(&sim, &expect);
        assert_eq!((stale.ending, stale.exit_code), (Ending::Guard, 4), "{}", stale.sync_summary());
        assert_eq!(open(url).read(changes::latest).unwrap(), seen);
        let dry = here.sync(&sim, &SyncOptions { dry_run: true, ..full() });
        edit_there(&sim, ids[4], "totalLikes", json!(99));
        let done = here.sync(&sim, &SyncOptions { expect: dry.plan, ..full() });
        assert_eq!((done.ending, done.count(Decided::Updated)), (Ending::Done, 2), "{}", done.sync_summary());
    }

    fn a_second_run_finds_the_lock_taken(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        let store = open(url);
        let look = || Opened::look(&url.parse().unwrap());
        assert!(look().is_ok(), "nobody ran yet");
        let held = mastoc_storage::RunLock::try_acquire(&store, "another").unwrap().unwrap();
        let report = here.sync(&sim, &pull());
        assert_eq!((report.ending, report.exit_code), (Ending::Locked, 6));
        assert!(report.error.unwrap().contains("another"));
        // Whoever looks first asks Stokt nothing, and keeps nobody away.
        asked(&sim);
        let never = || -> Result<Opened, _> { panic!("it was opened") };
        let (options, clock) = (pull(), &here.clock);
        let report = sync_after(look, &client(&sim), never, &options, clock, &Uncut, &Silent);
        assert_eq!((report.ending, report.exit_code), (Ending::Locked, 6));
        assert!(report.error.unwrap().contains("another"));
        assert_eq!(asked(&sim), Vec::<String>::new());
        drop(held);
        assert!(look().is_ok());
        assert_eq!(here.sync(&sim, &pull()).ending, Ending::Done);
    }
}

#[test]
fn looking_at_a_database_that_is_not_there_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let database = mastoc_storage::DatabaseTarget::Sqlite(folder.path().join("none.sqlite3"));
    assert!(Opened::look(&database).is_ok());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
