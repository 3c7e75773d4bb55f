//! What is made of an answer: JSON, nothing, or an error with Stokt's own words.

use std::time::{Instant, SystemTime};

use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::{
    client::{Ask, Auth, Client, Purpose, Success},
    error::{Error, ErrorKind, detail_of},
    network::{BodyReader, Reply},
    observer::RawAnswer,
    pace::{Pace, retry_after},
};

/// Most bytes read of an answer that is an error anyway.
pub(crate) const ERROR_BODY_CAP: u64 = 256 * 1024;

impl Client {
    /// Turns an error answer into an error; holds later calls back for as long as Stokt asks.
    pub(crate) fn refusal(
        &self,
        ask: &Ask,
        target: &str,
        mut reply: Reply,
        reader: &BodyReader<'_>,
        date: Option<SystemTime>,
        pace: &mut Pace,
    ) -> Error {
        let status = reply.status;
        // An error is an error even if its text cannot be read.
        let body = reader.all(&mut *reply.body).unwrap_or_default();
        let wait = reply.retry_after.as_deref().and_then(|text| retry_after(text, date, SystemTime::now()));
        if let Some(wait) = wait {
            pace.hold_back(wait, Instant::now());
        }
        let kind = match status {
            429 => {
                self.0.stats.add_throttle();
                ErrorKind::Throttled(wait)
            }
            401 => ErrorKind::Credentials,
            400 | 403 if ask.purpose == Purpose::LogIn => ErrorKind::Credentials,
            _ => ErrorKind::Status(status),
        };
        let error = Error::new(kind).with_status(status).with_detail(self.detail(&body));
        let is_final = matches!(status, 403 | 404 | 410);
        match self.show(ask, target, &reply, &body, is_final) {
            Ok(()) => error,
            Err(observer) => observer,
        }
    }

    fn detail(&self, body: &[u8]) -> Option<String> {
        match &self.0.auth {
            Auth::None => detail_of(body, &[]),
            Auth::Token(token) => detail_of(body, &[token.expose_secret()]),
            Auth::Login { username, password } => detail_of(body, &[password.expose_secret(), username]),
        }
    }

    /// Shows an answer to the observer. A change that was made stays made, whatever the observer says.
    fn show(&self, ask: &Ask, target: &str, reply: &Reply, body: &[u8], is_final: bool) -> Result<(), Error> {
        let Some(observer) = self.observer().filter(|_| ask.purpose != Purpose::LogIn) else {
            return Ok(());
        };
        let shown = observer.on_answer(&RawAnswer {
            method: ask.method,
            target,
            status: reply.status,
            content_type: reply.content_type.as_deref(),
            date: reply.date.as_deref(),
            body,
            is_final,
        });
        match shown {
            Err(why) if ask.purpose == Purpose::Change => {
                tracing::warn!(%why, "an answer could not be kept");
                Ok(())
            }
            shown => shown.map_err(|why| Error::new(ErrorKind::Snapshot(why))),
        }
    }

    /// Reads the body of a success as JSON.
    pub(crate) fn read_json(&self, ask: &Ask, mut success: Success<'_>) -> Result<Value, Error> {
        let body = success.reader.all(&mut *success.reply.body)?;
        let parsed = serde_json::from_slice::<Value>(&body);
        self.show(ask, success.target, &success.reply, &body, parsed.is_ok())?;
        parsed.map_err(|why| {
            let html = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
            let what = if body.is_empty() { "it is empty".to_owned() } else { why.to_string() };
            Error::new(ErrorKind::NotJson(if html { "an HTML page".to_owned() } else { what }))
        })
    }

    /// Reads and drops the body of a success that says nothing.
    /// Reads an answer of which nobody knows whether it says anything: its JSON, if it is any.
    pub(crate) fn read_maybe(&self, ask: &Ask, mut success: Success<'_>) -> Result<Option<Value>, Error> {
        // The status has said it all: a body that breaks off does not undo the change.
        let body = success.reader.all(&mut *success.reply.body).unwrap_or_default();
        self.show(ask, success.target, &success.reply, &body, true)?;
        Ok(serde_json::from_slice(&body).ok())
    }

    pub(crate) fn read_nothing(&self, ask: &Ask, mut success: Success<'_>) -> Result<(), Error> {
        // The status has said it all: a body that breaks off does not undo the change.
        let body = success.reader.all(&mut *success.reply.body).unwrap_or_default();
        self.show(ask, success.target, &success.reply, &body, true)
    }
}
