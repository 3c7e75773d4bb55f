//! Passwords: how long they may be, how they are hashed, and how hashes of an older database still open the door once.
//!
//! Hashing takes tens of milliseconds and 19 MiB on purpose: never on an async worker, and only a few at a time
//! (`AppState::hashing`).

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};

/// The fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// The most characters of a password; none of them is ever dropped.
pub const MAX_PASSWORD_CHARS: usize = 128;

/// Memory of one hash, in KiB: 19 MiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Bcrypt looks at no more bytes than these; whoever made its hash was asked for the rest in vain.
const BCRYPT_BYTES: usize = 72;

/// A hash of today's cost that no password is known for: hashed against where there is nothing else, so that the time
/// does not tell that there was nothing.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$\
                      AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Why a password cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("has {found} characters; a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS}")]
    Length {
        /// How many it has.
        found: usize,
    },
    /// Hashing failed, which would be a defect or a lack of memory.
    #[error("the password could not be hashed: {0}")]
    Hashing(String),
}

/// Whether a password may be chosen. It is taken as it is: nothing is trimmed or composed.
///
/// # Errors
/// [`PasswordError::Length`].
pub fn check(password: &str) -> Result<(), PasswordError> {
    let found = password.chars().count();
    if (MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&found) {
        Ok(())
    } else {
        Err(PasswordError::Length { found })
    }
}

/// The hash of a password that may be chosen, as a PHC string (argon2id, 19 MiB, two passes, a salt of its own).
/// Slow on purpose.
///
/// # Errors
/// [`PasswordError`].
pub fn hash(password: &str) -> Result<String, PasswordError> {
    check(password)?;
    hash_any(password)
}

/// The same without the rule about lengths: for passwords of an older database that had another.
fn hash_any(password: &str) -> Result<String, PasswordError> {
    let hash: Result<PasswordHash, _> = hasher()?.hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| PasswordError::Hashing(error.to_string()))
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| PasswordError::Hashing(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// What became of a password at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not this account's, or there is none.
    Wrong,
    /// Right.
    Right,
    /// Right, and to be kept as this hash from now on: the old one is weaker than what is made today.
    RightButWeak(String),
}

/// Compares a password with the hash that an account has. Where there is no account or no usable hash, as much work is
/// done for nothing.
///
/// # Errors
/// [`PasswordError::Hashing`] when a weak hash could not be replaced.
pub(crate) fn verify(stored: Option<&str>, password: &str) -> Result<Verdict, PasswordError> {
    let right = match stored {
        Some(stored) if is_bcrypt(stored) => {
            // Compared also when it is too long, for the time; bcrypt itself would drop the rest.
            let equal = bcrypt::verify(password.as_bytes(), stored).unwrap_or(false);
            equal && password.len() <= BCRYPT_BYTES
        }
        Some(stored) => match PasswordHash::new(stored) {
            Ok(parsed) if parsed.hash.is_some() => {
                hasher()?.verify_password(password.as_bytes(), &parsed).is_ok()
            }
            _ => against_nobody(password)?,
        },
        None => against_nobody(password)?,
    };
    match stored {
        Some(stored) if right && is_weak(stored) => Ok(Verdict::RightButWeak(hash_any(password)?)),
        _ if right => Ok(Verdict::Right),
        _ => Ok(Verdict::Wrong),
    }
}

/// Spends the time of a comparison. Always wrong.
fn against_nobody(password: &str) -> Result<bool, PasswordError> {
    if let Ok(nobody) = PasswordHash::new(NOBODY) {
        let _wrong = hasher()?.verify_password(password.as_bytes(), &nobody);
    }
    Ok(false)
}

/// `$2x$` is left out: it marks hashes of a broken implementation.
fn is_bcrypt(stored: &str) -> bool {
    ["$2a$", "$2b$", "$2y$"].iter().any(|start| stored.starts_with(start))
}

/// Whether a hash that was made elsewhere or long ago costs less than one of today.
fn is_weak(stored: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(stored) else { return true };
    let Ok(params) = Params::try_from(&parsed) else { return true };
    parsed.algorithm != ARGON2ID_IDENT
        || parsed.version != Some(Version::V0x13.into())
        || params.m_cost() < MEMORY_KIB
        || params.t_cost() < PASSES
        || params.p_cost() < LANES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weaker(algorithm: Algorithm, memory: u32, passes: u32) -> String {
        let params = Params::new(memory, passes, 1, None).unwrap();
        let hash: PasswordHash =
            Argon2::new(algorithm, Version::V0x13, params).hash_password(b"correct horse").unwrap();
        hash.to_string()
    }

    #[test]
    fn s05_passwords_have_8_to_128_characters_and_all_of_them_count() {
        for (password, fits) in [
            ("1234567", false),
            ("12345678", true),
            ("éééééééé", true),
            (" 12345 ", false),
            ("       \0", true),
        ] {
            assert_eq!(check(password).is_ok(), fits, "{password:?}");
        }
        let longest = "é".repeat(MAX_PASSWORD_CHARS);
        let hashed = hash(&longest).unwrap();
        assert_eq!(hash(&format!("{longest}é")), Err(PasswordError::Length { found: 129 }));
        assert_eq!(verify(Some(&hashed), &longest).unwrap(), Verdict::Right);
        let mut other = "é".repeat(MAX_PASSWORD_CHARS - 1);
        for end in ["", "e", "e\u{301}", "éé"] {
            assert_eq!(verify(Some(&hashed), &format!("{other}{end}")).unwrap(), Verdict::Wrong, "{end:?}");
        }
        other.insert(0, ' ');
        assert_eq!(verify(Some(&hashed), &other).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn s05_hashes_are_argon2id_of_at_least_19_mib_and_two_passes_with_a_salt_of_their_own() {
        let (one, two) = (hash("correct horse").unwrap(), hash("correct horse").unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(!is_weak(&one));
        // The hash for nobody costs the same.
        assert!(PasswordHash::new(NOBODY).is_ok() && !is_weak(NOBODY));
        assert!(NOBODY.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[test]
    fn s05_weak_hashes_open_once_and_are_replaced() {
        for weak in [
            weaker(Algorithm::Argon2id, 8 * 1024, 2),
            weaker(Algorithm::Argon2id, 19 * 1024, 1),
            weaker(Algorithm::Argon2i, 19 * 1024, 2),
        ] {
            assert_eq!(verify(Some(&weak), "wrong horse").unwrap(), Verdict::Wrong);
            let Verdict::RightButWeak(better) = verify(Some(&weak), "correct horse").unwrap() else {
                panic!("{weak} was not replaced");
            };
            assert_eq!(verify(Some(&better), "correct horse").unwrap(), Verdict::Right);
        }
        let stronger = weaker(Algorithm::Argon2id, 20 * 1024, 3);
        assert_eq!(verify(Some(&stronger), "correct horse").unwrap(), Verdict::Right);
    }

    #[test]
    fn s05_bcrypt_hashes_of_each_kind_open_once_and_are_replaced() {
        let parts = bcrypt::hash_with_salt("kurz", 4, [7; 16]).unwrap();
        for version in [bcrypt::Version::TwoA, bcrypt::Version::TwoB, bcrypt::Version::TwoY] {
            let stored = parts.format_for_version(version);
            assert_eq!(verify(Some(&stored), "Kurz").unwrap(), Verdict::Wrong);
            // Shorter than what may be chosen today, and still its owner's.
            assert!(matches!(verify(Some(&stored), "kurz").unwrap(), Verdict::RightButWeak(_)), "{stored}");
        }
        let broken = parts.format_for_version(bcrypt::Version::TwoX);
        assert_eq!(verify(Some(&broken), "kurz").unwrap(), Verdict::Wrong);
    }

    #[test]
    fn s05_bcrypt_drops_nothing_of_a_long_password() {
        let most = "x".repeat(BCRYPT_BYTES);
        let stored = bcrypt::hash(&most, 4).unwrap();
        assert!(matches!(verify(Some(&stored), &most).unwrap(), Verdict::RightButWeak(_)));
        assert_eq!(verify(Some(&stored), &format!("{most}y")).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn s05_what_is_no_hash_opens_nothing() {
        for stored in
            ["", "none", "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5", "$2b$12$", "$2b$04$short"]
        {
            assert_eq!(verify(Some(stored), stored).unwrap(), Verdict::Wrong, "{stored:?}");
            assert_eq!(verify(Some(stored), "").unwrap(), Verdict::Wrong, "{stored:?}");
        }
        assert_eq!(verify(None, "anything").unwrap(), Verdict::Wrong);
    }
}
