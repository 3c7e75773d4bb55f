//! Plans and executes what moves between Stokt and a board of ours; so far the import half.
//!
//! Invariants of this crate:
//! - what is to be done is planned as plain data first (`plan.rs`, `listing.rs`: pure, property-tested), then executed;
//! - no transaction is open over a network call: pages are downloaded by one thread and written by others;
//! - a batch, the ids it proves and the place to go on from are one transaction, so a run that was killed anywhere
//!   goes on from the last whole page and ends as if it had not been;
//! - one odd record is kept aside with its reason and fails nothing else;
//! - nothing that Stokt sent is lost: `convert` writes every record back as it came, and is the only place that
//!   turns Stokt's records into ours;
//! - memory is bounded by pages and batches, never by the number of climbs.

mod board;
pub mod convert;
mod decision;
mod dry_run;
mod ending;
mod error;
mod import;
mod listing;
mod observe;
mod pictures;
mod pipeline;
mod plan;
mod recount;
mod report;
mod server_target;
mod store_target;
mod summary;
pub mod sync;
mod target;

pub use decision::{Decided, Decision, Decisions};
pub use ending::Ending;
pub use error::EngineError;
pub use import::{ImportOptions, import, import_into};
pub use listing::Listing;
pub use observe::{Observer, Silent, Step};
pub use plan::{
    Batch, BoardPlan, Climb, Cutter, PictureOwner, PicturePlan, Progress, Quarantined, plan_board,
};
pub use report::{
    Counts, GymReport, ImagesReport, Issue, ListingReport, REPORT_SCHEMA, Report, Tally, Traffic, Watermarks,
    Written,
};
pub use server_target::ServerTarget;
pub use store_target::StoreTarget;
pub use target::{Cause, Checked, Kept, PictureError, Start, Started, Target};

// What a binary needs to reach both ends, without depending on their crates itself.
pub use mastoc_client::{Client as ServerClient, ClientError};
pub use mastoc_domain::{ClimbId, ListId, StoktId, Timestamp};
pub use mastoc_stokt_client::{
    Cancel, Client as StoktClient, ClientBuilder as StoktClientBuilder, Error as StoktError,
};
pub use mastoc_storage::DatabaseTarget;
