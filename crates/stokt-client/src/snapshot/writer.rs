//! Writing a snapshot while a client runs.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::Value;

use super::{Entry, FORMAT, Fnv, Header, INDEX, at, file_name, reader};
use crate::{
    error::{Error, ErrorKind},
    observer::{MediaSink, Observer, RawAnswer},
    source::Method,
};

/// Saves every final answer to a reading call; see [`ClientBuilder::save_snapshot`](crate::ClientBuilder::save_snapshot).
#[derive(Debug, Clone)]
pub struct SnapshotWriter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    temporary: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    index: File,
    /// By request: how many differing answers there are, and the last of them.
    saved: HashMap<String, (usize, Entry)>,
}

impl SnapshotWriter {
    /// Begins a snapshot in `folder`, or goes on with the one there if it is of the same service.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`] when the folder cannot be written, holds other things, is of another service, or is
    /// being written by another process.
    pub fn create(folder: &Path, base_url: &str) -> Result<Self, Error> {
        use io::ErrorKind::{NotADirectory, PermissionDenied, ReadOnlyFilesystem};
        Self::open(folder, base_url).map_err(|why| {
            let may_not = matches!(why.kind(), NotADirectory | PermissionDenied | ReadOnlyFilesystem);
            let why = if may_not {
                io::Error::new(why.kind(), format!("{why}; name a folder that this user may write to"))
            } else {
                why
            };
            Error::new(ErrorKind::Snapshot(why))
        })
    }

    fn open(folder: &Path, base_url: &str) -> io::Result<Self> {
        let index_path = folder.join(INDEX);
        private_folder(folder)?;
        if !index_path.exists() && fs::read_dir(folder).map_err(at(folder))?.next().is_some() {
            return Err(io::Error::other(format!(
                "{} is not empty and no snapshot; name a new folder",
                folder.display()
            )));
        }
        private_folder(&folder.join("answers"))?;
        private_folder(&folder.join("media"))?;
        let mut index =
            private_file().append(true).create(true).open(&index_path).map_err(at(&index_path))?;
        if index.try_lock().is_err() {
            return Err(io::Error::other(format!(
                "{} is being written by another process",
                folder.display()
            )));
        }
        let written = reader::read_index(&index_path)?;
        // What a killed process left of a line would swallow the next one.
        index.set_len(written.complete_bytes).map_err(at(&index_path))?;
        let mut saved: HashMap<String, (usize, Entry)> = HashMap::new();
        match written.header {
            Some(header) if header.base_url != base_url => {
                return Err(io::Error::other(format!(
                    "{} is a snapshot of {}; name a new folder",
                    folder.display(),
                    header.base_url
                )));
            }
            Some(_) => {
                for entry in written.entries {
                    let versions = saved.get(&entry.request).map_or(0, |(versions, _)| *versions);
                    saved.insert(entry.request.clone(), (versions + 1, entry));
                }
            }
            None => {
                let made_by = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")).to_owned();
                append(&mut index, &Header { format: FORMAT, base_url: base_url.to_owned(), made_by })
                    .map_err(at(&index_path))?;
            }
        }
        Ok(Self(Arc::new(Shared {
            folder: folder.to_owned(),
            temporary: AtomicU64::new(0),
            state: Mutex::new(State { index, saved }),
        })))
    }
}

impl Shared {
    /// A new file that is not yet part of the snapshot.
    fn temporary(&self) -> io::Result<(File, Temporary)> {
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!(".part-{}-{number}", std::process::id()));
        let file = private_file().write(true).create(true).truncate(true).open(&path).map_err(at(&path))?;
        Ok((file, Temporary(path)))
    }

    /// Moves a finished file into place and indexes it, unless an equal answer is there already.
    fn keep(&self, file: File, temporary: &Temporary, target: &str, about: &About<'_>) -> io::Result<()> {
        let request = format!("{} {target}", Method::Get);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fnv1a = about.hash.hex();
        let version = match state.saved.get(&request) {
            Some((_, last))
                if last.fnv1a == fnv1a && last.bytes == about.bytes && last.status == about.status =>
            {
                return Ok(());
            }
            Some((versions, _)) => versions + 1,
            None => 1,
        };
        let name = file_name(target, version);
        let place = self.folder.join(&name);
        file.sync_all().map_err(at(&temporary.0))?;
        drop(file);
        fs::rename(&temporary.0, &place).map_err(at(&place))?;
        let entry = Entry {
            request: request.clone(),
            status: about.status,
            file: name,
            bytes: about.bytes,
            fnv1a,
            content_type: about.content_type.map(str::to_owned),
            date: about.date.map(str::to_owned),
        };
        append(&mut state.index, &entry).map_err(at(&self.folder.join(INDEX)))?;
        state.saved.insert(request, (version, entry));
        Ok(())
    }
}

/// What is known of a body besides its bytes.
struct About<'a> {
    status: u16,
    bytes: u64,
    hash: Fnv,
    content_type: Option<&'a str>,
    date: Option<&'a str>,
}

/// Removes a file that did not become part of the snapshot.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone already when it was renamed; what cannot be removed does no harm, nothing refers to it.
        let _ = fs::remove_file(&self.0);
    }
}

impl Observer for SnapshotWriter {
    fn on_answer(&self, answer: &RawAnswer<'_>) -> io::Result<()> {
        if answer.method != Method::Get
            || !answer.is_final
            || answer.target.starts_with("media/") && answer.status < 300
        {
            return Ok(());
        }
        let redacted = without_login(answer);
        let body = redacted.as_deref().unwrap_or(answer.body);
        let (mut file, temporary) = self.0.temporary()?;
        file.write_all(body).map_err(at(&temporary.0))?;
        let about = About {
            status: answer.status,
            bytes: body.len() as u64,
            hash: Fnv::of(body),
            content_type: answer.content_type,
            date: answer.date,
        };
        self.0.keep(file, &temporary, answer.target, &about)
    }

    fn on_media(&self, target: &str, content_type: Option<&str>) -> io::Result<Option<Box<dyn MediaSink>>> {
        let (file, temporary) = self.0.temporary()?;
        Ok(Some(Box::new(Copy {
            shared: Arc::clone(&self.0),
            file,
            temporary,
            target: target.to_owned(),
            content_type: content_type.map(str::to_owned),
            bytes: 0,
            hash: Fnv::new(),
        })))
    }
}

/// The copy of one picture.
struct Copy {
    shared: Arc<Shared>,
    file: File,
    temporary: Temporary,
    target: String,
    content_type: Option<String>,
    bytes: u64,
    hash: Fnv,
}

impl Write for Copy {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let written = self.file.write(piece)?;
        let piece = piece.get(..written).unwrap_or_default();
        self.bytes += piece.len() as u64;
        self.hash.add(piece);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl MediaSink for Copy {
    fn keep(self: Box<Self>) -> io::Result<()> {
        let Self { shared, file, temporary, target, content_type, bytes, hash } = *self;
        let about = About { status: 200, bytes, hash, content_type: content_type.as_deref(), date: None };
        shared.keep(file, &temporary, &target, &about)
    }
}

/// The account's own record without its login name and address; `None` where there is nothing to hide.
fn without_login(answer: &RawAnswer<'_>) -> Option<Vec<u8>> {
    if answer.target.split('?').next() != Some("api/users/me") {
        return None;
    }
    let mut record: Value = serde_json::from_slice(answer.body).unwrap_or_default();
    if let Value::Object(fields) = &mut record {
        for name in ["username", "email", "token", "password"] {
            if let Some(field) = fields.get_mut(name) {
                *field = Value::Null;
            }
        }
    }
    Some(record.to_string().into_bytes())
}

/// One line, in one write.
fn append(index: &mut File, line: &impl serde::Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    index.write_all(&text)
}

/// Answers hold names, private climbs and habits: they are for the owner of the process only.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(at(path))
}
