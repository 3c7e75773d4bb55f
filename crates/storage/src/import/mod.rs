//! Writing what an import brings: whole batches, planned first, in a number of statements that does not depend on
//! the batch's size (up to about 1,000 climbs; beyond that the databases' limits cut the inserts).
//!
//! Each function looks up what is known of the batch, lets `mastoc_domain::import_plan` decide, and writes rows,
//! links, mappings, quarantine and change log together. A record that says what is stored already writes nothing.

mod batch;
mod check;
mod climb_rows;
mod climbs;
pub(crate) mod echoes;
mod faces;
mod gyms;
mod holds;
mod known_climbs;
mod parents;
pub mod pictures;
mod users;
mod walls;

use std::collections::{HashMap, HashSet};

use mastoc_domain::{RunId, StoktHoldId, StoktId};

use crate::conn::WriteConn;
use crate::error::StoreError;
use crate::locks;

pub use batch::begin;
pub(crate) use climbs::canonical;
pub use climbs::{climbs, misfits};
pub use faces::faces;
pub use gyms::gyms;
pub use holds::holds;
pub use users::users;
pub use walls::walls;

/// What a batch is imported for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportContext<'a> {
    /// The run, for the links' bookkeeping.
    pub run: Option<RunId>,
    /// The Stokt account that asked; what Stokt said about it is kept under its id.
    pub account: Option<StoktId>,
    /// The fencing number of the run's lock; writes are refused once another run holds the lock.
    pub fence: Option<i64>,
    /// Plans only, and takes these records for stored; nothing is written.
    pub dry: Option<&'a Assumed>,
}

impl ImportContext<'_> {
    /// Refuses to write for a run that lost its lock.
    pub(crate) fn check_fence(&self, conn: &mut WriteConn<'_>) -> Result<(), StoreError> {
        self.fence.map_or(Ok(()), |fence| locks::check_fence(conn, fence))
    }
}

/// Records that a dry run would have written before, so that what refers to them is not reported as an orphan.
#[derive(Debug, Clone, Default)]
pub struct Assumed {
    /// Gyms.
    pub gyms: HashSet<StoktId>,
    /// Walls.
    pub walls: HashSet<StoktId>,
    /// Faces.
    pub faces: HashSet<StoktId>,
    /// Setters.
    pub users: HashSet<StoktId>,
    /// Holds with their faces.
    pub holds: HashMap<StoktHoldId, StoktId>,
}
