//! Invents climbs: paths of holds that go up a face, with the names, grades and counters of a real board.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::climb::{Body, Climb, Compact, NO_GRADE, flag, text, token};
use super::grades::{GRADES, UNGRADED};
use super::holds::FULL_SIZE;
use super::names;
use crate::geometry::{Point, parse_point};
use crate::rng::{Rng, seed_of};

/// Tags that Stokt knows, as a climb's `tags` lists them.
pub(crate) const TAGS: [&str; 8] =
    ["Crimpy", "Pinchy", "Powerful", "Dyno", "Juggy", "Slopey", "Technical", "Endurance"];
/// Feet rules of the demo board, with how many of a hundred climbs follow each.
pub(crate) const FEET: [(&str, u32); 5] =
    [("Tous pieds", 76), ("Pieds des mains", 18), ("No foot", 2), ("Petits pieds", 2), ("Pieds définis", 2)];

const SQUARES: (usize, usize) = (12, 16);
const START: u32 = 0;
const FOOT: u32 = 1;
const OTHER: u32 = 2;
const TOP: u32 = 3;

/// A place to grab, in pixels of a full-size picture.
#[derive(Debug, Clone, Copy)]
struct Spot {
    id: i64,
    at: Point,
}

/// The holds of a face, found by place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spots {
    hands: Vec<Spot>,
    squares: Vec<Vec<u32>>,
    feet: Vec<Spot>,
}

fn square(at: Point) -> (usize, usize) {
    let column = (at.x / f64::from(FULL_SIZE.0) * SQUARES.0 as f64).max(0.0) as usize;
    let row = (at.y / f64::from(FULL_SIZE.1) * SQUARES.1 as f64).max(0.0) as usize;
    (column.min(SQUARES.0 - 1), row.min(SQUARES.1 - 1))
}

impl Spots {
    /// Reads the holds of a setup; those it cannot read are left out. The smallest sixth serves as feet.
    pub(crate) fn of_setup(setup: &Map<String, Value>) -> Self {
        let side = |field| {
            setup.get("picture").and_then(|p| p.get(field)).and_then(Value::as_f64).filter(|side| *side > 0.0)
        };
        let sx = f64::from(FULL_SIZE.0) / side("width").unwrap_or(f64::from(FULL_SIZE.0));
        let sy = f64::from(FULL_SIZE.1) / side("height").unwrap_or(f64::from(FULL_SIZE.1));
        let holds = setup.get("holds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut read: Vec<(f64, Spot)> = holds
            .iter()
            .filter_map(Value::as_object)
            .filter_map(|hold| {
                let at = parse_point(text(hold, "centroidStr"))?;
                let id = hold.get("id")?.as_i64()?;
                let area = text(hold, "area").parse().unwrap_or(0.0);
                Some((area, Spot { id, at: Point::new(at.x * sx, at.y * sy) }))
            })
            .collect();
        read.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
        let small = if read.len() < 12 { 0 } else { read.len() / 6 };
        let hands: Vec<Spot> = read.iter().skip(small).map(|(_, spot)| *spot).collect();
        let feet = read.iter().take(small).map(|(_, spot)| *spot).collect();
        let mut squares = vec![Vec::new(); SQUARES.0 * SQUARES.1];
        for (index, spot) in (0_u32..).zip(&hands) {
            let (column, row) = square(spot.at);
            if let Some(square) = squares.get_mut(row * SQUARES.0 + column) {
                square.push(index);
            }
        }
        Self { hands, squares, feet }
    }

    /// The hold nearest to a place that is not used yet.
    fn nearest(&self, to: Point, used: &[u32]) -> Option<Spot> {
        let (column, row) = square(to);
        for ring in 1..=SQUARES.1 {
            let rows = row.saturating_sub(ring)..=(row + ring).min(SQUARES.1 - 1);
            let found = rows
                .flat_map(|r| {
                    let columns = column.saturating_sub(ring)..=(column + ring).min(SQUARES.0 - 1);
                    columns.filter_map(move |c| self.squares.get(r * SQUARES.0 + c))
                })
                .flatten()
                .filter_map(|index| self.hands.get(*index as usize))
                .filter(|spot| !used.iter().any(|token| super::climb::hold_of(*token) == spot.id))
                .min_by(|a, b| a.at.distance(to).total_cmp(&b.at.distance(to)));
            if found.is_some() {
                return found.copied();
            }
        }
        None
    }

    /// A path upwards: start, others, feet and top, in the order of a holds list.
    fn path(&self, rng: &mut Rng, hardness: f64) -> Vec<u32> {
        let (width, height) = (f64::from(FULL_SIZE.0), f64::from(FULL_SIZE.1));
        let mut at = Point::new(rng.range(0.12, 0.88) * width, rng.range(0.6, 0.82) * height);
        let mut used: Vec<u32> = Vec::with_capacity(12);
        let grab = |near: Point, role: u32, used: &mut Vec<u32>| {
            let spot = self.nearest(near, used)?;
            used.push(token(role, spot.id));
            Some(spot.at)
        };
        let first = grab(at, START, &mut used).unwrap_or(at);
        if rng.chance(0.71) {
            let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
            let near =
                Point::new(first.x + side * rng.range(90.0, 330.0), first.y + rng.range(-130.0, 130.0));
            if let Some(second) = grab(near, START, &mut used) {
                at = Point::new(first.x.midpoint(second.x), first.y.min(second.y));
            }
        }
        if rng.chance(0.004) {
            // Once round and back: the climb ends where it began.
            for (dx, dy) in [(260.0, -330.0), (60.0, -640.0), (-290.0, -360.0)] {
                grab(Point::new(first.x + dx, first.y + dy), OTHER, &mut used);
            }
            if let Some(start) = used.first() {
                used.push(token(TOP, super::climb::hold_of(*start)));
            }
            return used;
        }
        let finish = rng.range(0.04, 0.2) * height;
        let reach = 0.75 + hardness * 0.5;
        let mut drift = rng.range(-120.0, 120.0);
        while at.y > finish + 190.0 && used.len() < 24 {
            drift = (drift * 0.5 + rng.range(-230.0, 230.0)).clamp(-320.0, 320.0);
            let x = (at.x + drift).clamp(0.06 * width, 0.94 * width);
            let y = at.y - rng.range(170.0, 390.0) * reach;
            match grab(Point::new(x, y.max(finish)), OTHER, &mut used) {
                Some(next) if next.y < at.y - 40.0 => at = next,
                Some(next) => at = Point::new(next.x, at.y - 150.0),
                None => break,
            }
        }
        let tops = if rng.chance(0.012) { 2 } else { 1 };
        for _ in 0..tops {
            let near = Point::new(at.x + rng.range(-200.0, 200.0), finish * rng.range(0.5, 1.0));
            grab(near, TOP, &mut used);
        }
        if rng.chance(0.19) {
            let lowest = rng.range(0.82, 0.95) * height;
            for _ in 0..1 + rng.below(4) {
                let near = Point::new(at.x + rng.range(-300.0, 300.0), lowest - rng.range(0.0, 700.0));
                let foot = self
                    .feet
                    .iter()
                    .filter(|spot| !used.iter().any(|token| super::climb::hold_of(*token) == spot.id))
                    .min_by(|a, b| a.at.distance(near).total_cmp(&b.at.distance(near)));
                if let Some(foot) = foot {
                    used.push(token(FOOT, foot.id));
                }
            }
        }
        // A face of one hold: start and top are the same.
        if !used.iter().any(|token| token >> 30 == TOP)
            && let Some(start) = used.first()
        {
            used.push(token(TOP, super::climb::hold_of(*start)));
        }
        used.sort_by_key(|token| token >> 30);
        used
    }
}

/// Names given so far, to give none twice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(HashSet<u64>);

impl Names {
    fn invent(&mut self, rng: &mut Rng) -> String {
        for _ in 0..4 {
            let name = names::climb(rng);
            if self.0.insert(seed_of(name.as_bytes())) {
                return name;
            }
        }
        let name = names::climb(rng);
        let mut number = 1 + rng.below(3);
        loop {
            let other = names::variant(&name, number);
            if self.0.insert(seed_of(other.as_bytes())) {
                return other;
            }
            number += 1 + rng.below(50);
        }
    }
}

/// One invented climb on a face, created at a time (microseconds since 1970).
pub(crate) fn invent(
    rng: &mut Rng,
    names: &mut Names,
    spots: &Spots,
    face: u32,
    setter: u32,
    created: i64,
) -> Climb {
    let grade = rng.weighted(GRADES.iter().map(|grade| grade.4));
    let hardness = grade as f64 / GRADES.len() as f64;
    let holds = spots.path(rng, hardness).into_boxed_slice();
    let climbed_by = rng.below(8) + if rng.chance(0.2) { rng.below(45) } else { 0 };
    let likes = if rng.chance(0.4) { (1 + rng.below(3) * rng.below(3)).min(climbed_by + 1) } else { 0 };
    let comments = if rng.chance(0.24) { 1 + rng.below(3) * rng.below(3) } else { 0 };
    let mut flags = 0;
    for (bit, probability) in [
        (flag::BENCHMARK, 0.017),
        (flag::CIRCUIT, 0.004),
        (flag::BOOKMARKED, 0.02),
        (flag::SENT, if climbed_by > 0 { 0.09 } else { 0.0 }),
        (flag::LIKED, if likes > 0 { 0.06 } else { 0.0 }),
    ] {
        if rng.chance(probability) {
            flags |= bit;
        }
    }
    if flags & flag::SENT != 0 && rng.chance(0.3) {
        flags |= flag::FLASHED;
    }
    let mut tags = 0_u8;
    if rng.chance(0.13) {
        for _ in 0..1 + rng.below(3) {
            tags |= 1 << rng.below(TAGS.len());
        }
    }
    let compact = Compact {
        name: names.invent(rng).into_boxed_str(),
        holds,
        feet: rng.weighted(FEET.iter().map(|rule| rule.1)) as u8,
        grade: if grade == UNGRADED && rng.chance(0.15) { NO_GRADE } else { grade as u8 },
        flags,
        tags,
        climbed_by: climbed_by as u16,
        likes: likes as u16,
        comments: comments as u16,
    };
    // Setter 0 is the account the board is shown to: only its own private climbs would be seen.
    let is_private = setter == 0 && rng.chance(0.25);
    Climb { key: rng.uuid(), created, setter: Some(setter), is_private, face, body: Body::Compact(compact) }
}
