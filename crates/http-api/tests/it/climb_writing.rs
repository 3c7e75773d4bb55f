//! Writing climbs over HTTP: rules, rights, personal fields, history, and requests sent twice.

use std::collections::BTreeSet;

use crate::support::climbs::{created, holds, imported, mine, new_climb, wrong};
use crate::support::{ENV_KEY, FIRST_HOLD, Person, Reply, TestApp, migrate};
use mastoc_domain::access::{AccountRole, Scope};
use serde_json::{Value, json};

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_climb_is_created_and_served_as_it_was_sent(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let before = app.get("/api/faces").ok()[0]["climbs_count"].as_i64().unwrap();
        let reply = app.by(&anna, "POST", "/api/climbs", &new_climb(&app));
        let id = created(&reply);
        let climb = reply.json();
        for (field, value) in [
            ("name", json!("La dalle")), ("holds_list", json!(holds("SOFT"))), ("grade_font", json!("6A+")), ("grade_ircra", json!(16.5)),
            ("feet_rule", json!("Tous pieds")), ("description", json!("À droite\nde l'arête")), ("is_private", json!(false)),
            ("setter_id", json!(anna.id)), ("setter_name", json!("anna")), ("source", json!("mastoc")), ("sync_state", json!("local")),
            ("stokt_id", Value::Null), ("climbed_by", json!(0)), ("is_benchmark", json!(false)), ("synced_at", Value::Null),
        ] {
            assert_eq!(climb[field], value, "{field}");
        }
        let path = format!("/api/climbs/{id}");
        let read = app.by(&anna, "GET", &path, &Value::Null);
        assert_eq!(read.json(), climb);
        assert_eq!(read.header("etag"), reply.header("etag"));
        assert_eq!(app.get("/api/faces").ok()[0]["climbs_count"], before + 1);
        let found = app.get(&format!("/api/climbs?holds=S{FIRST_HOLD},{}T&local_only=true&source=mastoc", FIRST_HOLD + 3)).ok();
        assert_eq!((found["count"].clone(), found["results"][0]["id"].clone()), (json!(1), json!(id)));
        // A key acts for the service, which sets no climbs.
        let by_key = app.post("/api/climbs", &new_climb(&app));
        assert_eq!((by_key.status, by_key.json()["setter_id"].clone()), (201, Value::Null));
    }

    fn everything_wrong_with_a_climb_is_told_at_once(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let post = |body: &Value| app.by(&anna, "POST", "/api/climbs", body);
        assert_eq!(wrong(&post(&json!({}))), ["face_id", "name", "holds_list"]);
        let bad = json!({"face_id": "x", "name": "\u{0}", "holds_list": "S1", "grade_font": "6D", "grade_ircra": 1000, "feet_rule": "x".repeat(101),
            "description": 7, "is_private": "yes"});
        let fields: BTreeSet<String> = wrong(&post(&bad)).into_iter().collect();
        let all = ["description", "face_id", "feet_rule", "grade_font", "grade_ircra", "holds_list", "is_private", "name"];
        assert_eq!(fields.iter().map(String::as_str).collect::<Vec<_>>(), all);
        let with = |field: &str, value: Value| {
            let mut body = new_climb(&app);
            body[field] = value;
            wrong(&post(&body))
        };
        assert_eq!(with("face_id", json!("00000000-0000-4000-8000-000000000000")), ["face_id"]);
        for list in [
            holds("SOF"), holds("OOT"), format!("S{FIRST_HOLD}"), "S1 T2".into(), format!("{} S{FIRST_HOLD}", holds("SOT")), String::new(),
            format!("S{FIRST_HOLD},T{}", FIRST_HOLD + 1), format!("S{FIRST_HOLD} T{}", FIRST_HOLD + 500), "S99999999999999999999 T1".into(),
        ] {
            let fields: BTreeSet<String> = with("holds_list", json!(list)).into_iter().collect();
            assert_eq!(fields.into_iter().collect::<Vec<_>>(), ["holds_list"], "{list}");
        }
        let many: Vec<String> = (0..101).map(|n| format!("{}{}", if n == 0 { "S" } else { "T" }, FIRST_HOLD + n)).collect();
        assert!(with("holds_list", json!(many.join(" "))).len() > 1);
        for name in ["", "  ", "a\nb", &"x".repeat(256)] {
            assert_eq!(with("name", json!(name)), ["name"], "{name:?}");
        }
        assert_eq!(with("grade_ircra", json!(30)), ["grade_ircra"]);
        assert_eq!(with("description", json!("x".repeat(2_001))), ["description"]);
        assert_eq!(app.get("/api/climbs").ok()["count"], 30, "nothing was written");
        // One hold may start and end a climb.
        let mut single = new_climb(&app);
        single["holds_list"] = json!(format!("S{FIRST_HOLD} T{FIRST_HOLD}"));
        created(&post(&single));
        assert_eq!(post(&json!([1])).problem().0, 422);
        assert_eq!(app.call("POST", "/api/climbs", &[("x-api-key", ENV_KEY)], b"{").problem(), (400, "bad_json".into()));
    }

    fn s13_clients_set_nothing_that_is_not_theirs_to_set(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, bert) = (app.person("anna"), app.person("bert"));
        let foreign = json!({
            "id": "00000000-0000-4000-8000-000000000009", "role": "admin", "stokt_id": "00000000-0000-4000-8000-000000000001", "source": "stokt",
            "setter_id": bert.id, "setter_name": "x", "climbed_by": 9, "total_likes": 9, "total_comments": 9, "is_benchmark": true, "sync_state": "synced",
            "synced_at": "2020-01-01T00:00:00Z", "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z", "rev": 99, "face_version": 7,
            "tags": "x", "circuit": "x", "angle": "x", "mirror_holds_list": "x", "unknown": {"a": [1]}
        });
        let mut body = new_climb(&app);
        body.as_object_mut().unwrap().extend(foreign.as_object().unwrap().clone());
        let reply = app.by(&anna, "POST", "/api/climbs", &body);
        let id = created(&reply);
        let path = format!("/api/climbs/{id}");
        let first = reply.json();
        let patched = app.by(&anna, "PATCH", &path, &foreign);
        assert_eq!(patched.ok(), first, "an edit of nothing changes nothing, not even the time");
        assert_eq!(patched.header("etag"), reply.header("etag"));
        for (field, sent) in foreign.as_object().unwrap() {
            assert_ne!(first.get(field).unwrap_or(&Value::Null), sent, "{field}");
        }
        assert_eq!((first["setter_id"].clone(), first["source"].clone(), first["sync_state"].clone()), (json!(anna.id), json!("mastoc"), json!("local")));
    }

    fn an_edit_changes_what_it_names_and_its_history_tells(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, admin) = (app.person("anna"), app.person_with("root", AccountRole::Admin));
        let path = mine(&app, &anna, &new_climb(&app));
        let edit = json!({"name": "Autre", "holds_list": holds("SSOT"), "grade_font": "7A", "feet_rule": null, "description": ""});
        let after = app.by(&anna, "PATCH", &path, &edit).ok();
        assert_eq!((after["name"].clone(), after["holds_list"].clone()), (json!("Autre"), json!(holds("SSOT"))));
        assert_eq!((after["grade_font"].clone(), after["grade_ircra"].clone()), (json!("7A"), json!(20.5)));
        assert_eq!((after["feet_rule"].clone(), after["description"].clone(), after["sync_state"].clone()), (Value::Null, Value::Null, json!("local")));
        assert_eq!(app.get(&format!("/api/climbs?local_only=true&holds=F{}", FIRST_HOLD + 2)).ok()["count"], 0, "the holds moved too");
        assert_eq!(app.get(&format!("/api/climbs?local_only=true&holds=S{}", FIRST_HOLD + 1)).ok()["count"], 1);
        assert_eq!(app.get("/api/climbs?local_only=true&search=AUTRE&grade_min=7A").ok()["count"], 1);
        assert_eq!(app.by(&admin, "PATCH", &path, &json!({"grade_font": null})).ok()["grade_font"], Value::Null);

        let history = app.by(&anna, "GET", &format!("{path}/history"), &Value::Null).ok();
        assert_eq!(history["count"], 3);
        let results = history["results"].as_array().unwrap();
        let told: Vec<(&str, &str, &str)> =
            results.iter().map(|edit| (edit["action"].as_str().unwrap(), edit["by"].as_str().unwrap(), edit["user_name"].as_str().unwrap())).collect();
        assert_eq!(told, [("updated", "person", "root"), ("updated", "person", "anna"), ("created", "person", "anna")]);
        assert_eq!(results[0]["changes"], json!([{"field": "grade_font", "before": "7A", "after": null}, {"field": "grade_ircra", "before": 20.5, "after": null}]));
        let fields: Vec<&str> = results[1]["changes"].as_array().unwrap().iter().map(|change| change["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["name", "holds_list", "grade_font", "grade_ircra", "feet_rule", "description"]);
        assert_eq!(results[1]["changes"][0], json!({"field": "name", "before": "La dalle", "after": "Autre"}));
        let page = app.by(&anna, "GET", &format!("{path}/history?page=2&page_size=2"), &Value::Null).ok();
        assert_eq!((page["results"].as_array().unwrap().len(), page["results"][0]["action"].clone()), (1, json!("created")));

        for (body, field) in [
            (json!({"name": null}), "name"), (json!({"holds_list": null}), "holds_list"), (json!({"is_private": null}), "is_private"),
            (json!({"holds_list": "S1 T2"}), "holds_list"), (json!({"personal_rating": 6}), "personal_rating"), (json!({"is_project": "x"}), "is_project"),
        ] {
            assert!(wrong(&app.by(&anna, "PATCH", &path, &body)).iter().all(|wrong| wrong == field), "{body}");
        }
        assert_eq!(wrong(&app.by(&anna, "PATCH", &path, &json!({"name": 1, "grade_font": "x", "personal_rating": 0}))), ["name", "personal_rating", "grade_font"]);
    }

    fn s11_climbs_are_edited_by_those_they_belong_to(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, bert, admin) = (app.person("anna"), app.person("bert"), app.person_with("root", AccountRole::Admin));
        let (read, write, sync) = (app.key(Scope::Read), app.key(Scope::Write), app.key(Scope::Sync));
        let keyed = |key: &str, method: &str, path: &str, body: &Value| app.call(method, path, &[("x-api-key", key)], body.to_string().as_bytes());
        let path = mine(&app, &anna, &new_climb(&app));
        let (theirs, _) = imported(&app, 1);
        let edit = |n: u32| json!({"name": format!("Edit {n}")});
        for path in [&path, &theirs] {
            assert_eq!(app.by(&bert, "PATCH", path, &edit(1)).problem(), (403, "forbidden".into()));
            assert_eq!(app.by(&bert, "PATCH", path, &json!({})).problem(), (403, "forbidden".into()));
            // Both rights are needed for both kinds of fields.
            assert_eq!(app.by(&bert, "PATCH", path, &json!({"name": "x", "is_project": true})).problem(), (403, "forbidden".into()));
            assert_eq!(app.by(&bert, "DELETE", path, &Value::Null).problem(), (403, "forbidden".into()));
            assert_eq!(app.by(&admin, "PATCH", path, &edit(2)).ok()["name"], "Edit 2");
            assert_eq!(keyed(&write, "PATCH", path, &edit(3)).ok()["name"], "Edit 3");
            for (key, code) in [(&read, "scope_too_small"), (&sync, "scope_too_small")] {
                assert_eq!(keyed(key, "PATCH", path, &edit(4)).problem(), (403, code.to_owned()));
            }
            assert_eq!(keyed(&write, "PATCH", path, &json!({"personal_notes": "x"})).problem(), (403, "person_needed".into()));
            assert!(app.by(&bert, "GET", path, &Value::Null).ok()["personal_notes"].is_null());
        }
        assert_eq!(app.get(&format!("{theirs}/history")).ok()["results"][0]["by"], "key");
        assert_eq!(app.by(&anna, "PATCH", &path, &edit(5)).ok()["name"], "Edit 5");

        // A private climb does not exist for others: not to edit, not to note, not to delete, and with no history.
        assert_eq!(app.by(&anna, "PATCH", &path, &json!({"is_private": true})).ok()["is_private"], true);
        for other in [&bert, &admin] {
            for (method, body) in [("PATCH", edit(6)), ("PATCH", json!({"is_project": true})), ("DELETE", Value::Null), ("GET", Value::Null)] {
                assert_eq!(app.by(other, method, &path, &body).status, 404, "{method} {body}");
            }
            assert_eq!(app.by(other, "GET", &format!("{path}/history"), &Value::Null).status, 404);
            assert_eq!(app.by(other, "GET", "/api/climbs", &Value::Null).ok()["count"], 29);
        }
        assert_eq!(keyed(&write, "PATCH", &path, &edit(6)).status, 404);
        app.by(&anna, "PATCH", &path, &json!({"description": "for my eyes only"})).ok();
        app.by(&anna, "PATCH", &path, &json!({"is_private": false, "description": null})).ok();
        // What was done while it was private stays its setter's.
        let read_by = |person: &Person| String::from_utf8(app.by(person, "GET", &format!("{path}/history"), &Value::Null).body).unwrap();
        assert!(read_by(&anna).contains("for my eyes only") && read_by(&anna).contains("\"count\":7"), "{}", read_by(&anna));
        assert!(!read_by(&bert).contains("for my eyes only") && read_by(&bert).contains("\"count\":5"), "{}", read_by(&bert));
    }

    fn personal_fields_are_each_callers_own(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, bert) = (app.person("anna"), app.person("bert"));
        let (path, id) = imported(&app, 3);
        let before = app.get(&path);
        let tag_of_bert = app.by(&bert, "GET", &path, &Value::Null).header("etag").to_owned();
        let note = json!({"personal_notes": "Talon à\ngauche", "personal_rating": 4, "is_project": true});
        let reply = app.by(&anna, "PATCH", &path, &note);
        let noted = reply.ok();
        assert_eq!((noted["personal_notes"].clone(), noted["personal_rating"].clone(), noted["is_project"].clone()), (json!("Talon à\ngauche"), json!(4), json!(true)));
        assert_eq!(app.by(&anna, "GET", &path, &Value::Null).header("etag"), reply.header("etag"));
        // Nobody else sees any of it, not even in a tag; nor does it touch what is synchronised.
        assert_eq!(app.by(&bert, "GET", &path, &Value::Null).header("etag"), tag_of_bert);
        assert_eq!((app.get(&path).body, app.get(&path).header("etag").to_owned()), (before.body.clone(), before.header("etag").to_owned()));
        assert_eq!((noted["sync_state"].clone(), noted["updated_at"].clone()), (json!("synced"), before.json()["updated_at"].clone()));
        assert_eq!(app.by(&anna, "GET", &format!("{path}/history"), &Value::Null).ok()["count"], 0);
        let listed = |person: &Person, query: &str| app.by(person, "GET", &format!("/api/climbs?{query}"), &Value::Null).ok();
        assert_eq!(listed(&anna, "my=project")["results"][0]["id"], id);
        assert_eq!((listed(&anna, "my=project")["count"].clone(), listed(&bert, "my=project")["count"].clone()), (json!(1), json!(0)));
        let changes = |person: &Person| String::from_utf8(app.by(person, "GET", "/api/changes?limit=1000", &Value::Null).body).unwrap();
        assert!(changes(&anna).contains("Talon") && !changes(&bert).contains("Talon"));
        // Parts stay, null empties, and nothing at all is no row.
        let rated = app.by(&anna, "PATCH", &path, &json!({"personal_rating": null})).ok();
        assert_eq!((rated["personal_rating"].clone(), rated["is_project"].clone()), (Value::Null, json!(true)));
        let empty = app.by(&anna, "PATCH", &path, &json!({"personal_notes": "", "is_project": null})).ok();
        assert_eq!((empty["personal_notes"].clone(), empty["is_project"].clone()), (Value::Null, json!(false)));
        assert_eq!(listed(&anna, "my=project")["count"], 0);
        assert_eq!(wrong(&app.by(&anna, "PATCH", &path, &json!({"personal_notes": "x".repeat(10_001)}))), ["personal_notes"]);

        let own = mine(&app, &anna, &new_climb(&app));
        let both = app.by(&anna, "PATCH", &own, &json!({"name": "Les deux", "personal_rating": 5})).ok();
        assert_eq!((both["name"].clone(), both["personal_rating"].clone()), (json!("Les deux"), json!(5)));
        assert_eq!((listed(&anna, "my=set")["count"].clone(), listed(&bert, "my=set")["count"].clone()), (json!(1), json!(0)));
        assert_eq!(wrong(&app.get("/api/climbs?my=set")), ["my"], "a key sets nothing");
        assert_eq!(wrong(&app.by(&anna, "GET", "/api/climbs?my=nonsense", &Value::Null)), ["my"]);
    }

    fn s16_the_same_climb_sent_often_is_created_once(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let body = new_climb(&app);
        let post = |key: &str, body: &Value| {
            app.call("POST", "/api/climbs", &[("authorization", &anna.bearer()), ("idempotency-key", key)], body.to_string().as_bytes())
        };
        let answers: Vec<Reply> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..50).map(|_| scope.spawn(|| post("key-1", &body))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let distinct: BTreeSet<(u16, Vec<u8>, String)> =
            answers.into_iter().map(|reply| (reply.status, reply.body.clone(), reply.header("etag").to_owned())).collect();
        assert_eq!(distinct.len(), 1, "{distinct:?}");
        assert_eq!(distinct.iter().next().unwrap().0, 201);
        assert_eq!(app.get("/api/climbs?local_only=true").ok()["count"], 1);
        let mut other = body.clone();
        other["name"] = json!("Autre");
        assert_eq!(post("key-1", &other).problem(), (422, "idempotency_key_reused".into()));
        assert_eq!(post("key-2", &other).status, 201);
        assert_eq!(app.get("/api/climbs?local_only=true").ok()["count"], 2);
        assert_eq!(post("", &other).problem().0, 422);
    }
}
