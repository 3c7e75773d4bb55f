//! Accounts as their owners, other people and admins see them, and what owners and admins change of them.

use diesel::deserialize::Queryable;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use mastoc_domain::access::AccountRole;
use mastoc_domain::board::Setter;
use mastoc_domain::fold::{escape_like, fold_name};
use mastoc_domain::text::{PersonName, Username};
use mastoc_domain::{StoktId, Timestamp, UserId};

use crate::accounts::fold;
use crate::climbs::Word;
use crate::conn::{AnyConnection, ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::images::{self, ServedImage};
use crate::import::pictures::{VerifiedImage, save_image};
use crate::schema::users;
use crate::types::{DbTime, DbUuid, Id, Time};
use crate::visibility::Viewer;
use crate::{echoes, sessions, setters};

/// An account, as its owner and admins see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Stokt's id, once a setter was claimed.
    pub stokt_id: Option<StoktId>,
    /// The name they show.
    pub full_name: String,
    /// Their address.
    pub email: Option<String>,
    /// The name they log in with.
    pub username: Option<String>,
    /// The path of their avatar.
    pub avatar_path: Option<String>,
    /// What they are on this server.
    pub role: AccountRole,
    /// Whether they may log in.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When they last logged in, as far as that login is still known.
    pub last_login_at: Option<Timestamp>,
    /// When they were last here, roughly.
    pub last_seen_at: Option<Timestamp>,
    /// How many climbs they set, private ones too.
    pub climbs_count: i64,
}

/// A person, as everybody sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Name, picture and climbs.
    pub setter: Setter,
    /// The name they log in with; imported setters have none.
    pub username: Option<String>,
    /// Whether the account was deleted: the name stands for nobody then.
    pub is_deleted: bool,
    /// When the person came to be known here.
    pub created_at: Timestamp,
}

/// Which accounts an admin looks for.
#[derive(Debug, Clone, Default)]
pub struct AccountFilter {
    /// Part of the name, the user name or the address, whatever its case.
    pub search: Option<String>,
    /// With this role.
    pub role: Option<AccountRole>,
    /// Those who may log in, or those who may not.
    pub is_active: Option<bool>,
}

/// What became of an admin's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Administered {
    /// It is so now.
    Done,
    /// Nobody would be left to run the server; nothing changed.
    LastAdmin,
}

type AccountColumns = (
    DbUuid,
    Nullable<DbUuid>,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    Bool,
    DbTime,
    DbTime,
    Nullable<DbTime>,
    Nullable<DbTime>,
    BigInt,
);

#[derive(Queryable)]
struct AccountRow {
    id: Id,
    stokt_id: Option<Id>,
    full_name: String,
    email: Option<String>,
    username: Option<String>,
    avatar_path: Option<String>,
    role: Word<AccountRole>,
    is_active: bool,
    created_at: Time,
    updated_at: Time,
    last_login_at: Option<Time>,
    last_seen_at: Option<Time>,
    climbs_count: i64,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self {
            id: UserId(row.id.0),
            stokt_id: row.stokt_id.map(|id| StoktId(id.0)),
            full_name: row.full_name,
            email: row.email,
            username: row.username,
            avatar_path: row.avatar_path,
            role: row.role.0,
            is_active: row.is_active,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            last_login_at: row.last_login_at.map(|time| time.0),
            last_seen_at: row.last_seen_at.map(|time| time.0),
            climbs_count: row.climbs_count,
        }
    }
}

/// Only accounts: neither imported setters nor what is left of somebody who went.
const IS_ACCOUNT: &str = "u.username IS NOT NULL AND u.deleted_at IS NULL";

fn select_accounts() -> Fragment {
    let mut sql = Fragment::new(
        "SELECT u.id, u.stokt_id, u.full_name, u.email, u.username, u.avatar_path, u.role, u.is_active, u.created_at, \
         u.updated_at, (SELECT max(s.created_at) FROM sessions s WHERE s.user_id = u.id), \
         (SELECT max(s.last_used_at) FROM sessions s WHERE s.user_id = u.id), \
         (SELECT count(*) FROM climbs c WHERE c.setter_id = u.id) FROM users u WHERE ",
    );
    sql.sql(IS_ACCOUNT);
    sql
}

fn accounts(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Vec<Account>, StoreError> {
    let statement = sql.selecting::<AccountColumns>();
    let rows: Vec<AccountRow> = on_backend!(conn, |c| statement.load(c))?;
    Ok(rows.into_iter().map(Account::from).collect())
}

/// One account.
///
/// # Errors
/// When the database fails.
pub fn account(conn: &mut ReadConn<'_>, id: UserId) -> Result<Option<Account>, StoreError> {
    let mut sql = select_accounts();
    sql.sql(" AND u.id = ").id(id.0);
    Ok(accounts(conn, sql)?.pop())
}

fn narrow(sql: &mut Fragment, filter: &AccountFilter) {
    if let Some(role) = filter.role {
        sql.sql(" AND u.role = ").text(role.as_str());
    }
    match filter.is_active {
        Some(true) => drop(sql.sql(" AND u.is_active")),
        Some(false) => drop(sql.sql(" AND NOT u.is_active")),
        None => {}
    }
    if let Some(search) = &filter.search {
        let pattern = |text: &str| format!("%{}%", escape_like(text));
        let (name, login) = (pattern(&fold_name(search)), pattern(&fold(search)));
        sql.sql(" AND (u.full_name_folded LIKE ").text(name).sql(" ESCAPE '\\' OR u.username_folded LIKE ");
        sql.text(login.clone()).sql(" ESCAPE '\\' OR u.email_folded LIKE ").text(login).sql(" ESCAPE '\\')");
    }
}

/// Accounts by folded name and id: at most `limit` after leaving out `offset`.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut ReadConn<'_>,
    filter: &AccountFilter,
    offset: i64,
    limit: i64,
) -> Result<Vec<Account>, StoreError> {
    let mut sql = select_accounts();
    narrow(&mut sql, filter);
    sql.sql(" ORDER BY u.full_name_folded, u.id LIMIT ").big(limit.max(0)).sql(" OFFSET ");
    sql.big(offset.max(0));
    accounts(conn, sql)
}

/// How many accounts [`list`] lists.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut ReadConn<'_>, filter: &AccountFilter) -> Result<i64, StoreError> {
    let mut sql = Fragment::new("SELECT count(*) FROM users u WHERE ");
    sql.sql(IS_ACCOUNT);
    narrow(&mut sql, filter);
    let statement = sql.selecting::<BigInt>();
    Ok(on_backend!(conn, |c| statement.get_result(c))?)
}

/// What everybody sees of a person, be it an account, an imported setter or what is left of somebody who went.
///
/// # Errors
/// When the database fails.
pub fn profile(conn: &mut ReadConn<'_>, viewer: Viewer, id: UserId) -> Result<Option<Profile>, StoreError> {
    let Some(setter) = setters::by_id(conn, viewer, id)? else { return Ok(None) };
    let row: Option<(Option<String>, Option<Time>, Time)> = on_backend!(conn, |c| users::table
        .find(Id(id.0))
        .select((users::username, users::deleted_at, users::created_at))
        .first(c)
        .optional())?;
    Ok(row.map(|(username, deleted_at, created_at)| Profile {
        setter,
        username,
        is_deleted: deleted_at.is_some(),
        created_at: created_at.0,
    }))
}

/// Gives a person another name, another user name, or both. Answers whether anything changed.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such account, [`StoreError::Conflict`] when somebody else bears the user
/// name; or when the database fails.
pub fn rename(
    conn: &mut WriteConn<'_>,
    id: UserId,
    full_name: Option<&PersonName>,
    username: Option<&Username>,
) -> Result<bool, StoreError> {
    let before = account(conn, id)?.ok_or(StoreError::NotFound)?;
    let full_name = full_name.map_or(before.full_name.as_str(), PersonName::as_str);
    let username = username.map(Username::as_str).or(before.username.as_deref());
    if full_name == before.full_name && username == before.username.as_deref() {
        return Ok(false);
    }
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(users::table.find(Id(id.0)))
        .set((
            users::full_name.eq(full_name),
            users::full_name_folded.eq(fold_name(full_name)),
            users::username.eq(username),
            users::username_folded.eq(username.map(fold)),
            users::updated_at.eq(now),
        ))
        .execute(c))?;
    echoes::person_changed(conn, id)?;
    Ok(true)
}

/// Lets decisions about who runs the server take turns, so that two of them never take away the last admin together.
fn take_turns(conn: &mut WriteConn<'_>) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = conn.any() {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtext('mastoc.admins'))").execute(c)?;
    }
    Ok(())
}

/// Whether this person alone runs the server. Until the transaction ends nobody else can come to a decision by that.
///
/// # Errors
/// When the database fails.
pub fn is_last_admin(conn: &mut WriteConn<'_>, id: UserId) -> Result<bool, StoreError> {
    take_turns(conn)?;
    let admins: Vec<Id> = on_backend!(conn, |c| users::table
        .filter(users::role.eq(AccountRole::Admin.as_str()))
        .filter(users::is_active.eq(true))
        .select(users::id)
        .limit(2)
        .load(c))?;
    Ok(admins == [Id(id.0)])
}

/// Changes what a person is, and whether they may log in. Whoever may not is logged out everywhere.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such account; or when the database fails.
pub fn administer(
    conn: &mut WriteConn<'_>,
    id: UserId,
    role: Option<AccountRole>,
    is_active: Option<bool>,
) -> Result<Administered, StoreError> {
    let takes_away = role == Some(AccountRole::User) || is_active == Some(false);
    if takes_away && is_last_admin(conn, id)? {
        return Ok(Administered::LastAdmin);
    }
    let before = account(conn, id)?.ok_or(StoreError::NotFound)?;
    let (role, is_active) = (role.unwrap_or(before.role), is_active.unwrap_or(before.is_active));
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(users::table.find(Id(id.0)))
        .set((users::role.eq(role.as_str()), users::is_active.eq(is_active), users::updated_at.eq(now)))
        .execute(c))?;
    if !is_active {
        sessions::end_all(conn, id, None)?;
    }
    Ok(Administered::Done)
}

/// The verified picture that a person shows.
///
/// # Errors
/// When the database fails.
pub fn avatar(conn: &mut ReadConn<'_>, id: UserId) -> Result<Option<ServedImage>, StoreError> {
    let sha256: Option<Option<String>> =
        on_backend!(conn, |c| users::table.find(Id(id.0)).select(users::avatar_sha256).first(c).optional())?;
    sha256.flatten().map_or(Ok(None), |sha256| images::by_sha(conn, &sha256))
}

/// Shows a picture for a person, or none. Answers the picture shown before if nobody shows it any more: its file can
/// go before the transaction ends, since nobody takes the same picture in meanwhile.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such person; or when the database fails.
pub fn set_avatar(
    conn: &mut WriteConn<'_>,
    id: UserId,
    shown: Option<(&str, &VerifiedImage)>,
) -> Result<Option<ServedImage>, StoreError> {
    if let AnyConnection::Postgres(c) = conn.any() {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtext('mastoc.avatars'))").execute(c)?;
    }
    let before = avatar(conn, id)?;
    if let Some((_, image)) = shown {
        save_image(conn, image)?;
    }
    let now = Time(conn.now());
    let changed = on_backend!(conn, |c| diesel::update(users::table.find(Id(id.0)))
        .set((
            users::avatar_path.eq(shown.map(|(path, _)| path)),
            users::avatar_sha256.eq(shown.map(|(_, image)| image.sha256.as_str())),
            users::updated_at.eq(now),
        ))
        .execute(c))?;
    if changed == 0 {
        return Err(StoreError::NotFound);
    }
    echoes::person_changed(conn, id)?;
    match before {
        Some(image) if images::forget_unused(conn, &image.sha256)? => Ok(Some(image)),
        _ => Ok(None),
    }
}
