//! What climbers say and do about climbs: sends, comments, likes.

use crate::{
    id::{Id, Timestamp},
    record::wire_record,
};

wire_record! {
    /// A person, as sends, comments, likes and lists show one.
    pub struct Person as "person" {
        required {
            /// The user's id.
            id: Id = "id",
        }
        optional {
            /// The name others see.
            full_name: String = "fullName",
            /// The name, where it is called so (in lists).
            name: String = "name",
            /// Path of the picture below `media/`.
            avatar: String = "avatar",
        }
    }
}

wire_record! {
    /// One send, from `GET api/climbs/{climb}/latest-sends`.
    pub struct Send as "send" {
        required {
            /// The send's id.
            id: Id = "id",
        }
        optional {
            /// The climb that was sent.
            climb_id: Id = "climbId",
            /// Who sent it.
            effort_by: Person = "effortBy",
            /// When.
            effort_date: Timestamp = "effortDate",
            /// Whether at the first attempt.
            is_flash: bool = "isFlash",
            /// After how many attempts.
            attempts_number: i64 = "attemptsNumber",
            /// How the grade felt: -1 soft, 0 right, 1 hard.
            grade_feel: i64 = "gradeFeel",
        }
    }
}

wire_record! {
    /// A comment on a climb.
    pub struct Comment as "comment" {
        required {
            /// The comment's id.
            id: Id = "id",
        }
        optional {
            /// The climb it is about.
            climb_id: Id = "climbId",
            /// Who wrote it.
            user: Person = "user",
            /// What it says.
            text: String = "text",
            /// When it was written.
            date: Timestamp = "date",
            /// The comment it answers.
            replied_to_id: Id = "repliedToId",
        }
    }
}

wire_record! {
    /// A like: `{user, date}`, or the user's fields directly. [`who`](Like::who) reads both.
    pub struct Like as "like" {
        required {}
        optional {
            /// Who likes it, in the first shape.
            user: Person = "user",
            /// When, in the first shape.
            date: Timestamp = "date",
            /// The user's id, in the second shape.
            id: Id = "id",
            /// The user's name, in the second shape.
            full_name: String = "fullName",
            /// The user's picture, in the second shape.
            avatar: String = "avatar",
        }
    }
}

impl Like {
    /// Who likes it, whichever shape it came in.
    #[must_use]
    pub fn who(&self) -> Option<Person> {
        if let Some(user) = &self.user {
            return Some(user.clone());
        }
        Some(Person {
            id: self.id.clone()?,
            full_name: self.full_name.clone(),
            name: None,
            avatar: self.avatar.clone(),
            extra: serde_json::Map::new(),
        })
    }
}
