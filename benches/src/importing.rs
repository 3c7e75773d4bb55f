//! Importing: against merely downloading the same answers, and within bounded memory.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::boards::Stokt;
use crate::copying::copy_rows;
use crate::downloading::downloader;
use crate::load::Connection;
use crate::process::run;
use crate::report::Report;

/// The fastest of this many runs counts on all sides.
const ROUNDS: usize = 7;
/// What an importer may hold, in bytes.
const MEMORY: u64 = 200 * 1024 * 1024;

pub(crate) fn measure(report: &mut Report) -> io::Result<()> {
    report.section("Importing the demo board, picture included, into an empty SQLite database")?;
    let folder = tempfile::tempdir()?;
    against_downloading(report, folder.path(), &Stokt::start(folder.path(), 1_017)?)?;
    if let Some(data) = real_board() {
        report.section("Importing the real board, picture included, into an empty SQLite database")?;
        let folder = tempfile::tempdir()?;
        against_downloading(report, folder.path(), &Stokt::start_on(folder.path(), &data)?)?;
    }

    report.section("Importing 100,000 climbs")?;
    let big = tempfile::tempdir()?;
    let stokt = Stokt::start(big.path(), 100_000)?;
    let url = format!("sqlite://{}", big.path().join("board.sqlite3").display());
    let finished = run(stokt.importer(&url, &big.path().join("data"))?, true)?;
    report.line(
        "memory of the importer",
        &format!("{:>6} MiB at most, {:.1} s", finished.peak_memory >> 20, finished.time.as_secs_f64()),
        "< 200 MiB",
        finished.peak_memory < MEMORY && finished.peak_memory > 0,
    )
}

/// The folder of the real board, where there is one.
fn real_board() -> Option<PathBuf> {
    let named = std::env::var_os("MASTOC_BOARD_DATA").map(PathBuf::from);
    let folder =
        named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/montoboard"));
    folder.join("climbs.json").exists().then_some(folder)
}

/// Imports the board that `stokt` serves, and merely downloads what an import asks for, in turns. Both are processes of
/// their own, measured from their start to their end; beside them the same requests without a client and a process.
fn against_downloading(report: &mut Report, folder: &Path, stokt: &Stokt) -> io::Result<()> {
    // The stand-in draws its picture when it is first asked for it; that is not what is measured.
    download(stokt)?;
    let (mut bare, mut downloading, mut importing) = (Duration::MAX, Duration::MAX, Duration::MAX);
    let (mut made, mut copied) = (Duration::MAX, Duration::MAX);
    for round in 0..ROUNDS {
        let started = Instant::now();
        download(stokt)?;
        bare = bare.min(started.elapsed());
        let pictures = folder.join(format!("pictures-{round}"));
        downloading = downloading.min(run(downloader(stokt, &pictures)?, false)?.time);
        let database = folder.join(format!("{round}.sqlite3"));
        let url = format!("sqlite://{}", database.display());
        let data = folder.join(format!("data-{round}"));
        importing = importing.min(run(stokt.importer(&url, &data)?, false)?.time);
        let copy = copy_rows(&database, &folder.join(format!("copy-{round}.sqlite3")))?;
        (made, copied) = (made.min(copy.0), copied.min(copy.1));
    }
    let factor = importing.as_secs_f64() / downloading.as_secs_f64();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    report.line(
        "import / download by our client",
        &format!("{:>6.0} ms / {:>6.0} ms = {factor:.2}", ms(importing), ms(downloading)),
        "< 2",
        factor < 2.0,
    )?;
    report.note(&format!(
        "the same requests and nothing else: {:.0} ms, in a process that runs already",
        ms(bare)
    ))?;
    report.note(&format!(
        "SQLite alone: {:.0} ms to make the tables, {:.0} ms to copy the same rows from another file",
        ms(made),
        ms(copied)
    ))
}

/// Fetches every answer that an import needs, over one connection without a client, and throws it away.
fn download(stokt: &Stokt) -> io::Result<()> {
    let header = format!("Authorization: Token {}\r\n", stokt.token);
    let mut connection = Connection::open(&stokt.address)?;
    let mut fetch = |path: &str| -> io::Result<Value> {
        let answer = connection.get(path, &header)?;
        if answer.status != 200 {
            return Err(io::Error::other(format!("{path} answered {}", answer.status)));
        }
        // Pictures are no JSON; their bytes have been read all the same.
        Ok(serde_json::from_slice(answer.body).unwrap_or(Value::Null))
    };
    let gym = &stokt.gym;
    fetch("/api/version")?;
    fetch("/api/users/me")?;
    fetch(&format!("/api/gyms/{gym}/summary"))?;
    let walls = fetch(&format!("/api/gyms/{gym}/walls"))?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let mut avatars = std::collections::BTreeSet::new();
    for face in
        walls.as_array().into_iter().flatten().filter_map(|wall| wall.get("faces")?.as_array()).flatten()
    {
        let face = text(face.get("id")).ok_or_else(|| io::Error::other("a face without id"))?;
        let setup = fetch(&format!("/api/faces/{face}/setup"))?;
        if let Some(picture) = text(setup.pointer("/picture/name")) {
            fetch(&format!("/media/{picture}"))?;
        }
    }
    let mut next = Some(format!("/api/gyms/{gym}/climbs?max_age=9999"));
    while let Some(path) = next {
        let page = fetch(&path)?;
        for climb in page.get("results").and_then(Value::as_array).into_iter().flatten() {
            avatars.extend(text(climb.pointer("/climbSetters/avatar")));
        }
        next = text(page.get("next")).map(|url| url.replacen(&stokt.url, "", 1));
    }
    for avatar in avatars {
        fetch(&format!("/media/{avatar}"))?;
    }
    Ok(())
}
