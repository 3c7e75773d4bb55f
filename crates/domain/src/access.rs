//! What an API key may do.

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
