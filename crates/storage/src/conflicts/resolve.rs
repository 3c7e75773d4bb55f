//! Settling a conflict the way a person says.

use std::collections::BTreeSet;

use diesel::prelude::*;
use mastoc_domain::FaceId;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::conflict::{Settlement, Take};
use mastoc_domain::holds_list::HoldsList;
use mastoc_domain::sync_merge::merge;
use mastoc_domain::sync_state::{Direction, EntityKind};
use uuid::Uuid;

use super::{Conflict, get, settle};
use crate::climb_writes::{self, Restored};
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::schema::{holds, sync_links};
use crate::sql::keys;
use crate::sync_climbs::{self, ClimbSide, Known};
use crate::sync_writes::{self, Agreement, Merged};
use crate::types::{Id, Time};
use crate::unlinking;

/// What became of the climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It says something that Stokt does not say yet; the next push sends it.
    WaitsToBeSent,
    /// Both sides say the same.
    InStep,
    /// It is known here only, and is sent again only if somebody chooses it.
    Local,
    /// It is kept here, and is gone from Stokt.
    Archived,
    /// It stays deleted here. It is deleted at Stokt by a push that may delete there.
    StaysDeleted,
    /// It is back.
    Restored,
    /// It may come back: the next full pull brings it, as a new climb.
    ComesWithThePull,
}

/// A settled conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The conflict, settled.
    pub conflict: Conflict,
    /// What became of the climb.
    pub outcome: Outcome,
}

/// Settles an open conflict.
///
/// Where the same fields were changed on both sides, `take` says whose word counts for those; what either side alone
/// changed stays, as in every merge. Where the climb is gone from Stokt, `mastoc` makes it a local climb and `stokt`
/// archives it. Where it was deleted here, `mastoc` lets the deletion stand and `stokt` brings it back.
///
/// What counts is how the climb stands here now, not how it stood when the conflict was found.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such conflict, [`StoreError::Invalid`] when it was settled before or
/// Stokt's version needs holds that are not here, [`StoreError::Fenced`] when another run has taken over, or the
/// database's failure.
pub fn resolve(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    id: Uuid,
    take: Take,
) -> Result<Resolved, StoreError> {
    sync_writes::begin(conn, ctx)?;
    let conflict = get(conn, id)?.ok_or(StoreError::NotFound)?;
    if let (Some(settlement), Some(at)) = (conflict.settlement, conflict.settled_at) {
        let how = match settlement {
            Settlement::Mastoc | Settlement::Stokt => format!("by taking {settlement}"),
            Settlement::Agreed => "since both sides came to say the same".to_owned(),
            // By unlinking it, or by taking ours where Stokt's was gone.
            Settlement::Unlinked => "by letting the climb be a local one".to_owned(),
        };
        return Err(StoreError::Invalid(format!("conflict {id} was settled already, at {at}, {how}")));
    }
    let known = match conflict.stokt_id {
        Some(stokt_id) => sync_climbs::known(conn, &[stokt_id])?.remove(&stokt_id),
        None => None,
    };
    let (outcome, settlement) = match known {
        Some(known) => (settle_climb(conn, ctx, &conflict, &known, take)?, take.into()),
        // Somebody undid the link in the meantime.
        None => (Outcome::Local, Settlement::Unlinked),
    };
    settle(conn, &[Id(id)], settlement)?;
    let conflict = get(conn, id)?.ok_or(StoreError::NotFound)?;
    Ok(Resolved { conflict, outcome })
}

fn settle_climb(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    conflict: &Conflict,
    known: &Known,
    take: Take,
) -> Result<Outcome, StoreError> {
    match (&known.climb, &conflict.theirs, take) {
        (Some(climb), Some(theirs), _) => settle_fields(conn, known, climb, theirs, take),
        (Some(climb), None, Take::Mastoc) => {
            unlinking::unlink(conn, ctx, climb.id, Direction::StoktToMastoc)?;
            Ok(Outcome::Local)
        }
        (Some(climb), None, Take::Stokt) => {
            sync_writes::archive(conn, &[climb])?;
            Ok(Outcome::Archived)
        }
        (None, Some(theirs), Take::Mastoc) => {
            sync_writes::agree(conn, &[Agreement { known, base: theirs, is_dirty: false }])?;
            Ok(Outcome::StaysDeleted)
        }
        (None, Some(theirs), Take::Stokt) => bring_back(conn, conflict, known, theirs),
        (None, None, _) => {
            sync_writes::retire_links(conn, &[known.link.stokt_id])?;
            Ok(Outcome::StaysDeleted)
        }
    }
}

fn settle_fields(
    conn: &mut WriteConn<'_>,
    known: &Known,
    climb: &ClimbSide,
    theirs: &CanonicalClimb,
    take: Take,
) -> Result<Outcome, StoreError> {
    let merged = merge(known.link.base.as_ref(), &climb.canonical, theirs);
    let content = match take {
        Take::Mastoc => merged.content,
        Take::Stokt => merged.taking_theirs(theirs),
    };
    must_have_holds(conn, climb.face, &content.holds)?;
    sync_writes::merge(conn, &[Merged { climb, content: &content }])?;
    let is_dirty = content != *theirs;
    sync_writes::agree(conn, &[Agreement { known, base: theirs, is_dirty }])?;
    // The conflict kept what people edit, in canonical form.
    sync_writes::forget_observed(conn, known.link.stokt_id)?;
    Ok(if is_dirty { Outcome::WaitsToBeSent } else { Outcome::InStep })
}

/// Refuses a list of holds that are not on this face.
fn must_have_holds(conn: &mut ReadConn<'_>, face: FaceId, list: &str) -> Result<(), StoreError> {
    let list = HoldsList::parse(list).map_err(|error| StoreError::Invalid(error.to_string()))?;
    let wanted: BTreeSet<i64> = list.iter().map(|token| token.hold.0).collect();
    let ids: Vec<i64> = wanted.iter().copied().collect();
    let mut missing = wanted;
    for ids in keys(&ids) {
        let found: Vec<i64> = on_backend!(conn, |c| holds::table
            .filter(holds::face_id.eq(Id(face.0)))
            .filter(holds::id.eq_any(ids))
            .select(holds::id)
            .load(c))?;
        for hold in found {
            missing.remove(&hold);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().take(10).map(ToString::to_string).collect();
    let names = names.join(", ");
    Err(StoreError::Invalid(format!(
        "Stokt's version uses holds that are not here ({names}); a full pull brings them, then settle it again"
    )))
}

fn bring_back(
    conn: &mut WriteConn<'_>,
    conflict: &Conflict,
    known: &Known,
    theirs: &CanonicalClimb,
) -> Result<Outcome, StoreError> {
    let stokt_id = known.link.stokt_id;
    let restored = climb_writes::restore(conn, conflict.climb, stokt_id, theirs, |conn, face| {
        must_have_holds(conn, face, &theirs.holds)
    })?;
    let now = Time(conn.now());
    let link = sync_links::table
        .filter(sync_links::entity.eq(EntityKind::Climb.as_str()))
        .filter(sync_links::stokt_id.eq(stokt_id.to_string()));
    if restored == Restored::NothingKept {
        unlinking::forget_link(conn, conflict.climb, stokt_id, Direction::MastocToStokt)?;
        return Ok(Outcome::ComesWithThePull);
    }
    on_backend!(conn, |c| diesel::update(link)
        .set((sync_links::tombstone_at.eq(None::<Time>), sync_links::updated_at.eq(now)))
        .execute(c))?;
    let back = sync_climbs::known(conn, &[stokt_id])?.remove(&stokt_id).ok_or(StoreError::NotFound)?;
    sync_writes::agree(conn, &[Agreement { known: &back, base: theirs, is_dirty: false }])?;
    sync_writes::forget_observed(conn, stokt_id)?;
    Ok(Outcome::Restored)
}
