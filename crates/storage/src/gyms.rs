//! Reading gyms, and what can be said of a gym at a glance.

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use mastoc_domain::board::{Climb, Gym, Setter};
use mastoc_domain::grade::FontGrade;
use mastoc_domain::sync_state::Source;
use mastoc_domain::{GymId, StoktId, UserId};

use crate::climbs::{self, ClimbFilter, ClimbSort, Word};
use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::gyms;
use crate::setters;
use crate::sql::keys;
use crate::types::{Id, Time};
use crate::visibility::Viewer;

#[derive(Queryable, Selectable)]
#[diesel(table_name = gyms)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct GymRow {
    id: Id,
    stokt_id: Option<Id>,
    display_name: String,
    location: Option<String>,
    description: Option<String>,
    owner_id: Option<Id>,
    source: Word<Source>,
    created_at: Time,
    updated_at: Time,
}

impl From<GymRow> for Gym {
    fn from(row: GymRow) -> Self {
        Self {
            id: GymId(row.id.0),
            stokt_id: row.stokt_id.map(|id| StoktId(id.0)),
            display_name: row.display_name,
            location: row.location,
            description: row.description,
            owner_id: row.owner_id.map(|id| UserId(id.0)),
            source: row.source.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

/// Every gym, by name byte by byte, then id.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut ReadConn<'_>) -> Result<Vec<Gym>, StoreError> {
    let rows: Vec<GymRow> = on_backend!(conn, |c| gyms::table
        .select(GymRow::as_select())
        .order((gyms::display_name.asc(), gyms::id.asc()))
        .load(c))?;
    Ok(rows.into_iter().map(Gym::from).collect())
}

/// One gym.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, id: GymId) -> Result<Option<Gym>, StoreError> {
    let row: Option<GymRow> =
        on_backend!(conn, |c| gyms::table.find(Id(id.0)).select(GymRow::as_select()).first(c).optional())?;
    Ok(row.map(Gym::from))
}

/// One gym by Stokt's id.
///
/// # Errors
/// When the database fails.
pub fn by_stokt_id(conn: &mut ReadConn<'_>, id: StoktId) -> Result<Option<Gym>, StoreError> {
    let row: Option<GymRow> = on_backend!(conn, |c| gyms::table
        .filter(gyms::stokt_id.eq(Id(id.0)))
        .select(GymRow::as_select())
        .first(c)
        .optional())?;
    Ok(row.map(Gym::from))
}

/// Those of the gyms that exist, in the order of their ids.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut ReadConn<'_>, ids: &[GymId]) -> Result<Vec<Gym>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&Id::sorted(ids.iter().map(|id| id.0))) {
        let rows: Vec<GymRow> = on_backend!(conn, |c| gyms::table
            .filter(gyms::id.eq_any(ids))
            .select(GymRow::as_select())
            .order(gyms::id.asc())
            .load(c))?;
        found.extend(rows.into_iter().map(Gym::from));
    }
    Ok(found)
}

/// How many climbs have one grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GradeCount {
    /// The Font grade; `?` stands for every ungraded climb.
    pub grade: FontGrade,
    /// How many climbs have it.
    pub climbs: i64,
}

/// A gym at a glance; only what the reader may see is counted and shown.
#[derive(Debug, Clone, PartialEq)]
pub struct GymSummary {
    /// The gym.
    pub gym: Gym,
    /// How many walls it has.
    pub walls: i64,
    /// How many faces, in use or not.
    pub faces: i64,
    /// How many holds the faces show in their current versions.
    pub holds: i64,
    /// How many climbs there are.
    pub climbs: i64,
    /// How many people set them.
    pub setters_count: i64,
    /// How many climbs have each grade, in the order of difficulty; grades without climbs are left out.
    pub grades: Vec<GradeCount>,
    /// The newest climbs.
    pub newest: Vec<Climb>,
    /// Who set most climbs.
    pub setters: Vec<Setter>,
}

/// A gym at a glance, with at most `newest` climbs and `most_active` setters; `None` when there is no such gym.
/// For figures that agree with each other, call it in a [`Store::snapshot`](crate::Store::snapshot).
///
/// # Errors
/// When the database fails.
pub fn summary(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    id: GymId,
    newest: i64,
    most_active: i64,
) -> Result<Option<GymSummary>, StoreError> {
    let Some(gym) = by_id(conn, id)? else { return Ok(None) };
    let filter = ClimbFilter { gym_id: Some(id), ..ClimbFilter::default() };
    let (walls, faces, holds) = furniture(conn, id)?;
    let grades = grades(conn, viewer, &filter)?;
    let (most, setters_count) = setters::of_gym(conn, viewer, id, most_active)?;
    Ok(Some(GymSummary {
        gym,
        walls,
        faces,
        holds,
        climbs: grades.iter().map(|grade| grade.climbs).sum(),
        setters_count,
        grades,
        newest: climbs::page(conn, viewer, &filter, ClimbSort::Newest, 0, newest)?,
        setters: most,
    }))
}

fn furniture(conn: &mut ReadConn<'_>, id: GymId) -> Result<(i64, i64, i64), StoreError> {
    let mut sql = Fragment::new("SELECT (SELECT count(*) FROM walls WHERE gym_id = ");
    sql.id(id.0).sql("), (SELECT count(*) FROM faces WHERE gym_id = ").id(id.0);
    sql.sql(
        "), (SELECT count(*) FROM faces f JOIN hold_shapes s ON s.face_id = f.id AND s.version = f.current_version \
         WHERE f.gym_id = ",
    );
    sql.id(id.0).sql(")");
    let statement = sql.selecting::<(BigInt, BigInt, BigInt)>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

fn grades(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    filter: &ClimbFilter,
) -> Result<Vec<GradeCount>, StoreError> {
    let mut sql = Fragment::new("SELECT c.grade_rank, count(*) FROM climbs c WHERE ");
    filter.place(&mut sql, "c");
    sql.sql(" AND ");
    viewer.sees(&mut sql, "c");
    sql.sql(" GROUP BY c.grade_rank ORDER BY c.grade_rank");
    let statement = sql.selecting::<(Integer, BigInt)>();
    let rows: Vec<(i32, i64)> = on_backend!(conn, |c| statement.load(c))?;
    rows.into_iter()
        .map(|(rank, climbs)| {
            let grade = FontGrade::from_rank(rank)
                .ok_or_else(|| StoreError::Internal(format!("unknown grade rank {rank} in the database")))?;
            Ok(GradeCount { grade, climbs })
        })
        .collect()
}
