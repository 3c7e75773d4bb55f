//! What became of lists whose creation was cut: found out among the account's personal lists.

use std::collections::BTreeSet;

use mastoc_domain::outbox::OutboxState;
use mastoc_domain::{ListId, StoktId};
use mastoc_stokt_client::Client;
use mastoc_storage::outbox::{self, Created, Entry};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use super::{LISTINGS, about, passed, wait, waiting};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::report::Report;
use crate::sync::session::Session;

/// The account's personal lists.
pub(in crate::sync) struct Personal {
    /// Those that can be read, with their names.
    pub(in crate::sync) lists: Vec<(StoktId, String)>,
    /// Whether these are all: only then is what is not among them not there.
    pub(in crate::sync) is_complete: bool,
}

impl Personal {
    /// Those called `name`, as Stokt keeps a name: composed, and without white space around it.
    pub(in crate::sync) fn called(&self, name: &str) -> impl Iterator<Item = StoktId> {
        let kept = |name: &str| name.trim().nfc().collect::<String>();
        let name = kept(name);
        self.lists.iter().filter(move |(_, called)| kept(called) == name).map(|(id, _)| *id)
    }
}

/// The account's personal lists.
///
/// # Errors
/// What ends the run.
pub(in crate::sync) fn personal(session: &Session<'_>) -> Result<Personal, EngineError> {
    personal_of(session.client, session.account)
}

/// The same without a run.
///
/// # Errors
/// What Stokt answers.
pub(in crate::sync) fn personal_of(client: &Client, account: StoktId) -> Result<Personal, EngineError> {
    let (mut lists, mut is_readable) = (Vec::new(), true);
    let mut pages = client.personal_lists(account)?;
    for page in pages.by_ref() {
        for record in page?.into_distinct() {
            let list = record.parsed.as_ref().ok();
            let read = list.and_then(|list| Some((list.id.to_string().parse().ok()?, list.name.clone())));
            is_readable &= read.as_ref().is_some_and(|(_, name)| name.is_some());
            let read = read.map(|(id, name)| (id, name.unwrap_or_default()));
            lists.extend(read);
        }
    }
    Ok(Personal { lists, is_complete: is_readable && pages.proof().complete })
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
    let ids: Vec<StoktId> = there.lists.iter().map(|(id, _)| *id).collect();
    let here = session.store.read(|conn| outbox::lists_here(conn, &ids))?;
    let ctx = session.context();
    for row in rows {
        let name = row.payload.get("name").and_then(Value::as_str).unwrap_or_default();
        let is_new = |id: &StoktId| !row.known_twins.contains(id) && !here.contains(id);
        let twins: BTreeSet<StoktId> = there.called(name).filter(is_new).collect();
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
                if there.is_complete && row.listings + 1 >= LISTINGS && is_late {
                    let why = "looked for, and not done";
                    session.store.write(|conn| outbox::requeue(conn, &ctx, &[row.id], why))?;
                    session.points.reached("settle.queued")?;
                } else {
                    session.store.write(|conn| outbox::looked(conn, &ctx, &[row.id], there.is_complete))?;
                    session.points.reached("settle.looked")?;
                    report.decide(waiting(&row, "not found at Stokt so far"));
                }
            }
        }
    }
    Ok(())
}
