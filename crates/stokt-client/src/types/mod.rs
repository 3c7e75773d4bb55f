//! The wire types, one file per family. Every field but an id may be missing, `null`, or of another type.

mod account;
mod climb;
mod face;
mod gym;
mod list;
mod request;
mod social;

pub use account::{GymRef, Me, Version};
pub use climb::{Climb, CrowdGrade, Permissions, Setter};
pub use face::{FaceSetup, Hold};
pub use gym::{FaceRef, FeetRule, GymSummary, Picture, Wall};
pub use list::{ClimbList, ListItem};
pub use request::{
    BookmarkChange, ClimbPatch, ListItemsQuery, ListPatch, ListsFilter, ListsQuery, NewClimb, NewComment,
    NewGrade, NewHolds,
};
pub use social::{Comment, Like, Person, Send};
