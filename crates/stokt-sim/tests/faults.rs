//! Every fault, as a client meets it.

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

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{Client, climbs_path, new_climb, small};
use mastoc_stokt_sim::{Fault, PictureFault, RetryAfter, Rule, Sim};
use serde_json::{Value, json};

fn ids(records: &[Value]) -> Vec<String> {
    records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn throttling_says_when_to_come_back_in_either_form() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults().push(Rule::throttle(RetryAfter::Seconds(3)).times(1));
    let reply = client.get("/api/version");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("3")));
    sim.faults().push(Rule::throttle(RetryAfter::Date(60)).times(1));
    let when = client.get("/api/version").header("retry-after").unwrap().to_owned();
    let when = chrono::DateTime::parse_from_rfc2822(&when).unwrap().to_utc() - chrono::Utc::now();
    assert!((50..=61).contains(&when.num_seconds()), "{when}");
    sim.faults().push(Rule::status(429).times(1));
    assert_eq!(client.get("/api/version").header("retry-after"), None);
    assert_eq!(client.get("/api/version").status, 200);
    assert_eq!(sim.faults().hits(), 3);
}

#[test]
fn a_failed_post_may_have_been_carried_out_or_not() {
    let sim = small();
    let client = Client::of(&sim);
    let path = format!("/api/faces/{}/climbs", sim.face_ids()[0]);
    let count = |name: &str| sim.with_board(|board| board.climbs_named(name).len());
    let post =
        |name: &str| client.send("POST", &path, Some(&new_climb(&sim, name).to_string()), "application/json");
    sim.faults().push(Rule::html_status(502).method("POST").times(1));
    let reply = post("Undone").unwrap();
    assert_eq!((reply.status, count("Undone")), (502, 0));
    assert!(
        reply.text().contains("<html>") && reply.header("content-type").unwrap().starts_with("text/html")
    );
    sim.faults().push(Rule::html_status(502).method("POST").times(1).carried_out());
    assert_eq!((post("Done").unwrap().status, count("Done")), (502, 1));
    sim.faults().push(Rule::cut(0).method("POST").times(1));
    assert!(post("Unanswered").is_err());
    assert_eq!(count("Unanswered"), 1);
    sim.faults().push(Rule::cut(0).method("POST").times(1).not_carried_out());
    assert!(post("Unheard").is_err());
    assert_eq!(count("Unheard"), 0);
    sim.faults().push(Rule::new(Fault::Truncate { keep: 25 }).method("POST").times(1));
    let reply = post("Half").unwrap();
    assert_eq!((reply.status, reply.bytes.len(), count("Half")), (201, 25, 1));
    assert!(serde_json::from_slice::<Value>(&reply.bytes).is_err());
}

/// The bytes that arrive for one request before the connection ends.
fn raw(sim: &Sim, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(sim.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn an_answer_is_cut_at_exactly_the_byte_asked_for() {
    let sim = small();
    let whole = raw(&sim, "/api/version").len();
    for bytes in [0, 1, 9, 40, whole - 10, whole - 1] {
        let id = sim.faults().push(Rule::cut(bytes as u64));
        assert_eq!(raw(&sim, "/api/version").len(), bytes);
        sim.faults().remove(id);
    }
    assert_eq!(raw(&sim, "/api/version").len(), whole);
    // Large answers too, in the middle of the body.
    sim.faults().push(Rule::cut(30_000).times(1));
    let client = Client::of(&sim);
    let setup = format!("/api/faces/{}/setup", sim.face_ids()[0]);
    assert!(client.send("GET", &setup, None, "text/plain").is_err());
    assert_eq!(client.get(&setup).status, 200);
}

#[test]
fn bodies_that_are_no_json() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults().push(Rule::new(Fault::Garbage).times(1));
    let reply = client.get("/api/users/me");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert!(serde_json::from_slice::<Value>(&reply.bytes).is_err());
    sim.faults().push(Rule::new(Fault::Html).times(1));
    let reply = client.get("/api/users/me");
    assert_eq!(reply.status, 200);
    assert!(reply.text().starts_with("<!DOCTYPE html>"));
}

#[test]
fn slow_answers_are_slow_and_complete() {
    let sim = small();
    let client = Client::of(&sim);
    let timed = |rule: Rule| {
        sim.faults().push(rule.times(1));
        let start = Instant::now();
        assert_eq!(client.get("/api/version").json()["version"], "1.3.0");
        start.elapsed()
    };
    assert!(timed(Rule::new(Fault::Delay(Duration::from_millis(120)))) >= Duration::from_millis(120));
    assert!(timed(Rule::new(Fault::DelayAnswer(Duration::from_millis(120)))) >= Duration::from_millis(120));
    let drip = Fault::Drip { bytes: 4, every: Duration::from_millis(30) };
    assert!(timed(Rule::new(drip)) >= Duration::from_millis(120));
}

#[test]
fn pages_drift_while_one_reads_them() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults().push(Fault::Drift { climbs: 1 });
    let records = ids(&client.all(&climbs_path(&sim)));
    let distinct: std::collections::HashSet<&String> = records.iter().collect();
    assert!(distinct.len() < records.len(), "a record comes twice");
    sim.faults().clear();
    let before = sim.with_board(|board| board.climb_count());
    sim.faults().push(Fault::Vanish { climbs: 1 });
    let pages = client.pages(&climbs_path(&sim));
    assert!(sim.with_board(|board| board.climb_count()) < before);
    assert_ne!(pages[0]["count"], pages[1]["count"], "the count changes underway");
}

#[test]
fn pages_repeat_records() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults().push(Fault::Repeat { records: 2 });
    let pages = client.pages(&climbs_path(&sim));
    let page = |n: usize| ids(pages[n]["results"].as_array().unwrap());
    assert_eq!(page(0)[..2], page(0)[50..], "twice on page 1");
    assert_eq!(page(0)[48..50], page(1)[..2], "on two pages");
    let all: std::collections::HashSet<String> = (0..pages.len()).flat_map(page).collect();
    assert_eq!(all.len(), 230, "none is missing");
}

#[test]
fn next_may_loop_or_lead_away_and_counts_may_lie() {
    let sim = small();
    let client = Client::of(&sim);
    let path = climbs_path(&sim);
    let id = sim.faults().push(Fault::NextLoop);
    let page2 = client.get(&format!("{path}&page=2")).json();
    assert_eq!(page2["next"], format!("{}{path}", sim.base_url()));
    sim.faults().remove(id);
    let id = sim.faults().push(Fault::NextElsewhere { origin: "http://elsewhere.example".into() });
    assert!(
        client.get(&path).json()["next"].as_str().unwrap().starts_with("http://elsewhere.example/api/gyms/")
    );
    sim.faults().remove(id);
    sim.faults().push(Fault::Count { count: 1000 });
    assert_eq!(client.get(&path).json()["count"], 1000);
    // None of these concerns other answers.
    assert_eq!(sim.faults().hits(), 3);
    client.get("/api/users/me");
    assert_eq!(sim.faults().hits(), 3);
}

#[test]
fn a_redirect_keeps_the_path() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults()
        .push(Rule::new(Fault::Redirect { code: 308, to: "http://elsewhere.example".into() }).times(1));
    let reply = client.get("/api/users/me?x=1");
    let to = reply.header("location");
    assert_eq!((reply.status, to), (308, Some("http://elsewhere.example/api/users/me?x=1")));
}

#[test]
fn a_token_expires_until_one_logs_in_again() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults().push(Rule::new(Fault::ExpireToken).path("/api/gyms").skip(2).times(1));
    let path = climbs_path(&sim);
    let statuses: Vec<u16> = (1..=4).map(|page| client.get(&format!("{path}&page={page}")).status).collect();
    assert_eq!(statuses, [200, 200, 401, 401]);
    let token = client.log_in(&sim.username(), &sim.password()).json()["token"].as_str().unwrap().to_owned();
    assert_ne!(Some(&token), client.token.as_ref());
    assert_eq!(Client::of(&sim).with_token(Some(&token)).get(&path).status, 200);
}

#[test]
fn pictures_go_wrong() {
    let sim = small();
    let client = Client::of(&sim);
    let setup = sim.with_board(|board| board.setup(board.face_ids()[0]).unwrap());
    let path = format!("/media/{}", setup["picture"]["name"].as_str().unwrap());
    let sound = client.get(&path).bytes;
    assert_eq!(sound, sim.picture(sim.face_ids()[0]).unwrap());
    let spoilt = |fault| {
        sim.faults().push(Rule::new(Fault::Picture(fault)).times(1));
        client.get(&path).bytes
    };
    assert_eq!(spoilt(PictureFault::Truncated), sound[..sound.len() / 2]);
    assert_eq!(spoilt(PictureFault::Oversized(500_000)).len(), 500_000);
    assert_eq!(image::load_from_memory(&spoilt(PictureFault::WrongDimensions)).unwrap().width(), 320);
    assert!(spoilt(PictureFault::NotAnImage).starts_with(b"<!DOCTYPE"));
    assert_eq!(client.get(&path).bytes, sound);
}

#[test]
fn the_contract_drifts() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults().push(Rule::rewrite(|json| json["feetRulesOptions"] = json!(7)).path("/api/faces"));
    let setup = client.get(&format!("/api/faces/{}/setup", sim.face_ids()[0])).json();
    assert_eq!((&setup["feetRulesOptions"], setup["holds"].as_array().unwrap().len()), (&json!(7), 60));
    let key = sim.with_board(|board| {
        board.set_gym_field("moonPhase", json!("waning"));
        let id = board.climb_ids()[0];
        board.edit_climb(id, |climb| {
            climb.insert("id".into(), Value::Null);
            climb.insert("new".into(), json!([1]));
        });
        id
    });
    assert_eq!(client.get(&format!("/api/gyms/{}/summary", sim.gym_id())).json()["moonPhase"], "waning");
    let first = client.get(&climbs_path(&sim)).json()["results"][0].clone();
    assert_eq!((&first["id"], &first["new"]), (&Value::Null, &json!([1])));
    assert!(sim.with_board(|board| board.delete_climb(key)));
    assert_eq!(client.get(&climbs_path(&sim)).json()["count"], 229);
}

#[test]
fn fields_vanish_change_their_type_and_appear() {
    let sim = small();
    let client = Client::of(&sim);
    let first = || client.get(&climbs_path(&sim)).json()["results"][0].clone();
    let spoilt = |fault| {
        let id = sim.faults().push(fault);
        let climb = first();
        sim.faults().remove(id);
        climb
    };
    assert!(spoilt(Fault::FieldGone { field: "holdsList".into() }).get("holdsList").is_none());
    assert!(spoilt(Fault::FieldRetyped { field: "holdsList".into() })["holdsList"].is_number());
    assert!(spoilt(Fault::FieldNew { field: "moonPhase".into() })["moonPhase"].is_string());
    assert!(first()["holdsList"].is_string() && first().get("moonPhase").is_none());
    sim.faults().push(Rule::new(Fault::FieldGone { field: "polygonStr".into() }).path("/api/faces"));
    let setup = client.get(&format!("/api/faces/{}/setup", sim.face_ids()[0])).json();
    assert!(setup["holds"].as_array().unwrap().iter().all(|hold| hold.get("polygonStr").is_none()));
    assert!(setup["holds"][0]["area"].is_string());
}

#[test]
fn counts_change_with_every_page() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults().push(Fault::CountDrift { by: 2 });
    let counts: Vec<u64> =
        client.pages(&climbs_path(&sim)).iter().map(|page| page["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [232, 234, 236, 238, 240]);
}

#[test]
fn a_request_that_is_cut_was_not_carried_out() {
    let sim = small();
    let client = Client::of(&sim);
    let path = format!("/api/faces/{}/climbs", sim.face_ids()[0]);
    let mut climb = new_climb(&sim, "Unheard");
    // Long enough that it does not fit into one packet.
    climb["description"] = json!("x".repeat(1 << 20));
    for bytes in [0, 1, 100, 500_000, 10 << 20] {
        sim.faults().push(Rule::new(Fault::CutRequest { after_bytes: bytes }).method("POST").times(1));
        assert!(client.send("POST", &path, Some(&climb.to_string()), "application/json").is_err(), "{bytes}");
    }
    assert_eq!(sim.faults().hits(), 5);
    assert_eq!(sim.with_board(|board| board.climbs_named("Unheard").len()), 0);
    assert_eq!(client.call("POST", &path, &climb).status, 201);
}

#[test]
fn answers_to_a_post_are_cut_at_any_byte_after_it_was_carried_out() {
    let sim = small();
    let client = Client::of(&sim);
    let path = format!("/api/faces/{}/climbs", sim.face_ids()[0]);
    let body = new_climb(&sim, "Anybody there?").to_string();
    let whole = 900;
    for bytes in (0..whole).step_by(97) {
        sim.faults().push(Rule::cut(bytes).method("POST").times(1));
        assert!(client.send("POST", &path, Some(&body), "application/json").is_err(), "{bytes}");
    }
    let created = sim.with_board(|board| board.climbs_named("Anybody there?").len() as u64);
    assert_eq!(created, whole.div_ceil(97), "each was");
}

#[test]
fn a_redirected_post_is_not_carried_out() {
    let sim = small();
    let client = Client::of(&sim);
    let path = format!("/api/faces/{}/climbs", sim.face_ids()[0]);
    for code in [301, 302, 307, 308] {
        let fault = Fault::Redirect { code, to: "http://elsewhere.example".into() };
        sim.faults().push(Rule::new(fault).method("POST").times(1));
        let reply = client.call("POST", &path, &new_climb(&sim, "Sent away"));
        let to = format!("http://elsewhere.example{path}");
        assert_eq!((reply.status, reply.header("location")), (code, Some(to.as_str())));
    }
    assert_eq!(sim.with_board(|board| board.climbs_named("Sent away").len()), 0);
}

#[test]
fn the_whole_service_goes_down_for_maintenance() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults().maintenance(true);
    let path = format!("/api/faces/{}/climbs", sim.face_ids()[0]);
    for reply in [
        client.get("/api/version"),
        client.log_in(&sim.username(), &sim.password()),
        client.call("POST", &path, &new_climb(&sim, "Too late")),
    ] {
        assert_eq!(reply.status, 503);
        assert!(reply.text().starts_with("<!DOCTYPE html>"), "{}", reply.text());
    }
    assert_eq!(sim.with_board(|board| board.climbs_named("Too late").len()), 0);
    sim.faults().maintenance(false);
    assert_eq!(client.get("/api/version").status, 200);
}

#[test]
fn others_change_the_board_underway() {
    let sim = small();
    let client = Client::of(&sim);
    sim.faults().push(
        Rule::change(|board| {
            let id = board.climb_ids()[0];
            board.delete_climb(id);
        })
        .path("/api/gyms/*/climbs")
        .skip(1)
        .times(1),
    );
    let records = ids(&client.all(&climbs_path(&sim)));
    assert_eq!(records.len(), 229, "the record that moved to page 1 is missed");
}

#[test]
fn chaos_hits_about_as_often_as_asked() {
    let sim = Sim::builder().holds(20).climbs(10).picture_size(226, 300).chaos(0.3).start().unwrap();
    let client = Client::of(&sim);
    let mut wrong = 0;
    for _ in 0..200 {
        match client.send("GET", "/api/version", None, "text/plain") {
            Ok(reply) if reply.status == 200 && reply.text() == "{\"version\":\"1.3.0\"}" => {}
            _ => wrong += 1,
        }
    }
    assert!((30..90).contains(&wrong), "{wrong}");
    sim.faults().clear();
    assert_eq!(client.get("/api/version").status, 200);
}
