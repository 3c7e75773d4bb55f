//! The network at its worst: throttling, cuts, garbage, slowness, redirects, and what a failed change is worth.

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
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant, SystemTime},
};

use mastoc_stokt_client::{Cancel, Client, ErrorKind, Outcome, secrecy::SecretString, types::NewClimb};
use support::{Server, TOKEN, answer, json, page};

const VERSION: &str = r#"{"version": "1.3.0"}"#;

fn climb() -> NewClimb {
    NewClimb {
        name: "Dalle".into(),
        holds_list: Default::default(),
        grade: None,
        description: String::new(),
        is_private: false,
        feet_rule: "Tous pieds".into(),
    }
}

#[test]
fn sends_token_name_and_version() {
    let server = Server::script(vec![json(VERSION)]);
    let version = server.client().version().unwrap();
    assert_eq!(version.version.as_deref(), Some("1.3.0"));
    assert_eq!(version.raw, serde_json::json!({ "version": "1.3.0" }));
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/api/version"));
    assert_eq!(seen.header("authorization"), Some(format!("Token {TOKEN}").as_str()));
    assert!(seen.header("user-agent").unwrap().starts_with("mastoc/"));
}

#[test]
fn waits_as_long_as_asked_in_seconds() {
    let server = Server::script(vec![answer("429 Too Many", "Retry-After: 1\r\n", "{}"), json(VERSION)]);
    let client = server.client();
    let started = Instant::now();
    client.version().unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    let stats = client.stats().read();
    assert_eq!((stats.requests, stats.retries, stats.throttles), (2, 1, 1));
    assert!(stats.slept >= Duration::from_millis(900) && stats.bytes >= VERSION.len() as u64);
}

#[test]
fn waits_as_long_as_asked_until_a_date_whatever_our_clock_says() {
    // The service's clock is years away from ours; only the difference of its own two dates counts.
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let head = format!(
        "Date: {}\r\nRetry-After: {}\r\n",
        httpdate::fmt_http_date(date),
        httpdate::fmt_http_date(date + Duration::from_secs(1))
    );
    let server = Server::script(vec![answer("429 Too Many", &head, ""), json(VERSION)]);
    let client = server.client();
    let started = Instant::now();
    client.version().unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(client.remote_time(), Some(date));
}

#[test]
fn three_throttles_in_a_row_stop() {
    let server = Server::script(vec![answer("429 Too Many", "", r#"{"detail": "Request was throttled."}"#)]);
    let client = server.builder().max_retries(10).build().unwrap();
    let error = client.version().unwrap_err();
    assert!(error.is_throttled() && error.is_temporary() && !error.is_auth());
    assert_eq!(server.requests(), 3);
    assert_eq!(client.stats().read().throttles, 3);
    let message = error.to_string();
    assert!(message.contains("GET api/version") && message.contains("Request was throttled."), "{message}");
}

#[test]
fn throttles_count_over_calls_and_an_answer_ends_the_row() {
    let throttled = || answer("429 Too Many", "", "");
    let server =
        Server::script(vec![throttled(), throttled(), json(VERSION), throttled(), throttled(), throttled()]);
    let client = server.client();
    client.version().unwrap();
    assert!(client.version().unwrap_err().is_throttled());
    assert_eq!(server.requests(), 6);
}

#[test]
fn a_very_long_wait_ends_the_call_and_holds_the_next_ones_back() {
    let server = Server::script(vec![answer("429 Too Many", "Retry-After: 3600\r\n", "")]);
    let client = server.client();
    let error = client.version().unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(error.outcome(), Outcome::Refused);
    let next = client.create_climb("face", &climb()).unwrap_err();
    assert!(next.is_throttled());
    assert_eq!(next.outcome(), Outcome::NotSent);
    assert_eq!(server.requests(), 1);
}

#[test]
fn reading_is_repeated_after_5xx_cuts_and_garbage() {
    let cut = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 900\r\n\r\n{\"version\"".to_owned();
    for trouble in [
        answer("502 Bad Gateway", "Content-Type: text/html\r\n", "<html>Bad Gateway</html>"),
        cut,
        json(r#"{"version": "1."#),
        answer("200 OK", "Content-Type: text/html\r\n", "<html>maintenance</html>"),
        "SSH-2.0 what?\r\n".to_owned(),
        String::new(),
        json(""),
    ] {
        let server = Server::script(vec![trouble.clone(), json(VERSION)]);
        server.client().version().unwrap_or_else(|error| panic!("{trouble}: {error}"));
        assert_eq!(server.requests(), 2, "{trouble}");
    }
}

#[test]
fn repetition_ends_and_says_why() {
    let server = Server::script(vec![answer("200 OK", "", "<html>maintenance</html>")]);
    let error = server.client().version().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotJson(_)) && error.is_retryable());
    assert_eq!(error.to_string(), "GET api/version: the answer is not JSON (an HTML page) [status 200]");
    assert_eq!(server.requests(), 3);
    let server = Server::script(vec![answer("404 Not Found", "", r#"{"detail": "Not found."}"#)]);
    let error = server.client().gym_summary("unknown").unwrap_err();
    assert!(error.is_not_found() && !error.is_retryable());
    assert_eq!(
        error.to_string(),
        "GET api/gyms/unknown/summary: not found (status 404) (Stokt says: Not found.)"
    );
    assert_eq!(server.requests(), 1);
}

#[test]
fn s17_a_slow_drip_fails_at_the_deadline() {
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let client = server.builder().deadline(Duration::from_millis(600)).max_retries(0).build().unwrap();
    let started = Instant::now();
    let error = client.version().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(started.elapsed() >= Duration::from_millis(500));
}

#[test]
fn s17_slow_headers_fail_at_the_deadline_and_a_post_is_then_unknown() {
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 201 Created\r\n");
        while stream.write_all(b"X: y\r\n").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let client = server.builder().deadline(Duration::from_millis(400)).build().unwrap();
    let error = client.create_climb("face", &climb()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(
        error.is_temporary() && !error.is_retryable(),
        "a POST that may have created something is not repeated"
    );
    assert_eq!(server.requests(), 1);
}

#[test]
fn changes_are_sent_once_and_their_outcome_is_told() {
    let cases = [
        (answer("502 Bad Gateway", "", "<html>"), Outcome::Unknown),
        (answer("500 Oops", "", ""), Outcome::Unknown),
        (answer("201 Created", "", r#"{"id": "3f"#), Outcome::Unknown),
        (answer("201 Created", "", r#"{"name": "no id"}"#), Outcome::Unknown),
        ("HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{".to_owned(), Outcome::Unknown),
        (String::new(), Outcome::Unknown),
        (answer("307 Moved", "Location: /api/elsewhere\r\n", ""), Outcome::Unknown),
        (answer("429 Too Many", "", ""), Outcome::Refused),
        (
            answer("400 Bad", "", r#"{"name": ["Ensure this field has at least 3 characters."]}"#),
            Outcome::Refused,
        ),
        (answer("403 No", "", "{}"), Outcome::Refused),
        (answer("401 No", "", "{}"), Outcome::Refused),
    ];
    for (reply, outcome) in cases {
        let server = Server::script(vec![reply.clone()]);
        let error = server.client().create_climb("face", &climb()).unwrap_err();
        assert_eq!(error.outcome(), outcome, "{reply}: {error}");
        assert_eq!(server.requests(), 1, "{reply}");
        assert_eq!(error.call(), "POST api/faces/face/climbs");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let error = Client::builder(&nobody).build().unwrap().create_climb("face", &climb()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connect(_)), "{error}");
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert!(error.is_retryable());
}

#[test]
fn a_failed_handshake_sent_nothing() {
    // A service that speaks no TLS, and one that hangs up in the middle of the handshake.
    for reply in ["HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", ""] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let service = thread::spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(reply.as_bytes());
            }
        });
        let client = Client::builder(&address).max_retries(0).build().unwrap();
        let error = client.create_climb("face", &climb()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Tls(_) | ErrorKind::Connect(_)), "{error}");
        assert_eq!(error.outcome(), Outcome::NotSent);
        client.version().unwrap_err();
        service.join().unwrap();
    }
}

#[test]
fn s17_compressed_answers_are_read_and_capped_by_their_real_size() {
    // 100,002 bytes, "[" and 100,000 blanks and "]", in 136 bytes of gzip.
    let mut squeezed =
        vec![31_u8, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 65, 17, 0, 0, 12, 2, 160, 42, 235, 229];
    squeezed.extend([173, 127, 13, 107, 248, 0, 114, 0]);
    squeezed.extend([0; 90]);
    squeezed.extend([192, 172, 47, 159, 9, 131, 134, 162, 134, 1, 0]);
    let missing = 136 - squeezed.len();
    let tail = squeezed.len() - 11;
    squeezed.splice(tail..tail, std::iter::repeat_n(0, missing));
    let server = Server::start(move |_, stream| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            squeezed.len()
        );
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&squeezed);
    });
    let client = server.client();
    assert!(client.walls("g").unwrap().is_empty());
    assert_eq!(client.stats().read().bytes, 100_002);
    let error = server.builder().json_cap(50_000).build().unwrap().walls("g").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLarge(50_000)), "{error}");
}

#[test]
fn a_client_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Client>();
    let busy = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let most = std::sync::Arc::clone(&busy);
    let server = Server::start(move |_, stream| {
        use std::sync::atomic::Ordering;
        assert_eq!(busy.fetch_add(1, Ordering::SeqCst) % 1000, 0, "one request at a time");
        thread::sleep(Duration::from_millis(5));
        busy.fetch_add(999, Ordering::SeqCst);
        let _ = stream.write_all(json(VERSION).as_bytes());
    });
    let client = server.client();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5).for_each(|_| drop(client.version().unwrap())));
        }
    });
    assert_eq!(most.load(std::sync::atomic::Ordering::SeqCst), 20_000);
}

#[test]
fn s17_a_redirect_to_another_host_is_refused_and_nothing_is_sent_there() {
    let other = Server::script(vec![json(VERSION)]);
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let head = format!("Location: {}/api/version\r\n", other.url);
        let server = Server::script(vec![answer(status, &head, "")]);
        let error = server.client().version().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Redirect(_)), "{error}");
        assert!(!error.is_retryable());
        let error = server.client().create_climb("face", &climb()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Redirect(_)), "{error}");
        assert_eq!(server.requests(), 2);
    }
    assert_eq!(other.requests(), 0, "no request, so no token");
}

#[test]
fn s17_a_redirect_within_the_origin_is_followed_but_not_for_ever() {
    let server = Server::script(vec![answer("301 Moved", "Location: /api/version/\r\n", ""), json(VERSION)]);
    server.client().version().unwrap();
    assert_eq!(server.seen()[1].target, "/api/version/");
    let server = Server::script(vec![answer("302 Found", "Location: /api/version\r\n", "")]);
    assert!(matches!(server.client().version().unwrap_err().kind(), ErrorKind::Redirect(_)));
    assert!(server.requests() <= 7);
}

#[test]
fn s17_large_answers_pass_and_oversized_ones_do_not() {
    let name = "é\u{0}\u{202e}x".repeat(2 << 20);
    let body = serde_json::json!([{ "id": "a", "name": name }]).to_string();
    assert!(body.len() > 10 << 20);
    let server = Server::script(vec![json(&body)]);
    let rows =
        server.client().my_climbs("gym", mastoc_stokt_client::MyClimbs::Set).unwrap().collect_all().unwrap();
    assert_eq!(rows[0].parsed.as_ref().unwrap().name.as_deref(), Some(name.as_str()));
    let small = server.builder().json_cap(1 << 20).build().unwrap();
    let error = small.walls("gym").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLarge(1_048_576)), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(server.requests(), 2);
}

#[test]
fn s18_logs_in_once_when_needed_and_never_tells_the_password() {
    let server = Server::start(|seen, stream| {
        let reply = match seen.target.as_str() {
            "/api/token-auth" => json(&format!(r#"{{"token": "{TOKEN}"}}"#)),
            _ => json(r#"{"id": "u"}"#),
        };
        let _ = stream.write_all(reply.as_bytes());
    });
    let client = Client::builder(&server.url)
        .login("a+b@example.org", SecretString::from("pass word&1"))
        .build()
        .unwrap();
    client.me().unwrap();
    client.me().unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].method, "POST");
    assert_eq!(seen[0].body, "username=a%2Bb%40example.org&password=pass+word%261");
    assert_eq!(seen[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(seen[2].header("authorization"), Some(format!("Token {TOKEN}").as_str()));

    let said = r#"{"non_field_errors": ["Unable to log in a@example.org with pass-1."]}"#;
    let server = Server::script(vec![answer("400 Bad", "", said)]);
    let client =
        Client::builder(&server.url).login("a@example.org", SecretString::from("pass-1")).build().unwrap();
    let error = client.me().unwrap_err();
    assert!(error.is_auth() && !error.is_temporary());
    for text in [error.to_string(), format!("{error:?}"), format!("{client:?}")] {
        assert!(!text.contains("pass-1") && !text.contains('@'), "{text}");
    }
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_refused_token_on_a_later_page_is_told_as_such() {
    let server = Server::start(|seen, stream| {
        let reply = match seen.number {
            0 => page(&["a"], 3, Some("/api/gyms/g/climbs?page=2")),
            1 => page(&["b"], 3, Some("/api/gyms/g/climbs?page=3")),
            _ => answer("401 Unauthorized", "", r#"{"detail": "Invalid token."}"#),
        };
        let _ = stream.write_all(reply.as_bytes());
    });
    let mut pages = server.client().climbs("g", 9999).unwrap();
    assert!(pages.next().unwrap().is_ok() && pages.next().unwrap().is_ok());
    assert!(pages.next().unwrap().unwrap_err().is_auth());
    assert!(pages.next().is_none());
    assert!(!pages.proof().complete);
}

#[test]
fn keeps_the_interval_and_stops_when_cancelled() {
    let server = Server::script(vec![json(VERSION)]);
    let client = server.builder().min_interval(Duration::from_millis(150)).build().unwrap();
    let started = Instant::now();
    for _ in 0..3 {
        client.clone().version().unwrap();
    }
    assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());

    let cancel = Cancel::new();
    let client =
        server.builder().min_interval(Duration::from_secs(600)).cancel(cancel.clone()).build().unwrap();
    client.version().unwrap();
    let waiting = thread::spawn(move || client.version());
    thread::sleep(Duration::from_millis(50));
    cancel.cancel();
    let started = Instant::now();
    let error = waiting.join().unwrap().unwrap_err();
    assert!(error.is_cancelled() && started.elapsed() < Duration::from_secs(10));
    assert_eq!(error.outcome(), Outcome::NotSent);
}
