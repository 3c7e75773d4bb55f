//! The checks that are one statement each.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};

use super::{Check, Finding, Level, named};
use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;

/// A uuid as text.
macro_rules! uuid_text {
    ($sql:expr, $column:literal) => {
        $sql.either(
            concat!($column, "::text"),
            concat!(
                "lower(substr(hex(",
                $column,
                "), 1, 8) || '-' || substr(hex(",
                $column,
                "), 9, 4) || '-' || ",
                "substr(hex(",
                $column,
                "), 13, 4) || '-' || substr(hex(",
                $column,
                "), 17, 4) || '-' || ",
                "substr(hex(",
                $column,
                "), 21))"
            ),
        )
    };
}

/// A kind of row that may be linked: its word, its table, and whether its ids are numbers.
struct Kind {
    word: &'static str,
    table: &'static str,
    is_numbered: bool,
    /// Whether whoever follows is told of every row of it that comes and goes.
    is_followed: bool,
}

const fn kind(word: &'static str, table: &'static str) -> Kind {
    Kind { word, table, is_numbered: false, is_followed: true }
}

const KINDS: &[Kind] = &[
    kind("gym", "gyms"),
    kind("wall", "walls"),
    kind("face", "faces"),
    kind("user", "users"),
    kind("climb", "climbs"),
    // Lists and holds come and go for some who follow, while their rows stay.
    Kind { is_followed: false, ..kind("list", "climb_lists") },
    Kind { is_numbered: true, is_followed: false, ..kind("hold", "holds") },
];

impl Kind {
    /// The id of the row `r` as text.
    fn id_text(&self, sql: &mut Fragment) {
        if self.is_numbered {
            sql.sql("CAST(r.id AS TEXT)");
        } else {
            uuid_text!(sql, "r.id");
        }
    }

    /// Stokt's id of the row `r` as text.
    fn stokt_text(&self, sql: &mut Fragment) {
        if self.is_numbered {
            sql.sql("CAST(r.stokt_id AS TEXT)");
        } else {
            uuid_text!(sql, "r.stokt_id");
        }
    }

    /// That the row `r` is the one whose id is the text `x.id`; SQLite finds it by its key.
    fn is_named_by_x(&self, sql: &mut Fragment) {
        if self.is_numbered {
            sql.either("CAST(r.id AS TEXT) = x.id", "r.id = CAST(x.id AS INTEGER)");
        } else {
            sql.either("r.id::text = x.id", "r.id = unhex(x.id, '-')");
        }
    }

    /// Starts a part about this kind: `SELECT 'kind ' || `.
    fn start(&self, sql: &mut Fragment) {
        sql.sql("SELECT '").sql(self.word).sql(" ' || ");
    }
}

/// One part for each kind.
fn each(kinds: impl Fn(&Kind) -> bool, part: impl Fn(&mut Fragment, &Kind)) -> Fragment {
    let mut sql = Fragment::default();
    for (index, kind) in KINDS.iter().filter(|kind| kinds(kind)).enumerate() {
        if index > 0 {
            sql.sql(" UNION ALL ");
        }
        part(&mut sql, kind);
    }
    sql
}

const PULL: &str = "a full pull compares it with Stokt and sets it right";
const UNLINK: &str =
    "for a climb: mastoc-sync unlink, then a full pull; for anything else: restore a backup from before";
const DEFECT: &str = "a defect of this program: restore a backup from before, or report it with this line";

type Query = fn() -> Fragment;

/// What is looked for, each with the statement that selects the names of what is wrong as `s`.
pub(super) const CHECKS: &[(Check, Query)] = &[
    (fault("row_without_link", "a row has an id of Stokt's and no link", PULL), row_without_link),
    (
        fault("link_without_row", "a link leads to no row, and no tombstone says why", DEFECT),
        link_without_row,
    ),
    (
        fault(
            "link_of_deleted",
            "a row is here and its link or a tombstone says that it was deleted",
            UNLINK,
        ),
        buried_alive,
    ),
    (fault("link_elsewhere", "a row has another id of Stokt's than its link", UNLINK), link_elsewhere),
    (fault("link_without_mapping", "a link is not in the audit", DEFECT), link_without_mapping),
    (
        fault(
            "mapping_without_link",
            "the audit knows of a link that is not there and was never undone",
            DEFECT,
        ),
        mapping_without_link,
    ),
    (fault("state", "a climb's state is not what its link says", PULL), state),
    (
        fault("conflict_without_mark", "a conflict is open and its climb does not say so", PULL),
        conflict_without_mark,
    ),
    (
        fault("mark_without_conflict", "a climb is in conflict and no conflict is open", PULL),
        mark_without_conflict,
    ),
    (
        fault(
            "outbox_without_row",
            "something waits to be sent of a climb that is not there",
            "the next push calls it off",
        ),
        outbox_without_row,
    ),
    (fault("sent_without_link", "a climb was sent to Stokt and never linked", DEFECT), sent_without_link),
    (
        fault(
            "created_again",
            "a climb that Stokt knows waits to be created there",
            "mastoc-sync outbox; the next push calls it off",
        ),
        created_again,
    ),
    (
        fault("row_not_told", "no follower was told of a row", "edit the row, or start copies anew"),
        row_not_told,
    ),
    (
        fault(
            "row_told_gone",
            "followers were told that a row is gone which is here",
            "edit the row, or start copies anew",
        ),
        row_told_gone,
    ),
    (
        fault("gone_not_told", "followers were not told that a row is gone", "start copies anew"),
        gone_not_told,
    ),
    (
        Check {
            level: Level::Note,
            ..fault(
                "possible_twins",
                "a climb from here may be at Stokt twice",
                "look at both, and delete one at Stokt",
            )
        },
        possible_twins,
    ),
];

const fn fault(code: &'static str, what: &'static str, mend: &'static str) -> Check {
    Check { code, level: Level::Fault, what, mend }
}

/// Runs one check.
pub(super) fn run(conn: &mut ReadConn<'_>, check: Check, inner: Fragment) -> Result<Finding, StoreError> {
    let statement = named(&inner).selecting::<(Text, BigInt)>();
    let rows: Vec<(String, i64)> = on_backend!(conn, |c| statement.load(c))?;
    let count = rows.first().map_or(0, |(_, count)| u64::try_from(*count).unwrap_or(0));
    Ok(Finding { check, count, named: rows.into_iter().map(|(name, _)| name).collect() })
}

fn row_without_link() -> Fragment {
    each(
        |_| true,
        |sql, kind| {
            kind.start(sql);
            kind.id_text(sql);
            sql.sql(" AS s FROM ")
                .sql(kind.table)
                .sql(" r WHERE r.stokt_id IS NOT NULL AND NOT EXISTS (SELECT 1 ");
            sql.sql("FROM sync_links l WHERE l.entity = '").sql(kind.word).sql("' AND l.local_id = ");
            kind.id_text(sql);
            sql.sql(")");
        },
    )
}

fn link_without_row() -> Fragment {
    each(
        |_| true,
        |sql, kind| {
            kind.start(sql);
            sql.sql("x.stokt_id AS s FROM (SELECT local_id AS id, stokt_id FROM sync_links WHERE entity = '");
            sql.sql(kind.word).sql("' AND tombstone_at IS NULL) x WHERE NOT EXISTS (SELECT 1 FROM ");
            sql.sql(kind.table).sql(" r WHERE ");
            kind.is_named_by_x(sql);
            sql.sql(") AND NOT EXISTS (SELECT 1 FROM tombstones t WHERE t.entity = '").sql(kind.word);
            sql.sql("' AND t.entity_id = x.id)");
        },
    )
}

fn buried_alive() -> Fragment {
    each(
        |_| true,
        |sql, kind| {
            kind.start(sql);
            sql.sql("x.id AS s FROM (SELECT local_id AS id FROM sync_links WHERE tombstone_at IS NOT NULL ");
            sql.sql("AND entity = '").sql(kind.word);
            sql.sql("' UNION SELECT entity_id FROM tombstones WHERE entity = '").sql(kind.word);
            sql.sql("') x WHERE EXISTS (SELECT 1 FROM ").sql(kind.table).sql(" r WHERE ");
            kind.is_named_by_x(sql);
            sql.sql(")");
        },
    )
}

fn link_elsewhere() -> Fragment {
    each(
        |_| true,
        |sql, kind| {
            kind.start(sql);
            kind.id_text(sql);
            sql.sql(" AS s FROM ").sql(kind.table).sql(" r JOIN sync_links l ON l.entity = '").sql(kind.word);
            sql.sql("' AND l.local_id = ");
            kind.id_text(sql);
            sql.sql(" WHERE r.stokt_id IS NULL OR l.stokt_id <> ");
            kind.stokt_text(sql);
        },
    )
}

const NO_LATER_LINE: &str = " AND NOT EXISTS (SELECT 1 FROM id_mappings n WHERE n.entity = m.entity \
    AND n.stokt_id = m.stokt_id AND n.id > m.id)";

fn link_without_mapping() -> Fragment {
    let mut sql =
        Fragment::new("SELECT l.entity || ' ' || l.stokt_id AS s FROM sync_links l WHERE NOT EXISTS (");
    sql.sql("SELECT 1 FROM id_mappings m WHERE m.entity = l.entity AND m.stokt_id = l.stokt_id ");
    sql.sql("AND m.local_id = l.local_id AND m.event = 'linked'").sql(NO_LATER_LINE).sql(")");
    sql
}

fn mapping_without_link() -> Fragment {
    let mut sql = Fragment::new("SELECT m.entity || ' ' || m.stokt_id AS s FROM id_mappings m ");
    sql.sql("WHERE m.event = 'linked'")
        .sql(NO_LATER_LINE)
        .sql(" AND NOT EXISTS (SELECT 1 FROM sync_links l ");
    sql.sql("WHERE l.entity = m.entity AND l.stokt_id = m.stokt_id AND l.local_id = m.local_id)");
    sql
}

fn state() -> Fragment {
    let mut sql = Fragment::new("SELECT ");
    uuid_text!(sql, "r.id").sql(" || ': ' || r.sync_state AS s FROM climbs r LEFT JOIN sync_links l ");
    sql.sql("ON l.entity = 'climb' AND l.local_id = ");
    uuid_text!(sql, "r.id");
    sql.sql(" WHERE r.sync_state NOT IN ('conflict', 'archived') AND r.sync_state <> CASE ");
    sql.sql("WHEN r.stokt_id IS NULL THEN 'local' WHEN l.local_rev IS NULL THEN r.sync_state ");
    sql.sql("WHEN l.local_rev > l.base_rev THEN 'modified' ELSE 'synced' END");
    sql
}

fn conflict_without_mark() -> Fragment {
    let mut sql = Fragment::new("SELECT ");
    uuid_text!(sql, "x.conflict").sql(" AS s FROM (SELECT id AS conflict, local_id AS id FROM conflicts ");
    sql.sql("WHERE entity = 'climb' AND resolved_at IS NULL) x JOIN climbs r ON ");
    kind("climb", "climbs").is_named_by_x(&mut sql);
    sql.sql(" WHERE r.sync_state <> 'conflict'");
    sql
}

fn mark_without_conflict() -> Fragment {
    let mut sql = Fragment::new("SELECT ");
    uuid_text!(sql, "r.id")
        .sql(" AS s FROM climbs r WHERE r.sync_state = 'conflict' AND NOT EXISTS (SELECT 1 ");
    sql.sql("FROM conflicts k WHERE k.entity = 'climb' AND k.resolved_at IS NULL AND k.local_id = ");
    uuid_text!(sql, "r.id").sql(")");
    sql
}

fn outbox_without_row() -> Fragment {
    let mut sql = Fragment::new("SELECT x.action || ' ' || x.id AS s FROM (SELECT action, local_id AS id ");
    sql.sql(
        "FROM outbox WHERE entity = 'climb' AND action <> 'delete' AND state IN ('pending', 'leased')) x ",
    );
    sql.sql("WHERE NOT EXISTS (SELECT 1 FROM climbs r WHERE ");
    kind("climb", "climbs").is_named_by_x(&mut sql);
    sql.sql(")");
    sql
}

fn sent_without_link() -> Fragment {
    let mut sql = Fragment::new("SELECT o.local_id AS s FROM outbox o WHERE o.entity = 'climb' ");
    sql.sql("AND o.action = 'create' AND o.state = 'done' AND NOT EXISTS (SELECT 1 FROM id_mappings m ");
    sql.sql("WHERE m.entity = 'climb' AND m.local_id = o.local_id AND m.event = 'linked')");
    sql
}

fn created_again() -> Fragment {
    let mut sql = Fragment::new("SELECT x.id AS s FROM (SELECT local_id AS id FROM outbox ");
    sql.sql("WHERE entity = 'climb' AND action = 'create' AND state IN ('pending', 'leased')) x ");
    sql.sql("JOIN climbs r ON ");
    kind("climb", "climbs").is_named_by_x(&mut sql);
    sql.sql(" WHERE r.stokt_id IS NOT NULL");
    sql
}

/// The last entry of the log about the row `r`: its kind.
fn last_told(sql: &mut Fragment, kind: &Kind) {
    sql.sql("(SELECT g.kind FROM change_log g WHERE g.entity = '").sql(kind.word).sql("' AND g.entity_id = ");
    kind.id_text(sql);
    sql.sql(" ORDER BY g.seq DESC LIMIT 1)");
}

fn row_not_told() -> Fragment {
    each(
        |_| true,
        |sql, kind| {
            kind.start(sql);
            kind.id_text(sql);
            sql.sql(" AS s FROM ")
                .sql(kind.table)
                .sql(" r WHERE NOT EXISTS (SELECT 1 FROM change_log g WHERE ");
            sql.sql("g.entity = '").sql(kind.word).sql("' AND g.entity_id = ");
            kind.id_text(sql);
            sql.sql(")");
        },
    )
}

fn row_told_gone() -> Fragment {
    each(
        |kind| kind.is_followed,
        |sql, kind| {
            kind.start(sql);
            kind.id_text(sql);
            sql.sql(" AS s FROM ").sql(kind.table).sql(" r WHERE 'deleted' = ");
            last_told(sql, kind);
        },
    )
}

fn gone_not_told() -> Fragment {
    each(
        |kind| kind.is_followed,
        |sql, kind| {
            kind.start(sql);
            sql.sql("x.id AS s FROM (SELECT g.entity_id AS id FROM change_log g WHERE g.entity = '")
                .sql(kind.word);
            sql.sql("' AND g.kind <> 'deleted' AND NOT EXISTS (SELECT 1 FROM change_log n ");
            sql.sql("WHERE n.entity = g.entity AND n.entity_id = g.entity_id AND n.seq > g.seq)) x ");
            sql.sql("WHERE NOT EXISTS (SELECT 1 FROM ").sql(kind.table).sql(" r WHERE ");
            kind.is_named_by_x(sql);
            sql.sql(")");
        },
    )
}

/// Climbs that were sent from here, of which another one at Stokt has face, name, holds and setter.
fn possible_twins() -> Fragment {
    let mut sql = Fragment::new("SELECT ");
    uuid_text!(sql, "a.stokt_id").sql(" || ' and ' || ");
    uuid_text!(sql, "b.stokt_id");
    sql.sql(" AS s FROM climbs a JOIN climbs b ON b.name_folded = a.name_folded AND b.face_id = a.face_id ");
    sql.sql("AND b.holds_list = a.holds_list AND b.id <> a.id WHERE a.source = 'mastoc' ");
    sql.sql("AND a.stokt_id IS NOT NULL AND b.stokt_id IS NOT NULL ");
    sql.sql("AND (b.source <> 'mastoc' OR a.id < b.id)");
    sql
}

/// How many rows of each kind there are.
pub(super) fn counts(conn: &mut ReadConn<'_>) -> Result<Vec<(&'static str, i64)>, StoreError> {
    const TABLES: &[&str] = &[
        "gyms",
        "walls",
        "faces",
        "holds",
        "users",
        "climbs",
        "climb_lists",
        "images",
        "sync_links",
        "id_mappings",
        "tombstones",
        "conflicts",
        "outbox",
        "quarantined",
        "sync_runs",
        "change_log",
    ];
    let mut sql = Fragment::default();
    for (index, table) in TABLES.iter().enumerate() {
        sql.sql(if index > 0 { " UNION ALL SELECT '" } else { "SELECT '" }).sql(table);
        sql.sql("', count(*) FROM ").sql(table);
    }
    let statement = sql.selecting::<(Text, BigInt)>();
    let rows: Vec<(String, i64)> = on_backend!(conn, |c| statement.load(c))?;
    let of = |table: &str| rows.iter().find(|(name, _)| name == table).map_or(0, |(_, count)| *count);
    Ok(TABLES.iter().map(|table| (*table, of(table))).collect())
}
