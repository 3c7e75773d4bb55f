//! The board that the service shows: its state, and what tests may do to it behind the service's back.

pub(crate) mod avatar;
pub(crate) mod climb;
pub(crate) mod climbs;
pub(crate) mod edit;
pub(crate) mod folder;
pub(crate) mod generate;
pub(crate) mod grades;
pub(crate) mod holds;
pub(crate) mod json;
pub(crate) mod lists;
pub(crate) mod names;
pub(crate) mod paint;
pub(crate) mod picture;
pub(crate) mod rights;
pub(crate) mod social;
pub(crate) mod users;
pub(crate) mod wood;

use std::collections::HashMap;

use bytes::Bytes;
use chrono::Utc;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) use climb::text;
pub(crate) use users::Account;

use climb::Climb;
use climbs::{Names, Spots};
use lists::List;
use picture::Picture;
use rights::Permissions;
use social::{Comment, Like};
use users::User;

use crate::rng::Rng;

/// A wall of the gym.
#[derive(Debug, Clone)]
pub(crate) struct Wall {
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

/// A face: one photographed arrangement of holds.
#[derive(Debug, Clone)]
pub(crate) struct Face {
    pub(crate) id: Uuid,
    /// Index of its wall.
    pub(crate) wall: usize,
    /// As `setup` answers it.
    pub(crate) setup: Map<String, Value>,
    /// `setup`, written; made when somebody asks for it.
    pub(crate) written: Option<Bytes>,
    pub(crate) picture: Picture,
    pub(crate) modified: String,
    pub(crate) is_active: bool,
}

impl Face {
    pub(crate) fn new(
        id: Uuid,
        wall: usize,
        setup: Map<String, Value>,
        picture: Picture,
        modified: String,
    ) -> Self {
        Self { id, wall, setup, written: None, picture, modified, is_active: true }
    }

    pub(crate) fn has_hold(&self, id: i64) -> bool {
        let holds = self.setup.get("holds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        holds.iter().any(|hold| hold.get("id").and_then(Value::as_i64) == Some(id))
    }
}

/// Everything the service knows. Reached with [`Sim::with_board`](crate::Sim::with_board).
///
/// What is changed here is what another user, an administrator or a new version of the service would change:
/// it is seen by the next request and leaves no trace in [`Sim::requests`](crate::Sim::requests).
///
/// A clone is a state to go back to: see [`Sim::save`](crate::Sim::save).
#[derive(Debug, Clone)]
pub struct Board {
    pub(crate) gym_id: Uuid,
    pub(crate) gym_name: String,
    pub(crate) location: String,
    /// Fields that replace or join those of the gym's summary and of each wall.
    pub(crate) gym_fields: Map<String, Value>,
    pub(crate) wall_fields: Map<String, Value>,
    pub(crate) walls: Vec<Wall>,
    pub(crate) faces: Vec<Face>,
    pub(crate) users: Vec<User>,
    pub(crate) accounts: Vec<Account>,
    /// The oldest first.
    pub(crate) climbs: Vec<Climb>,
    /// How many of `climbs` are private: while there are none, a page is a slice.
    pub(crate) private: usize,
    pub(crate) lists: Vec<List>,
    pub(crate) likes: HashMap<Uuid, Vec<Like>>,
    pub(crate) comments: HashMap<Uuid, Vec<Comment>>,
    pub(crate) bookmarks: HashMap<(usize, Uuid), bool>,
    /// What setters may do to climbs of theirs, where it is not what the rules say.
    pub(crate) permissions: HashMap<Uuid, Permissions>,
    pub(crate) names: Names,
    pub(crate) spots: Vec<Option<Spots>>,
    pub(crate) rng: Rng,
    /// Microseconds since 1970, if time stands still.
    pub(crate) fixed_now: Option<i64>,
    /// Microseconds that the clock was put forward (or back) by.
    pub(crate) ahead: i64,
    last_created: i64,
}

impl Board {
    pub(crate) fn empty(
        seed: u64,
        gym_id: Uuid,
        gym_name: &str,
        location: &str,
        walls: Vec<Wall>,
        faces: Vec<Face>,
        users: Vec<User>,
    ) -> Self {
        Self {
            gym_id,
            gym_name: gym_name.to_owned(),
            location: location.to_owned(),
            gym_fields: Map::new(),
            wall_fields: Map::new(),
            spots: faces.iter().map(|_| None).collect(),
            walls,
            faces,
            users,
            accounts: Vec::new(),
            climbs: Vec::new(),
            private: 0,
            lists: Vec::new(),
            likes: HashMap::new(),
            comments: HashMap::new(),
            bookmarks: HashMap::new(),
            permissions: HashMap::new(),
            names: Names::default(),
            rng: Rng::part(seed, 9),
            fixed_now: None,
            ahead: 0,
            last_created: 0,
        }
    }

    /// The board's clock, in microseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.fixed_now.unwrap_or_else(|| Utc::now().timestamp_micros()).saturating_add(self.ahead)
    }

    /// A time for something new: now, and later than anything before.
    pub(crate) fn tick(&mut self) -> i64 {
        self.last_created = self.now().max(self.last_created + 1);
        self.last_created
    }

    pub(crate) fn find(&self, key: Uuid) -> Option<&Climb> {
        // The newest are asked for most.
        self.climbs.iter().rev().find(|climb| climb.key == key)
    }

    pub(crate) fn find_mut(&mut self, key: Uuid) -> Option<&mut Climb> {
        self.climbs.iter_mut().rev().find(|climb| climb.key == key)
    }

    /// Whether a viewer (index of a user) may see a climb.
    pub(crate) fn is_visible(&self, climb: &Climb, viewer: usize) -> bool {
        !climb.is_private || climb.setter == Some(viewer as u32)
    }

    /// One page of the climbs created at `since` or later, newest first, and how many there are in all.
    pub(crate) fn page(&self, since: i64, viewer: usize, skip: usize, take: usize) -> (Vec<&Climb>, usize) {
        let first = self.climbs.partition_point(|climb| climb.created < since);
        let young = self.climbs.get(first..).unwrap_or_default();
        let seen = |climb: &&Climb| self.is_visible(climb, viewer);
        if self.private == 0 {
            return (young.iter().rev().skip(skip).take(take).collect(), young.len());
        }
        let count = young.iter().filter(|climb| self.is_visible(climb, viewer)).count();
        (young.iter().rev().filter(seen).skip(skip).take(take).collect(), count)
    }

    /// Counts what `page` needs to know, after the climbs were replaced as a whole.
    pub(crate) fn recount(&mut self) {
        self.climbs.sort_by_key(|climb| climb.created);
        self.private = self.climbs.iter().filter(|climb| climb.is_private).count();
    }

    pub(crate) fn face_index(&self, id: Uuid) -> Option<usize> {
        self.faces.iter().position(|face| face.id == id)
    }

    pub(crate) fn user_index(&self, id: Uuid) -> Option<usize> {
        self.users.iter().position(|user| user.id == id)
    }

    /// `setup` of a face, written.
    pub(crate) fn setup_bytes(&mut self, face: Uuid) -> Option<Bytes> {
        let face = self.faces.iter_mut().find(|known| known.id == face)?;
        if face.written.is_none() {
            face.written = serde_json::to_vec(&face.setup).ok().map(Bytes::from);
        }
        face.written.clone()
    }

    /// The gym as `summary` answers it.
    pub(crate) fn summary(&self) -> Value {
        let feet = self.faces.first().and_then(|face| face.setup.get("feetRulesOptions"));
        let feet: Vec<Value> = feet
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .enumerate()
            .map(|(index, name)| json!({ "name": name, "isDefault": index == 0 }))
            .collect();
        let walls: Vec<Value> = self
            .walls
            .iter()
            .map(|wall| json!({ "id": wall.id, "name": wall.name, "isAngleAdjustable": false, "feetRules": feet }))
            .collect();
        let sends: usize = self.climbs.iter().map(|climb| climb.counter("climbedBy")).sum();
        let pictures: Vec<&str> = self.faces.iter().map(|face| face.picture.name.as_str()).collect();
        let mut gym = json!({
            "id": self.gym_id, "displayName": self.gym_name, "unit": "metric",
            "numberOfClimbs": self.climbs.len(), "numberOfClimbers": self.users.len(), "numberOfSends": sends,
            "walls": walls, "defaultPictures": pictures, "gymType": "board",
            "gymManagers": self.users.get(rights::MANAGER as usize).map(User::brief).into_iter().collect::<Vec<_>>(),
            "locationString": self.location, "wallType": "spray", "description": "",
            "isFavorite": true, "isEditable": false,
        });
        if let Some(map) = gym.as_object_mut() {
            map.extend(self.gym_fields.clone());
        }
        gym
    }

    /// The walls as `walls` answers them.
    pub(crate) fn walls_json(&self) -> Value {
        let mut totals = vec![0_usize; self.faces.len()];
        for climb in &self.climbs {
            if let Some(total) = totals.get_mut(climb.face as usize) {
                *total += 1;
            }
        }
        self.walls
            .iter()
            .enumerate()
            .map(|(index, wall)| {
                let faces: Vec<Value> = self
                    .faces
                    .iter()
                    .zip(&totals)
                    .filter(|(face, _)| face.wall == index)
                    .map(|(face, total)| {
                        let (width, height) = face.picture.size;
                        json!({
                            "id": face.id, "isActive": face.is_active, "dateModified": face.modified,
                            "smallPicture": { "name": face.picture.name, "width": width, "height": height },
                            "totalClimbs": total,
                        })
                    })
                    .collect();
                let mut json = json!({
                    "id": wall.id, "name": wall.name, "angle": null, "angles": [], "defaultAngle": null,
                    "isAngleAdjustable": false, "isActive": true, "faces": faces,
                });
                if let Some(map) = json.as_object_mut() {
                    map.extend(self.wall_fields.clone());
                }
                json
            })
            .collect()
    }
}
