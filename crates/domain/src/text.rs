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
    /// Nothing that can be seen.
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

/// Whether a character breaks a line although it is no control character.
fn breaks_line(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Whether a character takes no room and shows nothing by itself; a name of nothing else cannot be seen.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e01ef}'
    )
}

/// `lines`: whether the text may stand on several lines.
fn strict(text: &str, most: usize, lines: bool) -> Result<String, TextError> {
    let text: String = text.trim().nfc().collect();
    let may_stand = |letter: char| lines && matches!(letter, '\n' | '\r' | '\t');
    let forbidden = |letter: &char| {
        letter.is_control() && !may_stand(*letter) || turns_direction(*letter) || breaks_line(*letter)
    };
    if let Some(letter) = text.chars().find(forbidden) {
        return Err(TextError::Forbidden(u32::from(letter)));
    }
    if text.chars().all(|letter| letter.is_whitespace() || is_invisible(letter)) {
        return Err(TextError::Empty);
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
                strict(text, $most, false).map(Self)
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

strict_text! {
    /// The name of a list of climbs: 1 to 100 characters.
    ListName, 100
}

strict_text! {
    /// The name that a person shows to others: 1 to 255 characters.
    PersonName, 255
}

/// The name that a person logs in with: 3 to 50 characters, without '@', which tells it from an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

/// Why a text is no user name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UsernameError {
    /// As for every name.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Too short.
    #[error("must have at least {} characters", Username::MIN)]
    TooShort,
    /// It could be taken for an e-mail address.
    #[error("must not contain '@'")]
    At,
}

impl Username {
    /// The fewest characters it may have.
    pub const MIN: usize = 3;
    /// The most characters it may have.
    pub const MAX: usize = 50;

    /// Trims, composes (NFC) and checks.
    ///
    /// # Errors
    /// [`UsernameError`] when it is too short or too long, or holds '@', control or direction characters.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        let text = strict(text, Self::MAX, false)?;
        if text.contains('@') {
            return Err(UsernameError::At);
        }
        if text.chars().count() < Self::MIN {
            return Err(UsernameError::TooShort);
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is told about a climb: at most 2,000 characters, which may stand on several lines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Description(String);

impl Description {
    /// The most characters it may have.
    pub const MAX: usize = 2_000;

    /// Trims, composes (NFC) and checks.
    ///
    /// # Errors
    /// [`TextError`] when it is empty, too long, or holds direction characters, or control characters other than line
    /// breaks and tabs.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        strict(text, Self::MAX, true).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks a name that is imported: anything but control characters and excess, since it is kept as it is. Names stand
/// in lists, logs and terminals, where control characters do harm.
///
/// # Errors
/// [`TextError::Forbidden`] for NUL and the other control characters; [`TextError::TooLong`] above
/// [`MAX_IMPORTED_NAME`] characters.
pub fn check_imported_name(text: &str) -> Result<(), TextError> {
    check_imported_path(text)?;
    let found = text.chars().count();
    if found > MAX_IMPORTED_NAME {
        return Err(TextError::TooLong { found, most: MAX_IMPORTED_NAME, unit: "characters" });
    }
    Ok(())
}

/// Checks an imported path or address: as any text, but in requests, headers and logs control characters do harm.
///
/// # Errors
/// [`TextError::Forbidden`] for NUL and the other control characters; [`TextError::TooLong`] above
/// [`MAX_IMPORTED_TEXT`] bytes.
pub fn check_imported_path(text: &str) -> Result<(), TextError> {
    check_imported_text(text)?;
    match text.chars().find(|letter| letter.is_control()) {
        Some(control) => Err(TextError::Forbidden(u32::from(control))),
        None => Ok(()),
    }
}

/// Checks any other imported text, which may have lines and tabs.
///
/// # Errors
/// [`TextError::Forbidden`] for NUL, which no database keeps; [`TextError::TooLong`] above
/// [`MAX_IMPORTED_TEXT`] bytes.
pub fn check_imported_text(text: &str) -> Result<(), TextError> {
    if text.len() > MAX_IMPORTED_TEXT {
        return Err(TextError::TooLong { found: text.len(), most: MAX_IMPORTED_TEXT, unit: "bytes" });
    }
    if text.contains('\0') { Err(TextError::Forbidden(0)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_trimmed_and_composed() {
        let name = ClimbName::parse("  E\u{301}clair 👩\u{200d}🚀  ").unwrap();
        assert_eq!(name.as_str(), "Éclair 👩\u{200d}🚀");
        assert_eq!(name.to_string(), name.as_str());
    }

    #[test]
    fn a_name_can_be_seen_and_does_not_disguise_itself() {
        for empty in ["", " ", "\u{a0}\u{3000}", "\u{200b}", "\u{feff} \u{2060}", "\u{3164}"] {
            assert_eq!(ClimbName::parse(empty), Err(TextError::Empty), "{empty:?}");
        }
        for bad in ['\0', '\n', '\u{7f}', '\u{85}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{2028}'] {
            let text = format!("a{bad}b");
            assert_eq!(ClimbName::parse(&text), Err(TextError::Forbidden(u32::from(bad))), "{bad:?}");
            assert_eq!(FeetRule::parse(&text), Err(TextError::Forbidden(u32::from(bad))), "{bad:?}");
        }
        assert_eq!(TextError::Forbidden(0x202e).to_string(), "must not contain the character U+202E");
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(ClimbName::parse(&"é".repeat(255)).is_ok());
        let refused = TextError::TooLong { found: 256, most: 255, unit: "characters" };
        assert_eq!(refused.to_string(), "has 256 characters; at most 255 are allowed");
        assert_eq!(ClimbName::parse(&"é".repeat(256)), Err(refused));
        assert!(ClimbName::parse(&"e\u{301}".repeat(255)).is_ok());
        assert!(FeetRule::parse(&"x".repeat(100)).is_ok());
        assert!(FeetRule::parse(&"x".repeat(101)).is_err());
    }

    #[test]
    fn s09_a_user_name_is_no_address_and_can_be_read() {
        assert_eq!(Username::parse(" Zoe\u{308} ").unwrap().as_str(), "Zoë");
        assert_eq!(Username::parse("ab"), Err(UsernameError::TooShort));
        assert_eq!(Username::parse("anna@home"), Err(UsernameError::At));
        assert_eq!(Username::parse("a\0bc"), Err(TextError::Forbidden(0).into()));
        assert_eq!(Username::parse(" \u{200b} "), Err(TextError::Empty.into()));
        assert!(Username::parse(&"é".repeat(50)).is_ok());
        assert!(Username::parse(&"é".repeat(51)).is_err());
    }

    #[test]
    fn a_description_may_have_lines() {
        assert_eq!(Description::parse(" one\r\n\ttwo ").unwrap().as_str(), "one\r\n\ttwo");
        assert_eq!(Description::parse("\u{200b}\n"), Err(TextError::Empty));
        for bad in ['\0', '\u{1b}', '\u{202e}', '\u{2028}'] {
            let refused = Err(TextError::Forbidden(u32::from(bad)));
            assert_eq!(Description::parse(&format!("a{bad}b")), refused, "{bad:?}");
        }
        assert!(Description::parse(&"é".repeat(2_000)).is_ok());
        assert!(Description::parse(&"é".repeat(2_001)).is_err());
    }

    #[test]
    fn what_is_imported_is_kept_but_for_control_characters_in_names() {
        for kept in ["", "  ", "\u{202e}x", "👩\u{200d}🚀"] {
            assert_eq!(check_imported_name(kept), Ok(()), "{kept:?}");
        }
        for control in ['\0', '\n', '\u{1b}', '\u{7f}', '\u{85}'] {
            let refused = Err(TextError::Forbidden(u32::from(control)));
            assert_eq!(check_imported_name(&format!("a{control}")), refused, "{control:?}");
        }
        assert_eq!(check_imported_text("two\n\tlines\r\n"), Ok(()));
        assert_eq!(check_imported_text("a\0"), Err(TextError::Forbidden(0)));
        assert!(check_imported_name(&"é".repeat(MAX_IMPORTED_NAME)).is_ok());
        assert!(check_imported_name(&"é".repeat(MAX_IMPORTED_NAME + 1)).is_err());
        assert!(check_imported_text(&"x".repeat(MAX_IMPORTED_TEXT)).is_ok());
        assert!(check_imported_text(&"x".repeat(MAX_IMPORTED_TEXT + 1)).is_err());
    }

    proptest! {
        #[test]
        fn a_name_once_read_reads_the_same_again(text in "\\PC{0,300}") {
            if let Ok(name) = ClimbName::parse(&text) {
                prop_assert_eq!(ClimbName::parse(name.as_str()).unwrap(), name.clone());
                prop_assert!(check_imported_name(name.as_str()).is_ok());
            }
        }
    }
}
