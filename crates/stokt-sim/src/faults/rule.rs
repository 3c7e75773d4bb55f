//! When something goes wrong: which requests meet a fault, and how often.

use std::sync::Arc;

use serde_json::Value;

use super::{Change, Fault, RetryAfter, Rewrite};
use crate::board::Board;
use crate::rng::Rng;

/// A fault and the requests that meet it: of those whose method and path fit, the first `skip` pass, then every
/// `every`-th is hit with `probability`, `times` times in all.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(crate) fault: Fault,
    method: Option<String>,
    path: Option<String>,
    skip: u64,
    every: u64,
    times: Option<u64>,
    probability: f64,
    pub(super) carried_out: Option<bool>,
    seen: u64,
    pub(super) hit: u64,
}

impl From<Fault> for Rule {
    fn from(fault: Fault) -> Self {
        Self::new(fault)
    }
}

impl Rule {
    /// A rule that hits every request its fault makes sense for: page faults all gym listings of climbs,
    /// picture faults all wall pictures, the others everything.
    pub fn new(fault: Fault) -> Self {
        let path = match &fault {
            Fault::NextLoop
            | Fault::NextElsewhere { .. }
            | Fault::Repeat { .. }
            | Fault::Drift { .. }
            | Fault::Vanish { .. }
            | Fault::Count { .. }
            | Fault::CountDrift { .. }
            | Fault::FieldGone { .. }
            | Fault::FieldRetyped { .. }
            | Fault::FieldNew { .. } => Some("/api/gyms/*/climbs".to_owned()),
            Fault::Picture(_) => Some("/media/*walls".to_owned()),
            _ => None,
        };
        Self {
            fault,
            method: None,
            path,
            skip: 0,
            every: 1,
            times: None,
            probability: 1.0,
            carried_out: None,
            seen: 0,
            hit: 0,
        }
    }

    /// A status with a JSON body and no `Retry-After`.
    pub fn status(code: u16) -> Self {
        Self::new(Fault::Status { code, retry_after: None, html: false })
    }

    /// A status with an HTML body, as a proxy in front of a dead service gives it.
    pub fn html_status(code: u16) -> Self {
        Self::new(Fault::Status { code, retry_after: None, html: true })
    }

    /// 429 with `Retry-After`.
    pub fn throttle(retry_after: RetryAfter) -> Self {
        Self::new(Fault::Status { code: 429, retry_after: Some(retry_after), html: false })
    }

    /// The connection closes after so many bytes of the answer.
    pub fn cut(after_bytes: u64) -> Self {
        Self::new(Fault::Cut { after_bytes })
    }

    /// The JSON of the answer is changed: a new field, one less, another type.
    pub fn rewrite(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::new(Fault::Rewrite(Rewrite(Arc::new(change))))
    }

    /// The board is changed just before the request is answered: what others do while one pages.
    pub fn change(change: impl Fn(&mut Board) + Send + Sync + 'static) -> Self {
        Self::new(Fault::Change(Change(Arc::new(change))))
    }

    /// Only requests whose path begins like this; `*` stands for any characters.
    #[must_use]
    pub fn path(mut self, pattern: &str) -> Self {
        self.path = Some(pattern.to_owned());
        self
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// The first `count` fitting requests pass.
    #[must_use]
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Only every `nth` fitting request, the `nth` first.
    #[must_use]
    pub fn every(mut self, nth: u64) -> Self {
        self.every = nth.max(1);
        self
    }

    /// At most so many times.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    /// Only with this probability, drawn from the faults' seed.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// The service does what it was asked, then fails.
    #[must_use]
    pub fn carried_out(mut self) -> Self {
        self.carried_out = Some(true);
        self
    }

    /// The service fails without having done anything.
    #[must_use]
    pub fn not_carried_out(mut self) -> Self {
        self.carried_out = Some(false);
        self
    }

    /// Whether this request is hit; counts it.
    pub(super) fn meets(&mut self, method: &str, path: &str, rng: &mut Rng) -> bool {
        if self.times.is_some_and(|times| self.hit >= times)
            || self.method.as_deref().is_some_and(|wanted| wanted != method)
            || self.path.as_deref().is_some_and(|pattern| !begins_like(path, pattern))
        {
            return false;
        }
        self.seen += 1;
        if self.seen <= self.skip
            || !(self.seen - self.skip).is_multiple_of(self.every)
            || (self.probability < 1.0 && !rng.chance(self.probability))
        {
            return false;
        }
        self.hit += 1;
        true
    }
}

/// Whether a path begins like a pattern in which `*` stands for any characters.
pub(super) fn begins_like(path: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}
