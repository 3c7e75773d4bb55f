//! Validated types and pure rules of climbing boards.
//!
//! Invariants of this crate:
//! - no I/O, no SQL, no HTTP, no clock of its own but [`Timestamp::now`]; it depends on serde, uuid, chrono,
//!   thiserror and a Unicode table, and on no other crate of ours;
//! - a value that exists is valid: parsing is the only way to make one, and printing gives back what was parsed;
//! - nothing here panics on any input.

pub mod access;
pub mod annotation;
pub mod board;
pub mod canonical;
pub mod change;
pub mod climb_edit;
pub mod conflict;
pub mod email;
pub mod fold;
pub mod geometry;
pub mod grade;
pub mod holds_list;
pub mod ids;
pub mod import;
pub mod import_plan;
pub mod lists;
pub mod outbox;
pub mod sync_merge;
pub mod sync_state;
pub mod tape;
pub mod text;
pub mod time;
mod words;

pub use canonical::fingerprint;
pub use ids::{
    ApiKeyId, AscentId, ClaimId, ClimbId, CommentId, FaceId, GymId, HoldId, ListId, RunId, SessionId,
    StoktHoldId, StoktId, UserId, WallId,
};
pub use time::Timestamp;
pub use words::UnknownWord;
