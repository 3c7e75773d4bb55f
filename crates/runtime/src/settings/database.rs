//! Which database: `sqlite://PATH` or `postgres://...`, shown without its password.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::exit::Failure;

/// The address of a database. Printing it, in any way, never shows a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    full: String,
}

const SQLITE: &str = "sqlite://";
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

impl DatabaseUrl {
    /// The SQLite file of a data folder: `<data_dir>/mastoc.sqlite3`.
    #[must_use]
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Self { full: format!("{SQLITE}{}", data_dir.join("mastoc.sqlite3").display()) }
    }

    /// The whole URL, password included: to connect with, never to print.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.full
    }

    /// The file of an SQLite database; `None` for PostgreSQL.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        self.full.strip_prefix(SQLITE).map(PathBuf::from)
    }

    /// The URL with `***` in the place of every password.
    fn redacted(&self) -> String {
        let Some((scheme, rest)) = self.full.split_once("://") else { return "***".to_owned() };
        if scheme == "sqlite" {
            return self.full.clone();
        }
        // The last '@' ends the login even where a password holds one, or a '/' or '?', unescaped: rather too much
        // is hidden than too little.
        let rest = match rest.rsplit_once('@') {
            Some((login, place)) => match login.split_once(':') {
                Some((user, _)) => format!("{user}:***@{}", redact_parameters(place)),
                None => format!("{login}@{}", redact_parameters(place)),
            },
            None => redact_parameters(rest),
        };
        format!("{scheme}://{rest}")
    }
}

/// Hides the values of parameters that are secrets (`password`, `sslpassword`).
fn redact_parameters(place: &str) -> String {
    let Some((path, query)) = place.split_once('?') else { return place.to_owned() };
    let shown: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", shown.join("&"))
}

impl FromStr for DatabaseUrl {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        let path = text.strip_prefix(SQLITE);
        let postgres = POSTGRES.iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
        if postgres || path.is_some_and(|path| !path.is_empty()) {
            return Ok(Self { full: text.to_owned() });
        }
        // The text may hold a password, so it is not repeated.
        Err(Failure::usage("the database URL is neither sqlite://PATH nor postgres://USER@HOST/NAME")
            .hint("for example sqlite:///var/lib/mastoc/mastoc.sqlite3"))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.redacted())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_databases_are_read() {
        let sqlite: DatabaseUrl = " sqlite:///var/lib/x.sqlite3 ".parse().unwrap();
        assert_eq!(sqlite.sqlite_path(), Some("/var/lib/x.sqlite3".into()));
        assert_eq!("sqlite://x.db".parse::<DatabaseUrl>().unwrap().sqlite_path(), Some("x.db".into()));
        for url in ["postgres://db/board", "postgresql:///board?host=/tmp"] {
            let parsed: DatabaseUrl = url.parse().unwrap();
            assert_eq!((parsed.expose(), parsed.sqlite_path()), (url, None));
            assert_eq!(parsed.to_string(), url);
        }
        let default = DatabaseUrl::in_data_dir(Path::new("/data"));
        assert_eq!(default.expose(), "sqlite:///data/mastoc.sqlite3");
    }

    #[test]
    fn other_text_is_refused_without_repeating_it() {
        for bad in
            ["", "sqlite://", "postgres://", "mysql://u:hunter2@h/d", "/var/x.db", "host=h password=hunter2"]
        {
            let failure = bad.parse::<DatabaseUrl>().unwrap_err();
            assert!(!failure.to_string().contains("hunter2"), "{failure}");
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        for (url, shown) in [
            ("postgres://anna:hunter2@db/board", "postgres://anna:***@db/board"),
            ("postgres://anna:hunter2@x@db:5432/board", "postgres://anna:***@db:5432/board"),
            ("postgres://anna:hun/ter2?x@db/board", "postgres://anna:***@db/board"),
            (
                "postgres://db/b?user=a&password=hunter2&sslmode=require",
                "postgres://db/b?user=a&password=***&sslmode=require",
            ),
            ("postgres://anna@db/board", "postgres://anna@db/board"),
        ] {
            let parsed: DatabaseUrl = url.parse().unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(format!("{parsed:?}"), format!("DatabaseUrl({shown})"));
        }
    }

    proptest! {
        #[test]
        fn no_password_comes_through(password in "[a-z0-9/?@:#%&= ]{0,20}SECRET[a-z0-9/?@:#%&= ]{0,20}") {
            let url: DatabaseUrl = format!("postgres://anna:{password}@db/board").parse().unwrap();
            prop_assert!(!url.to_string().contains("SECRET"), "{}", url);
        }
    }
}
