//! The macro behind every enumeration that has one fixed word per value on the wire and in the databases.

/// The text is none of the words of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{found}' is none of: {expected}")]
pub struct UnknownWord {
    /// What was found, shortened.
    pub found: String,
    /// The words that are known.
    pub expected: &'static str,
}

/// Declares an enumeration with `as_str`, `ALL`, `FromStr`, `Display` and serde by the same words.
macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used on the wire and in the databases.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err($crate::words::UnknownWord {
                        found: other.chars().take(40).collect(),
                        expected: concat!($($word, ", "),+).trim_end_matches(", "),
                    }),
                }
            }
        }
    };
}
pub(crate) use word_enum;

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro is made for enumerations that others see")]
mod tests {
    word_enum! {
        /// For these tests.
        Direction {
            /// One way.
            Up = "up",
            /// The other.
            DownHill = "down_hill",
        }
    }

    #[test]
    fn a_word_is_the_same_everywhere() {
        for value in Direction::ALL {
            assert_eq!(value.to_string(), value.as_str());
            assert_eq!(value.as_str().parse::<Direction>().unwrap(), *value);
            let json = serde_json::to_string(value).unwrap();
            assert_eq!(json, format!("\"{value}\""));
            assert_eq!(serde_json::from_str::<Direction>(&json).unwrap(), *value);
        }
        assert_eq!(Direction::DownHill.as_str(), "down_hill");
        assert!(Direction::Up < Direction::DownHill);
    }

    #[test]
    fn any_other_word_is_refused_with_the_known_ones() {
        for text in ["", "Up", "up ", "down-hill"] {
            assert!(text.parse::<Direction>().is_err(), "{text:?}");
            assert!(serde_json::from_value::<Direction>(text.into()).is_err(), "{text:?}");
        }
        let refused = "é".repeat(100).parse::<Direction>().unwrap_err();
        assert_eq!(refused.to_string(), format!("'{}' is none of: up, down_hill", "é".repeat(40)));
    }
}
