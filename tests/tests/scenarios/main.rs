//! Every scenario that synchronisation promises to survive, by its name, on both databases; where a crash matters, the
//! real program is killed.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod clock;
mod conflicts;
mod crash;
mod cron;
mod deadline;
mod deletions;
mod engine;
mod kill;
mod malformed;
mod network;
mod people;
mod property;
mod scale;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
