//! Politeness: the interval between requests, back-off with full jitter, and `Retry-After`.

use std::time::{Duration, Instant, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// When the next request may go out, and how often in a row we were told to slow down.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    last_start: Option<Instant>,
    not_before: Option<Instant>,
    throttles_in_a_row: u32,
}

impl Pace {
    /// How long to wait before the next request.
    pub(crate) fn wait(&self, min_interval: Duration, now: Instant) -> Duration {
        let polite = self.last_start.and_then(|start| start.checked_add(min_interval));
        [polite, self.not_before]
            .into_iter()
            .flatten()
            .map(|moment| moment.saturating_duration_since(now))
            .max()
            .unwrap_or_default()
    }

    pub(crate) fn started(&mut self, now: Instant) {
        self.last_start = Some(now);
    }

    /// No request before `wait` is over, whichever call comes next.
    pub(crate) fn hold_back(&mut self, wait: Duration, now: Instant) {
        let moment = now.checked_add(wait);
        self.not_before = self.not_before.max(moment);
    }

    /// Counts a 429; answers how many came in a row, over all calls.
    pub(crate) fn throttled(&mut self) -> u32 {
        self.throttles_in_a_row += 1;
        self.throttles_in_a_row
    }

    pub(crate) fn answered(&mut self) {
        self.throttles_in_a_row = 0;
    }
}

/// The waits between the attempts of one call: exponential, full jitter, `None` when they are used up.
pub(crate) struct Backoff(ExponentialBackoff);

impl Backoff {
    pub(crate) fn new(first: Duration, cap: Duration, retries: usize) -> Self {
        // backon adds its jitter on top of the delay; full jitter draws from zero up to it, so it is ours.
        Self(
            ExponentialBuilder::new()
                .with_factor(2.0)
                .with_min_delay(first.min(cap))
                .with_max_delay(cap)
                .with_max_times(retries)
                .build(),
        )
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next().map(|ceiling| ceiling.mul_f64(rand::random::<f64>()))
    }
}

/// Reads `Retry-After` in both forms: seconds, or an HTTP date.
///
/// A date is taken relative to the answer's own `Date` where it has one, so that a wrong clock here does no harm.
pub(crate) fn retry_after(header: &str, date: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(header).ok()?;
    Some(until.duration_since(date.unwrap_or(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_is_bounded_and_jittered() {
        let ceilings = [1, 2, 4, 8, 16, 32, 60, 60];
        for _ in 0..50 {
            let waits: Vec<Duration> =
                Backoff::new(Duration::from_secs(1), Duration::from_secs(60), 8).collect();
            assert_eq!(waits.len(), 8);
            for (wait, ceiling) in waits.iter().zip(ceilings) {
                assert!(*wait <= Duration::from_secs(ceiling), "{wait:?} > {ceiling}");
            }
        }
        let first = |()| Backoff::new(Duration::from_secs(1), Duration::from_secs(60), 1).next().unwrap();
        let draws: Vec<Duration> = std::iter::repeat_n((), 60).map(first).collect();
        assert!(
            draws.iter().any(|wait| *wait < Duration::from_millis(500)),
            "full jitter reaches the lower half"
        );
        assert!(draws.iter().any(|wait| *wait > Duration::from_millis(500)));
    }

    #[test]
    fn retry_after_reads_both_forms() {
        let date = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let now = SystemTime::now();
        assert_eq!(retry_after(" 120 ", None, now), Some(Duration::from_secs(120)));
        let later = "Sun, 06 Nov 1994 08:50:07 GMT";
        assert_eq!(
            retry_after(later, Some(date), now),
            Some(Duration::from_secs(30)),
            "our clock plays no part"
        );
        assert_eq!(retry_after(later, None, date), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(later, None, now), Some(Duration::ZERO), "a date that is over");
        assert_eq!(retry_after("soon", None, now), None);
    }

    #[test]
    fn the_longer_of_interval_and_hold_counts() {
        let now = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.wait(Duration::from_secs(1), now), Duration::ZERO);
        pace.started(now);
        assert_eq!(pace.wait(Duration::from_secs(1), now), Duration::from_secs(1));
        pace.hold_back(Duration::from_secs(7), now);
        pace.hold_back(Duration::from_secs(3), now);
        assert_eq!(pace.wait(Duration::from_secs(1), now), Duration::from_secs(7));
        assert_eq!((pace.throttled(), pace.throttled()), (1, 2));
        pace.answered();
        assert_eq!(pace.throttled(), 1);
    }
}
