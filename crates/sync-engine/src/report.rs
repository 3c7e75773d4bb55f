//! The report of a run: one JSON document for programs. `summary.rs` makes a short table of it for people.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{RunId, StoktId, Timestamp};
use mastoc_stokt_client::StatsReading;
use serde::{Deserialize, Serialize};

use crate::decision::{Decided, Decision, Decisions};
use crate::ending::Ending;
use crate::listing::Listing;

/// The layout of the report; it grows when a field changes its meaning.
pub const REPORT_SCHEMA: u32 = 1;
/// Most problems, and most notes, that a report lists; the rest is counted.
const MOST_LISTED: usize = 1_000;

/// What became of the records of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// New rows.
    pub created: u64,
    /// Rows that really changed.
    pub updated: u64,
    /// Rows that said the same already.
    pub unchanged: u64,
    /// Records that were refused and kept aside.
    pub quarantined: u64,
}

/// The tallies of all kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Gyms.
    pub gyms: Tally,
    /// Walls.
    pub walls: Tally,
    /// Faces.
    pub faces: Tally,
    /// Holds.
    pub holds: Tally,
    /// Setters.
    pub setters: Tally,
    /// Climbs.
    pub climbs: Tally,
    /// Lists of climbs; only a synchronisation brings them.
    #[serde(default)]
    pub lists: Tally,
}

impl Counts {
    /// Each kind with its name, parents first.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, Tally); 7] {
        [
            ("gyms", self.gyms),
            ("walls", self.walls),
            ("faces", self.faces),
            ("holds", self.holds),
            ("setters", self.setters),
            ("climbs", self.climbs),
            ("lists", self.lists),
        ]
    }

    /// All kinds together.
    #[must_use]
    pub fn sum(&self) -> Tally {
        self.rows().into_iter().fold(Tally::default(), |sum, (_, tally)| Tally {
            created: sum.created + tally.created,
            updated: sum.updated + tally.updated,
            unchanged: sum.unchanged + tally.unchanged,
            quarantined: sum.quarantined + tally.quarantined,
        })
    }

    fn of(&mut self, kind: EntityKind) -> &mut Tally {
        match kind {
            EntityKind::Gym => &mut self.gyms,
            EntityKind::Wall => &mut self.walls,
            EntityKind::Face => &mut self.faces,
            EntityKind::Hold => &mut self.holds,
            EntityKind::User => &mut self.setters,
            EntityKind::Climb => &mut self.climbs,
            EntityKind::List => &mut self.lists,
        }
    }
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// What it is about: `climb`, `hold`, `wall picture`, ...
    pub kind: String,
    /// Its id at Stokt, or what stands in its place.
    pub stokt_id: String,
    /// A stable word.
    pub code: String,
    /// What is wrong, for a person.
    pub detail: String,
}

/// What became of one batch's records of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What kind.
    pub kind: EntityKind,
    /// How many of each outcome.
    pub tally: Tally,
    /// What was decided about records that do not say the same as before.
    pub decisions: Vec<Decision>,
    /// Why records were refused.
    pub problems: Vec<Issue>,
    /// What is odd about records that were kept.
    pub notes: Vec<Issue>,
}

/// The listing of a gym's climbs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingReport {
    /// Whether every climb that Stokt counts was shown.
    pub complete: bool,
    /// Why not.
    pub flaw: Option<String>,
    /// Different records shown.
    pub distinct: u64,
    /// How often the listing was read from its start.
    pub attempts: u32,
    /// Counts and pages of the last reading.
    #[serde(flatten)]
    pub last: Listing,
}

/// One gym of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GymReport {
    /// Its id at Stokt.
    pub stokt_id: StoktId,
    /// Its name.
    pub name: String,
    /// Whether it goes on where an earlier run stopped.
    pub resumed: bool,
    /// Its climbs' listing.
    pub listing: ListingReport,
    /// Its watermarks.
    pub watermarks: Watermarks,
}

/// The pictures of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagesReport {
    /// Pictures without a verified copy when the run came to them.
    pub wanted: u64,
    /// Copied and verified by this run.
    pub copied: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Wall pictures that are still missing: the import is not complete without them.
    pub missing_wall_pictures: u64,
    /// Avatars that could not be copied.
    pub missing_avatars: u64,
}

/// What the run asked of Stokt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests sent.
    pub requests: u64,
    /// Requests that repeated a failed one.
    pub retries: u64,
    /// Answers that asked to slow down (429).
    pub throttles: u64,
    /// Seconds spent waiting, for politeness and after failures.
    pub slept_seconds: f64,
    /// Bytes of answers.
    pub bytes: u64,
}

impl From<StatsReading> for Traffic {
    fn from(stats: StatsReading) -> Self {
        Self {
            requests: stats.requests,
            retries: stats.retries,
            throttles: stats.throttles,
            slept_seconds: rounded(stats.slept),
            bytes: stats.bytes,
        }
    }
}

/// Up to which moment, on Stokt's clock, everything is known: of one gym, or of all gyms of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermarks {
    /// Before the run; none while a gym has none.
    pub before: Option<Timestamp>,
    /// After it; a gym's moves only when its listing was complete.
    pub after: Option<Timestamp>,
}

/// The report of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: u32,
    /// The version of mastoc that ran.
    pub version: String,
    /// The run's id in the target, where it keeps runs.
    pub run: Option<RunId>,
    /// `stokt-to-mastoc`, `mastoc-to-stokt` or `both`.
    pub direction: String,
    /// `full` or `incremental`.
    pub mode: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The hash of what would be done and of the state it was decided from: of a synchronisation's dry run.
    #[serde(default)]
    pub plan: Option<String>,
    /// Where the data comes from.
    pub origin: String,
    /// Where it goes, without passwords.
    pub target: String,
    /// When the run began, on our clock.
    pub started_at: Timestamp,
    /// Seconds it took.
    pub seconds: f64,
    /// How it ended.
    pub ending: Ending,
    /// The exit code of the process.
    pub exit_code: u8,
    /// Why it could not go on.
    pub error: Option<String>,
    /// Watermarks.
    pub watermarks: Watermarks,
    /// The gyms.
    pub gyms: Vec<GymReport>,
    /// What became of the records.
    pub counts: Counts,
    /// Pictures.
    pub images: ImagesReport,
    /// What was asked of Stokt.
    pub traffic: Traffic,
    /// How many decisions of each kind a synchronisation made, listed or not.
    #[serde(default)]
    pub decided: BTreeMap<Decided, u64>,
    /// What was decided about single records, apart from those that said the same already.
    #[serde(flatten)]
    pub decisions: Decisions,
    /// What failed.
    pub problems: Vec<Issue>,
    /// How many problems are not listed.
    pub problems_omitted: u64,
    /// What is odd, though it was kept.
    pub notes: Vec<Issue>,
    /// How many notes are not listed.
    pub notes_omitted: u64,
    /// What the operator can do now.
    pub next_steps: Vec<String>,
    /// Whether Stokt's answers came from a snapshot, which says the same every time.
    #[serde(skip)]
    pub(crate) is_stored: bool,
    /// What the run before told already, and is no news.
    #[serde(skip)]
    pub(crate) told_before: BTreeSet<String>,
}

impl Report {
    /// The report of an import that begins now.
    #[must_use]
    pub fn begin(origin: &str, target: String, dry_run: bool) -> Self {
        Self {
            schema: REPORT_SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            run: None,
            direction: "stokt-to-mastoc".to_owned(),
            mode: "full".to_owned(),
            dry_run,
            plan: None,
            origin: origin.to_owned(),
            target,
            started_at: Timestamp::now(),
            seconds: 0.0,
            ending: Ending::Failed,
            exit_code: Ending::Failed.exit_code(),
            error: None,
            watermarks: Watermarks::default(),
            gyms: Vec::new(),
            counts: Counts::default(),
            images: ImagesReport::default(),
            traffic: Traffic::default(),
            decided: BTreeMap::new(),
            decisions: Decisions::default(),
            problems: Vec::new(),
            problems_omitted: 0,
            notes: Vec::new(),
            notes_omitted: 0,
            next_steps: Vec::new(),
            is_stored: false,
            told_before: BTreeSet::new(),
        }
    }

    /// The report as one JSON document, ending with a line break.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A plain struct with text keys always becomes JSON.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Takes a batch's outcome into account.
    pub fn add(&mut self, mut written: Written) {
        let tally = written.tally;
        let made = tally.created + tally.updated + tally.quarantined;
        let decisions = std::mem::take(&mut written.decisions);
        let kept = decisions.iter().filter(|one| one.decision == Decided::KeptLocal).count();
        self.decisions.add(decisions, made + u64::try_from(kept).unwrap_or(0));
        self.count_in(written);
    }

    /// Takes a batch's outcome into account whose decisions [`Report::decide`] tells.
    pub(crate) fn count_in(&mut self, written: Written) {
        let tally = self.counts.of(written.kind);
        tally.created += written.tally.created;
        tally.updated += written.tally.updated;
        tally.unchanged += written.tally.unchanged;
        tally.quarantined += written.tally.quarantined;
        for issue in written.problems {
            self.problem(issue);
        }
        for issue in written.notes {
            self.note(issue);
        }
    }

    /// Counts and lists what a synchronisation decided about one thing.
    pub fn decide(&mut self, decision: Decision) {
        *self.decided.entry(decision.decision).or_default() += 1;
        self.decisions.add(vec![decision], 1);
    }

    /// How many decisions of this kind were made.
    #[must_use]
    pub fn count(&self, decided: Decided) -> u64 {
        self.decided.get(&decided).copied().unwrap_or(0)
    }

    /// Lists a problem, or counts it when there are too many.
    pub fn problem(&mut self, issue: Issue) {
        push(&mut self.problems, &mut self.problems_omitted, issue);
    }

    /// Lists a note, or counts it when there are too many.
    pub fn note(&mut self, issue: Issue) {
        push(&mut self.notes, &mut self.notes_omitted, issue);
    }

    /// Closes the report of a synchronisation.
    pub(crate) fn close_sync(&mut self, ending: Ending, took: Duration, traffic: Traffic) {
        self.ending = ending;
        self.exit_code = ending.exit_code();
        self.seconds = rounded(took);
        self.traffic = traffic;
        self.next_steps = self.sync_advice();
    }

    /// Closes the report. `serve`: the command that serves what was imported.
    pub(crate) fn close(&mut self, ending: Ending, took: Duration, traffic: Traffic, serve: &str) {
        self.ending = ending;
        self.exit_code = ending.exit_code();
        self.seconds = rounded(took);
        self.traffic = traffic;
        self.next_steps = self.advice(serve);
    }
}

fn push(list: &mut Vec<Issue>, omitted: &mut u64, issue: Issue) {
    if list.len() < MOST_LISTED { list.push(issue) } else { *omitted += 1 }
}

/// Seconds with three decimals.
fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_problems_is_counted_and_not_kept() {
        let mut report = Report::begin("https://x.org/", "sqlite://x".into(), false);
        let issue =
            Issue { kind: "climb".into(), stokt_id: "1".into(), code: "c".into(), detail: "d".into() };
        let written = Written {
            kind: EntityKind::Climb,
            tally: Tally { quarantined: 2_000, ..Tally::default() },
            decisions: vec![],
            problems: vec![issue; 2_000],
            notes: vec![],
        };
        report.add(written);
        assert_eq!((report.problems.len(), report.problems_omitted), (1_000, 1_000));
        assert_eq!(report.counts.sum().quarantined, 2_000);
    }

    #[test]
    fn a_report_reads_back_as_it_was_written() {
        let mut report = Report::begin("https://x.org/", "sqlite://x".into(), true);
        report.gyms.push(GymReport {
            stokt_id: StoktId(uuid::Uuid::nil()),
            name: "G".into(),
            resumed: false,
            listing: ListingReport::default(),
            watermarks: Watermarks::default(),
        });
        report.close(Ending::Done, Duration::from_millis(1234), Traffic::default(), "");
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        assert_eq!(report.next_steps, ["nothing was written; run it without --dry-run to do this"]);
    }
}
