//! Tests of holds lists: reading, printing back, and the rules for climbs made here.

use proptest::prelude::*;

use super::*;

fn list(text: &str) -> HoldsList {
    HoldsList::parse(text).unwrap()
}

#[test]
fn reads_roles_and_holds_in_order() {
    let text = "S400166 S400447 F400233 O399938 T400602";
    let list = list(text);
    assert_eq!(list.to_string(), text);
    assert_eq!(list.in_role(Role::Start).collect::<Vec<_>>(), [HoldId(400_166), HoldId(400_447)]);
    assert_eq!(list.in_role(Role::Top).collect::<Vec<_>>(), [HoldId(400_602)]);
    assert_eq!((list.len(), list.hold_count(), list.is_empty()), (5, 5, false));
    assert_eq!(text.parse::<HoldsList>().unwrap(), list);
}

#[test]
fn says_what_is_wrong_and_where() {
    for (text, error) in [
        ("", "the holds list is empty; write it as S400166 O399938 T400602"),
        (" S1", "at position 0: tokens must be parted by exactly one space"),
        ("S1  T2", "at position 3: tokens must be parted by exactly one space"),
        ("S1 T2 ", "at position 6: tokens must be parted by exactly one space"),
        ("S1 X2", "at position 3: 'X2' does not begin with S (start), O (other), F (feet) or T (top)"),
        ("s1", "at position 0: 's1' does not begin with S (start), O (other), F (feet) or T (top)"),
        ("é1", "at position 0: 'é1' does not begin with S (start), O (other), F (feet) or T (top)"),
        ("S1 T", "at position 3: 'T' must be a role letter and a hold's number without leading zeros"),
        ("S01", "at position 0: 'S01' must be a role letter and a hold's number without leading zeros"),
        ("S0", "at position 0: 'S0' must be a role letter and a hold's number without leading zeros"),
        ("S-1", "at position 0: 'S-1' must be a role letter and a hold's number without leading zeros"),
        ("S+1", "at position 0: 'S+1' must be a role letter and a hold's number without leading zeros"),
        ("S1\tT2", "at position 0: 'S1\tT2' must be a role letter and a hold's number without leading zeros"),
        (
            "S9223372036854775808",
            "at position 0: 'S9223372036854775808' must be a role letter and a hold's number without leading zeros",
        ),
    ] {
        assert_eq!(HoldsList::parse(text).unwrap_err().to_string(), error, "{text:?}");
    }
    assert_eq!(list("S9223372036854775807").to_string(), "S9223372036854775807");
    let long = "S1 ".repeat(40_000);
    assert_eq!(HoldsList::parse(&long), Err(HoldsListError::TooLong(120_000)));
}

#[test]
fn the_rules_for_climbs_made_here() {
    use HoldsListViolation::{HoldCount, NoStart, NoTop, NotOnFace, Twice};
    let anywhere = |_| true;
    let twice = Twice(HoldToken { role: Role::Other, hold: HoldId(2) });
    assert_eq!(list("S1 T2").validate_new(anywhere), Ok(()));
    // One hold may start and end a climb, or carry any two roles.
    assert_eq!(list("S1 T1").validate_new(anywhere), Ok(()));
    assert_eq!(list("S1 O2 F2 T3").validate_new(anywhere), Ok(()));
    assert_eq!(list("O1 T2").validate_new(anywhere), Err(vec![NoStart]));
    assert_eq!(list("S1 O2").validate_new(anywhere), Err(vec![NoTop]));
    assert_eq!(list("S1").validate_new(anywhere), Err(vec![NoTop, HoldCount(1)]));
    assert_eq!(list("S1 O2 O2 T3").validate_new(anywhere), Err(vec![twice]));
    assert_eq!(
        list("S1 O2 F2 T3").validate_new(|hold| hold == HoldId(1)),
        Err(vec![NotOnFace(HoldId(2)), NotOnFace(HoldId(3))])
    );
    let many = |count: usize| {
        let others: Vec<String> = (3..=count).map(|hold| format!("O{hold}")).collect();
        format!("S1 T2 {}", others.join(" "))
    };
    assert_eq!(list(&many(100)).validate_new(anywhere), Ok(()));
    assert_eq!(list(&many(101)).validate_new(anywhere), Err(vec![HoldCount(101)]));
}

#[test]
fn a_role_is_its_letter() {
    for role in Role::ALL {
        assert_eq!(Role::from_letter(role.letter()), Some(role));
        assert_eq!(role.as_str(), role.letter().to_string());
    }
    assert_eq!(Role::from_letter('s'), None);
}

fn tokens() -> impl Strategy<Value = Vec<HoldToken>> {
    let token = (proptest::sample::select(&Role::ALL[..]), 1..=i64::MAX)
        .prop_map(|(role, hold)| HoldToken { role, hold: HoldId(hold) });
    let few = (proptest::sample::select(&Role::ALL[..]), 1..6_i64)
        .prop_map(|(role, hold)| HoldToken { role, hold: HoldId(hold) });
    proptest::collection::vec(prop_oneof![token, few], 1..120)
}

proptest! {
    #[test]
    fn any_text_is_printed_back_or_refused(text in prop_oneof!["[SOFTX0-9 ]{0,30}", "\\PC{0,30}"]) {
        if let Ok(list) = HoldsList::parse(&text) {
            prop_assert_eq!(list.to_string(), text);
        }
    }

    #[test]
    fn tokens_go_round_by_text(tokens in tokens()) {
        let text = tokens.iter().map(HoldToken::to_string).collect::<Vec<_>>().join(" ");
        let list = HoldsList::parse(&text).unwrap();
        prop_assert_eq!(list.iter().collect::<Vec<_>>(), tokens);
        prop_assert_eq!(list.to_string(), text);
    }

    #[test]
    fn the_canonical_list_does_not_depend_on_order_or_repeats(tokens in tokens(), by in 0usize..120) {
        let list = HoldsList { tokens: tokens.clone() };
        let mut turned = tokens.clone();
        turned.rotate_left(by % tokens.len());
        turned.extend(tokens.first().copied());
        let turned = HoldsList { tokens: turned }.canonical();
        prop_assert_eq!(&turned, &list.canonical());
        prop_assert_eq!(&turned.canonical(), &turned);
        prop_assert_eq!(turned.hold_count(), list.hold_count());
        prop_assert!(!turned.violations().iter().any(|found| matches!(found, HoldsListViolation::Twice(_))));
    }

    #[test]
    fn a_list_is_valid_exactly_if_no_rule_is_broken(tokens in tokens()) {
        let list = HoldsList { tokens: tokens.clone() };
        let good = tokens.iter().any(|token| token.role == Role::Start)
            && tokens.iter().any(|token| token.role == Role::Top)
            && (2..=100).contains(&tokens.len())
            && list.canonical().len() == tokens.len();
        prop_assert_eq!(list.violations().is_empty(), good);
        prop_assert_eq!(list.validate_new(|_| true).is_ok(), good);
        prop_assert!(list.validate_new(|_| false).is_err());
    }
}
