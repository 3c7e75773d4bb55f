//! The binary as a script meets it: the first lines, the ready file, faults, signals, exit codes.

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

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_stokt-sim");

fn start(arguments: &[&str]) -> (Child, Vec<String>) {
    let mut child = Command::new(BINARY)
        .args(["--holds", "20", "--climbs", "30", "--picture-size", "22x30"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().take(5).map(Result::unwrap).collect();
    (child, lines)
}

fn get(url: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_says_where_it_is_and_stops_on_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let token = "0123456789012345678901234567890123456789";
    for signal in ["-INT", "-TERM"] {
        let ready = ready.to_str().unwrap();
        let (mut child, lines) = start(&[
            "--ready-file",
            ready,
            "--token",
            token,
            "--fault",
            "503:path=/api/version,skip=1,html",
            "--account",
            "ada@example.org:a:b:Ada Nova",
        ]);
        let url = lines[0].strip_prefix("stokt-sim listening on ").unwrap();
        assert!(lines[3].ends_with(token), "{lines:?}");
        // The file is renamed into place after the lines.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let written = loop {
            match std::fs::read_to_string(ready) {
                Ok(written) => break written,
                Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
            }
        };
        for part in [
            url,
            token,
            "demo@example.org",
            "demo-password",
            lines[4].trim_start_matches("  gym      "),
            "ada@example.org",
            "b:Ada Nova",
        ] {
            assert!(written.contains(&format!("\"{part}\"")), "{written} lacks {part}");
        }
        assert!(get(url, "/api/version").contains("1.3.0"));
        assert!(get(url, "/api/version").starts_with("HTTP/1.1 503"));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        std::fs::remove_file(ready).unwrap();
    }
}

#[test]
fn what_it_does_not_understand_it_says() {
    for (arguments, reason, code) in [
        (["--fault", "explode"], "no kind of fault", 2),
        (["--picture-size", "big"], "no size", 2),
        (["--account", "ada:secret"], "no account", 2),
        (["--data", "/nowhere/at/all"], "setup.json", 1),
    ] {
        let output = Command::new(BINARY).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(reason), "{error}");
        assert_eq!(output.status.code(), Some(code));
    }
}
