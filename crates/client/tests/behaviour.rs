//! The client against a small real HTTP server: what it sends, what it repeats, and what its errors say.
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

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use mastoc_client::{BatchOptions, Client, ClientError, PictureOwner, secrecy::SecretString};
use mastoc_domain::import::ImportUser;

struct Seen {
    line: String,
    headers: String,
    body: Vec<u8>,
}

/// Serves the given answers (status and JSON body; 0 cuts the connection) one after another.
fn serve(answers: &'static [(u16, &'static str)]) -> (Client, Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (tell, seen) = channel();
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let mut headers = String::new();
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                if header.trim().is_empty() {
                    break;
                }
                headers.push_str(&header.to_ascii_lowercase());
            }
            let length = headers
                .lines()
                .find_map(|header| header.strip_prefix("content-length: "))
                .map_or(0, |length| length.trim().parse().unwrap());
            let mut sent = vec![0; length];
            reader.read_exact(&mut sent).unwrap();
            let _ = tell.send(Seen { line: line.trim().to_owned(), headers, body: sent });
            let mut stream = stream;
            if *status > 0 {
                write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .unwrap();
            }
        }
    });
    (Client::new(&address, SecretString::from("the-key".to_owned())).unwrap(), seen)
}

const DONE: &str = r#"{"created":1,"updated":0,"errors":0,"total":1}"#;

fn user() -> ImportUser {
    ImportUser {
        stokt_id: "a40c7d19-58e2-4b6f-93d0-1fe7b2c5860d".parse().unwrap(),
        full_name: "Ada".to_owned(),
        avatar_path: None,
        extra: serde_json::Map::new(),
    }
}

#[test]
fn a_batch_is_repeated_after_a_cut_and_after_a_5xx() {
    let (client, seen) = serve(&[(0, ""), (503, "<html>"), (200, DONE)]);
    let answer = client.import_users(&[user()], &BatchOptions::default()).unwrap();
    assert_eq!((answer.created, answer.unchanged()), (1, 0));
    let requests: Vec<Seen> = seen.iter().take(3).collect();
    assert!(requests.iter().all(|request| request.line == "POST /api/sync/import/users/batch HTTP/1.1"));
    assert!(requests.iter().all(|request| request.body == requests[0].body));
    assert!(requests[0].headers.contains("x-api-key: the-key"));
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(body["users"][0]["full_name"], "Ada");
}

#[test]
fn a_dry_run_says_so() {
    let (client, seen) = serve(&[(200, DONE)]);
    client.import_users(&[user()], &BatchOptions { dry_run: true, ..BatchOptions::default() }).unwrap();
    assert!(seen.recv().unwrap().line.contains("users/batch?dry_run=true "));
}

#[test]
fn a_picture_goes_with_its_hash() {
    let (client, seen) = serve(&[(200, r#"{"sha256":"ab","width":2,"height":3,"size_bytes":4}"#)]);
    let face = "5fa7e1c0-3b52-4d86-9e14-7a20c6d81f35".parse().unwrap();
    let kept = client.put_picture(PictureOwner::Face(face), "a b/c.jpg", "ab", b"1234", None).unwrap();
    assert_eq!((kept.width, kept.size_bytes), (2, 4));
    let request = seen.recv().unwrap();
    assert_eq!(
        request.line,
        "PUT /api/sync/import/faces/5fa7e1c0-3b52-4d86-9e14-7a20c6d81f35/picture?path=a+b%2Fc.jpg HTTP/1.1"
    );
    assert!(request.headers.contains("x-content-sha256: ab"));
    assert_eq!(request.body, b"1234");
}

#[test]
fn refusals_are_told_apart_and_not_repeated() {
    let (client, _seen) = serve(&[(403, r#"{"code":"forbidden","detail":"this key may only read"}"#)]);
    let error = client.stats().unwrap_err();
    assert!(error.is_credentials() && error.to_string().contains("this key may only read"), "{error}");

    let (client, _seen) = serve(&[(413, "{}")]);
    let error = client.import_users(&[user()], &BatchOptions::default()).unwrap_err();
    assert!(error.to_string().contains("--batch-size"), "{error}");

    let (client, _seen) = serve(&[(422, r#"{"code":"validation","detail":"too many items"}"#)]);
    let error = client.import_users(&[user()], &BatchOptions::default()).unwrap_err();
    assert!(
        matches!(&error, ClientError::Refused { status: 422, code, .. } if code == "validation"),
        "{error}"
    );

    let (client, _seen) = serve(&[(308, "{}")]);
    assert!(client.stats().unwrap_err().to_string().contains("redirects"));

    let (client, _seen) = serve(&[(200, "<html>")]);
    assert!(client.stats().unwrap_err().is_config());
}

#[test]
fn nobody_at_home_is_said_with_the_address() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(&format!("http://{free}"), SecretString::from("k".to_owned())).unwrap();
    let error = client.stats().unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains(&free.to_string()), "{error}");
}
