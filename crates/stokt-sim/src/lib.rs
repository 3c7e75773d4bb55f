//! A stand-in for Stokt: the same REST API over a generated or a given board, with faults on request.
//!
//! Invariants:
//! - it depends on no other crate of ours, so that it cannot share their mistakes: what it says is what was
//!   observed of the real service, written down once more;
//! - the same seed gives the same board, byte for byte, on every machine and in every version;
//! - it never does more than it was asked: without faults it answers every request once, in order, and a
//!   request that was refused changes nothing;
//! - state lives in memory and ends with the process.
//!
//! ```
//! use mastoc_stokt_sim::{Fault, RetryAfter, Rule, Sim};
//!
//! # fn main() -> Result<(), mastoc_stokt_sim::SimError> {
//! let sim = Sim::builder().seed(7).holds(40).climbs(120).setters(5).picture_size(226, 300).start()?;
//! // Every seventh request is throttled, and one POST is carried out but never answered.
//! sim.faults().push(Rule::throttle(RetryAfter::Seconds(1)).every(7));
//! sim.faults().push(Rule::cut(0).method("POST").times(1));
//! sim.faults().push(Fault::Drift { climbs: 1 });
//! // Somebody else renames a climb and a field appears that nobody has seen before.
//! sim.with_board(|board| {
//!     let id = board.climb_ids()[0];
//!     board.edit_climb(id, |climb| {
//!         climb.insert("name".into(), "Renamed".into());
//!         climb.insert("moonPhase".into(), "waning".into());
//!     });
//! });
//! println!("{} {} {}", sim.base_url(), sim.token(), sim.gym_id());
//! # Ok(())
//! # }
//! ```

mod board;
mod builder;
mod faults;
mod geometry;
mod rng;
mod server;
mod sim;
mod state;

pub use board::Board;
pub use board::folder::FolderError;
pub use board::rights::Permissions;
pub use builder::{SimBuilder, SimError};
pub use faults::{
    Change, FAULT_HELP, Fault, Faults, PictureFault, RetryAfter, Rewrite, Rule, RuleId, RuleParseError,
};
pub use sim::Sim;
pub use state::RecordedRequest;
