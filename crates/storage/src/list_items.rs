//! The climbs of a list: adding, annotating, ordering and removing them. A climb that the reader may not see is in no
//! list for them; what an owner notes about an item, and how far they have come with it, is told to the owner only.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use mastoc_domain::lists::ListItemStatus;
use mastoc_domain::{ClimbId, ListId, Timestamp};

use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::lists::{self, ClimbList};
use crate::schema::list_items;
use crate::sql::{chunks, keys};
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;

/// How many climbs a list may hold.
pub const MOST_ITEMS: i64 = 5_000;
/// The last place of a list; below the end of what the column keeps, so that something always fits behind.
pub const LAST_POSITION: i32 = 1_000_000_000;

/// A climb in a list, as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListItem {
    /// The climb.
    pub climb_id: ClimbId,
    /// Its place; items of one place follow each other by the climbs' ids.
    pub position: i32,
    /// What the owner notes about it; `None` for everybody else.
    pub notes: Option<String>,
    /// How far the owner has come; `None` for everybody else.
    pub status: Option<ListItemStatus>,
    /// When it was put into the list.
    pub created_at: Timestamp,
}

/// An item to be made; its texts were checked before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewItem {
    /// Its place; behind all others if it is not said.
    pub position: Option<i32>,
    /// What the owner notes about it.
    pub notes: Option<String>,
    /// How far the owner has come.
    pub status: Option<ListItemStatus>,
}

/// What becomes different about an item; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemChange {
    /// Its place.
    pub position: Option<i32>,
    /// What the owner notes about it.
    pub notes: Option<Option<String>>,
    /// How far the owner has come.
    pub status: Option<ListItemStatus>,
}

/// What came of adding a climb to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is in the list now.
    Yes,
    /// It was there before.
    Already,
    /// The list holds [`MOST_ITEMS`].
    Full,
}

type Columns = (DbUuid, DbUuid, Integer, Nullable<Text>, Text, DbTime);
type Row = (Id, Id, i32, Option<String>, Word<ListItemStatus>, Time);

/// The columns of an item `i` of a list.
const SELECT: &str = "SELECT i.list_id, i.climb_id, i.position, i.notes, i.status, i.created_at \
     FROM list_items i JOIN climbs c ON c.id = i.climb_id WHERE ";

fn load(
    conn: &mut ReadConn<'_>,
    sql: Fragment,
    is_own: impl Fn(ListId) -> bool,
) -> Result<Vec<(ListId, ListItem)>, StoreError> {
    let statement = sql.selecting::<Columns>();
    let rows: Vec<Row> = on_backend!(conn, |c| statement.load(c))?;
    let item = |(list, climb, position, notes, status, created_at): Row| {
        let list = ListId(list.0);
        let own = is_own(list);
        let item = ListItem {
            climb_id: ClimbId(climb.0),
            position,
            notes: notes.filter(|_| own),
            status: own.then_some(status.0),
            created_at: created_at.0,
        };
        (list, item)
    };
    Ok(rows.into_iter().map(item).collect())
}

fn owns(viewer: Viewer, list: &ClimbList) -> bool {
    matches!(viewer, Viewer::Person(person) if list.owner_id == Some(person))
}

/// The items of lists that the reader sees, by list and each list's in order. One statement.
pub(crate) fn of_lists(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    lists: &[ClimbList],
) -> Result<HashMap<ListId, Vec<ListItem>>, StoreError> {
    let mut items: HashMap<ListId, Vec<ListItem>> = HashMap::new();
    let own: HashMap<ListId, bool> = lists.iter().map(|list| (list.id, owns(viewer, list))).collect();
    for lists in keys(lists) {
        let mut sql = Fragment::new(SELECT);
        sql.sql("i.list_id IN ").list(lists, |sql, list| {
            sql.id(list.id.0);
        });
        sql.sql(" AND ");
        viewer.sees(&mut sql, "c");
        sql.sql(" ORDER BY i.list_id, i.position, i.climb_id").one_off();
        for (list, item) in load(conn, sql, |list| own.get(&list).copied().unwrap_or(false))? {
            items.entry(list).or_default().push(item);
        }
    }
    Ok(items)
}

/// One page of a list's items in their order: at most `limit` after leaving out `offset`. How many there are, the list
/// itself says.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    list: &ClimbList,
    offset: i64,
    limit: i64,
) -> Result<Vec<ListItem>, StoreError> {
    let mut sql = Fragment::new(SELECT);
    sql.sql("i.list_id = ").id(list.id.0).sql(" AND ");
    viewer.sees(&mut sql, "c");
    sql.sql(" ORDER BY i.position, i.climb_id LIMIT ").big(limit.max(0)).sql(" OFFSET ").big(offset.max(0));
    let own = owns(viewer, list);
    Ok(load(conn, sql, |_| own)?.into_iter().map(|(_, item)| item).collect())
}

/// One item; `None` when the climb is not in the list, or not seen.
///
/// # Errors
/// When the database fails.
pub fn one(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    list: &ClimbList,
    climb: ClimbId,
) -> Result<Option<ListItem>, StoreError> {
    let mut sql = Fragment::new(SELECT);
    sql.sql("i.list_id = ").id(list.id.0).sql(" AND i.climb_id = ").id(climb.0).sql(" AND ");
    viewer.sees(&mut sql, "c");
    let own = owns(viewer, list);
    Ok(load(conn, sql, |_| own)?.pop().map(|(_, item)| item))
}

/// Puts a climb into a list.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such climb; or when the database fails.
pub fn add(
    conn: &mut WriteConn<'_>,
    list: ListId,
    climb: ClimbId,
    new: &NewItem,
) -> Result<Added, StoreError> {
    // The list first: whoever adds at the same time waits here, and finds other places and counts.
    lists::touch(conn, list)?;
    let (count, last): (i64, Option<i32>) = on_backend!(conn, |c| list_items::table
        .filter(list_items::list_id.eq(Id(list.0)))
        .select((diesel::dsl::count_star(), diesel::dsl::max(list_items::position)))
        .get_result(c))?;
    if count >= MOST_ITEMS {
        return Ok(Added::Full);
    }
    let position = new.position.unwrap_or_else(|| last.map_or(0, |last| last.saturating_add(1)));
    let now = Time(conn.now());
    let added = on_backend!(conn, |c| diesel::insert_into(list_items::table)
        .values((
            list_items::list_id.eq(Id(list.0)),
            list_items::climb_id.eq(Id(climb.0)),
            list_items::position.eq(position),
            list_items::notes.eq(&new.notes),
            list_items::status.eq(new.status.unwrap_or(ListItemStatus::Todo).as_str()),
            list_items::created_at.eq(now),
            list_items::updated_at.eq(now),
        ))
        .on_conflict((list_items::list_id, list_items::climb_id))
        .do_nothing()
        .execute(c))?;
    Ok(if added == 1 { Added::Yes } else { Added::Already })
}

#[derive(AsChangeset)]
#[diesel(table_name = list_items)]
struct Changes<'a> {
    position: Option<i32>,
    notes: Option<Option<&'a str>>,
    status: Option<&'a str>,
    updated_at: Time,
}

/// Changes an item; a change of nothing leaves it alone.
///
/// # Errors
/// When the database fails.
pub fn update(
    conn: &mut WriteConn<'_>,
    list: ListId,
    climb: ClimbId,
    change: &ItemChange,
) -> Result<(), StoreError> {
    if *change == ItemChange::default() {
        return Ok(());
    }
    lists::touch(conn, list)?;
    let changes = Changes {
        position: change.position,
        notes: change.notes.as_ref().map(Option::as_deref),
        status: change.status.map(ListItemStatus::as_str),
        updated_at: Time(conn.now()),
    };
    let row = list_items::table.find((Id(list.0), Id(climb.0)));
    on_backend!(conn, |c| diesel::update(row).set(&changes).execute(c))?;
    Ok(())
}

/// Takes a climb out of a list.
///
/// # Errors
/// When the database fails.
pub fn remove(conn: &mut WriteConn<'_>, list: ListId, climb: ClimbId) -> Result<(), StoreError> {
    lists::touch(conn, list)?;
    let row = list_items::table.find((Id(list.0), Id(climb.0)));
    on_backend!(conn, |c| diesel::delete(row).execute(c))?;
    Ok(())
}

/// Puts the items that `viewer` sees into this order; the others keep their places among them. `false`, and nothing is
/// changed, when `order` does not name exactly the seen items, each once. Four statements, however many items.
///
/// # Errors
/// When the database fails.
pub fn reorder(
    conn: &mut WriteConn<'_>,
    viewer: Viewer,
    list: ListId,
    order: &[ClimbId],
) -> Result<bool, StoreError> {
    lists::touch(conn, list)?;
    let mut sql = Fragment::new("SELECT i.climb_id, i.position, (");
    viewer.sees(&mut sql, "c");
    sql.sql(") FROM list_items i JOIN climbs c ON c.id = i.climb_id WHERE i.list_id = ").id(list.0);
    sql.sql(" ORDER BY i.position, i.climb_id");
    let statement = sql.selecting::<(DbUuid, Integer, Bool)>();
    let rows: Vec<(Id, i32, bool)> = on_backend!(conn, |c| statement.load(c))?;

    let mut seen: Vec<Id> = rows.iter().filter(|(_, _, seen)| *seen).map(|(id, ..)| *id).collect();
    seen.sort_unstable();
    let mut named = Id::all(order.iter().map(|id| id.0));
    named.sort_unstable();
    if seen != named {
        return Ok(false);
    }
    let was: HashMap<Id, i32> = rows.iter().map(|(id, position, _)| (*id, *position)).collect();
    let mut wanted = order.iter().map(|id| Id(id.0));
    let moved: Vec<(Id, i64)> = rows
        .iter()
        .filter_map(|(id, _, seen)| if *seen { wanted.next() } else { Some(*id) })
        .zip(0..)
        .filter(|(id, place)| was.get(id).map(|was| i64::from(*was)) != Some(*place))
        .collect();
    let now = conn.now();
    for moved in chunks(&moved, 2) {
        let mut sql = Fragment::new("UPDATE list_items SET position = v.place, updated_at = ");
        sql.time(now).sql(" FROM (SELECT column1 AS climb, CAST(column2 AS INTEGER) AS place FROM (VALUES ");
        for (index, (id, place)) in moved.iter().enumerate() {
            sql.sql(if index > 0 { ", (" } else { "(" }).id(id.0).sql(", ").big(*place).sql(")");
        }
        sql.sql(") AS given) AS v WHERE list_items.list_id = ").id(list.0);
        sql.sql(" AND list_items.climb_id = v.climb").one_off();
        let statement = sql.selecting::<BigInt>();
        on_backend!(conn, |c| statement.execute(c))?;
    }
    Ok(true)
}
