//! Pictures are verified before an import is complete.

use mastoc_stokt_sim::{Fault, PictureFault, Rule};
use mastoc_storage::import::pictures;
use mastoc_sync_engine::Ending;
use mastoc_test_support::both_backends;

use crate::world::*;

both_backends! {
    prepare: prepare;

    fn a_bad_wall_picture_makes_the_import_partial(url: &str) {
        for (fault, word) in [
            (PictureFault::Truncated, "cut short"),
            (PictureFault::Oversized(40 << 20), "larger"),
            (PictureFault::WrongDimensions, "320x240"),
            (PictureFault::NotAnImage, "not a JPEG"),
        ] {
            let sim = small().climbs(20).start().unwrap();
            let rule = sim.faults().push(Rule::new(Fault::Picture(fault)));
            let (data, fresh) = (tempfile::tempdir().unwrap(), Fresh::like(url));
            let url = fresh.url();
            let report = run(&sim, url, data.path());
            assert_eq!(report.ending, Ending::Partial, "{}", report.summary());
            assert_eq!(report.images.missing_wall_pictures, 1);
            let issue = report.problems.iter().find(|issue| issue.kind == "wall picture").unwrap();
            assert!(issue.detail.contains(word), "{word}: {}", issue.detail);
            assert!(report.counts.climbs.created > 0, "the climbs came in");
            assert!(sim.faults().remove(rule));
            let healed = run(&sim, url, data.path());
            assert_eq!(healed.ending, Ending::Done, "{}", healed.summary());
        }
    }

    fn a_picture_that_was_cut_once_is_fetched_again(url: &str) {
        let sim = small().climbs(20).start().unwrap();
        sim.faults().push(Rule::new(Fault::Picture(PictureFault::Truncated)).times(2));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        let complete = open(url).read(|conn| pictures::complete(conn, &[gym(&sim)])).unwrap();
        assert!(complete);
    }

    fn a_wall_picture_that_once_came_as_a_page_is_asked_for_again(url: &str) {
        let sim = small().climbs(20).start().unwrap();
        sim.faults().push(Rule::new(Fault::Html).path("/media/*walls*").times(1));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        assert!(open(url).read(|conn| pictures::complete(conn, &[gym(&sim)])).unwrap());
    }

    fn missing_avatars_are_only_noted(url: &str) {
        let sim = small().start().unwrap();
        sim.faults().push(Rule::status(404).path("/media/*avatar*"));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        let avatars = stored(url, &sim).users.iter().filter(|user| user.avatar_path.is_some()).count();
        assert!(avatars > 0);
        assert_eq!(report.images.missing_avatars, avatars as u64, "{}", report.summary());
        assert_eq!(report.notes.iter().filter(|note| note.kind == "avatar").count(), avatars);
    }

    fn avatars_are_not_asked_for_one_by_one_where_stokt_gives_none(url: &str) {
        let sim = small().setters(40).climbs(160).start().unwrap();
        sim.faults().push(Rule::status(503).path("/media/*avatar*"));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        // Stokt itself answers, so that the import comes to its end, and the next run asks again.
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        let avatars = stored(url, &sim).users.iter().filter(|user| user.avatar_path.is_some()).count();
        assert!(avatars > 3, "{avatars}");
        assert_eq!(report.images.missing_avatars, avatars as u64, "{}", report.summary());
        let skipped = report.notes.iter().filter(|note| note.detail.starts_with("not asked for")).count();
        assert_eq!(skipped, avatars - 3);
        sim.faults().clear();
        let again = run(&sim, url, data.path());
        assert_eq!((again.images.missing_avatars, again.images.copied), (0, avatars as u64), "{}", again.summary());
    }

    fn a_service_that_goes_away_among_the_avatars_ends_the_run(url: &str) {
        let sim = small().setters(40).climbs(160).start().unwrap();
        // From the first avatar on nothing is answered any more.
        sim.faults().push(Rule::status(503).path("/media/*avatar*"));
        sim.faults().push(Rule::status(503).path("/api/version"));
        let data = tempfile::tempdir().unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Temporary, "{}", report.summary());
        sim.faults().clear();
        let again = run(&sim, url, data.path());
        assert_eq!((again.ending, again.images.missing_avatars), (Ending::Done, 0), "{}", again.summary());
    }

    fn a_new_picture_is_a_new_version(url: &str) {
        let sim = small().climbs(20).start().unwrap();
        let data = tempfile::tempdir().unwrap();
        run(&sim, url, data.path());
        let face = sim.face_ids()[0];
        let bytes = {
            let old = stored(url, &sim).faces[0].picture.clone().unwrap();
            client(&sim).fetch_media(&old.path, || Ok(Vec::new())).unwrap().0
        };
        let path = sim.with_board(|board| board.set_picture(face, bytes, 226, 300)).unwrap();
        let report = run(&sim, url, data.path());
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        assert_eq!((report.counts.faces.updated, report.images.copied), (1, 1), "{}", report.summary());
        assert_eq!(stored(url, &sim).faces[0].picture.as_ref().unwrap().path, path);
        assert_lossless(url, &sim);
        let again = run(&sim, url, data.path());
        assert_eq!((again.counts.sum().updated, again.images.copied), (0, 0), "{}", again.summary());
    }

    fn a_picture_whose_file_was_lost_or_cut_is_fetched_again(url: &str) {
        let sim = small().climbs(20).start().unwrap();
        let data = tempfile::tempdir().unwrap();
        let first = run(&sim, url, data.path());
        assert_eq!(run(&sim, url, data.path()).images.wanted, 0);
        let mut files = files_below(&data.path().join("media"));
        assert_eq!(files.len() as u64, first.images.copied, "every picture is there");
        files.sort_by_key(|file| std::fs::metadata(file).unwrap().len());
        let before: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        // The largest is the wall's.
        let (wall, avatar) = (files.last().unwrap(), files.first().unwrap());
        std::fs::OpenOptions::new().write(true).open(wall).unwrap().set_len(1000).unwrap();
        std::fs::remove_file(avatar).unwrap();

        let healed = run(&sim, url, data.path());
        assert_eq!((healed.ending, healed.images.wanted, healed.images.copied), (Ending::Done, 2, 2));
        assert_eq!(healed.counts.sum().updated, 0, "{}", healed.summary());
        let after: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        assert!(after == before, "the bytes are the same again");
        assert_eq!(run(&sim, url, data.path()).images.wanted, 0);
    }
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
