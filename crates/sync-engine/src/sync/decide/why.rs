//! Why something is not done now, in words.

use std::fmt;

/// Why something is not done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// A conflict waits for a person.
    ConflictOpen,
    /// Both sides changed it; a pull records the conflict.
    ChangedOnBothSides,
    /// Another setter's climb.
    OtherSetter,
    /// An earlier attempt to send it has not been settled.
    Unsettled,
    /// A climb here that was never sent is just like it, and may be it.
    HeldBack,
    /// Stokt's version was not looked at.
    NotSeen,
    /// It is missing from Stokt's listing, unconfirmed.
    Missing,
    /// It is gone from Stokt.
    Gone,
    /// Deletions were not allowed.
    DeleteNotAllowed,
    /// What was changed is nothing that Stokt takes from us.
    NotSendable,
    /// Stokt has changes that have to be pulled first.
    PullFirst,
}

impl Why {
    /// The stable word of a report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConflictOpen => "conflict_open",
            Self::ChangedOnBothSides => "changed_on_both_sides",
            Self::OtherSetter => "other_setter",
            Self::Unsettled => "unsettled",
            Self::HeldBack => "held_back",
            Self::NotSeen => "not_seen",
            Self::Missing => "missing",
            Self::Gone => "gone",
            Self::DeleteNotAllowed => "delete_not_allowed",
            Self::NotSendable => "not_sendable",
            Self::PullFirst => "pull_first",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConflictOpen => "a conflict about it waits for a person: see mastoc-sync conflicts",
            Self::ChangedOnBothSides => "it was changed on both sides: pull, then settle the conflict",
            Self::OtherSetter => "another setter's climb: changes to it stay here",
            Self::Unsettled => {
                "it is not known yet whether an earlier attempt created it: see mastoc-sync outbox"
            }
            Self::HeldBack => "a climb here just like it is held back, and may be it: see mastoc-sync outbox",
            Self::NotSeen => "this run did not read Stokt's version of it; run with --full",
            Self::Missing => "Stokt does not list it at present; it is not sent while that is unclear",
            Self::Gone => "it is gone from Stokt, and is not created there again by itself",
            Self::DeleteNotAllowed => "it was deleted here; --allow-delete deletes it at Stokt as well",
            Self::NotSendable => "Stokt takes no changes of what was changed here",
            Self::PullFirst => "Stokt has changes that have to be pulled first",
        })
    }
}
