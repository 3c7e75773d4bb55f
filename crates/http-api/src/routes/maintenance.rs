//! Holds that need a hand, and closing what was reported.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use mastoc_domain::{FaceId, GymId, HoldId};
use mastoc_storage::maintenance::{self, ReportFilter};
use mastoc_storage::{StoreError, boards};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use crate::answers;
use crate::auth::{authorise, must_own};
use crate::dto;
use crate::dto::maintenance::{ClosingInput, ClosingJson, ClosingPage, ReportJson, ReportPage};
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::policy::Action;
use crate::query::{Query, path};
use crate::writing;

/// The longest note, in characters.
const LONGEST_NOTE: usize = 2_000;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(history).service(close);
}

fn no_hold(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::not_found("hold"),
        error => error.into(),
    }
}

/// Holds of which most people say that they are broken, worn, turned, dirty or to be brushed.
///
/// The worst first, then those that most people report, then by id. Retired holds are left out.
#[utoipa::path(tag = "maintenance", params(
        ("gym_id" = Option<Uuid>, Query, description = "Only this gym's."),
        ("face_id" = Option<Uuid>, Query, description = "Only this face's."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = ReportPage), (status = 304), (status = "default", body = Problem)))]
#[get("/api/maintenance")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let mut query = Query::of(&req);
    let gym: Option<GymId> = query.value("gym_id", "a UUID");
    let face: Option<FaceId> = query.value("face_id", "a UUID");
    let page = Page::read(&mut query);
    query.finish()?;
    let filter = ReportFilter { gym, face };
    answers::json(&req, &access, move |conn, viewer| {
        let reports = maintenance::page(conn, viewer, filter, page.offset(), page.size)?;
        let count = maintenance::count(conn, filter)?;
        let results = reports.iter().map(ReportJson::from).collect();
        dto::bytes(&ReportPage { results, count, page: page.page, page_size: page.size })
    })
    .await
}

/// What was reported about a hold and closed, newest first.
#[utoipa::path(tag = "maintenance", params(
        ("id" = i64, Path, description = "The hold."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = ClosingPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/holds/{id}/maintenance")]
async fn history(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id = HoldId(path(&req, "id", "a number")?);
    let mut query = Query::of(&req);
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, _viewer| {
        boards::of_hold(conn, id).map_err(no_hold)?;
        let (closings, count) = maintenance::history(conn, id, page.offset(), page.size)?;
        let results = closings.iter().map(ClosingJson::from).collect();
        dto::bytes(&ClosingPage { results, count, page: page.page, page_size: page.size })
    })
    .await
}

/// Closes what is reported about a hold, for those who own its gym: somebody has seen to it.
///
/// What people said of its state until now counts no more, though they keep it; who finds it in need again says so
/// again. 409 where most people find nothing wrong with it.
#[utoipa::path(tag = "maintenance", params(
        ("id" = i64, Path, description = "The hold."),
        ("idempotency-key" = Option<String>, Header, description = "Sent again with the same key, the request closes nothing more and gets the same answer.", min_length = 1, max_length = 200),
    ),
    request_body = ClosingInput,
    responses((status = 201, body = ClosingJson<'_>), (status = "default", body = Problem)))]
#[post("/api/holds/{id}/maintenance/close")]
async fn close(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::BuildBoards).await?;
    let id = HoldId(path(&req, "id", "a number")?);
    let mut fields = Fields::read(&req, &mut payload).await?;
    let note = fields.long_text("note", LONGEST_NOTE).flatten().filter(|note| !note.trim().is_empty());
    let bytes = fields.bytes.clone();
    fields.finish()?;
    let (caller, person) = (access.caller.clone(), access.maybe_person());
    writing::create(&req, &access, &bytes, move |conn| {
        let hold = boards::of_hold(conn, id).map_err(no_hold)?;
        must_own(&caller, hold.owner)?;
        let closing = maintenance::close(conn, id, person.map(|person| person.id), note.as_deref())?;
        let closing = closing.ok_or_else(|| {
            ApiError::new(Code::Conflict, "Nothing is reported about this hold that most people agree on.")
        })?;
        dto::bytes(&ClosingJson::from(&closing))
    })
    .await
}
