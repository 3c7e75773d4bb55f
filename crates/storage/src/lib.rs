//! The board kept in SQLite or PostgreSQL.
//!
//! Invariants of this crate:
//! - nothing outside it names diesel, and no code outside it asks which database it is on;
//! - repositories are free functions over [`ReadConn`] and [`WriteConn`] that take and return domain types;
//! - every write runs in the one transaction of [`Store::write`], which also logs the changes that readers can see;
//! - the number of statements of an operation never depends on the size of the data it serves;
//! - diesel's errors are read in `error.rs` only.

pub mod accounts;
pub mod annotations;
pub mod api_keys;
pub mod ascents;
pub mod boards;
pub mod changes;
pub mod checkpoints;
pub mod claims;
pub mod climb_edits;
pub mod climb_writes;
pub mod climbs;
pub mod comments;
pub mod conflicts;
mod conn;
pub mod echoes;
mod error;
pub mod export;
pub mod face_building;
pub mod faces;
pub mod feed;
mod fragment;
mod group;
pub mod gyms;
pub mod holds;
pub mod idempotency;
pub mod images;
pub mod import;
pub mod leaving;
pub mod links;
pub mod list_items;
pub mod lists;
pub mod locks;
pub mod maintenance;
pub mod mappings;
mod migrate;
pub mod outbox;
pub mod own_data;
pub mod people;
pub mod personal;
mod pool;
pub mod quarantine;
mod reader;
pub mod resets;
pub mod runs;
mod schema;
pub mod seen;
pub mod sessions;
pub mod setters;
pub mod social;
mod sql;
pub mod stats;
mod store;
pub mod sync_climbs;
pub mod sync_writes;
mod target;
#[cfg(test)]
mod test_board;
mod types;
pub mod unlinking;
mod visibility;
pub mod walls;

pub use conn::{ReadConn, WriteConn};
pub use error::StoreError;
pub use locks::RunLock;
pub use reader::Reader;
pub use store::{Store, StoreOptions};
pub use target::DatabaseTarget;
pub use visibility::Viewer;
