//! The storage on both databases: one program, so that all tests are compiled and linked once.
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

mod audit;
mod bookkeeping;
mod climb_writes;
mod conflicts;
mod cost;
mod following;
mod import;
mod locks;
mod logins;
mod lossless;
mod opening;
mod outbox;
mod pictures;
mod schemas;
mod support;
mod sync_climbs;
mod transactions;
mod verify;
