//! What can go wrong, and the questions a caller asks of it.

use std::{fmt, time::Duration};

use serde_json::Value;

use crate::{record::printable, source::Method};

/// Longest text of Stokt's that a message carries, in characters.
const DETAIL_CHARACTERS: usize = 200;

/// What went wrong, without the call it went wrong in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client was set up wrongly: a bad address, a token that cannot stand in a header.
    #[error("{0}")]
    Config(String),
    /// An argument of the call cannot be sent: an empty id, a path that climbs out of `media/`.
    #[error("{0}")]
    Argument(String),
    /// No connection: unknown host, refused, unreachable, not in time.
    #[error("cannot connect ({0}); check the address and the network")]
    Connect(String),
    /// No secure connection.
    #[error(
        "cannot connect securely ({0}); check the address, and that this machine knows who signed its certificate"
    )]
    Tls(String),
    /// The whole answer did not arrive within the deadline.
    #[error("no complete answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The connection ended before the answer did, or what came was not HTTP.
    #[error("the connection was cut ({0})")]
    Cut(String),
    /// An answer with an error status.
    #[error("{}", status_words(*.0))]
    Status(u16),
    /// Too many requests: answered with 429, or still inside the waiting time of an earlier one.
    #[error("too many requests{}", again_in(.0.as_ref()))]
    Throttled(Option<Duration>),
    /// The name and password, or the token, were refused.
    #[error("the credentials were refused; check the name and password, or the token")]
    Credentials,
    /// The service redirects somewhere else; not followed.
    #[error("refused a redirect to {0}")]
    Redirect(String),
    /// The answer is larger than allowed, in bytes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// The answer is not JSON.
    #[error("the answer is not JSON ({0})")]
    NotJson(String),
    /// The answer is JSON, but not what the call answers.
    #[error("unexpected answer: {0}")]
    Shape(String),
    /// A listing that cannot be followed: `next` in a circle, or without progress.
    #[error("the listing cannot be followed: {0}")]
    Paging(String),
    /// A listing whose `next` leads to another host; not followed.
    #[error("the listing cannot be followed: its next page lies elsewhere: {0}")]
    Elsewhere(String),
    /// Cancelled by the caller.
    #[error("cancelled")]
    Cancelled,
    /// The snapshot holds no answer to this call.
    #[error("the snapshot has no answer to this call; make it again with a run that asks for this too")]
    NotInSnapshot,
    /// A snapshot only answers; it cannot be written to.
    #[error("a snapshot cannot be changed")]
    ReadOnlySnapshot,
    /// The snapshot cannot be read or written.
    #[error("snapshot: {0}{advice}", advice = more_space(.0))]
    Snapshot(#[source] std::io::Error),
    /// The caller's writer refused the bytes of a picture.
    #[error("cannot write: {0}{advice}", advice = more_space(.0))]
    Sink(#[source] std::io::Error),
}

fn is_full(why: &std::io::Error) -> bool {
    matches!(why.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

fn more_space(why: &std::io::Error) -> &'static str {
    if is_full(why) { "; free some disk space, and run it again" } else { "" }
}

/// Whether a change reached Stokt. What may be sent again without creating anything twice hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It never left this machine: no connection, or stopped before sending.
    NotSent,
    /// Stokt read it and said no (429 or another 4xx).
    Refused,
    /// Nobody knows: time-out, cut connection, 5xx, redirect, unreadable success. Look before sending again.
    Unknown,
}

/// A failed call: which call, which status, and whether trying again can help.
///
/// The message is one line, and carries neither token nor password nor e-mail address.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    method: Option<Method>,
    target: String,
    status: Option<u16>,
    kind: ErrorKind,
    detail: Option<String>,
    /// Bytes already went to the caller's writer: a repetition would append to them.
    started: bool,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            method: None,
            target: String::new(),
            status: None,
            kind,
            detail: None,
            started: false,
        }))
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config(message.into()))
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Argument(message.into()))
    }

    /// Names the call, unless it is named already.
    pub(crate) fn in_call(mut self, method: Method, target: &str) -> Self {
        if self.0.method.is_none() {
            self.0.method = Some(method);
            self.0.target = printable(target, 200);
        }
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_detail(mut self, detail: Option<String>) -> Self {
        self.0.detail = detail;
        self
    }

    pub(crate) fn after_first_byte(mut self) -> Self {
        self.0.started = true;
        self
    }

    /// The writer was thrown away with what it held: beginning again is clean.
    pub(crate) fn before_first_byte(mut self) -> Self {
        self.0.started = false;
        self
    }

    pub(crate) fn has_started(&self) -> bool {
        self.0.started
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The call, such as `GET api/gyms/.../climbs?max_age=9999`; empty for errors of the set-up.
    #[must_use]
    pub fn call(&self) -> String {
        self.0.method.map(|method| format!("{method} {}", self.0.target)).unwrap_or_default()
    }

    /// The HTTP status of the answer, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// What Stokt said about it, shortened.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// How long Stokt asks to wait, where it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.kind {
            ErrorKind::Throttled(wait) => wait,
            _ => None,
        }
    }

    /// Whether the credentials are the matter: 401 anywhere, 400 or 403 when logging in.
    #[must_use]
    pub fn is_auth(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Credentials)
    }

    /// Whether the thing asked for is not there: 404, or 410.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Status(404 | 410))
    }

    /// Whether it is another person's: 403.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Status(403))
    }

    /// Whether Stokt asks for fewer requests. A run stops here and goes on later.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Throttled(_))
    }

    /// Whether the caller's [`Cancel`](crate::Cancel) stopped it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Cancelled)
    }

    /// Whether Stokt cannot be reached at all: no such host, refused, no way there. Says nothing of the call.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Connect(_))
    }

    /// Whether what was answered cannot be kept, since the disk, or what the account may use of it, is full.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        matches!(&self.0.kind, ErrorKind::Snapshot(why) | ErrorKind::Sink(why) if is_full(why))
    }

    /// Whether the cause may pass by itself: unreachable, cut, slow, throttling, a 5xx or an HTML page.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self.0.kind {
            ErrorKind::Connect(_)
            | ErrorKind::Timeout(_)
            | ErrorKind::Cut(_)
            | ErrorKind::Throttled(_)
            | ErrorKind::NotJson(_) => true,
            ErrorKind::Status(status) => status >= 500 || status == 408 || status == 425,
            _ => false,
        }
    }

    /// Whether sending the same call again can help and does no harm: a temporary cause, and, for a POST, one
    /// that certainly created nothing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.is_temporary()
            && !self.0.started
            && (self.0.method != Some(Method::Post) || self.outcome() != Outcome::Unknown)
    }

    /// Whether the call reached Stokt; see [`Outcome`].
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match &self.0.kind {
            ErrorKind::Config(_)
            | ErrorKind::Argument(_)
            | ErrorKind::Connect(_)
            | ErrorKind::Tls(_)
            | ErrorKind::Cancelled
            | ErrorKind::NotInSnapshot
            | ErrorKind::ReadOnlySnapshot => Outcome::NotSent,
            // Without a status nothing was asked: the waiting time of an earlier answer is not over.
            ErrorKind::Throttled(_) if self.0.status.is_none() => Outcome::NotSent,
            ErrorKind::Throttled(_) | ErrorKind::Credentials => Outcome::Refused,
            ErrorKind::Status(status) if (400..500).contains(status) => Outcome::Refused,
            _ => Outcome::Unknown,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = self.0.method {
            write!(f, "{method} {}: ", self.0.target)?;
        }
        write!(f, "{}", self.0.kind)?;
        if let Some(status) = self.0.status
            && !matches!(self.0.kind, ErrorKind::Status(_))
        {
            write!(f, " [status {status}]")?;
        }
        if let Some(detail) = &self.0.detail {
            write!(f, " (Stokt says: {detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0.kind)
    }
}

fn status_words(status: u16) -> String {
    let meaning = match status {
        400 | 422 => "refused as invalid",
        403 => "not allowed for this account; look in Stokt's own app what it may see and do",
        404 | 410 => "not found",
        408 | 425 => "not read in time",
        500..=599 => "Stokt has a problem, try again later",
        _ => "unexpected status",
    };
    format!("{meaning} (status {status})")
}

fn again_in(wait: Option<&Duration>) -> String {
    wait.map(|wait| format!(", asked to wait {} s", wait.as_secs())).unwrap_or_default()
}

/// What Stokt's error body says: `detail`, `non_field_errors`, or the first fields with their complaints.
/// `secrets` never appear in it, nor does anything that looks like an e-mail address.
pub(crate) fn detail_of(body: &[u8], secrets: &[&str]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let mut text = match &value {
        Value::Object(fields) => {
            if let Some(said) = fields.get("detail").or_else(|| fields.get("non_field_errors")) {
                sentence(said)
            } else {
                let said: Vec<String> =
                    fields.iter().take(4).map(|(name, what)| format!("{name}: {}", sentence(what))).collect();
                said.join("; ")
            }
        }
        other => sentence(other),
    };
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "***");
    }
    let words: Vec<&str> =
        text.split_whitespace().map(|word| if word.contains('@') { "***" } else { word }).collect();
    let text = printable(&words.join(" "), DETAIL_CHARACTERS);
    (!text.is_empty()).then_some(text)
}

fn sentence(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(rows) => rows.iter().take(4).map(sentence).collect::<Vec<_>>().join(" "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_short_and_carry_no_secret() {
        let said = |body: &str| detail_of(body.as_bytes(), &["hunter22"]);
        assert_eq!(said(r#"{"detail":"Invalid token."}"#).unwrap(), "Invalid token.");
        assert_eq!(said(r#"{"non_field_errors":["no hunter22 for a@b.org\n"]}"#).unwrap(), "no *** for ***");
        assert_eq!(said(r#"{"name":["too short"],"x":[1]}"#).unwrap(), "name: too short; x: 1");
        assert_eq!(said("<html>"), None);
        let long = format!(r#"{{"detail":"{}"}}"#, "x".repeat(10_000));
        assert_eq!(said(&long).unwrap().chars().count(), DETAIL_CHARACTERS + 1);
    }

    #[test]
    fn outcomes_follow_the_rules_of_never_twice() {
        let status = |code| Error::new(ErrorKind::Status(code)).with_status(code).in_call(Method::Post, "x");
        assert_eq!(status(400).outcome(), Outcome::Refused);
        assert_eq!(status(502).outcome(), Outcome::Unknown);
        assert!(status(502).is_temporary() && !status(502).is_retryable());
        assert_eq!(Error::new(ErrorKind::Connect(String::new())).outcome(), Outcome::NotSent);
        assert_eq!(Error::new(ErrorKind::NotJson(String::new())).outcome(), Outcome::Unknown);
        let throttled = Error::new(ErrorKind::Throttled(None));
        assert_eq!(throttled.outcome(), Outcome::NotSent);
        assert_eq!(throttled.with_status(429).outcome(), Outcome::Refused);
    }
}
