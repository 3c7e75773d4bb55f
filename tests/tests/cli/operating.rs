//! `docs/operating.md` is executed: cron's lines and systemd's units as those would run them, the commands that it shows
//! to operators, the container's, and the backup.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use mastoc_stokt_sim::Sim;
use mastoc_test_support::process::bin_path;
use mastoc_test_support::{Finished, Process, workspace_root};
use serde_json::json;

use crate::support::server::get;
use crate::support::world::{World, tiny_board};
use crate::support::{LIMIT, Place, Source, files_below, local, run};

const FOLDER: &str = "docs/operating";

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace_root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The machine that the examples are written for, in a folder: programs, data, a token that only its owner may read, and
/// a Stokt of its own, since the examples name none.
struct Machine {
    world: World,
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("mastoc-e2e-").tempdir().unwrap();
        let world = World::on(Place::sqlite());
        let machine = Self { world, folder };
        std::fs::create_dir_all(machine.place("/usr/local/bin")).unwrap();
        for name in ["mastoc-server", "mastoc-import", "mastoc-sync"] {
            let link = machine.place("/usr/local/bin").join(name);
            std::os::unix::fs::symlink(bin_path(name), link).unwrap();
        }
        std::fs::create_dir_all(machine.place("/etc/mastoc")).unwrap();
        let token = machine.place("/etc/mastoc/stokt-token");
        std::fs::write(&token, format!("{}\n", machine.world.source.token)).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::create_dir_all(machine.place("/var/lib")).unwrap();
        std::os::unix::fs::symlink(machine.world.place.data_dir(), machine.place("/var/lib/mastoc")).unwrap();
        machine
    }

    /// Where an absolute path of the examples is here.
    fn place(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    /// A text with the paths of the examples as they are here.
    fn adapted(&self, text: &str) -> String {
        ["/usr/local/bin", "/var/lib/mastoc", "/etc/mastoc"]
            .iter()
            .fold(text.to_owned(), |text, path| text.replace(path, &self.place(path).display().to_string()))
    }

    /// A command with the environment that it would have there: none of this process's, but where Stokt is.
    fn command(&self, program: &str, environment: &BTreeMap<String, String>) -> Command {
        let mut command = Command::new(self.adapted(program));
        command.env_clear().current_dir(self.folder.path());
        for (name, value) in environment {
            command.env(name, self.adapted(value));
        }
        command.env("HOME", self.folder.path()).env("STOKT_URL", &self.world.source.url);
        command
    }
}

/// A table of cron's: its variables, and its lines as user and command.
fn cron() -> (BTreeMap<String, String>, Vec<(String, String)>) {
    let mut variables = BTreeMap::new();
    let mut lines = Vec::new();
    for line in read("docs/operating/mastoc.cron").lines() {
        let first = line.split(' ').next().unwrap_or_default();
        if line.is_empty() || line.starts_with('#') {
        } else if let Some((name, value)) = line.split_once('=').filter(|_| first.contains('=')) {
            variables.insert(name.to_owned(), value.to_owned());
        } else {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (schedule, rest) = words.split_at(5);
            let is_time =
                |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit() || b"*/,-".contains(&byte));
            assert!(schedule.iter().all(is_time), "{line}");
            // To cron a percent sign ends the command.
            assert!(!line.contains('%'), "{line}");
            lines.push((rest[0].to_owned(), rest[1..].join(" ")));
        }
    }
    (variables, lines)
}

#[test]
fn cron_s_lines_run_as_cron_runs_them() {
    let machine = Machine::new();
    let (mut variables, lines) = cron();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(variables.remove("MAILTO").is_some(), "what is printed reaches somebody");
    let run_line = |(user, line): &(String, String)| {
        assert_eq!(user, "mastoc");
        let mut shell = machine.command("/bin/sh", &variables);
        shell.arg("-c").arg(line);
        Process::run(shell, LIMIT)
    };
    let mail = |finished: &Finished| format!("{}{}", finished.stdout, finished.stderr);
    let [often, nightly] = &lines[..] else { panic!("{lines:?}") };
    assert!(often.1.contains("--quiet") && nightly.1.contains("--full"), "{lines:?}");

    let done = run_line(nightly);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(mail(&done).contains("nothing changed"), "a mail each night: {done:?}");
    // What is new comes and goes, without a mail.
    machine.world.sim.with_board(|board| board.invent_climbs(1));
    let before = local::all(&machine.world.store()).len();
    let done = run_line(often);
    assert_eq!((done.code, mail(&done).as_str()), (Some(0), ""), "{done:?}");
    assert_eq!(local::all(&machine.world.store()).len(), before + 1);
    // A person has to decide: one mail, not one every ten minutes.
    machine.world.edit("Own 1", |climb| climb.name = "Ours".into());
    machine.world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Theirs"))));
    let waits = run_line(often);
    assert_eq!(waits.code, Some(3), "{waits:?}");
    assert!(mail(&waits).contains("Ours") && mail(&waits).contains("mastoc-sync conflicts"), "{waits:?}");
    let waits = run_line(often);
    assert_eq!((waits.code, mail(&waits).as_str()), (Some(3), ""), "{waits:?}");
    assert_eq!(run_line(nightly).code, Some(3));
    // A token that is refused is told; that Stokt is down is not.
    std::fs::write(machine.place("/etc/mastoc/stokt-token"), "wrong\n").unwrap();
    let refused = run_line(often);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(mail(&refused).contains("error: "), "{refused:?}");
}

/// A unit's settings: each with all its values.
fn unit(name: &str) -> BTreeMap<String, Vec<String>> {
    let mut settings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut section = String::new();
    for line in read(&format!("{FOLDER}/{name}")).lines() {
        if line.starts_with('[') {
            line.clone_into(&mut section);
        } else if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            settings.entry(format!("{section}{name}")).or_default().push(value.to_owned());
        }
    }
    settings
}

/// A service's command as systemd starts it.
fn service(machine: &Machine, name: &str) -> Command {
    let settings = unit(name);
    let all = |key: &str| settings.get(&format!("[Service]{key}")).cloned().unwrap_or_default();
    let credentials = machine.place("/run/credentials");
    std::fs::create_dir_all(&credentials).unwrap();
    for credential in all("LoadCredential") {
        let (id, path) = credential.split_once(':').unwrap();
        let file = credentials.join(id);
        drop(std::fs::remove_file(&file));
        std::fs::copy(machine.place(path), &file).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o400)).unwrap();
    }
    let mut environment = BTreeMap::new();
    for line in all("Environment") {
        let (name, value) = line.split_once('=').unwrap();
        assert!(!value.contains([' ', '"', '\'']), "this test splits no such value: {line}");
        environment.insert(name.to_owned(), value.replace("%d", &credentials.display().to_string()));
    }
    // The data folder is the only one that the service may write to.
    let state = all("StateDirectory");
    assert_eq!((state.as_slice(), all("User")), (&["mastoc".to_owned()][..], state.clone()));
    assert_eq!(environment["MASTOC_DATA_DIR"], "/var/lib/mastoc");
    let [line] = &all("ExecStart")[..] else { panic!("{name} starts one program") };
    assert!(!line.contains(['"', '\'', '$', '%', ';', '\\']), "this test splits no such line: {line}");
    let words: Vec<&str> = line.split(' ').collect();
    let mut command = machine.command(words[0], &environment);
    command.args(&words[1..]);
    command
}

#[test]
fn systemd_s_units_run_as_systemd_runs_them() {
    let machine = Machine::new();
    for name in ["mastoc-sync.service", "mastoc-sync-full.service"] {
        let done = Process::run(service(&machine, name), LIMIT);
        assert_eq!(done.code, Some(0), "{name}: {done:?}");
        // Its timer starts it.
        let timer = unit(&name.replace(".service", ".timer"));
        assert!(
            timer["[Timer]OnCalendar"].len() == 1 && timer["[Install]WantedBy"] == ["timers.target"],
            "{timer:?}"
        );
        assert_eq!(unit(name)["[Service]Type"], ["oneshot"]);
    }
    // What heals by itself is no failure of the frequent unit.
    assert_eq!(unit("mastoc-sync.service")["[Service]SuccessExitStatus"], ["6 75"]);
    // The server, but on a free port.
    let mut server = service(&machine, "mastoc.service");
    server.env("MASTOC_BIND", "127.0.0.1:0");
    let mut server = Process::start(server);
    let said = server.wait_for_line("listening on ", LIMIT);
    let health = format!("{}/health", said.trim_start_matches("listening on "));
    assert_eq!(get(&health, &[]).json()["status"], "ok");
    server.signal("TERM");
    let ended = server.wait(LIMIT);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn systemd_takes_the_units() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        println!("there is no systemd-analyze here");
        return;
    };
    assert!(version.status.success());
    let folder = tempfile::tempdir().unwrap();
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["verify", "--recursive-errors=no"]);
    for name in files_below(&workspace_root().join(FOLDER)).iter().filter(|name| !name.ends_with(".cron")) {
        // The programs are elsewhere than they will be, which it would complain about.
        let text = read(&format!("{FOLDER}/{name}"));
        let folder_of_bins = bin_path("mastoc-sync").parent().unwrap().display().to_string();
        let file = folder.path().join(name);
        std::fs::write(&file, text.replace("/usr/local/bin", &folder_of_bins)).unwrap();
        analyze.arg(&file);
    }
    let said = analyze.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    // What it says of the machine that it runs on is not about the units.
    let about: Vec<&str> =
        said.lines().filter(|line| line.contains("/mastoc") && !line.contains("Failed to")).collect();
    let folder = Path::new(FOLDER).display().to_string();
    assert!(
        about.iter().all(|line| !line.contains("Unknown") && !line.contains("Invalid")),
        "{folder}: {said}"
    );
}

#[test]
fn the_documentation_shows_the_files_that_there_are() {
    let text = read("docs/operating.md");
    for name in files_below(&workspace_root().join(FOLDER)) {
        assert!(text.contains(&format!("](operating/{name})")), "docs/operating.md leads to {name}");
    }
    let shown = text.split("```cron\n").nth(1).unwrap().split("```").next().unwrap();
    let table = read("docs/operating/mastoc.cron");
    let uncommented: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(shown.lines().collect::<Vec<_>>(), uncommented);
    // The same two runs, whoever starts them; and the README has cron's lines.
    let (_, lines) = cron();
    let readme = read("README.md");
    for ((_, line), name) in lines.iter().zip(["mastoc-sync.service", "mastoc-sync-full.service"]) {
        assert_eq!(unit(name)["[Service]ExecStart"], [format!("/usr/local/bin/{line}")]);
        assert!(readme.contains(line), "README.md shows: {line}");
    }
}

#[test]
fn the_demo_tells_its_story_ends_by_itself_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new("bash");
    demo.arg(workspace_root().join(".make/demo-sync.sh")).env("TMPDIR", folder.path());
    demo.env("BIN_DIR", bin_path("mastoc-sync").parent().unwrap());
    // What a caller has set up for their own board is not touched.
    demo.env("MASTOC_DATA_DIR", folder.path().join("not-this")).env("DATABASE_URL", "postgres://nowhere/x");
    let told = Process::run(demo, LIMIT);
    assert_eq!(told.code, Some(0), "{told:?}");
    for part in [
        "mastoc-sync --direction both --all-local --dry-run --plan plan.json",
        "mastoc-sync --apply-plan plan.json",
        "not what the plan says any more",
        "merged here              1   Evening slab",
        "mastoc: Roof of the house",
        "--take mastoc",
        "being sent, or cut while it was",
        "found at Stokt           1   Cut short",
        "nothing is wrong",
    ] {
        assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
    }
    assert_eq!(files_below(folder.path()), Vec::<String>::new());
}

#[test]
fn the_operator_s_commands_work() {
    let machine = Machine::new();
    machine.world.create("Home made", 60);
    let document = read("docs/operating.md") + &read("docs/sync.md");
    let blocks = document.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let variables = BTreeMap::from([
        ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("MASTOC_DATA_DIR".to_owned(), "/var/lib/mastoc".to_owned()),
        ("STOKT_TOKEN_FILE".to_owned(), "/etc/mastoc/stokt-token".to_owned()),
    ]);
    let mut done = 0;
    for line in blocks.flat_map(str::lines).filter(|line| !line.trim().is_empty()) {
        let mut shell = machine.command("/bin/sh", &variables);
        shell.arg("-c").arg(machine.adapted(line));
        let finished = Process::run(shell, LIMIT);
        assert_eq!(finished.code, Some(0), "`{line}`: {finished:?}");
        done += 1;
    }
    assert!(done > 8, "only {done} commands were found: the test no longer sees them");
    assert_eq!(machine.world.count_there("Home made"), 1, "the plan that is shown was carried out");
}

#[test]
fn the_container_s_commands_work() {
    let machine = Machine::new();
    let document = read("docs/operating.md");
    let file = document.split("```dockerfile\n").nth(1).unwrap().split("```").next().unwrap();
    let value = |key: &str| {
        file.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("{key}: {file}"))
    };
    let words = |list: &str| serde_json::from_str::<Vec<String>>(list.trim()).unwrap();
    let mut environment: BTreeMap<String, String> = value("ENV ")
        .split(' ')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(environment["MASTOC_DATA_DIR"], value("VOLUME "));
    assert!(environment["MASTOC_BIND"].ends_with(&format!(":{}", value("EXPOSE "))));
    for name in ["mastoc-server", "mastoc-import", "mastoc-sync"] {
        assert!(file.contains(&format!("/src/target/release/{name} ")), "{name} is copied");
    }
    environment.insert("MASTOC_DATA_DIR".to_owned(), machine.world.place.data_dir().display().to_string());
    environment.insert("MASTOC_BIND".to_owned(), "127.0.0.1:0".to_owned());
    let command = |words: &[String], environment: &BTreeMap<String, String>| {
        let mut command = machine.command(&format!("/usr/local/bin/{}", words[0]), environment);
        command.args(&words[1..]);
        command
    };
    let mut server = Process::start(command(&words(value("\nCMD ".trim_start())), &environment));
    let said = server.wait_for_line("listening on ", LIMIT);
    environment.insert("MASTOC_BIND".to_owned(), said.rsplit('/').next().unwrap().to_owned());
    let health = words(value("HEALTHCHECK CMD "));
    let healthy = Process::run(command(&health, &environment), LIMIT);
    assert_eq!(healthy.code, Some(0), "{healthy:?}");
    server.signal("TERM");
    assert_eq!(server.wait(LIMIT).code, Some(0));
    let dead = Process::run(command(&health, &environment), LIMIT);
    assert_ne!(dead.code, Some(0), "{dead:?}");
}

#[test]
fn a_backup_is_restored_by_putting_the_files_back() {
    let document = read("docs/operating.md");
    let section = document.split("\n## Backup\n").nth(1).unwrap();
    let spans: Vec<&str> = section.split('`').skip(1).step_by(2).collect();
    let shown =
        |start: &str| *spans.iter().find(|span| span.starts_with(start)).unwrap_or_else(|| panic!("{start}"));
    for place in Place::both() {
        let sim: Sim = tiny_board().start().unwrap();
        let source = Source::from(&sim);
        run(place.import(&source)).expect(0);
        let backup = place.folder().join("backup");
        std::fs::create_dir_all(&backup).unwrap();
        let data = place.data_dir().display().to_string();
        let line = shown(if place.is_postgres() { "pg_dump " } else { "sqlite3 " });
        let line = line.replace("/var/lib/mastoc", &data).replace("/backup", &backup.display().to_string());
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(&line).env("DATABASE_URL", place.url());
        let saved = Process::run(shell, LIMIT);
        assert_eq!(saved.code, Some(0), "`{line}`: {saved:?}");
        let files = files_below(&backup);
        assert_eq!(files.len(), 1, "{files:?}");
        if place.is_postgres() {
            // That it is whole; to restore it is PostgreSQL's part.
            let mut list = Command::new("pg_restore");
            list.arg("--list").arg(backup.join(&files[0]));
            let listed = Process::run(list, LIMIT);
            assert!(listed.code == Some(0) && listed.stdout.contains("climbs"), "{listed:?}");
            continue;
        }
        let restored = Place::sqlite();
        let target = restored.data_dir();
        std::fs::create_dir_all(&target).unwrap();
        std::fs::copy(backup.join(&files[0]), target.join("mastoc.sqlite3")).unwrap();
        for file in files_below(&place.data_dir().join("media")) {
            let to = target.join("media").join(&file);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(place.data_dir().join("media").join(&file), to).unwrap();
        }
        let mut verify = restored.program("mastoc-sync");
        verify.arg("verify");
        let verified = Process::run(verify, LIMIT);
        assert_eq!(verified.code, Some(0), "{verified:?}");
        assert_eq!(local::all(&restored.store()), local::all(&place.store()));
    }
}
