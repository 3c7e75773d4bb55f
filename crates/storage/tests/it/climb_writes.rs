//! Written climbs and what is kept beside them: links, tombstones, history, and the import that comes after.

use std::collections::HashMap;

use crate::support::{Raw, climbs, counts, import_board, import_climbs, migrate, open};
use mastoc_domain::climb_edit::{ClimbContent, ClimbDraft, HoldFit};
use mastoc_domain::sync_state::{EntityKind, SyncState};
use mastoc_domain::{ClimbId, HoldId, StoktId, Timestamp};
use mastoc_storage::climb_edits::{self, Author};
use mastoc_storage::climb_writes::{self, Standing};
use mastoc_storage::{Store, StoreError, Viewer, climbs as reading, links};
use serde_json::Value;

fn key() -> Author {
    Author::Key("a key".into())
}

/// Our id of an imported climb.
fn id_of(store: &Store, stokt_id: StoktId) -> ClimbId {
    store.read(|conn| reading::by_stokt_id(conn, Viewer::Service, stokt_id)).unwrap().unwrap().id
}

fn edit(store: &Store, id: ClimbId, change: impl Fn(&Standing) -> ClimbContent) -> bool {
    let work = store.write(|conn| {
        let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
        let content = change(&climb);
        climb_writes::update(conn, &key(), &climb, &content)
    });
    work.unwrap()
}

fn renamed(climb: &Standing) -> ClimbContent {
    ClimbContent { name: format!("{}'", climb.content.name), ..climb.content.clone() }
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn an_edit_counts_as_a_local_change_and_survives_imports(url: &str) {
        let store = open(url);
        import_board(&store);
        let mut records = climbs(3);
        import_climbs(&store, &records);
        let stokt_id = records[1].stokt_id;
        let id = id_of(&store, stokt_id);
        let link = || {
            let text = stokt_id.to_string();
            store.read(|conn| links::load(conn, EntityKind::Climb, std::slice::from_ref(&text))).unwrap().remove(&text).unwrap()
        };
        assert_eq!((link().local_rev, link().base_rev), (0, 0));
        assert!(!edit(&store, id, |climb| climb.content.clone()), "the same content is no edit");
        assert_eq!(link().local_rev, 0);
        for count in 1..=2 {
            assert!(edit(&store, id, renamed));
            assert_eq!((link().local_rev, link().base_rev), (count, 0));
        }
        let climb = store.read(|conn| reading::by_id(conn, Viewer::Service, id)).unwrap().unwrap();
        assert_eq!((climb.sync_state, climb.name.ends_with("''")), (SyncState::Modified, true));
        let rev = Raw::open(url).text("SELECT CAST(max(rev) AS TEXT) AS v FROM climbs");
        assert_eq!(rev, "3");

        records[1].name = "Changed there too".into();
        records[1].total_likes += 5;
        import_climbs(&store, &records);
        let kept = store.read(|conn| reading::by_id(conn, Viewer::Service, id)).unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.total_likes), (climb.name.as_str(), records[1].total_likes));
        assert_eq!(kept.sync_state, SyncState::Modified);
    }

    fn a_deletion_leaves_everything_to_tell_by(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(3);
        import_climbs(&store, &records);
        let stokt_id = records[0].stokt_id;
        let id = id_of(&store, stokt_id);
        let before = store.read(|conn| reading::by_id(conn, Viewer::Service, id)).unwrap().unwrap();
        store
            .write(|conn| {
                let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
                climb_writes::delete(conn, &key(), &climb)
            })
            .unwrap();
        let mut raw = Raw::open(url);
        assert_eq!(raw.count("climbs"), 2);
        assert_eq!(raw.count("climb_holds WHERE NOT EXISTS (SELECT 1 FROM climbs WHERE climbs.id = climb_id)"), 0);
        let row: Value = serde_json::from_str(&raw.text("SELECT CAST(row AS TEXT) AS v FROM tombstones")).unwrap();
        assert_eq!((row["name"].clone(), row["holds_list"].clone()), (before.name.into(), before.holds_list.into()));
        assert_eq!(row["stokt_id"], stokt_id.to_string());
        let text = stokt_id.to_string();
        let link = store.read(|conn| links::load(conn, EntityKind::Climb, std::slice::from_ref(&text))).unwrap().remove(&text).unwrap();
        assert!(link.is_deleted, "the next synchronisation is told");
        assert_eq!(counts(&import_climbs(&store, &records)).0, 0);
        assert_eq!(raw.count("climbs"), 2);
        let told = store.read(|conn| climb_edits::page(conn, Viewer::Public, id, 0, 10)).unwrap();
        assert_eq!((told.len(), told[0].by_key, told[0].changes[0].after.clone()), (1, true, Value::Null));
        assert!(store.read(|conn| climb_edits::was_deleted(conn, id)).unwrap());
    }

    fn a_failed_write_leaves_nothing(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(2);
        import_climbs(&store, &records);
        let id = id_of(&store, records[0].stokt_id);
        let before = store.read(|conn| reading::by_id(conn, Viewer::Service, id)).unwrap();
        let failed: Result<(), StoreError> = store.write(|conn| {
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            climb_writes::update(conn, &key(), &climb, &renamed(&climb))?;
            climb_writes::delete(conn, &key(), &climb)?;
            Err(StoreError::Invalid("on purpose".into()))
        });
        assert!(failed.is_err());
        assert_eq!(store.read(|conn| reading::by_id(conn, Viewer::Service, id)).unwrap(), before);
        let mut raw = Raw::open(url);
        assert_eq!((raw.count("climb_edits"), raw.count("tombstones")), (0, 0));
    }

    fn a_climb_uses_the_holds_of_its_own_version_of_the_face(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(1);
        import_climbs(&store, &records);
        let climb = store.read(|conn| reading::by_stokt_id(conn, Viewer::Service, records[0].stokt_id)).unwrap().unwrap();
        let used = ClimbDraft { holds_list: Some(climb.holds_list.clone()), ..ClimbDraft::default() }.holds();
        let fits = |version: i32| -> HashMap<HoldId, HoldFit> {
            store.read(|conn| climb_writes::holds_on(conn, climb.face_id, version, &used)).unwrap()
        };
        assert_eq!(fits(climb.face_version).len(), used.len());
        assert!(fits(climb.face_version).values().all(|fit| *fit == HoldFit::Fits));
        assert!(fits(99).is_empty());
        let retired = format!("UPDATE holds SET retired_at = created_at WHERE id = {}", used[0]);
        Raw::open(url).execute(&retired);
        assert_eq!(fits(climb.face_version)[&used[0]], HoldFit::Retired);
        assert_eq!(store.read(|conn| climb_writes::current_version(conn, mastoc_domain::FaceId::generate())).unwrap(), None);
    }

    fn five_thousand_dates_are_corrected_in_as_many_statements_as_two(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(5_000);
        import_climbs(&store, &records);
        let correct = |count: usize, day: &str| {
            let date = Timestamp::parse(day).unwrap();
            let dates: Vec<(StoktId, Timestamp)> = records.iter().take(count).map(|record| (record.stokt_id, date)).collect();
            let before = store.statements();
            let known = store.write(|conn| climb_writes::correct_dates(conn, &key(), &dates)).unwrap();
            assert_eq!(known.len(), count);
            store.statements() - before
        };
        let (few, again, many) = (correct(2, "2020-01-01T00:00:00Z"), correct(2, "2020-01-01T00:00:00Z"), correct(5_000, "2020-01-02T00:00:00Z"));
        println!("{few} statements for 2 dates, {again} for the same again, {many} for 5,000");
        // The databases' limits cut what is inserted.
        assert!(again < few && many <= few + 5, "{few} {again} {many}");
        let oldest = Raw::open(url).text("SELECT CAST(count(DISTINCT created_at) AS TEXT) AS v FROM climbs");
        assert_eq!(oldest, "1");
    }
}
