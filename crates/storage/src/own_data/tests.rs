//! Every column that names a person is treated, and every column about them is in the file or left out for a reason.

use std::collections::BTreeSet;

use diesel::RunQueryDsl as _;
use diesel::sql_types::Text;

use super::sections::SECTIONS;
use super::{Leaving, REFERENCES};
use crate::conn::on_backend;
use crate::fragment::Fragment;
use crate::store::Store;
use crate::test_board;

/// One text for each row of a statement.
fn texts(store: &Store, postgres: &'static str, sqlite: &'static str) -> BTreeSet<String> {
    store
        .read(|conn| {
            let mut sql = Fragment::default();
            sql.either(postgres, sqlite);
            let statement = sql.selecting::<Text>();
            let rows: Vec<String> = on_backend!(conn, |c| statement.load(c))?;
            Ok::<_, crate::StoreError>(rows.into_iter().collect())
        })
        .unwrap()
}

/// `table.column` of every reference to a person that the database enforces.
fn enforced(store: &Store) -> BTreeSet<String> {
    texts(
        store,
        "SELECT r.conrelid::regclass::text || '.' || a.attname FROM pg_constraint r \
         JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = ANY (r.conkey) \
         WHERE r.contype = 'f' AND r.confrelid = 'users'::regclass",
        "SELECT m.name || '.' || f.\"from\" FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f \
         WHERE m.type = 'table' AND f.\"table\" = 'users'",
    )
}

/// `table.column` of everything.
fn all(store: &Store) -> BTreeSet<String> {
    texts(
        store,
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
    )
}

/// Names of columns that can only mean a person.
fn names_a_person(column: &str) -> bool {
    ["user_id", "owner_id", "setter_id", "author_id", "editor_id", "person_id", "follower_id"]
        .contains(&column)
        || column.ends_with("_by") && column != "climbed_by"
}

/// Columns of the tables of the file that are not in it: the person themselves, secrets, and what other columns say
/// in another way.
const LEFT_OUT: &[&str] = &[
    "users.full_name_folded",
    "users.email_folded",
    "users.username_folded",
    "users.password_hash",
    "users.deleted_at",
    "climbs.setter_id",
    "climbs.name_folded",
    "climbs.holds_count",
    "climbs.grade_rank",
    "climbs.rev",
    "climb_edits.user_id",
    "climb_edits.owner_id",
    "climb_edits.api_key",
    "climb_personal.user_id",
    "hold_annotations.user_id",
    "climb_lists.owner_id",
    "list_follows.user_id",
    "list_follows.token_hash",
    "ascents.user_id",
    "climb_likes.user_id",
    "climb_bookmarks.user_id",
    "comments.user_id",
    "maintenance_closings.closed_by",
    "gyms.owner_id",
    "sessions.user_id",
    "sessions.refresh_id",
    "setter_claims.user_id",
    // Who decided it is no matter of the one who asked.
    "setter_claims.decided_by",
];

/// Tables that name people and hold nothing that the person does not know: reset tokens, and the log of changes.
const NOT_IN_THE_FILE: &[&str] = &["password_resets", "change_log"];

mastoc_test_support::both_backends! {
    prepare: test_board::migrate;

    fn every_column_that_names_a_person_is_treated(url: &str) {
        let store = test_board::open(url);
        let treated: BTreeSet<String> =
            REFERENCES.iter().map(|known| format!("{}.{}", known.table, known.column)).collect();
        assert_eq!(treated.len(), REFERENCES.len(), "each column once");
        let mut found = enforced(&store);
        assert!(found.contains("climbs.setter_id") && found.len() > 10, "the test reads the schema: {found:?}");
        for column in all(&store) {
            if names_a_person(column.split_once('.').unwrap().1) {
                found.insert(column);
            }
        }
        assert_eq!(found, treated, "say in REFERENCES what becomes of it when the person leaves");
        // Without the row, nothing may refer to it.
        for reference in REFERENCES.iter().filter(|known| known.leaving == Leaving::Trace) {
            let column = format!("{}.{}", reference.table, reference.column);
            assert!(!enforced(&store).contains(&column), "{column} would keep a person from going");
        }
    }

    fn every_column_about_a_person_is_in_the_file_or_left_out_for_a_reason(url: &str) {
        let store = test_board::open(url);
        let tables: BTreeSet<&str> = SECTIONS.iter().map(|section| section.table).collect();
        for reference in REFERENCES {
            let known = tables.contains(reference.table) || NOT_IN_THE_FILE.contains(&reference.table);
            assert!(known, "no section of the file holds {}", reference.table);
        }
        let mut written: BTreeSet<String> = LEFT_OUT.iter().map(|column| (*column).to_owned()).collect();
        for section in SECTIONS {
            written.extend(section.columns.iter().map(|(column, _)| format!("{}.{column}", section.table)));
        }
        let about: BTreeSet<String> =
            all(&store).into_iter().filter(|column| tables.contains(column.split_once('.').unwrap().0)).collect();
        assert_eq!(about, written, "put it into a section, or into LEFT_OUT");
    }
}
