//! A synchronisation in process, and how tests look at both sides of it.

use mastoc_domain::climb_edit::ClimbContent;
use mastoc_domain::sync_state::SyncState;
use mastoc_domain::{ClimbId, StoktId};
use mastoc_media::MediaStore;
use mastoc_stokt_client::Client;
use mastoc_stokt_client::secrecy::SecretString;
use mastoc_stokt_sim::{Rule, Sim};
use mastoc_storage::climb_edits::Author;
use mastoc_storage::sync_climbs::{self, Known};
use mastoc_storage::{StoreError, Viewer, climb_writes, climbs as reading, faces};
use mastoc_sync_engine::sync::{Opened, Points, ShiftedClock, SyncOptions, Uncut, sync};
use mastoc_sync_engine::{Decided, Report, Silent};
use serde_json::json;
use uuid::Uuid;

use crate::world::{client, open};

/// A board here, its pictures, and a clock of its own.
pub struct Here<'u> {
    pub url: &'u str,
    pub data: tempfile::TempDir,
    pub clock: ShiftedClock,
}

impl<'u> Here<'u> {
    pub fn new(url: &'u str) -> Self {
        Self { url, data: tempfile::tempdir().unwrap(), clock: ShiftedClock::default() }
    }

    /// Hours pass here and at Stokt.
    pub fn hours(&self, sim: &Sim, hours: i64) {
        self.clock.advance(hours * 3600);
        sim.advance(chrono::TimeDelta::hours(hours));
    }

    pub fn sync(&self, sim: &Sim, options: &SyncOptions) -> Report {
        self.sync_with(sim, options, &Uncut)
    }

    pub fn sync_with(&self, sim: &Sim, options: &SyncOptions, points: &dyn Points) -> Report {
        self.sync_as(&client(sim), options, points)
    }

    pub fn sync_as(&self, client: &Client, options: &SyncOptions, points: &dyn Points) -> Report {
        let opening = || {
            if options.dry_run {
                return Opened::dry_run_on(&self.url.parse().unwrap());
            }
            Opened::over(open(self.url), Some(MediaStore::open(self.data.path()).unwrap()), "test")
        };
        sync(client, opening, options, &self.clock, points, &Silent)
    }

    pub fn known(&self, id: Uuid) -> Known {
        self.try_known(id).unwrap()
    }

    pub fn try_known(&self, id: Uuid) -> Option<Known> {
        let id = StoktId(id);
        open(self.url).read(|conn| sync_climbs::known(conn, &[id])).unwrap().remove(&id)
    }

    pub fn name(&self, id: Uuid) -> String {
        self.known(id).climb.unwrap().name
    }

    pub fn state(&self, id: Uuid) -> SyncState {
        self.known(id).climb.unwrap().sync_state
    }

    /// Somebody edits a climb here.
    pub fn edit(&self, id: Uuid, edit: impl Fn(&mut ClimbContent)) {
        let work = open(self.url).write(|conn| {
            let id = reading::by_stokt_id(conn, Viewer::Service, StoktId(id))?.unwrap().id;
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            let mut content = climb.content.clone();
            edit(&mut content);
            climb_writes::update(conn, &Author::Key("somebody".into()), &climb, &content)
        });
        assert!(work.unwrap(), "the edit changed nothing");
    }

    pub fn rename(&self, id: Uuid, name: &str) {
        self.edit(id, |content| content.name = name.to_owned());
    }

    /// Somebody sets a climb here, of some of the board's holds; others for another number.
    pub fn create(&self, sim: &Sim, name: &str, number: usize) -> ClimbId {
        let face = sim.face_ids()[0];
        let holds = sim.with_board(|board| board.hold_ids(face));
        let hold = |at: usize| holds[(number + at * 7) % holds.len()];
        let content = ClimbContent {
            name: name.into(),
            holds_list: format!("S{} O{} O{} T{}", hold(0), hold(1), hold(2), hold(3)),
            grade: mastoc_domain::board::ClimbGrade { font: Some("6A+".into()), ..Default::default() },
            feet_rule: Some("Tous pieds".into()),
            description: None,
            is_private: false,
        };
        let made: Result<ClimbId, StoreError> = open(self.url).write(|conn| {
            let face = faces::by_stokt_id(conn, Viewer::Service, StoktId(face))?.unwrap().id;
            climb_writes::create(conn, &Author::Key("somebody".into()), face, 1, &content)
        });
        made.unwrap()
    }

    /// Stokt's id of a climb.
    pub fn there(&self, id: ClimbId) -> Option<Uuid> {
        let climb = open(self.url).read(|conn| reading::by_id(conn, Viewer::Service, id)).unwrap().unwrap();
        climb.stokt_id.map(|id| id.0)
    }

    pub fn delete(&self, id: Uuid) {
        let work: Result<(), StoreError> = open(self.url).write(|conn| {
            let id = reading::by_stokt_id(conn, Viewer::Service, StoktId(id))?.unwrap().id;
            let climb = climb_writes::take(conn, Viewer::Service, id)?.unwrap();
            climb_writes::delete(conn, &Author::Key("somebody".into()), &climb)
        });
        work.unwrap();
    }
}

pub fn pull() -> SyncOptions {
    SyncOptions { batch_size: 30, ..SyncOptions::default() }
}

pub fn full() -> SyncOptions {
    SyncOptions { full: true, ..pull() }
}

/// What was decided about climbs: Stokt's id and what.
pub fn decided(report: &Report) -> Vec<(Uuid, Decided)> {
    let climbs = report.decisions.listed.iter().filter(|one| one.kind == "climb");
    climbs.map(|one| (one.stokt_id.parse().unwrap(), one.decision)).collect()
}

/// Somebody edits a climb at Stokt.
pub fn edit_there(sim: &Sim, id: Uuid, field: &str, value: serde_json::Value) {
    assert!(sim.with_board(|board| board.edit_climb(id, |climb| {
        climb.insert(field.to_owned(), value);
    })));
}

/// The paths of what was asked since the last look.
pub fn asked(sim: &Sim) -> Vec<String> {
    let paths = sim.requests().into_iter().map(|request| request.path).collect();
    sim.forget_requests();
    paths
}

/// A client of another account.
pub fn second_account(sim: &Sim) -> Client {
    let (_, token) = sim.add_account("second", "secret", "Second Person");
    let builder = Client::builder(&sim.base_url()).token(SecretString::from(token));
    builder.build().unwrap()
}

/// Private climbs of the account at Stokt.
pub fn private_there(sim: &Sim) -> Vec<Uuid> {
    let is_private =
        |board: &mut mastoc_stokt_sim::Board, id: Uuid| board.climb(id).unwrap()["isPrivate"] == true;
    sim.with_board(|board| board.climb_ids().into_iter().filter(|id| is_private(board, *id)).collect())
}

/// Listings of gyms leave private climbs out, whoever asks.
pub fn hide_private(sim: &Sim) {
    let hide = Rule::rewrite(|page| {
        let count = page["count"].as_u64().unwrap();
        let climbs = page["results"].as_array_mut().unwrap();
        let all = climbs.len();
        climbs.retain(|climb| climb["isPrivate"] == false);
        let hidden = (all - climbs.len()) as u64;
        page["count"] = json!(count - hidden);
    });
    sim.faults().push(hide.path("/api/gyms/*/climbs"));
}
