//! All routes, one file for each resource.

mod annotations;
mod ascents;
mod auth;
mod avatars;
mod boards;
mod changes;
mod claims;
mod climb_dates;
mod climb_history;
mod climb_query;
mod climb_writing;
mod climbs;
mod comments;
mod docs;
mod face_building;
mod faces;
mod gyms;
mod health;
mod holds;
mod import;
mod import_runs;
mod list_items;
mod lists;
mod maintenance;
mod me;
mod passwords;
mod picture_uploads;
mod pictures;
mod sessions;
mod setters;
mod social;
mod sync_status;
mod users;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::errors::{ApiError, Code};
use crate::query::Query;
use crate::state;

/// The most results on one page.
const MAX_PAGE_SIZE: i64 = 500;
/// How many results a page has unless asked otherwise.
const PAGE_SIZE: i64 = 50;
/// The last page that can be asked for; whoever goes deeper uses a cursor.
const MAX_PAGE: i64 = 10_000_000;

/// Registers every route; the OpenAPI document is collected from the same calls.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    health::configure(config);
    auth::configure(config);
    sessions::configure(config);
    passwords::configure(config);
    // Before the profiles, whose paths take any name.
    me::configure(config);
    avatars::configure(config);
    claims::configure(config);
    users::configure(config);
    // Fixed words before ids: of two routes that fit, the first one wins.
    climb_dates::configure(config);
    climb_writing::configure(config);
    climb_history::configure(config);
    ascents::configure(config);
    social::configure(config);
    comments::configure(config);
    climbs::configure(config);
    lists::configure(config);
    list_items::configure(config);
    annotations::configure(config);
    maintenance::configure(config);
    boards::configure(config);
    face_building::configure(config);
    faces::configure(config);
    holds::configure(config);
    gyms::configure(config);
    setters::configure(config);
    changes::configure(config);
    import::configure(config);
    import_runs::configure(config);
    sync_status::configure(config);
    // Before the pictures, whose paths take any tail.
    picture_uploads::configure(config);
    pictures::configure(config);
    docs::configure(config);
}

/// Answers whatever no route takes: 405 where the path exists for other methods, 404 otherwise.
pub(crate) async fn nothing_here(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let pattern = req.resource_map().match_pattern(req.path());
    let state = state::of(&req)?;
    match pattern.as_deref().and_then(|pattern| state.routes.methods(pattern)) {
        Some(allowed) => {
            let error = ApiError::new(Code::MethodNotAllowed, format!("Allowed here: {allowed}."));
            let value =
                HeaderValue::from_str(&allowed).map_err(|error| ApiError::internal(error.to_string()))?;
            Err(error.with_header(header::ALLOW, value))
        }
        None => Err(ApiError::not_found("route")),
    }
}

/// Which page of how many results: `page` and `page_size`.
struct Page {
    page: i64,
    size: i64,
}

impl Page {
    fn read(query: &mut Query) -> Self {
        Self {
            page: query.number("page", 1..=MAX_PAGE).unwrap_or(1),
            size: query.number("page_size", 1..=MAX_PAGE_SIZE).unwrap_or(PAGE_SIZE),
        }
    }

    fn offset(&self) -> i64 {
        (self.page - 1) * self.size
    }
}
