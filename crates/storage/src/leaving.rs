//! Leaving: an account goes with all that was its owner's alone, and what others use stays without a name.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};
use mastoc_domain::access::AccountRole;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::fold::fold_name;
use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{HoldId, UserId};

use crate::changes::PendingChange;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::images::ServedImage;
use crate::own_data::{Leaving, REFERENCES};
use crate::schema::{
    climb_edits, climbs, conflicts, gyms, hold_annotations, idempotency_keys, outbox, sync_links, tombstones,
    users,
};
use crate::sql::{chunks, keys};
use crate::types::{DbUuid, Id, Time};
use crate::{annotations, echoes, people};

/// The name of everybody who left.
pub const NAME_OF_THE_GONE: &str = "Deleted user";

/// What became of the wish to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// The account is gone; the file of this picture is nobody's any more.
    Gone(Option<ServedImage>),
    /// Nobody would be left to run the server; nothing changed.
    LastAdmin,
}

/// Removes an account. Notes, ratings, projects, annotations, lists, logbook, likes, bookmarks, private climbs and
/// logins go; climbs that others see, comments and the history of climbs stay, by somebody without a name. Where nothing
/// stays, the person goes altogether. Who claimed a Stokt setter stays linked with it, nameless: otherwise the next
/// import would bring the name back.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such account; or when the database fails.
pub fn leave(conn: &mut WriteConn<'_>, person: UserId) -> Result<Left, StoreError> {
    if people::is_last_admin(conn, person)? {
        return Ok(Left::LastAdmin);
    }
    let account = people::account(conn, person)?.ok_or(StoreError::NotFound)?;
    let picture = people::set_avatar(conn, person, None)?;
    tell_of_things(conn, person)?;
    drop_private_climbs(conn, person)?;
    drop_lists(conn, person)?;
    for reference in REFERENCES {
        let mut sql = Fragment::default();
        let (table, column) = (reference.table, reference.column);
        match reference.leaving {
            Leaving::Removed => sql.sql("DELETE FROM ").sql(table).sql(" WHERE ").sql(column),
            Leaving::PrivateRemoved => {
                sql.sql("DELETE FROM ").sql(table).sql(" WHERE is_private AND ").sql(column)
            }
            Leaving::Emptied => {
                sql.sql("UPDATE ").sql(table).sql(" SET ").sql(column).sql(" = NULL WHERE ").sql(column)
            }
            Leaving::Kept | Leaving::Trace => continue,
        };
        sql.sql(" = ").id(person.0);
        let statement = sql.selecting::<()>();
        on_backend!(conn, |c| statement.execute(c))?;
    }
    // Answers that are kept for requests sent twice hold what was written.
    let caller = format!("person {person}");
    on_backend!(conn, |c| diesel::delete(
        idempotency_keys::table.filter(idempotency_keys::caller.eq(caller))
    )
    .execute(c))?;
    if account.stokt_id.is_none() && !is_needed(conn, person)? {
        on_backend!(conn, |c| diesel::delete(users::table.find(Id(person.0))).execute(c))?;
        conn.note(change(Changed::User, person, ChangeKind::Deleted, true, None));
    } else {
        make_nameless(conn, person)?;
        echoes::person_changed(conn, person)?;
    }
    Ok(Left::Gone(picture))
}

fn change(
    entity: Changed,
    id: impl ToString,
    kind: ChangeKind,
    is_public: bool,
    owner: Option<Id>,
) -> PendingChange {
    let owner = owner.map(|owner| UserId(owner.0));
    PendingChange { entity, id: id.to_string(), kind, is_public, owner }
}

/// Tells of what goes and was part of what others see: votes about holds, ascents, likes, followers, boards' owners.
fn tell_of_things(conn: &mut WriteConn<'_>, person: UserId) -> Result<(), StoreError> {
    let me = Id(person.0);
    let holds: Vec<i64> = on_backend!(conn, |c| hold_annotations::table
        .filter(hold_annotations::user_id.eq(me))
        .select(hold_annotations::hold_id)
        .order(hold_annotations::hold_id.asc())
        .load(c))?;
    for hold in holds {
        annotations::note(conn, HoldId(hold), None);
    }
    let owned: Vec<Id> = on_backend!(conn, |c| gyms::table
        .filter(gyms::owner_id.eq(me))
        .select(gyms::id)
        .order(gyms::id.asc())
        .load(c))?;
    for gym in owned {
        conn.note(change(Changed::Gym, gym.0, ChangeKind::Updated, true, None));
    }
    type Row = (Id, bool, Option<Id>);
    let mut sql = Fragment::new("SELECT a.id, c.is_private, c.setter_id FROM ascents a JOIN climbs c ");
    sql.sql("ON c.id = a.climb_id WHERE a.user_id = ").id(person.0).sql(" ORDER BY a.id");
    let statement = sql.selecting::<(DbUuid, Bool, Nullable<DbUuid>)>();
    let ascents: Vec<Row> = on_backend!(conn, |c| statement.load(c))?;
    for (ascent, is_private, setter) in ascents {
        conn.note(change(Changed::Ascent, ascent.0, ChangeKind::Deleted, !is_private, setter));
    }
    let mut sql = Fragment::new("SELECT c.id, c.is_private, c.setter_id FROM climbs c WHERE c.id IN ");
    sql.sql("(SELECT climb_id FROM ascents WHERE user_id = ").id(person.0);
    sql.sql(" UNION SELECT climb_id FROM climb_likes WHERE user_id = ").id(person.0).sql(") ORDER BY c.id");
    let statement = sql.selecting::<(DbUuid, Bool, Nullable<DbUuid>)>();
    let counted: Vec<Row> = on_backend!(conn, |c| statement.load(c))?;
    for (climb, is_private, setter) in counted {
        conn.note(change(Changed::Social, climb.0, ChangeKind::Updated, !is_private, setter));
    }
    let mut sql =
        Fragment::new("SELECT l.id, l.is_public, l.owner_id FROM list_follows f JOIN climb_lists l ");
    sql.sql("ON l.id = f.list_id WHERE f.user_id = ").id(person.0).sql(" ORDER BY l.id");
    let statement = sql.selecting::<(DbUuid, Bool, Nullable<DbUuid>)>();
    let followed: Vec<Row> = on_backend!(conn, |c| statement.load(c))?;
    for (list, is_public, owner) in followed {
        conn.note(change(Changed::List, list.0, ChangeKind::Updated, is_public, owner));
    }
    Ok(())
}

/// Tells of the person's private climbs, leaves their tombstones and drops what waits to be sent of them; the rows
/// themselves go with the rest.
fn drop_private_climbs(conn: &mut WriteConn<'_>, person: UserId) -> Result<(), StoreError> {
    let me = Id(person.0);
    let own: Vec<(Id, Id, Option<Id>)> = on_backend!(conn, |c| climbs::table
        .filter(climbs::setter_id.eq(me))
        .filter(climbs::is_private.eq(true))
        .select((climbs::id, climbs::face_id, climbs::stokt_id))
        .order(climbs::id.asc())
        .load(c))?;
    let ids: Vec<_> = own.iter().map(|(climb, ..)| climb.0).collect();
    echoes::sight_changed(conn, &ids, false)?;
    for face in own.iter().map(|(_, face, _)| face.0).collect::<BTreeSet<_>>() {
        conn.note(change(Changed::Face, face, ChangeKind::Updated, false, Some(me)));
    }
    for climb in &ids {
        conn.note(change(Changed::Climb, climb, ChangeKind::Deleted, false, Some(me)));
    }
    forget_graves(conn, person)?;
    let gone: Vec<Grave> = own.iter().map(|(climb, _, stokt)| (climb.0, stokt.map(|id| id.0))).collect();
    bury(conn, EntityKind::Climb, &gone)?;
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let (now, kind) = (Time(conn.now()), EntityKind::Climb.as_str());
    let on_its_way = [OutboxState::Leased, OutboxState::Sent, OutboxState::Unknown, OutboxState::Ambiguous]
        .map(OutboxState::as_str);
    for ids in keys(&texts) {
        on_backend!(conn, |c| diesel::delete(
            outbox::table
                .filter(outbox::entity.eq(kind))
                .filter(outbox::local_id.eq_any(ids))
                // What is on its way to Stokt is forgotten once it is known what became of it.
                .filter(outbox::state.ne_all(on_its_way))
        )
        .execute(c))?;
        on_backend!(conn, |c| diesel::delete(
            conflicts::table.filter(conflicts::entity.eq(kind)).filter(conflicts::local_id.eq_any(ids))
        )
        .execute(c))?;
        on_backend!(conn, |c| diesel::update(
            sync_links::table.filter(sync_links::entity.eq(kind)).filter(sync_links::local_id.eq_any(ids))
        )
        .set((sync_links::tombstone_at.eq(Some(now)), sync_links::updated_at.eq(now)))
        .execute(c))?;
    }
    Ok(())
}

/// Empties the tombstones of private climbs that the person deleted before: their rows stand in them.
fn forget_graves(conn: &mut WriteConn<'_>, person: UserId) -> Result<(), StoreError> {
    let deleted: Vec<Id> = on_backend!(conn, |c| climb_edits::table
        .filter(climb_edits::owner_id.eq(Id(person.0)))
        .filter(climb_edits::is_private.eq(true))
        .filter(climb_edits::action.eq(ChangeKind::Deleted.as_str()))
        .select(climb_edits::climb_id)
        .load(c))?;
    let ids: Vec<String> = deleted.iter().map(|id| id.0.to_string()).collect();
    let nothing: Option<serde_json::Value> = None;
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::update(
            tombstones::table
                .filter(tombstones::entity.eq(EntityKind::Climb.as_str()))
                .filter(tombstones::entity_id.eq_any(ids))
        )
        .set(tombstones::row.eq(&nothing))
        .execute(c))?;
    }
    Ok(())
}

/// Tells everybody who sees them of the person's lists, and leaves tombstones.
fn drop_lists(conn: &mut WriteConn<'_>, person: UserId) -> Result<(), StoreError> {
    let mut sql = Fragment::new("SELECT l.id, l.stokt_id, l.is_public, f.user_id FROM climb_lists l ");
    sql.sql("LEFT JOIN list_shares s ON s.list_id = l.id LEFT JOIN list_follows f ON f.list_id = l.id ");
    sql.sql("AND f.token_hash = s.token_hash WHERE l.owner_id = ").id(person.0).sql(" ORDER BY l.id");
    let statement = sql.selecting::<(DbUuid, Nullable<DbUuid>, Bool, Nullable<DbUuid>)>();
    let rows: Vec<(Id, Option<Id>, bool, Option<Id>)> = on_backend!(conn, |c| statement.load(c))?;
    let mut gone: Vec<Grave> = Vec::new();
    for (list, stokt_id, is_public, follower) in rows {
        if gone.last().is_none_or(|(last, _)| *last != list.0) {
            gone.push((list.0, stokt_id.map(|id| id.0)));
            conn.note(change(Changed::List, list.0, ChangeKind::Deleted, is_public, Some(Id(person.0))));
        }
        if follower.is_some() && !is_public {
            conn.note(change(Changed::List, list.0, ChangeKind::Deleted, false, follower));
        }
    }
    bury(conn, EntityKind::List, &gone)
}

/// Our id of what goes, and Stokt's.
type Grave = (uuid::Uuid, Option<uuid::Uuid>);

#[derive(Insertable)]
#[diesel(table_name = tombstones, treat_none_as_default_value = false)]
struct Tombstone {
    entity: &'static str,
    entity_id: String,
    stokt_id: Option<String>,
    reason: &'static str,
    deleted_at: Time,
}

/// Leaves tombstones without what was in the rows.
fn bury(conn: &mut WriteConn<'_>, kind: EntityKind, gone: &[Grave]) -> Result<(), StoreError> {
    let deleted_at = Time(conn.now());
    for gone in chunks(gone, 5) {
        let rows: Vec<Tombstone> = gone
            .iter()
            .map(|(id, stokt_id)| Tombstone {
                entity: kind.as_str(),
                entity_id: id.to_string(),
                stokt_id: stokt_id.map(|id| id.to_string()),
                reason: "its owner left",
                deleted_at,
            })
            .collect();
        on_backend!(conn, |c| diesel::insert_into(tombstones::table)
            .values(&rows)
            .on_conflict((tombstones::entity, tombstones::entity_id))
            .do_nothing()
            .execute(c))?;
    }
    Ok(())
}

/// Whether anything stays that needs somebody it is by.
fn is_needed(conn: &mut WriteConn<'_>, person: UserId) -> Result<bool, StoreError> {
    let mut sql = Fragment::new("SELECT count(*) FROM users u WHERE u.id = ");
    sql.id(person.0).sql(" AND (FALSE");
    for reference in REFERENCES {
        if matches!(reference.leaving, Leaving::Kept | Leaving::PrivateRemoved) {
            sql.sql(" OR EXISTS (SELECT 1 FROM ").sql(reference.table).sql(" t WHERE t.");
            sql.sql(reference.column).sql(" = u.id)");
        }
    }
    sql.sql(")");
    let statement = sql.selecting::<BigInt>();
    let needed: i64 = on_backend!(conn, |c| statement.get_result(c))?;
    Ok(needed > 0)
}

fn make_nameless(conn: &mut WriteConn<'_>, person: UserId) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let nothing: Option<&str> = None;
    on_backend!(conn, |c| diesel::update(users::table.find(Id(person.0)))
        .set((
            users::full_name.eq(NAME_OF_THE_GONE),
            users::full_name_folded.eq(fold_name(NAME_OF_THE_GONE)),
            users::email.eq(nothing),
            users::email_folded.eq(nothing),
            users::username.eq(nothing),
            users::username_folded.eq(nothing),
            users::password_hash.eq(nothing),
            users::role.eq(AccountRole::User.as_str()),
            users::is_active.eq(false),
            users::deleted_at.eq(Some(now)),
            users::updated_at.eq(now),
        ))
        .execute(c))?;
    // What Stokt said about them beside our columns.
    let link = sync_links::table
        .filter(sync_links::entity.eq(EntityKind::User.as_str()))
        .filter(sync_links::local_id.eq(person.to_string()));
    on_backend!(conn, |c| diesel::update(link)
        .set((sync_links::extra.eq(serde_json::json!({})), sync_links::updated_at.eq(now)))
        .execute(c))?;
    Ok(())
}
