//! Conflicts: shown with both versions, and settled.

use std::fmt::Write as _;

use mastoc_runtime::{Exit, Failure};
use mastoc_storage::Store;
use mastoc_storage::conflicts::{self, Conflict, Outcome, Which};
use mastoc_sync_engine::sync::{ConflictKind, Field, Take};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{decide, shown, tell};
use crate::shared::failure;

/// Most conflicts that are shown at once.
const MOST: i64 = 1_000;

const UNKNOWN: &str = "there is no such conflict; mastoc-sync conflicts lists those that wait";

pub(super) fn show(store: &Store, id: Option<Uuid>, json: bool) -> Result<Exit, Failure> {
    let found = store.read(|conn| match id {
        Some(id) => conflicts::get(conn, id).map(|one| one.into_iter().collect()),
        None => conflicts::list(conn, Which::Open, 0, MOST),
    });
    let found: Vec<Conflict> = found.map_err(|error: mastoc_storage::StoreError| failure(&error.into()))?;
    if id.is_some() && found.is_empty() {
        return Err(Failure::usage(UNKNOWN));
    }
    let waiting = found.iter().any(|conflict| conflict.settlement.is_none());
    let value = json!({ "conflicts": found.iter().map(to_json).collect::<Vec<_>>() });
    let mut text = String::new();
    // Writing to a text never fails.
    let _ = write_all(&mut text, &found, waiting);
    tell(json, &value, &text, if waiting { Exit::Waiting } else { Exit::Done })
}

pub(super) fn resolve(store: &Store, id: Uuid, take: Take, json: bool) -> Result<Exit, Failure> {
    let done = decide(store, |conn, ctx| conflicts::resolve(conn, ctx, id, take), UNKNOWN)?;
    let (word, what) = match done.outcome {
        Outcome::WaitsToBeSent => ("waits_to_be_sent", "the next run sends it to Stokt"),
        Outcome::InStep => ("in_step", "both sides say the same"),
        Outcome::Local => ("local", "it is a local climb now, and is sent again only if it is chosen"),
        Outcome::Archived => ("archived", "it is archived here"),
        Outcome::StaysDeleted => ("stays_deleted", "it stays deleted here"),
        Outcome::Restored => ("restored", "it is back here"),
        Outcome::ComesWithThePull => ("comes_with_the_pull", "the next full run brings it back"),
    };
    let mut value = to_json(&done.conflict);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("outcome".to_owned(), word.into());
    }
    let text = format!("{}: taken from {take}; {what}\n", shown(done.conflict.name()));
    tell(json, &value, &text, Exit::Done)
}

fn to_json(conflict: &Conflict) -> Value {
    let version =
        |of: &Option<_>| of.as_ref().map_or(Value::Null, mastoc_sync_engine::sync::Canonical::to_json);
    json!({
        "id": conflict.id,
        "climb": conflict.climb,
        "stokt_id": conflict.stokt_id,
        "name": conflict.name(),
        "kind": conflict.kind,
        "fields": conflict.fields,
        "base": version(&conflict.base),
        "mastoc": version(&conflict.ours),
        "stokt": version(&conflict.theirs),
        "run": conflict.run,
        "settlement": conflict.settlement,
        "opened_at": conflict.opened_at,
        "updated_at": conflict.updated_at,
        "settled_at": conflict.settled_at,
    })
}

fn write_all(out: &mut String, conflicts: &[Conflict], waiting: bool) -> std::fmt::Result {
    if conflicts.is_empty() {
        return writeln!(out, "no conflict waits");
    }
    for conflict in conflicts {
        let what = match conflict.kind {
            ConflictKind::Fields => "was changed on both sides",
            ConflictKind::Gone => "was changed here and is gone from Stokt",
            ConflictKind::Deleted => "was deleted here and changed at Stokt",
        };
        writeln!(out, "{}  {} {what}", conflict.id, shown(conflict.name()))?;
        for field in &conflict.fields {
            let side = |version: &Option<_>| version.as_ref().map(|version| value(*field, version));
            let (ours, theirs) = (side(&conflict.ours), side(&conflict.theirs));
            let gone = || "(not there)".to_owned();
            writeln!(out, "    {field}")?;
            writeln!(out, "        mastoc: {}", ours.unwrap_or_else(gone))?;
            writeln!(out, "        stokt:  {}", theirs.unwrap_or_else(gone))?;
        }
    }
    if waiting {
        writeln!(out, "\nsettle one with: mastoc-sync resolve ID --take mastoc|stokt")?;
    }
    Ok(())
}

fn value(field: Field, version: &mastoc_sync_engine::sync::Canonical) -> String {
    match field.value(version) {
        Value::Null => "(none)".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "(none)".to_owned(),
        Value::String(text) => shown(&text),
        other => shown(&other.to_string()),
    }
}
