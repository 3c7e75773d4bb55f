//! Opening databases: new ones, others' files, newer schemas, read-only folders, and several programs at once.

use crate::support::{Raw, migrate, open, try_open};
use mastoc_domain::access::Scope;
use mastoc_storage::{Store, StoreError, StoreOptions};
use mastoc_test_support::{postgres, sqlite};

mod newer {
    use super::*;

    mastoc_test_support::both_backends! {
        prepare: migrate;

        fn a_newer_schema_is_refused_and_left_alone(url: &str) {
            let mut raw = Raw::open(url);
            raw.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')");
            let error = try_open(url).unwrap_err();
            assert!(matches!(&error, StoreError::TooNew { found, .. } if found == "20991231000000"), "{error:?}");
            assert!(error.to_string().contains("install the newer program"), "{error}");
            assert!(!error.is_retryable());
            raw.execute("DELETE FROM __diesel_schema_migrations WHERE version = '20991231000000'");
            open(url);
        }
    }
}

mod as_it_is {
    use super::*;

    fn look(url: &str) -> Result<Option<Store>, StoreError> {
        Store::open_as_it_is(&url.parse().unwrap(), &StoreOptions::default())
    }

    /// Nothing of ours is found, and nothing is left behind.
    fn stays_empty(url: &str, tables: &str) {
        assert!(look(url).unwrap().is_none());
        assert_eq!(Raw::open(url).count(tables), 0);
    }

    #[test]
    fn a_sqlite_database_that_is_not_there_is_not_made() {
        let place = mastoc_test_support::sqlite::fresh_path();
        assert!(look(place.url()).unwrap().is_none());
        assert!(!place.path().exists());
    }

    #[test]
    fn an_empty_sqlite_database_stays_empty() {
        stays_empty(mastoc_test_support::sqlite::fresh_path().url(), "sqlite_master");
    }

    #[test]
    fn an_empty_postgresql_database_stays_empty() {
        if let Some(database) = mastoc_test_support::postgres::empty_database() {
            stays_empty(database.url(), "pg_tables WHERE schemaname = 'public'");
        }
    }

    mastoc_test_support::both_backends! {
        prepare: migrate;

        fn a_current_one_is_opened_and_any_other_refused(url: &str) {
            assert!(look(url).unwrap().is_some());
            let mut raw = Raw::open(url);
            raw.execute("DELETE FROM __diesel_schema_migrations WHERE version = '00000000000005'");
            let error = look(url).unwrap_err();
            assert!(error.to_string().contains("mastoc-server migrate"), "{error}");
            raw.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')");
            assert!(matches!(look(url).unwrap_err(), StoreError::TooNew { .. }));
        }
    }
}

/// Opens the same empty database from several threads at once, each with its own store.
fn open_at_once(url: &str) {
    let outcomes: Vec<Result<(), StoreError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| try_open(url).map(drop))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for outcome in outcomes {
        outcome.unwrap();
    }
    assert_eq!(Raw::open(url).count("climbs"), 0);
}

#[test]
fn programs_that_start_at_once_migrate_once_on_sqlite() {
    for _ in 0..5 {
        open_at_once(sqlite::fresh_path().url());
    }
}

#[test]
fn programs_that_start_at_once_migrate_once_on_postgres() {
    if let Some(database) = postgres::empty_database() {
        open_at_once(database.url());
    }
}

#[test]
fn another_program_s_database_is_refused_and_left_alone() {
    let is_refusal = |error: StoreError| {
        let error = error.to_string();
        assert!(error.contains("another program's") && error.contains("name another one"), "{error}");
    };
    let refused = |url: &str| is_refusal(try_open(url).unwrap_err());
    let place = sqlite::fresh_path();
    Raw::open(place.url()).execute("CREATE TABLE climbs (summit TEXT)");
    let content = std::fs::read(place.path()).unwrap();
    refused(place.url());
    // Nor is it changed by somebody who only looks.
    is_refusal(Store::open_as_it_is(&place.url().parse().unwrap(), &StoreOptions::default()).unwrap_err());
    assert!(std::fs::read(place.path()).unwrap() == content, "not even its header changed");
    if let Some(database) = postgres::empty_database() {
        // It may be shared, but not the names of tables.
        Raw::open(database.url()).execute("CREATE TABLE summits (name TEXT)");
        drop(try_open(database.url()).unwrap());
    }
    if let Some(database) = postgres::empty_database() {
        Raw::open(database.url()).execute("CREATE TABLE climbs (summit TEXT)");
        refused(database.url());
        assert_eq!(Raw::open(database.url()).count("pg_tables WHERE schemaname = 'public'"), 1);
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let place = sqlite::fresh_path();
    let content = b"This is the shopping list for Saturday. ".repeat(100);
    std::fs::write(place.path(), &content).unwrap();
    let error = try_open(place.url()).unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("no SQLite database"), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    assert_eq!(std::fs::read(place.path()).unwrap(), content);
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let place = sqlite::fresh_path();
    let url = format!("sqlite://{}/not/there/board.sqlite3", place.folder().display());
    let error = try_open(&url).unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("not/there/board.sqlite3"), "{error}");
    assert!(error.to_string().contains("folder that exists"), "{error}");
}

#[test]
fn a_database_that_may_not_be_written_is_refused_with_advice() {
    // A folder in the place of the file cannot be written by anybody, not even by root.
    let place = sqlite::fresh_path();
    std::fs::create_dir(place.path()).unwrap();
    let error = try_open(place.url()).unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("check that the path is a file"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_is_refused_with_advice() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = sqlite::fresh_path();
    let folder = place.folder().join("locked");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(folder.join("probe"), b"").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    let error = try_open(&format!("sqlite://{}/board.sqlite3", folder.display())).unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
}

#[test]
fn a_server_that_is_not_there_can_be_tried_again() {
    // Nobody listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = try_open(&format!("postgres://anna:s3cret@127.0.0.1:{port}/board")).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.is_retryable());
    let text = error.to_string();
    assert!(text.contains("check the URL") && !text.contains("s3cret") && !text.contains('\n'), "{text}");
}

#[test]
fn a_database_or_role_that_does_not_exist_is_no_passing_trouble() {
    let Some(database) = postgres::empty_database() else { return };
    let (place, query) = database.url().split_once('?').unwrap_or((database.url(), ""));
    let (server, name) = place.rsplit_once('/').unwrap();
    let missing = try_open(&format!("{server}/no_such_database?{query}")).unwrap_err();
    assert!(matches!(missing, StoreError::Unusable(_)), "{missing:?}");
    assert!(missing.to_string().contains("create the database"), "{missing}");

    // The last of two users counts.
    let nobody = try_open(&format!("{server}/{name}?{query}&user=no_such_role")).unwrap_err();
    assert!(matches!(nobody, StoreError::Unusable(_)), "{nobody:?}");
    assert!(nobody.to_string().contains("correct the user"), "{nobody}");
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone_and_an_existing_one_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: std::path::PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let beside = |path: &std::path::Path, end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        std::path::PathBuf::from(name)
    };
    let place = sqlite::fresh_path();
    let store = open(place.url());
    store.write(|conn| mastoc_storage::api_keys::create(conn, "phone", Scope::Read)).unwrap();
    for end in ["", "-wal", "-shm"] {
        assert_eq!(mode(beside(&place.path(), end)), 0o600, "{end}");
    }

    let shared = sqlite::fresh_path();
    std::fs::write(shared.path(), b"").unwrap();
    std::fs::set_permissions(shared.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
    open(shared.url());
    assert_eq!(mode(shared.path()), 0o640);
}
