//! Short forms of links: what tells, of very many climbs, about which of them anything is to be done.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use mastoc_domain::sync_state::{EntityKind, SyncState};
use mastoc_domain::{StoktId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::climbs::Word;
use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::schema::{climbs as t, faces, gyms, sync_links as l, tombstones};
use crate::sql::keys;
use crate::types::{Id, Time};

/// Of a link what tells whether anything is to be done about it at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSummary {
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// Our id as text.
    pub local_id: String,
    /// Hash of what both sides last agreed on.
    pub base_hash: Option<String>,
    /// Hash of the last record of Stokt's that was written here.
    pub observed_hash: String,
    /// How often the climb changed here.
    pub local_rev: i32,
    /// How often it had when both sides last agreed.
    pub base_rev: i32,
    /// How many complete runs in a row did not find it at Stokt.
    pub missing_runs: i32,
    /// When the first of those runs was.
    pub missing_since: Option<Timestamp>,
    /// How the climb stands; `None` when it was deleted here.
    pub sync_state: Option<SyncState>,
}

impl LinkSummary {
    /// Whether the climb has changes made here that Stokt has not got.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.local_rev > self.base_rev
    }

    /// Whether nothing is to be done when Stokt's record has these hashes: it says what was written, which is what both
    /// sides agreed on, and nothing happened here.
    #[must_use]
    pub fn is_settled(&self, observed_hash: &str, base_hash: &str) -> bool {
        self.observed_hash == observed_hash
            && self.base_hash.as_deref() == Some(base_hash)
            && !self.is_dirty()
            && self.missing_runs == 0
            && self.sync_state == Some(SyncState::Synced)
    }
}

type SummaryColumns = (String, String, Option<String>, String, i32, i32, i32, Option<Time>, Option<Time>);

/// Short forms of the links with these ids of Stokt's. `states`: how the climbs behind them stand.
fn summaries_of(
    conn: &mut ReadConn<'_>,
    states: &HashMap<StoktId, (Uuid, SyncState)>,
    ids: &[StoktId],
) -> Result<Vec<LinkSummary>, StoreError> {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut found = Vec::with_capacity(texts.len());
    let mut linked: HashSet<StoktId> = HashSet::with_capacity(texts.len());
    for texts in keys(&texts) {
        let rows: Vec<SummaryColumns> = on_backend!(conn, |c| l::table
            .filter(l::entity.eq(EntityKind::Climb.as_str()))
            .filter(l::stokt_id.eq_any(texts))
            .select((
                l::stokt_id,
                l::local_id,
                l::base_hash,
                l::observed_hash,
                l::local_rev,
                l::base_rev,
                l::missing_runs,
                l::missing_since,
                l::tombstone_at,
            ))
            .load(c))?;
        for row in rows {
            let (stokt_id, local_id, base_hash, observed_hash, local_rev, base_rev, runs, since, deleted) =
                row;
            let Ok(stokt_id) = stokt_id.parse::<StoktId>() else { continue };
            linked.insert(stokt_id);
            found.push(LinkSummary {
                stokt_id,
                local_id,
                base_hash,
                observed_hash,
                local_rev,
                base_rev,
                missing_runs: runs,
                missing_since: since.map(|time| time.0),
                sync_state: if deleted.is_some() {
                    None
                } else {
                    states.get(&stokt_id).map(|(_, state)| *state)
                },
            });
        }
    }
    // Climbs that have an id of Stokt's and were never compared.
    for (stokt_id, (id, state)) in states.iter().filter(|(id, _)| !linked.contains(*id)) {
        found.push(LinkSummary {
            stokt_id: *stokt_id,
            local_id: id.to_string(),
            base_hash: None,
            observed_hash: String::new(),
            local_rev: 0,
            base_rev: 0,
            missing_runs: 0,
            missing_since: None,
            sync_state: Some(*state),
        });
    }
    Ok(found)
}

/// Short forms of what is known of these climbs of Stokt, in no order; those that were never here are left out.
///
/// # Errors
/// When the database fails.
pub fn summaries(conn: &mut ReadConn<'_>, ids: &[StoktId]) -> Result<Vec<LinkSummary>, StoreError> {
    let stokt_ids = Id::all(ids.iter().map(|id| id.0));
    let mut states: HashMap<StoktId, (Uuid, SyncState)> = HashMap::with_capacity(ids.len());
    for ids in keys(&stokt_ids) {
        let rows: Vec<(Option<Id>, Id, Word<SyncState>)> = on_backend!(conn, |c| t::table
            .filter(t::stokt_id.eq_any(ids))
            .select((t::stokt_id, t::id, t::sync_state))
            .load(c))?;
        states.extend(
            rows.into_iter().filter_map(|(stokt, id, state)| Some((StoktId(stokt?.0), (id.0, state.0)))),
        );
    }
    summaries_of(conn, &states, ids)
}

/// A page of the short forms of all climbs of a gym that have an id of Stokt's, those that were deleted here left out.
/// `after`: the greatest id of the page before; an empty page is the end.
///
/// # Errors
/// When the database fails.
pub fn links_of_gym(
    conn: &mut ReadConn<'_>,
    gym: StoktId,
    after: Option<StoktId>,
    limit: i64,
) -> Result<Vec<LinkSummary>, StoreError> {
    let after = Id(after.map_or(Uuid::nil(), |id| id.0));
    let rows: Vec<(Option<Id>, Id, Word<SyncState>)> = on_backend!(conn, |c| t::table
        .inner_join(faces::table.on(faces::id.eq(t::face_id)))
        .inner_join(gyms::table.on(gyms::id.eq(faces::gym_id)))
        .filter(gyms::stokt_id.eq(Id(gym.0)))
        .filter(t::stokt_id.gt(after))
        .order(t::stokt_id.asc())
        .limit(limit)
        .select((t::stokt_id, t::id, t::sync_state))
        .load(c))?;
    let states: HashMap<StoktId, (Uuid, SyncState)> = rows
        .into_iter()
        .filter_map(|(stokt, id, state)| Some((StoktId(stokt?.0), (id.0, state.0))))
        .collect();
    let ids: Vec<StoktId> = states.keys().copied().collect();
    let mut page = summaries_of(conn, &states, &ids)?;
    page.sort_unstable_by_key(|link| link.stokt_id);
    Ok(page)
}

/// Short forms of the links of a gym's climbs that were deleted here and are linked still.
///
/// # Errors
/// When the database fails.
pub fn deleted_of_gym(conn: &mut ReadConn<'_>, gym: StoktId) -> Result<Vec<LinkSummary>, StoreError> {
    let of_gym: Vec<Id> = on_backend!(conn, |c| faces::table
        .inner_join(gyms::table.on(gyms::id.eq(faces::gym_id)))
        .filter(gyms::stokt_id.eq(Id(gym.0)))
        .select(faces::id)
        .load(c))?;
    let of_gym: HashSet<String> = of_gym.into_iter().map(|id| id.0.to_string()).collect();
    let rows: Vec<(String, Option<Value>)> = on_backend!(conn, |c| l::table
        .inner_join(
            tombstones::table.on(tombstones::entity.eq(l::entity).and(tombstones::entity_id.eq(l::local_id)))
        )
        .filter(l::entity.eq(EntityKind::Climb.as_str()))
        .filter(l::tombstone_at.is_not_null())
        .select((l::stokt_id, tombstones::row))
        .load(c))?;
    let ids: Vec<StoktId> = rows
        .into_iter()
        .filter(|(_, row)| {
            let face = row.as_ref().and_then(|row| row.get("face_id")).and_then(Value::as_str);
            face.is_some_and(|face| of_gym.contains(face))
        })
        .filter_map(|(stokt_id, _)| stokt_id.parse().ok())
        .collect();
    summaries_of(conn, &HashMap::new(), &ids)
}

/// Stokt's ids of the climbs of these gyms that were changed here since both sides agreed, in their order: archived ones
/// as well, deleted ones not.
///
/// # Errors
/// When the database fails.
pub fn changed_in_gyms(conn: &mut ReadConn<'_>, wanted: &[StoktId]) -> Result<Vec<StoktId>, StoreError> {
    let wanted = Id::all(wanted.iter().map(|gym| gym.0));
    let agreed = [SyncState::Local, SyncState::Synced].map(SyncState::as_str);
    let rows: Vec<(Option<Id>, Word<SyncState>)> = on_backend!(conn, |c| t::table
        .inner_join(faces::table.on(faces::id.eq(t::face_id)))
        .inner_join(gyms::table.on(gyms::id.eq(faces::gym_id)))
        .filter(gyms::stokt_id.eq_any(&wanted))
        .filter(t::stokt_id.is_not_null())
        .filter(t::sync_state.ne_all(agreed))
        .select((t::stokt_id, t::sync_state))
        .load(c))?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let dirty: Vec<String> = on_backend!(conn, |c| l::table
        .filter(l::entity.eq(EntityKind::Climb.as_str()))
        .filter(l::local_rev.gt(l::base_rev))
        .filter(l::tombstone_at.is_null())
        .select(l::stokt_id)
        .load(c))?;
    let dirty: HashSet<StoktId> = dirty.iter().filter_map(|text| text.parse().ok()).collect();
    let mut changed: Vec<StoktId> = rows
        .into_iter()
        .filter_map(|(id, state)| Some((StoktId(id?.0), state.0)))
        // One that was never compared differs from whatever it is at Stokt.
        .filter(|(id, state)| *state == SyncState::Modified || dirty.contains(id))
        .map(|(id, _)| id)
        .collect();
    changed.sort_unstable();
    Ok(changed)
}

/// How many climbs of a gym are linked and neither archived nor deleted: what a share of them is taken of.
///
/// # Errors
/// When the database fails.
pub fn linked_in_gym(conn: &mut ReadConn<'_>, gym: StoktId) -> Result<u64, StoreError> {
    let count: i64 = on_backend!(conn, |c| t::table
        .inner_join(faces::table.on(faces::id.eq(t::face_id)))
        .inner_join(gyms::table.on(gyms::id.eq(faces::gym_id)))
        .filter(gyms::stokt_id.eq(Id(gym.0)))
        .filter(t::stokt_id.is_not_null())
        .filter(t::sync_state.ne(SyncState::Archived.as_str()))
        .count()
        .get_result(c))?;
    Ok(u64::try_from(count).unwrap_or(0))
}
