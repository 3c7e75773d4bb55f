//! What waits to be sent to Stokt, and what was sent of which nobody knows what became.

use std::fmt::Write as _;

use mastoc_runtime::{Exit, Failure};
use mastoc_storage::outbox::{self, Entry};
use mastoc_storage::{Store, StoreError};
use mastoc_sync_engine::sync::{OutboxAction, OutboxState};
use serde_json::{Value, json};

use super::{broken, say, shown};

pub(super) fn show(store: &Store, json: bool) -> Result<Exit, Failure> {
    let open: Vec<OutboxState> = OutboxState::ALL.iter().copied().filter(|state| !state.is_over()).collect();
    let entries = store.read(|conn| outbox::in_states(conn, &open));
    let entries = entries.map_err(|error: StoreError| broken(error.into()))?;
    let waits = entries.iter().any(|entry| entry.state == OutboxState::Ambiguous);
    let value = json!({ "outbox": entries.iter().map(to_json).collect::<Vec<_>>() });
    let mut text = String::new();
    // Writing to a text never fails.
    let _ = write_all(&mut text, &entries);
    say(json, &value, &text);
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
            writeln!(out, "    sent at {sent_at}, attempt {}", entry.attempts)?;
        }
        if let Some(error) = &entry.last_error {
            writeln!(out, "    last: {}", shown(error))?;
        }
    }
    Ok(())
}
