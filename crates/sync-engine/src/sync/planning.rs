//! What a pull would do, decided from the survey and what is here, before anything is written. Climbs about which
//! nothing is to be done are told by their hashes, without reading their records again.

use std::collections::{HashMap, HashSet};

use mastoc_domain::StoktId;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::sync_state::{Direction, EntityKind, SyncState};
use mastoc_storage::Store;
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::outbox::{self, Awaited};
use mastoc_storage::sync_climbs::{self, ClimbSide, Known, LinkSummary};

use super::decide::{Action, Local, Remote, Situation, Why, decide};
use super::options::SyncOptions;
use super::session::Session;
use super::survey::{GymSurvey, Survey, Window};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;

/// Links that are compared at once.
const PAGE: i64 = 5_000;
/// Climbs whose records are in memory at once while planning.
const RECORDS: usize = 500;
/// What a climb can lack that asking for the board may bring.
const OF_THE_BOARD: [&str; 3] = ["unknown_face", "unknown_hold", "wrong_face"];

/// What Stokt may have of ours though nobody knows it, by fingerprints.
pub(super) type Awaiting = HashMap<String, Awaited>;

/// What is to be done about one gym.
#[derive(Debug, Default)]
pub(super) struct GymPlan {
    /// Its climbs that Stokt shows and about which something may be to do, in the order of the listing.
    pub(super) todo: Vec<StoktId>,
    /// Climbs that are linked here and that a complete listing of everything does not show.
    pub(super) absent: Vec<StoktId>,
    /// Linked climbs that Stokt would not show to this account even if they are there.
    pub(super) hidden: Vec<StoktId>,
    /// How many climbs are as they were.
    pub(super) unchanged: u64,
    /// How many linked climbs Stokt showed.
    pub(super) seen: u64,
    /// Of those, how many would change here.
    pub(super) changed: u64,
    /// How many would be archived.
    pub(super) archived: u64,
}

/// What a pull would do.
#[derive(Debug, Default)]
pub(super) struct PullPlan {
    /// In the order of the survey's gyms.
    pub(super) gyms: Vec<GymPlan>,
    /// What would be told; only in a dry run.
    pub(super) decisions: Vec<Decision>,
    /// The state that each decision was made from, for the plan's hash; only where that is asked for.
    pub(super) states: Vec<String>,
}

/// Whether it matters what is decided about each climb, besides the guards: in a dry run, and where only a certain plan
/// may be carried out. Any other run decides anew when it writes.
fn keeps_decisions(options: &SyncOptions) -> bool {
    options.dry_run || options.expect.is_some()
}

/// Our side of a climb of Stokt's. A link whose climb is not here is a deletion only where it says so.
pub(super) fn local_side(known: Option<&Known>) -> Local<'_> {
    match known {
        Some(Known { climb: Some(climb), link, .. }) => Local::Row {
            content: &climb.canonical,
            is_dirty: link.is_dirty(),
            is_archived: climb.sync_state == SyncState::Archived,
        },
        Some(Known { climb: None, link, .. }) if link.is_deleted => Local::Deleted,
        _ => Local::Never,
    }
}

/// Decides for the pull about a climb. `unsettled`: what of ours it may be.
pub(super) fn decide_pull(
    options: &SyncOptions,
    known: Option<&Known>,
    remote: Remote<'_>,
    unsettled: Option<&Awaited>,
) -> Action {
    let action = decide(&Situation {
        direction: Direction::StoktToMastoc,
        local: local_side(known),
        remote,
        base: known.and_then(|known| known.link.base.as_ref()),
        is_own: false,
        open_conflict: known.is_some_and(|known| known.conflict.is_some()),
        unsettled: unsettled.is_some(),
        policy: options.policy,
        allow_delete: false,
        selected: false,
    });
    match action {
        Action::Skip { why: Why::Unsettled } if unsettled.is_some_and(|one| one.is_held_back) => {
            Action::Skip { why: Why::HeldBack }
        }
        action => action,
    }
}

/// Whether Stokt says something of a climb that its open conflict does not know of. What it counts is no such thing.
pub(super) fn says_anew(known: Option<&Known>, remote: &CanonicalClimb) -> bool {
    known.is_none_or(|known| known.theirs.as_ref() != Some(remote))
}

/// How an action is told; `None` when there is nothing to tell. `is_news`: whether an open conflict is told anew.
pub(super) fn told(
    action: &Action,
    known: Option<&Known>,
    is_news: bool,
) -> Option<(Decided, Option<String>)> {
    let decided = match action {
        Action::Nothing => return None,
        Action::Insert => Decided::Created,
        Action::FastForward => Decided::Updated,
        Action::Keep => Decided::KeptLocal,
        Action::Rebase => Decided::Rebased,
        Action::Merge { .. } => Decided::Merged,
        // What waits already is no news.
        Action::Conflict { .. } if known.is_some_and(|known| known.conflict.is_some()) && !is_news => {
            return None;
        }
        Action::Conflict { kind, fields, .. } => {
            let fields: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
            let why = if fields.is_empty() {
                kind.as_str().to_owned()
            } else {
                format!("{}: {}", kind.as_str(), fields.join(", "))
            };
            return Some((Decided::Conflict, Some(why)));
        }
        Action::Unarchive { .. } => Decided::Unarchived,
        Action::Archive => Decided::Archived,
        Action::KeepDeleted => Decided::KeptDeleted,
        Action::RetireLink => Decided::Retired,
        Action::Skip { why } => return Some((Decided::Skipped, Some(why.to_string()))),
        Action::Create
        | Action::Patch { .. }
        | Action::SetPrivate { .. }
        | Action::PatchOutside
        | Action::Delete => return None,
    };
    Some((decided, None))
}

/// Whether a change of this climb speaks for the guard. What was sent and never looked at since is as Stokt took it, and
/// what waits for a person was counted when it began to.
fn is_surprise(known: Option<&Known>) -> bool {
    known.is_some_and(|known| !known.link.observed_hash.is_empty() && known.conflict.is_none())
}

/// Whether a linked climb would say something else here afterwards, or would wait for a person.
fn changes_row(action: &Action) -> bool {
    match action {
        Action::FastForward | Action::Merge { .. } | Action::Conflict { .. } => true,
        Action::Unarchive { then } => changes_row(then),
        _ => false,
    }
}

/// Whether a climb that no listing shows is confirmed to be gone: missing from two complete full runs, far enough apart
/// by Stokt's clock. `runs`: this one included.
pub(super) fn absence(
    session: &Session<'_>,
    survey: &Survey,
    runs: i32,
    since: Option<mastoc_domain::Timestamp>,
) -> Remote<'static> {
    let wait = chrono::TimeDelta::from_std(session.options.gone_after).unwrap_or(chrono::TimeDelta::MAX);
    let is_long =
        since.is_some_and(|since| survey.seen_at.as_utc().signed_duration_since(since.as_utc()) >= wait);
    if runs >= 2 && is_long { Remote::Gone } else { Remote::Missing }
}

/// Plans the pull; asks Stokt for what else it needs to know: the board where a climb names unknown holds.
///
/// # Errors
/// What ends the run; nothing was written.
pub(super) fn plan(session: &Session<'_>, survey: &mut Survey) -> Result<PullPlan, EngineError> {
    let mut plan = PullPlan::default();
    for at in 0..survey.gyms.len() {
        let mut gym = match survey.gyms.get(at) {
            Some(gym) => compare(session, survey, at, gym)?,
            None => continue,
        };
        let hidden = hidden(session.store, session.account, &gym.absent)?;
        gym.absent.retain(|id| !hidden.contains(id));
        gym.hidden = hidden.into_iter().collect();
        plan_listed(session, survey, at, &mut gym, &mut plan)?;
        plan_absent(session, survey, &mut gym, &mut plan)?;
        plan.gyms.push(gym);
    }
    Ok(plan)
}

/// Compares what Stokt shows of a gym with the links, by their hashes: its listing, and climbs of the account's that the
/// listing leaves out.
fn compare(
    session: &Session<'_>,
    survey: &Survey,
    at: usize,
    gym: &GymSurvey,
) -> Result<GymPlan, EngineError> {
    let mut plan = GymPlan::default();
    let mut settled: HashSet<StoktId> = HashSet::new();
    let mut met: HashSet<StoktId> = HashSet::with_capacity(gym.index.len());
    let mut unlisted: HashMap<StoktId, (String, String)> = HashMap::new();
    for climb in survey.unlisted(at) {
        let observed = sync_climbs::observed_hash(&climb.import)?;
        unlisted.insert(climb.stokt_id, (observed, sync_climbs::base_hash(&climb.canonical)));
    }
    let hashes = |id: &StoktId| {
        let listed = gym.index.get(id).map(|entry| (entry.observed.hex(), entry.base.hex()));
        listed.or_else(|| unlisted.get(id).cloned())
    };
    let mut look = |link: &LinkSummary, plan: &mut GymPlan| {
        let Some((observed, base)) = hashes(&link.stokt_id) else { return false };
        met.insert(link.stokt_id);
        plan.seen += 1;
        if link.is_settled(&observed, &base) {
            settled.insert(link.stokt_id);
        }
        true
    };
    let shows = |id: StoktId| gym.lists(id) || survey.my(id).is_some();
    if gym.window == Window::All {
        let mut after = None;
        loop {
            session.check()?;
            let page = session.store.read(|conn| sync_climbs::links_of_gym(conn, gym.gym, after, PAGE))?;
            let Some(last) = page.last() else { break };
            after = Some(last.stokt_id);
            for link in &page {
                let is_shown = look(link, &mut plan) || shows(link.stokt_id);
                // What was changed since it was archived is decided about once more.
                let is_over = link.sync_state == Some(SyncState::Archived) && !link.is_dirty();
                if !is_shown && !is_over && gym.shows_all() {
                    plan.absent.push(link.stokt_id);
                }
            }
        }
        if gym.shows_all() {
            let deleted = session.store.read(|conn| sync_climbs::deleted_of_gym(conn, gym.gym))?;
            let gone = deleted.iter().filter(|link| !shows(link.stokt_id));
            plan.absent.extend(gone.map(|link| link.stokt_id));
        }
    }
    let shown = gym.index.keys().chain(unlisted.keys());
    let rest: Vec<StoktId> = shown.filter(|id| !met.contains(id)).copied().collect();
    for ids in rest.chunks(usize::try_from(PAGE).unwrap_or(usize::MAX)) {
        for link in session.store.read(|conn| sync_climbs::summaries(conn, ids))? {
            let Some((observed, base)) = hashes(&link.stokt_id) else { continue };
            plan.seen += 1;
            if link.is_settled(&observed, &base) {
                settled.insert(link.stokt_id);
            }
        }
    }
    plan.unchanged = u64::try_from(settled.len()).unwrap_or(u64::MAX);
    let mut todo: Vec<_> = gym.index.iter().filter(|(id, _)| !settled.contains(id)).collect();
    todo.sort_unstable_by_key(|(_, entry)| entry.place);
    plan.todo = todo.into_iter().map(|(id, _)| *id).collect();
    let unlisted = survey.unlisted(at).map(|climb| climb.stokt_id);
    plan.todo.extend(unlisted.filter(|id| !settled.contains(id)));
    Ok(plan)
}

/// Which of these climbs Stokt would not show to `account` even if they are there: private ones that it neither set
/// nor sent.
pub(super) fn hidden(
    store: &Store,
    account: StoktId,
    ids: &[StoktId],
) -> Result<HashSet<StoktId>, EngineError> {
    let mut hidden = HashSet::new();
    for ids in ids.chunks(RECORDS) {
        let (known, senders) = store.snapshot(|conn| {
            let known = sync_climbs::known(conn, ids)?;
            Ok::<_, EngineError>((known, outbox::senders(conn, ids)?))
        })?;
        for (id, known) in known {
            let climb = known.climb.as_ref();
            let said = known.link.base.as_ref().or(climb.map(|climb| &climb.canonical));
            let is_own = climb.is_some_and(|climb| climb.setter_stokt_id == Some(account))
                || senders.get(&id) == Some(&account);
            if said.is_some_and(|said| said.is_private) && !is_own {
                hidden.insert(id);
            }
        }
    }
    Ok(hidden)
}

fn plan_listed(
    session: &Session<'_>,
    survey: &mut Survey,
    at: usize,
    gym: &mut GymPlan,
    plan: &mut PullPlan,
) -> Result<(), EngineError> {
    let mut awaited: Awaiting = session.store.read(|conn| outbox::awaited(conn, EntityKind::Climb))?;
    let held = || Awaited { is_held_back: true, ..Awaited::default() };
    awaited.extend(survey.held.iter().map(|one| (one.claim.fingerprint.clone(), held())));
    let keeps = keeps_decisions(session.options);
    let mut lacks_board = false;
    for ids in gym.todo.chunks(RECORDS) {
        session.check()?;
        let known = session.store.read(|conn| sync_climbs::known(conn, ids))?;
        let has_board = survey.gyms.get(at).is_some_and(|gym| gym.board.is_some());
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            // What is new changes nothing here, and lacks nothing that the board brings.
            if keeps || !has_board || known.contains_key(id) {
                records.extend(survey.climb(*id)?);
            }
        }
        for climb in &records {
            let known = known.get(&climb.stokt_id);
            let unsettled = survey.awaits(session, &awaited, climb);
            let action = decide_pull(session.options, known, Remote::Here(&climb.canonical), unsettled);
            let is_news = says_anew(known, &climb.canonical);
            gym.changed += u64::from(is_surprise(known) && changes_row(&action));
            if keeps {
                plan.note(
                    climb.stokt_id,
                    &climb.import.name,
                    &action,
                    known,
                    Some(&climb.canonical),
                    is_news,
                );
            }
        }
        if !has_board {
            let imports: Vec<_> = records.into_iter().map(|climb| climb.import).collect();
            let misfits =
                session.store.read(|conn| import::misfits(conn, &ImportContext::default(), &imports))?;
            lacks_board |= misfits.iter().flatten().any(|why| OF_THE_BOARD.contains(&why.code.as_str()));
        }
    }
    if lacks_board {
        survey.add_board(session, at)?;
    }
    Ok(())
}

fn plan_absent(
    session: &Session<'_>,
    survey: &Survey,
    gym: &mut GymPlan,
    plan: &mut PullPlan,
) -> Result<(), EngineError> {
    let keeps = keeps_decisions(session.options);
    for ids in gym.absent.chunks(RECORDS) {
        let known = session.store.read(|conn| sync_climbs::known(conn, ids))?;
        for id in ids {
            let Some(known) = known.get(id) else { continue };
            let remote = absence(session, survey, known.link.missing_runs + 1, known.link.missing_since);
            let action = decide_pull(session.options, Some(known), remote, None);
            let was_gone = |climb: &ClimbSide| climb.sync_state == SyncState::Archived;
            let is_here = known.climb.as_ref().is_some_and(|climb| !was_gone(climb));
            gym.archived += u64::from(matches!(remote, Remote::Gone) && is_here && known.conflict.is_none());
            if keeps {
                plan.note(*id, name_of(known), &action, Some(known), None, false);
            }
        }
    }
    Ok(())
}

/// The name of a climb that Stokt does not show.
pub(super) fn name_of(known: &Known) -> &str {
    let climb = known.climb.as_ref().map(|climb| climb.name.as_str());
    climb.or(known.link.base.as_ref().map(|base| base.name.as_str())).unwrap_or_default()
}

/// A decision as it is told about a climb that Stokt shows as `theirs`: by our name for it where ours stays.
pub(super) fn telling(
    id: StoktId,
    (decided, why): (Decided, Option<String>),
    action: &Action,
    known: Option<&Known>,
    theirs: &str,
) -> Decision {
    let ours = known.and_then(|known| known.climb.as_ref()).map(|climb| climb.name.as_str());
    let name = match decided {
        Decided::KeptLocal | Decided::Conflict | Decided::Skipped => ours.unwrap_or(theirs),
        _ => theirs,
    };
    let decision = Decision { why, ..Decision::new(EntityKind::Climb, id.to_string(), decided) };
    match action {
        // What it may be here is told as well, and may be private.
        Action::Skip { why: Why::HeldBack } => decision,
        _ => decision.named(name),
    }
}

impl PullPlan {
    fn note(
        &mut self,
        id: StoktId,
        name: &str,
        action: &Action,
        known: Option<&Known>,
        remote: Option<&CanonicalClimb>,
        is_news: bool,
    ) {
        let Some((decided, why)) = told(action, known, is_news) else { return };
        let link = known.map(|known| &known.link);
        let remote = remote.map(sync_climbs::base_hash).unwrap_or_default();
        let (local_rev, base_rev) = link.map(|link| (link.local_rev, link.base_rev)).unwrap_or_default();
        let rev = known.and_then(|known| known.climb.as_ref()).map(|climb| climb.rev).unwrap_or_default();
        self.states.push(format!("{id} {decided:?} {local_rev} {base_rev} {rev} {remote}"));
        self.decisions.push(telling(id, (decided, why), action, known, name));
    }
}
