//! The one writer of SQLite, which commits for many at once.
//!
//! A commit waits for the disk, and the database takes one writer at a time. So whoever finds others waiting for the
//! writer leaves the commit to them: the last one, or the one that fills the group, commits for all, and none of them
//! is answered before that. Each work but the first stands in a savepoint, so that one that fails takes nothing of the
//! others with it; alone, a write costs what a plain transaction costs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use diesel::QueryResult;
use diesel::connection::{AnsiTransactionManager, TransactionManager as _};

use crate::conn::AnyConnection;
use crate::error::StoreError;
use crate::store::{Mode, begin_clean, commit, end};

/// So many writes share a commit at most: the first of them waits for all the others' work.
const MOST_TOGETHER: usize = 64;

/// SQLite's writer.
pub(crate) struct Writer {
    desk: Mutex<Desk>,
    /// How many have come and do not hold the desk yet; each of them will.
    coming: AtomicUsize,
}

struct Desk {
    connection: AnyConnection,
    /// The transaction that waits for its commit.
    open: Option<Group>,
}

#[derive(Default)]
struct Group {
    members: usize,
    end: Arc<End>,
}

/// How a group's transaction ended, once it has.
#[derive(Default)]
struct End {
    told: Mutex<Option<Result<(), StoreError>>>,
    bell: Condvar,
}

impl End {
    fn tell(&self, outcome: Result<(), StoreError>) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.bell.notify_all();
    }

    fn wait(&self) -> Result<(), StoreError> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(outcome) = &*told {
                return outcome.clone();
            }
            told = self.bell.wait(told).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Writer {
    pub(crate) fn new(connection: AnyConnection) -> Self {
        Self { desk: Mutex::new(Desk { connection, open: None }), coming: AtomicUsize::new(0) }
    }

    /// Does `work` in a transaction: when this answers, all of it is kept, or, on an error, nothing of it.
    ///
    /// # Errors
    /// What `work` answers, or the database's failure.
    pub(crate) fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.coming.fetch_add(1, Ordering::SeqCst);
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        self.coming.fetch_sub(1, Ordering::SeqCst);

        // A panic is no reason to forget those who wait for this commit.
        let mut panic = None;
        let done = desk.join(|connection| match catch_unwind(AssertUnwindSafe(|| work(connection))) {
            Ok(done) => done,
            Err(payload) => {
                panic = Some(payload);
                Err(E::from(StoreError::Internal("a write panicked".to_owned())))
            }
        });
        let kept = self.finish(desk);
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        let answer = done?;
        kept.wait().map(|()| answer).map_err(E::from)
    }

    /// Commits, or leaves that to the next of those who wait for the desk. What it answers ends with the commit.
    fn finish(&self, mut desk: MutexGuard<'_, Desk>) -> Arc<End> {
        let Some(group) = &desk.open else { return Arc::default() };
        let kept = Arc::clone(&group.end);
        if self.coming.load(Ordering::SeqCst) == 0 || group.members >= MOST_TOGETHER {
            desk.commit();
        }
        kept
    }

    /// How many wait for the desk.
    #[cfg(test)]
    pub(crate) fn coming(&self) -> usize {
        self.coming.load(Ordering::SeqCst)
    }
}

impl Desk {
    /// Does one member's work in the open transaction, or in a new one. Without an open transaction afterwards, nothing
    /// of it is left to commit.
    fn join<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(group) = &mut self.open {
            let connection = &mut self.connection;
            if let Err(error) = savepoint(connection) {
                let error = StoreError::from(error);
                self.leave(error.clone());
                return Err(E::from(error));
            }
            let done = work(connection);
            let closed = if done.is_ok() { commit(connection) } else { rollback(connection) };
            match closed {
                Ok(()) => {
                    group.members += 1;
                    done
                }
                Err(error) => {
                    // SQLite gave up the whole transaction, as it does when the disk is full.
                    let error = StoreError::from(error);
                    self.leave(StoreError::Unavailable(format!("the shared commit was given up: {error}")));
                    done.and(Err(E::from(error)))
                }
            }
        } else {
            begin_clean(&mut self.connection, Mode::Write)
                .map_err(|error| E::from(StoreError::from(error)))?;
            let done = work(&mut self.connection);
            if done.is_ok() {
                self.open = Some(Group { members: 1, ..Group::default() });
            } else {
                end(&mut self.connection);
            }
            done
        }
    }

    fn commit(&mut self) {
        let Some(group) = self.open.take() else { return };
        let outcome = commit(&mut self.connection).map_err(StoreError::from);
        if outcome.is_err() {
            // diesel rolled back already, unless that failed too.
            end(&mut self.connection);
        }
        group.end.tell(outcome);
    }

    /// Undoes the open transaction, and tells those who wait for it.
    fn leave(&mut self, error: StoreError) {
        end(&mut self.connection);
        if let Some(group) = self.open.take() {
            group.end.tell(Err(error));
        }
    }
}

/// Inside a transaction, diesel's manager makes savepoints, and ends the innermost one first.
fn savepoint(connection: &mut AnyConnection) -> QueryResult<()> {
    match connection {
        AnyConnection::Postgres(c) => AnsiTransactionManager::begin_transaction(c),
        AnyConnection::Sqlite(c) => AnsiTransactionManager::begin_transaction(c),
    }
}

fn rollback(connection: &mut AnyConnection) -> QueryResult<()> {
    match connection {
        AnyConnection::Postgres(c) => AnsiTransactionManager::rollback_transaction(c),
        AnyConnection::Sqlite(c) => AnsiTransactionManager::rollback_transaction(c),
    }
}
