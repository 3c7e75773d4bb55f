//! Climbs here that were never linked, and of which Stokt has one of the account's that is just like it and that no
//! climb here explains: what is left when a backup is restored that is older than a push. To send ours would make it
//! twice at Stokt, to pull Stokt's would make it twice here. Neither happens: it waits for a person, who adopts
//! Stokt's, or sends ours by its name.

use std::collections::{BTreeSet, HashMap, HashSet};

use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ClimbId, StoktId};
use mastoc_storage::outbox::{self, Claim, Entry};
use mastoc_storage::sync_climbs;
use uuid::Uuid;

use super::creations::{Creations, is_secret};
use super::plan::Gyms;
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::report::Report;
use crate::sync::by_hand::ways_out;
use crate::sync::options::Selection;
use crate::sync::sending::Frozen;
use crate::sync::session::Session;
use crate::sync::settle::climb_of;
use crate::sync::view::View;

/// A climb here that is not sent, since Stokt has it already as far as anybody can tell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unexplained {
    /// Ours.
    pub(crate) id: ClimbId,
    /// What would be sent of it.
    pub(crate) claim: Claim,
    /// What Stokt has.
    pub(crate) twins: BTreeSet<StoktId>,
    name: Option<String>,
}

impl Unexplained {
    /// What is told of it; with `row`, under which it is held back, also what to do.
    pub(crate) fn decision(&self, row: Option<&Entry>) -> Decision {
        let decision = Decision::new(EntityKind::Climb, self.id.to_string(), Decided::HeldBack);
        let decision = decision.because(why(EntityKind::Climb, &self.twins, row));
        match &self.name {
            Some(name) => decision.named(name),
            None => decision.unnamed(),
        }
    }
}

/// Why something is not sent: Stokt has `twins` of it. With the row under which it is held back, also what to do.
pub(super) fn why(kind: EntityKind, twins: &BTreeSet<StoktId>, row: Option<&Entry>) -> String {
    let first: Vec<String> = twins.iter().take(3).map(ToString::to_string).collect();
    let first = first.join(", ");
    let reason = match kind {
        EntityKind::List => {
            format!(
                "Stokt already has a list of that name, {first}, and none is known to have been sent from here as that"
            )
        }
        _ => format!("Stokt already has one just like it, {first}, and nothing here is linked to that"),
    };
    match row {
        Some(row) => format!("{reason}; {}", ways_out(row)),
        None => reason,
    }
}

/// Finds them. Reads only; four statements more than none where Stokt shows nothing of the account's that is new here.
///
/// # Errors
/// When the database fails.
pub(crate) fn find(session: &Session<'_>, view: &View<'_>) -> Result<Vec<Unexplained>, EngineError> {
    let gyms: Gyms = view.gyms.iter().map(|seen| seen.gym).collect();
    let named: &[ClimbId] = match &session.options.selection {
        Selection::Climbs(ids) => ids,
        _ => &[],
    };
    session.store.snapshot(|conn| {
        let shown: Vec<StoktId> = view.twins.values().flatten().copied().collect();
        let linked: HashSet<StoktId> =
            sync_climbs::summaries(conn, &shown)?.into_iter().map(|link| link.stokt_id).collect();
        let new: Vec<StoktId> = shown.into_iter().filter(|id| !linked.contains(id)).collect();
        if new.is_empty() {
            return Ok(Vec::new());
        }
        // Also what was deleted here explains one.
        let known = sync_climbs::known(conn, &new)?;
        let new: HashSet<StoktId> = new.into_iter().filter(|id| !known.contains_key(id)).collect();
        let awaited: HashSet<String> = outbox::in_states(conn, &OPEN)?
            .into_iter()
            .filter(|row| !row.is_held_back())
            .map(|row| row.fingerprint)
            .collect();
        let there: Vec<StoktId> = gyms.iter().copied().collect();
        let here = outbox::never_linked(conn, &there)?;
        let asked = Creations::ask(conn, &here)?;
        let mut found = Vec::new();
        for side in &asked.sides {
            if named.contains(&side.id)
                || side.setter_stokt_id.is_some_and(|setter| setter != session.account)
            {
                continue;
            }
            let Ok(claim) = asked.claim(session, &gyms, side) else { continue };
            if awaited.contains(&claim.fingerprint) {
                continue;
            }
            let twins = view.twins.get(&claim.fingerprint).into_iter().flatten();
            let twins: BTreeSet<StoktId> = twins.filter(|id| new.contains(id)).copied().collect();
            // Whoever had it sent, or called it off, knew of them.
            let is_another = |row: &Entry| row.is_another_than(&twins);
            if twins.is_empty() || asked.last(side).is_some_and(is_another) {
                continue;
            }
            let name = (!is_secret(session, side)).then(|| side.name.clone());
            found.push(Unexplained { id: side.id, claim, twins, name });
        }
        Ok(found)
    })
}

/// What is not settled.
const OPEN: [OutboxState; 4] =
    [OutboxState::Leased, OutboxState::Sent, OutboxState::Unknown, OutboxState::Ambiguous];

/// Notes what was found, so that neither side takes the other's for a new one, and lets go of what has its explanation
/// by now: linked or deleted here, gone from Stokt, or named.
///
/// # Errors
/// What ends the run.
pub(crate) fn settle(session: &Session<'_>, view: &View<'_>, report: &mut Report) -> Result<(), EngineError> {
    let rows = session.store.read(|conn| outbox::in_states(conn, &[OutboxState::Ambiguous]))?;
    let rows = rows.into_iter().filter(|row| row.is_held_back() && row.account == session.account);
    let (lists, rows): (Vec<Entry>, Vec<Entry>) = rows.partition(|row| row.entity == EntityKind::List);
    let found: HashMap<ClimbId, &Unexplained> = view.held.iter().map(|one| (one.id, one)).collect();
    let is_named = |row: &Entry| match &session.options.selection {
        Selection::Climbs(ids) => climb_of(row).is_some_and(|id| ids.contains(&id)),
        _ => false,
    };
    let saw_all = |row: &Entry| {
        let gym = Frozen::of(row).map(|frozen| frozen.gym);
        gym.is_none_or(|gym| view.gyms.iter().any(|seen| seen.gym == gym && seen.is_complete))
    };
    let mut over: Vec<Uuid> = super::lists::let_go_of(session, &lists, report)?;
    let mut stay: HashMap<ClimbId, &Entry> = HashMap::new();
    for row in &rows {
        let one = climb_of(row).and_then(|id| found.get(&id).copied());
        match one {
            Some(one) if row.claims(&one.claim) && row.known_twins == one.twins => {
                stay.insert(one.id, row);
            }
            Some(_) => over.push(row.id),
            None if is_named(row) || saw_all(row) => over.push(row.id),
            None => {
                let is_private =
                    Frozen::of(row).and_then(|frozen| frozen.base()).is_none_or(|it| it.is_private);
                let about = super::about(row, Decided::HeldBack).because(why(
                    row.entity,
                    &row.known_twins,
                    Some(row),
                ));
                // Reports go to people who may not see it.
                report.decide(if is_private { about.unnamed() } else { about });
            }
        }
    }
    let new: Vec<(Claim, BTreeSet<StoktId>, String)> = view
        .held
        .iter()
        .filter(|one| !stay.contains_key(&one.id))
        .map(|one| (one.claim.clone(), one.twins.clone(), why(EntityKind::Climb, &one.twins, None)))
        .collect();
    let mut held: Vec<Entry> = Vec::new();
    if !new.is_empty() || !over.is_empty() {
        let ctx = session.context();
        held = session.store.write(|conn| {
            outbox::let_go(conn, &ctx, &over)?;
            outbox::hold_back(conn, &ctx, &new)
        })?;
        session.points.reached("settle.ambiguous")?;
    }
    for one in view.held {
        match stay.get(&one.id) {
            Some(row) => report.decide(one.decision(Some(row))),
            None => report.decide(one.decision(held.iter().find(|row| climb_of(row) == Some(one.id)))),
        }
    }
    Ok(())
}
