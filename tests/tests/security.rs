//! Security statements that need the programs as they are installed, and the list of all of them: each has its tests.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use mastoc_test_support::{Process, workspace_root};
use serde_json::{Value, json};

use support::server::{ADMIN_KEY, Answer, Server};
use support::{LIMIT, Place};

/// The names of all test functions of the workspace that bear a statement's number.
fn numbered_tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders: Vec<PathBuf> =
        ["crates", "bins", "tests", "benches"].iter().map(|name| workspace_root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for line in text.lines() {
                    let Some(rest) = line.trim_start().strip_prefix("fn s") else { continue };
                    let name: String =
                        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                    if name.len() > 3
                        && name.as_bytes()[..2].iter().all(u8::is_ascii_digit)
                        && name.as_bytes()[2] == b'_'
                    {
                        found.insert(format!("s{name}"));
                    }
                }
            }
        }
    }
    found
}

/// The numbers in the name of a test: `s10_s11_the_table` speaks of 10 and 11.
fn numbers(test: &str) -> BTreeSet<u8> {
    test.split('_')
        .map_while(|part| {
            part.strip_prefix('s').filter(|digits| digits.len() == 2).and_then(|digits| digits.parse().ok())
        })
        .collect()
}

#[test]
fn every_security_statement_names_tests_that_exist_and_bear_its_number() {
    let text = std::fs::read_to_string(workspace_root().join("docs/security.md")).unwrap();
    let existing = numbered_tests();
    assert!(existing.len() > 60, "{} numbered tests", existing.len());
    let mut named: BTreeMap<u8, BTreeSet<String>> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        if let Some((number, _)) = line.strip_prefix("### ").and_then(|title| title.split_once(". ")) {
            current = Some(number.parse::<u8>().unwrap());
            named.entry(current.unwrap()).or_default();
        }
        for word in
            line.split('`').skip(1).step_by(2).filter(|word| !numbers(word).is_empty() && word.len() > 4)
        {
            assert!(existing.contains(word), "docs/security.md names {word}, which is no test");
            let statement = current.unwrap_or_else(|| panic!("{word} stands under no statement"));
            assert!(numbers(word).contains(&statement), "{word} does not bear the number {statement}");
            named.get_mut(&statement).unwrap().insert(word.to_owned());
        }
    }
    assert_eq!(
        named.keys().copied().collect::<Vec<_>>(),
        (1..=20).collect::<Vec<_>>(),
        "statements 1 to 20, each once"
    );
    for (statement, tests) in &named {
        assert!(!tests.is_empty(), "statement {statement} names no test");
    }
}

/// All options and subcommands of a program, found by asking each for its help: (words, help).
fn helps(place: &Place, name: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(words) = open.pop() {
        let mut command = place.program(name);
        command.args(&words).arg("--help");
        let finished = Process::run(command, LIMIT);
        assert_eq!(finished.code, Some(0), "{name} {words:?}: {finished:?}");
        let commands = finished.stdout.split("\nCommands:\n").nth(1).unwrap_or_default();
        for line in commands.lines().take_while(|line| !line.is_empty()) {
            let sub = line.strip_prefix("  ").filter(|line| !line.starts_with(' '));
            if let Some(sub) =
                sub.and_then(|line| line.split_whitespace().next()).filter(|sub| *sub != "help")
            {
                open.push(words.iter().cloned().chain([sub.to_owned()]).collect());
            }
        }
        found.push((words, finished.stdout));
    }
    found
}

#[test]
fn s18_no_program_takes_a_secret_as_an_argument() {
    let place = Place::sqlite();
    let mut options = 0;
    for name in ["mastoc-server", "mastoc-import", "mastoc-sync"] {
        for (words, help) in helps(&place, name) {
            for line in help
                .lines()
                .map(str::trim_start)
                .filter(|line| line.starts_with('-') || line.starts_with('<'))
            {
                options += 1;
                let mut parts = line
                    .split_whitespace()
                    .filter(|part| part.starts_with("--") || part.starts_with(['<', '[']));
                let flag = parts.next().unwrap_or_default().trim_end_matches(',').to_lowercase();
                let takes = parts.next().filter(|value| value.starts_with('<')).unwrap_or_default();
                let is_secret = ["password", "token", "secret", "credential", "api-key"]
                    .iter()
                    .any(|word| flag.contains(word));
                let is_harmless =
                    takes.is_empty() || takes == "<FILE>" || takes == "<SECONDS>" || takes == "<LIMIT>";
                assert!(
                    !is_secret || is_harmless,
                    "{name} {words:?}: {line} puts a secret into the list of processes"
                );
            }
        }
    }
    assert!(options > 40, "{options} options were looked at");
}

/// What must not be seen, by what it is.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, secret: &str) {
        assert!(secret.len() > 7, "{what} is too short to be looked for");
        self.0.push((what, secret.to_owned()));
    }

    #[track_caller]
    fn are_not_in(&self, place: &str, text: &str) {
        for (what, secret) in &self.0 {
            if let Some(at) = text.find(secret.as_str()) {
                let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
                panic!("{place} holds {what}: {}", text[line..].lines().next().unwrap());
            }
        }
        for sql in ["SELECT ", "INSERT INTO", "UPDATE \"", "UPDATE `", "DELETE FROM", " WHERE ", "RETURNING"]
        {
            let line = text.lines().find(|line| line.contains(sql));
            assert!(line.is_none(), "{place} holds SQL ({sql}): {}", line.unwrap());
        }
    }
}

fn break_table(place: &Place, statement: &str) {
    if place.is_postgres() {
        PgConnection::establish(place.url()).unwrap().batch_execute(statement).unwrap();
    } else {
        let path = place.url().trim_start_matches("sqlite://").to_owned();
        SqliteConnection::establish(&path).unwrap().batch_execute(statement).unwrap();
    }
}

/// A server that is asked, with every answer that is a problem looked through.
struct Asked<'a> {
    server: &'a Server,
    secrets: Secrets,
    problems: usize,
}

impl Asked<'_> {
    fn ask(&mut self, method: &str, path: &str, bearer: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let headers = [("Authorization", authorization.as_str())];
        let headers = if bearer.is_empty() { &[][..] } else { &headers[..] };
        let answer = self.server.send(method, path, headers, body);
        self.look(method, path, &answer);
        answer
    }

    fn look(&mut self, method: &str, path: &str, answer: &Answer) {
        if answer.status >= 400 {
            self.problems += 1;
            self.secrets.are_not_in(&format!("{method} {path}"), &String::from_utf8_lossy(&answer.body));
        }
    }

    /// A login by the form; its tokens are secrets from now on.
    fn login(&mut self, name: &str, password: &str) -> (String, String) {
        let answer =
            self.server.send_form("/api/auth/login", &format!("username={name}&password={password}"));
        let answer = answer.json();
        let token = |field: &str| answer[field].as_str().unwrap().to_owned();
        let pair = (token("access_token"), token("refresh_token"));
        self.secrets.add("an access token", &pair.0);
        self.secrets.add("a refresh token", &pair.1);
        pair
    }
}

#[test]
fn s18_neither_logs_nor_answers_hold_sql_or_secrets_however_much_is_logged() {
    for place in Place::both() {
        for format in ["text", "json"] {
            through_everything(&place, format);
        }
    }
}

fn through_everything(place: &Place, format: &str) {
    let key = "a-signing-secret-of-the-tests-0b7d61c2e94f4d0a";
    let server = Server::start_with(place, |command| {
        command.env("SECRET_KEY", key).env("MASTOC_LOG", "trace").env("MASTOC_LOG_FORMAT", format);
    });
    let mut asked = Asked { server: &server, secrets: Secrets::default(), problems: 0 };
    let (name, email) = (format!("susanne-{format}"), format!("susanne.{format}@private-address.example"));
    let (password, second) = ("open sesame mountain", "another sesame mountain");
    asked.secrets.add("the signing secret", key);
    asked.secrets.add("the key of the environment", ADMIN_KEY);
    asked.secrets.add("a password", password);
    asked.secrets.add("a password", "open+sesame+mountain");
    asked.secrets.add("a password", second);
    asked.secrets.add("a wrong password", "guessed-password-1234");
    asked.secrets.add("an e-mail address", "private-address.example");
    if let Some((_, after)) = place.url().split_once("://").filter(|_| place.is_postgres())
        && let Some((account, _)) = after.split_once('@')
        && let Some((_, secret)) = account.split_once(':')
        && secret.len() > 7
    {
        asked.secrets.add("the database's password", secret);
    }

    let register = json!({"email": email, "username": name, "full_name": "Susanne", "password": password});
    assert_eq!(asked.ask("POST", "/api/auth/register", "", &register).status, 201);
    asked.ask("POST", "/api/auth/register", "", &register);
    asked.ask(
        "POST",
        "/api/auth/register",
        "",
        &json!({"email": "no\u{0}@private-address.example", "password": 5}),
    );
    let (access, refresh) = asked.login(&name, "open+sesame+mountain");
    for wrong in ["guessed-password-1234", "open%20sesame%20mountain%20"] {
        let answer = server.send_form("/api/auth/login", &format!("username={email}&password={wrong}"));
        assert_eq!(answer.status, 401);
        asked.look("POST", "/api/auth/login", &answer);
    }
    let answer = server.send_form("/api/auth/login", "username=%00&password=guessed-password-1234");
    asked.look("POST", "/api/auth/login", &answer);
    let renewed = asked.ask("POST", "/api/auth/refresh", "", &json!({"refresh_token": refresh})).json();
    asked.secrets.add("a refresh token", renewed["refresh_token"].as_str().unwrap());
    // A token that was used comes again, and ends the login.
    assert_eq!(asked.ask("POST", "/api/auth/refresh", "", &json!({"refresh_token": refresh})).status, 401);
    assert_eq!(asked.ask("GET", "/api/users/me", &access, &Value::Null).status, 401);
    asked.ask("GET", "/api/users/me", "eyJhbGciOiJub25lIn0.guessed-password-1234.", &Value::Null);
    asked.ask("POST", "/api/auth/reset-password", "", &json!({"email": email}));
    let guess = json!({"token": "guessed-password-1234", "new_password": second});
    asked.ask("POST", "/api/auth/reset-password/confirm", "", &guess);

    let (access, _) = asked.login(&name, "open+sesame+mountain");
    let change = json!({"current_password": "guessed-password-1234", "new_password": second});
    assert!(asked.ask("POST", "/api/users/me/password", &access, &change).status >= 400);
    let change = json!({"current_password": password, "new_password": second});
    let changed = asked.ask("POST", "/api/users/me/password", &access, &change).json();
    let access = changed["access_token"].as_str().unwrap().to_owned();
    asked.secrets.add("an access token", &access);
    asked.secrets.add("a refresh token", changed["refresh_token"].as_str().unwrap());

    // Collisions, broken bodies and keys that are none.
    asked.ask("PATCH", "/api/users/me", &access, &json!({"username": "a@private-address.example"}));
    let list = asked.ask("POST", "/api/lists", &access, &json!({"name": "Mine"}));
    let list: Value = serde_json::from_slice(&list.body).unwrap();
    let list = list["id"].as_str().unwrap().to_owned();
    let shared = asked.ask("POST", &format!("/api/lists/{list}/share"), &access, &Value::Null).json();
    let token = shared["token"].as_str().unwrap().to_owned();
    asked.secrets.add("the token of a link", &token);
    assert_eq!(asked.ask("GET", &format!("/api/lists/shared/{token}"), &access, &Value::Null).status, 200);
    asked.ask("GET", &format!("/api/lists/shared/{token}x"), &access, &Value::Null);
    asked.ask("GET", &format!("/api/climbs?page=x&api_key={ADMIN_KEY}"), &access, &Value::Null);
    for broken in [format!("{{\"password\": \"{second}\""), format!("password={second}&x=%ff")] {
        let answer = support::server::send(
            "POST",
            &format!("{}/api/auth/login", server.url),
            &[("Content-Type", "application/json")],
            broken.as_bytes(),
        );
        asked.look("POST", "/api/auth/login", &answer);
    }
    let unknown = format!("{ADMIN_KEY}x");
    let answer = server.get_with("/api/climbs", &unknown);
    assert_eq!(answer.status, 403);
    asked.look("GET", "/api/climbs", &answer);
    let forged =
        server.send("GET", "/api/climbs", &[("Authorization", &format!("Basic {second}"))], &Value::Null);
    asked.look("GET", "/api/climbs", &forged);

    // The database fails in the middle of it all.
    break_table(place, "ALTER TABLE climb_lists RENAME TO climb_lists_away");
    assert_eq!(asked.ask("GET", "/api/lists", &access, &Value::Null).status, 500);
    assert_eq!(asked.ask("POST", "/api/lists", &access, &json!({"name": "Mine"})).status, 500);
    break_table(place, "ALTER TABLE climb_lists_away RENAME TO climb_lists");
    break_table(place, "ALTER TABLE users RENAME COLUMN email TO email_away");
    let answer =
        server.send_form("/api/auth/login", &format!("username={email}&password=guessed-password-1234"));
    assert_eq!(answer.status, 500);
    asked.look("POST", "/api/auth/login", &answer);
    break_table(place, "ALTER TABLE users RENAME COLUMN email_away TO email");
    assert!(asked.problems > 15, "{} problems", asked.problems);

    asked.ask("POST", "/api/auth/logout", &access, &Value::Null);
    let secrets = asked.secrets;
    let finished = server.stop();
    assert!(finished.stderr.lines().count() > 40, "a whole log: {}", finished.stderr);
    assert!(
        finished.stderr.contains("TRACE") || finished.stderr.contains("DEBUG"),
        "it was made to tell everything"
    );
    assert!(finished.stderr.contains("the request failed"), "failures are logged");
    secrets.are_not_in("the log", &finished.stderr);
    secrets.are_not_in("standard output", &finished.stdout);
    for file in support::files_below(Path::new(place.folder())) {
        // Nothing is kept in clear beside the database, which holds hashes and addresses.
        if !file.contains("sqlite3") {
            let bytes = std::fs::read(place.folder().join(&file)).unwrap();
            secrets.are_not_in(&file, &String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn s02_what_may_be_read_is_one_setting_and_an_open_address_opens_nothing_more() {
    let place = Place::sqlite();
    for word in ["none", "off", "open", "public", "public-write", "PUBLIC-READ", "private,public-read"] {
        let mut command = place.program("mastoc-server");
        command.args(["serve", "--bind", "127.0.0.1:0"]).env("MASTOC_ACCESS", word);
        support::one_line(&Process::run(command, LIMIT), 2, &["--access"]);
    }
    for (words, help) in helps(&place, "mastoc-server") {
        for word in
            ["no-auth", "noauth", "anonymous", "insecure", "disable", "skip", "unsafe", "dev-mode", "debug"]
        {
            assert!(!help.to_lowercase().contains(&format!("--{word}")), "{words:?} offers --{word}");
        }
    }
    // Default settings at every address: as the platforms start it, with PORT alone.
    let mut command = place.program("mastoc-server");
    command.arg("serve").env("PORT", "0").env("API_KEY", ADMIN_KEY);
    let mut process = Process::start(command);
    let line = process.wait_for_line("listening on http://0.0.0.0:", LIMIT);
    let port: String = line.rsplit(':').next().unwrap().chars().take_while(char::is_ascii_digit).collect();
    let get = |path: &str, headers: &[(&str, &str)]| {
        support::server::get(&format!("http://127.0.0.1:{port}{path}"), headers).status
    };
    for path in [
        "/api/climbs",
        "/api/faces",
        "/api/changes",
        "/api/users",
        "/metrics",
        "/static/x",
        "/api/sync/stats",
    ] {
        assert_eq!(get(path, &[]), 401, "{path}");
    }
    assert_eq!(get("/health", &[]), 200);
    assert_eq!(get("/api/climbs", &[("X-API-Key", ADMIN_KEY)]), 200);
    drop(process);
    let running = Server::start_with(&place, |command| _ = command.env("MASTOC_ACCESS", "public-read"));
    assert_eq!(running.get_openly("/api/climbs").status, 200);
    for path in ["/api/users", "/api/users/me", "/metrics", "/api/sync/stats", "/api/admin/health"] {
        assert_eq!(running.get_openly(path).status, 401, "{path}");
    }
    assert_eq!(running.send("POST", "/api/climbs", &[], &json!({})).status, 401);
}

#[test]
fn s20_a_degraded_server_says_no_more_than_that() {
    for place in Place::both() {
        let server = Server::start(&place);
        assert_eq!(server.get_openly("/health").json()["status"], "ok");
        break_table(&place, "ALTER TABLE change_log RENAME TO change_log_away");
        let answer = server.get_openly("/health");
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 503, "{text}");
        let health: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(health["status"], "degraded");
        assert_eq!(health.as_object().unwrap().len(), 4, "{text}");
        for detail in ["change_log", "table", "relation", "sqlite", "postgres", "/"] {
            assert!(!text.contains(detail), "{detail} in {text}");
        }
        assert_eq!(server.get_openly("/api/admin/health").status, 401);
        break_table(&place, "ALTER TABLE change_log_away RENAME TO change_log");
        assert_eq!(server.get_openly("/health").json()["status"], "ok", "it comes back by itself");
    }
}
