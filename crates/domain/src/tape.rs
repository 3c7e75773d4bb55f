//! Which tape lines and outlines are drawn for a climb, so that every picture of it looks the same.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::geometry::{HoldGeometry, Polygon, Segment};
use crate::holds_list::{HoldsList, Role};
use crate::ids::HoldId;

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
}

impl Colour {
    /// The colour of tape.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
}

/// How wide tape is drawn, in pixels of the full-size picture: more than 0, at most [`TapeWidth::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct TapeWidth(f64);

/// The number is no width of tape.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{0} is not a width of tape; use a number of pixels above 0 and up to {max}", max = TapeWidth::MAX)]
pub struct TapeWidthError(f64);

impl TapeWidth {
    /// The widest tape, in pixels.
    pub const MAX: f64 = 200.0;

    /// Accepts numbers of pixels above 0 and up to [`Self::MAX`].
    ///
    /// # Errors
    /// [`TapeWidthError`] for any other number.
    pub fn new(pixels: f64) -> Result<Self, TapeWidthError> {
        if pixels > 0.0 && pixels <= Self::MAX { Ok(Self(pixels)) } else { Err(TapeWidthError(pixels)) }
    }

    /// The width in pixels.
    #[must_use]
    pub const fn pixels(self) -> f64 {
        self.0
    }
}

impl Default for TapeWidth {
    /// 10 pixels: well visible on a wall picture of 2000 to 4000 pixels.
    fn default() -> Self {
        Self(10.0)
    }
}

/// How tape is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TapeStyle {
    /// How wide.
    pub width: TapeWidth,
    /// In which colour.
    pub colour: Colour,
}

impl Default for TapeStyle {
    /// White, in the default width.
    fn default() -> Self {
        Self { width: TapeWidth::default(), colour: Colour::WHITE }
    }
}

/// Something to draw for one hold of a climb.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark<'a> {
    /// A tape line of a start hold.
    Tape {
        /// The hold.
        hold: HoldId,
        /// From where to where.
        line: &'a Segment,
        /// How.
        style: TapeStyle,
    },
    /// The outline of a hold.
    Polygon {
        /// The hold.
        hold: HoldId,
        /// What it is for.
        role: Role,
        /// The outline.
        polygon: &'a Polygon,
    },
    /// The second, wider outline round a top hold.
    TopPolygon {
        /// The hold.
        hold: HoldId,
        /// The outline.
        polygon: &'a Polygon,
    },
}

/// What to draw for a climb, in the order of its list; a hold named twice in one role is drawn once.
///
/// Every hold is drawn with its polygon. A single start hold also gets its left and right tape lines, which form a V;
/// two start holds or more get each one's centre line. A top hold also gets its wider top polygon. A hold that starts
/// and ends the climb gets both. Holds that `geometry` does not know are left out, but count as start holds: that
/// one's picture is missing does not turn the other into a single start.
#[must_use]
pub fn marks<'a>(
    list: &HoldsList,
    geometry: impl Fn(HoldId) -> Option<&'a HoldGeometry>,
    style: TapeStyle,
) -> Vec<Mark<'a>> {
    let single_start = list.in_role(Role::Start).collect::<BTreeSet<_>>().len() == 1;
    let mut seen = BTreeSet::new();
    let mut marks = Vec::with_capacity(list.len() + 4);
    for token in list.iter().filter(|token| seen.insert(*token)) {
        let (hold, role) = (token.hold, token.role);
        let Some(shapes) = geometry(hold) else { continue };
        marks.push(Mark::Polygon { hold, role, polygon: &shapes.polygon });
        match role {
            Role::Start if single_start => {
                marks.push(Mark::Tape { hold, line: &shapes.left_tape, style });
                marks.push(Mark::Tape { hold, line: &shapes.right_tape, style });
            }
            Role::Start => marks.push(Mark::Tape { hold, line: &shapes.center_tape, style }),
            Role::Top => marks.push(Mark::TopPolygon { hold, polygon: &shapes.top_polygon }),
            Role::Other | Role::Feet => {}
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::board::HoldShape;

    fn shapes(ids: impl IntoIterator<Item = i64>) -> BTreeMap<HoldId, HoldGeometry> {
        ids.into_iter()
            .map(|id| {
                let shape = HoldShape {
                    area: "100.00".into(),
                    polygon_str: format!("{id},0 {id},10 0,10"),
                    touch_polygon_str: format!("{id},0 {id},20 0,20"),
                    path_str: format!("M{id},0L{id},10L0,10z"),
                    centroid_str: format!("{id} 5"),
                    top_polygon_str: format!("{id},0 {id},30 0,30"),
                    center_tape_str: format!("{id} 1 0 0"),
                    left_tape_str: format!("{id} 2 0 0"),
                    right_tape_str: format!("{id} 3 0 0"),
                };
                (HoldId(id), HoldGeometry::parse(&shape).unwrap())
            })
            .collect()
    }

    /// Each mark as a short text, e.g. `7 tape 7 2 0 0`.
    fn drawn(list: &str, known: &BTreeMap<HoldId, HoldGeometry>) -> Vec<String> {
        marks(&HoldsList::parse(list).unwrap(), |hold| known.get(&hold), TapeStyle::default())
            .into_iter()
            .map(|mark| match mark {
                Mark::Tape { hold, line, style } => {
                    assert_eq!(style.colour, Colour::WHITE);
                    format!("{hold} tape {line}")
                }
                Mark::Polygon { hold, role, polygon } => format!("{hold} {} {polygon}", role.as_str()),
                Mark::TopPolygon { hold, polygon } => format!("{hold} top {polygon}"),
            })
            .collect()
    }

    #[test]
    fn one_start_hold_gets_a_v() {
        assert_eq!(
            drawn("S1 O2 F3 T4", &shapes(1..=4)),
            [
                "1 S 1,0 1,10 0,10",
                "1 tape 1 2 0 0",
                "1 tape 1 3 0 0",
                "2 O 2,0 2,10 0,10",
                "3 F 3,0 3,10 0,10",
                "4 T 4,0 4,10 0,10",
                "4 top 4,0 4,30 0,30",
            ]
        );
    }

    #[test]
    fn two_start_holds_get_their_centre_lines() {
        let tape: Vec<String> =
            drawn("S1 S2 T4", &shapes(1..=4)).into_iter().filter(|mark| mark.contains("tape")).collect();
        assert_eq!(tape, ["1 tape 1 1 0 0", "2 tape 2 1 0 0"]);
    }

    #[test]
    fn two_tops_both_get_their_wider_polygon() {
        let tops = drawn("S1 T2 T3", &shapes(1..=4)).into_iter().filter(|mark| mark.contains("top")).count();
        assert_eq!(tops, 2);
    }

    #[test]
    fn a_hold_that_starts_and_ends_gets_both() {
        assert_eq!(
            drawn("S1 O2 T1", &shapes(1..=2)),
            [
                "1 S 1,0 1,10 0,10",
                "1 tape 1 2 0 0",
                "1 tape 1 3 0 0",
                "2 O 2,0 2,10 0,10",
                "1 T 1,0 1,10 0,10",
                "1 top 1,0 1,30 0,30",
            ]
        );
    }

    #[test]
    fn a_start_named_twice_is_one_start() {
        assert_eq!(drawn("S1 S1 T1", &shapes([1])), drawn("S1 T1", &shapes([1])));
    }

    #[test]
    fn an_unknown_start_hold_still_counts() {
        assert_eq!(drawn("S1 S9 T9", &shapes([1])), ["1 S 1,0 1,10 0,10", "1 tape 1 1 0 0"]);
    }

    #[test]
    fn the_width_is_a_width() {
        assert_eq!(TapeWidth::new(3.5).unwrap().pixels(), 3.5);
        for bad in [0.0, -1.0, 200.5, f64::NAN, f64::INFINITY] {
            assert!(TapeWidth::new(bad).is_err(), "{bad}");
        }
        assert_eq!(
            TapeWidth::new(0.0).unwrap_err().to_string(),
            "0 is not a width of tape; use a number of pixels above 0 and up to 200"
        );
    }

    #[test]
    fn the_style_asked_for_is_the_style_drawn() {
        let known = shapes([1]);
        let style =
            TapeStyle { width: TapeWidth::new(4.0).unwrap(), colour: Colour { red: 1, green: 2, blue: 3 } };
        let list = HoldsList::parse("S1 T1").unwrap();
        let tape: Vec<TapeStyle> = marks(&list, |hold| known.get(&hold), style)
            .into_iter()
            .filter_map(|mark| if let Mark::Tape { style, .. } = mark { Some(style) } else { None })
            .collect();
        assert_eq!(tape, [style, style]);
    }

    proptest! {
        #[test]
        fn the_tape_follows_the_number_of_start_holds(tokens in proptest::collection::vec((0usize..4, 1i64..8), 1..20)) {
            let text: Vec<String> =
                tokens.iter().map(|(role, hold)| format!("{}{hold}", Role::ALL[*role].letter())).collect();
            let known = shapes(1..8);
            let list = HoldsList::parse(&text.join(" ")).unwrap();
            let marks = marks(&list, |hold| known.get(&hold), TapeStyle::default());
            let starts = list.in_role(Role::Start).collect::<BTreeSet<_>>().len();
            let tops = list.in_role(Role::Top).collect::<BTreeSet<_>>().len();
            let tape = marks.iter().filter(|mark| matches!(mark, Mark::Tape { .. })).count();
            prop_assert_eq!(tape, if starts == 1 { 2 } else { starts });
            prop_assert_eq!(marks.iter().filter(|mark| matches!(mark, Mark::TopPolygon { .. })).count(), tops);
            let outlines = marks.iter().filter(|mark| matches!(mark, Mark::Polygon { .. })).count();
            prop_assert_eq!(outlines, list.canonical().len());
        }
    }
}
