//! The turn of an import on a server: taken, kept by saying now and then that we live, and given back.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use mastoc_client::{Client, ClientError, RunEnd};
use mastoc_domain::RunId;
use mastoc_storage::runs::RunStatus;
use serde_json::Value;

use crate::ending::Ending;

/// How long the server keeps our turn when it hears nothing of us: an importer that was killed is soon run again.
const LEASE: Duration = Duration::from_secs(6);
/// How often it hears of us.
const BETWEEN_BEATS: Duration = Duration::from_secs(2);

/// An import run on a server. Dropping it lets the turn lapse.
pub(super) struct Turn {
    client: Arc<Client>,
    pub(super) run: RunId,
    /// Closing it ends the thread that says that we live.
    _beating: Sender<()>,
}

impl Turn {
    /// Takes the turn. That of an importer which was killed is waited for, since it ends within seconds; one that lives
    /// is not.
    ///
    /// # Errors
    /// [`ClientError::Locked`] when another run is under way; see [`ClientError`].
    pub(super) fn take(client: &Arc<Client>, origin: &str) -> Result<Self, ClientError> {
        let run = RunId::generate();
        match client.begin_run(run, origin, LEASE) {
            Err(ClientError::Locked { detail, retry_after: Some(left) })
                if left <= LEASE + Duration::from_secs(1) =>
            {
                tracing::info!(detail, ?left, "waiting whether the other importer still lives");
                thread::sleep(left);
                client.begin_run(run, origin, LEASE)?;
            }
            begun => begun?,
        }
        let (beating, stopped) = mpsc::channel();
        let (beaten, origin) = (Arc::clone(client), origin.to_owned());
        thread::spawn(move || {
            while stopped.recv_timeout(BETWEEN_BEATS) == Err(RecvTimeoutError::Timeout) {
                // What is wrong is told to whoever writes next.
                if let Err(error) = beaten.begin_run(run, &origin, LEASE) {
                    tracing::debug!(%error, "the server does not hear that this import lives");
                }
            }
        });
        Ok(Self { client: Arc::clone(client), run, _beating: beating })
    }

    /// Gives the turn back, with the run's report.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub(super) fn give_back(&self, ending: Ending, report: &Value) -> Result<(), ClientError> {
        let status = match ending.run_status() {
            RunStatus::Done | RunStatus::Waiting => RunEnd::Done,
            RunStatus::Partial => RunEnd::Partial,
            RunStatus::Failed => RunEnd::Failed,
            RunStatus::Interrupted | RunStatus::Running => RunEnd::Interrupted,
        };
        self.client.end_run(self.run, status, report)
    }
}
