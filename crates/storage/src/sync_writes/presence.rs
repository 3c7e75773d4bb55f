//! Whether climbs are at Stokt, as runs find out: seen, missing, gone, there again.

use diesel::prelude::*;
use mastoc_domain::sync_state::{Direction, EntityKind, SyncState};
use mastoc_domain::{RunId, StoktId, Timestamp};

use super::set_state;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::links::run_id;
use crate::mappings;
use crate::schema::sync_links as l;
use crate::sql::{chunks, keys};
use crate::sync_climbs::{ClimbSide, Known};
use crate::types::Time;

/// Puts climbs aside that are gone from Stokt; nothing of them is removed. What was changed here until then is not to be
/// sent any more: only another change makes them dirty.
///
/// # Errors
/// When the database fails.
pub fn archive(conn: &mut WriteConn<'_>, climbs: &[&ClimbSide]) -> Result<(), StoreError> {
    set_state(conn, climbs, SyncState::Archived)?;
    let now = Time(conn.now());
    let ids: Vec<String> = climbs.iter().map(|climb| climb.id.to_string()).collect();
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::update(l::table)
            .filter(l::entity.eq(EntityKind::Climb.as_str()))
            .filter(l::local_id.eq_any(ids))
            .filter(l::local_rev.gt(l::base_rev))
            .set((l::base_rev.eq(l::local_rev), l::updated_at.eq(now)))
            .execute(c))?;
    }
    Ok(())
}

/// Takes climbs back that are at Stokt again: in agreement, or with what was changed here, be it before they were
/// archived.
///
/// # Errors
/// When the database fails.
pub fn unarchive(conn: &mut WriteConn<'_>, known: &[&Known]) -> Result<(), StoreError> {
    let differs = |known: &Known| match (&known.climb, &known.link.base) {
        (Some(climb), Some(base)) => climb.canonical != *base,
        _ => false,
    };
    let changed: Vec<&str> =
        known.iter().filter(|known| differs(known)).map(|known| known.link.local_id.as_str()).collect();
    for ids in keys(&changed) {
        on_backend!(conn, |c| diesel::update(l::table)
            .filter(l::entity.eq(EntityKind::Climb.as_str()))
            .filter(l::local_id.eq_any(ids))
            .filter(l::local_rev.le(l::base_rev))
            .set(l::local_rev.eq(l::base_rev + 1))
            .execute(c))?;
    }
    for is_dirty in [false, true] {
        let state = SyncState::derive(true, i32::from(is_dirty), 0, false, false);
        let back: Vec<&ClimbSide> = known
            .iter()
            .filter(|known| (known.link.is_dirty() || differs(known)) == is_dirty)
            .filter_map(|known| known.climb.as_ref())
            .collect();
        set_state(conn, &back, state)?;
    }
    Ok(())
}

/// Notes what Stokt shows of climbs that are not here to take it, by the hashes of its records.
///
/// # Errors
/// When the database fails.
pub fn observe(conn: &mut WriteConn<'_>, observed: &[(StoktId, String)]) -> Result<(), StoreError> {
    let now = conn.now();
    for rows in chunks(observed, 2) {
        let mut sql = Fragment::new("UPDATE sync_links SET observed_hash = v.column2, updated_at = ");
        sql.time(now).sql(" FROM (VALUES ");
        for (index, (id, hash)) in rows.iter().enumerate() {
            sql.sql(if index == 0 { "(" } else { ", (" });
            sql.text(id.to_string()).sql(", ").text(hash.as_str()).sql(")");
        }
        sql.sql(") AS v WHERE sync_links.entity = 'climb' AND sync_links.stokt_id = v.column1");
        sql.one_off();
        let statement = sql.selecting::<diesel::sql_types::Untyped>();
        on_backend!(conn, |c| statement.execute(c))?;
    }
    Ok(())
}

/// Takes the next record of Stokt's whole, as if none had been seen: then the climb says to the letter what Stokt says,
/// unless it was changed here.
///
/// # Errors
/// When the database fails.
pub(crate) fn forget_observed(conn: &mut WriteConn<'_>, stokt_id: StoktId) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::update(l::table)
        .filter(l::entity.eq(EntityKind::Climb.as_str()))
        .filter(l::stokt_id.eq(stokt_id.to_string()))
        .set(l::observed_hash.eq(""))
        .execute(c))?;
    Ok(())
}

/// Notes that Stokt shows these climbs again, after runs that did not find them.
///
/// # Errors
/// When the database fails.
pub fn mark_found(conn: &mut WriteConn<'_>, ids: &[StoktId]) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    for texts in keys(&texts) {
        on_backend!(conn, |c| diesel::update(l::table)
            .filter(l::entity.eq(EntityKind::Climb.as_str()))
            .filter(l::stokt_id.eq_any(texts))
            .set((l::missing_runs.eq(0), l::missing_since.eq(None::<Time>), l::updated_at.eq(now)))
            .execute(c))?;
    }
    Ok(())
}

/// Notes that a complete listing at `at` did not show these climbs.
///
/// # Errors
/// When the database fails.
pub fn mark_missing(conn: &mut WriteConn<'_>, ids: &[StoktId], at: Timestamp) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    for texts in keys(&texts) {
        let missing = || l::entity.eq(EntityKind::Climb.as_str()).and(l::stokt_id.eq_any(texts));
        on_backend!(conn, |c| diesel::update(l::table)
            .filter(missing())
            .filter(l::missing_since.is_null())
            .set(l::missing_since.eq(Time(at)))
            .execute(c))?;
        on_backend!(conn, |c| diesel::update(l::table)
            .filter(missing())
            .set((l::missing_runs.eq(l::missing_runs + 1), l::updated_at.eq(now)))
            .execute(c))?;
    }
    Ok(())
}

/// Notes the run as the last one that saw the gym's climbs, apart from those that no run finds, and from `hidden` ones,
/// which Stokt does not show to the account that asked: one statement.
///
/// # Errors
/// When the database fails.
pub fn mark_seen(
    conn: &mut WriteConn<'_>,
    run: RunId,
    gym: StoktId,
    hidden: &[StoktId],
) -> Result<(), StoreError> {
    let mut sql = Fragment::new("UPDATE sync_links SET last_seen_run = ");
    sql.id(run_id(Some(run)).map_or(run.0, |id| id.0));
    sql.sql(
        " WHERE entity = 'climb' AND missing_runs = 0 AND tombstone_at IS NULL AND EXISTS (SELECT 1 FROM climbs c \
         JOIN faces f ON f.id = c.face_id JOIN gyms g ON g.id = f.gym_id WHERE c.stokt_id = ",
    );
    sql.either("sync_links.stokt_id::uuid", "unhex(sync_links.stokt_id, '-')");
    sql.sql(" AND g.stokt_id = ").id(gym.0).sql(")");
    if !hidden.is_empty() {
        // One text, since a statement takes only so many values.
        let hidden: Vec<String> = hidden.iter().map(ToString::to_string).collect();
        sql.either(" AND strpos(", " AND instr(").text(hidden.join(" ")).sql(", sync_links.stokt_id) = 0");
    }
    let statement = sql.selecting::<diesel::sql_types::Untyped>();
    on_backend!(conn, |c| statement.execute(c))?;
    Ok(())
}

/// Forgets the links of climbs that are gone on both sides; the tombstones stay, so that nothing brings them back, and
/// the audit tells.
///
/// # Errors
/// When the database fails.
pub fn retire_links(conn: &mut WriteConn<'_>, ids: &[StoktId]) -> Result<(), StoreError> {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    for texts in keys(&texts) {
        let over = || {
            let of_climbs = l::entity.eq(EntityKind::Climb.as_str()).and(l::stokt_id.eq_any(texts));
            of_climbs.and(l::tombstone_at.is_not_null())
        };
        let links: Vec<(String, String)> =
            on_backend!(conn, |c| l::table.filter(over()).select((l::local_id, l::stokt_id)).load(c))?;
        on_backend!(conn, |c| diesel::delete(l::table).filter(over()).execute(c))?;
        let pairs: Vec<(&str, &str)> =
            links.iter().map(|(local_id, stokt_id)| (local_id.as_str(), stokt_id.as_str())).collect();
        mappings::unlinked(conn, EntityKind::Climb, &pairs, Direction::StoktToMastoc)?;
    }
    Ok(())
}
