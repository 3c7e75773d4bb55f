//! The commit-ordered change log that offline copies follow, and the data version that answers are cached by.
//!
//! Sequence numbers must grow in the order of commits, or a follower could skip one. So all of a transaction's
//! changes are written right before its commit, on PostgreSQL under an advisory lock that the commit releases;
//! SQLite has one writer at a time anyway.

use diesel::dsl::max;
use diesel::prelude::*;
use mastoc_domain::UserId;
use mastoc_domain::change::{ChangeKind, Changed};

use crate::conn::{AnyConnection, ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::change_log;
use crate::types::{Id, Time};
use crate::visibility::Viewer;

/// How many rows one statement inserts: 6 values each, far below the bind limits of both databases.
const ROWS_PER_INSERT: usize = 2_000;

/// A change that the running transaction will log when it commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChange {
    /// What kind of row.
    pub entity: Changed,
    /// Its id, as text.
    pub id: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Whether readers without special rights may see that it happened: true if they could see the row before or
    /// can see it after.
    pub is_public: bool,
    /// A person who may see it in any case: the setter of a private climb, the owner of a list, the writer of a note.
    pub owner: Option<UserId>,
}

#[derive(Insertable)]
#[diesel(table_name = change_log, treat_none_as_default_value = false)]
struct NewChange<'a> {
    entity: &'a str,
    entity_id: &'a str,
    kind: &'a str,
    is_public: bool,
    owner_id: Option<Id>,
    at: Time,
}

/// One entry of the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place in the order of commits.
    pub seq: i64,
    /// What kind of row.
    pub entity: Changed,
    /// The row's id, as text.
    pub entity_id: String,
    /// What happened.
    pub kind: ChangeKind,
    /// Whether readers without special rights may see it.
    pub is_public: bool,
    /// Who may see it in any case.
    pub owner: Option<UserId>,
}

/// Writes the transaction's noted changes; the last thing before the commit.
pub(crate) fn flush(conn: &mut WriteConn<'_>) -> Result<(), StoreError> {
    if conn.pending.is_empty() {
        return Ok(());
    }
    let pending = std::mem::take(&mut conn.pending);
    let at = Time(conn.now());
    if let AnyConnection::Postgres(c) = conn.any() {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtext('mastoc.change_log'))").execute(c)?;
    }
    for chunk in pending.chunks(ROWS_PER_INSERT) {
        let rows: Vec<NewChange<'_>> = chunk
            .iter()
            .map(|change| NewChange {
                entity: change.entity.as_str(),
                entity_id: &change.id,
                kind: change.kind.as_str(),
                is_public: change.is_public,
                owner_id: change.owner.map(|owner| Id(owner.0)),
                at,
            })
            .collect();
        on_backend!(conn, |c| diesel::insert_into(change_log::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// The number of the newest committed change; 0 when there is none. Everything served depends on it alone.
///
/// # Errors
/// When the database fails.
pub fn latest(conn: &mut ReadConn<'_>) -> Result<i64, StoreError> {
    // Not the first of them by descending number: SQLite prepares a statement anew whenever its LIMIT is bound, and
    // this one is asked for each request.
    let newest: Option<i64> = on_backend!(conn, |c| change_log::table.select(max(change_log::seq)).first(c))?;
    Ok(newest.unwrap_or(0))
}

/// The entries after `since` that may concern `viewer`, oldest first, at most `limit` of them. Persons also get those
/// that are neither public nor anybody's own: whether they see the row is for the row to say.
///
/// # Errors
/// When the database fails.
pub fn since(
    conn: &mut ReadConn<'_>,
    since: i64,
    limit: i64,
    viewer: Viewer,
) -> Result<Vec<Change>, StoreError> {
    let rows: Vec<(i64, String, String, String, bool, Option<Id>)> = on_backend!(conn, |c| {
        let mut query = change_log::table
            .select((
                change_log::seq,
                change_log::entity,
                change_log::entity_id,
                change_log::kind,
                change_log::is_public,
                change_log::owner_id,
            ))
            .filter(change_log::seq.gt(since))
            .order(change_log::seq.asc())
            .limit(limit)
            .into_boxed();
        match viewer {
            Viewer::Service => {}
            Viewer::Public => query = query.filter(change_log::is_public.eq(true)),
            Viewer::Person(person) => {
                let own = change_log::owner_id
                    .is_null()
                    .or(change_log::owner_id.eq(Id(person.0)).assume_not_null());
                query = query.filter(change_log::is_public.eq(true).or(own));
            }
        }
        query.load(c)
    })?;
    rows.into_iter()
        .map(|(seq, entity, entity_id, kind, is_public, owner)| {
            let unknown =
                |word: &str| StoreError::Internal(format!("unknown word '{word}' in the change log"));
            Ok(Change {
                seq,
                entity: entity.parse().map_err(|_| unknown(&entity))?,
                entity_id,
                kind: ChangeKind::from_word(&kind).ok_or_else(|| unknown(&kind))?,
                is_public,
                owner: owner.map(|owner| UserId(owner.0)),
            })
        })
        .collect()
}
