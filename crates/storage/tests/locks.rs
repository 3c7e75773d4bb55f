//! One run at a time per database, and fencing for one that lost its lock.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod support;

use std::process::{Command, Stdio};

use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{RunLock, StoreError, locks};
use support::{Raw, gym, migrate, open};

/// Tells the test binary, run again as another process, which database to lock.
const HOLD_LOCK_OF: &str = "MASTOC_TEST_HOLD_LOCK_OF";

/// Not a test by itself: holds the lock until it is killed, when run by the test below.
#[test]
fn holds_the_lock_when_told_to() {
    let Ok(url) = std::env::var(HOLD_LOCK_OF) else { return };
    let store = open(&url);
    let _lock = RunLock::try_acquire(&store, "the other process").unwrap().expect("the lock is free");
    println!("holding");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn a_second_run_is_refused_until_the_first_ends(url: &str) {
        let (one, two) = (open(url), open(url));
        let lock = RunLock::try_acquire(&one, "one").unwrap().unwrap();
        assert!(RunLock::try_acquire(&two, "two").unwrap().is_none());
        assert!(RunLock::try_acquire(&one, "one again").unwrap().is_none());
        let holder = two.read(locks::holder).unwrap().unwrap();
        assert_eq!((holder.owner.as_str(), holder.fence), ("one", lock.fence()));
        assert_eq!(holder.released_at, None);
        drop(lock);
        assert!(one.read(locks::holder).unwrap().unwrap().released_at.is_some());
        let next = RunLock::try_acquire(&two, "two").unwrap().expect("the lock was given back");
        assert!(next.fence() > holder.fence);
    }

    fn a_writer_that_lost_the_lock_is_refused(url: &str) {
        let store = open(url);
        let old = RunLock::try_acquire(&store, "old").unwrap().unwrap().fence();
        let new = RunLock::try_acquire(&store, "new").unwrap().unwrap();
        let late = ImportContext { fence: Some(old), ..ImportContext::default() };
        let refused = store.write(|conn| import::gyms(conn, &late, &[gym()]));
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
        assert_eq!(Raw::open(url).count("gyms"), 0);
        let ctx = ImportContext { fence: Some(new.fence()), ..ImportContext::default() };
        store.write(|conn| import::gyms(conn, &ctx, &[gym()])).unwrap();
        assert_eq!(Raw::open(url).count("gyms"), 1);
    }

    fn a_killed_holder_frees_the_lock(url: &str) {
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "holds_the_lock_when_told_to", "--nocapture"])
            .env(HOLD_LOCK_OF, url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = std::io::BufReader::new(holder.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("holding") {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut output, &mut line).unwrap() > 0, "the holder ended");
        }
        let store = open(url);
        assert!(RunLock::try_acquire(&store, "too early").unwrap().is_none());
        holder.kill().unwrap();
        holder.wait().unwrap();
        // A server notices a killed client when it next looks at the connection.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let lock = loop {
            if let Some(lock) = RunLock::try_acquire(&store, "next").unwrap() {
                break lock;
            }
            assert!(std::time::Instant::now() < deadline, "the lock outlives its holder");
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        assert!(lock.fence() >= 2);
    }
}
