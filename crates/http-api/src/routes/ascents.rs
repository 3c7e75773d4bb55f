//! Logbooks: ascents of a climb, and of a person.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use mastoc_domain::{AscentId, ClimbId, Timestamp};
use mastoc_storage::ascents::{self, Ascent, AscentFacts, AscentFilter};
use mastoc_storage::{ReadConn, Viewer, climbs};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use crate::answers;
use crate::auth::{authorise, must_be, must_own};
use crate::dto;
use crate::dto::ascent::{AscentChangeInput, AscentJson, AscentPage, LogbookJson, NewAscentInput};
use crate::errors::{ApiError, Problem, missing};
use crate::fields::Fields;
use crate::policy::Action;
use crate::query::{Query, path};
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(of_climb).service(create).service(mine).service(logbook).service(change).service(remove);
}

fn seen(conn: &mut ReadConn<'_>, viewer: Viewer, id: AscentId) -> Result<Ascent, ApiError> {
    ascents::by_id(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("ascent"))
}

/// A flash is the first attempt ever.
fn check(facts: &AscentFacts) -> Result<(), ApiError> {
    if facts.is_flash && facts.attempts != 1 {
        return Err(ApiError::invalid_field("is_flash", "a flash takes one attempt"));
    }
    Ok(())
}

fn page_of(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    filter: &AscentFilter,
    page: &Page,
) -> Result<Vec<u8>, ApiError> {
    let found = ascents::page(conn, viewer, filter, page.offset(), page.size)?;
    let count = ascents::count(conn, viewer, filter)?;
    let results = found.iter().map(AscentJson::from).collect();
    dto::bytes(&AscentPage { results, count, page: page.page, page_size: page.size })
}

/// The ascents of a climb, the latest first.
#[utoipa::path(tag = "logbook", params(
        ("id" = Uuid, Path, description = "The climb."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = AscentPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/climbs/{id}/ascents")]
async fn of_climb(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let climb: ClimbId = path(&req, "id", "a UUID")?;
    let mut query = Query::of(&req);
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        if climbs::by_id(conn, viewer, climb)?.is_none() {
            return Err(ApiError::not_found("climb"));
        }
        page_of(conn, viewer, &AscentFilter { climb_id: Some(climb), ..AscentFilter::default() }, &page)
    })
    .await
}

/// Enters an ascent into the caller's logbook.
#[utoipa::path(tag = "logbook", request_body = NewAscentInput, params(
        ("id" = Uuid, Path, description = "The climb."),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again within a day, the same request makes nothing more."),
    ),
    responses((status = 201, body = AscentJson<'_>), (status = "default", body = Problem)))]
#[post("/api/climbs/{id}/ascents")]
async fn create(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let climb: ClimbId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let now = Timestamp::now();
    let sent = dto::ascent::sent(&mut fields, now, true);
    let body = fields.bytes.clone();
    fields.finish()?;
    let facts = sent.fresh(now);
    check(&facts)?;
    writing::create(&req, &access, &body, move |conn| {
        let id = ascents::create(conn, person.id, climb, &facts).map_err(missing("climb"))?;
        dto::bytes(&AscentJson::from(&seen(conn, Viewer::Person(person.id), id)?))
    })
    .await
}

/// The caller's logbook, the latest ascent first. An ascent stays there when its climb is hidden from the caller; its
/// name and grade do not.
#[utoipa::path(tag = "logbook", params(
        ("from" = Option<String>, Query, description = "Climbed at this time or later; UTC without an offset."),
        ("to" = Option<String>, Query, description = "Climbed before this time; UTC without an offset."),
        ("face_id" = Option<Uuid>, Query, description = "Climbs that the caller sees on this face."),
        ("gym_id" = Option<Uuid>, Query, description = "Climbs that the caller sees in this gym."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = AscentPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/users/me/ascents")]
async fn mine(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let mut query = Query::of(&req);
    let filter = AscentFilter {
        user_id: Some(person.id),
        climb_id: None,
        from: query.time("from"),
        to: query.time("to"),
        face_id: query.value("face_id", "a UUID"),
        gym_id: query.value("gym_id", "a UUID"),
    };
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| page_of(conn, viewer, &filter, &page)).await
}

/// The caller's logbook in numbers: by grade and by month.
#[utoipa::path(tag = "logbook",
    responses((status = 200, body = LogbookJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/users/me/logbook")]
async fn logbook(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    answers::json(&req, &access, move |conn, _| {
        dto::bytes(&LogbookJson::from(&ascents::logbook(conn, person.id)?))
    })
    .await
}

/// Changes an ascent; only the climber may.
#[utoipa::path(tag = "logbook", params(("id" = Uuid, Path, description = "The ascent.")),
    request_body = AscentChangeInput,
    responses((status = 200, body = AscentJson<'_>), (status = "default", body = Problem)))]
#[patch("/api/ascents/{id}")]
async fn change(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: AscentId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let sent = dto::ascent::sent(&mut fields, Timestamp::now(), false);
    fields.finish()?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::change(&access, move |conn| {
        let ascent = seen(conn, viewer, id)?;
        must_be(&caller, Some(ascent.user_id))?;
        let facts = sent.over(ascent.facts.clone());
        check(&facts)?;
        if facts != ascent.facts {
            ascents::update(conn, &ascent, &facts).map_err(missing("ascent"))?;
        }
        dto::bytes(&AscentJson::from(&seen(conn, viewer, id)?))
    })
    .await
}

/// Deletes an ascent; the climber may, and admins.
#[utoipa::path(tag = "logbook", params(("id" = Uuid, Path, description = "The ascent.")),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/ascents/{id}")]
async fn remove(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: AscentId = path(&req, "id", "a UUID")?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::remove(&access, move |conn| {
        let ascent = seen(conn, viewer, id)?;
        must_own(&caller, Some(ascent.user_id))?;
        ascents::delete(conn, &ascent).map_err(missing("ascent"))
    })
    .await
}
