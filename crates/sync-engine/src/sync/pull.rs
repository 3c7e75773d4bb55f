//! The pull: what Stokt has becomes ours, batch by batch, each planned anew in the transaction that writes it, since
//! somebody may have edited meanwhile.

mod absent;

use mastoc_domain::ClimbId;
use mastoc_domain::StoktId;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::import::{BatchOutcome, ImportClimb, ImportUser, ItemStatus};
use mastoc_domain::import_plan::{DELETED_HERE, LOCAL_CHANGES};
use mastoc_domain::sync_merge::{ConflictKind, Field};
use mastoc_domain::sync_state::{EntityKind, SyncState};
use mastoc_storage::conflicts::{self, NewConflict};
use mastoc_storage::import;
use mastoc_storage::links;
use mastoc_storage::outbox;
use mastoc_storage::sync_climbs::{self, ClimbSide, Known};
use mastoc_storage::sync_writes::{self, Agreement, Merged};
use mastoc_storage::{StoreError, WriteConn};

use super::decide::{Action, Remote};
use super::planning::{Awaiting, GymPlan, PullPlan, decide_pull, says_anew, telling, told};
use super::session::Session;
use super::survey::{Survey, Window};
use super::view::RemoteClimb;
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::observe::Step;
use crate::pictures::{fetch_all, settle};
use crate::plan::{PictureOwner, PicturePlan};
use crate::report::Report;
use crate::store_target::{StoreTarget, set_aside, transaction};
use crate::target::{Target as _, written_from, written_from_refused};

/// People that are compared at once.
const PEOPLE: usize = 5_000;

/// Carries the plan out.
///
/// # Errors
/// What ends the run; what was written before stays, and the next run goes on.
pub(super) fn pull(
    session: &Session<'_>,
    survey: &mut Survey,
    plan: PullPlan,
    report: &mut Report,
) -> Result<(), EngineError> {
    let target = StoreTarget::within(
        session.store.clone(),
        session.media.cloned(),
        session.run,
        session.fence,
        session.origin,
        session.account,
    );
    let new_people = people(session, survey, report)?;
    for (at, gym) in plan.gyms.into_iter().enumerate() {
        let (has_board, is_full) = survey
            .gyms
            .get(at)
            .map(|gym| (gym.board.is_some(), gym.window == Window::All))
            .unwrap_or_default();
        if has_board {
            board(session, survey, at, &target, report)?;
        }
        report.counts.climbs.unchanged += gym.unchanged;
        climbs(session, survey, at, &gym, report)?;
        absent::absent(session, survey, at, &gym, report)?;
        if is_full || has_board || new_people {
            avatars(session, survey, at, &target, report)?;
        }
    }
    Ok(())
}

/// Gym, walls, faces, holds, wall pictures.
fn board(
    session: &Session<'_>,
    survey: &mut Survey,
    at: usize,
    target: &StoreTarget,
    report: &mut Report,
) -> Result<(), EngineError> {
    let Some((id, board)) = survey.gyms.get_mut(at).and_then(|gym| Some((gym.gym, gym.board.take()?))) else {
        return Ok(());
    };
    for problem in board.problems {
        report.problem(problem);
    }
    for batch in std::iter::once(&board.plan.head).chain(&board.plan.holds) {
        session.check()?;
        for written in target.write(id, batch)? {
            report.add(written);
        }
        session.points.reached("pull.board")?;
    }
    pictures(session, target, id, Step::Pictures, report)
}

fn avatars(
    session: &Session<'_>,
    survey: &Survey,
    at: usize,
    target: &StoreTarget,
    report: &mut Report,
) -> Result<(), EngineError> {
    let Some(id) = survey.gyms.get(at).map(|gym| gym.gym) else { return Ok(()) };
    pictures(session, target, id, Step::Avatars, report)
}

/// Fetches what pictures of one kind have no verified copy here.
fn pictures(
    session: &Session<'_>,
    target: &StoreTarget,
    gym: StoktId,
    step: Step,
    report: &mut Report,
) -> Result<(), EngineError> {
    if session.media.is_none() {
        return Ok(());
    }
    let mut wanted: Vec<PicturePlan> = target.wanted(gym)?;
    wanted.retain(|picture| matches!(picture.owner, PictureOwner::Face(_)) == (step == Step::Pictures));
    if wanted.is_empty() {
        return Ok(());
    }
    wanted.sort_by_key(|picture| picture.owner);
    let count = u64::try_from(wanted.len()).unwrap_or(0);
    report.images.wanted += count;
    session.observer.begin(step, Some(count));
    let (client, observer) = (session.client, session.observer);
    fetch_all(client, target, wanted, |outcomes| settle(client, target, observer, outcomes, report))?;
    session.observer.end(step, "");
    session.points.reached("pull.pictures")
}

/// The setters who are new here, or of whom Stokt says something else than before. Answers whether there are any.
fn people(session: &Session<'_>, survey: &Survey, report: &mut Report) -> Result<bool, EngineError> {
    let mut changed: Vec<ImportUser> = Vec::new();
    for people in survey.people().chunks(PEOPLE) {
        let ids: Vec<String> = people.iter().map(|user| user.stokt_id.to_string()).collect();
        let links = session.store.read(|conn| links::load(conn, EntityKind::User, &ids))?;
        for (user, id) in people.iter().zip(&ids) {
            let observed = sync_climbs::observed_hash(user)?;
            if links.get(id).is_none_or(|link| link.observed_hash != observed) {
                changed.push(user.clone());
            }
        }
    }
    let ctx = session.context();
    for people in changed.chunks(session.options.batch_size.max(1)) {
        session.check()?;
        let outcome = transaction(session.store, |conn| {
            sync_writes::begin(conn, &ctx)?;
            import::users(conn, &ctx, people)
        })?;
        report.add(written_from(outcome));
        session.points.reached("pull.people")?;
    }
    Ok(!changed.is_empty())
}

/// What a batch came to.
struct Batch {
    climbs: Option<BatchOutcome>,
    decisions: Vec<Decision>,
}

/// The climbs about which something may be to do.
fn climbs(
    session: &Session<'_>,
    survey: &Survey,
    at: usize,
    plan: &GymPlan,
    report: &mut Report,
) -> Result<(), EngineError> {
    for ids in plan.todo.chunks(session.options.batch_size.max(1)) {
        session.check()?;
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            records.extend(survey.climb(*id)?);
        }
        let batch = transaction(session.store, |conn| write(conn, session, survey, &records))?;
        if let Some(climbs) = batch.climbs {
            add_climbs(report, climbs);
        }
        for decision in batch.decisions {
            report.decide(decision);
        }
        session.points.reached("pull.batch")?;
    }
    let Some(gym) = survey.gyms.get(at).filter(|gym| !gym.refused.is_empty()) else { return Ok(()) };
    let ctx = session.context();
    transaction(session.store, |conn| {
        sync_writes::begin(conn, &ctx)?;
        set_aside(conn, &gym.refused)
    })?;
    for refused in written_from_refused(&gym.refused) {
        let names = refused.decisions.first().map(|one| one.stokt_id.clone()).unwrap_or_default();
        let why = refused.problems.first().map(|problem| problem.detail.clone()).unwrap_or_default();
        report.count_in(refused);
        report.decide(Decision::new(EntityKind::Climb, names, Decided::Quarantined).because(why));
    }
    session.points.reached("pull.batch")
}

/// Counts what an import wrote; what was decided is told by the synchronisation itself.
fn add_climbs(report: &mut Report, outcome: BatchOutcome) {
    let mut written = written_from(outcome);
    // They are told as decisions.
    written.notes.retain(|note| note.code != LOCAL_CHANGES && note.code != DELETED_HERE);
    report.count_in(written);
}

/// What is to be written, sorted by how.
#[derive(Default)]
struct Work<'w> {
    merged: Vec<(&'w ClimbSide, CanonicalClimb)>,
    agreed: Vec<(&'w Known, CanonicalClimb, bool)>,
    restored: Vec<&'w Known>,
    closed: Vec<ClimbId>,
    conflicts: Vec<NewConflict>,
    found: Vec<StoktId>,
    /// Hashes of records whose climbs are not here to take them.
    observed: Vec<(StoktId, String)>,
    imports: Vec<ImportClimb>,
    decisions: Vec<Decision>,
}

/// One batch in its transaction.
fn write(
    conn: &mut WriteConn<'_>,
    session: &Session<'_>,
    survey: &Survey,
    records: &[RemoteClimb],
) -> Result<Batch, StoreError> {
    let ctx = session.context();
    sync_writes::begin(conn, &ctx)?;
    let ids: Vec<StoktId> = records.iter().map(|climb| climb.stokt_id).collect();
    let known = sync_climbs::known(conn, &ids)?;
    let awaited: Awaiting = outbox::awaited(conn, EntityKind::Climb)?;
    let imports: Vec<ImportClimb> = records.iter().map(|climb| climb.import.clone()).collect();
    let misfits = import::misfits(conn, &ctx, &imports)?;
    let mut work = Work::default();
    for (climb, misfit) in records.iter().zip(&misfits) {
        let known = known.get(&climb.stokt_id);
        if misfit.is_some() {
            // The import refuses it, and sets it aside with the reason.
            work.imports.push(climb.import.clone());
            continue;
        }
        let unsettled = survey.awaits(session, &awaited, climb);
        let action = decide_pull(session.options, known, Remote::Here(&climb.canonical), unsettled);
        work.take(climb, known, &action)?;
    }
    let merged: Vec<Merged<'_>> =
        work.merged.iter().map(|(climb, content)| Merged { climb, content }).collect();
    sync_writes::merge(conn, &merged)?;
    let agreed: Vec<Agreement<'_>> = work
        .agreed
        .iter()
        .map(|(known, base, is_dirty)| Agreement { known, base, is_dirty: *is_dirty })
        .collect();
    sync_writes::unarchive(conn, &work.restored)?;
    sync_writes::agree(conn, &agreed)?;
    conflicts::close(conn, &ctx, &work.closed)?;
    sync_writes::mark_found(conn, &work.found)?;
    sync_writes::observe(conn, &work.observed)?;
    let climbs =
        if work.imports.is_empty() { None } else { Some(import::climbs(conn, &ctx, &work.imports)?) };
    conflicts::open_all(conn, &ctx, &work.conflicts)?;
    let mut decisions = work.decisions;
    if let Some(outcome) = &climbs {
        for item in &outcome.items {
            if let ItemStatus::Failed(problem) = &item.status {
                let refused = Decision::new(EntityKind::Climb, item.stokt_id.as_str(), Decided::Quarantined);
                decisions.push(refused.because(problem.detail.as_str()));
            }
        }
    }
    Ok(Batch { climbs, decisions })
}

impl<'w> Work<'w> {
    /// Sorts in what is to be done about a climb that Stokt shows.
    fn take(
        &mut self,
        climb: &RemoteClimb,
        known: Option<&'w Known>,
        action: &Action,
    ) -> Result<(), StoreError> {
        let observed = sync_climbs::observed_hash(&climb.import)?;
        let is_news = known.is_none_or(|known| known.link.observed_hash != observed);
        if let Some(told) = told(action, known, says_anew(known, &climb.canonical)) {
            self.decisions.push(telling(climb.stokt_id, told, action, known, &climb.import.name));
        }
        if let Some(known) = known {
            if known.link.missing_runs > 0 {
                self.found.push(climb.stokt_id);
            }
            if known.conflict.is_some() && action.closes_conflict() {
                self.closed.extend(known.link.local_id.parse::<ClimbId>().ok());
            }
        }
        self.carry_out(climb, known, action, is_news);
        if is_news && known.is_some_and(|known| known.climb.is_none()) {
            self.observed.push((climb.stokt_id, observed));
        }
        Ok(())
    }

    fn carry_out(&mut self, climb: &RemoteClimb, known: Option<&'w Known>, action: &Action, is_news: bool) {
        let side = known.and_then(|known| known.climb.as_ref());
        let mut import = || self.imports.push(climb.import.clone());
        match action {
            Action::Insert => import(),
            Action::FastForward => {
                import();
                self.restored
                    .extend(known.filter(|_| side.is_some_and(|side| side.sync_state != SyncState::Synced)));
            }
            Action::Nothing | Action::Keep if is_news => import(),
            Action::Rebase => {
                import();
                self.agreed.extend(known.map(|known| (known, climb.canonical.clone(), false)));
            }
            Action::Merge { content, base, is_dirty } => {
                import();
                self.merged.extend(side.map(|side| (side, CanonicalClimb::clone(content))));
                self.agreed.extend(known.map(|known| (known, CanonicalClimb::clone(base), *is_dirty)));
            }
            Action::Conflict { kind, fields, hide } => {
                if is_news && side.is_some() {
                    import();
                }
                self.conflicts.extend(
                    known.and_then(|known| conflict(known, *kind, fields, Some(&climb.canonical), *hide)),
                );
            }
            Action::Unarchive { then } => {
                self.restored.extend(known);
                self.carry_out(climb, known, then, is_news);
            }
            _ => {}
        }
    }
}

/// A conflict as it is recorded.
fn conflict(
    known: &Known,
    kind: ConflictKind,
    fields: &[Field],
    theirs: Option<&CanonicalClimb>,
    hide: bool,
) -> Option<NewConflict> {
    let ours = known.climb.as_ref().map(|climb| CanonicalClimb {
        is_private: climb.canonical.is_private || hide,
        ..climb.canonical.clone()
    });
    Some(NewConflict {
        climb: known.link.local_id.parse().ok()?,
        stokt_id: known.link.stokt_id,
        kind,
        fields: fields.to_vec(),
        base: known.link.base.clone(),
        ours,
        theirs: theirs.cloned(),
    })
}
