//! Forgotten passwords: tokens that went out by e-mail, kept as hashes, good for one use within the hour.

use diesel::prelude::*;
use mastoc_domain::{Timestamp, UserId};

use crate::accounts::fold;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::{password_resets as r, users};
use crate::types::{Id, Time};
use crate::unguessable;

/// How long a token may be used, in seconds: an hour.
pub const KEPT_SECONDS: i64 = 60 * 60;

/// What goes out by e-mail.
#[derive(Clone)]
pub struct Reset {
    /// The token: shown once, and kept nowhere.
    pub token: String,
    /// The address of the account, as its owner wrote it.
    pub email: String,
    /// The owner's name.
    pub full_name: String,
}

impl std::fmt::Debug for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reset").finish_non_exhaustive()
    }
}

/// Makes a token for the account with this address; `None` when there is none, or it is closed.
///
/// # Errors
/// When the database fails.
pub fn begin(conn: &mut WriteConn<'_>, email: &str) -> Result<Option<Reset>, StoreError> {
    let found: Option<(Id, Option<String>, String)> = on_backend!(conn, |c| users::table
        .filter(users::email_folded.eq(fold(email)))
        .filter(users::is_active.eq(true))
        .select((users::id, users::email, users::full_name))
        .first(c)
        .optional())?;
    let Some((user, Some(email), full_name)) = found else { return Ok(None) };
    let token = unguessable::make();
    let now = conn.now();
    let end = Timestamp::from_utc(now.as_utc() + chrono::TimeDelta::seconds(KEPT_SECONDS));
    on_backend!(conn, |c| diesel::insert_into(r::table)
        .values((
            r::token_hash.eq(unguessable::hash(&token)),
            r::user_id.eq(user),
            r::created_at.eq(Time(now)),
            r::expires_at.eq(Time(end)),
        ))
        .execute(c))?;
    Ok(Some(Reset { token, email, full_name }))
}

/// Whether a token can still be used.
///
/// # Errors
/// When the database fails.
pub fn holds(conn: &mut ReadConn<'_>, token: &str) -> Result<bool, StoreError> {
    let now = Time(Timestamp::now());
    let found: Option<Id> = on_backend!(conn, |c| r::table
        .inner_join(users::table)
        .filter(r::token_hash.eq(unguessable::hash(token)))
        .filter(r::expires_at.gt(now))
        .filter(users::is_active.eq(true))
        .select(r::user_id)
        .first(c)
        .optional())?;
    Ok(found.is_some())
}

/// Uses a token up: of many at once, one gets the person; the account may have been closed in the meantime.
///
/// # Errors
/// When the database fails.
pub fn take(conn: &mut WriteConn<'_>, token: &str) -> Result<Option<UserId>, StoreError> {
    let now = Time(conn.now());
    let user: Option<Id> = on_backend!(conn, |c| diesel::delete(
        r::table.filter(r::token_hash.eq(unguessable::hash(token))).filter(r::expires_at.gt(now))
    )
    .returning(r::user_id)
    .get_result(c)
    .optional())?;
    let Some(user) = user else { return Ok(None) };
    let active: Option<bool> =
        on_backend!(conn, |c| users::table.find(user).select(users::is_active).first(c).optional())?;
    Ok((active == Some(true)).then_some(UserId(user.0)))
}

/// Makes every token of a person worthless.
///
/// # Errors
/// When the database fails.
pub(crate) fn drop_all(conn: &mut WriteConn<'_>, user: UserId) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::delete(r::table.filter(r::user_id.eq(Id(user.0)))).execute(c))?;
    Ok(())
}

/// Forgets tokens that are over, in one statement.
///
/// # Errors
/// When the database fails.
pub(crate) fn purge(conn: &mut WriteConn<'_>) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::delete(r::table.filter(r::expires_at.le(now))).execute(c))?;
    Ok(())
}
