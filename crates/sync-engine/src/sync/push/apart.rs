//! What was changed here of climbs that Stokt does not list as the account's: it is not sent, and the run says why.

use std::collections::{BTreeSet, HashMap};

use mastoc_domain::StoktId;
use mastoc_domain::sync_state::{Direction, EntityKind};
use mastoc_storage::outbox;
use mastoc_storage::sync_climbs::{self, ClimbSide, Known};

use super::creations::is_secret;
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::sync::decide::{Action, Remote, Situation, decide};
use crate::sync::planning::{absence, local_side};
use crate::sync::session::Session;
use crate::sync::survey::Survey;

/// Climbs that are in memory at once.
const CLIMBS: usize = 500;

/// Decides about them as the table says. Reads only; a number of statements that depends on their number only where
/// they are very many. `is_counted`: whether a pull of this run has counted who is missing already.
///
/// # Errors
/// When the database fails.
pub(crate) fn left_here(
    session: &Session<'_>,
    survey: &Survey,
    is_counted: bool,
) -> Result<Vec<Decision>, EngineError> {
    let gyms: Vec<StoktId> = survey.gyms.iter().map(|gym| gym.gym).collect();
    let mut changed = session.store.read(|conn| sync_climbs::changed_in_gyms(conn, &gyms))?;
    changed.retain(|id| survey.my(*id).is_none());
    let mut decisions = Vec::new();
    for ids in changed.chunks(CLIMBS) {
        let read: Result<Read, EngineError> = session.store.snapshot(|conn| {
            let known = sync_climbs::known(conn, ids)?;
            let sides = known.values().filter_map(|known| known.climb.as_ref());
            let faces: BTreeSet<StoktId> = sides.filter_map(|side| side.face_stokt_id).collect();
            let faces: Vec<StoktId> = faces.into_iter().collect();
            Ok(Read { known, senders: outbox::senders(conn, ids)?, gyms: outbox::gyms_there(conn, &faces)? })
        });
        let read = read?;
        for id in ids {
            let Some((known, side)) = read.of(*id) else { continue };
            if let Action::Skip { why } = read.decide(session, survey, known, side, is_counted)? {
                let decision = Decision::new(EntityKind::Climb, id.to_string(), Decided::Skipped);
                let decision = decision.because(why.to_string());
                // Reports go to people who may not see it.
                let is_secret = is_secret(session, side);
                decisions.push(if is_secret { decision.unnamed() } else { decision.named(&side.name) });
            }
        }
    }
    Ok(decisions)
}

/// What is known here of some of them.
struct Read {
    known: HashMap<StoktId, Known>,
    /// Which account sent them, of those that were sent from here.
    senders: HashMap<StoktId, StoktId>,
    /// The gyms of their faces.
    gyms: HashMap<StoktId, StoktId>,
}

impl Read {
    fn of(&self, id: StoktId) -> Option<(&Known, &ClimbSide)> {
        let known = self.known.get(&id)?;
        Some((known, known.climb.as_ref()?))
    }

    fn decide(
        &self,
        session: &Session<'_>,
        survey: &Survey,
        known: &Known,
        side: &ClimbSide,
        is_counted: bool,
    ) -> Result<Action, EngineError> {
        let id = known.link.stokt_id;
        let listed = survey.climb(id)?;
        let setter = match &listed {
            Some(listed) => listed.import.setter_stokt_id,
            None => self.senders.get(&id).copied().or(side.setter_stokt_id),
        };
        let is_own = setter == Some(session.account);
        let gym = side.face_stokt_id.and_then(|face| self.gyms.get(&face));
        let gym = survey.gyms.iter().find(|seen| Some(&seen.gym) == gym);
        let remote = match (&listed, gym) {
            // The account's, and yet not among those that Stokt lets it change.
            (Some(_), _) if is_own => Remote::Unseen,
            (Some(listed), _) => Remote::Here(&listed.canonical),
            (None, Some(gym)) if gym.shows_all() && !gym.lists(id) => {
                let runs = known.link.missing_runs + i32::from(!is_counted);
                absence(session, survey, runs, known.link.missing_since)
            }
            (None, _) => Remote::Unseen,
        };
        Ok(decide(&Situation {
            direction: Direction::MastocToStokt,
            local: local_side(Some(known)),
            remote,
            base: known.link.base.as_ref(),
            is_own,
            open_conflict: known.conflict.is_some(),
            unsettled: false,
            policy: session.options.policy,
            allow_delete: false,
            selected: false,
        }))
    }
}
