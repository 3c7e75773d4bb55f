//! Stokt's records become import records here, and import records become Stokt's again.
//!
//! Nothing is lost on the way: what an import record has no place for, or would not print back exactly, is kept in
//! its `extra` (see [`residual`]). So for every record that converts, writing it back gives the source again.

mod board;
mod board_back;
mod board_parts;
mod climb;
mod hold;
pub mod residual;
mod setter;

use mastoc_domain::StoktId;
use mastoc_domain::import::{Extra, ItemProblem};
use mastoc_stokt_client::{Id, RecordError, WireRecord};
use serde_json::{Map, Value};

pub use board::{BoardRecords, board_from_stokt};
pub use board_back::{StoktBoard, board_to_stokt};
pub use climb::{climb_from_stokt, climb_to_stokt};
pub use hold::{hold_from_stokt, hold_to_stokt};
pub use setter::{Setters, setter_to_stokt};

/// Why a record cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    /// A stable word, such as `bad_id`.
    pub code: &'static str,
    /// What is wrong, for a person.
    pub detail: String,
}

impl Refused {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// As an item of a report.
    #[must_use]
    pub fn problem(&self) -> ItemProblem {
        ItemProblem { code: self.code.to_owned(), detail: self.detail.clone() }
    }
}

impl From<&RecordError> for Refused {
    fn from(why: &RecordError) -> Self {
        Self::new("unreadable", why.to_string())
    }
}

/// The id of anything but a hold.
pub(crate) fn stokt_id(id: &Id, what: &str) -> Result<StoktId, Refused> {
    id.as_uuid()
        .map(StoktId)
        .ok_or_else(|| Refused::new("bad_id", format!("the id of the {what}, {}, is no UUID", shown(id))))
}

/// A record of Stokt's that has an id and nothing else yet.
pub(crate) fn blank<T: WireRecord>(id: impl Into<Value>) -> Result<T, Refused> {
    let record = Map::from_iter([("id".to_owned(), id.into())]);
    T::parse(Value::Object(record)).map_err(|why| Refused::from(&why))
}

/// The fields of a JSON object; none of anything else.
pub(crate) fn fields(value: Value) -> Extra {
    match value {
        Value::Object(fields) => fields,
        _ => Extra::new(),
    }
}

/// At most 64 characters of an id that may be anything.
fn shown(id: &Id) -> String {
    format!("{:?}", id.to_string().chars().take(64).collect::<String>())
}
