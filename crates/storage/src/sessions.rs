//! Logins: opened with the right password, checked with every request, and over once they are revoked.

use diesel::prelude::*;
use mastoc_domain::access::AccountRole;
use mastoc_domain::{SessionId, Timestamp, UserId};

use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::{sessions, users};
use crate::types::{Id, Time};

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

#[derive(Insertable)]
#[diesel(table_name = sessions)]
struct NewRow<'a> {
    id: Id,
    user_id: Id,
    device: Option<&'a str>,
    created_at: Time,
    last_used_at: Time,
    expires_at: Time,
}

/// Opens a login that ends at `expires_at` unless it is renewed. `device` is what the program calls itself.
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
    let now = Time(conn.now());
    let row = NewRow {
        id: Id(id.0),
        user_id: Id(user.0),
        device,
        created_at: now,
        last_used_at: now,
        expires_at: Time(expires_at),
    };
    on_backend!(conn, |c| diesel::insert_into(sessions::table).values(&row).execute(c))?;
    Ok(id)
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
