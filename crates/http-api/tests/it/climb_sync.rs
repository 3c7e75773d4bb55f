//! Written climbs and synchronisation: what an import leaves alone, Stokt's ids, and dates.

use crate::support::climbs::{imported, mine, new_climb, wrong};
use crate::support::{ENV_KEY, TestApp, climb, climb_id, migrate};
use mastoc_domain::access::AccountRole;
use serde_json::{Value, json};

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn what_was_changed_here_survives_the_next_import(url: &str) {
        let app = TestApp::start(url).with_board();
        let (path, _) = imported(&app, 4);
        let patch = |body: &Value| app.call("PATCH", &path, &[("x-api-key", ENV_KEY)], body.to_string().as_bytes()).ok();
        assert_eq!(patch(&json!({"grade_font": "7C"}))["sync_state"], "modified");
        let edited = patch(&json!({"name": "À nous"}));
        assert_eq!(edited["sync_state"], "modified");
        let mut changed = climb(4);
        changed["name"] = json!("Chez eux");
        changed["climbed_by"] = json!(77);
        changed["grade_font"] = json!("4");
        app.post("/api/sync/import/climb", &changed).ok();
        let kept = app.get(&path).ok();
        assert_eq!((kept["name"].clone(), kept["climbed_by"].clone(), kept["sync_state"].clone()), (json!("À nous"), json!(77), json!("modified")));
        assert_eq!((kept["grade_font"].clone(), kept["grade_ircra"].clone()), (json!("7C"), json!(24.5)), "a grade given here stays");
        assert_eq!(app.get(&path).ok()["created_at"], app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(4))).ok()["created_at"]);
    }

    fn stokts_id_of_a_climb_that_was_sent_is_noted_once(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, admin) = (app.person("anna"), app.person_with("root", AccountRole::Admin));
        let path = mine(&app, &anna, &new_climb(&app));
        let new = "57000000-0000-4000-8000-00000002aaaa";
        let link = |path: &str, stokt_id: &str| app.by(&admin, "PATCH", &format!("{path}/stokt-id?stokt_id={stokt_id}"), &Value::Null);
        assert_eq!(link(&path, &climb_id(1)).problem(), (409, "conflict".into()));
        let linked = link(&path, new).ok();
        assert_eq!((linked["stokt_id"].clone(), linked["sync_state"].clone(), linked["source"].clone()), (json!(new), json!("synced"), json!("mastoc")));
        assert_eq!(link(&path, new).ok(), linked);
        assert_eq!(link(&path, "57000000-0000-4000-8000-00000002bbbb").problem(), (409, "conflict".into()));
        assert_eq!(wrong(&link(&path, "")), ["stokt_id"]);
        assert_eq!(wrong(&link(&path, "x")), ["stokt_id"]);
        assert_eq!(link("/api/climbs/00000000-0000-4000-8000-000000000000", new).status, 404);
        let mappings = app.store.read(|conn| mastoc_storage::mappings::list(conn, 0, 1_000)).unwrap();
        let mapping = mappings.iter().find(|mapping| mapping.stokt_id == new).unwrap();
        assert_eq!(mapping.direction, mastoc_domain::sync_state::Direction::MastocToStokt);
        // From now on it is compared with Stokt's.
        assert_eq!(app.by(&anna, "PATCH", &path, &json!({"name": "Modifié"})).ok()["sync_state"], "modified");
        // The id of a climb that was deleted here is not free either.
        assert_eq!(app.by(&anna, "DELETE", &path, &Value::Null).status, 204);
        let other = mine(&app, &anna, &new_climb(&app));
        assert_eq!(link(&other, new).problem(), (409, "conflict".into()));
    }

    fn dates_are_corrected_one_by_one_and_in_bulk(url: &str) {
        let app = TestApp::start(url).with_board();
        let (path, _) = imported(&app, 6);
        let patch = |path: &str, body: &Value| app.call("PATCH", path, &[("x-api-key", ENV_KEY)], body.to_string().as_bytes());
        let before = app.get(&path).ok();
        let after = patch(&format!("{path}/date"), &json!({"created_at": "2020-02-03T04:05:06+02:00"})).ok();
        assert_eq!(after["created_at"], "2020-02-03T02:05:06.000000Z");
        assert_eq!((after["sync_state"].clone(), after["name"].clone()), (json!("synced"), before["name"].clone()));
        assert_eq!(wrong(&patch(&format!("{path}/date"), &json!({"created_at": "soon"}))), ["created_at"]);
        assert_eq!(wrong(&patch(&format!("{path}/date"), &json!({}))), ["created_at"]);
        assert_eq!(app.get("/api/climbs?sort=oldest&page_size=1").ok()["results"][0]["id"], before["id"]);

        let updates = json!([
            {"stokt_id": climb_id(0), "created_at": "2021-01-01T00:00:00"}, {"stokt_id": climb_id(1), "created_at": "2021-01-02T00:00:00Z"},
            {"stokt_id": climb_id(1), "created_at": "2021-01-03T00:00:00Z"}, {"stokt_id": "57000000-0000-4000-8000-00000002aaaa", "created_at": "2021-01-01T00:00:00Z"},
            {"stokt_id": climb_id(2), "created_at": "never"}, {"created_at": "2021-01-01T00:00:00Z"}, 7
        ]);
        let answer = patch("/api/climbs/bulk/dates", &json!({"updates": updates})).ok();
        assert_eq!((answer["updated"].clone(), answer["errors"].clone(), answer["total"].clone()), (json!(3), json!(4), json!(7)));
        let failures: Vec<(i64, &str)> =
            answer["failures"].as_array().unwrap().iter().map(|failure| (failure["index"].as_i64().unwrap(), failure["code"].as_str().unwrap())).collect();
        assert_eq!(failures, [(3, "unknown_climb"), (4, "bad_record"), (5, "bad_record"), (6, "bad_record")]);
        assert_eq!(app.get(&imported(&app, 1).0).ok()["created_at"], "2021-01-03T00:00:00.000000Z");
        assert_eq!(patch("/api/climbs/bulk/dates", &json!({"updates": []})).ok()["total"], 0);
        assert_eq!(wrong(&patch("/api/climbs/bulk/dates", &json!({}))), ["updates"]);
        assert_eq!(wrong(&patch("/api/climbs/bulk/dates", &json!({"updates": vec![1; 5_001]}))), ["updates"]);
        let changed = app.get(&format!("{path}/history")).ok()["results"][0]["changes"][0]["field"].clone();
        assert_eq!(changed, "created_at");

        // As many statements for two as for five thousand.
        let cost = |day: u32, padding: usize| {
            let mut updates: Vec<Value> = (0..30).take(padding.max(2)).map(|n| json!({"stokt_id": climb_id(n), "created_at": format!("2022-01-{day:02}T00:00:00Z")})).collect();
            updates.extend((30..padding).map(|n| json!({"stokt_id": format!("57000000-0000-4000-8000-00000003{n:04}"), "created_at": "2022-01-01T00:00:00Z"})));
            let before = app.store.statements();
            let answer = patch("/api/climbs/bulk/dates", &json!({"updates": updates})).ok();
            assert_eq!(answer["updated"], padding.clamp(2, 30));
            app.store.statements() - before
        };
        assert_eq!(cost(1, 2), cost(2, 5_000));
    }
}
