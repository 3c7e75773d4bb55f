//! Lengths of time as people write them on a command line: `90`, `500ms`, `90s`, `15m`, `2h`, `1.5d`.

use std::time::Duration;

/// The unit of a number that names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Hours.
    Hours,
}

impl TimeUnit {
    fn seconds(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Hours => 3600.0,
        }
    }
}

/// Reads a length of time. A bare number counts in `unit`. `None` for anything that is no such length: negative, not a
/// number, or longer than a hundred years.
#[must_use]
pub fn parse_duration(text: &str, unit: TimeUnit) -> Option<Duration> {
    const MOST_SECONDS: f64 = 100.0 * 366.0 * 86_400.0;
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, name) = text.split_at_checked(end)?;
    let each = match name.trim_start() {
        "" => unit.seconds(),
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * each;
    if (0.0..=MOST_SECONDS).contains(&seconds) { Duration::try_from_secs_f64(seconds).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_lengths_of_time_in_many_ways() {
        let millis = |text: &str| parse_duration(text, TimeUnit::Seconds).map(|time| time.as_millis());
        for (text, wanted) in [
            ("0", 0),
            ("90", 90_000),
            ("0.25", 250),
            ("500ms", 500),
            ("90s", 90_000),
            ("15m", 900_000),
            ("15 min", 900_000),
            ("2h", 7_200_000),
            ("1.5d", 129_600_000),
        ] {
            assert_eq!(millis(text), Some(wanted), "{text}");
        }
        for text in ["", "-1", "x", "s", "1w", "NaN", "inf", "1e9", "1 2", "1h30m", "99999999999d", "1.2.3"] {
            assert_eq!(millis(text), None, "{text}");
        }
        assert_eq!(parse_duration("12", TimeUnit::Hours), Some(Duration::from_secs(43_200)));
        assert_eq!(parse_duration("12s", TimeUnit::Hours), Some(Duration::from_secs(12)));
    }
}
