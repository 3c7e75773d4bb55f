//! The command line and the environment, read into plain settings.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use mastoc_domain::access::Scope;
use mastoc_http_api::{AccessMode, Settings};
use mastoc_runtime::args::{BindArgs, DatabaseArgs, LogArgs};
use mastoc_runtime::settings::{Bind, create_data_dir};
use mastoc_runtime::{ExposeSecret as _, Failure, SecretString, secrets};
use mastoc_storage::StoreOptions;

use crate::login_args::LoginArgs;
use crate::users::UserArgs;

/// The shortest key that `API_KEY` may hold, in bytes: it is an admin's.
const MIN_API_KEY_BYTES: usize = 16;
const BYTES_PER_MB: u64 = 1024 * 1024;
/// How much of an SQLite file is read without copying; what the system has no room for, it gives back by itself.
const MEMORY_MAP: u64 = 1024 * BYTES_PER_MB;

/// Serves a climbing board over HTTP.
#[derive(Debug, Parser)]
#[command(name = "mastoc-server", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the board until SIGINT or SIGTERM
    Serve(Box<ServeArgs>),
    /// Bring the database up to date, and stop
    Migrate(DatabaseArgs),
    /// Print the OpenAPI document
    Openapi,
    /// Create, list and revoke API keys
    ApiKey(ApiKeyArgs),
    /// Make an admin, list accounts, change roles and passwords
    User(UserArgs),
    /// Ask the running server whether it is up: exit code 0 if so, 1 if not
    Health(HealthArgs),
}

/// What `serve` is told.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    bind: BindArgs,
    /// What may be read without logging in: private (nothing) or public-read [default: private]
    #[arg(long, value_name = "MODE", env = "MASTOC_ACCESS")]
    access: Option<String>,
    /// A file (mode 0600) with the signing secret; the variable SECRET_KEY may hold the secret itself instead
    /// [default: made once, in the data folder]
    #[arg(long, value_name = "FILE", env = "SECRET_KEY_FILE")]
    secret_key_file: Option<String>,
    /// A file (mode 0600) with one more admin key; the variable API_KEY may hold the key itself instead
    #[arg(long, value_name = "FILE", env = "API_KEY_FILE")]
    api_key_file: Option<String>,
    /// Origins whose pages may call the API, comma-separated, as in `https://board.example` [default: none]
    #[arg(long, value_name = "ORIGINS", env = "MASTOC_CORS_ORIGINS")]
    cors_origins: Option<String>,
    /// Worker threads [default: one for each processor]
    #[arg(long, value_name = "N", env = "MASTOC_WORKERS")]
    workers: Option<String>,
    /// Database connections [default: 8]
    #[arg(long, value_name = "N", env = "MASTOC_DB_CONNECTIONS")]
    db_connections: Option<String>,
    /// Seconds that requests under way may take after a stop was asked for [default: 10]
    #[arg(long, value_name = "SECONDS", env = "MASTOC_SHUTDOWN_TIMEOUT")]
    shutdown_timeout: Option<String>,
    /// Memory for rendered answers, in MB; 0 for none [default: 64]
    #[arg(long, value_name = "MB", env = "MASTOC_ANSWER_CACHE_MB")]
    answer_cache_mb: Option<String>,
    /// The largest picture that is taken in, in MB [default: 32]
    #[arg(long, value_name = "MB", env = "MASTOC_MAX_PICTURE_MB")]
    max_picture_mb: Option<String>,
    #[command(flatten)]
    logins: LoginArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ApiKeyArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(subcommand)]
    pub(crate) action: ApiKeyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyAction {
    /// Make a key and print it; it cannot be shown again
    Create {
        /// A name to know it by
        name: String,
        /// What it may do: read, write, sync or admin
        #[arg(long)]
        scope: Scope,
    },
    /// List all keys, the oldest first
    List,
    /// Make a key worthless, by its name or prefix
    Revoke {
        /// The key's name or prefix
        #[arg(value_name = "NAME|PREFIX")]
        key: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    #[command(flatten)]
    bind: BindArgs,
}

impl HealthArgs {
    /// Where the server is.
    pub(crate) fn resolve(&self) -> Result<Bind, Failure> {
        self.bind.resolve()
    }
}

impl ServeArgs {
    /// The settings, and the database and pictures, which `open` opens once all else is in order. Makes the data folder
    /// and, at last, the secret in it where there is none: a start that is refused leaves no secret behind.
    ///
    /// # Errors
    /// A one-line [`Failure`] about the first setting that is wrong, or the one of `open`.
    pub(crate) fn resolve<T>(
        &self,
        open: impl FnOnce(&StoreOptions) -> Result<T, Failure>,
    ) -> Result<(Settings, T), Failure> {
        let bind = self.bind.resolve()?;
        let access: AccessMode = given(self.access.as_ref())
            .unwrap_or("private")
            .parse()
            .map_err(|error| Failure::usage(format!("--access: {error}")))?;
        let api_key = secret("API_KEY", self.api_key_file.as_ref())?;
        if api_key.as_ref().is_some_and(|key| key.expose_secret().len() < MIN_API_KEY_BYTES) {
            return Err(Failure::usage(format!("API_KEY is shorter than {MIN_API_KEY_BYTES} bytes"))
                .hint("it is an admin's key: use a long random one, as from openssl rand -base64 32"));
        }
        let mut options = StoreOptions { memory_map: MEMORY_MAP, ..StoreOptions::default() };
        if let Some(connections) = number("--db-connections", self.db_connections.as_ref(), 1, 1_000)? {
            options.connections = u32::try_from(connections).unwrap_or(options.connections);
        }
        let workers = number("--workers", self.workers.as_ref(), 1, 1_024)?;
        let shutdown = number("--shutdown-timeout", self.shutdown_timeout.as_ref(), 0, 3_600)?;
        let cache = number("--answer-cache-mb", self.answer_cache_mb.as_ref(), 0, 1_000_000)?;
        let picture = number("--max-picture-mb", self.max_picture_mb.as_ref(), 1, 1_000)?;
        let cors_origins = origins(given(self.cors_origins.as_ref()).unwrap_or_default())?;

        let data_dir = self.database.resolve()?.data_dir;
        let configured = secret("SECRET_KEY", self.secret_key_file.as_ref())?;
        let known = secrets::known_signing_secret(configured, &data_dir)?;
        let must_be_made = known.is_none();

        let mut settings = Settings::new(bind.addresses, known.unwrap_or_default());
        settings.access = access;
        settings.api_key = api_key;
        settings.cors_origins = cors_origins;
        settings.workers = workers.and_then(|workers| usize::try_from(workers).ok());
        if let Some(seconds) = shutdown {
            settings.shutdown_timeout = Duration::from_secs(seconds);
        }
        if let Some(megabytes) = cache {
            settings.answer_cache_bytes = megabytes * BYTES_PER_MB;
        }
        if let Some(megabytes) = picture {
            settings.image_limits.max_bytes = megabytes * BYTES_PER_MB;
        }
        self.logins.apply(&mut settings)?;
        create_data_dir(&data_dir)?;
        let opened = open(&options)?;
        if must_be_made {
            settings.signing_secret = secrets::signing_secret(None, &data_dir)?;
        }
        Ok((settings, opened))
    }
}

/// An empty variable counts as unset.
pub(crate) fn given(value: Option<&String>) -> Option<&str> {
    value.map(|text| text.trim()).filter(|text| !text.is_empty())
}

pub(crate) fn number(flag: &str, value: Option<&String>, min: u64, max: u64) -> Result<Option<u64>, Failure> {
    let Some(text) = given(value) else { return Ok(None) };
    match text.parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
        _ => Err(Failure::usage(format!("{flag} {text:?} is not a number from {min} to {max}"))),
    }
}

/// A secret from a file or from the variable itself, not from both.
pub(crate) fn secret(variable: &str, file: Option<&String>) -> Result<Option<SecretString>, Failure> {
    let value = secrets::secret_from_env(variable);
    match (given(file), value) {
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("both {variable} and {variable}_FILE are given"))
                .hint("give one of them"))
        }
        (Some(file), None) => secrets::secret_from_file(&PathBuf::from(file)).map(Some),
        (None, value) => Ok(value),
    }
}

/// Origins have a scheme and a host, and nothing behind them; `*` would open the API to every page.
fn origins(text: &str) -> Result<Vec<String>, Failure> {
    let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    origins
        .map(|origin| {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
            match host {
                Some(host) if !host.is_empty() && host.chars().all(plain) => Ok(origin.to_owned()),
                _ => Err(Failure::usage(format!("{origin:?} is not an origin"))
                    .hint("list origins as in https://board.example,http://localhost:5173")),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn s19_only_plain_origins_are_taken() {
        let read = |text: &str| origins(text).ok();
        assert_eq!(read(""), Some(vec![]));
        assert_eq!(
            read("https://a.example, http://localhost:5173"),
            Some(vec!["https://a.example".to_owned(), "http://localhost:5173".to_owned()])
        );
        for bad in ["*", "a.example", "https://a.example/", "https://", "https://*.a.example", "null"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_have_a_range_and_empty_ones_are_unset() {
        let read = |text: &str| number("--n", Some(&text.to_owned()), 1, 10);
        assert_eq!(read(" ").unwrap(), None);
        assert_eq!(read("10").unwrap(), Some(10));
        for bad in ["0", "11", "-1", "x", "1e3"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
