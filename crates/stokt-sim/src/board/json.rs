//! Writes climbs and lists as Stokt answers them.

use serde_json::{Map, Value, json};

use super::Board;
use super::climb::{Body, Climb, Compact, NO_GRADE, flag, hold_of, holds_text, time_text};
use super::climbs::{FEET, TAGS};
use super::lists::List;
use super::{grades, text};
use crate::geometry::parse_point;

impl Board {
    /// A climb as a viewer (index of a user) sees it.
    pub(crate) fn climb_json(&self, climb: &Climb, viewer: usize) -> Value {
        let mut map = match &climb.body {
            Body::Json(map) => (**map).clone(),
            Body::Compact(compact) => self.written_out(climb, compact),
        };
        for (field, value) in [
            ("likedByUser", self.has_liked(climb, viewer)),
            ("bookmarkedByUser", self.has_bookmarked(climb, viewer)),
        ] {
            // A field that was taken away or made into something else on purpose stays so.
            if let Some(Value::Bool(shown)) = map.get_mut(field) {
                *shown = value;
            }
        }
        if !self.is_account(viewer) {
            for field in ["lastAttemptDate", "lastEffortDate", "lastEffortIsFlashed"] {
                if let Some(shown) = map.get_mut(field) {
                    *shown = Value::Null;
                }
            }
        }
        Value::Object(map)
    }

    /// All the fields of an invented climb, in the service's order.
    pub(crate) fn written_out(&self, climb: &Climb, compact: &Compact) -> Map<String, Value> {
        let face = self.faces.get(climb.face as usize);
        let wall = face.and_then(|face| self.walls.get(face.wall));
        let has = |bit: u8| compact.flags & bit != 0;
        let grade = match compact.grade {
            NO_GRADE => Value::Null,
            index => grades::to_json(grades::at(usize::from(index))),
        };
        let tags: Vec<&str> = TAGS
            .iter()
            .enumerate()
            .filter(|(bit, _)| compact.tags & (1 << bit) != 0)
            .map(|(_, tag)| *tag)
            .collect();
        let circuit = if has(flag::CIRCUIT) { self.circuit(climb, compact) } else { String::new() };
        let effort = if has(flag::SENT) { Some(time_text(climb.created + 3_600_000_000)) } else { None };
        let setter = climb.setter.map_or(Value::Null, |setter| self.person(setter as usize));
        let feet = FEET.get(usize::from(compact.feet)).map_or("", |rule| rule.0);
        let attempts = u8::from(has(flag::SENT)) + 3 * u8::from(has(flag::SENT) && !has(flag::FLASHED));
        let flashed = has(flag::SENT).then(|| has(flag::FLASHED));
        [
            ("id", json!(climb.key)),
            ("climbSetters", setter),
            ("name", json!(compact.name)),
            ("holdsList", holds_text(&compact.holds).into()),
            ("mirrorHoldsList", "".into()),
            ("feetRule", feet.into()),
            ("dateCreated", time_text(climb.created).into()),
            ("isPrivate", climb.is_private.into()),
            ("isBenchmark", has(flag::BENCHMARK).into()),
            ("crowdGrade", grade),
            ("crowdGrades", json!([])),
            ("faceId", json!(face.map(|face| face.id))),
            ("wallId", json!(wall.map(|wall| wall.id))),
            ("wallName", json!(wall.map(|wall| &wall.name))),
            ("isAngleAdjustable", false.into()),
            ("climbedBy", compact.climbed_by.into()),
            ("totalLikes", compact.likes.into()),
            ("totalComments", compact.comments.into()),
            ("likedByUser", has(flag::LIKED).into()),
            ("attemptsToSendMirror", 0.into()),
            ("attemptsToSendOriginal", attempts.into()),
            ("angle", "".into()),
            ("bookmarkedByUser", has(flag::BOOKMARKED).into()),
            ("hasSymmetric", false.into()),
            ("circuit", circuit.into()),
            ("tags", tags.join(",").into()),
            ("lastAttemptDate", json!(effort)),
            ("lastEffortDate", json!(effort)),
            ("lastEffortIsFlashed", json!(flashed)),
        ]
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value))
        .collect()
    }

    /// The numbered holds of a circuit, as JSON in a text: x as text, y as number, like the service's.
    fn circuit(&self, climb: &Climb, compact: &Compact) -> String {
        let Some(face) = self.faces.get(climb.face as usize) else { return String::new() };
        let holds = face.setup.get("holds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let stops: Vec<Value> = compact
            .holds
            .iter()
            .enumerate()
            .filter_map(|(number, token)| {
                let id = hold_of(*token);
                let hold = holds.iter().find(|hold| hold.get("id").and_then(Value::as_i64) == Some(id))?;
                let at = parse_point(text(hold.as_object()?, "centroidStr"))?;
                let value = (number + 1).to_string();
                Some(json!({ "x": format!("{:.2}", at.x), "y": at.y, "id": id, "value": value }))
            })
            .collect();
        Value::Array(stops).to_string()
    }

    /// A list as a viewer sees it.
    pub(crate) fn list_json(&self, list: &List, viewer: usize) -> Value {
        let of_gym = list.kind != "personal";
        json!({
            "id": list.id,
            "name": list.name,
            "listType": list.kind,
            "gym": if of_gym { json!({ "id": self.gym_id, "name": self.gym_name }) } else { Value::Null },
            "user": self.person(list.owner),
            "climbsCount": self.visible_items(list, viewer).len(),
            "isFollowing": list.followers.contains(&viewer),
            "image": null,
            "imageThumbnail": null,
            "dateModified": time_text(list.modified),
        })
    }

    /// The items of a list whose climbs a viewer may see, with those climbs.
    pub(crate) fn visible_items<'a>(
        &'a self,
        list: &'a List,
        viewer: usize,
    ) -> Vec<(&'a super::lists::Item, &'a Climb)> {
        list.items
            .iter()
            .filter_map(|item| Some((item, self.find(item.climb)?)))
            .filter(|(_, climb)| self.is_visible(climb, viewer))
            .collect()
    }
}
