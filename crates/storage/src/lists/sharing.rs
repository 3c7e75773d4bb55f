//! Who is shown a list beside its owner: followers, whoever has its link, and, of every change, whoever sees it.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::{ListId, UserId};

use super::ClimbList;
use crate::changes::PendingChange;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::{climb_lists, list_follows, list_shares};
use crate::sql::keys;
use crate::types::{DbUuid, Id, Time};
use crate::unguessable::{self, hash};
use crate::visibility::Viewer;

/// Tells whoever sees a list that something happened to it: everybody if it is, or was, public; its owner; and who
/// follows a private one by a link that holds. Call it after the change, and before a deletion. One statement.
pub(crate) fn changed(
    conn: &mut WriteConn<'_>,
    id: ListId,
    kind: ChangeKind,
    was_public: bool,
) -> Result<(), StoreError> {
    tell(conn, &[Id(id.0)], kind, was_public)
}

/// The same of many lists whose items are seen differently, or whose owner has another name.
pub(crate) fn shown_differently(conn: &mut WriteConn<'_>, ids: &[Id]) -> Result<(), StoreError> {
    for ids in keys(ids) {
        tell(conn, ids, ChangeKind::Updated, false)?;
    }
    Ok(())
}

fn tell(conn: &mut WriteConn<'_>, ids: &[Id], kind: ChangeKind, was_public: bool) -> Result<(), StoreError> {
    let mut sql = Fragment::new("SELECT l.id, l.is_public, l.owner_id, f.user_id FROM climb_lists l ");
    sql.sql("LEFT JOIN list_shares s ON s.list_id = l.id LEFT JOIN list_follows f ON f.list_id = l.id ");
    sql.sql("AND f.token_hash = s.token_hash WHERE l.id IN ").list(ids, |sql, id| {
        sql.id(id.0);
    });
    sql.sql(" ORDER BY l.id, f.user_id");
    let statement = sql.selecting::<(DbUuid, Bool, Nullable<DbUuid>, Nullable<DbUuid>)>();
    let rows: Vec<(Id, bool, Option<Id>, Option<Id>)> = on_backend!(conn, |c| statement.load(c))?;
    let mut told = None;
    for (id, is_public, owner, follower) in rows {
        let (list, is_public) = (ListId(id.0), is_public || was_public);
        if told.replace(id) != Some(id) {
            note(conn, list, kind, is_public, owner);
        }
        if let Some(follower) = follower.filter(|_| !is_public) {
            note(conn, list, kind, false, Some(follower));
        }
    }
    Ok(())
}

fn note(conn: &mut WriteConn<'_>, id: ListId, kind: ChangeKind, is_public: bool, owner: Option<Id>) {
    let owner = owner.map(|owner| UserId(owner.0));
    conn.note(PendingChange { entity: Changed::List, id: id.to_string(), kind, is_public, owner });
}

/// The list that a link leads to; `None` when the link is wrong, replaced or revoked.
///
/// # Errors
/// When the database fails.
pub fn by_token(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    token: &str,
) -> Result<Option<ClimbList>, StoreError> {
    // What is looked up is a hash that nobody can aim at: the time it takes tells nothing about a link.
    if token.len() != unguessable::LENGTH {
        return Ok(None);
    }
    let mut sql = Fragment::default();
    super::select(&mut sql, viewer);
    sql.sql(" WHERE l.id IN (SELECT s.list_id FROM list_shares s WHERE s.token_hash = ").text(hash(token));
    sql.sql(")");
    Ok(super::load(conn, sql)?.pop())
}

/// Whether a link leads to this list.
///
/// # Errors
/// When the database fails.
pub fn holds_link(conn: &mut ReadConn<'_>, id: ListId, token: &str) -> Result<bool, StoreError> {
    let held = list_shares::table.find(Id(id.0)).filter(list_shares::token_hash.eq(hash(token)));
    Ok(on_backend!(conn, |c| diesel::select(diesel::dsl::exists(held)).get_result(c))?)
}

/// Whether a list is this person's.
///
/// # Errors
/// When the database fails.
pub fn is_owned_by(conn: &mut ReadConn<'_>, id: ListId, person: UserId) -> Result<bool, StoreError> {
    let owned = climb_lists::table.find(Id(id.0)).filter(climb_lists::owner_id.eq(Id(person.0)));
    Ok(on_backend!(conn, |c| diesel::select(diesel::dsl::exists(owned)).get_result(c))?)
}

/// Lets a person follow a list, for good or for as long as the link holds; again changes nothing but the link.
///
/// # Errors
/// When the database fails.
pub fn follow(
    conn: &mut WriteConn<'_>,
    person: UserId,
    id: ListId,
    token: Option<&str>,
) -> Result<(), StoreError> {
    let token_hash = token.map(hash);
    let now = Time(conn.now());
    let row = (
        list_follows::list_id.eq(Id(id.0)),
        list_follows::user_id.eq(Id(person.0)),
        list_follows::token_hash.eq(&token_hash),
        list_follows::created_at.eq(now),
    );
    let key = (list_follows::list_id, list_follows::user_id);
    let changed = match &token_hash {
        None => on_backend!(conn, |c| diesel::insert_into(list_follows::table)
            .values(row)
            .on_conflict(key)
            .do_nothing()
            .execute(c))?,
        Some(token_hash) => on_backend!(conn, |c| diesel::insert_into(list_follows::table)
            .values(row)
            .on_conflict(key)
            .do_update()
            .set(list_follows::token_hash.eq(token_hash))
            .execute(c))?,
    };
    if changed > 0 {
        note(conn, id, ChangeKind::Updated, false, Some(Id(person.0)));
    }
    Ok(())
}

/// Ends that; nothing happens where nobody followed.
///
/// # Errors
/// When the database fails.
pub fn unfollow(conn: &mut WriteConn<'_>, person: UserId, id: ListId) -> Result<(), StoreError> {
    let key = (Id(id.0), Id(person.0));
    let ended = on_backend!(conn, |c| diesel::delete(list_follows::table.find(key)).execute(c))?;
    if ended > 0 {
        note(conn, id, ChangeKind::Updated, false, Some(Id(person.0)));
    }
    Ok(())
}

/// Makes the link of a list, which takes the place of an older one. It is told this once: only a hash is kept.
///
/// # Errors
/// When the database fails.
pub fn share(conn: &mut WriteConn<'_>, id: ListId) -> Result<String, StoreError> {
    // Before the old link ends: those who see the list by it must hear that they do not any more.
    changed(conn, id, ChangeKind::Updated, false)?;
    let token = unguessable::make();
    let (token_hash, now) = (hash(&token), Time(conn.now()));
    on_backend!(conn, |c| diesel::insert_into(list_shares::table)
        .values((
            list_shares::list_id.eq(Id(id.0)),
            list_shares::token_hash.eq(&token_hash),
            list_shares::created_at.eq(now),
        ))
        .on_conflict(list_shares::list_id)
        .do_update()
        .set((list_shares::token_hash.eq(&token_hash), list_shares::created_at.eq(now)))
        .execute(c))?;
    Ok(token)
}

/// Ends the link of a list, if there is one. Who followed by it sees the list no more unless it is public.
///
/// # Errors
/// When the database fails.
pub fn revoke(conn: &mut WriteConn<'_>, id: ListId) -> Result<(), StoreError> {
    changed(conn, id, ChangeKind::Updated, false)?;
    on_backend!(conn, |c| diesel::delete(list_shares::table.find(Id(id.0))).execute(c))?;
    Ok(())
}
