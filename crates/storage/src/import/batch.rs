//! What the imports of all kinds of rows have in common: looking up what is known, and the bookkeeping at the end.

use std::collections::{HashMap, HashSet};

use diesel::RunQueryDsl as _;
use mastoc_domain::change::ChangeKind;
use mastoc_domain::import::{BatchOutcome, Extra, ItemOutcome, ItemProblem};
use mastoc_domain::import_plan::{Decision, Incoming, Planned, Stored, plan};
use mastoc_domain::sync_state::{Direction, EntityKind};
use serde::Serialize;
use serde_json::Value;

use super::{ImportContext, check};
use crate::changes::PendingChange;
use crate::conn::{AnyConnection, ReadConn, WriteConn};
use crate::error::StoreError;
use crate::links::{self, Link, LinkRow, json_hash};
use crate::quarantine::{self, Refused};
use crate::types::Time;

/// Begins a batch: refuses it for a run that lost its lock, and lets imports of several connections take turns, so
/// that what one of them looked up stays true until it wrote. To be called before anything is looked up; again is free.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn begin(conn: &mut WriteConn<'_>, ctx: &ImportContext<'_>) -> Result<(), StoreError> {
    if ctx.dry.is_some() {
        return Ok(());
    }
    if let AnyConnection::Postgres(c) = conn.any() {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtext('mastoc.import'))").execute(c)?;
    }
    ctx.check_fence(conn)
}

/// One record on its way: the record itself as JSON, and what planning needs.
pub(super) struct Item {
    pub(super) incoming: Incoming,
    json: Value,
    base: Option<Value>,
}

/// Prepares one record: hashes it, and checks what can be checked without looking at the database.
pub(super) fn item<T: Serialize>(
    stokt_id: String,
    record: &T,
    extra: &Extra,
    base: Option<Value>,
    problem: Option<ItemProblem>,
    notes: Vec<ItemProblem>,
) -> Item {
    // Records are plain structs with text keys, which always become JSON; NaN becomes null, and is refused anyway.
    let mut json = serde_json::to_value(record).unwrap_or_default();
    let viewer = json.as_object_mut().and_then(|object| object.shift_remove("viewer"));
    let observed_hash = json_hash(&json);
    if let (Some(object), Some(viewer)) = (json.as_object_mut(), viewer) {
        object.insert("viewer".into(), viewer);
    }
    let problem = problem.or_else(|| check::extra(extra));
    let incoming =
        Incoming { stokt_id, observed_hash, base_hash: base.as_ref().map(json_hash), problem, notes };
    Item { incoming, json, base }
}

/// What is stored of the batch's records, whatever their kind.
pub(super) struct Known {
    links: HashMap<String, Link>,
    deleted: HashSet<String>,
    quarantined: HashSet<String>,
}

/// Looks up links, tombstones and quarantine for a batch, in three statements.
pub(super) fn look_up(
    conn: &mut ReadConn<'_>,
    entity: EntityKind,
    stokt_ids: &[String],
) -> Result<Known, StoreError> {
    Ok(Known {
        links: links::load(conn, entity, stokt_ids)?,
        deleted: links::deleted(conn, entity, stokt_ids)?,
        quarantined: quarantine::among(conn, entity, stokt_ids)?,
    })
}

/// What the planner must know of a row beyond its link.
#[derive(Debug, Clone, Default)]
pub(super) struct RowState {
    /// Our id as text.
    pub(super) local_id: String,
    /// Whether the row itself says that it has local changes.
    pub(super) has_local_changes: bool,
    /// Whether something that the record brings is missing.
    pub(super) is_incomplete: bool,
}

/// A batch with its decisions.
pub(super) struct Batch {
    entity: EntityKind,
    items: Vec<Item>,
    /// One decision for each record.
    pub(super) planned: Vec<Planned>,
    known: Known,
    local_ids: HashMap<String, String>,
}

/// Plans a batch. `rows`: the rows that exist, by Stokt's id.
pub(super) fn decide(
    entity: EntityKind,
    items: Vec<Item>,
    known: Known,
    rows: HashMap<String, RowState>,
) -> Batch {
    let mut stored: HashMap<String, Stored> = HashMap::with_capacity(rows.len());
    let mut local_ids: HashMap<String, String> = HashMap::with_capacity(items.len());
    for (stokt_id, row) in rows {
        let link = known.links.get(&stokt_id);
        stored.insert(
            stokt_id.clone(),
            Stored {
                // A row without a link has never been compared: the empty hash equals none.
                observed_hash: link.map(|link| link.observed_hash.clone()).unwrap_or_default(),
                base_hash: link.and_then(|link| link.base_hash.clone()),
                has_local_changes: row.has_local_changes || link.is_some_and(Link::has_local_changes),
                is_deleted: link.is_some_and(|link| link.is_deleted),
                is_incomplete: row.is_incomplete,
            },
        );
        local_ids.insert(stokt_id, row.local_id);
    }
    let gone = known.links.iter().filter(|(_, link)| link.is_deleted).map(|(stokt_id, _)| stokt_id);
    for stokt_id in gone.chain(&known.deleted) {
        stored.entry(stokt_id.clone()).or_default().is_deleted = true;
    }
    let incoming: Vec<Incoming> = items.iter().map(|item| item.incoming.clone()).collect();
    let planned = plan(&incoming, &stored);
    Batch { entity, items, planned, known, local_ids }
}

/// What was written for one record, so that the bookkeeping can follow.
pub(super) struct Written {
    /// The record's place in the batch.
    pub(super) index: usize,
    /// Our id as text.
    pub(super) local_id: String,
    /// What Stokt sent beside our columns.
    pub(super) extra: Value,
    /// Whether the public could see the row before, or can now.
    pub(super) is_public: bool,
}

impl Batch {
    /// Records with their decisions, in order.
    pub(super) fn decisions<'b, 'r, T>(
        &'b self,
        records: &'r [T],
    ) -> impl Iterator<Item = (usize, &'r T, Decision, &'b str)> + use<'b, 'r, T> {
        records.iter().zip(&self.planned).zip(&self.items).enumerate().map(
            |(index, ((record, planned), item))| {
                (index, record, planned.decision, item.incoming.stokt_id.as_str())
            },
        )
    }

    /// Whether the record's editable content differs from what both sides last agreed on.
    pub(super) fn base_differs(&self, index: usize) -> bool {
        self.items.get(index).is_none_or(|item| {
            let link = self.known.links.get(&item.incoming.stokt_id);
            link.is_none_or(|link| link.base_hash != item.incoming.base_hash)
        })
    }

    /// Our id of a record's row, where there is one already.
    pub(super) fn local_id(&self, stokt_id: &str) -> Option<&str> {
        self.local_ids.get(stokt_id).map(String::as_str)
    }

    /// Writes links, mappings, change log and quarantine for what was written, and answers the outcome.
    pub(super) fn finish(
        mut self,
        conn: &mut WriteConn<'_>,
        ctx: &ImportContext<'_>,
        written: Vec<Written>,
    ) -> Result<BatchOutcome, StoreError> {
        if ctx.dry.is_none() {
            self.write_links(conn, ctx, &written)?;
            self.write_quarantine(conn)?;
        }
        for row in written {
            if let Some(item) = self.items.get(row.index) {
                self.local_ids.insert(item.incoming.stokt_id.clone(), row.local_id);
            }
        }
        let Self { entity, items, planned, known, local_ids } = self;
        let items = items
            .into_iter()
            .zip(planned)
            .enumerate()
            .map(|(index, (item, planned))| {
                let stokt_id = item.incoming.stokt_id;
                let local_id = local_ids
                    .get(&stokt_id)
                    .or_else(|| known.links.get(&stokt_id).map(|link| &link.local_id));
                let local_id = local_id.filter(|id| !id.is_empty()).cloned();
                ItemOutcome { index, local_id, stokt_id, status: planned.status, notes: planned.notes }
            })
            .collect();
        Ok(BatchOutcome { kind: entity, items })
    }

    fn write_links(
        &self,
        conn: &mut WriteConn<'_>,
        ctx: &ImportContext<'_>,
        written: &[Written],
    ) -> Result<(), StoreError> {
        let updated_at = Time(conn.now());
        let run = links::run_id(ctx.run);
        let mut agreed: Vec<LinkRow<'_>> = Vec::with_capacity(written.len());
        let mut refreshed: Vec<LinkRow<'_>> = Vec::new();
        let mut mappings: Vec<(&str, &str)> = Vec::new();
        for row in written {
            let (Some(item), Some(planned)) = (self.items.get(row.index), self.planned.get(row.index)) else {
                continue;
            };
            let keeps_base = matches!(planned.decision, Decision::Refresh | Decision::KeepLocal { .. });
            let incoming = &item.incoming;
            let link = LinkRow {
                entity: self.entity.as_str(),
                local_id: row.local_id.clone(),
                stokt_id: &incoming.stokt_id,
                base: item.base.clone(),
                base_hash: incoming.base_hash.as_deref(),
                observed_hash: &incoming.observed_hash,
                extra: row.extra.clone(),
                first_seen_run: run,
                last_seen_run: run,
                updated_at,
            };
            if keeps_base { refreshed.push(link) } else { agreed.push(link) }
        }
        for row in written {
            let (Some(item), Some(planned)) = (self.items.get(row.index), self.planned.get(row.index)) else {
                continue;
            };
            let created = planned.decision == Decision::Create;
            if created || !self.known.links.contains_key(&item.incoming.stokt_id) {
                mappings.push((&row.local_id, &item.incoming.stokt_id));
            }
            conn.note(PendingChange {
                entity: self.entity.into(),
                id: row.local_id.clone(),
                kind: if created { ChangeKind::Created } else { ChangeKind::Updated },
                is_public: row.is_public,
                owner: None,
            });
        }
        links::save(conn, &agreed, false)?;
        links::save(conn, &refreshed, true)?;
        links::record_mappings(conn, self.entity, &mappings, Direction::StoktToMastoc)
    }

    fn write_quarantine(&mut self, conn: &mut WriteConn<'_>) -> Result<(), StoreError> {
        let mut refused = Vec::new();
        let mut released = Vec::new();
        for (item, planned) in self.items.iter_mut().zip(&self.planned) {
            let stokt_id = &item.incoming.stokt_id;
            match (&item.incoming.problem, planned.decision) {
                (Some(problem), _) => refused.push(Refused {
                    stokt_id: stokt_id.clone(),
                    code: problem.code.clone(),
                    detail: problem.detail.clone(),
                    record: Some(check::shortened(std::mem::take(&mut item.json))),
                }),
                (None, Decision::Superseded) => {}
                (None, _) => {
                    if self.known.quarantined.contains(stokt_id) {
                        released.push(stokt_id.clone());
                    }
                }
            }
        }
        quarantine::remove(conn, self.entity, &released)?;
        quarantine::add(conn, self.entity, &refused)
    }
}
