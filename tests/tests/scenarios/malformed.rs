//! Answers that are not what they should be: a run in both directions believes none of them, and sends, archives and
//! deletes nothing because of them. What an import makes of them is tested with the import.

use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::{Fault, PictureFault, Rule};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::support::world::World;
use crate::support::{Imported, agree, local};

/// Everything, both ways, with no patience: an absence that is believed twice archives.
fn whole(world: &World) -> Imported {
    let mut command = world.sync("both", &["--full", "--all-local", "--allow-delete"]);
    command.env("MASTOC_GONE_AFTER", "0");
    crate::support::run(command)
}

/// A world with something to do in each direction.
fn busy() -> Vec<World> {
    let worlds = World::both();
    for world in &worlds {
        world.create("New", 50);
        world.edit("Own 1", |climb| climb.name = "Own 1, edited".into());
        world.edit_there("Other 1", |climb| drop(climb.insert("name".into(), json!("Other 1, edited"))));
    }
    worlds
}

/// Run into three times, a fault changes nothing on either side; without it all is done.
#[track_caller]
fn changes_nothing_at_all(rule: impl Fn() -> Rule, code: i32) {
    for world in busy() {
        let (before, there) = (local::all(&world.store()), world.sim.with_board(|board| board.climbs()));
        world.sim.faults().push(rule());
        for _ in 0..3 {
            whole(&world).expect(code);
            assert_eq!(local::all(&world.store()), before);
            assert_eq!(world.changing_requests(), Vec::<String>::new());
        }
        assert!(world.sim.faults().hits() > 0, "a fault that never happened proves nothing");
        assert_eq!(world.sim.with_board(|board| board.climbs()), there);
        world.sim.faults().clear();
        world.settle(3);
        world.agree();
        assert_eq!(world.count_there("New"), 1);
    }
}

/// Run into three times, a listing that never proves complete brings what it truly shows and nothing else: nothing is
/// missing because of it, and nothing is sent. Without the fault all is done.
#[track_caller]
fn proves_nothing(rule: impl Fn() -> Rule) {
    for world in busy() {
        let before = local::all(&world.store());
        let there = world.sim.with_board(|board| board.climbs());
        let theirs = agree::there(&world.sim);
        world.sim.faults().push(rule());
        for run in 1..=3 {
            let report = whole(&world).expect(1);
            assert_eq!(report.report["gyms"][0]["listing"]["complete"], false);
            assert!(world.sim.faults().hits() >= run * 3, "it was read again, twice");
            let now = local::all(&world.store());
            for climb in &before {
                let after = now.iter().find(|after| after.id == climb.id).unwrap();
                assert_eq!((after.sync_state, after.stokt_id), (climb.sync_state, climb.stokt_id));
                let shown = climb.stokt_id.and_then(|id| theirs.get(&id.to_string()));
                let content = agree::canonical_here(after);
                let is_theirs = climb.sync_state == SyncState::Synced && shown == Some(&content);
                assert!(is_theirs || content == agree::canonical_here(climb), "{climb:?}\n{after:?}");
            }
            assert_eq!(now.len(), before.len());
            assert_eq!(world.changing_requests(), Vec::<String>::new());
        }
        assert!(world.sim.faults().hits() > 0, "a fault that never happened proves nothing");
        assert_eq!(world.sim.with_board(|board| board.climbs()), there);
        world.sim.faults().clear();
        world.settle(1);
        world.agree();
        assert_eq!(world.count_there("New"), 1);
    }
}

#[test]
fn a_next_that_loops() {
    proves_nothing(|| Rule::new(Fault::NextLoop));
}

#[test]
fn a_count_of_1000_with_one_row() {
    let lies = || {
        Rule::rewrite(|page| {
            page["count"] = json!(1000);
            page["next"] = Value::Null;
            if let Some(results) = page["results"].as_array_mut() {
                results.truncate(1);
            }
        })
        .path("/api/gyms/*/climbs")
    };
    proves_nothing(lies);
}

#[test]
fn a_count_that_changes_with_every_page() {
    proves_nothing(|| Rule::new(Fault::CountDrift { by: 1 }));
}

#[test]
fn a_list_of_own_climbs_that_never_adds_up() {
    // It is a plain list today; were it paged one day, it would have to prove as much as the other.
    let lies = || {
        Rule::rewrite(|list| *list = json!({ "count": 1000, "next": null, "results": list.take() }))
            .path("/api/gyms/*/my-set-climbs")
    };
    proves_nothing(lies);
}

#[test]
fn html_with_status_200() {
    changes_nothing_at_all(|| Rule::new(Fault::Html).path("/api/gyms/*/climbs"), 75);
}

#[test]
fn a_field_that_matters_is_missing_or_of_another_type() {
    changes_nothing_at_all(|| Rule::new(Fault::FieldGone { field: "holdsList".into() }), 4);
    changes_nothing_at_all(|| Rule::new(Fault::FieldRetyped { field: "name".into() }), 4);
    changes_nothing_at_all(
        || Rule::new(Fault::FieldGone { field: "polygonStr".into() }).path("/api/faces/*/setup"),
        4,
    );
    // A few records among many that are as they should be.
    changes_nothing_at_all(
        || Rule::new(Fault::FieldGone { field: "feetRule".into() }).path("/api/gyms/*/my-set-climbs"),
        4,
    );
}

#[test]
fn the_field_that_stops_a_run_is_named() {
    for world in busy() {
        world.sim.faults().push(Fault::FieldGone { field: "holdsList".into() });
        let report = whole(&world).expect(4);
        let told = format!("{}{}", report.finished.stdout, report.finished.stderr);
        assert!(told.contains("holdsList"), "{told}");
    }
}

#[test]
fn a_field_that_nobody_knows_is_kept_and_told() {
    for world in busy() {
        world.sim.faults().push(Fault::FieldNew { field: "moonPhase".into() });
        let report = whole(&world).expect(0);
        assert!(report.finished.stdout.contains("moonPhase"), "{}", report.finished.stdout);
        world.agree();
        let account = crate::support::board::served(&world.source);
        let stored = crate::support::board::stored(&world.place, world.source.gym, account.account);
        assert!(stored.climbs.values().any(|climb| climb["moonPhase"] == "waning"));
    }
}

#[test]
fn the_same_id_on_two_pages_is_one_climb() {
    for world in busy() {
        world.sim.faults().push(Fault::Repeat { records: 2 });
        whole(&world).expect(0);
        whole(&world).expect(0);
        world.agree();
        assert_eq!(world.count_there("New"), 1);
    }
}

/// Somebody adds a climb to Stokt that is broken in some way; answers its key.
fn broken(world: &World, change: impl FnOnce(&mut Map<String, Value>)) -> Uuid {
    let mut climb = world.there("Other 2").as_object().unwrap().clone();
    climb.insert("id".into(), json!(Uuid::new_v4()));
    climb.insert("name".into(), json!("Broken"));
    change(&mut climb);
    world.sim.with_board(|board| board.add_raw_climb(climb))
}

#[test]
fn one_broken_record_is_kept_aside_and_holds_nothing_up() {
    type Break = fn(&mut Map<String, Value>);
    let breaks: [(&str, Break); 6] = [
        ("unknown holds", |climb| drop(climb.insert("holdsList".into(), json!("S999999999 O1 T2")))),
        ("no holds list", |climb| drop(climb.insert("holdsList".into(), json!("nonsense")))),
        ("null id", |climb| drop(climb.insert("id".into(), Value::Null))),
        ("missing id", |climb| drop(climb.shift_remove("id"))),
        ("10 MB name", |climb| drop(climb.insert("name".into(), json!("x".repeat(10 << 20))))),
        ("NUL", |climb| drop(climb.insert("name".into(), json!("NUL \u{0} inside")))),
    ];
    for (what, change) in breaks {
        for world in busy() {
            let key = broken(&world, change);
            // It is a new climb of somebody else; all the others are done, and none is archived however often it runs.
            for _ in 0..2 {
                let report = whole(&world).expect(1);
                assert_eq!(
                    report.count("climbs", "quarantined"),
                    1,
                    "{what}: {:#}",
                    report.report["problems"]
                );
            }
            assert!(world.sim.with_board(|board| board.delete_climb(key)));
            whole(&world).expect(0);
            world.agree();
            assert_eq!(world.count_there("New"), 1, "{what}");
        }
    }
}

#[test]
fn a_linked_climb_that_comes_broken_stays_as_it_was() {
    for world in busy() {
        let before = world.here("Own 2");
        world.edit_there("Own 2", |climb| drop(climb.insert("holdsList".into(), json!("S999999999 T1"))));
        for _ in 0..3 {
            whole(&world).expect(1);
            let now = world.here("Own 2");
            assert_eq!(
                (now.id, &now.holds_list, now.sync_state),
                (before.id, &before.holds_list, before.sync_state)
            );
        }
        let holds = before.holds_list.clone();
        world.edit_there("Own 2", |climb| drop(climb.insert("holdsList".into(), json!(holds))));
        whole(&world).expect(0);
        world.agree();
    }
}

#[test]
fn bidirectional_controls_travel_as_they_are() {
    for world in busy() {
        let name = "\u{202e}txet lanoitceridib\u{202c} \u{200d}";
        world.edit_there("Other 3", |climb| drop(climb.insert("name".into(), json!(name))));
        whole(&world).expect(0);
        assert_eq!(world.here(name).name, name);
        world.agree();
    }
}

#[test]
fn a_picture_that_is_spoilt_replaces_none_and_stops_no_climb() {
    for fault in [PictureFault::Truncated, PictureFault::Oversized(70 << 20), PictureFault::WrongDimensions] {
        for world in busy() {
            let kept = world.place.pictures();
            // A new picture hangs there, and comes spoilt.
            let face = world.sim.face_ids()[0];
            let bytes = world.sim.picture(face).unwrap().to_vec();
            world.sim.with_board(|board| board.set_picture(face, bytes, 48, 64)).unwrap();
            world.sim.faults().push(Rule::new(Fault::Picture(fault)));
            let report = whole(&world).expect(1);
            assert_eq!(report.report["images"]["missing_wall_pictures"], 1, "{fault:?}");
            assert!(kept.iter().all(|picture| world.place.pictures().contains(picture)), "{fault:?}");
            world.agree();
            world.sim.faults().clear();
            whole(&world).expect(0);
        }
    }
}
