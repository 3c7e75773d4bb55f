//! Creations that are held back, since Stokt has something just like each of them; and what Stokt was told before.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use mastoc_domain::StoktId;
use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::EntityKind;
use serde_json::Value;
use uuid::Uuid;

use super::{Claim, Entry, claim, save};
use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::schema::outbox as t;
use crate::sql::keys;
use crate::types::Id;

impl Entry {
    /// Whether what is to be created is another one than these of Stokt's: a person said so, who had it sent all the same
    /// or called it off, or an attempt to send it began in sight of them.
    #[must_use]
    pub fn is_another_than(&self, twins: &BTreeSet<StoktId>) -> bool {
        let is_told_apart = match self.state {
            OutboxState::Pending => true,
            OutboxState::Rejected => self.sent_at.is_none(),
            _ => false,
        };
        is_told_apart && self.known_twins.is_superset(twins)
    }
}

/// Puts creations in that are not to be sent: Stokt has something just like each of them already, by these ids. They
/// wait for a person, with the reason, and are answered. What is on its way stays as it is. Five statements.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn hold_back(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    held: &[(Claim, BTreeSet<StoktId>, String)],
) -> Result<Vec<Entry>, StoreError> {
    let claims: Vec<Claim> = held.iter().map(|(claim, ..)| claim.clone()).collect();
    let mut entries = claim(conn, ctx, &claims)?;
    for entry in &mut entries {
        let of = held.iter().find(|(claim, ..)| claim.local_id == entry.local_id);
        let Some((_, twins, why)) = of else { continue };
        entry.state = OutboxState::Ambiguous;
        entry.known_twins.clone_from(twins);
        entry.last_error = Some(why.clone());
    }
    save(conn, &entries)?;
    Ok(entries)
}

/// Takes out creations that were [held back](super::Entry::is_held_back) and have no more reason to be.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn let_go(conn: &mut WriteConn<'_>, ctx: &ImportContext<'_>, ids: &[Uuid]) -> Result<(), StoreError> {
    ctx.check_fence(conn)?;
    let ids: Vec<Id> = ids.iter().copied().map(Id).collect();
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::delete(t::table.filter(t::id.eq_any(ids)))
            .filter(t::state.eq(OutboxState::Ambiguous.as_str()))
            .filter(t::sent_at.is_null())
            .execute(c))?;
    }
    Ok(())
}

/// What was sent of each of these things and done at Stokt, by kind and our id, oldest first.
///
/// # Errors
/// When the database fails.
pub fn done_before(
    conn: &mut ReadConn<'_>,
    local_ids: &[&str],
) -> Result<HashMap<(EntityKind, String), Vec<Value>>, StoreError> {
    let mut found: HashMap<(EntityKind, String), Vec<Value>> = HashMap::new();
    for ids in keys(local_ids) {
        let rows: Vec<(Word<EntityKind>, String, Value)> = on_backend!(conn, |c| t::table
            .filter(t::local_id.eq_any(ids))
            .filter(t::state.eq(OutboxState::Done.as_str()))
            .order((t::created_at.asc(), t::id.asc()))
            .select((t::entity, t::local_id, t::payload))
            .load(c))?;
        for (entity, id, payload) in rows {
            found.entry((entity.0, id)).or_default().push(payload);
        }
    }
    Ok(found)
}
