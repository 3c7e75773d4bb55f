//! What an API key may do, and what a person is on a server.

use crate::words::word_enum;

word_enum! {
    /// The scope of an API key. Keys act for the service, not for a person.
    Scope {
        /// Sees what is public.
        Read = "read",
        /// Creates and edits; sees what is public.
        Write = "write",
        /// Imports and synchronises; also sees private climbs.
        Sync = "sync",
        /// Everything.
        Admin = "admin",
    }
}

word_enum! {
    /// What a person is on this server.
    AccountRole {
        /// A climber.
        User = "user",
        /// Somebody who runs the server.
        Admin = "admin",
    }
}

word_enum! {
    /// How far somebody's claim to be an imported setter has come.
    ClaimState {
        /// Nobody decided yet.
        Open = "open",
        /// An admin confirmed it: the setter's climbs are the person's own.
        Confirmed = "confirmed",
        /// An admin refused it, or somebody else was confirmed.
        Rejected = "rejected",
    }
}

impl Scope {
    /// Whether a key of this scope may do what `needed` is needed for.
    #[must_use]
    pub fn allows(self, needed: Self) -> bool {
        match needed {
            Self::Read => true,
            Self::Write => matches!(self, Self::Write | Self::Admin),
            Self::Sync => matches!(self, Self::Sync | Self::Admin),
            Self::Admin => self == Self::Admin,
        }
    }

    /// Whether a key of this scope sees private climbs and lists.
    #[must_use]
    pub fn sees_private(self) -> bool {
        matches!(self, Self::Sync | Self::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::Scope::{Admin, Read, Sync, Write};
    use super::*;

    #[test]
    fn each_scope_allows_what_it_names_and_no_more() {
        for (scope, allowed) in [
            (Read, &[Read][..]),
            (Write, &[Read, Write]),
            (Sync, &[Read, Sync]),
            (Admin, &[Read, Write, Sync, Admin]),
        ] {
            for needed in Scope::ALL {
                assert_eq!(scope.allows(*needed), allowed.contains(needed), "{scope} for {needed}");
            }
        }
    }

    #[test]
    fn only_synchronisation_and_administration_see_what_is_private() {
        let seeing: Vec<Scope> = Scope::ALL.iter().copied().filter(|scope| scope.sees_private()).collect();
        assert_eq!(seeing, [Sync, Admin]);
    }

    #[test]
    fn the_words_are_those_of_the_wire() {
        let words: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        assert_eq!(words, ["read", "write", "sync", "admin"]);
    }
}
