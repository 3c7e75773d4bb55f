//! The documentation is executed: its command lines run, its flags exist, its links lead somewhere.
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
use std::path::PathBuf;
use std::process::Command;

use mastoc_test_support::process::bin_path;
use mastoc_test_support::{Process, workspace_root};
use serde_json::Value;

use support::server::Server;
use support::{LIMIT, Place, SimProcess, program};

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace_root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The command lines of a document's shell blocks.
fn command_lines(document: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in read(document).lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside && !line.trim().is_empty() {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// Types a document's commands into a shell, one after the other, on a machine where Stokt is a stand-in and the
/// server takes a free port. What only builds is passed over; what is not understood fails.
fn typed_in(document: &str) {
    let sim = SimProcess::start(&["--holds", "60", "--climbs", "120", "--picture-size", "226x300"]);
    let place = Place::sqlite();
    let bin = bin_path("mastoc-import").parent().unwrap().to_path_buf();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let library = place.folder().join("var-lib-mastoc").display().to_string();
    let elsewhere = place.folder().join("elsewhere").display().to_string();
    let mut key = String::new();
    let mut servers: Vec<(Process, String)> = Vec::new();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let lines = command_lines(document);
    for line in &lines {
        if line.starts_with("make ") || line.starts_with("export STOKT_PASSWORD=") {
            continue;
        }
        let url = servers.last().map_or("http://127.0.0.1:8000", |(_, url)| url.as_str());
        let adapted = line
            .replace("you@example.org", &sim.source.username)
            .replace("/var/lib/mastoc", &library)
            .replace("/somewhere/else", &elsewhere)
            .replace("http://127.0.0.1:8000", url)
            .replace("curl ", "curl -fsS ");
        let serves = adapted.starts_with("mastoc-server serve");
        let mut shell = program("mastoc-import", place.folder());
        let surroundings: Vec<_> =
            shell.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
        shell = Command::new("sh");
        for (name, value) in surroundings {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        // `exec`, so that a server is the process that is stopped.
        shell.arg("-c").arg(format!("exec {adapted}")).current_dir(place.folder()).env("PATH", &path);
        shell.env("STOKT_URL", &sim.source.url).env("STOKT_PASSWORD", &sim.source.password).env("KEY", &key);
        shell.env("MASTOC_BIND", "127.0.0.1:0");
        if serves {
            let mut process = Process::start(shell);
            let said = process.wait_for_line("listening on ", LIMIT);
            servers.push((process, said.trim_start_matches("listening on ").to_owned()));
            done.insert("serve");
            continue;
        }
        let finished = Process::start_with_input(shell, &format!("{}\n", sim.source.password)).wait(LIMIT);
        assert_eq!(finished.code, Some(0), "{document}: `{line}`: {finished:?}");
        match adapted.split_whitespace().next().unwrap() {
            "mastoc-import" => {
                assert!(finished.stdout.contains("climbs"), "`{line}`: {finished:?}");
                done.insert("import");
            }
            "mastoc-server" if adapted.contains("api-key create") => {
                finished.stdout.trim().clone_into(&mut key);
                done.insert("key");
            }
            "curl" => {
                let answer: Value = serde_json::from_str(&finished.stdout).unwrap();
                assert!(answer["results"].is_array(), "`{line}`: {answer}");
            }
            "mastoc-server" if adapted.contains("user create-admin") => {
                assert!(!finished.stdout.trim().is_empty(), "a password that was made is told: {finished:?}");
            }
            other => panic!("{document}: this test does not know what `{other}` should do"),
        }
    }
    assert_eq!(done, BTreeSet::from(["import", "key", "serve"]), "{document} shows the whole way: {lines:?}");
    let (_, url) = servers.last().unwrap();
    let page = support::server::get(&format!("{url}/api/climbs"), &[("X-API-Key", &key)]).json();
    assert!(page["count"].as_u64().unwrap() > 100, "the key reads the imported board: {page}");
}

#[test]
fn the_readme_s_commands_work() {
    typed_in("README.md");
}

#[test]
fn getting_started_s_commands_work() {
    typed_in("docs/getting-started.md");
}

/// Runs everything that the description of the API shows, as one script, against a server with an imported board.
#[test]
fn the_api_s_commands_work() {
    let stokt = SimProcess::start(&["--holds", "60", "--climbs", "120", "--picture-size", "226x300"]);
    for place in Place::both() {
        support::run(place.import(&stokt.source)).expect(0);
        let mut create = place.program("mastoc-server");
        create.args(["user", "create-admin", "--email", "vera@example.org", "--username", "vera"]);
        create.args(["--full-name", "Vera", "--password-stdin"]);
        let created = Process::start_with_input(create, "keys of the gym\n").wait(LIMIT);
        assert_eq!(created.code, Some(0), "{created:?}");
        let server = Server::start(&place);
        let login = server.send_form("/api/auth/login", "username=vera&password=keys+of+the+gym").json();
        let commands = command_lines("docs/api.md");
        let requests = commands.iter().filter(|line| line.contains("curl ")).count();
        assert!(requests > 30, "only {requests} requests were found: the test no longer sees them");
        // Says which line failed, and what was answered.
        let head = "set -eEuo pipefail\ncurl() { command curl -sS --fail-with-body --max-time 60 \"$@\"; }\n\
                    trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n";
        let script = place.folder().join("api.sh");
        std::fs::write(&script, format!("{head}{}\n", commands.join("\n"))).unwrap();
        let mut shell = Command::new("bash");
        shell.arg(&script).current_dir(place.folder());
        shell.env("URL", &server.url).env("ADMIN", login["access_token"].as_str().unwrap());
        let finished = Process::run(shell, LIMIT);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        server.stop();
    }
}

fn documents() -> Vec<PathBuf> {
    let root = workspace_root();
    let mut found = vec![root.join("README.md")];
    for folder in ["docs", "docs/adr"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A heading as the anchors of rendered Markdown name it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut links = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let (file, part) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            if !path.exists() {
                wrong.push(format!("{}: {target} does not exist", document.display()));
            } else if !part.is_empty() {
                let headings = std::fs::read_to_string(&path).unwrap();
                if !headings.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == part) {
                    wrong.push(format!("{}: {target} names no heading", document.display()));
                }
            }
        }
    }
    assert!(links > 10, "only {links} links were found: the test no longer sees them");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the programs say of themselves, all commands together.
fn helps() -> String {
    let folder = tempfile::tempdir().unwrap();
    let help = |name: &str, arguments: &[&str]| {
        let mut command = program(name, folder.path());
        command.args(arguments).arg("--help");
        let finished = Process::run(command, LIMIT);
        assert_eq!(finished.code, Some(0), "{name} {arguments:?}: {finished:?}");
        finished.stdout
    };
    let mut all = String::new();
    for name in ["mastoc-import", "mastoc-sync", "stokt-sim", "mastoc-server"] {
        all += &help(name, &[]);
    }
    for command in ["serve", "migrate", "openapi", "health", "api-key", "user"] {
        all += &help("mastoc-server", &[command]);
    }
    for command in ["create-admin", "list", "set-role", "reset-password"] {
        all += &help("mastoc-server", &["user", command]);
    }
    all + &help("mastoc-server", &["api-key", "create"])
}

/// The words of a text that begin with two dashes.
fn flags(text: &str) -> BTreeSet<String> {
    let is_flag = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let words = text.split(|c: char| !is_flag(c));
    let words = words
        .filter(|word| word.starts_with("--") && word[2..].starts_with(|c: char| c.is_ascii_lowercase()));
    words.map(|word| word.trim_end_matches('-').to_owned()).collect()
}

#[test]
fn flags_that_are_written_about_exist() {
    // Flags of other programs: pg_dump and a Dockerfile's COPY.
    let others = BTreeSet::from(["--format".to_owned(), "--from".to_owned()]);
    let exist = flags(&helps());
    for name in
        ["README.md", "docs/getting-started.md", "docs/operating.md", "docs/sync.md", "docs/configuration.md"]
    {
        let written = flags(&read(name));
        let missing: Vec<&String> =
            written.difference(&exist).filter(|flag| !others.contains(*flag)).collect();
        assert!(missing.is_empty(), "{name} writes of {missing:?}, which no program has");
    }
}

#[test]
fn the_exit_codes_of_the_documentation_are_those_of_the_programs() {
    let text = read("docs/sync.md");
    let table = text.split("## Exit codes").nth(1).unwrap().split("\n## ").next().unwrap();
    let codes: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
        .filter(|code| code.parse::<u8>().is_ok())
        .collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "6", "75"]);
}
