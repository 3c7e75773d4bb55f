//! What Stokt counts of single climbs, asked for at once: of its likes, comments and sends. A full run brings the same
//! counters of all climbs with their listing.

use std::collections::HashSet;
use std::fmt::Write as _;

use mastoc_domain::{ClimbId, StoktId};
use mastoc_stokt_client::Client;
use mastoc_storage::counters::{self, Asked, Counted};
use mastoc_storage::import::ImportContext;
use mastoc_storage::sync_climbs::{self, ClimbSide};
use mastoc_storage::{Store, StoreError, sync_writes};
use serde::Serialize;

use super::by_hand;
use crate::decision::clean;
use crate::error::EngineError;

/// Most comments, and most sends, that are asked for; of more than that it is only known that there are so many.
const MOST: u32 = 1_000;
/// Most characters of a name.
const NAME: usize = 60;

/// One climb's counters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClimbCounters {
    /// Our id.
    pub climb: ClimbId,
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// Its name.
    pub name: String,
    /// How many people climbed it.
    pub climbed_by: i32,
    /// How many like it.
    pub total_likes: i32,
    /// How many comments it has.
    pub total_comments: i32,
    /// Whether any of that was another before.
    pub changed: bool,
}

/// A climb of which Stokt told nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCounted {
    /// Our id.
    pub climb: ClimbId,
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// The climbs that Stokt told of, in the order of our ids.
    pub climbs: Vec<ClimbCounters>,
    /// The others.
    pub skipped: Vec<NotCounted>,
}

impl Counters {
    /// A short table for people. It ends with a line break.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        for one in &self.climbs {
            let name = clean(&one.name, NAME);
            let news = if one.changed { "" } else { " (as before)" };
            // Writing to a text never fails.
            let _ = writeln!(
                out,
                "{name}: climbed by {}, {} likes, {} comments{news}",
                one.climbed_by, one.total_likes, one.total_comments
            );
        }
        for one in &self.skipped {
            let _ = writeln!(out, "{}: {}", clean(&one.name, NAME), one.why);
        }
        out
    }
}

/// Asks Stokt for the counters of these climbs, three requests for each, and keeps them. `owner`: who does it, in words
/// for whoever waits for the lock meanwhile; a run that is under way is waited for with `patience`.
///
/// # Errors
/// [`EngineError::Locked`] when a run is under way for longer, [`StoreError::Invalid`] when a climb is not here, what
/// Stokt answers, or the database's failure.
pub fn refresh<'p>(
    client: &Client,
    store: &Store,
    owner: &str,
    patience: impl Into<by_hand::Patience<'p>>,
    climbs: &[ClimbId],
) -> Result<Counters, EngineError> {
    let mut sides = store.read(|conn| sync_climbs::local(conn, climbs))?;
    sides.sort_unstable_by_key(|side| side.id);
    if let Some(unknown) = climbs.iter().find(|id| !sides.iter().any(|side| side.id == **id)) {
        return Err(StoreError::Invalid(format!("there is no climb {unknown} here")).into());
    }
    let (mut asked, mut skipped) = (Vec::with_capacity(sides.len()), Vec::new());
    for side in &sides {
        let mut skip = |why: &str| {
            skipped.push(NotCounted { climb: side.id, name: side.name.clone(), why: why.to_owned() });
        };
        let Some(stokt_id) = side.stokt_id else {
            skip("Stokt does not know it");
            continue;
        };
        match ask(client, side.id, stokt_id) {
            Ok(one) => asked.push(one),
            Err(error) if error.is_not_found() => skip("it is gone from Stokt"),
            Err(error) if error.is_forbidden() => skip("Stokt does not show it to this account"),
            Err(error) => return Err(error.into()),
        }
    }
    let lock = by_hand::lock(store, owner, patience)?;
    let ctx = ImportContext { fence: Some(lock.fence()), ..ImportContext::default() };
    let refreshed: Result<_, StoreError> = store.write(|conn| {
        sync_writes::begin(conn, &ctx)?;
        counters::refresh(conn, &asked)
    });
    let told = |one: counters::Refreshed| {
        let side: &ClimbSide = sides.iter().find(|side| side.id == one.climb)?;
        Some(ClimbCounters {
            climb: one.climb,
            stokt_id: side.stokt_id?,
            name: side.name.clone(),
            climbed_by: one.climbed_by,
            total_likes: one.total_likes,
            total_comments: one.total_comments,
            changed: one.is_changed,
        })
    };
    Ok(Counters { climbs: refreshed?.into_iter().filter_map(told).collect(), skipped })
}

fn ask(client: &Client, climb: ClimbId, stokt_id: StoktId) -> Result<Asked, mastoc_stokt_client::Error> {
    let mut likes = 0_usize;
    for page in client.likes(stokt_id)? {
        likes += page?.into_distinct().count();
    }
    let comments = client.comments(stokt_id, MOST)?.len();
    let sends = client.latest_sends(stokt_id, MOST)?;
    // Whoever climbs it again is one person still.
    let people: HashSet<String> = sends
        .iter()
        .filter_map(|send| Some(send.parsed.as_ref().ok()?.effort_by.as_ref()?.id.to_string()))
        .collect();
    Ok(Asked {
        climb,
        stokt_id,
        climbed_by: counted(people.len(), sends.len()),
        total_likes: counted(likes, 0),
        total_comments: counted(comments, comments),
    })
}

/// So many, of `rows` that Stokt showed.
fn counted(count: usize, rows: usize) -> Counted {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    if u32::try_from(rows).is_ok_and(|rows| rows < MOST) {
        Counted::Exactly(count)
    } else {
        Counted::AtLeast(count)
    }
}
