//! The checks that are one statement each.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};

use super::kinds::{climbs, each, each_followed, uuid_text};
use super::{Check, Finding, Level, MEND, named};
use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;

const PULL: &str = "a full pull compares it with Stokt and sets it right";
const MEND_OR_RESTORE: &str = "for a climb: mastoc-sync mend CLIMB, of which Stokt hears nothing; for anything else: restore a backup from before";
const MEND_OR_ANEW: &str =
    "for a climb: mastoc-sync mend CLIMB, of which Stokt hears nothing; for anything else: start copies anew";
const DROP: &str = "mastoc-sync outbox drop ID calls it off";
const DEFECT: &str = "a defect of this program: restore a backup from before, or report it with this line";

type Query = fn() -> Fragment;

/// What is looked for, each with the statement that selects the names of what is wrong as `s`.
pub(super) const CHECKS: &[(Check, Query)] = &[
    (Check::fault("row_without_link", "a row has an id of Stokt's and no link", PULL), row_without_link),
    (
        Check::fault("link_without_row", "a link leads to no row, and no tombstone says why", DEFECT),
        link_without_row,
    ),
    (
        Check::fault(
            "link_of_deleted",
            "a row is here and its link or a tombstone says that it was deleted",
            MEND_OR_RESTORE,
        ),
        buried_alive,
    ),
    (
        Check::fault("link_elsewhere", "a row has another id of Stokt's than its link", MEND_OR_RESTORE),
        link_elsewhere,
    ),
    (Check::fault("link_without_mapping", "a link is not in the audit", DEFECT), link_without_mapping),
    (
        Check::fault(
            "mapping_without_link",
            "the audit knows of a link that is not there and was never undone",
            DEFECT,
        ),
        mapping_without_link,
    ),
    (Check::fault("state", "a climb's state is not what its link says", MEND), state),
    (
        Check::fault("conflict_without_mark", "a conflict is open and its climb does not say so", MEND),
        conflict_without_mark,
    ),
    (
        Check::fault("mark_without_conflict", "a climb is in conflict and no conflict is open", MEND),
        mark_without_conflict,
    ),
    (
        Check::fault("outbox_without_row", "something waits to be sent of a climb that is not there", DROP),
        outbox_without_row,
    ),
    (
        Check::fault("sent_without_link", "a climb was sent to Stokt and never linked", DEFECT),
        sent_without_link,
    ),
    (
        Check::fault("created_again", "a climb that Stokt knows waits to be created there", DROP),
        created_again,
    ),
    (Check::fault("row_not_told", "no follower was told of a row", MEND_OR_ANEW), row_not_told),
    (
        Check::fault("row_told_gone", "followers were told that a row is gone which is here", MEND_OR_ANEW),
        row_told_gone,
    ),
    (
        Check::fault("gone_not_told", "followers were not told that a row is gone", "start copies anew"),
        gone_not_told,
    ),
    (
        Check {
            level: Level::Note,
            ..Check::fault(
                "possible_twins",
                "a climb from here may be at Stokt twice",
                "look at both; if one is too many, delete it at Stokt, and full pulls archive it here",
            )
        },
        possible_twins,
    ),
];

/// Runs one check.
pub(super) fn run(conn: &mut ReadConn<'_>, check: Check, inner: Fragment) -> Result<Finding, StoreError> {
    let statement = named(&inner).selecting::<(Text, BigInt)>();
    let rows: Vec<(String, i64)> = on_backend!(conn, |c| statement.load(c))?;
    let count = rows.first().map_or(0, |(_, count)| u64::try_from(*count).unwrap_or(0));
    Ok(Finding { check, count, named: rows.into_iter().map(|(name, _)| name).collect() })
}

fn row_without_link() -> Fragment {
    each(
        "SELECT '{word} ' || {id} AS s FROM {table} r WHERE r.stokt_id IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM sync_links l WHERE l.entity = '{word}' AND l.local_id = {id})",
    )
}

fn link_without_row() -> Fragment {
    each(
        "SELECT '{word} ' || x.stokt_id AS s FROM (SELECT local_id AS id, stokt_id FROM sync_links \
         WHERE entity = '{word}' AND tombstone_at IS NULL) x \
         WHERE NOT EXISTS (SELECT 1 FROM {table} r WHERE {named_by_x}) AND NOT EXISTS \
         (SELECT 1 FROM tombstones t WHERE t.entity = '{word}' AND t.entity_id = x.id)",
    )
}

fn buried_alive() -> Fragment {
    each(
        "SELECT '{word} ' || x.id AS s FROM (SELECT local_id AS id FROM sync_links \
         WHERE tombstone_at IS NOT NULL AND entity = '{word}' \
         UNION SELECT entity_id FROM tombstones WHERE entity = '{word}') x \
         WHERE EXISTS (SELECT 1 FROM {table} r WHERE {named_by_x})",
    )
}

fn link_elsewhere() -> Fragment {
    each(
        "SELECT '{word} ' || {id} AS s FROM {table} r JOIN sync_links l ON l.entity = '{word}' \
         AND l.local_id = {id} WHERE r.stokt_id IS NULL OR l.stokt_id <> {stokt}",
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
    climbs(
        "SELECT {id} || ': ' || r.sync_state AS s FROM climbs r LEFT JOIN sync_links l \
         ON l.entity = 'climb' AND l.local_id = {id} \
         WHERE r.sync_state NOT IN ('conflict', 'archived') AND r.sync_state <> CASE \
         WHEN r.stokt_id IS NULL THEN 'local' WHEN l.local_rev IS NULL THEN r.sync_state \
         WHEN l.local_rev > l.base_rev THEN 'modified' ELSE 'synced' END",
    )
}

fn conflict_without_mark() -> Fragment {
    climbs(
        "SELECT x.id AS s FROM (SELECT local_id AS id FROM conflicts \
         WHERE entity = 'climb' AND resolved_at IS NULL) x \
         JOIN climbs r ON {named_by_x} WHERE r.sync_state <> 'conflict'",
    )
}

fn mark_without_conflict() -> Fragment {
    climbs(
        "SELECT {id} AS s FROM climbs r WHERE r.sync_state = 'conflict' AND NOT EXISTS \
         (SELECT 1 FROM conflicts k WHERE k.entity = 'climb' AND k.resolved_at IS NULL AND k.local_id = {id})",
    )
}

fn outbox_without_row() -> Fragment {
    let mut sql = Fragment::new("SELECT ");
    uuid_text!(sql, "x.waits");
    sql.append(&climbs(
        " || ' (' || x.action || ')' AS s FROM (SELECT id AS waits, action, local_id AS id FROM outbox \
         WHERE entity = 'climb' AND action <> 'delete' AND state IN ('pending', 'leased')) x \
         WHERE NOT EXISTS (SELECT 1 FROM climbs r WHERE {named_by_x})",
    ));
    sql
}

fn sent_without_link() -> Fragment {
    let mut sql = Fragment::new("SELECT o.local_id AS s FROM outbox o WHERE o.entity = 'climb' ");
    sql.sql("AND o.action = 'create' AND o.state = 'done' AND NOT EXISTS (SELECT 1 FROM id_mappings m ");
    sql.sql("WHERE m.entity = 'climb' AND m.local_id = o.local_id AND m.event = 'linked')");
    sql
}

fn created_again() -> Fragment {
    let mut sql = Fragment::new("SELECT ");
    uuid_text!(sql, "x.waits");
    sql.append(&climbs(
        " AS s FROM (SELECT id AS waits, local_id AS id FROM outbox WHERE entity = 'climb' \
         AND action = 'create' AND state IN ('pending', 'leased')) x \
         JOIN climbs r ON {named_by_x} WHERE r.stokt_id IS NOT NULL",
    ));
    sql
}

fn row_not_told() -> Fragment {
    each(
        "SELECT '{word} ' || {id} AS s FROM {table} r WHERE NOT EXISTS \
         (SELECT 1 FROM change_log g WHERE g.entity = '{word}' AND g.entity_id = {id})",
    )
}

fn row_told_gone() -> Fragment {
    each_followed(
        "SELECT '{word} ' || {id} AS s FROM {table} r WHERE 'deleted' = (SELECT g.kind FROM change_log g \
         WHERE g.entity = '{word}' AND g.entity_id = {id} ORDER BY g.seq DESC LIMIT 1)",
    )
}

fn gone_not_told() -> Fragment {
    each_followed(
        "SELECT '{word} ' || x.id AS s FROM (SELECT g.entity_id AS id FROM change_log g \
         WHERE g.entity = '{word}' AND g.kind <> 'deleted' AND NOT EXISTS (SELECT 1 FROM change_log n \
         WHERE n.entity = g.entity AND n.entity_id = g.entity_id AND n.seq > g.seq)) x \
         WHERE NOT EXISTS (SELECT 1 FROM {table} r WHERE {named_by_x})",
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
