//! Crashes: the program is killed at a point, run again, and ends as if nothing had been: nothing twice, nothing lost.

use std::collections::BTreeSet;
use std::process::Command;

use mastoc_stokt_sim::{Fault, Rule};
use serde_json::json;

use crate::kill::{NEVER, killed_at, killed_when, points};
use crate::support::agree::{both_sides_agree, intents_equal_remote, there};
use crate::support::world::{World, settle, sync_of};
use crate::support::{Place, changes_nothing, run, small_board, wait_until};

/// Everything, both ways.
/// PostgreSQL notices in its own time that a process was killed.
const WHOLE: &[&str] = &["--full", "--all-local", "--allow-delete", "--wait-lock=60"];

/// Something to do in both directions; and the names of the climbs that Stokt is to have in the end.
fn pending(place: Place) -> (World, BTreeSet<String>) {
    let mut world = World::on(place);
    world.create("New", 50);
    world.edit("Own 1", |climb| climb.name = "Own 1, edited".into());
    world.edit_there("Other 1", |climb| drop(climb.insert("name".into(), json!("Other 1, edited"))));
    world.keep();
    let mut names: BTreeSet<String> = there(&world.sim).into_values().map(|climb| climb.name).collect();
    names.remove("Own 1");
    names.extend(["New".to_owned(), "Own 1, edited".to_owned()]);
    (world, names)
}

fn whole(world: &World, place: &Place) -> Command {
    sync_of(place, &world.source, "both", WHOLE)
}

/// The number of the first point of a name in an uninterrupted run.
fn place_of(world: &World, name: &str) -> usize {
    let (names, code) = points(whole(world, &world.again()));
    assert_eq!(code, Some(0));
    1 + names.iter().position(|known| known == name).unwrap_or_else(|| panic!("{name} is not in {names:?}"))
}

/// Runs again, without any kill, at most twice, to the end that was wanted. Then nothing is sent any more; and once it
/// was seen what Stokt counts after our changes, nothing is written either.
fn recovers(world: &World, place: &Place, intents: &BTreeSet<String>) {
    settle(place, &world.source, 2);
    both_sides_agree(&place.store(), &world.sim);
    intents_equal_remote(&world.sim, intents);
    let before = world.changing_requests().len();
    let seen = run(whole(world, place)).expect(0);
    assert_eq!(seen.sum("created"), 0, "{:#}", seen.report["counts"]);
    changes_nothing(whole(world, place));
    assert_eq!(world.changing_requests().len(), before);
}

/// Killed at a point, where Stokt has so many of the climb to be created; and then run again.
fn killed_at_point(point: &str, before_it: bool, created: usize) {
    for place in Place::both() {
        let (world, intents) = pending(place);
        let nth = place_of(&world, point) - usize::from(before_it);
        let place = world.again();
        assert!(killed_at(whole(&world, &place), nth));
        assert_eq!(world.count_there("New"), created);
        recovers(&world, &place, &intents);
    }
}

#[test]
fn before_claim() {
    killed_at_point("push.claimed", true, 0);
}

#[test]
fn after_claim_before_sent() {
    killed_at_point("push.claimed", false, 0);
    killed_at_point("push.leased", false, 0);
}

#[test]
fn after_sent_before_any_byte() {
    killed_at_point("push.sent", false, 0);
}

#[test]
fn after_the_answer_and_before_commit() {
    for place in Place::both() {
        let (world, intents) = pending(place);
        let (names, _) = points(whole(&world, &world.again()));
        let answers: Vec<usize> = names
            .iter()
            .enumerate()
            .filter(|(_, name)| *name == "push.answered")
            .map(|(at, _)| at + 1)
            .collect();
        assert_eq!(answers.len(), 2, "a climb that is new and one that was edited: {names:?}");
        for nth in answers {
            let place = world.again();
            assert!(killed_at(whole(&world, &place), nth));
            assert!(world.count_there("New") + world.count_there("Own 1, edited") > 0);
            recovers(&world, &place, &intents);
        }
    }
}

#[test]
fn after_the_remote_created_and_before_its_answer() {
    for place in Place::both() {
        let (world, intents) = pending(place);
        let place = world.again();
        world.sim.faults().push(Rule::new(Fault::DelayAnswer(NEVER)).method("POST").times(1));
        killed_when(whole(&world, &place), || world.count_there("New") == 1);
        recovers(&world, &place, &intents);
    }
}

#[test]
fn while_the_remote_edits_and_before_its_answer() {
    for place in Place::both() {
        let (world, intents) = pending(place);
        let place = world.again();
        world.sim.faults().push(Rule::new(Fault::DelayAnswer(NEVER)).method("PATCH").times(1));
        killed_when(whole(&world, &place), || world.count_there("Own 1, edited") == 1);
        recovers(&world, &place, &intents);
    }
}

#[test]
fn during_recovery_itself() {
    for place in Place::both() {
        let (world, intents) = pending(place);
        let is_postgres = world.place.is_postgres();
        let nth = place_of(&world, "push.answered");
        // Killed when the climb was created but not linked; now the run that finds out is killed at each of its points.
        for point in 1.. {
            // On PostgreSQL every third: the code is the same.
            if is_postgres && point % 3 != 0 {
                continue;
            }
            let place = world.again();
            assert!(killed_at(whole(&world, &place), nth));
            let was_killed = killed_at(whole(&world, &place), point);
            recovers(&world, &place, &intents);
            if !was_killed {
                assert!(point > 8, "a recovery has more points than that");
                break;
            }
        }
    }
}

#[test]
fn mid_page_in_a_pull() {
    for place in Place::both() {
        // Everything is new here, and comes in several batches.
        let sim = small_board().page_size(20).start().unwrap();
        let source = (&sim).into();
        let pull = |place: &Place| sync_of(place, &source, "stokt-to-mastoc", &["--full"]);
        let again =
            |place: &Place| if place.is_postgres() { Place::postgres().unwrap() } else { Place::sqlite() };
        let whole = again(&place);
        let (names, code) = points(pull(&whole));
        assert_eq!(code, Some(0));
        let batches: Vec<usize> = (0..names.len()).filter(|at| names[*at].starts_with("pull.")).collect();
        assert!(batches.len() >= 2, "{names:?}");
        let account = crate::support::board::served(&source).account;
        for at in batches {
            let cut = again(&place);
            assert!(killed_at(pull(&cut), at + 1));
            run(pull(&cut)).expect(0);
            assert_eq!(
                crate::support::board::records(&cut, source.gym, account),
                crate::support::board::records(&whole, source.gym, account)
            );
            assert_eq!(crate::support::board::created(&cut), crate::support::board::created(&whole));
            assert_eq!(cut.pictures(), whole.pictures());
        }
    }
}

#[test]
fn between_image_rename_and_row() {
    for place in Place::both() {
        // The picture is in its place, named by its hash, and no row speaks of it.
        let world = World::on(place);
        let fresh = if world.place.is_postgres() { Place::postgres().unwrap() } else { Place::sqlite() };
        for picture in world.place.pictures() {
            let to = fresh.data_dir().join("media").join(&picture);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(world.place.data_dir().join("media").join(&picture), to).unwrap();
        }
        let report = run(sync_of(&fresh, &world.source, "stokt-to-mastoc", &["--full"])).expect(0);
        assert_eq!(report.report["images"]["missing_wall_pictures"], 0);
        assert_eq!(fresh.pictures(), world.place.pictures());
        both_sides_agree(&fresh.store(), &world.sim);
        changes_nothing(sync_of(&fresh, &world.source, "stokt-to-mastoc", &["--full"]));
    }
}

#[test]
fn a_run_that_was_killed_leaves_no_lock_and_no_files() {
    for place in Place::both() {
        let (world, intents) = pending(place);
        let temporary = crate::support::quick_folder();
        let mut command = whole(&world, &world.place);
        command.env("TMPDIR", temporary.path());
        let nth = place_of(&world, "push.sent");
        let place = world.again();
        let mut killed = whole(&world, &place);
        killed.env("TMPDIR", temporary.path());
        assert!(killed_at(killed, nth));
        // What a killed process leaves in the temporary folder is the next run's to clear away.
        let mut next = whole(&world, &place);
        next.env("TMPDIR", temporary.path());
        assert!(matches!(run(next).finished.code, Some(0 | 1 | 3)));
        wait_until(|| crate::support::files_below(temporary.path()).is_empty().then_some(()));
        recovers(&world, &place, &intents);
    }
}
