//! What the API tests share: a real server on a port of its own, a small client, and a small board.

pub mod climbs;
pub mod community;
pub mod logins;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use mastoc_domain::UserId;
use mastoc_domain::access::{AccountRole, Scope};
use mastoc_http_api::{AccessMode, Settings, Stop, serve};
use mastoc_media::{MediaStore, Sha256Hex};
use mastoc_storage::accounts::{self, NewAccount};
use mastoc_storage::{DatabaseTarget, Store, StoreOptions, api_keys, sessions};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the server signs with.
pub const SECRET: &str = "a secret of thirty-two bytes, more or less";

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: UserId,
    pub token: String,
}

impl Person {
    /// The value of their Authorization header.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

/// The key in the server's environment.
pub const ENV_KEY: &str = "the-environment's-admin-key";

/// Runs the migrations; for the template of each test's database.
pub fn migrate(url: &str) {
    drop(open(url));
}

pub fn open(url: &str) -> Store {
    let target: DatabaseTarget = url.parse().unwrap();
    Store::open(&target, &StoreOptions { connections: 3, ..StoreOptions::default() }).unwrap()
}

/// A server with its database and data folder; stopped on drop.
pub struct TestApp {
    pub base: String,
    pub address: SocketAddr,
    pub store: Store,
    pub folder: TempDir,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
    agent: ureq::Agent,
}

/// An answer, read to its end.
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    /// The JSON of an answer that must be a success.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The code of an answer that must be a problem in its full shape.
    pub fn problem(&self) -> (u16, String) {
        let problem = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json", "{problem}");
        assert_eq!(problem["status"], self.status, "{problem}");
        for text in ["type", "title", "detail", "code"] {
            assert!(problem[text].is_string(), "{text} of {problem}");
        }
        assert_eq!(self.header("x-request-id").len(), 36);
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }
}

impl TestApp {
    /// A private server.
    pub fn start(url: &str) -> Self {
        Self::with(url, |_| {})
    }

    /// A server that anybody may read.
    pub fn public(url: &str) -> Self {
        Self::with(url, |settings| settings.access = AccessMode::PublicRead)
    }

    pub fn with(url: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let store = open(url);
        let folder = tempfile::tempdir().unwrap();
        let media = MediaStore::open(folder.path()).unwrap();
        let secret = SecretString::from(SECRET);
        let mut settings = Settings::new(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], secret);
        settings.api_key = Some(SecretString::from(ENV_KEY));
        settings.workers = Some(1);
        settings.shutdown_timeout = Duration::from_secs(2);
        change(&mut settings);
        let (sender, ready) = mpsc::channel();
        let shared = store.clone();
        let thread = std::thread::spawn(move || {
            let tell = move |running: &mastoc_http_api::Running| {
                sender.send((running.addresses[0], running.stop.clone())).unwrap();
            };
            serve(settings, shared, media, tell).unwrap();
        });
        let (address, stop) = ready.recv_timeout(Duration::from_secs(30)).unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Self { base: format!("http://{address}"), address, store, folder, stop, thread: Some(thread), agent }
    }

    /// Any request; headers decide about everything.
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if !headers.iter().any(|(name, _)| *name == "accept-encoding") {
            request = request.header("accept-encoding", "identity");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = if body.is_empty() && method != "POST" && method != "PUT" {
            let agent =
                self.agent.configure_request(request.body(()).unwrap()).allow_non_standard_methods(true);
            self.agent.run(agent.build()).unwrap()
        } else {
            self.agent.run(request.body(body.to_vec()).unwrap()).unwrap()
        };
        let body = answer.body_mut().with_config().limit(100_000_000).read_to_vec().unwrap();
        Reply { status: answer.status().as_u16(), headers: answer.headers().clone(), body }
    }

    /// A climber who is logged in; without a password.
    pub fn person(&self, name: &str) -> Person {
        self.person_with(name, AccountRole::User)
    }

    /// Somebody of this role who is logged in; without a password.
    pub fn person_with(&self, name: &str, role: AccountRole) -> Person {
        let life = Duration::from_secs(3_600);
        let email = format!("{name}@example.org");
        let account =
            NewAccount { email: &email, username: name, full_name: name, password_hash: "none", role };
        let (id, session) = self
            .store
            .write(|conn| {
                let id = accounts::create(conn, &account)?;
                let end = mastoc_domain::Timestamp::from_utc(conn.now().as_utc() + life);
                Ok::<_, mastoc_storage::StoreError>((id, sessions::open(conn, id, Some("test"), end)?))
            })
            .unwrap();
        let token = mastoc_http_api::access_token(&SecretString::from(SECRET), id, session, life).unwrap();
        Person { id, token }
    }

    /// The same person on another device.
    pub fn login_again(&self, person: &Person) -> Person {
        let life = Duration::from_secs(3_600);
        let session = self.store.write(|conn| {
            let end = mastoc_domain::Timestamp::from_utc(conn.now().as_utc() + life);
            sessions::open(conn, person.id, Some("another"), end)
        });
        let secret = SecretString::from(SECRET);
        let token = mastoc_http_api::access_token(&secret, person.id, session.unwrap(), life).unwrap();
        Person { id: person.id, token }
    }

    /// A request by a person; `body` is sent as JSON unless it is null.
    pub fn by(&self, person: &Person, method: &str, path: &str, body: &Value) -> Reply {
        let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let headers = [("authorization", person.bearer()), ("content-type", "application/json".to_owned())];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.call(method, path, &headers, &bytes)
    }

    /// A GET by the admin's key.
    pub fn get(&self, path: &str) -> Reply {
        self.call("GET", path, &[("x-api-key", ENV_KEY)], b"")
    }

    /// A GET by another key.
    pub fn get_as(&self, key: &str, path: &str) -> Reply {
        self.call("GET", path, &[("x-api-key", key)], b"")
    }

    /// A GET without credentials.
    pub fn get_as_nobody(&self, path: &str) -> Reply {
        self.call("GET", path, &[], b"")
    }

    /// A POST of JSON by the admin's key.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        let headers = [("x-api-key", ENV_KEY), ("content-type", "application/json")];
        self.call("POST", path, &headers, body.to_string().as_bytes())
    }

    /// A new key of the service.
    pub fn key(&self, scope: Scope) -> String {
        self.store.write(|conn| api_keys::create(conn, scope.as_str(), scope)).unwrap().plain
    }

    /// Imports the small board over HTTP, picture included.
    pub fn with_board(self) -> Self {
        for (kind, records) in [
            ("gyms", json!([gym()])),
            ("walls", json!([wall()])),
            ("faces", json!([face()])),
            ("holds", json!((0..HOLDS).map(hold).collect::<Vec<_>>())),
            ("users", json!([user(1), user(2), user(3)])),
            ("climbs", json!((0..CLIMBS).map(climb).collect::<Vec<_>>())),
        ] {
            let body = Value::Object([(kind.to_owned(), records)].into_iter().collect());
            let answer = self.post(&format!("/api/sync/import/{kind}/batch"), &body).ok();
            assert_eq!(answer["errors"], 0, "{answer}");
            assert_eq!(answer["created"], answer["total"], "{answer}");
        }
        let bytes = picture(WIDTH, HEIGHT);
        let path = format!("/api/sync/import/faces/{FACE}/picture?path={PICTURE}");
        let reply = self.put_picture(&path, &bytes, &Sha256Hex::of(&bytes).to_string());
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        self
    }

    pub fn put_picture(&self, path: &str, bytes: &[u8], sha256: &str) -> Reply {
        self.call("PUT", path, &[("x-api-key", ENV_KEY), ("x-content-sha256", sha256)], bytes)
    }

    /// Our id of the first of a list.
    pub fn first_id(&self, path: &str) -> String {
        let list = self.get(path).ok();
        let first = list.get("results").unwrap_or(&list)[0].clone();
        first["id"].as_str().map_or_else(|| first["id"].to_string(), str::to_owned)
    }

    /// Stops the server and waits for its end.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}

pub const GYM: &str = "57000000-0000-4000-8000-000000000001";
pub const WALL: &str = "57000000-0000-4000-8000-000000000002";
pub const FACE: &str = "57000000-0000-4000-8000-000000000003";
pub const PICTURE: &str = "walls/face-1/main.png";
pub const SMALL: &str = "walls/face-1/small.png";
pub const WIDTH: u32 = 640;
pub const HEIGHT: u32 = 480;
pub const FIRST_HOLD: u32 = 400_000;
pub const HOLDS: u32 = 12;
pub const CLIMBS: u32 = 30;
const GRADES: [&str; 6] = ["4", "5+", "6A", "6A+", "7A", "?"];

pub fn gym() -> Value {
    json!({"stokt_id": GYM, "display_name": "Salle d'été", "location_string": "Lyon, France"})
}

pub fn wall() -> Value {
    json!({"stokt_id": WALL, "gym_stokt_id": GYM, "name": "Pan", "feet_rules": [{"name": "Tous pieds", "is_default": true}]})
}

pub fn face() -> Value {
    json!({
        "stokt_id": FACE, "gym_stokt_id": GYM, "wall_stokt_id": WALL,
        "picture_path": PICTURE, "picture_width": WIDTH, "picture_height": HEIGHT,
        "small_picture_path": SMALL, "small_picture_width": 160, "small_picture_height": 120,
        "feet_rules_options": ["Tous pieds", "No foot"], "has_symmetry": false
    })
}

pub fn hold(n: u32) -> Value {
    let (x, y) = (10 * n + 20, 5 * n + 30);
    let square = format!("{x},{y} {},{y} {},{} {x},{}", x + 8, x + 8, y + 8, y + 8);
    json!({
        "stokt_id": FIRST_HOLD + n, "face_stokt_id": FACE, "polygon_str": square, "touch_polygon_str": square,
        "path_str": format!("M{x},{y}L{},{y}Z", x + 8), "area": "64.00", "centroid_x": x + 4, "centroid_y": y + 4,
        "centroid_str": format!("{}.00 {}.00", x + 4, y + 4), "top_polygon_str": square,
        "center_tape_str": "1 2 3 4", "left_tape_str": "1 2 3 5", "right_tape_str": "1 2 3 6"
    })
}

pub fn user_id(n: u32) -> String {
    format!("57000000-0000-4000-8000-0000000001{n:02}")
}

pub fn user(n: u32) -> Value {
    json!({"stokt_id": user_id(n), "full_name": format!("Setter {n}"), "avatar_path": (n == 1).then_some("avatars/1.png")})
}

pub fn climb_id(n: u32) -> String {
    format!("57000000-0000-4000-8000-00000001{n:04}")
}

/// Climbs count upwards in time; the fifth is private, the third a benchmark.
pub fn climb(n: u32) -> Value {
    let hold = |k: u32| FIRST_HOLD + (n + k) % HOLDS;
    let grade = GRADES[n as usize % GRADES.len()];
    json!({
        "stokt_id": climb_id(n), "face_stokt_id": FACE, "setter_stokt_id": user_id(n % 3 + 1),
        "name": if n == 7 { "Été 100 % à l'Œuvre_".to_owned() } else { format!("Bloc {n:02}") },
        "holds_list": format!("S{} O{} F{} T{}", hold(0), hold(1), hold(2), hold(3)),
        "grade_font": grade, "grade_ircra": (grade != "?").then_some(10.0 + f64::from(n % 6)),
        "feet_rule": if n.is_multiple_of(2) { "Tous pieds" } else { "No foot" },
        "description": (n == 1).then_some("Une description"), "is_private": n == 5, "is_benchmark": n == 3,
        "climbed_by": n % 10, "total_likes": n % 4, "total_comments": 0, "tags": if n == 3 { "dalle,pieds" } else { "" },
        "date_created": format!("2024-{:02}-{:02}T08:00:00+02:00", if n < 30 { 1 } else { 3 }, n % 30 + 1)
    })
}

/// A PNG of this size.
pub fn picture(width: u32, height: u32) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x % 251) as u8, (y % 241) as u8, ((x * y) % 239) as u8])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Replaces what differs in every run: our ids, and times of the run.
pub fn redact(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| {
                    // The climbs' own dates are in 2024.
                    let now =
                        key.ends_with("_at") && value.as_str().is_some_and(|time| !time.starts_with("2024-"));
                    let value = if now { json!("[now]") } else { redact(value) };
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(redact).collect()),
        Value::String(text)
            if text.len() == 36 && text.matches('-').count() == 4 && !text.starts_with("57000000") =>
        {
            json!("[uuid]")
        }
        other => other,
    }
}

/// Sends a request piece by piece, and gives the head of the answer as soon as there is one.
pub fn send_raw(address: SocketAddr, head: &str, pieces: &[Vec<u8>]) -> String {
    use std::io::{BufRead as _, BufReader, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    for piece in pieces {
        // The server may have answered and stopped reading already.
        let sent = write!(stream, "{:x}\r\n", piece.len()).and_then(|()| stream.write_all(piece));
        if sent.and_then(|()| stream.write_all(b"\r\n")).is_err() {
            break;
        }
    }
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}
