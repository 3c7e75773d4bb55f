//! Logbooks: ascents, who sees them, and what they add up to.

use crate::support::community::{created, hide, id_of, read, set};
use crate::support::{Person, Reply, TestApp, migrate};
use mastoc_domain::access::{AccountRole, Scope};
use serde_json::{Value, json};

fn log(app: &TestApp, person: &Person, climb: &str, body: &Value) -> Value {
    created(&app.by(person, "POST", &format!("{climb}/ascents"), body))
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn an_ascent_is_entered_changed_and_deleted(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let climb = format!("/api/climbs/{}", id_of(&app, 2));
        let before = app.get(&climb).ok();
        let plain = log(&app, &anna, &climb, &json!({}));
        assert_eq!((&plain["attempts"], &plain["is_flash"], &plain["notes"]), (&json!(1), &json!(false), &Value::Null));
        assert_eq!(plain["climbed_at"].as_str().unwrap()[..10], plain["created_at"].as_str().unwrap()[..10]);
        assert_eq!((&plain["user_name"], &plain["climb_name"], &plain["grade_font"]), (&json!("anna"), &json!("Bloc 02"), &json!("6A")));
        let full = log(&app, &anna, &climb, &json!({"climbed_at": "2026-01-31T23:30:00-02:00", "attempts": 1, "is_flash": true, "grade_feel": -1, "rating": 5, "notes": " Facile\n "}));
        assert_eq!(full["climbed_at"], "2026-02-01T01:30:00.000000Z");
        assert_eq!((&full["is_flash"], &full["grade_feel"], &full["rating"], &full["notes"]), (&json!(true), &json!(-1), &json!(5), &json!("Facile")));

        let path = format!("/api/ascents/{}", full["id"].as_str().unwrap());
        let reply = app.by(&anna, "PATCH", &path, &json!({"attempts": 3}));
        assert_eq!((reply.problem().0, &reply.json()["errors"][0]["field"]), (422, &json!("is_flash")));
        let changed = app.by(&anna, "PATCH", &path, &json!({"attempts": 3, "is_flash": false, "rating": null, "grade_feel": 1})).ok();
        assert_eq!((&changed["attempts"], &changed["rating"], &changed["grade_feel"], &changed["notes"]), (&json!(3), &Value::Null, &json!(1), &json!("Facile")));
        assert_eq!(app.by(&anna, "PATCH", &path, &json!({})).ok(), changed);
        // The latest first, everywhere.
        for list in [format!("{climb}/ascents"), "/api/users/me/ascents".to_owned()] {
            let page = read(&app, &anna, &list);
            assert_eq!((page["count"].as_i64(), &page["results"][1]), (Some(2), &changed), "{list}");
        }
        assert_eq!(app.by(&anna, "DELETE", &path, &Value::Null).status, 204);
        assert_eq!(app.by(&anna, "DELETE", &path, &Value::Null).problem(), (404, "not_found".into()));
        assert_eq!(read(&app, &anna, &format!("{climb}/ascents"))["results"], json!([plain]));
        assert_eq!(app.get(&climb).ok(), before, "Stokt's counters are left alone");
    }

    fn s14_s16_ascents_are_checked_and_entered_once(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let path = format!("/api/climbs/{}/ascents", id_of(&app, 2));
        let day = |hours: i64| json!({"climbed_at": (mastoc_domain::Timestamp::now().as_utc() + std::time::Duration::from_secs(3_600 * hours as u64)).to_rfc3339()});
        assert_eq!(app.by(&anna, "POST", &path, &day(23)).status, 201);
        for (body, field) in [
            (day(25), "climbed_at"),
            (json!({"climbed_at": "hier"}), "climbed_at"),
            (json!({"climbed_at": 3}), "climbed_at"),
            (json!({"attempts": 0}), "attempts"),
            (json!({"attempts": 1.5}), "attempts"),
            (json!({"attempts": 100_001}), "attempts"),
            (json!({"attempts": 2, "is_flash": true}), "is_flash"),
            (json!({"is_flash": "no"}), "is_flash"),
            (json!({"grade_feel": 2}), "grade_feel"),
            (json!({"grade_feel": -2}), "grade_feel"),
            (json!({"rating": 0}), "rating"),
            (json!({"rating": 6}), "rating"),
            (json!({"notes": "x".repeat(2001)}), "notes"),
            (json!({"notes": "a\u{7}"}), "notes"),
        ] {
            let reply = app.by(&anna, "POST", &path, &body);
            assert_eq!(reply.problem(), (422, "invalid".into()), "{body}");
            assert_eq!(reply.json()["errors"][0]["field"], field, "{body}");
        }
        assert_eq!(read(&app, &anna, &path)["count"], 1);
        let bearer = anna.bearer();
        let send = |body: &[u8]| app.call("POST", &path, &[("authorization", &bearer), ("idempotency-key", "k")], body);
        assert_eq!(created(&send(b"{}")), created(&send(b"{}")));
        assert_eq!(send(b"{\"attempts\":2}").problem().1, "idempotency_key_reused");
        assert_eq!(read(&app, &anna, &path)["count"], 2);
        for query in ["from=x", "to=x", "face_id=x", "gym_id=x", "page=0"] {
            assert_eq!(app.by(&anna, "GET", &format!("/api/users/me/ascents?{query}"), &Value::Null).problem().0, 422, "{query}");
        }
    }

    fn s11_ascents_are_seen_with_their_climb_and_touched_by_their_climber(url: &str) {
        let app = TestApp::public(url).with_board();
        let (anna, ben, admin) = (app.person("anna"), app.person("ben"), app.person_with("root", AccountRole::Admin));
        let keys: Vec<(String, bool)> =
            Scope::ALL.iter().map(|scope| (app.key(*scope), matches!(scope, Scope::Sync | Scope::Admin))).collect();
        let climb = set(&app, &anna, false);
        let list = format!("{climb}/ascents");
        let own = log(&app, &anna, &climb, &json!({"notes": "pour moi"}));
        let bens = log(&app, &ben, &climb, &json!({"notes": "pour Ben"}));
        let (own, bens) = (own["id"].as_str().unwrap(), bens["id"].as_str().unwrap());
        let notes = |reply: Reply, id: &str| {
            let page = reply.ok();
            assert_eq!(page["count"], 2);
            let found = page["results"].as_array().unwrap().iter().find(|ascent| ascent["id"] == id).cloned();
            found.unwrap()["notes"].clone()
        };
        assert_eq!(notes(app.by(&anna, "GET", &list, &Value::Null), own), "pour moi");
        for reply in [app.by(&ben, "GET", &list, &Value::Null), app.by(&admin, "GET", &list, &Value::Null), app.get(&list), app.get_as_nobody(&list)] {
            assert_eq!(notes(reply, own), Value::Null);
        }
        let path = format!("/api/ascents/{own}");
        let patch = json!({"rating": 1});
        assert_eq!(app.by(&ben, "PATCH", &path, &patch).problem(), (403, "forbidden".into()));
        assert_eq!(app.by(&admin, "PATCH", &path, &patch).problem(), (403, "forbidden".into()));
        assert_eq!(app.by(&ben, "DELETE", &path, &Value::Null).problem(), (403, "forbidden".into()));
        for (key, _) in &keys {
            for (method, path) in [("PATCH", &path), ("DELETE", &path), ("POST", &list)] {
                assert_eq!(app.call(method, path, &[("x-api-key", key)], b"{}").problem().1, "person_needed");
            }
        }
        assert_eq!(app.call("POST", &list, &[], b"{}").problem().0, 401);

        hide(&app, &anna, &climb, true);
        assert_eq!(read(&app, &anna, &list)["count"], 2, "who set it sees it with all of its ascents");
        for stranger in [&ben, &admin] {
            assert_eq!(app.by(stranger, "GET", &list, &Value::Null).status, 404);
            assert_eq!(app.by(stranger, "POST", &list, &json!({})).status, 404);
            assert_eq!(app.by(stranger, "PATCH", &path, &patch).status, 404);
            assert_eq!(app.by(stranger, "DELETE", &path, &Value::Null).status, 404);
        }
        for (key, sees) in &keys {
            assert_eq!(app.get_as(key, &list).status, if *sees { 200 } else { 404 });
        }
        assert_eq!(app.get_as_nobody(&list).status, 404);
        // Who climbed it keeps the ascent, and may change it; of the climb they are told nothing.
        let kept = &read(&app, &ben, "/api/users/me/ascents")["results"][0].clone();
        assert_eq!((&kept["id"], &kept["notes"]), (&json!(bens), &json!("pour Ben")));
        assert_eq!((&kept["climb_name"], &kept["grade_font"]), (&Value::Null, &Value::Null));
        let book = read(&app, &ben, "/api/users/me/logbook");
        assert_eq!(book["by_grade"], json!([{"grade_font": null, "ascents": 1, "climbs": 1, "flashes": 0}]));
        let face = app.first_id("/api/faces");
        assert_eq!(read(&app, &ben, &format!("/api/users/me/ascents?face_id={face}"))["count"], 0);
        let path = format!("/api/ascents/{bens}");
        assert_eq!(app.by(&ben, "PATCH", &path, &patch).ok()["rating"], 1);
        assert_eq!(read(&app, &anna, &list)["count"], 2);
        assert_eq!(app.by(&ben, "DELETE", &path, &Value::Null).status, 204);
        assert_eq!(read(&app, &anna, &list)["count"], 1);

        hide(&app, &anna, &climb, false);
        assert_eq!(app.by(&admin, "DELETE", &format!("/api/ascents/{own}"), &Value::Null).status, 204);
        assert_eq!(read(&app, &anna, &list)["count"], 0);
    }

    fn a_logbook_is_counted_by_grade_and_by_month(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        let ids: Vec<String> = (0..6).map(|n| format!("/api/climbs/{}", id_of(&app, if n == 5 { 11 } else { n }))).collect();
        assert_eq!(read(&app, &anna, "/api/users/me/logbook"), json!({"total": {"ascents": 0, "climbs": 0, "flashes": 0}, "by_grade": [], "by_month": []}));
        for (number, at, is_flash) in [
            (2, "2026-01-31T23:59:59Z", true),
            (2, "2026-02-01T00:00:00Z", false),
            (0, "2026-02-10T10:00:00Z", true),
            (4, "2025-12-31T23:30:00-01:00", false),
            (5, "2026-02-11T10:00:00Z", false),
            (3, "2026-02-11T10:00:00Z", false),
        ] {
            log(&app, &anna, &ids[number], &json!({"climbed_at": at, "is_flash": is_flash}));
        }
        log(&app, &ben, &ids[2], &json!({"climbed_at": "2026-03-01T00:00:00Z"}));
        let tally = |ascents: i64, climbs: i64, flashes: i64| json!({"ascents": ascents, "climbs": climbs, "flashes": flashes});
        let with = |key: &str, value: &str, mut tally: Value| {
            tally[key] = json!(value);
            tally
        };
        let grade = |font: &str, ascents, climbs, flashes| with("grade_font", font, tally(ascents, climbs, flashes));
        let month = |month: &str, ascents, climbs, flashes| with("month", month, tally(ascents, climbs, flashes));
        let expected = json!({
            "total": tally(6, 5, 2),
            "by_grade": [grade("?", 1, 1, 0), grade("4", 1, 1, 1), grade("6A", 2, 1, 1), grade("6A+", 1, 1, 0), grade("7A", 1, 1, 0)],
            "by_month": [month("2026-02", 4, 4, 1), month("2026-01", 2, 2, 1)],
        });
        let before = app.store.statements();
        assert_eq!(read(&app, &anna, "/api/users/me/logbook"), expected);
        let (few, cost) = (app.store.statements() - before, app.store.statements());
        for _ in 0..20 {
            log(&app, &anna, &ids[1], &json!({"climbed_at": "2024-01-01T00:00:00Z"}));
        }
        let before = app.store.statements();
        assert!(before > cost);
        assert_eq!(read(&app, &anna, "/api/users/me/logbook")["total"], tally(26, 6, 2));
        assert_eq!(app.store.statements() - before, few);

        let gym = app.first_id("/api/gyms");
        let face = app.first_id("/api/faces");
        let nowhere = "00000000-0000-4000-8000-000000000000";
        for (query, count) in [
            ("", 26),
            ("from=2026-02-01T00:00:00Z", 4),
            ("to=2026-02-01T00:00:00Z", 22),
            ("from=2026-01-31T23:59:59Z&to=2026-02-01T00:00:00Z", 1),
            (&format!("gym_id={gym}&from=2026-01-01T00:00:00Z"), 6),
            (&format!("face_id={face}&from=2026-01-01T00:00:00Z"), 6),
            (&format!("gym_id={nowhere}"), 0),
            (&format!("face_id={nowhere}"), 0),
        ] {
            let page = read(&app, &anna, &format!("/api/users/me/ascents?page_size=500&{query}"));
            assert_eq!((page["count"].as_i64(), page["results"].as_array().unwrap().len()), (Some(count), count as usize), "{query}");
        }
        let page = read(&app, &anna, "/api/users/me/ascents?page=2&page_size=2");
        assert_eq!((page["count"].as_i64(), &page["results"][1]["climbed_at"]), (Some(26), &json!("2026-02-01T00:00:00.000000Z")));
    }

    fn climbs_are_found_by_whether_one_sent_or_likes_them(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        let paths: Vec<String> = (0..4).map(|n| format!("/api/climbs/{}", id_of(&app, n))).collect();
        for path in &paths[..3] {
            log(&app, &anna, path, &json!({}));
        }
        log(&app, &anna, &paths[0], &json!({}));
        for path in &paths[2..] {
            app.by(&anna, "PUT", &format!("{path}/like"), &Value::Null).ok();
        }
        for (query, of_anna, of_ben) in [
            ("my=sent", 3, 0),
            ("my=not_sent", 26, 29),
            ("my=liked", 2, 0),
            ("my=sent&my=liked", 1, 0),
            ("my=not_sent,liked", 1, 0),
            ("my=sent&grade_min=6A", 1, 0),
        ] {
            for (person, expected) in [(&anna, of_anna), (&ben, of_ben)] {
                for sort in ["newest", "grade"] {
                    let page = read(&app, person, &format!("/api/climbs?page_size=500&{query}&sort={sort}"));
                    assert_eq!((page["count"].as_i64(), page["results"].as_array().unwrap().len()), (Some(expected), expected as usize), "{query}");
                }
            }
            assert_eq!(app.get(&format!("/api/climbs?{query}")).problem().0, 422);
        }
        assert_eq!(app.by(&anna, "GET", "/api/climbs?my=climbed", &Value::Null).problem().0, 422);
    }
}
