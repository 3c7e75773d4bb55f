//! What Stokt would refuse of a climb, said before anything is sent, and what to do about it. Pure.
//!
//! Only what is sent is looked at: an imported climb may break rules that climbs made here keep, and its privacy can be
//! changed even so.

use std::collections::BTreeSet;

use mastoc_domain::HoldId;
use mastoc_domain::holds_list::{HoldsList, Role};
use mastoc_domain::sync_merge::Field;

/// Fewest characters of a name that Stokt takes, white space around it not counted.
pub(crate) const SHORTEST_NAME: usize = 3;
/// Most characters of a name: what climbs made here may have. Whether Stokt takes longer ones nobody has seen.
pub(crate) const LONGEST_NAME: usize = 255;
/// Most holds of a climb: what climbs made here may have, more than any climb of Stokt's was seen to have.
pub(crate) const MOST_HOLDS: usize = 100;
/// How many holds a refusal names.
const NAMED_HOLDS: usize = 5;

/// The fields that creating a climb sends.
pub(crate) const WHOLE: [Field; 4] = [Field::Name, Field::Holds, Field::FeetRule, Field::IsPrivate];

/// What is to be sent, as far as Stokt could refuse it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    /// Whether Stokt knows the face, and the gym that it is in.
    pub(crate) is_face_there: bool,
    /// The name as it is sent.
    pub(crate) name: &'a str,
    /// The holds with their roles.
    pub(crate) holds_list: &'a str,
    /// Which fields are sent.
    pub(crate) fields: &'a [Field],
}

/// Everything that Stokt would refuse, in whole sentences without their full stops; empty when nothing.
/// `is_there`: whether Stokt knows a hold, by the id that stands in the list.
pub(crate) fn refusals(climb: &Outgoing<'_>, is_there: impl Fn(HoldId) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    if !climb.is_face_there {
        found.push(
            "its board is not at Stokt: only climbs of boards that were imported from there can be sent"
                .to_owned(),
        );
    }
    if climb.fields.contains(&Field::Name) {
        let length = climb.name.trim().chars().count();
        if length < SHORTEST_NAME {
            found.push(format!(
                "Stokt takes no name of fewer than {SHORTEST_NAME} characters, this has {length}: give it a longer one"
            ));
        }
        if length > LONGEST_NAME {
            found.push(format!(
                "its name has {length} characters, and Stokt is not known to take more than {LONGEST_NAME}: give it a \
                 shorter one"
            ));
        }
    }
    if climb.fields.contains(&Field::Holds) {
        match HoldsList::parse(climb.holds_list) {
            Ok(list) => refused_holds(&list, climb.is_face_there, is_there, &mut found),
            Err(error) => found.push(format!("its holds cannot be read: {error}")),
        }
    }
    found
}

fn refused_holds(
    list: &HoldsList,
    is_face_there: bool,
    is_there: impl Fn(HoldId) -> bool,
    found: &mut Vec<String>,
) {
    for (role, name) in [(Role::Start, "start"), (Role::Top, "top")] {
        if list.in_role(role).next().is_none() {
            found.push(format!("it has no {name} hold: choose one"));
        }
    }
    let count = list.hold_count();
    if count > MOST_HOLDS {
        found.push(format!("it has {count} holds, at most {MOST_HOLDS} are sent: choose fewer"));
    }
    // Without its face Stokt knows none of them, which is said already.
    if !is_face_there {
        return;
    }
    let unknown: BTreeSet<HoldId> =
        list.iter().map(|token| token.hold).filter(|hold| !is_there(*hold)).collect();
    if !unknown.is_empty() {
        let more = if unknown.len() > NAMED_HOLDS { ", ..." } else { "" };
        let named: Vec<String> = unknown.iter().take(NAMED_HOLDS).map(ToString::to_string).collect();
        found.push(format!(
            "Stokt does not know these of its holds: {}{more}; leave out what was added to the board here",
            named.join(", ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stokt knows the holds 1 to 9.
    fn refused(name: &str, holds_list: &str, is_face_there: bool, fields: &[Field]) -> Vec<String> {
        let climb = Outgoing { is_face_there, name, holds_list, fields };
        refusals(&climb, |hold| (1..10).contains(&hold.0))
    }

    fn only(found: &[String], words: &str) {
        assert!(found.len() == 1 && found[0].contains(words), "{words}: {found:?}");
    }

    #[test]
    fn a_climb_that_stokt_takes_is_not_refused() {
        for name in ["abc", "Été", "日本語", "👩\u{200d}🚀", &"é".repeat(255)] {
            assert_eq!(refused(name, "S1 S2 O3 F4 T1", true, &WHOLE), [""; 0], "{name}");
        }
    }

    #[test]
    fn each_refusal_says_what_is_wrong_and_what_to_do() {
        for short in ["", "ab", " ab ", "\u{3000}é\u{3000}", "E\u{301}"] {
            only(&refused(short, "S1 T2", true, &WHOLE), "give it a longer one");
        }
        only(&refused(&"é".repeat(256), "S1 T2", true, &WHOLE), "256 characters");
        only(&refused("abc", "O1 T2", true, &WHOLE), "no start hold");
        only(&refused("abc", "S1 O2", true, &WHOLE), "no top hold");
        only(&refused("abc", "S1  T2", true, &WHOLE), "cannot be read");
        only(&refused("abc", "S1 T2", false, &WHOLE), "board is not at Stokt");
        only(&refused("abc", "S1 O12 O12 F11 T2", true, &WHOLE), "holds: 11, 12; leave out");
        only(&refused("abc", "S1 O11 O12 O13 O14 O15 O16 T2", true, &WHOLE), "13, 14, 15, ...;");
        let many: Vec<String> = (1..=101).map(|hold| format!("O{hold}")).collect();
        let list = format!("S1 {} T2", many.join(" "));
        let climb = Outgoing { is_face_there: true, name: "abc", holds_list: &list, fields: &WHOLE };
        only(&refusals(&climb, |_| true), "101 holds");
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        assert_eq!(refused("a", "O77", true, &WHOLE).len(), 4);
        assert_eq!(refused("a", "O77", false, &WHOLE).len(), 4);
    }

    #[test]
    fn what_is_not_sent_is_not_looked_at() {
        assert_eq!(refused("a", "O77", true, &[Field::IsPrivate]), [""; 0]);
        assert_eq!(refused("abc", "O77", true, &[Field::Name, Field::FeetRule]), [""; 0]);
        assert_eq!(refused("a", "S1 T2", true, &[Field::Holds]), [""; 0]);
        only(&refused("a", "O77", false, &[]), "board");
    }
}
