//! A first import, a second one, and what happens when Stokt changes in between.

use mastoc_media::{ImageKind, MediaStore, Sha256Hex};
use mastoc_stokt_sim::Sim;
use mastoc_storage::{changes, runs};
use mastoc_sync_engine::{Decided, Decision, Decisions, Ending, Tally};
use mastoc_test_support::{both_backends, real_board_dir};
use serde_json::json;

use crate::world::*;

both_backends! {
    prepare: prepare;

    fn the_whole_board_comes_in_and_nothing_is_lost(url: &str) {
        let sim = small().faces(2).start().unwrap();
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        let created = |created| Tally { created, ..Tally::default() };
        assert_eq!(report.counts.gyms, created(1));
        assert_eq!(report.counts.faces, created(2));
        assert_eq!(report.counts.holds, created(120));
        assert_eq!(report.counts.climbs.created, report.gyms[0].listing.distinct);
        assert!(report.gyms[0].listing.complete);
        assert_eq!(report.images.missing_wall_pictures, 0);
        assert!(report.images.copied >= 2);
        assert!(report.traffic.requests > 10 && report.traffic.bytes > 10_000);
        assert_lossless(url, &sim);

        // The wall pictures are the source's, byte for byte.
        let media = MediaStore::open(data.path()).unwrap();
        for face in stored(url, &sim).faces {
            let (bytes, _) = client(&sim).fetch_media(&face.picture.unwrap().path, || Ok(Vec::new())).unwrap();
            let kept = std::fs::read(media.path_of(Sha256Hex::of(&bytes), ImageKind::Jpeg)).unwrap();
            assert_eq!(kept, bytes);
        }
        let run = open(url).read(|conn| runs::latest(conn, &report.origin)).unwrap().unwrap();
        assert_eq!((Some(run.id), run.status), (report.run, runs::RunStatus::Done));
        let watermarks = open(url).read(|conn| runs::watermarks(conn, &report.origin, &[gym(&sim)])).unwrap();
        assert_eq!(watermarks, [(gym(&sim), report.watermarks.after.unwrap())]);
        assert_eq!((report.watermarks.before, report.gyms[0].watermarks), (None, report.watermarks));
        assert_eq!(run.report.unwrap()["counts"]["holds"]["created"], 120);
    }

    fn a_second_import_changes_nothing(url: &str) {
        let sim = small().start().unwrap();
        let data = tempfile::tempdir().unwrap();
        let first = run(&sim, url, data.path());
        let before = (stored(url, &sim), open(url).read(changes::latest).unwrap());
        let second = run(&sim, url, data.path());
        assert_eq!(second.ending, Ending::Done, "{}", second.summary());
        let sum = second.counts.sum();
        assert_eq!((sum.created, sum.updated, sum.quarantined), (0, 0, 0), "{}", second.summary());
        assert_eq!(sum.unchanged, first.counts.sum().created);
        assert_eq!((second.images.wanted, second.images.copied), (0, 0));
        assert_eq!((stored(url, &sim), open(url).read(changes::latest).unwrap()), before);
    }

    fn what_changed_at_stokt_is_really_updated(url: &str) {
        let sim = small().start().unwrap();
        let data = tempfile::tempdir().unwrap();
        run(&sim, url, data.path());
        sim.with_board(|board| {
            let ids = board.climb_ids();
            board.edit_climb(ids[0], |climb| {
                climb.insert("name".into(), json!("Renamed \u{1F9D7}"));
                climb.insert("moonPhase".into(), json!({"waning": [1.5, null, 1e300]}));
            });
            board.edit_climb(ids[1], |climb| {
                climb.insert("totalLikes".into(), json!(77));
            });
            board.rename_user(board.user_ids()[1], "Somebody Else");
            board.set_gym_field("newInSummary", json!([true]));
            board.set_wall_field("newInWalls", json!("x"));
            let face = board.face_ids()[0];
            board.edit_setup(face, |setup| {
                setup.insert("newInSetup".into(), json!(0.1));
                setup["holds"][0]["newInHold"] = json!(-0.0);
            });
            board.invent_climbs(2);
        });
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        assert_eq!(report.counts.climbs.created, 2);
        assert!(report.counts.climbs.updated >= 2, "{}", report.summary());
        assert_eq!(report.counts.holds.updated, 1);
        assert_eq!((report.counts.gyms.updated, report.counts.walls.updated, report.counts.faces.updated), (1, 1, 1));
        let decided = |kind: &str, what: Decided| {
            let matches = |one: &&Decision| one.kind == kind && one.decision == what;
            report.decisions.listed.iter().filter(matches).count() as u64
        };
        assert_eq!(decided("climb", Decided::Created), 2);
        assert_eq!(decided("climb", Decided::Updated), report.counts.climbs.updated);
        assert_eq!((decided("hold", Decided::Updated), decided("user", Decided::Updated)), (1, 1));
        let sum = report.counts.sum();
        assert_eq!(report.decisions.listed.len() as u64, sum.created + sum.updated, "and nothing else");
        assert_lossless(url, &sim);
        let again = run(&sim, url, data.path());
        assert_eq!(again.counts.sum().updated, 0, "{}", again.summary());
        assert_eq!(again.decisions, Decisions::default());
    }

    fn the_real_board_comes_back_field_by_field(url: &str) {
        let Some(folder) = real_board_dir() else { return };
        let sim = Sim::builder().data(folder).page_size(100).start().unwrap();
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        assert_eq!((report.counts.holds.created, report.counts.climbs.created), (776, 781));
        assert_lossless(url, &sim);
    }
}
