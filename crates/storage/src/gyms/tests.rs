//! The board's furniture as different readers see it, on both databases.

use mastoc_domain::holds_list::Role;
use mastoc_domain::{FaceId, HoldId, StoktHoldId, StoktId, WallId};

use super::*;
use crate::stats::{self, SyncStats};
use crate::test_board::{self, HOLDS, PICTURE, Spec, climb_id, face, gym, hold, scrambled, setter};
use crate::{faces, holds, walls};

/// Two public climbs of setter 0 on face 0, a private one of setter 1 beside them, and a private orphan elsewhere.
fn mixed() -> Vec<Spec> {
    let public = Spec { grade: Some(FontGrade::F6A), ..Spec::default() };
    vec![
        public.clone(),
        Spec { created: 1, grade: None, ..public.clone() },
        Spec { created: 2, is_private: true, setter: Some(1), grade: Some(FontGrade::F7A), ..public.clone() },
        Spec { face: 2, is_private: true, setter: None, is_local: true, ..public },
    ]
}

/// Readers, and how many climbs on face 0 each of them sees.
fn readers() -> [(Viewer, i64); 4] {
    [
        (Viewer::Public, 2),
        (Viewer::Person(setter(0)), 2),
        (Viewer::Person(setter(1)), 3),
        (Viewer::Service, 3),
    ]
}

mastoc_test_support::both_backends! {
    prepare: test_board::migrate;

    fn gyms_and_walls_are_sorted_byte_by_byte_on_both_databases(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let names: Vec<String> = store.read(list).unwrap().into_iter().map(|gym| gym.display_name).collect();
        assert_eq!(names, ["Zinal", "arkose", "Éclat"]);
        let walls = store.read(|conn| walls::list(conn, None)).unwrap();
        let names: Vec<&str> = walls.iter().map(|wall| wall.name.as_str()).collect();
        assert_eq!(names, ["Zinal", "arkose", "Éclat"]);
        assert!(walls[0].feet_rules[0].is_default);

        let one = store.read(|conn| walls::list(conn, Some(gym(1)))).unwrap();
        assert_eq!(one.iter().map(|wall| wall.id).collect::<Vec<_>>(), [WallId(scrambled(7, 1))]);
        assert_eq!(store.read(|conn| walls::by_id(conn, one[0].id)).unwrap().as_ref(), one.first());
        assert_eq!(store.read(|conn| by_id(conn, gym(1))).unwrap().unwrap().display_name, "arkose");
        let found = store.read(|conn| by_stokt_id(conn, StoktId(scrambled(6, 1)))).unwrap().unwrap();
        assert_eq!(found.id, gym(1));
        assert_eq!(store.read(|conn| by_id(conn, GymId::generate())).unwrap(), None);
    }

    fn faces_count_only_what_the_reader_sees(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        test_board::set(&store, &mixed());
        for (viewer, expected) in readers() {
            let found = store.read(|conn| faces::by_id(conn, viewer, face(0))).unwrap().unwrap();
            assert_eq!(found.climbs_count, expected, "{viewer:?}");
            assert_eq!(found.holds_count, HOLDS - 1);
            assert_eq!(found.version, 2);
            assert_eq!(found.picture.as_ref().unwrap().path, "CACHE/0-2.jpg");
            assert_eq!(found.picture_sha256.as_deref(), Some(PICTURE));
            assert_eq!(found.feet_rules_options, ["Tous pieds", "No foot"]);
            let again = store.read(|conn| faces::by_stokt_id(conn, viewer, StoktId(scrambled(8, 0)))).unwrap();
            assert_eq!(again.as_ref(), Some(&found));

            let listed = store.read(|conn| faces::list(conn, viewer, Some(gym(0)))).unwrap();
            let mut ids: Vec<FaceId> = vec![face(0), face(1)];
            ids.sort_unstable();
            assert_eq!(listed.iter().map(|face| face.id).collect::<Vec<_>>(), ids);
            assert!(listed.contains(&found));
            let all = store.read(|conn| faces::list(conn, viewer, None)).unwrap();
            let seen: i64 = all.iter().map(|face| face.climbs_count).sum();
            assert_eq!(seen, expected + i64::from(viewer == Viewer::Service), "{viewer:?}");
        }
    }

    fn a_setup_has_the_holds_of_the_current_version(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let before = store.statements();
        let setup = store.snapshot(|conn| faces::setup(conn, Viewer::Public, face(1))).unwrap().unwrap();
        let used = store.statements() - before;
        assert!(used <= 5, "{used} statements, of which three begin, end and check");
        let ids: Vec<HoldId> = setup.holds.iter().map(|hold| hold.id).collect();
        assert_eq!(ids, (0..HOLDS - 1).map(|index| hold(1, index)).collect::<Vec<_>>());
        assert_eq!(setup.holds[0].centroid_x, 2.5);
        assert_eq!(setup.holds[0].centroid_y, 0.1);
        assert_eq!(setup.holds[0].shape.area, "12.50");
        assert!(setup.face.has_symmetry);
        let by_stokt = store.read(|conn| {
            faces::setup_by_stokt_id(conn, Viewer::Public, StoktId(scrambled(8, 1)))
        });
        assert_eq!(by_stokt.unwrap().as_ref(), Some(&setup));
        assert_eq!(store.read(|conn| faces::setup(conn, Viewer::Public, FaceId::generate())).unwrap(), None);

        assert_eq!(store.read(|conn| holds::by_face(conn, face(1))).unwrap(), setup.holds);
        let first = &setup.holds[0];
        assert_eq!(store.read(|conn| holds::by_id(conn, first.id)).unwrap().as_ref(), Some(first));
        let stokt_id = StoktHoldId::new(first.id.0).unwrap();
        assert_eq!(store.read(|conn| holds::by_stokt_id(conn, stokt_id)).unwrap().as_ref(), Some(first));
        let gone = hold(1, HOLDS - 1);
        assert_eq!(store.read(|conn| holds::by_id(conn, gone)).unwrap(), None);
    }

    fn a_summary_counts_only_what_the_reader_sees(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        test_board::set(&store, &mixed());
        for (viewer, climbs) in readers() {
            let before = store.statements();
            let summary = store.read(|conn| summary(conn, viewer, gym(0), 2, 10)).unwrap().unwrap();
            assert!(store.statements() - before <= 8);
            assert_eq!((summary.walls, summary.faces, summary.holds), (1, 2, 2 * (HOLDS - 1)));
            assert_eq!(summary.climbs, climbs, "{viewer:?}");
            let mut grades = vec![
                GradeCount { grade: FontGrade::Ungraded, climbs: 1 },
                GradeCount { grade: FontGrade::F6A, climbs: 1 },
            ];
            let mut newest = vec![climb_id(1), climb_id(0)];
            let mut setters = vec![(setter(0), 2)];
            if climbs == 3 {
                grades.push(GradeCount { grade: FontGrade::F7A, climbs: 1 });
                newest = vec![climb_id(2), climb_id(1)];
                setters.push((setter(1), 1));
            }
            assert_eq!(summary.grades, grades);
            assert_eq!(summary.newest.iter().map(|climb| climb.id).collect::<Vec<_>>(), newest);
            let found: Vec<_> = summary.setters.iter().map(|setter| (setter.id, setter.climbs_count)).collect();
            assert_eq!(found, setters);
            assert_eq!(summary.setters_count, setters.len() as i64);
        }
        assert_eq!(store.read(|conn| super::summary(conn, Viewer::Public, GymId::generate(), 1, 1)).unwrap(), None);
    }

    fn setters_are_those_with_climbs_the_reader_sees(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let tied = Spec { setter: Some(2), ..Spec::default() };
        test_board::set(&store, &[mixed(), vec![tied.clone(), Spec { setter: Some(3), ..tied }]].concat());
        let ids = |viewer, gym, offset, limit| -> Vec<_> {
            let found = store.read(|conn| setters::list(conn, viewer, gym, offset, limit)).unwrap();
            found.into_iter().map(|setter| (setter.id, setter.climbs_count)).collect()
        };
        let public = [(setter(0), 2), (setter(2), 1), (setter(3), 1)];
        assert_eq!(ids(Viewer::Public, None, 0, 10), public);
        assert_eq!(ids(Viewer::Public, Some(gym(0)), 1, 1), public[1..2]);
        assert_eq!(ids(Viewer::Public, Some(gym(1)), 0, 10), []);
        assert_eq!(ids(Viewer::Service, None, 0, 10).len(), 4);
        assert_eq!(store.read(|conn| setters::count(conn, Viewer::Public, None)).unwrap(), 3);
        let hidden = store.read(|conn| setters::by_id(conn, Viewer::Public, setter(1))).unwrap().unwrap();
        assert_eq!((hidden.climbs_count, hidden.full_name.as_str()), (0, "Setter 1"));
    }

    fn stats_count_everything(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let mut specs = mixed();
        specs[1].holds = vec![(0, Role::Start), (0, Role::Top)];
        test_board::set(&store, &specs);
        store.write(stats::refresh_statistics).unwrap();
        let counted = store.read(stats::sync_stats).unwrap();
        let expected =
            SyncStats { gyms: 3, faces: 4, holds: 24, climbs: 4, users: 4, climbs_synced: 3, climbs_local: 1 };
        assert_eq!(counted, expected);
    }
}
