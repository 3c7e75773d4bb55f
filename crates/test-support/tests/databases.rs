//! Databases as tests get them: fresh, prepared once, gone afterwards.
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

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use mastoc_test_support::{backends, postgres};

fn psql(url: &str, sql: &str) -> Result<String, String> {
    let output = Command::new("psql").args(["-X", "-q", "-A", "-t", "-d", url, "-c", sql]).output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn databases_come_from_one_template_and_do_not_see_each_other() {
    static PREPARED: AtomicUsize = AtomicUsize::new(0);
    // A key of its own for each run, so that preparing can be counted.
    let key = format!("counted {}", std::process::id());
    let prepare = |url: &str| {
        PREPARED.fetch_add(1, Ordering::SeqCst);
        psql(url, "CREATE TABLE climb (name text); INSERT INTO climb VALUES ('from the template')").unwrap();
    };
    let databases: Vec<_> = std::thread::scope(|scope| {
        let tests: Vec<_> = (0..4).map(|_| scope.spawn(|| postgres::fresh_database(&key, prepare))).collect();
        tests.into_iter().filter_map(|test| test.join().unwrap()).collect()
    });
    if postgres::opted_out() {
        return;
    }
    assert_eq!((databases.len(), PREPARED.load(Ordering::SeqCst)), (4, 1));
    psql(databases[0].url(), "INSERT INTO climb VALUES ('mine')").unwrap();
    let counts: Vec<_> =
        databases.iter().map(|db| psql(db.url(), "SELECT count(*) FROM climb").unwrap()).collect();
    assert_eq!(counts, ["2", "1", "1", "1"]);
}

#[test]
fn a_database_is_gone_after_the_test_even_if_somebody_is_connected() {
    let Some(database) = postgres::empty_database() else { return };
    let url = database.url().to_owned();
    let mut session =
        Command::new("psql").args(["-X", "-q", "-d", &url, "-c", "SELECT pg_sleep(60)"]).spawn().unwrap();
    while psql(&url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").unwrap()
        != "2"
    {}
    drop(database);
    assert!(!session.wait().unwrap().success(), "the session was ended");
    assert!(psql(&url, "SELECT 1").unwrap_err().contains("does not exist"));
}

#[test]
fn a_preparation_that_panics_leaves_no_template() {
    if postgres::opted_out() {
        return;
    }
    let key = format!("panicking {}", std::process::id());
    let failed = std::panic::catch_unwind(|| postgres::fresh_database(&key, |_| panic!("migration fails")));
    assert!(failed.is_err());
    let database = postgres::fresh_database(&key, |url| {
        psql(url, "CREATE TABLE climb (name text)").unwrap();
    });
    assert_eq!(psql(database.unwrap().url(), "SELECT count(*) FROM climb").unwrap(), "0");
}

#[test]
fn names_sort_as_on_a_hosted_server() {
    let Some(database) = postgres::empty_database() else { return };
    let provider =
        psql(database.url(), "SELECT datlocprovider FROM pg_database WHERE datname = current_database()");
    if provider.as_deref() != Ok("i") {
        println!("skipped: this PostgreSQL has no ICU");
        return;
    }
    let sorted =
        "SELECT string_agg(name, ',' ORDER BY name) FROM (VALUES ('b'), ('a'), ('B'), ('é')) AS t (name)";
    assert_eq!(psql(database.url(), sorted).unwrap(), "a,b,B,é");
}

#[test]
fn many_databases_in_turn_leave_nothing_behind() {
    let mine = format!(
        "SELECT count(*) FROM pg_database WHERE datname LIKE 'mastoc\\_test\\_{}\\_%'",
        std::process::id()
    );
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        drop(postgres::empty_database());
    }
    println!("10 databases in {:?}", begun.elapsed());
    let Some(last) = postgres::empty_database() else { return };
    // With `cargo test` the other tests of this file share the process, and have a few at the same time.
    assert!(psql(last.url(), &mine).unwrap().parse::<u32>().unwrap() < 10);
}

#[test]
#[should_panic(expected = "on purpose")]
fn a_body_can_fail() {
    backends::on_sqlite(|_| {}, |url| panic!("on purpose: {url}"));
}

mod both {
    use super::psql;

    fn migrate(url: &str) {
        if let Some(path) = url.strip_prefix("sqlite://") {
            std::fs::write(path, b"prepared").unwrap();
        } else {
            psql(url, "CREATE TABLE prepared (x int)").unwrap();
        }
    }

    mastoc_test_support::both_backends! {
        key: "a table called prepared";
        prepare: migrate;

        /// The same body on both.
        fn a_body_gets_a_prepared_database(url: &str) {
            match url.strip_prefix("sqlite://") {
                Some(path) => assert_eq!(std::fs::read(path).unwrap(), b"prepared"),
                None => assert_eq!(psql(url, "SELECT count(*) FROM prepared").unwrap(), "0"),
            }
        }

        fn a_second_body_gets_its_own(url: &str) {
            match url.strip_prefix("sqlite://") {
                Some(path) => assert_eq!(std::fs::read_dir(std::path::Path::new(path).parent().unwrap()).unwrap().count(), 1),
                None => assert_eq!(psql(url, "SELECT count(*) FROM prepared").unwrap(), "0"),
            }
        }
    }
}
