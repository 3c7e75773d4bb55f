//! A Stokt and a place of ours that agree, to go on from: as often as one likes, from the same state.

use std::process::Command;

use chrono::TimeDelta;
use mastoc_domain::FaceId;
use mastoc_domain::board::Climb;
use mastoc_domain::climb_edit::ClimbContent;
use mastoc_stokt_sim::{Board, Sim, SimBuilder};
use mastoc_storage::Store;
use mastoc_test_support::Process;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Imported, LIMIT, Place, Source, agree, local, reported, run};

/// A board of which several pages are read, that starts in a moment.
pub(crate) fn tiny_board() -> SimBuilder {
    Sim::builder().seed(21).holds(24).climbs(9).setters(3).picture_size(48, 64).page_size(6)
}

/// Both sides, in agreement at first. Stokt has, besides the invented climbs, `Own 1` to `Own 6` of the account and
/// `Other 1` to `Other 4` of somebody else, all set just now.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) source: Source,
    pub(crate) place: Place,
    agreed: Board,
}

impl World {
    /// Fills a place from a new Stokt.
    pub(crate) fn on(place: Place) -> Self {
        Self::with(place, tiny_board())
    }

    /// The same with another board.
    pub(crate) fn with(place: Place, board: SimBuilder) -> Self {
        let sim = board.start().unwrap();
        sim.with_board(|board| {
            let other = board.user_ids()[2];
            for number in 1..=6 {
                board.add_climb(&format!("Own {number}"), &holds_of(board, number), None);
            }
            for number in 1..=4 {
                board.add_climb(&format!("Other {number}"), &holds_of(board, 6 + number), Some(other));
            }
        });
        let source = Source::from(&sim);
        let mut whole = place.program("mastoc-sync");
        aim(&mut whole, &source, "stokt-to-mastoc");
        whole.arg("--full");
        run(whole).expect(0);
        // Runs go on from a later second than this one, so that each of them comes by the same points.
        sim.advance(TimeDelta::seconds(2));
        let agreed = sim.save();
        let world = Self { sim, source, place, agreed };
        agree::both_sides_agree(&world.store(), &world.sim);
        world
    }

    /// One on each database.
    pub(crate) fn both() -> Vec<Self> {
        Place::both().into_iter().map(Self::on).collect()
    }

    /// Takes Stokt back to the state in which both sides agreed, and answers a copy of the place in that state.
    pub(crate) fn again(&self) -> Place {
        self.sim.restore(&self.agreed);
        self.sim.faults().clear();
        self.place.copy()
    }

    /// Keeps what Stokt is now as the state to go back to; the place is whatever it is.
    pub(crate) fn keep(&mut self) {
        self.agreed = self.sim.save();
    }

    pub(crate) fn store(&self) -> Store {
        self.place.store()
    }

    /// A synchronisation of this place.
    pub(crate) fn sync(&self, direction: &str, more: &[&str]) -> Command {
        sync_of(&self.place, &self.source, direction, more)
    }

    /// Synchronises this place, for the JSON report.
    #[track_caller]
    pub(crate) fn run(&self, direction: &str, more: &[&str]) -> Imported {
        run(self.sync(direction, more))
    }

    /// Synchronises everything both ways until a run ends with 0, at most `most` times; each may end with 1, 3 or 75.
    #[track_caller]
    pub(crate) fn settle(&self, most: usize) -> Vec<Imported> {
        settle(&self.place, &self.source, most)
    }

    /// Holds of a climb of its own, the same for the same number.
    pub(crate) fn holds(&self, number: usize) -> String {
        self.sim.with_board(|board| holds_of(board, number))
    }

    /// The face, by our id.
    pub(crate) fn face(&self) -> FaceId {
        local::all(&self.store())[0].face_id
    }

    /// Somebody sets a climb here, with the holds of a number.
    pub(crate) fn create(&self, name: &str, number: usize) -> Climb {
        let store = self.store();
        let content = local::content(name, &self.holds(number));
        local::create(&store, self.face(), &content);
        local::named(&store, name)
    }

    /// The one climb of a name here.
    #[track_caller]
    pub(crate) fn here(&self, name: &str) -> Climb {
        local::named(&self.store(), name)
    }

    /// Somebody edits a climb here.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, change: impl Fn(&mut ClimbContent)) {
        let store = self.store();
        assert!(local::edit(&store, local::named(&store, name).id, change));
    }

    /// Somebody deletes a climb here.
    #[track_caller]
    pub(crate) fn delete(&self, name: &str) {
        let store = self.store();
        assert!(local::delete(&store, local::named(&store, name).id));
    }

    /// The one climb of a name there.
    #[track_caller]
    pub(crate) fn there(&self, name: &str) -> Value {
        let found: Vec<Value> = self
            .sim
            .with_board(|board| board.climbs())
            .into_iter()
            .filter(|climb| climb["name"] == name)
            .collect();
        assert_eq!(found.len(), 1, "climbs named {name:?} there");
        found.into_iter().next().unwrap()
    }

    /// Its key there.
    #[track_caller]
    pub(crate) fn key(&self, name: &str) -> Uuid {
        self.there(name)["id"].as_str().unwrap().parse().unwrap()
    }

    /// Somebody edits a climb there.
    #[track_caller]
    pub(crate) fn edit_there(&self, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        let key = self.key(name);
        assert!(self.sim.with_board(|board| board.edit_climb(key, change)));
    }

    /// Somebody deletes a climb there.
    #[track_caller]
    pub(crate) fn delete_there(&self, name: &str) {
        let key = self.key(name);
        assert!(self.sim.with_board(|board| board.delete_climb(key)));
    }

    /// How many climbs of a name there are there.
    pub(crate) fn count_there(&self, name: &str) -> usize {
        self.sim.with_board(|board| board.climbs_named(name)).len()
    }

    /// Insists that both sides agree.
    #[track_caller]
    pub(crate) fn agree(&self) {
        agree::both_sides_agree(&self.store(), &self.sim);
    }

    /// Requests so far that were to change something at Stokt.
    pub(crate) fn changing_requests(&self) -> Vec<String> {
        let requests = self.sim.requests().into_iter();
        let changing =
            requests.filter(|request| request.method != "GET" && !request.path.ends_with("token-auth"));
        changing.map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

/// Start, middle and top of a climb: different for different numbers up to a few hundred.
pub(crate) fn holds_of(board: &Board, number: usize) -> String {
    let holds = board.hold_ids(board.face_ids()[0]);
    let count = holds.len();
    let (start, other) = (number % count, (number * 5 + number / count + 1) % count);
    let top = (start + 1 + (number * 7 + number / count) % (count - 2)) % count;
    format!("S{} O{} T{}", holds[start], holds[other], holds[top])
}

/// Points a program at Stokt.
fn aim(command: &mut Command, source: &Source, direction: &str) {
    command.args(["--direction", direction, "--stokt-url", &source.url]);
    command.args(["--gym", &source.gym.to_string()]).env("STOKT_TOKEN", &source.token);
}

/// A synchronisation that need not wait for unknown outcomes to settle.
pub(crate) fn sync_of(place: &Place, source: &Source, direction: &str, more: &[&str]) -> Command {
    let mut command = place.program("mastoc-sync");
    aim(&mut command, source, direction);
    // What speaks of sending is refused where nothing is sent.
    let sends = direction != "stokt-to-mastoc";
    let more = more.iter().filter(|flag| sends || !["--all-local", "--allow-delete"].contains(flag));
    command.env("MASTOC_UNKNOWN_SETTLE", "0").args(more);
    command
}

/// Synchronises everything both ways until a run ends with 0, at most `most` times; each may end with 1, 3 or 75.
#[track_caller]
pub(crate) fn settle(place: &Place, source: &Source, most: usize) -> Vec<Imported> {
    let mut runs = Vec::new();
    loop {
        let whole = ["--full", "--all-local", "--allow-delete", "--wait-lock=60"];
        let mut command = sync_of(place, source, "both", &whole);
        command.arg("--json");
        let finished = Process::run(command, LIMIT);
        let code = finished.code;
        assert!(matches!(code, Some(0 | 1 | 3 | 75)), "run {}: {finished:?}", runs.len() + 1);
        runs.push(reported(finished));
        if code == Some(0) {
            return runs;
        }
        let last = runs.last().map(|run| run.finished.stdout.clone()).unwrap_or_default();
        assert!(runs.len() < most, "{most} runs have not settled it; the last one:\n{last}");
    }
}
