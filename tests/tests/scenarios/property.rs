//! Two people edit both sides, runs are cut and Stokt misbehaves, all at random. When the faults stop, at most two runs
//! bring both sides to agreement but for what waits for a person, nothing is there twice, and nothing that anyone wrote
//! is missing from both. `MASTOC_CASE=SEED` repeats one case.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use mastoc_domain::sync_state::{EntityKind, SyncState};
use mastoc_stokt_sim::{Fault, Rule, Sim};
use mastoc_storage::conflicts::{self, Which};
use mastoc_storage::runs::RunDirection;
use mastoc_storage::{Store, mappings};
use mastoc_sync_engine::sync::{Selection, ShiftedClock, StopAt, SyncOptions, Uncut};
use mastoc_sync_engine::{Ending, Report};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use uuid::Uuid;

use crate::engine::{client, everything, run};
use crate::people::People;
use crate::support::agree::{differences, there};
use crate::support::world::{World, holds_of};
use crate::support::{Place, local};

/// One case's parts.
struct Case<'w> {
    world: &'w World,
    place: Place,
    store: Store,
    clock: ShiftedClock,
    people: Arc<Mutex<People>>,
    rng: StdRng,
    log: Vec<String>,
}

/// The ids at Stokt of the climbs that are linked.
fn linked(store: &Store) -> BTreeSet<Uuid> {
    local::all(store).into_iter().filter_map(|climb| climb.stokt_id.map(|id| id.0)).collect()
}

impl<'w> Case<'w> {
    fn new(world: &'w World, seed: u64) -> Self {
        let place = world.again();
        let store = place.store();
        let people = world.sim.with_board(|board| People::new(seed, &store, board));
        // A case is the same whether it is the only one or comes after others.
        world.sim.faults().reseed(seed);
        Self {
            world,
            place,
            store,
            clock: ShiftedClock::default(),
            people: Arc::new(Mutex::new(people)),
            rng: StdRng::seed_from_u64(seed),
            log: Vec::new(),
        }
    }

    fn sim(&self) -> &Sim {
        &self.world.sim
    }

    /// Time passes on both sides.
    fn wait(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.sim().advance(TimeDelta::seconds(seconds));
    }

    /// People do something, here or there.
    fn act(&mut self) {
        let linked = linked(&self.store);
        let mut people = self.people.lock().unwrap();
        if self.rng.random_bool(0.5) {
            people.act_here(&self.store, |number| self.world.holds(number));
        } else {
            self.sim().with_board(|board| people.act_there(board, &linked, false));
        }
        self.log.append(&mut people.log);
    }

    /// Somebody acts while the run goes on: here, or somebody else there. (Whoever changes at Stokt what is being sent
    /// there at that very moment is overwritten; Stokt knows no conditions.)
    fn somebody_acts_meanwhile(&mut self) {
        let (people, store) = (Arc::clone(&self.people), self.store.clone());
        let here = self.rng.random_bool(0.6);
        let act = Rule::change(move |board| {
            let mut people = people.lock().unwrap();
            if here {
                let holds = |number| holds_of(board, number);
                people.act_here(&store, holds);
            } else {
                people.act_there(board, &BTreeSet::new(), true);
            }
        });
        let skip = self.rng.random_range(0..15);
        self.sim().faults().push(act.skip(skip).times(1));
    }

    /// Stokt misbehaves for one run.
    fn misbehaves(&mut self) {
        let rng = &mut self.rng;
        let faults = self.world.sim.faults();
        faults.chaos([0.0, 0.0, 0.03, 0.15][rng.random_range(0..4)]);
        for method in ["POST", "PATCH", "DELETE"] {
            let rule = match rng.random_range(0..10) {
                0 => Rule::cut(0),
                1 => Rule::cut(rng.random_range(0..900)),
                2 => Rule::html_status(502).carried_out(),
                3 => Rule::html_status(503),
                4 => Rule::new(Fault::Truncate { keep: rng.random_range(0..200) }),
                5 => Rule::new(Fault::CutRequest { after_bytes: rng.random_range(0..200) }),
                _ => continue,
            };
            faults.push(rule.method(method).skip(rng.random_range(0..3)).times(rng.random_range(1..3)));
        }
        if rng.random_bool(0.1) {
            faults.push(Rule::new(Fault::CountDrift { by: 1 }).times(rng.random_range(1..8)));
        }
        if rng.random_bool(0.05) {
            faults.push(Rule::new(Fault::Html).path("/api/gyms").times(8));
        }
    }

    fn run(&mut self, options: &SyncOptions, nth: u64) -> Report {
        let client = client(&self.world.source, |builder| builder);
        let cut = StopAt::new(nth);
        let points: &dyn mastoc_sync_engine::sync::Points = if nth == 0 { &Uncut } else { &cut };
        let report = run(&client, &self.store, &self.place.data_dir(), options, &self.clock, points);
        let people: Vec<String> = self.people.lock().unwrap().log.drain(..).collect();
        self.log.extend(people);
        let at = cut.passed().last().copied().unwrap_or_default();
        self.log.push(format!(
            "run {:?} full={} cut at {nth} {at}: {:?} {}",
            options.direction,
            options.full,
            report.ending,
            report.error.clone().unwrap_or_default()
        ));
        report
    }

    /// A run of some kind, somehow disturbed.
    fn disturbed_run(&mut self) {
        self.misbehaves();
        if self.rng.random_bool(0.4) {
            self.somebody_acts_meanwhile();
        }
        let options = SyncOptions {
            direction: [
                RunDirection::Both,
                RunDirection::Both,
                RunDirection::StoktToMastoc,
                RunDirection::MastocToStokt,
            ][self.rng.random_range(0..4)],
            full: self.rng.random_bool(0.5),
            selection: if self.rng.random_bool(0.9) { Selection::AllLocal } else { Selection::Nothing },
            allow_delete: self.rng.random_bool(0.8),
            ..everything(&self.world.source)
        };
        let nth = if self.rng.random_bool(0.5) { self.rng.random_range(1..40) } else { 0 };
        let report = self.run(&options, nth);
        assert!(
            !matches!(report.ending, Ending::Usage | Ending::Credentials | Ending::Locked),
            "{:?}",
            report.error
        );
        self.sim().faults().clear();
        self.nothing_is_twice();
    }

    /// Everything that is created is unlike everything else: what looks the same was made twice.
    fn nothing_is_twice(&self) {
        let mut seen = HashMap::new();
        for (id, climb) in there(self.sim()) {
            for value in [climb.name.clone(), climb.holds.clone()] {
                if let Some(other) = seen.insert(value.clone(), id.clone()) {
                    panic!("{value:?} is at Stokt twice: {other} and {id}");
                }
            }
        }
        let mut seen = BTreeSet::new();
        for climb in local::all(&self.store) {
            assert!(seen.insert(climb.holds_list.clone()), "{:?} is here twice", climb.name);
        }
    }

    /// The faults stop; two runs, and what is left.
    fn settles(&mut self) {
        self.sim().faults().clear();
        let options = everything(&self.world.source);
        let mut last = None;
        for _ in 0..2 {
            self.wait(13 * 3600);
            last = Some(self.run(&options, 0));
        }
        self.nothing_is_twice();
        let last = last.map(|report| report.ending);
        assert!(matches!(last, Some(Ending::Done | Ending::Waiting)), "the last run: {last:?}");
        let open = self.store.read(|conn| conflicts::list(conn, Which::Open, 0, 10_000)).unwrap();
        let waiting: BTreeSet<String> =
            open.iter().filter_map(|conflict| conflict.stokt_id.map(|id| id.to_string())).collect();
        let mut left = Vec::new();
        for difference in differences(&self.store, self.sim()) {
            let waits = difference.there.as_ref().is_some_and(|id| waiting.contains(id));
            let state = difference.here.as_ref().map(|climb| climb.sync_state);
            if !waits && state != Some(SyncState::Conflict) {
                left.push(difference.what);
            }
        }
        assert!(left.is_empty(), "two runs have not brought agreement about:\n  {}", left.join("\n  "));
        assert_eq!(last == Some(Ending::Waiting), !open.is_empty(), "it is said that something waits, if so");
        let texts = self.all_texts();
        let people = self.people.lock().unwrap();
        let missing = people.missing(&texts);
        assert!(missing.is_empty(), "missing from both sides: {missing:?}");
        drop(people);
        self.links_are_on_record();
    }

    /// A link that stands has its line in the audit, and one Stokt climb is one climb of ours.
    fn links_are_on_record(&self) {
        let audit = self.store.read(|conn| mappings::list(conn, 0, 100_000)).unwrap();
        let lines: HashMap<String, String> = audit
            .into_iter()
            .filter(|line| line.entity == EntityKind::Climb)
            .map(|line| (line.stokt_id, line.local_id))
            .collect();
        for climb in local::all(&self.store) {
            if let Some(id) = climb.stokt_id {
                assert_eq!(lines.get(&id.to_string()), Some(&climb.id.to_string()), "{:?}", climb.name);
            }
        }
    }

    /// Everything that is written anywhere: both sides, history, conflicts, remains of what was deleted.
    fn all_texts(&self) -> String {
        let mut texts: Vec<String> = vec![format!("{:?}", local::all(&self.store))];
        texts.push(Value::from(self.sim().with_board(|board| board.climbs())).to_string());
        for (table, columns) in [
            ("climb_edits", "changes"),
            ("tombstones", "row"),
            ("conflicts", "ours"),
            ("conflicts", "theirs"),
        ] {
            texts.extend(column(&self.place, table, columns));
        }
        texts.join("\n")
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// A column of a table as text.
pub(crate) fn column(place: &Place, table: &str, column: &str) -> Vec<String> {
    texts(place, &format!("SELECT coalesce(CAST({column} AS TEXT), '') AS text FROM {table}"))
}

/// What a statement answers as the column `text`.
pub(crate) fn texts(place: &Place, sql: &str) -> Vec<String> {
    let rows: Vec<Row> = if place.is_postgres() {
        diesel::sql_query(sql).load(&mut PgConnection::establish(place.url()).unwrap()).unwrap()
    } else {
        let path = place.url().strip_prefix("sqlite://").unwrap();
        let mut conn = SqliteConnection::establish(path).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
        diesel::sql_query(sql).load(&mut conn).unwrap()
    };
    rows.into_iter().map(|row| row.text).collect()
}

fn one_case(world: &World, seed: u64) {
    let mut case = Case::new(world, seed);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for _ in 0..case.rng.random_range(2..5) {
            for _ in 0..case.rng.random_range(1..5) {
                case.act();
            }
            let pause = [60, 700, 4_000, 13 * 3_600][case.rng.random_range(0..4)];
            case.wait(pause);
            case.disturbed_run();
        }
        case.settles();
    }));
    if let Err(panic) = outcome {
        let people: Vec<String> =
            case.people.lock().unwrap_or_else(std::sync::PoisonError::into_inner).log.drain(..).collect();
        println!("MASTOC_CASE={seed}\n  {}\n  {}", case.log.join("\n  "), people.join("\n  "));
        std::panic::resume_unwind(panic);
    }
}

/// A hundred cases, or the one that is asked for.
fn cases(place: Place, first: u64, count: u64) {
    let world = World::on(place);
    match std::env::var("MASTOC_CASE").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => one_case(&world, seed),
        None => (first..first + count).for_each(|seed| one_case(&world, seed)),
    }
}

macro_rules! hundreds {
    ($($name:ident: $first:expr;)+) => {
        $(
            #[test]
            fn $name() {
                cases(Place::sqlite(), $first, 100);
            }
        )+
    };
}

hundreds! {
    both_sides_converge_1: 1;
    both_sides_converge_2: 101;
    both_sides_converge_3: 201;
    both_sides_converge_4: 301;
    both_sides_converge_5: 401;
    both_sides_converge_6: 501;
    both_sides_converge_7: 601;
    both_sides_converge_8: 701;
    both_sides_converge_9: 801;
    both_sides_converge_10: 901;
}

#[test]
fn both_sides_converge_on_postgresql() {
    if let Some(place) = Place::postgres() {
        cases(place, 5_001, 30);
    }
}
