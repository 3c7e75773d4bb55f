//! Progress on standard error: bars with rate and time left on a terminal, plain lines otherwise.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

/// The shortest time between two plain lines of one step.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// The bars on the screen, if there are any: whoever writes to standard error has to go through them.
static BARS: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// Writes a whole line, with its line break, to standard error, above the progress bars where there are any.
pub(crate) fn print_above(line: &[u8]) {
    // Standard error may be closed; there is nowhere left to say so.
    let write = || drop(io::stderr().lock().write_all(line));
    let bars = locked(&BARS).clone();
    match bars {
        Some(bars) => bars.suspend(write),
        None => write(),
    }
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows how far the steps of a run are. Cheap to clone; usable from several threads.
#[derive(Clone)]
pub struct Reporter {
    output: Output,
}

#[derive(Clone)]
enum Output {
    Quiet,
    Bars(MultiProgress),
    Lines { sink: Arc<Mutex<dyn Write + Send>>, every: Duration },
}

impl Reporter {
    /// Bars if standard error is a terminal, plain lines if it is not, and nothing at all if `quiet` (for `--json`).
    #[must_use]
    pub fn stderr(quiet: bool) -> Self {
        if quiet {
            return Self { output: Output::Quiet };
        }
        if !io::stderr().is_terminal() {
            return Self::lines(io::stderr(), LINE_EVERY);
        }
        let bars = MultiProgress::new();
        *locked(&BARS) = Some(bars.clone());
        Self { output: Output::Bars(bars) }
    }

    /// Plain lines to any writer: per step one at most `every` so often, and one at its end.
    #[must_use]
    pub fn lines(sink: impl Write + Send + 'static, every: Duration) -> Self {
        Self { output: Output::Lines { sink: Arc::new(Mutex::new(sink)), every } }
    }

    /// Begins a step, such as `climbs`, of `total` items where that is known already.
    #[must_use]
    pub fn step(&self, name: &str, total: Option<u64>) -> Step {
        let view = match &self.output {
            Output::Quiet => View::Quiet,
            Output::Bars(bars) => {
                let bar = bars.add(ProgressBar::new_spinner());
                bar.set_prefix(name.to_owned());
                bar.enable_steady_tick(Duration::from_millis(120));
                bar.set_style(style(total.is_some()));
                if let Some(total) = total {
                    bar.set_length(total);
                }
                View::Bar(bar)
            }
            Output::Lines { sink, every } => View::Lines { sink: Arc::clone(sink), every: *every },
        };
        let now = Instant::now();
        let count = Count { done: 0, total, last_line: now };
        Step { name: name.to_owned(), started: now, count: Mutex::new(count), view, ended: false }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.output {
            Output::Quiet => "Reporter(quiet)",
            Output::Bars(_) => "Reporter(bars)",
            Output::Lines { .. } => "Reporter(lines)",
        })
    }
}

/// One step of a run. Dropped without [`Step::finish`], it says where it stopped, if it had begun to count.
pub struct Step {
    name: String,
    started: Instant,
    count: Mutex<Count>,
    view: View,
    ended: bool,
}

struct Count {
    done: u64,
    total: Option<u64>,
    last_line: Instant,
}

enum View {
    Quiet,
    Bar(ProgressBar),
    Lines { sink: Arc<Mutex<dyn Write + Send>>, every: Duration },
}

impl Step {
    /// How many items there are, once that is known, or known better.
    pub fn set_total(&self, total: u64) {
        locked(&self.count).total = Some(total);
        if let View::Bar(bar) = &self.view {
            bar.set_style(style(true));
            bar.set_length(total);
        }
    }

    /// `items` more are done.
    pub fn advance(&self, items: u64) {
        let mut count = locked(&self.count);
        count.done = count.done.saturating_add(items);
        match &self.view {
            View::Quiet => {}
            View::Bar(bar) => bar.set_position(count.done),
            View::Lines { sink, every } => {
                if count.last_line.elapsed() >= *every {
                    count.last_line = Instant::now();
                    write_line(sink, &under_way(&self.name, count.done, count.total, self.started.elapsed()));
                }
            }
        }
    }

    /// The step is done; `message` says what came of it and may be empty.
    pub fn finish(mut self, message: &str) {
        self.end(message);
    }

    fn end(&mut self, message: &str) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let count = locked(&self.count);
        match &self.view {
            View::Quiet => {}
            View::Bar(bar) => {
                bar.set_style(end_style());
                bar.abandon_with_message(outcome(count.done, self.started.elapsed(), message));
            }
            View::Lines { sink, .. } => {
                let outcome = outcome(count.done, self.started.elapsed(), message);
                write_line(sink, &format!("{}: {outcome}", self.name));
            }
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if locked(&self.count).done > 0 {
            self.end("stopped");
        } else if let View::Bar(bar) = &self.view {
            // It never came to its first item, so there is nothing to say: the error that ended it speaks alone.
            bar.finish_and_clear();
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({})", self.name)
    }
}

fn write_line(sink: &Mutex<dyn Write + Send>, line: &str) {
    // Progress is a courtesy: a closed standard error must not fail the run.
    drop(writeln!(locked(sink), "{line}"));
}

/// `climbs: 500 of 1000 (50 %), 120/s, 5 s left`.
fn under_way(name: &str, done: u64, total: Option<u64>, elapsed: Duration) -> String {
    let rate = rate(done, elapsed);
    match total.filter(|total| *total > 0) {
        None => format!("{name}: {done}, {rate:.0}/s"),
        Some(total) => {
            let percent = u128::from(done) * 100 / u128::from(total);
            let left = total.saturating_sub(done) as f64 / rate;
            let left = Duration::try_from_secs_f64(left)
                .map_or_else(|_| String::new(), |left| format!(", {} left", seconds(left)));
            format!("{name}: {done} of {total} ({percent} %), {rate:.0}/s{left}")
        }
    }
}

/// `1000 in 8.3 s: 3 created`.
fn outcome(done: u64, elapsed: Duration, message: &str) -> String {
    let sum = format!("{done} in {:.1} s", elapsed.as_secs_f64());
    if message.is_empty() { sum } else { format!("{sum}: {message}") }
}

/// Items per second; infinite at the very start, which no line shows as a time left.
fn rate(done: u64, elapsed: Duration) -> f64 {
    done as f64 / elapsed.as_secs_f64().max(0.001)
}

/// `45 s`, `3 min 20 s`, `2 h 5 min`, rounded up to a second.
fn seconds(time: Duration) -> String {
    let all = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {seconds} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

fn style(total_known: bool) -> ProgressStyle {
    let (template, otherwise): (_, fn() -> ProgressStyle) = if total_known {
        ("{prefix:<12} [{bar:30}] {human_pos}/{human_len}  {rate}{left}", ProgressStyle::default_bar)
    } else {
        ("{prefix:<12} {spinner} {human_pos}  {rate}", ProgressStyle::default_spinner)
    };
    ProgressStyle::with_template(template)
        .map_or_else(|_| otherwise(), |style| style.progress_chars("=> "))
        // indicatif's own fields know no precision, and call the time left 0 before there is a rate.
        .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn fmt::Write| {
            if state.pos() > 0 {
                let _ = write!(out, "  {} left", seconds(state.eta()));
            }
        })
}

fn end_style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:<12} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn lines(&self) -> Vec<String> {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    #[test]
    fn lines_tell_rate_and_time_left() {
        let line = under_way("climbs", 500, Some(1000), Duration::from_secs(4));
        assert_eq!(line, "climbs: 500 of 1000 (50 %), 125/s, 4 s left");
        assert_eq!(under_way("pages", 30, None, Duration::from_secs(3)), "pages: 30, 10/s");
        assert_eq!(under_way("x", 0, Some(10), Duration::from_secs(1)), "x: 0 of 10 (0 %), 0/s");
        assert_eq!(under_way("x", 0, Some(0), Duration::from_secs(1)), "x: 0, 0/s");
    }

    #[test]
    fn times_are_read_at_a_glance() {
        let shown = [1, 59, 200, 7500].map(|s| seconds(Duration::from_secs(s)));
        assert_eq!(shown, ["1 s", "59 s", "3 min 20 s", "2 h 5 min"]);
        assert_eq!(seconds(Duration::from_millis(1)), "1 s");
    }

    #[test]
    fn lines_are_few_and_each_step_ends_with_one() {
        let sink = Shared::default();
        let reporter = Reporter::lines(sink.clone(), Duration::from_secs(60));
        let step = reporter.step("climbs", None);
        step.set_total(1000);
        for _ in 0..1000 {
            step.advance(1);
        }
        assert!(sink.lines().is_empty());
        step.finish("3 created");
        let lines = sink.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("climbs: 1000 in ") && lines[0].ends_with(" s: 3 created"), "{lines:?}");
    }

    #[test]
    fn lines_come_while_a_step_is_under_way() {
        let sink = Shared::default();
        let step = Reporter::lines(sink.clone(), Duration::ZERO).step("faces", Some(4));
        step.advance(1);
        assert!(sink.lines()[0].starts_with("faces: 1 of 4 (25 %), "), "{:?}", sink.lines());
    }

    #[test]
    fn a_dropped_step_says_where_it_stopped() {
        let sink = Shared::default();
        let step = Reporter::lines(sink.clone(), Duration::from_secs(60)).step("faces", Some(4));
        step.advance(3);
        drop(step);
        let lines = sink.lines();
        assert!(
            lines.len() == 1 && lines[0].starts_with("faces: 3 in ") && lines[0].ends_with("stopped"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_dropped_step_without_an_item_says_nothing_and_a_finished_one_its_outcome() {
        let sink = Shared::default();
        let reporter = Reporter::lines(sink.clone(), Duration::from_secs(60));
        drop(reporter.step("board", None));
        assert_eq!(sink.lines().len(), 0);
        reporter.step("avatars", Some(0)).finish("none");
        assert_eq!(sink.lines().len(), 1, "{:?}", sink.lines());
    }

    /// A terminal that keeps what is drawn.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl indicatif::TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bars_tell_a_whole_rate_and_no_time_left_before_the_first_item() {
        let screen = Screen::default();
        let target = indicatif::ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let bar = ProgressBar::with_draw_target(Some(1000), target);
        bar.set_prefix("climbs");
        bar.set_style(style(true));
        bar.tick();
        let drawn = screen.0.lock().unwrap().trim_end().to_owned();
        assert!(drawn.starts_with("climbs       [") && drawn.ends_with("0/1,000  0/s"), "{drawn}");
        std::thread::sleep(Duration::from_millis(70));
        bar.set_position(7);
        bar.tick();
        let drawn = screen.0.lock().unwrap().trim_end().to_owned();
        let told = drawn.rsplit("7/1,000  ").next().unwrap();
        let (rate, left) = told.split_once("/s  ").unwrap();
        assert!(rate.parse::<u64>().is_ok() && left.ends_with(" left"), "{drawn}");
        bar.set_style(style(false));
        bar.set_style(end_style());
    }

    #[test]
    fn quiet_is_quiet_and_usable_from_threads() {
        let reporter = Reporter::stderr(true);
        let step = reporter.step("climbs", Some(10));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| step.advance(1));
            }
        });
        assert_eq!(step.count.lock().unwrap().done, 4);
        step.finish("");
    }
}
