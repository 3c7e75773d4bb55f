//! Pictures: taken in only whole and as announced, served by path and by hash, and nothing else from the disk.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::{ENV_KEY, FACE, HEIGHT, PICTURE, SMALL, TestApp, WIDTH, migrate, picture};
use mastoc_media::Sha256Hex;

fn sha(bytes: &[u8]) -> String {
    Sha256Hex::of(bytes).to_string()
}

fn avatar() -> String {
    format!("/api/sync/import/users/{}/avatar?path=avatars/1.png", crate::support::user_id(1))
}

/// Sends a request target exactly as it is, and gives the status.
fn raw(app: &TestApp, target: &str) -> String {
    let mut stream = TcpStream::connect(app.address).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nhost: x\r\nx-api-key: {ENV_KEY}\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The most memory that this process ever had, in MB; 0 where the system does not tell.
fn most_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s15_a_picture_is_served_by_path_and_by_hash_with_a_fixed_type(url: &str) {
        let app = TestApp::start(url).with_board();
        let bytes = picture(WIDTH, HEIGHT);
        let by_path = app.get(&format!("/static/{PICTURE}"));
        assert_eq!((by_path.status, &by_path.body), (200, &bytes));
        assert_eq!(by_path.header("content-type"), "image/png");
        assert_eq!(by_path.header("x-content-type-options"), "nosniff");
        assert_eq!(by_path.header("content-length"), bytes.len().to_string());
        assert!(by_path.header("content-security-policy").contains("default-src 'none'"));
        let by_hash = app.get(&format!("/media/{}", sha(&bytes)));
        assert_eq!(by_hash.body, bytes);
        assert!(by_hash.header("cache-control").contains("immutable") && by_hash.header("cache-control").starts_with("private"));
        assert_eq!(by_hash.header("etag"), by_path.header("etag"));
        for path in [format!("/static/{PICTURE}"), format!("/media/{}", sha(&bytes))] {
            let held = [("x-api-key", ENV_KEY), ("if-none-match", by_path.header("etag"))];
            assert_eq!(app.call("GET", &path, &held, b"").status, 304);
        }

        let size = |reply: &crate::support::Reply| {
            let image = image::load_from_memory(&reply.body).unwrap();
            (image.width(), image.height())
        };
        let thumbnail = app.get(&format!("/static/{PICTURE}?w=100"));
        assert_eq!((thumbnail.header("content-type"), size(&thumbnail)), ("image/jpeg", (160, 120)));
        assert_ne!(thumbnail.header("etag"), by_path.header("etag"));
        assert_eq!(size(&app.get(&format!("/static/{SMALL}"))), (160, 120));
        assert_eq!(app.get(&format!("/media/{}?w=9999", sha(&bytes))).body, bytes);
        for bad in ["0", "-1", "x", "99999999"] {
            assert_eq!(app.get(&format!("/static/{PICTURE}?w={bad}")).problem().0, 422, "{bad}");
        }
    }

    fn avatars_work_the_same_way_and_sending_again_is_harmless(url: &str) {
        let app = TestApp::public(url).with_board();
        let bytes = picture(40, 40);
        for _ in 0..2 {
            let stored = app.put_picture(&avatar(), &bytes, &sha(&bytes)).ok();
            assert_eq!(stored, serde_json::json!({"sha256": sha(&bytes), "width": 40, "height": 40, "size_bytes": bytes.len()}));
        }
        let served = app.get_as_nobody("/static/avatars/1.png");
        assert_eq!(served.body, bytes);
        assert!(served.header("cache-control").starts_with("public"));
        assert_eq!(app.get(&format!("/api/sync/import/pictures?gym_stokt_id={}", crate::support::GYM)).ok()["wanted"], serde_json::json!([]));
    }

    fn s15_only_whole_pictures_as_announced_are_kept(url: &str) {
        let app = TestApp::start(url).with_board();
        let bytes = picture(40, 40);
        let face = format!("/api/sync/import/faces/{FACE}/picture?path={PICTURE}");
        let code = |path: &str, bytes: &[u8], hash: &str| app.put_picture(path, bytes, hash).problem();
        let bad = |code: &str| (422, code.to_owned());
        assert_eq!(code(&avatar(), &bytes, &sha(b"other")), bad("bad_picture"));
        assert_eq!(code(&avatar(), &bytes, "nonsense"), bad("invalid"));
        assert_eq!(code(&avatar(), b"<html>", &sha(b"<html>")), bad("bad_picture"));
        assert_eq!(code(&avatar(), b"", &sha(b"")), bad("bad_picture"));
        let cut = &bytes[..bytes.len() / 2];
        assert_eq!(code(&avatar(), cut, &sha(cut)), bad("bad_picture"));
        // Hold outlines would not fit on a picture of another size.
        assert_eq!(code(&face, &bytes, &sha(&bytes)), bad("bad_picture"));
        assert_eq!(code("/api/sync/import/users/57000000-0000-4000-8000-000000000101/avatar", &bytes, &sha(&bytes)), bad("invalid"));
        for nobody in [
            avatar().replace("avatars/1", "avatars/2"),
            avatar().replace("0101", "0999"),
            face.replace("main", "other"),
            face.replace(FACE, crate::support::GYM),
        ] {
            assert_eq!(code(&nobody, &bytes, &sha(&bytes)), (404, "not_found".to_owned()), "{nobody}");
        }
        assert_eq!(app.get("/static/avatars/1.png").status, 404);
    }

    fn s14_a_picture_is_capped_whether_or_not_it_says_its_size(url: &str) {
        let app = TestApp::with(url, |settings| settings.image_limits.max_bytes = 1_000_000).with_board();
        let large = vec![0xFF; 1_000_001];
        assert_eq!(app.put_picture(&avatar(), &large, &sha(&large)).problem(), (413, "too_large".to_owned()));
        let head = format!(
            "PUT {} HTTP/1.1\r\nhost: x\r\nx-api-key: {ENV_KEY}\r\nx-content-sha256: {}\r\ntransfer-encoding: chunked\r\n\r\n",
            avatar(),
            sha(&large)
        );
        let mut piece = picture(300, 300);
        piece.resize(200_000, 0);
        // The client says nothing more after that, and does not end the body either.
        let answer = crate::support::send_raw(app.address, &head, &vec![piece; 6]);
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        let left: Vec<_> = std::fs::read_dir(app.folder.path().join("media/tmp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    fn s14_uploads_that_stop_coming_do_not_keep_readers_waiting(url: &str) {
        let app = TestApp::start(url).with_board();
        // More than there are threads for blocking work (512 for all workers), so that none would be left.
        let stalled: Vec<TcpStream> = (0..520)
            .map(|_| {
                let mut stream = TcpStream::connect(app.address).unwrap();
                write!(
                    stream,
                    "PUT {} HTTP/1.1\r\nhost: x\r\nx-api-key: {ENV_KEY}\r\nx-content-sha256: {}\r\ncontent-length: 1000\r\n\r\n{{",
                    avatar(), sha(b"x")
                )
                .unwrap();
                stream
            })
            .collect();
        std::thread::sleep(std::time::Duration::from_millis(1_000));
        let asked = std::time::Instant::now();
        app.get("/api/climbs?page_size=3").ok();
        assert!(asked.elapsed() < std::time::Duration::from_secs(15), "{:?}", asked.elapsed());
        // Those who are gone give up their turns.
        drop(stalled);
        let bytes = picture(200, 200);
        assert_eq!(app.put_picture(&avatar(), &bytes, &sha(&bytes)).status, 200);
    }

    fn s14_many_thumbnails_at_once_take_the_memory_of_few(url: &str) {
        let app = TestApp::start(url).with_board();
        // 12 MB as pixels, and as much again while it is drawn.
        let bytes = picture(2_000, 2_000);
        assert_eq!(app.put_picture(&avatar(), &bytes, &sha(&bytes)).status, 200);
        let before = most_memory_mb();
        std::thread::scope(|scope| {
            for number in 0..48 {
                let app = &app;
                scope.spawn(move || {
                    let width = [160, 320, 640, 1080, 1600][number % 5];
                    assert_eq!(app.get(&format!("/static/avatars/1.png?w={width}")).status, 200);
                });
            }
        });
        let grown = most_memory_mb() - before;
        assert!(grown < 300, "{grown} MB more");
    }

    fn a_body_that_is_cut_is_not_kept(url: &str) {
        let app = TestApp::start(url).with_board();
        let bytes = picture(200, 200);
        let mut stream = TcpStream::connect(app.address).unwrap();
        write!(
            stream,
            "PUT {} HTTP/1.1\r\nhost: x\r\nx-api-key: {ENV_KEY}\r\nx-content-sha256: {}\r\ncontent-length: {}\r\n\r\n",
            avatar(), sha(&bytes), bytes.len()
        )
        .unwrap();
        stream.write_all(&bytes[..bytes.len() - 10]).unwrap();
        drop(stream);
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert_eq!(app.get("/static/avatars/1.png").status, 404);
        let left: Vec<_> = std::fs::read_dir(app.folder.path().join("media/tmp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    fn s15_traversal_and_links_are_not_found(url: &str) {
        let app = TestApp::start(url).with_board();
        std::fs::write(app.folder.path().join("secret.key"), "hunter2hunter2").unwrap();
        for target in [
            "/static/../secret.key", "/static/..%2fsecret.key", "/static/%2e%2e/secret.key", "/static//etc/passwd", "/static/%2fetc/passwd",
            "/static/..\\secret.key", "/static/..%5csecret.key", "/static/a/../../secret.key", "/static/%00", "/static/a%00b", "/static/.",
            "/media/../secret.key", "/media/..%2fsecret.key", "/media/%2e%2e%2fsecret.key", "/docs/../secret.key", "/docs/..%2f..%2fsecret.key",
            "/static/media/../../secret.key", "/static/file:///etc/passwd", "/static/%c0%ae%c0%ae/secret.key",
        ] {
            let answer = raw(&app, target);
            assert!(answer.starts_with("HTTP/1.1 404"), "{target}: {answer}");
            assert!(!answer.contains("hunter2") && !answer.contains("root:"), "{target}");
        }
        // A link in the place of a picture is not followed.
        let bytes = picture(WIDTH, HEIGHT);
        let hash = sha(&bytes);
        let file = app.folder.path().join(format!("media/{}/{}/{hash}.png", &hash[..2], &hash[2..4]));
        std::fs::remove_file(&file).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(app.folder.path().join("secret.key"), &file).unwrap();
        let answer = raw(&app, &format!("/static/{PICTURE}"));
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("hunter2"), "{answer}");
    }
}
