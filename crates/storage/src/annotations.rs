//! What people say about holds, and what they agree on; the counting is the database's.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use mastoc_domain::annotation::{Condition, Consensus, Difficulty, GripType, Vote};
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::{HoldId, Timestamp, UserId};

use crate::changes::PendingChange;
use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::{hold_annotations as a, holds};
use crate::sql::keys;
use crate::types::{Id, Time};
use crate::visibility::Viewer;

/// What one person says about a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How they grip it.
    pub grip_type: Option<GripType>,
    /// What state they found it in.
    pub condition: Option<Condition>,
    /// Whether what they said about its state was answered by somebody who saw to it, and counts no more.
    pub is_condition_closed: bool,
    /// How hard they find it.
    pub difficulty: Option<Difficulty>,
    /// For themselves; nobody else sees it.
    pub notes: Option<String>,
    /// When they first said something.
    pub created_at: Timestamp,
    /// When they last changed it.
    pub updated_at: Timestamp,
}

/// What everybody together says about a hold, and what the reader says.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldAnnotations {
    /// The hold.
    pub hold_id: HoldId,
    /// What most say about the grip; `None` without votes.
    pub grip_type: Option<Consensus<GripType>>,
    /// What most say about its state, of those whose report is open.
    pub condition: Option<Consensus<Condition>>,
    /// What most say about how hard it is.
    pub difficulty: Option<Consensus<Difficulty>>,
    /// How many people said something.
    pub total_annotators: u32,
    /// What the reader said, where the reader is a person.
    pub own: Option<Annotation>,
}

/// What somebody changes of what they say: `None` leaves a field as it is, `Some(None)` clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnotationPatch {
    /// How they grip it.
    pub grip_type: Option<Option<GripType>>,
    /// What state they found it in; saying the same again reports it again.
    pub condition: Option<Option<Condition>>,
    /// How hard they find it.
    pub difficulty: Option<Option<Difficulty>>,
    /// For themselves.
    pub notes: Option<Option<String>>,
}

#[derive(AsChangeset)]
#[diesel(table_name = a)]
struct Changes<'p> {
    grip_type: Option<Option<&'p str>>,
    condition: Option<Option<&'p str>>,
    condition_at: Option<Option<Time>>,
    is_condition_closed: Option<bool>,
    difficulty: Option<Option<&'p str>>,
    notes: Option<Option<&'p str>>,
    updated_at: Time,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = a)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct AnnotationRow {
    hold_id: i64,
    grip_type: Option<Word<GripType>>,
    condition: Option<Word<Condition>>,
    is_condition_closed: bool,
    difficulty: Option<Word<Difficulty>>,
    notes: Option<String>,
    created_at: Time,
    updated_at: Time,
}

impl From<AnnotationRow> for Annotation {
    fn from(row: AnnotationRow) -> Self {
        Self {
            grip_type: row.grip_type.map(|word| word.0),
            condition: row.condition.map(|word| word.0),
            is_condition_closed: row.is_condition_closed,
            difficulty: row.difficulty.map(|word| word.0),
            notes: row.notes,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

/// The dimensions as the counting statement numbers them; the last one counts the people.
const GRIP: i32 = 0;
const CONDITION: i32 = 1;
const DIFFICULTY: i32 = 2;
const PEOPLE: &str = "3";

/// An expression for a word's place in the order of declaration, by which ties are broken.
pub(crate) fn place_of<T: Copy>(column: &str, words: &[T], word: impl Fn(T) -> &'static str) -> String {
    let cases = words.iter().enumerate().map(|(place, one)| format!(" WHEN '{}' THEN {place}", word(*one)));
    format!("CASE {column}{} END", cases.collect::<String>())
}

/// Adds one dimension's votes by word, of the holds in `w`.
fn count_votes(sql: &mut Fragment, dimension: i32, column: &str, place: &str, condition: &str) {
    sql.sql(&format!(
        "SELECT a.hold_id, {dimension} AS dimension, {place} AS word, count(*) AS votes \
         FROM w JOIN hold_annotations a ON a.hold_id = w.id WHERE a.{column} IS NOT NULL{condition} \
         GROUP BY a.hold_id, a.{column}"
    ));
}

/// The statement that finds, for the holds that are there, what most people say in each dimension.
fn counting(ids: &[i64]) -> Fragment {
    let mut sql = Fragment::new("WITH w AS (SELECT h.id FROM holds h WHERE h.id IN ");
    sql.list(ids, |sql, id| {
        sql.big(*id);
    });
    sql.sql("), v AS (");
    count_votes(&mut sql, GRIP, "grip_type", &place_of("a.grip_type", GripType::ALL, GripType::as_str), "");
    sql.sql(" UNION ALL ");
    let place = place_of("a.condition", Condition::ALL, Condition::as_str);
    count_votes(&mut sql, CONDITION, "condition", &place, " AND NOT a.is_condition_closed");
    sql.sql(" UNION ALL ");
    let place = place_of("a.difficulty", Difficulty::ALL, Difficulty::as_str);
    count_votes(&mut sql, DIFFICULTY, "difficulty", &place, "");
    sql.sql(
        "), r AS (SELECT v.hold_id, v.dimension, v.word, v.votes, \
         row_number() OVER (PARTITION BY v.hold_id, v.dimension ORDER BY v.votes DESC, v.word) AS place, \
         CAST(sum(v.votes) OVER (PARTITION BY v.hold_id, v.dimension) AS bigint) AS votes_cast FROM v) \
         SELECT r.hold_id, r.dimension, r.word, r.votes, r.votes_cast FROM r WHERE r.place = 1 UNION ALL SELECT w.id, ",
    );
    sql.sql(PEOPLE).sql(
        ", 0, count(a.hold_id), CAST(0 AS bigint) FROM w LEFT JOIN hold_annotations a ON a.hold_id = w.id \
         GROUP BY w.id",
    );
    sql.one_off();
    sql
}

fn number(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What a row of counts says about one dimension.
pub(crate) fn agreed<T: Vote>(
    words: &[T],
    word: i32,
    votes: i64,
    cast: i64,
) -> Result<Consensus<T>, StoreError> {
    let value = usize::try_from(word).ok().and_then(|place| words.get(place)).copied();
    let value = value.ok_or_else(|| StoreError::Internal(format!("there is no word {word} to vote for")))?;
    Ok(Consensus { value, votes: number(votes), cast: number(cast) })
}

/// What people say about those of the holds that exist, in the order of their ids. Two statements for up to 32,000
/// holds.
///
/// # Errors
/// When the database fails.
pub fn by_holds(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    ids: &[HoldId],
) -> Result<Vec<HoldAnnotations>, StoreError> {
    let mut ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found: BTreeMap<i64, HoldAnnotations> = BTreeMap::new();
    for ids in keys(&ids) {
        let statement = counting(ids).selecting::<(BigInt, Integer, Integer, BigInt, BigInt)>();
        let rows: Vec<(i64, i32, i32, i64, i64)> = on_backend!(conn, |c| statement.load(c))?;
        for (hold, dimension, word, votes, cast) in rows {
            let entry = found.entry(hold).or_insert_with(|| HoldAnnotations {
                hold_id: HoldId(hold),
                grip_type: None,
                condition: None,
                difficulty: None,
                total_annotators: 0,
                own: None,
            });
            match dimension {
                GRIP => entry.grip_type = Some(agreed(GripType::ALL, word, votes, cast)?),
                CONDITION => entry.condition = Some(agreed(Condition::ALL, word, votes, cast)?),
                DIFFICULTY => entry.difficulty = Some(agreed(Difficulty::ALL, word, votes, cast)?),
                _ => entry.total_annotators = number(votes),
            }
        }
        let Viewer::Person(person) = viewer else { continue };
        let rows: Vec<AnnotationRow> = on_backend!(conn, |c| a::table
            .filter(a::user_id.eq(Id(person.0)))
            .filter(a::hold_id.eq_any(ids))
            .select(AnnotationRow::as_select())
            .load(c))?;
        for row in rows {
            if let Some(entry) = found.get_mut(&row.hold_id) {
                entry.own = Some(row.into());
            }
        }
    }
    Ok(found.into_values().collect())
}

/// What people say about one hold; `None` when there is no such hold.
///
/// # Errors
/// When the database fails.
pub fn by_hold(
    conn: &mut ReadConn<'_>,
    viewer: Viewer,
    id: HoldId,
) -> Result<Option<HoldAnnotations>, StoreError> {
    Ok(by_holds(conn, viewer, &[id])?.pop())
}

/// Notes that what is said about a hold has changed.
pub(crate) fn note(conn: &mut WriteConn<'_>, hold: HoldId, owner: Option<UserId>) {
    conn.note(PendingChange {
        entity: Changed::Annotation,
        id: hold.0.to_string(),
        kind: ChangeKind::Updated,
        is_public: true,
        owner,
    });
}

/// Changes what a person says about a hold. Where they say nothing more, nothing is kept.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such hold.
pub fn put(
    conn: &mut WriteConn<'_>,
    person: UserId,
    hold: HoldId,
    patch: &AnnotationPatch,
) -> Result<(), StoreError> {
    let known: Option<i64> =
        on_backend!(conn, |c| holds::table.find(hold.0).select(holds::id).first(c).optional())?;
    known.ok_or(StoreError::NotFound)?;
    if *patch == AnnotationPatch::default() {
        return Ok(());
    }
    let now = Time(conn.now());
    let user = Id(person.0);
    // The row is there, and held, before anything of it changes: two requests at once leave what both say.
    on_backend!(conn, |c| diesel::insert_into(a::table)
        .values((a::hold_id.eq(hold.0), a::user_id.eq(user), a::created_at.eq(now), a::updated_at.eq(now)))
        .on_conflict((a::hold_id, a::user_id))
        .do_update()
        .set(a::updated_at.eq(now))
        .execute(c))?;
    let changes = Changes {
        grip_type: patch.grip_type.map(|word| word.map(GripType::as_str)),
        condition: patch.condition.map(|word| word.map(Condition::as_str)),
        condition_at: patch.condition.map(|word| word.map(|_| now)),
        is_condition_closed: patch.condition.map(|_| false),
        difficulty: patch.difficulty.map(|word| word.map(Difficulty::as_str)),
        notes: patch.notes.as_ref().map(|notes| notes.as_deref()),
        updated_at: now,
    };
    on_backend!(conn, |c| diesel::update(a::table.find((hold.0, user))).set(&changes).execute(c))?;
    on_backend!(conn, |c| diesel::delete(
        a::table
            .find((hold.0, user))
            .filter(a::grip_type.is_null())
            .filter(a::condition.is_null())
            .filter(a::difficulty.is_null())
            .filter(a::notes.is_null())
    )
    .execute(c))?;
    note(conn, hold, Some(person));
    Ok(())
}

/// Takes back what a person says about a hold; tells whether they had said anything.
///
/// # Errors
/// When the database fails.
pub fn remove(conn: &mut WriteConn<'_>, person: UserId, hold: HoldId) -> Result<bool, StoreError> {
    let gone = on_backend!(conn, |c| diesel::delete(a::table.find((hold.0, Id(person.0)))).execute(c))?;
    if gone > 0 {
        note(conn, hold, Some(person));
    }
    Ok(gone > 0)
}
