//! Gyms, walls and faces that are made here.

use actix_web::{HttpRequest, HttpResponse, delete, patch, post, web};
use mastoc_domain::sync_state::Source;
use mastoc_domain::{FaceId, GymId, WallId};
use mastoc_storage::boards::{self, Belonging, FacePatch};
use mastoc_storage::{ReadConn, StoreError, Viewer, WriteConn, faces, gyms, walls};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::{authorise, must_own};
use crate::dto;
use crate::dto::board::{FaceJson, GymJson, WallJson};
use crate::dto::board_edit::{
    self, FaceInput, FacePatchInput, GymInput, GymPatchInput, WallInput, WallPatchInput,
};
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::policy::{Action, Caller};
use crate::query::path;
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(create_gym).service(update_gym).service(delete_gym);
    config.service(create_wall).service(update_wall).service(delete_wall);
    config.service(create_face).service(update_face).service(delete_face);
}

/// Lets the caller go on if they own what was found.
///
/// # Errors
/// 404 when it was not found, 403 when it is not theirs.
pub(super) fn own(
    caller: &Caller,
    found: Result<Belonging, StoreError>,
    what: &str,
) -> Result<Belonging, ApiError> {
    let found = found.map_err(|error| match error {
        StoreError::NotFound => ApiError::not_found(what),
        error => error.into(),
    })?;
    must_own(caller, found.owner)?;
    Ok(found)
}

/// The same for what may only be changed where it was born.
///
/// # Errors
/// As [`own`]; 409 when it comes from Stokt.
pub(super) fn own_and_ours(
    caller: &Caller,
    found: Result<Belonging, StoreError>,
    what: &str,
) -> Result<(), ApiError> {
    let found = own(caller, found, what)?;
    if found.source == Source::Stokt {
        return Err(ApiError::new(
            Code::Conflict,
            format!(
                "This {what} comes from Stokt, and the next import would undo the change: change it there."
            ),
        ));
    }
    Ok(())
}

fn not_empty(what: &str) -> ApiError {
    ApiError::new(Code::Conflict, what)
}

fn gym_bytes(conn: &mut ReadConn<'_>, id: GymId) -> Result<Vec<u8>, ApiError> {
    let gym = gyms::by_id(conn, id)?.ok_or_else(|| ApiError::not_found("gym"))?;
    dto::bytes(&GymJson::from(&gym))
}

fn wall_bytes(conn: &mut ReadConn<'_>, id: WallId) -> Result<Vec<u8>, ApiError> {
    let wall = walls::by_id(conn, id)?.ok_or_else(|| ApiError::not_found("wall"))?;
    dto::bytes(&WallJson::from(&wall))
}

pub(super) fn face_bytes(conn: &mut ReadConn<'_>, viewer: Viewer, id: FaceId) -> Result<Vec<u8>, ApiError> {
    let face = faces::by_id(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("face"))?;
    dto::bytes(&FaceJson::from(&face))
}

/// Makes a gym, such as a home wall (fr. *pan personnel*). Whoever makes it owns it.
#[utoipa::path(tag = "boards", params(("idempotency-key" = Option<String>, Header, description = "Sent again with the same key, the request makes nothing more and gets the same answer.", min_length = 1, max_length = 200)),
    request_body = GymInput, responses((status = 201, body = GymJson<'_>), (status = "default", body = Problem)))]
#[post("/api/gyms")]
async fn create_gym(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let gym = board_edit::gym(&mut fields, true);
    let bytes = fields.bytes.clone();
    fields.finish()?;
    let owner = access.maybe_person().map(|person| person.id);
    writing::create(&req, &access, &bytes, move |conn| {
        let id = boards::create_gym(conn, owner, &gym)?;
        gym_bytes(conn, id)
    })
    .await
}

/// Changes what one's gym says about itself.
#[utoipa::path(tag = "boards", params(("id" = Uuid, Path, description = "The gym.")), request_body = GymPatchInput,
    responses((status = 200, body = GymJson<'_>), (status = 409, body = Problem, description = "It comes from Stokt."), (status = "default", body = Problem)))]
#[patch("/api/gyms/{id}")]
async fn update_gym(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id: GymId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let gym = board_edit::gym(&mut fields, false);
    fields.finish()?;
    let caller = access.caller.clone();
    writing::change(&access, move |conn| {
        own_and_ours(&caller, boards::of_gym(conn, id), "gym")?;
        boards::update_gym(conn, id, &gym)?;
        gym_bytes(conn, id)
    })
    .await
}

/// Removes one's gym once nothing is in it: no walls, no faces, no lists.
#[utoipa::path(tag = "boards", params(("id" = Uuid, Path, description = "The gym.")),
    responses((status = 204), (status = 409, body = Problem, description = "Something is in it, or it comes from Stokt."), (status = "default", body = Problem)))]
#[delete("/api/gyms/{id}")]
async fn delete_gym(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id: GymId = path(&req, "id", "a UUID")?;
    let caller = access.caller.clone();
    writing::remove(&access, move |conn| {
        own_and_ours(&caller, boards::of_gym(conn, id), "gym")?;
        let was_empty = boards::delete_gym(conn, id)?;
        if was_empty {
            Ok(())
        } else {
            Err(not_empty("There are walls, faces or lists in this gym; remove those first."))
        }
    })
    .await
}

/// Makes a wall in one's gym.
#[utoipa::path(tag = "boards", params(("id" = Uuid, Path, description = "The gym."),
        ("idempotency-key" = Option<String>, Header, description = "Sent again with the same key, the request makes nothing more and gets the same answer.", min_length = 1, max_length = 200)),
    request_body = WallInput, responses((status = 201, body = WallJson<'_>), (status = "default", body = Problem)))]
#[post("/api/gyms/{id}/walls")]
async fn create_wall(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let gym: GymId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let wall = board_edit::wall(&mut fields, true);
    let bytes = fields.bytes.clone();
    fields.finish()?;
    let caller = access.caller.clone();
    writing::create(&req, &access, &bytes, move |conn| {
        own(&caller, boards::of_gym(conn, gym), "gym")?;
        let id = boards::create_wall(conn, gym, &wall)?;
        wall_bytes(conn, id)
    })
    .await
}

/// Changes what a wall of one's gym says about itself.
#[utoipa::path(tag = "boards", params(("id" = Uuid, Path, description = "The wall.")), request_body = WallPatchInput,
    responses((status = 200, body = WallJson<'_>), (status = 409, body = Problem, description = "It comes from Stokt."), (status = "default", body = Problem)))]
#[patch("/api/walls/{id}")]
async fn update_wall(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id: WallId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let wall = board_edit::wall(&mut fields, false);
    fields.finish()?;
    let caller = access.caller.clone();
    writing::change(&access, move |conn| {
        own_and_ours(&caller, boards::of_wall(conn, id), "wall")?;
        boards::update_wall(conn, id, &wall)?;
        wall_bytes(conn, id)
    })
    .await
}

/// Removes a wall of one's gym once no face shows it.
#[utoipa::path(tag = "boards", params(("id" = Uuid, Path, description = "The wall.")),
    responses((status = 204), (status = 409, body = Problem, description = "A face shows it, or it comes from Stokt."), (status = "default", body = Problem)))]
#[delete("/api/walls/{id}")]
async fn delete_wall(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id: WallId = path(&req, "id", "a UUID")?;
    let caller = access.caller.clone();
    writing::remove(&access, move |conn| {
        own_and_ours(&caller, boards::of_wall(conn, id), "wall")?;
        let was_unused = boards::delete_wall(conn, id)?;
        if was_unused { Ok(()) } else { Err(not_empty("A face shows this wall; remove that first.")) }
    })
    .await
}

/// Insists that the wall of a face is in the face's gym.
fn same_gym(conn: &mut WriteConn<'_>, gym: GymId, face: &FacePatch) -> Result<(), ApiError> {
    let Some(wall) = face.wall_id.flatten() else { return Ok(()) };
    let found = walls::by_id(conn, wall)?.filter(|found| found.gym_id == gym);
    found.map(|_| ()).ok_or_else(|| ApiError::invalid_field("wall_id", "is no wall of this gym"))
}

/// Makes a face in one's gym. Its picture is sent after it, then its holds.
#[utoipa::path(tag = "boards", params(("idempotency-key" = Option<String>, Header, description = "Sent again with the same key, the request makes nothing more and gets the same answer.", min_length = 1, max_length = 200)),
    request_body = FaceInput, responses((status = 201, body = FaceJson<'_>), (status = "default", body = Problem)))]
#[post("/api/faces")]
async fn create_face(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let gym = board_edit::gym_of_face(&mut fields);
    let face = board_edit::face(&mut fields);
    let bytes = fields.bytes.clone();
    fields.finish()?;
    let gym = gym.ok_or_else(|| ApiError::invalid_field("gym_id", "is needed"))?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::create(&req, &access, &bytes, move |conn| {
        own(&caller, boards::of_gym(conn, gym), "gym")?;
        same_gym(conn, gym, &face)?;
        let id = boards::create_face(conn, gym, &face)?;
        face_bytes(conn, viewer, id)
    })
    .await
}

/// Changes what a face of one's gym says about itself.
#[utoipa::path(tag = "boards", params(("id" = Uuid, Path, description = "The face.")), request_body = FacePatchInput,
    responses((status = 200, body = FaceJson<'_>), (status = 409, body = Problem, description = "It comes from Stokt."), (status = "default", body = Problem)))]
#[patch("/api/faces/{id}")]
async fn update_face(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id: FaceId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let face = board_edit::face(&mut fields);
    fields.finish()?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::change(&access, move |conn| {
        own_and_ours(&caller, boards::of_face(conn, id), "face")?;
        let gym = faces::by_id(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("face"))?.gym_id;
        same_gym(conn, gym, &face)?;
        boards::update_face(conn, id, &face)?;
        face_bytes(conn, viewer, id)
    })
    .await
}

/// Removes a face of one's gym, with its holds and what people said about them, unless there are climbs on it.
#[utoipa::path(tag = "boards", params(("id" = Uuid, Path, description = "The face.")),
    responses((status = 204), (status = 409, body = Problem, description = "There are climbs on it, or it comes from Stokt."), (status = "default", body = Problem)))]
#[delete("/api/faces/{id}")]
async fn delete_face(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id: FaceId = path(&req, "id", "a UUID")?;
    let caller = access.caller.clone();
    writing::remove(&access, move |conn| {
        own_and_ours(&caller, boards::of_face(conn, id), "face")?;
        let was_unused = boards::delete_face(conn, id)?;
        if was_unused {
            Ok(())
        } else {
            Err(not_empty("There are climbs on this face; say that it is not in use instead."))
        }
    })
    .await
}
