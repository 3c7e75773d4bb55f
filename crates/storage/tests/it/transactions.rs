//! Transactions: all or nothing, one state for a snapshot, and a change log in the order of commits.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Raw, climb, gym, import_board, import_climbs, migrate, open, sid, user, users};
use mastoc_storage::import::pictures::{self, PictureOwner, VerifiedImage};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{StoreError, Viewer, changes, export};

fn image(n: u128) -> VerifiedImage {
    VerifiedImage {
        sha256: format!("{n:064x}"),
        media_type: "image/png".into(),
        width: 64,
        height: 64,
        size_bytes: 1_000,
    }
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn an_error_undoes_everything_and_the_next_write_works(url: &str) {
        let store = open(url);
        let failed: Result<(), StoreError> = store.write(|conn| {
            import::gyms(conn, &ImportContext::default(), &[gym()])?;
            Err(StoreError::Invalid("enough".into()))
        });
        assert!(matches!(failed, Err(StoreError::Invalid(_))));
        let mut raw = Raw::open(url);
        for table in ["gyms", "sync_links", "id_mappings", "change_log"] {
            assert_eq!(raw.count(table), 0, "{table}");
        }
        import_board(&store);
        assert_eq!(raw.count("gyms"), 1);
    }

    fn a_refused_statement_undoes_everything_and_the_next_write_works(url: &str) {
        let store = open(url);
        import_board(&store);
        // Attaching to a face that does not exist fails after the picture's row was written.
        let failed = store.write(|conn| {
            pictures::attach(conn, &ImportContext::default(), PictureOwner::Face(sid(77)), "x", &image(1))
        });
        assert!(matches!(failed, Err(StoreError::NotFound)), "{failed:?}");
        let mut raw = Raw::open(url);
        assert_eq!(raw.count("images"), 0);
        // A kind of picture that the tables refuse.
        let odd = VerifiedImage { media_type: "image/tiff".into(), ..image(1) };
        let failed = store.write(|conn| {
            pictures::attach(conn, &ImportContext::default(), PictureOwner::Face(sid(3)), "walls/a.jpg", &odd)
        });
        assert!(matches!(failed, Err(StoreError::Conflict { .. })), "{failed:?}");
        assert_eq!(raw.count("images"), 0);
        import_climbs(&store, &[climb(0)]);
        assert_eq!(raw.count("climbs"), 1);
    }

    fn a_panic_in_a_write_undoes_it_and_the_next_write_works(url: &str) {
        let store = open(url);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _never: Result<(), StoreError> = store.write(|conn| {
                import::gyms(conn, &ImportContext::default(), &[gym()])?;
                panic!("as a defect would");
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(Raw::open(url).count("gyms"), 0);
        import_board(&store);
        assert_eq!(Raw::open(url).count("gyms"), 1);
        assert_eq!(store.read(|conn| export::gyms(conn, sid(1))).unwrap().len(), 1);
    }

    fn a_snapshot_sees_one_state_and_a_read_sees_each_commit(url: &str) {
        let store = open(url);
        import_board(&store);
        let count = |conn: &mut mastoc_storage::ReadConn<'_>| export::climbs(conn, sid(1), None).map(|c| c.len());
        let seen = store.snapshot(|conn| {
            let before = count(conn)?;
            import_climbs(&store, &[climb(0)]);
            Ok::<_, StoreError>((before, count(conn)?))
        });
        assert_eq!(seen.unwrap(), (0, 0), "a snapshot changed under its reader");
        let seen = store.read(|conn| {
            let before = count(conn)?;
            import_climbs(&store, &[climb(1)]);
            Ok::<_, StoreError>((before, count(conn)?))
        });
        assert_eq!(seen.unwrap(), (1, 2));
    }

    fn a_follower_of_the_change_log_misses_nothing_while_many_write(url: &str) {
        const PEOPLE: u128 = 60;
        const WRITERS: u128 = 4;
        let store = open(url);
        store.write(|conn| import::users(conn, &ImportContext::default(), &users(PEOPLE))).unwrap();
        let start = store.read(changes::latest).unwrap();
        let finished = AtomicBool::new(false);
        let followed = std::thread::scope(|scope| {
            let follower = scope.spawn(|| {
                let (mut last, mut seen) = (start, BTreeSet::new());
                loop {
                    let is_last_look = finished.load(Ordering::SeqCst);
                    for change in store.read(|conn| changes::since(conn, last, 1_000, Viewer::Public)).unwrap() {
                        assert!(change.seq > last, "the log goes back");
                        last = change.seq;
                        seen.insert(change.entity_id);
                    }
                    if is_last_look {
                        return seen;
                    }
                }
            });
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let store = open(url);
                    scope.spawn(move || {
                        for n in (0..PEOPLE).filter(|n| n % WRITERS == writer) {
                            let person = user(n);
                            let path = person.avatar_path.unwrap();
                            let owner = PictureOwner::Avatar(person.stokt_id);
                            store
                                .write(|conn| {
                                    pictures::attach(conn, &ImportContext::default(), owner, &path, &image(n))
                                })
                                .unwrap();
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.join().unwrap();
            }
            finished.store(true, Ordering::SeqCst);
            follower.join().unwrap()
        });
        assert_eq!(followed.len(), usize::try_from(PEOPLE).unwrap());
    }
}
