//! Reading climbs: one, some by their ids, pages in every order, and how many there are.

mod cursor;
mod drive;
mod filter;
mod mine;
#[cfg(test)]
mod plans;
mod row;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use diesel::RunQueryDsl as _;
use diesel::sql_types::BigInt;
use mastoc_domain::board::Climb;
use mastoc_domain::{ClimbId, StoktId};
use uuid::Uuid;

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::sql::keys;
use crate::visibility::Viewer;

use cursor::Bound;
use drive::Drive;
use row::{ClimbColumns, ClimbRow};

pub use cursor::{ClimbCursor, ClimbSort, CursorError};
pub use filter::{ClimbFilter, HoldMatch};
pub use mine::Mine;
pub(crate) use row::Word;

/// One climb; `None` when there is none that `viewer` may see.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, viewer: Viewer, id: ClimbId) -> Result<Option<Climb>, StoreError> {
    one(conn, viewer, "c.id = ", id.0)
}

/// One climb by Stokt's id; `None` when there is none that `viewer` may see.
///
/// # Errors
/// When the database fails.
pub fn by_stokt_id(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    id: StoktId,
) -> Result<Option<Climb>, StoreError> {
    one(conn, viewer, "c.stokt_id = ", id.0)
}

fn one(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    condition: &str,
    id: Uuid,
) -> Result<Option<Climb>, StoreError> {
    let mut sql = Fragment::default();
    row::select(&mut sql, viewer, None);
    sql.sql(" WHERE ").sql(condition).id(id).sql(" AND ");
    viewer.sees(&mut sql, "c");
    Ok(load(conn, sql)?.pop().map(Climb::from))
}

/// Those of the climbs that exist and that `viewer` may see, in the order of their ids.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut ReadConn<'_>, viewer: Viewer, ids: &[ClimbId]) -> Result<Vec<Climb>, StoreError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut climbs = Vec::with_capacity(ids.len());
    for ids in keys(&ids) {
        let mut sql = Fragment::default();
        row::select(&mut sql, viewer, None);
        sql.sql(" WHERE c.id IN ").list(ids, |sql, id| {
            sql.id(id.0);
        });
        sql.sql(" AND ");
        viewer.sees(&mut sql, "c");
        sql.sql(" ORDER BY c.id").one_off();
        climbs.extend(load(conn, sql)?.into_iter().map(Climb::from));
    }
    Ok(climbs)
}

/// The same in the order in which they are named.
///
/// # Errors
/// When the database fails.
pub fn in_order(conn: &mut ReadConn<'_>, viewer: Viewer, ids: &[ClimbId]) -> Result<Vec<Climb>, StoreError> {
    let mut found: HashMap<ClimbId, Climb> =
        by_ids(conn, viewer, ids)?.into_iter().map(|climb| (climb.id, climb)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// One page of the climbs that pass `filter`: at most `limit` after leaving out `offset`. The farther the offset, the
/// longer it takes; [`after`] does not mind.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    filter: &ClimbFilter,
    sort: ClimbSort,
    offset: i64,
    limit: i64,
) -> Result<Vec<Climb>, StoreError> {
    let window = Window { after: None, offset: offset.max(0), limit: limit.max(0) };
    Ok(rows(conn, viewer, filter, sort, &window)?.into_iter().map(Climb::from).collect())
}

/// At most `limit` of the climbs that pass `filter`, from the start or behind `after`, and the cursor to go on with
/// if there are more. As quick at the ten-thousandth page as at the first.
///
/// # Errors
/// [`StoreError::Invalid`] when the cursor is of another order; or when the database fails.
pub fn after(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    filter: &ClimbFilter,
    sort: ClimbSort,
    after: Option<&ClimbCursor>,
    limit: i64,
) -> Result<(Vec<Climb>, Option<ClimbCursor>), StoreError> {
    if let Some(cursor) = after.filter(|cursor| cursor.sort() != sort) {
        return Err(StoreError::Invalid(format!(
            "the cursor belongs to the order '{}', not to '{sort}'; use it with its own order",
            cursor.sort()
        )));
    }
    let limit = limit.max(1);
    // One more than asked for tells whether there is more.
    let mut rows =
        rows(conn, viewer, filter, sort, &Window { after, offset: 0, limit: limit.saturating_add(1) })?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > asked;
    rows.truncate(asked);
    let last_key = rows.last_mut().map(|row| std::mem::take(&mut row.sort_key)).unwrap_or_default();
    let climbs: Vec<Climb> = rows.into_iter().map(Climb::from).collect();
    let next = climbs.last().filter(|_| has_more).map(|last| ClimbCursor::of(sort, last, &last_key));
    Ok((climbs, next))
}

/// How many climbs pass `filter`, in at most two statements. With filters beyond gym and face, every climb may have to
/// be looked at.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, viewer: Viewer, filter: &ClimbFilter) -> Result<i64, StoreError> {
    let mut sql = Fragment::new("SELECT ");
    if filter.is_plain() {
        let mut place = Fragment::default();
        filter.place(&mut place, "c");
        viewer.count_seen(&mut sql, "c", &place);
    } else {
        sql.sql("(SELECT count(*) FROM climbs c WHERE ");
        // Any order but one of time: which only gathers where few climbs pass, and reads all of them otherwise.
        let drive = Drive::choose(conn, filter, ClimbSort::Name, 0)?;
        filter.conditions(&mut sql, "c", viewer, drive, Bound::Neither);
        sql.sql(")").one_off();
    }
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// The part of an ordered list that is wanted.
struct Window<'c> {
    after: Option<&'c ClimbCursor>,
    offset: i64,
    limit: i64,
}

fn rows(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    filter: &ClimbFilter,
    sort: ClimbSort,
    window: &Window<'_>,
) -> Result<Vec<ClimbRow>, StoreError> {
    let reach = window.offset.saturating_add(window.limit);
    let drive = Drive::choose(conn, filter, sort, reach)?;
    rows_by(drive, conn, viewer, filter, sort, window)
}

/// The same by a way that is chosen already; whichever it is, the rows are the same.
fn rows_by(
    drive: Drive,
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    filter: &ClimbFilter,
    sort: ClimbSort,
    window: &Window<'_>,
) -> Result<Vec<ClimbRow>, StoreError> {
    load(conn, rows_sql(drive, viewer, filter, sort, window))
}

fn rows_sql(
    drive: Drive,
    viewer: Viewer,
    filter: &ClimbFilter,
    sort: ClimbSort,
    window: &Window<'_>,
) -> Fragment {
    let mut sql = Fragment::default();
    row::select(&mut sql, viewer, Some(sort));
    sql.sql(" WHERE ");
    let by_index = drive.follows(sort, filter);
    match drive {
        Drive::GymFaces | Drive::EachSetter => merged(&mut sql, viewer, filter, sort, window, drive),
        _ => {
            let taken = window.after.map_or(Bound::Neither, |cursor| cursor.bound(by_index));
            filter.conditions(&mut sql, "c", viewer, drive, taken);
            if let Some(cursor) = window.after {
                cursor.and_after(&mut sql, "c", by_index);
            }
        }
    }
    sort.order(&mut sql, "c", by_index);
    sql.sql(" LIMIT ").big(window.limit).sql(" OFFSET ").big(window.offset);
    if !filter.is_plain() {
        sql.one_off();
    }
    sql
}

/// Adds the condition that the climb is among the first of its face (or setter), looking at each face's own index
/// once; PostgreSQL says that with a lateral join, SQLite with a correlated subquery.
fn merged(
    sql: &mut Fragment,
    viewer: Viewer,
    filter: &ClimbFilter,
    sort: ClimbSort,
    window: &Window<'_>,
    drive: Drive,
) {
    let faces = drive == Drive::GymFaces;
    sql.sql("c.id IN (SELECT x.id FROM ").sql(if faces { "faces" } else { "users" }).sql(" b CROSS JOIN ");
    sql.either("LATERAL (", "climbs x ON x.id IN (").sql("SELECT y.id FROM climbs y WHERE ");
    sql.sql(if faces { "y.face_id" } else { "y.setter_id" }).sql(" = b.id AND ");
    let taken = window.after.map_or(Bound::Neither, |cursor| cursor.bound(true));
    filter.conditions(sql, "y", viewer, drive, taken);
    if let Some(cursor) = window.after {
        cursor.and_after(sql, "y", true);
    }
    sort.order(sql, "y", true);
    sql.sql(" LIMIT ").big(window.offset.saturating_add(window.limit)).either(") x", ")").sql(" WHERE ");
    match filter.gym_id.filter(|_| faces) {
        Some(gym) => sql.sql("b.gym_id = ").id(gym.0),
        None => sql.sql("b.id IN ").list(&filter.setter_ids, |sql, setter| {
            sql.id(setter.0);
        }),
    };
    sql.sql(")");
}

fn load(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<ClimbRow>, StoreError> {
    let statement = sql.selecting::<ClimbColumns>();
    Ok(on_backend!(conn, |c| statement.load(c))?)
}
