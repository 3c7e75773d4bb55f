//! People: profiles, avatars, administration, taking one's data along, leaving, and claiming a setter.

use std::io::Cursor;

use crate::support::{Person, Reply, TestApp, migrate, picture, user_id};
use image::ImageEncoder as _;
use mastoc_domain::UserId;
use mastoc_domain::access::AccountRole;
use mastoc_http_api::passwords;
use mastoc_storage::accounts;
use serde_json::{Value, json};

const BOUNDARY: &str = "a-boundary";

/// A form with one file, whatever it claims to be.
fn form(field: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: text/html\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn post_form(app: &TestApp, person: &Person, body: &[u8]) -> Reply {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("authorization", person.bearer()), ("content-type", kind)];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    app.call("POST", "/api/users/me/avatar", &headers, body)
}

fn upload(app: &TestApp, person: &Person, bytes: &[u8]) -> Reply {
    post_form(app, person, &form("file", "../../etc/passwd.html", bytes))
}

/// A JPEG whose EXIF says where it was taken, and that it is to be turned by a quarter.
fn photo(width: u32, height: u32) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(b"GPS 45.76 4.83");
    let pixels = image::RgbImage::from_pixel(width, height, image::Rgb([200, 10, 10]));
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.write_image(&pixels, width, height, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn path_of(person: &Person) -> String {
    format!("/api/users/{}", person.id)
}

fn by_key(app: &TestApp, method: &str, path: &str, body: &Value) -> Reply {
    let headers = [("x-api-key", crate::support::ENV_KEY), ("content-type", "application/json")];
    app.call(method, path, &headers, body.to_string().as_bytes())
}

/// Our id of an imported setter.
fn setter(app: &TestApp, n: u32) -> UserId {
    let setters = app.get("/api/setters").ok();
    let found =
        setters["results"].as_array().unwrap().iter().find(|s| s["stokt_id"] == user_id(n)).unwrap().clone();
    found["id"].as_str().unwrap().parse().unwrap()
}

/// The names of all files below a folder.
fn files_below(folder: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            names.extend(files_below(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names
}

fn with_password(app: &TestApp, person: &Person, password: &str) -> Person {
    let hash = passwords::hash(password).unwrap();
    app.store.write(|conn| accounts::set_password(conn, person.id, &hash)).unwrap();
    // A new password ends every login.
    app.login_again(person)
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn one_sees_and_changes_ones_own_names_and_nothing_else(url: &str) {
        let app = TestApp::start(url);
        let anna = app.person("anna");
        let ben = app.person("ben");
        let me = app.by(&anna, "GET", "/api/users/me", &Value::Null).ok();
        assert_eq!((&me["id"], &me["email"]), (&json!(anna.id), &json!("anna@example.org")));
        assert_eq!((&me["username"], &me["role"], &me["stokt_id"]), (&json!("anna"), &json!("user"), &Value::Null));
        for (field, bad) in [
            ("full_name", json!("")), ("full_name", json!(" \u{200b} ")), ("full_name", json!("a\u{0}b")),
            ("full_name", json!("x".repeat(256))), ("full_name", json!(3)), ("full_name", Value::Null),
            ("username", json!("ab")), ("username", json!("a@b.c")), ("username", json!("a\nbc")),
            ("username", json!("x".repeat(51))), ("username", Value::Null), ("username", json!(["anna"])),
            ("username", json!("BEN")),
        ] {
            let reply = app.by(&anna, "PATCH", "/api/users/me", &json!({ field: bad }));
            assert_eq!(reply.problem(), (422, "invalid".to_owned()), "{field} {bad}");
            assert_eq!(reply.json()["errors"][0]["field"], field, "{bad}");
        }
        assert_eq!(app.by(&anna, "GET", "/api/users/me", &Value::Null).ok(), me, "nothing changed");
        assert_eq!(app.by(&ben, "GET", &path_of(&anna), &Value::Null).ok()["username"], "anna");
        let renamed = app.by(&anna, "PATCH", "/api/users/me", &json!({"full_name": " Anna  É. ", "username": "Anna"})).ok();
        assert_eq!((&renamed["full_name"], &renamed["username"]), (&json!("Anna  É."), &json!("Anna")));
        assert_eq!(app.by(&ben, "GET", &path_of(&anna), &Value::Null).ok()["username"], "Anna");
        // The same again is no change.
        let newest = || app.store.read(mastoc_storage::changes::latest).unwrap();
        let place = newest();
        app.by(&anna, "PATCH", "/api/users/me", &json!({"username": "Anna"})).ok();
        assert_eq!(newest(), place);
    }

    fn s13_clients_set_no_role_or_stokt_id_of_people(url: &str) {
        let app = TestApp::start(url);
        let anna = app.person("anna");
        let before = app.by(&anna, "GET", "/api/users/me", &Value::Null).ok();
        let wish = json!({
            "role": "admin", "is_active": false, "source": "stokt", "stokt_id": user_id(1), "id": user_id(2),
            "email": "other@example.org", "avatar_path": "x.png", "climbs_count": 9, "created_at": "2001-01-01T00:00:00Z",
        });
        let after = app.by(&anna, "PATCH", "/api/users/me", &wish).ok();
        assert_eq!(after, before);
        assert_eq!(app.by(&anna, "PATCH", &path_of(&anna), &json!({"role": "admin"})).problem().0, 403);
    }

    fn a_public_profile_shows_neither_address_nor_role(url: &str) {
        let app = TestApp::public(url).with_board();
        let anna = app.person_with("anna", AccountRole::Admin);
        let text = String::from_utf8(app.get_as_nobody(&path_of(&anna)).body).unwrap();
        assert!(text.contains("\"full_name\":\"anna\"") && text.contains("\"climbs_count\":0"), "{text}");
        assert!(!text.contains("example.org") && !text.contains("admin") && !text.contains("role"), "{text}");
        let setter = setter(&app, 1);
        let imported = app.get_as_nobody(&format!("/api/users/{setter}")).ok();
        assert_eq!((&imported["username"], &imported["stokt_id"]), (&Value::Null, &json!(user_id(1))));
        for unknown in ["/api/users/00000000-0000-4000-8000-000000000000", "/api/users/00000000-0000-4000-8000-000000000000/avatar"] {
            assert_eq!(app.get_as_nobody(unknown).status, 404);
        }
        assert_eq!(app.get_as_nobody("/api/users/anna").status, 422);
    }

    fn s15_an_avatar_is_drawn_anew_and_whatever_is_no_picture_is_refused(url: &str) {
        let app = TestApp::with(url, |settings| {
            settings.access = mastoc_http_api::AccessMode::PublicRead;
            settings.image_limits.max_pixels = 2_000_000;
        });
        let anna = app.person("anna");
        let avatar = format!("{}/avatar", path_of(&anna));
        assert_eq!(app.get_as_nobody(&avatar).status, 404);
        // A photograph that is a web page at its end.
        let mut polyglot = photo(1_600, 800);
        polyglot.extend_from_slice(b"<script>alert(document.domain)</script>");
        let me = upload(&app, &anna, &polyglot).ok();
        let path = me["avatar_path"].as_str().unwrap().to_owned();
        assert!(path.starts_with("avatars/") && path.ends_with(".jpg") && !path.contains("passwd"), "{path}");
        for at in [format!("/static/{path}"), avatar.clone()] {
            let shown = app.get_as_nobody(&at);
            assert_eq!((shown.status, shown.header("content-type")), (200, "image/jpeg"), "{at}");
            assert_eq!(shown.header("x-content-type-options"), "nosniff");
            assert!(!contains(&shown.body, b"Exif") && !contains(&shown.body, b"GPS") && !contains(&shown.body, b"<script"));
            let drawn = image::load_from_memory(&shown.body).unwrap();
            assert_eq!((drawn.width(), drawn.height()), (512, 1_024), "turned, and scaled down");
        }
        let small = image::load_from_memory(&app.get_as_nobody(&format!("{avatar}?w=160")).body).unwrap();
        assert_eq!(small.width(), 160);
        let tag = app.get_as_nobody(&avatar).header("etag").to_owned();
        assert_eq!(app.call("GET", &avatar, &[("if-none-match", &tag)], b"").status, 304);

        let mut gif = Vec::new();
        image::RgbImage::new(2, 2).write_to(&mut Cursor::new(&mut gif), image::ImageFormat::Png).unwrap();
        gif.splice(0..8, *b"GIF89a\0\0");
        let whole = picture(300, 200);
        let mut bomb = whole.clone();
        bomb[16..24].copy_from_slice(&[0, 0, 0xF0, 0, 0, 0, 0xF0, 0]);
        for (what, bytes) in [
            ("a page", b"<!doctype html><script>alert(1)</script>".to_vec()),
            ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec()),
            ("a GIF", gif),
            ("nothing", Vec::new()),
            ("a cut picture", whole[..whole.len() / 2].to_vec()),
            ("a bomb", bomb),
            ("more pixels than allowed", photo(2_000, 1_001)),
        ] {
            assert_eq!(upload(&app, &anna, &bytes).problem(), (422, "bad_picture".to_owned()), "{what}");
        }
        let much = vec![0xFF; 16 * 1024 * 1024 + 1];
        assert_eq!(upload(&app, &anna, &much).problem(), (413, "too_large".to_owned()));
        assert_eq!(post_form(&app, &anna, &form("picture", "a.png", &whole)).problem().0, 422, "another field");
        assert_eq!(post_form(&app, &anna, b"no form at all").problem().0, 422);
        assert_eq!(app.by(&anna, "POST", "/api/users/me/avatar", &json!({"file": "x"})).problem().0, 422);
        assert_eq!(app.get_as_nobody(&avatar).header("etag"), tag, "the good one is still shown");

        // Another one takes its place, and none; what nobody shows is gone from the disk too.
        let first = app.get_as_nobody(&avatar);
        let ben = app.person("ben");
        upload(&app, &ben, &whole).ok();
        upload(&app, &anna, &whole).ok();
        assert_eq!(app.get_as_nobody(&format!("/static/{path}")).status, 404);
        let hash = path.trim_start_matches("avatars/").trim_end_matches(".jpg");
        assert_eq!(app.get_as_nobody(&format!("/media/{hash}")).status, 404);
        let files = || files_below(&app.folder.path().join("media"));
        assert!(!files().iter().any(|name| name.contains(hash)), "{:?}", files());
        assert_ne!(app.get_as_nobody(&avatar).body, first.body);
        assert_eq!(app.by(&anna, "DELETE", "/api/users/me/avatar", &Value::Null).status, 204);
        assert_eq!(app.get_as_nobody(&avatar).status, 404);
        assert_eq!(app.get_as_nobody(&format!("{}/avatar", path_of(&ben))).status, 200, "Ben shows the same picture");
    }

    fn admins_see_accounts_and_change_what_people_are(url: &str) {
        let app = TestApp::start(url).with_board();
        let vera = app.person_with("vera", AccountRole::Admin);
        let anna = app.person("anna");
        let list = |query: &str| app.by(&vera, "GET", &format!("/api/users{query}"), &Value::Null).ok();
        let names = |page: &Value| -> Vec<String> {
            page["results"].as_array().unwrap().iter().map(|a| a["username"].as_str().unwrap().to_owned()).collect()
        };
        let all = list("");
        assert_eq!((names(&all), &all["count"]), (vec!["anna".to_owned(), "vera".to_owned()], &json!(2)), "no imported setters");
        assert_eq!(all["results"][0]["email"], "anna@example.org");
        assert!(all["results"][0]["last_login_at"].is_string());
        for (query, expected) in [
            ("?search=VERA", vec!["vera"]), ("?search=anna%40ex", vec!["anna"]), ("?search=%25", vec![]),
            ("?role=admin", vec!["vera"]), ("?is_active=false", vec![]), ("?page_size=1&page=2", vec!["vera"]),
        ] {
            assert_eq!(names(&list(query)), expected, "{query}");
        }
        // The last admin stays one.
        for wish in [json!({"role": "user"}), json!({"is_active": false})] {
            let reply = app.by(&vera, "PATCH", &path_of(&vera), &wish);
            assert_eq!(reply.problem(), (409, "conflict".to_owned()));
            assert!(reply.json()["detail"].as_str().unwrap().contains("last active admin"));
        }
        let vera = with_password(&app, &vera, "keys of the gym");
        assert_eq!(app.by(&vera, "DELETE", "/api/users/me", &json!({"password": "keys of the gym"})).problem().0, 409);
        for bad in [json!({"role": "owner"}), json!({"role": null}), json!({"is_active": "no"})] {
            assert_eq!(app.by(&vera, "PATCH", &path_of(&anna), &bad).problem().0, 422, "{bad}");
        }
        // With a second one, it may go.
        let now = app.by(&vera, "PATCH", &path_of(&anna), &json!({"role": "admin"})).ok();
        assert_eq!(now["role"], "admin");
        assert_eq!(app.by(&anna, "GET", "/api/users", &Value::Null).status, 200, "at once");
        assert_eq!(by_key(&app, "PATCH", &path_of(&vera), &json!({"role": "user"})).ok()["role"], "user");
        assert_eq!(app.by(&vera, "GET", "/api/users", &Value::Null).problem().0, 403);
        let imported = setter(&app, 1);
        assert_eq!(by_key(&app, "PATCH", &format!("/api/users/{imported}"), &json!({"role": "admin"})).problem().0, 404);
    }

    fn s04_deactivation_ends_every_login(url: &str) {
        let app = TestApp::start(url);
        let vera = app.person_with("vera", AccountRole::Admin);
        let anna = app.person("anna");
        let tablet = app.login_again(&anna);
        assert_eq!(app.by(&vera, "PATCH", &path_of(&anna), &json!({"is_active": false})).ok()["is_active"], false);
        for login in [&anna, &tablet] {
            assert_eq!(app.by(login, "GET", "/api/users/me", &Value::Null).problem(), (401, "token_invalid".to_owned()));
        }
        // Let in again, they have to log in again.
        assert_eq!(app.by(&vera, "PATCH", &path_of(&anna), &json!({"is_active": true})).ok()["is_active"], true);
        assert_eq!(app.by(&anna, "GET", "/api/users/me", &Value::Null).status, 401);
        assert_eq!(app.by(&app.login_again(&anna), "GET", "/api/users/me", &Value::Null).status, 200);
    }
}
