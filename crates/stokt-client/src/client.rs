//! The client: one request at a time, politely, with repetitions where they do no harm.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::{
    answer::ERROR_BODY_CAP,
    builder::{ClientBuilder, Settings},
    cancel::Cancel,
    error::{Error, ErrorKind},
    network::{BodyReader, Network, Payload, Reply},
    observer::Observer,
    origin::Origin,
    pace::{Backoff, Pace},
    snapshot::SnapshotSource,
    source::{AnswerSource, Method},
    stats::Stats,
};

/// Most redirects followed within the origin.
const MAX_REDIRECTS: usize = 5;

/// Who asks.
pub(crate) enum Auth {
    None,
    Token(SecretString),
    Login { username: String, password: SecretString },
}

/// Where answers come from.
pub(crate) enum Source {
    Network(Box<Network>),
    Stored(Box<dyn AnswerSource>),
}

pub(crate) struct Inner {
    pub(crate) origin: Origin,
    pub(crate) source: Source,
    pub(crate) auth: Auth,
    pub(crate) token: Mutex<Option<SecretString>>,
    /// Held for the whole of a request: one at a time, however many threads share the client.
    pub(crate) turn: Mutex<Pace>,
    pub(crate) settings: Settings,
    pub(crate) stats: Stats,
    pub(crate) cancel: Cancel,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) remote_date: Mutex<Option<SystemTime>>,
}

/// A blocking client of the Stokt API. Clones share the connection, the pace and the counters.
///
/// The calls are methods, one per endpoint; see the crate's documentation for an example.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.0.origin.base().as_str()).finish_non_exhaustive()
    }
}

/// What a call is for, which decides on repetition, credentials and visibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Repeated after temporary failures.
    Read,
    /// Sent once.
    Change,
    /// Repeated, since it changes nothing; sent without a token; hidden from observers.
    LogIn,
}

/// One call.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) payload: Payload,
    pub(crate) purpose: Purpose,
    /// Whether it is a picture, with that kind's limits.
    pub(crate) media: bool,
}

impl Ask {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::Get, url, payload: Payload::None, purpose: Purpose::Read, media: false }
    }
}

/// A successful answer whose body is to be read.
pub(crate) struct Success<'a> {
    pub(crate) reply: Reply,
    pub(crate) reader: BodyReader<'a>,
    pub(crate) target: &'a str,
}

impl Client {
    /// Begins to set up a client of the service at `base_url`, such as `https://www.sostokt.com`.
    pub fn builder(base_url: &str) -> ClientBuilder {
        ClientBuilder::new(base_url)
    }

    /// A client that answers from a folder saved by [`ClientBuilder::save_snapshot`], without any network.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`] when the folder is no snapshot or cannot be read.
    pub fn from_snapshot(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let source = SnapshotSource::open(folder.as_ref())?;
        let base_url = source.base_url().to_owned();
        Self::from_source(&base_url, Box::new(source))
    }

    /// A client that answers from anything; `base_url` is what addresses in the answers begin with.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when `base_url` is not usable.
    pub fn from_source(base_url: &str, source: Box<dyn AnswerSource>) -> Result<Self, Error> {
        ClientBuilder::new(base_url).build_on(source)
    }

    pub(crate) fn assemble(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The address that requests go to, with a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.0.origin.base().as_str()
    }

    /// Whether answers come from a snapshot or another store, and asking again changes nothing.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        matches!(self.0.source, Source::Stored(_))
    }

    /// A handle on the counters, to be read while calls are under way.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.stats.clone()
    }

    /// The flag that stops this client.
    #[must_use]
    pub fn cancel(&self) -> Cancel {
        self.0.cancel.clone()
    }

    /// The service's clock as of its last answer (its `Date` header, whole seconds); `None` before the first.
    ///
    /// What a watermark should be taken from, since this machine's clock may be wrong.
    #[must_use]
    pub fn remote_time(&self) -> Option<SystemTime> {
        *lock(&self.0.remote_date)
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.0.origin
    }

    pub(crate) fn observer(&self) -> Option<&dyn Observer> {
        self.0.observer.as_deref()
    }

    /// Logs in now, if the client was set up with name and password and has not yet. Other calls do it by
    /// themselves; call it to learn early whether the credentials are right.
    ///
    /// # Errors
    /// [`Error::is_auth`] when they are not.
    pub fn log_in(&self) -> Result<(), Error> {
        self.token().map(|_| ())
    }

    /// Waits until the next request may go out: the interval between requests, and what Stokt asked to wait. Whoever
    /// writes down when something is sent waits first, so that the call itself does not.
    ///
    /// # Errors
    /// [`Error::is_throttled`] when that would take longer than the client ever waits; [`Error::is_cancelled`]; and the
    /// errors of logging in.
    pub fn wait_for_turn(&self) -> Result<(), Error> {
        self.0.cancel.check()?;
        self.token()?;
        let settings = &self.0.settings;
        let pace = lock(&self.0.turn);
        let wait = pace.wait(settings.min_interval, Instant::now());
        if wait > settings.longest_wait.max(settings.min_interval) {
            return Err(Error::new(ErrorKind::Throttled(Some(wait))));
        }
        self.rest(wait)
    }

    fn token(&self) -> Result<Option<SecretString>, Error> {
        let (username, password) = match (&self.0.source, &self.0.auth) {
            (Source::Stored(_), _) | (_, Auth::None) => return Ok(None),
            (_, Auth::Token(token)) => return Ok(Some(token.clone())),
            (_, Auth::Login { username, password }) => (username, password),
        };
        // Held while logging in, so that threads sharing a client log in once.
        let mut token = lock(&self.0.token);
        if token.is_none() {
            let form = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("username", username)
                .append_pair("password", password.expose_secret())
                .finish();
            let ask = Ask {
                method: Method::Post,
                url: self.origin().endpoint(&[&"api", &"token-auth"])?,
                payload: Payload::Form(form.into_bytes()),
                purpose: Purpose::LogIn,
                media: false,
            };
            let answer = self.run(&ask, &mut |success| self.read_json(&ask, success))?;
            let text = answer.get("token").and_then(Value::as_str).unwrap_or_default();
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                let shape =
                    Error::new(ErrorKind::Shape("the login was accepted but gave no token".to_owned()));
                return Err(shape.in_call(Method::Post, "api/token-auth"));
            }
            *token = Some(SecretString::from(text));
        }
        Ok(token.clone())
    }

    /// Runs one call to its end: waits for its turn, sends it, repeats it where that is allowed.
    ///
    /// `finish` reads the body of a success; its failures count like those of the request.
    pub(crate) fn run<R>(
        &self,
        ask: &Ask,
        finish: &mut dyn FnMut(Success<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let target = self.origin().target(&ask.url);
        let result = self.run_named(ask, &target, finish);
        result.map_err(|error| error.in_call(ask.method, &target))
    }

    fn run_named<R>(
        &self,
        ask: &Ask,
        target: &str,
        finish: &mut dyn FnMut(Success<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.0.cancel.check()?;
        let authorization = match ask.purpose {
            Purpose::LogIn => None,
            _ => self.token()?.map(|token| SecretString::from(format!("Token {}", token.expose_secret()))),
        };
        let settings = &self.0.settings;
        let mut waits = Backoff::new(settings.backoff_first, settings.backoff_cap, settings.max_retries);
        let mut pace = lock(&self.0.turn);
        loop {
            let error = match self.attempt(ask, target, authorization.as_ref(), &mut pace, finish) {
                Ok(read) => return Ok(read),
                Err(error) => error.in_call(ask.method, target),
            };
            let repeatable = ask.purpose != Purpose::Change && error.is_temporary() && !error.has_started();
            if error.status() == Some(429) && pace.throttled() >= settings.max_throttles {
                return Err(error);
            }
            // Throttled without a status: nothing was sent, since the time to wait is too long.
            let waiting_is_over = error.is_throttled() && error.status().is_none();
            let too_long = error.retry_after().is_some_and(|wait| wait > settings.longest_wait);
            let Some(wait) = waits.next().filter(|_| repeatable && !waiting_is_over && !too_long) else {
                return Err(error);
            };
            tracing::debug!(call = %error.call(), %error, wait_ms = wait.as_millis(), "trying again");
            self.rest(wait)?;
            self.0.stats.add_retry();
        }
    }

    /// Waits and counts the time.
    fn rest(&self, wait: Duration) -> Result<(), Error> {
        let started = Instant::now();
        let result = self.0.cancel.sleep(wait);
        if !wait.is_zero() {
            self.0.stats.add_slept(started.elapsed());
        }
        result
    }

    /// One attempt, redirects within the origin included.
    fn attempt<R>(
        &self,
        ask: &Ask,
        target: &str,
        authorization: Option<&SecretString>,
        pace: &mut Pace,
        finish: &mut dyn FnMut(Success<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let settings = &self.0.settings;
        let (deadline, cap) = if ask.media {
            (settings.media_deadline, settings.media_cap)
        } else {
            (settings.deadline, settings.json_cap)
        };
        let mut url = ask.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let wait = pace.wait(settings.min_interval, Instant::now());
            if wait > settings.longest_wait.max(settings.min_interval) {
                return Err(Error::new(ErrorKind::Throttled(Some(wait))));
            }
            self.rest(wait)?;
            let started = Instant::now();
            pace.started(started);
            let mut reply = self.exchange(ask, &url, authorization, deadline)?;
            let date = reply.date.as_deref().and_then(|text| httpdate::parse_http_date(text).ok());
            if date.is_some() {
                *lock(&self.0.remote_date) = date;
            }
            tracing::debug!(method = %ask.method, target, status = reply.status, ms = started.elapsed().as_millis());
            let cancel = (ask.purpose == Purpose::Read).then_some(&self.0.cancel);
            let stats = &self.0.stats;
            let status = reply.status;
            if status != 429 {
                pace.answered();
            }
            match status {
                200..=299 => {
                    let reader = BodyReader { cap, deadline, started, cancel, stats };
                    return finish(Success { reply, reader, target })
                        .map_err(|error| error.with_status(status));
                }
                300..=399 if reply.location.is_some() => {
                    let location = reply.location.take().unwrap_or_default();
                    url = self.redirected(ask, &url, &location).map_err(|error| error.with_status(status))?;
                }
                _ => {
                    let reader = BodyReader { cap: ERROR_BODY_CAP, deadline, started, cancel, stats };
                    return Err(self.refusal(ask, target, reply, &reader, date, pace));
                }
            }
        }
        Err(Error::new(ErrorKind::Redirect("itself, too often".to_owned())))
    }

    /// Where a redirect leads, if it may be followed: a reading call, within the origin.
    fn redirected(&self, ask: &Ask, from: &Url, location: &str) -> Result<Url, Error> {
        let url =
            self.origin().resolve(from, location).map_err(|other| Error::new(ErrorKind::Redirect(other)))?;
        if ask.method != Method::Get {
            let place = self.origin().target(&url);
            return Err(Error::new(ErrorKind::Redirect(format!(
                "{place} (only reading calls are redirected)"
            ))));
        }
        Ok(url)
    }

    fn exchange(
        &self,
        ask: &Ask,
        url: &Url,
        authorization: Option<&SecretString>,
        deadline: Duration,
    ) -> Result<Reply, Error> {
        match &self.0.source {
            Source::Network(network) => {
                self.0.stats.add_request();
                let authorization = authorization.map(SecretString::expose_secret);
                network.send(ask.method, url, &ask.payload, authorization, deadline)
            }
            Source::Stored(_) if ask.method != Method::Get => Err(Error::new(ErrorKind::ReadOnlySnapshot)),
            Source::Stored(source) => {
                self.0.stats.add_request();
                let answer = source
                    .answer(&self.origin().target(url))
                    .map_err(|why| Error::new(ErrorKind::Snapshot(why)))?;
                answer.map(Reply::from).ok_or_else(|| Error::new(ErrorKind::NotInSnapshot))
            }
        }
    }
}

/// A panic elsewhere does not make these few values wrong.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
