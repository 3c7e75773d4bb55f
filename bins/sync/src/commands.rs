//! The commands beside a run: what waits for people, and how they settle it.

mod conflicts;
mod outbox;

use clap::{Subcommand, ValueEnum};
use mastoc_runtime::{Exit, Failure};
use mastoc_storage::import::ImportContext;
use mastoc_storage::{Store, StoreError, StoreOptions, unlinking};
use mastoc_sync_engine::{ClimbId, EngineError, sync};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::args::{Arguments, Connections};
use crate::run::database;
use crate::shared::{failure, print};

/// What is asked for beside a run.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the conflicts that wait for a person; ends with code 3 if there are any
    Conflicts {
        /// Only this one
        #[arg(value_name = "ID")]
        id: Option<Uuid>,
    },
    /// Settle a conflict
    Resolve {
        /// The conflict, as `mastoc-sync conflicts` shows it
        #[arg(value_name = "ID")]
        id: Uuid,
        /// Whose version counts
        #[arg(long, value_enum, value_name = "WHOSE")]
        take: Side,
    },
    /// Show what waits to be sent to Stokt, and what was sent without a known outcome; ends with code 3 if a person has
    /// to decide
    Outbox,
    /// Let a climb be a local one: from then on nothing that is done to it here reaches Stokt, and nothing the other way
    Unlink {
        /// The climb, by our id
        #[arg(value_name = "CLIMB")]
        climb: ClimbId,
    },
}

/// Whose version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// Ours
    Mastoc,
    /// Stokt's
    Stokt,
}

impl From<Side> for sync::Take {
    fn from(side: Side) -> Self {
        match side {
            Side::Mastoc => Self::Mastoc,
            Side::Stokt => Self::Stokt,
        }
    }
}

/// Carries a command out.
pub(crate) fn carry_out(command: &Command, arguments: &Arguments) -> Result<Exit, Failure> {
    let store = open(&arguments.connections)?;
    match command {
        Command::Conflicts { id } => conflicts::show(&store, *id, arguments.json),
        Command::Resolve { id, take } => conflicts::resolve(&store, *id, (*take).into(), arguments.json),
        Command::Outbox => outbox::show(&store, arguments.json),
        Command::Unlink { climb } => unlink(&store, *climb, arguments.json),
    }
}

/// The board's database, which must be there: a command makes none.
fn open(connections: &Connections) -> Result<Store, Failure> {
    let (target, _) = database(connections)?;
    let none = || {
        Failure::usage(format!("there is no board in {target}"))
            .hint("name it with --data-dir or --database-url, or make it with mastoc-import")
    };
    if matches!(&target, mastoc_storage::DatabaseTarget::Sqlite(path) if !path.exists()) {
        return Err(none());
    }
    Store::open_as_it_is(&target, &StoreOptions::default())
        .map_err(|error| broken(error.into()))?
        .ok_or_else(none)
}

fn unlink(store: &Store, climb: ClimbId, json: bool) -> Result<Exit, Failure> {
    let done = store.write(|conn| unlinking::unlink(conn, &by_hand(), climb, sync::Direction::MastocToStokt));
    let done = done.map_err(|error| refused(error, "there is no such climb here"))?;
    let text = format!(
        "{} is a local climb now; climb {} at Stokt stays as it is, and is a new one to the next full run\n",
        done.name, done.stokt_id
    );
    say(
        json,
        &json!({ "climb": done.climb, "name": done.name, "stokt_id": done.stokt_id, "called_off": done.called_off }),
        &text,
    );
    Ok(Exit::Done)
}

/// What a person does is no part of a run.
fn by_hand() -> ImportContext<'static> {
    ImportContext { run: None, account: None, fence: None, dry: None }
}

/// Prints a value for programs, or a text for people, which ends with a line break.
fn say(json: bool, value: &Value, text: &str) {
    if json { print(&format!("{value:#}\n")) } else { print(text) }
}

fn broken(error: EngineError) -> Failure {
    failure(&error)
}

/// What the database does not do, with other words where it has not what was asked for.
fn refused(error: StoreError, missing: &str) -> Failure {
    match error {
        StoreError::NotFound => Failure::usage(missing),
        error => broken(error.into()),
    }
}

/// Text of others, which can neither break a line nor steer the terminal.
fn shown(text: &str) -> String {
    sync::one_line(text, 200)
}
