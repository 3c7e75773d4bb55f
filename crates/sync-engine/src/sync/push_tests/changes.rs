//! Changes to climbs that both sides know: sent where they are the account's, and nothing else.

use mastoc_domain::StoktId;
use mastoc_domain::outbox::OutboxState;
use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::{Permissions, Rule};
use mastoc_storage::{Viewer, climbs};
use serde_json::json;

use super::{World, decided, prepare, why};
use crate::decision::Decided;
use crate::ending::Ending;
use crate::sync::options::{MaxDelete, SyncOptions};
use crate::sync::surroundings::Uncut;

fn deleting(world: World, most: MaxDelete) -> World {
    World { options: SyncOptions { allow_delete: true, max_delete: most, ..world.options.clone() }, ..world }
}

/// Everybody may change everything of it, whoever sent it.
fn open_to_its_setter(world: &World, id: StoktId) {
    world.sim.with_board(|board| board.set_permissions(id.0, Some(Permissions::all(true))));
}

mastoc_test_support::both_backends! {
    prepare: prepare;

    fn the_changed_fields_are_sent_and_no_others(url: &str) {
        let world = World::new(url);
        let own = world.own();
        let there = own.stokt_id.unwrap();
        open_to_its_setter(&world, there);
        world.sim.with_board(|board| board.edit_climb(there.0, |climb| drop(climb.insert("tags".into(), json!("new there")))));
        let holds = world.holds(30);
        world.edit(own.id, |climb| {
            climb.name = "Renamed".into();
            climb.holds_list.clone_from(&holds);
        });
        let before = world.show(there);
        assert_eq!(decided(&world.run()), [Decided::Patched]);
        let after = world.show(there);
        let tokens = |list: &serde_json::Value| { let mut t: Vec<String> = list.as_str().unwrap().split(' ').map(str::to_owned).collect(); t.sort(); t };
        assert_eq!((&after["name"], tokens(&after["holdsList"])), (&json!("Renamed"), tokens(&json!(holds))));
        for field in ["feetRule", "isPrivate", "tags", "circuit"] {
            assert_eq!(before[field], after[field], "{field}");
        }
        assert_eq!(world.here(own.id).sync_state, SyncState::Synced);
        assert_eq!((world.changes(), decided(&world.run())), (vec!["PATCH".to_owned()], vec![]));
    }

    fn privacy_has_a_call_of_its_own(url: &str) {
        let world = World::new(url);
        let own = world.own();
        for private in [true, false] {
            world.edit(own.id, |climb| climb.is_private = private);
            assert_eq!(decided(&world.run()), [Decided::Patched]);
            assert_eq!(world.show(own.stokt_id.unwrap())["isPrivate"], private);
        }
        assert!(world.sim.requests().iter().filter(|request| request.method == "PATCH").all(|request| request.path.ends_with("privacy-status")));
    }

    fn a_climb_of_another_setter_is_never_sent(url: &str) {
        let world = World::new(url);
        let mine: Vec<StoktId> = world.owns().iter().filter_map(|climb| climb.stokt_id).collect();
        let others = world.sim.with_board(|board| board.climb_ids());
        let other = others.into_iter().map(StoktId).find(|id| !mine.contains(id) && world.show(*id)["isPrivate"] == false).unwrap();
        let other = world.store.read(|conn| climbs::by_stokt_id(conn, Viewer::Service, other)).unwrap().unwrap();
        world.edit(other.id, |climb| climb.name = "Not yours".into());
        world.run();
        let world = deleting(world, MaxDelete::Usual);
        world.delete(other.id);
        world.run();
        assert_eq!(world.changes(), Vec::<String>::new());
    }

    fn what_stokt_does_not_let_the_account_do_is_not_tried(url: &str) {
        let world = World::new(url);
        let own = world.own();
        let there = own.stokt_id.unwrap();
        world.sim.with_board(|board| board.set_permissions(there.0, Some(Permissions { can_edit_holds: false, ..Permissions::all(true) })));
        let holds = world.holds(31);
        world.edit(own.id, |climb| climb.holds_list = holds);
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Rejected]);
        assert!(why(&report.decisions.listed[0]).contains("change its holds"), "{report:?}");
        assert_eq!((world.changes(), world.rows()), (vec![], vec![]));
        assert_eq!(world.here(own.id).sync_state, SyncState::Modified);
    }

    fn the_same_field_changed_on_both_sides_is_not_sent(url: &str) {
        let world = World::new(url);
        let own = world.own();
        world.edit(own.id, |climb| climb.name = "Ours".into());
        world.sim.with_board(|board| board.edit_climb(own.stokt_id.unwrap().0, |climb| drop(climb.insert("name".into(), json!("Theirs")))));
        assert_eq!(decided(&world.run()), [Decided::Skipped]);
        assert_eq!(world.changes(), Vec::<String>::new());
        // Changed alike, it is agreed on without a word.
        world.edit(own.id, |climb| climb.name = "Theirs".into());
        assert_eq!(decided(&world.run()), [Decided::Rebased]);
        assert_eq!((world.changes(), world.here(own.id).sync_state), (vec![], SyncState::Synced));
    }

    fn whatever_comes_of_a_change_it_is_there_in_the_end(url: &str) {
        let world = World::new(url);
        let own = world.own();
        let there = own.stokt_id.unwrap();
        let cases: [(&str, Rule, OutboxState); 5] = [
            ("cut, done", Rule::cut(0).carried_out(), OutboxState::Unknown),
            ("cut, not done", Rule::cut(0).not_carried_out(), OutboxState::Unknown),
            ("502", Rule::html_status(502), OutboxState::Unknown),
            ("half of the JSON", Rule::new(mastoc_stokt_sim::Fault::Truncate { keep: 20 }), OutboxState::Unknown),
            ("slow down", Rule::throttle(mastoc_stokt_sim::RetryAfter::Seconds(0)), OutboxState::Done),
        ];
        for (name, rule, state) in cases {
            let name = format!("Own, {name}");
            world.edit(own.id, |climb| climb.name.clone_from(&name));
            world.sim.faults().push(rule.method("PATCH").times(1));
            world.run();
            assert_eq!(world.rows()[0].state, state, "{name}");
            world.run();
            assert_eq!((&world.show(there)["name"], world.here(own.id).sync_state), (&json!(name), SyncState::Synced));
            assert_eq!(decided(&world.run()), [], "{name}");
        }
    }

    fn a_change_that_stokt_takes_and_does_not_make_is_told(url: &str) {
        let world = World::new(url);
        let own = world.own();
        world.edit(own.id, |climb| climb.name = "Ours".into());
        world.sim.faults().push(Rule::rewrite(|climb| climb["name"] = json!("Theirs")).method("PATCH").times(1));
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Rejected]);
        assert!(why(&report.decisions.listed[0]).contains("name"));
        let here = world.here(own.id);
        assert_eq!((here.name.as_str(), here.sync_state), ("Ours", SyncState::Modified));
    }

    fn an_edit_during_the_patch_stays_to_be_sent(url: &str) {
        let world = World::new(url);
        let own = world.own();
        world.edit(own.id, |climb| climb.name = "First".into());
        let (store, id) = (world.store.clone(), own.id);
        let during = Rule::change(move |_| super::edit(&store, id, |climb| climb.name = "Second".into()));
        world.sim.faults().push(during.method("PATCH").times(1));
        assert_eq!(decided(&world.run()), [Decided::Patched]);
        assert_eq!(world.here(own.id).sync_state, SyncState::Modified);
        assert_eq!(decided(&world.run()), [Decided::Patched]);
        assert_eq!(world.show(own.stokt_id.unwrap())["name"], "Second");
        assert_eq!(world.here(own.id).sync_state, SyncState::Synced);
    }

    fn only_whoever_allows_it_deletes(url: &str) {
        let world = World::new(url);
        let own = world.own();
        let there = own.stokt_id.unwrap().0;
        world.delete(own.id);
        assert_eq!(decided(&world.run()), [Decided::Skipped]);
        assert_eq!(world.changes(), Vec::<String>::new());
        let world = deleting(world, MaxDelete::Usual);
        world.sim.faults().push(Rule::cut(0).method("DELETE").times(1).carried_out());
        assert_eq!(decided(&world.run()), [Decided::Unknown]);
        assert!(world.sim.with_board(|board| board.climb(there)).is_none());
        assert_eq!(decided(&world.run()), [Decided::DeletedThere]);
        assert_eq!((world.changes(), decided(&world.run())), (vec!["DELETE".to_owned()], vec![]));
    }

    fn what_was_changed_there_is_not_deleted(url: &str) {
        let world = deleting(World::new(url), MaxDelete::Usual);
        let own = world.own();
        world.delete(own.id);
        world.sim.with_board(|board| board.edit_climb(own.stokt_id.unwrap().0, |climb| drop(climb.insert("name".into(), json!("Theirs")))));
        assert_eq!(decided(&world.run()), [Decided::Skipped]);
        assert_eq!(world.changes(), Vec::<String>::new());
    }

    fn an_edit_at_stokt_during_the_run_is_neither_overwritten_nor_deleted(url: &str) {
        let world = deleting(World::new(url), MaxDelete::Usual);
        let owns = world.owns();
        let ids: Vec<StoktId> = owns.iter().take(2).filter_map(|own| own.stokt_id).collect();
        world.edit(owns[0].id, |climb| climb.name = "Ours".into());
        world.delete(owns[1].id);
        // While Stokt is asked what the account may do, somebody edits both there.
        let edited = ids.clone();
        let meanwhile = Rule::change(move |board| edited.iter().for_each(|id| assert!(board.edit_climb(id.0, |climb| drop(climb.insert("name".into(), json!("Theirs")))))));
        world.sim.faults().push(meanwhile.method("GET").path("/api/climbs/").times(1));
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Skipped; 2], "{report:?}");
        assert!(report.decisions.listed.iter().all(|one| why(one).contains("during this run")), "{report:?}");
        assert_eq!(world.changes(), Vec::<String>::new());
        assert!(ids.iter().all(|id| world.show(*id)["name"] == "Theirs"));
        // The next run knows what they say.
        assert_eq!(decided(&world.run()), [Decided::Skipped; 2]);
        assert_eq!(world.changes(), Vec::<String>::new());
    }

    fn privacy_that_stokt_takes_and_does_not_keep_is_told(url: &str) {
        let world = World::new(url);
        let own = world.own();
        let privacy = |rule: Rule| rule.method("PATCH").path("/api/climbs/").times(1);
        world.edit(own.id, |climb| climb.is_private = true);
        // The answer says that it is public; then it says nothing, and the list says that it is private.
        world.sim.faults().push(privacy(Rule::rewrite(|climb| climb["isPrivate"] = json!(false)).not_carried_out()));
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Rejected], "{report:?}");
        assert_eq!(world.here(own.id).sync_state, SyncState::Modified);
        world.edit(own.id, |climb| climb.name = "Another".into());
        world.edit(own.id, |climb| climb.name.clone_from(&own.name));
        world.sim.with_board(|board| board.edit_climb(own.stokt_id.unwrap().0, |climb| drop(climb.insert("isPrivate".into(), json!(false)))));
        world.sim.faults().push(privacy(Rule::rewrite(|climb| *climb = json!({}))));
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Patched], "{report:?}");
        assert_eq!((world.here(own.id).sync_state, world.show(own.stokt_id.unwrap())["isPrivate"].clone()), (SyncState::Synced, json!(true)));
    }

    fn description_and_grade_are_sent_when_they_were_changed_here_and_only_then(url: &str) {
        let world = World::new(url);
        let id = world.make(&mastoc_domain::climb_edit::ClimbContent { description: Some("Start low".into()), ..world.content("Described", 1) });
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        let patched = |change: &dyn Fn(&mut mastoc_domain::climb_edit::ClimbContent)| {
            world.sim.forget_requests();
            world.edit(id, |climb| change(climb));
            assert_eq!(decided(&world.run()), [Decided::Patched]);
            let row = world.rows().remove(0);
            row.payload["send"]["patch"]["patch"].clone()
        };
        assert_eq!(patched(&|climb| climb.name = "Renamed".into()), json!({"name": "Renamed"}));
        assert_eq!(patched(&|climb| climb.description = Some("Start high".into())), json!({"description": "Start high"}));
        assert_eq!(patched(&|climb| climb.grade.font = Some("7A".into())), json!({"grade": {"gradingSystem": "font", "value": "7a"}}));
        assert_eq!(patched(&|climb| climb.description = None), json!({"description": ""}));
        assert_eq!(patched(&|climb| climb.name = "Renamed again".into()), json!({"name": "Renamed again"}));
    }

    fn somebody_else_deleted_it_just_now(url: &str) {
        let world = deleting(World::new(url), MaxDelete::Usual);
        let own = world.own();
        let there = own.stokt_id.unwrap().0;
        world.delete(own.id);
        world.sim.faults().push(Rule::change(move |board| assert!(board.delete_climb(there))).method("DELETE").times(1));
        assert_eq!(decided(&world.run()), [Decided::DeletedThere], "404 counts as done");
    }

    fn too_many_deletions_stop_the_run_before_the_first(url: &str) {
        let world = World::new(url);
        let owns = world.owns();
        assert!(owns.len() >= 2, "the board has own climbs");
        owns.iter().for_each(|own| world.delete(own.id));
        let local = world.local("Not sent either", 1);
        let world = deleting(world, MaxDelete::Count(1));
        assert_eq!(world.try_run(&Uncut).unwrap_err().ending(), Ending::Guard);
        assert_eq!((world.changes(), world.here(local).stokt_id), (vec![], None));
        let world = deleting(world, MaxDelete::Count(owns.len() as u64));
        assert_eq!(decided(&world.run()).iter().filter(|one| **one == Decided::DeletedThere).count(), owns.len());
    }

    fn planning_many_costs_no_more_statements_than_planning_few(url: &str) {
        let world = World::new(url);
        let cost = |count: usize, from: usize| {
            for n in from..from + count {
                world.local(&format!("Climb {n}"), n);
            }
            // Everything up to the first thing that is sent.
            let before = world.store.statements();
            let cut = world.try_run(&crate::sync::points::StopAt::new(1));
            assert!(cut.is_err());
            world.store.statements() - before
        };
        assert_eq!(cost(1, 0), cost(12, 1));
    }
}
