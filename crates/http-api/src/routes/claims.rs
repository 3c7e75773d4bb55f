//! Claiming an imported setter as oneself, which an admin confirms.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use mastoc_domain::access::{AccountRole, ClaimState};
use mastoc_domain::{ClaimId, UserId};
use mastoc_storage::claims::{self, ClaimFilter, Claimed};
use mastoc_storage::{ReadConn, StoreError};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use crate::auth::authorise;
use crate::dto;
use crate::dto::people::{ClaimJson, ClaimPage};
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::policy::{Action, Caller};
use crate::query::{Query, path};
use crate::writing;

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 1_000;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(make).service(list).service(confirm).service(reject).service(withdraw);
}

/// What somebody says about their claim.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the body, which is read field by field")]
struct NewClaim {
    /// Why the admin should believe it.
    #[schema(max_length = 1000)]
    message: Option<String>,
}

/// Says that an imported setter is oneself. Once an admin confirms it, the setter's climbs are one's own, those that
/// later imports bring too.
#[utoipa::path(tag = "claims", params(("id" = Uuid, Path, description = "Our id of the setter."),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again within a day, the same request makes nothing more.")), request_body = NewClaim,
    responses((status = 201, body = ClaimJson<'_>), (status = "default", body = Problem)))]
#[post("/api/users/{id}/claim")]
async fn make(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?.id;
    let setter: UserId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let message = fields.long_text("message", LONGEST_MESSAGE).flatten();
    let bytes = fields.bytes.clone();
    fields.finish()?;
    writing::create(&req, &access, &bytes, move |conn| {
        let outcome = claims::claim(conn, person, setter, message.as_deref())?;
        answer(conn, outcome)
    })
    .await
}

/// Claims: one's own; for admins everybody's. The oldest first.
#[utoipa::path(tag = "claims", params(
        ("state" = Option<String>, Query, description = "`open`, `confirmed` or `rejected`. Admins get the open ones unless they ask otherwise, others all of their own.", pattern = "^(open|confirmed|rejected)?$"),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = ClaimPage<'_>), (status = "default", body = Problem)))]
#[get("/api/claims")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let mut query = Query::of(&req);
    let state: Option<ClaimState> = query.value("state", "open, confirmed or rejected");
    let page = Page::read(&mut query);
    query.finish()?;
    let filter = match person.role {
        AccountRole::Admin => ClaimFilter { user: None, state: Some(state.unwrap_or(ClaimState::Open)) },
        AccountRole::User => ClaimFilter { user: Some(person.id), state },
    };
    writing::fresh(&access, move |conn| {
        let claims = claims::list(conn, filter, page.offset(), page.size)?;
        let count = claims::count(conn, filter)?;
        let results = claims.iter().map(ClaimJson::from).collect();
        dto::bytes(&ClaimPage { results, count, page: page.page, page_size: page.size })
    })
    .await
}

/// Confirms a claim; for admins. The setter is the person from now on.
#[utoipa::path(tag = "claims", params(("id" = Uuid, Path, description = "The claim.")),
    responses((status = 200, body = ClaimJson<'_>), (status = "default", body = Problem)))]
#[post("/api/claims/{id}/confirm")]
async fn confirm(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    decide(req, claims::confirm).await
}

/// Refuses a claim; for admins.
#[utoipa::path(tag = "claims", params(("id" = Uuid, Path, description = "The claim.")),
    responses((status = 200, body = ClaimJson<'_>), (status = "default", body = Problem)))]
#[post("/api/claims/{id}/reject")]
async fn reject(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    decide(req, claims::reject).await
}

type Decision =
    fn(&mut mastoc_storage::WriteConn<'_>, ClaimId, Option<UserId>) -> Result<Claimed, StoreError>;

async fn decide(req: HttpRequest, decision: Decision) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Administer).await?;
    let id: ClaimId = path(&req, "id", "a UUID")?;
    let judge = access.maybe_person().map(|person| person.id);
    writing::change(&access, move |conn| {
        let outcome = decision(conn, id, judge).map_err(unknown)?;
        answer(conn, outcome)
    })
    .await
}

/// Takes a claim of one's own back, as long as nobody decided it.
#[utoipa::path(tag = "claims", params(("id" = Uuid, Path, description = "The claim.")),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/claims/{id}")]
async fn withdraw(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let id: ClaimId = path(&req, "id", "a UUID")?;
    let caller = Caller::clone(&access.caller);
    writing::remove(&access, move |conn| {
        let claim = claims::by_id(conn, id)?.ok_or_else(|| ApiError::not_found("claim"))?;
        // Nobody but admins knows of the claims of others.
        if claim.user != person.id && person.role != AccountRole::Admin {
            return Err(ApiError::not_found("claim"));
        }
        crate::auth::must_own(&caller, Some(claim.user))?;
        refused(claims::withdraw(conn, id).map_err(unknown)?).map(drop)
    })
    .await
}

fn unknown(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::not_found("claim"),
        error => error.into(),
    }
}

/// The claim that something was done to; a problem where it was not done.
fn refused(outcome: Claimed) -> Result<ClaimId, ApiError> {
    let conflict = |detail: &str| Err(ApiError::new(Code::Conflict, detail));
    match outcome {
        Claimed::Done(id) => Ok(id),
        Claimed::NoSuchSetter => Err(ApiError::not_found("person")),
        Claimed::NotClaimable => conflict("This is no imported setter that could be claimed."),
        Claimed::HasOne => conflict("The person is a setter known to Stokt already."),
        Claimed::Pending => conflict("You claim this setter already; an admin will decide."),
        Claimed::Decided => conflict("The claim was decided before."),
    }
}

fn answer(conn: &mut ReadConn<'_>, outcome: Claimed) -> Result<Vec<u8>, ApiError> {
    let id = refused(outcome)?;
    let claim = claims::by_id(conn, id)?.ok_or_else(|| ApiError::not_found("claim"))?;
    dto::bytes(&ClaimJson::from(&claim))
}
