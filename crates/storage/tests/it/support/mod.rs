//! What the storage tests share: opening databases, raw access beside the store, and a small board to import.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, SqliteConnection};
use mastoc_domain::board::{ClimbGrade, FeetRuleOption, HoldShape, PictureRef};
use mastoc_domain::import::{
    BatchOutcome, Extra, ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall,
};
use mastoc_domain::{StoktHoldId, StoktId, Timestamp};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{DatabaseTarget, Store, StoreError, StoreOptions};
use serde_json::json;
use uuid::Uuid;

/// Opens the database behind a URL with few connections, as there are many tests.
pub fn open(url: &str) -> Store {
    try_open(url).unwrap()
}

pub fn try_open(url: &str) -> Result<Store, StoreError> {
    let target: DatabaseTarget = url.parse()?;
    Store::open(&target, &StoreOptions { connections: 3, ..StoreOptions::default() })
}

/// Runs the migrations; for the template of each test's database.
pub fn migrate(url: &str) {
    drop(open(url));
}

/// A connection beside the store, to look at and to break things.
pub enum Raw {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = Text)]
    v: String,
}

impl Raw {
    pub fn open(url: &str) -> Self {
        match url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).unwrap();
                // The last connection of a store that was just dropped may still be putting the journal away.
                diesel::sql_query("PRAGMA busy_timeout = 10000").execute(&mut connection).unwrap();
                Self::Sqlite(connection)
            }
            None => Self::Pg(PgConnection::establish(url).unwrap()),
        }
    }

    pub fn execute(&mut self, sql: &str) -> usize {
        match self {
            Self::Pg(c) => diesel::sql_query(sql).execute(c).unwrap(),
            Self::Sqlite(c) => diesel::sql_query(sql).execute(c).unwrap(),
        }
    }

    /// The texts in the column `v`.
    pub fn texts(&mut self, sql: &str) -> Vec<String> {
        let rows: Vec<One> = match self {
            Self::Pg(c) => diesel::sql_query(sql).load(c).unwrap(),
            Self::Sqlite(c) => diesel::sql_query(sql).load(c).unwrap(),
        };
        rows.into_iter().map(|row| row.v).collect()
    }

    pub fn text(&mut self, sql: &str) -> String {
        self.texts(sql).pop().unwrap()
    }

    pub fn count(&mut self, table: &str) -> usize {
        self.text(&format!("SELECT CAST(count(*) AS TEXT) AS v FROM {table}")).parse().unwrap()
    }

    /// Something that differs after any write at all, even one that writes the same values again.
    pub fn fingerprint(&mut self) -> String {
        match self {
            Self::Sqlite(_) => self.text("SELECT CAST(data_version AS TEXT) AS v FROM pragma_data_version"),
            Self::Pg(_) => TABLES
                .iter()
                .map(|table| {
                    let sql = format!(
                        "SELECT coalesce(string_agg(ctid::text || xmin::text, ',' ORDER BY ctid), '') AS v FROM {table}"
                    );
                    self.text(&sql)
                })
                .collect(),
        }
    }
}

/// The tables an import writes to.
const TABLES: [&str; 14] = [
    "gyms",
    "walls",
    "faces",
    "face_versions",
    "holds",
    "hold_shapes",
    "users",
    "climbs",
    "climb_holds",
    "sync_links",
    "id_mappings",
    "climb_viewer_facts",
    "quarantined",
    "change_log",
];

/// A Stokt id that is the same in every run.
pub fn sid(n: u128) -> StoktId {
    StoktId(Uuid::from_u128(0x5700_0000_0000_4000_8000_0000_0000_0000 + n))
}

pub const GYM: u128 = 1;
pub const WALL: u128 = 2;
pub const FACE: u128 = 3;
pub const FIRST_USER: u128 = 1_000;
pub const FIRST_CLIMB: u128 = 1_000_000;
pub const FIRST_HOLD: i64 = 800_000;

pub fn account() -> StoktId {
    sid(999)
}

pub fn extra(value: serde_json::Value) -> Extra {
    value.as_object().unwrap().clone()
}

pub fn gym() -> ImportGym {
    ImportGym {
        stokt_id: sid(GYM),
        display_name: "La Grotte".into(),
        location: Some("Grenoble".into()),
        description: None,
        extra: extra(json!({"set": {"numberOfClimbs": 12, "lat": 45.1885}})),
    }
}

pub fn wall() -> ImportWall {
    ImportWall {
        stokt_id: sid(WALL),
        gym_stokt_id: sid(GYM),
        name: "Le grand pan".into(),
        is_angle_adjustable: false,
        is_active: true,
        feet_rules: vec![FeetRuleOption { name: "Tous pieds".into(), is_default: true }],
        extra: Extra::new(),
    }
}

pub fn face() -> ImportFace {
    ImportFace {
        stokt_id: sid(FACE),
        gym_stokt_id: sid(GYM),
        wall_stokt_id: Some(sid(WALL)),
        is_active: true,
        picture: Some(PictureRef { path: "walls/a.jpg".into(), width: 2263, height: 3000 }),
        small_picture: Some(PictureRef { path: "walls/a_small.jpg".into(), width: 226, height: 300 }),
        feet_rules_options: vec!["Tous pieds".into(), "Pieds des mains".into()],
        has_symmetry: false,
        extra: extra(json!({"absent": ["wall"]})),
    }
}

pub fn hold(n: i64) -> ImportHold {
    ImportHold {
        stokt_id: StoktHoldId::new(FIRST_HOLD + n).unwrap(),
        face_stokt_id: sid(FACE),
        centroid_x: 500.5 + n as f64,
        centroid_y: 700.25,
        shape: HoldShape {
            area: "2226.00".into(),
            polygon_str: "559.96,2358.89 536.00,2382.86 536.00,2409.59".into(),
            centroid_str: "572.53 2397.11".into(),
            ..HoldShape::default()
        },
        extra: Extra::new(),
    }
}

pub fn holds(count: i64) -> Vec<ImportHold> {
    (0..count).map(hold).collect()
}

pub fn user(n: u128) -> ImportUser {
    ImportUser {
        stokt_id: sid(FIRST_USER + n),
        full_name: format!("Zoé Çelik {n}"),
        avatar_path: Some(format!("avatars/{n}.png")),
        extra: Extra::new(),
    }
}

pub fn users(count: u128) -> Vec<ImportUser> {
    (0..count).map(user).collect()
}

/// A climb on the first 20 holds, set by one of the first 3 users.
pub fn climb(n: u128) -> ImportClimb {
    let hold = |k: u128| FIRST_HOLD + i64::try_from((n + k) % 20).unwrap();
    ImportClimb {
        stokt_id: sid(FIRST_CLIMB + n),
        face_stokt_id: sid(FACE),
        setter_stokt_id: Some(sid(FIRST_USER + n % 3)),
        name: format!("Bloc été {n} 🧗"),
        holds_list: format!("S{} S{} O{} F{} T{}", hold(0), hold(3), hold(5), hold(7), hold(11)),
        mirror_holds_list: String::new(),
        grade: ClimbGrade {
            font: Some("6A+".into()),
            ircra: Some(16.75),
            hueco: Some("V3".into()),
            dankyu: Some("4Q".into()),
        },
        feet_rule: Some("Tous pieds".into()),
        description: None,
        is_private: false,
        is_benchmark: n.is_multiple_of(7),
        climbed_by: 3,
        total_likes: 1,
        total_comments: 0,
        tags: String::new(),
        circuit: String::new(),
        angle: String::new(),
        created_at: Timestamp::parse("2025-12-17T10:56:38.491973-05:00").unwrap(),
        extra: extra(json!({"set": {"crowdGrade": {"n": 4}}})),
        viewer: Extra::new(),
    }
}

pub fn climbs(count: u128) -> Vec<ImportClimb> {
    (0..count).map(climb).collect()
}

/// Imports a gym with a wall, a face, 20 holds and 3 setters.
pub fn import_board(store: &Store) {
    let ctx = ImportContext::default();
    store
        .write(|conn| {
            import::gyms(conn, &ctx, &[gym()])?;
            import::walls(conn, &ctx, &[wall()])?;
            import::faces(conn, &ctx, &[face()])?;
            import::holds(conn, &ctx, &holds(20))?;
            import::users(conn, &ctx, &users(3))
        })
        .unwrap();
}

pub fn import_climbs(store: &Store, records: &[ImportClimb]) -> BatchOutcome {
    store.write(|conn| import::climbs(conn, &ImportContext::default(), records)).unwrap()
}

/// Created, updated, unchanged, failed.
pub fn counts(outcome: &BatchOutcome) -> (usize, usize, usize, usize) {
    (outcome.created(), outcome.updated(), outcome.unchanged(), outcome.failed())
}

/// The codes of what was refused, in order.
pub fn codes(outcome: &BatchOutcome) -> Vec<String> {
    outcome
        .items
        .iter()
        .filter_map(|item| match &item.status {
            mastoc_domain::import::ItemStatus::Failed(problem) => Some(problem.code.clone()),
            _ => None,
        })
        .collect()
}

/// The codes of a record's notes.
pub fn notes(outcome: &BatchOutcome, index: usize) -> Vec<&str> {
    outcome.items[index].notes.iter().map(|note| note.code.as_str()).collect()
}
