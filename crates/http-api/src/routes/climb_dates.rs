//! Corrections of dates and of Stokt's ids, for synchronisation.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, patch, web};
use mastoc_domain::{ClimbId, StoktId, Timestamp};
use mastoc_storage::climb_writes::{self, Linked};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::climb_writing::{author, render, take};
use crate::answers::content;
use crate::auth::authorise;
use crate::blocking;
use crate::body::IMPORT_JSON_BYTES;
use crate::dto;
use crate::dto::climb::ClimbJson;
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::policy::Action;
use crate::query::{Query, path};
use crate::state::State;
use crate::writing;

/// The most dates that are corrected at once.
const MOST_DATES: usize = 5_000;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    // The fixed words first.
    config.service(dates).service(link).service(date);
}

/// Notes under which id Stokt knows a climb that was sent there. The link is kept on record; both sides count as agreed.
#[utoipa::path(tag = "import",
    params(("id" = Uuid, Path, description = "Our id."), ("stokt_id" = Uuid, Query, description = "Stokt's id.")),
    responses((status = 200, body = ClimbJson<'_>),
        (status = 409, body = Problem, description = "Another climb has that id, or this one has another."),
        (status = "default", body = Problem)))]
#[patch("/api/climbs/{id}/stokt-id")]
async fn link(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Synchronise).await?;
    let id: ClimbId = path(&req, "id", "a UUID")?;
    let mut query = Query::of(&req);
    let stokt_id = query.value::<StoktId>("stokt_id", "a UUID");
    query.finish()?;
    let stokt_id = stokt_id.ok_or_else(|| ApiError::invalid_field("stokt_id", "is needed"))?;
    let (viewer, author, state) = (access.viewer(), author(&access), State::clone(&access.state));
    let bytes = blocking::run(move || {
        state.store.write(|conn| {
            let climb = take(conn, viewer, id)?;
            match climb_writes::link(conn, &author, &climb, stokt_id)? {
                Linked::Done | Linked::Already => render(conn, viewer, id),
                Linked::ToAnother => Err(ApiError::new(
                    Code::Conflict,
                    "The climb is linked to another id of Stokt's already.",
                )),
                Linked::Taken => {
                    Err(ApiError::new(Code::Conflict, "Another climb here has or had that id of Stokt's."))
                }
            }
        })
    })
    .await?;
    content::written(&access, StatusCode::OK, bytes)
}

/// When a climb was set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body that is read field by field")]
struct DateBody {
    /// The time; UTC without an offset.
    #[schema(format = DateTime)]
    created_at: String,
}

/// Corrects when a climb was set.
#[utoipa::path(tag = "import", request_body = DateBody, params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 200, body = ClimbJson<'_>), (status = "default", body = Problem)))]
#[patch("/api/climbs/{id}/date")]
async fn date(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Synchronise).await?;
    let id: ClimbId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let created_at = fields.time("created_at");
    let created_at = fields.required("created_at", created_at);
    fields.finish()?;
    let created_at = created_at.ok_or_else(|| ApiError::invalid_field("created_at", "is needed"))?;
    let (viewer, author, state) = (access.viewer(), author(&access), State::clone(&access.state));
    let bytes = blocking::run(move || {
        state.store.write(|conn| {
            let climb = take(conn, viewer, id)?;
            climb_writes::correct_date(conn, &author, &climb, created_at)?;
            render(conn, viewer, id)
        })
    })
    .await?;
    content::written(&access, StatusCode::OK, bytes)
}

/// When climbs were set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body that is read field by field")]
struct DatesBody {
    /// At most 5,000.
    #[schema(max_items = 5000)]
    updates: Vec<DatedClimb>,
}

/// When one climb was set.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body that is read field by field")]
struct DatedClimb {
    /// Stokt's id.
    stokt_id: Uuid,
    /// The time; UTC without an offset.
    #[schema(format = DateTime)]
    created_at: String,
}

/// How the correction of dates went.
#[derive(Serialize, ToSchema)]
struct DatesAnswer {
    /// How many items named a climb of this board, which bears its date now.
    updated: usize,
    /// How many did not.
    errors: usize,
    /// How many items there were.
    total: usize,
    /// Those that did not.
    failures: Vec<DateFailure>,
}

/// An item that changed nothing.
#[derive(Serialize, ToSchema)]
struct DateFailure {
    /// Its place in the list, from 0.
    index: usize,
    /// Stokt's id, where it could be read.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// `bad_record` or `unknown_climb`.
    code: &'static str,
    /// What is wrong.
    detail: String,
}

/// Reads one item; what is wrong with it concerns nothing but itself.
fn item(value: Value) -> Result<(StoktId, Timestamp), (Option<StoktId>, String)> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let stokt_id: StoktId =
        text("stokt_id").parse().map_err(|_| (None, "stokt_id: is not a UUID".to_owned()))?;
    match Timestamp::parse(text("created_at")) {
        Ok(time) => Ok((stokt_id, time)),
        Err(error) => Err((Some(stokt_id), format!("created_at: {error}"))),
    }
}

/// Corrects when many climbs were set; one bad item never loses the others. Of several dates for one climb the last one
/// counts.
#[utoipa::path(tag = "import", request_body = DatesBody,
    responses((status = 200, body = DatesAnswer), (status = "default", body = Problem)))]
#[patch("/api/climbs/bulk/dates")]
async fn dates(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Synchronise).await?;
    let mut fields = Fields::read_up_to(&req, &mut payload, IMPORT_JSON_BYTES).await?;
    let updates = fields.list("updates", MOST_DATES, |value| Ok(item(value)));
    let updates = fields.required("updates", updates);
    fields.finish()?;
    let updates = updates.unwrap_or_default();
    let author = author(&access);
    writing::change(&access, move |conn| {
        let read: Vec<(StoktId, Timestamp)> =
            updates.iter().filter_map(|item| item.as_ref().ok().copied()).collect();
        let known = climb_writes::correct_dates(conn, &author, &read)?;
        let total = updates.len();
        let failures: Vec<DateFailure> = updates
            .into_iter()
            .enumerate()
            .filter_map(|(index, item)| match item {
                Ok((stokt_id, _)) if known.contains(&stokt_id) => None,
                Ok((stokt_id, _)) => Some(DateFailure {
                    index,
                    stokt_id: Some(stokt_id),
                    code: "unknown_climb",
                    detail: "there is no such climb here".to_owned(),
                }),
                Err((stokt_id, detail)) => Some(DateFailure { index, stokt_id, code: "bad_record", detail }),
            })
            .collect();
        let errors = failures.len();
        dto::bytes(&DatesAnswer { updated: total - errors, errors, total, failures })
    })
    .await
}
