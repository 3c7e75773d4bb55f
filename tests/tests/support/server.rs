//! The server as a process, and plain requests to it or to a stand-in.

use std::process::Command;
use std::time::Duration;

use mastoc_test_support::{Finished, Process};
use serde_json::Value;

use super::{LIMIT, Place};

/// The key that the tests' servers are given by `API_KEY`.
pub(crate) const ADMIN_KEY: &str = "an-admin-key-of-the-tests-3f1c9a70b2d84e65";

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON, of an answer that is 200.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Gets an address with some headers; error statuses are answers too.
///
/// # Errors
/// When there is no answer.
pub(crate) fn try_get(url: &str, headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT));
    let agent: ureq::Agent = config.build().into();
    let request = headers.iter().fold(agent.get(url), |request, (name, value)| request.header(*name, *value));
    let mut response = request.call()?;
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(64 << 20).read_to_vec()?;
    Ok(Answer { status, content_type, body })
}

/// Gets an address with some headers.
#[track_caller]
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    try_get(url, headers).unwrap_or_else(|error| panic!("GET {url}: {error}"))
}

/// Sends a request with some headers and a body; error statuses are answers too.
#[track_caller]
pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT));
    let agent: ureq::Agent = config.allow_non_standard_methods(true).build().into();
    let builder = ureq::http::Request::builder().method(method).uri(url);
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    let answer = match body {
        [] if method != "POST" && method != "PUT" => agent.run(builder.body(()).unwrap()),
        body => agent.run(builder.body(body.to_vec()).unwrap()),
    };
    let mut answer = answer.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
    let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
    Answer { status, content_type, body }
}

/// `mastoc-server serve`, running on a free port.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) url: String,
}

impl Server {
    /// Serves a place with [`ADMIN_KEY`].
    pub(crate) fn start(place: &Place) -> Self {
        Self::start_with(place, |_| {})
    }

    /// Serves a place with [`ADMIN_KEY`], after some changes to the command.
    pub(crate) fn start_with(place: &Place, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = place.program("mastoc-server");
        command.arg("serve").env("MASTOC_BIND", "127.0.0.1:0").env("API_KEY", ADMIN_KEY);
        change(&mut command);
        let mut process = Process::start(command);
        let line = process.wait_for_line("listening on ", LIMIT);
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        let url = url.trim_end_matches(['/', ',', '.']).to_owned();
        Self { process, url }
    }

    /// Gets a path with the admin key.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, ADMIN_KEY)
    }

    /// Gets a path with a key.
    #[track_caller]
    pub(crate) fn get_with(&self, path: &str, key: &str) -> Answer {
        get(&format!("{}{path}", self.url), &[("X-API-Key", key)])
    }

    /// Gets a path without any key.
    #[track_caller]
    pub(crate) fn get_openly(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.url), &[])
    }

    /// Sends JSON (nothing if it is null) with some headers.
    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = vec![("Content-Type", "application/json")];
        all.extend_from_slice(headers);
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        send(method, &format!("{}{path}", self.url), &all, &body)
    }

    /// Posts a form.
    #[track_caller]
    pub(crate) fn send_form(&self, path: &str, form: &str) -> Answer {
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        send("POST", &format!("{}{path}", self.url), &kind, form.as_bytes())
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(self) -> Finished {
        self.process.signal("TERM");
        self.process.wait(Duration::from_secs(30))
    }
}
