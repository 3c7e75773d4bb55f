//! Accounts: people who can log in here.

use diesel::prelude::*;
use mastoc_domain::UserId;
use mastoc_domain::access::AccountRole;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::fold::fold_name;
use mastoc_domain::sync_state::Source;

use crate::changes::PendingChange;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::users;
use crate::sessions;
use crate::types::{Id, Time};

/// An account to be made; its texts were checked before.
#[derive(Debug, Clone)]
pub struct NewAccount<'a> {
    /// The e-mail address, as its owner writes it.
    pub email: &'a str,
    /// The name to log in with; without '@'.
    pub username: &'a str,
    /// The name that others see.
    pub full_name: &'a str,
    /// The hash of the password, as a PHC string.
    pub password_hash: &'a str,
    /// What the person may do.
    pub role: AccountRole,
}

/// How addresses and user names are compared: without regard to case.
pub(crate) fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Makes an account.
///
/// # Errors
/// [`StoreError::Conflict`] when the address or the user name is taken; or when the database fails.
pub fn create(conn: &mut WriteConn<'_>, account: &NewAccount<'_>) -> Result<UserId, StoreError> {
    let id = UserId::generate();
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::insert_into(users::table)
        .values((
            users::id.eq(Id(id.0)),
            users::full_name.eq(account.full_name),
            users::full_name_folded.eq(fold_name(account.full_name)),
            users::email.eq(account.email),
            users::email_folded.eq(fold(account.email)),
            users::username.eq(account.username),
            users::username_folded.eq(fold(account.username)),
            users::password_hash.eq(account.password_hash),
            users::role.eq(account.role.as_str()),
            users::is_active.eq(true),
            users::source.eq(Source::Mastoc.as_str()),
            users::created_at.eq(now),
            users::updated_at.eq(now),
        ))
        .execute(c))?;
    conn.note(PendingChange {
        entity: Changed::User,
        id: id.to_string(),
        kind: ChangeKind::Created,
        is_public: true,
        owner: Some(id),
    });
    Ok(id)
}

/// Gives a person another password: every login of theirs ends.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such account; or when the database fails.
pub fn set_password(conn: &mut WriteConn<'_>, user: UserId, password_hash: &str) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let changed = on_backend!(conn, |c| diesel::update(
        users::table.find(Id(user.0)).filter(users::username.is_not_null())
    )
    .set((users::password_hash.eq(password_hash), users::updated_at.eq(now)))
    .execute(c))?;
    if changed == 0 {
        return Err(StoreError::NotFound);
    }
    sessions::end_all(conn, user, None)?;
    Ok(())
}
