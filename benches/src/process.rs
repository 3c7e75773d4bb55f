//! Starting the built programs and stopping them again.

use std::io::{self, BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server of ours that ends with this value.
pub(crate) struct Server {
    child: Child,
    /// `host:port`.
    pub(crate) address: String,
}

impl Server {
    /// Starts `command` and waits for its line `... listening on http://HOST:PORT`.
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let out = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let mut lines = BufReader::new(out).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("listening on http://").map(|(_, rest)| rest.trim().to_owned()))
            .ok_or_else(|| io::Error::other("the server ended before it listened"))?;
        // Somebody must go on reading, or the server would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.split(['/', ' ']).next().unwrap_or_default().to_owned();
        Ok(Self { child, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A built program of this workspace, from the folder that this one was built into.
pub(crate) fn program(name: &str) -> io::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() { Ok(path) } else { Err(io::Error::other(format!("{} is not built", path.display()))) }
}

/// How a finished program did.
pub(crate) struct Finished {
    pub(crate) time: Duration,
    /// The most memory it held at once, in bytes.
    pub(crate) peak_memory: u64,
}

/// Processor time, of programs and system, of all children that have ended, in steps of a hundredth of a second.
pub(crate) fn children_cpu() -> io::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name of the program, in brackets, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut ticks = fields.split_whitespace().skip(13).map(|field| field.parse::<u64>().unwrap_or_default());
    let ticks = ticks.next().unwrap_or_default() + ticks.next().unwrap_or_default();
    Ok(Duration::from_millis(ticks * 10))
}

/// Runs a program to its end; anything but success is an error.
pub(crate) fn run(mut command: Command, watch_memory: bool) -> io::Result<Finished> {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let errors = child.stderr.take();
    let reader = std::thread::spawn(move || {
        errors.map(|errors| io::read_to_string(errors).unwrap_or_default()).unwrap_or_default()
    });
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_memory = 0;
    let status = loop {
        if watch_memory {
            peak_memory = std::fs::read_to_string(&status_file)
                .ok()
                .and_then(|text| {
                    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
                    line.split_whitespace().nth(1)?.parse::<u64>().ok()
                })
                .map_or(peak_memory, |kib| (kib * 1024).max(peak_memory));
            if let Some(status) = child.try_wait()? {
                break status;
            }
            std::thread::sleep(Duration::from_millis(20));
        } else {
            break child.wait()?;
        }
    };
    let time = started.elapsed();
    let errors = reader.join().unwrap_or_default();
    if !status.success() {
        return Err(io::Error::other(format!("{command:?} failed: {errors}")));
    }
    Ok(Finished { time, peak_memory })
}
