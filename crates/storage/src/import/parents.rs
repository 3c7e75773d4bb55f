//! Finding the rows that records refer to, by Stokt's ids, a whole batch at once.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use diesel::prelude::*;
use mastoc_domain::StoktId;
use uuid::Uuid;

use super::Assumed;
use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::schema::{face_versions, faces, gyms, holds, users, walls};
use crate::sql::keys;
use crate::types::Id;

/// Each value once.
pub(super) fn distinct<T: Eq + Hash + Copy>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    values.into_iter().filter(|value| seen.insert(*value)).collect()
}

macro_rules! by_stokt_id {
    ($(#[$doc:meta])* $name:ident, $table:ident, $assumed:ident) => {
        $(#[$doc])*
        pub(super) fn $name(
            conn: &mut ReadConn<'_>,
            stokt_ids: &[StoktId],
            assumed: Option<&Assumed>,
        ) -> Result<HashMap<StoktId, Uuid>, StoreError> {
            let mut found = HashMap::with_capacity(stokt_ids.len());
            let ids = Id::all(stokt_ids.iter().map(|id| id.0));
            for ids in keys(&ids) {
                let rows: Vec<(Option<Id>, Id)> = on_backend!(conn, |c| $table::table
                    .filter($table::stokt_id.eq_any(ids))
                    .select(($table::stokt_id, $table::id))
                    .load(c))?;
                found.extend(rows.into_iter().filter_map(|(stokt_id, id)| Some((StoktId(stokt_id?.0), id.0))));
            }
            if let Some(assumed) = assumed {
                for id in stokt_ids.iter().filter(|id| assumed.$assumed.contains(id)) {
                    found.entry(*id).or_insert(id.0);
                }
            }
            Ok(found)
        }
    };
}

by_stokt_id! {
    /// Our ids of gyms.
    gyms, gyms, gyms
}
by_stokt_id! {
    /// Our ids of walls.
    walls, walls, walls
}
by_stokt_id! {
    /// Our ids of people.
    users, users, users
}

/// A face that records refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownFace {
    pub(super) id: Uuid,
    /// The newest version, which imported holds and new climbs belong to.
    pub(super) latest_version: i32,
    /// The version that is shown.
    pub(super) current_version: i32,
}

/// Faces with their newest versions.
pub(super) fn known_faces(
    conn: &mut ReadConn<'_>,
    stokt_ids: &[StoktId],
    assumed: Option<&Assumed>,
) -> Result<HashMap<StoktId, KnownFace>, StoreError> {
    let mut found: HashMap<StoktId, KnownFace> = HashMap::with_capacity(stokt_ids.len());
    let ids = Id::all(stokt_ids.iter().map(|id| id.0));
    for ids in keys(&ids) {
        let rows: Vec<(Option<Id>, Id, i32, i32)> = on_backend!(conn, |c| faces::table
            .inner_join(face_versions::table.on(face_versions::face_id.eq(faces::id)))
            .filter(faces::stokt_id.eq_any(ids))
            .select((faces::stokt_id, faces::id, face_versions::version, faces::current_version))
            .load(c))?;
        for (stokt_id, id, version, current_version) in rows {
            let Some(stokt_id) = stokt_id else { continue };
            let known = KnownFace { id: id.0, latest_version: version, current_version };
            let face = found.entry(StoktId(stokt_id.0)).or_insert(known);
            face.latest_version = face.latest_version.max(version);
        }
    }
    if let Some(assumed) = assumed {
        for id in stokt_ids.iter().filter(|id| assumed.faces.contains(id)) {
            found.entry(*id).or_insert(KnownFace { id: id.0, latest_version: 1, current_version: 1 });
        }
    }
    Ok(found)
}

/// The faces that holds are on, by hold id.
pub(super) fn faces_of_holds(
    conn: &mut ReadConn<'_>,
    hold_ids: &[i64],
) -> Result<HashMap<i64, Uuid>, StoreError> {
    let mut found = HashMap::with_capacity(hold_ids.len());
    for ids in keys(hold_ids) {
        let rows: Vec<(i64, Id)> = on_backend!(conn, |c| holds::table
            .filter(holds::id.eq_any(ids))
            .select((holds::id, holds::face_id))
            .load(c))?;
        found.extend(rows.into_iter().map(|(hold, face)| (hold, face.0)));
    }
    Ok(found)
}
