//! A flag that stops a client between requests and while it waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::error::{Error, ErrorKind};

/// How often a sleeping client looks at the flag.
const LOOK: Duration = Duration::from_millis(25);

/// A handle to stop a client from another thread or a signal handler; clones are the same flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A new flag, not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops: the request under way is finished if it is a change, given up if it only reads; no other begins.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::new(ErrorKind::Cancelled)) } else { Ok(()) }
    }

    /// Sleeps, unless and until the flag is set.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Error> {
        let end = Instant::now() + time;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_flag_ends_a_long_sleep_at_once() {
        let cancel = Cancel::new();
        cancel.sleep(Duration::from_millis(1)).unwrap();
        let other = cancel.clone();
        let sleeper = thread::spawn(move || other.sleep(Duration::from_secs(60)));
        cancel.cancel();
        let started = Instant::now();
        assert!(sleeper.join().unwrap().unwrap_err().is_cancelled());
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
