//! Files that are something else than they say, sent to every route that takes a picture: refused, or drawn anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use image::ImageEncoder as _;

use super::{patient, somebody};
use crate::routes::bodies::{body_for, query_for};
use crate::routes::document::{Operation, operations};
use crate::routes::world::{Caller, Named, World, avatar_form};
use crate::support::{Reply, TestApp, migrate};

/// What must not come back out of a picture.
const MARK: &[u8] = b"<script>45.76 4.83</script>";

fn photo() -> image::RgbImage {
    image::RgbImage::from_fn(crate::support::WIDTH, crate::support::HEIGHT, |x, y| {
        image::Rgb([(x % 251) as u8, (y % 241) as u8, 9])
    })
}

/// A PNG with a text chunk behind its head.
fn png_with_text() -> Vec<u8> {
    let mut png = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut png);
    encoder
        .write_image(&photo(), crate::support::WIDTH, crate::support::HEIGHT, image::ExtendedColorType::Rgb8)
        .unwrap();
    let mut chunk = b"tEXtComment\0".to_vec();
    chunk.extend_from_slice(MARK);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let mut whole = u32::try_from(chunk.len() - 4).unwrap().to_be_bytes().to_vec();
    whole.extend_from_slice(&chunk);
    whole.extend_from_slice(&crc.sum().to_be_bytes());
    png.splice(33..33, whole);
    png
}

/// A JPEG with EXIF and a comment.
fn jpeg_with_exif() -> Vec<u8> {
    let mut jpeg = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 80);
    encoder
        .write_image(&photo(), crate::support::WIDTH, crate::support::HEIGHT, image::ExtendedColorType::Rgb8)
        .unwrap();
    let mut extra = Vec::new();
    for (marker, head) in [(0xE1_u8, b"Exif\0\0".as_slice()), (0xFE, b"")] {
        extra.extend_from_slice(&[0xFF, marker]);
        extra.extend_from_slice(&u16::try_from(2 + head.len() + MARK.len()).unwrap().to_be_bytes());
        extra.extend_from_slice(head);
        extra.extend_from_slice(MARK);
    }
    jpeg.splice(2..2, extra);
    jpeg
}

fn followed_by(mut picture: Vec<u8>, tail: &[u8]) -> Vec<u8> {
    picture.extend_from_slice(tail);
    picture
}

/// A PNG that says it is this large.
fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut png = crate::support::picture(4, 4);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    png
}

/// What is no picture, whatever it looks like from outside.
fn no_pictures() -> Vec<(&'static str, Vec<u8>)> {
    let png = crate::support::picture(crate::support::WIDTH, crate::support::HEIGHT);
    vec![
        ("nothing", Vec::new()),
        ("a page", b"<!doctype html><script>alert(1)</script>".to_vec()),
        ("a drawing that runs", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec()),
        ("an animation's head", b"GIF89a/*\x01\x00\x01\x00*/=1;alert(1)".to_vec()),
        ("a document", b"%PDF-1.7\n".to_vec()),
        ("an archive", b"PK\x03\x04 and more".to_vec()),
        ("a program", b"\x7fELF\x02\x01\x01\0".to_vec()),
        ("a head alone", png[..40].to_vec()),
        ("half a picture", png[..png.len() / 2].to_vec()),
        ("a page with a picture's first bytes", followed_by(b"\x89PNG\r\n\x1a\n".to_vec(), MARK)),
        ("a page with a photo's first bytes", followed_by(b"\xff\xd8\xff\xe0".to_vec(), MARK)),
        ("a bomb", png_of_size(60_000, 60_000)),
        ("the largest bomb", png_of_size(u32::MAX, u32::MAX)),
        ("no size", png_of_size(0, 0)),
    ]
}

/// Pictures with something else in them.
fn polyglots() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a text chunk", png_with_text()),
        ("EXIF", jpeg_with_exif()),
        (
            "a page behind it",
            followed_by(crate::support::picture(crate::support::WIDTH, crate::support::HEIGHT), MARK),
        ),
        ("a page behind a photo", followed_by(jpeg_with_exif(), MARK)),
        ("a picture", crate::support::picture(crate::support::WIDTH, crate::support::HEIGHT)),
    ]
}

fn uploads() -> Vec<Operation> {
    let takes_files = |op: &Operation| {
        op.reads().iter().any(|kind| *kind != "application/json" && !kind.contains("urlencoded"))
    };
    let found: Vec<Operation> = operations().into_iter().filter(takes_files).collect();
    assert!(found.len() >= 4, "avatars, faces, and both imports");
    found
}

fn send(
    world: &World<'_>,
    op: &Operation,
    (caller, named): &(Caller, Named),
    query: &str,
    file: &[u8],
) -> Reply {
    let (kind, body) = if op.reads().contains("multipart/form-data") {
        avatar_form(file)
    } else {
        ("image/png".to_owned(), file.to_vec())
    };
    let hash = mastoc_media::Sha256Hex::of(&body).to_string();
    let headers = [("content-type", kind.as_str()), ("x-content-sha256", hash.as_str())];
    world.ask(*caller, &op.method, &(op.at(named) + query), &headers, &body)
}

fn files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { _ = found.insert(path) }
    }
    found
}

fn holds_mark(bytes: &[u8]) -> bool {
    bytes.windows(8).any(|part| part == &MARK[..8]) || bytes.windows(8).any(|part| part == &MARK[8..16])
}

fn nothing_else_is_kept(url: &str) {
    let (app, open) = (patient(url), TestApp::public(url));
    let world = World::new(&app, &open);
    for op in uploads() {
        let route = op.route();
        let query = query_for(&route);
        let who = somebody(&op, &world);
        let before = files_below(app.folder.path());
        for (what, bytes) in no_pictures() {
            let reply = send(&world, &op, &who, &query, &bytes);
            assert!(matches!(reply.problem().0, 413 | 422), "{route} took {what}: {}", reply.status);
        }
        assert_eq!(files_below(app.folder.path()), before, "{route} left something of what it refused");
        for (what, bytes) in polyglots() {
            let reply = send(&world, &op, &who, &query, &bytes);
            assert!(
                matches!(reply.status, 200 | 422),
                "{route} {what}: {}",
                String::from_utf8_lossy(&reply.body)
            );
            assert!(
                what != "a picture" || reply.status == 200,
                "{route}: {}",
                String::from_utf8_lossy(&reply.body)
            );
        }
        let ours = !route.contains("/sync/import/");
        for path in files_below(app.folder.path()).difference(&before) {
            let bytes = std::fs::read(path).unwrap();
            // What is imported is a copy, byte by byte.
            assert!(
                !ours || !holds_mark(&bytes),
                "{route} kept what else was in the file: {}",
                path.display()
            );
            let name = path.file_name().unwrap().to_str().unwrap();
            let kind = image::guess_format(&bytes).unwrap();
            assert!(
                matches!(kind, image::ImageFormat::Png | image::ImageFormat::Jpeg | image::ImageFormat::WebP),
                "{name} is no picture"
            );
            assert!(!name.contains("me.png") && !name.contains(".html"), "{name} was not named by us");
        }
    }
    every_picture_is_served_as_one(&world);
}

/// Whatever is served as a picture has its fixed type, and is nothing that a browser could take for a page.
fn every_picture_is_served_as_one(world: &World<'_>) {
    let face = world.app.get(&format!("/api/faces/{}", world.face)).ok();
    let own = format!("/api/users/{}/avatar", world.owner.id);
    let imported = format!("/api/users/{}/avatar", world.setter);
    let mut seen = 0;
    for path in [
        format!("/static/{}", face["picture_path"].as_str().unwrap()),
        "/static/avatars/1.png".to_owned(),
        own,
        imported,
    ] {
        let reply = world.app.get(&path);
        if reply.status != 200 {
            continue;
        }
        seen += 1;
        let kind = reply.header("content-type");
        assert!(matches!(kind, "image/png" | "image/jpeg" | "image/webp"), "{path}: {kind}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(image::guess_format(&reply.body).unwrap().to_mime_type(), kind, "{path}");
    }
    assert!(seen >= 3, "{seen} pictures were read again");
}

fn paths_are_ours(url: &str) {
    let (app, open) = (patient(url), TestApp::public(url));
    let world = World::new(&app, &open);
    for op in uploads() {
        let route = op.route();
        let who = somebody(&op, &world);
        let before = files_below(app.folder.path());
        let (_, right) = body_for(&route, &world, &who.1);
        if !op.parameters("query").iter().any(|(name, _)| name == "path") {
            continue;
        }
        for path in [
            "..%2F..%2Fetc%2Fpasswd",
            "%2Fetc%2Fpasswd",
            "a%2F..%2F..%2Fb.png",
            "a%5C..%5Cb.png",
            "a%00.png",
            "C%3A%5Cx.png",
            ".%2F.%2F..%2Fx.png",
            "%2e%2e%2fx.png",
            "",
            "media%2F..%2F..%2Fsecret.key",
        ] {
            let reply = send(&world, &op, &who, &format!("?path={path}"), &right);
            assert!(matches!(reply.problem().0, 404 | 422), "{route} {path}: {}", reply.status);
        }
        assert_eq!(files_below(app.folder.path()), before, "{route}: nothing is kept");
    }
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s15_every_upload_is_a_picture_and_nothing_else(url: &str) {
        nothing_else_is_kept(url);
    }

    fn s15_no_upload_says_where_it_is_kept(url: &str) {
        paths_are_ours(url);
    }
}
