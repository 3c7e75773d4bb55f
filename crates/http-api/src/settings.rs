//! What the server is told at its start.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use mastoc_media::ImageLimits;
use secrecy::SecretString;

use crate::limits::RateLimits;
use crate::mail::MailSettings;
use crate::peers::Network;

/// What may be read without logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessMode {
    /// Nothing but health and the documentation.
    #[default]
    Private,
    /// The board, without what is private.
    PublicRead,
}

/// The text names no access mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither private nor public-read")]
pub struct UnknownAccessMode(String);

impl FromStr for AccessMode {
    type Err = UnknownAccessMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "private" => Ok(Self::Private),
            "public-read" => Ok(Self::PublicRead),
            other => Err(UnknownAccessMode(other.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for AccessMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "private",
            Self::PublicRead => "public-read",
        })
    }
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Registration {
    /// Everybody.
    #[default]
    Open,
    /// Nobody: those who run the server make them.
    Closed,
}

/// The text says neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither open nor closed")]
pub struct UnknownRegistration(String);

impl FromStr for Registration {
    type Err = UnknownRegistration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            other => Err(UnknownRegistration(other.chars().take(40).collect())),
        }
    }
}

/// The settings of one server. [`Settings::new`] gives every one but the addresses and the secret its default.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The addresses to listen on; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// The signing secret. ETags are made with it, so that nobody can compute one.
    pub signing_secret: SecretString,
    /// What may be read without logging in.
    pub access: AccessMode,
    /// One more admin key, for hosting platforms.
    pub api_key: Option<SecretString>,
    /// Origins, such as `https://board.example`, whose pages may call this API; none by default.
    pub cors_origins: Vec<String>,
    /// How many worker threads; by default one for each processor.
    pub workers: Option<usize>,
    /// How long requests that are under way may take to finish after a stop was asked for.
    pub shutdown_timeout: Duration,
    /// The most memory that rendered answers may take, in bytes; 0 keeps none.
    pub answer_cache_bytes: u64,
    /// Caps on an uploaded picture.
    pub image_limits: ImageLimits,
    /// Who may make an account.
    pub registration: Registration,
    /// How long an access token holds; whole seconds.
    pub access_token_life: Duration,
    /// How long a refresh token holds, and a login that is not renewed; whole seconds.
    pub refresh_token_life: Duration,
    /// How often one may knock.
    pub limits: RateLimits,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// How e-mails leave; none does by default.
    pub mail: Option<MailSettings>,
}

impl Settings {
    /// The defaults.
    #[must_use]
    pub fn new(listen: Vec<SocketAddr>, signing_secret: SecretString) -> Self {
        Self {
            listen,
            signing_secret,
            access: AccessMode::default(),
            api_key: None,
            cors_origins: Vec::new(),
            workers: None,
            shutdown_timeout: Duration::from_secs(10),
            answer_cache_bytes: 64 * 1024 * 1024,
            image_limits: ImageLimits::default(),
            registration: Registration::default(),
            access_token_life: Duration::from_secs(15 * 60),
            refresh_token_life: Duration::from_secs(7 * 24 * 60 * 60),
            limits: RateLimits::default(),
            trusted_proxies: Vec::new(),
            mail: None,
        }
    }
}
