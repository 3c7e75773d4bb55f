//! What a run is told by its flags: what is sent, how far it looks back, who is overruled, how fast it asks.

use std::time::{Duration, Instant};

use mastoc_domain::ListId;
use mastoc_domain::lists::ListType;
use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_client::Client;
use mastoc_storage::lists::{self, NewList};
use mastoc_storage::{StoreError, WriteConn, list_items};
use mastoc_test_support::Process;
use serde_json::json;

use crate::schema::report;
use crate::support::world::World;
use crate::support::{LIMIT, Place, one_line};

#[test]
fn only_what_is_chosen_is_sent() {
    for world in World::both() {
        let ids: Vec<String> =
            (0..4).map(|n| world.create(&format!("Home made {n}"), 60 + n).id.to_string()).collect();
        let there = || (0..4).map(|n| world.count_there(&format!("Home made {n}"))).collect::<Vec<_>>();
        report(world.run("both", &["--full"]).expect(0));
        assert_eq!(there(), [0, 0, 0, 0], "nothing was chosen");
        let some = format!("{},{}", ids[0], ids[2]);
        let sent = report(world.run("mastoc-to-stokt", &["--climb-ids", &some]).expect(0));
        assert_eq!((there(), &sent.report["decided"]), (vec![1, 0, 1, 0], &json!({ "sent": 2 })));
        assert_eq!(world.here("Home made 1").sync_state, SyncState::Local);
        report(world.run("both", &["--all-local"]).expect(0));
        assert_eq!(there(), [1, 1, 1, 1]);
        world.agree();
        // An id that is not here is no reason to send less than was asked for in silence.
        let mut nobody = world.sync("both", &["--climb-ids", "0190f0a0-0000-7000-8000-000000000001"]);
        nobody.arg("--json");
        let finished = Process::run(nobody, LIMIT);
        assert_ne!(finished.code, Some(0), "{finished:?}");
        assert!(format!("{finished:?}").contains("0190f0a0-0000-7000-8000-000000000001"), "{finished:?}");
    }
}

/// A list of two climbs, one of which Stokt does not know yet.
fn list(world: &World, name: &str) -> ListId {
    let (ours, theirs) = (world.create("Home made", 60), world.here("Own 1"));
    let make = |conn: &mut WriteConn<'_>| -> Result<ListId, StoreError> {
        let new = NewList {
            name: name.to_owned(),
            description: None,
            list_type: ListType::Personal,
            is_public: false,
            gym_id: None,
        };
        let list = lists::create(conn, theirs.setter_id.unwrap(), &new)?;
        for climb in [ours.id, theirs.id] {
            list_items::add(conn, list, climb, &list_items::NewItem::default())?;
        }
        Ok(list)
    };
    world.store().write(make).unwrap()
}

#[test]
fn a_list_is_sent_with_its_climbs() {
    for world in World::both() {
        let id = list(&world, "Projects").to_string();
        report(world.run("both", &["--list", &id, "--dry-run"]).expect(0));
        assert_eq!(world.count_there("Home made"), 0);
        report(world.run("both", &["--list", &id]).expect(0));
        assert_eq!(world.count_there("Home made"), 1);
        let client =
            Client::builder(&world.source.url).token(world.source.token.clone().into()).build().unwrap();
        let account = client.me().unwrap().id.to_string();
        let lists = client.personal_lists(&account).unwrap().collect_all().unwrap();
        let called: Vec<_> = lists.iter().filter(|list| list.raw["name"] == "Projects").collect();
        assert_eq!(called.len(), 1);
        let items = client.list_items(called[0].raw["id"].as_str().unwrap(), &Default::default()).unwrap();
        let names: Vec<String> = items
            .collect_all()
            .unwrap()
            .iter()
            .map(|item| item.raw["climb"]["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["Home made", "Own 1"]);
        // Once.
        let before = world.changing_requests().len();
        report(world.run("both", &["--list", &id]).expect(0));
        assert_eq!(world.changing_requests().len(), before);
        let nobody = "0190f0a0-0000-7000-8000-000000000001";
        let refused = Process::run(world.sync("both", &["--list", nobody]), LIMIT);
        assert!(refused.code != Some(0) && refused.stderr.contains(nobody), "{refused:?}");
    }
}

#[test]
fn since_reaches_back_as_far_as_it_says_and_leaves_no_gap() {
    for world in World::both() {
        let asked = |world: &World| {
            let requests = world.sim.requests();
            let listing =
                requests.iter().rev().find(|one| one.path.ends_with("/climbs") && one.method == "GET");
            listing.unwrap().query.clone()
        };
        let usual = report(world.run("stokt-to-mastoc", &[]).expect(0));
        assert!(asked(&world).contains("max_age=7"), "{}", asked(&world));
        let mark = usual.report["watermarks"]["after"].as_str().unwrap().to_owned();
        let far = report(world.run("stokt-to-mastoc", &["--since", "2001-01-01"]).expect(0));
        let days = asked(&world).split("max_age=").nth(1).unwrap().to_owned();
        let days: u32 = days.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
        assert!(days > 8_000, "{days}");
        assert!(far.report["watermarks"]["after"].as_str().unwrap() >= mark.as_str());
        // It does not move the mark over what it did not look at.
        let late = report(world.run("stokt-to-mastoc", &["--since", "2999-01-01T00:00:00Z"]).expect(0));
        assert_eq!(
            late.report["watermarks"]["after"], late.report["watermarks"]["before"],
            "{:#}",
            late.report
        );
        let both = Process::run(world.sync("both", &["--since", "2026-11-01", "--full"]), LIMIT);
        assert_eq!(both.code, Some(2), "{both:?}");
        let never = Process::run(world.sync("both", &["--since", "yesterday"]), LIMIT);
        assert!(never.code == Some(2) && never.stderr.contains("2026-11-01"), "{never:?}");
    }
}

#[test]
fn a_policy_is_asked_for_by_name() {
    for (policy, name) in [("stokt", "Theirs"), ("mastoc", "Ours")] {
        for world in World::both() {
            world.edit("Own 1", |climb| climb.name = "Ours".into());
            world.edit_there("Own 1", |climb| drop(climb.insert("name".into(), json!("Theirs"))));
            report(world.run("both", &["--conflict", policy]).expect(0));
            assert_eq!((world.here(name).name.as_str(), world.count_there(name)), (name, 1), "{policy}");
            world.agree();
        }
    }
}

#[test]
fn deletions_need_a_word_and_have_a_limit() {
    for world in World::both() {
        for n in 1..=6 {
            world.delete(&format!("Own {n}"));
        }
        let kept = report(world.run("both", &["--full"]).expect(0));
        assert_eq!(kept.report["decided"]["skipped"], 6, "{:#}", kept.report);
        let there = || (1..=6).map(|n| world.count_there(&format!("Own {n}"))).sum::<usize>();
        assert_eq!(there(), 6);
        // Six of 19 are more than five; a share is of those linked, rounded down.
        for limit in [&[][..], &["--max-delete", "5"], &["--max-delete", "31%"]] {
            let more = [&["--full", "--allow-delete"], limit].concat();
            let stopped = Process::run(world.sync("both", &more), LIMIT);
            one_line(&stopped, 4, &["6 of 19", "--max-delete 6"]);
            assert_eq!(there(), 6, "{limit:?}");
        }
        let done = report(world.run("both", &["--full", "--allow-delete", "--max-delete", "32%"]).expect(0));
        assert_eq!((there(), &done.report["decided"]["deleted_there"]), (0, &json!(6)), "{:#}", done.report);
        world.agree();
    }
    let world = World::on(Place::sqlite());
    for wrong in ["101%", "-1", "many", "+5", "3.5%"] {
        let flag = format!("--max-delete={wrong}");
        let refused = Process::run(world.sync("both", &[&flag]), LIMIT);
        assert!(refused.code == Some(2) && refused.stderr.contains("--max-delete"), "{wrong}: {refused:?}");
    }
    // What speaks of sending is refused where nothing is sent.
    for flag in ["--allow-delete", "--all-local"] {
        let mut pull = world.sync("stokt-to-mastoc", &[]);
        pull.arg(flag);
        one_line(&Process::run(pull, LIMIT), 2, &[flag]);
    }
}

#[test]
fn requests_keep_the_distance_that_was_asked_for() {
    let world = World::on(Place::sqlite());
    let begun = Instant::now();
    let paced = report(world.run("stokt-to-mastoc", &["--min-interval", "250ms"]).expect(0));
    let requests = u32::try_from(paced.report["traffic"]["requests"].as_u64().unwrap()).unwrap();
    assert!(
        requests >= 2 && begun.elapsed() >= Duration::from_millis(250) * (requests - 1),
        "{:#}",
        paced.report
    );
    let slept = paced.report["traffic"]["slept_seconds"].as_f64().unwrap();
    assert!(slept > 0.1, "{slept}");
}

#[test]
fn a_quiet_run_speaks_only_of_what_needs_a_person() {
    let world = World::on(Place::sqlite());
    let quiet = || Process::run(world.sync("both", &["--quiet"]), LIMIT);
    world.edit_there("Own 2", |climb| drop(climb.insert("name".into(), json!("Renamed"))));
    let done = quiet();
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(world.here("Renamed").name, "Renamed");
    world.sim.faults().push(
        mastoc_stokt_sim::Rule::throttle(mastoc_stokt_sim::RetryAfter::Seconds(0)).path("/api/gyms/*/climbs"),
    );
    let down = quiet();
    assert_eq!((down.code, down.stdout.as_str(), down.stderr.as_str()), (Some(75), "", ""));
    let told = Process::run(world.sync("both", &[]), LIMIT);
    assert!(told.code == Some(75) && told.stdout.contains("run the same command again later"), "{told:?}");
}
