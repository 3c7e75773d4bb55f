//! A season on one board, told as a story: the real server, the real importer, and three people.
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

use mastoc_test_support::Process;
use serde_json::{Value, json};
use support::server::{Answer, Server};
use support::{LIMIT, Place, SimProcess};

/// Somebody with a phone.
struct Climber<'s> {
    server: &'s Server,
    id: String,
    name: String,
    token: String,
}

impl<'s> Climber<'s> {
    /// Registers and logs in.
    fn joins(server: &'s Server, username: &str, full_name: &str) -> Self {
        let account = json!({
            "email": format!("{username}@example.org"), "username": username, "password": "up the wall we go",
            "full_name": full_name,
        });
        let registered = server.send("POST", "/api/auth/register", &[], &account);
        assert_eq!(registered.status, 201, "{registered:?}");
        Self::logs_in(server, username, "up the wall we go")
    }

    fn logs_in(server: &'s Server, username: &str, password: &str) -> Self {
        // A form, as the existing clients send it.
        let form = format!("username={username}&password={}", password.replace(' ', "+"));
        let login = server.send_form("/api/auth/login", &form).json();
        let text = |name: &str| login[name].as_str().unwrap().to_owned();
        Self { server, id: text("user_id"), name: text("full_name"), token: text("access_token") }
    }

    fn asks(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.server.send(method, path, &[("Authorization", &bearer)], body)
    }

    /// Reads something that must be there.
    fn reads(&self, path: &str) -> Value {
        self.asks("GET", path, &Value::Null).json()
    }

    /// Creates something.
    fn makes(&self, path: &str, body: &Value) -> Value {
        let made = self.asks("POST", path, body);
        assert_eq!(made.status, 201, "{path}: {made:?}");
        serde_json::from_slice(&made.body).unwrap()
    }

    /// Does something that must go well.
    fn does(&self, method: &str, path: &str, body: &Value) -> Answer {
        let done = self.asks(method, path, body);
        assert!(matches!(done.status, 200 | 201 | 204), "{method} {path}: {done:?}");
        done
    }
}

fn names(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|climb| climb["name"].as_str().unwrap()).collect()
}

/// The first holds of a face that a climb made here may use.
fn some_holds(climber: &Climber<'_>, face: &str) -> Vec<i64> {
    let setup = climber.reads(&format!("/api/faces/{face}/setup"));
    setup["holds"].as_array().unwrap().iter().take(4).map(|hold| hold["id"].as_i64().unwrap()).collect()
}

fn a_season(place: &Place) {
    // The volunteer imports the gym's board, makes herself an admin, and starts the server.
    let stokt = SimProcess::start(&["--holds", "60", "--climbs", "120", "--picture-size", "226x300"]);
    support::run(place.import(&stokt.source)).expect(0);
    let mut create = place.program("mastoc-server");
    create.args(["user", "create-admin", "--email", "vera@example.org", "--username", "vera"]);
    create.args(["--full-name", "Vera", "--password-stdin"]);
    let created = Process::start_with_input(create, "keys of the gym\n").wait(LIMIT);
    assert_eq!(created.code, Some(0), "{created:?}");
    let server = Server::start(place);
    let vera = Climber::logs_in(&server, "vera", "keys of the gym");

    // A climber registers, and finds a climb by two of its holds.
    let anna = Climber::joins(&server, "anna", "Anna");
    let face = anna.reads("/api/faces")[0]["id"].as_str().unwrap().to_owned();
    let newest = anna.reads("/api/climbs?page_size=1")["results"][0].clone();
    let used: Vec<&str> = newest["holds_list"].as_str().unwrap().split(' ').collect();
    let found = anna.reads(&format!("/api/climbs?holds={},{}&page_size=500", used[0], used[used.len() - 1]));
    assert!(names(&found).contains(&newest["name"].as_str().unwrap()), "{found}");

    // She climbs it on her second go, and logs that.
    let climbed = newest["id"].as_str().unwrap().to_owned();
    let ascent = json!({"attempts": 2, "grade_feel": 1, "rating": 5, "notes": "crux is the last move"});
    let ascent = anna.makes(&format!("/api/climbs/{climbed}/ascents"), &ascent);
    assert_eq!((&ascent["attempts"], &ascent["is_flash"]), (&json!(2), &json!(false)));
    assert_eq!(anna.reads("/api/climbs?my=sent")["count"], 1);
    assert_eq!(anna.reads("/api/users/me/ascents")["count"], 1);

    // She sets a climb of her own, first for herself, then for everybody.
    let holds = some_holds(&anna, &face);
    let holds_list = format!("S{} O{} O{} T{}", holds[0], holds[1], holds[2], holds[3]);
    let draft = json!({
        "face_id": face, "name": "Première à vue", "holds_list": holds_list, "grade_font": "6A+",
        "feet_rule": "Tous pieds", "is_private": true,
    });
    let own = anna.makes("/api/climbs", &draft);
    let own_id = own["id"].as_str().unwrap().to_owned();
    let own_path = format!("/api/climbs/{own_id}");
    assert_eq!((&own["setter_name"], &own["sync_state"]), (&json!(anna.name), &json!("local")));
    let ben = Climber::joins(&server, "ben", "Ben");
    assert_eq!(ben.asks("GET", &own_path, &Value::Null).status, 404, "hers alone as yet");
    assert_eq!(ben.reads("/api/climbs?search=premiere")["count"], 0);
    anna.does("PATCH", &own_path, &json!({"is_private": false, "personal_notes": "my first"}));

    // A friend sees it, likes it, comments on it, keeps it in a list, and annotates its start hold.
    let seen = ben.reads("/api/climbs?search=premiere");
    assert_eq!(names(&seen), ["Première à vue"]);
    assert_eq!(seen["results"][0]["personal_notes"], Value::Null, "Anna's notes are Anna's");
    ben.does("PUT", &format!("{own_path}/like"), &Value::Null);
    let comment = ben.makes(&format!("{own_path}/comments"), &json!({"text": "Morpho, mais belle !"}));
    let list = ben.makes("/api/lists", &json!({"name": "À faire", "list_type": "project"}));
    let list_path = format!("/api/lists/{}", list["id"].as_str().unwrap());
    ben.makes(&format!("{list_path}/items"), &json!({"climb_id": own_id, "notes": "this week"}));
    assert_eq!(anna.asks("GET", &list_path, &Value::Null).status, 404, "Ben's list is Ben's");
    let hold = format!("/api/holds/{}/annotations", holds[0]);
    ben.does("PUT", &hold, &json!({"grip_type": "bac", "condition": "tournee"}));
    anna.does("PUT", &hold, &json!({"grip_type": "bac", "condition": "tournee"}));
    let said = anna.reads(&hold);
    assert_eq!(said["consensus"]["condition"], "tournee");
    assert_eq!(said["consensus"]["condition_established"], true);
    assert_eq!(anna.reads(&format!("{own_path}/social"))["likes"], 1);

    // The admin moderates: a comment goes, the turned hold is fixed, and nobody else may do either.
    let comment_path = format!("/api/comments/{}", comment["id"].as_str().unwrap());
    assert_eq!(anna.asks("DELETE", &comment_path, &Value::Null).status, 403);
    vera.does("DELETE", &comment_path, &Value::Null);
    assert_eq!(ben.reads(&format!("{own_path}/comments"))["count"], 0);
    let open = vera.reads("/api/maintenance");
    assert_eq!(open["results"][0]["hold_id"], holds[0], "{open}");
    let close = format!("/api/holds/{}/maintenance/close", holds[0]);
    assert_eq!(ben.asks("POST", &close, &json!({})).status, 403);
    vera.does("POST", &close, &json!({"note": "tightened"}));
    assert_eq!(vera.reads("/api/maintenance")["count"], 0);
    assert_eq!(ben.asks("PATCH", &own_path, &json!({"name": "Mine now"})).status, 403);

    // The author leaves. Her climb stays, without her name; what was hers alone is gone, and so is her way in.
    let left = anna.asks("DELETE", "/api/users/me", &json!({"password": "up the wall we go"}));
    assert!(matches!(left.status, 200 | 204), "{left:?}");
    assert_eq!(anna.asks("GET", "/api/users/me", &Value::Null).status, 401);
    let form = "username=anna&password=up+the+wall+we+go";
    assert_eq!(server.send_form("/api/auth/login", form).status, 401);
    let stays = ben.reads(&own_path);
    assert_eq!(stays["name"], "Première à vue");
    assert_ne!(stays["setter_name"], "Anna");
    let everything = server.get("/api/users").json().to_string();
    assert!(!everything.contains("anna@example.org"), "{everything}");
    assert!(!everything.contains(&anna.id) || !everything.contains("\"Anna\""), "{everything}");
    server.stop();
}

#[test]
fn a_season_on_sqlite() {
    a_season(&Place::sqlite());
}

#[test]
fn a_season_on_postgres() {
    if let Some(place) = Place::postgres() {
        a_season(&place);
    }
}
