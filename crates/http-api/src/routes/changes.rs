//! The feed of changes that an offline copy follows.

use actix_web::{HttpRequest, HttpResponse, get};
use mastoc_storage::{changes, feed};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::answers;
use crate::auth::authorise;
use crate::dto;
use crate::dto::change::ChangePage;
use crate::errors::{ApiError, Code, Problem};
use crate::policy::Action;
use crate::query::Query;

/// The most entries of the log that one page covers.
const MAX_LIMIT: i64 = 1_000;
/// How many a page covers unless asked otherwise.
const LIMIT: i64 = 500;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(follow);
}

/// What was created, updated and deleted after `since`: pages follow the order in which it was committed.
///
/// Applying the pages from the beginning, each row over what was there, gives what a full read gives. A row comes as
/// it is now, so that a later page may bring the same again.
#[utoipa::path(tag = "changes", params(
        ("since" = Option<String>, Query, description = "`next_cursor` of the page before; left out or 0 for everything."),
        ("limit" = Option<i64>, Query, description = "How many entries of the log a page covers at most; 500 by default.", minimum = 1, maximum = 1000),
    ),
    responses((status = 200, body = ChangePage<'_>), (status = 304),
        (status = 410, body = Problem, description = "The cursor is from another life of the database: start again from 0."),
        (status = "default", body = Problem)))]
#[get("/api/changes")]
async fn follow(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let mut query = Query::of(&req);
    let since = query.number("since", 0..=i64::MAX).unwrap_or(0);
    let limit = query.number("limit", 1..=MAX_LIMIT).unwrap_or(LIMIT);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        if since > changes::latest(conn)? {
            return Err(ApiError::new(
                Code::CursorGone,
                "Nothing is known of this cursor: start again from 0.",
            ));
        }
        dto::bytes(&ChangePage::from(&feed::page(conn, viewer, since, limit)?))
    })
    .await
}
