//! Every filter and order held against a naive reading of the same board, on both databases.

use std::cmp::Ordering;

use mastoc_domain::board::PersonalFields;
use mastoc_domain::fold::fold_name;
use mastoc_domain::grade::{FontGrade, GradeRange};
use mastoc_domain::holds_list::Role;
use mastoc_domain::sync_state::Source;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::Store;
use crate::test_board::{self, FACES, HOLDS, SETTERS, Spec, face, gym, hold, setter, time};

const NAMES: [&str; 11] =
    ["Dalle 100%", "dalle_1", "Élan", "elan", "ÉLAN", "Zèbre", "zebre", "a  b", "", "🧗 ours", "\\o/ Straße"];
const SEARCHES: [&str; 11] = ["dalle", "%", "_", "\\", "elan", "É", "z", "", "OURS", "strasse", "a\0b"];
const TAGS: [&str; 7] = ["", "dalle", "Dalle, Tech", "tech,dévers", "DÉVERS", "dalle_x", "100%"];
const WANTED_TAGS: [&str; 8] = ["DALLE", "tech", "dévers", "Dévers", "dalle_x", "100%", "alle", " "];
const RULES: [&str; 2] = ["Tous pieds", "No foot"];
const GRADES: [FontGrade; 5] =
    [FontGrade::Ungraded, FontGrade::F4, FontGrade::F6A, FontGrade::F6AP, FontGrade::F7A];

fn role() -> impl Strategy<Value = Role> {
    select(&Role::ALL[..])
}

fn spec() -> impl Strategy<Value = Spec> {
    let place = (0..FACES.len(), option::of(0..SETTERS), select(&NAMES[..]), 0..6_i64, option::of(0..4_i64));
    let grade = (
        option::of(select(&GRADES[..])),
        option::of(select(&[0.0, 10.5, 14.25][..])),
        option::of(select(&RULES[..])),
    );
    let marks = (any::<bool>(), any::<bool>(), 0..3, 0..3, select(&TAGS[..]), any::<bool>(), any::<bool>());
    let holds = vec((0..HOLDS, role()), 1..5);
    let personal = option::of((option::of(Just("note".to_owned())), option::of(1..6_i16), any::<bool>()));
    let deeds = (0..3_usize, any::<bool>(), any::<bool>());
    (place, grade, marks, holds, personal, deeds).prop_map(
        |(place, grade, marks, mut holds, personal, deeds)| {
            holds.sort_unstable_by_key(|(hold, role)| (*hold, role.letter()));
            holds.dedup();
            Spec {
                face: place.0,
                setter: place.1,
                name: place.2,
                created: place.3,
                synced: place.4,
                grade: grade.0,
                ircra: grade.1,
                feet_rule: grade.2,
                is_private: marks.0,
                is_benchmark: marks.1,
                climbed_by: marks.2,
                total_likes: marks.3,
                tags: marks.4,
                source: if marks.5 { Source::Stokt } else { Source::Mastoc },
                is_local: marks.6,
                holds,
                personal: personal.map(|(notes, rating, is_project)| PersonalFields {
                    notes,
                    rating,
                    is_project,
                }),
                ascents: deeds.0,
                is_liked: deeds.1,
                is_listed: deeds.2,
            }
        },
    )
}

/// `Some` in about one case of six, so that most filters of many fields still let something pass.
fn rarely<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    option::weighted(0.16, of)
}

fn hold_matches() -> impl Strategy<Value = Vec<HoldMatch>> {
    rarely(vec((0..FACES.len(), 0..HOLDS, option::of(role())), 1..4)).prop_map(|matches| {
        let matched = |(face, index, role)| HoldMatch { hold: hold(face, index), role };
        matches.unwrap_or_default().into_iter().map(matched).collect()
    })
}

fn setters() -> impl Strategy<Value = Vec<mastoc_domain::UserId>> {
    rarely(vec((0..SETTERS).prop_map(setter), 1..4)).prop_map(Option::unwrap_or_default)
}

fn filter() -> impl Strategy<Value = ClimbFilter> {
    let place = (rarely(0..3_usize), rarely(0..FACES.len()), setters(), setters());
    let words = (
        rarely(select(&[Source::Mastoc, Source::Stokt][..])),
        rarely(select(&SEARCHES[..])),
        rarely(select(&RULES[..])),
        rarely(vec(select(&WANTED_TAGS[..]), 1..3)),
    );
    let grades = (
        rarely(select(&GRADES[..])),
        rarely(select(&GRADES[..])),
        any::<bool>(),
        rarely(select(&[0.0, 10.5, 12.0][..])),
        rarely(select(&[0.0, 10.5, 12.0][..])),
    );
    let rest = (rarely(0..6_i64), rarely(0..4_i64), proptest::bool::weighted(0.1), rarely(any::<bool>()));
    let holds = (
        hold_matches(),
        hold_matches(),
        rarely(vec((0..FACES.len(), 0..HOLDS), 1..3)),
        rarely(1..4),
        rarely(1..4),
        rarely(vec((select(&Mine::ALL[..]), (0..2_usize).prop_map(setter)), 1..3)),
        rarely(select(vec![test_board::list(), mastoc_domain::ListId::generate()])),
    );
    (place, words, grades, rest, holds).prop_map(|(place, words, grades, rest, holds)| ClimbFilter {
        gym_id: place.0.map(gym),
        face_id: place.1.map(face),
        setter_ids: place.2,
        exclude_setter_ids: place.3,
        source: words.0,
        search: words.1.map(Into::into),
        feet_rule: words.2.map(Into::into),
        tags: words.3.unwrap_or_default().into_iter().map(Into::into).collect(),
        grade_min: grades.0,
        grade_max: grades.1,
        include_ungraded: grades.2,
        min_ircra: grades.3,
        max_ircra: grades.4,
        since_created_at: rest.0.map(time),
        since_synced_at: rest.1.map(time),
        local_only: rest.2,
        benchmark: rest.3,
        holds: holds.0,
        any_holds: holds.1,
        without_holds: holds.2.unwrap_or_default().into_iter().map(|(f, index)| hold(f, index)).collect(),
        min_holds: holds.3,
        max_holds: holds.4,
        mine: holds.5.unwrap_or_default(),
        list_id: holds.6,
    })
}

/// Whether a climb passes, read from the meaning of each field.
fn passes(spec: &Spec, viewer: Viewer, wanted: &ClimbFilter) -> bool {
    let uses = |m: &HoldMatch| {
        spec.holds.iter().any(|(h, r)| hold(spec.face, *h) == m.hold && m.role.is_none_or(|role| role == *r))
    };
    let own = spec.setter.map(setter);
    let seen = match viewer {
        Viewer::Public => !spec.is_private,
        Viewer::Person(person) => !spec.is_private || own == Some(person),
        Viewer::Service => true,
    };
    let tags: Vec<String> = spec.tags.split(',').map(|tag| tag.trim().to_lowercase()).collect();
    let range = GradeRange {
        min: wanted.grade_min,
        max: wanted.grade_max,
        include_ungraded: wanted.include_ungraded,
    };
    let ircra = |limit: Option<f64>, fits: fn(f64, f64) -> bool| match (limit, spec.ircra) {
        (None, _) => true,
        (Some(_), None) => wanted.include_ungraded,
        (Some(limit), Some(ircra)) => fits(ircra, limit),
    };
    seen && wanted.gym_id.is_none_or(|id| id == gym(FACES[spec.face]))
        && wanted.face_id.is_none_or(|id| id == face(spec.face))
        && (wanted.setter_ids.is_empty() || own.is_some_and(|own| wanted.setter_ids.contains(&own)))
        && own.is_none_or(|own| !wanted.exclude_setter_ids.contains(&own))
        && wanted.source.is_none_or(|source| source == spec.source)
        && wanted.search.as_ref().is_none_or(|text| fold_name(spec.name).contains(&fold_name(text)))
        && range.contains(spec.grade.unwrap_or(FontGrade::Ungraded))
        && ircra(wanted.min_ircra, |ircra, limit| ircra >= limit)
        && ircra(wanted.max_ircra, |ircra, limit| ircra <= limit)
        && wanted.since_created_at.is_none_or(|since| time(spec.created) >= since)
        && wanted.since_synced_at.is_none_or(|since| spec.synced.is_some_and(|synced| time(synced) >= since))
        && (!wanted.local_only || spec.is_local)
        && wanted.feet_rule.as_ref().is_none_or(|rule| spec.feet_rule == Some(rule.as_str()))
        && wanted.benchmark.is_none_or(|benchmark| benchmark == spec.is_benchmark)
        && wanted.tags.iter().all(|tag| tag.trim().is_empty() || tags.contains(&tag.to_lowercase()))
        && wanted.holds.iter().all(uses)
        && (wanted.any_holds.is_empty() || wanted.any_holds.iter().any(uses))
        && !wanted.without_holds.iter().any(|hold| uses(&HoldMatch { hold: *hold, role: None }))
        && wanted.min_holds.is_none_or(|least| spec.holds_count() >= least)
        && wanted.max_holds.is_none_or(|most| spec.holds_count() <= most)
        && wanted.mine.iter().all(|(mine, person)| match mine {
            // The personal fields of the board are those of one person.
            Mine::Project => *person == setter(0) && spec.personal.as_ref().is_some_and(|own| own.is_project),
            Mine::Set => own == Some(*person),
            // So are its ascents and likes.
            Mine::Sent => *person == setter(0) && spec.ascents > 0,
            Mine::NotSent => *person != setter(0) || spec.ascents == 0,
            Mine::Liked => *person == setter(0) && spec.is_liked,
        })
        && wanted.list_id.is_none_or(|list| list == test_board::list() && spec.is_listed)
}

fn compare(sort: ClimbSort, a: &(Climb, Spec), b: &(Climb, Spec)) -> Ordering {
    let rank = |spec: &Spec| spec.grade.map_or(0, FontGrade::rank);
    let folded = |climb: &Climb| fold_name(&climb.name).into_bytes();
    let order = match sort {
        ClimbSort::Newest => b.0.created_at.cmp(&a.0.created_at),
        ClimbSort::Oldest => a.0.created_at.cmp(&b.0.created_at),
        ClimbSort::Name => folded(&a.0).cmp(&folded(&b.0)),
        ClimbSort::NameDesc => folded(&b.0).cmp(&folded(&a.0)),
        ClimbSort::Grade => rank(&a.1).cmp(&rank(&b.1)),
        ClimbSort::GradeDesc => rank(&b.1).cmp(&rank(&a.1)),
        ClimbSort::ClimbedBy => b.0.climbed_by.cmp(&a.0.climbed_by),
        ClimbSort::Likes => b.0.total_likes.cmp(&a.0.total_likes),
    };
    let by_id = a.0.id.cmp(&b.0.id);
    order.then(if sort.column().1 { by_id.reverse() } else { by_id })
}

fn expected(board: &[Spec], viewer: Viewer, wanted: &ClimbFilter, sort: ClimbSort) -> Vec<Climb> {
    let mut found: Vec<(Climb, Spec)> = board
        .iter()
        .enumerate()
        .filter(|(_, spec)| passes(spec, viewer, wanted))
        .map(|(index, spec)| {
            let mut climb = spec.climb(index);
            if viewer == Viewer::Person(setter(0)) {
                climb.personal = spec.personal.clone().unwrap_or_default();
            }
            (climb, spec.clone())
        })
        .collect();
    found.sort_by(|a, b| compare(sort, a, b));
    found.into_iter().map(|(climb, _)| climb).collect()
}

const EVERY_WAY: [Drive; 15] = [
    Drive::Holds,
    Drive::Face,
    Drive::Setters,
    Drive::Time,
    Drive::GradeOrder,
    Drive::Order,
    Drive::GymFaces,
    Drive::EachSetter,
    Drive::Gym,
    Drive::Grades,
    Drive::Names,
    Drive::Created,
    Drive::Synced,
    Drive::Marks,
    Drive::Mine,
];

/// Whether a way can be taken for a question at all.
fn is_possible(way: Drive, wanted: &ClimbFilter, sort: ClimbSort) -> bool {
    match way {
        Drive::Time => sort.is_by_time(),
        Drive::GradeOrder => matches!(sort, ClimbSort::Grade | ClimbSort::GradeDesc),
        Drive::GymFaces => sort.is_by_time() && wanted.gym_id.is_some(),
        Drive::EachSetter => sort.is_by_time() && !wanted.setter_ids.is_empty(),
        _ => true,
    }
}

fn check(store: &Store, board: &[Spec], wanted: &ClimbFilter, sort: ClimbSort, step: i64, offset: usize) {
    for viewer in [Viewer::Public, Viewer::Person(setter(0)), Viewer::Person(setter(1)), Viewer::Service] {
        let expected = expected(board, viewer, wanted, sort);
        let found = store.read(|conn| page(conn, viewer, wanted, sort, 0, 1_000)).unwrap();
        assert_eq!(found, expected, "{viewer:?} {wanted:?} {sort}");
        let counted = store.read(|conn| count(conn, viewer, wanted)).unwrap();
        assert_eq!(counted, expected.len() as i64, "count {viewer:?} {wanted:?}");

        let window: Vec<Climb> = expected.iter().skip(offset).take(step as usize).cloned().collect();
        let found = store.read(|conn| page(conn, viewer, wanted, sort, offset as i64, step)).unwrap();
        assert_eq!(found, window, "from {offset}, {step}: {viewer:?} {wanted:?} {sort}");

        let (mut walked, mut cursor): (Vec<Climb>, Option<ClimbCursor>) = (Vec::new(), None);
        loop {
            let (climbs, next) =
                store.read(|conn| after(conn, viewer, wanted, sort, cursor.as_ref(), step)).unwrap();
            assert!(next.is_none() || climbs.len() as i64 == step);
            walked.extend(climbs);
            let Some(next) = next else { break };
            cursor = Some(ClimbCursor::parse(&next.to_text()).unwrap());
        }
        assert_eq!(walked, expected, "by cursor {step}: {viewer:?} {wanted:?} {sort}");

        let ways = EVERY_WAY.into_iter().filter(|way| is_possible(*way, wanted, sort));
        for way in ways {
            let window = Window { after: cursor.as_ref(), offset: 1, limit: step };
            let rows = store.read(|conn| rows_by(way, conn, viewer, wanted, sort, &window)).unwrap();
            let rows: Vec<Climb> = rows.into_iter().map(Climb::from).collect();
            let behind = match &cursor {
                Some(_) => (walked.len() - 1) / step as usize * step as usize,
                None => 0,
            };
            let window: Vec<Climb> = expected.iter().skip(behind + 1).take(step as usize).cloned().collect();
            assert_eq!(rows, window, "{way:?} {viewer:?} {wanted:?} {sort}");
        }
    }
}

mastoc_test_support::both_backends! {
    prepare: test_board::migrate;

    fn every_filter_and_order_agrees_with_a_naive_reading(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let questions = vec((filter(), select(&ClimbSort::ALL[..]), 1..8_i64, 0..20_usize), 16);
        let mut runner = TestRunner::new(Config { cases: 20, failure_persistence: None, ..Config::default() });
        runner
            .run(&(vec(spec(), 0..50), questions), |(board, questions)| {
                test_board::set(&store, &board);
                for (wanted, sort, step, offset) in &questions {
                    check(&store, &board, wanted, *sort, *step, *offset);
                }
                Ok(())
            })
            .unwrap();
    }

    fn climbs_set_by_a_person_are_reached_as_any_setters_are(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let of = |setter| Spec { setter: Some(setter), ..Spec::default() };
        test_board::set(&store, &[of(0), of(1), of(0)]);
        for (setters, expected) in [(vec![], 2), (vec![setter(0), setter(1)], 2), (vec![setter(1)], 0)] {
            let mut wanted = ClimbFilter { setter_ids: setters.clone(), ..ClimbFilter::default() };
            wanted.narrow(Mine::Set, setter(0));
            assert_eq!(wanted.mine.is_empty(), setters.is_empty());
            let found = store.read(|conn| count(conn, Viewer::Public, &wanted)).unwrap();
            assert_eq!(found, expected, "{setters:?}");
        }
    }

    fn a_cursor_is_only_good_for_its_own_order(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        test_board::set(&store, &[Spec::default(), Spec::default()]);
        let all = ClimbFilter::default();
        let (_, cursor) = store.read(|conn| after(conn, Viewer::Public, &all, ClimbSort::Newest, None, 1)).unwrap();
        let refused = store.read(|conn| after(conn, Viewer::Public, &all, ClimbSort::Name, cursor.as_ref(), 1));
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    }

    fn a_page_takes_at_most_two_statements_however_much_there_is(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let searched = ClimbFilter {
            gym_id: Some(gym(0)),
            grade_min: Some(FontGrade::F4),
            holds: vec![HoldMatch { hold: hold(0, 0), role: None }; 3],
            ..ClimbFilter::default()
        };
        let counted = ClimbFilter { holds: Vec::new(), benchmark: Some(true), ..searched.clone() };
        let mut used = Vec::new();
        for size in [1, 60] {
            test_board::set(&store, &vec![Spec { grade: Some(FontGrade::F6A), ..Spec::default() }; size]);
            let before = store.statements();
            store.read(|conn| page(conn, Viewer::Public, &ClimbFilter::default(), ClimbSort::Newest, 0, 50)).unwrap();
            let plain = store.statements();
            store.read(|conn| page(conn, Viewer::Public, &searched, ClimbSort::Name, 0, 50)).unwrap();
            let by_holds = store.statements();
            store.read(|conn| page(conn, Viewer::Public, &counted, ClimbSort::Name, 0, 50)).unwrap();
            let by_count = store.statements();
            store.read(|conn| count(conn, Viewer::Public, &counted)).unwrap();
            let by_id = store.statements();
            store.read(|conn| super::by_id(conn, Viewer::Public, test_board::climb_id(0))).unwrap().unwrap();
            let ids: Vec<ClimbId> = (0..size).map(test_board::climb_id).collect();
            let many = store.statements();
            assert_eq!(store.read(|conn| by_ids(conn, Viewer::Public, &ids)).unwrap().len(), size);
            used.push([
                plain - before,
                by_holds - plain,
                by_count - by_holds,
                by_id - by_count,
                many - by_id,
                store.statements() - many,
            ]);
        }
        // PostgreSQL asks whether a pooled connection still lives before it is used.
        let checks = u64::from(url.starts_with("postgres"));
        let expected = [1, 1, 2, 2, 1, 1].map(|statements| statements + checks);
        assert_eq!(used, [expected, expected]);
    }

    fn private_climbs_are_found_by_nobody_else_by_any_id(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let private = Spec { is_private: true, setter: Some(1), ..Spec::default() };
        test_board::set(&store, &[private.clone(), Spec { setter: None, ..private }]);
        let (own, orphan) = (test_board::climb_id(0), test_board::climb_id(1));
        let stokt_id = StoktId(test_board::scrambled(5, 0));
        for (viewer, sees) in [
            (Viewer::Public, [false, false]),
            (Viewer::Person(setter(0)), [false, false]),
            (Viewer::Person(setter(1)), [true, false]),
            (Viewer::Service, [true, true]),
        ] {
            let read = |id| store.read(|conn| by_id(conn, viewer, id)).unwrap().is_some();
            assert_eq!([read(own), read(orphan)], sees, "{viewer:?}");
            let found = store.read(|conn| by_stokt_id(conn, viewer, stokt_id)).unwrap();
            assert_eq!(found.is_some(), sees[0], "{viewer:?}");
            let found = store.read(|conn| by_ids(conn, viewer, &[own, orphan, own])).unwrap();
            assert_eq!(found.len(), sees.iter().filter(|seen| **seen).count(), "{viewer:?}");
        }
    }
}
