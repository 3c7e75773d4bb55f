//! Reading setters: the people whose climbs the reader may see.

use diesel::RunQueryDsl as _;
use diesel::deserialize::Queryable;
use diesel::sql_types::{BigInt, Nullable, Text};
use mastoc_domain::board::Setter;
use mastoc_domain::{GymId, StoktId, UserId};

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::sql::keys;
use crate::types::{DbUuid, Id};
use crate::visibility::Viewer;

type SetterColumns = (DbUuid, Nullable<DbUuid>, Text, Nullable<Text>, BigInt);

#[derive(Queryable)]
struct SetterRow {
    id: Id,
    stokt_id: Option<Id>,
    full_name: String,
    avatar_path: Option<String>,
    climbs_count: i64,
}

impl From<SetterRow> for Setter {
    fn from(row: SetterRow) -> Self {
        Self {
            id: UserId(row.id.0),
            stokt_id: row.stokt_id.map(|id| StoktId(id.0)),
            full_name: row.full_name,
            avatar_path: row.avatar_path,
            climbs_count: row.climbs_count,
        }
    }
}

/// Adds a table of setters' ids (`setter_id`) and how many climbs of theirs are seen (`climbs`), without those who
/// have none.
fn counted(sql: &mut Fragment, viewer: Viewer, gym: Option<GymId>) {
    sql.sql("(SELECT c.setter_id, count(*) AS climbs FROM climbs c WHERE c.setter_id IS NOT NULL AND ");
    viewer.sees(sql, "c");
    if let Some(gym) = gym {
        sql.sql(" AND c.face_id IN (SELECT id FROM faces WHERE gym_id = ").id(gym.0).sql(")");
    }
    sql.sql(" GROUP BY c.setter_id)");
}

/// People with at least one climb that `viewer` may see, in `gym` or anywhere: who set most comes first, then by
/// folded name and id. At most `limit` after leaving out `offset`.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    gym: Option<GymId>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Setter>, StoreError> {
    let mut sql = Fragment::new("SELECT u.id, u.stokt_id, u.full_name, u.avatar_path, n.climbs FROM ");
    counted(&mut sql, viewer, gym);
    sql.sql(" n JOIN users u ON u.id = n.setter_id ORDER BY n.climbs DESC, u.full_name_folded, u.id LIMIT ");
    sql.big(limit.max(0)).sql(" OFFSET ").big(offset.max(0));
    load(conn, sql)
}

/// How many people [`list`] lists.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, viewer: Viewer, gym: Option<GymId>) -> Result<i64, StoreError> {
    let mut sql = Fragment::new("SELECT count(*) FROM ");
    counted(&mut sql, viewer, gym);
    sql.sql(" n");
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// The first setters of a gym and how many there are, in one statement.
pub(crate) fn of_gym(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    gym: GymId,
    limit: i64,
) -> Result<(Vec<Setter>, i64), StoreError> {
    let mut sql = Fragment::new(
        "SELECT u.id, u.stokt_id, u.full_name, u.avatar_path, n.climbs, count(*) OVER () FROM ",
    );
    counted(&mut sql, viewer, Some(gym));
    sql.sql(" n JOIN users u ON u.id = n.setter_id ORDER BY n.climbs DESC, u.full_name_folded, u.id LIMIT ");
    sql.big(limit.max(1));
    let statement = sql.selecting::<(SetterColumns, BigInt)>();
    let rows: Vec<(SetterRow, i64)> = on_backend!(conn, |c| statement.load(c))?;
    let count = rows.first().map_or(0, |(_, count)| *count);
    let wanted = usize::try_from(limit).unwrap_or(0);
    Ok((rows.into_iter().take(wanted).map(|(row, _)| Setter::from(row)).collect(), count))
}

/// Those of the people that exist, whether they set climbs or not, in the order of their ids.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut ReadConn<'_>, viewer: Viewer, ids: &[UserId]) -> Result<Vec<Setter>, StoreError> {
    let mut theirs = Fragment::default();
    theirs.sql("c.setter_id = u.id");
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&Id::sorted(ids.iter().map(|id| id.0))) {
        let mut sql = Fragment::new("SELECT u.id, u.stokt_id, u.full_name, u.avatar_path, ");
        viewer.count_seen(&mut sql, "c", &theirs);
        sql.sql(" FROM users u WHERE u.id IN ").list(ids, |sql, id| {
            sql.id(id.0);
        });
        sql.sql(" ORDER BY u.id").one_off();
        found.extend(load(conn, sql)?);
    }
    Ok(found)
}

/// One person, whether they set climbs or not.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, viewer: Viewer, id: UserId) -> Result<Option<Setter>, StoreError> {
    Ok(by_ids(conn, viewer, &[id])?.pop())
}

fn load(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<Setter>, StoreError> {
    let statement = sql.selecting::<SetterColumns>();
    let rows: Vec<SetterRow> = on_backend!(conn, |c| statement.load(c))?;
    Ok(rows.into_iter().map(Setter::from).collect())
}
