//! The two schemas and their description in `schema.rs` say the same.

use std::collections::BTreeMap;

use crate::support::{Raw, migrate};
use mastoc_test_support::{postgres, sqlite};

/// Every file that describes tables.
const SCHEMA: &[&str] = &[
    include_str!("../../src/schema/board.rs"),
    include_str!("../../src/schema/climbing.rs"),
    include_str!("../../src/schema/sync.rs"),
    include_str!("../../src/schema/following.rs"),
    include_str!("../../src/schema/logins.rs"),
    include_str!("../../src/schema/claims.rs"),
    include_str!("../../src/schema/edits.rs"),
    include_str!("../../src/schema/upkeep.rs"),
    include_str!("../../src/schema/logbook.rs"),
    include_str!("../../src/schema/sharing.rs"),
];

/// Per table: its columns with type and nullability, in order.
type Tables = BTreeMap<String, Vec<(String, String, bool)>>;

/// The kind of value behind the different names that the databases and diesel have for it.
fn kind(name: &str) -> &str {
    match name {
        "DbUuid" | "BLOB" | "uuid" => "uuid",
        "DbTime" | "timestamp with time zone" => "time",
        "Json" | "json" => "json",
        "Text" | "TEXT" | "text" => "text",
        "Bool" | "boolean" => "boolean",
        "Integer" | "SmallInt" | "BigInt" | "INTEGER" | "integer" | "smallint" | "bigint" => "integer",
        "Double" | "REAL" | "double precision" => "real",
        other => panic!("the test does not know the type {other}"),
    }
}

/// What SQLite keeps such a value as.
fn on_sqlite(kind: &str) -> &str {
    match kind {
        "time" | "json" => "text",
        "boolean" => "integer",
        other => other,
    }
}

fn described() -> Tables {
    let mut tables = Tables::new();
    let mut table = None;
    for line in SCHEMA.iter().flat_map(|text| text.lines()).map(str::trim) {
        if let Some((name, rest)) = line.split_once(" (")
            && rest.ends_with(") {")
        {
            table = Some(name.to_owned());
        } else if let Some((column, of)) = line.split_once(" -> ")
            && line.ends_with(',')
        {
            let of = of.trim_end_matches(',');
            let inner = of.strip_prefix("Nullable<").map(|inner| inner.trim_end_matches('>'));
            let columns = tables.entry(table.clone().expect("a column outside a table")).or_default();
            columns.push((column.to_owned(), kind(inner.unwrap_or(of)).to_owned(), inner.is_some()));
        }
    }
    tables
}

fn read(raw: &mut Raw, sql: &str) -> Tables {
    let mut tables = Tables::new();
    for line in raw.texts(sql) {
        let [table, column, of, nullable]: [&str; 4] =
            line.split('|').collect::<Vec<_>>().try_into().expect("four fields");
        let columns = tables.entry(table.to_owned()).or_default();
        columns.push((column.to_owned(), kind(of).to_owned(), nullable == "1"));
    }
    tables
}

fn of_sqlite() -> Tables {
    let place = sqlite::fresh_path();
    migrate(place.url());
    read(
        &mut Raw::open(place.url()),
        r#"SELECT m.name || '|' || c.name || '|' || c.type || '|' || (1 - c."notnull") AS v
           FROM sqlite_schema m JOIN pragma_table_info(m.name) c
           WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\_\_%' ESCAPE '\'
           ORDER BY m.name, c.cid"#,
    )
}

fn of_postgres() -> Option<Tables> {
    let database = postgres::empty_database()?;
    migrate(database.url());
    Some(read(
        &mut Raw::open(database.url()),
        r"SELECT table_name || '|' || column_name || '|' || data_type || '|'
                 || CASE is_nullable WHEN 'YES' THEN '1' ELSE '0' END AS v
          FROM information_schema.columns
          WHERE table_schema = 'public' AND table_name NOT LIKE '\_\_%'
          ORDER BY table_name, ordinal_position",
    ))
}

#[test]
fn schemas_agree() {
    let described = described();
    assert!(described.len() > 20, "the test reads schema.rs no more: {:?}", described.keys());
    let mut as_sqlite = described.clone();
    for (_, of, _) in as_sqlite.values_mut().flatten() {
        *of = on_sqlite(of).to_owned();
    }
    // An `INTEGER PRIMARY KEY` of SQLite is never null, though its declaration does not say so.
    let mut sqlite = of_sqlite();
    for (table, column) in [("change_log", "seq"), ("id_mappings", "id")] {
        let key = sqlite.get_mut(table).unwrap().iter_mut().find(|(name, ..)| name == column).unwrap();
        key.2 = false;
    }
    assert_same("SQLite", &sqlite, &as_sqlite);
    if let Some(postgres) = of_postgres() {
        assert_same("PostgreSQL", &postgres, &described);
    }
}

fn assert_same(database: &str, found: &Tables, described: &Tables) {
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        described.keys().collect::<Vec<_>>(),
        "{database} and schema.rs know different tables"
    );
    for (table, columns) in found {
        assert_eq!(columns, &described[table], "the table {table} on {database} and in schema.rs");
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(database);
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}
