//! The audit of links: a line for every one that was made, and one for every one that was undone. Lines are only added;
//! the databases themselves refuse to change or remove one.

use std::collections::HashMap;

use diesel::prelude::*;
use mastoc_domain::Timestamp;
use mastoc_domain::sync_state::{Direction, EntityKind, LinkEvent};

use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::id_mappings as t;
use crate::sql::{chunks, keys};
use crate::types::Time;

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// What kind of row.
    pub entity: EntityKind,
    /// Our id as text.
    pub local_id: String,
    /// Stokt's id as text.
    pub stokt_id: String,
    /// What became of the link.
    pub event: LinkEvent,
    /// Which way the row moved when it was linked, or which side the link was undone for.
    pub direction: Direction,
    /// When.
    pub created_at: Timestamp,
}

#[derive(Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row<'a> {
    entity: &'a str,
    local_id: &'a str,
    stokt_id: &'a str,
    event: &'a str,
    direction: &'a str,
    created_at: Time,
}

/// Records links that were made: pairs of our id and Stokt's id, both as text. A link that stands on record already is
/// not recorded again.
pub(crate) fn linked(
    conn: &mut WriteConn<'_>,
    entity: EntityKind,
    pairs: &[(&str, &str)],
    direction: Direction,
) -> Result<(), StoreError> {
    add(conn, entity, pairs, direction, LinkEvent::Linked)
}

/// Records links that were undone. One that is not on record, or was undone before, leaves no line.
pub(crate) fn unlinked(
    conn: &mut WriteConn<'_>,
    entity: EntityKind,
    pairs: &[(&str, &str)],
    direction: Direction,
) -> Result<(), StoreError> {
    add(conn, entity, pairs, direction, LinkEvent::Unlinked)
}

fn add(
    conn: &mut WriteConn<'_>,
    entity: EntityKind,
    pairs: &[(&str, &str)],
    direction: Direction,
    event: LinkEvent,
) -> Result<(), StoreError> {
    if pairs.is_empty() {
        return Ok(());
    }
    let last = last_events(conn, entity, pairs)?;
    let created_at = Time(conn.now());
    let rows: Vec<Row<'_>> = pairs
        .iter()
        .filter(|(local_id, stokt_id)| {
            let stands =
                last.get(*stokt_id).is_some_and(|(of, event)| of == local_id && *event == LinkEvent::Linked);
            stands == (event == LinkEvent::Unlinked)
        })
        .map(|&(local_id, stokt_id)| Row {
            entity: entity.as_str(),
            local_id,
            stokt_id,
            event: event.as_str(),
            direction: direction.as_str(),
            created_at,
        })
        .collect();
    for rows in chunks(&rows, 6) {
        on_backend!(conn, |c| diesel::insert_into(t::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// The last line about each of these ids of Stokt's: our id, and what became of the link.
fn last_events(
    conn: &mut ReadConn<'_>,
    entity: EntityKind,
    pairs: &[(&str, &str)],
) -> Result<HashMap<String, (String, LinkEvent)>, StoreError> {
    let stokt_ids: Vec<&str> = pairs.iter().map(|(_, stokt_id)| *stokt_id).collect();
    let mut last = HashMap::new();
    for ids in keys(&stokt_ids) {
        let rows: Vec<(String, String, Word<LinkEvent>)> = on_backend!(conn, |c| t::table
            .filter(t::entity.eq(entity.as_str()))
            .filter(t::stokt_id.eq_any(ids))
            .order(t::id.asc())
            .select((t::stokt_id, t::local_id, t::event))
            .load(c))?;
        last.extend(rows.into_iter().map(|(stokt_id, local_id, event)| (stokt_id, (local_id, event.0))));
    }
    Ok(last)
}

type Columns = (Word<EntityKind>, String, String, Word<LinkEvent>, Word<Direction>, Time);

/// The lines on record, oldest first, after the first `offset` of them and at most `limit`.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut ReadConn<'_>, offset: i64, limit: i64) -> Result<Vec<Mapping>, StoreError> {
    let rows: Vec<Columns> = on_backend!(conn, |c| t::table
        .order(t::id.asc())
        .offset(offset)
        .limit(limit)
        .select((t::entity, t::local_id, t::stokt_id, t::event, t::direction, t::created_at))
        .load(c))?;
    Ok(rows
        .into_iter()
        .map(|(entity, local_id, stokt_id, event, direction, created_at)| Mapping {
            entity: entity.0,
            local_id,
            stokt_id,
            event: event.0,
            direction: direction.0,
            created_at: created_at.0,
        })
        .collect())
}
