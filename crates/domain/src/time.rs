//! Points in time, in UTC and whole microseconds, so that both databases keep exactly what we compare.

use std::fmt;

use chrono::{DateTime, DurationRound, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
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
        Self(time.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(time))
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
        let years = chrono::Datelike::year(&time.date_naive());
        if (1..=9999).contains(&years) {
            Ok(Self::from_utc(time))
        } else {
            Err(refused())
        }
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
