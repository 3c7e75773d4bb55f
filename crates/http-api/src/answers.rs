//! Answers to GET: strong ETags, 304, and a bounded cache of rendered bytes.
//!
//! The ETag is made from the version of the data, from the class of callers who see the same, and from the path with
//! its query; so it is known before anything is rendered, and a 304 costs the one small query that told the version.
//! Compressed bytes bear the encoding in their ETag, since a strong ETag names exact bytes.

pub(crate) mod content;
pub(crate) mod posted;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use mastoc_storage::{ReadConn, Viewer, changes};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::auth::Access;
use crate::blocking;
use crate::encoding::Encoding;
use crate::errors::ApiError;
use crate::state::State;

/// What an answer depends on beside its own address and the caller.
pub(crate) const VARY: &str = "Authorization, X-API-Key, Accept-Encoding";
/// Clients may keep answers, and ask every time whether they still hold.
const REVALIDATE: &str = "private, no-cache";
/// What one entry takes beside its bytes, roughly.
const ENTRY_OVERHEAD_BYTES: u32 = 200;

const JSON: &str = "application/json";

/// Names the exact state that an answer was rendered from.
type Key = [u8; 16];

/// Bytes ready to be sent.
#[derive(Clone)]
struct Answer {
    encoding: Encoding,
    bytes: Bytes,
}

/// The cache of rendered answers, and the secret that ETags are made with.
pub(crate) struct Answers {
    cache: Cache<(Key, Encoding), Answer>,
    secret: [u8; 32],
}

impl Answers {
    pub(crate) fn new(capacity_bytes: u64, secret: &str) -> Self {
        let weigh = |_: &(Key, Encoding), answer: &Answer| {
            u32::try_from(answer.bytes.len()).unwrap_or(u32::MAX).saturating_add(ENTRY_OVERHEAD_BYTES)
        };
        Self {
            cache: Cache::builder().max_capacity(capacity_bytes).weigher(weigh).build(),
            secret: Sha256::digest(format!("mastoc etag\n{}\n{secret}", env!("CARGO_PKG_VERSION"))).into(),
        }
    }

    /// How many bytes the cache holds, roughly.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.cache.weighted_size()
    }

    fn key(&self, version: &[u8], class: &str, req: &HttpRequest) -> Key {
        let mut hasher = Sha256::new();
        hasher.update(self.secret);
        hasher.update(version);
        // Neither a class nor a request target holds a line break, so no two inputs run together.
        for part in ["\n", class, "\n", req.uri().path_and_query().map_or("", |target| target.as_str())] {
            hasher.update(part);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let mut key = [0; 16];
        key.copy_from_slice(digest.split_at(16).0);
        key
    }
}

/// The callers who are answered alike.
fn class(viewer: &Viewer) -> String {
    match viewer {
        Viewer::Public => "public".to_owned(),
        Viewer::Service => "service".to_owned(),
        Viewer::Person(id) => format!("person {id}"),
    }
}

fn etag(key: &Key, encoding: Encoding) -> String {
    let mut text = String::with_capacity(40);
    text.push('"');
    text.push_str(Uuid::from_bytes(*key).as_simple().encode_lower(&mut Uuid::encode_buffer()));
    if let Some(word) = encoding.word() {
        text.push('-');
        text.push_str(word);
    }
    text.push('"');
    text
}

/// The ETag that the client holds, if it is of this state. Any encoding will do: which one an answer would get is
/// not known before it is rendered, and all of them say the same.
fn held(req: &HttpRequest, key: &Key) -> Option<HeaderValue> {
    if !req.headers().contains_key(header::IF_NONE_MATCH) {
        return None;
    }
    let plain = etag(key, Encoding::Identity);
    let plain = plain.trim_end_matches('"');
    let is_ours = |tag: &str| {
        let rest = tag.strip_prefix(plain).and_then(|rest| rest.strip_suffix('"'));
        rest.is_some_and(|rest| match rest.strip_prefix('-') {
            Some(word) => Encoding::PREFERRED.iter().any(|encoding| encoding.word() == Some(word)),
            None => rest.is_empty(),
        })
    };
    held_tags(req).find(|tag| is_ours(tag)).and_then(|tag| HeaderValue::from_str(tag).ok())
}

/// The ETags that the client holds, weak ones without their mark.
pub(crate) fn held_tags(req: &HttpRequest) -> impl Iterator<Item = &str> {
    let headers = req.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    headers.flat_map(|text| text.split(',')).map(|tag| tag.trim().trim_start_matches("W/"))
}

/// Whether the client wants an answer only if there is none at all: `If-None-Match: *`, a condition that no answer to a
/// GET meets (RFC 9110, 13.1.2). What does not exist is found to be so before this counts.
pub(crate) fn wants_none(req: &HttpRequest) -> bool {
    req.headers().get_all(header::IF_NONE_MATCH).any(|value| value.as_bytes().trim_ascii() == b"*")
}

fn respond(status: StatusCode, tag: HeaderValue) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, REVALIDATE))
        .insert_header((header::VARY, VARY));
    response
}

fn send(
    req: &HttpRequest,
    key: &Key,
    answer: Answer,
    content_type: &'static str,
) -> Result<HttpResponse, ApiError> {
    let tag = HeaderValue::from_str(&etag(key, answer.encoding))
        .map_err(|error| ApiError::internal(error.to_string()))?;
    if wants_none(req) {
        return Ok(respond(StatusCode::NOT_MODIFIED, tag).finish());
    }
    let mut response = respond(StatusCode::OK, tag);
    if let Some(word) = answer.encoding.word() {
        response.insert_header((header::CONTENT_ENCODING, word));
    }
    Ok(response.insert_header((header::CONTENT_TYPE, content_type)).body(answer.bytes))
}

/// Answers a GET about the board as JSON: 304 if the client has it, from the cache if it is there, rendered otherwise.
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
    let state = &access.state;
    let class = class(&access.viewer());
    let asked = state.answers.key(&access.data_version.to_be_bytes(), &class, req);
    if let Some(tag) = held(req, &asked) {
        return Ok(respond(StatusCode::NOT_MODIFIED, tag).finish());
    }
    let (key, answer) = kept_or_rendered(req, access, &class, asked, render).await?;
    send(req, &key, answer, JSON)
}

/// The answer from the cache, or rendered and kept there; with the name of the state that it is of.
async fn kept_or_rendered<F>(
    req: &HttpRequest,
    access: &Access,
    class: &str,
    asked: Key,
    render: F,
) -> Result<(Key, Answer), ApiError>
where
    F: FnOnce(&mut ReadConn<'_>, Viewer) -> Result<Vec<u8>, ApiError> + Send + 'static,
{
    let (state, viewer) = (&access.state, access.viewer());
    let encoding = Encoding::wanted(req);
    if let Some(answer) = state.answers.cache.get(&(asked, encoding)) {
        state.metrics.cache_hits.inc();
        return Ok((asked, answer));
    }
    state.metrics.cache_misses.inc();
    let plain = state.answers.cache.get(&(asked, Encoding::Identity)).map(|answer| answer.bytes);
    let shared = State::clone(state);
    let (version, plain, answer) = blocking::run(move || {
        let (version, plain) = match plain {
            Some(plain) => (None, plain),
            None => shared.store.snapshot(|conn| {
                // The state that is rendered may be newer than the one that was asked about.
                let version = changes::latest(conn)?;
                Ok::<_, ApiError>((Some(version), Bytes::from(render(conn, viewer)?)))
            })?,
        };
        let (encoding, bytes) = encoding.apply(&plain);
        Ok((version, plain, Answer { encoding, bytes }))
    })
    .await?;
    let key = match version {
        Some(version) if version != access.data_version => {
            state.answers.key(&version.to_be_bytes(), class, req)
        }
        _ => asked,
    };
    if encoding != Encoding::Identity {
        state.answers.cache.insert((key, encoding), answer.clone());
    }
    state
        .answers
        .cache
        .insert((key, Encoding::Identity), Answer { encoding: Encoding::Identity, bytes: plain });
    Ok((key, answer))
}

/// Answers a GET of something that only changes with the program, such as the documentation. `version` names its
/// bytes.
///
/// # Errors
/// What `render` answers.
pub(crate) async fn fixed<F>(
    req: &HttpRequest,
    state: &State,
    version: &[u8],
    content_type: &'static str,
    render: F,
) -> Result<HttpResponse, ApiError>
where
    F: FnOnce() -> Result<Bytes, ApiError> + Send + 'static,
{
    let key = state.answers.key(version, "everybody", req);
    if let Some(tag) = held(req, &key) {
        return Ok(respond(StatusCode::NOT_MODIFIED, tag).finish());
    }
    let encoding = Encoding::wanted(req);
    if let Some(answer) = state.answers.cache.get(&(key, encoding)) {
        return send(req, &key, answer, content_type);
    }
    let answer = blocking::run(move || {
        let (encoding, bytes) = encoding.apply(&render()?);
        Ok(Answer { encoding, bytes })
    })
    .await?;
    state.answers.cache.insert((key, encoding), answer.clone());
    send(req, &key, answer, content_type)
}
