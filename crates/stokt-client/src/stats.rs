//! Counters of what a client did, readable at any time from any thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
    throttles: AtomicU64,
    slept_micros: AtomicU64,
    bytes: AtomicU64,
}

/// A cheap handle on a client's counters; clones read the same ones.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Counters>);

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatsReading {
    /// Requests sent, repetitions and redirects included.
    pub requests: u64,
    /// Requests among them that repeated a failed one.
    pub retries: u64,
    /// Answers with status 429.
    pub throttles: u64,
    /// Time spent waiting, for politeness and after failures.
    pub slept: Duration,
    /// Bytes of answers read, after decompression; grows while an answer is being read.
    pub bytes: u64,
}

impl Stats {
    /// Reads all counters.
    #[must_use]
    pub fn read(&self) -> StatsReading {
        let Counters { requests, retries, throttles, slept_micros, bytes } = &*self.0;
        StatsReading {
            requests: requests.load(Ordering::Relaxed),
            retries: retries.load(Ordering::Relaxed),
            throttles: throttles.load(Ordering::Relaxed),
            slept: Duration::from_micros(slept_micros.load(Ordering::Relaxed)),
            bytes: bytes.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn add_request(&self) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_retry(&self) {
        self.0.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_throttle(&self) {
        self.0.throttles.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_slept(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0.slept_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn add_bytes(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
