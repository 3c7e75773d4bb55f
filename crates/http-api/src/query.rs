//! Reading query strings and path parts: unknown parameters are ignored, and every bad value is reported at once.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use actix_web::{HttpRequest, web};
use mastoc_domain::Timestamp;

use crate::errors::{ApiError, FieldError};

/// The longest text of a parameter, in bytes.
const LONGEST_TEXT: usize = 255;
/// The longest cursor, in bytes: it may hold a folded name.
const LONGEST_OWN_TEXT: usize = 8 * 1024;
/// How many values a list may have.
const LONGEST_LIST: usize = 200;
/// Shown values are cut to this many characters.
const SHOWN: usize = 40;

/// The parameters of a request, and what is wrong with them so far.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl Query {
    pub(crate) fn of(req: &HttpRequest) -> Self {
        Self::parse(req.query_string())
    }

    pub(crate) fn parse(text: &str) -> Self {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text);
        Self { pairs: pairs.map(web::Query::into_inner).unwrap_or_default(), errors: Vec::new() }
    }

    /// Notes that a value is not what it must be.
    pub(crate) fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.errors.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    /// Whether the parameter is there, even if empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }

    /// The text of a parameter; the last one if it is repeated, `None` if it is empty.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.text_up_to(name, LONGEST_TEXT)
    }

    /// The same, for text that was made here and may be longer.
    pub(crate) fn long_text(&mut self, name: &str) -> Option<String> {
        self.text_up_to(name, LONGEST_OWN_TEXT)
    }

    fn text_up_to(&mut self, name: &str, limit: usize) -> Option<String> {
        let value =
            self.pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())?;
        if value.len() > limit {
            self.refuse(name, format!("at most {limit} bytes"));
        } else if value.chars().any(char::is_control) {
            self.refuse(name, "control characters are not allowed");
        } else if !value.is_empty() {
            return Some(value);
        }
        None
    }

    /// A value of a type that reads itself from text.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            self.refuse(name, format!("{} is not {what}", shown(&text)));
        }
        parsed
    }

    /// A number within a range.
    pub(crate) fn number<T>(&mut self, name: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        let number: T = self.value(name, "a number")?;
        if range.contains(&number) {
            return Some(number);
        }
        self.refuse(name, format!("must be from {} to {}", range.start(), range.end()));
        None
    }

    /// `true` or `false`, and their usual cousins.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => {
                self.refuse(name, format!("{} is neither true nor false", shown(&text)));
                None
            }
        }
    }

    /// A time; without an offset it is UTC.
    pub(crate) fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        // A plus sign that was not escaped arrives as a space: `...T10:00:00 02:00`.
        let parsed = Timestamp::parse(&text).or_else(|error| match text.trim().rsplit_once(' ') {
            Some((time, offset)) => Timestamp::parse(&format!("{time}+{offset}")).map_err(|_| error),
            None => Err(error),
        });
        match parsed {
            Ok(time) => Some(time),
            Err(error) => {
                self.refuse(name, error.to_string());
                None
            }
        }
    }

    /// A list: separated by commas, or the parameter repeated.
    pub(crate) fn list<T>(&mut self, name: &str, what: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let texts: Vec<String> = self
            .pairs
            .iter()
            .filter(|(known, _)| known == name)
            .flat_map(|(_, value)| value.split(','))
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
            .collect();
        if texts.len() > LONGEST_LIST {
            self.refuse(name, format!("at most {LONGEST_LIST} values"));
            return Vec::new();
        }
        let mut values = Vec::with_capacity(texts.len());
        for text in texts {
            let usable = text.len() <= LONGEST_TEXT && !text.chars().any(char::is_control);
            match read(&text).filter(|_| usable) {
                Some(value) => values.push(value),
                None => self.refuse(name, format!("{} is not {what}", shown(&text))),
            }
        }
        values
    }

    /// Everything that was wrong, at once.
    ///
    /// # Errors
    /// 422 with a list of fields and messages.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.errors)) }
    }
}

/// A part of the path.
///
/// # Errors
/// 422 when it is not what it must be.
pub(crate) fn path<T: FromStr>(req: &HttpRequest, name: &str, what: &str) -> Result<T, ApiError> {
    let text = req.match_info().get(name).unwrap_or_default();
    text.parse().map_err(|_| ApiError::invalid_field(name, format!("{} is not {what}", shown(text))))
}

/// A value as it is repeated in a message: short, and on one line.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("'{shown}'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_bad_value_is_reported_and_good_ones_are_read() {
        let mut query =
            Query::parse("page=2&size=999&b=TRUE&t=2025-01-01T10:00:00 02:00&ids=1,2&ids=3,x&nul=a%00b&e=");
        assert_eq!(query.number("page", 1..=5), Some(2));
        assert_eq!(query.number("size", 1..=500), None);
        assert_eq!(query.flag("b"), Some(true));
        assert_eq!(query.time("t").unwrap().to_string(), "2025-01-01T08:00:00.000000Z");
        assert_eq!(query.list("ids", "a number", |text| text.parse::<i64>().ok()), vec![1, 2, 3]);
        assert_eq!(query.text("nul"), None);
        assert_eq!(query.text("e"), None);
        assert!(query.has("e") && !query.has("f"));
        let fields: Vec<String> = query.errors.iter().map(|error| error.field.clone()).collect();
        assert_eq!(fields, ["size", "ids", "nul"]);
    }

    proptest! {
        #[test]
        fn s14_no_text_makes_it_panic(text in ".{0,300}", value in any::<Vec<u8>>()) {
            let encoded: String = value.iter().map(|byte| format!("%{byte:02X}")).collect();
            for raw in [text.clone(), format!("a={encoded}&a={text}")] {
                let mut query = Query::parse(&raw);
                let _ = (query.text("a"), query.flag("a"), query.time("a"), query.number("a", 0_i64..=9));
                let _ = query.list("a", "a number", |text| text.parse::<i64>().ok());
                let _ = query.finish();
            }
        }
    }
}
