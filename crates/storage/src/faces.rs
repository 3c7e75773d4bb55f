//! Reading faces: in lists with their counts, and whole with their holds.

use diesel::RunQueryDsl as _;
use diesel::deserialize::Queryable;
use diesel::sql_types::{BigInt, Bool, Integer, Json, Nullable, Text};
use mastoc_domain::board::{Face, Hold, PictureRef};
use mastoc_domain::{FaceId, GymId, StoktId, WallId};
use serde_json::Value;

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::holds;
use crate::sql::keys;
use crate::types::{DbUuid, Id};
use crate::visibility::Viewer;

type PictureColumns = (Nullable<Text>, Nullable<Integer>, Nullable<Integer>);
type FaceColumns = (
    DbUuid,
    Nullable<DbUuid>,
    DbUuid,
    Nullable<DbUuid>,
    Bool,
    Integer,
    PictureColumns,
    Nullable<Text>,
    PictureColumns,
    Json,
    Bool,
    BigInt,
    BigInt,
);

#[derive(Queryable)]
struct PictureRow {
    path: Option<String>,
    width: Option<i32>,
    height: Option<i32>,
}

impl PictureRow {
    fn picture(self) -> Option<PictureRef> {
        Some(PictureRef {
            path: self.path?,
            width: self.width.and_then(|width| u32::try_from(width).ok()).unwrap_or(0),
            height: self.height.and_then(|height| u32::try_from(height).ok()).unwrap_or(0),
        })
    }
}

#[derive(Queryable)]
struct FaceRow {
    id: Id,
    stokt_id: Option<Id>,
    gym_id: Id,
    wall_id: Option<Id>,
    is_active: bool,
    version: i32,
    picture: PictureRow,
    picture_sha256: Option<String>,
    small_picture: PictureRow,
    feet_rules_options: Value,
    has_symmetry: bool,
    holds_count: i64,
    climbs_count: i64,
}

impl TryFrom<FaceRow> for Face {
    type Error = StoreError;

    fn try_from(row: FaceRow) -> Result<Self, StoreError> {
        let feet_rules_options: Vec<String> = serde_json::from_value(row.feet_rules_options)
            .map_err(|error| StoreError::Internal(format!("feet rules of face {}: {error}", row.id.0)))?;
        Ok(Self {
            id: FaceId(row.id.0),
            stokt_id: row.stokt_id.map(|id| StoktId(id.0)),
            gym_id: GymId(row.gym_id.0),
            wall_id: row.wall_id.map(|id| WallId(id.0)),
            is_active: row.is_active,
            version: row.version,
            picture: row.picture.picture(),
            picture_sha256: row.picture_sha256,
            small_picture: row.small_picture.picture(),
            feet_rules_options,
            has_symmetry: row.has_symmetry,
            holds_count: row.holds_count,
            climbs_count: row.climbs_count,
        })
    }
}

/// A face with everything that drawing its climbs needs.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceSetup {
    /// The face in its current version.
    pub face: Face,
    /// The holds of that version, by id.
    pub holds: Vec<Hold>,
}

/// `SELECT` of faces `f` in their current versions, with their counts for `viewer`, up to the place of `WHERE`.
fn select(viewer: Viewer) -> Fragment {
    select_version(viewer, None)
}

/// The same in one version, which not every face has.
fn select_version(viewer: Viewer, version: Option<i32>) -> Fragment {
    let mut sql = Fragment::new(
        "SELECT f.id, f.stokt_id, f.gym_id, f.wall_id, f.is_active, coalesce(v.version, f.current_version), \
         v.picture_path, v.picture_width, v.picture_height, v.picture_sha256, \
         v.small_path, v.small_width, v.small_height, f.feet_rules_options, f.has_symmetry, \
         (SELECT count(*) FROM hold_shapes s WHERE s.face_id = f.id AND s.version = coalesce(v.version, f.current_version)), ",
    );
    let mut on_it = Fragment::default();
    on_it.sql("c.face_id = f.id");
    viewer.count_seen(&mut sql, "c", &on_it);
    sql.sql(" FROM faces f ");
    match version {
        None => sql.sql("LEFT JOIN face_versions v ON v.face_id = f.id AND v.version = f.current_version"),
        Some(version) => sql.sql("JOIN face_versions v ON v.face_id = f.id AND v.version = ").int(version),
    };
    sql
}

fn load(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<Face>, StoreError> {
    let statement = sql.selecting::<FaceColumns>();
    let rows: Vec<FaceRow> = on_backend!(conn, |c| statement.load(c))?;
    rows.into_iter().map(Face::try_from).collect()
}

/// The faces of a gym, or of all gyms, in the order of their ids, which is the order in which they came here.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut ReadConn<'_>, viewer: Viewer, gym: Option<GymId>) -> Result<Vec<Face>, StoreError> {
    let mut sql = select(viewer);
    if let Some(gym) = gym {
        sql.sql(" WHERE f.gym_id = ").id(gym.0);
    }
    sql.sql(" ORDER BY f.id");
    load(conn, sql)
}

/// One face.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, viewer: Viewer, id: FaceId) -> Result<Option<Face>, StoreError> {
    let mut sql = select(viewer);
    sql.sql(" WHERE f.id = ").id(id.0);
    Ok(load(conn, sql)?.pop())
}

/// One face by Stokt's id.
///
/// # Errors
/// When the database fails.
pub fn by_stokt_id(conn: &mut ReadConn<'_>, viewer: Viewer, id: StoktId) -> Result<Option<Face>, StoreError> {
    let mut sql = select(viewer);
    sql.sql(" WHERE f.stokt_id = ").id(id.0);
    Ok(load(conn, sql)?.pop())
}

/// Those of the faces that exist, in the order of their ids.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut ReadConn<'_>, viewer: Viewer, ids: &[FaceId]) -> Result<Vec<Face>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&Id::sorted(ids.iter().map(|id| id.0))) {
        let mut sql = select(viewer);
        sql.sql(" WHERE f.id IN ").list(ids, |sql, id| {
            sql.id(id.0);
        });
        sql.sql(" ORDER BY f.id").one_off();
        found.extend(load(conn, sql)?);
    }
    Ok(found)
}

/// A face with its holds; `None` when there is no such face. Call it in a [`Store::snapshot`](crate::Store::snapshot),
/// so that picture and holds are of the same version even while an import runs.
///
/// # Errors
/// When the database fails.
pub fn setup(conn: &mut ReadConn<'_>, viewer: Viewer, id: FaceId) -> Result<Option<FaceSetup>, StoreError> {
    let face = by_id(conn, viewer, id)?;
    with_holds(conn, face)
}

/// The same in one version, older than the shown one or not; `None` when the face has no such version.
///
/// # Errors
/// When the database fails.
pub fn setup_of_version(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    id: FaceId,
    version: i32,
) -> Result<Option<FaceSetup>, StoreError> {
    let mut sql = select_version(viewer, Some(version));
    sql.sql(" WHERE f.id = ").id(id.0);
    let face = load(conn, sql)?.pop();
    with_holds(conn, face)
}

/// The same by Stokt's id.
///
/// # Errors
/// When the database fails.
pub fn setup_by_stokt_id(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    id: StoktId,
) -> Result<Option<FaceSetup>, StoreError> {
    let face = by_stokt_id(conn, viewer, id)?;
    with_holds(conn, face)
}

fn with_holds(conn: &mut ReadConn<'_>, face: Option<Face>) -> Result<Option<FaceSetup>, StoreError> {
    let Some(face) = face else { return Ok(None) };
    let holds = holds::of_version(conn, face.id, face.version)?;
    Ok(Some(FaceSetup { face, holds }))
}
