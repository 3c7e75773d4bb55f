//! The command line: what a run is asked for, and the commands beside it.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};
use mastoc_runtime::Failure;
use mastoc_runtime::args::{DatabaseArgs, LogArgs, StoktArgs};
use mastoc_runtime::settings::{TimeUnit, parse_duration};
use mastoc_storage::runs::RunDirection;
use mastoc_sync_engine::sync::{ConflictPolicy, MaxDelete, Selection, SyncOptions};
use mastoc_sync_engine::{ClimbId, ListId, StoktId, Timestamp};

use crate::sync::commands::Command;

/// What scripts can rely on, and what to run.
const AFTER_HELP: &str = "Examples:
  mastoc-sync --direction stokt-to-mastoc                what is new at Stokt
  mastoc-sync --direction both --full                    everything, both ways: once a night
  mastoc-sync --direction both --full --dry-run          only tell what that would do
  mastoc-sync --direction mastoc-to-stokt --all-local    send all climbs that were set here
  mastoc-sync conflicts                                  what waits for a person

Exit codes:
  0   done
  1   done in part: some records or wall pictures failed, and are listed
  2   wrong usage or settings, an unknown gym, a damaged plan, a database that cannot be used
  3   done, but conflicts or ambiguous pushes wait for a person: mastoc-sync conflicts, mastoc-sync outbox
  4   stopped by a safety guard, with nothing changed; or the plan is no longer what would be done
  5   credentials refused
  6   another run holds the lock
  75  temporary: Stokt is down or throttling, the disk is full, or Ctrl-C;
      run the same command again later, it goes on where it stopped";

/// Synchronise a board with Stokt, both ways.
///
/// Nothing is ever lost on either side, and nothing is created twice: a run that was cut anywhere can be run again.
#[derive(Debug, Parser)]
#[command(name = "mastoc-sync", version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten, next_help_heading = "Connections")]
    pub(crate) connections: Connections,
    /// Print one JSON document instead of text for people
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    #[command(flatten, next_help_heading = "Output")]
    pub(crate) log: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Where Stokt is, and where we are.
#[derive(Debug, Args)]
pub(crate) struct Connections {
    #[command(flatten)]
    pub(crate) stokt: StoktArgs,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// What a run is asked for.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Which way data moves
    #[arg(long, value_enum, value_name = "WAY")]
    pub(crate) direction: Option<Way>,
    /// Look at everything, not only at what is new: finds edits of old climbs and deletions
    #[arg(long)]
    full: bool,
    /// Look at what is new since this time instead of since the last complete run, as 2026-11-01 or 2026-11-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "full")]
    since: Option<Timestamp>,

    /// Send these local climbs to Stokt, by our ids, private and unlinked ones too (changes to climbs that both sides
    /// know are always sent)
    #[arg(
        long,
        value_name = "ID,...",
        value_delimiter = ',',
        value_parser = climb_id,
        group = "selection",
        help_heading = "What is sent"
    )]
    climb_ids: Vec<ClimbId>,
    /// Send all local climbs to Stokt, but for private ones of others than the account, and those unlinked by hand
    #[arg(long, group = "selection", help_heading = "What is sent")]
    all_local: bool,
    /// Send the local climbs of this list to Stokt, and the list itself; the same ones are left out
    #[arg(long, value_name = "ID", value_parser = list_id, group = "selection", help_heading = "What is sent")]
    list: Option<ListId>,

    /// Whose word counts where the same field was changed on both sides [default: manual, a person's]
    #[arg(long, value_enum, value_name = "WHO", help_heading = "Safety")]
    conflict: Option<Whose>,
    /// Stop if more climbs would be archived or deleted: a number or a share as 3% [default: 5 or 2%, whichever is more]
    #[arg(long, value_name = "N|N%", value_parser = parse_max_delete, help_heading = "Safety")]
    max_delete: Option<MaxDelete>,
    /// Go on although nearly every climb that both sides know would change
    #[arg(long, help_heading = "Safety")]
    accept_changes: bool,
    /// Delete at Stokt what was deleted here, where it is ours
    #[arg(long, help_heading = "Safety")]
    allow_delete: bool,
    /// Only tell what would be done; nothing is written on either side
    #[arg(long, help_heading = "Safety")]
    pub(crate) dry_run: bool,
    /// Write the plan to this file, for --apply-plan
    #[arg(long, value_name = "FILE", requires = "dry_run", help_heading = "Safety")]
    pub(crate) plan: Option<PathBuf>,
    /// Carry out a plan that --dry-run --plan wrote; refused if it is no longer what would be done
    #[arg(long, value_name = "FILE", help_heading = "Safety", conflicts_with_all = [
        "direction", "full", "since", "selection", "conflict", "max_delete", "allow_delete", "accept_changes",
        "dry_run", "plan",
    ])]
    pub(crate) apply_plan: Option<PathBuf>,
    /// How long after sending a climb of unknown outcome may count as not created, in seconds or as 10m [default: 600]
    #[arg(long, value_name = "SECONDS", env = "MASTOC_UNKNOWN_SETTLE", help_heading = "Safety")]
    unknown_settle: Option<String>,
    /// How long a climb must be missing from Stokt before it is archived, in hours or as 30m [default: 12]
    #[arg(long, value_name = "HOURS", env = "MASTOC_GONE_AFTER", help_heading = "Safety")]
    gone_after: Option<String>,

    /// Wait for a run that is under way to end, so long at most or for ever, rather than to end with code 6
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "", help_heading = "Output")]
    wait_lock: Option<String>,
    /// Most records in one transaction
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=5000),
        help_heading = "Output")]
    pub(crate) batch_size: u16,
    /// Print only what needs a person: for cron, whose mail then says something
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    pub(crate) quiet: bool,
}

/// Which way data moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// From Stokt to this board
    StoktToMastoc,
    /// From this board to Stokt
    MastocToStokt,
    /// Both, one after the other
    Both,
}

impl From<Way> for RunDirection {
    fn from(way: Way) -> Self {
        match way {
            Way::StoktToMastoc => Self::StoktToMastoc,
            Way::MastocToStokt => Self::MastocToStokt,
            Way::Both => Self::Both,
        }
    }
}

/// Whose word counts in a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whose {
    /// A person's: the conflict is recorded and waits
    Manual,
    /// Stokt's
    Stokt,
    /// Ours
    Mastoc,
}

impl From<Whose> for ConflictPolicy {
    fn from(whose: Whose) -> Self {
        match whose {
            Whose::Manual => Self::Manual,
            Whose::Stokt => Self::Stokt,
            Whose::Mastoc => Self::Mastoc,
        }
    }
}

impl RunArgs {
    /// What the run is asked for; `gyms` by the connection's settings.
    ///
    /// # Errors
    /// A one-line failure about the first thing that does not fit.
    pub(crate) fn options(&self, gyms: Vec<StoktId>) -> Result<SyncOptions, Failure> {
        let way = self.direction.ok_or_else(|| {
            Failure::usage("no direction is given")
                .hint("--direction stokt-to-mastoc, mastoc-to-stokt or both; --help shows examples")
        })?;
        let usual = SyncOptions::default();
        let selection = self.selection();
        if way == Way::StoktToMastoc {
            let sent = match selection {
                Selection::Nothing if self.allow_delete => "--allow-delete",
                Selection::Nothing => "",
                Selection::AllLocal => "--all-local",
                Selection::Climbs(_) => "--climb-ids",
                Selection::List(_) => "--list",
            };
            if !sent.is_empty() {
                return Err(Failure::usage(format!("{sent} speaks of what is sent to Stokt"))
                    .hint("use --direction mastoc-to-stokt or both"));
            }
        }
        Ok(SyncOptions {
            direction: way.into(),
            full: self.full,
            gyms,
            since: self.since,
            selection,
            policy: self.conflict.map_or(usual.policy, Into::into),
            allow_delete: self.allow_delete,
            max_delete: self.max_delete.unwrap_or(usual.max_delete),
            accept_changes: self.accept_changes,
            dry_run: self.dry_run,
            unknown_settle: time(
                "--unknown-settle",
                self.unknown_settle.as_ref(),
                TimeUnit::Seconds,
                usual.unknown_settle,
            )?,
            gone_after: time("--gone-after", self.gone_after.as_ref(), TimeUnit::Hours, usual.gone_after)?,
            batch_size: usize::from(self.batch_size),
            ..usual
        })
    }

    fn selection(&self) -> Selection {
        if self.all_local {
            return Selection::AllLocal;
        }
        match (self.list, self.climb_ids.as_slice()) {
            (Some(list), _) => Selection::List(list),
            (None, []) => Selection::Nothing,
            (None, ids) => {
                let mut climbs = ids.to_vec();
                climbs.sort_unstable();
                climbs.dedup();
                Selection::Climbs(climbs)
            }
        }
    }

    /// How long to wait for another run to end.
    ///
    /// # Errors
    /// A one-line failure if it is no length of time.
    pub(crate) fn patience(&self) -> Result<Duration, Failure> {
        match self.wait_lock.as_deref().map(str::trim) {
            None => Ok(Duration::ZERO),
            Some("") => Ok(Duration::MAX),
            Some(text) => duration("--wait-lock", text, TimeUnit::Seconds),
        }
    }
}

/// The flags that only a run has, by their names in the parser: a command beside it refuses them.
pub(crate) const RUN_ONLY: &[&str] = &[
    "direction",
    "full",
    "since",
    "climb_ids",
    "all_local",
    "list",
    "conflict",
    "max_delete",
    "allow_delete",
    "accept_changes",
    "dry_run",
    "plan",
    "apply_plan",
    "unknown_settle",
    "gone_after",
    "wait_lock",
    "batch_size",
    "quiet",
];

fn time(flag: &str, value: Option<&String>, unit: TimeUnit, usual: Duration) -> Result<Duration, Failure> {
    // An empty variable counts as unset.
    let given = value.map(|text| text.trim()).filter(|text| !text.is_empty());
    given.map_or(Ok(usual), |text| duration(flag, text, unit))
}

fn duration(flag: &str, text: &str, unit: TimeUnit) -> Result<Duration, Failure> {
    parse_duration(text, unit)
        .ok_or_else(|| Failure::usage(format!("{flag} {text:?} is no length of time such as 90s, 15m or 2h")))
}

/// A time, or a day: its beginning in UTC, as Stokt's own listing counts days.
fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .or_else(|_| Timestamp::parse(&format!("{}T00:00:00Z", text.trim())))
        .map_err(|_| "write it as 2026-11-01 or 2026-11-01T12:00:00Z".to_owned())
}

/// Our id of a climb.
pub(crate) fn climb_id(text: &str) -> Result<ClimbId, String> {
    id(text, "write our id of the climb")
}

fn list_id(text: &str) -> Result<ListId, String> {
    id(text, "write our id of the list")
}

/// Reads an id; `then`: what to write.
pub(crate) fn id<T: FromStr>(text: &str, then: &str) -> Result<T, String> {
    let wrong = || {
        let what = if text.trim().is_empty() { "an id is missing: " } else { "" };
        format!("{what}{then}, as 0190f0a0-0000-7000-8000-000000000001")
    };
    text.trim().parse().map_err(|_| wrong())
}

fn parse_max_delete(text: &str) -> Result<MaxDelete, String> {
    fn number<T: FromStr>(text: &str) -> Result<T, String> {
        // `parse` takes a sign that means nothing here.
        Some(text.trim_end())
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| "write a number of climbs, as 20, or a share of those linked, as 3%".to_owned())
    }
    match text.trim().strip_suffix('%') {
        Some(percent) => match number::<u8>(percent)? {
            percent @ 0..=100 => Ok(MaxDelete::Percent(percent)),
            _ => Err("a share is at most 100%".to_owned()),
        },
        None => number(text.trim()).map(MaxDelete::Count),
    }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
