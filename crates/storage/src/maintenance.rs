//! Holds that need a hand, as people report it, and closing what was reported once somebody has seen to it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use mastoc_domain::annotation::{Condition, Consensus};
use mastoc_domain::{FaceId, GymId, HoldId, Timestamp, UserId};
use uuid::Uuid;

use crate::annotations::{self, agreed, place_of};
use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::{maintenance_closings as m, users};
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;

/// A hold of which most people say that it needs a hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The hold.
    pub hold_id: HoldId,
    /// The face it is on.
    pub face_id: FaceId,
    /// The gym it is in.
    pub gym_id: GymId,
    /// What most say.
    pub condition: Consensus<Condition>,
    /// When somebody last said so.
    pub newest_at: Option<Timestamp>,
    /// How many climbs use it that the reader may see.
    pub climbs_count: i64,
}

/// Which reports are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportFilter {
    /// Of this gym.
    pub gym: Option<GymId>,
    /// On this face.
    pub face: Option<FaceId>,
}

/// That somebody saw to a hold, and what was reported until then.
#[derive(Debug, Clone, PartialEq)]
pub struct Closing {
    /// Its own id.
    pub id: Uuid,
    /// The hold.
    pub hold_id: HoldId,
    /// Who closed the report; a key of the service is nobody.
    pub closed_by: Option<UserId>,
    /// Their name.
    pub closed_by_name: Option<String>,
    /// What most people said.
    pub condition: Consensus<Condition>,
    /// What was done.
    pub note: Option<String>,
    /// When it was closed.
    pub closed_at: Timestamp,
}

/// Whether a hold in this state needs a hand.
fn needs_a_hand(condition: Condition) -> bool {
    condition != Condition::Ok
}

/// Adds the tables `r`, what most say about the state of each hold in use, up to the place of further conditions.
fn reported(sql: &mut Fragment, filter: ReportFilter) {
    let place = place_of("a.condition", Condition::ALL, Condition::as_str);
    sql.sql(&format!(
        "WITH v AS (SELECT a.hold_id, {place} AS word, count(*) AS votes, max(a.condition_at) AS newest \
         FROM hold_annotations a JOIN holds h ON h.id = a.hold_id JOIN faces f ON f.id = h.face_id \
         WHERE a.condition IS NOT NULL AND NOT a.is_condition_closed AND h.retired_at IS NULL"
    ));
    if let Some(gym) = filter.gym {
        sql.sql(" AND f.gym_id = ").id(gym.0);
    }
    if let Some(face) = filter.face {
        sql.sql(" AND h.face_id = ").id(face.0);
    }
    sql.sql(
        " GROUP BY a.hold_id, a.condition), r AS (SELECT v.hold_id, v.word, v.votes, v.newest, \
         row_number() OVER (PARTITION BY v.hold_id ORDER BY v.votes DESC, v.word) AS place, \
         CAST(sum(v.votes) OVER (PARTITION BY v.hold_id) AS bigint) AS votes_cast FROM v) ",
    );
}

/// Adds the condition that the state in `r` needs a hand.
fn in_need(sql: &mut Fragment) {
    let places: Vec<String> = (0..)
        .zip(Condition::ALL)
        .filter(|(_, word)| needs_a_hand(**word))
        .map(|(place, _): (i32, _)| place.to_string())
        .collect();
    sql.sql("r.place = 1 AND r.word IN (").sql(&places.join(", ")).sql(")");
}

type ReportColumns = (BigInt, DbUuid, DbUuid, Integer, BigInt, BigInt, Nullable<DbTime>, BigInt);
type ReportRow = (i64, Id, Id, i32, i64, i64, Option<Time>, i64);

/// Holds that need a hand: the worst first (broken, worn, turned, dirty, to be brushed), then those that most people
/// report, then by id. Retired holds are left out.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    filter: ReportFilter,
    offset: i64,
    limit: i64,
) -> Result<Vec<Report>, StoreError> {
    let mut sql = Fragment::default();
    reported(&mut sql, filter);
    sql.sql(
        "SELECT r.hold_id, h.face_id, f.gym_id, r.word, r.votes, r.votes_cast, r.newest, \
         (SELECT count(DISTINCT ch.climb_id) FROM climb_holds ch JOIN climbs c ON c.id = ch.climb_id \
         WHERE ch.hold_id = r.hold_id AND ",
    );
    viewer.sees(&mut sql, "c");
    sql.sql(") FROM r JOIN holds h ON h.id = r.hold_id JOIN faces f ON f.id = h.face_id WHERE ");
    in_need(&mut sql);
    sql.sql(" ORDER BY r.word DESC, r.votes DESC, r.hold_id LIMIT ").big(limit).sql(" OFFSET ").big(offset);
    let statement = sql.selecting::<ReportColumns>();
    let rows: Vec<ReportRow> = on_backend!(conn, |c| statement.load(c))?;
    rows.into_iter()
        .map(|(hold, face, gym, word, votes, cast, newest, climbs_count)| {
            Ok(Report {
                hold_id: HoldId(hold),
                face_id: FaceId(face.0),
                gym_id: GymId(gym.0),
                condition: agreed(Condition::ALL, word, votes, cast)?,
                newest_at: newest.map(|time| time.0),
                climbs_count,
            })
        })
        .collect()
}

/// How many holds need a hand.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, filter: ReportFilter) -> Result<i64, StoreError> {
    let mut sql = Fragment::default();
    reported(&mut sql, filter);
    sql.sql("SELECT count(*) FROM r WHERE ");
    in_need(&mut sql);
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

#[derive(Insertable)]
#[diesel(table_name = m, treat_none_as_default_value = false)]
struct NewClosing<'n> {
    id: Id,
    hold_id: i64,
    closed_by: Option<Id>,
    condition: &'n str,
    votes: i32,
    votes_cast: i32,
    note: Option<&'n str>,
    closed_at: Time,
}

type ClosingRow = (Id, i64, Option<Id>, Option<String>, Word<Condition>, i32, i32, Option<String>, Time);

fn closing(row: ClosingRow) -> Closing {
    let (id, hold, by, name, condition, votes, cast, note, at) = row;
    let number = |votes: i32| u32::try_from(votes).unwrap_or_default();
    Closing {
        id: id.0,
        hold_id: HoldId(hold),
        closed_by: by.map(|id| UserId(id.0)),
        closed_by_name: name,
        condition: Consensus { value: condition.0, votes: number(votes), cast: number(cast) },
        note,
        closed_at: at.0,
    }
}

/// Closes what is reported about a hold: what people said of its state counts no more, though it stays with them.
/// `None`, and then the transaction must not be kept, where most people find nothing wrong with it.
///
/// # Errors
/// When the database fails.
pub fn close(
    conn: &mut WriteConn<'_>,
    hold: HoldId,
    by: Option<UserId>,
    note: Option<&str>,
) -> Result<Option<Closing>, StoreError> {
    // Counted from the very rows that are closed: somebody may be reporting at this moment.
    let mut sql = Fragment::new(
        "UPDATE hold_annotations SET is_condition_closed = TRUE WHERE condition IS NOT NULL \
         AND NOT is_condition_closed AND hold_id = ",
    );
    sql.big(hold.0).sql(" RETURNING condition");
    let statement = sql.selecting::<Text>();
    let votes: Vec<Word<Condition>> = on_backend!(conn, |c| statement.load(c))?;
    let Some(agreed) = Consensus::of(votes.into_iter().map(|word| word.0)) else { return Ok(None) };
    if !needs_a_hand(agreed.value) {
        return Ok(None);
    }
    let id = Id(Uuid::now_v7());
    let row = NewClosing {
        id,
        hold_id: hold.0,
        closed_by: by.map(|person| Id(person.0)),
        condition: agreed.value.as_str(),
        votes: i32::try_from(agreed.votes).unwrap_or(i32::MAX),
        votes_cast: i32::try_from(agreed.cast).unwrap_or(i32::MAX),
        note,
        closed_at: Time(conn.now()),
    };
    on_backend!(conn, |c| diesel::insert_into(m::table).values(&row).execute(c))?;
    annotations::note(conn, hold, None);
    let rows = closings(conn, hold, Some(id), 0, 1)?;
    Ok(rows.into_iter().next())
}

fn closings(
    conn: &mut ReadConn<'_>,
    hold: HoldId,
    id: Option<Id>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Closing>, StoreError> {
    let rows: Vec<ClosingRow> = on_backend!(conn, |c| {
        let mut query = m::table
            .left_join(users::table)
            .filter(m::hold_id.eq(hold.0))
            .order((m::closed_at.desc(), m::id.desc()))
            .limit(limit)
            .offset(offset)
            .select((
                m::id,
                m::hold_id,
                m::closed_by,
                users::full_name.nullable(),
                m::condition,
                m::votes,
                m::votes_cast,
                m::note,
                m::closed_at,
            ))
            .into_boxed();
        if let Some(id) = id {
            query = query.filter(m::id.eq(id));
        }
        query.load(c)
    })?;
    Ok(rows.into_iter().map(closing).collect())
}

/// The closings of a hold's reports, newest first, then by id; and how many there are.
///
/// # Errors
/// When the database fails.
pub fn history(
    conn: &mut ReadConn<'_>,
    hold: HoldId,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Closing>, i64), StoreError> {
    let count: i64 = on_backend!(conn, |c| m::table.filter(m::hold_id.eq(hold.0)).count().get_result(c))?;
    Ok((closings(conn, hold, None, offset, limit)?, count))
}
