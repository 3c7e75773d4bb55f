//! A small load generator over plain sockets, so that what is measured is the server and not its client.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// One kept-alive HTTP/1.1 connection.
pub(crate) struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

/// An answer's head; the body is in the connection's buffer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self {
            address: address.to_owned(),
            stream: BufReader::with_capacity(256 * 1024, stream),
            body: Vec::new(),
        })
    }

    /// Asks for `path`, with further header lines (each ending in CRLF).
    pub(crate) fn get(&mut self, path: &str, headers: &str) -> io::Result<Answer<'_>> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.address))
    }

    /// Sends JSON to `path`, with further header lines (each ending in CRLF).
    pub(crate) fn post(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Answer<'_>> {
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        ))
    }

    fn ask(&mut self, request: &str) -> io::Result<Answer<'_>> {
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status: u16 = line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no status line: {line:?}")))?;
        let (mut length, mut etag, mut chunked) = (0_usize, None, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            let (name, value) = text.split_once(':').unwrap_or((text, ""));
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
                "etag" => etag = Some(value.trim().to_owned()),
                "transfer-encoding" => chunked = true,
                _ => {}
            }
        }
        if chunked {
            return Err(io::Error::other("chunked answers are not measured"));
        }
        self.body.resize(if status == 304 { 0 } else { length }, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(Answer { status, etag, body: &self.body })
    }
}

/// What a run of requests showed.
pub(crate) struct Measured {
    /// Answers per second over all connections.
    pub(crate) rate: f64,
}

/// Sends the same GET over `connections` connections for `time`; every answer must have `status`.
pub(crate) fn hammer(
    address: &str,
    path: &str,
    headers: &str,
    status: u16,
    connections: usize,
    time: Duration,
) -> io::Result<Measured> {
    hammer_with(address, status, connections, time, |connection| {
        connection.get(path, headers).map(|answer| answer.status)
    })
}

/// Sends what `ask` asks over `connections` connections for `time`; every answer must have `status`.
pub(crate) fn hammer_with(
    address: &str,
    status: u16,
    connections: usize,
    time: Duration,
    ask: impl Fn(&mut Connection) -> io::Result<u16> + Sync,
) -> io::Result<Measured> {
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let counts: Vec<io::Result<u64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = Connection::open(address)?;
                    let mut count = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let found = ask(&mut connection)?;
                        if found != status {
                            return Err(io::Error::other(format!("the answer was {found}")));
                        }
                        count += 1;
                    }
                    Ok(count)
                })
            })
            .collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| Err(io::Error::other("a connection's thread died")))
            })
            .collect()
    });
    let elapsed = started.elapsed().as_secs_f64();
    let total: u64 = counts.into_iter().sum::<io::Result<u64>>()?;
    #[expect(clippy::cast_precision_loss, reason = "counts of seconds' worth of requests fit exactly")]
    Ok(Measured { rate: total as f64 / elapsed })
}

/// The time below which 99 of 100 calls of `call` stayed.
pub(crate) fn percentile_99(
    runs: usize,
    mut call: impl FnMut(usize) -> io::Result<()>,
) -> io::Result<Duration> {
    let mut times = Vec::with_capacity(runs);
    for run in 0..runs {
        let started = Instant::now();
        call(run)?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(runs * 99 / 100).or(times.last()).copied().unwrap_or_default())
}
