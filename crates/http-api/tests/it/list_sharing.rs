//! Lists that are followed and shared by links, and what the feed tells of them.

use crate::support::community::{add, hide_imported, id_of, make, read};
use crate::support::{Person, TestApp, migrate};
use mastoc_domain::access::Scope;
use serde_json::{Value, json};

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn lists_are_followed_and_found_by_what_they_are(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        let gym = app.first_id("/api/gyms");
        let circuit = make(&app, &anna, &json!({"name": "A", "is_public": true, "list_type": "circuit", "gym_id": gym}));
        make(&app, &anna, &json!({"name": "B", "is_public": true}));
        make(&app, &anna, &json!({"name": "C"}));
        make(&app, &ben, &json!({"name": "D", "list_type": "project"}));
        for _ in 0..2 {
            assert_eq!(app.by(&ben, "PUT", &format!("{circuit}/follow"), &Value::Null).status, 204);
        }
        assert_eq!(app.by(&anna, "PUT", &format!("{circuit}/follow"), &Value::Null).problem(), (409, "conflict".into()));
        let names = |person: &Person, query: &str| -> String {
            let page = read(&app, person, &format!("/api/lists?{query}"));
            let found = page["results"].as_array().unwrap();
            assert_eq!(page["count"], found.len(), "{query}");
            found.iter().map(|list| list["name"].as_str().unwrap()).collect()
        };
        // The latest made first.
        for (query, of_anna, of_ben) in [
            ("", "CBA", "DBA"),
            ("mine=true", "CBA", "D"),
            ("mine=false", "", "BA"),
            ("followed=true", "", "A"),
            ("followed=false", "CBA", "DB"),
            ("public=true", "BA", "BA"),
            ("public=false", "C", "D"),
            ("list_type=circuit", "A", "A"),
            ("mine=true&list_type=project", "", "D"),
            (&format!("gym_id={gym}"), "A", "A"),
            ("gym_id=00000000-0000-4000-8000-000000000000", "", ""),
        ] {
            assert_eq!((names(&anna, query).as_str(), names(&ben, query).as_str()), (of_anna, of_ben), "{query}");
        }
        assert_eq!(read(&app, &ben, &circuit)["is_followed"], true);
        assert_eq!(read(&app, &anna, &circuit)["is_followed"], false);
        // A list that is not public any more is not followed any more, and comes back if it is again.
        app.by(&anna, "PATCH", &circuit, &json!({"is_public": false})).ok();
        assert_eq!(names(&ben, "followed=true"), "");
        app.by(&anna, "PATCH", &circuit, &json!({"is_public": true})).ok();
        assert_eq!(names(&ben, "followed=true"), "A");
        for _ in 0..2 {
            assert_eq!(app.by(&ben, "DELETE", &format!("{circuit}/follow"), &Value::Null).status, 204);
        }
        assert_eq!(names(&ben, "followed=true"), "");
    }

    fn s11_a_link_shows_a_private_list_until_it_is_replaced_or_revoked(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben, cleo) = (app.person("anna"), app.person("ben"), app.person("cleo"));
        let list = make(&app, &anna, &json!({"name": "Secret"}));
        for number in [1, 2] {
            add(&app, &anna, &list, &id_of(&app, number));
        }
        hide_imported(&app, 2, true);
        let share = || {
            let link = app.by(&anna, "POST", &format!("{list}/share"), &json!({})).ok();
            let token = link["token"].as_str().unwrap().to_owned();
            assert_eq!(link["path"], format!("/api/lists/shared/{token}"));
            assert_eq!(token.len(), 43, "256 bits in base64");
            token
        };
        let token = share();
        assert_eq!(read(&app, &anna, &list)["is_shared"], true);
        let path = format!("/api/lists/shared/{token}");
        let shown = read(&app, &ben, &path);
        assert_eq!((&shown["name"], &shown["items_count"], &shown["is_shared"]), (&json!("Secret"), &json!(1), &Value::Null));
        assert_eq!(read(&app, &ben, &format!("{path}/items"))["count"], 1);
        let key = app.key(Scope::Read);
        assert_eq!(app.get_as(&key, &path).status, 200);
        assert_eq!(app.get_as_nobody(&path).problem().0, 401);
        let mut wrong = token.clone();
        wrong.replace_range(..1, if token.starts_with('A') { "B" } else { "A" });
        for bad in [wrong.as_str(), "x", "%00", &"x".repeat(43), "00000000-0000-4000-8000-000000000000"] {
            for rest in ["", "/items"] {
                let path = format!("/api/lists/shared/{bad}{rest}");
                assert_eq!(app.by(&ben, "GET", &path, &Value::Null).problem().0, 404, "{path}");
            }
            assert_eq!(app.by(&ben, "PUT", &format!("{list}/follow"), &json!({"token": bad})).status, 404);
        }
        // Reading by the link is not following; following by it shows the list under its own address.
        assert_eq!(app.by(&ben, "GET", &list, &Value::Null).status, 404);
        assert_eq!(app.by(&ben, "PUT", &format!("{list}/follow"), &json!({"token": token})).status, 204);
        assert_eq!(read(&app, &ben, &list)["is_followed"], true);
        assert_eq!(read(&app, &ben, "/api/lists?followed=true")["count"], 1);
        assert_eq!(app.by(&cleo, "GET", &list, &Value::Null).status, 404);
        assert_eq!(app.by(&anna, "PUT", &format!("{list}/follow"), &json!({"token": token})).status, 409);
        for (method, rest, body) in [("PATCH", "", json!({"name": "x"})), ("POST", "/share", json!({})), ("DELETE", "/share", Value::Null), ("DELETE", "", Value::Null)] {
            assert_eq!(app.by(&ben, method, &format!("{list}{rest}"), &body).problem().0, 403, "{method} {rest}");
        }

        let second = share();
        assert_ne!(second, token);
        let gone = |what: &str| {
            assert_eq!(app.by(&ben, "GET", &format!("/api/lists/shared/{token}"), &Value::Null).status, 404, "{what}");
            assert_eq!(app.by(&ben, "GET", &list, &Value::Null).status, 404, "{what}");
            assert_eq!(read(&app, &ben, "/api/lists")["count"], 0, "{what}");
        };
        gone("replaced");
        assert_eq!(app.by(&ben, "PUT", &format!("{list}/follow"), &json!({"token": second})).status, 204);
        assert_eq!(app.by(&ben, "GET", &list, &Value::Null).status, 200);
        for _ in 0..2 {
            assert_eq!(app.by(&anna, "DELETE", &format!("{list}/share"), &Value::Null).status, 204);
        }
        gone("revoked");
        assert_eq!(read(&app, &anna, &list)["is_shared"], false);
        assert_eq!(app.get(&path).status, 404);
        // Tokens are secrets: only hashes of them are kept.
        let changes = String::from_utf8(app.get("/api/changes?limit=1000").body).unwrap();
        assert!(!changes.contains(&token) && !changes.contains(&second));
    }

    fn s11_the_feed_tells_of_lists_to_whoever_sees_them(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben, cleo) = (app.person("anna"), app.person("ben"), app.person("cleo"));
        let list = make(&app, &anna, &json!({"name": "Secret"}));
        let id = list.rsplit('/').next().unwrap().to_owned();
        let cursor = std::cell::RefCell::new(String::from("0"));
        // What each person is told of the list since the last time: its name and climbs, `gone`, or nothing.
        let told = || {
            let since = cursor.borrow().clone();
            let of = |person: &Person| {
                let page = read(&app, person, &format!("/api/changes?limit=1000&since={since}"));
                *cursor.borrow_mut() = page["next_cursor"].as_str().unwrap().to_owned();
                let rows = ["created", "updated"].map(|kind| page[kind]["lists"].as_array().unwrap().clone()).concat();
                if let Some(row) = rows.iter().find(|row| row["id"] == id) {
                    return format!("{} {}", row["name"].as_str().unwrap(), row["items"].as_array().unwrap().len());
                }
                if page.to_string().contains(&id) { "gone".to_owned() } else { String::new() }
            };
            // The owner is told of everything, and so comes last for the cursor.
            let (ben, cleo) = (of(&ben), of(&cleo));
            (of(&anna), ben, cleo)
        };
        let expect = |of_anna: &str, of_ben: &str, of_cleo: &str| {
            assert_eq!(told(), (of_anna.to_owned(), of_ben.to_owned(), of_cleo.to_owned()));
        };
        expect("Secret 0", "", "");
        let token = app.by(&anna, "POST", &format!("{list}/share"), &json!({})).ok()["token"].clone();
        app.by(&ben, "PUT", &format!("{list}/follow"), &json!({"token": token}));
        expect("Secret 0", "Secret 0", "");
        let climb = id_of(&app, 1);
        add(&app, &anna, &list, &climb);
        expect("Secret 1", "Secret 1", "");
        app.by(&anna, "PATCH", &list, &json!({"name": "Autre"})).ok();
        expect("Autre 1", "Autre 1", "");
        hide_imported(&app, 1, true);
        expect("Autre 0", "Autre 0", "");
        hide_imported(&app, 1, false);
        expect("Autre 1", "Autre 1", "");
        app.by(&anna, "PATCH", &format!("{list}/items/{climb}"), &json!({"status": "done"})).ok();
        expect("Autre 1", "Autre 1", "");
        app.by(&anna, "DELETE", &format!("{list}/share"), &Value::Null);
        expect("Autre 1", "gone", "");
        app.by(&anna, "PATCH", &list, &json!({"is_public": true})).ok();
        expect("Autre 1", "Autre 1", "Autre 1");
        app.by(&anna, "PATCH", &list, &json!({"is_public": false})).ok();
        expect("Autre 1", "gone", "gone");
        assert_eq!(app.by(&anna, "DELETE", &list, &Value::Null).status, 204);
        expect("gone", "", "");
    }
}
