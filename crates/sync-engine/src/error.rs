//! What can end a run early, and the question which exit code that means.

use mastoc_client::ClientError;
use mastoc_domain::StoktId;
use mastoc_media::MediaError;
use mastoc_stokt_client::ErrorKind;
use mastoc_storage::StoreError;

use crate::convert::Refused;
use crate::ending::Ending;
use crate::sync::guard::Guard;

/// Why a run could not go on. Every message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Stokt, or the way to it.
    #[error("Stokt: {0}")]
    Stokt(mastoc_stokt_client::Error),
    /// Somebody wants the run to stop.
    #[error("stopped on request")]
    Interrupted,
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The folder of pictures.
    #[error("{0}")]
    Media(#[from] MediaError),
    /// The mastoc server that is imported into.
    #[error("{0}")]
    Server(#[from] ClientError),
    /// Stokt does not know the gym, or does not show it to this account.
    #[error("Stokt shows this account no gym {0}; check the id")]
    UnknownGym(StoktId),
    /// No gym was named, and the account has no home gym.
    #[error("this account has no home gym; name the gym with --gym UUID")]
    NoHomeGym,
    /// Another run works on the same database.
    #[error("another run holds the lock of this database ({holder}); wait for it to end, then run again")]
    Locked {
        /// Who, in the words of the holder.
        holder: String,
    },
    /// A guard against doing far too much; the message says what, and how to go on.
    #[error("{0}")]
    Guard(String),
    /// A test ended the run at this point, as a crash would: nothing is cleaned up.
    #[error("ended at {0}")]
    Stopped(&'static str),
    /// The plan that is to be carried out was made from another state.
    #[error("what would be done is not what the plan says any more; nothing was written. Make a new plan")]
    StalePlan,
    /// Stokt's answer lacks what nothing can be done without.
    #[error("Stokt's answer has changed its shape: {0}; nothing was written from it")]
    Shape(#[from] Refused),
}

impl From<mastoc_stokt_client::Error> for EngineError {
    fn from(error: mastoc_stokt_client::Error) -> Self {
        // Which call was under way then is nobody's concern.
        if error.is_cancelled() { Self::Interrupted } else { Self::Stokt(error) }
    }
}

impl From<Guard> for EngineError {
    fn from(guard: Guard) -> Self {
        Self::Guard(guard.to_string())
    }
}

impl EngineError {
    /// How a run ends on this error.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match self {
            Self::Stokt(error) => stokt_ending(error),
            Self::Interrupted => Ending::Interrupted,
            Self::Store(error) => match error {
                StoreError::Unavailable(_) => Ending::Temporary,
                StoreError::TooNew { .. } | StoreError::Unusable(_) | StoreError::Invalid(_) => Ending::Usage,
                StoreError::Fenced => Ending::Locked,
                _ => Ending::Failed,
            },
            Self::Media(error) if error.is_no_space() => Ending::Temporary,
            Self::Media(MediaError::Unwritable { .. }) => Ending::Usage,
            Self::Media(_) => Ending::Failed,
            Self::Server(error) if error.is_credentials() => Ending::Credentials,
            Self::Server(error) if error.is_locked() => Ending::Locked,
            Self::Server(error) if error.is_retryable() => Ending::Temporary,
            Self::Server(error) if error.is_config() => Ending::Usage,
            Self::Server(ClientError::TooLarge { .. }) => Ending::Usage,
            Self::Server(_) => Ending::Failed,
            Self::UnknownGym(_) | Self::NoHomeGym => Ending::Usage,
            Self::Locked { .. } => Ending::Locked,
            Self::Stopped(_) => Ending::Failed,
            Self::Shape(_) | Self::Guard(_) | Self::StalePlan => Ending::Guard,
        }
    }
}

fn stokt_ending(error: &mastoc_stokt_client::Error) -> Ending {
    if error.is_auth() {
        return Ending::Credentials;
    }
    if error.is_temporary() || error.is_no_space() {
        return Ending::Temporary;
    }
    match error.kind() {
        ErrorKind::Tls(_) => Ending::Temporary,
        ErrorKind::Config(_)
        | ErrorKind::Argument(_)
        | ErrorKind::Status(_)
        | ErrorKind::NotInSnapshot
        | ErrorKind::ReadOnlySnapshot
        | ErrorKind::Snapshot(_) => Ending::Usage,
        // Led elsewhere, or told something else than agreed: better to stop than to believe it.
        _ => Ending::Guard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_the_exit_code_that_scripts_rely_on() {
        let code = |error: EngineError| error.ending().exit_code();
        let gym = StoktId(uuid::Uuid::nil());
        assert_eq!(code(EngineError::UnknownGym(gym)), 2);
        assert_eq!(code(EngineError::NoHomeGym), 2);
        assert_eq!(code(EngineError::Locked { holder: String::new() }), 6);
        assert_eq!(code(StoreError::Unavailable("disk is full".into()).into()), 75);
        assert_eq!(code(StoreError::TooNew { found: "2".into(), known: "1".into() }.into()), 2);
        assert_eq!(code(StoreError::Fenced.into()), 6);
        assert_eq!(code(MediaError::NoSpace { path: "x".into() }.into()), 75);
        assert_eq!(code(ClientError::Credentials { status: 401, detail: String::new() }.into()), 5);
        assert_eq!(code(ClientError::TooLarge { bytes: 1 }.into()), 2);
        assert_eq!(code(Refused::new("bad_id", "x").into()), 4);
        assert_eq!(code(Guard::Empty { linked: 3 }.into()), 4);
    }
}
