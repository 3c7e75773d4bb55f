//! What logins and registrations do not tell, how often one may try, and names that are unique.

use std::time::{Duration, Instant};

use crate::support::logins::*;
use crate::support::{Reply, TestApp, migrate};
use mastoc_http_api::{RateLimit, Registration};
use mastoc_storage::{accounts, people};
use serde_json::{Value, json};

/// Series of measurements at most; each adds to what was measured before.
const SERIES: usize = 6;
/// Measurements of each kind in one series.
const SAMPLES: usize = 15;

/// Measures each call in turn, and passes as soon as all medians lie within 10 % of each other, or, on a machine that
/// is busy with something else most of the time, the times of the undisturbed tenth.
fn take_equally_long(calls: &[(&str, &dyn Fn())]) {
    let mut times = vec![Vec::new(); calls.len()];
    let mut seen = Vec::new();
    for series in 1..=SERIES {
        for _ in 0..SAMPLES {
            for ((_, call), times) in calls.iter().zip(&mut times) {
                let started = Instant::now();
                call();
                times.push(started.elapsed());
            }
        }
        times.iter_mut().for_each(|times| times.sort_unstable());
        for rank in [SAMPLES * series / 2, SAMPLES * series / 10] {
            let at: Vec<Duration> = times.iter().map(|times| times[rank]).collect();
            if *at.iter().max().unwrap() <= at.iter().min().unwrap().mul_f64(1.1) {
                return;
            }
            seen.push(at);
        }
    }
    let names: Vec<&str> = calls.iter().map(|(name, _)| *name).collect();
    panic!("the times of {names:?} differ by more than 10 %: {seen:?}");
}

/// What of an answer could tell something: all but the ids of the request.
fn told(reply: &Reply) -> (u16, Vec<u8>, Vec<String>) {
    let mut headers: Vec<String> = reply
        .headers
        .keys()
        .map(|name| name.as_str().to_owned())
        .filter(|name| name != "x-request-id")
        .collect();
    headers.sort();
    (reply.status, reply.body.clone(), headers)
}

fn retry_after(reply: &Reply) -> u64 {
    assert_eq!(reply.problem(), (429, "too_many_requests".to_owned()));
    reply.header("retry-after").parse().unwrap()
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s06_failed_logins_all_look_alike_and_take_equally_long(url: &str) {
        let app = TestApp::with(url, unlimited);
        account(&app, "anna");
        account_with(&app, "none", "none");
        let closed = account(&app, "closed");
        app.store.write(|conn| people::administer(conn, closed, None, Some(false))).unwrap();
        let wrong = login(&app, "anna", "wrong horse battery");
        assert_eq!(wrong.problem(), (401, "login_failed".to_owned()));
        for (name, password) in [
            ("nobody", PASSWORD), ("nobody@example.org", PASSWORD), ("none", PASSWORD), ("none", "none"), ("none", ""),
            ("closed", PASSWORD), ("closed", "wrong"), ("anna", ""), ("anna", &"x".repeat(1_000)), ("", ""), ("a\0b", PASSWORD),
            ("an%", PASSWORD), ("' OR 1=1 --", PASSWORD),
        ] {
            assert_eq!(told(&login(&app, name, password)), told(&wrong), "{name:?} {password:?}");
        }
        let fails = |name: &'static str| {
            let app = &app;
            move || assert_eq!(login(app, name, "wrong horse battery").status, 401)
        };
        take_equally_long(&[
            ("wrong password", &fails("anna")),
            ("unknown user", &fails("nobody")),
            ("no password", &fails("none")),
            ("closed account", &fails("closed")),
        ]);
    }

    fn s06_register_does_not_tell_whether_an_address_exists(url: &str) {
        let app = TestApp::with(url, unlimited);
        account(&app, "anna");
        let new = register(&app, &wish("berta"));
        let mut body = wish("carla");
        body["email"] = json!("ANNA@example.ORG");
        let taken = register(&app, &body);
        let shape = |reply: &Reply| {
            let (status, _, headers) = told(reply);
            let fields: Vec<String> = reply.json().as_object().unwrap().keys().cloned().collect();
            (status, headers, fields, reply.json()["message"].clone())
        };
        assert_eq!(shape(&new), shape(&taken));
        assert_eq!(taken.status, 201);
        assert_eq!(taken.json()["email"], "ANNA@example.ORG");
        // Nothing was made, and the account is as it was.
        assert_eq!(login(&app, "carla", PASSWORD).status, 401);
        assert_eq!(login(&app, "anna", PASSWORD).ok()["email"], "anna@example.org");
        let number = std::cell::Cell::new(0);
        let next = || {
            number.set(number.get() + 1);
            format!("climber{}", number.get())
        };
        take_equally_long(&[
            ("new address", &|| assert_eq!(register(&app, &wish(&next())).status, 201)),
            ("taken address", &|| {
                let mut body = wish(&next());
                body["email"] = json!("anna@example.org");
                assert_eq!(register(&app, &body).status, 201);
            }),
        ]);
    }

    fn s07_logins_are_limited_by_address_and_by_account(url: &str) {
        let app = TestApp::with(url, |settings| {
            unlimited(settings);
            settings.limits.login_by_address = RateLimit::new(6, 3_600);
            settings.limits.login_by_account = RateLimit::new(4, 3_600);
        });
        account(&app, "anna");
        for _ in 0..4 {
            assert_eq!(login(&app, "Anna", "wrong horse").status, 401);
        }
        // The account is closed to guesses, with the right password too, however its name is written.
        let wait = retry_after(&login(&app, " anna", PASSWORD));
        assert!((1..=901).contains(&wait), "{wait}");
        // Others still get in, until the address is used up.
        assert_eq!(login(&app, "berta", "wrong horse").status, 401);
        let wait = retry_after(&login(&app, "carla", "wrong horse"));
        assert!((1..=601).contains(&wait), "{wait}");
        // Reading and renewing are not logins.
        assert_eq!(refresh(&app, "x").status, 401);
        assert_eq!(app.get("/api/gyms").status, 200);
    }

    fn s07_register_reset_and_password_changes_are_limited(url: &str) {
        let smtp = mastoc_test_support::smtp::SmtpServer::start();
        let app = TestApp::with(url, |settings| {
            unlimited(settings);
            let few = RateLimit::new(2, 3_600);
            settings.limits.register_by_account = few;
            settings.limits.reset_by_account = few;
            settings.limits.register_by_address = RateLimit::new(4, 3_600);
            settings.limits.reset_by_address = RateLimit::new(4, 3_600);
            settings.limits.login_by_account = RateLimit::new(3, 3_600);
            settings.mail = Some(crate::support::logins::mail(&smtp));
        });
        let reset = |email: &str| post(&app, "/api/auth/reset-password", &json!({"email": email}));
        for statuses in [[201, 200], [422, 200], [429, 429]] {
            let found = [register(&app, &wish("anna")).status, reset("nobody@example.org").status];
            assert_eq!(found, statuses);
        }
        assert_eq!(register(&app, &wish("berta")).status, 201);
        assert_eq!(reset("berta@example.net").status, 200);
        retry_after(&register(&app, &wish("carla")));
        retry_after(&reset("carla@example.net"));
        let tokens = Tokens::get(&app, "berta");
        let guess = || {
            let body = json!({"current_password": "wrong horse", "new_password": "another horse"});
            with(&app, &tokens.access, "POST", "/api/users/me/password", &body)
        };
        for _ in 0..3 {
            assert_eq!(guess().status, 422);
        }
        retry_after(&guess());
    }

    fn s07_the_address_comes_from_a_header_only_behind_a_listed_proxy(url: &str) {
        let try_from = |app: &TestApp, address: &str| {
            let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
            let body = json!({"username": format!("user of {address}"), "password": "wrong horse"}).to_string();
            app.call("POST", "/api/auth/login", &headers, body.as_bytes()).status
        };
        let limit = |settings: &mut mastoc_http_api::Settings| {
            unlimited(settings);
            settings.limits.login_by_address = RateLimit::new(2, 3_600);
        };
        let app = TestApp::with(url, limit);
        assert_eq!([1, 2, 3].map(|n| try_from(&app, &format!("198.51.100.{n}"))), [401, 401, 429]);
        app.stop();
        let app = TestApp::with(url, |settings| {
            limit(settings);
            settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        });
        assert_eq!([1, 2, 3].map(|n| try_from(&app, &format!("198.51.100.{n}"))), [401, 401, 401]);
        // What stands to the left may be invented.
        assert_eq!([1, 2].map(|n| try_from(&app, &format!("203.0.113.{n}, 198.51.100.1"))), [401, 429]);
        // One IPv6 subscriber is one address.
        assert_eq!([1, 2, 3].map(|n| try_from(&app, &format!("2001:db8:0:1::{n}"))), [401, 401, 429]);
        assert_eq!(try_from(&app, "2001:db8:0:2::1"), 401);
    }

    fn s09_addresses_are_unique_whatever_their_case_and_names_have_no_at(url: &str) {
        let app = TestApp::with(url, unlimited);
        assert_eq!(register(&app, &wish("anna")).status, 201);
        let refused = |field: &str, value: Value| {
            let mut body = wish("berta");
            body[field] = value;
            let reply = register(&app, &body);
            assert_eq!(reply.problem(), (422, "invalid".to_owned()), "{field} {body}");
            assert_eq!(reply.json()["errors"][0]["field"], field);
        };
        for name in ["berta@example.org", "b@", "be", "ANNA", " anna ", "", "b\0rta", "b\nrta", "\u{202e}berta"] {
            refused("username", json!(name));
        }
        for email in ["", "berta", "berta@", "@example.org", "a b@example.org", "a@b@c", "a\0@example.org", "a@b.org\r\nBcc: x@y.z"] {
            refused("email", json!(email));
        }
        for name in ["", "  ", "a\0b", "a\u{1b}[2J", &"x".repeat(256)] {
            refused("full_name", json!(name));
        }
        for field in ["email", "username", "password", "full_name"] {
            for value in [json!(null), json!(3), json!([]), json!({})] {
                refused(field, value);
            }
        }
        // The database holds to it too, at whatever speed.
        let replies = at_once(10, |n| {
            let mut body = wish(&format!("carla{n}"));
            body["email"] = json!(if n % 2 == 0 { "carla@example.org" } else { "Carla@Example.org" });
            register(&app, &body).status
        });
        assert_eq!(replies, [201; 10]);
        let made = (0..10).filter(|n| app.store.read(|conn| accounts::by_login(conn, &format!("carla{n}"))).unwrap().is_some());
        assert_eq!(made.count(), 1);
        let replies = at_once(10, |n| {
            let mut body = wish(&format!("d{n}"));
            body["username"] = json!("Dora");
            register(&app, &body).status
        });
        assert_eq!(replies.iter().filter(|status| **status == 201).count(), 1, "{replies:?}");
        assert_eq!(replies.iter().filter(|status| **status == 422).count(), 9, "{replies:?}");
    }

    fn s16_a_registration_that_is_sent_again_makes_one_account(url: &str) {
        let app = TestApp::with(url, unlimited);
        let body = wish("anna");
        let send = |body: &Value| {
            let headers = [("content-type", "application/json"), ("idempotency-key", "one")];
            app.call("POST", "/api/auth/register", &headers, body.to_string().as_bytes())
        };
        let replies = at_once(8, |_| send(&body));
        for reply in &replies {
            assert_eq!((reply.status, &reply.body), (201, &replies[0].body));
        }
        assert_eq!(login(&app, "anna", PASSWORD).ok()["user_id"], replies[0].json()["id"]);
        let mut other = body.clone();
        other["full_name"] = json!("Anna II");
        assert_eq!(send(&other).problem(), (422, "idempotency_key_reused".to_owned()));
        // Somebody else may have had the same idea for a key.
        assert_eq!(send(&wish("berta")).status, 201);
    }

    fn registration_can_be_closed(url: &str) {
        let app = TestApp::with(url, |settings| settings.registration = Registration::Closed);
        assert_eq!(register(&app, &wish("anna")).problem(), (403, "registration_closed".to_owned()));
        account(&app, "berta");
        assert_eq!(login(&app, "berta", PASSWORD).status, 200);
    }
}
