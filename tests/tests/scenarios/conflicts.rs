//! Conflicts: what both sides changed is merged, or kept on both until a person decides.

use mastoc_domain::sync_state::SyncState;
use mastoc_test_support::Process;
use serde_json::{Value, json};

use crate::support::world::World;
use crate::support::{LIMIT, local};

/// Everything, both ways.
const WHOLE: &[&str] = &["--full", "--all-local"];

#[test]
fn different_fields_merge() {
    for world in World::both() {
        world.edit("Own 1", |climb| climb.feet_rule = Some("No foot".into()));
        world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Own 1, renamed there"))));
        world.run("both", WHOLE).expect(0);
        assert_eq!(world.here("Own 1, renamed there").feet_rule.as_deref(), Some("No foot"));
        assert_eq!(world.there("Own 1, renamed there")["feetRule"], "No foot");
        world.agree();
    }
}

#[test]
fn a_merge_by_a_pull_alone_is_sent_by_the_next_push() {
    for world in World::both() {
        let holds = world.holds(40);
        world.edit("Own 2", |climb| climb.holds_list.clone_from(&holds));
        world.edit_there("Own 2", |climb| drop(climb.insert("feetRule".into(), json!("No foot"))));
        world.run("stokt-to-mastoc", &[]).expect(0);
        let merged = world.here("Own 2");
        assert_eq!(
            (merged.holds_list.as_str(), merged.feet_rule.as_deref()),
            (holds.as_str(), Some("No foot"))
        );
        assert_eq!(merged.sync_state, SyncState::Modified);
        assert_ne!(world.there("Own 2")["holdsList"], json!(holds));
        world.run("mastoc-to-stokt", &[]).expect(0);
        world.agree();
    }
}

#[test]
fn same_field_keeps_both() {
    for world in World::both() {
        world.edit("Own 1", |climb| climb.name = "Ours".into());
        world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Theirs"))));
        for _ in 0..2 {
            world.run("both", WHOLE).expect(3);
            assert_eq!(world.here("Ours").sync_state, SyncState::Conflict);
            assert_eq!(world.count_there("Theirs"), 1);
        }
        assert_eq!(world.changing_requests(), Vec::<String>::new(), "nothing is sent while it waits");
        // What is merged besides waits for nobody.
        world.edit_there("Own 3", |climb| drop(climb.insert("name".into(), json!("Own 3, renamed"))));
        world.run("both", WHOLE).expect(3);
        assert_eq!(world.here("Own 3, renamed").sync_state, SyncState::Synced);
    }
}

/// The conflicts that wait, as the program shows them.
fn waiting(world: &World) -> Vec<Value> {
    let mut command = world.place.program("mastoc-sync");
    command.args(["conflicts", "--json"]);
    let finished = Process::run(command, LIMIT);
    let shown: Value = serde_json::from_str(&finished.stdout).unwrap();
    let waiting = shown["conflicts"].as_array().unwrap().clone();
    assert_eq!(finished.code, Some(if waiting.is_empty() { 0 } else { 3 }));
    waiting
}

/// A person settles the one conflict.
fn resolve(world: &World, take: &str) {
    let [conflict] = waiting(world).try_into().unwrap();
    let mut command = world.place.program("mastoc-sync");
    command.args(["resolve", conflict["id"].as_str().unwrap(), "--take", take]);
    let finished = Process::run(command, LIMIT);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(waiting(world), Vec::<Value>::new());
}

#[test]
fn a_person_settles_what_both_sides_changed() {
    for (take, name) in [("stokt", "Theirs"), ("mastoc", "Ours")] {
        for world in World::both() {
            world.edit("Own 1", |climb| climb.name = "Ours".into());
            world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Theirs"))));
            world.run("both", WHOLE).expect(3);
            let [conflict] = waiting(&world).try_into().unwrap();
            assert_eq!(
                (&conflict["mastoc"]["name"], &conflict["stokt"]["name"]),
                (&json!("Ours"), &json!("Theirs"))
            );
            resolve(&world, take);
            world.run("both", WHOLE).expect(0);
            assert_eq!(
                (world.here(name).sync_state, world.count_there(name)),
                (SyncState::Synced, 1),
                "{take}"
            );
            world.agree();
        }
    }
}

/// Twice everything, both ways, with these exit codes.
#[track_caller]
fn twice(world: &World, codes: [i32; 2]) {
    for code in codes {
        let mut command = world.sync("both", &["--full", "--allow-delete"]);
        command.env("MASTOC_GONE_AFTER", "0");
        crate::support::run(command).expect(code);
    }
}

#[test]
fn a_person_settles_what_was_edited_here_and_is_gone_there() {
    for take in ["stokt", "mastoc"] {
        for world in World::both() {
            world.edit("Own 1", |climb| climb.name = "Edited here".into());
            world.delete_there("Own 1");
            twice(&world, [0, 3]);
            resolve(&world, take);
            twice(&world, [0, 0]);
            assert_eq!(world.changing_requests(), Vec::<String>::new(), "it is not created again by itself");
            let kept = world.here("Edited here");
            let state = if take == "stokt" { SyncState::Archived } else { SyncState::Local };
            assert_eq!(kept.sync_state, state);
            // Nor with all that never was there: somebody there deleted it. It has to be chosen itself.
            world.run("both", WHOLE).expect(0);
            assert_eq!(world.count_there("Edited here"), 0);
            if take == "mastoc" {
                world.run("both", &["--climb-ids", &kept.id.to_string()]).expect(0);
                assert_eq!(world.count_there("Edited here"), 1, "once it is chosen");
            }
            world.agree();
        }
    }
}

#[test]
fn a_person_settles_what_was_deleted_here_and_edited_there() {
    for take in ["stokt", "mastoc"] {
        for world in World::both() {
            world.delete("Own 1");
            world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Edited there"))));
            twice(&world, [3, 3]);
            resolve(&world, take);
            twice(&world, [0, 0]);
            world.run("both", WHOLE).expect(0);
            assert_eq!(world.count_there("Edited there"), usize::from(take == "stokt"));
            world.agree();
        }
    }
}

#[test]
fn a_policy_settles_what_would_wait() {
    for (policy, name) in [("stokt", "Theirs"), ("mastoc", "Ours")] {
        for world in World::both() {
            world.edit("Own 1", |climb| climb.name = "Ours".into());
            world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Theirs"))));
            world.run("both", &["--full", "--conflict", policy]).expect(0);
            assert_eq!(world.here(name).sync_state, SyncState::Synced, "{policy}");
            world.agree();
        }
    }
}

#[test]
fn a_privacy_conflict_resolves_to_private() {
    for world in World::both() {
        world.edit("Own 1", |climb| climb.is_private = true);
        world.run("both", WHOLE).expect(0);
        assert_eq!(world.there("Own 1")["isPrivate"], true);
        // Both sides agree that it is private; here it is shown, there it was renamed and stays hidden.
        world.edit("Own 2", |climb| climb.is_private = true);
        world.edit_there("Own 2", |climb| drop(climb.insert("name".into(), json!("Own 2, renamed"))));
        world.run("both", WHOLE).expect(0);
        assert!(world.here("Own 2, renamed").is_private);
        assert_eq!(world.there("Own 2, renamed")["isPrivate"], true);
        world.agree();
    }
}

#[test]
fn identical_edits_converge() {
    for world in World::both() {
        world.edit("Own 1", |climb| climb.name = "Éclair".into());
        // The same name, composed differently; the same holds in another order.
        let holds = world.here("Own 2").holds_list;
        let turned: Vec<&str> = holds.split(' ').rev().collect();
        let other = world.holds(41);
        world.edit("Own 2", |climb| climb.holds_list.clone_from(&other));
        let other_turned: Vec<&str> = other.split(' ').rev().collect();
        world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("E\u{301}clair"))));
        world.edit_there("Own 2", |climb| {
            drop(climb.insert("holdsList".into(), json!(other_turned.join(" "))))
        });
        assert_ne!(turned, other_turned);
        world.run("both", WHOLE).expect(0);
        assert_eq!(world.changing_requests(), Vec::<String>::new());
        world.agree();
    }
}

#[test]
fn a_local_edit_during_post_stays_dirty() {
    for world in World::both() {
        let id = world.create("Before", 50).id;
        let store = world.store();
        let edited = mastoc_stokt_sim::Rule::change(move |_| {
            assert!(local::edit(&store, id, |climb| climb.name = "During".into()));
        });
        let rule = world.sim.faults().push(edited.method("POST").times(1));
        let report = world.run("both", WHOLE);
        report.expect(0);
        assert_eq!(world.sim.faults().hits_of(rule), 1);
        let climb = world.here("During");
        assert_eq!((climb.id, climb.sync_state), (id, SyncState::Modified));
        assert_eq!(climb.stokt_id.map(|id| id.0), Some(world.key("Before")));
        world.run("both", WHOLE).expect(0);
        assert_eq!((world.count_there("Before"), world.count_there("During")), (0, 1));
        world.agree();
    }
}

#[test]
fn pull_then_push_changes_nothing() {
    for world in World::both() {
        let before = world.sim.with_board(|board| board.climbs());
        world.sim.forget_requests();
        for direction in ["stokt-to-mastoc", "mastoc-to-stokt", "both"] {
            for whole in [&["--full", "--all-local"][..], &["--all-local"]] {
                let report = world.run(direction, whole).expect(0);
                assert_eq!((report.sum("created"), report.sum("updated")), (0, 0), "{direction} {whole:?}");
            }
        }
        assert_eq!(world.changing_requests(), Vec::<String>::new());
        assert_eq!(world.sim.with_board(|board| board.climbs()), before);
        world.agree();
    }
}

#[test]
fn a_climb_of_another_setter_is_never_pushed() {
    for world in World::both() {
        world.edit("Other 1", |climb| climb.name = "Mine now".into());
        world.delete("Other 2");
        world.run("both", &["--full", "--all-local", "--allow-delete"]).expect(0);
        assert_eq!(world.changing_requests(), Vec::<String>::new());
        assert_eq!(world.here("Mine now").sync_state, SyncState::Modified, "it stays here");
        assert_eq!((world.count_there("Other 1"), world.count_there("Other 2")), (1, 1));
    }
}

#[test]
fn what_was_sent_from_here_is_ours_to_edit_and_delete() {
    for world in World::both() {
        world.create("From here", 50);
        world.run("both", WHOLE).expect(0);
        world.edit("From here", |climb| climb.name = "From here, edited".into());
        world.edit_there("From here", |climb| drop(climb.insert("feetRule".into(), json!("No foot"))));
        world.run("both", WHOLE).expect(0);
        world.agree();
        assert_eq!(world.there("From here, edited")["feetRule"], "No foot");
        world.delete("From here, edited");
        world.run("both", &["--full", "--allow-delete"]).expect(0);
        assert_eq!(world.count_there("From here, edited"), 0);
        world.agree();
    }
}

#[test]
fn what_stokt_does_not_permit_is_told_and_nothing_is_lost() {
    for world in World::both() {
        let key = world.key("Own 1");
        world.sim.with_board(|board| assert!(board.send_climb(key)));
        let holds = world.holds(42);
        world.edit("Own 1", |climb| climb.holds_list.clone_from(&holds));
        world.edit("Own 2", |climb| climb.name = "Own 2, renamed".into());
        let report = world.run("both", WHOLE);
        assert_eq!(report.finished.code, Some(1), "{}", report.finished.stdout);
        assert_eq!(world.count_there("Own 2, renamed"), 1, "the others are not held up");
        let kept = world.here("Own 1");
        assert_eq!((kept.holds_list, kept.sync_state), (holds, SyncState::Modified));
    }
}
