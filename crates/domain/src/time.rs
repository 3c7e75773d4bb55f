//! Points in time, in UTC and whole microseconds, so that both databases keep exactly what we compare.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A point in time: UTC, truncated to microseconds, printed as `2025-12-17T15:56:38.491973Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(DateTime<Utc>);

/// The text is not a time of the form `2025-12-17T10:56:38.491973-05:00`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' is not a time; write it as 2025-12-17T10:56:38Z, with a year from 0001 to 9999")]
pub struct TimestampError(String);

impl Timestamp {
    /// The present moment.
    #[must_use]
    pub fn now() -> Self {
        Self::from_utc(Utc::now())
    }

    /// Truncates to microseconds.
    #[must_use]
    pub fn from_utc(time: DateTime<Utc>) -> Self {
        // Through whole microseconds: chrono's own truncation gives up outside the years 1677 to 2262. A leap
        // second becomes the next second, since neither database keeps one.
        Self(DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time))
    }

    /// Reads RFC 3339 and its ISO 8601 cousins; a time without an offset is taken as UTC.
    ///
    /// # Errors
    /// [`TimestampError`] when the text is no time, or its year is outside 0001 to 9999.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let refused = || TimestampError(text.chars().take(64).collect());
        let time = DateTime::parse_from_rfc3339(text.trim())
            .map(|time| time.with_timezone(&Utc))
            .or_else(|_| {
                let naive = text.trim().replacen(' ', "T", 1);
                NaiveDateTime::parse_from_str(&naive, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc())
            })
            .map_err(|_| refused())?;
        // Of the time as it is kept: an offset or a leap second may have moved it into another year.
        let kept = Self::from_utc(time);
        let year = chrono::Datelike::year(&kept.0.date_naive());
        if (1..=9999).contains(&year) { Ok(kept) } else { Err(refused()) }
    }

    /// The time as chrono's type.
    #[must_use]
    pub fn as_utc(self) -> DateTime<Utc> {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self::from_utc(time)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(text: &str) -> String {
        Timestamp::parse(text).unwrap_or_else(|error| panic!("{error}")).to_string()
    }

    #[test]
    fn reads_what_stokt_writes_and_its_cousins() {
        assert_eq!(printed("2025-12-17T10:56:38.491973-05:00"), "2025-12-17T15:56:38.491973Z");
        assert_eq!(printed("2025-12-17T15:56:38Z"), "2025-12-17T15:56:38.000000Z");
        assert_eq!(printed(" 2025-12-17 15:56:38.5 "), "2025-12-17T15:56:38.500000Z");
        assert_eq!(printed("2025-12-17T15:56:38"), "2025-12-17T15:56:38.000000Z");
        assert_eq!(printed("2024-02-29T23:59:59+14:00"), "2024-02-29T09:59:59.000000Z");
    }

    #[test]
    fn keeps_whole_microseconds_in_every_year() {
        assert_eq!(printed("2025-12-17T15:56:38.1234569Z"), "2025-12-17T15:56:38.123456Z");
        assert_eq!(printed("0001-01-01T00:00:00.1234569Z"), "0001-01-01T00:00:00.123456Z");
        assert_eq!(printed("1969-12-31T23:59:59.9999999Z"), "1969-12-31T23:59:59.999999Z");
        assert_eq!(printed("9999-12-31T23:59:59.9999999Z"), "9999-12-31T23:59:59.999999Z");
        assert_eq!(printed("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::now().as_utc().timestamp_subsec_nanos() % 1_000, 0);
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "now",
            "2025-12-17",
            "2025-13-17T10:00:00Z",
            "2025-02-29T10:00:00Z",
            "2025-12-17T25:00:00Z",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+05:00",
            "9999-12-31T23:59:59-00:01",
            "9999-12-31T23:59:60Z",
            "+12025-12-17T10:00:00Z",
            "1734433000",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text:?}");
        }
        let refused = Timestamp::parse(&"x".repeat(1_000)).unwrap_err().to_string();
        assert!(refused.contains(&format!("'{}' is not a time", "x".repeat(64))), "{refused}");
    }

    #[test]
    fn is_a_text_in_json() {
        let time = Timestamp::parse("2025-12-17T15:56:38.491973Z").unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), "\"2025-12-17T15:56:38.491973Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>("\"2025-12-17T10:56:38.491973-05:00\"").unwrap(), time);
        assert!(serde_json::from_str::<Timestamp>("\"soon\"").is_err());
    }

    proptest! {
        #[test]
        fn goes_round_by_text_and_in_order(
            a in -62_135_596_800_000_000i64..253_402_300_800_000_000,
            b in -62_135_596_800_000_000i64..253_402_300_800_000_000,
        ) {
            let [a, b] = [a, b].map(|micros| Timestamp::from_utc(DateTime::from_timestamp_micros(micros).unwrap()));
            prop_assert_eq!(Timestamp::parse(&a.to_string()).unwrap(), a);
            prop_assert_eq!(Timestamp::from_utc(a.as_utc()), a);
            // SQLite compares texts: their order has to be that of the times.
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:. +-]{0,32}") {
            if let Ok(time) = Timestamp::parse(&text) {
                prop_assert_eq!(Timestamp::parse(&time.to_string()).unwrap(), time);
            }
        }
    }
}
