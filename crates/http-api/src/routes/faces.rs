//! Faces and their setup: picture and holds.

use actix_web::{HttpRequest, HttpResponse, get};
use mastoc_domain::{FaceId, GymId, StoktId};
use mastoc_storage::faces;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::answers;
use crate::auth::authorise;
use crate::dto;
use crate::dto::board::{FaceJson, FaceSetupJson};
use crate::errors::{ApiError, Problem};
use crate::policy::Action;
use crate::query::{Query, path};

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(setup_by_stokt_id).service(get_setup).service(by_id);
}

/// All faces, or those of a gym; in the order in which they came here, which is that of their ids.
#[utoipa::path(tag = "faces", params(("gym_id" = Option<Uuid>, Query, description = "Only this gym's.")),
    responses((status = 200, body = Vec<FaceJson<'_>>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/faces")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let mut query = Query::of(&req);
    let gym: Option<GymId> = query.value("gym_id", "a UUID");
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        let faces = faces::list(conn, viewer, gym)?;
        dto::bytes(&faces.iter().map(FaceJson::from).collect::<Vec<_>>())
    })
    .await
}

/// One face.
#[utoipa::path(tag = "faces", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 200, body = FaceJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/faces/{id}")]
async fn by_id(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: FaceId = path(&req, "id", "a UUID")?;
    answers::json(&req, &access, move |conn, viewer| {
        let face = faces::by_id(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("face"))?;
        dto::bytes(&FaceJson::from(&face))
    })
    .await
}

/// Everything that drawing a face needs; holds by id. Climbs are drawn in the version that they were set on.
#[utoipa::path(tag = "faces", params(("id" = Uuid, Path, description = "Our id."),
        ("version" = Option<i32>, Query, description = "One of the face's versions; the shown one by default.", minimum = 1)),
    responses((status = 200, body = FaceSetupJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/faces/{id}/setup")]
async fn get_setup(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: FaceId = path(&req, "id", "a UUID")?;
    let mut query = Query::of(&req);
    let version: Option<i32> = query.number("version", 1..=i32::MAX);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        let (setup, what) = match version {
            None => (faces::setup(conn, viewer, id)?, "face"),
            Some(version) => (faces::setup_of_version(conn, viewer, id, version)?, "version of a face"),
        };
        let setup = setup.ok_or_else(|| ApiError::not_found(what))?;
        dto::bytes(&FaceSetupJson::new(&setup.face, &setup.holds))
    })
    .await
}

/// Everything that drawing a face needs, by Stokt's id of the face; holds by id.
#[utoipa::path(tag = "faces", params(("stokt_id" = Uuid, Path, description = "Stokt's id.")),
    responses((status = 200, body = FaceSetupJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/faces/by-stokt-id/{stokt_id}/setup")]
async fn setup_by_stokt_id(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let stokt_id: StoktId = path(&req, "stokt_id", "a UUID")?;
    answers::json(&req, &access, move |conn, viewer| {
        let setup = faces::setup_by_stokt_id(conn, viewer, stokt_id)?;
        let setup = setup.ok_or_else(|| ApiError::not_found("face"))?;
        dto::bytes(&FaceSetupJson::new(&setup.face, &setup.holds))
    })
    .await
}
