//! One run's parts, as its steps pass them on.

use mastoc_domain::{RunId, StoktId};
use mastoc_media::MediaStore;
use mastoc_stokt_client::Client;
use mastoc_storage::Store;
use mastoc_storage::import::ImportContext;

use super::options::SyncOptions;
use super::surroundings::{Clock, Points};
use crate::error::EngineError;
use crate::observe::Observer;

/// What every step of a run works with.
#[derive(Clone, Copy)]
pub(crate) struct Session<'s> {
    /// Stokt.
    pub(crate) client: &'s Client,
    /// Our database.
    pub(crate) store: &'s Store,
    /// Our pictures.
    pub(crate) media: Option<&'s MediaStore>,
    /// What was asked for.
    pub(crate) options: &'s SyncOptions,
    /// The time.
    pub(crate) clock: &'s dyn Clock,
    /// Where tests cut.
    pub(crate) points: &'s dyn Points,
    /// Who watches.
    pub(crate) observer: &'s dyn Observer,
    /// Stokt's address.
    pub(crate) origin: &'s str,
    /// The account's id at Stokt.
    pub(crate) account: StoktId,
    /// The run's id; none in a dry run.
    pub(crate) run: Option<RunId>,
    /// The fencing number of the run's lock; none in a dry run.
    pub(crate) fence: Option<i64>,
}

impl Session<'_> {
    /// What the run's writes carry.
    pub(crate) fn context(&self) -> ImportContext<'static> {
        ImportContext { run: self.run, account: Some(self.account), fence: self.fence, dry: None }
    }

    /// Whether somebody wants the run to stop.
    ///
    /// # Errors
    /// [`EngineError::Interrupted`] when so.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if self.client.cancel().is_cancelled() { Err(EngineError::Interrupted) } else { Ok(()) }
    }
}
