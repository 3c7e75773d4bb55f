//! The board that a run synchronises: database, pictures, and the lock that keeps others away.

use std::path::Path;
use std::time::Duration;

use mastoc_media::MediaStore;
use mastoc_storage::{DatabaseTarget, RunLock, Store, StoreError, locks};
use tempfile::TempDir;

use crate::error::EngineError;
use crate::store_target::store_options;

/// What a run works on.
pub struct Opened {
    /// The database.
    pub store: Store,
    /// The pictures; none in a dry run.
    pub media: Option<MediaStore>,
    /// Held until the run is over; none in a dry run.
    pub lock: Option<RunLock>,
    /// What a dry run's database stands in for, and the folder that it is in, which is removed with it.
    stand_in: Option<(DatabaseTarget, TempDir)>,
}

impl Opened {
    /// Takes the lock of a database that is open already. `owner`: who runs, in words for whoever waits.
    ///
    /// # Errors
    /// [`EngineError::Locked`] when another run holds it, or the database's failure.
    pub fn over(store: Store, media: Option<MediaStore>, owner: &str) -> Result<Self, EngineError> {
        Self::waiting(store, media, owner, Duration::ZERO, &|| false)
    }

    /// As [`Opened::over`], but waits up to `patience` for another run to end, as long as `is_cancelled` says no.
    ///
    /// # Errors
    /// As [`Opened::over`].
    pub fn waiting(
        store: Store,
        media: Option<MediaStore>,
        owner: &str,
        patience: Duration,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, EngineError> {
        let Some(lock) = RunLock::acquire(&store, owner, patience, is_cancelled)? else {
            if is_cancelled() {
                return Err(EngineError::Interrupted);
            }
            return Err(EngineError::Locked { holder: holder(&store)? });
        };
        Ok(Self { store, media, lock: Some(lock), stand_in: None })
    }

    /// Looks whether another run holds the lock, without taking it and without leaving a trace: a database that is not
    /// there stays so, and what is wrong with one is for whoever opens it to say. For a run that would not wait.
    ///
    /// # Errors
    /// [`EngineError::Locked`] when another run holds it.
    pub fn look(database: &DatabaseTarget) -> Result<(), EngineError> {
        let store = Store::open_as_it_is(database, &store_options()).ok().flatten();
        let state = store.and_then(|store| locks::state(&store).ok());
        match state.filter(|state| state.is_held).and_then(|state| state.holder) {
            Some(holder) => Err(EngineError::Locked { holder: holder.to_string() }),
            None => Ok(()),
        }
    }

    /// Opens a database and the pictures beside it, creating what is missing, and takes the lock.
    ///
    /// # Errors
    /// As [`Opened::over`], or what is wrong with database or folder.
    pub fn open_in(
        database: &DatabaseTarget,
        data_dir: &Path,
        owner: &str,
        patience: Duration,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, EngineError> {
        let store = Store::open(database, &store_options())?;
        Self::waiting(store, Some(MediaStore::open(data_dir)?), owner, patience, is_cancelled)
    }

    /// Opens a database to be read only. One that does not exist yet, or is empty, is left so: another in a temporary
    /// folder stands in for it.
    ///
    /// # Errors
    /// What is wrong with the database.
    pub fn dry_run_on(database: &DatabaseTarget) -> Result<Self, EngineError> {
        if let Some(store) = Store::open_as_it_is(database, &store_options())? {
            return Ok(Self { store, media: None, lock: None, stand_in: None });
        }
        let unusable =
            |why: std::io::Error| StoreError::Unusable(format!("cannot use the temporary folder: {why}"));
        let folder = tempfile::tempdir().map_err(unusable)?;
        let empty = DatabaseTarget::Sqlite(folder.path().join("empty.sqlite3"));
        let store = Store::open(&empty, &store_options())?;
        Ok(Self { store, media: None, lock: None, stand_in: Some((database.clone(), folder)) })
    }

    /// The database that was asked for, also while another stands in for it.
    #[must_use]
    pub fn target(&self) -> &DatabaseTarget {
        self.stand_in.as_ref().map_or_else(|| self.store.target(), |(asked, _)| asked)
    }
}

/// Who holds the lock of a database, for whoever cannot have it.
pub(crate) fn holder(store: &Store) -> Result<String, EngineError> {
    let holder = store.read(locks::holder)?;
    Ok(holder.map_or_else(|| "unknown".to_owned(), |holder| holder.to_string()))
}
