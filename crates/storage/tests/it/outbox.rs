//! The outbox: each step of sending something to Stokt, and who may take it.

use std::collections::BTreeSet;

use crate::support::{Raw, account, climb, import_board, import_climbs, migrate, open, sid};
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::climb_edit::ClimbContent;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::{EntityKind, SyncState};
use mastoc_domain::{ClimbId, StoktId, Timestamp};
use mastoc_storage::climb_edits::Author;
use mastoc_storage::import::ImportContext;
use mastoc_storage::outbox::{self, Claim, Created, Entry, Lease, Leased};
use mastoc_storage::{RunLock, Store, StoreError, Viewer, climb_writes, climbs as reading, faces};
use serde_json::json;

/// Seconds after a moment on which the tests agree.
fn at(seconds: u32) -> Timestamp {
    Timestamp::parse(&format!("2026-05-01T10:{:02}:{:02}Z", seconds / 60, seconds % 60)).unwrap()
}

fn key() -> Author {
    Author::Key("a key".into())
}

/// A climb made here, and the store it is in.
fn world(url: &str) -> (Store, ClimbId) {
    let store = open(url);
    import_board(&store);
    let id = made_here(&store, "Made here");
    (store, id)
}

fn made_here(store: &Store, name: &str) -> ClimbId {
    let record = climb(3);
    let made: Result<_, StoreError> = store.write(|conn| {
        let face = faces::by_stokt_id(conn, Viewer::Service, record.face_stokt_id)?.unwrap().id;
        let content = ClimbContent {
            name: name.into(),
            holds_list: record.holds_list.clone(),
            grade: record.grade.clone(),
            feet_rule: record.feet_rule.clone(),
            description: None,
            is_private: false,
        };
        climb_writes::create(conn, &key(), face, 1, &content)
    });
    made.unwrap()
}

fn base(name: &str) -> CanonicalClimb {
    let record = climb(3);
    CanonicalClimb::new(name, &record.holds_list, record.feet_rule.as_deref(), false, false, "", "", "", "")
}

fn claim(id: ClimbId, fingerprint: &str) -> Claim {
    Claim {
        entity: EntityKind::Climb,
        local_id: id.to_string(),
        action: OutboxAction::Create,
        stokt_id: None,
        account: account(),
        payload: json!({"name": "Made here"}),
        fingerprint: fingerprint.into(),
        local_rev: 1,
    }
}

const FREE: ImportContext<'static> = ImportContext { run: None, account: None, fence: None, dry: None };

fn put_in(store: &Store, claims: &[Claim]) -> Vec<Entry> {
    store.write(|conn| outbox::claim(conn, &FREE, claims)).unwrap()
}

fn lease(store: &Store, entry: &Entry, known: &[StoktId]) -> Leased {
    let known: BTreeSet<StoktId> = known.iter().copied().collect();
    store.write(|conn| outbox::lease(conn, &FREE, entry, &known, at(300))).unwrap()
}

fn leased(store: &Store, entry: &Entry) -> Lease {
    match lease(store, entry, &[]) {
        Leased::Yes(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn send(store: &Store, lease: Lease) {
    store.write(|conn| outbox::sent(conn, &FREE, lease, at(10))).unwrap();
}

fn row(store: &Store, entry: &Entry) -> Entry {
    store.read(|conn| outbox::by_id(conn, entry.id)).unwrap().unwrap()
}

fn is_fenced<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Fenced))
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_climb_is_sent_and_linked_once(url: &str) {
        let (store, id) = world(url);
        let entry = put_in(&store, &[claim(id, "f")]).remove(0);
        assert_eq!((entry.state, entry.attempts, entry.local_rev), (OutboxState::Pending, 0, 1));
        let Leased::Yes(mine) = lease(&store, &entry, &[sid(7)]) else { panic!() };
        send(&store, mine);
        let on_its_way = row(&store, &entry);
        assert_eq!((on_its_way.state, on_its_way.attempts, on_its_way.sent_at), (OutboxState::Sent, 1, Some(at(10))));
        assert_eq!(on_its_way.known_twins, BTreeSet::from([sid(7)]));
        let before = store.read(mastoc_storage::changes::latest).unwrap();
        let created = store.write(|conn| outbox::created(conn, &FREE, mine, id, sid(50), &base("Made here"), 1)).unwrap();
        assert_eq!(created, Created::Linked);
        let climb = store.read(|conn| reading::by_id(conn, Viewer::Service, id)).unwrap().unwrap();
        assert_eq!((climb.stokt_id, climb.sync_state), (Some(sid(50)), SyncState::Synced));
        assert!(store.read(mastoc_storage::changes::latest).unwrap() > before, "followers are told");
        let over = row(&store, &entry);
        assert_eq!((over.state, over.stokt_id), (OutboxState::Done, Some(sid(50))));
        let mut raw = Raw::open(url);
        assert_eq!(raw.count("id_mappings WHERE entity = 'climb' AND direction = 'mastoc_to_stokt'"), 1);
        assert_eq!(raw.count("sync_links WHERE entity = 'climb' AND local_rev = 1 AND base_rev = 1"), 1);
        assert_eq!(raw.count("climb_edits WHERE api_key = 'synchronisation'"), 1);
        let again = store.write(|conn| outbox::created(conn, &FREE, mine, id, sid(50), &base("Made here"), 1));
        assert!(is_fenced(&again), "{again:?}");
    }

    fn an_edit_while_it_is_sent_stays_to_be_sent(url: &str) {
        let (store, id) = world(url);
        let entry = put_in(&store, &[claim(id, "f")]).remove(0);
        let mine = leased(&store, &entry);
        send(&store, mine);
        let edited: Result<_, StoreError> = store.write(|conn| {
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            let content = ClimbContent { name: "Renamed".into(), ..climb.content.clone() };
            climb_writes::update(conn, &key(), &climb, &content)
        });
        assert!(edited.unwrap());
        store.write(|conn| outbox::created(conn, &FREE, mine, id, sid(50), &base("Made here"), 1)).unwrap();
        let climb = store.read(|conn| reading::by_id(conn, Viewer::Service, id)).unwrap().unwrap();
        assert_eq!((climb.name.as_str(), climb.sync_state), ("Renamed", SyncState::Modified));
        assert_eq!(Raw::open(url).count("sync_links WHERE entity = 'climb' AND local_rev = 2 AND base_rev = 1"), 1);
    }

    fn a_climb_deleted_while_it_is_sent_stays_deleted(url: &str) {
        let (store, id) = world(url);
        let entry = put_in(&store, &[claim(id, "f")]).remove(0);
        let mine = leased(&store, &entry);
        send(&store, mine);
        let edited: Result<_, StoreError> = store.write(|conn| {
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            climb_writes::delete(conn, &key(), &climb)
        });
        edited.unwrap();
        let created = store.write(|conn| outbox::created(conn, &FREE, mine, id, sid(50), &base("Made here"), 1)).unwrap();
        assert_eq!(created, Created::Deleted);
        let mut theirs = climb(3);
        theirs.stokt_id = sid(50);
        import_climbs(&store, &[theirs]);
        let mut raw = Raw::open(url);
        assert_eq!(raw.count("climbs"), 0, "no import brings it back");
        assert_eq!(raw.count("sync_links WHERE entity = 'climb' AND tombstone_at IS NOT NULL"), 1);
        assert_eq!(row(&store, &entry).payload, json!({}));
    }

    fn a_worker_that_was_overtaken_changes_nothing(url: &str) {
        let (store, id) = world(url);
        let entry = put_in(&store, &[claim(id, "f")]).remove(0);
        let old = leased(&store, &entry);
        store.write(|conn| outbox::requeue(conn, &FREE, &[entry.id], "never sent")).unwrap();
        assert!(is_fenced(&store.write(|conn| outbox::sent(conn, &FREE, old, at(10)))));
        let new = leased(&store, &entry);
        send(&store, new);
        for late in [
            store.write(|conn| outbox::sent(conn, &FREE, old, at(10))).map(drop),
            store.write(|conn| outbox::back(conn, &FREE, old, "late", None)),
            store.write(|conn| outbox::rejected(conn, &FREE, old, "late")),
            store.write(|conn| outbox::unknown(conn, &FREE, old, "late")),
            store.write(|conn| outbox::done(conn, &FREE, old)),
            store.write(|conn| outbox::created(conn, &FREE, old, id, sid(50), &base("x"), 1)).map(|_| ()),
        ] {
            assert!(is_fenced(&late), "{late:?}");
        }
        assert_eq!(row(&store, &entry).state, OutboxState::Sent);
        let climb = store.read(|conn| reading::by_id(conn, Viewer::Service, id)).unwrap().unwrap();
        assert_eq!((climb.stokt_id, climb.sync_state), (None, SyncState::Local));
        assert_eq!(Raw::open(url).count("sync_links WHERE entity = 'climb'"), 0);
        // Taking over what was sent shuts its worker out as well.
        let taken = store.write(|conn| outbox::take_over(conn, &FREE, &row(&store, &entry))).unwrap();
        assert!(is_fenced(&store.write(|conn| outbox::done(conn, &FREE, new))));
        store.write(|conn| outbox::done(conn, &FREE, taken)).unwrap();
    }

    fn a_lease_that_is_over_sends_nothing(url: &str) {
        let (store, id) = world(url);
        let entry = put_in(&store, &[claim(id, "f")]).remove(0);
        let late = leased(&store, &entry);
        assert!(is_fenced(&store.write(|conn| outbox::sent(conn, &FREE, late, at(300)))));
        assert_eq!(row(&store, &entry).state, OutboxState::Leased);
    }

    fn a_run_that_lost_its_lock_takes_no_step(url: &str) {
        let (store, id) = world(url);
        let old = RunLock::try_acquire(&store, "old").unwrap().unwrap().fence();
        let _new = RunLock::try_acquire(&store, "new").unwrap().unwrap();
        let late = ImportContext { fence: Some(old), ..FREE };
        assert!(is_fenced(&store.write(|conn| outbox::claim(conn, &late, &[claim(id, "f")]))));
        let entry = put_in(&store, &[claim(id, "f")]).remove(0);
        assert!(is_fenced(&store.write(|conn| outbox::lease(conn, &late, &entry, &BTreeSet::new(), at(300)))));
        let mine = leased(&store, &entry);
        assert!(is_fenced(&store.write(|conn| outbox::sent(conn, &late, mine, at(10)))));
        send(&store, mine);
        assert!(is_fenced(&store.write(|conn| outbox::created(conn, &late, mine, id, sid(50), &base("x"), 1))));
        assert!(is_fenced(&store.write(|conn| outbox::unknown(conn, &late, mine, "late"))));
        assert!(is_fenced(&store.write(|conn| outbox::looked(conn, &late, &[entry.id], true))));
        assert!(is_fenced(&store.write(|conn| outbox::requeue(conn, &late, &[entry.id], "late"))));
        assert_eq!(row(&store, &entry).state, OutboxState::Sent);
    }

    fn two_climbs_that_nobody_could_tell_apart_go_one_after_the_other(url: &str) {
        let (store, one) = world(url);
        let two = made_here(&store, "Made here");
        let entries = put_in(&store, &[claim(one, "same"), claim(two, "same")]);
        let first = leased(&store, &entries[0]);
        assert_eq!(lease(&store, &entries[1], &[]), Leased::Waits);
        send(&store, first);
        store.write(|conn| outbox::unknown(conn, &FREE, first, "cut")).unwrap();
        assert_eq!(lease(&store, &entries[1], &[]), Leased::Waits, "it is not known yet what became of the first");
        let awaited = store.read(|conn| outbox::awaited(conn, EntityKind::Climb)).unwrap();
        assert_eq!(awaited.keys().collect::<Vec<_>>(), ["same"]);
        assert!(!awaited["same"].is_held_back);
        let first = store.write(|conn| outbox::take_over(conn, &FREE, &row(&store, &entries[0]))).unwrap();
        store.write(|conn| outbox::created(conn, &FREE, first, one, sid(50), &base("Made here"), 1)).unwrap();
        assert!(matches!(lease(&store, &entries[1], &[sid(50)]), Leased::Yes(_)));
        let forced = Raw::open(url).texts("SELECT state AS v FROM outbox ORDER BY state");
        assert_eq!(forced, ["done", "leased"]);
    }

    fn what_is_on_its_way_is_not_frozen_anew(url: &str) {
        let (store, id) = world(url);
        let entry = put_in(&store, &[claim(id, "f")]).remove(0);
        let newer = Claim { payload: json!({"name": "newer"}), local_rev: 2, ..claim(id, "g") };
        let again = put_in(&store, std::slice::from_ref(&newer)).remove(0);
        assert_eq!((again.id, again.local_rev, again.fingerprint.as_str()), (entry.id, 2, "g"));
        assert_eq!(Raw::open(url).count("outbox"), 1);
        leased(&store, &again);
        assert_eq!(put_in(&store, &[newer]), []);
        assert_eq!(row(&store, &entry).payload, json!({"name": "newer"}));
    }

    fn what_belongs_to_another_climb_is_for_a_person(url: &str) {
        let (store, id) = world(url);
        import_climbs(&store, &[climb(1)]);
        let entry = put_in(&store, &[claim(id, "f")]).remove(0);
        let mine = leased(&store, &entry);
        send(&store, mine);
        let taken = store.write(|conn| outbox::created(conn, &FREE, mine, id, climb(1).stokt_id, &base("x"), 1)).unwrap();
        assert_eq!((taken, row(&store, &entry).state), (Created::Taken, OutboxState::Ambiguous));
    }

    fn rows_are_paged_counted_and_called_off(url: &str) {
        let (store, id) = world(url);
        let ids: Vec<ClimbId> = [id].into_iter().chain((0..4).map(|n| made_here(&store, &format!("Climb {n}")))).collect();
        let claims: Vec<Claim> = ids.iter().map(|id| claim(*id, &id.to_string())).collect();
        let entries = put_in(&store, &claims);
        assert_eq!(entries.iter().map(|entry| entry.local_id.clone()).collect::<Vec<_>>(), ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        let first = store.read(|conn| outbox::page(conn, &[], None, 3)).unwrap();
        let second = store.read(|conn| outbox::page(conn, &[], first.last().map(|entry| entry.id), 3)).unwrap();
        let paged: Vec<_> = first.iter().chain(&second).map(|entry| entry.id).rev().collect();
        assert_eq!(paged, entries.iter().map(|entry| entry.id).collect::<Vec<_>>());
        leased(&store, &entries[0]);
        assert!(!store.write(|conn| outbox::drop_pending(conn, entries[0].id, "no more")).unwrap());
        assert!(store.write(|conn| outbox::drop_pending(conn, entries[1].id, "no more")).unwrap());
        let counts = store.read(outbox::counts).unwrap();
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(OutboxState::Pending, 3), (OutboxState::Leased, 1), (OutboxState::Rejected, 1)]);
        // Claiming many costs as many statements as claiming one.
        let cost = |claims: &[Claim]| {
            let before = store.statements();
            put_in(&store, claims);
            store.statements() - before
        };
        assert_eq!(cost(&claims[2..3]), cost(&claims[2..]));
    }
}
