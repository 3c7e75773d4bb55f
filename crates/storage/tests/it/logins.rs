//! Logins and resets in the database: what is over is forgotten, in a fixed number of statements.

use std::time::Duration;

use crate::support::{Raw, migrate, open};
use mastoc_domain::access::AccountRole;
use mastoc_domain::{SessionId, Timestamp, UserId};
use mastoc_storage::accounts::{self, NewAccount, Registered};
use mastoc_storage::{Store, StoreError, resets, sessions};

fn account(store: &Store, name: &str) -> UserId {
    let email = format!("{name}@example.org");
    let role = AccountRole::User;
    let account = NewAccount { email: &email, username: name, full_name: name, password_hash: "hash", role };
    store.write(|conn| accounts::create(conn, &account)).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    let now = Timestamp::now().as_utc();
    let span = Duration::from_secs(seconds.unsigned_abs());
    Timestamp::from_utc(if seconds < 0 { now - span } else { now + span })
}

fn login(store: &Store, user: UserId, ends: i64) -> SessionId {
    store.write(|conn| sessions::open(conn, user, Some("test"), at(ends))).unwrap()
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s04_logins_and_resets_that_are_over_are_forgotten_at_once(url: &str) {
        let store = open(url);
        let user = account(&store, "anna");
        let mut raw = Raw::open(url);
        let cost = |most: usize| {
            let before = store.statements();
            for _ in 0..most {
                login(&store, user, -60);
            }
            (store.statements() - before) / most as u64
        };
        assert_eq!(cost(1), cost(20), "the cost does not grow with what there is to forget");
        let kept = login(&store, user, 60);
        assert_eq!(raw.count("sessions"), 1);
        assert!(store.read(|conn| sessions::person(conn, kept, user)).unwrap().is_some());
        let reset = store.write(|conn| resets::begin(conn, "ANNA@example.org")).unwrap().unwrap();
        assert!(store.read(|conn| resets::holds(conn, &reset.token)).unwrap());
        let past = at(-60);
        raw.execute(&format!("UPDATE password_resets SET expires_at = '{past}'"));
        assert!(!store.read(|conn| resets::holds(conn, &reset.token)).unwrap());
        assert_eq!(store.write(|conn| resets::take(conn, &reset.token)).unwrap(), None);
        login(&store, user, 60);
        assert_eq!(raw.count("password_resets"), 0);
    }

    fn s08_a_reset_lasts_an_hour_and_its_token_is_nowhere_in_the_database(url: &str) {
        let store = open(url);
        account(&store, "anna");
        let reset = store.write(|conn| resets::begin(conn, "anna@example.org")).unwrap().unwrap();
        let mut raw = Raw::open(url);
        let hash = raw.text("SELECT token_hash AS v FROM password_resets");
        assert!(hash.len() == 64 && !hash.contains(&reset.token));
        let end = raw.text("SELECT CAST(expires_at AS TEXT) AS v FROM password_resets");
        let start = raw.text("SELECT CAST(created_at AS TEXT) AS v FROM password_resets");
        assert!(end > start);
        assert_eq!(resets::KEPT_SECONDS, 3_600);
        assert_eq!(format!("{reset:?}"), "Reset { .. }");
        assert!(store.write(|conn| resets::begin(conn, "nobody@example.org")).unwrap().is_none());
    }

    fn s09_an_account_is_made_once_whatever_the_case(url: &str) {
        let store = open(url);
        let user = account(&store, "anna");
        let wish = |email: &str, username: &str| {
            let role = AccountRole::User;
            let account = NewAccount { email, username, full_name: "x", password_hash: "other", role };
            store.write(|conn| accounts::register(conn, &account)).unwrap()
        };
        let before = Raw::open(url).count("change_log");
        assert_eq!(wish("Anna@Example.ORG", "berta"), Registered::AddressTaken);
        assert_eq!(wish("berta@example.org", "ANNA"), Registered::NameTaken);
        assert_eq!(wish("anna@example.org", "anna"), Registered::NameTaken);
        assert_eq!(Raw::open(url).count("change_log"), before, "nothing was made");
        let account = NewAccount {
            email: "ANNA@example.org", username: "x", full_name: "x", password_hash: "x", role: AccountRole::User,
        };
        let refused = store.write(|conn| accounts::create(conn, &account));
        assert!(matches!(refused, Err(StoreError::Conflict { .. })));
        let found = store.read(|conn| accounts::by_login(conn, " ANNA ")).unwrap().unwrap();
        assert_eq!((found.id, found.password_hash.as_deref()), (user, Some("hash")));
        assert!(!format!("{found:?}").contains("example.org"));
        assert!(matches!(wish("berta@example.org", "berta"), Registered::Created(_)));
    }
}
