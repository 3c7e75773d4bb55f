//! Edits that depend on what was seen, deletion, what the next read shows, and how many statements it takes.

use crate::support::climbs::{conditional, created, holds, imported, mine, new_climb};
use crate::support::{Person, Reply, TestApp, climb, migrate};
use mastoc_domain::access::AccountRole;
use serde_json::{Value, json};

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn an_edit_made_dependent_is_refused_once_the_climb_has_changed(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, bert) = (app.person("anna"), app.person("bert"));
        let path = mine(&app, &anna, &new_climb(&app));
        let tag = || app.by(&anna, "GET", &path, &Value::Null).header("etag").to_owned();
        let first = tag();
        // Writes to anything else leave the tag alone, and what the client holds is still good.
        mine(&app, &bert, &new_climb(&app));
        app.by(&bert, "PATCH", &path, &json!({"is_project": true})).ok();
        assert_eq!(tag(), first);
        let held = app.call("GET", &path, &[("authorization", &anna.bearer()), ("if-none-match", &first)], b"");
        assert_eq!((held.status, held.body.len()), (304, 0));
        assert_eq!(app.by(&bert, "GET", &path, &Value::Null).ok()["is_project"], true);

        let edit = |tag: &str, name: &str| conditional(&app, &anna, "PATCH", &path, tag, &json!({"name": name}));
        let second = edit(&first, "Deux");
        assert_eq!(second.ok()["name"], "Deux");
        assert_eq!(second.header("etag"), tag());
        for stale in [first.as_str(), "\"x\"", "", &format!("W/{}", tag())] {
            let refused = edit(stale, "Trois");
            assert_eq!(refused.problem(), (412, "stale".into()), "{stale}");
            assert_eq!(refused.header("etag"), tag());
            assert_eq!(refused.json()["current"], second.json());
            assert_eq!(conditional(&app, &anna, "DELETE", &path, stale, &Value::Null).problem(), (412, "stale".into()));
        }
        assert_eq!(edit(&format!("\"x\", {}", tag()), "Trois").ok()["name"], "Trois");
        assert_eq!(edit("*", "Quatre").ok()["name"], "Quatre");
        assert_eq!(app.by(&anna, "PATCH", &path, &json!({"name": "Cinq"})).ok()["name"], "Cinq");
        // Personal fields are part of what this caller sees.
        let before = tag();
        app.by(&anna, "PATCH", &path, &json!({"is_project": true})).ok();
        assert_eq!(edit(&before, "Six").problem().0, 412);
        assert_eq!(conditional(&app, &anna, "DELETE", &path, &tag(), &Value::Null).status, 204);
        assert_eq!(edit("*", "Sept").problem().0, 404);
    }

    fn of_many_dependent_edits_at_once_one_wins(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let path = mine(&app, &anna, &new_climb(&app));
        let tag = app.by(&anna, "GET", &path, &Value::Null).header("etag").to_owned();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let edit = |n: u32| conditional(&app, &anna, "PATCH", &path, &tag, &json!({"name": format!("Edit {n}")})).status;
            let threads: Vec<_> = (0..12).map(|n| scope.spawn(move || edit(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 412)), "{statuses:?}");
        assert_eq!(app.get(&format!("{path}/history")).ok()["count"], 2);
    }

    fn a_deleted_climb_is_gone_and_stays_so(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, admin) = (app.person("anna"), app.person_with("root", AccountRole::Admin));
        let own = mine(&app, &anna, &new_climb(&app));
        app.by(&anna, "PATCH", &own, &json!({"is_project": true})).ok();
        let (theirs, id) = imported(&app, 2);
        let cursor = app.get("/api/changes?limit=1000").ok()["next_cursor"].clone();
        assert_eq!(app.by(&anna, "DELETE", &own, &Value::Null).status, 204);
        let reply = app.by(&admin, "DELETE", &theirs, &Value::Null);
        assert_eq!((reply.status, reply.body.len()), (204, 0));
        for path in [&own, &theirs] {
            assert_eq!(app.by(&admin, "GET", path, &Value::Null).status, 404);
            assert_eq!(app.by(&admin, "DELETE", path, &Value::Null).problem(), (404, "not_found".into()));
            // Its history stays, for admins.
            assert_eq!(app.by(&admin, "GET", &format!("{path}/history"), &Value::Null).ok()["results"][0]["action"], "deleted");
            assert_eq!(app.by(&anna, "GET", &format!("{path}/history"), &Value::Null).status, 404);
        }
        assert_eq!(app.get("/api/climbs").ok()["count"], 29);
        let cursor = cursor.as_str().map_or_else(|| cursor.to_string(), str::to_owned);
        let changes = app.get(&format!("/api/changes?limit=1000&since={cursor}")).ok();
        assert!(changes["deleted"].to_string().contains(&id), "{changes}");
        // No import brings it back.
        let again = app.post("/api/sync/import/climb", &climb(2)).ok();
        assert_eq!(again["status"], "exists", "{again}");
        assert_eq!(app.get("/api/climbs").ok()["count"], 29);
        assert_eq!(app.get("/api/climbs/00000000-0000-4000-8000-000000000000/history").status, 404);
    }

    fn a_write_is_seen_in_the_next_read_by_everybody(url: &str) {
        let app = TestApp::start(url).with_board();
        let people: Vec<Person> = (0..4).map(|n| app.person(&format!("climber-{n}"))).collect();
        let body = new_climb(&app);
        std::thread::scope(|scope| {
            for person in &people {
                let (app, body) = (&app, &body);
                scope.spawn(move || {
                    for round in 0..5 {
                        let cursor = app.by(person, "GET", "/api/changes?limit=1000", &Value::Null).ok()["next_cursor"].clone();
                        let cursor = cursor.as_str().map_or_else(|| cursor.to_string(), str::to_owned);
                        let mut body = body.clone();
                        body["name"] = json!(format!("Bloc {} {round}", person.id));
                        let id = created(&app.by(person, "POST", "/api/climbs", &body));
                        let get = |path: &str| String::from_utf8(app.by(person, "GET", path, &Value::Null).body).unwrap();
                        for path in ["/api/climbs?page_size=500".to_owned(), "/api/climbs?cursor=&page_size=500".into(), "/api/climbs?my=set&page_size=500".into(),
                            format!("/api/climbs/{id}"), format!("/api/changes?limit=1000&since={cursor}")] {
                            assert!(get(&path).contains(&id), "{path}");
                        }
                        let path = format!("/api/climbs/{id}");
                        app.by(person, "PATCH", &path, &json!({"name": "Renommé"})).ok();
                        assert!(get(&path).contains("Renommé"));
                        assert!(get("/api/climbs?my=set&page_size=500&search=renomme").contains(&id));
                        if round % 2 == 0 {
                            assert_eq!(app.by(person, "DELETE", &path, &Value::Null).status, 204);
                            assert!(!get("/api/climbs?page_size=500").contains(&id));
                        }
                    }
                });
            }
        });
        assert_eq!(app.get("/api/climbs?local_only=true").ok()["count"], 4 * 2);
    }

    fn the_number_of_statements_grows_neither_with_the_climb_nor_with_the_board(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let cost = |work: &dyn Fn() -> Reply| {
            let before = app.store.statements();
            let reply = work();
            assert!(reply.status < 300, "{}", String::from_utf8_lossy(&reply.body));
            app.store.statements() - before
        };
        let round = |roles: &str, other: &str| {
            let mut body = new_climb(&app);
            body["holds_list"] = json!(holds(roles));
            let posted = cost(&|| app.by(&anna, "POST", "/api/climbs", &body));
            let path = mine(&app, &anna, &body);
            let patched = cost(&|| app.by(&anna, "PATCH", &path, &json!({"name": "Autre", "holds_list": holds(other), "grade_font": "8A", "is_project": true, "is_private": true})));
            let tag = app.by(&anna, "GET", &path, &Value::Null).header("etag").to_owned();
            let noted = cost(&|| conditional(&app, &anna, "PATCH", &path, &tag, &json!({"personal_rating": 3})));
            let deleted = cost(&|| app.by(&anna, "DELETE", &path, &Value::Null));
            [posted, patched, noted, deleted]
        };
        let small = round("ST", "SOT");
        for _ in 0..30 {
            mine(&app, &anna, &new_climb(&app));
        }
        let large = round("SOOOOOOOOOT", "SFFFFFFFFFFT");
        println!("POST, PATCH, PATCH of personal fields, DELETE: {small:?} statements");
        assert_eq!(small, large);
        assert!(small[0] <= 16 && small[1] <= 30 && small[2] <= 16 && small[3] <= 20, "{small:?}");
    }
}
