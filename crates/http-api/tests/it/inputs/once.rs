//! Requests that create, sent many times at once with one key: one thing is made, and everybody hears the same.

use serde_json::{Value, json};

use super::{patient, send, somebody};
use crate::routes::bodies::{body_for, json_for};
use crate::routes::document::{Operation, operations};
use crate::routes::world::{Caller, Named, World};
use crate::support::{Reply, TestApp, migrate};

/// How often at once.
const TIMES: usize = 50;

/// POSTs that create nothing that could be there twice, with the reason why a key would do nothing.
const CREATE_NOTHING: &[(&str, &str)] = &[
    ("POST /api/auth/login", "an answer with tokens in clear is not kept; another login is another session"),
    ("POST /api/auth/refresh", "a used token ends the login, which a replay must not get around"),
    ("POST /api/auth/logout", "ended is ended"),
    ("POST /api/auth/reset-password", "always the same answer; the last link counts"),
    ("POST /api/auth/reset-password/confirm", "a reset token is used once"),
    ("POST /api/users/me/password", "an answer with tokens in clear is not kept"),
    ("POST /api/users/me/avatar", "the last picture counts"),
    ("POST /api/lists/{id}/share", "a token is told once and kept as a hash; the last link counts"),
    ("POST /api/claims/{id}/confirm", "decided is decided"),
    ("POST /api/claims/{id}/reject", "decided is decided"),
    ("POST /api/holds/{id}/retire", "off is off"),
    ("POST /api/holds/{id}/restore", "on is on"),
    ("POST /api/holds/annotations/batch", "it only reads"),
];

#[test]
fn s16_every_post_takes_a_key_or_creates_nothing() {
    for op in operations().into_iter().filter(|op| op.method == "POST") {
        let route = op.route();
        let reason = CREATE_NOTHING.iter().find(|(known, _)| *known == route);
        // Imports are by Stokt's ids: the same record again changes nothing.
        let creates = reason.is_none() && !route.starts_with("POST /api/sync/import/");
        assert_eq!(op.answers(201), creates, "{route}: 201, or a reason why not");
        let header =
            op.parameters("header").iter().any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"));
        assert_eq!(
            header, creates,
            "{route} says that it takes an Idempotency-Key if and only if it creates"
        );
    }
    let all: Vec<String> = operations().iter().map(crate::routes::document::Operation::route).collect();
    for (route, reason) in CREATE_NOTHING {
        assert!(all.iter().any(|known| known == route), "{route} is gone ({reason})");
    }
}

/// How many things of the kind that a route creates there are.
fn count(world: &World<'_>, route: &str, named: &Named) -> u64 {
    let id = named.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.as_str()).unwrap_or_default();
    let (path, pointer) = match route {
        "POST /api/auth/register" => ("/api/users?page_size=1".to_owned(), "/count"),
        "POST /api/climbs" => ("/api/climbs?page_size=1".to_owned(), "/count"),
        "POST /api/climbs/{id}/ascents" => (format!("/api/climbs/{id}/ascents"), "/count"),
        "POST /api/climbs/{id}/comments" => (format!("/api/climbs/{id}/comments"), "/count"),
        "POST /api/lists" => ("/api/lists?page_size=1".to_owned(), "/count"),
        "POST /api/lists/{id}/items" => (format!("/api/lists/{id}/items"), "/count"),
        "POST /api/holds/{id}/maintenance/close" => (format!("/api/holds/{id}/maintenance"), "/count"),
        "POST /api/gyms" => ("/api/gyms".to_owned(), "/count"),
        "POST /api/faces" => ("/api/faces".to_owned(), ""),
        "POST /api/faces/{id}/holds" => (format!("/api/holds?face_id={id}"), "/count"),
        "POST /api/users/{id}/claim" => {
            return world.get(Caller::Owner, "/api/claims").ok()["count"].as_u64().unwrap();
        }
        "POST /api/gyms/{id}/walls" => return walls(world),
        _ => panic!("{route}: say in tests/it/inputs/once.rs how to count what it creates"),
    };
    let answer = world.app.get(&path).ok();
    match answer.pointer(pointer).unwrap() {
        Value::Array(items) => u64::try_from(items.len()).unwrap(),
        number => number.as_u64().unwrap(),
    }
}

/// Walls are told of by the feed alone.
fn walls(world: &World<'_>) -> u64 {
    let mut since = String::new();
    let mut found = 0;
    loop {
        let page = world.app.get(&format!("/api/changes?limit=1000&since={since}")).ok();
        found += page["created"]["walls"].as_array().unwrap().len();
        page["next_cursor"].as_str().unwrap().clone_into(&mut since);
        if page["has_more"] != true {
            return u64::try_from(found).unwrap();
        }
    }
}

/// Sends as a client does that is told to try again in a moment: a busy machine hashes few passwords at a time.
fn insist(
    world: &World<'_>,
    op: &Operation,
    who: &(Caller, Named),
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut replies = std::iter::repeat_with(|| send(world, op, who, headers, body)).take(10);
    let answered = replies.find(|reply| reply.status != 503);
    answered.unwrap_or_else(|| panic!("{}: never anything but 503", op.route()))
}

fn created_once(url: &str) {
    let (app, open) = (patient(url), TestApp::public(url));
    let world = World::new(&app, &open);
    for op in operations().into_iter().filter(|op| op.method == "POST" && op.answers(201)) {
        let route = op.route();
        let who = somebody(&op, &world);
        let right = json_for(&route, &world, &who.1).unwrap();
        let (_, other_body) = body_for(&route, &world, &who.1);
        let key = format!("the same key for {route}");
        let key = [("idempotency-key", key.as_str())];
        let before = count(&world, &route, &who.1);
        let bytes = right.to_string().into_bytes();
        let replies: Vec<Reply> = std::thread::scope(|scope| {
            let asking: Vec<_> =
                (0..TIMES).map(|_| scope.spawn(|| insist(&world, &op, &who, &key, &bytes))).collect();
            asking.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let first = String::from_utf8_lossy(&replies[0].body).into_owned();
        for reply in &replies {
            assert_eq!(reply.status, 201, "{route}: {}", String::from_utf8_lossy(&reply.body));
            assert_eq!(String::from_utf8_lossy(&reply.body), first, "{route}");
        }
        assert_eq!(
            count(&world, &route, &who.1),
            before + 1,
            "{route}: {TIMES} times one key made more than one"
        );
        let again = send(&world, &op, &who, &key, &bytes);
        assert_eq!(
            (again.status, String::from_utf8_lossy(&again.body)),
            (201, first.as_str().into()),
            "{route}"
        );

        let mut changed = right.clone();
        changed["another"] = json!(1);
        let reply = send(&world, &op, &who, &key, changed.to_string().as_bytes());
        assert_eq!(reply.problem(), (422, "idempotency_key_reused".to_owned()), "{route}");
        for bad in ["", "x".repeat(201).as_str()] {
            let reply = send(&world, &op, &who, &[("idempotency-key", bad)], &bytes);
            assert_eq!(reply.problem(), (422, "invalid".to_owned()), "{route} {bad}");
        }
        // Somebody else's key of the same name is another key: they get an answer of their own, or a refusal.
        let body = if route == "POST /api/auth/register" { &other_body } else { &bytes };
        let reply = send(&world, &op, &(Caller::Other, who.1.clone()), &key, body);
        assert!(
            matches!(reply.status, 201 | 403 | 404 | 409),
            "{route}: {}",
            String::from_utf8_lossy(&reply.body)
        );
        assert_ne!(
            String::from_utf8_lossy(&reply.body),
            first,
            "{route}: somebody else got the owner's answer"
        );
    }
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s16_fifty_at_once_with_one_key_create_one_and_hear_the_same(url: &str) {
        created_once(url);
    }
}
