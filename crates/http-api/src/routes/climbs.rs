//! Climbs: lists by page or cursor, and single ones.

use actix_web::{HttpRequest, HttpResponse, get};
use mastoc_domain::{ClimbId, StoktId};
use mastoc_storage::climbs::{self, ClimbFilter};
use mastoc_storage::{ReadConn, Viewer};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Page, climb_query};
use crate::answers;
use crate::auth::authorise;
use crate::dto;
use crate::dto::climb::{ClimbAnswer, ClimbCursorPage, ClimbJson, ClimbPage};
use crate::errors::{ApiError, Problem};
use crate::policy::Action;
use crate::query::{Query, path};

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(by_stokt_id).service(by_id);
}

/// Climbs that pass every filter, in the order of `sort` with ties broken by id.
///
/// By `page` the answer tells how many there are; by `cursor` (empty for the first page) it does not, and costs the
/// same however deep. The personal fields are the caller's own, and empty for callers that are not persons.
#[utoipa::path(tag = "climbs", params(
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "Where to go on: `next_cursor` of the page before, empty for the first. It carries its order; `sort`, if sent, must be the same."),
        ("sort" = Option<String>, Query, description = "`newest` (default), `oldest`, `name`, `-name`, `grade`, `-grade`, `climbed_by` (most first) or `likes` (most first)."),
        ("gym_id" = Option<Uuid>, Query, description = "On this gym's faces."),
        ("face_id" = Option<Uuid>, Query, description = "On this face."),
        ("setter_id" = Option<Uuid>, Query, description = "By this setter."),
        ("setter_ids" = Option<String>, Query, description = "By one of these setters; comma-separated."),
        ("exclude_setter_ids" = Option<String>, Query, description = "By none of these setters; comma-separated."),
        ("source" = Option<String>, Query, description = "Born at `mastoc` or `stokt`."),
        ("search" = Option<String>, Query, description = "Part of the name, whatever its case and accents."),
        ("grade_min" = Option<String>, Query, description = "Font grade, inclusive."),
        ("grade_max" = Option<String>, Query, description = "Font grade, inclusive."),
        ("min_ircra" = Option<f64>, Query, description = "IRCRA grade, inclusive."),
        ("max_ircra" = Option<f64>, Query, description = "IRCRA grade, inclusive."),
        ("include_ungraded" = Option<bool>, Query, description = "Whether ungraded climbs pass the grade filters; false by default."),
        ("since_created_at" = Option<String>, Query, description = "Set at this time or later; UTC without an offset."),
        ("since_synced_at" = Option<String>, Query, description = "Brought in line with Stokt at this time or later."),
        ("local_only" = Option<bool>, Query, description = "Only climbs that Stokt does not know."),
        ("feet_rule" = Option<String>, Query, description = "With exactly this feet rule."),
        ("benchmark" = Option<bool>, Query, description = "Benchmarks only, or none."),
        ("tags" = Option<String>, Query, description = "With all of these tags; comma-separated."),
        ("holds" = Option<String>, Query, description = "Using all of these holds; comma-separated ids, each with a role letter if a role is meant: `S400166,399906`."),
        ("any_holds" = Option<String>, Query, description = "Using at least one of these holds; as `holds`."),
        ("without_holds" = Option<String>, Query, description = "Using none of these holds; comma-separated ids."),
        ("min_holds" = Option<i32>, Query, description = "With at least so many holds."),
        ("max_holds" = Option<i32>, Query, description = "With at most so many holds."),
        ("my" = Option<String>, Query, description = "Needs a person: `project` (their projects), `set` (set by them), `sent` (in their logbook), `not_sent` (not in it) or `liked`; comma-separated, all must hold."),
        ("list_id" = Option<Uuid>, Query, description = "In this list, which the caller must see."),
    ),
    responses((status = 200, body = ClimbAnswer<'_>, description = "By page, or by cursor if one was sent."),
        (status = 304), (status = "default", body = Problem)))]
#[get("/api/climbs")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let mut query = Query::of(&req);
    let filter = climb_query::filter(&mut query, access.maybe_person().map(|person| person.id));
    let asked = climb_query::sort(&mut query);
    let page = Page::read(&mut query);
    if !query.has("cursor") {
        query.finish()?;
        return answers::json(&req, &access, move |conn, viewer| {
            check_list(conn, viewer, &filter)?;
            let climbs =
                climbs::page(conn, viewer, &filter, asked.unwrap_or_default(), page.offset(), page.size)?;
            let count = climbs::count(conn, viewer, &filter)?;
            let results = climbs.iter().map(ClimbJson::from).collect();
            dto::bytes(&ClimbPage { results, count, page: page.page, page_size: page.size })
        })
        .await;
    }
    let after = climb_query::cursor(&mut query);
    let sort = after.as_ref().map(climbs::ClimbCursor::sort).or(asked).unwrap_or_default();
    if asked.is_some_and(|asked| asked != sort) {
        query.refuse("sort", format!("the cursor belongs to the order {sort}"));
    }
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        check_list(conn, viewer, &filter)?;
        let (climbs, next) = climbs::after(conn, viewer, &filter, sort, after.as_ref(), page.size)?;
        dto::bytes(&ClimbCursorPage {
            results: climbs.iter().map(ClimbJson::from).collect(),
            page_size: page.size,
            next_cursor: next.as_ref().map(climb_query::cursor_text),
        })
    })
    .await
}

/// Insists that a list whose climbs are asked for is one that the caller sees.
fn check_list(conn: &mut ReadConn<'_>, viewer: Viewer, filter: &ClimbFilter) -> Result<(), ApiError> {
    match filter.list_id {
        Some(id) => super::lists::seen(conn, viewer, id).map(|_| ()),
        None => Ok(()),
    }
}

/// One climb. A private one does not exist for those who may not see it.
///
/// Its ETag changes exactly when what the caller sees of it does; send it as `If-Match` with an edit.
#[utoipa::path(tag = "climbs", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 200, body = ClimbJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/climbs/{id}")]
async fn by_id(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: ClimbId = path(&req, "id", "a UUID")?;
    answers::content::json(&req, &access, move |conn, viewer| {
        let climb = climbs::by_id(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("climb"))?;
        dto::bytes(&ClimbJson::from(&climb))
    })
    .await
}

/// One climb by Stokt's id.
#[utoipa::path(tag = "climbs", params(("stokt_id" = Uuid, Path, description = "Stokt's id.")),
    responses((status = 200, body = ClimbJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/climbs/by-stokt-id/{stokt_id}")]
async fn by_stokt_id(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let stokt_id: StoktId = path(&req, "stokt_id", "a UUID")?;
    answers::content::json(&req, &access, move |conn, viewer| {
        let climb =
            climbs::by_stokt_id(conn, viewer, stokt_id)?.ok_or_else(|| ApiError::not_found("climb"))?;
        dto::bytes(&ClimbJson::from(&climb))
    })
    .await
}
