//! Registering, logging in and out, tokens and sessions, on both databases.

use std::time::Duration;

use crate::support::logins::*;
use crate::support::{SECRET, TestApp, migrate};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use mastoc_http_api::passwords;
use mastoc_storage::{accounts, people, sessions};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

fn seconds() -> i64 {
    mastoc_domain::Timestamp::now().as_utc().timestamp()
}

fn stored_hash(app: &TestApp, name: &str) -> String {
    app.store.read(|conn| accounts::by_login(conn, name)).unwrap().unwrap().password_hash.unwrap()
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_climber_registers_logs_in_and_out(url: &str) {
        let app = TestApp::start(url);
        let reply = register(&app, &wish("anna"));
        assert_eq!(reply.status, 201);
        let made = reply.json();
        for (field, value) in [("email", "anna@example.org"), ("username", "anna"), ("full_name", "anna Muster")] {
            assert_eq!(made[field], value);
        }
        assert!(made["message"].is_string());
        for name in ["anna", "ANNA@Example.org", " Anna "] {
            let tokens = login(&app, name, PASSWORD).ok();
            assert_eq!(tokens["user_id"], made["id"]);
            assert_eq!(tokens["token_type"], "bearer");
            assert_eq!(tokens["expires_in"], 900);
            for (field, value) in [("email", "anna@example.org"), ("username", "anna"), ("full_name", "anna Muster"), ("role", "user")] {
                assert_eq!(tokens[field], value);
            }
            assert!(holds(&app, tokens["access_token"].as_str().unwrap()));
        }
        let tokens = Tokens::get(&app, "anna");
        assert_eq!(with(&app, &tokens.access, "POST", "/api/auth/logout", &Value::Null).status, 200);
        assert!(!holds(&app, &tokens.access));
        assert_eq!(refresh(&app, &tokens.refresh).problem(), (401, "token_invalid".to_owned()));
    }

    fn existing_clients_log_in_with_a_form_whatever_they_call_it(url: &str) {
        let app = TestApp::start(url);
        account_with(&app, "anna", &passwords::hash("a b+c&d=é%20").unwrap());
        let form = format!("username=anna%40example.org&password={}", encoded("a b+c&d=é%20"));
        let json = json!({"username": "anna", "password": "a b+c&d=é%20", "grant_type": "password"}).to_string();
        for (kind, body) in [
            ("application/x-www-form-urlencoded", &form),
            ("application/json", &form),
            ("", &form),
            ("application/json", &json),
            ("application/json; charset=utf-8", &json),
            ("text/plain", &json),
        ] {
            // Both credentials are sent at times, also ones that are over.
            let headers = [("content-type", kind), ("x-api-key", "wrong"), ("authorization", "Bearer x")];
            let reply = app.call("POST", "/api/auth/login", &headers, body.as_bytes());
            assert_eq!(reply.status, 200, "{kind} {body}: {}", String::from_utf8_lossy(&reply.body));
        }
        for body in ["", "username=anna", "{\"username\": \"anna\"}", "{\"username\": 3, \"password\": null}", "[]", "{"] {
            let reply = app.call("POST", "/api/auth/login", &[("content-type", "application/json")], body.as_bytes());
            assert!(matches!(reply.problem().0, 400 | 422), "{body}");
        }
    }

    fn s03_forged_malformed_and_misused_tokens_are_401(url: &str) {
        let app = TestApp::start(url);
        let user = account(&app, "anna");
        let tokens = Tokens::get(&app, "anna");
        let session = app.store.read(|conn| sessions::of_person(conn, user, 0, 1)).unwrap().0[0].id;
        let key = Sha256::digest(format!("mastoc tokens\n{SECRET}"));
        let good = json!({
            "iss": "mastoc", "aud": "mastoc-api", "sub": user, "sid": session, "jti": session, "typ": "access",
            "iat": seconds(), "exp": seconds() + 600
        });
        let sign = |algorithm, key: &[u8], claims: &Value| {
            encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key)).unwrap()
        };
        // The table is worth something only if the untouched token is let in.
        assert!(holds(&app, &sign(Algorithm::HS256, &key, &good)));
        let changed = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            sign(Algorithm::HS256, &key, &claims)
        };
        let without = |name: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            sign(Algorithm::HS256, &key, &claims)
        };
        let part = |json: &Value| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, json.to_string());
        let signature = tokens.access.rsplit('.').next().unwrap();
        let mut forged = vec![
            ("refresh as access", tokens.refresh.clone()),
            ("another secret", sign(Algorithm::HS256, b"another secret of thirty-two bytes.", &good)),
            ("the secret itself", sign(Algorithm::HS256, SECRET.as_bytes(), &good)),
            ("an empty secret", sign(Algorithm::HS256, b"", &good)),
            ("HS384", sign(Algorithm::HS384, &key, &good)),
            ("HS512", sign(Algorithm::HS512, &key, &good)),
            ("no algorithm", format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&good))),
            ("no algorithm, signed", format!("{}.{}.{signature}", part(&json!({"alg": "none"})), part(&good))),
            ("RS256 by name", format!("{}.{}.{signature}", part(&json!({"alg": "RS256"})), part(&good))),
            ("other claims, old signature", format!("{}.{}.{signature}", part(&json!({"alg": "HS256"})), part(&good))),
            ("claims that are a list", sign(Algorithm::HS256, &key, &json!([good]))),
            ("claims that are a number", sign(Algorithm::HS256, &key, &json!(7))),
            ("expired", changed("exp", json!(seconds() - 1))),
            ("cut", tokens.access[..tokens.access.len() - 1].to_owned()),
            ("longer", format!("{}x", tokens.access)),
            ("huge", format!("{}{}", tokens.access, "A".repeat(4_000))),
            ("two dots", "..".to_owned()),
            ("nothing", String::new()),
        ];
        for name in ["iss", "aud", "sub", "sid", "jti", "typ", "exp"] {
            forged.push((name, without(name)));
            for value in [json!("x"), json!(null), json!(-1), json!({}), json!(["mastoc", 1]), json!(1e300), json!("\0")] {
                forged.push((name, changed(name, value)));
            }
        }
        for (what, token) in forged {
            let reply = with(&app, &token, "GET", "/api/auth/sessions", &Value::Null);
            assert_eq!(reply.problem(), (401, "token_invalid".to_owned()), "{what}: {token}");
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{what}");
            assert_eq!(refresh(&app, &token).status, if what == "refresh as access" { 200 } else { 401 }, "{what}: {token}");
        }
        // A login of somebody else, or one that never was.
        let other = account(&app, "berta");
        for (name, value) in [("sub", json!(other)), ("sid", json!(other)), ("sub", json!(uuid::Uuid::nil()))] {
            assert!(!holds(&app, &changed(name, value)));
        }
    }

    fn s04_refresh_rotates_and_a_replay_ends_the_whole_family(url: &str) {
        let app = TestApp::start(url);
        account(&app, "anna");
        let (first, other) = (Tokens::get(&app, "anna"), Tokens::get(&app, "anna"));
        let answer = refresh(&app, &first.refresh).ok();
        for field in ["token_type", "expires_in", "user_id", "email", "username", "full_name", "role"] {
            assert!(!answer[field].is_null(), "{field}");
        }
        let second = Tokens::of(&answer);
        assert_ne!(first.refresh, second.refresh);
        // Rotation leaves access tokens alone.
        assert!(holds(&app, &first.access) && holds(&app, &second.access));
        let third = Tokens::of(&refresh(&app, &second.refresh).ok());
        assert_eq!(refresh(&app, &first.refresh).problem(), (401, "token_invalid".to_owned()));
        for token in [&first.access, &second.access, &third.access] {
            assert!(!holds(&app, token));
        }
        assert_eq!(refresh(&app, &third.refresh).status, 401);
        // Another login of the same person is another family.
        assert!(holds(&app, &other.access));
        assert_eq!(refresh(&app, &other.access).status, 401, "an access token renews nothing");
        assert_eq!(refresh(&app, &other.refresh).status, 200);
    }

    fn s04_of_many_replays_at_once_one_succeeds_and_the_family_ends(url: &str) {
        let app = TestApp::start(url);
        account(&app, "anna");
        for _ in 0..3 {
            let tokens = Tokens::get(&app, "anna");
            let replies = at_once(8, |_| refresh(&app, &tokens.refresh));
            let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);
            let won = replies.iter().find(|reply| reply.status == 200).unwrap().json();
            assert!(!holds(&app, &Tokens::of(&won).access));
            assert_eq!(refresh(&app, &Tokens::of(&won).refresh).status, 401);
        }
    }

    fn s04_tokens_live_15_minutes_and_7_days_unless_told_otherwise(url: &str) {
        let life = |token: &str| {
            let claims = token.split('.').nth(1).unwrap();
            let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
        };
        let app = TestApp::start(url);
        account(&app, "anna");
        let tokens = Tokens::get(&app, "anna");
        assert_eq!((life(&tokens.access), life(&tokens.refresh)), (15 * 60, 7 * 24 * 3_600));
        app.stop();
        let app = TestApp::with(url, |settings| {
            settings.access_token_life = Duration::from_secs(60);
            settings.refresh_token_life = Duration::from_secs(3_600);
        });
        let answer = login(&app, "anna", PASSWORD).ok();
        let tokens = Tokens::of(&answer);
        assert_eq!((life(&tokens.access), life(&tokens.refresh)), (60, 3_600));
        assert_eq!(answer["expires_in"], 60);
    }

    fn s04_a_password_change_and_a_deactivation_end_every_session(url: &str) {
        let app = TestApp::start(url);
        let user = account(&app, "anna");
        let (here, there) = (Tokens::get(&app, "anna"), Tokens::get(&app, "anna"));
        let change = |access: &str, current: &str, new: &str| {
            let body = json!({"current_password": current, "new_password": new});
            with(&app, access, "POST", "/api/users/me/password", &body)
        };
        let refused = change(&here.access, "wrong horse", "another horse");
        assert_eq!((refused.problem().0, refused.json()["errors"][0]["field"].clone()), (422, json!("current_password")));
        let refused = change(&here.access, PASSWORD, "short");
        assert_eq!((refused.problem().0, refused.json()["errors"][0]["field"].clone()), (422, json!("new_password")));
        assert!(holds(&app, &here.access));
        let new = Tokens::of(&change(&here.access, PASSWORD, "another horse").ok());
        for tokens in [&here, &there] {
            assert!(!holds(&app, &tokens.access));
            assert_eq!(refresh(&app, &tokens.refresh).status, 401);
        }
        assert!(holds(&app, &new.access));
        assert_eq!(login(&app, "anna", PASSWORD).status, 401);
        assert_eq!(login(&app, "anna", "another horse").status, 200);
        app.store.write(|conn| people::administer(conn, user, None, Some(false))).unwrap();
        assert!(!holds(&app, &new.access));
        assert_eq!(refresh(&app, &new.refresh).status, 401);
        assert_eq!(login(&app, "anna", "another horse").status, 401);
        // Opened again, the old logins stay closed.
        app.store.write(|conn| people::administer(conn, user, None, Some(true))).unwrap();
        assert!(!holds(&app, &new.access));
        assert_eq!(login(&app, "anna", "another horse").status, 200);
    }

    fn people_see_and_end_their_own_logins(url: &str) {
        let app = TestApp::start(url);
        account(&app, "anna");
        account(&app, "berta");
        let form = format!("username=anna&password={}", encoded(PASSWORD));
        let phone = app.call("POST", "/api/auth/login", &[("user-agent", "Mastoc/3 (phone)")], form.as_bytes());
        let phone = Tokens::of(&phone.ok());
        let (desk, berta) = (Tokens::get(&app, "anna"), Tokens::get(&app, "berta"));
        let list = |access: &str| with(&app, access, "GET", "/api/auth/sessions", &Value::Null).ok();
        let all = list(&desk.access);
        assert_eq!((&all["count"], &all["page"], &all["page_size"]), (&json!(2), &json!(1), &json!(50)));
        assert_eq!(all["results"][0]["current"], true);
        assert_eq!(all["results"][1]["current"], false);
        assert_eq!(all["results"][1]["device"], "Mastoc/3 (phone)");
        let second = with(&app, &desk.access, "GET", "/api/auth/sessions?page=2&page_size=1", &Value::Null).ok();
        assert_eq!(second["results"][0], all["results"][1]);
        let path = format!("/api/auth/sessions/{}", all["results"][1]["id"].as_str().unwrap());
        // Another person's login does not exist.
        assert_eq!(with(&app, &berta.access, "DELETE", &path, &Value::Null).status, 404);
        assert!(holds(&app, &phone.access));
        assert_eq!(with(&app, &desk.access, "DELETE", &path, &Value::Null).status, 204);
        assert!(!holds(&app, &phone.access));
        assert_eq!(with(&app, &desk.access, "DELETE", &path, &Value::Null).status, 404);
        assert_eq!(with(&app, &desk.access, "DELETE", "/api/auth/sessions/x", &Value::Null).status, 422);
        let more: Vec<Tokens> = (0..3).map(|_| Tokens::get(&app, "anna")).collect();
        assert_eq!(with(&app, &desk.access, "DELETE", "/api/auth/sessions", &Value::Null).status, 204);
        assert!(more.iter().all(|tokens| !holds(&app, &tokens.access)));
        assert!(holds(&app, &desk.access) && holds(&app, &berta.access));
        assert_eq!(list(&desk.access)["count"], 1);
    }

    fn s05_old_hashes_open_once_and_are_replaced(url: &str) {
        let app = TestApp::start(url);
        let bcrypt = bcrypt::hash("kurz", 4).unwrap();
        for (name, version) in [("anna", "$2a$"), ("berta", "$2b$"), ("carla", "$2y$")] {
            account_with(&app, name, &bcrypt.replacen("$2b$", version, 1));
            assert_eq!(login(&app, name, "kurz2").status, 401);
            assert!(stored_hash(&app, name).starts_with(version));
            let tokens = Tokens::of(&login(&app, name, "kurz").ok());
            assert!(stored_hash(&app, name).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
            assert_eq!(login(&app, name, "kurz").status, 200);
            assert!(holds(&app, &tokens.access), "a better hash ends no login");
        }
        let params = argon2::Params::new(8_192, 1, 1, None).unwrap();
        let weak = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let weak: argon2::password_hash::phc::PasswordHash =
            argon2::PasswordHasher::hash_password(&weak, PASSWORD.as_bytes()).unwrap();
        account_with(&app, "dora", &weak.to_string());
        assert_eq!(login(&app, "dora", PASSWORD).status, 200);
        let better = stored_hash(&app, "dora");
        assert!(better.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{better}");
        assert_eq!(login(&app, "dora", PASSWORD).status, 200);
        assert_eq!(stored_hash(&app, "dora"), better);
    }

    fn s05_passwords_are_never_cut_or_trimmed(url: &str) {
        let app = TestApp::with(url, unlimited);
        let longest = format!(" {}\u{1f9d7} ", "é".repeat(125));
        for (password, status) in [("1234567", 422), (&*format!("{longest}x"), 422), (&*longest, 201)] {
            let mut body = wish("anna");
            body["password"] = json!(password);
            let reply = register(&app, &body);
            assert_eq!(reply.status, status);
            if status == 422 {
                assert_eq!(reply.json()["errors"][0]["field"], "password");
                assert!(!String::from_utf8(reply.body).unwrap().contains(password));
            }
        }
        assert_eq!(login(&app, "anna", &longest).status, 200);
        for wrong in [longest.trim(), &longest[..longest.len() - 1], &format!("{longest}x"), &longest.replacen('é', "e\u{301}", 1)] {
            assert_eq!(login(&app, "anna", wrong).status, 401);
        }
    }
}
