//! Sending a list: made at Stokt once, as one of the account's personal lists, and filled with what it lacks there.

use std::collections::BTreeSet;

use mastoc_domain::StoktId;
use mastoc_domain::outbox::OutboxAction;
use mastoc_domain::sync_state::EntityKind;
use mastoc_stokt_client::Outcome;
use mastoc_stokt_client::types::ListItemsQuery;
use mastoc_storage::outbox::{self, Claim, Created, Entry, ListSide};
use serde_json::json;

use super::{MOST_FAILURES, Push};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::report::Issue;
use crate::sync::options::Selection;
use crate::sync::settle::about;

/// Sends the list that was chosen, if one was.
///
/// # Errors
/// What ends the run.
pub(super) fn push(work: &mut Push<'_, '_>) -> Result<(), EngineError> {
    let Selection::List(id) = work.session.options.selection else { return Ok(()) };
    let Some(list) = work.session.store.read(|conn| outbox::list(conn, id))? else { return Ok(()) };
    match list.stokt_id {
        Some(there) => fill(work, &list, there),
        None => match create(work, &list)? {
            Some(there) => fill(work, &list, there),
            None => Ok(()),
        },
    }
}

/// Makes the list at Stokt; `None` when it is not known to be there afterwards.
fn create(work: &mut Push<'_, '_>, list: &ListSide) -> Result<Option<StoktId>, EngineError> {
    let session = work.session;
    let account = session.account;
    let known: BTreeSet<StoktId> =
        super::super::settle::personal_lists(session)?.called(&list.name).collect();
    let claim = Claim {
        entity: EntityKind::List,
        local_id: list.id.to_string(),
        action: OutboxAction::Create,
        stokt_id: None,
        account,
        payload: json!({ "name": list.name }),
        fingerprint: json!(["list", account, list.name]).to_string(),
        local_rev: 0,
    };
    let ctx = session.context();
    let entries: Vec<Entry> = session.store.write(|conn| outbox::claim(conn, &ctx, &[claim]))?;
    session.points.reached("push.claimed")?;
    // One that is on its way already was told of when it was looked for.
    let Some(entry) = entries.first() else { return Ok(None) };
    let sent = work.send(entry, &known, |session| session.client.create_list(account, &list.name))?;
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
/// is seen the next time: the list is read before anything is put in.
fn fill(work: &mut Push<'_, '_>, list: &ListSide, there: StoktId) -> Result<(), EngineError> {
    let session = work.session;
    let about = |decided| Decision::new(EntityKind::List, there.to_string(), decided).named(&list.name);
    let mut has: BTreeSet<String> = BTreeSet::new();
    for page in session.client.list_items(there, &ListItemsQuery::default())? {
        let page = match page {
            Err(error) if error.is_not_found() || error.is_forbidden() => {
                let why = "Stokt does not show it to this account any more; undo the link to send it anew";
                work.report.decide(about(Decided::Skipped).because(why));
                return Ok(());
            }
            page => page?,
        };
        for record in page.into_distinct() {
            let climb = record.parsed.as_ref().ok().and_then(|item| item.climb.as_ref());
            has.extend(climb.map(|climb| climb.id.to_string()));
        }
    }
    let (mut added, mut left) = (0_u32, 0_u32);
    for (_, climb, name) in &list.items {
        let Some(climb) = climb else {
            left += 1;
            continue;
        };
        if !has.insert(climb.to_string()) {
            continue;
        }
        loop {
            session.check()?;
            session.points.reached("list.adding")?;
            let answer = session.client.add_to_list(there, climb);
            session.points.reached("list.added")?;
            let Err(error) = answer else {
                work.failures = 0;
                added += 1;
                break;
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
            let detail =
                format!("\"{}\" is not in the list at Stokt: {error}", crate::decision::clean(name, 80));
            let (kind, code) = ("list".to_owned(), "list_item".to_owned());
            work.report.problem(Issue { kind, stokt_id: there.to_string(), code, detail });
            left += 1;
            break;
        }
    }
    if added > 0 || left > 0 {
        let why = format!("{added} climbs were put in, {left} are not there");
        work.report.decide(about(Decided::Patched).because(why));
    }
    Ok(())
}
