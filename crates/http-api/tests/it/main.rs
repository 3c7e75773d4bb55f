//! The API, over HTTP and on both databases: one program, so that all tests are compiled and linked once.
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

mod access;
mod annotations;
mod auth;
mod boards;
mod caching;
mod climb_changes;
mod climb_sync;
mod climb_writing;
mod climbs;
mod errors;
mod following;
mod import_runs;
mod imports;
mod inputs;
mod knocking;
mod leaving;
mod list_sharing;
mod lists;
mod logbook;
mod objects;
mod openapi;
mod people;
mod pictures;
mod resets;
mod routes;
mod shapes;
mod social;
mod support;
mod sync_status;
