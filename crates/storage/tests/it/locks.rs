//! One run at a time per database, and fencing for one that lost its lock.

use std::process::{Command, Stdio};

use crate::support::{Raw, gym, migrate, open};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::locks::LockState;
use mastoc_storage::runs::{self, RunDirection, RunMode};
use mastoc_storage::{RunLock, StoreError, locks};

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

    fn a_lock_is_broken_on_record_and_its_run_commits_nothing_more(url: &str) {
        let store = open(url);
        let refused = |by: &str, why: &str| locks::break_lock(&store, by, why).unwrap_err().to_string();
        assert!(refused("vera", "it hangs").contains("nobody holds the lock"));
        let run = store.write(|conn| runs::start(conn, RunDirection::Both, RunMode::Full, "https://stokt.example")).unwrap();
        let lock = RunLock::try_acquire(&store, "the one that hangs").unwrap().unwrap();
        let state = locks::state(&store).unwrap();
        assert!(state.is_held);
        assert!(refused("vera", " ").contains("why"));
        assert!(locks::state(&store).unwrap().is_held, "a refusal changes nothing");
        let broken = locks::break_lock(&store, "vera", "it hangs").unwrap();
        assert_eq!(broken.holder.owner, "the one that hangs");
        // A file that a living process has locked cannot be taken from it; a session of the server's can be ended.
        assert_eq!(broken.is_free, !url.starts_with("sqlite"));
        let late = ImportContext { fence: Some(lock.fence()), ..ImportContext::default() };
        let refused = store.write(|conn| import::gyms(conn, &late, &[gym()]));
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
        let told = store.read(|conn| runs::by_id(conn, run)).unwrap().unwrap();
        assert_eq!(told.status, runs::RunStatus::Interrupted);
        assert_eq!(told.report.unwrap()["lock_broken"]["reason"], "it hangs");
        store.write(|conn| runs::finish(conn, run, runs::RunStatus::Failed, &serde_json::json!({}))).unwrap();
        let told = store.read(|conn| runs::by_id(conn, run)).unwrap().unwrap();
        assert_eq!(told.report.unwrap()["lock_broken"]["by"], "vera", "the run itself does not write over it");
        drop(lock);
        let state = locks::state(&store).unwrap();
        let holder = state.holder.unwrap();
        let record = holder.broken.clone().unwrap();
        assert_eq!((record.by.as_str(), record.reason.as_str(), state.is_held), ("vera", "it hangs", false));
        assert_eq!(holder.released_at, Some(record.at));
        let next = RunLock::try_acquire(&store, "next").unwrap().expect("the lock is free");
        assert_eq!(store.read(locks::holder).unwrap().unwrap().broken, Some(record), "it stays on record");
        drop(next);
    }

    fn a_lock_that_is_broken_waits_for_what_is_being_committed(url: &str) {
        let store = open(url);
        let lock = RunLock::try_acquire(&store, "slow").unwrap().unwrap();
        let ctx = ImportContext { fence: Some(lock.fence()), ..ImportContext::default() };
        let (writing, begun) = std::sync::mpsc::channel();
        let (go, gone) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let slow = store.clone();
            let writer = scope.spawn(move || {
                slow.write(|conn| {
                    import::gyms(conn, &ctx, &[gym()])?;
                    writing.send(()).unwrap();
                    gone.recv().unwrap();
                    Ok::<_, StoreError>(())
                })
            });
            begun.recv().unwrap();
            let breaker = store.clone();
            let breaking = scope.spawn(move || locks::break_lock(&breaker, "vera", "too slow"));
            go.send(()).unwrap();
            writer.join().unwrap().unwrap();
            breaking.join().unwrap().unwrap();
        });
        // Whichever came first: what was committed was committed under the lock.
        assert_eq!(Raw::open(url).count("gyms"), 1);
    }

    fn whoever_has_patience_gets_the_lock_when_it_is_free(url: &str) {
        let store = open(url);
        let lock = RunLock::try_acquire(&store, "one").unwrap().unwrap();
        let wait = |time, is_cancelled: &dyn Fn() -> bool| RunLock::acquire(&store, "two", time, is_cancelled).unwrap();
        assert!(wait(std::time::Duration::from_millis(50), &|| false).is_none());
        let long = std::time::Duration::from_secs(60);
        assert!(wait(long, &|| true).is_none(), "nobody wants it any more");
        let held = std::sync::Mutex::new(Some(lock));
        // The lock is given back while the other waits: it asks for it once before.
        let got = wait(long, &|| {
            held.lock().unwrap().take();
            false
        });
        assert!(got.is_some());
    }

    fn looking_at_the_lock_keeps_nobody_from_it(url: &str) {
        let store = open(url);
        assert_eq!(locks::state(&store).unwrap(), LockState { holder: None, is_held: false });
        // As if the holder had been killed: the row says that it is held, and nobody does.
        drop(RunLock::try_acquire(&store, "killed").unwrap());
        Raw::open(url).execute("UPDATE sync_locks SET released_at = NULL");
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| (0..200).all(|_| !locks::state(&store).unwrap().is_held));
            for _ in 0..20 {
                let lock = RunLock::try_acquire(&store, "a run").unwrap().expect("nobody but lookers");
                // Dropped without a word, as by a kill.
                drop(lock);
                Raw::open(url).execute("UPDATE sync_locks SET released_at = NULL");
            }
            let _ = looking.join().unwrap();
        });
    }

    fn a_killed_holder_frees_the_lock(url: &str) {
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "locks::holds_the_lock_when_told_to", "--nocapture"])
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
