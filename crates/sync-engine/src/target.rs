//! Where an import goes: a database of ours, or a mastoc server.

use mastoc_domain::import::{BatchOutcome, ImportUser, ItemProblem, ItemStatus};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{RunId, StoktId, Timestamp};
use mastoc_media::{CheckedImage, MediaError};
use serde_json::Value;

use crate::decision::{Decided, Decision};
use crate::ending::Ending;
use crate::error::EngineError;
use crate::plan::{Batch, PictureOwner, PicturePlan, Progress, Quarantined};
use crate::report::{Issue, Tally, Written};

/// What a run tells its target first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Where the data comes from.
    pub origin: String,
    /// The asking account's id at Stokt, where known.
    pub account: Option<StoktId>,
    /// The gyms to import.
    pub gyms: Vec<StoktId>,
    /// Whether to go on where an earlier run stopped.
    pub resume: bool,
}

/// What the target knows of earlier runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Started {
    /// The run's id, where the target keeps runs.
    pub run: Option<RunId>,
    /// Gyms whose import was begun and not finished, with the place to go on from.
    pub resume: Vec<(StoktId, Progress)>,
    /// Up to which moment, on Stokt's clock, everything of each gym was known before; gyms without one are left out.
    pub watermarks: Vec<(StoktId, Timestamp)>,
}

impl Started {
    /// The gym's watermark.
    pub(crate) fn watermark(&self, gym: StoktId) -> Option<Timestamp> {
        self.watermarks.iter().find(|(known, _)| *known == gym).map(|(_, watermark)| *watermark)
    }
}

/// A picture that is safely kept, its bytes verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Size of the file, in bytes.
    pub size_bytes: u64,
}

/// A picture between verifying and keeping.
#[derive(Debug)]
pub enum Checked {
    /// Its bytes, which nobody has looked at yet.
    Unread(Vec<u8>),
    /// A verified picture in a temporary file.
    Image(Box<CheckedImage>),
}

impl Checked {
    /// How much memory it holds, in bytes.
    pub(crate) fn in_memory(&self) -> usize {
        match self {
            Self::Unread(bytes) => bytes.len(),
            Self::Image(_) => 0,
        }
    }
}

/// What a picture that is not kept suffers from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It came cut, or something that passes came in its place: fetching it again may help.
    Passing,
    /// Stokt was asked several times, and failed as a service does that is in trouble.
    Service,
    /// Itself.
    Picture,
}

/// Why a picture is not kept.
#[derive(Debug)]
pub enum PictureError {
    /// The picture itself is at fault.
    Bad {
        /// What is wrong with it.
        detail: String,
        /// What it suffers from.
        cause: Cause,
    },
    /// The target is.
    Target(EngineError),
}

impl<E: Into<EngineError>> From<E> for PictureError {
    fn from(error: E) -> Self {
        Self::Target(error.into())
    }
}

/// A picture that is at fault itself. A cut one is fetched again, and so is a wall picture in whose place something
/// else came, such as a passing error page: without it nothing works. An avatar is not worth that.
pub(crate) fn bad_picture(picture: &PicturePlan, error: &MediaError) -> PictureError {
    let is_page = matches!(error, MediaError::NotAnImage { .. });
    let fetch_again = error.is_retryable() || (is_page && matches!(picture.owner, PictureOwner::Face(_)));
    let cause = if fetch_again { Cause::Passing } else { Cause::Picture };
    PictureError::Bad { detail: error.to_string(), cause }
}

/// Takes an import in. Everything can be written twice without harm.
pub trait Target: Sync {
    /// The target in a few words, without passwords.
    fn describe(&self) -> String;

    /// How many batches may be written at once. With one, they are written in order, and each with its progress.
    fn writers(&self) -> usize {
        1
    }

    /// Begins a run.
    ///
    /// # Errors
    /// When the target cannot be used.
    fn begin(&self, start: &Start) -> Result<Started, EngineError>;

    /// The setters of the climbs that a run which goes on has shown already; none for a run that starts anew.
    ///
    /// # Errors
    /// When the target fails.
    fn known_setters(&self) -> Result<Vec<ImportUser>, EngineError> {
        Ok(Vec::new())
    }

    /// Writes a batch, with its progress in the same transaction where there are transactions.
    ///
    /// # Errors
    /// When the target fails; refused records are part of the answer instead.
    fn write(&self, gym: StoktId, batch: &Batch) -> Result<Vec<Written>, EngineError>;

    /// How many different records the gym's listing has shown since [`Target::restart_listing`].
    ///
    /// # Errors
    /// When the target fails.
    fn seen(&self, gym: StoktId) -> Result<u64, EngineError>;

    /// Forgets what the gym's listing has shown: it starts over.
    ///
    /// # Errors
    /// When the target fails.
    fn restart_listing(&self, gym: StoktId) -> Result<(), EngineError>;

    /// The pictures that have no verified copy yet.
    ///
    /// # Errors
    /// When the target fails.
    fn wanted(&self, gym: StoktId) -> Result<Vec<PicturePlan>, EngineError>;

    /// Verifies a picture ahead of its turn: called beside [`Target::write`] from another thread, also before its owner
    /// is written. The picture is nobody's yet. A target that cannot look at pictures puts it off.
    ///
    /// # Errors
    /// As [`Target::keep_picture`].
    fn check_picture(&self, picture: &PicturePlan, bytes: Vec<u8>) -> Result<Checked, PictureError> {
        let _ = picture;
        Ok(Checked::Unread(bytes))
    }

    /// Keeps pictures that [`Target::check_picture`] gave back, with one answer for each, in order.
    fn keep_pictures(&self, pictures: Vec<(&PicturePlan, Checked)>) -> Vec<Result<Kept, PictureError>> {
        let keep = |(picture, checked): (&PicturePlan, Checked)| match checked {
            Checked::Unread(bytes) => self.keep_picture(picture, &bytes),
            Checked::Image(_) => Err(PictureError::Bad {
                detail: "this target takes no pictures that were looked at elsewhere".to_owned(),
                cause: Cause::Picture,
            }),
        };
        pictures.into_iter().map(keep).collect()
    }

    /// Verifies a picture and keeps it. Called beside [`Target::write`], from another thread.
    ///
    /// # Errors
    /// [`PictureError`] says whose fault it is.
    fn keep_picture(&self, picture: &PicturePlan, bytes: &[u8]) -> Result<Kept, PictureError>;

    /// The gym is through: the next run starts from the beginning. `watermark`: when, on Stokt's clock, its listing
    /// began, if that proved complete.
    ///
    /// # Errors
    /// When the target fails.
    fn gym_done(&self, gym: StoktId, watermark: Option<Timestamp>) -> Result<(), EngineError>;

    /// Keeps the run's report.
    ///
    /// # Errors
    /// When the target fails.
    fn finish(&self, ending: Ending, report: &Value) -> Result<(), EngineError>;
}

/// A batch's outcome as the report counts it.
pub(crate) fn written_from(outcome: BatchOutcome) -> Written {
    let mut written = Written {
        kind: outcome.kind,
        tally: Tally::default(),
        decisions: Vec::new(),
        problems: Vec::new(),
        notes: Vec::new(),
    };
    let issue = |stokt_id: &str, problem: ItemProblem| Issue {
        kind: outcome.kind.as_str().to_owned(),
        stokt_id: stokt_id.to_owned(),
        code: problem.code,
        detail: problem.detail,
    };
    for item in outcome.items {
        if let Some(decided) = Decided::from_status(&item.status) {
            written.decisions.push(Decision::new(outcome.kind, item.stokt_id.as_str(), decided));
        }
        match item.status {
            ItemStatus::Created => written.tally.created += 1,
            ItemStatus::Updated => written.tally.updated += 1,
            ItemStatus::Exists | ItemStatus::KeptLocal => written.tally.unchanged += 1,
            ItemStatus::Failed(problem) => {
                written.tally.quarantined += 1;
                written.problems.push(issue(&item.stokt_id, problem));
            }
        }
        written.notes.extend(item.notes.into_iter().map(|note| issue(&item.stokt_id, note)));
    }
    written
}

/// Records that could not be read, as the report counts them.
pub(crate) fn written_from_refused(refused: &[Quarantined]) -> Vec<Written> {
    let mut all: Vec<Written> = Vec::new();
    for item in refused {
        let one = Tally { quarantined: 1, ..Tally::default() };
        all.push(Written {
            kind: item.kind,
            tally: one,
            decisions: vec![Decision::new(item.kind, item.stokt_id.as_str(), Decided::Quarantined)],
            problems: vec![refused_issue(item)],
            notes: vec![],
        });
    }
    all
}

fn refused_issue(item: &Quarantined) -> Issue {
    Issue {
        kind: item.kind.as_str().to_owned(),
        stokt_id: item.stokt_id.clone(),
        code: item.problem.code.clone(),
        detail: item.problem.detail.clone(),
    }
}

/// The kinds in the order in which a batch is written.
pub(crate) const KINDS: [EntityKind; 6] = [
    EntityKind::Gym,
    EntityKind::Wall,
    EntityKind::Face,
    EntityKind::Hold,
    EntityKind::User,
    EntityKind::Climb,
];
