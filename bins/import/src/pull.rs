//! One full pull from Stokt, as `mastoc-import` and `mastoc-sync` offer it: arguments -> settings -> one call.
//!
//! `mastoc-sync` takes this file in as a module of its own: the arguments stay the same without a crate between.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use mastoc_runtime::args::{DatabaseArgs, LogArgs, StoktArgs, StoktCredentials, StoktSettings};
use mastoc_runtime::progress::{self, Reporter};
use mastoc_runtime::settings::create_data_dir;
use mastoc_runtime::{Exit, Failure, interrupt, secrets};
use mastoc_sync_engine::{
    DatabaseTarget, Ending, EngineError, ImportOptions, Observer, Report, ServerClient, ServerTarget, Step,
    StoktClient, StoktId, StoreTarget, Target, import_into,
};

/// What scripts can rely on.
pub(crate) const EXIT_CODES: &str = "Exit codes:
  0   done
  1   done in part: some items failed, and are listed
  2   wrong usage or settings, an unknown gym, a database that cannot be used
  4   stopped by a safety guard
  5   credentials refused (by Stokt, or the key by the server)
  6   another run holds the lock
  75  temporary: Stokt or the server is down or throttling, the disk is full, or Ctrl-C;
      run the same command again later, it goes on where it stopped";

/// Where from, where to, and how.
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    #[command(flatten)]
    stokt: StoktArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Import onto the mastoc server at this address instead; its key (scope sync) comes from MASTOC_API_KEY
    #[arg(long, value_name = "URL")]
    server_url: Option<String>,
    /// Most records in one transaction
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=5000))]
    batch_size: u16,
    /// Keep every answer of Stokt in this folder; fetches everything, also what is here already
    #[arg(long, value_name = "DIR", conflicts_with_all = ["from_snapshot", "dry_run"])]
    save_snapshot: Option<PathBuf>,
    /// Import from a folder that --save-snapshot filled, without any network or credentials
    #[arg(long, value_name = "DIR")]
    from_snapshot: Option<PathBuf>,
    /// Only tell what would be done; nothing is written
    #[arg(long)]
    dry_run: bool,
    /// Print the report as one JSON document instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    log: LogArgs,
}

/// Where to, as settings.
enum To {
    Database { database: DatabaseTarget, data_dir: PathBuf },
    Server(ServerClient),
}

impl PullArgs {
    /// Runs the pull and prints its report. `matches` are those the arguments came from; `program` is who runs.
    pub(crate) fn run(self, matches: &ArgMatches, program: &str) -> Result<Exit, Failure> {
        self.log.init("warn")?;
        let stokt = self.stokt.resolve()?;
        let to = self.target(matches)?;
        let client = self.client(&stokt)?;
        let cancel = client.cancel();
        // In the background of a script or under nohup, signals are taken already. Then a signal ends the process
        // as it ends any other, which an import survives; that is no reason to refuse to run.
        drop(interrupt::on_interrupt(move || cancel.cancel()));
        let options = ImportOptions {
            gyms: stokt.gyms.iter().copied().map(StoktId).collect(),
            batch_size: usize::from(self.batch_size),
            dry_run: self.dry_run,
            everything: self.save_snapshot.is_some(),
            serve: serve_command(matches, &to),
        };
        let shown = Shown { reporter: Reporter::stderr(self.json), steps: Mutex::default() };
        let describe = match &to {
            To::Database { database, .. } => database.to_string(),
            To::Server(server) => server.address().to_owned(),
        };
        let report = import_into(&client, describe, || to.open(self.dry_run, program), &options, &shown);
        drop(shown);
        self.print(&report)
    }

    fn target(&self, matches: &ArgMatches) -> Result<To, Failure> {
        let Some(address) = &self.server_url else {
            let settings = self.database.resolve()?;
            let database = settings.url.expose().parse();
            let database =
                database.map_err(|error: mastoc_storage::StoreError| Failure::usage(error.to_string()))?;
            return Ok(To::Database { database, data_dir: settings.data_dir });
        };
        if is_flag(matches, "database_url") || is_flag(matches, "data_dir") {
            return Err(Failure::usage("both a server and a database are given as the target")
                .hint("give --server-url alone, or --database-url with --data-dir"));
        }
        let key = secrets::secret_from_env("MASTOC_API_KEY").ok_or_else(|| {
            Failure::usage("no key for the server")
                .hint("set MASTOC_API_KEY to a key of scope sync: mastoc-server api-key create")
        })?;
        let server = ServerClient::new(address, key);
        Ok(To::Server(server.map_err(|error| failure(&EngineError::from(error)))?))
    }

    fn client(&self, stokt: &StoktSettings) -> Result<StoktClient, Failure> {
        let client = if let Some(folder) = &self.from_snapshot {
            StoktClient::from_snapshot(folder)
        } else {
            let mut builder = StoktClient::builder(stokt.url.as_str()).min_interval(stokt.min_interval);
            builder = match stokt.require_credentials()? {
                StoktCredentials::Token(token) => builder.token(token.clone()),
                StoktCredentials::Password { username, password } => {
                    builder.login(username, password.clone())
                }
            };
            if let Some(folder) = &self.save_snapshot {
                builder = builder.save_snapshot(folder);
            }
            builder.build()
        };
        client.map_err(|error| failure(&EngineError::from(error)))
    }

    fn print(&self, report: &Report) -> Result<Exit, Failure> {
        let began = !report.gyms.is_empty();
        let text = if self.json {
            report.to_json()
        } else if began {
            report.summary()
        } else {
            String::new()
        };
        // A closed pipe is nobody's failure.
        drop(io::stdout().write_all(text.as_bytes()));
        let exit = exit(report.ending);
        match &report.error {
            Some(error) => Err(Failure::new(exit, error)),
            None => Ok(exit),
        }
    }
}

impl To {
    fn open(self, dry_run: bool, program: &str) -> Result<Box<dyn Target>, EngineError> {
        Ok(match self {
            Self::Server(server) => Box::new(ServerTarget::new(server, dry_run)),
            Self::Database { database, .. } if dry_run => Box::new(StoreTarget::dry_run_on(&database)?),
            Self::Database { database, data_dir } => {
                // One line about the folder is better than one about the database in it.
                create_data_dir(&data_dir)
                    .map_err(|failure| mastoc_storage::StoreError::Unusable(failure.message))?;
                let owner = format!("{program}, process {}", std::process::id());
                Box::new(StoreTarget::open_in(&database, &data_dir, &owner)?)
            }
        })
    }
}

/// The command that serves this target: with the flags that say where it is, if they were given here.
fn serve_command(matches: &ArgMatches, to: &To) -> String {
    let mut command = "mastoc-server serve".to_owned();
    if let To::Database { database, data_dir } = to {
        if is_flag(matches, "data_dir") {
            command.push_str(&format!(" --data-dir {}", quoted(&data_dir.to_string_lossy())));
        }
        if is_flag(matches, "database_url") {
            command.push_str(&format!(" --database-url {}", quoted(&database.to_string())));
        }
    }
    command
}

/// Variables may be set for other programs on this machine, and hold for them as well; flags are meant.
fn is_flag(matches: &ArgMatches, name: &str) -> bool {
    matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_alphanumeric() || "/._-:@=+".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn failure(error: &EngineError) -> Failure {
    Failure::new(exit(error.ending()), error.to_string())
}

fn exit(ending: Ending) -> Exit {
    match ending {
        Ending::Done => Exit::Done,
        Ending::Partial | Ending::Failed => Exit::Partial,
        Ending::Usage => Exit::Usage,
        Ending::Guard => Exit::Guard,
        Ending::Credentials => Exit::Credentials,
        Ending::Locked => Exit::Locked,
        Ending::Temporary | Ending::Interrupted => Exit::Temporary,
    }
}

/// The engine's steps as progress on standard error.
struct Shown {
    reporter: Reporter,
    steps: Mutex<BTreeMap<Step, progress::Step>>,
}

impl Shown {
    fn with(&self, act: impl FnOnce(&mut BTreeMap<Step, progress::Step>)) {
        act(&mut self.steps.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Observer for Shown {
    fn begin(&self, step: Step, total: Option<u64>) {
        self.with(|steps| drop(steps.insert(step, self.reporter.step(step.name(), total))));
    }

    fn total(&self, step: Step, total: u64) {
        self.with(|steps| {
            steps.get(&step).into_iter().for_each(|shown| shown.set_total(total));
        });
    }

    fn advance(&self, step: Step, items: u64) {
        self.with(|steps| steps.get(&step).into_iter().for_each(|shown| shown.advance(items)));
    }

    fn end(&self, step: Step, outcome: &str) {
        self.with(|steps| steps.remove(&step).into_iter().for_each(|shown| shown.finish(outcome)));
    }
}
