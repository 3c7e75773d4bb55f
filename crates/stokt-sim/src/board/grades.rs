//! Grades as Stokt answers them: one number on the IRCRA scale and three texts made from it.

use serde_json::{Value, json};

/// One grade: IRCRA value, V grade (`hueco`), Font grade, dankyu, and how often the demo board has it.
pub(crate) type Grade = (f64, &'static str, &'static str, &'static str, u32);

/// The index in [`GRADES`] of an ungraded climb.
pub(crate) const UNGRADED: usize = 0;

/// In the order of difficulty. The tuples follow what was observed on the real service (one Font grade may have more
/// than one V grade, because Stokt averages votes on the IRCRA scale); frequencies are those of a board of
/// its size. Those of weight 0 are only answered for climbs that somebody creates with such a grade.
pub(crate) const GRADES: [Grade; 41] = [
    (0.0, "?", "?", "?", 28),
    (10.0, "V0", "3", "7Q", 0),
    (12.0, "V0", "4", "6Q", 9),
    (12.625, "V0", "4", "6Q", 3),
    (13.25, "V0", "4+", "6Q", 24),
    (13.75, "V0", "4+", "5Q", 4),
    (14.25, "V0", "5", "5Q", 22),
    (14.625, "V1", "5", "5Q", 3),
    (15.0, "V1", "5+", "5Q", 30),
    (15.25, "V1", "5+", "5Q", 5),
    (15.5, "V2", "6A", "4Q", 47),
    (15.75, "V2", "6A", "4Q", 4),
    (16.0, "V2", "6A", "4Q", 7),
    (16.5, "V3", "6A+", "4Q", 54),
    (17.0, "V3", "6A+", "3Q", 15),
    (17.25, "V3", "6A+", "3Q", 3),
    (17.5, "V3", "6B", "3Q", 77),
    (17.75, "V4", "6B", "3Q", 14),
    (18.0, "V4", "6B+", "3Q", 77),
    (18.25, "V4", "6B+", "2Q", 11),
    (18.5, "V4", "6C", "2Q", 85),
    (18.75, "V4", "6C", "2Q", 5),
    (19.0, "V5", "6C", "2Q", 10),
    (19.5, "V5", "6C+", "2Q", 54),
    (20.0, "V5", "6C+", "1Q", 5),
    (20.5, "V6", "7A", "1Q", 85),
    (21.0, "V6", "7A", "1Q", 8),
    (21.25, "V6", "7A", "1Q", 2),
    (21.5, "V7", "7A+", "1D", 48),
    (22.0, "V7", "7A+", "1D", 3),
    (22.5, "V8", "7B", "1D+", 31),
    (23.5, "V9", "7B+", "2D", 9),
    (24.5, "V9", "7C", "2D+", 4),
    (25.5, "V10", "7C+", "3D", 0),
    (26.5, "V11", "8A", "3D+", 2),
    (27.5, "V12", "8A+", "4D", 0),
    (28.5, "V13", "8B", "4D+", 0),
    (29.5, "V14", "8B+", "5D", 0),
    (30.5, "V15", "8C", "5D+", 0),
    (31.5, "V16", "8C+", "6D", 0),
    (32.5, "V17", "9A", "6D+", 0),
];

/// The grade as a climb's `crowdGrade`.
pub(crate) fn to_json(grade: Grade) -> Value {
    json!({ "ircra": grade.0, "hueco": grade.1, "font": grade.2, "dankyu": grade.3 })
}

/// The grade at an index, ungraded if there is none.
pub(crate) fn at(index: usize) -> Grade {
    GRADES.get(index).copied().unwrap_or((0.0, "?", "?", "?", 0))
}

/// The usual grade for a value in one of Stokt's systems, whatever the case of its letters.
pub(crate) fn find(system: &str, value: &str) -> Option<Grade> {
    let matching = GRADES.iter().filter(|grade| match system {
        "font" => grade.2.eq_ignore_ascii_case(value),
        "hueco" => grade.1.eq_ignore_ascii_case(value),
        "dankyu" => grade.3.eq_ignore_ascii_case(value),
        "ircra" => value.parse::<f64>().is_ok_and(|number| number == grade.0),
        _ => false,
    });
    matching.copied().reduce(|best, grade| if grade.4 > best.4 { grade } else { best })
}

/// The IRCRA value of a Font grade, to filter a range.
pub(crate) fn ircra(font: &str) -> Option<f64> {
    find("font", font).map(|grade| grade.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_grade_is_found_in_either_case() {
        assert_eq!(find("font", "6a+").map(|g| (g.0, g.1)), Some((16.5, "V3")));
        assert_eq!(find("font", "?").map(|g| g.0), Some(0.0));
        assert_eq!(find("font", "12z"), None);
        assert_eq!(find("yds", "5.10"), None);
        assert_eq!(at(UNGRADED).2, "?");
    }
}
