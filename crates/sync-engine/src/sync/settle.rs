//! What became of what earlier runs sent: found out by looking, before this run does anything else.
//!
//! A climb that may have been created is looked for among the account's climbs at Stokt. Exactly one new twin is it.
//! Several are for a person. None counts as not created only after two complete listings that began after it was sent,
//! the last of them long enough after. A change is done if Stokt shows it; if not, it is sent again while it is wanted.

mod foresee;
mod lists;

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ClimbId, StoktId, Timestamp};
use mastoc_storage::outbox::{self, Created, Entry};
use mastoc_storage::sync_climbs::{self, ClimbSide, Known};
use mastoc_storage::sync_writes::{self, Agreement};
use uuid::Uuid;

use super::push::verified;
use super::sending::{Frozen, Send};
use super::session::Session;
use super::view::{RemoteClimb, View};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::report::Report;

pub(super) use foresee::{Foreseen, foresee};
pub(super) use lists::{personal as personal_lists, personal_of as personal_lists_of};

/// How many complete listings must not show a climb before it may be sent again.
const LISTINGS: i32 = 2;

/// The states of what is open.
const OPEN: [OutboxState; 4] =
    [OutboxState::Leased, OutboxState::Sent, OutboxState::Unknown, OutboxState::Ambiguous];

/// Whether anything was sent of which nobody knows what became, so that a run must look at the account's climbs.
///
/// # Errors
/// When the database fails.
pub(crate) fn is_anything_open(session: &Session<'_>) -> Result<bool, EngineError> {
    let counts = session.store.read(outbox::counts)?;
    Ok(counts.keys().any(|state| state.is_unsettled() || *state == OutboxState::Leased))
}

/// Settles what earlier runs left open, as far as that can be known by now.
///
/// # Errors
/// What ends the run.
pub(crate) fn settle(session: &Session<'_>, view: &View<'_>, report: &mut Report) -> Result<(), EngineError> {
    let rows = session.store.read(|conn| outbox::in_states(conn, &OPEN))?;
    let (leased, open): (Vec<Entry>, Vec<Entry>) =
        rows.into_iter().partition(|row| row.state == OutboxState::Leased);
    if !leased.is_empty() {
        let ids: Vec<Uuid> = leased.iter().map(|row| row.id).collect();
        let ctx = session.context();
        session.store.write(|conn| outbox::requeue(conn, &ctx, &ids, "taken up, and never sent"))?;
        session.points.reached("settle.queued")?;
    }
    let (open, foreign): (Vec<Entry>, Vec<Entry>) =
        open.into_iter().filter(|row| !row.is_held_back()).partition(|row| row.account == session.account);
    for row in &foreign {
        report.decide(waiting(row, "another account sent it; only a run with that account finds out"));
    }
    let (lists, climbs): (Vec<Entry>, Vec<Entry>) =
        open.into_iter().partition(|row| row.entity == EntityKind::List);
    Settling::new(session, view, report, &climbs)?.climbs(climbs)?;
    lists::settle(session, lists, report)
}

/// The decision that nothing is known yet.
fn waiting(row: &Entry, why: &str) -> Decision {
    let decided = if row.state == OutboxState::Ambiguous { Decided::Ambiguous } else { Decided::Unknown };
    about(row, decided).because(why)
}

/// A decision about what a row is for.
pub(super) fn about(row: &Entry, decided: Decided) -> Decision {
    let id = row.stokt_id.map_or_else(|| row.local_id.clone(), |id| id.to_string());
    let name = row.payload.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
    Decision::new(row.entity, id, decided).named(name)
}

/// What a look at the twins of a climb tells.
enum Found {
    /// This is it.
    One(StoktId),
    /// A person linked the climb meanwhile, to this.
    ByHand(StoktId),
    /// A person has to decide.
    Several(String),
    /// It is nowhere.
    None,
}

struct Settling<'r, 's> {
    session: &'r Session<'s>,
    view: &'r View<'r>,
    report: &'r mut Report,
    mine: HashMap<StoktId, &'r RemoteClimb>,
    /// What is known here of the twins, and of what was to be changed.
    known: HashMap<StoktId, Known>,
    /// The climbs that were sent, as they stand here.
    sides: HashMap<ClimbId, ClimbSide>,
}

impl<'r, 's> Settling<'r, 's> {
    fn new(
        session: &'r Session<'s>,
        view: &'r View<'r>,
        report: &'r mut Report,
        rows: &[Entry],
    ) -> Result<Self, EngineError> {
        let mut ids: BTreeSet<StoktId> = rows.iter().filter_map(|row| row.stokt_id).collect();
        ids.extend(rows.iter().flat_map(|row| new_twins(view, row)));
        ids.extend(view.unreadable);
        let ids: Vec<StoktId> = ids.into_iter().collect();
        let climbs: Vec<ClimbId> = rows.iter().filter_map(climb_of).collect();
        let read: Result<_, EngineError> = session
            .store
            .snapshot(|conn| Ok((sync_climbs::known(conn, &ids)?, sync_climbs::local(conn, &climbs)?)));
        let (known, sides) = read?;
        let sides = sides.into_iter().map(|side| (side.id, side)).collect();
        let mine = view.mine.iter().map(|climb| (climb.stokt_id, climb)).collect();
        Ok(Self { session, view, report, mine, known, sides })
    }

    fn climbs(&mut self, rows: Vec<Entry>) -> Result<(), EngineError> {
        let mut looked: Vec<(Uuid, bool)> = Vec::new();
        let mut again: Vec<Uuid> = Vec::new();
        for row in rows {
            self.session.check()?;
            if row.action != OutboxAction::Create {
                self.change(&row, &mut again)?;
                continue;
            }
            match self.look(&row) {
                Found::One(stokt_id) => self.adopt(&row, stokt_id)?,
                Found::ByHand(stokt_id) => {
                    self.over(&row)?;
                    let id = stokt_id.to_string();
                    self.report.decide(
                        Decision { stokt_id: id, ..about(&row, Decided::Adopted) }.because("linked by hand"),
                    );
                }
                Found::Several(why) => self.ambiguous(&row, &why)?,
                Found::None if row.state == OutboxState::Ambiguous => {
                    self.report.decide(waiting(&row, "none of what it may have been is there any more"));
                }
                Found::None => {
                    if self.is_over(&row) {
                        again.push(row.id);
                    } else {
                        looked.push((row.id, self.counts(&row)));
                        let why = self.may_be_unreadable(&row);
                        let why = why.unwrap_or_else(|| "not found at Stokt so far".to_owned());
                        self.report.decide(waiting(&row, &why));
                    }
                }
            }
        }
        self.note(&looked, &again)
    }

    /// Writes down what was looked for in vain.
    fn note(&self, looked: &[(Uuid, bool)], again: &[Uuid]) -> Result<(), EngineError> {
        let (ctx, store) = (self.session.context(), self.session.store);
        for counts in [false, true] {
            let ids: Vec<Uuid> =
                looked.iter().filter(|(_, does)| *does == counts).map(|(id, _)| *id).collect();
            if !ids.is_empty() {
                store.write(|conn| outbox::looked(conn, &ctx, &ids, counts))?;
                self.session.points.reached("settle.looked")?;
            }
        }
        if !again.is_empty() {
            store.write(|conn| outbox::requeue(conn, &ctx, again, "looked for, and not done"))?;
            self.session.points.reached("settle.queued")?;
        }
        Ok(())
    }

    /// Which climb at Stokt a row's creation made.
    fn look(&self, row: &Entry) -> Found {
        let local = climb_of(row).and_then(|id| self.sides.get(&id));
        if let Some(linked) = local.and_then(|side| side.stokt_id) {
            return Found::ByHand(linked);
        }
        let twins: Vec<StoktId> = new_twins(self.view, row).collect();
        let elsewhere = twins.iter().find_map(|twin| self.known.get(twin));
        match (twins.as_slice(), elsewhere) {
            ([], _) => Found::None,
            ([one], None) => Found::One(*one),
            (twins, None) => {
                Found::Several(format!("{} climbs at Stokt may be it: {}", twins.len(), join(twins)))
            }
            (twins, Some(known)) => Found::Several(format!(
                "a climb at Stokt that may be it is here already, as {}: {}",
                known.link.local_id,
                join(twins)
            )),
        }
    }

    /// Why what the row created may be there though it was not recognised: Stokt lists climbs of the account's that
    /// cannot be read, that were not there before it was sent, and that nobody knows here.
    fn may_be_unreadable(&self, row: &Entry) -> Option<String> {
        let is_new = |id: &&StoktId| !row.known_twins.contains(id) && !self.known.contains_key(id);
        let new: Vec<StoktId> = self.view.unreadable.iter().filter(is_new).copied().collect();
        (!new.is_empty()).then(|| {
            format!(
                "Stokt lists climbs of the account's that cannot be read, and that may be it: {}; \
                 mastoc-sync outbox settles it",
                join(&new)
            )
        })
    }

    /// Whether this run's listing would have shown what the row created: it is complete, and reaches back that far.
    fn counts(&self, row: &Entry) -> bool {
        if self.may_be_unreadable(row).is_some() {
            return false;
        }
        let gym = Frozen::of(row).map(|frozen| frozen.gym);
        let Some(gym) = self.view.gyms.iter().find(|seen| Some(seen.gym) == gym) else { return false };
        let Some(sent) = row.sent_at else { return gym.is_complete };
        let reaches = gym.days.is_none_or(|days| {
            passed(sent, self.view.began)
                < TimeDelta::try_days(i64::from(days.saturating_sub(1))).unwrap_or_default()
        });
        gym.is_complete && reaches
    }

    /// Whether what is nowhere counts as not created from now on.
    fn is_over(&self, row: &Entry) -> bool {
        let is_late = row
            .sent_at
            .is_none_or(|sent| passed(sent, self.view.began) >= wait(self.session.options.unknown_settle));
        self.counts(row) && row.listings + 1 >= LISTINGS && is_late
    }

    fn adopt(&mut self, row: &Entry, stokt_id: StoktId) -> Result<(), EngineError> {
        let (Some(base), Some(climb)) = (Frozen::of(row).and_then(|frozen| frozen.base()), climb_of(row))
        else {
            return self.ambiguous(row, "what was sent cannot be read any more");
        };
        // A climb that only the gym's listing shows is public.
        let is_private = self.mine.get(&stokt_id).is_some_and(|climb| climb.canonical.is_private);
        let (base, sent_rev) = verified(base, is_private, row.local_rev);
        let ctx = self.session.context();
        let created: Result<Created, EngineError> = self.session.store.write(|conn| {
            let lease = outbox::take_over(conn, &ctx, row)?;
            Ok(outbox::created(conn, &ctx, lease, climb, stokt_id, &base, sent_rev)?)
        });
        match created? {
            Created::Taken => {
                self.session.points.reached("settle.ambiguous")?;
                self.report.decide(about(row, Decided::Ambiguous).because("it is linked otherwise"));
            }
            Created::Linked | Created::Deleted => {
                self.session.points.reached("settle.adopted")?;
                let id = stokt_id.to_string();
                self.report.decide(Decision { stokt_id: id, ..about(row, Decided::Adopted) });
            }
        }
        Ok(())
    }

    fn ambiguous(&mut self, row: &Entry, why: &str) -> Result<(), EngineError> {
        // What waits for a person already is no news.
        if row.state == OutboxState::Ambiguous && row.last_error.as_deref() == Some(why) {
            return Ok(());
        }
        self.report.decide(about(row, Decided::Ambiguous).because(why));
        let ctx = self.session.context();
        let written: Result<(), EngineError> = self.session.store.write(|conn| {
            let lease = outbox::take_over(conn, &ctx, row)?;
            Ok(outbox::ambiguous(conn, &ctx, lease, why)?)
        });
        written?;
        self.session.points.reached("settle.ambiguous")
    }

    /// Nothing is left to do for a row.
    fn over(&self, row: &Entry) -> Result<(), EngineError> {
        let ctx = self.session.context();
        let written: Result<(), EngineError> = self.session.store.write(|conn| {
            let lease = outbox::take_over(conn, &ctx, row)?;
            Ok(outbox::done(conn, &ctx, lease)?)
        });
        written?;
        self.session.points.reached("settle.done")
    }

    /// Why nothing can be told yet of a change: this run did not look at all of its gym, or cannot read the climb.
    fn unseen(&self, frozen: &Frozen, stokt_id: StoktId) -> Option<&'static str> {
        match self.view.gyms.iter().find(|seen| seen.gym == frozen.gym) {
            Some(_) if self.view.unreadable.contains(&stokt_id) => {
                Some("what Stokt shows of it cannot be read")
            }
            Some(seen) if seen.is_complete => None,
            Some(_) => Some("its gym's listing is not complete"),
            None => Some("this run does not look at its gym"),
        }
    }

    /// Whether Stokt shows a change.
    fn is_done(&self, frozen: &Frozen, stokt_id: StoktId) -> bool {
        let shown = self.mine.get(&stokt_id).map(|climb| &climb.canonical);
        match (&frozen.send, shown) {
            (Send::Delete, None) => true,
            (Send::Delete, Some(_)) => false,
            (_, Some(shown)) => frozen.is_shown_by(shown),
            // Gone from Stokt, which a pull finds out.
            (_, None) => false,
        }
    }

    /// A change of unknown outcome: done if Stokt shows it.
    fn change(&mut self, row: &Entry, again: &mut Vec<Uuid>) -> Result<(), EngineError> {
        let Some(frozen) = Frozen::of(row) else { return self.over(row) };
        let Some(stokt_id) = row.stokt_id else { return self.over(row) };
        if let Some(why) = self.unseen(&frozen, stokt_id) {
            self.report.decide(waiting(row, why));
            return Ok(());
        }
        if !self.is_done(&frozen, stokt_id) {
            again.push(row.id);
            return Ok(());
        }
        let base = frozen.base();
        let ctx = self.session.context();
        let written: Result<(), EngineError> = self.session.store.write(|conn| {
            sync_writes::begin(conn, &ctx)?;
            let lease = outbox::take_over(conn, &ctx, row)?;
            outbox::done(conn, &ctx, lease)?;
            if frozen.send == Send::Delete {
                sync_writes::retire_links(conn, &[stokt_id])?;
            } else if let Some(base) = &base {
                agree(conn, stokt_id, base, row.local_rev)?;
            }
            Ok(())
        });
        written?;
        self.session.points.reached("settle.done")?;
        let decided = if frozen.send == Send::Delete { Decided::DeletedThere } else { Decided::Patched };
        self.report.decide(about(row, decided).because("an earlier run sent it"));
        Ok(())
    }
}

/// Notes in a transaction that Stokt has taken a change: `base` is agreed on, as of our revision `sent_rev`.
pub(super) fn agree(
    conn: &mut mastoc_storage::WriteConn<'_>,
    stokt_id: StoktId,
    base: &mastoc_domain::canonical::CanonicalClimb,
    sent_rev: i32,
) -> Result<(), EngineError> {
    let known = sync_climbs::known(conn, &[stokt_id])?;
    if let Some(known) = known.get(&stokt_id).filter(|known| known.climb.is_some()) {
        let is_dirty = known.link.local_rev > sent_rev;
        sync_writes::agree(conn, &[Agreement { known, base, is_dirty }])?;
    }
    Ok(())
}

/// The climbs at Stokt that were not there before a row was sent, and cannot be told from it.
fn new_twins<'v>(view: &'v View<'_>, row: &'v Entry) -> impl Iterator<Item = StoktId> + 'v {
    let twins = view.twins.get(&row.fingerprint).filter(|_| row.action == OutboxAction::Create);
    twins.into_iter().flatten().copied().filter(|twin| !row.known_twins.contains(twin))
}

/// Our id of the climb that a row is for.
pub(super) fn climb_of(row: &Entry) -> Option<ClimbId> {
    row.local_id.parse().ok().filter(|_| row.entity == EntityKind::Climb)
}

/// How long after `from` it was at `to`, by our clock.
pub(super) fn passed(from: Timestamp, to: Timestamp) -> TimeDelta {
    to.as_utc().signed_duration_since(from.as_utc())
}

/// A length of time as the clock's arithmetic takes it.
pub(super) fn wait(time: std::time::Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)
}

fn join(ids: &[StoktId]) -> String {
    ids.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
