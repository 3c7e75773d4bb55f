//! A small HTTP client for the tests: statuses are values, not errors.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::time::Duration;

use mastoc_stokt_sim::Sim;
use serde_json::{Value, json};
use ureq::Agent;

pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub struct Client {
    agent: Agent,
    pub base: String,
    pub token: Option<String>,
}

impl Client {
    pub fn of(sim: &Sim) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Self { agent: config.into(), base: sim.base_url(), token: Some(sim.token()) }
    }

    pub fn with_token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
        kind: &str,
    ) -> Result<Reply, ureq::Error> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = ureq::http::Request::builder().method(method).uri(url).header("content-type", kind);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Token {token}"));
        }
        let request = request.body(body.unwrap_or_default().to_owned()).unwrap();
        let config = self.agent.configure_request(request).allow_non_standard_methods(true).build();
        let response = self.agent.run(config)?;
        let (parts, mut body) = response.into_parts();
        let bytes = body.with_config().limit(200 << 20).read_to_vec()?;
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, bytes })
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None, "text/plain").unwrap()
    }

    pub fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(method, path, Some(&body.to_string()), "application/json").unwrap()
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, None, "text/plain").unwrap()
    }

    pub fn log_in(&self, username: &str, password: &str) -> Reply {
        let form = ureq_form(&[("username", username), ("password", password)]);
        self.send("POST", "/api/token-auth", Some(&form), "application/x-www-form-urlencoded").unwrap()
    }

    /// All pages of a listing.
    pub fn pages(&self, path: &str) -> Vec<Value> {
        let mut pages = vec![self.get(path).json()];
        while let Some(next) = pages.last().and_then(|page| page["next"].as_str().map(str::to_owned)) {
            assert!(pages.len() < 10_000, "`next` never ends");
            pages.push(self.get(&next).json());
        }
        pages
    }

    /// All records of a listing.
    pub fn all(&self, path: &str) -> Vec<Value> {
        self.pages(path).iter().flat_map(|page| page["results"].as_array().unwrap().clone()).collect()
    }
}

pub fn ureq_form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A small board: 60 holds, 230 climbs, 7 setters.
pub fn small() -> Sim {
    Sim::builder().seed(5).holds(60).climbs(230).setters(7).picture_size(226, 300).start().unwrap()
}

pub fn climbs_path(sim: &Sim) -> String {
    format!("/api/gyms/{}/climbs?max_age=9999", sim.gym_id())
}

/// A climb to create, on holds that exist.
pub fn new_climb(sim: &Sim, name: &str) -> Value {
    let holds = sim.with_board(|board| board.hold_ids(board.face_ids()[0]));
    json!({
        "name": name,
        "holdsList": { "start": [holds[0].to_string()], "others": [holds[1].to_string(), holds[2].to_string()],
            "top": [holds[3].to_string()], "feetOnly": [holds[4].to_string()] },
        "grade": { "gradingSystem": "font", "value": "6a+" },
        "description": "", "isPrivate": false, "feetRule": "No foot",
    })
}
