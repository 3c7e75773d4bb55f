//! What waits to be sent to Stokt, and how far the sending of one thing has come.
//!
//! ```text
//! pending -> leased -> sent -> done | rejected
//!    ^         |        |-> unknown -> done | ambiguous | pending
//!    +---------+--------+
//! ```

use crate::words::word_enum;

word_enum! {
    /// What is to be done at Stokt.
    OutboxAction {
        /// Make it there.
        Create = "create",
        /// Change fields of it.
        Update = "update",
        /// Make it private, or public.
        Privacy = "privacy",
        /// Delete it.
        Delete = "delete",
    }
}

word_enum! {
    /// How far it has come.
    OutboxState {
        /// It waits its turn.
        Pending = "pending",
        /// Somebody is about to send it; nothing was sent.
        Leased = "leased",
        /// It is being sent, or was, and nobody wrote down what became of it.
        Sent = "sent",
        /// It was sent, and nobody knows whether Stokt did it.
        Unknown = "unknown",
        /// Several things at Stokt may be it; a person decides.
        Ambiguous = "ambiguous",
        /// Stokt did it.
        Done = "done",
        /// Stokt refused it, or it was called off.
        Rejected = "rejected",
    }
}

impl OutboxState {
    /// Whether something may have reached Stokt of which nobody knows what became.
    #[must_use]
    pub const fn is_unsettled(self) -> bool {
        matches!(self, Self::Sent | Self::Unknown | Self::Ambiguous)
    }

    /// Whether it has come to its end.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_tables() {
        let words: Vec<&str> = OutboxAction::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["create", "update", "privacy", "delete"]);
        let words: Vec<&str> = OutboxState::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["pending", "leased", "sent", "unknown", "ambiguous", "done", "rejected"]);
        let over: Vec<_> = OutboxState::ALL.iter().filter(|state| state.is_over()).collect();
        assert_eq!(over, [&OutboxState::Done, &OutboxState::Rejected]);
        assert!(OutboxState::ALL.iter().all(|state| !(state.is_over() && state.is_unsettled())));
    }
}
