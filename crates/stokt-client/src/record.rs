//! How one JSON record of Stokt's becomes a typed value without losing anything.

use std::fmt;

use serde_json::{Map, Value};

use crate::id::Id;

/// Why one record cannot be used: the field without which it means nothing is missing or odd.
///
/// Only the few fields that a record cannot do without (its id, mostly) lead here; every other odd
/// field is kept in the record's `extra`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{record}{}: field `{field}` should be {expected}, found {found}", shown_id(.id.as_ref()))]
pub struct RecordError {
    /// What kind of record it is, for instance `climb`.
    pub record: &'static str,
    /// The id of the record, where it has a readable one.
    pub id: Option<Id>,
    /// Stokt's name of the field; `(record)` when the record is no JSON object at all.
    pub field: &'static str,
    /// What was expected, in words.
    pub expected: &'static str,
    /// What stood there instead, shortened: `nothing`, `null`, or the JSON text.
    pub found: String,
}

fn shown_id(id: Option<&Id>) -> String {
    id.map(|id| format!(" {}", printable(&id.to_string(), 64))).unwrap_or_default()
}

impl RecordError {
    pub(crate) fn new(
        record: &'static str,
        id: Option<Id>,
        field: &'static str,
        expected: &'static str,
        found: Option<&Value>,
    ) -> Self {
        Self { record, id, field, expected, found: describe(found) }
    }
}

/// Names what was found, shortened so that a field of 10 MB cannot fill a log.
fn describe(found: Option<&Value>) -> String {
    match found {
        None => "nothing".to_owned(),
        Some(Value::Array(rows)) => format!("a list of {}", rows.len()),
        Some(Value::Object(fields)) => format!("an object of {} fields", fields.len()),
        Some(Value::String(text)) => format!("{:?}", printable(text, 60)),
        Some(other) => other.to_string(),
    }
}

/// At most `limit` characters of `text`, control and bidirectional-control characters replaced.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    for (position, character) in text.chars().enumerate() {
        if position == limit {
            shown.push('…');
            break;
        }
        let unsafe_to_show = character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        shown.push(if unsafe_to_show { ' ' } else { character });
    }
    shown
}

/// A typed record of Stokt's, read and written without loss.
///
/// `to_value(parse(v)?) == v` holds for every `v` that parses: a field that is unknown, `null`, or of another
/// type than usual stays in [`extra`](Self::extra) under Stokt's own name, and is written back from there.
pub trait WireRecord: Sized + fmt::Debug + Clone {
    /// What the record is called in messages, for instance `climb`.
    const KIND: &'static str;
    /// Stokt's names of the fields that have a typed place.
    const FIELDS: &'static [&'static str];

    /// Reads a record from borrowed JSON.
    ///
    /// # Errors
    /// [`RecordError`] when the value is no object, or a required field is missing or of another type.
    fn parse_ref(value: &Value) -> Result<Self, RecordError>;

    /// The record as JSON, equal field by field to what it was read from.
    fn to_value(&self) -> Value;

    /// What has no typed place: new fields, known fields that were `null`, known fields of another type.
    fn extra(&self) -> &Map<String, Value>;

    /// Reads a record from JSON.
    ///
    /// # Errors
    /// As [`parse_ref`](Self::parse_ref).
    fn parse(value: Value) -> Result<Self, RecordError> {
        Self::parse_ref(&value)
    }

    /// Names of fields this crate has never heard of; worth a line in a report.
    fn unknown_fields(&self) -> impl Iterator<Item = &str> {
        self.extra().keys().map(String::as_str).filter(|name| !Self::FIELDS.contains(name))
    }

    /// Names of known fields that came with another type than usual (a `null` is not odd).
    fn retyped_fields(&self) -> impl Iterator<Item = &str> {
        self.extra()
            .iter()
            .filter(|(name, value)| !value.is_null() && Self::FIELDS.contains(&name.as_str()))
            .map(|(name, _)| name.as_str())
    }
}

/// A record as it came, together with what could be read of it.
///
/// One odd record never fails a page or a run: `parsed` says what is wrong with this one, `raw` still has it all.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<T> {
    /// The JSON exactly as Stokt answered it.
    pub raw: Value,
    /// The typed record, or why it cannot be used.
    pub parsed: Result<T, RecordError>,
}

impl<T: WireRecord> Record<T> {
    /// Parses `raw` and keeps it.
    #[must_use]
    pub fn new(raw: Value) -> Self {
        let parsed = T::parse_ref(&raw);
        Self { raw, parsed }
    }

    /// The record's id, readable even where the rest is not; of a like, its user's id.
    #[must_use]
    pub fn id(&self) -> Option<Id> {
        record_id(&self.raw)
    }
}

/// The `id` of a record, or of its `user` for records that have none of their own (likes).
pub(crate) fn record_id(raw: &Value) -> Option<Id> {
    let own = raw.get("id");
    own.or_else(|| raw.get("user").and_then(|user| user.get("id"))).and_then(Id::read)
}

/// One field's way from and to JSON. `write(read(v)) == v`, or `read` answers `None`.
pub(crate) trait WireField: Sized {
    /// What is expected, for [`RecordError::expected`].
    const EXPECTED: &'static str;
    fn read(value: &Value) -> Option<Self>;
    fn write(&self) -> Value;
}

impl WireField for String {
    const EXPECTED: &'static str = "text";
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
    fn write(&self) -> Value {
        Value::String(self.clone())
    }
}

impl WireField for bool {
    const EXPECTED: &'static str = "true or false";
    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }
    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

impl WireField for i64 {
    const EXPECTED: &'static str = "a whole number";
    fn read(value: &Value) -> Option<Self> {
        value.as_i64()
    }
    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl WireField for u64 {
    const EXPECTED: &'static str = "a whole number, not negative";
    fn read(value: &Value) -> Option<Self> {
        value.as_u64()
    }
    fn write(&self) -> Value {
        Value::from(*self)
    }
}

// A `Number` and not an f64: 20 and 20.0 are different JSON, and both have to come back as they were.
impl WireField for serde_json::Number {
    const EXPECTED: &'static str = "a number";
    fn read(value: &Value) -> Option<Self> {
        value.as_number().cloned()
    }
    fn write(&self) -> Value {
        Value::Number(self.clone())
    }
}

/// Any JSON but `null`, for fields whose shape was never seen filled.
impl WireField for Value {
    const EXPECTED: &'static str = "a value";
    fn read(value: &Value) -> Option<Self> {
        (!value.is_null()).then(|| value.clone())
    }
    fn write(&self) -> Value {
        self.clone()
    }
}

impl<T: WireField> WireField for Vec<T> {
    const EXPECTED: &'static str = "a list";
    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::read).collect()
    }
    fn write(&self) -> Value {
        Value::Array(self.iter().map(T::write).collect())
    }
}

impl<T: WireRecord> WireField for Record<T> {
    const EXPECTED: &'static str = "a record";
    fn read(value: &Value) -> Option<Self> {
        Some(Self::new(value.clone()))
    }
    fn write(&self) -> Value {
        self.raw.clone()
    }
}

/// Declares a wire record: the struct, its lossless reader and writer, and serde on top of both.
macro_rules! wire_record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident as $kind:literal {
            required { $( $(#[$rmeta:meta])* $rfield:ident: $rty:ty = $rkey:literal, )* }
            optional { $( $(#[$fmeta:meta])* $field:ident: $ty:ty = $key:literal, )* }
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$rmeta])* pub $rfield: $rty, )*
            $( $(#[$fmeta])* pub $field: Option<$ty>, )*
            /// What has no typed place here: new fields, and known ones that were `null` or of another type.
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $name {
            /// Reads one record, losing nothing.
            ///
            /// # Errors
            /// [`RecordError`](crate::RecordError) when it is no object, or a required field is missing or odd.
            pub fn parse(value: serde_json::Value) -> Result<Self, $crate::RecordError> {
                <Self as $crate::WireRecord>::parse_ref(&value)
            }
        }

        impl $crate::WireRecord for $name {
            const KIND: &'static str = $kind;
            const FIELDS: &'static [&'static str] = &[$($rkey,)* $($key,)*];

            fn parse_ref(value: &serde_json::Value) -> Result<Self, $crate::RecordError> {
                let serde_json::Value::Object(object) = value else {
                    return Err($crate::RecordError::new($kind, None, "(record)", "an object", Some(value)));
                };
                $(
                    let $rfield = match object.get($rkey).map(|found| <$rty as $crate::record::WireField>::read(found)) {
                        Some(Some(read)) => read,
                        _ => return Err($crate::RecordError::new(
                            $kind,
                            $crate::record::record_id(value),
                            $rkey,
                            <$rty as $crate::record::WireField>::EXPECTED,
                            object.get($rkey),
                        )),
                    };
                )*
                $( let $field = object.get($key).and_then(<$ty as $crate::record::WireField>::read); )*
                let mut extra = serde_json::Map::new();
                for (name, content) in object {
                    let placed = match name.as_str() {
                        $( $rkey => true, )*
                        $( $key => $field.is_some(), )*
                        _ => false,
                    };
                    if !placed {
                        extra.insert(name.clone(), content.clone());
                    }
                }
                Ok(Self { $($rfield,)* $($field,)* extra })
            }

            fn to_value(&self) -> serde_json::Value {
                #[allow(unused_mut, reason = "a record of optional fields only begins with its extra")]
                let mut object = self.extra.clone();
                $( object.insert($rkey.to_owned(), $crate::record::WireField::write(&self.$rfield)); )*
                $(
                    if let Some(content) = &self.$field {
                        object.insert($key.to_owned(), $crate::record::WireField::write(content));
                    }
                )*
                serde_json::Value::Object(object)
            }

            fn extra(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.extra
            }
        }

        impl $crate::record::WireField for $name {
            const EXPECTED: &'static str = concat!("a ", $kind);
            fn read(value: &serde_json::Value) -> Option<Self> {
                <Self as $crate::WireRecord>::parse_ref(value).ok()
            }
            fn write(&self) -> serde_json::Value {
                $crate::WireRecord::to_value(self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::WireRecord::to_value(self).serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                <Self as $crate::WireRecord>::parse_ref(&value).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use wire_record;
