//! Geometry of holds: points, polygons, outlines and tape lines, read from Stokt's texts and printed back unchanged.
//!
//! Everything is in pixels of the face's full-size picture, origin top left, x to the right and y downwards. A parsed
//! value keeps the text it was read from, so that `536.00` does not become `536`.

mod drawn;
mod hold;
mod outline;
mod point;
mod polygon;
mod segment;

use thiserror::Error;

pub use drawn::{DrawingError, DrawnHold, MAX_DRAWN_POINTS, MIN_DRAWN_AREA};
pub use hold::{HoldGeometry, HoldGeometryError, TOP_MARGIN, WIDENED_BY};
pub use outline::Outline;
pub use point::{Centroid, Point};
pub use polygon::{BOUNDARY_TOLERANCE, BoundingBox, Polygon};
pub use segment::Segment;

/// The longest geometry text that is read, in bytes.
pub const MAX_TEXT: usize = 100_000;
/// The most points a polygon or an outline may have.
pub const MAX_POINTS: usize = 5_000;
/// The largest coordinate in pixels, either side of the origin; areas and lengths stay far from overflow.
pub const MAX_COORDINATE: f64 = 1_000_000.0;
/// The largest area in square pixels that is read.
pub const MAX_AREA: f64 = 4.0 * MAX_COORDINATE * MAX_COORDINATE;

/// Why a text is no geometry.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum GeometryError {
    /// More text than any hold needs.
    #[error("the text has {0} bytes; at most {MAX_TEXT} are read")]
    TooLong(usize),
    /// More points than any hold needs.
    #[error("there are more than {MAX_POINTS} points")]
    TooManyPoints,
    /// Not enough points to enclose anything.
    #[error("there are {found} points; at least 3 are needed")]
    TooFewPoints {
        /// How many there are.
        found: usize,
    },
    /// Not a decimal number.
    #[error("'{found}' is not a number of pixels")]
    Number {
        /// What was found, shortened.
        found: String,
    },
    /// A number that no picture reaches.
    #[error("{0} is out of range")]
    OutOfRange(f64),
    /// The wrong count of numbers.
    #[error("'{found}' should be written as {form}")]
    Form {
        /// What was found, shortened.
        found: String,
        /// How it should be written.
        form: &'static str,
    },
    /// Not the command expected at this byte of a path.
    #[error("at position {position} of the path: {expected}")]
    Path {
        /// Bytes from the beginning.
        position: usize,
        /// What should be there.
        expected: &'static str,
    },
}

/// The beginning of a text, for messages.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

fn check_length(text: &str) -> Result<(), GeometryError> {
    if text.len() > MAX_TEXT { Err(GeometryError::TooLong(text.len())) } else { Ok(()) }
}

/// Reads a plain decimal number. Rust's own parser would also take `inf`, `nan` and the like.
fn number(text: &str) -> Result<f64, GeometryError> {
    let refused = || GeometryError::Number { found: shortened(text) };
    if !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E')) {
        return Err(refused());
    }
    text.parse().map_err(|_| refused())
}

/// Checks that a number is finite and within [`MAX_COORDINATE`].
fn in_range(value: f64) -> Result<f64, GeometryError> {
    if value.abs() <= MAX_COORDINATE { Ok(value) } else { Err(GeometryError::OutOfRange(value)) }
}

fn coordinate(text: &str) -> Result<f64, GeometryError> {
    in_range(number(text)?)
}
