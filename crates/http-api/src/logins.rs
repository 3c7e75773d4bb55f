//! What the routes about logins share: turns at hashing, tokens for a login, counting who knocks.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use mastoc_domain::{SessionId, Timestamp, UserId};
use mastoc_storage::accounts::Account;
use mastoc_storage::{StoreError, WriteConn, sessions};
use uuid::Uuid;

use crate::blocking;
use crate::dto;
use crate::dto::login::TokenPairJson;
use crate::errors::{ApiError, Code};
use crate::fields::Fields;
use crate::limits::Knock;
use crate::passwords::{self, PasswordError};
use crate::peers;
use crate::state::{AppState, State};
use crate::tokens::Kind;
use crate::writing;

/// The longest wait for a turn at hashing.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// The most characters that are kept of what a program calls itself.
const LONGEST_DEVICE: usize = 200;

/// The most characters of a password that is compared.
pub(crate) const LONGEST_COMPARED: usize = 1_024;

/// Takes one of the turns of the address that a request comes from.
///
/// # Errors
/// 429 when none is left.
pub(crate) fn knock(req: &HttpRequest, state: &AppState, kind: Knock) -> Result<(), ApiError> {
    state.limits.by_address(kind, peers::counted(req, &state.trusted_proxies))
}

/// Hashes or compares passwords, a few at a time: whatever else the server does goes on meanwhile.
///
/// # Errors
/// 503 when too many others wait; what `work` answers.
pub(crate) async fn hashing<T, F>(state: &State, work: F) -> Result<T, ApiError>
where
    F: FnOnce() -> Result<T, PasswordError> + Send + 'static,
    T: Send + 'static,
{
    let turns = state.hashing.clone();
    let turn = match tokio::time::timeout(LONGEST_WAIT, turns.acquire_owned()).await {
        Ok(Ok(turn)) => turn,
        Ok(Err(_)) => return Err(ApiError::internal("nobody hashes passwords any more")),
        Err(_) => return Err(ApiError::unavailable("too many wait for their passwords to be hashed")),
    };
    blocking::run_behind(move || {
        // Held to the end of the work, also when whoever asked has gone.
        let _turn = turn;
        work().map_err(|error| ApiError::internal(error.to_string()))
    })
    .await
}

/// A pair of tokens for a login.
pub(crate) struct Pair {
    access: String,
    refresh: String,
    /// Which refresh token it is.
    pub(crate) refresh_id: Uuid,
    /// When the login ends unless it is renewed.
    pub(crate) expires_at: Timestamp,
    access_life: Duration,
}

impl Pair {
    /// Signs a pair for a login of this person.
    ///
    /// # Errors
    /// When it cannot be signed, which would be a defect.
    pub(crate) fn sign(state: &AppState, user: UserId, session: SessionId) -> Result<Self, ApiError> {
        let now = Timestamp::now();
        let defect = |error: jsonwebtoken::errors::Error| ApiError::internal(error.to_string());
        let make = |kind, life| state.tokens.make(kind, user, session, now, life).map_err(defect);
        let (access, _) = make(Kind::Access, state.access_token_life)?;
        let (refresh, refresh_id) = make(Kind::Refresh, state.refresh_token_life)?;
        Ok(Self {
            access,
            refresh,
            refresh_id,
            expires_at: Timestamp::from_utc(now.as_utc() + state.refresh_token_life),
            access_life: state.access_token_life,
        })
    }

    /// The pair as existing clients read it.
    ///
    /// # Errors
    /// When it cannot be printed, which would be a defect.
    pub(crate) fn json(&self, account: &Account) -> Result<Vec<u8>, ApiError> {
        dto::bytes(&TokenPairJson::of(account, &self.access, &self.refresh, self.access_life.as_secs()))
    }
}

/// Opens a login, and gives its tokens.
///
/// # Errors
/// When the database fails.
pub(crate) fn open(
    conn: &mut WriteConn<'_>,
    state: &AppState,
    user: UserId,
    device: Option<&str>,
) -> Result<Pair, ApiError> {
    let session = SessionId::generate();
    let pair = Pair::sign(state, user, session)?;
    sessions::open_renewable(conn, session, user, device, pair.expires_at, pair.refresh_id)
        .map_err(|error: StoreError| ApiError::from(error))?;
    Ok(pair)
}

/// What the program behind a request calls itself.
pub(crate) fn device(req: &HttpRequest) -> Option<String> {
    let text = req.headers().get(header::USER_AGENT)?.to_str().ok()?;
    let text: String = text.chars().filter(|letter| !letter.is_control()).take(LONGEST_DEVICE).collect();
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// The one answer to every login that fails.
pub(crate) fn failed() -> ApiError {
    ApiError::new(Code::LoginFailed, "The name or the password is not right, or the account is closed.")
        .with_header(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer realm=\"mastoc\""))
}

/// Says that something was done.
///
/// # Errors
/// When it cannot be printed, which would be a defect.
pub(crate) fn done(message: &'static str) -> Result<HttpResponse, ApiError> {
    Ok(writing::json(StatusCode::OK, dto::bytes(&dto::login::DoneJson { message })?))
}

/// Reads a name, password or token that is only compared: neither trimmed nor refused for any character, and `most`
/// is far beyond any that exists.
pub(crate) fn as_it_is(fields: &mut Fields, name: &str, most: usize) -> Option<String> {
    let value = fields.field(name, |value| match value {
        serde_json::Value::String(text) if text.chars().count() <= most => Ok(text),
        serde_json::Value::String(_) => Err(format!("has more than {most} characters")),
        _ => Err("must be text".to_owned()),
    });
    fields.required(name, value)
}

/// The same for a password that is chosen now.
pub(crate) fn new_password(fields: &mut Fields, name: &str) -> Option<String> {
    let password = as_it_is(fields, name, LONGEST_COMPARED)?;
    match passwords::check(&password) {
        Ok(()) => Some(password),
        Err(error) => {
            fields.refuse(name, error);
            None
        }
    }
}
