//! A plan as a file: what a dry run would do, kept so that exactly this can be carried out later, or refused.
//!
//! The file holds what was asked for, what was decided, and the hash of the state that it was decided from. Whoever
//! applies it runs the same survey again; the engine compares the hashes before it writes anything.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use mastoc_domain::{StoktId, Timestamp};
use mastoc_storage::links::json_hash;
use mastoc_storage::runs::RunDirection;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::options::{ConflictPolicy, MaxDelete, Selection, SyncOptions};
use crate::decision::Decisions;
use crate::report::Report;

/// The layout of the file; it grows when a field changes its meaning.
pub const PLAN_SCHEMA: u32 = 1;
/// No plan is larger: 10,000 decisions take some 2 MB.
const MOST_BYTES: u64 = 64 << 20;

/// Why a plan cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFileError {
    /// The file cannot be written or read.
    #[error("cannot {doing} the plan {path}: {why}")]
    File {
        /// `read` or `write`.
        doing: &'static str,
        /// Which file.
        path: String,
        /// What the system says.
        why: std::io::Error,
    },
    /// It is no plan, or not as it was written.
    #[error("{path} is no plan that can be carried out: {why}; make a new one with --dry-run --plan")]
    Damaged {
        /// Which file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was made by a version that writes plans of another layout.
    #[error(
        "the plan {path} was made by another version of mastoc ({version}); make a new one with --dry-run --plan"
    )]
    Version {
        /// Which file.
        path: String,
        /// The version that made it.
        version: String,
    },
}

/// What was asked for, as the plan keeps it: all of [`SyncOptions`] that has a say in what is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedOptions {
    /// `stokt-to-mastoc`, `mastoc-to-stokt` or `both`.
    pub direction: String,
    /// Whether everything is looked at.
    pub full: bool,
    /// The gyms; none for the account's home gym.
    pub gyms: Vec<StoktId>,
    /// From when on, if not from the last complete run.
    pub since: Option<Timestamp>,
    /// Which local climbs are sent.
    pub selection: Selection,
    /// How conflicts are settled.
    pub conflict: ConflictPolicy,
    /// Whether climbs may be deleted at Stokt.
    pub allow_delete: bool,
    /// The guard.
    pub max_delete: MaxDelete,
    /// Whether nearly everything may change.
    #[serde(default)]
    pub accept_changes: bool,
    /// Seconds after which an unknown outcome may count as not created.
    pub unknown_settle_seconds: u64,
    /// Seconds that a climb must be missing.
    pub gone_after_seconds: u64,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// [`PLAN_SCHEMA`].
    pub schema: u32,
    /// The version of mastoc that made it.
    pub version: String,
    /// When it was made, on our clock; for people only.
    pub made_at: Timestamp,
    /// Stokt's address.
    pub origin: String,
    /// The database, without passwords.
    pub target: String,
    /// What was asked for.
    pub options: PlannedOptions,
    /// The hash of the state that the decisions were made from, and of the decisions.
    pub state: String,
    /// What would be done.
    pub plan: Decisions,
    /// The hash of all of the above, so that a file that was cut or edited is told from a whole one.
    pub digest: String,
}

impl PlanFile {
    /// The plan of a dry run that ended well; `None` when the report holds no plan.
    #[must_use]
    pub fn of(options: &SyncOptions, report: &Report) -> Option<Self> {
        let mut plan = Self {
            schema: PLAN_SCHEMA,
            version: report.version.clone(),
            made_at: report.started_at,
            origin: report.origin.clone(),
            target: report.target.clone(),
            options: PlannedOptions {
                direction: direction_word(options.direction).to_owned(),
                full: options.full,
                gyms: options.gyms.clone(),
                since: options.since,
                selection: options.selection.clone(),
                conflict: options.policy,
                allow_delete: options.allow_delete,
                max_delete: options.max_delete,
                accept_changes: options.accept_changes,
                unknown_settle_seconds: options.unknown_settle.as_secs(),
                gone_after_seconds: options.gone_after.as_secs(),
            },
            state: report.plan.clone()?,
            plan: report.decisions.clone(),
            digest: String::new(),
        };
        plan.digest = plan.computed();
        Some(plan)
    }

    /// What is to be asked for, so that the engine carries out this plan or refuses it.
    #[must_use]
    pub fn to_options(&self, batch_size: usize) -> Option<SyncOptions> {
        let kept = &self.options;
        Some(SyncOptions {
            direction: [RunDirection::StoktToMastoc, RunDirection::MastocToStokt, RunDirection::Both]
                .into_iter()
                .find(|known| direction_word(*known) == kept.direction)?,
            full: kept.full,
            gyms: kept.gyms.clone(),
            since: kept.since,
            selection: kept.selection.clone(),
            policy: kept.conflict,
            allow_delete: kept.allow_delete,
            max_delete: kept.max_delete,
            accept_changes: kept.accept_changes,
            dry_run: false,
            expect: Some(self.state.clone()),
            unknown_settle: Duration::from_secs(kept.unknown_settle_seconds),
            gone_after: Duration::from_secs(kept.gone_after_seconds),
            batch_size,
        })
    }

    /// Writes the plan: whole or not at all, readable by its owner only, since it names private climbs.
    ///
    /// # Errors
    /// [`PlanFileError::File`] when the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), PlanFileError> {
        let failed = |why| PlanFileError::File { doing: "write", path: path.display().to_string(), why };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.write_all(b"\n").map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Reads a plan, and makes sure that it is as it was written.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, PlanFileError> {
        let shown = path.display().to_string();
        let failed = |why| PlanFileError::File { doing: "read", path: shown.clone(), why };
        let damaged = |why: String| PlanFileError::Damaged { path: shown.clone(), why };
        let mut text = String::new();
        let file = File::open(path).map_err(failed)?;
        let read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
        match read {
            Ok(_) if text.len() as u64 <= MOST_BYTES => {}
            Ok(_) => return Err(damaged("it is too large".to_owned())),
            Err(why) if why.kind() == std::io::ErrorKind::InvalidData => {
                return Err(damaged("it is not text".to_owned()));
            }
            Err(why) => return Err(failed(why)),
        }
        let value: Value = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        match value.get("schema").and_then(Value::as_u64) {
            None => return Err(damaged("it does not say that it is a plan".to_owned())),
            Some(schema) if schema != u64::from(PLAN_SCHEMA) => {
                let version = value.get("version").and_then(Value::as_str).unwrap_or("unknown").to_owned();
                return Err(PlanFileError::Version { path: shown, version });
            }
            Some(_) => {}
        }
        let plan: Self = serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
        if plan.digest != plan.computed() {
            return Err(damaged("it was changed since it was written".to_owned()));
        }
        if plan.to_options(1).is_none() {
            return Err(damaged(format!("{:?} is no direction", plan.options.direction)));
        }
        Ok(plan)
    }

    fn computed(&self) -> String {
        let bare = Self { digest: String::new(), ..self.clone() };
        json_hash(&serde_json::to_value(bare).unwrap_or_default())
    }
}

/// A direction as it is written on the command line.
pub(crate) fn direction_word(direction: RunDirection) -> &'static str {
    match direction {
        RunDirection::StoktToMastoc => "stokt-to-mastoc",
        RunDirection::MastocToStokt => "mastoc-to-stokt",
        RunDirection::Both => "both",
    }
}

#[cfg(test)]
mod tests {
    use mastoc_domain::ClimbId;
    use mastoc_domain::sync_state::EntityKind;
    use uuid::Uuid;

    use super::*;
    use crate::decision::{Decided, Decision};

    fn options() -> SyncOptions {
        SyncOptions {
            direction: RunDirection::Both,
            full: true,
            gyms: vec![StoktId(Uuid::nil())],
            since: None,
            selection: Selection::Climbs(vec![ClimbId(Uuid::nil())]),
            policy: ConflictPolicy::Stokt,
            allow_delete: true,
            max_delete: MaxDelete::Percent(7),
            accept_changes: true,
            dry_run: true,
            expect: None,
            unknown_settle: Duration::from_secs(0),
            gone_after: Duration::from_secs(7),
            batch_size: 10,
        }
    }

    fn plan() -> PlanFile {
        let mut report = Report::begin("https://x.org/", "sqlite://x".into(), true);
        report.plan = Some("abc".to_owned());
        report.decisions.listed.push(Decision::new(EntityKind::Climb, "1", Decided::Created));
        PlanFile::of(&options(), &report).unwrap()
    }

    #[test]
    fn a_plan_reads_back_and_asks_for_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        plan().write(&path).unwrap();
        let read = PlanFile::read(&path).unwrap();
        assert_eq!(read, plan_made_at(read.made_at));
        let wanted =
            SyncOptions { dry_run: false, expect: Some("abc".to_owned()), batch_size: 500, ..options() };
        assert_eq!(read.to_options(500), Some(wanted));
        // Over an older one, and nothing else is left in the folder.
        plan().write(&path).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    fn plan_made_at(time: Timestamp) -> PlanFile {
        let mut plan = plan();
        plan.made_at = time;
        plan.digest = plan.computed();
        plan
    }

    #[test]
    fn a_report_without_a_plan_makes_none() {
        let report = Report::begin("https://x.org/", "sqlite://x".into(), true);
        assert_eq!(PlanFile::of(&options(), &report), None);
    }

    #[test]
    fn what_was_cut_or_edited_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        plan().write(&path).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        let refused = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            PlanFile::read(&path).unwrap_err().to_string()
        };
        let last = whole.trim_end().len() - 1;
        for cut in [0, 1, whole.len() / 3, whole.len() / 2, last] {
            let line = refused(&whole.as_bytes()[..cut]);
            assert!(line.contains("is no plan that can be carried out"), "{cut}: {line}");
        }
        let edited = whole.replace("\"allow_delete\": true", "\"allow_delete\": false");
        assert!(refused(edited.as_bytes()).contains("changed since"));
        let edited = whole.replace("\"created\"", "\"updated\"");
        assert!(refused(edited.as_bytes()).contains("changed since"));
        let unknown = whole.replacen("{", "{\"more\": 1,", 1);
        assert!(refused(unknown.as_bytes()).contains("more"));
        let newer = whole.replacen("\"schema\": 1", "\"schema\": 2", 1);
        assert!(refused(newer.as_bytes()).contains("another version"));
        assert!(refused(&[0xff, 0xfe]).contains("not text"));
        assert!(refused(b"[]").contains("is no plan"));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(PlanFile::read(&path), Err(PlanFileError::File { doing: "read", .. })));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_a_plan() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        plan().write(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
