//! Where answers come from: the network, or anything else that can answer (a snapshot, a test).

use std::{
    fmt,
    io::{self, Read},
};

/// The HTTP methods the API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The method's name in HTTP.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An answer from an [`AnswerSource`].
pub struct SourceAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The content type, where known.
    pub content_type: Option<String>,
    /// The service's `Date` header, where known.
    pub date: Option<String>,
    /// The body.
    pub body: Box<dyn Read>,
}

impl fmt::Debug for SourceAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceAnswer")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

/// Answers GETs in place of the network. [`Client::from_source`](crate::Client::from_source) takes one.
pub trait AnswerSource: Send + Sync {
    /// Answers `target`, which is path and query below the base address, or `None` when it has no answer.
    ///
    /// # Errors
    /// When the answer is there but cannot be read.
    fn answer(&self, target: &str) -> io::Result<Option<SourceAnswer>>;
}
