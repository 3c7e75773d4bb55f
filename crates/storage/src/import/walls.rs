//! Importing walls.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::WallId;
use mastoc_domain::import::{BatchOutcome, ImportWall};
use mastoc_domain::import_plan::Decision;
use mastoc_domain::sync_state::{EntityKind, Source};
use serde_json::Value;

use super::batch::{self, RowState, Written};
use super::{ImportContext, check, parents};
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::walls as t;
use crate::sql::chunks;
use crate::types::{Id, Time};

#[derive(Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row<'a> {
    id: Id,
    stokt_id: Option<Id>,
    gym_id: Id,
    name: &'a str,
    is_angle_adjustable: bool,
    is_active: bool,
    feet_rules: Value,
    source: &'a str,
    created_at: Time,
    updated_at: Time,
}

/// Imports walls of known gyms.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure; a bad record is no error but
/// an outcome.
pub fn walls(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    records: &[ImportWall],
) -> Result<BatchOutcome, StoreError> {
    batch::begin(conn, ctx)?;
    let stokt_ids: Vec<String> = records.iter().map(|record| record.stokt_id.to_string()).collect();
    let known = batch::look_up(conn, EntityKind::Wall, &stokt_ids)?;
    let existing = parents::walls(conn, &parents::distinct(records.iter().map(|r| r.stokt_id)), None)?;
    let gyms = parents::gyms(conn, &parents::distinct(records.iter().map(|r| r.gym_stokt_id)), ctx.dry)?;
    let items = records
        .iter()
        .map(|record| {
            let texts = std::iter::once(("name", record.name.as_str(), check::Name))
                .chain(record.feet_rules.iter().map(|rule| ("feet_rules", rule.name.as_str(), check::Text)));
            let problem = check::texts(texts).or_else(|| {
                (!gyms.contains_key(&record.gym_stokt_id)).then(|| {
                    check::problem("unknown_gym", format!("there is no gym {} here", record.gym_stokt_id))
                })
            });
            batch::item(record.stokt_id.to_string(), record, &record.extra, None, problem, Vec::new())
        })
        .collect();
    let rows: HashMap<String, RowState> = existing
        .iter()
        .map(|(stokt_id, id)| {
            (stokt_id.to_string(), RowState { local_id: id.to_string(), ..RowState::default() })
        })
        .collect();
    let batch = batch::decide(EntityKind::Wall, items, known, rows);
    if ctx.dry.is_some() {
        return batch.finish(conn, ctx, Vec::new());
    }
    let now = Time(conn.now());
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut written: Vec<Written> = Vec::new();
    for (index, record, decision, _) in batch.decisions(records) {
        let (Decision::Create | Decision::Update, Some(gym)) = (decision, gyms.get(&record.gym_stokt_id))
        else {
            continue;
        };
        let id = existing.get(&record.stokt_id).copied().unwrap_or_else(|| WallId::generate().0);
        rows.push(Row {
            id: Id(id),
            stokt_id: Some(Id(record.stokt_id.0)),
            gym_id: Id(*gym),
            name: &record.name,
            is_angle_adjustable: record.is_angle_adjustable,
            is_active: record.is_active,
            feet_rules: serde_json::to_value(&record.feet_rules).unwrap_or_default(),
            source: Source::Stokt.as_str(),
            created_at: now,
            updated_at: now,
        });
        let extra = Value::Object(record.extra.clone());
        written.push(Written { index, local_id: id.to_string(), extra, is_public: true });
    }
    for rows in chunks(&rows, 10) {
        on_backend!(conn, |c| diesel::insert_into(t::table)
            .values(rows)
            .on_conflict(t::id)
            .do_update()
            .set((
                t::gym_id.eq(excluded(t::gym_id)),
                t::name.eq(excluded(t::name)),
                t::is_angle_adjustable.eq(excluded(t::is_angle_adjustable)),
                t::is_active.eq(excluded(t::is_active)),
                t::feet_rules.eq(excluded(t::feet_rules)),
                t::updated_at.eq(excluded(t::updated_at)),
            ))
            .execute(c))?;
    }
    batch.finish(conn, ctx, written)
}
