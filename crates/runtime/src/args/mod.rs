//! Groups of command-line arguments that binaries share, each with a `resolve` that yields plain settings.
//!
//! Flags win over environment variables, and an empty variable counts as unset. Use them with `#[command(flatten)]`.

mod server;
mod stokt;

pub use server::{BindArgs, DatabaseArgs, DatabaseSettings, LogArgs};
pub use stokt::{DEFAULT_STOKT_URL, StoktArgs, StoktCredentials, StoktSettings};
