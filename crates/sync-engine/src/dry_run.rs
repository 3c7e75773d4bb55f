//! What a dry run on a database takes for written, so that what comes later finds its parents.

use std::collections::HashSet;

use mastoc_domain::StoktId;
use mastoc_domain::import::{BatchOutcome, ItemStatus};
use mastoc_domain::sync_state::EntityKind;
use mastoc_storage::import::Assumed;

use crate::plan::{Batch, PicturePlan};

/// What a dry run pretends.
#[derive(Default)]
pub(crate) struct Dry {
    pub(crate) assumed: Assumed,
    pub(crate) seen: HashSet<StoktId>,
    pub(crate) pictures: Vec<PicturePlan>,
}

impl Dry {
    /// Takes what would have been written for written.
    pub(crate) fn assume(&mut self, batch: &Batch, outcome: &BatchOutcome) {
        let kept = |index: usize| {
            outcome.items.get(index).is_some_and(|item| !matches!(item.status, ItemStatus::Failed(_)))
        };
        let is_new =
            |index: usize| outcome.items.get(index).is_some_and(|item| item.status == ItemStatus::Created);
        match outcome.kind {
            EntityKind::Gym => self.assumed.gyms.extend(kept_rows(&batch.gyms, kept).map(|row| row.stokt_id)),
            EntityKind::Wall => {
                self.assumed.walls.extend(kept_rows(&batch.walls, kept).map(|row| row.stokt_id))
            }
            EntityKind::Face => {
                self.assumed.faces.extend(kept_rows(&batch.faces, kept).map(|row| row.stokt_id));
                self.pictures.extend(kept_rows(&batch.faces, is_new).filter_map(PicturePlan::of_face));
            }
            EntityKind::User => {
                self.assumed.users.extend(kept_rows(&batch.users, kept).map(|row| row.stokt_id));
                self.pictures.extend(kept_rows(&batch.users, is_new).filter_map(PicturePlan::of_user));
            }
            EntityKind::Hold => {
                let holds = kept_rows(&batch.holds, kept).map(|row| (row.stokt_id, row.face_stokt_id));
                self.assumed.holds.extend(holds);
            }
            EntityKind::Climb | EntityKind::List => {}
        }
    }
}

fn kept_rows<T>(rows: &[T], keep: impl Fn(usize) -> bool) -> impl Iterator<Item = &T> {
    rows.iter().enumerate().filter(move |(index, _)| keep(*index)).map(|(_, row)| row)
}
