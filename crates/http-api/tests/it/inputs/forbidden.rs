//! Fields that are not the clients' to set, sent along with right bodies to every route: nothing of it takes effect.

use serde_json::{Map, Value, json};

use super::{patient, send, somebody};
use crate::routes::Needs;
use crate::routes::bodies::json_for;
use crate::routes::document::operations;
use crate::routes::world::{Caller, World};
use crate::support::{TestApp, migrate};

/// An id that nothing has.
const MARK: &str = "dead0000-0000-4000-8000-000000000013";
/// A count that nothing has, and a time when nothing happened.
const COUNT: u32 = 777_777;
const LONG_AGO: &str = "1999-09-09T09:09:09Z";

/// What no ordinary route sets, with a value that would be noticed.
fn forbidden(other: &str) -> Map<String, Value> {
    let names = |names: &str, value: &Value| -> Vec<(String, Value)> {
        names.split_whitespace().map(|name| (name.to_owned(), value.clone())).collect()
    };
    let mut fields = Vec::new();
    fields.extend(names("id stokt_id uuid session_id avatar_id", &json!(MARK)));
    fields.extend(names("setter_id owner_id user_id author_id created_by climber_id", &json!(other)));
    fields
        .extend(names("climbed_by total_likes total_comments items_count likes climbs_count", &json!(COUNT)));
    fields.extend(names("holds_count ascents rev version face_version seq", &json!(COUNT)));
    fields.extend(names("synced_at created_at updated_at deleted_at", &json!(LONG_AGO)));
    fields.extend(names("is_benchmark is_retired is_followed established is_admin", &json!(true)));
    fields.extend(names(
        "setter_name owner_name tags circuit mirror_holds_list password_hash",
        &json!("forged"),
    ));
    fields.extend(names("role scope", &json!("admin")));
    fields.extend(names("source", &json!("stokt")));
    fields.extend(names("sync_state", &json!("archived")));
    fields.extend(names("state", &json!("confirmed")));
    fields.extend(names("is_active", &json!(false)));
    fields.into_iter().collect()
}

/// Routes that are for setting one of these, with the fields.
const SETTABLE: &[(&str, &[&str])] = &[
    ("PATCH /api/users/{id}", &["role", "is_active"]),
    // Whether the face or the wall is in use.
    ("POST /api/faces", &["is_active"]),
    ("PATCH /api/faces/{id}", &["is_active"]),
    ("POST /api/gyms/{id}/walls", &["is_active"]),
    ("PATCH /api/walls/{id}", &["is_active"]),
];

/// An answer without what differs from thing to thing.
fn bare(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(key, value)| {
                let differs =
                    key == "id" || key.ends_with("_id") || key.ends_with("_at") || key.ends_with("path");
                let value = if differs && !value.is_null() { json!("[differs]") } else { bare(value) };
                (key, value)
            });
            Value::Object(kept.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(bare).collect()),
        Value::String(text) if text.starts_with("fresh-") => json!("[name]"),
        other => other,
    }
}

/// Everything that the service and the owner can read of the board and of accounts.
fn all_there_is(world: &World<'_>) -> String {
    let mut all = String::new();
    let mut since = String::new();
    loop {
        let page = world.app.get(&format!("/api/changes?limit=1000&since={since}")).ok();
        all.push_str(&page.to_string());
        page["next_cursor"].as_str().unwrap().clone_into(&mut since);
        if page["has_more"] != true {
            break;
        }
    }
    for path in [
        "/api/users?page_size=500",
        "/api/climbs?page_size=500",
        "/api/lists?page_size=500",
        "/api/gyms",
        "/api/faces",
    ] {
        all.push_str(&world.app.get(path).ok().to_string());
    }
    for path in ["/api/users/me", "/api/users/me/export", "/api/claims", "/api/auth/sessions"] {
        all.push_str(&world.get(Caller::Owner, path).ok().to_string());
    }
    all
}

fn nothing_takes_effect(url: &str) {
    let (app, open) = (patient(url), TestApp::public(url));
    let world = World::new(&app, &open);
    let other = world.other.id.to_string();
    let mut tried = 0;
    for op in operations() {
        let route = op.route();
        let Some(documented) = op.fields() else { continue };
        let needs = crate::routes::all().into_iter().find(|(known, _)| *known == route).unwrap().1;
        // What imports set is what they are for; `imports.rs` tells what they may not.
        if needs == Needs::Sync || op.method == "DELETE" {
            continue;
        }
        let settable =
            SETTABLE.iter().find(|(known, _)| *known == route).map(|(_, fields)| *fields).unwrap_or_default();
        let mut extra = forbidden(&other);
        for field in settable {
            extra.remove(*field);
        }
        for field in extra.keys() {
            assert!(!documented.contains_key(field), "{route} lets clients set {field}");
        }
        let ask = |extra: &Map<String, Value>| {
            let who = somebody(&op, &world);
            let mut body = json_for(&route, &world, &who.1).unwrap();
            body.as_object_mut().unwrap().extend(extra.clone());
            (send(&world, &op, &who, &[], body.to_string().as_bytes()), body)
        };
        let (plain, _) = ask(&Map::new());
        let (forged, sent) = ask(&extra);
        let text = String::from_utf8_lossy(&forged.body).into_owned();
        assert_eq!(forged.status, plain.status, "{route} {sent}: {text}");
        for mark in [MARK, &COUNT.to_string(), "1999-09-09", &other, "forged"] {
            assert!(!text.contains(mark), "{route} took {mark}: {text}");
        }
        if !plain.body.is_empty() {
            assert_eq!(bare(forged.json()), bare(plain.json()), "{route}");
        }
        tried += usize::from(plain.status < 300);
    }
    assert!(tried > 12, "only {tried} routes took a right body");
    let all = all_there_is(&world);
    assert!(all.len() > 10_000);
    for mark in [MARK, &COUNT.to_string(), "1999-09-09", "forged"] {
        assert!(!all.contains(mark), "{mark} was kept");
    }
    assert_eq!(app.get(&format!("/api/climbs?setter_id={other}")).ok()["count"], 0);
    assert_eq!(world.get(Caller::Other, "/api/lists?mine=true").ok()["count"], 0);
    assert_eq!(world.get(Caller::Owner, "/api/users/me").ok()["role"], "user");
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s13_fields_that_are_not_the_clients_take_no_effect_on_any_route(url: &str) {
        nothing_takes_effect(url);
    }
}
