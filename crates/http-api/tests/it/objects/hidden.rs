//! What is private changes nothing in what others read, on any route: neither rows nor counts nor what is found.

use std::collections::BTreeMap;

use mastoc_domain::access::Scope;
use serde_json::{Value, json};

use crate::routes::Needs;
use crate::routes::document::{Operation, operations};
use crate::routes::objects::OBJECTS;
use crate::routes::world::{Caller, Named, Thing, World, climb_body};
use crate::support::{TestApp, migrate};

/// Everybody but the owner, and but the keys that see everything.
const OTHERS: [Caller; 5] =
    [Caller::Other, Caller::Admin, Caller::Key(Scope::Read), Caller::Key(Scope::Write), Caller::Passer];

/// Every GET that is about the board or about oneself, with things that exist in their places.
struct Round {
    operations: Vec<Operation>,
    things: BTreeMap<Thing, Named>,
    /// Addresses that ask for something particular.
    also: Vec<String>,
}

impl Round {
    fn new(world: &World<'_>, also: Vec<String>) -> Self {
        let needs: BTreeMap<&str, Needs> = crate::routes::all().into_iter().collect();
        let is_read = |op: &Operation| {
            op.method == "GET" && matches!(needs.get(op.route().as_str()), Some(Needs::Read | Needs::Person))
        };
        let operations: Vec<Operation> = operations().into_iter().filter(is_read).collect();
        let mut things = BTreeMap::new();
        for (route, entries) in OBJECTS {
            if operations.iter().any(|op| op.route() == *route) {
                for (thing, _) in *entries {
                    things.entry(*thing).or_insert_with(|| world.make(*thing));
                }
            }
        }
        Self { operations, things, also }
    }

    /// What somebody reads at every address.
    fn of(&self, world: &World<'_>, caller: Caller) -> BTreeMap<String, String> {
        let mut paths = self.also.clone();
        for op in &self.operations {
            let route = op.route();
            if op.placeholders().is_empty() {
                paths.push(op.path.clone());
                continue;
            }
            for (thing, _) in OBJECTS.iter().find(|(known, _)| *known == route).unwrap().1 {
                paths.push(op.at(&self.things[thing]));
            }
        }
        paths.push(format!("/api/holds?face_id={}", world.face));
        paths.push("/api/climbs?cursor=&page_size=500".to_owned());
        paths.push("/api/changes?limit=1000".to_owned());
        for page in 1..4 {
            paths.push(format!("/api/climbs?page_size=10&page={page}"));
        }
        let read = |path: String| {
            let reply = world.get(caller, &path);
            assert!(reply.status < 500, "{path}");
            let is_json = reply.header("content-type").contains("json");
            let body = if is_json {
                settled(reply.json()).to_string()
            } else {
                format!("{} bytes", reply.body.len())
            };
            (path, format!("{} {body}", reply.status))
        };
        paths.into_iter().map(read).collect()
    }
}

/// An answer without what tells of time and of the log alone.
fn settled(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(key, _)| {
                    !matches!(key.as_str(), "next_cursor" | "exported_at" | "last_used_at" | "last_seen_at")
                })
                .map(|(key, value)| (key, settled(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(settled).collect()),
        other => other,
    }
}

fn of_everybody(world: &World<'_>, round: &Round) -> Vec<(Caller, BTreeMap<String, String>)> {
    OTHERS.into_iter().map(|caller| (caller, round.of(world, caller))).collect()
}

fn id_of(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// Makes one of everything that is private, all of it with the word `xhidden` in it; answers the climb's id.
fn hide_things(world: &World<'_>, public_climb: &str, public_list: &str) -> String {
    let mut body = climb_body(&world.face, "xhidden climb", true);
    body["description"] = json!("xhidden description");
    body["feet_rule"] = json!("xhidden feet");
    let climb = id_of(&world.owners("POST", "/api/climbs", &body));
    let at = |tail: &str| format!("/api/climbs/{climb}{tail}");
    world.owners("POST", &at("/ascents"), &json!({"notes": "xhidden ascent"}));
    world.owners("POST", &at("/comments"), &json!({"text": "xhidden comment"}));
    world.owners("PUT", &at("/like"), &Value::Null);
    world.owners("PUT", &at("/bookmark"), &Value::Null);
    let private = json!({"name": "xhidden list", "description": "xhidden words", "is_public": false});
    let list = id_of(&world.owners("POST", "/api/lists", &private));
    for climb in [climb.as_str(), public_climb] {
        let item = json!({"climb_id": climb, "notes": "xhidden item"});
        world.owners("POST", &format!("/api/lists/{list}/items"), &item);
    }
    world.owners("POST", &format!("/api/lists/{list}/share"), &Value::Null);
    world.owners(
        "POST",
        &format!("/api/lists/{public_list}/items"),
        &json!({"climb_id": climb, "notes": "xhidden item"}),
    );
    let personal = json!({"personal_notes": "xhidden notes", "personal_rating": 1, "is_project": true});
    world.owners("PATCH", &format!("/api/climbs/{public_climb}"), &personal);
    world.owners("PUT", &format!("/api/climbs/{public_climb}/bookmark"), &Value::Null);
    let mut record = crate::support::climb(2);
    record["stokt_id"] = json!(uuid::Uuid::now_v7());
    record["name"] = json!("xhidden import");
    record["is_private"] = json!(true);
    assert_eq!(world.app.post("/api/sync/import/climb", &record).ok()["status"], "created");
    climb
}

fn nothing_changes(url: &str) {
    let (app, open) = (TestApp::start(url).with_board(), TestApp::public(url));
    let world = World::new(&app, &open);
    let public_climb = world.new_climb(false);
    let public_list = id_of(&world.owners("POST", "/api/lists", &json!({"name": "Seen", "is_public": true})));
    let owner = world.owner.id;
    let also = vec![
        "/api/climbs?search=xhidden".to_owned(),
        "/api/climbs?local_only=true&sort=likes".to_owned(),
        format!("/api/climbs?setter_id={owner}"),
        format!("/api/climbs?holds=S{}&cursor=&sort=name", crate::support::FIRST_HOLD),
        "/api/climbs?feet_rule=xhidden%20feet".to_owned(),
        format!("/api/climbs?list_id={public_list}"),
        "/api/climbs?my=project".to_owned(),
        format!("/api/lists/{public_list}"),
        format!("/api/lists/{public_list}/items"),
        "/api/lists?page_size=1&page=2".to_owned(),
        format!("/api/climbs/{public_climb}"),
        format!("/api/climbs/{public_climb}/history"),
        format!("/api/users/{owner}"),
        format!("/api/setters?gym_id={}", world.gym),
    ];
    let round = Round::new(&world, also);
    let before = of_everybody(&world, &round);
    let since = world.version();
    let climb = hide_things(&world, &public_climb, &public_list);
    let after = of_everybody(&world, &round);
    for ((caller, before), (_, after)) in before.iter().zip(&after) {
        assert!(before.len() > 40, "{} addresses", before.len());
        for (path, body) in after {
            assert!(!body.contains("xhidden") && !body.contains(&climb), "{caller:?} {path}: {body}");
            let mut earlier = before[path].clone();
            let mut later = body.clone();
            if path.starts_with("/api/lists") || path.starts_with("/api/changes") {
                // That the owner did something to their public list is no secret.
                earlier = without_times(&earlier);
                later = without_times(&later);
            }
            assert_eq!(earlier, later, "{caller:?} {path}: what is private shows");
        }
        let news = world.get(*caller, &format!("/api/changes?since={since}")).ok();
        let told = news.to_string();
        assert!(!told.contains(&climb) && !told.contains("xhidden"), "{caller:?}: {told}");
        assert_eq!(news["deleted"], json!([]), "{caller:?}: what nobody could see is not told to be gone");
    }
    // Its owner sees all of it, so that the words above can be found at all.
    let own = round.of(&world, Caller::Owner).into_values().collect::<String>();
    for word in ["climb", "description", "feet", "ascent", "comment", "list", "words", "item", "notes"] {
        assert!(own.contains(&format!("xhidden {word}")), "the owner sees no xhidden {word}");
    }
    let service = round.of(&world, Caller::Key(Scope::Sync)).into_values().collect::<String>();
    assert!(service.contains("xhidden import"));
}

fn without_times(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\"updated_at\":\"") {
        kept.push_str(before);
        rest = after.split_once('"').unwrap().1;
    }
    kept + rest
}

fn hiding_takes_away(url: &str) {
    let (app, open) = (TestApp::start(url).with_board(), TestApp::public(url));
    let world = World::new(&app, &open);
    let body = climb_body(&world.face, "xhidden later", false);
    let climb = id_of(&world.owners("POST", "/api/climbs", &body));
    let at = |tail: &str| format!("/api/climbs/{climb}{tail}");
    let other = |method: &str, path: &str, body: &Value| {
        let reply = app.by(&world.other, method, path, body);
        assert!(reply.status < 300, "{method} {path}: {}", String::from_utf8_lossy(&reply.body));
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    };
    let list = id_of(&other("POST", "/api/lists", &json!({"name": "Theirs", "is_public": true})));
    other("POST", &format!("/api/lists/{list}/items"), &json!({"climb_id": climb}));
    let comment = id_of(&other("POST", &at("/comments"), &json!({"text": "Nice"})));
    other("POST", &at("/ascents"), &json!({}));
    other("PUT", &at("/like"), &Value::Null);
    other("PUT", &at("/bookmark"), &Value::Null);
    other("PATCH", &at(""), &json!({"is_project": true}));
    let also = vec![
        "/api/climbs?search=xhidden".to_owned(),
        "/api/climbs?my=sent".to_owned(),
        "/api/climbs?my=liked".to_owned(),
        "/api/climbs?my=project".to_owned(),
        format!("/api/climbs?list_id={list}"),
        format!("/api/lists/{list}/items"),
        at(""),
        at("/history"),
        at("/comments"),
        at("/ascents"),
        at("/social"),
    ];
    let round = Round::new(&world, also);
    // All of it is in the cache now, and clients hold it.
    for (caller, read) in of_everybody(&world, &round) {
        assert!(read[&at("")].contains("xhidden later"), "{caller:?}");
    }
    let held = world.get(Caller::Other, &at("")).header("etag").to_owned();
    world.owners("PATCH", &at(""), &json!({"is_private": true}));
    for (caller, read) in of_everybody(&world, &round) {
        for (path, text) in &read {
            assert!(!text.contains("xhidden"), "{caller:?} {path}: {text}");
            // An ascent stays in the logbook of who made it.
            let is_own = caller == Caller::Other
                && ["/api/users/me/", "/api/changes"].iter().any(|own| path.starts_with(own));
            let is_told_gone = path.starts_with("/api/changes");
            assert!(is_own || is_told_gone || !text.contains(&climb), "{caller:?} {path}: {text}");
        }
        for tail in ["", "/history", "/comments", "/ascents", "/social"] {
            assert!(read[&at(tail)].starts_with("404 "), "{caller:?} {tail}: {}", read[&at(tail)]);
        }
    }
    let count = |path: &str| world.get(Caller::Other, path).ok()["count"].clone();
    for path in [
        format!("/api/lists/{list}/items"),
        "/api/users/me/bookmarks".into(),
        "/api/climbs?my=sent".into(),
        "/api/climbs?my=liked".into(),
        "/api/climbs?my=project".into(),
        format!("/api/climbs?list_id={list}"),
    ] {
        assert_eq!(count(&path), 0, "{path}");
    }
    assert_eq!(world.get(Caller::Other, &format!("/api/lists/{list}")).ok()["items_count"], 0);
    let again = world.ask(Caller::Other, "GET", &at(""), &[("if-none-match", &held)], b"");
    assert_eq!(again.status, 404, "a copy of what is hidden now is not confirmed");
    for (method, path, body) in [
        ("PATCH", format!("/api/comments/{comment}"), json!({"text": "Still"})),
        ("DELETE", format!("/api/comments/{comment}"), Value::Null),
        ("PUT", at("/like"), Value::Null),
        ("PATCH", at(""), json!({"is_project": false})),
        ("POST", at("/ascents"), json!({})),
    ] {
        assert_eq!(app.by(&world.other, method, &path, &body).status, 404, "{method} {path}");
    }
    let others_list = json!({"climb_id": climb});
    let own = id_of(&other("POST", "/api/lists", &json!({"name": "Probe"})));
    let probe = app.by(&world.other, "POST", &format!("/api/lists/{own}/items"), &others_list);
    assert_eq!(probe.problem().0, 404, "a list of one's own is no way to see it");
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s11_what_is_private_changes_nothing_that_others_read(url: &str) {
        nothing_changes(url);
    }

    fn s11_what_is_hidden_later_is_gone_for_others_everywhere(url: &str) {
        hiding_takes_away(url);
    }
}
