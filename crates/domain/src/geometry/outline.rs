//! Outlines: the SVG paths that draw a hold.

use std::fmt;
use std::str::FromStr;

use super::{GeometryError, MAX_POINTS, Point, Polygon, check_length, number};

/// One closed ring of straight lines as an SVG path: `M559.96,2358.89L536.00,2382.86...z`. Prints back as it was
/// written.
///
/// Stokt writes the absolute commands M, L and z without spaces. Spaces, commas, an implied L and the relative
/// commands m and l are read as the SVG 2 specification (chapter 9, "Paths") has them; curves and further rings are
/// refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    text: String,
    points: Vec<Point>,
}

impl Outline {
    /// Reads a path, in pixels.
    ///
    /// # Errors
    /// [`GeometryError`] when the path is not one closed ring of at least 3 points.
    pub fn parse(text: &str) -> Result<Self, GeometryError> {
        check_length(text)?;
        let points = Reader { text, position: 0 }.ring()?;
        if points.len() < 3 {
            return Err(GeometryError::TooFewPoints { found: points.len() });
        }
        Ok(Self { text: text.to_owned(), points })
    }

    /// The path along a polygon, with hundredths of a pixel as Stokt writes it.
    #[must_use]
    pub fn from_polygon(polygon: &Polygon) -> Self {
        let pairs: Vec<String> =
            polygon.points().iter().map(|point| format!("{:.2},{:.2}", point.x(), point.y())).collect();
        let rounded = |value: f64| (value * 100.0).round() / 100.0;
        let points =
            polygon.points().iter().map(|point| Point::clamped(rounded(point.x()), rounded(point.y())));
        Self { points: points.collect(), text: format!("M{}z", pairs.join("L")) }
    }

    /// The corners in the order written, in absolute pixels.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The same ring as a polygon, with the polygon's own text.
    ///
    /// # Errors
    /// None for an outline that exists, since it has 3 points or more; the type is that of
    /// [`Polygon::from_points`].
    pub fn to_polygon(&self) -> Result<Polygon, GeometryError> {
        Polygon::from_points(&self.points)
    }

    /// The text it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Walks along a path's text; the position is always between two ASCII characters or at an end.
struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl Reader<'_> {
    fn ring(mut self) -> Result<Vec<Point>, GeometryError> {
        self.skip_spaces();
        let mut relative = match self.peek() {
            Some(b'M') => false,
            Some(b'm') => true,
            _ => return Err(self.expected("a path begins with M")),
        };
        self.position += 1;
        let mut points: Vec<Point> = Vec::new();
        loop {
            // Per the specification a leading relative m is taken as absolute: there is nothing before it.
            let base = if relative { points.last().copied() } else { None };
            let (x, y) = (self.coordinate()?, self.coordinate()?);
            points.push(Point::new(x + base.map_or(0.0, Point::x), y + base.map_or(0.0, Point::y))?);
            if points.len() > MAX_POINTS {
                return Err(GeometryError::TooManyPoints);
            }
            self.skip_spaces();
            match self.peek() {
                Some(b'L') => relative = false,
                Some(b'l') => relative = true,
                Some(b'Z' | b'z') => break,
                // Numbers without a command go on as lines.
                Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b',') => continue,
                _ => return Err(self.expected("L, or z to close the ring")),
            }
            self.position += 1;
        }
        self.position += 1;
        self.skip_spaces();
        if self.position < self.text.len() {
            return Err(self.expected("nothing may follow z"));
        }
        Ok(points)
    }

    fn coordinate(&mut self) -> Result<f64, GeometryError> {
        self.skip_spaces();
        if self.peek() == Some(b',') {
            self.position += 1;
            self.skip_spaces();
        }
        let rest = self.text.get(self.position..).unwrap_or_default();
        let length = number_length(rest.as_bytes());
        match rest.get(..length) {
            Some(digits) if length > 0 => {
                self.position += length;
                number(digits)
            }
            _ => Err(self.expected("a number")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.position += 1;
        }
    }

    fn expected(&self, expected: &'static str) -> GeometryError {
        GeometryError::Path { position: self.position, expected }
    }
}

/// How many bytes the number at the beginning has: sign, digits, one point, exponent. A second point or a sign in
/// the middle begins the next number.
fn number_length(bytes: &[u8]) -> usize {
    let (mut length, mut point, mut exponent) = (0_usize, false, false);
    for byte in bytes {
        let goes_on = match byte {
            b'0'..=b'9' => true,
            b'+' | b'-' => length == 0 || matches!(bytes.get(length.wrapping_sub(1)), Some(b'e' | b'E')),
            b'.' => !std::mem::replace(&mut point, true) && !exponent,
            b'e' | b'E' => length > 0 && !std::mem::replace(&mut exponent, true),
            _ => false,
        };
        if !goes_on {
            break;
        }
        length += 1;
    }
    length
}

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Outline {
    type Err = GeometryError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn corners(text: &str) -> Vec<(f64, f64)> {
        Outline::parse(text).unwrap().points().iter().map(|p| (p.x(), p.y())).collect()
    }

    #[test]
    fn reads_what_stokt_writes() {
        let text = "M559.96,2358.89L536.00,2382.86L-5.50,0.00z";
        assert_eq!(corners(text), [(559.96, 2358.89), (536.0, 2382.86), (-5.5, 0.0)]);
        assert_eq!(Outline::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn reads_other_ways_to_write_the_same_ring() {
        let plain = [(10.0, 20.0), (30.0, 20.0), (30.0, 45.0)];
        for text in [
            "M10,20L30,20L30,45z",
            " M 10 20 L 30 , 20\nL 30 45 Z ",
            "M10,20 30,20 30,45z",
            "m10,20l20,0l0,25z",
            "m10,20 20,0 0,25z",
            "M10,20l20,0L30,45Z",
            "M1e1,20.0L+30,20L.3e2,45z",
        ] {
            assert_eq!(corners(text), plain, "{text}");
            assert_eq!(Outline::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(corners("M.5.5L-1-2L3-4z"), [(0.5, 0.5), (-1.0, -2.0), (3.0, -4.0)]);
    }

    #[test]
    fn refuses_what_is_no_ring() {
        for text in [
            "",
            "M",
            "z",
            "M1,2",
            "M1,2L3,4z",
            "M1,2L3,4L5,6",
            "L1,2L3,4L5,6z",
            "M1,2L3,4L5z",
            "M1,2C3,4 5,6 7,8z",
            "M1,2L3,4L5,6zM1,2L3,4L5,6z",
            "M1,2L3,4L5,6zz",
            "M1,,2L3,4L5,6z",
            "M1,2L3,4L5,--6z",
            "M1,2L3,4L5,1e999z",
            "M1,2L3,4L5,infz",
            "M1,2é3,4L5,6z",
            "m900000,0l900000,0l0,1z",
        ] {
            assert!(Outline::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Outline::parse("M1,2X"),
            Err(GeometryError::Path { position: 4, expected: "L, or z to close the ring" })
        );
    }

    #[test]
    fn caps_the_points() {
        let text = format!("M0,0{}z", "L1,1".repeat(MAX_POINTS));
        assert_eq!(Outline::parse(&text), Err(GeometryError::TooManyPoints));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[MmLlZz0-9,. eE+é-]{0,40}") {
            if let Ok(outline) = Outline::parse(&text) {
                prop_assert!(outline.points().len() >= 3);
                prop_assert_eq!(outline.to_string(), text);
            }
        }

        #[test]
        fn a_ring_goes_round_by_text(
            points in proptest::collection::vec((-9_999_999i32..9_999_999, -9_999_999i32..9_999_999), 3..40),
        ) {
            let points: Vec<Point> =
                points.iter().map(|(x, y)| Point::new(f64::from(*x) / 100.0, f64::from(*y) / 100.0).unwrap()).collect();
            let polygon = Polygon::from_points(&points).unwrap();
            let outline = Outline::from_polygon(&polygon);
            let again = Outline::parse(outline.as_str()).unwrap();
            prop_assert_eq!(again.points(), polygon.points());
            prop_assert_eq!(&again, &outline);
            prop_assert_eq!(again.to_polygon().unwrap(), polygon);
        }
    }
}
