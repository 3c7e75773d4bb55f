//! Throw-away PostgreSQL databases: one cluster for all test processes, one database per test from a template.
//!
//! The first test process that needs PostgreSQL creates a cluster (about a second), in memory where there is enough of
//! it, else in the temporary folder. The others find it through a lock file named by user and workspace. It listens on a
//! Unix socket only. Every process leaves a lease with its process id; a small shell loop stops the cluster and removes
//! the folder when no process has asked for two minutes, also if they were all killed.
//!
//! Environment: `MASTOC_TEST_DATABASE_URL` names a server to use instead (its user must be allowed to create
//! databases); `MASTOC_TEST_NO_POSTGRES=1` does without, and each test says so.
//!
//! The cluster's default collation is a linguistic one (ICU, `en-US`), as hosted servers have it: code that relies on
//! byte order must say `COLLATE "C"`, and tests notice if it does not.

mod cluster;
mod psql;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use psql::Psql;

/// Another session may still be leaving the template; `CREATE DATABASE` then fails with this state.
const OBJECT_IN_USE: &str = "55006";
/// There is no such database.
const NO_SUCH_DATABASE: &str = "3D000";

/// One database for one test, dropped with it, whoever is still connected.
#[derive(Debug)]
pub struct TestDb {
    url: String,
    name: String,
}

impl TestDb {
    /// The database as `postgres://...`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Another database with the same content, for tests that go on from one state many times. Nobody may be connected
    /// to this one.
    ///
    /// # Panics
    /// If somebody is, or PostgreSQL refuses.
    #[must_use]
    pub fn copy(&self) -> Self {
        let server = server();
        let name = fresh_name();
        run_when_free(&server.psql, &format!("CREATE DATABASE {name} TEMPLATE {}", self.name))
            .unwrap_or_else(|error| panic!("PostgreSQL does not copy the test database: {error}"));
        Self { url: server.psql.url_of(&name), name }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        // Dropping also happens while a test is failing: a second panic would hide the first.
        if let Err(error) = server().psql.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name))
        {
            eprintln!("cannot drop the test database {}: {error}", self.name);
        }
    }
}

/// Whether `MASTOC_TEST_NO_POSTGRES=1` asks to do without PostgreSQL.
#[must_use]
pub fn opted_out() -> bool {
    std::env::var_os("MASTOC_TEST_NO_POSTGRES").is_some_and(|value| value == "1")
}

/// A fresh database, copied from a template that `prepare` made once: it gets the URL of an empty database, and must
/// have closed its connections when it returns. Templates are told apart by `template_key` and by the content of the
/// workspace's `migrations/`, so an edited migration gets a new one.
///
/// `None`, with a line on standard output, only where [`opted_out`].
///
/// # Panics
/// If there is no PostgreSQL, or it refuses; the message says what to do.
pub fn fresh_database(template_key: &str, prepare: impl FnOnce(&str)) -> Option<TestDb> {
    if opted_out() {
        println!("skipped on PostgreSQL: MASTOC_TEST_NO_POSTGRES=1");
        return None;
    }
    let server = server();
    let template = template_name(template_key);
    let name = fresh_name();
    let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
    let mut created = run_when_free(&server.psql, &create);
    if created.as_ref().is_err_and(|error| error.state == NO_SUCH_DATABASE) {
        server.make_template(&template, prepare);
        created = run_when_free(&server.psql, &create);
    }
    created.unwrap_or_else(|error| panic!("PostgreSQL does not create a test database: {error}"));
    Some(TestDb { url: server.psql.url_of(&name), name })
}

fn fresh_name() -> String {
    format!("mastoc_test_{}_{:08x}", std::process::id(), rand::random::<u32>())
}

/// An empty database, for tests of migrations themselves. As [`fresh_database`] otherwise.
///
/// # Panics
/// As [`fresh_database`].
#[must_use]
pub fn empty_database() -> Option<TestDb> {
    fresh_database("empty", |_| {})
}

struct Server {
    psql: Psql,
    /// Where the lock files of templates are.
    locks: PathBuf,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let given = std::env::var("MASTOC_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty());
        match given {
            Some(url) => {
                let locks = std::env::temp_dir();
                Server { psql: Psql::new(cluster::tool("psql"), url), locks }
            }
            None => {
                let cluster = cluster::shared();
                Server {
                    psql: Psql::new(cluster::tool("psql"), cluster.url()),
                    locks: cluster.folder().to_path_buf(),
                }
            }
        }
    })
}

impl Server {
    /// Makes a template unless another process just did. It gets its name only when it is finished.
    fn make_template(&self, template: &str, prepare: impl FnOnce(&str)) {
        let path = self.locks.join(format!("{template}.lock"));
        let lock =
            File::create(&path).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        lock.lock().expect("a lock on a file of our own");
        let exists = format!("SELECT count(*) FROM pg_database WHERE datname = '{template}'");
        if self.must(&exists) == "1" {
            return;
        }
        let draft = format!("{template}_draft");
        self.must(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)"));
        // template0 is never connected to, while somebody may be in template1.
        self.must(&format!("CREATE DATABASE {draft} TEMPLATE template0"));
        prepare(&self.psql.url_of(&draft));
        self.must(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{draft}'"
        ));
        let renamed = run_when_free(&self.psql, &format!("ALTER DATABASE {draft} RENAME TO {template}"));
        renamed.unwrap_or_else(|error| panic!("the template is still in use: {error}"));
    }

    fn must(&self, sql: &str) -> String {
        self.psql.run(sql).unwrap_or_else(|error| panic!("PostgreSQL refuses {sql:?}: {error}"))
    }
}

/// Runs a statement that needs a database to itself, waiting up to five seconds for the last session to leave.
fn run_when_free(psql: &Psql, sql: &str) -> Result<String, psql::SqlError> {
    let mut outcome = psql.run(sql);
    for _ in 0..100 {
        if !outcome.as_ref().is_err_and(|error| error.state == OBJECT_IN_USE) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        outcome = psql.run(sql);
    }
    outcome
}

fn template_name(key: &str) -> String {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    files_below(&crate::workspace_root().join("migrations")).hash(&mut hasher);
    format!("mastoc_template_{:016x}", hasher.finish())
}

/// Every file below a folder with its content; empty if there is no such folder.
fn files_below(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(content) = fs::read(&path) {
                files.insert(path, content);
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_apart_by_key_and_files() {
        assert_eq!(template_name("a"), template_name("a"));
        assert_ne!(template_name("a"), template_name("b"));
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("one")).unwrap();
        fs::write(dir.path().join("one/up.sql"), b"CREATE").unwrap();
        let before = files_below(dir.path());
        assert_eq!(before.len(), 1);
        fs::write(dir.path().join("one/up.sql"), b"CREATE TABLE").unwrap();
        assert_ne!(files_below(dir.path()), before);
    }
}
