//! Segments: the tape lines of a start hold.

use std::fmt;
use std::str::FromStr;

use super::{GeometryError, Point, check_length, coordinate, shortened};

/// A line from one point to another, as Stokt writes it: `x1 y1 x2 y2`. Prints back as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    text: String,
    from: Point,
    to: Point,
}

impl Segment {
    /// Reads `x1 y1 x2 y2`, in pixels.
    ///
    /// # Errors
    /// [`GeometryError`] when the text is not four numbers within a picture's reach.
    pub fn parse(text: &str) -> Result<Self, GeometryError> {
        check_length(text)?;
        let mut numbers = text.split_ascii_whitespace();
        let (Some(x1), Some(y1), Some(x2), Some(y2), None) =
            (numbers.next(), numbers.next(), numbers.next(), numbers.next(), numbers.next())
        else {
            return Err(GeometryError::Form { found: shortened(text), form: "x1 y1 x2 y2" });
        };
        Ok(Self {
            from: Point::new(coordinate(x1)?, coordinate(y1)?)?,
            to: Point::new(coordinate(x2)?, coordinate(y2)?)?,
            text: text.to_owned(),
        })
    }

    /// The end at the hold.
    #[must_use]
    pub const fn from(&self) -> Point {
        self.from
    }

    /// The other end.
    #[must_use]
    pub const fn to(&self) -> Point {
        self.to
    }

    /// Length in pixels.
    #[must_use]
    pub fn length(&self) -> f64 {
        self.from.distance(self.to)
    }

    /// The text it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Segment {
    type Err = GeometryError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_a_tape_line() {
        let line = Segment::parse("3.00 0.00 0.00 -4.00").unwrap();
        assert_eq!(line.from(), Point::new(3.0, 0.0).unwrap());
        assert_eq!(line.to(), Point::new(0.0, -4.0).unwrap());
        assert!((line.length() - 5.0).abs() < 1e-12);
        assert_eq!(line.to_string(), "3.00 0.00 0.00 -4.00");
    }

    #[test]
    fn refuses_what_is_no_line() {
        for text in ["", "1 2 3", "1 2 3 4 5", "1,2 3,4", "1 2 3 x", "1 2 3 inf", "1 2 3 2000000"] {
            assert!(Segment::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9 .eE+-]{0,40}") {
            if let Ok(line) = Segment::parse(&text) {
                prop_assert_eq!(line.to_string(), text);
            }
        }

        #[test]
        fn four_numbers_are_a_line(n in proptest::array::uniform4(-99_999_999i64..99_999_999)) {
            let text = n.map(|n| format!("{:.2}", n as f64 / 100.0)).join(" ");
            let line = Segment::parse(&text).unwrap();
            prop_assert_eq!(line.to_string(), text);
            prop_assert_eq!(line.to().y(), n[3] as f64 / 100.0);
        }
    }
}
