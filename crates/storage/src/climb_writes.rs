//! Writing climbs here: creating, editing and deleting. Each keeps the climb's holds, its history, its state of
//! synchronisation and the change log true in the same transaction, in a number of statements that depends neither on
//! the climb nor on the board.

mod corrections;
mod restoring;
mod rows;

use std::collections::HashMap;

use diesel::prelude::*;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::climb_edit::{ClimbContent, HoldFit, changes};
use mastoc_domain::sync_state::{EntityKind, SyncState};
use mastoc_domain::{ClimbId, FaceId, HoldId, UserId};

use crate::changes::PendingChange;
use crate::climb_edits::{self, Author, NewEdit};
use crate::conn::{AnyConnection, ReadConn, WriteConn, on_backend};
use crate::echoes;
use crate::error::StoreError;
use crate::import::echoes::{CountsFor, Recounted};
use crate::schema::{climbs as t, faces, hold_shapes, holds, sync_links, tombstones};
use crate::types::{Id, Time};
use crate::visibility::Viewer;

pub use corrections::{Linked, correct_date, correct_dates, link};
pub(crate) use restoring::{Restored, restore};
pub use rows::Standing;

/// Writes the rows of a climb's holds anew.
///
/// # Errors
/// [`StoreError::Invalid`] when the list cannot be read, or the database's failure.
pub(crate) fn replace_holds(conn: &mut WriteConn<'_>, id: ClimbId, list: &str) -> Result<(), StoreError> {
    rows::delete_holds(conn, id)?;
    rows::insert_holds(conn, id, list)
}

/// The version of a face on which new climbs are set; `None` when there is no such face.
///
/// # Errors
/// When the database fails.
pub fn current_version(conn: &mut ReadConn<'_>, face: FaceId) -> Result<Option<i32>, StoreError> {
    let version = on_backend!(conn, |c| faces::table
        .find(Id(face.0))
        .select(faces::current_version)
        .first(c)
        .optional())?;
    Ok(version)
}

/// Which of these holds a climb on this version of a face may use; those that are missing are elsewhere. At most one
/// statement.
///
/// # Errors
/// When the database fails.
pub fn holds_on(
    conn: &mut ReadConn<'_>,
    face: FaceId,
    version: i32,
    wanted: &[HoldId],
) -> Result<HashMap<HoldId, HoldFit>, StoreError> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<i64> = wanted.iter().map(|hold| hold.0).collect();
    let mut found = HashMap::with_capacity(ids.len());
    for ids in crate::sql::keys(&ids) {
        let rows: Vec<(i64, Option<Time>)> = on_backend!(conn, |c| holds::table
            .inner_join(hold_shapes::table)
            .filter(hold_shapes::face_id.eq(Id(face.0)))
            .filter(hold_shapes::version.eq(version))
            // Asked of the shapes, whose key it begins: a database without statistics looks at no other.
            .filter(hold_shapes::hold_id.eq_any(ids))
            .select((holds::id, holds::retired_at))
            .load(c))?;
        found.extend(rows.into_iter().map(|(hold, retired)| {
            (HoldId(hold), if retired.is_some() { HoldFit::Retired } else { HoldFit::Fits })
        }));
    }
    Ok(found)
}

/// Creates a climb whose content was checked; `setter` is `None` for a key of the service. Five statements.
///
/// # Errors
/// When the database fails.
pub fn create(
    conn: &mut WriteConn<'_>,
    author: &Author,
    face: FaceId,
    version: i32,
    content: &ClimbContent,
) -> Result<ClimbId, StoreError> {
    let id = ClimbId::generate();
    let setter = match author {
        Author::Person(person) => Some(Id(person.0)),
        Author::Key(_) => None,
    };
    rows::insert(conn, id, face, version, setter, content)?;
    rows::insert_holds(conn, id, &content.holds_list)?;
    let edit = NewEdit {
        climb: id.0,
        action: ChangeKind::Created,
        owner: setter,
        is_private: content.is_private,
        changes: changes(None, Some(content)),
    };
    climb_edits::record(conn, author, vec![edit])?;
    let mut recounted = Recounted::default();
    recounted.climb(None, counted(face, setter, content.is_private));
    recounted.note(conn);
    note(conn, id, ChangeKind::Created, !content.is_private, setter);
    Ok(id)
}

/// Takes a climb to be written, as it stands: nobody else writes it, edits or imports, until the transaction ends.
/// `None` when there is none that `viewer` may see. Call it before anything else in the transaction.
///
/// # Errors
/// When the database fails.
pub fn take(conn: &mut WriteConn<'_>, viewer: Viewer, id: ClimbId) -> Result<Option<Standing>, StoreError> {
    no_imports(conn)?;
    rows::locked(conn, viewer, id)
}

/// Waits for a batch of an import that is under way, and lets none begin: what an import has looked up stays true until
/// it wrote. SQLite has one writer anyway.
pub(crate) fn no_imports(conn: &mut WriteConn<'_>) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = conn.any() {
        diesel::sql_query("SELECT pg_advisory_xact_lock_shared(hashtext('mastoc.import'))").execute(c)?;
    }
    Ok(())
}

/// Gives a climb another content, which was checked; the same content changes nothing, and nothing is written. It
/// answers whether anything was.
///
/// # Errors
/// When the database fails.
pub fn update(
    conn: &mut WriteConn<'_>,
    author: &Author,
    climb: &Standing,
    content: &ClimbContent,
) -> Result<bool, StoreError> {
    let changed = changes(Some(&climb.content), Some(content));
    if changed.is_empty() && climb.content == *content {
        return Ok(false);
    }
    let (was_private, is_private) = (climb.content.is_private, content.is_private);
    if was_private != is_private {
        echoes::sight_changed(conn, &[climb.id.0], true)?;
    }
    let state = changed_here(conn, climb)?;
    rows::update(conn, climb, content, state)?;
    if climb.content.holds_list != content.holds_list {
        rows::delete_holds(conn, climb.id)?;
        rows::insert_holds(conn, climb.id, &content.holds_list)?;
    }
    let setter = climb.setter_id.map(|setter| Id(setter.0));
    let edit = NewEdit {
        climb: climb.id.0,
        action: ChangeKind::Updated,
        owner: setter,
        is_private: was_private,
        changes: changed,
    };
    climb_edits::record(conn, author, vec![edit])?;
    let mut recounted = Recounted::default();
    let before = counted(climb.face_id, setter, was_private);
    recounted.climb(Some(before), counted(climb.face_id, setter, is_private));
    recounted.note(conn);
    note(conn, climb.id, ChangeKind::Updated, !was_private || !is_private, setter);
    Ok(true)
}

/// Deletes a climb. Its row stays in a tombstone, its link to Stokt stays for the next synchronisation, and no import
/// brings it back.
///
/// # Errors
/// When the database fails.
pub fn delete(conn: &mut WriteConn<'_>, author: &Author, climb: &Standing) -> Result<(), StoreError> {
    echoes::sight_changed(conn, &[climb.id.0], !climb.content.is_private)?;
    let now = Time(conn.now());
    let row = rows::remains(conn, climb)?;
    on_backend!(conn, |c| diesel::insert_into(tombstones::table)
        .values((
            tombstones::entity.eq(EntityKind::Climb.as_str()),
            tombstones::entity_id.eq(climb.id.to_string()),
            tombstones::stokt_id.eq(climb.stokt_id.map(|id| id.to_string())),
            tombstones::reason.eq("deleted here"),
            tombstones::row.eq(row),
            tombstones::deleted_at.eq(now),
        ))
        .execute(c))?;
    on_backend!(conn, |c| diesel::update(sync_links::table)
        .filter(sync_links::entity.eq(EntityKind::Climb.as_str()))
        .filter(sync_links::local_id.eq(climb.id.to_string()))
        .set((sync_links::tombstone_at.eq(now), sync_links::updated_at.eq(now)))
        .execute(c))?;
    on_backend!(conn, |c| diesel::delete(t::table.find(Id(climb.id.0))).execute(c))?;
    let setter = climb.setter_id.map(|setter| Id(setter.0));
    let edit = NewEdit {
        climb: climb.id.0,
        action: ChangeKind::Deleted,
        owner: setter,
        is_private: climb.content.is_private,
        changes: changes(Some(&climb.content), None),
    };
    climb_edits::record(conn, author, vec![edit])?;
    let mut recounted = Recounted::default();
    recounted.gone(counted(climb.face_id, setter, climb.content.is_private));
    recounted.note(conn);
    note(conn, climb.id, ChangeKind::Deleted, !climb.content.is_private, setter);
    Ok(())
}

/// Counts a change made here, and answers how the climb stands towards Stokt then. It may be what both sides agreed on
/// again; the next synchronisation finds that out.
fn changed_here(conn: &mut WriteConn<'_>, climb: &Standing) -> Result<SyncState, StoreError> {
    let now = Time(conn.now());
    let revs: Option<(i32, i32)> = if climb.stokt_id.is_some() {
        on_backend!(conn, |c| diesel::update(sync_links::table)
            .filter(sync_links::entity.eq(EntityKind::Climb.as_str()))
            .filter(sync_links::local_id.eq(climb.id.to_string()))
            .set((sync_links::local_rev.eq(sync_links::local_rev + 1), sync_links::updated_at.eq(now)))
            .returning((sync_links::local_rev, sync_links::base_rev))
            .get_result(c)
            .optional())?
    } else {
        None
    };
    // A climb that Stokt knows, but that was never compared, differs from whatever it is there.
    let (local_rev, base_rev) = revs.unwrap_or((1, 0));
    let (conflict, archived) =
        (climb.sync_state == SyncState::Conflict, climb.sync_state == SyncState::Archived);
    Ok(SyncState::derive(climb.stokt_id.is_some(), local_rev, base_rev, conflict, archived))
}

fn counted(face: FaceId, setter: Option<Id>, is_private: bool) -> CountsFor {
    CountsFor { face: face.0, setter: setter.map(|setter| setter.0), is_private }
}

fn note(conn: &mut WriteConn<'_>, id: ClimbId, kind: ChangeKind, is_public: bool, setter: Option<Id>) {
    let owner = setter.map(|setter| UserId(setter.0));
    conn.note(PendingChange { entity: Changed::Climb, id: id.to_string(), kind, is_public, owner });
}
