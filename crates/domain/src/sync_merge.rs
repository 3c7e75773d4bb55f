//! Field by field: what differs between two versions of a climb, and what becomes of changes made on both sides.
//!
//! No clock decides: of two versions of a field the one that differs from what both sides last agreed on is newer; if
//! both do, they conflict. Only privacy never conflicts: whoever asked for it gets it.

use serde_json::{Value, json};

use crate::canonical::CanonicalClimb;
use crate::words::word_enum;

word_enum! {
    /// A field of the canonical form.
    Field {
        /// The name.
        Name = "name",
        /// The holds with their roles.
        Holds = "holds",
        /// The feet rule.
        FeetRule = "feet_rule",
        /// Whether only its setter may see it.
        IsPrivate = "is_private",
        /// Whether it is a benchmark.
        IsBenchmark = "is_benchmark",
        /// The circuit.
        Circuit = "circuit",
        /// The tags.
        Tags = "tags",
        /// The angle.
        Angle = "angle",
        /// The mirrored holds.
        MirrorHolds = "mirror_holds",
    }
}

word_enum! {
    /// What a person has to decide about a climb.
    ConflictKind {
        /// The same fields were changed on both sides. `mastoc`: ours count, and are sent. `stokt`: theirs count.
        Fields = "fields",
        /// It was changed here and is gone from Stokt. `mastoc`: it becomes a local climb, which is sent anew only if
        /// somebody chooses it. `stokt`: it is archived.
        Gone = "gone",
        /// It was deleted here and changed at Stokt. `mastoc`: the deletion stands. `stokt`: it comes back.
        Deleted = "deleted",
    }
}

impl Field {
    /// Whether Stokt takes a change of it from us.
    #[must_use]
    pub fn is_sendable(self) -> bool {
        matches!(self, Self::Name | Self::Holds | Self::FeetRule | Self::IsPrivate)
    }

    /// Whether two versions agree on it.
    #[must_use]
    pub fn is_same(self, one: &CanonicalClimb, other: &CanonicalClimb) -> bool {
        match self {
            Self::Name => one.name == other.name,
            Self::Holds => one.holds == other.holds,
            Self::FeetRule => one.feet_rule == other.feet_rule,
            Self::IsPrivate => one.is_private == other.is_private,
            Self::IsBenchmark => one.is_benchmark == other.is_benchmark,
            Self::Circuit => one.circuit == other.circuit,
            Self::Tags => one.tags == other.tags,
            Self::Angle => one.angle == other.angle,
            Self::MirrorHolds => one.mirror_holds == other.mirror_holds,
        }
    }

    /// Its value, to be shown.
    #[must_use]
    pub fn value(self, of: &CanonicalClimb) -> Value {
        match self {
            Self::Name => json!(of.name),
            Self::Holds => json!(of.holds),
            Self::FeetRule => json!(of.feet_rule),
            Self::IsPrivate => json!(of.is_private),
            Self::IsBenchmark => json!(of.is_benchmark),
            Self::Circuit => json!(of.circuit),
            Self::Tags => json!(of.tags),
            Self::Angle => json!(of.angle),
            Self::MirrorHolds => json!(of.mirror_holds),
        }
    }

    /// Gives `to` the value that `from` has.
    pub fn copy(self, from: &CanonicalClimb, to: &mut CanonicalClimb) {
        match self {
            Self::Name => to.name.clone_from(&from.name),
            Self::Holds => to.holds.clone_from(&from.holds),
            Self::FeetRule => to.feet_rule.clone_from(&from.feet_rule),
            Self::IsPrivate => to.is_private = from.is_private,
            Self::IsBenchmark => to.is_benchmark = from.is_benchmark,
            Self::Circuit => to.circuit.clone_from(&from.circuit),
            Self::Tags => to.tags.clone_from(&from.tags),
            Self::Angle => to.angle.clone_from(&from.angle),
            Self::MirrorHolds => to.mirror_holds.clone_from(&from.mirror_holds),
        }
    }
}

/// `of` with the fields `fields` as `from` has them.
#[must_use]
pub fn with_fields(of: &CanonicalClimb, from: &CanonicalClimb, fields: &[Field]) -> CanonicalClimb {
    let mut whole = of.clone();
    for field in fields {
        field.copy(from, &mut whole);
    }
    whole
}

/// The fields that two versions do not agree on, in the order of [`Field::ALL`].
#[must_use]
pub fn differing_fields(one: &CanonicalClimb, other: &CanonicalClimb) -> Vec<Field> {
    Field::ALL.iter().copied().filter(|field| !field.is_same(one, other)).collect()
}

/// What becomes of changes made on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Both sides' changes; a field in conflict is as it is here.
    pub content: CanonicalClimb,
    /// The fields that were changed on both sides, differently.
    pub conflicts: Vec<Field>,
}

impl Merged {
    /// The merged version with Stokt's word for the fields in conflict.
    #[must_use]
    pub fn taking_theirs(&self, theirs: &CanonicalClimb) -> CanonicalClimb {
        with_fields(&self.content, theirs, &self.conflicts)
    }
}

/// Merges what was changed here (`ours`) and at Stokt (`theirs`) since both sides agreed on `base`. Without a base every
/// field that differs is in conflict.
///
/// Privacy is never in conflict: where it cannot be told whose word is newer, the climb is private.
#[must_use]
pub fn merge(base: Option<&CanonicalClimb>, ours: &CanonicalClimb, theirs: &CanonicalClimb) -> Merged {
    let mut merged = Merged { content: ours.clone(), conflicts: Vec::new() };
    for field in differing_fields(ours, theirs) {
        match base {
            Some(base) if field.is_same(base, ours) => field.copy(theirs, &mut merged.content),
            Some(base) if field.is_same(base, theirs) => {}
            _ if field == Field::IsPrivate => merged.content.is_private = true,
            _ => merged.conflicts.push(field),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Few values for each field, so that sides often agree.
    fn version() -> impl Strategy<Value = CanonicalClimb> {
        let texts = || proptest::sample::select(vec!["", "a", "b"]);
        let holds = || proptest::sample::select(vec!["S1 T2", "S1 O3 T2", "S4 T2"]);
        let rule = proptest::sample::select(vec![None, Some("No foot"), Some("Tous pieds")]);
        (texts(), holds(), rule, any::<(bool, bool)>(), texts(), texts(), texts(), holds()).prop_map(
            |(name, holds, rule, (private, benchmark), circuit, tags, angle, mirror)| {
                CanonicalClimb::new(name, holds, rule, private, benchmark, circuit, tags, angle, mirror)
            },
        )
    }

    #[test]
    fn each_field_is_told_apart_and_copied_alone() {
        let one = CanonicalClimb::new("a", "S1 T2", None, false, false, "", "", "", "");
        let all = CanonicalClimb::new("b", "S1 T3", Some("x"), true, true, "c", "t", "40", "S2 T1");
        assert_eq!(differing_fields(&one, &all), Field::ALL);
        for field in Field::ALL.iter().copied() {
            let mut copy = one.clone();
            field.copy(&all, &mut copy);
            assert_eq!(differing_fields(&one, &copy), [field]);
            assert_eq!(field.value(&copy), field.value(&all));
            assert_eq!(all.to_json()[field.as_str()], field.value(&all), "the words are those of the form");
        }
        assert_eq!(with_fields(&one, &all, Field::ALL), all);
    }

    #[test]
    fn without_a_base_all_that_differs_is_in_conflict_but_privacy() {
        let ours = CanonicalClimb::new("a", "S1 T2", None, false, false, "", "x", "", "");
        let theirs = CanonicalClimb::new("b", "S1 T2", None, true, false, "", "x", "", "");
        let merged = merge(None, &ours, &theirs);
        assert_eq!(merged.conflicts, [Field::Name]);
        assert!(merged.content.is_private && merge(None, &theirs, &ours).content.is_private);
        assert_eq!(merged.content.name, "a");
        assert_eq!(merged.taking_theirs(&theirs).name, "b");
    }

    proptest! {
        #[test]
        fn each_field_ends_where_its_changes_lead(base in version(), ours in version(), theirs in version()) {
            let merged = merge(Some(&base), &ours, &theirs);
            for field in Field::ALL.iter().copied() {
                let (here, there) = (!field.is_same(&base, &ours), !field.is_same(&base, &theirs));
                let is_conflict = here && there && !field.is_same(&ours, &theirs);
                prop_assert_eq!(merged.conflicts.contains(&field), is_conflict);
                let expected = if there && !here { &theirs } else { &ours };
                prop_assert!(field.is_same(&merged.content, expected), "{field}: {:?}", merged);
            }
            prop_assert!(!merged.conflicts.contains(&Field::IsPrivate));
        }

        #[test]
        fn it_does_not_matter_which_side_is_called_ours(base in proptest::option::of(version()), one in version(), other in version()) {
            let (this, that) = (merge(base.as_ref(), &one, &other), merge(base.as_ref(), &other, &one));
            prop_assert_eq!(&this.conflicts, &that.conflicts);
            prop_assert_eq!(this.taking_theirs(&other), that.content.clone());
            prop_assert_eq!(that.taking_theirs(&one), this.content);
        }

        #[test]
        fn what_one_side_alone_did_is_taken_over_whole(base in version(), changed in version()) {
            prop_assert_eq!(merge(Some(&base), &base, &changed), Merged { content: changed.clone(), conflicts: vec![] });
            prop_assert_eq!(merge(Some(&base), &changed, &base), Merged { content: changed.clone(), conflicts: vec![] });
            prop_assert_eq!(merge(Some(&base), &changed, &changed), Merged { content: changed.clone(), conflicts: vec![] });
            prop_assert_eq!(merge(None, &changed, &changed), Merged { content: changed, conflicts: vec![] });
        }
    }
}
