//! Strong ETags, 304, kept answers and encodings; and how many statements they cost.

use std::io::Read as _;

use crate::support::{ENV_KEY, FACE, TestApp, climb, migrate};
use mastoc_domain::access::Scope;
use serde_json::json;

/// PostgreSQL's pool asks each connection whether it still lives before it lends it.
fn lending(url: &str) -> u64 {
    u64::from(url.starts_with("postgres"))
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn an_unchanged_answer_is_304_and_costs_one_small_statement(url: &str) {
        let app = TestApp::start(url).with_board();
        let gym = app.first_id("/api/gyms");
        let face = app.first_id("/api/faces");
        let id = app.first_id("/api/climbs");
        for path in [
            "/api/climbs?page_size=500".to_owned(), "/api/climbs?cursor=".into(), format!("/api/climbs/{id}"), "/api/faces".into(),
            format!("/api/faces/{face}"), format!("/api/faces/{face}/setup"), format!("/api/faces/by-stokt-id/{FACE}/setup"),
            format!("/api/holds?face_id={face}"), format!("/api/holds/{}", crate::support::FIRST_HOLD), "/api/gyms".into(),
            format!("/api/gyms/{gym}"), format!("/api/gyms/{gym}/summary"), "/api/setters".into(), "/api/changes".into(),
            "/api/sync/stats".into(),
        ] {
            let first = app.get(&path);
            assert_eq!(first.status, 200, "{path}");
            let etag = first.header("etag");
            assert!(etag.starts_with('"') && etag.len() > 30, "{etag}");
            assert_eq!(first.header("cache-control"), "private, no-cache");
            assert!(first.header("vary").contains("X-API-Key") && first.header("vary").contains("Accept-Encoding"));
            for held in [etag.to_owned(), format!("\"other\", {etag}"), format!("W/{etag}")] {
                let before = app.store.statements();
                let second = app.call("GET", &path, &[("x-api-key", ENV_KEY), ("if-none-match", &held)], b"");
                assert_eq!((second.status, second.body.len()), (304, 0), "{path} {held}");
                assert_eq!(second.header("etag"), etag);
                assert!(app.store.statements() - before <= 1 + lending(url), "{path}");
            }
            let any = app.call("GET", &path, &[("x-api-key", ENV_KEY), ("if-none-match", "*")], b"");
            assert_eq!((any.status, any.body.len(), any.header("etag")), (304, 0, etag), "{path}");
            let before = app.store.statements();
            let again = app.get(&path);
            assert_eq!((again.status, &again.body, again.header("etag")), (200, &first.body, etag), "{path}");
            assert!(app.store.statements() - before <= 1 + lending(url), "{path}: kept answers are not rendered again");
            let stale = app.call("GET", &path, &[("x-api-key", ENV_KEY), ("if-none-match", "\"0123\"")], b"");
            assert_eq!(stale.status, 200);
        }
    }

    fn a_write_is_seen_in_the_next_read(url: &str) {
        let app = TestApp::start(url).with_board();
        let before = app.get("/api/climbs?page_size=1");
        let mut changed = climb(29);
        changed["name"] = json!("Renamed");
        assert_eq!(app.post("/api/sync/import/climb", &changed).ok()["status"], "updated");
        let headers = [("x-api-key", ENV_KEY), ("if-none-match", before.header("etag"))];
        let after = app.call("GET", "/api/climbs?page_size=1", &headers, b"");
        assert_eq!(after.status, 200);
        assert_ne!(after.header("etag"), before.header("etag"));
        assert_eq!(after.json()["results"][0]["name"], "Renamed");
        // Importing the same again changes nothing, and keeps what clients hold.
        assert_eq!(app.post("/api/sync/import/climb", &changed).ok()["status"], "exists");
        assert_eq!(app.get("/api/climbs?page_size=1").header("etag"), after.header("etag"));
    }

    fn s11_callers_who_see_different_things_have_different_tags(url: &str) {
        let app = TestApp::start(url).with_board();
        let read = app.key(Scope::Read);
        let service = app.get("/api/climbs");
        let public = app.get_as(&read, "/api/climbs");
        assert_ne!(service.header("etag"), public.header("etag"));
        let crossed =
            app.call("GET", "/api/climbs", &[("x-api-key", &read), ("if-none-match", service.header("etag"))], b"");
        assert_eq!((crossed.status, crossed.body), (200, public.body));
    }

    fn every_encoding_has_its_own_tag_and_the_same_content(url: &str) {
        let app = TestApp::start(url).with_board();
        let path = format!("/api/faces/by-stokt-id/{FACE}/setup");
        let plain = app.get(&path);
        let mut tags = vec![plain.header("etag").to_owned()];
        for encoding in ["zstd", "br", "gzip"] {
            let get = || app.call("GET", &path, &[("x-api-key", ENV_KEY), ("accept-encoding", encoding)], b"");
            let (first, second) = (get(), get());
            assert_eq!(first.body, second.body, "{encoding}");
            tags.push(first.header("etag").to_owned());
            let unpacked = match encoding {
                "zstd" => zstd::stream::decode_all(&first.body[..]).unwrap(),
                "br" => {
                    let mut bytes = Vec::new();
                    brotli::Decompressor::new(&first.body[..], 4096).read_to_end(&mut bytes).unwrap();
                    bytes
                }
                // The client unpacks this one by itself.
                _ => first.body.clone(),
            };
            assert_eq!(unpacked, plain.body, "{encoding}");
            if encoding != "gzip" {
                assert_eq!(first.header("content-encoding"), encoding);
                assert!(first.body.len() < plain.body.len() / 2);
            }
            let held = [("x-api-key", ENV_KEY), ("accept-encoding", encoding), ("if-none-match", first.header("etag"))];
            assert_eq!(app.call("GET", &path, &held, b"").status, 304);
        }
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 4, "{tags:?}");
    }

    fn head_answers_as_get_without_a_body(url: &str) {
        let app = TestApp::start(url).with_board();
        let get = app.get("/api/climbs");
        let head = app.call("HEAD", "/api/climbs", &[("x-api-key", ENV_KEY)], b"");
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("etag"), get.header("etag"));
        assert_eq!(head.header("content-length"), get.body.len().to_string());
        assert_eq!(app.call("HEAD", "/health", &[], b"").status, 200);
    }

    fn without_a_cache_answers_are_the_same(url: &str) {
        let app = TestApp::with(url, |settings| settings.answer_cache_bytes = 0).with_board();
        let (first, second) = (app.get("/api/climbs"), app.get("/api/climbs"));
        assert_eq!((first.body, first.headers.get("etag")), (second.body, second.headers.get("etag")));
    }

    fn the_number_of_statements_does_not_grow_with_the_page(url: &str) {
        let app = TestApp::with(url, |settings| settings.answer_cache_bytes = 0).with_board();
        let cost = |path: &str| {
            let before = app.store.statements();
            assert_eq!(app.get(path).status, 200);
            app.store.statements() - before
        };
        for (few, many) in [("/api/climbs?page_size=1", "/api/climbs?page_size=30"), ("/api/climbs?cursor=&page_size=1", "/api/climbs?cursor=&page_size=30")] {
            let (one, all) = (cost(few), cost(many));
            assert_eq!(one, all, "{few}");
            println!("{few}: {one} statements");
            assert!(all <= 6 + 2 * lending(url), "{all}");
        }
        let face = app.first_id("/api/faces");
        assert!(cost(&format!("/api/faces/{face}/setup")) <= 6 + 2 * lending(url));
    }
}
