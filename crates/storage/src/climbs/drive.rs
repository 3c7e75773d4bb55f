//! Chooses the one condition by which the databases reach the climbs of a page.
//!
//! A page is found quickly in two ways: walk an index in the wanted order and skip what does not pass, which is right
//! when many climbs pass; or gather the few that one condition selects and order those. SQLite cannot tell which is
//! right and often gathers half of a million climbs. So the choice is made here, where necessary after counting, never
//! further than [`FEW`], and SQLite is kept from any other index. PostgreSQL chooses by its statistics, except that it
//! too is told to merge the faces of a gym, whose climbs may all be older than everybody else's.

use diesel::RunQueryDsl as _;
use diesel::sql_types::BigInt;

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;

use super::cursor::ClimbSort;
use super::filter::ClimbFilter;

/// So many climbs are gathered and put in order rather than looked for along an index of the order.
pub(super) const FEW: i64 = 5_000;
/// So many climbs at most are looked at when the newest of several faces or setters are merged.
const MERGED: i64 = 6_000;
/// So many climbs at most are looked for by name before their order; finding out costs reading the names of others.
const FEW_NAMES: i64 = 1_000;

/// The way to the climbs of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drive {
    /// By the holds that the climbs use.
    Holds,
    /// By their face, in the order of time if that is wanted.
    Face,
    /// By their setters; with one setter, in the order of time if that is wanted.
    Setters,
    /// Along an index of the order, which is one of time; that of climbs with a rare mark if one is asked for.
    Time,
    /// Along the index of the order, which is one of grades.
    GradeOrder,
    /// Along the index of the order, which is another one.
    Order,
    /// The newest (or oldest) of each face of the gym, merged.
    GymFaces,
    /// The newest (or oldest) of each setter, merged.
    EachSetter,
    /// By the faces of the gym.
    Gym,
    /// By their grades.
    Grades,
    /// By their names, read in the index of names.
    Names,
    /// By the time they were set.
    Created,
    /// By the time they were synchronised.
    Synced,
    /// By the rare marks that have indexes of their own: benchmark, tagged, born here, unknown at Stokt.
    Marks,
    /// By what a person has to do with them.
    Mine,
}

impl Drive {
    /// Whether a condition of the kind `other` may be reached by an index.
    pub(crate) fn goes_by(self, other: Self) -> bool {
        match (self, other) {
            (Self::GymFaces, Self::Face) | (Self::EachSetter, Self::Setters) => true,
            (Self::Time, Self::Marks) | (Self::GradeOrder, Self::Grades) => true,
            // Their indexes go on by time.
            (Self::Time | Self::Face | Self::Setters | Self::GymFaces | Self::EachSetter, Self::Created) => {
                true
            }
            _ => self == other,
        }
    }

    /// Whether the climbs come out of an index in the order of `sort`.
    pub(crate) fn follows(self, sort: ClimbSort, filter: &ClimbFilter) -> bool {
        match self {
            Self::Time | Self::GradeOrder | Self::Order => true,
            Self::Face => sort.is_by_time(),
            Self::Setters => sort.is_by_time() && filter.setter_ids.len() == 1,
            _ => false,
        }
    }

    /// Chooses for a page that ends `reach` climbs behind where it starts to look. Runs one statement at most, or
    /// two where a person's own dealings with climbs are asked for.
    pub(crate) fn choose(
        conn: &mut ReadConn<'_>,
        filter: &ClimbFilter,
        sort: ClimbSort,
        reach: i64,
    ) -> Result<Self, StoreError> {
        if filter.has_few_mine(conn)? {
            return Ok(Self::Mine);
        }
        if !filter.holds.is_empty() || !filter.any_holds.is_empty() {
            return Ok(Self::Holds);
        }
        if filter.face_id.is_some() {
            return Ok(Self::Face);
        }
        if sort.is_by_time() {
            match filter.setter_ids.len() {
                0 => {}
                1 => return Ok(Self::Setters),
                setters if merges(setters, reach) => return Ok(Self::EachSetter),
                _ => {}
            }
        }
        Self::count_and_choose(conn, filter, sort, reach)
    }

    fn count_and_choose(
        conn: &mut ReadConn<'_>,
        filter: &ClimbFilter,
        sort: ClimbSort,
        reach: i64,
    ) -> Result<Self, StoreError> {
        let mut ways: Vec<(Self, i64, Fragment)> = Vec::new();
        let mut way = |drive: Self, from: &str, condition: &dyn Fn(&mut Fragment)| {
            let mut sql = Fragment::new("(SELECT count(*) FROM (SELECT 1 AS one FROM ");
            sql.sql(from).sql(" WHERE ");
            condition(&mut sql);
            let few = if drive == Self::Names { FEW_NAMES } else { FEW };
            sql.sql(" LIMIT ").big(few + 1).sql(") AS few)");
            ways.push((drive, few, sql));
        };
        if let Some(gym) = filter.gym_id {
            if sort.is_by_time() {
                way(Self::GymFaces, "faces", &|sql| {
                    sql.sql("gym_id = ").id(gym.0);
                });
            }
            way(Self::Gym, "climbs c", &|sql| filter.place(sql, "c"));
        }
        if !filter.setter_ids.is_empty() {
            way(Self::Setters, "climbs c", &|sql| {
                sql.sql("c.setter_id IN ").list(&filter.setter_ids, |sql, setter| {
                    sql.id(setter.0);
                });
            });
        }
        if filter.limits_grades() && !filter.include_ungraded {
            way(Self::Grades, "climbs c", &|sql| filter.grades(sql, "c", true, true));
        }
        if let Some(pattern) = filter.name_pattern() {
            way(Self::Names, "climbs c", &|sql| {
                sql.sql("c.name_folded LIKE ").text(pattern.as_str()).sql(" ESCAPE '\\'");
            });
        }
        if let Some(since) = filter.since_created_at.filter(|_| !sort.is_by_time()) {
            way(Self::Created, "climbs c", &|sql| {
                sql.sql("c.created_at >= ").time(since);
            });
        }
        if filter.has_marks() && !sort.is_by_time() {
            way(Self::Marks, "climbs c", &|sql| {
                sql.sql("TRUE");
                filter.and_marks(sql, "c", true);
            });
        }
        if let Some(since) = filter.since_synced_at {
            way(Self::Synced, "climbs c", &|sql| {
                sql.sql("c.synced_at >= ").time(since);
            });
        }
        let along = match sort {
            ClimbSort::Newest | ClimbSort::Oldest => Self::Time,
            ClimbSort::Grade | ClimbSort::GradeDesc => Self::GradeOrder,
            _ => Self::Order,
        };
        if ways.is_empty() {
            return Ok(along);
        }
        let mut sql = Fragment::default();
        for (index, (_, _, count)) in ways.iter().enumerate() {
            sql.sql(if index > 0 { " UNION ALL SELECT " } else { "SELECT " });
            sql.big(i64::try_from(index).unwrap_or_default()).sql(", ").append(count);
        }
        if !filter.is_plain() {
            sql.one_off();
        }
        let statement = sql.selecting::<(BigInt, BigInt)>();
        let counts: Vec<(i64, i64)> = on_backend!(conn, |c| statement.load(c))?;
        let counted = |index: usize| {
            let index = i64::try_from(index).unwrap_or(-1);
            counts.iter().find(|(number, _)| *number == index).map_or(FEW + 1, |(_, count)| *count)
        };
        let mut best = (along, FEW + 1);
        for (index, (drive, few, _)) in ways.iter().enumerate() {
            let count = counted(index);
            if *drive == Self::GymFaces {
                if usize::try_from(count).is_ok_and(|faces| merges(faces, reach)) {
                    return Ok(Self::GymFaces);
                }
            } else if count <= *few && count < best.1 {
                best = (*drive, count);
            }
        }
        Ok(best.0)
    }
}

fn merges(branches: usize, reach: i64) -> bool {
    i64::try_from(branches).is_ok_and(|branches| branches.saturating_mul(reach) <= MERGED)
}
