//! A scripted HTTP server over a raw socket: it answers exactly the bytes a test wants, well-formed or not.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use mastoc_stokt_client::{Client, ClientBuilder, secrecy::SecretString};

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// How many requests came before it.
    pub(crate) number: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The server; it runs until the test process ends.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts a server that lets `answer` write to the socket; the connection closes when it returns.
    pub(crate) fn start(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(stream.unwrap(), &log, &*answer));
            }
        });
        Self { url, seen }
    }

    /// Answers the n-th request with the n-th text, and the last one for ever after.
    pub(crate) fn script(answers: Vec<String>) -> Self {
        Self::start(move |seen, stream| {
            let answer = answers.get(seen.number).or(answers.last()).unwrap();
            let _ = stream.write_all(answer.as_bytes());
        })
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// A client of this server with short waits, to be adjusted.
    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(&self.url)
            .token(SecretString::from(TOKEN))
            .backoff(Duration::from_millis(5), Duration::from_millis(20))
            .max_retries(2)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, answer: &dyn Fn(&Seen, &mut TcpStream)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut seen = Seen { method, target, headers, body: String::new(), number: 0 };
    let length: usize = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    seen.body = String::from_utf8(body).unwrap();
    let mut all = log.lock().unwrap();
    seen.number = all.len();
    all.push(seen.clone());
    drop(all);
    answer(&seen, &mut stream);
}

/// A whole answer with a JSON body.
pub(crate) fn json(body: &str) -> String {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}

/// A whole answer; `headers` end with a line break.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

/// A page of climbs with these ids.
pub(crate) fn page(ids: &[&str], count: usize, next: Option<&str>) -> String {
    let rows: Vec<_> = ids.iter().map(|id| serde_json::json!({ "id": id, "name": "Dalle" })).collect();
    json(&serde_json::json!({ "count": count, "next": next, "previous": null, "results": rows }).to_string())
}
