//! Importing setters.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::fold::fold_name;
use mastoc_domain::import::{BatchOutcome, ImportUser};
use mastoc_domain::import_plan::Decision;
use mastoc_domain::sync_state::{EntityKind, Source};
use mastoc_domain::{StoktId, UserId};
use serde_json::Value;

use super::batch::{self, RowState, Written};
use super::{ImportContext, check, parents};
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::users as t;
use crate::sql::{chunks, keys};
use crate::types::{Id, Time};

#[derive(Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row<'a> {
    id: Id,
    stokt_id: Option<Id>,
    full_name: &'a str,
    full_name_folded: String,
    avatar_path: Option<&'a str>,
    avatar_sha256: Option<&'a str>,
    source: &'a str,
    created_at: Time,
    updated_at: Time,
}

type Columns = (Option<Id>, Id, String, Option<String>, Option<String>, String);

struct Existing {
    id: Id,
    full_name: String,
    avatar_path: Option<String>,
    avatar_sha256: Option<String>,
    /// Somebody of here claimed the setter: their name and picture are theirs to choose.
    is_ours: bool,
}

fn existing(
    conn: &mut ReadConn<'_>,
    records: &[ImportUser],
) -> Result<HashMap<StoktId, Existing>, StoreError> {
    let ids = Id::all(parents::distinct(records.iter().map(|r| r.stokt_id.0)));
    let mut found = HashMap::with_capacity(ids.len());
    for ids in keys(&ids) {
        let rows: Vec<Columns> = on_backend!(conn, |c| t::table
            .filter(t::stokt_id.eq_any(ids))
            .select((t::stokt_id, t::id, t::full_name, t::avatar_path, t::avatar_sha256, t::source))
            .load(c))?;
        found.extend(rows.into_iter().filter_map(
            |(stokt_id, id, full_name, avatar_path, avatar_sha256, source)| {
                let is_ours = source == Source::Mastoc.as_str();
                let row = Existing { id, full_name, avatar_path, avatar_sha256, is_ours };
                Some((StoktId(stokt_id?.0), row))
            },
        ));
    }
    Ok(found)
}

/// Imports setters.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure; a bad record is no error but
/// an outcome.
pub fn users(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    records: &[ImportUser],
) -> Result<BatchOutcome, StoreError> {
    batch::begin(conn, ctx)?;
    let stokt_ids: Vec<String> = records.iter().map(|record| record.stokt_id.to_string()).collect();
    let known = batch::look_up(conn, EntityKind::User, &stokt_ids)?;
    let existing = existing(conn, records)?;
    let items = records
        .iter()
        .map(|record| {
            let problem = check::texts([
                ("full_name", record.full_name.as_str(), check::Name),
                ("avatar_path", check::optional(record.avatar_path.as_ref()), check::Path),
            ]);
            batch::item(record.stokt_id.to_string(), record, &record.extra, None, problem, Vec::new())
        })
        .collect();
    let rows: HashMap<String, RowState> = existing
        .iter()
        .map(|(stokt_id, row)| {
            (stokt_id.to_string(), RowState { local_id: row.id.0.to_string(), ..RowState::default() })
        })
        .collect();
    let batch = batch::decide(EntityKind::User, items, known, rows);
    if ctx.dry.is_some() {
        return batch.finish(conn, ctx, Vec::new());
    }
    let now = Time(conn.now());
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut written: Vec<Written> = Vec::new();
    let mut renamed: Vec<Id> = Vec::new();
    for (index, record, decision, _) in batch.decisions(records) {
        if !matches!(decision, Decision::Create | Decision::Update) {
            continue;
        }
        let before = existing.get(&record.stokt_id);
        let id = before.map_or_else(|| Id(UserId::generate().0), |row| row.id);
        // A verified copy belongs to the path it was fetched from.
        let ours = before.filter(|row| row.is_ours);
        let full_name = ours.map_or(record.full_name.as_str(), |row| &row.full_name);
        let avatar_path = ours.map_or(&record.avatar_path, |row| &row.avatar_path).as_deref();
        let avatar_sha256 = before
            .filter(|row| row.avatar_path.as_deref() == avatar_path)
            .and_then(|row| row.avatar_sha256.as_deref());
        if before.is_some_and(|row| row.full_name != full_name) {
            renamed.push(id);
        }
        rows.push(Row {
            id,
            stokt_id: Some(Id(record.stokt_id.0)),
            full_name,
            full_name_folded: fold_name(full_name),
            avatar_path,
            avatar_sha256,
            source: Source::Stokt.as_str(),
            created_at: now,
            updated_at: now,
        });
        let extra = Value::Object(record.extra.clone());
        written.push(Written { index, local_id: id.0.to_string(), extra, is_public: true });
    }
    for rows in chunks(&rows, 9) {
        on_backend!(conn, |c| diesel::insert_into(t::table)
            .values(rows)
            .on_conflict(t::id)
            .do_update()
            .set((
                t::full_name.eq(excluded(t::full_name)),
                t::full_name_folded.eq(excluded(t::full_name_folded)),
                t::avatar_path.eq(excluded(t::avatar_path)),
                t::avatar_sha256.eq(excluded(t::avatar_sha256)),
                t::updated_at.eq(excluded(t::updated_at)),
            ))
            .execute(c))?;
    }
    crate::echoes::names_changed(conn, &renamed)?;
    batch.finish(conn, ctx, written)
}
