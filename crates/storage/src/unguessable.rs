//! Secrets that cannot be guessed: how they are made, and what is kept of them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The random bytes of a secret: 256 bits.
const BYTES: usize = 32;
/// How many characters a secret has: its bytes in base64.
pub(crate) const LENGTH: usize = 43;

/// A new secret, fit for URLs.
pub(crate) fn make() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; BYTES]>())
}

/// Whether a text could be a secret of ours.
pub(crate) fn is_one(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|secret| secret.len() == BYTES)
}

/// What is kept of a secret: SHA-256 in hexadecimal. What cannot be guessed needs a hash that is neither slow nor
/// salted.
pub(crate) fn hash(secret: &str) -> String {
    Sha256::digest(secret).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _written = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_known_by_their_hashes() {
        let (one, other) = (make(), make());
        assert_ne!(one, other);
        assert!(is_one(&one) && one.len() == LENGTH);
        assert!(!is_one("") && !is_one(&one[1..]) && !is_one(&format!("{one}A")));
        assert_ne!(hash(&one), hash(&other));
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
