//! Pictures: walls and avatars.

use bytes::{Bytes, BytesMut};

use super::answer::{Answer, Payload};
use crate::board::picture::{self, Source};
use crate::board::{Board, avatar};
use crate::faults::PictureFault;

/// Answers `media/{path}`. No token is asked for.
pub(crate) fn answer(board: &Board, path: &str) -> Answer {
    if let Some(face) = board.faces.iter().find(|face| face.picture.name == path) {
        return Answer::of(match &face.picture.source {
            Source::Bytes(bytes) => Payload::Bytes(kind_of(bytes), bytes.clone()),
            Source::Drawn(drawing) => Payload::Drawn(drawing.clone()),
        });
    }
    if board.users.iter().any(|user| user.avatar.as_deref() == Some(path))
        && let Some(bytes) = avatar::draw(path)
    {
        return Answer::of(Payload::Bytes(kind_of(&bytes), bytes));
    }
    Answer::not_found()
}

fn kind_of(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" }
}

/// What a fault makes of a wall picture.
pub(crate) fn spoil(bytes: Bytes, fault: PictureFault) -> Bytes {
    match fault {
        PictureFault::Truncated => bytes.slice(..bytes.len() / 2),
        PictureFault::Oversized(size) => {
            let mut padded = BytesMut::from(bytes);
            padded.resize(size.max(padded.len()), 0);
            padded.freeze()
        }
        PictureFault::WrongDimensions => {
            let drawn = tiny_skia::Pixmap::new(320, 240).and_then(|canvas| picture::jpeg(&canvas, 80));
            drawn.unwrap_or_default()
        }
        PictureFault::NotAnImage => Bytes::from_static(super::MAINTENANCE.as_bytes()),
    }
}
