//! What the end-to-end tests share: places to import into, stand-ins to import from, commands and their reports.
#![allow(dead_code, reason = "every test file uses its own part of this")]

pub(crate) mod agree;
pub(crate) mod board;
pub(crate) mod local;
pub(crate) mod server;
pub(crate) mod world;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::sqlite::SqliteConnection;
use mastoc_stokt_sim::{Sim, SimBuilder};
use mastoc_storage::{DatabaseTarget, Store, StoreOptions};
use mastoc_test_support::postgres::{self, TestDb};
use mastoc_test_support::process::command;
use mastoc_test_support::{Finished, Process};
use serde_json::Value;
use uuid::Uuid;

/// No process of ours takes longer, on a machine that is busy with other tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// A board large enough for several pages and batches, small enough to import in a moment.
pub(crate) fn small_board() -> SimBuilder {
    Sim::builder().seed(11).holds(60).climbs(120).setters(12).picture_size(226, 300).page_size(25)
}

/// A service to import from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) gym: Uuid,
    pub(crate) username: String,
    pub(crate) password: String,
}

impl From<&Sim> for Source {
    fn from(sim: &Sim) -> Self {
        Self {
            url: sim.base_url(),
            token: sim.token(),
            gym: sim.gym_id(),
            username: sim.username(),
            password: sim.password(),
        }
    }
}

/// The program `stokt-sim`, running.
pub(crate) struct SimProcess {
    pub(crate) source: Source,
    pub(crate) process: Process,
    _folder: tempfile::TempDir,
}

impl SimProcess {
    /// Starts it on a free port and waits until it answers.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready.json");
        let mut sim = command("stokt-sim");
        sim.args(["--port", "0", "--ready-file"]).arg(&ready).args(arguments);
        let mut process = Process::start(sim);
        let told = wait_until(|| {
            assert!(process.is_running(), "stokt-sim ended: {}", process.stderr());
            std::fs::read(&ready).ok()
        });
        let told: Value = serde_json::from_slice(&told).unwrap();
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        let source = Source {
            url: text("base_url"),
            token: text("token"),
            gym: text("gym_id").parse().unwrap(),
            username: text("username"),
            password: text("password"),
        };
        Self { source, process, _folder: folder }
    }
}

/// Asks again and again until there is an answer.
pub(crate) fn wait_until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < LIMIT, "it did not happen within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// A binary of ours that cannot touch anything outside of `folder` by default.
pub(crate) fn program(name: &str, folder: &Path) -> Command {
    let mut command = command(name);
    command.env("HOME", folder).env_remove("XDG_DATA_HOME").env("NO_COLOR", "1").current_dir(folder);
    command
}

/// The default database in a data folder.
const DATABASE: &str = "mastoc.sqlite3";

/// A data folder and a database that vanish with the test.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    url: String,
    database: Option<TestDb>,
}

impl Place {
    /// A data folder that does not exist yet, with its default database.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::Builder::new().prefix("mastoc-e2e-").tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("data/mastoc.sqlite3").display());
        Self { folder, url, database: None }
    }

    /// A data folder that does not exist yet, and an empty PostgreSQL database; `None` where tests do without.
    pub(crate) fn postgres() -> Option<Self> {
        let database = postgres::empty_database()?;
        let folder = tempfile::Builder::new().prefix("mastoc-e2e-").tempdir().unwrap();
        Some(Self { folder, url: database.url().to_owned(), database: Some(database) })
    }

    /// One of each kind.
    pub(crate) fn both() -> Vec<Self> {
        std::iter::once(Self::sqlite()).chain(Self::postgres()).collect()
    }

    /// Another place with the same pictures and the same database, which on PostgreSQL nobody may have open.
    pub(crate) fn copy(&self) -> Self {
        let folder = quick_folder();
        // The database and its journals are not just files: somebody may be about to close them.
        let files = files_below(&self.data_dir());
        for file in files.iter().filter(|file| !file.starts_with(DATABASE)) {
            let to = folder.path().join("data").join(file);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(self.data_dir().join(file), to).unwrap();
        }
        let to = folder.path().join("data").join(DATABASE);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let database = self.database.as_ref().map(TestDb::copy);
        let url = match &database {
            Some(database) => database.url().to_owned(),
            None => {
                let from = self.data_dir().join(DATABASE);
                let mut conn = SqliteConnection::establish(&from.display().to_string()).unwrap();
                let copy = format!("PRAGMA busy_timeout = 10000; VACUUM INTO '{}'", to.display());
                conn.batch_execute(&copy).unwrap();
                format!("sqlite://{}", to.display())
            }
        };
        Self { folder, url, database }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.database.is_some()
    }

    /// The database, as an operator of ours sees it.
    pub(crate) fn store(&self) -> Store {
        let target: DatabaseTarget = self.url.parse().unwrap();
        Store::open(&target, &StoreOptions { connections: 2, ..StoreOptions::default() }).unwrap()
    }

    /// A program with this data folder, and this database unless it is the folder's default one.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = program(name, self.folder.path());
        command.env("MASTOC_DATA_DIR", self.data_dir());
        if self.is_postgres() {
            command.env("DATABASE_URL", &self.url);
        }
        command
    }

    /// An import of the source's gym to here, by token.
    pub(crate) fn import(&self, source: &Source) -> Command {
        let mut command = self.program("mastoc-import");
        let gym = source.gym.to_string();
        command.args(["--stokt-url", &source.url, "--gym", &gym]).env("STOKT_TOKEN", &source.token);
        command
    }

    /// The pictures that are kept, by path below `media`; files under way are not among them.
    pub(crate) fn pictures(&self) -> Vec<String> {
        let media = self.data_dir().join("media");
        let files = files_below(&media).into_iter();
        let kept = files.filter(|path| !path.starts_with("tmp/") && !path.starts_with("thumbs/"));
        kept.collect()
    }
}

/// A folder in memory, where there is such a thing: for tests that commit many thousand times.
pub(crate) fn quick_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("mastoc-e2e-");
    builder.tempdir_in(memory).or_else(|_| builder.tempdir()).unwrap()
}

/// All files below a folder, as sorted relative paths; none if there is no such folder.
pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(here) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&here) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// An import that ended, with its JSON report.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) finished: Finished,
    pub(crate) report: Value,
}

/// Runs an import (or a sync) to its end, for its JSON report.
pub(crate) fn run(mut command: Command) -> Imported {
    command.arg("--json");
    reported(Process::run(command, LIMIT))
}

/// Reads the report of an import that ended.
pub(crate) fn reported(finished: Finished) -> Imported {
    let report = serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("no JSON report ({error}): {finished:?}"));
    Imported { finished, report }
}

impl Imported {
    /// Insists on an exit code, which the report must repeat.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.finished.code, Some(code), "{}\n{}", self.finished.stdout, self.finished.stderr);
        assert_eq!(self.report["exit_code"], code);
        self
    }

    /// How many records of a kind (`climbs`, ...) had an outcome (`created`, `updated`, `unchanged`, `quarantined`).
    #[track_caller]
    pub(crate) fn count(&self, kind: &str, outcome: &str) -> u64 {
        self.report["counts"][kind][outcome]
            .as_u64()
            .unwrap_or_else(|| panic!("no counts.{kind}.{outcome} in {:#}", self.report))
    }

    /// How many records of all kinds had an outcome.
    #[track_caller]
    pub(crate) fn sum(&self, outcome: &str) -> u64 {
        ["gyms", "walls", "faces", "holds", "setters", "climbs"]
            .iter()
            .map(|kind| self.count(kind, outcome))
            .sum()
    }

    /// The codes of the problems, sorted.
    pub(crate) fn problem_codes(&self) -> Vec<String> {
        let problems = self.report["problems"].as_array().unwrap();
        let mut codes: Vec<String> =
            problems.iter().map(|problem| problem["code"].as_str().unwrap().to_owned()).collect();
        codes.sort();
        codes
    }
}

/// Insists that nothing is left to do: the same import again creates and updates nothing.
#[track_caller]
pub(crate) fn changes_nothing(command: Command) {
    let again = run(command).expect(0);
    assert_eq!((again.sum("created"), again.sum("updated")), (0, 0), "{:#}", again.report["counts"]);
    assert!(again.count("climbs", "unchanged") > 0);
    assert_eq!(again.report["images"]["copied"], 0, "{:#}", again.report["images"]);
}

/// Insists that a program ended with a code and one line that says what is wrong and, somewhere, what to do.
#[track_caller]
pub(crate) fn one_line(finished: &Finished, code: i32, says: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let errors: Vec<&str> = finished.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "one line that begins with `error: `, in {finished:?}");
    for text in says {
        assert!(errors[0].contains(text), "{text:?} is not in {:?}", errors[0]);
    }
    for noise in ["panicked", "RUST_BACKTRACE", "Error {", "SELECT", "INSERT"] {
        assert!(!finished.stderr.contains(noise), "{noise:?} in {}", finished.stderr);
    }
}
