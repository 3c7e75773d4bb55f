//! Built binaries as processes: started, watched line by line, killed, their output kept.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The path of a built binary of this workspace, beside the running test: `target/<profile>/NAME`. The folder
/// `MASTOC_TEST_BIN_DIR` is used instead if it is set.
///
/// # Panics
/// If it was not built; the message says how to.
#[must_use]
pub fn bin_path(name: &str) -> PathBuf {
    let folder = std::env::var_os("MASTOC_TEST_BIN_DIR").filter(|value| !value.is_empty()).map_or_else(
        || {
            let test = std::env::current_exe().expect("the path of the running test");
            // Tests are in target/<profile>/deps, doc tests and examples elsewhere below target/<profile>.
            let deps = test.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "deps"));
            deps.and_then(|deps| deps.parent()).expect("tests run from target/<profile>/deps").to_path_buf()
        },
        PathBuf::from,
    );
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is not built: run `cargo build --workspace --bins` first", path.display());
    path
}

/// A command that runs a built binary, without the variables that configure mastoc or the access to Stokt: what a test
/// needs, it sets.
///
/// # Panics
/// As [`bin_path`].
#[must_use]
pub fn command(name: &str) -> Command {
    let mut command = Command::new(bin_path(name));
    for (key, _) in std::env::vars_os() {
        let named = key.to_string_lossy();
        let ours = ["MASTOC_", "STOKT_"].iter().any(|prefix| named.starts_with(prefix));
        if ours || ["DATABASE_URL", "PORT", "API_KEY", "SECRET_KEY", "RUST_LOG"].contains(&named.as_ref()) {
            command.env_remove(&key);
        }
    }
    command
}

/// How a process ended, and all that it wrote.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A running process. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

impl Process {
    /// Starts a command with its output captured and an empty standard input. See [`Process::start_with_input`].
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self::spawn(&mut command)
    }

    /// Starts a command and writes `input` to its standard input, such as a password.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_with_input(mut command: Command, input: &str) -> Self {
        command.stdin(Stdio::piped());
        let mut process = Self::spawn(&mut command);
        if let Some(mut stdin) = process.child.stdin.take() {
            // A process that does not read its input is free to end first.
            drop(std::io::Write::write_all(&mut stdin, input.as_bytes()));
        }
        process
    }

    /// Runs a command to its end, at most `limit` long.
    ///
    /// # Panics
    /// If it does not start or does not end in time.
    #[must_use]
    pub fn run(command: Command, limit: Duration) -> Finished {
        Self::start(command).wait(limit)
    }

    fn spawn(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = Stream::read(child.stdout.take().expect("captured"));
        let stderr = Stream::read(child.stderr.take().expect("captured"));
        Self { child, stdout, stderr }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line with `text` on standard output, and gives the whole line.
    ///
    /// # Panics
    /// If none comes within `limit`, or the process ends first; the message has all of its output.
    pub fn wait_for_line(&mut self, text: &str, limit: Duration) -> String {
        self.stdout.wait_for(text, limit).unwrap_or_else(|| self.complain(text))
    }

    /// Waits for a line with `text` on standard error, and gives the whole line.
    ///
    /// # Panics
    /// If none comes within `limit`, or the process ends first; the message has all of its output.
    pub fn wait_for_error_line(&mut self, text: &str, limit: Duration) -> String {
        self.stderr.wait_for(text, limit).unwrap_or_else(|| self.complain(text))
    }

    fn complain(&self, text: &str) -> ! {
        let mut message = format!("no line with {text:?} came");
        for (name, stream) in [("output", &self.stdout), ("error", &self.stderr)] {
            write!(message, "\n--- standard {name}:\n{}", stream.text()).expect("a string grows");
        }
        panic!("{message}")
    }

    /// What came on standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What came on standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Whether it still runs.
    ///
    /// # Panics
    /// If the system does not tell.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the state of a child").is_none()
    }

    /// Sends a signal by name, such as `INT` or `TERM`.
    ///
    /// # Panics
    /// If it cannot be sent.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success(), "cannot send {name}");
    }

    /// Kills it at once (SIGKILL), and waits until it is gone.
    ///
    /// # Panics
    /// If it cannot be killed.
    #[must_use]
    pub fn kill(mut self) -> Finished {
        self.child.kill().expect("a child can be killed");
        let status = self.child.wait().expect("a child can be waited for");
        self.finished(status)
    }

    /// Waits for its end, at most `limit` long.
    ///
    /// # Panics
    /// If it does not end in time; the message has all of its output.
    #[must_use]
    pub fn wait(mut self, limit: Duration) -> Finished {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the state of a child") {
                return self.finished(status);
            }
            if begun.elapsed() > limit {
                let (out, err) = (self.stdout.text(), self.stderr.text());
                panic!(
                    "the process did not end within {limit:?}\n--- standard output:\n{out}\n--- standard error:\n{err}"
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn finished(&mut self, status: ExitStatus) -> Finished {
        self.stdout.join();
        self.stderr.join();
        Finished { code: status.code(), stdout: self.stdout.text(), stderr: self.stderr.text() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One captured stream, read by a thread of its own so that no pipe fills up.
#[derive(Debug)]
struct Stream {
    shared: Arc<(Mutex<Captured>, Condvar)>,
    reader: Option<JoinHandle<()>>,
    /// How many lines have been handed out by waiting: the next wait looks behind them.
    seen: usize,
}

#[derive(Debug, Default)]
struct Captured {
    lines: Vec<String>,
    ended: bool,
}

impl Stream {
    fn read(pipe: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Captured::default()), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let reader = std::thread::spawn(move || {
            let (captured, changed) = &*theirs;
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                locked(captured).lines.push(String::from_utf8_lossy(&line).into_owned());
                line.clear();
                changed.notify_all();
            }
            locked(captured).ended = true;
            changed.notify_all();
        });
        Self { shared, reader: Some(reader), seen: 0 }
    }

    fn wait_for(&mut self, text: &str, limit: Duration) -> Option<String> {
        let (captured, changed) = &*self.shared;
        let deadline = Instant::now() + limit;
        let mut guard = locked(captured);
        loop {
            while let Some(line) = guard.lines.get(self.seen) {
                self.seen += 1;
                if line.contains(text) {
                    return Some(line.trim_end().to_owned());
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if guard.ended || left.is_zero() {
                return None;
            }
            guard = changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn text(&self) -> String {
        locked(&self.shared.0).lines.concat()
    }

    /// Waits until all has been read. A grandchild may hold the pipe open for long, so not forever.
    fn join(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        let begun = Instant::now();
        while !reader.is_finished() && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn locked(captured: &Mutex<Captured>) -> MutexGuard<'_, Captured> {
    captured.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_are_waited_for_in_order() {
        let mut process =
            Process::start(shell("echo ready on 127.0.0.1:1; echo ready again; echo bad >&2; exec sleep 60"));
        assert_eq!(process.wait_for_line("ready", SOON), "ready on 127.0.0.1:1");
        assert_eq!(process.wait_for_line("ready", SOON), "ready again");
        assert_eq!(process.wait_for_error_line("bad", SOON), "bad");
        assert!(process.is_running());
        let finished = process.kill();
        assert_eq!(finished.code, None);
        assert_eq!(finished.stdout, "ready on 127.0.0.1:1\nready again\n");
    }

    #[test]
    fn codes_input_and_signals_come_through() {
        let finished = Process::run(shell("echo out; echo err >&2; exit 75"), SOON);
        assert_eq!(
            (finished.code, finished.stdout.as_str(), finished.stderr.as_str()),
            (Some(75), "out\n", "err\n")
        );
        let finished = Process::start_with_input(shell("read x; echo \"got $x\""), "secret\n").wait(SOON);
        assert_eq!(finished.stdout, "got secret\n");
        let mut process = Process::start(shell("trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done"));
        process.wait_for_line("up", SOON);
        process.signal("TERM");
        assert_eq!(process.wait(SOON).code, Some(7));
    }

    #[test]
    #[should_panic(expected = "the reason")]
    fn a_process_that_ends_first_is_reported_with_its_output() {
        Process::start(shell("echo the reason >&2; sleep 0.2")).wait_for_line("ready", SOON);
    }

    #[test]
    #[should_panic(expected = "cargo build --workspace --bins")]
    fn a_binary_that_is_not_built_is_named() {
        let _ = bin_path("no-such-binary");
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let process = Process::start(shell("exec sleep 60"));
        let id = process.id().to_string();
        drop(process);
        let alive = Command::new("kill").args(["-0", &id]).stderr(Stdio::null()).status().unwrap();
        assert!(!alive.success());
    }
}
