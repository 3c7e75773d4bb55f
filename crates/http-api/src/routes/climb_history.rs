//! Who changed what of a climb, and when.

use actix_web::{HttpRequest, HttpResponse, get};
use mastoc_domain::ClimbId;
use mastoc_storage::{climb_edits, climbs};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use crate::auth::authorise;
use crate::dto;
use crate::dto::climb_edit::{ClimbEditJson, ClimbHistory};
use crate::errors::{ApiError, Problem};
use crate::policy::{self, Action};
use crate::query::{Query, path};
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(history);
}

/// What was done to a climb here, the newest first: by whom, when, and which fields changed from what to what. Personal
/// fields never show. What was done while it was private only its setter reads.
///
/// Admins also read the history of climbs that were deleted.
#[utoipa::path(tag = "climbs", params(("id" = Uuid, Path, description = "Our id."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500)),
    responses((status = 200, body = ClimbHistory<'_>), (status = "default", body = Problem)))]
#[get("/api/climbs/{id}/history")]
async fn history(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: ClimbId = path(&req, "id", "a UUID")?;
    let mut query = Query::of(&req);
    let page = Page::read(&mut query);
    query.finish()?;
    let viewer = access.viewer();
    let reads_deleted = policy::may(access.state.access, &access.caller, Action::Administer).is_ok();
    writing::fresh(&access, move |conn| {
        let count = climb_edits::count(conn, viewer, id)?;
        let is_there = climbs::by_id(conn, viewer, id)?.is_some();
        // What is left of a private climb does not exist for others either.
        let reads_all = reads_deleted && count > 0;
        if !is_there && (!reads_all || !climb_edits::was_deleted(conn, id)?) {
            return Err(ApiError::not_found("climb"));
        }
        let edits = climb_edits::page(conn, viewer, id, page.offset(), page.size)?;
        let results = edits.iter().map(ClimbEditJson::from).collect();
        dto::bytes(&ClimbHistory { results, count, page: page.page, page_size: page.size })
    })
    .await
}
