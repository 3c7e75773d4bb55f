//! The OpenAPI document and its pages.

use crate::support::{TestApp, migrate};
use serde_json::Value;

#[test]
fn the_document_is_reviewed() {
    let document: Value = serde_json::from_str(&mastoc_http_api::openapi_json().unwrap()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut reviewed = document.clone();
    reviewed["info"]["version"] = "[version]".into();
    insta::assert_json_snapshot!("openapi", reviewed);
}

#[test]
fn every_operation_is_described_and_names_its_answers() {
    let document: Value = serde_json::from_str(&mastoc_http_api::openapi_json().unwrap()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut ids = std::collections::HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{method} {path}: operationId"
            );
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            assert!(parameters.iter().all(|p| p["description"].is_string()), "{method} {path}");
            let in_path = parameters.iter().filter(|p| p["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{method} {path}");
            for (status, answer) in operation["responses"].as_object().unwrap() {
                assert!(
                    answer["description"].as_str().is_some_and(|text| !text.is_empty()),
                    "{method} {path} {status}"
                );
            }
            let text = operation.to_string();
            for reference in text.split("#/components/schemas/").skip(1) {
                let name = reference.split('"').next().unwrap();
                assert!(schemas.contains_key(name), "{method} {path}: {name}");
            }
        }
    }
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s19_the_pages_carry_strict_policies_and_load_nothing_from_elsewhere(url: &str) {
        let app = TestApp::start(url);
        assert_eq!(app.get_as_nobody("/docs").header("location"), "/docs/");
        let page = app.get_as_nobody("/docs/");
        let html = String::from_utf8(page.body.clone()).unwrap();
        assert!(page.header("content-type").starts_with("text/html"), "{html}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
        // Nothing inline, which the policy would forbid; and every file that the page names is there.
        assert!(!html.contains("style=") && !html.contains("<style") && !html.contains("onload="), "{html}");
        for script in html.split("<script").skip(1) {
            assert!(script.split('>').nth(1).unwrap().trim().starts_with("</script"), "{script}");
        }
        let named: Vec<&str> = html.split('"').filter(|text| text.ends_with(".js") || text.ends_with(".css") || text.ends_with(".png")).collect();
        assert!(named.len() >= 5, "{named:?}");
        for file in named {
            let reply = app.get_as_nobody(&format!("/docs/{}", file.trim_start_matches("./")));
            assert_eq!(reply.status, 200, "{file}");
            assert_eq!(reply.header("x-content-type-options"), "nosniff");
            assert!(!reply.header("content-type").is_empty());
        }
        let initializer = String::from_utf8(app.get_as_nobody("/docs/swagger-initializer.js").body).unwrap();
        assert!(initializer.contains("/openapi.json"), "{initializer}");
        assert!(!initializer.contains("petstore"), "{initializer}");

        let document = app.get_as_nobody("/openapi.json");
        assert_eq!(document.ok()["info"]["title"], "mastoc");
        let again = app.call("GET", "/openapi.json", &[("if-none-match", document.header("etag"))], b"");
        assert_eq!(again.status, 304);
    }

    fn s19_every_answer_has_the_security_headers(url: &str) {
        let app = TestApp::start(url);
        for path in ["/", "/health", "/api/climbs", "/api/climbs/x", "/nothing", "/docs/", "/docs/index.css", "/openapi.json", "/static/x", "/metrics"] {
            for reply in [app.get(path), app.get_as_nobody(path), app.call("POST", path, &[], b"x")] {
                assert!(reply.header("content-security-policy").contains("default-src 'none'"), "{path}");
                assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
                assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
                assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
                assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
                assert_eq!(reply.header("x-request-id").len(), 36, "{path}");
            }
        }
    }

    fn s19_other_origins_are_let_in_only_if_listed(url: &str) {
        let listed = "https://board.example";
        let ask = |app: &TestApp, origin: &str| {
            let preflight = app.call(
                "OPTIONS",
                "/api/climbs",
                &[("origin", origin), ("access-control-request-method", "GET"), ("access-control-request-headers", "x-api-key")],
                b"",
            );
            let read = app.call("GET", "/health", &[("origin", origin)], b"");
            let allowed = |reply: &crate::support::Reply| reply.header("access-control-allow-origin").to_owned();
            (allowed(&preflight), allowed(&read))
        };
        let none = (String::new(), String::new());
        let app = TestApp::start(url);
        assert_eq!(ask(&app, listed), none);
        drop(app);
        let app = TestApp::with(url, |settings| settings.cors_origins = vec![listed.to_owned()]);
        assert_eq!(ask(&app, listed), (listed.to_owned(), listed.to_owned()));
        assert_eq!(ask(&app, "https://evil.example"), none);
    }

    fn stopping_finishes_what_is_under_way(url: &str) {
        use std::io::{BufRead as _, BufReader, Read as _, Write as _};
        // A busy machine may keep the rest of the request waiting.
        let app = TestApp::with(url, |settings| settings.shutdown_timeout = std::time::Duration::from_secs(60));
        let address = app.address;
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let body = crate::support::gym().to_string();
        write!(
            stream,
            "POST /api/sync/import/gym HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-length: {}\r\n\
             expect: 100-continue\r\nconnection: close\r\n\r\n",
            crate::support::ENV_KEY, body.len()
        )
        .unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        // The server asks for the body: it is in the midst of the request, and only then is it told to stop.
        let mut asked = String::new();
        while asked != "\r\n" {
            asked.clear();
            assert_ne!(reader.read_line(&mut asked).unwrap(), 0, "it asks for the body");
        }
        let store = app.store.clone();
        let stopping = std::thread::spawn(move || app.stop());
        // It has begun to stop once nobody listens any more.
        while std::net::TcpStream::connect(address).is_ok() {
            std::thread::yield_now();
        }
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        reader.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        stopping.join().unwrap();
        assert_eq!(store.read(mastoc_storage::gyms::list).unwrap().len(), 1);
    }
}
