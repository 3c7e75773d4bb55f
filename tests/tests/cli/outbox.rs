//! What was sent and never answered: listed, found out by looking, or settled by a person.

use mastoc_stokt_sim::{RetryAfter, Rule};
use mastoc_test_support::{Finished, Process};
use serde_json::{Value, json};

use crate::flags::list;
use crate::schema::{command, report};
use crate::support::world::{World, sync_of};
use crate::support::{LIMIT, Place, one_line, run};

fn sync(world: &World, arguments: &[&str]) -> Finished {
    let mut program = world.place.program("mastoc-sync");
    program.args(arguments);
    Process::run(program, LIMIT)
}

/// The same where Stokt can be asked.
fn asking(world: &World, arguments: &[&str]) -> Finished {
    let mut program = world.place.program("mastoc-sync");
    program.args(arguments).env("STOKT_URL", &world.source.url).env("STOKT_TOKEN", &world.source.token);
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
        // A slip of the hand does nothing: what is adopted is the account's at Stokt, and linked to no other climb.
        let (nobody, other) = ("11111111-2222-4333-8444-555555555555", world.key("Other 1").to_string());
        for wrong in [nobody, &other] {
            let refused = asking(&world, &["outbox", "settle", &id, "--adopt", wrong]);
            one_line(&refused, 2, &["shows this account no climb", wrong, "one just like it is"]);
        }
        let linked = world.key("Own 1").to_string();
        let refused = asking(&world, &["outbox", "settle", &id, "--adopt", &linked]);
        one_line(&refused, 2, &["is linked to another already"]);
        // Only Stokt knows which are there.
        let alone = sync(&world, &["outbox", "settle", &id, "--adopt", &twin]);
        one_line(&alone, 2, &["Stokt is asked", "STOKT_TOKEN"]);
        assert_eq!(only(&world, "ambiguous", 3), id);
        let settled = asking(&world, &["outbox", "settle", &id, "--adopt", &twin, "--json"]);
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

/// A command of ours on a place, where Stokt can be asked.
fn on(world: &World, place: &Place, arguments: &[&str]) -> Finished {
    let mut program = place.program("mastoc-sync");
    program.args(arguments).env("STOKT_URL", &world.source.url).env("STOKT_TOKEN", &world.source.token);
    Process::run(program, LIMIT)
}

/// What is held back on a place, by kind: the ways out as they are told.
#[track_caller]
fn ways_out(world: &World, place: &Place, kind: &str) -> Vec<String> {
    let listed = command("outbox", &on(world, place, &["outbox", "--json"]));
    let held: Vec<&Value> =
        listed["outbox"].as_array().unwrap().iter().filter(|one| one["kind"] == kind).collect();
    assert_eq!(held.len(), 1, "{listed:#}");
    assert_eq!((&held[0]["state"], &held[0]["held_back"]), (&json!("ambiguous"), &json!(true)), "{listed:#}");
    held[0]["remedies"].as_array().unwrap().iter().map(|way| way.as_str().unwrap().to_owned()).collect()
}

/// Types what was told.
fn typed(world: &World, place: &Place, command: &str) -> Finished {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("mastoc-sync"), "{command}");
    on(world, place, &words.collect::<Vec<_>>())
}

#[test]
fn what_a_restored_backup_does_not_know_to_be_sent_is_held_back_until_a_person_says_what_it_is() {
    for world in World::both() {
        let id = list(&world, "Projects").to_string();
        let [first, second, third] = std::array::from_fn(|_| world.place.copy());
        report(world.run("both", &["--list", &id]).expect(0));
        let lists = || {
            let requests = world.sim.requests();
            requests.iter().filter(|one| one.method == "POST" && one.path.starts_with("/api/users/")).count()
        };
        let there = || (world.count_there("Home made"), lists());
        assert_eq!(there(), (1, 1));
        let again = |place: &Place, more: &[&str]| {
            report(run(sync_of(place, &world.source, "both", &[&["--list", &id], more].concat())))
        };
        for place in [&first, &second, &third] {
            let dry = again(place, &["--dry-run"]).expect(0);
            assert_eq!(
                (&dry.report["decided"]["held_back"], &dry.report["decided"]["sent"]),
                (&json!(2), &Value::Null),
                "{:#}",
                dry.report
            );
            let held = again(place, &[]).expect(3);
            let decided = |what: &str| &held.report["decided"][what];
            assert_eq!(
                (decided("held_back"), decided("sent"), decided("created")),
                (&json!(2), &Value::Null, &Value::Null),
                "{:#}",
                held.report
            );
            // It is news once; then it is told to whoever looks, and in full.
            let quiet =
                Process::run(sync_of(place, &world.source, "both", &["--list", &id, "--quiet"]), LIMIT);
            assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (Some(3), "", ""));
            let told = Process::run(sync_of(place, &world.source, "both", &["--list", &id]), LIMIT).stdout;
            let shown = on(&world, place, &["outbox"]).stdout;
            assert!(
                !shown.contains("several at Stokt") && shown.contains("held back and not sent"),
                "{shown}"
            );
            for way in ways_out(&world, place, "climb").iter().chain(&ways_out(&world, place, "list")) {
                assert!(told.contains(way) && shown.contains(way), "{way}\n{told}\n{shown}");
            }
            for kind in ["climb", "list"] {
                let way = ways_out(&world, place, kind).remove(0);
                let entry = way.split_whitespace().nth(3).unwrap();
                let refused = on(&world, place, &["outbox", "settle", entry, "--not-created"]);
                one_line(
                    &refused,
                    2,
                    &["was never sent", "--adopt", if kind == "climb" { "--climb-ids" } else { "--send" }],
                );
                let slip = "11111111-2222-4333-8444-555555555555";
                let refused = on(&world, place, &["outbox", "settle", entry, "--adopt", slip]);
                one_line(&refused, 2, &[slip, "one just like it is"]);
            }
            assert_eq!(there(), (1, 1));
        }
        // They are the same.
        for kind in ["climb", "list"] {
            assert_eq!(typed(&world, &first, &ways_out(&world, &first, kind)[0]).code, Some(0), "{kind}");
        }
        again(&first, &[]).expect(0);
        assert_eq!(there(), (1, 1));
        // They are others, and not to be sent.
        for kind in ["climb", "list"] {
            let done = typed(&world, &third, ways_out(&world, &third, kind).last().unwrap());
            assert!(done.code == Some(0) && done.stdout.contains("called off"), "{kind}: {done:?}");
        }
        let full = sync_of(&third, &world.source, "both", &["--full", "--all-local"]);
        let report = report(run(full).expect(0)).report;
        assert_eq!(
            (&report["decided"]["created"], &report["decided"]["skipped"], there()),
            (&json!(1), &json!(1), (1, 1)),
            "{report:#}"
        );
        // They are others.
        for kind in ["climb", "list"] {
            let done = typed(&world, &second, &ways_out(&world, &second, kind)[1]);
            assert!(matches!(done.code, Some(0 | 3)), "{kind}: {done:?}");
        }
        again(&second, &[]).expect(0);
        assert_eq!(there(), (2, 2));
    }
}
