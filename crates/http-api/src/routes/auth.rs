//! Registering, logging in and out, and renewing a login.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use bytes::Bytes;
use mastoc_domain::UserId;
use mastoc_domain::access::AccountRole;
use mastoc_domain::email::Email;
use mastoc_domain::text::{PersonName, Username};
use mastoc_storage::accounts::{self, NewAccount, Registered};
use mastoc_storage::sessions;
use sha2::{Digest as _, Sha256};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::{self, Access, authorise};
use crate::blocking;
use crate::body;
use crate::dto;
use crate::dto::login::{DoneJson, LoginBody, RefreshBody, RegisterBody, RegisteredJson, TokenPairJson};
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::limits::Knock;
use crate::logins;
use crate::passwords::{self, Verdict};
use crate::policy::{Action, Caller};
use crate::settings::Registration;
use crate::state::{self, State};
use crate::tokens::Kind;
use crate::writing;

/// The longest name that is looked up.
const LONGEST_NAME: usize = 320;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(register).service(login).service(refresh).service(logout);
}

/// Makes an account. The answer is the same where the e-mail address has one already; its owner is told by e-mail. A
/// user name that is taken is told: names are public.
#[utoipa::path(tag = "accounts", security(()), request_body = RegisterBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same body, the request does nothing more and gets the same answer.", max_length = 200)),
    responses((status = 201, body = RegisteredJson<'_>), (status = "default", body = Problem)))]
#[post("/api/auth/register")]
async fn register(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let state = state::of(&req)?;
    if state.registration == Registration::Closed {
        return Err(ApiError::new(Code::RegistrationClosed, "Ask whoever runs this server for an account."));
    }
    logins::knock(&req, &state, Knock::Register)?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let text = |value: serde_json::Value| value.as_str().map(str::to_owned).ok_or("must be text".to_owned());
    let email = fields.field("email", |value| Email::parse(&text(value)?).map_err(|error| error.to_string()));
    let email = fields.required("email", email);
    let username =
        fields.field("username", |value| Username::parse(&text(value)?).map_err(|error| error.to_string()));
    let username = fields.required("username", username);
    let full_name = fields
        .field("full_name", |value| PersonName::parse(&text(value)?).map_err(|error| error.to_string()));
    let full_name = fields.required("full_name", full_name);
    let password = logins::new_password(&mut fields, "password");
    let body = Bytes::copy_from_slice(&state.tokens.name_of(&fields.bytes));
    fields.finish()?;
    let (Some(email), Some(username), Some(full_name), Some(password)) =
        (email, username, full_name, password)
    else {
        return Err(ApiError::internal("a field was neither read nor refused"));
    };
    state.limits.by_account(Knock::Register, email.as_str())?;
    let hash = logins::hashing(&state, move || passwords::hash(&password)).await?;
    // Whoever registers has no credentials yet: keys are told apart by the address that they are about.
    let about = Sha256::digest(email.as_str().to_lowercase());
    let credential = format!("register {}", uuid::Uuid::from_slice(about.split_at(16).0).unwrap_or_default());
    let access = Access { state: State::clone(&state), caller: Caller::Nobody, credential, data_version: 0 };
    let accept = req.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = state.mailer.as_ref().map(|mailer| mailer.language(accept)).unwrap_or_default();
    writing::create(&req, &access, &body, move |conn| {
        let account = NewAccount {
            email: email.as_str(),
            username: username.as_str(),
            full_name: full_name.as_str(),
            password_hash: &hash,
            role: AccountRole::User,
        };
        let id = match accounts::register(conn, &account)? {
            Registered::Created(id) => id,
            Registered::NameTaken => return Err(ApiError::invalid_field("username", "is taken")),
            Registered::AddressTaken => {
                if let Some(mailer) = &state.mailer {
                    mailer.taken(email.as_str().to_owned(), language);
                }
                UserId::generate()
            }
        };
        dto::bytes(&RegisteredJson::of(id, &email, &username, &full_name))
    })
    .await
}

/// Logs a person in. The body is a form, or JSON with the same fields; `username` is the e-mail address or the user
/// name. An unknown name, a wrong password and a closed account get the same answer.
#[utoipa::path(tag = "accounts", security(()),
    request_body(content((LoginBody = "application/x-www-form-urlencoded"), (LoginBody = "application/json"))),
    responses((status = 200, body = TokenPairJson<'_>), (status = "default", body = Problem)))]
#[post("/api/auth/login")]
async fn login(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let state = state::of(&req)?;
    logins::knock(&req, &state, Knock::Login)?;
    let bytes = body::read(&req, &mut payload, body::JSON_BYTES).await?;
    let mut fields = credentials(&req, bytes)?;
    let name = logins::as_it_is(&mut fields, "username", LONGEST_NAME);
    let password = logins::as_it_is(&mut fields, "password", logins::LONGEST_COMPARED);
    fields.finish()?;
    let (Some(name), Some(password)) = (name, password) else {
        return Err(ApiError::internal("a field was neither read nor refused"));
    };
    state.limits.by_account(Knock::Login, &name)?;
    let asked = State::clone(&state);
    let account = blocking::run(move || {
        // Nobody has such a name, and databases refuse some of these characters.
        if name.chars().any(char::is_control) {
            return Ok(None);
        }
        Ok(asked.store.read(|conn| accounts::by_login(conn, &name))?)
    })
    .await?;
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let verdict = logins::hashing(&state, move || passwords::verify(stored.as_deref(), &password)).await?;
    let Some(account) = account.filter(|account| account.is_active && verdict != Verdict::Wrong) else {
        return Err(logins::failed());
    };
    let device = logins::device(&req);
    let answer = blocking::run(move || {
        state.store.write(|conn| {
            // The password may have been changed, or the account closed, while it was compared.
            let now = accounts::by_id(conn, account.id)?;
            if !now.is_some_and(|now| now.is_active && now.password_hash == account.password_hash) {
                return Err(logins::failed());
            }
            if let (Verdict::RightButWeak(better), Some(weak)) = (&verdict, &account.password_hash) {
                accounts::rehash(conn, account.id, weak, better)?;
            }
            logins::open(conn, &state, account.id, device.as_deref())?.json(&account)
        })
    })
    .await?;
    Ok(writing::json(StatusCode::OK, answer))
}

/// The fields of a login. Existing clients send a form and may call it JSON, so the body itself tells.
fn credentials(req: &HttpRequest, bytes: Bytes) -> Result<Fields, ApiError> {
    let called =
        req.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let looks_like_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if bytes.is_empty() || (looks_like_json && !called.starts_with("application/x-www-form-urlencoded")) {
        return Fields::parse(bytes);
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| ApiError::new(Code::BadBody, "The body is neither a form nor JSON."))?;
    let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
        .map_err(|_| ApiError::new(Code::BadBody, "The body is neither a form nor JSON."))?;
    Ok(Fields::of(pairs.into_inner().into_iter().map(|(name, value)| (name, value.into())).collect()))
}

/// Exchanges a refresh token for a new pair; the old one is used up. A used one that comes again ends the whole login.
#[utoipa::path(tag = "accounts", security(()), request_body = RefreshBody,
    responses((status = 200, body = TokenPairJson<'_>), (status = "default", body = Problem)))]
#[post("/api/auth/refresh")]
async fn refresh(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let state = state::of(&req)?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let token = logins::as_it_is(&mut fields, "refresh_token", body::JSON_BYTES);
    fields.finish()?;
    let over = || {
        auth::challenge(ApiError::new(Code::TokenInvalid, "The refresh token is not valid or has expired."))
    };
    let claims = token.and_then(|token| state.tokens.read(Kind::Refresh, token.trim())).ok_or_else(over)?;
    let (user, session) = claims.login();
    let answer = blocking::run(move || {
        let pair = logins::Pair::sign(&state, user, session)?;
        // A replay ends the login: the transaction is kept also when nothing was renewed.
        let account = state.store.write(|conn| {
            let renewed = sessions::renew(conn, session, user, claims.jti, pair.refresh_id, pair.expires_at)?;
            if renewed { accounts::by_id(conn, user) } else { Ok(None) }
        })?;
        pair.json(&account.ok_or_else(over)?)
    })
    .await?;
    Ok(writing::json(StatusCode::OK, answer))
}

/// Ends the login that the request came with: its tokens are worthless from now on.
#[utoipa::path(tag = "accounts", responses((status = 200, body = DoneJson), (status = "default", body = Problem)))]
#[post("/api/auth/logout")]
async fn logout(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let state = State::clone(&access.state);
    blocking::run(move || Ok(state.store.write(|conn| sessions::end(conn, person.session, person.id))?))
        .await?;
    logins::done("Logged out.")
}
