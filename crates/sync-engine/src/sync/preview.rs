//! What a run would do besides pulling and sending climbs: the board, and what earlier runs left open. For dry runs,
//! and for whoever carries a plan out.

use std::collections::HashSet;

use mastoc_domain::StoktId;
use mastoc_domain::sync_state::EntityKind;
use mastoc_storage::links::json_hash;
use mastoc_storage::sync_climbs::observed_hash;
use serde_json::json;

use super::planning::PullPlan;
use super::push::Planned;
use super::session::Session;
use super::settle::{self, Foreseen};
use super::survey::Survey;
use crate::board::FetchedBoard;
use crate::decision::Decided;
use crate::error::EngineError;
use crate::report::{Issue, Written};
use crate::store_target::StoreTarget;
use crate::target::Target as _;

/// What would be done.
#[derive(Debug, Default)]
pub(super) struct Preview {
    /// About what earlier runs left open.
    pub(super) settled: Foreseen,
    /// To boards, kind by kind.
    pub(super) boards: Vec<Written>,
    /// Faces that cannot be read.
    pub(super) problems: Vec<Issue>,
    /// The state that it depends on, for the plan's hash.
    pub(super) states: Vec<String>,
}

impl Preview {
    /// The hash of what would be done and of the state that it was decided from.
    pub(super) fn state(
        &self,
        session: &Session<'_>,
        survey: &Survey,
        plan: &PullPlan,
        sent: &Planned,
    ) -> String {
        let mut states = plan.states.clone();
        states.extend(sent.decisions.iter().chain(&sent.would).map(|one| format!("{one:?}")));
        states.extend(sent.states.iter().chain(&self.states).cloned());
        states.sort_unstable();
        let options = session.options;
        json_hash(&json!({
            "account": session.account,
            "gyms": survey.gyms.iter().map(|gym| gym.gym).collect::<Vec<_>>(),
            "direction": options.direction.as_str(),
            "full": options.full,
            "selection": options.selection,
            "policy": options.policy,
            "allow_delete": options.allow_delete,
            "states": states,
        }))
    }
}

/// Looks at it, without writing anything. What is to be settled is no more told of as a climb of Stokt's that waits.
///
/// # Errors
/// When the database fails.
pub(super) fn preview(
    session: &Session<'_>,
    survey: &Survey,
    plan: &mut PullPlan,
    pulls: bool,
) -> Result<Preview, EngineError> {
    let mut preview = Preview { settled: settle::foresee(session, &survey.view())?, ..Preview::default() };
    let adopted = preview.settled.decisions.iter().filter(|one| one.decision == Decided::Adopted);
    let adopted: HashSet<&str> = adopted.map(|one| one.stokt_id.as_str()).collect();
    plan.decisions.retain(|one| one.decision != Decided::Skipped || !adopted.contains(one.stokt_id.as_str()));
    for gym in survey.gyms.iter().filter(|_| pulls) {
        if let Some(board) = &gym.board {
            let written = written(session, gym.gym, board)?;
            for one in &written {
                let (created, updated) = (one.tally.created, one.tally.updated);
                // Of gyms, walls and faces Stokt also counts climbs and sends, which are no other plan.
                let updated = if one.kind == EntityKind::Hold { updated } else { 0 };
                preview.states.push(format!("{} {created} {updated}", one.kind.as_str()));
            }
            preview.states.push(content(board)?);
            preview.problems.extend(board.problems.iter().cloned());
            preview.boards.extend(written);
        }
    }
    preview.states.append(&mut preview.settled.states);
    preview.states.extend(preview.settled.decisions.iter().map(|one| format!("{one:?}")));
    Ok(preview)
}

/// What writing a board would come to.
fn written(session: &Session<'_>, gym: StoktId, board: &FetchedBoard) -> Result<Vec<Written>, EngineError> {
    let target = StoreTarget::dry_run(session.store.clone());
    let mut written = Vec::new();
    for batch in std::iter::once(&board.plan.head).chain(&board.plan.holds) {
        written.extend(target.write(gym, batch)?);
    }
    Ok(written)
}

/// What climbs rest on, as a text that is the same for the same board: pictures, rules, and the holds' outlines.
fn content(board: &FetchedBoard) -> Result<String, EngineError> {
    let mut parts = Vec::new();
    for batch in std::iter::once(&board.plan.head).chain(&board.plan.holds) {
        for face in &batch.faces {
            let rules = &face.feet_rules_options;
            let kept = (face.is_active, face.has_symmetry);
            parts.push(json!([face.stokt_id, face.wall_stokt_id, face.picture, rules, kept]).to_string());
        }
        for hold in &batch.holds {
            parts.push(observed_hash(hold)?);
        }
    }
    parts.sort_unstable();
    Ok(json_hash(&json!(parts)))
}
