//! Bodies, paths and queries that are not what they must be: a problem that says so, and never a 500.

use serde_json::{Value, json};

use super::{patient, send, somebody};
use crate::routes::bodies::{body_for, json_for, query_for};
use crate::routes::document::{Operation, of_kind, operations};
use crate::routes::world::World;
use crate::support::{Reply, TestApp, migrate};

/// Fields that are only compared with what is stored, whatever is in them, and those of which the text means more than
/// its letters.
const COMPARED: &[&str] = &["password", "current_password", "username", "refresh_token", "token"];

/// What is wrong with an answer that must refuse.
fn not_refused(reply: &Reply, statuses: &[u16]) -> Option<String> {
    let text = || String::from_utf8_lossy(&reply.body).chars().take(200).collect::<String>();
    if !statuses.contains(&reply.status) {
        return Some(format!("{} {}", reply.status, text()));
    }
    if reply.status < 400 {
        return None;
    }
    let problem: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let is_problem = reply.header("content-type") == "application/problem+json"
        && problem["status"] == reply.status
        && ["type", "title", "detail", "code"].iter().all(|field| problem[*field].is_string());
    (!is_problem).then(|| format!("{} is no problem: {}", reply.status, text()))
}

/// What an import takes as it comes: texts and numbers are copies of what Stokt says, and of a batch each bad record is
/// told by itself in an answer that is 200. Names, ids and holds are checked there too: see `imports.rs`.
const OF_IMPORTS: &[u16] = &[200, 400, 413, 422];

const REFUSED: &[u16] = &[400, 401, 403, 404, 409, 413, 422];

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Values that a field cannot mean, as JSON text.
fn wrong_values(op: &Operation, name: &str, field: &Value) -> Vec<(String, String)> {
    let kinds = op.kinds(field);
    let mut values: Vec<(String, String)> = ["string", "integer", "boolean", "array", "object", "null"]
        .into_iter()
        .filter(|kind| !kinds.contains(*kind) && (*kind != "integer" || !kinds.contains("number")))
        .filter(|kind| !kinds.is_empty() || *kind == "array")
        .map(|kind| (format!("{kind} for {kinds:?}"), of_kind(kind).to_string()))
        .collect();
    let mut also = |what: &str, text: String| values.push((what.to_owned(), text));
    if kinds.contains("string") && !COMPARED.contains(&name) {
        also("NUL", r#""a\u0000b""#.to_owned());
        also("a bell", r#""a\u0007b""#.to_owned());
        also("very long", json!("x".repeat(100_001)).to_string());
    }
    also("half a letter", r#""\ud800""#.to_owned());
    also("deep", nested(100));
    also("deeper", nested(5_000));
    if kinds.contains("integer") || kinds.contains("number") {
        for number in ["1e300", "-1e300", "9223372036854775808", "-9223372036854775809", "1e999"] {
            also(number, number.to_owned());
        }
    }
    if kinds.contains("integer") {
        also("half", "0.5".to_owned());
    }
    if kinds.contains("array") {
        also("many", format!("[{}]", vec!["0"; 100_000].join(",")));
        also("mixed", r#"[null, {}, [], "x", 1, true]"#.to_owned());
    }
    values
}

fn json_bodies(url: &str) {
    let (app, open) = (patient(url), TestApp::public(url));
    let world = World::new(&app, &open);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for op in operations() {
        let Some(fields) = op.fields() else { continue };
        let route = op.route();
        let who = somebody(&op, &world);
        let right = json_for(&route, &world, &who.1);
        let right =
            right.unwrap_or_else(|| panic!("{route}: write a right body in tests/it/routes/bodies.rs"));
        let is_import =
            route.contains("/sync/import/") && !route.contains("/runs/") || route.contains("/bulk/");
        let for_fields = if is_import { OF_IMPORTS } else { REFUSED };
        let mut check = |what: &str, body: &[u8], statuses: &[u16]| {
            let reply = send(&world, &op, &who, &[], body);
            if let Some(found) = not_refused(&reply, statuses) {
                wrong.push(format!("{route}: {what}: {found}"));
            }
        };
        for text in ["{", "nonsense", "{\"a\": 1e999}", "{\"a\":}", "\u{feff}{}", "{} {}", "'x'"] {
            check(text, text.as_bytes(), REFUSED);
        }
        check("no UTF-8", b"{\"name\": \"\xff\xfe\"}", REFUSED);
        check("deep", nested(20_000).as_bytes(), REFUSED);
        check("deep objects", "{\"a\":".repeat(20_000).as_bytes(), REFUSED);
        for text in ["[]", "3", "\"x\"", "null", "true"] {
            check(text, text.as_bytes(), &[403, 422]);
        }
        for (name, field) in &fields {
            for (what, value) in wrong_values(&op, name, field) {
                let mut body = right.clone();
                body[name] = json!("@@");
                let text = body.to_string().replace("\"@@\"", &value);
                check(&format!("{name}: {what}"), text.as_bytes(), for_fields);
            }
            seen += 1;
        }
    }
    assert!(seen > 80, "{seen} fields");
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

fn large_bodies(url: &str) {
    let (app, open) = (patient(url), TestApp::public(url));
    let world = World::new(&app, &open);
    for op in operations() {
        if op.fields().is_none() {
            continue;
        }
        let route = op.route();
        let who = somebody(&op, &world);
        let right = json_for(&route, &world, &who.1).unwrap().to_string();
        let limit = match route.as_str() {
            "POST /api/auth/reset-password" => continue,
            "PATCH /api/climbs/bulk/dates" => 16 << 20,
            "POST /api/faces/{id}/holds" => 2 << 20,
            "PUT /api/sync/import/runs/{id}" => 256 << 10,
            _ if route.contains("/sync/import/") => 16 << 20,
            _ => 256 << 10,
        };
        let padded = |to: usize| format!("{right}{}", " ".repeat(to - right.len())).into_bytes();
        let reply = send(&world, &op, &who, &[], &padded(limit + 1));
        assert_eq!(reply.problem(), (413, "too_large".to_owned()), "{route}");
        // Small on the wire, large once it is read.
        let reply = send(&world, &op, &who, &[], format!("[{}]", "0,".repeat(limit / 2 - 10)).as_bytes());
        assert!(matches!(reply.problem().0, 413 | 422), "{route}: {}", reply.status);
        let reply = send(&world, &op, &who, &[("content-encoding", "gzip")], right.as_bytes());
        assert_eq!(reply.problem(), (415, "unsupported_encoding".to_owned()), "{route}");
    }
}

fn paths(url: &str) {
    let (app, open) = (patient(url), TestApp::public(url));
    let world = World::new(&app, &open);
    let long = "9".repeat(5_000);
    let garbage = [
        "x",
        "%00",
        "%FF%FE",
        "..%2F..%2Fetc%2Fpasswd",
        "%2E%2E",
        "-1",
        "0",
        "99999999999999999999",
        "1e3",
        "%27%3B%20DROP%20TABLE%20climbs%3B--",
        "00000000-0000-0000-0000-00000000000g",
        "%F0%9F%A7%97",
        "%0A",
        &long,
    ];
    let mut wrong = Vec::new();
    for op in operations() {
        let route = op.route();
        if op.placeholders().is_empty() {
            continue;
        }
        let who = somebody(&op, &world);
        let (kind, body) = body_for(&route, &world, &who.1);
        for place in op.placeholders() {
            for text in garbage {
                let named = who.1.iter().map(|(name, value)| {
                    (*name, if *name == place { text.to_owned() } else { value.clone() })
                });
                let path = op.at(&named.collect::<Vec<_>>()) + &query_for(&route);
                let hash = mastoc_media::Sha256Hex::of(&body).to_string();
                let headers = [("content-type", kind.as_str()), ("x-content-sha256", hash.as_str())];
                let reply = world.ask(who.0, &op.method, &path, &headers, &body);
                if let Some(found) = not_refused(&reply, &[404, 422]) {
                    wrong.push(format!("{route} {text}: {found}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// Values that a parameter cannot mean, escaped.
fn wrong_parameters(op: &Operation, schema: &Value) -> Vec<String> {
    let kinds = op.kinds(schema);
    let mut values = vec!["%00".to_owned(), "a%07b".to_owned(), "x".repeat(20_000)];
    if kinds.contains("integer")
        || kinds.contains("number")
        || kinds.contains("boolean")
        || schema["format"] == "uuid"
    {
        values.push("x".to_owned());
    }
    if kinds.contains("integer") {
        values.extend(["1.5", "99999999999999999999", "-99999999999999999999", "1e3"].map(str::to_owned));
    }
    if let Some(most) = schema["maximum"].as_i64() {
        values.push((most + 1).to_string());
    }
    if let Some(least) = schema["minimum"].as_i64() {
        values.push((least - 1).to_string());
    }
    values
}

fn queries(url: &str) {
    let (app, open) = (patient(url), TestApp::public(url));
    let world = World::new(&app, &open);
    let mut wrong = Vec::new();
    for op in operations() {
        let parameters = op.parameters("query");
        if parameters.is_empty() {
            continue;
        }
        let route = op.route();
        let who = somebody(&op, &world);
        let (kind, body) = body_for(&route, &world, &who.1);
        let base = query_for(&route);
        for (name, schema) in parameters {
            for value in wrong_parameters(&op, &schema) {
                // The last one counts.
                let path = format!(
                    "{}{base}{}{name}={value}",
                    op.at(&who.1),
                    if base.is_empty() { "?" } else { "&" }
                );
                let hash = mastoc_media::Sha256Hex::of(&body).to_string();
                let headers = [("content-type", kind.as_str()), ("x-content-sha256", hash.as_str())];
                let reply = world.ask(who.0, &op.method, &path, &headers, &body);
                if let Some(found) = not_refused(&reply, &[422]) {
                    let value: String = value.chars().take(30).collect();
                    wrong.push(format!("{route} {name}={value}: {found}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

fn headers(url: &str) {
    let (app, open) = (patient(url), TestApp::public(url));
    let world = World::new(&app, &open);
    let foreign = [("origin", "https://elsewhere.example")];
    for op in operations() {
        let route = op.route();
        let who = somebody(&op, &world);
        let (_, body) = body_for(&route, &world, &who.1);
        let path = op.at(&who.1) + &query_for(&route);
        let nobody = app.call(&op.method, &path, &foreign, &body);
        let wrong = app.call(&op.method, &path, &[("x-api-key", "wrong"), foreign[0]], &body);
        // Whoever logs out cannot go on.
        let right = (route != "POST /api/auth/logout").then(|| send(&world, &op, &who, &foreign, &body));
        for reply in [Some(nobody), Some(wrong), right].into_iter().flatten() {
            assert_eq!(reply.header("x-content-type-options"), "nosniff", "{route}");
            assert_eq!(reply.header("x-frame-options"), "DENY", "{route}");
            assert_eq!(reply.header("referrer-policy"), "no-referrer", "{route}");
            let policy = reply.header("content-security-policy");
            assert!(
                policy.contains("default-src 'none'") || policy.contains("default-src 'self'"),
                "{route}: {policy}"
            );
            assert!(
                policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
                "{route}: {policy}"
            );
            assert_eq!(reply.header("x-request-id").len(), 36, "{route}");
            assert!(
                !reply.headers.contains_key("access-control-allow-origin"),
                "{route} lets other origins in"
            );
            assert!(!reply.headers.contains_key("set-cookie"), "{route}");
            assert!(
                !reply.headers.contains_key("server") && !reply.headers.contains_key("x-powered-by"),
                "{route}"
            );
        }
        let asked = app.call(
            "OPTIONS",
            &path,
            &[foreign[0], ("access-control-request-method", op.method.as_str())],
            b"",
        );
        assert!(!asked.headers.contains_key("access-control-allow-origin"), "{route}");
    }
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s14_what_is_no_right_body_is_refused_on_every_route(url: &str) {
        json_bodies(url);
    }

    fn s14_bodies_are_capped_on_every_route(url: &str) {
        large_bodies(url);
    }

    fn s14_paths_that_name_nothing_are_refused_on_every_route(url: &str) {
        paths(url);
    }

    fn s14_parameters_beyond_their_limits_are_refused_on_every_route(url: &str) {
        queries(url);
    }

    fn s19_every_route_is_dressed_and_lets_no_other_origin_in(url: &str) {
        headers(url);
    }
}
