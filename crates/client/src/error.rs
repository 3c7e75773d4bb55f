//! What can go wrong between us and a mastoc server, and the questions a caller asks of it.

use std::time::Duration;

/// A failed call. Every message is one line and says what to do where that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address or the key cannot be used at all.
    #[error("{0}")]
    Config(String),
    /// No connection, no complete answer in time, or the connection broke.
    #[error(
        "cannot reach the server at {server} ({reason}); check that it runs and that the address is right"
    )]
    Unreachable {
        /// The server's address.
        server: String,
        /// What happened.
        reason: String,
    },
    /// 401 or 403: the key is missing, wrong, revoked, or of a lesser scope.
    #[error("the server refused the key (status {status}{}); use one of scope sync", said(.detail))]
    Credentials {
        /// 401 or 403.
        status: u16,
        /// What the server says.
        detail: String,
    },
    /// 413: the batch or picture is larger than the server takes.
    #[error("the server takes no request of {bytes} bytes; choose a smaller --batch-size")]
    TooLarge {
        /// The size of the body that was refused, in bytes.
        bytes: usize,
    },
    /// 409: another run works on the server's board, or has taken over from this one.
    #[error("{detail}")]
    Locked {
        /// Who, in the server's words.
        detail: String,
        /// When that one's turn ends at the latest, if it is an importer that says nothing more.
        retry_after: Option<Duration>,
    },
    /// 422 and other refusals that sending the same again would not change.
    #[error("the server refused {call} (status {status}, {code}{})", said(.detail))]
    Refused {
        /// Which call.
        call: String,
        /// The status.
        status: u16,
        /// The stable word of the server's problem, or `unknown`.
        code: String,
        /// What the server says.
        detail: String,
    },
    /// 429 or 5xx, still after several attempts.
    #[error("the server is not able to answer {call} now (status {status}{}); try again later", said(.detail))]
    Busy {
        /// Which call.
        call: String,
        /// The status.
        status: u16,
        /// What the server says.
        detail: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// A success whose body is not what the call answers: another program, or another version of mastoc.
    #[error("{server} does not answer like a mastoc server ({reason}); check the address and its version")]
    Unreadable {
        /// The server's address.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// Whether the cause may pass by itself.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    /// Whether the key is the matter.
    #[must_use]
    pub fn is_credentials(&self) -> bool {
        matches!(self, Self::Credentials { .. })
    }

    /// Whether the server refused what was sent, and would refuse it again: 413, 422 and their like.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::Refused { .. })
    }

    /// Whether another run is in the way.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }

    /// Whether the address or the key was given wrongly.
    #[must_use]
    pub fn is_config(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Unreadable { .. })
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn said(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_and_say_what_to_do() {
        let refused = ClientError::Credentials { status: 403, detail: "this key may only read".into() };
        assert_eq!(
            refused.to_string(),
            "the server refused the key (status 403: this key may only read); use one of scope sync"
        );
        assert!(refused.is_credentials() && !refused.is_retryable());
        assert!(ClientError::TooLarge { bytes: 9 }.is_refusal());
    }
}
