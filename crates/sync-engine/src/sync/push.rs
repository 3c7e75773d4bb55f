//! Sending to Stokt: climbs that it does not know, and what was changed or deleted here of those that the account set.
//!
//! - `plan.rs` finds what there is to send, reads only, and asks the table;
//! - `sending` here takes each thing through the outbox: frozen, taken up, on record as being sent, sent once, and
//!   written down with what came of it; no transaction is open over a call;
//! - `lists.rs` sends a list.
//!
//! What Stokt certainly did not do waits for the next attempt. Three refusals in a row to take requests at this pace,
//! or three answers in a row that say nothing, end the run; all that was done until then stays done.

mod creations;
mod lists;
mod plan;

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::outbox::OutboxAction;
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ClimbId, StoktId, Timestamp};
use mastoc_stokt_client::types::Permissions;
use mastoc_stokt_client::{Error as StoktError, ErrorKind, Outcome, Record};
use mastoc_storage::outbox::{self, Claim, Created, Entry, Lease, Leased};
use mastoc_storage::sync_climbs::{self, Known};
use mastoc_storage::sync_writes::{self, Agreement};

use super::decide::{Action, Field};
use super::sending::{Frozen, Send};
use super::session::Session;
use super::settle::{about, agree, climb_of};
use super::view::{RemoteClimb, View};
use crate::convert::{Setters, climb_from_stokt};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::report::{Issue, Report};

use plan::Verdict;
pub(crate) use plan::{Planned, plan};

/// How long after a row was taken up its sending may begin.
const LEASE_SECONDS: i64 = 900;
/// How many failures in a row end a run.
const MOST_FAILURES: u32 = 3;

/// Sends what there is to send.
///
/// # Errors
/// What ends the run; what was done until then stays done.
pub(crate) fn push(session: &Session<'_>, view: &View<'_>, report: &mut Report) -> Result<(), EngineError> {
    let ctx = session.context();
    session.store.write(|conn| outbox::forget_changes(conn, &ctx, session.account))?;
    let planned = plan(session, view)?;
    let mut work = Push {
        session,
        mine: view.mine.iter().map(|climb| (climb.stokt_id, climb)).collect(),
        twins: view.twins.clone(),
        gyms: view.gyms.iter().map(|seen| seen.gym).collect(),
        report,
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
    gyms: plan::Gyms,
    report: &'r mut Report,
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
            let known = self.twins.get(&entry.fingerprint).cloned().unwrap_or_default();
            let sent = self.send(&entry, &known, |session| session.client.create_climb(frozen.face, new))?;
            let Some((lease, answer)) = sent else { continue };
            let (Ok(stokt_id), Some(base), Some(climb)) =
                (answer.id.to_string().parse::<StoktId>(), frozen.base(), climb_of(&entry))
            else {
                self.unknown(&entry, lease, "Stokt's answer names no id that can be kept")?;
                continue;
            };
            let created: Result<Created, EngineError> = session.store.write(|conn| {
                Ok(outbox::created(conn, &ctx, lease, climb, stokt_id, &base, entry.local_rev)?)
            });
            let created = created?;
            session.points.reached("push.linked")?;
            self.twins.entry(entry.fingerprint.clone()).or_default().insert(stokt_id);
            let decided = if created == Created::Taken { Decided::Ambiguous } else { Decided::Sent };
            self.report.decide(Decision { stokt_id: stokt_id.to_string(), ..about(&entry, decided) });
        }
        Ok(())
    }

    fn change(&mut self, ids: &[StoktId]) -> Result<(), EngineError> {
        let session = self.session;
        let allowed = self.allowed(ids)?;
        let mine = &self.mine;
        let ctx = session.context();
        let claimed: Result<(Vec<Entry>, Vec<Decision>), EngineError> = session.store.write(|conn| {
            sync_writes::begin(conn, &ctx)?;
            let asked = plan::Changes::ask(conn, session, mine, ids)?;
            let mut claims: Vec<Claim> = Vec::new();
            let mut agreed: Vec<(&Known, CanonicalClimb)> = Vec::new();
            let mut decisions = Vec::new();
            for one in &asked.items {
                let id = one.known.link.stokt_id;
                match asked.verdict(session, one) {
                    Verdict::Send(claim) if allowed.contains(&id) => claims.push(*claim),
                    Verdict::Agree => {
                        // Both sides say the same; or what was changed is nothing that Stokt hears of.
                        let there = mine.get(&id).filter(|_| one.action == Action::Rebase);
                        let base = there.map(|there| &there.canonical).or(one.known.link.base.as_ref());
                        if let Some(base) = base {
                            agreed.push((&one.known, base.clone()));
                            decisions.push(one.decision(Decided::Rebased));
                        }
                    }
                    Verdict::Send(_) | Verdict::Not(..) | Verdict::Rest => {}
                }
            }
            let agreed: Vec<Agreement<'_>> =
                agreed.iter().map(|(known, base)| Agreement { known, base, is_dirty: false }).collect();
            sync_writes::agree(conn, &agreed)?;
            Ok((outbox::claim(conn, &ctx, &claims)?, decisions))
        });
        let (entries, decisions) = claimed?;
        session.points.reached(if decisions.is_empty() { "push.claimed" } else { "push.rebased" })?;
        for decision in decisions {
            self.report.decide(decision);
        }
        for entry in entries {
            self.change_one(&entry)?;
        }
        Ok(())
    }

    fn change_one(&mut self, entry: &Entry) -> Result<(), EngineError> {
        let (Some(frozen), Some(stokt_id)) = (Frozen::of(entry), entry.stokt_id) else { return Ok(()) };
        let none = BTreeSet::new();
        let sent = match &frozen.send {
            Send::Create(_) => return Ok(()),
            Send::Patch { patch, .. } => self.send(entry, &none, |session| {
                session.client.patch_climb(frozen.face, stokt_id, patch).map(|answer| Some(answer.raw))
            })?,
            Send::Privacy(is_private) => self.send(entry, &none, |session| {
                session.client.set_private(stokt_id, *is_private).map(|()| None)
            })?,
            Send::Delete => {
                self.send(entry, &none, |session| match session.client.delete_climb(stokt_id) {
                    Err(error) if error.is_not_found() => Ok(None),
                    other => other.map(|()| None),
                })?
            }
        };
        let Some((lease, answer)) = sent else { return Ok(()) };
        if let Some(raw) = answer {
            let shown = climb_from_stokt(&Record::new(raw), &mut Setters::new());
            let Ok(shown) = shown else {
                return self.unknown(entry, lease, "Stokt's answer cannot be read");
            };
            let refused = frozen.refused_fields(&sync_climbs::canonical(&shown));
            if !refused.is_empty() {
                let why = format!("Stokt took the change, but keeps its own: {}", refused.join(", "));
                return self.rejected(entry, lease, &why);
            }
        }
        let ctx = self.session.context();
        let is_delete = frozen.send == Send::Delete;
        let written: Result<(), EngineError> = self.session.store.write(|conn| {
            sync_writes::begin(conn, &ctx)?;
            outbox::done(conn, &ctx, lease)?;
            if is_delete {
                sync_writes::retire_links(conn, &[stokt_id])?;
            } else if let Some(base) = frozen.base() {
                agree(conn, stokt_id, &base, entry.local_rev)?;
            }
            Ok(())
        });
        written?;
        self.session.points.reached("push.done")?;
        let decided = if is_delete { Decided::DeletedThere } else { Decided::Patched };
        self.report.decide(about(entry, decided));
        Ok(())
    }

    /// Which of these climbs Stokt lets the account change as it is to be changed. One call for each.
    fn allowed(&mut self, ids: &[StoktId]) -> Result<HashSet<StoktId>, EngineError> {
        let session = self.session;
        let mine = &self.mine;
        let asked = session.store.read(|conn| plan::Changes::ask(conn, session, mine, ids))?;
        let mut allowed = HashSet::new();
        for one in &asked.items {
            let Verdict::Send(claim) = asked.verdict(session, one) else { continue };
            session.check()?;
            let stokt_id = one.known.link.stokt_id;
            let refused = match session.client.permissions(stokt_id) {
                Ok(may) => refusal(&may, &one.action),
                // Whoever deletes it finds that out; anything else is for a pull.
                Err(error) if error.is_not_found() && claim.action == OutboxAction::Delete => None,
                Err(error) if error.is_not_found() => Some("it is gone from Stokt".to_owned()),
                Err(error) if error.is_forbidden() => {
                    Some("Stokt does not let this account change it".to_owned())
                }
                Err(error) => return Err(error.into()),
            };
            match refused {
                Some(why) => self.report.decide(one.decision(Decided::Rejected).because(why)),
                None => {
                    allowed.insert(stokt_id);
                }
            }
        }
        Ok(allowed)
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
            let now = session.clock.now();
            if let Some(until) = entry.not_before.filter(|until| *until > now) {
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
            session.store.write(|conn| outbox::sent(conn, &ctx, lease, session.clock.now()))?;
            session.points.reached("push.sent")?;
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
                // The client itself waits that long before its next call.
                let pause = error
                    .retry_after()
                    .filter(|_| is_last)
                    .and_then(|wait| i64::try_from(wait.as_secs()).ok());
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

/// What Stokt would not let the account do; what it does not speak of is tried.
fn refusal(may: &Permissions, action: &Action) -> Option<String> {
    let denies = |right: Option<bool>| right == Some(false);
    let what = match action {
        Action::Delete => denies(may.can_delete).then_some("delete it"),
        Action::SetPrivate { is_private: true, .. } => {
            denies(may.can_set_private).then_some("make it private")
        }
        Action::SetPrivate { is_private: false, .. } => {
            denies(may.can_set_public).then_some("make it public")
        }
        Action::PatchOutside => denies(may.can_edit_name_and_grade).then_some("change its grade"),
        Action::Patch { fields, expected, .. } => fields.iter().find_map(|field| match field {
            Field::Holds => denies(may.can_edit_holds).then_some("change its holds"),
            Field::IsPrivate if expected.is_private => {
                denies(may.can_set_private).then_some("make it private")
            }
            Field::IsPrivate => denies(may.can_set_public).then_some("make it public"),
            _ => denies(may.can_edit_name_and_grade).then_some("change its name or feet rule"),
        }),
        _ => None,
    };
    what.map(|what| format!("Stokt does not let this account {what}"))
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
