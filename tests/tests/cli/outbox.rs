//! What was sent and never answered: listed, found out by looking, or settled by a person.

use mastoc_stokt_sim::{RetryAfter, Rule};
use mastoc_test_support::{Finished, Process};
use serde_json::{Value, json};

use crate::schema::{command, report};
use crate::support::world::World;
use crate::support::{LIMIT, one_line};

fn sync(world: &World, arguments: &[&str]) -> Finished {
    let mut program = world.place.program("mastoc-sync");
    program.args(arguments);
    Process::run(program, LIMIT)
}

/// What waits in the outbox, as the program lists it, with its exit code.
fn listed(world: &World) -> (Vec<Value>, Option<i32>) {
    let finished = sync(world, &["outbox", "--json"]);
    (command("outbox", &finished)["outbox"].as_array().unwrap().clone(), finished.code)
}

/// The one thing that waits.
#[track_caller]
fn only(world: &World, state: &str, code: i32) -> String {
    let (entries, found) = listed(world);
    assert_eq!((entries.len(), found), (1, Some(code)), "{entries:#?}");
    assert_eq!(
        (&entries[0]["state"], &entries[0]["name"]),
        (&json!(state), &json!("Home made")),
        "{entries:#?}"
    );
    entries[0]["id"].as_str().unwrap().to_owned()
}

/// A climb was sent, and a gateway answered in Stokt's place; `carried_out`: Stokt has it.
fn unanswered(world: &World, carried_out: bool) {
    world.create("Home made", 60);
    let rule = Rule::html_status(502).method("POST").times(1);
    world.sim.faults().push(if carried_out { rule.carried_out() } else { rule });
    report(world.run("mastoc-to-stokt", &["--all-local"]));
    assert_eq!(world.count_there("Home made"), usize::from(carried_out));
}

#[test]
fn an_empty_outbox_says_so() {
    let world = World::on(crate::support::Place::sqlite());
    assert_eq!(listed(&world), (vec![], Some(0)));
    assert_eq!(sync(&world, &["outbox"]).stdout, "nothing waits to be sent\n");
    let nobody = "0190f0a0-0000-7000-8000-000000000001";
    for more in [&["settle", nobody, "--not-created"][..], &["drop", nobody]] {
        let refused = sync(&world, &[&["outbox"], more].concat());
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("mastoc-sync outbox"), "{refused:?}");
    }
}

#[test]
fn a_person_says_which_of_several_climbs_it_is() {
    for world in World::both() {
        unanswered(&world, true);
        let id = only(&world, "unknown", 0);
        let text = sync(&world, &["outbox"]).stdout;
        assert!(text.contains(&id) && text.contains("outcome unknown"), "{text}");
        // Somebody sets the same at Stokt meanwhile: which is it?
        let holds = world.holds(60);
        let twin = world.sim.with_board(|board| board.add_climb("Home made", &holds, None)).to_string();
        let waiting = report(world.run("both", &["--full"]).expect(3));
        assert_eq!(waiting.report["decided"]["ambiguous"], 1, "{:#}", waiting.report);
        assert_eq!(only(&world, "ambiguous", 3), id);
        // It was told once; a mail every ten minutes would not help.
        let mut quiet = world.sync("both", &["--quiet"]);
        quiet.env("MASTOC_UNKNOWN_SETTLE", "0");
        let quiet = Process::run(quiet, LIMIT);
        assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (Some(3), "", ""));
        let told = sync(&world, &["outbox"]).stdout;
        assert!(told.contains("a person decides"), "{told}");
        let unsaid = sync(&world, &["outbox", "settle", &id]);
        assert!(unsaid.code == Some(2) && unsaid.stderr.contains("--adopt"), "{unsaid:?}");
        let both = sync(&world, &["outbox", "settle", &id, "--adopt", &twin, "--not-created"]);
        assert_eq!(both.code, Some(2), "{both:?}");
        let settled = sync(&world, &["outbox", "settle", &id, "--adopt", &twin, "--json"]);
        let value = command("outbox_settle", &settled);
        assert_eq!((&value["settled"], &value["stokt_id"]), (&json!("adopted"), &json!(twin)), "{value:#}");
        assert_eq!(world.here("Home made").stokt_id.unwrap().to_string(), twin);
        assert_eq!(listed(&world), (vec![], Some(0)));
        // The other is a climb of its own, and nothing is sent again.
        report(world.run("both", &["--full", "--all-local"]).expect(0));
        assert_eq!(world.count_there("Home made"), 2);
        let again = sync(&world, &["outbox", "settle", &id, "--not-created"]);
        one_line(&again, 2, &["nothing to settle"]);
    }
}

#[test]
fn a_person_says_that_it_was_not_created() {
    for world in World::both() {
        unanswered(&world, false);
        let id = only(&world, "unknown", 0);
        let settled =
            command("outbox_settle", &sync(&world, &["outbox", "settle", &id, "--not-created", "--json"]));
        assert_eq!((&settled["settled"], &settled["stokt_id"]), (&json!("not_created"), &Value::Null));
        assert_eq!(only(&world, "pending", 0), id);
        // It was chosen once; the next run that sends goes on.
        report(world.run("mastoc-to-stokt", &[]).expect(0));
        assert_eq!((world.count_there("Home made"), listed(&world).0.len()), (1, 0));
        world.agree();
    }
}

#[test]
fn what_waits_is_called_off() {
    for world in World::both() {
        world.create("Home made", 60);
        let slower = Rule::throttle(RetryAfter::Seconds(0)).method("POST").not_carried_out();
        world.sim.faults().push(slower);
        report(world.run("mastoc-to-stokt", &["--all-local"]));
        world.sim.faults().clear();
        let id = only(&world, "pending", 0);
        let dropped = sync(&world, &["outbox", "drop", &id, "--json"]);
        assert_eq!(command("outbox_drop", &dropped)["name"], "Home made", "{dropped:?}");
        report(world.run("both", &["--full"]).expect(0));
        assert_eq!((world.count_there("Home made"), listed(&world).0.len()), (0, 0));
        let again = sync(&world, &["outbox", "drop", &id]);
        one_line(&again, 2, &["does not wait any more"]);
    }
}
