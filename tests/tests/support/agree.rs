//! Whether both sides agree, looked at without any code of the engine's.

use std::collections::{BTreeMap, BTreeSet};

use mastoc_domain::board::Climb;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::Sim;
use mastoc_storage::Store;
use serde_json::Value;

use super::local;

/// What a person can edit of a climb, as Stokt answers it.
pub(crate) fn canonical_there(climb: &Value) -> CanonicalClimb {
    let text = |field: &str| climb[field].as_str().unwrap_or_default();
    CanonicalClimb::new(
        text("name"),
        text("holdsList"),
        climb["feetRule"].as_str(),
        climb["isPrivate"] == true,
        climb["isBenchmark"] == true,
        text("circuit"),
        text("tags"),
        text("angle"),
        text("mirrorHoldsList"),
    )
}

/// The same as we keep it.
pub(crate) fn canonical_here(climb: &Climb) -> CanonicalClimb {
    CanonicalClimb::new(
        &climb.name,
        &climb.holds_list,
        climb.feet_rule.as_deref(),
        climb.is_private,
        climb.is_benchmark,
        &climb.circuit,
        &climb.tags,
        &climb.angle,
        &climb.mirror_holds_list,
    )
}

/// What Stokt shows to its account, by id.
pub(crate) fn there(sim: &Sim) -> BTreeMap<String, CanonicalClimb> {
    let climbs = sim.with_board(|board| board.climbs_seen_by(None));
    climbs.iter().map(|climb| (climb["id"].as_str().unwrap().to_owned(), canonical_there(climb))).collect()
}

/// Something about which the two sides do not agree.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The climb here; none where it is only there.
    pub(crate) here: Option<Climb>,
    /// Its id there; none where it was never there.
    pub(crate) there: Option<String>,
    /// What does not agree.
    pub(crate) what: String,
}

/// Everything about which the two sides do not agree: climbs that only one side has, or that are not the same. What is
/// archived here is gone there.
pub(crate) fn differences(store: &Store, sim: &Sim) -> Vec<Difference> {
    let there = there(sim);
    let mut found = Vec::new();
    let mut linked = BTreeSet::new();
    for climb in local::all(store) {
        let (name, state) = (&climb.name, climb.sync_state);
        let id = climb.stokt_id.map(|id| id.to_string());
        let is_twice = id.as_ref().is_some_and(|id| !linked.insert(id.clone()));
        let what = match id.as_ref().map(|id| there.get(id)) {
            _ if is_twice => format!("{name:?} is here twice"),
            None => format!("{name:?} is only here ({state})"),
            Some(None) if state == SyncState::Archived => continue,
            Some(None) => format!("{name:?} ({state}) is gone there"),
            Some(Some(theirs)) => {
                let ours = canonical_here(&climb);
                if ours != *theirs {
                    format!("{name:?} ({state}) differs:\n    here  {ours:?}\n    there {theirs:?}")
                } else if state != SyncState::Synced {
                    format!("{name:?} is the same on both sides, yet {state}")
                } else {
                    continue;
                }
            }
        };
        found.push(Difference { there: id, here: Some(climb), what });
    }
    for (id, theirs) in there {
        if !linked.contains(&id) {
            let what = format!("{:?} ({id}) is only there", theirs.name);
            found.push(Difference { here: None, there: Some(id), what });
        }
    }
    found
}

/// Insists that both sides hold the same climbs with the same content.
#[track_caller]
pub(crate) fn both_sides_agree(store: &Store, sim: &Sim) {
    let found: Vec<String> = differences(store, sim).into_iter().map(|found| found.what).collect();
    assert!(found.is_empty(), "both sides do not agree:\n{}", found.join("\n"));
}

/// Insists that Stokt has exactly these climbs, by name, each once: what was wanted, nothing twice, nothing lost.
#[track_caller]
pub(crate) fn intents_equal_remote(sim: &Sim, intents: &BTreeSet<String>) {
    let mut there: Vec<String> = there(sim).into_values().map(|climb| climb.name).collect();
    there.sort();
    let wanted: Vec<String> = intents.iter().cloned().collect();
    assert_eq!(there, wanted, "what Stokt has is not what was wanted");
}
