//! Answers to requests that write: created once however often it is sent, changed, or gone.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use mastoc_storage::WriteConn;
use mastoc_storage::idempotency::{self, Begun};
use sha2::{Digest as _, Sha256};

use crate::auth::Access;
use crate::blocking;
use crate::errors::{ApiError, Code};
use crate::state::State;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The longest idempotency key, in characters.
const LONGEST_KEY: usize = 200;

/// The key that a request gave itself.
///
/// # Errors
/// 422 when it is no key.
fn key_of(req: &HttpRequest) -> Result<Option<String>, ApiError> {
    let Some(value) = req.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(ApiError::invalid_field(
            IDEMPOTENCY_KEY,
            format!("must be 1 to {LONGEST_KEY} visible characters"),
        )),
    }
}

/// Creates something in one transaction, and answers 201 with the JSON that `make` gives. With an `Idempotency-Key`
/// the same request sent again, also at the same time, creates nothing more and gets the same answer.
///
/// `body` is what makes a request the same as another, beside its method and target.
///
/// # Errors
/// What `make` answers; 422 when the key came before with another request.
pub(crate) async fn create<F>(
    req: &HttpRequest,
    access: &Access,
    body: &Bytes,
    make: F,
) -> Result<HttpResponse, ApiError>
where
    F: FnOnce(&mut WriteConn<'_>) -> Result<Vec<u8>, ApiError> + Send + 'static,
{
    let (status, answer) = created(req, access, body, make).await?;
    Ok(json(status, answer))
}

/// The same, but it leaves the answer to the caller: its status and its JSON.
///
/// # Errors
/// As [`create`].
pub(crate) async fn created<F>(
    req: &HttpRequest,
    access: &Access,
    body: &Bytes,
    make: F,
) -> Result<(StatusCode, Vec<u8>), ApiError>
where
    F: FnOnce(&mut WriteConn<'_>) -> Result<Vec<u8>, ApiError> + Send + 'static,
{
    let key = key_of(req)?;
    let hash = key.as_ref().map(|_| {
        let mut hasher = Sha256::new();
        hasher.update(format!("{} {}\n", req.method(), req.uri()));
        hasher.update(body);
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    let state = State::clone(&access.state);
    let caller = access.credential.clone();
    blocking::run(move || {
        state.store.write(|conn| {
            let (Some(key), Some(hash)) = (key, hash) else { return Ok((StatusCode::CREATED, make(conn)?)) };
            match idempotency::begin(conn, &caller, &key, &hash)? {
                Begun::Done { status, answer } => {
                    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::CREATED);
                    Ok((status, answer.into_bytes()))
                }
                Begun::OtherRequest => Err(ApiError::new(
                    Code::KeyReused,
                    "This Idempotency-Key came before with another request; make a new one for each request.",
                )),
                Begun::Fresh => {
                    let answer = make(conn)?;
                    let text = std::str::from_utf8(&answer)
                        .map_err(|error| ApiError::internal(format!("the answer is no text: {error}")))?;
                    idempotency::finish(conn, &caller, &key, StatusCode::CREATED.as_u16(), text)?;
                    Ok((StatusCode::CREATED, answer))
                }
            }
        })
    })
    .await
}

/// Changes something in one transaction, and answers 200 with the JSON that `change` gives.
///
/// # Errors
/// What `change` answers.
pub(crate) async fn change<F>(access: &Access, change: F) -> Result<HttpResponse, ApiError>
where
    F: FnOnce(&mut WriteConn<'_>) -> Result<Vec<u8>, ApiError> + Send + 'static,
{
    let state = State::clone(&access.state);
    let answer = blocking::run(move || state.store.write(change)).await?;
    Ok(json(StatusCode::OK, answer))
}

/// Does something in one transaction that leaves nothing to say: 204.
///
/// # Errors
/// What `remove` answers.
pub(crate) async fn remove<F>(access: &Access, remove: F) -> Result<HttpResponse, ApiError>
where
    F: FnOnce(&mut WriteConn<'_>) -> Result<(), ApiError> + Send + 'static,
{
    let state = State::clone(&access.state);
    blocking::run(move || state.store.write(remove)).await?;
    Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// JSON that nobody may keep.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}

/// JSON read afresh for every request, about something that the change log does not tell of, such as accounts and
/// logins. It sees one consistent state.
///
/// # Errors
/// What `render` answers.
pub(crate) async fn fresh<F>(access: &Access, render: F) -> Result<HttpResponse, ApiError>
where
    F: FnOnce(&mut mastoc_storage::ReadConn<'_>) -> Result<Vec<u8>, ApiError> + Send + 'static,
{
    let state = State::clone(&access.state);
    let answer = blocking::run(move || state.store.snapshot(render)).await?;
    Ok(json(StatusCode::OK, answer))
}
