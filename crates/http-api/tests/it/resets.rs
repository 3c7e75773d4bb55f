//! Forgotten passwords, over a real SMTP server; and what never reaches a log.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::support::logins::*;
use crate::support::{Reply, TestApp, migrate};
use mastoc_storage::{people, resets};
use mastoc_test_support::smtp::SmtpServer;
use serde_json::{Value, json};

fn with_mail(url: &str, smtp: &SmtpServer) -> TestApp {
    TestApp::with(url, |settings| {
        unlimited(settings);
        settings.mail = Some(mail(smtp));
    })
}

fn ask(app: &TestApp, email: &str, language: &str) -> Reply {
    let headers = [("content-type", "application/json"), ("accept-language", language)];
    app.call("POST", "/api/auth/reset-password", &headers, json!({"email": email}).to_string().as_bytes())
}

fn confirm(app: &TestApp, token: &str, password: &str) -> Reply {
    post(app, "/api/auth/reset-password/confirm", &json!({"token": token, "new_password": password}))
}

/// The token in the link of the next e-mail.
fn token(smtp: &SmtpServer) -> String {
    let link = smtp.next().word("https://board.example/");
    link.strip_prefix("https://board.example/reset-password?token=").expect("the page of resets").to_owned()
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s08_the_link_of_the_e_mail_gives_a_new_password_once(url: &str) {
        let smtp = SmtpServer::start();
        let app = with_mail(url, &smtp);
        account(&app, "anna");
        let before = Tokens::get(&app, "anna");
        assert_eq!(ask(&app, "ANNA@example.org", "").status, 200);
        let sent = smtp.next();
        assert_eq!((sent.from.as_str(), &sent.to[..]), ("board@example.org", &["anna@example.org".to_owned()][..]));
        assert_eq!(sent.header("Subject"), "Choose a new password");
        assert!(sent.header("From").contains("Board"));
        let link = sent.word("https://");
        let token = link.split("token=").nth(1).unwrap().to_owned();
        assert!(sent.part("text/html").contains(&format!("href=\"{link}\"")));
        // 256 bits in base64url.
        assert_eq!(token.len(), 43);
        assert_eq!(confirm(&app, &token, "short").json()["errors"][0]["field"], "new_password");
        assert_eq!(confirm(&app, &token, "another horse").status, 200);
        assert_eq!(login(&app, "anna", PASSWORD).status, 401);
        assert_eq!(login(&app, "anna", "another horse").status, 200);
        assert!(!holds(&app, &before.access), "a reset ends every session");
        assert_eq!(refresh(&app, &before.refresh).status, 401);
        let again = confirm(&app, &token, "a third horse");
        assert_eq!((again.problem().0, again.json()["errors"][0]["field"].clone()), (422, json!("token")));
    }

    fn s06_s08_a_reset_does_not_tell_whether_an_address_exists(url: &str) {
        let smtp = SmtpServer::start();
        let app = with_mail(url, &smtp);
        account(&app, "anna");
        let closed = account(&app, "closed");
        app.store.write(|conn| people::administer(conn, closed, None, Some(false))).unwrap();
        let known = ask(&app, "anna@example.org", "");
        for email in ["nobody@example.org", "closed@example.org", "no address", "anna", ""] {
            let reply = ask(&app, email, "");
            assert_eq!((reply.status, &reply.body), (known.status, &known.body), "{email}");
        }
        // Only one of them got an e-mail.
        let token = token(&smtp);
        assert_eq!(confirm(&app, &token, "another horse").status, 200);
        app.stop();
        assert_eq!(smtp.waiting(), 0);
    }

    fn s08_ten_racing_confirmations_give_one_success(url: &str) {
        let smtp = SmtpServer::start();
        let app = with_mail(url, &smtp);
        account(&app, "anna");
        ask(&app, "anna@example.org", "");
        let token = token(&smtp);
        let replies = at_once(10, |n| confirm(&app, &token, &format!("another horse {n}")).status);
        assert_eq!(replies.iter().filter(|status| **status == 200).count(), 1, "{replies:?}");
        assert_eq!(replies.iter().filter(|status| **status == 422).count(), 9, "{replies:?}");
        let winner = replies.iter().position(|status| *status == 200).unwrap();
        assert_eq!(login(&app, "anna", &format!("another horse {winner}")).status, 200);
    }

    fn s08_tokens_are_kept_as_hashes_and_worthless_after_a_change(url: &str) {
        let smtp = SmtpServer::start();
        let app = with_mail(url, &smtp);
        let user = account(&app, "anna");
        ask(&app, "anna@example.org", "");
        ask(&app, "anna@example.org", "");
        let (first, second) = (token(&smtp), token(&smtp));
        assert_ne!(first, second);
        assert!(app.store.read(|conn| resets::holds(conn, &first)).unwrap());
        for invented in ["", "x", &first.to_uppercase(), &first[1..], &format!("{first}x"), "a\0b", &"x".repeat(300)] {
            assert_eq!(confirm(&app, invented, "another horse").problem().0, 422, "{invented}");
        }
        assert_eq!(confirm(&app, &first, "another horse").status, 200);
        // The other one was meant for the old password.
        assert_eq!(confirm(&app, &second, "a third horse").status, 422);
        ask(&app, "anna@example.org", "");
        let third = token(&smtp);
        app.store.write(|conn| people::administer(conn, user, None, Some(false))).unwrap();
        assert_eq!(confirm(&app, &third, "a fourth horse").status, 422);
    }

    fn s08_without_a_mail_server_the_answer_says_so(url: &str) {
        let app = TestApp::start(url);
        let reply = ask(&app, "anna@example.org", "");
        assert_eq!(reply.problem(), (403, "reset_unavailable".to_owned()));
        assert!(reply.json()["detail"].as_str().unwrap().contains("mastoc-server user reset-password"));
        assert_eq!(confirm(&app, "x", "another horse").status, 422);
    }

    fn e_mails_speak_the_language_of_the_request(url: &str) {
        let smtp = SmtpServer::start();
        let app = with_mail(url, &smtp);
        let mut body = wish("anna");
        body["full_name"] = json!("Élodie <b>&\"');--</b>");
        assert_eq!(register(&app, &body).status, 201);
        ask(&app, "anna@example.org", "fr-CH, fr;q=0.9, en;q=0.8");
        let french = smtp.next();
        assert!(french.part("text/plain").contains("Bonjour Élodie <b>&\"');--</b>,"), "{}", french.source);
        let html = french.part("text/html");
        assert!(html.contains("Bonjour Élodie &lt;b&gt;&amp;&quot;&#39;);--&lt;/b&gt;,"), "{html}");
        assert!(html.contains("mot de passe"));
        ask(&app, "anna@example.org", "de");
        assert!(smtp.next().part("text/plain").starts_with("Hello"));
        // The owner of an address hears of registrations with it.
        let headers = [("content-type", "application/json"), ("accept-language", "fr")];
        let mut again = wish("other");
        again["email"] = json!("Anna@example.org");
        assert_eq!(app.call("POST", "/api/auth/register", &headers, again.to_string().as_bytes()).status, 201);
        let taken = smtp.next();
        assert_eq!(taken.to, ["anna@example.org"]);
        assert!(taken.part("text/plain").contains("qui y a déjà un compte"), "{}", taken.source);
    }

    fn e_mails_that_are_put_off_are_tried_again_and_sent_before_the_end(url: &str) {
        let smtp = SmtpServer::start();
        let app = with_mail(url, &smtp);
        account(&app, "anna");
        smtp.put_off(1);
        ask(&app, "anna@example.org", "");
        assert_eq!(token(&smtp).len(), 43);
        assert_eq!(smtp.tries(), 2);
        for _ in 0..5 {
            ask(&app, "anna@example.org", "");
        }
        app.stop();
        assert_eq!(smtp.waiting(), 5);
    }
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn s18_no_address_password_or_token_is_logged_or_told() {
    let log = Log::default();
    let writer = log.clone();
    let filter = tracing_subscriber::EnvFilter::new(
        "mastoc=trace,mastoc_http_api=trace,mastoc_storage=trace,lettre=info,actix=info",
    );
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let body = |url: &str| {
        let smtp = SmtpServer::start();
        let app = with_mail(url, &smtp);
        let mut secrets = vec!["example.org".to_owned(), PASSWORD.to_owned(), "another horse".to_owned()];
        let mut told = Vec::new();
        register(&app, &wish("anna"));
        // The same name again, and the same address again.
        told.push(register(&app, &wish("anna")));
        let mut taken = wish("anna2");
        taken["email"] = json!("anna@example.org");
        register(&app, &taken);
        told.push(login(&app, "anna@example.org", "wrong horse"));
        secrets.push("wrong horse".to_owned());
        let tokens = Tokens::get(&app, "anna");
        let renewed = Tokens::of(&refresh(&app, &tokens.refresh).ok());
        told.push(refresh(&app, &tokens.refresh));
        told.push(with(&app, &renewed.access, "GET", "/api/auth/sessions", &Value::Null));
        smtp.put_off(1);
        ask(&app, "anna@example.org", "");
        // Two e-mails: one about the address, one with the token.
        let sent = [smtp.next(), smtp.next()];
        let token = sent.iter().map(|mail| mail.word("https://")).find(|word| !word.is_empty()).unwrap();
        let token = token.split("token=").nth(1).unwrap().to_owned();
        assert_eq!(confirm(&app, &token, "another horse").status, 200);
        told.push(confirm(&app, &token, "another horse"));
        app.stop();
        secrets.extend([token, tokens.access, tokens.refresh, renewed.access, renewed.refresh]);
        let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(
            logged.contains("an e-mail was sent") && logged.contains("waits for another try"),
            "{logged}"
        );
        for secret in &secrets {
            assert!(!logged.contains(secret), "{secret} was logged");
            for reply in &told {
                assert!(!String::from_utf8_lossy(&reply.body).contains(secret), "{secret} was told");
            }
        }
        assert!(!logged.contains("argon2id"), "a hash was logged");
    };
    let place = mastoc_test_support::sqlite::fresh_path();
    body(place.url());
}
