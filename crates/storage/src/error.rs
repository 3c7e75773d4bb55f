//! What can go wrong with the database; the one place where diesel's errors are read.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use thiserror::Error;

use crate::target::DatabaseTarget;

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

/// Why PostgreSQL was not reached. Its library tells it as text alone, one line for each try; what no waiting mends is
/// told from what may pass.
pub(crate) fn not_connected(target: &DatabaseTarget, message: &str) -> StoreError {
    let first = message.lines().next().unwrap_or_default();
    let lasting = message.lines().find_map(|line| Some((line, lasting_refusal(line)?)));
    match lasting {
        // Another try (of another host) may have met one that is only starting.
        Some((line, advice)) if message.lines().all(|line| !may_pass(line)) => {
            StoreError::Unusable(format!("cannot use the database {target}: {line}; {advice}"))
        }
        _ => StoreError::Unavailable(format!(
            "cannot connect to {target}: {first}; check the URL and that the server runs"
        )),
    }
}

/// What to do about a refusal that stays one until somebody changes something.
fn lasting_refusal(line: &str) -> Option<&'static str> {
    let names_its_like =
        |what: &str| line.contains(&format!("{what} \"")) && line.contains("\" does not exist");
    let says = |signs: &[&str]| signs.iter().any(|sign| line.contains(sign));
    if names_its_like("database") {
        Some("create the database, or correct its name in the URL")
    } else if names_its_like("role")
        || says(&["authentication failed", "no password supplied", "is not permitted to log in"])
    {
        Some("correct the user and the password in the URL")
    } else if says(&["no pg_hba.conf entry", "pg_hba.conf rejects", "permission denied for database"]) {
        Some("let this user use the database, at its server")
    } else if says(&[
        "invalid URI",
        "invalid port number",
        "invalid connection option",
        "invalid sslmode value",
    ]) {
        Some("correct the URL")
    } else {
        None
    }
}

/// Whether a try to connect failed for something that often passes.
fn may_pass(line: &str) -> bool {
    [
        "refused",
        "timeout",
        "timed out",
        "starting up",
        "shutting down",
        "in recovery mode",
        "too many",
        "reserved",
    ]
    .iter()
    .any(|sign| line.contains(sign))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_no_waiting_mends_is_told_from_one_that_may_come() {
        let target: DatabaseTarget = "postgres://anna:s3cret@db.example/board".parse().unwrap();
        let server = "connection to server at \"db.example\" (192.0.2.1), port 5432 failed: ";
        let is_temporary = |message: &str| {
            let error = not_connected(&target, message);
            let text = error.to_string();
            assert!(!text.contains("s3cret") && !text.contains('\n'), "{text}");
            error.is_retryable()
        };
        for lasting in [
            "FATAL:  database \"nosuch\" does not exist",
            "FATAL:  role \"nosuch\" does not exist",
            "FATAL:  password authentication failed for user \"anna\"",
            "FATAL:  Peer authentication failed for user \"anna\"",
            "FATAL:  role \"anna\" is not permitted to log in",
            "FATAL:  no pg_hba.conf entry for host \"192.0.2.7\", user \"anna\", database \"board\", no encryption",
            "FATAL:  permission denied for database \"board\"",
            "fe_sendauth: no password supplied",
        ] {
            assert!(!is_temporary(&format!("{server}{lasting}\n")), "{lasting}");
        }
        assert!(!is_temporary("invalid port number: \"x\"\n"));
        for passing in [
            "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
            "FATAL:  the database system is starting up",
            "FATAL:  the database system is in recovery mode",
            "FATAL:  sorry, too many clients already",
            "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
            "timeout expired",
            "server closed the connection unexpectedly",
            "something that nobody has seen yet",
        ] {
            assert!(is_temporary(&format!("{server}{passing}\n")), "{passing}");
        }
        // Two hosts: one is wrong for ever, the other may come.
        assert!(is_temporary(&format!(
            "{server}FATAL:  the database system is starting up\n{server}FATAL:  database \"board\" does not exist"
        )));
        assert!(is_temporary("could not translate host name \"db.example\" to address: Try again\n"));
    }
}
