//! A person's logins: listing and revoking them.

use actix_web::{HttpRequest, HttpResponse, delete, get};
use mastoc_domain::SessionId;
use mastoc_storage::sessions;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use crate::auth::authorise;
use crate::dto;
use crate::dto::login::{SessionJson, SessionPageJson};
use crate::errors::{ApiError, Problem};
use crate::policy::Action;
use crate::query::{Query, path};
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(end_others).service(end_one);
}

/// The caller's logins that hold, the last renewed first.
#[utoipa::path(tag = "accounts",
    params(
        ("page" = Option<i64>, Query, minimum = 1, description = "From 1."),
        ("page_size" = Option<i64>, Query, minimum = 1, maximum = 500, description = "50 unless asked otherwise."),
    ),
    responses((status = 200, body = SessionPageJson<'_>), (status = "default", body = Problem)))]
#[get("/api/auth/sessions")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let mut query = Query::of(&req);
    let page = Page::read(&mut query);
    query.finish()?;
    writing::fresh(&access, move |conn| {
        let (logins, count) = sessions::of_person(conn, person.id, page.offset(), page.size)?;
        let results = logins.iter().map(|login| SessionJson::of(login, person.session)).collect();
        dto::bytes(&SessionPageJson { results, count, page: page.page, page_size: page.size })
    })
    .await
}

/// Ends all of the caller's logins but the one that the request came with.
#[utoipa::path(tag = "accounts", responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/auth/sessions")]
async fn end_others(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    writing::remove(&access, move |conn| {
        sessions::end_all(conn, person.id, Some(person.session))?;
        Ok(())
    })
    .await
}

/// Ends one of the caller's logins, which may be the one that the request came with.
#[utoipa::path(tag = "accounts", params(("id" = Uuid, Path, description = "The login's id.")),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/auth/sessions/{id}")]
async fn end_one(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let id: SessionId = path(&req, "id", "a UUID")?;
    writing::remove(&access, move |conn| {
        if sessions::end(conn, id, person.id)? { Ok(()) } else { Err(ApiError::not_found("login")) }
    })
    .await
}
