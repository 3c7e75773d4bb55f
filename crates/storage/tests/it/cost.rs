//! The cost of imports: how many statements a batch takes, large batches, and the real board's size.

use std::time::Instant;

use crate::support::{
    GYM, Raw, account, climbs, counts, extra, holds, import_board, import_climbs, migrate, open, sid, users,
};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{Store, export};

fn statements(store: &Store, work: impl FnOnce()) -> u64 {
    let before = store.statements();
    work();
    store.statements() - before
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_large_batch_takes_no_more_statements_than_a_small_one(url: &str) {
        let store = open(url);
        import_board(&store);
        let ctx = ImportContext { account: Some(account()), ..ImportContext::default() };
        let batch = |from: usize, count: usize, likes: i32| {
            let mut batch = climbs(2_000).split_off(from);
            batch.truncate(count);
            for record in &mut batch {
                record.total_likes = likes;
                record.viewer = extra(serde_json::json!({"likes": likes}));
                if likes > 2 {
                    record.holds_list.push_str(" O800001");
                }
            }
            let last = batch.len() - 1;
            batch[last].holds_list = "S1".into();
            batch
        };
        let import = |records: &[mastoc_domain::import::ImportClimb]| {
            statements(&store, || drop(store.write(|conn| import::climbs(conn, &ctx, records)).unwrap()))
        };
        for (what, likes) in [("new", 1), ("unchanged", 1), ("counters", 2), ("content", 3)] {
            let small = import(&batch(0, 5, likes));
            let large = import(&batch(1_000, 500, likes));
            assert_eq!(small, large, "{what} climbs");
            println!("{what}: {small} statements");
            assert!(small <= 24, "{small} statements for a batch of {what} climbs");
        }
        let holds_of = |from: i64, count: i64| (from..from + count).map(crate::support::hold).collect::<Vec<_>>();
        let users_of = |from: u128, count: u128| (from..from + count).map(crate::support::user).collect::<Vec<_>>();
        for _ in 0..2 {
            let small = statements(&store, || {
                store.write(|conn| import::holds(conn, &ctx, &holds_of(100, 5))).map(drop).unwrap();
            });
            let large = statements(&store, || {
                store.write(|conn| import::holds(conn, &ctx, &holds_of(1_000, 500))).map(drop).unwrap();
            });
            assert_eq!(small, large, "holds");
            let small = statements(&store, || {
                store.write(|conn| import::users(conn, &ctx, &users_of(100, 5))).map(drop).unwrap();
            });
            let large = statements(&store, || {
                store.write(|conn| import::users(conn, &ctx, &users_of(1_000, 500))).map(drop).unwrap();
            });
            assert_eq!(small, large, "users");
        }
    }

    fn a_batch_of_five_thousand_is_imported_whole(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(5_000);
        let begun = Instant::now();
        assert_eq!(counts(&import_climbs(&store, &records)), (5_000, 0, 0, 0));
        println!("5,000 climbs in {:?}", begun.elapsed());
        assert_eq!(Raw::open(url).count("climb_holds"), 25_000);
        assert_eq!(counts(&import_climbs(&store, &records)), (0, 0, 5_000, 0));
        let stored = store.read(|conn| export::climbs(conn, sid(GYM), None)).unwrap();
        assert!(stored == records, "5,000 climbs came back different");
    }

    fn the_real_boards_size_is_imported_quickly(url: &str) {
        let store = open(url);
        import_board(&store);
        let ctx = ImportContext::default();
        let begun = Instant::now();
        store
            .write(|conn| {
                import::holds(conn, &ctx, &holds(776))?;
                import::users(conn, &ctx, &users(79))
            })
            .unwrap();
        println!("776 holds and 79 setters in {:?}", begun.elapsed());
        let begun = Instant::now();
        for batch in climbs(1_017).chunks(500) {
            import_climbs(&store, batch);
        }
        let took = begun.elapsed();
        println!("1,017 climbs in {took:?}");
        // An order of magnitude above what a debug build takes: this catches a loop over rows, not a busy machine.
        assert!(took.as_secs() < 20, "{took:?}");
    }
}
