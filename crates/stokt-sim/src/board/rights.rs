//! Who may do what to a climb: its setter nearly everything, until others have sent it; a manager may take it away.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::Board;
use super::climb::{Climb, flag};

/// Index of the user who manages the gym, where there are that many.
pub(crate) const MANAGER: u32 = 1;

/// What one person may do to one climb, as `permissions-to-modify` answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// Delete it.
    pub can_delete: bool,
    /// Give it other holds.
    pub can_edit_holds: bool,
    /// Give it another name, grade, feet rule.
    pub can_edit_name_and_grade: bool,
    /// Take it out of the gym's listing.
    pub can_hide: bool,
    /// Hide it from everybody else.
    pub can_set_private: bool,
    /// Show it to everybody.
    pub can_set_public: bool,
}

impl Permissions {
    /// Everything, or nothing.
    #[must_use]
    pub fn all(may: bool) -> Self {
        Self {
            can_delete: may,
            can_edit_holds: may,
            can_edit_name_and_grade: may,
            can_hide: may,
            can_set_private: may,
            can_set_public: may,
        }
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "canDelete": self.can_delete, "canEditHolds": self.can_edit_holds,
            "canEditNameAndGrade": self.can_edit_name_and_grade, "canHide": self.can_hide,
            "canSetPrivate": self.can_set_private, "canSetPublic": self.can_set_public,
        })
    }
}

/// The holds of a list with their roles, in whatever order they were written.
pub(crate) fn same_holds(one: &str, other: &str) -> bool {
    let tokens = |list: &str| list.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    tokens(one) == tokens(other)
}

impl Board {
    /// What a user may do to a climb; `None` if there is no such climb or user.
    pub fn permissions(&self, climb: Uuid, user: Uuid) -> Option<Permissions> {
        Some(self.permissions_of(self.find(climb)?, self.user_index(user)?))
    }

    /// What a climb's setter may do to it from now on, whatever the rules say; `None` for the rules again.
    pub fn set_permissions(&mut self, climb: Uuid, permissions: Option<Permissions>) {
        match permissions {
            Some(permissions) => drop(self.permissions.insert(climb, permissions)),
            None => drop(self.permissions.remove(&climb)),
        }
    }

    /// Somebody other than its setter sends a climb, which closes its holds to the setter; false if there is none.
    pub fn send_climb(&mut self, climb: Uuid) -> bool {
        self.edit_climb(climb, |map| {
            let sent = map.get("climbedBy").and_then(Value::as_u64).unwrap_or(0) + 1;
            map.insert("climbedBy".into(), sent.into());
        })
    }

    /// How many people besides its setter sent a climb.
    fn sent_by_others(&self, climb: &Climb) -> usize {
        let is_account = climb.setter.is_some_and(|setter| self.is_account(setter as usize));
        let by_setter = is_account && climb.about_account(flag::SENT, "sent");
        climb.counter("climbedBy").saturating_sub(usize::from(by_setter))
    }

    /// What a viewer (index of a user) may do to a climb.
    pub(crate) fn permissions_of(&self, climb: &Climb, viewer: usize) -> Permissions {
        let viewer = viewer as u32;
        if climb.setter == Some(viewer) {
            let set = self.permissions.get(&climb.key).copied();
            return set.unwrap_or_else(|| Permissions {
                can_edit_holds: self.sent_by_others(climb) == 0,
                ..Permissions::all(true)
            });
        }
        let manages = viewer == MANAGER;
        Permissions { can_delete: manages, can_hide: manages, ..Permissions::all(false) }
    }
}
