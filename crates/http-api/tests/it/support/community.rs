//! What the tests of lists, logbooks and comments do all the time.

use serde_json::{Value, json};

use super::{FIRST_HOLD, Person, Reply, TestApp, climb, climb_id};

/// Our id of an imported climb.
pub fn id_of(app: &TestApp, number: u32) -> String {
    let found = app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(number))).ok();
    found["id"].as_str().unwrap().to_owned()
}

/// Makes an imported climb private, or public again.
pub fn hide_imported(app: &TestApp, number: u32, is_private: bool) {
    let mut record = climb(number);
    record["is_private"] = json!(is_private);
    app.post("/api/sync/import/climb", &record).ok();
}

/// The JSON of an answer that must tell of something new.
pub fn created(reply: &Reply) -> Value {
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

/// What a person reads.
pub fn read(app: &TestApp, person: &Person, path: &str) -> Value {
    app.by(person, "GET", path, &Value::Null).ok()
}

/// A list that this person makes; its path.
pub fn make(app: &TestApp, person: &Person, body: &Value) -> String {
    let list = created(&app.by(person, "POST", "/api/lists", body));
    format!("/api/lists/{}", list["id"].as_str().unwrap())
}

/// Puts a climb into a list.
pub fn add(app: &TestApp, person: &Person, list: &str, climb: &str) {
    created(&app.by(person, "POST", &format!("{list}/items"), &json!({"climb_id": climb})));
}

/// A climb that this person sets; its path.
pub fn set(app: &TestApp, person: &Person, is_private: bool) -> String {
    let holds = format!("S{FIRST_HOLD} T{}", FIRST_HOLD + 1);
    let face = app.first_id("/api/faces");
    let body = json!({
        "face_id": face, "name": "À moi", "holds_list": holds, "grade_font": "6B", "is_private": is_private
    });
    let climb = created(&app.by(person, "POST", "/api/climbs", &body));
    format!("/api/climbs/{}", climb["id"].as_str().unwrap())
}

/// Lets its setter make a climb private, or public again.
pub fn hide(app: &TestApp, person: &Person, climb: &str, is_private: bool) {
    app.by(person, "PATCH", climb, &json!({"is_private": is_private})).ok();
}
