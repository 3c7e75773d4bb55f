//! SQLite databases that vanish with the test.

use std::path::{Path, PathBuf};

/// A place for an SQLite database in a folder of its own, which is removed on drop together with the journal.
#[derive(Debug)]
pub struct TempSqlite {
    folder: tempfile::TempDir,
    url: String,
}

impl TempSqlite {
    /// The file, which does not exist until somebody creates it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("test.sqlite3")
    }

    /// The folder around it, usable as a data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file as `sqlite:///...`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A fresh place for an SQLite database.
///
/// # Panics
/// If no temporary folder can be created.
#[must_use]
pub fn fresh_path() -> TempSqlite {
    let folder = tempfile::Builder::new().prefix("mastoc-sqlite-").tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}", folder.path().join("test.sqlite3").display());
    TempSqlite { folder, url }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_differ_and_vanish() {
        let (one, two) = (fresh_path(), fresh_path());
        assert_ne!(one.path(), two.path());
        assert_eq!(one.url(), format!("sqlite://{}", one.path().display()));
        std::fs::write(one.path(), b"x").unwrap();
        let path = one.path();
        drop(one);
        assert!(!path.exists());
    }
}
