//! Conflicts: opened once, told anew, closed, settled either way; and links undone.

use crate::support::{Raw, climb, climbs, counts, import_board, import_climbs, migrate, open};
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::climb_edit::ClimbContent;
use mastoc_domain::conflict::{Settlement, Take};
use mastoc_domain::sync_merge::{ConflictKind, Field};
use mastoc_domain::sync_state::{Direction, LinkEvent, SyncState};
use mastoc_domain::{ClimbId, StoktId};
use mastoc_storage::climb_edits::{self, Author};
use mastoc_storage::conflicts::{self, Conflict, NewConflict, Outcome, Resolved, Which};
use mastoc_storage::import::ImportContext;
use mastoc_storage::sync_climbs::{self, Known};
use mastoc_storage::{
    RunLock, Store, StoreError, Viewer, changes, climb_writes, climbs as reading, mappings, unlinking, verify,
};
use uuid::Uuid;

const FREE: ImportContext<'static> = ImportContext { run: None, account: None, fence: None, dry: None };

fn known(store: &Store, id: StoktId) -> Known {
    store.read(|conn| sync_climbs::known(conn, &[id])).unwrap().remove(&id).unwrap()
}

fn state(store: &Store, id: StoktId) -> SyncState {
    known(store, id).climb.unwrap().sync_state
}

fn edit(store: &Store, id: StoktId, change: impl Fn(&mut ClimbContent)) {
    store
        .write(|conn| {
            let id = reading::by_stokt_id(conn, Viewer::Service, id)?.unwrap().id;
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            let mut content = climb.content.clone();
            change(&mut content);
            climb_writes::update(conn, &Author::Key("a key".into()), &climb, &content)
        })
        .unwrap();
}

fn delete(store: &Store, id: StoktId) {
    store
        .write(|conn| {
            let id = reading::by_stokt_id(conn, Viewer::Service, id)?.unwrap().id;
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            climb_writes::delete(conn, &Author::Key("a key".into()), &climb)
        })
        .unwrap();
}

/// What Stokt has of a climb after somebody changed it there.
fn theirs(store: &Store, id: StoktId, change: impl Fn(&mut CanonicalClimb)) -> CanonicalClimb {
    let mut version = known(store, id).link.base.unwrap();
    change(&mut version);
    version
}

fn about(store: &Store, id: StoktId, kind: ConflictKind, theirs: Option<CanonicalClimb>) -> NewConflict {
    let known = known(store, id);
    NewConflict {
        climb: known.link.local_id.parse().unwrap(),
        stokt_id: id,
        kind,
        fields: if kind == ConflictKind::Fields { vec![Field::Name] } else { Vec::new() },
        base: known.link.base,
        ours: known.climb.map(|climb| climb.canonical),
        theirs,
    }
}

fn open_it(store: &Store, conflict: &NewConflict) -> Uuid {
    store.write(|conn| conflicts::open(conn, &FREE, conflict)).unwrap()
}

fn waiting(store: &Store) -> Vec<Conflict> {
    store.read(|conn| conflicts::list(conn, Which::Open, 0, 100)).unwrap()
}

fn resolve(store: &Store, id: Uuid, take: Take) -> Result<Resolved, StoreError> {
    store.write(|conn| conflicts::resolve(conn, &FREE, id, take))
}

/// A board with three climbs, and the id of the second.
fn world(url: &str) -> (Store, StoktId) {
    let store = open(url);
    import_board(&store);
    let records = climbs(3);
    import_climbs(&store, &records);
    (store, records[1].stokt_id)
}

/// A conflict about the name; beside it the feet rule was changed here, and the tags at Stokt.
fn named(store: &Store, id: StoktId) -> (Uuid, CanonicalClimb) {
    edit(store, id, |content| {
        content.name = "Ours".into();
        content.feet_rule = Some("Pieds des mains".into());
    });
    let theirs = theirs(store, id, |version| {
        version.name = "Theirs".into();
        version.tags = "new".into();
    });
    let conflict = about(store, id, ConflictKind::Fields, Some(theirs.clone()));
    (open_it(store, &conflict), theirs)
}

fn is_whole(store: &Store) {
    let verified = store.snapshot(|conn| verify::verify(conn, &mut |_| {})).unwrap();
    assert_eq!(verified.findings, []);
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_conflict_is_opened_once_and_told_anew(url: &str) {
        let (store, id) = world(url);
        let (first, mut version) = named(&store, id);
        assert_eq!(state(&store, id), SyncState::Conflict);
        assert_eq!(known(&store, id).conflict, Some(first));
        let one = waiting(&store).pop().unwrap();
        assert_eq!((one.id, one.kind, one.name()), (first, ConflictKind::Fields, "Ours"));
        assert_eq!((one.fields.as_slice(), one.theirs.as_ref()), (&[Field::Name][..], Some(&version)));
        assert_eq!((one.settlement, one.settled_at), (None, None));
        is_whole(&store);

        let again = about(&store, id, ConflictKind::Fields, Some(version.clone()));
        let mut raw = Raw::open(url);
        let newest = store.read(changes::latest).unwrap();
        let updated = raw.text("SELECT CAST(updated_at AS TEXT) AS v FROM conflicts");
        assert_eq!(open_it(&store, &again), first);
        assert_eq!(raw.text("SELECT CAST(updated_at AS TEXT) AS v FROM conflicts"), updated, "nothing is news");
        assert_eq!(store.read(changes::latest).unwrap(), newest);

        version.name = "Theirs again".into();
        let anew = about(&store, id, ConflictKind::Fields, Some(version.clone()));
        assert_eq!(open_it(&store, &anew), first);
        let told = waiting(&store);
        assert_eq!((told.len(), told[0].theirs.as_ref()), (1, Some(&version)));
        assert_eq!(told[0].opened_at, one.opened_at);
        assert_eq!(known(&store, id).link.base, one.base, "the base stays");
    }

    fn many_conflicts_take_as_many_statements_as_few(url: &str) {
        let store = open(url);
        import_board(&store);
        let records = climbs(60);
        import_climbs(&store, &records);
        let conflicts: Vec<NewConflict> = records
            .iter()
            .map(|record| {
                edit(&store, record.stokt_id, |content| content.name = "Ours".into());
                let theirs = theirs(&store, record.stokt_id, |version| version.name = "Theirs".into());
                about(&store, record.stokt_id, ConflictKind::Fields, Some(theirs))
            })
            .collect();
        let cost = |of: &[NewConflict]| {
            let before = store.statements();
            let ids = store.write(|conn| conflicts::open_all(conn, &FREE, of)).unwrap();
            assert_eq!(ids.len(), of.len());
            store.statements() - before
        };
        assert_eq!(cost(&conflicts[..3]), cost(&conflicts[3..]));
        assert_eq!(store.read(|conn| conflicts::count(conn, Which::Open)).unwrap(), 60);
        let page = |offset| store.read(|conn| conflicts::list(conn, Which::Open, offset, 20)).unwrap();
        let mut seen: Vec<Uuid> = [0, 20, 40, 60].into_iter().flat_map(page).map(|one| one.id).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 60);
    }

    fn both_sides_may_come_to_agree(url: &str) {
        let (store, id) = world(url);
        let (conflict, _) = named(&store, id);
        let climb = known(&store, id).climb.unwrap().id;
        assert_eq!(store.write(|conn| conflicts::close(conn, &FREE, &[climb])).unwrap(), 1);
        assert_eq!(state(&store, id), SyncState::Modified, "as the link says");
        let closed = store.read(|conn| conflicts::get(conn, conflict)).unwrap().unwrap();
        assert_eq!(closed.settlement, Some(Settlement::Agreed));
        assert_eq!(store.write(|conn| conflicts::close(conn, &FREE, &[climb])).unwrap(), 0);
        let refused = resolve(&store, conflict, Take::Mastoc).unwrap_err().to_string();
        assert!(refused.contains("was settled") && refused.contains("the same"), "{refused}");
        // Another one is another.
        edit(&store, id, |content| content.name = "Once more".into());
        assert_ne!(named(&store, id).0, conflict);
        assert_eq!(store.read(|conn| conflicts::count(conn, Which::All)).unwrap(), 2);
        is_whole(&store);
    }

    fn taking_ours_keeps_what_stokt_alone_changed(url: &str) {
        let (store, id) = world(url);
        let (conflict, theirs) = named(&store, id);
        let done = resolve(&store, conflict, Take::Mastoc).unwrap();
        assert_eq!((done.outcome, done.conflict.settlement), (Outcome::WaitsToBeSent, Some(Settlement::Mastoc)));
        let Known { link, climb, conflict: open, .. } = known(&store, id);
        let climb = climb.unwrap();
        assert_eq!((climb.canonical.name.as_str(), climb.canonical.tags.as_str()), ("Ours", "new"));
        assert_eq!(climb.canonical.feet_rule.as_deref(), Some("Pieds des mains"));
        assert_eq!((link.base.as_ref(), link.is_dirty(), open), (Some(&theirs), true, None));
        assert_eq!(climb.sync_state, SyncState::Modified);
        assert_eq!(waiting(&store), []);
        is_whole(&store);
        let refused = resolve(&store, conflict, Take::Stokt).unwrap_err();
        assert!(matches!(&refused, StoreError::Invalid(why) if why.contains("taking mastoc")), "{refused}");
        assert!(matches!(resolve(&store, Uuid::now_v7(), Take::Stokt), Err(StoreError::NotFound)));
    }

    fn taking_stokts_keeps_what_was_changed_here_alone(url: &str) {
        let (store, id) = world(url);
        let (conflict, theirs) = named(&store, id);
        let done = resolve(&store, conflict, Take::Stokt).unwrap();
        assert_eq!(done.outcome, Outcome::WaitsToBeSent, "the feet rule is ours alone");
        let Known { link, climb, .. } = known(&store, id);
        let climb = climb.unwrap();
        assert_eq!((climb.canonical.name.as_str(), climb.canonical.tags.as_str()), ("Theirs", "new"));
        assert_eq!(climb.canonical.feet_rule.as_deref(), Some("Pieds des mains"));
        assert_eq!((link.base.as_ref(), link.is_dirty()), (Some(&theirs), true));
        let told = store.read(|conn| climb_edits::page(conn, Viewer::Public, climb.id, 0, 10)).unwrap();
        let name = told[0].changes.iter().find(|change| change.field == "name").unwrap();
        assert_eq!((name.before.clone(), name.after.clone()), ("Ours".into(), "Theirs".into()), "nothing is lost");
        is_whole(&store);
    }

    fn taking_stokts_whole_is_in_step_and_follows_the_next_record_to_the_letter(url: &str) {
        let (store, id) = world(url);
        edit(&store, id, |content| content.name = "Ours".into());
        let mut record = climb(1);
        record.name = "Theirs".into();
        let version = theirs(&store, id, |version| version.name = "Theirs".into());
        let conflict = open_it(&store, &about(&store, id, ConflictKind::Fields, Some(version)));
        assert_eq!(resolve(&store, conflict, Take::Stokt).unwrap().outcome, Outcome::InStep);
        assert_eq!((state(&store, id), known(&store, id).link.is_dirty()), (SyncState::Synced, false));
        is_whole(&store);
        assert_eq!(counts(&import_climbs(&store, std::slice::from_ref(&record))), (0, 1, 0, 0));
        assert_eq!(known(&store, id).climb.unwrap().holds_list, record.holds_list);
        assert_eq!(counts(&import_climbs(&store, &[record])), (0, 0, 1, 0), "and rests then");
    }

    fn what_stokt_hides_is_hidden_at_once_and_stays_so(url: &str) {
        let (store, id) = world(url);
        edit(&store, id, |content| content.name = "Ours".into());
        let version = theirs(&store, id, |version| {
            version.name = "Theirs".into();
            version.is_private = true;
        });
        let newest = store.read(changes::latest).unwrap();
        let conflict = open_it(&store, &about(&store, id, ConflictKind::Fields, Some(version)));
        let climb = known(&store, id).climb.unwrap();
        assert!(climb.is_private);
        assert!(store.read(|conn| reading::by_id(conn, Viewer::Public, climb.id)).unwrap().is_none());
        let heard = store.read(|conn| changes::since(conn, newest, 100, Viewer::Public)).unwrap();
        assert!(heard.iter().any(|change| change.entity_id == climb.id.to_string()), "followers hear of it");
        assert_eq!(resolve(&store, conflict, Take::Mastoc).unwrap().outcome, Outcome::WaitsToBeSent);
        let after = known(&store, id).climb.unwrap();
        assert_eq!((after.is_private, after.canonical.name.as_str()), (true, "Ours"));
    }

    fn a_climb_gone_from_stokt_becomes_local_or_archived(url: &str) {
        for take in [Take::Mastoc, Take::Stokt] {
            let (store, id) = if take == Take::Mastoc { world(url) } else { (open(url), climb(2).stokt_id) };
            edit(&store, id, |content| content.name = "Ours".into());
            let ours = known(&store, id).climb.unwrap().id;
            let conflict = open_it(&store, &about(&store, id, ConflictKind::Gone, None));
            let done = resolve(&store, conflict, take).unwrap();
            let climb = store.read(|conn| reading::by_id(conn, Viewer::Service, ours)).unwrap().unwrap();
            assert_eq!(climb.name, "Ours");
            if take == Take::Mastoc {
                assert_eq!((done.outcome, climb.stokt_id, climb.sync_state), (Outcome::Local, None, SyncState::Local));
                assert_eq!(done.conflict.settlement, Some(Settlement::Unlinked));
            } else {
                assert_eq!((done.outcome, climb.sync_state), (Outcome::Archived, SyncState::Archived));
            }
            is_whole(&store);
        }
    }

    fn a_deletion_stands_or_is_undone(url: &str) {
        let (store, id) = world(url);
        let ours = known(&store, id).climb.unwrap();
        let version = theirs(&store, id, |version| version.name = "Theirs".into());
        delete(&store, id);
        let conflict = open_it(&store, &about(&store, id, ConflictKind::Deleted, Some(version.clone())));
        let done = resolve(&store, conflict, Take::Mastoc).unwrap();
        assert_eq!(done.outcome, Outcome::StaysDeleted);
        let Known { link, climb, .. } = known(&store, id);
        assert_eq!((link.base.as_ref(), link.is_deleted, climb), (Some(&version), true, None));
        is_whole(&store);

        let version = theirs(&store, id, |version| version.name = "Theirs again".into());
        let conflict = open_it(&store, &about(&store, id, ConflictKind::Deleted, Some(version.clone())));
        assert_eq!(resolve(&store, conflict, Take::Stokt).unwrap().outcome, Outcome::Restored);
        let Known { link, climb, .. } = known(&store, id);
        let climb = climb.unwrap();
        assert_eq!((climb.id, &climb.canonical), (ours.id, &version), "it is the same climb");
        assert_eq!((climb.setter, climb.grade, climb.created_at), (ours.setter, ours.grade, ours.created_at));
        assert_eq!((climb.sync_state, link.is_deleted, link.is_dirty()), (SyncState::Synced, false, false));
        let mut raw = Raw::open(url);
        assert_eq!(raw.count("tombstones"), 0);
        is_whole(&store);
        // Stokt's record goes on where it was.
        let mut record = crate::support::climb(1);
        record.name = "Theirs again".into();
        assert_eq!(counts(&import_climbs(&store, &[record])), (0, 1, 0, 0));
    }

    fn a_deletion_of_which_nothing_was_kept_is_undone_by_the_next_pull(url: &str) {
        let (store, id) = world(url);
        let version = theirs(&store, id, |version| version.name = "Theirs".into());
        delete(&store, id);
        Raw::open(url).execute("UPDATE tombstones SET row = NULL");
        let conflict = open_it(&store, &about(&store, id, ConflictKind::Deleted, Some(version)));
        assert_eq!(resolve(&store, conflict, Take::Stokt).unwrap().outcome, Outcome::ComesWithThePull);
        is_whole(&store);
        assert_eq!(counts(&import_climbs(&store, &[climb(1)])), (1, 0, 0, 0));
    }

    fn stokts_version_on_holds_that_are_not_here_is_refused_and_changes_nothing(url: &str) {
        let (store, id) = world(url);
        edit(&store, id, |content| content.name = "Ours".into());
        let version = theirs(&store, id, |version| version.holds = "S1 T2".into());
        let conflict = open_it(&store, &about(&store, id, ConflictKind::Fields, Some(version)));
        let refused = resolve(&store, conflict, Take::Stokt).unwrap_err().to_string();
        assert!(refused.contains("1, 2") && refused.contains("full pull"), "{refused}");
        assert_eq!((state(&store, id), waiting(&store).len()), (SyncState::Conflict, 1));
    }

    fn a_run_that_lost_its_lock_opens_closes_and_settles_nothing(url: &str) {
        let (store, id) = world(url);
        let old = RunLock::try_acquire(&store, "old").unwrap().unwrap().fence();
        let _new = RunLock::try_acquire(&store, "new").unwrap().unwrap();
        let late = ImportContext { fence: Some(old), ..FREE };
        let conflict = about(&store, id, ConflictKind::Gone, None);
        let refused = store.write(|conn| conflicts::open(conn, &late, &conflict));
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
        let conflict = open_it(&store, &conflict);
        let refused = store.write(|conn| conflicts::resolve(conn, &late, conflict, Take::Stokt));
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
        let climb: ClimbId = known(&store, id).climb.unwrap().id;
        let refused = store.write(|conn| conflicts::close(conn, &late, &[climb]));
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
        assert_eq!(waiting(&store).len(), 1);
    }

    fn an_unlinked_climb_is_local_and_its_twin_comes_as_another(url: &str) {
        let (store, id) = world(url);
        let (conflict, _) = named(&store, id);
        let ours = known(&store, id).climb.unwrap().id;
        let unlink = || store.write(|conn| unlinking::unlink(conn, &FREE, ours, Direction::MastocToStokt));
        let done = unlink().unwrap();
        assert_eq!((done.climb, done.stokt_id, done.name.as_str()), (ours, id, "Ours"));
        let settled = store.read(|conn| conflicts::get(conn, conflict)).unwrap().unwrap();
        assert_eq!(settled.settlement, Some(Settlement::Unlinked));
        let refused = unlink().unwrap_err().to_string();
        assert!(refused.contains("not linked"), "{refused}");
        let nobody = store.write(|conn| unlinking::unlink(conn, &FREE, ClimbId::generate(), Direction::MastocToStokt));
        assert!(matches!(nobody, Err(StoreError::NotFound)));
        is_whole(&store);

        assert_eq!(counts(&import_climbs(&store, &[climb(1)])), (1, 0, 0, 0));
        let twin = known(&store, id).climb.unwrap().id;
        assert_ne!(twin, ours);
        let lines = store.read(|conn| mappings::list(conn, 0, 1_000)).unwrap();
        let of: Vec<_> = lines
            .into_iter()
            .filter(|line| line.stokt_id == id.to_string())
            .map(|line| (line.event, line.local_id))
            .collect();
        let expected = [
            (LinkEvent::Linked, ours.to_string()),
            (LinkEvent::Unlinked, ours.to_string()),
            (LinkEvent::Linked, twin.to_string()),
        ];
        assert_eq!(of, expected);
        is_whole(&store);
    }
}
