//! Runs, checkpoints and what a listing has shown: what lets a killed import go on.

use crate::support::{GYM, Raw, climb, climbs, import_board, migrate, open, sid};
use chrono::TimeDelta;
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{RunId, Timestamp};
use mastoc_storage::checkpoints::{self, Checkpoint};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::runs::{self, RunDirection, RunMode, RunStatus};
use mastoc_storage::{RunLock, Store, StoreError, WriteConn, seen};
use serde_json::json;

const ORIGIN: &str = "https://stokt.example";

fn start(store: &Store) -> RunId {
    store.write(|conn| runs::start(conn, RunDirection::StoktToMastoc, RunMode::Full, ORIGIN)).unwrap()
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_run_is_unfinished_until_it_comes_to_its_end(url: &str) {
        let store = open(url);
        let unfinished = || store.read(|conn| runs::latest_unfinished(conn, ORIGIN)).unwrap().map(|run| run.id);
        assert_eq!(unfinished(), None);
        let run = start(&store);
        assert_eq!(unfinished(), Some(run));
        assert_eq!(store.read(|conn| runs::latest_unfinished(conn, "https://other.example")).unwrap(), None);
        let report = json!({"climbs": {"created": 3}});
        let finish = |run, status| store.write(|conn| runs::finish(conn, run, status, &report));
        finish(run, RunStatus::Interrupted).unwrap();
        assert_eq!(unfinished(), Some(run));
        store.write(|conn| runs::resume(conn, run)).unwrap();
        let read = |run| store.read(|conn| runs::by_id(conn, run)).unwrap();
        assert_eq!(read(run).unwrap().status, RunStatus::Running);
        assert_eq!(read(run).unwrap().finished_at, None);
        finish(run, RunStatus::Done).unwrap();
        assert_eq!(unfinished(), None);
        let done = read(run).unwrap();
        assert_eq!((done.status, done.report), (RunStatus::Done, Some(report.clone())));
        let nobody = finish(RunId::generate(), RunStatus::Done);
        assert!(matches!(nobody, Err(StoreError::NotFound)), "{nobody:?}");
    }

    fn the_last_report_is_that_of_a_run_of_the_same_kind_that_came_to_its_end(url: &str) {
        let store = open(url);
        let last = |direction| store.read(|conn| runs::last_report(conn, direction, ORIGIN)).unwrap();
        assert_eq!(last(RunDirection::Both), None);
        let ended = |direction, origin: &str, status, number: i32| {
            let begin = |conn: &mut WriteConn<'_>| runs::start(conn, direction, RunMode::Incremental, origin);
            let run = store.write(begin).unwrap();
            store.write(|conn| runs::finish(conn, run, status, &json!({ "number": number }))).unwrap();
        };
        ended(RunDirection::Both, ORIGIN, RunStatus::Done, 1);
        ended(RunDirection::Both, ORIGIN, RunStatus::Partial, 2);
        ended(RunDirection::Both, ORIGIN, RunStatus::Failed, 3);
        ended(RunDirection::Both, "https://other.example", RunStatus::Done, 4);
        ended(RunDirection::MastocToStokt, ORIGIN, RunStatus::Waiting, 5);
        store.write(|conn| runs::start(conn, RunDirection::Both, RunMode::Full, ORIGIN)).unwrap();
        assert_eq!(last(RunDirection::Both), Some(json!({ "number": 2 })));
        assert_eq!(last(RunDirection::MastocToStokt), Some(json!({ "number": 5 })));
        assert_eq!(last(RunDirection::StoktToMastoc), None);
    }

    fn old_runs_are_forgotten_but_for_what_something_refers_to(url: &str) {
        let store = open(url);
        let done = |run| {
            store.write(|conn| runs::finish(conn, run, RunStatus::Done, &json!({}))).unwrap();
            run
        };
        let forget = |age| store.write(|conn| runs::forget(conn, age)).unwrap();
        let is_there = |run| store.read(|conn| runs::by_id(conn, run)).unwrap().is_some();
        let first = done(start(&store));
        let marked = done(start(&store));
        let ctx = ImportContext { run: Some(marked), ..ImportContext::default() };
        let at = Timestamp::parse("2025-12-17T10:56:38Z").unwrap();
        store
            .write(|conn| runs::move_watermark(conn, &ctx, marked, ORIGIN, sid(GYM), at))
            .unwrap();
        let last = done(start(&store));
        let after = start(&store);
        forget(TimeDelta::days(1));
        assert!([first, marked, last, after].into_iter().all(is_there), "nothing is a day old");
        forget(TimeDelta::zero());
        assert_eq!([first, marked, last, after].map(is_there), [false, true, true, true]);
    }

    fn a_watermark_belongs_to_one_gym_of_one_origin_and_never_moves_back(url: &str) {
        let store = open(url);
        let run = start(&store);
        let (one, other) = (sid(GYM), sid(GYM + 1));
        let time = |day: u8| Timestamp::parse(&format!("2025-12-{day:02}T10:56:38Z")).unwrap();
        let moves = |gym, at| {
            let ctx = ImportContext { run: Some(run), ..ImportContext::default() };
            store.write(|conn| runs::move_watermark(conn, &ctx, run, ORIGIN, gym, at)).unwrap();
        };
        let marks = |origin| {
            let mut marks = store.read(|conn| runs::watermarks(conn, origin, &[one, other])).unwrap();
            marks.sort_by_key(|(gym, _)| *gym);
            marks
        };
        assert_eq!(marks(ORIGIN), []);
        moves(one, time(17));
        assert_eq!(marks(ORIGIN), [(one, time(17))], "the other gym was not seen");
        moves(other, time(18));
        moves(one, time(19));
        moves(one, time(12));
        assert_eq!(marks(ORIGIN), [(one, time(19)), (other, time(18))]);
        assert_eq!(marks("https://other.example"), []);
    }

    fn a_checkpoint_comes_and_goes_with_its_batch(url: &str) {
        let store = open(url);
        import_board(&store);
        let run = start(&store);
        let ctx = ImportContext { run: Some(run), ..ImportContext::default() };
        let load = || store.read(|conn| checkpoints::load(conn, ORIGIN, sid(GYM))).unwrap();
        assert_eq!(load(), None);
        let mut place = Checkpoint {
            origin: ORIGIN.into(),
            gym: sid(GYM),
            run,
            step: "climbs".into(),
            next_url: Some(format!("{ORIGIN}/climbs?page=2")),
            listing: Some(json!({"count": 12})),
        };
        store
            .write(|conn| {
                import::climbs(conn, &ctx, &climbs(2))?;
                checkpoints::save(conn, &ctx, place.clone())
            })
            .unwrap();
        assert_eq!(load().as_ref(), Some(&place));
        // A batch that fails takes its checkpoint with it.
        let failed: Result<(), StoreError> = store.write(|conn| {
            import::climbs(conn, &ctx, &[climb(2)])?;
            checkpoints::save(conn, &ctx, Checkpoint { next_url: None, ..place.clone() })?;
            Err(StoreError::Invalid("cut".into()))
        });
        assert!(failed.is_err());
        assert_eq!(load().as_ref(), Some(&place));
        assert_eq!(store.read(|conn| runs::linked_count(conn, EntityKind::Climb)).unwrap(), 2);
        place.next_url = None;
        store.write(|conn| checkpoints::save(conn, &ctx, place.clone())).unwrap();
        assert_eq!(load().as_ref(), Some(&place));
        let seen_in = Raw::open(url).text("SELECT CAST(count(*) AS TEXT) AS v FROM sync_links WHERE last_seen_run IS NOT NULL");
        assert_eq!(seen_in, "2");
        store.write(|conn| checkpoints::clear(conn, &ctx, ORIGIN, sid(GYM))).unwrap();
        assert_eq!(load(), None);

        let lost = RunLock::try_acquire(&store, "one").unwrap().unwrap().fence();
        let _next = RunLock::try_acquire(&store, "two").unwrap().unwrap();
        let late = ImportContext { fence: Some(lost), ..ctx };
        let refused = store.write(|conn| checkpoints::save(conn, &late, place.clone()));
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
    }

    fn a_listing_counts_each_record_once(url: &str) {
        let store = open(url);
        let (run, other) = (start(&store), start(&store));
        let add = |run, ids: &[u128]| {
            let ids: Vec<_> = ids.iter().map(|id| sid(*id)).collect();
            store.write(|conn| seen::add(conn, run, &ids)).unwrap()
        };
        assert_eq!(add(run, &[1, 2, 3, 2]), 3);
        assert_eq!(add(run, &[3, 4]), 1);
        assert_eq!(add(run, &[]), 0);
        assert_eq!(add(other, &[1]), 1);
        let count = |run| store.read(|conn| seen::count(conn, run)).unwrap();
        assert_eq!((count(run), count(other)), (4, 1));
        store.write(|conn| seen::clear(conn, run)).unwrap();
        assert_eq!((count(run), count(other)), (0, 1));
    }
}
