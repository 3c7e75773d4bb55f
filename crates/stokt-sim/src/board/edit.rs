//! What tests may do to a board: create, edit and delete climbs as other people would, and let the contract drift.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::climb::{Body, Climb, parse_time, text, time_text};
use super::climbs::{self, Spots};
use super::picture::{Picture, Source};
use super::{Board, grades};

impl Board {
    /// The id of the gym.
    pub fn gym_id(&self) -> Uuid {
        self.gym_id
    }

    /// The ids of the faces, in the order of the walls.
    pub fn face_ids(&self) -> Vec<Uuid> {
        self.faces.iter().map(|face| face.id).collect()
    }

    /// The ids of a face's holds, as `setup` lists them; empty for an unknown face.
    pub fn hold_ids(&self, face: Uuid) -> Vec<i64> {
        let face = self.faces.iter().find(|known| known.id == face);
        let holds = face.and_then(|face| face.setup.get("holds")).and_then(Value::as_array);
        holds.into_iter().flatten().filter_map(|hold| hold.get("id")?.as_i64()).collect()
    }

    /// The ids of all users, the account's first on a generated board.
    pub fn user_ids(&self) -> Vec<Uuid> {
        self.users.iter().map(|user| user.id).collect()
    }

    /// How many climbs there are, private ones of everybody included.
    pub fn climb_count(&self) -> usize {
        self.climbs.len()
    }

    /// The keys of all climbs, newest first.
    pub fn climb_ids(&self) -> Vec<Uuid> {
        self.climbs.iter().rev().map(|climb| climb.key).collect()
    }

    /// A climb as the service answers it to its account.
    pub fn climb(&self, id: Uuid) -> Option<Value> {
        let viewer = self.accounts.first().map_or(0, |account| account.user);
        self.find(id).map(|climb| self.climb_json(climb, viewer))
    }

    /// All climbs as the service answers them to its account, newest first. For small boards.
    pub fn climbs(&self) -> Vec<Value> {
        let viewer = self.accounts.first().map_or(0, |account| account.user);
        self.climbs.iter().rev().map(|climb| self.climb_json(climb, viewer)).collect()
    }

    /// The keys of the climbs of a name, newest first: two after a push that was made twice.
    pub fn climbs_named(&self, name: &str) -> Vec<Uuid> {
        self.climbs.iter().rev().filter(|climb| climb.name() == name).map(|climb| climb.key).collect()
    }

    /// A face's setup as it is answered; `None` for an unknown face.
    pub fn setup(&self, face: Uuid) -> Option<Value> {
        self.faces.iter().find(|known| known.id == face).map(|face| Value::Object(face.setup.clone()))
    }

    /// Somebody creates a climb now on the first face: a user's id, or `None` for the account itself.
    /// `holds_list` is written as the service writes it (`S12 O20 T31`) and is not checked.
    pub fn add_climb(&mut self, name: &str, holds_list: &str, setter: Option<Uuid>) -> Uuid {
        let user = setter
            .and_then(|id| self.user_index(id))
            .or_else(|| self.accounts.first().map(|account| account.user))
            .unwrap_or(0);
        self.create(0, user, name, holds_list, None, None, false)
    }

    /// Adds a climb exactly as given, whatever it lacks: no id, a null, a field of another type. Answers the
    /// key by which it is edited or deleted here, which is its `id` where that is a UUID.
    pub fn add_raw_climb(&mut self, climb: Map<String, Value>) -> Uuid {
        let climb = self.climb_of_json(climb);
        let key = climb.key;
        self.insert(climb);
        key
    }

    /// Other people create `count` climbs now; answers their ids.
    pub fn invent_climbs(&mut self, count: usize) -> Vec<Uuid> {
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            let face = self.rng.below(self.faces.len());
            let others = self.users.len().saturating_sub(1);
            let setter = if others == 0 { 0 } else { 1 + self.rng.below(others) };
            let created = self.tick();
            let Some(found) = self.faces.get(face) else { continue };
            let Some(slot) = self.spots.get_mut(face) else { continue };
            let spots = slot.get_or_insert_with(|| Spots::of_setup(&found.setup));
            let climb =
                climbs::invent(&mut self.rng, &mut self.names, spots, face as u32, setter as u32, created);
            ids.push(climb.key);
            self.insert(climb);
        }
        ids
    }

    /// Changes a climb's JSON in place: its name, its holds, a counter, a field nobody has seen before.
    /// False if there is no such climb.
    pub fn edit_climb(&mut self, id: Uuid, edit: impl FnOnce(&mut Map<String, Value>)) -> bool {
        let Some(position) = self.climbs.iter().rposition(|climb| climb.key == id) else { return false };
        let climb = self.climbs.remove(position);
        self.private -= usize::from(climb.is_private);
        let mut map = match climb.body {
            Body::Compact(ref compact) => self.written_out(&climb, compact),
            Body::Json(map) => *map,
        };
        edit(&mut map);
        let mut edited = self.climb_of_json(map);
        edited.key = id;
        if edited.created == 0 {
            edited.created = climb.created;
        }
        self.insert(edited);
        true
    }

    /// Deletes a climb, whoever set it; false if there is none.
    pub fn delete_climb(&mut self, id: Uuid) -> bool {
        let Some(position) = self.climbs.iter().rposition(|climb| climb.key == id) else { return false };
        let climb = self.climbs.remove(position);
        self.private -= usize::from(climb.is_private);
        self.likes.remove(&id);
        self.comments.remove(&id);
        self.permissions.remove(&id);
        true
    }

    /// Deletes every climb: what a broken service looks like.
    pub fn delete_all_climbs(&mut self) {
        self.climbs.clear();
        self.private = 0;
    }

    /// Changes a face's setup in place (a hold more, a hold gone, a new field); false if there is no such face.
    pub fn edit_setup(&mut self, face: Uuid, edit: impl FnOnce(&mut Map<String, Value>)) -> bool {
        let modified = time_text(self.tick());
        let Some(index) = self.face_index(face) else { return false };
        if let Some(found) = self.faces.get_mut(index) {
            edit(&mut found.setup);
            found.written = None;
            found.modified = modified;
        }
        if let Some(spots) = self.spots.get_mut(index) {
            *spots = None;
        }
        true
    }

    /// Adds a field to the gym's summary, or replaces one.
    pub fn set_gym_field(&mut self, field: &str, value: Value) {
        self.gym_fields.insert(field.to_owned(), value);
    }

    /// Adds a field to every wall, or replaces one.
    pub fn set_wall_field(&mut self, field: &str, value: Value) {
        self.wall_fields.insert(field.to_owned(), value);
    }

    /// Renames a user, as they would in the app; false if there is no such user.
    pub fn rename_user(&mut self, user: Uuid, full_name: &str) -> bool {
        let Some(user) = self.users.iter_mut().find(|known| known.id == user) else { return false };
        full_name.clone_into(&mut user.full_name);
        let (id, brief) = (user.id, user.brief());
        for climb in &mut self.climbs {
            if let Body::Json(map) = &mut climb.body
                && let Some(setter) = map.get_mut("climbSetters")
                && setter.get("id").and_then(Value::as_str).is_some_and(|text| text == id.to_string())
            {
                *setter = brief.clone();
            }
        }
        true
    }

    /// Hangs a new picture of a face (bytes as they are, sizes in pixels) under a new name, which is answered;
    /// `None` for an unknown face.
    pub fn set_picture(&mut self, face: Uuid, bytes: Vec<u8>, width: u32, height: u32) -> Option<String> {
        let unique = self.rng.uuid();
        let found = self.faces.iter().find(|known| known.id == face)?;
        let wall = self.walls.get(found.wall).map(|wall| wall.id).unwrap_or_default();
        let name =
            format!("CACHE/images/walls/{wall}/faces/{face}/ref_pic_new/{:032x}.jpg", unique.as_u128());
        self.edit_setup(face, |setup| {
            setup.insert("picture".into(), json!({ "name": name, "width": width, "height": height }));
        });
        let found = self.faces.iter_mut().find(|known| known.id == face)?;
        found.picture =
            Picture { name: name.clone(), size: (width, height), source: Source::Bytes(bytes.into()) };
        Some(name)
    }

    /// Makes the board's clock stand still at a time, or run with the machine's again. It dates new climbs and
    /// answers, and decides what `max_age` means.
    pub fn set_now(&mut self, now: Option<DateTime<Utc>>) {
        self.fixed_now = now.map(|time| time.timestamp_micros());
        self.ahead = 0;
    }

    /// Puts the board's clock forward, or back, whether it runs or stands still.
    pub fn advance(&mut self, by: TimeDelta) {
        self.ahead = self.ahead.saturating_add(by.num_microseconds().unwrap_or(0));
    }

    /// What somebody sees of the climbs: a user's id, or `None` for the account itself. Newest first.
    pub fn climbs_seen_by(&self, user: Option<Uuid>) -> Vec<Value> {
        let account = self.accounts.first().map_or(0, |account| account.user);
        let viewer = user.and_then(|id| self.user_index(id)).unwrap_or(account);
        let seen = self.climbs.iter().rev().filter(|climb| self.is_visible(climb, viewer));
        seen.map(|climb| self.climb_json(climb, viewer)).collect()
    }

    /// Creates a climb for a user (index) on a face (index).
    #[expect(clippy::too_many_arguments, reason = "the fields of the request, each used once")]
    pub(crate) fn create(
        &mut self,
        face: usize,
        user: usize,
        name: &str,
        holds_list: &str,
        grade: Option<grades::Grade>,
        feet_rule: Option<&str>,
        is_private: bool,
    ) -> Uuid {
        let created = self.tick();
        let found = self.faces.get(face);
        let wall = found.and_then(|face| self.walls.get(face.wall));
        let grade = grade.unwrap_or_else(|| grades::at(grades::UNGRADED));
        let feet_rule = feet_rule.map_or_else(
            || {
                let options = found.and_then(|face| face.setup.get("feetRulesOptions"));
                options.and_then(|options| options.get(0)).cloned().unwrap_or_else(|| "".into())
            },
            Value::from,
        );
        let key = self.rng.uuid();
        let map: Map<String, Value> = [
            ("id", json!(key)),
            ("climbSetters", self.person(user)),
            ("name", name.into()),
            ("holdsList", holds_list.into()),
            ("mirrorHoldsList", "".into()),
            ("feetRule", feet_rule),
            ("dateCreated", time_text(created).into()),
            ("isPrivate", is_private.into()),
            ("isBenchmark", false.into()),
            ("crowdGrade", grades::to_json(grade)),
            ("crowdGrades", json!([])),
            ("faceId", json!(found.map(|face| face.id))),
            ("wallId", json!(wall.map(|wall| wall.id))),
            ("wallName", json!(wall.map(|wall| &wall.name))),
            ("isAngleAdjustable", false.into()),
            ("climbedBy", 0.into()),
            ("totalLikes", 0.into()),
            ("totalComments", 0.into()),
            ("likedByUser", false.into()),
            ("attemptsToSendMirror", 0.into()),
            ("attemptsToSendOriginal", 0.into()),
            ("angle", "".into()),
            ("bookmarkedByUser", false.into()),
            ("hasSymmetric", false.into()),
            ("circuit", "".into()),
            ("tags", "".into()),
            ("lastAttemptDate", Value::Null),
            ("lastEffortDate", Value::Null),
            ("lastEffortIsFlashed", Value::Null),
        ]
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value))
        .collect();
        let climb = Climb {
            key,
            created,
            setter: Some(user as u32),
            is_private,
            face: face as u32,
            body: Body::Json(Box::new(map)),
        };
        self.insert(climb);
        key
    }

    /// What the service must know of a climb to list it, read from its JSON as far as that goes.
    pub(crate) fn climb_of_json(&mut self, map: Map<String, Value>) -> Climb {
        let uuid =
            |value: Option<&Value>| value.and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
        let setter = uuid(map.get("climbSetters").and_then(|setter| setter.get("id")));
        let face = uuid(map.get("faceId")).and_then(|id| self.face_index(id)).unwrap_or(0);
        // One record twice, with one id, must stay two records here.
        let key =
            uuid(map.get("id")).filter(|id| self.find(*id).is_none()).unwrap_or_else(|| self.rng.uuid());
        Climb {
            key,
            created: parse_time(text(&map, "dateCreated")).unwrap_or(0),
            setter: setter.and_then(|id| self.user_index(id)).map(|index| index as u32),
            is_private: map.get("isPrivate").and_then(Value::as_bool).unwrap_or(false),
            face: face as u32,
            body: Body::Json(Box::new(map)),
        }
    }

    /// Puts a climb where its time says.
    pub(crate) fn insert(&mut self, climb: Climb) {
        self.private += usize::from(climb.is_private);
        let position = self.climbs.partition_point(|other| other.created <= climb.created);
        self.climbs.insert(position, climb);
    }
}
