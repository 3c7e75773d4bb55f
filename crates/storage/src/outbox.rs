//! What waits to be sent to Stokt, and what was sent of which nobody knows what became. Stokt recognises no repetition,
//! so what was sent is on record here before the first byte leaves.
//!
//! Every step is one transaction that checks two fencing numbers: the run's, which a run loses with its lock, and the
//! row's, which grows whenever somebody else takes the row over. A worker that came too late changes nothing.

mod awaited;
mod candidates;
mod held;
mod linking;
mod moves;
mod standing;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{StoktId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::schema::outbox as t;
use crate::sql::{chunks, keys};
use crate::types::{Id, Time};

pub use awaited::{Awaited, awaited, awaits};
pub use candidates::{
    ListSide, gyms_there, holds_there, list, lists_deleted, lists_here, lists_sent, lists_unlinked,
    never_linked, once_linked, own_unlinked_lists, senders,
};
pub use held::{done_before, hold_back, let_go};
pub use linking::{Created, created, created_list, free_list, hold};
pub use moves::{
    Begun, Lease, Leased, ambiguous, back, done, drop_pending, drop_stale, forget_changes, lease, looked,
    rejected, requeue, sent, take_over, unknown,
};

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id; it grows with time.
    pub id: Uuid,
    /// What kind of thing is sent.
    pub entity: EntityKind,
    /// Our id of it, as text.
    pub local_id: String,
    /// What is to be done.
    pub action: OutboxAction,
    /// Stokt's id of it, once it is known.
    pub stokt_id: Option<StoktId>,
    /// The Stokt account that sends it.
    pub account: StoktId,
    /// What is sent, frozen.
    pub payload: Value,
    /// By what it would be recognised at Stokt.
    pub fingerprint: String,
    /// Our revision that is sent.
    pub local_rev: i32,
    /// How far it has come.
    pub state: OutboxState,
    /// The fencing number of its last lease.
    pub fence: i64,
    /// Until when its last worker may begin to send it.
    pub lease_until: Option<Timestamp>,
    /// What Stokt had of this fingerprint before it was sent.
    pub known_twins: BTreeSet<StoktId>,
    /// In how many complete listings since then it was not found.
    pub listings: i32,
    /// How often it was taken up.
    pub attempts: i32,
    /// Before when it is not to be sent again.
    pub not_before: Option<Timestamp>,
    /// When sending began.
    pub sent_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was put in.
    pub created_at: Timestamp,
    /// When it last came further.
    pub updated_at: Timestamp,
}

impl Entry {
    /// Whether it was never sent, and waits for a person since Stokt has one just like it: `known_twins`.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.state == OutboxState::Ambiguous && self.sent_at.is_none()
    }

    /// Whether it is for just this.
    #[must_use]
    pub fn claims(&self, claim: &Claim) -> bool {
        self.payload == claim.payload
            && self.fingerprint == claim.fingerprint
            && self.local_rev == claim.local_rev
    }
}

/// What is to be put in.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// What kind of thing.
    pub entity: EntityKind,
    /// Our id of it, as text.
    pub local_id: String,
    /// What is to be done.
    pub action: OutboxAction,
    /// Stokt's id of it; none for what is to be made there.
    pub stokt_id: Option<StoktId>,
    /// The Stokt account that sends it.
    pub account: StoktId,
    /// What is sent.
    pub payload: Value,
    /// By what it would be recognised at Stokt.
    pub fingerprint: String,
    /// Our revision that is sent.
    pub local_rev: i32,
}

type Columns = (
    (Id, Word<EntityKind>, String, Word<OutboxAction>, Option<String>, String, Value, String, i32),
    (Word<OutboxState>, i64, Option<Time>, Option<Value>, i32, i32, Option<Time>, Option<Time>),
    (Option<String>, Time, Time),
);

macro_rules! columns {
    () => {
        (
            (
                t::id,
                t::entity,
                t::local_id,
                t::action,
                t::stokt_id,
                t::account,
                t::payload,
                t::fingerprint,
                t::local_rev,
            ),
            (
                t::state,
                t::fence,
                t::lease_until,
                t::known_twins,
                t::listings,
                t::attempts,
                t::not_before,
                t::sent_at,
            ),
            (t::last_error, t::created_at, t::updated_at),
        )
    };
}

fn entry(row: Columns) -> Result<Entry, StoreError> {
    let (id, entity, local_id, action, stokt_id, account, payload, fingerprint, local_rev) = row.0;
    let (state, fence, lease_until, known_twins, listings, attempts, not_before, sent_at) = row.1;
    let (last_error, created_at, updated_at) = row.2;
    let broken = |what: &str| StoreError::Internal(format!("outbox {}: {what}", id.0));
    let known_twins = known_twins.map_or_else(|| Ok(BTreeSet::new()), serde_json::from_value);
    Ok(Entry {
        id: id.0,
        entity: entity.0,
        local_id,
        action: action.0,
        stokt_id: stokt_id.map(|id| id.parse()).transpose().map_err(|_| broken("stokt_id"))?,
        account: account.parse().map_err(|_| broken("account"))?,
        payload,
        fingerprint,
        local_rev,
        state: state.0,
        fence,
        lease_until: lease_until.map(|time| time.0),
        known_twins: known_twins.map_err(|_| broken("known_twins"))?,
        listings,
        attempts,
        not_before: not_before.map(|time| time.0),
        sent_at: sent_at.map(|time| time.0),
        last_error,
        created_at: created_at.0,
        updated_at: updated_at.0,
    })
}

#[derive(Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row<'a> {
    id: Id,
    entity: &'a str,
    local_id: &'a str,
    action: &'a str,
    stokt_id: Option<String>,
    account: String,
    payload: &'a Value,
    fingerprint: &'a str,
    local_rev: i32,
    state: &'a str,
    fence: i64,
    known_twins: Option<Value>,
    attempts: i32,
    not_before: Option<Time>,
    last_error: Option<&'a str>,
    created_at: Time,
    updated_at: Time,
}

/// Puts things in, frozen as they stand; what waits already is frozen anew. What is on its way, or waits for a person,
/// stays as it is and is not answered. The others are answered in the order of `claims`. Three statements.
///
/// Call [`hold`] before the content is read, so that nobody edits it until the transaction ends.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn claim(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    claims: &[Claim],
) -> Result<Vec<Entry>, StoreError> {
    ctx.check_fence(conn)?;
    let mut entries = Vec::with_capacity(claims.len());
    let now = conn.now();
    let ids: Vec<&str> = claims.iter().map(|claim| claim.local_id.as_str()).collect();
    let mut before = latest(conn, &ids)?;
    before.retain(|_, entry| !entry.state.is_over());
    for claim in claims {
        let known = before.get(&(claim.entity, claim.local_id.clone()));
        if known.is_some_and(|entry| entry.state != OutboxState::Pending) {
            continue;
        }
        entries.push(Entry {
            id: known.map_or_else(Uuid::now_v7, |entry| entry.id),
            entity: claim.entity,
            local_id: claim.local_id.clone(),
            action: claim.action,
            stokt_id: claim.stokt_id,
            account: claim.account,
            payload: claim.payload.clone(),
            fingerprint: claim.fingerprint.clone(),
            local_rev: claim.local_rev,
            state: OutboxState::Pending,
            fence: known.map_or(0, |entry| entry.fence),
            lease_until: None,
            known_twins: known.map(|entry| entry.known_twins.clone()).unwrap_or_default(),
            listings: 0,
            attempts: known.map_or(0, |entry| entry.attempts),
            not_before: known.and_then(|entry| entry.not_before),
            sent_at: None,
            last_error: known.and_then(|entry| entry.last_error.clone()),
            created_at: known.map_or(now, |entry| entry.created_at),
            updated_at: now,
        });
    }
    save(conn, &entries)?;
    Ok(entries)
}

/// Writes rows, in place of those with the same ids.
fn save(conn: &mut WriteConn<'_>, entries: &[Entry]) -> Result<(), StoreError> {
    let ids: Vec<Id> = entries.iter().map(|entry| Id(entry.id)).collect();
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::delete(t::table.filter(t::id.eq_any(ids))).execute(c))?;
    }
    for entries in chunks(entries, 17) {
        let rows: Vec<Row<'_>> = entries.iter().map(row).collect();
        on_backend!(conn, |c| diesel::insert_into(t::table).values(&rows).execute(c))?;
    }
    Ok(())
}

fn row(entry: &Entry) -> Row<'_> {
    Row {
        id: Id(entry.id),
        entity: entry.entity.as_str(),
        local_id: &entry.local_id,
        action: entry.action.as_str(),
        stokt_id: entry.stokt_id.map(|id| id.to_string()),
        account: entry.account.to_string(),
        payload: &entry.payload,
        fingerprint: &entry.fingerprint,
        local_rev: entry.local_rev,
        state: entry.state.as_str(),
        fence: entry.fence,
        known_twins: Some(serde_json::json!(entry.known_twins)),
        attempts: entry.attempts,
        not_before: entry.not_before.map(Time),
        last_error: entry.last_error.as_deref(),
        created_at: Time(entry.created_at),
        updated_at: Time(entry.updated_at),
    }
}

/// The last row of each of these things, by kind and our id; the one that has not come to its end, where there is one.
///
/// # Errors
/// When the database fails.
pub fn latest(
    conn: &mut ReadConn<'_>,
    local_ids: &[&str],
) -> Result<HashMap<(EntityKind, String), Entry>, StoreError> {
    let mut found: HashMap<(EntityKind, String), Entry> = HashMap::with_capacity(local_ids.len());
    for ids in keys(local_ids) {
        let rows: Vec<Columns> = on_backend!(conn, |c| t::table
            .filter(t::local_id.eq_any(ids))
            .order((t::created_at.asc(), t::id.asc()))
            .select(columns!())
            .load(c))?;
        for row in rows {
            let entry = entry(row)?;
            let key = (entry.entity, entry.local_id.clone());
            if found.get(&key).is_none_or(|known| known.state.is_over()) {
                found.insert(key, entry);
            }
        }
    }
    Ok(found)
}

/// The rows in these states, oldest first.
///
/// # Errors
/// When the database fails.
pub fn in_states(conn: &mut ReadConn<'_>, states: &[OutboxState]) -> Result<Vec<Entry>, StoreError> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let rows: Vec<Columns> = on_backend!(conn, |c| t::table
        .filter(t::state.eq_any(states))
        .order((t::created_at.asc(), t::id.asc()))
        .select(columns!())
        .load(c))?;
    rows.into_iter().map(entry).collect()
}

/// One row.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, id: Uuid) -> Result<Option<Entry>, StoreError> {
    let row: Option<Columns> =
        on_backend!(conn, |c| t::table.find(Id(id)).select(columns!()).first(c).optional())?;
    row.map(entry).transpose()
}

/// A page of rows, the newest first: at most `limit` that were put in before `before`, in these states (none for all).
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut ReadConn<'_>,
    states: &[OutboxState],
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let states = if states.is_empty() { OutboxState::ALL } else { states };
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    // Larger than every id that was made.
    let before = Id(before.unwrap_or_else(Uuid::max));
    let rows: Vec<Columns> = on_backend!(conn, |c| t::table
        .filter(t::state.eq_any(states))
        .filter(t::id.lt(before))
        .order(t::id.desc())
        .limit(limit)
        .select(columns!())
        .load(c))?;
    rows.into_iter().map(entry).collect()
}

/// How many rows are in each state; states without any are left out.
///
/// # Errors
/// When the database fails.
pub fn counts(conn: &mut ReadConn<'_>) -> Result<BTreeMap<OutboxState, i64>, StoreError> {
    let rows: Vec<(Word<OutboxState>, i64)> = on_backend!(conn, |c| t::table
        .group_by(t::state)
        .select((t::state, diesel::dsl::count_star()))
        .load(c))?;
    Ok(rows.into_iter().map(|(state, count)| (state.0, count)).collect())
}

/// The same of what is sent by this account, a user id at Stokt.
///
/// # Errors
/// When the database fails.
pub fn counts_of(
    conn: &mut ReadConn<'_>,
    account: StoktId,
) -> Result<BTreeMap<OutboxState, i64>, StoreError> {
    let rows: Vec<(Word<OutboxState>, i64)> = on_backend!(conn, |c| t::table
        .filter(t::account.eq(account.to_string()))
        .group_by(t::state)
        .select((t::state, diesel::dsl::count_star()))
        .load(c))?;
    Ok(rows.into_iter().map(|(state, count)| (state.0, count)).collect())
}
