//! Whatever the pages, the batches hold everything once, in order, and never promise more than they hold.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn refused(number: usize) -> Climb {
    let why = Refused { code: "bad_id", detail: String::new() };
    Climb::Refused(Box::new(Quarantined::new(EntityKind::Climb, &json!({ "id": number }), &why)))
}

fn progress(page: usize, pages: usize) -> Progress {
    let next = (page + 1 < pages).then(|| (page + 1).to_string());
    Progress { next, listing: Listing { pages: page as u64 + 1, ..Listing::default() } }
}

fn cut(pages: &[usize], size: usize) -> Vec<Batch> {
    let mut cutter = Cutter::new(size);
    let mut batches = Vec::new();
    let mut number = 0;
    for (page, records) in pages.iter().enumerate() {
        let numbers: Vec<usize> = (number..number + records).collect();
        number += records;
        let seen = numbers.iter().map(|n| stand_in(&n.to_string())).collect();
        let climbs = numbers.into_iter().map(refused).collect();
        cutter.page(climbs, vec![], seen, progress(page, pages.len()), |batch| batches.push(batch));
    }
    batches.extend(cutter.finish());
    batches
}

proptest! {
    #[test]
    fn batches_hold_everything_once_and_progress_stays_behind_what_is_written(
        pages in proptest::collection::vec(0..30_usize, 1..12),
        size in 1..25_usize,
    ) {
        let batches = cut(&pages, size);
        let records: Vec<String> =
            batches.iter().flat_map(|batch| batch.refused.iter().map(|item| item.stokt_id.clone())).collect();
        let all: Vec<String> = (0..pages.iter().sum::<usize>()).map(|n| n.to_string()).collect();
        prop_assert_eq!(&records, &all);
        let mut written = 0;
        for batch in &batches {
            prop_assert!(batch.refused.len() <= size);
            written += batch.refused.len();
            if let Some(progress) = &batch.progress {
                let promised: usize = pages.iter().take(progress.listing.pages as usize).sum();
                prop_assert!(promised <= written, "going on from here would miss records");
            }
        }
        // Ids count as seen together with the page they stand on, so that both say the same after a crash.
        let mut seen = 0;
        for batch in &batches {
            seen += batch.seen.len();
            if let Some(progress) = &batch.progress {
                let promised: usize = pages.iter().take(progress.listing.pages as usize).sum();
                prop_assert_eq!(promised, seen);
            } else {
                prop_assert!(batch.seen.is_empty());
            }
        }
        let last = batches.iter().rev().find_map(|batch| batch.progress.as_ref());
        prop_assert_eq!(last.map(|progress| progress.next.is_none()), Some(true));
    }
}

#[test]
fn records_without_an_id_are_told_apart_by_their_content() {
    let why = Refused { code: "unreadable", detail: String::new() };
    let id = |record| Quarantined::new(EntityKind::Climb, &record, &why).stokt_id;
    assert_eq!(id(json!({"name": "a"})), id(json!({"name": "a"})));
    assert_ne!(id(json!({"name": "a"})), id(json!({"name": "b"})));
    let large = Quarantined::new(EntityKind::Climb, &json!({"id": 7, "name": "x".repeat(1 << 20)}), &why);
    assert_eq!((large.stokt_id.as_str(), large.record), ("7", None));
}
