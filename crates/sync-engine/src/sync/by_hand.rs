//! What a person decides about something that was sent to Stokt and of which nobody knows what became.

use std::time::Duration;

use mastoc_domain::outbox::OutboxAction;
use mastoc_domain::{ClimbId, StoktId};
use mastoc_storage::import::ImportContext;
use mastoc_storage::outbox::{self, Created, Entry};
use mastoc_storage::{RunLock, Store, StoreError, WriteConn, locks};
use uuid::Uuid;

use super::push::verified;
use super::sending::Frozen;
use super::settle::climb_of;
use crate::error::EngineError;

/// Takes the lock of the database for something that a person does, waiting for `patience` at most: while a run works,
/// nobody decides about what it is sending. `owner`: who does it, in words for whoever waits meanwhile.
///
/// # Errors
/// [`EngineError::Locked`] when a run is under way for longer, or the database's failure.
pub fn lock(store: &Store, owner: &str, patience: Duration) -> Result<RunLock, EngineError> {
    if let Some(lock) = RunLock::acquire(store, owner, patience, &|| false)? {
        return Ok(lock);
    }
    let holder = store.read(locks::holder)?;
    let holder = holder.map_or_else(
        || "unknown".to_owned(),
        |holder| format!("{}, since {}", holder.owner, holder.acquired_at),
    );
    Err(EngineError::Locked { holder })
}

/// Says which climb at Stokt became of a row of the outbox: ours and that one are linked from now on. What differs comes
/// with the next pull; what was edited here since it was sent waits to be sent.
///
/// # Errors
/// [`StoreError::Invalid`] when there is no such row, its outcome is known, or either climb is linked otherwise;
/// [`StoreError::Fenced`] when another run has taken over; or the database's failure.
pub fn adopt(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    id: Uuid,
    stokt_id: StoktId,
) -> Result<Entry, StoreError> {
    let (entry, climb, frozen) = unsettled(conn, id)?;
    let base = frozen.base().ok_or_else(|| StoreError::Invalid(unreadable(id)))?;
    let lease = outbox::take_over(conn, ctx, &entry)?;
    // Whether Stokt's is private is seen by the next run.
    let (base, sent_rev) = verified(base, false, entry.local_rev);
    match outbox::created(conn, ctx, lease, climb, stokt_id, &base, sent_rev)? {
        Created::Linked | Created::Deleted => Ok(entry),
        // Refusing it leaves everything as it was.
        Created::Taken => Err(StoreError::Invalid(format!(
            "climb {stokt_id} of Stokt, or climb {climb} here, is linked to another already"
        ))),
    }
}

/// Says that Stokt has nothing of what was sent: it waits to be sent again.
///
/// # Errors
/// As [`adopt`].
pub fn not_created(conn: &mut WriteConn<'_>, ctx: &ImportContext<'_>, id: Uuid) -> Result<Entry, StoreError> {
    let (entry, ..) = unsettled(conn, id)?;
    outbox::requeue(conn, ctx, &[id], "a person says that it was not created")?;
    Ok(entry)
}

fn unreadable(id: Uuid) -> String {
    format!("what was sent with {id} cannot be read any more; unlink or delete the climb instead")
}

/// A climb that may have been created at Stokt.
fn unsettled(conn: &mut WriteConn<'_>, id: Uuid) -> Result<(Entry, ClimbId, Frozen), StoreError> {
    let invalid = |why: String| StoreError::Invalid(why);
    let entry = outbox::by_id(conn, id)?
        .ok_or_else(|| invalid(format!("there is no {id} in the outbox; mastoc-sync outbox lists it")))?;
    if !entry.state.is_unsettled() {
        return Err(invalid(format!("{id} is {}: there is nothing to settle about it", entry.state)));
    }
    let climb = climb_of(&entry).filter(|_| entry.action == OutboxAction::Create);
    let climb = climb.ok_or_else(|| {
        invalid(format!("{id} creates no climb; the next run finds out by itself what became of it"))
    })?;
    let frozen = Frozen::of(&entry).ok_or_else(|| invalid(unreadable(id)))?;
    Ok((entry, climb, frozen))
}
