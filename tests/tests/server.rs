//! The server as a process: its commands, its settings, its start and its end.
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

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mastoc_stokt_sim::{Fault, Rule};
use mastoc_test_support::{Finished, Process};
use serde_json::Value;

use support::server::{ADMIN_KEY, Server, try_get};
use support::{LIMIT, Place, Source, files_below, one_line, run, small_board, wait_until};

fn server(place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.program("mastoc-server");
    command.args(arguments);
    command
}

fn ended(command: Command) -> Finished {
    Process::run(command, LIMIT)
}

#[test]
fn migrate_brings_an_empty_database_up_to_date_and_again_changes_nothing() {
    for place in Place::both() {
        for _ in 0..2 {
            let finished = ended(server(&place, &["migrate"]));
            assert_eq!(finished.code, Some(0), "{finished:?}");
            assert!(finished.stdout.contains("up to date"), "{finished:?}");
        }
        let text = format!("{:?}", ended(server(&place, &["api-key", "list"])));
        assert!(text.contains("PREFIX"), "{text}");
    }
}

#[test]
fn openapi_is_printed_without_a_database_and_is_what_the_server_says() {
    let place = Place::sqlite();
    let finished = ended(server(&place, &["openapi"]));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(files_below(place.folder()), Vec::<String>::new());
    let printed: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert!(printed["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in ["/api/climbs", "/api/faces/{id}/setup", "/api/sync/import/climbs/batch", "/health"] {
        assert!(printed["paths"][path].is_object(), "{path} is not described");
    }
    let running = Server::start(&place);
    assert_eq!(running.get_openly("/openapi.json").json(), printed);
    assert_eq!(running.get_openly("/docs/").status, 200);
}

#[test]
fn s10_keys_are_made_listed_and_revoked() {
    for place in Place::both() {
        let running = Server::start(&place);
        let made = ended(server(&place, &["api-key", "create", "phone", "--scope", "read"]));
        assert_eq!(made.code, Some(0), "{made:?}");
        let key = made.stdout.trim().to_owned();
        assert!(key.starts_with("mastoc_") && !key.contains(char::is_whitespace), "the key alone: {made:?}");
        assert_eq!(running.get_with("/api/climbs", &key).status, 200, "a running server knows it at once");
        assert_eq!(running.get_with("/api/sync/stats", &key).status, 403, "its scope is too small");
        assert_eq!(running.get_with("/api/climbs", "mastoc_00000000_nothing").status, 403);
        assert_eq!(running.get_openly("/api/climbs").status, 401);

        one_line(
            &ended(server(&place, &["api-key", "create", "phone", "--scope", "sync"])),
            2,
            &["phone", "already"],
        );
        assert_eq!(ended(server(&place, &["api-key", "create", "x", "--scope", "all"])).code, Some(2));
        let listed = ended(server(&place, &["api-key", "list"]));
        assert!(listed.stdout.contains("phone") && listed.stdout.contains("active"), "{listed:?}");
        assert!(!listed.stdout.contains(&key), "the key itself is never shown again");

        assert_eq!(ended(server(&place, &["api-key", "revoke", "phone"])).code, Some(0));
        assert_eq!(running.get_with("/api/climbs", &key).status, 403);
        let listed = ended(server(&place, &["api-key", "list"]));
        assert!(listed.stdout.contains("revoked"), "{listed:?}");

        let next = ended(server(&place, &["api-key", "create", "phone", "--scope", "read"]));
        assert_eq!(next.code, Some(0), "the name of a revoked key is free: {next:?}");
        assert_eq!(running.get_with("/api/climbs", next.stdout.trim()).status, 200);
        assert_eq!(running.get_with("/api/climbs", &key).status, 403);
        let listed = ended(server(&place, &["api-key", "list"]));
        let phones = listed.stdout.lines().filter(|line| line.ends_with("  phone"));
        assert_eq!(
            phones.map(|line| line.contains(" active ")).collect::<Vec<_>>(),
            [false, true],
            "{listed:?}"
        );
        one_line(&ended(server(&place, &["api-key", "revoke", "tablet"])), 2, &["tablet", "api-key list"]);
    }
}

#[test]
fn commands_about_a_board_that_is_not_there_make_none() {
    let place = Place::sqlite();
    for asked in [
        &["api-key", "list"][..],
        &["api-key", "revoke", "phone"],
        &["user", "list"],
        &["user", "set-role", "anna", "admin"],
        &["user", "reset-password", "anna"],
    ] {
        one_line(&ended(server(&place, asked)), 2, &["no board", "--data-dir"]);
    }
    assert!(!place.data_dir().join("mastoc.sqlite3").exists());
}

#[test]
fn a_refused_start_leaves_no_secret_behind() {
    let place = Place::sqlite();
    let mut command = server(&place, &["serve", "--bind", "127.0.0.1:0"]);
    command.env("DATABASE_URL", format!("sqlite://{}/not/there.sqlite3", place.data_dir().display()));
    one_line(&ended(command), 2, &["folder that exists"]);
    assert!(!place.data_dir().join("secret.key").exists());
    std::fs::write(place.data_dir().join("media"), b"").unwrap();
    let command = server(&place, &["serve", "--bind", "127.0.0.1:0"]);
    one_line(&ended(command), 2, &["media", "must be a folder", "--data-dir"]);
    assert!(!place.data_dir().join("secret.key").exists());
}

#[test]
fn s01_weak_secrets_are_refused_and_a_good_one_is_made_once() {
    let place = Place::sqlite();
    for weak in ["short", "changeme-changeme-changeme-changeme-changeme", &"a".repeat(64)] {
        let mut command = server(&place, &["serve", "--bind", "127.0.0.1:0"]);
        command.env("SECRET_KEY", weak);
        let finished = ended(command);
        one_line(&finished, 2, &["secret"]);
        assert!(!finished.stderr.contains(weak));
    }
    let mut command = server(&place, &["serve", "--bind", "127.0.0.1:0"]);
    command.env("API_KEY", "tooshort");
    one_line(&ended(command), 2, &["API_KEY"]);

    drop(Server::start(&place));
    let file = place.data_dir().join("secret.key");
    let secret = std::fs::read(&file).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    drop(Server::start(&place));
    assert_eq!(std::fs::read(&file).unwrap(), secret);
}

#[test]
fn port_means_all_interfaces_and_bind_wins() {
    let place = Place::sqlite();
    let mut command = server(&place, &["serve"]);
    command.env("PORT", "0");
    let mut process = Process::start(command);
    let line = process.wait_for_line("listening on", LIMIT);
    assert!(line.contains("http://0.0.0.0:"), "{line}");
    let port: u16 = line.rsplit_once(':').unwrap().1.trim().parse().unwrap();
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    if TcpListener::bind("[::1]:0").is_ok() {
        TcpStream::connect(("::1", port)).expect("IPv6 is an interface too");
    }
    drop(process);
    let by_bind = Server::start_with(&place, |command| _ = command.env("PORT", "1"));
    assert!(by_bind.url.starts_with("http://127.0.0.1:"), "{}", by_bind.url);

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    one_line(&ended(server(&place, &["serve", "--bind", &address])), 2, &[&address, "choose another"]);
    one_line(&ended(server(&place, &["serve", "--bind", "8000"])), 2, &["HOST:PORT"]);
    one_line(&ended(server(&place, &["serve", "--access", "everybody"])), 2, &["public-read"]);
}

#[test]
fn health_is_an_exit_code() {
    let place = Place::sqlite();
    let running = Server::start(&place);
    let address = running.url.trim_start_matches("http://").to_owned();
    let finished = ended(server(&place, &["health", "--bind", &address]));
    assert_eq!((finished.code, finished.stdout.trim()), (Some(0), "ok"), "{finished:?}");
    let health = running.get_openly("/health").json();
    assert_eq!((&health["status"], &health["app_name"]), (&Value::from("ok"), &Value::from("mastoc")));
    running.stop();
    one_line(&ended(server(&place, &["health", "--bind", &address])), 1, &["not up"]);
    // Somebody who takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    one_line(
        &ended(server(&place, &["health", "--bind", &address])),
        1,
        &["not up", "did not answer within"],
    );
}

#[test]
fn private_unless_told_otherwise() {
    let sim = small_board().start().unwrap();
    // Stokt shows an account its own private climbs, and nobody else's.
    let hidden: BTreeSet<String> = sim.with_board(|board| {
        let own = board.user_ids()[0].to_string();
        let climbs = board.climbs().into_iter().filter(|climb| climb["climbSetters"]["id"] == *own);
        let ids: Vec<String> = climbs.map(|climb| climb["id"].as_str().unwrap().to_owned()).collect();
        for id in &ids {
            board
                .edit_climb(id.parse().unwrap(), |climb| drop(climb.insert("isPrivate".into(), true.into())));
        }
        ids.into_iter().collect()
    });
    assert!(!hidden.is_empty(), "the account has climbs of its own");
    let place = Place::sqlite();
    run(place.import(&Source::from(&sim))).expect(0);
    let private = Server::start(&place);
    for path in ["/api/climbs", "/api/faces", "/api/gyms", "/api/setters", "/api/changes?since=0", "/metrics"]
    {
        assert_eq!(private.get_openly(path).status, 401, "{path}");
    }
    let open = Server::start_with(&place, |command| _ = command.env("MASTOC_ACCESS", "public-read"));
    let seen = open.get_openly("/api/climbs?page_size=500").json();
    let all = open.get("/api/climbs?page_size=500").json();
    let shown = |page: &Value| -> BTreeSet<String> {
        let results = page["results"].as_array().unwrap().iter();
        results.map(|climb| climb["stokt_id"].as_str().unwrap().to_owned()).collect()
    };
    assert!(shown(&all).is_superset(&hidden));
    assert!(shown(&seen).is_disjoint(&hidden));
    assert_eq!(shown(&all).len(), shown(&seen).len() + hidden.len());
    for id in &hidden {
        assert_eq!(open.get_openly(&format!("/api/climbs/by-stokt-id/{id}")).status, 404);
        assert_eq!(open.get(&format!("/api/climbs/by-stokt-id/{id}")).status, 200);
    }
    assert_eq!(open.get_openly("/metrics").status, 401);
    assert_eq!(open.get_openly("/api/sync/stats").status, 401);
    assert_eq!(open.get("/metrics").status, 200);
}

#[test]
fn a_stop_is_heard_as_soon_as_the_server_says_that_it_listens() {
    let place = Place::sqlite();
    for _ in 0..10 {
        let finished = Server::start(&place).stop();
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
}

#[test]
fn a_stop_lets_running_requests_finish() {
    let place = Place::sqlite();
    let running = Server::start(&place);
    let address = running.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let body = r#"{"gyms": [{"stokt_id": "c20d6b7e-91f4-4a3c-8b65-2e7f40a9d113", "display_name": "Late"}]}"#;
    write!(
        stream,
        "POST /api/sync/import/gyms/batch HTTP/1.1\r\nHost: {address}\r\nX-API-Key: {ADMIN_KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.flush().unwrap();
    let mut answer = BufReader::new(stream.try_clone().unwrap());
    // The server asks for the body: it is in the midst of the request, and only then is it told to stop.
    let mut asked = String::new();
    while asked != "\r\n" {
        asked.clear();
        assert_ne!(answer.read_line(&mut asked).unwrap(), 0, "it asks for the body");
    }
    running.process.signal("TERM");
    // It has begun to stop once nobody listens any more.
    wait_until(|| TcpStream::connect(&address).is_err().then_some(()));
    write!(stream, "{body}").unwrap();
    let mut status = String::new();
    answer.read_line(&mut status).unwrap();
    let mut whole = String::new();
    answer.read_to_string(&mut whole).unwrap();
    assert!(status.contains(" 200 "), "{status}{whole}");
    assert!(whole.contains("\"created\":1"), "{whole}");
    let finished = running.process.wait(Duration::from_secs(30));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(try_get(&format!("http://{address}/health"), &[]).is_err(), "nobody listens any more");
    assert_eq!(Server::start(&place).get("/api/sync/stats").json()["gyms"], 1, "it was written");
}

#[test]
fn who_reads_during_an_import_sees_whole_batches() {
    for place in Place::both() {
        let sim = small_board().climbs(400).page_size(10).start().unwrap();
        sim.faults().push(Rule::new(Fault::Delay(Duration::from_millis(50))));
        let source = Source::from(&sim);
        let running = Server::start(&place);
        let mut import = place.import(&source);
        import.args(["--batch-size", "20"]);
        let mut importer = Process::start(import);
        let over = AtomicBool::new(false);
        let reads = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reads = 0;
                let mut last = 0;
                while !over.load(Ordering::Relaxed) {
                    for path in ["/api/faces", "/api/gyms", "/api/changes?since=0", "/api/setters"] {
                        assert_eq!(running.get(path).status, 200, "{path}");
                    }
                    let page = running.get("/api/climbs?page_size=500&sort=name").json();
                    let results = page["results"].as_array().unwrap();
                    assert_eq!(page["count"], results.len(), "a count and its page are of the same moment");
                    assert!(results.len() >= last, "nothing goes away");
                    last = results.len();
                    for climb in results {
                        assert!(climb["face_id"].is_string() && climb["holds_list"].is_string(), "{climb}");
                    }
                    reads += 1;
                }
                reads
            });
            // Also when a reading fails: the importer ends by itself.
            while importer.is_running() && !reader.is_finished() {
                std::thread::sleep(Duration::from_millis(5));
            }
            over.store(true, Ordering::Relaxed);
            reader.join().unwrap()
        });
        assert!(reads > 1, "only {reads} rounds of reading during the import");
        assert_eq!(importer.wait(LIMIT).code, Some(0));
        support::board::holds_exactly(&place, &source);
    }
}
