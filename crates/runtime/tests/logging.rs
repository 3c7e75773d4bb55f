//! Log lines as a process really writes them: this test program runs itself again and reads its standard error.
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

use std::process::Command;

use mastoc_runtime::logging::{LogFormat, init};

const ROLE: &str = "MASTOC_TEST_LOGGING_CHILD";

/// The child's side: logs two events and starts logging a second time.
#[test]
fn child() {
    let Ok(format) = std::env::var(ROLE) else { return };
    let format = if format == "json" { LogFormat::Json } else { LogFormat::Text };
    init(format, "info").unwrap();
    tracing::info!(climbs = 781, "imported");
    tracing::debug!("not shown");
    assert!(init(format, "info").is_err());
}

fn logged(format: &str) -> Vec<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(ROLE, format)
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(
        !String::from_utf8_lossy(&output.stdout).contains("imported"),
        "logs do not go to standard output"
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    stderr
        .lines()
        .filter(|line| line.contains("imported") || line.contains("shown"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn text_is_one_line_without_colours_off_a_terminal() {
    let lines = logged("text");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("INFO imported climbs=781") && !lines[0].contains('\u{1b}'), "{lines:?}");
}

#[test]
fn json_is_one_object_a_line() {
    let lines = logged("json");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with('{') && lines[0].ends_with('}'), "{lines:?}");
    assert!(
        lines[0].contains(r#""climbs":781"#) && lines[0].contains(r#""message":"imported""#),
        "{lines:?}"
    );
}
