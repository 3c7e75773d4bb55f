//! The steps of a row from one state to the next.

use std::collections::BTreeSet;

use diesel::prelude::*;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{StoktId, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Entry;
use super::standing::FrozenOf;
use crate::climbs::Word;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::schema::outbox as t;
use crate::sql::keys;
use crate::types::{Id, Time};

/// Why something was not sent after all.
const CHANGED: &str = "changed here before it was sent";
/// Longest reason that is kept, in characters.
const REASON: usize = 500;

/// The right to take a row further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The row.
    pub id: Uuid,
    /// The row's fencing number; whoever takes the row over makes it grow.
    pub fence: i64,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leased {
    /// It is given.
    Yes(Lease),
    /// Something of the same fingerprint is on its way: only once it is known what became of that, can this be sent.
    Waits,
    /// The row does not wait any more.
    Gone,
}

fn in_flight() -> [&'static str; 4] {
    [OutboxState::Leased, OutboxState::Sent, OutboxState::Unknown, OutboxState::Ambiguous]
        .map(OutboxState::as_str)
}

fn reason(why: &str) -> String {
    why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON).collect()
}

/// Takes a waiting row up, to be sent before `until`. `known`: what Stokt has of its fingerprint already.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn lease(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    entry: &Entry,
    known: &BTreeSet<StoktId>,
    until: Timestamp,
) -> Result<Leased, StoreError> {
    ctx.check_fence(conn)?;
    if entry.action == OutboxAction::Create {
        let busy: bool = on_backend!(conn, |c| diesel::select(diesel::dsl::exists(
            t::table
                .filter(t::fingerprint.eq(&entry.fingerprint))
                .filter(t::action.eq(OutboxAction::Create.as_str()))
                .filter(t::state.eq_any(in_flight()))
                .filter(t::id.ne(Id(entry.id)))
        ))
        .get_result(c))?;
        if busy {
            return Ok(Leased::Waits);
        }
    }
    let now = Time(conn.now());
    let fence: Option<i64> = on_backend!(conn, |c| diesel::update(t::table.find(Id(entry.id)))
        .filter(t::state.eq(OutboxState::Pending.as_str()))
        .set((
            t::state.eq(OutboxState::Leased.as_str()),
            t::fence.eq(t::fence + 1),
            t::attempts.eq(t::attempts + 1),
            t::lease_until.eq(Some(Time(until))),
            t::known_twins.eq(Some(json!(known))),
            t::listings.eq(0),
            t::sent_at.eq(None::<Time>),
            t::updated_at.eq(now),
        ))
        .returning(t::fence)
        .get_result(c)
        .optional())?;
    Ok(fence.map_or(Leased::Gone, |fence| Leased::Yes(Lease { id: entry.id, fence })))
}

/// Whether sending may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is on record as being sent.
    Yes,
    /// What is sent was changed or deleted here since it was frozen: the row waits again, and nothing may be sent.
    Changed,
}

/// Kind, our id, action, revision and payload of a row.
type FrozenColumns = (Word<EntityKind>, String, Word<OutboxAction>, i32, Value);

/// Notes that sending begins at `at`: commit it **before** the first byte leaves. What was changed here since it was
/// frozen is not sent: it may have become private.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the lease is over; or the database's failure.
pub fn sent(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    lease: Lease,
    at: Timestamp,
) -> Result<Begun, StoreError> {
    ctx.check_fence(conn)?;
    let now = Time(conn.now());
    let row: Option<FrozenColumns> = on_backend!(conn, |c| diesel::update(t::table.find(Id(lease.id)))
        .filter(t::fence.eq(lease.fence))
        .filter(t::state.eq(OutboxState::Leased.as_str()))
        .filter(t::lease_until.gt(Some(Time(at))))
        .set((t::state.eq(OutboxState::Sent.as_str()), t::sent_at.eq(Some(Time(at))), t::updated_at.eq(now),))
        .returning((t::entity, t::local_id, t::action, t::local_rev, t::payload))
        .get_result(c)
        .optional())?;
    let (entity, local_id, action, local_rev, payload) = row.ok_or(StoreError::Fenced)?;
    let frozen =
        FrozenOf { entity: entity.0, local_id: &local_id, action: action.0, local_rev, payload: &payload };
    if frozen.still_stands(conn)? {
        return Ok(Begun::Yes);
    }
    back(conn, ctx, lease, CHANGED, None)?;
    Ok(Begun::Changed)
}

/// What a row becomes.
struct Becomes<'a> {
    state: OutboxState,
    why: Option<&'a str>,
    not_before: Option<Timestamp>,
}

/// Takes a row that `lease` still holds on to another state.
fn become_(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    lease: Lease,
    becomes: &Becomes<'_>,
) -> Result<(), StoreError> {
    ctx.check_fence(conn)?;
    let now = Time(conn.now());
    let changed = on_backend!(conn, |c| diesel::update(t::table.find(Id(lease.id)))
        .filter(t::fence.eq(lease.fence))
        .filter(t::state.eq_any(in_flight()))
        .set((
            t::state.eq(becomes.state.as_str()),
            t::last_error.eq(becomes.why.map(reason)),
            t::not_before.eq(becomes.not_before.map(Time)),
            t::updated_at.eq(now),
        ))
        .execute(c))?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Fenced) }
}

/// Certainly not done: it waits again, until `not_before` at least.
///
/// # Errors
/// [`StoreError::Fenced`] when somebody has taken the row, or the lock, over; or the database's failure.
pub fn back(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    lease: Lease,
    why: &str,
    not_before: Option<Timestamp>,
) -> Result<(), StoreError> {
    become_(conn, ctx, lease, &Becomes { state: OutboxState::Pending, why: Some(why), not_before })
}

/// Stokt refused it, and will again.
///
/// # Errors
/// [`StoreError::Fenced`] when somebody has taken the row, or the lock, over; or the database's failure.
pub fn rejected(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    lease: Lease,
    why: &str,
) -> Result<(), StoreError> {
    become_(conn, ctx, lease, &Becomes { state: OutboxState::Rejected, why: Some(why), not_before: None })
}

/// Nobody knows whether it was done.
///
/// # Errors
/// [`StoreError::Fenced`] when somebody has taken the row, or the lock, over; or the database's failure.
pub fn unknown(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    lease: Lease,
    why: &str,
) -> Result<(), StoreError> {
    become_(conn, ctx, lease, &Becomes { state: OutboxState::Unknown, why: Some(why), not_before: None })
}

/// Several things at Stokt may be it.
///
/// # Errors
/// [`StoreError::Fenced`] when somebody has taken the row, or the lock, over; or the database's failure.
pub fn ambiguous(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    lease: Lease,
    why: &str,
) -> Result<(), StoreError> {
    become_(conn, ctx, lease, &Becomes { state: OutboxState::Ambiguous, why: Some(why), not_before: None })
}

/// It was done. What follows from it belongs into the same transaction.
///
/// # Errors
/// [`StoreError::Fenced`] when somebody has taken the row, or the lock, over; or the database's failure.
pub fn done(conn: &mut WriteConn<'_>, ctx: &ImportContext<'_>, lease: Lease) -> Result<(), StoreError> {
    become_(conn, ctx, lease, &Becomes { state: OutboxState::Done, why: None, not_before: None })
}

/// Takes over a row that another worker sent: that one can write nothing about it any more.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the row has come further; or the database's failure.
pub fn take_over(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    entry: &Entry,
) -> Result<Lease, StoreError> {
    ctx.check_fence(conn)?;
    let now = Time(conn.now());
    let fence: Option<i64> = on_backend!(conn, |c| diesel::update(t::table.find(Id(entry.id)))
        .filter(t::fence.eq(entry.fence))
        .filter(t::state.eq(entry.state.as_str()))
        .set((t::fence.eq(t::fence + 1), t::updated_at.eq(now)))
        .returning(t::fence)
        .get_result(c)
        .optional())?;
    fence.map(|fence| Lease { id: entry.id, fence }).ok_or(StoreError::Fenced)
}

/// Puts rows back to wait that were taken up and never sent, or were proved not done. Two statements.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn requeue(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    ids: &[Uuid],
    why: &str,
) -> Result<(), StoreError> {
    ctx.check_fence(conn)?;
    let now = Time(conn.now());
    let ids: Vec<Id> = ids.iter().copied().map(Id).collect();
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::update(t::table.filter(t::id.eq_any(ids)))
            .filter(t::state.eq_any(in_flight()))
            .set((
                t::state.eq(OutboxState::Pending.as_str()),
                t::fence.eq(t::fence + 1),
                t::last_error.eq(Some(reason(why))),
                t::updated_at.eq(now),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Notes that a complete listing, begun after these rows were sent, showed none of them; nobody knows yet what became
/// of them. Their last workers can write nothing about them any more. Two statements.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn looked(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    ids: &[Uuid],
    counts: bool,
) -> Result<(), StoreError> {
    ctx.check_fence(conn)?;
    let now = Time(conn.now());
    let ids: Vec<Id> = ids.iter().copied().map(Id).collect();
    let sent_or_unknown = [OutboxState::Sent, OutboxState::Unknown].map(OutboxState::as_str);
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::update(t::table.filter(t::id.eq_any(ids)))
            .filter(t::state.eq_any(sent_or_unknown))
            .set((
                t::state.eq(OutboxState::Unknown.as_str()),
                t::fence.eq(t::fence + 1),
                t::listings.eq(t::listings + i32::from(counts)),
                t::updated_at.eq(now),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Calls off what waits, or is [held back](super::Entry::is_held_back), and was not sent; answers whether it was called
/// off. What it was held back for is another one from then on.
///
/// # Errors
/// When the database fails.
pub fn drop_pending(conn: &mut WriteConn<'_>, id: Uuid, why: &str) -> Result<bool, StoreError> {
    let now = Time(conn.now());
    let is_held_back = t::state.eq(OutboxState::Ambiguous.as_str()).and(t::sent_at.is_null());
    let changed = on_backend!(conn, |c| diesel::update(t::table.find(Id(id)))
        .filter(t::state.eq(OutboxState::Pending.as_str()).or(is_held_back))
        .set((
            t::state.eq(OutboxState::Rejected.as_str()),
            t::fence.eq(t::fence + 1),
            t::last_error.eq(Some(reason(why))),
            t::updated_at.eq(now),
        ))
        .execute(c))?;
    Ok(changed == 1)
}

/// Forgets changes of `account` that wait: what is to be changed is told by the climbs themselves, and is put in anew.
/// Those that Stokt asked to hold back until after `now` stay.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn forget_changes(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    account: StoktId,
    now: Timestamp,
) -> Result<(), StoreError> {
    ctx.check_fence(conn)?;
    on_backend!(conn, |c| diesel::delete(t::table)
        .filter(t::state.eq(OutboxState::Pending.as_str()))
        .filter(t::action.ne(OutboxAction::Create.as_str()))
        .filter(t::account.eq(account.to_string()))
        .filter(t::not_before.is_null().or(t::not_before.le(Some(Time(now)))))
        .execute(c))?;
    Ok(())
}

/// Calls off creations that wait for climbs or lists which are not there to be sent any more: deleted, or linked by hand.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn drop_stale(conn: &mut WriteConn<'_>, ctx: &ImportContext<'_>, ids: &[Uuid]) -> Result<(), StoreError> {
    ctx.check_fence(conn)?;
    let now = Time(conn.now());
    let ids: Vec<Id> = ids.iter().copied().map(Id).collect();
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::update(t::table.filter(t::id.eq_any(ids)))
            .filter(t::state.eq(OutboxState::Pending.as_str()))
            .set((
                t::state.eq(OutboxState::Rejected.as_str()),
                t::last_error.eq(Some("it is not here to be sent any more")),
                t::updated_at.eq(now),
            ))
            .execute(c))?;
    }
    Ok(())
}
