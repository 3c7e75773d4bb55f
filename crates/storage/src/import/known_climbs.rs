//! The climbs that an import meets again.

use std::collections::HashMap;

use diesel::prelude::*;
use mastoc_domain::StoktId;
use mastoc_domain::import::ImportClimb;
use mastoc_domain::sync_state::{Source, SyncState};
use uuid::Uuid;

use super::echoes::CountsFor;
use super::parents;
use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::schema::climbs as t;
use crate::sql::keys;
use crate::types::{Id, Time};

/// A climb that exists.
pub(super) struct Existing {
    pub(super) id: Uuid,
    pub(super) face_id: Uuid,
    pub(super) face_version: i32,
    pub(super) setter_id: Option<Uuid>,
    pub(super) holds_list: String,
    pub(super) is_private: bool,
    pub(super) rev: i32,
    pub(super) source: Source,
    pub(super) sync_state: SyncState,
    pub(super) created_at: Time,
}

impl Existing {
    /// Where it is counted.
    pub(super) fn counts_for(&self) -> CountsFor {
        CountsFor { face: self.face_id, setter: self.setter_id, is_private: self.is_private }
    }
}

type Columns = (Option<Id>, Id, Id, i32, Option<Id>, String, bool, i32, String, String, Time);

/// Those of the records' climbs that exist, by Stokt's id.
///
/// # Errors
/// When the database fails.
pub(super) fn existing(
    conn: &mut ReadConn<'_>,
    records: &[ImportClimb],
) -> Result<HashMap<StoktId, Existing>, StoreError> {
    let ids = Id::all(parents::distinct(records.iter().map(|record| record.stokt_id.0)));
    let mut found = HashMap::with_capacity(ids.len());
    for ids in keys(&ids) {
        let rows: Vec<Columns> = on_backend!(conn, |c| t::table
            .filter(t::stokt_id.eq_any(ids))
            .select((
                t::stokt_id,
                t::id,
                t::face_id,
                t::face_version,
                t::setter_id,
                t::holds_list,
                t::is_private,
                t::rev,
                t::source,
                t::sync_state,
                t::created_at,
            ))
            .load(c))?;
        for row in rows {
            let (
                stokt_id,
                id,
                face,
                face_version,
                setter,
                holds_list,
                is_private,
                rev,
                source,
                sync_state,
                created_at,
            ) = row;
            let Some(stokt_id) = stokt_id else { continue };
            let unknown =
                |error: mastoc_domain::UnknownWord| StoreError::Internal(format!("climbs: {error}"));
            let climb = Existing {
                id: id.0,
                face_id: face.0,
                face_version,
                setter_id: setter.map(|setter| setter.0),
                holds_list,
                is_private,
                rev,
                source: source.parse().map_err(unknown)?,
                sync_state: sync_state.parse().map_err(unknown)?,
                created_at,
            };
            found.insert(StoktId(stokt_id.0), climb);
        }
    }
    Ok(found)
}
