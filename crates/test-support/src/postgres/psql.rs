//! Statements through the `psql` program: this crate links no database driver, so it cannot prefer one.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A way to run statements on one server.
pub(crate) struct Psql {
    program: PathBuf,
    /// A database that statements run in, such as `postgres://.../postgres`.
    admin_url: String,
}

/// The server, or psql itself, refused.
#[derive(Debug)]
pub(crate) struct SqlError {
    /// The SQLSTATE; empty if the server was not reached.
    pub(crate) state: String,
    message: String,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Psql {
    pub(crate) fn new(program: PathBuf, admin_url: String) -> Self {
        Self { program, admin_url }
    }

    /// Runs one statement and gives its rows, unaligned.
    pub(crate) fn run(&self, sql: &str) -> Result<String, SqlError> {
        let output = Command::new(&self.program)
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-d"])
            .arg(&self.admin_url)
            .args(["-c", sql])
            .env("PGCONNECT_TIMEOUT", "20")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| SqlError {
                state: String::new(),
                message: format!("psql does not run: {error}"),
            })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(SqlError { state: sql_state(&message).to_owned(), message })
    }

    /// The URL of another database on the same server.
    pub(crate) fn url_of(&self, database: &str) -> String {
        replace_database(&self.admin_url, database)
    }
}

/// The five characters in `ERROR:  3D000: database ...`, whatever language the message is in.
fn sql_state(message: &str) -> &str {
    let is_state = |word: &&str| {
        word.len() == 5 && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    };
    let mut words = message.split_whitespace().filter_map(|word| word.strip_suffix(':'));
    words.find(|word| is_state(word) && *word != "ERROR" && *word != "FATAL").unwrap_or_default()
}

/// `postgres://user@host/OLD?query` with another database in the place of OLD.
fn replace_database(url: &str, database: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL of a database has a scheme");
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let authority = place.split_once('/').map_or(place, |(authority, _)| authority);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{authority}/{database}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (url, wanted) in [
            ("postgres://u:p@h:1/old?sslmode=require", "postgres://u:p@h:1/new?sslmode=require"),
            ("postgres:///old?host=/tmp/x&user=u", "postgres:///new?host=/tmp/x&user=u"),
            ("postgresql://h", "postgresql://h/new"),
        ] {
            assert_eq!(replace_database(url, "new"), wanted);
        }
    }

    #[test]
    fn the_state_is_found_in_any_language() {
        assert_eq!(
            sql_state("ERROR:  3D000: template database \"x\" does not exist\nLOCATION: ..."),
            "3D000"
        );
        assert_eq!(sql_state("FEHLER:  55006: Quelldatenbank"), "55006");
        assert_eq!(sql_state("psql: error: connection to server failed"), "");
    }
}
