//! The history of climbs: who did what here, and when. It outlives the climbs.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Json, Nullable, Text};
use mastoc_domain::change::ChangeKind;
use mastoc_domain::climb_edit::FieldChange;
use mastoc_domain::{ClimbId, Timestamp, UserId};
use serde_json::Value;
use uuid::Uuid;

use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::{climb_edits as t, tombstones};
use crate::sql::chunks;
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;

/// Who writes: a person, or a key of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// A person.
    Person(UserId),
    /// A key, by a name that is no secret.
    Key(String),
}

/// Something that was done to a climb.
#[derive(Debug, Clone, PartialEq)]
pub struct ClimbEdit {
    /// Grows with time.
    pub id: Uuid,
    /// What was done.
    pub action: ChangeKind,
    /// The person who did it; `None` for keys, and for people who are gone.
    pub user_id: Option<UserId>,
    /// The name that person shows.
    pub user_name: Option<String>,
    /// Whether a key of the service did it.
    pub by_key: bool,
    /// What changed; never a personal field.
    pub changes: Vec<FieldChange>,
    /// When.
    pub at: Timestamp,
}

/// An edit to be recorded.
pub(crate) struct NewEdit {
    pub(crate) climb: Uuid,
    pub(crate) action: ChangeKind,
    /// The climb's setter.
    pub(crate) owner: Option<Id>,
    /// Whether the climb was private before: then others must not read what it was.
    pub(crate) is_private: bool,
    pub(crate) changes: Vec<FieldChange>,
}

#[derive(Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row<'a> {
    id: Id,
    climb_id: Id,
    action: &'a str,
    user_id: Option<Id>,
    api_key: Option<&'a str>,
    owner_id: Option<Id>,
    is_private: bool,
    changes: Value,
    at: Time,
}

/// Records what was done, in one statement.
pub(crate) fn record(
    conn: &mut WriteConn<'_>,
    author: &Author,
    edits: Vec<NewEdit>,
) -> Result<(), StoreError> {
    let at = Time(conn.now());
    let (user_id, api_key) = match author {
        Author::Person(person) => (Some(Id(person.0)), None),
        Author::Key(key) => (None, Some(key.as_str())),
    };
    let rows = edits.into_iter().map(|edit| {
        let changes = serde_json::to_value(edit.changes)
            .map_err(|error| StoreError::Internal(format!("the changes of a climb: {error}")))?;
        Ok(Row {
            id: Id(Uuid::now_v7()),
            climb_id: Id(edit.climb),
            action: edit.action.as_str(),
            user_id,
            api_key,
            owner_id: edit.owner,
            is_private: edit.is_private,
            changes,
            at,
        })
    });
    let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
    for rows in chunks(&rows, 9) {
        on_backend!(conn, |c| diesel::insert_into(t::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// Whether the climb was deleted here.
///
/// # Errors
/// When the database fails.
pub fn was_deleted(conn: &mut ReadConn<'_>, climb: ClimbId) -> Result<bool, StoreError> {
    let found = on_backend!(conn, |c| diesel::select(diesel::dsl::exists(
        tombstones::table
            .filter(tombstones::entity.eq("climb"))
            .filter(tombstones::entity_id.eq(climb.to_string()))
    ))
    .get_result(c))?;
    Ok(found)
}

/// Adds `FROM` and the condition on what `viewer` may read of one climb's history.
fn seen(sql: &mut Fragment, viewer: Viewer, climb: ClimbId) {
    sql.sql(" FROM climb_edits e LEFT JOIN users u ON u.id = e.user_id WHERE e.climb_id = ").id(climb.0);
    match viewer {
        Viewer::Service => {}
        Viewer::Public => {
            sql.sql(" AND NOT e.is_private");
        }
        Viewer::Person(person) => {
            sql.sql(" AND (NOT e.is_private OR e.owner_id = ").id(person.0).sql(")");
        }
    }
}

/// How much of a climb's history `viewer` may read: what was done while it was private is its setter's own.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, viewer: Viewer, climb: ClimbId) -> Result<i64, StoreError> {
    let mut sql = Fragment::new("SELECT count(*)");
    seen(&mut sql, viewer, climb);
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// A climb's history as far as `viewer` may read it, the newest first. Whether they may see the climb at all is for the
/// caller to find out.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    climb: ClimbId,
    offset: i64,
    limit: i64,
) -> Result<Vec<ClimbEdit>, StoreError> {
    type Columns = (DbUuid, Text, Nullable<DbUuid>, Nullable<Text>, Nullable<Text>, Json, DbTime);
    type Found = (Id, String, Option<Id>, Option<String>, Option<String>, Value, Time);
    let mut sql = Fragment::new("SELECT e.id, e.action, e.user_id, u.full_name, e.api_key, e.changes, e.at");
    seen(&mut sql, viewer, climb);
    sql.sql(" ORDER BY e.id DESC LIMIT ").big(limit).sql(" OFFSET ").big(offset);
    let statement = sql.selecting::<Columns>();
    let rows: Vec<Found> = on_backend!(conn, |c| statement.load(c))?;
    rows.into_iter()
        .map(|(id, action, user_id, user_name, api_key, changes, at)| {
            let broken = |what: &str| StoreError::Internal(format!("climb_edits: {what}"));
            Ok(ClimbEdit {
                id: id.0,
                action: ChangeKind::from_word(&action).ok_or_else(|| broken(&action))?,
                user_id: user_id.map(|user| UserId(user.0)),
                user_name,
                by_key: api_key.is_some(),
                changes: serde_json::from_value(changes).map_err(|error| broken(&error.to_string()))?,
                at: at.0,
            })
        })
        .collect()
}
