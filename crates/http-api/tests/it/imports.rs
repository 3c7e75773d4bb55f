//! Importing over HTTP: many and one, again and again, bad records beside good ones.

use std::fs;
use std::path::Path;

use crate::support::{ENV_KEY, FACE, GYM, TestApp, climb, climb_id, hold, migrate, user};
use mastoc_media::{ImageKind, MediaStore, Sha256Hex};
use serde_json::{Value, json};

fn summary(answer: &Value) -> (i64, i64, i64, i64) {
    let number = |name: &str| answer[name].as_i64().unwrap();
    (number("created"), number("updated"), number("errors"), number("total"))
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn the_same_batch_again_changes_nothing(url: &str) {
        let app = TestApp::start(url).with_board();
        let batch = json!({"climbs": (0..30).map(climb).collect::<Vec<_>>()});
        assert_eq!(summary(&app.post("/api/sync/import/climbs/batch", &batch).ok()), (0, 0, 0, 30));
        let mut changed = batch.clone();
        changed["climbs"][4]["name"] = json!("New name");
        changed["climbs"][6]["total_likes"] = json!(99);
        let answer = app.post("/api/sync/import/climbs/batch", &changed).ok();
        assert_eq!(summary(&answer), (0, 2, 0, 30));
        let mut statuses = vec!["exists"; 30];
        (statuses[4], statuses[6]) = ("updated", "updated");
        assert_eq!(answer["statuses"], json!(statuses));
        let stored = app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(4))).ok();
        assert_eq!(stored["name"], "New name");
    }

    fn one_bad_record_never_loses_the_others(url: &str) {
        let app = TestApp::start(url).with_board();
        let good = |n: u32| climb(n);
        let mut unknown_hold = good(40);
        unknown_hold["holds_list"] = json!("S1 T2");
        let mut unknown_face = good(41);
        unknown_face["face_stokt_id"] = json!(GYM);
        let batch = json!({"climbs": [
            good(42), {"stokt_id": 17}, unknown_hold, "nonsense", unknown_face, good(43), null,
        ]});
        let answer = app.post("/api/sync/import/climbs/batch", &batch).ok();
        assert_eq!(summary(&answer), (2, 0, 5, 7));
        let failures: Vec<(i64, &str, bool)> = answer["failures"].as_array().unwrap().iter()
            .map(|f| (f["index"].as_i64().unwrap(), f["code"].as_str().unwrap(), f["detail"].is_string()))
            .collect();
        assert_eq!(
            failures,
            [(1, "bad_record", true), (2, "unknown_hold", true), (3, "bad_record", true), (4, "unknown_face", true), (6, "bad_record", true)]
        );
        assert_eq!(
            answer["statuses"],
            json!(["created", "failed", "failed", "failed", "failed", "created", "failed"])
        );
        assert_eq!(answer["failures"][0]["stokt_id"], "17");
        assert_eq!(answer["failures"][1]["stokt_id"], climb_id(40));
        assert_eq!(app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(43))).status, 200);
        // Of the right shape, and yet no hold: it is named as well.
        let mut beyond = hold(21);
        beyond["stokt_id"] = json!(0);
        let answer = app.post("/api/sync/import/holds/batch", &json!({"holds": [beyond, hold(22)]})).ok();
        assert_eq!(summary(&answer), (1, 0, 1, 2));
        let failure = &answer["failures"][0];
        assert_eq!((&failure["index"], &failure["stokt_id"], &failure["code"]), (&json!(0), &json!("0"), &json!("bad_record")));
    }

    fn single_records_answer_their_id_and_status(url: &str) {
        let app = TestApp::start(url).with_board();
        let once = app.post("/api/sync/import/user", &user(9)).ok();
        assert_eq!(once["status"], "created");
        assert_eq!(app.post("/api/sync/import/user", &user(9)).ok(), json!({"id": once["id"], "status": "exists"}));
        let one = app.post("/api/sync/import/hold", &hold(20)).ok();
        assert_eq!(one, json!({"id": crate::support::FIRST_HOLD + 20, "status": "created"}));
        let mut bad = climb(50);
        bad["face_stokt_id"] = json!(GYM);
        let refused = app.post("/api/sync/import/climb", &bad);
        assert_eq!(refused.problem(), (422, "refused".to_owned()));
        assert!(refused.json()["detail"].as_str().unwrap().starts_with("unknown_face: "));
        let mut bad = hold(21);
        bad["stokt_id"] = json!(1_000_000_000);
        assert_eq!(app.post("/api/sync/import/hold", &bad).problem(), (422, "refused".to_owned()));
        // What existing clients leave out, send as null or add is no trouble.
        let gym = json!({"stokt_id": "57000000-0000-4000-8000-000000000009", "display_name": "Pan", "location_string": null, "more": 1});
        assert_eq!(app.post("/api/sync/import/gym", &gym).ok()["status"], "created");
        let mut plain = hold(22);
        for name in ["area", "touch_polygon_str", "center_tape_str"] {
            plain[name] = Value::Null;
        }
        plain["area"] = json!(12.5);
        app.post("/api/sync/import/hold", &plain).ok();
        let stored = app.get(&format!("/api/holds/{}", crate::support::FIRST_HOLD + 22)).ok();
        assert_eq!((&stored["area"], &stored["touch_polygon_str"]), (&json!("12.5"), &json!("")));
    }

    fn what_a_client_leaves_out_of_a_row_that_is_here_stays(url: &str) {
        let app = TestApp::start(url).with_board();
        let mut full = climb(3);
        for (field, value) in [
            ("grade_font", json!("6A")), ("grade_ircra", json!(14.5)), ("grade_hueco", json!("V3")),
            ("grade_dankyu", json!("4Q")), ("mirror_holds_list", full["holds_list"].clone()),
            ("circuit", json!("red")), ("angle", json!("40")), ("is_private", json!(true)),
            ("total_comments", json!(4)), ("stokt_extra", json!({"moonPhase": "full"})),
        ] {
            full[field] = value;
        }
        app.post("/api/sync/import/climb", &full).ok();
        let id = climb_id(3);
        let shown = || {
            let mut climb = app.get(&format!("/api/climbs/by-stokt-id/{id}")).ok();
            for stamp in ["updated_at", "synced_at"] {
                climb.as_object_mut().unwrap().remove(stamp);
            }
            climb
        };
        let before = shown();

        // Alone, and in a batch beside a whole record.
        let few = json!({"stokt_id": id, "face_stokt_id": FACE, "name": full["name"], "holds_list": full["holds_list"]});
        assert_eq!(app.post("/api/sync/import/climb", &few).ok()["status"], "exists");
        let batch = app.post("/api/sync/import/climbs/batch", &json!({"climbs": [few, full]})).ok();
        assert_eq!(batch["statuses"], json!(["exists", "exists"]), "{batch}");
        assert_eq!(shown(), before);

        // What is sent is taken, and null empties; what hung on it goes with it.
        let mut other = few.clone();
        other["grade_font"] = json!("6B");
        other["tags"] = Value::Null;
        assert_eq!(app.post("/api/sync/import/climb", &other).ok()["status"], "updated");
        let after = shown();
        assert_eq!((&after["grade_hueco"], &after["tags"]), (&Value::Null, &json!("")), "{after}");
        assert_eq!((&after["circuit"], &after["is_private"]), (&before["circuit"], &json!(true)), "{after}");

        // A new climb without a date is one of now, and stays so.
        let mut dateless = climb(70);
        dateless.as_object_mut().unwrap().remove("date_created");
        assert_eq!(app.post("/api/sync/import/climb", &dateless).ok()["status"], "created");
        assert_eq!(app.post("/api/sync/import/climb", &dateless).ok()["status"], "exists");

        // Holds, faces, setters and gyms as well; a hold's other lines belong to its outline.
        let setup = app.get(&format!("/api/faces/by-stokt-id/{FACE}/setup")).ok();
        let whole = hold(1);
        let mut outline = json!({});
        for field in ["stokt_id", "face_stokt_id", "polygon_str", "centroid_x", "centroid_y"] {
            outline[field] = whole[field].clone();
        }
        assert_eq!(app.post("/api/sync/import/hold", &outline).ok()["status"], "exists");
        let face = json!({"stokt_id": FACE, "gym_stokt_id": GYM});
        assert_eq!(app.post("/api/sync/import/face", &face).ok()["status"], "exists");
        let person = json!({"stokt_id": user(1)["stokt_id"], "full_name": user(1)["full_name"]});
        assert_eq!(app.post("/api/sync/import/user", &person).ok()["status"], "exists");
        let gym = json!({"stokt_id": GYM, "display_name": crate::support::gym()["display_name"]});
        assert_eq!(app.post("/api/sync/import/gym", &gym).ok()["status"], "exists");
        assert_eq!(app.get(&format!("/api/faces/by-stokt-id/{FACE}/setup")).ok(), setup);

        outline["polygon_str"] = json!("1,1 9,1 9,9 1,9");
        assert_eq!(app.post("/api/sync/import/hold", &outline).ok()["status"], "updated");
        let moved = app.get(&format!("/api/holds/{}", crate::support::FIRST_HOLD + 1)).ok();
        assert_eq!((&moved["touch_polygon_str"], &moved["area"]), (&json!(""), &json!("")), "{moved}");
    }

    fn s14_control_characters_in_names_are_refused(url: &str) {
        let app = TestApp::start(url).with_board();
        for control in ['\0', '\n', '\u{1b}', '\u{7f}', '\u{9b}'] {
            let name = format!("a{control}[31mb");
            for (kind, field, mut record) in
                [("climb", "name", climb(70)), ("user", "full_name", user(70)), ("gym", "display_name", crate::support::gym())]
            {
                record[field] = json!(name);
                let refused = app.post(&format!("/api/sync/import/{kind}"), &record);
                assert_eq!(refused.problem(), (422, "refused".to_owned()), "{kind} {control:?}");
                assert!(!refused.json()["detail"].as_str().unwrap().contains(control));
            }
            let path = format!("pictures/a{control}.jpg");
            let mut person = user(70);
            person["avatar_path"] = json!(path);
            assert_eq!(app.post("/api/sync/import/user", &person).problem(), (422, "refused".to_owned()), "{control:?}");
            let mut face = crate::support::face();
            face["picture_path"] = json!(path);
            assert_eq!(app.post("/api/sync/import/face", &face).problem(), (422, "refused".to_owned()), "{control:?}");
        }
        let mut record = climb(71);
        record["stokt_extra"] = json!({"new": "x".repeat(2_000_000)});
        let refused = app.post("/api/sync/import/climb", &record);
        assert_eq!(refused.problem(), (422, "refused".to_owned()));
        // Lines in a description are what people write.
        record = climb(72);
        record["description"] = json!("two\nlines");
        app.post("/api/sync/import/climb", &record).ok();
    }

    fn s14_a_body_of_countless_tiny_values_is_refused_before_it_is_read(url: &str) {
        let app = TestApp::start(url).with_board();
        let mut record = climb(73);
        record["stokt_extra"] = json!({"new": vec![0; 600_000]});
        let refused = app.post("/api/sync/import/climb", &record);
        assert_eq!(refused.problem(), (413, "too_large".to_owned()));
        assert!(refused.json()["detail"].as_str().unwrap().contains("values"), "{:?}", refused.json());
    }

    fn a_dry_run_writes_nothing(url: &str) {
        let app = TestApp::start(url).with_board();
        let stats = app.get("/api/sync/stats").ok();
        let etag = app.get("/api/climbs").header("etag").to_owned();
        let batch = json!({"climbs": [climb(1), climb(60), climb(61)]});
        assert_eq!(summary(&app.post("/api/sync/import/climbs/batch?dry_run=true", &batch).ok()), (2, 0, 0, 3));
        assert_eq!(app.post("/api/sync/import/user?dry_run=1", &user(8)).ok()["status"], "created");
        assert_eq!(app.get("/api/sync/stats").ok(), stats);
        assert_eq!(app.get("/api/climbs").header("etag"), etag);
    }

    fn a_large_batch_takes_as_many_statements_as_a_small_one(url: &str) {
        let app = TestApp::start(url).with_board();
        let cost = |from: u32, count: u32| {
            let batch = json!({"climbs": (from..from + count).map(|n| {
                let mut record = climb(n % 28);
                record["stokt_id"] = json!(climb_id(n));
                record
            }).collect::<Vec<_>>()});
            let before = app.store.statements();
            assert_eq!(app.post("/api/sync/import/climbs/batch", &batch).ok()["created"], count);
            app.store.statements() - before
        };
        let (small, large) = (cost(100, 5), cost(1_000, 700));
        println!("{small} statements");
        assert_eq!(small, large);
    }

    fn s13_fields_of_ours_cannot_be_set_by_an_import(url: &str) {
        let app = TestApp::start(url).with_board();
        let mut record = climb(44);
        for (name, value) in [("id", json!(GYM)), ("source", json!("mastoc")), ("sync_state", json!("local")), ("rev", json!(9))] {
            record[name] = value;
        }
        let id = app.post("/api/sync/import/climb", &record).ok()["id"].clone();
        let stored = app.get(&format!("/api/climbs/{}", id.as_str().unwrap())).ok();
        assert_ne!(id, GYM);
        assert_eq!((&stored["source"], &stored["sync_state"]), (&json!("stokt"), &json!("synced")));
    }

    fn wanted_pictures_are_those_without_a_copy(url: &str) {
        let app = TestApp::start(url).with_board();
        let wanted = app.get(&format!("/api/sync/import/pictures?gym_stokt_id={GYM}")).ok();
        let avatar = json!({"owner": "avatar", "stokt_id": crate::support::user_id(1), "path": "avatars/1.png", "width": null, "height": null});
        assert_eq!(wanted, json!({"wanted": [avatar]}));
        let mut face = crate::support::face();
        face["stokt_id"] = json!("57000000-0000-4000-8000-000000000033");
        face["picture_path"] = json!("walls/other.png");
        app.post("/api/sync/import/face", &face).ok();
        let wanted = app.get(&format!("/api/sync/import/pictures?gym_stokt_id={GYM}")).ok();
        assert_eq!(wanted["wanted"][0]["owner"], "face");
        assert_eq!(wanted["wanted"][0]["width"], crate::support::WIDTH);
        assert_ne!(wanted["wanted"][0]["stokt_id"], FACE);
        assert_eq!(app.get("/api/sync/import/pictures").ok(), wanted, "no gym named: all of them");
        assert_eq!(app.call("GET", "/api/sync/import/pictures?gym_stokt_id=x", &[("x-api-key", ENV_KEY)], b"").problem().0, 422);
    }

    fn a_picture_whose_file_is_lost_or_cut_is_wanted_again(url: &str) {
        let app = TestApp::start(url).with_board();
        let bytes = crate::support::picture(crate::support::WIDTH, crate::support::HEIGHT);
        let hash = Sha256Hex::of(&bytes);
        let file = MediaStore::open(app.folder.path()).unwrap().path_of(hash, ImageKind::Png);
        let wall = || {
            let wanted = app.get(&format!("/api/sync/import/pictures?gym_stokt_id={GYM}")).ok();
            wanted["wanted"].as_array().unwrap().iter().filter(|one| one["owner"] == "face").count()
        };
        assert_eq!(wall(), 0);
        for harm in [|path: &Path| fs::remove_file(path), |path: &Path| fs::write(path, b"cut")] {
            harm(&file).unwrap();
            assert_eq!(wall(), 1);
            let path = format!("/api/sync/import/faces/{FACE}/picture?path={}", crate::support::PICTURE);
            assert_eq!(app.put_picture(&path, &bytes, &hash.to_string()).status, 200);
            assert_eq!(wall(), 0);
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
    }
}
