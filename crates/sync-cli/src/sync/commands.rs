//! The commands beside a run: what waits for people, and how they settle it.

mod conflicts;
mod outbox;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use mastoc_runtime::progress::Reporter;
use mastoc_runtime::{Exit, Failure};
use mastoc_storage::import::ImportContext;
use mastoc_storage::mending::{self, Mended};
use mastoc_storage::{DatabaseTarget, Store, StoreError, StoreOptions, WriteConn, unlinking};
use mastoc_sync_engine::sync::{by_hand, keep};
use mastoc_sync_engine::{ClimbId, EngineError, StoktClient, StoktId, Timestamp, sync};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::shared::{client_builder, failure, print, stop_on_interrupt};
use crate::sync::args::{Arguments, climb_id, id};
use crate::sync::run::database;

/// How long something that a person does waits for a run to end, in which it says so at once.
const PATIENCE: by_hand::Patience<'static> =
    by_hand::Patience { most: Duration::from_secs(20), waits: &say_that_it_waits };

/// What is asked for beside a run.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the last runs, how far behind the board is, what waits, and who holds the lock
    Status,
    /// Show the runs of the past, the newest first
    History {
        /// How many of them
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        last: u32,
    },
    /// Show the conflicts that wait for a person; ends with code 3 if there are any
    Conflicts {
        /// Only this one
        #[arg(value_name = "ID", value_parser = conflict_id)]
        id: Option<Uuid>,
    },
    /// Settle a conflict
    Resolve {
        /// The conflict, as `mastoc-sync conflicts` shows it
        #[arg(value_name = "ID", value_parser = conflict_id)]
        id: Uuid,
        /// Whose version counts
        #[arg(long, value_enum, value_name = "WHOSE")]
        take: Side,
    },
    /// Show what waits to be sent to Stokt, and what was sent without a known outcome; ends with code 3 if a person has
    /// to decide
    Outbox {
        #[command(subcommand)]
        action: Option<OutboxCommand>,
    },
    /// Check links, pictures, references and the change log, and say how to mend what is wrong; ends with code 1 then
    Verify {
        /// Compare every link with Stokt, too
        #[arg(long)]
        remote: bool,
    },
    /// Ask Stokt who climbed, likes and commented on single climbs, and keep the numbers (a full run brings those of all)
    Counters {
        /// The climbs, by our ids
        #[arg(value_name = "CLIMB", required = true, value_parser = climb_id)]
        climbs: Vec<ClimbId>,
    },
    /// Bring the account's personal lists from Stokt (--list ID sends one there)
    Lists,
    /// Set right what is kept of climbs, where verify finds it wrong; Stokt hears nothing of it
    Mend {
        /// The climbs, by our ids
        #[arg(value_name = "CLIMB", required = true, value_parser = climb_id)]
        climbs: Vec<ClimbId>,
    },
    /// Undo the link of a climb: ours is a local one again, and Stokt's stays as it is; the next run that lists it brings
    /// it here as a new climb, so that there are two then
    Unlink {
        /// The climb, by our id
        #[arg(value_name = "CLIMB", value_parser = climb_id)]
        climb: ClimbId,
    },
    /// The lock that lets one run work at a time
    Lock {
        #[command(subcommand)]
        action: LockCommand,
    },
}

/// What is to be done about something in the outbox.
#[derive(Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// Say what became of something whose sending was cut, or what is to become of something that is held back
    #[command(group = clap::ArgGroup::new("outcome").required(true).args(["adopt", "not_created", "send"]))]
    Settle {
        /// Which, as `mastoc-sync outbox` shows it
        #[arg(value_name = "ID", value_parser = entry_id)]
        id: Uuid,
        /// It is this one, by Stokt's id
        #[arg(long, value_name = "STOKT_ID", value_parser = stokt_id)]
        adopt: Option<StoktId>,
        /// Stokt has nothing of it: send it again
        #[arg(long)]
        not_created: bool,
        /// It is held back, and another one than Stokt has: send it all the same
        #[arg(long)]
        send: bool,
    },
    /// Call off what waits, or is held back, and was not sent
    Drop {
        /// Which, as `mastoc-sync outbox` shows it
        #[arg(value_name = "ID", value_parser = entry_id)]
        id: Uuid,
    },
}

/// What is to be done about the lock.
#[derive(Debug, Subcommand)]
pub(crate) enum LockCommand {
    /// Take the lock from a run that hangs; that run can write nothing any more
    Break {
        /// Why; it stays on record
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

fn conflict_id(text: &str) -> Result<Uuid, String> {
    id(text, "write the id of the conflict as mastoc-sync conflicts shows it")
}

fn entry_id(text: &str) -> Result<Uuid, String> {
    id(text, "write the id of the entry as mastoc-sync outbox shows it")
}

fn stokt_id(text: &str) -> Result<StoktId, String> {
    id(text, "write Stokt's id of it, as mastoc-sync outbox shows it where it is known")
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
    let (target, data_dir) = database(&arguments.connections)?;
    let json = arguments.json;
    match command {
        Command::Status => {
            let status = keep::status(&target, Timestamp::now()).map_err(|error| failure(&error))?;
            tell(json, &status, &status.table(), Exit::Done)
        }
        Command::History { last } => {
            let history = keep::history(&target, 0, i64::from(*last)).map_err(|error| failure(&error))?;
            tell(json, &history, &history.table(), Exit::Done)
        }
        Command::Lock { action: LockCommand::Break { reason } } => {
            let broken = keep::break_lock(&target, &owner(), reason).map_err(|error| failure(&error))?;
            tell(json, &broken, &broken.table(), Exit::Done)
        }
        Command::Verify { remote } => verify(&target, &data_dir, *remote, arguments),
        Command::Conflicts { id } => conflicts::show(&open(&target)?, *id, json),
        Command::Resolve { id, take } => conflicts::resolve(&open(&target)?, *id, (*take).into(), json),
        Command::Outbox { action } => outbox::carry_out(&open(&target)?, action.as_ref(), arguments),
        Command::Counters { climbs } => {
            let (store, client) = (open(&target)?, client(arguments)?);
            let told = sync::counters::refresh(&client, &store, &owner(), PATIENCE, climbs);
            let told = told.map_err(|error| failure(&error))?;
            let exit = if told.skipped.is_empty() { Exit::Done } else { Exit::Partial };
            tell(json, &told, &told.table(), exit)
        }
        Command::Lists => {
            let (store, client) = (open(&target)?, client(arguments)?);
            let told = sync::lists::pull(&client, &store, &owner(), PATIENCE);
            let told = told.map_err(|error| failure(&error))?;
            let waits = told.lists.iter().any(|one| one.outcome == sync::lists::ListOutcome::HeldBack);
            tell(json, &told, &told.table(), if waits { Exit::Waiting } else { Exit::Done })
        }
        Command::Mend { climbs } => mend(&open(&target)?, climbs, json),
        Command::Unlink { climb } => unlink(&open(&target)?, *climb, json),
    }
}

/// The board's database, which must be there: a command makes none.
fn open(target: &DatabaseTarget) -> Result<Store, Failure> {
    let store = Store::open_as_it_is(target, &StoreOptions::default());
    store.map_err(|error| failure(&error.into()))?.ok_or_else(|| {
        Failure::usage(format!("there is no board in {target}"))
            .hint("name it with --data-dir or --database-url, or make it with mastoc-import")
    })
}

/// A client for Stokt, which Ctrl-C stops.
fn client(arguments: &Arguments) -> Result<StoktClient, Failure> {
    let client = client_builder(&arguments.connections.stokt.resolve()?)?.build();
    let client = client.map_err(|error| failure(&EngineError::from(error)))?;
    stop_on_interrupt(&client);
    Ok(client)
}

/// On standard error, since it is no part of what was asked for.
fn say_that_it_waits(holder: &str) {
    let most = PATIENCE.most.as_secs();
    // Nobody may read it.
    let _ = writeln!(std::io::stderr(), "waiting for the run of {holder} to end, {most} s at most");
}

/// Who does something, in words for whoever waits for the lock, or asks later.
fn owner() -> String {
    let who = std::env::var("USER").ok().filter(|who| !who.is_empty());
    let who = who.map_or_else(String::new, |who| format!(" by {who}"));
    format!("mastoc-sync{who}, process {}", std::process::id())
}

fn verify(
    target: &DatabaseTarget,
    data_dir: &Path,
    remote: bool,
    arguments: &Arguments,
) -> Result<Exit, Failure> {
    let client = if remote { Some(client(arguments)?) } else { None };
    let reporter = Reporter::stderr(arguments.json);
    // On a terminal, what is looked at stands there as long as it is.
    let mut step = None;
    let verified = keep::verify(target, Some(data_dir), client.as_ref(), &mut |what| {
        step = Some(reporter.step(what, None));
    });
    drop(step);
    let verified = verified.map_err(|error| failure(&error))?;
    tell(arguments.json, &verified, &verified.table(), if verified.ok { Exit::Done } else { Exit::Partial })
}

/// Writes something that a person decides, while no run is under way.
fn decide<T>(
    store: &Store,
    act: impl FnMut(&mut WriteConn<'_>, &ImportContext<'_>) -> Result<T, StoreError>,
    missing: &str,
) -> Result<T, Failure> {
    let mut act = act;
    let lock = by_hand::lock(store, &owner(), PATIENCE).map_err(|error| failure(&error))?;
    // What a person does is no part of a run, but no run may come between.
    let context = ImportContext { fence: Some(lock.fence()), ..ImportContext::default() };
    store.write(|conn| act(conn, &context)).map_err(|error| match error {
        StoreError::NotFound => Failure::usage(missing),
        error => failure(&error.into()),
    })
}

fn mend(store: &Store, climbs: &[ClimbId], json: bool) -> Result<Exit, Failure> {
    let mended = decide(
        store,
        |conn, ctx| {
            climbs.iter().map(|climb| mending::mend(conn, ctx, *climb)).collect::<Result<Vec<_>, _>>()
        },
        "there is no such climb here",
    )?;
    let mut text = String::new();
    for done in &mended {
        let parts: Vec<&str> = done.parts.iter().map(|part| part.as_str()).collect();
        let what = if parts.is_empty() {
            "nothing was wrong".to_owned()
        } else {
            format!("mended: {}", parts.join(", "))
        };
        text.push_str(&format!("{}  {}: {what}\n", done.climb, shown(&done.name)));
    }
    let value = |done: &Mended| {
        let parts: Vec<&str> = done.parts.iter().map(|part| part.as_str()).collect();
        json!({ "climb": done.climb, "name": done.name, "mended": parts })
    };
    tell(json, &json!({ "climbs": mended.iter().map(value).collect::<Vec<_>>() }), &text, Exit::Done)
}

fn unlink(store: &Store, climb: ClimbId, json: bool) -> Result<Exit, Failure> {
    let done = decide(
        store,
        |conn, ctx| unlinking::unlink(conn, ctx, climb, sync::Direction::MastocToStokt),
        "there is no such climb here",
    )?;
    let text = format!(
        "{} is a local climb now. Climb {} at Stokt stays as it is: the next run that lists it brings it here as a new \
         climb, so that there are two then\n",
        shown(&done.name),
        done.stokt_id
    );
    tell(
        json,
        &json!({ "climb": done.climb, "name": done.name, "stokt_id": done.stokt_id, "called_off": done.called_off }),
        &text,
        Exit::Done,
    )
}

/// Prints a value for programs, or a text for people, which ends with a line break; ends with `exit`.
fn tell(json: bool, value: &impl Serialize, text: &str, exit: Exit) -> Result<Exit, Failure> {
    if json {
        // Plain structs with text keys always become JSON.
        print(&(serde_json::to_string_pretty(value).unwrap_or_default() + "\n"), exit)
    } else {
        print(text, exit)
    }
}

/// Text of others, which can neither break a line nor steer the terminal.
fn shown(text: &str) -> String {
    sync::one_line(text, 200)
}
