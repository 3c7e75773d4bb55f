//! Who gets in: keys by scope, private and public boards, private climbs, and every route's entry.

use std::collections::BTreeSet;

use crate::routes::{Needs, filled};
use crate::support::{ENV_KEY, Reply, TestApp, climb_id, migrate};
use mastoc_domain::access::{AccountRole, Scope};
use mastoc_storage::api_keys;
use serde_json::Value;

#[test]
fn s12_every_route_is_listed_as_public_or_guarded() {
    let documented: BTreeSet<(String, bool)> = mastoc_http_api::public_routes()
        .into_iter()
        .map(|(method, path, public)| (format!("{method} {path}"), public))
        .collect();
    let listed: BTreeSet<(String, bool)> = crate::routes::all()
        .into_iter()
        .map(|(route, needs)| (route.to_owned(), needs == Needs::Public))
        .collect();
    assert_eq!(documented, listed);
    assert_eq!(listed.len(), crate::routes::all().len(), "each route once");
}

/// The code of an answer that refuses the caller; `None` if the caller was let in.
fn refusal(route: &str, reply: &Reply) -> Option<String> {
    assert!(reply.status < 500, "{route}: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
    matches!(reply.status, 401 | 403).then(|| reply.problem().1)
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s02_s10_s11_every_route_lets_in_whom_it_says_and_nobody_else(url: &str) {
        let app = TestApp::start(url);
        let keys: Vec<(Scope, String)> = Scope::ALL.iter().map(|scope| (*scope, app.key(*scope))).collect();
        let revoked = app.store.write(|conn| api_keys::create(conn, "old", Scope::Admin)).unwrap();
        app.store.write(|conn| api_keys::revoke(conn, "old")).unwrap();
        for (number, (route, needs)) in crate::routes::all().into_iter().enumerate() {
            let (method, path) = route.split_once(' ').unwrap();
            let path = filled(path);
            let call = |headers: &[(&str, &str)]| app.call(method, &path, headers, b"");
            if needs == Needs::Public {
                if method == "GET" {
                    let reply = call(&[]);
                    assert!(matches!(reply.status, 200 | 308), "{route}: {}", reply.status);
                }
                continue;
            }
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
                let found = refusal(route, &call(&[("x-api-key", key)]));
                assert_eq!(found.as_deref(), needs.refuses_key(*scope), "{route} {scope}");
            }
            let found = refusal(route, &call(&[("x-api-key", ENV_KEY)]));
            assert_eq!(found.as_deref(), needs.refuses_key(Scope::Admin), "{route}");
            for role in AccountRole::ALL {
                // Somebody new each time: some routes end a login, or an account. A person's token wins over a key.
                let person = app.person_with(&format!("{role}-{number}"), *role);
                let found = refusal(route, &call(&[("authorization", &person.bearer()), ("x-api-key", "wrong")]));
                assert_eq!(found.as_deref(), needs.refuses_person(*role), "{route} {role}");
            }
        }
    }

    fn s02_public_read_opens_the_board_and_nothing_else(url: &str) {
        let app = TestApp::public(url).with_board();
        for (route, needs) in crate::routes::all().into_iter().filter(|(_, needs)| *needs != Needs::Public) {
            let (method, path) = route.split_once(' ').unwrap();
            let path = filled(path);
            let found = refusal(route, &app.call(method, &path, &[], b""));
            let expected = (needs != Needs::Read).then_some("credentials_missing");
            assert_eq!(found.as_deref(), expected, "{route}");
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
        assert!(text.contains("mastoc_database_statements_total"), "{text}");
    }
}
