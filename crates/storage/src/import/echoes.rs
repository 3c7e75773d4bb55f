//! What an import changes beyond the rows it writes: rows that are served with something of those. Copies of the board
//! follow the change log alone, so they must hear of these as well.

use std::collections::BTreeMap;

use diesel::prelude::*;
use mastoc_domain::UserId;
use mastoc_domain::change::{ChangeKind, Changed};
use uuid::Uuid;

use crate::changes::PendingChange;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::hold_shapes;
use crate::types::Id;

/// In whose number of climbs a climb is counted, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CountsFor {
    pub(crate) face: Uuid,
    pub(crate) setter: Option<Uuid>,
    pub(crate) is_private: bool,
}

/// Faces and setters whose number of climbs a batch changes: they are served with it.
#[derive(Debug, Default)]
pub(crate) struct Recounted {
    faces: BTreeMap<Uuid, bool>,
    setters: BTreeMap<Uuid, bool>,
}

impl Recounted {
    /// A climb that was counted so before, if it was there, and is now.
    pub(crate) fn climb(&mut self, before: Option<CountsFor>, now: CountsFor) {
        if before == Some(now) {
            return;
        }
        self.counted(before.into_iter().chain([now]));
    }

    /// A climb that was counted so, and is not there any more.
    pub(crate) fn gone(&mut self, before: CountsFor) {
        self.counted([before].into_iter());
    }

    fn counted(&mut self, places: impl Iterator<Item = CountsFor> + Clone) {
        let is_public = places.clone().any(|counts| !counts.is_private);
        for counts in places {
            *self.faces.entry(counts.face).or_default() |= is_public;
            if let Some(setter) = counts.setter {
                *self.setters.entry(setter).or_default() |= is_public;
            }
        }
    }

    /// Notes them all.
    pub(crate) fn note(self, conn: &mut WriteConn<'_>) {
        for (entity, rows) in [(Changed::Face, self.faces), (Changed::User, self.setters)] {
            for (id, is_public) in rows {
                // Whoever set nothing but private climbs is in nobody's copy but their own, and must hear when the last
                // of them goes.
                let owner = (entity == Changed::User).then_some(UserId(id));
                let id = id.to_string();
                conn.note(PendingChange { entity, id, kind: ChangeKind::Updated, is_public, owner });
            }
        }
    }
}

/// Notes faces that show another number of holds now: they are served with it.
pub(crate) fn note_faces(conn: &mut WriteConn<'_>, faces: impl IntoIterator<Item = Uuid>) {
    for face in faces {
        let (entity, id) = (Changed::Face, face.to_string());
        conn.note(PendingChange { entity, id, kind: ChangeKind::Updated, is_public: true, owner: None });
    }
}

/// Notes what showing `version` of a face instead of `shown` means to its holds: they are served as the shown version
/// draws them.
///
/// # Errors
/// When the database fails.
pub(crate) fn note_holds_of(
    conn: &mut WriteConn<'_>,
    face: Id,
    shown: i32,
    version: i32,
) -> Result<(), StoreError> {
    let rows: Vec<(i64, i32)> = on_backend!(conn, |c| hold_shapes::table
        .filter(hold_shapes::face_id.eq(face))
        .filter(hold_shapes::version.eq_any([shown, version]))
        .select((hold_shapes::hold_id, hold_shapes::version))
        .load(c))?;
    // Whether the hold was there before, and is there now.
    let mut holds: BTreeMap<i64, (bool, bool)> = BTreeMap::new();
    for (hold, of) in rows {
        let (before, now) = holds.entry(hold).or_default();
        *before |= of == shown;
        *now |= of == version;
    }
    for (hold, there) in holds {
        let kind = match there {
            (true, true) => ChangeKind::Updated,
            (false, _) => ChangeKind::Created,
            (true, false) => ChangeKind::Deleted,
        };
        let (entity, id) = (Changed::Hold, hold.to_string());
        conn.note(PendingChange { entity, id, kind, is_public: true, owner: None });
    }
    Ok(())
}
