//! Answers that take too long: the engine runs inside the test here, with a deadline short enough to wait for.

use std::time::{Duration, Instant};

use mastoc_domain::sync_state::SyncState;
use mastoc_stokt_sim::{Fault, Rule};
use mastoc_sync_engine::sync::{ShiftedClock, Uncut};
use mastoc_sync_engine::{Ending, Report};

use crate::engine::{client, everything, run};
use crate::support::local;
use crate::support::world::World;

const DEADLINE: Duration = Duration::from_millis(400);

/// A run that waits for no answer longer than the deadline.
fn impatient(world: &World, clock: &ShiftedClock) -> Report {
    let client = client(&world.source, |builder| builder.deadline(DEADLINE).max_retries(1));
    run(&client, &world.store(), &world.place.data_dir(), &everything(&world.source), clock, &Uncut)
}

/// Runs until it is done, with an hour between the runs.
fn until_done(world: &World, clock: &ShiftedClock) {
    for _ in 0..3 {
        clock.advance(3600);
        if impatient(world, clock).ending == Ending::Done {
            return;
        }
    }
    panic!("three runs have not settled it");
}

#[test]
fn a_post_timed_out_yet_created() {
    for world in World::both() {
        world.create("New", 50);
        let clock = ShiftedClock::default();
        world.sim.faults().push(Rule::new(Fault::DelayAnswer(DEADLINE * 2)).method("POST").times(1));
        let first = impatient(&world, &clock);
        assert_eq!(first.ending, Ending::Partial, "{:?}", first.error);
        assert_eq!(world.count_there("New"), 1);
        until_done(&world, &clock);
        assert_eq!((world.count_there("New"), world.here("New").sync_state), (1, SyncState::Synced));
        world.agree();
    }
}

#[test]
fn a_post_timed_out_and_carried_out_later() {
    for world in World::both() {
        world.create("New", 50);
        let clock = ShiftedClock::default();
        // Stokt takes its time and does it after we have given up.
        world.sim.faults().push(Rule::new(Fault::Delay(DEADLINE * 3)).method("POST").times(1));
        let first = impatient(&world, &clock);
        assert_eq!(first.ending, Ending::Partial, "{:?}", first.error);
        // Not found at first: that alone does not make it be sent again.
        let second = impatient(&world, &clock);
        assert_eq!(second.ending, Ending::Partial, "{:?}", second.error);
        crate::support::wait_until(|| (world.count_there("New") == 1).then_some(()));
        until_done(&world, &clock);
        assert_eq!(world.count_there("New"), 1);
        world.agree();
    }
}

#[test]
fn none_is_believed_only_after_two_listings_ten_minutes_later() {
    for world in World::both() {
        world.create("New", 50);
        let clock = ShiftedClock::default();
        world.sim.faults().push(Rule::html_status(502).method("POST").times(1));
        let posts = || world.changing_requests().len();
        impatient(&world, &clock);
        assert_eq!((posts(), world.count_there("New")), (1, 0));
        // As often as one likes within ten minutes.
        for _ in 0..4 {
            clock.advance(120);
            impatient(&world, &clock);
            assert_eq!(posts(), 1);
        }
        clock.advance(121);
        impatient(&world, &clock);
        impatient(&world, &clock);
        assert_eq!((posts(), world.count_there("New")), (2, 1));
        world.agree();
    }
}

#[test]
fn two_twins_wait_for_a_person() {
    for world in World::both() {
        world.create("New", 50);
        let clock = ShiftedClock::default();
        world.sim.faults().push(Rule::cut(0).method("POST").times(1));
        impatient(&world, &clock);
        // Somebody copies the climb by hand, as it is, before anybody looks.
        let climb = world.there("New");
        world.sim.with_board(|board| {
            board.add_climb("New", climb["holdsList"].as_str().unwrap(), None);
        });
        assert_eq!(world.count_there("New"), 2);
        for _ in 0..2 {
            clock.advance(3600);
            assert_eq!(impatient(&world, &clock).ending, Ending::Waiting);
        }
        assert_eq!(world.changing_requests().len(), 1, "nothing more is sent");
        assert_eq!(world.count_there("New"), 2);
        assert_eq!(local::all(&world.store()).iter().filter(|climb| climb.name == "New").count(), 1);
    }
}

#[test]
fn a_slow_drip_past_the_deadline() {
    for world in World::both() {
        world.create("New", 50);
        let clock = ShiftedClock::default();
        let before = local::all(&world.store());
        let drip = Fault::Drip { bytes: 8, every: Duration::from_millis(20) };
        world.sim.faults().push(Rule::new(drip).path("/api/gyms/*/climbs"));
        let begun = Instant::now();
        let report = impatient(&world, &clock);
        assert_eq!(report.ending, Ending::Temporary, "{:?}", report.error);
        assert!(
            begun.elapsed() < DEADLINE * 8,
            "{:?}: each byte does not begin a new deadline",
            begun.elapsed()
        );
        assert_eq!(local::all(&world.store()), before);
        assert_eq!(world.changing_requests(), Vec::<String>::new());
        world.sim.faults().clear();
        until_done(&world, &clock);
        world.agree();
    }
}
