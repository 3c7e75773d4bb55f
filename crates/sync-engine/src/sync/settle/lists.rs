//! What became of lists whose creation was cut: found out among the account's personal lists.

use std::collections::BTreeSet;

use mastoc_domain::outbox::OutboxState;
use mastoc_domain::{ListId, StoktId};
use mastoc_stokt_client::Client;
use mastoc_storage::outbox::{self, Created, Entry};
use serde_json::Value;

use super::{LISTINGS, about, passed, wait, waiting};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::report::Report;
use crate::sync::session::Session;

/// The account's personal lists, with their names.
///
/// # Errors
/// What ends the run.
pub(in crate::sync) fn personal(session: &Session<'_>) -> Result<Vec<(StoktId, String)>, EngineError> {
    personal_of(session.client, session.account)
}

/// The same without a run.
///
/// # Errors
/// What Stokt answers.
pub(in crate::sync) fn personal_of(
    client: &Client,
    account: StoktId,
) -> Result<Vec<(StoktId, String)>, EngineError> {
    let mut found = Vec::new();
    for page in client.personal_lists(account)? {
        for record in page?.into_distinct() {
            let Ok(list) = &record.parsed else { continue };
            if let Ok(id) = list.id.to_string().parse() {
                found.push((id, list.name.clone().unwrap_or_default()));
            }
        }
    }
    Ok(found)
}

pub(super) fn settle(
    session: &Session<'_>,
    rows: Vec<Entry>,
    report: &mut Report,
) -> Result<(), EngineError> {
    if rows.is_empty() {
        return Ok(());
    }
    let began = session.clock.now();
    let there = personal(session)?;
    let ids: Vec<StoktId> = there.iter().map(|(id, _)| *id).collect();
    let here = session.store.read(|conn| outbox::lists_here(conn, &ids))?;
    let ctx = session.context();
    for row in rows {
        let name = row.payload.get("name").and_then(Value::as_str).unwrap_or_default();
        let twins: BTreeSet<StoktId> = there
            .iter()
            .filter(|(id, called)| called == name && !row.known_twins.contains(id) && !here.contains(id))
            .map(|(id, _)| *id)
            .collect();
        let list: Option<ListId> = row.local_id.parse().ok();
        match (twins.first(), twins.len(), list) {
            (Some(twin), 1, Some(list)) => {
                let created: Result<Created, EngineError> = session.store.write(|conn| {
                    let lease = outbox::take_over(conn, &ctx, &row)?;
                    Ok(outbox::created_list(conn, &ctx, lease, list, *twin)?)
                });
                let is_taken = created? == Created::Taken;
                session.points.reached(if is_taken { "settle.ambiguous" } else { "settle.adopted" })?;
                let decided = if is_taken { Decided::Ambiguous } else { Decided::Adopted };
                report.decide(Decision { stokt_id: twin.to_string(), ..about(&row, decided) });
            }
            (Some(_), ..) => {
                let why = format!("{} lists at Stokt may be it", twins.len());
                if row.state != OutboxState::Ambiguous {
                    let written: Result<(), EngineError> = session.store.write(|conn| {
                        let lease = outbox::take_over(conn, &ctx, &row)?;
                        Ok(outbox::ambiguous(conn, &ctx, lease, &why)?)
                    });
                    written?;
                    session.points.reached("settle.ambiguous")?;
                }
                report.decide(about(&row, Decided::Ambiguous).because(why));
            }
            (None, ..) if row.state == OutboxState::Ambiguous => {
                report.decide(waiting(&row, "none of what it may have been is there any more"));
            }
            (None, ..) => {
                let is_late = row
                    .sent_at
                    .is_none_or(|sent| passed(sent, began) >= wait(session.options.unknown_settle));
                if row.listings + 1 >= LISTINGS && is_late {
                    let why = "looked for, and not done";
                    session.store.write(|conn| outbox::requeue(conn, &ctx, &[row.id], why))?;
                    session.points.reached("settle.queued")?;
                } else {
                    session.store.write(|conn| outbox::looked(conn, &ctx, &[row.id], true))?;
                    session.points.reached("settle.looked")?;
                    report.decide(waiting(&row, "not found at Stokt so far"));
                }
            }
        }
    }
    Ok(())
}
