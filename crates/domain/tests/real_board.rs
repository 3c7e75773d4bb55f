//! The rules of this crate against a real board, and against a small generated one in the same form, so that this
//! test says something where there is no real data.
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

use std::collections::{BTreeMap, BTreeSet};

use mastoc_domain::board::HoldShape;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::fold::fold_name;
use mastoc_domain::geometry::{Centroid, HoldGeometry, Outline, Point, Polygon, TOP_MARGIN, WIDENED_BY};
use mastoc_domain::grade::{FontGrade, Ircra, dankyu, hueco};
use mastoc_domain::holds_list::{HoldsList, HoldsListViolation, Role};
use mastoc_domain::tape::{Mark, TapeStyle, marks};
use mastoc_domain::text::{FeetRule, check_imported_name};
use mastoc_domain::{HoldId, StoktHoldId, StoktId, Timestamp};
use serde_json::{Value, json};

/// The stored area may differ from the geometry's by this share: the texts are rounded to hundredths of a pixel.
const AREA_TOLERANCE: f64 = 0.001;
/// The stored centroid may differ from the geometry's by this many pixels, for the same reason.
const CENTROID_TOLERANCE: f64 = 0.02;
/// The stored centroid may lie this many pixels away from that of the polygon as drawn, which is wider than the hold.
const DRAWN_CENTROID_TOLERANCE: f64 = 5.0;
/// The corners of a top polygon may lie this many pixels away from those of the widened polygon.
const TOP_TOLERANCE: f64 = 0.03;

/// What does not agree, one line each.
#[derive(Debug, Default, PartialEq, Eq)]
struct Deviants {
    area: Vec<String>,
    centroid: Vec<String>,
    top_polygon: Vec<String>,
    grade: Vec<String>,
}

impl Deviants {
    fn print(&self, board: &str) {
        for (what, lines) in [
            ("area", &self.area),
            ("centroid", &self.centroid),
            ("top polygon", &self.top_polygon),
            ("grade", &self.grade),
        ] {
            println!("{board}: {} deviant by {what}", lines.len());
            for line in lines {
                println!("  {line}");
            }
        }
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is a text in {value}"))
}

fn shape(hold: &Value) -> HoldShape {
    let field = |name| text(hold, name).to_owned();
    HoldShape {
        area: field("area"),
        polygon_str: field("polygonStr"),
        touch_polygon_str: field("touchPolygonStr"),
        path_str: field("pathStr"),
        centroid_str: field("centroidStr"),
        top_polygon_str: field("topPolygonStr"),
        center_tape_str: field("centerTapeStr"),
        left_tape_str: field("leftTapeStr"),
        right_tape_str: field("rightTapeStr"),
    }
}

/// Every hold parses and prints back; what the stored numbers say is compared with the geometry.
fn check_holds(setup: &Value, found: &mut Deviants) -> BTreeMap<HoldId, HoldGeometry> {
    let mut holds = BTreeMap::new();
    for hold in setup["holds"].as_array().unwrap() {
        let id = StoktHoldId::new(hold["id"].as_i64().unwrap()).expect("an id of Stokt's").hold_id();
        let shape = shape(hold);
        let parsed = HoldGeometry::parse(&shape).unwrap_or_else(|error| panic!("hold {id}: {error}"));
        assert_eq!(parsed.polygon.to_string(), shape.polygon_str);
        assert_eq!(parsed.touch_polygon.to_string(), shape.touch_polygon_str);
        assert_eq!(parsed.outline.to_string(), shape.path_str);
        assert_eq!(parsed.centroid.to_string(), shape.centroid_str);
        assert_eq!(parsed.top_polygon.to_string(), shape.top_polygon_str);
        assert_eq!(parsed.center_tape.to_string(), shape.center_tape_str);
        assert_eq!(parsed.left_tape.to_string(), shape.left_tape_str);
        assert_eq!(parsed.right_tape.to_string(), shape.right_tape_str);
        assert_eq!(format!("{:.2}", parsed.area), shape.area);
        // Stokt writes everything with two decimals, so what is made here looks the same.
        assert_eq!(Polygon::from_points(parsed.polygon.points()).unwrap().as_str(), shape.polygon_str);
        assert_eq!(Outline::from_polygon(&parsed.polygon).as_str(), shape.path_str);
        assert_eq!(Centroid::from_point(parsed.centroid.point()).as_str(), shape.centroid_str);
        assert_eq!(parsed.outline.points(), parsed.polygon.points());
        compare(id, &parsed, found);
        assert!(holds.insert(id, parsed).is_none(), "hold {id} is there once");
    }
    holds
}

fn compare(id: HoldId, hold: &HoldGeometry, found: &mut Deviants) {
    let stored = hold.centroid.point();
    let drawn = hold.polygon.centroid();
    if stored.distance(drawn) > DRAWN_CENTROID_TOLERANCE || !hold.polygon.bounding_box().contains(stored) {
        found.centroid.push(format!("hold {id}: {stored:?} is stored, the polygon's is {drawn:?}"));
    }
    match hold.hold_itself() {
        None => found.area.push(format!("hold {id}: too narrow to take {WIDENED_BY} px off")),
        Some(itself) => {
            if (itself.area() - hold.area).abs() > AREA_TOLERANCE * hold.area {
                found.area.push(format!("hold {id}: {} is stored, {:.2} measured", hold.area, itself.area()));
            }
            let centroid = itself.centroid();
            if stored.distance(centroid) > CENTROID_TOLERANCE {
                found.centroid.push(format!("hold {id}: {stored:?} is stored, {centroid:?} measured"));
            }
        }
    }
    let agrees = hold.polygon.offset(TOP_MARGIN).is_some_and(|wider| {
        wider.points().len() == hold.top_polygon.points().len()
            && wider
                .points()
                .iter()
                .zip(hold.top_polygon.points())
                .all(|(ours, theirs)| ours.distance(*theirs) <= TOP_TOLERANCE)
    });
    if !agrees {
        found.top_polygon.push(format!("hold {id}: not the polygon widened by {TOP_MARGIN} px"));
    }
}

/// Every climb parses and prints back, its grade is what the scales say, and there is something to draw for it.
fn check_climbs(climbs: &Value, holds: &BTreeMap<HoldId, HoldGeometry>, found: &mut Deviants) -> usize {
    let climbs = climbs["climbs"].as_array().unwrap();
    let mut pairs = BTreeSet::new();
    for climb in climbs {
        let id: StoktId = text(climb, "id").parse().unwrap();
        assert_eq!(id.to_string(), text(climb, "id"));
        let written = text(climb, "holdsList");
        let list = HoldsList::parse(written).unwrap_or_else(|error| panic!("climb {id}: {error}"));
        assert_eq!(list.to_string(), written);
        // Some imported climbs start and end on one hold; nothing else breaks the rules for climbs made here.
        let broken: Vec<HoldsListViolation> =
            list.validate_new(|hold| holds.contains_key(&hold)).err().unwrap_or_default();
        assert!(broken.is_empty(), "climb {id}: {broken:?}");
        let mirror = text(climb, "mirrorHoldsList");
        assert!(mirror.is_empty() || HoldsList::parse(mirror).unwrap().to_string() == mirror);

        check_name(text(climb, "name"));
        if let Some(rule) = climb["feetRule"].as_str().filter(|rule| !rule.is_empty()) {
            assert_eq!(FeetRule::parse(rule).unwrap().as_str(), rule);
        }
        let created = text(climb, "dateCreated");
        let parsed = Timestamp::parse(created).unwrap();
        assert_eq!(Timestamp::parse(&parsed.to_string()).unwrap(), parsed);
        assert_eq!(
            chrono::DateTime::parse_from_rfc3339(created).unwrap().timestamp_micros(),
            parsed.as_utc().timestamp_micros()
        );
        check_canonical(climb, written);
        check_marks(&list, holds);
        let grade = &climb["crowdGrade"];
        if grade.is_object() {
            pairs.insert(["ircra", "font", "hueco", "dankyu"].map(|field| grade[field].to_string()));
        }
    }
    for [ircra, font, v, kyu] in &pairs {
        let position = Ircra::new(ircra.parse().unwrap()).unwrap();
        let theirs = [font, v, kyu].map(|quoted| quoted.trim_matches('"'));
        let ours = [FontGrade::from_ircra(position).as_str(), hueco(position), dankyu(position)];
        if ours != theirs {
            found.grade.push(format!("IRCRA {ircra}: {theirs:?} at Stokt, {ours:?} here"));
        }
        assert_eq!(FontGrade::parse(theirs[0]).unwrap().as_str(), theirs[0]);
    }
    climbs.len()
}

fn check_name(name: &str) {
    check_imported_name(name).unwrap();
    let folded = fold_name(name);
    assert_eq!(fold_name(&folded), folded, "{name}");
    assert!(!folded.is_empty() || name.trim().is_empty(), "{name:?} folds to nothing");
}

/// Another order of the same holds is the same climb; another hold is not.
fn check_canonical(climb: &Value, holds_list: &str) {
    let form = |holds: &str| {
        let field = |name| text(climb, name);
        CanonicalClimb::new(
            field("name"),
            holds,
            climb["feetRule"].as_str(),
            climb["isPrivate"].as_bool().unwrap(),
            climb["isBenchmark"].as_bool().unwrap(),
            field("circuit"),
            field("tags"),
            field("angle"),
            field("mirrorHoldsList"),
        )
        .to_bytes()
    };
    let mut tokens: Vec<&str> = holds_list.split(' ').collect();
    tokens.reverse();
    assert_eq!(form(&tokens.join(" ")), form(holds_list));
    assert_ne!(form(&format!("{holds_list} O999999999")), form(holds_list));
}

fn check_marks(list: &HoldsList, holds: &BTreeMap<HoldId, HoldGeometry>) {
    let marks = marks(list, |hold| holds.get(&hold), TapeStyle::default());
    let starts = list.in_role(Role::Start).collect::<BTreeSet<_>>().len();
    let tape = marks.iter().filter(|mark| matches!(mark, Mark::Tape { .. })).count();
    assert_eq!(tape, if starts == 1 { 2 } else { starts });
    let outlines = marks.iter().filter(|mark| matches!(mark, Mark::Polygon { .. })).count();
    assert_eq!(outlines, list.canonical().len());
}

#[test]
fn a_real_board_parses_prints_back_and_agrees_with_its_geometry() {
    let Some(folder) = mastoc_test_support::real_board_dir() else { return };
    let read =
        |name| -> Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    let (setup, climbs) = (read("setup.json"), read("climbs.json"));
    let mut found = Deviants::default();
    let holds = check_holds(&setup, &mut found);
    let count = check_climbs(&climbs, &holds, &mut found);
    println!("real board: {} holds, {count} climbs", holds.len());
    found.print("real board");
    assert_eq!(count, climbs["count"].as_u64().map(usize::try_from).unwrap().unwrap());
    assert_eq!(found.area, Vec::<String>::new());
    assert_eq!(found.centroid, Vec::<String>::new());
    assert_eq!(found.grade, Vec::<String>::new());
    if setup["id"] == "61b42d14-c629-434a-8827-801512151a18" {
        // The board that this was written against; another one may be named by MASTOC_BOARD_DATA.
        assert_eq!((holds.len(), count), (776, 781));
        // Two top polygons have one corner less than their hold's polygon.
        assert_eq!(found.top_polygon.len(), 2);
    }
}

/// A board in Stokt's form: holds of 4 to 9 corners, and climbs through every grade.
fn generated_board() -> (Value, Value) {
    let mut holds = Vec::new();
    for place in 0..60_i32 {
        let corners = 4 + place % 6;
        let (x, y) = (f64::from(100 + 230 * (place % 10)), f64::from(150 + 240 * (place / 10)));
        let (wide, high) = (f64::from(20 + place % 50), f64::from(60 - place % 35));
        let corner = |n: i32| {
            let angle =
                std::f64::consts::TAU * (f64::from(n) + 0.3 * f64::from(place % 3)) / f64::from(corners);
            Point::new(x + wide * angle.cos(), y + high * angle.sin()).unwrap()
        };
        let itself = Polygon::from_points(&(0..corners).map(corner).collect::<Vec<_>>()).unwrap();
        let drawn = itself.offset(WIDENED_BY).unwrap();
        let tape = |dx: i32| format!("{:.2} {:.2} {:.2} {:.2}", x, y, x + f64::from(dx), y + 100.0);
        holds.push(json!({
            "id": 700_000 + place,
            "area": format!("{:.2}", itself.area()),
            "polygonStr": drawn.as_str(),
            "touchPolygonStr": drawn.offset(30.0).unwrap().as_str(),
            "pathStr": Outline::from_polygon(&drawn).as_str(),
            "centroidStr": Centroid::from_point(itself.centroid()).as_str(),
            "topPolygonStr": drawn.offset(TOP_MARGIN).unwrap().as_str(),
            "centerTapeStr": tape(0),
            "leftTapeStr": tape(-70),
            "rightTapeStr": tape(30),
        }));
    }
    let climbs: Vec<Value> = FontGrade::ALL
        .into_iter()
        .enumerate()
        .map(|(place, font)| {
            let first = 700_000 + place;
            let starts =
                if place % 3 == 0 { format!("S{first}") } else { format!("S{first} S{}", first + 1) };
            json!({
                "id": format!("00000000-0000-4000-8000-{place:012}"),
                "name": format!("Éclair n°{place} 🧗 ẞœ"),
                "holdsList": format!("{starts} O{} F{} T{}", first + 2, first + 3, first + 4),
                "mirrorHoldsList": "",
                "feetRule": "Pieds définis",
                "dateCreated": format!("2024-02-{:02}T23:59:59.{place:06}-05:00", place + 1),
                "isPrivate": place % 2 == 0,
                "isBenchmark": place % 7 == 0,
                "crowdGrade": {
                    "ircra": font.ircra().map_or(0.0, Ircra::value),
                    "font": font.as_str(),
                    "hueco": font.hueco(),
                    "dankyu": font.dankyu(),
                },
                "circuit": "",
                "tags": "",
                "angle": "",
            })
        })
        .collect();
    (json!({"id": "generated", "holds": holds}), json!({"count": climbs.len(), "climbs": climbs}))
}

#[test]
fn a_generated_board_is_checked_the_same_way() {
    let (setup, climbs) = generated_board();
    let mut found = Deviants::default();
    let holds = check_holds(&setup, &mut found);
    assert_eq!((holds.len(), check_climbs(&climbs, &holds, &mut found)), (60, 25));
    found.print("generated board");
    assert_eq!(found, Deviants::default());
}

/// The check itself finds what is wrong.
#[test]
fn deviants_are_found() {
    let (mut setup, mut climbs) = generated_board();
    let holds = setup["holds"].as_array_mut().unwrap();
    holds[1]["area"] = json!("1.00");
    holds[2]["centroidStr"] = json!("1.00 1.00");
    let shifted: f64 =
        text(&holds[3], "centroidStr").split(' ').next().unwrap().parse::<f64>().unwrap() + 0.05;
    holds[3]["centroidStr"] =
        json!(format!("{shifted:.2} {}", text(&holds[3], "centroidStr").split(' ').nth(1).unwrap()));
    holds[4]["topPolygonStr"] = holds[4]["polygonStr"].clone();
    climbs["climbs"][9]["crowdGrade"]["hueco"] = json!("V17");
    let mut found = Deviants::default();
    let holds = check_holds(&setup, &mut found);
    check_climbs(&climbs, &holds, &mut found);
    assert_eq!(found.area.len(), 1, "{found:?}");
    // The hold that is far off is so by both measures.
    assert_eq!(found.centroid.len(), 3, "{found:?}");
    assert_eq!(found.top_polygon.len(), 1, "{found:?}");
    assert_eq!(found.grade.len(), 1, "{found:?}");
}
