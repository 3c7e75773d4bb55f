//! Serving a board of the real size, on both databases, against fixed bytes of the same size.

use std::io;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::boards::{Stokt, serve};
use crate::load::{Connection, hammer};
use crate::process::Server;
use crate::report::Report;

const CONNECTIONS: usize = 8;
const TIME: Duration = Duration::from_secs(3);

/// Repetitions of each pair of measurements; the best of each is compared, so that a disturbance on the machine
/// does not decide.
const ROUNDS: usize = 3;

pub(crate) fn measure(report: &mut Report) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let stokt = Stokt::start(folder.path(), 1_017)?;
    let ceiling = {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("ceiling-server");
        Server::start(command)?
    };
    let sqlite_url = format!("sqlite://{}", folder.path().join("board.sqlite3").display());
    let sqlite_data = folder.path().join("sqlite");
    stokt.import_into(&sqlite_url, &sqlite_data)?;
    let sqlite = serve(&sqlite_url, &sqlite_data)?;

    report.section("Serving the demo board (1,017 climbs, 776 holds), SQLite, 8 connections")?;
    let (climb, face) = ids(&sqlite.address)?;
    let page = "/api/climbs?page=1&page_size=50";
    let cases = [
        ("one climb", format!("/api/climbs/{climb}"), 0.15),
        ("page of 50 climbs", page.to_owned(), 0.15),
        ("page of 500 climbs", "/api/climbs?page=1&page_size=500".to_owned(), 0.15),
        ("face setup", format!("/api/faces/{face}/setup"), 0.40),
    ];
    for (name, path, share) in &cases {
        let size = Connection::open(&sqlite.address)?.get(path, "")?.body.len();
        let fixed = format!("/bytes/{size}");
        let (mut ours, mut most) = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            most = most.max(hammer(&ceiling.address, &fixed, "", 200, CONNECTIONS, TIME)?.rate);
            ours = ours.max(hammer(&sqlite.address, path, "", 200, CONNECTIONS, TIME)?.rate);
        }
        report.share(&format!("{name} ({size} bytes)"), ours, most, *share)?;
    }
    for (name, path) in
        [("304: page of 50", page.to_owned()), ("304: face setup", format!("/api/faces/{face}/setup"))]
    {
        let etag = Connection::open(&sqlite.address)?
            .get(&path, "")?
            .etag
            .ok_or_else(|| io::Error::other(format!("{path} has no ETag")))?;
        let header = format!("If-None-Match: {etag}\r\n");
        let (mut ours, mut most) = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            most = most.max(hammer(&ceiling.address, "/bytes/0", &header, 304, CONNECTIONS, TIME)?.rate);
            ours = ours.max(hammer(&sqlite.address, &path, &header, 304, CONNECTIONS, TIME)?.rate);
        }
        report.share(name, ours, most, 0.40)?;
    }

    report.section("The same list on PostgreSQL against SQLite")?;
    let database = mastoc_test_support::postgres::empty_database()
        .ok_or_else(|| io::Error::other("PostgreSQL was opted out of; there is nothing to compare"))?;
    let postgres_data = folder.path().join("postgres");
    stokt.import_into(database.url(), &postgres_data)?;
    let postgres = serve(database.url(), &postgres_data)?;
    let (mut theirs, mut ours) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        ours = ours.max(hammer(&sqlite.address, page, "", 200, CONNECTIONS, TIME)?.rate);
        theirs = theirs.max(hammer(&postgres.address, page, "", 200, CONNECTIONS, TIME)?.rate);
    }
    report.line(
        "page of 50 climbs",
        &format!("{theirs:>9.0}/s on PostgreSQL, {ours:>9.0}/s on SQLite"),
        "factor <= 2",
        theirs * 2.0 >= ours,
    )
}

/// A climb and the face of the board, as the API names them.
fn ids(address: &str) -> io::Result<(String, String)> {
    let mut connection = Connection::open(address)?;
    let answer = connection.get("/api/climbs?page_size=1", "")?;
    let list: Value = serde_json::from_slice(answer.body).map_err(io::Error::other)?;
    let text = |name: &str| {
        list.pointer(&format!("/results/0/{name}"))
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| io::Error::other("the board has no climbs"))
    };
    Ok((text("id")?, text("face_id")?))
}
