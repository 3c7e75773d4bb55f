//! What goes wrong outside of mastoc is one line that says what to do, has its exit code, and leaves nothing half-written.
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

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mastoc_stokt_sim::{Fault, Rule, Sim};
use mastoc_test_support::{Finished, Process};

use support::board::{holds_exactly, records, served};
use support::{LIMIT, Place, Source, files_below, one_line, run, small_board, wait_until};

fn board() -> (Sim, Source) {
    let sim = small_board().start().unwrap();
    let source = Source::from(&sim);
    (sim, source)
}

/// Runs an import that must end with one line, and leave no file at all.
#[track_caller]
fn refused_without_a_trace(place: &Place, command: Command, code: i32, says: &[&str]) -> Finished {
    let before = files_below(place.folder());
    let finished = Process::run(command, LIMIT);
    one_line(&finished, code, says);
    assert_eq!(finished.stderr.lines().count(), 1, "that line alone: {}", finished.stderr);
    assert_eq!(files_below(place.folder()), before, "nothing is left behind");
    finished
}

#[test]
fn a_wrong_password_or_token() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    let mut command = place.import(&source);
    command.env_remove("STOKT_TOKEN").env("STOKT_PASSWORD", "hunter2").args(["--username", &source.username]);
    let finished = refused_without_a_trace(&place, command, 5, &["password"]);
    assert!(!finished.stderr.contains("hunter2") && !finished.stderr.contains(&source.username));
    let mut command = place.import(&source);
    let token = "0123456789abcdef0123456789abcdef01234567";
    command.env("STOKT_TOKEN", token);
    let finished = refused_without_a_trace(&place, command, 5, &["token"]);
    assert!(!finished.stderr.contains(token));
}

#[test]
fn no_credentials_at_all() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    let mut command = place.import(&source);
    command.env_remove("STOKT_TOKEN");
    refused_without_a_trace(&place, command, 2, &["STOKT_TOKEN", "--username"]);
}

#[test]
fn an_unknown_gym() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    let other = "11111111-2222-4333-8444-555555555555";
    let mut command = place.program("mastoc-import");
    command.env("STOKT_TOKEN", &source.token).args(["--stokt-url", &source.url, "--gym", other]);
    refused_without_a_trace(&place, command, 2, &[other, "check the id"]);
    let mut command = place.program("mastoc-import");
    command.env("STOKT_TOKEN", &source.token).args(["--stokt-url", &source.url, "--gym", "montoboard"]);
    refused_without_a_trace(&Place::sqlite(), command, 2, &["montoboard", "UUID"]);
    // The failed attempt is no obstacle.
    run(place.import(&source)).expect(0);
    holds_exactly(&place, &source);
}

#[test]
fn an_unreachable_host() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_sim, source) = board();
    let place = Place::sqlite();
    let mut onto = support::program("mastoc-import", place.folder());
    onto.args(["--stokt-url", &source.url, "--server-url", &format!("http://{closed}")]);
    onto.env("STOKT_TOKEN", &source.token).env("MASTOC_API_KEY", support::server::ADMIN_KEY);
    let source = Source { url: format!("http://{closed}"), ..source };
    refused_without_a_trace(&place, place.import(&source), 75, &["cannot connect", "check the address"]);
    refused_without_a_trace(&place, onto, 75, &["cannot reach the server", "check that it runs"]);
    let source = Source { url: "http://board.example".into(), ..source };
    refused_without_a_trace(&place, place.import(&source), 2, &["https"]);
}

#[test]
fn a_token_file_that_is_missing_or_open_to_others() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    let file = place.folder().join("token");
    let with_file = || {
        let mut command = place.import(&source);
        command.env_remove("STOKT_TOKEN").arg("--token-file").arg(&file);
        command
    };
    refused_without_a_trace(&place, with_file(), 2, &["cannot read", "token", "name a file"]);
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    refused_without_a_trace(&place, with_file(), 2, &["is empty", "put the secret into it"]);
    std::fs::write(&file, format!("{}\n", source.token)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    refused_without_a_trace(&place, with_file(), 2, &["may be read by other users", "chmod 600"]);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    run(with_file()).expect(0);
    holds_exactly(&place, &source);
}

#[test]
fn a_report_that_cannot_be_printed() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    let mut full = Command::new("sh");
    let import = place.import(&source);
    full.args(["-c", "exec \"$0\" \"$@\" >/dev/full"]).arg(import.get_program()).args(import.get_args());
    let command = with_surroundings_of(&import, full);
    let finished = Process::run(command, LIMIT);
    one_line(&finished, 75, &["cannot be written", "No space left"]);
    holds_exactly(&place, &source);
}

#[test]
fn a_snapshot_that_cannot_be_kept_and_one_that_is_damaged() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    std::fs::write(place.folder().join("taken"), b"").unwrap();
    let mut command = place.import(&source);
    command.args(["--save-snapshot", "taken/snapshot"]);
    refused_without_a_trace(&place, command, 2, &["taken/snapshot", "name a folder"]);

    let kept = place.folder().join("kept");
    let mut command = place.import(&source);
    command.arg("--save-snapshot").arg(&kept);
    run(command).expect(0);
    let media = kept.join("media");
    for picture in files_below(&media) {
        std::fs::write(media.join(picture), b"no picture").unwrap();
    }
    // Nothing about Stokt is needed, so that nothing about it can be wrong.
    let other = Place::sqlite();
    let mut command = other.program("mastoc-import");
    command
        .arg("--from-snapshot")
        .arg(&kept)
        .args(["--gym", &source.gym.to_string()])
        .env("STOKT_URL", "nonsense");
    let finished = Process::run(command, LIMIT);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stdout.contains("saved anew"), "{}", finished.stdout);
    assert!(!finished.stdout.contains("run the same command"), "{}", finished.stdout);
}

#[test]
fn a_file_where_a_folder_must_be_and_a_snapshot_that_is_none() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    let mut command = place.import(&source);
    command.args(["--from-snapshot", "nosuch"]);
    refused_without_a_trace(&place, command, 2, &["nosuch", "--save-snapshot"]);
    std::fs::write(place.data_dir(), b"").unwrap();
    let said = &["cannot create the data folder", "--data-dir"];
    refused_without_a_trace(&place, place.import(&source), 2, said);
    let mut serve = place.program("mastoc-server");
    serve.args(["serve", "--bind", "127.0.0.1:0"]);
    refused_without_a_trace(&place, serve, 2, said);
}

#[test]
fn a_missing_or_wrong_key_of_the_server() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    let server = support::server::Server::start(&place);
    let import = |key: Option<&str>| {
        let mut command = support::program("mastoc-import", place.folder());
        command.args(["--stokt-url", &source.url, "--gym", &source.gym.to_string()]);
        command.args(["--server-url", &server.url]).env("STOKT_TOKEN", &source.token);
        key.map(|key| command.env("MASTOC_API_KEY", key));
        command
    };
    one_line(&Process::run(import(None), LIMIT), 2, &["MASTOC_API_KEY"]);
    let wrong = "mastoc_abcdefgh_0123456789012345678901234567890123456789012";
    let finished = Process::run(import(Some(wrong)), LIMIT);
    one_line(&finished, 5, &["key"]);
    assert!(!finished.stderr.contains(wrong));
    assert_eq!(server.get("/api/sync/stats").json()["gyms"], 0, "nothing was written");
    let mut command = import(Some(wrong));
    command.arg("--data-dir").arg(place.data_dir());
    // Two targets at once are a misunderstanding, unless the folder comes from the environment.
    assert_eq!(Process::run(command, LIMIT).code, Some(2));
}

#[test]
fn a_second_import_while_one_runs_over_http() {
    for place in Place::both() {
        let sim = small_board().page_size(5).start().unwrap();
        let source = Source::from(&sim);
        let server = support::server::Server::start(&place);
        let import = || {
            let mut command = support::program("mastoc-import", place.folder());
            command.args([
                "--stokt-url",
                &source.url,
                "--gym",
                &source.gym.to_string(),
                "--batch-size",
                "10",
            ]);
            command.args(["--server-url", &server.url]);
            command.env("STOKT_TOKEN", &source.token).env("MASTOC_API_KEY", support::server::ADMIN_KEY);
            command
        };
        sim.faults().push(Rule::new(Fault::Delay(Duration::from_millis(400))));
        let first = Process::start(import());
        wait_until(|| sim.requests().iter().any(|request| request.path.ends_with("/climbs")).then_some(()));
        // Whichever way it comes: over the server, or beside it into the same database.
        one_line(&Process::run(place.import(&source), LIMIT), 6, &["another run", "over HTTP", "wait"]);
        one_line(&Process::run(import(), LIMIT), 6, &["another run", "over HTTP", "wait"]);
        sim.faults().clear();
        assert_eq!(first.wait(LIMIT).code, Some(0), "the first one was not disturbed");
        holds_exactly(&place, &source);
        let last = &server.get("/api/sync/status").json()["last_run"];
        assert_eq!((&last["status"], &last["ending"]), (&"done".into(), &"done".into()), "{last}");
        assert!(last["counts"]["climbs"]["created"].as_u64().is_some_and(|created| created > 20), "{last}");
    }
}

#[test]
fn a_second_import_while_one_runs() {
    for place in Place::both() {
        let sim = small_board().page_size(5).start().unwrap();
        let source = Source::from(&sim);
        let mut command = place.import(&source);
        command.args(["--batch-size", "10"]);
        sim.faults().push(Rule::new(Fault::Delay(Duration::from_millis(40))));
        let first = Process::start(command);
        wait_until(|| sim.requests().iter().any(|request| request.path.ends_with("/climbs")).then_some(()));
        one_line(&Process::run(place.import(&source), LIMIT), 6, &["another run", "wait"]);
        sim.faults().clear();
        assert_eq!(first.wait(LIMIT).code, Some(0), "the first one was not disturbed");
        holds_exactly(&place, &source);
    }
}

#[test]
fn a_database_that_is_none() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    let file = place.folder().join("holiday.jpg");
    std::fs::write(
        &file,
        b"JFIF and so on, certainly no database, but long enough to be taken for one".repeat(20),
    )
    .unwrap();
    let content = std::fs::read(&file).unwrap();
    let into = |database: &Path| {
        let mut command = place.import(&source);
        command.arg("--database-url").arg(format!("sqlite://{}", database.display()));
        command
    };
    let finished = Process::run(into(&file), LIMIT);
    one_line(&finished, 2, &["no SQLite database"]);
    assert_eq!(finished.stderr.matches("no SQLite database").count(), 1, "said once: {}", finished.stderr);
    assert_eq!(std::fs::read(&file).unwrap(), content, "it is left as it was");
    one_line(&Process::run(into(place.folder()), LIMIT), 2, &["check that the path is a file"]);
    one_line(&Process::run(into(&place.folder().join("no/such/folder/x.db")), LIMIT), 2, &["folder"]);
    let beside: Vec<String> =
        files_below(place.folder()).into_iter().filter(|name| name.contains("holiday")).collect();
    assert_eq!(beside, ["holiday.jpg"], "no journal or lock file was left beside it");
    let mut serve = place.program("mastoc-server");
    serve
        .args(["serve", "--bind", "127.0.0.1:0", "--database-url"])
        .arg(format!("sqlite://{}", file.display()));
    one_line(&Process::run(serve, LIMIT), 2, &["no SQLite database"]);
    let mut command = place.import(&source);
    command.args(["--database-url", "postgres://mastoc@127.0.0.1:1/nowhere"]);
    one_line(&Process::run(command, LIMIT), 75, &["127.0.0.1"]);
}

/// The same command, for which the permissions of files count although the tests run as root.
fn without_privileges(command: &Command) -> Option<Command> {
    let can = Command::new("setpriv").args(["--bounding-set=-all", "true"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        println!("skipped: root may read everything, and there is no setpriv");
        return None;
    }
    let mut wrapped = Command::new("setpriv");
    wrapped.arg("--bounding-set=-all").arg(command.get_program()).args(command.get_args());
    Some(with_surroundings_of(command, wrapped))
}

fn with_surroundings_of(command: &Command, mut wrapped: Command) -> Command {
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}

#[test]
fn a_database_that_may_not_be_touched() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    run(place.import(&source)).expect(0);
    let file = place.data_dir().join("mastoc.sqlite3");
    let content = std::fs::read(&file).unwrap();
    for (mode, says) in [(0o000, "may write"), (0o400, "writable")] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let Some(command) = without_privileges(&place.import(&source)) else { return };
        one_line(&Process::run(command, LIMIT), 2, &[says]);
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), content);
}

#[test]
fn a_database_of_a_newer_mastoc() {
    for place in Place::both() {
        let (_sim, source) = board();
        run(place.import(&source)).expect(0);
        let account = served(&source).account;
        let before = records(&place, source.gym, account);
        place.tamper("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')");
        let says = ["newer mastoc", "99991231235959", "install the newer program"];
        one_line(&Process::run(place.import(&source), LIMIT), 2, &says);
        for arguments in [&["serve", "--bind", "127.0.0.1:0"][..], &["migrate"], &["api-key", "list"]] {
            let mut server = place.program("mastoc-server");
            server.args(arguments);
            one_line(&Process::run(server, LIMIT), 2, &says);
        }
        place.tamper("DELETE FROM __diesel_schema_migrations WHERE version = '99991231235959'");
        assert_eq!(records(&place, source.gym, account), before, "nothing was touched");
    }
}

/// What a full disk is made of: a small file system of its own where that is possible, else a limit on every file.
fn on_a_full_disk(command: &Command, small: &Path, kib: u32) -> Command {
    let limits = Command::new("unshare").args(["-m", "true"]).output().is_ok_and(|out| out.status.success());
    let script = if limits {
        // The file system lives as long as the shell; what it holds is listed before it goes.
        format!(
            "mount -t tmpfs -o size={kib}k none \"$0\" || exit 99\n\
             \"$@\"; code=$?\n\
             cd \"$0\" && find . -type f -printf 'left %p %s\\n' >&2\n\
             exit $code"
        )
    } else {
        println!("no small file system: a limit on the size of files instead");
        // In blocks of 512 bytes.
        format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kib * 2)
    };
    let mut wrapped = if limits { Command::new("unshare") } else { Command::new("sh") };
    if limits {
        wrapped.args(["-m", "sh"]);
    }
    wrapped.args(["-c", &script]).arg(small).arg(command.get_program()).args(command.get_args());
    with_surroundings_of(command, wrapped)
}

#[test]
fn a_full_disk_under_the_database() {
    let (_sim, source) = board();
    let place = Place::sqlite();
    let small = place.folder().join("small");
    std::fs::create_dir(&small).unwrap();
    let mut command = place.import(&source);
    command.arg("--database-url").arg(format!("sqlite://{}", small.join("board.sqlite3").display()));
    // Enough for the empty tables, not for the board.
    for kib in [640, 64] {
        let finished = Process::run(on_a_full_disk(&command, &small, kib), LIMIT);
        one_line(&finished, 75, &["free some disk space"]);
    }
    // The same place once there is room.
    run(place.import(&source)).expect(0);
    holds_exactly(&place, &source);
}

#[test]
fn a_full_disk_under_the_pictures() {
    // 0.1 MB of picture into 0.05 MB of room.
    let sim = small_board().picture_size(900, 1200).start().unwrap();
    let source = Source::from(&sim);
    let place = Place::sqlite();
    std::fs::create_dir(place.data_dir()).unwrap();
    let database = format!("sqlite://{}", place.folder().join("board.sqlite3").display());
    let import = || {
        let mut command = place.import(&source);
        command.args(["--database-url", &database]);
        command
    };
    let finished = Process::run(on_a_full_disk(&import(), &place.data_dir(), 48), LIMIT);
    one_line(&finished, 75, &["no space left", "free some"]);
    let wall = sim.picture(sim.face_ids()[0]).unwrap().len();
    assert!(wall > 60_000, "the picture is too small for this test: {wall}");
    for left in finished.stderr.lines().filter(|line| line.starts_with("left ")) {
        assert!(!left.contains("/tmp/"), "a part of a picture is left: {left}");
    }
    // The rest was kept, and once there is room, the run goes on.
    run(import()).expect(0);
    let report = run(import()).expect(0);
    assert_eq!(
        (report.sum("created"), report.report["images"]["missing_wall_pictures"].as_u64()),
        (0, Some(0))
    );
}
