//! Sending and settling against a real stand-in for Stokt, on both databases, without the rest of a run.

mod backups;
mod changes;
mod choice;
mod held;
mod lists;
mod lists_since;
mod meanwhile;
mod outcomes;
mod sweep;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use mastoc_domain::canonical::fingerprint;
use mastoc_domain::climb_edit::ClimbContent;
use mastoc_domain::outbox::OutboxState;
use mastoc_domain::{ClimbId, StoktId};
use mastoc_media::MediaStore;
use mastoc_stokt_client::secrecy::SecretString;
use mastoc_stokt_client::types::Climb as WireClimb;
use mastoc_stokt_client::{Client, MyClimbs, Record};
use mastoc_stokt_sim::Sim;
use mastoc_storage::climb_edits::Author;
use mastoc_storage::outbox::{self, Entry};
use mastoc_storage::runs::RunDirection;
use mastoc_storage::{
    RunLock, Store, StoreError, StoreOptions, Viewer, climb_writes, climbs, faces, sync_climbs,
};
use serde_json::Value;

use super::options::{Selection, SyncOptions};
use super::session::Session;
use super::surroundings::{Clock as _, Points, ShiftedClock, Uncut};
use super::view::{GymView, RemoteClimb, View};
use super::{push, settle};
use crate::convert::{Setters, climb_from_stokt};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::observe::Silent;
use crate::report::Report;
use crate::{ImportOptions, StoreTarget, import};

fn prepare(url: &str) {
    drop(open(url));
}

fn open(url: &str) -> Store {
    let options = StoreOptions { connections: 3, ..StoreOptions::default() };
    Store::open(&url.parse().unwrap(), &options).unwrap()
}

/// A small board at Stokt, imported, and what a run is made of.
struct World {
    sim: Arc<Sim>,
    store: Store,
    clock: ShiftedClock,
    options: SyncOptions,
    account: StoktId,
}

impl World {
    fn new(url: &str) -> Self {
        let sim =
            Sim::builder().seed(11).holds(40).climbs(24).setters(3).picture_size(60, 80).start().unwrap();
        let store = open(url);
        let data = tempfile::tempdir().unwrap();
        let client = client(&sim);
        let account = client.me().unwrap().id.to_string().parse().unwrap();
        let target =
            StoreTarget::open(store.clone(), MediaStore::open(data.path()).unwrap(), "test").unwrap();
        let report = import(&client, &target, &ImportOptions::default(), &Silent);
        assert_eq!(report.exit_code, 0, "{report:?}");
        let options = SyncOptions {
            direction: RunDirection::MastocToStokt,
            selection: Selection::AllLocal,
            unknown_settle: Duration::ZERO,
            ..SyncOptions::default()
        };
        sim.forget_requests();
        Self { sim: Arc::new(sim), store, clock: ShiftedClock::default(), options, account }
    }

    /// A holds list of a start, a few others and a top; another for each number.
    fn holds(&self, number: usize) -> String {
        let face = self.sim.face_ids()[0];
        let holds = self.sim.with_board(|board| board.hold_ids(face));
        let hold = |at: usize| holds[(number + at * 7) % holds.len()];
        format!("S{} O{} O{} T{}", hold(0), hold(1), hold(2), hold(3))
    }

    fn content(&self, name: &str, number: usize) -> ClimbContent {
        ClimbContent {
            name: name.into(),
            holds_list: self.holds(number),
            grade: mastoc_domain::board::ClimbGrade { font: Some("6A+".into()), ..Default::default() },
            feet_rule: Some("Tous pieds".into()),
            description: None,
            is_private: false,
        }
    }

    fn make(&self, content: &ClimbContent) -> ClimbId {
        let face = StoktId(self.sim.face_ids()[0]);
        let made: Result<_, StoreError> = self.store.write(|conn| {
            let face = faces::by_stokt_id(conn, Viewer::Service, face)?.unwrap().id;
            climb_writes::create(conn, &Author::Key("a key".into()), face, 1, content)
        });
        made.unwrap()
    }

    /// A climb made here.
    fn local(&self, name: &str, number: usize) -> ClimbId {
        self.make(&self.content(name, number))
    }

    fn edit(&self, id: ClimbId, change: impl FnOnce(&mut ClimbContent)) {
        edit(&self.store, id, change);
    }

    fn delete(&self, id: ClimbId) {
        let deleted: Result<(), StoreError> = self.store.write(|conn| {
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            climb_writes::delete(conn, &Author::Key("a key".into()), &climb)
        });
        deleted.unwrap();
    }

    fn here(&self, id: ClimbId) -> mastoc_domain::board::Climb {
        self.store.read(|conn| climbs::by_id(conn, Viewer::Service, id)).unwrap().unwrap()
    }

    /// A climb of the account's that was imported.
    fn own(&self) -> mastoc_domain::board::Climb {
        self.owns().remove(0)
    }

    fn owns(&self) -> Vec<mastoc_domain::board::Climb> {
        let mine: BTreeSet<StoktId> =
            read(&client(&self.sim)).mine.iter().map(|climb| climb.stokt_id).collect();
        let here =
            mine.iter().map(|id| self.store.read(|conn| climbs::by_stokt_id(conn, Viewer::Service, *id)));
        here.map(|climb| climb.unwrap().unwrap()).filter(|climb| !climb.is_private).collect()
    }

    /// How many climbs of this name there are at Stokt.
    fn there(&self, name: &str) -> usize {
        self.sim.with_board(|board| board.climbs_named(name).len())
    }

    fn show(&self, id: StoktId) -> Value {
        self.sim.with_board(|board| board.climb(id.0)).unwrap()
    }

    fn rows(&self) -> Vec<Entry> {
        self.store.read(|conn| outbox::page(conn, &[], None, 100)).unwrap()
    }

    fn states(&self) -> Vec<OutboxState> {
        self.rows().iter().map(|row| row.state).rev().collect()
    }

    /// The changing requests that Stokt had, as `POST`, `PATCH` ...
    fn changes(&self) -> Vec<String> {
        let requests = self.sim.requests().into_iter().map(|request| request.method);
        requests.filter(|method| method != "GET").collect()
    }

    /// Settles and sends, as a run does.
    fn try_run(&self, points: &dyn Points) -> Result<Report, EngineError> {
        let client = client(&self.sim);
        // A server frees a lock a moment after its last holder has hung up.
        let patience = Duration::from_secs(20);
        let lock =
            RunLock::acquire(&self.store, "test", patience, &|| false).unwrap().expect("the lock is free");
        let session = Session {
            client: &client,
            store: &self.store,
            media: None,
            options: &self.options,
            clock: &self.clock,
            points,
            observer: &Silent,
            origin: "test",
            account: self.account,
            run: None,
            fence: Some(lock.fence()),
        };
        let began = self.clock.now();
        let Read { mine, twins } = read(&client);
        let gyms = [GymView { gym: StoktId(self.sim.gym_id()), is_complete: true, days: None }];
        let view =
            View { began, gyms: &gyms, mine: &mine, unreadable: &BTreeSet::new(), twins: &twins, held: &[] };
        let held = push::twins::find(&session, &view)?;
        let view = View { held: &held, ..view };
        let mut report = Report::begin("test", "test".into(), false);
        push::plan(&session, &view)?;
        push::twins::settle(&session, &view, &mut report)?;
        settle::settle(&session, &view, &mut report)?;
        push::push(&session, &view, &mut report)?;
        Ok(report)
    }

    fn run(&self) -> Report {
        self.try_run(&Uncut).unwrap()
    }
}

fn edit(store: &Store, id: ClimbId, change: impl FnOnce(&mut ClimbContent)) {
    let edited: Result<bool, StoreError> = store.write(|conn| {
        let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
        let mut content = climb.content.clone();
        change(&mut content);
        climb_writes::update(conn, &Author::Key("a key".into()), &climb, &content)
    });
    assert!(edited.unwrap());
}

fn client(sim: &Sim) -> Client {
    Client::builder(&sim.base_url())
        .token(SecretString::from(sim.token()))
        .backoff(Duration::from_millis(1), Duration::from_millis(5))
        .deadline(Duration::from_secs(5))
        .build()
        .unwrap()
}

struct Read {
    mine: Vec<RemoteClimb>,
    twins: HashMap<String, BTreeSet<StoktId>>,
}

/// What the survey reads of it.
fn read(client: &Client) -> Read {
    let me = client.me().unwrap();
    let account: StoktId = me.id.to_string().parse().unwrap();
    let gym = me.home_gym.as_ref().unwrap().id.to_string();
    let convert = |record: &Record<WireClimb>| {
        let import = climb_from_stokt(record, &mut Setters::new()).unwrap();
        let canonical = sync_climbs::canonical(&import);
        RemoteClimb { stokt_id: import.stokt_id, import, canonical }
    };
    let all = |pages: mastoc_stokt_client::Pages<WireClimb>| -> Vec<RemoteClimb> {
        pages.flat_map(|page| page.unwrap().into_distinct()).map(|record| convert(&record)).collect()
    };
    let mine = all(client.my_climbs(&gym, MyClimbs::Set).unwrap());
    let mut twins: HashMap<String, BTreeSet<StoktId>> = HashMap::new();
    for climb in all(client.climbs(&gym, 9999).unwrap()).iter().chain(&mine) {
        if let Some(setter) = climb.import.setter_stokt_id.filter(|setter| *setter == account) {
            let print =
                fingerprint(climb.import.face_stokt_id, setter, &climb.import.holds_list, &climb.import.name);
            twins.entry(print).or_default().insert(climb.stokt_id);
        }
    }
    Read { mine, twins }
}

/// What was decided, in order.
fn decided(report: &Report) -> Vec<Decided> {
    report.decisions.listed.iter().map(|one| one.decision).collect()
}

fn why(decision: &Decision) -> &str {
    decision.why.as_deref().unwrap_or_default()
}
