//! Logbooks: who climbed what and when. Whoever sees a climb sees its ascents; whose ascent it is sees it in any case,
//! but nothing of a climb that is hidden from them by now. Notes are their writer's own.

use diesel::deserialize::Queryable;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text};
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::grade::FontGrade;
use mastoc_domain::{AscentId, ClimbId, FaceId, GymId, Timestamp, UserId};

use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::ascents;
use crate::social::subject;
use crate::sql::keys;
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;

/// One ascent, as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ascent {
    /// Its id.
    pub id: AscentId,
    /// What was climbed.
    pub climb_id: ClimbId,
    /// The climb's name; `None` when the reader may not see the climb.
    pub climb_name: Option<String>,
    /// The climb's Font grade; `None` when it has none, or the reader may not see the climb.
    pub grade_font: Option<String>,
    /// Who climbed.
    pub user_id: UserId,
    /// The climber's name.
    pub user_name: String,
    /// What is told of it.
    pub facts: AscentFacts,
    /// When it was entered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a climber tells of an ascent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AscentFacts {
    /// When it was.
    pub climbed_at: Timestamp,
    /// How many attempts it took, at least 1.
    pub attempts: i32,
    /// Whether the first attempt was the first ever; then it took one.
    pub is_flash: bool,
    /// Softer (-1), as graded (0) or harder (1).
    pub grade_feel: Option<i16>,
    /// 1 to 5.
    pub rating: Option<i16>,
    /// Free text; for the climber's own eyes.
    pub notes: Option<String>,
}

/// Which ascents are wanted: those that pass every field that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AscentFilter {
    /// Of this climber.
    pub user_id: Option<UserId>,
    /// Of this climb.
    pub climb_id: Option<ClimbId>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// Of climbs that the reader sees on this face.
    pub face_id: Option<FaceId>,
    /// Of climbs that the reader sees in this gym.
    pub gym_id: Option<GymId>,
}

/// How often something was climbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Ascents.
    pub ascents: i64,
    /// Different climbs.
    pub climbs: i64,
    /// Ascents at the first attempt ever.
    pub flashes: i64,
}

/// A logbook in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logbook {
    /// All of it.
    pub total: Tally,
    /// By the climbs' grades as they are now, the easiest first; `None`, before all, for climbs that are hidden from
    /// the climber by now.
    pub by_grade: Vec<(Option<FontGrade>, Tally)>,
    /// By month in UTC (`2026-11`), the latest first.
    pub by_month: Vec<(String, Tally)>,
}

type Columns = (
    (DbUuid, DbUuid, Nullable<Text>, Nullable<Text>, DbUuid, Text),
    (DbTime, Integer, Bool, Nullable<SmallInt>, Nullable<SmallInt>, Nullable<Text>),
    (DbTime, DbTime),
);

#[derive(Queryable)]
struct Row {
    about: (Id, Id, Option<String>, Option<String>, Id, String),
    facts: (Time, i32, bool, Option<i16>, Option<i16>, Option<String>),
    times: (Time, Time),
}

impl From<Row> for Ascent {
    fn from(row: Row) -> Self {
        let (id, climb_id, climb_name, grade_font, user_id, user_name) = row.about;
        let (climbed_at, attempts, is_flash, grade_feel, rating, notes) = row.facts;
        Self {
            id: AscentId(id.0),
            climb_id: ClimbId(climb_id.0),
            climb_name,
            grade_font,
            user_id: UserId(user_id.0),
            user_name,
            facts: AscentFacts { climbed_at: climbed_at.0, attempts, is_flash, grade_feel, rating, notes },
            created_at: row.times.0.0,
            updated_at: row.times.1.0,
        }
    }
}

/// The tables behind ascents: the ascent `a`, its climb `c` and its climber `u`.
const TABLES: &str =
    " FROM ascents a JOIN climbs c ON c.id = a.climb_id JOIN users u ON u.id = a.user_id WHERE ";

/// Adds `SELECT` to `WHERE`.
fn select(sql: &mut Fragment, viewer: Viewer) {
    sql.sql("SELECT a.id, a.climb_id, ");
    for column in ["c.name", "c.grade_font"] {
        sql.sql("CASE WHEN ");
        viewer.sees(sql, "c");
        sql.sql(" THEN ").sql(column).sql(" END, ");
    }
    sql.sql("a.user_id, u.full_name, a.climbed_at, a.attempts, a.is_flash, a.grade_feel, a.rating, ");
    match viewer {
        Viewer::Person(person) => sql.sql("CASE WHEN a.user_id = ").id(person.0).sql(" THEN a.notes END"),
        Viewer::Public | Viewer::Service => sql.sql("CAST(NULL AS TEXT)"),
    };
    sql.sql(", a.created_at, a.updated_at").sql(TABLES);
}

/// Adds the condition under which the ascent `a` of the climb `c` is seen.
fn sees(viewer: Viewer, sql: &mut Fragment) {
    sql.sql("(");
    viewer.sees(sql, "c");
    if let Viewer::Person(person) = viewer {
        sql.sql(" OR ").unindexed().sql("a.user_id = ").id(person.0);
    }
    sql.sql(")");
}

impl AscentFilter {
    fn conditions(&self, sql: &mut Fragment, viewer: Viewer) {
        sees(viewer, sql);
        if let Some(user) = self.user_id {
            sql.sql(" AND a.user_id = ").id(user.0);
        }
        if let Some(climb) = self.climb_id {
            sql.sql(" AND a.climb_id = ").id(climb.0);
        }
        if let Some(from) = self.from {
            sql.sql(" AND a.climbed_at >= ").time(from);
        }
        if let Some(to) = self.to {
            sql.sql(" AND a.climbed_at < ").time(to);
        }
        if self.face_id.is_some() || self.gym_id.is_some() {
            sql.sql(" AND ");
            viewer.sees(sql, "c");
        }
        if let Some(face) = self.face_id {
            sql.sql(" AND ").unindexed().sql("c.face_id = ").id(face.0);
        }
        if let Some(gym) = self.gym_id {
            sql.sql(" AND ").unindexed().sql("c.face_id IN (SELECT id FROM faces WHERE gym_id = ");
            sql.id(gym.0).sql(")");
        }
    }
}

fn load(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<Ascent>, StoreError> {
    let statement = sql.selecting::<Columns>();
    let rows: Vec<Row> = on_backend!(conn, |c| statement.load(c))?;
    Ok(rows.into_iter().map(Ascent::from).collect())
}

/// One ascent; `None` when there is none that `viewer` may see.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, viewer: Viewer, id: AscentId) -> Result<Option<Ascent>, StoreError> {
    Ok(by_ids(conn, viewer, &[id])?.pop())
}

/// Those of the ascents that exist and that `viewer` may see, in the order of their ids. One statement.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut ReadConn<'_>, viewer: Viewer, ids: &[AscentId]) -> Result<Vec<Ascent>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(&Id::sorted(ids.iter().map(|id| id.0))) {
        let mut sql = Fragment::default();
        select(&mut sql, viewer);
        sql.sql("a.id IN ").list(ids, |sql, id| {
            sql.id(id.0);
        });
        sql.sql(" AND ");
        sees(viewer, &mut sql);
        sql.sql(" ORDER BY a.id").one_off();
        found.extend(load(conn, sql)?);
    }
    Ok(found)
}

/// The ascents that pass `filter`, the latest first: at most `limit` after leaving out `offset`.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    filter: &AscentFilter,
    offset: i64,
    limit: i64,
) -> Result<Vec<Ascent>, StoreError> {
    let mut sql = Fragment::default();
    select(&mut sql, viewer);
    filter.conditions(&mut sql, viewer);
    sql.sql(" ORDER BY a.climbed_at DESC, a.id DESC LIMIT ").big(limit.max(0));
    sql.sql(" OFFSET ").big(offset.max(0));
    load(conn, sql)
}

/// How many ascents pass `filter`.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, viewer: Viewer, filter: &AscentFilter) -> Result<i64, StoreError> {
    let mut sql = Fragment::new("SELECT count(*)");
    sql.sql(TABLES);
    filter.conditions(&mut sql, viewer);
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// Enters an ascent into a person's logbook.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no climb that they may see; or when the database fails.
pub fn create(
    conn: &mut WriteConn<'_>,
    person: UserId,
    climb: ClimbId,
    facts: &AscentFacts,
) -> Result<AscentId, StoreError> {
    let subject = subject(conn, Viewer::Person(person), climb)?;
    let id = AscentId::generate();
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::insert_into(ascents::table)
        .values((
            ascents::id.eq(Id(id.0)),
            ascents::user_id.eq(Id(person.0)),
            ascents::climb_id.eq(Id(climb.0)),
            ascents::climbed_at.eq(Time(facts.climbed_at)),
            ascents::attempts.eq(facts.attempts),
            ascents::is_flash.eq(facts.is_flash),
            ascents::grade_feel.eq(facts.grade_feel),
            ascents::rating.eq(facts.rating),
            ascents::notes.eq(&facts.notes),
            ascents::created_at.eq(now),
            ascents::updated_at.eq(now),
        ))
        .execute(c))?;
    subject.tell(conn, Changed::Ascent, id, ChangeKind::Created, person);
    subject.tell_counts(conn, person);
    Ok(id)
}

/// Changes what is told of an ascent that is there.
///
/// # Errors
/// [`StoreError::NotFound`] when it is gone meanwhile; or when the database fails.
pub fn update(conn: &mut WriteConn<'_>, ascent: &Ascent, facts: &AscentFacts) -> Result<(), StoreError> {
    let subject = subject(conn, Viewer::Service, ascent.climb_id)?;
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(ascents::table.find(Id(ascent.id.0)))
        .set((
            ascents::climbed_at.eq(Time(facts.climbed_at)),
            ascents::attempts.eq(facts.attempts),
            ascents::is_flash.eq(facts.is_flash),
            ascents::grade_feel.eq(facts.grade_feel),
            ascents::rating.eq(facts.rating),
            ascents::notes.eq(&facts.notes),
            ascents::updated_at.eq(now),
        ))
        .execute(c))?;
    subject.tell(conn, Changed::Ascent, ascent.id, ChangeKind::Updated, ascent.user_id);
    Ok(())
}

/// Deletes an ascent.
///
/// # Errors
/// [`StoreError::NotFound`] when it is gone meanwhile; or when the database fails.
pub fn delete(conn: &mut WriteConn<'_>, ascent: &Ascent) -> Result<(), StoreError> {
    let subject = subject(conn, Viewer::Service, ascent.climb_id)?;
    on_backend!(conn, |c| diesel::delete(ascents::table.find(Id(ascent.id.0))).execute(c))?;
    subject.tell(conn, Changed::Ascent, ascent.id, ChangeKind::Deleted, ascent.user_id);
    subject.tell_counts(conn, ascent.user_id);
    Ok(())
}

/// What is counted of each group of ascents.
const TALLY: &str =
    ", count(*), count(DISTINCT a.climb_id), count(CASE WHEN a.is_flash THEN 1 END) FROM ascents a ";

fn tallied((ascents, climbs, flashes): (i64, i64, i64)) -> Tally {
    Tally { ascents, climbs, flashes }
}

/// A person's logbook in numbers: three statements.
///
/// # Errors
/// When the database fails.
pub fn logbook(conn: &mut ReadConn<'_>, person: UserId) -> Result<Logbook, StoreError> {
    type Counts = (BigInt, BigInt, BigInt);
    let mut sql = Fragment::new("SELECT 0");
    sql.sql(TALLY).sql("WHERE a.user_id = ").id(person.0);
    let statement = sql.selecting::<(Integer, Counts)>();
    let (_, total): (i32, (i64, i64, i64)) = on_backend!(conn, |c| statement.get_result(c))?;

    let mut sql = Fragment::new("SELECT CASE WHEN ");
    Viewer::Person(person).sees(&mut sql, "c");
    sql.sql(" THEN c.grade_rank ELSE -1 END AS rank").sql(TALLY);
    sql.sql("JOIN climbs c ON c.id = a.climb_id WHERE a.user_id = ")
        .id(person.0)
        .sql(" GROUP BY 1 ORDER BY 1");
    let statement = sql.selecting::<(Integer, Counts)>();
    let grades: Vec<(i32, (i64, i64, i64))> = on_backend!(conn, |c| statement.load(c))?;

    let mut sql = Fragment::new("SELECT ");
    sql.either("to_char(a.climbed_at AT TIME ZONE 'UTC', 'YYYY-MM')", "substr(a.climbed_at, 1, 7)");
    sql.sql(" AS month").sql(TALLY).sql("WHERE a.user_id = ").id(person.0).sql(" GROUP BY 1 ORDER BY 1 DESC");
    let statement = sql.selecting::<(Text, Counts)>();
    let months: Vec<(String, (i64, i64, i64))> = on_backend!(conn, |c| statement.load(c))?;
    Ok(Logbook {
        total: tallied(total),
        by_grade: grades.into_iter().map(|(rank, n)| (FontGrade::from_rank(rank), tallied(n))).collect(),
        by_month: months.into_iter().map(|(month, n)| (month, tallied(n))).collect(),
    })
}
