//! `mastoc-sync`: a full pull brings what an import brings.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod support;

use std::process::Command;

use mastoc_test_support::Process;
use serde_json::json;

use support::board::{holds_exactly, records};
use support::{LIMIT, Place, Source, changes_nothing, run, small_board};

fn pull(place: &Place, source: &Source) -> Command {
    let mut command = place.program("mastoc-sync");
    command.args(["--direction", "stokt-to-mastoc", "--full", "--stokt-url", &source.url]);
    command.args(["--gym", &source.gym.to_string()]).env("STOKT_TOKEN", &source.token);
    command
}

#[test]
fn help_names_the_direction_and_the_exit_codes_scripts_need() {
    let place = Place::sqlite();
    let mut help = place.program("mastoc-sync");
    help.arg("--help");
    let finished = Process::run(help, LIMIT);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for text in ["--direction", "stokt-to-mastoc", "--full", "--gym", "--database-url", "--json"] {
        assert!(finished.stdout.contains(text), "{text} is not in {}", finished.stdout);
    }
}

#[test]
fn a_full_pull_equals_an_import() {
    for (pulled, imported) in Place::both().into_iter().zip(Place::both()) {
        let sim = small_board().start().unwrap();
        let source = Source::from(&sim);
        run(pull(&pulled, &source)).expect(0);
        run(imported.import(&source)).expect(0);
        let account = holds_exactly(&pulled, &source).account;
        assert_eq!(records(&pulled, source.gym, account), records(&imported, source.gym, account));
        // Each finds nothing to do where the other was.
        changes_nothing(pull(&imported, &source));
        changes_nothing(pulled.import(&source));
        sim.with_board(|board| {
            let id = board.climb_ids()[0];
            assert!(board.edit_climb(id, |climb| drop(climb.insert("name".into(), json!("Renamed")))));
        });
        let report = run(pull(&pulled, &source)).expect(0);
        assert_eq!((report.count("climbs", "updated"), report.sum("created")), (1, 0));
    }
}
