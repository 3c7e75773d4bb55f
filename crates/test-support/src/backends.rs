//! One test body, run on both databases.

use crate::{postgres, sqlite};

/// Generates, from each body, a test `sqlite::NAME` and a test `postgres::NAME`. The body gets the URL of a fresh
/// database that `prepare` has been run on (it migrates the database behind a URL). Use it once per module.
///
/// The template that PostgreSQL copies is made once per `prepare` and state of the folder `migrations/`; if `prepare`
/// does more than migrate, give `key: "some other text";` so that it gets a template of its own.
///
/// ```
/// fn migrate(url: &str) {
///     assert!(url.starts_with("sqlite://") || url.starts_with("postgres://"));
/// }
///
/// mastoc_test_support::both_backends! {
///     prepare: migrate;
///
///     fn a_climb_comes_back(url: &str) {
///         assert!(!url.is_empty());
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! both_backends {
    (prepare: $prepare:expr; $($tests:tt)+) => {
        $crate::both_backends! { @key "migrated"; $prepare; $($tests)+ }
    };
    (key: $key:expr; prepare: $prepare:expr; $($tests:tt)+) => {
        $crate::both_backends! { @key $key; $prepare; $($tests)+ }
    };
    (@key $key:expr; $prepare:expr; $($(#[$meta:meta])* fn $name:ident($url:ident: &str) $body:block)+) => {
        $(fn $name($url: &str) $body)+

        fn prepare_for_both_backends(url: &str) {
            ($prepare)(url);
        }

        mod sqlite {
            $(
                $(#[$meta])*
                #[test]
                fn $name() {
                    $crate::backends::on_sqlite(super::prepare_for_both_backends, super::$name);
                }
            )+
        }

        mod postgres {
            $(
                $(#[$meta])*
                #[test]
                fn $name() {
                    $crate::backends::on_postgres($key, super::prepare_for_both_backends, super::$name);
                }
            )+
        }
    };
}

/// Runs a body on a fresh, prepared SQLite database.
pub fn on_sqlite(prepare: fn(&str), body: fn(&str)) {
    let place = sqlite::fresh_path();
    prepare(place.url());
    body(place.url());
}

/// Runs a body on a fresh, prepared PostgreSQL database; does nothing, with a line, where tests were told to do
/// without PostgreSQL.
pub fn on_postgres(template_key: &str, prepare: fn(&str), body: fn(&str)) {
    if let Some(database) = postgres::fresh_database(template_key, prepare) {
        body(database.url());
    }
}
