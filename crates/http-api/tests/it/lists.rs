//! Lists: who sees them, what is in them, and how they are ordered.

use crate::support::community::{add, created, hide_imported, id_of, make, read};
use crate::support::{Person, Reply, TestApp, climb, migrate};
use mastoc_domain::access::{AccountRole, Scope};
use serde_json::{Value, json};

/// The climbs of a list in its order, as this person sees them.
fn climbs_of(app: &TestApp, person: &Person, list: &str) -> Vec<String> {
    let page = read(app, person, &format!("{list}/items"));
    let results = page["results"].as_array().unwrap();
    assert_eq!(page["count"], results.len());
    assert_eq!(read(app, person, list)["items_count"], results.len());
    assert!(results.iter().all(|item| item["climb"]["id"] == item["climb_id"]));
    results.iter().map(|item| item["climb_id"].as_str().unwrap().to_owned()).collect()
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn lists_are_made_changed_and_deleted_by_their_owners(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let gym = app.first_id("/api/gyms");
        let body = json!({"name": "  Les  dalles ", "description": "Pour l'été\n2026", "list_type": "circuit", "gym_id": gym, "is_public": true});
        let made = created(&app.by(&anna, "POST", "/api/lists", &body));
        assert_eq!(made["name"], "Les  dalles");
        assert_eq!(made["owner_name"], "anna");
        assert_eq!((&made["source"], &made["items_count"], &made["is_shared"]), (&json!("mastoc"), &json!(0), &json!(false)));
        let path = format!("/api/lists/{}", made["id"].as_str().unwrap());
        assert_eq!(read(&app, &anna, &path), made);

        let changed = app.by(&anna, "PATCH", &path, &json!({"name": "Projets", "list_type": "project", "description": null, "unknown": 1})).ok();
        assert_eq!((&changed["name"], &changed["list_type"], &changed["description"]), (&json!("Projets"), &json!("project"), &Value::Null));
        assert_eq!((&changed["gym_id"], &changed["is_public"]), (&made["gym_id"], &json!(true)));
        assert_eq!(app.by(&anna, "PATCH", &path, &json!({"gym_id": null})).ok()["gym_id"], Value::Null);
        let same = read(&app, &anna, &path);
        assert_eq!(app.by(&anna, "PATCH", &path, &json!({})).ok(), same);

        add(&app, &anna, &path, &id_of(&app, 1));
        assert_eq!(app.by(&anna, "DELETE", &path, &Value::Null).status, 204);
        for gone in [path.clone(), format!("{path}/items")] {
            assert_eq!(app.by(&anna, "GET", &gone, &Value::Null).problem(), (404, "not_found".into()));
        }
        assert_eq!(app.by(&anna, "DELETE", &path, &Value::Null).status, 404);
    }

    fn s14_s16_lists_are_checked_field_by_field_and_made_once(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let nowhere = "00000000-0000-4000-8000-000000000000";
        for (body, field) in [
            (json!({}), "name"),
            (json!({"name": null}), "name"),
            (json!({"name": " \u{200b}"}), "name"),
            (json!({"name": "a\u{7}b"}), "name"),
            (json!({"name": "a\nb"}), "name"),
            (json!({"name": "a\u{202e}b"}), "name"),
            (json!({"name": "é".repeat(101)}), "name"),
            (json!({"name": 3}), "name"),
            (json!({"name": "a", "description": "x".repeat(2001)}), "description"),
            (json!({"name": "a", "description": "a\0b"}), "description"),
            (json!({"name": "a", "list_type": "other"}), "list_type"),
            (json!({"name": "a", "is_public": "yes"}), "is_public"),
            (json!({"name": "a", "gym_id": "x"}), "gym_id"),
            (json!({"name": "a", "gym_id": nowhere}), "gym_id"),
        ] {
            let reply = app.by(&anna, "POST", "/api/lists", &body);
            assert_eq!(reply.problem(), (422, "invalid".into()), "{body}");
            assert_eq!(reply.json()["errors"][0]["field"], field, "{body}");
        }
        let path = make(&app, &anna, &json!({"name": "é".repeat(100)}));
        for body in [json!({"name": null}), json!({"list_type": null}), json!({"is_public": null}), json!({"gym_id": nowhere})] {
            assert_eq!(app.by(&anna, "PATCH", &path, &body).problem().0, 422, "{body}");
        }
        assert_eq!(app.by(&anna, "GET", "/api/lists/x", &Value::Null).problem().0, 422);

        let bearer = anna.bearer();
        let send = |key: &str, path: &str, body: &Value| {
            app.call("POST", path, &[("authorization", &bearer), ("idempotency-key", key)], body.to_string().as_bytes())
        };
        let body = json!({"name": "Une seule"});
        assert_eq!(created(&send("k1", "/api/lists", &body)), created(&send("k1", "/api/lists", &body)));
        assert_eq!(read(&app, &anna, "/api/lists?mine=true")["count"], 2);
        let item = json!({"climb_id": id_of(&app, 1)});
        let items = format!("{path}/items");
        assert_eq!(created(&send("k2", &items, &item)), created(&send("k2", &items, &item)));
        assert_eq!(send("k2", &items, &json!({"climb_id": id_of(&app, 2)})).problem().1, "idempotency_key_reused");
        assert_eq!(send("k3", &items, &item).problem(), (409, "conflict".into()));
    }

    fn s11_a_private_list_exists_for_its_owner_and_the_services_keys_alone(url: &str) {
        let app = TestApp::public(url).with_board();
        let (anna, ben, admin) = (app.person("anna"), app.person("ben"), app.person_with("root", AccountRole::Admin));
        let climb = id_of(&app, 1);
        let private = make(&app, &anna, &json!({"name": "Secret"}));
        let public = make(&app, &anna, &json!({"name": "Ouvert", "is_public": true}));
        for list in [&private, &public] {
            add(&app, &anna, list, &climb);
        }
        let item = format!("items/{climb}");
        let keys: Vec<(String, bool)> = Scope::ALL
            .iter()
            .map(|scope| (app.key(*scope), matches!(scope, Scope::Sync | Scope::Admin)))
            .collect();
        // Seen and not theirs is refused; not seen is not there.
        let writes = [
            ("PATCH", String::new(), json!({"name": "Pris"})),
            ("POST", "/items".to_owned(), json!({"climb_id": id_of(&app, 2)})),
            ("PATCH", format!("/{item}"), json!({"notes": "Prises"})),
            ("PUT", "/order".to_owned(), json!({"climb_ids": [climb]})),
            ("POST", "/share".to_owned(), json!({})),
            ("DELETE", "/share".to_owned(), Value::Null),
            ("DELETE", format!("/{item}"), Value::Null),
            ("DELETE", String::new(), Value::Null),
        ];
        for (method, rest, body) in &writes {
            for stranger in [&ben, &admin] {
                assert_eq!(app.by(stranger, method, &format!("{private}{rest}"), body).problem().0, 404, "{method} {rest}");
            }
            assert_eq!(app.by(&ben, method, &format!("{public}{rest}"), body).problem(), (403, "forbidden".into()), "{method} {rest}");
            let moderates = matches!((*method, rest.as_str()), ("PATCH" | "DELETE", "")) || (*method == "DELETE" && *rest == format!("/{item}"));
            if !moderates {
                assert_eq!(app.by(&admin, method, &format!("{public}{rest}"), body).problem().0, 403, "{method} {rest}");
            }
            for (key, _) in &keys {
                for list in [&private, &public] {
                    let reply = app.call(method, &format!("{list}{rest}"), &[("x-api-key", key)], body.to_string().as_bytes());
                    assert_eq!(reply.problem(), (403, "person_needed".into()), "{method} {rest}");
                }
            }
            assert_eq!(app.call(method, &format!("{public}{rest}"), &[], b"").problem().0, 401);
        }
        for stranger in [&ben, &admin] {
            for method in ["PUT", "DELETE"] {
                assert_eq!(app.by(stranger, method, &format!("{private}/follow"), &Value::Null).status, 404);
            }
        }
        for rest in ["", "/items"] {
            for (list, is_public) in [(&private, false), (&public, true)] {
                let path = format!("{list}{rest}");
                let status = |sees: bool| if sees { 200 } else { 404 };
                assert_eq!(app.by(&anna, "GET", &path, &Value::Null).status, 200);
                for stranger in [&ben, &admin] {
                    assert_eq!(app.by(stranger, "GET", &path, &Value::Null).status, status(is_public), "{path}");
                }
                for (key, sees) in &keys {
                    assert_eq!(app.get_as(key, &path).status, status(is_public || *sees), "{path}");
                }
                assert_eq!(app.get_as_nobody(&path).status, status(is_public), "{path}");
            }
        }
        let count = |reply: Reply| reply.ok()["count"].as_i64().unwrap();
        assert_eq!(count(app.by(&anna, "GET", "/api/lists", &Value::Null)), 2);
        for stranger in [&ben, &admin] {
            assert_eq!(count(app.by(stranger, "GET", "/api/lists", &Value::Null)), 1);
        }
        for (key, sees) in &keys {
            assert_eq!(count(app.get_as(key, "/api/lists")), 1 + i64::from(*sees));
        }
        assert_eq!(count(app.get_as_nobody("/api/lists")), 1);
        for query in ["mine=true", "followed=false"] {
            assert_eq!(app.get_as_nobody(&format!("/api/lists?{query}")).problem().0, 422);
            assert_eq!(app.get(&format!("/api/lists?{query}")).problem().0, 422);
        }
        // Admins moderate what is public, up to hiding it from themselves.
        assert_eq!(app.by(&admin, "DELETE", &format!("{public}/{item}"), &Value::Null).status, 204);
        assert_eq!(app.by(&admin, "PATCH", &public, &json!({"name": "Poli", "is_public": false})).ok()["name"], "Poli");
        assert_eq!(app.by(&admin, "DELETE", &public, &Value::Null).status, 404);
        assert_eq!(read(&app, &anna, &public)["name"], "Poli");
    }

    fn items_keep_their_order_notes_and_status(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        let list = make(&app, &anna, &json!({"name": "Circuit", "is_public": true}));
        let ids: Vec<String> = (0..4).map(|n| id_of(&app, n)).collect();
        let items = format!("{list}/items");
        for (id, body) in [(0, json!({})), (1, json!({"position": 0})), (2, json!({"notes": " Talon\ngauche ", "status": "in_progress"})), (3, json!({"position": 7}))] {
            let mut body = body;
            body["climb_id"] = json!(ids[id]);
            created(&app.by(&anna, "POST", &items, &body));
        }
        // Two share the first place: they follow each other by id.
        let mut first = [ids[0].clone(), ids[1].clone()];
        first.sort();
        let expected = [first[0].clone(), first[1].clone(), ids[2].clone(), ids[3].clone()];
        assert_eq!(climbs_of(&app, &anna, &list), expected);
        let two = read(&app, &anna, &format!("{items}?page=2&page_size=2"));
        assert_eq!((two["count"].as_i64(), two["results"].as_array().unwrap().len()), (Some(4), 2));
        let own = &two["results"][0];
        assert_eq!((&own["notes"], &own["status"], &own["position"]), (&json!("Talon\ngauche"), &json!("in_progress"), &json!(1)));
        let others = &read(&app, &ben, &format!("{items}?page=2&page_size=2"))["results"][0];
        assert_eq!((&others["notes"], &others["status"], &others["position"]), (&Value::Null, &Value::Null, &json!(1)));
        assert_eq!(app.get(&items).ok()["results"][2]["notes"], Value::Null);

        let item = format!("{items}/{}", ids[2]);
        let changed = app.by(&anna, "PATCH", &item, &json!({"status": "done", "notes": null, "position": 9})).ok();
        assert_eq!((&changed["notes"], &changed["status"], &changed["position"]), (&Value::Null, &json!("done"), &json!(9)));
        assert_eq!(climbs_of(&app, &anna, &list)[3], ids[2]);
        for (body, field) in [
            (json!({"status": "ready"}), "status"),
            (json!({"status": null}), "status"),
            (json!({"position": -1}), "position"),
            (json!({"position": 1_000_000_001}), "position"),
            (json!({"notes": "x".repeat(2001)}), "notes"),
        ] {
            let reply = app.by(&anna, "PATCH", &item, &body);
            assert_eq!((reply.problem().0, &reply.json()["errors"][0]["field"]), (422, &json!(field)), "{body}");
        }
        let nowhere = "00000000-0000-4000-8000-000000000000";
        assert_eq!(app.by(&anna, "POST", &items, &json!({"climb_id": nowhere})).problem().0, 404);
        assert_eq!(app.by(&anna, "PATCH", &format!("{items}/{nowhere}"), &json!({"status": "done"})).problem().0, 404);
        assert_eq!(app.by(&anna, "POST", &items, &json!({"climb_id": ids[2]})).problem(), (409, "conflict".into()));

        let mut order = climbs_of(&app, &anna, &list);
        order.reverse();
        assert_eq!(app.by(&anna, "PUT", &format!("{list}/order"), &json!({"climb_ids": order})).status, 204);
        assert_eq!(climbs_of(&app, &ben, &list), order);
        let short: Vec<_> = order.iter().skip(1).cloned().collect();
        let mut twice = order.clone();
        twice[0] = twice[1].clone();
        let mut foreign = order.clone();
        foreign[0] = id_of(&app, 9);
        let mut longer = order.clone();
        longer.push(id_of(&app, 9));
        for wrong in [json!(short), json!(twice), json!(foreign), json!(longer), json!([]), json!(["x"]), json!("x"), Value::Null] {
            assert_eq!(app.by(&anna, "PUT", &format!("{list}/order"), &json!({"climb_ids": wrong})).problem(), (422, "invalid".into()));
        }
        assert_eq!(climbs_of(&app, &anna, &list), order);
        assert_eq!(app.by(&anna, "DELETE", &item, &Value::Null).status, 204);
        assert_eq!(app.by(&anna, "DELETE", &item, &Value::Null).status, 404);
        assert_eq!(climbs_of(&app, &anna, &list).len(), 3);
    }

    fn s11_private_climbs_are_in_no_list_and_no_count_but_keep_their_places(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let list = make(&app, &anna, &json!({"name": "Circuit", "is_public": true}));
        let ids: Vec<String> = [10, 11, 12, 13].map(|n| id_of(&app, n)).to_vec();
        for id in &ids {
            add(&app, &anna, &list, id);
        }
        hide_imported(&app, 11, true);
        let hidden = id_of(&app, 5);
        assert_eq!(app.by(&anna, "POST", &format!("{list}/items"), &json!({"climb_id": hidden})).problem().0, 404);
        let seen = vec![ids[0].clone(), ids[2].clone(), ids[3].clone()];
        assert_eq!(climbs_of(&app, &anna, &list), seen);
        assert_eq!(read(&app, &anna, "/api/lists")["results"][0]["items_count"], 3);
        for (method, body) in [("PATCH", json!({"status": "done"})), ("DELETE", Value::Null)] {
            assert_eq!(app.by(&anna, method, &format!("{list}/items/{}", ids[1]), &body).status, 404);
        }
        // Keys of the service see it, and it is not lost.
        assert_eq!(app.get(&format!("{list}/items")).ok()["count"], 4);
        assert_eq!(app.get(&list).ok()["items_count"], 4);
        let turned: Vec<String> = seen.iter().rev().cloned().collect();
        assert_eq!(app.by(&anna, "PUT", &format!("{list}/order"), &json!({"climb_ids": ids})).problem().0, 422);
        assert_eq!(app.by(&anna, "PUT", &format!("{list}/order"), &json!({"climb_ids": turned})).status, 204);
        // Every place is taken once, also for those who see all of them.
        let all = app.get(&format!("{list}/items")).ok();
        let places: Vec<_> = all["results"].as_array().unwrap().iter().map(|item| (&item["position"], &item["climb_id"])).collect();
        assert_eq!(places, [(&json!(0), &json!(turned[0])), (&json!(1), &json!(ids[1])), (&json!(2), &json!(turned[1])), (&json!(3), &json!(turned[2]))]);
        hide_imported(&app, 11, false);
        let expected = vec![turned[0].clone(), ids[1].clone(), turned[1].clone(), turned[2].clone()];
        assert_eq!(climbs_of(&app, &anna, &list), expected);
    }

    fn a_long_list_takes_no_more_statements_than_a_short_one(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let records: Vec<Value> = (100..350).map(climb).collect();
        for some in records.chunks(250) {
            app.post("/api/sync/import/climbs/batch", &json!({"climbs": some})).ok();
        }
        let mut costs = Vec::new();
        for size in [3_usize, 150] {
            let list = make(&app, &anna, &json!({"name": "Circuit"}));
            let page = read(&app, &anna, &format!("/api/climbs?page_size={size}"));
            let mut order: Vec<String> = Vec::new();
            for climb in page["results"].as_array().unwrap() {
                order.insert(0, climb["id"].as_str().unwrap().to_owned());
                add(&app, &anna, &list, &order[0]);
            }
            let cost = |work: &dyn Fn() -> u16| {
                let before = app.store.statements();
                assert!(matches!(work(), 200 | 204));
                app.store.statements() - before
            };
            costs.push((
                cost(&|| app.by(&anna, "PUT", &format!("{list}/order"), &json!({"climb_ids": order})).status),
                cost(&|| app.by(&anna, "GET", &format!("{list}/items?page_size=500"), &Value::Null).status),
                cost(&|| app.by(&anna, "GET", &list, &Value::Null).status),
            ));
            assert_eq!(read(&app, &anna, &format!("{list}/items?page_size=500"))["results"][0]["climb_id"], order[0]);
        }
        assert_eq!(costs[0], costs[1]);
    }
}
