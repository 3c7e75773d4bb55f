//! The frame of an import over HTTP: a run that begins, that its batches and pictures name, and that ends with a report.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, put, web};
use mastoc_domain::RunId;
use mastoc_storage::StoreError;
use mastoc_storage::runs::RunStatus;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::import::parse;
use crate::auth::{Access, authorise};
use crate::blocking;
use crate::body::{self, IMPORT_JSON_BYTES, JSON_BYTES};
use crate::dto;
use crate::errors::{ApiError, Problem};
use crate::import_runs::LEASE;
use crate::policy::Action;
use crate::query::{Query, path};
use crate::state::{AppState, State};
use crate::writing;

/// The longest address that data come from, in characters.
const LONGEST_ORIGIN: usize = 300;
/// The longest lease, in seconds.
const LONGEST_LEASE: u64 = 300;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(begin).service(end);
}

/// Where an import takes its data from, and how it says that it lives.
#[derive(Deserialize, ToSchema)]
struct ImportRunInput {
    /// The address of Stokt.
    #[schema(max_length = 300)]
    origin: String,
    /// How long the importer may be silent before others may run, in seconds; 60 by default.
    #[schema(minimum = 1, maximum = 300)]
    lease_seconds: Option<u64>,
}

/// How an import ended.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ImportEnd {
    /// Everything was done.
    Done,
    /// Some records were refused or are missing.
    Partial,
    /// It stopped on an error.
    Failed,
    /// Somebody stopped it, or Stokt could not be reached.
    Interrupted,
}

/// How an import ended, and its report.
#[derive(Deserialize, ToSchema)]
struct ImportReportInput {
    /// How it ended.
    status: ImportEnd,
    /// What is kept of it, as the importer writes it.
    #[schema(value_type = Object)]
    report: Map<String, Value>,
}

/// An import run.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportRun)]
struct ImportRunJson {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: RunId,
    /// `running`, `done`, `partial`, `failed` or `interrupted`.
    status: &'static str,
}

/// Begins an import run with an id that the importer made, or says that it lives. Until it ends, nobody else imports or
/// synchronises: 409 `import_running` while another run is under way, `Retry-After` saying when that one's lease ends.
///
/// Name it as `?run=` in batches and pictures. An importer that says nothing for longer than its lease loses its turn;
/// it goes on with its next request if nobody ran in between, and is told 409 `import_run_over` or `import_running`
/// otherwise.
#[utoipa::path(tag = "import", request_body = ImportRunInput,
    params(("id" = Uuid, Path, description = "The run, by an id that nobody used before.")),
    responses((status = 200, body = ImportRunJson), (status = "default", body = Problem)))]
#[put("/api/sync/import/runs/{id}")]
async fn begin(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Synchronise).await?;
    let run: RunId = path(&req, "id", "a UUID")?;
    let bytes = body::read(&req, &mut payload, JSON_BYTES).await?;
    let input: ImportRunInput = parse(&bytes)?;
    let origin = input.origin.trim().to_owned();
    let usable =
        (1..=LONGEST_ORIGIN).contains(&origin.chars().count()) && !origin.chars().any(char::is_control);
    if !usable {
        return Err(ApiError::invalid_field(
            "origin",
            format!("must be 1 to {LONGEST_ORIGIN} plain characters"),
        ));
    }
    let lease = match input.lease_seconds {
        None => LEASE,
        Some(seconds @ 1..=LONGEST_LEASE) => Duration::from_secs(seconds),
        Some(_) => {
            return Err(ApiError::invalid_field("lease_seconds", format!("must be 1 to {LONGEST_LEASE}")));
        }
    };
    let (state, owner) = (State::clone(&access.state), owner(&access));
    let body = blocking::run(move || {
        state.import_runs.begin(&state.store, run, &origin, lease, &owner)?;
        dto::bytes(&ImportRunJson { id: run, status: RunStatus::Running.as_str() })
    })
    .await?;
    Ok(writing::json(StatusCode::OK, body))
}

/// Ends an import run with its report, and lets others run. Ending it again changes nothing.
#[utoipa::path(tag = "import", request_body = ImportReportInput,
    params(("id" = Uuid, Path, description = "The run.")),
    responses((status = 200, body = ImportRunJson), (status = "default", body = Problem)))]
#[put("/api/sync/import/runs/{id}/report")]
async fn end(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Synchronise).await?;
    let run: RunId = path(&req, "id", "a UUID")?;
    let bytes = body::read(&req, &mut payload, IMPORT_JSON_BYTES).await?;
    let (state, owner) = (State::clone(&access.state), owner(&access));
    let body = blocking::run(move || {
        let ImportReportInput { status, report } = parse(&bytes)?;
        let report = Value::Object(report);
        if has_nul(&report) {
            return Err(ApiError::invalid_field("report", "NUL is no part of a text"));
        }
        let status = match status {
            ImportEnd::Done => RunStatus::Done,
            ImportEnd::Partial => RunStatus::Partial,
            ImportEnd::Failed => RunStatus::Failed,
            ImportEnd::Interrupted => RunStatus::Interrupted,
        };
        state.import_runs.end(&state.store, run, status, &report, &owner)?;
        dto::bytes(&ImportRunJson { id: run, status: status.as_str() })
    })
    .await?;
    Ok(writing::json(StatusCode::OK, body))
}

/// Who asks, in words for whoever waits for the lock.
pub(super) fn owner(access: &Access) -> String {
    format!("an import over HTTP by {}", access.credential)
}

/// The run that a request names as `?run=`.
pub(super) fn named(query: &mut Query) -> Option<RunId> {
    query.value("run", "a UUID")
}

/// Does a request's writing as part of the run that it names, if it names one. `act` takes the number that its writes
/// must carry.
///
/// # Errors
/// What `act` answers; 409 when the run cannot go on.
pub(super) fn within<T>(
    state: &AppState,
    run: Option<RunId>,
    owner: &str,
    act: impl FnOnce(Option<i64>) -> Result<T, StoreError>,
) -> Result<T, ApiError> {
    let Some(run) = run else { return Ok(act(None)?) };
    let entered = state.import_runs.enter(&state.store, run, owner)?;
    let done = act(Some(entered.fence));
    drop(entered);
    if matches!(done, Err(StoreError::Fenced)) {
        state.import_runs.lost(run);
    }
    Ok(done?)
}

/// PostgreSQL keeps no NUL, not even inside JSON.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
