//! The answers as short tables for people. What comes from outside can neither break a line nor steer the terminal.

use std::fmt::Write as _;

use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::SyncState;

use super::answers::{History, PastRunJson, Status, TakenLock};
use crate::decision::clean;
use crate::summary::in_seconds;

/// Most characters of a name or a reason.
const TEXT: usize = 200;

/// Lengths of time as people say them.
fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn run_line(run: &PastRunJson) -> String {
    let way = match run.direction.as_str() {
        "stokt_to_mastoc" => "stokt-to-mastoc",
        "mastoc_to_stokt" => "mastoc-to-stokt",
        other => other,
    };
    let ended =
        run.finished_at.map_or_else(|| "not ended".to_owned(), |at| format!("ended {}", in_seconds(at)));
    let mut line = format!("{} {way} {} {}, {ended}", in_seconds(run.started_at), run.mode, run.status);
    if let Some(error) = &run.error {
        // Writing to a text never fails.
        let _ = write!(line, ": {}", clean(error, TEXT));
    }
    line
}

impl Status {
    /// A table for people. It ends with a line break.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        let never = || "never".to_owned();
        let _ = writeln!(out, "database      {}", self.database);
        let _ = writeln!(out, "last run      {}", self.last_run.as_ref().map_or_else(never, run_line));
        let _ = writeln!(out, "last success  {}", self.last_success.as_ref().map_or_else(never, run_line));
        let behind = self.lag_seconds.map_or_else(|| "unknown".to_owned(), age);
        let _ = writeln!(out, "behind        {behind}");
        let outbox = |state: OutboxState| self.outbox.get(&state).copied().unwrap_or(0);
        let _ = writeln!(
            out,
            "outbox        {} waiting, {} of unknown outcome, {} ambiguous, {} refused",
            outbox(OutboxState::Pending) + outbox(OutboxState::Leased),
            outbox(OutboxState::Sent) + outbox(OutboxState::Unknown),
            outbox(OutboxState::Ambiguous),
            outbox(OutboxState::Rejected),
        );
        let _ = writeln!(out, "conflicts     {} waiting for a person", self.open_conflicts);
        let climbs = |state: SyncState| self.climbs.get(&state).copied().unwrap_or(0);
        let _ = writeln!(
            out,
            "climbs        {} in step, {} changed here, {} in conflict, {} archived, {} local",
            climbs(SyncState::Synced),
            climbs(SyncState::Modified),
            climbs(SyncState::Conflict),
            climbs(SyncState::Archived),
            climbs(SyncState::Local),
        );
        let lock = &self.lock;
        let lock_words = match (lock.is_held, &lock.owner, lock.acquired_at) {
            (true, Some(owner), Some(since)) => {
                format!("held by {}, since {}", clean(owner, TEXT), in_seconds(since))
            }
            _ => "free".to_owned(),
        };
        let _ = writeln!(out, "lock          {lock_words}");
        if let (Some(at), Some(by), Some(why)) = (lock.broken_at, &lock.breaker, &lock.broken_reason) {
            let (at, by, why) = (in_seconds(at), clean(by, TEXT), clean(why, TEXT));
            let _ = writeln!(out, "              broken {at} by {by}: {why}");
        }
        out
    }
}

impl History {
    /// A table for people. It ends with a line break.
    #[must_use]
    pub fn table(&self) -> String {
        if self.runs.is_empty() {
            return "no runs\n".to_owned();
        }
        self.runs.iter().map(|run| run_line(run) + "\n").collect()
    }
}

impl TakenLock {
    /// A line for people. It ends with a line break.
    #[must_use]
    pub fn table(&self) -> String {
        format!(
            "the lock was taken from {}, who held it since {}: {}\n",
            clean(&self.owner, TEXT),
            in_seconds(self.acquired_at),
            self.meaning
        )
    }
}
