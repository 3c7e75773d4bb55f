//! One exchange with the server, repeated where that can help.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::{Request, header};
use url::{Host, Url};

use crate::error::ClientError;

/// Attempts at one call, the first included.
const ATTEMPTS: u32 = 6;
/// Ceiling of the first pause; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are read.
const ANSWER_CAP: u64 = 64 * 1024 * 1024;

/// A body and what it is.
pub(crate) enum Body<'a> {
    None,
    Json(&'a [u8]),
    Picture { bytes: &'a [u8], sha256: &'a str },
}

impl Body<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Json(bytes) | Self::Picture { bytes, .. } => bytes,
        }
    }
}

/// The connection to one server.
pub(crate) struct Http {
    agent: Agent,
    base: Url,
    key: SecretString,
}

/// The server's way of saying what is wrong (RFC 9457).
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

impl Http {
    pub(crate) fn new(address: &str, key: SecretString) -> Result<Self, ClientError> {
        let config = |why: String| ClientError::Config(why);
        let mut base = Url::parse(address.trim())
            .map_err(|why| config(format!("the server's address is no URL ({why}); write https://HOST")))?;
        let loopback = match base.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => return Err(config("the server's address names no host; write https://HOST".into())),
        };
        match base.scheme() {
            "https" => {}
            "http" if loopback => {}
            _ => {
                return Err(config(
                    "the server's address must begin with https:// (http:// only on this machine)".into(),
                ));
            }
        }
        if !base.username().is_empty()
            || base.password().is_some()
            || base.query().is_some()
            || base.fragment().is_some()
        {
            return Err(config("the server's address must hold no login, ? or #".into()));
        }
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        let text = key.expose_secret();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(config(
                "the API key is empty or has characters that no key has; set MASTOC_API_KEY".into(),
            ));
        }
        let agent = Agent::config_builder()
            .user_agent(concat!("mastoc/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .https_only(!loopback)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_resolve(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_secs(120)));
        // A proxy from the environment is for the way out, never for this machine.
        let agent = if loopback { agent.proxy(None) } else { agent };
        Ok(Self { agent: agent.build().new_agent(), base, key })
    }

    pub(crate) fn address(&self) -> &str {
        self.base.as_str()
    }

    /// An address below the server's, each part encoded as one segment.
    pub(crate) fn url(&self, parts: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Sends a call that can be repeated without harm, and reads its JSON.
    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        url: &Url,
        body: &Body<'_>,
    ) -> Result<T, ClientError> {
        let mut attempt = 1;
        loop {
            match self.once(method, url, body) {
                Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                    let pause =
                        pause(attempt).max(error.retry_after().unwrap_or_default()).min(LONGEST_PAUSE * 6);
                    tracing::info!(%error, attempt, ms = pause.as_millis(), "trying the call again");
                    std::thread::sleep(pause);
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn once<T: DeserializeOwned>(&self, method: &str, url: &Url, body: &Body<'_>) -> Result<T, ClientError> {
        let call = || format!("{method} {}", url.path());
        let unreachable =
            |why: String| ClientError::Unreachable { server: self.address().to_owned(), reason: why };
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("X-API-Key", self.key.expose_secret())
            .header(header::ACCEPT, "application/json");
        match body {
            Body::None => {}
            Body::Json(_) => request = request.header(header::CONTENT_TYPE, "application/json"),
            Body::Picture { sha256, .. } => {
                request = request
                    .header(header::CONTENT_TYPE, "application/octet-stream")
                    .header("X-Content-SHA256", *sha256);
            }
        }
        let unsendable =
            |why: ureq::http::Error| ClientError::Config(format!("the request cannot be built ({why})"));
        let answer = match body {
            Body::None => self.agent.run(request.body(()).map_err(unsendable)?),
            body => self.agent.run(request.body(body.bytes()).map_err(unsendable)?),
        };
        let mut answer = answer.map_err(|why| unreachable(reason(&why)))?;
        let status = answer.status().as_u16();
        let retry_after = answer
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let bytes = answer.body_mut().with_config().limit(ANSWER_CAP).read_to_vec();
        let bytes = bytes.map_err(|why| unreachable(reason(&why)))?;
        if (200..300).contains(&status) {
            return serde_json::from_slice(&bytes).map_err(|why| ClientError::Unreadable {
                server: self.address().to_owned(),
                reason: format!("{}: {why}", call()),
            });
        }
        let problem: Problem = serde_json::from_slice(&bytes).unwrap_or_default();
        let detail: String = problem.detail.chars().filter(|c| !c.is_control()).take(200).collect();
        Err(match status {
            401 | 403 => ClientError::Credentials { status, detail },
            409 if ["import_running", "import_run_over"].contains(&problem.code.as_str()) => {
                ClientError::Locked { detail, retry_after }
            }
            413 => ClientError::TooLarge { bytes: body.bytes().len() },
            408 | 425 | 429 | 500..=599 => ClientError::Busy { call: call(), status, detail, retry_after },
            300..=399 => ClientError::Unreadable {
                server: self.address().to_owned(),
                reason: format!("it redirects {}", call()),
            },
            404 if problem.code.is_empty() => ClientError::Unreadable {
                server: self.address().to_owned(),
                reason: format!("it does not know {}", call()),
            },
            _ => {
                let code = if problem.code.is_empty() { "unknown".to_owned() } else { problem.code };
                ClientError::Refused { call: call(), status, code, detail }
            }
        })
    }
}

/// A pause between zero and a ceiling that doubles with each attempt, so that many clients do not come back at once.
fn pause(attempt: u32) -> Duration {
    let ceiling = FIRST_PAUSE.saturating_mul(1 << attempt.min(10).saturating_sub(1)).min(LONGEST_PAUSE);
    let micros = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX).max(1);
    // The standard library seeds each hasher at random: enough for jitter, without another crate.
    Duration::from_micros(RandomState::new().hash_one(attempt) % micros)
}

fn reason(why: &ureq::Error) -> String {
    match why {
        ureq::Error::HostNotFound => "no such host".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        other => other.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(address: &str, key: &str) -> Result<Http, ClientError> {
        Http::new(address, SecretString::from(key.to_owned()))
    }

    #[test]
    fn s17_addresses_are_https_or_this_machine() {
        for good in ["https://x.org", "http://127.0.0.1:8000", "http://localhost/board"] {
            assert!(http(good, "k").is_ok(), "{good}");
        }
        for bad in ["http://x.org", "x.org", "", "https://u:p@x.org", "https://x.org?q=1"] {
            assert!(http(bad, "k").is_err(), "{bad}");
        }
        assert!(http("https://x.org", "").is_err());
        assert!(http("https://x.org", "a b").is_err());
    }

    #[test]
    fn parts_stay_inside_their_segment() {
        let http = http("https://x.org/sub", "k").unwrap();
        let url = http.url(&["api", "a/../b"], &[("path", "x/y z&w")]);
        assert_eq!(url.as_str(), "https://x.org/sub/api/a%2F..%2Fb?path=x%2Fy+z%26w");
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for attempt in 1..40 {
            assert!(pause(attempt) <= LONGEST_PAUSE);
        }
        assert!(pause(1) <= FIRST_PAUSE);
    }
}
