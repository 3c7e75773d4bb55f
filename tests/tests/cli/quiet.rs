//! What cron mails: a quiet run tells of what is new, on either stream, and of nothing twice. The exit code says each
//! time how things stand.

use mastoc_stokt_sim::{Fault, Rule};
use mastoc_test_support::{Finished, Process};
use serde_json::json;

use crate::support::world::World;
use crate::support::{LIMIT, Place};

/// A run in both directions for which hours pass as quickly as it likes.
fn run(world: &World, more: &[&str]) -> Finished {
    let mut command = world.sync("both", more);
    command.env("MASTOC_GONE_AFTER", "0");
    Process::run(command, LIMIT)
}

/// Insists that a quiet run prints nothing, and how it ends.
#[track_caller]
fn is_silent(world: &World, more: &[&str], code: i32) {
    let quiet = run(world, &[&["--quiet"], more].concat());
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (Some(code), "", ""));
}

/// Insists that of equal quiet runs the first tells of something, and the next do not.
#[track_caller]
fn is_told_once(world: &World, more: &[&str], code: i32, says: &str) {
    let told = run(world, &[&["--quiet"], more].concat());
    assert_eq!((told.code, told.stderr.as_str()), (Some(code), ""), "{told:?}");
    assert!(told.stdout.contains(says), "{says:?}: {told:?}");
    is_silent(world, more, code);
    is_silent(world, more, code);
}

#[test]
fn a_conflict_is_told_once_whatever_it_is_about() {
    for world in World::both() {
        world.edit("Own 1", |climb| climb.name = "Ours".into());
        world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Theirs"))));
        is_told_once(&world, &[], 3, "Ours");
        // What Stokt counts is no part of it.
        let like = |climb: &mut serde_json::Map<String, serde_json::Value>| {
            climb.insert("totalLikes".into(), json!(7));
        };
        world.edit_there("Theirs", like);
        is_silent(&world, &[], 3);
        // Deleted here, changed there: there is no row here that could take what Stokt says.
        world.delete("Own 2");
        world.edit_there("Own 2", |climb| drop(climb.insert("name".into(), json!("Still there"))));
        is_told_once(&world, &[], 3, "Still there");
        world.edit_there("Still there", like);
        is_silent(&world, &[], 3);
        // Stokt says something else of it: that is new.
        world.edit_there("Still there", |climb| drop(climb.insert("name".into(), json!("Changed again"))));
        is_told_once(&world, &[], 3, "Changed again");
        // Changed here, gone there.
        world.edit("Own 3", |climb| climb.name = "Left here".into());
        world.delete_there("Own 3");
        is_silent(&world, &["--full"], 3);
        is_told_once(&world, &["--full"], 3, "Left here");
    }
}

#[test]
fn a_climb_that_cannot_be_sent_is_told_once_and_another_one_is_new() {
    for world in World::both() {
        world.create("ab", 60);
        is_told_once(&world, &["--all-local"], 1, "ab (climb");
        world.create("xy", 61);
        is_told_once(&world, &["--all-local"], 1, "xy (climb");
        // A run of another kind between two of them tells nothing of it, and changes nothing.
        assert_eq!(world.run("stokt-to-mastoc", &[]).finished.code, Some(0));
        is_silent(&world, &["--all-local"], 1);
        // Whoever asks without --quiet is told all of it.
        let told = run(&world, &["--all-local"]);
        assert!(told.code == Some(1) && told.stdout.contains("ab (climb"), "{told:?}");
        is_silent(&world, &["--all-local"], 1);
    }
}

#[test]
fn a_record_that_cannot_be_kept_is_told_once() {
    for world in World::both() {
        world.edit_there("Other 1", |climb| drop(climb.insert("holdsList".into(), json!("S1 T999999"))));
        is_told_once(&world, &["--full"], 1, "kept aside: 1");
    }
}

#[test]
fn what_healed_within_the_run_is_no_news() {
    let world = World::on(Place::sqlite());
    let drift = || Rule::new(Fault::Drift { climbs: 1 }).path("/api/gyms/*/climbs").skip(1).times(1);
    let drifts = || world.sim.faults().push(drift());
    drifts();
    let loud = run(&world, &["--full"]);
    assert!(loud.code == Some(0) && loud.stderr.contains("WARN"), "the listing was read again: {loud:?}");
    drifts();
    is_silent(&world, &["--full"], 0);
    // A listing that stays incomplete is told, once.
    world.sim.faults().push(Fault::Count { count: 1_000 });
    is_told_once(&world, &["--full"], 1, "incomplete ");
    world.sim.faults().clear();
    is_silent(&world, &["--full"], 0);
}
