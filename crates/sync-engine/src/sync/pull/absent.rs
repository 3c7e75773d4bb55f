//! Climbs that a complete listing does not show: counted, and archived once they are gone for certain.

use std::collections::HashMap;

use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ClimbId, StoktId};
use mastoc_storage::conflicts;
use mastoc_storage::sync_climbs::{self, Known};
use mastoc_storage::sync_writes;
use mastoc_storage::{StoreError, WriteConn};

use super::conflict;
use crate::decision::Decision;
use crate::error::EngineError;
use crate::report::Report;
use crate::store_target::transaction;
use crate::sync::decide::Action;
use crate::sync::planning::{GymPlan, absence, decide_pull, name_of, told};
use crate::sync::session::Session;
use crate::sync::survey::Survey;

/// Counts the climbs that a complete listing does not show, and archives those that are gone for certain.
pub(super) fn absent(
    session: &Session<'_>,
    survey: &Survey,
    at: usize,
    plan: &GymPlan,
    report: &mut Report,
) -> Result<(), EngineError> {
    let Some(gym) = survey.gyms.get(at).filter(|gym| gym.shows_all()) else { return Ok(()) };
    let Some(run) = session.run else { return Ok(()) };
    let ctx = session.context();
    for ids in plan.absent.chunks(session.options.batch_size.max(1)) {
        session.check()?;
        let decisions = transaction(session.store, |conn| missing(conn, session, survey, ids))?;
        for decision in decisions {
            report.decide(decision);
        }
        session.points.reached("pull.archived")?;
    }
    transaction(session.store, |conn| {
        sync_writes::begin(conn, &ctx)?;
        sync_writes::mark_seen(conn, run, gym.gym, &plan.hidden)
    })?;
    session.points.reached("pull.seen")
}

/// A batch of climbs that the listing does not show, in its transaction.
fn missing(
    conn: &mut WriteConn<'_>,
    session: &Session<'_>,
    survey: &Survey,
    ids: &[StoktId],
) -> Result<Vec<Decision>, StoreError> {
    let ctx = session.context();
    sync_writes::begin(conn, &ctx)?;
    let known: HashMap<StoktId, Known> = sync_climbs::known(conn, ids)?;
    let (mut decisions, mut archived, mut retired) = (Vec::new(), Vec::new(), Vec::new());
    let (mut closed, mut open) = (Vec::new(), Vec::new());
    for id in ids {
        let Some(known) = known.get(id) else { continue };
        let remote = absence(session, survey, known.link.missing_runs + 1, known.link.missing_since);
        let action = decide_pull(session.options, Some(known), remote, None);
        match &action {
            Action::Archive => archived.extend(&known.climb),
            Action::RetireLink => retired.push(*id),
            Action::Conflict { kind, fields, hide } => {
                open.extend(conflict(known, *kind, fields, None, *hide));
            }
            _ => {}
        }
        if known.conflict.is_some() && action.closes_conflict() {
            closed.extend(known.link.local_id.parse::<ClimbId>().ok());
        }
        if let Some((decided, why)) = told(&action, Some(known), false) {
            let mut decision =
                Decision::new(EntityKind::Climb, id.to_string(), decided).named(name_of(known));
            decision.why = why;
            decisions.push(decision);
        }
    }
    conflicts::close(conn, &ctx, &closed)?;
    conflicts::open_all(conn, &ctx, &open)?;
    sync_writes::archive(conn, &archived)?;
    sync_writes::mark_missing(conn, ids, survey.seen_at)?;
    sync_writes::retire_links(conn, &retired)?;
    Ok(decisions)
}
