//! Content encodings: which one a client wants, and making it.
//!
//! Compression is done here rather than by the framework, because a strong ETag names exact bytes and so has to
//! know the encoding, and because compressed answers are worth keeping.

use std::io::{self, Write as _};

use actix_web::HttpRequest;
use actix_web::http::header;
use bytes::Bytes;

/// Shorter answers fit one packet anyway.
const WORTH_IT_BYTES: usize = 1024;
/// Brotli's quality, of 11: about the speed of gzip, and smaller.
const BROTLI_QUALITY: u32 = 5;
/// Brotli's window, as a power of two: 4 MiB.
const BROTLI_WINDOW: u32 = 22;
/// Zstandard's level, of 22.
const ZSTD_LEVEL: i32 = 3;

/// An encoding of an answer's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    Identity,
    Zstd,
    Brotli,
    Gzip,
}

impl Encoding {
    /// Best first: equally wanted ones are tried in this order.
    pub(crate) const PREFERRED: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// The word in `Content-Encoding`; none for the bytes as they are.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Zstd => Some("zstd"),
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }

    /// The encoding that the client wants most, of those we make.
    pub(crate) fn wanted(req: &HttpRequest) -> Self {
        let values = req.headers().get_all(header::ACCEPT_ENCODING);
        let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        Self::best_of(&texts)
    }

    fn best_of(headers: &[&str]) -> Self {
        let mut best = (Self::Identity, 0.0);
        for candidate in Self::PREFERRED {
            let quality = quality(headers, candidate.word().unwrap_or_default());
            if quality > best.1 {
                best = (candidate, quality);
            }
        }
        best.0
    }

    /// Encodes, or leaves the bytes as they are where that is no gain. The same bytes always come out the same.
    pub(crate) fn apply(self, bytes: &Bytes) -> (Self, Bytes) {
        if self == Self::Identity || bytes.len() < WORTH_IT_BYTES {
            return (Self::Identity, bytes.clone());
        }
        match self.compress(bytes) {
            Ok(packed) if packed.len() < bytes.len() => (self, Bytes::from(packed)),
            _ => (Self::Identity, bytes.clone()),
        }
    }

    fn compress(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(bytes.to_vec()),
            Self::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL),
            Self::Brotli => {
                let mut writer =
                    brotli::CompressorWriter::new(Vec::new(), 16 * 1024, BROTLI_QUALITY, BROTLI_WINDOW);
                writer.write_all(bytes)?;
                writer.flush()?;
                Ok(writer.into_inner())
            }
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(5));
                writer.write_all(bytes)?;
                writer.finish()
            }
        }
    }
}

/// The quality that the client gives to an encoding (RFC 9110, 12.5.3): 0 where it is not accepted.
fn quality(headers: &[&str], word: &str) -> f32 {
    let mut any = None;
    for item in headers.iter().flat_map(|text| text.split(',')) {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        if name.eq_ignore_ascii_case(word) {
            return weight;
        }
        if name == "*" {
            any = Some(weight);
        }
    }
    any.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_most_wanted_encoding_is_chosen() {
        let best = |text: &str| Encoding::best_of(&[text]);
        assert_eq!(best(""), Encoding::Identity);
        assert_eq!(best("gzip, deflate"), Encoding::Gzip);
        assert_eq!(best("gzip, deflate, br, zstd"), Encoding::Zstd);
        assert_eq!(best("gzip;q=1.0, br;q=0.5"), Encoding::Gzip);
        assert_eq!(best("zstd;q=0, *"), Encoding::Brotli);
        assert_eq!(best("identity"), Encoding::Identity);
        assert_eq!(best("gzip;q=nonsense"), Encoding::Identity);
    }

    #[test]
    fn what_is_packed_unpacks_and_packs_the_same_again() {
        let text = Bytes::from("a wall of wood and holds; ".repeat(200));
        for encoding in Encoding::PREFERRED {
            let (used, packed) = encoding.apply(&text);
            assert_eq!(used, encoding);
            assert_eq!(encoding.apply(&text).1, packed);
            let mut unpacked = Vec::new();
            match encoding {
                Encoding::Zstd => unpacked = zstd::bulk::decompress(&packed, text.len()).unwrap(),
                Encoding::Brotli => {
                    brotli::Decompressor::new(&packed[..], 4096)
                        .read_to_end(&mut unpacked)
                        .map(drop)
                        .unwrap();
                }
                _ => flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).map(drop).unwrap(),
            }
            assert_eq!(unpacked, text);
        }
        let short = Bytes::from_static(b"{}");
        assert_eq!(Encoding::Gzip.apply(&short), (Encoding::Identity, short));
    }
}
