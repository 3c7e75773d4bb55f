//! Climbs that Stokt does not know and that were chosen to be created there: which are, and which are not.

use std::collections::HashMap;

use mastoc_domain::ClimbId;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use mastoc_storage::ReadConn;
use mastoc_storage::outbox::{self, Claim, Entry};
use mastoc_storage::sync_climbs::{self, ClimbSide};

use super::claim_of;
use super::plan::{Gyms, Verdict, before, board};
use crate::decision::Decided;
use crate::error::EngineError;
use crate::sync::decide::Why;
use crate::sync::options::Selection;
use crate::sync::refusals::WHOLE;
use crate::sync::sending::{Board, Frozen, place};
use crate::sync::session::Session;

/// Why a private climb is not sent.
const SECRET: &str = "it is private: only --climb-ids sends it, where it would be private to the account";

/// Whether it is private, and not the account's: nothing that an operator sends without naming it.
pub(super) fn is_secret(session: &Session<'_>, side: &ClimbSide) -> bool {
    side.is_private && side.setter_stokt_id != Some(session.account)
}

/// Climbs that were chosen to be created, and what deciding about them needs.
pub(super) struct Creations {
    pub(super) sides: Vec<ClimbSide>,
    last: HashMap<(EntityKind, String), Entry>,
    board: Board,
}

impl Creations {
    /// Reads them, in four statements. They come in the order in which they were set.
    pub(super) fn ask(conn: &mut ReadConn<'_>, ids: &[ClimbId]) -> Result<Self, EngineError> {
        let mut sides = sync_climbs::local(conn, ids)?;
        sides.sort_by_key(|side| (side.created_at, side.id));
        let texts: Vec<String> = sides.iter().map(|side| side.id.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let last = outbox::latest(conn, &texts)?;
        let board = board(conn, sides.iter(), &[])?;
        Ok(Self { sides, last, board })
    }

    /// What is sent of each of them; they were chosen by the plan, but may have become private since.
    pub(super) fn claims(&self, session: &Session<'_>, gyms: &Gyms) -> Vec<Claim> {
        let named: &[ClimbId] = match &session.options.selection {
            Selection::Climbs(ids) => ids,
            _ => &[],
        };
        let claim = |side: &ClimbSide| match self.verdict(session, gyms, side, named.contains(&side.id)) {
            Verdict::Send(claim) => Some(*claim),
            _ => None,
        };
        self.sides.iter().filter_map(claim).collect()
    }

    /// What is to become of one of them. `is_named`: somebody asked for just this one.
    pub(super) fn verdict(
        &self,
        session: &Session<'_>,
        gyms: &Gyms,
        side: &ClimbSide,
        is_named: bool,
    ) -> Verdict {
        if side.stokt_id.is_some() {
            return Verdict::Rest;
        }
        if side.setter_stokt_id.is_some_and(|setter| setter != session.account) {
            return Verdict::Not(Decided::Skipped, Why::OtherSetter.to_string());
        }
        let last = self.last.get(&(EntityKind::Climb, side.id.to_string()));
        if let Some(not) = last.and_then(|row| before(row, side.rev, is_named)) {
            return not;
        }
        // What waits as a private climb was named when it was put there.
        let was_named = |row: &Entry| {
            let frozen = Frozen::of(row).filter(|_| row.state == OutboxState::Pending);
            frozen.and_then(|frozen| frozen.base()).is_some_and(|base| base.is_private)
        };
        if is_secret(session, side) && !is_named && !last.is_some_and(was_named) {
            return Verdict::Not(Decided::Skipped, SECRET.to_owned());
        }
        match self.claim(session, gyms, side) {
            Ok(claim) => Verdict::Send(Box::new(claim)),
            Err(not) => not,
        }
    }

    /// What would be sent of one of them, whatever became of it before.
    pub(super) fn claim(
        &self,
        session: &Session<'_>,
        gyms: &Gyms,
        side: &ClimbSide,
    ) -> Result<Claim, Verdict> {
        let placed = match place(side, &self.board, &WHOLE) {
            Ok(placed) => placed,
            Err(why) => return Err(Verdict::Not(Decided::Rejected, why)),
        };
        if !gyms.contains(&placed.gym()) {
            return Err(Verdict::Not(Decided::Skipped, "its gym is not part of this run".to_owned()));
        }
        let (account, local_id) = (session.account, side.id.to_string());
        let fingerprint = placed.fingerprint(account);
        let frozen = placed.create();
        Ok(claim_of(local_id, OutboxAction::Create, None, account, &frozen, fingerprint, side.rev))
    }

    /// What became of one of them when it was last to be sent.
    pub(super) fn last(&self, side: &ClimbSide) -> Option<&Entry> {
        self.last.get(&(EntityKind::Climb, side.id.to_string()))
    }
}
