//! `mastoc-import`: takes whole gyms out of Stokt, with their pictures, into a database or onto a mastoc server.

mod pull;
mod shared;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use pull::{EXIT_CODES, PullArgs};

/// Import whole gyms from Stokt: walls, faces, holds, pictures, setters and climbs.
///
/// Running it again goes on where it stopped, and changes nothing that Stokt did not change.
#[derive(Debug, Parser)]
#[command(name = "mastoc-import", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    pull: PullArgs,
}

fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    mastoc_runtime::run(|| {
        let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        arguments.pull.run(&matches)
    })
}
