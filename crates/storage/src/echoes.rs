//! Rows that show something of another row, and so have changed when that has: told in the change log for followers.

use diesel::prelude::*;
use mastoc_domain::UserId;
use mastoc_domain::change::{ChangeKind, Changed};
use uuid::Uuid;

use crate::changes::PendingChange;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::{climb_lists, climbs, list_items};
use crate::sql::keys;
use crate::types::Id;

fn updated(entity: Changed, id: impl ToString, is_public: bool, owner: Option<Id>) -> PendingChange {
    let owner = owner.map(|owner| UserId(owner.0));
    PendingChange { entity, id: id.to_string(), kind: ChangeKind::Updated, is_public, owner }
}

/// Tells of what belongs to climbs that are seen by others than before: because they became private or public, were
/// deleted, or have another setter. Call it while their rows still stand.
///
/// # Errors
/// When the database fails.
pub fn sight_changed(conn: &mut WriteConn<'_>, climb_ids: &[Uuid]) -> Result<(), StoreError> {
    let ids = Id::sorted(climb_ids.iter().copied());
    for ids in keys(&ids) {
        let lists: Vec<(Id, bool, Option<Id>)> = on_backend!(conn, |c| climb_lists::table
            .filter(climb_lists::id.eq_any(
                list_items::table.filter(list_items::climb_id.eq_any(ids)).select(list_items::list_id)
            ))
            .select((climb_lists::id, climb_lists::is_public, climb_lists::owner_id))
            .order(climb_lists::id.asc())
            .load(c))?;
        for (list, is_public, owner) in lists {
            conn.note(updated(Changed::List, list.0, is_public, owner));
        }
    }
    Ok(())
}

/// Tells of a person who shows another name or picture now, and of everything that is served with it.
///
/// # Errors
/// When the database fails.
pub fn person_changed(conn: &mut WriteConn<'_>, person: UserId) -> Result<(), StoreError> {
    let id = Id(person.0);
    conn.note(updated(Changed::User, person, true, Some(id)));
    let set: Vec<(Id, bool)> = on_backend!(conn, |c| climbs::table
        .filter(climbs::setter_id.eq(id))
        .select((climbs::id, climbs::is_private))
        .order(climbs::id.asc())
        .load(c))?;
    for (climb, is_private) in set {
        conn.note(updated(Changed::Climb, climb.0, !is_private, Some(id)));
    }
    Ok(())
}
