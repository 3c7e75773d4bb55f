//! Logging in beside reading: eight people who log in again and again must not keep the others waiting.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::boards::{Stokt, server};
use crate::load::{Connection, percentile_99};
use crate::process::Server;
use crate::report::Report;

/// People who log in at once.
const PEOPLE: usize = 8;
/// Reads that are measured, with and without them.
const READS: usize = 3_000;
/// Repetitions; the best of each is compared, so that a disturbance on the machine does not decide.
const ROUNDS: usize = 3;
const PASSWORD: &str = "correct horse battery";

pub(crate) fn measure(report: &mut Report) -> io::Result<()> {
    report.section("Eight logins at once beside reads, SQLite")?;
    let folder = tempfile::tempdir()?;
    let stokt = Stokt::start(folder.path(), 1_017)?;
    let url = format!("sqlite://{}", folder.path().join("board.sqlite3").display());
    let data = folder.path().join("data");
    stokt.import_into(&url, &data)?;
    // The benches knock far more often than people do.
    let limits = ["LOGIN", "LOGIN_ACCOUNT", "REGISTER", "REGISTER_ACCOUNT"];
    let mut command = server(&url, &data)?;
    for name in limits {
        command.env(format!("MASTOC_{name}_LIMIT"), "1000000/1");
    }
    let server = Server::start(command)?;
    for person in 0..PEOPLE {
        let body = format!(
            "{{\"email\":\"p{person}@example.org\",\"username\":\"person{person}\",\"full_name\":\"P\",\"password\":\"{PASSWORD}\"}}"
        );
        expect(post(&server.address, "/api/auth/register", "application/json", &body)?, 201)?;
    }
    let reads = || {
        let mut connection = Connection::open(&server.address)?;
        percentile_99(READS, |run| {
            // Different pages, so that not every answer is at hand.
            let answer = connection.get(&format!("/api/climbs?page_size=50&page={}", run % 20 + 1), "")?;
            expect(answer.status, 200)
        })
    };
    reads()?;
    let (mut alone, mut beside, mut rate) = (Duration::MAX, Duration::MAX, 0.0_f64);
    for _ in 0..ROUNDS {
        alone = alone.min(reads()?);
        let (stop, logins) = (AtomicBool::new(false), AtomicU64::new(0));
        let started = Instant::now();
        let measured: io::Result<Duration> = std::thread::scope(|scope| {
            let people: Vec<_> = (0..PEOPLE)
                .map(|person| {
                    let (stop, logins, address) = (&stop, &logins, &server.address);
                    scope.spawn(move || {
                        let form = format!("username=person{person}&password={}", PASSWORD.replace(' ', "+"));
                        while !stop.load(Ordering::Relaxed) {
                            let kind = "application/x-www-form-urlencoded";
                            expect(post(address, "/api/auth/login", kind, &form)?, 200)?;
                            logins.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok::<_, io::Error>(())
                    })
                })
                .collect();
            // Reads begin when people are logging in, and not before.
            while logins.load(Ordering::Relaxed) == 0 && people.iter().all(|thread| !thread.is_finished()) {
                std::thread::yield_now();
            }
            let measured = reads();
            stop.store(true, Ordering::Relaxed);
            for thread in people {
                thread.join().unwrap_or_else(|_| Err(io::Error::other("a person's thread died")))?;
            }
            measured
        });
        beside = beside.min(measured?);
        #[expect(clippy::cast_precision_loss, reason = "counts of seconds' worth of logins fit exactly")]
        let logged_in = logins.load(Ordering::Relaxed) as f64;
        rate = rate.max(logged_in / started.elapsed().as_secs_f64());
    }
    let factor = beside.as_secs_f64() / alone.as_secs_f64();
    report.line(
        "reads' 99th percentile",
        &format!("{alone:.2?} alone, {beside:.2?} beside {rate:.0} logins/s = factor {factor:.2}"),
        "factor <= 2",
        factor <= 2.0,
    )
}

fn expect(status: u16, wanted: u16) -> io::Result<()> {
    if status == wanted { Ok(()) } else { Err(io::Error::other(format!("{status} instead of {wanted}"))) }
}

/// One POST on a connection of its own; the status of its answer.
fn post(address: &str, path: &str, kind: &str, body: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other("no status line"))
}
