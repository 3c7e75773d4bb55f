//! Pictures and thumbnails, by path or by hash. Nothing of a path reaches the file system: paths are looked up in
//! the database, and files are named by hashes.

use std::fs::File;
use std::io::Read as _;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get};
use bytes::Bytes;
use futures_util::stream;
use mastoc_media::{ImageKind, Sha256Hex, snap_width};
use mastoc_storage::images::{self, ServedImage};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::answers;
use crate::auth::{Access, authorise};
use crate::blocking;
use crate::errors::{ApiError, Problem};
use crate::policy::Action;
use crate::query::Query;
use crate::settings::AccessMode;
use crate::state::State;

/// How much of a file is read at once.
const PIECE_BYTES: usize = 256 * 1024;
/// The widest thumbnail that can be asked for, in pixels.
const MAX_WIDTH: u32 = 10_000;
/// A picture under its path may be replaced one day: clients ask again after an hour.
const BY_PATH: &str = "max-age=3600";
/// The bytes of a hash never change.
const BY_HASH: &str = "max-age=31536000, immutable";

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(by_hash).service(by_path);
}

/// A picture by its path, as faces and setters name it; the small path of a face gives that size.
#[utoipa::path(tag = "pictures", params(
        ("path" = String, Path, description = "The path; may hold slashes."),
        ("w" = Option<u32>, Query, description = "A thumbnail at least this wide, in pixels."),
    ),
    responses((status = 200, content_type = "image/*", body = Vec<u8>), (status = 304), (status = "default", body = Problem)))]
#[get("/static/{path:.*}")]
async fn by_path(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let path = req.match_info().get("path").unwrap_or_default().to_owned();
    let width = width(&req)?;
    if path.is_empty() || path.chars().any(char::is_control) {
        return Err(ApiError::not_found("picture"));
    }
    let state = State::clone(&access.state);
    let image = blocking::run(move || Ok(state.store.read(|conn| images::by_path(conn, &path))?)).await?;
    send(&req, &access, image, width, BY_PATH).await
}

/// A picture by the SHA-256 of its bytes; may be kept for ever.
#[utoipa::path(tag = "pictures", params(
        ("sha256" = String, Path, description = "64 lower-case hexadecimal digits."),
        ("w" = Option<u32>, Query, description = "A thumbnail at least this wide, in pixels."),
    ),
    responses((status = 200, content_type = "image/*", body = Vec<u8>), (status = 304), (status = "default", body = Problem)))]
#[get("/media/{sha256}")]
async fn by_hash(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let hash: Result<Sha256Hex, _> = req.match_info().get("sha256").unwrap_or_default().parse();
    let hash = hash.map_err(|_| ApiError::not_found("picture"))?;
    let width = width(&req)?;
    let state = State::clone(&access.state);
    let image =
        blocking::run(move || Ok(state.store.read(|conn| images::by_sha(conn, &hash.to_string()))?)).await?;
    send(&req, &access, image, width, BY_HASH).await
}

/// The width that is asked for.
///
/// # Errors
/// 422 when it is none.
pub(super) fn width(req: &HttpRequest) -> Result<Option<u32>, ApiError> {
    let mut query = Query::of(req);
    let width = query.number("w", 1..=MAX_WIDTH);
    query.finish()?;
    Ok(width)
}

/// Sends a picture, or a thumbnail of it. `lifetime` is how long clients may keep it, as `Cache-Control` says it.
///
/// # Errors
/// 404 where there is no picture.
pub(super) async fn send(
    req: &HttpRequest,
    access: &Access,
    image: Option<ServedImage>,
    width: Option<u32>,
    lifetime: &'static str,
) -> Result<HttpResponse, ApiError> {
    let image = image.ok_or_else(|| ApiError::not_found("picture"))?;
    let broken =
        |what: &str| ApiError::internal(format!("the row of picture {} has a bad {what}", image.sha256));
    let hash: Sha256Hex = image.sha256.parse().map_err(|_| broken("hash"))?;
    let kind = ImageKind::ALL.into_iter().find(|kind| kind.mime() == image.media_type);
    let kind = kind.ok_or_else(|| broken("media type"))?;
    // A width that was asked for wins over the one that the small path stands for.
    let small = image.small.map(|(width, _)| width);
    let wanted = width.or(small).filter(|wanted| *wanted < image.width).map(snap_width);
    // The hash names the bytes, and a thumbnail is made from them in one way only.
    let tag = wanted.map_or_else(|| format!("\"{hash}\""), |width| format!("\"{hash}-w{width}\""));
    let cache = match access.state.access {
        AccessMode::Private => format!("private, {lifetime}"),
        AccessMode::PublicRead => format!("public, {lifetime}"),
    };
    let start = |status: StatusCode| -> HttpResponseBuilder {
        let mut response = HttpResponse::build(status);
        response
            .insert_header((header::ETAG, tag.as_str()))
            .insert_header((header::CACHE_CONTROL, cache.as_str()))
            .insert_header((header::VARY, "Authorization, X-API-Key"));
        response
    };
    if answers::wants_none(req) || answers::held_tags(req).any(|known| known == tag) {
        return Ok(start(StatusCode::NOT_MODIFIED).finish());
    }
    let state = State::clone(&access.state);
    if let Some(width) = wanted {
        let bytes = thumbnail(state, hash, kind, width).await?;
        return Ok(start(StatusCode::OK)
            .insert_header((header::CONTENT_TYPE, ImageKind::Jpeg.mime()))
            .body(bytes));
    }
    let (file, length) = blocking::run(move || Ok(state.media.open_image(hash, kind)?)).await?;
    Ok(start(StatusCode::OK)
        .insert_header((header::CONTENT_TYPE, kind.mime()))
        .body(SizedStream::new(length, pieces(file))))
}

/// A thumbnail; those that have to be drawn take turns, and whoever waited for the same one finds it kept.
async fn thumbnail(state: State, hash: Sha256Hex, kind: ImageKind, width: u32) -> Result<Vec<u8>, ApiError> {
    let shared = State::clone(&state);
    if let Some(kept) = blocking::run(move || Ok(shared.media.kept_thumbnail(hash, kind, width)?)).await? {
        return Ok(kept);
    }
    let turns = State::clone(&state);
    let _turn = turns.drawings.acquire().await.map_err(|_| ApiError::internal("drawing is closed"))?;
    blocking::run(move || Ok(state.media.thumbnail(hash, kind, width)?)).await
}

/// A file piece by piece, read on the blocking pool.
fn pieces(file: File) -> impl futures_util::Stream<Item = Result<Bytes, ApiError>> {
    stream::try_unfold(file, |file| async move {
        blocking::run(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let limit = u64::try_from(PIECE_BYTES).unwrap_or(u64::MAX);
            let read = (&file).take(limit).read_to_end(&mut piece);
            read.map_err(|error| ApiError::internal(format!("cannot read a picture: {error}")))?;
            Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
        })
        .await
    })
}
