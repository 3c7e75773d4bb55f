//! Entries of the commit-ordered change log that offline copies follow.

use serde::{Deserialize, Serialize};

use crate::sync_state::EntityKind;
use crate::words::word_enum;

word_enum! {
    /// What kind of row a change is about.
    Changed {
        /// A gym.
        Gym = "gym",
        /// A wall.
        Wall = "wall",
        /// A face.
        Face = "face",
        /// A hold.
        Hold = "hold",
        /// A person.
        User = "user",
        /// A climb, the reader's own personal fields included.
        Climb = "climb",
        /// What people say about one hold; named by the hold's id.
        Annotation = "annotation",
        /// A list of climbs with its items.
        List = "list",
        /// Likes and other counts of one climb that were made here; named by the climb's id.
        Social = "social",
        /// A comment made here.
        Comment = "comment",
        /// One ascent of somebody's logbook.
        Ascent = "ascent",
    }
}

impl From<EntityKind> for Changed {
    fn from(kind: EntityKind) -> Self {
        match kind {
            EntityKind::Gym => Self::Gym,
            EntityKind::Wall => Self::Wall,
            EntityKind::Face => Self::Face,
            EntityKind::Hold => Self::Hold,
            EntityKind::Climb => Self::Climb,
            EntityKind::User => Self::User,
            EntityKind::List => Self::List,
        }
    }
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It changed.
    Updated,
    /// It is gone; a tombstone stays.
    Deleted,
}

impl ChangeKind {
    /// The word kept in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the word kept in the log.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Created, Self::Updated, Self::Deleted].into_iter().find(|kind| kind.as_str() == word)
    }
}
