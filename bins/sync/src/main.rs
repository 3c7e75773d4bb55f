//! `mastoc-sync`: synchronises a board with Stokt. So far the full pull, which runs the same engine as the import.

#[path = "../../import/src/pull.rs"]
mod pull;
#[path = "../../import/src/shared.rs"]
mod shared;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, ValueEnum};
use mastoc_runtime::{Exit, Failure};

use pull::{EXIT_CODES, PullArgs};

/// Synchronise a board with Stokt.
///
/// For now: mastoc-sync --direction stokt-to-mastoc --full
#[derive(Debug, Parser)]
#[command(name = "mastoc-sync", version, after_help = EXIT_CODES)]
struct Arguments {
    /// Which way data moves; for now stokt-to-mastoc only
    #[arg(long, value_enum)]
    direction: Option<Direction>,
    /// Look at everything, not only at what is new; for now required
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    pull: PullArgs,
}

/// Which way data moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    /// From Stokt to this board
    StoktToMastoc,
    /// From this board to Stokt (not available yet)
    MastocToStokt,
    /// Both, one after the other (not available yet)
    Both,
}

fn synchronise(matches: &clap::ArgMatches) -> Result<Exit, Failure> {
    let arguments = Arguments::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    let missing = match (arguments.direction, arguments.full) {
        (Some(Direction::StoktToMastoc), true) => return arguments.pull.run(matches),
        (Some(Direction::StoktToMastoc), false) => "the pull of new climbs alone is not available yet",
        (Some(_), _) => "writing to Stokt is not available yet",
        (None, _) => "no direction is given",
    };
    Err(Failure::usage(missing).hint("use mastoc-sync --direction stokt-to-mastoc --full"))
}

fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    mastoc_runtime::run(|| synchronise(&matches))
}
