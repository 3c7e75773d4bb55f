//! What an operator asks beside synchronising: whether all is well, with the pictures and with Stokt, too; and what a run
//! says that cannot keep its report.

use std::fs;
use std::path::{Path, PathBuf};

use mastoc_domain::sync_state::Direction;
use mastoc_domain::{ClimbId, StoktId, Timestamp};
use mastoc_stokt_client::Client;
use mastoc_stokt_sim::{Fault, Rule, Sim};
use mastoc_storage::import::ImportContext;
use mastoc_storage::{StoreError, Viewer, climbs as reading, unlinking};
use mastoc_sync_engine::sync::keep::{self, Verified};
use mastoc_sync_engine::{
    Batch, Ending, EngineError, Kept, PictureError, PicturePlan, Start, Started, StoreTarget, Target,
    Written, import,
};
use mastoc_test_support::both_backends;
use serde_json::{Value, json};

use crate::syncing::*;
use crate::world::*;

fn verify(url: &str, data: &Path, sim: Option<&Sim>) -> Verified {
    let client = sim.map(client);
    keep::verify(&url.parse().unwrap(), Some(data), client.as_ref(), &mut |_| {}).unwrap()
}

/// What was found: the words, how bad, and how many.
fn found(verified: &Verified) -> Vec<(&str, &str, u64)> {
    for finding in &verified.findings {
        assert!(!finding.mend.is_empty() && !finding.what.is_empty());
        assert!(verified.table().contains(finding.mend), "{}", verified.table());
        assert!(verified.table().contains(&finding.named[0]), "{}", verified.table());
    }
    verified.findings.iter().map(|finding| (finding.code, finding.level, finding.count)).collect()
}

fn pictures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(pictures(&entry));
        } else if entry.extension().is_some_and(|kind| kind == "jpg" || kind == "png") {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// A target that does everything but keep its report.
struct Forgetful(StoreTarget);

impl Target for Forgetful {
    fn describe(&self) -> String {
        self.0.describe()
    }
    fn begin(&self, start: &Start) -> Result<Started, EngineError> {
        self.0.begin(start)
    }
    fn write(&self, gym: StoktId, batch: &Batch) -> Result<Vec<Written>, EngineError> {
        self.0.write(gym, batch)
    }
    fn seen(&self, gym: StoktId) -> Result<u64, EngineError> {
        self.0.seen(gym)
    }
    fn restart_listing(&self, gym: StoktId) -> Result<(), EngineError> {
        self.0.restart_listing(gym)
    }
    fn wanted(&self, gym: StoktId) -> Result<Vec<PicturePlan>, EngineError> {
        self.0.wanted(gym)
    }
    fn keep_picture(&self, picture: &PicturePlan, bytes: &[u8]) -> Result<Kept, PictureError> {
        self.0.keep_picture(picture, bytes)
    }
    fn gym_done(&self, gym: StoktId, watermark: Option<Timestamp>) -> Result<(), EngineError> {
        self.0.gym_done(gym, watermark)
    }
    fn finish(&self, _: Ending, _: &Value) -> Result<(), EngineError> {
        Err(StoreError::Unavailable("the disk is full".to_owned()).into())
    }
}

both_backends! {
    prepare: prepare;

    fn verifying_finds_nothing_wrong_with_what_was_imported(url: &str) {
        let sim = small().start().unwrap();
        let data = tempfile::tempdir().unwrap();
        run(&sim, url, data.path());
        let verified = verify(url, data.path(), Some(&sim));
        assert_eq!(found(&verified), []);
        assert_eq!((verified.ok, verified.exit_code(), verified.listed), (true, 0, Some(130)));
        assert_eq!(verified.pictures, u64::try_from(pictures(data.path()).len()).unwrap());
        assert!(verified.pictures > 0);
        assert_eq!(verify(url, data.path(), None).listed, None);
    }

    fn verifying_hashes_every_picture_again(url: &str) {
        let sim = small().start().unwrap();
        let data = tempfile::tempdir().unwrap();
        run(&sim, url, data.path());
        let files = pictures(data.path());
        assert!(files.len() > 2, "a wall and avatars");
        let mut bytes = fs::read(&files[0]).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&files[0], &bytes).unwrap();
        fs::remove_file(&files[1]).unwrap();
        fs::write(files[2].with_file_name("left.jpg"), b"x").unwrap();
        let verified = verify(url, data.path(), None);
        let expected =
            [("picture_missing", "fault", 1), ("picture_damaged", "fault", 1), ("picture_nobodys", "note", 1)];
        assert_eq!(found(&verified), expected);
        assert_eq!((verified.ok, verified.exit_code()), (false, 1));
        // As the findings say: what is damaged is removed, and then fetched again with what is missing.
        fs::remove_file(&files[0]).unwrap();
        fs::remove_file(files[2].with_file_name("left.jpg")).unwrap();
        run(&sim, url, data.path());
        assert_eq!(found(&verify(url, data.path(), None)), []);
    }

    fn verifying_compares_every_link_with_stokt(url: &str) {
        let sim = small().start().unwrap();
        let data = tempfile::tempdir().unwrap();
        run(&sim, url, data.path());
        let ids = sim.with_board(|board| board.climb_ids());
        sim.with_board(|board| {
            assert!(board.delete_climb(ids[0]));
            board.invent_climbs(3);
        });
        edit_there(&sim, ids[1], "name", json!("Somebody renamed it"));
        edit_there(&sim, ids[2], "climbedBy", json!(77));
        let verified = verify(url, data.path(), Some(&sim));
        let expected = [("absent_at_stokt", "note", 1), ("changed_at_stokt", "note", 1), ("new_at_stokt", "note", 3)];
        assert_eq!(found(&verified), expected);
        assert_eq!(verified.findings[0].named, [ids[0].to_string()]);
        assert_eq!(verified.findings[1].named, [ids[1].to_string()]);
        assert!(verified.ok, "notes are no faults");
        // Nothing was written by looking.
        assert_eq!(found(&verify(url, data.path(), Some(&sim))), expected);

        edit_there(&sim, ids[3], "holdsList", json!(7));
        sim.faults().push(Rule::new(Fault::CountDrift { by: 1 }));
        let verified = verify(url, data.path(), Some(&sim));
        let words: Vec<&str> = found(&verified).iter().map(|(word, ..)| *word).collect();
        // A listing that is not whole proves nobody absent.
        assert_eq!(words, ["listing_incomplete", "changed_at_stokt", "unreadable_at_stokt", "new_at_stokt"]);
    }

    fn private_climbs_are_missed_by_their_account_only(url: &str) {
        let sim = small().page_size(500).start().unwrap();
        hide_private(&sim);
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let secret = private_there(&sim);
        assert!(!secret.is_empty());
        let second = second_account(&sim);
        let look = |client: &Client| {
            let database = url.parse().unwrap();
            let verified = keep::verify(&database, Some(here.data.path()), Some(client), &mut |_| {}).unwrap();
            (verified.findings.iter().map(|one| (one.code, one.named.clone())).collect::<Vec<_>>(), verified.listed)
        };
        let own = client(&sim);
        let all = sim.with_board(|board| board.climb_ids().len()) as u64;
        assert_eq!(look(&own), (vec![], Some(all)), "the account's own list shows them");
        assert_eq!(look(&second), (vec![], Some(all - secret.len() as u64)), "no pull of its would archive them");
        assert!(sim.with_board(|board| board.delete_climb(secret[0])));
        assert_eq!(look(&own).0, [("absent_at_stokt", vec![secret[0].to_string()])]);
        assert_eq!(look(&second).0, []);
    }

    fn a_climb_that_was_unlinked_is_new_to_stokts_side(url: &str) {
        let sim = small().start().unwrap();
        let data = tempfile::tempdir().unwrap();
        run(&sim, url, data.path());
        let id = StoktId(sim.with_board(|board| board.climb_ids()[0]));
        let work: Result<ClimbId, StoreError> = open(url).write(|conn| {
            let climb = reading::by_stokt_id(conn, Viewer::Service, id)?.unwrap().id;
            unlinking::unlink(conn, &ImportContext::default(), climb, Direction::MastocToStokt)?;
            Ok(climb)
        });
        work.unwrap();
        let verified = verify(url, data.path(), Some(&sim));
        assert_eq!(found(&verified), [("new_at_stokt", "note", 1)]);
        assert_eq!(verified.findings[0].named, [id.to_string()]);
    }

    fn a_run_that_cannot_keep_its_report_says_so(url: &str) {
        let sim = small().climbs(20).start().unwrap();
        let data = tempfile::tempdir().unwrap();
        let bad = sim.faults().push(Rule::status(404).path("/media/*walls*"));
        for ending in [Ending::Partial, Ending::Temporary] {
            let report = import(&client(&sim), &Forgetful(target(url, data.path())), &options(), &mastoc_sync_engine::Silent);
            assert_eq!(report.ending, ending, "{}", report.summary());
            assert!(report.error.as_deref().is_some_and(|why| why.contains("report could not be kept")));
            assert_eq!(report.exit_code, ending.exit_code());
            sim.faults().remove(bad);
        }
    }
}
