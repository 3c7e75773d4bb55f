//! Whether a file reaches the end of its picture.
//!
//! JPEG decoders are forgiving: they fill what a cut file lacks with grey and report success. So the containers are
//! walked here: a JPEG must come to its EOI marker (ITU-T T.81, B.1.1), a PNG to its IEND chunk (W3C PNG, 5.3), and a
//! WebP must be as long as its RIFF header says (RFC 9649, 2.4). Bytes after the end are left alone: cameras put
//! previews and videos there.

use crate::kind::ImageKind;

/// Whether `bytes`, which start like a `kind`, hold a picture to its end.
pub(crate) fn is_complete(kind: ImageKind, bytes: &[u8]) -> bool {
    match kind {
        ImageKind::Jpeg => jpeg_reaches_its_end(bytes).is_some(),
        ImageKind::Png => png_reaches_its_end(bytes).is_some(),
        ImageKind::Webp => webp_has_its_length(bytes).is_some(),
    }
}

/// Walks marker by marker; `None` where the file ends first.
fn jpeg_reaches_its_end(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.get(2..)?;
    loop {
        // Between segments, and inside entropy-coded data, everything up to the next 0xFF is skipped.
        let at = rest.iter().position(|byte| *byte == 0xFF)?;
        rest = rest.get(at..)?;
        let fill = rest.iter().position(|byte| *byte != 0xFF)?;
        let marker = *rest.get(fill)?;
        rest = rest.get(fill + 1..)?;
        match marker {
            0xD9 => return Some(()),
            // A stuffed zero, TEM, a restart or a start of image carries no length.
            0x00 | 0x01 | 0xD0..=0xD8 => {}
            _ => {
                let length = usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?));
                // Thumbnails inside such a segment have an EOI of their own: the whole segment is skipped.
                rest = rest.get(length.max(2)..)?;
            }
        }
    }
}

fn png_reaches_its_end(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.get(8..)?;
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk::<4>()?)).ok()?;
        let name = rest.get(4..8)?;
        let end = length.checked_add(12)?;
        let after = rest.get(end..)?;
        if name == b"IEND" {
            return Some(());
        }
        rest = after;
    }
}

fn webp_has_its_length(bytes: &[u8]) -> Option<()> {
    let length = usize::try_from(u32::from_le_bytes(*bytes.get(4..)?.first_chunk::<4>()?)).ok()?;
    bytes.get(8..)?.get(..length).map(|_| ())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::tests::picture;

    #[test]
    fn whole_pictures_are_complete_and_every_cut_is_seen() {
        for kind in ImageKind::ALL {
            let bytes = picture(kind, 40, 30);
            assert!(is_complete(kind, &bytes), "{kind}");
            for cut in 0..bytes.len() {
                assert!(!is_complete(kind, &bytes[..cut]), "{kind} cut at {cut} of {}", bytes.len());
            }
        }
    }

    #[test]
    fn what_follows_the_end_is_left_alone() {
        for kind in ImageKind::ALL {
            let mut bytes = picture(kind, 8, 8);
            bytes.extend_from_slice(b"preview of a preview");
            assert!(is_complete(kind, &bytes), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            for kind in ImageKind::ALL {
                let _ = is_complete(kind, &bytes);
            }
        }
    }
}
