//! Lays invented holds out on a wall: varied shapes, bolted to T-nuts or screwed on, never overlapping.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_6, TAU};

use serde_json::{Map, Value};

use crate::geometry::{self, Point};
use crate::rng::Rng;

/// The space in which boards are invented, in pixels: the size of the real board's photograph.
pub(crate) const FULL_SIZE: (u32, u32) = (2263, 3000);
/// Number of holds for which the sizes below were chosen.
const USUAL_HOLDS: f64 = 776.0;
/// Distance between T-nuts, in pixels of the full-size picture; every other row is moved by half of it.
const NUT_PITCH: f64 = 75.0;
/// Where holds may be, in pixels of the full-size picture: left, top, right, bottom.
const AREA: (f64, f64, f64, f64) = (45.0, 45.0, 2218.0, 2885.0);
/// Room between two holds, in pixels of the full-size picture.
const GAP: f64 = 5.0;
/// Length of the tape drawn at a start hold, in pixels of the full-size picture.
const TAPE: f64 = 100.0;

/// What a hold is like; decides its shape and how it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Volume,
    Sloper,
    Jug,
    Pinch,
    Pocket,
    Crimp,
    Chip,
}

/// An invented hold: its outline in pixels of the picture.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) id: i64,
    pub(crate) outline: Vec<Point>,
    pub(crate) centre: Point,
    pub(crate) kind: Kind,
    pub(crate) colour: u8,
    /// Where the tape under the hold points, in radians clockwise from the right.
    tape_angle: f64,
    /// How far from its centre the hold reaches, in pixels.
    pub(crate) reach: f64,
}

/// How holds of a kind are made.
#[derive(Debug, Clone, Copy)]
struct Make {
    kind: Kind,
    /// How many of a thousand holds.
    share: u32,
    /// Least and greatest reach, in pixels of the full-size picture.
    reach: (f64, f64),
    /// Least and greatest breadth as part of the length.
    breadth: (f64, f64),
    /// Fewest and most corners.
    corners: (usize, usize),
    /// Bolted to a T-nut, not screwed on wherever there is room.
    is_bolted: bool,
}

const fn make(
    kind: Kind,
    share: u32,
    reach: (f64, f64),
    breadth: (f64, f64),
    corners: (usize, usize),
    is_bolted: bool,
) -> Make {
    Make { kind, share, reach, breadth, corners, is_bolted }
}

const JUG: Make = make(Kind::Jug, 310, (34.0, 48.0), (0.55, 0.95), (6, 9), true);
const MAKES: [Make; 7] = [
    make(Kind::Volume, 10, (85.0, 112.0), (0.85, 1.0), (3, 6), false),
    make(Kind::Sloper, 60, (46.0, 66.0), (0.7, 1.0), (8, 12), true),
    JUG,
    make(Kind::Pinch, 110, (38.0, 54.0), (0.35, 0.55), (6, 8), true),
    make(Kind::Pocket, 80, (29.0, 38.0), (0.75, 1.0), (7, 9), true),
    make(Kind::Crimp, 240, (27.0, 48.0), (0.32, 0.5), (5, 8), true),
    make(Kind::Chip, 190, (13.0, 18.0), (0.6, 1.0), (4, 6), false),
];

/// Number of colours that the picture knows.
pub(crate) const COLOURS: [u32; 12] = [15, 14, 12, 12, 10, 10, 8, 8, 5, 4, 3, 3];

/// The T-nuts of the wall, in pixels of the full-size picture.
pub(crate) fn nuts() -> Vec<Point> {
    let mut nuts = Vec::new();
    let rows = ((AREA.3 - AREA.1) / NUT_PITCH) as usize;
    let columns = ((AREA.2 - AREA.0) / NUT_PITCH) as usize;
    for row in 0..=rows {
        let shift = if row % 2 == 0 { 0.0 } else { NUT_PITCH / 2.0 };
        for column in 0..=columns {
            let x = AREA.0 + shift + column as f64 * NUT_PITCH;
            if x <= AREA.2 {
                nuts.push(Point::new(x, AREA.1 + row as f64 * NUT_PITCH));
            }
        }
    }
    nuts
}

/// Circles already taken, in squares of a side no circle is wider than.
struct Taken {
    side: f64,
    columns: usize,
    squares: Vec<Vec<(Point, f64)>>,
}

impl Taken {
    fn new(side: f64) -> Self {
        let columns = (f64::from(FULL_SIZE.0) / side) as usize + 1;
        let rows = (f64::from(FULL_SIZE.1) / side) as usize + 1;
        Self { side, columns, squares: vec![Vec::new(); columns * rows] }
    }

    fn square(&self, at: Point) -> (usize, usize) {
        ((at.x / self.side).max(0.0) as usize, (at.y / self.side).max(0.0) as usize)
    }

    fn is_free(&self, at: Point, reach: f64, gap: f64) -> bool {
        let (column, row) = self.square(at);
        (row.saturating_sub(1)..=row + 1).all(|r| {
            (column.saturating_sub(1)..=(column + 1).min(self.columns - 1)).all(|c| {
                self.squares
                    .get(r * self.columns + c)
                    .is_none_or(|all| all.iter().all(|(p, other)| p.distance(at) >= other + reach + gap))
            })
        })
    }

    fn take(&mut self, at: Point, reach: f64) {
        let (column, row) = self.square(at);
        if let Some(square) = self.squares.get_mut(row * self.columns + column) {
            square.push((at, reach));
        }
    }
}

/// Invents `count` holds with ids from `first_id`, on a picture of `size` pixels.
pub(crate) fn lay_out(rng: &mut Rng, count: usize, first_id: i64, size: (u32, u32)) -> Vec<Shape> {
    let scale = (USUAL_HOLDS / count.max(1) as f64).sqrt().clamp(0.02, 1.35);
    let mut wanted: Vec<_> = (0..count)
        .map(|_| {
            let row = rng.weighted(MAKES.iter().map(|make| make.share));
            let make = MAKES.get(row).copied().unwrap_or(JUG);
            (make, rng.range(make.reach.0, make.reach.1) * scale)
        })
        .collect();
    // The largest first: the small ones fit into what is left.
    wanted.sort_by(|a, b| b.1.total_cmp(&a.1));
    let nuts = nuts();
    let gap = GAP * scale;
    let largest = wanted.first().map_or(1.0, |first| first.1);
    let mut taken = Taken::new(2.0 * largest + gap);
    let mut shapes = Vec::with_capacity(count);
    for (make, mut reach) in wanted {
        let mut tries = 0_u32;
        let centre = loop {
            let at = if make.is_bolted && tries % 100 < 70 && scale > 0.6 {
                let nut = rng.pick(&nuts);
                Point::new(nut.x + rng.range(-5.0, 5.0), nut.y + rng.range(-5.0, 5.0))
            } else {
                Point::new(rng.range(AREA.0, AREA.2), rng.range(AREA.1, AREA.3))
            };
            let inside = at.x - reach > 20.0
                && at.y - reach > 20.0
                && at.x + reach < f64::from(FULL_SIZE.0) - 20.0
                && at.y + reach < f64::from(FULL_SIZE.1) - 60.0;
            if inside && taken.is_free(at, reach, gap) {
                break at;
            }
            tries += 1;
            if tries.is_multiple_of(100) {
                reach *= 0.9;
            }
        };
        taken.take(centre, reach);
        shapes.push(shape(rng, make, centre, reach));
    }
    // Ids of a real board say nothing about where its holds are.
    rng.shuffle(&mut shapes);
    let (sx, sy) = (f64::from(size.0) / f64::from(FULL_SIZE.0), f64::from(size.1) / f64::from(FULL_SIZE.1));
    for (shape, id) in shapes.iter_mut().zip(first_id..) {
        shape.id = id;
        for p in &mut shape.outline {
            *p = Point::new(p.x * sx, p.y * sy).rounded();
        }
        shape.centre = geometry::centroid(&shape.outline);
        shape.reach *= sx.min(sy);
    }
    shapes
}

/// An outline that stays within `reach` of `centre`.
fn shape(rng: &mut Rng, make: Make, centre: Point, reach: f64) -> Shape {
    let kind = make.kind;
    let (fewest, most) = make.corners;
    let corners = fewest + rng.below(most - fewest + 1);
    let thickness = rng.range(make.breadth.0, make.breadth.1);
    let turn = match kind {
        // Edges lie flat, pinches stand, the others as they come.
        Kind::Crimp => rng.range(-0.35, 0.35),
        Kind::Pinch => FRAC_PI_2 + rng.range(-0.8, 0.8),
        _ => rng.range(0.0, TAU),
    };
    let uneven = if kind == Kind::Volume { 0.04 } else { 0.12 };
    let start = rng.range(0.0, TAU);
    let outline = (0..corners)
        .map(|corner| {
            let step = TAU / corners as f64;
            let angle = start + step * (corner as f64 + rng.range(-0.22, 0.22));
            let long = reach * (1.0 - rng.range(0.0, 2.0 * uneven));
            let (x, y) = (long * angle.cos(), long * thickness * angle.sin());
            Point::new(centre.x + x * turn.cos() - y * turn.sin(), centre.y + x * turn.sin() + y * turn.cos())
        })
        .collect();
    let colour = rng.weighted(COLOURS.iter().copied()) as u8;
    let tape_angle = FRAC_PI_2 + rng.range(-0.5, 0.5) + rng.range(-0.4, 0.4);
    Shape { id: 0, outline, centre, kind, colour, tape_angle, reach }
}

/// The hold as `setup` answers it.
pub(crate) fn to_json(shape: &Shape, size: (u32, u32)) -> Value {
    let picture = (f64::from(size.0), f64::from(size.1));
    let scale = picture.0 / f64::from(FULL_SIZE.0);
    let outline = &shape.outline;
    let centre = shape.centre;
    let tape = |angle: f64| {
        let from = geometry::exit(outline, centre, angle);
        let to = Point::new(from.x + TAPE * scale * angle.cos(), from.y + TAPE * scale * angle.sin());
        Value::from(geometry::line_text(from, to))
    };
    let grown =
        |by: f64| Value::from(geometry::polygon_text(&geometry::grown(outline, centre, by * scale, picture)));
    let mut hold = Map::new();
    hold.insert("id".into(), shape.id.into());
    hold.insert("area".into(), format!("{:.2}", geometry::area(outline)).into());
    hold.insert("polygonStr".into(), geometry::polygon_text(outline).into());
    hold.insert("touchPolygonStr".into(), grown(12.0));
    hold.insert("pathStr".into(), geometry::path_text(outline).into());
    hold.insert("centroidStr".into(), format!("{:.2} {:.2}", centre.x, centre.y).into());
    hold.insert("topPolygonStr".into(), grown(25.0));
    hold.insert("centerTapeStr".into(), tape(shape.tape_angle));
    hold.insert("rightTapeStr".into(), tape(shape.tape_angle - FRAC_PI_6));
    hold.insert("leftTapeStr".into(), tape(shape.tape_angle + FRAC_PI_6));
    Value::Object(hold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_do_not_touch_each_other_and_stay_on_the_wall() {
        for count in [1, 40, 776, 1500] {
            let shapes = lay_out(&mut Rng::new(3), count, 100, FULL_SIZE);
            assert_eq!(shapes.len(), count);
            for (i, a) in shapes.iter().enumerate() {
                assert!(geometry::area(&a.outline) > 1.0, "{count}: {a:?}");
                for p in &a.outline {
                    assert!(p.x > 0.0 && p.x < 2263.0 && p.y > 0.0 && p.y < 3000.0);
                }
                for b in shapes.iter().skip(i + 1) {
                    // An outline lies within its reach of the place it was laid at, which is within a
                    // third of the reach of its centroid: sampling the corners is enough to see an overlap.
                    for p in &a.outline {
                        let edge =
                            geometry::exit(&b.outline, b.centre, (p.y - b.centre.y).atan2(p.x - b.centre.x));
                        assert!(p.distance(b.centre) > edge.distance(b.centre), "{} in {}", a.id, b.id);
                    }
                }
            }
        }
    }
}
