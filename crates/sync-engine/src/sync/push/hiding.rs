//! Climbs that Stokt shows to everybody though they are private here: made private while they were being sent, or not
//! kept as private as they were sent. The run that made them so hides them.

use std::collections::HashMap;

use mastoc_domain::{ClimbId, StoktId};
use mastoc_storage::{ReadConn, sync_climbs};

use super::Push;
use super::changes::FEW;
use super::creations::is_secret;
use crate::decision::Decision;
use crate::error::EngineError;
use crate::sync::session::Session;
use crate::sync::view::RemoteClimb;

/// What is told of a climb that became private here while it was being sent.
const HIDDEN: &str =
    "it became private here while it was being sent, and is public at Stokt until that is sent, too";

/// How a climb that was just sent stands here now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meanwhile {
    /// It was sent to be seen by everybody, and is private here.
    pub(super) is_hidden: bool,
    /// Its name is nothing to be told.
    is_secret: bool,
}

impl Meanwhile {
    /// Looks at it in the transaction that links it, or agrees on what was sent, so that nobody can change it unseen.
    pub(super) fn look(
        conn: &mut ReadConn<'_>,
        session: &Session<'_>,
        climb: Option<ClimbId>,
        was_private: bool,
    ) -> Result<Self, EngineError> {
        let ids: Vec<ClimbId> = climb.into_iter().collect();
        let sides = sync_climbs::local(conn, &ids)?;
        Ok(sides.first().map_or_else(Self::default, |side| Self {
            is_hidden: side.is_private && !was_private,
            is_secret: is_secret(session, side),
        }))
    }

    /// What is told of it.
    pub(super) fn tell(self, decision: Decision) -> Decision {
        let decision = if self.is_hidden { decision.because(HIDDEN) } else { decision };
        if self.is_secret { decision.unnamed() } else { decision }
    }
}

impl Push<'_, '_> {
    /// Hides at Stokt what became private here while it was being sent.
    pub(super) fn hide(&mut self, stokt_id: StoktId) -> Result<(), EngineError> {
        // As the run found it, it is not any more: this run changed it.
        self.mine.remove(&stokt_id);
        self.hide_these(&[stokt_id])
    }

    /// Makes those climbs as private as they are here that Stokt did not show to be when they were created.
    pub(super) fn hide_loose(&mut self) -> Result<(), EngineError> {
        let loose = std::mem::take(&mut self.loose);
        self.hide_these(&loose)
    }

    fn hide_these(&mut self, ids: &[StoktId]) -> Result<(), EngineError> {
        for few in ids.chunks(FEW) {
            let shown = self.look_again(few)?;
            let shown: HashMap<StoktId, &RemoteClimb> = shown.iter().map(|(id, one)| (*id, one)).collect();
            let allowed = self.allowed(few, &shown)?;
            self.change_few(few, &allowed)?;
        }
        Ok(())
    }
}
