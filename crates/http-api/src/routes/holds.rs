//! Holds.

use actix_web::{HttpRequest, HttpResponse, get};
use mastoc_domain::{FaceId, HoldId, StoktHoldId};
use mastoc_storage::holds;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::answers;
use crate::auth::authorise;
use crate::dto;
use crate::dto::board::{HoldJson, HoldList};
use crate::errors::{ApiError, Problem};
use crate::policy::Action;
use crate::query::{Query, path};

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(by_stokt_id).service(by_id);
}

/// The holds of a face in its current version, by id.
#[utoipa::path(tag = "holds", params(("face_id" = Uuid, Query, description = "The face.")),
    responses((status = 200, body = HoldList<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/holds")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let mut query = Query::of(&req);
    let face: Option<FaceId> = query.value("face_id", "a UUID");
    query.finish()?;
    let face = face.ok_or_else(|| ApiError::invalid_field("face_id", "say which face"))?;
    answers::json(&req, &access, move |conn, _viewer| {
        let holds = holds::by_face(conn, face)?;
        dto::bytes(&HoldList { count: holds.len(), results: holds.iter().map(HoldJson::from).collect() })
    })
    .await
}

/// One hold, in the current version of its face.
#[utoipa::path(tag = "holds", params(("id" = i64, Path, description = "Our id, which is Stokt's for an imported hold.")),
    responses((status = 200, body = HoldJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/holds/{id}")]
async fn by_id(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id = HoldId(path(&req, "id", "a number")?);
    answers::json(&req, &access, move |conn, _viewer| {
        let hold = holds::by_id(conn, id)?.ok_or_else(|| ApiError::not_found("hold"))?;
        dto::bytes(&HoldJson::from(&hold))
    })
    .await
}

/// One hold by Stokt's id.
#[utoipa::path(tag = "holds", params(("stokt_id" = i64, Path, description = "Stokt's id.")),
    responses((status = 200, body = HoldJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/holds/by-stokt-id/{stokt_id}")]
async fn by_stokt_id(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let number: i64 = path(&req, "stokt_id", "a number")?;
    let id = StoktHoldId::new(number).ok_or_else(|| ApiError::not_found("hold"))?;
    answers::json(&req, &access, move |conn, _viewer| {
        let hold = holds::by_stokt_id(conn, id)?.ok_or_else(|| ApiError::not_found("hold"))?;
        dto::bytes(&HoldJson::from(&hold))
    })
    .await
}
