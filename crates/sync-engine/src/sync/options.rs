//! What the operator asks of a synchronisation.

use std::time::Duration;

use mastoc_domain::{ClimbId, ListId, StoktId, Timestamp};
use mastoc_storage::runs::RunDirection;
use serde::{Deserialize, Serialize};

/// Whose word counts when the same field was changed on both sides. None of them looks at a clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// A person's: the conflict is recorded and waits.
    #[default]
    Manual,
    /// Stokt's.
    Stokt,
    /// Ours.
    Mastoc,
}

/// Most climbs that a run may archive here, or delete at Stokt, before it stops instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxDelete {
    /// So many.
    Count(u64),
    /// So many of a hundred linked climbs, rounded down.
    Percent(u8),
    /// Five, or two of a hundred linked climbs, whichever is more.
    Usual,
}

impl MaxDelete {
    /// The number of climbs, of `linked` ones.
    #[must_use]
    pub fn of(self, linked: u64) -> u64 {
        let share = |percent: u64| linked.saturating_mul(percent) / 100;
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => share(u64::from(percent)),
            Self::Usual => share(2).max(5),
        }
    }
}

/// Which climbs that Stokt does not know yet are sent there. Changes to climbs that both sides know always are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// None.
    #[default]
    Nothing,
    /// All that are local.
    AllLocal,
    /// These.
    Climbs(Vec<ClimbId>),
    /// Those of a list; the list itself is sent as well.
    List(ListId),
}

/// A synchronisation as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncOptions {
    /// Which way data moves.
    pub direction: RunDirection,
    /// Look at everything, not only at what is new.
    pub full: bool,
    /// The gyms; none for the account's home gym.
    pub gyms: Vec<StoktId>,
    /// Look at what is new since this moment instead of since the last complete run.
    pub since: Option<Timestamp>,
    /// Which local climbs are sent to Stokt.
    pub selection: Selection,
    /// How conflicts are settled.
    pub policy: ConflictPolicy,
    /// Whether climbs that were deleted here may be deleted at Stokt.
    pub allow_delete: bool,
    /// The guard against mass deletion.
    pub max_delete: MaxDelete,
    /// Go on although nearly every climb that both sides know would change.
    pub accept_changes: bool,
    /// Only tell what would be done.
    pub dry_run: bool,
    /// The hash of the plan that is to be carried out; another plan is refused.
    pub expect: Option<String>,
    /// How long after sending a climb of unknown outcome may count as not created.
    pub unknown_settle: Duration,
    /// How long a climb must be missing before it counts as gone.
    pub gone_after: Duration,
    /// Most records in one transaction.
    pub batch_size: usize,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            direction: RunDirection::StoktToMastoc,
            full: false,
            gyms: Vec::new(),
            since: None,
            selection: Selection::Nothing,
            policy: ConflictPolicy::Manual,
            allow_delete: false,
            max_delete: MaxDelete::Usual,
            accept_changes: false,
            dry_run: false,
            expect: None,
            unknown_settle: Duration::from_secs(600),
            gone_after: Duration::from_secs(12 * 3600),
            batch_size: 500,
        }
    }
}
