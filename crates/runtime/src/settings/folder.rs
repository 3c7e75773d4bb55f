//! The data folder: where pictures, the signing secret and the default database live.

use std::fs;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// The data folder where none is configured: `$XDG_DATA_HOME/mastoc`, else `~/.local/share/mastoc`, else `./data`.
/// (XDG Base Directory Specification: a relative `XDG_DATA_HOME` is ignored.)
#[must_use]
pub fn default_data_dir() -> PathBuf {
    default_data_dir_with(&crate::settings::env)
}

pub(crate) fn default_data_dir_with(env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let absolute = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(data) = absolute("XDG_DATA_HOME") {
        data.join("mastoc")
    } else if let Some(home) = absolute("HOME") {
        home.join(".local/share/mastoc")
    } else {
        PathBuf::from("data")
    }
}

/// Creates the data folder, with what is missing above it, for its owner alone: it holds secrets and addresses.
/// One that exists is left as it is.
///
/// # Errors
/// A [`Failure`] that names the folder.
pub fn create_data_dir(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    builder.create(path).map_err(|error| {
        // In one text: the engine's errors have no place for a hint.
        Failure::usage(format!(
            "cannot create the data folder {}: {error}; choose another one with --data-dir",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_follows_xdg_then_home_then_here() {
        let with = |pairs: &[(&str, &str)]| {
            let pairs: Vec<(String, String)> =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            default_data_dir_with(&move |name| {
                pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            })
        };
        assert_eq!(with(&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")]), Path::new("/x/mastoc"));
        assert_eq!(with(&[("XDG_DATA_HOME", "rel"), ("HOME", "/h")]), Path::new("/h/.local/share/mastoc"));
        assert_eq!(with(&[]), Path::new("data"));
    }

    #[test]
    fn a_folder_is_created_for_its_owner_and_a_file_in_its_place_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        create_data_dir(&path).unwrap();
        create_data_dir(&path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let failure = create_data_dir(&file.join("data")).unwrap_err();
        assert!(failure.message.contains("file/data") && failure.message.contains("--data-dir"), "{failure}");
        let failure = create_data_dir(&file).unwrap_err();
        assert!(failure.message.contains("--data-dir"), "{failure}");
    }
}
