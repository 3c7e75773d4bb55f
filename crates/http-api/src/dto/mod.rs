//! Domain values as our JSON, and our JSON as domain values; one file for each kind of thing.

pub(crate) mod annotation;
pub(crate) mod ascent;
pub(crate) mod board;
pub(crate) mod board_edit;
pub(crate) mod change;
pub(crate) mod climb;
pub(crate) mod climb_edit;
pub(crate) mod comment;
pub(crate) mod import;
pub(crate) mod import_items;
pub(crate) mod import_kept;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod maintenance;
pub(crate) mod people;
pub(crate) mod social;
pub(crate) mod summary;
pub(crate) mod sync_status;

use serde::Serialize;

use crate::errors::ApiError;

/// Writes a value as JSON, straight into bytes.
///
/// # Errors
/// An internal error; our own shapes always print.
pub(crate) fn bytes(value: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::with_capacity(1024);
    serde_json::to_writer(&mut bytes, value).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(bytes)
}
