//! Every filter, order and way of paging of climbs reaches storage.

use std::collections::HashSet;

use crate::support::{FIRST_HOLD, TestApp, climb_id, migrate};
use serde_json::Value;

/// The numbers of the climbs that a query finds, in its order.
fn found(app: &TestApp, query: &str) -> Vec<u32> {
    let page = app.get(&format!("/api/climbs?page_size=500&{query}")).ok();
    let numbers = numbers(&page);
    assert_eq!(page["count"], numbers.len(), "{query}");
    numbers
}

fn numbers(page: &Value) -> Vec<u32> {
    let ids = page["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|climb| climb["stokt_id"].as_str().unwrap().to_owned());
    ids.map(|id| (0..30).find(|n| climb_id(*n) == id).unwrap()).collect()
}

fn all_but(range: std::ops::Range<u32>, keep: impl Fn(u32) -> bool) -> Vec<u32> {
    range.rev().filter(|n| keep(*n)).collect()
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn every_filter_is_wired(url: &str) {
        let app = TestApp::start(url).with_board();
        let first = app.get("/api/climbs?page_size=500&sort=oldest").ok();
        let face = first["results"][0]["face_id"].as_str().unwrap();
        let setter = |n: usize| first["results"][n]["setter_id"].as_str().unwrap().to_owned();
        let gym = app.first_id("/api/gyms");
        let other = "00000000-0000-4000-8000-000000000000";
        let all = all_but(0..30, |_| true);

        for same in ["", "unknown=1", "search=", "source=stokt", &format!("face_id={face}"), &format!("gym_id={gym}"), "min_holds=4", "max_holds=4", "since_synced_at=2020-01-01"] {
            if same.contains("since") {
                assert_eq!(app.get(&format!("/api/climbs?{same}")).problem().0, 422);
            } else {
                assert_eq!(found(&app, same), all, "{same}");
            }
        }
        assert_eq!(found(&app, "since_synced_at=2020-01-01T00:00:00"), all);
        for none in [
            format!("face_id={other}"), format!("gym_id={other}"), format!("setter_id={other}"), "source=mastoc".into(),
            "local_only=true".into(), "min_holds=5".into(), "max_holds=3".into(), "since_synced_at=2999-01-01T00:00:00Z".into(),
            "tags=nothing".into(), "feet_rule=nothing".into(), "search=100%25%25".into(), "holds=1".into(),
        ] {
            assert_eq!(found(&app, &none), Vec::<u32>::new(), "{none}");
        }
        assert_eq!(found(&app, &format!("setter_id={}", setter(0))), all_but(0..30, |n| n % 3 == 0));
        assert_eq!(
            found(&app, &format!("setter_ids={},{}", setter(0), setter(1))),
            all_but(0..30, |n| n % 3 != 2)
        );
        assert_eq!(found(&app, &format!("exclude_setter_ids={}", setter(2))), all_but(0..30, |n| n % 3 != 2));
        assert_eq!(found(&app, "search=ETE%20100%20%25%20A"), [7]);
        assert_eq!(found(&app, "search=oc%200"), all_but(0..10, |n| n != 7));
        assert_eq!(found(&app, "grade_min=6A&grade_max=6A%2B"), all_but(0..30, |n| matches!(n % 6, 2 | 3)));
        // Programs forget to escape the plus sign.
        assert_eq!(found(&app, "grade_min=6A+&grade_max=6A+"), found(&app, "grade_min=6A%2B&grade_max=6A%2B"));
        assert_eq!(
            found(&app, "grade_min=6A&grade_max=6A%2B&include_ungraded=true"),
            all_but(0..30, |n| matches!(n % 6, 2 | 3 | 5))
        );
        assert_eq!(found(&app, "min_ircra=12&max_ircra=12.5"), all_but(0..30, |n| n % 6 == 2));
        assert_eq!(found(&app, "since_created_at=2024-01-29T06:00:00Z"), [29, 28]);
        assert_eq!(found(&app, "since_created_at=2024-01-29T08:00:00+02:00"), [29, 28]);
        assert_eq!(found(&app, "since_created_at=2024-01-29T06:00:00.5"), [29]);
        assert_eq!(found(&app, "feet_rule=No%20foot"), all_but(0..30, |n| n % 2 == 1));
        assert_eq!(found(&app, "benchmark=true"), [3]);
        assert_eq!(found(&app, "benchmark=false"), all_but(0..30, |n| n != 3));
        assert_eq!(found(&app, "tags=dalle,pieds"), [3]);
        let hold = |k: u32| FIRST_HOLD + k;
        assert_eq!(
            found(&app, &format!("holds={},{}", hold(0), hold(3))),
            all_but(0..30, |n| n % 12 == 0)
        );
        assert_eq!(found(&app, &format!("holds=S{}", hold(1))), all_but(0..30, |n| n % 12 == 1));
        assert_eq!(found(&app, &format!("any_holds=T{},{}S", hold(3), hold(1))), all_but(0..30, |n| n % 12 <= 1));
        assert_eq!(
            found(&app, &format!("without_holds={}", hold(3))),
            all_but(0..30, |n| !(0..=3).contains(&(n % 12)))
        );
    }

    fn every_order_is_total_and_pages_agree_with_cursors(url: &str) {
        let app = TestApp::start(url).with_board();
        assert_eq!(found(&app, "sort=oldest"), (0..30).collect::<Vec<_>>());
        assert_eq!(found(&app, "sort=climbed_by")[0] % 10, 9);
        assert_eq!(found(&app, "sort=likes")[0] % 4, 3);
        assert_eq!(found(&app, "sort=grade")[0] % 6, 5);
        assert_eq!(found(&app, "sort=-grade")[0] % 6, 4);
        for sort in ["newest", "oldest", "name", "-name", "grade", "-grade", "climbed_by", "likes"] {
            let all = found(&app, &format!("sort={sort}"));
            let mut by_page = Vec::new();
            for page in 1..=5 {
                by_page.extend(numbers(&app.get(&format!("/api/climbs?sort={sort}&page={page}&page_size=7")).ok()));
            }
            assert_eq!(by_page, all, "{sort}");
            let (mut by_cursor, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = app.get(&format!("/api/climbs?sort={sort}&page_size=7&cursor={cursor}")).ok();
                by_cursor.extend(numbers(&page));
                assert!(page.get("count").is_none());
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(by_cursor, all, "{sort}");
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), 30);
        }
        // A cursor carries its order.
        let next = app.get("/api/climbs?sort=name&page_size=7&cursor=").ok()["next_cursor"].as_str().unwrap().to_owned();
        assert_eq!(
            app.get(&format!("/api/climbs?page_size=7&cursor={next}")).ok(),
            app.get(&format!("/api/climbs?sort=name&page_size=7&cursor={next}")).ok()
        );
        assert_eq!(app.get(&format!("/api/climbs?sort=likes&cursor={next}")).problem().0, 422);
    }
}
