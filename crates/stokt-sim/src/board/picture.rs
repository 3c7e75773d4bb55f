//! Wall pictures: bytes from a folder, or drawn from the holds when somebody first asks for them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use tiny_skia::Pixmap;

use super::holds::Shape;
use super::{paint, wood};

/// Of the JPEG; about the size of a photograph of the same dimensions.
const QUALITY: u8 = 82;

/// The picture of a face.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// Path under `media/`.
    pub(crate) name: String,
    /// Width and height in pixels, as the service says them.
    pub(crate) size: (u32, u32),
    pub(crate) source: Source,
}

/// Where a picture's bytes come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Bytes(Bytes),
    Drawn(Drawing),
}

/// A picture that can be drawn: costs nothing until it is.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    pub(crate) seed: u64,
    pub(crate) face: usize,
    pub(crate) size: (u32, u32),
    pub(crate) shapes: Arc<Vec<Shape>>,
}

type Key = (u64, usize, (u32, u32), usize);

/// A process draws each picture once, however many services it starts.
static DRAWN: LazyLock<Mutex<HashMap<Key, Arc<OnceLock<Bytes>>>>> = LazyLock::new(Mutex::default);

impl Drawing {
    /// The JPEG. Takes a moment the first time: call it where blocking is allowed.
    pub(crate) fn jpeg(&self) -> Bytes {
        let key = (self.seed, self.face, self.size, self.shapes.len());
        let slot = Arc::clone(DRAWN.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        slot.get_or_init(|| self.draw().unwrap_or_default()).clone()
    }

    fn draw(&self) -> Option<Bytes> {
        let (width, height) = self.size;
        let mut canvas = Pixmap::new(width, height)?;
        wood::panel(&mut canvas, self.seed.wrapping_add(self.face as u64))?;
        paint::holds(&mut canvas, &self.shapes, self.seed.wrapping_add(self.face as u64));
        jpeg(&canvas, QUALITY)
    }
}

/// Encodes an opaque canvas.
pub(crate) fn jpeg(canvas: &Pixmap, quality: u8) -> Option<Bytes> {
    let mut rgb = Vec::with_capacity(canvas.data().len() / 4 * 3);
    for pixel in canvas.data().chunks_exact(4) {
        rgb.extend_from_slice(pixel.get(..3)?);
    }
    let mut bytes = Vec::with_capacity(rgb.len() / 8);
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(&rgb, canvas.width(), canvas.height(), ExtendedColorType::Rgb8)
        .ok()?;
    Some(bytes.into())
}
