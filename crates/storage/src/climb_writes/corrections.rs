//! Corrections that programs make which synchronise: Stokt's id of a climb that was sent there, and dates. They are no
//! edits of a climb's content, so they leave its state of synchronisation and its revision alone.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::Untyped;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::change::ChangeKind;
use mastoc_domain::climb_edit::FieldChange;
use mastoc_domain::sync_state::{Direction, EntityKind, SyncState};
use mastoc_domain::{ClimbId, StoktId, Timestamp};
use serde_json::{Value, json};

use super::{Standing, no_imports, note};
use crate::climb_edits::{self, Author, NewEdit};
use crate::climbs;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::links::{self, LinkRow, json_hash};
use crate::schema::{climbs as t, sync_links, tombstones};
use crate::sql::{chunks, keys};
use crate::types::{Id, Time};
use crate::visibility::Viewer;

/// How linking a climb went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    /// It is linked now.
    Done,
    /// It was already, to the same.
    Already,
    /// It is linked to another climb of Stokt.
    ToAnother,
    /// Another climb here has that id, or had it when it was deleted.
    Taken,
}

/// Notes that a climb was sent to Stokt and is known there as `stokt_id`: both sides agree on what it is now.
///
/// # Errors
/// When the database fails.
pub fn link(
    conn: &mut WriteConn<'_>,
    author: &Author,
    climb: &Standing,
    stokt_id: StoktId,
) -> Result<Linked, StoreError> {
    match climb.stokt_id {
        Some(known) if known == stokt_id => return Ok(Linked::Already),
        Some(_) => return Ok(Linked::ToAnother),
        None => {}
    }
    let (local_id, text) = (climb.id.to_string(), stokt_id.to_string());
    let entity = EntityKind::Climb;
    if is_taken(conn, &local_id, &text, stokt_id)? {
        return Ok(Linked::Taken);
    }
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(t::table.find(Id(climb.id.0)))
        .set((
            t::stokt_id.eq(Id(stokt_id.0)),
            t::sync_state.eq(SyncState::Synced.as_str()),
            t::synced_at.eq(now),
            t::updated_at.eq(now),
        ))
        .execute(c))?;
    let whole = climbs::by_id(conn, Viewer::Service, climb.id)?.ok_or(StoreError::NotFound)?;
    let base = CanonicalClimb::new(
        &whole.name,
        &whole.holds_list,
        whole.feet_rule.as_deref(),
        whole.is_private,
        whole.is_benchmark,
        &whole.circuit,
        &whole.tags,
        &whole.angle,
        &whole.mirror_holds_list,
    )
    .to_json();
    let base_hash = json_hash(&base);
    let row = LinkRow {
        entity: entity.as_str(),
        local_id: local_id.clone(),
        stokt_id: &text,
        base: Some(base),
        base_hash: Some(&base_hash),
        // No record of Stokt's was seen yet: the first one is compared by its content.
        observed_hash: "",
        extra: Value::Object(serde_json::Map::new()),
        first_seen_run: None,
        last_seen_run: None,
        updated_at: now,
    };
    links::save(conn, &[row], false)?;
    links::record_mappings(conn, entity, &[(&local_id, &text)], Direction::MastocToStokt)?;
    let change = FieldChange { field: "stokt_id".to_owned(), before: Value::Null, after: json!(stokt_id) };
    let setter = climb.setter_id.map(|setter| Id(setter.0));
    let is_private = climb.content.is_private;
    let edit = NewEdit {
        climb: climb.id.0,
        action: ChangeKind::Updated,
        owner: setter,
        is_private,
        changes: vec![change],
    };
    climb_edits::record(conn, author, vec![edit])?;
    note(conn, climb.id, ChangeKind::Updated, !is_private, setter);
    Ok(Linked::Done)
}

/// Whether another climb has this id of Stokt's, or had it when it was deleted.
fn is_taken(
    conn: &mut WriteConn<'_>,
    local_id: &str,
    text: &str,
    stokt_id: StoktId,
) -> Result<bool, StoreError> {
    use diesel::dsl::exists;
    let entity = EntityKind::Climb.as_str();
    let (climb, link, tombstone): (bool, bool, bool) = on_backend!(conn, |c| diesel::select((
        exists(t::table.filter(t::stokt_id.eq(Id(stokt_id.0)))),
        exists(
            sync_links::table
                .filter(sync_links::entity.eq(entity))
                .filter(sync_links::stokt_id.eq(text).or(sync_links::local_id.eq(local_id)))
        ),
        exists(tombstones::table.filter(tombstones::entity.eq(entity)).filter(tombstones::stokt_id.eq(text))),
    ))
    .get_result(c))?;
    Ok(climb || link || tombstone)
}

/// Corrects when a climb was set.
///
/// # Errors
/// When the database fails.
pub fn correct_date(
    conn: &mut WriteConn<'_>,
    author: &Author,
    climb: &Standing,
    created_at: Timestamp,
) -> Result<(), StoreError> {
    let dated = Dated {
        id: Id(climb.id.0),
        setter: climb.setter_id.map(|setter| Id(setter.0)),
        is_private: climb.content.is_private,
        was: climb.created_at,
        becomes: created_at,
    };
    write_dates(conn, author, &[dated])
}

/// Corrects when climbs were set, by Stokt's ids, and answers which of them are known here. Of several dates for one
/// climb the last one counts. Four statements, however many climbs.
///
/// # Errors
/// When the database fails.
pub fn correct_dates(
    conn: &mut WriteConn<'_>,
    author: &Author,
    dates: &[(StoktId, Timestamp)],
) -> Result<HashSet<StoktId>, StoreError> {
    no_imports(conn)?;
    let wanted: HashMap<Id, Timestamp> = dates.iter().map(|(climb, date)| (Id(climb.0), *date)).collect();
    let ids = Id::sorted(wanted.keys().map(|id| id.0));
    let mut known = HashSet::with_capacity(ids.len());
    let mut dated = Vec::with_capacity(ids.len());
    for ids in keys(&ids) {
        let rows: Vec<DatedRow> = on_backend!(conn, |c| t::table
            .filter(t::stokt_id.eq_any(ids))
            .select((t::stokt_id, t::id, t::setter_id, t::is_private, t::created_at))
            .load(c))?;
        for (stokt_id, id, setter, is_private, was) in rows {
            let Some((stokt_id, becomes)) = stokt_id.and_then(|id| Some((id, *wanted.get(&id)?))) else {
                continue;
            };
            known.insert(StoktId(stokt_id.0));
            dated.push(Dated { id, setter, is_private, was: was.0, becomes });
        }
    }
    write_dates(conn, author, &dated)?;
    Ok(known)
}

/// Stokt's id, our id, the setter, whether it is private, and when it was set.
type DatedRow = (Option<Id>, Id, Option<Id>, bool, Time);

/// A climb with another date.
struct Dated {
    id: Id,
    setter: Option<Id>,
    is_private: bool,
    was: Timestamp,
    becomes: Timestamp,
}

fn write_dates(conn: &mut WriteConn<'_>, author: &Author, dates: &[Dated]) -> Result<(), StoreError> {
    let dates: Vec<&Dated> = dates.iter().filter(|dated| dated.was != dated.becomes).collect();
    if dates.is_empty() {
        return Ok(());
    }
    let now = conn.now();
    for dates in chunks(&dates, 2) {
        let mut sql = Fragment::new("UPDATE climbs SET created_at = v.column2, updated_at = ");
        sql.time(now).sql(" FROM (VALUES ");
        for (index, dated) in dates.iter().enumerate() {
            sql.sql(if index > 0 { ", (" } else { "(" }).id(dated.id.0);
            sql.sql(", ").time(dated.becomes).sql(")");
        }
        sql.sql(") AS v WHERE climbs.id = v.column1").one_off();
        let statement = sql.selecting::<Untyped>();
        on_backend!(conn, |c| statement.execute(c))?;
    }
    let edits = dates.iter().map(|dated| NewEdit {
        climb: dated.id.0,
        action: ChangeKind::Updated,
        owner: dated.setter,
        is_private: dated.is_private,
        changes: vec![FieldChange {
            field: "created_at".to_owned(),
            before: json!(dated.was),
            after: json!(dated.becomes),
        }],
    });
    climb_edits::record(conn, author, edits.collect())?;
    for dated in dates {
        note(conn, ClimbId(dated.id.0), ChangeKind::Updated, !dated.is_private, dated.setter);
    }
    Ok(())
}
