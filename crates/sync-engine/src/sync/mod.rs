//! Synchronising both ways: survey what Stokt has, plan, settle what an earlier run left open, pull, push, report.
//!
//! - `survey.rs` reads everything of Stokt that the run needs into a spool, before anything is written;
//! - `planning.rs` compares that with what is here; nothing is written before the guards have looked at the whole;
//! - `decide.rs` is the table: local side x remote side x base -> action, pure;
//! - `pull.rs` and `push.rs` carry it out, planning each record anew in the transaction that writes it;
//! - `lists.rs` and `counters.rs`, beside a run: the account's personal lists, and what Stokt counts of single climbs;
//! - `settle.rs` finds out what became of climbs whose sending was cut.

pub mod by_hand;
pub mod contract;
pub mod counters;
pub mod decide;
pub mod guard;
pub mod keep;
pub mod lists;
mod mine;
mod news;
mod opened;
mod options;
mod plan_file;
mod planning;
mod points;
mod preview;
mod pull;
pub(crate) mod push;
#[cfg(test)]
mod push_tests;
mod refusals;
mod run;
pub(crate) mod sending;
pub(crate) mod session;
pub(crate) mod settle;
mod spool;
mod surroundings;
pub(crate) mod survey;
mod table;
pub(crate) mod view;

pub use opened::Opened;
pub(crate) use opened::holder;
pub use options::{ConflictPolicy, MaxDelete, Selection, SyncOptions};
pub use plan_file::{PLAN_SCHEMA, PlanFile, PlanFileError, PlannedOptions};
pub use points::{POINTS, StopAt};
pub use run::{sync, sync_after};
pub use surroundings::{Clock, Points, ShiftedClock, SystemClock, Uncut};

// What a binary shows of conflicts and the outbox, without depending on the domain itself.
pub use crate::decision::clean as one_line;
pub use crate::summary::in_seconds;
pub use mastoc_domain::canonical::CanonicalClimb as Canonical;
pub use mastoc_domain::conflict::Take;
pub use mastoc_domain::outbox::{OutboxAction, OutboxState};
pub use mastoc_domain::sync_merge::{ConflictKind, Field};
pub use mastoc_domain::sync_state::{Direction, EntityKind};
