//! Climbs: the listing, those of the account, creating, editing, hiding, deleting.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::Answer;
use super::routes::id;
use super::{Call, page};
use crate::board::Board;
use crate::board::climb::{Climb, ROLES};
use crate::board::grades::{self, Grade};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// Fewest characters of a name.
const SHORTEST_NAME: usize = 3;

/// `climbs?max_age=`: a page of those created in the last days, newest first.
pub(crate) fn listing(board: &Board, call: &Call<'_>, viewer: usize) -> Answer {
    let Some(window) = page::window(call, call.page_size) else {
        return Answer::detail(404, "Invalid page.");
    };
    let since = match call.number::<i64>("max_age") {
        Some(days) if days < 9999 => board.now().saturating_sub(days.max(0).saturating_mul(DAY)),
        _ => i64::MIN,
    };
    let (climbs, count) = board.page(since, viewer, window.skip, window.take);
    let results = climbs.into_iter().map(|climb| board.climb_json(climb, viewer)).collect();
    page::answer(call, window, count, results)
}

/// `my-*-climbs`: a plain list, newest first.
pub(crate) fn mine(board: &Board, viewer: usize, is_mine: impl Fn(&Climb) -> bool) -> Answer {
    let climbs = board.climbs.iter().rev();
    let mine = climbs.filter(|climb| board.is_visible(climb, viewer) && is_mine(climb));
    Answer::ok(mine.map(|climb| board.climb_json(climb, viewer)).collect())
}

/// A problem with one field.
type Refusal = (&'static str, String);

fn read_name(body: &Value) -> Result<Option<&str>, Refusal> {
    let Some(name) = body.get("name") else { return Ok(None) };
    let name = name.as_str().ok_or(("name", "Not a valid string.".to_owned()))?.trim();
    if name.chars().count() < SHORTEST_NAME {
        return Err(("name", format!("Ensure this field has at least {SHORTEST_NAME} characters.")));
    }
    Ok(Some(name))
}

/// Turns `{"start": ["1"], ...}` into `S1 ...`, if all the holds are on the face.
fn read_holds(board: &Board, face: usize, body: &Value) -> Result<Option<String>, Refusal> {
    let Some(holds) = body.get("holdsList") else { return Ok(None) };
    let wrong = |reason: String| ("holdsList", reason);
    let holds = holds.as_object().ok_or_else(|| wrong("Expected a dictionary of items.".to_owned()))?;
    let mut tokens = Vec::new();
    for (role, field) in ROLES.into_iter().zip(["start", "feetOnly", "others", "top"]) {
        let ids = holds.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for value in ids {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let known = text.parse().ok().filter(|id| board.faces.get(face).is_some_and(|f| f.has_hold(*id)));
            let hold: i64 = known.ok_or_else(|| {
                wrong(format!("Invalid hold \"{text}\" - hold does not exist on this face."))
            })?;
            tokens.push(format!("{role}{hold}"));
        }
    }
    Ok(Some(tokens.join(" ")))
}

fn read_grade(body: &Value) -> Result<Option<Grade>, Refusal> {
    let Some(grade) = body.get("grade").filter(|grade| !grade.is_null()) else { return Ok(None) };
    let field = |name| grade.get(name).and_then(Value::as_str).unwrap_or_default();
    let (system, value) = (field("gradingSystem"), field("value"));
    let grade = grades::find(system, value)
        .ok_or_else(|| ("grade", format!("\"{value}\" is not a valid grade of \"{system}\".")))?;
    Ok(Some(grade))
}

fn refused((field, reason): Refusal) -> Answer {
    Answer::invalid(field, &reason)
}

fn shown(board: &Board, key: Uuid, viewer: usize, status: u16) -> Answer {
    match board.find(key) {
        Some(climb) => Answer::json(status, board.climb_json(climb, viewer)),
        None => Answer::not_found(),
    }
}

/// POST: creates a climb. Twice the same request makes two climbs: there is no idempotency key.
pub(crate) fn create(board: &mut Board, call: &Call<'_>, viewer: usize, face: &str) -> Answer {
    let Some(face) = id(face).and_then(|face| board.face_index(face)) else { return Answer::not_found() };
    let body = call.json();
    let read = (|| {
        let required = |field| (field, "This field is required.".to_owned());
        let name = read_name(&body)?.ok_or_else(|| required("name"))?;
        let holds = read_holds(board, face, &body)?.ok_or_else(|| required("holdsList"))?;
        Ok((name, holds, read_grade(&body)?))
    })();
    let (name, holds, grade) = match read {
        Ok(read) => read,
        Err(refusal) => return refused(refusal),
    };
    let feet = body.get("feetRule").and_then(Value::as_str);
    let is_private = body.get("isPrivate").and_then(Value::as_bool).unwrap_or(false);
    let key = board.create(face, viewer, name, &holds, grade, feet, is_private);
    shown(board, key, viewer, 201)
}

/// Whether a climb is the viewer's own; 404 and 403 if not.
fn owned(board: &Board, viewer: usize, climb: &str) -> Result<Uuid, Answer> {
    let found = id(climb).and_then(|key| board.find(key)).filter(|climb| board.is_visible(climb, viewer));
    match found {
        None => Err(Answer::not_found()),
        Some(climb) if climb.setter == Some(viewer as u32) => Ok(climb.key),
        Some(_) => Err(Answer::forbidden()),
    }
}

/// PATCH: changes any subset of what POST takes.
pub(crate) fn edit(board: &mut Board, call: &Call<'_>, viewer: usize, face: &str, climb: &str) -> Answer {
    let Some(face) = id(face).and_then(|face| board.face_index(face)) else { return Answer::not_found() };
    let key = match owned(board, viewer, climb) {
        Ok(key) => key,
        Err(refusal) => return refusal,
    };
    let body = call.json();
    let read = (|| Ok((read_name(&body)?, read_holds(board, face, &body)?, read_grade(&body)?)))();
    let (name, holds, grade) = match read {
        Ok(read) => read,
        Err(refusal) => return refused(refusal),
    };
    board.edit_climb(key, |map| {
        let mut set = |field: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(field.to_owned(), value);
            }
        };
        set("name", name.map(Value::from));
        set("holdsList", holds.map(Value::from));
        set("crowdGrade", grade.map(grades::to_json));
        for field in ["feetRule", "isPrivate", "tags", "circuit", "angle", "mirrorHoldsList"] {
            set(field, body.get(field).filter(|value| value.is_string() || value.is_boolean()).cloned());
        }
    });
    shown(board, key, viewer, 200)
}

/// DELETE: 204, for the viewer's own.
pub(crate) fn delete(board: &mut Board, viewer: usize, climb: &str) -> Answer {
    match owned(board, viewer, climb) {
        Ok(key) => {
            board.delete_climb(key);
            Answer::empty()
        }
        Err(refusal) => refusal,
    }
}

/// PATCH `privacy-status`.
pub(crate) fn set_privacy(board: &mut Board, call: &Call<'_>, viewer: usize, key: Uuid) -> Answer {
    if let Err(refusal) = owned(board, viewer, &key.to_string()) {
        return refusal;
    }
    let Some(is_private) = call.json().get("is_private").and_then(Value::as_bool) else {
        return Answer::invalid("is_private", "This field is required.");
    };
    board.edit_climb(key, |map| {
        map.insert("isPrivate".into(), is_private.into());
    });
    shown(board, key, viewer, 200)
}

/// GET `permissions-to-modify`.
pub(crate) fn permissions(board: &Board, viewer: usize, key: Uuid) -> Answer {
    let own = board.find(key).is_some_and(|climb| climb.setter == Some(viewer as u32));
    Answer::ok(json!({
        "canDelete": own, "canEditHolds": own, "canEditNameAndGrade": own, "canHide": own,
        "canSetPrivate": own, "canSetPublic": own,
    }))
}
