//! E-mail addresses: as browsers check them in forms, which is what mail can really be sent to.

use std::fmt;

use thiserror::Error;

/// The longest address, in characters.
const LONGEST: usize = 254;
/// The longest part before the '@'.
const LONGEST_LOCAL: usize = 64;
/// The longest name between two dots of a domain.
const LONGEST_LABEL: usize = 63;

/// An e-mail address, as its owner writes it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// The text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not an e-mail address such as anna@example.org")]
pub struct NoEmail;

/// Addresses do not belong into logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email")
    }
}

impl Email {
    /// The longest address, in characters.
    pub const MAX: usize = LONGEST;

    /// Trims and checks.
    ///
    /// # Errors
    /// [`NoEmail`].
    pub fn parse(text: &str) -> Result<Self, NoEmail> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(NoEmail)?;
        let fits = text.len() <= LONGEST
            && local.len() <= LONGEST_LOCAL
            && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom))
            && domain.split('.').all(is_label);
        if fits { Ok(Self(text.to_owned())) } else { Err(NoEmail) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte)
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mail_can_be_sent_to_are_taken_as_they_are_written() {
        for (text, address) in [
            ("anna@example.org", "anna@example.org"),
            (" Anna.O'Hara+wall@Example.ORG ", "Anna.O'Hara+wall@Example.ORG"),
            ("a@localhost", "a@localhost"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), address);
        }
        let longest = format!("{}@{}.de", "a".repeat(64), "b".repeat(63));
        assert!(Email::parse(&longest).is_ok());
    }

    #[test]
    fn s14_anything_else_is_refused() {
        for text in [
            "",
            "@",
            "anna",
            "anna@",
            "@example.org",
            "a@b@c",
            "a b@example.org",
            "a@exa mple.org",
            "a..b@example.org",
            ".a@example.org",
            "a.@example.org",
            "a@-b.org",
            "a@b-.org",
            "a@b..org",
            "a@b.org.",
            "a\0@b.org",
            "a\n@b.org",
            "a@b.org\r\nBcc: x@y.org",
            "\"a\"@b.org",
            "é@b.org",
            "Anna <anna@example.org>",
            "a@[127.0.0.1]",
        ] {
            assert_eq!(Email::parse(text), Err(NoEmail), "{text:?}");
        }
        assert!(Email::parse(&format!("{}@b.org", "a".repeat(65))).is_err());
        assert!(Email::parse(&format!("a@{}.org", "b".repeat(64))).is_err());
        assert!(Email::parse(&format!("a@{}", vec!["b".repeat(50); 6].join("."))).is_err());
        assert!(!format!("{:?}", Email::parse("anna@example.org").unwrap()).contains("anna"));
    }
}
