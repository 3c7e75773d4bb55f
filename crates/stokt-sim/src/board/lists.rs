//! Lists and circuits: an order of climbs with a name.

use std::collections::HashSet;

use uuid::Uuid;

/// A list of climbs. Deleting a climb leaves its items out of every answer.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// `personal`, `gym`, `style` or `user`.
    pub(crate) kind: String,
    /// Index of the owner among the board's users.
    pub(crate) owner: usize,
    /// Microseconds since 1970.
    pub(crate) modified: i64,
    pub(crate) items: Vec<Item>,
    /// Users who follow it.
    pub(crate) followers: HashSet<usize>,
    next_order: u64,
}

/// One climb of a list.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) id: Uuid,
    pub(crate) climb: Uuid,
    pub(crate) order: u64,
}

impl List {
    pub(crate) fn new(id: Uuid, name: &str, kind: &str, owner: usize, modified: i64) -> Self {
        Self {
            id,
            name: name.to_owned(),
            kind: kind.to_owned(),
            owner,
            modified,
            items: Vec::new(),
            followers: HashSet::new(),
            next_order: 0,
        }
    }

    /// Adds a climb at the end; false if it is there already.
    pub(crate) fn push(&mut self, id: Uuid, climb: Uuid) -> bool {
        if self.items.iter().any(|item| item.climb == climb) {
            return false;
        }
        self.items.push(Item { id, climb, order: self.next_order });
        self.next_order += 1;
        true
    }
}
