//! Outlines of holds, in pixels with the origin at the top left, and the texts Stokt makes of them.

use std::fmt::Write as _;

/// A point of the picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

impl Point {
    pub(crate) fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    pub(crate) fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// Two decimals, as on the wire: what is computed from an outline must agree with what is sent.
    pub(crate) fn rounded(self) -> Self {
        Self { x: (self.x * 100.0).round() / 100.0, y: (self.y * 100.0).round() / 100.0 }
    }
}

/// The edges of a closed outline.
fn edges(outline: &[Point]) -> impl Iterator<Item = (Point, Point)> + '_ {
    outline.iter().copied().zip(outline.iter().copied().cycle().skip(1))
}

/// Twice the signed area (shoelace formula), in square pixels.
fn double_area(outline: &[Point]) -> f64 {
    edges(outline).map(|(a, b)| a.x * b.y - b.x * a.y).sum()
}

/// The area by the shoelace formula, in square pixels.
pub(crate) fn area(outline: &[Point]) -> f64 {
    double_area(outline).abs() / 2.0
}

/// The centre of gravity of the enclosed surface.
pub(crate) fn centroid(outline: &[Point]) -> Point {
    let double = double_area(outline);
    if double == 0.0 {
        return outline.first().copied().unwrap_or(Point::new(0.0, 0.0));
    }
    let (x, y) = edges(outline).fold((0.0, 0.0), |(x, y), (a, b)| {
        let cross = a.x * b.y - b.x * a.y;
        (x + (a.x + b.x) * cross, y + (a.y + b.y) * cross)
    });
    Point::new(x / (3.0 * double), y / (3.0 * double))
}

/// The outline moved `by` pixels away from `centre`, kept within a picture of `size`.
pub(crate) fn grown(outline: &[Point], centre: Point, by: f64, size: (f64, f64)) -> Vec<Point> {
    outline
        .iter()
        .map(|p| {
            let distance = p.distance(centre).max(1e-6);
            let factor = (distance + by) / distance;
            Point::new(
                (centre.x + (p.x - centre.x) * factor).clamp(0.0, size.0),
                (centre.y + (p.y - centre.y) * factor).clamp(0.0, size.1),
            )
            .rounded()
        })
        .collect()
}

/// Where the ray from `from` in the direction of `angle` (radians, clockwise on the picture, 0 = right)
/// leaves the outline.
pub(crate) fn exit(outline: &[Point], from: Point, angle: f64) -> Point {
    let (dx, dy) = (angle.cos(), angle.sin());
    let mut furthest = 0.0_f64;
    for (a, b) in edges(outline) {
        let (ex, ey) = (b.x - a.x, b.y - a.y);
        let determinant = ex * dy - ey * dx;
        if determinant.abs() < 1e-9 {
            continue;
        }
        let along = ((a.y - from.y) * ex - (a.x - from.x) * ey) / determinant;
        let on_edge = ((a.y - from.y) * dx - (a.x - from.x) * dy) / determinant;
        if (0.0..=1.0).contains(&on_edge) {
            furthest = furthest.max(along);
        }
    }
    Point::new(from.x + dx * furthest, from.y + dy * furthest)
}

/// `x,y x,y ...`
pub(crate) fn polygon_text(outline: &[Point]) -> String {
    let mut text = String::with_capacity(outline.len() * 16);
    for p in outline {
        let gap = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}{:.2},{:.2}", p.x, p.y);
    }
    text
}

/// `Mx,yLx,y...z`
pub(crate) fn path_text(outline: &[Point]) -> String {
    let mut text = String::with_capacity(outline.len() * 16);
    for p in outline {
        let command = if text.is_empty() { 'M' } else { 'L' };
        let _ = write!(text, "{command}{:.2},{:.2}", p.x, p.y);
    }
    text.push('z');
    text
}

/// `x1 y1 x2 y2`
pub(crate) fn line_text(from: Point, to: Point) -> String {
    format!("{:.2} {:.2} {:.2} {:.2}", from.x, from.y, to.x, to.y)
}

/// Reads `x y` or `x,y`.
pub(crate) fn parse_point(text: &str) -> Option<Point> {
    let mut numbers = text.split([' ', ',']).filter(|part| !part.is_empty());
    let point = Point::new(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    (point.x.is_finite() && point.y.is_finite()).then_some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> Vec<Point> {
        [(10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)].map(|(x, y)| Point::new(x, y)).to_vec()
    }

    #[test]
    fn a_square_has_the_area_and_centre_of_a_square() {
        assert!((area(&square()) - 400.0).abs() < 1e-9);
        assert_eq!(centroid(&square()).rounded(), Point::new(20.0, 20.0));
    }

    #[test]
    fn a_ray_leaves_where_the_edge_is() {
        let down = exit(&square(), Point::new(20.0, 20.0), std::f64::consts::FRAC_PI_2);
        assert_eq!(down.rounded(), Point::new(20.0, 30.0));
        let right = exit(&square(), Point::new(20.0, 20.0), 0.0);
        assert_eq!(right.rounded(), Point::new(30.0, 20.0));
    }

    #[test]
    fn texts_are_those_of_the_wire() {
        let triangle = [Point::new(1.0, 2.5), Point::new(3.25, 4.0), Point::new(0.0, 9.999)];
        assert_eq!(polygon_text(&triangle), "1.00,2.50 3.25,4.00 0.00,10.00");
        assert_eq!(path_text(&triangle), "M1.00,2.50L3.25,4.00L0.00,10.00z");
    }
}
