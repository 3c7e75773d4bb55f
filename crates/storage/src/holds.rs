//! Reading holds, each with its geometry in the current version of its face.

use diesel::RunQueryDsl as _;
use diesel::deserialize::Queryable;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use mastoc_domain::board::{Hold, HoldShape};
use mastoc_domain::{FaceId, HoldId, StoktHoldId};

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::sql::keys;
use crate::types::{DbUuid, Id};

type ShapeColumns = (Text, Text, Text, Text, Text, Text, Text, Text, Text);
type HoldColumns = (BigInt, Nullable<BigInt>, DbUuid, Double, Double, Bool, ShapeColumns);

#[derive(Queryable)]
struct ShapeRow {
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

#[derive(Queryable)]
struct HoldRow {
    id: i64,
    stokt_id: Option<i64>,
    face_id: Id,
    centroid_x: f64,
    centroid_y: f64,
    is_retired: bool,
    shape: ShapeRow,
}

impl From<HoldRow> for Hold {
    fn from(row: HoldRow) -> Self {
        Self {
            id: HoldId(row.id),
            stokt_id: row.stokt_id.and_then(StoktHoldId::new),
            face_id: FaceId(row.face_id.0),
            centroid_x: row.centroid_x,
            centroid_y: row.centroid_y,
            is_retired: row.is_retired,
            shape: HoldShape {
                area: row.shape.area,
                polygon_str: row.shape.polygon_str,
                touch_polygon_str: row.shape.touch_polygon_str,
                path_str: row.shape.path_str,
                centroid_str: row.shape.centroid_str,
                top_polygon_str: row.shape.top_polygon_str,
                center_tape_str: row.shape.center_tape_str,
                left_tape_str: row.shape.left_tape_str,
                right_tape_str: row.shape.right_tape_str,
            },
        }
    }
}

const COLUMNS: &str = "SELECT h.id, h.stokt_id, h.face_id, s.centroid_x, s.centroid_y, \
     h.retired_at IS NOT NULL, s.area, s.polygon_str, \
     s.touch_polygon_str, s.path_str, s.centroid_str, s.top_polygon_str, s.center_tape_str, s.left_tape_str, \
     s.right_tape_str";
const CURRENT: &str = " FROM holds h JOIN faces f ON f.id = h.face_id \
     JOIN hold_shapes s ON s.face_id = f.id AND s.version = f.current_version AND s.hold_id = h.id WHERE ";

fn load(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<Hold>, StoreError> {
    let statement = sql.selecting::<HoldColumns>();
    let rows: Vec<HoldRow> = on_backend!(conn, |c| statement.load(c))?;
    Ok(rows.into_iter().map(Hold::from).collect())
}

/// The holds of one version of a face, by id.
pub(crate) fn of_version(
    conn: &mut ReadConn<'_>,
    face: FaceId,
    version: i32,
) -> Result<Vec<Hold>, StoreError> {
    let mut sql = Fragment::new(COLUMNS);
    sql.sql(" FROM hold_shapes s JOIN holds h ON h.id = s.hold_id WHERE s.face_id = ").id(face.0);
    sql.sql(" AND s.version = ").int(version).sql(" ORDER BY s.hold_id");
    load(conn, sql)
}

/// The holds of a face's current version, by id; empty when there is no such face.
///
/// # Errors
/// When the database fails.
pub fn by_face(conn: &mut ReadConn<'_>, face: FaceId) -> Result<Vec<Hold>, StoreError> {
    let mut sql = Fragment::new(COLUMNS);
    sql.sql(" FROM faces f JOIN hold_shapes s ON s.face_id = f.id AND s.version = f.current_version ");
    sql.sql("JOIN holds h ON h.id = s.hold_id WHERE f.id = ").id(face.0).sql(" ORDER BY s.hold_id");
    load(conn, sql)
}

/// One hold; `None` when there is none in the current version of any face.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, id: HoldId) -> Result<Option<Hold>, StoreError> {
    let mut sql = Fragment::new(COLUMNS);
    sql.sql(CURRENT).sql("h.id = ").big(id.0);
    Ok(load(conn, sql)?.pop())
}

/// One hold by Stokt's id.
///
/// # Errors
/// When the database fails.
pub fn by_stokt_id(conn: &mut ReadConn<'_>, id: StoktHoldId) -> Result<Option<Hold>, StoreError> {
    let mut sql = Fragment::new(COLUMNS);
    sql.sql(CURRENT).sql("h.stokt_id = ").big(id.get());
    Ok(load(conn, sql)?.pop())
}

/// Those of the holds that are in the current versions of their faces, in the order of their ids.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut ReadConn<'_>, ids: &[HoldId]) -> Result<Vec<Hold>, StoreError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&ids) {
        let mut sql = Fragment::new(COLUMNS);
        sql.sql(CURRENT).sql("h.id IN ").list(ids, |sql, id| {
            sql.big(id.0);
        });
        sql.sql(" ORDER BY h.id").one_off();
        found.extend(load(conn, sql)?);
    }
    Ok(found)
}
