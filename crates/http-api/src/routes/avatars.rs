//! Avatars: taking one in, which is drawn anew so that nothing but its pixels is kept, showing and removing it.

use actix_multipart::Multipart;
use actix_web::error::PayloadError;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use mastoc_domain::UserId;
use mastoc_media::{ImageKind, ImageLimits, Sha256Hex, StoredImage, redraw};
use mastoc_storage::images::ServedImage;
use mastoc_storage::import::pictures::VerifiedImage;
use mastoc_storage::people;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::pictures;
use crate::auth::authorise;
use crate::blocking;
use crate::body;
use crate::dto;
use crate::dto::people::OwnAccountJson;
use crate::errors::{ApiError, Code, Problem};
use crate::policy::Action;
use crate::query::path;
use crate::state::State;
use crate::writing;

/// The largest picture that is sent, in bytes; phones make them so large.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// What a form adds to its file, in bytes.
const FORM_BYTES: u64 = 64 * 1024;
/// How many parts of a form are looked at.
const MOST_PARTS: usize = 16;
/// How wide and high an avatar is kept, in pixels, at most.
const SIDE: u32 = 1024;
/// The form field with the picture.
const FILE: &str = "file";
/// An avatar is replaced under the same address: clients ask every time whether theirs still holds.
const BY_PERSON: &str = "no-cache";

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(put).service(remove).service(show);
}

/// A form with a picture.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the body, which is read piece by piece")]
struct AvatarForm {
    /// A JPEG, PNG or WebP; its name and type do not matter.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Shows this picture of oneself. It is scaled to at most 1024 pixels and drawn anew: nothing else of the file is kept.
#[utoipa::path(tag = "people", request_body(content = AvatarForm, content_type = "multipart/form-data"),
    responses((status = 200, body = OwnAccountJson<'_>), (status = "default", body = Problem)))]
#[post("/api/users/me/avatar")]
async fn put(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id = access.person()?.id;
    let state = State::clone(&access.state);
    let most = MOST_BYTES.min(state.image_limits.max_bytes);
    let whole = most.saturating_add(FORM_BYTES);
    body::refuse_early(&req, whole)?;
    let turn = state.uploads.acquire().await.map_err(|_| ApiError::internal("uploads are closed"))?;
    let form = body::read(&req, &mut payload, usize::try_from(whole).unwrap_or(usize::MAX)).await?;
    let bytes = file_of(&req, form, most).await?;
    let image = {
        // Drawing takes the memory of the whole picture.
        let _drawing = state.drawings.acquire().await.map_err(|_| ApiError::internal("drawing is closed"))?;
        let shared = State::clone(&state);
        blocking::run(move || keep(&shared, &bytes)).await?
    };
    drop(turn);
    let shared = State::clone(&state);
    writing::change(&access, move |conn| {
        let path = format!("avatars/{}.{}", image.sha256, image.kind.extension());
        let before = people::set_avatar(conn, id, Some((&path, &verified(&image))))?;
        // Whoever showed the same picture may have removed it just now.
        if !shared.media.exists(image.sha256, image.kind) {
            return Err(ApiError::unavailable("an avatar went while it came"));
        }
        drop_file(&shared, before)?;
        let account = people::account(conn, id)?.ok_or_else(|| ApiError::not_found("account"))?;
        dto::bytes(&OwnAccountJson::from(&account))
    })
    .await
}

/// Shows no picture of oneself any more.
#[utoipa::path(tag = "people", responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/users/me/avatar")]
async fn remove(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id = access.person()?.id;
    let state = State::clone(&access.state);
    writing::remove(&access, move |conn| {
        let before = people::set_avatar(conn, id, None)?;
        drop_file(&state, before)
    })
    .await
}

/// The picture that a person shows.
#[utoipa::path(tag = "people", params(
        ("id" = Uuid, Path, description = "Our id of the person."),
        ("w" = Option<u32>, Query, description = "A thumbnail at least this wide, in pixels.", minimum = 1, maximum = 10000),
    ),
    responses((status = 200, content_type = "image/*", body = Vec<u8>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/users/{id}/avatar")]
async fn show(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: UserId = path(&req, "id", "a UUID")?;
    let width = pictures::width(&req)?;
    let state = State::clone(&access.state);
    let image = blocking::run(move || Ok(state.store.read(|conn| people::avatar(conn, id))?)).await?;
    pictures::send(&req, &access, image, width, BY_PERSON).await
}

/// The picture in a form; what else is in it is passed over, the file's name and type included.
async fn file_of(req: &HttpRequest, form: Bytes, most: u64) -> Result<Bytes, ApiError> {
    let no_form = || ApiError::invalid_field(FILE, "send the picture as multipart/form-data, in this field");
    let pieces = stream::iter([Ok::<Bytes, PayloadError>(form)]);
    let mut parts = Multipart::new(req.headers(), pieces).take(MOST_PARTS);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|_| no_form())?;
        if part.name() != Some(FILE) {
            continue;
        }
        let mut bytes = Vec::new();
        while let Some(piece) = part.next().await {
            let piece = piece.map_err(|_| no_form())?;
            bytes.extend_from_slice(&piece);
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
                return Err(ApiError::new(
                    Code::TooLarge,
                    format!("At most {most} bytes are taken for a picture."),
                ));
            }
        }
        return Ok(Bytes::from(bytes));
    }
    Err(no_form())
}

/// Draws a picture anew and keeps that.
fn keep(state: &State, bytes: &[u8]) -> Result<StoredImage, ApiError> {
    let drawn = redraw(bytes, state.image_limits.max_pixels, SIDE)?;
    Ok(state.media.ingest_reader(drawn.as_slice(), ImageLimits::default(), None)?)
}

fn verified(image: &StoredImage) -> VerifiedImage {
    VerifiedImage {
        sha256: image.sha256.to_string(),
        media_type: image.kind.mime().to_owned(),
        width: image.width,
        height: image.height,
        size_bytes: image.size_bytes,
    }
}

/// Removes the file of a picture that nobody shows any more.
pub(super) fn drop_file(state: &State, picture: Option<ServedImage>) -> Result<(), ApiError> {
    let Some(picture) = picture else { return Ok(()) };
    let hash: Result<Sha256Hex, _> = picture.sha256.parse();
    let kind = ImageKind::ALL.into_iter().find(|kind| kind.mime() == picture.media_type);
    if let (Ok(hash), Some(kind)) = (hash, kind) {
        state.media.remove(hash, kind)?;
    }
    Ok(())
}
