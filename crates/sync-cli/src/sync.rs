//! `mastoc-sync`: a run, or one of the commands beside it.

mod args;
mod commands;
mod hooks;
mod run;

use clap::ArgMatches;
use mastoc_runtime::{Exit, Failure};

use crate::shared::is_flag;

pub(crate) use args::Arguments;
use args::RUN_ONLY;

/// Does what the arguments ask for. `matches` are those they came from.
pub(crate) fn act(mut arguments: Arguments, matches: &ArgMatches) -> Result<Exit, Failure> {
    // What a quiet run has to say stands in its summary.
    let is_quiet = arguments.run.quiet && arguments.command.is_none();
    arguments.log.init(if is_quiet { "error" } else { "warn" })?;
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
