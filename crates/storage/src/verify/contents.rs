//! Whether what both sides agreed on is whole, and what an unchanged climb says. One statement, read row by row.

use diesel::RunQueryDsl as _;
use diesel::connection::DefaultLoadingMode;
use diesel::deserialize::Queryable;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::sql_types::{Bool, Integer, Nullable, Text};
use mastoc_domain::canonical::CanonicalClimb;
use serde_json::Value;

use super::{Check, Finding, Level};
use crate::conn::{AnyConnection, ReadConn};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::links::json_hash;

pub(super) const NAME: &str = "contents";

const NO_BASE: Check = Check {
    code: "no_base",
    level: Level::Fault,
    what: "a climb's link does not know what both sides agreed on",
    mend: "a full pull compares it with Stokt; what differs waits for a person",
};
const BASE_HASH: Check = Check {
    code: "base_hash",
    level: Level::Fault,
    what: "what both sides agreed on does not have the hash that stands beside it",
    mend: "a full pull compares it with Stokt and writes both anew",
};
const CONTENT: Check = Check {
    code: "content",
    level: Level::Fault,
    what: "a climb that counts as unchanged differs from what both sides agreed on",
    mend: "edit the climb here, so that it counts as changed, or unlink it and pull in full",
};

type Columns = (
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Integer,
    Integer,
    (Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Bool>, Nullable<Bool>),
    (Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>),
);

/// Sync state, name, holds, feet rule, private, benchmark: a climb that is gone has none of them.
type First = (Option<String>, Option<String>, Option<String>, Option<String>, Option<bool>, Option<bool>);

#[derive(Queryable)]
struct Row {
    stokt_id: String,
    base: Option<String>,
    base_hash: Option<String>,
    local_rev: i32,
    base_rev: i32,
    one: First,
    two: (Option<String>, Option<String>, Option<String>, Option<String>),
}

impl Row {
    /// What the climb says, if it is in step with Stokt.
    fn in_step(&self) -> Option<CanonicalClimb> {
        let (state, name, holds, feet_rule, is_private, is_benchmark) = &self.one;
        let (circuit, tags, angle, mirror) = &self.two;
        if state.as_deref() != Some("synced") || self.local_rev > self.base_rev {
            return None;
        }
        Some(CanonicalClimb::new(
            name.as_deref()?,
            holds.as_deref()?,
            feet_rule.as_deref(),
            (*is_private)?,
            (*is_benchmark)?,
            circuit.as_deref()?,
            tags.as_deref()?,
            angle.as_deref()?,
            mirror.as_deref()?,
        ))
    }
}

struct Found {
    no_base: Finding,
    base_hash: Finding,
    content: Finding,
}

impl Found {
    fn look(&mut self, row: &Row) {
        let (Some(base), Some(hash)) = (&row.base, &row.base_hash) else {
            return self.no_base.add(|| row.stokt_id.clone());
        };
        let value: Option<Value> = serde_json::from_str(base).ok();
        let form = value.as_ref().and_then(CanonicalClimb::from_json);
        if value.as_ref().map(json_hash).as_ref() != Some(hash) || form.is_none() {
            return self.base_hash.add(|| row.stokt_id.clone());
        }
        if row.in_step().is_some_and(|content| Some(content) != form) {
            self.content.add(|| row.stokt_id.clone());
        }
    }
}

/// Looks at the link of every climb.
pub(super) fn check(conn: &mut ReadConn<'_>) -> Result<Vec<Finding>, StoreError> {
    let mut sql = Fragment::new(
        "SELECT l.stokt_id, CAST(l.base AS TEXT), l.base_hash, l.local_rev, l.base_rev, c.sync_state, c.name, \
         c.holds_list, c.feet_rule, c.is_private, c.is_benchmark, c.circuit, c.tags, c.angle, c.mirror_holds_list \
         FROM sync_links l LEFT JOIN climbs c ON ",
    );
    sql.either("c.id::text = l.local_id", "c.id = unhex(l.local_id, '-')");
    sql.sql(" WHERE l.entity = 'climb'");
    let statement = sql.selecting::<Columns>();
    let mut found = Found {
        no_base: Finding::none_of(NO_BASE),
        base_hash: Finding::none_of(BASE_HASH),
        content: Finding::none_of(CONTENT),
    };
    match conn.any() {
        AnyConnection::Postgres(c) => {
            for row in statement.load_iter::<Row, PgRowByRowLoadingMode>(c)? {
                found.look(&row?);
            }
        }
        AnyConnection::Sqlite(c) => {
            for row in statement.load_iter::<Row, DefaultLoadingMode>(c)? {
                found.look(&row?);
            }
        }
    }
    Ok(vec![found.no_base, found.base_hash, found.content])
}
