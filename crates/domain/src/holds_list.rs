//! The holds list of a climb: `S400166 O399938 T400602`, each token a role letter and a hold's id.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::ids::HoldId;

/// The longest text that is read as a holds list, in bytes.
pub const MAX_TEXT: usize = 100_000;

/// What a hold is for in a climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Where the hands start.
    Start,
    /// For hands and feet.
    Other,
    /// For feet only.
    Feet,
    /// Where the climb ends.
    Top,
}

impl Role {
    /// Every role, in the order in which lists are usually written.
    pub const ALL: [Self; 4] = [Self::Start, Self::Other, Self::Feet, Self::Top];

    /// The letter before the hold's id.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Start => 'S',
            Self::Other => 'O',
            Self::Feet => 'F',
            Self::Top => 'T',
        }
    }

    /// The same letter as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "S",
            Self::Other => "O",
            Self::Feet => "F",
            Self::Top => "T",
        }
    }

    /// The role of a letter.
    #[must_use]
    pub const fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'S' => Some(Self::Start),
            'O' => Some(Self::Other),
            'F' => Some(Self::Feet),
            'T' => Some(Self::Top),
            _ => None,
        }
    }
}

/// One hold in one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldToken {
    /// What the hold is for.
    pub role: Role,
    /// Which hold.
    pub hold: HoldId,
}

impl fmt::Display for HoldToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.role.letter(), self.hold)
    }
}

/// Why a text is no holds list. Positions count bytes from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HoldsListError {
    /// There is no token.
    #[error("the holds list is empty; write it as S400166 O399938 T400602")]
    Empty,
    /// More text than any climb needs.
    #[error("the holds list has {0} bytes; at most {MAX_TEXT} are read")]
    TooLong(usize),
    /// A token does not begin with a role letter.
    #[error(
        "at position {position}: '{found}' does not begin with S (start), O (other), F (feet) or T (top)"
    )]
    Role {
        /// Where the token begins.
        position: usize,
        /// The token, shortened.
        found: String,
    },
    /// What follows the letter is not a hold's id as it is printed.
    #[error(
        "at position {position}: '{found}' must be a role letter and a hold's number without leading zeros"
    )]
    Hold {
        /// Where the token begins.
        position: usize,
        /// The token, shortened.
        found: String,
    },
    /// Tokens are parted by exactly one space, with none before or after.
    #[error("at position {position}: tokens must be parted by exactly one space")]
    Spacing {
        /// Where the space too many is.
        position: usize,
    },
}

/// A rule for climbs made here that a list breaks. Imported lists are kept even so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HoldsListViolation {
    /// No start.
    #[error("the climb needs at least one start hold (S)")]
    NoStart,
    /// No top.
    #[error("the climb needs at least one top hold (T)")]
    NoTop,
    /// Too few or too many holds.
    #[error("the climb has {0} holds; it may have 2 to 100")]
    HoldCount(usize),
    /// A hold twice in the same role.
    #[error("{0} stands in the list twice")]
    Twice(HoldToken),
    /// A hold that is not on the climb's face.
    #[error("hold {0} is not on this face")]
    NotOnFace(HoldId),
}

/// A climb's holds with their roles, in the order written. Printing gives back exactly what was parsed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HoldsList {
    tokens: Vec<HoldToken>,
}

impl HoldsList {
    /// Reads `TOKEN (SPACE TOKEN)*`.
    ///
    /// # Errors
    /// [`HoldsListError`], which names the position of the first thing wrong.
    pub fn parse(text: &str) -> Result<Self, HoldsListError> {
        if text.is_empty() {
            return Err(HoldsListError::Empty);
        }
        if text.len() > MAX_TEXT {
            return Err(HoldsListError::TooLong(text.len()));
        }
        let mut tokens = Vec::with_capacity(text.len() / 8 + 1);
        let mut position = 0;
        for part in text.split(' ') {
            tokens.push(Self::token(part, position)?);
            position += part.len() + 1;
        }
        Ok(Self { tokens })
    }

    fn token(part: &str, position: usize) -> Result<HoldToken, HoldsListError> {
        let found = || part.chars().take(24).collect::<String>();
        let mut letters = part.chars();
        let Some(letter) = letters.next() else {
            return Err(HoldsListError::Spacing { position });
        };
        let role =
            Role::from_letter(letter).ok_or_else(|| HoldsListError::Role { position, found: found() })?;
        let digits = letters.as_str();
        let plain = !digits.is_empty()
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        match digits.parse() {
            Ok(id) if plain => Ok(HoldToken { role, hold: HoldId(id) }),
            _ => Err(HoldsListError::Hold { position, found: found() }),
        }
    }

    /// The tokens in the order written.
    pub fn iter(&self) -> impl Iterator<Item = HoldToken> + '_ {
        self.tokens.iter().copied()
    }

    /// How many tokens there are; a hold in two roles counts twice.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Always false: an empty text is no list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The holds in one role, in the order written.
    pub fn in_role(&self, role: Role) -> impl Iterator<Item = HoldId> + '_ {
        self.iter().filter(move |token| token.role == role).map(|token| token.hold)
    }

    /// How many different holds there are.
    #[must_use]
    pub fn hold_count(&self) -> usize {
        self.iter().map(|token| token.hold).collect::<BTreeSet<_>>().len()
    }

    /// The same holds, sorted by role and id, each once: two lists that mean the same are then equal.
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self { tokens: self.iter().collect::<BTreeSet<_>>().into_iter().collect() }
    }

    /// The rules for climbs made here that this list breaks; empty when it breaks none.
    #[must_use]
    pub fn violations(&self) -> Vec<HoldsListViolation> {
        let mut found = Vec::new();
        if self.in_role(Role::Start).next().is_none() {
            found.push(HoldsListViolation::NoStart);
        }
        if self.in_role(Role::Top).next().is_none() {
            found.push(HoldsListViolation::NoTop);
        }
        // A climb may start and end on one hold: what counts is how many tokens one has to think of.
        if !(2..=100).contains(&self.len()) {
            found.push(HoldsListViolation::HoldCount(self.len()));
        }
        let mut seen = BTreeSet::new();
        found.extend(self.iter().filter(|token| !seen.insert(*token)).map(HoldsListViolation::Twice));
        found
    }

    /// Checks the list of a climb made here, whose holds must all be on its face.
    ///
    /// # Errors
    /// Every rule that is broken.
    pub fn validate_new(&self, on_face: impl Fn(HoldId) -> bool) -> Result<(), Vec<HoldsListViolation>> {
        let mut found = self.violations();
        let holds: BTreeSet<HoldId> = self.iter().map(|token| token.hold).collect();
        found.extend(holds.into_iter().filter(|hold| !on_face(*hold)).map(HoldsListViolation::NotOnFace));
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

impl fmt::Display for HoldsList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, token) in self.tokens.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            token.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for HoldsList {
    type Err = HoldsListError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
