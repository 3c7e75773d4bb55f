//! Boards that are made here without Stokt: gyms, walls, faces in versions, and holds.

use std::collections::BTreeSet;

use crate::support::{FACE, FIRST_HOLD, Person, Reply, TestApp, migrate, picture};
use mastoc_domain::access::{AccountRole, Scope};
use mastoc_media::Sha256Hex;
use serde_json::{Value, json};

/// The lowest number of a hold that was made here.
const OURS: i64 = 1_000_000_000;

fn made(reply: &Reply) -> Value {
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// A gym and a face of this person's.
fn home(app: &TestApp, person: &Person) -> (String, String) {
    let gym = id(&made(&app.by(person, "POST", "/api/gyms", &json!({"display_name": "Pan de la grange"}))));
    let face = json!({"gym_id": gym, "feet_rules_options": ["Tous pieds", "No foot"]});
    let face = id(&made(&app.by(person, "POST", "/api/faces", &face)));
    (gym, face)
}

fn send_picture(app: &TestApp, person: &Person, face: &str, bytes: &[u8]) -> Reply {
    app.call("PUT", &format!("/api/faces/{face}/picture"), &[("authorization", &person.bearer())], bytes)
}

/// Squares of 40 pixels in a row.
fn squares(count: u32) -> Value {
    let square = |n: u32| {
        let (x, y) = (60 * n + 20, 100);
        json!({"polygon_str": format!("{x},{y} {x},{} {},{} {},{y}", y + 40, x + 40, y + 40, x + 40)})
    };
    json!({"holds": (0..count).map(square).collect::<Vec<_>>()})
}

fn add(app: &TestApp, person: &Person, face: &str, holds: &Value) -> Reply {
    app.by(person, "POST", &format!("/api/faces/{face}/holds"), holds)
}

fn setup(app: &TestApp, face: &str, version: Option<u32>) -> Value {
    let version = version.map_or_else(String::new, |version| format!("?version={version}"));
    app.get(&format!("/api/faces/{face}/setup{version}")).ok()
}

fn ids(holds: &Value) -> Vec<i64> {
    holds.as_array().unwrap().iter().map(|hold| hold["id"].as_i64().unwrap()).collect()
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_home_wall_is_made_from_nothing(url: &str) {
        let app = TestApp::public(url).with_board();
        let anna = app.person("anna");
        let before = app.get("/api/changes").ok()["next_cursor"].as_str().unwrap().to_owned();
        let gym = made(&app.by(&anna, "POST", "/api/gyms", &json!({"display_name": " Pan ", "location": "Grange", "description": "chez nous\n40°"})));
        assert_eq!((&gym["display_name"], &gym["location_string"], &gym["source"]), (&json!("Pan"), &json!("Grange"), &json!("mastoc")));
        assert_eq!(gym["owner_id"], anna.id.to_string());
        let gym_path = format!("/api/gyms/{}", id(&gym));
        let rules = json!([{"name": "Tous pieds", "is_default": true}, {"name": "No foot"}]);
        let wall = made(&app.by(&anna, "POST", &format!("{gym_path}/walls"), &json!({"name": "40°", "feet_rules": rules})));
        assert_eq!(wall["feet_rules"][1], json!({"name": "No foot", "is_default": false}));
        let face = made(&app.by(&anna, "POST", "/api/faces", &json!({"gym_id": gym["id"], "wall_id": wall["id"], "feet_rules_options": ["Tous pieds"], "has_symmetry": true})));
        assert_eq!((&face["wall_id"], &face["version"], &face["picture_path"], &face["is_active"]), (&wall["id"], &json!(1), &Value::Null, &json!(true)));

        // Holds are drawn in a picture's pixels, so that comes first.
        let face_id = id(&face);
        assert_eq!(add(&app, &anna, &face_id, &squares(1)).problem(), (409, "conflict".to_owned()));
        let shown = send_picture(&app, &anna, &face_id, &picture(800, 600)).ok();
        assert_eq!((&shown["picture_width"], &shown["picture_height"], &shown["version"]), (&json!(800), &json!(600), &json!(1)));
        let served = app.get(&format!("/static/{}", shown["picture_path"].as_str().unwrap()));
        assert_eq!((served.status, served.header("content-type")), (200, "image/jpeg"));
        assert_eq!(app.get(&format!("/media/{}", shown["picture_sha256"].as_str().unwrap())).body, served.body);
        assert_eq!(app.get(&format!("/static/{}", setup(&app, &face_id, None)["small_picture"]["name"].as_str().unwrap())).status, 200);

        let holds = made(&add(&app, &anna, &face_id, &squares(3)));
        assert_eq!((&holds["count"], ids(&holds["results"])), (&json!(3), vec![OURS, OURS + 1, OURS + 2]));
        let first = &holds["results"][0];
        assert_eq!((&first["area"], &first["centroid_str"], &first["stokt_id"], &first["is_retired"]), (&json!("400.00"), &json!("40.00 120.00"), &Value::Null, &json!(false)));
        for text in ["polygon_str", "path_str", "touch_polygon_str", "top_polygon_str", "center_tape_str", "left_tape_str", "right_tape_str"] {
            assert!(first[text].as_str().unwrap().len() > 10, "{text} of {first}");
        }
        // All of it is there for everybody at once.
        let read = app.get_as_nobody(&format!("/api/faces/{face_id}/setup")).ok();
        assert_eq!((&read["holds"], &read["picture"]["width"]), (&holds["results"], &json!(800)));
        assert_eq!(app.get_as_nobody(&format!("/api/holds/{OURS}")).ok(), *first);
        assert_eq!(app.get_as_nobody(&gym_path).ok()["walls"][0], wall);
        assert_eq!(app.get_as_nobody(&format!("{gym_path}/summary")).ok()["holds_count"], 3);
        let changes = app.get_as_nobody(&format!("/api/changes?since={before}")).ok();
        let created = &changes["created"];
        assert_eq!((&created["gyms"][0], &created["walls"][0], &created["holds"]), (&gym, &wall, &holds["results"]));
        assert_eq!(created["faces"][0], app.get(&format!("/api/faces/{face_id}")).ok());

        // What is changed is changed everywhere, what is not sent stays.
        let renamed = app.by(&anna, "PATCH", &gym_path, &json!({"display_name": "Le pan", "location": null})).ok();
        assert_eq!((&renamed["display_name"], &renamed["location_string"], &renamed["description"]), (&json!("Le pan"), &Value::Null, &gym["description"]));
        let wall_path = format!("/api/walls/{}", id(&wall));
        let changed = app.by(&anna, "PATCH", &wall_path, &json!({"is_active": false})).ok();
        assert_eq!((&changed["is_active"], &changed["name"]), (&json!(false), &json!("40°")));
        let face_path = format!("/api/faces/{face_id}");
        let changed = app.by(&anna, "PATCH", &face_path, &json!({"is_active": false, "feet_rules_options": ["Campus"], "wall_id": null})).ok();
        assert_eq!((&changed["is_active"], &changed["feet_rules_options"], &changed["wall_id"], &changed["has_symmetry"]), (&json!(false), &json!(["Campus"]), &Value::Null, &json!(true)));
        assert_eq!(app.get(&face_path).ok(), changed);

        // It goes in the order in which it came.
        assert_eq!(app.by(&anna, "DELETE", &gym_path, &Value::Null).problem(), (409, "conflict".to_owned()));
        app.by(&anna, "PATCH", &face_path, &json!({"wall_id": wall["id"]})).ok();
        assert_eq!(app.by(&anna, "DELETE", &wall_path, &Value::Null).problem().0, 409);
        app.by(&anna, "PUT", &format!("/api/holds/{OURS}/annotations"), &json!({"grip_type": "bac"})).ok();
        for path in [&face_path, &wall_path, &gym_path] {
            assert_eq!(app.by(&anna, "DELETE", path, &Value::Null).status, 204, "{path}");
        }
        for path in [&face_path, &gym_path, &format!("/api/holds/{OURS}")] {
            assert_eq!(app.get(path).status, 404, "{path}");
        }
        let gone = app.get_as_nobody(&format!("/api/changes?since={before}")).ok();
        let gone: BTreeSet<String> = gone["deleted"].as_array().unwrap().iter().map(|row| row["entity"].as_str().unwrap().to_owned()).collect();
        assert!(["gym", "wall", "face", "hold"].iter().all(|kind| gone.contains(*kind)), "{gone:?}");
        assert_eq!(app.get("/api/gyms").ok()["count"], 1);
    }

    fn a_new_picture_is_a_new_version_and_old_ones_stay(url: &str) {
        let app = TestApp::start(url);
        let anna = app.person("anna");
        let (_, face) = home(&app, &anna);
        send_picture(&app, &anna, &face, &picture(800, 600)).ok();
        // Without holds or climbs there is nothing that an old picture would be for.
        let first = send_picture(&app, &anna, &face, &picture(801, 600)).ok();
        assert_eq!((&first["version"], &first["picture_width"]), (&json!(1), &json!(801)));
        let bytes = picture(800, 600);
        send_picture(&app, &anna, &face, &bytes).ok();
        made(&add(&app, &anna, &face, &squares(3)));
        app.by(&anna, "POST", &format!("/api/holds/{}/retire", OURS + 2), &Value::Null).ok();
        let old = setup(&app, &face, None);
        // The same picture changes nothing.
        assert_eq!(send_picture(&app, &anna, &face, &bytes).ok()["version"], 1);

        let cursor = app.get("/api/changes").ok()["next_cursor"].as_str().unwrap().to_owned();
        let new = send_picture(&app, &anna, &face, &picture(1_600, 600)).ok();
        assert_eq!((&new["version"], &new["picture_width"], &new["holds_count"]), (&json!(2), &json!(1_600), &json!(2)));
        let shown = setup(&app, &face, None);
        // The holds in use moved along: twice as wide. The retired one is not on the new picture.
        assert_eq!(ids(&shown["holds"]), [OURS, OURS + 1]);
        assert_eq!(shown["holds"][0]["centroid_str"], "80.00 120.00");
        assert_eq!(shown["holds"][0]["polygon_str"], "40.00,100.00 40.00,140.00 120.00,140.00 120.00,100.00");
        let kept = setup(&app, &face, Some(1));
        assert_eq!((&kept["holds"], &kept["picture"], &kept["version"]), (&old["holds"], &old["picture"], &json!(1)));
        assert_eq!(ids(&kept["holds"]).len(), 3);
        assert_eq!(setup(&app, &face, Some(2)), shown);
        for missing in ["3", "999999999"] {
            assert_eq!(app.get(&format!("/api/faces/{face}/setup?version={missing}")).problem().0, 404);
        }
        assert_eq!(app.get(&format!("/api/faces/{face}/setup?version=0")).problem().0, 422);
        let changes = app.get(&format!("/api/changes?since={cursor}")).ok();
        assert_eq!((&changes["updated"]["holds"], &changes["deleted"]), (&shown["holds"], &json!([{"entity": "hold", "id": (OURS + 2).to_string()}])));
        assert_eq!(changes["updated"]["faces"][0], app.get(&format!("/api/faces/{face}")).ok());

        // What is drawn anew is drawn anew in the shown version alone.
        let drawn = app.by(&anna, "PATCH", &format!("/api/holds/{OURS}"), &json!({"polygon_str": "200,200 300,200 300,300"})).ok();
        assert_eq!(drawn["polygon_str"], "200.00,200.00 300.00,200.00 300.00,300.00");
        assert_eq!(setup(&app, &face, Some(1))["holds"], old["holds"]);
        assert_eq!(setup(&app, &face, None)["holds"][0], drawn);
        // The retired one can be drawn there, and then put back.
        let back = format!("/api/holds/{}", OURS + 2);
        assert_eq!(app.by(&anna, "POST", &format!("{back}/restore"), &Value::Null).problem().0, 409);
        app.by(&anna, "PATCH", &back, &json!({"polygon_str": "400,200 500,200 500,300"})).ok();
        assert_eq!(app.by(&anna, "POST", &format!("{back}/restore"), &Value::Null).ok()["is_retired"], false);

        let versions = app.get(&format!("/api/faces/{face}/versions")).ok();
        let told: Vec<(i64, bool, i64)> = versions["results"].as_array().unwrap().iter()
            .map(|one| (one["version"].as_i64().unwrap(), one["is_current"].as_bool().unwrap(), one["holds_count"].as_i64().unwrap())).collect();
        assert_eq!(told, [(1, false, 3), (2, true, 3)]);
        assert_eq!(app.get("/api/faces/00000000-0000-4000-8000-000000000000/versions").problem().0, 404);
    }

    fn every_bad_hold_is_told_and_none_is_made(url: &str) {
        let app = TestApp::start(url);
        let anna = app.person("anna");
        let (_, face) = home(&app, &anna);
        send_picture(&app, &anna, &face, &picture(400, 300)).ok();
        let bad = json!({"holds": [
            {"polygon_str": "10,10 50,10 50,50"}, {"polygon_str": "10,10 50,10"}, {"polygon_str": "10,10 500,10 50,50"},
            {"polygon_str": "0,0 50,50 50,0 0,50"}, {"polygon_str": "a,b"}
        ]});
        let refused = add(&app, &anna, &face, &bad);
        assert_eq!(refused.problem(), (422, "invalid".to_owned()));
        let fields: Vec<String> = refused.json()["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect();
        assert_eq!(fields, ["holds.1.polygon_str", "holds.2.polygon_str", "holds.3.polygon_str", "holds.4.polygon_str"]);
        for bad in [json!({}), json!({"holds": []}), json!({"holds": [1]}), json!({"holds": [{}]}), json!({"holds": vec![json!({}); 2_001]})] {
            assert_eq!(add(&app, &anna, &face, &bad).problem().0, 422);
        }
        assert_eq!(setup(&app, &face, None)["holds"], json!([]));
        let unknown = json!({"gym_id": "00000000-0000-4000-8000-000000000000"});
        assert_eq!(app.by(&anna, "POST", "/api/faces", &unknown).problem().0, 404);
        for (path, bad) in [
            ("/api/gyms", json!({})), ("/api/gyms", json!({"display_name": "  "})), ("/api/gyms", json!({"display_name": "x".repeat(256)})),
            ("/api/faces", json!({})), ("/api/faces", json!({"gym_id": "x"})),
        ] {
            assert_eq!(app.by(&anna, "POST", path, &bad).problem().0, 422, "{path} {bad}");
        }
        // A wall of another gym.
        let other = id(&made(&app.by(&anna, "POST", "/api/gyms", &json!({"display_name": "Autre"}))));
        let wall = made(&app.by(&anna, "POST", &format!("/api/gyms/{other}/walls"), &json!({"name": "x"})));
        assert_eq!(app.by(&anna, "PATCH", &format!("/api/faces/{face}"), &json!({"wall_id": wall["id"]})).problem().0, 422);
    }

    fn numbers_are_given_once_however_many_ask(url: &str) {
        let app = TestApp::start(url);
        let anna = app.person("anna");
        let (_, face) = home(&app, &anna);
        send_picture(&app, &anna, &face, &picture(800, 600)).ok();
        let replies: Vec<Value> = std::thread::scope(|scope| {
            let ask = || scope.spawn(|| made(&add(&app, &anna, &face, &squares(5))));
            let threads: Vec<_> = (0..8).map(|_| ask()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let numbers: BTreeSet<i64> = replies.iter().flat_map(|reply| ids(&reply["results"])).collect();
        assert_eq!(numbers, (OURS..OURS + 40).collect());
        // Once more with a key, twice: made once.
        let key = [("authorization", anna.bearer()), ("idempotency-key", "k".to_owned())];
        let headers: Vec<(&str, &str)> = key.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = format!("/api/faces/{face}/holds");
        let body = squares(2).to_string();
        let twice = [0; 2].map(|_| made(&app.call("POST", &path, &headers, body.as_bytes())));
        assert_eq!(twice[0], twice[1]);
        assert_eq!(setup(&app, &face, None)["holds"].as_array().unwrap().len(), 42);
    }

    fn putting_up_holds_takes_the_same_statements_however_many(url: &str) {
        let app = TestApp::start(url);
        let anna = app.person("anna");
        let (_, face) = home(&app, &anna);
        send_picture(&app, &anna, &face, &picture(800, 600)).ok();
        let cost = |count: u32| {
            let before = app.store.statements();
            made(&add(&app, &anna, &face, &squares(count)));
            app.store.statements() - before
        };
        assert_eq!(cost(1), cost(12));
        let replace = |width: u32| {
            let before = app.store.statements();
            send_picture(&app, &anna, &face, &picture(width, 600)).ok();
            app.store.statements() - before
        };
        let few = replace(801);
        made(&add(&app, &anna, &face, &squares(12)));
        assert_eq!(few, replace(802));
    }

    fn only_owners_and_admins_build(url: &str) {
        let app = TestApp::public(url).with_board();
        let (anna, ben, admin) = (app.person("anna"), app.person("ben"), app.person_with("ada", AccountRole::Admin));
        let (gym, face) = home(&app, &anna);
        send_picture(&app, &anna, &face, &picture(800, 600)).ok();
        made(&add(&app, &anna, &face, &squares(2)));
        let wall = id(&made(&app.by(&anna, "POST", &format!("/api/gyms/{gym}/walls"), &json!({"name": "x"}))));
        let stokt_gym = app.get("/api/gyms").ok()["results"].as_array().unwrap().iter().find(|gym| gym["source"] == "stokt").map(id).unwrap();
        let stokt_face = id(&app.get(&format!("/api/faces?gym_id={stokt_gym}")).ok()[0]);
        let stokt_wall = id(&app.get(&format!("/api/gyms/{stokt_gym}")).ok()["walls"][0]);
        let png = picture(800, 601);
        let requests = |gym: &str, wall: &str, face: &str, hold: i64| {
            vec![
                ("PATCH", format!("/api/gyms/{gym}"), json!({"description": "x"})),
                ("POST", format!("/api/gyms/{gym}/walls"), json!({"name": "y"})),
                ("PATCH", format!("/api/walls/{wall}"), json!({"is_active": true})),
                ("POST", "/api/faces".to_owned(), json!({"gym_id": gym})),
                ("PATCH", format!("/api/faces/{face}"), json!({"is_active": true})),
                ("POST", format!("/api/faces/{face}/holds"), squares(1)),
                ("PATCH", format!("/api/holds/{hold}"), json!({"polygon_str": "10,10 50,10 50,50"})),
                ("POST", format!("/api/holds/{hold}/retire"), json!({})),
                ("POST", format!("/api/holds/{hold}/restore"), json!({})),
            ]
        };
        let ours = requests(&gym, &wall, &face, OURS);
        let theirs = requests(&stokt_gym, &stokt_wall, &stokt_face, i64::from(FIRST_HOLD));
        for (method, path, body) in ours.iter().chain(&theirs) {
            assert_eq!(app.by(&ben, method, path, body).problem(), (403, "forbidden".to_owned()), "{method} {path}");
        }
        for path in [format!("/api/faces/{face}"), format!("/api/walls/{wall}"), format!("/api/gyms/{gym}")] {
            assert_eq!(app.by(&ben, "DELETE", &path, &Value::Null).problem().0, 403, "{path}");
        }
        assert_eq!(send_picture(&app, &ben, &face, &png).problem().0, 403);
        for (method, path, body) in &ours {
            for person in [&anna, &admin] {
                assert!(matches!(app.by(person, method, path, body).status, 200 | 201), "{method} {path}");
            }
        }
        // What comes from Stokt is changed there; admins add to it, and say what is off the wall.
        for (method, path, body) in &theirs {
            let status = app.by(&admin, method, path, body).status;
            let is_ours = *method == "POST" && !path.ends_with("/holds");
            assert_eq!(status, match (is_ours, path.contains("/holds/")) { (true, true) => 200, (true, false) => 201, _ => 409 }, "{method} {path}");
        }
        assert_eq!(send_picture(&app, &admin, &stokt_face, &png).problem().0, 409);
        for path in [format!("/api/faces/{stokt_face}"), format!("/api/walls/{stokt_wall}"), format!("/api/gyms/{stokt_gym}")] {
            assert_eq!(app.by(&admin, "DELETE", &path, &Value::Null).problem().0, 409, "{path}");
        }
        // A key builds for the service: what it makes belongs to nobody.
        let key = app.key(Scope::Write);
        let gym = app.call("POST", "/api/gyms", &[("x-api-key", &key)], b"{\"display_name\": \"Service\"}");
        assert_eq!(made(&gym)["owner_id"], Value::Null);
    }

    fn a_retired_hold_stays_in_old_climbs_and_no_import_brings_it_back(url: &str) {
        let app = TestApp::public(url).with_board();
        let admin = app.person_with("ada", AccountRole::Admin);
        let path = format!("/api/holds/{FIRST_HOLD}");
        let listed = format!("{path}/climbs?page_size=3");
        let touched = app.get_as_nobody(&listed).ok();
        // Thirty climbs of four neighbouring holds each go round twelve holds.
        assert_eq!((touched["count"].as_i64().unwrap(), touched["results"].as_array().unwrap().len()), (9, 3));
        assert!(touched["results"][0]["holds_list"].as_str().unwrap().contains(&FIRST_HOLD.to_string()));
        assert_eq!(app.get("/api/holds/1/climbs").problem().0, 404);
        let hidden = format!("/api/holds/{}/climbs", FIRST_HOLD + 5);
        assert_eq!(app.get(&hidden).ok()["count"].as_i64(), app.get_as_nobody(&hidden).ok()["count"].as_i64().map(|count| count + 1));

        let retired = app.by(&admin, "POST", &format!("{path}/retire"), &Value::Null).ok();
        assert_eq!(retired["is_retired"], true);
        let again = json!({"holds": (0..crate::support::HOLDS).map(crate::support::hold).collect::<Vec<_>>()});
        let outcome = app.post("/api/sync/import/holds/batch", &again).ok();
        assert_eq!((&outcome["errors"], &outcome["updated"]), (&json!(0), &json!(0)));
        let shown = app.get(&format!("/api/faces/by-stokt-id/{FACE}/setup")).ok();
        assert_eq!((&shown["holds"][0], &shown["holds"][1]["is_retired"]), (&retired, &json!(false)));
        assert_eq!(app.get_as_nobody(&listed).ok(), touched);
        assert_eq!(app.by(&admin, "POST", &format!("{path}/restore"), &Value::Null).ok()["is_retired"], false);
    }

    fn s15_pictures_of_people_are_drawn_anew_and_named_here(url: &str) {
        let app = TestApp::start(url);
        let anna = app.person("anna");
        let (_, face) = home(&app, &anna);
        let path = format!("/api/faces/{face}/picture");
        let bearer = anna.bearer();
        // A comment in the file says where it was taken; another program's file is no picture at all.
        let mut jpeg = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(64, 48, image::Rgb([200, 10, 10])).write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
        let mut bytes = jpeg.into_inner();
        let comment = b"\xFF\xFE\x00\x11GPS 45.75, 4.85";
        bytes.splice(2..2, comment.iter().copied());
        let hash = Sha256Hex::of(&bytes).to_string();
        let kept = app.call("PUT", &path, &[("authorization", &bearer), ("x-content-sha256", &hash)], &bytes).ok();
        assert_ne!(kept["picture_sha256"], hash);
        let served = app.get(&format!("/static/{}", kept["picture_path"].as_str().unwrap())).body;
        assert!(bytes.windows(3).any(|part| part == b"GPS") && !served.windows(3).any(|part| part == b"GPS"));
        assert!(kept["picture_path"].as_str().unwrap().starts_with(&format!("boards/{face}/1-")));

        let wrong = app.call("PUT", &path, &[("authorization", &bearer), ("x-content-sha256", &hash)], &picture(8, 8));
        assert_eq!(wrong.problem(), (422, "bad_picture".to_owned()));
        for (bytes, status) in [(b"MZ no picture".to_vec(), 422), (Vec::new(), 422), (b"<svg onload=alert(1)>".to_vec(), 422), (vec![0; 17 << 20], 413)] {
            assert_eq!(app.call("PUT", &path, &[("authorization", &bearer)], &bytes).problem().0, status);
        }
        assert_eq!(app.get(&format!("/api/faces/{face}")).ok()["picture_sha256"], kept["picture_sha256"]);
    }
}
