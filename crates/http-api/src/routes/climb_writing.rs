//! Creating, editing and deleting climbs.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, patch, post, web};
use mastoc_domain::climb_edit::{ClimbContent, ClimbDraft, HoldFit};
use mastoc_domain::{ClimbId, FaceId, HoldId};
use mastoc_storage::climb_edits::Author;
use mastoc_storage::climb_writes::{self, Standing};
use mastoc_storage::{ReadConn, Viewer, WriteConn, climbs, personal};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::answers::content::{self, IfMatch};
use crate::auth::{Access, authorise, must_own};
use crate::blocking;
use crate::dto;
use crate::dto::climb::ClimbJson;
use crate::dto::climb_edit::{ClimbPatchBody, NewClimbBody, PersonalDraft, draft, has_personal, has_shared};
use crate::errors::{ApiError, FieldError, Problem};
use crate::fields::Fields;
use crate::policy::{Action, Caller};
use crate::query::path;
use crate::state::State;
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(create).service(edit).service(remove);
}

/// Who the caller is in the history of what they write.
pub(super) fn author(access: &Access) -> Author {
    match &access.caller {
        Caller::Person(person) => Author::Person(person.id),
        Caller::Key(_) | Caller::Nobody => Author::Key(access.credential.clone()),
    }
}

/// The climb as JSON, also where the caller's own write has hidden it from them.
pub(super) fn render(conn: &mut ReadConn<'_>, viewer: Viewer, id: ClimbId) -> Result<Vec<u8>, ApiError> {
    let climb = match climbs::by_id(conn, viewer, id)? {
        Some(climb) => Some(climb),
        None => climbs::by_id(conn, Viewer::Service, id)?,
    };
    dto::bytes(&ClimbJson::from(&climb.ok_or_else(|| ApiError::not_found("climb"))?))
}

/// Takes the climb to be written, if the caller sees it.
///
/// # Errors
/// 404 when there is none for them.
pub(super) fn take(conn: &mut WriteConn<'_>, viewer: Viewer, id: ClimbId) -> Result<Standing, ApiError> {
    climb_writes::take(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("climb"))
}

/// What the climb becomes, or everything that is wrong: what was found before, and what only the board can tell.
fn checked(
    conn: &mut ReadConn<'_>,
    draft: &ClimbDraft,
    before: Option<&ClimbContent>,
    place: Option<(FaceId, i32)>,
    mut wrong: Vec<FieldError>,
) -> Result<ClimbContent, ApiError> {
    let holds: HashMap<HoldId, HoldFit> = match place {
        Some((face, version)) => climb_writes::holds_on(conn, face, version, &draft.holds())?,
        None => HashMap::new(),
    };
    let fit = |hold: HoldId| match place {
        Some(_) => holds.get(&hold).copied().unwrap_or(HoldFit::Elsewhere),
        // Of an unknown face nothing can be said.
        None => HoldFit::Fits,
    };
    match draft.apply(before, fit) {
        Ok(content) if wrong.is_empty() => Ok(content),
        Ok(_) => Err(ApiError::invalid(wrong)),
        Err(problems) => {
            let told: Vec<String> = wrong.iter().map(|error| error.field.clone()).collect();
            let new = problems.into_iter().filter(|problem| !told.iter().any(|field| field == problem.field));
            wrong.extend(
                new.map(|problem| FieldError { field: problem.field.to_owned(), message: problem.message }),
            );
            Err(ApiError::invalid(wrong))
        }
    }
}

/// Checks a new climb, and answers the version of the face it is set on.
fn checked_new(
    conn: &mut ReadConn<'_>,
    draft: &ClimbDraft,
    face: Option<FaceId>,
    mut wrong: Vec<FieldError>,
) -> Result<(FaceId, i32, ClimbContent), ApiError> {
    let version = face.map(|face| climb_writes::current_version(conn, face)).transpose()?.flatten();
    if face.is_some() && version.is_none() {
        wrong.push(FieldError { field: "face_id".to_owned(), message: "there is no such face".to_owned() });
    }
    let place = face.zip(version);
    let content = checked(conn, draft, None, place, wrong)?;
    // Without a place something was wrong.
    let (face, version) = place.ok_or_else(|| ApiError::invalid_field("face_id", "is needed"))?;
    Ok((face, version, content))
}

/// Creates a climb; the caller is its setter, if it is a person.
///
/// With an `Idempotency-Key` the same request sent again creates nothing more and gets the same answer.
#[utoipa::path(tag = "climbs", request_body = NewClimbBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Any text of 1 to 200 characters, new for each climb.", min_length = 1, max_length = 200)),
    responses((status = 201, body = ClimbJson<'_>), (status = "default", body = Problem)))]
#[post("/api/climbs")]
async fn create(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::WriteClimbs).await?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let body = fields.bytes.clone();
    let face = fields.parsed::<FaceId>("face_id", "a UUID");
    let face = fields.required("face_id", face);
    let draft = draft(&mut fields, true);
    let wrong = fields.into_errors();
    if !wrong.is_empty() {
        let state = State::clone(&access.state);
        let refused =
            blocking::run(move || state.store.snapshot(|conn| checked_new(conn, &draft, face, wrong))).await;
        return Err(refused.err().unwrap_or_else(|| ApiError::internal("a wrong climb was taken for right")));
    }
    let (viewer, author) = (access.viewer(), author(&access));
    let (status, bytes) = writing::created(&req, &access, &body, move |conn| {
        let (face, version, content) = checked_new(conn, &draft, face, Vec::new())?;
        let id = climb_writes::create(conn, &author, face, version, &content)?;
        render(conn, viewer, id)
    })
    .await?;
    content::written(&access, status, bytes)
}

/// Changes a climb, or what the caller keeps to themselves about it. What everybody sees is for its setter and for
/// admins to change; the personal fields are for any person who sees it.
///
/// With `If-Match` it only changes what the caller has seen: otherwise the answer is 412 with the climb as it is.
#[utoipa::path(tag = "climbs", request_body = ClimbPatchBody,
    params(("id" = Uuid, Path, description = "Our id."),
        ("If-Match" = Option<String>, Header, description = "ETags of the climb, or `*`.")),
    responses((status = 200, body = ClimbJson<'_>),
        (status = 412, body = Problem, description = "It changed in the meantime; `current` is the climb as it is."),
        (status = "default", body = Problem)))]
#[patch("/api/climbs/{id}")]
async fn edit(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::WriteClimbs).await?;
    let id: ClimbId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    // Somebody else's climb is not theirs to touch, not even to change nothing of it.
    let (is_personal, is_shared) = (has_personal(&fields), has_shared(&fields));
    let person = if is_personal { Some(access.person()?) } else { None };
    let draft = draft(&mut fields, false);
    let personal_draft = PersonalDraft::read(&mut fields);
    let wrong = fields.into_errors();
    let (viewer, author, caller) = (access.viewer(), author(&access), access.caller.clone());
    let (state, matching) = (State::clone(&access.state), IfMatch::of(&req));
    let bytes = blocking::run(move || {
        state.store.write(|conn| {
            let climb = take(conn, viewer, id)?;
            if is_shared || !is_personal {
                must_own(&caller, climb.setter_id)?;
            }
            let place = Some((climb.face_id, climb.face_version));
            let content = checked(conn, &draft, Some(&climb.content), place, wrong)?;
            if matching != IfMatch::Absent {
                matching.check(&state, &render(conn, viewer, id)?)?;
            }
            climb_writes::update(conn, &author, &climb, &content)?;
            if let Some(person) = person {
                let kept = climbs::by_id(conn, Viewer::Person(person.id), id)?.map(|climb| climb.personal);
                let kept = kept.unwrap_or_default();
                let wanted = personal_draft.apply(&kept);
                if wanted != kept {
                    personal::set(conn, person.id, id, &wanted)?;
                }
            }
            render(conn, viewer, id)
        })
    })
    .await?;
    content::written(&access, StatusCode::OK, bytes)
}

/// Deletes a climb. Its history stays, and no import brings it back.
#[utoipa::path(tag = "climbs",
    params(("id" = Uuid, Path, description = "Our id."),
        ("If-Match" = Option<String>, Header, description = "ETags of the climb, or `*`.")),
    responses((status = 204),
        (status = 412, body = Problem, description = "It changed in the meantime; `current` is the climb as it is."),
        (status = "default", body = Problem)))]
#[delete("/api/climbs/{id}")]
async fn remove(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::WriteClimbs).await?;
    let id: ClimbId = path(&req, "id", "a UUID")?;
    let (viewer, author, caller) = (access.viewer(), author(&access), access.caller.clone());
    let (state, matching) = (State::clone(&access.state), IfMatch::of(&req));
    writing::remove(&access, move |conn| {
        let climb = take(conn, viewer, id)?;
        must_own(&caller, climb.setter_id)?;
        if matching != IfMatch::Absent {
            matching.check(&state, &render(conn, viewer, id)?)?;
        }
        Ok(climb_writes::delete(conn, &author, &climb)?)
    })
    .await
}
