//! However many climbs there are, only a few pages of them are in memory.

use std::sync::atomic::{AtomicU64, Ordering};

use mastoc_domain::{StoktId, Timestamp};
use mastoc_sync_engine::{
    Batch, Ending, EngineError, Kept, PictureError, PicturePlan, Start, Started, Target, Written,
};
use serde_json::Value;

use crate::world::*;

/// Counts what it is given, slower than the pages come.
#[derive(Default)]
struct Counts {
    climbs: AtomicU64,
    seen: AtomicU64,
    largest: AtomicU64,
}

impl Target for Counts {
    fn describe(&self) -> String {
        "nowhere".into()
    }
    fn begin(&self, _: &Start) -> Result<Started, EngineError> {
        Ok(Started::default())
    }
    fn write(&self, _: StoktId, batch: &Batch) -> Result<Vec<Written>, EngineError> {
        std::thread::sleep(std::time::Duration::from_millis(2));
        self.climbs.fetch_add(batch.climbs.len() as u64, Ordering::SeqCst);
        self.seen.fetch_add(batch.seen.len() as u64, Ordering::SeqCst);
        self.largest.fetch_max(batch.climbs.len() as u64, Ordering::SeqCst);
        Ok(vec![])
    }
    fn seen(&self, _: StoktId) -> Result<u64, EngineError> {
        Ok(self.seen.load(Ordering::SeqCst))
    }
    fn restart_listing(&self, _: StoktId) -> Result<(), EngineError> {
        Ok(())
    }
    fn wanted(&self, _: StoktId) -> Result<Vec<PicturePlan>, EngineError> {
        Ok(vec![])
    }
    fn keep_picture(&self, _: &PicturePlan, bytes: &[u8]) -> Result<Kept, PictureError> {
        Ok(Kept { size_bytes: bytes.len() as u64 })
    }
    fn gym_done(&self, _: StoktId, _: Option<Timestamp>) -> Result<(), EngineError> {
        Ok(())
    }
    fn finish(&self, _: Ending, _: &Value) -> Result<(), EngineError> {
        Ok(())
    }
}

#[test]
fn many_climbs_go_through_in_bounded_batches() {
    let sim = small().climbs(3_000).page_size(100).start().unwrap();
    let target = Counts::default();
    let report = run_into(&sim, &target);
    assert_eq!(report.ending, Ending::Done, "{}", report.summary());
    assert_eq!(target.climbs.load(Ordering::SeqCst), report.gyms[0].listing.distinct);
    assert!(target.largest.load(Ordering::SeqCst) <= 30);
}
