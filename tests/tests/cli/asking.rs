//! What is asked of Stokt beside a run: personal lists, and the counters of single climbs.

use mastoc_test_support::{Finished, Process};
use serde_json::json;

use crate::schema::command;
use crate::support::LIMIT;
use crate::support::world::World;

/// A command that asks Stokt.
fn ask(world: &World, arguments: &[&str]) -> Finished {
    let mut program = world.place.program("mastoc-sync");
    program.args(["--stokt-url", &world.source.url]).env("STOKT_TOKEN", &world.source.token).args(arguments);
    Process::run(program, LIMIT)
}

#[test]
fn lists_and_counters_come_when_they_are_asked_for() {
    for world in World::both() {
        let first = command("lists", &ask(&world, &["lists", "--json"]));
        let lists = first["lists"].as_array().unwrap();
        assert!(!lists.is_empty() && lists.iter().all(|list| list["outcome"] == "created"), "{first:#}");
        let again = ask(&world, &["lists"]);
        assert_eq!(again.code, Some(0), "{again:?}");
        assert_eq!(again.stdout.matches(": as before, 0 in, 0 out").count(), lists.len(), "{again:?}");

        let own = world.here("Own 1").id.to_string();
        let local = world.create("Home made", 60).id.to_string();
        let told = command("counters", &ask(&world, &["counters", &own, "--json"]));
        assert_eq!(told["climbs"][0]["climb"], json!(own), "{told:#}");
        let told = ask(&world, &["counters", &own, &local]);
        assert_eq!(told.code, Some(1), "one is not at Stokt: {told:?}");
        assert!(
            told.stdout.contains("Own 1: climbed by ") && told.stdout.contains("Home made: Stokt does not")
        );
        command("counters", &ask(&world, &["counters", &local, "--json"]));
        // Neither is a reason for a run to do anything.
        assert_eq!(world.run("stokt-to-mastoc", &["--full"]).expect(0).report["decisions"], json!([]));
    }
}

#[test]
fn without_a_board_or_a_token_nothing_is_asked() {
    let world = World::on(crate::support::Place::sqlite());
    let mut program = world.place.program("mastoc-sync");
    program.args(["lists", "--stokt-url", &world.source.url]).env("STOKT_TOKEN", "0".repeat(40));
    assert_eq!(Process::run(program, LIMIT).code, Some(5));
    let nowhere = crate::support::Place::sqlite();
    let mut program = nowhere.program("mastoc-sync");
    program.args(["lists", "--stokt-url", &world.source.url]).env("STOKT_TOKEN", &world.source.token);
    assert_eq!(Process::run(program, LIMIT).code, Some(2));
}
