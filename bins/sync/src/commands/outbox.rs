//! What waits to be sent to Stokt, and what was sent of which nobody knows what became.

use std::fmt::Write as _;

use mastoc_runtime::{Exit, Failure};
use mastoc_storage::outbox::{self, Entry};
use mastoc_storage::{Store, StoreError};
use mastoc_sync_engine::StoktId;
use mastoc_sync_engine::sync::{OutboxAction, OutboxState, by_hand, in_seconds};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{OutboxCommand, decide, shown, tell};
use crate::shared::failure;

const UNKNOWN: &str = "there is no such entry; mastoc-sync outbox lists what waits";

pub(super) fn carry_out(store: &Store, action: Option<&OutboxCommand>, json: bool) -> Result<Exit, Failure> {
    match action {
        None => show(store, json),
        Some(OutboxCommand::Settle { id, adopt, .. }) => settle(store, *id, *adopt, json),
        Some(OutboxCommand::Drop { id }) => drop_waiting(store, *id, json),
    }
}

/// It is this climb of Stokt's, or for `None` it was not created.
fn settle(store: &Store, id: Uuid, adopt: Option<StoktId>, json: bool) -> Result<Exit, Failure> {
    let (entry, word, what) = match adopt {
        Some(stokt_id) => (
            decide(store, |conn, ctx| by_hand::adopt(conn, ctx, id, stokt_id), UNKNOWN)?,
            "adopted",
            format!("it is climb {stokt_id} at Stokt from now on"),
        ),
        None => (
            decide(store, |conn, ctx| by_hand::not_created(conn, ctx, id), UNKNOWN)?,
            "not_created",
            "it waits to be sent again".to_owned(),
        ),
    };
    let value = json!({ "id": id, "local_id": entry.local_id, "name": name(&entry), "settled": word, "stokt_id": adopt });
    tell(json, &value, &format!("{}: {what}\n", shown(name(&entry))));
    Ok(Exit::Done)
}

fn drop_waiting(store: &Store, id: Uuid, json: bool) -> Result<Exit, Failure> {
    let called_off = decide(
        store,
        |conn, _| match outbox::by_id(conn, id)? {
            None => Err(StoreError::NotFound),
            Some(entry) => Ok((outbox::drop_pending(conn, id, "called off by a person")?, entry)),
        },
        UNKNOWN,
    )?;
    let (true, entry) = called_off else {
        return Err(Failure::usage(format!("{id} does not wait any more: it may have been sent"))
            .hint("mastoc-sync outbox says how far it is"));
    };
    tell(json, &json!({ "id": id, "name": name(&entry) }), &format!("{}: called off\n", shown(name(&entry))));
    Ok(Exit::Done)
}

fn show(store: &Store, json: bool) -> Result<Exit, Failure> {
    let open: Vec<OutboxState> = OutboxState::ALL.iter().copied().filter(|state| !state.is_over()).collect();
    let entries = store.read(|conn| outbox::in_states(conn, &open));
    let entries = entries.map_err(|error: StoreError| failure(&error.into()))?;
    let waits = entries.iter().any(|entry| entry.state == OutboxState::Ambiguous);
    let value = json!({ "outbox": entries.iter().map(to_json).collect::<Vec<_>>() });
    let mut text = String::new();
    // Writing to a text never fails.
    let _ = write_all(&mut text, &entries);
    tell(json, &value, &text);
    Ok(if waits { Exit::Waiting } else { Exit::Done })
}

fn name(entry: &Entry) -> &str {
    entry.payload.get("name").and_then(Value::as_str).unwrap_or("")
}

fn to_json(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "kind": entry.entity,
        "local_id": entry.local_id,
        "stokt_id": entry.stokt_id,
        "name": name(entry),
        "action": entry.action,
        "state": entry.state,
        "attempts": entry.attempts,
        "known_twins": entry.known_twins,
        "listings": entry.listings,
        "sent_at": entry.sent_at,
        "not_before": entry.not_before,
        "last_error": entry.last_error,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
    })
}

fn write_all(out: &mut String, entries: &[Entry]) -> std::fmt::Result {
    if entries.is_empty() {
        return writeln!(out, "nothing waits to be sent");
    }
    for entry in entries {
        let action = match entry.action {
            OutboxAction::Create => "to be created",
            OutboxAction::Update => "to be changed",
            OutboxAction::Privacy => "to be shown or hidden",
            OutboxAction::Delete => "to be deleted",
        };
        let state = match entry.state {
            OutboxState::Pending => "waits its turn",
            OutboxState::Leased => "taken up, not sent",
            OutboxState::Sent => "being sent, or cut while it was; the next run looks for it at Stokt",
            OutboxState::Unknown => "sent, outcome unknown; the next run looks for it at Stokt",
            OutboxState::Ambiguous => "sent, and several at Stokt may be it: a person decides",
            OutboxState::Done => "done",
            OutboxState::Rejected => "refused",
        };
        writeln!(out, "{}  {} {} ({action}): {state}", entry.id, entry.entity, shown(name(entry)))?;
        if let Some(sent_at) = entry.sent_at {
            writeln!(out, "    sent at {}, attempt {}", in_seconds(sent_at), entry.attempts)?;
        }
        if let Some(error) = &entry.last_error {
            writeln!(out, "    last: {}", shown(error))?;
        }
    }
    Ok(())
}
