//! The people of a board, and the accounts that may log in.

use serde_json::{Value, json};
use uuid::Uuid;

/// Somebody who sets, sends, likes or comments.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) full_name: String,
    /// Path of a picture under `media/`.
    pub(crate) avatar: Option<String>,
}

impl User {
    /// As `climbSetters`, `effortBy` and `user` show a person.
    pub(crate) fn brief(&self) -> Value {
        json!({ "id": self.id, "fullName": self.full_name, "avatar": self.avatar })
    }
}

/// Somebody who may log in. Several names may belong to one person.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) user: usize,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) token: String,
    /// Tokens given so far: a new one differs from all that were taken back.
    pub(crate) issued: u64,
    pub(crate) is_valid: bool,
}
