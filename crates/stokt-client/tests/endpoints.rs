//! Every endpoint asks what the specification says, and pictures go where they should.

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

use std::{
    io::{self, Write},
    sync::atomic::{AtomicUsize, Ordering},
};

use mastoc_stokt_client::{Client, Error, ErrorKind, MyClimbs, types::*};
use support::{Server, answer, json};

/// Makes one call against a server that answers `reply`, and answers `METHOD target body`.
fn asked<R>(reply: &str, call: impl FnOnce(&Client) -> Result<R, Error>) -> String {
    let server = Server::script(vec![reply.to_owned()]);
    call(&server.client()).map(|_| ()).unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    format!("{} {} {}", seen[0].method, seen[0].target, seen[0].body).trim_end().to_owned()
}

#[test]
fn reading_calls() {
    let one = json(r#"{"id": "x"}"#);
    let list = json(r#"[{"id": "x"}]"#);
    assert_eq!(asked(&one, Client::me), "GET /api/users/me");
    assert_eq!(asked(&one, |c| c.gym_summary("g")), "GET /api/gyms/g/summary");
    assert_eq!(asked(&list, |c| c.walls("g")), "GET /api/gyms/g/walls");
    assert_eq!(asked(&one, |c| c.face_setup("f")), "GET /api/faces/f/setup");
    assert_eq!(asked(&list, |c| c.climbs("g", 7)?.collect_all()), "GET /api/gyms/g/climbs?max_age=7");
    for (which, path) in [
        (MyClimbs::Sent, "my-sent-climbs"),
        (MyClimbs::Liked, "my-liked-climbs"),
        (MyClimbs::Bookmarked, "my-bookmarked-climbs"),
        (MyClimbs::Set, "my-set-climbs"),
    ] {
        assert_eq!(
            asked(&list, |c| c.my_climbs("g", which)?.collect_all()),
            format!("GET /api/gyms/g/{path}")
        );
    }
    assert_eq!(asked(&one, |c| c.permissions("c")), "GET /api/climbs/c/permissions-to-modify");
    assert_eq!(asked(&one, |c| c.crowd_grades("c")), "GET /api/climbs/c/crowd-grades");
    assert_eq!(asked(&list, |c| c.latest_sends("c", 5)), "GET /api/climbs/c/latest-sends?limit=5");
    assert_eq!(asked(&list, |c| c.comments("c", 5)), "GET /api/climbs/c/comments?limit=5");
    assert_eq!(asked(&list, |c| c.likes("c")?.collect_all()), "GET /api/climbs/c/likes");
    assert_eq!(
        asked(&list, |c| c.personal_lists("u")?.collect_all()),
        "GET /api/users/lists/u/personal?ordering=-dateModified"
    );
    assert_eq!(asked(&list, |c| c.lists(&ListsQuery::default())?.collect_all()), "GET /api/lists");
    let query = ListsQuery {
        filter_for: Some(ListsFilter::FromOthers),
        owner_id: Some("o".into()),
        gym_id: Some("g".into()),
        climbs_count_gte: Some(3),
    };
    assert_eq!(
        asked(&list, |c| c.lists(&query)?.collect_all()),
        "GET /api/lists?filter_for=from_others&owner_id=o&gym_id=g&climbs_count_gte=3"
    );
    assert_eq!(
        asked(&list, |c| c.gym_lists("g", Some(20))?.collect_all()),
        "GET /api/gyms/g/lists?page_size=20"
    );
    assert_eq!(asked(&one, |c| c.list("l")), "GET /api/lists/l");
    let query = ListItemsQuery {
        page_size: Some(20),
        search: Some("é&".into()),
        exclude_mine: Some(true),
        ..Default::default()
    };
    assert_eq!(
        asked(&list, |c| c.list_items("l", &query)?.collect_all()),
        "GET /api/lists/l/items?page_size=20&search=%C3%A9%26&exclude_mine=true"
    );
}

#[test]
fn changing_calls() {
    let one = answer("201 Created", "", r#"{"id": "x"}"#);
    let gone = "HTTP/1.1 204 No Content\r\n\r\n";
    let climb = NewClimb {
        name: "Dalle".into(),
        holds_list: NewHolds { start: vec!["1".into()], top: vec!["2".into()], ..Default::default() },
        grade: Some(NewGrade { grading_system: "font".into(), value: "6a+".into() }),
        description: String::new(),
        is_private: true,
        feet_rule: "No foot".into(),
    };
    assert_eq!(
        asked(&one, |c| c.create_climb("f", &climb)),
        "POST /api/faces/f/climbs {\"name\":\"Dalle\",\"holdsList\":{\"start\":[\"1\"],\"others\":[],\"top\":[\"2\"],\
         \"feetOnly\":[]},\"grade\":{\"gradingSystem\":\"font\",\"value\":\"6a+\"},\"description\":\"\",\
         \"isPrivate\":true,\"feetRule\":\"No foot\"}"
    );
    let patch = ClimbPatch { is_private: Some(false), ..Default::default() };
    assert_eq!(
        asked(&one, |c| c.patch_climb("f", "c", &patch)),
        r#"PATCH /api/faces/f/climbs/c {"isPrivate":false}"#
    );
    assert_eq!(asked(gone, |c| c.delete_climb("c")), "DELETE /api/climbs/c");
    assert_eq!(
        asked(gone, |c| c.set_private("c", true)),
        r#"PATCH /api/climbs/c/privacy-status {"is_private":true}"#
    );
    let comment = NewComment { text: "beau".into(), replied_to_id: Some("k".into()) };
    assert_eq!(
        asked(&one, |c| c.create_comment("c", &comment)),
        r#"POST /api/climbs/c/comments {"text":"beau","replied_to_id":"k"}"#
    );
    assert_eq!(asked(gone, |c| c.delete_comment("c", 7)), "DELETE /api/climbs/c/comments/7");
    assert_eq!(asked(&one, |c| c.like("c")), "POST /api/climbs/c/likes");
    assert_eq!(asked(gone, |c| c.unlike("c")), "DELETE /api/climbs/c/likes");
    assert_eq!(
        asked(gone, |c| c.set_bookmarked("c", false)),
        r#"PATCH /api/climbs/c/bookmarked {"added":false,"removed":true}"#
    );
    assert_eq!(
        asked(&one, |c| c.create_list("u", "Projets")),
        r#"POST /api/users/u/lists {"name":"Projets"}"#
    );
    let patch = ListPatch { name: Some("Faits".into()) };
    assert_eq!(asked(&one, |c| c.patch_list("l", &patch)), r#"PATCH /api/lists/l {"name":"Faits"}"#);
    assert_eq!(asked(gone, |c| c.delete_list("l")), "DELETE /api/lists/l");
    assert_eq!(asked(&one, |c| c.add_to_list("l", "c")), r#"POST /api/lists/l/items {"climbId":"c"}"#);
    assert_eq!(asked(gone, |c| c.remove_from_list("l", "i")), "DELETE /api/lists/l/items/i");
    assert_eq!(asked(&one, |c| c.follow_list("l")), "POST /api/lists/l/follow");
    assert_eq!(asked(gone, |c| c.unfollow_list("l")), "DELETE /api/lists/l/follow");
}

#[test]
fn an_id_cannot_change_the_endpoint() {
    let server = Server::script(vec![json("{}")]);
    let client = server.client();
    for odd in ["", ".", ".."] {
        assert!(matches!(client.delete_climb(odd).unwrap_err().kind(), ErrorKind::Argument(_)));
    }
    assert_eq!(server.requests(), 0);
    client.delete_climb("a/../../users?x=1#y").unwrap();
    assert_eq!(server.seen()[0].target, "/api/climbs/a%2F..%2F..%2Fusers%3Fx=1%23y");
}

#[test]
fn pictures_are_streamed_under_a_cap() {
    let picture = "JPEG".repeat(50_000);
    let server = Server::script(vec![answer("200 OK", "Content-Type: image/jpeg\r\n", &picture)]);
    let client = server.client();
    assert_eq!(client.media_url("walls/a b.jpg").unwrap(), format!("{}/media/walls/a%20b.jpg", server.url));
    let (mut bytes, mut told) = (Vec::new(), Vec::new());
    let answer =
        client.download_media_with("walls/a b.jpg", &mut bytes, &mut |so_far| told.push(so_far)).unwrap();
    assert_eq!((answer.bytes, answer.content_type.as_deref()), (200_000, Some("image/jpeg")));
    assert_eq!(bytes, picture.as_bytes());
    assert_eq!(told.last(), Some(&200_000));
    assert!(told.is_sorted() && told.len() > 1);
    assert_eq!(server.seen()[0].target, "/media/walls/a%20b.jpg");

    let small = server.builder().media_cap(1000).build().unwrap();
    let mut bytes = Vec::new();
    assert!(matches!(
        small.download_media("a.jpg", &mut bytes).unwrap_err().kind(),
        ErrorKind::TooLarge(1000)
    ));
    assert!(bytes.len() <= 1000);
    for elsewhere in ["https://stokt.example/a.jpg", "/etc/passwd", "../api/users/me", "//stokt.example/a"] {
        let error = client.download_media(elsewhere, &mut Vec::new()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Argument(_)), "{error}");
    }
    assert_eq!(server.requests(), 2);
}

/// A disk that is full after some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_cut_picture_is_begun_again_only_with_a_new_writer() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_owned();
    let script = vec![cut, answer("200 OK", "", "the whole")];
    let server = Server::script(script.clone());
    let mut bytes = Vec::new();
    let error = server.client().download_media("a.jpg", &mut bytes).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Cut(_)) && !error.is_retryable(), "{error}");
    assert_eq!((server.requests(), bytes.as_slice()), (1, &b"half"[..]));

    let server = Server::script(script);
    let opened = AtomicUsize::new(0);
    let open = || {
        opened.fetch_add(1, Ordering::Relaxed);
        Ok(Vec::new())
    };
    let (bytes, answer) = server.client().fetch_media("a.jpg", open).unwrap();
    assert_eq!((bytes.as_slice(), answer.bytes, opened.into_inner()), (&b"the whole"[..], 9, 2));

    let error = server.client().download_media("a.jpg", &mut Full(3)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Sink(_)) && !error.is_temporary(), "{error}");
}
