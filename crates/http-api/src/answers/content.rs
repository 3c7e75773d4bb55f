//! Answers about one thing whose ETag is made of what they say, and not of the version of all data: it changes exactly
//! when the thing does for this caller, so that an edit can be made dependent on it (`If-Match`).

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use bytes::Bytes;
use mastoc_storage::{ReadConn, Viewer, changes};
use sha2::{Digest as _, Sha256};

use super::{Answer, Answers, JSON, Key, class, etag, held, respond, send};
use crate::auth::Access;
use crate::blocking;
use crate::encoding::Encoding;
use crate::errors::{ApiError, Code};
use crate::state::State;
use crate::writing;

impl Answers {
    fn content_key(&self, bytes: &[u8]) -> Key {
        let mut hasher = Sha256::new();
        hasher.update(self.secret);
        hasher.update(b"content\n");
        hasher.update(bytes);
        let digest: [u8; 32] = hasher.finalize().into();
        let mut key = [0; 16];
        key.copy_from_slice(digest.split_at(16).0);
        key
    }

    /// The ETag of these bytes.
    fn content_tag(&self, bytes: &[u8]) -> String {
        etag(&self.content_key(bytes), Encoding::Identity)
    }
}

/// Answers a GET about one thing as JSON. It is small, so it is sent as it is.
///
/// `render` sees one consistent state of the data and depends on nothing but that, the viewer and the request's
/// target.
///
/// # Errors
/// What `render` answers.
pub(crate) async fn json<F>(req: &HttpRequest, access: &Access, render: F) -> Result<HttpResponse, ApiError>
where
    F: FnOnce(&mut ReadConn<'_>, Viewer) -> Result<Vec<u8>, ApiError> + Send + 'static,
{
    let (state, viewer) = (&access.state, access.viewer());
    let class = class(&viewer);
    let asked = state.answers.key(&access.data_version.to_be_bytes(), &class, req);
    let bytes = if let Some(kept) = state.answers.cache.get(&(asked, Encoding::Identity)) {
        state.metrics.cache_hits.inc();
        kept.bytes
    } else {
        state.metrics.cache_misses.inc();
        let shared = State::clone(state);
        let (version, bytes) = blocking::run(move || {
            shared.store.snapshot(|conn| {
                let version = changes::latest(conn)?;
                Ok::<_, ApiError>((version, Bytes::from(render(conn, viewer)?)))
            })
        })
        .await?;
        let key = state.answers.key(&version.to_be_bytes(), &class, req);
        let answer = Answer { encoding: Encoding::Identity, bytes: bytes.clone() };
        state.answers.cache.insert((key, Encoding::Identity), answer);
        bytes
    };
    let key = state.answers.content_key(&bytes);
    if let Some(tag) = held(req, &key) {
        return Ok(respond(StatusCode::NOT_MODIFIED, tag).finish());
    }
    send(req, &key, Answer { encoding: Encoding::Identity, bytes }, JSON)
}

/// The answer to a write that gives the thing as it is now, with the ETag that a GET would bear.
///
/// # Errors
/// An internal error, never in practice.
pub(crate) fn written(access: &Access, status: StatusCode, bytes: Vec<u8>) -> Result<HttpResponse, ApiError> {
    let tag = header_value(&access.state.answers.content_tag(&bytes))?;
    let mut response = writing::json(status, bytes);
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

fn header_value(tag: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(tag).map_err(|error| ApiError::internal(error.to_string()))
}

/// What a request makes its write dependent on: the states of the thing that `If-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Nothing is asked for.
    Absent,
    /// Any state will do.
    Any,
    /// One of these.
    Tags(Vec<String>),
}

impl IfMatch {
    /// Reads the request's headers; of several all count.
    pub(crate) fn of(req: &HttpRequest) -> Self {
        let mut headers = req.headers().get_all(header::IF_MATCH).peekable();
        if headers.peek().is_none() {
            return Self::Absent;
        }
        Self::read(headers.map(|value| value.to_str().unwrap_or_default()))
    }

    fn read<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let tags: Vec<String> =
            values.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect();
        if tags.iter().any(|tag| tag == "*") { Self::Any } else { Self::Tags(tags) }
    }

    /// Lets a write go on if the thing is as the caller has seen it; `bytes` is what a GET would give them now. Weak
    /// tags match nothing, as the standard says.
    ///
    /// # Errors
    /// 412 with the thing as it is, and its ETag.
    pub(crate) fn check(&self, state: &State, bytes: &[u8]) -> Result<(), ApiError> {
        let Self::Tags(tags) = self else { return Ok(()) };
        let current = state.answers.content_tag(bytes);
        if tags.contains(&current) {
            return Ok(());
        }
        let value = serde_json::from_slice(bytes).map_err(|error| ApiError::internal(error.to_string()))?;
        Err(ApiError::new(Code::Stale, "It is not what If-Match names any more; `current` is what it is.")
            .with_current(value)
            .with_header(header::ETAG, header_value(&current)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_from_all_headers() {
        let read = |values: &[&'static str]| IfMatch::read(values.iter().copied());
        assert_eq!(
            read(&["\"a\", \"b\"", "W/\"c\""]),
            IfMatch::Tags(["\"a\"", "\"b\"", "W/\"c\""].map(Into::into).to_vec())
        );
        assert_eq!(read(&["*"]), IfMatch::Any);
        assert_eq!(read(&["\"a\"", " * "]), IfMatch::Any);
        assert_eq!(read(&[""]), IfMatch::Tags(vec![String::new()]));
    }
}
