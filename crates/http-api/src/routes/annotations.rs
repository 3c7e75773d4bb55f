//! What people say about holds: one hold or many.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use mastoc_domain::HoldId;
use mastoc_storage::annotations::{self, HoldAnnotations};
use mastoc_storage::{ReadConn, Viewer};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::answers;
use crate::auth::authorise;
use crate::body;
use crate::dto;
use crate::dto::annotation::{
    AnnotationInput, BatchJson, HoldAnnotationsJson, HoldIdsInput, hold_ids, patch,
};
use crate::errors::{ApiError, Problem};
use crate::fields::Fields;
use crate::policy::Action;
use crate::query::path;
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(batch).service(read).service(say).service(take_back);
}

fn of_hold(conn: &mut ReadConn<'_>, viewer: Viewer, id: HoldId) -> Result<HoldAnnotations, ApiError> {
    annotations::by_hold(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("hold"))
}

/// What people say about a hold: what most of them agree on, and what the caller says.
#[utoipa::path(tag = "annotations", params(("id" = i64, Path, description = "The hold.")),
    responses((status = 200, body = HoldAnnotationsJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/holds/{id}/annotations")]
async fn read(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id = HoldId(path(&req, "id", "a number")?);
    answers::json(&req, &access, move |conn, viewer| {
        dto::bytes(&HoldAnnotationsJson::from(&of_hold(conn, viewer, id)?))
    })
    .await
}

/// Says something about a hold. A field that is not sent stays; null and an empty text clear it.
///
/// Where nothing is left the annotation is gone. Notes are shown to nobody else.
#[utoipa::path(tag = "annotations", params(("id" = i64, Path, description = "The hold.")),
    request_body = AnnotationInput,
    responses((status = 200, body = HoldAnnotationsJson<'_>), (status = "default", body = Problem)))]
#[put("/api/holds/{id}/annotations")]
async fn say(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?.id;
    let id = HoldId(path(&req, "id", "a number")?);
    let mut fields = Fields::read(&req, &mut payload).await?;
    let patch = patch(&mut fields);
    fields.finish()?;
    writing::change(&access, move |conn| {
        annotations::put(conn, person, id, &patch).map_err(|error| match error {
            mastoc_storage::StoreError::NotFound => ApiError::not_found("hold"),
            error => error.into(),
        })?;
        dto::bytes(&HoldAnnotationsJson::from(&of_hold(conn, Viewer::Person(person), id)?))
    })
    .await
}

/// Takes back everything that the caller says about a hold.
#[utoipa::path(tag = "annotations", params(("id" = i64, Path, description = "The hold.")),
    responses((status = 204), (status = 404, body = Problem, description = "There is no such hold, or the caller says nothing about it."),
        (status = "default", body = Problem)))]
#[delete("/api/holds/{id}/annotations")]
async fn take_back(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?.id;
    let id = HoldId(path(&req, "id", "a number")?);
    writing::remove(&access, move |conn| {
        let had = annotations::remove(conn, person, id)?;
        if had { Ok(()) } else { Err(ApiError::not_found("annotation")) }
    })
    .await
}

/// What people say about many holds at once, at most 1,000. Ids that no hold has are left out.
#[utoipa::path(tag = "annotations", request_body = HoldIdsInput,
    responses((status = 200, body = BatchJson<'_>), (status = "default", body = Problem)))]
#[post("/api/holds/annotations/batch")]
async fn batch(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let bytes = body::read(&req, &mut payload, body::JSON_BYTES).await?;
    let sent = bytes.clone();
    answers::posted::json(&req, &access, &bytes, move |conn, viewer| {
        let mut fields = Fields::parse(sent)?;
        let ids = hold_ids(&mut fields);
        fields.finish()?;
        dto::bytes(&BatchJson::from(annotations::by_holds(conn, viewer, &ids)?.as_slice()))
    })
    .await
}
