//! Which request goes where, who may make it, and the small endpoints.

use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::answer::{Answer, Payload};
use super::{Call, climbs, lists, media, social};
use crate::board::Board;

/// The version of the API that this behaves like.
const VERSION: &str = "1.3.0";

/// Reads an id; what is none can only be unknown.
pub(crate) fn id(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}

/// Answers a request.
pub(crate) fn answer(board: &mut Board, call: &Call<'_>) -> Answer {
    let segments: Vec<&str> = call.path.split('/').filter(|part| !part.is_empty()).collect();
    match (call.method, segments.as_slice()) {
        ("GET", ["api", "version"]) => Answer::ok(json!({ "version": VERSION })),
        ("POST", ["api", "token-auth"]) => log_in(board, call),
        ("GET", ["media", path @ ..]) => media::answer(board, &path.join("/")),
        (_, ["api", rest @ ..]) => match viewer(board, call) {
            Ok(viewer) => signed_in(board, call, viewer, rest),
            Err(refusal) => refusal,
        },
        _ => Answer::not_found(),
    }
}

/// The user (index) whose token came with the request.
fn viewer(board: &Board, call: &Call<'_>) -> Result<usize, Answer> {
    let Some(token) = call.token else {
        return Err(Answer::unauthorised("Authentication credentials were not provided."));
    };
    board
        .accounts
        .iter()
        .find(|account| account.is_valid && account.token == token)
        .map(|account| account.user)
        .ok_or_else(|| Answer::unauthorised("Invalid token."))
}

fn log_in(board: &mut Board, call: &Call<'_>) -> Answer {
    let mut username = None;
    let mut password = None;
    for (key, value) in form_urlencoded::parse(call.body) {
        match key.as_ref() {
            "username" => username = Some(value.into_owned()),
            "password" => password = Some(value.into_owned()),
            _ => {}
        }
    }
    let (Some(username), Some(password)) = (username, password) else {
        return Answer::json(
            400,
            json!({ "username": ["This field is required."], "password": ["This field is required."] }),
        );
    };
    let account =
        board.accounts.iter().position(|known| known.username == username && known.password == password);
    match account.and_then(|index| board.fresh_token(index)) {
        Some(token) => Answer::ok(json!({ "token": token })),
        None => {
            Answer::json(400, json!({ "non_field_errors": ["Unable to log in with provided credentials."] }))
        }
    }
}

/// The endpoints that need a token.
fn signed_in(board: &mut Board, call: &Call<'_>, viewer: usize, rest: &[&str]) -> Answer {
    match (call.method, rest) {
        ("GET", ["users", "me"]) => me(board, call, viewer),
        ("GET", ["users", "lists", user, "personal"]) => lists::personal(board, call, viewer, user),
        ("POST", ["users", user, "lists"]) => lists::create(board, call, viewer, user),
        ("GET", ["faces", face, "setup"]) => match id(face).and_then(|face| board.setup_bytes(face)) {
            Some(bytes) => Answer::of(Payload::Written(bytes)),
            None => Answer::not_found(),
        },
        // Known to refuse ordinary accounts, whatever exists.
        ("GET", ["faces", _]) => Answer::forbidden(),
        ("POST", ["faces", face, "climbs"]) => climbs::create(board, call, viewer, face),
        ("PATCH", ["faces", face, "climbs", climb]) => climbs::edit(board, call, viewer, face, climb),
        ("DELETE", ["climbs", climb]) => climbs::delete(board, viewer, climb),
        (_, ["climbs", climb, what @ ..]) if !what.is_empty() => {
            let found = id(climb).filter(|key| board.find(*key).is_some_and(|c| board.is_visible(c, viewer)));
            match (found, what) {
                (None, _) => Answer::not_found(),
                (Some(key), ["privacy-status"]) if call.method == "PATCH" => {
                    climbs::set_privacy(board, call, viewer, key)
                }
                (Some(key), ["permissions-to-modify"]) if call.method == "GET" => {
                    climbs::permissions(board, viewer, key)
                }
                (Some(key), what) => social::answer(board, call, viewer, key, what),
            }
        }
        (_, ["lists"]) if call.method == "GET" => lists::search(board, call, viewer),
        (_, ["lists", list, what @ ..]) => lists::answer(board, call, viewer, list, what),
        ("GET", ["gyms", gym, what @ ..]) => {
            if id(gym) == Some(board.gym_id) {
                of_gym(board, call, viewer, what)
            } else {
                Answer::not_found()
            }
        }
        (method, ["version" | "users" | "gyms" | "faces" | "climbs", ..]) => {
            Answer::detail(405, &format!("Method \"{method}\" not allowed."))
        }
        _ => Answer::not_found(),
    }
}

fn of_gym(board: &Board, call: &Call<'_>, viewer: usize, what: &[&str]) -> Answer {
    match what {
        ["summary"] => Answer::ok(board.summary()),
        ["walls"] => Answer::ok(board.walls_json()),
        ["climbs"] => climbs::listing(board, call, viewer),
        ["my-sent-climbs"] => climbs::mine(board, viewer, |climb| board.has_sent(climb, viewer)),
        ["my-liked-climbs"] => climbs::mine(board, viewer, |climb| board.has_liked(climb, viewer)),
        ["my-bookmarked-climbs"] => climbs::mine(board, viewer, |climb| board.has_bookmarked(climb, viewer)),
        ["my-set-climbs"] => climbs::mine(board, viewer, |climb| climb.setter == Some(viewer as u32)),
        ["lists"] => lists::of_gym(board, call, viewer),
        // The gym itself and its faces are closed to ordinary accounts.
        _ => Answer::not_found(),
    }
}

fn me(board: &Board, call: &Call<'_>, viewer: usize) -> Answer {
    let Some(user) = board.users.get(viewer) else { return Answer::not_found() };
    let account = board.accounts.iter().find(|account| Some(account.token.as_str()) == call.token);
    let username = account.map_or("", |account| account.username.as_str());
    let (first, last) = user.full_name.split_once(' ').unwrap_or((&user.full_name, ""));
    Answer::ok(json!({
        "id": user.id,
        "username": username,
        "email": if username.contains('@') { Value::from(username) } else { Value::Null },
        "firstName": first,
        "lastName": last,
        "fullName": user.full_name,
        "avatar": user.avatar,
        "homeGym": { "id": board.gym_id, "displayName": board.gym_name },
        "subscriptionStatus": "free",
        "isStaff": false,
        "gradePreference": "font",
        "gradeFeel": 0,
    }))
}
