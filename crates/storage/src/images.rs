//! Finding the verified picture behind a path or a hash.

#[cfg(test)]
mod tests;

use diesel::RunQueryDsl as _;
use diesel::deserialize::Queryable;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};

use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::import::pictures::VerifiedImage;

type ImageColumns = (Text, Text, Integer, Integer, BigInt, Nullable<Integer>, Nullable<Integer>);

#[derive(Queryable)]
struct ImageRow {
    sha256: String,
    media_type: String,
    width: i32,
    height: i32,
    size_bytes: i64,
    small_width: Option<i32>,
    small_height: Option<i32>,
}

/// A picture that can be served: its file here is verified and named by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedImage {
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Such as `image/jpeg`.
    pub media_type: String,
    /// Width of the file in pixels.
    pub width: u32,
    /// Height of the file in pixels.
    pub height: u32,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// Width and height in pixels in which it is wanted, where the path named a face's small picture.
    pub small: Option<(u32, u32)>,
}

impl From<ImageRow> for ServedImage {
    fn from(row: ImageRow) -> Self {
        let pixels = |number: i32| u32::try_from(number).unwrap_or(0);
        Self {
            sha256: row.sha256,
            media_type: row.media_type,
            width: pixels(row.width),
            height: pixels(row.height),
            size_bytes: u64::try_from(row.size_bytes).unwrap_or(0),
            small: row
                .small_width
                .zip(row.small_height)
                .map(|(width, height)| (pixels(width), pixels(height))),
        }
    }
}

fn first(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Option<ServedImage>, StoreError> {
    let statement = sql.selecting::<ImageColumns>();
    let row: Vec<ImageRow> = on_backend!(conn, |c| statement.load(c))?;
    Ok(row.into_iter().next().map(ServedImage::from))
}

/// The picture of a face, its small picture or an avatar, by the path that its owner names it by; of several, the
/// one that was named last.
///
/// # Errors
/// When the database fails.
pub fn by_path(conn: &mut ReadConn<'_>, path: &str) -> Result<Option<ServedImage>, StoreError> {
    if path.contains('\0') {
        return Ok(None);
    }
    let mut sql = Fragment::new(
        "SELECT i.sha256, i.media_type, i.width, i.height, i.size_bytes, n.small_width, n.small_height FROM (\
         SELECT picture_sha256 AS sha256, CAST(NULL AS INTEGER) AS small_width, CAST(NULL AS INTEGER) AS small_height, \
         0 AS kind, created_at AS named_at FROM face_versions WHERE picture_path = ",
    );
    sql.text(path);
    sql.sql(
        " UNION ALL SELECT picture_sha256, small_width, small_height, 1, created_at FROM face_versions \
         WHERE small_path = ",
    );
    sql.text(path);
    sql.sql(
        " UNION ALL SELECT avatar_sha256, CAST(NULL AS INTEGER), CAST(NULL AS INTEGER), 2, updated_at FROM users \
         WHERE avatar_path = ",
    );
    sql.text(path);
    sql.sql(") n JOIN images i ON i.sha256 = n.sha256 ORDER BY n.kind, n.named_at DESC, i.sha256 LIMIT 1");
    first(conn, sql)
}

/// A picture by its hash in lower-case hex.
///
/// # Errors
/// When the database fails.
pub fn by_sha(conn: &mut ReadConn<'_>, sha256: &str) -> Result<Option<ServedImage>, StoreError> {
    if sha256.contains('\0') {
        return Ok(None);
    }
    let mut sql = Fragment::new(
        "SELECT sha256, media_type, width, height, size_bytes, CAST(NULL AS INTEGER), CAST(NULL AS INTEGER) \
         FROM images WHERE sha256 = ",
    );
    sql.text(sha256);
    first(conn, sql)
}

/// Forgets a picture that nobody shows any more. Answers whether that is so: its file can go then.
///
/// # Errors
/// When the database fails.
pub fn forget_unused(conn: &mut WriteConn<'_>, sha256: &str) -> Result<bool, StoreError> {
    let mut sql = Fragment::new("DELETE FROM images WHERE sha256 = ");
    sql.text(sha256).sql(
        " AND NOT EXISTS (SELECT 1 FROM users u WHERE u.avatar_sha256 = images.sha256) \
         AND NOT EXISTS (SELECT 1 FROM face_versions v WHERE v.picture_sha256 = images.sha256)",
    );
    let statement = sql.selecting::<()>();
    Ok(on_backend!(conn, |c| statement.execute(c))? > 0)
}

/// All pictures that have a verified copy, by hash.
///
/// # Errors
/// When the database fails.
pub fn all(conn: &mut ReadConn<'_>) -> Result<Vec<VerifiedImage>, StoreError> {
    let sql = Fragment::new(
        "SELECT sha256, media_type, width, height, size_bytes, CAST(NULL AS INTEGER), CAST(NULL AS INTEGER) \
         FROM images ORDER BY sha256",
    );
    let statement = sql.selecting::<ImageColumns>();
    let rows: Vec<ImageRow> = on_backend!(conn, |c| statement.load(c))?;
    let images = rows.into_iter().map(ServedImage::from).map(|image| VerifiedImage {
        sha256: image.sha256,
        media_type: image.media_type,
        width: image.width,
        height: image.height,
        size_bytes: image.size_bytes,
    });
    Ok(images.collect())
}
