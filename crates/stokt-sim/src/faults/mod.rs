//! Misbehaviour on request: what goes wrong ([`Fault`]), and when ([`Rule`]).

mod parse;
mod plan;
mod rule;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::board::Board;
use crate::rng::Rng;

pub use parse::{FAULT_HELP, RuleParseError};
pub(crate) use plan::{Answer, Cut, FieldChange, Plan};
pub use rule::Rule;

/// How a `Retry-After` header says when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryAfter {
    /// In whole seconds.
    Seconds(u64),
    /// As an HTTP date, this many seconds from the moment of the answer.
    Date(u64),
}

/// What may be wrong with a wall picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureFault {
    /// The first half of the bytes, in an answer that is complete as HTTP.
    Truncated,
    /// The picture, followed by zeros up to this many bytes.
    Oversized(usize),
    /// A sound JPEG of 320 x 240 pixels.
    WrongDimensions,
    /// An HTML page that claims to be `image/jpeg`.
    NotAnImage,
}

/// Changes the JSON of an answer.
#[derive(Clone)]
pub struct Rewrite(pub(crate) Arc<dyn Fn(&mut Value) + Send + Sync>);

/// Changes the board just before a request is answered.
#[derive(Clone)]
pub struct Change(pub(crate) Arc<dyn Fn(&mut Board) + Send + Sync>);

impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewrite(..)")
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(..)")
    }
}

/// What goes wrong. Those that give another answer leave the request undone; those that spoil the answer on
/// its way come after it was carried out. [`Rule::carried_out`] and [`Rule::not_carried_out`] say otherwise.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Another status, with JSON or (as a proxy would) an HTML page.
    Status {
        /// The status.
        code: u16,
        /// The header, if there is to be one.
        retry_after: Option<RetryAfter>,
        /// HTML instead of JSON.
        html: bool,
    },
    /// The connection closes after so many bytes of the answer, headers included; 0: without a byte.
    Cut {
        /// Bytes that still arrive.
        after_bytes: u64,
    },
    /// A complete answer whose body ends early.
    Truncate {
        /// Bytes of the body that are left.
        keep: usize,
    },
    /// The true status, and a body that is no JSON.
    Garbage,
    /// 200 and an HTML page.
    Html,
    /// A pause before the request is carried out.
    Delay(Duration),
    /// A pause after it was carried out, before the answer.
    DelayAnswer(Duration),
    /// The body comes a few bytes at a time.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// Time between them.
        every: Duration,
    },
    /// A redirect.
    Redirect {
        /// 301, 302, 307 or 308.
        code: u16,
        /// An origin (`http://host:port`): the request's own path follows.
        to: String,
    },
    /// `next` names the first page again.
    NextLoop,
    /// `next` names the right page of another origin.
    NextElsewhere {
        /// An origin, `http://host:port`.
        origin: String,
    },
    /// The first records come twice on page 1; every other page begins with the last ones of the page before.
    Repeat {
        /// How many records.
        records: usize,
    },
    /// Other people create climbs before the page is answered.
    Drift {
        /// How many climbs.
        climbs: usize,
    },
    /// The newest climbs of other people are deleted before the page is answered.
    Vanish {
        /// How many climbs.
        climbs: usize,
    },
    /// `count` says something else.
    Count {
        /// What it says.
        count: u64,
    },
    /// `count` grows with every page that is asked for.
    CountDrift {
        /// By how much.
        by: u64,
    },
    /// The connection closes after so many bytes of the request's body were read; nothing is done or answered.
    CutRequest {
        /// Bytes of the body that are read.
        after_bytes: u64,
    },
    /// Every record of the answer lacks a field.
    FieldGone {
        /// Its name.
        field: String,
    },
    /// A field of every record is of another type: a text becomes a number, everything else a text.
    FieldRetyped {
        /// Its name.
        field: String,
    },
    /// Every record of the answer has one more field.
    FieldNew {
        /// Its name.
        field: String,
    },
    /// Something is wrong with a wall picture.
    Picture(PictureFault),
    /// All tokens given so far are void from this request on.
    ExpireToken,
    /// The JSON of the answer is changed. See [`Rule::rewrite`].
    Rewrite(Rewrite),
    /// The board is changed first. See [`Rule::change`].
    Change(Change),
}

/// Names a rule, to take it away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleId(u64);

#[derive(Debug)]
struct Inner {
    rules: Vec<(RuleId, Rule)>,
    next: u64,
    hits: u64,
    chaos: f64,
    is_down: bool,
    rng: Rng,
}

/// The faults of a running service.
#[derive(Debug)]
pub struct Faults(Mutex<Inner>);

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = Rng::part(seed, 70);
        Self(Mutex::new(Inner { rules: Vec::new(), next: 0, hits: 0, chaos: 0.0, is_down: false, rng }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule. Where several meet one request, all take effect as far as they go together, and the first
    /// wins where they do not.
    pub fn push(&self, rule: impl Into<Rule>) -> RuleId {
        let mut inner = self.inner();
        let id = RuleId(inner.next);
        inner.next += 1;
        inner.rules.push((id, rule.into()));
        id
    }

    /// Takes a rule away; false if it is gone already.
    pub fn remove(&self, id: RuleId) -> bool {
        let mut inner = self.inner();
        let before = inner.rules.len();
        inner.rules.retain(|(known, _)| *known != id);
        inner.rules.len() < before
    }

    /// Takes all rules away, chaos and maintenance too.
    pub fn clear(&self) {
        let mut inner = self.inner();
        inner.rules.clear();
        inner.chaos = 0.0;
        inner.is_down = false;
    }

    /// From now on each request fails with this probability, in one of the usual ways drawn from the seed: of
    /// a hundred failures 40 are 429 (half with `Retry-After`), 25 are 5xx (a third of them carried out), 20 are
    /// connections cut somewhere, 5 truncated, 5 garbage, 5 slow by a tenth of a second.
    pub fn chaos(&self, probability: f64) {
        self.inner().chaos = probability.clamp(0.0, 1.0);
    }

    /// Draws from another seed from now on: the same faults for the same seed, whatever was drawn before.
    pub fn reseed(&self, seed: u64) {
        self.inner().rng = Rng::part(seed, 70);
    }

    /// Takes the whole service down for maintenance (every request is answered with 503 and an HTML page, and nothing
    /// is done), or brings it back. Other faults stay as they are.
    pub fn maintenance(&self, is_down: bool) {
        self.inner().is_down = is_down;
    }

    /// How many faults have been met so far.
    pub fn hits(&self) -> u64 {
        self.inner().hits
    }

    /// How often a rule was met; 0 for one that is gone.
    pub fn hits_of(&self, id: RuleId) -> u64 {
        self.inner().rules.iter().find(|(known, _)| *known == id).map_or(0, |(_, rule)| rule.hit)
    }

    /// What is to happen to a request.
    pub(crate) fn plan(&self, method: &str, path: &str) -> Plan {
        let mut inner = self.inner();
        let inner = &mut *inner;
        let mut plan = Plan::default();
        if inner.is_down {
            inner.hits += 1;
            plan.add(&Fault::Status { code: 503, retry_after: None, html: true }, Some(false));
            return plan;
        }
        for (_, rule) in &mut inner.rules {
            if rule.meets(method, path, &mut inner.rng) {
                inner.hits += 1;
                plan.add(&rule.fault, rule.carried_out);
                if let Fault::CountDrift { by } = &rule.fault {
                    plan.count_drift += by * rule.hit;
                }
            }
        }
        if inner.chaos > 0.0 && inner.rng.chance(inner.chaos) {
            inner.hits += 1;
            plan.add_chaos(&mut inner.rng);
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rule::begins_like;

    #[test]
    fn a_pattern_is_a_prefix_with_holes() {
        assert!(begins_like("/api/gyms/1/climbs", "/api/gyms/*/climbs"));
        assert!(begins_like("/api/gyms/1/climbs", "/api"));
        assert!(begins_like("/media/a/walls/b.jpg", "/media/*walls"));
        assert!(!begins_like("/api/gyms/1/summary", "/api/gyms/*/climbs"));
        assert!(!begins_like("/media/x", "/api"));
    }

    #[test]
    fn a_rule_counts_only_what_fits() {
        let faults = Faults::new(1);
        let id = faults.push(Rule::status(500).path("/api").method("get").skip(1).every(2).times(2));
        let mut hit = Vec::new();
        for _ in 0..8 {
            assert!(faults.plan("POST", "/api").answer.is_none());
            assert!(faults.plan("GET", "/media").answer.is_none());
            hit.push(faults.plan("GET", "/api/x").answer.is_some());
        }
        assert_eq!(hit, [false, false, true, false, true, false, false, false]);
        assert_eq!((faults.hits(), faults.hits_of(id)), (2, 2));
        assert!(faults.remove(id) && !faults.remove(id));
    }

    #[test]
    fn chaos_follows_its_probability_and_its_seed() {
        let run = |seed| {
            let faults = Faults::new(seed);
            faults.chaos(0.1);
            (0..2000).map(|_| faults.plan("GET", "/api").is_fault()).collect::<Vec<_>>()
        };
        let hits = run(5).iter().filter(|hit| **hit).count();
        assert!((140..260).contains(&hits), "{hits}");
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
        // Reseeded, it begins anew.
        let faults = Faults::new(7);
        faults.chaos(0.1);
        let again = |seed| {
            faults.reseed(seed);
            (0..2000).map(|_| faults.plan("GET", "/api").is_fault()).collect::<Vec<_>>()
        };
        assert_eq!((again(5), again(6)), (run(5), run(6)));
    }
}
