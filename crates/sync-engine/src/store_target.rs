//! Importing into a database of ours, with the pictures in its data folder.

mod keep;
mod statistics;
mod within;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use mastoc_domain::import::{BatchOutcome, ImportUser};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{RunId, StoktId, Timestamp};
use mastoc_media::{ImageKind, ImageLimits, MediaStore, Sha256Hex};
use mastoc_storage::checkpoints::{self, Checkpoint};
use mastoc_storage::import::pictures;
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::quarantine::{self, Refused};
use mastoc_storage::runs::{self, RunDirection, RunMode};
use mastoc_storage::{DatabaseTarget, RunLock, Store, StoreError, StoreOptions, WriteConn, export, seen};
use serde_json::Value;

use crate::dry_run::Dry;
use crate::ending::Ending;
use crate::error::EngineError;
use crate::plan::{Batch, PictureOwner, PicturePlan, Progress, Quarantined};
use crate::report::Written;
use crate::sync::holder;
use crate::target::{
    Checked, KINDS, Kept, PictureError, Start, Started, Target, bad_picture, written_from,
    written_from_refused,
};

use statistics::Changed;
pub(crate) use within::transaction;

/// The step that checkpoints are saved in.
const STEP: &str = "climbs";

/// A database of ours as the target of an import.
pub struct StoreTarget {
    store: Store,
    /// `None` in a dry run.
    media: Option<MediaStore>,
    fence: Option<i64>,
    /// Held until the run is over. A lock may be moved between threads but not shared: hence the mutex.
    _lock: Option<Mutex<RunLock>>,
    state: OnceLock<State>,
    changed: Changed,
    dry: Option<Mutex<Dry>>,
    /// The folder of a dry run's stand-in, removed with it.
    stand_in: Option<tempfile::TempDir>,
}

/// What is known once the run has begun.
struct State {
    run: Option<RunId>,
    origin: String,
    account: Option<StoktId>,
}

/// One connection writes, one or two read. The journal of a usual board comes into the file once, at the end, and that
/// of a large one grows to 32 MB.
pub(crate) fn store_options() -> StoreOptions {
    StoreOptions { connections: 3, checkpoint_pages: 8_000, ..StoreOptions::default() }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StoreTarget {
    /// Takes the lock of the database for one run. `owner`: who runs, in words for whoever waits.
    ///
    /// # Errors
    /// [`EngineError::Locked`] when another run holds it, or the database's failure.
    pub fn open(store: Store, media: MediaStore, owner: &str) -> Result<Self, EngineError> {
        let Some(lock) = RunLock::try_acquire(&store, owner)? else {
            return Err(EngineError::Locked { holder: holder(&store)? });
        };
        let fence = Some(lock.fence());
        let lock = Some(Mutex::new(lock));
        Ok(Self {
            store,
            media: Some(media),
            fence,
            _lock: lock,
            state: OnceLock::new(),
            changed: Changed::default(),
            dry: None,
            stand_in: None,
        })
    }

    /// Opens a database and the pictures beside it, creating what is missing, for one run of `owner`.
    ///
    /// # Errors
    /// [`EngineError::Locked`] when another run holds the lock, or what is wrong with database or folder.
    pub fn open_in(database: &DatabaseTarget, data_dir: &Path, owner: &str) -> Result<Self, EngineError> {
        let store = Store::open(database, &store_options())?;
        Self::open(store, MediaStore::open(data_dir)?, owner)
    }

    /// A target for a dry run on a database, which is only read. One that does not exist yet, or is empty, is left so:
    /// another in a temporary folder stands in for it.
    ///
    /// # Errors
    /// What is wrong with the database.
    pub fn dry_run_on(database: &DatabaseTarget) -> Result<Self, EngineError> {
        if let Some(store) = Store::open_as_it_is(database, &store_options())? {
            return Ok(Self::dry_run(store));
        }
        let unusable =
            |why: std::io::Error| StoreError::Unusable(format!("cannot use the temporary folder: {why}"));
        let folder = tempfile::tempdir().map_err(unusable)?;
        let stand_in = DatabaseTarget::Sqlite(folder.path().join("empty.sqlite3"));
        let mut target = Self::dry_run(Store::open(&stand_in, &store_options())?);
        target.stand_in = Some(folder);
        Ok(target)
    }

    /// Only reads the database, to tell what an import would do.
    #[must_use]
    pub fn dry_run(store: Store) -> Self {
        let dry = Some(Mutex::default());
        Self {
            store,
            media: None,
            fence: None,
            _lock: None,
            state: OnceLock::new(),
            changed: Changed::default(),
            dry,
            stand_in: None,
        }
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    fn run(&self) -> Option<RunId> {
        self.state.get().and_then(|state| state.run)
    }

    fn context(&self) -> ImportContext<'static> {
        ImportContext {
            run: self.run(),
            account: self.state.get().and_then(|state| state.account),
            fence: self.fence,
            dry: None,
        }
    }

    /// One transaction, tried again when the database was busy.
    fn transaction<T>(
        &self,
        work: impl FnMut(&mut WriteConn<'_>) -> Result<T, StoreError>,
    ) -> Result<T, EngineError> {
        transaction(&self.store, work)
    }

    fn checkpoint(&self, gym: StoktId, progress: &Progress) -> Result<Option<Checkpoint>, StoreError> {
        let Some(State { run: Some(run), origin, .. }) = self.state.get() else { return Ok(None) };
        let listing = serde_json::to_value(progress.listing)
            .map_err(|why| StoreError::Internal(format!("the checkpoint cannot be written: {why}")))?;
        Ok(Some(Checkpoint {
            origin: origin.clone(),
            gym,
            run: *run,
            step: STEP.to_owned(),
            next_url: progress.next.clone(),
            listing: Some(listing),
        }))
    }

    fn write_dry(&self, dry: &Mutex<Dry>, batch: &Batch) -> Result<Vec<Written>, EngineError> {
        let mut dry = locked(dry);
        let mut all = Vec::new();
        for kind in KINDS {
            let context = ImportContext { dry: Some(&dry.assumed), fence: None, ..self.context() };
            let outcome = self.store.write(|conn| import_kind(conn, &context, kind, batch))?;
            if let Some(outcome) = outcome {
                dry.assume(batch, &outcome);
                all.push(written_from(outcome));
            }
        }
        dry.seen.extend(batch.seen.iter().copied());
        all.extend(written_from_refused(&batch.refused));
        Ok(all)
    }
}

/// Imports the batch's records of one kind, if there are any.
fn import_kind(
    conn: &mut WriteConn<'_>,
    context: &ImportContext<'_>,
    kind: EntityKind,
    batch: &Batch,
) -> Result<Option<BatchOutcome>, StoreError> {
    Ok(Some(match kind {
        EntityKind::Gym if !batch.gyms.is_empty() => import::gyms(conn, context, &batch.gyms)?,
        EntityKind::Wall if !batch.walls.is_empty() => import::walls(conn, context, &batch.walls)?,
        EntityKind::Face if !batch.faces.is_empty() => import::faces(conn, context, &batch.faces)?,
        EntityKind::Hold if !batch.holds.is_empty() => import::holds(conn, context, &batch.holds)?,
        EntityKind::User if !batch.users.is_empty() => import::users(conn, context, &batch.users)?,
        EntityKind::Climb if !batch.climbs.is_empty() => import::climbs(conn, context, &batch.climbs)?,
        _ => return Ok(None),
    }))
}

pub(crate) fn set_aside(conn: &mut WriteConn<'_>, refused: &[Quarantined]) -> Result<(), StoreError> {
    for kind in KINDS {
        let rows: Vec<Refused> = refused
            .iter()
            .filter(|item| item.kind == kind)
            .map(|item| Refused {
                stokt_id: item.stokt_id.clone(),
                code: item.problem.code.clone(),
                detail: item.problem.detail.clone(),
                record: item.record.clone(),
            })
            .collect();
        if !rows.is_empty() {
            quarantine::add(conn, kind, &rows)?;
        }
    }
    Ok(())
}

impl Target for StoreTarget {
    fn describe(&self) -> String {
        self.store.target().to_string()
    }

    fn begin(&self, start: &Start) -> Result<Started, EngineError> {
        let watermarks = self.store.read(|conn| runs::watermarks(conn, &start.origin, &start.gyms))?;
        let mut started = Started { run: None, resume: Vec::new(), watermarks };
        if self.dry.is_none() {
            self.begin_run(start, &mut started)?;
        }
        let state = State { run: started.run, origin: start.origin.clone(), account: start.account };
        // A target serves one run: a second `begin` would go on under the first one's id, which is harmless.
        let _ = self.state.set(state);
        Ok(started)
    }

    fn known_setters(&self) -> Result<Vec<ImportUser>, EngineError> {
        let Some(run) = self.run() else { return Ok(Vec::new()) };
        Ok(self.store.read(|conn| export::users_seen(conn, run))?)
    }

    fn write(&self, gym: StoktId, batch: &Batch) -> Result<Vec<Written>, EngineError> {
        if let Some(dry) = &self.dry {
            return self.write_dry(dry, batch);
        }
        let context = self.context();
        let outcomes = self.transaction(|conn| {
            let mut outcomes = Vec::new();
            for kind in KINDS {
                outcomes.extend(import_kind(conn, &context, kind, batch)?);
            }
            set_aside(conn, &batch.refused)?;
            if let Some(run) = context.run {
                seen::add(conn, run, &batch.seen)?;
            }
            if let Some(progress) = &batch.progress
                && let Some(checkpoint) = self.checkpoint(gym, progress)?
            {
                checkpoints::save(conn, &context, checkpoint)?;
            }
            Ok(outcomes)
        })?;
        let mut all: Vec<Written> = outcomes.into_iter().map(written_from).collect();
        self.changed.add(&all);
        all.extend(written_from_refused(&batch.refused));
        Ok(all)
    }

    fn seen(&self, _: StoktId) -> Result<u64, EngineError> {
        if let Some(dry) = &self.dry {
            return Ok(u64::try_from(locked(dry).seen.len()).unwrap_or(u64::MAX));
        }
        let Some(run) = self.run() else { return Ok(0) };
        let count = self.store.read(|conn| seen::count(conn, run))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn restart_listing(&self, gym: StoktId) -> Result<(), EngineError> {
        if let Some(dry) = &self.dry {
            locked(dry).seen.clear();
        }
        self.clear_listing(gym, None)
    }

    fn wanted(&self, gym: StoktId) -> Result<Vec<PicturePlan>, EngineError> {
        let listed = self.store.read(|conn| pictures::listed(conn, &[gym]))?;
        let mut plans: Vec<PicturePlan> = listed
            .into_iter()
            .filter(|listed| !self.has_copy(listed))
            .map(|pictures::ListedPicture { picture, .. }| PicturePlan {
                owner: match picture.owner {
                    pictures::PictureOwner::Face(id) => PictureOwner::Face(id),
                    pictures::PictureOwner::Avatar(id) => PictureOwner::Avatar(id),
                },
                path: picture.path,
                size: picture.width.zip(picture.height),
            })
            .collect();
        if let Some(dry) = &self.dry {
            plans.extend(locked(dry).pictures.iter().cloned());
        }
        Ok(plans)
    }

    fn check_picture(&self, picture: &PicturePlan, bytes: Vec<u8>) -> Result<Checked, PictureError> {
        let Some(media) = &self.media else { return Ok(Checked::Unread(bytes)) };
        match media.check(&bytes, ImageLimits::default(), picture.size) {
            Ok(image) => Ok(Checked::Image(Box::new(image))),
            Err(error) if error.is_bad_picture() => Err(bad_picture(picture, &error)),
            Err(error) => Err(PictureError::Target(error.into())),
        }
    }

    fn keep_pictures(&self, pictures: Vec<(&PicturePlan, Checked)>) -> Vec<Result<Kept, PictureError>> {
        let mut answers = Vec::with_capacity(pictures.len());
        let (mut plans, mut images) = (Vec::new(), Vec::new());
        for (at, (plan, checked)) in pictures.into_iter().enumerate() {
            match checked {
                Checked::Image(image) => {
                    plans.push((at, plan));
                    images.push(*image);
                    // Overwritten below.
                    answers.push(Ok(Kept { size_bytes: 0 }));
                }
                Checked::Unread(bytes) => answers.push(self.keep_picture(plan, &bytes)),
            }
        }
        for (at, answer) in self.attach(plans, images) {
            if let Some(place) = answers.get_mut(at) {
                *place = answer;
            }
        }
        answers
    }

    fn keep_picture(&self, picture: &PicturePlan, bytes: &[u8]) -> Result<Kept, PictureError> {
        if self.media.is_none() {
            return Ok(Kept { size_bytes: 0 });
        }
        let checked = self.check_picture(picture, bytes.to_vec())?;
        self.keep_pictures(vec![(picture, checked)]).pop().unwrap_or(Ok(Kept { size_bytes: 0 }))
    }

    fn gym_done(&self, gym: StoktId, watermark: Option<Timestamp>) -> Result<(), EngineError> {
        if let Some(dry) = &self.dry {
            locked(dry).pictures.clear();
        }
        self.clear_listing(gym, watermark)
    }

    fn finish(&self, ending: Ending, report: &Value) -> Result<(), EngineError> {
        let Some(run) = self.run() else { return Ok(()) };
        self.transaction(|conn| runs::finish(conn, run, ending.run_status(), report))?;
        self.changed.tell(&self.store);
        Ok(())
    }
}

impl StoreTarget {
    /// Whether the verified copy of a picture is on record, and its file still there in its whole length: one that was
    /// lost or cut is fetched again. A dry run knows no folder, and believes the record.
    fn has_copy(&self, listed: &pictures::ListedPicture) -> bool {
        let Some(copy) = &listed.copy else { return false };
        let Some(media) = &self.media else { return true };
        let (sha256, kind) = (copy.sha256.parse::<Sha256Hex>(), ImageKind::from_mime(&copy.media_type));
        sha256.ok().zip(kind).is_some_and(|(sha256, kind)| media.is_whole(sha256, kind, copy.size_bytes))
    }

    /// Forgets how far the gym's listing came, and moves its watermark where there is a new one.
    fn clear_listing(&self, gym: StoktId, watermark: Option<Timestamp>) -> Result<(), EngineError> {
        let Some(State { run: Some(run), origin, .. }) = self.state.get() else { return Ok(()) };
        let context = self.context();
        self.transaction(|conn| {
            checkpoints::clear(conn, &context, origin, gym)?;
            if let Some(watermark) = watermark {
                runs::move_watermark(conn, &context, *run, origin, gym, watermark)?;
            }
            seen::clear(conn, *run)
        })
    }

    /// Goes on under the id of the run that left a checkpoint, or starts a new one.
    fn begin_run(&self, start: &Start, started: &mut Started) -> Result<(), EngineError> {
        let fence = self.context();
        let (run, resume) = self.transaction(|conn| {
            let mut found: Option<Checkpoint> = None;
            for gym in &start.gyms {
                let Some(checkpoint) = checkpoints::load(conn, &start.origin, *gym)? else { continue };
                // One listing is under way at a time. Others, of other runs, start over.
                if start.resume && found.is_none() {
                    found = Some(checkpoint);
                } else {
                    checkpoints::clear(conn, &fence, &start.origin, *gym)?;
                    seen::clear(conn, checkpoint.run)?;
                }
            }
            let progress = found.as_ref().and_then(progress_of);
            match (found, progress) {
                (Some(checkpoint), Some(progress)) => {
                    runs::resume(conn, checkpoint.run)?;
                    Ok((checkpoint.run, Some((checkpoint.gym, progress))))
                }
                _ => {
                    Ok((runs::start(conn, RunDirection::StoktToMastoc, RunMode::Full, &start.origin)?, None))
                }
            }
        })?;
        started.run = Some(run);
        started.resume.extend(resume);
        Ok(())
    }
}

/// `None` for a checkpoint of another step or another form: that listing starts over.
fn progress_of(checkpoint: &Checkpoint) -> Option<Progress> {
    let listing = serde_json::from_value(checkpoint.listing.clone()?).ok()?;
    (checkpoint.step == STEP).then(|| Progress { next: checkpoint.next_url.clone(), listing })
}
