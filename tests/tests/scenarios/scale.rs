//! However large the board is: what a run asks of Stokt, how many statements a batch takes, and what it holds in memory.
//! None of this depends on time.

use std::collections::BTreeMap;
use std::process::Command;

use chrono::TimeDelta;
use mastoc_stokt_sim::{Sim, SimBuilder};
use mastoc_sync_engine::sync::{SyncOptions, SystemClock, Uncut};
use mastoc_sync_engine::{Decided, Ending};
use mastoc_test_support::Process;

use crate::engine::{client, everything, run as run_here};
use crate::property::{column, texts};
use crate::support::world::sync_of;
use crate::support::{Imported, LIMIT, Place, Source, local, run};

/// What a run always writes: its record, its lock, and up to when everything is known.
const BOOKKEEPING: [&str; 3] = ["sync_locks", "sync_runs", "sync_watermarks"];

fn board(climbs: usize) -> SimBuilder {
    Sim::builder().seed(31).holds(40).climbs(climbs).setters(5).picture_size(48, 64)
}

/// Reads a board whole.
fn filled(place: &Place, sim: &Sim) -> Source {
    let source = Source::from(sim);
    run(sync_of(place, &source, "stokt-to-mastoc", &["--full"])).expect(0);
    source
}

/// One run, for its report and for what it asked.
fn asked(place: &Place, sim: &Sim, direction: &str, more: &[&str]) -> (Imported, Vec<String>) {
    sim.forget_requests();
    let report = run(sync_of(place, &Source::from(sim), direction, more)).expect(0);
    (report, sim.requests().into_iter().map(|request| request.path).collect())
}

/// Everything in the database but for bookkeeping, by table.
fn contents(place: &Place) -> BTreeMap<String, Vec<String>> {
    let (tables, row) = if place.is_postgres() {
        let tables = "SELECT CAST(table_name AS TEXT) AS text FROM information_schema.tables \
                      WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";
        (texts(place, tables), None)
    } else {
        (column(place, "sqlite_master WHERE type = 'table'", "name"), Some("quote"))
    };
    let tables = tables.into_iter().filter(|table| !BOOKKEEPING.contains(&table.as_str()));
    tables
        .map(|table| {
            let mut rows = match row {
                // A row of PostgreSQL is a text as a whole.
                None => column(place, &format!("\"{table}\" AS r"), "r"),
                Some(_) => {
                    let names =
                        texts(place, &format!("SELECT name AS text FROM pragma_table_info('{table}')"));
                    let quoted: Vec<String> = names.iter().map(|name| format!("quote(\"{name}\")")).collect();
                    column(place, &format!("\"{table}\""), &quoted.join(" || ','||"))
                }
            };
            rows.sort();
            (table, rows)
        })
        .collect()
}

#[test]
fn a_run_that_finds_nothing_asks_for_one_page_and_writes_nothing_but_its_record() {
    for place in Place::both() {
        let sim = board(1_000).start().unwrap();
        filled(&place, &sim);
        let gym = sim.gym_id();
        let page = |path: &String| path.starts_with(&format!("/api/gyms/{gym}/climbs"));
        let before = contents(&place);
        assert!(before.len() > 20 && before["climbs"].len() == 1_000, "{:?}", before.keys());
        for (direction, requests) in [("stokt-to-mastoc", 2), ("both", 3)] {
            let (report, asked) = asked(&place, &sim, direction, &[]);
            assert_eq!(
                asked.len(),
                requests,
                "who we are, one page, and for a push our own climbs: {asked:?}"
            );
            assert_eq!(asked[0], "/api/users/me");
            assert_eq!(asked.iter().filter(|path| page(path)).count(), 1, "{asked:?}");
            assert_eq!(report.report["mode"], "incremental");
            assert_eq!(report.report["traffic"]["requests"], requests);
            let after = contents(&place);
            for (table, rows) in &before {
                assert_eq!(rows, &after[table], "{direction} wrote {table}");
            }
            assert_eq!(before.len(), after.len());
        }
    }
}

#[test]
fn a_run_a_day_downloads_what_a_week_brought_and_not_the_board() {
    for climbs in [200, 2_000] {
        for place in Place::both() {
            let sim = board(climbs).start().unwrap();
            filled(&place, &sim);
            for day in 1..=9 {
                sim.advance(TimeDelta::days(1));
                sim.with_board(|board| board.invent_climbs(10));
                let (report, asked) = asked(&place, &sim, "stokt-to-mastoc", &[]);
                assert_eq!(report.count("climbs", "created"), 10, "day {day}");
                let downloaded = report.report["gyms"][0]["listing"]["distinct"].as_u64().unwrap();
                assert!((10..=100).contains(&downloaded), "{downloaded} on day {day} of {climbs}");
                // Who we are, and so many pages of fifty; neither board nor setups.
                let pages = usize::try_from(downloaded.div_ceil(50)).unwrap();
                assert_eq!(asked.len(), 1 + pages, "{asked:?}");
            }
        }
    }
}

/// How many statements a run makes on a database, and how many climbs it decided about.
fn statements(place: &Place, sim: &Sim, options: &SyncOptions) -> (u64, u64) {
    std::fs::create_dir_all(place.data_dir()).unwrap();
    let store = place.store();
    let before = store.statements();
    let client = client(&Source::from(sim), |builder| builder);
    let report = run_here(&client, &store, &place.data_dir(), options, &SystemClock, &Uncut);
    assert_eq!(report.ending, Ending::Done, "{:?} {:?}", report.error, report.problems);
    let decided = [Decided::Created, Decided::Updated, Decided::Merged, Decided::Patched, Decided::Sent];
    (store.statements() - before, decided.into_iter().map(|one| report.count(one)).sum())
}

/// For each kind of run, how many statements it takes on a board with so many climbs, all in one batch.
fn costs(place: &Place, climbs: usize) -> BTreeMap<&'static str, u64> {
    let sim = board(climbs).start().unwrap();
    let source = Source::from(&sim);
    let whole = SyncOptions { batch_size: 5_000, ..everything(&source) };
    let count = u64::try_from(climbs).unwrap();
    let mut costs = BTreeMap::new();
    let mut note = |what, expected: u64, options: &SyncOptions| {
        let (cost, decided) = statements(place, &sim, options);
        assert_eq!(decided, expected, "{what}");
        costs.insert(what, cost);
    };
    note("everything is new", count, &whole);
    note("nothing is new", 0, &whole);
    note("nothing is new since a while", 0, &SyncOptions { full: false, ..whole.clone() });
    let edit = |suffix: &str| {
        sim.with_board(|board| {
            for id in board.climb_ids() {
                let text = |map: &serde_json::Map<_, serde_json::Value>| {
                    format!("{} {suffix}", map["name"].as_str().unwrap_or_default())
                };
                board.edit_climb(id, |map| drop(map.insert("name".into(), text(map).into())));
            }
        });
    };
    edit("x");
    note("everything changed there", count, &SyncOptions { accept_changes: true, ..whole.clone() });
    // Another field of each climb, on either side.
    edit("y");
    let store = place.store();
    for climb in local::all(&store) {
        assert!(local::edit(&store, climb.id, |content| content.feet_rule = Some("Only here".to_owned())));
    }
    let pull = SyncOptions {
        direction: mastoc_storage::runs::RunDirection::StoktToMastoc,
        selection: mastoc_sync_engine::sync::Selection::Nothing,
        allow_delete: false,
        accept_changes: true,
        ..whole
    };
    note("everything changed on both sides", count, &pull);
    costs
}

#[test]
fn a_batch_takes_as_many_statements_however_many_climbs_it_has() {
    for (few, many) in Place::both().into_iter().zip(Place::both()) {
        let (few, many) = (costs(&few, 40), costs(&many, 160));
        println!("{many:#?}");
        assert_eq!(few.len(), many.len());
        for (what, cost) in many {
            // Some more: the world of 160 has other setters. A statement for each ten of the climbs would be 12 more.
            assert!(cost < few[what] + 12, "{what}: {} statements for 40 climbs, {cost} for 160", few[what]);
        }
    }
}

#[test]
fn sending_takes_as_many_statements_for_each_climb_however_many_wait() {
    for place in Place::both() {
        let sim = board(30).start().unwrap();
        let source = filled(&place, &sim);
        let store = place.store();
        let face = local::all(&store)[0].face_id;
        let holds = sim.with_board(|board| board.hold_ids(board.face_ids()[0]));
        let mut made = 0_usize;
        let mut cost = |count: usize| {
            for _ in 0..count {
                made += 1;
                let (start, top) = (holds[made % 40], holds[(made / 40 + made + 1) % 40]);
                let content = local::content(&format!("Made {made}"), &format!("S{start} T{top}"));
                local::create(&store, face, &content);
            }
            let options = SyncOptions { batch_size: 5_000, full: false, ..everything(&source) };
            let (cost, sent) = statements(&place, &sim, &options);
            assert_eq!(sent, u64::try_from(count).unwrap());
            cost
        };
        // The first time there is more to look at.
        cost(1);
        let (ten, twenty, forty) = (cost(10), cost(20), cost(40));
        println!("{ten}, {twenty} and {forty} statements for 10, 20 and 40 climbs");
        // Leases are renewed and listings asked again by time, so a few may come on top.
        let (first, second) = (twenty - ten, forty - twenty);
        assert!(second.abs_diff(2 * first) < 20, "not one statement a climb more: {ten}, {twenty}, {forty}");
    }
}

/// The most memory that a program held, where the system tells.
fn peak(mut command: Command) -> Option<u64> {
    command.arg("--json");
    let mut process = Process::start(command);
    let status = format!("/proc/{}/status", process.id());
    let mut most = None;
    while process.is_running() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        most = most.max(kib);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let finished = process.wait(LIMIT);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    most
}

#[test]
fn ten_thousand_climbs_more_take_little_memory_more() {
    let first = |climbs: usize| {
        let sim = board(climbs).start().unwrap();
        peak(sync_of(&Place::sqlite(), &Source::from(&sim), "stokt-to-mastoc", &["--full"]))
    };
    // By then the database's page cache (16 MiB at most) is full, which would count as the climbs' otherwise.
    let (Some(few), Some(many)) = (first(10_000), first(20_000)) else { return };
    println!("{few} KiB, {many} KiB");
    // 100,000 climbs are to fit into 200 MiB, of which the first 10,000 may take 100: each of the others may take 1.1 KiB.
    assert!(few < 100 * 1024, "{few} KiB, {many} KiB");
    assert!(many < few + 10_000, "{few} KiB, {many} KiB");
}
