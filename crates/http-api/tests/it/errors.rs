//! Whatever goes wrong: one shape, a stable code, no cause, and never a 500.

use std::sync::OnceLock;

use crate::support::{ENV_KEY, TestApp, migrate};
use proptest::prelude::*;
use serde_json::json;

fn pair(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s18_every_error_is_a_problem(url: &str) {
        let app = TestApp::start(url).with_board();
        let none = "00000000-0000-4000-8000-000000000000";
        for path in ["/nothing", "/api", "/api/climbs/", "/docs/nothing.js", "/docs/../x", "/api/climbs/x/y"] {
            assert_eq!(app.get(path).problem(), pair(404, "not_found"), "{path}");
        }
        for path in [
            format!("/api/climbs/{none}"), format!("/api/climbs/by-stokt-id/{none}"), format!("/api/faces/{none}"),
            format!("/api/faces/{none}/setup"), format!("/api/faces/by-stokt-id/{none}/setup"), "/api/holds/7".into(),
            "/api/holds/by-stokt-id/7".into(), "/api/holds/by-stokt-id/0".into(), format!("/api/gyms/{none}"),
            format!("/api/gyms/{none}/summary"), "/static/none.jpg".into(), format!("/media/{}", "a".repeat(64)),
            "/media/x".into(), "/static/".into(),
        ] {
            assert_eq!(app.get(&path).problem(), pair(404, "not_found"), "{path}");
        }
        for path in ["/api/climbs/x", "/api/faces/x", "/api/faces/x/setup", "/api/holds/x", "/api/holds/99999999999999999999", "/api/gyms/x", "/api/holds", "/api/holds?face_id=x"] {
            assert_eq!(app.get(path).problem(), pair(422, "invalid"), "{path}");
        }
        for (method, path, allowed) in [("DELETE", "/api/climbs", "GET, POST"), ("POST", "/health", "GET"), ("GET", "/api/sync/import/gym", "POST"), ("PATCH", "/static/a/b", "GET")] {
            let reply = app.call(method, path, &[("x-api-key", ENV_KEY)], b"");
            assert_eq!(reply.problem(), pair(405, "method_not_allowed"), "{method} {path}");
            assert_eq!(reply.header("allow"), allowed);
        }
    }

    fn s14_bad_values_are_named_by_field_all_at_once(url: &str) {
        let app = TestApp::start(url);
        let reply = app.get(
            "/api/climbs?page=0&page_size=501&face_id=x&sort=up&grade_min=12z&since_created_at=soon&holds=S&benchmark=maybe\
             &search=%00&cursor=%20&my=sent&list_id=1&max_ircra=NaN&source=elsewhere",
        );
        assert_eq!(reply.problem(), pair(422, "invalid"));
        let problem = reply.json();
        let mut fields: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            ["benchmark", "cursor", "face_id", "grade_min", "holds", "list_id", "max_ircra", "my", "page", "page_size", "search", "since_created_at", "sort", "source"]
        );
        assert!(problem["errors"].as_array().unwrap().iter().all(|error| error["message"].is_string()));
        assert_eq!(app.get("/api/climbs?page_size=500&page=10000000").status, 200);
        assert_eq!(app.get("/api/setters?page_size=501").problem().0, 422);
        assert_eq!(app.get("/api/changes?limit=1001").problem().0, 422);
        let many: Vec<String> = (0..300).map(|n| n.to_string()).collect();
        assert_eq!(app.get(&format!("/api/climbs?holds={}", many.join(","))).problem().0, 422);
        assert_eq!(app.get(&format!("/api/climbs?search={}", "a".repeat(256))).problem().0, 422);
    }

    fn s14_bodies_are_capped_and_read_by_shape(url: &str) {
        let app = TestApp::start(url);
        let post = |path: &str, body: &[u8]| app.call("POST", path, &[("x-api-key", ENV_KEY)], body).problem();
        assert_eq!(post("/api/sync/import/gym", b"{"), pair(400, "bad_json"));
        // Lists are no records whose fields stand in their order.
        let listed = json!([crate::support::GYM, "Name", null, null, null]);
        assert_eq!(post("/api/sync/import/gym", listed.to_string().as_bytes()), pair(422, "invalid"));
        assert_eq!(post("/api/sync/import/gyms/batch", b" [[], null]"), pair(422, "invalid"));
        let batch = app.post("/api/sync/import/gyms/batch", &json!({"gyms": [listed]})).ok();
        assert_eq!((&batch["created"], &batch["errors"]), (&json!(0), &json!(1)), "{batch}");
        assert_eq!(post("/api/sync/import/gym", b""), pair(400, "bad_json"));
        assert_eq!(post("/api/sync/import/gym", b"\xff\xfe"), pair(400, "bad_json"));
        assert_eq!(post("/api/sync/import/gym", b"[]"), pair(422, "invalid"));
        assert_eq!(post("/api/sync/import/gym", b"{\"stokt_id\": 1}"), pair(422, "invalid"));
        assert_eq!(post("/api/sync/import/holds/batch", b"{\"holds\": 1}"), pair(422, "invalid"));
        assert_eq!(post("/api/sync/import/holds/batch", "[".repeat(1000).as_bytes()).0 / 100, 4);
        assert_eq!(post("/api/sync/import/gym?dry_run=perhaps", b"{}"), pair(422, "invalid"));
        let large = vec![b' '; 16 * 1024 * 1024 + 1];
        assert_eq!(post("/api/sync/import/gym", &large), pair(413, "too_large"));
        let many = json!({"users": vec![json!({}); 5_001]}).to_string();
        assert_eq!(post("/api/sync/import/users/batch", many.as_bytes()), pair(413, "too_large"));
        let packed = app.call("POST", "/api/sync/import/gym", &[("x-api-key", ENV_KEY), ("content-encoding", "gzip")], b"x");
        assert_eq!(packed.problem(), pair(415, "unsupported_encoding"));
        let nul = app.post("/api/sync/import/gym", &json!({"stokt_id": crate::support::GYM, "display_name": "a\0b"}));
        assert_eq!(nul.problem(), pair(422, "refused"));
    }

    fn s14_a_body_of_unknown_length_is_capped_too(url: &str) {
        let app = TestApp::start(url);
        let head = format!(
            "POST /api/sync/import/gym HTTP/1.1\r\nhost: x\r\nx-api-key: {ENV_KEY}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let answer = crate::support::send_raw(app.address, &head, &vec![vec![b' '; 1024 * 1024]; 17]);
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
}

/// One server for all cases of a property.
fn shared() -> &'static TestApp {
    static APP: OnceLock<(mastoc_test_support::sqlite::TempSqlite, TestApp)> = OnceLock::new();
    let (_, app) = APP.get_or_init(|| {
        let database = mastoc_test_support::sqlite::fresh_path();
        migrate(database.url());
        let app = TestApp::start(database.url()).with_board();
        (database, app)
    });
    app
}

fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

const NAMES: &[&str] = &[
    "page",
    "page_size",
    "cursor",
    "sort",
    "gym_id",
    "face_id",
    "setter_id",
    "setter_ids",
    "exclude_setter_ids",
    "source",
    "search",
    "grade_min",
    "grade_max",
    "min_ircra",
    "max_ircra",
    "include_ungraded",
    "since_created_at",
    "since_synced_at",
    "local_only",
    "feet_rule",
    "benchmark",
    "tags",
    "holds",
    "any_holds",
    "without_holds",
    "min_holds",
    "max_holds",
    "my",
    "list_id",
    "since",
    "limit",
    "w",
    "gym_stokt_id",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn s14_no_query_answers_500(
        path in prop::sample::select(vec![
            "/api/climbs", "/api/faces", "/api/holds", "/api/setters", "/api/changes", "/api/sync/import/pictures",
            "/static/walls/face-1/main.png",
        ]),
        pairs in prop::collection::vec(
            (prop::sample::select(NAMES), prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                "-?[0-9]{1,25}(\\.[0-9]{1,3})?".prop_map(String::into_bytes),
                "[SOFT]?[0-9]{1,9}(,[SOFT]?[0-9]{1,9}){0,3}".prop_map(String::into_bytes),
                "[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z?".prop_map(String::into_bytes),
                "\\PC{0,30}".prop_map(String::into_bytes),
            ]),
            0..6,
        ),
    ) {
        let query: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let reply = shared().get(&format!("{path}?{}", query.join("&")));
        prop_assert!(reply.status < 500, "{} {path}?{}: {}", reply.status, query.join("&"), String::from_utf8_lossy(&reply.body));
    }

    #[test]
    fn s14_no_path_answers_500(start in prop::sample::select(vec!["/", "/api/climbs/", "/api/holds/", "/static/", "/media/", "/docs/", "/api/faces/"]), tail in prop::collection::vec(any::<u8>(), 0..60)) {
        let reply = shared().get(&format!("{start}{}", encoded(&tail)));
        prop_assert!(reply.status < 500, "{} {start}{}", reply.status, encoded(&tail));
    }

    #[test]
    fn s14_no_body_answers_500(kind in prop::sample::select(vec!["gym", "wall", "face", "user", "hold", "climb"]), key in "[a-z_]{1,12}", text in "\\PC{0,40}", number in any::<f64>()) {
        let mut record = match kind {
            "gym" => crate::support::gym(),
            "wall" => crate::support::wall(),
            "face" => crate::support::face(),
            "user" => crate::support::user(9),
            "hold" => crate::support::hold(50),
            _ => crate::support::climb(60),
        };
        let fields: Vec<String> = record.as_object().unwrap().keys().cloned().collect();
        let field = &fields[key.len() % fields.len()];
        for value in [json!(text), json!(number), json!(null), json!([text]), json!({ key.as_str(): text })] {
            record[field.as_str()] = value;
            let reply = shared().post(&format!("/api/sync/import/{kind}"), &record);
            prop_assert!(reply.status < 500, "{} {record}: {}", reply.status, String::from_utf8_lossy(&reply.body));
        }
    }
}
