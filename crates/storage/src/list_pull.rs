//! Personal lists that come from Stokt: how they stand here, and what a pull writes of them. However many lists and
//! climbs there are, the number of statements is the same.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::lists::{ListItemStatus, ListType};
use mastoc_domain::sync_state::{Direction, EntityKind, Source};
use mastoc_domain::{ClimbId, ListId, StoktId, UserId};
use serde_json::{Value, json};

use crate::changes::PendingChange;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::import::ImportContext;
use crate::links::{self, LinkRow, json_hash, run_id};
use crate::list_items::{LAST_POSITION, MOST_ITEMS};
use crate::lists::shown_differently;
use crate::schema::{climb_lists as l, climbs, list_items as i, sync_links, users};
use crate::sql::{chunks, keys};
use crate::types::{Id, Time};

/// List, climb, Stokt's id of the climb, notes, status.
type ShownItem = (Id, Id, Option<Id>, Option<String>, String);

/// A list of Stokt's as it stands here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownList {
    /// Our id.
    pub id: ListId,
    /// Its name.
    pub name: String,
    /// What Stokt had when it was last read: its name, and the ids of its climbs; `None` before the first time.
    pub base: Option<Value>,
    /// Its climbs in their order.
    pub items: Vec<KnownItem>,
}

/// A climb of such a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownItem {
    /// Our id.
    pub climb: ClimbId,
    /// Stokt's id, where it is linked.
    pub stokt_id: Option<StoktId>,
    /// Whether its owner noted anything about it, which Stokt does not know.
    pub has_words: bool,
}

/// How lists of Stokt's stand here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownLists {
    /// Those that are here.
    pub lists: HashMap<StoktId, KnownList>,
    /// Those that were deleted here.
    pub deleted: HashSet<StoktId>,
    /// Our ids of the climbs that were asked for, as far as they are here.
    pub climbs: HashMap<StoktId, ClimbId>,
}

/// How these lists, and these climbs, stand here. Five statements.
///
/// # Errors
/// When the database fails.
pub fn known(
    conn: &mut ReadConn<'_>,
    lists: &[StoktId],
    climb_ids: &[StoktId],
) -> Result<KnownLists, StoreError> {
    let mut found = KnownLists::default();
    let texts: Vec<String> = lists.iter().map(ToString::to_string).collect();
    let deleted = links::deleted(conn, EntityKind::List, &texts)?;
    found.deleted = deleted.iter().filter_map(|id| id.parse().ok()).collect();
    let mut there: HashMap<Id, StoktId> = HashMap::with_capacity(lists.len());
    for ids in keys(&Id::sorted(lists.iter().map(|id| id.0))) {
        let rows: Vec<(Id, Option<Id>, String)> = on_backend!(conn, |c| l::table
            .filter(l::stokt_id.eq_any(ids))
            .select((l::id, l::stokt_id, l::name))
            .load(c))?;
        for (id, stokt_id, name) in rows {
            let Some(stokt_id) = stokt_id.map(|id| StoktId(id.0)) else { continue };
            there.insert(id, stokt_id);
            let list = KnownList { id: ListId(id.0), name, base: None, items: Vec::new() };
            found.lists.insert(stokt_id, list);
        }
    }
    for texts in keys(&texts) {
        let rows: Vec<(String, Option<Value>)> = on_backend!(conn, |c| sync_links::table
            .filter(sync_links::entity.eq(EntityKind::List.as_str()))
            .filter(sync_links::stokt_id.eq_any(texts))
            .select((sync_links::stokt_id, sync_links::base))
            .load(c))?;
        for (stokt_id, base) in rows {
            let list = stokt_id.parse().ok().and_then(|id: StoktId| found.lists.get_mut(&id));
            list.into_iter().for_each(|list| list.base.clone_from(&base));
        }
    }
    let ours: Vec<Id> = Id::sorted(there.keys().map(|id| id.0));
    for ids in keys(&ours) {
        let rows: Vec<ShownItem> = on_backend!(conn, |c| i::table
            .inner_join(climbs::table.on(climbs::id.eq(i::climb_id)))
            .filter(i::list_id.eq_any(ids))
            .order((i::list_id.asc(), i::position.asc(), i::climb_id.asc()))
            .select((i::list_id, i::climb_id, climbs::stokt_id, i::notes, i::status))
            .load(c))?;
        for (list, climb, stokt_id, notes, status) in rows {
            let list = there.get(&list).and_then(|id| found.lists.get_mut(id));
            let item = KnownItem {
                climb: ClimbId(climb.0),
                stokt_id: stokt_id.map(|id| StoktId(id.0)),
                has_words: notes.is_some() || status != ListItemStatus::Todo.as_str(),
            };
            list.into_iter().for_each(|list| list.items.push(item.clone()));
        }
    }
    for ids in keys(&Id::sorted(climb_ids.iter().map(|id| id.0))) {
        let rows: Vec<(Option<Id>, Id)> = on_backend!(conn, |c| climbs::table
            .filter(climbs::stokt_id.eq_any(ids))
            .select((climbs::stokt_id, climbs::id))
            .load(c))?;
        let rows = rows.into_iter().filter_map(|(there, here)| Some((StoktId(there?.0), ClimbId(here.0))));
        found.climbs.extend(rows);
    }
    Ok(found)
}

/// What becomes of one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledList {
    /// Our id; a new one for a list that is not here yet.
    pub id: ListId,
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// Whether it is not here yet.
    pub is_new: bool,
    /// Its name, where it becomes another, or is new.
    pub name: Option<String>,
    /// Climbs that come behind those that it has, in this order.
    pub added: Vec<ClimbId>,
    /// Climbs that leave it.
    pub removed: Vec<ClimbId>,
    /// What Stokt has now.
    pub base: Value,
}

#[derive(Insertable)]
#[diesel(table_name = l, treat_none_as_default_value = false)]
struct ListRow<'a> {
    id: Id,
    stokt_id: Option<Id>,
    owner_id: Option<Id>,
    name: &'a str,
    list_type: &'a str,
    is_public: bool,
    source: &'a str,
    created_at: Time,
    updated_at: Time,
}

#[derive(Insertable)]
#[diesel(table_name = i, treat_none_as_default_value = false)]
struct ItemRow {
    list_id: Id,
    climb_id: Id,
    position: i32,
    status: &'static str,
    created_at: Time,
    updated_at: Time,
}

/// Writes what a pull brings of the personal lists of `account`: each is private and belongs to that account's setter,
/// where one is here.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over; or the database's failure.
pub fn write(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    account: StoktId,
    lists: &[PulledList],
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let owner: Option<Id> = on_backend!(conn, |c| users::table
        .filter(users::stokt_id.eq(Id(account.0)))
        .select(users::id)
        .first(c)
        .optional())?;
    let new: Vec<ListRow<'_>> = lists
        .iter()
        .filter(|list| list.is_new)
        .map(|list| ListRow {
            id: Id(list.id.0),
            stokt_id: Some(Id(list.stokt_id.0)),
            owner_id: owner,
            name: list.name.as_deref().unwrap_or_default(),
            list_type: ListType::Personal.as_str(),
            is_public: false,
            source: Source::Stokt.as_str(),
            created_at: now,
            updated_at: now,
        })
        .collect();
    for rows in chunks(&new, 9) {
        on_backend!(conn, |c| diesel::insert_into(l::table).values(rows).execute(c))?;
    }
    rename(conn, lists)?;
    items(conn, lists)?;
    save_links(conn, ctx, lists)?;
    tell(conn, lists, owner)
}

/// Gives lists that are here another name.
fn rename(conn: &mut WriteConn<'_>, lists: &[PulledList]) -> Result<(), StoreError> {
    let renamed: Vec<(&PulledList, &String)> = lists
        .iter()
        .filter(|list| !list.is_new)
        .filter_map(|list| Some((list, list.name.as_ref()?)))
        .collect();
    for renamed in chunks(&renamed, 2) {
        let mut sql = Fragment::new("UPDATE climb_lists SET name = v.column2 FROM (VALUES ");
        for (index, (list, name)) in renamed.iter().enumerate() {
            sql.sql(if index == 0 { "(" } else { ", (" }).id(list.id.0).sql(", ");
            sql.text(name.as_str()).sql(")");
        }
        sql.sql(") AS v WHERE climb_lists.id = v.column1").one_off();
        let statement = sql.selecting::<diesel::sql_types::Untyped>();
        on_backend!(conn, |c| statement.execute(c))?;
    }
    Ok(())
}

/// Takes climbs out and puts climbs in.
fn items(conn: &mut WriteConn<'_>, lists: &[PulledList]) -> Result<(), StoreError> {
    let removed: Vec<(Id, Id)> =
        lists.iter().flat_map(|list| list.removed.iter().map(|climb| (Id(list.id.0), Id(climb.0)))).collect();
    for removed in chunks(&removed, 2) {
        let mut sql = Fragment::new("DELETE FROM list_items WHERE (list_id, climb_id) IN (VALUES ");
        for (index, (list, climb)) in removed.iter().enumerate() {
            sql.sql(if index == 0 { "(" } else { ", (" }).id(list.0).sql(", ").id(climb.0).sql(")");
        }
        sql.sql(")").one_off();
        let statement = sql.selecting::<diesel::sql_types::Untyped>();
        on_backend!(conn, |c| statement.execute(c))?;
    }
    let filled: Vec<Id> = Id::sorted(lists.iter().filter(|one| !one.added.is_empty()).map(|one| one.id.0));
    let mut ends: HashMap<Id, (i64, i32)> = HashMap::new();
    for ids in keys(&filled) {
        let rows: Vec<(Id, i64, Option<i32>)> = on_backend!(conn, |c| i::table
            .filter(i::list_id.eq_any(ids))
            .group_by(i::list_id)
            .select((i::list_id, diesel::dsl::count_star(), diesel::dsl::max(i::position)))
            .load(c))?;
        let end = |last: Option<i32>| last.map_or(0, |last| last.saturating_add(1));
        ends.extend(rows.into_iter().map(|(id, count, last)| (id, (count, end(last)))));
    }
    let now = Time(conn.now());
    let mut rows: Vec<ItemRow> = Vec::new();
    for list in lists {
        let id = Id(list.id.0);
        let (count, first) = ends.get(&id).copied().unwrap_or_default();
        // A list holds no more than it does for people.
        let room = usize::try_from(MOST_ITEMS - count).unwrap_or(0);
        rows.extend(list.added.iter().take(room).zip(0_i32..).map(|(climb, place)| ItemRow {
            list_id: id,
            climb_id: Id(climb.0),
            position: first.saturating_add(place).min(LAST_POSITION),
            status: ListItemStatus::Todo.as_str(),
            created_at: now,
            updated_at: now,
        }));
    }
    for rows in chunks(&rows, 6) {
        on_backend!(conn, |c| diesel::insert_into(i::table)
            .values(rows)
            .on_conflict((i::list_id, i::climb_id))
            .do_nothing()
            .execute(c))?;
    }
    Ok(())
}

/// Notes what Stokt has now.
fn save_links(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    lists: &[PulledList],
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let texts: Vec<(String, String, String)> = lists
        .iter()
        .map(|list| (list.id.to_string(), list.stokt_id.to_string(), json_hash(&list.base)))
        .collect();
    let rows: Vec<LinkRow<'_>> = lists
        .iter()
        .zip(&texts)
        .map(|(list, (local_id, stokt_id, hash))| LinkRow {
            entity: EntityKind::List.as_str(),
            local_id: local_id.clone(),
            stokt_id,
            base: Some(list.base.clone()),
            base_hash: Some(hash),
            observed_hash: hash,
            extra: json!({}),
            first_seen_run: run_id(ctx.run),
            last_seen_run: run_id(ctx.run),
            updated_at: now,
        })
        .collect();
    links::save(conn, &rows, false)?;
    let new = lists.iter().zip(&texts).filter(|(list, _)| list.is_new);
    let pairs: Vec<(&str, &str)> = new.map(|(_, (here, there, _))| (here.as_str(), there.as_str())).collect();
    links::record_mappings(conn, EntityKind::List, &pairs, Direction::StoktToMastoc)
}

/// Tells whoever follows; a list whose link alone was written says what it said.
fn tell(conn: &mut WriteConn<'_>, lists: &[PulledList], owner: Option<Id>) -> Result<(), StoreError> {
    for list in lists.iter().filter(|list| list.is_new) {
        conn.note(PendingChange {
            entity: Changed::List,
            id: list.id.to_string(),
            kind: ChangeKind::Created,
            is_public: false,
            owner: owner.map(|owner| UserId(owner.0)),
        });
    }
    let changes =
        |list: &&PulledList| list.name.is_some() || !list.added.is_empty() || !list.removed.is_empty();
    let changed = Id::sorted(lists.iter().filter(|list| !list.is_new).filter(changes).map(|list| list.id.0));
    let now = Time(conn.now());
    for ids in keys(&changed) {
        on_backend!(conn, |c| diesel::update(l::table.filter(l::id.eq_any(ids)))
            .set(l::updated_at.eq(now))
            .execute(c))?;
    }
    shown_differently(conn, &changed)
}
