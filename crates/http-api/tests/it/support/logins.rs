//! Accounts with passwords, and logging in over HTTP.

use mastoc_domain::UserId;
use mastoc_domain::access::AccountRole;
use mastoc_http_api::{MailLanguage, MailSettings, RateLimit, RateLimits, Settings, passwords};
use mastoc_storage::accounts::{self, NewAccount};
use mastoc_test_support::smtp::SmtpServer;
use serde_json::{Value, json};

use crate::support::{Reply, TestApp};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// Limits that no test meets by accident.
pub fn unlimited(settings: &mut Settings) {
    let many = RateLimit::new(1_000_000, 1);
    settings.limits = RateLimits {
        login_by_address: many,
        login_by_account: many,
        register_by_address: many,
        register_by_account: many,
        reset_by_address: many,
        reset_by_account: many,
    };
}

/// An account `NAME` with the address `NAME@example.org` and this hash.
pub fn account_with(app: &TestApp, name: &str, password_hash: &str) -> UserId {
    let email = format!("{name}@example.org");
    let role = AccountRole::User;
    let account = NewAccount { email: &email, username: name, full_name: name, password_hash, role };
    app.store.write(|conn| accounts::create(conn, &account)).unwrap()
}

/// The same with [`PASSWORD`].
pub fn account(app: &TestApp, name: &str) -> UserId {
    account_with(app, name, &passwords::hash(PASSWORD).unwrap())
}

/// A POST of JSON without credentials.
pub fn post(app: &TestApp, path: &str, body: &Value) -> Reply {
    app.call("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// A login with a form.
pub fn login(app: &TestApp, username: &str, password: &str) -> Reply {
    let form = format!("username={}&password={}", encoded(username), encoded(password));
    app.call(
        "POST",
        "/api/auth/login",
        &[("content-type", "application/x-www-form-urlencoded")],
        form.as_bytes(),
    )
}

/// As forms write it.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

/// Somebody's tokens.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }

    /// Logs in with [`PASSWORD`].
    pub fn get(app: &TestApp, name: &str) -> Self {
        Self::of(&login(app, name, PASSWORD).ok())
    }
}

/// A request with an access token.
pub fn with(app: &TestApp, access: &str, method: &str, path: &str, body: &Value) -> Reply {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let bearer = format!("Bearer {access}");
    app.call(method, path, &[("authorization", &bearer), ("content-type", "application/json")], &bytes)
}

/// Whether an access token is let in.
pub fn holds(app: &TestApp, access: &str) -> bool {
    let reply = with(app, access, "GET", "/api/auth/sessions", &Value::Null);
    assert!(matches!(reply.status, 200 | 401), "{}", reply.status);
    reply.status == 200
}

/// Exchanges a refresh token.
pub fn refresh(app: &TestApp, token: &str) -> Reply {
    post(app, "/api/auth/refresh", &json!({"refresh_token": token}))
}

/// A wish for an account.
pub fn wish(name: &str) -> Value {
    json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD, "full_name": format!("{name} Muster")})
}

pub fn register(app: &TestApp, body: &Value) -> Reply {
    post(app, "/api/auth/register", body)
}

/// Many calls at the same time.
pub fn at_once<T: Send>(count: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|n| {
                scope.spawn({
                    let call = &call;
                    move || call(n)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// E-mails leave through this server.
pub fn mail(smtp: &SmtpServer) -> MailSettings {
    let url = secrecy::SecretString::from(smtp.url());
    MailSettings::new(&url, "Board <board@example.org>", "https://board.example/", MailLanguage::English)
        .unwrap()
}
