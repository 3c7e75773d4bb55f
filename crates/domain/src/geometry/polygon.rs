//! Polygons: area, centroid, bounding box, what is inside, and the same polygon wider or narrower.

use std::fmt;
use std::str::FromStr;

use super::{GeometryError, MAX_POINTS, Point, check_length, coordinate, shortened};

/// A point this close to an edge, in pixels, lies on it.
pub const BOUNDARY_TOLERANCE: f64 = 1e-6;

/// A closed polygon of 3 points or more, as Stokt writes it: `x,y x,y ...`; the last point joins the first.
/// Prints back as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    text: String,
    points: Vec<Point>,
}

/// The smallest upright rectangle around something, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    /// The corner nearest the origin.
    pub top_left: Point,
    /// The corner farthest from it.
    pub bottom_right: Point,
}

impl BoundingBox {
    /// Pixels from left to right.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.bottom_right.x() - self.top_left.x()
    }

    /// Pixels from top to bottom.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.bottom_right.y() - self.top_left.y()
    }

    /// Whether a point is inside or on the border.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        (self.top_left.x()..=self.bottom_right.x()).contains(&point.x())
            && (self.top_left.y()..=self.bottom_right.y()).contains(&point.y())
    }
}

impl Polygon {
    /// Reads `x,y x,y ...`, in pixels.
    ///
    /// # Errors
    /// [`GeometryError`] when a pair is no pair of numbers, or there are fewer than 3 points or too many.
    pub fn parse(text: &str) -> Result<Self, GeometryError> {
        check_length(text)?;
        let mut points = Vec::new();
        for pair in text.split_ascii_whitespace() {
            let (x, y) = pair
                .split_once(',')
                .ok_or_else(|| GeometryError::Form { found: shortened(pair), form: "x,y" })?;
            points.push(Point::new(coordinate(x)?, coordinate(y)?)?);
            if points.len() > MAX_POINTS {
                return Err(GeometryError::TooManyPoints);
            }
        }
        Self::checked(text.to_owned(), points)
    }

    /// A polygon made here; its text has hundredths of a pixel as Stokt's have, and its points say what the text says.
    ///
    /// # Errors
    /// [`GeometryError`] when there are fewer than 3 points or too many.
    pub fn from_points(points: &[Point]) -> Result<Self, GeometryError> {
        if points.len() > MAX_POINTS {
            return Err(GeometryError::TooManyPoints);
        }
        let pairs: Vec<String> = points.iter().map(|p| format!("{:.2},{:.2}", p.x(), p.y())).collect();
        Self::parse(&pairs.join(" "))
    }

    fn checked(text: String, points: Vec<Point>) -> Result<Self, GeometryError> {
        if points.len() < 3 {
            return Err(GeometryError::TooFewPoints { found: points.len() });
        }
        Ok(Self { text, points })
    }

    /// The points in the order written.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The text it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The edges, the last one back to the first point.
    fn edges(&self) -> impl Iterator<Item = (Point, Point)> + '_ {
        edges(&self.points)
    }

    /// Area in square pixels by the shoelace formula, whichever way the points turn. Parts of a polygon that crosses
    /// itself may cancel.
    #[must_use]
    pub fn area(&self) -> f64 {
        signed_area(&self.points).abs()
    }

    /// Length of the border in pixels.
    #[must_use]
    pub fn perimeter(&self) -> f64 {
        self.edges().map(|(a, b)| a.distance(b)).sum()
    }

    /// The centre of the area; for a polygon that encloses nothing, the mean of its points.
    #[must_use]
    pub fn centroid(&self) -> Point {
        let origin = self.origin();
        let (mut twice_area, mut x, mut y) = (0.0, 0.0, 0.0);
        for (a, b) in self.edges() {
            let (ax, ay) = (a.x() - origin.x(), a.y() - origin.y());
            let (bx, by) = (b.x() - origin.x(), b.y() - origin.y());
            let cross = ax * by - bx * ay;
            twice_area += cross;
            x += (ax + bx) * cross;
            y += (ay + by) * cross;
        }
        let bounds = self.bounding_box();
        let (x, y) = (origin.x() + x / (3.0 * twice_area), origin.y() + y / (3.0 * twice_area));
        // A sliver without area, or loops that cancel: the quotient says nothing.
        let extent = bounds.width().max(bounds.height());
        let says_something = twice_area.abs() > 1e-9 * extent * extent;
        if says_something && x.is_finite() && y.is_finite() { Point::clamped(x, y) } else { self.mean() }
    }

    /// The mean of the points.
    fn mean(&self) -> Point {
        let count = self.points.len() as f64;
        let sum = |of: fn(Point) -> f64| self.points.iter().map(|point| of(*point)).sum::<f64>() / count;
        Point::clamped(sum(Point::x), sum(Point::y))
    }

    /// The first point; sums are taken relative to it, which keeps their digits.
    fn origin(&self) -> Point {
        self.points.first().copied().unwrap_or(Point::clamped(0.0, 0.0))
    }

    /// The smallest upright rectangle around it.
    #[must_use]
    pub fn bounding_box(&self) -> BoundingBox {
        let (mut left, mut top) = (self.origin().x(), self.origin().y());
        let (mut right, mut bottom) = (left, top);
        for point in &self.points {
            left = left.min(point.x());
            right = right.max(point.x());
            top = top.min(point.y());
            bottom = bottom.max(point.y());
        }
        BoundingBox { top_left: Point::clamped(left, top), bottom_right: Point::clamped(right, bottom) }
    }

    /// Whether a point is inside, by the even-odd rule. The border belongs to the polygon: a point within
    /// [`BOUNDARY_TOLERANCE`] of an edge is inside.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        let mut inside = false;
        for (a, b) in self.edges() {
            if distance_to_edge(point, a, b) <= BOUNDARY_TOLERANCE {
                return true;
            }
            // Half-open in y, so that a ray through a corner crosses exactly one of its two edges.
            if (a.y() > point.y()) != (b.y() > point.y()) {
                let crossing = a.x() + (point.y() - a.y()) / (b.y() - a.y()) * (b.x() - a.x());
                if point.x() < crossing {
                    inside = !inside;
                }
            }
        }
        inside
    }

    /// Whether every corner turns the same way (straight ones allowed).
    #[must_use]
    pub fn is_convex(&self) -> bool {
        let corners = corners(&self.points);
        let turns: Vec<f64> = corners.iter().map(|corner| corner.cross).collect();
        let total: f64 = corners.iter().map(|corner| corner.cross.atan2(corner.dot)).sum();
        (turns.iter().all(|turn| *turn >= 0.0) || turns.iter().all(|turn| *turn <= 0.0))
            // More than once round is a star, not a convex polygon.
            && total.abs() < 2.0 * std::f64::consts::PI + 1e-6
    }

    /// The polygon after every edge was moved outwards by `distance` pixels (inwards if negative), corners kept sharp
    /// (mitred), rounded to hundredths of a pixel as Stokt writes them. `None` where that is no polygon: without area, with a corner that turns back on itself, or so narrow
    /// that an edge would vanish.
    #[must_use]
    pub fn offset(&self, distance: f64) -> Option<Self> {
        Self::from_points(&self.offset_points(distance)?).ok()
    }

    /// [`Self::offset`] before rounding to hundredths of a pixel.
    fn offset_points(&self, distance: f64) -> Option<Vec<Point>> {
        let area = signed_area(&self.points);
        if !distance.is_finite() || area == 0.0 {
            return None;
        }
        // With y downwards a positive area turns clockwise to the eye; outwards is then to the left of the edge.
        let outwards = distance * area.signum();
        let corners = corners(&self.points);
        let mut points = Vec::with_capacity(corners.len());
        for corner in &corners {
            let sharpness = 1.0 + corner.dot;
            if sharpness < 1e-6 {
                return None;
            }
            let x = corner.at.x() + outwards * (corner.before.1 + corner.after.1) / sharpness;
            let y = corner.at.y() - outwards * (corner.before.0 + corner.after.0) / sharpness;
            points.push(Point::new(x, y).ok()?);
        }
        // Moving keeps every edge's direction, unless the edge was swallowed and has come out the other way round.
        for ((from, to), corner) in edges(&points).zip(&corners) {
            let (x, y) = (to.x() - from.x(), to.y() - from.y());
            if x * corner.after.0 + y * corner.after.1 <= 0.0 {
                return None;
            }
        }
        Some(points)
    }
}

/// A corner with the directions of the edges before and after it, as unit vectors, and their products.
struct Corner {
    at: Point,
    before: (f64, f64),
    after: (f64, f64),
    cross: f64,
    dot: f64,
}

/// The corners of a ring of points; points that repeat the one before them are left out.
fn corners(points: &[Point]) -> Vec<Corner> {
    let mut ring: Vec<Point> = Vec::with_capacity(points.len());
    for point in points {
        if ring.last() != Some(point) {
            ring.push(*point);
        }
    }
    while ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    let directions: Vec<(f64, f64)> = edges(&ring)
        .map(|(a, b)| {
            let length = a.distance(b);
            ((b.x() - a.x()) / length, (b.y() - a.y()) / length)
        })
        .collect();
    let before = directions.last().into_iter().chain(&directions);
    ring.into_iter()
        .zip(before.zip(&directions))
        .map(|(at, (before, after))| Corner {
            at,
            before: *before,
            after: *after,
            cross: before.0 * after.1 - before.1 * after.0,
            dot: before.0 * after.0 + before.1 * after.1,
        })
        .collect()
}

fn edges(points: &[Point]) -> impl Iterator<Item = (Point, Point)> + '_ {
    points.iter().copied().zip(points.iter().copied().cycle().skip(1))
}

/// Shoelace formula; positive where the points turn clockwise to the eye, since y points downwards.
fn signed_area(points: &[Point]) -> f64 {
    let Some(origin) = points.first() else { return 0.0 };
    let twice: f64 = edges(points)
        .map(|(a, b)| {
            (a.x() - origin.x()) * (b.y() - origin.y()) - (b.x() - origin.x()) * (a.y() - origin.y())
        })
        .sum();
    twice / 2.0
}

fn distance_to_edge(point: Point, a: Point, b: Point) -> f64 {
    let (x, y) = (b.x() - a.x(), b.y() - a.y());
    let square = x * x + y * y;
    if square == 0.0 {
        return point.distance(a);
    }
    let along = (((point.x() - a.x()) * x + (point.y() - a.y()) * y) / square).clamp(0.0, 1.0);
    point.distance(Point::clamped(a.x() + along * x, a.y() + along * y))
}

impl fmt::Display for Polygon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Polygon {
    type Err = GeometryError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
