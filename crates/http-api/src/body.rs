//! Reading a request's body: capped, in time, and not before the caller was found to be allowed.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::errors::{ApiError, Code};

/// The largest JSON body of an import, in bytes.
pub(crate) const IMPORT_JSON_BYTES: usize = 16 * 1024 * 1024;
/// The largest JSON body of anything else, in bytes.
pub(crate) const JSON_BYTES: usize = 256 * 1024;
/// How long the next piece of a body may take.
const NEXT_PIECE: Duration = Duration::from_secs(30);

/// The next piece of a body; `None` at its end.
///
/// # Errors
/// 408 when it takes too long, 400 when the connection breaks.
pub(crate) async fn next(payload: &mut web::Payload) -> Result<Option<Bytes>, ApiError> {
    match tokio::time::timeout(NEXT_PIECE, payload.next()).await {
        Err(_) => Err(ApiError::new(Code::Timeout, "The body stopped coming.")),
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(PayloadError::Overflow))) => Err(too_large(None)),
        Ok(Some(Err(_))) => Err(ApiError::new(Code::BadBody, "The body ended before its time.")),
    }
}

/// Refuses a body that announces itself as too large or compressed.
///
/// # Errors
/// 413 or 415.
pub(crate) fn refuse_early(req: &HttpRequest, limit: u64) -> Result<(), ApiError> {
    let headers = req.headers();
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return Err(ApiError::new(Code::UnsupportedEncoding, "Send the body uncompressed."));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match length.and_then(|text| text.parse::<u64>().ok()) {
        Some(length) if length > limit => Err(too_large(Some(limit))),
        _ => Ok(()),
    }
}

/// The whole body.
///
/// # Errors
/// 408, 413, 415, or 400 when the connection breaks.
pub(crate) async fn read(
    req: &HttpRequest,
    payload: &mut web::Payload,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let cap = u64::try_from(limit).unwrap_or(u64::MAX);
    refuse_early(req, cap)?;
    let mut body = BytesMut::new();
    while let Some(piece) = next(payload).await? {
        if body.len().saturating_add(piece.len()) > limit {
            return Err(too_large(Some(cap)));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

fn too_large(limit: Option<u64>) -> ApiError {
    match limit {
        Some(limit) => ApiError::new(Code::TooLarge, format!("At most {limit} bytes are read here.")),
        None => ApiError::new(Code::TooLarge, "Send less."),
    }
}
