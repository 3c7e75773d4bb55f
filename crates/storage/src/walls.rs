//! Reading walls.

use diesel::prelude::*;
use mastoc_domain::board::{FeetRuleOption, Wall};
use mastoc_domain::{GymId, StoktId, WallId};
use serde_json::Value;

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::schema::walls;
use crate::sql::keys;
use crate::types::Id;

#[derive(Queryable, Selectable)]
#[diesel(table_name = walls)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct WallRow {
    id: Id,
    stokt_id: Option<Id>,
    gym_id: Id,
    name: String,
    is_angle_adjustable: bool,
    is_active: bool,
    feet_rules: Value,
}

impl TryFrom<WallRow> for Wall {
    type Error = StoreError;

    fn try_from(row: WallRow) -> Result<Self, StoreError> {
        let feet_rules: Vec<FeetRuleOption> = serde_json::from_value(row.feet_rules)
            .map_err(|error| StoreError::Internal(format!("feet rules of wall {}: {error}", row.id.0)))?;
        Ok(Self {
            id: WallId(row.id.0),
            stokt_id: row.stokt_id.map(|id| StoktId(id.0)),
            gym_id: GymId(row.gym_id.0),
            name: row.name,
            is_angle_adjustable: row.is_angle_adjustable,
            is_active: row.is_active,
            feet_rules,
        })
    }
}

/// The walls of a gym, or of all gyms, by name byte by byte, then id.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut ReadConn<'_>, gym: Option<GymId>) -> Result<Vec<Wall>, StoreError> {
    let rows: Vec<WallRow> = on_backend!(conn, |c| {
        let mut query = walls::table
            .select(WallRow::as_select())
            .order((walls::name.asc(), walls::id.asc()))
            .into_boxed();
        if let Some(gym) = gym {
            query = query.filter(walls::gym_id.eq(Id(gym.0)));
        }
        query.load(c)
    })?;
    rows.into_iter().map(Wall::try_from).collect()
}

/// One wall.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, id: WallId) -> Result<Option<Wall>, StoreError> {
    Ok(by_ids(conn, &[id])?.pop())
}

/// Those of the walls that exist, in the order of their ids.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut ReadConn<'_>, ids: &[WallId]) -> Result<Vec<Wall>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&Id::sorted(ids.iter().map(|id| id.0))) {
        let rows: Vec<WallRow> = on_backend!(conn, |c| walls::table
            .filter(walls::id.eq_any(ids))
            .select(WallRow::as_select())
            .order(walls::id.asc())
            .load(c))?;
        for row in rows {
            found.push(Wall::try_from(row)?);
        }
    }
    Ok(found)
}
