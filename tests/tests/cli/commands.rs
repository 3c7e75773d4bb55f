//! The commands beside a run: how it stands, which runs there were, what waits, whether all is well, and letting go.

use mastoc_domain::sync_state::SyncState;
use mastoc_test_support::{Finished, Process};
use serde_json::{Value, json};

use crate::schema::{command, report};
use crate::support::world::World;
use crate::support::{LIMIT, Place, one_line, program};

fn sync(world: &World, arguments: &[&str]) -> Finished {
    let mut program = world.place.program("mastoc-sync");
    program.args(arguments);
    Process::run(program, LIMIT)
}

#[test]
fn status_and_history_tell_of_the_runs() {
    for world in World::both() {
        world.create("Home made", 60);
        report(world.run("both", &["--all-local"]).expect(0));
        let status = command("status", &sync(&world, &["status", "--json"]));
        assert_eq!(status["last_run"], status["last_success"]);
        assert_eq!((&status["open_conflicts"], &status["lock"]["is_held"]), (&json!(0), &json!(false)));
        assert_eq!(
            (&status["outbox"]["done"], &status["climbs"]["local"]),
            (&json!(1), &json!(0)),
            "{status:#}"
        );
        let text = sync(&world, &["status"]).stdout;
        for line in
            ["last run  ", "last success  ", "behind  ", "outbox  ", "conflicts  ", "climbs  ", "lock  "]
        {
            assert!(text.contains(line), "{line}: {text}");
        }
        // A run that fails is there as well.
        world.sim.with_board(|board| board.delete_all_climbs());
        report(world.run("stokt-to-mastoc", &["--full"]).expect(4));
        let history = command("history", &sync(&world, &["history", "--json"]));
        let endings: Vec<&Value> =
            history["runs"].as_array().unwrap().iter().map(|run| &run["ending"]).collect();
        assert_eq!(endings, ["guard", "done", "done"], "{history:#}");
        let last = command("history", &sync(&world, &["history", "--last", "1", "--json"]));
        assert_eq!((last["runs"].as_array().unwrap().len(), &last["count"]), (1, &json!(3)));
        let text = sync(&world, &["history"]).stdout;
        assert!(text.lines().count() >= 3 && text.contains("--max-delete"), "{text}");
    }
}

#[test]
fn conflicts_are_shown_with_both_sides_and_settled() {
    for world in World::both() {
        assert_eq!(sync(&world, &["conflicts"]).stdout, "no conflict waits\n");
        world.edit("Own 1", |climb| climb.name = "Ours \u{1b}[31m".into());
        world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Theirs"))));
        world.edit("Own 2", |climb| climb.name = "Edited here".into());
        world.delete("Own 3");
        world.edit_there("Own 3", |climb| drop(climb.insert("name".into(), json!("Edited there"))));
        report(world.run("both", &[]).expect(3));
        let shown = sync(&world, &["conflicts"]);
        assert_eq!(shown.code, Some(3), "{shown:?}");
        for text in
            ["mastoc: Ours", "stokt:  Theirs", "was deleted here and changed at Stokt", "--take mastoc|stokt"]
        {
            assert!(shown.stdout.contains(text), "{text}: {shown:?}");
        }
        assert!(!shown.stdout.contains('\u{1b}'), "{shown:?}");
        let listed = command("conflicts", &sync(&world, &["conflicts", "--json"]));
        let conflicts = listed["conflicts"].as_array().unwrap();
        assert_eq!(conflicts.len(), 2, "{listed:#}");
        for (conflict, kind, take, outcome) in [
            (&conflicts[0], "fields", "mastoc", "waits_to_be_sent"),
            (&conflicts[1], "deleted", "mastoc", "stays_deleted"),
        ] {
            let conflict = conflicts.iter().find(|one| one["kind"] == kind).unwrap_or(conflict);
            let id = conflict["id"].as_str().unwrap();
            let one = command("conflicts", &sync(&world, &["conflicts", id, "--json"]));
            assert_eq!(&one["conflicts"][0], conflict);
            let unsaid = sync(&world, &["resolve", id]);
            assert!(unsaid.code == Some(2) && unsaid.stderr.contains("--take"), "{unsaid:?}");
            let settled = sync(&world, &["resolve", id, "--take", take, "--json"]);
            assert_eq!(settled.code, Some(0), "{settled:?}");
            let settled = command("resolve", &settled);
            assert_eq!(
                (&settled["outcome"], &settled["settlement"]),
                (&json!(outcome), &json!(take)),
                "{settled:#}"
            );
            // It is over, and can still be looked at.
            let over = sync(&world, &["conflicts", id]);
            assert_eq!(over.code, Some(0), "{over:?}");
        }
        report(world.run("both", &[]).expect(0));
        assert_eq!(sync(&world, &["conflicts"]).code, Some(0));
        let nobody = sync(&world, &["resolve", "0190f0a0-0000-7000-8000-000000000001", "--take", "stokt"]);
        one_line(&nobody, 2, &["no such conflict", "mastoc-sync conflicts"]);
    }
}

#[test]
fn verify_finds_what_is_wrong_and_says_how_to_mend_it() {
    for world in World::both() {
        let well = sync(&world, &["verify", "--json"]);
        assert_eq!(well.code, Some(0), "{well:?}");
        let well = command("verify", &well);
        assert_eq!(
            (&well["ok"], &well["listed"], &well["findings"]),
            (&json!(true), &Value::Null, &json!([]))
        );
        let remote = |more: &[&str]| {
            let mut verify = world.place.program("mastoc-sync");
            verify.args(["verify", "--remote", "--json"]).args(more);
            verify.env("STOKT_URL", &world.source.url).env("STOKT_TOKEN", &world.source.token);
            Process::run(verify, LIMIT)
        };
        // What a later pull does is a note, no fault.
        world.sim.with_board(|board| board.invent_climbs(1));
        world.delete_there("Other 1");
        let noted = remote(&[]);
        assert_eq!(noted.code, Some(0), "{noted:?}");
        let noted = command("verify", &noted);
        let codes: Vec<&Value> =
            noted["findings"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
        assert_eq!(codes, ["absent_at_stokt", "new_at_stokt"], "{noted:#}");
        // A picture that was damaged is a fault.
        let picture = world.place.data_dir().join("media").join(&world.place.pictures()[0]);
        std::fs::write(&picture, "no picture").unwrap();
        let wrong = sync(&world, &["verify", "--json"]);
        assert_eq!(wrong.code, Some(1), "{wrong:?}");
        assert_eq!(command("verify", &wrong)["findings"][0]["code"], "picture_damaged");
        let text = sync(&world, &["verify"]).stdout;
        assert!(text.contains("picture_damaged") && text.contains("to mend it: "), "{text}");
        // As it says: remove the file, pull everything.
        std::fs::remove_file(&picture).unwrap();
        report(world.run("stokt-to-mastoc", &["--full"]).expect(0));
        assert_eq!(sync(&world, &["verify"]).code, Some(0));
    }
}

#[test]
fn an_unlinked_climb_is_local_and_both_go_their_own_way() {
    for world in World::both() {
        let climb = world.here("Own 1");
        let (id, there) = (climb.id.to_string(), climb.stokt_id.unwrap().to_string());
        let unlinked = sync(&world, &["unlink", &id, "--json"]);
        assert_eq!(unlinked.code, Some(0), "{unlinked:?}");
        let unlinked = command("unlink", &unlinked);
        assert_eq!((&unlinked["climb"], &unlinked["stokt_id"]), (&json!(id), &json!(there)));
        assert_eq!(world.here("Own 1").sync_state, SyncState::Local);
        world.edit("Own 1", |climb| climb.name = "On its own".into());
        report(world.run("both", &["--full"]).expect(0));
        assert_eq!((world.count_there("On its own"), world.count_there("Own 1")), (0, 1));
        assert_eq!(world.here("Own 1").stokt_id.unwrap().to_string(), there, "a new climb here");
        let again = sync(&world, &["unlink", &id]);
        assert_eq!(again.code, Some(2), "{again:?}");
        let nobody = sync(&world, &["unlink", "0190f0a0-0000-7000-8000-000000000001"]);
        one_line(&nobody, 2, &["no such climb"]);
        assert_eq!(sync(&world, &["verify"]).code, Some(0));
    }
}

#[test]
fn commands_make_no_board_and_refuse_what_is_for_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let id = "0190f0a0-0000-7000-8000-000000000001";
    let commands: [&[&str]; 8] = [
        &["status"],
        &["history"],
        &["conflicts"],
        &["resolve", id, "--take", "stokt"],
        &["outbox"],
        &["verify"],
        &["unlink", id],
        &["lock", "break", "--reason", "x"],
    ];
    for arguments in commands {
        let mut nowhere = program("mastoc-sync", folder.path());
        nowhere.args(arguments).env("MASTOC_DATA_DIR", folder.path().join("data"));
        let finished = Process::run(nowhere, LIMIT);
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains("there is no board in"), "{arguments:?}: {finished:?}");
        assert!(!folder.path().join("data").exists(), "{arguments:?}");
        let mut mixed = program("mastoc-sync", folder.path());
        mixed.args(["--full"]).args(arguments);
        one_line(&Process::run(mixed, LIMIT), 2, &["--full is for a run"]);
    }
    let world = World::on(Place::sqlite());
    // No direction, no run: it is not guessed.
    let unsaid = sync(&world, &[]);
    assert!(unsaid.code == Some(2) && unsaid.stderr.contains("--direction"), "{unsaid:?}");
}
