//! Records that an import refused, kept with their reason; a later success removes them.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::Timestamp;
use mastoc_domain::sync_state::EntityKind;
use serde_json::Value;

use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::quarantined;
use crate::sql::{chunks, keys};
use crate::types::Time;

/// A record to keep aside.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Stokt's id as text, or whatever stands in its place.
    pub stokt_id: String,
    /// A stable word such as `unknown_hold`.
    pub code: String,
    /// What is wrong, for a person.
    pub detail: String,
    /// What was sent.
    pub record: Option<Value>,
}

/// A record that was kept aside.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantined {
    /// What kind of row it would have become.
    pub entity: EntityKind,
    /// Stokt's id as text.
    pub stokt_id: String,
    /// Why it was refused, as a stable word.
    pub code: String,
    /// Why it was refused, for a person.
    pub detail: String,
    /// What was sent.
    pub record: Option<Value>,
    /// When it was refused first.
    pub first_seen_at: Timestamp,
    /// When it was refused last.
    pub last_seen_at: Timestamp,
}

#[derive(Insertable)]
#[diesel(table_name = quarantined, treat_none_as_default_value = false)]
struct Row<'a> {
    entity: &'a str,
    stokt_id: String,
    code: &'a str,
    detail: String,
    record: Option<&'a Value>,
    first_seen_at: Time,
    last_seen_at: Time,
}

/// A text that every database takes: without NUL, and not endless.
fn tame(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(2_000).collect()
}

/// Keeps refused records aside; one that is aside already gets the new reason. Of several with one id the last stays.
///
/// # Errors
/// When the database fails.
pub fn add(conn: &mut WriteConn<'_>, entity: EntityKind, refused: &[Refused]) -> Result<(), StoreError> {
    use quarantined as q;
    let now = Time(conn.now());
    let mut taken = HashSet::with_capacity(refused.len());
    let mut rows: Vec<Row<'_>> = refused
        .iter()
        .rev()
        .map(|refused| Row {
            entity: entity.as_str(),
            stokt_id: tame(&refused.stokt_id),
            code: &refused.code,
            detail: tame(&refused.detail),
            record: refused.record.as_ref(),
            first_seen_at: now,
            last_seen_at: now,
        })
        .collect();
    rows.retain(|row| taken.insert(row.stokt_id.clone()));
    for rows in chunks(&rows, 7) {
        on_backend!(conn, |c| diesel::insert_into(q::table)
            .values(rows)
            .on_conflict((q::entity, q::stokt_id))
            .do_update()
            .set((
                q::code.eq(excluded(q::code)),
                q::detail.eq(excluded(q::detail)),
                q::record.eq(excluded(q::record)),
                q::last_seen_at.eq(excluded(q::last_seen_at)),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Which of the given Stokt ids are in quarantine.
///
/// # Errors
/// When the database fails.
pub fn among(
    conn: &mut ReadConn<'_>,
    entity: EntityKind,
    stokt_ids: &[String],
) -> Result<HashSet<String>, StoreError> {
    let mut found = HashSet::new();
    for ids in keys(stokt_ids) {
        let rows: Vec<String> = on_backend!(conn, |c| quarantined::table
            .filter(quarantined::entity.eq(entity.as_str()))
            .filter(quarantined::stokt_id.eq_any(ids))
            .select(quarantined::stokt_id)
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Releases records whose import succeeded at last.
///
/// # Errors
/// When the database fails.
pub fn remove(conn: &mut WriteConn<'_>, entity: EntityKind, stokt_ids: &[String]) -> Result<(), StoreError> {
    for ids in keys(stokt_ids) {
        on_backend!(conn, |c| diesel::delete(
            quarantined::table
                .filter(quarantined::entity.eq(entity.as_str()))
                .filter(quarantined::stokt_id.eq_any(ids))
        )
        .execute(c))?;
    }
    Ok(())
}

/// How many records are in quarantine.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>) -> Result<i64, StoreError> {
    Ok(on_backend!(conn, |c| quarantined::table.count().get_result(c))?)
}

type Columns = (String, String, String, String, Option<Value>, Time, Time);

/// The records in quarantine, at most `limit`, the latest first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut ReadConn<'_>, limit: i64) -> Result<Vec<Quarantined>, StoreError> {
    let rows: Vec<Columns> = on_backend!(conn, |c| quarantined::table
        .order((quarantined::last_seen_at.desc(), quarantined::entity.asc(), quarantined::stokt_id.asc()))
        .limit(limit)
        .select((
            quarantined::entity,
            quarantined::stokt_id,
            quarantined::code,
            quarantined::detail,
            quarantined::record,
            quarantined::first_seen_at,
            quarantined::last_seen_at,
        ))
        .load(c))?;
    rows.into_iter()
        .map(|(entity, stokt_id, code, detail, record, first, last)| {
            Ok(Quarantined {
                entity: entity
                    .parse()
                    .map_err(|error| StoreError::Internal(format!("quarantined: {error}")))?,
                stokt_id,
                code,
                detail,
                record,
                first_seen_at: first.0,
                last_seen_at: last.0,
            })
        })
        .collect()
}
