//! Where the workspace and the real board are.

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("crates/test-support is two folders below the root").to_path_buf()
}

/// The folder with `climbs.json`, `setup.json` and `wall.jpg` of a real board: `MASTOC_BOARD_DATA`, else
/// `../shared/data/montoboard` beside the workspace. Where there is none, a line says that a part is skipped.
///
/// # Panics
/// If `MASTOC_BOARD_DATA` is set and is no such folder: whoever sets it wants the test.
#[must_use]
pub fn real_board_dir() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MASTOC_BOARD_DATA").filter(|value| !value.is_empty()) {
        let named = PathBuf::from(named);
        assert!(
            is_board(&named),
            "MASTOC_BOARD_DATA={} has no climbs.json, setup.json and wall.jpg",
            named.display()
        );
        return Some(named);
    }
    let beside = workspace_root().join("../shared/data/montoboard");
    if is_board(&beside) {
        return Some(beside);
    }
    println!(
        "skipped: no real board (set MASTOC_BOARD_DATA to a folder with climbs.json, setup.json and wall.jpg)"
    );
    None
}

fn is_board(folder: &Path) -> bool {
    ["climbs.json", "setup.json", "wall.jpg"].iter().all(|name| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_where_the_members_are_named() {
        let manifest = std::fs::read_to_string(workspace_root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_board_is_all_three_files_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_board(dir.path()));
        for name in ["climbs.json", "setup.json", "wall.jpg"] {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        assert!(is_board(dir.path()));
    }
}
