//! What can go wrong with the database; the one place where diesel's errors are read.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use thiserror::Error;

/// A failed storage operation.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// What was asked for does not exist.
    #[error("not found")]
    NotFound,
    /// Something unique exists already, or something referred to does not exist.
    #[error("the change collides with what is stored ({constraint})")]
    Conflict {
        /// The constraint, as the database names it.
        constraint: String,
    },
    /// The database cannot be reached, is locked for too long, or is full: trying later can help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database was written by a newer mastoc.
    #[error(
        "the database was written by a newer mastoc (schema {found}, this program knows up to {known}); install the newer program, or restore an older backup"
    )]
    TooNew {
        /// The newest migration that the database has.
        found: String,
        /// The newest migration that this program has.
        known: String,
    },
    /// The file or URL is no database that can be used.
    #[error("{0}")]
    Unusable(String),
    /// Another run took over; this one's writes are refused.
    #[error("another run has taken over the lock; this run stops")]
    Fenced,
    /// The operation was given something that it must not be given.
    #[error("{0}")]
    Invalid(String),
    /// A defect.
    #[error("storage failed: {0}")]
    Internal(String),
}

impl StoreError {
    /// Whether the same operation may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(kind, info) => {
                let message = info.message().to_owned();
                match kind {
                    DatabaseErrorKind::UniqueViolation
                    | DatabaseErrorKind::ForeignKeyViolation
                    | DatabaseErrorKind::CheckViolation
                    | DatabaseErrorKind::ExclusionViolation
                    | DatabaseErrorKind::NotNullViolation => {
                        Self::Conflict { constraint: info.constraint_name().map_or(message, str::to_owned) }
                    }
                    DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ClosedConnection => {
                        Self::Unavailable(message)
                    }
                    _ if is_passing(&message) => Self::Unavailable(explain(&message)),
                    _ if is_unusable(&message) => Self::Unusable(explain(&message)),
                    _ => Self::Internal(message),
                }
            }
            DieselError::BrokenTransactionManager => Self::Unavailable("the connection broke".into()),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<diesel::r2d2::PoolError> for StoreError {
    fn from(error: diesel::r2d2::PoolError) -> Self {
        Self::Unavailable(format!("no free connection: {error}"))
    }
}

fn is_passing(message: &str) -> bool {
    [
        "database is locked",
        "database table is locked",
        "disk is full",
        "disk I/O error",
        "statement timeout",
        "terminating connection",
        "server closed the connection",
        "could not connect",
        "connection to server",
        "No space left on device",
        "too many clients",
        "could not extend file",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

fn is_unusable(message: &str) -> bool {
    ["not a database", "malformed", "readonly database", "unable to open database file"]
        .iter()
        .any(|sign| message.contains(sign))
}

/// Adds what to do to messages that operators meet.
pub(crate) fn explain(message: &str) -> String {
    let advice = if message.contains("disk is full")
        || message.contains("disk I/O error")
        || message.contains("No space left on device")
        || message.contains("could not extend file")
    {
        "free some disk space and run again"
    } else if message.contains("not a database") || message.contains("malformed") {
        "the file is damaged or no SQLite database: restore a backup, or name another file"
    } else if message.contains("readonly database") {
        "make the file and its folder writable for this user"
    } else if message.contains("unable to open database file") {
        "check that the path is a file in a folder that exists and that this user may write"
    } else if message.contains("locked") {
        "another program keeps it busy: try again later"
    } else {
        return message.to_owned();
    };
    format!("{message}; {advice}")
}
