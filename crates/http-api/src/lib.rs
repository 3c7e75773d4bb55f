//! The HTTP API: the only crate that knows our JSON as a server.
//!
//! Invariants of this crate:
//! - it writes no query, and does not ask which database it is on: everything goes through `mastoc-storage`;
//! - every handler begins with `auth::authorise` and names the one action it is about; `policy.rs` alone decides;
//! - domain values become JSON in `dto/` and nowhere else, straight into bytes;
//! - blocking work runs through `blocking.rs`, never on an async worker;
//! - every answer that is not a success, the framework's own included, is a problem of `errors.rs`; internal causes are
//!   logged with the request's id and never leave;
//! - a GET answers byte for byte the same as long as its strong ETag is the same.

mod answers;
mod auth;
mod blocking;
mod body;
mod desk;
mod dto;
mod edge;
mod encoding;
mod errors;
mod fields;
mod import_runs;
mod limits;
mod logins;
mod mail;
mod metrics;
mod openapi;
pub mod passwords;
mod peers;
mod policy;
mod query;
mod routes;
mod server;
mod settings;
mod state;
mod tokens;
mod writing;

pub use limits::{RateLimit, RateLimits, UnknownLimit};
pub use mail::{MailLanguage, MailSettings, MailSettingsError, UnknownLanguage, read_public_url};
pub use openapi::{openapi_json, public_routes};
pub use peers::{Network, UnknownNetwork};
pub use server::{Running, Stop, serve};
pub use settings::{AccessMode, Registration, Settings, UnknownAccessMode, UnknownRegistration};
pub use tokens::access_token;
