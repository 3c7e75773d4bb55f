//! E-mails: asked for by requests, written and sent by a thread of its own, so that the time of a request tells nothing
//! of what happens behind it. No address and no token is ever logged.

mod templates;

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::{Message, SmtpTransport, Transport as _};
use mastoc_storage::{Store, StoreError, accounts, resets};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use templates::{Filled, Kind};
pub use templates::{MailLanguage, UnknownLanguage};

/// How many e-mails wait at most; more are dropped, which the log tells.
const MOST_WAITING: usize = 256;
/// How long the mail server may take for each step.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How often and after how long it is asked again, when it says that it may work later.
const RETRIES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(3), Duration::from_secs(15)];
/// The page that a reset's link leads to.
const RESET_PAGE: &str = "reset-password";

/// How e-mails leave.
#[derive(Debug, Clone)]
pub struct MailSettings {
    smtp_url: SecretString,
    from: Mailbox,
    public_url: Url,
    language: MailLanguage,
}

/// Why e-mails cannot leave that way. Says nothing of the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailSettingsError {
    /// The mail server.
    #[error(
        "the SMTP URL is not of the form smtp://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT"
    )]
    Smtp,
    /// A password would travel in the clear.
    #[error("the SMTP URL has a password and tls=none; leave tls=none away, or the password")]
    Clear,
    /// The sender.
    #[error("{0:?} is no sender; write board@example.org, or Board <board@example.org>")]
    From(String),
    /// The address of the server.
    #[error("{0:?} is no public URL; write the address that people open, as in https://board.example")]
    PublicUrl(String),
}

impl MailSettings {
    /// Checks and keeps.
    ///
    /// `smtp_url` is `smtps://...` (TLS from the start) or `smtp://...`, which is raised to TLS by STARTTLS, unless the
    /// host is this machine or the URL ends in `?tls=none`. `public_url` is where people reach this server.
    ///
    /// # Errors
    /// [`MailSettingsError`].
    pub fn new(
        smtp_url: &SecretString,
        from: &str,
        public_url: &str,
        language: MailLanguage,
    ) -> Result<Self, MailSettingsError> {
        let smtp_url = transport_url(smtp_url.expose_secret())?;
        drop(SmtpTransport::from_url(smtp_url.expose_secret()).map_err(|_| MailSettingsError::Smtp)?);
        let from: Mailbox = from.parse().map_err(|_| MailSettingsError::From(shown(from)))?;
        Ok(Self { smtp_url, from, public_url: read_public_url(public_url)?, language })
    }
}

/// Reads where people reach this server; links are made beneath it.
///
/// # Errors
/// [`MailSettingsError::PublicUrl`].
pub fn read_public_url(text: &str) -> Result<Url, MailSettingsError> {
    let bad = || MailSettingsError::PublicUrl(shown(text));
    let mut url = Url::parse(text.trim()).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(bad());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// As much of a setting as a message repeats.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The URL as the mail library reads it: TLS is asked for wherever the way leaves this machine.
fn transport_url(text: &str) -> Result<SecretString, MailSettingsError> {
    let mut url = Url::parse(text.trim()).map_err(|_| MailSettingsError::Smtp)?;
    // The URL standard reads no addresses in schemes that browsers do not know.
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(MailSettingsError::Smtp)?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let local = address.map_or(host == "localhost", |address| address.is_loopback());
    let tls = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
    match (url.scheme(), tls.as_deref()) {
        ("smtps", None) => {}
        ("smtp", Some("required" | "opportunistic")) => {}
        ("smtp", None) if !local => url.set_query(Some("tls=required")),
        ("smtp", None) => {}
        ("smtp", Some("none")) => {
            if url.password().is_some() && !local {
                return Err(MailSettingsError::Clear);
            }
            url.set_query(None);
        }
        _ => return Err(MailSettingsError::Smtp),
    }
    Ok(SecretString::from(url.to_string()))
}

/// What a request asks for.
enum Job {
    /// A way back for whoever has an account with this address, if anybody has.
    Reset { email: String, language: MailLanguage },
    /// Telling the owner of this address that there is an account already.
    Taken { email: String, language: MailLanguage },
}

/// Takes orders for e-mails. Without settings there is none of these.
pub(crate) struct Mailer {
    queue: Mutex<Option<mpsc::SyncSender<Job>>>,
    language: MailLanguage,
    closing: Arc<AtomicBool>,
    /// Hears when the thread is done.
    done: Mutex<mpsc::Receiver<()>>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailer")
    }
}

impl Mailer {
    /// Starts the thread that sends.
    ///
    /// # Errors
    /// When the system gives no thread, or the settings make no transport, which they were checked for.
    pub(crate) fn open(settings: &MailSettings, store: Store) -> std::io::Result<Self> {
        let transport = SmtpTransport::from_url(settings.smtp_url.expose_secret())
            .map_err(|_| std::io::Error::other(MailSettingsError::Smtp))?
            .timeout(Some(TIMEOUT))
            .build();
        let (queue, jobs) = mpsc::sync_channel(MOST_WAITING);
        let (finished, done) = mpsc::channel();
        let closing = Arc::new(AtomicBool::new(false));
        let sender = Sender {
            store,
            transport,
            from: settings.from.clone(),
            public_url: settings.public_url.clone(),
            closing: Arc::clone(&closing),
        };
        std::thread::Builder::new().name("mail".to_owned()).spawn(move || {
            for job in jobs {
                sender.serve(job);
            }
            let _nobody_waits = finished.send(());
        })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            language: settings.language,
            closing,
            done: Mutex::new(done),
        })
    }

    /// The language of an answer to whoever sent this `Accept-Language`.
    pub(crate) fn language(&self, accept: Option<&str>) -> MailLanguage {
        accept.and_then(MailLanguage::accepted).unwrap_or(self.language)
    }

    /// Orders a reset for whoever owns this address. Takes no time that depends on whether anybody does.
    pub(crate) fn reset(&self, email: String, language: MailLanguage) {
        self.order(Job::Reset { email, language });
    }

    /// Orders a word to the owner of an address that somebody wanted to register with.
    pub(crate) fn taken(&self, email: String, language: MailLanguage) {
        self.order(Job::Taken { email, language });
    }

    fn order(&self, job: Job) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.as_ref().is_none_or(|queue| queue.try_send(job).is_err()) {
            tracing::warn!("an e-mail was dropped: too many are waiting");
        }
    }

    /// Takes no more orders, and waits until what was ordered has left, or until `patience` is over.
    pub(crate) fn close(&self, patience: Duration) {
        self.closing.store(true, Ordering::Relaxed);
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::warn!("stopping although e-mails are waiting; they are lost");
        }
    }
}

/// What the thread works with.
struct Sender {
    store: Store,
    transport: SmtpTransport,
    from: Mailbox,
    public_url: Url,
    closing: Arc<AtomicBool>,
}

impl Sender {
    /// Does one job; whatever goes wrong is logged here.
    fn serve(&self, job: Job) {
        match self.write(job) {
            Ok(None) => {}
            Ok(Some(message)) => self.send(&message),
            Err(why) => tracing::error!(why, "an e-mail could not be written"),
        }
    }

    /// The e-mail of a job; `None` when nobody is to get one.
    fn write(&self, job: Job) -> Result<Option<Message>, String> {
        let site = self.public_url.host_str().unwrap_or_default();
        let text = |error: StoreError| error.to_string();
        match job {
            Job::Reset { email, language } => {
                let Some(reset) = self.store.write(|conn| resets::begin(conn, &email)).map_err(text)? else {
                    return Ok(None);
                };
                let mut link = self.public_url.join(RESET_PAGE).map_err(|error| error.to_string())?;
                link.query_pairs_mut().append_pair("token", &reset.token);
                let minutes = (resets::KEPT_SECONDS / 60).to_string();
                let values = [
                    ("name", reset.full_name.as_str()),
                    ("site", site),
                    ("minutes", &minutes),
                    ("link", link.as_str()),
                    ("token", &reset.token),
                ];
                self.message(&reset.email, templates::fill(Kind::Reset, language, &values)).map(Some)
            }
            Job::Taken { email, language } => {
                let account = self.store.read(|conn| accounts::by_login(conn, &email)).map_err(text)?;
                let Some(account) = account.filter(|account| account.is_active) else { return Ok(None) };
                let values = [("name", account.full_name.as_str()), ("site", site)];
                self.message(&account.email, templates::fill(Kind::Taken, language, &values)).map(Some)
            }
        }
    }

    fn message(&self, to: &str, filled: Filled) -> Result<Message, String> {
        let to =
            to.parse().map_err(|_| "the account's address is not one that mail is sent to".to_owned())?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(filled.subject)
            .multipart(MultiPart::alternative_plain_html(filled.text, filled.html))
            .map_err(|error| error.to_string())
    }

    fn send(&self, message: &Message) {
        let mut pauses = RETRIES.iter();
        loop {
            let Err(error) = self.transport.send(message) else {
                tracing::info!("an e-mail was sent");
                return;
            };
            // What the mail server said may repeat the address; its code does not.
            let code = error.status().map_or_else(|| "none".to_owned(), |code| code.to_string());
            let why =
                if error.is_response() { "the mail server did not understand" } else { "not delivered" };
            let again = !error.is_permanent() && !error.is_client() && !self.closing.load(Ordering::Relaxed);
            match pauses.next() {
                Some(pause) if again => {
                    tracing::warn!(code, why, "an e-mail waits for another try");
                    std::thread::sleep(*pause);
                }
                _ => {
                    tracing::error!(
                        code,
                        why,
                        timeout = error.is_timeout(),
                        tls = error.is_tls(),
                        "an e-mail is lost"
                    );
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, MailSettingsError> {
        transport_url(text).map(|url| url.expose_secret().to_owned())
    }

    #[test]
    fn s17_mail_is_encrypted_wherever_it_leaves_this_machine() {
        for (given, used) in [
            ("smtp://mail.example", "smtp://mail.example?tls=required"),
            ("smtp://anna:pw@mail.example:587", "smtp://anna:pw@mail.example:587?tls=required"),
            ("smtp://mail.example?tls=opportunistic", "smtp://mail.example?tls=opportunistic"),
            ("smtp://mail:25?tls=none", "smtp://mail:25"),
            ("smtps://anna:pw@mail.example", "smtps://anna:pw@mail.example"),
            ("smtp://127.0.0.1:2525", "smtp://127.0.0.1:2525"),
            ("smtp://localhost:25", "smtp://localhost:25"),
        ] {
            assert_eq!(url(given).as_deref(), Ok(used), "{given}");
        }
        assert_eq!(url("smtp://anna:pw@mail.example?tls=none"), Err(MailSettingsError::Clear));
        for bad in ["", "mail.example", "http://mail.example", "smtp://", "smtp://mail.example?tls=maybe"] {
            assert_eq!(url(bad), Err(MailSettingsError::Smtp), "{bad}");
        }
    }

    #[test]
    fn s18_wrong_mail_settings_are_refused_without_the_password() {
        let settings = |smtp: &str, from: &str, public: &str| {
            MailSettings::new(&SecretString::from(smtp), from, public, MailLanguage::English)
        };
        let good =
            settings("smtp://127.0.0.1:25", "Board <board@example.org>", "https://board.example/a?x#y");
        assert_eq!(good.unwrap().public_url.as_str(), "https://board.example/a/");
        for (smtp, from, public) in [
            ("smtp//anna:hunter22@mail", "board@example.org", "https://board.example"),
            ("smtps://mail.example", "board", "https://board.example"),
            ("smtps://mail.example", "board@example.org", "board.example"),
            ("smtps://mail.example", "board@example.org", "ftp://board.example"),
        ] {
            let error = settings(smtp, from, public).unwrap_err().to_string();
            assert!(!error.contains("hunter22"), "{error}");
        }
    }
}
