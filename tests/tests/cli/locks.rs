//! The lock: a second run ends at once or waits, as it is told; a run that hangs loses it to an operator with a reason.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mastoc_test_support::Process;

use crate::schema::{command, report};
use crate::support::world::World;
use crate::support::{LIMIT, one_line, reported, run, wait_until};

/// A run that holds the lock and stops when it is on record.
fn hanging(world: &World) -> (Process, PathBuf) {
    let file = world.place.folder().join("stopped");
    let mut hangs = world.sync("both", &["--full", "--json"]);
    hangs.env("MASTOC_TEST_STOP_AT", "2").env("MASTOC_TEST_STOP_FILE", &file);
    let process = Process::start(hangs);
    wait_until(|| file.exists().then_some(()));
    (process, file)
}

fn sync(world: &World, arguments: &[&str]) -> mastoc_test_support::Finished {
    let mut program = world.place.program("mastoc-sync");
    program.args(arguments);
    Process::run(program, LIMIT)
}

#[test]
fn a_second_run_ends_at_once_or_waits_as_long_as_it_is_told() {
    for world in World::both() {
        let (hangs, _) = hanging(&world);
        let locked = report(run(world.sync("both", &[])).expect(6));
        let error = locked.report["error"].as_str().unwrap();
        assert!(error.contains(&format!("process {}", hangs.id())), "who holds it is told: {error}");
        one_line(&Process::run(world.sync("both", &[]), LIMIT), 6, &["another run holds the lock"]);
        let quiet = Process::run(world.sync("both", &["--quiet"]), LIMIT);
        assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (Some(6), "", ""));
        let begun = Instant::now();
        report(run(world.sync("both", &["--wait-lock", "1s"])).expect(6));
        assert!(begun.elapsed() >= Duration::from_secs(1));
        // One that waits for ever gets its turn when the other dies.
        let waits = Process::start(world.sync("both", &["--json", "--wait-lock"]));
        drop(hangs.kill());
        report(reported(waits.wait(LIMIT)).expect(0));
        let never = Process::run(world.sync("both", &["--wait-lock", "soon"]), LIMIT);
        one_line(&never, 2, &["--wait-lock", "no length of time"]);
    }
}

#[test]
fn a_command_says_at_once_whom_it_waits_for_and_how_long() {
    for world in World::both() {
        report(world.run("both", &["--full"]).expect(0));
        let climb = world.here("Own 1").id.to_string();
        let nothing = "0190f0a0-0000-7000-8000-000000000001";
        for (arguments, code) in [(&["mend", &climb][..], 0), (&["outbox", "drop", nothing], 2)] {
            let (hangs, file) = hanging(&world);
            let mut program = world.place.program("mastoc-sync");
            program.args(arguments).arg("--json");
            let mut waits = Process::start(program);
            let line = waits.wait_for_error_line("waiting for the run of mastoc-sync", LIMIT);
            assert!(
                line.contains(&format!("process {}", hangs.id())) && line.contains("20 s at most"),
                "{line}"
            );
            assert!(waits.is_running(), "it waits");
            drop(hangs.kill());
            let done = waits.wait(LIMIT);
            assert_eq!(done.code, Some(code), "{done:?}");
            assert!(!done.stdout.contains("waiting"), "{done:?}");
            std::fs::remove_file(file).unwrap();
        }
    }
}

#[test]
fn an_operator_takes_the_lock_from_a_run_that_hangs_and_says_why() {
    for world in World::both() {
        let free = sync(&world, &["lock", "break", "--reason", "a mistake"]);
        assert_ne!(free.code, Some(0), "nobody holds it: {free:?}");
        let unsaid = sync(&world, &["lock", "break"]);
        assert!(unsaid.code == Some(2) && unsaid.stderr.contains("--reason"), "{unsaid:?}");
        let (hangs, _) = hanging(&world);
        let held = command("status", &sync(&world, &["status", "--json"]));
        assert_eq!(
            (&held["lock"]["is_held"], &held["last_run"]["status"]),
            (&true.into(), &"running".into())
        );
        let broken =
            sync(&world, &["lock", "break", "--reason", "the old machine lost its network", "--json"]);
        assert_eq!(broken.code, Some(0), "{broken:?}");
        let broken = command("lock_break", &broken);
        assert!(broken["owner"].as_str().unwrap().contains(&hangs.id().to_string()), "{broken:#}");
        assert_eq!(broken["is_free"], world.place.is_postgres(), "the file of the lock is its process's");
        let status = command("status", &sync(&world, &["status", "--json"]));
        assert_eq!(status["lock"]["broken_reason"], "the old machine lost its network", "{status:#}");
        let text = sync(&world, &["status"]);
        assert!(text.stdout.contains("the old machine lost its network"), "{text:?}");
        drop(hangs.kill());
        report(world.run("both", &[]).expect(0));
    }
}
