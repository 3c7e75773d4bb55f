//! Answers: JSON, bytes or a picture still to be drawn; and bodies that drip.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use serde_json::{Value, json};
use tokio::time::Sleep;

use crate::board::picture::Drawing;

/// What an answer carries.
#[derive(Debug)]
pub(crate) enum Payload {
    Empty,
    Json(Value),
    /// JSON that is written already.
    Written(Bytes),
    Bytes(&'static str, Bytes),
    Drawn(Drawing),
}

/// An answer before any fault that spoils it on its way.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) payload: Payload,
}

impl Answer {
    pub(crate) fn json(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), payload: Payload::Json(value) }
    }

    pub(crate) fn ok(value: Value) -> Self {
        Self::json(200, value)
    }

    pub(crate) fn empty() -> Self {
        Self { status: 204, headers: Vec::new(), payload: Payload::Empty }
    }

    pub(crate) fn of(payload: Payload) -> Self {
        Self { status: 200, headers: Vec::new(), payload }
    }

    pub(crate) fn detail(status: u16, detail: &str) -> Self {
        Self::json(status, json!({ "detail": detail }))
    }

    pub(crate) fn unauthorised(detail: &str) -> Self {
        let mut answer = Self::detail(401, detail);
        answer.headers.push(("www-authenticate", "Token".to_owned()));
        answer
    }

    pub(crate) fn forbidden() -> Self {
        Self::detail(403, "You do not have permission to perform this action.")
    }

    pub(crate) fn not_found() -> Self {
        Self::detail(404, "Not found.")
    }

    /// 400 with one field's reason.
    pub(crate) fn invalid(field: &str, reason: &str) -> Self {
        Self::json(400, Value::Object([(field.to_owned(), json!([reason]))].into_iter().collect()))
    }
}

/// A body that comes at once, or a few bytes at a time.
#[derive(Debug)]
pub(crate) struct SimBody {
    left: Bytes,
    drip: Option<(usize, Duration)>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl SimBody {
    pub(crate) fn new(bytes: Bytes, drip: Option<(usize, Duration)>) -> Self {
        Self { left: bytes, drip, pause: None }
    }
}

impl Body for SimBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let Some((bytes, every)) = self.drip else {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.left)))));
        };
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(every)));
        match pause.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.pause = None;
                let count = bytes.clamp(1, self.left.len());
                Poll::Ready(Some(Ok(Frame::data(self.left.split_to(count)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
