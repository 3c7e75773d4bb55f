//! A hook that sees every answer, for snapshots and for debugging.

use std::io::{self, Write};

use crate::source::Method;

/// One answer as it came. The answer to a login, which holds the token, is never shown to an observer.
#[derive(Debug, Clone, Copy)]
pub struct RawAnswer<'a> {
    /// The call's method.
    pub method: Method,
    /// Path and query below the base address, such as `api/version`.
    pub target: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The content type, as the service named it.
    pub content_type: Option<&'a str>,
    /// The service's `Date` header as it was sent.
    pub date: Option<&'a str>,
    /// The body, decompressed.
    pub body: &'a [u8],
    /// Whether the client takes it for the final answer: a 2xx that can be read, or a refusal that
    /// another attempt would not change.
    pub is_final: bool,
}

/// Sees every answer. It is called while the client holds its turn: it must not call the client itself.
pub trait Observer: Send + Sync {
    /// One complete answer.
    ///
    /// # Errors
    /// An error fails the call, if the call only reads (a full disk, for one); a change that Stokt has already
    /// made is not reported as failed, the error is only logged.
    fn on_answer(&self, answer: &RawAnswer<'_>) -> io::Result<()>;

    /// A picture is about to be downloaded; `Some` gets its bytes too.
    ///
    /// # Errors
    /// As [`on_answer`](Self::on_answer).
    fn on_media(&self, target: &str, content_type: Option<&str>) -> io::Result<Option<Box<dyn MediaSink>>> {
        let _ = (target, content_type);
        Ok(None)
    }
}

/// Takes the bytes of one picture. Dropped without [`keep`](Self::keep), it must leave nothing behind.
pub trait MediaSink: Write + Send {
    /// The picture is complete.
    ///
    /// # Errors
    /// When it cannot be kept; that fails the download.
    fn keep(self: Box<Self>) -> io::Result<()>;
}

impl<F> Observer for F
where
    F: Fn(&RawAnswer<'_>) -> io::Result<()> + Send + Sync,
{
    fn on_answer(&self, answer: &RawAnswer<'_>) -> io::Result<()> {
        self(answer)
    }
}
