//! The folder of pictures: taking one in, opening it, checking it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::decode::{Measured, measure};
use crate::error::MediaError;
use crate::hash::{Hasher, Sha256Hex};
use crate::kind::{self, ImageKind, MAGIC_LEN};
use crate::thumbs::THUMBNAIL_WIDTHS;

/// A temporary file this old belongs to no living process.
const STALE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Threads that wait for the disk at once.
const SYNCING_THREADS: usize = 8;

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

/// A verified picture in a temporary file, which [`MediaStore::keep_all`] keeps; dropped, it leaves nothing.
#[derive(Debug)]
pub struct CheckedImage {
    file: NamedTempFile,
    image: StoredImage,
}

impl CheckedImage {
    /// What is known of the picture.
    #[must_use]
    pub fn image(&self) -> &StoredImage {
        &self.image
    }
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
        let checked = check(sink, limits, expected)?;
        let image = checked.image.clone();
        self.keep_all(vec![checked])?;
        Ok(image)
    }

    /// Verifies a picture as [`MediaStore::ingest`] does and leaves it in a temporary file: [`MediaStore::keep_all`]
    /// makes many of them safe at once, which the disk does much faster than one after the other.
    ///
    /// # Errors
    /// Any [`MediaError`] that speaks of the picture or of the disk. Nothing is left then.
    pub fn check(
        &self,
        bytes: &[u8],
        limits: ImageLimits,
        expected: Option<(u32, u32)>,
    ) -> Result<CheckedImage, MediaError> {
        let mut sink = Sink::new(self.temporary()?, limits);
        sink.accept(bytes)?;
        check(sink, limits, expected)
    }

    /// Makes verified pictures appear under their names: the bytes of all first, then the names, then the folders.
    ///
    /// # Errors
    /// A failure of the disk; some of the pictures may be kept then, which does no harm.
    pub fn keep_all(&self, checked: Vec<CheckedImage>) -> Result<Vec<StoredImage>, MediaError> {
        let mut images = Vec::with_capacity(checked.len());
        let mut files = Vec::with_capacity(checked.len());
        for CheckedImage { file, image } in checked {
            files.push((file, self.path_of(image.sha256, image.kind)));
            images.push(image);
        }
        self.publish(files)?;
        Ok(images)
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

    /// Whether a picture is kept in its whole length. Its bytes are not looked at: that is [`MediaStore::verify`].
    #[must_use]
    pub fn is_whole(&self, sha256: Sha256Hex, kind: ImageKind, size_bytes: u64) -> bool {
        fs::symlink_metadata(self.path_of(sha256, kind))
            .is_ok_and(|meta| meta.is_file() && meta.len() == size_bytes)
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

    /// Removes a picture that nobody shows any more, with all that was drawn from it. One that is not there is gone
    /// already.
    ///
    /// # Errors
    /// [`MediaError::Io`] when a file cannot be removed.
    pub fn remove(&self, sha256: Sha256Hex, kind: ImageKind) -> Result<(), MediaError> {
        let drawn = THUMBNAIL_WIDTHS.into_iter().map(|width| self.thumbnail_path(sha256, width));
        for path in drawn.chain([self.path_of(sha256, kind)]) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(MediaError::io("remove", &path, error));
                }
                _ => {}
            }
        }
        Ok(())
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

    /// Makes finished temporary files appear under their names: bytes first, then the names, then the folders.
    pub(crate) fn publish(&self, files: Vec<(NamedTempFile, PathBuf)>) -> Result<(), MediaError> {
        each_in_threads(&files, |(file, target)| {
            file.as_file().sync_all().map_err(|source| MediaError::io("write", target, source))
        })?;
        let mut folders = BTreeSet::new();
        for (file, target) in files {
            let folder = target.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(|source| MediaError::io("create", folder, source))?;
            // Always renamed, also over an equal file: that is atomic, and replaces one that a failing disk damaged.
            file.persist(&target).map_err(|error| MediaError::io("write", &target, error.error))?;
            let inside = folder.ancestors().take_while(|folder| folder.starts_with(&self.root));
            folders.extend(inside.map(Path::to_path_buf));
        }
        let folders: Vec<PathBuf> = folders.into_iter().collect();
        each_in_threads(&folders, |folder| sync_folder(folder))
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

/// Runs `work` for every item, in a few threads where there are several: a file system brings what is waiting for the
/// disk at the same time there together.
fn each_in_threads<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), MediaError> + Sync,
) -> Result<(), MediaError> {
    if items.len() < 2 {
        return items.iter().try_for_each(work);
    }
    let share = items.len().div_ceil(SYNCING_THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> =
            items.chunks(share).map(|share| scope.spawn(|| share.iter().try_for_each(&work))).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

/// Decodes what a sink took in, from the file and not from memory: what was checked is what is on the disk.
fn check(sink: Sink, limits: ImageLimits, expected: Option<(u32, u32)>) -> Result<CheckedImage, MediaError> {
    let Sink { mut file, hasher, .. } = sink;
    file.flush().map_err(|source| MediaError::io("write", file.path(), source))?;
    let bytes = fs::read(file.path()).map_err(|source| MediaError::io("read", file.path(), source))?;
    let Measured { kind, width, height } = measure(&bytes, limits.max_pixels)?;
    if let Some(expected) = expected
        && expected != (width, height)
    {
        return Err(MediaError::DimensionMismatch { expected, found: (width, height) });
    }
    let image = StoredImage { sha256: hasher.finish(), kind, width, height, size_bytes: hasher.len() };
    Ok(CheckedImage { file, image })
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
