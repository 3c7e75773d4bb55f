//! Importing climbs.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::holds_list::{HoldsList, Role};
use mastoc_domain::import::{BatchOutcome, ImportClimb, ItemProblem};
use mastoc_domain::import_plan::Decision;
use mastoc_domain::sync_state::{EntityKind, Source, SyncState};
use mastoc_domain::{ClimbId, StoktHoldId, StoktId};
use serde_json::Value;
use uuid::Uuid;

use super::batch::{self, RowState, Written};
use super::climb_rows::{self, ClimbRow, FactsRow, HoldRow, Place};
use super::echoes::{CountsFor, Recounted};
use super::known_climbs::{Existing, existing};
use super::parents::KnownFace;
use super::{ImportContext, check, parents};
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::outbox;
use crate::schema::climb_viewer_facts;
use crate::sql::keys;
use crate::types::{Id, Time};

/// How many unknown holds a report names.
const NAMED_HOLDS: usize = 10;

/// What the batch's climbs refer to.
struct Parents {
    faces: HashMap<StoktId, KnownFace>,
    setters: HashMap<StoktId, Uuid>,
    hold_faces: HashMap<i64, Uuid>,
}

impl Parents {
    fn load(
        conn: &mut ReadConn<'_>,
        ctx: &ImportContext<'_>,
        records: &[ImportClimb],
        lists: &[Option<HoldsList>],
    ) -> Result<Self, StoreError> {
        let faces =
            parents::known_faces(conn, &parents::distinct(records.iter().map(|r| r.face_stokt_id)), ctx.dry)?;
        let setters = parents::users(
            conn,
            &parents::distinct(records.iter().filter_map(|r| r.setter_stokt_id)),
            ctx.dry,
        )?;
        let holds =
            parents::distinct(lists.iter().flatten().flat_map(HoldsList::iter).map(|token| token.hold.0));
        let mut hold_faces = parents::faces_of_holds(conn, &holds)?;
        if let Some(assumed) = ctx.dry {
            for hold in &holds {
                let face = StoktHoldId::new(*hold).and_then(|hold| assumed.holds.get(&hold));
                if let Some(face) = face {
                    let face_id = faces.get(face).map_or(face.0, |face| face.id);
                    hold_faces.entry(*hold).or_insert(face_id);
                }
            }
        }
        Ok(Self { faces, setters, hold_faces })
    }

    /// What the climb refers to and is not there, or not where it should be.
    fn problem(&self, record: &ImportClimb, list: &HoldsList) -> Option<ItemProblem> {
        let Some(face) = self.faces.get(&record.face_stokt_id) else {
            return Some(check::problem(
                "unknown_face",
                format!("there is no face {} here", record.face_stokt_id),
            ));
        };
        if let Some(setter) = record.setter_stokt_id.filter(|setter| !self.setters.contains_key(setter)) {
            return Some(check::problem("unknown_setter", format!("there is no setter {setter} here")));
        }
        let holds: BTreeSet<i64> = list.iter().map(|token| token.hold.0).collect();
        let name = |code: &str, what: &str, wrong: Vec<i64>| {
            let more = if wrong.len() > NAMED_HOLDS { ", ..." } else { "" };
            let named: Vec<String> = wrong.iter().take(NAMED_HOLDS).map(ToString::to_string).collect();
            (!wrong.is_empty()).then(|| check::problem(code, format!("{what}: {}{more}", named.join(", "))))
        };
        let unknown = holds.iter().filter(|hold| !self.hold_faces.contains_key(hold)).copied().collect();
        name("unknown_hold", "it uses holds that are not here", unknown).or_else(|| {
            let elsewhere =
                holds.iter().filter(|hold| self.hold_faces.get(hold) != Some(&face.id)).copied().collect();
            name("wrong_face", "it uses holds of another face", elsewhere)
        })
    }
}

/// What makes the record itself unfit, whatever is stored.
fn own_problem(record: &ImportClimb) -> Option<ItemProblem> {
    let grade = &record.grade;
    check::texts([
        ("name", record.name.as_str(), check::Name),
        ("holds_list", &record.holds_list, check::Text),
        ("mirror_holds_list", &record.mirror_holds_list, check::Text),
        ("grade_font", check::optional(grade.font.as_ref()), check::Text),
        ("grade_hueco", check::optional(grade.hueco.as_ref()), check::Text),
        ("grade_dankyu", check::optional(grade.dankyu.as_ref()), check::Text),
        ("feet_rule", check::optional(record.feet_rule.as_ref()), check::Text),
        ("description", check::optional(record.description.as_ref()), check::Text),
        ("tags", &record.tags, check::Text),
        ("circuit", &record.circuit, check::Text),
        ("angle", &record.angle, check::Text),
    ])
    .or_else(|| check::numbers([("grade_ircra", grade.ircra)]))
    .or_else(|| check::time("date_created", record.created_at))
    .or_else(|| check::extra(&record.viewer))
}

/// Rules for climbs made here that an imported list breaks; it is kept as it is.
fn notes(record: &ImportClimb, list: &HoldsList) -> Vec<ItemProblem> {
    let mut notes: Vec<ItemProblem> =
        list.violations().iter().map(|broken| check::problem("list_rule", broken.to_string())).collect();
    if !record.mirror_holds_list.is_empty()
        && let Err(error) = HoldsList::parse(&record.mirror_holds_list)
    {
        notes.push(check::problem("list_rule", format!("the mirrored list: {error}")));
    }
    notes
}

/// What a person can edit of a climb, in canonical form.
pub(crate) fn canonical(record: &ImportClimb) -> CanonicalClimb {
    CanonicalClimb::new(
        &record.name,
        &record.holds_list,
        record.feet_rule.as_deref(),
        record.is_private,
        record.is_benchmark,
        &record.circuit,
        &record.tags,
        &record.angle,
        &record.mirror_holds_list,
    )
}

/// Why these climbs cannot be written as they are, in their order: what is wrong with the record itself, or what it
/// refers to and is not here.
///
/// # Errors
/// When the database fails.
pub fn misfits(
    conn: &mut ReadConn<'_>,
    ctx: &ImportContext<'_>,
    records: &[ImportClimb],
) -> Result<Vec<Option<ItemProblem>>, StoreError> {
    let lists: Vec<Option<HoldsList>> =
        records.iter().map(|record| HoldsList::parse(&record.holds_list).ok()).collect();
    let parents = Parents::load(conn, ctx, records, &lists)?;
    Ok(records.iter().zip(&lists).map(|(record, list)| problem(record, list.as_ref(), &parents)).collect())
}

/// Why a climb cannot be written as it is.
fn problem(record: &ImportClimb, list: Option<&HoldsList>, parents: &Parents) -> Option<ItemProblem> {
    own_problem(record).or_else(|| match list {
        Some(list) => parents.problem(record, list),
        None => HoldsList::parse(&record.holds_list)
            .err()
            .map(|error| check::problem("bad_holds_list", error.to_string())),
    })
}

/// Imports climbs of known faces, setters and holds.
///
/// A climb that was changed here keeps its content; only its counters, grade and extra fields are refreshed.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure; a bad record is no error but
/// an outcome.
pub fn climbs(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    records: &[ImportClimb],
) -> Result<BatchOutcome, StoreError> {
    batch::begin(conn, ctx)?;
    let stokt_ids: Vec<String> = records.iter().map(|record| record.stokt_id.to_string()).collect();
    let known = batch::look_up(conn, EntityKind::Climb, &stokt_ids)?;
    let existing = existing(conn, records)?;
    let lists: Vec<Option<HoldsList>> =
        records.iter().map(|r| HoldsList::parse(&r.holds_list).ok()).collect();
    let parents = Parents::load(conn, ctx, records, &lists)?;
    let items = records
        .iter()
        .zip(&lists)
        .map(|(record, list)| {
            let problem = problem(record, list.as_ref(), &parents);
            let notes = list.as_ref().map(|list| notes(record, list)).unwrap_or_default();
            // A refused record needs no base, and its texts may be huge.
            let base = problem.is_none().then(|| canonical(record).to_json());
            batch::item(record.stokt_id.to_string(), record, &record.extra, base, problem, notes)
        })
        .collect();
    let rows: HashMap<String, RowState> = existing
        .iter()
        .map(|(stokt_id, climb)| {
            let state = RowState {
                local_id: climb.id.to_string(),
                has_local_changes: matches!(climb.sync_state, SyncState::Modified | SyncState::Conflict),
                // It was taken for gone, and is back.
                is_incomplete: climb.sync_state == SyncState::Archived,
            };
            (stokt_id.to_string(), state)
        })
        .collect();
    let mut batch = batch::decide(EntityKind::Climb, items, known, rows);
    let awaited = outbox::awaited(conn, EntityKind::Climb)?;
    for (planned, record) in batch.planned.iter_mut().zip(records).filter(|_| !awaited.is_empty()) {
        if outbox::awaits(&awaited, record).is_some() {
            planned.await_settling();
        }
    }
    if ctx.dry.is_some() {
        return batch.finish(conn, ctx, Vec::new());
    }
    let mut work = Work::default();
    for ((index, record, decision, _), list) in batch.decisions(records).zip(&lists) {
        let (Some(face), Some(list)) = (parents.faces.get(&record.face_stokt_id), list) else { continue };
        if decision.writes() {
            let place = Place {
                setter_id: match existing.get(&record.stokt_id) {
                    // It was sent from here by an account that need not be its setter's.
                    Some(climb) if climb.source == Source::Mastoc => climb.setter_id,
                    _ => record.setter_stokt_id.and_then(|setter| parents.setters.get(&setter)).copied(),
                },
                holds_count: i32::try_from(list.hold_count()).unwrap_or(i32::MAX),
                ..place(
                    record,
                    existing.get(&record.stokt_id),
                    face,
                    batch.base_differs(index),
                    Time(conn.now()),
                )
            };
            work.add(index, record, decision, list, existing.get(&record.stokt_id), &place);
        }
    }
    climb_rows::save(conn, &work.rows)?;
    climb_rows::refresh(conn, &work.refreshed)?;
    climb_rows::save_holds(conn, &work.replaced, &work.holds)?;
    work.recounted.note(conn);
    crate::echoes::sight_changed(conn, &work.sight_changed, true)?;
    save_facts(conn, ctx, records, &batch, &work.written)?;
    batch.finish(conn, ctx, work.written)
}

/// Where a climb goes: a new one to its face's newest version, an existing one stays where it was set.
fn place(
    record: &ImportClimb,
    before: Option<&Existing>,
    face: &KnownFace,
    base_differs: bool,
    now: Time,
) -> Place {
    let here = before.filter(|climb| climb.face_id == face.id);
    Place {
        id: before.map_or_else(|| ClimbId::generate().0, |climb| climb.id),
        face_id: face.id,
        face_version: here.map_or(face.latest_version, |climb| climb.face_version),
        setter_id: None,
        holds_count: 0,
        rev: before.map_or(1, |climb| climb.rev + i32::from(base_differs)),
        source: before.map_or(Source::Stokt, |climb| climb.source),
        created_at: before
            .filter(|climb| climb.source == Source::Mastoc)
            .map_or(Time(record.created_at), |climb| climb.created_at),
        now,
    }
}

/// The rows that a batch writes.
#[derive(Default)]
struct Work<'a> {
    rows: Vec<ClimbRow<'a>>,
    refreshed: Vec<ClimbRow<'a>>,
    replaced: Vec<Id>,
    holds: Vec<HoldRow>,
    written: Vec<Written>,
    recounted: Recounted,
    /// Climbs that others see than before.
    sight_changed: Vec<Uuid>,
}

impl<'a> Work<'a> {
    fn add(
        &mut self,
        index: usize,
        record: &'a ImportClimb,
        decision: Decision,
        list: &HoldsList,
        before: Option<&Existing>,
        place: &Place,
    ) {
        let row = ClimbRow::new(record, place);
        let id = row.id;
        let was_public = before.is_some_and(|climb| !climb.is_private);
        let is_public = if matches!(decision, Decision::Create | Decision::Update) {
            if before.is_none_or(|climb| climb.holds_list != record.holds_list) {
                if before.is_some() {
                    self.replaced.push(id);
                }
                let tokens: BTreeSet<(i64, Role)> =
                    list.iter().map(|token| (token.hold.0, token.role)).collect();
                self.holds.extend(tokens.into_iter().map(|(hold_id, role)| HoldRow {
                    climb_id: id,
                    hold_id,
                    role: role.as_str(),
                }));
            }
            self.recounted.climb(
                before.map(Existing::counts_for),
                CountsFor { face: place.face_id, setter: place.setter_id, is_private: record.is_private },
            );
            if before.is_some_and(|climb| {
                climb.is_private != record.is_private || climb.counts_for().setter != place.setter_id
            }) {
                self.sight_changed.push(id.0);
            }
            self.rows.push(row);
            was_public || !record.is_private
        } else {
            self.refreshed.push(row);
            was_public
        };
        let extra = Value::Object(record.extra.clone());
        self.written.push(Written { index, local_id: id.0.to_string(), extra, is_public });
    }
}

/// Keeps what Stokt said about the account that asked, where it is new.
fn save_facts(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    records: &[ImportClimb],
    batch: &batch::Batch,
    written: &[Written],
) -> Result<(), StoreError> {
    let Some(account) = ctx.account.map(|account| account.to_string()) else {
        return Ok(());
    };
    let new: HashMap<usize, &str> = written.iter().map(|row| (row.index, row.local_id.as_str())).collect();
    let said: Vec<(Id, &ImportClimb)> = batch
        .decisions(records)
        .filter(|(_, record, decision, _)| {
            let speaks_of_a_row = !matches!(
                decision,
                Decision::Refuse | Decision::Deleted | Decision::Awaited | Decision::Superseded
            );
            speaks_of_a_row && !record.viewer.is_empty()
        })
        .filter_map(|(index, record, _, stokt_id)| {
            let local_id = new.get(&index).copied().or_else(|| batch.local_id(stokt_id))?;
            Some((Id(Uuid::parse_str(local_id).ok()?), record))
        })
        .collect();
    let ids: Vec<Id> = said.iter().map(|(id, _)| *id).collect();
    let mut stored: HashMap<Id, Value> = HashMap::with_capacity(ids.len());
    for ids in keys(&ids) {
        let rows: Vec<(Id, Value)> = on_backend!(conn, |c| climb_viewer_facts::table
            .filter(climb_viewer_facts::account.eq(&account))
            .filter(climb_viewer_facts::climb_id.eq_any(ids))
            .select((climb_viewer_facts::climb_id, climb_viewer_facts::facts))
            .load(c))?;
        stored.extend(rows);
    }
    let updated_at = Time(conn.now());
    let rows: Vec<FactsRow<'_>> = said
        .into_iter()
        .filter(|(id, record)| stored.get(id).and_then(Value::as_object) != Some(&record.viewer))
        .map(|(climb_id, record)| FactsRow {
            climb_id,
            account: &account,
            facts: Value::Object(record.viewer.clone()),
            updated_at,
        })
        .collect();
    climb_rows::save_facts(conn, &rows)
}
