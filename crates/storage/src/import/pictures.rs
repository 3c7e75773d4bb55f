//! Which pictures an import still needs, and attaching them once their copies are verified.

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::StoktId;
use mastoc_domain::change::ChangeKind;
use mastoc_domain::sync_state::{EntityKind, Source};
use uuid::Uuid;

use super::{ImportContext, echoes};
use crate::changes::PendingChange;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::{face_versions, faces, gyms, hold_shapes, images, users};
use crate::sql::keys;
use crate::types::{Id, Time};

/// Whose picture it is, by Stokt's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureOwner {
    /// The wall picture of a face.
    Face(StoktId),
    /// The avatar of a person.
    Avatar(StoktId),
}

/// A picture of which there is no verified copy yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPicture {
    /// Whose it is.
    pub owner: PictureOwner,
    /// Its path at Stokt, and here.
    pub path: String,
    /// Its width in pixels, where Stokt told.
    pub width: Option<u32>,
    /// Its height in pixels, where Stokt told.
    pub height: Option<u32>,
}

/// A picture whose bytes were decoded, measured and hashed, and which is safely on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedImage {
    /// SHA-256 of the file, as lower-case hex.
    pub sha256: String,
    /// `image/jpeg`, `image/png` or `image/webp`, found from the bytes.
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Size of the file in bytes.
    pub size_bytes: u64,
}

/// A picture that somebody has, and what is known of its copy here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPicture {
    /// Whose it is, and where.
    pub picture: WantedPicture,
    /// The verified copy. Whether its file is still there, only the folder of pictures knows.
    pub copy: Option<VerifiedImage>,
}

#[derive(Insertable)]
#[diesel(table_name = images, treat_none_as_default_value = false)]
struct ImageRow<'a> {
    sha256: &'a str,
    media_type: &'a str,
    width: i32,
    height: i32,
    size_bytes: i64,
    verified_at: Time,
    created_at: Time,
}

type ImageColumns = (String, String, i32, i32, i64);
type FaceColumns = (Option<Id>, i32, Option<String>, Option<i32>, Option<i32>, Option<ImageColumns>);
type AvatarColumns = (Option<Id>, Option<String>, Option<ImageColumns>);

fn pixels(size: i32) -> Option<u32> {
    u32::try_from(size).ok()
}

fn copy(columns: ImageColumns) -> VerifiedImage {
    let (sha256, media_type, width, height, size_bytes) = columns;
    VerifiedImage {
        sha256,
        media_type,
        width: pixels(width).unwrap_or(0),
        height: pixels(height).unwrap_or(0),
        size_bytes: u64::try_from(size_bytes).unwrap_or(0),
    }
}

/// The pictures without a verified copy: those of the newest versions of these gyms' faces first, then avatars of
/// all people known to Stokt (a setter belongs to no gym).
///
/// # Errors
/// When the database fails.
pub fn wanted(conn: &mut ReadConn<'_>, gym_stokt_ids: &[StoktId]) -> Result<Vec<WantedPicture>, StoreError> {
    Ok(without_copy(listed(conn, gym_stokt_ids)?))
}

fn without_copy(listed: Vec<ListedPicture>) -> Vec<WantedPicture> {
    listed.into_iter().filter(|listed| listed.copy.is_none()).map(|listed| listed.picture).collect()
}

/// All pictures, those with a verified copy included, in the order of [`wanted`].
///
/// # Errors
/// When the database fails.
pub fn listed(conn: &mut ReadConn<'_>, gym_stokt_ids: &[StoktId]) -> Result<Vec<ListedPicture>, StoreError> {
    let mut listed = listed_faces(conn, gym_stokt_ids)?;
    let rows: Vec<AvatarColumns> = on_backend!(conn, |c| users::table
        .left_join(images::table.on(images::sha256.nullable().eq(users::avatar_sha256)))
        .filter(users::stokt_id.is_not_null())
        .filter(users::avatar_path.is_not_null())
        // A picture that an account here took for itself is not Stokt's.
        .filter(users::source.eq(Source::Stokt.as_str()).or(users::avatar_sha256.is_null()))
        .order(users::id.asc())
        .select((
            users::stokt_id,
            users::avatar_path,
            (images::sha256, images::media_type, images::width, images::height, images::size_bytes)
                .nullable(),
        ))
        .load(c))?;
    listed.extend(rows.into_iter().filter_map(|(stokt_id, path, image)| {
        let owner = PictureOwner::Avatar(StoktId(stokt_id?.0));
        let picture = WantedPicture { owner, path: path?, width: None, height: None };
        Some(ListedPicture { picture, copy: image.map(copy) })
    }));
    Ok(listed)
}

fn listed_faces(
    conn: &mut ReadConn<'_>,
    gym_stokt_ids: &[StoktId],
) -> Result<Vec<ListedPicture>, StoreError> {
    let ids = Id::all(gym_stokt_ids.iter().map(|id| id.0));
    let mut listed = Vec::new();
    for ids in keys(&ids) {
        let rows: Vec<FaceColumns> = on_backend!(conn, |c| face_versions::table
            .inner_join(faces::table.on(faces::id.eq(face_versions::face_id)))
            .inner_join(gyms::table.on(gyms::id.eq(faces::gym_id)))
            .left_join(images::table.on(images::sha256.nullable().eq(face_versions::picture_sha256)))
            .filter(gyms::stokt_id.eq_any(ids))
            .filter(faces::stokt_id.is_not_null())
            .order((faces::id.asc(), face_versions::version.asc()))
            .select((
                faces::stokt_id,
                face_versions::version,
                face_versions::picture_path,
                face_versions::picture_width,
                face_versions::picture_height,
                (images::sha256, images::media_type, images::width, images::height, images::size_bytes)
                    .nullable(),
            ))
            .load(c))?;
        // In order of versions: of each face the last row is the newest version.
        let mut rows = rows.into_iter().peekable();
        while let Some((stokt_id, _, path, width, height, image)) = rows.next() {
            let is_newest = rows.peek().is_none_or(|(next, ..)| *next != stokt_id);
            if let (true, Some(stokt_id), Some(path)) = (is_newest, stokt_id, path) {
                let owner = PictureOwner::Face(StoktId(stokt_id.0));
                let (width, height) = (width.and_then(pixels), height.and_then(pixels));
                let picture = WantedPicture { owner, path, width, height };
                listed.push(ListedPicture { picture, copy: image.map(copy) });
            }
        }
    }
    Ok(listed)
}

/// Whether every face of these gyms that has a picture has a verified copy of it: without that no import is complete.
///
/// # Errors
/// When the database fails.
pub fn complete(conn: &mut ReadConn<'_>, gym_stokt_ids: &[StoktId]) -> Result<bool, StoreError> {
    Ok(without_copy(listed_faces(conn, gym_stokt_ids)?).is_empty())
}

/// Attaches a verified picture to whoever wants it under this path; for a face this may bring its newest version
/// to be shown. Attaching the same picture again changes nothing.
///
/// # Errors
/// [`StoreError::NotFound`] when the owner does not exist or has no picture under this path (any more),
/// [`StoreError::Invalid`] for sizes no picture has, [`StoreError::Fenced`] when another run has taken over.
pub fn attach(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    owner: PictureOwner,
    path: &str,
    image: &VerifiedImage,
) -> Result<(), StoreError> {
    if ctx.dry.is_some() {
        return Ok(());
    }
    ctx.check_fence(conn)?;
    save_image(conn, image)?;
    match owner {
        PictureOwner::Face(stokt_id) => attach_face(conn, stokt_id, path, image),
        PictureOwner::Avatar(stokt_id) => attach_avatar(conn, stokt_id, path, image),
    }
}

pub(crate) fn save_image(conn: &mut WriteConn<'_>, image: &VerifiedImage) -> Result<(), StoreError> {
    let odd = || StoreError::Invalid("the picture's size fits no picture".into());
    let now = Time(conn.now());
    let row = ImageRow {
        sha256: &image.sha256,
        media_type: &image.media_type,
        width: i32::try_from(image.width).map_err(|_| odd())?,
        height: i32::try_from(image.height).map_err(|_| odd())?,
        size_bytes: i64::try_from(image.size_bytes).map_err(|_| odd())?,
        verified_at: now,
        created_at: now,
    };
    on_backend!(conn, |c| diesel::insert_into(images::table)
        .values(&row)
        .on_conflict(images::sha256)
        .do_update()
        .set(images::verified_at.eq(excluded(images::verified_at)))
        .execute(c))?;
    Ok(())
}

fn attach_face(
    conn: &mut WriteConn<'_>,
    stokt_id: StoktId,
    path: &str,
    image: &VerifiedImage,
) -> Result<(), StoreError> {
    let face: Option<Id> = on_backend!(conn, |c| faces::table
        .filter(faces::stokt_id.eq(Id(stokt_id.0)))
        .select(faces::id)
        .first(c)
        .optional())?;
    let face = face.ok_or(StoreError::NotFound)?;
    let newest: Option<(i32, Option<String>)> = on_backend!(conn, |c| face_versions::table
        .filter(face_versions::face_id.eq(face))
        .filter(face_versions::picture_path.eq(path))
        .order(face_versions::version.desc())
        .select((face_versions::version, face_versions::picture_sha256))
        .first(c)
        .optional())?;
    let (version, attached) = newest.ok_or(StoreError::NotFound)?;
    if attached.as_deref() == Some(image.sha256.as_str()) {
        return Ok(());
    }
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(face_versions::table.find((face, version)))
        .set(face_versions::picture_sha256.eq(Some(&image.sha256)))
        .execute(c))?;
    on_backend!(conn, |c| diesel::update(faces::table.find(face)).set(faces::updated_at.eq(now)).execute(c))?;
    show_ready_versions(conn, &[face.0])?;
    note(conn, EntityKind::Face, face.0);
    Ok(())
}

fn attach_avatar(
    conn: &mut WriteConn<'_>,
    stokt_id: StoktId,
    path: &str,
    image: &VerifiedImage,
) -> Result<(), StoreError> {
    let user: Option<(Id, Option<String>)> = on_backend!(conn, |c| users::table
        .filter(users::stokt_id.eq(Id(stokt_id.0)))
        .filter(users::avatar_path.eq(path))
        .select((users::id, users::avatar_sha256))
        .first(c)
        .optional())?;
    let (user, attached) = user.ok_or(StoreError::NotFound)?;
    if attached.as_deref() == Some(image.sha256.as_str()) {
        return Ok(());
    }
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(users::table.find(user))
        .set((users::avatar_sha256.eq(Some(&image.sha256)), users::updated_at.eq(now)))
        .execute(c))?;
    note(conn, EntityKind::User, user.0);
    Ok(())
}

fn note(conn: &mut WriteConn<'_>, entity: EntityKind, id: Uuid) {
    let id = id.to_string();
    conn.note(PendingChange {
        entity: entity.into(),
        id,
        kind: ChangeKind::Updated,
        is_public: true,
        owner: None,
    });
}

/// Shows the newest version of each of these faces where it is ready: its picture is verified, and it has holds, or
/// the version shown now has none either.
pub(super) fn show_ready_versions(conn: &mut WriteConn<'_>, face_ids: &[Uuid]) -> Result<(), StoreError> {
    if face_ids.is_empty() {
        return Ok(());
    }
    let ids = Id::all(face_ids.iter().copied());
    // Face, the version shown until now, and the one to be shown.
    let mut ready: Vec<(Id, i32, i32)> = Vec::new();
    for ids in keys(&ids) {
        let rows: Vec<(Id, i32, i32, Option<String>)> = on_backend!(conn, |c| faces::table
            .inner_join(face_versions::table.on(face_versions::face_id.eq(faces::id)))
            .filter(faces::id.eq_any(ids))
            .order((faces::id.asc(), face_versions::version.asc()))
            .select((
                faces::id,
                faces::current_version,
                face_versions::version,
                face_versions::picture_sha256
            ))
            .load(c))?;
        let with_holds: Vec<(Id, i32)> = on_backend!(conn, |c| hold_shapes::table
            .filter(hold_shapes::face_id.eq_any(ids))
            .select((hold_shapes::face_id, hold_shapes::version))
            .distinct()
            .load(c))?;
        let mut rows = rows.into_iter().peekable();
        while let Some((face, current, version, sha256)) = rows.next() {
            let is_newest = rows.peek().is_none_or(|(next, ..)| *next != face);
            let has_holds = with_holds.contains(&(face, version)) || !with_holds.contains(&(face, current));
            if is_newest && version > current && sha256.is_some() && has_holds {
                ready.push((face, current, version));
            }
        }
    }
    let now = Time(conn.now());
    // A face gets a new picture once in months: one statement for each that is ready is no loop over data.
    for (face, shown, version) in ready {
        on_backend!(conn, |c| diesel::update(faces::table.find(face))
            .set((faces::current_version.eq(version), faces::updated_at.eq(now)))
            .execute(c))?;
        note(conn, EntityKind::Face, face.0);
        echoes::note_holds_of(conn, face, shown, version)?;
    }
    Ok(())
}
