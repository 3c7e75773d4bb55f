//! Invents a whole board from a seed: gym, walls, faces, holds, setters, climbs and lists.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::climb::parse_time;
use super::climbs::{self, FEET, Names, Spots};
use super::holds;
use super::lists::List;
use super::names;
use super::picture::{Drawing, Picture, Source};
use super::users::User;
use super::{Board, Face, Wall};
use crate::rng::Rng;

/// When the newest climb of a demo board was set.
const NEWEST: &str = "2025-12-17T10:56:38.491973-05:00";
/// Over how many days the climbs of a demo board were set.
const DAYS: f64 = 5.0 * 365.25;
/// Microseconds of a day.
const DAY: f64 = 86_400e6;
/// Stokt's ids of holds are whole numbers, counted over all gyms.
const FIRST_HOLD: i64 = 640_001;
/// Faces that hang on one wall.
const FACES_OF_A_WALL: usize = 2;

/// What to invent.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) faces: usize,
    pub(crate) holds: usize,
    pub(crate) climbs: usize,
    pub(crate) setters: usize,
    pub(crate) picture: (u32, u32),
}

/// Invents the board that a plan describes; the same plan always gives the same board.
pub(crate) fn generate(plan: &Plan) -> Board {
    let seed = plan.seed;
    let mut rng = Rng::part(seed, 1);
    let gym_id = rng.uuid();
    let gym_name = "Le Pan du Lézard";
    let users = people(&mut Rng::part(seed, 2), plan.setters.max(1));
    let mut walls = Vec::new();
    let mut faces: Vec<Face> = Vec::new();
    let mut spots = Vec::new();
    for index in 0..plan.faces.max(1) {
        if index % FACES_OF_A_WALL == 0 {
            let name = match walls.len() {
                0 => "Grand pan".to_owned(),
                n => format!("Pan n° {}", n + 1),
            };
            walls.push(Wall { id: rng.uuid(), name });
        }
        let wall = walls.len() - 1;
        let wall_name = walls.last().map_or(String::new(), |wall| wall.name.clone());
        let wall_id = walls.last().map_or(Uuid::nil(), |wall| wall.id);
        let id = rng.uuid();
        let first = FIRST_HOLD + (index * plan.holds) as i64;
        let mut layout = Rng::part(seed, 100 + index as u64);
        let shapes = holds::lay_out(&mut layout, plan.holds.max(1), first, plan.picture);
        let (width, height) = plan.picture;
        let name = format!(
            "CACHE/images/walls/{wall_id}/faces/{id}/ref_pic_{:07x}/{:032x}.jpg",
            rng.next() >> 36,
            rng.uuid().as_u128()
        );
        let mut setup = Map::new();
        setup.insert("id".into(), json!(id));
        setup.insert("gym".into(), gym_name.into());
        setup.insert("wall".into(), wall_name.into());
        setup.insert("picture".into(), json!({ "name": name, "width": width, "height": height }));
        setup.insert("feetRulesOptions".into(), FEET.iter().map(|rule| rule.0).collect::<Value>());
        setup.insert("hasSymmetry".into(), false.into());
        setup
            .insert("holds".into(), shapes.iter().map(|shape| holds::to_json(shape, plan.picture)).collect());
        spots.push(Spots::of_setup(&setup));
        let drawing = Drawing { seed, face: index, size: plan.picture, shapes: Arc::new(shapes) };
        let picture = Picture { name, size: plan.picture, source: Source::Drawn(drawing) };
        faces.push(Face::new(id, wall, setup, picture, NEWEST.to_owned()));
    }
    let mut board = Board::empty(seed, gym_id, gym_name, "Saint-Lézard, France", walls, faces, users);
    fill(&mut board, plan, &spots);
    let mut rng = Rng::part(seed, 5);
    board.lists = invent_lists(&mut rng, &board);
    board
}

/// People with names of their own; the first is the account.
fn people(rng: &mut Rng, count: usize) -> Vec<User> {
    let mut users: Vec<User> = Vec::with_capacity(count);
    let mut taken = std::collections::HashSet::new();
    while users.len() < count {
        let mut full_name = names::setter(rng);
        if !taken.insert(full_name.clone()) {
            full_name = format!("{full_name} {}", users.len());
            taken.insert(full_name.clone());
        }
        let id = rng.uuid();
        let avatar = match rng.below(5) {
            0 => Some(format!("avatars/{id}/{:07x}.png", rng.next() >> 36)),
            1 => Some(format!("avatars/{id}/{:07x}.jpg", rng.next() >> 36)),
            _ => None,
        };
        users.push(User { id, full_name, avatar });
    }
    users
}

/// Sets the climbs, the oldest first.
fn fill(board: &mut Board, plan: &Plan, spots: &[Spots]) {
    let newest = parse_time(NEWEST).unwrap_or_default();
    let mut rng = Rng::part(plan.seed, 3);
    let mut names = Names::default();
    let people = board.users.len();
    let midnight = newest - newest.rem_euclid(DAY as i64);
    let mut times: Vec<i64> = (0..plan.climbs)
        .map(|_| {
            // A board is set more and more busily, and between eight in the morning and ten at night.
            let days_ago = (DAYS * (1.0 - rng.unit().powf(0.8))).floor();
            let hour = rng.range(8.0, 22.0) / 24.0;
            (midnight - (days_ago * DAY) as i64 + (hour * DAY) as i64).min(newest)
        })
        .collect();
    times.sort_unstable();
    if let Some(last) = times.last_mut() {
        *last = newest;
    }
    let mut climbs = Vec::with_capacity(plan.climbs);
    for (index, created) in times.into_iter().enumerate() {
        let face = rng.below(spots.len().max(1));
        // Everybody sets at least one climb; after that a few set most.
        let setter = match index {
            first if first < people => first,
            _ if rng.chance(0.03) => 0,
            _ => (1 + ((people - 1) as f64 * rng.unit().powi(3)) as usize).min(people - 1),
        };
        if let Some(spots) = spots.get(face) {
            climbs.push(climbs::invent(&mut rng, &mut names, spots, face as u32, setter as u32, created));
        }
    }
    board.climbs = climbs;
    board.names = names;
    board.spots = spots.iter().map(|_| None).collect();
}

/// A few personal lists and circuits.
fn invent_lists(rng: &mut Rng, board: &Board) -> Vec<List> {
    let titles = [
        ("Projets de l'hiver", "personal", 0),
        ("Échauffement", "personal", 0),
        ("À refaire ⭐", "personal", 0),
        ("Circuit jaune", "gym", 1),
        ("Circuit rouge", "gym", 2),
        ("Que des réglettes", "style", 3),
        ("Les classiques", "user", 4),
    ];
    titles
        .into_iter()
        .map(|(name, kind, owner)| {
            // 0 is the account; circuits belong to others where there are any.
            let others = board.users.len().saturating_sub(1);
            let owner = if owner == 0 || others == 0 { 0 } else { 1 + (owner * 7) % others };
            let mut list = List::new(rng.uuid(), name, kind, owner, board.now());
            for _ in 0..(5 + rng.below(18)).min(board.climbs.len()) {
                let climb = board.climbs.get(rng.below(board.climbs.len()));
                if let Some(climb) = climb.filter(|climb| !climb.is_private || owner == 0) {
                    list.push(rng.uuid(), climb.key);
                }
            }
            list
        })
        .collect()
}
