//! A board as Stokt serves it and as we keep it, in Stokt's own words, to be compared field by field.

use std::collections::{BTreeMap, BTreeSet};

use mastoc_domain::StoktId;
use mastoc_domain::change::ChangeKind;
use mastoc_domain::import::{ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall};
use mastoc_domain::sync_state::EntityKind;
use mastoc_storage::climbs::{self, ClimbFilter};
use mastoc_storage::{ReadConn, StoreError, Viewer, changes, export, mappings, quarantine};
use mastoc_sync_engine::convert::{board_to_stokt, climb_to_stokt};
use serde_json::{Value, json};
use uuid::Uuid;

use super::server::{Server, get};
use super::{Place, Source};

/// Everything an import takes, in Stokt's JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Board {
    /// The account that asks.
    pub(crate) account: Uuid,
    pub(crate) summary: Value,
    pub(crate) walls: Vec<Value>,
    pub(crate) setups: Vec<Value>,
    /// By id.
    pub(crate) climbs: BTreeMap<String, Value>,
}

/// Asks the service for everything, page by page, without any code of ours.
pub(crate) fn served(source: &Source) -> Board {
    let token = format!("Token {}", source.token);
    let ask = |path: &str| {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}/api/{path}", source.url) };
        get(&url, &[("Authorization", &token)]).json()
    };
    let gym = source.gym;
    let walls = ask(&format!("gyms/{gym}/walls")).as_array().unwrap().clone();
    let faces = walls.iter().flat_map(|wall| wall["faces"].as_array().unwrap().clone());
    let setups = faces.map(|face| ask(&format!("faces/{}/setup", face["id"].as_str().unwrap()))).collect();
    let mut climbs = BTreeMap::new();
    let mut next = Some(format!("gyms/{gym}/climbs?max_age=9999"));
    while let Some(path) = next {
        let page = ask(&path);
        for climb in page["results"].as_array().unwrap() {
            climbs.insert(climb["id"].as_str().unwrap().to_owned(), climb.clone());
        }
        next = page["next"].as_str().map(str::to_owned);
    }
    let account = ask("users/me")["id"].as_str().unwrap().parse().unwrap();
    Board { account, summary: ask(&format!("gyms/{gym}/summary")), walls, setups, climbs }
}

/// All that is stored of a gym, as import records: the ids are Stokt's, so that two databases can be compared.
#[derive(Debug, PartialEq)]
pub(crate) struct Records {
    gyms: Vec<ImportGym>,
    walls: Vec<ImportWall>,
    faces: Vec<ImportFace>,
    holds: Vec<ImportHold>,
    users: Vec<ImportUser>,
    pub(crate) climbs: Vec<ImportClimb>,
    /// Rows of climbs, also such as the export passes over.
    climb_rows: i64,
    quarantined: i64,
}

/// Reads a gym's records.
pub(crate) fn records(place: &Place, gym: Uuid, account: Uuid) -> Records {
    let gym = StoktId(gym);
    let read = |conn: &mut ReadConn<'_>| -> Result<_, StoreError> {
        Ok(Records {
            gyms: export::gyms(conn, gym)?,
            walls: export::walls(conn, gym)?,
            faces: export::faces(conn, gym)?,
            holds: export::holds(conn, gym)?,
            users: export::users(conn)?,
            climbs: export::climbs(conn, gym, Some(StoktId(account)))?,
            climb_rows: climbs::count(conn, Viewer::Service, &ClimbFilter::default())?,
            quarantined: quarantine::count(conn)?,
        })
    };
    place.store().snapshot(read).unwrap()
}

/// Reads the stored board back and writes it as Stokt would.
pub(crate) fn stored(place: &Place, gym: Uuid, account: Uuid) -> Board {
    let records = records(place, gym, account);
    let [gym] = records.gyms.as_slice() else { panic!("{} gyms", records.gyms.len()) };
    let board = board_to_stokt(gym, &records.walls, &records.faces, &records.holds).unwrap();
    let users: BTreeMap<StoktId, _> = records.users.iter().map(|user| (user.stokt_id, user)).collect();
    let climbs = records.climbs.iter().map(|climb| {
        let setter = climb.setter_stokt_id.map(|id| users[&id]);
        (climb.stokt_id.to_string(), climb_to_stokt(climb, setter).unwrap())
    });
    Board {
        account,
        summary: board.summary,
        walls: board.walls,
        setups: board.setups,
        climbs: climbs.collect(),
    }
}

/// How often rows of each kind were created, as followers of the changes see it; each row once.
pub(crate) fn created(place: &Place) -> BTreeMap<&'static str, usize> {
    let all = place.store().read(|conn| changes::since(conn, 0, 1_000_000, Viewer::Service)).unwrap();
    let mut count = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for change in all.into_iter().filter(|change| change.kind == ChangeKind::Created) {
        let kind = change.entity.as_str();
        assert!(
            seen.insert((kind, change.entity_id.clone())),
            "{kind} {} was created twice",
            change.entity_id
        );
        *count.entry(kind).or_default() += 1;
    }
    count
}

/// Insists that two boards agree in every field; names the first fields that do not.
#[track_caller]
pub(crate) fn same(stored: &Board, source: &Board) {
    let whole = |board: &Board| {
        json!({
            "summary": board.summary, "walls": board.walls, "setups": board.setups, "climbs": board.climbs,
        })
    };
    let mut found = Vec::new();
    differences("", &whole(stored), &whole(source), &mut found);
    assert!(found.is_empty(), "{} fields differ:\n{}", found.len(), found[..found.len().min(12)].join("\n"));
}

fn differences(place: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for name in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
                match (ours.get(name), theirs.get(name)) {
                    (Some(one), Some(other)) => differences(&format!("{place}/{name}"), one, other, found),
                    (one, other) => found.push(format!("{place}/{name}: ours {one:?}, Stokt's {other:?}")),
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (one, other)) in ours.iter().zip(theirs).enumerate() {
                differences(&format!("{place}/{index}"), one, other, found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push(format!("{place}: ours {one}, Stokt's {other}")),
    }
}

/// Insists that the stored board is the served one, and that rows, links and mappings agree in number.
#[track_caller]
pub(crate) fn holds_exactly(place: &Place, source: &Source) -> Board {
    let theirs = served(source);
    same(&stored(place, source.gym, theirs.account), &theirs);
    let setters: BTreeSet<&str> =
        theirs.climbs.values().filter_map(|climb| climb["climbSetters"]["id"].as_str()).collect();
    let holds: usize = theirs.setups.iter().map(|setup| setup["holds"].as_array().unwrap().len()).sum();
    let expected = [
        (EntityKind::Gym, 1),
        (EntityKind::Wall, theirs.walls.len()),
        (EntityKind::Face, theirs.setups.len()),
        (EntityKind::Hold, holds),
        (EntityKind::User, setters.len()),
        (EntityKind::Climb, theirs.climbs.len()),
    ];
    assert_eq!(mappings(place), expected.map(|(kind, count)| (kind.as_str(), count)).into());
    theirs
}

/// How many mappings there are of each kind, each identity named once.
pub(crate) fn mappings(place: &Place) -> BTreeMap<&'static str, usize> {
    let all = place.store().read(|conn| mappings::list(conn, 0, 1_000_000)).unwrap();
    let mut count = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for mapping in all {
        let kind = mapping.entity.as_str();
        assert!(seen.insert((kind, mapping.stokt_id.clone())), "{kind} {} is mapped twice", mapping.stokt_id);
        *count.entry(kind).or_default() += 1;
    }
    count
}

/// Insists that a server hands out wall pictures and avatars byte by byte as Stokt does. Answers how many.
#[track_caller]
pub(crate) fn same_pictures(server: &Server, source: &Source, board: &Board) -> usize {
    let walls = board.setups.iter().filter_map(|setup| setup["picture"]["name"].as_str());
    let avatars = board.climbs.values().filter_map(|climb| climb["climbSetters"]["avatar"].as_str());
    let paths: BTreeSet<&str> = walls.chain(avatars).filter(|path| !path.is_empty()).collect();
    for path in &paths {
        let theirs = get(&format!("{}/media/{path}", source.url), &[]);
        let ours = server.get(&format!("/static/{path}"));
        assert_eq!((theirs.status, ours.status), (200, 200), "{path}");
        assert!(ours.content_type.starts_with("image/"), "{path}: {}", ours.content_type);
        assert!(ours.body == theirs.body, "{path}: {} bytes, Stokt's {}", ours.body.len(), theirs.body.len());
    }
    paths.len()
}
