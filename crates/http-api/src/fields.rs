//! The fields of a JSON body, read one by one: what is wrong is told for all of them at once, each by its name, and a
//! field that is null is told from one that was not sent. Unknown fields are ignored.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use actix_web::{HttpRequest, web};
use bytes::Bytes;
use mastoc_domain::Timestamp;
use serde_json::{Map, Value};

use crate::body;
use crate::errors::{ApiError, Code, FieldError};

/// The fields of one JSON object, and what was found wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    map: Map<String, Value>,
    errors: Vec<FieldError>,
    /// The body as it came, for telling whether a request is the same as another.
    pub(crate) bytes: Bytes,
}

impl Fields {
    /// Reads a request's body, which must be a JSON object; an empty one counts as `{}`.
    ///
    /// # Errors
    /// 400 when it is no JSON, 413 when it is too large, 422 when it is no object.
    pub(crate) async fn read(req: &HttpRequest, payload: &mut web::Payload) -> Result<Self, ApiError> {
        Self::read_up_to(req, payload, body::JSON_BYTES).await
    }

    /// The same for bodies of up to `limit` bytes.
    ///
    /// # Errors
    /// As [`Fields::read`].
    pub(crate) async fn read_up_to(
        req: &HttpRequest,
        payload: &mut web::Payload,
        limit: usize,
    ) -> Result<Self, ApiError> {
        Self::parse(body::read(req, payload, limit).await?)
    }

    /// The same for a body that was read already.
    ///
    /// # Errors
    /// As [`Fields::read`].
    pub(crate) fn parse(bytes: Bytes) -> Result<Self, ApiError> {
        let text = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        let map = match serde_json::from_slice(text) {
            Ok(Value::Object(map)) => map,
            Ok(_) => return Err(ApiError::invalid_field("body", "must be a JSON object")),
            Err(error) => {
                let message: String =
                    error.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
                return Err(ApiError::new(Code::BadJson, message));
            }
        };
        Ok(Self { map, errors: Vec::new(), bytes })
    }

    /// The fields of an object inside the body.
    pub(crate) fn of(map: Map<String, Value>) -> Self {
        Self { map, errors: Vec::new(), bytes: Bytes::new() }
    }

    /// Notes what is wrong with a field.
    pub(crate) fn refuse(&mut self, field: &str, message: impl Display) {
        self.errors.push(FieldError { field: field.to_owned(), message: message.to_string() });
    }

    /// Takes over what is wrong inside a field.
    pub(crate) fn refuse_inside(&mut self, field: &str, inner: Self) {
        for error in inner.errors {
            self.refuse(&format!("{field}.{}", error.field), error.message);
        }
    }

    /// Whether the field was sent, null included.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// The field as it came: `None` when it was not sent, `Some(None)` when it is null.
    pub(crate) fn raw(&mut self, name: &str) -> Option<Option<Value>> {
        self.map.remove(name).map(|value| (!value.is_null()).then_some(value))
    }

    /// A field that `read` understands, or says why not.
    pub(crate) fn field<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match self.raw(name)? {
            None => Some(None),
            Some(value) => match read(value) {
                Ok(value) => Some(Some(value)),
                Err(message) => {
                    self.refuse(name, message);
                    None
                }
            },
        }
    }

    /// Insists on a field: null and absent are refused. A field that was refused already is not refused again.
    pub(crate) fn required<T>(&mut self, name: &str, value: Option<Option<T>>) -> Option<T> {
        let found = value.flatten();
        if found.is_none() && !self.errors.iter().any(|error| error.field == name) {
            self.refuse(name, "is needed");
        }
        found
    }

    /// A field that may be absent but not null.
    pub(crate) fn not_null<T>(&mut self, name: &str, value: Option<Option<T>>) -> Option<T> {
        match value {
            Some(None) => {
                self.refuse(name, "must not be null");
                None
            }
            other => other.flatten(),
        }
    }

    /// Text as it came, at most `most` characters, without NUL and, unless `lines`, without control characters.
    fn checked_text(value: Value, most: usize, lines: bool) -> Result<String, String> {
        let Value::String(text) = value else { return Err("must be text".to_owned()) };
        if text.chars().count() > most {
            return Err(format!("has more than {most} characters"));
        }
        let breaks = |c: char| lines && matches!(c, '\n' | '\r' | '\t');
        if text.chars().any(|c| c.is_control() && !breaks(c)) {
            return Err("must not contain control characters".to_owned());
        }
        Ok(text)
    }

    /// One line of text.
    pub(crate) fn text(&mut self, name: &str, most: usize) -> Option<Option<String>> {
        self.field(name, |value| Self::checked_text(value, most, false))
    }

    /// Text of several lines.
    pub(crate) fn long_text(&mut self, name: &str, most: usize) -> Option<Option<String>> {
        self.field(name, |value| Self::checked_text(value, most, true))
    }

    /// A value that reads itself from text, such as an id or a word.
    pub(crate) fn parsed<T: FromStr>(&mut self, name: &str, what: &str) -> Option<Option<T>> {
        self.field(name, |value| {
            let text = Self::checked_text(value, 1_000, false)?;
            text.trim().parse().map_err(|_| format!("is not {what}"))
        })
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &str) -> Option<Option<bool>> {
        self.field(name, |value| value.as_bool().ok_or_else(|| "must be true or false".to_owned()))
    }

    /// A whole number within a range.
    pub(crate) fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<Option<i64>> {
        self.field(name, |value| {
            let whole = value.as_i64().or_else(|| {
                let number = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15)?;
                format!("{number}").parse().ok()
            });
            match whole {
                Some(number) if range.contains(&number) => Ok(number),
                _ => Err(format!("must be a whole number from {} to {}", range.start(), range.end())),
            }
        })
    }

    /// A number within a range.
    pub(crate) fn number(&mut self, name: &str, range: RangeInclusive<f64>) -> Option<Option<f64>> {
        self.field(name, |value| match value.as_f64() {
            Some(number) if range.contains(&number) => Ok(number),
            _ => Err(format!("must be a number from {} to {}", range.start(), range.end())),
        })
    }

    /// A time; without an offset it is UTC.
    pub(crate) fn time(&mut self, name: &str) -> Option<Option<Timestamp>> {
        self.field(name, |value| {
            let text = Self::checked_text(value, 100, false)?;
            Timestamp::parse(&text).map_err(|error| error.to_string())
        })
    }

    /// A list of at most `most` items, each read by `read`.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        most: usize,
        mut read: impl FnMut(Value) -> Result<T, String>,
    ) -> Option<Option<Vec<T>>> {
        self.field(name, |value| {
            let Value::Array(items) = value else { return Err("must be a list".to_owned()) };
            if items.len() > most {
                return Err(format!("has {} items; at most {most} are allowed", items.len()));
            }
            items
                .into_iter()
                .enumerate()
                .map(|(index, item)| read(item).map_err(|message| format!("item {index} {message}")))
                .collect()
        })
    }

    /// Ends the reading, and answers what was refused, to be told with what else is wrong.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 422 with every field that was refused.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.errors)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &'static str) -> Fields {
        Fields::parse(Bytes::from_static(text.as_bytes())).unwrap()
    }

    #[test]
    fn null_absent_and_wrong_are_told_apart_and_all_told_at_once() {
        let mut fields =
            fields(r#"{"a": null, "b": " x ", "c": 3.0, "d": 3.5, "e": "no\nlines", "g": [1, "x"]}"#);
        assert_eq!(fields.text("a", 5), Some(None));
        assert_eq!(fields.text("z", 5), None);
        assert_eq!(fields.text("b", 5), Some(Some(" x ".to_owned())));
        assert_eq!(fields.integer("c", 0..=5), Some(Some(3)));
        assert_eq!(fields.integer("d", 0..=5), None);
        assert_eq!(fields.text("e", 50), None);
        let value = fields.flag("f");
        assert_eq!(fields.required("f", value), None);
        assert_eq!(fields.list("g", 5, |item| item.as_i64().ok_or_else(|| "is no number".to_owned())), None);
        let problem = fields.finish().unwrap_err();
        for part in ["d: must be", "e: must not contain", "f: is needed", "g: item 1 is no number"] {
            assert!(problem.to_string().contains(part), "{problem}");
        }
    }

    #[test]
    fn only_objects_are_bodies() {
        assert!(Fields::parse(Bytes::new()).is_ok());
        for (text, code) in [("[]", "invalid"), ("3", "invalid"), ("{", "bad_json"), ("", "")] {
            let read = Fields::parse(Bytes::from_static(text.as_bytes()));
            assert_eq!(
                read.err().map(|error| error.to_string().starts_with(code)),
                (!code.is_empty()).then_some(true)
            );
        }
    }
}
