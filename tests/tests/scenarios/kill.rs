//! Runs that are killed, really, at a point of their course: the n-th place where a crash must do no harm.

use std::process::Command;
use std::time::Duration;

use mastoc_test_support::Process;

use crate::support::{LIMIT, quick_folder, wait_until};

/// Runs to the end, and answers the names of the points that it came by, in order, with its exit code.
pub(crate) fn points(mut command: Command) -> (Vec<String>, Option<i32>) {
    let folder = quick_folder();
    let file = folder.path().join("points");
    let finished = Process::run(
        {
            command.env("MASTOC_TEST_POINTS", &file);
            command
        },
        LIMIT,
    );
    let names = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(!names.is_empty(), "no points were written: is this an optimised build? {finished:?}");
    (names.lines().map(str::to_owned).collect(), finished.code)
}

/// Kills a run at its n-th point, from 1. False if it ended before it got there.
pub(crate) fn killed_at(mut command: Command, nth: usize) -> bool {
    let folder = quick_folder();
    let file = folder.path().join("stopped");
    command.env("MASTOC_TEST_STOP_AT", nth.to_string()).env("MASTOC_TEST_STOP_FILE", &file);
    let mut process = Process::start(command);
    let arrived = wait_until(|| match (file.exists(), process.is_running()) {
        (true, _) => Some(true),
        (false, true) => None,
        (false, false) => Some(file.exists()),
    });
    let finished = process.kill();
    assert!(!arrived || finished.code.is_none(), "it was to be killed: {finished:?}");
    arrived
}

/// Kills a run as soon as something is so.
pub(crate) fn killed_when(command: Command, mut is_so: impl FnMut() -> bool) {
    let process = Process::start(command);
    wait_until(|| is_so().then_some(()));
    assert_eq!(process.kill().code, None, "it was to be killed before its end");
}

/// Longer than any run: for answers that must not come before the kill.
pub(crate) const NEVER: Duration = Duration::from_secs(50);
