//! The account's own climbs as Stokt may show them: without a setter, with another, unreadable, or not all of them.
//! None of that creates anything twice, or takes what is there for gone.

use std::time::Duration;

use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::SyncState;
use mastoc_domain::{ClimbId, StoktId};
use mastoc_stokt_sim::{Rule, Sim};
use mastoc_storage::import::ImportContext;
use mastoc_storage::runs::RunDirection;
use mastoc_storage::{outbox, sync_climbs};
use mastoc_sync_engine::sync::{Selection, SyncOptions, by_hand};
use mastoc_sync_engine::{Decided, Ending};
use mastoc_test_support::both_backends;
use serde_json::{Value, json};

use crate::syncing::*;
use crate::world::{client, open, prepare, small};

fn sending() -> SyncOptions {
    SyncOptions {
        direction: RunDirection::Both,
        selection: Selection::AllLocal,
        unknown_settle: Duration::ZERO,
        ..pull()
    }
}

/// The rows of a page or a plain list.
fn rows(answer: &mut Value) -> &mut Vec<Value> {
    if answer.is_array() {
        return answer.as_array_mut().unwrap();
    }
    answer["results"].as_array_mut().unwrap()
}

/// Both listings show climbs called `name` like this.
fn odd(sim: &Sim, name: &'static str, change: impl Fn(&mut Value) + Send + Sync + Copy + 'static) {
    for path in ["/api/gyms/*/climbs", "/api/gyms/*/my-set-climbs"] {
        let rule = Rule::rewrite(move |answer| {
            rows(answer).iter_mut().filter(|climb| climb["name"] == name).for_each(change);
        });
        sim.faults().push(rule.method("GET").path(path));
    }
}

/// The list of the account's climbs lacks those called `name`, and says that it does.
fn lacking(sim: &Sim, name: &'static str) {
    let rule = Rule::rewrite(move |answer| {
        let mut climbs = rows(answer).clone();
        let count = climbs.len();
        climbs.retain(|climb| climb["name"] != name);
        *answer = json!({ "count": count, "next": null, "previous": null, "results": climbs });
    });
    sim.faults().push(rule.method("GET").path("/api/gyms/*/my-set-climbs"));
}

fn lost_answer(sim: &Sim) {
    sim.faults().push(Rule::cut(0).carried_out().method("POST").path("/api/faces/").times(1));
}

fn local(url: &str, id: ClimbId) -> sync_climbs::ClimbSide {
    open(url).read(|conn| sync_climbs::local(conn, &[id])).unwrap().remove(0)
}

fn named(sim: &Sim, name: &str) -> usize {
    sim.with_board(|board| board.climbs_named(name).len())
}

both_backends! {
    prepare: prepare;

    fn a_new_climb_is_recognised_whoever_stokt_names_as_its_setter(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        for (number, name) in ["Nobody's", "Somebody's"].into_iter().enumerate() {
            let id = here.create(&sim, name, number);
            lost_answer(&sim);
            odd(&sim, name, if number == 0 {
                |climb: &mut Value| climb["climbSetters"] = Value::Null
            } else {
                |climb: &mut Value| climb["climbSetters"]["id"] = json!("0d9e5a1c-7f1b-4a53-9d5e-2f1c7b6a8e90")
            });
            assert_eq!(here.sync(&sim, &sending()).count(Decided::Unknown), 1, "{name}");
            let next = here.sync(&sim, &sending());
            assert_eq!((next.count(Decided::Adopted), next.count(Decided::Sent)), (1, 0), "{}", next.sync_summary());
            assert!(here.there(id).is_some());
            (0..3).for_each(|_| drop(here.sync(&sim, &sending())));
            assert_eq!(named(&sim, name), 1);
            sim.faults().clear();
        }
    }

    fn a_new_climb_that_cannot_be_read_is_not_sent_again(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let id = here.create(&sim, "Odd one", 3);
        lost_answer(&sim);
        odd(&sim, "Odd one", |climb| climb["holdsList"] = json!("what?"));
        for _ in 0..4 {
            assert_eq!(here.sync(&sim, &sending()).count(Decided::Unknown), 1);
        }
        assert_eq!(named(&sim, "Odd one"), 1);
        sim.faults().clear();
        assert_eq!(here.sync(&sim, &sending()).count(Decided::Adopted), 1);
        assert!(here.there(id).is_some());
        assert_eq!(named(&sim, "Odd one"), 1);
    }

    fn a_look_at_a_part_of_the_accounts_climbs_does_not_count(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        let id = here.create(&sim, "Left out", 4);
        lost_answer(&sim);
        lacking(&sim, "Left out");
        odd(&sim, "Left out", |climb| climb["climbSetters"]["id"] = json!("0d9e5a1c-7f1b-4a53-9d5e-2f1c7b6a8e90"));
        for _ in 0..4 {
            assert_eq!(here.sync(&sim, &SyncOptions { direction: RunDirection::MastocToStokt, ..sending() }).count(Decided::Unknown), 1);
        }
        assert_eq!(named(&sim, "Left out"), 1);
        sim.faults().clear();
        here.sync(&sim, &sending());
        assert!(here.there(id).is_some());
        assert_eq!(named(&sim, "Left out"), 1);
    }

    fn what_a_restored_backup_does_not_know_to_be_sent_waits_for_a_person(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        here.sync(&sim, &pull());
        // Two climbs were sent, but the database is older than that.
        let ids = ["Adopted", "Sent twice"].map(|name| {
            let id = here.create(&sim, name, name.len());
            let holds = local(url, id).holds_list;
            (id, sim.with_board(|board| board.add_climb(name, &holds, None)))
        });
        let dry = here.sync(&sim, &SyncOptions { dry_run: true, ..sending() });
        assert_eq!((dry.count(Decided::Sent), dry.count(Decided::Created)), (0, 0), "{}", dry.sync_summary());
        for (number, options) in [sending(), pull(), SyncOptions { full: true, ..sending() }].into_iter().enumerate() {
            let report = here.sync(&sim, &options);
            assert_eq!((report.ending, report.count(Decided::HeldBack)), (Ending::Waiting, 2), "{}", report.sync_summary());
            assert_eq!((report.count(Decided::Sent), report.count(Decided::Created), report.count(Decided::Ambiguous)), (0, 0, 0));
            // What they are held back for was never sent, and is told in the same breath.
            assert!(!report.sync_summary().contains("an earlier attempt"), "{}", report.sync_summary());
            assert_eq!(report.sync_summary().matches("not done by this run").count(), 0, "{}", report.sync_summary());
            let skipped = report.decisions.listed.iter().filter(|one| one.decision == Decided::Skipped);
            assert!(skipped.clone().all(|one| one.name.is_none() && one.why.as_deref().unwrap().contains("is held back")));
            assert_eq!(skipped.count(), 2);
            assert_eq!(report.is_news(), number < 2, "told in each run, and news in the first of each direction");
            // What to type stands there, and whole.
            let rows = open(url).read(|conn| outbox::in_states(conn, &[OutboxState::Ambiguous])).unwrap();
            let ways: Vec<String> = rows.iter().flat_map(by_hand::remedies).map(|one| one.command).collect();
            assert_eq!(ways.len(), 6);
            assert!(ways.iter().all(|way| report.sync_summary().contains(way)), "{ways:#?}\n{}", report.sync_summary());
            for (id, there) in ids {
                let of = |needle: String| ways.iter().filter(|way| way.ends_with(&needle)).count();
                assert_eq!((of(format!("--climb-ids {id}")), of(format!("--adopt {there}"))), (1, 1), "{ways:#?}");
            }
        }
        assert!(ids.iter().all(|(_, there)| here.try_known(*there).is_none()));
        // A person adopts the one, and sends the other on purpose.
        let store = open(url);
        let rows = store.read(|conn| outbox::in_states(conn, &[OutboxState::Ambiguous])).unwrap();
        assert_eq!(rows.len(), 2);
        let row = rows.iter().find(|row| row.local_id == ids[0].0.to_string()).unwrap();
        assert!(row.last_error.as_deref().unwrap().contains(&ids[0].1.to_string()));
        // It was never sent, so that nobody can say that it was not created; nor is anything else it.
        let refused = store.write(|conn| by_hand::not_created(conn, &ImportContext::default(), row.id)).unwrap_err();
        assert!(refused.to_string().contains("was never sent") && refused.to_string().contains("--climb-ids"), "{refused}");
        let shown = by_hand::candidates(&client(&sim), &store, row.id).unwrap();
        let elsewhere = StoktId(uuid::Uuid::from_u128(7));
        let other = store.write(|conn| by_hand::adopt(conn, &ImportContext::default(), row.id, elsewhere, &shown));
        assert!(other.unwrap_err().to_string().contains(&ids[0].1.to_string()), "it names the one that it may be");
        let adopted = store.write(|conn| by_hand::adopt(conn, &ImportContext::default(), row.id, StoktId(ids[0].1), &shown));
        adopted.unwrap();
        drop(store);
        let report = here.sync(&sim, &SyncOptions { selection: Selection::Climbs(vec![ids[1].0]), ..sending() });
        assert_eq!((report.ending, report.count(Decided::Sent)), (Ending::Done, 1), "{}", report.sync_summary());
        assert_eq!((here.there(ids[0].0), named(&sim, "Adopted")), (Some(ids[0].1), 1));
        assert_eq!(named(&sim, "Sent twice"), 2);
        assert_ne!(here.there(ids[1].0), Some(ids[1].1));
        (0..2).for_each(|_| drop(here.sync(&sim, &SyncOptions { full: true, ..sending() })));
        assert_eq!((named(&sim, "Adopted"), named(&sim, "Sent twice")), (1, 2));
        assert!(here.try_known(ids[1].1).is_some(), "now it is a climb of its own");
    }

    fn own_climbs_are_not_gone_because_their_list_is_odd_or_short(url: &str) {
        let sim = small().start().unwrap();
        let here = Here::new(url);
        let id = here_own(&sim, &here);
        here.edit(id, |climb| climb.is_private = true);
        assert_eq!(here.sync(&sim, &sending()).count(Decided::Patched), 1);
        // As Stokt does it: no listing of a gym shows a private climb.
        let secret = sim.with_board(|board| board.climb_ids().into_iter().filter(|id| board.climb(*id).unwrap()["isPrivate"] == true).count());
        let hidden = Rule::rewrite(move |answer| {
            rows(answer).retain(|climb| climb["isPrivate"] == false);
            answer["count"] = json!(answer["count"].as_u64().unwrap() - secret as u64);
        });
        for short in [true, false] {
            // The gym's listing never shows it.
            sim.faults().push(hidden.clone().method("GET").path("/api/gyms/*/climbs"));
            if short {
                lacking(&sim, "Own");
            } else {
                let broken = Rule::rewrite(|answer| rows(answer).iter_mut().filter(|climb| climb["name"] == "Own").for_each(|climb| climb["holdsList"] = json!("what?")));
                sim.faults().push(broken.method("GET").path("/api/gyms/*/my-set-climbs"));
            }
            for _ in 0..3 {
                let report = here.sync(&sim, &SyncOptions { direction: RunDirection::Both, ..full() });
                assert_eq!((report.count(Decided::Archived), here.state(id)), (0, SyncState::Synced), "{}", report.sync_summary());
                here.hours(&sim, 13);
            }
            sim.faults().clear();
        }
    }
}

/// A climb of the account's, linked.
fn here_own(sim: &Sim, here: &Here<'_>) -> uuid::Uuid {
    here.sync(sim, &pull());
    let id = here.create(sim, "Own", 7);
    here.sync(sim, &sending());
    here.sync(sim, &pull());
    here.there(id).unwrap()
}
