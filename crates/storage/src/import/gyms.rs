//! Importing gyms.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::GymId;
use mastoc_domain::import::{BatchOutcome, ImportGym};
use mastoc_domain::import_plan::Decision;
use mastoc_domain::sync_state::{EntityKind, Source};
use serde_json::Value;

use super::batch::{self, RowState, Written};
use super::{ImportContext, check, parents};
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::gyms as t;
use crate::sql::chunks;
use crate::types::{Id, Time};

#[derive(Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row<'a> {
    id: Id,
    stokt_id: Option<Id>,
    display_name: &'a str,
    location: Option<&'a str>,
    description: Option<&'a str>,
    source: &'a str,
    created_at: Time,
    updated_at: Time,
}

/// Imports gyms.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure; a bad record is no error but
/// an outcome.
pub fn gyms(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    records: &[ImportGym],
) -> Result<BatchOutcome, StoreError> {
    batch::begin(conn, ctx)?;
    let stokt_ids: Vec<String> = records.iter().map(|record| record.stokt_id.to_string()).collect();
    let known = batch::look_up(conn, EntityKind::Gym, &stokt_ids)?;
    let existing = parents::gyms(conn, &parents::distinct(records.iter().map(|r| r.stokt_id)), None)?;
    let items = records
        .iter()
        .map(|record| {
            let problem = check::texts([
                ("display_name", record.display_name.as_str(), check::Name),
                ("location", check::optional(record.location.as_ref()), check::Text),
                ("description", check::optional(record.description.as_ref()), check::Text),
            ]);
            batch::item(record.stokt_id.to_string(), record, &record.extra, None, problem, Vec::new())
        })
        .collect();
    let rows: HashMap<String, RowState> = existing
        .iter()
        .map(|(stokt_id, id)| {
            (stokt_id.to_string(), RowState { local_id: id.to_string(), ..RowState::default() })
        })
        .collect();
    let batch = batch::decide(EntityKind::Gym, items, known, rows);
    if ctx.dry.is_some() {
        return batch.finish(conn, ctx, Vec::new());
    }
    let now = Time(conn.now());
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut written: Vec<Written> = Vec::new();
    for (index, record, decision, _) in batch.decisions(records) {
        if !matches!(decision, Decision::Create | Decision::Update) {
            continue;
        }
        let id = existing.get(&record.stokt_id).copied().unwrap_or_else(|| GymId::generate().0);
        rows.push(Row {
            id: Id(id),
            stokt_id: Some(Id(record.stokt_id.0)),
            display_name: &record.display_name,
            location: record.location.as_deref(),
            description: record.description.as_deref(),
            source: Source::Stokt.as_str(),
            created_at: now,
            updated_at: now,
        });
        let extra = Value::Object(record.extra.clone());
        written.push(Written { index, local_id: id.to_string(), extra, is_public: true });
    }
    for rows in chunks(&rows, 8) {
        on_backend!(conn, |c| diesel::insert_into(t::table)
            .values(rows)
            .on_conflict(t::id)
            .do_update()
            .set((
                t::display_name.eq(excluded(t::display_name)),
                t::location.eq(excluded(t::location)),
                t::description.eq(excluded(t::description)),
                t::updated_at.eq(excluded(t::updated_at)),
            ))
            .execute(c))?;
    }
    batch.finish(conn, ctx, written)
}
