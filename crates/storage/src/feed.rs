//! What changed since a place in the change log, as rows: what a copy of the board needs to follow it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::str::FromStr;

use mastoc_domain::board::{Climb, Face, Gym, Hold, Setter, Wall};
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::{AscentId, ClimbId, CommentId, FaceId, GymId, HoldId, ListId, UserId, WallId};

use crate::annotations::HoldAnnotations;
use crate::ascents::Ascent;
use crate::changes::{self, Change};
use crate::comments::Comment;
use crate::conn::ReadConn;
use crate::error::StoreError;
use crate::lists::FullList;
use crate::social::Social;
use crate::visibility::Viewer;
use crate::{annotations, ascents, climbs, comments, faces, gyms, holds, lists, setters, social, walls};

/// Rows of every kind, as they are now; each kind in the order of ids.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedRows {
    /// Gyms.
    pub gyms: Vec<Gym>,
    /// Walls.
    pub walls: Vec<Wall>,
    /// Faces.
    pub faces: Vec<Face>,
    /// Holds.
    pub holds: Vec<Hold>,
    /// Setters.
    pub users: Vec<Setter>,
    /// Climbs, with the reader's own fields.
    pub climbs: Vec<Climb>,
    /// What people say about holds.
    pub annotations: Vec<HoldAnnotations>,
    /// Lists with their items.
    pub lists: Vec<FullList>,
    /// What happened to climbs here.
    pub social: Vec<Social>,
    /// Comments.
    pub comments: Vec<Comment>,
    /// Ascents; the name and grade of the climb are left out, since the copy has the climb.
    pub ascents: Vec<Ascent>,
}

/// A row that is gone for this reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// What kind of row.
    pub kind: Changed,
    /// Its id, as text.
    pub id: String,
}

/// One step of following the board.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedPage {
    /// Rows that came into being in this step.
    pub created: FeedRows,
    /// Rows that changed.
    pub updated: FeedRows,
    /// Rows that were deleted or hidden, in the order in which that happened.
    pub deleted: Vec<Gone>,
    /// Where the next step starts.
    pub next: i64,
    /// Whether there is more already.
    pub has_more: bool,
}

/// What the entries of one page say together about one row.
struct Told {
    kind: Changed,
    id: String,
    is_new: bool,
    is_deleted: bool,
    is_public: bool,
    owner: Option<UserId>,
    latest: i64,
}

/// The rows that the entries are about, in the order of their latest entries.
fn gather(entries: Vec<Change>) -> Vec<Told> {
    let mut told: HashMap<(Changed, String), Told> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let row = told.entry((entry.entity, entry.entity_id.clone())).or_insert_with(|| Told {
            kind: entry.entity,
            id: entry.entity_id,
            is_new: false,
            is_deleted: false,
            is_public: false,
            owner: None,
            latest: entry.seq,
        });
        row.is_new |= entry.kind == ChangeKind::Created;
        row.is_deleted = entry.kind == ChangeKind::Deleted;
        row.is_public |= entry.is_public;
        row.owner = entry.owner.or(row.owner);
        row.latest = entry.seq;
    }
    let mut told: Vec<Told> = told.into_values().collect();
    told.sort_unstable_by_key(|row| row.latest);
    told
}

/// The ids of the rows of one kind that should still be there.
fn wanted<T: FromStr>(told: &[Told], kind: Changed) -> Result<Vec<T>, StoreError> {
    told.iter()
        .filter(|row| row.kind == kind && !row.is_deleted)
        .map(|row| {
            let unreadable =
                |_| StoreError::Internal(format!("unreadable {kind} id '{}' in the change log", row.id));
            row.id.parse().map_err(unreadable)
        })
        .collect()
}

/// Collects the rows that were found, and remembers which those are.
struct Delivery {
    told: HashMap<(Changed, String), bool>,
}

impl Delivery {
    fn of(told: &[Told]) -> Self {
        Self { told: told.iter().map(|row| ((row.kind, row.id.clone()), row.is_new)).collect() }
    }

    /// Puts each row among the new or the changed ones. What stays in `told` was not found.
    fn put<R>(
        &mut self,
        kind: Changed,
        found: Vec<R>,
        id: impl Fn(&R) -> String,
        created: &mut Vec<R>,
        updated: &mut Vec<R>,
    ) {
        for row in found {
            match self.told.remove(&(kind, id(&row))) {
                Some(true) => created.push(row),
                Some(false) => updated.push(row),
                None => {}
            }
        }
    }
}

/// Follows the board: what the next `limit` entries of the log behind `since` (0 for the start) mean to `viewer`.
///
/// Each row comes once, as it is now. A row that is not there for the reader comes as deleted if they may have had it
/// before: if an entry is public, or their own; the service is told of every deletion. Otherwise it does not come at
/// all. Call it in a
/// [`Store::snapshot`](crate::Store::snapshot). The number of statements does not
/// depend on how much changed.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut ReadConn<'_>, viewer: Viewer, since: i64, limit: i64) -> Result<FeedPage, StoreError> {
    let limit = limit.max(1);
    let mut entries = changes::since(conn, since, limit.saturating_add(1), viewer)?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = entries.len() > asked;
    entries.truncate(asked);
    let next = entries.last().map_or(since, |last| last.seq);

    let told = gather(entries);
    let mut delivery = Delivery::of(&told);
    let (mut new, mut old) = (FeedRows::default(), FeedRows::default());

    let found = gyms::by_ids(conn, &wanted::<GymId>(&told, Changed::Gym)?)?;
    delivery.put(Changed::Gym, found, |row| row.id.to_string(), &mut new.gyms, &mut old.gyms);
    let found = walls::by_ids(conn, &wanted::<WallId>(&told, Changed::Wall)?)?;
    delivery.put(Changed::Wall, found, |row| row.id.to_string(), &mut new.walls, &mut old.walls);
    let found = faces::by_ids(conn, viewer, &wanted::<FaceId>(&told, Changed::Face)?)?;
    delivery.put(Changed::Face, found, |row| row.id.to_string(), &mut new.faces, &mut old.faces);
    let holds: Vec<HoldId> = wanted::<i64>(&told, Changed::Hold)?.into_iter().map(HoldId).collect();
    let found = holds::by_ids(conn, &holds)?;
    delivery.put(Changed::Hold, found, |row| row.id.to_string(), &mut new.holds, &mut old.holds);
    // People are told of as long as they set something that the reader sees: the same as the list of setters.
    let mut found = setters::by_ids(conn, viewer, &wanted::<UserId>(&told, Changed::User)?)?;
    found.retain(|setter| setter.climbs_count > 0);
    delivery.put(Changed::User, found, |row| row.id.to_string(), &mut new.users, &mut old.users);
    let found = climbs::by_ids(conn, viewer, &wanted::<ClimbId>(&told, Changed::Climb)?)?;
    delivery.put(Changed::Climb, found, |row| row.id.to_string(), &mut new.climbs, &mut old.climbs);

    let said: Vec<HoldId> = wanted::<i64>(&told, Changed::Annotation)?.into_iter().map(HoldId).collect();
    let found = annotations::by_holds(conn, viewer, &said)?;
    let id = |row: &HoldAnnotations| row.hold_id.to_string();
    delivery.put(Changed::Annotation, found, id, &mut new.annotations, &mut old.annotations);
    let found = lists::by_ids(conn, viewer, &wanted::<ListId>(&told, Changed::List)?)?;
    delivery.put(Changed::List, found, |row| row.list.id.to_string(), &mut new.lists, &mut old.lists);
    let found = social::by_ids(conn, viewer, &wanted::<ClimbId>(&told, Changed::Social)?)?;
    delivery.put(Changed::Social, found, |row| row.climb_id.to_string(), &mut new.social, &mut old.social);
    let found = comments::by_ids(conn, viewer, &wanted::<CommentId>(&told, Changed::Comment)?)?;
    delivery.put(Changed::Comment, found, |row| row.id.to_string(), &mut new.comments, &mut old.comments);
    let mut found = ascents::by_ids(conn, viewer, &wanted::<AscentId>(&told, Changed::Ascent)?)?;
    for ascent in &mut found {
        (ascent.climb_name, ascent.grade_font) = (None, None);
    }
    delivery.put(Changed::Ascent, found, |row| row.id.to_string(), &mut new.ascents, &mut old.ascents);
    let mut missing = delivery.told;
    let deleted = told
        .into_iter()
        .filter_map(|row| {
            let key = (row.kind, row.id);
            missing.remove(&key)?;
            let may_have_had = match viewer {
                Viewer::Public => row.is_public,
                Viewer::Person(person) => row.is_public || row.owner == Some(person),
                Viewer::Service => row.is_public || row.is_deleted || row.owner.is_some(),
            };
            may_have_had.then_some(Gone { kind: key.0, id: key.1 })
        })
        .collect();
    Ok(FeedPage { created: new, updated: old, deleted, next, has_more })
}
