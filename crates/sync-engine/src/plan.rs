//! The import as plain data: what goes into which batch, and how far a batch brings the work. Nothing here does I/O.

use mastoc_domain::StoktId;
use mastoc_domain::import::{
    ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall, ItemProblem,
};
use mastoc_domain::sync_state::EntityKind;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::convert::{BoardRecords, Refused};
use crate::listing::Listing;

/// Most bytes of a refused record that are kept with its reason.
const KEPT_RECORD: usize = 64 * 1024;

/// A record that cannot be imported, with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantined {
    /// What it would have become.
    pub kind: EntityKind,
    /// Its id at Stokt as text; for a record without one, a text made from its content.
    pub stokt_id: String,
    /// Why.
    pub problem: ItemProblem,
    /// What was sent, unless it is too large.
    pub record: Option<Value>,
}

impl Quarantined {
    /// Keeps a refused record.
    #[must_use]
    pub fn new(kind: EntityKind, record: &Value, why: &Refused) -> Self {
        Self::odd(kind, record, why.problem())
    }

    /// Keeps a record with this problem.
    pub(crate) fn odd(kind: EntityKind, record: &Value, problem: ItemProblem) -> Self {
        let text = record.to_string();
        let stokt_id = match record.get("id") {
            Some(Value::String(id)) if !id.is_empty() => id.chars().take(100).collect(),
            Some(Value::Number(id)) => id.to_string(),
            _ => format!("without-id-{}", stand_in(&text)),
        };
        let record = (text.len() <= KEPT_RECORD).then(|| record.clone());
        Self { kind, stokt_id, problem, record }
    }
}

/// A stand-in id for a record whose own is no UUID: the same content has the same one.
#[must_use]
pub(crate) fn stand_in(text: &str) -> StoktId {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let (start, _) = hash.split_at(16);
    StoktId(Uuid::from_slice(start).unwrap_or_default())
}

/// Records that are written together, in one transaction where the target has transactions. Parents come first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Gyms.
    pub gyms: Vec<ImportGym>,
    /// Walls.
    pub walls: Vec<ImportWall>,
    /// Faces.
    pub faces: Vec<ImportFace>,
    /// Holds.
    pub holds: Vec<ImportHold>,
    /// Setters.
    pub users: Vec<ImportUser>,
    /// Climbs.
    pub climbs: Vec<ImportClimb>,
    /// What could not be read.
    pub refused: Vec<Quarantined>,
    /// Ids that the listing of climbs showed on the pages that this batch completes.
    pub seen: Vec<StoktId>,
    /// Where to go on once this batch is written.
    pub progress: Option<Progress>,
}

impl Batch {
    /// How many records it holds, refused ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        let board = self.gyms.len() + self.walls.len() + self.faces.len() + self.holds.len();
        board + self.users.len() + self.climbs.len() + self.refused.len()
    }

    /// Whether there is nothing to write, progress included.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.seen.is_empty() && self.progress.is_none()
    }
}

/// How far the listing of climbs is written: whole pages only.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The next page; `None` after the last.
    pub next: Option<String>,
    /// What is known of the listing up to there.
    pub listing: Listing,
}

/// The plan for everything of a gym but its climbs.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardPlan {
    /// Gym, walls, faces, and what could not be read, in one batch.
    pub head: Batch,
    /// The holds, at most the wished number in each batch.
    pub holds: Vec<Batch>,
    /// The wall pictures, with the sizes in pixels that their records state.
    pub pictures: Vec<PicturePlan>,
}

/// A picture that an import brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PicturePlan {
    /// Whose it is.
    pub owner: PictureOwner,
    /// Its path at Stokt.
    pub path: String,
    /// Width and height in pixels that its record states.
    pub size: Option<(u32, u32)>,
}

impl PicturePlan {
    /// The wall picture of a face, if it has one.
    #[must_use]
    pub fn of_face(face: &ImportFace) -> Option<Self> {
        let picture = face.picture.as_ref()?;
        Some(Self {
            owner: PictureOwner::Face(face.stokt_id),
            path: picture.path.clone(),
            size: Some((picture.width, picture.height)),
        })
    }

    /// The avatar of a person, if they have one.
    #[must_use]
    pub fn of_user(user: &ImportUser) -> Option<Self> {
        let path = user.avatar_path.clone()?;
        Some(Self { owner: PictureOwner::Avatar(user.stokt_id), path, size: None })
    }
}

/// Whose picture it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PictureOwner {
    /// The wall picture of a face; an import is not complete without it.
    Face(StoktId),
    /// The avatar of a person.
    Avatar(StoktId),
}

impl PictureOwner {
    /// What a report calls it.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Face(_) => "wall picture",
            Self::Avatar(_) => "avatar",
        }
    }

    /// The owner's id at Stokt.
    #[must_use]
    pub fn stokt_id(self) -> StoktId {
        match self {
            Self::Face(id) | Self::Avatar(id) => id,
        }
    }
}

/// Plans the import of a board. `batch_size`: most holds in one batch.
#[must_use]
pub fn plan_board(board: BoardRecords, batch_size: usize) -> BoardPlan {
    let pictures = board.faces.iter().filter_map(PicturePlan::of_face).collect();
    let mut rest = board.holds.into_iter();
    let batches = std::iter::from_fn(|| {
        let holds: Vec<ImportHold> = rest.by_ref().take(batch_size.max(1)).collect();
        (!holds.is_empty()).then(|| Batch { holds, ..Batch::default() })
    });
    let holds = batches.collect();
    let head = Batch {
        gyms: vec![board.gym],
        walls: board.walls,
        faces: board.faces,
        refused: board.refused,
        ..Batch::default()
    };
    BoardPlan { head, holds, pictures }
}

/// One climb of a page, read or refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Climb {
    /// It can be imported.
    Read(Box<ImportClimb>),
    /// It cannot.
    Refused(Box<Quarantined>),
}

/// Cuts the stream of pages into batches of climbs.
///
/// A batch carries progress only over pages that it completes, so that whoever goes on from there misses nothing:
/// the records of a page that is half written come again.
#[derive(Debug)]
pub struct Cutter {
    size: usize,
    batch: Batch,
}

impl Cutter {
    /// Batches of at most `size` records.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { size: size.max(1), batch: Batch::default() }
    }

    /// Takes a page in; hands every full batch to `out`. `users`: setters that this page shows for the first time.
    /// `seen`: the ids of the page's records. `progress`: where the listing stands after the page.
    pub fn page(
        &mut self,
        climbs: Vec<Climb>,
        users: Vec<ImportUser>,
        seen: Vec<StoktId>,
        progress: Progress,
        mut out: impl FnMut(Batch),
    ) {
        self.batch.users.extend(users);
        for climb in climbs {
            if self.batch.climbs.len() + self.batch.refused.len() >= self.size {
                out(std::mem::take(&mut self.batch));
            }
            match climb {
                Climb::Read(climb) => self.batch.climbs.push(*climb),
                Climb::Refused(refused) => self.batch.refused.push(*refused),
            }
        }
        self.batch.seen.extend(seen);
        self.batch.progress = Some(progress);
        if self.batch.climbs.len() + self.batch.refused.len() >= self.size {
            out(std::mem::take(&mut self.batch));
        }
    }

    /// What is left after the last page, or when the run stops.
    #[must_use]
    pub fn finish(self) -> Option<Batch> {
        (!self.batch.is_empty()).then_some(self.batch)
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
