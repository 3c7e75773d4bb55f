//! A day of cron: every five minutes a run in both directions with a Stokt that misbehaves and people who edit. No
//! drift, no leak: of rows, of files, of memory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::{Fault, Rule};
use mastoc_sync_engine::Ending;
use mastoc_sync_engine::sync::{ShiftedClock, StopAt, SyncOptions};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::engine::{client, everything, run};
use crate::people::People;
use crate::property::column;
use crate::support::agree::differences;
use crate::support::world::World;
use crate::support::{Place, files_below, local, quick_folder};

/// Every five minutes of a day.
const RUNS: usize = 288;

/// Memory of this process in bytes, where the system tells.
fn memory() -> Option<u64> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Open files of this process, where the system tells.
fn open_files() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

#[test]
fn a_day_of_cron_every_five_minutes_leaves_no_drift_and_no_leak() {
    a_day_of_cron(Place::sqlite());
}

#[test]
fn a_day_of_cron_every_five_minutes_leaves_no_drift_and_no_leak_on_postgresql() {
    if let Some(place) = Place::postgres() {
        a_day_of_cron(place);
    }
}

fn a_day_of_cron(place: Place) {
    let world = World::on(place);
    let place = world.again();
    let pictures = files_below(&place.data_dir().join("media"));
    let store = place.store();
    let people = Arc::new(Mutex::new(world.sim.with_board(|board| People::new(24, &store, board))));
    let clock = ShiftedClock::default();
    let mut rng = StdRng::seed_from_u64(24);
    let (mut acts, mut early) = (0, None);
    let mut endings = BTreeSet::new();
    for number in 0..RUNS {
        clock.advance(300);
        world.sim.advance(TimeDelta::seconds(300));
        // People come by now and then.
        if number % 6 == 0 {
            let linked =
                local::all(&store).into_iter().filter_map(|climb| climb.stokt_id.map(|id| id.0)).collect();
            let mut people = people.lock().unwrap();
            people.act_here(&store, |number| world.holds(number));
            world.sim.with_board(|board| people.act_there(board, &linked, false));
            acts += 2;
        }
        let faults = world.sim.faults();
        faults.clear();
        faults.chaos(0.08);
        if rng.random_bool(0.1) {
            faults.push(Rule::html_status(502).method("POST").carried_out().times(1));
        }
        if rng.random_bool(0.1) {
            faults.push(Rule::new(Fault::Drift { climbs: 1 }).times(1));
        }
        faults.maintenance(rng.random_bool(0.03));
        let options = SyncOptions { full: number % 12 == 11, ..everything(&world.source) };
        let client = client(&world.source, |builder| builder);
        let points = StopAt::new(if rng.random_bool(0.05) { rng.random_range(1..20) } else { 0 });
        let report = run(&client, &store, &place.data_dir(), &options, &clock, &points);
        endings.insert(format!("{:?}", report.ending));
        assert!(
            !matches!(report.ending, Ending::Usage | Ending::Credentials | Ending::Locked),
            "run {number}: {:?} {:?}",
            report.ending,
            report.error
        );
        if number == RUNS / 4 {
            early = Some((memory(), open_files()));
        }
    }
    println!("endings: {endings:?}");
    let (memory_before, files_before) = early.unwrap();
    if let (Some(before), Some(after)) = (memory_before, memory()) {
        println!("memory: {} KB after a quarter, {} KB in the end", before / 1024, after / 1024);
        assert!(after < before + (24 << 20), "{before} -> {after} bytes");
    }
    if let (Some(before), Some(after)) = (files_before, open_files()) {
        assert!(after <= before + 3, "{before} -> {after} open files");
    }

    // The faults stop: two runs bring agreement.
    world.sim.faults().clear();
    for _ in 0..2 {
        clock.advance(13 * 3600);
        world.sim.advance(TimeDelta::hours(13));
        let client = client(&world.source, |builder| builder);
        let report = run(
            &client,
            &store,
            &place.data_dir(),
            &everything(&world.source),
            &clock,
            &mastoc_sync_engine::sync::Uncut,
        );
        assert!(
            matches!(report.ending, Ending::Done | Ending::Waiting),
            "{:?} {:?}",
            report.ending,
            report.error
        );
    }
    let waiting: BTreeSet<String> = column(&place, "conflicts", "stokt_id").into_iter().collect();
    for difference in differences(&store, &world.sim) {
        let waits = difference.there.as_ref().is_some_and(|id| waiting.contains(id));
        let state = difference.here.as_ref().map(|climb| climb.sync_state);
        assert!(waits || state == Some(SyncState::Conflict), "{}", difference.what);
    }
    let mut texts = vec![format!("{:?}", local::all(&store))];
    texts.push(format!("{:?}", world.sim.with_board(|board| board.climbs())));
    for (table, name) in
        [("climb_edits", "changes"), ("tombstones", "row"), ("conflicts", "ours"), ("conflicts", "theirs")]
    {
        texts.extend(column(&place, table, name));
    }
    let people = people.lock().unwrap();
    let texts = texts.join("\n");
    assert_eq!(people.missing(&texts), Vec::<&(String, String)>::new());

    // Files: the pictures that were there, and nothing besides.
    assert_eq!(files_below(&place.data_dir().join("media")), pictures);

    // Rows are bounded by what happened, not by how often it was looked.
    let rows = |table: &str| column(&place, table, "1").len();
    let climbs = local::all(&store).len() + rows("tombstones");
    for (table, most) in [
        ("sync_runs", RUNS + 4),
        ("sync_seen", climbs * 2),
        ("import_checkpoints", 1),
        ("sync_watermarks", 1),
        ("outbox", acts * 2),
        ("conflicts", acts),
        ("climb_edits", acts * 4),
        ("change_log", 400 + acts * 30),
        ("quarantined", 0),
    ] {
        let count = rows(table);
        println!("{table}: {count} rows");
        assert!(count <= most, "{table}: {count} rows, at most {most}");
    }
}

#[test]
fn a_run_of_the_program_leaves_no_file_in_the_temporary_folder() {
    let world = World::on(Place::sqlite());
    for number in 0..3 {
        world.create(&format!("New {number}"), 50 + number);
        let temporary = quick_folder();
        let mut command = world.sync("both", &["--full", "--all-local"]);
        command.env("TMPDIR", temporary.path());
        crate::support::run(command).expect(0);
        assert_eq!(files_below(temporary.path()), Vec::<String>::new());
    }
}
