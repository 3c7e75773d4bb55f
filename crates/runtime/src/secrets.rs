//! Secrets: read from the environment, a file or standard input, and the server's own signing secret.

use std::fs::{self, File};
use std::io::{self, BufRead, Read, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::exit::Failure;

/// The fewest bytes of a signing secret: the output size of SHA-256, as RFC 7518 (3.2) asks of an HS256 key.
pub const MIN_SIGNING_BYTES: usize = 32;

/// No token or password is longer, in bytes; a larger file is the wrong file.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The name of the signing secret's file in the data folder.
const KEY_FILE: &str = "secret.key";

/// Text that stands in examples and default settings, as it reads in lower case without separators.
const PLACEHOLDERS: [&str; 13] = [
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "placeholder",
    "yoursecret",
    "yourkey",
    "mysecret",
    "supersecret",
    "secretkey",
    "insecure",
    "example",
    "password",
];

/// The secret in an environment variable; `None` if it is unset or empty.
#[must_use]
pub fn secret_from_env(name: &str) -> Option<SecretString> {
    crate::settings::env(name).map(SecretString::from)
}

/// The secret in a file: all of it, without the white space around it. A file that others than its owner may read is
/// refused rather than tightened, since what was readable may have been read.
///
/// # Errors
/// A [`Failure`] that names the file and says what is wrong with it.
pub fn secret_from_file(path: &Path) -> Result<SecretString, Failure> {
    let unreadable = |error: io::Error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()))
            .hint("name a file that this user may read, with the secret alone in it")
    };
    let file = File::open(path).map_err(unreadable)?;
    refuse_shared_file(path, &file.metadata().map_err(unreadable)?)?;
    let mut text = String::new();
    file.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    whole_secret(text, &path.display().to_string())
}

/// The secret on the first line of standard input, for `--password-stdin`.
///
/// # Errors
/// A [`Failure`] if there is none.
pub fn secret_from_stdin() -> Result<SecretString, Failure> {
    secret_from_line(io::stdin().lock())
}

pub(crate) fn secret_from_line(reader: impl BufRead) -> Result<SecretString, Failure> {
    let mut line = String::new();
    reader
        .take(MAX_SECRET_BYTES + 1)
        .read_line(&mut line)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    // Only the line break goes: a password may begin or end with a space.
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    if u64::try_from(length).unwrap_or(u64::MAX) > MAX_SECRET_BYTES {
        return Err(Failure::usage("the first line of standard input is too long for a secret"));
    }
    if line.is_empty() {
        return Err(Failure::usage("no secret on standard input").hint("pipe it in, on one line"));
    }
    Ok(SecretString::from(line))
}

fn whole_secret(text: String, place: &str) -> Result<SecretString, Failure> {
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_SECRET_BYTES {
        return Err(Failure::usage(format!("{place} is too large to be a secret")));
    }
    let secret = text.trim();
    if secret.is_empty() {
        return Err(
            Failure::usage(format!("{place} is empty")).hint("put the secret into it, alone on one line")
        );
    }
    if secret.contains(['\n', '\r', '\0']) {
        return Err(Failure::usage(format!("{place} holds more than one line, so it is not a secret alone")));
    }
    Ok(SecretString::from(secret.to_owned()))
}

#[cfg(unix)]
fn refuse_shared_file(path: &Path, meta: &fs::Metadata) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = meta.permissions().mode() & 0o777;
    // Pipes, as in `<(pass show stokt)`, have no lasting content to protect.
    if meta.is_file() && mode & 0o077 != 0 {
        let path = path.display();
        return Err(Failure::usage(format!("{path} may be read by other users (mode {mode:04o})"))
            .hint(format!("chmod 600 {path}; if others have access to this machine, replace the secret")));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_shared_file(_path: &Path, _meta: &fs::Metadata) -> Result<(), Failure> {
    Ok(())
}

/// The secret that access tokens are signed with: the configured one if there is one, otherwise the one in
/// `<data_dir>/secret.key`, which is created with 256 random bits and mode 0600 where it does not exist.
/// Processes that start at the same moment agree on one.
///
/// # Errors
/// A [`Failure`] if the configured secret or the file's is shorter than [`MIN_SIGNING_BYTES`], looks like a default
/// or has too little variety, if the file may be read by other users, or if it cannot be read or created.
pub fn signing_secret(configured: Option<SecretString>, data_dir: &Path) -> Result<SecretString, Failure> {
    if let Some(secret) = known_signing_secret(configured, data_dir)? {
        return Ok(secret);
    }
    let path = data_dir.join(KEY_FILE);
    create_key(data_dir, &path)?;
    kept(&path)
}

/// The same as long as nothing has to be made for it: `None` where [`signing_secret`] would create one. For whoever
/// wants to leave nothing behind before they know that they can go on.
///
/// # Errors
/// As [`signing_secret`].
pub fn known_signing_secret(
    configured: Option<SecretString>,
    data_dir: &Path,
) -> Result<Option<SecretString>, Failure> {
    if let Some(secret) = configured {
        return strong("SECRET_KEY", secret).map(Some);
    }
    let path = data_dir.join(KEY_FILE);
    match fs::symlink_metadata(&path) {
        // A file in the place of the data folder is told by whoever makes the folder.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        _ => kept(&path).map(Some),
    }
}

fn kept(path: &Path) -> Result<SecretString, Failure> {
    strong(&path.display().to_string(), secret_from_file(path)?)
}

fn strong(place: &str, secret: SecretString) -> Result<SecretString, Failure> {
    match weakness(secret.expose_secret()) {
        None => Ok(secret),
        Some(weakness) => Err(Failure::usage(format!("the signing secret in {place} {weakness}")).hint(
            "set SECRET_KEY to the output of `openssl rand -base64 32`, or leave it unset and one is created",
        )),
    }
}

/// What is wrong with a signing secret; the text never holds any of it.
fn weakness(secret: &str) -> Option<String> {
    if secret.len() < MIN_SIGNING_BYTES {
        return Some(format!("has {} bytes, and at least {MIN_SIGNING_BYTES} are needed", secret.len()));
    }
    let bare: String = secret.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if PLACEHOLDERS.iter().any(|placeholder| bare.contains(placeholder)) {
        return Some("looks like a default from an example".to_owned());
    }
    let bytes = secret.as_bytes();
    let mut seen = [false; 256];
    for byte in bytes {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    // 32 random hexadecimal digits miss more than 8 of the 16 once in some hundred million times.
    if seen.iter().filter(|seen| **seen).count() < 8 {
        return Some("has fewer than 8 different characters".to_owned());
    }
    let repeats = |period: usize| bytes.iter().zip(bytes.iter().skip(period)).all(|(one, next)| one == next);
    if (1..=bytes.len() / 2).any(repeats) {
        return Some("repeats itself".to_owned());
    }
    None
}

/// Writes a new key under a temporary name and links it in place, unless another process was faster.
fn create_key(data_dir: &Path, path: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::usage(format!("cannot create {}: {error}", path.display()))
            .hint("make the data folder writable, or set SECRET_KEY")
    };
    crate::settings::create_data_dir(data_dir)?;
    let key = URL_SAFE_NO_PAD.encode(rand::random::<[u8; MIN_SIGNING_BYTES]>());
    // tempfile creates with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(data_dir).map_err(failed)?;
    writeln!(file, "{key}").and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            tracing::info!(path = %path.display(), "created a signing secret");
            Ok(())
        }
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

/// Where a token comes from: a file, or else the environment.
pub(crate) fn optional_secret(
    file: Option<&PathBuf>,
    env: Option<String>,
) -> Result<Option<SecretString>, Failure> {
    match file {
        Some(path) => secret_from_file(path).map(Some),
        None => Ok(env.map(SecretString::from)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file_with(mode: u32, content: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, content).unwrap();
        set_mode(&path, mode);
        (dir, path)
    }

    #[cfg(unix)]
    fn set_mode(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(unix)]
    fn mode_of(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_private_file_gives_its_secret_without_the_line_break() {
        let (_dir, path) = file_with(0o600, "  abc\n");
        assert_eq!(secret_from_file(&path).unwrap().expose_secret(), "abc");
    }

    #[cfg(unix)]
    #[test]
    fn s18_a_file_that_others_may_read_is_refused_and_left_as_it_is() {
        for mode in [0o640, 0o604, 0o660, 0o644] {
            let (_dir, path) = file_with(mode, "topsecretvalue");
            let failure = secret_from_file(&path).unwrap_err();
            let line = failure.to_string();
            assert!(line.contains(&format!("mode {mode:04o}")) && line.contains("chmod 600"), "{line}");
            assert!(!line.contains("topsecretvalue"));
            assert_eq!(mode_of(&path), mode);
        }
    }

    #[test]
    fn empty_many_lined_missing_and_huge_files_are_refused() {
        for content in ["", " \n", "one\ntwo", &"x".repeat(70_000)] {
            let (_dir, path) = file_with(0o600, content);
            assert!(secret_from_file(&path).is_err(), "{} bytes", content.len());
        }
        let failure = secret_from_file(Path::new("/nonexistent/token")).unwrap_err();
        assert!(failure.to_string().contains("/nonexistent/token"), "{failure}");
    }

    #[test]
    fn a_line_of_standard_input_keeps_its_spaces() {
        assert_eq!(secret_from_line(&b" pass word \r\nrest"[..]).unwrap().expose_secret(), " pass word ");
        assert!(secret_from_line(&b""[..]).is_err());
        assert!(secret_from_line(&b"\n"[..]).is_err());
        assert!(secret_from_line("x".repeat(70_000).as_bytes()).is_err());
    }

    #[test]
    fn s01_weak_signing_secrets_are_refused_without_repeating_them() {
        let dir = tempfile::tempdir().unwrap();
        for weak in [
            "",
            "tiny4",
            "0123456789abcdefghijklmnopqrstu",
            "please-change-me-please-change-me-now",
            "CHANGEME0123456789abcdefghijklmnopq",
            "this is my secret key for the server",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "0123456789abcdef0123456789abcdef",
            "correct-horse-correct-horse-correct-horse",
        ] {
            let outcome = signing_secret(Some(SecretString::from(weak)), dir.path());
            let line = outcome.err().unwrap_or_else(|| panic!("{weak:?} passed")).to_string();
            assert!(line.contains("SECRET_KEY") && (weak.is_empty() || !line.contains(weak)), "{line}");
        }
        assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "nothing is created instead");
    }

    #[test]
    fn a_strong_configured_secret_is_used_as_it_is() {
        let strong = "Zk3v9QmT7xLr2YpWc8NbHs5JdGf4Ae6U";
        let secret = signing_secret(Some(SecretString::from(strong)), Path::new("/nonexistent")).unwrap();
        assert_eq!(secret.expose_secret(), strong);
    }

    #[test]
    fn s01_a_key_is_created_once_and_only_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("new/data");
        let first = signing_secret(None, &data_dir).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(first.expose_secret()).unwrap().len(), 32);
        #[cfg(unix)]
        assert_eq!(mode_of(&data_dir.join("secret.key")), 0o600);
        let second = signing_secret(None, &data_dir).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(fs::read_dir(&data_dir).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn s01_racing_starts_agree_on_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let keys: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| signing_secret(None, dir.path()).unwrap().expose_secret().to_owned()))
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[cfg(unix)]
    #[test]
    fn s01_a_key_file_that_is_readable_by_others_empty_or_weak_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        for (mode, content) in
            [(0o644, "Zk3v9QmT7xLr2YpWc8NbHs5JdGf4Ae6U"), (0o600, ""), (0o600, "too short")]
        {
            fs::write(&path, content).unwrap();
            set_mode(&path, mode);
            let failure = signing_secret(None, dir.path()).unwrap_err();
            assert!(failure.to_string().contains("secret.key"), "{failure}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    proptest! {
        #[test]
        fn random_keys_are_never_called_weak(bytes in any::<[u8; 32]>()) {
            // A generated array may be all zeros after shrinking only; as generated it is random.
            prop_assume!(bytes.iter().collect::<std::collections::HashSet<_>>().len() > 16);
            prop_assert_eq!(weakness(&URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }
}
