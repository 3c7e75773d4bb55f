//! How often one may knock: counts by address and by account, in bounded memory.

use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::errors::{ApiError, Code};

/// How many addresses or accounts are counted at once, by each counter. The one that knocked longest ago is forgotten
/// first; whoever has so many addresses is stopped by no such counter.
const MOST_KEYS: u64 = 50_000;
/// The longest time that a limit may speak of, in seconds: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// So many times within so long; unused turns come back one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    count: NonZeroU32,
    within: Duration,
}

/// The text is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no limit; write COUNT/SECONDS, as in 20/60, with at most a day")]
pub struct UnknownLimit(String);

impl RateLimit {
    /// `count` times within `seconds`; both at least 1.
    #[must_use]
    pub const fn new(count: u32, seconds: u64) -> Self {
        let count = match NonZeroU32::new(count) {
            Some(count) => count,
            None => NonZeroU32::MIN,
        };
        Self { count, within: Duration::from_secs(if seconds == 0 { 1 } else { seconds }) }
    }

    fn quota(self) -> Quota {
        // Never less than a nanosecond, so that the period is never zero.
        let each = (self.within / self.count.get()).max(Duration::from_nanos(1));
        Quota::with_period(each).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(self.count)
    }
}

impl FromStr for RateLimit {
    type Err = UnknownLimit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (count, seconds) = text.trim().split_once('/')?;
            let count: NonZeroU32 = count.parse().ok()?;
            let seconds: u64 = seconds.parse().ok().filter(|seconds| (1..=LONGEST).contains(seconds))?;
            Some(Self::new(count.get(), seconds))
        };
        read().ok_or_else(|| UnknownLimit(text.chars().take(40).collect()))
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.within.as_secs())
    }
}

/// The limits of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Logins from one address.
    pub login_by_address: RateLimit,
    /// Logins into one account, and other guesses at its password.
    pub login_by_account: RateLimit,
    /// New accounts from one address.
    pub register_by_address: RateLimit,
    /// New accounts for one e-mail address.
    pub register_by_account: RateLimit,
    /// Forgotten passwords from one address.
    pub reset_by_address: RateLimit,
    /// Forgotten passwords of one account.
    pub reset_by_account: RateLimit,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            // A gym shares one address.
            login_by_address: RateLimit::new(30, 60),
            login_by_account: RateLimit::new(10, 300),
            register_by_address: RateLimit::new(20, 3_600),
            register_by_account: RateLimit::new(5, 3_600),
            reset_by_address: RateLimit::new(20, 3_600),
            reset_by_account: RateLimit::new(5, 3_600),
        }
    }
}

/// One kind of knocking, counted by key.
struct Counter<K> {
    quota: Quota,
    keys: Cache<K, Arc<DefaultDirectRateLimiter>>,
}

impl<K: Hash + Eq + Send + Sync + 'static> Counter<K> {
    fn new(limit: RateLimit, most: u64) -> Self {
        // Whoever did not knock for the whole time has all turns back, as if never seen.
        let keys = Cache::builder()
            .max_capacity(most)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(limit.within)
            .build();
        Self { quota: limit.quota(), keys }
    }

    /// Takes one turn.
    fn knock(&self, key: K) -> Result<(), ApiError> {
        let limiter = self.keys.get_with(key, || Arc::new(RateLimiter::direct(self.quota)));
        limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let seconds = wait.as_secs().saturating_add(1);
            ApiError::new(Code::TooMany, format!("Too many attempts; try again in {seconds} s."))
                .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
        })
    }
}

/// Names an account without holding its address or name.
type AccountKey = [u8; 32];

/// The counters of one kind of request.
struct Gate {
    by_address: Counter<IpAddr>,
    by_account: Counter<AccountKey>,
}

impl Gate {
    fn new(by_address: RateLimit, by_account: RateLimit) -> Self {
        Self {
            by_address: Counter::new(by_address, MOST_KEYS),
            by_account: Counter::new(by_account, MOST_KEYS),
        }
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knock {
    /// Guessing a password.
    Login,
    /// Making an account.
    Register,
    /// Asking for a reset.
    Reset,
    /// Using a reset.
    Confirm,
}

/// All counters of a server.
pub(crate) struct Limits {
    login: Gate,
    register: Gate,
    reset: Gate,
    confirm: Gate,
}

impl Limits {
    pub(crate) fn new(limits: &RateLimits) -> Self {
        Self {
            login: Gate::new(limits.login_by_address, limits.login_by_account),
            register: Gate::new(limits.register_by_address, limits.register_by_account),
            reset: Gate::new(limits.reset_by_address, limits.reset_by_account),
            confirm: Gate::new(limits.login_by_address, limits.login_by_account),
        }
    }

    fn gate(&self, kind: Knock) -> &Gate {
        match kind {
            Knock::Login => &self.login,
            Knock::Register => &self.register,
            Knock::Reset => &self.reset,
            Knock::Confirm => &self.confirm,
        }
    }

    /// Takes one of the turns of an address.
    ///
    /// # Errors
    /// 429 with Retry-After when none is left.
    pub(crate) fn by_address(&self, kind: Knock, address: IpAddr) -> Result<(), ApiError> {
        self.gate(kind).by_address.knock(address)
    }

    /// Takes one of the turns of an account, whether it exists or not.
    ///
    /// # Errors
    /// 429 with Retry-After when none is left.
    pub(crate) fn by_account(&self, kind: Knock, account: &str) -> Result<(), ApiError> {
        self.gate(kind).by_account.knock(Sha256::digest(account.trim().to_lowercase()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_printed() {
        assert_eq!("20/60".parse(), Ok(RateLimit::new(20, 60)));
        assert_eq!(RateLimit::new(20, 60).to_string(), "20/60");
        for bad in ["", "20", "0/60", "20/0", "20/86401", "-1/60", "20/60/1", "x/y", "4294967296/1"] {
            assert!(bad.parse::<RateLimit>().is_err(), "{bad}");
        }
    }

    #[test]
    fn s07_turns_run_out_by_key_and_the_answer_says_when_to_come_back() {
        let counter = Counter::new(RateLimit::new(3, 3_600), 10);
        for _ in 0..3 {
            assert!(counter.knock("anna").is_ok());
        }
        let refused = counter.knock("anna").unwrap_err();
        let response = actix_web::ResponseError::error_response(&refused);
        assert_eq!(response.status(), 429);
        let wait: u64 = response.headers().get("retry-after").unwrap().to_str().unwrap().parse().unwrap();
        assert!((1_190..=1_201).contains(&wait), "{wait}");
        assert!(counter.knock("berta").is_ok());
    }

    #[test]
    fn s07_counting_takes_bounded_memory() {
        let counter = Counter::new(RateLimit::new(1, 3_600), 100);
        for key in 0..10_000_u32 {
            assert!(counter.knock(key).is_ok());
        }
        counter.keys.run_pending_tasks();
        assert!(counter.keys.entry_count() <= 100, "{}", counter.keys.entry_count());
        // The newest are still counted, however many came before.
        assert!(counter.knock(9_999).is_err());
    }
}
