//! Databases, real data and processes for tests; a dev-dependency only.
//!
//! Invariants of this crate:
//! - it depends on no other crate of ours, so that every one of them can use it in its tests;
//! - it panics with a sentence that says what to do: whoever calls it is a test;
//! - nothing is skipped in silence: a missing PostgreSQL fails the test, unless `MASTOC_TEST_NO_POSTGRES=1` says
//!   otherwise, and every part that is skipped prints a line;
//! - no fixed port, no fixed file name: any number of test processes run beside each other, and what a killed one
//!   leaves behind is cleared away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a dev-dependency only: a failure here is to fail the test that met it"
)]

pub mod backends;
mod folders;
pub mod postgres;
pub mod process;
pub mod smtp;
pub mod sqlite;

pub use folders::{real_board_dir, workspace_root};
pub use process::{Finished, Process};
