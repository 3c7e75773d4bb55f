//! Every endpoint over HTTP: shapes, paging, accounts, writing.

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

mod common;

use common::{Client, climbs_path, new_climb, small};
use mastoc_stokt_sim::Sim;
use serde_json::{Value, json};
use uuid::Uuid;

fn has_fields(value: &Value, fields: &[&str]) {
    let map = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for field in fields {
        assert!(map.contains_key(*field), "no {field} in {value}");
    }
}

#[test]
fn the_version_needs_no_token_and_the_rest_does() {
    let sim = small();
    let client = Client::of(&sim).with_token(None);
    assert_eq!(client.get("/api/version").json(), json!({ "version": "1.3.0" }));
    let reply = client.get("/api/users/me");
    assert_eq!((reply.status, reply.json()["detail"].is_string()), (401, true));
    let reply = client.with_token(Some("0000")).get("/api/users/me");
    assert_eq!((reply.status, reply.json()), (401, json!({ "detail": "Invalid token." })));
}

#[test]
fn logging_in_gives_the_token_and_a_wrong_password_none() {
    let sim = small();
    let client = Client::of(&sim).with_token(None);
    let reply = client.log_in(&sim.username(), &sim.password());
    assert_eq!(reply.json(), json!({ "token": sim.token() }));
    assert_eq!(sim.token().len(), 40);
    let reply = client.log_in(&sim.username(), "wrong");
    assert_eq!(reply.status, 400);
    assert!(reply.json()["non_field_errors"][0].is_string());
    let requests = sim.requests();
    assert_eq!((requests.len(), requests[0].method.as_str(), requests[0].had_token), (2, "POST", false));
}

#[test]
fn gym_walls_and_setup_have_their_shapes() {
    let sim = Sim::builder().faces(3).holds(30).climbs(40).picture_size(226, 300).start().unwrap();
    let client = Client::of(&sim);
    let gym = sim.gym_id();
    has_fields(
        &client.get("/api/users/me").json(),
        &[
            "id",
            "username",
            "email",
            "firstName",
            "lastName",
            "fullName",
            "avatar",
            "homeGym",
            "subscriptionStatus",
            "isStaff",
            "gradePreference",
            "gradeFeel",
        ],
    );
    let summary = client.get(&format!("/api/gyms/{gym}/summary")).json();
    has_fields(
        &summary,
        &[
            "id",
            "displayName",
            "unit",
            "numberOfClimbs",
            "numberOfClimbers",
            "numberOfSends",
            "walls",
            "defaultPictures",
            "gymType",
            "gymManagers",
            "locationString",
            "wallType",
            "description",
            "isFavorite",
            "isEditable",
        ],
    );
    assert_eq!(summary["walls"].as_array().unwrap().len(), 2);
    let walls = client.get(&format!("/api/gyms/{gym}/walls")).json();
    let faces: Vec<&Value> =
        walls.as_array().unwrap().iter().flat_map(|w| w["faces"].as_array().unwrap()).collect();
    assert_eq!(faces.len(), 3);
    assert_eq!(faces.iter().map(|face| face["totalClimbs"].as_u64().unwrap()).sum::<u64>(), 40);
    let mut ids = std::collections::HashSet::new();
    for face in faces {
        let setup = client.get(&format!("/api/faces/{}/setup", face["id"].as_str().unwrap())).json();
        has_fields(&setup, &["id", "gym", "wall", "picture", "feetRulesOptions", "hasSymmetry", "holds"]);
        for hold in setup["holds"].as_array().unwrap() {
            assert!(ids.insert(hold["id"].as_i64().unwrap()), "hold ids are unique over all faces");
        }
        let picture = client.get(&format!("/media/{}", setup["picture"]["name"].as_str().unwrap()));
        let decoded = image::load_from_memory(&picture.bytes).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (226, 300));
        assert_eq!(picture.header("content-type"), Some("image/jpeg"));
    }
    assert_eq!(ids.len(), 90);
}

#[test]
fn known_refusals_are_refused() {
    let sim = small();
    let client = Client::of(&sim);
    let (gym, face, other) = (sim.gym_id(), sim.face_ids()[0], Uuid::nil());
    for (path, status) in [
        (format!("/api/gyms/{gym}/"), 404),
        (format!("/api/gyms/{gym}/faces"), 404),
        (format!("/api/faces/{face}"), 403),
        (format!("/api/faces/{other}/setup"), 404),
        (format!("/api/gyms/{other}/summary"), 404),
        (format!("/api/climbs/{other}/likes"), 404),
        ("/api/nothing".to_owned(), 404),
        ("/media/nothing.jpg".to_owned(), 404),
    ] {
        let reply = client.get(&path);
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.json()["detail"].is_string());
    }
    assert_eq!(client.delete("/api/users/me").status, 405);
}

#[test]
fn pages_hold_every_climb_once_newest_first() {
    let sim = small();
    let client = Client::of(&sim);
    let pages = client.pages(&climbs_path(&sim));
    assert_eq!(pages.len(), 5);
    assert!(pages[0]["previous"].is_null() && pages[4]["next"].is_null());
    assert!(pages[0]["next"].as_str().unwrap().starts_with(&sim.base_url()));
    let climbs: Vec<Value> =
        pages.iter().flat_map(|page| page["results"].as_array().unwrap().clone()).collect();
    assert!(pages.iter().all(|page| page["count"] == climbs.len()));
    let dates: Vec<&str> = climbs.iter().map(|climb| climb["dateCreated"].as_str().unwrap()).collect();
    assert!(dates.windows(2).all(|pair| pair[0] >= pair[1]));
    let ids: std::collections::HashSet<&str> =
        climbs.iter().map(|climb| climb["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), climbs.len()), (230, 230));
    assert_eq!(client.get(&format!("{}&page=6", climbs_path(&sim))).status, 404);
    assert_eq!(client.get(&format!("{}&page=x", climbs_path(&sim))).status, 404);
}

#[test]
fn max_age_sees_only_what_was_created_lately() {
    let sim = small();
    let client = Client::of(&sim);
    let path = format!("/api/gyms/{}/climbs?max_age=7", sim.gym_id());
    let before = client.get(&path).json();
    let id = sim.with_board(|board| board.invent_climbs(2)[0]);
    let page = client.get(&path).json();
    assert_eq!(page["count"].as_u64().unwrap(), before["count"].as_u64().unwrap() + 2);
    assert_eq!(page["results"][1]["id"], id.to_string());
    // The clock of the board decides what is young.
    let newest = chrono::DateTime::parse_from_rfc3339("2025-12-18T00:00:00Z").unwrap().to_utc();
    sim.with_board(|board| board.set_now(Some(newest)));
    let then = client.get(&path).json()["count"].as_u64().unwrap();
    assert!((3..230).contains(&then), "{then}");
}

#[test]
fn a_climb_is_created_edited_hidden_and_deleted_by_its_setter() {
    let sim = small();
    let client = Client::of(&sim);
    let face = sim.face_ids()[0];
    let created = client.call("POST", &format!("/api/faces/{face}/climbs"), &new_climb(&sim, "Ça grimpe 🔥"));
    assert_eq!(created.status, 201, "{}", created.text());
    let climb = created.json();
    let id = climb["id"].as_str().unwrap().to_owned();
    assert_eq!(climb["crowdGrade"], json!({ "ircra": 16.5, "hueco": "V3", "font": "6A+", "dankyu": "4Q" }));
    assert_eq!(climb["feetRule"], "No foot");
    let holds = climb["holdsList"].as_str().unwrap();
    assert!(holds.starts_with('S') && holds.contains(" F") && holds.contains(" T"), "{holds}");
    assert_eq!(climb["climbSetters"]["id"], client.get("/api/users/me").json()["id"]);
    let invented = client.all(&climbs_path(&sim));
    let known = invented.iter().find(|known| known["id"] != id.as_str()).unwrap();
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&climb), fields(known), "created and invented climbs have the same fields");
    // The same request again makes another climb: there is no idempotency key.
    client.call("POST", &format!("/api/faces/{face}/climbs"), &new_climb(&sim, "Ça grimpe 🔥"));
    assert_eq!(sim.with_board(|board| board.climbs_named("Ça grimpe 🔥")).len(), 2);

    let path = format!("/api/faces/{face}/climbs/{id}");
    let edited = client.call("PATCH", &path, &json!({ "name": "Renamed" })).json();
    assert_eq!((&edited["name"], &edited["holdsList"]), (&json!("Renamed"), &climb["holdsList"]));
    assert_eq!(client.call("PATCH", &path, &json!({ "name": "ab" })).status, 400);
    let hidden =
        client.call("PATCH", &format!("/api/climbs/{id}/privacy-status"), &json!({ "is_private": true }));
    assert_eq!(hidden.json()["isPrivate"], true);
    let mine = client.get(&format!("/api/gyms/{}/my-set-climbs", sim.gym_id())).json();
    assert!(mine.as_array().unwrap().iter().any(|climb| climb["id"] == id.as_str()));
    let allowed = client.get(&format!("/api/climbs/{id}/permissions-to-modify")).json();
    has_fields(
        &allowed,
        &["canDelete", "canEditHolds", "canEditNameAndGrade", "canHide", "canSetPrivate", "canSetPublic"],
    );
    assert_eq!(allowed["canDelete"], true);

    // Another person neither sees nor changes it.
    let (_, token) = sim.add_account("other@example.org", "secret", "Other Person");
    let other = Client::of(&sim).with_token(Some(&token));
    assert!(other.all(&climbs_path(&sim)).iter().all(|climb| climb["id"] != id.as_str()));
    assert_eq!(other.delete(&format!("/api/climbs/{id}")).status, 404);
    client.call("PATCH", &format!("/api/climbs/{id}/privacy-status"), &json!({ "is_private": false }));
    assert_eq!(other.delete(&format!("/api/climbs/{id}")).status, 403);
    assert_eq!(other.call("PATCH", &path, &json!({ "name": "Stolen" })).status, 403);
    assert_eq!(other.get(&format!("/api/climbs/{id}/permissions-to-modify")).json()["canDelete"], false);

    assert_eq!(client.delete(&format!("/api/climbs/{id}")).status, 204);
    assert_eq!(client.delete(&format!("/api/climbs/{id}")).status, 404);
}

#[test]
fn what_cannot_be_a_climb_is_refused_with_a_reason() {
    let sim = small();
    let client = Client::of(&sim);
    let path = format!("/api/faces/{}/climbs", sim.face_ids()[0]);
    let before = sim.with_board(|board| board.climb_count());
    let good = new_climb(&sim, "Good enough");
    for (field, value, blamed) in [
        ("name", json!("ab"), "name"),
        ("name", json!(12), "name"),
        ("holdsList", json!({ "start": ["999999999"], "top": [] }), "holdsList"),
        ("holdsList", json!("S1 T2"), "holdsList"),
        ("grade", json!({ "gradingSystem": "font", "value": "12z" }), "grade"),
    ] {
        let mut climb = good.clone();
        climb[field] = value;
        let reply = client.call("POST", &path, &climb);
        assert_eq!(reply.status, 400, "{field}");
        assert!(reply.json()[blamed][0].is_string(), "{}", reply.text());
    }
    assert_eq!(client.call("POST", &path, &json!({})).status, 400);
    assert_eq!(sim.with_board(|board| board.climb_count()), before);
}

#[test]
fn people_like_comment_bookmark_and_send() {
    let sim = small();
    let client = Client::of(&sim);
    let climbs = client.all(&climbs_path(&sim));
    let popular = climbs.iter().find(|c| {
        c["totalLikes"].as_u64() > Some(0) && c["likedByUser"] == false && c["climbedBy"].as_u64() > Some(2)
    });
    let climb = popular.unwrap();
    let id = climb["id"].as_str().unwrap();
    let likes = client.get(&format!("/api/climbs/{id}/likes")).json();
    assert_eq!(likes.as_array().unwrap().len() as u64, climb["totalLikes"].as_u64().unwrap());
    has_fields(&likes[0], &["user", "date"]);
    let sends = client.get(&format!("/api/climbs/{id}/latest-sends?limit=2")).json();
    assert_eq!(sends.as_array().unwrap().len(), 2);
    has_fields(
        &sends[0],
        &["id", "climbId", "effortBy", "effortDate", "isFlash", "attemptsNumber", "gradeFeel"],
    );
    has_fields(
        &client.get(&format!("/api/climbs/{id}/crowd-grades")).json(),
        &["ircra", "hueco", "font", "dankyu"],
    );

    for _ in 0..2 {
        assert_eq!(client.call("POST", &format!("/api/climbs/{id}/likes"), &json!({})).status, 201);
    }
    assert_eq!(
        client.call("PATCH", &format!("/api/climbs/{id}/bookmarked"), &json!({ "added": true })).status,
        200
    );
    let comment = client
        .call(
            "POST",
            &format!("/api/climbs/{id}/comments"),
            &json!({ "text": "Nice", "replied_to_id": null }),
        )
        .json();
    has_fields(&comment, &["id", "climbId", "user", "text", "date", "repliedToId"]);
    let now = sim.with_board(|board| board.climb(id.parse().unwrap()).unwrap());
    assert_eq!(now["totalLikes"].as_u64().unwrap(), climb["totalLikes"].as_u64().unwrap() + 1);
    assert_eq!(now["totalComments"].as_u64().unwrap(), climb["totalComments"].as_u64().unwrap() + 1);
    assert_eq!((&now["likedByUser"], &now["bookmarkedByUser"]), (&json!(true), &json!(true)));
    for list in ["my-liked-climbs", "my-bookmarked-climbs"] {
        let list = client.get(&format!("/api/gyms/{}/{list}", sim.gym_id())).json();
        assert!(list.as_array().unwrap().iter().any(|climb| climb["id"] == id));
    }
    assert!(client.get(&format!("/api/gyms/{}/my-sent-climbs", sim.gym_id())).json().is_array());
    let comment = comment["id"].as_str().unwrap();
    assert_eq!(client.delete(&format!("/api/climbs/{id}/comments/{comment}")).status, 204);
    assert_eq!(client.delete(&format!("/api/climbs/{id}/likes")).status, 204);
    assert_eq!(
        sim.with_board(|board| board.climb(id.parse().unwrap()).unwrap()["totalLikes"].clone()),
        climb["totalLikes"]
    );
}

#[test]
fn lists_are_found_made_filled_followed_and_deleted() {
    let sim = small();
    let client = Client::of(&sim);
    let me = client.get("/api/users/me").json()["id"].as_str().unwrap().to_owned();
    let personal = format!("/api/users/lists/{me}/personal?ordering=-dateModified");
    let before = client.get(&personal).json().as_array().unwrap().len();
    assert!(before > 0);
    let list = client.call("POST", &format!("/api/users/{me}/lists"), &json!({ "name": "Été" })).json();
    has_fields(
        &list,
        &["id", "name", "listType", "gym", "user", "climbsCount", "isFollowing", "image", "imageThumbnail"],
    );
    let id = list["id"].as_str().unwrap();
    let climb = sim.with_board(|board| board.climb_ids()[3]);
    let item = client.call("POST", &format!("/api/lists/{id}/items"), &json!({ "climbId": climb }));
    assert_eq!((item.status, item.json()["climb"]["id"].clone()), (201, json!(climb)));
    assert_eq!(
        client.call("POST", &format!("/api/lists/{id}/items"), &json!({ "climbId": climb })).status,
        400
    );
    assert_eq!(client.get(&format!("/api/lists/{id}")).json()["climbsCount"], 1);
    assert_eq!(client.get(&format!("/api/lists/{id}/items")).json()[0]["climb"]["id"], json!(climb));
    assert_eq!(client.get(&format!("/api/lists/{id}/items?page_size=5")).json()["count"], 1);
    assert_eq!(
        client.call("PATCH", &format!("/api/lists/{id}"), &json!({ "name": "Hiver" })).json()["name"],
        "Hiver"
    );
    let item = item.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(client.delete(&format!("/api/lists/{id}/items/{item}")).status, 204);
    let (_, token) = sim.add_account("other@example.org", "secret", "Other Person");
    let other = Client::of(&sim).with_token(Some(&token));
    assert_eq!(other.get(&format!("/api/lists/{id}")).status, 403);
    assert_eq!(other.get(&personal).status, 403);
    let page = client.get(&format!("/api/gyms/{}/lists?page_size=2", sim.gym_id())).json();
    assert_eq!(page["results"].as_array().unwrap().len(), 2);
    assert!(page["next"].as_str().unwrap().contains("page_size=2"));
    let circuit = page["results"][0]["id"].as_str().unwrap();
    assert_eq!(
        client.call("POST", &format!("/api/lists/{circuit}/follow"), &json!({})).json()["isFollowing"],
        true
    );
    assert_eq!(other.get(&format!("/api/lists/{circuit}")).json()["isFollowing"], false);
    assert_eq!(client.delete(&format!("/api/lists/{circuit}")).status, 403);
    let found =
        client.get(&format!("/api/lists?filter_for=gym&gym_id={}&climbs_count_gte=1", sim.gym_id())).json();
    assert!(found.as_array().unwrap().iter().all(|list| list["listType"] == "gym"));
    assert_eq!(client.delete(&format!("/api/lists/{id}")).status, 204);
    assert_eq!(client.get(&personal).json().as_array().unwrap().len(), before);
}

#[test]
fn some_setters_have_a_picture() {
    let sim = Sim::builder().holds(30).climbs(200).setters(40).picture_size(226, 300).start().unwrap();
    let client = Client::of(&sim).with_token(None);
    let avatars: std::collections::BTreeSet<String> = sim.with_board(|board| {
        board
            .climbs()
            .iter()
            .filter_map(|climb| climb["climbSetters"]["avatar"].as_str().map(str::to_owned))
            .collect()
    });
    assert!(avatars.len() > 3);
    for avatar in avatars {
        let reply = client.get(&format!("/media/{avatar}"));
        assert_eq!(image::load_from_memory(&reply.bytes).unwrap().width(), 96);
        assert_eq!(reply.header("content-type").unwrap().ends_with("png"), avatar.ends_with(".png"));
    }
}
