//! Grades of climbs: the Font scale in its order, and what its neighbours IRCRA, V and dankyu call the same.
//!
//! Font and V against IRCRA follow the comparative scale of the International Rock Climbing Research Association:
//! N. Draper et al., "Comparative grading scales, statistical analyses, climber descriptors and ability grouping:
//! International Rock Climbing Research Association position statement", Sports Technology 8 (2015) 88-94. That table
//! gives whole numbers only. Stokt averages votes on the IRCRA scale, so halves and finer steps occur; where between
//! two whole numbers a name begins was read off the real board's climbs. Dankyu is not part of the published table:
//! its steps come from the same readings (3D+ at 8A) and go on by one step for each V grade.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A Font grade; the order of declaration is the order of difficulty. `?` stands before all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants are the grades themselves; P stands for +")]
pub enum FontGrade {
    Ungraded,
    F3,
    F4,
    F4P,
    F5,
    F5P,
    F6A,
    F6AP,
    F6B,
    F6BP,
    F6C,
    F6CP,
    F7A,
    F7AP,
    F7B,
    F7BP,
    F7C,
    F7CP,
    F8A,
    F8AP,
    F8B,
    F8BP,
    F8C,
    F8CP,
    F9A,
}

/// The text is no Font grade.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' is not a Font grade; use one of 3 4 4+ 5 5+ 6A 6A+ ... 9A, or ?")]
pub struct GradeError(String);

/// A position on the IRCRA scale: a finite number from 0 (ungraded at Stokt) to 40.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Ircra(f64);

/// The number is no position on the IRCRA scale.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{0} is not on the IRCRA scale, which goes from 0 to 40")]
pub struct IrcraError(f64);

impl Ircra {
    /// Accepts finite numbers from 0 to 40.
    ///
    /// # Errors
    /// [`IrcraError`] for any other number.
    pub fn new(value: f64) -> Result<Self, IrcraError> {
        if (0.0..=40.0).contains(&value) { Ok(Self(value)) } else { Err(IrcraError(value)) }
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

/// Where a name begins on the IRCRA scale, the names in ascending order.
type Scale<T> = [(f64, T)];

const FONT: &Scale<FontGrade> = &[
    (1.0, FontGrade::F3),
    (12.0, FontGrade::F4),
    (13.25, FontGrade::F4P),
    (14.25, FontGrade::F5),
    (15.0, FontGrade::F5P),
    (15.5, FontGrade::F6A),
    (16.5, FontGrade::F6AP),
    (17.5, FontGrade::F6B),
    (18.0, FontGrade::F6BP),
    (18.5, FontGrade::F6C),
    (19.5, FontGrade::F6CP),
    (20.5, FontGrade::F7A),
    (21.5, FontGrade::F7AP),
    (22.5, FontGrade::F7B),
    (23.5, FontGrade::F7BP),
    (24.5, FontGrade::F7C),
    (25.5, FontGrade::F7CP),
    (26.5, FontGrade::F8A),
    (27.5, FontGrade::F8AP),
    (28.5, FontGrade::F8B),
    (29.5, FontGrade::F8BP),
    (30.5, FontGrade::F8C),
    (31.5, FontGrade::F8CP),
    (32.5, FontGrade::F9A),
];

const HUECO: &Scale<&str> = &[
    (1.0, "V0"),
    (14.5, "V1"),
    (15.5, "V2"),
    (16.5, "V3"),
    (17.75, "V4"),
    (19.0, "V5"),
    (20.5, "V6"),
    (21.5, "V7"),
    (22.5, "V8"),
    (23.5, "V9"),
    (25.0, "V10"),
    (26.5, "V11"),
    (27.5, "V12"),
    (28.5, "V13"),
    (29.5, "V14"),
    (30.5, "V15"),
    (31.5, "V16"),
    (32.5, "V17"),
];

const DANKYU: &Scale<&str> = &[
    (1.0, "6Q"),
    (13.5, "5Q"),
    (15.5, "4Q"),
    (17.0, "3Q"),
    (18.25, "2Q"),
    (20.0, "1Q"),
    (21.5, "1D"),
    (22.5, "1D+"),
    (23.5, "2D"),
    (24.5, "2D+"),
    (25.5, "3D"),
    (26.5, "3D+"),
    (27.5, "4D"),
    (28.5, "4D+"),
    (29.5, "5D"),
    (30.5, "5D+"),
    (31.5, "6D"),
    (32.5, "6D+"),
];

fn at<T: Copy>(scale: &Scale<T>, value: f64) -> Option<T> {
    scale.iter().rev().find(|(begin, _)| value >= *begin).map(|(_, name)| *name)
}

impl FontGrade {
    /// Every grade in order, `?` first.
    pub const ALL: [Self; 25] = [
        Self::Ungraded,
        Self::F3,
        Self::F4,
        Self::F4P,
        Self::F5,
        Self::F5P,
        Self::F6A,
        Self::F6AP,
        Self::F6B,
        Self::F6BP,
        Self::F6C,
        Self::F6CP,
        Self::F7A,
        Self::F7AP,
        Self::F7B,
        Self::F7BP,
        Self::F7C,
        Self::F7CP,
        Self::F8A,
        Self::F8AP,
        Self::F8B,
        Self::F8BP,
        Self::F8C,
        Self::F8CP,
        Self::F9A,
    ];

    /// Its place in the order: 0 for `?`, 1 for 3, up to 24 for 9A.
    #[must_use]
    pub const fn rank(self) -> i32 {
        self as i32
    }

    /// The grade at a place in the order.
    #[must_use]
    pub fn from_rank(rank: i32) -> Option<Self> {
        Self::ALL.get(usize::try_from(rank).ok()?).copied()
    }

    /// As it is written: `6A+`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ungraded => "?",
            Self::F3 => "3",
            Self::F4 => "4",
            Self::F4P => "4+",
            Self::F5 => "5",
            Self::F5P => "5+",
            Self::F6A => "6A",
            Self::F6AP => "6A+",
            Self::F6B => "6B",
            Self::F6BP => "6B+",
            Self::F6C => "6C",
            Self::F6CP => "6C+",
            Self::F7A => "7A",
            Self::F7AP => "7A+",
            Self::F7B => "7B",
            Self::F7BP => "7B+",
            Self::F7C => "7C",
            Self::F7CP => "7C+",
            Self::F8A => "8A",
            Self::F8AP => "8A+",
            Self::F8B => "8B",
            Self::F8BP => "8B+",
            Self::F8C => "8C",
            Self::F8CP => "8C+",
            Self::F9A => "9A",
        }
    }

    /// Reads a grade; small letters are fine.
    ///
    /// # Errors
    /// [`GradeError`] when the text is no Font grade.
    pub fn parse(text: &str) -> Result<Self, GradeError> {
        let wanted = text.trim();
        Self::ALL
            .into_iter()
            .find(|grade| grade.as_str().eq_ignore_ascii_case(wanted))
            .ok_or_else(|| GradeError(wanted.chars().take(24).collect()))
    }

    /// The grade at a position of the IRCRA scale; below 1 a climb is ungraded.
    #[must_use]
    pub fn from_ircra(ircra: Ircra) -> Self {
        at(FONT, ircra.value()).unwrap_or(Self::Ungraded)
    }

    /// The lowest IRCRA position that bears this grade; `None` for `?`.
    #[must_use]
    pub fn ircra(self) -> Option<Ircra> {
        FONT.iter().find(|(_, grade)| *grade == self).map(|(begin, _)| Ircra(*begin))
    }

    /// The V grade at this grade's lowest position; `?` for `?`.
    #[must_use]
    pub fn hueco(self) -> &'static str {
        self.ircra().map_or("?", hueco)
    }

    /// The dankyu at this grade's lowest position; `?` for `?`.
    #[must_use]
    pub fn dankyu(self) -> &'static str {
        self.ircra().map_or("?", dankyu)
    }
}

/// The V grade at a position of the IRCRA scale; `?` below 1.
#[must_use]
pub fn hueco(ircra: Ircra) -> &'static str {
    at(HUECO, ircra.value()).unwrap_or("?")
}

/// The dankyu at a position of the IRCRA scale; `?` below 1.
#[must_use]
pub fn dankyu(ircra: Ircra) -> &'static str {
    at(DANKYU, ircra.value()).unwrap_or("?")
}

impl fmt::Display for FontGrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FontGrade {
    type Err = GradeError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Grades from one to another, both included. `?` is inside only where it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GradeRange {
    /// The lowest grade; `None` for no limit.
    pub min: Option<FontGrade>,
    /// The highest grade; `None` for no limit.
    pub max: Option<FontGrade>,
    /// Whether ungraded climbs are wanted too.
    pub include_ungraded: bool,
}

impl GradeRange {
    /// Whether a grade is inside. With neither limit set everything is.
    #[must_use]
    pub fn contains(&self, grade: FontGrade) -> bool {
        if self.min.is_none() && self.max.is_none() {
            return true;
        }
        if grade == FontGrade::Ungraded {
            return self.include_ungraded;
        }
        self.min.is_none_or(|min| grade >= min) && self.max.is_none_or(|max| grade <= max)
    }
}

#[cfg(test)]
mod tests;
