//! What a run tells while it works.

use std::sync::Mutex;

use mastoc_stokt_client::Cancel;
use mastoc_stokt_sim::Rule;
use mastoc_sync_engine::{Ending, ImportOptions, Observer, Step, import};
use mastoc_test_support::sqlite::fresh_path;

use crate::world::*;

/// Keeps what was said of the climbs.
#[derive(Default)]
struct Climbs {
    total: Mutex<Option<u64>>,
    advances: Mutex<Vec<u64>>,
}

impl Observer for Climbs {
    fn begin(&self, _: Step, _: Option<u64>) {}

    fn total(&self, step: Step, total: u64) {
        assert_eq!(step, Step::Climbs);
        *self.total.lock().unwrap() = Some(total);
    }

    fn advance(&self, step: Step, items: u64) {
        if step == Step::Climbs {
            self.advances.lock().unwrap().push(items);
        }
    }

    fn end(&self, _: Step, _: &str) {}
}

impl Climbs {
    fn told(self) -> (Option<u64>, Vec<u64>) {
        (self.total.into_inner().unwrap(), self.advances.into_inner().unwrap())
    }
}

#[test]
fn climbs_are_told_page_by_page_and_a_resumed_run_knows_what_is_left() {
    let sim = small().start().unwrap();
    let cancel = Cancel::new();
    let stop = cancel.clone();
    sim.faults().push(Rule::change(move |_| stop.cancel()).path("/api/gyms/*/climbs").skip(3).times(1));
    let place = fresh_path();
    let one_batch = ImportOptions { batch_size: 5_000, ..options() };
    let seen = Climbs::default();
    let cut = import(&client_with(&sim, cancel), &target(place.url(), place.folder()), &one_batch, &seen);
    assert_eq!((cut.ending, cut.error.as_deref()), (Ending::Interrupted, Some("stopped on request")));
    assert_eq!(seen.told(), (Some(130), vec![20, 20, 20]), "though all pages are in one batch");

    let seen = Climbs::default();
    let rest = import(&client(&sim), &target(place.url(), place.folder()), &one_batch, &seen);
    assert!(rest.ending == Ending::Done && rest.gyms[0].resumed, "{}", rest.summary());
    assert_eq!(seen.told(), (Some(70), vec![20, 20, 20, 10]));
}
