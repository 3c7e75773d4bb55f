//! How imports behave: what is created, updated, left alone, refused and let in later, on both databases.

use crate::support::{
    FACE, FIRST_HOLD, GYM, Raw, account, climb, climbs, codes, counts, extra, face, gym, hold, holds,
    import_board, import_climbs, migrate, notes, open, sid, user, users, wall,
};
use mastoc_domain::import::{Extra, ItemStatus};
use mastoc_domain::sync_state::{Direction, EntityKind};
use mastoc_storage::import::{self, Assumed, ImportContext};
use mastoc_storage::{Viewer, changes, export, mappings, quarantine};
use serde_json::json;

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn records_are_created_then_exist_then_are_really_updated(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(30);
        let first = import_climbs(&store, &records);
        assert_eq!(counts(&first), (30, 0, 0, 0));
        let again = import_climbs(&store, &records);
        assert_eq!(counts(&again), (0, 0, 30, 0));
        for (one, two) in first.items.iter().zip(&again.items) {
            assert!(one.local_id.is_some());
            assert_eq!((&one.local_id, &one.stokt_id), (&two.local_id, &two.stokt_id));
        }
        let mut changed = records.clone();
        changed[3].name = "Renamed".into();
        changed[4].climbed_by += 1;
        changed[5].holds_list = format!("S{FIRST_HOLD} T{}", FIRST_HOLD + 1);
        changed[6].extra = extra(json!({"set": {"brandNew": true}}));
        let updated = import_climbs(&store, &changed);
        assert_eq!(counts(&updated), (0, 4, 26, 0));
        let stored = store.read(|conn| export::climbs(conn, sid(GYM), None)).unwrap();
        assert_eq!(stored, changed);
        let mut raw = Raw::open(url);
        let uses = raw.texts(
            "SELECT h.role || CAST(h.hold_id AS TEXT) AS v FROM climb_holds h JOIN climbs c ON c.id = h.climb_id
             WHERE c.name LIKE 'Bloc été 5 %' ORDER BY 1",
        );
        assert_eq!(uses, [format!("S{FIRST_HOLD}"), format!("T{}", FIRST_HOLD + 1)]);
        // The content changed once for two of them, and not for those whose counters or extra fields changed.
        assert_eq!(raw.text("SELECT CAST(count(*) AS TEXT) AS v FROM climbs WHERE rev = 2"), "2");
    }

    fn importing_the_same_again_writes_nothing_at_all(url: &str) {
        let store = open(url);
        import_board(&store);
        let ctx = ImportContext { account: Some(account()), ..ImportContext::default() };
        let mut records = climbs(40);
        for record in &mut records {
            record.viewer = extra(json!({"likedByUser": true, "attempts": 2}));
        }
        let import_all = || {
            store.write(|conn| {
                let gyms = import::gyms(conn, &ctx, &[gym()])?;
                let walls = import::walls(conn, &ctx, &[wall()])?;
                let faces = import::faces(conn, &ctx, &[face()])?;
                let holds = import::holds(conn, &ctx, &holds(20))?;
                let users = import::users(conn, &ctx, &users(3))?;
                let climbs = import::climbs(conn, &ctx, &records)?;
                Ok::<_, mastoc_storage::StoreError>([gyms, walls, faces, holds, users, climbs])
            })
        };
        import_all().unwrap();
        let latest = store.read(changes::latest).unwrap();
        let mut raw = Raw::open(url);
        let before = raw.fingerprint();
        for outcome in import_all().unwrap() {
            assert_eq!((outcome.created(), outcome.updated(), outcome.failed()), (0, 0, 0), "{:?}", outcome.kind);
        }
        assert_eq!(raw.fingerprint(), before, "something was written");
        assert_eq!(store.read(changes::latest).unwrap(), latest);
        // And what the fingerprint is made of does notice one changed counter.
        records[0].total_likes += 1;
        import_climbs(&store, &records);
        assert_ne!(raw.fingerprint(), before);
    }

    fn every_created_row_has_its_link_its_mapping_and_its_change(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &climbs(10));
        let mut raw = Raw::open(url);
        let rows = 1 + 1 + 1 + 20 + 3 + 10;
        assert_eq!(raw.count("sync_links"), rows);
        // The face counts its holds and its climbs anew, and each setter theirs.
        assert_eq!(raw.count("change_log"), rows + 2 + 3);
        let mappings = store.read(|conn| mappings::list(conn, 0, 1_000)).unwrap();
        assert_eq!(mappings.len(), rows);
        assert!(mappings.iter().all(|mapping| mapping.direction == Direction::StoktToMastoc));
        let hold = mappings.iter().find(|mapping| mapping.entity == EntityKind::Hold).unwrap();
        assert_eq!(hold.local_id, hold.stokt_id);
        import_climbs(&store, &[climb(0)]);
        assert_eq!(raw.count("id_mappings"), rows);
    }

    fn refused_records_are_kept_aside_and_let_in_later(url: &str) {
        let store = open(url);
        import_board(&store);
        let mut records = climbs(4);
        records[1].holds_list = format!("S{FIRST_HOLD} O{} T{}", FIRST_HOLD + 30, FIRST_HOLD + 1);
        records[2].setter_stokt_id = Some(sid(1_050));
        let outcome = import_climbs(&store, &records);
        assert_eq!(counts(&outcome), (2, 0, 0, 2));
        assert_eq!(codes(&outcome), ["unknown_hold", "unknown_setter"]);
        let ItemStatus::Failed(problem) = &outcome.items[1].status else { panic!() };
        assert!(problem.detail.ends_with(&format!(": {}", FIRST_HOLD + 30)), "{}", problem.detail);
        let aside = store.read(|conn| quarantine::list(conn, 10)).unwrap();
        assert_eq!(aside.len(), 2);
        let kept = aside.iter().find(|q| q.code == "unknown_hold").unwrap();
        assert_eq!(kept.record.as_ref().unwrap()["name"], json!(records[1].name));
        let latest = store.read(changes::latest).unwrap();
        import_climbs(&store, &records);
        assert_eq!(store.read(quarantine::count).unwrap(), 2);
        assert_eq!(store.read(changes::latest).unwrap(), latest);

        store
            .write(|conn| {
                import::holds(conn, &ImportContext::default(), &[hold(30)])?;
                import::users(conn, &ImportContext::default(), &[user(50)])
            })
            .unwrap();
        assert_eq!(counts(&import_climbs(&store, &records)), (2, 0, 2, 0));
        assert_eq!(store.read(quarantine::count).unwrap(), 0);
        assert_eq!(store.read(|conn| export::climbs(conn, sid(GYM), None)).unwrap(), records);
    }

    fn each_kind_of_bad_record_is_refused_with_its_code(url: &str) {
        let store = open(url);
        import_board(&store);
        let mut bad = climbs(9);
        bad[0].face_stokt_id = sid(66);
        bad[1].holds_list = "S400166,T12".into();
        bad[2].name = "a\0b".into();
        bad[3].name = "x".repeat(10_000_000);
        bad[4].grade.ircra = Some(f64::NAN);
        bad[5].holds_list = String::new();
        bad[6].created_at = mastoc_domain::Timestamp::from_utc(chrono::DateTime::<chrono::Utc>::MAX_UTC);
        let mut deep = json!(0);
        for _ in 0..110 {
            deep = json!([deep]);
        }
        bad[7].extra = extra(json!({ "deep": deep }));
        bad[8].extra = extra(json!({ "nul": "a\0b \u{202e} \u{1f9d7}" }));
        let outcome = import_climbs(&store, &bad);
        assert_eq!(
            codes(&outcome),
            [
                "unknown_face",
                "bad_holds_list",
                "bad_text",
                "bad_text",
                "bad_number",
                "bad_holds_list",
                "bad_number",
                "bad_text"
            ]
        );
        // The last one is odd, but can be kept.
        assert_eq!(outcome.created(), 1);
        assert_eq!(store.read(|conn| export::climbs(conn, sid(GYM), None)).unwrap(), bad[8..]);
        assert_eq!(store.read(quarantine::count).unwrap(), 8);

        let other_face = mastoc_domain::import::ImportFace { stokt_id: sid(44), ..face() };
        let ctx = ImportContext::default();
        store.write(|conn| import::faces(conn, &ctx, &[other_face])).unwrap();
        let elsewhere = mastoc_domain::import::ImportClimb { face_stokt_id: sid(44), ..climb(50) };
        assert_eq!(codes(&import_climbs(&store, &[elsewhere])), ["wrong_face"]);

        let refused = store
            .write(|conn| {
                let mut odd = face();
                odd.stokt_id = sid(45);
                odd.wall_stokt_id = Some(sid(66));
                let faces = import::faces(conn, &ctx, &[odd.clone()])?;
                odd.gym_stokt_id = sid(67);
                let gymless = import::faces(conn, &ctx, &[odd])?;
                let walls = import::walls(
                    conn,
                    &ctx,
                    &[mastoc_domain::import::ImportWall { stokt_id: sid(46), gym_stokt_id: sid(67), ..wall() }],
                )?;
                let mut moved = hold(1);
                moved.face_stokt_id = sid(44);
                let moved = import::holds(conn, &ctx, &[moved])?;
                let mut lost = hold(40);
                lost.face_stokt_id = sid(66);
                let lost = import::holds(conn, &ctx, &[lost])?;
                let mut nan = hold(41);
                nan.centroid_y = f64::INFINITY;
                let nan = import::holds(conn, &ctx, &[nan])?;
                Ok::<_, mastoc_storage::StoreError>([faces, gymless, walls, moved, lost, nan])
            })
            .unwrap();
        let refused: Vec<String> = refused.iter().flat_map(codes).collect();
        assert_eq!(
            refused,
            ["unknown_wall", "unknown_gym", "unknown_gym", "wrong_face", "unknown_face", "bad_number"]
        );
    }

    fn odd_lists_are_kept_and_noted(url: &str) {
        let store = open(url);
        import_board(&store);
        let mut odd = climbs(3);
        odd[0].holds_list = format!("O{FIRST_HOLD}");
        odd[1].holds_list = format!("S{FIRST_HOLD} T{FIRST_HOLD} T{FIRST_HOLD}");
        odd[2].mirror_holds_list = "what?".into();
        let outcome = import_climbs(&store, &odd);
        assert_eq!(counts(&outcome), (3, 0, 0, 0));
        assert_eq!(notes(&outcome, 0), ["list_rule", "list_rule", "list_rule"]);
        assert_eq!(notes(&outcome, 1), ["list_rule"]);
        assert_eq!(notes(&outcome, 2), ["list_rule"]);
        assert_eq!(store.read(|conn| export::climbs(conn, sid(GYM), None)).unwrap(), odd);
        let uses = Raw::open(url).count("climb_holds");
        assert_eq!(uses, 1 + 2 + 5);
    }

    fn of_duplicates_in_a_batch_the_last_one_wins(url: &str) {
        let store = open(url);
        import_board(&store);
        let mut batch = climbs(3);
        batch.push(climb(1));
        batch[3].name = "The last word".into();
        let outcome = import_climbs(&store, &batch);
        assert_eq!(counts(&outcome), (3, 0, 1, 0));
        assert_eq!(notes(&outcome, 1), ["superseded"]);
        assert_eq!(outcome.items[1].local_id, outcome.items[3].local_id);
        let stored = store.read(|conn| export::climbs(conn, sid(GYM), None)).unwrap();
        assert_eq!(stored[1].name, "The last word");
        let twice = store
            .write(|conn| import::holds(conn, &ImportContext::default(), &[hold(50), hold(50)]))
            .unwrap();
        assert_eq!(counts(&twice), (1, 0, 1, 0));
    }

    fn local_changes_stay_while_counters_are_refreshed(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &climbs(2));
        let mut raw = Raw::open(url);
        raw.execute("UPDATE climbs SET name = 'Mine', sync_state = 'modified', rev = rev + 1 WHERE name LIKE 'Bloc été 0 %'");
        raw.execute("UPDATE sync_links SET local_rev = local_rev + 1 WHERE entity = 'climb'");
        let before = raw.text("SELECT base_hash AS v FROM sync_links WHERE entity = 'climb' ORDER BY stokt_id LIMIT 1");

        let mut theirs = climb(0);
        theirs.climbed_by = 99;
        let outcome = import_climbs(&store, std::slice::from_ref(&theirs));
        assert_eq!(counts(&outcome), (0, 1, 0, 0));
        theirs.name = "Theirs".into();
        theirs.total_likes = 77;
        let outcome = import_climbs(&store, std::slice::from_ref(&theirs));
        assert_eq!(outcome.items[0].status, ItemStatus::KeptLocal);
        assert_eq!(notes(&outcome, 0), ["local_changes"]);
        let stored = store.read(|conn| export::climbs(conn, sid(GYM), None)).unwrap();
        assert_eq!((stored[0].name.as_str(), stored[0].climbed_by, stored[0].total_likes), ("Mine", 99, 77));
        // The base is what both sides agreed on, so that the synchronisation still sees both changes.
        let after = raw.text("SELECT base_hash AS v FROM sync_links WHERE entity = 'climb' ORDER BY stokt_id LIMIT 1");
        assert_eq!(after, before);
        assert_eq!(raw.text("SELECT sync_state AS v FROM climbs WHERE name = 'Mine'"), "modified");

        let fingerprint = raw.fingerprint();
        let again = import_climbs(&store, std::slice::from_ref(&theirs));
        assert_eq!(again.items[0].status, ItemStatus::KeptLocal);
        assert_eq!(raw.fingerprint(), fingerprint);
        // Once the local change is settled, the same record is written.
        raw.execute("UPDATE climbs SET sync_state = 'synced' WHERE name = 'Mine'");
        raw.execute("UPDATE sync_links SET base_rev = local_rev");
        assert_eq!(counts(&import_climbs(&store, std::slice::from_ref(&theirs))), (0, 1, 0, 0));
        assert_eq!(store.read(|conn| export::climbs(conn, sid(GYM), None)).unwrap()[0], theirs);
    }

    fn deleted_rows_are_not_brought_back(url: &str) {
        let store = open(url);
        import_board(&store);
        let first = import_climbs(&store, &climbs(2));
        let mut raw = Raw::open(url);
        let (local, stokt) = (first.items[0].local_id.clone().unwrap(), &first.items[0].stokt_id);
        let at = raw.text("SELECT CAST(updated_at AS TEXT) AS v FROM climbs LIMIT 1");
        raw.execute("DELETE FROM climbs WHERE name LIKE 'Bloc été 0 %'");
        raw.execute(&format!(
            "INSERT INTO tombstones (entity, entity_id, stokt_id, reason, deleted_at)
             VALUES ('climb', '{local}', '{stokt}', 'deleted', '{at}')"
        ));
        let mut records = climbs(2);
        records[0].name = "Back?".into();
        let outcome = import_climbs(&store, &records);
        assert_eq!(counts(&outcome), (0, 0, 2, 0));
        assert_eq!(notes(&outcome, 0), ["deleted_here"]);
        assert_eq!(raw.count("climbs"), 1);
        // A tombstone on the link alone holds as well.
        raw.execute("DELETE FROM tombstones");
        raw.execute(&format!("UPDATE sync_links SET tombstone_at = '{at}' WHERE stokt_id = '{stokt}'"));
        assert_eq!(notes(&import_climbs(&store, &records), 0), ["deleted_here"]);
        assert_eq!(raw.count("climbs"), 1);
    }

    fn an_archived_climb_that_is_back_is_synced_again(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &climbs(1));
        let mut raw = Raw::open(url);
        raw.execute("UPDATE climbs SET sync_state = 'archived'");
        assert_eq!(counts(&import_climbs(&store, &climbs(1))), (0, 1, 0, 0));
        assert_eq!(raw.text("SELECT sync_state AS v FROM climbs"), "synced");
    }

    fn what_speaks_of_the_viewer_is_kept_apart(url: &str) {
        let store = open(url);
        import_board(&store);
        let mut record = climb(0);
        record.viewer = extra(json!({"likedByUser": true}));
        let import_for = |account, record: &mastoc_domain::import::ImportClimb| {
            let ctx = ImportContext { account, ..ImportContext::default() };
            store.write(|conn| import::climbs(conn, &ctx, std::slice::from_ref(record))).unwrap()
        };
        assert_eq!(import_for(Some(account()), &record).created(), 1);
        let latest = store.read(changes::latest).unwrap();
        let other = mastoc_domain::import::ImportClimb {
            viewer: extra(json!({"likedByUser": false, "attempts": 3})),
            ..record.clone()
        };
        assert_eq!(counts(&import_for(Some(sid(998)), &other)), (0, 0, 1, 0));
        assert_eq!(counts(&import_for(None, &other)), (0, 0, 1, 0));
        let read = |account| store.read(|conn| export::climbs(conn, sid(GYM), account)).unwrap().remove(0).viewer;
        assert_eq!(read(Some(account())), record.viewer);
        assert_eq!(read(Some(sid(998))), other.viewer);
        assert_eq!(read(None), Extra::new());
        assert_eq!(store.read(changes::latest).unwrap(), latest);
    }

    fn only_what_the_public_can_see_is_logged_for_it(url: &str) {
        let store = open(url);
        import_board(&store);
        let latest = store.read(changes::latest).unwrap();
        // Each time the climb is told of, and the face and the setter, who count it.
        let log = |public| store.read(|conn| changes::since(conn, latest, 100, public)).unwrap().len();
        let mut record = climb(0);
        record.is_private = true;
        import_climbs(&store, std::slice::from_ref(&record));
        assert_eq!((log(Viewer::Public), log(Viewer::Service)), (0, 3));
        record.is_private = false;
        import_climbs(&store, std::slice::from_ref(&record));
        assert_eq!((log(Viewer::Public), log(Viewer::Service)), (3, 6));
        // Going private is news to the public: the climb is to be forgotten.
        record.is_private = true;
        import_climbs(&store, std::slice::from_ref(&record));
        assert_eq!((log(Viewer::Public), log(Viewer::Service)), (6, 9));
    }

    fn a_dry_run_decides_alike_and_writes_nothing(url: &str) {
        let store = open(url);
        let mut raw = Raw::open(url);
        let before = raw.fingerprint();
        let mut assumed = Assumed::default();
        assumed.gyms.insert(sid(GYM));
        assumed.walls.insert(wall().stokt_id);
        assumed.faces.insert(sid(FACE));
        assumed.users.extend(users(3).iter().map(|user| user.stokt_id));
        assumed.holds.extend(holds(20).iter().map(|hold| (hold.stokt_id, hold.face_stokt_id)));
        let ctx = ImportContext { dry: Some(&assumed), ..ImportContext::default() };
        let mut records = climbs(5);
        records[4].holds_list = "S1 T2".into();
        let outcomes = store
            .write(|conn| {
                Ok::<_, mastoc_storage::StoreError>([
                    import::gyms(conn, &ctx, &[gym()])?,
                    import::walls(conn, &ctx, &[wall()])?,
                    import::faces(conn, &ctx, &[face()])?,
                    import::holds(conn, &ctx, &holds(20))?,
                    import::users(conn, &ctx, &users(3))?,
                    import::climbs(conn, &ctx, &records)?,
                ])
            })
            .unwrap();
        let created: Vec<usize> = outcomes.iter().map(|outcome| outcome.created()).collect();
        assert_eq!(created, [1, 1, 1, 20, 3, 4]);
        assert_eq!(codes(&outcomes[5]), ["unknown_hold"]);
        assert_eq!(raw.fingerprint(), before);
        import_board(&store);
        let really = import_climbs(&store, &records);
        assert_eq!(counts(&really), counts(&outcomes[5]));
        let nothing = Assumed::default();
        let ctx = ImportContext { dry: Some(&nothing), ..ImportContext::default() };
        let planned = store.write(|conn| import::climbs(conn, &ctx, &records)).unwrap();
        assert_eq!(counts(&planned), (0, 0, 4, 1));
        let planned = store.write(|conn| import::climbs(conn, &ctx, &climbs(6))).unwrap();
        assert_eq!(counts(&planned), (2, 0, 4, 0));
    }
}
