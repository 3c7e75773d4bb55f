//! The audit of links: a line for each that was made or undone, and none that ever changes.

use crate::support::{Raw, climbs, import_board, import_climbs, migrate, open};
use diesel::prelude::*;

/// Whether the database does what is asked.
fn allows(raw: &mut Raw, sql: &str) -> Result<usize, String> {
    let done = match raw {
        Raw::Pg(c) => diesel::sql_query(sql).execute(c),
        Raw::Sqlite(c) => diesel::sql_query(sql).execute(c),
    };
    done.map_err(|error| error.to_string())
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_line_of_the_audit_neither_changes_nor_goes(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &climbs(2));
        let mut raw = Raw::open(url);
        let lines = raw.count("id_mappings");
        for sql in [
            "UPDATE id_mappings SET local_id = 'x' WHERE entity = 'climb'",
            "DELETE FROM id_mappings WHERE entity = 'climb'",
            "DELETE FROM id_mappings",
        ] {
            let refused = allows(&mut raw, sql).unwrap_err();
            assert!(refused.contains("only added to"), "{sql}: {refused}");
        }
        if !url.starts_with("sqlite") {
            assert!(allows(&mut raw, "TRUNCATE id_mappings").unwrap_err().contains("only added to"));
        }
        assert_eq!(raw.count("id_mappings"), lines);
        assert_eq!(raw.count("id_mappings WHERE local_id = 'x'"), 0);
        // What is allowed: the same link again after it was undone.
        let again = "INSERT INTO id_mappings (entity, local_id, stokt_id, event, direction, created_at) \
                     SELECT entity, local_id, stokt_id, event, direction, created_at FROM id_mappings";
        assert_eq!(allows(&mut raw, again), Ok(lines));
    }
}
