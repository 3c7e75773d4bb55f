//! The house itself: dependency arrows, licences, file sizes and the layout of the top level.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which crates of ours each crate may use, apart from tests. A crate that is not named here fails the test.
const ARROWS: &[(&str, &[&str])] = &[
    ("mastoc-domain", &[]),
    ("mastoc-stokt-client", &[]),
    ("mastoc-stokt-sim", &[]),
    ("mastoc-runtime", &[]),
    ("mastoc-media", &["mastoc-domain"]),
    ("mastoc-storage", &["mastoc-domain"]),
    ("mastoc-client", &["mastoc-domain"]),
    (
        "mastoc-sync-engine",
        &["mastoc-client", "mastoc-domain", "mastoc-media", "mastoc-storage", "mastoc-stokt-client"],
    ),
    ("mastoc-http-api", &["mastoc-domain", "mastoc-media", "mastoc-storage"]),
    ("mastoc-test-support", &["mastoc-domain"]),
    (
        "mastoc-server-cli",
        &["mastoc-domain", "mastoc-http-api", "mastoc-media", "mastoc-runtime", "mastoc-storage"],
    ),
    ("mastoc-sync-cli", &["mastoc-runtime", "mastoc-storage", "mastoc-sync-engine"]),
    ("mastoc-server", &["mastoc-server-cli"]),
    ("mastoc-import", &["mastoc-sync-cli"]),
    ("mastoc-sync", &["mastoc-sync-cli"]),
    ("stokt-sim", &["mastoc-runtime", "mastoc-stokt-sim"]),
    ("mastoc-tests", &[]),
    (
        "mastoc-benches",
        &[
            "mastoc-domain",
            "mastoc-http-api",
            "mastoc-media",
            "mastoc-storage",
            "mastoc-stokt-client",
            "mastoc-stokt-sim",
            "mastoc-test-support",
        ],
    ),
];

/// Crates from outside that only the named crates of ours may use, apart from tests.
const KEPT_TO: &[(&str, &[&str])] = &[
    ("diesel", &["mastoc-storage", "mastoc-benches"]),
    ("diesel_migrations", &["mastoc-storage"]),
    ("libsqlite3-sys", &["mastoc-storage"]),
    ("pq-sys", &["mastoc-storage"]),
    ("actix-web", &["mastoc-http-api", "mastoc-benches"]),
    ("image", &["mastoc-media", "mastoc-stokt-sim"]),
    ("fast_image_resize", &["mastoc-media"]),
    ("ureq", &["mastoc-stokt-client", "mastoc-client", "mastoc-benches"]),
    ("hyper", &["mastoc-stokt-sim"]),
    ("tracing-subscriber", &["mastoc-runtime"]),
    ("indicatif", &["mastoc-runtime"]),
];

/// What `mastoc-domain` may use: nothing that does I/O.
const DOMAIN_USES: &[&str] = &["chrono", "serde", "serde_json", "thiserror", "unicode-normalization", "uuid"];

/// Licences that the binaries may carry.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "0BSD",
    "Unlicense",
    "PostgreSQL",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "bzip2-1.0.6",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Name -> names of the crates it uses outside of tests, for the crates of this workspace.
fn uses(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| members.contains(package["id"].as_str().unwrap()))
        .map(|package| {
            let used = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect();
            (package["name"].as_str().unwrap().to_owned(), used)
        })
        .collect()
}

#[test]
fn dependency_arrows_point_as_the_architecture_draws_them() {
    let uses = uses(&metadata());
    let arrows: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(name, allowed)| (*name, allowed.iter().copied().collect())).collect();
    assert_eq!(
        uses.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        arrows.keys().copied().collect::<BTreeSet<_>>(),
        "every crate has its arrows written down here, and no arrow speaks of a crate that is gone"
    );
    let mut wrong = Vec::new();
    for (name, used) in &uses {
        for other in used.iter().filter(|other| uses.contains_key(*other)) {
            if !arrows[name.as_str()].contains(other.as_str()) {
                wrong.push(format!("{name} must not use {other}"));
            }
        }
        for (outside, keepers) in KEPT_TO {
            if used.contains(*outside) && !keepers.contains(&name.as_str()) {
                wrong.push(format!("{name} must not use {outside}: only {keepers:?} may"));
            }
        }
    }
    for used in &uses["mastoc-domain"] {
        if !DOMAIN_USES.contains(&used.as_str()) {
            wrong.push(format!("mastoc-domain must not use {used}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_has_a_permissive_licence() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let Some(text) = package["license"].as_str() else {
            wrong.push(format!("{name} names no licence"));
            continue;
        };
        match spdx::Expression::parse_mode(text, spdx::ParseMode::LAX) {
            Err(error) => wrong.push(format!("{name}: cannot read the licence '{text}': {error}")),
            Ok(expression) => {
                let fine = expression.evaluate(|requirement| {
                    requirement.license.id().is_some_and(|id| LICENCES.contains(&id.name))
                });
                if !fine {
                    wrong.push(format!("{name}: {text} is not a permissive licence that we accept"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["crates", "bins", "tests", "benches"].iter().map(|name| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target" && name != "snapshots") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn files_open_with_a_sentence_and_stay_readable() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        if !text.starts_with("//! ") {
            wrong.push(format!("{shown} does not open with a sentence saying what lives there"));
        }
        let lines = text.lines().count();
        if lines > 450 {
            wrong.push(format!("{shown} has {lines} lines: split it"));
        }
        for word in ["todo!(", "unimplemented!(", "FIXME"] {
            if text.contains(word) && !shown.ends_with("house.rs") {
                wrong.push(format!("{shown} contains {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_top_level_holds_what_the_architecture_names() {
    // What git keeps; a tree without git has nothing else in it.
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    let text = match listed {
        Ok(listed) if listed.status.success() => String::from_utf8(listed.stdout).unwrap(),
        _ => {
            let entries = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
            entries.map(|name| name.into_string().unwrap() + "\n").filter(|name| name != "target\n").collect()
        }
    };
    let names = text.lines().filter_map(|path| path.split('/').next());
    let top: BTreeSet<&str> = names.filter(|name| !name.starts_with('.')).collect();
    let named = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "Makefile",
        "README.md",
        "benches",
        "bins",
        "clippy.toml",
        "crates",
        "docs",
        "migrations",
        "rustfmt.toml",
        "tests",
    ];
    assert_eq!(top, BTreeSet::from(named));
}

#[test]
fn binaries_are_thin() {
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for path in rust_files() {
        let mut parts = path.strip_prefix(root()).unwrap().iter().map(|part| part.to_str().unwrap());
        if let (Some("bins"), Some(binary), Some("src")) = (parts.next(), parts.next(), parts.next()) {
            let all = std::fs::read_to_string(&path).unwrap().lines().count();
            *lines.entry(binary.to_owned()).or_default() += all;
        }
    }
    assert!(lines.len() >= 4, "{lines:?}");
    for (binary, lines) in lines {
        assert!(lines <= 150, "bins/{binary} has {lines} lines; a binary only calls a library");
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |backend: &str| -> BTreeSet<String> {
        std::fs::read_dir(root().join("migrations").join(backend))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let postgres = names("postgres");
    assert!(!postgres.is_empty());
    assert_eq!(postgres, names("sqlite"));
}
