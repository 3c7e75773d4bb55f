//! Setting right what is kept of a climb, where something else than this program changed the database: its link, its
//! state, its content, and what it is searched by. Stokt hears nothing of it, and the climb's history keeps what it said.

use std::collections::BTreeSet;
use std::fmt;

use diesel::prelude::*;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::fold::fold_name;
use mastoc_domain::holds_list::HoldsList;
use mastoc_domain::sync_state::{EntityKind, SyncState};
use mastoc_domain::{ClimbId, StoktId, UserId};

use crate::changes::PendingChange;
use crate::climb_writes;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::schema::{climb_holds, climbs, sync_links};
use crate::sync_climbs::{self, ClimbSide, Known};
use crate::sync_writes::{self, Agreement, Merged};
use crate::types::{Id, Time};
use crate::unlinking;

/// What of a climb was not right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Which climb of Stokt's it is, or that it is here.
    Link,
    /// What it says, though it counted as unchanged.
    Content,
    /// How it stands towards Stokt.
    State,
    /// The holds that it is searched by, or how many they are.
    Holds,
    /// The name that it is searched by.
    Name,
}

impl Part {
    /// The word used in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Content => "content",
            Self::State => "state",
            Self::Holds => "holds",
            Self::Name => "name",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A climb of which all is right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// Our id.
    pub climb: ClimbId,
    /// Its name.
    pub name: String,
    /// What was not right.
    pub parts: Vec<Part>,
}

/// Sets right what is kept of a climb.
///
/// Which climb of Stokt's it is, its link says; that it is here counts more than any word that it was deleted. Where it
/// counts as unchanged and says something else than both sides agreed on, it says that again; where it counts as
/// changed, or was made private, it stays as it is and waits to be sent. What it is searched by is made anew, and
/// followers are told of what was not right. The next full pull takes Stokt's record of it whole.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such climb; [`StoreError::Invalid`] when it has several links, another
/// climb is where its link leads, or its holds cannot be read; [`StoreError::Fenced`] when another run has taken over;
/// or the database's failure.
pub fn mend(conn: &mut WriteConn<'_>, ctx: &ImportContext<'_>, climb: ClimbId) -> Result<Mended, StoreError> {
    sync_writes::begin(conn, ctx)?;
    let mut parts = Vec::new();
    let mut standing = Standing::of(conn, climb)?;
    match unlinking::links_of(conn, climb)?.as_slice() {
        // An id of Stokt's without a link is for a full pull, which compares.
        [] => {}
        [stokt_id] => {
            if lead_there(conn, climb, &standing, *stokt_id)? {
                parts.push(Part::Link);
            }
            if let Some(known) = sync_climbs::known(conn, &[*stokt_id])?.remove(stokt_id) {
                agree(conn, &known, &mut parts)?;
            }
            sync_writes::forget_observed(conn, *stokt_id)?;
            standing = Standing::of(conn, climb)?;
        }
        several => {
            return Err(StoreError::Invalid(format!(
                "climb {climb} has {} links; restore a backup from before",
                several.len()
            )));
        }
    }
    standing.make_searchable(conn, climb, &mut parts)?;
    if !parts.is_empty() {
        conn.note(PendingChange {
            entity: Changed::Climb,
            id: climb.to_string(),
            kind: ChangeKind::Updated,
            is_public: !standing.is_private,
            owner: standing.setter.map(|setter| UserId(setter.0)),
        });
    }
    Ok(Mended { climb, name: standing.name, parts })
}

/// A climb's row.
#[derive(Queryable)]
struct Standing {
    stokt_id: Option<Id>,
    name: String,
    name_folded: String,
    holds_list: String,
    holds_count: i32,
    setter: Option<Id>,
    is_private: bool,
}

impl Standing {
    fn of(conn: &mut WriteConn<'_>, climb: ClimbId) -> Result<Self, StoreError> {
        let row: Option<Self> = on_backend!(conn, |c| climbs::table
            .find(Id(climb.0))
            .select((
                climbs::stokt_id,
                climbs::name,
                climbs::name_folded,
                climbs::holds_list,
                climbs::holds_count,
                climbs::setter_id,
                climbs::is_private,
            ))
            .first(c)
            .optional())?;
        row.ok_or(StoreError::NotFound)
    }

    /// Makes anew what the climb is searched by.
    fn make_searchable(
        &self,
        conn: &mut WriteConn<'_>,
        climb: ClimbId,
        parts: &mut Vec<Part>,
    ) -> Result<(), StoreError> {
        let list =
            HoldsList::parse(&self.holds_list).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let wanted: BTreeSet<(i64, String)> =
            list.iter().map(|token| (token.hold.0, token.role.as_str().to_owned())).collect();
        let kept: Vec<(i64, String)> = on_backend!(conn, |c| climb_holds::table
            .filter(climb_holds::climb_id.eq(Id(climb.0)))
            .select((climb_holds::hold_id, climb_holds::role))
            .load(c))?;
        let is_other = kept.into_iter().collect::<BTreeSet<_>>() != wanted;
        if is_other {
            climb_writes::replace_holds(conn, climb, &self.holds_list)?;
        }
        let holds_count = i32::try_from(list.hold_count()).unwrap_or(i32::MAX);
        if is_other || holds_count != self.holds_count {
            parts.push(Part::Holds);
        }
        let folded = fold_name(&self.name);
        if folded != self.name_folded {
            parts.push(Part::Name);
        }
        if !parts.iter().any(|part| matches!(part, Part::Holds | Part::Name)) {
            return Ok(());
        }
        let now = Time(conn.now());
        on_backend!(conn, |c| diesel::update(climbs::table.find(Id(climb.0)))
            .set((
                climbs::name_folded.eq(&folded),
                climbs::holds_count.eq(holds_count),
                climbs::updated_at.eq(now),
            ))
            .execute(c))?;
        Ok(())
    }
}

/// Lets the climb lead where its link does, and lets neither say that it was deleted; true if that is new.
fn lead_there(
    conn: &mut WriteConn<'_>,
    climb: ClimbId,
    standing: &Standing,
    stokt_id: StoktId,
) -> Result<bool, StoreError> {
    let is_elsewhere = standing.stokt_id != Some(Id(stokt_id.0));
    if is_elsewhere {
        let other: Option<Id> = on_backend!(conn, |c| climbs::table
            .filter(climbs::stokt_id.eq(Id(stokt_id.0)))
            .select(climbs::id)
            .first(c)
            .optional())?;
        if let Some(other) = other {
            return Err(StoreError::Invalid(format!(
                "climb {climb} and climb {} are both climb {stokt_id} at Stokt; restore a backup from before",
                other.0
            )));
        }
        on_backend!(conn, |c| diesel::update(climbs::table.find(Id(climb.0)))
            .set(climbs::stokt_id.eq(Id(stokt_id.0)))
            .execute(c))?;
    }
    let now = Time(conn.now());
    let raised = on_backend!(conn, |c| diesel::update(sync_links::table)
        .filter(sync_links::entity.eq(EntityKind::Climb.as_str()))
        .filter(sync_links::stokt_id.eq(stokt_id.to_string()))
        .filter(sync_links::tombstone_at.is_not_null())
        .set((sync_links::tombstone_at.eq(None::<Time>), sync_links::updated_at.eq(now)))
        .execute(c))?;
    let dug_up = unlinking::forget_deletion(conn, climb)?;
    Ok(is_elsewhere || raised + dug_up > 0)
}

/// Lets content, state and link say the same.
fn agree(conn: &mut WriteConn<'_>, known: &Known, parts: &mut Vec<Part>) -> Result<(), StoreError> {
    let Some(climb) = &known.climb else { return Ok(()) };
    if known.conflict.is_some() {
        return stand(conn, climb, SyncState::Conflict, parts);
    }
    if climb.sync_state == SyncState::Archived {
        return Ok(());
    }
    let differs = known.link.base.as_ref().filter(|base| **base != climb.canonical);
    let is_dirty = match (climb.sync_state, differs) {
        _ if known.link.is_dirty() => true,
        // What somebody made private stays so, and waits to be sent.
        (SyncState::Synced, Some(base)) if base.is_private || !climb.canonical.is_private => {
            sync_writes::merge(conn, &[Merged { climb, content: base }])?;
            parts.push(Part::Content);
            false
        }
        // Whoever changed it here may have meant it: it waits to be sent, or for a person.
        (_, Some(base)) => {
            sync_writes::agree(conn, &[Agreement { known, base, is_dirty: true }])?;
            parts.push(Part::Link);
            return Ok(());
        }
        (_, None) => false,
    };
    stand(conn, climb, SyncState::derive(true, i32::from(is_dirty), 0, false, false), parts)
}

/// Gives the climb a state.
fn stand(
    conn: &mut WriteConn<'_>,
    climb: &ClimbSide,
    state: SyncState,
    parts: &mut Vec<Part>,
) -> Result<(), StoreError> {
    if climb.sync_state != state {
        on_backend!(conn, |c| diesel::update(climbs::table.find(Id(climb.id.0)))
            .set(climbs::sync_state.eq(state.as_str()))
            .execute(c))?;
        parts.push(Part::State);
    }
    Ok(())
}
