//! Claims: a person says that an imported setter is them, and once an admin confirms it the setter's climbs are theirs.

use diesel::deserialize::Queryable;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use mastoc_domain::access::ClaimState;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::sync_state::{Direction, EntityKind, Source};
use mastoc_domain::{ClaimId, StoktId, Timestamp, UserId};

use crate::changes::PendingChange;
use crate::climbs::Word;
use crate::conn::{AnyConnection, ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::{
    climb_lists, climbs, conflicts, outbox, setter_claims as t, sync_links, tombstones, users,
};
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::{echoes, mappings, people};

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its id.
    pub id: ClaimId,
    /// Who claims.
    pub user: UserId,
    /// The name they show now.
    pub user_name: String,
    /// The imported setter; its row is gone once the claim was confirmed.
    pub setter: UserId,
    /// Stokt's id of the setter.
    pub stokt_id: StoktId,
    /// The setter's name when the claim was made.
    pub setter_name: String,
    /// What the person says about it.
    pub message: Option<String>,
    /// How far it has come.
    pub state: ClaimState,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What became of a wish about claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It is done.
    Done(ClaimId),
    /// Nobody of this id is known.
    NoSuchSetter,
    /// It is no imported setter, but an account, or was claimed by one.
    NotClaimable,
    /// The person is a setter known to Stokt already.
    HasOne,
    /// The person claims this setter already, and nobody decided yet.
    Pending,
    /// The claim was decided before.
    Decided,
}

type ClaimColumns =
    (DbUuid, DbUuid, Text, DbUuid, DbUuid, Text, Nullable<Text>, Text, Nullable<DbTime>, DbTime);

#[derive(Queryable)]
struct ClaimRow {
    id: Id,
    user: Id,
    user_name: String,
    setter: Id,
    stokt_id: Id,
    setter_name: String,
    message: Option<String>,
    state: Word<ClaimState>,
    decided_at: Option<Time>,
    created_at: Time,
}

impl From<ClaimRow> for Claim {
    fn from(row: ClaimRow) -> Self {
        Self {
            id: ClaimId(row.id.0),
            user: UserId(row.user.0),
            user_name: row.user_name,
            setter: UserId(row.setter.0),
            stokt_id: StoktId(row.stokt_id.0),
            setter_name: row.setter_name,
            message: row.message,
            state: row.state.0,
            decided_at: row.decided_at.map(|time| time.0),
            created_at: row.created_at.0,
        }
    }
}

/// Which claims are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClaimFilter {
    /// Of this person alone.
    pub user: Option<UserId>,
    /// In this state.
    pub state: Option<ClaimState>,
}

fn narrow(sql: &mut Fragment, filter: ClaimFilter) {
    sql.sql(" WHERE TRUE");
    if let Some(user) = filter.user {
        sql.sql(" AND k.user_id = ").id(user.0);
    }
    if let Some(state) = filter.state {
        sql.sql(" AND k.state = ").text(state.as_str());
    }
}

fn select() -> Fragment {
    Fragment::new(
        "SELECT k.id, k.user_id, u.full_name, k.setter_id, k.stokt_id, k.setter_name, k.message, k.state, \
         k.decided_at, k.created_at FROM setter_claims k JOIN users u ON u.id = k.user_id",
    )
}

fn load(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<Claim>, StoreError> {
    let statement = sql.selecting::<ClaimColumns>();
    let rows: Vec<ClaimRow> = on_backend!(conn, |c| statement.load(c))?;
    Ok(rows.into_iter().map(Claim::from).collect())
}

/// Claims, the oldest first and then by id: at most `limit` after leaving out `offset`.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut ReadConn<'_>,
    filter: ClaimFilter,
    offset: i64,
    limit: i64,
) -> Result<Vec<Claim>, StoreError> {
    let mut sql = select();
    narrow(&mut sql, filter);
    sql.sql(" ORDER BY k.created_at, k.id LIMIT ").big(limit.max(0)).sql(" OFFSET ").big(offset.max(0));
    load(conn, sql)
}

/// How many claims [`list`] lists.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, filter: ClaimFilter) -> Result<i64, StoreError> {
    let mut sql = Fragment::new("SELECT count(*) FROM setter_claims k");
    narrow(&mut sql, filter);
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// One claim.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, id: ClaimId) -> Result<Option<Claim>, StoreError> {
    let mut sql = select();
    sql.sql(" WHERE k.id = ").id(id.0);
    Ok(load(conn, sql)?.pop())
}

/// An imported setter that nobody claimed yet.
struct Imported {
    stokt_id: Id,
    full_name: String,
    avatar: (Option<String>, Option<String>),
}

type ImportedColumns = (Option<Id>, String, Option<String>, Option<String>, String);

/// The setter, if there is such a person (`None` otherwise) and they can be claimed (`Some(None)` otherwise).
fn imported(conn: &mut ReadConn<'_>, setter: UserId) -> Result<Option<Option<Imported>>, StoreError> {
    let row: Option<ImportedColumns> = on_backend!(conn, |c| users::table
        .find(Id(setter.0))
        .select((users::stokt_id, users::full_name, users::avatar_path, users::avatar_sha256, users::source))
        .first(c)
        .optional())?;
    Ok(row.map(|(stokt_id, full_name, path, sha256, source)| {
        let stokt_id = stokt_id.filter(|_| source == Source::Stokt.as_str())?;
        Some(Imported { stokt_id, full_name, avatar: (path, sha256) })
    }))
}

/// Lets claims and imports take turns: both decide by whom a Stokt id belongs to.
fn take_turns(conn: &mut WriteConn<'_>) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = conn.any() {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtext('mastoc.import'))").execute(c)?;
    }
    Ok(())
}

fn is_stokt_setter(conn: &mut ReadConn<'_>, user: UserId) -> Result<bool, StoreError> {
    let account = people::account(conn, user)?.ok_or(StoreError::NotFound)?;
    Ok(account.stokt_id.is_some())
}

/// Claims an imported setter for a person.
///
/// # Errors
/// [`StoreError::NotFound`] when the person has no account; or when the database fails.
pub fn claim(
    conn: &mut WriteConn<'_>,
    user: UserId,
    setter: UserId,
    message: Option<&str>,
) -> Result<Claimed, StoreError> {
    take_turns(conn)?;
    let found = match imported(conn, setter)? {
        None => return Ok(Claimed::NoSuchSetter),
        Some(None) => return Ok(Claimed::NotClaimable),
        Some(Some(found)) => found,
    };
    if is_stokt_setter(conn, user)? {
        return Ok(Claimed::HasOne);
    }
    let open: i64 = on_backend!(conn, |c| t::table
        .filter(t::user_id.eq(Id(user.0)))
        .filter(t::stokt_id.eq(found.stokt_id))
        .filter(t::state.eq(ClaimState::Open.as_str()))
        .count()
        .get_result(c))?;
    if open > 0 {
        return Ok(Claimed::Pending);
    }
    let id = ClaimId::generate();
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::insert_into(t::table)
        .values((
            t::id.eq(Id(id.0)),
            t::user_id.eq(Id(user.0)),
            t::setter_id.eq(Id(setter.0)),
            t::stokt_id.eq(found.stokt_id),
            t::setter_name.eq(&found.full_name),
            t::message.eq(message),
            t::state.eq(ClaimState::Open.as_str()),
            t::created_at.eq(now),
        ))
        .execute(c))?;
    Ok(Claimed::Done(id))
}

/// Takes a claim back that nobody decided yet.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such claim; or when the database fails.
pub fn withdraw(conn: &mut WriteConn<'_>, id: ClaimId) -> Result<Claimed, StoreError> {
    let gone = on_backend!(conn, |c| diesel::delete(
        t::table.find(Id(id.0)).filter(t::state.eq(ClaimState::Open.as_str()))
    )
    .execute(c))?;
    if gone == 0 {
        return by_id(conn, id)?.map(|_| Claimed::Decided).ok_or(StoreError::NotFound);
    }
    Ok(Claimed::Done(id))
}

/// Refuses a claim. `judge` is the admin, if it is a person.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such claim; or when the database fails.
pub fn reject(conn: &mut WriteConn<'_>, id: ClaimId, judge: Option<UserId>) -> Result<Claimed, StoreError> {
    take_turns(conn)?;
    let claim = by_id(conn, id)?.ok_or(StoreError::NotFound)?;
    if claim.state != ClaimState::Open {
        return Ok(Claimed::Decided);
    }
    decide(conn, id, ClaimState::Rejected, judge)?;
    Ok(Claimed::Done(id))
}

fn decide(
    conn: &mut WriteConn<'_>,
    id: ClaimId,
    state: ClaimState,
    judge: Option<UserId>,
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(t::table.find(Id(id.0)))
        .set((
            t::state.eq(state.as_str()),
            t::decided_by.eq(judge.map(|judge| Id(judge.0))),
            t::decided_at.eq(Some(now)),
        ))
        .execute(c))?;
    Ok(())
}

/// Confirms a claim: the setter's climbs are the person's own, who bears Stokt's id from now on, so that later imports
/// give them the setter's new climbs too. The setter's row goes, and other claims to it are refused. A fixed number of
/// statements, however many climbs there are, beside those that tell followers of each.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such claim; or when the database fails.
pub fn confirm(conn: &mut WriteConn<'_>, id: ClaimId, judge: Option<UserId>) -> Result<Claimed, StoreError> {
    take_turns(conn)?;
    let claim = by_id(conn, id)?.ok_or(StoreError::NotFound)?;
    if claim.state != ClaimState::Open {
        return Ok(Claimed::Decided);
    }
    let Some(Some(setter)) = imported(conn, claim.setter)? else { return Ok(Claimed::NotClaimable) };
    if is_stokt_setter(conn, claim.user)? {
        return Ok(Claimed::HasOne);
    }
    hand_over_climbs(conn, claim.setter, claim.user)?;
    hand_over_identity(conn, &claim, setter)?;
    decide(conn, id, ClaimState::Confirmed, judge)?;
    refuse_others(conn, &claim, judge)?;
    echoes::person_changed(conn, claim.user)?;
    Ok(Claimed::Done(id))
}

fn hand_over_climbs(conn: &mut WriteConn<'_>, from: UserId, to: UserId) -> Result<(), StoreError> {
    let moved: Vec<(Id, Id, bool)> = on_backend!(conn, |c| climbs::table
        .filter(climbs::setter_id.eq(Id(from.0)))
        .select((climbs::id, climbs::face_id, climbs::is_private))
        .order(climbs::id.asc())
        .load(c))?;
    let ids: Vec<_> = moved.iter().map(|(climb, ..)| climb.0).collect();
    echoes::sight_changed(conn, &ids, true)?;
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(climbs::table.filter(climbs::setter_id.eq(Id(from.0))))
        .set((climbs::setter_id.eq(Some(Id(to.0))), climbs::updated_at.eq(now)))
        .execute(c))?;
    on_backend!(conn, |c| diesel::update(climb_lists::table.filter(climb_lists::owner_id.eq(Id(from.0))))
        .set((climb_lists::owner_id.eq(Some(Id(to.0))), climb_lists::updated_at.eq(now)))
        .execute(c))?;
    // The person sees, and counts, the private ones from now on.
    let faces: std::collections::BTreeSet<Id> =
        moved.iter().filter(|(.., is_private)| *is_private).map(|(_, face, _)| *face).collect();
    for face in faces {
        conn.note(PendingChange {
            entity: Changed::Face,
            id: face.0.to_string(),
            kind: ChangeKind::Updated,
            is_public: false,
            owner: Some(to),
        });
    }
    Ok(())
}

/// Stokt's id and its link go over to the person, which the audit tells; the setter's row goes.
fn hand_over_identity(conn: &mut WriteConn<'_>, claim: &Claim, setter: Imported) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let kind = EntityKind::User.as_str();
    let (from, to) = (claim.setter.to_string(), claim.user.to_string());
    let stokt_id = claim.stokt_id.to_string();
    mappings::unlinked(conn, EntityKind::User, &[(&from, &stokt_id)], Direction::MastocToStokt)?;
    mappings::linked(conn, EntityKind::User, &[(&to, &stokt_id)], Direction::StoktToMastoc)?;
    on_backend!(conn, |c| diesel::update(
        sync_links::table.filter(sync_links::entity.eq(kind)).filter(sync_links::local_id.eq(&from))
    )
    .set((sync_links::local_id.eq(&to), sync_links::updated_at.eq(now)))
    .execute(c))?;
    on_backend!(conn, |c| diesel::update(
        outbox::table.filter(outbox::entity.eq(kind)).filter(outbox::local_id.eq(&from))
    )
    .set(outbox::local_id.eq(&to))
    .execute(c))?;
    on_backend!(conn, |c| diesel::update(
        conflicts::table.filter(conflicts::entity.eq(kind)).filter(conflicts::local_id.eq(&from))
    )
    .set(conflicts::local_id.eq(&to))
    .execute(c))?;
    on_backend!(conn, |c| diesel::delete(users::table.find(Id(claim.setter.0))).execute(c))?;
    // Without Stokt's id: imports refuse what has a tombstone of theirs.
    on_backend!(conn, |c| diesel::insert_into(tombstones::table)
        .values((
            tombstones::entity.eq(kind),
            tombstones::entity_id.eq(&from),
            tombstones::reason.eq("claimed"),
            tombstones::deleted_at.eq(now),
        ))
        .execute(c))?;
    conn.note(PendingChange {
        entity: Changed::User,
        id: from,
        kind: ChangeKind::Deleted,
        is_public: true,
        owner: None,
    });
    let person = users::table.find(Id(claim.user.0));
    on_backend!(conn, |c| diesel::update(person)
        .set((users::stokt_id.eq(Some(setter.stokt_id)), users::updated_at.eq(now)))
        .execute(c))?;
    // Their own picture wins over the one that came from Stokt.
    let (path, sha256) = setter.avatar;
    on_backend!(conn, |c| diesel::update(person.filter(users::avatar_path.is_null()))
        .set((users::avatar_path.eq(path), users::avatar_sha256.eq(sha256)))
        .execute(c))?;
    Ok(())
}

fn refuse_others(conn: &mut WriteConn<'_>, claim: &Claim, judge: Option<UserId>) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(
        t::table
            .filter(t::stokt_id.eq(Id(claim.stokt_id.0)).or(t::user_id.eq(Id(claim.user.0))))
            .filter(t::state.eq(ClaimState::Open.as_str()))
    )
    .set((
        t::state.eq(ClaimState::Rejected.as_str()),
        t::decided_by.eq(judge.map(|judge| Id(judge.0))),
        t::decided_at.eq(Some(now)),
    ))
    .execute(c))?;
    Ok(())
}
