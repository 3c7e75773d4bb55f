//! Decoding under a pixel cap: to check a picture once, and to draw it smaller.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::complete::is_complete;
use crate::error::MediaError;
use crate::kind::{self, ImageKind};

/// Room for the decoded pixels at up to 8 bytes each, and again as much for the decoder's own buffers.
const BYTES_PER_PIXEL: u64 = 16;

/// A picture that decoded in full.
pub(crate) struct Decoded {
    pub(crate) kind: ImageKind,
    /// The pixels as displayed: turned as the EXIF orientation asks.
    pub(crate) image: DynamicImage,
}

/// What is known of a picture that was decoded in full, and whose pixels nobody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) kind: ImageKind,
    /// Width as displayed, in pixels.
    pub(crate) width: u32,
    /// Height as displayed, in pixels.
    pub(crate) height: u32,
}

/// Checks what [`decode`] checks, without colours where that saves work: of a photograph in YCbCr every block is read
/// and only brightness is drawn, which takes a third of the time and of the memory.
pub(crate) fn measure(bytes: &[u8], max_pixels: u64) -> Result<Measured, MediaError> {
    let kind = kind_of_whole(bytes)?;
    let grey = guarded(kind, || match kind {
        ImageKind::Jpeg => measure_jpeg(bytes, max_pixels),
        ImageKind::Png | ImageKind::Webp => Ok(None),
    })?;
    if let Some(measured) = grey {
        return Ok(measured);
    }
    let Decoded { kind, image } = guarded(kind, || decode_pixels(kind, bytes, max_pixels))?;
    Ok(Measured { kind, width: image.width(), height: image.height() })
}

/// `None` for a JPEG in other colours than YCbCr or grey, which the decoder does not turn into brightness.
fn measure_jpeg(bytes: &[u8], max_pixels: u64) -> Result<Option<Measured>, MediaError> {
    let kind = ImageKind::Jpeg;
    let undecodable = |error: zune_jpeg::errors::DecodeErrors| undecodable(kind, &error);
    // As lenient as the decoding for thumbnails: what `decode` shows, this accepts.
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(undecodable)?;
    let Some((width, height)) = decoder.dimensions() else { return Ok(None) };
    let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else { return Ok(None) };
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(MediaError::TooManyPixels { width, height, limit: max_pixels });
    }
    if !matches!(decoder.input_colorspace(), Some(ColorSpace::YCbCr | ColorSpace::Luma)) {
        return Ok(None);
    }
    let turned = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    decoder.decode().map_err(undecodable)?;
    let on_its_side = matches!(
        turned,
        Some(
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        )
    );
    let (width, height) = if on_its_side { (height, width) } else { (width, height) };
    Ok(Some(Measured { kind, width, height }))
}

/// Decodes `bytes` if they are one of our kinds, complete, and of at most `max_pixels` pixels.
pub(crate) fn decode(bytes: &[u8], max_pixels: u64) -> Result<Decoded, MediaError> {
    let kind = kind_of_whole(bytes)?;
    guarded(kind, || decode_pixels(kind, bytes, max_pixels))
}

/// The kind of a picture whose bytes reach its end. Nothing is decoded: that is what keeping it does.
///
/// # Errors
/// [`MediaError::NotAnImage`] or [`MediaError::Truncated`].
pub fn kind_of_whole(bytes: &[u8]) -> Result<ImageKind, MediaError> {
    let kind =
        ImageKind::sniff(bytes).ok_or_else(|| MediaError::NotAnImage { found: kind::describe(bytes) })?;
    if is_complete(kind, bytes) {
        Ok(kind)
    } else {
        let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Err(MediaError::Truncated { kind, size_bytes })
    }
}

/// The decoders are other people's code fed with other people's bytes: should one panic after all, that picture does
/// not decode, and nothing else happens.
fn guarded<T>(kind: ImageKind, work: impl FnOnce() -> Result<T, MediaError>) -> Result<T, MediaError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(MediaError::Undecodable { kind, reason: "the decoder gave up".to_owned() }))
}

fn undecodable(kind: ImageKind, error: &dyn std::fmt::Display) -> MediaError {
    let reason = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    MediaError::Undecodable { kind, reason }
}

fn decode_pixels(kind: ImageKind, bytes: &[u8], max_pixels: u64) -> Result<Decoded, MediaError> {
    let undecodable = |error: image::ImageError| undecodable(kind, &error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format_of(kind));
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels.saturating_mul(BYTES_PER_PIXEL));
    // The cap on pixels is checked below, from the header alone; this one bounds what the decoder may allocate.
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(MediaError::TooManyPixels { width, height, limit: max_pixels });
    }
    // An unreadable orientation is no reason to refuse a picture that every browser shows.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    image.apply_orientation(orientation);
    Ok(Decoded { kind, image })
}

fn format_of(kind: ImageKind) -> ImageFormat {
    match kind {
        ImageKind::Jpeg => ImageFormat::Jpeg,
        ImageKind::Png => ImageFormat::Png,
        ImageKind::Webp => ImageFormat::WebP,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use image::{ImageEncoder as _, Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;

    /// A gradient of the given size, encoded.
    pub(crate) fn picture(kind: ImageKind, width: u32, height: u32) -> Vec<u8> {
        let pixels = RgbImage::from_fn(width, height, |x, y| Rgb([(x % 256) as u8, (y % 256) as u8, 128]));
        let mut bytes = Vec::new();
        DynamicImage::from(pixels).write_to(&mut Cursor::new(&mut bytes), format_of(kind)).unwrap();
        bytes
    }

    /// A JPEG whose EXIF says that it is to be turned by a quarter.
    pub(crate) fn turned_jpeg(width: u32, height: u32) -> Vec<u8> {
        // A TIFF header, one directory with one entry: tag 0x0112 (orientation), type short, count 1, value 6.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        let pixels = RgbImage::from_pixel(width, height, Rgb([200, 10, 10]));
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
        encoder.set_exif_metadata(exif).unwrap();
        encoder.write_image(&pixels, width, height, image::ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    #[test]
    fn each_kind_decodes_to_its_size() {
        for kind in ImageKind::ALL {
            let decoded = decode(&picture(kind, 33, 21), 33 * 21).unwrap();
            assert_eq!((decoded.kind, decoded.image.width(), decoded.image.height()), (kind, 33, 21));
        }
    }

    #[test]
    fn one_pixel_too_many_is_refused_before_decoding() {
        for kind in ImageKind::ALL {
            let error = decode(&picture(kind, 33, 21), 33 * 21 - 1).err().unwrap();
            assert!(matches!(error, MediaError::TooManyPixels { width: 33, height: 21, .. }), "{error:?}");
        }
    }

    #[test]
    fn a_png_that_claims_a_gigantic_size_is_refused() {
        let mut bytes = picture(ImageKind::Png, 4, 4);
        bytes[16..24].copy_from_slice(&[0x40, 0, 0, 0, 0x40, 0, 0, 0]);
        assert!(decode(&bytes, 1_000_000).is_err());
    }

    #[test]
    fn orientation_is_applied() {
        let decoded = decode(&turned_jpeg(60, 20), 10_000).unwrap();
        assert_eq!((decoded.image.width(), decoded.image.height()), (20, 60));
    }

    #[test]
    fn measuring_says_what_decoding_says() {
        let grey = DynamicImage::from(image::GrayImage::from_pixel(17, 9, image::Luma([90])));
        let mut grey_jpeg = Vec::new();
        grey.write_to(&mut Cursor::new(&mut grey_jpeg), ImageFormat::Jpeg).unwrap();
        let mut pictures = vec![turned_jpeg(60, 20), grey_jpeg];
        pictures.extend(ImageKind::ALL.map(|kind| picture(kind, 33, 21)));
        for bytes in pictures {
            let decoded = decode(&bytes, 10_000).unwrap();
            let measured = measure(&bytes, 10_000).unwrap();
            let size = (decoded.image.width(), decoded.image.height());
            assert_eq!((measured.kind, (measured.width, measured.height)), (decoded.kind, size));
            assert!(matches!(measure(&bytes, 100), Err(MediaError::TooManyPixels { limit: 100, .. })));
            assert!(matches!(measure(&bytes[..bytes.len() / 2], 10_000), Err(MediaError::Truncated { .. })));
        }
        assert!(measure(&[0xFF, 0xD8, 0xFF, 0xD9], 1000).is_err());
    }

    #[test]
    fn a_jpeg_of_markers_only_is_undecodable() {
        let error = decode(&[0xFF, 0xD8, 0xFF, 0xD9], 1000).err().unwrap();
        assert!(matches!(error, MediaError::Undecodable { kind: ImageKind::Jpeg, .. }), "{error:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(decode(&bytes, 1_000_000).is_err());
        }

        #[test]
        fn damaged_pictures_never_panic(
            which in 0..3_usize,
            damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        ) {
            let mut bytes = picture(ImageKind::ALL[which], 24, 24);
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            // Through the inner function: the outer one would hide a panic.
            if let Some(kind) = ImageKind::sniff(&bytes) {
                let _ = decode_pixels(kind, &bytes, 1_000_000);
                let _ = measure_jpeg(&bytes, 1_000_000);
            }
        }
    }
}
