//! What the tests of writing climbs share.

use serde_json::{Value, json};

use super::{FIRST_HOLD, Person, Reply, TestApp, climb_id};

/// A list of the board's first hold to its last.
pub fn holds(roles: &str) -> String {
    let token = |(place, role): (usize, char)| format!("{role}{}", FIRST_HOLD as usize + place);
    roles.chars().enumerate().map(token).collect::<Vec<_>>().join(" ")
}

pub fn new_climb(app: &TestApp) -> Value {
    json!({"face_id": app.first_id("/api/faces"), "name": "La dalle", "holds_list": holds("SOFT"), "grade_font": "6a+",
        "feet_rule": "Tous pieds", "description": "À droite\nde l'arête"})
}

/// The fields of a 422.
pub fn wrong(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.problem(), (422, "invalid".to_owned()));
    let errors = reply.json()["errors"].clone();
    errors.as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

pub fn created(reply: &Reply) -> String {
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()["id"].as_str().unwrap().to_owned()
}

pub fn conditional(
    app: &TestApp,
    person: &Person,
    method: &str,
    path: &str,
    tag: &str,
    body: &Value,
) -> Reply {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    app.call(method, path, &[("authorization", &person.bearer()), ("if-match", tag)], &bytes)
}

pub fn imported(app: &TestApp, n: u32) -> (String, String) {
    let id =
        app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(n))).ok()["id"].as_str().unwrap().to_owned();
    (format!("/api/climbs/{id}"), id)
}

/// The path of a climb that this person creates.
pub fn mine(app: &TestApp, person: &Person, body: &Value) -> String {
    format!("/api/climbs/{}", created(&app.by(person, "POST", "/api/climbs", body)))
}
