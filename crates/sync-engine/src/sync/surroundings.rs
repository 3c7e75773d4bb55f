//! What a run takes from its surroundings: the time, and the places where a test may cut it.

use std::sync::atomic::{AtomicI64, Ordering};

use mastoc_domain::Timestamp;

use crate::error::EngineError;

/// The time of this machine. It only measures how long ago something was done here; no decision compares it with
/// Stokt's.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The system's clock, put forward or back by seconds: for tests of months in minutes.
#[derive(Debug, Default)]
pub struct ShiftedClock(AtomicI64);

impl ShiftedClock {
    /// Put forward by so many seconds.
    #[must_use]
    pub fn by(seconds: i64) -> Self {
        Self(AtomicI64::new(seconds))
    }

    /// Puts it forward by so many seconds more.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let shift = chrono::TimeDelta::try_seconds(self.0.load(Ordering::Relaxed)).unwrap_or_default();
        let now = chrono::Utc::now();
        Timestamp::from_utc(now.checked_add_signed(shift).unwrap_or(now))
    }
}

/// Places in a run where a crash must do no harm: after every commit, and on both sides of every call that changes
/// something at Stokt. Called by name; an error ends the run there, without any cleaning up of the engine's.
pub trait Points: Send + Sync {
    /// The run has come to the place `name`.
    ///
    /// # Errors
    /// When the run is to end here.
    fn reached(&self, name: &'static str) -> Result<(), EngineError>;
}

/// A run that nobody cuts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Uncut;

impl Points for Uncut {
    fn reached(&self, _: &'static str) -> Result<(), EngineError> {
        Ok(())
    }
}
