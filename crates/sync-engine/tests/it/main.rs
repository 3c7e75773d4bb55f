//! The import against a real stand-in for Stokt, into both databases.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod beside;
mod edges;
mod faults;
mod first;
mod keeping;
mod memory;
mod odd_records;
mod own;
mod pictures;
mod plans;
mod progress;
mod pulls;
mod resume;
mod shapes;
mod snapshots;
mod syncing;
mod two_sides;
mod world;
