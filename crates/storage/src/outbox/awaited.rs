//! What may have been made at Stokt though nobody knows it, by what it would be recognised there.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use mastoc_domain::StoktId;
use mastoc_domain::canonical::fingerprint;
use mastoc_domain::import::ImportClimb;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use serde_json::Value;

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::schema::outbox as t;
use crate::types::Time;

/// Something that Stokt may have of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Awaited {
    /// What Stokt had just like it before it was sent; nothing for what was never sent, since what Stokt has may be it.
    pub before: BTreeSet<StoktId>,
    /// Whether it was never sent, and is [held back](super::Entry::is_held_back).
    pub is_held_back: bool,
}

/// What may have been made at Stokt though nobody knows it, by fingerprints. A pull must not take such a thing for a new
/// one of somebody else's.
///
/// # Errors
/// When the database fails.
pub fn awaited(conn: &mut ReadConn<'_>, entity: EntityKind) -> Result<HashMap<String, Awaited>, StoreError> {
    let states = [OutboxState::Sent, OutboxState::Unknown, OutboxState::Ambiguous].map(OutboxState::as_str);
    let rows: Vec<(String, Option<Value>, Option<Time>)> = on_backend!(conn, |c| t::table
        .filter(t::entity.eq(entity.as_str()))
        .filter(t::action.eq(OutboxAction::Create.as_str()))
        .filter(t::state.eq_any(states))
        .select((t::fingerprint, t::known_twins, t::sent_at))
        .load(c))?;
    rows.into_iter()
        .map(|(fingerprint, known, sent_at)| {
            let known = known.filter(|_| sent_at.is_some());
            let before = known.map_or_else(|| Ok(BTreeSet::new()), serde_json::from_value);
            let before = before.map_err(|error| StoreError::Internal(format!("outbox: {error}")))?;
            Ok((fingerprint, Awaited { before, is_held_back: sent_at.is_none() }))
        })
        .collect()
}

/// What of ours a record of Stokt's may be: it has the fingerprint of that, as its setter would have sent it, and was not
/// there before.
#[must_use]
pub fn awaits<'a>(awaited: &'a HashMap<String, Awaited>, record: &ImportClimb) -> Option<&'a Awaited> {
    let setter = record.setter_stokt_id.filter(|_| !awaited.is_empty())?;
    let print = fingerprint(record.face_stokt_id, setter, &record.holds_list, &record.name);
    awaited.get(&print).filter(|one| !one.before.contains(&record.stokt_id))
}
