//! A run: settings -> one call of the engine -> what to print, and the exit code.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use mastoc_runtime::args::StoktSettings;
use mastoc_runtime::settings::create_data_dir;
use mastoc_runtime::{Exit, Failure};
use mastoc_storage::StoreError;
use mastoc_sync_engine::sync::{Opened, PlanFile, PlanFileError, SyncOptions, sync_after};
use mastoc_sync_engine::{DatabaseTarget, EngineError, Report, StoktClient, StoktId};

use crate::shared::{Shown, client_builder, ended, failure, is_flag, print, stop_on_interrupt};
use crate::sync::args::{Arguments, Connections};
use crate::sync::hooks::Surroundings;

/// Synchronises as the arguments say, and prints what came of it.
pub(crate) fn run(arguments: &Arguments, matches: &ArgMatches) -> Result<Exit, Failure> {
    let asked = &arguments.run;
    let (database, data_dir) = database(&arguments.connections)?;
    let plan =
        asked.apply_plan.as_deref().map(PlanFile::read).transpose().map_err(|error| plan_failure(&error))?;
    let (options, stokt) = match &plan {
        Some(plan) => {
            refuse_other_settings(matches)?;
            let stokt = arguments.connections.stokt.resolve()?;
            (planned(plan, &stokt, &database, usize::from(asked.batch_size))?, stokt)
        }
        None => {
            // What needs no file and no standard input is looked at first.
            asked.options(Vec::new())?;
            let stokt = arguments.connections.stokt.resolve()?;
            (asked.options(stokt.gyms.iter().copied().map(StoktId).collect())?, stokt)
        }
    };
    if let Some(path) = &asked.plan {
        PlanFile::look(path).map_err(|error| plan_failure(&error))?;
    }
    let patience = asked.patience()?;
    let surroundings = Surroundings::of_environment()?;
    let client = client_builder(&stokt)?.build().map_err(|error| failure(&EngineError::from(error)))?;
    stop_on_interrupt(&client);
    let shown = Shown::new(arguments.json || asked.quiet);
    let run = Run { client: &client, database, data_dir, options: &options, patience, surroundings };
    let report = run.carry_out(&shown);
    drop(shown);
    let plan = asked.plan.as_ref().zip(PlanFile::of(&options, &report));
    let written = plan.map_or(Ok(()), |(path, plan)| plan.write(path));
    // What would be done is told also when it could not be kept.
    let exit = tell(&report, arguments.json, asked.quiet)?;
    written.map_err(|error| plan_failure(&error))?;
    Ok(exit)
}

/// Prints the report; in a quiet run only if it is news.
fn tell(report: &Report, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let ended = match ended(report) {
        // The next run makes up for it, and the exit code says so.
        Err(failure) if quiet && !report.is_news() => Ok(failure.exit),
        ended => ended,
    };
    let exit = ended.as_ref().map_or(Exit::Partial, |exit| *exit);
    let printed = if json {
        print(&report.to_json(), exit)
    } else if !report.gyms.is_empty() && (!quiet || report.is_news()) {
        print(&report.sync_summary(), exit)
    } else {
        Ok(exit)
    };
    ended.and(printed)
}

struct Run<'r> {
    client: &'r StoktClient,
    database: DatabaseTarget,
    data_dir: PathBuf,
    options: &'r SyncOptions,
    patience: Duration,
    surroundings: Surroundings,
}

/// The database and the data folder, by the settings.
pub(crate) fn database(connections: &Connections) -> Result<(DatabaseTarget, PathBuf), Failure> {
    let settings = connections.database.resolve()?;
    let database = settings.url.expose().parse();
    let database = database.map_err(|error: StoreError| Failure::usage(error.to_string()))?;
    Ok((database, settings.data_dir))
}

fn plan_failure(error: &PlanFileError) -> Failure {
    Failure::usage(error.to_string())
}

/// A plan brings these with it. Variables are set for all runs; flags are meant for this one.
fn refuse_other_settings(matches: &ArgMatches) -> Result<(), Failure> {
    for (name, flag) in
        [("gyms", "--gym"), ("unknown_settle", "--unknown-settle"), ("gone_after", "--gone-after")]
    {
        if is_flag(matches, name) {
            return Err(Failure::usage(format!("{flag} is given beside a plan, which says that itself"))
                .hint("leave it out, or make a new plan"));
        }
    }
    Ok(())
}

/// What the plan asks for, if it was made for this board and this Stokt.
fn planned(
    plan: &PlanFile,
    stokt: &StoktSettings,
    database: &DatabaseTarget,
    batch_size: usize,
) -> Result<SyncOptions, Failure> {
    for (what, then, now) in [
        ("Stokt at", plan.origin.as_str(), stokt.url.as_str().to_owned()),
        ("the board in", plan.target.as_str(), database.to_string()),
    ] {
        if then.trim_end_matches('/') != now.trim_end_matches('/') {
            return Err(Failure::usage(format!("the plan was made for {what} {then}, and this is {now}")));
        }
    }
    plan.to_options(batch_size).ok_or_else(|| Failure::usage("the plan says no direction"))
}

impl Run<'_> {
    fn carry_out(&self, shown: &Shown) -> Report {
        let Surroundings { clock, points } = &self.surroundings;
        let (look, open) = (|| self.look(), || self.open());
        sync_after(look, self.client, open, self.options, &**clock, &**points, shown)
    }

    /// A run that would not wait for another ends before it asks Stokt anything.
    fn look(&self) -> Result<(), EngineError> {
        let takes_turns = !self.options.dry_run && self.patience.is_zero();
        if takes_turns { Opened::look(&self.database) } else { Ok(()) }
    }

    fn open(&self) -> Result<Opened, EngineError> {
        if self.options.dry_run {
            return Opened::dry_run_on(&self.database);
        }
        // One line about the folder is better than one about the database in it.
        create_data_dir(&self.data_dir).map_err(|failure| StoreError::Unusable(failure.message))?;
        let owner = format!("mastoc-sync, process {}", std::process::id());
        let cancel = self.client.cancel();
        Opened::open_in(&self.database, &self.data_dir, &owner, self.patience, &|| cancel.is_cancelled())
    }
}
