//! The generated board: deterministic, consistent, of the right make; and the board of a folder.

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

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Instant;

use common::{Client, climbs_path, small};
use mastoc_stokt_sim::{Sim, SimError};
use serde_json::Value;

fn numbers(text: &str) -> Vec<f64> {
    text.split([' ', ',']).map(|number| number.parse().unwrap()).collect()
}

fn points(text: &str) -> Vec<(f64, f64)> {
    numbers(text).chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

fn double_area(outline: &[(f64, f64)]) -> f64 {
    (0..outline.len())
        .map(|i| (outline[i], outline[(i + 1) % outline.len()]))
        .map(|(a, b)| a.0 * b.1 - b.0 * a.1)
        .sum()
}

#[test]
fn the_texts_of_each_hold_agree_with_each_other() {
    let sim = Sim::builder().climbs(1).start().unwrap();
    let setup = sim.with_board(|board| board.setup(board.face_ids()[0]).unwrap());
    let holds = setup["holds"].as_array().unwrap();
    assert_eq!(holds.len(), 776);
    for hold in holds {
        let text = |field: &str| hold[field].as_str().unwrap();
        let outline = points(text("polygonStr"));
        let area = double_area(&outline) / 2.0;
        assert_eq!(text("area"), format!("{:.2}", area.abs()));
        let middle = (0..outline.len()).fold((0.0, 0.0), |sum, i| {
            let (a, b) = (outline[i], outline[(i + 1) % outline.len()]);
            let cross = (a.0 * b.1 - b.0 * a.1) / (6.0 * area);
            (sum.0 + (a.0 + b.0) * cross, sum.1 + (a.1 + b.1) * cross)
        });
        let centre = numbers(text("centroidStr"));
        assert!((middle.0 - centre[0]).hypot(middle.1 - centre[1]) < 0.02, "{hold}");
        let path = text("pathStr").trim_start_matches('M').trim_end_matches('z').replace('L', " ");
        assert_eq!(path, text("polygonStr"));
        let top = points(text("topPolygonStr"));
        assert_eq!(top.len(), outline.len());
        assert!(double_area(&top).abs() > 2.0 * area.abs());
        assert!(double_area(&points(text("touchPolygonStr"))).abs() > 2.0 * area.abs());
        for tape in ["centerTapeStr", "leftTapeStr", "rightTapeStr"] {
            let tape = numbers(text(tape));
            assert!(((tape[2] - tape[0]).hypot(tape[3] - tape[1]) - 100.0).abs() < 0.03);
        }
        assert!(outline.iter().all(|p| p.0 > 0.0 && p.0 < 2263.0 && p.1 > 0.0 && p.1 < 3000.0));
    }
}

#[test]
fn the_same_seed_gives_the_same_board_and_another_another() {
    let answers = |seed| {
        let sim = Sim::builder()
            .seed(seed)
            .holds(80)
            .climbs(300)
            .setters(9)
            .picture_size(226, 300)
            .start()
            .unwrap();
        let setup = sim.with_board(|board| board.setup(board.face_ids()[0]).unwrap());
        let climbs = sim.with_board(|board| board.climbs());
        (sim.gym_id(), sim.token(), setup, climbs, sim.picture(sim.face_ids()[0]).unwrap())
    };
    assert_eq!(answers(11), answers(11));
    let (one, other) = (answers(11), answers(12));
    assert!(one.0 != other.0 && one.1 != other.1 && one.2 != other.2 && one.3 != other.3 && one.4 != other.4);
}

#[test]
fn the_demo_board_has_what_a_real_board_has() {
    let sim = Sim::builder().start().unwrap();
    let face = sim.face_ids()[0];
    let holds: HashSet<i64> = sim.with_board(|board| board.hold_ids(face)).into_iter().collect();
    let climbs = Client::of(&sim).all(&climbs_path(&sim));
    assert_eq!(climbs.len(), 1017);
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut names = HashSet::new();
    let mut setters = HashSet::new();
    let mut count = |what: &'static str, holds: bool| *seen.entry(what).or_default() += usize::from(holds);
    for climb in &climbs {
        let list = climb["holdsList"].as_str().unwrap();
        let tokens: Vec<(&str, i64)> =
            list.split(' ').map(|token| (&token[..1], token[1..].parse().unwrap())).collect();
        let of =
            |role| tokens.iter().filter(|token| token.0 == role).map(|token| token.1).collect::<Vec<_>>();
        assert_eq!(tokens.iter().collect::<HashSet<_>>().len(), tokens.len(), "{list}");
        assert!(tokens.iter().all(|token| holds.contains(&token.1)), "{list}");
        assert!((2..=100).contains(&tokens.len()));
        let (starts, tops) = (of("S"), of("T"));
        assert!((1..=2).contains(&starts.len()) && (1..=2).contains(&tops.len()), "{list}");
        count("one start", starts.len() == 1);
        count("two tops", tops.len() == 2);
        count("start is top", starts.iter().any(|start| tops.contains(start)));
        count("feet", !of("F").is_empty());
        let grade = &climb["crowdGrade"];
        count("ungraded", grade["font"] == "?");
        count("no grade", grade.is_null());
        count("private", climb["isPrivate"] == true);
        count("benchmark", climb["isBenchmark"] == true);
        count("tags", climb["tags"] != "");
        count("circuit", climb["circuit"] != "");
        if let Some(circuit) = climb["circuit"].as_str().filter(|circuit| !circuit.is_empty()) {
            let stops: Value = serde_json::from_str(circuit).unwrap();
            assert!(
                stops.as_array().unwrap().iter().all(|stop| holds.contains(&stop["id"].as_i64().unwrap()))
            );
        }
        let name = climb["name"].as_str().unwrap();
        count("accent", name.contains(['é', 'è', 'ê', 'à', 'ô', 'Ç']));
        count("apostrophe", name.contains(['\'', '’']));
        count(
            "emoji",
            name.chars().any(|c| c as u32 > 0x2_0000 || (0x1_F300..0x1_FAFF).contains(&(c as u32))),
        );
        assert!(names.insert(name), "{name} twice");
        setters.insert(climb["climbSetters"]["id"].as_str().unwrap());
        let date = climb["dateCreated"].as_str().unwrap();
        assert!(date.len() == 32 && date.ends_with("-05:00"), "{date}");
        assert!(("2020-12-01".."2025-12-18").contains(&date));
    }
    assert_eq!(setters.len(), 79);
    for (what, low, high) in [
        ("one start", 230, 380),
        ("two tops", 3, 30),
        ("start is top", 1, 15),
        ("feet", 100, 300),
        ("ungraded", 10, 60),
        ("no grade", 1, 20),
        ("private", 2, 30),
        ("benchmark", 5, 40),
        ("tags", 60, 250),
        ("circuit", 1, 15),
        ("accent", 200, 900),
        ("apostrophe", 50, 500),
        ("emoji", 10, 100),
    ] {
        assert!((low..=high).contains(&seen[what]), "{what}: {}", seen[what]);
    }
    let me = Client::of(&sim).get("/api/users/me").json();
    let private = climbs.iter().filter(|climb| climb["isPrivate"] == true);
    assert!(private.into_iter().all(|climb| climb["climbSetters"]["id"] == me["id"]));
}

#[test]
fn a_hundred_thousand_climbs_start_and_page_quickly() {
    let start = Instant::now();
    let sim = Sim::builder().climbs(100_000).page_size(500).start().unwrap();
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    let client = Client::of(&sim);
    let path = climbs_path(&sim);
    let timed = |page: usize| {
        let start = Instant::now();
        let page = client.get(&format!("{path}&page={page}")).json();
        assert_eq!(page["results"].as_array().unwrap().len(), 500);
        start.elapsed()
    };
    timed(1);
    let (first, last) = ((0..5).map(|_| timed(2)).min().unwrap(), (0..5).map(|_| timed(190)).min().unwrap());
    assert!(last < first * 5 + std::time::Duration::from_millis(20), "{first:?} {last:?}");
}

#[test]
fn edits_keep_what_they_do_not_touch() {
    let sim = small();
    sim.with_board(|board| {
        let id = board.climb_ids()[7];
        let before = board.climb(id).unwrap();
        assert!(board.edit_climb(id, |climb| {
            climb.insert("climbedBy".into(), 99.into());
        }));
        let mut after = board.climb(id).unwrap();
        assert_eq!(after["climbedBy"], 99);
        after["climbedBy"] = before["climbedBy"].clone();
        assert_eq!(after, before);
        assert_eq!(board.climb_ids()[7], id, "it stays where it was");
        assert!(!board.edit_climb(uuid::Uuid::nil(), |_| ()));
        let face = board.face_ids()[0];
        let name = board.set_picture(face, vec![1, 2, 3], 10, 20).unwrap();
        assert_eq!(board.setup(face).unwrap()["picture"]["name"], name);
    });
}

#[test]
fn what_cannot_be_started_says_why() {
    let taken = small();
    let error = Sim::builder().holds(5).climbs(1).bind(taken.address()).start().unwrap_err();
    assert!(matches!(error, SimError::Bind { .. }), "{error}");
    let error = Sim::builder().data("/nowhere/at/all").start().unwrap_err();
    assert!(error.to_string().contains("setup.json"), "{error}");
    assert!(Sim::builder().picture_size(0, 5).start().is_err());
    for (holds, climbs, setters) in [(1, 3, 1), (2, 0, 0), (3, 50, 200)] {
        let sim =
            Sim::builder().holds(holds).climbs(climbs).setters(setters).picture_size(20, 30).start().unwrap();
        assert_eq!(Client::of(&sim).all(&climbs_path(&sim)).len(), climbs);
        sim.with_board(|board| board.invent_climbs(2));
    }
}

/// The folder of the real board, if it is on this machine.
fn data() -> Option<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given = std::env::var_os("MASTOC_BOARD_DATA").map(PathBuf::from);
    let dir = given.unwrap_or_else(|| workspace.join("../shared/data/montoboard"));
    if dir.join("setup.json").exists() {
        return Some(dir);
    }
    println!("skipped: no board data in {}", dir.display());
    None
}

#[test]
fn a_folder_is_served_unchanged() {
    let Some(dir) = data() else { return };
    let sim = Sim::builder().data(&dir).start().unwrap();
    let client = Client::of(&sim);
    let read =
        |name: &str| -> Value { serde_json::from_slice(&std::fs::read(dir.join(name)).unwrap()).unwrap() };
    let setup = read("setup.json");
    let served = client.get(&format!("/api/faces/{}/setup", sim.face_ids()[0])).json();
    assert_eq!(served, setup);
    let mut given = read("climbs.json")["climbs"].as_array().unwrap().clone();
    given.sort_by_key(|climb| climb["id"].to_string());
    let mut climbs = client.all(&climbs_path(&sim));
    climbs.sort_by_key(|climb| climb["id"].to_string());
    assert_eq!(climbs.len(), given.len());
    for (served, given) in climbs.iter().zip(&given) {
        assert_eq!(served, given);
    }
    let picture = client.get(&format!("/media/{}", setup["picture"]["name"].as_str().unwrap()));
    assert_eq!(picture.bytes, std::fs::read(dir.join("wall.jpg")).unwrap());
    let walls = client.get(&format!("/api/gyms/{}/walls", sim.gym_id())).json();
    assert_eq!(walls[0]["faces"][0]["totalClimbs"].as_u64().unwrap() as usize, climbs.len());
}
