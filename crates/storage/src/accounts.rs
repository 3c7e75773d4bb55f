//! Accounts: people who can log in here.

use diesel::prelude::*;
use mastoc_domain::UserId;
use mastoc_domain::access::AccountRole;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::fold::fold_name;
use mastoc_domain::sync_state::Source;

use crate::changes::PendingChange;
use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::users;
use crate::types::{Id, Time};
use crate::{resets, sessions};

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

/// What became of a wish for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The account exists now.
    Created(UserId),
    /// Somebody has an account with this e-mail address.
    AddressTaken,
    /// Somebody logs in with this name.
    NameTaken,
}

/// Makes an account, unless the address or the user name is taken; of many at once, one is made. An address that is
/// taken costs a write too, so that the time does not tell.
///
/// # Errors
/// When the database fails.
pub fn register(conn: &mut WriteConn<'_>, account: &NewAccount<'_>) -> Result<Registered, StoreError> {
    let id = UserId::generate();
    let now = Time(conn.now());
    let (email, username) = (fold(account.email), fold(account.username));
    let made = on_backend!(conn, |c| diesel::insert_into(users::table)
        .values((
            users::id.eq(Id(id.0)),
            users::full_name.eq(account.full_name),
            users::full_name_folded.eq(fold_name(account.full_name)),
            users::email.eq(account.email),
            users::email_folded.eq(&email),
            users::username.eq(account.username),
            users::username_folded.eq(&username),
            users::password_hash.eq(account.password_hash),
            users::role.eq(account.role.as_str()),
            users::is_active.eq(true),
            users::source.eq(Source::Mastoc.as_str()),
            users::created_at.eq(now),
            users::updated_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    if made == 1 {
        conn.note(PendingChange {
            entity: Changed::User,
            id: id.to_string(),
            kind: ChangeKind::Created,
            is_public: true,
            owner: Some(id),
        });
        return Ok(Registered::Created(id));
    }
    let named: Option<Id> = on_backend!(conn, |c| users::table
        .filter(users::username_folded.eq(&username))
        .select(users::id)
        .first(c)
        .optional())?;
    if named.is_some() {
        return Ok(Registered::NameTaken);
    }
    on_backend!(conn, |c| diesel::update(users::table.filter(users::email_folded.eq(&email)))
        .set(users::email_folded.eq(&email))
        .execute(c))?;
    Ok(Registered::AddressTaken)
}

/// Makes an account.
///
/// # Errors
/// [`StoreError::Conflict`] when the address or the user name is taken; or when the database fails.
pub fn create(conn: &mut WriteConn<'_>, account: &NewAccount<'_>) -> Result<UserId, StoreError> {
    let taken = |what: &str| Err(StoreError::Conflict { constraint: format!("users_{what}_folded_key") });
    match register(conn, account)? {
        Registered::Created(id) => Ok(id),
        Registered::AddressTaken => taken("email"),
        Registered::NameTaken => taken("username"),
    }
}

/// What a login needs to know of an account.
#[derive(Clone)]
pub struct Account {
    /// Whose it is.
    pub id: UserId,
    /// Its e-mail address.
    pub email: String,
    /// The name to log in with.
    pub username: String,
    /// The name that others see.
    pub full_name: String,
    /// What the person may do.
    pub role: AccountRole,
    /// Whether it is open.
    pub is_active: bool,
    /// The hash of the password, if there is one.
    pub password_hash: Option<String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct AccountRow {
    id: Id,
    email: Option<String>,
    username: Option<String>,
    full_name: String,
    role: Word<AccountRole>,
    is_active: bool,
    password_hash: Option<String>,
}

impl AccountRow {
    /// An imported setter is no account.
    fn account(self) -> Option<Account> {
        Some(Account {
            id: UserId(self.id.0),
            email: self.email?,
            username: self.username?,
            full_name: self.full_name,
            role: self.role.0,
            is_active: self.is_active,
            password_hash: self.password_hash,
        })
    }
}

/// The account that logs in with this name or e-mail address, a closed one too.
///
/// # Errors
/// When the database fails.
pub fn by_login(conn: &mut ReadConn<'_>, name: &str) -> Result<Option<Account>, StoreError> {
    let name = fold(name);
    // No user name has an '@'.
    let row: Option<AccountRow> = if name.contains('@') {
        on_backend!(conn, |c| users::table
            .filter(users::email_folded.eq(&name))
            .select(AccountRow::as_select())
            .first(c)
            .optional())?
    } else {
        on_backend!(conn, |c| users::table
            .filter(users::username_folded.eq(&name))
            .select(AccountRow::as_select())
            .first(c)
            .optional())?
    };
    Ok(row.and_then(AccountRow::account))
}

/// The account of a person, a closed one too.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut ReadConn<'_>, user: UserId) -> Result<Option<Account>, StoreError> {
    let row: Option<AccountRow> = on_backend!(conn, |c| users::table
        .find(Id(user.0))
        .select(AccountRow::as_select())
        .first(c)
        .optional())?;
    Ok(row.and_then(AccountRow::account))
}

/// Keeps the same password in a better hash, unless it was changed in the meantime. No login ends.
///
/// # Errors
/// When the database fails.
pub fn rehash(conn: &mut WriteConn<'_>, user: UserId, old: &str, new: &str) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::update(
        users::table.find(Id(user.0)).filter(users::password_hash.eq(old))
    )
    .set(users::password_hash.eq(new))
    .execute(c))?;
    Ok(())
}

/// Gives a person another password: every login of theirs ends, and what was sent to reset it is worthless.
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
    resets::drop_all(conn, user)
}
