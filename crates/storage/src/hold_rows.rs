//! The rows that a hold consists of, as they are written.

use diesel::prelude::*;
use mastoc_domain::board::HoldShape;
use mastoc_domain::sync_state::Source;

use crate::schema::{hold_shapes, holds};
use crate::types::{Id, Time};

/// A hold: its identity.
#[derive(Insertable)]
#[diesel(table_name = holds, treat_none_as_default_value = false)]
pub(crate) struct HoldRow {
    id: i64,
    stokt_id: Option<i64>,
    face_id: Id,
    source: &'static str,
    retired_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
}

impl HoldRow {
    /// How many values a row has.
    pub(crate) const COLUMNS: usize = 7;

    /// A hold that is new, on this face.
    pub(crate) fn new(id: i64, stokt_id: Option<i64>, face_id: Id, source: Source, now: Time) -> Self {
        let source = source.as_str();
        Self { id, stokt_id, face_id, source, retired_at: None, created_at: now, updated_at: now }
    }
}

/// The geometry of a hold in one version of its face.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = hold_shapes, treat_none_as_default_value = false)]
pub(crate) struct ShapeRow<'a> {
    pub(crate) face_id: Id,
    pub(crate) version: i32,
    pub(crate) hold_id: i64,
    centroid_x: f64,
    centroid_y: f64,
    area: &'a str,
    polygon_str: &'a str,
    touch_polygon_str: &'a str,
    path_str: &'a str,
    centroid_str: &'a str,
    top_polygon_str: &'a str,
    center_tape_str: &'a str,
    left_tape_str: &'a str,
    right_tape_str: &'a str,
}

impl<'a> ShapeRow<'a> {
    /// How many values a row has.
    pub(crate) const COLUMNS: usize = 14;

    /// A hold in a version of its face, with its centre in pixels.
    pub(crate) fn new(
        (face_id, version): (Id, i32),
        hold_id: i64,
        (centroid_x, centroid_y): (f64, f64),
        shape: &'a HoldShape,
    ) -> Self {
        Self {
            face_id,
            version,
            hold_id,
            centroid_x,
            centroid_y,
            area: &shape.area,
            polygon_str: &shape.polygon_str,
            touch_polygon_str: &shape.touch_polygon_str,
            path_str: &shape.path_str,
            centroid_str: &shape.centroid_str,
            top_polygon_str: &shape.top_polygon_str,
            center_tape_str: &shape.center_tape_str,
            left_tape_str: &shape.left_tape_str,
            right_tape_str: &shape.right_tape_str,
        }
    }
}
