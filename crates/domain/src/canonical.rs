//! The canonical form of a climb: what a person can edit, written so that equal climbs give equal bytes.
//!
//! Two sides agree on a climb when their canonical forms are equal. Counters and the crowd's grade are observed only.

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use crate::holds_list::HoldsList;
use crate::ids::StoktId;

/// The editable part of a climb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalClimb {
    /// The name, composed (NFC).
    pub name: String,
    /// The holds sorted by role and id; a list that cannot be read stays as it is.
    pub holds: String,
    /// The feet rule.
    pub feet_rule: Option<String>,
    /// Whether only its setter may see it.
    pub is_private: bool,
    /// Whether it is a benchmark.
    pub is_benchmark: bool,
    /// The circuit, as Stokt writes it.
    pub circuit: String,
    /// Comma-separated tags.
    pub tags: String,
    /// The angle as text.
    pub angle: String,
    /// The mirrored holds, sorted alike.
    pub mirror_holds: String,
}

impl CanonicalClimb {
    /// Brings the editable fields of a climb into canonical form.
    #[expect(clippy::too_many_arguments, reason = "one for each editable field; the caller names them all")]
    #[must_use]
    pub fn new(
        name: &str,
        holds_list: &str,
        feet_rule: Option<&str>,
        is_private: bool,
        is_benchmark: bool,
        circuit: &str,
        tags: &str,
        angle: &str,
        mirror_holds_list: &str,
    ) -> Self {
        Self {
            name: name.nfc().collect(),
            holds: sorted(holds_list),
            feet_rule: feet_rule.filter(|rule| !rule.is_empty()).map(str::to_owned),
            is_private,
            is_benchmark,
            circuit: circuit.to_owned(),
            tags: tags.to_owned(),
            angle: angle.to_owned(),
            mirror_holds: sorted(mirror_holds_list),
        }
    }

    /// The form as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "angle": self.angle,
            "circuit": self.circuit,
            "feet_rule": self.feet_rule,
            "holds": self.holds,
            "is_benchmark": self.is_benchmark,
            "is_private": self.is_private,
            "mirror_holds": self.mirror_holds,
            "name": self.name,
            "tags": self.tags,
        })
    }

    /// Reads the form as [`to_json`](Self::to_json) wrote it; fields that are not of the form do not matter. `None`
    /// when one of the form is missing or of another type.
    #[must_use]
    pub fn from_json(form: &Value) -> Option<Self> {
        let text = |field: &str| form.get(field).and_then(Value::as_str).map(str::to_owned);
        let flag = |field: &str| form.get(field).and_then(Value::as_bool);
        let feet_rule = match form.get("feet_rule")? {
            Value::Null => None,
            Value::String(rule) => Some(rule.clone()),
            _ => return None,
        };
        Some(Self {
            name: text("name")?,
            holds: text("holds")?,
            feet_rule,
            is_private: flag("is_private")?,
            is_benchmark: flag("is_benchmark")?,
            circuit: text("circuit")?,
            tags: text("tags")?,
            angle: text("angle")?,
            mirror_holds: text("mirror_holds")?,
        })
    }

    /// The form as bytes, to be hashed: keys in alphabetical order, no white space.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }
}

/// What tells a climb from others before Stokt has given it an id: the face, the account that sets it, the holds in
/// canonical order, and the name composed and without white space around it (Stokt cuts that off).
///
/// Two climbs with the same fingerprint are twins: one may be what became of an attempt to create the other.
#[must_use]
pub fn fingerprint(face: StoktId, account: StoktId, holds_list: &str, name: &str) -> String {
    let name: String = name.trim().nfc().collect();
    json!([face, account, sorted(holds_list), name]).to_string()
}

fn sorted(holds: &str) -> String {
    HoldsList::parse(holds).map_or_else(|_| holds.to_owned(), |list| list.canonical().to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(name: &str, holds: &str, rule: Option<&str>) -> CanonicalClimb {
        CanonicalClimb::new(name, holds, rule, false, true, "", "a,b", "40", "")
    }

    #[test]
    fn equal_climbs_give_equal_bytes() {
        let one = form("Éclair", "S2 S1 O7 T9", None);
        let other = form("E\u{301}clair", "T9 O7 S1 S2 S1", Some(""));
        assert_eq!(one, other);
        assert_eq!(
            String::from_utf8(other.to_bytes()).unwrap(),
            "{\"angle\":\"40\",\"circuit\":\"\",\"feet_rule\":null,\"holds\":\"S1 S2 O7 T9\",\
             \"is_benchmark\":true,\"is_private\":false,\"mirror_holds\":\"\",\"name\":\"Éclair\",\"tags\":\"a,b\"}"
        );
    }

    #[test]
    fn what_a_person_can_edit_makes_a_difference() {
        type Change = fn(&mut CanonicalClimb);
        let changes: [Change; 9] = [
            |c| c.name.push('x'),
            |c| c.holds.push_str(" T10"),
            |c| c.feet_rule = Some("No foot".into()),
            |c| c.is_private = true,
            |c| c.is_benchmark = false,
            |c| c.circuit.push('x'),
            |c| c.tags.push('x'),
            |c| c.angle.push('5'),
            |c| c.mirror_holds.push_str("S1"),
        ];
        let climb = form("a", "S1 T9", None);
        let mut seen = std::collections::HashSet::from([climb.to_bytes()]);
        for change in changes {
            let mut changed = climb.clone();
            change(&mut changed);
            assert!(seen.insert(changed.to_bytes()), "{changed:?}");
        }
    }

    #[test]
    fn a_form_reads_back_and_half_a_form_does_not() {
        let climb = form("a", "S1 T9", Some("No foot"));
        for climb in [form("a", "S1 T9", None), climb.clone()] {
            assert_eq!(CanonicalClimb::from_json(&climb.to_json()), Some(climb));
        }
        let whole = climb.to_json();
        for field in whole.as_object().unwrap().keys() {
            let (mut without, mut odd) = (whole.clone(), whole.clone());
            without.as_object_mut().unwrap().shift_remove(field);
            odd[field] = json!([1]);
            assert_eq!(CanonicalClimb::from_json(&without), None, "without {field}");
            assert_eq!(CanonicalClimb::from_json(&odd), None, "odd {field}");
        }
        let mut more = whole;
        more["new"] = json!(1);
        assert_eq!(CanonicalClimb::from_json(&more), Some(climb));
        assert_eq!(CanonicalClimb::from_json(&Value::Null), None);
    }

    #[test]
    fn twins_have_one_fingerprint_and_others_another() {
        let id = |number: u128| StoktId(uuid::Uuid::from_u128(number));
        let climb = fingerprint(id(1), id(2), "S1 O3 T9", "Éclair");
        assert_eq!(climb, fingerprint(id(1), id(2), "T9 O3 S1 S1", "  E\u{301}clair "));
        for other in [
            fingerprint(id(3), id(2), "S1 O3 T9", "Éclair"),
            fingerprint(id(1), id(3), "S1 O3 T9", "Éclair"),
            fingerprint(id(2), id(1), "S1 O3 T9", "Éclair"),
            fingerprint(id(1), id(2), "S1 F3 T9", "Éclair"),
            fingerprint(id(1), id(2), "S1 O3 T9", "éclair"),
            fingerprint(id(1), id(2), "S1 O3", "T9 Éclair"),
        ] {
            assert_ne!(climb, other);
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_stays_as_it_is() {
        assert_eq!(form("a", "T2  S1 X", None).holds, "T2  S1 X");
    }

    proptest! {
        #[test]
        fn the_form_of_a_form_is_itself(name in "\\PC{0,20}", holds in "([SOFT][1-9][0-9]? ){0,6}T1", rule in "\\PC{0,8}") {
            let once = form(&name, &holds, Some(&rule));
            prop_assert_eq!(&form(&once.name, &once.holds, once.feet_rule.as_deref()), &once);
        }
    }
}
