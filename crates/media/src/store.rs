//! The folder of pictures: taking one in, opening it, checking it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::decode::decode;
use crate::error::MediaError;
use crate::hash::{Hasher, Sha256Hex};
use crate::kind::{self, ImageKind, MAGIC_LEN};

/// A temporary file this old belongs to no living process.
const STALE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Caps on one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageLimits {
    /// The largest file, in bytes.
    pub max_bytes: u64,
    /// The most pixels that are decoded (width times height).
    pub max_pixels: u64,
}

impl Default for ImageLimits {
    /// 32 MiB and 64 million pixels: several times a wall photographed with a good camera.
    fn default() -> Self {
        Self { max_bytes: 32 * 1024 * 1024, max_pixels: 64_000_000 }
    }
}

/// What is known of a kept picture; its row in the database says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredImage {
    /// The hash of the original bytes, which is also its name.
    pub sha256: Sha256Hex,
    /// The kind, told by the bytes.
    pub kind: ImageKind,
    /// Width as displayed, in pixels (an EXIF orientation is applied).
    pub width: u32,
    /// Height as displayed, in pixels (an EXIF orientation is applied).
    pub height: u32,
    /// Size of the file, in bytes.
    pub size_bytes: u64,
}

/// The pictures under `<data_dir>/media`. Cheap to clone, and safe to share between threads and processes.
#[derive(Debug, Clone)]
pub struct MediaStore {
    root: PathBuf,
    tmp: PathBuf,
}

impl MediaStore {
    /// Opens the pictures of a data folder: creates `media` and `media/tmp` where missing, proves that they can be
    /// written, and removes temporary files older than a day.
    ///
    /// # Errors
    /// [`MediaError::Unwritable`] or [`MediaError::NoSpace`], naming the folder.
    pub fn open(data_dir: impl AsRef<Path>) -> Result<Self, MediaError> {
        let root = data_dir.as_ref().join("media");
        let tmp = root.join("tmp");
        let unwritable = |source: io::Error| match MediaError::io("write", &tmp, source) {
            MediaError::Io { path, source, .. } => MediaError::Unwritable { path, source },
            other => other,
        };
        fs::create_dir_all(&tmp).map_err(unwritable)?;
        let store = Self { root, tmp: tmp.clone() };
        tempfile::tempfile_in(&tmp).and_then(|mut probe| probe.write_all(b"x")).map_err(unwritable)?;
        store.remove_stale();
        Ok(store)
    }

    /// Takes a picture in from a closure that writes its bytes, such as a download. The writer fails as soon as the
    /// bytes are too many or turn out to be no picture, so that no download goes on for nothing; that reason then
    /// wins over whatever error the closure makes of it. What the closure returns on success is dropped.
    ///
    /// `expected` is the width and height, in pixels, that the record of the picture states. The original bytes are
    /// kept unchanged. Taking in the same bytes again is harmless, also at the same moment, and heals a damaged file.
    ///
    /// # Errors
    /// The closure's own, or any [`MediaError`] that speaks of the picture or of the disk. Nothing is kept then.
    pub fn ingest<T, E: From<MediaError>>(
        &self,
        limits: ImageLimits,
        expected: Option<(u32, u32)>,
        fill: impl FnOnce(&mut dyn Write) -> Result<T, E>,
    ) -> Result<StoredImage, E> {
        let mut sink = Sink::new(self.temporary()?, limits);
        let filled = fill(&mut sink);
        if let Some(error) = sink.failure.take() {
            return Err(error.into());
        }
        filled?;
        Ok(self.keep(sink, limits, expected)?)
    }

    /// Takes a picture in from a reader. See [`MediaStore::ingest`].
    ///
    /// # Errors
    /// Any [`MediaError`] that speaks of the picture, of the reader or of the disk. Nothing is kept then.
    pub fn ingest_reader(
        &self,
        mut reader: impl Read,
        limits: ImageLimits,
        expected: Option<(u32, u32)>,
    ) -> Result<StoredImage, MediaError> {
        self.ingest(limits, expected, |writer| {
            io::copy(&mut reader, writer).map_err(|source| MediaError::Io {
                action: "read",
                path: PathBuf::from("the source"),
                source,
            })
        })
    }

    /// Where a picture is, or would be: `media/ab/cd/<sha256>.<ext>`.
    #[must_use]
    pub fn path_of(&self, sha256: Sha256Hex, kind: ImageKind) -> PathBuf {
        let [first, second, ..] = *sha256.as_bytes();
        let name = format!("{sha256}.{}", kind.extension());
        self.root.join(format!("{first:02x}")).join(format!("{second:02x}")).join(name)
    }

    /// Whether a picture is kept. Its bytes are not looked at: that is [`MediaStore::verify`].
    #[must_use]
    pub fn exists(&self, sha256: Sha256Hex, kind: ImageKind) -> bool {
        is_plain_file(&self.path_of(sha256, kind))
    }

    /// Opens a picture for reading, and tells its length in bytes. A symbolic link in its place counts as missing.
    ///
    /// # Errors
    /// [`MediaError::Missing`], or [`MediaError::Io`].
    pub fn open_image(&self, sha256: Sha256Hex, kind: ImageKind) -> Result<(File, u64), MediaError> {
        let path = self.path_of(sha256, kind);
        if !is_plain_file(&path) {
            return Err(MediaError::Missing { sha256, path });
        }
        let opened = File::open(&path).and_then(|file| file.metadata().map(|meta| (file, meta.len())));
        opened.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => MediaError::Missing { sha256, path },
            _ => MediaError::io("open", &path, source),
        })
    }

    /// Hashes a kept picture again and compares.
    ///
    /// # Errors
    /// [`MediaError::Missing`], [`MediaError::Corrupt`], or [`MediaError::Io`].
    pub fn verify(&self, image: &StoredImage) -> Result<(), MediaError> {
        let (file, _) = self.open_image(image.sha256, image.kind)?;
        let hashed = Sha256Hex::of_reader(file);
        let path = self.path_of(image.sha256, image.kind);
        let (found, size_bytes) = hashed.map_err(|source| MediaError::io("read", &path, source))?;
        if found == image.sha256 && size_bytes == image.size_bytes {
            Ok(())
        } else {
            Err(MediaError::Corrupt { sha256: image.sha256, found })
        }
    }

    /// The folder `media` itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn keep(
        &self,
        sink: Sink,
        limits: ImageLimits,
        expected: Option<(u32, u32)>,
    ) -> Result<StoredImage, MediaError> {
        let Sink { mut file, hasher, .. } = sink;
        file.flush().map_err(|source| MediaError::io("write", file.path(), source))?;
        // Decoded from the file and not from memory: what was checked is what is on the disk.
        let bytes = fs::read(file.path()).map_err(|source| MediaError::io("read", file.path(), source))?;
        let decoded = decode(&bytes, limits.max_pixels)?;
        let found = (decoded.image.width(), decoded.image.height());
        if let Some(expected) = expected
            && expected != found
        {
            return Err(MediaError::DimensionMismatch { expected, found });
        }
        let sha256 = hasher.finish();
        self.publish(file, &self.path_of(sha256, decoded.kind))?;
        Ok(StoredImage {
            sha256,
            kind: decoded.kind,
            width: found.0,
            height: found.1,
            size_bytes: hasher.len(),
        })
    }

    /// A new temporary file on the same file system as the pictures.
    pub(crate) fn temporary(&self) -> Result<NamedTempFile, MediaError> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // Pictures are no secrets: the process's umask decides who else may read them.
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        }
        builder.tempfile_in(&self.tmp).map_err(|source| MediaError::io("write in", &self.tmp, source))
    }

    /// Makes a finished temporary file appear under its name: bytes first, then the name, then the folders.
    pub(crate) fn publish(&self, file: NamedTempFile, target: &Path) -> Result<(), MediaError> {
        file.as_file().sync_all().map_err(|source| MediaError::io("write", target, source))?;
        let folder = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|source| MediaError::io("create", folder, source))?;
        // Always renamed, also over an equal file: that is atomic, and replaces one that a failing disk damaged.
        file.persist(target).map_err(|error| MediaError::io("write", target, error.error))?;
        let mut synced = Some(folder);
        while let Some(folder) = synced.filter(|folder| folder.starts_with(&self.root)) {
            sync_folder(folder)?;
            synced = folder.parent();
        }
        Ok(())
    }

    /// Removes what killed processes left. A failure here is no reason not to start.
    fn remove_stale(&self) {
        let Ok(entries) = fs::read_dir(&self.tmp) else { return };
        let now = SystemTime::now();
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|meta| meta.modified()).map(|at| now.duration_since(at));
            if let Ok(Ok(age)) = age
                && age > STALE_AFTER
                && let Err(error) = fs::remove_file(entry.path())
            {
                tracing::warn!(path = %entry.path().display(), %error, "cannot remove an old temporary file");
            }
        }
    }
}

fn is_plain_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// Makes a rename or a new entry in a folder survive a power cut. Only Unix opens folders.
fn sync_folder(folder: &Path) -> Result<(), MediaError> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| MediaError::io("write", folder, source))?;
    }
    Ok(())
}

/// Writes to a temporary file, hashing and counting, and refuses early.
struct Sink {
    file: NamedTempFile,
    hasher: Hasher,
    limits: ImageLimits,
    start: Vec<u8>,
    failure: Option<MediaError>,
}

impl Sink {
    fn new(file: NamedTempFile, limits: ImageLimits) -> Self {
        Self { file, hasher: Hasher::default(), limits, start: Vec::with_capacity(MAGIC_LEN), failure: None }
    }

    fn accept(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        let missing = MAGIC_LEN.saturating_sub(self.start.len());
        if missing > 0 {
            self.start.extend(bytes.iter().take(missing));
            if self.start.len() >= MAGIC_LEN && ImageKind::sniff(&self.start).is_none() {
                return Err(MediaError::NotAnImage { found: kind::describe(&self.start) });
            }
        }
        let total = self.hasher.len().saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if total > self.limits.max_bytes {
            return Err(MediaError::TooLarge { limit: self.limits.max_bytes });
        }
        self.file.write_all(bytes).map_err(|source| MediaError::io("write", self.file.path(), source))?;
        self.hasher.update(bytes);
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failure.is_none()
            && let Err(error) = self.accept(bytes)
        {
            self.failure = Some(error);
        }
        match &self.failure {
            Some(error) => Err(io::Error::other(error.to_string())),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
