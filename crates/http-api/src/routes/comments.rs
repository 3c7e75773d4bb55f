//! Comments on climbs.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use mastoc_domain::{ClimbId, CommentId};
use mastoc_storage::comments::{self, Comment};
use mastoc_storage::{ReadConn, Viewer, climbs};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use crate::answers;
use crate::auth::{authorise, must_be, must_own};
use crate::dto;
use crate::dto::comment::{CommentInput, CommentJson, CommentPage};
use crate::errors::{ApiError, Problem, missing};
use crate::fields::Fields;
use crate::policy::Action;
use crate::query::{Query, path};
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(change).service(remove);
}

fn seen(conn: &mut ReadConn<'_>, viewer: Viewer, id: CommentId) -> Result<Comment, ApiError> {
    comments::by_id(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("comment"))
}

/// The comments on a climb, in the order in which they were written.
#[utoipa::path(tag = "social", params(
        ("id" = Uuid, Path, description = "The climb."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = CommentPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/climbs/{id}/comments")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let climb: ClimbId = path(&req, "id", "a UUID")?;
    let mut query = Query::of(&req);
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        if climbs::by_id(conn, viewer, climb)?.is_none() {
            return Err(ApiError::not_found("climb"));
        }
        let found = comments::page(conn, viewer, climb, page.offset(), page.size)?;
        let count = comments::count(conn, climb)?;
        let results = found.iter().map(CommentJson::from).collect();
        dto::bytes(&CommentPage { results, count, page: page.page, page_size: page.size })
    })
    .await
}

/// Comments on a climb.
#[utoipa::path(tag = "social", request_body = CommentInput, params(
        ("id" = Uuid, Path, description = "The climb."),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again within a day, the same request makes nothing more."),
    ),
    responses((status = 201, body = CommentJson<'_>), (status = "default", body = Problem)))]
#[post("/api/climbs/{id}/comments")]
async fn create(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let climb: ClimbId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let text = dto::comment::text(&mut fields);
    let body = fields.bytes.clone();
    fields.finish()?;
    writing::create(&req, &access, &body, move |conn| {
        let id = comments::create(conn, person.id, climb, &text).map_err(missing("climb"))?;
        dto::bytes(&CommentJson::from(&seen(conn, Viewer::Person(person.id), id)?))
    })
    .await
}

/// Changes a comment; only its writer may.
#[utoipa::path(tag = "social", params(("id" = Uuid, Path, description = "The comment.")), request_body = CommentInput,
    responses((status = 200, body = CommentJson<'_>), (status = "default", body = Problem)))]
#[patch("/api/comments/{id}")]
async fn change(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: CommentId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let text = dto::comment::text(&mut fields);
    fields.finish()?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::change(&access, move |conn| {
        let comment = seen(conn, viewer, id)?;
        must_be(&caller, Some(comment.user_id))?;
        comments::update(conn, &comment, &text).map_err(missing("comment"))?;
        dto::bytes(&CommentJson::from(&seen(conn, viewer, id)?))
    })
    .await
}

/// Deletes a comment; its writer may, and admins.
#[utoipa::path(tag = "social", params(("id" = Uuid, Path, description = "The comment.")),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/comments/{id}")]
async fn remove(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: CommentId = path(&req, "id", "a UUID")?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::remove(&access, move |conn| {
        let comment = seen(conn, viewer, id)?;
        must_own(&caller, Some(comment.user_id))?;
        comments::delete(conn, &comment).map_err(missing("comment"))
    })
    .await
}
