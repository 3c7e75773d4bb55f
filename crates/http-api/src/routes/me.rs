//! One's own account: profile, export and deletion.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, web};
use mastoc_domain::text::{PersonName, Username};
use mastoc_domain::{Timestamp, UserId};
use mastoc_storage::leaving::{self, Left};
use mastoc_storage::{StoreError, accounts, own_data, people};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::avatars;
use crate::auth::{Access, authorise};
use crate::blocking;
use crate::dto;
use crate::dto::people::OwnAccountJson;
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::limits::Knock;
use crate::logins;
use crate::passwords::{self, MAX_PASSWORD_CHARS, Verdict};
use crate::policy::Action;
use crate::state::State;
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(export).service(show).service(rename).service(leave);
}

/// What of one's own account can be changed; fields that are not sent stay.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the body, which is read field by field")]
struct AccountChange {
    /// The name that others see.
    #[schema(min_length = 1, max_length = 255, nullable = false)]
    full_name: Option<String>,
    /// The name to log in with: 3 to 50 characters without '@', nobody else's, whatever its case.
    #[schema(min_length = 3, max_length = 50, pattern = "^[^@]*$", nullable = false)]
    username: Option<String>,
}

/// What it takes to leave.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the body, which is read field by field")]
struct Leaving {
    /// The password, once more.
    #[schema(max_length = 128)]
    password: String,
}

/// One's own account.
#[utoipa::path(tag = "people",
    responses((status = 200, body = OwnAccountJson<'_>), (status = "default", body = Problem)))]
#[get("/api/users/me")]
async fn show(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id = access.person()?.id;
    writing::fresh(&access, move |conn| own_account(conn, id)).await
}

fn own_account(conn: &mut mastoc_storage::ReadConn<'_>, id: UserId) -> Result<Vec<u8>, ApiError> {
    let account = people::account(conn, id)?.ok_or_else(|| ApiError::not_found("account"))?;
    dto::bytes(&OwnAccountJson::from(&account))
}

/// Changes one's own name, or the name to log in with.
#[utoipa::path(tag = "people", request_body = AccountChange,
    responses((status = 200, body = OwnAccountJson<'_>), (status = "default", body = Problem)))]
#[patch("/api/users/me")]
async fn rename(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id = access.person()?.id;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let full_name = fields.field("full_name", |value| {
        let text = value.as_str().ok_or("must be text")?;
        PersonName::parse(text).map_err(|error| error.to_string())
    });
    let full_name = fields.not_null("full_name", full_name);
    let username = fields.field("username", |value| {
        let text = value.as_str().ok_or("must be text")?;
        Username::parse(text).map_err(|error| error.to_string())
    });
    let username = fields.not_null("username", username);
    fields.finish()?;
    writing::change(&access, move |conn| {
        people::rename(conn, id, full_name.as_ref(), username.as_ref()).map_err(|error| match error {
            // Nothing else of what was written is unique.
            StoreError::Conflict { .. } => ApiError::invalid_field("username", "is taken"),
            error => error.into(),
        })?;
        own_account(conn, id)
    })
    .await
}

/// All that is kept of oneself, as one JSON file.
#[utoipa::path(tag = "people",
    responses((status = 200, body = Object, description = "The account, climbs set, personal fields, annotations, lists with their items, ascents, likes, bookmarks, comments, logins and claims."),
        (status = "default", body = Problem)))]
#[get("/api/users/me/export")]
async fn export(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id = access.person()?.id;
    let mut answer = writing::fresh(&access, move |conn| dto::bytes(&own_data::export(conn, id)?)).await?;
    let day: String = Timestamp::now().to_string().chars().take(10).collect();
    let name = format!("attachment; filename=\"mastoc-{day}.json\"");
    let name = HeaderValue::from_str(&name).map_err(|error| ApiError::internal(error.to_string()))?;
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(answer)
}

/// Closes one's own account. What is one's own alone goes: notes, lists, logbook, likes, annotations, private climbs.
/// Climbs that others see and comments stay, without a name.
#[utoipa::path(tag = "people", request_body = Leaving,
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/users/me")]
async fn leave(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id = access.person()?.id;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let password = fields.field("password", |value| match value {
        serde_json::Value::String(text) if text.chars().count() <= MAX_PASSWORD_CHARS => Ok(text),
        serde_json::Value::String(_) => Err(format!("has more than {MAX_PASSWORD_CHARS} characters")),
        _ => Err("must be text".to_owned()),
    });
    let password = fields.required("password", password);
    fields.finish()?;
    check_password(&access, id, password.unwrap_or_default()).await?;
    let media = State::clone(&access.state);
    writing::remove(&access, move |conn| match leaving::leave(conn, id)? {
        Left::Gone(picture) => avatars::drop_file(&media, picture),
        Left::LastAdmin => Err(last_admin()),
    })
    .await
}

/// What the last admin hears who wants to be none any more.
pub(super) fn last_admin() -> ApiError {
    ApiError::new(Code::Conflict, "This is the last active admin: make somebody else an admin first.")
}

/// Lets a person go on only with their password.
async fn check_password(access: &Access, id: UserId, password: String) -> Result<(), ApiError> {
    let state = State::clone(&access.state);
    // Whoever holds a stolen token guesses no faster than somebody without one.
    state.limits.by_account(Knock::Login, &format!("leave {id}"))?;
    let asked = State::clone(&state);
    let account = blocking::run(move || Ok(asked.store.read(|conn| accounts::by_id(conn, id))?)).await?;
    let stored = account.and_then(|account| account.password_hash);
    let verdict = logins::hashing(&state, move || passwords::verify(stored.as_deref(), &password)).await?;
    match verdict {
        Verdict::Wrong => Err(ApiError::invalid_field("password", "is not your password")),
        Verdict::Right | Verdict::RightButWeak(_) => Ok(()),
    }
}
