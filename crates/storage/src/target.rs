//! Which database is meant: reading `sqlite://PATH` and `postgres://...`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::StoreError;

/// A database as the operator names it; printing it never shows a password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseTarget {
    /// A file of an embedded SQLite database.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database.
    Postgres(String),
}

impl DatabaseTarget {
    /// Whether it is a file of SQLite that is not there, or is empty.
    pub(crate) fn is_no_file_yet(&self) -> bool {
        match self {
            Self::Sqlite(path) => std::fs::metadata(path).map_or(true, |file| file.len() == 0),
            Self::Postgres(_) => false,
        }
    }
}

impl FromStr for DatabaseTarget {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let text = text.trim();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
        match path {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => Err(StoreError::Unusable(
                "the database URL must be sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME".into(),
            )),
        }
    }
}

impl fmt::Display for DatabaseTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
                let shown = match place.rsplit_once('@') {
                    Some((login, host)) => {
                        let user = login.split_once(':').map_or(login, |(user, _)| user);
                        format!("{scheme}://{user}@{host}")
                    }
                    None => format!("{scheme}://{place}"),
                };
                // A password may also stand among the parameters; only their names are shown.
                let names: Vec<&str> = query
                    .split('&')
                    .filter_map(|pair| pair.split('=').next())
                    .filter(|n| !n.is_empty())
                    .collect();
                if names.is_empty() { f.write_str(&shown) } else { write!(f, "{shown}?{}", names.join("&")) }
            }
        }
    }
}

impl fmt::Debug for DatabaseTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_and_hides_passwords() {
        let pg: DatabaseTarget =
            "postgres://anna:s3cret@db.example/board?password=x&sslmode=require".parse().unwrap();
        assert_eq!(format!("{pg:?}"), "postgres://anna@db.example/board?password&sslmode");
        let sqlite: DatabaseTarget = "sqlite:///var/lib/mastoc/board.sqlite3".parse().unwrap();
        assert_eq!(sqlite, DatabaseTarget::Sqlite("/var/lib/mastoc/board.sqlite3".into()));
        assert_eq!(
            "sqlite://board.db".parse::<DatabaseTarget>().unwrap(),
            DatabaseTarget::Sqlite("board.db".into())
        );
        for bad in ["", "sqlite://", "mysql://x", "/tmp/x.db"] {
            assert!(bad.parse::<DatabaseTarget>().is_err(), "{bad}");
        }
    }
}
