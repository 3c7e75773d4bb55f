//! Keys of the service: made once, kept as a hash, compared in constant time, revoked but never forgotten.
//!
//! A key reads `mastoc_<prefix>_<secret>`: 8 characters that name it and 256 random bits in 43 characters of
//! base64url. A slow password hash would gain nothing over SHA-256 for a secret that cannot be guessed.

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use mastoc_domain::access::Scope;
use mastoc_domain::{ApiKeyId, Timestamp};
use subtle::ConstantTimeEq as _;

use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::api_keys;
use crate::types::{Id, Time};
use crate::unguessable::{self, hash};

const START: &str = "mastoc_";
const PREFIX_LENGTH: usize = 8;
const PREFIX_LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
const LONGEST_NAME: usize = 100;
/// Using a key is noted at most so often, so that reading does not write all the time.
const SECONDS_BETWEEN_NOTES: i64 = 3_600;

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is for, unique among the keys that are not revoked.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// The part of it that is no secret.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, within an hour.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Clone)]
pub struct NewKey {
    /// The whole key: shown once, and kept nowhere.
    pub plain: String,
    /// What is kept of it.
    pub key: ApiKey,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("key", &self.key).finish_non_exhaustive()
    }
}

#[derive(Insertable)]
#[diesel(table_name = api_keys)]
struct NewRow<'a> {
    id: Id,
    name: &'a str,
    scope: &'a str,
    prefix: &'a str,
    secret_hash: &'a str,
    created_at: Time,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct KeyRow {
    id: Id,
    name: String,
    scope: Word<Scope>,
    prefix: String,
    secret_hash: String,
    created_at: Time,
    last_used_at: Option<Time>,
    revoked_at: Option<Time>,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: ApiKeyId(row.id.0),
            name: row.name,
            scope: row.scope.0,
            prefix: row.prefix,
            created_at: row.created_at.0,
            last_used_at: row.last_used_at.map(|time| time.0),
            revoked_at: row.revoked_at.map(|time| time.0),
        }
    }
}

/// Makes a key.
///
/// # Errors
/// [`StoreError::Invalid`] when the name is empty, longer than 100 characters or has control characters,
/// [`StoreError::Conflict`] when a key of that name holds (a revoked one leaves its name to the next, so that keys can
/// be rotated under one name); or when the database fails.
pub fn create(conn: &mut WriteConn<'_>, name: &str, scope: Scope) -> Result<NewKey, StoreError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(StoreError::Invalid(format!(
            "the name of a key has 1 to {LONGEST_NAME} characters, none of them a control character"
        )));
    }
    let prefix: String = rand::random::<[u8; PREFIX_LENGTH]>()
        .iter()
        .filter_map(|byte| PREFIX_LETTERS.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter))
        .collect();
    let secret = unguessable::make();
    let plain = format!("{START}{prefix}_{secret}");
    let key = ApiKey {
        id: ApiKeyId::generate(),
        name: name.to_owned(),
        scope,
        prefix,
        created_at: conn.now(),
        last_used_at: None,
        revoked_at: None,
    };
    let row = NewRow {
        id: Id(key.id.0),
        name: &key.name,
        scope: scope.as_str(),
        prefix: &key.prefix,
        secret_hash: &hash(&plain),
        created_at: Time(key.created_at),
    };
    on_backend!(conn, |c| diesel::insert_into(api_keys::table).values(&row).execute(c))?;
    Ok(NewKey { plain, key })
}

/// The key that `text` is, unless it is unknown, wrong or revoked; which of these, nobody is told.
///
/// # Errors
/// When the database fails.
pub fn verify(conn: &mut ReadConn<'_>, text: &str) -> Result<Option<ApiKey>, StoreError> {
    let Some(prefix) = prefix_of(text) else { return Ok(None) };
    let row: Option<KeyRow> = on_backend!(conn, |c| api_keys::table
        .filter(api_keys::prefix.eq(prefix))
        .select(KeyRow::as_select())
        .first(c)
        .optional())?;
    // Hashed in every case, so that the time taken does not tell which prefixes exist.
    let given = hash(text);
    let Some(row) = row else { return Ok(None) };
    let is_right = bool::from(given.as_bytes().ct_eq(row.secret_hash.as_bytes()));
    Ok((is_right && row.revoked_at.is_none()).then(|| ApiKey::from(row)))
}

/// Notes that a key was used, unless that was noted within the last hour.
///
/// # Errors
/// When the database fails.
pub fn note_use(conn: &mut WriteConn<'_>, key: &ApiKey) -> Result<(), StoreError> {
    if !wants_note(key, conn.now()) {
        return Ok(());
    }
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(api_keys::table.find(Id(key.id.0)))
        .set(api_keys::last_used_at.eq(now))
        .execute(c))?;
    Ok(())
}

/// Whether [`note_use`] would write, so that callers need no transaction when it would not.
#[must_use]
pub fn wants_note(key: &ApiKey, now: Timestamp) -> bool {
    key.last_used_at.is_none_or(|last| (now.as_utc() - last.as_utc()).num_seconds() >= SECONDS_BETWEEN_NOTES)
}

/// Every key, revoked ones included, the first made first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut ReadConn<'_>) -> Result<Vec<ApiKey>, StoreError> {
    let rows: Vec<KeyRow> = on_backend!(conn, |c| api_keys::table
        .select(KeyRow::as_select())
        .order((api_keys::created_at.asc(), api_keys::id.asc()))
        .load(c))?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Revokes the key of this name or prefix, from now on. Revoking it again changes nothing: of several keys that bore
/// the name, the one that still holds is meant, else the newest.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such key; or when the database fails.
pub fn revoke(conn: &mut WriteConn<'_>, name_or_prefix: &str) -> Result<ApiKey, StoreError> {
    if name_or_prefix.contains('\0') {
        return Err(StoreError::NotFound);
    }
    let now = Time(conn.now());
    let rows: Vec<KeyRow> = on_backend!(conn, |c| api_keys::table
        .filter(api_keys::name.eq(name_or_prefix).or(api_keys::prefix.eq(name_or_prefix)))
        .select(KeyRow::as_select())
        .load(c))?;
    // A name may look like another key's prefix; among keys that hold, the name wins.
    let mut row = rows
        .into_iter()
        .max_by_key(|row| (row.revoked_at.is_none(), row.name == name_or_prefix, row.created_at.0, row.id.0))
        .ok_or(StoreError::NotFound)?;
    if row.revoked_at.is_none() {
        on_backend!(conn, |c| diesel::update(api_keys::table.find(row.id))
            .set(api_keys::revoked_at.eq(now))
            .execute(c))?;
        row.revoked_at = Some(now);
    }
    Ok(ApiKey::from(row))
}

fn prefix_of(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(START)?;
    let prefix = rest.get(..PREFIX_LENGTH)?;
    let secret = rest.get(PREFIX_LENGTH..)?.strip_prefix('_')?;
    let is_prefix = prefix.bytes().all(|byte| PREFIX_LETTERS.contains(&byte));
    (is_prefix && unguessable::is_one(secret)).then_some(prefix)
}
