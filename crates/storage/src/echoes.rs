//! Rows that show something of another row, and so have changed when that has: told in the change log for followers.

use diesel::prelude::*;
use mastoc_domain::UserId;
use mastoc_domain::change::{ChangeKind, Changed};
use uuid::Uuid;

use crate::changes::PendingChange;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::lists;
use crate::schema::{ascents, climb_lists, climbs, comments, list_items};
use crate::sql::keys;
use crate::types::Id;

fn updated(entity: Changed, id: impl ToString, is_public: bool, owner: Option<Id>) -> PendingChange {
    let owner = owner.map(|owner| UserId(owner.0));
    PendingChange { entity, id: id.to_string(), kind: ChangeKind::Updated, is_public, owner }
}

/// Tells of what belongs to climbs that are seen by others than before: because they became private or public, were
/// deleted, or have another setter. Call it while their rows still stand.
///
/// Everybody is told: who may see the rows is for the rows to say, and whoever may not only learns an id that they had
/// or could have had before.
///
/// # Errors
/// When the database fails.
pub fn sight_changed(conn: &mut WriteConn<'_>, climb_ids: &[Uuid]) -> Result<(), StoreError> {
    let ids = Id::sorted(climb_ids.iter().copied());
    for ids in keys(&ids) {
        let holding: Vec<Id> = on_backend!(conn, |c| list_items::table
            .filter(list_items::climb_id.eq_any(ids))
            .select(list_items::list_id)
            .distinct()
            .load(c))?;
        lists::shown_differently(conn, &holding)?;
        let said: Vec<(Id, Id)> = on_backend!(conn, |c| comments::table
            .filter(comments::climb_id.eq_any(ids))
            .select((comments::id, comments::user_id))
            .order(comments::id.asc())
            .load(c))?;
        for (comment, author) in said {
            conn.note(updated(Changed::Comment, comment.0, true, Some(author)));
        }
        let climbed: Vec<(Id, Id)> = on_backend!(conn, |c| ascents::table
            .filter(ascents::climb_id.eq_any(ids))
            .select((ascents::id, ascents::user_id))
            .order(ascents::id.asc())
            .load(c))?;
        for (ascent, climber) in climbed {
            conn.note(updated(Changed::Ascent, ascent.0, true, Some(climber)));
        }
        for climb in ids {
            conn.note(updated(Changed::Social, climb.0, true, None));
        }
    }
    Ok(())
}

/// Tells of a person who shows another name or picture now, and of everything that is served with it.
///
/// # Errors
/// When the database fails.
pub fn person_changed(conn: &mut WriteConn<'_>, person: UserId) -> Result<(), StoreError> {
    conn.note(updated(Changed::User, person, true, Some(Id(person.0))));
    names_changed(conn, &[Id(person.0)])
}

/// Tells of everything that is served with the names of these people.
///
/// # Errors
/// When the database fails.
pub(crate) fn names_changed(conn: &mut WriteConn<'_>, people: &[Id]) -> Result<(), StoreError> {
    for people in keys(people) {
        let set: Vec<(Id, bool, Option<Id>)> = on_backend!(conn, |c| climbs::table
            .filter(climbs::setter_id.eq_any(people))
            .select((climbs::id, climbs::is_private, climbs::setter_id))
            .order(climbs::id.asc())
            .load(c))?;
        for (climb, is_private, setter) in set {
            conn.note(updated(Changed::Climb, climb.0, !is_private, setter));
        }
        // On private climbs they are nobody's own: the climb's setter sees them as well as who wrote them.
        let said: Vec<(Id, bool)> = on_backend!(conn, |c| comments::table
            .inner_join(climbs::table)
            .filter(comments::user_id.eq_any(people))
            .select((comments::id, climbs::is_private))
            .order(comments::id.asc())
            .load(c))?;
        for (comment, is_private) in said {
            conn.note(updated(Changed::Comment, comment.0, !is_private, None));
        }
        let climbed: Vec<(Id, bool)> = on_backend!(conn, |c| ascents::table
            .inner_join(climbs::table)
            .filter(ascents::user_id.eq_any(people))
            .select((ascents::id, climbs::is_private))
            .order(ascents::id.asc())
            .load(c))?;
        for (ascent, is_private) in climbed {
            conn.note(updated(Changed::Ascent, ascent.0, !is_private, None));
        }
        let kept: Vec<Id> = on_backend!(conn, |c| climb_lists::table
            .filter(climb_lists::owner_id.eq_any(people))
            .select(climb_lists::id)
            .load(c))?;
        lists::shown_differently(conn, &kept)?;
    }
    Ok(())
}
