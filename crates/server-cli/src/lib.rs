//! What `mastoc-server` does at the command line: arguments -> settings -> one call -> the exit code. The program
//! itself is a `main`.
//!
//! Invariants of this crate:
//! - every setting is a flag and an environment variable, and a flag is stronger;
//! - it decides nothing about a board: serving is the API's, what a row says is the storage's;
//! - every failure is one line that says what to do, and an exit code that scripts can rely on.

mod args;
mod commands;
mod login_args;
mod users;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser as _;

/// `mastoc-server`, from its arguments to its end.
///
/// Ends the process by itself where the arguments are wrong or only ask for help, as [`clap::Parser::parse`] does.
#[must_use]
pub fn server() -> ExitCode {
    let cli = Cli::parse();
    mastoc_runtime::run(|| match cli.command {
        Command::Serve(args) => commands::serve(&args, &cli.log),
        Command::Migrate(database) => commands::migrate(&database),
        Command::Openapi => commands::openapi(),
        Command::ApiKey(key) => commands::api_key(&key),
        Command::User(user) => users::user(&user),
        Command::Health(args) => commands::health(&args),
    })
}
