//! Signals, in a real process: this test program runs itself again as the one that is interrupted.
#![cfg(unix)]
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

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use mastoc_runtime::interrupt::interrupt_flag;

const ROLE: &str = "MASTOC_TEST_INTERRUPTED_CHILD";

/// The child's side: waits for the flag, says so, and goes on, as a binary that finishes its step.
#[test]
fn child() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let flag = interrupt_flag().unwrap();
    assert!(interrupt_flag().is_err(), "a second handler is refused");
    println!("\nready");
    while !flag.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("\nraised");
    std::thread::sleep(Duration::from_secs(60));
}

fn start() -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(ROLE, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

fn wait_for(out: &mut BufReader<std::process::ChildStdout>, word: &str) {
    let mut line = String::new();
    while line.trim() != word {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the child ended before {word:?}");
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn the_first_signal_raises_the_flag_and_the_second_ends_with_130() {
    for name in ["INT", "TERM"] {
        let (mut child, mut out) = start();
        wait_for(&mut out, "ready");
        signal(&child, name);
        wait_for(&mut out, "raised");
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}
