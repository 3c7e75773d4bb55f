//! Snapshots: saved while a client runs, answered from without any network, and never with a secret inside.

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

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use mastoc_stokt_client::{Client, ErrorKind, Outcome, RawAnswer, secrecy::SecretString};
use support::{Server, TOKEN, answer, json, page};

const PICTURE: &str = "\u{1}JPEG bytes\u{2}";

fn board() -> Server {
    Server::start(|seen, stream| {
        let reply = match seen.target.as_str() {
            "/api/token-auth" => json(&format!(r#"{{"token": "{TOKEN}"}}"#)),
            "/api/users/me" => json(
                r#"{"id": "u", "username": "me@example.org", "email": "me@example.org", "homeGym": {"id": "g"}}"#,
            ),
            "/api/gyms/g/climbs?max_age=9999" => {
                page(&["a", "b"], 3, Some("/api/gyms/g/climbs?max_age=9999&page=2"))
            }
            "/api/gyms/g/climbs?max_age=9999&page=2" => page(&["c"], 3, None),
            "/media/walls/a.jpg" => answer("200 OK", "Content-Type: image/jpeg\r\n", PICTURE),
            "/api/climbs/a" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            _ => answer("404 Not Found", "", r#"{"detail": "Not found."}"#),
        };
        let _ = stream.write_all(reply.as_bytes());
    })
}

fn saving(server: &Server, folder: &Path) -> Client {
    Client::builder(&server.url)
        .login("me@example.org", SecretString::from("pass-word-1"))
        .save_snapshot(folder)
        .build()
        .unwrap()
}

/// Everything a run reads.
fn read_all(client: &Client) -> (Vec<String>, Vec<u8>, String) {
    let me = client.me().unwrap();
    let gym = me.home_gym.as_ref().unwrap().id.to_string();
    let mut climbs = client.climbs(&gym, 9999).unwrap().distinct();
    let ids = climbs.by_ref().map(|record| record.unwrap().id().unwrap().to_string()).collect();
    assert!(climbs.proof().complete);
    let mut picture = Vec::new();
    client.download_media("walls/a.jpg", &mut picture).unwrap();
    let missing = client.download_media("walls/none.jpg", &mut Vec::new()).unwrap_err();
    assert!(missing.is_not_found());
    (ids, picture, missing.to_string())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn a_run_is_repeated_from_its_snapshot_without_network() {
    let folder = tempfile::tempdir().unwrap();
    let server = board();
    let live = read_all(&saving(&server, folder.path()));
    let requests = server.requests();

    let stored = Client::from_snapshot(folder.path()).unwrap();
    assert_eq!(read_all(&stored), live);
    assert_eq!(server.requests(), requests, "nothing was asked again");
    assert_eq!(live.1, PICTURE.as_bytes());

    let error = stored.gym_summary("g").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotInSnapshot) && !error.is_retryable());
    assert!(error.to_string().starts_with("GET api/gyms/g/summary: the snapshot has no answer"), "{error}");
    let error = stored.delete_climb("a").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ReadOnlySnapshot));
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[test]
fn neither_token_nor_login_is_saved_and_others_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = board();
    read_all(&saving(&server, folder.path()));
    let saved = files(folder.path());
    assert!(saved.len() >= 6, "{saved:?}");
    for path in &saved {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        for secret in [TOKEN, "pass-word-1", "me@example.org", "token-auth"] {
            assert!(!text.contains(secret), "{secret} in {}", path.display());
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
        }
    }
    assert!(saved.iter().any(|path| {
        path.file_name().unwrap().to_str().unwrap().starts_with("gyms_g_climbs_max_age=9999_page=2-")
    }));
}

#[test]
fn a_killed_run_leaves_a_snapshot_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = board();
    let client = saving(&server, folder.path());
    client.me().unwrap();
    let busy = Client::builder(&server.url).save_snapshot(folder.path()).build().unwrap_err();
    assert!(busy.to_string().contains("another process"), "{busy}");
    drop(client);
    // What a kill leaves: half a line in the index, and a file that nothing refers to.
    let index = folder.path().join("index.jsonl");
    let complete = fs::read(&index).unwrap();
    fs::OpenOptions::new()
        .append(true)
        .open(&index)
        .unwrap()
        .write_all(br#"{"request":"GET api/half"#)
        .unwrap();
    fs::write(folder.path().join(".part-1-1"), b"half").unwrap();
    Client::from_snapshot(folder.path()).unwrap().me().unwrap();

    let live = read_all(&saving(&server, folder.path()));
    assert_eq!(read_all(&Client::from_snapshot(folder.path()).unwrap()), live);
    let text = fs::read(&index).unwrap();
    assert!(text.starts_with(&complete) && !String::from_utf8(text).unwrap().contains("half"));
}

#[test]
fn equal_answers_are_saved_once_and_differing_ones_all() {
    let folder = tempfile::tempdir().unwrap();
    let walls = |name: &str| json(&format!(r#"[{{"id": "w", "name": "{name}"}}]"#));
    let server = Server::script(vec![walls("old"), walls("old"), walls("new")]);
    let client = server.builder().save_snapshot(folder.path()).build().unwrap();
    for _ in 0..3 {
        client.walls("g").unwrap();
    }
    assert_eq!(files(&folder.path().join("answers")).len(), 2);
    let walls = Client::from_snapshot(folder.path()).unwrap().walls("g").unwrap();
    assert_eq!(walls[0].raw["name"], "new", "the last answer counts");
}

#[test]
fn troubles_are_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::script(vec![
        answer("502 Bad Gateway", "", "<html>"),
        answer("200 OK", "", "<html>maintenance</html>"),
        json(r#"{"version": "1.3.0"}"#),
    ]);
    let client = server.builder().save_snapshot(folder.path()).build().unwrap();
    client.version().unwrap();
    assert_eq!(files(&folder.path().join("answers")).len(), 1);
    assert_eq!(Client::from_snapshot(folder.path()).unwrap().version().unwrap().raw["version"], "1.3.0");
}

#[test]
fn folders_that_are_no_snapshot_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::script(vec![json(r#"{"version": "1.3.0"}"#)]);
    let refused = |error: mastoc_stokt_client::Error, what: &str| {
        assert!(
            matches!(error.kind(), ErrorKind::Snapshot(_)) && error.to_string().contains(what),
            "{error}"
        );
    };
    refused(Client::from_snapshot(folder.path()).unwrap_err(), "index.jsonl");
    fs::write(folder.path().join("holiday.txt"), b"mine").unwrap();
    refused(server.builder().save_snapshot(folder.path()).build().unwrap_err(), "not empty");

    let folder = tempfile::tempdir().unwrap();
    server.builder().save_snapshot(folder.path()).build().unwrap().version().unwrap();
    let other = Client::builder("http://127.0.0.1:9").save_snapshot(folder.path()).build().unwrap_err();
    refused(other, "is a snapshot of");
    let index = folder.path().join("index.jsonl");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, text.replace("answers/", "../answers/")).unwrap();
    refused(Client::from_snapshot(folder.path()).unwrap_err(), "leads out");
    fs::write(&index, text.replace(r#""format":1"#, r#""format":2"#)).unwrap();
    refused(Client::from_snapshot(folder.path()).unwrap_err(), "newer version");
    fs::write(&index, &text).unwrap();
    let body = files(&folder.path().join("answers")).remove(0);
    fs::write(&body, b"{").unwrap();
    refused(Client::from_snapshot(folder.path()).unwrap().version().unwrap_err(), "size");
}

#[test]
fn an_observer_sees_every_answer_but_the_login() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&seen);
    let observer = move |answer: &RawAnswer<'_>| {
        log.lock()
            .unwrap()
            .push(format!("{} {} {} {}", answer.method, answer.target, answer.status, answer.is_final));
        if answer.target == "api/version" { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    };
    let server = board();
    let client = Client::builder(&server.url)
        .login("me@example.org", SecretString::from("pass-word-1"))
        .observer(Arc::new(observer))
        .backoff(Duration::ZERO, Duration::ZERO)
        .build()
        .unwrap();
    client.me().unwrap();
    client.delete_climb("a").unwrap();
    let error = client.version().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Snapshot(_)), "a full disk is told: {error}");
    assert_eq!(
        *seen.lock().unwrap(),
        ["GET api/users/me 200 true", "DELETE api/climbs/a 204 true", "GET api/version 404 true"]
    );
}
