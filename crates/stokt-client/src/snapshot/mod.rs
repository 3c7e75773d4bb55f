//! Snapshots: a folder with every answer of a run, from which the run can be repeated without any network.
//!
//! `index.jsonl` begins with a line about the snapshot and then maps each request to a file, one line per answer, the
//! last one counting; `answers/` and `media/` hold the bodies as they came. Bodies appear complete or not at all
//! (written beside, renamed into place, then indexed), and a line cut off at the end of the index is passed over.
//! Neither the token nor the login is ever saved: the answer to a login is not shown to observers at all, and
//! `username` and `email` in the account's own record are saved as `null`.

mod reader;
mod writer;

use serde::{Deserialize, Serialize};

pub use reader::SnapshotSource;
pub use writer::SnapshotWriter;

/// The index's name in a snapshot's folder.
pub(crate) const INDEX: &str = "index.jsonl";
/// The layout that this version writes and reads.
pub(crate) const FORMAT: u32 = 1;

/// First line of the index.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    pub(crate) base_url: String,
    pub(crate) made_by: String,
}

/// Every further line of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Method and target: `GET api/version`.
    pub(crate) request: String,
    pub(crate) status: u16,
    /// Path of the body below the folder.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    /// FNV-1a of the body, by which an equal answer is not saved twice.
    pub(crate) fnv1a: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<String>,
}

/// 64-bit FNV-1a: the same on every machine and in every release, unlike the standard library's hasher.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut hash = Self::new();
        hash.add(bytes);
        hash
    }

    pub(crate) fn hex(self) -> String {
        format!("{:016x}", self.0)
    }
}

/// A readable, deterministic file name for a request's body; `version` counts differing answers from 1.
pub(crate) fn file_name(target: &str, version: usize) -> String {
    let (folder, rest, default) = match target.strip_prefix("media/") {
        Some(rest) => ("media", rest, "bin"),
        None => ("answers", target.strip_prefix("api/").unwrap_or(target), "json"),
    };
    let (stem, extension) = match rest.rsplit_once('.') {
        Some((stem, kind))
            if folder == "media"
                && (1..=5).contains(&kind.len())
                && kind.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            (stem, kind)
        }
        _ => (rest, default),
    };
    // The readable part may be cut and is not unique: the hash of the whole request makes it so.
    let readable: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '=' | '_') { c } else { '_' })
        .take(120)
        .collect();
    let hash = Fnv::of(target.as_bytes()).hex();
    let hash = hash.get(..8).unwrap_or(&hash);
    let version = if version > 1 { format!("~{version}") } else { String::new() };
    format!("{folder}/{readable}-{hash}{version}.{extension}")
}

/// Names the file in an error of the file system.
pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> std::io::Error + '_ {
    move |why| std::io::Error::new(why.kind(), format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_readable_and_distinct() {
        let page = "api/gyms/c20d6b7e/climbs?max_age=9999&page=2";
        assert!(file_name(page, 1).starts_with("answers/gyms_c20d6b7e_climbs_max_age=9999_page=2-"));
        assert!(file_name(page, 2).ends_with("~2.json"));
        assert_eq!(file_name(page, 1), file_name(page, 1));
        assert_ne!(file_name("api/a/b", 1), file_name("api/a_b", 1));
        assert!(
            file_name("media/a/b.jpg", 1).starts_with("media/a_b-")
                && file_name("media/a/b.jpg", 1).ends_with(".jpg")
        );
        assert!(file_name("media/../../x", 1).starts_with("media/______x-"));
        assert!(file_name(&format!("api/{}", "é".repeat(5000)), 1).len() < 160);
        assert_eq!(Fnv::of(b"a").hex(), "af63dc4c8601ec8c");
    }
}
