//! Sending to Stokt: climbs that it does not know, and what was changed or deleted here of those that the account set.
//!
//! - `plan.rs` finds what there is to send, reads only, and asks the table;
//! - `sending` here takes each thing through the outbox: frozen, taken up, on record as being sent, sent once, and
//!   written down with what came of it; no transaction is open over a call;
//! - `lists.rs` sends a list;
//! - `apart.rs` tells what stays here, since the account cannot send it.
//!
//! What Stokt certainly did not do waits for the next attempt. Three refusals in a row to take requests at this pace,
//! or three answers in a row that say nothing, end the run; all that was done until then stays done.

pub(crate) mod apart;
mod changes;
mod creations;
mod hiding;
mod lists;
mod plan;
pub(crate) mod twins;

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ClimbId, StoktId, Timestamp};
use mastoc_stokt_client::{Error as StoktError, ErrorKind, Outcome};
use mastoc_storage::outbox::{self, Begun, Claim, Created, Entry, Lease, Leased};

use super::sending::{Frozen, Send};
use super::session::Session;
use super::settle::{about, climb_of};
use super::view::{RemoteClimb, View};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::report::{Issue, Report};

use hiding::Meanwhile;
pub(crate) use plan::{Planned, plan};

/// How long after a row was taken up its sending may begin.
const LEASE_SECONDS: i64 = 900;
/// Why a climb waits that somebody changed or deleted here since the run began.
const CHANGED: &str = "it was changed here before its turn; the next run looks at it";
/// Why it is told of a climb that it is at Stokt, though it is not here any more.
const DELETED: &str = "it was deleted here while it was being sent; --allow-delete takes it away there too";
/// How many failures in a row end a run.
const MOST_FAILURES: u32 = 3;

/// Sends what there is to send.
///
/// # Errors
/// What ends the run; what was done until then stays done.
pub(crate) fn push(session: &Session<'_>, view: &View<'_>, report: &mut Report) -> Result<(), EngineError> {
    let ctx = session.context();
    let now = session.clock.now();
    session.store.write(|conn| outbox::forget_changes(conn, &ctx, session.account, now))?;
    session.points.reached("push.begun")?;
    let held = held(session)?;
    let planned = plan(session, view)?;
    let mut work = Push {
        session,
        mine: view.mine.iter().map(|climb| (climb.stokt_id, climb)).collect(),
        twins: view.twins.clone(),
        unreadable: view.unreadable,
        gyms: view.gyms.iter().map(|seen| seen.gym).collect(),
        report,
        held,
        loose: Vec::new(),
        failures: 0,
    };
    for decision in planned.decisions {
        if decision.decision == Decided::Rejected {
            let (kind, stokt_id) = (decision.kind.clone(), decision.stokt_id.clone());
            let detail = decision.why.clone().unwrap_or_default();
            work.report.problem(Issue { kind, stokt_id, code: "rejected".to_owned(), detail });
        }
        work.report.decide(decision);
    }
    if !planned.stale.is_empty() {
        session.store.write(|conn| outbox::drop_stale(conn, &ctx, &planned.stale))?;
        session.points.reached("push.queued")?;
    }
    let size = session.options.batch_size.max(1);
    for batch in planned.create.chunks(size) {
        work.create(batch)?;
    }
    work.hide_loose()?;
    for batch in planned.change.chunks(size) {
        work.change(batch)?;
    }
    lists::push(&mut work)
}

/// What came of a call.
enum Came<T> {
    /// An answer.
    Answer(T),
    /// It waits for the next run, is refused, or nobody knows; that is written down.
    Over,
    /// Stokt wants it slower: once more.
    Again,
}

struct Push<'r, 's> {
    session: &'r Session<'s>,
    mine: HashMap<StoktId, &'r RemoteClimb>,
    /// What Stokt has of each fingerprint, with what this run created.
    twins: HashMap<String, BTreeSet<StoktId>>,
    /// Climbs of the account's that cannot be read.
    unreadable: &'r BTreeSet<StoktId>,
    gyms: plan::Gyms,
    report: &'r mut Report,
    /// Until when Stokt asked an earlier run to wait.
    held: Option<Timestamp>,
    /// Climbs that were created and that Stokt does not show to be as private as they were sent.
    loose: Vec<StoktId>,
    /// Calls in a row of which nothing came.
    failures: u32,
}

impl Push<'_, '_> {
    fn create(&mut self, ids: &[ClimbId]) -> Result<(), EngineError> {
        let session = self.session;
        let ctx = session.context();
        let gyms = &self.gyms;
        let claimed: Result<Vec<Entry>, EngineError> = session.store.write(|conn| {
            outbox::hold(conn, ids)?;
            // What cannot be sent was told by the plan; what became so since then waits for the next run.
            let claims = creations::Creations::ask(conn, ids)?.claims(session, gyms);
            Ok(outbox::claim(conn, &ctx, &claims)?)
        });
        let claimed = claimed?;
        session.points.reached("push.claimed")?;
        for entry in claimed {
            let Some(frozen) = Frozen::of(&entry) else { continue };
            let Send::Create(new) = &frozen.send else { continue };
            let mut known = self.twins.get(&entry.fingerprint).cloned().unwrap_or_default();
            // What cannot be read and is there already is not what comes of it.
            known.extend(self.unreadable);
            let sent = self.send(&entry, &known, |session| session.client.create_climb(frozen.face, new))?;
            let Some((lease, answer)) = sent else { continue };
            let (Ok(stokt_id), Some(base), Some(climb)) =
                (answer.id.to_string().parse::<StoktId>(), frozen.base(), climb_of(&entry))
            else {
                self.unknown(&entry, lease, "Stokt's answer names no id that can be kept")?;
                continue;
            };
            // Only what Stokt shows is agreed on: else a pull would take its silence for somebody's wish.
            let shown = answer.raw.get("isPrivate").and_then(serde_json::Value::as_bool);
            let is_kept = shown == Some(base.is_private) || (shown.is_none() && !base.is_private);
            let was_private = base.is_private;
            let (base, sent_rev) = verified(base, shown.unwrap_or_default(), entry.local_rev);
            let created: Result<(Created, Meanwhile), EngineError> = session.store.write(|conn| {
                let created = outbox::created(conn, &ctx, lease, climb, stokt_id, &base, sent_rev)?;
                let linked = Some(climb).filter(|_| created == Created::Linked);
                Ok((created, Meanwhile::look(conn, session, linked, was_private)?))
            });
            let (created, meanwhile) = created?;
            if !is_kept && created == Created::Linked {
                self.loose.push(stokt_id);
            }
            session.points.reached("push.linked")?;
            self.twins.entry(entry.fingerprint.clone()).or_default().insert(stokt_id);
            let decision = match created {
                Created::Taken => about(&entry, Decided::Ambiguous),
                Created::Linked if meanwhile.is_hidden => meanwhile.tell(about(&entry, Decided::Sent)),
                // Of what was sent as a private climb, whoever had it sent knew the name.
                Created::Linked => about(&entry, Decided::Sent),
                Created::Deleted => about(&entry, Decided::Sent).because(DELETED),
            };
            self.report.decide(Decision { stokt_id: stokt_id.to_string(), ..decision });
            if meanwhile.is_hidden {
                self.hide(stokt_id)?;
            }
        }
        Ok(())
    }

    /// Takes a row up, writes down that it is being sent, and sends it: once, or again where Stokt certainly did
    /// nothing but ask for patience. `None`: it is over, and what came of it is on record.
    fn send<T>(
        &mut self,
        entry: &Entry,
        known: &BTreeSet<StoktId>,
        call: impl Fn(&Session<'_>) -> Result<T, StoktError>,
    ) -> Result<Option<(Lease, T)>, EngineError> {
        loop {
            let session = self.session;
            session.check()?;
            let ctx = session.context();
            // Before it is on record as being sent, so that nothing but the call comes after that.
            session.client.wait_for_turn()?;
            let now = session.clock.now();
            if let Some(until) = entry.not_before.max(self.held).filter(|until| *until > now) {
                self.report.decide(about(entry, Decided::Skipped).because(format!("it waits until {until}")));
                return Ok(None);
            }
            let until = later(now, LEASE_SECONDS);
            let lease = match session.store.write(|conn| outbox::lease(conn, &ctx, entry, known, until))? {
                Leased::Yes(lease) => lease,
                Leased::Waits => {
                    let why = "it is not known yet what became of one just like it";
                    self.report.decide(about(entry, Decided::Skipped).because(why));
                    return Ok(None);
                }
                Leased::Gone => return Ok(None),
            };
            session.points.reached("push.leased")?;
            let begun = session.store.write(|conn| outbox::sent(conn, &ctx, lease, session.clock.now()))?;
            session.points.reached(if begun == Begun::Yes { "push.sent" } else { "push.queued" })?;
            if begun == Begun::Changed {
                // Without its name: it may have become private.
                let id = entry.stokt_id.map_or_else(|| entry.local_id.clone(), |id| id.to_string());
                self.report.decide(Decision::new(entry.entity, id, Decided::Skipped).because(CHANGED));
                return Ok(None);
            }
            let answer = call(session);
            session.points.reached("push.answered")?;
            match self.came(entry, lease, answer)? {
                Came::Answer(answer) => return Ok(Some((lease, answer))),
                Came::Over => return Ok(None),
                Came::Again => {}
            }
        }
    }

    /// Writes down what came of a call that failed.
    fn came<T>(
        &mut self,
        entry: &Entry,
        lease: Lease,
        answer: Result<T, StoktError>,
    ) -> Result<Came<T>, EngineError> {
        let error = match answer {
            Ok(answer) => {
                self.failures = 0;
                return Ok(Came::Answer(answer));
            }
            Err(error) => error,
        };
        let why = error.to_string();
        let is_passing = error.is_throttled() || matches!(error.kind(), ErrorKind::Status(408 | 425));
        match error.outcome() {
            Outcome::NotSent => {
                self.back(lease, &why, None)?;
                Err(error.into())
            }
            Outcome::Refused if error.is_auth() => {
                self.back(lease, &why, None)?;
                Err(error.into())
            }
            Outcome::Refused if is_passing => {
                self.failures += 1;
                let is_last = self.failures >= MOST_FAILURES;
                // This process waits that long before its next call; the row tells the next one.
                let pause = error.retry_after().and_then(|wait| i64::try_from(wait.as_secs()).ok());
                self.back(lease, &why, pause.map(|pause| later(self.session.clock.now(), pause)))?;
                if is_last { Err(error.into()) } else { Ok(Came::Again) }
            }
            Outcome::Refused => {
                self.failures = 0;
                self.rejected(entry, lease, &why)?;
                Ok(Came::Over)
            }
            Outcome::Unknown => {
                self.failures += 1;
                self.unknown(entry, lease, &why)?;
                if self.failures >= MOST_FAILURES { Err(error.into()) } else { Ok(Came::Over) }
            }
        }
    }

    fn back(&self, lease: Lease, why: &str, not_before: Option<Timestamp>) -> Result<(), EngineError> {
        let ctx = self.session.context();
        self.session.store.write(|conn| outbox::back(conn, &ctx, lease, why, not_before))?;
        self.session.points.reached("push.queued")
    }

    fn rejected(&mut self, entry: &Entry, lease: Lease, why: &str) -> Result<(), EngineError> {
        let ctx = self.session.context();
        self.session.store.write(|conn| outbox::rejected(conn, &ctx, lease, why))?;
        self.session.points.reached("push.rejected")?;
        self.report.decide(about(entry, Decided::Rejected).because(why));
        self.problem(entry, "rejected", why);
        Ok(())
    }

    fn unknown(&mut self, entry: &Entry, lease: Lease, why: &str) -> Result<(), EngineError> {
        let ctx = self.session.context();
        self.session.store.write(|conn| outbox::unknown(conn, &ctx, lease, why))?;
        self.session.points.reached("push.unknown")?;
        self.report.decide(about(entry, Decided::Unknown).because(why));
        self.problem(entry, "unknown_outcome", why);
        Ok(())
    }

    fn problem(&mut self, entry: &Entry, code: &str, why: &str) {
        let stokt_id = entry.stokt_id.map_or_else(|| entry.local_id.clone(), |id| id.to_string());
        let (kind, code) = (entry.entity.as_str().to_owned(), code.to_owned());
        self.report.problem(Issue { kind, stokt_id, code, detail: why.to_owned() });
    }
}

/// What is agreed on of a climb that was sent with `base` and that Stokt shows as private, or not: what differs is
/// still to be sent.
pub(super) fn verified(base: CanonicalClimb, is_private: bool, sent_rev: i32) -> (CanonicalClimb, i32) {
    let sent_rev = if is_private == base.is_private { sent_rev } else { sent_rev - 1 };
    (CanonicalClimb { is_private, ..base }, sent_rev)
}

/// Until when Stokt asked to wait, as an earlier run noted it.
fn held(session: &Session<'_>) -> Result<Option<Timestamp>, EngineError> {
    let rows = session.store.read(|conn| outbox::in_states(conn, &[OutboxState::Pending]))?;
    let own = rows.into_iter().filter(|row| row.account == session.account);
    Ok(own.filter_map(|row| row.not_before).max())
}

fn later(from: Timestamp, seconds: i64) -> Timestamp {
    let time = from.as_utc();
    let wait = TimeDelta::try_seconds(seconds).unwrap_or_default();
    Timestamp::from_utc(time.checked_add_signed(wait).unwrap_or(time))
}

/// A claim on what the outbox keeps of a climb.
fn claim_of(
    local_id: String,
    action: OutboxAction,
    stokt_id: Option<StoktId>,
    account: StoktId,
    frozen: &Frozen,
    fingerprint: String,
    local_rev: i32,
) -> Claim {
    Claim {
        entity: EntityKind::Climb,
        local_id,
        action,
        stokt_id,
        account,
        payload: frozen.to_json(),
        fingerprint,
        local_rev,
    }
}
