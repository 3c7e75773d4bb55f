//! Whether rows refer to rows that are there, and whether the file itself is whole.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::{Check, Finding, Level, queries};
use crate::conn::{AnyConnection, ReadConn};
use crate::error::StoreError;
use crate::fragment::Fragment;

const REFERENCES: Check = Check {
    code: "reference",
    level: Level::Fault,
    what: "a row refers to one that is not there",
    mend: "restore a backup: the database was changed by something else than this program",
};
const FILE: Check = Check {
    code: "file",
    level: Level::Fault,
    what: "the database's file is damaged",
    mend: "restore a backup, and look at the disk",
};
const UNGUARDED: Check = Check {
    code: "unguarded_reference",
    level: Level::Fault,
    what: "the database does not guard a reference",
    mend: "ALTER TABLE ... VALIDATE CONSTRAINT, or restore the backup again without switching triggers off",
};

/// Looks for rows whose parents are not there. SQLite does it by itself; on PostgreSQL each constraint is asked by hand,
/// since a restore with triggers switched off leaves them unchecked.
pub(super) fn check(
    conn: &mut ReadConn<'_>,
    tell: &mut dyn FnMut(&'static str),
) -> Result<Vec<Finding>, StoreError> {
    if matches!(conn.any(), AnyConnection::Sqlite(_)) {
        tell(FILE.code);
        let file = Fragment::new("SELECT quick_check AS s FROM pragma_quick_check WHERE quick_check <> 'ok'");
        let file = queries::run(conn, FILE, file)?;
        tell(REFERENCES.code);
        let rows = Fragment::new(
            "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' -> ' || parent AS s \
             FROM pragma_foreign_key_check",
        );
        return Ok(vec![file, queries::run(conn, REFERENCES, rows)?]);
    }
    tell(UNGUARDED.code);
    let unguarded = Fragment::new(
        "SELECT conrelid::regclass::text || ' ' || conname AS s FROM pg_constraint \
         WHERE contype = 'f' AND (NOT convalidated OR EXISTS (SELECT 1 FROM pg_trigger t \
         WHERE t.tgconstraint = pg_constraint.oid AND t.tgenabled = 'D'))",
    );
    let unguarded = queries::run(conn, UNGUARDED, unguarded)?;
    tell(REFERENCES.code);
    Ok(vec![unguarded, orphans(conn)?])
}

#[derive(QueryableByName)]
struct Constraint {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    parent: String,
    /// Columns of the child, one a line.
    #[diesel(sql_type = Text)]
    from: String,
    /// Columns of the parent, one a line.
    #[diesel(sql_type = Text)]
    to: String,
}

const CONSTRAINTS: &str = "SELECT conname::text AS name, conrelid::regclass::text AS child, \
    confrelid::regclass::text AS parent, \
    (SELECT string_agg(quote_ident(a.attname), E'\\n' ORDER BY k.n) FROM unnest(conkey) WITH ORDINALITY k(num, n) \
     JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.num) AS \"from\", \
    (SELECT string_agg(quote_ident(a.attname), E'\\n' ORDER BY k.n) FROM unnest(confkey) WITH ORDINALITY k(num, n) \
     JOIN pg_attribute a ON a.attrelid = confrelid AND a.attnum = k.num) AS \"to\" \
    FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 2, 1";

fn orphans(conn: &mut ReadConn<'_>) -> Result<Finding, StoreError> {
    let constraints: Vec<Constraint> = match conn.any() {
        AnyConnection::Postgres(c) => diesel::sql_query(CONSTRAINTS).load(c)?,
        AnyConnection::Sqlite(_) => Vec::new(),
    };
    if constraints.is_empty() {
        return Ok(Finding::none_of(REFERENCES));
    }
    let mut sql = Fragment::default();
    for (index, constraint) in constraints.iter().enumerate() {
        if index > 0 {
            sql.sql(" UNION ALL ");
        }
        // The names come from the database's own catalogue, quoted by it.
        sql.sql("SELECT ")
            .text(format!("{} -> {} ({})", constraint.child, constraint.parent, constraint.name));
        sql.sql("::text AS s FROM ").sql(&constraint.child).sql(" c WHERE ");
        for column in constraint.from.lines() {
            sql.sql("c.").sql(column).sql(" IS NOT NULL AND ");
        }
        sql.sql("NOT EXISTS (SELECT 1 FROM ").sql(&constraint.parent).sql(" p WHERE TRUE");
        for (from, to) in constraint.from.lines().zip(constraint.to.lines()) {
            sql.sql(" AND p.").sql(to).sql(" = c.").sql(from);
        }
        sql.sql(")");
    }
    queries::run(conn, REFERENCES, sql)
}
