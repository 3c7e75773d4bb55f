//! Synchronising both ways, as far as it is pure: what the operator asks, the table that decides, plans as files, and
//! the watch over the shape of Stokt's answers. What carries the decisions out is being built on top of this.

pub mod contract;
pub mod decide;
mod options;
mod plan_file;
mod points;
mod surroundings;

pub use options::{ConflictPolicy, MaxDelete, Selection, SyncOptions};
pub use plan_file::{PLAN_SCHEMA, PlanFile, PlanFileError, PlannedOptions};
pub use points::{POINTS, StopAt};
pub use surroundings::{Clock, Points, ShiftedClock, SystemClock, Uncut};
