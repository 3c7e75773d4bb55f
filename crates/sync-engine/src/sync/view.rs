//! What sending needs to know of Stokt's side: a part of the survey.

use std::collections::{BTreeSet, HashMap};

use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::import::ImportClimb;
use mastoc_domain::{StoktId, Timestamp};

use super::push::twins::Unexplained;

/// A climb as Stokt shows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RemoteClimb {
    /// Stokt's id.
    pub(crate) stokt_id: StoktId,
    /// The record.
    pub(crate) import: ImportClimb,
    /// What a person can edit of it.
    pub(crate) canonical: CanonicalClimb,
}

/// What the survey saw of one gym's listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GymView {
    /// The gym.
    pub(crate) gym: StoktId,
    /// Whether the listing proved complete, and the list of the account's own climbs as well.
    pub(crate) is_complete: bool,
    /// How many days back it reached; none: to the beginning.
    pub(crate) days: Option<u32>,
}

/// What the survey saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'s> {
    /// When it began, on our clock.
    pub(crate) began: Timestamp,
    /// The gyms.
    pub(crate) gyms: &'s [GymView],
    /// All climbs that the account set, private ones included.
    pub(crate) mine: &'s [RemoteClimb],
    /// Climbs that the account set and that cannot be read: each may be anything of the account's.
    pub(crate) unreadable: &'s BTreeSet<StoktId>,
    /// For each fingerprint that was asked for, the climbs that have it.
    pub(crate) twins: &'s HashMap<String, BTreeSet<StoktId>>,
    /// Climbs here that Stokt already has, as far as anybody can tell.
    pub(crate) held: &'s [Unexplained],
}

impl View<'_> {
    /// Whether all listings proved complete. If not, Stokt may have more than was seen, and nothing is sent: what is
    /// there already could be created again, and what others changed be overwritten.
    pub(crate) fn is_complete(&self) -> bool {
        self.gyms.iter().all(|seen| seen.is_complete)
    }
}
