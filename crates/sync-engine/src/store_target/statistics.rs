//! After much was written the database looks at its tables again, by which it plans.

use std::sync::atomic::{AtomicU64, Ordering};

use mastoc_storage::{Store, stats};

use crate::report::Written;

/// From how many written rows on.
const MANY: u64 = 10_000;

/// How many rows a run wrote.
#[derive(Debug, Default)]
pub(super) struct Changed(AtomicU64);

impl Changed {
    pub(super) fn add(&self, written: &[Written]) {
        let changed = written.iter().map(|written| written.tally.created + written.tally.updated).sum();
        self.0.fetch_add(changed, Ordering::Relaxed);
    }

    /// Tells the database, if it was much.
    pub(super) fn tell(&self, store: &Store) {
        if self.0.load(Ordering::Relaxed) < MANY {
            return;
        }
        if let Err(error) = store.write(stats::refresh_statistics) {
            // Nothing is wrong: it does so by itself some minutes later.
            tracing::info!(%error, "the database could not look at its tables again");
        }
    }
}

#[cfg(test)]
mod tests {
    use mastoc_domain::import::BatchOutcome;
    use mastoc_domain::sync_state::EntityKind;
    use mastoc_storage::StoreOptions;
    use mastoc_test_support::postgres;

    use super::*;
    use crate::target::written_from;

    #[test]
    fn postgresql_is_told_after_much_was_written_and_not_before() {
        let Some(database) = postgres::empty_database() else { return };
        let store = Store::open(&database.url().parse().unwrap(), &StoreOptions::default()).unwrap();
        let changed = Changed::default();
        let cost = |created, updated| {
            let mut written = written_from(BatchOutcome { kind: EntityKind::Climb, items: Vec::new() });
            (written.tally.created, written.tally.updated) = (created, updated);
            changed.add(&[written]);
            let before = store.statements();
            changed.tell(&store);
            store.statements() - before
        };
        assert_eq!(cost(MANY - 1, 0), 0);
        assert!(cost(0, 1) > 0);
    }
}
