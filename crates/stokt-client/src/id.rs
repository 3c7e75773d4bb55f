//! Ids and times as Stokt writes them: kept to the letter, read on demand.

use std::fmt;

use chrono::{DateTime, FixedOffset};
use serde_json::Value;
use uuid::Uuid;

use crate::record::WireField;

/// An id of Stokt's: a uuid as text for most things, a whole number for holds.
///
/// Kept as it was sent, so that it goes back unchanged; [`as_uuid`](Self::as_uuid) and
/// [`as_i64`](Self::as_i64) read it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// A whole number, as holds have.
    Number(i64),
    /// A text, never empty; a uuid in everything observed so far.
    Text(String),
}

impl Id {
    /// Reads an id from JSON: a non-empty text or a whole number.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) if !text.is_empty() => Some(Self::Text(text.clone())),
            Value::Number(number) => number.as_i64().map(Self::Number),
            _ => None,
        }
    }

    /// The id as a uuid, where it is one.
    #[must_use]
    pub fn as_uuid(&self) -> Option<Uuid> {
        match self {
            Self::Text(text) => Uuid::parse_str(text).ok(),
            Self::Number(_) => None,
        }
    }

    /// The id as a whole number, also where it came as text (`"400279"`).
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    /// A compact key by which two writings of the same id are the same.
    pub(crate) fn key(&self) -> IdKey {
        match self {
            Self::Number(number) => IdKey::Number(*number),
            Self::Text(text) => {
                Uuid::parse_str(text).map_or_else(|_| IdKey::Text(text.as_str().into()), IdKey::Uuid)
            }
        }
    }
}

/// What distinct ids are counted by; a uuid takes 16 bytes instead of a heap text, for listings of 100,000.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum IdKey {
    Number(i64),
    Uuid(Uuid),
    Text(Box<str>),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Id {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Uuid> for Id {
    fn from(uuid: Uuid) -> Self {
        Self::Text(uuid.to_string())
    }
}

impl WireField for Id {
    const EXPECTED: &'static str = "an id (text or whole number)";
    fn read(value: &Value) -> Option<Self> {
        Self::read(value)
    }
    fn write(&self) -> Value {
        match self {
            Self::Number(number) => Value::from(*number),
            Self::Text(text) => Value::String(text.clone()),
        }
    }
}

/// A time as Stokt wrote it: ISO 8601 with an offset and microseconds, kept to the letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Timestamp(String);

impl Timestamp {
    /// The text as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The instant, with the offset it was written in; `None` when the text is not a time.
    #[must_use]
    pub fn instant(&self) -> Option<DateTime<FixedOffset>> {
        DateTime::parse_from_rfc3339(&self.0).ok()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl WireField for Timestamp {
    const EXPECTED: &'static str = "a time";
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(|text| Self(text.to_owned()))
    }
    fn write(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_read_and_write_unchanged() {
        for value in
            [json!(399902), json!("400279"), json!("C20D6B7E-91f4-4a3c-8b65-2e7f40a9d113"), json!("odd")]
        {
            assert_eq!(Id::read(&value).unwrap().write(), value);
        }
        for value in [json!(""), json!(null), json!(1.5), json!(u64::MAX), json!([]), json!(true)] {
            assert_eq!(Id::read(&value), None, "{value}");
        }
        assert_eq!(Id::from("400279").as_i64(), Some(400_279));
        let upper = Id::from("C20D6B7E-91F4-4A3C-8B65-2E7F40A9D113");
        assert_eq!(upper.key(), Id::from("c20d6b7e-91f4-4a3c-8b65-2e7f40a9d113").key());
    }

    #[test]
    fn times_keep_their_text_and_their_instant() {
        let time = Timestamp::read(&json!("2025-12-17T10:56:38.491973-05:00")).unwrap();
        assert_eq!(time.instant().unwrap().timestamp_micros(), 1_765_986_998_491_973);
        assert_eq!(Timestamp::read(&json!("yesterday")).unwrap().instant(), None);
    }
}
