//! Taking one's data along, leaving, and becoming the setter one was at Stokt.

use crate::support::{
    CLIMBS, FACE, FIRST_HOLD, Person, Reply, TestApp, climb, climb_id, migrate, user, user_id,
};
use mastoc_domain::UserId;
use mastoc_domain::access::{AccountRole, Scope};
use mastoc_domain::sync_state::LinkEvent;
use mastoc_http_api::passwords;
use mastoc_storage::{Viewer, accounts, mappings, own_data};
use serde_json::{Value, json};

const PASSWORD: &str = "up the wall we go";
/// Stands in everything that somebody writes for themselves.
const MARK: &str = "zzmark";

fn do_(app: &TestApp, person: &Person, method: &str, path: &str, body: &Value) -> Value {
    let reply = app.by(person, method, path, body);
    assert!(
        matches!(reply.status, 200 | 201 | 204),
        "{method} {path}: {}",
        String::from_utf8_lossy(&reply.body)
    );
    if reply.status == 204 { Value::Null } else { reply.json() }
}

fn reads(app: &TestApp, person: &Person, path: &str) -> Value {
    app.by(person, "GET", path, &Value::Null).ok()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}")).to_owned()
}

/// Anna with her password.
fn anna(app: &TestApp) -> Person {
    let anna = app.person(&format!("anna{MARK}"));
    let hash = passwords::hash(PASSWORD).unwrap();
    app.store.write(|conn| accounts::set_password(conn, anna.id, &hash)).unwrap();
    app.login_again(&anna)
}

/// What Anna left on the board.
struct Traces {
    shared: String,
    hidden: String,
    list: String,
    private_list: String,
    liked: String,
    comment: String,
}

/// Anna does everything there is to do.
fn lives(app: &TestApp, anna: &Person, friend: &Person) -> Traces {
    let face = text(&app.get("/api/faces").ok()[0], "id");
    let hold = |n: u32| FIRST_HOLD + n;
    let draft = |name: &str, private: bool| {
        json!({
            "face_id": face, "name": name, "is_private": private, "grade_font": "6A",
            "holds_list": format!("S{} O{} O{} T{}", hold(1), hold(2), hold(3), hold(4)),
        })
    };
    let shared = text(&do_(app, anna, "POST", "/api/climbs", &draft("Shared", false)), "id");
    let hidden = text(&do_(app, anna, "POST", "/api/climbs", &draft(&format!("Hidden {MARK}"), true)), "id");
    let liked = text(&app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(1))).ok(), "id");
    let notes = json!({"personal_notes": MARK, "personal_rating": 4, "is_project": true});
    do_(app, anna, "PATCH", &format!("/api/climbs/{shared}"), &notes);
    do_(app, anna, "PUT", &format!("/api/climbs/{liked}/like"), &Value::Null);
    do_(app, anna, "PUT", &format!("/api/climbs/{liked}/bookmark"), &Value::Null);
    do_(app, anna, "POST", &format!("/api/climbs/{liked}/ascents"), &json!({"attempts": 2, "notes": MARK}));
    let comment =
        do_(app, anna, "POST", &format!("/api/climbs/{liked}/comments"), &json!({"text": "Belle !"}));
    let said = json!({"grip_type": "bac", "condition": "sale", "notes": MARK});
    do_(app, anna, "PUT", &format!("/api/holds/{}/annotations", hold(1)), &said);
    let new_list = |name: &str, public: bool| json!({"name": name, "description": MARK, "list_type": "personal", "is_public": public});
    let list = text(&do_(app, anna, "POST", "/api/lists", &new_list("Everybody's", true)), "id");
    let private_list = text(&do_(app, anna, "POST", "/api/lists", &new_list(MARK, false)), "id");
    do_(
        app,
        anna,
        "POST",
        &format!("/api/lists/{private_list}/items"),
        &json!({"climb_id": liked, "notes": MARK}),
    );
    let theirs = json!({"name": "Ben's", "list_type": "circuit", "is_public": true});
    let theirs = text(&do_(app, friend, "POST", "/api/lists", &theirs), "id");
    do_(app, anna, "PUT", &format!("/api/lists/{theirs}/follow"), &Value::Null);
    do_(app, friend, "PUT", &format!("/api/lists/{list}/follow"), &Value::Null);
    let setter = setter_of(app, 2);
    do_(app, anna, "POST", &format!("/api/users/{setter}/claim"), &json!({"message": MARK}));
    Traces { shared, hidden, list, private_list, liked, comment: text(&comment, "id") }
}

/// Our id of an imported setter.
fn setter_of(app: &TestApp, n: u32) -> UserId {
    let setters = app.get("/api/setters").ok();
    let found =
        setters["results"].as_array().unwrap().iter().find(|s| s["stokt_id"] == user_id(n)).unwrap().clone();
    text(&found, "id").parse().unwrap()
}

fn leaves(app: &TestApp, person: &Person) -> Reply {
    app.by(person, "DELETE", "/api/users/me", &json!({"password": PASSWORD}))
}

fn by_key(app: &TestApp, method: &str, path: &str) -> Reply {
    app.call(method, path, &[("x-api-key", crate::support::ENV_KEY)], b"")
}

/// Imports the whole board again, and tells what that did.
fn import_again(app: &TestApp) -> (i64, i64) {
    let users: Vec<Value> = (1..=3).map(user).collect();
    let climbs: Vec<Value> = (0..CLIMBS).map(climb).collect();
    let mut sums = (0, 0);
    for (kind, records) in [("users", users), ("climbs", climbs)] {
        let body = Value::Object([(kind.to_owned(), json!(records))].into_iter().collect());
        let answer = app.post(&format!("/api/sync/import/{kind}/batch"), &body).ok();
        assert_eq!(answer["errors"], 0, "{answer}");
        sums.0 += answer["created"].as_i64().unwrap();
        sums.1 += answer["updated"].as_i64().unwrap();
    }
    sums
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn ones_data_come_as_one_file_with_everything_in_it(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (anna(&app), app.person("ben"));
        let traces = lives(&app, &anna, &ben);
        let reply = app.by(&anna, "GET", "/api/users/me/export", &Value::Null);
        assert!(reply.header("content-disposition").starts_with("attachment; filename=\"mastoc-"));
        assert_eq!((reply.header("cache-control"), reply.header("content-type")), ("no-store", "application/json"));
        let file = reply.ok();
        assert_eq!(file["account"]["email"], format!("anna{MARK}@example.org"));
        assert_eq!((&file["account"]["id"], &file["account"]["is_active"]), (&json!(anna.id), &json!(true)));
        let one = |part: &str, count: usize| {
            let rows = file[part].as_array().unwrap_or_else(|| panic!("no {part} in {file}"));
            assert_eq!(rows.len(), count, "{part}: {rows:?}");
            rows[0].clone()
        };
        assert_eq!(one("climbs", 2)["id"], json!(traces.shared));
        assert_eq!(file["climbs"][1]["is_private"], true);
        let personal = one("personal_fields", 1);
        assert_eq!((&personal["notes"], &personal["rating"], &personal["is_project"]), (&json!(MARK), &json!(4), &json!(true)));
        assert_eq!(personal["climb_name"], "Shared");
        assert_eq!(one("hold_annotations", 1)["hold_id"], FIRST_HOLD + 1);
        assert_eq!(one("lists", 2)["items"], json!([]));
        assert_eq!(file["lists"][1]["items"][0]["notes"], MARK);
        assert_eq!(file["lists"][1]["items"][0]["climb_id"], json!(traces.liked));
        assert_eq!(one("ascents", 1)["attempts"], 2);
        assert_eq!(one("likes", 1)["climb_id"], json!(traces.liked));
        assert_eq!(one("bookmarks", 1)["climb_id"], json!(traces.liked));
        assert_eq!(one("comments", 1)["text"], "Belle !");
        assert_eq!(one("followed_lists", 1).as_object().unwrap().len(), 2);
        assert_eq!(one("claims", 1)["setter_stokt_id"], Value::Null);
        assert_eq!(file["claims"][0]["stokt_id"], user_id(2));
        assert!(one("climb_edits", file["climb_edits"].as_array().unwrap().len())["changes"].is_array());
        assert_eq!(file["sessions"].as_array().unwrap().len(), 2);
        for time in [&file["account"]["created_at"], &personal["updated_at"], &file["sessions"][0]["expires_at"]] {
            let time = time.as_str().unwrap();
            assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
        }
        let text = file.to_string();
        assert!(!text.contains("argon2") && !text.contains("password") && !text.contains("token"), "{text}");
        assert!(!text.contains("\"Ben's\"") && !text.contains(&ben.id.to_string()), "{text}");
        // As many statements for everything as for nothing.
        let statements = |person: UserId| {
            let before = app.store.statements();
            app.store.read(|conn| own_data::export(conn, person)).unwrap();
            app.store.statements() - before
        };
        assert_eq!(statements(anna.id), statements(ben.id));
    }

    fn who_leaves_takes_along_what_was_theirs_alone_and_leaves_the_rest_nameless(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (anna(&app), app.person("ben"));
        let traces = lives(&app, &anna, &ben);
        let liked = format!("/api/climbs/{}", traces.liked);
        assert_eq!(reads(&app, &ben, &format!("{liked}/social"))["likes"], 1);
        assert_eq!(reads(&app, &ben, &format!("/api/lists/{}", traces.list))["name"], "Everybody's");
        for (body, field) in [
            (json!({}), "password"), (json!({"password": "wrong"}), "password"), (json!({"password": 3}), "password"),
            (json!({"password": "x".repeat(129)}), "password"), (Value::Null, "password"),
        ] {
            let reply = app.by(&anna, "DELETE", "/api/users/me", &body);
            assert_eq!(reply.problem(), (422, "invalid".to_owned()), "{body}");
            assert_eq!(reply.json()["errors"][0]["field"], field);
        }
        let newest = app.store.read(mastoc_storage::changes::latest).unwrap();
        assert_eq!(leaves(&app, &anna).status, 204);

        assert_eq!(app.by(&anna, "GET", "/api/users/me", &Value::Null).problem().0, 401);
        let shared = reads(&app, &ben, &format!("/api/climbs/{}", traces.shared));
        assert_eq!((&shared["setter_name"], &shared["setter_id"]), (&json!("Deleted user"), &json!(anna.id)));
        let gone = reads(&app, &ben, &format!("/api/users/{}", anna.id));
        assert_eq!((&gone["is_deleted"], &gone["username"], &gone["avatar_path"]), (&json!(true), &Value::Null, &Value::Null));
        let comments = reads(&app, &ben, &format!("{liked}/comments"));
        assert_eq!((&comments["results"][0]["id"], &comments["results"][0]["text"]), (&json!(traces.comment), &json!("Belle !")));
        assert!(!comments.to_string().contains("anna"), "{comments}");
        assert_eq!(reads(&app, &ben, &format!("{liked}/social"))["likes"], 0);
        assert_eq!(reads(&app, &ben, &format!("{liked}/ascents"))["count"], 0);
        assert_eq!(app.get(&format!("/api/climbs/{}", traces.hidden)).status, 404, "for the service too");
        for list in [&traces.list, &traces.private_list] {
            assert_eq!(app.get(&format!("/api/lists/{list}")).status, 404);
        }
        let hold = reads(&app, &ben, &format!("/api/holds/{}/annotations", FIRST_HOLD + 1));
        assert_eq!(hold["consensus"]["total_annotators"], 0, "{hold}");
        assert_eq!(by_key(&app, "GET", "/api/claims").status, 403);

        // Followers hear of all of it.
        let heard = reads(&app, &ben, &format!("/api/changes?since={newest}&limit=1000")).to_string();
        for said in [&traces.shared, &traces.list, &traces.liked, &traces.comment, &anna.id.to_string()] {
            assert!(heard.contains(said.as_str()), "{said} in {heard}");
        }
        assert!(!heard.contains(&traces.private_list) && !heard.contains(MARK), "{heard}");

        // Her name and address are free again.
        app.person(&format!("anna{MARK}"));
    }

    fn who_leaves_nothing_behind_goes_altogether(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (anna(&app), app.person("ben"));
        assert_eq!(leaves(&app, &anna).status, 204);
        assert_eq!(app.by(&ben, "GET", &format!("/api/users/{}", anna.id), &Value::Null).status, 404);
    }

    fn a_confirmed_claim_makes_old_climbs_ones_own_for_later_imports_too(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, ben) = (anna(&app), app.person("ben"));
        let vera = app.person_with("vera", AccountRole::Admin);
        // Setter 3 set climb 5, which is private.
        let setter = setter_of(&app, 3);
        let old = reads(&app, &ben, &format!("/api/climbs?setter_id={setter}"))["count"].as_i64().unwrap();
        let private = text(&app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(5))).ok(), "id");
        assert_eq!(app.by(&anna, "GET", &format!("/api/climbs/{private}"), &Value::Null).status, 404);
        let path = format!("/api/users/{setter}/claim");
        let claim = do_(&app, &anna, "POST", &path, &json!({"message": "c'est moi"}));
        assert_eq!((&claim["state"], &claim["setter_stokt_id"]), (&json!("open"), &json!(user_id(3))));
        assert_eq!(app.by(&anna, "POST", &path, &json!({})).problem(), (409, "conflict".to_owned()));
        assert_eq!(app.by(&anna, "POST", &format!("/api/users/{}/claim", ben.id), &json!({})).problem().0, 409);
        assert_eq!(app.by(&anna, "POST", "/api/users/00000000-0000-4000-8000-000000000000/claim", &json!({})).status, 404);
        let rival = do_(&app, &ben, "POST", &path, &json!({}));
        assert_eq!(reads(&app, &ben, "/api/claims")["count"], 1, "one's own");
        assert_eq!(reads(&app, &vera, "/api/claims")["count"], 2, "all that are open");
        let id = text(&claim, "id");
        assert_eq!(app.by(&anna, "POST", &format!("/api/claims/{id}/confirm"), &Value::Null).problem().0, 403);
        assert_eq!(app.by(&ben, "DELETE", &format!("/api/claims/{id}"), &Value::Null).status, 404, "Anna's business");

        let newest = app.store.read(mastoc_storage::changes::latest).unwrap();
        let confirmed = do_(&app, &vera, "POST", &format!("/api/claims/{id}/confirm"), &Value::Null);
        assert_eq!(confirmed["state"], "confirmed");
        assert!(confirmed["decided_at"].is_string());
        assert_eq!(app.by(&vera, "POST", &format!("/api/claims/{id}/reject"), &Value::Null).problem().0, 409);
        let rejected = reads(&app, &ben, "/api/claims?state=rejected");
        assert_eq!(rejected["results"][0]["id"], rival["id"]);

        let me = reads(&app, &anna, "/api/users/me");
        assert_eq!((&me["stokt_id"], &me["climbs_count"]), (&json!(user_id(3)), &json!(old + 1)));
        assert_eq!(reads(&app, &ben, &format!("/api/climbs?setter_id={}", anna.id))["count"], old);
        assert_eq!(reads(&app, &anna, &format!("/api/climbs/{private}"))["name"], "Bloc 05", "her own");
        assert_eq!(app.by(&ben, "GET", &format!("/api/users/{setter}"), &Value::Null).status, 404);
        let heard = reads(&app, &ben, &format!("/api/changes?since={newest}&limit=1000"));
        assert_eq!(heard["updated"]["climbs"].as_array().unwrap().len(), usize::try_from(old).unwrap(), "{heard}");
        assert!(heard["deleted"].to_string().contains(&setter.to_string()), "{heard}");
        assert!(heard.to_string().contains(&anna.id.to_string()));
        let audit = app.store.read(|conn| mappings::list(conn, 0, 1_000)).unwrap();
        let lines = audit.iter().filter(|line| line.stokt_id == user_id(3));
        let lines: Vec<_> = lines.map(|line| (line.event, line.local_id.clone())).collect();
        let (setter, person) = (setter.to_string(), anna.id.to_string());
        let told = [(LinkEvent::Linked, setter.clone()), (LinkEvent::Unlinked, setter), (LinkEvent::Linked, person)];
        assert_eq!(lines, told);

        // The same board again is nothing new, and no second setter.
        assert_eq!(import_again(&app), (0, 0));
        assert_eq!(app.get("/api/setters").ok()["count"], 3);
        // A new climb of that setter, and a new name of theirs: the climb is Anna's, and her name is her own.
        let mut new = climb(900);
        new["setter_stokt_id"] = json!(user_id(3));
        new["face_stokt_id"] = json!(FACE);
        new["date_created"] = json!("2024-05-01T10:00:00Z");
        let mut renamed = user(3);
        renamed["full_name"] = json!("Stokt Name");
        renamed["avatar_path"] = json!("avatars/other.png");
        assert_eq!(app.post("/api/sync/import/users/batch", &json!({"users": [renamed]})).ok()["updated"], 1);
        assert_eq!(app.post("/api/sync/import/climbs/batch", &json!({"climbs": [new]})).ok()["created"], 1);
        let new = app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(900))).ok();
        assert_eq!((&new["setter_id"], &new["setter_name"]), (&json!(anna.id), &json!(format!("anna{MARK}"))));
        assert_eq!(reads(&app, &anna, "/api/users/me")["avatar_path"], Value::Null);
        // One person is one setter.
        let other = setter_of(&app, 1);
        assert_eq!(app.by(&anna, "POST", &format!("/api/users/{other}/claim"), &json!({})).problem().0, 409);

        // When she leaves, the next import does not bring her name back.
        assert_eq!(leaves(&app, &anna).status, 204);
        import_again(&app);
        let stays = app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(900))).ok();
        assert_eq!(stays["setter_name"], "Deleted user");
        assert_eq!(app.get(&format!("/api/climbs/{private}")).status, 404);
        assert_eq!(app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(5))).status, 404, "nor her private climb");
        assert!(!app.get("/api/setters").ok().to_string().contains("Setter 3"));
        let profile = app.store.read(|conn| mastoc_storage::people::profile(conn, Viewer::Service, anna.id)).unwrap();
        assert!(profile.unwrap().is_deleted);
    }

    fn a_claim_is_withdrawn_or_refused_and_can_be_made_again(url: &str) {
        let app = TestApp::start(url).with_board();
        let anna = anna(&app);
        let setter = setter_of(&app, 1);
        let path = format!("/api/users/{setter}/claim");
        let first = text(&do_(&app, &anna, "POST", &path, &json!({})), "id");
        assert_eq!(app.by(&anna, "DELETE", &format!("/api/claims/{first}"), &Value::Null).status, 204);
        assert_eq!(app.by(&anna, "DELETE", &format!("/api/claims/{first}"), &Value::Null).status, 404);
        let second = text(&do_(&app, &anna, "POST", &path, &json!({})), "id");
        assert_eq!(by_key(&app, "POST", &format!("/api/claims/{second}/reject")).ok()["state"], "rejected");
        assert_eq!(app.by(&anna, "DELETE", &format!("/api/claims/{second}"), &Value::Null).problem().0, 409);
        let third = text(&do_(&app, &anna, "POST", &path, &json!({"message": null})), "id");
        // The setter's picture becomes hers, who has none.
        do_(&app, &app.person_with("vera", AccountRole::Admin), "POST", &format!("/api/claims/{third}/confirm"), &Value::Null);
        assert_eq!(reads(&app, &anna, "/api/users/me")["avatar_path"], "avatars/1.png");
        for bad in [json!({"message": 3}), json!({"message": "x".repeat(1_001)}), json!({"message": "a\u{0}"})] {
            assert_eq!(app.by(&anna, "POST", &path, &bad).problem().0, 422, "{bad}");
        }
        let write = app.key(Scope::Write);
        assert_eq!(app.call("POST", &path, &[("x-api-key", &write)], b"{}").problem().1, "person_needed");
    }
}
