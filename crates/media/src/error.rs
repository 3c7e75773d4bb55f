//! The one error type of this crate, and the questions its callers ask it.

use std::io;
use std::path::{Path, PathBuf};

use crate::hash::Sha256Hex;

/// Why a picture could not be kept, read or drawn smaller. Every message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The bytes went past the size cap; the rest was not read.
    #[error("the picture is larger than the allowed {limit} bytes")]
    TooLarge {
        /// The cap, in bytes.
        limit: u64,
    },
    /// The first bytes are not those of a JPEG, PNG or WebP.
    #[error("not a JPEG, PNG or WebP picture, but {found}")]
    NotAnImage {
        /// What the bytes look like, for a person to read.
        found: String,
    },
    /// The file ends before the picture does: most often a transfer that was cut.
    #[error("the {kind} picture is cut short after {size_bytes} bytes", kind = kind.name())]
    Truncated {
        /// What the picture started as.
        kind: crate::ImageKind,
        /// How many bytes came.
        size_bytes: u64,
    },
    /// The bytes begin like a picture and end like one, but do not decode.
    #[error("the {kind} picture does not decode: {reason}", kind = kind.name())]
    Undecodable {
        /// What the picture started as.
        kind: crate::ImageKind,
        /// What the decoder said, on one line.
        reason: String,
    },
    /// The picture is not of the size its record states, so hold outlines would not fit on it.
    #[error("the picture is {}x{} pixels, but {}x{} were expected", found.0, found.1, expected.0, expected.1)]
    DimensionMismatch {
        /// Width and height that the record states, in pixels.
        expected: (u32, u32),
        /// Width and height of the picture as displayed, in pixels.
        found: (u32, u32),
    },
    /// The picture has more pixels than may be decoded.
    #[error("the picture is {width}x{height} pixels, more than the allowed {limit}")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The cap, in pixels.
        limit: u64,
    },
    /// No picture is kept under that hash.
    #[error("picture {sha256} is missing from {}", path.display())]
    Missing {
        /// The hash asked for.
        sha256: Sha256Hex,
        /// Where it should be.
        path: PathBuf,
    },
    /// The kept file no longer has the bytes that its name says.
    #[error("picture {sha256} is damaged: the file hashes to {found}")]
    Corrupt {
        /// The hash that the file should have.
        sha256: Sha256Hex,
        /// The hash that it has.
        found: Sha256Hex,
    },
    /// The disk, or the quota on it, is full.
    #[error("no space left for {}: free some, then run again", path.display())]
    NoSpace {
        /// What was being written.
        path: PathBuf,
    },
    /// The picture folder cannot be created or written.
    #[error("cannot write in {}: {source}; it must be a folder that this user may write", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Any other failure of the file system or of the source that was read from.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The verb of the message, such as `read`.
        action: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl MediaError {
    /// Whether fetching or reading the same picture again, unchanged, may end well: a cut transfer or a failing
    /// read may; a picture that is too large, of another size or not a picture will not; a full disk waits for a
    /// person.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Truncated { .. } | Self::Io { .. })
    }

    /// Whether the kept copy is of no use and the picture must be fetched from its source again.
    #[must_use]
    pub fn needs_fetch(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Corrupt { .. })
    }

    /// Whether the picture itself is at fault, rather than this machine: such a picture is quarantined or refused.
    #[must_use]
    pub fn is_bad_picture(&self) -> bool {
        matches!(
            self,
            Self::TooLarge { .. }
                | Self::NotAnImage { .. }
                | Self::Truncated { .. }
                | Self::Undecodable { .. }
                | Self::DimensionMismatch { .. }
                | Self::TooManyPixels { .. }
        )
    }

    /// Whether the disk is full: going on with the next picture makes no sense.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::NoSpace { .. })
    }

    /// Maps a failure of the file system, telling a full disk from the rest.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::NoSpace { path }
        } else {
            Self::Io { action, path, source }
        }
    }
}

impl From<MediaError> for io::Error {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Io { source, .. } | MediaError::Unwritable { source, .. } => source,
            MediaError::NoSpace { .. } => io::Error::new(io::ErrorKind::StorageFull, error.to_string()),
            other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_other_failures() {
        // `/dev/full` answers every write with the real ENOSPC.
        if let Ok(mut full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
            let error = full.write_all(b"x").unwrap_err();
            let error = MediaError::io("write", Path::new("/dev/full"), error);
            assert!(error.is_no_space(), "{error:?}");
            assert!(!error.is_retryable());
        }
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = MediaError::io("write", Path::new("x"), denied);
        assert!(error.is_retryable() && !error.is_no_space());
    }

    #[test]
    fn messages_are_one_line_and_say_both_sizes() {
        let error = MediaError::DimensionMismatch { expected: (2263, 3000), found: (100, 50) };
        assert_eq!(error.to_string(), "the picture is 100x50 pixels, but 2263x3000 were expected");
        assert!(error.is_bad_picture() && !error.is_retryable());
    }
}
