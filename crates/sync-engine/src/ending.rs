//! How a run ends, and the exit code that scripts see.

use mastoc_storage::runs::RunStatus;
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Everything was done.
    Done,
    /// Done in part: some items failed, and are listed.
    Partial,
    /// An error that no other word fits.
    Failed,
    /// The command line or a setting is wrong.
    Usage,
    /// Done, but conflicts or ambiguous pushes wait for a person.
    Waiting,
    /// Stopped by a safety guard.
    Guard,
    /// The credentials were refused.
    Credentials,
    /// Another run holds the lock.
    Locked,
    /// The remote is down or throttling, or the disk is full: try later.
    Temporary,
    /// Somebody stopped it: run again to go on.
    Interrupted,
}

impl Ending {
    /// How a run that ended so stands in the database.
    pub(crate) fn run_status(self) -> RunStatus {
        match self {
            Self::Done => RunStatus::Done,
            Self::Waiting => RunStatus::Waiting,
            Self::Partial => RunStatus::Partial,
            Self::Interrupted | Self::Temporary => RunStatus::Interrupted,
            Self::Failed | Self::Usage | Self::Guard | Self::Credentials | Self::Locked => RunStatus::Failed,
        }
    }

    /// The exit code of the process: 0 done, 1 in part or failed, 2 usage, 3 waiting for a person, 4 guard, 5 credentials, 6 locked,
    /// 75 try again later (also after an interruption, since running again goes on).
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Partial | Self::Failed => 1,
            Self::Usage => 2,
            Self::Waiting => 3,
            Self::Guard => 4,
            Self::Credentials => 5,
            Self::Locked => 6,
            Self::Temporary | Self::Interrupted => 75,
        }
    }
}
