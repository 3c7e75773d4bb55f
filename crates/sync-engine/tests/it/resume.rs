//! An import that stops anywhere goes on, and ends like one that did not stop.

use std::sync::atomic::{AtomicI64, Ordering};

use mastoc_domain::{StoktId, Timestamp};
use mastoc_stokt_sim::Sim;
use mastoc_storage::StoreError;
use mastoc_sync_engine::{
    Batch, Ending, EngineError, ImportOptions, Kept, PictureError, PicturePlan, Report, Silent, Start,
    Started, StoreTarget, Target, Written, import,
};
use mastoc_test_support::both_backends;
use serde_json::Value;

use crate::world::*;

/// Fails at the n-th write, before it or after it is committed, and at everything from then on: as a killed process.
struct Dies {
    inner: StoreTarget,
    left: AtomicI64,
    after_commit: bool,
}

impl Dies {
    fn dead() -> EngineError {
        EngineError::Store(StoreError::Internal("killed".into()))
    }

    fn step<T>(&self, work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        match left {
            1.. => work(),
            0 if self.after_commit => {
                work()?;
                Err(Self::dead())
            }
            _ => Err(Self::dead()),
        }
    }
}

impl Target for Dies {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn begin(&self, start: &Start) -> Result<Started, EngineError> {
        self.inner.begin(start)
    }
    fn write(&self, gym: StoktId, batch: &Batch) -> Result<Vec<Written>, EngineError> {
        self.step(|| self.inner.write(gym, batch))
    }
    fn seen(&self, gym: StoktId) -> Result<u64, EngineError> {
        self.inner.seen(gym)
    }
    fn restart_listing(&self, gym: StoktId) -> Result<(), EngineError> {
        self.step(|| self.inner.restart_listing(gym))
    }
    fn wanted(&self, gym: StoktId) -> Result<Vec<PicturePlan>, EngineError> {
        self.inner.wanted(gym)
    }
    fn keep_picture(&self, picture: &PicturePlan, bytes: &[u8]) -> Result<Kept, PictureError> {
        let mut kept = None;
        self.step(|| {
            kept = Some(self.inner.keep_picture(picture, bytes));
            Ok(())
        })
        .map_err(PictureError::Target)?;
        kept.unwrap()
    }
    fn gym_done(&self, gym: StoktId, watermark: Option<Timestamp>) -> Result<(), EngineError> {
        self.step(|| self.inner.gym_done(gym, watermark))
    }
    fn finish(&self, _: Ending, _: &Value) -> Result<(), EngineError> {
        // A killed process writes no report.
        Ok(())
    }
}

/// Many batches, many places to stop.
fn small_batches(sim: &Sim, target: &dyn Target) -> Report {
    import(&client(sim), target, &ImportOptions { batch_size: 7, ..options() }, &Silent)
}

both_backends! {
    prepare: prepare;

    fn a_stop_at_any_write_ends_like_an_uninterrupted_import(url: &str) {
        let sim = small().climbs(70).setters(4).page_size(10).start().unwrap();
        let reference = {
            let place = mastoc_test_support::sqlite::fresh_path();
            let report = run(&sim, place.url(), place.folder());
            assert_eq!(report.ending, Ending::Done, "{}", report.summary());
            stored(place.url(), &sim)
        };
        let data = tempfile::tempdir().unwrap();
        let mut stops = 0;
        // One database, killed again and again: each run must get at least one write further.
        for allowed in 1.. {
            assert!(allowed < 200, "it never gets through");
            let target =
                Dies { inner: target(url, data.path()), left: AtomicI64::new(allowed), after_commit: allowed % 2 == 0 };
            let report = small_batches(&sim, &target);
            if report.ending == Ending::Done {
                break;
            }
            assert_eq!(report.ending, Ending::Failed, "{}", report.summary());
            stops += 1;
        }
        assert!(stops > 8, "only {stops} stops");
        assert_eq!(stored(url, &sim), reference);
        let again = run(&sim, url, data.path());
        assert_eq!((again.ending, again.counts.sum().created, again.counts.sum().updated), (Ending::Done, 0, 0));
    }

    fn every_single_stop_is_healed_by_one_more_run(url: &str) {
        let sim = small().climbs(45).setters(3).holds(20).page_size(10).start().unwrap();
        for (allowed, after_commit) in (0..14).map(|allowed| (allowed, allowed % 2 == 1)) {
            let (data, fresh) = (tempfile::tempdir().unwrap(), Fresh::like(url));
            let url = fresh.url();
            let target = Dies { inner: target(url, data.path()), left: AtomicI64::new(allowed), after_commit };
            let cut = small_batches(&sim, &target);
            drop(target);
            let rest = run(&sim, url, data.path());
            assert_eq!(rest.ending, Ending::Done, "after {allowed} writes: {}\n{}", cut.summary(), rest.summary());
            let ours = stored(url, &sim);
            let (board, climbs) = source(&sim);
            assert_eq!(ours.board(), board);
            assert_eq!(ours.climbs(), climbs);
        }
    }
}
