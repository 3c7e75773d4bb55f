//! The rules for drafts, and what an edit changes.

use proptest::prelude::*;

use super::*;

fn fits(_: HoldId) -> HoldFit {
    HoldFit::Fits
}

fn draft() -> ClimbDraft {
    ClimbDraft {
        name: Some("  La dalle ".into()),
        holds_list: Some("S1 O2 T3".into()),
        grade_font: Some(Some("6a+".into())),
        ..ClimbDraft::default()
    }
}

fn refused(draft: &ClimbDraft, before: Option<&ClimbContent>) -> Vec<(&'static str, String)> {
    let problems = draft.apply(before, fits).unwrap_err();
    problems.into_iter().map(|problem| (problem.field, problem.message)).collect()
}

#[test]
fn a_draft_becomes_content() {
    let content = draft().apply(None, fits).unwrap();
    assert_eq!(content.name, "La dalle");
    assert_eq!(content.holds_list, "S1 O2 T3");
    assert_eq!(content.grade.font.as_deref(), Some("6A+"));
    assert_eq!((content.grade.ircra, content.grade.hueco.as_deref()), (Some(16.5), Some("V3")));
    assert_eq!((content.feet_rule, content.description, content.is_private), (None, None, false));
}

#[test]
fn everything_wrong_is_told_at_once() {
    let bad = ClimbDraft {
        name: Some("\u{200b}".into()),
        holds_list: Some("S1 S1 O2".into()),
        grade_font: Some(Some("6D".into())),
        grade_ircra: Some(99.0),
        feet_rule: Some(Some("x".repeat(101))),
        description: Some(Some("x\0".into())),
        is_private: None,
    };
    let fields: Vec<&str> = refused(&bad, None).into_iter().map(|(field, _)| field).collect();
    let expected =
        ["name", "holds_list", "holds_list", "grade_ircra", "grade_font", "feet_rule", "description"];
    assert_eq!(fields, expected);
    let fields: Vec<&str> =
        refused(&ClimbDraft::default(), None).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["name", "holds_list"]);
}

#[test]
fn holds_must_fit_unless_the_climb_uses_them_already() {
    let fit = |hold: HoldId| match hold.0 {
        1 => HoldFit::Fits,
        2 => HoldFit::Retired,
        _ => HoldFit::Elsewhere,
    };
    let messages = |before| {
        let problems = draft().apply(before, fit).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert_eq!(messages(None), ["hold 2 is not on the wall any more", "hold 3 is not on this face"]);
    let before = ClimbContent { holds_list: "S1 T2".into(), ..draft().apply(None, fits).unwrap() };
    assert_eq!(messages(Some(&before)), ["hold 3 is not on this face"]);
}

#[test]
fn what_is_sent_as_it_is_stored_stays_even_against_the_rules() {
    let imported = ClimbContent {
        name: "\u{202e}odd".into(),
        holds_list: "T1".into(),
        grade: ClimbGrade { font: Some("odd".into()), ircra: Some(1.5), hueco: None, dankyu: None },
        feet_rule: Some("x".repeat(200)),
        description: Some("x".repeat(5_000)),
        is_private: true,
    };
    let same = ClimbDraft {
        name: Some(imported.name.clone()),
        holds_list: Some(imported.holds_list.clone()),
        grade_font: Some(imported.grade.font.clone()),
        grade_ircra: None,
        feet_rule: Some(imported.feet_rule.clone()),
        description: Some(imported.description.clone()),
        is_private: Some(true),
    };
    let nowhere = |_| HoldFit::Elsewhere;
    assert_eq!(same.apply(Some(&imported), nowhere).as_ref(), Ok(&imported));
    assert_eq!(ClimbDraft::default().apply(Some(&imported), nowhere).as_ref(), Ok(&imported));
    let renamed = ClimbDraft { name: Some("\u{202e}other".into()), ..same };
    assert_eq!(refused(&renamed, Some(&imported)).len(), 1);
}

#[test]
fn null_empties_what_may_be_empty() {
    let full = ClimbDraft {
        feet_rule: Some(Some("Tous pieds".into())),
        description: Some(Some("à droite\nde l'arête".into())),
        ..draft()
    };
    let full = full.apply(None, fits).unwrap();
    for empty in [None, Some(String::new()), Some("  ".into())] {
        let cleared = ClimbDraft {
            grade_font: Some(empty.clone()),
            feet_rule: Some(empty.clone()),
            description: Some(empty),
            ..ClimbDraft::default()
        };
        let cleared = cleared.apply(Some(&full), fits).unwrap();
        assert_eq!((cleared.feet_rule, cleared.description), (None, None));
        assert_eq!(cleared.grade, ClimbGrade::default());
    }
}

#[test]
fn the_two_scales_have_to_agree_roughly() {
    let graded = |font: Option<&str>, ircra: f64| {
        let draft =
            ClimbDraft { grade_font: Some(font.map(Into::into)), grade_ircra: Some(ircra), ..draft() };
        draft.apply(None, fits).map(|content| (content.grade.font.unwrap_or_default(), content.grade.ircra))
    };
    assert_eq!(graded(Some("6A"), 15.7), Ok(("6A".into(), Some(15.7))));
    assert_eq!(graded(Some("6A"), 15.2), Ok(("6A".into(), Some(15.2))));
    assert_eq!(graded(None, 15.7), Ok(("6A".into(), Some(15.7))));
    assert_eq!(graded(None, 0.0), Ok((String::new(), None)));
    assert_eq!(graded(Some("?"), 0.0), Ok(("?".into(), None)));
    for (font, ircra) in [("6A", 20.5), ("?", 15.5), ("6A", f64::NAN), ("6A", -1.0)] {
        assert_eq!(graded(Some(font), ircra).unwrap_err()[0].field, "grade_ircra", "{font} {ircra}");
    }
}

#[test]
fn changes_name_what_differs() {
    let before = draft().apply(None, fits).unwrap();
    let after = ClimbContent { name: "Other".into(), is_private: true, ..before.clone() };
    let told = changes(Some(&before), Some(&after));
    assert_eq!(
        serde_json::to_value(&told).unwrap(),
        json!([
            {"field": "name", "before": "La dalle", "after": "Other"},
            {"field": "is_private", "before": false, "after": true},
        ])
    );
    assert_eq!(changes(Some(&before), Some(&before)), []);
    let created: Vec<String> = changes(None, Some(&before)).into_iter().map(|change| change.field).collect();
    assert_eq!(created, ["name", "holds_list", "grade_font", "grade_ircra", "is_private"]);
    assert!(
        changes(Some(&before), None).iter().all(|change| change.after.is_null() && !change.before.is_null())
    );
}

proptest! {
    #[test]
    fn s14_any_draft_is_taken_or_refused_and_taking_it_again_changes_nothing(
        name in "\\PC{0,30}", holds in "([SOFT][1-9] ){1,5}T1", grade in "[3-9?][ABC]?\\+?", ircra in proptest::option::of(any::<f64>()),
        rule in proptest::option::of("\\PC{0,12}"), text in proptest::option::of("(\\PC|\n){0,12}"), is_private: bool,
    ) {
        let wanted = ClimbDraft {
            name: Some(name), holds_list: Some(holds), grade_font: Some(Some(grade)), grade_ircra: ircra,
            feet_rule: Some(rule), description: Some(text), is_private: Some(is_private),
        };
        if let Ok(content) = wanted.apply(None, fits) {
            let again = ClimbDraft {
                name: Some(content.name.clone()), holds_list: Some(content.holds_list.clone()),
                grade_font: Some(content.grade.font.clone()), grade_ircra: content.grade.ircra,
                feet_rule: Some(content.feet_rule.clone()), description: Some(content.description.clone()),
                is_private: Some(content.is_private),
            };
            let again = again.apply(None, fits);
            prop_assert_eq!(again, Ok(content));
        }
    }
}
