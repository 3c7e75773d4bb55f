//! A million climbs on a thousand faces: deep pages and search by holds stay fast, on both databases.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use mastoc_domain::board::{ClimbGrade, HoldShape};
use mastoc_domain::import::{Extra, ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser};
use mastoc_domain::{StoktHoldId, StoktId, Timestamp};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{Store, StoreError, StoreOptions, stats};
use serde_json::Value;
use uuid::Uuid;

use crate::boards::serve;
use crate::load::{Connection, percentile_99};
use crate::report::Report;

const FACES: u128 = 1_000;
const CLIMBS_PER_FACE: u128 = 1_000;
const HOLDS_PER_FACE: u128 = 200;
const SETTERS: u128 = 5_000;
const HOLDS_PER_CLIMB: u128 = 9;
/// What the 99th percentile may be.
const LIMIT: Duration = Duration::from_millis(20);
const RUNS: usize = 300;

pub(crate) fn measure(report: &mut Report) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let sqlite = format!("sqlite://{}", folder.path().join("million.sqlite3").display());
    on_database(report, "SQLite", &sqlite, folder.path())?;
    let postgres = mastoc_test_support::postgres::empty_database()
        .ok_or_else(|| io::Error::other("PostgreSQL was opted out of; there is nothing to measure"))?;
    on_database(report, "PostgreSQL", postgres.url(), folder.path())
}

fn on_database(report: &mut Report, name: &str, url: &str, folder: &Path) -> io::Result<()> {
    report.section(&format!("1,000,000 climbs on 1,000 faces, {name}, one client"))?;
    fill(url)?;
    let server = serve(url, &folder.join(format!("data-{name}")))?;
    let mut connection = Connection::open(&server.address)?;
    let faces = json(&mut connection, "/api/faces")?;
    let face_ids: Vec<String> = faces
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|face| face.get("id")?.as_str().map(str::to_owned))
        .collect();
    if face_ids.is_empty() {
        return Err(io::Error::other("the big board has no faces"));
    }
    let face = |run: usize| face_ids.get(run * 7 % face_ids.len()).map_or("", String::as_str);
    let filter = "grade_min=6A&grade_max=7A&page_size=50";

    let first = percentile_99(RUNS, |_| ok(&mut connection, &format!("/api/climbs?{filter}&cursor=")))?;
    limit(report, "filtered page, first", first)?;

    let deep = deep_cursor(&mut connection, "page_size=50", 10_000)?;
    let far = percentile_99(RUNS, |_| ok(&mut connection, &format!("/api/climbs?{filter}&cursor={deep}")))?;
    limit(report, "filtered page, ten-thousandth", far)?;

    let one = percentile_99(RUNS, |run| {
        ok(&mut connection, &format!("/api/climbs?face_id={}&{filter}&cursor=", face(run)))
    })?;
    limit(report, "filtered page of one face", one)?;

    let search = percentile_99(RUNS, |run| {
        let on = (run as u128 * 13) % FACES;
        let holds: Vec<String> = climb_holds(on, run as u128).take(3).map(|hold| hold.to_string()).collect();
        let path = format!("/api/climbs?holds={}&page_size=50&cursor=", holds.join(","));
        let found = json(&mut connection, &path)?;
        match found.get("results").and_then(Value::as_array) {
            Some(climbs) if !climbs.is_empty() => Ok(()),
            _ => Err(io::Error::other(format!("{path} found nothing"))),
        }
    })?;
    limit(report, "search by three holds", search)
}

fn limit(report: &mut Report, name: &str, time: Duration) -> io::Result<()> {
    let shown = format!("{:>6.2} ms at the 99th percentile", time.as_secs_f64() * 1e3);
    report.line(name, &shown, "< 20 ms", time < LIMIT)
}

fn ok(connection: &mut Connection, path: &str) -> io::Result<()> {
    let answer = connection.get(path, "")?;
    if answer.status == 200 {
        Ok(())
    } else {
        Err(io::Error::other(format!("{path} answered {}", answer.status)))
    }
}

fn json(connection: &mut Connection, path: &str) -> io::Result<Value> {
    let answer = connection.get(path, "")?;
    serde_json::from_slice(answer.body).map_err(io::Error::other)
}

/// Follows the cursor to the given page of 50, in strides of 500.
fn deep_cursor(connection: &mut Connection, query: &str, page: usize) -> io::Result<String> {
    let stride = query.replace("page_size=50", "page_size=500");
    let mut cursor = String::new();
    for _ in 0..page / 10 {
        let list = json(connection, &format!("/api/climbs?{stride}&cursor={cursor}"))?;
        list.get("next_cursor")
            .and_then(Value::as_str)
            .ok_or_else(|| io::Error::other("the list ended before its ten-thousandth page"))?
            .clone_into(&mut cursor);
    }
    Ok(cursor)
}

fn id(kind: u128, number: u128) -> StoktId {
    StoktId(Uuid::from_u128((kind << 96) | number))
}

fn hold_number(face: u128, hold: u128) -> i64 {
    i64::try_from(1 + face * HOLDS_PER_FACE + hold % HOLDS_PER_FACE).unwrap_or(1)
}

/// The holds of the n-th climb of a face: scattered, distinct, and the same in every run.
fn climb_holds(face: u128, climb: u128) -> impl Iterator<Item = i64> {
    (0..HOLDS_PER_CLIMB).map(move |place| hold_number(face, climb * 31 + place * 22 + (climb / 7) % 20))
}

fn fill(url: &str) -> io::Result<()> {
    let store = Store::open(&url.parse().map_err(io::Error::other)?, &StoreOptions::default())
        .map_err(io::Error::other)?;
    let context = ImportContext::default();
    let put = |work: &dyn Fn(
        &mut mastoc_storage::WriteConn<'_>,
    ) -> Result<mastoc_domain::import::BatchOutcome, StoreError>| {
        let outcome = store.write(|conn| work(conn)).map_err(io::Error::other)?;
        if outcome.failed() > 0 {
            return Err(io::Error::other(format!("{} records were refused", outcome.failed())));
        }
        Ok(())
    };
    let gym = ImportGym {
        stokt_id: id(1, 1),
        display_name: "Big".into(),
        location: None,
        description: None,
        extra: Extra::new(),
    };
    put(&|conn| import::gyms(conn, &context, std::slice::from_ref(&gym)))?;
    let faces: Vec<ImportFace> = (0..FACES).map(face_record).collect();
    put(&|conn| import::faces(conn, &context, &faces))?;
    let users: Vec<ImportUser> = (0..SETTERS)
        .map(|number| ImportUser {
            stokt_id: id(3, number),
            full_name: format!("Setter {number}"),
            avatar_path: None,
            extra: Extra::new(),
        })
        .collect();
    put(&|conn| import::users(conn, &context, &users))?;
    for face in 0..FACES {
        let holds: Vec<ImportHold> = (0..HOLDS_PER_FACE).filter_map(|hold| hold_record(face, hold)).collect();
        put(&|conn| import::holds(conn, &context, &holds))?;
        let climbs: Vec<ImportClimb> =
            (0..CLIMBS_PER_FACE).filter_map(|climb| climb_record(face, climb)).collect();
        put(&|conn| import::climbs(conn, &context, &climbs))?;
        if face % 100 == 99 {
            writeln!(io::stderr(), "  ... {} climbs written", (face + 1) * CLIMBS_PER_FACE)?;
        }
    }
    // An import does so at its end.
    store.write(stats::refresh_statistics).map_err(io::Error::other)?;
    Ok(())
}

fn face_record(face: u128) -> ImportFace {
    ImportFace {
        stokt_id: id(2, face),
        gym_stokt_id: id(1, 1),
        wall_stokt_id: None,
        is_active: true,
        picture: None,
        small_picture: None,
        feet_rules_options: vec!["Tous pieds".into()],
        has_symmetry: false,
        extra: Extra::new(),
    }
}

fn hold_record(face: u128, hold: u128) -> Option<ImportHold> {
    Some(ImportHold {
        stokt_id: StoktHoldId::new(hold_number(face, hold))?,
        face_stokt_id: id(2, face),
        centroid_x: 10.0,
        centroid_y: 10.0,
        shape: HoldShape {
            area: "100.00".into(),
            centroid_str: "10.00 10.00".into(),
            ..HoldShape::default()
        },
        extra: Extra::new(),
    })
}

fn climb_record(face: u128, climb: u128) -> Option<ImportClimb> {
    const GRADES: [(&str, f64); 8] = [
        ("4", 11.0),
        ("5", 13.0),
        ("6A", 15.5),
        ("6B", 17.0),
        ("6C", 18.5),
        ("7A", 20.5),
        ("7B", 22.5),
        ("8A", 25.5),
    ];
    let number = face * CLIMBS_PER_FACE + climb;
    let (font, ircra) = GRADES.get(usize::try_from(number % 8).ok()?)?;
    let mut holds: Vec<i64> = climb_holds(face, climb).collect();
    let mut seen = std::collections::BTreeSet::new();
    holds.retain(|hold| seen.insert(*hold));
    let last = holds.len().checked_sub(1)?;
    let list: Vec<String> = holds
        .iter()
        .enumerate()
        .map(|(place, hold)| {
            format!(
                "{}{hold}",
                if place == 0 {
                    'S'
                } else if place == last {
                    'T'
                } else {
                    'O'
                }
            )
        })
        .collect();
    // Climbs of all faces mixed in time, as they would be.
    let seconds = i64::try_from((climb * FACES + face) * 60).ok()?;
    let created_at = Timestamp::parse("2020-01-01T00:00:00Z").ok()?.as_utc()
        + std::time::Duration::from_secs(seconds.unsigned_abs());
    Some(ImportClimb {
        stokt_id: id(4, number),
        face_stokt_id: id(2, face),
        setter_stokt_id: Some(id(3, number % SETTERS)),
        name: format!("Climb {number}"),
        holds_list: list.join(" "),
        mirror_holds_list: String::new(),
        grade: ClimbGrade { font: Some((*font).into()), ircra: Some(*ircra), hueco: None, dankyu: None },
        feet_rule: Some("Tous pieds".into()),
        description: None,
        is_private: false,
        is_benchmark: number.is_multiple_of(50),
        climbed_by: 0,
        total_likes: 0,
        total_comments: 0,
        tags: String::new(),
        circuit: String::new(),
        angle: String::new(),
        created_at: created_at.into(),
        extra: Extra::new(),
        viewer: Extra::new(),
    })
}
