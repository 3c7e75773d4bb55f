//! The answers of the routes that existing clients use, with exactly their field names.

use crate::support::{FACE, FIRST_HOLD, TestApp, climb_id, migrate, redact};
use serde_json::{Value, json};

/// Names must be there, whatever stands beside them.
fn has(value: &Value, names: &str) {
    for name in names.split_whitespace() {
        assert!(value.get(name).is_some(), "{name} is missing in {value}");
    }
}

const CLIMB: &str = "id stokt_id face_id setter_id setter_name name holds_list grade_font grade_ircra feet_rule \
    description is_private is_benchmark climbed_by total_likes total_comments source personal_notes personal_rating \
    is_project created_at updated_at synced_at tags circuit angle mirror_holds_list sync_state";
const HOLD: &str = "id stokt_id polygon_str centroid_x centroid_y path_str area touch_polygon_str centroid_str \
    top_polygon_str center_tape_str right_tape_str left_tape_str";

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn climbs_faces_holds_and_stats(url: &str) {
        let app = TestApp::start(url).with_board();

        let page = app.get("/api/climbs?page_size=2&sort=oldest").ok();
        has(&page, "results count page page_size");
        has(&page["results"][0], CLIMB);
        assert_eq!((&page["count"], &page["page"], &page["page_size"]), (&json!(30), &json!(1), &json!(2)));
        insta::assert_json_snapshot!("climbs", redact(page.clone()));

        let by_id = app.get(&format!("/api/climbs/{}", page["results"][1]["id"].as_str().unwrap())).ok();
        assert_eq!(by_id, page["results"][1]);
        assert_eq!(app.get(&format!("/api/climbs/by-stokt-id/{}", climb_id(1))).ok(), by_id);

        let faces = app.get("/api/faces").ok();
        has(&faces[0], "id stokt_id gym_id picture_path picture_width picture_height holds_count climbs_count");
        insta::assert_json_snapshot!("faces", redact(faces.clone()));
        let face = faces[0]["id"].as_str().unwrap();
        let gym = faces[0]["gym_id"].as_str().unwrap();
        assert_eq!(app.get(&format!("/api/faces?gym_id={gym}")).ok(), faces);
        assert_eq!(app.get(&format!("/api/faces/{face}")).ok(), faces[0]);

        let setup = app.get(&format!("/api/faces/{face}/setup")).ok();
        has(&setup, "id stokt_id is_active total_climbs picture small_picture feet_rules_options has_symmetry holds");
        has(&setup["picture"], "name width height");
        has(&setup["holds"][0], HOLD);
        assert_eq!(app.get(&format!("/api/faces/by-stokt-id/{FACE}/setup")).ok(), setup);
        let mut short = setup.clone();
        short["holds"].as_array_mut().unwrap().truncate(2);
        insta::assert_json_snapshot!("setup", redact(short));

        let holds = app.get(&format!("/api/holds?face_id={face}")).ok();
        assert_eq!((&holds["results"], &holds["count"]), (&setup["holds"], &json!(12)));
        assert_eq!(app.get(&format!("/api/holds/{FIRST_HOLD}")).ok(), setup["holds"][0]);
        assert_eq!(app.get(&format!("/api/holds/by-stokt-id/{FIRST_HOLD}")).ok(), setup["holds"][0]);

        let stats = app.get("/api/sync/stats").ok();
        let expected = json!({
            "gyms": 1, "faces": 1, "holds": 12, "climbs": 30, "users": 3, "climbs_synced": 30, "climbs_local": 0
        });
        assert_eq!(stats, expected);
    }

    fn health_and_about(url: &str) {
        let app = TestApp::start(url);
        let health = app.get_as_nobody("/health").ok();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            health,
            json!({"status": "ok", "app_name": "mastoc", "version": version, "database": "connected"})
        );
        assert_eq!(app.get_as_nobody("/").ok(), json!({"name": "mastoc", "version": version, "docs": "/docs/"}));
    }

    fn gyms_setters_and_changes(url: &str) {
        let app = TestApp::start(url).with_board();
        let gyms = app.get("/api/gyms").ok();
        insta::assert_json_snapshot!("gyms", redact(gyms.clone()));
        let gym = gyms["results"][0]["id"].as_str().unwrap();
        insta::assert_json_snapshot!("gym", redact(app.get(&format!("/api/gyms/{gym}")).ok()));
        let mut summary = app.get(&format!("/api/gyms/{gym}/summary")).ok();
        assert_eq!(summary["newest"].as_array().unwrap().len(), 10);
        summary["newest"].as_array_mut().unwrap().truncate(1);
        insta::assert_json_snapshot!("summary", redact(summary));
        insta::assert_json_snapshot!("setters", redact(app.get("/api/setters").ok()));
        insta::assert_json_snapshot!("setters_of_gym", redact(app.get(&format!("/api/setters?gym_id={gym}&page_size=1&page=2")).ok()));

        // Following the feed step by step ends with what a full read gives.
        let (mut since, mut climbs, mut others) = ("0".to_owned(), 0, 0);
        loop {
            let page = app.get(&format!("/api/changes?limit=7&since={since}")).ok();
            climbs += page["created"]["climbs"].as_array().unwrap().len();
            for kind in ["gyms", "walls", "faces", "holds", "users"] {
                others += page["created"][kind].as_array().unwrap().len();
            }
            assert_eq!(page["deleted"], json!([]));
            since = page["next_cursor"].as_str().unwrap().to_owned();
            if page["has_more"] == false {
                break;
            }
        }
        assert_eq!((climbs, others), (30, 1 + 1 + 1 + 12 + 3));
        let nothing = app.get(&format!("/api/changes?since={since}")).ok();
        assert_eq!(nothing["created"]["climbs"], json!([]));
        insta::assert_json_snapshot!("no_changes", json!({"created": nothing["created"], "deleted": nothing["deleted"]}));
        assert_eq!(app.get("/api/changes?since=999999999").problem(), (410, "cursor_gone".to_owned()));
    }
}
