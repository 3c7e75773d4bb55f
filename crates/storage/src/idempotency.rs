//! Requests that may be sent twice: the first one's answer is kept in the same transaction as what it wrote, and
//! comes back to whoever sends the same again.

use diesel::prelude::*;
use mastoc_domain::Timestamp;

use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::idempotency_keys as k;
use crate::types::Time;

/// How long an answer is kept, in seconds: a day.
pub const KEPT_SECONDS: i64 = 24 * 60 * 60;

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is new: do the work, then [`finish`].
    Fresh,
    /// The work was done before; this was the answer.
    Done {
        /// Its HTTP status.
        status: u16,
        /// Its body, as text.
        answer: String,
    },
    /// The key came before with another request.
    OtherRequest,
}

/// Takes a key for the running transaction. Of many at once one is fresh; the others wait for it, and see its answer.
/// Keys older than [`KEPT_SECONDS`] are forgotten here. At most three statements.
///
/// # Errors
/// When the database fails.
pub fn begin(
    conn: &mut WriteConn<'_>,
    caller: &str,
    key: &str,
    request_hash: &str,
) -> Result<Begun, StoreError> {
    let now = conn.now();
    let oldest = Time(Timestamp::from_utc(now.as_utc() - chrono::TimeDelta::seconds(KEPT_SECONDS)));
    on_backend!(conn, |c| diesel::delete(k::table.filter(k::created_at.lt(oldest))).execute(c))?;
    let taken = on_backend!(conn, |c| diesel::insert_into(k::table)
        .values((
            k::caller.eq(caller),
            k::key.eq(key),
            k::request_hash.eq(request_hash),
            k::status.eq(0),
            k::answer.eq(""),
            k::created_at.eq(Time(now)),
        ))
        .on_conflict((k::caller, k::key))
        .do_nothing()
        .execute(c))?;
    if taken == 1 {
        return Ok(Begun::Fresh);
    }
    let (hash, status, answer): (String, i32, String) = on_backend!(conn, |c| k::table
        .find((caller, key))
        .select((k::request_hash, k::status, k::answer))
        .first(c))?;
    if hash == request_hash {
        Ok(Begun::Done { status: u16::try_from(status).unwrap_or_default(), answer })
    } else {
        Ok(Begun::OtherRequest)
    }
}

/// Keeps the answer of the work that a fresh key was taken for.
///
/// # Errors
/// When the database fails.
pub fn finish(
    conn: &mut WriteConn<'_>,
    caller: &str,
    key: &str,
    status: u16,
    answer: &str,
) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::update(k::table.find((caller, key)))
        .set((k::status.eq(i32::from(status)), k::answer.eq(answer)))
        .execute(c))?;
    Ok(())
}
