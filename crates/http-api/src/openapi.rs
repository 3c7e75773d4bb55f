//! The OpenAPI document, collected from the handlers, and what is derived from it.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::AppExt as _;

use crate::auth::API_KEY_HEADER;
use crate::errors::Problem;
use crate::routes;

const JSON: &str = "application/json";
const PROBLEM_JSON: &str = "application/problem+json";

/// The parts of the document that belong to no handler.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "mastoc",
        description = "Climbing boards: gyms, faces, holds and climbs. Errors are RFC 9457 problems with a stable \
            `code`. Reads carry strong ETags; send them back as `If-None-Match`. Unknown query parameters are ignored.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem)),
    security(("api_key" = []), ("bearer" = [])),
    modifiers(&Credentials)
)]
struct Base;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "api_key",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                API_KEY_HEADER,
                "A key of the service, with a scope: read, write, sync or admin.",
            ))),
        );
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The whole document.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(Base::openapi())
        .configure(routes::configure)
        .split_for_parts();
    complete(&mut document);
    document
}

/// What an answer means, where its handler says nothing more; the standard wants a description of each.
fn describe(status: &str) -> &'static str {
    match status {
        "304" => "What the client has still holds.",
        "308" => "Elsewhere.",
        "404" => "Not found.",
        "503" => "The service is degraded.",
        "default" => "A problem.",
        _ => "Success.",
    }
}

/// Problems have a media type of their own (RFC 9457); the handlers only say that they answer one.
fn name_problems(response: &mut utoipa::openapi::Response) {
    let Some(RefOr::T(content)) = response.content.get(JSON) else { return };
    let is_problem =
        matches!(&content.schema, Some(RefOr::Ref(schema)) if schema.ref_location.ends_with("/Problem"));
    if is_problem && let Some(content) = response.content.swap_remove(JSON) {
        response.content.insert(PROBLEM_JSON.to_owned(), content);
    }
}

/// Names each operation by its method and path, since names of handlers repeat from file to file, and describes
/// every answer.
fn complete(document: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let parts: Vec<String> = path
            .split('/')
            .map(|part| part.trim_matches(['{', '}']).replace(['-', '.'], "_"))
            .filter(|part| !part.is_empty() && part != "api")
            .collect();
        let name = if parts.is_empty() { "about".to_owned() } else { parts.join("_") };
        for (word, operation) in [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{word}_{name}"));
                for (status, response) in &mut operation.responses.responses {
                    if let RefOr::T(response) = response
                        && response.description.is_empty()
                    {
                        response.description = describe(status).to_owned();
                    }
                    if let RefOr::T(response) = response {
                        name_problems(response);
                    }
                }
            }
        }
    }
}

/// The document as JSON text.
///
/// # Errors
/// When it cannot be printed, which would be a defect.
pub(crate) fn to_json(document: &utoipa::openapi::OpenApi) -> Result<String, serde_json::Error> {
    serde_json::to_string(document)
}

/// The OpenAPI 3.1 document of this API as JSON, for `mastoc-server openapi`.
///
/// # Errors
/// When it cannot be printed, which would be a defect.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    document().to_pretty_json()
}

/// The operations of a path with their methods.
fn operations(item: &PathItem) -> impl Iterator<Item = (HttpMethod, &Operation)> {
    [
        (HttpMethod::Get, &item.get),
        (HttpMethod::Post, &item.post),
        (HttpMethod::Put, &item.put),
        (HttpMethod::Patch, &item.patch),
        (HttpMethod::Delete, &item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_ref().map(|operation| (method, operation)))
}

fn word(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Delete => "DELETE",
        _ => "GET",
    }
}

/// Every route as (method, path, whether it is public according to the document).
#[must_use]
pub fn public_routes() -> Vec<(&'static str, String, bool)> {
    let document = document();
    let mut routes = Vec::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations(item) {
            routes.push((word(&method), path.clone(), operation.security.is_some()));
        }
    }
    routes
}

/// Which methods each path takes, for answering 405; and a name for this version of the document.
pub(crate) struct RouteTable {
    methods: HashMap<String, String>,
    version: [u8; 32],
}

impl RouteTable {
    pub(crate) fn of(document: &utoipa::openapi::OpenApi) -> Self {
        let methods = document.paths.paths.iter().map(|(path, item)| {
            let methods: Vec<&str> = operations(item).map(|(method, _)| word(&method)).collect();
            (path.clone(), methods.join(", "))
        });
        let text = to_json(document).unwrap_or_default();
        Self { methods: methods.collect(), version: Sha256::digest(text).into() }
    }

    /// The methods of a path pattern, such as `GET, PUT`. Patterns of the router may carry expressions
    /// (`{path:.*}`), which the document leaves out.
    pub(crate) fn methods(&self, pattern: &str) -> Option<String> {
        self.methods.get(&pattern.replace(":.*}", "}")).cloned()
    }

    /// Changes whenever the document does.
    pub(crate) fn version(&self) -> &[u8] {
        &self.version
    }
}
