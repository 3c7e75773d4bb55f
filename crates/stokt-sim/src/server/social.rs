//! Sends, comments, likes, bookmarks and grades of one climb.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use super::answer::Answer;
use super::routes::id;
use crate::board::Board;
use crate::board::climb::{Body, NO_GRADE};
use crate::board::grades;
use crate::board::social::{Comment, Like};

/// What is said yes to: `true`, or a list that is not empty.
fn is_said(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(said)) => *said,
        Some(Value::Array(list)) => !list.is_empty(),
        _ => false,
    }
}

/// Answers `api/climbs/{climb}/...` for a climb that the viewer may see.
pub(crate) fn answer(board: &mut Board, call: &Call<'_>, viewer: usize, key: Uuid, what: &[&str]) -> Answer {
    let Some(climb) = board.find(key) else { return Answer::not_found() };
    let limit = call.number("limit").unwrap_or(usize::MAX);
    match (call.method, what) {
        ("GET", ["latest-sends"]) => Answer::ok(board.sends(climb, limit).into()),
        ("GET", ["comments"]) => {
            let comments = board.comments(climb);
            Answer::ok(
                comments.iter().rev().take(limit).map(|comment| board.comment_json(key, comment)).collect(),
            )
        }
        ("GET", ["likes"]) => {
            Answer::ok(board.likes(climb).iter().take(limit).map(|like| board.like_json(like)).collect())
        }
        ("GET", ["crowd-grades"]) => {
            let unknown = || grades::to_json(grades::at(grades::UNGRADED));
            let grade = match &climb.body {
                Body::Compact(compact) if compact.grade == NO_GRADE => unknown(),
                Body::Compact(compact) => grades::to_json(grades::at(usize::from(compact.grade))),
                Body::Json(map) => {
                    map.get("crowdGrade").filter(|grade| grade.is_object()).cloned().unwrap_or_else(unknown)
                }
            };
            Answer::ok(grade)
        }
        ("POST", ["comments"]) => comment(board, call, viewer, key),
        ("DELETE", ["comments", which]) => uncomment(board, viewer, key, which),
        ("POST", ["likes"]) => like(board, viewer, key, true),
        ("DELETE", ["likes"]) => like(board, viewer, key, false),
        ("PATCH", ["bookmarked"]) => {
            let body = call.json();
            if is_said(body.get("added")) {
                board.bookmarks.insert((viewer, key), true);
            } else if is_said(body.get("removed")) {
                board.bookmarks.insert((viewer, key), false);
            } else {
                return Answer::invalid("added", "Either added or removed is required.");
            }
            let is_bookmarked = board.bookmarks.get(&(viewer, key)).copied().unwrap_or(false);
            Answer::ok(json!({ "bookmarkedByUser": is_bookmarked }))
        }
        (method, ["latest-sends" | "comments" | "likes" | "crowd-grades" | "bookmarked", ..]) => {
            Answer::detail(405, &format!("Method \"{method}\" not allowed."))
        }
        _ => Answer::not_found(),
    }
}

fn comment(board: &mut Board, call: &Call<'_>, viewer: usize, key: Uuid) -> Answer {
    let body = call.json();
    let Some(text) = body.get("text").and_then(Value::as_str).filter(|text| !text.trim().is_empty()) else {
        return Answer::invalid("text", "This field is required.");
    };
    let Some(climb) = board.find(key) else { return Answer::not_found() };
    let mut comments = board.comments(climb);
    let replied_to = body.get("replied_to_id").filter(|id| !id.is_null()).cloned();
    let comment =
        Comment { id: board.rng.uuid(), user: viewer, text: text.to_owned(), at: board.tick(), replied_to };
    let shown = board.comment_json(key, &comment);
    comments.push(comment);
    set_comments(board, key, comments);
    Answer::json(201, shown)
}

fn uncomment(board: &mut Board, viewer: usize, key: Uuid, which: &str) -> Answer {
    let Some(climb) = board.find(key) else { return Answer::not_found() };
    let mut comments = board.comments(climb);
    let found = id(which).and_then(|id| comments.iter().position(|comment| comment.id == id));
    let Some(position) = found else { return Answer::not_found() };
    if comments.get(position).is_none_or(|comment| comment.user != viewer) {
        return Answer::forbidden();
    }
    comments.remove(position);
    set_comments(board, key, comments);
    Answer::empty()
}

fn set_comments(board: &mut Board, key: Uuid, comments: Vec<Comment>) {
    if let Some(climb) = board.find_mut(key) {
        climb.set_counter("totalComments", comments.len());
    }
    board.comments.insert(key, comments);
}

/// Likes or unlikes; doing it twice changes nothing.
fn like(board: &mut Board, viewer: usize, key: Uuid, likes_it: bool) -> Answer {
    let at = board.tick();
    let Some(climb) = board.find(key) else { return Answer::not_found() };
    let mut likes = board.likes(climb);
    // The counter may speak of more people than the board knows.
    let liked_before = likes.iter().any(|like| like.user == viewer);
    let total = match (liked_before, likes_it) {
        (false, true) => {
            likes.push(Like { user: viewer, at });
            climb.counter("totalLikes") + 1
        }
        (true, false) => {
            likes.retain(|like| like.user != viewer);
            climb.counter("totalLikes").saturating_sub(1)
        }
        _ => climb.counter("totalLikes"),
    };
    if let Some(climb) = board.find_mut(key) {
        climb.set_counter("totalLikes", total);
    }
    let answer = likes.iter().map(|like| board.like_json(like)).collect();
    board.likes.insert(key, likes);
    if likes_it { Answer::json(201, answer) } else { Answer::empty() }
}
