//! The main job with the built binaries: the same board comes into SQLite, into PostgreSQL, over HTTP and from a snapshot.
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

use std::path::Path;

use mastoc_stokt_sim::Sim;
use mastoc_test_support::{Process, real_board_dir};
use serde_json::{Value, json};

use support::board::{holds_exactly, records, same, same_pictures, served, stored};
use support::server::{ADMIN_KEY, Server};
use support::{LIMIT, Place, SimProcess, Source, changes_nothing, files_below, run, small_board};

/// A board on which Stokt says things that nobody has seen before, in every kind of record.
fn odd_board() -> Sim {
    let sim = small_board().start().unwrap();
    sim.with_board(|board| {
        let face = board.face_ids()[0];
        board.set_gym_field("founded", json!({"year": 1999, "by": ["somebody", null]}));
        board.set_wall_field("material", json!("birch"));
        assert!(board.edit_setup(face, |setup| {
            setup.insert("steepness".into(), json!(39.999_999_999_999_99));
            let hold = setup.get_mut("holds").unwrap().as_array_mut().unwrap()[3].as_object_mut().unwrap();
            hold.insert("glows".into(), json!(true));
            hold.insert("leftTapeStr".into(), Value::Null);
        }));
        let ids = board.climb_ids();
        let mut edits = ids.into_iter();
        let mut edit = |change: fn(&mut serde_json::Map<String, Value>)| {
            assert!(board.edit_climb(edits.next().unwrap(), change));
        };
        edit(|climb| drop(climb.insert("moonPhase".into(), json!({"waning": 0.25}))));
        edit(|climb| drop(climb.shift_remove("totalComments")));
        edit(|climb| drop(climb.insert("climbSetters".into(), Value::Null)));
        edit(|climb| drop(climb.insert("crowdGrade".into(), Value::Null)));
        edit(|climb| drop(climb.insert("dateCreated".into(), json!("2024-02-29T23:59:59.000001+13:45"))));
        edit(|climb| drop(climb.insert("climbedBy".into(), json!("7"))));
        edit(|climb| drop(climb.insert("tags".into(), Value::Null)));
        edit(|climb| drop(climb.insert("name".into(), json!("Ça grimpe 🧗🏽‍♀️ – L’Été"))));
        edit(|climb| {
            let setter = climb.get_mut("climbSetters").unwrap().as_object_mut().unwrap();
            setter.insert("badges".into(), json!(["gold"]));
        });
    });
    sim
}

/// Imports from nothing, finds the source's board, and finds nothing to do the second time.
fn comes_whole(place: &Place) {
    let sim = odd_board();
    let source = Source::from(&sim);
    let first = run(place.import(&source)).expect(0);
    assert_eq!((first.count("gyms", "created"), first.count("faces", "created")), (1, 1));
    assert_eq!((first.count("holds", "created"), first.sum("updated"), first.sum("quarantined")), (60, 0, 0));
    let board = holds_exactly(place, &source);
    assert_eq!(first.count("climbs", "created"), board.climbs.len() as u64);
    assert_eq!(first.report["gyms"][0]["listing"]["complete"], true);
    changes_nothing(place.import(&source));
    holds_exactly(place, &source);

    let server = Server::start(place);
    assert!(same_pictures(&server, &source, &board) >= 1, "the wall picture at least");
    let stats = server.get("/api/sync/stats").json();
    assert_eq!(stats["climbs_synced"], board.climbs.len());
    assert_eq!((&stats["holds"], &stats["climbs_local"]), (&json!(60), &json!(0)));
}

#[test]
fn a_board_comes_whole_into_sqlite() {
    comes_whole(&Place::sqlite());
}

#[test]
fn a_board_comes_whole_into_postgresql() {
    if let Some(place) = Place::postgres() {
        comes_whole(&place);
    }
}

#[test]
fn a_board_comes_whole_over_http() {
    for place in Place::both() {
        let sim = odd_board();
        let source = Source::from(&sim);
        let server = Server::start(&place);
        let import = || {
            let mut command = support::program("mastoc-import", place.folder());
            command.args(["--stokt-url", &source.url, "--gym", &source.gym.to_string()]);
            command.args(["--server-url", &server.url, "--batch-size", "40"]);
            command.env("STOKT_TOKEN", &source.token).env("MASTOC_API_KEY", ADMIN_KEY);
            command
        };
        let first = run(import()).expect(0);
        assert_eq!((first.count("holds", "created"), first.sum("quarantined")), (60, 0));
        // The server tells each record's fate, so the report names what was created.
        let named = first.report["decisions"].as_array().unwrap().len() as u64;
        assert_eq!(
            (named, &first.report["decisions_omitted"]),
            (first.sum("created"), &serde_json::json!(0))
        );
        let board = holds_exactly(&place, &source);
        assert_eq!(first.count("climbs", "created"), board.climbs.len() as u64);
        assert!(same_pictures(&server, &source, &board) >= 1);
        changes_nothing(import());
        holds_exactly(&place, &source);
    }
}

#[test]
fn a_snapshot_brings_the_same_board_without_the_service() {
    let sim = odd_board();
    let source = Source::from(&sim);
    let (first, second) = (Place::sqlite(), Place::sqlite());
    let kept = first.folder().join("snapshot");
    let mut save = first.import(&source);
    save.arg("--save-snapshot").arg(&kept);
    run(save).expect(0);
    let board = holds_exactly(&first, &source);
    let picture = sim.picture(sim.face_ids()[0]).unwrap();
    let token = source.token.clone();
    drop(sim);

    for file in files_below(&kept) {
        let content = std::fs::read(kept.join(&file)).unwrap();
        let holds_token = content.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!holds_token && !file.contains(&token), "{file} holds the token");
    }
    let again = || {
        let mut command = second.program("mastoc-import");
        command.arg("--from-snapshot").arg(&kept).args(["--gym", &source.gym.to_string()]);
        command
    };
    let report = run(again()).expect(0);
    assert_eq!(report.count("climbs", "created"), board.climbs.len() as u64);
    same(&stored(&second, source.gym, board.account), &board);
    assert_eq!(first.pictures(), second.pictures());
    let bytes: Vec<Vec<u8>> = second
        .pictures()
        .iter()
        .map(|name| std::fs::read(second.data_dir().join("media").join(name)).unwrap())
        .collect();
    assert!(bytes.iter().any(|kept| *kept == picture), "the wall picture is among the kept ones");
    changes_nothing(again());
}

#[test]
fn what_changes_at_stokt_changes_here_and_nothing_else() {
    let sim = small_board().start().unwrap();
    let source = Source::from(&sim);
    let place = Place::sqlite();
    run(place.import(&source)).expect(0);
    sim.with_board(|board| {
        let ids = board.climb_ids();
        assert!(board.edit_climb(ids[0], |climb| drop(climb.insert("name".into(), json!("Another name")))));
        assert!(board.edit_climb(ids[1], |climb| drop(climb.insert("climbedBy".into(), json!(4_711)))));
        board.invent_climbs(3);
    });
    let report = run(place.import(&source)).expect(0);
    assert_eq!((report.count("climbs", "created"), report.count("climbs", "updated")), (3, 2));
    assert_eq!(report.count("holds", "updated"), 0);
    holds_exactly(&place, &source);
    changes_nothing(place.import(&source));
}

#[test]
fn a_dry_run_tells_what_would_be_and_writes_nothing() {
    let sim = small_board().start().unwrap();
    let source = Source::from(&sim);
    let place = Place::sqlite();
    let mut dry = place.import(&source);
    dry.arg("--dry-run");
    let report = run(dry).expect(0);
    let climbs = served(&source).climbs.len() as u64;
    assert_eq!((report.count("holds", "created"), report.count("climbs", "created")), (60, climbs));
    assert_eq!(report.report["dry_run"], true);
    assert_eq!(files_below(place.folder()), Vec::<String>::new(), "not even an empty database");

    run(place.import(&source)).expect(0);
    let account = holds_exactly(&place, &source).account;
    let before = records(&place, source.gym, account);
    sim.with_board(|board| board.invent_climbs(2));
    let mut dry = place.import(&source);
    dry.arg("--dry-run");
    let told = run(dry).expect(0);
    assert_eq!(told.count("climbs", "created"), 2);
    assert_eq!(records(&place, source.gym, account), before);
    let done = run(place.import(&source)).expect(0);
    assert_eq!(told.report["counts"], done.report["counts"], "it does what was told");
}

/// By name and password, into the default place, with the table that a person reads.
fn as_a_person_does(arguments: &[&str]) {
    let sim = SimProcess::start(arguments);
    let source = &sim.source;
    let place = Place::sqlite();
    let mut command = place.program("mastoc-import");
    command.args(["--stokt-url", &source.url, "--username", &source.username, "--password-stdin"]);
    let finished = Process::start_with_input(command, &format!("{}\n", source.password)).wait(LIMIT);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let board = holds_exactly(&place, source);
    let climbs = board.climbs.len().to_string();
    let line = finished.stdout.lines().find(|line| line.starts_with("climbs")).unwrap_or_default();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["climbs", &climbs, "0", "0", "0"]);
    assert!(finished.stdout.contains("mastoc-server serve"), "what to do next: {}", finished.stdout);
    assert!(
        !finished.stderr.contains('\u{1b}'),
        "plain lines where there is no terminal: {}",
        finished.stderr
    );
    for secret in [&source.password, &source.token] {
        assert!(!finished.stdout.contains(secret.as_str()) && !finished.stderr.contains(secret.as_str()));
    }
    changes_nothing(place.import(source));
    let server = Server::start(&place);
    same_pictures(&server, source, &board);
    assert_eq!(server.get("/api/climbs?page_size=1").json()["count"], board.climbs.len());
}

#[test]
fn a_board_of_the_real_size_comes_by_name_and_password() {
    as_a_person_does(&[]);
}

#[test]
fn the_real_board_comes_whole() {
    let Some(folder) = real_board_dir() else { return };
    let folder: &Path = &folder;
    as_a_person_does(&["--data", folder.to_str().unwrap()]);
}
