//! Undoing the link between a climb here and one at Stokt.

use diesel::prelude::*;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::climb_edit::FieldChange;
use mastoc_domain::conflict::Settlement;
use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::{Direction, EntityKind, SyncState};
use mastoc_domain::{ClimbId, StoktId, UserId};
use serde_json::{Value, json};

use crate::changes::PendingChange;
use crate::climb_edits::{self, Author, NewEdit};
use crate::climbs::Word;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::schema::{climbs, outbox, sync_links, tombstones};
use crate::sync_writes::{self, AUTHOR};
use crate::types::{Id, Time};
use crate::{conflicts, mappings};

/// A climb that is linked to Stokt no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlinked {
    /// Our id of the climb.
    pub climb: ClimbId,
    /// Its name.
    pub name: String,
    /// Stokt's id of what it was linked to.
    pub stokt_id: StoktId,
    /// How many writes to Stokt that waited were called off.
    pub called_off: usize,
}

/// Makes a linked climb a local one: nothing that is done to it here reaches Stokt any more, and nothing that is done
/// there reaches it. The climb at Stokt stays as it is; to a later full pull it is a new one. `direction`: for which
/// side's sake, for the audit.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such climb; [`StoreError::Invalid`] when it is not linked, or something
/// was sent of it of which nobody knows yet what became; [`StoreError::Fenced`] when another run has taken over; or the
/// database's failure.
pub fn unlink(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    climb: ClimbId,
    direction: Direction,
) -> Result<Unlinked, StoreError> {
    sync_writes::begin(conn, ctx)?;
    let row: Option<(Option<Id>, String, Option<Id>, bool)> = on_backend!(conn, |c| climbs::table
        .find(Id(climb.0))
        .select((climbs::stokt_id, climbs::name, climbs::setter_id, climbs::is_private))
        .first(c)
        .optional())?;
    let (stokt_id, name, setter, is_private) = row.ok_or(StoreError::NotFound)?;
    // In a database that was damaged, a climb may have another id of Stokt's than its link.
    let mut linked = links_of(conn, climb)?;
    linked.extend(stokt_id.map(|id| StoktId(id.0)).filter(|id| !linked.contains(id)));
    let Some(stokt_id) = stokt_id.map(|id| StoktId(id.0)).or_else(|| linked.first().copied()) else {
        return Err(StoreError::Invalid(format!("climb {climb} is not linked to Stokt")));
    };
    let called_off = call_off(conn, climb)?;
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(climbs::table.find(Id(climb.0)))
        .set((
            climbs::stokt_id.eq(None::<Id>),
            climbs::sync_state.eq(SyncState::Local.as_str()),
            climbs::synced_at.eq(None::<Time>),
            climbs::updated_at.eq(now),
        ))
        .execute(c))?;
    for stokt_id in linked {
        forget_link(conn, climb, stokt_id, direction)?;
    }
    forget_deletion(conn, climb)?;
    conflicts::settle_of(conn, climb, Settlement::Unlinked)?;
    let change = FieldChange { field: "stokt_id".to_owned(), before: json!(stokt_id), after: Value::Null };
    let edit = NewEdit {
        climb: climb.0,
        action: ChangeKind::Updated,
        owner: setter,
        is_private,
        changes: vec![change],
    };
    climb_edits::record(conn, &Author::Key(AUTHOR.to_owned()), vec![edit])?;
    conn.note(PendingChange {
        entity: Changed::Climb,
        id: climb.to_string(),
        kind: ChangeKind::Updated,
        is_public: !is_private,
        owner: setter.map(|setter| UserId(setter.0)),
    });
    Ok(Unlinked { climb, name, stokt_id, called_off })
}

/// Stokt's ids that a climb is linked to: one, in a database that is whole.
fn links_of(conn: &mut WriteConn<'_>, climb: ClimbId) -> Result<Vec<StoktId>, StoreError> {
    let texts: Vec<String> = on_backend!(conn, |c| sync_links::table
        .filter(sync_links::entity.eq(EntityKind::Climb.as_str()))
        .filter(sync_links::local_id.eq(climb.to_string()))
        .order(sync_links::stokt_id.asc())
        .select(sync_links::stokt_id)
        .load(c))?;
    Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
}

/// A climb that is here was not deleted, whatever a tombstone says.
fn forget_deletion(conn: &mut WriteConn<'_>, climb: ClimbId) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::delete(tombstones::table)
        .filter(tombstones::entity.eq(EntityKind::Climb.as_str()))
        .filter(tombstones::entity_id.eq(climb.to_string()))
        .execute(c))?;
    Ok(())
}

/// Removes a link; the audit tells.
pub(crate) fn forget_link(
    conn: &mut WriteConn<'_>,
    climb: ClimbId,
    stokt_id: StoktId,
    direction: Direction,
) -> Result<(), StoreError> {
    let (local_id, text) = (climb.to_string(), stokt_id.to_string());
    on_backend!(conn, |c| diesel::delete(sync_links::table)
        .filter(sync_links::entity.eq(EntityKind::Climb.as_str()))
        .filter(sync_links::stokt_id.eq(&text))
        .execute(c))?;
    mappings::unlinked(conn, EntityKind::Climb, &[(&local_id, &text)], direction)
}

/// Calls off what waits to be sent of a climb.
fn call_off(conn: &mut WriteConn<'_>, climb: ClimbId) -> Result<usize, StoreError> {
    let of_climb = outbox::entity.eq(EntityKind::Climb.as_str()).and(outbox::local_id.eq(climb.to_string()));
    let states: Vec<Word<OutboxState>> =
        on_backend!(conn, |c| outbox::table.filter(of_climb.clone()).select(outbox::state).load(c))?;
    if states.iter().any(|state| state.0.is_unsettled()) {
        return Err(StoreError::Invalid(format!(
            "something of climb {climb} was sent to Stokt, and nobody knows yet what became of it; let a push settle \
             that first"
        )));
    }
    let now = Time(conn.now());
    let waiting = [OutboxState::Pending, OutboxState::Leased].map(OutboxState::as_str);
    Ok(on_backend!(conn, |c| diesel::update(outbox::table)
        .filter(of_climb)
        .filter(outbox::state.eq_any(waiting))
        .set((
            outbox::state.eq(OutboxState::Rejected.as_str()),
            outbox::last_error.eq(Some("called off: the climb was unlinked")),
            outbox::updated_at.eq(now),
        ))
        .execute(c))?)
}
