//! Public profiles; for admins the list of accounts, their roles and whether they may log in.

use actix_web::{HttpRequest, HttpResponse, get, patch, web};
use mastoc_domain::UserId;
use mastoc_domain::access::AccountRole;
use mastoc_storage::people::{self, AccountFilter, Administered};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Page;
use super::me::last_admin;
use crate::answers;
use crate::auth::authorise;
use crate::dto;
use crate::dto::people::{AccountJson, AccountPage, ProfileJson};
use crate::errors::{ApiError, Problem};
use crate::fields::Fields;
use crate::policy::Action;
use crate::query::{Query, path};
use crate::writing;

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(profile).service(administer);
}

/// What an admin can change of an account; fields that are not sent stay.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the body, which is read field by field")]
struct Administration {
    /// `user` or `admin`.
    #[schema(pattern = "^(user|admin)$", nullable = false)]
    role: Option<String>,
    /// Whether the person may log in; whoever may not is logged out everywhere.
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

/// Accounts, by name and id; for admins. Imported setters are listed at `/api/setters`.
#[utoipa::path(tag = "people", params(
        ("search" = Option<String>, Query, description = "Part of the name, the user name or the address, whatever its case.", max_length = 255),
        ("role" = Option<String>, Query, description = "`user` or `admin`.", pattern = "^(user|admin)?$"),
        ("is_active" = Option<bool>, Query, description = "Those who may log in, or those who may not."),
        ("page" = Option<i64>, Query, description = "From 1.", minimum = 1),
        ("page_size" = Option<i64>, Query, description = "How many a page has; 50 by default.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = AccountPage<'_>), (status = "default", body = Problem)))]
#[get("/api/users")]
async fn list(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Administer).await?;
    let mut query = Query::of(&req);
    let filter = AccountFilter {
        search: query.text("search"),
        role: query.value("role", "user or admin"),
        is_active: query.flag("is_active"),
    };
    let page = Page::read(&mut query);
    query.finish()?;
    writing::fresh(&access, move |conn| {
        let accounts = people::list(conn, &filter, page.offset(), page.size)?;
        let count = people::count(conn, &filter)?;
        let results = accounts.iter().map(AccountJson::from).collect();
        dto::bytes(&AccountPage { results, count, page: page.page, page_size: page.size })
    })
    .await
}

/// What everybody sees of a person: an account, an imported setter, or what is left of somebody who went.
#[utoipa::path(tag = "people", params(("id" = Uuid, Path, description = "Our id.")),
    responses((status = 200, body = ProfileJson<'_>), (status = 304), (status = "default", body = Problem)))]
#[get("/api/users/{id}")]
async fn profile(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::ReadBoard).await?;
    let id: UserId = path(&req, "id", "a UUID")?;
    answers::json(&req, &access, move |conn, viewer| {
        let profile = people::profile(conn, viewer, id)?.ok_or_else(|| ApiError::not_found("person"))?;
        dto::bytes(&ProfileJson::from(&profile))
    })
    .await
}

/// Changes what somebody is on this server, and whether they may log in; for admins. The last active admin stays one.
#[utoipa::path(tag = "people", params(("id" = Uuid, Path, description = "Our id.")), request_body = Administration,
    responses((status = 200, body = AccountJson<'_>), (status = "default", body = Problem)))]
#[patch("/api/users/{id}")]
async fn administer(req: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, ApiError> {
    let access = authorise(&req, Action::Administer).await?;
    let id: UserId = path(&req, "id", "a UUID")?;
    let mut fields = Fields::read(&req, &mut payload).await?;
    let role = fields.parsed::<AccountRole>("role", "user or admin");
    let role = fields.not_null("role", role);
    let is_active = fields.flag("is_active");
    let is_active = fields.not_null("is_active", is_active);
    fields.finish()?;
    writing::change(&access, move |conn| {
        if people::administer(conn, id, role, is_active)? == Administered::LastAdmin {
            return Err(last_admin());
        }
        let account = people::account(conn, id)?.ok_or_else(|| ApiError::not_found("account"))?;
        dto::bytes(&AccountJson::from(&account))
    })
    .await
}
