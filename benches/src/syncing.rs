//! Synchronising: what a run costs that finds nothing, one that looks at everything, and one of every day. The stand-in
//! for Stokt runs in this process, so that its work is not counted; what is measured is `mastoc-sync` as a process.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use mastoc_stokt_sim::Sim;
use serde_json::Value;

use crate::process::{children_cpu, program, run};
use crate::report::Report;

/// Runs that find nothing, of which the usual one counts.
const ROUNDS: usize = 40;
/// What a run that finds nothing may cost.
const NOTHING: Duration = Duration::from_millis(50);
/// What a synchronisation may hold, in bytes.
const MEMORY: u64 = 200 * 1024 * 1024;
/// What looking at 100,000 climbs may cost.
const EVERYTHING: Duration = Duration::from_secs(10);
/// Days on each of which ten climbs are set.
const DAYS: usize = 14;
/// Most climbs that are downloaded on such a day.
const DOWNLOADED: u64 = 100;

pub(crate) fn measure(report: &mut Report) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let sqlite = format!("sqlite://{}", folder.path().join("board.sqlite3").display());
    on_database(report, "SQLite", &sqlite, folder.path())?;
    let postgres = mastoc_test_support::postgres::empty_database()
        .zip(mastoc_test_support::postgres::empty_database())
        .ok_or_else(|| io::Error::other("PostgreSQL was opted out of; there is nothing to measure"))?;
    on_database(report, "PostgreSQL", postgres.0.url(), folder.path())?;
    let sqlite = format!("sqlite://{}", folder.path().join("large.sqlite3").display());
    large(report, "SQLite", &sqlite, folder.path())?;
    large(report, "PostgreSQL", postgres.1.url(), folder.path())
}

fn stokt(climbs: usize) -> io::Result<Sim> {
    Sim::builder().climbs(climbs).start().map_err(io::Error::other)
}

/// A synchronisation of the stand-in's board.
fn sync(sim: &Sim, url: &str, data: &Path, direction: &str, more: &[&str]) -> io::Result<Command> {
    let mut command = Command::new(program("mastoc-sync")?);
    command.args(["--direction", direction, "--stokt-url", &sim.base_url()]);
    command.args(["--gym", &sim.gym_id().to_string(), "--database-url", url, "--data-dir"]).arg(data);
    command.arg("--json").args(more).env("STOKT_TOKEN", sim.token());
    command.env_remove("DATABASE_URL").env_remove("MASTOC_DATA_DIR");
    Ok(command)
}

/// Runs it to its end, for its report.
fn told(mut command: Command) -> io::Result<Value> {
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        return Err(io::Error::other(format!("{command:?} ended with {}: {said}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}

fn number(report: &Value, path: &str) -> u64 {
    report.pointer(path).and_then(Value::as_u64).unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A board of the real one's size: runs that find nothing, then a fortnight.
fn on_database(report: &mut Report, name: &str, url: &str, folder: &Path) -> io::Result<()> {
    report.section(&format!("Synchronising 1,000 climbs, {name}: nothing is new"))?;
    let data = folder.join(format!("data-{name}"));
    let sim = stokt(1_000)?;
    told(sync(&sim, url, &data, "stokt-to-mastoc", &["--full"])?)?;
    for direction in ["stokt-to-mastoc", "both"] {
        told(sync(&sim, url, &data, direction, &[])?)?;
        sim.forget_requests();
        let cpu = children_cpu()?;
        let mut times = Vec::with_capacity(ROUNDS);
        let mut inside = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let told = told(sync(&sim, url, &data, direction, &[])?)?;
            times.push(started.elapsed());
            let seconds = told.get("seconds").and_then(Value::as_f64).unwrap_or(f64::MAX);
            inside.push(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
        }
        let rounds = u32::try_from(ROUNDS).unwrap_or(u32::MAX);
        let cpu = children_cpu()?.saturating_sub(cpu) / rounds;
        let requests: Vec<String> = sim.requests().into_iter().map(|request| request.path).collect();
        let pages = requests.iter().filter(|path| path.contains("/climbs")).count();
        // Who we are, the listing's one page; a push asks for the account's own climbs as well.
        let own = if direction == "both" { 3 } else { 2 };
        report.line(
            &format!("{direction}: requests"),
            &format!("{} in {ROUNDS} runs, {pages} of them pages of climbs", requests.len()),
            &format!("{own} each, 1 page"),
            requests.len() == own * ROUNDS && pages == ROUNDS,
        )?;
        let (wall, inside) = (usual(&mut times), usual(&mut inside));
        report.line(
            "  our work, process start included",
            &format!("{:>6.1} ms of processor time", ms(cpu)),
            "< 50 ms",
            cpu < NOTHING,
        )?;
        report.line(
            "  the run, Stokt's answers included",
            &format!("{:>6.1} ms; {:.1} ms with the process's start and end", ms(inside), ms(wall)),
            "< 50 ms",
            inside < NOTHING,
        )?;
    }
    fortnight(report, &sim, url, &data)
}

/// The one in the middle.
fn usual(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(Duration::MAX)
}

/// Ten new climbs a day, and a run each day.
fn fortnight(report: &mut Report, sim: &Sim, url: &str, data: &Path) -> io::Result<()> {
    let (mut most, mut fewest_new, mut most_new) = (0, u64::MAX, 0);
    for _ in 0..DAYS {
        sim.advance(TimeDelta::days(1));
        sim.with_board(|board| board.invent_climbs(10));
        let told = told(sync(sim, url, data, "stokt-to-mastoc", &[])?)?;
        most = most.max(number(&told, "/gyms/0/listing/distinct"));
        let new = number(&told, "/counts/climbs/created");
        (fewest_new, most_new) = (fewest_new.min(new), most_new.max(new));
    }
    report.line(
        "10 new climbs a day, run daily",
        &format!("{most} climbs downloaded at most, {fewest_new} to {most_new} new"),
        "<= 100 downloaded",
        most <= DOWNLOADED && (fewest_new, most_new) == (10, 10),
    )
}

/// Everything of a large board.
fn large(report: &mut Report, name: &str, url: &str, folder: &Path) -> io::Result<()> {
    report.section(&format!("Synchronising 100,000 climbs, all of them looked at, {name}"))?;
    let data = folder.join(format!("large-{name}"));
    let sim = stokt(100_000)?;
    for (what, direction) in
        [("the first time", "stokt-to-mastoc"), ("again", "stokt-to-mastoc"), ("again, both ways", "both")]
    {
        let cpu = children_cpu()?;
        let finished = run(sync(&sim, url, &data, direction, &["--full"])?, true)?;
        let cpu = children_cpu()?.saturating_sub(cpu);
        report.line(
            what,
            &format!("{:>6.1} s of {:.1} s are ours", cpu.as_secs_f64(), finished.time.as_secs_f64()),
            "< 10 s of ours",
            cpu < EVERYTHING,
        )?;
        report.line(
            "  memory",
            &format!("{:>6} MiB at most", finished.peak_memory >> 20),
            "< 200 MiB",
            finished.peak_memory < MEMORY && finished.peak_memory > 0,
        )?;
    }
    fortnight(report, &sim, url, &data)
}
