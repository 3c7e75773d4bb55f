//! The places where a crash must do no harm, by name, and a way for tests to end a run at any of them.
//!
//! A run calls [`Points::reached`] after each of its commits, and before and after each call that changes something at
//! Stokt. The names:
//!
//! | name | what has just happened, or is about to |
//! |---|---|
//! | `lock.taken` | the lock is taken, with its number; nothing else is written |
//! | `run.begun` | the row of the run is committed |
//! | `settle.queued` | what was taken up and never sent waits again |
//! | `settle.looked` | that what was sent could not be found is on record |
//! | `settle.adopted` | a twin at Stokt is linked to the climb that was sent |
//! | `settle.ambiguous` | several twins are left for a person |
//! | `settle.done` | a change of unknown outcome is known to be done |
//! | `pull.board` | gym, walls, faces and holds are committed |
//! | `pull.pictures` | pictures that were missing are copied |
//! | `pull.people` | setters are committed |
//! | `pull.batch` | a batch of climbs is committed |
//! | `pull.archived` | a batch of climbs that Stokt does not show is counted, or archived |
//! | `pull.seen` | which climbs this run saw is committed |
//! | `push.begun` | changes that waited are forgotten, to be put in anew |
//! | `push.claimed` | climbs and what is sent of them are frozen in the outbox |
//! | `push.leased` | a row of the outbox is taken up |
//! | `push.sent` | that it is being sent is on record; the next thing is the call |
//! | `push.answered` | the call has its answer, and nothing of it is on record yet |
//! | `push.linked` | ours and the new one at Stokt are one |
//! | `push.done` | a change is agreed on |
//! | `push.queued` | what Stokt did not take waits again |
//! | `push.rejected` | that Stokt refuses it is on record |
//! | `push.unknown` | that nobody knows what became of it is on record |
//! | `push.rebased` | a change that both sides made alike is agreed on |
//! | `list.adding` | a climb is about to be put into a list at Stokt |
//! | `list.added` | it is in the list |
//! | `list.agreed` | what both sides know of a list is committed |
//! | `run.watermark` | up to when everything is known is committed |
//! | `run.finished` | the report is committed |
//! | `lock.given` | the lock is given back |

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::surroundings::Points;
use crate::error::EngineError;

/// Every name, as [`Points::reached`] is told them.
pub const POINTS: &[&str] = &[
    "lock.taken",
    "run.begun",
    "settle.queued",
    "settle.looked",
    "settle.adopted",
    "settle.ambiguous",
    "settle.done",
    "pull.board",
    "pull.pictures",
    "pull.people",
    "pull.batch",
    "pull.archived",
    "pull.seen",
    "push.begun",
    "push.claimed",
    "push.leased",
    "push.sent",
    "push.answered",
    "push.linked",
    "push.done",
    "push.queued",
    "push.rejected",
    "push.unknown",
    "push.rebased",
    "list.adding",
    "list.added",
    "list.agreed",
    "run.watermark",
    "run.finished",
    "lock.given",
];

/// Ends a run at its n-th point, as a crash would, and remembers what it came by. For tests.
#[derive(Debug)]
pub struct StopAt {
    left: AtomicU64,
    passed: Mutex<Vec<&'static str>>,
}

impl StopAt {
    /// Ends at the point `nth`, from 1; 0 never ends.
    #[must_use]
    pub fn new(nth: u64) -> Self {
        Self { left: AtomicU64::new(nth), passed: Mutex::new(Vec::new()) }
    }

    /// The points that the run came by, in order; the last of them is where it ended, if it did.
    #[must_use]
    pub fn passed(&self) -> Vec<&'static str> {
        self.passed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl Points for StopAt {
    fn reached(&self, name: &'static str) -> Result<(), EngineError> {
        self.passed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(name);
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if before == Ok(1) { Err(EngineError::Stopped(name)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_nth_point_and_nowhere_else() {
        let points = StopAt::new(3);
        let ends: Vec<bool> = POINTS.iter().take(5).map(|name| points.reached(name).is_err()).collect();
        assert_eq!(ends, [false, false, true, false, false]);
        assert_eq!(points.passed(), POINTS[..5]);
        assert!(POINTS.iter().all(|name| StopAt::new(0).reached(name).is_ok()));
    }

    #[test]
    fn the_table_names_every_point() {
        let text = include_str!("points.rs");
        let told: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next()).collect();
        assert_eq!(told, POINTS);
    }

    #[test]
    fn every_point_is_reached_by_the_code_and_no_other() {
        /// The code of a folder, without its tests.
        fn code(folder: &std::path::Path, all: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                if name.ends_with("tests") || name == "points" {
                    continue;
                }
                if path.is_dir() {
                    code(&path, all);
                } else {
                    all.push_str(&std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        let mut all = String::new();
        code(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sync"), &mut all);
        for name in POINTS {
            assert!(all.contains(&format!("\"{name}\"")), "nothing comes by {name}");
        }
        for (_, rest) in all.match_indices("reached(").map(|(at, word)| all.split_at(at + word.len())) {
            let Some(name) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
            assert!(POINTS.contains(&name), "{name} is not in the table");
        }
    }
}
