//! Every column that names a person is treated, and every column about them is in the file or left out for a reason.

use std::collections::BTreeSet;

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};
use mastoc_domain::access::AccountRole;
use mastoc_domain::annotation::Condition;
use mastoc_domain::board::PersonalFields;
use mastoc_domain::lists::ListType;
use mastoc_domain::{Timestamp, UserId};

use super::sections::SECTIONS;
use super::{Leaving, REFERENCES};
use crate::accounts::NewAccount;
use crate::annotations::AnnotationPatch;
use crate::ascents::AscentFacts;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::leaving::{self, Left};
use crate::list_items::NewItem;
use crate::lists::NewList;
use crate::store::Store;
use crate::test_board::{self, Spec, climb_id, hold, setter};
use crate::{
    accounts, annotations, ascents, claims, comments, list_items, lists, personal, sessions, social,
};

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

/// Stands in everything that somebody writes for themselves.
const MARK: &str = "zzmark";

/// Runs a statement that answers nothing.
fn run(conn: &mut WriteConn<'_>, sql: Fragment) -> Result<usize, StoreError> {
    let statement = sql.selecting::<()>();
    Ok(on_backend!(conn, |c| statement.execute(c))?)
}

/// Somebody with two climbs, a public and a private one, and everything else there is to have.
fn somebody(conn: &mut WriteConn<'_>) -> Result<UserId, StoreError> {
    let account = NewAccount {
        email: "zzmark@example.org",
        username: MARK,
        full_name: MARK,
        password_hash: MARK,
        role: AccountRole::User,
    };
    let me = accounts::create(conn, &account)?;
    for (climb, name) in [(0, "stays"), (1, MARK)] {
        let mut sql = Fragment::new("UPDATE climbs SET setter_id = ");
        sql.id(me.0).sql(", name = ").text(name).sql(" WHERE id = ").id(climb_id(climb).0);
        run(conn, sql)?;
    }
    let text = || Some(MARK.to_owned());
    let now = conn.now();
    sessions::open(conn, me, text().as_deref(), now)?;
    let fields = PersonalFields { notes: text(), rating: Some(3), is_project: true };
    personal::set(conn, me, climb_id(2), &fields)?;
    let patch = AnnotationPatch {
        condition: Some(Some(Condition::Sale)),
        notes: Some(text()),
        ..AnnotationPatch::default()
    };
    annotations::put(conn, me, hold(0, 0), &patch)?;
    let facts = AscentFacts {
        climbed_at: Timestamp::now(),
        attempts: 2,
        is_flash: false,
        grade_feel: None,
        rating: None,
        notes: text(),
    };
    ascents::create(conn, me, climb_id(2), &facts)?;
    social::like(conn, me, climb_id(2))?;
    social::bookmark(conn, me, climb_id(2))?;
    comments::create(conn, me, climb_id(2), "stays")?;
    for is_public in [false, true] {
        let list = NewList {
            name: MARK.to_owned(),
            description: text(),
            list_type: ListType::Personal,
            is_public,
            gym_id: None,
        };
        let list = lists::create(conn, me, &list)?;
        list_items::add(conn, list, climb_id(2), &NewItem { notes: text(), ..NewItem::default() })?;
    }
    let mut sql = Fragment::new("UPDATE users SET stokt_id = id, source = 'stokt' WHERE id = ");
    sql.id(setter(0).0);
    run(conn, sql)?;
    claims::claim(conn, me, setter(0), Some(MARK))?;
    Ok(me)
}

/// A number that a statement answers.
fn number(store: &Store, sql: Fragment) -> i64 {
    let statement = sql.selecting::<BigInt>();
    store
        .read(|conn| {
            let count: i64 = on_backend!(conn, |c| statement.get_result(c))?;
            Ok::<_, StoreError>(count)
        })
        .unwrap()
}

/// The columns in which something that bears the mark stands.
fn marked(store: &Store) -> Vec<String> {
    let mentions = |column: &String| {
        let (table, column) = column.split_once('.').unwrap();
        let mut sql = Fragment::new("SELECT count(*) FROM ");
        sql.sql(table).sql(" WHERE CAST(").sql(column).sql(" AS TEXT) LIKE ").text(format!("%{MARK}%"));
        number(store, sql) > 0
    };
    all(store).into_iter().filter(mentions).collect()
}

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

    fn nothing_that_was_somebodys_alone_stays_in_any_column(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let public = Spec::default();
        test_board::set(&store, &[public.clone(), Spec { is_private: true, ..public.clone() }, public]);
        let me = store.write(somebody).unwrap();
        let before = marked(&store);
        for column in ["users.email", "climb_personal.notes", "list_items.notes", "ascents.notes", "setter_claims.message"] {
            assert!(before.contains(&column.to_owned()), "{column} is looked at: {before:?}");
        }
        assert_eq!(store.write(|conn| leaving::leave(conn, me)).unwrap(), Left::Gone(None));
        assert_eq!(marked(&store), Vec::<String>::new());
        for reference in REFERENCES {
            let mut sql = Fragment::new("SELECT count(*) FROM ");
            sql.sql(reference.table).sql(" WHERE ").sql(reference.column).sql(" = ").id(me.0);
            let count = number(&store, sql);
            match (reference.table, reference.leaving) {
                ("climbs" | "comments", _) => assert_eq!(count, 1, "the public climb and the comment stay"),
                (_, Leaving::Trace) => {}
                _ => assert_eq!(count, 0, "{reference:?}"),
            }
        }
    }
}
