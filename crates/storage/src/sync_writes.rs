//! What a synchronisation writes of linked climbs beyond what an import does: agreeing on a new base, merging, and
//! whether they are there at all.
//!
//! Every transaction of these begins with [`begin`]; after it nobody edits a climb before the commit.

mod presence;

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::climb_edit::FieldChange;
use mastoc_domain::fold::fold_name;
use mastoc_domain::holds_list::{HoldsList, Role};
use mastoc_domain::sync_state::{EntityKind, SyncState};
use mastoc_domain::{Timestamp, UserId};
use serde_json::{Value, json};

use crate::changes::PendingChange;
use crate::climb_edits::{self, Author, NewEdit};
use crate::conn::{WriteConn, on_backend};
use crate::echoes;
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::import::ImportContext;
use crate::import::echoes::{CountsFor, Recounted};
use crate::links::json_hash;
use crate::schema::{climb_holds, climbs as t, sync_links as l};
use crate::sql::{chunks, keys};
use crate::sync_climbs::{ClimbSide, Known, LinkSide};
use crate::types::{Id, Time};

pub(crate) use presence::forget_observed;
pub use presence::{archive, mark_found, mark_missing, mark_seen, observe, retire_links, unarchive};

/// Whom the history of a climb names when a synchronisation changed it.
pub const AUTHOR: &str = "synchronisation";

/// Begins a transaction of a synchronisation: refused for a run that lost its lock; and no import, no other
/// synchronisation and nobody who edits a climb goes on before it ends.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn begin(conn: &mut WriteConn<'_>, ctx: &ImportContext<'_>) -> Result<(), StoreError> {
    crate::import::begin(conn, ctx)
}

/// What both sides agree on from now on.
#[derive(Debug, Clone)]
pub struct Agreement<'a> {
    /// The climb and its link as they stand.
    pub known: &'a Known,
    /// What Stokt has.
    pub base: &'a CanonicalClimb,
    /// Whether the climb here says more than that, so that there is something left to send.
    pub is_dirty: bool,
}

#[derive(Insertable)]
#[diesel(table_name = l, treat_none_as_default_value = false)]
struct BaseRow<'a> {
    entity: &'a str,
    local_id: &'a str,
    stokt_id: String,
    base: Value,
    base_hash: String,
    observed_hash: &'a str,
    extra: Value,
    local_rev: i32,
    base_rev: i32,
    updated_at: Time,
}

/// Takes what Stokt has for the base, of climbs that are here; whether anything of a climb is left to send, its state
/// tells then. Archived climbs are so no longer.
///
/// # Errors
/// When the database fails.
pub fn agree(conn: &mut WriteConn<'_>, agreed: &[Agreement<'_>]) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let rows: Vec<BaseRow<'_>> = agreed
        .iter()
        .map(|one| {
            let LinkSide { local_id, stokt_id, observed_hash, local_rev, base_rev, .. } = &one.known.link;
            let base = one.base.to_json();
            // What is dirty stays so, also where the revisions were equal: a merge made it differ.
            let local_rev = if one.is_dirty { (*local_rev).max(base_rev + 1) } else { *local_rev };
            let base_rev = if one.is_dirty { *base_rev } else { local_rev };
            BaseRow {
                entity: EntityKind::Climb.as_str(),
                local_id,
                stokt_id: stokt_id.to_string(),
                base_hash: json_hash(&base),
                base,
                observed_hash,
                // Only for a climb without a link; one that has a link keeps its own.
                extra: Value::Object(serde_json::Map::new()),
                local_rev,
                base_rev,
                updated_at: now,
            }
        })
        .collect();
    for rows in chunks(&rows, 10) {
        on_backend!(conn, |c| diesel::insert_into(l::table)
            .values(rows)
            .on_conflict((l::entity, l::stokt_id))
            .do_update()
            .set((
                l::base.eq(excluded(l::base)),
                l::base_hash.eq(excluded(l::base_hash)),
                l::local_rev.eq(excluded(l::local_rev)),
                l::base_rev.eq(excluded(l::base_rev)),
                l::updated_at.eq(excluded(l::updated_at)),
            ))
            .execute(c))?;
    }
    for is_dirty in [false, true] {
        let state = SyncState::derive(true, i32::from(is_dirty), 0, false, false);
        let changed: Vec<&ClimbSide> = agreed
            .iter()
            .filter(|one| one.is_dirty == is_dirty)
            .filter_map(|one| one.known.climb.as_ref())
            .filter(|climb| climb.sync_state != state)
            .collect();
        set_state(conn, &changed, state)?;
    }
    Ok(())
}

/// Gives climbs another state, and tells followers.
fn set_state(conn: &mut WriteConn<'_>, climbs: &[&ClimbSide], state: SyncState) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let ids: Vec<Id> = climbs.iter().map(|climb| Id(climb.id.0)).collect();
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::update(t::table.filter(t::id.eq_any(ids)))
            .set((t::sync_state.eq(state.as_str()), t::updated_at.eq(now)))
            .execute(c))?;
    }
    for climb in climbs {
        note(conn, climb, !climb.is_private);
    }
    Ok(())
}

fn note(conn: &mut WriteConn<'_>, climb: &ClimbSide, is_public: bool) {
    conn.note(PendingChange {
        entity: Changed::Climb,
        id: climb.id.to_string(),
        kind: ChangeKind::Updated,
        is_public,
        owner: climb.setter.map(|setter| UserId(setter.0)),
    });
}

/// A climb whose content becomes another by synchronising.
#[derive(Debug, Clone)]
pub struct Merged<'a> {
    /// The climb as it stands.
    pub climb: &'a ClimbSide,
    /// What it becomes.
    pub content: &'a CanonicalClimb,
}

#[derive(Insertable)]
#[diesel(table_name = climb_holds, treat_none_as_default_value = false)]
struct HoldRow {
    climb_id: Id,
    hold_id: i64,
    role: &'static str,
}

/// Gives climbs the content that a merge made, each with an entry in its history. The holds must be on the board.
///
/// # Errors
/// [`StoreError::Invalid`] when a merged list of holds cannot be read, or the database's failure.
pub fn merge(conn: &mut WriteConn<'_>, merged: &[Merged<'_>]) -> Result<(), StoreError> {
    let merged: Vec<&Merged<'_>> = merged.iter().filter(|one| one.climb.canonical != *one.content).collect();
    let now = conn.now();
    let mut lists: Vec<Option<HoldsList>> = Vec::with_capacity(merged.len());
    for one in &merged {
        let list = if one.content.holds == one.climb.canonical.holds {
            None
        } else {
            let list = HoldsList::parse(&one.content.holds);
            Some(list.map_err(|error| StoreError::Invalid(error.to_string()))?)
        };
        lists.push(list);
    }
    let sight: Vec<uuid::Uuid> = merged
        .iter()
        .filter(|one| one.climb.is_private != one.content.is_private)
        .map(|one| one.climb.id.0)
        .collect();
    echoes::sight_changed(conn, &sight, true)?;
    let rows: Vec<(&Merged<'_>, Option<&HoldsList>)> =
        merged.iter().copied().zip(lists.iter().map(Option::as_ref)).collect();
    for rows in chunks(&rows, 14) {
        let sql = update_content(rows, now);
        let statement = sql.selecting::<diesel::sql_types::Untyped>();
        on_backend!(conn, |c| statement.execute(c))?;
    }
    write_holds(conn, &rows)?;
    let edits = merged.iter().map(|one| NewEdit {
        climb: one.climb.id.0,
        action: ChangeKind::Updated,
        owner: one.climb.setter.map(|setter| Id(setter.0)),
        is_private: one.climb.is_private,
        changes: field_changes(&one.climb.canonical, one.content),
    });
    climb_edits::record(conn, &Author::Key(AUTHOR.to_owned()), edits.collect())?;
    let mut recounted = Recounted::default();
    for one in &merged {
        let counts = |is_private| CountsFor {
            face: one.climb.face.0,
            setter: one.climb.setter.map(|setter| setter.0),
            is_private,
        };
        recounted.climb(Some(counts(one.climb.is_private)), counts(one.content.is_private));
        note(conn, one.climb, !one.climb.is_private || !one.content.is_private);
    }
    recounted.note(conn);
    Ok(())
}

/// One statement that writes the content of many climbs.
fn update_content(rows: &[(&Merged<'_>, Option<&HoldsList>)], now: Timestamp) -> Fragment {
    // The columns of a list of values have these names on both databases.
    let mut sql = Fragment::new(
        "UPDATE climbs SET name = v.column2, name_folded = v.column3, holds_list = v.column4, \
         holds_count = CASE WHEN v.column5 < 0 THEN holds_count ELSE v.column5 END, \
         feet_rule = NULLIF(v.column6, ''), is_private = (v.column7 = 1), is_benchmark = (v.column8 = 1), \
         circuit = v.column9, tags = v.column10, angle = v.column11, mirror_holds_list = v.column12, \
         rev = rev + 1, updated_at = v.column13 FROM (VALUES ",
    );
    for (index, (one, list)) in rows.iter().enumerate() {
        let (climb, content) = (one.climb, one.content);
        let holds = if list.is_some() { &content.holds } else { &climb.holds_list };
        let count = list.map_or(-1, |list| i32::try_from(list.hold_count()).unwrap_or(i32::MAX));
        sql.sql(if index == 0 { "(" } else { ", (" });
        sql.id(climb.id.0).sql(", ").text(content.name.as_str()).sql(", ").text(fold_name(&content.name));
        sql.sql(", ").text(holds.as_str()).sql(", ").int(count).sql(", ");
        sql.text(content.feet_rule.as_deref().unwrap_or_default()).sql(", ");
        sql.int(i32::from(content.is_private)).sql(", ").int(i32::from(content.is_benchmark)).sql(", ");
        sql.text(content.circuit.as_str()).sql(", ").text(content.tags.as_str()).sql(", ");
        sql.text(content.angle.as_str()).sql(", ").text(content.mirror_holds.as_str()).sql(", ");
        sql.time(now).sql(")");
    }
    sql.sql(") AS v WHERE climbs.id = v.column1");
    sql.one_off();
    sql
}

fn write_holds(
    conn: &mut WriteConn<'_>,
    rows: &[(&Merged<'_>, Option<&HoldsList>)],
) -> Result<(), StoreError> {
    let changed: Vec<(Id, &HoldsList)> =
        rows.iter().filter_map(|(one, list)| Some((Id(one.climb.id.0), (*list)?))).collect();
    let ids: Vec<Id> = changed.iter().map(|(id, _)| *id).collect();
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::delete(climb_holds::table.filter(climb_holds::climb_id.eq_any(ids)))
            .execute(c))?;
    }
    let holds: Vec<HoldRow> = changed
        .iter()
        .flat_map(|(climb_id, list)| {
            let tokens: BTreeSet<(i64, Role)> = list.iter().map(|token| (token.hold.0, token.role)).collect();
            tokens.into_iter().map(|(hold_id, role)| HoldRow {
                climb_id: *climb_id,
                hold_id,
                role: role.as_str(),
            })
        })
        .collect();
    for rows in chunks(&holds, 3) {
        on_backend!(conn, |c| diesel::insert_into(climb_holds::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// What a merge changed, in the words of the history.
fn field_changes(before: &CanonicalClimb, after: &CanonicalClimb) -> Vec<FieldChange> {
    let pairs: [(&str, Value, Value); 9] = [
        ("name", json!(before.name), json!(after.name)),
        ("holds_list", json!(before.holds), json!(after.holds)),
        ("feet_rule", json!(before.feet_rule), json!(after.feet_rule)),
        ("is_private", json!(before.is_private), json!(after.is_private)),
        ("is_benchmark", json!(before.is_benchmark), json!(after.is_benchmark)),
        ("circuit", json!(before.circuit), json!(after.circuit)),
        ("tags", json!(before.tags), json!(after.tags)),
        ("angle", json!(before.angle), json!(after.angle)),
        ("mirror_holds_list", json!(before.mirror_holds), json!(after.mirror_holds)),
    ];
    pairs
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(field, before, after)| FieldChange { field: field.to_owned(), before, after })
        .collect()
}
