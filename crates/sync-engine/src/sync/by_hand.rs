//! What a person decides about something that was sent to Stokt and of which nobody knows what became.

use std::collections::BTreeSet;
use std::time::Duration;

use mastoc_domain::canonical::fingerprint;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ClimbId, ListId, StoktId};
use mastoc_stokt_client::{Client, MyClimbs};
use mastoc_storage::import::ImportContext;
use mastoc_storage::outbox::{self, Created, Entry};
use mastoc_storage::{ReadConn, RunLock, Store, StoreError, WriteConn};
use uuid::Uuid;

use super::opened::holder;
use super::push::verified;
use super::sending::Frozen;
use super::settle::{climb_of, personal_lists_of};
use crate::convert::{Setters, climb_from_stokt};
use crate::error::EngineError;
use crate::pipeline::seen_id;

/// Most twins that one line tells how to adopt.
const MOST_TWINS: usize = 3;
/// The ways out of being held back besides adopting a twin.
const OTHER_WAYS: usize = 2;

/// How long something that a person does waits for a run that is under way.
#[derive(Clone, Copy)]
pub struct Patience<'p> {
    /// So long at most.
    pub most: Duration,
    /// Is told at once that it waits, and for whom.
    pub waits: &'p dyn Fn(&str),
}

impl From<Duration> for Patience<'_> {
    fn from(most: Duration) -> Self {
        Self { most, waits: &|_| () }
    }
}

/// Takes the lock of the database for something that a person does, with some patience: while a run works, nobody
/// decides about what it is sending. `owner`: who does it, in words for whoever waits meanwhile.
///
/// # Errors
/// [`EngineError::Locked`] when a run is under way for longer, or the database's failure.
pub fn lock<'p>(
    store: &Store,
    owner: &str,
    patience: impl Into<Patience<'p>>,
) -> Result<RunLock, EngineError> {
    let Patience { most, waits } = patience.into();
    if let Some(lock) = RunLock::try_acquire(store, owner)? {
        return Ok(lock);
    }
    if !most.is_zero() {
        waits(&holder(store)?);
        if let Some(lock) = RunLock::acquire(store, owner, most, &|| false)? {
            return Ok(lock);
        }
    }
    Err(EngineError::Locked { holder: holder(store)? })
}

/// What Stokt shows of the account's that may be what became of a row of the outbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Everything of that kind, in that place.
    shown: BTreeSet<StoktId>,
    /// Of those, what looks like it and was not there before it was sent.
    alike: BTreeSet<StoktId>,
}

/// Asks Stokt what a row may have become: of a climb, one request for every page of the account's climbs in its gym.
///
/// # Errors
/// [`StoreError::Invalid`] when there is no such row, its outcome is known, or another account sent it; what Stokt
/// answers; or the database's failure.
pub fn candidates(client: &Client, store: &Store, id: Uuid) -> Result<Candidates, EngineError> {
    let (entry, thing) = store.read(|conn| unsettled(conn, id))?;
    let account = crate::convert::stokt_id(&client.me()?.id, "account")?;
    if account != entry.account {
        let why = format!(
            "{id} is the account {}'s at Stokt, and this is another one: settle it with that account's token",
            entry.account
        );
        return Err(StoreError::Invalid(why).into());
    }
    let mut found = Candidates::default();
    match thing {
        Thing::Climb(_, frozen) => {
            for page in client.my_climbs(frozen.gym, MyClimbs::Set)? {
                for record in page?.into_distinct() {
                    let there = seen_id(&record);
                    // What cannot be read may be it. No climb moves to another face.
                    if let Ok(climb) = climb_from_stokt(&record, &mut Setters::new()) {
                        if climb.face_stokt_id != frozen.face {
                            continue;
                        }
                        let print = fingerprint(frozen.face, account, &climb.holds_list, &climb.name);
                        found.alike.extend(Some(there).filter(|_| print == entry.fingerprint));
                    }
                    found.shown.insert(there);
                }
            }
        }
        Thing::List(_, name) => {
            let there = personal_lists_of(client, account)?;
            found.alike.extend(there.called(&name));
            found.shown.extend(there.lists.iter().map(|(id, _)| *id));
        }
    }
    if !entry.is_held_back() {
        found.alike.retain(|one| !entry.known_twins.contains(one));
    }
    Ok(found)
}

/// Something whose counterpart at Stokt is known by now.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    /// Its row.
    pub entry: Entry,
    /// The list here that a pull had made of that counterpart, and that is a list of its own from now on.
    pub freed: Option<ListId>,
}

/// Says what at Stokt became of a row of the outbox: ours and that one are linked from now on. What differs comes with
/// the next pull; what was edited here since it was sent waits to be sent. `shown`: what Stokt shows.
///
/// # Errors
/// [`StoreError::Invalid`] when there is no such row, its outcome is known, Stokt shows no such thing, or either side is
/// linked otherwise; [`StoreError::Fenced`] when another run has taken over; or the database's failure.
pub fn adopt(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    id: Uuid,
    stokt_id: StoktId,
    shown: &Candidates,
) -> Result<Adopted, StoreError> {
    let (entry, thing) = unsettled(conn, id)?;
    if !shown.shown.contains(&stokt_id) {
        return Err(StoreError::Invalid(not_shown(&entry, stokt_id, shown)));
    }
    let lease = outbox::take_over(conn, ctx, &entry)?;
    let mut freed = None;
    let (created, ours) = match thing {
        Thing::Climb(climb, frozen) => {
            let base = frozen.base().ok_or_else(|| StoreError::Invalid(unreadable(id)))?;
            // Whether Stokt's is private is seen by the next run.
            let (base, sent_rev) = verified(base, false, entry.local_rev);
            (outbox::created(conn, ctx, lease, climb, stokt_id, &base, sent_rev)?, climb.to_string())
        }
        Thing::List(list, _) => {
            // What a pull made of it meanwhile gives way.
            if entry.known_twins.contains(&stokt_id) && entry.is_held_back() {
                freed = outbox::free_list(conn, ctx, stokt_id)?;
            }
            (outbox::created_list(conn, ctx, lease, list, stokt_id)?, list.to_string())
        }
    };
    match created {
        Created::Linked | Created::Deleted => Ok(Adopted { entry, freed }),
        // Refusing it leaves everything as it was.
        Created::Taken => Err(StoreError::Invalid(format!(
            "{kind} {stokt_id} of Stokt, or {kind} {ours} here, is linked to another already",
            kind = entry.entity
        ))),
    }
}

/// Why something is not adopted, and what to do instead.
fn not_shown(entry: &Entry, stokt_id: StoktId, shown: &Candidates) -> String {
    let kind = entry.entity;
    let then = match shown.alike.first() {
        Some(one) => format!("one just like it is {one}"),
        None => format!("look at the account's {kind}s in Stokt, and give the id of one of them"),
    };
    format!("Stokt shows this account no {kind} {stokt_id} that may be it; {then}")
}

/// Says that Stokt has nothing of what was sent: it waits to be sent again.
///
/// # Errors
/// As [`adopt`]; also [`StoreError::Invalid`] for what was never sent: Stokt has what it was held back for.
pub fn not_created(conn: &mut WriteConn<'_>, ctx: &ImportContext<'_>, id: Uuid) -> Result<Entry, StoreError> {
    let (entry, ..) = unsettled(conn, id)?;
    if entry.is_held_back() {
        return Err(StoreError::Invalid(format!("{id} was never sent: {}", ways_out(&entry))));
    }
    outbox::requeue(conn, ctx, &[id], "a person says that it was not created")?;
    Ok(entry)
}

/// Says that what is held back is another one than Stokt has: it waits to be sent.
///
/// # Errors
/// As [`adopt`]; also [`StoreError::Invalid`] for what was sent: sending it again could make it twice.
pub fn send_all_the_same(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    id: Uuid,
) -> Result<Entry, StoreError> {
    let (entry, ..) = unsettled(conn, id)?;
    if !entry.is_held_back() {
        let why = format!(
            "{id} was sent already, and --send is for what never was; use --adopt STOKT_ID or --not-created"
        );
        return Err(StoreError::Invalid(why));
    }
    outbox::requeue(conn, ctx, &[id], "a person says that it is another one")?;
    Ok(entry)
}

/// What a person can do about something that waits for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// When this is the right thing.
    pub when: &'static str,
    /// What to type.
    pub command: String,
}

/// What a person can do about a row; nothing where no person is needed.
#[must_use]
pub fn remedies(entry: &Entry) -> Vec<Remedy> {
    if entry.state != OutboxState::Ambiguous || entry.action != OutboxAction::Create {
        return Vec::new();
    }
    let settle = format!("mastoc-sync outbox settle {}", entry.id);
    if !entry.is_held_back() {
        return vec![
            Remedy { when: "it is one of them", command: format!("{settle} --adopt STOKT_ID") },
            Remedy { when: "it is none of them", command: format!("{settle} --not-created") },
        ];
    }
    let adopt = |twin| Remedy { when: "it is that one", command: format!("{settle} --adopt {twin}") };
    let mut remedies: Vec<Remedy> = entry.known_twins.iter().map(adopt).collect();
    let send = match entry.entity {
        EntityKind::Climb => {
            format!("mastoc-sync --direction mastoc-to-stokt --climb-ids {}", entry.local_id)
        }
        _ => format!("{settle} --send"),
    };
    remedies.push(Remedy { when: "it is another one, to be sent as well", command: send });
    let off = format!("mastoc-sync outbox drop {}", entry.id);
    remedies.push(Remedy { when: "it is another one, not to be sent", command: off });
    remedies
}

/// The same in one line; of many twins only the first.
pub(crate) fn ways_out(entry: &Entry) -> String {
    let all = remedies(entry);
    let others = all.len().saturating_sub(OTHER_WAYS);
    let told = all.iter().enumerate().filter(|(at, _)| *at < MOST_TWINS || *at >= others);
    told.map(|(_, one)| format!("if {}: {}", one.when, one.command)).collect::<Vec<_>>().join("; ")
}

fn unreadable(id: Uuid) -> String {
    format!("what was sent with {id} cannot be read any more; unlink or delete the climb instead")
}

/// What a row creates.
enum Thing {
    /// A climb, and what is sent of it.
    Climb(ClimbId, Box<Frozen>),
    /// A list, and its name.
    List(ListId, String),
}

/// Something that may have been created at Stokt, or is held back.
fn unsettled(conn: &mut ReadConn<'_>, id: Uuid) -> Result<(Entry, Thing), StoreError> {
    let invalid = |why: String| StoreError::Invalid(why);
    let entry = outbox::by_id(conn, id)?
        .ok_or_else(|| invalid(format!("there is no {id} in the outbox; mastoc-sync outbox lists it")))?;
    if !entry.state.is_unsettled() {
        return Err(invalid(format!("{id} is {}: there is nothing to settle about it", entry.state)));
    }
    let thing = match (entry.action, entry.entity) {
        (OutboxAction::Create, EntityKind::List) => {
            let name = entry.payload.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
            entry.local_id.parse().ok().map(|list| Thing::List(list, name.to_owned()))
        }
        (OutboxAction::Create, _) => {
            let frozen = Frozen::of(&entry).ok_or_else(|| invalid(unreadable(id)))?;
            climb_of(&entry).map(|climb| Thing::Climb(climb, Box::new(frozen)))
        }
        _ => None,
    };
    let thing = thing.ok_or_else(|| {
        invalid(format!("{id} creates nothing; the next run finds out by itself what became of it"))
    })?;
    Ok((entry, thing))
}
