//! How a client is set up.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    cancel::Cancel,
    client::{Auth, Client, Inner, Source},
    error::Error,
    network::Network,
    observer::Observer,
    origin::Origin,
    pace::Pace,
    snapshot::SnapshotWriter,
    source::AnswerSource,
    stats::Stats,
};

/// Limits and manners of a client.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) min_interval: Duration,
    pub(crate) deadline: Duration,
    pub(crate) media_deadline: Duration,
    pub(crate) json_cap: u64,
    pub(crate) media_cap: u64,
    pub(crate) max_retries: usize,
    pub(crate) backoff_first: Duration,
    pub(crate) backoff_cap: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) max_throttles: u32,
}

/// Sets up a [`Client`]; see [`Client::builder`].
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    auth: Auth,
    user_agent: String,
    min_interval: Option<Duration>,
    backoff_first: Option<Duration>,
    connect: Duration,
    settings: Settings,
    cancel: Cancel,
    observer: Option<Arc<dyn Observer>>,
    snapshot: Option<PathBuf>,
}

impl ClientBuilder {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            auth: Auth::None,
            user_agent: concat!("mastoc/", env!("CARGO_PKG_VERSION")).to_owned(),
            min_interval: None,
            backoff_first: None,
            connect: Duration::from_secs(10),
            settings: Settings {
                min_interval: Duration::ZERO,
                deadline: Duration::from_secs(60),
                media_deadline: Duration::from_secs(300),
                json_cap: 64 << 20,
                media_cap: 64 << 20,
                max_retries: 5,
                backoff_first: Duration::ZERO,
                backoff_cap: Duration::from_secs(60),
                longest_wait: Duration::from_secs(600),
                max_throttles: 3,
            },
            cancel: Cancel::new(),
            observer: None,
            snapshot: None,
        }
    }

    /// Uses an existing token.
    pub fn token(mut self, token: SecretString) -> Self {
        self.auth = Auth::Token(token);
        self
    }

    /// Logs in with name (usually an e-mail address) and password before the first call that needs it.
    pub fn login(mut self, username: impl Into<String>, password: SecretString) -> Self {
        self.auth = Auth::Login { username: username.into(), password };
        self
    }

    /// Names the program to Stokt; `mastoc/VERSION` otherwise.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Least time between the starts of two requests; one second otherwise, none on this machine.
    pub fn min_interval(mut self, interval: Duration) -> Self {
        self.min_interval = Some(interval);
        self
    }

    /// Most time for the connection itself; 10 s otherwise.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect = timeout;
        self
    }

    /// Most time for one request from the start to the last byte of its answer; 60 s otherwise.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// The same for a picture; 300 s otherwise.
    pub fn media_deadline(mut self, deadline: Duration) -> Self {
        self.settings.media_deadline = deadline;
        self
    }

    /// Largest JSON answer in bytes, after decompression; 64 MB otherwise.
    pub fn json_cap(mut self, bytes: u64) -> Self {
        self.settings.json_cap = bytes;
        self
    }

    /// Largest picture in bytes; 64 MB otherwise.
    pub fn media_cap(mut self, bytes: u64) -> Self {
        self.settings.media_cap = bytes;
        self
    }

    /// How often a reading call is repeated after a temporary failure; 5 otherwise. Changes are never repeated.
    pub fn max_retries(mut self, retries: usize) -> Self {
        self.settings.max_retries = retries;
        self
    }

    /// Ceiling of the wait before the first repetition; it doubles each time up to `cap`, and each wait is drawn
    /// between zero and the ceiling. 1 s and 60 s otherwise, 50 ms and 60 s on this machine.
    pub fn backoff(mut self, first: Duration, cap: Duration) -> Self {
        self.backoff_first = Some(first);
        self.settings.backoff_cap = cap;
        self
    }

    /// Longest `Retry-After` that is waited for; a longer one ends the call as throttled. 600 s otherwise.
    pub fn longest_wait(mut self, wait: Duration) -> Self {
        self.settings.longest_wait = wait;
        self
    }

    /// So many 429 in a row, over all calls, end a call; 3 otherwise.
    pub fn max_throttles(mut self, throttles: u32) -> Self {
        self.settings.max_throttles = throttles.max(1);
        self
    }

    /// Stops the client when the caller says so.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Shows every answer to `observer`; a closure over [`RawAnswer`](crate::RawAnswer) is one too.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Keeps every answer in `folder`, for [`Client::from_snapshot`]. Instead of an observer.
    pub fn save_snapshot(mut self, folder: impl Into<PathBuf>) -> Self {
        self.snapshot = Some(folder.into());
        self
    }

    /// Builds the client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for an address that is not HTTPS (or this machine), or a
    /// token that cannot be sent; [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) when the folder for the
    /// snapshot cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let origin = Origin::parse(&self.base_url)?;
        let loopback = origin.is_loopback();
        if let Auth::Token(token) = &self.auth {
            let token = token.expose_secret();
            if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Error::config("the token is empty or has characters that no token has"));
            }
        }
        if self.user_agent.is_empty()
            || !self.user_agent.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        {
            return Err(Error::config("the user agent must be plain text"));
        }
        let network = Network::new(&self.user_agent, self.connect, loopback);
        let mut built = self;
        if let Some(folder) = built.snapshot.take() {
            let writer = SnapshotWriter::create(&folder, origin.base().as_str())?;
            built.observer = Some(Arc::new(writer));
        }
        let (interval, first) = if loopback {
            (Duration::ZERO, Duration::from_millis(50))
        } else {
            (Duration::from_secs(1), Duration::from_secs(1))
        };
        built.settings.min_interval = built.min_interval.unwrap_or(interval);
        built.settings.backoff_first = built.backoff_first.unwrap_or(first);
        Ok(built.into_client(origin, Source::Network(Box::new(network))))
    }

    /// Builds a client that is answered by `source`, at once and without credentials.
    pub(crate) fn build_on(mut self, source: Box<dyn AnswerSource>) -> Result<Client, Error> {
        let origin = Origin::parse(&self.base_url)?;
        self.settings.max_retries = 0;
        Ok(self.into_client(origin, Source::Stored(source)))
    }

    fn into_client(self, origin: Origin, source: Source) -> Client {
        Client::assemble(Inner {
            origin,
            source,
            auth: self.auth,
            token: Mutex::new(None),
            turn: Mutex::new(Pace::default()),
            settings: self.settings,
            stats: Stats::default(),
            cancel: self.cancel,
            observer: self.observer,
            remote_date: Mutex::new(None),
        })
    }
}
