//! The HTTP side: connections, requests, faults around the routes.

mod answer;
mod climbs;
mod cut;
mod drift;
mod lists;
mod media;
mod page;
mod routes;
mod social;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::form_urlencoded;

use crate::faults::{self, Plan, RetryAfter};
use crate::state::{RecordedRequest, Shared};
use answer::{Answer, Payload, SimBody};
use cut::{Connection, Scissors};

/// Longest body that is read, in bytes.
const LONGEST_BODY: usize = 32 << 20;
/// About the length of an answer's headers, in bytes: enough to cut somewhere in the whole.
const USUAL_HEAD: f64 = 150.0;
const MAINTENANCE: &str = "<!DOCTYPE html>\n<html><head><title>Down for maintenance</title></head>\
    <body><h1>We'll be back soon</h1><p>The service is being updated.</p></body></html>\n";

/// Accepts connections until it is told to stop.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: oneshot::Receiver<()>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stop => return,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely: give the others a chance to close theirs.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let scissors = Scissors::new();
            let io = TokioIo::new(Connection::new(stream, scissors.clone()));
            let service = service_fn(move |request| {
                let (shared, scissors) = (Arc::clone(&shared), scissors.clone());
                // As services do: what was asked for is carried out even if nobody waits for the answer any more.
                let carried_out = tokio::spawn(async move { handle(&shared, &scissors, request).await });
                async move { Ok::<_, Infallible>(carried_out.await.unwrap_or_else(|_| nothing())) }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new());
            if let Err(error) = http.serve_connection(io, service).await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}

/// A request, read and taken apart.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) token: Option<&'a str>,
    /// `http://host:port` as the client wrote it.
    pub(crate) origin: String,
    pub(crate) body: &'a [u8],
    pub(crate) page_size: usize,
    /// Records that pages share; a fault.
    pub(crate) repeat: usize,
}

impl Call<'_> {
    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number; `None` if it is missing or something else.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.parameter(name)?.parse().ok()
    }

    /// The body as JSON; an empty object if there is none that can be read.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or_else(|_| Value::Object(serde_json::Map::new()))
    }
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

async fn handle(shared: &Shared, scissors: &Scissors, request: Request<Incoming>) -> Response<SimBody> {
    scissors.leave();
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let authorisation = text_of(&parts.headers, header::AUTHORIZATION);
    shared.record(RecordedRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        had_token: authorisation.is_some(),
        user_agent: text_of(&parts.headers, header::USER_AGENT).unwrap_or_default().to_owned(),
        at: SystemTime::now(),
    });
    let plan = shared.faults.plan(method, path);
    if let Some(bytes) = plan.cut_request {
        return hang_up(scissors, body, bytes).await;
    }
    let body = match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            let answer = Answer::detail(413, "Request body is too large.");
            return respond(shared, scissors, &plan, answer).await;
        }
    };
    if let Some(time) = plan.delay {
        tokio::time::sleep(time).await;
    }
    prepare(shared, &plan);
    let host = text_of(&parts.headers, header::HOST).unwrap_or("127.0.0.1");
    let call = Call {
        method,
        path,
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        token: authorisation.and_then(|value| value.strip_prefix("Token ")),
        origin: format!("http://{host}"),
        body: &body,
        page_size: shared.page_size,
        repeat: plan.repeat,
    };
    let mut answer = if plan.is_carried_out() {
        routes::answer(&mut shared.board(), &call)
    } else {
        Answer::detail(503, "Service unavailable.")
    };
    if let Some(other) = &plan.answer {
        let now = shared.board().now();
        answer = instead(other, answer, now, parts.uri.path_and_query().map_or("/", |whole| whole.as_str()));
    }
    if let Payload::Written(written) = &answer.payload
        && !(plan.rewrites.is_empty() && plan.fields.is_empty())
        && let Ok(value) = serde_json::from_slice(written)
    {
        answer.payload = Payload::Json(value);
    }
    if let Payload::Json(value) = &mut answer.payload {
        page::spoil(value, &plan, &call);
        for (what, field) in &plan.fields {
            drift::change(value, *what, field);
        }
        for rewrite in &plan.rewrites {
            (rewrite.0)(value);
        }
    }
    if let Some(time) = plan.delay_answer {
        tokio::time::sleep(time).await;
    }
    respond(shared, scissors, &plan, answer).await
}

/// Reads so many bytes of a request's body, or all of it if it is shorter, and closes the connection. Nothing was done.
async fn hang_up(scissors: &Scissors, mut body: Incoming, bytes: u64) -> Response<SimBody> {
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    while left > 0
        && let Some(Ok(frame)) = body.frame().await
    {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
    }
    scissors.cut_after(0);
    nothing()
}

/// An answer without anything in it.
fn nothing() -> Response<SimBody> {
    Response::new(SimBody::new(Bytes::new(), None))
}

/// What others do to the board just before the request is answered.
fn prepare(shared: &Shared, plan: &Plan) {
    if plan.changes.is_empty() && plan.drift == 0 && plan.vanish == 0 && !plan.expire_token {
        return;
    }
    let mut board = shared.board();
    for change in &plan.changes {
        (change.0)(&mut board);
    }
    if plan.drift > 0 {
        board.invent_climbs(plan.drift);
    }
    for _ in 0..plan.vanish {
        let account = board.accounts.first().map(|account| account.user as u32);
        let other = board.climbs.iter().rev().find(|climb| climb.setter != account).map(|climb| climb.key);
        if let Some(key) = other {
            board.delete_climb(key);
        }
    }
    if plan.expire_token {
        for account in &mut board.accounts {
            account.is_valid = false;
        }
    }
}

/// An answer in place of the true one.
fn instead(other: &faults::Answer, truth: Answer, now: i64, target: &str) -> Answer {
    let html = |status| Answer {
        status,
        headers: Vec::new(),
        payload: Payload::Bytes("text/html; charset=utf-8", Bytes::from_static(MAINTENANCE.as_bytes())),
    };
    match other {
        faults::Answer::Status { code, retry_after, html: is_html } => {
            let mut answer = match (is_html, code) {
                (true, code) => html(*code),
                (false, 401) => Answer::unauthorised("Invalid token."),
                (false, 403) => Answer::forbidden(),
                (false, 404) => Answer::not_found(),
                (false, 429) => Answer::detail(429, "Request was throttled."),
                (false, code) => Answer::detail(*code, "A server error occurred."),
            };
            answer.headers.extend(retry_after.map(|when| ("retry-after", retry_after_text(when, now))));
            answer
        }
        faults::Answer::Garbage => Answer {
            status: truth.status,
            headers: Vec::new(),
            payload: Payload::Written(Bytes::from_static(
                b"{\"count\": 3, \"results\": [{\"id\"\x00\xff\xfe<oops",
            )),
        },
        faults::Answer::Html => html(200),
        faults::Answer::Redirect { code, to } => {
            let mut answer = Answer::detail(*code, "Moved.");
            answer.headers.push(("location", format!("{to}{target}")));
            answer
        }
    }
}

/// A time (microseconds since 1970) as headers write it.
fn http_date(micros: i64) -> String {
    let time = chrono::DateTime::<chrono::Utc>::from_timestamp_micros(micros).unwrap_or_default();
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn retry_after_text(when: RetryAfter, now: i64) -> String {
    match when {
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Date(seconds) => http_date(now.saturating_add(seconds.saturating_mul(1_000_000) as i64)),
    }
}

/// Writes the answer, and spoils it on its way if it must.
async fn respond(shared: &Shared, scissors: &Scissors, plan: &Plan, answer: Answer) -> Response<SimBody> {
    let (kind, mut bytes) = match answer.payload {
        Payload::Empty => (None, Bytes::new()),
        Payload::Json(value) => {
            (Some("application/json"), serde_json::to_vec(&value).unwrap_or_default().into())
        }
        Payload::Written(bytes) => (Some("application/json"), bytes),
        Payload::Bytes(kind, bytes) => (Some(kind), bytes),
        Payload::Drawn(drawing) => {
            let drawn = tokio::task::spawn_blocking(move || drawing.jpeg()).await;
            (Some("image/jpeg"), drawn.unwrap_or_default())
        }
    };
    if let Some(fault) = plan.picture
        && kind.is_some_and(|kind| kind.starts_with("image/"))
    {
        bytes = media::spoil(bytes, fault);
    }
    if let Some(keep) = plan.truncate {
        bytes.truncate(keep);
    }
    match plan.cut {
        Some(faults::Cut::Bytes(count)) => scissors.cut_after(count),
        Some(faults::Cut::Part(part)) => {
            scissors.cut_after(((USUAL_HEAD + bytes.len() as f64) * part) as u64);
        }
        None => {}
    }
    // By the board's clock, which may be another one than this machine's.
    let date = http_date(shared.board().now());
    let mut response = Response::builder().status(answer.status).header(header::SERVER, "stokt-sim");
    response = response.header(header::DATE, date);
    if let Some(kind) = kind {
        response = response.header(header::CONTENT_TYPE, kind);
    }
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(SimBody::new(bytes, plan.drip)).unwrap_or_else(|error| {
        tracing::warn!(%error, "an answer could not be written");
        nothing()
    })
}
