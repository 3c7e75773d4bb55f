//! Where tests take hold of a run: they stop it at a place of their choice, and shift its clock.
//!
//! Only a debug build reads these variables; a release build does not hold this file's other half, so that nothing in
//! an operator's environment can stop a run or bend its time.
//!
//! - `MASTOC_TEST_STOP_AT=N`: the run stops for ever at the N-th point it reaches (the first is 1), to be killed there;
//! - `MASTOC_TEST_STOP_FILE=FILE`: then the point's name is written to this file first, so that a test knows;
//! - `MASTOC_TEST_POINTS=FILE`: the name of each point is appended to this file, one a line;
//! - `MASTOC_TEST_CLOCK=SECONDS`: the run's clock is so far ahead of the system's, or behind with a minus.

use mastoc_runtime::Failure;
use mastoc_sync_engine::sync::{Clock, Points};

/// What a run takes from its surroundings.
pub(crate) struct Surroundings {
    /// Its time.
    pub(crate) clock: Box<dyn Clock>,
    /// Its places to be cut.
    pub(crate) points: Box<dyn Points>,
}

impl Surroundings {
    /// The system's clock, and nobody who cuts.
    #[cfg(not(debug_assertions))]
    pub(crate) fn of_environment() -> Result<Self, Failure> {
        use mastoc_sync_engine::sync::{SystemClock, Uncut};
        Ok(Self { clock: Box::new(SystemClock), points: Box::new(Uncut) })
    }

    /// What the variables say; without them the system's clock, and nobody who cuts.
    #[cfg(debug_assertions)]
    pub(crate) fn of_environment() -> Result<Self, Failure> {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        test::surroundings(&env)
    }
}

#[cfg(debug_assertions)]
mod test {
    use std::fs::{File, OpenOptions};
    use std::io::Write as _;
    use std::path::PathBuf;
    use std::str::FromStr;
    use std::sync::{Mutex, PoisonError};

    use mastoc_runtime::Failure;
    use mastoc_sync_engine::EngineError;
    use mastoc_sync_engine::sync::{Points, ShiftedClock};

    use super::Surroundings;

    pub(super) fn surroundings(env: &dyn Fn(&str) -> Option<String>) -> Result<Surroundings, Failure> {
        let list = match env("MASTOC_TEST_POINTS") {
            None => None,
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(&path);
                Some(file.map_err(|error| Failure::usage(format!("MASTOC_TEST_POINTS={path}: {error}")))?)
            }
        };
        let cut = Cut {
            stop_at: number("MASTOC_TEST_STOP_AT", env)?,
            stop_file: env("MASTOC_TEST_STOP_FILE").map(PathBuf::from),
            reached: Mutex::new((0, list)),
        };
        let clock = ShiftedClock::by(number("MASTOC_TEST_CLOCK", env)?.unwrap_or_default());
        Ok(Surroundings { clock: Box::new(clock), points: Box::new(cut) })
    }

    fn number<T: FromStr>(name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<T>, Failure> {
        let parse = |text: String| {
            text.parse().map_err(|_| Failure::usage(format!("{name}={text} is not a number that fits")))
        };
        env(name).map(parse).transpose()
    }

    /// Counts the points, and stops at one of them.
    struct Cut {
        stop_at: Option<u64>,
        stop_file: Option<PathBuf>,
        /// How many there were, and the file that lists them.
        reached: Mutex<(u64, Option<File>)>,
    }

    impl Points for Cut {
        fn reached(&self, name: &'static str) -> Result<(), EngineError> {
            let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
            reached.0 += 1;
            if let Some(list) = &mut reached.1 {
                // One write a line: a kill leaves whole lines.
                drop(list.write_all(format!("{name}\n").as_bytes()));
            }
            if self.stop_at == Some(reached.0) {
                if let Some(path) = &self.stop_file {
                    // Whole or not at all: whoever waits for the file may read it at once.
                    let unfinished = path.with_extension("unfinished");
                    drop(std::fs::write(&unfinished, name).and_then(|()| std::fs::rename(&unfinished, path)));
                }
                // The lock stays taken: no other thread gets past a point either.
                loop {
                    std::thread::park();
                }
            }
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use std::sync::Arc;
        use std::time::{Duration, Instant};

        use super::*;

        #[test]
        fn a_run_stops_at_the_point_that_was_named_and_lists_those_before() {
            let folder = tempfile::tempdir().unwrap();
            let file = |name: &str| folder.path().join(name).display().to_string();
            let (points, stop) = (file("points"), file("stop"));
            let env = |name: &str| match name {
                "MASTOC_TEST_STOP_AT" => Some("2".to_owned()),
                "MASTOC_TEST_STOP_FILE" => Some(stop.clone()),
                "MASTOC_TEST_POINTS" => Some(points.clone()),
                "MASTOC_TEST_CLOCK" => Some("-86400".to_owned()),
                _ => None,
            };
            let made = surroundings(&env).unwrap();
            let behind = chrono_seconds(&*made.clock);
            assert!((-86_460..=-86_340).contains(&behind), "{behind}");
            let points = Arc::new(made.points);
            points.reached("one").unwrap();
            let stopped = Arc::clone(&points);
            std::thread::spawn(move || stopped.reached("two"));
            let begun = Instant::now();
            while !std::path::Path::new(&stop).exists() {
                assert!(begun.elapsed() < Duration::from_secs(30));
                std::thread::yield_now();
            }
            assert_eq!(std::fs::read_to_string(&stop).unwrap(), "two");
            assert_eq!(std::fs::read_to_string(file("points")).unwrap(), "one\ntwo\n");
        }

        fn chrono_seconds(clock: &dyn mastoc_sync_engine::sync::Clock) -> i64 {
            let now = mastoc_sync_engine::Timestamp::now();
            clock.now().as_utc().signed_duration_since(now.as_utc()).num_seconds()
        }

        #[test]
        fn what_is_no_number_is_said() {
            let env = |name: &str| (name == "MASTOC_TEST_STOP_AT").then(|| "soon".to_owned());
            let failure = surroundings(&env).map(|_| ()).unwrap_err();
            assert!(failure.to_string().contains("MASTOC_TEST_STOP_AT=soon"), "{failure}");
        }
    }
}
