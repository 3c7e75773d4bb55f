//! Comments on climbs: there for whoever sees the climb.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::{ClimbId, CommentId, Timestamp, UserId};

use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::comments;
use crate::social::subject;
use crate::sql::keys;
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// What it is about.
    pub climb_id: ClimbId,
    /// Who wrote it.
    pub user_id: UserId,
    /// The writer's name.
    pub user_name: String,
    /// What they say.
    pub text: String,
    /// When they said it.
    pub created_at: Timestamp,
    /// When they last changed it.
    pub updated_at: Timestamp,
}

type Columns = (DbUuid, DbUuid, DbUuid, Text, Text, DbTime, DbTime);
type Row = (Id, Id, Id, String, String, Time, Time);

const SELECT: &str = "SELECT m.id, m.climb_id, m.user_id, u.full_name, m.text, m.created_at, m.updated_at \
     FROM comments m JOIN climbs c ON c.id = m.climb_id JOIN users u ON u.id = m.user_id WHERE ";

fn load(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<Comment>, StoreError> {
    let statement = sql.selecting::<Columns>();
    let rows: Vec<Row> = on_backend!(conn, |c| statement.load(c))?;
    let comment = |(id, climb, user, user_name, text, created_at, updated_at): Row| Comment {
        id: CommentId(id.0),
        climb_id: ClimbId(climb.0),
        user_id: UserId(user.0),
        user_name,
        text,
        created_at: created_at.0,
        updated_at: updated_at.0,
    };
    Ok(rows.into_iter().map(comment).collect())
}

/// One comment; `None` when there is none that `viewer` may see.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, viewer: Viewer, id: CommentId) -> Result<Option<Comment>, StoreError> {
    Ok(by_ids(conn, viewer, &[id])?.pop())
}

/// Those of the comments that exist and that `viewer` may see, in the order of their ids. One statement.
///
/// # Errors
/// When the database fails.
pub fn by_ids(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    ids: &[CommentId],
) -> Result<Vec<Comment>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&Id::sorted(ids.iter().map(|id| id.0))) {
        let mut sql = Fragment::new(SELECT);
        sql.sql("m.id IN ").list(ids, |sql, id| {
            sql.id(id.0);
        });
        sql.sql(" AND ");
        viewer.sees(&mut sql, "c");
        sql.sql(" ORDER BY m.id").one_off();
        found.extend(load(conn, sql)?);
    }
    Ok(found)
}

/// The comments on a climb that `viewer` may see, in the order in which they were written: at most `limit` after
/// leaving out `offset`.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    climb: ClimbId,
    offset: i64,
    limit: i64,
) -> Result<Vec<Comment>, StoreError> {
    let mut sql = Fragment::new(SELECT);
    sql.sql("m.climb_id = ").id(climb.0).sql(" AND ");
    viewer.sees(&mut sql, "c");
    sql.sql(" ORDER BY m.created_at, m.id LIMIT ").big(limit.max(0)).sql(" OFFSET ").big(offset.max(0));
    load(conn, sql)
}

/// How many comments there are on a climb, whoever sees it.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, climb: ClimbId) -> Result<i64, StoreError> {
    let mut sql = Fragment::new("SELECT count(*) FROM comments WHERE climb_id = ");
    sql.id(climb.0);
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// The comments that a person wrote on climbs that they see, in the order in which they wrote them.
///
/// # Errors
/// When the database fails.
pub fn of_person(conn: &mut ReadConn<'_>, person: UserId) -> Result<Vec<Comment>, StoreError> {
    let mut sql = Fragment::new(SELECT);
    sql.sql("m.user_id = ").id(person.0).sql(" AND ");
    Viewer::Person(person).sees(&mut sql, "c");
    sql.sql(" ORDER BY m.id");
    load(conn, sql)
}

/// Writes a comment; its text was checked before.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no climb that the person may see; or when the database fails.
pub fn create(
    conn: &mut WriteConn<'_>,
    person: UserId,
    climb: ClimbId,
    text: &str,
) -> Result<CommentId, StoreError> {
    let subject = subject(conn, Viewer::Person(person), climb)?;
    let id = CommentId::generate();
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::insert_into(comments::table)
        .values((
            comments::id.eq(Id(id.0)),
            comments::climb_id.eq(Id(climb.0)),
            comments::user_id.eq(Id(person.0)),
            comments::text.eq(text),
            comments::created_at.eq(now),
            comments::updated_at.eq(now),
        ))
        .execute(c))?;
    subject.tell(conn, Changed::Comment, id, ChangeKind::Created, person);
    subject.tell_counts(conn, person);
    Ok(id)
}

/// Changes a comment that is there; its text was checked before.
///
/// # Errors
/// [`StoreError::NotFound`] when the climb is gone meanwhile; or when the database fails.
pub fn update(conn: &mut WriteConn<'_>, comment: &Comment, text: &str) -> Result<(), StoreError> {
    let subject = subject(conn, Viewer::Service, comment.climb_id)?;
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(comments::table.find(Id(comment.id.0)))
        .set((comments::text.eq(text), comments::updated_at.eq(now)))
        .execute(c))?;
    subject.tell(conn, Changed::Comment, comment.id, ChangeKind::Updated, comment.user_id);
    Ok(())
}

/// Deletes a comment.
///
/// # Errors
/// [`StoreError::NotFound`] when the climb is gone meanwhile; or when the database fails.
pub fn delete(conn: &mut WriteConn<'_>, comment: &Comment) -> Result<(), StoreError> {
    let subject = subject(conn, Viewer::Service, comment.climb_id)?;
    on_backend!(conn, |c| diesel::delete(comments::table.find(Id(comment.id.0))).execute(c))?;
    subject.tell(conn, Changed::Comment, comment.id, ChangeKind::Deleted, comment.user_id);
    subject.tell_counts(conn, comment.user_id);
    Ok(())
}
