//! What people say about holds, what they agree on, and holds that need a hand.

use crate::support::{FIRST_HOLD, HOLDS, Person, Reply, TestApp, migrate};
use mastoc_domain::access::{AccountRole, Scope};
use serde_json::{Value, json};

fn of(hold: u32) -> String {
    format!("/api/holds/{}/annotations", FIRST_HOLD + hold)
}

fn say(app: &TestApp, person: &Person, hold: u32, body: &Value) -> Value {
    app.by(person, "PUT", &of(hold), body).ok()
}

fn batch(app: &TestApp, person: &Person, ids: &[u32]) -> Reply {
    app.by(person, "POST", "/api/holds/annotations/batch", &json!({"hold_ids": ids}))
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn people_agree_and_each_keeps_their_own(url: &str) {
        let app = TestApp::public(url).with_board();
        let people: Vec<Person> = ["anna", "ben", "cleo", "dora"].iter().map(|name| app.person(name)).collect();
        let words = [("bac", "sale", "dure"), ("bac", "ok", "facile"), ("plat", "sale", "dure"), ("bac", "a_brosser", "normale")];
        for (person, (grip, condition, difficulty)) in people.iter().zip(words) {
            say(&app, person, 0, &json!({"grip_type": grip, "condition": condition, "difficulty": difficulty}));
        }
        say(&app, &people[0], 0, &json!({"notes": "à la main\ngauche"}));
        let mine = app.by(&people[0], "GET", &of(0), &Value::Null).ok();
        assert_eq!(mine["hold_id"], FIRST_HOLD);
        assert_eq!(mine["consensus"], json!({
            "grip_type": "bac", "grip_type_votes": 3, "grip_type_confidence": 0.75, "grip_type_established": true,
            "condition": "sale", "condition_votes": 2, "condition_confidence": 0.5, "condition_established": false,
            "difficulty": "dure", "difficulty_votes": 2, "difficulty_confidence": 0.5, "difficulty_established": false,
            "total_annotators": 4
        }));
        assert_eq!(mine["user_annotation"]["notes"], "à la main\ngauche");
        assert_eq!(mine["user_annotation"]["condition"], "sale");
        // Nobody else sees notes, an admin's key neither.
        for reply in [app.by(&people[1], "GET", &of(0), &Value::Null), app.get(&of(0)), app.get_as_nobody(&of(0))] {
            assert!(!reply.ok().to_string().contains("gauche"));
            assert_eq!(reply.json()["consensus"], mine["consensus"]);
        }
        assert_eq!(app.get(&of(0)).ok()["user_annotation"], Value::Null);
        assert_eq!(app.by(&people[1], "GET", &of(0), &Value::Null).ok()["user_annotation"]["grip_type"], "bac");

        // The third vote of four establishes; the next read tells.
        say(&app, &people[3], 0, &json!({"condition": "sale"}));
        let now = app.get(&of(0)).ok();
        assert_eq!((&now["consensus"]["condition_votes"], &now["consensus"]["condition_established"]), (&json!(3), &json!(true)));
        assert_eq!(app.get("/api/holds/1/annotations").problem().0, 404);
    }

    fn fields_that_are_not_sent_stay_and_empty_ones_clear(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        say(&app, &anna, 1, &json!({"grip_type": "pince", "condition": "usee", "notes": "x"}));
        let left = say(&app, &anna, 1, &json!({"grip_type": "", "difficulty": "facile", "unknown": 1}));
        let own = &left["user_annotation"];
        assert_eq!((&own["grip_type"], &own["condition"], &own["difficulty"]), (&Value::Null, &json!("usee"), &json!("facile")));
        assert_eq!(own["notes"], "x");
        let gone = say(&app, &anna, 1, &json!({"condition": null, "difficulty": " ", "notes": ""}));
        assert_eq!((&gone["user_annotation"], &gone["consensus"]["total_annotators"]), (&Value::Null, &json!(0)));

        let bad = json!({"grip_type": "jug", "condition": 3, "difficulty": "very", "notes": "x".repeat(2_001)});
        let refused = app.by(&anna, "PUT", &of(1), &bad);
        assert_eq!(refused.problem(), (422, "invalid".to_owned()));
        let errors = refused.json()["errors"].clone();
        assert_eq!(errors.as_array().unwrap().len(), 4, "{errors}");
        assert!(errors[0]["message"].as_str().unwrap().contains("plat, reglette, bi_doigt"), "{errors}");
        assert_eq!(app.by(&anna, "PUT", "/api/holds/1/annotations", &json!({})).problem().0, 404);

        say(&app, &anna, 1, &json!({"grip_type": "bac"}));
        assert_eq!(app.by(&anna, "DELETE", &of(1), &Value::Null).status, 204);
        assert_eq!(app.by(&anna, "DELETE", &of(1), &Value::Null).problem().0, 404);
        assert_eq!(app.get(&of(1)).ok()["consensus"]["grip_type_votes"], 0);
    }

    fn a_whole_board_takes_three_statements_and_then_none(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (app.person("anna"), app.person("ben"));
        for hold in [0, 3] {
            say(&app, &anna, hold, &json!({"grip_type": "micro", "notes": "mine"}));
            say(&app, &ben, hold, &json!({"grip_type": "bac"}));
        }
        let ids: Vec<u32> = (FIRST_HOLD..FIRST_HOLD + HOLDS).rev().chain([7, FIRST_HOLD]).collect();
        // What finding out who asks, and lending a connection, takes.
        let statements = |ids: &[u32]| {
            let before = app.store.statements();
            let reply = batch(&app, &anna, ids);
            (reply.ok(), app.store.statements() - before)
        };
        let (_, alone) = statements(&ids[..1]);
        let (all, together) = statements(&ids);
        assert_eq!(alone, together, "the number of statements does not depend on the number of holds");
        let (again, kept) = statements(&ids);
        assert_eq!(all, again);
        // The begin, the version, the two of the batch itself and the end.
        assert!(together - kept <= 3 + 3, "{together} - {kept}");
        let annotations = all["annotations"].as_object().unwrap();
        assert_eq!(annotations.len(), HOLDS as usize);
        for (id, one) in annotations {
            assert_eq!(*one, app.by(&anna, "GET", &format!("/api/holds/{id}/annotations"), &Value::Null).ok());
        }
        // Others are answered apart, and a write is in the next answer.
        let theirs = batch(&app, &ben, &ids).ok();
        assert!(!theirs.to_string().contains("mine"));
        assert_eq!(theirs["annotations"][&FIRST_HOLD.to_string()]["user_annotation"]["grip_type"], "bac");
        say(&app, &ben, 0, &json!({"grip_type": "micro"}));
        let now = batch(&app, &anna, &ids).ok();
        assert_eq!(now["annotations"][&FIRST_HOLD.to_string()]["consensus"]["grip_type_votes"], 2);
        assert_ne!(batch(&app, &anna, &ids[..3]).ok(), now);

        assert_eq!(batch(&app, &anna, &[]).ok(), json!({"annotations": {}}));
        assert_eq!(batch(&app, &anna, &(0..1_001).collect::<Vec<_>>()).problem().0, 422);
        for bad in [json!({}), json!({"hold_ids": "1"}), json!({"hold_ids": [1, "2"]}), json!({"hold_ids": null})] {
            assert_eq!(app.by(&anna, "POST", "/api/holds/annotations/batch", &bad).problem().0, 422, "{bad}");
        }
        let read = app.key(Scope::Read);
        let body = json!({"hold_ids": [FIRST_HOLD]}).to_string();
        assert_eq!(app.call("POST", "/api/holds/annotations/batch", &[("x-api-key", &read)], body.as_bytes()).status, 200);
    }

    fn what_is_reported_is_listed_until_somebody_has_seen_to_it(url: &str) {
        let app = TestApp::public(url).with_board();
        let (anna, ben, admin) = (app.person("anna"), app.person("ben"), app.person_with("ada", AccountRole::Admin));
        for (hold, one, other) in [(1, "sale", "sale"), (2, "cassee", ""), (3, "ok", "cassee"), (4, "a_brosser", "a_brosser"), (6, "sale", "tournee")] {
            say(&app, &anna, hold, &json!({"condition": one}));
            say(&app, &ben, hold, &json!({"condition": other}));
        }
        let listed = |path: &str| app.get_as_nobody(path).ok();
        let ids = |list: &Value| list["results"].as_array().unwrap().iter().map(|one| one["hold_id"].as_u64().unwrap() - u64::from(FIRST_HOLD)).collect::<Vec<_>>();
        let all = listed("/api/maintenance");
        // Ties go to the more harmless: sale before tournee, ok before cassee.
        assert_eq!(ids(&all), [2, 1, 6, 4]);
        assert_eq!((&all["count"], &all["page"], &all["page_size"]), (&json!(4), &json!(1), &json!(50)));
        let first = &all["results"][1];
        assert_eq!((&first["votes"], &first["confidence"], &first["is_established"]), (&json!(2), &json!(1.0), &json!(true)));
        assert_eq!(all["results"][2]["confidence"], 0.5);
        assert!(first["newest_at"].is_string());
        // Climb 5 is private; each hold is in four climbs of twelve, and thirty climbs go round.
        let climbs = |list: &Value, hold: u64| list["results"].as_array().unwrap().iter().find(|one| one["hold_id"] == u64::from(FIRST_HOLD) + hold).unwrap()["climbs_count"].as_u64().unwrap();
        assert_eq!(climbs(&app.get("/api/maintenance").ok(), 6), climbs(&all, 6) + 1);
        let (gym, face) = (app.first_id("/api/gyms"), app.first_id("/api/faces"));
        for filter in [format!("gym_id={gym}"), format!("face_id={face}")] {
            assert_eq!(listed(&format!("/api/maintenance?{filter}")), all);
        }
        assert_eq!(listed("/api/maintenance?face_id=00000000-0000-4000-8000-000000000000")["count"], 0);
        let mut paged = Vec::new();
        for page in 1..=2 {
            paged.extend(ids(&listed(&format!("/api/maintenance?page_size=2&page={page}"))));
        }
        assert_eq!(paged, ids(&all));

        let closing = |hold: u32| format!("/api/holds/{}/maintenance/close", FIRST_HOLD + hold);
        assert_eq!(app.by(&anna, "POST", &closing(1), &json!({})).problem(), (403, "forbidden".to_owned()));
        assert_eq!(app.by(&anna, "POST", "/api/holds/1/maintenance/close", &json!({})).problem().0, 404);
        let closed = app.by(&admin, "POST", &closing(1), &json!({"note": "brossée"}));
        assert_eq!(closed.status, 201);
        let closed = closed.json();
        assert_eq!((&closed["condition"], &closed["votes"], &closed["note"], &closed["closed_by_name"]), (&json!("sale"), &json!(2), &json!("brossée"), &json!("ada")));
        assert_eq!(ids(&listed("/api/maintenance")), [2, 6, 4]);
        // People keep what they said; it counts no more.
        let mine = app.by(&anna, "GET", &of(1), &Value::Null).ok();
        assert_eq!((&mine["user_annotation"]["condition"], &mine["user_annotation"]["is_condition_closed"]), (&json!("sale"), &json!(true)));
        assert_eq!((&mine["consensus"]["condition"], &mine["consensus"]["condition_votes"]), (&Value::Null, &json!(0)));
        assert_eq!(mine["consensus"]["total_annotators"], 2);
        // Nothing is open any more, and where most find nothing wrong nothing is closed.
        for hold in [1, 3] {
            assert_eq!(app.by(&admin, "POST", &closing(hold), &json!({})).problem(), (409, "conflict".to_owned()));
        }
        assert_eq!(app.get(&of(3)).ok()["consensus"]["condition_votes"], 1, "a refused closing closes nothing");
        // Saying something else leaves the closed report closed; saying it again reports it again.
        say(&app, &anna, 1, &json!({"grip_type": "bac"}));
        assert_eq!(app.get(&of(1)).ok()["consensus"]["condition_votes"], 0);
        let again = say(&app, &anna, 1, &json!({"condition": "sale"}));
        assert_eq!((&again["consensus"]["condition_votes"], &again["user_annotation"]["is_condition_closed"]), (&json!(1), &json!(false)));

        // By a key, once however often it is sent.
        let key = app.key(Scope::Write);
        let send = || app.call("POST", &closing(1), &[("x-api-key", &key), ("idempotency-key", "one")], b"{}");
        let (one, two) = (send(), send());
        assert_eq!((one.status, one.json()), (201, two.json()));
        let history = listed(&format!("/api/holds/{}/maintenance", FIRST_HOLD + 1));
        assert_eq!(history["count"], 2);
        assert_eq!((&history["results"][0], &history["results"][1]), (&one.json(), &closed));
        assert_eq!(listed(&format!("/api/holds/{FIRST_HOLD}/maintenance"))["count"], 0);
        assert_eq!(app.get("/api/holds/1/maintenance").problem().0, 404);
    }

    fn the_list_of_reports_takes_the_same_statements_however_many(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = app.person("anna");
        let cost = |hold: u32| {
            say(&app, &anna, hold, &json!({"condition": "usee"}));
            let before = app.store.statements();
            let count = app.get("/api/maintenance").ok()["count"].as_u64().unwrap();
            (count, app.store.statements() - before)
        };
        let costs: Vec<(u64, u64)> = (0..5).map(cost).collect();
        assert_eq!(costs.iter().map(|(count, _)| *count).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert!(costs.iter().all(|(_, cost)| *cost == costs[0].1), "{costs:?}");
    }
}
