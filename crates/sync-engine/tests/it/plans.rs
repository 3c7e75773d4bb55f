//! A plan says all that a run would do, and is refused once anything of that has changed.

use mastoc_domain::lists::ListType;
use mastoc_domain::{ClimbId, ListId, StoktId};
use mastoc_stokt_sim::{Rule, Sim};
use mastoc_storage::list_items::{self, NewItem};
use mastoc_storage::lists::{self, NewList};
use mastoc_storage::runs::RunDirection;
use mastoc_storage::{StoreError, Viewer, climbs};
use mastoc_sync_engine::sync::{Selection, SyncOptions};
use mastoc_sync_engine::{Decided, Ending, Report};
use mastoc_test_support::both_backends;
use serde_json::json;

use crate::syncing::*;
use crate::world::{open, prepare, small};

fn both_ways() -> SyncOptions {
    SyncOptions { direction: RunDirection::Both, selection: Selection::AllLocal, ..full() }
}

fn dry(here: &Here<'_>, sim: &Sim, options: &SyncOptions) -> Report {
    let report = here.sync(sim, &SyncOptions { dry_run: true, ..options.clone() });
    assert_eq!(report.ending, Ending::Done, "{}", report.sync_summary());
    report
}

fn apply(here: &Here<'_>, sim: &Sim, options: &SyncOptions, plan: &Report) -> Report {
    here.sync(sim, &SyncOptions { expect: plan.plan.clone(), ..options.clone() })
}

/// Is refused, with nothing written.
#[track_caller]
fn assert_stale(here: &Here<'_>, sim: &Sim, options: &SyncOptions, plan: &Report) {
    let latest = || open(here.url).read(mastoc_storage::changes::latest).unwrap();
    let before = latest();
    let report = apply(here, sim, options, plan);
    assert_eq!((report.ending, report.exit_code), (Ending::Guard, 4), "{}", report.sync_summary());
    assert!(report.error.unwrap().contains("plan"));
    assert_eq!(latest(), before);
}

fn all(report: &Report) -> Vec<Decided> {
    report.decisions.listed.iter().filter(|one| one.kind == "climb").map(|one| one.decision).collect()
}

both_backends! {
    prepare: prepare;

    fn what_was_sent_and_is_not_settled_is_part_of_the_plan(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let climb = here.create(&sim, "Sent, and then?", 3);
        let before = dry(&here, &sim, &both_ways());
        assert_eq!(all(&before), [Decided::Sent]);
        sim.faults().push(Rule::cut(0).method("POST").times(1).carried_out());
        assert_eq!(here.sync(&sim, &both_ways()).count(Decided::Unknown), 1);
        assert_stale(&here, &sim, &both_ways(), &before);

        let plan = dry(&here, &sim, &both_ways());
        assert_eq!(all(&plan), [Decided::Adopted], "{}", plan.sync_summary());
        let pulled = dry(&here, &sim, &full());
        assert_eq!(all(&pulled), [Decided::Adopted], "a pull finds it as well: {}", pulled.sync_summary());
        let twin = sim.with_board(|board| board.climbs_named("Sent, and then?")[0]);
        assert_eq!(plan.decisions.listed[0].stokt_id, twin.to_string());
        // Another twin makes it a case for a person.
        let raw = sim.with_board(|board| board.climb(twin).unwrap());
        let mut second = raw.as_object().unwrap().clone();
        second.insert("id".into(), json!(uuid::Uuid::new_v4()));
        let second = sim.with_board(|board| board.add_raw_climb(second));
        assert_stale(&here, &sim, &both_ways(), &plan);
        let two = dry(&here, &sim, &both_ways());
        assert!(all(&two).contains(&Decided::Ambiguous), "{}", two.sync_summary());
        sim.with_board(|board| board.delete_climb(second));
        let done = apply(&here, &sim, &both_ways(), &plan);
        assert_eq!((done.ending, all(&done)), (Ending::Done, vec![Decided::Adopted]), "{}", done.sync_summary());
        assert_eq!(here.there(climb), Some(twin));
    }

    fn what_was_not_done_and_what_was_never_sent_is_told_as_what_it_comes_to(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        here.create(&sim, "Never sent", 3);
        let cut = here.sync_with(&sim, &both_ways(), &crate::edges::At("push.leased"));
        assert!(cut.error.is_some());
        let plan = dry(&here, &sim, &both_ways());
        assert_eq!(all(&plan), [Decided::Sent], "{}", plan.sync_summary());
        assert_eq!(all(&dry(&here, &sim, &full())), [Decided::Skipped]);
        let done = apply(&here, &sim, &both_ways(), &plan);
        assert_eq!((done.ending, all(&done)), (Ending::Done, vec![Decided::Sent]), "{}", done.sync_summary());

        let id = here.there(here.create(&sim, "Lost", 5));
        assert_eq!(id, None);
        sim.faults().push(Rule::cut(0).method("POST").times(1).not_carried_out());
        let options = SyncOptions { unknown_settle: std::time::Duration::ZERO, ..both_ways() };
        assert_eq!(all(&here.sync(&sim, &options)), [Decided::Unknown]);
        assert_eq!(all(&dry(&here, &sim, &options)), [Decided::Unknown]);
        let plan = dry(&here, &sim, &options);
        assert_eq!(all(&here.sync(&sim, &options)), [Decided::Unknown]);
        assert_stale(&here, &sim, &options, &plan);
        let plan = dry(&here, &sim, &options);
        assert_eq!(all(&plan), [Decided::Sent], "{}", plan.sync_summary());
        assert_eq!(all(&apply(&here, &sim, &options, &plan)), [Decided::Sent]);
        assert_eq!(sim.with_board(|board| board.climbs_named("Lost").len()), 1);
    }

    fn a_change_of_the_board_is_part_of_the_plan(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let nothing = dry(&here, &sim, &full());
        assert_eq!((nothing.counts.holds.updated, nothing.decisions.listed.len()), (0, 0), "{}", nothing.sync_summary());
        let face = sim.face_ids()[0];
        let widen = |name: &str| sim.with_board(|board| board.edit_setup(face, |setup| setup["holds"][0]["area"] = json!(name)));
        widen("4321.5");
        assert_stale(&here, &sim, &full(), &nothing);
        let plan = dry(&here, &sim, &full());
        assert_eq!(plan.counts.holds.updated, 1, "{}", plan.sync_summary());
        widen("5432.5");
        assert_stale(&here, &sim, &full(), &plan);
        // Somebody else brought it.
        let plan = dry(&here, &sim, &full());
        assert_eq!(here.sync(&sim, &full()).counts.holds.updated, 1);
        assert_stale(&here, &sim, &full(), &plan);
        // That others sent and liked climbs is no other plan.
        let plan = dry(&here, &sim, &full());
        let id = sim.with_board(|board| board.climb_ids())[0];
        edit_there(&sim, id, "climbedBy", json!(77));
        assert_eq!(apply(&here, &sim, &full(), &plan).ending, Ending::Done);
    }

    fn the_list_that_is_sent_is_part_of_the_plan(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let id = sim.with_board(|board| board.climb_ids())[0];
        let store = open(url);
        let climb = store.read(|conn| climbs::by_stokt_id(conn, Viewer::Service, StoktId(id))).unwrap().unwrap();
        let local = here.create(&sim, "Listed", 2);
        let add = |list: ListId, climb: ClimbId| {
            let added: Result<_, StoreError> = store.write(|conn| list_items::add(conn, list, climb, &NewItem::default()));
            added.unwrap();
        };
        let made: Result<ListId, StoreError> = store.write(|conn| {
            let new = NewList { name: "Mine".into(), description: None, list_type: ListType::Personal, is_public: false, gym_id: None };
            lists::create(conn, climb.setter_id.unwrap(), &new)
        });
        let list = made.unwrap();
        add(list, local);
        let options = SyncOptions { selection: Selection::List(list), ..both_ways() };
        let plan = dry(&here, &sim, &options);
        add(list, climb.id);
        assert_stale(&here, &sim, &options, &plan);
        let plan = dry(&here, &sim, &options);
        let done = apply(&here, &sim, &options, &plan);
        assert_eq!((done.ending, done.count(Decided::Sent)), (Ending::Done, 2), "{}", done.sync_summary());
    }
}
