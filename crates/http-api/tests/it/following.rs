//! Offline copies: whatever people write in whatever order, a copy that follows the feed of changes, from the start or
//! from anywhere, ends with exactly what a full read gives its reader.

mod copies;
mod deeds;

use crate::support::{TestApp, migrate};
use copies::{Copy, differences};
use deeds::{Deed, World, deeds};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// How many lives of a board are lived, and how many deeds each has.
const LIVES: u32 = 5;
const DEEDS: usize = 90;

fn live(app: &TestApp, world: &mut World, copies: &mut [Copy], life: &[Deed]) -> Result<(), TestCaseError> {
    for (number, deed) in life.iter().enumerate() {
        world.does(app, deed);
        // Copies follow at different times: each from wherever it was.
        for (index, copy) in copies.iter_mut().enumerate() {
            if (number + index) % (7 + 5 * index) == 0 {
                copy.follow(app, 1 + number % 9);
            }
        }
    }
    for copy in copies.iter_mut() {
        copy.follow(app, 500);
        let mut fresh = Copy::of(copy.who.clone());
        fresh.follow(app, 13);
        let full = copy.full_read(app);
        for (how, rows) in [("along", copy.without_silence()), ("from the start", fresh.without_silence())] {
            let found = differences(&rows, &full);
            prop_assert!(found.is_empty(), "{} who followed {how}:\n{}", copy.who.name, found.join("\n"));
        }
    }
    Ok(())
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn copies_end_with_what_a_full_read_gives(url: &str) {
        let app = TestApp::start(url).with_board();
        let mut world = World::of(&app);
        let mut copies = world.readers(&app);
        let mut runner = TestRunner::new(Config { cases: LIVES, max_shrink_iters: 0, failure_persistence: None, ..Config::default() });
        let world = std::cell::RefCell::new((&mut world, &mut copies));
        runner
            .run(&prop::collection::vec(deeds(), DEEDS..=DEEDS), |life| {
                let mut held = world.borrow_mut();
                let (world, copies) = &mut *held;
                live(&app, world, copies, &life)
            })
            .unwrap();
        // Something was done in all those lives; a test of refusals would prove nothing.
        let (world, _) = &*world.borrow();
        world.was_eventful();
    }

    fn whose_last_private_climb_goes_is_no_setter_in_their_own_copy_either(url: &str) {
        let app = TestApp::start(url).with_board();
        let world = World::of(&app);
        let mut copies = world.readers(&app);
        let climb = world.private_climb_of_ben(&app);
        copies.iter_mut().for_each(|copy| copy.follow(&app, 500));
        assert!(copies[1].without_silence().contains_key(&("climb".to_owned(), climb.clone())));
        world.ben_deletes(&app, &climb);
        for copy in &mut copies {
            copy.follow(&app, 500);
            let found = differences(&copy.without_silence(), &copy.full_read(&app));
            assert!(found.is_empty(), "{}: {}", copy.who.name, found.join("\n"));
        }
    }
}
