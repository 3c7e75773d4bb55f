//! `mastoc-sync`: synchronises a board with Stokt, both ways, and shows and settles what that leaves to people.

mod args;
mod commands;
mod hooks;
mod run;
#[path = "../../import/src/shared.rs"]
mod shared;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use mastoc_runtime::{Exit, Failure};

use args::{Arguments, RUN_ONLY};
use shared::is_flag;

fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    mastoc_runtime::run(|| {
        let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        act(arguments, &matches)
    })
}

fn act(mut arguments: Arguments, matches: &ArgMatches) -> Result<Exit, Failure> {
    arguments.log.init("warn")?;
    let Some(command) = arguments.command.take() else {
        return run::run(&arguments, matches);
    };
    if let Some(flag) = RUN_ONLY.iter().find(|name| is_flag(matches, name)) {
        let flag = flag.replace('_', "-");
        return Err(Failure::usage(format!("--{flag} is for a run, and a command beside it is given"))
            .hint("leave one of them out"));
    }
    commands::carry_out(&command, &arguments)
}
