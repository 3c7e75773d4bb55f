//! The outermost behaviour of `mastoc-sync`: what its documentation shows is executed, its flags and commands do what
//! they say, and its JSON is what the schemas promise.
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

mod asking;
mod commands;
mod flags;
mod locks;
mod operating;
mod outbox;
mod plans;
mod schema;
#[path = "../support/mod.rs"]
mod support;
