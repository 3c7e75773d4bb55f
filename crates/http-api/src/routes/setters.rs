//! Setters.

use actix_web::{HttpRequest, HttpResponse, get};
use mastoc_domain::GymId;
use mastoc_storage::setters;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use crate::answers;
use crate::auth::authorise;
use crate::dto;
use crate::dto::board::{SetterJson, SetterPage};
use crate::errors::{ApiError, Problem};
use crate::policy::Action;
use crate::query::Query;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list);
}

/// People who set climbs that the caller may see; who set most first, then by name and id.
#[utoipa::path(tag = "setters", params(
        ("gym_id" = Option<Uuid>, Query, description = "Only setters of this gym, with their climbs there."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = SetterPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/setters")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let mut query = Query::of(&req);
    let gym: Option<GymId> = query.value("gym_id", "a UUID");
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        let setters = setters::list(conn, viewer, gym, page.offset(), page.size)?;
        let count = setters::count(conn, viewer, gym)?;
        let results = setters.iter().map(SetterJson::from).collect();
        dto::bytes(&SetterPage { results, count, page: page.page, page_size: page.size })
    })
    .await
}
