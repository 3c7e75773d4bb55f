//! Importing records, one or many at once. Every batch is one transaction.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use mastoc_storage::import::{Assumed, ImportContext};
use mastoc_storage::stats;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::import_runs;
use crate::answers;
use crate::auth::authorise;
use crate::blocking;
use crate::body::{self, IMPORT_JSON_BYTES};
use crate::dto;
use crate::dto::import::{
    Batch, BatchAnswer, ClimbBatch, FaceBatch, GymBatch, HoldBatch, Importable, Lenient, MAX_ITEMS,
    SingleAnswer, Sorted, UserBatch, WallBatch,
};
use crate::dto::import_items::{ClimbItem, FaceItem, GymItem, HoldItem, UserItem, WallItem};
use crate::errors::{ApiError, Code, Problem};
use crate::policy::Action;
use crate::query::Query;
use crate::state::State;
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(sync_stats);
    config.service(gym).service(wall).service(face).service(user).service(hold).service(climb);
    config.service(gyms).service(walls).service(faces).service(users).service(holds).service(climbs);
}

/// How many rows there are.
#[derive(Debug, Serialize, ToSchema)]
struct SyncStatsJson {
    /// Gyms.
    gyms: i64,
    /// Faces.
    faces: i64,
    /// Holds.
    holds: i64,
    /// Climbs, private ones included.
    climbs: i64,
    /// People.
    users: i64,
    /// Climbs that Stokt knows.
    climbs_synced: i64,
    /// Climbs that are known here only.
    climbs_local: i64,
}

/// How many rows there are.
#[utoipa::path(tag = "import", responses((status = 200, body = SyncStatsJson), (status = 304), (status = "default", body = Problem)))]
#[get("/api/sync/stats")]
async fn sync_stats(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Synchronise).await?;
    answers::json(&req, &access, |conn, _viewer| {
        let stats = stats::sync_stats(conn)?;
        dto::bytes(&SyncStatsJson {
            gyms: stats.gyms,
            faces: stats.faces,
            holds: stats.holds,
            climbs: stats.climbs,
            users: stats.users,
            climbs_synced: stats.climbs_synced,
            climbs_local: stats.climbs_local,
        })
    })
    .await
}

macro_rules! imports {
    ($($single:ident, $path:literal, $item:ident, $one:literal;
       $many:ident, $batch_path:literal, $batch:ident, $several:literal;)+) => {$(
        #[doc = $one]
        #[utoipa::path(tag = "import", request_body = $item,
            params(
                ("dry_run" = Option<bool>, Query, description = "Only say what would happen."),
                ("run" = Option<Uuid>, Query, description = "The import run that this is part of."),
            ),
            responses((status = 200, body = SingleAnswer), (status = "default", body = Problem)))]
        #[post($path)]
        async fn $single(req: HttpRequest, payload: web::Payload) -> Result<HttpResponse, ApiError> {
            one::<$item>(req, payload).await
        }

        #[doc = $several]
        #[utoipa::path(tag = "import", request_body = $batch,
            params(
                ("dry_run" = Option<bool>, Query, description = "Only say what would happen."),
                ("run" = Option<Uuid>, Query, description = "The import run that this is part of."),
            ),
            responses((status = 200, body = BatchAnswer), (status = "default", body = Problem)))]
        #[post($batch_path)]
        async fn $many(req: HttpRequest, payload: web::Payload) -> Result<HttpResponse, ApiError> {
            many::<$batch>(req, payload).await
        }
    )+};
}

imports! {
    gym, "/api/sync/import/gym", GymItem, "Imports one gym.";
    gyms, "/api/sync/import/gyms/batch", GymBatch, "Imports gyms; one bad record never loses the others.";
    wall, "/api/sync/import/wall", WallItem, "Imports one wall.";
    walls, "/api/sync/import/walls/batch", WallBatch, "Imports walls; one bad record never loses the others.";
    face, "/api/sync/import/face", FaceItem, "Imports one face.";
    faces, "/api/sync/import/faces/batch", FaceBatch, "Imports faces; one bad record never loses the others.";
    user, "/api/sync/import/user", UserItem, "Imports one setter.";
    users, "/api/sync/import/users/batch", UserBatch, "Imports setters; one bad record never loses the others.";
    hold, "/api/sync/import/hold", HoldItem, "Imports one hold.";
    holds, "/api/sync/import/holds/batch", HoldBatch, "Imports holds; one bad record never loses the others.";
    climb, "/api/sync/import/climb", ClimbItem, "Imports one climb.";
    climbs, "/api/sync/import/climbs/batch", ClimbBatch, "Imports climbs; one bad record never loses the others.";
}

async fn one<T: Importable>(req: HttpRequest, payload: web::Payload) -> Result<HttpResponse, ApiError> {
    run(
        req,
        payload,
        |item: Lenient<T>| match item {
            Lenient::Bad { why, .. } => Err(ApiError::invalid_field("body", why)),
            item @ Lenient::Read { .. } => Ok((vec![item], None)),
        },
        |sorted, outcome| {
            // What could not be read is refused already: a single record is its whole batch.
            if let Some((code, detail)) = sorted.refusal() {
                return Err(ApiError::new(Code::Refused, format!("{code}: {detail}")));
            }
            let answer = SingleAnswer::of(outcome).map_err(|problem| {
                ApiError::new(Code::Refused, format!("{}: {}", problem.code, problem.detail))
            })?;
            dto::bytes(&answer)
        },
    )
    .await
}

async fn many<B: Batch>(req: HttpRequest, payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let take = |batch: B| {
        let (items, account) = batch.into_parts();
        let items = items.map_err(|count| {
            let detail = format!("A batch has at most {MAX_ITEMS} records; this one has {count}.");
            ApiError::new(Code::TooLarge, detail)
        })?;
        Ok((items, account))
    };
    run(req, payload, take, |sorted, outcome| dto::bytes(&sorted.answer(outcome))).await
}

/// Reads a body of `B`, imports its records in one transaction, and answers.
async fn run<B, T>(
    req: HttpRequest,
    mut payload: web::Payload,
    take: impl FnOnce(B) -> Result<(Vec<Lenient<T>>, Option<mastoc_domain::StoktId>), ApiError> + Send + 'static,
    answer: impl FnOnce(Sorted<T::Record>, mastoc_domain::import::BatchOutcome) -> Result<Vec<u8>, ApiError>
    + Send
    + 'static,
) -> Result<HttpResponse, ApiError>
where
    B: DeserializeOwned,
    T: Importable,
{
    let access = authorise(&req, Action::Synchronise).await?;
    let mut query = Query::of(&req);
    let dry = query.flag("dry_run").unwrap_or(false);
    let run = import_runs::named(&mut query).filter(|_| !dry);
    query.finish()?;
    let bytes = body::read(&req, &mut payload, IMPORT_JSON_BYTES).await?;
    let (state, owner) = (State::clone(&access.state), import_runs::owner(&access));
    let body = blocking::run(move || {
        let (items, account) = take(parse(&bytes)?)?;
        drop(bytes);
        let mut sorted = Sorted::of(items);
        let assumed = Assumed::default();
        let outcome = import_runs::within(&state, run, &owner, |fence| {
            let context = ImportContext { run, account, fence, dry: dry.then_some(&assumed) };
            state.store.write(|conn| {
                sorted.complete(conn, &context)?;
                T::write(conn, &context, &sorted.records)
            })
        })?;
        answer(sorted, outcome)
    })
    .await?;
    Ok(writing::json(StatusCode::OK, body))
}

pub(super) fn parse<B: DeserializeOwned>(bytes: &[u8]) -> Result<B, ApiError> {
    // A list would be read as the fields in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::invalid_field("body", "must be a JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let message: String = error.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
        match error.classify() {
            serde_json::error::Category::Data => ApiError::invalid_field("body", message),
            _ => ApiError::new(Code::BadJson, message),
        }
    })
}
