//! Lists and circuits: finding them, what is in them, making and following them.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::answer::Answer;
use super::routes::id;
use super::{Call, page};
use crate::board::climb::Climb;
use crate::board::lists::{Item, List};
use crate::board::{Board, grades};

fn shown<'a>(board: &'a Board, viewer: usize, lists: impl Iterator<Item = &'a List>) -> Vec<Value> {
    lists.map(|list| board.list_json(list, viewer)).collect()
}

fn may_see(list: &List, viewer: usize) -> bool {
    list.kind != "personal" || list.owner == viewer
}

/// Sorts by `ordering`: `name` or `dateModified`, falling with a minus.
fn sorted<'a>(call: &Call<'_>, lists: impl Iterator<Item = &'a List>) -> Vec<&'a List> {
    let mut lists: Vec<&List> = lists.collect();
    match call.parameter("ordering") {
        Some("name") => lists.sort_by(|a, b| a.name.cmp(&b.name)),
        Some("-name") => lists.sort_by(|a, b| b.name.cmp(&a.name)),
        Some("dateModified") => lists.sort_by_key(|list| list.modified),
        Some("-dateModified") => lists.sort_by_key(|list| Reverse(list.modified)),
        _ => {}
    }
    lists
}

/// GET `users/lists/{user}/personal`.
pub(crate) fn personal(board: &Board, call: &Call<'_>, viewer: usize, user: &str) -> Answer {
    match id(user).and_then(|user| board.user_index(user)) {
        None => Answer::not_found(),
        Some(user) if user != viewer => Answer::forbidden(),
        Some(user) => {
            let mine = board.lists.iter().filter(|list| list.kind == "personal" && list.owner == user);
            Answer::ok(shown(board, viewer, sorted(call, mine).into_iter()).into())
        }
    }
}

/// GET `lists?filter_for=`.
pub(crate) fn search(board: &Board, call: &Call<'_>, viewer: usize) -> Answer {
    let owner = call.parameter("owner_id").map(|owner| id(owner).and_then(|owner| board.user_index(owner)));
    let of_gym = call.parameter("gym_id").is_none_or(|gym| id(gym) == Some(board.gym_id));
    let at_least = call.number::<usize>("climbs_count_gte").unwrap_or(0);
    let found = board.lists.iter().filter(|list| {
        let kind = match call.parameter("filter_for") {
            Some("user") => list.owner == owner.flatten().unwrap_or(viewer),
            Some("gym") => list.kind == "gym" && of_gym,
            Some("style") => list.kind == "style",
            Some("from_others") => list.kind == "user" && list.owner != viewer,
            _ => true,
        };
        kind && may_see(list, viewer)
            && owner.is_none_or(|owner| owner == Some(list.owner))
            && board.visible_items(list, viewer).len() >= at_least
    });
    Answer::ok(shown(board, viewer, sorted(call, found).into_iter()).into())
}

/// GET `gyms/{gym}/lists`: always paged.
pub(crate) fn of_gym(board: &Board, call: &Call<'_>, viewer: usize) -> Answer {
    let size = call.number("page_size").unwrap_or(call.page_size).max(1);
    let Some(window) = page::window(call, size) else { return Answer::detail(404, "Invalid page.") };
    let lists = sorted(call, board.lists.iter().filter(|list| list.kind != "personal"));
    let count = lists.len();
    let results = shown(board, viewer, lists.into_iter().skip(window.skip).take(window.take));
    page::answer(call, window, count, results)
}

/// POST `users/{user}/lists`.
pub(crate) fn create(board: &mut Board, call: &Call<'_>, viewer: usize, user: &str) -> Answer {
    match id(user).and_then(|user| board.user_index(user)) {
        None => return Answer::not_found(),
        Some(user) if user != viewer => return Answer::forbidden(),
        Some(_) => {}
    }
    let body = call.json();
    let Some(name) = body.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty()) else {
        return Answer::invalid("name", "This field is required.");
    };
    let list = List::new(board.rng.uuid(), name, "personal", viewer, board.tick());
    let answer = Answer::json(201, board.list_json(&list, viewer));
    board.lists.push(list);
    answer
}

/// Everything under `lists/{list}`.
pub(crate) fn answer(board: &mut Board, call: &Call<'_>, viewer: usize, list: &str, what: &[&str]) -> Answer {
    let Some(position) = id(list).and_then(|id| board.lists.iter().position(|list| list.id == id)) else {
        return Answer::not_found();
    };
    let now = board.tick();
    let item_id = board.rng.uuid();
    let Some(list) = board.lists.get(position) else { return Answer::not_found() };
    if !may_see(list, viewer) {
        return Answer::forbidden();
    }
    let changes = call.method != "GET" && what != ["follow"];
    if changes && list.owner != viewer {
        return Answer::forbidden();
    }
    match (call.method, what) {
        ("GET", []) => return Answer::ok(board.list_json(list, viewer)),
        ("GET", ["items"]) => return items(board, call, viewer, list),
        ("DELETE", []) => {
            board.lists.remove(position);
            return Answer::empty();
        }
        _ => {}
    }
    let body = call.json();
    let climb = body.get("climbId").and_then(Value::as_str).and_then(id);
    let climb = climb.filter(|key| board.find(*key).is_some_and(|climb| board.is_visible(climb, viewer)));
    let Some(list) = board.lists.get_mut(position) else { return Answer::not_found() };
    match (call.method, what) {
        ("PATCH", []) => match body.get("name").and_then(Value::as_str) {
            Some(name) if !name.trim().is_empty() => {
                name.clone_into(&mut list.name);
                list.modified = now;
            }
            _ => return Answer::invalid("name", "This field is required."),
        },
        ("POST", ["items"]) => {
            let Some(climb) = climb else {
                return Answer::invalid("climbId", "Invalid climb - object does not exist.");
            };
            if !list.push(item_id, climb) {
                return Answer::invalid("climbId", "This climb is already in the list.");
            }
            list.modified = now;
            let order = list.items.last().map(|item| item.order);
            let climb = board.find(climb).map(|climb| board.climb_json(climb, viewer));
            return Answer::json(201, json!({ "id": item_id, "climb": climb, "order": order }));
        }
        ("DELETE", ["items", item]) => {
            let before = list.items.len();
            let item = id(item);
            list.items.retain(|known| Some(known.id) != item);
            if list.items.len() == before {
                return Answer::not_found();
            }
            list.modified = now;
            return Answer::empty();
        }
        ("POST", ["follow"]) => {
            list.followers.insert(viewer);
        }
        ("DELETE", ["follow"]) => {
            list.followers.remove(&viewer);
            return Answer::empty();
        }
        (_, []) | (_, ["items" | "follow"]) => {
            return Answer::detail(405, &format!("Method \"{}\" not allowed.", call.method));
        }
        _ => return Answer::not_found(),
    }
    match board.lists.get(position) {
        Some(list) => Answer::ok(board.list_json(list, viewer)),
        None => Answer::not_found(),
    }
}

/// GET `lists/{list}/items`: a page if a page size is asked for, a plain list otherwise.
fn items(board: &Board, call: &Call<'_>, viewer: usize, list: &List) -> Answer {
    let search = call.parameter("search").map(str::to_lowercase);
    let bound = |name| call.parameter(name).and_then(grades::ircra);
    let (from, to) = (bound("grade_from"), bound("grade_to"));
    let tags: Vec<&str> = call.parameter("tags").map(|tags| tags.split(',').collect()).unwrap_or_default();
    let exclude_mine = call.parameter("exclude_mine") == Some("true");
    let mut found: Vec<(&Item, &Climb, Value)> = board
        .visible_items(list, viewer)
        .into_iter()
        .filter(|(_, climb)| !exclude_mine || climb.setter != Some(viewer as u32))
        .filter(|(_, climb)| search.as_ref().is_none_or(|text| climb.name().to_lowercase().contains(text)))
        .map(|(item, climb)| (item, climb, board.climb_json(climb, viewer)))
        .filter(|(_, _, json)| {
            let grade = json.get("crowdGrade").and_then(|grade| grade.get("ircra")).and_then(Value::as_f64);
            let has = json.get("tags").and_then(Value::as_str).unwrap_or_default();
            from.is_none_or(|from| grade.is_some_and(|grade| grade >= from))
                && to.is_none_or(|to| grade.is_some_and(|grade| grade <= to))
                && tags.iter().all(|tag| has.split(',').any(|known| known == *tag))
        })
        .collect();
    match call.parameter("ordering") {
        Some("-order") => found.reverse(),
        Some("name") => found.sort_by(|a, b| a.1.name().cmp(b.1.name())),
        Some("-dateCreated") => found.sort_by_key(|(_, climb, _)| Reverse(climb.created)),
        _ => {}
    }
    let count = found.len();
    let json = |(item, _, climb): (&Item, &Climb, Value)| json!({ "id": item.id, "climb": climb, "order": item.order });
    match call.number::<usize>("page_size") {
        None => Answer::ok(found.into_iter().map(json).collect()),
        Some(size) => match page::window(call, size.max(1)) {
            None => Answer::detail(404, "Invalid page."),
            Some(window) => {
                let results = found.into_iter().skip(window.skip).take(window.take).map(json).collect();
                page::answer(call, window, count, results)
            }
        },
    }
}
