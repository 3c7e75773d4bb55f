//! Accounts from the command line: `mastoc-server user`, against a running server on both databases.
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

use std::process::Command;

use mastoc_test_support::{Finished, Process};

use support::server::Server;
use support::{LIMIT, Place, one_line};

fn user(place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.program("mastoc-server");
    command.arg("user").args(arguments);
    command
}

fn ended(command: Command) -> Finished {
    Process::run(command, LIMIT)
}

fn create<'a>(email: &'a str, username: &'a str) -> Vec<&'a str> {
    vec!["create-admin", "--email", email, "--username", username]
}

/// The status of a login.
fn login(server: &Server, username: &str, password: &str) -> u16 {
    server.send_form("/api/auth/login", &format!("username={username}&password={password}")).status
}

#[test]
fn s18_accounts_are_made_listed_and_given_passwords_that_stand_in_no_argument() {
    for place in Place::both() {
        let server = Server::start(&place);
        // A password that is made here is printed alone, and once.
        let made = ended(user(&place, &create("vera@example.org", "vera")));
        assert_eq!(made.code, Some(0), "{made:?}");
        let password = made.stdout.trim().to_owned();
        assert!(password.len() == 24 && password.chars().all(char::is_alphanumeric), "{made:?}");
        assert_eq!(login(&server, "vera", &password), 200, "a running server knows it at once");

        // One that is given comes by standard input or from the environment, and is not repeated.
        let mut arguments = create("ben@example.org", "ben");
        arguments.extend(["--full-name", "Ben", "--password-stdin"]);
        let given = Process::start_with_input(user(&place, &arguments), "benspassword\n").wait(LIMIT);
        assert_eq!(given.code, Some(0), "{given:?}");
        assert!(!given.stdout.contains("benspassword") && given.stdout.contains("ben"), "{given:?}");
        assert_eq!(login(&server, "ben", "benspassword"), 200);
        let mut reset = user(&place, &["reset-password", "BEN@example.org"]);
        reset.env("MASTOC_PASSWORD", "anotherpassword");
        let reset = ended(reset);
        assert_eq!(reset.code, Some(0), "{reset:?}");
        assert!(!reset.stdout.contains("anotherpassword"), "{reset:?}");
        assert_eq!(login(&server, "ben", "benspassword"), 401);
        assert_eq!(login(&server, "ben", "anotherpassword"), 200);

        let listed = ended(user(&place, &["list"])).stdout;
        let lines: Vec<&str> = listed.lines().collect();
        assert!(lines[0].starts_with("USERNAME") && lines.len() == 3, "{listed}");
        assert!(
            lines[1].starts_with("ben ") && lines[1].contains("ben@example.org") && lines[1].ends_with("Ben")
        );
        assert!(lines[2].contains("admin") && lines[2].contains("active"), "{listed}");
    }
}

#[test]
fn a_reset_ends_the_logins_and_roles_change_as_long_as_an_admin_is_left() {
    for place in Place::both() {
        let server = Server::start(&place);
        let password = ended(user(&place, &create("vera@example.org", "vera"))).stdout.trim().to_owned();
        let form = format!("username=vera&password={password}");
        let token =
            server.send_form("/api/auth/login", &form).json()["access_token"].as_str().unwrap().to_owned();
        let bearer = format!("Bearer {token}");
        let asks = |path: &str| {
            server.send("GET", path, &[("Authorization", &bearer)], &serde_json::Value::Null).status
        };
        assert_eq!(asks("/api/users"), 200);
        one_line(&ended(user(&place, &["set-role", "vera", "user"])), 2, &["last active admin"]);
        assert_eq!(ended(user(&place, &create("ben@example.org", "ben"))).code, Some(0));
        let demoted = ended(user(&place, &["set-role", "vera@example.org", "user"]));
        assert_eq!((demoted.code, demoted.stdout.trim()), (Some(0), "vera is a user now"));
        assert_eq!(asks("/api/users"), 403, "at once");
        assert_eq!(asks("/api/users/me"), 200);
        assert_eq!(ended(user(&place, &["reset-password", "vera"])).code, Some(0));
        assert_eq!(asks("/api/users/me"), 401, "logged out");
    }
}

#[test]
fn what_is_wrong_is_one_line() {
    let place = Place::sqlite();
    assert_eq!(ended(user(&place, &create("vera@example.org", "vera"))).code, Some(0));
    for (arguments, says) in [
        (create("vera@example.org", "other"), &["already"][..]),
        (create("other@example.org", "VERA"), &["already", "VERA"]),
        (create("nowhere", "other"), &["--email"]),
        (create("other@example.org", "o"), &["--username"]),
        (create("other@example.org", "o@b.c"), &["--username", "@"]),
        (vec!["set-role", "nobody", "admin"], &["nobody", "user list"]),
        (vec!["reset-password", "nobody@example.org"], &["nobody@example.org"]),
    ] {
        one_line(&ended(user(&place, &arguments)), 2, says);
    }
    let mut short = user(&place, &["reset-password", "vera"]);
    short.env("MASTOC_PASSWORD", "short");
    let short = ended(short);
    one_line(&short, 2, &["password", "8"]);
    assert!(!short.stderr.contains("short"));
    let mut both = user(&place, &["reset-password", "vera", "--password-stdin"]);
    both.env("MASTOC_PASSWORD", "one of the two");
    one_line(&ended(both), 2, &["--password-stdin", "MASTOC_PASSWORD"]);
    one_line(&ended(user(&place, &["reset-password", "vera", "--password-stdin"])), 2, &["standard input"]);
    assert_eq!(ended(user(&place, &["set-role", "vera", "owner"])).code, Some(2));
}
