//! Taking pictures in, opening and checking them, on a real folder.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use mastoc_media::{ImageKind, ImageLimits, MediaError, MediaStore, Sha256Hex};

fn picture(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| Rgb([(x % 256) as u8, (y % 256) as u8, 90]));
    let mut bytes = Vec::new();
    DynamicImage::from(pixels).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn store() -> (tempfile::TempDir, MediaStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = MediaStore::open(dir.path()).unwrap();
    (dir, store)
}

/// Every file below a folder, with paths relative to it.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_picture_is_kept_byte_for_byte_under_its_hash() {
    let (_dir, store) = store();
    for (format, kind, ext) in [
        (ImageFormat::Jpeg, ImageKind::Jpeg, "jpg"),
        (ImageFormat::Png, ImageKind::Png, "png"),
        (ImageFormat::WebP, ImageKind::Webp, "webp"),
    ] {
        let bytes = picture(format, 64, 48);
        let image = store.ingest_reader(bytes.as_slice(), ImageLimits::default(), Some((64, 48))).unwrap();
        assert_eq!(image.sha256, Sha256Hex::of(&bytes));
        assert_eq!((image.kind, image.width, image.height), (kind, 64, 48));
        assert_eq!(image.size_bytes, bytes.len() as u64);

        let hex = image.sha256.to_string();
        let path = store.path_of(image.sha256, kind);
        assert!(
            path.ends_with(format!("media/{}/{}/{hex}.{ext}", &hex[..2], &hex[2..4])),
            "{}",
            path.display()
        );
        let (mut file, len) = store.open_image(image.sha256, kind).unwrap();
        let mut back = Vec::new();
        file.read_to_end(&mut back).unwrap();
        assert_eq!(back, bytes);
        assert_eq!(len, bytes.len() as u64);
        store.verify(&image).unwrap();
        assert!(store.exists(image.sha256, kind));
    }
    assert_eq!(files(store.root()).len(), 3, "no temporary file stays behind");
}

#[test]
fn a_cut_jpeg_is_refused_wherever_it_is_cut_and_may_be_fetched_again() {
    let (_dir, store) = store();
    let bytes = picture(ImageFormat::Jpeg, 200, 200);
    for keep in [13, 100, bytes.len() / 2, bytes.len() - 1] {
        let error = store.ingest_reader(&bytes[..keep], ImageLimits::default(), None).unwrap_err();
        assert!(matches!(error, MediaError::Truncated { .. }), "{keep}: {error:?}");
        assert!(error.is_retryable() && error.is_bad_picture());
        assert!(!error.to_string().contains('\n'));
    }
    assert!(files(store.root()).is_empty(), "{:?}", files(store.root()));
}

#[test]
fn an_oversized_picture_stops_the_download_at_the_cap() {
    let (_dir, store) = store();
    let endless = picture(ImageFormat::Png, 10, 10).into_iter().chain(std::iter::repeat(0));
    let mut written = 0_u64;
    let limits = ImageLimits { max_bytes: 10_000, ..ImageLimits::default() };
    let error = store
        .ingest(limits, None, |writer| -> io::Result<()> {
            for byte in endless {
                writer.write_all(&[byte])?;
                written += 1;
            }
            Ok(())
        })
        .unwrap_err();
    assert_eq!(written, 10_000);
    assert!(error.to_string().contains("10000 bytes"), "{error}");
    assert!(files(store.root()).is_empty());
}

#[test]
fn a_web_page_is_refused_after_its_first_bytes() {
    let (_dir, store) = store();
    let page = b"<!doctype html><title>Sign in</title>".repeat(10);
    let mut calls = 0;
    let error: MediaError = store
        .ingest(ImageLimits::default(), None, |writer| {
            for chunk in page.chunks(37) {
                writer.write_all(chunk).map_err(|source| MediaError::Io {
                    action: "download",
                    path: "x".into(),
                    source,
                })?;
                calls += 1;
            }
            Ok::<_, MediaError>(())
        })
        .unwrap_err();
    assert_eq!(calls, 0);
    assert!(matches!(&error, MediaError::NotAnImage { found } if found == "a web page or XML"), "{error:?}");
}

#[test]
fn empty_and_tiny_answers_are_no_pictures() {
    let (_dir, store) = store();
    for bytes in [&b""[..], b"x", b"GIF89a", b"{}"] {
        let error = store.ingest_reader(bytes, ImageLimits::default(), None).unwrap_err();
        assert!(matches!(error, MediaError::NotAnImage { .. }), "{error:?}");
    }
}

#[test]
fn other_dimensions_than_recorded_are_refused() {
    let (_dir, store) = store();
    let bytes = picture(ImageFormat::Jpeg, 40, 30);
    let error = store.ingest_reader(bytes.as_slice(), ImageLimits::default(), Some((30, 40))).unwrap_err();
    assert!(
        matches!(error, MediaError::DimensionMismatch { expected: (30, 40), found: (40, 30) }),
        "{error:?}"
    );
    assert!(files(store.root()).is_empty());
}

#[test]
fn too_many_pixels_are_refused() {
    let (_dir, store) = store();
    let bytes = picture(ImageFormat::Png, 40, 30);
    let limits = ImageLimits { max_pixels: 1199, ..ImageLimits::default() };
    let error = store.ingest_reader(bytes.as_slice(), limits, None).unwrap_err();
    assert!(matches!(error, MediaError::TooManyPixels { limit: 1199, .. }), "{error:?}");
}

#[test]
fn the_closures_own_error_comes_through_and_keeps_nothing() {
    let (_dir, store) = store();
    let bytes = picture(ImageFormat::Jpeg, 40, 30);
    let error = store
        .ingest(ImageLimits::default(), None, |writer| -> io::Result<()> {
            writer.write_all(&bytes[..50])?;
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        })
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(files(store.root()).is_empty());
}

#[test]
fn a_kill_between_the_rename_and_the_row_is_harmless() {
    let (dir, store) = store();
    let bytes = picture(ImageFormat::Jpeg, 40, 30);
    // The first process got as far as the rename, and its row was never written; another one was cut while writing.
    let first = store.ingest_reader(bytes.as_slice(), ImageLimits::default(), None).unwrap();
    fs::write(store.root().join("tmp/.left-by-a-killed-process"), &bytes[..10]).unwrap();

    let again = MediaStore::open(dir.path()).unwrap();
    let second = again.ingest_reader(bytes.as_slice(), ImageLimits::default(), Some((40, 30))).unwrap();
    assert_eq!(first, second);
    again.verify(&second).unwrap();
    assert_eq!(fs::read(again.path_of(second.sha256, second.kind)).unwrap(), bytes);
}

#[test]
fn only_temporary_files_older_than_a_day_are_removed_on_opening() {
    let (dir, store) = store();
    let (old, young) = (store.root().join("tmp/old"), store.root().join("tmp/young"));
    for path in [&old, &young] {
        fs::write(path, b"x").unwrap();
    }
    let two_days_ago = SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    fs::File::options().write(true).open(&old).unwrap().set_modified(two_days_ago).unwrap();
    MediaStore::open(dir.path()).unwrap();
    assert!(!old.exists() && young.exists());
}

#[test]
fn the_same_picture_from_many_threads_is_kept_once() {
    let (_dir, store) = store();
    let bytes = picture(ImageFormat::Png, 120, 80);
    let images: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| store.ingest_reader(bytes.as_slice(), ImageLimits::default(), None).unwrap())
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert!(images.windows(2).all(|pair| pair[0] == pair[1]));
    store.verify(&images[0]).unwrap();
    assert_eq!(files(store.root()).len(), 1);
}

#[test]
fn damage_is_found_and_healed_by_taking_the_picture_in_again() {
    let (_dir, store) = store();
    let bytes = picture(ImageFormat::Jpeg, 40, 30);
    let image = store.ingest_reader(bytes.as_slice(), ImageLimits::default(), None).unwrap();
    let path = store.path_of(image.sha256, image.kind);
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let error = store.verify(&image).unwrap_err();
    assert!(
        matches!(error, MediaError::Corrupt { found, .. } if found == Sha256Hex::of(&damaged)),
        "{error:?}"
    );
    assert!(error.needs_fetch());

    store.ingest_reader(bytes.as_slice(), ImageLimits::default(), None).unwrap();
    store.verify(&image).unwrap();

    fs::remove_file(&path).unwrap();
    let error = store.verify(&image).unwrap_err();
    assert!(matches!(error, MediaError::Missing { .. }) && error.needs_fetch(), "{error:?}");
    assert!(!store.exists(image.sha256, image.kind));
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_picture_is_not_followed() {
    let (dir, store) = store();
    let secret = dir.path().join("secret.key");
    fs::write(&secret, b"not for you").unwrap();
    let sha256 = Sha256Hex::of(b"anything");
    let path = store.path_of(sha256, ImageKind::Jpeg);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&secret, &path).unwrap();
    assert!(matches!(store.open_image(sha256, ImageKind::Jpeg), Err(MediaError::Missing { .. })));
    assert!(!store.exists(sha256, ImageKind::Jpeg));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    fs::write(&data_dir, b"a file where the folder should be").unwrap();
    let error = MediaStore::open(&data_dir).unwrap_err();
    assert!(matches!(error, MediaError::Unwritable { .. }), "{error:?}");
    assert!(error.to_string().contains("data/media"), "{error}");
}

#[test]
fn the_real_wall_is_kept_byte_for_byte() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let board = std::env::var_os("MASTOC_BOARD_DATA")
        .map_or_else(|| root.join("../shared/data/montoboard"), std::path::PathBuf::from);
    let Ok(bytes) = fs::read(board.join("wall.jpg")) else {
        println!("skipped: no real board data");
        return;
    };
    let (_dir, store) = store();
    let image = store.ingest_reader(bytes.as_slice(), ImageLimits::default(), Some((2263, 3000))).unwrap();
    store.verify(&image).unwrap();
    assert_eq!(image.size_bytes, bytes.len() as u64);
    let thumbnail = store.thumbnail(image.sha256, image.kind, 320).unwrap();
    assert!(thumbnail.len() < 100_000, "{}", thumbnail.len());
}
