//! Holds SQLite to the indexes that the queries are written for, without any statistics of the data.

use diesel::sql_types::{Integer, Text};
use mastoc_domain::grade::FontGrade;

use super::*;
use crate::test_board::{self, face, gym, hold, setter};

/// How SQLite would fetch a page: its steps, one in a line.
fn plan(drive: Drive, filter: &ClimbFilter, sort: ClimbSort, cursor: Option<&str>) -> String {
    let cursor =
        cursor.map(|key| ClimbCursor::parse(&format!("{sort} {} {key}", ClimbId::generate())).unwrap());
    let window = Window { after: cursor.as_ref(), offset: 0, limit: 51 };
    let mut sql = Fragment::new("EXPLAIN QUERY PLAN ");
    sql.append(&rows_sql(drive, Viewer::Public, filter, sort, &window));
    let statement = sql.selecting::<(Integer, Integer, Integer, Text)>();
    let place = mastoc_test_support::sqlite::fresh_path();
    let store = test_board::open(place.url());
    let steps: Vec<(i32, i32, i32, String)> =
        store.read(|conn| on_backend!(conn, |c| statement.load(c)).map_err(StoreError::from)).unwrap();
    steps.into_iter().map(|(_, _, _, step)| step + "\n").collect()
}

fn graded() -> ClimbFilter {
    ClimbFilter { grade_min: Some(FontGrade::F6A), grade_max: Some(FontGrade::F7A), ..ClimbFilter::default() }
}

#[track_caller]
fn follows(plan: &str, index: &str) {
    assert!(plan.contains(index), "{plan}");
    assert!(!plan.contains("FOR ORDER BY"), "{plan}");
}

#[test]
fn a_page_in_order_walks_one_index_from_where_the_cursor_stands() {
    let time = Some("2025-01-01T00:00:00Z");
    let newest = plan(Drive::Time, &ClimbFilter::default(), ClimbSort::Newest, time);
    follows(&newest, "SEARCH c USING INDEX climbs_by_created ((created_at,id)<(?,?))");
    let gym = ClimbFilter { gym_id: Some(gym(0)), ..graded() };
    follows(
        &plan(Drive::Time, &gym, ClimbSort::Oldest, time),
        "SEARCH c USING INDEX climbs_by_created ((created_at,id)>(?,?))",
    );
    follows(
        &plan(Drive::Order, &gym, ClimbSort::Name, Some("dalle")),
        "SEARCH c USING INDEX climbs_by_name ((name_folded,id)>(?,?))",
    );
    follows(
        &plan(Drive::GradeOrder, &graded(), ClimbSort::GradeDesc, Some("12")),
        "SEARCH c USING INDEX climbs_by_grade (grade_rank>? AND (grade_rank,id)<(?,?))",
    );
    let since = ClimbFilter { since_created_at: Some(test_board::time(0)), ..ClimbFilter::default() };
    follows(
        &plan(Drive::Time, &since, ClimbSort::Oldest, time),
        "SEARCH c USING INDEX climbs_by_created ((created_at,id)>(?,?))",
    );
    let on_face = ClimbFilter { face_id: Some(face(0)), ..graded() };
    follows(
        &plan(Drive::Face, &on_face, ClimbSort::Newest, time),
        "SEARCH c USING INDEX climbs_by_face_created (face_id=? AND (created_at,id)<(?,?))",
    );
    let by_setter = ClimbFilter { setter_ids: vec![setter(0)], ..graded() };
    follows(
        &plan(Drive::Setters, &by_setter, ClimbSort::Newest, time),
        "SEARCH c USING INDEX climbs_by_setter_created (setter_id=? AND (created_at,id)<(?,?))",
    );
    let benchmarks = ClimbFilter { benchmark: Some(true), ..graded() };
    follows(&plan(Drive::Time, &benchmarks, ClimbSort::Newest, time), "USING INDEX climbs_benchmark");
}

#[test]
fn a_search_by_holds_starts_from_the_holds() {
    let used = |index| HoldMatch { hold: hold(0, index), role: None };
    let filter = ClimbFilter { holds: vec![used(0), used(1), used(2)], ..graded() };
    for sort in ClimbSort::ALL {
        let plan = plan(Drive::Holds, &filter, sort, None);
        assert!(plan.contains("SEARCH c USING INDEX sqlite_autoindex_climbs_1 (id=?)"), "{plan}");
        assert_eq!(plan.matches("COVERING INDEX climb_holds_by_hold (hold_id=?)").count(), 3, "{plan}");
        assert!(!plan.contains("SCAN"), "{plan}");
    }
}

#[test]
fn a_gym_of_few_faces_merges_their_indexes() {
    let filter = ClimbFilter { gym_id: Some(gym(0)), ..graded() };
    let plan = plan(Drive::GymFaces, &filter, ClimbSort::Newest, Some("2025-01-01T00:00:00Z"));
    let step = "SEARCH y USING INDEX climbs_by_face_created (face_id=? AND (created_at,id)<(?,?))";
    assert!(plan.contains(step), "{plan}");
    assert!(plan.contains("SEARCH c USING INDEX sqlite_autoindex_climbs_1 (id=?)"), "{plan}");
    assert!(!plan.contains("SCAN"), "{plan}");
}

#[test]
fn projects_are_gathered_from_the_persons_own_rows() {
    let filter = ClimbFilter { mine: vec![(Mine::Project, setter(0))], face_id: Some(face(0)), ..graded() };
    for sort in ClimbSort::ALL {
        let plan = plan(Drive::Mine, &filter, sort, None);
        assert!(plan.contains("SEARCH c USING INDEX sqlite_autoindex_climbs_1 (id=?)"), "{plan}");
        assert!(
            plan.contains("SEARCH climb_personal USING INDEX climb_personal_projects (user_id=?)"),
            "{plan}"
        );
        assert!(!plan.contains("SCAN"), "{plan}");
    }
}

#[test]
fn what_a_person_sent_or_likes_and_the_climbs_of_a_list_are_gathered_from_their_rows() {
    let mine = |mine| ClimbFilter { mine: vec![(Mine::NotSent, setter(1)), (mine, setter(0))], ..graded() };
    let listed =
        ClimbFilter { list_id: Some(test_board::list()), mine: vec![(Mine::Sent, setter(0))], ..graded() };
    for (filter, index) in [
        (mine(Mine::Sent), "SEARCH ascents USING COVERING INDEX ascents_by_user_climb (user_id=?"),
        (mine(Mine::Liked), "SEARCH climb_likes USING COVERING INDEX climb_likes_by_user (user_id=?"),
        (listed, "SEARCH list_items USING COVERING INDEX sqlite_autoindex_list_items_1 (list_id=?"),
    ] {
        for sort in ClimbSort::ALL {
            let plan = plan(Drive::Mine, &filter, sort, None);
            assert!(plan.contains("SEARCH c USING INDEX sqlite_autoindex_climbs_1 (id=?)"), "{plan}");
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("SCAN"), "{plan}");
        }
    }
    // What was not sent is most of the board: it is met along the order.
    let rest = ClimbFilter { mine: vec![(Mine::NotSent, setter(0))], ..ClimbFilter::default() };
    follows(
        &plan(Drive::Time, &rest, ClimbSort::Newest, Some("2025-01-01T00:00:00Z")),
        "SEARCH c USING INDEX climbs_by_created ((created_at,id)<(?,?))",
    );
}
