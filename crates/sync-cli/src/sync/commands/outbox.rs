//! What waits to be sent to Stokt, and what was sent of which nobody knows what became.

use std::fmt::Write as _;

use mastoc_runtime::{Exit, Failure};
use mastoc_storage::outbox::{self, Entry};
use mastoc_storage::{Store, StoreError};
use mastoc_sync_engine::StoktId;
use mastoc_sync_engine::sync::{EntityKind, OutboxAction, OutboxState, by_hand, in_seconds, one_line};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{OutboxCommand, client, decide, shown, tell};
use crate::shared::failure;
use crate::sync::args::Arguments;

/// Most characters of what went wrong last: all that is kept.
const MOST_SAID: usize = 500;

const UNKNOWN: &str = "there is no such entry; mastoc-sync outbox lists what waits";

pub(super) fn carry_out(
    store: &Store,
    action: Option<&OutboxCommand>,
    arguments: &Arguments,
) -> Result<Exit, Failure> {
    let json = arguments.json;
    match action {
        None => show(store, json),
        Some(OutboxCommand::Settle { id, adopt, not_created, .. }) => {
            settle(store, *id, *adopt, *not_created, arguments)
        }
        Some(OutboxCommand::Drop { id }) => drop_waiting(store, *id, json),
    }
}

/// It is this one of Stokt's; or for `None` it was not created, or is to be sent all the same.
fn settle(
    store: &Store,
    id: Uuid,
    adopt: Option<StoktId>,
    not_created: bool,
    arguments: &Arguments,
) -> Result<Exit, Failure> {
    let (entry, word, what) = match adopt {
        Some(stokt_id) => {
            let shown = shown_by_stokt(store, id, arguments)?;
            let done = decide(store, |conn, ctx| by_hand::adopt(conn, ctx, id, stokt_id, &shown), UNKNOWN)?;
            let mut what = format!("it is {} {stokt_id} at Stokt from now on", done.entry.entity);
            if let Some(copy) = done.freed {
                what.push_str(&format!(
                    "; list {copy} here, which a pull had made of that, is a list of its own now: delete it if it is \
                     of no use"
                ));
            }
            (done.entry, "adopted", what)
        }
        None if not_created => (
            decide(store, |conn, ctx| by_hand::not_created(conn, ctx, id), UNKNOWN)?,
            "not_created",
            "it waits to be sent again".to_owned(),
        ),
        None => {
            let entry = decide(store, |conn, ctx| by_hand::send_all_the_same(conn, ctx, id), UNKNOWN)?;
            let what = match entry.entity {
                EntityKind::List => format!("the next run with --list {} sends it", entry.local_id),
                _ => "the next run that sends takes it along".to_owned(),
            };
            (entry, "to_be_sent", what)
        }
    };
    let value = json!({ "id": id, "local_id": entry.local_id, "name": name(&entry), "settled": word, "stokt_id": adopt });
    tell(arguments.json, &value, &format!("{}: {what}\n", shown(name(&entry))), Exit::Done)
}

/// What Stokt shows that it may be.
fn shown_by_stokt(store: &Store, id: Uuid, arguments: &Arguments) -> Result<by_hand::Candidates, Failure> {
    let client = client(arguments).map_err(|why| Failure {
        message: format!("Stokt is asked whether it has that one: {}", why.message),
        ..why
    })?;
    by_hand::candidates(&client, store, id).map_err(|error| failure(&error))
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
    let (is_off, entry) = called_off;
    if !is_off {
        return Err(Failure::usage(format!("{id} does not wait any more: it may have been sent"))
            .hint("mastoc-sync outbox says how far it is"));
    }
    let then = if entry.is_held_back() {
        "; what Stokt has is another one, and the next full run that pulls brings it"
    } else {
        ""
    };
    let text = format!("{}: called off{then}\n", shown(name(&entry)));
    tell(json, &json!({ "id": id, "name": name(&entry) }), &text, Exit::Done)
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
    tell(json, &value, &text, if waits { Exit::Waiting } else { Exit::Done })
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
        "held_back": entry.is_held_back(),
        "remedies": by_hand::remedies(entry).into_iter().map(|one| one.command).collect::<Vec<_>>(),
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
            OutboxState::Ambiguous if entry.is_held_back() => {
                "held back and not sent, since Stokt has one just like it: a person decides"
            }
            OutboxState::Ambiguous => "sent, and several at Stokt may be it: a person decides",
            OutboxState::Done => "done",
            OutboxState::Rejected => "refused",
        };
        writeln!(out, "{}  {} {} ({action}): {state}", entry.id, entry.entity, shown(name(entry)))?;
        if let Some(sent_at) = entry.sent_at {
            writeln!(out, "    sent at {}, attempt {}", in_seconds(sent_at), entry.attempts)?;
        }
        if let Some(error) = &entry.last_error {
            // It names what at Stokt it may be.
            writeln!(out, "    last: {}", one_line(error, MOST_SAID))?;
        }
        for remedy in by_hand::remedies(entry) {
            writeln!(out, "    if {}: {}", remedy.when, remedy.command)?;
        }
    }
    Ok(())
}
