//! Reads a board from a folder: `setup.json`, `climbs.json` and `wall.jpg`, in the shape of the wire.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::climb::text;
use super::picture::{Picture, Source};
use super::users::User;
use super::{Board, Face, Wall};
use crate::rng::{Rng, seed_of};

/// Why a folder cannot be shown as a board.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file is missing or cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not JSON.
    #[error("{path} is not JSON: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A file is JSON of another shape.
    #[error("{path}: {missing}")]
    Shape {
        /// The file.
        path: PathBuf,
        /// What was expected of it.
        missing: &'static str,
    },
}

fn read(path: &Path) -> Result<Vec<u8>, FolderError> {
    fs::read(path).map_err(|source| FolderError::Read { path: path.to_owned(), source })
}

fn read_json(path: &Path) -> Result<Value, FolderError> {
    serde_json::from_slice(&read(path)?).map_err(|source| FolderError::Json { path: path.to_owned(), source })
}

/// Reads the folder. A gym's id is in none of the files: it is the one given, or made from the gym's name.
pub(crate) fn load(dir: &Path, seed: u64, gym_id: Option<Uuid>) -> Result<Board, FolderError> {
    let setup_path = dir.join("setup.json");
    let climbs_path = dir.join("climbs.json");
    let shape = |path: &Path, missing| FolderError::Shape { path: path.to_owned(), missing };
    let Value::Object(setup) = read_json(&setup_path)? else {
        return Err(shape(&setup_path, "an object was expected"));
    };
    let climbs = match read_json(&climbs_path)? {
        Value::Array(climbs) => climbs,
        Value::Object(mut page) => match page.remove("climbs").or_else(|| page.remove("results")) {
            Some(Value::Array(climbs)) => climbs,
            _ => return Err(shape(&climbs_path, "a list `climbs` was expected")),
        },
        _ => return Err(shape(&climbs_path, "a list of climbs was expected")),
    };
    let face_id = Uuid::parse_str(text(&setup, "id"))
        .map_err(|_| shape(&setup_path, "`id` must be the face's UUID"))?;
    let picture = setup.get("picture").and_then(Value::as_object);
    let picture = picture.ok_or_else(|| shape(&setup_path, "`picture` must be an object"))?;
    let side = |field| picture.get(field).and_then(Value::as_u64).unwrap_or(0) as u32;
    let picture = Picture {
        name: text(picture, "name").to_owned(),
        size: (side("width"), side("height")),
        source: Source::Bytes(read(&dir.join("wall.jpg"))?.into()),
    };
    let gym_name = text(&setup, "gym").to_owned();
    let mut rng = Rng::new(seed_of(gym_name.as_bytes()));
    let gym_id = gym_id.unwrap_or_else(|| rng.uuid());
    let wall_id = climbs.iter().find_map(|climb| Uuid::parse_str(climb.get("wallId")?.as_str()?).ok());
    let wall = Wall { id: wall_id.unwrap_or_else(|| rng.uuid()), name: text(&setup, "wall").to_owned() };
    let newest = climbs.iter().filter_map(|climb| climb.get("dateCreated")?.as_str()).max();
    let modified = newest.unwrap_or("2025-01-01T00:00:00.000000-05:00").to_owned();
    let face = Face::new(face_id, 0, setup, picture, modified);
    let account = User { id: rng.uuid(), full_name: "Demo Account".to_owned(), avatar: None };
    let mut users = vec![account];
    for setter in climbs.iter().filter_map(|climb| climb.get("climbSetters")?.as_object()) {
        if let Ok(id) = Uuid::parse_str(text(setter, "id"))
            && !users.iter().any(|user| user.id == id)
        {
            let avatar = setter.get("avatar").and_then(Value::as_str).map(str::to_owned);
            users.push(User { id, full_name: text(setter, "fullName").to_owned(), avatar });
        }
    }
    let mut board = Board::empty(seed, gym_id, &gym_name, "", vec![wall], vec![face], users);
    for climb in climbs {
        let map = match climb {
            Value::Object(map) => map,
            other => Map::from_iter([("unreadable".to_owned(), other)]),
        };
        let climb = board.climb_of_json(map);
        board.climbs.push(climb);
    }
    board.recount();
    Ok(board)
}
