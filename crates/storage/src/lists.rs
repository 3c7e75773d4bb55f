//! Lists of climbs: reading, making, editing and deleting them. Whoever may not see a list is told of none.

mod sharing;

use diesel::deserialize::Queryable;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::lists::ListType;
use mastoc_domain::sync_state::Source;
use mastoc_domain::{GymId, ListId, StoktId, Timestamp, UserId};

use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::list_items::{self, ListItem};
use crate::schema::{climb_lists, tombstones};
use crate::sql::keys;
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;

pub use sharing::{by_token, follow, holds_link, is_owned_by, revoke, share, unfollow};
pub(crate) use sharing::{changed, shown_differently};

/// A list of climbs, as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClimbList {
    /// Our id.
    pub id: ListId,
    /// Stokt's id, where it was imported.
    pub stokt_id: Option<StoktId>,
    /// Whose it is; `None` for one from outside that nobody here owns.
    pub owner_id: Option<UserId>,
    /// The owner's name.
    pub owner_name: Option<String>,
    /// The gym it is about.
    pub gym_id: Option<GymId>,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What it is for.
    pub list_type: ListType,
    /// Whether everybody may see it.
    pub is_public: bool,
    /// Where it was born.
    pub source: Source,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it or its items last changed.
    pub updated_at: Timestamp,
    /// How many of its climbs the reader sees.
    pub items_count: i64,
    /// Whether the reader follows it.
    pub is_followed: bool,
    /// Whether a link to it holds; told to its owner only.
    pub is_shared: Option<bool>,
}

/// A list with those of its items that its reader sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullList {
    /// The list.
    pub list: ClimbList,
    /// Its items in their order.
    pub items: Vec<ListItem>,
}

/// Which lists are wanted: those that pass every field that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListFilter {
    /// The reader's own, or those of others.
    pub mine: Option<bool>,
    /// Followed by the reader, or not.
    pub followed: Option<bool>,
    /// Public, or not.
    pub public: Option<bool>,
    /// Of this kind.
    pub list_type: Option<ListType>,
    /// About this gym.
    pub gym_id: Option<GymId>,
}

/// A list to be made; its texts were checked before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewList {
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What it is for.
    pub list_type: ListType,
    /// Whether everybody may see it.
    pub is_public: bool,
    /// The gym it is about, which must exist.
    pub gym_id: Option<GymId>,
}

/// What becomes different about a list; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListChange {
    /// Its name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<Option<String>>,
    /// What it is for.
    pub list_type: Option<ListType>,
    /// Whether everybody may see it.
    pub is_public: Option<bool>,
    /// The gym it is about, which must exist.
    pub gym_id: Option<Option<GymId>>,
}

impl ListChange {
    /// What a list is once it was changed like this.
    #[must_use]
    pub fn applied(&self, list: &ClimbList) -> ClimbList {
        ClimbList {
            name: self.name.clone().unwrap_or_else(|| list.name.clone()),
            description: self.description.clone().unwrap_or_else(|| list.description.clone()),
            list_type: self.list_type.unwrap_or(list.list_type),
            is_public: self.is_public.unwrap_or(list.is_public),
            gym_id: self.gym_id.unwrap_or(list.gym_id),
            ..list.clone()
        }
    }
}

type Columns = (
    (DbUuid, Nullable<DbUuid>, Nullable<DbUuid>, Nullable<Text>, Nullable<DbUuid>, Text, Nullable<Text>),
    (Text, Bool, Text, DbTime, DbTime),
    (BigInt, Bool, Nullable<Bool>),
);

type About = (Id, Option<Id>, Option<Id>, Option<String>, Option<Id>, String, Option<String>);

#[derive(Queryable)]
struct Row {
    about: About,
    rest: (Word<ListType>, bool, Word<Source>, Time, Time),
    seen: (i64, bool, Option<bool>),
}

impl From<Row> for ClimbList {
    fn from(row: Row) -> Self {
        let (id, stokt_id, owner_id, owner_name, gym_id, name, description) = row.about;
        let (list_type, is_public, source, created_at, updated_at) = row.rest;
        let (items_count, is_followed, is_shared) = row.seen;
        Self {
            id: ListId(id.0),
            stokt_id: stokt_id.map(|id| StoktId(id.0)),
            owner_id: owner_id.map(|id| UserId(id.0)),
            owner_name,
            gym_id: gym_id.map(|id| GymId(id.0)),
            name,
            description,
            list_type: list_type.0,
            is_public,
            source: source.0,
            created_at: created_at.0,
            updated_at: updated_at.0,
            items_count,
            is_followed,
            is_shared,
        }
    }
}

/// Adds the condition under which the list called `l` is seen: it is public, the reader's own, or followed by a link
/// that still holds.
pub(crate) fn sees(viewer: Viewer, sql: &mut Fragment) {
    match viewer {
        Viewer::Public => sql.sql("l.is_public"),
        Viewer::Service => sql.sql("TRUE"),
        Viewer::Person(person) => {
            sql.sql("(l.is_public OR l.owner_id = ").id(person.0);
            sql.sql(" OR l.id IN (SELECT f.list_id FROM list_follows f JOIN list_shares s ON s.list_id = f.list_id ");
            sql.sql("AND s.token_hash = f.token_hash WHERE f.user_id = ").id(person.0).sql("))")
        }
    };
}

/// Adds whether the reader follows the list `l`.
fn follows(viewer: Viewer, sql: &mut Fragment) {
    match viewer {
        Viewer::Public | Viewer::Service => sql.sql("FALSE"),
        Viewer::Person(person) => {
            sql.sql("EXISTS (SELECT 1 FROM list_follows f WHERE f.list_id = l.id AND f.user_id = ");
            sql.id(person.0).sql(")")
        }
    };
}

/// Adds `SELECT ... FROM climb_lists l ...` up to the place of `WHERE`.
fn select(sql: &mut Fragment, viewer: Viewer) {
    sql.sql(
        "SELECT l.id, l.stokt_id, l.owner_id, u.full_name, l.gym_id, l.name, l.description, l.list_type, ",
    );
    sql.sql("l.is_public, l.source, l.created_at, l.updated_at, (SELECT count(*) FROM list_items i JOIN climbs c ");
    sql.sql("ON c.id = i.climb_id WHERE i.list_id = l.id AND ");
    viewer.sees(sql, "c");
    sql.sql("), ");
    follows(viewer, sql);
    match viewer {
        Viewer::Public | Viewer::Service => sql.sql(", CAST(NULL AS BOOLEAN)"),
        Viewer::Person(person) => {
            sql.sql(", CASE WHEN l.owner_id = ").id(person.0);
            sql.sql(" THEN EXISTS (SELECT 1 FROM list_shares s WHERE s.list_id = l.id) END")
        }
    };
    sql.sql(" FROM climb_lists l LEFT JOIN users u ON u.id = l.owner_id");
}

fn load(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<ClimbList>, StoreError> {
    let statement = sql.selecting::<Columns>();
    let rows: Vec<Row> = on_backend!(conn, |c| statement.load(c))?;
    Ok(rows.into_iter().map(ClimbList::from).collect())
}

/// One list; `None` when there is none that `viewer` may see.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, viewer: Viewer, id: ListId) -> Result<Option<ClimbList>, StoreError> {
    let mut sql = Fragment::default();
    select(&mut sql, viewer);
    sql.sql(" WHERE l.id = ").id(id.0).sql(" AND ");
    sees(viewer, &mut sql);
    Ok(load(conn, sql)?.pop())
}

/// Those of the lists that exist and that `viewer` may see, in the order of their ids, with the items that they may
/// see. Two statements.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut ReadConn<'_>, viewer: Viewer, ids: &[ListId]) -> Result<Vec<FullList>, StoreError> {
    let mut full = Vec::with_capacity(ids.len());
    for ids in keys(&Id::sorted(ids.iter().map(|id| id.0))) {
        let mut sql = Fragment::default();
        select(&mut sql, viewer);
        sql.sql(" WHERE l.id IN ").list(ids, |sql, id| {
            sql.id(id.0);
        });
        sql.sql(" AND ");
        sees(viewer, &mut sql);
        sql.sql(" ORDER BY l.id").one_off();
        let found = load(conn, sql)?;
        let mut items = list_items::of_lists(conn, viewer, &found)?;
        full.extend(found.into_iter().map(|list| {
            let items = items.remove(&list.id).unwrap_or_default();
            FullList { list, items }
        }));
    }
    Ok(full)
}

impl ListFilter {
    fn conditions(&self, sql: &mut Fragment, viewer: Viewer) {
        sees(viewer, sql);
        let not = |wanted: bool| if wanted { " AND " } else { " AND NOT " };
        if let Some(mine) = self.mine {
            sql.sql(not(mine));
            match viewer {
                Viewer::Person(person) => {
                    sql.sql("(l.owner_id IS NOT NULL AND l.owner_id = ").id(person.0).sql(")")
                }
                Viewer::Public | Viewer::Service => sql.sql("FALSE"),
            };
        }
        if let Some(followed) = self.followed {
            sql.sql(not(followed));
            follows(viewer, sql);
        }
        if let Some(public) = self.public {
            sql.sql(not(public)).sql("l.is_public");
        }
        if let Some(list_type) = self.list_type {
            sql.sql(" AND l.list_type = ").text(list_type.as_str());
        }
        if let Some(gym) = self.gym_id {
            sql.sql(" AND l.gym_id = ").id(gym.0);
        }
    }
}

/// The lists that pass `filter`, the latest made first: at most `limit` after leaving out `offset`.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    filter: &ListFilter,
    offset: i64,
    limit: i64,
) -> Result<Vec<ClimbList>, StoreError> {
    let mut sql = Fragment::default();
    select(&mut sql, viewer);
    sql.sql(" WHERE ");
    filter.conditions(&mut sql, viewer);
    sql.sql(" ORDER BY l.created_at DESC, l.id DESC LIMIT ").big(limit.max(0));
    sql.sql(" OFFSET ").big(offset.max(0));
    load(conn, sql)
}

/// How many lists pass `filter`.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, viewer: Viewer, filter: &ListFilter) -> Result<i64, StoreError> {
    let mut sql = Fragment::new("SELECT count(*) FROM climb_lists l WHERE ");
    filter.conditions(&mut sql, viewer);
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// Makes a list.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such gym; or when the database fails.
pub fn create(conn: &mut WriteConn<'_>, owner: UserId, new: &NewList) -> Result<ListId, StoreError> {
    let id = ListId::generate();
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::insert_into(climb_lists::table)
        .values((
            climb_lists::id.eq(Id(id.0)),
            climb_lists::owner_id.eq(Id(owner.0)),
            climb_lists::gym_id.eq(new.gym_id.map(|gym| Id(gym.0))),
            climb_lists::name.eq(&new.name),
            climb_lists::description.eq(&new.description),
            climb_lists::list_type.eq(new.list_type.as_str()),
            climb_lists::is_public.eq(new.is_public),
            climb_lists::source.eq(Source::Mastoc.as_str()),
            climb_lists::created_at.eq(now),
            climb_lists::updated_at.eq(now),
        ))
        .execute(c))?;
    changed(conn, id, ChangeKind::Created, false)?;
    Ok(id)
}

#[derive(AsChangeset)]
#[diesel(table_name = climb_lists)]
struct Changes<'a> {
    name: Option<&'a str>,
    description: Option<Option<&'a str>>,
    list_type: Option<&'a str>,
    is_public: Option<bool>,
    gym_id: Option<Option<Id>>,
    updated_at: Time,
}

/// Changes a list that was `was_public`; a change of nothing leaves it alone.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such gym; or when the database fails.
pub fn update(
    conn: &mut WriteConn<'_>,
    id: ListId,
    was_public: bool,
    change: &ListChange,
) -> Result<(), StoreError> {
    if *change == ListChange::default() {
        return Ok(());
    }
    let changes = Changes {
        name: change.name.as_deref(),
        description: change.description.as_ref().map(Option::as_deref),
        list_type: change.list_type.map(ListType::as_str),
        is_public: change.is_public,
        gym_id: change.gym_id.map(|gym| gym.map(|gym| Id(gym.0))),
        updated_at: Time(conn.now()),
    };
    on_backend!(conn, |c| diesel::update(climb_lists::table.find(Id(id.0))).set(&changes).execute(c))?;
    changed(conn, id, ChangeKind::Updated, was_public)
}

/// Notes that something about a list's items changed. The list is locked from here to the end of the transaction.
pub(crate) fn touch(conn: &mut WriteConn<'_>, id: ListId) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(climb_lists::table.find(Id(id.0)))
        .set(climb_lists::updated_at.eq(now))
        .execute(c))?;
    changed(conn, id, ChangeKind::Updated, false)
}

/// Deletes a list with its items, follows and link; a tombstone stays.
///
/// # Errors
/// When the database fails.
pub fn delete(conn: &mut WriteConn<'_>, list: &ClimbList) -> Result<(), StoreError> {
    changed(conn, list.id, ChangeKind::Deleted, list.is_public)?;
    let now = Time(conn.now());
    let (entity, id) = (Changed::List.as_str(), list.id.to_string());
    on_backend!(conn, |c| diesel::delete(climb_lists::table.find(Id(list.id.0))).execute(c))?;
    on_backend!(conn, |c| diesel::insert_into(tombstones::table)
        .values((
            tombstones::entity.eq(entity),
            tombstones::entity_id.eq(&id),
            tombstones::stokt_id.eq(list.stokt_id.map(|id| id.to_string())),
            tombstones::reason.eq("deleted here"),
            tombstones::deleted_at.eq(now),
        ))
        .on_conflict((tombstones::entity, tombstones::entity_id))
        .do_nothing()
        .execute(c))?;
    Ok(())
}
