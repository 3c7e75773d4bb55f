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
/// How long a whole body of JSON may take, however steadily it drips: at the largest, half a megabit a second.
const WHOLE: Duration = Duration::from_secs(300);
/// How many bytes of the largest body there are for each value in it. Once read, the smallest value takes a hundred
/// times the bytes it came in: a body of millions of them would take gigabytes.
const BYTES_A_VALUE: usize = 32;

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

/// The whole body, which is JSON.
///
/// # Errors
/// 408, 413 (also for too many values), 415, or 400 when the connection breaks.
pub(crate) async fn read(
    req: &HttpRequest,
    payload: &mut web::Payload,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let cap = u64::try_from(limit).unwrap_or(u64::MAX);
    refuse_early(req, cap)?;
    let mut body = BytesMut::new();
    let mut values = Values::default();
    let reading = async {
        while let Some(piece) = next(payload).await? {
            if body.len().saturating_add(piece.len()) > limit {
                return Err(too_large(Some(cap)));
            }
            values.count(&piece);
            if values.seen > limit / BYTES_A_VALUE {
                let detail = format!("At most {} values are read here.", limit / BYTES_A_VALUE);
                return Err(ApiError::new(Code::TooLarge, detail));
            }
            body.extend_from_slice(&piece);
        }
        Ok(())
    };
    match tokio::time::timeout(WHOLE, reading).await {
        Ok(outcome) => outcome?,
        Err(_) => return Err(ApiError::new(Code::Timeout, "The body took too long to come.")),
    }
    Ok(body.freeze())
}

/// Counts the values of a JSON text, or a few more, as its pieces come: all but one follow a comma, a colon or an
/// opening bracket outside a text.
#[derive(Default)]
struct Values {
    seen: usize,
    in_text: bool,
    escaped: bool,
}

impl Values {
    fn count(&mut self, piece: &[u8]) {
        for byte in piece {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                b',' | b':' | b'[' | b'{' if !self.in_text => self.seen += 1,
                _ => {}
            }
        }
    }
}

fn too_large(limit: Option<u64>) -> ApiError {
    match limit {
        Some(limit) => ApiError::new(Code::TooLarge, format!("At most {limit} bytes are read here.")),
        None => ApiError::new(Code::TooLarge, "Send less."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_across_pieces_and_not_inside_texts() {
        let text = br#"{"a": [1, 2, "x,y:[{\",", null], "b": {}}"#;
        let mut whole = Values::default();
        whole.count(text);
        assert_eq!(whole.seen, 9, "both objects, the list, two colons, four commas");
        let mut pieces = Values::default();
        text.chunks(3).for_each(|piece| pieces.count(piece));
        assert_eq!(pieces.seen, whole.seen);
    }
}
