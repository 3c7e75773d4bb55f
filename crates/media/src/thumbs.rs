//! Smaller copies of kept pictures, made once and kept beside them.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, Resizer};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType};

use crate::decode::decode;
use crate::error::MediaError;
use crate::hash::Sha256Hex;
use crate::kind::ImageKind;
use crate::store::MediaStore;

/// The widths that exist, in pixels. A fixed ladder keeps anybody from filling the disk with every width there is.
pub const THUMBNAIL_WIDTHS: [u32; 5] = [160, 320, 640, 1080, 1600];

/// Quality of the JPEG encoder, of 100: no visible blocks on plywood, about 0.2 byte a pixel.
const QUALITY: u8 = 82;

/// Kept pictures passed their own cap when they came in; this one only stops a file that was tampered with.
const MAX_PIXELS: u64 = 256_000_000;

/// The width that is served for a requested one, in pixels: the next step up the ladder, or its top.
#[must_use]
pub fn snap_width(requested: u32) -> u32 {
    let [.., top] = THUMBNAIL_WIDTHS;
    THUMBNAIL_WIDTHS.into_iter().find(|step| *step >= requested).unwrap_or(top)
}

impl MediaStore {
    /// A JPEG of the picture, as wide as the next step of [`THUMBNAIL_WIDTHS`] (pixels), never wider than the picture
    /// itself, turned as its EXIF orientation asks, on white where it is transparent, and without any metadata.
    /// Made at the first call, then read from `media/thumbs/<width>/<sha256>.jpg`. Blocking, and busy for a moment.
    ///
    /// # Errors
    /// [`MediaError::Missing`] if the picture is not kept, [`MediaError::Undecodable`] and the like if its file was
    /// damaged, or a failure of the disk.
    pub fn thumbnail(&self, sha256: Sha256Hex, kind: ImageKind, width: u32) -> Result<Vec<u8>, MediaError> {
        if let Some(bytes) = self.kept_thumbnail(sha256, kind, width)? {
            return Ok(bytes);
        }
        let width = snap_width(width);
        let (cached, source) = (self.thumbnail_path(sha256, width), self.path_of(sha256, kind));
        let original = fs::read(&source).map_err(|error| MediaError::io("read", &source, error))?;
        let decoded = decode(&original, MAX_PIXELS)?;
        let bytes = draw(decoded.image, kind, width)?;
        let mut file = self.temporary()?;
        file.write_all(&bytes).map_err(|error| MediaError::io("write", &cached, error))?;
        self.publish(vec![(file, cached)])?;
        Ok(bytes)
    }

    /// The same, if it was made before. Making one takes the memory of the whole picture, several bytes a pixel, so that
    /// whoever serves many at once looks here first and takes turns at [`MediaStore::thumbnail`].
    ///
    /// # Errors
    /// [`MediaError::Missing`] if the picture is not kept.
    pub fn kept_thumbnail(
        &self,
        sha256: Sha256Hex,
        kind: ImageKind,
        width: u32,
    ) -> Result<Option<Vec<u8>>, MediaError> {
        // Looked up first: a thumbnail must not outlive its picture.
        if !self.exists(sha256, kind) {
            return Err(MediaError::Missing { sha256, path: self.path_of(sha256, kind) });
        }
        let kept = fs::read(self.thumbnail_path(sha256, snap_width(width))).ok();
        Ok(kept.filter(|bytes| ImageKind::sniff(bytes) == Some(ImageKind::Jpeg)))
    }

    pub(crate) fn thumbnail_path(&self, sha256: Sha256Hex, width: u32) -> PathBuf {
        self.root().join("thumbs").join(width.to_string()).join(format!("{sha256}.jpg"))
    }
}

/// Draws a picture anew: a JPEG of nothing but its pixels, at most `side` pixels wide and high, turned as its EXIF
/// orientation asks and on white where it is transparent. What else was in the file is gone. Blocking, and busy.
///
/// # Errors
/// Any [`MediaError`] that speaks of the picture: it is none of our kinds, cut short, of more than `max_pixels`
/// pixels, or does not decode.
pub fn redraw(bytes: &[u8], max_pixels: u64, side: u32) -> Result<Vec<u8>, MediaError> {
    let decoded = decode(bytes, max_pixels)?;
    let (width, height) = (decoded.image.width(), decoded.image.height());
    let fitting = u64::from(width) * u64::from(side) / u64::from(height.max(1));
    draw(decoded.image, decoded.kind, side.min(u32::try_from(fitting).unwrap_or(side)).max(1))
}

/// Scales to `width` pixels, or not at all if the picture is narrower, and encodes.
fn draw(image: DynamicImage, kind: ImageKind, width: u32) -> Result<Vec<u8>, MediaError> {
    let failed = |reason: String| MediaError::Undecodable { kind, reason };
    let (from_width, from_height) = (image.width(), image.height());
    let pixels = flatten(image);
    let (width, height, pixels) = if from_width <= width {
        (from_width, from_height, pixels)
    } else {
        let height = scaled_height(from_width, from_height, width);
        let source = Image::from_vec_u8(from_width, from_height, pixels, PixelType::U8x3);
        let source = source.map_err(|error| failed(error.to_string()))?;
        let mut target = Image::new(width, height, PixelType::U8x3);
        Resizer::new().resize(&source, &mut target, None).map_err(|error| failed(error.to_string()))?;
        (width, height, target.into_vec())
    };
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(&pixels, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| failed(error.to_string()))?;
    Ok(bytes)
}

/// The height that keeps the proportions, rounded to the nearest pixel and at least one.
fn scaled_height(from_width: u32, from_height: u32, width: u32) -> u32 {
    let (from_width, from_height, width) = (u64::from(from_width), u64::from(from_height), u64::from(width));
    let height = (from_height * width + from_width / 2) / from_width.max(1);
    u32::try_from(height.max(1)).unwrap_or(u32::MAX)
}

/// Eight-bit red, green and blue, with transparent pixels laid on white.
fn flatten(image: DynamicImage) -> Vec<u8> {
    if !image.color().has_alpha() {
        return image.into_rgb8().into_raw();
    }
    let rgba = image.into_rgba8();
    let mut rgb = Vec::with_capacity(rgba.len() / 4 * 3);
    for image::Rgba([r, g, b, a]) in rgba.pixels() {
        let alpha = u16::from(*a);
        rgb.extend([r, g, b].map(|channel| {
            let mixed = (u16::from(*channel) * alpha + 255 * (255 - alpha) + 127) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        }));
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tests::{picture, turned_jpeg};
    use crate::store::ImageLimits;

    fn kept(bytes: &[u8]) -> (tempfile::TempDir, MediaStore, Sha256Hex, ImageKind) {
        let dir = tempfile::tempdir().unwrap();
        let store = MediaStore::open(dir.path()).unwrap();
        let image = store.ingest_reader(bytes, ImageLimits::default(), None).unwrap();
        (dir, store, image.sha256, image.kind)
    }

    fn size_of(bytes: &[u8]) -> (u32, u32) {
        let decoded = decode(bytes, MAX_PIXELS).unwrap();
        assert_eq!(decoded.kind, ImageKind::Jpeg);
        (decoded.image.width(), decoded.image.height())
    }

    #[test]
    fn widths_snap_up_the_ladder() {
        assert_eq!(
            [0, 1, 160, 161, 1000, 1601, u32::MAX].map(snap_width),
            [160, 160, 160, 320, 1080, 1600, 1600]
        );
    }

    #[test]
    fn a_thumbnail_keeps_the_proportions_and_is_cached() {
        let (_dir, store, sha256, kind) = kept(&picture(ImageKind::Png, 400, 300));
        assert_eq!(store.kept_thumbnail(sha256, kind, 100).unwrap(), None);
        let bytes = store.thumbnail(sha256, kind, 100).unwrap();
        assert_eq!(store.kept_thumbnail(sha256, kind, 100).unwrap().as_ref(), Some(&bytes));
        assert_eq!(size_of(&bytes), (160, 120));
        let cached = store.thumbnail_path(sha256, 160);
        assert_eq!(fs::read(&cached).unwrap(), bytes);

        // The second answer comes from the cache: a mark left there comes back.
        let mut marked = bytes.clone();
        marked.extend_from_slice(b"mark");
        fs::write(&cached, &marked).unwrap();
        assert_eq!(store.thumbnail(sha256, kind, 160).unwrap(), marked);
    }

    #[test]
    fn nothing_is_drawn_larger_than_it_is() {
        let (_dir, store, sha256, kind) = kept(&picture(ImageKind::Webp, 50, 70));
        assert_eq!(size_of(&store.thumbnail(sha256, kind, 640).unwrap()), (50, 70));
    }

    #[test]
    fn a_turned_picture_is_drawn_upright() {
        let (_dir, store, sha256, kind) = kept(&turned_jpeg(600, 200));
        let bytes = store.thumbnail(sha256, kind, 160).unwrap();
        assert_eq!(size_of(&bytes), (160, 480));
        assert!(!bytes.windows(4).any(|four| four == b"Exif"));
    }

    #[test]
    fn s15_a_picture_drawn_anew_holds_its_pixels_alone_and_fits_a_square() {
        let mut bytes = turned_jpeg(600, 200);
        assert!(bytes.windows(4).any(|four| four == b"Exif"));
        bytes.extend_from_slice(b"<script>alert(1)</script>");
        let drawn = redraw(&bytes, 600 * 200, 300).unwrap();
        assert_eq!(size_of(&drawn), (100, 300));
        for gone in [b"Exif".as_slice(), b"<scr"] {
            assert!(!drawn.windows(4).any(|four| four == gone));
        }
        for (width, height, fits) in [(50, 70, (50, 70)), (3_000, 10, (300, 1)), (10, 3_000, (1, 300))] {
            assert_eq!(
                size_of(&redraw(&picture(ImageKind::Png, width, height), 100_000, 300).unwrap()),
                fits
            );
        }
        assert!(matches!(redraw(&bytes, 600 * 200 - 1, 300), Err(MediaError::TooManyPixels { .. })));
        assert!(matches!(redraw(b"<svg onload=alert(1)>", 1_000, 300), Err(MediaError::NotAnImage { .. })));
    }

    #[test]
    fn transparent_becomes_white() {
        let clear = DynamicImage::from(image::RgbaImage::from_pixel(2, 1, image::Rgba([10, 20, 30, 0])));
        assert_eq!(flatten(clear), [255; 6]);
        let solid = DynamicImage::from(image::RgbaImage::from_pixel(1, 1, image::Rgba([10, 20, 30, 255])));
        assert_eq!(flatten(solid), [10, 20, 30]);
    }

    #[test]
    fn a_removed_picture_leaves_nothing() {
        let (_dir, store, sha256, kind) = kept(&picture(ImageKind::Png, 200, 100));
        store.thumbnail(sha256, kind, 160).unwrap();
        for _ in 0..2 {
            store.remove(sha256, kind).unwrap();
            assert!(!store.exists(sha256, kind) && !store.thumbnail_path(sha256, 160).exists());
        }
    }

    #[test]
    fn a_missing_picture_has_no_thumbnail_even_if_one_is_cached() {
        let (_dir, store, sha256, kind) = kept(&picture(ImageKind::Png, 200, 100));
        store.thumbnail(sha256, kind, 160).unwrap();
        fs::remove_file(store.path_of(sha256, kind)).unwrap();
        let error = store.thumbnail(sha256, kind, 160).unwrap_err();
        assert!(error.needs_fetch(), "{error:?}");
    }

    #[test]
    fn heights_round_and_never_vanish() {
        assert_eq!(scaled_height(2263, 3000, 1080), 1432);
        assert_eq!(scaled_height(10_000, 1, 160), 1);
    }
}
