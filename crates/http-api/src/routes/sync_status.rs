//! How synchronising stands, for those who run the service.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get};
use mastoc_domain::Timestamp;
use mastoc_storage::sync_status;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::authorise;
use crate::blocking;
use crate::dto;
use crate::dto::sync_status::SyncStatusJson;
use crate::errors::{ApiError, Problem};
use crate::policy::Action;
use crate::state::State;
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(status);
}

/// How synchronising with Stokt stands: the last runs, what waits to be sent or decided, who holds the lock. For admins.
#[utoipa::path(tag = "service",
    responses((status = 200, body = SyncStatusJson<'_>), (status = "default", body = Problem)))]
#[get("/api/sync/status")]
async fn status(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Inspect).await?;
    let state = State::clone(&access.state);
    let body = blocking::run(move || {
        let status = sync_status::read(&state.store)?;
        dto::bytes(&SyncStatusJson::new(&status, Timestamp::now()))
    })
    .await?;
    Ok(writing::json(StatusCode::OK, body))
}
