//! Asking Stokt for a gym's board, all but its climbs, and planning it: possible before there is a target.

use mastoc_domain::StoktId;
use mastoc_domain::import::ItemProblem;
use mastoc_stokt_client::types::{GymSummary, Wall};
use mastoc_stokt_client::{Client, ErrorKind, Record};

use crate::convert::{Refused, board_from_stokt};
use crate::error::EngineError;
use crate::plan::{BoardPlan, plan_board};
use crate::report::Issue;
use crate::sync::contract::{Kind, Watch, flaw};

/// A board as it was fetched.
pub(crate) struct FetchedBoard {
    pub(crate) plan: BoardPlan,
    /// How many faces Stokt named.
    pub(crate) faces: u64,
    /// Faces that could not be read.
    pub(crate) problems: Vec<Issue>,
}

/// Asks for walls and set-ups, and plans the board. `watch`: sees every record as it came.
///
/// # Errors
/// What ends the run.
pub(crate) fn fetch_board(
    client: &Client,
    gym: StoktId,
    summary: &GymSummary,
    batch_size: usize,
    watch: &mut Watch,
) -> Result<FetchedBoard, EngineError> {
    let walls = client.walls(gym).map_err(|error| unknown_gym(gym, error))?;
    walls.iter().for_each(|wall| watch.record(Kind::Wall, &wall.raw));
    let (mut setups, mut problems) = (Vec::new(), Vec::new());
    let faces = faces_of(&walls);
    for face in &faces {
        match client.face_setup(*face) {
            Ok(setup) => {
                watch.record(Kind::Face, &setup.raw);
                // Without what matters, what is here of it stays as it is.
                match flaw(Kind::Face, &setup.raw) {
                    None => setups.push(setup.value),
                    Some(ItemProblem { code, detail }) => {
                        problems.push(Issue {
                            kind: "face".to_owned(),
                            stokt_id: face.to_string(),
                            code,
                            detail,
                        });
                    }
                }
            }
            Err(error) if concerns_one_face(&error) => problems.push(Issue {
                kind: "face".to_owned(),
                stokt_id: face.to_string(),
                code: "no_setup".to_owned(),
                detail: error.to_string(),
            }),
            Err(error) => return Err(error.into()),
        }
    }
    let board = board_from_stokt(summary, &walls, setups)?;
    if board.gym.stokt_id != gym {
        return Err(Refused::new("bad_id", "the gym's summary has another gym's id").into());
    }
    let faces = u64::try_from(faces.len()).unwrap_or(0);
    Ok(FetchedBoard { plan: plan_board(board, batch_size), faces, problems })
}

pub(crate) fn unknown_gym(gym: StoktId, error: mastoc_stokt_client::Error) -> EngineError {
    if error.is_not_found() || error.is_forbidden() { EngineError::UnknownGym(gym) } else { error.into() }
}

/// The faces that the list of walls names, each once.
fn faces_of(walls: &[Record<Wall>]) -> Vec<StoktId> {
    let mut faces: Vec<StoktId> = Vec::new();
    let listed = walls.iter().filter_map(|wall| wall.parsed.as_ref().ok()?.faces.as_ref()).flatten();
    for face in listed.filter_map(|face| face.id()?.as_uuid()) {
        if !faces.contains(&StoktId(face)) {
            faces.push(StoktId(face));
        }
    }
    faces
}

/// Whether a failed set-up means that one face is odd, and not that the run cannot go on.
fn concerns_one_face(error: &mastoc_stokt_client::Error) -> bool {
    error.is_not_found()
        || error.is_forbidden()
        || matches!(error.kind(), ErrorKind::Shape(_) | ErrorKind::TooLarge(_))
}
