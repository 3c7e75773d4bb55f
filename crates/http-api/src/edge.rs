//! The outermost layer: request ids, spans, the access log, metrics, security headers, and a problem in the place of
//! everything that the framework would answer by itself or that panics.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant, SystemTime};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError as _};
use futures_util::FutureExt as _;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::errors::ApiError;
use crate::state::State;

/// The header that names a request in the logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Our answers are data: nothing in them may load, run or be framed.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where lists are read by links; what follows is a secret.
const LINKS: &str = "/api/lists/shared/";

/// A path as the logs may tell it.
fn loggable(path: &str) -> &str {
    if path.starts_with(LINKS) { LINKS } else { path }
}

/// A name for a request: a UUID of version 7, whose random part comes from this thread's generator. The system's, which
/// `Uuid::now_v7` asks, is a system call for each request, and a name is no secret.
fn request_id() -> Uuid {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since_1970.as_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
}

/// In milliseconds, to the microsecond: the digits behind are the arithmetic's.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// Runs one request. See the head of this file.
pub(crate) async fn handle<B: MessageBody + 'static>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = request_id();
    let method = req.method().clone();
    // The query is left out: one day somebody will put a secret there.
    let span = tracing::info_span!("request", %id, %method, path = %loggable(req.path()));
    let state = req.app_data::<State>().cloned();
    if method == Method::HEAD {
        // The protocol layer remembers, and leaves the body out.
        req.head_mut().method = Method::GET;
    }
    if let Some(state) = &state {
        state.metrics.in_flight.inc();
    }
    let answered = AssertUnwindSafe(next.call(req)).catch_unwind().instrument(span.clone()).await;
    let _entered = span.enter();
    let outcome = match answered {
        Ok(Ok(response)) => Ok(tidy(response)),
        Ok(Err(error)) => Err(problem_of(&error)),
        Err(panic) => {
            Err(ApiError::internal(format!("a handler panicked: {}", message_of(&*panic))).error_response())
        }
    };
    let (status, route) = match &outcome {
        Ok(response) => (response.status(), response.request().match_pattern()),
        Err(response) => (response.status(), None),
    };
    let elapsed = started.elapsed();
    if let Some(state) = &state {
        state.metrics.in_flight.dec();
        let route = route.as_deref().unwrap_or("none");
        state.metrics.answered(method_label(&method), route, status.as_u16(), elapsed.as_secs_f64());
    }
    tracing::info!(status = status.as_u16(), ms = milliseconds(elapsed), "answered");
    match outcome {
        Ok(mut response) => {
            dress(response.headers_mut(), id);
            Ok(response)
        }
        Err(mut response) => {
            dress(response.headers_mut(), id);
            Err(InternalError::from_response("answered", response).into())
        }
    }
}

/// Gives every error that is not ours our shape.
fn tidy<B: MessageBody + 'static>(response: ServiceResponse<B>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let ours = || {
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.starts_with("application/"))
    };
    if (status.is_client_error() || status.is_server_error()) && !ours() {
        let replaced = ApiError::of_framework(status).error_response();
        return response.into_response(replaced);
    }
    response.map_into_boxed_body()
}

fn problem_of(error: &Error) -> HttpResponse {
    match error.as_error::<ApiError>() {
        Some(ours) => ours.error_response(),
        None => ApiError::of_framework(error.as_response_error().status_code()).error_response(),
    }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Methods are free text on the wire; series must not be.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn dress(headers: &mut HeaderMap, id: Uuid) {
    if let Ok(id) = HeaderValue::from_str(id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer())) {
        headers.insert(REQUEST_ID, id);
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s18_the_logs_do_not_tell_the_links_of_lists() {
        assert_eq!(loggable("/api/lists/shared/secret/items"), LINKS);
        assert_eq!(loggable("/api/lists/x"), "/api/lists/x");
    }
}
