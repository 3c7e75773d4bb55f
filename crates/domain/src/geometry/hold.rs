//! The whole geometry of one hold, read from its texts.

use thiserror::Error;

use super::{Centroid, GeometryError, MAX_AREA, Outline, Polygon, Segment, check_length, number};
use crate::board::HoldShape;

/// How far Stokt draws a hold's polygon outside the hold itself, in pixels. Its area text speaks of the hold itself:
/// found on the real board, where moving every edge of the polygon inwards by this much gives the stored area.
pub const WIDENED_BY: f64 = 10.0;
/// How far a top hold's wider polygon lies outside the hold's polygon, in pixels; found on the real board too.
pub const TOP_MARGIN: f64 = 25.0;

/// Everything that a [`HoldShape`] says, as geometry.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldGeometry {
    /// Area of the hold in square pixels, as stored; smaller than the polygon's, see [`WIDENED_BY`].
    pub area: f64,
    /// The polygon that is drawn.
    pub polygon: Polygon,
    /// The wider zone that a finger may touch.
    pub touch_polygon: Polygon,
    /// The polygon as a path.
    pub outline: Outline,
    /// The centre.
    pub centroid: Centroid,
    /// The wider polygon round a top hold.
    pub top_polygon: Polygon,
    /// The tape line drawn with two start holds or more.
    pub center_tape: Segment,
    /// The left tape line of a single start hold.
    pub left_tape: Segment,
    /// The right tape line of a single start hold.
    pub right_tape: Segment,
}

/// Which of a hold's texts is no geometry, and why.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{field}: {error}")]
pub struct HoldGeometryError {
    /// The field of [`HoldShape`].
    pub field: &'static str,
    /// What is wrong with it.
    #[source]
    pub error: GeometryError,
}

impl HoldGeometry {
    /// Reads all texts of a hold.
    ///
    /// # Errors
    /// [`HoldGeometryError`], which names the first field that cannot be read.
    pub fn parse(shape: &HoldShape) -> Result<Self, HoldGeometryError> {
        fn read<T>(
            field: &'static str,
            text: &str,
            parse: impl Fn(&str) -> Result<T, GeometryError>,
        ) -> Result<T, HoldGeometryError> {
            parse(text).map_err(|error| HoldGeometryError { field, error })
        }
        Ok(Self {
            area: read("area", &shape.area, parse_area)?,
            polygon: read("polygon_str", &shape.polygon_str, Polygon::parse)?,
            touch_polygon: read("touch_polygon_str", &shape.touch_polygon_str, Polygon::parse)?,
            outline: read("path_str", &shape.path_str, Outline::parse)?,
            centroid: read("centroid_str", &shape.centroid_str, Centroid::parse)?,
            top_polygon: read("top_polygon_str", &shape.top_polygon_str, Polygon::parse)?,
            center_tape: read("center_tape_str", &shape.center_tape_str, Segment::parse)?,
            left_tape: read("left_tape_str", &shape.left_tape_str, Segment::parse)?,
            right_tape: read("right_tape_str", &shape.right_tape_str, Segment::parse)?,
        })
    }

    /// The hold itself: its polygon with every edge moved inwards by [`WIDENED_BY`]. `None` for a hold too narrow.
    #[must_use]
    pub fn hold_itself(&self) -> Option<Polygon> {
        self.polygon.offset(-WIDENED_BY)
    }
}

/// Reads an area in square pixels, which is never negative.
fn parse_area(text: &str) -> Result<f64, GeometryError> {
    check_length(text)?;
    let area = number(text)?;
    if (0.0..=MAX_AREA).contains(&area) { Ok(area) } else { Err(GeometryError::OutOfRange(area)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> HoldShape {
        HoldShape {
            area: "6400.00".into(),
            polygon_str: "100.00,100.00 100.00,200.00 200.00,200.00 200.00,100.00".into(),
            touch_polygon_str: "90.00,90.00 90.00,210.00 210.00,210.00 210.00,90.00".into(),
            path_str: "M100.00,100.00L100.00,200.00L200.00,200.00L200.00,100.00z".into(),
            centroid_str: "150.00 150.00".into(),
            top_polygon_str: "75.00,75.00 75.00,225.00 225.00,225.00 225.00,75.00".into(),
            center_tape_str: "150.00 200.00 150.00 300.00".into(),
            left_tape_str: "120.00 200.00 50.00 270.00".into(),
            right_tape_str: "180.00 200.00 250.00 270.00".into(),
        }
    }

    #[test]
    fn a_hold_is_read_whole() {
        let hold = HoldGeometry::parse(&shape()).unwrap();
        assert!((hold.hold_itself().unwrap().area() - hold.area).abs() < 1e-6);
        assert_eq!(hold.polygon.offset(TOP_MARGIN).unwrap().as_str(), hold.top_polygon.as_str());
        assert_eq!(hold.outline.points(), hold.polygon.points());
        assert_eq!(hold.centroid.point(), hold.polygon.centroid());
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        type Field = fn(&mut HoldShape) -> &mut String;
        let fields: [(&str, Field); 9] = [
            ("area", |s| &mut s.area),
            ("polygon_str", |s| &mut s.polygon_str),
            ("touch_polygon_str", |s| &mut s.touch_polygon_str),
            ("path_str", |s| &mut s.path_str),
            ("centroid_str", |s| &mut s.centroid_str),
            ("top_polygon_str", |s| &mut s.top_polygon_str),
            ("center_tape_str", |s| &mut s.center_tape_str),
            ("left_tape_str", |s| &mut s.left_tape_str),
            ("right_tape_str", |s| &mut s.right_tape_str),
        ];
        for (name, field) in fields {
            for bad in ["", "x", "nan", "-1", "inf"] {
                let mut shape = shape();
                *field(&mut shape) = bad.to_owned();
                assert_eq!(HoldGeometry::parse(&shape).unwrap_err().field, name, "{bad:?}");
            }
        }
    }
}
