//! Logins: opened with the right password, checked with every request, and over once they are revoked.

use diesel::prelude::*;
use mastoc_domain::access::AccountRole;
use mastoc_domain::{SessionId, Timestamp, UserId};

use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::resets;
use crate::schema::{sessions, users};
use crate::types::{Id, Time};
use uuid::Uuid;

/// A person whose login holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// Who it is.
    pub id: UserId,
    /// What they are on this server, as of now.
    pub role: AccountRole,
    /// The login they came with.
    pub session: SessionId,
}

/// A login, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Its id.
    pub id: SessionId,
    /// What the program called itself.
    pub device: Option<String>,
    /// When the person logged in.
    pub created_at: Timestamp,
    /// When it was last renewed, or opened.
    pub last_used_at: Timestamp,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct LoginRow {
    id: Id,
    device: Option<String>,
    created_at: Time,
    last_used_at: Time,
    expires_at: Time,
}

impl From<LoginRow> for Login {
    fn from(row: LoginRow) -> Self {
        Self {
            id: SessionId(row.id.0),
            device: row.device,
            created_at: row.created_at.0,
            last_used_at: row.last_used_at.0,
            expires_at: row.expires_at.0,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = sessions)]
struct NewRow<'a> {
    id: Id,
    user_id: Id,
    device: Option<&'a str>,
    created_at: Time,
    last_used_at: Time,
    expires_at: Time,
    refresh_id: Option<Id>,
}

/// Opens a login that ends at `expires_at`. `device` is what the program calls itself. Logins and tokens that are over
/// are forgotten on the way.
///
/// # Errors
/// When there is no such person, or the database fails.
pub fn open(
    conn: &mut WriteConn<'_>,
    user: UserId,
    device: Option<&str>,
    expires_at: Timestamp,
) -> Result<SessionId, StoreError> {
    let id = SessionId::generate();
    insert(conn, id, user, device, expires_at, None)?;
    Ok(id)
}

/// The same for a login that can be renewed, with the refresh token `refresh`.
///
/// # Errors
/// As [`open`].
pub fn open_renewable(
    conn: &mut WriteConn<'_>,
    id: SessionId,
    user: UserId,
    device: Option<&str>,
    expires_at: Timestamp,
    refresh: Uuid,
) -> Result<(), StoreError> {
    insert(conn, id, user, device, expires_at, Some(Id(refresh)))
}

fn insert(
    conn: &mut WriteConn<'_>,
    id: SessionId,
    user: UserId,
    device: Option<&str>,
    expires_at: Timestamp,
    refresh_id: Option<Id>,
) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::delete(sessions::table.filter(sessions::expires_at.le(now))).execute(c))?;
    resets::purge(conn)?;
    let row = NewRow {
        id: Id(id.0),
        user_id: Id(user.0),
        device,
        created_at: now,
        last_used_at: now,
        expires_at: Time(expires_at),
        refresh_id,
    };
    on_backend!(conn, |c| diesel::insert_into(sessions::table).values(&row).execute(c))?;
    Ok(())
}

/// Renews a login: the token `used` gives way to `next`. Of many at once with the same token one succeeds, and the
/// others find it used. A used token means that somebody has a copy: the login ends, and with it every token of its
/// family.
///
/// Answers whether it was renewed. It must be committed also when it was not.
///
/// # Errors
/// When the database fails.
pub fn renew(
    conn: &mut WriteConn<'_>,
    session: SessionId,
    user: UserId,
    used: Uuid,
    next: Uuid,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let now = Time(conn.now());
    let owner = users::table.find(Id(user.0)).filter(users::is_active.eq(true));
    let renewed = on_backend!(conn, |c| diesel::update(
        sessions::table
            .find(Id(session.0))
            .filter(sessions::user_id.eq(Id(user.0)))
            .filter(sessions::refresh_id.eq(Id(used)))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(now))
            .filter(diesel::dsl::exists(owner))
    )
    .set((
        sessions::refresh_id.eq(Id(next)),
        sessions::last_used_at.eq(now),
        sessions::expires_at.eq(Time(expires_at)),
    ))
    .execute(c))?;
    if renewed == 0 {
        end(conn, session, user)?;
    }
    Ok(renewed == 1)
}

/// The person behind a login; `None` when it is unknown, somebody else's, revoked or over, or the account is closed.
///
/// # Errors
/// When the database fails.
pub fn person(
    conn: &mut ReadConn<'_>,
    session: SessionId,
    user: UserId,
) -> Result<Option<Person>, StoreError> {
    let now = Time(Timestamp::now());
    let role: Option<Word<AccountRole>> = on_backend!(conn, |c| sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(Id(session.0)))
        .filter(sessions::user_id.eq(Id(user.0)))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(users::is_active.eq(true))
        .select(users::role)
        .first(c)
        .optional())?;
    Ok(role.map(|role| Person { id: user, role: role.0, session }))
}

/// Ends every login of a person, but for the one they go on with. Answers how many ended.
///
/// # Errors
/// When the database fails.
pub fn end_all(
    conn: &mut WriteConn<'_>,
    user: UserId,
    except: Option<SessionId>,
) -> Result<usize, StoreError> {
    let now = Time(conn.now());
    let kept = Id(except.map_or_else(uuid::Uuid::nil, |session| session.0));
    let ended = on_backend!(conn, |c| diesel::update(
        sessions::table
            .filter(sessions::user_id.eq(Id(user.0)))
            .filter(sessions::id.ne(kept))
            .filter(sessions::revoked_at.is_null())
    )
    .set(sessions::revoked_at.eq(now))
    .execute(c))?;
    Ok(ended)
}

/// Ends one login of a person. Answers whether there was one that held.
///
/// # Errors
/// When the database fails.
pub fn end(conn: &mut WriteConn<'_>, session: SessionId, user: UserId) -> Result<bool, StoreError> {
    let now = Time(conn.now());
    let ended = on_backend!(conn, |c| diesel::update(
        sessions::table
            .find(Id(session.0))
            .filter(sessions::user_id.eq(Id(user.0)))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(now))
    )
    .set(sessions::revoked_at.eq(now))
    .execute(c))?;
    Ok(ended == 1)
}

/// A person's logins that hold, the last used first, and how many there are. Two statements.
///
/// # Errors
/// When the database fails.
pub fn of_person(
    conn: &mut ReadConn<'_>,
    user: UserId,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Login>, i64), StoreError> {
    let now = Time(Timestamp::now());
    let holding = || {
        sessions::table
            .filter(sessions::user_id.eq(Id(user.0)))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(now))
    };
    let count: i64 = on_backend!(conn, |c| holding().count().get_result(c))?;
    let rows: Vec<LoginRow> = on_backend!(conn, |c| holding()
        .order((sessions::last_used_at.desc(), sessions::id.desc()))
        .offset(offset)
        .limit(limit)
        .select(LoginRow::as_select())
        .load(c))?;
    Ok((rows.into_iter().map(Login::from).collect(), count))
}
