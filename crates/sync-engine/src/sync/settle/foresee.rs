//! What settling would do with what earlier runs left open, found out from what was read, without writing anything.

use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use mastoc_storage::outbox::{self, Entry};
use mastoc_storage::runs::RunDirection;

use super::{Found, OPEN, Settling, about, waiting};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::report::Report;
use crate::sync::sending::{Frozen, Send};
use crate::sync::session::Session;
use crate::sync::view::View;

/// What would be done, and the state that it depends on.
#[derive(Debug, Default)]
pub(crate) struct Foreseen {
    /// What would become of each thing.
    pub(crate) decisions: Vec<Decision>,
    /// The rows as they stand, for the plan's hash.
    pub(crate) states: Vec<String>,
}

/// Looks at what is open, as [`super::settle`] would.
///
/// # Errors
/// When the database fails.
pub(crate) fn foresee(session: &Session<'_>, view: &View<'_>) -> Result<Foreseen, EngineError> {
    let rows = session.store.read(|conn| outbox::in_states(conn, &OPEN))?;
    let mut unused = Report::begin(session.origin, String::new(), true);
    let settling = Settling::new(session, view, &mut unused, &rows)?;
    let mut foreseen = Foreseen::default();
    for row in &rows {
        foreseen.states.push(format!("{} {} {} {}", row.id, row.state, row.listings, row.local_rev));
        // What is held back is told as it stands now.
        if !row.is_held_back() {
            foreseen.decisions.extend(settling.foresee(row));
        }
    }
    Ok(foreseen)
}

impl Settling<'_, '_> {
    fn foresee(&self, row: &Entry) -> Option<Decision> {
        if row.action != OutboxAction::Create && row.state != OutboxState::Leased && self.is_mine(row) {
            return self.foresee_change(row);
        }
        Some(self.foresee_creation(row))
    }

    fn is_mine(&self, row: &Entry) -> bool {
        row.account == self.session.account
    }

    fn foresee_creation(&self, row: &Entry) -> Decision {
        if row.state == OutboxState::Leased {
            return self.again(row, "taken up by an earlier run, and never sent");
        }
        if !self.is_mine(row) {
            return waiting(row, "another account sent it; only a run with that account finds out");
        }
        if row.entity == EntityKind::List {
            return waiting(row, "the run looks for it among the account's lists");
        }
        match self.look(row) {
            Found::One(id) => Decision { stokt_id: id.to_string(), ..about(row, Decided::Adopted) },
            Found::ByHand(id) => {
                let adopted = Decision { stokt_id: id.to_string(), ..about(row, Decided::Adopted) };
                adopted.because("linked by hand")
            }
            Found::Several(why) => about(row, Decided::Ambiguous).because(why),
            Found::None if row.state == OutboxState::Ambiguous => {
                waiting(row, "none of what it may have been is there any more")
            }
            Found::None if self.is_over(row) => self.again(row, "looked for, and not done"),
            Found::None => waiting(row, "not found at Stokt so far"),
        }
    }

    /// None: the row is of no use any more.
    fn foresee_change(&self, row: &Entry) -> Option<Decision> {
        let (frozen, id) = Frozen::of(row).zip(row.stokt_id)?;
        Some(if let Some(why) = self.unseen(&frozen, id) {
            waiting(row, why)
        } else if self.is_done(&frozen, id) {
            let is_delete = frozen.send == Send::Delete;
            let decided = if is_delete { Decided::DeletedThere } else { Decided::Patched };
            about(row, decided).because("an earlier run sent it")
        } else {
            self.again(row, "sent by an earlier run, and not done")
        })
    }

    /// What waits to be sent once more.
    fn again(&self, row: &Entry, why: &str) -> Decision {
        if self.session.options.direction == RunDirection::StoktToMastoc || !self.view.is_complete() {
            return about(row, Decided::Skipped).because(format!("{why}; the next push sends it"));
        }
        let decided = match row.action {
            OutboxAction::Create => Decided::Sent,
            OutboxAction::Delete => Decided::DeletedThere,
            OutboxAction::Update | OutboxAction::Privacy => Decided::Patched,
        };
        about(row, decided).because(format!("{why}; sent again if it still is as it was"))
    }
}
