//! The OpenAPI document, and Swagger UI to read it with; nothing is fetched from elsewhere.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get};
use bytes::Bytes;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::Config;

use crate::answers;
use crate::errors::ApiError;
use crate::state;

/// Swagger UI 5 loads its script and style as files of their own and sets styles through the DOM, which no policy
/// forbids; its style sheet holds pictures as `data:` URLs. So it needs no `unsafe-inline`.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The document that Swagger UI shows.
const DOCUMENT: &str = "/openapi.json";

pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(openapi).service(docs_folder).service(docs);
}

/// This document.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = Object), (status = 304)))]
#[get("/openapi.json")]
async fn openapi(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state::of(&req)?;
    let document = state.openapi.clone();
    answers::fixed(&req, &state, state.routes.version(), "application/json", move || Ok(document)).await
}

/// Leads to `/docs/`.
#[utoipa::path(tag = "service", security(()), responses((status = 308)))]
#[get("/docs")]
async fn docs_folder(_: HttpRequest) -> HttpResponse {
    HttpResponse::build(StatusCode::PERMANENT_REDIRECT).insert_header((header::LOCATION, "/docs/")).finish()
}

/// Swagger UI.
#[utoipa::path(tag = "service", security(()), params(("file" = String, Path, description = "A file of it; empty for the page.")),
    responses((status = 200, content_type = "text/html", body = String), (status = 304), (status = 404)))]
#[get("/docs/{file:.*}")]
async fn docs(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = state::of(&req)?;
    let file = req.match_info().get("file").unwrap_or_default().to_owned();
    let content_type = content_type(&file).ok_or_else(|| ApiError::not_found("page"))?;
    let mut response = answers::fixed(&req, &state, state.routes.version(), content_type, move || {
        let served = utoipa_swagger_ui::serve(&file, Arc::new(Config::from(DOCUMENT)));
        let served = served.map_err(|error| ApiError::internal(error.to_string()))?;
        let served = served.ok_or_else(|| ApiError::not_found("page"))?;
        Ok(Bytes::from(served.bytes.into_owned()))
    })
    .await?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
    Ok(response)
}

/// The kinds of files that Swagger UI consists of.
fn content_type(file: &str) -> Option<&'static str> {
    match file.rsplit_once('.').map(|(_, ending)| ending) {
        None if file.is_empty() => Some("text/html; charset=utf-8"),
        Some("html") => Some("text/html; charset=utf-8"),
        Some("js") => Some("text/javascript; charset=utf-8"),
        Some("css") => Some("text/css; charset=utf-8"),
        Some("png") => Some("image/png"),
        _ => None,
    }
}
