//! Tests of grades: the table seen on a real gym, order, ranges and conversions.

use proptest::prelude::*;

use super::*;

/// Font, then the V grades and the dankyu that a real gym shows beside it (see the domain's description).
const SEEN: &[(&str, &[&str], &[&str])] = &[
    ("4", &["V0"], &["6Q"]),
    ("4+", &["V0"], &["6Q", "5Q"]),
    ("5", &["V0", "V1"], &["5Q"]),
    ("5+", &["V1"], &["5Q"]),
    ("6A", &["V2"], &["4Q"]),
    ("6A+", &["V3"], &["4Q", "3Q"]),
    ("6B", &["V3", "V4"], &["3Q"]),
    ("6B+", &["V4"], &["3Q", "2Q"]),
    ("6C", &["V4", "V5"], &["2Q"]),
    ("6C+", &["V5"], &["2Q", "1Q"]),
    ("7A", &["V6"], &["1Q"]),
    ("7A+", &["V7"], &["1D"]),
    ("7B", &["V8"], &["1D+"]),
    ("7B+", &["V9"], &["2D"]),
    ("7C", &["V9"], &["2D+"]),
    ("8A", &["V11"], &["3D+"]),
];

/// Every position in steps of a thousandth, from 0 to 40.
fn positions() -> impl Iterator<Item = Ircra> {
    (0..=40_000_u16).map(|step| Ircra::new(f64::from(step) / 1_000.0).unwrap())
}

fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for item in items {
        if kept.last() != Some(&item) {
            kept.push(item);
        }
    }
    kept
}

#[test]
fn what_a_real_gym_shows_is_what_the_scales_say() {
    for (font, vs, dankyus) in SEEN {
        let grade = FontGrade::parse(font).unwrap();
        let low = grade.ircra().unwrap().value();
        assert_eq!(grade.hueco(), vs[0], "{font} begins at {low}");
        assert_eq!(grade.dankyu(), dankyus[0], "{font} begins at {low}");
        let here: Vec<Ircra> =
            positions().filter(|position| FontGrade::from_ircra(*position) == grade).collect();
        for v in *vs {
            assert!(here.iter().any(|position| hueco(*position) == *v), "{font} {v}");
        }
        for kyu in *dankyus {
            assert!(here.iter().any(|position| dankyu(*position) == *kyu), "{font} {kyu}");
        }
    }
}

#[test]
fn climbing_the_scale_meets_every_name_once_and_in_order() {
    let fonts = distinct(positions().map(FontGrade::from_ircra));
    assert_eq!(fonts, FontGrade::ALL);
    let vs = distinct(positions().map(hueco));
    let expected: Vec<String> =
        std::iter::once("?".into()).chain((0..=17).map(|v| format!("V{v}"))).collect();
    assert_eq!(vs, expected);
    let dankyus = distinct(positions().map(dankyu));
    assert_eq!(
        dankyus,
        [
            "?", "6Q", "5Q", "4Q", "3Q", "2Q", "1Q", "1D", "1D+", "2D", "2D+", "3D", "3D+", "4D", "4D+",
            "5D", "5D+", "6D", "6D+"
        ]
    );
}

#[test]
fn the_order_is_that_of_the_list() {
    for (place, grade) in FontGrade::ALL.into_iter().enumerate() {
        assert_eq!(grade.rank(), i32::try_from(place).unwrap());
        assert_eq!(FontGrade::from_rank(grade.rank()), Some(grade));
        assert_eq!(FontGrade::parse(grade.as_str()).unwrap(), grade);
        assert_eq!(FontGrade::parse(&grade.to_string().to_lowercase()).unwrap(), grade);
        assert_eq!(grade.ircra().map_or(FontGrade::Ungraded, FontGrade::from_ircra), grade);
    }
    assert!(FontGrade::ALL.is_sorted());
    assert_eq!(FontGrade::from_rank(-1), None);
    assert_eq!(FontGrade::from_rank(25), None);
}

#[test]
fn what_is_no_grade_is_refused() {
    for text in ["", "2", "3+", "6", "6D", "6a++", "V4", "9A+", "??", "6 A"] {
        assert!(FontGrade::parse(text).is_err(), "{text:?}");
    }
    for value in [-0.001, 40.001, f64::NAN, f64::INFINITY] {
        assert!(Ircra::new(value).is_err(), "{value}");
    }
}

#[test]
fn ungraded_is_inside_a_range_only_if_asked_for() {
    let range = |min, max, include_ungraded| GradeRange { min, max, include_ungraded };
    let (low, high) = (Some(FontGrade::F6A), Some(FontGrade::F6B));
    for (min, max) in [(low, high), (low, None), (None, high)] {
        assert!(!range(min, max, false).contains(FontGrade::Ungraded));
        assert!(range(min, max, true).contains(FontGrade::Ungraded));
    }
    assert!(GradeRange::default().contains(FontGrade::Ungraded));
    let inside: Vec<&str> = FontGrade::ALL
        .into_iter()
        .filter(|grade| range(low, high, false).contains(*grade))
        .map(FontGrade::as_str)
        .collect();
    assert_eq!(inside, ["6A", "6A+", "6B"]);
    assert!(!FontGrade::ALL.into_iter().any(|grade| range(high, low, false).contains(grade)));
}

proptest! {
    #[test]
    fn a_harder_position_is_never_an_easier_grade(a in 0.0..=40.0_f64, b in 0.0..=40.0_f64) {
        let (low, high) = (Ircra::new(a.min(b)).unwrap(), Ircra::new(a.max(b)).unwrap());
        prop_assert!(FontGrade::from_ircra(low) <= FontGrade::from_ircra(high));
        let place = |scale: &Scale<&str>, name: &str| scale.iter().position(|(_, other)| *other == name);
        prop_assert!(place(HUECO, hueco(low)) <= place(HUECO, hueco(high)));
        prop_assert!(place(DANKYU, dankyu(low)) <= place(DANKYU, dankyu(high)));
        // All three scales begin together.
        prop_assert_eq!(FontGrade::from_ircra(low) == FontGrade::Ungraded, hueco(low) == "?");
        prop_assert_eq!(hueco(low) == "?", dankyu(low) == "?");
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,6}") {
        if let Ok(grade) = FontGrade::parse(&text) {
            prop_assert!(grade.as_str().eq_ignore_ascii_case(text.trim()));
        }
    }
}
