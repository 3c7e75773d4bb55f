//! Whether a listing showed everything there is: the proof that outlives a crash.

use mastoc_domain::Timestamp;
use serde::{Deserialize, Serialize};

/// What is known of a listing, without its ids, which the target counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Stokt's count on the first page.
    pub count_first: Option<u64>,
    /// Stokt's count on the last page read.
    pub count_last: Option<u64>,
    /// Whether the count ever changed underway, or was missing.
    pub count_changed: bool,
    /// Pages read.
    pub pages: u64,
    /// Records that came more than once.
    pub repeats: u64,
    /// Whether the last page was read.
    pub ended: bool,
    /// When it began, on Stokt's clock: what changed there later may not be in it.
    #[serde(default)]
    pub began: Option<Timestamp>,
}

impl Listing {
    /// Takes a page into account. `count`: Stokt's count on it; `is_last`: no page follows.
    pub fn page(&mut self, count: Option<u64>, repeats: u64, is_last: bool) {
        if self.pages == 0 {
            self.count_first = count;
        } else {
            self.count_changed |= self.count_last != count;
        }
        self.count_changed |= count.is_none();
        self.count_last = count;
        self.pages += 1;
        self.repeats += repeats;
        self.ended = is_last;
    }

    /// Complete: read to the end, the count never changed, and as many different records as counted (`distinct`).
    #[must_use]
    pub fn is_complete(&self, distinct: u64) -> bool {
        self.ended && !self.count_changed && self.count_first == Some(distinct)
    }

    /// Why it is not complete, for a person; `None` when it is.
    #[must_use]
    pub fn flaw(&self, distinct: u64) -> Option<String> {
        let counted =
            |count: Option<u64>| count.map_or_else(|| "nothing".to_owned(), |count| count.to_string());
        if self.is_complete(distinct) {
            None
        } else if !self.ended {
            Some(format!("the listing broke off after {} pages", self.pages))
        } else if self.count_changed {
            let (first, last) = (counted(self.count_first), counted(self.count_last));
            Some(format!(
                "Stokt's count changed while listing ({first} on the first page, {last} on the last)"
            ))
        } else {
            Some(format!("Stokt counts {} climbs, the listing showed {distinct}", counted(self.count_first)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_means_ended_stable_and_all_there() {
        let mut listing = Listing::default();
        listing.page(Some(3), 0, false);
        assert!(listing.flaw(2).unwrap().contains("broke off"));
        listing.page(Some(3), 1, true);
        assert!(listing.is_complete(3) && listing.flaw(3).is_none());
        assert!(listing.flaw(2).unwrap().contains("showed 2"));

        let mut drifting = Listing::default();
        drifting.page(Some(3), 0, false);
        drifting.page(Some(4), 0, false);
        drifting.page(Some(3), 0, true);
        assert!(drifting.flaw(3).unwrap().contains("changed"), "even when it changed back");

        let mut silent = Listing::default();
        silent.page(None, 0, true);
        assert!(!silent.is_complete(0));
    }
}
