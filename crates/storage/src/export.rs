//! Reading everything back as an import would bring it: the proof that nothing is lost.
//!
//! What comes back is what is stored now, local changes included. Records are ordered by Stokt's id; rows that
//! Stokt does not know are left out.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use mastoc_domain::board::{ClimbGrade, FeetRuleOption, HoldShape, PictureRef};
use mastoc_domain::import::{Extra, ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{RunId, StoktHoldId, StoktId};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::links;
use crate::schema::{
    climb_viewer_facts, climbs as c_, face_versions as v_, faces as f_, gyms as g_, hold_shapes as s_,
    holds as h_, sync_seen, users as u_, walls as w_,
};
use crate::sql::keys;
use crate::types::{Id, Time};

// Each query with its filter left open: a whole gym, or single rows.
macro_rules! face_rows {
    ($conn:ident, $filter:expr) => {{
        let rows: Vec<FaceRow> = on_backend!($conn, |c| f_::table
            .inner_join(g_::table.on(g_::id.eq(f_::gym_id)))
            .inner_join(v_::table.on(v_::face_id.eq(f_::id)))
            .left_join(w_::table.on(f_::wall_id.eq(w_::id.nullable())))
            .filter($filter)
            .filter(f_::stokt_id.is_not_null())
            .order((f_::stokt_id.asc(), v_::version.asc()))
            .select((
                f_::id,
                f_::stokt_id,
                g_::stokt_id,
                w_::stokt_id.nullable(),
                f_::is_active,
                f_::feet_rules_options,
                f_::has_symmetry,
                (v_::picture_path, v_::picture_width, v_::picture_height),
                (v_::small_path, v_::small_width, v_::small_height),
            ))
            .load(c))?;
        rows
    }};
}

macro_rules! hold_rows {
    ($conn:ident, $filter:expr) => {{
        let rows: Vec<HoldRow> = on_backend!($conn, |c| h_::table
            .inner_join(f_::table.on(f_::id.eq(h_::face_id)))
            .inner_join(g_::table.on(g_::id.eq(f_::gym_id)))
            .inner_join(s_::table.on(s_::hold_id.eq(h_::id)))
            .filter($filter)
            .filter(h_::stokt_id.is_not_null())
            .order((h_::stokt_id.asc(), s_::version.asc()))
            .select((
                h_::stokt_id,
                f_::stokt_id,
                (s_::centroid_x, s_::centroid_y),
                s_::area,
                s_::polygon_str,
                s_::touch_polygon_str,
                s_::path_str,
                s_::centroid_str,
                s_::top_polygon_str,
                s_::center_tape_str,
                s_::left_tape_str,
                s_::right_tape_str,
            ))
            .load(c))?;
        rows
    }};
}

#[macro_use]
mod climb_rows;
pub mod single;

use climb_rows::{ClimbRow, climbs_of};

/// The extra fields of rows, taken out one by one.
struct Extras(HashMap<String, Value>);

impl Extras {
    fn load(conn: &mut ReadConn<'_>, entity: EntityKind, stokt_ids: Vec<String>) -> Result<Self, StoreError> {
        links::extras(conn, entity, &stokt_ids).map(Self)
    }

    fn take(&mut self, local_id: &str) -> Extra {
        match self.0.remove(local_id) {
            Some(Value::Object(extra)) => extra,
            _ => Extra::new(),
        }
    }
}

fn stokt(id: Id) -> StoktId {
    StoktId(id.0)
}

fn texts<'a>(ids: impl Iterator<Item = &'a Option<Id>>) -> Vec<String> {
    ids.flatten().map(|id| id.0.to_string()).collect()
}

fn read<T: DeserializeOwned>(column: &str, value: Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| StoreError::Internal(format!("{column}: {error}")))
}

/// The gym.
///
/// # Errors
/// When the database fails.
pub fn gyms(conn: &mut ReadConn<'_>, gym: StoktId) -> Result<Vec<ImportGym>, StoreError> {
    let rows: Vec<GymColumns> = on_backend!(conn, |c| g_::table
        .filter(g_::stokt_id.eq(Id(gym.0)))
        .select((g_::id, g_::stokt_id, g_::display_name, g_::location, g_::description))
        .load(c))?;
    gyms_of(conn, rows)
}

type GymColumns = (Id, Option<Id>, String, Option<String>, Option<String>);

fn gyms_of(conn: &mut ReadConn<'_>, rows: Vec<GymColumns>) -> Result<Vec<ImportGym>, StoreError> {
    let mut extras = Extras::load(conn, EntityKind::Gym, texts(rows.iter().map(|row| &row.1)))?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, stokt_id, display_name, location, description)| {
            let extra = extras.take(&id.0.to_string());
            Some(ImportGym { stokt_id: stokt(stokt_id?), display_name, location, description, extra })
        })
        .collect())
}

/// The gym's walls.
///
/// # Errors
/// When the database fails.
pub fn walls(conn: &mut ReadConn<'_>, gym: StoktId) -> Result<Vec<ImportWall>, StoreError> {
    type Columns = (Id, Option<Id>, String, bool, bool, Value);
    let rows: Vec<Columns> = on_backend!(conn, |c| w_::table
        .inner_join(g_::table.on(g_::id.eq(w_::gym_id)))
        .filter(g_::stokt_id.eq(Id(gym.0)))
        .filter(w_::stokt_id.is_not_null())
        .order(w_::stokt_id.asc())
        .select((w_::id, w_::stokt_id, w_::name, w_::is_angle_adjustable, w_::is_active, w_::feet_rules))
        .load(c))?;
    let mut extras = Extras::load(conn, EntityKind::Wall, texts(rows.iter().map(|row| &row.1)))?;
    let mut walls = Vec::with_capacity(rows.len());
    for (id, stokt_id, name, is_angle_adjustable, is_active, feet_rules) in rows {
        let Some(stokt_id) = stokt_id else { continue };
        walls.push(ImportWall {
            stokt_id: stokt(stokt_id),
            gym_stokt_id: gym,
            name,
            is_angle_adjustable,
            is_active,
            feet_rules: read::<Vec<FeetRuleOption>>("feet_rules", feet_rules)?,
            extra: extras.take(&id.0.to_string()),
        });
    }
    Ok(walls)
}

#[derive(Queryable)]
struct FaceRow {
    id: Id,
    stokt_id: Option<Id>,
    gym_stokt_id: Option<Id>,
    wall_stokt_id: Option<Id>,
    is_active: bool,
    feet_rules_options: Value,
    has_symmetry: bool,
    picture: (Option<String>, Option<i32>, Option<i32>),
    small: (Option<String>, Option<i32>, Option<i32>),
}

fn picture((path, width, height): (Option<String>, Option<i32>, Option<i32>)) -> Option<PictureRef> {
    let pixels = |size: Option<i32>| size.and_then(|size| u32::try_from(size).ok()).unwrap_or(0);
    path.map(|path| PictureRef { path, width: pixels(width), height: pixels(height) })
}

/// The gym's faces, with the pictures of their newest versions.
///
/// # Errors
/// When the database fails.
pub fn faces(conn: &mut ReadConn<'_>, gym: StoktId) -> Result<Vec<ImportFace>, StoreError> {
    let rows = face_rows!(conn, g_::stokt_id.eq(Id(gym.0)));
    faces_of(conn, rows)
}

fn faces_of(conn: &mut ReadConn<'_>, rows: Vec<FaceRow>) -> Result<Vec<ImportFace>, StoreError> {
    let mut extras = Extras::load(conn, EntityKind::Face, texts(rows.iter().map(|row| &row.stokt_id)))?;
    let mut faces = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while let Some(row) = rows.next() {
        let is_newest = rows.peek().is_none_or(|next| next.id != row.id);
        let (true, Some(stokt_id), Some(gym)) = (is_newest, row.stokt_id, row.gym_stokt_id) else { continue };
        faces.push(ImportFace {
            stokt_id: stokt(stokt_id),
            gym_stokt_id: stokt(gym),
            wall_stokt_id: row.wall_stokt_id.map(stokt),
            is_active: row.is_active,
            picture: picture(row.picture),
            small_picture: picture(row.small),
            feet_rules_options: read("feet_rules_options", row.feet_rules_options)?,
            has_symmetry: row.has_symmetry,
            extra: extras.take(&row.id.0.to_string()),
        });
    }
    Ok(faces)
}

#[derive(Queryable)]
struct HoldRow {
    stokt_id: Option<i64>,
    face_stokt_id: Option<Id>,
    centroid: (f64, f64),
    area: String,
    polygon_str: String,
    touch_polygon_str: String,
    path_str: String,
    centroid_str: String,
    top_polygon_str: String,
    center_tape_str: String,
    left_tape_str: String,
    right_tape_str: String,
}

/// The holds of the gym's faces, with the geometry of the newest version that has any.
///
/// # Errors
/// When the database fails.
pub fn holds(conn: &mut ReadConn<'_>, gym: StoktId) -> Result<Vec<ImportHold>, StoreError> {
    let rows = hold_rows!(conn, g_::stokt_id.eq(Id(gym.0)));
    holds_of(conn, rows)
}

fn holds_of(conn: &mut ReadConn<'_>, rows: Vec<HoldRow>) -> Result<Vec<ImportHold>, StoreError> {
    let ids = rows.iter().filter_map(|row| row.stokt_id).map(|id| id.to_string()).collect();
    let mut extras = Extras::load(conn, EntityKind::Hold, ids)?;
    let mut holds = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter().peekable();
    while let Some(row) = rows.next() {
        let is_newest = rows.peek().is_none_or(|next| next.stokt_id != row.stokt_id);
        let stokt_id = row.stokt_id.and_then(StoktHoldId::new);
        let (true, Some(stokt_id), Some(face)) = (is_newest, stokt_id, row.face_stokt_id) else { continue };
        holds.push(ImportHold {
            stokt_id,
            face_stokt_id: stokt(face),
            centroid_x: row.centroid.0,
            centroid_y: row.centroid.1,
            shape: HoldShape {
                area: row.area,
                polygon_str: row.polygon_str,
                touch_polygon_str: row.touch_polygon_str,
                path_str: row.path_str,
                centroid_str: row.centroid_str,
                top_polygon_str: row.top_polygon_str,
                center_tape_str: row.center_tape_str,
                left_tape_str: row.left_tape_str,
                right_tape_str: row.right_tape_str,
            },
            extra: extras.take(&stokt_id.to_string()),
        });
    }
    Ok(holds)
}

/// Everybody known to Stokt: people belong to no gym.
///
/// # Errors
/// When the database fails.
pub fn users(conn: &mut ReadConn<'_>) -> Result<Vec<ImportUser>, StoreError> {
    let rows: Vec<UserColumns> = on_backend!(conn, |c| u_::table
        .filter(u_::stokt_id.is_not_null())
        .order(u_::stokt_id.asc())
        .select((u_::id, u_::stokt_id, u_::full_name, u_::avatar_path))
        .load(c))?;
    people(conn, rows)
}

/// The setters of the climbs that an unfinished run's listing has shown so far: a run that goes on takes them as they
/// are, as it would have without the stop. The number of statements grows with the listing.
///
/// # Errors
/// When the database fails.
pub fn users_seen(conn: &mut ReadConn<'_>, run: RunId) -> Result<Vec<ImportUser>, StoreError> {
    let seen: Vec<String> = on_backend!(conn, |c| sync_seen::table
        .filter(sync_seen::run_id.eq(Id(run.0)))
        .select(sync_seen::stokt_id)
        .load(c))?;
    let seen: Vec<Id> = seen.iter().filter_map(|text| text.parse().ok()).map(Id).collect();
    let mut setters: HashSet<Id> = HashSet::new();
    for ids in keys(&seen) {
        let some: Vec<Option<Id>> = on_backend!(conn, |c| c_::table
            .filter(c_::stokt_id.eq_any(ids))
            .select(c_::setter_id)
            .distinct()
            .load(c))?;
        setters.extend(some.into_iter().flatten());
    }
    let setters: Vec<Id> = setters.into_iter().collect();
    let mut rows: Vec<UserColumns> = Vec::with_capacity(setters.len());
    for ids in keys(&setters) {
        let some: Vec<UserColumns> = on_backend!(conn, |c| u_::table
            .filter(u_::id.eq_any(ids))
            .select((u_::id, u_::stokt_id, u_::full_name, u_::avatar_path))
            .load(c))?;
        rows.extend(some);
    }
    rows.sort_by_key(|row| row.1.map(|id| id.0));
    people(conn, rows)
}

type UserColumns = (Id, Option<Id>, String, Option<String>);

fn people(conn: &mut ReadConn<'_>, rows: Vec<UserColumns>) -> Result<Vec<ImportUser>, StoreError> {
    let mut extras = Extras::load(conn, EntityKind::User, texts(rows.iter().map(|row| &row.1)))?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, stokt_id, full_name, avatar_path)| {
            let extra = extras.take(&id.0.to_string());
            Some(ImportUser { stokt_id: stokt(stokt_id?), full_name, avatar_path, extra })
        })
        .collect())
}

/// The climbs of the gym's faces, with what Stokt said of them for `account`.
///
/// # Errors
/// When the database fails.
pub fn climbs(
    conn: &mut ReadConn<'_>,
    gym: StoktId,
    account: Option<StoktId>,
) -> Result<Vec<ImportClimb>, StoreError> {
    let rows = climb_rows!(conn, g_::stokt_id.eq(Id(gym.0)));
    climbs_of(conn, rows, account)
}
