//! A typed, blocking client of mastoc's own API; for now the part that imports need.
//!
//! Invariants of this crate:
//! - it depends on `domain` only: no database, no pictures, no Stokt;
//! - it knows our JSON as a client knows it; the conversions stand in `wire.rs`, written by hand;
//! - every call here can be sent again without harm (the server's batches are upserts), and so is repeated with a
//!   growing, jittered pause after failures that may pass;
//! - the key goes to the configured server only, over HTTPS unless that is this machine; redirects are refused;
//! - no message carries the key.
//!
//! ```no_run
//! use mastoc_client::{BatchOptions, Client, secrecy::SecretString};
//!
//! # fn main() -> Result<(), mastoc_client::ClientError> {
//! let key = SecretString::from(std::env::var("MASTOC_API_KEY").unwrap_or_default());
//! let client = Client::new("https://board.example.org", key)?;
//! println!("{:?}", client.stats()?);
//! let answer = client.import_climbs(&[], &BatchOptions::default())?;
//! assert_eq!(answer.total, 0);
//! # Ok(())
//! # }
//! ```

mod client;
mod error;
mod http;
mod wire;

pub use client::{BatchOptions, Client, PictureOwner};
pub use error::ClientError;
pub use wire::{BatchAnswer, ItemReport, ItemWord, KeptPicture, RunEnd, SyncStats, WantedPicture};
// The key is handed over in this type; a caller needs the very same version of the crate.
pub use secrecy;
