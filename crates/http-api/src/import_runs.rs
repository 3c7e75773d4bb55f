//! Imports over HTTP as runs: while one is under way, this server holds the lock of synchronising for it.
//!
//! The importer says that it lives by whatever it asks. One that falls silent for longer than its lease loses the lock,
//! so that others may run; if nobody did by the time it speaks again, it goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::{self, HeaderValue};
use mastoc_domain::RunId;
use mastoc_storage::runs::{self, Run, RunDirection, RunMode, RunStatus};
use mastoc_storage::{RunLock, Store, StoreError, locks};
use serde_json::{Value, json};

use crate::errors::{ApiError, Code};

/// How long an importer may be silent, unless it asks for another time.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
/// How often it is looked whether one was silent for too long.
pub(crate) const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// In the report of a run whose importer fell silent: it may go on.
const LAPSED: &str = "lapsed";

/// The import over HTTP that is under way, if one is: there is one lock.
#[derive(Default)]
pub(crate) struct ImportRuns {
    held: Mutex<Option<Held>>,
}

/// A run, and the lock that is held for it.
struct Held {
    run: RunId,
    lock: RunLock,
    lease: Duration,
    until: Instant,
    /// Requests under way: as long as there is one, the importer is not silent.
    requests: usize,
}

impl Held {
    fn renew(&mut self) {
        self.until = Instant::now() + self.lease;
    }

    fn is_over(&self) -> bool {
        self.requests == 0 && self.until <= Instant::now()
    }
}

/// A request of the run that is under way; the lease starts anew when it ends.
pub(crate) struct Entered<'r> {
    runs: &'r ImportRuns,
    run: RunId,
    /// What its writes must carry.
    pub(crate) fence: i64,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if let Some(held) = self.runs.held().as_mut().filter(|held| held.run == self.run) {
            held.requests = held.requests.saturating_sub(1);
            held.renew();
        }
    }
}

impl ImportRuns {
    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a run, or goes on with it: asking again is how an importer says that it lives. `owner`: who asks, for
    /// whoever waits for the lock.
    ///
    /// # Errors
    /// 409 when another run is under way, or this one is over.
    pub(crate) fn begin(
        &self,
        store: &Store,
        run: RunId,
        origin: &str,
        lease: Duration,
        owner: &str,
    ) -> Result<(), ApiError> {
        let mut held = self.held();
        if held.as_ref().is_none_or(|held| held.run != run) {
            self.take(&mut held, store, run, Some(origin), owner)?;
        }
        if let Some(held) = held.as_mut() {
            held.lease = lease;
            held.renew();
        }
        Ok(())
    }

    /// Lets a request of a run in.
    ///
    /// # Errors
    /// 409 when another run is under way, or this one is over or unknown.
    pub(crate) fn enter(&self, store: &Store, run: RunId, owner: &str) -> Result<Entered<'_>, ApiError> {
        let mut held = self.held();
        if held.as_ref().is_none_or(|held| held.run != run) {
            self.take(&mut held, store, run, None, owner)?;
        }
        // There is one now.
        let fence = held.as_mut().map_or(0, |held| {
            held.requests += 1;
            held.renew();
            held.lock.fence()
        });
        Ok(Entered { runs: self, run, fence })
    }

    /// Ends a run with its report, and lets others run. Ending it again changes nothing.
    ///
    /// # Errors
    /// 404 when it is unknown, 409 when it cannot go on any more.
    pub(crate) fn end(
        &self,
        store: &Store,
        run: RunId,
        status: RunStatus,
        report: &Value,
        owner: &str,
    ) -> Result<(), ApiError> {
        let known = store.read(|conn| runs::by_id(conn, run))?;
        let known = known.ok_or_else(|| ApiError::not_found("import run"))?;
        let mut held = self.held();
        if held.as_ref().is_none_or(|held| held.run != run) {
            if !may_go_on(&known) {
                return Ok(());
            }
            self.take(&mut held, store, run, None, owner)?;
        }
        store.write(|conn| runs::finish(conn, run, status, report))?;
        *held = None;
        Ok(())
    }

    /// Another run has taken the lock from this one.
    pub(crate) fn lost(&self, run: RunId) {
        let mut held = self.held();
        if held.as_ref().is_some_and(|held| held.run == run) {
            *held = None;
        }
    }

    /// Lets others run if the importer has been silent for too long. Does not wait for whoever looks at the same.
    pub(crate) fn look(&self, store: &Store) {
        if let Ok(mut held) = self.held.try_lock()
            && held.as_ref().is_some_and(Held::is_over)
        {
            let_go(&mut held, store, "the importer fell silent");
        }
    }

    /// Whether somebody should [`ImportRuns::look`]: that asks the database, this does not.
    pub(crate) fn is_over(&self) -> bool {
        self.held.try_lock().is_ok_and(|held| held.as_ref().is_some_and(Held::is_over))
    }

    /// Lets others run, since this server ends.
    pub(crate) fn close(&self, store: &Store) {
        let_go(&mut self.held(), store, "the server stopped");
    }

    /// Takes the lock for a run. Without an `origin` only one that was begun before goes on.
    fn take(
        &self,
        held: &mut Option<Held>,
        store: &Store,
        run: RunId,
        origin: Option<&str>,
        owner: &str,
    ) -> Result<(), ApiError> {
        if let Some(other) = held.as_ref().filter(|held| !held.is_over()) {
            return Err(under_way(store, Some(other.until))?);
        }
        let_go(held, store, "the importer fell silent");
        let known = store.read(|conn| runs::by_id(conn, run))?;
        let goes_on = match (&known, origin) {
            (Some(known), Some(origin)) => known.origin == origin && may_go_on(known),
            (Some(known), None) => may_go_on(known),
            (None, origin) => origin.is_some(),
        };
        if !goes_on {
            return Err(over());
        }
        let Some(lock) = RunLock::try_acquire(store, owner)? else {
            return Err(under_way(store, None)?);
        };
        store.write(|conn| match origin.filter(|_| known.is_none()) {
            Some(origin) => runs::start_as(conn, run, RunDirection::StoktToMastoc, RunMode::Full, origin),
            None => runs::resume(conn, run),
        })?;
        *held = Some(Held { run, lock, lease: LEASE, until: Instant::now() + LEASE, requests: 0 });
        Ok(())
    }
}

/// Whether a run that was begun may go on: it did not end, or only its importer was silent for a while.
fn may_go_on(run: &Run) -> bool {
    let direction = run.direction == RunDirection::StoktToMastoc.as_str();
    let lapsed = run.report.as_ref().is_some_and(|report| report.get(LAPSED).is_some());
    direction && (run.finished_at.is_none() || lapsed)
}

/// Gives the lock back, and says so in the run.
fn let_go(held: &mut Option<Held>, store: &Store, why: &str) {
    let Some(Held { run, lock, .. }) = held.take() else { return };
    let report = json!({ "ending": "interrupted", "error": why, LAPSED: true });
    let noted: Result<(), StoreError> =
        store.write(|conn| runs::finish(conn, run, RunStatus::Interrupted, &report));
    if let Err(error) = noted {
        tracing::warn!(%error, %run, "an import that was interrupted is not on record as such");
    }
    drop(lock);
    tracing::info!(%run, why, "an import over HTTP holds the lock no more");
}

fn over() -> ApiError {
    ApiError::new(Code::ImportRunOver, "This import run is over, or was never begun here; begin another.")
}

/// Another run is under way. `until`: when its lease ends if its importer says nothing more.
fn under_way(store: &Store, until: Option<Instant>) -> Result<ApiError, StoreError> {
    let holder = store.read(locks::holder)?.filter(|holder| holder.released_at.is_none());
    let who = holder.map_or_else(|| "another run".to_owned(), |holder| format!("another run ({holder})"));
    let error = ApiError::new(Code::ImportRunning, format!("{who} is under way; wait for it to end"));
    let left = until.map(|until| until.saturating_duration_since(Instant::now()).as_secs() + 1);
    let left = left.and_then(|seconds| HeaderValue::from_str(&seconds.to_string()).ok());
    Ok(match left {
        Some(seconds) => error.with_header(header::RETRY_AFTER, seconds),
        None => error,
    })
}
