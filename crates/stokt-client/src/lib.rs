//! A typed, blocking client of the Stokt REST API: the only crate that knows Stokt's JSON.
//!
//! It depends on no other crate of mastoc and can be used alone. Stokt is a closed service whose API is only
//! observed, so this crate promises what it can: what it reads it keeps, what it does not understand it keeps too,
//! and what it sends it sends once.
//!
//! # Invariants
//!
//! - **Lossless.** Every record keeps its raw JSON ([`Record::raw`], [`Answered::raw`]); the typed record writes
//!   back equal to it, unknown, `null` and retyped fields included ([`WireRecord`]).
//! - **One odd record fails nothing else.** A page yields [`Record`]s, each with its own parse result.
//! - **Nothing is created twice.** POST, PATCH and DELETE are sent once, whatever happens; [`Error::outcome`] tells
//!   whether a failed one was not sent, was refused, or may have been carried out.
//! - **The token goes to the configured origin only**, over HTTPS unless that is this machine. A redirect or a
//!   `next` that leads elsewhere is an error, and nothing is sent there.
//! - **Polite.** One request at a time per client and its clones, a least interval between them, exponential
//!   back-off with full jitter, never shorter than `Retry-After`; three 429 in a row end the call.
//! - **Bounded.** Every answer has a deadline and a size limit; a listing that loops or goes nowhere ends.
//! - **No secret in a message**, a log line, or a snapshot.
//! - Deliberately absent: storage, decisions about what to synchronise, checking of pictures, own ids.
//!
//! # Example
//!
//! Against the stand-in that mastoc's tests use; with the real service only the address and the login differ.
//!
//! ```
//! use mastoc_stokt_client::{Client, secrecy::SecretString};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sim = mastoc_stokt_sim::Sim::builder().climbs(40).start()?;
//!
//! let client = Client::builder(&sim.base_url())
//!     .login(sim.username(), SecretString::from(sim.password()))
//!     .build()?;
//!
//! let walls = client.walls(sim.gym_id())?;
//! assert!(walls.iter().all(|wall| wall.parsed.is_ok()));
//!
//! // A listing is read page by page; `distinct` passes over what comes twice.
//! let mut climbs = client.climbs(sim.gym_id(), 9999)?.distinct();
//! let mut names = Vec::new();
//! for record in climbs.by_ref() {
//!     match record?.parsed {
//!         Ok(climb) => names.push(climb.name.unwrap_or_default()),
//!         Err(odd) => eprintln!("passed over: {odd}"),
//!     }
//! }
//! assert_eq!(names.len(), 40);
//! assert!(climbs.proof().complete, "as many different climbs as Stokt counts");
//! println!("{:?}", client.stats().read());
//! # Ok(())
//! # }
//! ```
//!
//! # Keeping what was read
//!
//! [`ClientBuilder::save_snapshot`] keeps every answer, pictures included, in a folder, and
//! [`Client::from_snapshot`] answers from it without any network. [`AnswerSource`] is the same door for tests:
//!
//! ```
//! use mastoc_stokt_client::{AnswerSource, Client, SourceAnswer};
//!
//! struct Fixed;
//! impl AnswerSource for Fixed {
//!     fn answer(&self, target: &str) -> std::io::Result<Option<SourceAnswer>> {
//!         let body: &[u8] = match target {
//!             "api/version" => br#"{"version": "1.3.0"}"#,
//!             _ => return Ok(None),
//!         };
//!         Ok(Some(SourceAnswer { status: 200, content_type: None, date: None, body: Box::new(body) }))
//!     }
//! }
//!
//! let client = Client::from_source("https://stokt.example", Box::new(Fixed))?;
//! assert_eq!(client.version()?.version.as_deref(), Some("1.3.0"));
//! assert!(client.me().is_err());
//! # Ok::<(), mastoc_stokt_client::Error>(())
//! ```

mod answer;
mod builder;
mod cancel;
mod client;
mod endpoints;
mod error;
mod id;
mod network;
mod observer;
mod origin;
mod pace;
mod paging;
mod record;
mod snapshot;
mod source;
mod stats;
pub mod types;

pub use builder::ClientBuilder;
pub use cancel::Cancel;
pub use client::Client;
pub use endpoints::{Answered, MediaAnswer, MyClimbs};
pub use error::{Error, ErrorKind, Outcome};
pub use id::{Id, Timestamp};
pub use observer::{MediaSink, Observer, RawAnswer};
pub use paging::{DistinctRecords, ListingProof, Page, Pages};
pub use record::{Record, RecordError, WireRecord};
// Secrets are handed over in these types; a caller needs the very same version of the crate.
pub use secrecy;
pub use snapshot::{SnapshotSource, SnapshotWriter};
pub use source::{AnswerSource, Method, SourceAnswer};
pub use stats::{Stats, StatsReading};
