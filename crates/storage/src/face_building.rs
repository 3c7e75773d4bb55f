//! Pictures, versions and holds of faces that are made here.
//!
//! Hold geometry is in pixels of one picture. So a new picture of a face that has holds or climbs is a new version
//! beside the old one, to which the holds' shapes are copied; climbs keep the version that they were set on.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use mastoc_domain::board::PictureRef;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::geometry::{DrawnHold, Point, Polygon};
use mastoc_domain::sync_state::Source;
use mastoc_domain::{FaceId, HoldId, Timestamp};

use crate::boards::note;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::hold_rows::{HoldRow, ShapeRow};
use crate::import::echoes;
use crate::import::pictures::{VerifiedImage, save_image};
use crate::schema::{face_versions as v, faces, hold_shapes as s, holds};
use crate::sql::chunks;
use crate::types::{DbTime, Id, Time};
use crate::visibility::Viewer;

/// The width of the smaller rendering of a picture, in pixels.
const SMALL_WIDTH: i32 = 320;

fn shape_row(face: Id, version: i32, hold: i64, drawn: &DrawnHold) -> ShapeRow<'_> {
    ShapeRow::new((face, version), hold, (drawn.centroid.x(), drawn.centroid.y()), &drawn.shape)
}

/// The version of a face that is shown, and its picture's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The face.
    pub face: FaceId,
    /// Its current version.
    pub version: i32,
    /// Width and height in pixels; `None` without a picture.
    pub size: Option<(u32, u32)>,
}

fn pixels(size: (Option<i32>, Option<i32>)) -> Option<(u32, u32)> {
    Some((u32::try_from(size.0?).ok()?, u32::try_from(size.1?).ok()?))
}

/// Takes hold of a face until the transaction's end, so that its version stays what it is.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such face.
pub fn hold_still(conn: &mut WriteConn<'_>, face: FaceId) -> Result<Shown, StoreError> {
    let mut sql = Fragment::new("UPDATE faces SET updated_at = ");
    sql.time(conn.now()).sql(" WHERE id = ").id(face.0).sql(" RETURNING current_version");
    let statement = sql.selecting::<Integer>();
    let version: i32 =
        on_backend!(conn, |c| statement.load(c))?.into_iter().next().ok_or(StoreError::NotFound)?;
    let size: Option<(Option<i32>, Option<i32>)> = on_backend!(conn, |c| v::table
        .find((Id(face.0), version))
        .select((v::picture_width, v::picture_height))
        .first(c)
        .optional())?;
    Ok(Shown { face, version, size: size.and_then(pixels) })
}

/// The face that a hold is on.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such hold.
pub fn face_of(conn: &mut ReadConn<'_>, hold: HoldId) -> Result<FaceId, StoreError> {
    let face: Id = on_backend!(conn, |c| holds::table.find(hold.0).select(holds::face_id).first(c))?;
    Ok(FaceId(face.0))
}

/// Gives a face this picture. Where it has holds or climbs already, that is a new version, with the shapes of the
/// holds that are in use, moved along if the picture's size differs; the version is shown at once. Tells the version.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such face, [`StoreError::Invalid`] for sizes no picture has.
pub fn set_picture(conn: &mut WriteConn<'_>, face: FaceId, image: &VerifiedImage) -> Result<i32, StoreError> {
    let shown = hold_still(conn, face)?;
    let id = Id(face.0);
    let same: Option<i32> = on_backend!(conn, |c| v::table
        .find((id, shown.version))
        .filter(v::picture_sha256.eq(&image.sha256))
        .select(v::version)
        .first(c)
        .optional())?;
    if same.is_some() {
        return Ok(shown.version);
    }
    save_image(conn, image)?;
    let mut sql = Fragment::new("SELECT (SELECT count(*) FROM hold_shapes WHERE face_id = ");
    sql.id(face.0).sql(" AND version = ").int(shown.version);
    sql.sql(") + (SELECT count(*) FROM climbs WHERE face_id = ").id(face.0);
    sql.sql(" AND face_version = ")
        .int(shown.version)
        .sql("), (SELECT max(version) FROM face_versions WHERE face_id = ");
    sql.id(face.0).sql(")");
    let statement = sql.selecting::<(BigInt, Nullable<Integer>)>();
    let (used, newest): (i64, Option<i32>) = on_backend!(conn, |c| statement.get_result(c))?;
    let is_new = used > 0 && shown.size.is_some();
    let version = if is_new { newest.unwrap_or(shown.version).saturating_add(1) } else { shown.version };

    let odd = |_| StoreError::Invalid("the picture's size fits no picture".to_owned());
    let (width, height) =
        (i32::try_from(image.width).map_err(odd)?, i32::try_from(image.height).map_err(odd)?);
    let small_width = SMALL_WIDTH.min(width);
    let small_height = i64::from(height) * i64::from(small_width) / i64::from(width.max(1));
    // Made here of what cannot be chosen from outside; the hash keeps a replaced picture apart from the one before.
    let name = format!("boards/{face}/{version}-{}", image.sha256.get(..16).unwrap_or_default());
    let (path, small) = (format!("{name}.jpg"), format!("{name}-small.jpg"));
    let now = Time(conn.now());
    if is_new {
        on_backend!(conn, |c| diesel::insert_into(v::table)
            .values((v::face_id.eq(id), v::version.eq(version), v::created_at.eq(now)))
            .execute(c))?;
    }
    on_backend!(conn, |c| diesel::update(v::table.find((id, version)))
        .set((
            v::picture_path.eq(Some(&path)),
            v::picture_width.eq(Some(width)),
            v::picture_height.eq(Some(height)),
            v::small_path.eq(Some(&small)),
            v::small_width.eq(Some(small_width)),
            v::small_height.eq(Some(i32::try_from(small_height).unwrap_or(1).max(1))),
            v::picture_sha256.eq(Some(&image.sha256)),
        ))
        .execute(c))?;
    if is_new {
        copy_shapes(conn, shown, version, (image.width, image.height))?;
        on_backend!(conn, |c| diesel::update(faces::table.find(id))
            .set(faces::current_version.eq(version))
            .execute(c))?;
        echoes::note_holds_of(conn, id, shown.version, version)?;
    }
    note(conn, Changed::Face, face, ChangeKind::Updated);
    Ok(version)
}

/// Copies the shapes of holds in use from the shown version to another one, whose picture has this size. A hold so
/// small that a smaller picture leaves nothing of it is left behind.
fn copy_shapes(
    conn: &mut WriteConn<'_>,
    shown: Shown,
    version: i32,
    size: (u32, u32),
) -> Result<(), StoreError> {
    let id = Id(shown.face.0);
    let rows: Vec<(i64, String)> = on_backend!(conn, |c| s::table
        .inner_join(holds::table)
        .filter(s::face_id.eq(id))
        .filter(s::version.eq(shown.version))
        .filter(holds::retired_at.is_null())
        .order(s::hold_id.asc())
        .select((s::hold_id, s::polygon_str))
        .load(c))?;
    let (from, to) = (shown.size.unwrap_or(size), size);
    let scale = |from: u32, to: u32| f64::from(to) / f64::from(from.max(1));
    let (across, down) = (scale(from.0, to.0), scale(from.1, to.1));
    let mut drawn: Vec<(i64, DrawnHold)> = Vec::with_capacity(rows.len());
    for (hold, polygon) in rows {
        let Ok(polygon) = Polygon::parse(&polygon) else { continue };
        let moved: Result<Vec<Point>, _> =
            polygon.points().iter().map(|point| Point::new(point.x() * across, point.y() * down)).collect();
        if let Some(moved) = moved.ok().and_then(|points| DrawnHold::of(&points, to.0, to.1).ok()) {
            drawn.push((hold, moved));
        }
    }
    insert_shapes(conn, id, version, &drawn)
}

fn insert_shapes(
    conn: &mut WriteConn<'_>,
    face: Id,
    version: i32,
    drawn: &[(i64, DrawnHold)],
) -> Result<(), StoreError> {
    let rows: Vec<ShapeRow<'_>> =
        drawn.iter().map(|(hold, drawn)| shape_row(face, version, *hold, drawn)).collect();
    for rows in chunks(&rows, ShapeRow::COLUMNS) {
        on_backend!(conn, |c| diesel::insert_into(s::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// Puts holds on the shown version of a face, which is held still. Tells their numbers, in the order given; however
/// many are made at once, no number is given twice.
///
/// # Errors
/// When the database fails.
pub fn add_holds(
    conn: &mut WriteConn<'_>,
    shown: Shown,
    drawn: Vec<DrawnHold>,
) -> Result<Vec<HoldId>, StoreError> {
    let count = i64::try_from(drawn.len()).unwrap_or(i64::MAX);
    let mut sql = Fragment::new("UPDATE hold_numbers SET next_number = next_number + ");
    sql.big(count).sql(" WHERE id = 1 RETURNING next_number");
    let statement = sql.selecting::<BigInt>();
    let next: Vec<i64> = on_backend!(conn, |c| statement.load(c))?;
    let next = next.first().ok_or_else(|| StoreError::Internal("hold_numbers is empty".to_owned()))?;
    let numbered: Vec<(i64, DrawnHold)> = (next - count..*next).zip(drawn).collect();
    let (face, now) = (Id(shown.face.0), Time(conn.now()));
    let rows: Vec<HoldRow> =
        numbered.iter().map(|(id, _)| HoldRow::new(*id, None, face, Source::Mastoc, now)).collect();
    for rows in chunks(&rows, HoldRow::COLUMNS) {
        on_backend!(conn, |c| diesel::insert_into(holds::table).values(rows).execute(c))?;
    }
    insert_shapes(conn, face, shown.version, &numbered)?;
    for (id, _) in &numbered {
        note(conn, Changed::Hold, id, ChangeKind::Created);
    }
    echoes::note_faces(conn, [shown.face.0]);
    Ok(numbered.into_iter().map(|(id, _)| HoldId(id)).collect())
}

/// Draws a hold anew in the shown version of its face, which is held still. One that is not there yet is put there.
///
/// # Errors
/// When the database fails.
pub fn set_shape(
    conn: &mut WriteConn<'_>,
    shown: Shown,
    hold: HoldId,
    drawn: &DrawnHold,
) -> Result<(), StoreError> {
    let row = shape_row(Id(shown.face.0), shown.version, hold.0, drawn);
    let there =
        on_backend!(conn, |c| diesel::update(s::table.find((row.face_id, row.version, row.hold_id)))
            .set(&row)
            .execute(c))?;
    if there == 0 {
        on_backend!(conn, |c| diesel::insert_into(s::table).values(&row).execute(c))?;
        echoes::note_faces(conn, [shown.face.0]);
    }
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(holds::table.find(hold.0))
        .set(holds::updated_at.eq(now))
        .execute(c))?;
    let kind = if there == 0 { ChangeKind::Created } else { ChangeKind::Updated };
    note(conn, Changed::Hold, hold, kind);
    Ok(())
}

/// Takes a hold off the wall, or puts it back. Climbs that use it keep it.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such hold.
pub fn set_retired(conn: &mut WriteConn<'_>, hold: HoldId, is_retired: bool) -> Result<(), StoreError> {
    let before: Option<Time> =
        on_backend!(conn, |c| holds::table.find(hold.0).select(holds::retired_at).first(c))?;
    if before.is_some() == is_retired {
        return Ok(());
    }
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(holds::table.find(hold.0))
        .set((holds::retired_at.eq(is_retired.then_some(now)), holds::updated_at.eq(now)))
        .execute(c))?;
    note(conn, Changed::Hold, hold, ChangeKind::Updated);
    Ok(())
}

/// One version of a face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaceVersion {
    /// Its number, from 1.
    pub version: i32,
    /// Whether it is the one that is shown.
    pub is_current: bool,
    /// Its picture.
    pub picture: Option<PictureRef>,
    /// The SHA-256 of the picture once its copy here is verified.
    pub picture_sha256: Option<String>,
    /// How many holds it shows.
    pub holds_count: i64,
    /// How many climbs were set on it that the reader may see.
    pub climbs_count: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

type VersionColumns = (
    Integer,
    Integer,
    Nullable<Text>,
    Nullable<Integer>,
    Nullable<Integer>,
    Nullable<Text>,
    BigInt,
    BigInt,
    DbTime,
);
type VersionRow = (i32, i32, Option<String>, Option<i32>, Option<i32>, Option<String>, i64, i64, Time);

/// The versions of a face, the first one first; empty when there is no such face.
///
/// # Errors
/// When the database fails.
pub fn versions(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    face: FaceId,
) -> Result<Vec<FaceVersion>, StoreError> {
    let mut sql = Fragment::new(
        "SELECT v.version, f.current_version, v.picture_path, v.picture_width, v.picture_height, v.picture_sha256, \
         (SELECT count(*) FROM hold_shapes s WHERE s.face_id = v.face_id AND s.version = v.version), \
         (SELECT count(*) FROM climbs c WHERE c.face_id = v.face_id AND c.face_version = v.version AND ",
    );
    viewer.sees(&mut sql, "c");
    sql.sql("), v.created_at FROM face_versions v JOIN faces f ON f.id = v.face_id WHERE v.face_id = ");
    sql.id(face.0).sql(" ORDER BY v.version");
    let statement = sql.selecting::<VersionColumns>();
    let rows: Vec<VersionRow> = on_backend!(conn, |c| statement.load(c))?;
    let version = |row: VersionRow| {
        let (version, current, path, width, height, picture_sha256, holds_count, climbs_count, at) = row;
        let picture = path.zip(pixels((width, height)));
        FaceVersion {
            version,
            is_current: version == current,
            picture: picture.map(|(path, (width, height))| PictureRef { path, width, height }),
            picture_sha256,
            holds_count,
            climbs_count,
            created_at: at.0,
        }
    };
    Ok(rows.into_iter().map(version).collect())
}
