//! Pictures on disk, verified and addressed by their hash: the only crate that knows image bytes.
//!
//! Invariants of this crate:
//! - no SQL, no HTTP, no async: it takes a reader or a writer closure and files, and nothing else;
//! - a file under `media/` with a hash for a name holds exactly the bytes of that hash, was decoded once in full,
//!   and never changes: a kept picture is byte-equal to its source;
//! - a picture appears under its name in one atomic rename after its bytes reached the disk, so a process killed
//!   anywhere leaves either nothing, a temporary file (removed a day later), or the whole picture;
//! - what a picture is, is decided by its bytes alone, never by a name or a `Content-Type`;
//! - no input makes it panic, and none makes it decode more pixels than its caller allowed.

mod complete;
mod decode;
mod error;
mod hash;
mod kind;
mod store;
mod thumbs;

pub use decode::kind_of_whole;
pub use error::MediaError;
pub use hash::{InvalidSha256, Sha256Hex};
pub use kind::{ImageKind, UnknownKind};
pub use store::{CheckedImage, ImageLimits, MediaStore, StoredImage};
pub use thumbs::{THUMBNAIL_WIDTHS, redraw, snap_width};
