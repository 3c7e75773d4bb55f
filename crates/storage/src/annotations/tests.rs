//! The databases count as the domain does.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::Store;
use crate::test_board::{self, hold, setter};

/// What each of the four people says about one hold, as places of words, and whether their report was closed.
type Said = (usize, Option<usize>, Option<usize>, Option<usize>, bool);

/// Replaces everything that is said.
fn say(store: &Store, said: &BTreeMap<(i64, usize), Said>) {
    let rows: Vec<_> = said
        .iter()
        .map(|((number, person), (_, grip, condition, difficulty, closed))| {
            let now = Time(test_board::time(1));
            (
                a::hold_id.eq(hold(0, *number).0),
                a::user_id.eq(Id(setter(*person).0)),
                a::grip_type.eq(grip.map(|word| GripType::ALL[word].as_str())),
                a::condition.eq(condition.map(|word| Condition::ALL[word].as_str())),
                a::difficulty.eq(difficulty.map(|word| Difficulty::ALL[word].as_str())),
                a::is_condition_closed.eq(*closed),
                a::created_at.eq(now),
                a::updated_at.eq(now),
            )
        })
        .collect();
    store
        .write(|conn| {
            on_backend!(conn, |c| diesel::delete(a::table).execute(c))?;
            for row in rows {
                on_backend!(conn, |c| diesel::insert_into(a::table).values(row).execute(c))?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

mastoc_test_support::both_backends! {
    prepare: test_board::migrate;

    fn sql_agrees_with_the_domain_whatever_people_say(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        // Few words, so that many votes are equal.
        let said = (0_usize..4, proptest::option::of(0_usize..4), proptest::option::of(0_usize..4),
            proptest::option::of(0_usize..3), proptest::bool::weighted(0.2));
        let boards = proptest::collection::btree_map((0_i64..5, 0_usize..4), said, 0..20);
        let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
        let asked: Vec<HoldId> = [4, 1, 0, 2, 3].map(|number| hold(0, number)).into_iter().chain([HoldId(777_777)]).collect();
        let agree = |said: BTreeMap<(i64, usize), Said>| {
            say(&store, &said);
            let before = store.statements();
            let found = store.read(|conn| by_holds(conn, Viewer::Person(setter(1)), &asked)).unwrap();
            prop_assert!(store.statements() - before <= 3);
            prop_assert_eq!(found.iter().map(|one| one.hold_id).collect::<Vec<_>>(), (0..5).map(|n| hold(0, n)).collect::<Vec<_>>());
            for (number, found) in (0..).zip(&found) {
                let of = || said.iter().filter(move |((hold, _), _)| *hold == number).map(|(_, said)| said);
                prop_assert_eq!(found.total_annotators as usize, of().count());
                prop_assert_eq!(found.grip_type, Consensus::of(of().filter_map(|said| Some(GripType::ALL[said.1?]))));
                let open = of().filter(|said| !said.4).filter_map(|said| Some(Condition::ALL[said.2?]));
                prop_assert_eq!(found.condition, Consensus::of(open));
                prop_assert_eq!(found.difficulty, Consensus::of(of().filter_map(|said| Some(Difficulty::ALL[said.3?]))));
                let own = said.get(&(number, 1));
                prop_assert_eq!(found.own.as_ref().map(|own| own.condition), own.map(|own| Some(Condition::ALL[own.2?])));
            }
            Ok(())
        };
        runner.run(&boards, agree).unwrap();
    }

    fn fields_stay_clear_and_go_as_they_are_said(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let (id, me) = (hold(0, 2), setter(2));
        let put = |patch: AnnotationPatch| store.write(|conn| put(conn, me, id, &patch));
        let own = |viewer| store.read(|conn| by_hold(conn, viewer, id)).unwrap().unwrap().own;
        put(AnnotationPatch { grip_type: Some(Some(GripType::Bac)), notes: Some(Some("à gauche".into())), ..AnnotationPatch::default() }).unwrap();
        put(AnnotationPatch { condition: Some(Some(Condition::Sale)), grip_type: Some(None), ..AnnotationPatch::default() }).unwrap();
        let mine = own(Viewer::Person(me)).unwrap();
        assert_eq!((mine.grip_type, mine.condition, mine.notes.as_deref()), (None, Some(Condition::Sale), Some("à gauche")));
        assert_eq!(own(Viewer::Person(setter(0))), None);
        assert_eq!(own(Viewer::Service), None);
        put(AnnotationPatch { condition: Some(None), notes: Some(None), ..AnnotationPatch::default() }).unwrap();
        assert_eq!(own(Viewer::Person(me)), None, "a row that says nothing is not kept");
        assert_eq!(store.read(|conn| by_hold(conn, Viewer::Public, id)).unwrap().unwrap().total_annotators, 0);
        let unknown = store.write(|conn| super::put(conn, me, HoldId(555), &AnnotationPatch::default()));
        assert!(matches!(unknown, Err(StoreError::NotFound)));
        assert!(!store.write(|conn| remove(conn, me, id)).unwrap());
    }
}
