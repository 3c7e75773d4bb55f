//! Who asks: reading credentials, and letting the policy decide before anything else of a request is looked at.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use mastoc_domain::Timestamp;
use mastoc_domain::access::Scope;
use mastoc_domain::{SessionId, UserId};
use mastoc_storage::api_keys::{self, ApiKey};
use mastoc_storage::sessions::{self, Person};
use mastoc_storage::{ReadConn, StoreError, Viewer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::errors::{ApiError, Code};
use crate::policy::{self, Action, Caller, Denied};
use crate::state::{self, State};
use crate::tokens::Kind;

/// The header that API keys come in.
pub(crate) const API_KEY_HEADER: &str = "x-api-key";

/// Keys are far shorter; anything longer is not looked up.
const LONGEST_KEY: usize = 256;

/// A caller who may do what they asked for, and the version of the data when they asked.
pub(crate) struct Access {
    pub(crate) state: State,
    pub(crate) caller: Caller,
    /// Names the credentials, for what belongs to whoever bears them; no secret.
    pub(crate) credential: String,
    /// [`mastoc_storage::changes::latest`] at the time of the request: what is rendered later is at least this new.
    pub(crate) data_version: i64,
}

impl Access {
    /// Through whose eyes the caller reads.
    pub(crate) fn viewer(&self) -> Viewer {
        policy::viewer(&self.caller)
    }

    /// The person who asks; a key is none.
    ///
    /// # Errors
    /// 403 for keys; 401 for nobody.
    pub(crate) fn person(&self) -> Result<Person, ApiError> {
        match &self.caller {
            Caller::Person(person) => Ok(*person),
            Caller::Key(_) => Err(refusal(Denied::NeedsPerson)),
            Caller::Nobody => Err(refusal(Denied::Anonymous)),
        }
    }

    /// The person who asks, if it is one.
    pub(crate) fn maybe_person(&self) -> Option<Person> {
        match &self.caller {
            Caller::Person(person) => Some(*person),
            Caller::Key(_) | Caller::Nobody => None,
        }
    }
}

/// Lets a caller go on only if they may do what they asked for to what `owner` owns; for work on other threads.
///
/// # Errors
/// 403 when it is not theirs.
pub(crate) fn must_own(caller: &Caller, owner: Option<UserId>) -> Result<(), ApiError> {
    policy::may_touch(caller, owner).map_err(refusal)
}

/// Lets a caller go on only if they are who owns it, admin or not.
///
/// # Errors
/// 403 when they are somebody else.
pub(crate) fn must_be(caller: &Caller, owner: Option<UserId>) -> Result<(), ApiError> {
    policy::may_speak_for(caller, owner).map_err(refusal)
}

/// The credentials of a request: a key unchecked, a token with its signature and times checked.
pub(crate) enum Presented {
    Nothing,
    Key(String),
    Login(UserId, SessionId),
}

/// Finds out who asks and whether they may; every guarded handler's first line.
///
/// # Errors
/// 401 without credentials or with a bad token, 403 with a wrong key or one whose scope is too small.
pub(crate) async fn authorise(req: &HttpRequest, action: Action) -> Result<Access, ApiError> {
    let state = state::of(req)?;
    let presented = presented(req, &state)?;
    // What a caller without credentials may not do needs no database to refuse.
    if matches!(presented, Presented::Nothing) {
        policy::may(state.access, &Caller::Nobody, action).map_err(refusal)?;
    }
    let (identity, data_version) = state.desk.ask(presented).await?;
    let (caller, credential) = match identity {
        Identity::Unknown => return Err(unknown_key()),
        Identity::Over => return Err(bad_token()),
        Identity::Nobody => (Caller::Nobody, "nobody".to_owned()),
        Identity::EnvKey => (Caller::Key(Scope::Admin), "key of the environment".to_owned()),
        Identity::Person(person) => (Caller::Person(person), format!("person {}", person.id)),
        Identity::Key(key) => {
            let (scope, credential) = (key.scope, format!("key {}", key.id));
            note_use(&state, key);
            (Caller::Key(scope), credential)
        }
    };
    policy::may(state.access, &caller, action).map_err(refusal)?;
    Ok(Access { state, caller, credential, data_version })
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
    /// A key that is none.
    Unknown,
    /// A login that does not hold any more.
    Over,
    EnvKey,
    Key(ApiKey),
    Person(Person),
}

/// A person's token wins over a key when both are sent.
fn presented(req: &HttpRequest, state: &State) -> Result<Presented, ApiError> {
    if let Some(value) = req.headers().get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(challenge(ApiError::new(
                Code::TokenInvalid,
                "Only bearer tokens are read from the Authorization header; send an API key as X-API-Key.",
            )));
        }
        let claims = state.tokens.read(Kind::Access, token.trim()).ok_or_else(bad_token)?;
        let (user, session) = claims.login();
        return Ok(Presented::Login(user, session));
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

/// Whose credentials these are, if anybody's.
pub(crate) fn identify(
    conn: &mut ReadConn<'_>,
    env_key: Option<&[u8; 32]>,
    presented: &Presented,
) -> Result<Identity, StoreError> {
    let key = match presented {
        Presented::Nothing => return Ok(Identity::Nobody),
        Presented::Login(user, session) => {
            return Ok(sessions::person(conn, *session, *user)?.map_or(Identity::Over, Identity::Person));
        }
        Presented::Key(key) => key,
    };
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

fn bad_token() -> ApiError {
    challenge(ApiError::new(Code::TokenInvalid, "The access token is not valid or has expired."))
}

pub(crate) fn challenge(error: ApiError) -> ApiError {
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
        Denied::NeedsPerson => ApiError::new(
            Code::PersonNeeded,
            "An API key acts for the service, not for a person: log in, and send the access token.",
        ),
        Denied::OwnersOnly => ApiError::new(Code::Forbidden, "Only its owner may do this."),
        Denied::NotYours => {
            ApiError::new(Code::Forbidden, "Only its owner or an admin of this server may do this.")
        }
    }
}
