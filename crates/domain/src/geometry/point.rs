//! Points of a picture, and the text of a hold's centre.

use std::fmt;
use std::str::FromStr;

use super::{GeometryError, check_length, coordinate, in_range, shortened};

/// A place in a picture, in pixels. Both numbers are finite and within [`MAX_COORDINATE`](super::MAX_COORDINATE).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    x: f64,
    y: f64,
}

impl Point {
    /// The place at `x` pixels from the left and `y` from the top.
    ///
    /// # Errors
    /// [`GeometryError::OutOfRange`] for a number that is not finite or too large.
    pub fn new(x: f64, y: f64) -> Result<Self, GeometryError> {
        Ok(Self { x: in_range(x)?, y: in_range(y)? })
    }

    /// For results of arithmetic on points, which stay finite but may leave the range by a rounding error.
    pub(super) fn clamped(x: f64, y: f64) -> Self {
        let limit = super::MAX_COORDINATE;
        Self { x: x.clamp(-limit, limit), y: y.clamp(-limit, limit) }
    }

    /// Pixels from the left edge.
    #[must_use]
    pub const fn x(self) -> f64 {
        self.x
    }

    /// Pixels from the top edge.
    #[must_use]
    pub const fn y(self) -> f64 {
        self.y
    }

    /// Distance in pixels.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A hold's centre as Stokt writes it: `x y`. Prints back as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Centroid {
    text: String,
    point: Point,
}

impl Centroid {
    /// Reads `x y`, in pixels.
    ///
    /// # Errors
    /// [`GeometryError`] when the text is not two numbers within a picture's reach.
    pub fn parse(text: &str) -> Result<Self, GeometryError> {
        check_length(text)?;
        let mut numbers = text.split_ascii_whitespace();
        let (Some(x), Some(y), None) = (numbers.next(), numbers.next(), numbers.next()) else {
            return Err(GeometryError::Form { found: shortened(text), form: "x y" });
        };
        Ok(Self { point: Point { x: coordinate(x)?, y: coordinate(y)? }, text: text.to_owned() })
    }

    /// The centre of a hold made here, rounded to hundredths of a pixel as Stokt writes it.
    #[must_use]
    pub fn from_point(point: Point) -> Self {
        let text = format!("{:.2} {:.2}", point.x, point.y);
        let rounded = |value: f64| (value * 100.0).round() / 100.0;
        Self { point: Point::clamped(rounded(point.x), rounded(point.y)), text }
    }

    /// The place.
    #[must_use]
    pub const fn point(&self) -> Point {
        self.point
    }

    /// The text it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Centroid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Centroid {
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
    fn reads_a_centre_and_prints_it_back() {
        let centre = Centroid::parse("572.50 2397.00").unwrap();
        assert_eq!(centre.point(), Point::new(572.5, 2397.0).unwrap());
        assert_eq!(centre.to_string(), "572.50 2397.00");
    }

    #[test]
    fn refuses_what_is_no_centre() {
        for text in
            ["", " ", "1", "1 2 3", "1,2", "a b", "inf 0", "NaN 0", "1e9 0", "0 -1000000.01", "1e999 0"]
        {
            assert!(Centroid::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Centroid::parse(&"1".repeat(100_001)), Err(GeometryError::TooLong(100_001)));
    }

    #[test]
    fn a_point_is_finite() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1_000_000.5] {
            assert!(Point::new(bad, 0.0).is_err());
            assert!(Point::new(0.0, bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            if let Ok(centre) = Centroid::parse(&text) {
                prop_assert_eq!(centre.to_string(), text);
            }
        }

        #[test]
        fn a_centre_made_here_reads_back(x in -1e6..1e6_f64, y in -1e6..1e6_f64) {
            let centre = Centroid::from_point(Point::new(x, y).unwrap());
            prop_assert_eq!(&Centroid::parse(centre.as_str()).unwrap().text, &centre.text);
            prop_assert!(centre.point().distance(Point::new(x, y).unwrap()) < 0.0072);
        }
    }
}
