//! Likes and bookmarks of our own, and how often a climb was liked, commented and climbed here.

use actix_web::{HttpRequest, HttpResponse, delete, get, put};
use mastoc_domain::ClimbId;
use mastoc_storage::{ReadConn, StoreError, Viewer, WriteConn, social};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use crate::answers;
use crate::auth::authorise;
use crate::dto;
use crate::dto::social::{BookmarkJson, BookmarkPage, SocialJson};
use crate::errors::{ApiError, Problem, missing};
use crate::policy::Action;
use crate::query::{Query, path};
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(of_climb).service(like).service(unlike).service(bookmark).service(unbookmark);
    config.service(bookmarks);
}

fn bytes_of(conn: &mut ReadConn<'_>, viewer: Viewer, climb: ClimbId) -> Result<Vec<u8>, ApiError> {
    let found = social::by_ids(conn, viewer, &[climb])?;
    dto::bytes(&SocialJson::from(found.first().ok_or_else(|| ApiError::not_found("climb"))?))
}

/// What happened to a climb here. Stokt's own counters stand in the climb.
#[utoipa::path(tag = "social", params(("id" = Uuid, Path, description = "The climb.")),
    responses((status = 200, body = SocialJson), (status = 304), (status = "default", body = Problem)))]
#[get("/api/climbs/{id}/social")]
async fn of_climb(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let climb: ClimbId = path(&req, "id", "a UUID")?;
    answers::json(&req, &access, move |conn, viewer| bytes_of(conn, viewer, climb)).await
}

type Deed = fn(&mut WriteConn<'_>, mastoc_domain::UserId, ClimbId) -> Result<(), StoreError>;

async fn does(req: &HttpRequest, deed: Deed) -> Result<HttpResponse, ApiError> {
    let access = authorise(req, Action::Participate).await?;
    let person = access.person()?;
    let climb: ClimbId = path(req, "id", "a UUID")?;
    writing::change(&access, move |conn| {
        deed(conn, person.id, climb).map_err(missing("climb"))?;
        bytes_of(conn, Viewer::Person(person.id), climb)
    })
    .await
}

async fn undoes(req: &HttpRequest, deed: Deed) -> Result<HttpResponse, ApiError> {
    let access = authorise(req, Action::Participate).await?;
    let person = access.person()?;
    let climb: ClimbId = path(req, "id", "a UUID")?;
    writing::remove(&access, move |conn| deed(conn, person.id, climb).map_err(missing("climb"))).await
}

/// Likes a climb; again changes nothing.
#[utoipa::path(tag = "social", params(("id" = Uuid, Path, description = "The climb.")),
    responses((status = 200, body = SocialJson), (status = "default", body = Problem)))]
#[put("/api/climbs/{id}/like")]
async fn like(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    does(&req, social::like).await
}

/// Likes a climb no longer.
#[utoipa::path(tag = "social", params(("id" = Uuid, Path, description = "The climb.")),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/climbs/{id}/like")]
async fn unlike(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    undoes(&req, social::unlike).await
}

/// Bookmarks a climb, for the caller alone; again changes nothing.
#[utoipa::path(tag = "social", params(("id" = Uuid, Path, description = "The climb.")),
    responses((status = 200, body = SocialJson), (status = "default", body = Problem)))]
#[put("/api/climbs/{id}/bookmark")]
async fn bookmark(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    does(&req, social::bookmark).await
}

/// Takes the caller's bookmark away.
#[utoipa::path(tag = "social", params(("id" = Uuid, Path, description = "The climb.")),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/climbs/{id}/bookmark")]
async fn unbookmark(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    undoes(&req, social::unbookmark).await
}

/// The climbs that the caller bookmarked and still sees, the latest bookmark first.
#[utoipa::path(tag = "social", params(
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = BookmarkPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/users/me/bookmarks")]
async fn bookmarks(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let mut query = Query::of(&req);
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, _| {
        let found = social::bookmarks(conn, person.id, page.offset(), page.size)?;
        let count = social::bookmarks_count(conn, person.id)?;
        let results = found.iter().map(BookmarkJson::from).collect();
        dto::bytes(&BookmarkPage { results, count, page: page.page, page_size: page.size })
    })
    .await
}
