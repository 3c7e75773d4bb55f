//! Tests of transactions that need the connection itself: a full disk, and a lost server connection.

use diesel::RunQueryDsl as _;
use mastoc_domain::StoktId;
use mastoc_domain::import::{BatchOutcome, Extra, ImportGym};
use mastoc_test_support::{postgres, sqlite};
use uuid::Uuid;

use super::*;
use crate::conn::on_backend;
use crate::export;
use crate::import::{self, ImportContext};

fn open(url: &str) -> Store {
    let options = StoreOptions { connections: 2, ..StoreOptions::default() };
    Store::open(&url.parse().unwrap(), &options).unwrap()
}

fn execute(store: &Store, sql: &str) -> Result<(), StoreError> {
    store.write(|conn| {
        on_backend!(conn, |c| diesel::sql_query(sql).execute(c))?;
        Ok(())
    })
}

fn gyms(count: u128, description: &str) -> Vec<ImportGym> {
    (0..count)
        .map(|n| ImportGym {
            stokt_id: StoktId(Uuid::from_u128(n)),
            display_name: "La Grotte".into(),
            location: None,
            description: Some(description.into()),
            extra: Extra::new(),
        })
        .collect()
}

fn import(store: &Store, records: &[ImportGym]) -> Result<BatchOutcome, StoreError> {
    store.write(|conn| import::gyms(conn, &ImportContext::default(), records))
}

fn is_there(store: &Store) -> usize {
    store.read(|conn| export::gyms(conn, StoktId(Uuid::from_u128(0)))).unwrap().len()
}

#[test]
fn a_full_disk_leaves_nothing_half_written_and_the_store_usable() {
    let place = sqlite::fresh_path();
    let store = open(place.url());
    execute(&store, "PRAGMA cache_size = 5").unwrap();
    execute(&store, "PRAGMA max_page_count = 150").unwrap();
    let error = import(&store, &gyms(400, &"x".repeat(5_000))).unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("free some disk space"), "{error}");
    assert_eq!(is_there(&store), 0);
    // There is room for little things still, and for all of it once the disk has room.
    assert_eq!(import(&store, &gyms(1, "x")).unwrap().created(), 1);
    execute(&store, "PRAGMA max_page_count = 1000000").unwrap();
    let outcome = import(&store, &gyms(400, &"x".repeat(5_000))).unwrap();
    assert_eq!((outcome.created(), outcome.updated()), (399, 1));
}

#[test]
fn a_write_that_finds_the_file_locked_fails_in_time_and_works_later() {
    let place = sqlite::fresh_path();
    let options =
        StoreOptions { connections: 2, busy_timeout: Duration::from_millis(50), ..StoreOptions::default() };
    let store = Store::open(&place.url().parse().unwrap(), &options).unwrap();
    let other = open(place.url());
    other
        .write(|_| {
            let error = import(&store, &gyms(1, "x")).unwrap_err();
            assert!(matches!(&error, StoreError::Unavailable(_)), "{error:?}");
            assert!(error.to_string().contains("try again later"), "{error}");
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(import(&store, &gyms(1, "x")).unwrap().created(), 1);
}

#[test]
fn writes_that_share_a_commit_fail_one_by_one_and_are_kept_together() {
    let place = sqlite::fresh_path();
    let store = open(place.url());
    let numbered =
        |n: u128| vec![ImportGym { stokt_id: StoktId(Uuid::from_u128(n)), ..gyms(1, "x").remove(0) }];
    let put = |n: u128, then: &dyn Fn() -> Result<(), StoreError>| {
        store.write(|conn| {
            import::gyms(conn, &ImportContext::default(), &numbered(n))?;
            then()
        })
    };
    let writer = store.inner.writer.as_ref().unwrap();
    let all_wait = || {
        while writer.coming() < 5 {
            std::thread::yield_now();
        }
        Ok(())
    };
    let (first_in, started) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            put(0, &|| {
                first_in.send(()).unwrap();
                all_wait()
            })
        });
        started.recv().unwrap();
        let kept = [1, 2, 3].map(|n| scope.spawn(move || put(n, &|| Ok(()))));
        let refused = scope.spawn(|| put(4, &|| Err(StoreError::Invalid("no".into()))));
        let panicking = scope.spawn(|| put(5, &|| panic!("on purpose")));
        assert!(panicking.join().is_err());
        assert!(matches!(refused.join().unwrap(), Err(StoreError::Invalid(_))));
        assert!(first.join().unwrap().is_ok());
        kept.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    });
    let there = |n: u128| {
        let id = StoktId(Uuid::from_u128(n));
        store.read(|conn| export::gyms(conn, id)).unwrap().len()
    };
    assert_eq!([0, 1, 2, 3, 4, 5].map(there), [1, 1, 1, 1, 0, 0]);
    // The log knows of what was kept, and of nothing else.
    let logged = store.read(|conn| crate::changes::since(conn, 0, 100, crate::Viewer::Service)).unwrap();
    assert_eq!(logged.len(), 4);
    put(6, &|| Ok(())).unwrap();
    assert_eq!(there(6), 1);
}

#[test]
fn a_commit_that_fails_fails_all_who_wait_for_it() {
    let place = sqlite::fresh_path();
    let store = open(place.url());
    let writer = store.inner.writer.as_ref().unwrap();
    let (first_in, started) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            store.write(|conn| {
                import::gyms(conn, &ImportContext::default(), &gyms(1, "x"))?;
                first_in.send(()).unwrap();
                while writer.coming() < 1 {
                    std::thread::yield_now();
                }
                Ok::<_, StoreError>(())
            })
        });
        started.recv().unwrap();
        // Ends the transaction under everybody's feet, as SQLite does by itself when the disk is full.
        let second = scope.spawn(|| execute(&store, "ROLLBACK"));
        assert!(second.join().unwrap().is_err());
        let error = first.join().unwrap().unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
    });
    assert_eq!(is_there(&store), 0);
    assert_eq!(import(&store, &gyms(2, "x")).unwrap().created(), 2);
}

#[test]
fn a_lost_server_connection_fails_the_write_and_not_the_store() {
    let Some(database) = postgres::empty_database() else { return };
    let store = open(database.url());
    let other = open(database.url());
    let error = store
        .write(|conn| {
            import::gyms(conn, &ImportContext::default(), &gyms(1, "x"))?;
            execute(
                &other,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND state = 'idle in transaction'",
            )?;
            import::gyms(conn, &ImportContext::default(), &gyms(2, "x"))
        })
        .unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(is_there(&store), 0);
    assert_eq!(import(&store, &gyms(2, "x")).unwrap().created(), 2);
}

#[test]
fn a_reader_replaces_a_connection_that_broke() {
    let Some(database) = postgres::empty_database() else { return };
    let store = open(database.url());
    let other = open(database.url());
    let mut reader = store.reader();
    assert_eq!(reader.read(crate::changes::latest).unwrap(), 0);
    import(&store, &gyms(1, "x")).unwrap();
    execute(
        &other,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .unwrap();
    assert_eq!(reader.read(crate::changes::latest).unwrap(), 1, "it goes on, and sees what was written");
}
