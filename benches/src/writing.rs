//! Creating climbs over HTTP, each one kept by the disk before it is answered, on both databases; the ceiling is the
//! same server answering requests of the same size that write nothing.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::boards::{Stokt, serve_with_key};
use crate::load::{Connection, hammer_with};
use crate::report::Report;

const TIME: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;
/// Climbers who create at the same time.
const CLIENTS: [usize; 3] = [1, 8, 32];
/// What the server must do at its best on either database, in climbs a second.
const PROMISED: f64 = 500.0;
const KEY: &str = "the-bench's-own-admin-key";

pub(crate) fn measure(report: &mut Report) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let stokt = Stokt::start(folder.path(), 1_017)?;
    let disk = commits_of_the_disk(folder.path())?;
    report.section(
        "Creating climbs on the demo board; every commit waits for the disk (SQLite: synchronous = FULL)",
    )?;
    report.note(&format!("one thread appends 4 KiB and waits for the disk {disk:.0} times a second"))?;

    let sqlite_url = format!("sqlite://{}", folder.path().join("board.sqlite3").display());
    let sqlite = rates(&stokt, &sqlite_url, &folder.path().join("sqlite"))?;
    let database = mastoc_test_support::postgres::empty_database()
        .ok_or_else(|| io::Error::other("PostgreSQL was opted out of; there is nothing to compare"))?;
    let postgres = rates(&stokt, database.url(), &folder.path().join("postgres"))?;
    for (name, rates) in [("SQLite", &sqlite), ("PostgreSQL", &postgres)] {
        for (clients, (created, most)) in CLIENTS.iter().zip(rates) {
            let measured = format!(
                "{created:>7.0}/s of {most:>7.0}/s = {:>5.1} %, {:>4.1} x the disk",
                created / most * 100.0,
                created / disk
            );
            report.line(&format!("{name}, {clients} clients"), &measured, "-", true)?;
        }
        let best = rates.iter().map(|(created, _)| *created).fold(0.0, f64::max);
        let target = format!(">= {PROMISED}/s");
        report.line(&format!("{name} at its best"), &format!("{best:>7.0}/s"), &target, best >= PROMISED)?;
    }
    report.note("the PostgreSQL of tests and benches does not wait for the disk")
}

/// How often a second one thread can append a page to a file and wait until it is on the disk.
fn commits_of_the_disk(folder: &Path) -> io::Result<f64> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("disk"))?;
    let (started, mut count) = (Instant::now(), 0.0);
    while started.elapsed() < Duration::from_secs(1) {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        count += 1.0;
    }
    Ok(count / started.elapsed().as_secs_f64())
}

/// Climbs created a second for each number of clients, with the ceiling beside it: requests refused for one field, which
/// come the same way and write nothing.
fn rates(stokt: &Stokt, url: &str, data: &Path) -> io::Result<Vec<(f64, f64)>> {
    stokt.import_into(url, data)?;
    let server = serve_with_key(url, data, KEY)?;
    let mut connection = Connection::open(&server.address)?;
    let list: Value = serde_json::from_slice(connection.get("/api/climbs?page_size=1", "")?.body)
        .map_err(io::Error::other)?;
    let text =
        |name: &str| list.pointer(&format!("/results/0/{name}")).and_then(Value::as_str).unwrap_or_default();
    let body = |name: &str| {
        serde_json::json!({"face_id": text("face_id"), "name": name, "holds_list": text("holds_list"), "grade_font": "6A", "feet_rule": "Tous pieds"})
            .to_string()
    };
    let (good, bad) = (body("La dalle du fond"), body("La dalle\u{7} du fond"));
    let header = format!("X-API-Key: {KEY}\r\n");
    let post = |connection: &mut Connection, body: &str| {
        connection.post("/api/climbs", &header, body).map(|answer| answer.status)
    };
    let mut rates = Vec::new();
    for clients in CLIENTS {
        let (mut created, mut most) = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            let refused = |connection: &mut Connection| post(connection, &bad);
            most = most.max(hammer_with(&server.address, 422, clients, TIME / 2, refused)?.rate);
            let wanted = |connection: &mut Connection| post(connection, &good);
            created = created.max(hammer_with(&server.address, 201, clients, TIME, wanted)?.rate);
        }
        rates.push((created, most));
    }
    Ok(rates)
}
