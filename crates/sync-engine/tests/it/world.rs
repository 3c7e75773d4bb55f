//! A small Stokt, a target, and what is found in the database afterwards.

use std::path::Path;
use std::time::Duration;

use mastoc_domain::StoktId;
use mastoc_domain::import::{ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall};
use mastoc_media::MediaStore;
use mastoc_stokt_client::secrecy::SecretString;
use mastoc_stokt_client::{Cancel, Client, WireRecord as _};
use mastoc_stokt_sim::{Sim, SimBuilder};
use mastoc_storage::{Store, StoreError, StoreOptions, export};
use mastoc_sync_engine::convert::{StoktBoard, board_to_stokt, climb_to_stokt};
use mastoc_sync_engine::{ImportOptions, Report, Silent, StoreTarget, Target, import};
use serde_json::Value;

pub fn prepare(url: &str) {
    drop(open(url));
}

/// One more database of the same kind, for tests that need several.
pub enum Fresh {
    Sqlite(mastoc_test_support::sqlite::TempSqlite),
    Postgres(mastoc_test_support::postgres::TestDb),
}

impl Fresh {
    pub fn like(url: &str) -> Self {
        if url.starts_with("sqlite") {
            Self::Sqlite(mastoc_test_support::sqlite::fresh_path())
        } else {
            // The body runs at all, so there is a PostgreSQL.
            Self::Postgres(mastoc_test_support::postgres::fresh_database("migrated", prepare).unwrap())
        }
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Sqlite(place) => place.url(),
            Self::Postgres(database) => database.url(),
        }
    }
}

pub fn open(url: &str) -> Store {
    let options = StoreOptions { connections: 2, ..StoreOptions::default() };
    Store::open(&url.parse().unwrap(), &options).unwrap()
}

/// A small board, so that tests are fast in a debug build too.
pub fn small() -> SimBuilder {
    Sim::builder().seed(7).holds(60).climbs(130).setters(9).picture_size(226, 300).page_size(20)
}

pub fn client(sim: &Sim) -> Client {
    client_with(sim, Cancel::new())
}

pub fn client_with(sim: &Sim, cancel: Cancel) -> Client {
    Client::builder(&sim.base_url())
        .token(SecretString::from(sim.token()))
        .backoff(Duration::from_millis(1), Duration::from_millis(20))
        .cancel(cancel)
        .build()
        .unwrap()
}

pub fn gym(sim: &Sim) -> StoktId {
    StoktId(sim.gym_id())
}

pub fn options() -> ImportOptions {
    ImportOptions { batch_size: 30, ..ImportOptions::default() }
}

pub fn target(url: &str, data: &Path) -> StoreTarget {
    StoreTarget::open(open(url), MediaStore::open(data).unwrap(), "test").unwrap()
}

/// Imports with everything as usual.
pub fn run(sim: &Sim, url: &str, data: &Path) -> Report {
    run_into(sim, &target(url, data))
}

pub fn run_into(sim: &Sim, target: &dyn Target) -> Report {
    import(&client(sim), target, &options(), &Silent)
}

/// Everything of a gym that is in a database, without our own ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub gyms: Vec<ImportGym>,
    pub walls: Vec<ImportWall>,
    pub faces: Vec<ImportFace>,
    pub holds: Vec<ImportHold>,
    pub users: Vec<ImportUser>,
    pub climbs: Vec<ImportClimb>,
}

pub fn stored(url: &str, sim: &Sim) -> Stored {
    let account = client(sim).me().unwrap().id.as_uuid().map(StoktId);
    let gym = gym(sim);
    open(url)
        .read(|conn| {
            Ok::<_, StoreError>(Stored {
                gyms: export::gyms(conn, gym)?,
                walls: export::walls(conn, gym)?,
                faces: export::faces(conn, gym)?,
                holds: export::holds(conn, gym)?,
                users: export::users(conn)?,
                climbs: export::climbs(conn, gym, account)?,
            })
        })
        .unwrap()
}

impl Stored {
    /// Written back as Stokt's JSON.
    pub fn board(&self) -> StoktBoard {
        board_to_stokt(&self.gyms[0], &self.walls, &self.faces, &self.holds).unwrap()
    }

    pub fn climbs(&self) -> Vec<Value> {
        let climbs = self.climbs.iter().map(|climb| {
            let setter = self.users.iter().find(|user| Some(user.stokt_id) == climb.setter_stokt_id);
            climb_to_stokt(climb, setter).unwrap()
        });
        by_id(climbs.collect())
    }
}

/// What Stokt says of the same things, asked once more.
pub fn source(sim: &Sim) -> (StoktBoard, Vec<Value>) {
    let client = client(sim);
    let gym = sim.gym_id();
    let walls: Vec<Value> = client.walls(gym).unwrap().into_iter().map(|wall| wall.raw).collect();
    let faces = walls.iter().flat_map(|wall| wall["faces"].as_array().unwrap().clone());
    let setups =
        faces.map(|face| client.face_setup(face["id"].as_str().unwrap()).unwrap().value.to_value()).collect();
    let summary = client.gym_summary(gym).unwrap().raw;
    let climbs = client.climbs(gym, 9999).unwrap().collect_all().unwrap();
    (StoktBoard { summary, walls, setups }, by_id(climbs.into_iter().map(|climb| climb.raw).collect()))
}

fn by_id(mut climbs: Vec<Value>) -> Vec<Value> {
    climbs.sort_by_key(|climb| climb["id"].as_str().map(str::to_owned));
    climbs
}

/// Everything that is stored equals what Stokt says, field by field.
pub fn assert_lossless(url: &str, sim: &Sim) {
    let stored = stored(url, sim);
    let (board, climbs) = source(sim);
    let ours = stored.board();
    assert_eq!(ours.summary, board.summary);
    assert_eq!(ours.walls, board.walls);
    assert_eq!(ours.setups, board.setups);
    let kept = stored.climbs();
    assert_eq!(kept.len(), climbs.len());
    for (ours, theirs) in kept.iter().zip(&climbs) {
        assert_eq!(ours, theirs);
    }
}
