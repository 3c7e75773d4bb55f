//! What Stokt counts of a climb, as it was asked about that climb alone.

use diesel::prelude::*;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::{ClimbId, StoktId, UserId};

use crate::changes::PendingChange;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::climbs as t;
use crate::sql::{chunks, keys};
use crate::types::{Id, Time};

/// A number of Stokt's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It is this.
    Exactly(i32),
    /// It is this or more: Stokt did not show all.
    AtLeast(i32),
}

impl Counted {
    /// The number, where `known` was known before.
    #[must_use]
    pub fn beside(self, known: i32) -> i32 {
        match self {
            Self::Exactly(count) => count,
            Self::AtLeast(count) => count.max(known),
        }
    }
}

/// The counters of a climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The climb.
    pub climb: ClimbId,
    /// Its id at Stokt, under which it was asked about; a climb that is linked otherwise by now is left alone.
    pub stokt_id: StoktId,
    /// How many people climbed it.
    pub climbed_by: Counted,
    /// How many like it.
    pub total_likes: Counted,
    /// How many comments it has.
    pub total_comments: Counted,
}

/// The counters of a climb as they are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refreshed {
    /// The climb.
    pub climb: ClimbId,
    /// How many people climbed it.
    pub climbed_by: i32,
    /// How many like it.
    pub total_likes: i32,
    /// How many comments it has.
    pub total_comments: i32,
    /// Whether any of them was another before.
    pub is_changed: bool,
}

type Row = (Id, Option<Id>, (i32, i32, i32), bool, Option<Id>);

/// Takes over what Stokt counts now; followers hear of what changed. Two statements.
///
/// # Errors
/// When the database fails.
pub fn refresh(conn: &mut WriteConn<'_>, asked: &[Asked]) -> Result<Vec<Refreshed>, StoreError> {
    let ids = Id::sorted(asked.iter().map(|one| one.climb.0));
    let mut rows: Vec<Row> = Vec::with_capacity(ids.len());
    for ids in keys(&ids) {
        let found: Vec<Row> = on_backend!(conn, |c| t::table
            .filter(t::id.eq_any(ids))
            .select((
                t::id,
                t::stokt_id,
                (t::climbed_by, t::total_likes, t::total_comments),
                t::is_private,
                t::setter_id,
            ))
            .load(c))?;
        rows.extend(found);
    }
    let mut all = Vec::with_capacity(rows.len());
    for (id, stokt_id, known, is_private, setter) in rows {
        let one = asked.iter().find(|one| one.climb.0 == id.0);
        let Some(one) = one.filter(|one| stokt_id.is_some_and(|id| id.0 == one.stokt_id.0)) else { continue };
        let counts = (
            one.climbed_by.beside(known.0),
            one.total_likes.beside(known.1),
            one.total_comments.beside(known.2),
        );
        let (climbed_by, total_likes, total_comments) = counts;
        let is_changed = counts != known;
        if is_changed {
            conn.note(PendingChange {
                entity: Changed::Climb,
                id: one.climb.to_string(),
                kind: ChangeKind::Updated,
                is_public: !is_private,
                owner: setter.map(|setter| UserId(setter.0)),
            });
        }
        all.push(Refreshed { climb: one.climb, climbed_by, total_likes, total_comments, is_changed });
    }
    let now = Time(conn.now());
    let changed: Vec<&Refreshed> = all.iter().filter(|one| one.is_changed).collect();
    for changed in chunks(&changed, 4) {
        let mut sql = Fragment::new(
            "UPDATE climbs SET climbed_by = v.column2, total_likes = v.column3, total_comments = v.column4, updated_at = ",
        );
        sql.time(now.0).sql(" FROM (VALUES ");
        for (index, one) in changed.iter().enumerate() {
            sql.sql(if index == 0 { "(" } else { ", (" }).id(one.climb.0).sql(", ").int(one.climbed_by);
            sql.sql(", ").int(one.total_likes).sql(", ").int(one.total_comments).sql(")");
        }
        sql.sql(") AS v WHERE climbs.id = v.column1").one_off();
        let statement = sql.selecting::<diesel::sql_types::Untyped>();
        on_backend!(conn, |c| statement.execute(c))?;
    }
    all.sort_unstable_by_key(|one| one.climb);
    Ok(all)
}
