//! Several people on one board: who may do what to whose climb, and when that changes; clocks and states to go back to.

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

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use common::{Client, climbs_path, new_climb, small};
use mastoc_stokt_sim::{Permissions, RetryAfter, Rule, Sim};
use serde_json::{Value, json};
use uuid::Uuid;

/// A climb that the client sets, with its path for PATCH.
fn set(sim: &Sim, client: &Client, name: &str) -> (Uuid, String) {
    let face = sim.face_ids()[0];
    let climb = client.call("POST", &format!("/api/faces/{face}/climbs"), &new_climb(sim, name)).json();
    let id = climb["id"].as_str().unwrap().parse().unwrap();
    (id, format!("/api/faces/{face}/climbs/{id}"))
}

fn permissions(client: &Client, climb: Uuid) -> Value {
    client.get(&format!("/api/climbs/{climb}/permissions-to-modify")).json()
}

#[test]
fn holds_are_closed_once_others_sent_the_climb() {
    let sim = small();
    let client = Client::of(&sim);
    let (id, path) = set(&sim, &client, "Open");
    let holds = sim.with_board(|board| board.hold_ids(board.face_ids()[0]));
    let other_holds =
        json!({ "holdsList": { "start": [holds[5].to_string()], "top": [holds[6].to_string()] } });
    assert_eq!(permissions(&client, id)["canEditHolds"], true);
    assert_eq!(client.call("PATCH", &path, &other_holds).status, 200);

    assert!(sim.with_board(|board| board.send_climb(id)));
    assert_eq!(permissions(&client, id)["canEditHolds"], false);
    assert_eq!(permissions(&client, id)["canEditNameAndGrade"], true);
    // The same holds again are no change; others are refused, and with them everything in the same request.
    assert_eq!(client.call("PATCH", &path, &other_holds).status, 200);
    let before = sim.with_board(|board| board.climb(id).unwrap());
    let mut both = new_climb(&sim, "Both");
    both["name"] = json!("Renamed by the way");
    let refused = client.call("PATCH", &path, &both);
    assert_eq!((refused.status, refused.json()["detail"].is_string()), (403, true));
    assert_eq!(sim.with_board(|board| board.climb(id).unwrap()), before);
    assert_eq!(client.call("PATCH", &path, &json!({ "name": "Renamed" })).json()["name"], "Renamed");
}

#[test]
fn each_permission_is_kept() {
    let sim = small();
    let client = Client::of(&sim);
    let (id, path) = set(&sim, &client, "Mine");
    let privacy = format!("/api/climbs/{id}/privacy-status");
    let forbid = |without: fn(&mut Permissions)| {
        let mut permissions = Permissions::all(true);
        without(&mut permissions);
        sim.with_board(|board| board.set_permissions(id, Some(permissions)));
    };
    forbid(|may| may.can_edit_name_and_grade = false);
    for body in [json!({ "name": "No no" }), json!({ "feetRule": "No foot" })] {
        assert_eq!(client.call("PATCH", &path, &body).status, 403, "{body}");
    }
    assert_eq!(client.call("PATCH", &path, &json!({ "isPrivate": true })).status, 200);
    forbid(|may| may.can_set_public = false);
    assert_eq!(client.call("PATCH", &privacy, &json!({ "is_private": false })).status, 403);
    assert_eq!(client.call("PATCH", &path, &json!({ "isPrivate": false })).status, 403);
    assert_eq!(client.call("PATCH", &privacy, &json!({ "is_private": true })).status, 200, "as it is");
    forbid(|may| may.can_delete = false);
    assert_eq!(client.delete(&format!("/api/climbs/{id}")).status, 403);
    assert_eq!(permissions(&client, id)["canDelete"], false);
    sim.with_board(|board| board.set_permissions(id, None));
    assert_eq!(client.delete(&format!("/api/climbs/{id}")).status, 204);
}

#[test]
fn a_manager_may_take_climbs_away_but_not_edit_them() {
    let sim = small();
    let (id, _) = set(&sim, &Client::of(&sim), "Doubtful");
    let (manager, stranger) = sim.with_board(|board| (board.user_ids()[1], board.user_ids()[2]));
    let seen = |user| sim.with_board(|board| board.permissions(id, user).unwrap());
    assert!(seen(manager).can_delete && seen(manager).can_hide && !seen(manager).can_edit_holds);
    assert_eq!(seen(stranger), Permissions::all(false));
    let summary = Client::of(&sim).get(&format!("/api/gyms/{}/summary", sim.gym_id())).json();
    let name = summary["gymManagers"][0]["fullName"].as_str().unwrap().to_owned();

    let sim = Sim::builder().seed(5).holds(60).climbs(230).setters(7).picture_size(226, 300);
    let sim = sim
        .account("boss@example.org", "secret", name)
        .account("new@example.org", "s", "Nova")
        .start()
        .unwrap();
    let (id, path) = set(&sim, &Client::of(&sim), "Doubtful");
    let token =
        Client::of(&sim).log_in("boss@example.org", "secret").json()["token"].as_str().unwrap().to_owned();
    let boss = Client::of(&sim).with_token(Some(&token));
    assert_eq!(boss.get("/api/users/me").json()["id"], json!(manager), "a setter of the board");
    assert_eq!(boss.call("PATCH", &path, &json!({ "name": "Better" })).status, 403);
    assert_eq!(boss.delete(&format!("/api/climbs/{id}")).status, 204);
    let token = Client::of(&sim).log_in("new@example.org", "s").json()["token"].as_str().unwrap().to_owned();
    let nova = Client::of(&sim).with_token(Some(&token));
    let (theirs, _) = set(&sim, &nova, "Stella");
    assert!(permissions(&nova, theirs)["canEditHolds"] == true);
    assert!(permissions(&Client::of(&sim), theirs)["canEditHolds"] == false);
}

#[test]
fn private_climbs_are_listed_to_their_setter_only() {
    let sim = small();
    let client = Client::of(&sim);
    let (id, _) = set(&sim, &client, "Hidden");
    client.call("PATCH", &format!("/api/climbs/{id}/privacy-status"), &json!({ "is_private": true }));
    let mine = client.get(&format!("/api/gyms/{}/my-set-climbs", sim.gym_id())).json();
    assert!(mine.as_array().unwrap().iter().any(|climb| climb["id"] == json!(id)));
    let other = sim.with_board(|board| board.user_ids()[2]);
    let seen = |user| {
        sim.with_board(|board| board.climbs_seen_by(user).iter().any(|climb| climb["id"] == json!(id)))
    };
    assert!(seen(None) && !seen(Some(other)));
}

#[test]
fn its_clock_dates_climbs_answers_and_waits() {
    let sim = small();
    let client = Client::of(&sim);
    let date = |header: &str, reply: &common::Reply| {
        DateTime::parse_from_rfc2822(reply.header(header).unwrap()).unwrap().to_utc()
    };
    let near = |one: DateTime<Utc>, other: DateTime<Utc>| (one - other).abs() < TimeDelta::seconds(60);
    assert!(near(date("date", &client.get("/api/version")), Utc::now()));
    sim.advance(TimeDelta::days(400));
    let then = Utc::now() + TimeDelta::days(400);
    assert!(near(date("date", &client.get("/api/version")), then));
    sim.faults().push(Rule::throttle(RetryAfter::Date(30)).times(1));
    let throttled = client.get("/api/version");
    assert_eq!(date("retry-after", &throttled) - date("date", &throttled), TimeDelta::seconds(30));

    // What is new, by that clock: the board itself is long ago, a climb of now is not, nor is one of tomorrow.
    let path = format!("/api/gyms/{}/climbs?max_age=7", sim.gym_id());
    assert_eq!(client.all(&path).len(), 0);
    let (id, _) = set(&sim, &client, "Of today");
    sim.with_board(|board| {
        let mut climb = board.climb(id).unwrap().as_object().unwrap().clone();
        climb.insert("id".into(), json!(Uuid::from_u128(7)));
        climb.insert("dateCreated".into(), json!((then + TimeDelta::days(1)).to_rfc3339()));
        board.add_raw_climb(climb);
    });
    let listed = client.all(&path);
    assert_eq!(
        listed.iter().map(|climb| &climb["id"]).collect::<Vec<_>>(),
        [&json!(Uuid::from_u128(7)), &json!(id)]
    );
    sim.advance(TimeDelta::days(-450));
    assert_eq!(client.all(&path).len(), 2, "both are in the future now");
}

#[test]
fn a_board_goes_back_to_a_state_that_was_saved() {
    let sim = small();
    let client = Client::of(&sim);
    let saved = sim.save();
    let before = client.all(&climbs_path(&sim));
    let (id, _) = set(&sim, &client, "Gone again");
    let (_, token) = sim.add_account("other@example.org", "secret", "Other Person");
    sim.advance(TimeDelta::days(30));
    sim.restore(&saved);
    assert_eq!(client.all(&climbs_path(&sim)), before);
    assert_eq!(client.with_token(Some(&token)).get("/api/users/me").status, 401);
    // What is drawn from the seed is drawn again.
    assert_eq!(set(&sim, &Client::of(&sim), "Gone again").0, id);
}

#[test]
fn a_small_board_starts_in_a_moment() {
    let start = |seed| {
        Sim::builder().seed(seed).holds(20).climbs(10).setters(3).picture_size(226, 300).start().unwrap()
    };
    drop(start(0));
    let fastest = (1..=8).map(|seed| {
        let begun = Instant::now();
        drop(start(seed));
        begun.elapsed()
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest < Duration::from_millis(50), "{fastest:?} in an unoptimised build");
}
