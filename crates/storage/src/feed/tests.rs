//! Following the board as different readers, on both databases.

use mastoc_domain::UserId;

use super::*;
use crate::Store;
use crate::changes::PendingChange;
use crate::test_board::{self, Spec, climb_id, face, gym, hold, setter};

fn log(store: &Store, entries: &[(Changed, String, ChangeKind, bool)]) {
    store
        .write(|conn| -> Result<(), StoreError> {
            for (entity, id, kind, is_public) in entries {
                conn.note(PendingChange {
                    entity: *entity,
                    id: id.clone(),
                    kind: *kind,
                    is_public: *is_public,
                    owner: None,
                });
            }
            Ok(())
        })
        .unwrap();
}

fn climb(index: usize, kind: ChangeKind, is_public: bool) -> (Changed, String, ChangeKind, bool) {
    (Changed::Climb, climb_id(index).to_string(), kind, is_public)
}

fn follow(store: &Store, viewer: Viewer, since: i64, limit: i64) -> FeedPage {
    store.snapshot(|conn| page(conn, viewer, since, limit)).unwrap()
}

fn climbs_of(rows: &FeedRows) -> Vec<ClimbId> {
    rows.climbs.iter().map(|climb| climb.id).collect()
}

fn gone(indexes: &[usize]) -> Vec<Gone> {
    indexes.iter().map(|index| Gone { kind: Changed::Climb, id: climb_id(*index).to_string() }).collect()
}

fn sorted(mut ids: Vec<ClimbId>) -> Vec<ClimbId> {
    ids.sort_unstable();
    ids
}

mastoc_test_support::both_backends! {
    prepare: test_board::migrate;

    fn every_kind_of_row_comes_once_as_it_is_now(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        test_board::set(&store, &[Spec::default(), Spec { created: 1, ..Spec::default() }]);
        use ChangeKind::{Created, Deleted, Updated};
        let wall = test_board::scrambled(7, 0).to_string();
        log(&store, &[
            (Changed::Gym, gym(0).to_string(), Created, true),
            (Changed::Wall, wall.clone(), Updated, true),
            (Changed::Face, face(0).to_string(), Created, true),
            (Changed::Hold, hold(0, 0).to_string(), Created, true),
            (Changed::Hold, hold(0, test_board::HOLDS - 1).to_string(), Updated, true),
            (Changed::User, setter(0).to_string(), Created, true),
            (Changed::User, UserId::generate().to_string(), Deleted, true),
            climb(0, Created, true),
            climb(0, Updated, true),
            climb(1, Updated, true),
            climb(7, Created, true),
            climb(7, Deleted, true),
        ]);
        let before = store.statements();
        let page = follow(&store, Viewer::Public, 0, 100);
        let used = store.statements() - before;
        assert!(used <= 10, "{used} statements, of which three begin, end and check");
        assert_eq!(page.created.gyms.iter().map(|row| row.id).collect::<Vec<_>>(), [gym(0)]);
        assert_eq!(page.updated.walls.iter().map(|row| row.id.to_string()).collect::<Vec<_>>(), [wall]);
        assert_eq!(page.created.faces.iter().map(|row| row.id).collect::<Vec<_>>(), [face(0)]);
        assert_eq!(page.created.holds.iter().map(|row| row.id).collect::<Vec<_>>(), [hold(0, 0)]);
        assert_eq!(page.created.users.iter().map(|row| row.id).collect::<Vec<_>>(), [setter(0)]);
        assert_eq!(climbs_of(&page.created), [climb_id(0)]);
        assert_eq!(climbs_of(&page.updated), [climb_id(1)]);
        let kinds: Vec<Changed> = page.deleted.iter().map(|gone| gone.kind).collect();
        // The hold left the wall with the new version.
        assert_eq!(kinds, [Changed::Hold, Changed::User, Changed::Climb]);
        assert!(!page.has_more);
        assert_eq!(page.next, 12);

        let rest = follow(&store, Viewer::Public, page.next, 100);
        assert_eq!((rest.next, rest.has_more, rest.deleted.len()), (page.next, false, 0));
        assert_eq!((rest.created, rest.updated), (FeedRows::default(), FeedRows::default()));
    }

    fn private_climbs_show_up_as_gone_where_they_were_public(url: &str) {
        use ChangeKind::{Created, Deleted, Updated};
        let store = test_board::open(url);
        test_board::furnish(&store);
        let private = Spec { is_private: true, setter: Some(1), ..Spec::default() };
        test_board::set(&store, &[Spec::default(), private.clone(), private]);
        log(&store, &[
            climb(0, Created, true),
            climb(1, Updated, true),  // it was public until now
            climb(1, Updated, false),
            climb(2, Created, false), // it never was
            climb(8, Deleted, true),
            climb(9, Deleted, false),
        ]);
        for (viewer, created, updated, deleted) in [
            (Viewer::Public, vec![0], vec![], gone(&[1, 8])),
            (Viewer::Person(setter(0)), vec![0], vec![], gone(&[1, 8])),
            (Viewer::Person(setter(1)), vec![0, 2], vec![1], gone(&[8])),
            (Viewer::Service, vec![0, 2], vec![1], gone(&[8, 9])),
        ] {
            let page = follow(&store, viewer, 0, 100);
            let ids = |indexes: Vec<usize>| sorted(indexes.into_iter().map(climb_id).collect());
            assert_eq!(climbs_of(&page.created), ids(created), "{viewer:?}");
            assert_eq!(climbs_of(&page.updated), ids(updated), "{viewer:?}");
            assert_eq!(page.deleted, deleted, "{viewer:?}");
        }
    }

    fn pages_join_up_and_never_skip(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        test_board::set(&store, &vec![Spec::default(); 7]);
        for index in 0..7 {
            log(&store, &[climb(index, ChangeKind::Created, true)]);
        }
        let (mut since, mut seen) = (0, Vec::new());
        loop {
            let page = follow(&store, Viewer::Public, since, 3);
            seen.extend(climbs_of(&page.created));
            assert!(page.next > since);
            since = page.next;
            if !page.has_more {
                break;
            }
        }
        assert_eq!(sorted(seen), sorted((0..7).map(climb_id).collect()));
        assert_eq!(since, 7);
    }
}
