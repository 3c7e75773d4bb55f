//! What was changed here and cannot be sent: another setter's climb, or one that Stokt does not list. Each run that
//! sends says so, whatever else was asked for.

use mastoc_domain::sync_state::SyncState;
use mastoc_test_support::{Finished, Process};
use serde_json::{Value, json};

use crate::schema::{command, report};
use crate::support::world::World;
use crate::support::{Imported, LIMIT, reported};

/// A run for which hours pass as quickly as it likes.
fn run(world: &World, direction: &str, more: &[&str]) -> Imported {
    let mut command = world.sync(direction, more);
    command.arg("--json").env("MASTOC_GONE_AFTER", "0");
    report(reported(Process::run(command, LIMIT)))
}

fn sync(world: &World, arguments: &[&str]) -> Finished {
    let mut program = world.place.program("mastoc-sync");
    program.args(arguments);
    Process::run(program, LIMIT)
}

/// What a run says of the climbs that it passes over.
fn passed_over(run: &Imported) -> Vec<(&str, &str)> {
    let decisions = run.report["decisions"].as_array().unwrap().iter();
    let skipped = decisions.filter(|one| one["decision"] == "skipped");
    skipped.map(|one| (one["name"].as_str().unwrap(), one["why"].as_str().unwrap())).collect()
}

/// Insists that one climb is passed over, and why, and that nothing is sent.
#[track_caller]
fn says(world: &World, direction: &str, more: &[&str], code: i32, name: &str, why: &str) {
    let done = run(world, direction, more).expect(code);
    let told = passed_over(&done);
    assert!(
        told.len() == 1 && told[0].0 == name && told[0].1.contains(why),
        "{direction} {more:?}: {told:?}\n{:#}",
        done.report
    );
    assert_eq!(world.changing_requests(), Vec::<String>::new());
}

#[test]
fn a_changed_climb_of_another_setter_is_told_by_every_run_that_sends() {
    for world in World::both() {
        world.edit("Other 1", |climb| climb.name = "Ours now".into());
        let id = world.here("Ours now").id.to_string();
        for direction in ["mastoc-to-stokt", "both"] {
            for more in [&[][..], &["--full"], &["--climb-ids", &id], &["--all-local", "--dry-run"]] {
                says(
                    &world,
                    direction,
                    more,
                    0,
                    "Ours now",
                    "another setter's climb: changes to it stay here",
                );
            }
            let text = Process::run(world.sync(direction, &[]), LIMIT).stdout;
            assert!(text.contains("not done by this run: 1\n  Ours now (climb "), "{text}");
            assert!(!text.contains("nothing changed"), "{text}");
        }
        // It waits for nobody: no mail every ten minutes.
        let quiet = Process::run(world.sync("both", &["--quiet"]), LIMIT);
        assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (Some(0), "", ""));
        // A pull alone sends nothing, and what is private is not named.
        assert_eq!(passed_over(&run(&world, "stokt-to-mastoc", &[]).expect(0)), []);
        world.edit("Ours now", |climb| climb.is_private = true);
        let secret = run(&world, "mastoc-to-stokt", &[]).expect(0).report;
        assert!(!secret.to_string().contains("Ours now"), "{secret:#}");
        assert_eq!(secret["decided"]["skipped"], 1, "{secret:#}");
        // What Stokt has as well by now is nothing to be sent.
        world.edit("Ours now", |climb| climb.is_private = false);
        world.edit_there("Other 1", |climb| drop(climb.insert("name".into(), json!("Ours now"))));
        assert_eq!(passed_over(&run(&world, "mastoc-to-stokt", &[]).expect(0)), []);
    }
}

#[test]
fn a_changed_climb_that_stokt_does_not_list_waits_and_the_run_says_why() {
    for world in World::both() {
        world.edit("Own 1", |climb| climb.name = "Changed here".into());
        world.delete_there("Own 1");
        let id = world.here("Changed here").id.to_string();
        let (unseen, missing, gone) =
            ("run with --full", "does not list it at present", "it is gone from Stokt");
        let says =
            |direction, more: &[&str], code, why| says(&world, direction, more, code, "Changed here", why);
        for direction in ["mastoc-to-stokt", "both"] {
            says(direction, &[], 0, unseen);
            says(direction, &["--climb-ids", &id], 0, unseen);
        }
        // A push counts no absence, however often it looks.
        for more in [&["--full"][..], &["--full", "--climb-ids", &id], &["--full", "--dry-run"]] {
            says("mastoc-to-stokt", more, 0, missing);
        }
        // The first that counts.
        says("both", &["--full"], 0, missing);
        says("mastoc-to-stokt", &[], 0, unseen);
        for more in [&["--full"][..], &["--full", "--climb-ids", &id]] {
            says("mastoc-to-stokt", more, 0, gone);
        }
        // The second that counts makes a conflict of it.
        says("both", &["--full"], 3, "a conflict about it waits");
        says("mastoc-to-stokt", &["--full"], 3, "a conflict about it waits");
        assert_eq!(world.here("Changed here").sync_state, SyncState::Conflict);
        assert_eq!(world.count_there("Changed here"), 0);
    }
}

/// The conflicts that wait.
fn waiting(world: &World) -> Vec<Value> {
    command("conflicts", &sync(world, &["conflicts", "--json"]))["conflicts"].as_array().unwrap().clone()
}

#[test]
fn what_is_changed_after_it_was_archived_is_a_conflict() {
    for world in World::both() {
        let raw = world.there("Own 1").as_object().unwrap().clone();
        world.delete_there("Own 1");
        for _ in 0..2 {
            run(&world, "stokt-to-mastoc", &["--full"]).expect(0);
        }
        assert_eq!(world.here("Own 1").sync_state, SyncState::Archived);
        let whole = || run(&world, "both", &["--full"]);
        assert_eq!(whole().expect(0).report["decided"], json!({}));
        world.edit("Own 1", |climb| climb.name = "Changed later".into());
        says(&world, "mastoc-to-stokt", &[], 0, "Changed later", "it is gone from Stokt");
        // Told once, whoever runs, and not counted among what is archived by each of them.
        let dry = run(&world, "both", &["--full", "--dry-run"]).expect(0).report;
        let found = run(&world, "both", &["--full", "--max-delete", "0"]).expect(3).report;
        assert_eq!((&dry["decided"]["conflict"], &found["decided"]["conflict"]), (&json!(1), &json!(1)));
        assert_eq!(whole().expect(3).report["decided"].get("conflict"), None);
        let conflicts = waiting(&world);
        assert_eq!((conflicts.len(), &conflicts[0]["kind"]), (1, &json!("gone")), "{conflicts:#?}");
        // Stokt's word: archived, and that is that.
        let id = conflicts[0]["id"].as_str().unwrap();
        assert_eq!(sync(&world, &["resolve", id, "--take", "stokt"]).code, Some(0));
        assert_eq!(world.here("Changed later").sync_state, SyncState::Archived);
        for _ in 0..2 {
            assert_eq!(whole().expect(0).report["decided"], json!({}));
        }
        // Ours, after another change: it is a local climb.
        world.edit("Changed later", |climb| climb.feet_rule = Some("No foot".into()));
        whole().expect(3);
        let id = waiting(&world)[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(sync(&world, &["resolve", &id, "--take", "mastoc"]).code, Some(0));
        assert_eq!(world.here("Changed later").sync_state, SyncState::Local);
        whole().expect(0);
        assert_eq!(world.changing_requests(), Vec::<String>::new());
        // What comes back comes as a new one, then.
        world.sim.with_board(|board| board.add_raw_climb(raw));
        assert_eq!(whole().expect(0).report["decided"], json!({ "created": 1 }));
        assert_eq!(sync(&world, &["verify"]).code, Some(0));
    }
}

#[test]
fn what_was_changed_before_it_was_archived_is_sent_when_it_is_there_again() {
    for world in World::both() {
        let raw = world.there("Own 1").as_object().unwrap().clone();
        world.edit("Own 1", |climb| climb.name = "Changed here".into());
        world.delete_there("Own 1");
        for _ in 0..3 {
            run(&world, "stokt-to-mastoc", &["--full", "--conflict", "stokt"]).expect(0);
        }
        assert_eq!(world.here("Changed here").sync_state, SyncState::Archived);
        // The policy settled it: no later run asks again.
        assert_eq!(run(&world, "both", &["--full"]).expect(0).report["decided"], json!({}));
        world.sim.with_board(|board| board.add_raw_climb(raw));
        let back = run(&world, "both", &["--full"]).expect(0).report;
        assert_eq!((&back["decided"]["unarchived"], &back["decided"]["patched"]), (&json!(1), &json!(1)));
        assert_eq!((world.count_there("Changed here"), world.count_there("Own 1")), (1, 0));
        world.agree();
    }
}
