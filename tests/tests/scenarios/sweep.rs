//! The sweep: a run in both directions with something of everything is killed at every single point of its course, run
//! again, killed again while it recovers. In the end Stokt has what was wanted: each climb once, none lost.

use std::collections::BTreeSet;
use std::process::Command;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use crate::kill::{killed_at, points};
use crate::support::agree::{both_sides_agree, intents_equal_remote, there};
use crate::support::world::{World, settle, sync_of};
use crate::support::{Place, local};

/// Everything, both ways.
/// PostgreSQL notices in its own time that a process was killed.
const WHOLE: &[&str] = &["--full", "--all-local", "--allow-delete", "--wait-lock=60"];

/// Something to do of every kind, and what Stokt is to have in the end, by name.
struct Scenario {
    world: World,
    intents: BTreeSet<String>,
}

impl Scenario {
    /// What happens on both sides is drawn from a seed; with 0 it is something of everything.
    fn new(place: Place, seed: u64) -> Self {
        let world = World::on(place);
        let mut names: BTreeSet<String> = there(&world.sim).into_values().map(|climb| climb.name).collect();
        let mut rng = StdRng::seed_from_u64(seed);
        let mut some = |most: usize| if seed == 0 { most } else { rng.random_range(0..=most) };
        // From or to nothing: a climb that is new, or that goes.
        let mut renamed = |from: &str, to: String| {
            assert!(from.is_empty() || names.remove(from), "{from}");
            names.insert(to);
        };

        // Here: new climbs, edits, one that becomes private, one that is deleted.
        for number in 0..some(3) {
            world.create(&format!("New {number}"), 50 + number);
            renamed("", format!("New {number}"));
        }
        for number in 1..=some(2) {
            let (from, to) = (format!("Own {number}"), format!("Own {number}, edited here"));
            world.edit(&from, |climb| climb.name.clone_from(&to));
            renamed(&from, to);
        }
        if some(1) > 0 {
            world.edit("Own 3", |climb| climb.is_private = true);
        }
        if some(1) > 0 {
            world.delete("Own 4");
            renamed("Own 4", String::new());
        }
        // There: new climbs, edits.
        for number in 0..some(2) {
            let holds = world.holds(70 + number);
            let name = format!("New there {number}");
            world.sim.with_board(|board| {
                let other = board.user_ids()[2];
                board.add_climb(&name, &holds, Some(other));
            });
            renamed("", name);
        }
        for number in 1..=some(2) {
            let (from, to) = (format!("Other {number}"), format!("Other {number}, edited there"));
            world.edit_there(&from, |climb| drop(climb.insert("name".into(), json!(to))));
            renamed(&from, to);
        }
        // On both: one to merge, one to send the rest of.
        if some(1) > 0 {
            let to = "Own 5, edited on both sides".to_owned();
            world.edit("Own 5", |climb| climb.feet_rule = Some("No foot".into()));
            world.edit_there("Own 5", |climb| drop(climb.insert("name".into(), json!(to))));
            renamed("Own 5", to);
        }
        names.remove("");
        let mut world = world;
        world.keep();
        Self { world, intents: names }
    }

    fn whole(&self, place: &Place) -> Command {
        sync_of(place, &self.world.source, "both", WHOLE)
    }

    /// The points of an uninterrupted run, which ends as was wanted.
    fn points(&self) -> Vec<String> {
        let place = self.world.again();
        let (names, code) = points(self.whole(&place));
        assert_eq!(code, Some(0));
        self.is_as_wanted(&place);
        names
    }

    #[track_caller]
    fn is_as_wanted(&self, place: &Place) {
        intents_equal_remote(&self.world.sim, &self.intents);
        let store = place.store();
        both_sides_agree(&store, &self.world.sim);
        assert_eq!(local::all(&store).len(), self.intents.len());
    }

    /// Killed at a point; and the runs after it at points of theirs, as far as they come to them. Then, without faults,
    /// at most two runs end as was wanted. Answers how often it was killed.
    #[track_caller]
    fn survives(&self, nth: usize, more: &[usize]) -> usize {
        let place = self.world.again();
        assert!(killed_at(self.whole(&place), nth));
        let mut kills = 1;
        for point in more {
            kills += usize::from(killed_at(self.whole(&place), *point));
        }
        settle(&place, &self.world.source, 2);
        self.is_as_wanted(&place);
        kills
    }
}

/// Every `step`-th point from `first` on is killed at; `more`: where the runs after it are killed, too. It must come to
/// so many kills.
fn sweep(place: Place, first: usize, step: usize, more: impl Fn(usize) -> Vec<usize>, at_least: usize) {
    let scenario = Scenario::new(place, 0);
    let names = scenario.points();
    let mut kills = 0;
    for nth in (1 + first..=names.len()).step_by(step) {
        let more = more(nth);
        println!("point {nth} of {}: {}; then {more:?}", names.len(), names[nth - 1]);
        kills += scenario.survives(nth, &more);
    }
    println!("{kills} kills");
    assert!(kills >= at_least, "{kills} kills are too few");
}

/// Once, and never again.
fn once(_: usize) -> Vec<usize> {
    Vec::new()
}

/// The second kill goes through the whole recovery as the first goes through the run.
fn twice(nth: usize) -> Vec<usize> {
    vec![1 + nth * 7 % 13]
}

/// Also while it recovers from a recovery.
fn thrice(nth: usize) -> Vec<usize> {
    vec![1 + nth * 5 % 11, 1 + nth * 3 % 8]
}

/// How often each of the following kills at least.
const ONCE: usize = 20;
const TWICE: usize = 38;
const THRICE: usize = 56;
const _: () = assert!(2 * (ONCE + TWICE + THRICE) >= 200, "without PostgreSQL");

#[test]
fn killed_at_every_odd_point_on_sqlite() {
    sweep(Place::sqlite(), 0, 2, once, ONCE);
}

#[test]
fn killed_at_every_even_point_on_sqlite() {
    sweep(Place::sqlite(), 1, 2, once, ONCE);
}

#[test]
fn killed_twice_at_every_odd_point_on_sqlite() {
    sweep(Place::sqlite(), 0, 2, twice, TWICE);
}

#[test]
fn killed_twice_at_every_even_point_on_sqlite() {
    sweep(Place::sqlite(), 1, 2, twice, TWICE);
}

#[test]
fn killed_thrice_at_every_odd_point_on_sqlite() {
    sweep(Place::sqlite(), 0, 2, thrice, THRICE);
}

#[test]
fn killed_thrice_at_every_even_point_on_sqlite() {
    sweep(Place::sqlite(), 1, 2, thrice, THRICE);
}

#[test]
fn killed_twice_at_some_points_on_postgresql() {
    if let Some(place) = Place::postgres() {
        sweep(place, 1, 4, twice, 18);
    }
}

/// `make soak`: random scenarios killed at random points, as often as `MASTOC_SOAK` says; `MASTOC_SOAK_SEED` repeats one.
#[test]
#[ignore = "takes an hour or so: make soak"]
fn soak() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let wanted = number("MASTOC_SOAK").unwrap_or(5_000) as usize;
    let first = number("MASTOC_SOAK_SEED").unwrap_or_else(|| rand::random::<u32>().into());
    let mut kills = 0;
    for seed in first.. {
        println!("MASTOC_SOAK_SEED={seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let place = match seed % 8 {
            0 => Place::postgres().unwrap_or_else(Place::sqlite),
            _ => Place::sqlite(),
        };
        let scenario = Scenario::new(place, seed.max(1));
        let names = scenario.points();
        for _ in 0..30 {
            let nth = rng.random_range(1..=names.len());
            let more: Vec<usize> = (0..rng.random_range(0..3)).map(|_| rng.random_range(1..=20)).collect();
            println!("  killed at {nth} ({}), then at {more:?}", names[nth - 1]);
            kills += scenario.survives(nth, &more);
            if kills >= wanted {
                println!("{kills} kills: all intents are at Stokt, each once");
                return;
            }
        }
    }
}
