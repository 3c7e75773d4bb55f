//! Importing holds: their identity, and their geometry in the newest version of their face.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::import::{BatchOutcome, ImportHold, ItemProblem};
use mastoc_domain::import_plan::Decision;
use mastoc_domain::sync_state::{EntityKind, Source};
use serde_json::Value;
use uuid::Uuid;

use super::batch::{self, RowState, Written};
use super::parents::KnownFace;
use super::{ImportContext, check, echoes, parents, pictures};
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::hold_rows::{HoldRow, ShapeRow};
use crate::schema::{hold_shapes, holds as t};
use crate::sql::{chunks, keys};
use crate::types::{Id, Time};

/// What exists of the batch's holds.
struct Existing {
    /// Face by hold.
    holds: HashMap<i64, Uuid>,
    /// Which hold has geometry in which version.
    shapes: HashSet<(i64, i32)>,
}

fn existing(conn: &mut ReadConn<'_>, records: &[ImportHold]) -> Result<Existing, StoreError> {
    let ids = parents::distinct(records.iter().map(|record| record.stokt_id.get()));
    let mut found =
        Existing { holds: HashMap::with_capacity(ids.len()), shapes: HashSet::with_capacity(ids.len()) };
    for ids in keys(&ids) {
        let rows: Vec<(i64, Id)> =
            on_backend!(conn, |c| t::table.filter(t::id.eq_any(ids)).select((t::id, t::face_id)).load(c))?;
        found.holds.extend(rows.into_iter().map(|(id, face)| (id, face.0)));
        let shapes: Vec<(i64, i32)> = on_backend!(conn, |c| hold_shapes::table
            .filter(hold_shapes::hold_id.eq_any(ids))
            .select((hold_shapes::hold_id, hold_shapes::version))
            .load(c))?;
        found.shapes.extend(shapes);
    }
    Ok(found)
}

fn problem(record: &ImportHold, face: Option<&KnownFace>, existing: &Existing) -> Option<ItemProblem> {
    let shape = &record.shape;
    check::numbers([("centroid_x", Some(record.centroid_x)), ("centroid_y", Some(record.centroid_y))])
        .or_else(|| {
            check::texts([
                ("area", shape.area.as_str(), check::Text),
                ("polygon_str", &shape.polygon_str, check::Text),
                ("touch_polygon_str", &shape.touch_polygon_str, check::Text),
                ("path_str", &shape.path_str, check::Text),
                ("centroid_str", &shape.centroid_str, check::Text),
                ("top_polygon_str", &shape.top_polygon_str, check::Text),
                ("center_tape_str", &shape.center_tape_str, check::Text),
                ("left_tape_str", &shape.left_tape_str, check::Text),
                ("right_tape_str", &shape.right_tape_str, check::Text),
            ])
        })
        .or_else(|| {
            let Some(face) = face else {
                return Some(check::problem(
                    "unknown_face",
                    format!("there is no face {} here", record.face_stokt_id),
                ));
            };
            existing.holds.get(&record.stokt_id.get()).filter(|known| **known != face.id).map(|_| {
                check::problem("wrong_face", format!("hold {} is on another face already", record.stokt_id))
            })
        })
}

/// Imports holds of known faces.
///
/// A hold that says the same is written again only where the face's newest version lacks its geometry.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure; a bad record is no error but
/// an outcome.
pub fn holds(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    records: &[ImportHold],
) -> Result<BatchOutcome, StoreError> {
    batch::begin(conn, ctx)?;
    let stokt_ids: Vec<String> = records.iter().map(|record| record.stokt_id.to_string()).collect();
    let known = batch::look_up(conn, EntityKind::Hold, &stokt_ids)?;
    let existing = existing(conn, records)?;
    let faces =
        parents::known_faces(conn, &parents::distinct(records.iter().map(|r| r.face_stokt_id)), ctx.dry)?;
    let mut rows: HashMap<String, RowState> = HashMap::with_capacity(existing.holds.len());
    let items = records
        .iter()
        .map(|record| {
            let face = faces.get(&record.face_stokt_id);
            let id = record.stokt_id.get();
            if let (Some(face), true) = (face, existing.holds.contains_key(&id)) {
                let is_incomplete = !existing.shapes.contains(&(id, face.latest_version));
                rows.insert(
                    id.to_string(),
                    RowState { local_id: id.to_string(), is_incomplete, ..RowState::default() },
                );
            }
            let problem = problem(record, face, &existing);
            batch::item(record.stokt_id.to_string(), record, &record.extra, None, problem, Vec::new())
        })
        .collect();
    let batch = batch::decide(EntityKind::Hold, items, known, rows);
    if ctx.dry.is_some() {
        return batch.finish(conn, ctx, Vec::new());
    }
    let now = Time(conn.now());
    let mut rows: Vec<HoldRow> = Vec::new();
    let mut shapes: Vec<ShapeRow<'_>> = Vec::new();
    let mut written: Vec<Written> = Vec::new();
    let mut may_be_shown: HashSet<Uuid> = HashSet::new();
    let mut recounted: BTreeSet<Uuid> = BTreeSet::new();
    for (index, record, decision, _) in batch.decisions(records) {
        let (Decision::Create | Decision::Update, Some(face)) = (decision, faces.get(&record.face_stokt_id))
        else {
            continue;
        };
        let id = record.stokt_id.get();
        let place = Id(face.id);
        rows.push(HoldRow::new(id, Some(id), place, Source::Stokt, now));
        let centre = (record.centroid_x, record.centroid_y);
        shapes.push(ShapeRow::new((place, face.latest_version), id, centre, &record.shape));
        if face.current_version < face.latest_version {
            may_be_shown.insert(face.id);
        } else if !existing.shapes.contains(&(id, face.latest_version)) {
            recounted.insert(face.id);
        }
        let extra = Value::Object(record.extra.clone());
        written.push(Written { index, local_id: id.to_string(), extra, is_public: true });
    }
    save(conn, &rows, &shapes)?;
    echoes::note_faces(conn, recounted);
    pictures::show_ready_versions(conn, &may_be_shown.into_iter().collect::<Vec<_>>())?;
    batch.finish(conn, ctx, written)
}

fn save(conn: &mut WriteConn<'_>, rows: &[HoldRow], shapes: &[ShapeRow<'_>]) -> Result<(), StoreError> {
    use hold_shapes as s;
    for rows in chunks(rows, HoldRow::COLUMNS) {
        on_backend!(conn, |c| diesel::insert_into(t::table)
            .values(rows)
            .on_conflict(t::id)
            .do_update()
            // Whether a hold is off the wall is said here, and no import unsays it.
            .set(t::updated_at.eq(excluded(t::updated_at)))
            .execute(c))?;
    }
    for shapes in chunks(shapes, ShapeRow::COLUMNS) {
        on_backend!(conn, |c| diesel::insert_into(s::table)
            .values(shapes)
            .on_conflict((s::face_id, s::version, s::hold_id))
            .do_update()
            .set((
                s::centroid_x.eq(excluded(s::centroid_x)),
                s::centroid_y.eq(excluded(s::centroid_y)),
                s::area.eq(excluded(s::area)),
                s::polygon_str.eq(excluded(s::polygon_str)),
                s::touch_polygon_str.eq(excluded(s::touch_polygon_str)),
                s::path_str.eq(excluded(s::path_str)),
                s::centroid_str.eq(excluded(s::centroid_str)),
                s::top_polygon_str.eq(excluded(s::top_polygon_str)),
                s::center_tape_str.eq(excluded(s::center_tape_str)),
                s::left_tape_str.eq(excluded(s::left_tape_str)),
                s::right_tape_str.eq(excluded(s::right_tape_str)),
            ))
            .execute(c))?;
    }
    Ok(())
}
