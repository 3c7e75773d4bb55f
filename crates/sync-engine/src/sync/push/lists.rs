//! Sending a list: made at Stokt once, as one of the account's personal lists, and filled with what it lacks there. One
//! whose name the account has there already, on a list that nothing here explains, is not made: a person decides.

use std::collections::{BTreeSet, HashSet};

use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ListId, StoktId};
use mastoc_stokt_client::Outcome;
use mastoc_storage::list_pull::{self, PulledList};
use mastoc_storage::outbox::{self, Claim, Created, Entry, ListSide};
use mastoc_storage::{ReadConn, StoreError, sync_writes};
use serde_json::json;
use uuid::Uuid;

use super::twins::why;
use super::{MOST_FAILURES, Push};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::report::{Issue, Report};
use crate::sync::lists::{Agreed, items};
use crate::sync::options::Selection;
use crate::sync::session::Session;
use crate::sync::settle::{about, personal_lists};

/// Sends the list that was chosen, if one was.
///
/// # Errors
/// What ends the run.
pub(super) fn push(work: &mut Push<'_, '_>) -> Result<(), EngineError> {
    let Selection::List(id) = work.session.options.selection else { return Ok(()) };
    let Some(list) = work.session.store.read(|conn| outbox::list(conn, id))? else { return Ok(()) };
    match list.stokt_id {
        Some(there) => fill(work, &list, there, false),
        None => match create(work, &list)? {
            Some(there) => fill(work, &list, there, true),
            None => Ok(()),
        },
    }
}

/// What there is at Stokt of a list that it does not know as ours.
struct Standing {
    /// What would be sent of it.
    claim: Claim,
    /// The account's lists of its name.
    known: BTreeSet<StoktId>,
    /// Of those, the ones that nothing here explains.
    twins: BTreeSet<StoktId>,
    /// Whether all of the account's lists could be read.
    is_complete: bool,
    /// What became of it when it was last to be sent.
    last: Option<Entry>,
    /// Whether it is not known yet what became of another one of its name.
    is_awaited: bool,
}

impl Standing {
    /// Asks Stokt for the account's lists, and looks at what is here of them, in at most six statements.
    fn read(session: &Session<'_>, list: &ListSide) -> Result<Self, EngineError> {
        let account = session.account;
        let local_id = list.id.to_string();
        let claim = Claim {
            entity: EntityKind::List,
            local_id: local_id.clone(),
            action: OutboxAction::Create,
            stokt_id: None,
            account,
            payload: json!({ "name": list.name }),
            fingerprint: json!(["list", account, list.name]).to_string(),
            local_rev: 0,
        };
        let there = personal_lists(session)?;
        let known: BTreeSet<StoktId> = there.called(&list.name).collect();
        let ids: Vec<StoktId> = known.iter().copied().collect();
        session.store.snapshot(|conn| {
            let mut explained: HashSet<StoktId> = outbox::lists_sent(conn, &ids)?;
            // A pull brings none in that may be the account's own; so what it brought, also if it was deleted here since,
            // is another one. Somebody else's it would have taken for a new one.
            if list.owner == Some(account) {
                explained.extend(outbox::lists_here(conn, &ids)?);
                explained.extend(outbox::lists_deleted(conn, &ids)?);
            }
            let key = (EntityKind::List, local_id.clone());
            let open = [OutboxState::Leased, OutboxState::Sent, OutboxState::Unknown, OutboxState::Ambiguous];
            let is_awaited = outbox::in_states(conn, &open)?.iter().any(|row| {
                row.fingerprint == claim.fingerprint && row.local_id != local_id && !row.is_held_back()
            });
            Ok(Self {
                twins: known.iter().filter(|id| !explained.contains(id)).copied().collect(),
                known,
                is_complete: there.is_complete,
                last: outbox::latest(conn, &[&local_id])?.remove(&key),
                is_awaited,
                claim,
            })
        })
    }

    /// Whether Stokt has it already, as far as anybody can tell.
    fn is_held(&self) -> bool {
        let is_meant = self.last.as_ref().is_some_and(|row| match row.state {
            // Whoever had it sent, or called it off, knew of them.
            OutboxState::Pending | OutboxState::Rejected => row.is_another_than(&self.twins),
            OutboxState::Leased | OutboxState::Sent | OutboxState::Unknown => true,
            OutboxState::Ambiguous => !row.is_held_back(),
            OutboxState::Done => false,
        });
        !self.twins.is_empty() && !self.is_awaited && !is_meant
    }

    /// The row under which it is held back already.
    fn held(&self) -> Option<&Entry> {
        self.last.as_ref().filter(|row| row.is_held_back())
    }
}

/// What Stokt has of the list that was chosen, if that keeps it from being sent.
///
/// # Errors
/// What ends the run.
pub(super) fn foresee(session: &Session<'_>) -> Result<Option<BTreeSet<StoktId>>, EngineError> {
    let Selection::List(id) = session.options.selection else { return Ok(None) };
    let list = session.store.read(|conn| outbox::list(conn, id))?;
    let Some(list) = list.filter(|list| list.stokt_id.is_none()) else { return Ok(None) };
    let standing = Standing::read(session, &list)?;
    Ok(standing.is_held().then_some(standing.twins))
}

/// Lists that wait to be sent and are not here to be sent any more.
///
/// # Errors
/// When the database fails.
pub(super) fn gone(conn: &mut ReadConn<'_>) -> Result<Vec<Entry>, StoreError> {
    let mut rows = outbox::in_states(conn, &[OutboxState::Pending])?;
    rows.retain(|row| row.entity == EntityKind::List && row.action == OutboxAction::Create);
    let ids: Vec<ListId> = rows.iter().filter_map(|row| row.local_id.parse().ok()).collect();
    let unlinked = outbox::lists_unlinked(conn, &ids)?;
    rows.retain(|row| row.local_id.parse::<ListId>().ok().is_none_or(|id| !unlinked.contains(&id)));
    Ok(rows)
}

/// Which of these rows hold lists back that are not here any more, or linked by now. Tells of the others that this run
/// does not look at.
///
/// # Errors
/// When the database fails.
pub(super) fn let_go_of(
    session: &Session<'_>,
    rows: &[Entry],
    report: &mut Report,
) -> Result<Vec<Uuid>, EngineError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ListId> = rows.iter().filter_map(|row| row.local_id.parse().ok()).collect();
    let unlinked = session.store.read(|conn| outbox::lists_unlinked(conn, &ids))?;
    let list_of = |row: &Entry| row.local_id.parse::<ListId>().ok();
    let is_over = |row: &&Entry| list_of(row).is_none_or(|id| !unlinked.contains(&id));
    for row in rows.iter().filter(|row| !is_over(row)) {
        if !matches!(session.options.selection, Selection::List(id) if list_of(row) == Some(id)) {
            let why = why(row.entity, &row.known_twins, Some(row));
            report.decide(about(row, Decided::HeldBack).because(why));
        }
    }
    Ok(rows.iter().filter(is_over).map(|row| row.id).collect())
}

/// Holds a list back.
fn hold_back(work: &mut Push<'_, '_>, list: &ListSide, standing: &Standing) -> Result<(), EngineError> {
    let decision = |row| {
        let decision = Decision::new(EntityKind::List, list.id.to_string(), Decided::HeldBack);
        decision.named(&list.name).because(why(EntityKind::List, &standing.twins, row))
    };
    let before = standing.held();
    if let Some(row) = before.filter(|row| row.claims(&standing.claim) && row.known_twins == standing.twins) {
        work.report.decide(decision(Some(row)));
        return Ok(());
    }
    let session = work.session;
    let ctx = session.context();
    let over: Vec<Uuid> = before.iter().map(|row| row.id).collect();
    let reason = why(EntityKind::List, &standing.twins, None);
    let held = [(standing.claim.clone(), standing.twins.clone(), reason)];
    let rows: Vec<Entry> = session.store.write(|conn| {
        outbox::let_go(conn, &ctx, &over)?;
        outbox::hold_back(conn, &ctx, &held)
    })?;
    session.points.reached("settle.ambiguous")?;
    work.report.decide(decision(rows.first()));
    Ok(())
}

/// Makes the list at Stokt; `None` when it is not known to be there afterwards.
fn create(work: &mut Push<'_, '_>, list: &ListSide) -> Result<Option<StoktId>, EngineError> {
    let session = work.session;
    let account = session.account;
    let standing = Standing::read(session, list)?;
    if standing.is_held() {
        hold_back(work, list, &standing)?;
        return Ok(None);
    }
    if !standing.is_complete {
        let (kind, code) = ("list".to_owned(), "incomplete".to_owned());
        let detail =
            "not sent: not all of the account's lists could be read, and it may be among them".to_owned();
        work.report.problem(Issue { kind, stokt_id: list.id.to_string(), code, detail });
        return Ok(None);
    }
    let ctx = session.context();
    let over: Vec<Uuid> = standing.held().iter().map(|row| row.id).collect();
    let entries: Vec<Entry> = session.store.write(|conn| {
        outbox::let_go(conn, &ctx, &over)?;
        outbox::claim(conn, &ctx, std::slice::from_ref(&standing.claim))
    })?;
    session.points.reached("push.claimed")?;
    // One that is on its way already was told of when it was looked for.
    let Some(entry) = entries.first() else { return Ok(None) };
    let sent =
        work.send(entry, &standing.known, |session| session.client.create_list(account, &list.name))?;
    let Some((lease, answer)) = sent else { return Ok(None) };
    let Ok(stokt_id) = answer.id.to_string().parse::<StoktId>() else {
        work.unknown(entry, lease, "Stokt's answer names no id that can be kept")?;
        return Ok(None);
    };
    let created = session.store.write(|conn| outbox::created_list(conn, &ctx, lease, list.id, stokt_id))?;
    session.points.reached("push.linked")?;
    let decided = if created == Created::Taken { Decided::Ambiguous } else { Decided::Sent };
    work.report.decide(Decision { stokt_id: stokt_id.to_string(), ..about(entry, decided) });
    Ok((created == Created::Linked).then_some(stokt_id))
}

/// Puts those climbs into the list at Stokt that it lacks, in our order. What may have been put in without an answer
/// is seen the next time: the list is read before anything is put in. `made`: this run made it.
fn fill(work: &mut Push<'_, '_>, list: &ListSide, there: StoktId, made: bool) -> Result<(), EngineError> {
    let session = work.session;
    let about = |decided| Decision::new(EntityKind::List, there.to_string(), decided).named(&list.name);
    let Some((mut has, is_complete)) = items(session.client, there)? else {
        let why = "Stokt does not show it to this account any more; undo the link to send it anew";
        work.report.decide(about(Decided::Skipped).because(why));
        return Ok(());
    };
    let known = session.store.read(|conn| list_pull::known(conn, &[there], &[]))?;
    let kept = known.lists.get(&there).and_then(Agreed::of);
    let base =
        kept.clone().unwrap_or_else(|| if made { Agreed::made(&list.name) } else { Agreed::default() });
    let ours: Vec<StoktId> = list.items.iter().filter_map(|(_, climb, _)| *climb).collect();
    let met: HashSet<StoktId> = has.iter().copied().collect();
    let missing: Vec<(StoktId, &str)> = list
        .items
        .iter()
        .filter_map(|(_, climb, name)| Some((climb.filter(|climb| !met.contains(climb))?, name.as_str())))
        .collect();
    let sending = base.sending(&ours);
    if !missing.is_empty() && kept.as_ref() != Some(&sending) {
        // Before anything is put in: whoever takes it out here from now on knew of it, also if this run is cut.
        agree(session, list.id, there, &sending)?;
    }
    let mut left = list.items.len() - ours.len();
    let mut added = 0;
    for (climb, name) in missing {
        if add(work, there, climb, name)? {
            has.push(climb);
            added += 1;
        } else {
            left += 1;
        }
    }
    let agreed = base.sent(&ours, &has, is_complete);
    if kept.as_ref() != Some(&agreed) {
        agree(session, list.id, there, &agreed)?;
    }
    if added > 0 || left > 0 {
        let why = format!("{added} climbs were put in, {left} are not there");
        work.report.decide(about(Decided::Patched).because(why));
    }
    Ok(())
}

/// Notes what both sides know of a list.
fn agree(session: &Session<'_>, id: ListId, stokt_id: StoktId, agreed: &Agreed) -> Result<(), EngineError> {
    let base = agreed.to_json();
    let (added, removed) = (Vec::new(), Vec::new());
    let list = PulledList { id, stokt_id, is_new: false, name: None, added, removed, base };
    let ctx = session.context();
    let written: Result<(), StoreError> = session.store.write(|conn| {
        sync_writes::begin(conn, &ctx)?;
        list_pull::write(conn, &ctx, session.account, std::slice::from_ref(&list))
    });
    written?;
    session.points.reached("list.agreed")
}

/// Puts one climb into a list at Stokt; whether it is in it now, as far as Stokt says.
fn add(work: &mut Push<'_, '_>, there: StoktId, climb: StoktId, name: &str) -> Result<bool, EngineError> {
    let session = work.session;
    loop {
        session.check()?;
        session.points.reached("list.adding")?;
        let answer = session.client.add_to_list(there, climb);
        session.points.reached("list.added")?;
        let Err(error) = answer else {
            work.failures = 0;
            return Ok(true);
        };
        if error.outcome() == Outcome::NotSent || error.is_auth() {
            return Err(error.into());
        }
        if error.is_throttled() || error.outcome() == Outcome::Unknown {
            work.failures += 1;
            if work.failures >= MOST_FAILURES {
                return Err(error.into());
            }
        }
        if error.is_throttled() {
            continue;
        }
        let name = crate::decision::clean(name, 80);
        let detail = format!("\"{name}\" is not in the list at Stokt: {error}");
        let (kind, code) = ("list".to_owned(), "list_item".to_owned());
        work.report.problem(Issue { kind, stokt_id: there.to_string(), code, detail });
        return Ok(false);
    }
}
