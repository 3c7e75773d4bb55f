//! What verifying finds: nothing on a board that is whole, and each kind of damage by its name.

use crate::support::{Raw, import_board, import_climbs, migrate, open};
use diesel::connection::SimpleConnection as _;
use mastoc_domain::sync_state::SyncState;
use mastoc_domain::{ClimbId, StoktId};
use mastoc_storage::climbs::{self, ClimbFilter, ClimbSort};
use mastoc_storage::import::ImportContext;
use mastoc_storage::mending::Part;
use mastoc_storage::verify::{self, Level, MOST_NAMED, Verified};
use mastoc_storage::{Store, StoreError, Viewer, changes, climb_edits, climb_writes, mending};

fn look(store: &Store) -> Verified {
    store.snapshot(|conn| verify::verify(conn, &mut |_| {})).unwrap()
}

fn codes(verified: &Verified) -> Vec<&'static str> {
    let mut codes: Vec<_> = verified.findings.iter().map(|finding| finding.check.code).collect();
    codes.sort_unstable();
    codes
}

/// Does what no program of ours does.
fn harm(url: &str, sql: &str) {
    match &mut Raw::open(url) {
        Raw::Pg(c) => {
            c.batch_execute(&format!("SET session_replication_role = replica; {sql}; SET session_replication_role = origin"))
        }
        Raw::Sqlite(c) => c.batch_execute(&format!(
            "PRAGMA foreign_keys = OFF; PRAGMA busy_timeout = 10000; DROP TRIGGER IF EXISTS id_mappings_never_go; {sql}"
        )),
    }
    .unwrap();
}

/// Some damage, and what is found then.
const DAMAGES: &[(&str, &[&str])] = &[
    ("DELETE FROM sync_links WHERE entity = 'hold'", &["mapping_without_link", "row_without_link"]),
    ("DELETE FROM climbs", &["gone_not_told", "link_without_row", "reference"]),
    ("UPDATE sync_links SET tombstone_at = updated_at WHERE entity = 'gym'", &["link_of_deleted"]),
    ("UPDATE users SET stokt_id = NULL", &["link_elsewhere"]),
    ("DELETE FROM id_mappings WHERE entity = 'wall'", &["link_without_mapping"]),
    ("UPDATE climbs SET sync_state = 'modified'", &["state"]),
    ("UPDATE climbs SET sync_state = 'conflict'", &["mark_without_conflict"]),
    ("UPDATE sync_links SET base_hash = 'x' WHERE entity = 'climb'", &["base_hash"]),
    ("UPDATE sync_links SET base = NULL WHERE entity = 'climb'", &["no_base"]),
    ("UPDATE climbs SET name = 'Somebody else''s'", &["content", "name_folded"]),
    ("UPDATE climbs SET name_folded = 'nobody''s'", &["name_folded"]),
    ("DELETE FROM climb_holds WHERE climb_id = (SELECT id FROM climbs ORDER BY id LIMIT 1)", &["holds"]),
    ("UPDATE climb_holds SET role = 'F' WHERE role = 'S'", &["holds"]),
    ("UPDATE climbs SET holds_count = 0", &["holds_count"]),
    ("DELETE FROM change_log WHERE entity = 'face'", &["row_not_told"]),
    ("UPDATE change_log SET kind = 'deleted' WHERE entity = 'wall'", &["row_told_gone"]),
    (
        "INSERT INTO conflicts (id, entity, local_id, kind, fields, created_at, updated_at) \
         SELECT @uuid, 'climb', local_id, 'fields', '[]', updated_at, updated_at FROM (@climb) l",
        &["conflict_without_mark"],
    ),
    (
        "INSERT INTO outbox (@outbox) SELECT @uuid, 'climb', '57000000-0000-4000-8000-00000000dead', 'update', 'x', '{}', \
         'f', 0, 'pending', updated_at, updated_at FROM (@climb) l",
        &["outbox_without_row"],
    ),
    (
        "INSERT INTO outbox (@outbox) SELECT @uuid, 'climb', '57000000-0000-4000-8000-00000000dead', 'create', 'x', '{}', \
         'f', 0, 'done', updated_at, updated_at FROM (@climb) l",
        &["sent_without_link"],
    ),
    (
        "INSERT INTO outbox (@outbox) SELECT @uuid, 'climb', local_id, 'create', 'x', '{}', 'f', 0, 'pending', updated_at, \
         updated_at FROM (@climb) l",
        &["created_again"],
    ),
    (
        "UPDATE climbs SET source = 'mastoc', name_folded = 'twin', holds_list = (SELECT min(holds_list) FROM climbs)",
        &["content", "holds", "name_folded", "possible_twins"],
    ),
];

/// Damage to climbs that mending sets right: what is found, and what of the climb it was.
const MENDED: &[(&str, &str, Part)] = &[
    (
        "UPDATE climbs SET stokt_id = @uuid WHERE name = (SELECT min(name) FROM climbs)",
        "link_elsewhere",
        Part::Link,
    ),
    (
        "UPDATE climbs SET stokt_id = NULL WHERE name = (SELECT max(name) FROM climbs)",
        "link_elsewhere",
        Part::Link,
    ),
    (
        "UPDATE sync_links SET tombstone_at = updated_at WHERE entity = 'climb' AND local_id = \
         (SELECT local_id FROM (@climb) l)",
        "link_of_deleted",
        Part::Link,
    ),
    (
        "INSERT INTO tombstones (entity, entity_id, reason, deleted_at) \
         SELECT 'climb', local_id, 'deleted', updated_at FROM (@climb) l",
        "link_of_deleted",
        Part::Link,
    ),
    ("UPDATE climbs SET sync_state = 'modified'", "state", Part::State),
    ("UPDATE climbs SET sync_state = 'conflict'", "mark_without_conflict", Part::State),
    ("UPDATE climbs SET name = 'Somebody else''s'", "content", Part::Content),
    ("UPDATE climbs SET holds_list = (SELECT min(holds_list) FROM climbs)", "content", Part::Content),
    ("UPDATE climbs SET name_folded = 'nobody''s'", "name_folded", Part::Name),
    ("DELETE FROM climb_holds", "holds", Part::Holds),
    ("UPDATE climb_holds SET role = 'F' WHERE role = 'S'", "holds", Part::Holds),
    ("UPDATE climbs SET holds_count = holds_count + 1", "holds_count", Part::Holds),
];

/// What people see of each climb, and how it stands.
fn all(store: &Store) -> Vec<(ClimbId, String, String, SyncState, Option<StoktId>)> {
    let page = |conn: &mut mastoc_storage::ReadConn<'_>| {
        climbs::page(conn, Viewer::Service, &ClimbFilter::default(), ClimbSort::Name, 0, 100)
    };
    let mut all: Vec<_> = store.read(page).unwrap();
    all.sort_by_key(|climb| climb.id);
    all.into_iter()
        .map(|climb| (climb.id, climb.name, climb.holds_list, climb.sync_state, climb.stokt_id))
        .collect()
}

fn mend(store: &Store, climb: ClimbId) -> Result<Vec<Part>, StoreError> {
    store.write(|conn| mending::mend(conn, &ImportContext::default(), climb)).map(|mended| mended.parts)
}

/// Damage as this kind of database writes it.
fn in_dialect(url: &str, sql: &str) -> String {
    let uuid = if url.starts_with("sqlite") { "randomblob(16)" } else { "gen_random_uuid()" };
    sql.replace("@uuid", uuid)
        .replace("@climb", "SELECT * FROM sync_links WHERE entity = 'climb' ORDER BY local_id LIMIT 1")
        .replace(
            "@outbox",
            "id, entity, local_id, action, account, payload, fingerprint, local_rev, state, created_at, updated_at",
        )
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_board_that_is_whole_is_found_so(url: &str) {
        let store = open(url);
        assert_eq!(look(&store).findings, [], "an empty one");
        import_board(&store);
        import_climbs(&store, &crate::support::climbs(40));
        let verified = look(&store);
        assert_eq!(verified.findings, []);
        assert!(verified.checks > 15, "{}", verified.checks);
        let counted = |table: &str| verified.counts.iter().find(|(name, _)| *name == table).unwrap().1;
        assert_eq!((counted("climbs"), counted("holds"), counted("outbox")), (40, 20, 0));
    }

    fn each_damage_is_found_by_its_name(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &crate::support::climbs(30));
        // Each is put right again by what is done backwards: a copy of every table that is harmed.
        const HARMED: [&str; 8] = [
            "sync_links", "id_mappings", "users", "climbs", "change_log", "climb_holds", "conflicts", "outbox",
        ];
        for table in HARMED {
            harm(url, &format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
        }
        for (sql, expected) in DAMAGES {
            harm(url, &in_dialect(url, sql));
            let verified = look(&store);
            assert_eq!(codes(&verified), *expected, "{sql}: {verified:?}");
            for finding in &verified.findings {
                let level = if finding.check.code == "possible_twins" { Level::Note } else { Level::Fault };
                assert_eq!(finding.check.level, level);
                let named = usize::try_from(finding.count).unwrap().min(MOST_NAMED);
                assert_eq!(finding.named.len(), named, "{finding:?}");
                assert!(!finding.check.mend.is_empty() && !finding.check.what.is_empty());
            }
            for table in HARMED {
                let overriding = if url.starts_with("sqlite") { "" } else { "OVERRIDING SYSTEM VALUE" };
                harm(url, &format!("DELETE FROM {table}; INSERT INTO {table} {overriding} SELECT * FROM kept_{table}"));
            }
            assert_eq!(look(&store).findings, [], "after {sql}");
        }
    }

    fn a_database_that_guards_itself_no_more_is_found(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &crate::support::climbs(3));
        let (sql, code) = if url.starts_with("sqlite") {
            ("PRAGMA ignore_check_constraints = ON; DROP TRIGGER id_mappings_never_change; \
              UPDATE id_mappings SET direction = 'sideways' WHERE entity = 'climb'", "file")
        } else {
            ("ALTER TABLE climb_holds DISABLE TRIGGER ALL", "unguarded_reference")
        };
        harm(url, sql);
        let verified = look(&store);
        assert_eq!(codes(&verified), [code]);
        assert!(!verified.findings[0].check.mend.is_empty());
    }

    fn whatever_was_done_to_a_climb_is_mended_as_it_is_told(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &crate::support::climbs(10));
        let before = all(&store);
        for (sql, code, part) in MENDED {
            let sql = in_dialect(url, sql);
            harm(url, &sql);
            let verified = look(&store);
            assert!(codes(&verified).contains(code), "{sql}: {verified:?}");
            for finding in &verified.findings {
                assert!(finding.check.mend.contains("mastoc-sync mend"), "{finding:?}");
                for name in &finding.named {
                    let id = name.strip_prefix("climb ").unwrap_or(name);
                    mend(&store, id.split(':').next().unwrap().parse().unwrap()).unwrap();
                }
            }
            assert_eq!(look(&store).findings, [], "after {sql}");
            assert_eq!(all(&store), before, "after {sql}");
            // Which part it was, and that there is nothing left to mend.
            harm(url, &sql);
            let parts: Vec<Part> = before.iter().flat_map(|climb| mend(&store, climb.0).unwrap()).collect();
            assert!(parts.contains(part), "{sql}: {parts:?}");
            assert!(before.iter().all(|climb| mend(&store, climb.0).unwrap().is_empty()), "{sql}");
        }
    }

    fn mending_loses_nothing_that_somebody_may_have_meant(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &crate::support::climbs(2));
        let id = all(&store)[0].0;
        let history = || {
            let edits = store.read(|conn| climb_edits::page(conn, Viewer::Service, id, 0, 10)).unwrap();
            format!("{edits:?}")
        };
        // It counts as unchanged: what both sides agreed on comes back, and the history tells what it said.
        harm(url, "UPDATE climbs SET name = 'Slipped in', name_folded = 'slipped in'");
        assert_eq!(mend(&store, id).unwrap(), [Part::Content]);
        assert!(history().contains("Slipped in"), "{}", history());
        // It counts as changed: it stays, and waits.
        harm(url, "UPDATE climbs SET name = 'Meant', name_folded = 'meant', sync_state = 'modified'");
        assert_eq!(mend(&store, id).unwrap(), [Part::Link]);
        let now = all(&store).into_iter().find(|climb| climb.0 == id).unwrap();
        assert_eq!((now.1.as_str(), now.3), ("Meant", SyncState::Modified));
        // Nothing is wrong: nothing is written, and nobody is told.
        let told = || store.read(changes::latest).unwrap();
        let before = (told(), all(&store));
        assert!(mend(&store, id).unwrap().is_empty());
        assert_eq!((told(), all(&store)), before);
        // Somebody hid it: that stays, however it counts.
        let other = all(&store).into_iter().find(|climb| climb.0 != id).unwrap().0;
        harm(url, "UPDATE climbs SET is_private = true, sync_state = 'synced'");
        assert_eq!(mend(&store, other).unwrap(), [Part::Link]);
        let known = store.write(|conn| climb_writes::take(conn, Viewer::Service, other)).unwrap().unwrap();
        assert!(known.content.is_private);
        assert_eq!(all(&store).into_iter().find(|climb| climb.0 == other).unwrap().3, SyncState::Modified);
        let nobody = ClimbId(uuid::Uuid::nil());
        assert!(matches!(mend(&store, nobody), Err(StoreError::NotFound)));
    }

    fn looking_takes_as_many_statements_however_much_there_is(url: &str) {
        let store = open(url);
        import_board(&store);
        let cost = || {
            let before = store.statements();
            look(&store);
            store.statements() - before
        };
        import_climbs(&store, &crate::support::climbs(3));
        let few = cost();
        import_climbs(&store, &crate::support::climbs(300));
        assert_eq!(cost(), few);
    }
}
