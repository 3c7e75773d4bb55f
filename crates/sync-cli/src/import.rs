//! `mastoc-import`: takes whole gyms out of Stokt, with their pictures, into a database or onto a mastoc server.

use std::path::PathBuf;

use clap::{ArgMatches, Parser};
use mastoc_runtime::args::{DatabaseArgs, LogArgs, StoktArgs};
use mastoc_runtime::settings::create_data_dir;
use mastoc_runtime::{Exit, Failure, secrets};
use mastoc_sync_engine::{
    DatabaseTarget, EngineError, ImportOptions, Report, ServerClient, ServerTarget, StoktClient, StoktId,
    StoreTarget, Target, import_into,
};
use uuid::Uuid;

use crate::shared::{Shown, client_builder, ended, failure, is_flag, print, stop_on_interrupt};

/// What scripts can rely on.
const EXIT_CODES: &str = "Exit codes:
  0   done
  1   done in part: some records or wall pictures failed, and are listed
  2   wrong usage or settings, an unknown gym, a database that cannot be used
  4   stopped by a safety guard
  5   credentials refused (by Stokt, or the key by the server)
  6   another run holds the lock
  75  temporary: Stokt or the server is down or throttling, the disk is full, or Ctrl-C;
      run the same command again later, it goes on where it stopped";

/// Import whole gyms from Stokt: walls, faces, holds, pictures, setters and climbs.
///
/// Running it again goes on where it stopped, and changes nothing that Stokt did not change.
#[derive(Debug, Parser)]
#[command(name = "mastoc-import", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
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

impl Arguments {
    /// Runs the import and prints its report. `matches` are those the arguments came from.
    pub(crate) fn run(self, matches: &ArgMatches) -> Result<Exit, Failure> {
        self.log.init("warn")?;
        let to = self.target(matches)?;
        let (client, gyms) = self.client()?;
        stop_on_interrupt(&client);
        let options = ImportOptions {
            gyms: gyms.into_iter().map(StoktId).collect(),
            batch_size: usize::from(self.batch_size),
            dry_run: self.dry_run,
            everything: self.save_snapshot.is_some(),
            serve: serve_command(matches, &to),
        };
        let shown = Shown::new(self.json);
        let describe = match &to {
            To::Database { database, .. } => database.to_string(),
            To::Server(server) => server.address().to_owned(),
        };
        let report = import_into(&client, describe, || to.open(self.dry_run), &options, &shown);
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

    /// Where answers come from, and the gyms that are asked for. A snapshot needs none of the settings about Stokt.
    fn client(&self) -> Result<(StoktClient, Vec<Uuid>), Failure> {
        let failed = |error| failure(&EngineError::from(error));
        if let Some(folder) = &self.from_snapshot {
            let client = StoktClient::from_snapshot(folder).map_err(|error| {
                failed(error).hint(format!("is {} a folder that --save-snapshot made?", folder.display()))
            })?;
            return Ok((client, self.stokt.gym_ids()?));
        }
        let stokt = self.stokt.resolve()?;
        let mut builder = client_builder(&stokt)?;
        if let Some(folder) = &self.save_snapshot {
            builder = builder.save_snapshot(folder);
        }
        Ok((builder.build().map_err(failed)?, stokt.gyms))
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
        // An error that ended the run is told even where the report cannot be.
        let ended = ended(report);
        let printed = print(&text, ended.as_ref().map_or(Exit::Partial, |exit| *exit));
        ended.and(printed)
    }
}

impl To {
    fn open(self, dry_run: bool) -> Result<Box<dyn Target>, EngineError> {
        Ok(match self {
            Self::Server(server) => Box::new(ServerTarget::new(server, dry_run)),
            Self::Database { database, .. } if dry_run => Box::new(StoreTarget::dry_run_on(&database)?),
            Self::Database { database, data_dir } => {
                // One line about the folder is better than one about the database in it.
                create_data_dir(&data_dir)
                    .map_err(|failure| mastoc_storage::StoreError::Unusable(failure.message))?;
                let owner = format!("mastoc-import, process {}", std::process::id());
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

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_alphanumeric() || "/._-:@=+".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
