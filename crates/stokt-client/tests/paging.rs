//! Listings that loop, drift, repeat, lie or lead elsewhere.

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

mod support;

use std::io::Write as _;

use mastoc_stokt_client::{ErrorKind, Id, Record, types::Climb};
use support::{Server, json, page};

fn next(number: usize) -> String {
    format!("/api/gyms/g/climbs?max_age=9999&page={number}")
}

fn ids(records: &[Record<Climb>]) -> Vec<String> {
    records.iter().map(|record| record.id().map_or_else(|| "-".to_owned(), |id| id.to_string())).collect()
}

#[test]
fn a_whole_listing_is_proved_complete() {
    let server = Server::script(vec![page(&["a", "b"], 3, Some(&next(2))), page(&["c"], 3, None)]);
    let mut pages = server.client().climbs("g", 9999).unwrap();
    assert_eq!(server.requests(), 0, "nothing is asked before the first page is wanted");
    let first = pages.next().unwrap().unwrap();
    assert_eq!(first.count, Some(3));
    assert_eq!(first.next.as_deref(), Some(format!("{}{}", server.url, next(2)).as_str()));
    assert!(!pages.proof().complete);
    let second = pages.next().unwrap().unwrap();
    assert_eq!(second.next, None);
    assert!(pages.next().is_none());
    let proof = pages.proof();
    assert!(proof.complete);
    assert_eq!((proof.count_first, proof.distinct_ids, proof.pages), (Some(3), 3, 2));
    assert_eq!(server.seen()[0].target, "/api/gyms/g/climbs?max_age=9999");
}

#[test]
fn a_plain_list_is_a_listing_too() {
    let server =
        Server::script(vec![json(r#"[{"id": "a"}, {"id": "b"}]"#), json(r#"[{"id": "a"}, {"id": "a"}]"#)]);
    let query = Default::default();
    let mut items = server.client().list_items("l", &query).unwrap();
    let page = items.next().unwrap().unwrap();
    assert_eq!((page.count, page.records.len()), (None, 2));
    assert!(items.proof().complete);
    let mut items = server.client().list_items("l", &query).unwrap().distinct();
    assert_eq!(items.by_ref().count(), 1);
    assert!(!items.proof().complete, "the same id twice hides that one is missing");
}

#[test]
fn repeats_are_passed_over_and_spoil_the_proof_only_if_something_lacks() {
    let server = Server::script(vec![page(&["a", "b"], 3, Some(&next(2))), page(&["b", "c"], 3, None)]);
    let mut climbs = server.client().climbs("g", 9999).unwrap().distinct();
    let all: Vec<_> = climbs.by_ref().map(Result::unwrap).collect();
    assert_eq!(ids(&all), ["a", "b", "c"]);
    assert!(climbs.proof().complete);
    let server = Server::script(vec![page(&["a", "b"], 3, Some(&next(2))), page(&["b"], 3, None)]);
    let mut climbs = server.client().climbs("g", 9999).unwrap().distinct();
    assert_eq!(climbs.by_ref().count(), 2);
    assert!(!climbs.proof().complete);
}

#[test]
fn a_count_that_changes_or_lies_proves_nothing() {
    for pages in [
        vec![page(&["a"], 2, Some(&next(2))), page(&["b"], 3, None)],
        vec![page(&["a"], 1000, None)],
        vec![page(&[], 5, None)],
        vec![json(r#"{"next": null, "results": [{"id": "a"}]}"#)],
        vec![json(r#"{"count": "1", "next": null, "results": [{"id": "a"}]}"#)],
        vec![json(r#"{"count": 1, "next": null, "results": [{"id": null}]}"#)],
    ] {
        let server = Server::script(pages.clone());
        let mut listing = server.client().climbs("g", 9999).unwrap();
        assert!(listing.by_ref().all(|page| page.is_ok()));
        assert!(!listing.proof().complete, "{pages:?}");
    }
    let server = Server::script(vec![page(&[], 0, None)]);
    let mut listing = server.client().climbs("g", 1).unwrap();
    assert_eq!(listing.by_ref().count(), 1);
    assert!(listing.proof().complete, "an empty listing is complete");
}

#[test]
fn a_next_that_loops_ends_with_an_error() {
    for pages in [
        vec![page(&["a"], 9, Some("/api/gyms/g/climbs?max_age=9999"))],
        vec![
            page(&["a"], 9, Some(&next(2))),
            page(&["b"], 9, Some(&next(3))),
            page(&["c"], 9, Some(&next(2))),
        ],
    ] {
        let server = Server::script(pages.clone());
        let mut listing = server.client().climbs("g", 9999).unwrap();
        let answers: Vec<_> = listing.by_ref().collect();
        assert_eq!(answers.len(), pages.len() + 1);
        let error = answers.into_iter().next_back().unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Paging(_)), "{error}");
        assert_eq!(server.requests(), pages.len());
        assert!(!listing.proof().complete);
    }
}

#[test]
fn a_listing_without_progress_ends() {
    for rows in [&["a"][..], &[]] {
        let rows: Vec<String> = rows.iter().map(|row| (*row).to_owned()).collect();
        let server = Server::start(move |seen, stream| {
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let _ = stream.write_all(page(&rows, 9, Some(&next(seen.number + 2))).as_bytes());
        });
        let last = server.client().climbs("g", 9999).unwrap().last().unwrap();
        assert!(matches!(last.unwrap_err().kind(), ErrorKind::Paging(_)));
        assert!(server.requests() <= 12, "{}", server.requests());
    }
}

#[test]
fn one_empty_page_in_between_is_followed() {
    let server = Server::script(vec![
        page(&["a"], 2, Some(&next(2))),
        page(&[], 2, Some(&next(3))),
        page(&["b"], 2, None),
    ]);
    let mut listing = server.client().climbs("g", 9999).unwrap();
    assert_eq!(listing.by_ref().count(), 3);
    assert!(listing.proof().complete);
}

#[test]
fn a_next_elsewhere_is_refused_after_its_page() {
    let other = Server::script(vec![page(&["x"], 2, None)]);
    let elsewhere = format!("{}/api/gyms/g/climbs?page=2", other.url);
    for away in [elsewhere.as_str(), "https://stokt.example/next", "//stokt.example/next", "ftp://127.0.0.1/"]
    {
        let server = Server::script(vec![page(&["a"], 2, Some(away))]);
        let client = server.client();
        let mut listing = client.climbs("g", 9999).unwrap();
        let first = listing.next().unwrap().unwrap();
        assert_eq!((ids(&first.records), first.next), (vec!["a".to_owned()], None));
        let error = listing.next().unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Elsewhere(_)), "{error}");
        assert!(listing.next().is_none());
        assert!(client.climbs_from(away).is_err());
    }
    assert_eq!(other.requests(), 0);
}

#[test]
fn one_odd_record_does_not_fail_its_page() {
    let body = r#"{"count": 4, "next": null, "results":
        [{"id": "a"}, {"id": null, "name": "x"}, 7, {"id": "b", "name": 12, "new": [1]}]}"#;
    let server = Server::script(vec![json(body)]);
    let page = server.client().climbs("g", 9999).unwrap().next().unwrap().unwrap();
    let parsed: Vec<bool> = page.records.iter().map(|record| record.parsed.is_ok()).collect();
    assert_eq!(parsed, [true, false, false, true]);
    let why = page.records[1].parsed.as_ref().unwrap_err();
    assert_eq!(why.to_string(), "climb: field `id` should be an id (text or whole number), found null");
    assert_eq!(page.records[1].raw["name"], "x");
    let odd = page.records[3].parsed.as_ref().unwrap();
    assert_eq!((odd.name.as_ref(), &odd.extra["name"], &odd.extra["new"][0]), (None, &12.into(), &1.into()));
}

#[test]
fn answers_that_are_no_listing_are_errors() {
    for body in ["7", r#"{"detail": "x"}"#, r#"{"results": 3}"#, r#"{"results": [], "next": 3}"#, "null"] {
        let server = Server::script(vec![json(body)]);
        let error = server.client().climbs("g", 9999).unwrap().next().unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Shape(_)), "{body}: {error}");
        assert!(error.call().starts_with("GET api/gyms/g/climbs"));
    }
}

#[test]
fn a_listing_goes_on_from_a_checkpoint() {
    let script = vec![
        page(&["a", "b"], 4, Some(&next(2))),
        page(&["b", "c"], 4, Some(&next(3))),
        page(&["d"], 4, None),
    ];
    let server = Server::script(script.clone());
    let client = server.client();
    let mut listing = client.climbs("g", 9999).unwrap();
    let first = listing.next().unwrap().unwrap();
    let (before, kept) = (listing.proof(), first.next.clone().unwrap());
    drop(listing);
    let mut rest = client.climbs_from(&kept).unwrap().after(&before, ["a", "b"].map(Id::from));
    let second = rest.next().unwrap().unwrap();
    assert_eq!(second.repeats(), 1);
    assert_eq!(rest.by_ref().count(), 1);
    assert!(rest.proof().complete);
    assert_eq!((rest.proof().pages, rest.proof().distinct_ids), (3, 4));

    let server = Server::script(script.into_iter().skip(1).collect());
    let mut headless = server.client().climbs_from(&next(2)).unwrap();
    assert_eq!(headless.by_ref().count(), 2);
    assert!(!headless.proof().complete, "the beginning is not known");
}
