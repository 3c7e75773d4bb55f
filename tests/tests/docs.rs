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

use std::collections::{BTreeMap, BTreeSet};
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
    let mut exported: BTreeSet<String> = BTreeSet::new();
    let mut servers: Vec<(Process, String)> = Vec::new();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let lines = command_lines(document);
    for line in &lines {
        if line.starts_with("make ") {
            continue;
        }
        if let Some(variable) = line.strip_prefix("export ").and_then(|rest| rest.split('=').next()) {
            exported.insert(variable.to_owned());
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
        shell.env("STOKT_URL", &sim.source.url).env("MASTOC_BIND", "127.0.0.1:0");
        // Only what the reader was told to set.
        for (variable, value) in [("STOKT_PASSWORD", &sim.source.password), ("KEY", &key)] {
            if exported.contains(variable) {
                shell.env(variable, value);
            }
        }
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

/// Our programs.
const PROGRAMS: [&str; 4] = ["mastoc-import", "mastoc-server", "mastoc-sync", "stokt-sim"];

/// The flags of a program's command and of each command below it, by the words that name the command.
fn flags_of_commands(name: &str) -> BTreeMap<Vec<String>, BTreeSet<String>> {
    let folder = tempfile::tempdir().unwrap();
    let mut found = BTreeMap::new();
    let mut open = vec![vec![name.to_owned()]];
    while let Some(words) = open.pop() {
        let mut command = program(name, folder.path());
        command.args(&words[1..]).arg("--help");
        let finished = Process::run(command, LIMIT);
        assert_eq!(finished.code, Some(0), "{words:?}: {finished:?}");
        let commands = finished.stdout.split("\nCommands:\n").nth(1).unwrap_or("");
        for line in commands.lines().take_while(|line| line.starts_with("  ")) {
            // A description's further lines are further in.
            let Some(below) = line[2..].split(' ').next().filter(|word| !word.is_empty() && *word != "help")
            else {
                continue;
            };
            open.push(words.iter().cloned().chain([below.to_owned()]).collect());
        }
        found.insert(words, flags(&finished.stdout));
    }
    found
}

/// The words of a text that begin with two dashes.
fn flags(text: &str) -> BTreeSet<String> {
    let is_flag = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let words = text.split(|c: char| !is_flag(c));
    let words = words
        .filter(|word| word.starts_with("--") && word[2..].starts_with(|c: char| c.is_ascii_lowercase()));
    words.map(|word| word.trim_end_matches('-').to_owned()).collect()
}

/// A document's code: the lines of its blocks, with those that are continued made whole, and its words in backticks.
fn code(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut prose = String::new();
    let mut inside = false;
    for line in read(document).replace("\\\n", " ").lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            found.push(line.to_owned());
        } else {
            prose += line;
            prose.push('\n');
        }
    }
    let spans = prose.split('`').skip(1).step_by(2);
    found.extend(spans.map(|span| span.replace('\n', " ")));
    found
}

#[test]
fn flags_that_are_written_about_exist() {
    let exist: BTreeMap<_, _> = PROGRAMS.iter().flat_map(|name| flags_of_commands(name)).collect();
    let all: BTreeSet<String> = exist.values().flatten().cloned().collect();
    for flag in ["--direction", "--take", "--adopt", "--reason", "--remote", "--full-name", "--scope"] {
        assert!(all.contains(flag), "{flag} was not found: the test no longer sees the commands' flags");
    }
    let mut wrong = Vec::new();
    let mut lines = 0;
    for name in
        ["README.md", "docs/getting-started.md", "docs/operating.md", "docs/sync.md", "docs/configuration.md"]
    {
        for line in code(name) {
            // A flag alone can be any program's; other programs' flags are not ours to know.
            if line.starts_with("--") {
                let missing = flags(&line).difference(&all).cloned().collect::<Vec<_>>();
                wrong.extend(missing.iter().map(|flag| format!("{name}: no program of ours has {flag}")));
                continue;
            }
            // Not below the programs' folder, and nothing behind them in a pipe.
            let words: Vec<&str> = line.split_whitespace().take_while(|word| *word != "|").collect();
            let is_ours = |word: &&str| PROGRAMS.contains(&word.rsplit('/').next().unwrap_or_default());
            let Some(begin) = words.iter().position(is_ours) else { continue };
            let mut command = vec![words[begin].rsplit('/').next().unwrap().to_owned()];
            for word in &words[begin + 1..] {
                let longer: Vec<String> = command.iter().cloned().chain([(*word).to_owned()]).collect();
                if exist.contains_key(&longer) {
                    command = longer;
                }
            }
            lines += 1;
            for flag in flags(&words[begin + 1..].join(" ")).difference(&exist[&command]) {
                wrong.push(format!("{name}: {} has no {flag}: {line}", command.join(" ")));
            }
        }
    }
    assert!(lines > 30, "only {lines} command lines were found: the test no longer sees them");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
