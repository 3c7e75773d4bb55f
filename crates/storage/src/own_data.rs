//! What belongs to one person: which tables hold it, what becomes of it when they leave, and all of it as one file.
//!
//! A column that names a person and is not listed in `REFERENCES`, or a column of a table below that no section of
//! the file holds, fails a test: whoever adds one decides here what it means to the person.

mod sections;
#[cfg(test)]
mod tests;

use diesel::prelude::*;
use diesel::sql_types::Text;
use mastoc_domain::{Timestamp, UserId};
use serde_json::{Map, Value};

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;

use sections::{As, ITEMS, SECTIONS, Section};

/// What becomes of the rows that a column ties to a person who leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// They go.
    Removed,
    /// Those that were private go; what others saw stays, nameless.
    PrivateRemoved,
    /// They stay, nameless.
    Kept,
    /// They stay, and belong to nobody.
    Emptied,
    /// An id that says who might see something once; it leads to nobody any more.
    Trace,
}

/// A column that names a person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) leaving: Leaving,
}

const fn reference(table: &'static str, column: &'static str, leaving: Leaving) -> Reference {
    Reference { table, column, leaving }
}

/// Every column that names a person.
pub(crate) const REFERENCES: &[Reference] = &[
    reference("climbs", "setter_id", Leaving::PrivateRemoved),
    reference("climb_edits", "owner_id", Leaving::PrivateRemoved),
    reference("climb_edits", "user_id", Leaving::Kept),
    reference("comments", "user_id", Leaving::Kept),
    reference("maintenance_closings", "closed_by", Leaving::Kept),
    reference("gyms", "owner_id", Leaving::Emptied),
    reference("setter_claims", "decided_by", Leaving::Emptied),
    reference("setter_claims", "user_id", Leaving::Removed),
    reference("climb_personal", "user_id", Leaving::Removed),
    reference("climb_lists", "owner_id", Leaving::Removed),
    reference("list_follows", "user_id", Leaving::Removed),
    reference("hold_annotations", "user_id", Leaving::Removed),
    reference("ascents", "user_id", Leaving::Removed),
    reference("climb_likes", "user_id", Leaving::Removed),
    reference("climb_bookmarks", "user_id", Leaving::Removed),
    reference("sessions", "user_id", Leaving::Removed),
    reference("password_resets", "user_id", Leaving::Removed),
    reference("change_log", "owner_id", Leaving::Trace),
    reference("setter_claims", "setter_id", Leaving::Trace),
];

/// All that is kept of a person, as JSON: one statement for each kind of thing, however much there is.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such person; or when the database fails.
pub fn export(conn: &mut ReadConn<'_>, person: UserId) -> Result<Value, StoreError> {
    let mut file = Map::new();
    file.insert("exported_at".into(), Value::String(Timestamp::now().to_string()));
    for section in SECTIONS {
        let rows = rows(conn, section, person)?;
        let value = match section.name {
            "account" => rows.into_iter().next().map(Value::Object).ok_or(StoreError::NotFound)?,
            ITEMS => {
                put_into_lists(&mut file, rows);
                continue;
            }
            _ => Value::Array(rows.into_iter().map(Value::Object).collect()),
        };
        file.insert(section.name.into(), value);
    }
    Ok(Value::Object(file))
}

/// The columns of a section: name, expression, kind.
fn columns(section: &Section) -> impl Iterator<Item = (&'static str, String, As)> {
    let own = section.columns.iter().map(|(name, kind)| (*name, format!("t.{name}"), *kind));
    own.chain(section.joined.iter().map(|(name, of, kind)| (*name, (*of).to_owned(), *kind)))
}

/// The rows of a section. Each comes as one JSON text, which both databases make, so that one statement serves tables
/// of any shape.
fn rows(
    conn: &mut ReadConn<'_>,
    section: &Section,
    person: UserId,
) -> Result<Vec<Map<String, Value>>, StoreError> {
    let mut sql = Fragment::new("SELECT ");
    sql.either("CAST(json_build_object(", "json_object(");
    for (index, (name, of, kind)) in columns(section).enumerate() {
        sql.sql(if index == 0 { "'" } else { ", '" }).sql(name).sql("', ");
        match kind {
            As::Id => sql.either("", "lower(hex(").sql(&of).either("", "))"),
            As::Json => sql.either("", "json(").sql(&of).either("", ")"),
            As::Plain | As::Time | As::Flag => sql.sql(&of),
        };
    }
    sql.either(") AS TEXT)", ")");
    sql.sql(" FROM ").sql(section.table).sql(" t").sql(section.joins).sql(" WHERE ").sql(section.person);
    sql.sql(" = ").id(person.0).sql(" ORDER BY ").sql(section.order);
    let statement = sql.selecting::<Text>();
    let texts: Vec<String> = on_backend!(conn, |c| statement.load(c))?;
    texts.iter().map(|text| readable(section, text)).collect()
}

/// A row as it is shown: the databases write ids, times and flags each in their way.
fn readable(section: &Section, text: &str) -> Result<Map<String, Value>, StoreError> {
    let odd = |why: &str| StoreError::Internal(format!("a row of {}: {why}", section.table));
    let mut row: Map<String, Value> = serde_json::from_str(text).map_err(|error| odd(&error.to_string()))?;
    for (name, _, kind) in columns(section) {
        let Some(value) = row.get_mut(name) else { continue };
        let shown = match (kind, &*value) {
            (As::Id, Value::String(text)) if text.is_empty() => Value::Null,
            (As::Id, Value::String(text)) => {
                let id: uuid::Uuid = text.parse().map_err(|_| odd("no id"))?;
                Value::String(id.to_string())
            }
            (As::Time, Value::String(text)) => {
                let time = Timestamp::parse(text).map_err(|_| odd("no time"))?;
                Value::String(time.to_string())
            }
            (As::Flag, Value::Number(number)) => Value::Bool(number.as_i64() == Some(1)),
            _ => continue,
        };
        *value = shown;
    }
    Ok(row)
}

fn put_into_lists(file: &mut Map<String, Value>, items: Vec<Map<String, Value>>) {
    let Some(Value::Array(lists)) = file.get_mut("lists") else { return };
    let mut of_list: std::collections::HashMap<String, Vec<Value>> = std::collections::HashMap::new();
    for mut item in items {
        if let Some(Value::String(list)) = item.shift_remove("list_id") {
            of_list.entry(list).or_default().push(Value::Object(item));
        }
    }
    for list in lists.iter_mut().filter_map(Value::as_object_mut) {
        let items = list.get("id").and_then(Value::as_str).and_then(|id| of_list.remove(id));
        list.insert("items".into(), Value::Array(items.unwrap_or_default()));
    }
}
