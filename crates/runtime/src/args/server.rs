//! Arguments about this machine: database, data folder, address, logs.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Failure;
use crate::logging::{self, LogFormat};
use crate::settings::{Bind, DatabaseUrl, default_data_dir, given};

/// Which database and which data folder.
#[derive(Debug, Clone, Default, Args)]
pub struct DatabaseArgs {
    /// The database: sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME [default: sqlite in the data folder]
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
    /// The folder of pictures, the signing secret and the default database [default: ~/.local/share/mastoc]
    #[arg(long, value_name = "DIR", env = "MASTOC_DATA_DIR", global = true)]
    data_dir: Option<String>,
}

/// What [`DatabaseArgs`] come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// The database.
    pub url: DatabaseUrl,
    /// The data folder, which may not exist yet.
    pub data_dir: PathBuf,
}

impl DatabaseArgs {
    /// Whether a database was named, by flag or variable, rather than left to the default.
    #[must_use]
    pub fn names_a_database(&self) -> bool {
        given(self.database_url.as_ref()).is_some()
    }

    /// The database and the data folder. Nothing is created.
    ///
    /// # Errors
    /// A [`Failure`] if the URL is of neither database.
    pub fn resolve(&self) -> Result<DatabaseSettings, Failure> {
        let data_dir = given(self.data_dir.as_ref()).map_or_else(default_data_dir, PathBuf::from);
        let url = match given(self.database_url.as_ref()) {
            Some(url) => url.parse()?,
            None => DatabaseUrl::in_data_dir(&data_dir),
        };
        Ok(DatabaseSettings { url, data_dir })
    }
}

/// Which address to listen on.
#[derive(Debug, Clone, Default, Args)]
pub struct BindArgs {
    /// The address to listen on, as HOST:PORT [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT", env = "MASTOC_BIND")]
    bind: Option<String>,
    /// The port to listen on, on all interfaces, where --bind is not given
    #[arg(long, value_name = "PORT", env = "PORT")]
    port: Option<String>,
}

impl BindArgs {
    /// The addresses to listen on. See [`Bind::resolve`].
    ///
    /// # Errors
    /// A [`Failure`] that says what does not parse or resolve.
    pub fn resolve(&self) -> Result<Bind, Failure> {
        self.resolve_with(std::env::var("MASTOC_BIND").ok(), std::env::var("PORT").ok())
    }

    /// A value says not where it is from: one that the environment does not have was a flag, and the flag wins.
    fn resolve_with(&self, bind: Option<String>, port: Option<String>) -> Result<Bind, Failure> {
        let flag = |value: Option<&String>, variable: Option<String>| {
            given(value).is_some_and(|value| given(variable.as_ref()) != Some(value))
        };
        let only_port = flag(self.port.as_ref(), port) && !flag(self.bind.as_ref(), bind);
        let bind = given(self.bind.as_ref()).filter(|_| !only_port);
        Bind::resolve(bind, given(self.port.as_ref()))
    }
}

/// How much is logged, and how it looks.
#[derive(Debug, Clone, Default, Args)]
pub struct LogArgs {
    /// What is logged: a level (error, warn, info, debug, trace) or a filter; RUST_LOG is read as well
    #[arg(long, value_name = "FILTER", env = "MASTOC_LOG", global = true)]
    log: Option<String>,
    /// How log lines look: text or json [default: text]
    #[arg(long, value_name = "FORMAT", env = "MASTOC_LOG_FORMAT", global = true)]
    log_format: Option<String>,
}

impl LogArgs {
    /// The format and the filter: `--log` or `MASTOC_LOG`, else `RUST_LOG`, else `default_filter`.
    ///
    /// # Errors
    /// A [`Failure`] if the format is neither `text` nor `json`.
    pub fn resolve(&self, default_filter: &str) -> Result<(LogFormat, String), Failure> {
        self.resolve_with(default_filter, crate::settings::env("RUST_LOG"))
    }

    /// Resolves and starts logging. See [`logging::init`].
    ///
    /// # Errors
    /// A [`Failure`] if the format or the filter is wrong, or logging was started before.
    pub fn init(&self, default_filter: &str) -> Result<(), Failure> {
        let (format, filter) = self.resolve(default_filter)?;
        logging::init(format, &filter)
    }

    fn resolve_with(&self, default: &str, rust_log: Option<String>) -> Result<(LogFormat, String), Failure> {
        let format = match given(self.log_format.as_ref()) {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                return Err(Failure::usage(format!("the log format {other:?} is neither text nor json")));
            }
        };
        let filter =
            given(self.log.as_ref()).map(str::to_owned).or(rust_log).unwrap_or_else(|| default.to_owned());
        Ok((format, filter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn the_database_is_in_the_data_folder_unless_named() {
        let args = DatabaseArgs { database_url: text(""), data_dir: text("/data") };
        let settings = args.resolve().unwrap();
        assert_eq!(settings.url.expose(), "sqlite:///data/mastoc.sqlite3");
        assert!(!args.names_a_database());

        let args = DatabaseArgs { database_url: text("postgres://u:p@h/d"), data_dir: text("") };
        let settings = args.resolve().unwrap();
        assert_eq!(settings.url.expose(), "postgres://u:p@h/d");
        assert_eq!(settings.data_dir, default_data_dir());
        assert!(args.names_a_database());

        let args = DatabaseArgs { database_url: text("oracle://x"), data_dir: None };
        assert_eq!(args.resolve().unwrap_err().exit, crate::Exit::Usage);
    }

    #[test]
    fn the_log_filter_comes_from_the_flag_then_rust_log_then_the_default() {
        let args = |log: Option<String>, format: Option<String>| LogArgs { log, log_format: format };
        let resolved = args(text("debug"), None).resolve_with("warn", text("trace")).unwrap();
        assert_eq!(resolved, (LogFormat::Text, "debug".to_owned()));
        let resolved = args(None, text("json")).resolve_with("warn", text("trace")).unwrap();
        assert_eq!(resolved, (LogFormat::Json, "trace".to_owned()));
        assert_eq!(args(None, None).resolve_with("warn", None).unwrap().1, "warn");
        assert!(args(None, text("xml")).resolve_with("warn", None).is_err());
    }

    #[test]
    fn a_port_that_is_a_flag_beats_an_address_from_the_environment() {
        let bound = |bind: &str, port: &str, variables: [&str; 2]| {
            let args = BindArgs { bind: text(bind), port: text(port) };
            args.resolve_with(text(variables[0]), text(variables[1])).unwrap().to_string()
        };
        let address = "127.0.0.1:7001";
        assert_eq!(bound(address, "7002", [address, ""]), "0.0.0.0:7002, [::]:7002");
        assert_eq!(bound(address, "7002", [address, "7003"]), "0.0.0.0:7002, [::]:7002");
        assert_eq!(bound(address, "7002", [address, "7002"]), address);
        assert_eq!(bound(address, "7002", ["127.0.0.1:7004", "7002"]), address);
        assert_eq!(bound(address, "7002", ["", ""]), address);
    }

    #[test]
    fn the_address_may_be_empty() {
        let args = BindArgs { bind: text(""), port: text(" ") };
        assert_eq!(args.resolve().unwrap().to_string(), "127.0.0.1:8000");
    }
}
