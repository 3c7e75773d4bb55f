//! Answering from a snapshot.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Component, Path, PathBuf},
};

use super::{Entry, FORMAT, Header, INDEX, at};
use crate::{
    error::{Error, ErrorKind},
    source::{AnswerSource, Method, SourceAnswer},
};

/// A saved snapshot as a source of answers; see [`Client::from_snapshot`](crate::Client::from_snapshot).
#[derive(Debug)]
pub struct SnapshotSource {
    folder: PathBuf,
    base_url: String,
    entries: HashMap<String, Entry>,
}

impl SnapshotSource {
    /// Opens the snapshot in `folder`.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`] when it is none, of a newer layout, or damaged.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::read(folder).map_err(|why| Error::new(ErrorKind::Snapshot(why)))
    }

    fn read(folder: &Path) -> io::Result<Self> {
        let index = read_index(&folder.join(INDEX))?;
        let header = index.header.ok_or_else(|| damaged(folder, "it holds no snapshot"))?;
        let mut entries = HashMap::new();
        for entry in index.entries {
            // A snapshot may come from somebody else: its index must not lead out of its folder.
            if !Path::new(&entry.file).components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(damaged(folder, "its index leads out of the folder"));
            }
            entries.insert(entry.request.clone(), entry);
        }
        Ok(Self { folder: folder.to_owned(), base_url: header.base_url, entries })
    }

    /// Address of the service that was saved.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

impl AnswerSource for SnapshotSource {
    fn answer(&self, target: &str) -> io::Result<Option<SourceAnswer>> {
        let Some(entry) = self.entries.get(&format!("{} {target}", Method::Get)) else {
            return Ok(None);
        };
        let path = self.folder.join(&entry.file);
        let body = File::open(&path).map_err(at(&path))?;
        if body.metadata().map_err(at(&path))?.len() != entry.bytes {
            return Err(damaged(&path, "its size is not the one that was saved"));
        }
        Ok(Some(SourceAnswer {
            status: entry.status,
            content_type: entry.content_type.clone(),
            date: entry.date.clone(),
            body: Box::new(body),
        }))
    }
}

/// An index as far as it was written completely.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) header: Option<Header>,
    pub(crate) entries: Vec<Entry>,
    /// Length up to the last line's end.
    pub(crate) complete_bytes: u64,
}

/// Reads an index; a last line without an end is what a killed process left, and passed over.
pub(crate) fn read_index(path: &Path) -> io::Result<Index> {
    let text = fs::read(path).map_err(at(path))?;
    let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |position| position + 1);
    let text = text.get(..complete).unwrap_or_default();
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let header: Option<Header> = lines
        .next()
        .map(|line| serde_json::from_slice(line).map_err(|_| damaged(path, "it is no index of a snapshot")))
        .transpose()?;
    if header.as_ref().is_some_and(|header| header.format != FORMAT) {
        return Err(damaged(path, "it was made by a newer version; update this program"));
    }
    let entries = lines
        .map(|line| serde_json::from_slice(line).map_err(|_| damaged(path, "it is damaged")))
        .collect::<io::Result<Vec<Entry>>>()?;
    Ok(Index { header, entries, complete_bytes: complete as u64 })
}

fn damaged(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()))
}
