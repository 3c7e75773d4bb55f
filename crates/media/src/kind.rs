//! Which kind of picture some bytes are, told by their first bytes alone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The three kinds of pictures that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    /// JPEG, in files `.jpg`.
    Jpeg,
    /// PNG, in files `.png`.
    Png,
    /// WebP, in files `.webp`.
    Webp,
}

/// The text names none of the three kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of picture: jpeg, png or webp are known")]
pub struct UnknownKind;

/// How many first bytes are needed to tell the kind.
pub(crate) const MAGIC_LEN: usize = 12;

impl ImageKind {
    /// Every kind, in a fixed order.
    pub const ALL: [Self; 3] = [Self::Jpeg, Self::Png, Self::Webp];

    /// The kind of a file that starts with these bytes (12 are enough); `None` if it is none of ours.
    #[must_use]
    pub fn sniff(start: &[u8]) -> Option<Self> {
        if start.starts_with(&[0xFF, 0xD8, 0xFF]) {
            Some(Self::Jpeg)
        } else if start.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else {
            None
        }
    }

    /// The stored name: `jpeg`, `png` or `webp`. It is what [`FromStr`] reads.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }

    /// The file extension, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }

    /// The media type to serve it with, such as `image/jpeg`.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// The kind with this media type; `None` if it is none of ours.
    #[must_use]
    pub fn from_mime(mime: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.mime() == mime)
    }

    /// The name as people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
        }
    }
}

impl fmt::Display for ImageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ImageKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// What bytes that are no picture look like, for the message: servers like to answer with a page or with JSON.
pub(crate) fn describe(start: &[u8]) -> String {
    let text = start.trim_ascii_start();
    let what = if start.is_empty() {
        "an empty file"
    } else if start.starts_with(b"GIF8") {
        "a GIF"
    } else if start.starts_with(b"BM") {
        "a BMP"
    } else if start.get(4..8) == Some(b"ftyp") {
        "an AVIF, HEIC or video file"
    } else if start.starts_with(b"%PDF") {
        "a PDF"
    } else if text.starts_with(b"<") {
        "a web page or XML"
    } else if text.starts_with(b"{") || text.starts_with(b"[") {
        "JSON"
    } else {
        let hex: Vec<String> = start.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        return format!("unknown bytes ({})", hex.join(" "));
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        assert_eq!(ImageKind::sniff(&[0xFF, 0xD8, 0xFF, 0xE0]), Some(ImageKind::Jpeg));
        assert_eq!(ImageKind::sniff(b"\x89PNG\r\n\x1a\n...."), Some(ImageKind::Png));
        assert_eq!(ImageKind::sniff(b"RIFF\x10\0\0\0WEBPVP8 "), Some(ImageKind::Webp));
        assert_eq!(ImageKind::sniff(b"RIFF\x10\0\0\0WAVEfmt "), None);
        assert_eq!(ImageKind::sniff(b""), None);
    }

    #[test]
    fn names_read_back() {
        for kind in ImageKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("gif".parse::<ImageKind>(), Err(UnknownKind));
    }

    #[test]
    fn other_things_are_described() {
        assert_eq!(describe(b""), "an empty file");
        assert_eq!(describe(b"  <!doctype html>"), "a web page or XML");
        assert_eq!(describe(b"{\"detail\""), "JSON");
        assert_eq!(describe(b"GIF89a"), "a GIF");
        assert_eq!(describe(&[0, 1, 255]), "unknown bytes (00 01 ff)");
    }
}
