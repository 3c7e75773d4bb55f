//! Likes, bookmarks and comments: counted here, and seen with their climb.

use crate::support::community::{created, hide, id_of, read, set};
use crate::support::{Person, TestApp, migrate};
use mastoc_domain::access::{AccountRole, Scope};
use serde_json::{Value, json};

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn likes_and_bookmarks_are_ones_own_and_stokts_counters_stay(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        let id = id_of(&app, 3);
        let climb = format!("/api/climbs/{id}");
        let before = app.get(&climb).ok();
        assert_eq!(before["total_likes"], 3);
        let social = |person: &Person| read(&app, person, &format!("{climb}/social"));
        let nothing = json!({"climb_id": id, "likes": 0, "comments": 0, "ascents": 0, "climbers": 0, "bookmarked": false, "liked": false, "sent": false});
        assert_eq!(social(&anna), nothing);
        for _ in 0..2 {
            let liked = app.by(&anna, "PUT", &format!("{climb}/like"), &Value::Null).ok();
            assert_eq!((&liked["likes"], &liked["liked"]), (&json!(1), &json!(true)));
            let marked = app.by(&anna, "PUT", &format!("{climb}/bookmark"), &Value::Null).ok();
            assert_eq!(marked["bookmarked"], true);
        }
        app.by(&ben, "PUT", &format!("{climb}/like"), &Value::Null).ok();
        for _ in 0..2 {
            created(&app.by(&ben, "POST", &format!("{climb}/ascents"), &json!({})));
        }
        created(&app.by(&anna, "POST", &format!("{climb}/ascents"), &json!({})));
        created(&app.by(&ben, "POST", &format!("{climb}/comments"), &json!({"text": "Bien"})));
        let mut expected = json!({"climb_id": id, "likes": 2, "comments": 1, "ascents": 3, "climbers": 2, "bookmarked": true, "liked": true, "sent": true});
        assert_eq!(social(&anna), expected);
        expected["bookmarked"] = json!(false);
        assert_eq!(social(&ben), expected);
        let of_key = app.get(&format!("{climb}/social")).ok();
        assert_eq!((&of_key["likes"], &of_key["liked"], &of_key["sent"]), (&json!(2), &json!(false), &json!(false)));
        for _ in 0..2 {
            for what in ["like", "bookmark"] {
                assert_eq!(app.by(&anna, "DELETE", &format!("{climb}/{what}"), &Value::Null).status, 204);
            }
        }
        let after = social(&anna);
        assert_eq!((&after["likes"], &after["liked"], &after["bookmarked"]), (&json!(1), &json!(false), &json!(false)));
        assert_eq!(app.get(&climb).ok(), before);
    }

    fn bookmarks_are_listed_the_latest_first(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        let mine = set(&app, &ben, false);
        let mut paths: Vec<String> = (0..4).map(|n| format!("/api/climbs/{}", id_of(&app, n))).collect();
        paths.push(mine.clone());
        for path in &paths {
            app.by(&anna, "PUT", &format!("{path}/bookmark"), &Value::Null).ok();
        }
        let list = |person: &Person, query: &str| {
            let page = read(&app, person, &format!("/api/users/me/bookmarks?{query}"));
            let found = page["results"].as_array().unwrap().iter().map(|found| {
                assert!(found["bookmarked_at"].is_string());
                format!("/api/climbs/{}", found["climb"]["id"].as_str().unwrap())
            });
            (page["count"].as_i64().unwrap(), found.collect::<Vec<_>>())
        };
        paths.reverse();
        assert_eq!(list(&anna, ""), (5, paths.clone()));
        assert_eq!(list(&anna, "page=2&page_size=2"), (5, paths[2..4].to_vec()));
        assert_eq!(list(&ben, ""), (0, vec![]));
        hide(&app, &ben, &mine, true);
        assert_eq!(list(&anna, ""), (4, paths[1..].to_vec()));
        hide(&app, &ben, &mine, false);
        assert_eq!(list(&anna, "").0, 5);
        assert_eq!(app.get("/api/users/me/bookmarks").problem(), (403, "person_needed".into()));
    }

    fn s14_s16_comments_are_written_in_order_checked_and_once(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        let path = format!("/api/climbs/{}/comments", id_of(&app, 3));
        for (body, wrong) in [
            (json!({}), true),
            (json!({"text": null}), true),
            (json!({"text": " \n "}), true),
            (json!({"text": "a\u{7}"}), true),
            (json!({"text": "é".repeat(2_001)}), true),
            (json!({"text": ["a"]}), true),
            (json!({"text": "é".repeat(2_000)}), false),
            (json!({"text": " Deux\n\tlignes "}), false),
        ] {
            let reply = app.by(&anna, "POST", &path, &body);
            if wrong {
                assert_eq!((reply.problem().0, &reply.json()["errors"][0]["field"]), (422, &json!("text")), "{body}");
            } else {
                created(&reply);
            }
        }
        let answer = created(&app.by(&ben, "POST", &path, &json!({"text": "Oui"})));
        assert_eq!((&answer["user_name"], &answer["text"]), (&json!("ben"), &json!("Oui")));
        let page = read(&app, &ben, &path);
        assert_eq!((&page["count"], &page["results"][1]["text"], &page["results"][2]), (&json!(3), &json!("Deux\n\tlignes"), &answer));
        assert_eq!(read(&app, &ben, &format!("{path}?page=3&page_size=1"))["results"], json!([answer]));
        let bearer = anna.bearer();
        let send = |body: &[u8]| app.call("POST", &path, &[("authorization", &bearer), ("idempotency-key", "k")], body);
        assert_eq!(created(&send(br#"{"text":"x"}"#)), created(&send(br#"{"text":"x"}"#)));
        assert_eq!(read(&app, &ben, &path)["count"], 4);
        let own = format!("/api/comments/{}", answer["id"].as_str().unwrap());
        let changed = app.by(&ben, "PATCH", &own, &json!({"text": "Non"})).ok();
        assert_eq!((&changed["text"], &changed["created_at"]), (&json!("Non"), &answer["created_at"]));
        assert_eq!(app.by(&ben, "PATCH", &own, &json!({"text": ""})).problem().0, 422);
        assert_eq!(app.by(&ben, "DELETE", &own, &Value::Null).status, 204);
        assert_eq!(app.by(&ben, "DELETE", &own, &Value::Null).problem().0, 404);
        assert_eq!(read(&app, &anna, &path)["count"], 3);
    }

    fn s11_what_is_done_to_a_climb_is_seen_with_it_and_touched_by_who_did_it(url: &str) {
        let app = TestApp::public(url).with_board();
        let (anna, ben, admin) = (app.person("anna"), app.person("ben"), app.person_with("root", AccountRole::Admin));
        let keys: Vec<(String, bool)> =
            Scope::ALL.iter().map(|scope| (app.key(*scope), matches!(scope, Scope::Sync | Scope::Admin))).collect();
        let climb = set(&app, &anna, false);
        let comment = created(&app.by(&ben, "POST", &format!("{climb}/comments"), &json!({"text": "Bien"})));
        let comment = format!("/api/comments/{}", comment["id"].as_str().unwrap());
        app.by(&ben, "PUT", &format!("{climb}/like"), &Value::Null).ok();
        for stranger in [&anna, &admin] {
            assert_eq!(app.by(stranger, "PATCH", &comment, &json!({"text": "Mal"})).problem(), (403, "forbidden".into()));
        }
        assert_eq!(app.by(&anna, "DELETE", &comment, &Value::Null).problem(), (403, "forbidden".into()));
        let writes = [
            ("PUT", format!("{climb}/like")),
            ("DELETE", format!("{climb}/like")),
            ("PUT", format!("{climb}/bookmark")),
            ("DELETE", format!("{climb}/bookmark")),
            ("POST", format!("{climb}/comments")),
            ("PATCH", comment.clone()),
            ("DELETE", comment.clone()),
        ];
        let body = json!({"text": "x"});
        hide(&app, &anna, &climb, true);
        for (method, path) in &writes {
            for stranger in [&ben, &admin] {
                assert_eq!(app.by(stranger, method, path, &body).problem().0, 404, "{method} {path}");
            }
            for (key, _) in &keys {
                assert_eq!(app.call(method, path, &[("x-api-key", key)], b"{}").problem().1, "person_needed", "{method} {path}");
            }
            assert_eq!(app.call(method, path, &[], b"{}").problem().0, 401, "{method} {path}");
        }
        for path in [format!("{climb}/social"), format!("{climb}/comments")] {
            assert_eq!(app.by(&anna, "GET", &path, &Value::Null).status, 200);
            for stranger in [&ben, &admin] {
                assert_eq!(app.by(stranger, "GET", &path, &Value::Null).status, 404);
            }
            for (key, sees) in &keys {
                assert_eq!(app.get_as(key, &path).status, if *sees { 200 } else { 404 });
            }
            assert_eq!(app.get_as_nobody(&path).status, 404);
        }
        let seen = read(&app, &anna, &format!("{climb}/social"));
        assert_eq!((&seen["likes"], &seen["comments"]), (&json!(1), &json!(1)));
        hide(&app, &anna, &climb, false);
        assert_eq!(app.get_as_nobody(&format!("{climb}/social")).ok()["comments"], 1);
        assert_eq!(app.by(&admin, "DELETE", &comment, &Value::Null).status, 204);
        assert_eq!(read(&app, &ben, &format!("{climb}/social"))["comments"], 0);
    }

    fn s11_climbs_are_found_by_lists_that_the_caller_sees(url: &str) {
        let app = TestApp::public(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        let list = created(&app.by(&anna, "POST", "/api/lists", &json!({"name": "A"})))["id"].as_str().unwrap().to_owned();
        let hidden = set(&app, &anna, true);
        for id in [id_of(&app, 1), id_of(&app, 7), hidden.rsplit('/').next().unwrap().to_owned()] {
            created(&app.by(&anna, "POST", &format!("/api/lists/{list}/items"), &json!({"climb_id": id})));
        }
        let query = format!("/api/climbs?list_id={list}");
        let cursor = format!("{query}&cursor=");
        assert_eq!(read(&app, &anna, &query)["count"], 3);
        assert_eq!(read(&app, &anna, &cursor)["results"].as_array().unwrap().len(), 3);
        assert_eq!(read(&app, &anna, &format!("{query}&search=bloc"))["count"], 1);
        assert_eq!(app.get(&query).ok()["count"], 3);
        for path in [&query, &cursor] {
            assert_eq!(app.by(&ben, "GET", path, &Value::Null).problem(), (404, "not_found".into()));
            assert_eq!(app.get_as_nobody(path).problem(), (404, "not_found".into()));
        }
        assert_eq!(app.by(&ben, "GET", "/api/climbs?list_id=x", &Value::Null).problem().0, 422);
        app.by(&anna, "PATCH", &format!("/api/lists/{list}"), &json!({"is_public": true})).ok();
        assert_eq!(read(&app, &ben, &query)["count"], 2);
        assert_eq!(app.get_as_nobody(&cursor).ok()["results"].as_array().unwrap().len(), 2);
    }

    fn deleting_a_climb_takes_along_what_was_done_to_it(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        let climb = set(&app, &anna, false);
        let list = created(&app.by(&ben, "POST", "/api/lists", &json!({"name": "A"})))["id"].as_str().unwrap().to_owned();
        created(&app.by(&ben, "POST", &format!("/api/lists/{list}/items"), &json!({"climb_id": climb.rsplit('/').next()})));
        created(&app.by(&ben, "POST", &format!("{climb}/ascents"), &json!({})));
        created(&app.by(&ben, "POST", &format!("{climb}/comments"), &json!({"text": "Bien"})));
        for what in ["like", "bookmark"] {
            app.by(&ben, "PUT", &format!("{climb}/{what}"), &Value::Null).ok();
        }
        assert_eq!(read(&app, &ben, &format!("/api/lists/{list}"))["items_count"], 1);
        assert_eq!(app.by(&anna, "DELETE", &climb, &Value::Null).status, 204);
        assert_eq!(read(&app, &ben, &format!("/api/lists/{list}"))["items_count"], 0);
        assert_eq!(read(&app, &ben, "/api/users/me/ascents")["count"], 0);
        assert_eq!(read(&app, &ben, "/api/users/me/bookmarks")["count"], 0);
        assert_eq!(app.by(&ben, "GET", &format!("{climb}/social"), &Value::Null).status, 404);
    }
}
