//! Lists of climbs: making, editing, following and sharing them.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use mastoc_domain::{GymId, ListId};
use mastoc_storage::lists::{self, ClimbList, ListFilter};
use mastoc_storage::{ReadConn, Viewer, gyms};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use crate::answers;
use crate::auth::{authorise, must_be, must_own};
use crate::dto;
use crate::dto::list::{FollowInput, ListChangeInput, ListJson, ListPage, NewListInput, ShareJson};
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::policy::Action;
use crate::query::{Query, path};
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    // Fixed words before ids.
    config.service(shared).service(all).service(create).service(by_id).service(edit).service(remove);
    config.service(follow).service(unfollow).service(share).service(revoke);
}

/// The list that a path names, as far as the caller sees it.
///
/// # Errors
/// 404 when they see none.
pub(super) fn seen(conn: &mut ReadConn<'_>, viewer: Viewer, id: ListId) -> Result<ClimbList, ApiError> {
    lists::by_id(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("list"))
}

/// The list that a link leads to.
///
/// # Errors
/// 404 when it leads nowhere.
pub(super) fn linked(conn: &mut ReadConn<'_>, viewer: Viewer, token: &str) -> Result<ClimbList, ApiError> {
    lists::by_token(conn, viewer, token)?.ok_or_else(|| ApiError::not_found("list"))
}

/// The token of the link in the path.
pub(super) fn token_of(req: &HttpRequest) -> String {
    req.match_info().get("token").unwrap_or_default().to_owned()
}

fn check_gym(conn: &mut ReadConn<'_>, gym: Option<GymId>) -> Result<(), ApiError> {
    match gym {
        Some(gym) if gyms::by_ids(conn, &[gym])?.is_empty() => {
            Err(ApiError::invalid_field("gym_id", "there is no such gym"))
        }
        _ => Ok(()),
    }
}

/// The lists that the caller sees, the latest made first: their own, public ones, and those they follow by a link.
#[utoipa::path(tag = "lists", params(
        ("mine" = Option<bool>, Query, description = "Needs a person: their own lists, or only those of others."),
        ("followed" = Option<bool>, Query, description = "Needs a person: the lists that they follow, or only others."),
        ("public" = Option<bool>, Query, description = "Public lists, or only others."),
        ("list_type" = Option<String>, Query, description = "`personal`, `circuit` or `project`."),
        ("gym_id" = Option<Uuid>, Query, description = "About this gym."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = ListPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/lists")]
async fn all(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let mut query = Query::of(&req);
    let filter = ListFilter {
        mine: query.flag("mine"),
        followed: query.flag("followed"),
        public: query.flag("public"),
        list_type: query.value("list_type", "personal, circuit or project"),
        gym_id: query.value("gym_id", "a UUID"),
    };
    for (name, asked) in [("mine", filter.mine), ("followed", filter.followed)] {
        if asked.is_some() && access.maybe_person().is_none() {
            query.refuse(
                name,
                "needs somebody who is logged in; an API key acts for the service, not for a person",
            );
        }
    }
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        let found = lists::page(conn, viewer, &filter, page.offset(), page.size)?;
        let count = lists::count(conn, viewer, &filter)?;
        let results = found.iter().map(ListJson::from).collect();
        dto::bytes(&ListPage { results, count, page: page.page, page_size: page.size })
    })
    .await
}

/// Makes a list.
#[utoipa::path(tag = "lists", request_body = NewListInput,
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again within a day, the same request makes nothing more.")),
    responses((status = 201, body = ListJson<'_>), (status = "default", body = Problem)))]
#[post("/api/lists")]
async fn create(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let new = dto::list::new_list(&mut fields);
    let body = fields.bytes.clone();
    fields.finish()?;
    writing::create(&req, &access, &body, move |conn| {
        check_gym(conn, new.gym_id)?;
        let id = lists::create(conn, person.id, &new)?;
        dto::bytes(&ListJson::from(&seen(conn, Viewer::Person(person.id), id)?))
    })
    .await
}

/// One list. A private one does not exist for those who may not see it.
#[utoipa::path(tag = "lists", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 200, body = ListJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/lists/{id}")]
async fn by_id(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    answers::json(&req, &access, move |conn, viewer| dto::bytes(&ListJson::from(&seen(conn, viewer, id)?)))
        .await
}

/// Changes a list; only its owner may, and admins public ones.
#[utoipa::path(tag = "lists", params(("id" = Uuid, Path, description = "Our id.")), request_body = ListChangeInput,
    responses((status = 200, body = ListJson<'_>), (status = "default", body = Problem)))]
#[patch("/api/lists/{id}")]
async fn edit(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let change = dto::list::list_change(&mut fields);
    fields.finish()?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::change(&access, move |conn| {
        let list = seen(conn, viewer, id)?;
        must_own(&caller, list.owner_id)?;
        check_gym(conn, change.gym_id.flatten())?;
        lists::update(conn, id, list.is_public, &change)?;
        // An admin who hides somebody's list does not see it any more.
        let now = lists::by_id(conn, viewer, id)?.unwrap_or_else(|| change.applied(&list));
        dto::bytes(&ListJson::from(&now))
    })
    .await
}

/// Deletes a list with its items; only its owner may, and admins public ones.
#[utoipa::path(tag = "lists", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/lists/{id}")]
async fn remove(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::remove(&access, move |conn| {
        let list = seen(conn, viewer, id)?;
        must_own(&caller, list.owner_id)?;
        Ok(lists::delete(conn, &list)?)
    })
    .await
}

/// Follows a list: a public one, or any with the token of its link. Followers by a link see a private list for as long
/// as that link holds.
#[utoipa::path(tag = "lists", params(("id" = Uuid, Path, description = "Our id.")), request_body = FollowInput,
    responses((status = 204), (status = "default", body = Problem)))]
#[put("/api/lists/{id}/follow")]
async fn follow(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let token = fields.text("token", 100).flatten();
    fields.finish()?;
    writing::remove(&access, move |conn| {
        if let Some(token) = &token {
            if !lists::holds_link(conn, id, token)? {
                return Err(ApiError::not_found("list"));
            }
            if lists::is_owned_by(conn, id, person.id)? {
                return Err(own());
            }
        } else if seen(conn, Viewer::Person(person.id), id)?.owner_id == Some(person.id) {
            return Err(own());
        }
        Ok(lists::follow(conn, person.id, id, token.as_deref())?)
    })
    .await
}

fn own() -> ApiError {
    ApiError::new(Code::Conflict, "The list is your own; there is nothing to follow.")
}

/// Follows a list no longer.
#[utoipa::path(tag = "lists", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/lists/{id}/follow")]
async fn unfollow(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let person = access.person()?;
    let id: ListId = path(&req, "id", "a UUID")?;
    writing::remove(&access, move |conn| {
        seen(conn, Viewer::Person(person.id), id)?;
        Ok(lists::unfollow(conn, person.id, id)?)
    })
    .await
}

/// Makes a link to a list, by which whoever may read the board may read the list. It takes the place of an older link,
/// which holds no more. Only the owner may.
///
/// The token is told this once and kept as a hash, which is why an `Idempotency-Key` does nothing here: sending the
/// request again makes another link.
#[utoipa::path(tag = "lists", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 200, body = ShareJson<'_>), (status = "default", body = Problem)))]
#[post("/api/lists/{id}/share")]
async fn share(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::change(&access, move |conn| {
        must_be(&caller, seen(conn, viewer, id)?.owner_id)?;
        let token = lists::share(conn, id)?;
        dto::bytes(&ShareJson { token: &token, path: &format!("/api/lists/shared/{token}") })
    })
    .await
}

/// Ends the link of a list, if there is one. Who followed the list by it sees it no more, unless it is public.
#[utoipa::path(tag = "lists", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/lists/{id}/share")]
async fn revoke(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::remove(&access, move |conn| {
        must_be(&caller, seen(conn, viewer, id)?.owner_id)?;
        Ok(lists::revoke(conn, id)?)
    })
    .await
}

/// The list that a link leads to, for as long as the link holds.
#[utoipa::path(tag = "lists", params(("token" = String, Path, description = "The token of the link.")),
    responses((status = 200, body = ListJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/lists/shared/{token}")]
async fn shared(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let token = token_of(&req);
    answers::json(&req, &access, move |conn, viewer| {
        dto::bytes(&ListJson::from(&linked(conn, viewer, &token)?))
    })
    .await
}
