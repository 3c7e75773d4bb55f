//! The climbs of a list: adding, removing, ordering and annotating them.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use mastoc_domain::board::Climb;
use mastoc_domain::{ClimbId, ListId};
use mastoc_storage::list_items::{self, Added, ListItem};
use mastoc_storage::lists::ClimbList;
use mastoc_storage::{ReadConn, Viewer, climbs};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use super::lists::{linked, seen, token_of};
use crate::answers;
use crate::auth::{authorise, must_be, must_own};
use crate::dto;
use crate::dto::list::{ItemChangeInput, ItemJson, ItemPage, NewItemInput, OrderInput};
use crate::errors::{ApiError, Code, Problem};
use crate::fields::Fields;
use crate::policy::Action;
use crate::query::{Query, path};
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    // Fixed words before ids.
    config.service(shared).service(all).service(add).service(reorder).service(edit).service(remove);
}

fn page_of(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    list: &ClimbList,
    page: &Page,
) -> Result<Vec<u8>, ApiError> {
    let items = list_items::page(conn, viewer, list, page.offset(), page.size)?;
    let ids: Vec<ClimbId> = items.iter().map(|item| item.climb_id).collect();
    let climbs: HashMap<ClimbId, Climb> =
        climbs::by_ids(conn, viewer, &ids)?.into_iter().map(|climb| (climb.id, climb)).collect();
    let results =
        items.iter().filter_map(|item| Some(ItemJson::new(item, climbs.get(&item.climb_id)?))).collect();
    dto::bytes(&ItemPage { results, count: list.items_count, page: page.page, page_size: page.size })
}

/// An item of a list with its climb.
fn item_of(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    list: &ClimbList,
    id: ClimbId,
) -> Result<(ListItem, Climb), ApiError> {
    let item = list_items::one(conn, viewer, list, id)?;
    item.zip(climbs::by_id(conn, viewer, id)?).ok_or_else(|| ApiError::not_found("climb in this list"))
}

/// The climbs of a list that the caller may see, in their order. Notes and status are the owner's own.
#[utoipa::path(tag = "lists", params(
        ("id" = Uuid, Path, description = "The list."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = ItemPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/lists/{id}/items")]
async fn all(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let mut query = Query::of(&req);
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        let list = seen(conn, viewer, id)?;
        page_of(conn, viewer, &list, &page)
    })
    .await
}

/// The climbs of the list that a link leads to, for as long as the link holds.
#[utoipa::path(tag = "lists", params(
        ("token" = String, Path, description = "The token of the link."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = ItemPage<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/lists/shared/{token}/items")]
async fn shared(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let token = token_of(&req);
    let mut query = Query::of(&req);
    let page = Page::read(&mut query);
    query.finish()?;
    answers::json(&req, &access, move |conn, viewer| {
        let list = linked(conn, viewer, &token)?;
        page_of(conn, viewer, &list, &page)
    })
    .await
}

/// Puts a climb into a list; only the owner may. A climb is in a list once.
#[utoipa::path(tag = "lists", request_body = NewItemInput, params(
        ("id" = Uuid, Path, description = "The list."),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again within a day, the same request makes nothing more."),
    ),
    responses((status = 201, body = ItemJson<'_>), (status = "default", body = Problem)))]
#[post("/api/lists/{id}/items")]
async fn add(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let (climb, new) = dto::list::new_item(&mut fields);
    let body = fields.bytes.clone();
    fields.finish()?;
    let climb = climb.ok_or_else(|| ApiError::invalid_field("climb_id", "is needed"))?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::create(&req, &access, &body, move |conn| {
        let list = seen(conn, viewer, id)?;
        must_be(&caller, list.owner_id)?;
        if climbs::by_id(conn, viewer, climb)?.is_none() {
            return Err(ApiError::not_found("climb"));
        }
        match list_items::add(conn, id, climb, &new)? {
            Added::Yes => {}
            Added::Already => {
                return Err(ApiError::new(Code::Conflict, "The climb is in this list already."));
            }
            Added::Full => {
                let most = list_items::MOST_ITEMS;
                return Err(ApiError::new(Code::Conflict, format!("A list holds at most {most} climbs.")));
            }
        }
        let (item, climb) = item_of(conn, viewer, &list, climb)?;
        dto::bytes(&ItemJson::new(&item, &climb))
    })
    .await
}

/// Puts the items of a list into the order of `climb_ids`; only the owner may. Exactly the climbs that the caller sees
/// in the list must be named, each once; others keep their places among them.
#[utoipa::path(tag = "lists", params(("id" = Uuid, Path, description = "The list.")), request_body = OrderInput,
    responses((status = 204), (status = "default", body = Problem)))]
#[put("/api/lists/{id}/order")]
async fn reorder(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let most = usize::try_from(list_items::MOST_ITEMS).unwrap_or(usize::MAX);
    let order = fields.list("climb_ids", most, |item| {
        item.as_str().and_then(|text| text.parse::<ClimbId>().ok()).ok_or_else(|| "is not a UUID".to_owned())
    });
    let order = fields.required("climb_ids", order).unwrap_or_default();
    fields.finish()?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::remove(&access, move |conn| {
        must_be(&caller, seen(conn, viewer, id)?.owner_id)?;
        if list_items::reorder(conn, viewer, id, &order)? {
            return Ok(());
        }
        Err(ApiError::invalid_field(
            "climb_ids",
            "must name every climb of the list, each once, and no other",
        ))
    })
    .await
}

/// Changes an item's place, notes or status; only the list's owner may.
#[utoipa::path(tag = "lists", request_body = ItemChangeInput, params(
        ("id" = Uuid, Path, description = "The list."),
        ("climb_id" = Uuid, Path, description = "The climb."),
    ),
    responses((status = 200, body = ItemJson<'_>), (status = "default", body = Problem)))]
#[patch("/api/lists/{id}/items/{climb_id}")]
async fn edit(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let climb: ClimbId = path(&req, "climb_id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let change = dto::list::item_change(&mut fields);
    fields.finish()?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::change(&access, move |conn| {
        let list = seen(conn, viewer, id)?;
        must_be(&caller, list.owner_id)?;
        item_of(conn, viewer, &list, climb)?;
        list_items::update(conn, id, climb, &change)?;
        let (item, climb) = item_of(conn, viewer, &list, climb)?;
        dto::bytes(&ItemJson::new(&item, &climb))
    })
    .await
}

/// Takes a climb out of a list; the owner may, and admins from public ones.
#[utoipa::path(tag = "lists", params(
        ("id" = Uuid, Path, description = "The list."),
        ("climb_id" = Uuid, Path, description = "The climb."),
    ),
    responses((status = 204), (status = "default", body = Problem)))]
#[delete("/api/lists/{id}/items/{climb_id}")]
async fn remove(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Participate).await?;
    let id: ListId = path(&req, "id", "a UUID")?;
    let climb: ClimbId = path(&req, "climb_id", "a UUID")?;
    let (caller, viewer) = (access.caller.clone(), access.viewer());
    writing::remove(&access, move |conn| {
        let list = seen(conn, viewer, id)?;
        must_own(&caller, list.owner_id)?;
        item_of(conn, viewer, &list, climb)?;
        Ok(list_items::remove(conn, id, climb)?)
    })
    .await
}
