//! Pictures and holds of faces that are made here, and their versions.

use actix_web::{HttpRequest, HttpResponse, get, patch, post, put, web};
use bytes::Bytes;
use mastoc_domain::{FaceId, HoldId};
use mastoc_media::{ImageLimits, Sha256Hex, redraw};
use mastoc_storage::climbs::{self, ClimbFilter, ClimbSort, HoldMatch};
use mastoc_storage::face_building::{self, Shown};
use mastoc_storage::import::pictures::VerifiedImage;
use mastoc_storage::{ReadConn, boards, holds};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use super::boards::{face_bytes, own, own_and_ours};
use crate::answers;
use crate::auth::{Access, authorise};
use crate::blocking;
use crate::body;
use crate::dto;
use crate::dto::board::{FaceJson, HoldJson, HoldList};
use crate::dto::board_edit::{self, FaceVersionJson, FaceVersionList, HoldInput, HoldsInput};
use crate::dto::climb::{ClimbJson, ClimbPage};
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::policy::Action;
use crate::query::{Query, path};
use crate::state::State;
use crate::writing;

/// The header that announces what is sent.
const HASH_HEADER: &str = "x-content-sha256";
/// The largest picture that a person sends, in bytes; it is held in memory while it is drawn anew.
const PICTURE_BYTES: usize = 16 * 1024 * 1024;
/// The longest side of a picture as it is kept, in pixels: more than twice the real board's.
const LONGEST_SIDE: u32 = 6_000;
/// The largest body of holds, in bytes: 2,000 of them with a thousand characters each.
const HOLDS_BYTES: usize = 2 * 1024 * 1024;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(put_picture).service(list_versions).service(add_holds);
    config.service(draw_again).service(retire).service(restore).service(climbs_of);
}

/// Reads a picture and draws it anew, so that nothing of what else was in the file is kept; it is on disk then.
async fn drawn_anew(
    req: &HttpRequest,
    access: &Access,
    payload: &mut web::Payload,
) -> Result<VerifiedImage, ApiError> {
    let state = State::clone(&access.state);
    let limit = PICTURE_BYTES.min(usize::try_from(state.image_limits.max_bytes).unwrap_or(PICTURE_BYTES));
    let announced: Option<Sha256Hex> = match req.headers().get(HASH_HEADER) {
        None => None,
        Some(value) => {
            let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
            let refused = |_| {
                ApiError::invalid_field(
                    HASH_HEADER,
                    "must be the SHA-256 of the body as 64 hexadecimal digits",
                )
            };
            Some(text.parse().map_err(refused)?)
        }
    };
    // Turns bound how many pictures are in memory, and how many are decoded at once.
    let turn = access.state.uploads.acquire().await.map_err(|_| ApiError::internal("uploads are closed"))?;
    let sent: Bytes = body::read(req, payload, limit).await?;
    let drawing =
        access.state.drawings.acquire().await.map_err(|_| ApiError::internal("drawings are closed"))?;
    let kept = blocking::run(move || {
        if announced.is_some_and(|announced| announced != Sha256Hex::of(&sent)) {
            return Err(ApiError::new(Code::BadPicture, "The body is not what X-Content-SHA256 announces."));
        }
        let drawn = redraw(&sent, state.image_limits.max_pixels, LONGEST_SIDE)?;
        drop(sent);
        // What was drawn here may be larger than what was sent.
        let limits = ImageLimits { max_bytes: u64::MAX, ..state.image_limits };
        let checked = state.media.check(&drawn, limits, None)?;
        let kept = state.media.keep_all(vec![checked])?;
        kept.into_iter().next().ok_or_else(|| ApiError::internal("no picture was kept"))
    })
    .await?;
    drop((turn, drawing));
    Ok(VerifiedImage {
        sha256: kept.sha256.to_string(),
        media_type: kept.kind.mime().to_owned(),
        width: kept.width,
        height: kept.height,
        size_bytes: kept.size_bytes,
    })
}

/// Gives a face of one's gym a picture: JPEG, PNG or WebP, at most 16 MiB.
///
/// It is drawn anew, so that places and other data in the file are not kept, and at most 6,000 pixels wide and high.
/// Where the face has holds or climbs, this makes a new version of it, which is shown at once: the holds in use are
/// copied to it (moved along if the size differs) and can be drawn anew there, and climbs keep the version that they
/// were set on. The picture that is there already changes nothing.
#[utoipa::path(tag = "boards", params(("id" = Uuid, Path, description = "The face."),
        ("x-content-sha256" = Option<String>, Header, description = "SHA-256 of the body, as 64 hexadecimal digits; checked if sent.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = FaceJson<'_>), (status = 409, body = Problem, description = "The face comes from Stokt."), (status = "default", body = Problem)))]
#[put("/api/faces/{id}/picture")]
async fn put_picture(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id: FaceId = path(&req, "id", "a UUID")?;
    let (caller, state) = (access.caller.clone(), State::clone(&access.state));
    // Nobody sends megabytes to be told that the face is not theirs.
    blocking::run(move || state.store.read(|conn| own_and_ours(&caller, boards::of_face(conn, id), "face")))
        .await?;
    let image = drawn_anew(&req, &access, &mut payload).await?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::change(&access, move |conn| {
        own_and_ours(&caller, boards::of_face(conn, id), "face")?;
        face_building::set_picture(conn, id, &image)?;
        face_bytes(conn, viewer, id)
    })
    .await
}

/// The versions of a face: its pictures one after the other, the first one first.
#[utoipa::path(tag = "faces", params(("id" = Uuid, Path, description = "The face.")),
    responses((status = 200, body = FaceVersionList<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/faces/{id}/versions")]
async fn list_versions(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: FaceId = path(&req, "id", "a UUID")?;
    answers::json(&req, &access, move |conn, viewer| {
        let versions = face_building::versions(conn, viewer, id)?;
        if versions.is_empty() {
            return Err(ApiError::not_found("face"));
        }
        let results = versions.iter().map(FaceVersionJson::from).collect();
        dto::bytes(&FaceVersionList { results, count: versions.len() })
    })
    .await
}

/// The size of the picture that holds are drawn in.
fn picture_of(shown: Shown) -> Result<(u32, u32), ApiError> {
    let none = "This face has no picture yet: send that first, since holds are drawn in its pixels.";
    shown.size.ok_or_else(|| ApiError::new(Code::Conflict, none))
}

/// Puts holds on a face of one's gym, at most 2,000 at once: all of them, or none where one of them is refused.
///
/// Each is drawn by its outline; centre, area, wider outlines and tape lines are made of that. They are numbered from
/// 1,000,000,000 up, in the order sent.
#[utoipa::path(tag = "boards", params(("id" = Uuid, Path, description = "The face."),
        ("idempotency-key" = Option<String>, Header, description = "Sent again with the same key, the request makes nothing more and gets the same answer.", min_length = 1, max_length = 200)),
    request_body = HoldsInput,
    responses((status = 201, body = HoldList<'_>), (status = 409, body = Problem, description = "The face comes from Stokt, or has no picture yet."), (status = "default", body = Problem)))]
#[post("/api/faces/{id}/holds")]
async fn add_holds(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id: FaceId = path(&req, "id", "a UUID")?;
    let bytes = body::read(&req, &mut payload, HOLDS_BYTES).await?;
    let mut fields = Fields::parse(bytes.clone())?;
    let outlines = board_edit::outlines(&mut fields);
    fields.finish()?;
    let caller = access.caller.clone();
    writing::create(&req, &access, &bytes, move |conn| {
        own_and_ours(&caller, boards::of_face(conn, id), "face")?;
        let shown = face_building::hold_still(conn, id)?;
        let size = picture_of(shown)?;
        let mut refused = Fields::default();
        let drawn: Vec<_> = outlines
            .iter()
            .enumerate()
            .filter_map(|(index, outline)| {
                board_edit::draw(&mut refused, &format!("holds.{index}.polygon_str"), outline, size)
            })
            .collect();
        refused.finish()?;
        let ids = face_building::add_holds(conn, shown, drawn)?;
        let made = holds::by_ids(conn, &ids)?;
        dto::bytes(&HoldList { count: made.len(), results: made.iter().map(HoldJson::from).collect() })
    })
    .await
}

fn hold_bytes(conn: &mut ReadConn<'_>, id: HoldId) -> Result<Vec<u8>, ApiError> {
    let hold = holds::by_id(conn, id)?.ok_or_else(|| {
        ApiError::new(
            Code::Conflict,
            "The hold is not in the shown version of its face: draw it there first.",
        )
    })?;
    dto::bytes(&HoldJson::from(&hold))
}

/// Draws a hold of one's gym anew in the shown version of its face; older versions keep what they show.
#[utoipa::path(tag = "boards", params(("id" = i64, Path, description = "The hold.")), request_body = HoldInput,
    responses((status = 200, body = HoldJson<'_>), (status = 409, body = Problem, description = "The hold comes from Stokt."), (status = "default", body = Problem)))]
#[patch("/api/holds/{id}")]
async fn draw_again(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id = HoldId(path(&req, "id", "a number")?);
    let mut fields = Fields::read(&req, &mut payload).await?;
    let outline = board_edit::outline(&mut fields);
    fields.finish()?;
    let caller = access.caller.clone();
    writing::change(&access, move |conn| {
        own_and_ours(&caller, boards::of_hold(conn, id), "hold")?;
        let face = face_building::face_of(conn, id)?;
        let shown = face_building::hold_still(conn, face)?;
        let size = picture_of(shown)?;
        let mut refused = Fields::default();
        let drawn = board_edit::draw(&mut refused, "polygon_str", &outline.unwrap_or_default(), size);
        refused.finish()?;
        if let Some(drawn) = drawn {
            face_building::set_shape(conn, shown, id, &drawn)?;
        }
        hold_bytes(conn, id)
    })
    .await
}

async fn set_retired(req: HttpRequest, is_retired: bool) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id = HoldId(path(&req, "id", "a number")?);
    let caller = access.caller.clone();
    writing::change(&access, move |conn| {
        own(&caller, boards::of_hold(conn, id), "hold")?;
        face_building::set_retired(conn, id, is_retired)?;
        hold_bytes(conn, id)
    })
    .await
}

/// Says that a hold of one's gym is off the wall. Climbs that use it keep it; new ones cannot have it, and the next
/// version of the face does not show it. Admins say it of imported holds too, and no import unsays it.
#[utoipa::path(tag = "boards", params(("id" = i64, Path, description = "The hold.")),
    responses((status = 200, body = HoldJson<'_>), (status = "default", body = Problem)))]
#[post("/api/holds/{id}/retire")]
async fn retire(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    set_retired(req, true).await
}

/// Says that a hold is on the wall again.
#[utoipa::path(tag = "boards", params(("id" = i64, Path, description = "The hold.")),
    responses((status = 200, body = HoldJson<'_>), (status = "default", body = Problem)))]
#[post("/api/holds/{id}/restore")]
async fn restore(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    set_retired(req, false).await
}

/// The climbs that use a hold, newest first, then by id: what taking it off the wall touches.
#[utoipa::path(tag = "holds", params(
        ("id" = i64, Path, description = "The hold."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = ClimbPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/holds/{id}/climbs")]
async fn climbs_of(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id = HoldId(path(&req, "id", "a number")?);
    let mut query = Query::of(&req);
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        face_building::face_of(conn, id).map_err(|error| match error {
            mastoc_storage::StoreError::NotFound => ApiError::not_found("hold"),
            error => error.into(),
        })?;
        let filter =
            ClimbFilter { holds: vec![HoldMatch { hold: id, role: None }], ..ClimbFilter::default() };
        let found = climbs::page(conn, viewer, &filter, ClimbSort::Newest, page.offset(), page.size)?;
        let count = climbs::count(conn, viewer, &filter)?;
        let results = found.iter().map(ClimbJson::from).collect();
        dto::bytes(&ClimbPage { results, count, page: page.page, page_size: page.size })
    })
    .await
}
