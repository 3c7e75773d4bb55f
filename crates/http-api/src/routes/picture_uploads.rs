//! Pictures that an import brings: which are wanted, and taking them in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, put, web};
use bytes::Bytes;
use mastoc_domain::StoktId;
use mastoc_media::{ImageKind, MediaError, MediaStore, Sha256Hex, StoredImage};
use mastoc_storage::import::ImportContext;
use mastoc_storage::import::pictures::{self, ListedPicture, PictureOwner, VerifiedImage};
use mastoc_storage::{ReadConn, StoreError, Viewer, faces, gyms};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::import_runs;
use crate::auth::{Access, authorise};
use crate::blocking;
use crate::body;
use crate::dto;
use crate::errors::{ApiError, Code, Problem};
use crate::policy::Action;
use crate::query::{Query, path};
use crate::state::State;
use crate::writing;

/// The header that announces what is sent.
const HASH_HEADER: &str = "x-content-sha256";
/// How many pieces may wait for the disk.
const PIECES_IN_FLIGHT: usize = 8;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_wanted).service(put_face_picture).service(put_avatar);
}

/// A picture without a verified copy here.
#[derive(Debug, Serialize, ToSchema)]
struct WantedJson {
    /// `face` or `avatar`.
    owner: &'static str,
    /// Stokt's id of the face or of the person.
    stokt_id: Uuid,
    /// Its path at Stokt, and here.
    path: String,
    /// Its width in pixels, where it is known.
    width: Option<u32>,
    /// Its height in pixels, where it is known.
    height: Option<u32>,
}

/// The pictures that an import still needs.
#[derive(Debug, Serialize, ToSchema)]
struct WantedList {
    /// Wall pictures first, then avatars.
    wanted: Vec<WantedJson>,
}

/// A picture that was taken in.
#[derive(Debug, Serialize, ToSchema)]
struct UploadedJson {
    /// The hash of its bytes: `/media/{sha256}` serves it.
    sha256: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// Size in bytes.
    size_bytes: u64,
}

/// The pictures that have no verified copy here, or one whose file was lost or cut: wall pictures of the gyms, by face,
/// then avatars, by person.
#[utoipa::path(tag = "import", params(
        ("gym_stokt_id" = Option<String>, Query, description = "Stokt's ids of the gyms whose wall pictures are meant; comma-separated. All of them if it is left out."),
    ),
    responses((status = 200, body = WantedList), (status = "default", body = Problem)))]
#[get("/api/sync/import/pictures")]
async fn list_wanted(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Synchronise).await?;
    let mut query = Query::of(&req);
    let gyms: Vec<StoktId> = query.list("gym_stokt_id", "a UUID", |text| text.parse().ok());
    query.finish()?;
    let state = State::clone(&access.state);
    let body = blocking::run(move || {
        let listed = state.store.read(|conn| {
            let gyms = if gyms.is_empty() {
                gyms::list(conn)?.into_iter().filter_map(|gym| gym.stokt_id).collect()
            } else {
                gyms
            };
            pictures::listed(conn, &gyms)
        })?;
        let wanted = listed.into_iter().filter(|listed| !has_copy(&state.media, listed));
        let wanted = wanted.map(|ListedPicture { picture, .. }| {
            let (owner, stokt_id) = match picture.owner {
                PictureOwner::Face(id) => ("face", id),
                PictureOwner::Avatar(id) => ("avatar", id),
            };
            let (path, width, height) = (picture.path, picture.width, picture.height);
            WantedJson { owner, stokt_id: stokt_id.0, path, width, height }
        });
        dto::bytes(&WantedList { wanted: wanted.collect() })
    })
    .await?;
    Ok(writing::json(StatusCode::OK, body))
}

/// Whether the verified copy of a picture is on record, and its file there in its whole length.
fn has_copy(media: &MediaStore, listed: &ListedPicture) -> bool {
    let Some(copy) = &listed.copy else { return false };
    let (sha256, kind) = (copy.sha256.parse::<Sha256Hex>(), ImageKind::from_mime(&copy.media_type));
    sha256.ok().zip(kind).is_some_and(|(sha256, kind)| media.is_whole(sha256, kind, copy.size_bytes))
}

/// Takes in the wall picture of a face. It must be of the size that the face's record states.
#[utoipa::path(tag = "import", params(
        ("stokt_id" = Uuid, Path, description = "Stokt's id of the face."),
        ("path" = String, Query, description = "The picture's path, as the face names it."),
        ("run" = Option<Uuid>, Query, description = "The import run that this is part of."),
        ("x-content-sha256" = String, Header, description = "SHA-256 of the body, as 64 lower-case hexadecimal digits."),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadedJson), (status = "default", body = Problem)))]
#[put("/api/sync/import/faces/{stokt_id}/picture")]
async fn put_face_picture(req: HttpRequest, payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Synchronise).await?;
    let stokt_id: StoktId = path(&req, "stokt_id", "a UUID")?;
    upload(&req, &access, payload, PictureOwner::Face(stokt_id)).await
}

/// Takes in the avatar of a person.
#[utoipa::path(tag = "import", params(
        ("stokt_id" = Uuid, Path, description = "Stokt's id of the person."),
        ("path" = String, Query, description = "The avatar's path, as the person's record names it."),
        ("run" = Option<Uuid>, Query, description = "The import run that this is part of."),
        ("x-content-sha256" = String, Header, description = "SHA-256 of the body, as 64 lower-case hexadecimal digits."),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadedJson), (status = "default", body = Problem)))]
#[put("/api/sync/import/users/{stokt_id}/avatar")]
async fn put_avatar(req: HttpRequest, payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Synchronise).await?;
    let stokt_id: StoktId = path(&req, "stokt_id", "a UUID")?;
    upload(&req, &access, payload, PictureOwner::Avatar(stokt_id)).await
}

async fn upload(
    req: &HttpRequest,
    access: &Access,
    mut payload: web::Payload,
    owner: PictureOwner,
) -> Result<HttpResponse, ApiError> {
    let mut query = Query::of(req);
    let path = query.long_text("path");
    let run = import_runs::named(&mut query);
    query.finish()?;
    let path = path.ok_or_else(|| ApiError::invalid_field("path", "say which picture"))?;
    let announced = announced(req)?;
    let state = State::clone(&access.state);
    let limits = state.image_limits;
    body::refuse_early(req, limits.max_bytes)?;

    let (shared, wanted_path) = (State::clone(&state), path.clone());
    let expected =
        blocking::run(move || shared.store.read(|conn| expected_size(conn, owner, &wanted_path))).await?;

    // Waiting here takes no thread; a turn is over when the body is, or when it stops coming.
    let turns = State::clone(&state);
    let turn = turns.uploads.acquire().await.map_err(|_| ApiError::internal("uploads are closed"))?;
    // The body is pumped to the blocking pool piece by piece; closing the channel is its end, and only a body that
    // came whole is closed with `Piece::End`.
    let (pieces, mut incoming) = mpsc::channel::<Piece>(PIECES_IN_FLIGHT);
    let shared = State::clone(&state);
    let kept = blocking::run(move || {
        let kept: Result<StoredImage, Refused> = shared.media.ingest(limits, expected, |disk| {
            let mut hasher = Sha256::new();
            loop {
                match incoming.blocking_recv() {
                    Some(Piece::Bytes(bytes)) => {
                        hasher.update(&bytes);
                        disk.write_all(&bytes).map_err(|_| Refused::Disk)?;
                    }
                    Some(Piece::End) => break,
                    None => return Err(Refused::Cut),
                }
            }
            let found: [u8; 32] = hasher.finalize().into();
            if found == *announced.as_bytes() { Ok(()) } else { Err(Refused::Mismatch) }
        });
        kept.map_err(ApiError::from)
    });
    let pump = async move {
        while let Some(bytes) = body::next(&mut payload).await? {
            if pieces.send(Piece::Bytes(bytes)).await.is_err() {
                // The other side has refused already, and says why.
                return Ok(());
            }
        }
        drop(pieces.send(Piece::End).await);
        Ok::<(), ApiError>(())
    };
    tokio::pin!(kept, pump);
    let kept = tokio::select! {
        // A refusal comes at once, even if the client says nothing more.
        kept = &mut kept => kept?,
        pumped = &mut pump => {
            pumped?;
            kept.await?
        }
    };
    drop(turn);

    let verified = VerifiedImage {
        sha256: kept.sha256.to_string(),
        media_type: kept.kind.mime().to_owned(),
        width: kept.width,
        height: kept.height,
        size_bytes: kept.size_bytes,
    };
    let who = import_runs::owner(access);
    let body = blocking::run(move || {
        let attached = import_runs::within(&state, run, &who, |fence| {
            let context = ImportContext { run, fence, ..ImportContext::default() };
            Ok(match state.store.write(|conn| pictures::attach(conn, &context, owner, &path, &verified)) {
                Err(StoreError::NotFound) => None,
                attached => Some(attached?),
            })
        })?;
        attached.ok_or_else(|| unwanted(StoreError::NotFound))?;
        let VerifiedImage { sha256, width, height, size_bytes, .. } = verified;
        dto::bytes(&UploadedJson { sha256, width, height, size_bytes })
    })
    .await?;
    Ok(writing::json(StatusCode::OK, body))
}

/// A piece of a body on its way to the disk.
enum Piece {
    Bytes(Bytes),
    End,
}

/// Why a picture was not kept.
enum Refused {
    Media(MediaError),
    /// The disk's own error replaces this one.
    Disk,
    Cut,
    Mismatch,
}

impl From<MediaError> for Refused {
    fn from(error: MediaError) -> Self {
        Self::Media(error)
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Media(error) => error.into(),
            Refused::Disk => Self::internal("a picture could not be written"),
            Refused::Cut => Self::new(Code::BadBody, "The body ended before its time."),
            Refused::Mismatch => {
                Self::new(Code::BadPicture, "The body is not what X-Content-SHA256 announces.")
            }
        }
    }
}

fn announced(req: &HttpRequest) -> Result<Sha256Hex, ApiError> {
    let text = req.headers().get(HASH_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let hash = text.to_ascii_lowercase().parse();
    hash.map_err(|_| {
        ApiError::invalid_field(HASH_HEADER, "send the SHA-256 of the body as 64 hexadecimal digits")
    })
}

fn unwanted(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::new(Code::NotFound, "Nobody has a picture under this path."),
        error => error.into(),
    }
}

/// The size in pixels that a face's record states for its picture; unknown for avatars.
fn expected_size(
    conn: &mut ReadConn<'_>,
    owner: PictureOwner,
    path: &str,
) -> Result<Option<(u32, u32)>, ApiError> {
    let PictureOwner::Face(stokt_id) = owner else { return Ok(None) };
    let face = faces::by_stokt_id(conn, Viewer::Service, stokt_id)?;
    let face = face.ok_or_else(|| ApiError::not_found("face"))?;
    if let Some(picture) = face.picture.filter(|picture| picture.path == path) {
        return Ok(Some((picture.width, picture.height)));
    }
    // A version of the face that is not shown yet, because its picture is the one that comes now.
    let gym = gyms::by_id(conn, face.gym_id)?.and_then(|gym| gym.stokt_id);
    let wanted = pictures::wanted(conn, gym.as_slice())?;
    let wanted = wanted.into_iter().find(|wanted| wanted.owner == owner && wanted.path == path);
    let wanted = wanted.ok_or_else(|| unwanted(StoreError::NotFound))?;
    Ok(wanted.width.zip(wanted.height))
}
