//! Plans: a dry run writes one, it is carried out once and as it is, and refused when it is not what would be done.

use mastoc_test_support::{Finished, Process};
use serde_json::{Value, json};

use crate::schema::report;
use crate::support::world::{World, sync_of};
use crate::support::{LIMIT, Place, one_line, reported};

/// Two changes, one on each side, and a plan for them.
fn planned(world: &World) -> Value {
    world.create("Home made", 60);
    world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Renamed there"))));
    let before = world.sim.requests().len();
    let dry = world.run("both", &["--full", "--all-local", "--dry-run", "--plan", "plan.json"]);
    let dry = report(dry.expect(0));
    assert!(world.sim.requests()[before..].iter().all(|request| request.method == "GET"));
    assert_eq!((world.count_there("Home made"), world.here("Own 1").name.as_str()), (0, "Own 1"));
    dry.report
}

/// Carries out the plan in the folder of a place, with settings in the environment only.
fn apply(world: &World, place: &Place, more: &[&str]) -> Finished {
    let mut command = place.program("mastoc-sync");
    command.args(["--apply-plan", "plan.json"]).args(more).current_dir(world.place.folder());
    command.env("STOKT_URL", &world.source.url).env("STOKT_TOKEN", &world.source.token);
    Process::run(command, LIMIT)
}

#[test]
fn a_plan_is_carried_out_as_it_was_shown_and_once() {
    for world in World::both() {
        let dry = planned(&world);
        let file = world.place.folder().join("plan.json");
        let plan: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!((&plan["state"], &plan["plan"]["decisions"]), (&dry["plan"], &dry["decisions"]));
        let done = report(reported(apply(&world, &world.place, &["--json"])).expect(0)).report;
        assert_eq!(done["decided"], dry["decided"], "{done:#}");
        assert_eq!(
            (world.count_there("Home made"), world.here("Renamed there").name.as_str()),
            (1, "Renamed there")
        );
        world.agree();
        // Applied again, it is not what would be done any more.
        let again = report(reported(apply(&world, &world.place, &["--json"])).expect(4)).report;
        assert!(again["error"].as_str().unwrap().contains("Make a new plan"), "{again:#}");
        assert_eq!(world.count_there("Home made"), 1);
    }
}

#[test]
fn a_stale_plan_is_refused_whichever_side_moved_on() {
    type Moves = fn(&World);
    let moves: [(&str, Moves); 4] = [
        ("a person edits here", |world| {
            world.edit("Own 1", |climb| climb.feet_rule = Some("No foot".into()))
        }),
        ("a person sets another here", |world| drop(world.create("One more", 61))),
        ("a person edits there", |world| {
            world.edit_there("Own 4", |climb| drop(climb.insert("name".into(), json!("Renamed again"))))
        }),
        ("a person deletes here", |world| world.delete("Own 5")),
    ];
    for place in Place::both() {
        let world = World::on(place);
        planned(&world);
        let plan = world.place.folder().join("plan.json");
        for (what, moves) in moves {
            let before = world.sim.requests().len();
            moves(&world);
            let refused = apply(&world, &world.place, &[]);
            one_line(&refused, 4, &["not what the plan says any more", "nothing was written"]);
            assert!(world.sim.requests()[before..].iter().all(|request| request.method == "GET"), "{what}");
            assert_eq!(
                (world.count_there("Home made"), world.here("Own 1").name.as_str()),
                (0, "Own 1"),
                "{what}"
            );
            let dry = world.run("both", &["--full", "--all-local", "--dry-run", "--plan", "plan.json"]);
            dry.expect(0);
            assert!(plan.exists());
        }
    }
}

#[test]
fn a_plan_that_was_edited_or_made_for_another_board_is_refused_before_anything_is_asked() {
    let world = World::on(Place::sqlite());
    planned(&world);
    let file = world.place.folder().join("plan.json");
    let whole = std::fs::read_to_string(&file).unwrap();
    let before = world.sim.requests().len();
    for (text, says) in [
        (whole.replace("Home made", "Home-made"), "is no plan"),
        (whole[..whole.len() / 2].to_owned(), "is no plan"),
        (String::new(), "is no plan"),
        ("{}".to_owned(), "is no plan"),
    ] {
        std::fs::write(&file, text).unwrap();
        one_line(&apply(&world, &world.place, &[]), 2, &[says, "--dry-run --plan"]);
    }
    std::fs::write(&file, &whole).unwrap();
    one_line(&apply(&world, &Place::sqlite(), &[]), 2, &["the plan was made for the board in"]);
    one_line(&apply(&world, &world.place, &["--gone-after", "1"]), 2, &["--gone-after"]);
    // What a plan says itself is not said again, and a plan needs a dry run.
    let beside = apply(&world, &world.place, &["--direction", "both"]);
    assert_eq!(beside.code, Some(2), "{beside:?}");
    let wet = Process::run(sync_of(&world.place, &world.source, "both", &["--plan", "other.json"]), LIMIT);
    assert_eq!(wet.code, Some(2), "{wet:?}");
    std::fs::remove_file(&file).unwrap();
    one_line(&apply(&world, &world.place, &[]), 2, &["cannot read the plan"]);
    assert_eq!(world.sim.requests().len(), before, "Stokt was not asked");
    assert_eq!(world.count_there("Home made"), 0);
}
