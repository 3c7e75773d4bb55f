//! What follows from a creation at Stokt: the two ids belong together from now on.

use diesel::prelude::*;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::climb_edit::FieldChange;
use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::{Direction, EntityKind, SyncState};
use mastoc_domain::{ClimbId, ListId, StoktId, UserId};
use serde_json::{Value, json};

use super::candidates::lists_sent;
use super::moves::{Lease, ambiguous, done};
use crate::changes::PendingChange;
use crate::climb_edits::{self, Author, NewEdit};
use crate::climb_writes::no_imports;
use crate::conn::{AnyConnection, ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::links::{self, json_hash};
use crate::lists;
use crate::mappings;
use crate::schema::{climb_lists, climbs, outbox as t, sync_links, tombstones};
use crate::sql::keys;
use crate::sync_writes::AUTHOR;
use crate::types::{Id, Time};

/// What came of a creation at Stokt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// Ours and Stokt's are one from now on.
    Linked,
    /// Ours was deleted here meanwhile; Stokt's will not come in as a new one.
    Deleted,
    /// Ours has another id of Stokt's, or Stokt's belongs to another of ours; a person decides.
    Taken,
}

/// Keeps climbs from everybody else who would write them until the transaction ends, so that what is read of them next
/// stays true. Call it before anything else in the transaction. Two statements.
///
/// # Errors
/// When the database fails.
pub fn hold(conn: &mut WriteConn<'_>, climb_ids: &[ClimbId]) -> Result<(), StoreError> {
    no_imports(conn)?;
    let ids = Id::sorted(climb_ids.iter().map(|id| id.0));
    for ids in keys(&ids) {
        // SQLite has one writer anyway.
        if let AnyConnection::Postgres(c) = conn.any() {
            climbs::table
                .filter(climbs::id.eq_any(ids))
                .order(climbs::id.asc())
                .select(climbs::id)
                .for_update()
                .load::<Id>(c)?;
        }
    }
    Ok(())
}

/// A climb as linking needs it.
type Ours = (Option<Id>, i32, bool, Option<Id>);

/// Notes that Stokt has made the climb `local_id` of the row that `lease` holds, as `stokt_id`. `base`: what was sent,
/// in canonical form; `sent_rev`: its revision. What was edited here since then waits to be sent.
///
/// # Errors
/// [`StoreError::Fenced`] when somebody has taken the row, or the lock, over; or the database's failure.
pub fn created(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    lease: Lease,
    local_id: ClimbId,
    stokt_id: StoktId,
    base: &CanonicalClimb,
    sent_rev: i32,
) -> Result<Created, StoreError> {
    hold(conn, &[local_id])?;
    let (text, theirs) = (local_id.to_string(), stokt_id.to_string());
    let ours: Option<Ours> = on_backend!(conn, |c| climbs::table
        .find(Id(local_id.0))
        .select((climbs::stokt_id, climbs::rev, climbs::is_private, climbs::setter_id))
        .first(c)
        .optional())?;
    let other: Option<String> = on_backend!(conn, |c| sync_links::table
        .filter(sync_links::entity.eq(EntityKind::Climb.as_str()))
        .filter(sync_links::stokt_id.eq(&theirs).or(sync_links::local_id.eq(&text)))
        .select(sync_links::local_id)
        .first(c)
        .optional())?;
    let is_linked_otherwise = ours.as_ref().is_some_and(|ours| ours.0.is_some_and(|id| id.0 != stokt_id.0));
    if is_linked_otherwise || other.is_some() {
        let why = format!("Stokt made it as {stokt_id}, but that, or the climb, is linked otherwise here");
        ambiguous(conn, ctx, lease, &why)?;
        return Ok(Created::Taken);
    }
    done(conn, ctx, lease)?;
    name(conn, lease, &theirs)?;
    let rev = ours.as_ref().map_or(sent_rev, |ours| ours.1);
    let base = base.to_json();
    save_link(conn, ctx, EntityKind::Climb, (&text, &theirs), Some(base), (rev, sent_rev), ours.is_none())?;
    let Some((_, rev, is_private, setter)) = ours else {
        bury(conn, &text, &theirs)?;
        // What it was has gone with it.
        on_backend!(conn, |c| diesel::update(t::table.find(Id(lease.id)))
            .set(t::payload.eq(json!({})))
            .execute(c))?;
        return Ok(Created::Deleted);
    };
    let now = Time(conn.now());
    let state = SyncState::derive(true, rev, sent_rev, false, false);
    on_backend!(conn, |c| diesel::update(climbs::table.find(Id(local_id.0)))
        .set((
            climbs::stokt_id.eq(Id(stokt_id.0)),
            climbs::sync_state.eq(state.as_str()),
            climbs::synced_at.eq(now),
            climbs::updated_at.eq(now),
        ))
        .execute(c))?;
    let change = FieldChange { field: "stokt_id".to_owned(), before: Value::Null, after: json!(stokt_id) };
    let edit = NewEdit {
        climb: local_id.0,
        action: ChangeKind::Updated,
        owner: setter,
        is_private,
        changes: vec![change],
    };
    climb_edits::record(conn, &Author::Key(AUTHOR.to_owned()), vec![edit])?;
    conn.note(PendingChange {
        entity: Changed::Climb,
        id: text,
        kind: ChangeKind::Updated,
        is_public: !is_private,
        owner: setter.map(|setter| UserId(setter.0)),
    });
    Ok(Created::Linked)
}

/// Notes that Stokt has made the list of the row that `lease` holds.
///
/// # Errors
/// [`StoreError::Fenced`] when somebody has taken the row, or the lock, over; or the database's failure.
pub fn created_list(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    lease: Lease,
    list: ListId,
    stokt_id: StoktId,
) -> Result<Created, StoreError> {
    let (text, theirs) = (list.to_string(), stokt_id.to_string());
    let ours: Option<Option<Id>> = on_backend!(conn, |c| climb_lists::table
        .find(Id(list.0))
        .select(climb_lists::stokt_id)
        .first(c)
        .optional())?;
    let taken: bool = on_backend!(conn, |c| diesel::select(diesel::dsl::exists(
        climb_lists::table.filter(climb_lists::stokt_id.eq(Id(stokt_id.0)))
    ))
    .get_result(c))?;
    let taken = taken || link_of_list(conn, &theirs)?.is_some();
    if taken || ours.is_some_and(|ours| ours.is_some()) {
        let why = format!("Stokt made it as {stokt_id}, but that, or the list, is linked otherwise here");
        ambiguous(conn, ctx, lease, &why)?;
        return Ok(Created::Taken);
    }
    done(conn, ctx, lease)?;
    name(conn, lease, &theirs)?;
    if ours.is_none() {
        return Ok(Created::Deleted);
    }
    save_link(conn, ctx, EntityKind::List, (&text, &theirs), None, (0, 0), false)?;
    on_backend!(conn, |c| diesel::update(climb_lists::table.find(Id(list.0)))
        .set(climb_lists::stokt_id.eq(Id(stokt_id.0)))
        .execute(c))?;
    lists::changed(conn, list, ChangeKind::Updated, false)?;
    Ok(Created::Linked)
}

/// Our id of the list that is, or was, linked to one of Stokt's.
fn link_of_list(conn: &mut ReadConn<'_>, stokt_id: &str) -> Result<Option<String>, StoreError> {
    Ok(on_backend!(conn, |c| sync_links::table
        .filter(sync_links::entity.eq(EntityKind::List.as_str()))
        .filter(sync_links::stokt_id.eq(stokt_id))
        .select(sync_links::local_id)
        .first(c)
        .optional())?)
}

/// Undoes the link of a list that a pull brought here as a new one, so that another list here can be what it is; one that
/// was sent from here, or adopted, stays linked. The list itself stays as it is. Answers which it is, if it is here.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over; or the database's failure.
pub fn free_list(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    stokt_id: StoktId,
) -> Result<Option<ListId>, StoreError> {
    ctx.check_fence(conn)?;
    let theirs = stokt_id.to_string();
    let Some(text) = link_of_list(conn, &theirs)? else { return Ok(None) };
    if lists_sent(conn, &[stokt_id])?.contains(&stokt_id) {
        return Ok(None);
    }
    on_backend!(conn, |c| diesel::delete(sync_links::table)
        .filter(sync_links::entity.eq(EntityKind::List.as_str()))
        .filter(sync_links::stokt_id.eq(&theirs))
        .execute(c))?;
    mappings::unlinked(conn, EntityKind::List, &[(&text, &theirs)], Direction::MastocToStokt)?;
    // Where it was deleted here, that says nothing about Stokt's any more.
    on_backend!(conn, |c| diesel::update(tombstones::table)
        .filter(tombstones::entity.eq(EntityKind::List.as_str()))
        .filter(tombstones::stokt_id.eq(Some(&theirs)))
        .set(tombstones::stokt_id.eq(None::<String>))
        .execute(c))?;
    let freed: Option<Id> = on_backend!(conn, |c| diesel::update(climb_lists::table)
        .filter(climb_lists::stokt_id.eq(Id(stokt_id.0)))
        .set(climb_lists::stokt_id.eq(None::<Id>))
        .returning(climb_lists::id)
        .get_result(c)
        .optional())?;
    let freed = freed.map(|id| ListId(id.0));
    if let Some(list) = freed {
        lists::changed(conn, list, ChangeKind::Updated, false)?;
    }
    Ok(freed)
}

/// Writes down in the row what Stokt calls the thing.
fn name(conn: &mut WriteConn<'_>, lease: Lease, stokt_id: &str) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::update(t::table.find(Id(lease.id)))
        .filter(t::state.eq(OutboxState::Done.as_str()))
        .set(t::stokt_id.eq(stokt_id))
        .execute(c))?;
    Ok(())
}

/// Writes the link and its line in the audit. `ids`: ours and Stokt's; `revs`: ours now, and the one both agree on.
fn save_link(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    entity: EntityKind,
    ids: (&str, &str),
    base: Option<Value>,
    revs: (i32, i32),
    is_deleted: bool,
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let run = links::run_id(ctx.run);
    on_backend!(conn, |c| diesel::insert_into(sync_links::table)
        .values((
            sync_links::entity.eq(entity.as_str()),
            sync_links::local_id.eq(ids.0),
            sync_links::stokt_id.eq(ids.1),
            sync_links::base_hash.eq(base.as_ref().map(json_hash)),
            sync_links::base.eq(base.as_ref()),
            // No record of Stokt's was seen yet: the first one is compared by its content.
            sync_links::observed_hash.eq(""),
            sync_links::extra.eq(json!({})),
            sync_links::local_rev.eq(revs.0),
            sync_links::base_rev.eq(revs.1),
            sync_links::first_seen_run.eq(run),
            sync_links::last_seen_run.eq(run),
            sync_links::tombstone_at.eq(is_deleted.then_some(now)),
            sync_links::updated_at.eq(now),
        ))
        .execute(c))?;
    links::record_mappings(conn, entity, &[ids], Direction::MastocToStokt)
}

/// Ours is deleted: no import brings Stokt's in as a new one.
fn bury(conn: &mut WriteConn<'_>, local_id: &str, stokt_id: &str) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::insert_into(tombstones::table)
        .values((
            tombstones::entity.eq(EntityKind::Climb.as_str()),
            tombstones::entity_id.eq(local_id),
            tombstones::stokt_id.eq(Some(stokt_id)),
            tombstones::reason.eq("deleted here while it was sent to Stokt"),
            tombstones::deleted_at.eq(now),
        ))
        .on_conflict((tombstones::entity, tombstones::entity_id))
        .do_update()
        .set(tombstones::stokt_id.eq(Some(stokt_id)))
        .execute(c))?;
    Ok(())
}
