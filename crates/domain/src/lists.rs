//! Lists of climbs: what kinds there are, and how far one has come with an item.

use crate::words::word_enum;

word_enum! {
    /// What a list of climbs is for.
    ListType {
        /// Somebody's own choice.
        Personal = "personal",
        /// Climbs that belong together, to be climbed in order.
        Circuit = "circuit",
        /// Climbs somebody works on.
        Project = "project",
    }
}

word_enum! {
    /// How far one has come with a climb of a list.
    ListItemStatus {
        /// Not tried.
        Todo = "todo",
        /// Being worked on.
        InProgress = "in_progress",
        /// Climbed.
        Done = "done",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_wire() {
        let types: Vec<&str> = ListType::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(types, ["personal", "circuit", "project"]);
        let statuses: Vec<&str> = ListItemStatus::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(statuses, ["todo", "in_progress", "done"]);
    }
}
