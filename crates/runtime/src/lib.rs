//! What every command line shares: settings, secrets, logs, progress and exit codes.
//!
//! Invariants of this crate:
//! - it is used by command lines and binaries only, and depends on no other crate of ours;
//! - a secret is read from the environment, a file or standard input, and never has to stand in argv; nothing here
//!   prints one, and a URL is shown without its password;
//! - an empty environment variable means that it is not set;
//! - every refusal is one line that says what is wrong and, where it can be said, what to do;
//! - results go to standard output and belong to those that use this; all that is written here goes to standard error.

pub mod args;
mod exit;
pub mod interrupt;
pub mod logging;
pub mod progress;
pub mod secrets;
pub mod settings;

pub use exit::{Exit, Failure, run};
pub use secrecy::{ExposeSecret, SecretString};
