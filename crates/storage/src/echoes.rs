//! Rows that show something of another row, and so have changed when that has: told in the change log for followers.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use mastoc_domain::UserId;
use mastoc_domain::change::{ChangeKind, Changed};
use uuid::Uuid;

use crate::changes::PendingChange;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::lists;
use crate::schema::{ascents, climb_bookmarks, climb_likes, climb_lists, climbs, comments, list_items};
use crate::sql::keys;
use crate::types::Id;

fn updated(entity: Changed, id: impl ToString, is_public: bool, owner: Option<Id>) -> PendingChange {
    let owner = owner.map(|owner| UserId(owner.0));
    PendingChange { entity, id: id.to_string(), kind: ChangeKind::Updated, is_public, owner }
}

/// Tells of what belongs to climbs that are seen by others than before: because they became private or public, were
/// deleted, or have another setter. `is_public`: whether anybody could see them before, or can after. Call it while
/// their rows still stand.
///
/// # Errors
/// When the database fails.
pub fn sight_changed(
    conn: &mut WriteConn<'_>,
    climb_ids: &[Uuid],
    is_public: bool,
) -> Result<(), StoreError> {
    let ids = Id::sorted(climb_ids.iter().copied());
    for ids in keys(&ids) {
        let holding: Vec<Id> = on_backend!(conn, |c| list_items::table
            .filter(list_items::climb_id.eq_any(ids))
            .select(list_items::list_id)
            .distinct()
            .load(c))?;
        lists::shown_differently(conn, &holding)?;
        let said: Vec<(Id, Id, Id)> = on_backend!(conn, |c| comments::table
            .filter(comments::climb_id.eq_any(ids))
            .select((comments::id, comments::user_id, comments::climb_id))
            .order(comments::id.asc())
            .load(c))?;
        let climbed: Vec<(Id, Id, Id)> = on_backend!(conn, |c| ascents::table
            .filter(ascents::climb_id.eq_any(ids))
            .select((ascents::id, ascents::user_id, ascents::climb_id))
            .order(ascents::id.asc())
            .load(c))?;
        let liked: Vec<(Id, Id)> = on_backend!(conn, |c| climb_likes::table
            .filter(climb_likes::climb_id.eq_any(ids))
            .select((climb_likes::user_id, climb_likes::climb_id))
            .load(c))?;
        let kept: Vec<(Id, Id)> = on_backend!(conn, |c| climb_bookmarks::table
            .filter(climb_bookmarks::climb_id.eq_any(ids))
            .select((climb_bookmarks::user_id, climb_bookmarks::climb_id))
            .load(c))?;
        let setters: HashMap<Id, Option<Id>> = on_backend!(conn, |c| climbs::table
            .filter(climbs::id.eq_any(ids))
            .select((climbs::id, climbs::setter_id))
            .load(c))?
        .into_iter()
        .collect();
        let setter_of = |climb: Id| setters.get(&climb).copied().flatten();
        // What everybody is told needs no word to anybody by name; a private climb's setter sees what others did there.
        let mut counted: BTreeSet<(Id, Option<Id>)> = BTreeSet::new();
        let mut count = |climb: Id, author: Id| {
            if is_public {
                counted.insert((climb, None));
            } else {
                counted.extend(
                    [Some(author), setter_of(climb)].into_iter().flatten().map(|who| (climb, Some(who))),
                );
            }
        };
        for (author, climb) in liked.into_iter().chain(kept) {
            count(climb, author);
        }
        for (kind, rows) in [(Changed::Comment, said), (Changed::Ascent, climbed)] {
            for (id, author, climb) in rows {
                conn.note(updated(kind, id.0, is_public, Some(author)));
                if let Some(setter) = setter_of(climb).filter(|setter| !is_public && *setter != author) {
                    conn.note(updated(kind, id.0, false, Some(setter)));
                }
                count(climb, author);
            }
        }
        for (climb, who) in counted {
            conn.note(updated(Changed::Social, climb.0, is_public, who));
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
