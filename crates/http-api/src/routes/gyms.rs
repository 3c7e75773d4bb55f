//! Gyms.

use actix_web::{HttpRequest, HttpResponse, get};
use mastoc_domain::GymId;
use mastoc_storage::{gyms, walls};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::answers;
use crate::auth::authorise;
use crate::dto;
use crate::dto::board::{GymJson, GymList, GymWithWalls, WallJson};
use crate::dto::summary::GymSummaryJson;
use crate::errors::{ApiError, Problem};
use crate::policy::Action;
use crate::query::path;

/// How many of the newest climbs a summary shows.
const NEWEST: i64 = 10;
/// How many of the busiest setters a summary shows.
const BUSIEST: i64 = 20;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(by_id).service(get_summary);
}

/// All gyms; by name, then by id.
#[utoipa::path(tag = "gyms", responses((status = 200, body = GymList<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/gyms")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    answers::json(&req, &access, |conn, _viewer| {
        let all = gyms::list(conn)?;
        dto::bytes(&GymList { count: all.len(), results: all.iter().map(GymJson::from).collect() })
    })
    .await
}

/// One gym with its walls; those by name, then by id.
#[utoipa::path(tag = "gyms", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 200, body = GymWithWalls<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/gyms/{id}")]
async fn by_id(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: GymId = path(&req, "id", "a UUID")?;
    answers::json(&req, &access, move |conn, _viewer| {
        let gym = gyms::by_id(conn, id)?.ok_or_else(|| ApiError::not_found("gym"))?;
        let walls = walls::list(conn, Some(id))?;
        dto::bytes(&GymWithWalls {
            gym: GymJson::from(&gym),
            walls: walls.iter().map(WallJson::from).collect(),
        })
    })
    .await
}

/// A gym at a glance: counts, how many climbs of each grade (the easiest first), the newest climbs, and who set most
/// (most first). Only what the caller may see counts.
#[utoipa::path(tag = "gyms", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 200, body = GymSummaryJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/gyms/{id}/summary")]
async fn get_summary(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: GymId = path(&req, "id", "a UUID")?;
    answers::json(&req, &access, move |conn, viewer| {
        let summary = gyms::summary(conn, viewer, id, NEWEST, BUSIEST)?;
        let summary = summary.ok_or_else(|| ApiError::not_found("gym"))?;
        dto::bytes(&GymSummaryJson::from(&summary))
    })
    .await
}
