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
    /// What became of a link between a row here and one at Stokt.
    LinkEvent {
        /// It was made.
        Linked = "linked",
        /// It was undone.
        Unlinked = "unlinked",
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::SyncState::{Archived, Conflict, Local, Modified, Synced};
    use super::*;

    #[test]
    fn the_state_follows_from_what_is_known() {
        for (linked, local_rev, base_rev, conflict, archived, state) in [
            (false, 0, 0, false, false, Local),
            (false, 7, 0, false, false, Local),
            (true, 0, 0, false, false, Synced),
            (true, 3, 3, false, false, Synced),
            (true, 2, 3, false, false, Synced),
            (true, 4, 3, false, false, Modified),
            (true, 4, 3, false, true, Archived),
            (false, 0, 0, false, true, Archived),
            (true, 4, 3, true, false, Conflict),
            (true, 3, 3, true, true, Conflict),
        ] {
            let found = SyncState::derive(linked, local_rev, base_rev, conflict, archived);
            assert_eq!(found, state, "{linked} {local_rev} {base_rev} {conflict} {archived}");
        }
    }

    #[test]
    fn the_words_are_those_of_the_wire() {
        let words: Vec<&str> = EntityKind::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["gym", "wall", "face", "hold", "climb", "user", "list"]);
        let words: Vec<&str> = Source::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["mastoc", "stokt"]);
        let words: Vec<&str> = Direction::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["stokt_to_mastoc", "mastoc_to_stokt"]);
        let words: Vec<&str> = LinkEvent::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["linked", "unlinked"]);
        let words: Vec<&str> = SyncState::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["local", "synced", "modified", "conflict", "archived"]);
    }

    proptest! {
        #[test]
        fn only_a_linked_climb_can_be_in_line_or_out_of_it(linked: bool, local: i32, base: i32, conflict: bool, archived: bool) {
            let state = SyncState::derive(linked, local, base, conflict, archived);
            prop_assert!(linked || !matches!(state, Synced | Modified));
            prop_assert_eq!(state == Conflict, conflict);
        }
    }
}
