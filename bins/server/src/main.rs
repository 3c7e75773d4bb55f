//! `mastoc-server`: serves a board over HTTP, and looks after its database, its keys and its accounts.

mod args;
mod commands;
mod login_args;
mod users;

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
        Command::User(user) => users::user(&user),
        Command::Health(args) => commands::health(&args),
    })
}
