//! Both sides of linked climbs: what is known of them, and what a synchronisation writes.

use crate::support::{GYM, Raw, climb, climbs, import_board, import_climbs, migrate, open, sid};
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::climb_edit::ClimbContent;
use mastoc_domain::sync_state::{Source, SyncState};
use mastoc_domain::{StoktId, Timestamp};
use mastoc_storage::climb_edits::{self, Author};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::runs::{self, RunDirection, RunMode};
use mastoc_storage::sync_climbs::{self, Known, LinkSummary};
use mastoc_storage::sync_writes::{self, Agreement, Merged};
use mastoc_storage::{RunLock, Store, StoreError, Viewer, changes, climb_writes, climbs as reading};

fn known(store: &Store, id: StoktId) -> Known {
    store.read(|conn| sync_climbs::known(conn, &[id])).unwrap().remove(&id).unwrap()
}

fn page(store: &Store, after: Option<StoktId>, limit: i64) -> Vec<LinkSummary> {
    store.read(|conn| sync_climbs::links_of_gym(conn, sid(GYM), after, limit)).unwrap()
}

fn rename(store: &Store, stokt_id: StoktId, name: &str) {
    store
        .write(|conn| {
            let id = reading::by_stokt_id(conn, Viewer::Service, stokt_id)?.unwrap().id;
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            let content = ClimbContent { name: name.into(), ..climb.content.clone() };
            climb_writes::update(conn, &Author::Key("a key".into()), &climb, &content)
        })
        .unwrap();
}

fn delete(store: &Store, stokt_id: StoktId) {
    store
        .write(|conn| {
            let id = reading::by_stokt_id(conn, Viewer::Service, stokt_id)?.unwrap().id;
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            climb_writes::delete(conn, &Author::Key("a key".into()), &climb)
        })
        .unwrap();
}

fn canonical(name: &str, holds: &str, is_private: bool) -> CanonicalClimb {
    CanonicalClimb::new(name, holds, Some("Pieds des mains"), is_private, true, "c", "a,b", "40", "")
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn an_imported_climb_is_known_with_both_its_sides(url: &str) {
        let store = open(url);
        import_board(&store);
        let record = climb(1);
        import_climbs(&store, std::slice::from_ref(&record));
        let Known { link, climb, conflict, .. } = known(&store, record.stokt_id);
        let side = climb.unwrap();
        assert_eq!(link.base.as_ref(), Some(&side.canonical));
        assert_eq!(link.base_hash.as_deref(), Some(sync_climbs::base_hash(&side.canonical).as_str()));
        assert_eq!(link.observed_hash, sync_climbs::observed_hash(&record).unwrap());
        assert_eq!((link.local_rev, link.base_rev, link.missing_runs, link.missing_since), (0, 0, 0, None));
        assert!(!link.is_deleted && conflict.is_none());
        assert_eq!(link.local_id, side.id.to_string());
        assert_eq!((side.stokt_id, side.face_stokt_id), (Some(record.stokt_id), Some(record.face_stokt_id)));
        assert_eq!(side.setter_stokt_id, record.setter_stokt_id);
        assert_eq!((side.source, side.sync_state, side.rev), (Source::Stokt, SyncState::Synced, 1));
        assert_eq!((side.name.as_str(), side.grade.font.as_deref()), (record.name.as_str(), Some("6A+")));
        assert_eq!(store.read(|conn| sync_climbs::local(conn, &[side.id, side.id])).unwrap(), [side]);
        assert!(store.read(|conn| sync_climbs::known(conn, &[sid(7)])).unwrap().is_empty());
    }

    fn the_short_forms_of_a_gym_come_page_by_page_and_tell_what_is_settled(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(5);
        import_climbs(&store, &records);
        rename(&store, records[1].stokt_id, "other");
        delete(&store, records[3].stokt_id);
        let mut all = Vec::new();
        loop {
            let next = page(&store, all.last().map(|link: &LinkSummary| link.stokt_id), 2);
            if next.is_empty() {
                break;
            }
            assert!(next.len() <= 2);
            all.extend(next);
        }
        let ids: Vec<StoktId> = [0, 1, 2, 4].map(|n| records[n].stokt_id).to_vec();
        assert_eq!(all.iter().map(|link| link.stokt_id).collect::<Vec<_>>(), ids);
        let settled = |link: &LinkSummary| {
            let record = records.iter().find(|record| record.stokt_id == link.stokt_id).unwrap();
            let base = known(&store, link.stokt_id).link.base.unwrap();
            link.is_settled(&sync_climbs::observed_hash(record).unwrap(), &sync_climbs::base_hash(&base))
        };
        assert_eq!(all.iter().map(settled).collect::<Vec<_>>(), [true, false, true, true]);
        assert_eq!(all[1].sync_state, Some(SyncState::Modified));
        let deleted = store.read(|conn| sync_climbs::deleted_of_gym(conn, sid(GYM))).unwrap();
        assert_eq!(deleted.len(), 1);
        assert_eq!((deleted[0].stokt_id, deleted[0].sync_state), (records[3].stokt_id, None));
        assert!(store.read(|conn| sync_climbs::deleted_of_gym(conn, sid(GYM + 1))).unwrap().is_empty());
        assert!(store.read(|conn| sync_climbs::links_of_gym(conn, sid(GYM + 1), None, 9)).unwrap().is_empty());
        let wanted: Vec<StoktId> = records.iter().map(|record| record.stokt_id).collect();
        assert_eq!(store.read(|conn| sync_climbs::summaries(conn, &wanted)).unwrap().len(), 5);
        assert_eq!(store.read(|conn| sync_climbs::linked_in_gym(conn, sid(GYM))).unwrap(), 4);
        let known = known(&store, records[3].stokt_id);
        assert!(known.link.is_deleted && known.climb.is_none() && known.link.base.is_some());
    }

    fn a_merge_gives_a_climb_new_content_with_history_and_echo_and_stays_dirty(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(2);
        import_climbs(&store, &records);
        rename(&store, records[0].stokt_id, "ours");
        let before = [0, 1].map(|n: usize| known(&store, records[n].stokt_id));
        let theirs = canonical(&records[0].name, "S800001 O800002 T800003", false);
        let merged = [canonical("ours", "S800001 O800002 T800003", false), canonical("new", "S800004 T800004", true)];
        let seen = store.read(changes::latest).unwrap();
        store
            .write(|conn| {
                sync_writes::begin(conn, &ImportContext::default())?;
                let climbs: Vec<Merged<'_>> = before
                    .iter()
                    .zip(&merged)
                    .map(|(known, content)| Merged { climb: known.climb.as_ref().unwrap(), content })
                    .collect();
                sync_writes::merge(conn, &climbs)?;
                sync_writes::agree(
                    conn,
                    &[
                        Agreement { known: &before[0], base: &theirs, is_dirty: true },
                        Agreement { known: &before[1], base: &merged[1], is_dirty: false },
                    ],
                )
            })
            .unwrap();
        let after = [0, 1].map(|n: usize| known(&store, records[n].stokt_id));
        for (after, content) in after.iter().zip(&merged) {
            assert_eq!(after.climb.as_ref().unwrap().canonical, *content);
        }
        let states = after.each_ref().map(|known| known.climb.as_ref().unwrap().sync_state);
        assert_eq!(states, [SyncState::Modified, SyncState::Synced]);
        assert_eq!(after[0].link.base.as_ref(), Some(&theirs));
        assert_eq!(after.each_ref().map(|known| known.link.is_dirty()), [true, false]);
        let id = after[0].climb.as_ref().unwrap().id;
        let history = store.read(|conn| climb_edits::page(conn, Viewer::Service, id, 0, 9)).unwrap();
        let fields: Vec<&str> = history[0].changes.iter().map(|change| change.field.as_str()).collect();
        assert!(history[0].by_key && fields.starts_with(&["holds_list", "feet_rule"]), "{fields:?}");
        let told = store.read(|conn| changes::since(conn, seen, 99, Viewer::Public)).unwrap();
        for known in &after {
            let id = known.climb.as_ref().unwrap().id.to_string();
            assert!(told.iter().any(|change| change.entity_id == id), "followers hear of {id}");
        }
        let mut raw = Raw::open(url);
        let holds = raw.texts("SELECT role || CAST(hold_id AS TEXT) AS v FROM climb_holds ORDER BY 1");
        assert_eq!(holds, ["O800002", "S800001", "S800004", "T800003", "T800004"]);
        // The next import finds what was agreed on, and refreshes nothing else.
        let mut record = records[1].clone();
        record.name = "new".into();
        (record.holds_list, record.feet_rule) = ("S800004 T800004".into(), Some("Pieds des mains".into()));
        (record.is_private, record.is_benchmark) = (true, true);
        (record.circuit, record.tags, record.angle) = ("c".into(), "a,b".into(), "40".into());
        import_climbs(&store, &[record]);
        assert_eq!(known(&store, records[1].stokt_id).climb.unwrap().canonical, merged[1]);
    }

    fn absences_are_counted_until_the_climb_is_found_again(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(3);
        import_climbs(&store, &records);
        let ids: Vec<StoktId> = records.iter().map(|record| record.stokt_id).collect();
        let at = |hour: u8| Timestamp::parse(&format!("2025-12-17T{hour:02}:00:00Z")).unwrap();
        let mark = |id: StoktId, at| store.write(|conn| sync_writes::mark_missing(conn, &[id], at)).unwrap();
        mark(ids[0], at(1));
        mark(ids[0], at(9));
        mark(ids[1], at(9));
        let state = |n: usize| {
            let link = known(&store, ids[n]).link;
            (link.missing_runs, link.missing_since)
        };
        assert_eq!([state(0), state(1), state(2)], [(2, Some(at(1))), (1, Some(at(9))), (0, None)]);
        let run = store
            .write(|conn| runs::start(conn, RunDirection::StoktToMastoc, RunMode::Full, "https://x.org/"))
            .unwrap();
        let mut raw = Raw::open(url);
        let seen = "SELECT stokt_id AS v FROM sync_links WHERE entity = 'climb' AND last_seen_run IS NOT NULL";
        // What Stokt does not show to the account was not seen, though it is not missing.
        store.write(|conn| sync_writes::mark_seen(conn, run, sid(GYM), &ids)).unwrap();
        assert!(raw.texts(seen).is_empty());
        store.write(|conn| sync_writes::mark_seen(conn, run, sid(GYM), &ids[..1])).unwrap();
        assert_eq!(raw.texts(seen), [ids[2].to_string()]);
        store.write(|conn| sync_writes::mark_found(conn, &ids[..1])).unwrap();
        assert_eq!([state(0), state(1)], [(0, None), (1, Some(at(9)))]);
        // An import that brings the climb finds it as well.
        let mut record = records[1].clone();
        record.climbed_by += 1;
        import_climbs(&store, &[record]);
        assert_eq!(state(1), (0, None));
    }

    fn a_climb_is_archived_and_comes_back_with_what_was_changed_here(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(2);
        import_climbs(&store, &records);
        rename(&store, records[1].stokt_id, "ours");
        let both = [0, 1].map(|n: usize| known(&store, records[n].stokt_id));
        let seen = store.read(changes::latest).unwrap();
        let sides: Vec<_> = both.iter().map(|known| known.climb.as_ref().unwrap()).collect();
        store.write(|conn| sync_writes::archive(conn, &sides)).unwrap();
        let states = || [0, 1].map(|n: usize| known(&store, records[n].stokt_id).climb.unwrap().sync_state);
        assert_eq!(states(), [SyncState::Archived; 2]);
        assert_eq!(store.read(|conn| changes::since(conn, seen, 9, Viewer::Public)).unwrap().len(), 2);
        // What was changed until then is settled, and what is changed since is not.
        let again = || [0, 1].map(|n: usize| known(&store, records[n].stokt_id));
        assert_eq!(again().map(|known| known.link.is_dirty()), [false, false]);
        let changed = || store.read(|conn| sync_climbs::changed_in_gyms(conn, &[sid(GYM)])).unwrap();
        assert_eq!(changed(), []);
        store.write(|conn| sync_writes::unarchive(conn, &again().each_ref())).unwrap();
        assert_eq!(states(), [SyncState::Synced, SyncState::Modified]);
        assert_eq!(again().map(|known| known.link.is_dirty()), [false, true]);
    }

    fn what_was_changed_here_is_found_by_gym_unless_it_was_deleted(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(5);
        import_climbs(&store, &records);
        let ids: Vec<StoktId> = records.iter().map(|record| record.stokt_id).collect();
        let changed = |gym| store.read(|conn| sync_climbs::changed_in_gyms(conn, &[gym])).unwrap();
        assert_eq!(changed(sid(GYM)), []);
        rename(&store, ids[3], "changed");
        rename(&store, ids[1], "changed, then deleted");
        delete(&store, ids[1]);
        let aside = [0, 2].map(|n: usize| known(&store, ids[n]).climb.unwrap());
        store.write(|conn| sync_writes::archive(conn, &aside.each_ref())).unwrap();
        rename(&store, ids[2], "archived, then changed");
        let mut wanted = vec![ids[2], ids[3]];
        wanted.sort_unstable();
        assert_eq!((changed(sid(GYM)), changed(sid(GYM + 1))), (wanted, vec![]));
    }

    fn what_stokt_shows_of_a_deleted_climb_is_noted(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(3);
        import_climbs(&store, &records);
        let ids: Vec<StoktId> = records.iter().map(|record| record.stokt_id).collect();
        delete(&store, ids[0]);
        let before = known(&store, ids[2]).link;
        let told = [(ids[0], "one".to_owned()), (ids[1], "two".to_owned()), (sid(7), "nobody".to_owned())];
        store.write(|conn| sync_writes::observe(conn, &told)).unwrap();
        store.write(|conn| sync_writes::observe(conn, &[])).unwrap();
        let observed = [0, 1].map(|n: usize| known(&store, ids[n]).link.observed_hash);
        assert_eq!(observed, ["one", "two"]);
        assert_eq!(known(&store, ids[2]).link, before);
    }

    fn the_link_of_a_climb_that_is_gone_on_both_sides_ends_and_nothing_brings_it_back(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(2);
        import_climbs(&store, &records);
        delete(&store, records[0].stokt_id);
        let ids: Vec<StoktId> = records.iter().map(|record| record.stokt_id).collect();
        store.write(|conn| sync_writes::retire_links(conn, &ids)).unwrap();
        assert!(known(&store, ids[1]).link.base.is_some(), "what is here stays linked");
        assert!(store.read(|conn| sync_climbs::deleted_of_gym(conn, sid(GYM))).unwrap().is_empty());
        let gone = known(&store, ids[0]);
        assert!(gone.link.is_deleted && gone.link.base.is_none() && gone.climb.is_none());
        let again = store.write(|conn| import::climbs(conn, &ImportContext::default(), &records[..1])).unwrap();
        assert_eq!((again.created(), again.unchanged()), (0, 1));
    }

    fn a_run_that_lost_its_lock_begins_no_transaction(url: &str) {
        let store = open(url);
        let lock = RunLock::try_acquire(&store, "one").unwrap().unwrap();
        let ctx = ImportContext { fence: Some(lock.fence()), ..ImportContext::default() };
        store.write(|conn| sync_writes::begin(conn, &ctx)).unwrap();
        drop(lock);
        let _other = RunLock::try_acquire(&store, "other").unwrap().unwrap();
        let refused = store.write(|conn| sync_writes::begin(conn, &ctx));
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
    }
}
