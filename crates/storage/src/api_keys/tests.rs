//! Keys that are right, wrong in every way, and revoked, on both databases.

use super::*;
use crate::test_board;

mastoc_test_support::both_backends! {
    prepare: test_board::migrate;

    fn s10_only_the_whole_key_opens(url: &str) {
        let store = test_board::open(url);
        let made = store.write(|conn| create(conn, "phone", Scope::Read)).unwrap();
        let other = store.write(|conn| create(conn, "import", Scope::Sync)).unwrap();
        let verify = |text: &str| store.read(|conn| verify(conn, text)).unwrap();
        assert_eq!(verify(&made.plain).as_ref(), Some(&made.key));
        assert_eq!(verify(&other.plain).unwrap().scope, Scope::Sync);

        let prefix = |key: &NewKey| key.key.prefix.clone();
        let secret = |key: &NewKey| key.plain[START.len() + PREFIX_LENGTH + 1..].to_owned();
        let wrong = [
            format!("{START}{}_{}", prefix(&made), secret(&other)),
            format!("{START}{}_{}", if prefix(&made) == "aaaaaaaa" { "bbbbbbbb" } else { "aaaaaaaa" }, secret(&made)),
            format!("{START}{}_", prefix(&made)),
            format!("{START}{}_{}x", prefix(&made), secret(&made)),
            format!(" {}", made.plain),
            made.plain.to_uppercase(),
            prefix(&made),
            secret(&made),
            String::new(),
            "mastoc_é2345678_x".into(),
            "mastoc_a\u{0}345678_x".into(),
        ];
        for text in wrong {
            assert_eq!(verify(&text), None, "{text}");
        }
    }

    fn s10_a_key_keeps_no_secret(url: &str) {
        let store = test_board::open(url);
        let made = store.write(|conn| create(conn, "phone", Scope::Read)).unwrap();
        let secret = &made.plain[START.len() + PREFIX_LENGTH + 1..];
        assert_eq!(secret.len(), 43);
        assert!(!format!("{made:?}").contains(secret));
        let stored: Vec<String> = store
            .read(|conn| on_backend!(conn, |c| api_keys::table.select(api_keys::secret_hash).load(c)).map_err(StoreError::from))
            .unwrap();
        assert_eq!(stored, [hash(&made.plain)]);
        assert!(!stored[0].contains(secret));
    }

    fn s10_a_revoked_key_is_dead_and_stays_listed(url: &str) {
        let store = test_board::open(url);
        let phone = store.write(|conn| create(conn, "phone", Scope::Write)).unwrap();
        let tablet = store.write(|conn| create(conn, "tablet", Scope::Write)).unwrap();
        let revoked = store.write(|conn| revoke(conn, "phone")).unwrap();
        assert!(revoked.revoked_at.is_some());
        assert_eq!(store.read(|conn| verify(conn, &phone.plain)).unwrap(), None);
        assert!(store.read(|conn| verify(conn, &tablet.plain)).unwrap().is_some());
        let again = store.write(|conn| revoke(conn, &phone.key.prefix)).unwrap();
        assert_eq!(again.revoked_at, revoked.revoked_at);
        assert!(matches!(store.write(|conn| revoke(conn, "none")), Err(StoreError::NotFound)));
        let names: Vec<String> = store.read(list).unwrap().into_iter().map(|key| key.name).collect();
        assert_eq!(names, ["phone", "tablet"]);
    }

    fn a_key_is_rotated_under_its_name(url: &str) {
        let store = test_board::open(url);
        let old = store.write(|conn| create(conn, "phone", Scope::Read)).unwrap();
        store.write(|conn| revoke(conn, "phone")).unwrap();
        let new = store.write(|conn| create(conn, "phone", Scope::Read)).unwrap();
        assert_eq!(store.read(|conn| verify(conn, &old.plain)).unwrap(), None);
        assert_eq!(store.read(|conn| verify(conn, &new.plain)).unwrap().unwrap().id, new.key.id);
        let taken = store.write(|conn| create(conn, "phone", Scope::Read));
        assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");

        // The name now means the new key; a prefix means one key for ever.
        let again = store.write(|conn| revoke(conn, &old.key.prefix)).unwrap();
        assert_eq!(again.id, old.key.id);
        assert_eq!(store.write(|conn| revoke(conn, "phone")).unwrap().id, new.key.id);
        assert_eq!(store.read(|conn| verify(conn, &new.plain)).unwrap(), None);
        assert_eq!(store.write(|conn| revoke(conn, "phone")).unwrap().id, new.key.id);
        let listed = store.read(list).unwrap();
        let told: Vec<_> = listed.iter().map(|key| (key.id, key.name.as_str(), key.revoked_at.is_some())).collect();
        assert_eq!(told, [(old.key.id, "phone", true), (new.key.id, "phone", true)]);
        // A revoked key's name that looks like the prefix of one that holds does not shield it.
        let tablet = store.write(|conn| create(conn, "tablet", Scope::Read)).unwrap();
        store.write(|conn| create(conn, &tablet.key.prefix, Scope::Read)).unwrap();
        store.write(|conn| revoke(conn, &tablet.key.prefix)).unwrap();
        assert_eq!(store.write(|conn| revoke(conn, &tablet.key.prefix)).unwrap().id, tablet.key.id);
    }

    fn names_are_unique_and_printable(url: &str) {
        let store = test_board::open(url);
        store.write(|conn| create(conn, "phone", Scope::Read)).unwrap();
        let taken = store.write(|conn| create(conn, " phone ", Scope::Read));
        assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
        for bad in ["", "  ", "a\nb", "a\0", &"x".repeat(101)] {
            let refused = store.write(|conn| create(conn, bad, Scope::Read));
            assert!(matches!(refused, Err(StoreError::Invalid(_))), "{bad:?}");
        }
    }

    fn use_is_noted_once_an_hour(url: &str) {
        let store = test_board::open(url);
        let made = store.write(|conn| create(conn, "phone", Scope::Read)).unwrap();
        assert!(wants_note(&made.key, Timestamp::now()));
        store.write(|conn| note_use(conn, &made.key)).unwrap();
        let used = store.read(|conn| verify(conn, &made.plain)).unwrap().unwrap();
        let last = used.last_used_at.unwrap();
        assert!(!wants_note(&used, Timestamp::now()));
        store.write(|conn| note_use(conn, &used)).unwrap();
        assert_eq!(store.read(list).unwrap()[0].last_used_at, Some(last));
        let later = Timestamp::from_utc(last.as_utc() + chrono::TimeDelta::hours(1));
        assert!(wants_note(&used, later));
    }
}
