//! `mastoc-server`: serves a board over HTTP, and looks after its database and its keys.

mod args;
mod commands;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    mastoc_runtime::run(|| match cli.command {
        Command::Serve(args) => commands::serve(&args, &cli.log),
        Command::Migrate(database) => commands::migrate(&database),
        Command::Openapi => commands::openapi(),
        Command::ApiKey(key) => commands::api_key(&key),
        Command::Health(args) => commands::health(&args),
    })
}
