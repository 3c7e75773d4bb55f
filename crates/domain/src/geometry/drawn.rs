//! Holds that are drawn here: from the outline that somebody drew, everything else that a hold's shape says.
//!
//! Distances are those found on the real board. Where a polygon cannot be moved outwards (a corner turns back on
//! itself), its convex hull is, and where that would leave long spikes, the rectangle around it.

use thiserror::Error;

use super::{Centroid, GeometryError, Outline, Point, Polygon, Segment, TOP_MARGIN, WIDENED_BY};
use crate::board::HoldShape;

/// The most corners of a hold that is drawn here.
pub const MAX_DRAWN_POINTS: usize = 300;
/// The smallest area of a hold that is drawn here, in square pixels.
pub const MIN_DRAWN_AREA: f64 = 4.0;
/// How far the zone that a finger may touch lies outside the polygon, in pixels.
const TOUCH_MARGIN: f64 = 12.0;
/// Tape is this part of the picture's width long: 100 pixels on the real board's picture.
const TAPE_SHARE: f64 = 100.0 / 2_263.0;
/// How far the two lines of the V lie beside the vertical, in radians.
const TAPE_SPREAD: f64 = std::f64::consts::FRAC_PI_6;
/// Corners are moved outwards at most this many times the distance, or they are spikes.
const SPIKE: f64 = 4.0;

/// Why an outline is no hold of a picture.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DrawingError {
    /// The text is no polygon.
    #[error(transparent)]
    Polygon(#[from] GeometryError),
    /// More corners than a hold drawn by hand has.
    #[error("there are {0} corners; at most {MAX_DRAWN_POINTS} are allowed")]
    TooManyCorners(usize),
    /// A corner outside the picture.
    #[error("the corner {x},{y} is outside the picture of {width} x {height} pixels")]
    Outside {
        /// Pixels from the left.
        x: f64,
        /// Pixels from the top.
        y: f64,
        /// The picture's width in pixels.
        width: u32,
        /// The picture's height in pixels.
        height: u32,
    },
    /// Two edges cross or touch.
    #[error("the outline crosses or touches itself")]
    CrossesItself,
    /// It encloses next to nothing.
    #[error("the outline encloses less than {MIN_DRAWN_AREA} square pixels")]
    TooSmall,
}

/// A hold as it is drawn in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnHold {
    /// Its centre.
    pub centroid: Point,
    /// Everything that is kept of it as text.
    pub shape: HoldShape,
}

impl DrawnHold {
    /// Makes a hold from its outline, in pixels of a picture of this size.
    ///
    /// # Errors
    /// [`DrawingError`], when it is no outline of a hold in this picture.
    pub fn parse(outline: &str, width: u32, height: u32) -> Result<Self, DrawingError> {
        Self::of(Polygon::parse(outline)?.points(), width, height)
    }

    /// The same from corners.
    ///
    /// # Errors
    /// As [`DrawnHold::parse`].
    pub fn of(corners: &[Point], width: u32, height: u32) -> Result<Self, DrawingError> {
        // The text's hundredths of a pixel are what counts from here on.
        let rounded = Polygon::from_points(corners)?;
        let mut ring: Vec<Point> = Vec::with_capacity(rounded.points().len());
        for point in rounded.points() {
            if ring.last() != Some(point) {
                ring.push(*point);
            }
        }
        // Some programs repeat the first corner at the end.
        while ring.len() > 1 && ring.first() == ring.last() {
            ring.pop();
        }
        if ring.len() > MAX_DRAWN_POINTS {
            return Err(DrawingError::TooManyCorners(ring.len()));
        }
        let polygon = Polygon::from_points(&ring)?;
        for point in polygon.points() {
            let (x, y) = (point.x(), point.y());
            if !(0.0..=f64::from(width)).contains(&x) || !(0.0..=f64::from(height)).contains(&y) {
                return Err(DrawingError::Outside { x, y, width, height });
            }
        }
        if crosses_itself(polygon.points()) {
            return Err(DrawingError::CrossesItself);
        }
        if polygon.area() < MIN_DRAWN_AREA {
            return Err(DrawingError::TooSmall);
        }
        Ok(Self::from_checked(&polygon, width))
    }

    fn from_checked(polygon: &Polygon, width: u32) -> Self {
        // Stokt's area and centre speak of the hold itself, a little inside of what is drawn.
        let itself = polygon.offset(-WIDENED_BY);
        let itself = itself.as_ref().filter(|inner| !crosses_itself(inner.points())).unwrap_or(polygon);
        let centre = Centroid::from_point(itself.centroid());
        let length = f64::from(width) * TAPE_SHARE;
        let down = std::f64::consts::FRAC_PI_2;
        let tape = |angle: f64| tape(polygon, centre.point(), angle, length);
        Self {
            centroid: centre.point(),
            shape: HoldShape {
                area: format!("{:.2}", itself.area()),
                polygon_str: polygon.to_string(),
                touch_polygon_str: wider(polygon, TOUCH_MARGIN).to_string(),
                path_str: Outline::from_polygon(polygon).as_str().to_owned(),
                centroid_str: centre.as_str().to_owned(),
                top_polygon_str: wider(polygon, TOP_MARGIN).to_string(),
                center_tape_str: tape(down),
                // With y downwards, angles turn clockwise: further on from downwards is to the left.
                left_tape_str: tape(down + TAPE_SPREAD),
                right_tape_str: tape(down - TAPE_SPREAD),
            },
        }
    }
}

/// The polygon moved outwards; see the top of this file for where it cannot be.
fn wider(polygon: &Polygon, by: f64) -> Polygon {
    let bounds = polygon.bounding_box();
    let (left, top) = (bounds.top_left.x(), bounds.top_left.y());
    let (right, bottom) = (bounds.bottom_right.x(), bounds.bottom_right.y());
    let has_no_spikes = |moved: &Polygon| {
        let around = moved.bounding_box();
        let reach = SPIKE * by;
        around.top_left.x() >= left - reach
            && around.top_left.y() >= top - reach
            && around.bottom_right.x() <= right + reach
            && around.bottom_right.y() <= bottom + reach
    };
    let moved = polygon.offset(by).filter(has_no_spikes).or_else(|| {
        let hull = Polygon::from_points(&convex_hull(polygon.points())).ok()?;
        hull.offset(by).filter(has_no_spikes)
    });
    let rectangle = || {
        let corners = [
            Point::clamped(left - by, top - by),
            Point::clamped(right + by, top - by),
            Point::clamped(right + by, bottom + by),
            Point::clamped(left - by, bottom + by),
        ];
        Polygon::from_points(&corners).unwrap_or_else(|_| polygon.clone())
    };
    moved.unwrap_or_else(rectangle)
}

/// The tape under a hold: from where it leaves the outline, in a direction, `length` pixels long.
fn tape(polygon: &Polygon, centre: Point, angle: f64, length: f64) -> String {
    let (dx, dy) = (angle.cos(), angle.sin());
    // How far from the centre the ray crosses an edge for the last time.
    let exit = edges(polygon.points())
        .filter_map(|(a, b)| {
            let (ex, ey) = (b.x() - a.x(), b.y() - a.y());
            let across = dx * ey - dy * ex;
            if across == 0.0 {
                return None;
            }
            let (ax, ay) = (a.x() - centre.x(), a.y() - centre.y());
            let along = (ax * ey - ay * ex) / across;
            let on_edge = (ax * dy - ay * dx) / across;
            (along > 0.0 && (0.0..=1.0).contains(&on_edge)).then_some(along)
        })
        .fold(0.0, f64::max);
    let at = |far: f64| Point::clamped(centre.x() + far * dx, centre.y() + far * dy);
    let (from, to) = (at(exit), at(exit + length));
    let text = format!("{:.2} {:.2} {:.2} {:.2}", from.x(), from.y(), to.x(), to.y());
    Segment::parse(&text).map(|segment| segment.as_str().to_owned()).unwrap_or(text)
}

fn edges(points: &[Point]) -> impl Iterator<Item = (Point, Point)> + '_ {
    points.iter().copied().zip(points.iter().copied().cycle().skip(1))
}

/// Twice the signed area of a triangle: which side of the line from `a` to `b` the point is on.
fn side(a: Point, b: Point, point: Point) -> f64 {
    (b.x() - a.x()) * (point.y() - a.y()) - (b.y() - a.y()) * (point.x() - a.x())
}

fn is_between(a: Point, b: Point, point: Point) -> bool {
    (a.x().min(b.x())..=a.x().max(b.x())).contains(&point.x())
        && (a.y().min(b.y())..=a.y().max(b.y())).contains(&point.y())
}

fn meet((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let (abc, abd, cda, cdb) = (side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b));
    if abc * abd < 0.0 && cda * cdb < 0.0 {
        return true;
    }
    (abc == 0.0 && is_between(a, b, c))
        || (abd == 0.0 && is_between(a, b, d))
        || (cda == 0.0 && is_between(c, d, a))
        || (cdb == 0.0 && is_between(c, d, b))
}

/// Whether any two edges of a ring meet anywhere but where one follows the other.
fn crosses_itself(points: &[Point]) -> bool {
    let all: Vec<(Point, Point)> = edges(points).collect();
    all.iter().enumerate().any(|(i, one)| {
        // An edge and the next share a corner, and must share no more: the next must not turn straight back.
        let next = all.get((i + 1) % all.len());
        let folds = next.is_some_and(|(corner, after)| {
            side(one.0, *corner, *after) == 0.0
                && (after.x() - corner.x()) * (one.0.x() - corner.x())
                    + (after.y() - corner.y()) * (one.0.y() - corner.y())
                    > 0.0
        });
        let last = if i == 0 { all.len().saturating_sub(1) } else { all.len() };
        folds || all.iter().take(last).skip(i + 2).any(|other| meet(*one, *other))
    })
}

/// The convex hull, by Andrew's monotone chain.
fn convex_hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.x().total_cmp(&b.x()).then(a.y().total_cmp(&b.y())));
    let half = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for point in points {
            while let [.., a, b] = chain.as_slice() {
                if side(*a, *b, point) > 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut sorted.iter().copied());
    hull.extend(half(&mut sorted.iter().rev().copied()));
    hull
}

#[cfg(test)]
mod tests;
