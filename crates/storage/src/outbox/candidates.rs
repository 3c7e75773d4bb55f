//! What there is to send, and what sending it needs to know of the board.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use mastoc_domain::outbox::OutboxAction;
use mastoc_domain::sync_state::{Direction, EntityKind, LinkEvent};
use mastoc_domain::{ClimbId, HoldId, ListId, StoktHoldId, StoktId};

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::links;
use crate::schema::{climb_lists, climbs, faces, gyms, holds, id_mappings, list_items, outbox, users};
use crate::sql::keys;
use crate::types::Id;

/// The climbs of these gyms that Stokt does not know and never knew, oldest first. What was linked once is not among
/// them: it is sent again only by somebody who names it.
///
/// # Errors
/// When the database fails.
pub fn never_linked(conn: &mut ReadConn<'_>, gyms_there: &[StoktId]) -> Result<Vec<ClimbId>, StoreError> {
    let gyms_there = Id::all(gyms_there.iter().map(|gym| gym.0));
    let found: Vec<Id> = on_backend!(conn, |c| climbs::table
        .inner_join(faces::table.on(faces::id.eq(climbs::face_id)))
        .inner_join(gyms::table.on(gyms::id.eq(faces::gym_id)))
        .filter(climbs::stokt_id.is_null())
        .filter(gyms::stokt_id.eq_any(&gyms_there))
        .order((climbs::created_at.asc(), climbs::id.asc()))
        .select(climbs::id)
        .load(c))?;
    let found: Vec<ClimbId> = found.into_iter().map(|id| ClimbId(id.0)).collect();
    let once = once_linked(conn, &found)?;
    Ok(found.into_iter().filter(|id| !once.contains(id)).collect())
}

/// Which of these climbs were linked to Stokt at any time.
///
/// # Errors
/// When the database fails.
pub fn once_linked(conn: &mut ReadConn<'_>, ids: &[ClimbId]) -> Result<HashSet<ClimbId>, StoreError> {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut once: HashSet<ClimbId> = HashSet::new();
    for texts in keys(&texts) {
        let rows: Vec<String> = on_backend!(conn, |c| id_mappings::table
            .filter(id_mappings::entity.eq(EntityKind::Climb.as_str()))
            .filter(id_mappings::local_id.eq_any(texts))
            .select(id_mappings::local_id)
            .load(c))?;
        once.extend(rows.iter().filter_map(|id| id.parse::<ClimbId>().ok()));
    }
    Ok(once)
}

/// Which account sent each of these climbs of Stokt, by Stokt's ids; those that were not sent from here are left out.
///
/// # Errors
/// When the database fails.
pub fn senders(conn: &mut ReadConn<'_>, ids: &[StoktId]) -> Result<HashMap<StoktId, StoktId>, StoreError> {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut found = HashMap::new();
    for texts in keys(&texts) {
        let rows: Vec<(Option<String>, String)> = on_backend!(conn, |c| outbox::table
            .filter(outbox::entity.eq(EntityKind::Climb.as_str()))
            .filter(outbox::action.eq(OutboxAction::Create.as_str()))
            .filter(outbox::stokt_id.eq_any(texts))
            .select((outbox::stokt_id, outbox::account))
            .load(c))?;
        for (there, by) in rows {
            let there = there.and_then(|there| there.parse::<StoktId>().ok());
            found.extend(there.zip(by.parse::<StoktId>().ok()));
        }
    }
    Ok(found)
}

/// Stokt's ids of these holds; none for a hold that Stokt does not know. Holds that are not here are left out.
///
/// # Errors
/// When the database fails.
pub fn holds_there(
    conn: &mut ReadConn<'_>,
    wanted: &[HoldId],
) -> Result<HashMap<HoldId, Option<StoktHoldId>>, StoreError> {
    let ids: Vec<i64> = wanted.iter().map(|hold| hold.0).collect();
    let mut found = HashMap::with_capacity(ids.len());
    for ids in keys(&ids) {
        let rows: Vec<(i64, Option<i64>)> = on_backend!(conn, |c| holds::table
            .filter(holds::id.eq_any(ids))
            .select((holds::id, holds::stokt_id))
            .load(c))?;
        found.extend(rows.into_iter().map(|(id, there)| (HoldId(id), there.and_then(StoktHoldId::new))));
    }
    Ok(found)
}

/// Stokt's ids of the gyms that these faces are in, by Stokt's ids of the faces; faces that are not here, or in a gym
/// that Stokt does not know, are left out.
///
/// # Errors
/// When the database fails.
pub fn gyms_there(
    conn: &mut ReadConn<'_>,
    wanted: &[StoktId],
) -> Result<HashMap<StoktId, StoktId>, StoreError> {
    let ids = Id::sorted(wanted.iter().map(|face| face.0));
    let mut found = HashMap::with_capacity(ids.len());
    for ids in keys(&ids) {
        let rows: Vec<(Option<Id>, Option<Id>)> = on_backend!(conn, |c| faces::table
            .inner_join(gyms::table.on(gyms::id.eq(faces::gym_id)))
            .filter(faces::stokt_id.eq_any(ids))
            .select((faces::stokt_id, gyms::stokt_id))
            .load(c))?;
        found.extend(rows.into_iter().filter_map(|(face, gym)| Some((StoktId(face?.0), StoktId(gym?.0)))));
    }
    Ok(found)
}

/// A list as sending it needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSide {
    /// Our id.
    pub id: ListId,
    /// Stokt's id.
    pub stokt_id: Option<StoktId>,
    /// Its name.
    pub name: String,
    /// Who owns it, by Stokt's id; none for somebody whom Stokt does not know.
    pub owner: Option<StoktId>,
    /// Its climbs in their order, with Stokt's ids and names.
    pub items: Vec<(ClimbId, Option<StoktId>, String)>,
}

/// A list with its climbs; `None` when there is none. Two statements.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut ReadConn<'_>, id: ListId) -> Result<Option<ListSide>, StoreError> {
    let head: Option<(Option<Id>, String, Option<Id>)> = on_backend!(conn, |c| climb_lists::table
        .left_join(users::table.on(climb_lists::owner_id.eq(users::id.nullable())))
        .filter(climb_lists::id.eq(Id(id.0)))
        .select((climb_lists::stokt_id, climb_lists::name, users::stokt_id.nullable()))
        .first(c)
        .optional())?;
    let Some((stokt_id, name, owner)) = head else { return Ok(None) };
    let rows: Vec<(Id, Option<Id>, String)> = on_backend!(conn, |c| list_items::table
        .inner_join(climbs::table.on(climbs::id.eq(list_items::climb_id)))
        .filter(list_items::list_id.eq(Id(id.0)))
        .order((list_items::position.asc(), list_items::climb_id.asc()))
        .select((climbs::id, climbs::stokt_id, climbs::name))
        .load(c))?;
    let items = rows
        .into_iter()
        .map(|(climb, there, name)| (ClimbId(climb.0), there.map(|id| StoktId(id.0)), name))
        .collect();
    let [stokt_id, owner] = [stokt_id, owner].map(|id| id.map(|id| StoktId(id.0)));
    Ok(Some(ListSide { id, stokt_id, name, owner, items }))
}

/// Which of these ids of Stokt's lists are linked to lists here.
///
/// # Errors
/// When the database fails.
pub fn lists_here(conn: &mut ReadConn<'_>, ids: &[StoktId]) -> Result<HashSet<StoktId>, StoreError> {
    let ids = Id::all(ids.iter().map(|id| id.0));
    let mut found = HashSet::new();
    for ids in keys(&ids) {
        let rows: Vec<Option<Id>> = on_backend!(conn, |c| climb_lists::table
            .filter(climb_lists::stokt_id.eq_any(ids))
            .select(climb_lists::stokt_id)
            .load(c))?;
        found.extend(rows.into_iter().flatten().map(|id| StoktId(id.0)));
    }
    Ok(found)
}

/// Which of these ids of Stokt's lists belong to lists that were deleted here.
///
/// # Errors
/// When the database fails.
pub fn lists_deleted(conn: &mut ReadConn<'_>, ids: &[StoktId]) -> Result<HashSet<StoktId>, StoreError> {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let deleted = links::deleted(conn, EntityKind::List, &texts)?;
    Ok(deleted.iter().filter_map(|id| id.parse().ok()).collect())
}

/// Which of these ids of Stokt's lists were given to lists that were sent from here, whatever became of those since.
///
/// # Errors
/// When the database fails.
pub fn lists_sent(conn: &mut ReadConn<'_>, ids: &[StoktId]) -> Result<HashSet<StoktId>, StoreError> {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut found = HashSet::new();
    for texts in keys(&texts) {
        let rows: Vec<String> = on_backend!(conn, |c| id_mappings::table
            .filter(id_mappings::entity.eq(EntityKind::List.as_str()))
            .filter(id_mappings::direction.eq(Direction::MastocToStokt.as_str()))
            .filter(id_mappings::event.eq(LinkEvent::Linked.as_str()))
            .filter(id_mappings::stokt_id.eq_any(texts))
            .select(id_mappings::stokt_id)
            .load(c))?;
        found.extend(rows.iter().filter_map(|id| id.parse::<StoktId>().ok()));
    }
    Ok(found)
}

/// Which of these lists are here, and linked to none of Stokt's.
///
/// # Errors
/// When the database fails.
pub fn lists_unlinked(conn: &mut ReadConn<'_>, ids: &[ListId]) -> Result<HashSet<ListId>, StoreError> {
    let ids = Id::all(ids.iter().map(|id| id.0));
    let mut found = HashSet::new();
    for ids in keys(&ids) {
        let rows: Vec<Id> = on_backend!(conn, |c| climb_lists::table
            .filter(climb_lists::id.eq_any(ids))
            .filter(climb_lists::stokt_id.is_null())
            .select(climb_lists::id)
            .load(c))?;
        found.extend(rows.into_iter().map(|id| ListId(id.0)));
    }
    Ok(found)
}

/// The names of the lists of the account's own user here that are linked to none of Stokt's, with our ids.
///
/// # Errors
/// When the database fails.
pub fn own_unlinked_lists(
    conn: &mut ReadConn<'_>,
    account: StoktId,
) -> Result<Vec<(ListId, String)>, StoreError> {
    let rows: Vec<(Id, String)> = on_backend!(conn, |c| climb_lists::table
        .inner_join(users::table.on(climb_lists::owner_id.eq(users::id.nullable())))
        .filter(users::stokt_id.eq(Id(account.0)))
        .filter(climb_lists::stokt_id.is_null())
        .order(climb_lists::id.asc())
        .select((climb_lists::id, climb_lists::name))
        .load(c))?;
    Ok(rows.into_iter().map(|(id, name)| (ListId(id.0), name)).collect())
}
