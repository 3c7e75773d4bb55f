//! The query of a list of climbs: filters, order and place.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use mastoc_domain::grade::FontGrade;
use mastoc_domain::holds_list::Role;
use mastoc_domain::{HoldId, UserId};
use mastoc_storage::climbs::{ClimbCursor, ClimbFilter, ClimbSort, HoldMatch, Mine};

use crate::query::{Query, shown};

/// How many holds a climb can be asked to have.
const MOST_HOLDS: i32 = 1_000;
/// The IRCRA scale ends far below.
const MOST_IRCRA: f64 = 100.0;

/// Reads every filter of a list of climbs, asked for by `person` if it is one.
pub(super) fn filter(query: &mut Query, person: Option<UserId>) -> ClimbFilter {
    let mut setter_ids = query.list("setter_ids", "a UUID", |text| text.parse::<UserId>().ok());
    setter_ids.extend(query.value::<UserId>("setter_id", "a UUID"));
    let mine = query.list("my", &format!("one of {}", Mine::ALL.map(Mine::as_str).join(", ")), |text| {
        text.parse::<Mine>().ok()
    });
    let mut filter = ClimbFilter {
        gym_id: query.value("gym_id", "a UUID"),
        face_id: query.value("face_id", "a UUID"),
        setter_ids,
        exclude_setter_ids: query.list("exclude_setter_ids", "a UUID", |text| text.parse().ok()),
        source: query.value("source", "mastoc or stokt"),
        search: query.text("search"),
        grade_min: grade(query, "grade_min"),
        grade_max: grade(query, "grade_max"),
        include_ungraded: query.flag("include_ungraded").unwrap_or(false),
        min_ircra: query.number("min_ircra", 0.0..=MOST_IRCRA),
        max_ircra: query.number("max_ircra", 0.0..=MOST_IRCRA),
        since_created_at: query.time("since_created_at"),
        since_synced_at: query.time("since_synced_at"),
        local_only: query.flag("local_only").unwrap_or(false),
        feet_rule: query.text("feet_rule"),
        benchmark: query.flag("benchmark"),
        tags: query.list("tags", "a tag", |text| Some(text.to_owned())),
        holds: holds(query, "holds"),
        any_holds: holds(query, "any_holds"),
        without_holds: query.list("without_holds", "the id of a hold", |text| text.parse().ok().map(HoldId)),
        min_holds: query.number("min_holds", 0..=MOST_HOLDS),
        max_holds: query.number("max_holds", 0..=MOST_HOLDS),
        mine: Vec::new(),
        list_id: query.value("list_id", "a UUID"),
    };
    match person {
        Some(person) => mine.into_iter().for_each(|mine| filter.narrow(mine, person)),
        None if mine.is_empty() => {}
        None => query.refuse("my", "needs somebody who is logged in; an API key acts for the service"),
    }
    filter
}

fn grade(query: &mut Query, name: &str) -> Option<FontGrade> {
    let text = query.text(name)?;
    // A plus sign that was not escaped arrives as a space: `6A `.
    let plain = text.trim_end();
    let text = if plain.len() < text.len() { format!("{}+", plain.trim_start()) } else { text };
    let grade = text.trim().parse().ok();
    if grade.is_none() {
        query.refuse(name, format!("{} is not a Font grade such as 6A+", shown(&text)));
    }
    grade
}

fn holds(query: &mut Query, name: &str) -> Vec<HoldMatch> {
    query.list(name, "the id of a hold, with S, O, F or T before or after it if a role is meant", hold)
}

/// `400166`, `S400166` or `400166S`.
fn hold(text: &str) -> Option<HoldMatch> {
    let digits = text.trim_matches(|c: char| !c.is_ascii_digit() && c != '-');
    let hold = HoldId(digits.parse().ok()?);
    let letter = match (text.strip_suffix(digits), text.strip_prefix(digits)) {
        (Some(""), _) => return Some(HoldMatch { hold, role: None }),
        (Some(letter), _) | (None, Some(letter)) => letter,
        (None, None) => return None,
    };
    let mut letters = letter.chars();
    let role = letters.next().filter(|_| letters.as_str().is_empty()).and_then(Role::from_letter)?;
    Some(HoldMatch { hold, role: Some(role) })
}

/// The order that is asked for.
pub(super) fn sort(query: &mut Query) -> Option<ClimbSort> {
    let known = ClimbSort::ALL.map(ClimbSort::as_str).join(", ");
    query.value("sort", &format!("one of {known}"))
}

/// The place to go on from: `None` inside is the beginning, which an empty `cursor` asks for.
pub(super) fn cursor(query: &mut Query) -> Option<ClimbCursor> {
    let text = query.long_text("cursor")?;
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let cursor = decoded.and_then(|text| ClimbCursor::parse(&text).ok());
    if cursor.is_none() {
        query.refuse("cursor", "take it from the answer before, or leave it empty to start again");
    }
    cursor
}

/// The place as it is handed out.
pub(super) fn cursor_text(cursor: &ClimbCursor) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(cursor.to_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_plus_of_a_grade_is_one() {
        let read = |text: &str| grade(&mut Query::parse(text), "g").map(|grade| grade.to_string());
        assert_eq!(read("g=6A%2B").as_deref(), Some("6A+"));
        assert_eq!(read("g=6A+").as_deref(), Some("6A+"));
        assert_eq!(read("g=6A").as_deref(), Some("6A"));
        assert_eq!(read("g=%206A").as_deref(), Some("6A"));
        for bad in ["g=+", "g=6A%2B+", "g=6D+", "g=x"] {
            let mut query = Query::parse(bad);
            assert_eq!(grade(&mut query, "g"), None, "{bad}");
            assert!(query.finish().is_err(), "{bad}");
        }
    }

    #[test]
    fn holds_may_bear_a_role_on_either_side() {
        let read = |text: &str| hold(text).map(|found| (found.hold.0, found.role));
        assert_eq!(read("400166"), Some((400_166, None)));
        assert_eq!(read("S400166"), Some((400_166, Some(Role::Start))));
        assert_eq!(read("400166T"), Some((400_166, Some(Role::Top))));
        for bad in ["", "S", "X12", "SS12", "S12T", "1S2", "99999999999999999999", "é1", "1é"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
