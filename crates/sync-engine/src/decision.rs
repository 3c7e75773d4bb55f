//! What a run decided about single records, as its report lists it.

use mastoc_domain::import::ItemStatus;
use mastoc_domain::sync_state::EntityKind;
use serde::{Deserialize, Serialize};

/// Most decisions that a report lists; the rest is counted.
const MOST_LISTED: usize = 10_000;
/// Most characters of a name in a report.
const LONGEST_NAME: usize = 80;

/// What was decided about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Both sides were changed in different fields: the row has both changes now.
    Merged,
    /// Both sides were changed alike.
    Rebased,
    /// Both sides were changed in the same fields, or one side changed what the other deleted: a person decides.
    Conflict,
    /// It is gone from Stokt: archived here.
    Archived,
    /// It is at Stokt again: not archived any more.
    Unarchived,
    /// It was deleted here and is gone there: the link is over.
    Retired,
    /// It was deleted here and stays so.
    KeptDeleted,
    /// A list here lost what its counterpart at Stokt lost.
    Removed,
    /// It was created at Stokt.
    Sent,
    /// Its changes were sent to Stokt.
    Patched,
    /// What an earlier, cut sending made of it at Stokt was found, and linked.
    Adopted,
    /// It was deleted at Stokt.
    DeletedThere,
    /// There is something to do that this run does not do; why stands beside it.
    Skipped,
    /// Stokt refuses it; why stands beside it.
    Rejected,
    /// It was sent, and nobody knows yet what became of it.
    Unknown,
    /// It was sent, and more than one climb at Stokt may be what became of it: a person decides.
    Ambiguous,
    /// It was not sent, since Stokt has one just like it that nothing here is linked to: a person decides.
    HeldBack,
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
    /// Its name, without control characters and not longer than a line; only in a synchronisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why, where the decision does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether it is told without its name since it is private here: reports go to people who may not see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_private: bool,
}

impl Decision {
    /// The decision about the record `stokt_id`; of what has no id there yet, its id here.
    #[must_use]
    pub fn new(kind: EntityKind, stokt_id: impl Into<String>, decision: Decided) -> Self {
        Self {
            kind: kind.as_str().to_owned(),
            stokt_id: stokt_id.into(),
            decision,
            name: None,
            why: None,
            is_private: false,
        }
    }

    /// With the name of what it is about.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(clean(name, LONGEST_NAME));
        self
    }

    /// Without the name of what it is about, which is private.
    #[must_use]
    pub fn unnamed(self) -> Self {
        Self { name: None, is_private: true, ..self }
    }

    /// What a person calls it: by its name, where that is told.
    #[must_use]
    pub fn called(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None if self.is_private => format!("a private {}", self.kind),
            None => format!("a {}", self.kind),
        }
    }

    /// With the reason.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }
}

/// Text of a remote, which can neither break a line nor steer the terminal; at most so many characters.
#[must_use]
pub fn clean(text: &str, most: usize) -> String {
    text.chars().map(|c| if is_steering(c) { ' ' } else { c }).take(most).collect()
}

/// Control characters, and those that turn the direction of writing.
fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
    fn names_of_others_do_not_steer_the_terminal() {
        let one = Decision::new(EntityKind::Climb, "1", Decided::Merged)
            .named("a\u{1b}[2J\nb\u{202e}c")
            .because("x");
        assert_eq!(one.name.as_deref(), Some("a [2J b c"));
        let long = Decision::new(EntityKind::Climb, "1", Decided::Merged).named(&"é".repeat(500));
        assert_eq!(long.name.unwrap().chars().count(), 80);
        let plain = serde_json::to_value(Decision::new(EntityKind::Climb, "1", Decided::Created)).unwrap();
        assert_eq!(plain.as_object().unwrap().len(), 3, "an import's decisions look as before");
    }

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
