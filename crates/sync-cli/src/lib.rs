//! What `mastoc-import` and `mastoc-sync` do at the command line: arguments -> settings -> one call of the engine ->
//! what is printed, and the exit code. The programs themselves are a `main` each.
//!
//! Invariants of this crate:
//! - it decides nothing about a board: what a run does is the engine's, what a row says is the storage's;
//! - results go to standard output, progress and refusals to standard error;
//! - every failure is one line that says what to do, and an exit code that scripts can rely on.

mod import;
mod shared;
mod sync;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

/// `mastoc-import`, from its arguments to its end.
///
/// Ends the process by itself where the arguments are wrong or only ask for help, as [`clap::Parser::parse`] does.
#[must_use]
pub fn import() -> ExitCode {
    let matches = import::Arguments::command().get_matches();
    mastoc_runtime::run(|| {
        let arguments = import::Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        arguments.run(&matches)
    })
}

/// `mastoc-sync`, from its arguments to its end.
///
/// Ends the process by itself where the arguments are wrong or only ask for help, as [`clap::Parser::parse`] does.
#[must_use]
pub fn sync() -> ExitCode {
    let matches = sync::Arguments::command().get_matches();
    mastoc_runtime::run(|| {
        let arguments = sync::Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        sync::act(arguments, &matches)
    })
}
