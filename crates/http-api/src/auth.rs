//! Who asks: reading credentials, and letting the policy decide before anything else of a request is looked at.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use mastoc_domain::Timestamp;
use mastoc_domain::access::Scope;
use mastoc_storage::api_keys::{self, ApiKey};
use mastoc_storage::{ReadConn, StoreError, Viewer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::errors::{ApiError, Code};
use crate::policy::{self, Action, Caller, Denied};
use crate::state::{self, State};

/// The header that API keys come in.
pub(crate) const API_KEY_HEADER: &str = "x-api-key";

/// Keys are far shorter; anything longer is not looked up.
const LONGEST_KEY: usize = 256;

/// A caller who may do what they asked for, and the version of the data when they asked.
pub(crate) struct Access {
    pub(crate) state: State,
    pub(crate) caller: Caller,
    /// [`mastoc_storage::changes::latest`] at the time of the request: what is rendered later is at least this new.
    pub(crate) data_version: i64,
}

impl Access {
    /// Through whose eyes the caller reads.
    pub(crate) fn viewer(&self) -> Viewer {
        policy::viewer(&self.caller)
    }
}

/// The credentials of a request, unchecked.
pub(crate) enum Presented {
    Nothing,
    Key(String),
}

/// Finds out who asks and whether they may; every guarded handler's first line.
///
/// # Errors
/// 401 without credentials or with a bad token, 403 with a wrong key or one whose scope is too small.
pub(crate) async fn authorise(req: &HttpRequest, action: Action) -> Result<Access, ApiError> {
    let state = state::of(req)?;
    let presented = presented(req)?;
    // What a caller without credentials may not do needs no database to refuse.
    if matches!(presented, Presented::Nothing) {
        policy::may(state.access, &Caller::Nobody, action).map_err(refusal)?;
    }
    let (identity, data_version) = state.desk.ask(presented).await?;
    let caller = match identity {
        Identity::Unknown => return Err(unknown_key()),
        Identity::Nobody => Caller::Nobody,
        Identity::EnvKey => Caller::Key(Scope::Admin),
        Identity::Key(key) => {
            let scope = key.scope;
            note_use(&state, key);
            Caller::Key(scope)
        }
    };
    policy::may(state.access, &caller, action).map_err(refusal)?;
    Ok(Access { state, caller, data_version })
}

/// Remembers that a key is in use, once an hour. Nobody waits for it: the database may be busy with an import.
fn note_use(state: &State, key: ApiKey) {
    if api_keys::wants_note(&key, Timestamp::now()) {
        let state = State::clone(state);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = state.store.write(|conn| api_keys::note_use(conn, &key)) {
                tracing::warn!(%error, "the use of an API key was not noted");
            }
        });
    }
}

/// Whose credentials they are.
pub(crate) enum Identity {
    Nobody,
    Unknown,
    EnvKey,
    Key(ApiKey),
}

/// A person's token wins over a key when both are sent.
fn presented(req: &HttpRequest) -> Result<Presented, ApiError> {
    if let Some(value) = req.headers().get(header::AUTHORIZATION) {
        // Access tokens are made by logging in; as long as there are no accounts, none is valid.
        let scheme = value.to_str().unwrap_or_default().split(' ').next().unwrap_or_default();
        let why = if scheme.eq_ignore_ascii_case("bearer") {
            "The access token is not valid or has expired."
        } else {
            "Only bearer tokens are read from the Authorization header; send an API key as X-API-Key."
        };
        return Err(challenge(ApiError::new(Code::TokenInvalid, why)));
    }
    match req.headers().get(API_KEY_HEADER) {
        None => Ok(Presented::Nothing),
        Some(value) if value.is_empty() => Ok(Presented::Nothing),
        Some(value) => match value.to_str() {
            Ok(key) if key.len() <= LONGEST_KEY => Ok(Presented::Key(key.to_owned())),
            _ => Err(unknown_key()),
        },
    }
}

/// Whose key this is, if anybody's.
pub(crate) fn identify(
    conn: &mut ReadConn<'_>,
    env_key: Option<&[u8; 32]>,
    presented: &Presented,
) -> Result<Identity, StoreError> {
    let Presented::Key(key) = presented else { return Ok(Identity::Nobody) };
    if let Some(env_key) = env_key {
        let digest: [u8; 32] = Sha256::digest(key).into();
        if bool::from(digest.ct_eq(env_key)) {
            return Ok(Identity::EnvKey);
        }
    }
    Ok(api_keys::verify(conn, key)?.map_or(Identity::Unknown, Identity::Key))
}

fn unknown_key() -> ApiError {
    ApiError::new(Code::KeyUnknown, "The API key is not known here, or was revoked.")
}

fn challenge(error: ApiError) -> ApiError {
    error.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mastoc\""))
}

fn refusal(denied: Denied) -> ApiError {
    match denied {
        Denied::Anonymous => challenge(ApiError::new(
            Code::CredentialsMissing,
            "Send an API key in the header X-API-Key, or an access token as Authorization: Bearer.",
        )),
        Denied::NeedsScope(scope) => {
            ApiError::new(Code::ScopeTooSmall, format!("This needs an API key with the scope {scope}."))
        }
    }
}
