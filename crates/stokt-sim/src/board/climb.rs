//! One climb: stored compactly while nobody has touched it, as its own JSON once somebody has.

use std::borrow::Cow;

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A climb of the board. `key` is how the service finds it, even if its JSON carries another id or none.
#[derive(Debug, Clone)]
pub(crate) struct Climb {
    pub(crate) key: Uuid,
    /// Microseconds since 1970, UTC; the listing is in the order of it.
    pub(crate) created: i64,
    /// Index of the setter among the board's users.
    pub(crate) setter: Option<u32>,
    pub(crate) is_private: bool,
    /// Index of the face it is on.
    pub(crate) face: u32,
    pub(crate) body: Body,
}

/// How a climb is kept.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// Invented, never edited: about 150 bytes, so that 100,000 fit anywhere.
    Compact(Compact),
    /// As it is answered, field for field.
    Json(Box<Map<String, Value>>),
}

/// What an invented climb needs beyond [`Climb`].
#[derive(Debug, Clone)]
pub(crate) struct Compact {
    pub(crate) name: Box<str>,
    /// Role in the two highest bits, id of the hold in the others.
    pub(crate) holds: Box<[u32]>,
    pub(crate) feet: u8,
    /// Index in `grades::GRADES`; [`NO_GRADE`] answers null.
    pub(crate) grade: u8,
    pub(crate) flags: u8,
    /// Bit mask over `climbs::TAGS`.
    pub(crate) tags: u8,
    pub(crate) climbed_by: u16,
    pub(crate) likes: u16,
    pub(crate) comments: u16,
}

/// Of [`Compact::grade`]: `crowdGrade` is null.
pub(crate) const NO_GRADE: u8 = u8::MAX;

/// Bits of [`Compact::flags`]; the last four are about the account.
pub(crate) mod flag {
    pub(crate) const BENCHMARK: u8 = 1;
    pub(crate) const CIRCUIT: u8 = 2;
    pub(crate) const SENT: u8 = 4;
    pub(crate) const FLASHED: u8 = 8;
    pub(crate) const LIKED: u8 = 16;
    pub(crate) const BOOKMARKED: u8 = 32;
}

/// Letters of the roles, in the order of the two bits that stand for them and of a holds list.
pub(crate) const ROLES: [char; 4] = ['S', 'F', 'O', 'T'];
const ID_BITS: u32 = 30;

pub(crate) fn token(role: u32, hold: i64) -> u32 {
    (role << ID_BITS) | (u32::try_from(hold).unwrap_or(0) & ((1 << ID_BITS) - 1))
}

pub(crate) fn hold_of(token: u32) -> i64 {
    i64::from(token & ((1 << ID_BITS) - 1))
}

/// `S12 S13 O20 T31`
pub(crate) fn holds_text(tokens: &[u32]) -> String {
    let mut text = String::with_capacity(tokens.len() * 8);
    for token in tokens {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push(ROLES.get((token >> ID_BITS) as usize).copied().unwrap_or('O'));
        text.push_str(&hold_of(*token).to_string());
    }
    text
}

/// A time as Stokt writes it: five hours behind UTC, with microseconds.
pub(crate) fn time_text(micros: i64) -> String {
    let utc = DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default();
    match FixedOffset::west_opt(5 * 3600) {
        Some(offset) => utc.with_timezone(&offset).format("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
        None => utc.to_rfc3339(),
    }
}

/// Reads a time with an offset, to microseconds since 1970.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros())
}

/// A text field of a JSON object; "" if it is missing or something else.
pub(crate) fn text<'a>(map: &'a Map<String, Value>, field: &str) -> &'a str {
    map.get(field).and_then(Value::as_str).unwrap_or_default()
}

impl Climb {
    pub(crate) fn name(&self) -> &str {
        match &self.body {
            Body::Compact(compact) => &compact.name,
            Body::Json(map) => text(map, "name"),
        }
    }

    /// Its holds list as it is answered; "" if its JSON has none.
    pub(crate) fn holds(&self) -> Cow<'_, str> {
        match &self.body {
            Body::Compact(compact) => Cow::Owned(holds_text(&compact.holds)),
            Body::Json(map) => Cow::Borrowed(text(map, "holdsList")),
        }
    }

    pub(crate) fn counter(&self, field: &str) -> usize {
        match &self.body {
            Body::Compact(compact) => usize::from(match field {
                "climbedBy" => compact.climbed_by,
                "totalLikes" => compact.likes,
                "totalComments" => compact.comments,
                _ => 0,
            }),
            Body::Json(map) => map.get(field).and_then(Value::as_u64).unwrap_or(0) as usize,
        }
    }

    pub(crate) fn set_counter(&mut self, field: &str, value: usize) {
        match &mut self.body {
            Body::Compact(compact) => {
                let value = u16::try_from(value).unwrap_or(u16::MAX);
                match field {
                    "totalLikes" => compact.likes = value,
                    "totalComments" => compact.comments = value,
                    _ => {}
                }
            }
            Body::Json(map) => {
                map.insert(field.to_owned(), value.into());
            }
        }
    }

    /// Something about the account the board was made for, as it was before anybody changed it.
    pub(crate) fn about_account(&self, flag: u8, field: &str) -> bool {
        match &self.body {
            Body::Compact(compact) => compact.flags & flag != 0,
            Body::Json(map) => match field {
                "sent" => map.get("lastEffortDate").is_some_and(Value::is_string),
                field => map.get(field).and_then(Value::as_bool).unwrap_or(false),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_times_are_written_as_stokt_writes_them() {
        assert_eq!(
            holds_text(&[token(0, 400_279), token(1, 7), token(2, 8), token(3, 400_279)]),
            "S400279 F7 O8 T400279"
        );
        let time = "2025-12-17T10:56:38.491973-05:00";
        assert_eq!(parse_time(time).map(time_text).as_deref(), Some(time));
        assert_eq!(parse_time("yesterday"), None);
    }
}
