//! How a row stands towards Stokt, where it was born, and what kinds of rows there are.

use crate::words::word_enum;

word_enum! {
    /// What kind of row an identity belongs to.
    EntityKind {
        /// A gym.
        Gym = "gym",
        /// A wall.
        Wall = "wall",
        /// A face.
        Face = "face",
        /// A hold.
        Hold = "hold",
        /// A climb.
        Climb = "climb",
        /// A person.
        User = "user",
        /// A list of climbs.
        List = "list",
    }
}

word_enum! {
    /// Where a row was born; it never changes.
    Source {
        /// Here.
        Mastoc = "mastoc",
        /// At Stokt.
        Stokt = "stokt",
    }
}

word_enum! {
    /// Which way something moved.
    Direction {
        /// From Stokt to us: a pull.
        StoktToMastoc = "stokt_to_mastoc",
        /// From us to Stokt: a push.
        MastocToStokt = "mastoc_to_stokt",
    }
}

word_enum! {
    /// How a climb stands towards Stokt.
    SyncState {
        /// Known here only.
        Local = "local",
        /// Both sides agree.
        Synced = "synced",
        /// Changed here since both sides agreed.
        Modified = "modified",
        /// Changed on both sides; a person decides.
        Conflict = "conflict",
        /// Gone from Stokt; kept here.
        Archived = "archived",
    }
}

impl SyncState {
    /// The state that follows from what is known of a climb.
    ///
    /// `linked`: it has a Stokt id. `local_rev` and `base_rev`: how often it changed here, and how often it had when
    /// both sides agreed.
    #[must_use]
    pub fn derive(linked: bool, local_rev: i32, base_rev: i32, open_conflict: bool, archived: bool) -> Self {
        match (linked, open_conflict, archived) {
            (_, true, _) => Self::Conflict,
            (_, false, true) => Self::Archived,
            (false, false, false) => Self::Local,
            (true, false, false) if local_rev > base_rev => Self::Modified,
            (true, false, false) => Self::Synced,
        }
    }
}
