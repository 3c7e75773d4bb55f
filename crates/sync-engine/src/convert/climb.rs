//! Climbs: what a person can edit and the counters get places of their own, what speaks of the asking account is set
//! apart, the rest is kept beside.

use mastoc_domain::Timestamp;
use mastoc_domain::board::ClimbGrade;
use mastoc_domain::import::{Extra, ImportClimb, ImportUser};
use mastoc_stokt_client::types::{Climb, CrowdGrade, Setter};
use mastoc_stokt_client::{Record, WireRecord as _};
use serde_json::{Map, Number, Value};

use super::setter::{Setters, setter_to_stokt};
use super::{Refused, blank, fields, residual, stokt_id};

/// Stokt's names of the fields that speak of the account that asked, not of the climb.
const VIEWER_FIELDS: [&str; 7] = [
    "likedByUser",
    "bookmarkedByUser",
    "attemptsToSendOriginal",
    "attemptsToSendMirror",
    "lastAttemptDate",
    "lastEffortDate",
    "lastEffortIsFlashed",
];

/// Most bytes of all texts of a climb together. A longer one would fill a batch, or a server's limit, by itself.
const MOST_TEXT: usize = 256 * 1024;

/// Reads a climb; its setter, if new, is added to `setters`.
///
/// # Errors
/// [`Refused`] when it has no readable id, face, holds list or time, a counter that cannot be kept, or far too much
/// text.
pub fn climb_from_stokt(record: &Record<Climb>, setters: &mut Setters) -> Result<ImportClimb, Refused> {
    let climb = record.parsed.as_ref().map_err(Refused::from)?;
    let id = stokt_id(&climb.id, "climb")?;
    let texts = record.raw.as_object().into_iter().flat_map(|fields| fields.values());
    let text: usize = texts.filter_map(Value::as_str).map(str::len).sum();
    if text > MOST_TEXT {
        let detail = format!("climb {id} has {text} bytes of text; at most {MOST_TEXT} are taken");
        return Err(Refused::new("bad_text", detail));
    }
    let lacks = |what: &str| Refused::new("missing_field", format!("climb {id} has no {what}"));
    let face = climb.face_id.as_ref().ok_or_else(|| lacks("face"))?;
    let holds_list = climb.holds_list.clone().ok_or_else(|| lacks("holds list"))?;
    let created = climb.date_created.as_ref().ok_or_else(|| lacks("time of creation"))?;
    let created_at = Timestamp::parse(created.as_str())
        .map_err(|why| Refused::new("bad_date", format!("climb {id}, time of creation: {why}")))?;
    let counter = |value: Option<i64>, what: &str| {
        i32::try_from(value.unwrap_or(0))
            .map_err(|_| Refused::new("bad_number", format!("climb {id}: {what} is out of range")))
    };
    // A setter without a usable id stays in the rest; the climb does without.
    let setter = climb.setter.as_ref().and_then(|setter| setters.agree_on(setter).ok());
    let mut source = fields(record.raw.clone());
    let mut viewer = Extra::new();
    for name in VIEWER_FIELDS {
        if let Some((name, value)) = source.shift_remove_entry(name) {
            viewer.insert(name, value);
        }
    }
    let mut import = ImportClimb {
        stokt_id: id,
        face_stokt_id: stokt_id(face, "climb's face")?,
        setter_stokt_id: setter.map(|user| user.stokt_id),
        name: climb.name.clone().unwrap_or_default(),
        holds_list,
        mirror_holds_list: climb.mirror_holds_list.clone().unwrap_or_default(),
        grade: climb.crowd_grade.as_ref().map(grade_from_stokt).unwrap_or_default(),
        feet_rule: climb.feet_rule.clone(),
        description: None,
        is_private: climb.is_private.unwrap_or_default(),
        is_benchmark: climb.is_benchmark.unwrap_or_default(),
        climbed_by: counter(climb.climbed_by, "the number of sends")?,
        total_likes: counter(climb.total_likes, "the number of likes")?,
        total_comments: counter(climb.total_comments, "the number of comments")?,
        tags: climb.tags.clone().unwrap_or_default(),
        circuit: climb.circuit.clone().unwrap_or_default(),
        angle: climb.angle.as_ref().map(text_of).unwrap_or_default(),
        created_at,
        extra: Extra::new(),
        viewer,
    };
    import.extra = residual::rest(&fields(rendered(&import, setter)?.to_value()), source);
    Ok(import)
}

/// A climb as Stokt writes it; `setter` is the person of its `setter_stokt_id`.
///
/// # Errors
/// [`Refused`] when the kept rest does not fit a climb.
pub fn climb_to_stokt(climb: &ImportClimb, setter: Option<&ImportUser>) -> Result<Value, Refused> {
    let mut record = residual::overlay(fields(rendered(climb, setter)?.to_value()), &climb.extra);
    record.extend(climb.viewer.clone());
    Ok(Value::Object(record))
}

/// Everything that has a field in the import record. The time of creation has one, yet it is kept here in UTC and at
/// Stokt with an offset: its text is part of the rest.
fn rendered(import: &ImportClimb, setter: Option<&ImportUser>) -> Result<Climb, Refused> {
    let mut climb: Climb = blank(import.stokt_id.to_string())?;
    climb.name = Some(import.name.clone());
    climb.holds_list = Some(import.holds_list.clone());
    climb.mirror_holds_list = Some(import.mirror_holds_list.clone());
    climb.feet_rule.clone_from(&import.feet_rule);
    climb.is_private = Some(import.is_private);
    climb.is_benchmark = Some(import.is_benchmark);
    climb.crowd_grade = grade_to_stokt(&import.grade)?;
    climb.face_id = Some(import.face_stokt_id.0.into());
    climb.angle = Some(Value::String(import.angle.clone()));
    climb.climbed_by = Some(i64::from(import.climbed_by));
    climb.total_likes = Some(i64::from(import.total_likes));
    climb.total_comments = Some(i64::from(import.total_comments));
    climb.circuit = Some(import.circuit.clone());
    climb.tags = Some(import.tags.clone());
    climb.setter = match setter {
        Some(user) => Some(Setter::parse(setter_to_stokt(user)?).map_err(|why| Refused::from(&why))?),
        None => None,
    };
    Ok(climb)
}

fn grade_from_stokt(grade: &CrowdGrade) -> ClimbGrade {
    ClimbGrade {
        font: grade.font.clone(),
        ircra: grade.ircra.as_ref().and_then(Number::as_f64),
        hueco: grade.hueco.clone(),
        dankyu: grade.dankyu.clone(),
    }
}

fn grade_to_stokt(grade: &ClimbGrade) -> Result<Option<CrowdGrade>, Refused> {
    if *grade == ClimbGrade::default() {
        return Ok(None);
    }
    let mut crowd = CrowdGrade::parse(Value::Object(Map::new())).map_err(|why| Refused::from(&why))?;
    crowd.font.clone_from(&grade.font);
    crowd.ircra = grade.ircra.and_then(Number::from_f64);
    crowd.hueco.clone_from(&grade.hueco);
    crowd.dankyu.clone_from(&grade.dankyu);
    Ok(Some(crowd))
}

/// The text of a value that Stokt usually sends as text.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::residual::tests::any_json;
    use super::*;

    fn source() -> Value {
        json!({
            "id": "2b96f0d7-e45c-4381-b0fa-c8137e5d924a",
            "climbSetters": {"id": "a40c7d19-58e2-4b6f-93d0-1fe7b2c5860d", "fullName": "Ada", "avatar": null},
            "name": "Café Crème", "holdsList": "S400166 T400602", "mirrorHoldsList": "",
            "feetRule": "Tous pieds", "dateCreated": "2025-12-17T06:56:34.010432-05:00",
            "isPrivate": false, "isBenchmark": false,
            "crowdGrade": {"ircra": 20.5, "hueco": "V6", "font": "7A", "dankyu": "1Q"}, "crowdGrades": [],
            "faceId": "5fa7e1c0-3b52-4d86-9e14-7a20c6d81f35", "wallId": "7d3e58b4-06a1-4f9d-a2c7-95b1e804d6f2",
            "wallName": "Board", "isAngleAdjustable": false, "climbedBy": 1, "totalLikes": 0, "totalComments": 0,
            "likedByUser": true, "attemptsToSendMirror": 0, "attemptsToSendOriginal": 3, "angle": "",
            "bookmarkedByUser": false, "hasSymmetric": false, "circuit": "", "tags": "",
            "lastAttemptDate": null, "lastEffortDate": null, "lastEffortIsFlashed": null
        })
    }

    fn convert(source: Value) -> Result<(ImportClimb, Setters), Refused> {
        let mut setters = Setters::new();
        climb_from_stokt(&Record::new(source), &mut setters).map(|climb| (climb, setters))
    }

    fn back(climb: &ImportClimb, setters: &Setters) -> Value {
        climb_to_stokt(climb, climb.setter_stokt_id.and_then(|id| setters.get(id))).unwrap()
    }

    #[test]
    fn what_speaks_of_the_viewer_is_set_apart() {
        let (climb, setters) = convert(source()).unwrap();
        assert_eq!(climb.viewer["attemptsToSendOriginal"], 3);
        assert!(!serde_json::to_string(&climb.extra).unwrap().contains("attempts"));
        assert_eq!(climb.created_at.to_string(), "2025-12-17T11:56:34.010432Z");
        assert_eq!(back(&climb, &setters), source());
    }

    #[test]
    fn what_a_climb_cannot_do_without_is_named() {
        for (field, value, code) in [
            ("id", json!(null), "unreadable"),
            ("id", json!("seven"), "bad_id"),
            ("faceId", json!(null), "missing_field"),
            ("faceId", json!(12), "bad_id"),
            ("holdsList", json!(null), "missing_field"),
            ("dateCreated", json!("yesterday"), "bad_date"),
            ("climbedBy", json!(i64::MAX), "bad_number"),
        ] {
            let mut odd = source();
            odd[field] = value;
            assert_eq!(convert(odd).unwrap_err().code, code, "{field}");
        }
        assert_eq!(convert(json!("seven")).unwrap_err().code, "unreadable");
    }

    #[test]
    fn a_climb_that_disagrees_about_its_setter_keeps_its_own_version() {
        let mut setters = Setters::new();
        let mut other = source();
        other["climbSetters"]["fullName"] = json!("Ada Two");
        let first = climb_from_stokt(&Record::new(source()), &mut setters).unwrap();
        let second = climb_from_stokt(&Record::new(other.clone()), &mut setters).unwrap();
        assert_eq!(setters.all().count(), 1);
        assert_eq!(back(&first, &setters), source());
        assert_eq!(back(&second, &setters), other);
    }

    proptest! {
        /// Any field may be missing, null, of another type, or new: what converts comes back as it was.
        #[test]
        fn nothing_is_lost(changes in proptest::collection::vec((0..32_usize, any_json()), 0..6), drop in 0..32_usize) {
            let mut odd = source();
            let names: Vec<String> = odd.as_object().unwrap().keys().cloned().collect();
            for (at, value) in changes {
                let name = names.get(at).cloned().unwrap_or_else(|| format!("new{at}"));
                odd[name] = value;
            }
            if let Some(name) = names.get(drop) {
                odd.as_object_mut().unwrap().shift_remove(name);
            }
            if let Ok((climb, setters)) = convert(odd.clone()) {
                prop_assert_eq!(back(&climb, &setters), odd);
            }
        }
    }
}
