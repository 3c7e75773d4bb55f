//! Settings that several binaries share, as plain values: where data is, which database, which address.

mod bind;
mod database;
mod duration;
mod folder;

pub use bind::Bind;
pub use database::DatabaseUrl;
pub use duration::{TimeUnit, parse_duration};
pub use folder::{create_data_dir, default_data_dir};

/// An environment variable; `None` if it is unset, empty or not Unicode.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The value of a flag or of its variable; an empty one is none.
pub(crate) fn given(value: Option<&String>) -> Option<&str> {
    value.map(|value| value.trim()).filter(|value| !value.is_empty())
}
