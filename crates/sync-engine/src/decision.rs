//! What a run decided about single records, as its report lists it.

use mastoc_domain::import::ItemStatus;
use mastoc_domain::sync_state::EntityKind;
use serde::{Deserialize, Serialize};

/// Most decisions that a report lists; the rest is counted.
const MOST_LISTED: usize = 10_000;

/// What was decided about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// It becomes a new row.
    Created,
    /// The row takes over what changed.
    Updated,
    /// The row keeps its local changes.
    KeptLocal,
    /// It is refused, and kept aside; why stands among the problems.
    Quarantined,
}

impl Decided {
    /// `None` for a record that said the same already: those are only counted.
    #[must_use]
    pub fn from_status(status: &ItemStatus) -> Option<Self> {
        match status {
            ItemStatus::Created => Some(Self::Created),
            ItemStatus::Updated => Some(Self::Updated),
            ItemStatus::Exists => None,
            ItemStatus::KeptLocal => Some(Self::KeptLocal),
            ItemStatus::Failed(_) => Some(Self::Quarantined),
        }
    }
}

/// One record's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What it is: `climb`, `hold`, `user`, ...
    pub kind: String,
    /// Its id at Stokt, or what stands in its place.
    pub stokt_id: String,
    /// What was decided.
    pub decision: Decided,
}

impl Decision {
    /// The decision about the record `stokt_id`.
    #[must_use]
    pub fn new(kind: EntityKind, stokt_id: impl Into<String>, decision: Decided) -> Self {
        Self { kind: kind.as_str().to_owned(), stokt_id: stokt_id.into(), decision }
    }
}

/// The decisions of a run, the first of them listed and all counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decisions {
    /// In the order of writing.
    #[serde(rename = "decisions")]
    pub listed: Vec<Decision>,
    /// How many are not listed: too many, or made by an older server that only tells how many there were.
    #[serde(rename = "decisions_omitted")]
    pub omitted: u64,
}

impl Decisions {
    /// Takes in a batch's decisions; `made` is how many there were.
    pub(crate) fn add(&mut self, batch: Vec<Decision>, made: u64) {
        let room = MOST_LISTED.saturating_sub(self.listed.len());
        let before = self.listed.len();
        self.listed.extend(batch.into_iter().take(room));
        let listed = u64::try_from(self.listed.len() - before).unwrap_or(u64::MAX);
        self.omitted += made.saturating_sub(listed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_decisions_is_counted_and_not_kept() {
        let mut decisions = Decisions::default();
        let one = Decision::new(EntityKind::Climb, "1", Decided::Created);
        decisions.add(vec![one.clone(); 9_999], 9_999);
        assert_eq!((decisions.listed.len(), decisions.omitted), (9_999, 0));
        decisions.add(vec![one; 3], 5);
        assert_eq!((decisions.listed.len(), decisions.omitted), (10_000, 4));
    }
}
