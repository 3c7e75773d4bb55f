//! Whether the service is up, what it is, and what it counts.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get};
use mastoc_storage::{changes, sync_status};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::authorise;
use crate::blocking;
use crate::dto;
use crate::errors::{ApiError, Problem};
use crate::policy::Action;
use crate::state::{self, State};

const NAME: &str = "mastoc";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether the service is up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `degraded`.
    status: &'static str,
    /// `mastoc`.
    app_name: &'static str,
    /// The version of the program.
    version: &'static str,
    /// `connected` or `unavailable`.
    database: &'static str,
}

/// What this is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct About {
    /// `mastoc`.
    name: &'static str,
    /// The version of the program.
    version: &'static str,
    /// Where the documentation is.
    docs: &'static str,
}

/// Health in detail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthDetails {
    /// `ok` or `degraded`.
    status: &'static str,
    /// Which database, without its password.
    database: String,
    /// Why it is degraded.
    problem: Option<String>,
    /// The number of the newest change.
    data_version: Option<i64>,
    /// `private` or `public-read`.
    access: String,
    /// Statements run since the start.
    statements: u64,
    /// Memory that rendered answers take, in bytes.
    answer_cache_bytes: u64,
}

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(about).service(health).service(details).service(metrics);
}

fn uncached(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, content_type))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}

/// What this is, and where its documentation is.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = About)))]
#[get("/")]
async fn about(_: HttpRequest) -> Result<HttpResponse, ApiError> {
    let about = About { name: NAME, version: VERSION, docs: "/docs/" };
    Ok(uncached(StatusCode::OK, "application/json", dto::bytes(&about)?))
}

/// Whether the service is up: 200 with `ok`, or 503 with `degraded`; no details.
#[utoipa::path(tag = "service", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health)))]
#[get("/health")]
async fn health(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state::of(&req)?;
    let up = blocking::run(move || Ok(state.store.read(changes::latest)?)).await;
    let (code, status, database) = match up {
        Ok(_) => (StatusCode::OK, "ok", "connected"),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "degraded", "unavailable")
        }
    };
    let health = Health { status, app_name: NAME, version: VERSION, database };
    Ok(uncached(code, "application/json", dto::bytes(&health)?))
}

/// Health in detail; needs an admin key.
#[utoipa::path(tag = "service", responses((status = 200, body = HealthDetails), (status = "default", body = Problem)))]
#[get("/api/admin/health")]
async fn details(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Inspect).await?;
    let state = State::clone(&access.state);
    let details = blocking::run(move || {
        let (data_version, problem) = match state.store.read(changes::latest) {
            Ok(version) => (Some(version), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Ok(HealthDetails {
            status: if problem.is_none() { "ok" } else { "degraded" },
            database: state.store.target().to_string(),
            problem,
            data_version,
            access: state.access.to_string(),
            statements: state.store.statements(),
            answer_cache_bytes: state.answers.size_bytes(),
        })
    })
    .await?;
    Ok(uncached(StatusCode::OK, "application/json", dto::bytes(&details)?))
}

/// Counters in Prometheus' text format; needs an admin key.
#[utoipa::path(tag = "service",
    responses((status = 200, content_type = "text/plain", body = String), (status = "default", body = Problem)))]
#[get("/metrics")]
async fn metrics(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Inspect).await?;
    let state = State::clone(&access.state);
    let text = blocking::run(move || {
        // A server whose database is away still tells the rest.
        let sync = sync_status::read(&state.store);
        let sync = sync.inspect_err(|error| tracing::warn!(%error, "no metrics of synchronising")).ok();
        let (statements, cached) = (state.store.statements(), state.answers.size_bytes());
        let text = state.metrics.render(statements, cached, sync.as_ref());
        text.map_err(|error| ApiError::internal(error.to_string()))
    })
    .await?;
    Ok(uncached(StatusCode::OK, "text/plain; version=0.0.4", text))
}
