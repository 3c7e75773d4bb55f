//! Who gets in: keys by scope, private and public boards, private climbs, and every route's entry.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod support;

use std::collections::BTreeSet;

use mastoc_domain::access::Scope;
use mastoc_storage::api_keys;
use serde_json::Value;
use support::{ENV_KEY, TestApp, climb_id, migrate};

/// Routes that need no credentials; everything else is guarded. A new route must be named in one of the two lists.
const PUBLIC: &[&str] = &["GET /", "GET /health", "GET /openapi.json", "GET /docs", "GET /docs/{file}"];

/// Guarded routes, with the smallest scope that they take.
const GUARDED: &[(&str, Scope)] = &[
    ("GET /api/admin/health", Scope::Admin),
    ("GET /metrics", Scope::Admin),
    ("GET /api/climbs", Scope::Read),
    ("GET /api/climbs/{id}", Scope::Read),
    ("GET /api/climbs/by-stokt-id/{stokt_id}", Scope::Read),
    ("GET /api/faces", Scope::Read),
    ("GET /api/faces/{id}", Scope::Read),
    ("GET /api/faces/{id}/setup", Scope::Read),
    ("GET /api/faces/by-stokt-id/{stokt_id}/setup", Scope::Read),
    ("GET /api/holds", Scope::Read),
    ("GET /api/holds/{id}", Scope::Read),
    ("GET /api/holds/by-stokt-id/{stokt_id}", Scope::Read),
    ("GET /api/gyms", Scope::Read),
    ("GET /api/gyms/{id}", Scope::Read),
    ("GET /api/gyms/{id}/summary", Scope::Read),
    ("GET /api/setters", Scope::Read),
    ("GET /api/changes", Scope::Read),
    ("GET /static/{path}", Scope::Read),
    ("GET /media/{sha256}", Scope::Read),
    ("GET /api/sync/stats", Scope::Sync),
    ("GET /api/sync/import/pictures", Scope::Sync),
    ("PUT /api/sync/import/faces/{stokt_id}/picture", Scope::Sync),
    ("PUT /api/sync/import/users/{stokt_id}/avatar", Scope::Sync),
    ("POST /api/sync/import/gym", Scope::Sync),
    ("POST /api/sync/import/wall", Scope::Sync),
    ("POST /api/sync/import/face", Scope::Sync),
    ("POST /api/sync/import/user", Scope::Sync),
    ("POST /api/sync/import/hold", Scope::Sync),
    ("POST /api/sync/import/climb", Scope::Sync),
    ("POST /api/sync/import/gyms/batch", Scope::Sync),
    ("POST /api/sync/import/walls/batch", Scope::Sync),
    ("POST /api/sync/import/faces/batch", Scope::Sync),
    ("POST /api/sync/import/users/batch", Scope::Sync),
    ("POST /api/sync/import/holds/batch", Scope::Sync),
    ("POST /api/sync/import/climbs/batch", Scope::Sync),
];

/// A path with something plausible in every place.
fn filled(path: &str) -> String {
    let uuid = "00000000-0000-4000-8000-000000000000";
    let hold = if path.contains("/holds/") { "1" } else { uuid };
    path.replace("{id}", hold)
        .replace("{stokt_id}", hold)
        .replace("{path}", "a/b.jpg")
        .replace("{sha256}", &"a".repeat(64))
        .replace("{file}", "index.html")
}

#[test]
fn s12_every_route_is_listed_as_public_or_guarded() {
    let documented: BTreeSet<(String, bool)> = mastoc_http_api::public_routes()
        .into_iter()
        .map(|(method, path, public)| (format!("{method} {path}"), public))
        .collect();
    let listed: BTreeSet<(String, bool)> = PUBLIC
        .iter()
        .map(|route| ((*route).to_owned(), true))
        .chain(GUARDED.iter().map(|(route, _)| ((*route).to_owned(), false)))
        .collect();
    assert_eq!(documented, listed);
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s02_s10_guarded_routes_ask_for_a_key_of_the_right_scope(url: &str) {
        let app = TestApp::start(url);
        let keys: Vec<(Scope, String)> = Scope::ALL.iter().map(|scope| (*scope, app.key(*scope))).collect();
        let revoked = app.store.write(|conn| api_keys::create(conn, "old", Scope::Admin)).unwrap();
        app.store.write(|conn| api_keys::revoke(conn, "old")).unwrap();
        for (route, needed) in GUARDED {
            let (method, path) = route.split_once(' ').unwrap();
            let path = filled(path);
            let call = |headers: &[(&str, &str)]| app.call(method, &path, headers, b"");
            let without = call(&[]);
            assert_eq!(without.problem(), (401, "credentials_missing".to_owned()), "{route}");
            assert!(without.header("www-authenticate").starts_with("Bearer"));
            let mut wrong = keys[3].1.clone();
            wrong.pop();
            wrong.push('!');
            for key in ["wrong", &wrong, revoked.plain.as_str(), &"x".repeat(5_000), "the-environment's-admin-kex"] {
                assert_eq!(call(&[("x-api-key", key)]).problem(), (403, "key_unknown".to_owned()), "{route} {key}");
            }
            for token in ["Bearer x", "bearer ", "Basic eDp5", ENV_KEY] {
                // A token wins over a key, also a bad one.
                let reply = call(&[("authorization", token), ("x-api-key", ENV_KEY)]);
                assert_eq!(reply.problem(), (401, "token_invalid".to_owned()), "{route} {token}");
            }
            for (scope, key) in &keys {
                let reply = call(&[("x-api-key", key)]);
                if scope.allows(*needed) {
                    assert!(!matches!(reply.status, 401 | 403 | 500..), "{route} {scope}: {}", reply.status);
                } else {
                    assert_eq!(reply.problem(), (403, "scope_too_small".to_owned()), "{route} {scope}");
                }
            }
            assert!(!matches!(call(&[("x-api-key", ENV_KEY)]).status, 401 | 403 | 500..), "{route}");
        }
        for route in PUBLIC {
            let reply = app.get_as_nobody(&filled(route.split_once(' ').unwrap().1));
            assert!(matches!(reply.status, 200 | 308), "{route}: {}", reply.status);
        }
    }

    fn s02_public_read_opens_the_board_and_nothing_else(url: &str) {
        let app = TestApp::public(url).with_board();
        for (route, needed) in GUARDED {
            let (method, path) = route.split_once(' ').unwrap();
            let path = filled(path);
            let reply = app.call(method, &path, &[], b"");
            if *needed == Scope::Read {
                assert!(!matches!(reply.status, 401 | 403 | 500..), "{route}: {}", reply.status);
            } else {
                assert_eq!(reply.problem().0, 401, "{route}");
            }
            // Wrong credentials are refused even where none are needed.
            assert_eq!(app.call(method, &path, &[("x-api-key", "wrong")], b"").problem().0, 403, "{route}");
        }
    }

    fn s10_s11_private_climbs_do_not_exist_for_those_who_may_not_see_them(url: &str) {
        let app = TestApp::public(url).with_board();
        let hidden = climb_id(5);
        let id = app.get(&format!("/api/climbs/by-stokt-id/{hidden}")).ok()["id"].as_str().unwrap().to_owned();
        let gym = app.first_id("/api/gyms");
        let read = app.key(Scope::Read);
        let write = app.key(Scope::Write);
        let sync = app.key(Scope::Sync);
        for (key, sees) in [(None, false), (Some(&read), false), (Some(&write), false), (Some(&sync), true)] {
            let get = |path: &str| match key {
                Some(key) => app.get_as(key, path),
                None => app.get_as_nobody(path),
            };
            for path in [format!("/api/climbs/{id}"), format!("/api/climbs/by-stokt-id/{hidden}")] {
                assert_eq!(get(&path).status, if sees { 200 } else { 404 }, "{path}");
            }
            let visible = if sees { 30 } else { 29 };
            let count = |path: &str, pointer: &str| get(path).ok().pointer(pointer).cloned().unwrap();
            assert_eq!(count("/api/climbs", "/count"), visible);
            assert_eq!(count("/api/climbs?search=bloc%2005", "/count"), visible - 29);
            assert_eq!(count("/api/faces", "/0/climbs_count"), visible);
            assert_eq!(count(&format!("/api/gyms/{gym}/summary"), "/climbs_count"), visible);
            let setters = get("/api/setters").ok();
            let total: i64 = setters["results"].as_array().unwrap().iter().map(|s| s["climbs_count"].as_i64().unwrap()).sum();
            assert_eq!(total, visible);
            let by_cursor = get("/api/climbs?cursor=&page_size=500").ok();
            assert_eq!(by_cursor["results"].as_array().unwrap().len(), usize::try_from(visible).unwrap());
            let changes = String::from_utf8(get("/api/changes?limit=1000").body).unwrap();
            assert_eq!(changes.contains(&id), sees);
        }
    }

    fn s20_health_is_public_and_details_are_not(url: &str) {
        let app = TestApp::start(url);
        let health = app.get_as_nobody("/health").ok();
        assert_eq!(health.as_object().unwrap().len(), 4);
        assert!(!health.to_string().contains("sqlite") && !health.to_string().contains("postgres"));
        let details: Value = app.get("/api/admin/health").ok();
        assert!(details["database"].as_str().unwrap().contains("://"));
        assert!(details["statements"].as_u64().unwrap() > 0);
    }

    fn metrics_count_requests_by_route(url: &str) {
        let app = TestApp::start(url).with_board();
        app.get("/api/holds/1");
        app.get("/nothing/of/the/kind");
        let metrics = app.get("/metrics");
        assert!(metrics.header("content-type").starts_with("text/plain"));
        let text = String::from_utf8(metrics.body).unwrap();
        assert!(text.contains("mastoc_http_requests_total{method=\"GET\",route=\"/api/holds/{id}\",status=\"404\"} 1"), "{text}");
        assert!(text.contains("route=\"none\",status=\"404\"} 1"), "{text}");
        assert!(text.contains("mastoc_database_statements"), "{text}");
    }
}
