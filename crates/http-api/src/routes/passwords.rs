//! Changing a password, and getting back in after forgetting it.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use mastoc_domain::email::Email;
use mastoc_storage::{accounts, resets};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::authorise;
use crate::blocking;
use crate::dto::login::{ConfirmBody, DoneJson, PasswordBody, ResetBody, TokenPairJson};
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::limits::Knock;
use crate::logins;
use crate::passwords::{self, Verdict};
use crate::policy::Action;
use crate::state::{self, State};
use crate::writing;

/// Ours are shorter.
const LONGEST_TOKEN: usize = 200;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(change).service(reset).service(confirm);
}

/// Changes the caller's password. Every login of theirs ends, this one too; the answer holds the tokens of a new one.
#[utoipa::path(tag = "accounts", request_body = PasswordBody,
    responses((status = 200, body = TokenPairJson<'_>), (status = "default", body = Problem)))]
#[post("/api/users/me/password")]
async fn change(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let current = logins::as_it_is(&mut fields, "current_password", logins::LONGEST_COMPARED);
    let new = logins::new_password(&mut fields, "new_password");
    fields.finish()?;
    let (Some(current), Some(new)) = (current, new) else {
        return Err(ApiError::internal("a field was neither read nor refused"));
    };
    let state = State::clone(&access.state);
    // Whoever got hold of a token is not to find the password by trying.
    state.limits.by_account(Knock::Login, &person.id.to_string())?;
    let asked = State::clone(&state);
    let account =
        blocking::run(move || Ok(asked.store.read(|conn| accounts::by_id(conn, person.id))?)).await?;
    let account = account.ok_or_else(|| ApiError::not_found("account"))?;
    let stored = account.password_hash.clone();
    let hash = logins::hashing(&state, move || match passwords::verify(stored.as_deref(), &current)? {
        Verdict::Wrong => Ok(None),
        Verdict::Right | Verdict::RightButWeak(_) => passwords::hash(&new).map(Some),
    })
    .await?
    .ok_or_else(|| ApiError::invalid_field("current_password", "is not right"))?;
    let device = logins::device(&req);
    writing::change(&access, move |conn| {
        accounts::set_password(conn, person.id, &hash)?;
        logins::open(conn, &state, person.id, device.as_deref())?.json(&account)
    })
    .await
}

/// Sends a link to choose a new password to whoever has an account with this address. The answer is the same where
/// nobody has.
#[utoipa::path(tag = "accounts", security(()), request_body = ResetBody,
    responses((status = 200, body = DoneJson), (status = "default", body = Problem)))]
#[post("/api/auth/reset-password")]
async fn reset(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let state = state::of(&req)?;
    let Some(mailer) = &state.mailer else {
        return Err(ApiError::new(
            Code::ResetUnavailable,
            "This server sends no e-mail: ask whoever runs it for a new password \
             (mastoc-server user reset-password).",
        ));
    };
    logins::knock(&req, &state, Knock::Reset)?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let email = fields.text("email", Email::MAX);
    let email = fields.required("email", email);
    fields.finish()?;
    let email = email.unwrap_or_default();
    state.limits.by_account(Knock::Reset, &email)?;
    let accept = req.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    // The thread that sends looks for the account: here nothing depends on whether there is one.
    mailer.reset(email, mailer.language(accept));
    logins::done("If there is an account with this address, an e-mail is on its way to it.")
}

/// Chooses a new password with the token of the e-mail, which works once. Every login of the person ends.
#[utoipa::path(tag = "accounts", security(()), request_body = ConfirmBody,
    responses((status = 200, body = DoneJson), (status = "default", body = Problem)))]
#[post("/api/auth/reset-password/confirm")]
async fn confirm(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let state = state::of(&req)?;
    logins::knock(&req, &state, Knock::Confirm)?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let token = fields.text("token", LONGEST_TOKEN);
    let token = fields.required("token", token);
    let new = logins::new_password(&mut fields, "new_password");
    fields.finish()?;
    let (Some(token), Some(new)) = (token, new) else {
        return Err(ApiError::internal("a field was neither read nor refused"));
    };
    let token = token.trim().to_owned();
    let worthless = || ApiError::invalid_field("token", "is not valid, was used already, or has expired");
    let (asked, shown) = (State::clone(&state), token.clone());
    // Nobody makes the server hash passwords with invented tokens.
    if !blocking::run(move || Ok(asked.store.read(|conn| resets::holds(conn, &shown))?)).await? {
        return Err(worthless());
    }
    let hash = logins::hashing(&state, move || passwords::hash(&new)).await?;
    let used = blocking::run(move || {
        state.store.write(|conn| {
            let Some(user) = resets::take(conn, &token)? else { return Ok(false) };
            accounts::set_password(conn, user, &hash)?;
            Ok::<_, ApiError>(true)
        })
    })
    .await?;
    if !used {
        return Err(worthless());
    }
    logins::done("The password is changed. Log in with it.")
}
