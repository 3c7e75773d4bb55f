//! Likes and bookmarks of our own, and how often a climb was liked, commented and climbed here. Stokt's counters stand
//! in the climb itself and are left alone.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};
use mastoc_domain::board::Climb;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::{ClimbId, Timestamp, UserId};

use crate::changes::PendingChange;
use crate::climbs;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::{climb_bookmarks, climb_likes};
use crate::sql::keys;
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;

/// What happened to one climb here, and what the reader did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Social {
    /// Which climb.
    pub climb_id: ClimbId,
    /// How many people like it.
    pub likes: i64,
    /// How many comments there are.
    pub comments: i64,
    /// How many ascents were logged.
    pub ascents: i64,
    /// By how many people.
    pub climbers: i64,
    /// Whether the reader likes it.
    pub liked: bool,
    /// Whether the reader bookmarked it.
    pub bookmarked: bool,
    /// Whether the reader logged an ascent of it.
    pub sent: bool,
}

/// What has to be known of a climb to tell of something that was done to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) id: ClimbId,
    is_private: bool,
    setter: Option<Id>,
}

/// The climb that something is to be done to.
///
/// # Errors
/// [`StoreError::NotFound`] when there is none that `viewer` may see; or when the database fails.
pub(crate) fn subject(conn: &mut ReadConn<'_>, viewer: Viewer, id: ClimbId) -> Result<Subject, StoreError> {
    let mut sql = Fragment::new("SELECT c.is_private, c.setter_id FROM climbs c WHERE c.id = ");
    sql.id(id.0).sql(" AND ");
    viewer.sees(&mut sql, "c");
    let statement = sql.selecting::<(Bool, Nullable<DbUuid>)>();
    let (is_private, setter): (bool, Option<Id>) = on_backend!(conn, |c| statement.get_result(c))?;
    Ok(Subject { id, is_private, setter })
}

impl Subject {
    /// Tells whoever sees the climb, and `author` in any case, that something of it changed.
    pub(crate) fn tell(
        &self,
        conn: &mut WriteConn<'_>,
        entity: Changed,
        id: impl ToString,
        kind: ChangeKind,
        author: UserId,
    ) {
        let id = id.to_string();
        let setter = self.setter.map(|setter| UserId(setter.0));
        if let Some(setter) = setter.filter(|setter| self.is_private && *setter != author) {
            let owner = Some(setter);
            conn.note(PendingChange { entity, id: id.clone(), kind, is_public: false, owner });
        }
        conn.note(PendingChange { entity, id, kind, is_public: !self.is_private, owner: Some(author) });
    }

    /// The same of the climb's counts.
    pub(crate) fn tell_counts(&self, conn: &mut WriteConn<'_>, author: UserId) {
        self.tell(conn, Changed::Social, self.id, ChangeKind::Updated, author);
    }
}

type Columns = (DbUuid, BigInt, BigInt, BigInt, BigInt, Bool, Bool, Bool);
type Row = (Id, i64, i64, i64, i64, bool, bool, bool);

/// What happened to those of the climbs that `viewer` may see, in the order of their ids. One statement.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut ReadConn<'_>, viewer: Viewer, ids: &[ClimbId]) -> Result<Vec<Social>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&Id::sorted(ids.iter().map(|id| id.0))) {
        let mut sql = Fragment::new("SELECT c.id");
        for counted in [
            "count(*) FROM climb_likes",
            "count(*) FROM comments",
            "count(*) FROM ascents",
            "count(DISTINCT x.user_id) FROM ascents",
        ] {
            sql.sql(", (SELECT ").sql(counted).sql(" x WHERE x.climb_id = c.id)");
        }
        for own in ["climb_likes", "climb_bookmarks", "ascents"] {
            match viewer {
                Viewer::Person(person) => {
                    sql.sql(", EXISTS (SELECT 1 FROM ").sql(own);
                    sql.sql(" x WHERE x.climb_id = c.id AND x.user_id = ").id(person.0).sql(")")
                }
                Viewer::Public | Viewer::Service => sql.sql(", FALSE"),
            };
        }
        sql.sql(" FROM climbs c WHERE c.id IN ").list(ids, |sql, id| {
            sql.id(id.0);
        });
        sql.sql(" AND ");
        viewer.sees(&mut sql, "c");
        sql.sql(" ORDER BY c.id");
        if ids.len() > 1 {
            sql.one_off();
        }
        let statement = sql.selecting::<Columns>();
        let rows: Vec<Row> = on_backend!(conn, |c| statement.load(c))?;
        found.extend(rows.into_iter().map(
            |(id, likes, comments, ascents, climbers, liked, bookmarked, sent)| Social {
                climb_id: ClimbId(id.0),
                likes,
                comments,
                ascents,
                climbers,
                liked,
                bookmarked,
                sent,
            },
        ));
    }
    Ok(found)
}

/// Lets a person like a climb; again changes nothing.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no climb that they may see; or when the database fails.
pub fn like(conn: &mut WriteConn<'_>, person: UserId, climb: ClimbId) -> Result<(), StoreError> {
    let subject = subject(conn, Viewer::Person(person), climb)?;
    let now = Time(conn.now());
    let liked = on_backend!(conn, |c| diesel::insert_into(climb_likes::table)
        .values((
            climb_likes::climb_id.eq(Id(climb.0)),
            climb_likes::user_id.eq(Id(person.0)),
            climb_likes::created_at.eq(now),
        ))
        .on_conflict((climb_likes::climb_id, climb_likes::user_id))
        .do_nothing()
        .execute(c))?;
    if liked > 0 {
        subject.tell_counts(conn, person);
    }
    Ok(())
}

/// Takes that back; nothing happens where nobody liked it.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no climb that they may see; or when the database fails.
pub fn unlike(conn: &mut WriteConn<'_>, person: UserId, climb: ClimbId) -> Result<(), StoreError> {
    let subject = subject(conn, Viewer::Person(person), climb)?;
    let row = climb_likes::table.find((Id(climb.0), Id(person.0)));
    if on_backend!(conn, |c| diesel::delete(row).execute(c))? > 0 {
        subject.tell_counts(conn, person);
    }
    Ok(())
}

/// Tells one person, and nobody else, that they see another [`Social`] of a climb.
fn tell_one(conn: &mut WriteConn<'_>, person: UserId, climb: ClimbId) {
    conn.note(PendingChange {
        entity: Changed::Social,
        id: climb.to_string(),
        kind: ChangeKind::Updated,
        is_public: false,
        owner: Some(person),
    });
}

/// Lets a person bookmark a climb; again changes nothing.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no climb that they may see; or when the database fails.
pub fn bookmark(conn: &mut WriteConn<'_>, person: UserId, climb: ClimbId) -> Result<(), StoreError> {
    subject(conn, Viewer::Person(person), climb)?;
    let now = Time(conn.now());
    let marked = on_backend!(conn, |c| diesel::insert_into(climb_bookmarks::table)
        .values((
            climb_bookmarks::user_id.eq(Id(person.0)),
            climb_bookmarks::climb_id.eq(Id(climb.0)),
            climb_bookmarks::created_at.eq(now),
        ))
        .on_conflict((climb_bookmarks::user_id, climb_bookmarks::climb_id))
        .do_nothing()
        .execute(c))?;
    if marked > 0 {
        tell_one(conn, person, climb);
    }
    Ok(())
}

/// Takes that back; nothing happens where there was no bookmark.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no climb that they may see; or when the database fails.
pub fn unbookmark(conn: &mut WriteConn<'_>, person: UserId, climb: ClimbId) -> Result<(), StoreError> {
    subject(conn, Viewer::Person(person), climb)?;
    let row = climb_bookmarks::table.find((Id(person.0), Id(climb.0)));
    if on_backend!(conn, |c| diesel::delete(row).execute(c))? > 0 {
        tell_one(conn, person, climb);
    }
    Ok(())
}

/// Adds the bookmarks `b` of a person whose climbs they see.
fn bookmarked(sql: &mut Fragment, person: UserId) {
    sql.sql(" FROM climb_bookmarks b JOIN climbs c ON c.id = b.climb_id WHERE b.user_id = ").id(person.0);
    sql.sql(" AND ");
    Viewer::Person(person).sees(sql, "c");
}

/// The climbs that a person bookmarked and still sees, with the time they did so; the latest first. At most `limit`
/// after leaving out `offset`; two statements.
///
/// # Errors
/// When the database fails.
pub fn bookmarks(
    conn: &mut ReadConn<'_>,
    person: UserId,
    offset: i64,
    limit: i64,
) -> Result<Vec<(Timestamp, Climb)>, StoreError> {
    let mut sql = Fragment::new("SELECT b.climb_id, b.created_at");
    bookmarked(&mut sql, person);
    sql.sql(" ORDER BY b.created_at DESC, b.climb_id DESC LIMIT ").big(limit.max(0));
    sql.sql(" OFFSET ").big(offset.max(0));
    let statement = sql.selecting::<(DbUuid, DbTime)>();
    let rows: Vec<(Id, Time)> = on_backend!(conn, |c| statement.load(c))?;
    let ids: Vec<ClimbId> = rows.iter().map(|(id, _)| ClimbId(id.0)).collect();
    let found = climbs::in_order(conn, Viewer::Person(person), &ids)?;
    let times: std::collections::HashMap<ClimbId, Timestamp> =
        rows.iter().map(|(id, at)| (ClimbId(id.0), at.0)).collect();
    let at = |climb: &Climb| times.get(&climb.id).copied().unwrap_or(climb.created_at);
    Ok(found.into_iter().map(|climb| (at(&climb), climb)).collect())
}

/// How many climbs [`bookmarks`] lists.
///
/// # Errors
/// When the database fails.
pub fn bookmarks_count(conn: &mut ReadConn<'_>, person: UserId) -> Result<i64, StoreError> {
    let mut sql = Fragment::new("SELECT count(*)");
    bookmarked(&mut sql, person);
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}
