//! Climbs: the listing, those of the account, creating, editing, hiding, deleting.

use serde_json::Value;
use uuid::Uuid;

use super::answer::Answer;
use super::routes::id;
use super::{Call, page};
use crate::board::Board;
use crate::board::climb::{Climb, ROLES};
use crate::board::grades::{self, Grade};
use crate::board::rights::{Permissions, same_holds};

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

/// A climb that the viewer sees, and what they may do to it; 404 if there is none, 403 if they may not do `what`.
fn allowed(
    board: &Board,
    viewer: usize,
    climb: &str,
    what: impl FnOnce(&Climb, &Permissions) -> bool,
) -> Result<Uuid, Answer> {
    let found = id(climb).and_then(|key| board.find(key)).filter(|climb| board.is_visible(climb, viewer));
    let climb = found.ok_or_else(Answer::not_found)?;
    let may = board.permissions_of(climb, viewer);
    if what(climb, &may) { Ok(climb.key) } else { Err(Answer::forbidden()) }
}

/// Whether somebody may make a climb private, or public, which it may be already.
fn may_make(climb: &Climb, may: &Permissions, is_private: bool) -> bool {
    climb.is_private == is_private || if is_private { may.can_set_private } else { may.can_set_public }
}

/// PATCH: changes any subset of what POST takes.
pub(crate) fn edit(board: &mut Board, call: &Call<'_>, viewer: usize, face: &str, climb: &str) -> Answer {
    let Some(face) = id(face).and_then(|face| board.face_index(face)) else { return Answer::not_found() };
    // Nobody but its setter is told what is wrong with a request.
    let own = |climb: &Climb, may: &Permissions| {
        climb.setter == Some(viewer as u32) && *may != Permissions::all(false)
    };
    if let Err(refusal) = allowed(board, viewer, climb, own) {
        return refusal;
    }
    let body = call.json();
    let read = (|| Ok((read_name(&body)?, read_holds(board, face, &body)?, read_grade(&body)?)))();
    let (name, holds, grade) = match read {
        Ok(read) => read,
        Err(refusal) => return refused(refusal),
    };
    let may_all = |climb: &Climb, may: &Permissions| {
        let described = name.is_some() || grade.is_some() || body.get("feetRule").is_some();
        let is_private = body.get("isPrivate").and_then(Value::as_bool);
        // Holds that are sent as they are change nothing.
        let keeps_holds = holds.as_deref().is_none_or(|holds| same_holds(holds, &climb.holds()));
        (may.can_edit_name_and_grade || !described)
            && (may.can_edit_holds || keeps_holds)
            && is_private.is_none_or(|is_private| may_make(climb, may, is_private))
    };
    let key = match allowed(board, viewer, climb, may_all) {
        Ok(key) => key,
        Err(refusal) => return refusal,
    };
    let name = name.map(str::to_owned);
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

/// DELETE: 204, for the viewer's own, and for those who manage the gym.
pub(crate) fn delete(board: &mut Board, viewer: usize, climb: &str) -> Answer {
    match allowed(board, viewer, climb, |_, may| may.can_delete) {
        Ok(key) => {
            board.delete_climb(key);
            Answer::empty()
        }
        Err(refusal) => refusal,
    }
}

/// PATCH `privacy-status`.
pub(crate) fn set_privacy(board: &mut Board, call: &Call<'_>, viewer: usize, key: Uuid) -> Answer {
    let is_private = call.json().get("is_private").and_then(Value::as_bool);
    let may = |climb: &Climb, may: &Permissions| {
        climb.setter == Some(viewer as u32)
            && is_private.is_none_or(|is_private| may_make(climb, may, is_private))
    };
    if let Err(refusal) = allowed(board, viewer, &key.to_string(), may) {
        return refusal;
    }
    let Some(is_private) = is_private else {
        return Answer::invalid("is_private", "This field is required.");
    };
    board.edit_climb(key, |map| {
        map.insert("isPrivate".into(), is_private.into());
    });
    shown(board, key, viewer, 200)
}

/// GET `permissions-to-modify`.
pub(crate) fn permissions(board: &Board, viewer: usize, key: Uuid) -> Answer {
    match board.find(key) {
        Some(climb) => Answer::ok(board.permissions_of(climb, viewer).to_json()),
        None => Answer::not_found(),
    }
}
