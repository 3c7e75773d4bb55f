//! What texts may hold: strict rules for what is written here, tolerant ones for what is imported.

use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

/// The longest name of an imported climb, gym or person, in characters.
pub const MAX_IMPORTED_NAME: usize = 1_000;
/// The longest imported text of any kind, in bytes.
pub const MAX_IMPORTED_TEXT: usize = 100_000;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Too long.
    #[error("has {found} {unit}; at most {most} are allowed")]
    TooLong {
        /// How long it is.
        found: usize,
        /// How long it may be.
        most: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// A character that would break lists, logs or databases.
    #[error("must not contain the character U+{0:04X}")]
    Forbidden(u32),
}

/// Whether a character turns the direction of the text around it, which disguises names.
fn turns_direction(letter: char) -> bool {
    matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn strict(text: &str, most: usize) -> Result<String, TextError> {
    let text: String = text.trim().nfc().collect();
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if let Some(letter) = text.chars().find(|letter| letter.is_control() || turns_direction(*letter)) {
        return Err(TextError::Forbidden(u32::from(letter)));
    }
    let found = text.chars().count();
    if found > most {
        return Err(TextError::TooLong { found, most, unit: "characters" });
    }
    Ok(text)
}

macro_rules! strict_text {
    ($(#[$doc:meta])* $name:ident, $most:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The most characters it may have.
            pub const MAX: usize = $most;

            /// Trims, composes (NFC) and checks.
            ///
            /// # Errors
            /// [`TextError`] when it is empty, too long, or holds control or direction characters.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                strict(text, $most).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

strict_text! {
    /// The name of a climb made here: 1 to 255 characters.
    ClimbName, 255
}
strict_text! {
    /// What feet may use, as free text of at most 100 characters.
    FeetRule, 100
}

/// Checks a name that is imported: anything but NUL and excess, since it is kept as it is.
///
/// # Errors
/// [`TextError::Forbidden`] for NUL, which no database keeps; [`TextError::TooLong`] above
/// [`MAX_IMPORTED_NAME`] characters.
pub fn check_imported_name(text: &str) -> Result<(), TextError> {
    check_imported_text(text)?;
    let found = text.chars().count();
    if found > MAX_IMPORTED_NAME {
        return Err(TextError::TooLong { found, most: MAX_IMPORTED_NAME, unit: "characters" });
    }
    Ok(())
}

/// Checks any other imported text.
///
/// # Errors
/// As [`check_imported_name`], with [`MAX_IMPORTED_TEXT`] bytes.
pub fn check_imported_text(text: &str) -> Result<(), TextError> {
    if text.len() > MAX_IMPORTED_TEXT {
        return Err(TextError::TooLong { found: text.len(), most: MAX_IMPORTED_TEXT, unit: "bytes" });
    }
    if text.contains('\0') { Err(TextError::Forbidden(0)) } else { Ok(()) }
}
