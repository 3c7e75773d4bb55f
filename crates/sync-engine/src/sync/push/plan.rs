//! What there is to send: climbs that were chosen, and what was changed or deleted here of those that the account set.
//! Only reads; what is sent is asked for again in the transaction that freezes it.

use std::collections::{BTreeSet, HashMap, HashSet};

use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::holds_list::HoldsList;
use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_merge::Field;
use mastoc_domain::sync_state::{Direction, EntityKind, SyncState};
use mastoc_domain::{ClimbId, HoldId, StoktId};
use mastoc_storage::outbox::{self, Claim, Entry};
use mastoc_storage::sync_climbs::{self, ClimbSide, Known};
use mastoc_storage::{ReadConn, StoreError};
use uuid::Uuid;

use super::claim_of;
use super::creations::{Creations, is_secret};
use super::twins::{Unexplained, why};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::sync::decide::{Action, Remote, Situation, decide};
use crate::sync::guard::{self, Effects};
use crate::sync::options::Selection;
use crate::sync::planning::local_side;
use crate::sync::sending::{Board, Frozen, Send, Told, place};
use crate::sync::session::Session;
use crate::sync::settle::{about, climb_of};
use crate::sync::view::{RemoteClimb, View};

/// Why a climb whose link was undone is not sent.
const ONCE_LINKED: &str = "it was linked to Stokt before: only --climb-ids sends it again";

/// Why a list that waited to be sent does not wait any more.
const LIST_GONE: &str = "it was deleted here, or linked by hand, before it was sent: called off";

/// What there is to send.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    /// Climbs to be created, in this order.
    pub(super) create: Vec<ClimbId>,
    /// Climbs to be changed or deleted, by Stokt's ids.
    pub(super) change: Vec<StoktId>,
    /// Rows of the outbox whose climbs, or lists, are not there to be sent any more.
    pub(super) stale: Vec<Uuid>,
    /// What is not sent, and why.
    pub(crate) decisions: Vec<Decision>,
    /// What would become of the rest; for a dry run.
    pub(crate) would: Vec<Decision>,
    /// The state that the rest was decided from, for the plan's hash.
    pub(crate) states: Vec<String>,
}

/// The gyms that a run looks at.
pub(super) type Gyms = HashSet<StoktId>;

/// Plans what there is to send.
///
/// # Errors
/// [`EngineError::Guard`] when too much would be deleted or changed at Stokt; what was chosen and is not here; the database's.
pub(crate) fn plan(session: &Session<'_>, view: &View<'_>) -> Result<Planned, EngineError> {
    let gyms: Gyms = view.gyms.iter().map(|seen| seen.gym).collect();
    let mine: HashMap<StoktId, &RemoteClimb> =
        view.mine.iter().map(|climb| (climb.stokt_id, climb)).collect();
    let is_told = session.options.dry_run || session.options.expect.is_some();
    let held_list = if is_told { super::lists::foresee(session)? } else { None };
    session.store.snapshot(|conn| {
        let mut planned = Planned::default();
        creations(conn, session, &gyms, view.held, &mut planned)?;
        changes(conn, session, &gyms, &mine, &mut planned)?;
        list(conn, session, held_list.as_ref(), &mut planned)?;
        for row in super::lists::gone(conn)? {
            planned.stale.push(row.id);
            planned.decisions.push(about(&row, Decided::Skipped).because(LIST_GONE));
        }
        Ok(planned)
    })
}

fn creations(
    conn: &mut ReadConn<'_>,
    session: &Session<'_>,
    gyms: &Gyms,
    held: &[Unexplained],
    planned: &mut Planned,
) -> Result<(), EngineError> {
    let mut once: HashSet<ClimbId> = HashSet::new();
    let mut chosen: BTreeSet<ClimbId> = match &session.options.selection {
        Selection::Nothing => BTreeSet::new(),
        Selection::AllLocal => {
            let gyms: Vec<StoktId> = gyms.iter().copied().collect();
            outbox::never_linked(conn, &gyms)?.into_iter().collect()
        }
        Selection::Climbs(ids) => ids.iter().copied().collect(),
        Selection::List(id) => {
            let list = outbox::list(conn, *id)?;
            let list = list.ok_or_else(|| StoreError::Invalid(format!("there is no list {id} here")))?;
            let items: Vec<ClimbId> =
                list.items.iter().filter(|item| item.1.is_none()).map(|item| item.0).collect();
            once = outbox::once_linked(conn, &items)?;
            items.into_iter().collect()
        }
    };
    let named: BTreeSet<ClimbId> = match &session.options.selection {
        Selection::Climbs(_) => chosen.clone(),
        _ => BTreeSet::new(),
    };
    // What an earlier run was to send and did not.
    let waiting: Vec<Entry> = outbox::in_states(conn, &[OutboxState::Pending])?
        .into_iter()
        .filter(|row| row.action == OutboxAction::Create && row.account == session.account)
        .collect();
    waiting.iter().filter_map(climb_of).for_each(|id| {
        once.remove(&id);
        chosen.insert(id);
    });
    let ids: Vec<ClimbId> = chosen.into_iter().collect();
    let asked = Creations::ask(conn, &ids)?;
    let here: HashSet<ClimbId> = asked.sides.iter().map(|side| side.id).collect();
    if let Some(unknown) = named.iter().find(|id| !here.contains(id)) {
        return Err(StoreError::Invalid(format!("there is no climb {unknown} here")).into());
    }
    planned.would.extend(held.iter().map(|one| one.decision(None)));
    let unlinked: HashSet<ClimbId> =
        asked.sides.iter().filter(|side| side.stokt_id.is_none()).map(|side| side.id).collect();
    let is_stale = |row: &&Entry| climb_of(row).is_some_and(|id| !unlinked.contains(&id));
    planned.stale.extend(waiting.iter().filter(is_stale).map(|row| row.id));
    for side in &asked.sides {
        let about = |decided| {
            let decision = Decision::new(EntityKind::Climb, side.id.to_string(), decided);
            // Reports go to people who may not see it.
            if is_secret(session, side) { decision.unnamed() } else { decision.named(&side.name) }
        };
        if once.contains(&side.id) {
            planned.decisions.push(about(Decided::Skipped).because(ONCE_LINKED));
            continue;
        }
        match asked.verdict(session, gyms, side, named.contains(&side.id)) {
            Verdict::Send(_) if held.iter().any(|one| one.id == side.id) => {}
            Verdict::Send(claim) => {
                planned.create.push(side.id);
                planned.states.push(state_of(&claim));
                planned.would.push(about(Decided::Sent));
            }
            Verdict::Not(decided, why) => planned.decisions.push(about(decided).because(why)),
            Verdict::Agree | Verdict::Rest => {}
        }
    }
    Ok(())
}

/// What would be sent, as the plan's hash takes it.
fn state_of(claim: &Claim) -> String {
    format!("{:?} {} {} {}", claim.action, claim.local_id, claim.local_rev, claim.payload)
}

/// What is to become of one climb.
pub(super) enum Verdict {
    /// It is sent.
    Send(Box<Claim>),
    /// Both sides agree, without a word to Stokt.
    Agree,
    /// It is not sent; why.
    Not(Decided, String),
    /// There is nothing to do, or nothing new to say.
    Rest,
}

/// What the last row of a climb says against sending it now.
pub(super) fn before(row: &Entry, rev: i32, is_named: bool) -> Option<Verdict> {
    match row.state {
        OutboxState::Rejected if row.local_rev == rev && !is_named => {
            let why = row.last_error.as_deref().unwrap_or("Stokt refused it");
            let why = format!("not sent again as it is: {why}; change it, or name it with --climb-ids");
            Some(Verdict::Not(Decided::Skipped, why))
        }
        // Somebody sends it although Stokt has one just like it.
        OutboxState::Ambiguous if row.is_held_back() && is_named => None,
        // Settling has told of these.
        OutboxState::Leased | OutboxState::Sent | OutboxState::Unknown | OutboxState::Ambiguous => {
            Some(Verdict::Rest)
        }
        OutboxState::Pending | OutboxState::Rejected | OutboxState::Done => None,
    }
}

/// Reads what placing these climbs needs: two statements.
pub(super) fn board<'a>(
    conn: &mut ReadConn<'_>,
    sides: impl Iterator<Item = &'a ClimbSide>,
    faces: &[StoktId],
) -> Result<Board, EngineError> {
    let mut holds: BTreeSet<HoldId> = BTreeSet::new();
    let mut wanted: BTreeSet<StoktId> = faces.iter().copied().collect();
    for side in sides {
        wanted.extend(side.face_stokt_id);
        if let Ok(list) = HoldsList::parse(&side.holds_list) {
            holds.extend(list.iter().map(|token| token.hold));
        }
    }
    let holds: Vec<HoldId> = holds.into_iter().collect();
    let wanted: Vec<StoktId> = wanted.into_iter().collect();
    Ok(Board { gyms: outbox::gyms_there(conn, &wanted)?, holds: outbox::holds_there(conn, &holds)? })
}

fn changes(
    conn: &mut ReadConn<'_>,
    session: &Session<'_>,
    gyms: &Gyms,
    mine: &HashMap<StoktId, &RemoteClimb>,
    planned: &mut Planned,
) -> Result<(), EngineError> {
    let ids: Vec<StoktId> = mine.keys().copied().collect();
    let mut ids: Vec<StoktId> = sync_climbs::summaries(conn, &ids)?
        .into_iter()
        .filter(|link| link.is_dirty() || link.sync_state.is_none_or(|state| state == SyncState::Modified))
        .map(|link| link.stokt_id)
        .collect();
    ids.sort_unstable();
    let asked = Changes::ask(conn, session, mine, &ids)?;
    let (mut deletions, mut sent) = (0_u64, 0_u64);
    for one in &asked.items {
        match asked.verdict(session, one) {
            Verdict::Send(claim) => {
                let is_delete = claim.action == OutboxAction::Delete;
                planned.states.push(state_of(&claim));
                deletions += u64::from(is_delete);
                sent += u64::from(!is_delete);
                planned.change.push(one.known.link.stokt_id);
                planned.would.push(one.decision(if is_delete {
                    Decided::DeletedThere
                } else {
                    Decided::Patched
                }));
            }
            Verdict::Agree => {
                planned.change.push(one.known.link.stokt_id);
                planned.would.push(one.decision(Decided::Rebased));
            }
            Verdict::Not(decided, why) => planned.decisions.push(one.decision(decided).because(why)),
            Verdict::Rest => {}
        }
    }
    if deletions + sent > 0 {
        // Those that were deleted here are no longer counted among the linked ones.
        let mut linked = deletions;
        for gym in gyms {
            linked += sync_climbs::linked_in_gym(conn, *gym)?;
        }
        let mine = u64::try_from(mine.len()).unwrap_or(u64::MAX);
        let effects = Effects { linked, deleted: deletions, mine, sent, ..Effects::default() };
        guard::check(&effects, session.options)?;
    }
    Ok(())
}

/// Tells of a list that is to be sent, besides its climbs. `held`: what Stokt has of it that keeps it from being sent.
fn list(
    conn: &mut ReadConn<'_>,
    session: &Session<'_>,
    held: Option<&BTreeSet<StoktId>>,
    planned: &mut Planned,
) -> Result<(), EngineError> {
    let Selection::List(id) = &session.options.selection else { return Ok(()) };
    if let Some(list) = outbox::list(conn, *id)? {
        if let Some(twins) = held {
            let held = Decision::new(EntityKind::List, list.id.to_string(), Decided::HeldBack);
            planned.would.push(held.named(&list.name).because(why(EntityKind::List, twins, None)));
            return Ok(());
        }
        let (there, decided) = match list.stokt_id {
            Some(there) => (there.to_string(), Decided::Patched),
            None => (list.id.to_string(), Decided::Sent),
        };
        planned.states.push(format!("{list:?}"));
        planned.would.push(Decision::new(EntityKind::List, there, decided).named(&list.name));
    }
    Ok(())
}

/// A linked climb of the account's, and what the table says about it.
pub(super) struct Change {
    pub(super) known: Known,
    pub(super) action: Action,
    name: String,
    face: StoktId,
}

impl Change {
    /// A decision about it.
    pub(super) fn decision(&self, decided: Decided) -> Decision {
        Decision::new(EntityKind::Climb, self.known.link.stokt_id.to_string(), decided).named(&self.name)
    }
}

/// Linked climbs of the account's, and what deciding about them needs.
pub(super) struct Changes {
    pub(super) items: Vec<Change>,
    last: HashMap<(EntityKind, String), Entry>,
    told: HashMap<(EntityKind, String), Vec<serde_json::Value>>,
    board: Board,
}

impl Changes {
    /// Reads them and asks the table, in a number of statements that does not depend on how many they are. They come
    /// in the order of `ids`.
    pub(super) fn ask(
        conn: &mut ReadConn<'_>,
        session: &Session<'_>,
        mine: &HashMap<StoktId, &RemoteClimb>,
        ids: &[StoktId],
    ) -> Result<Self, EngineError> {
        let mut known = sync_climbs::known(conn, ids)?;
        let mut items = Vec::with_capacity(ids.len());
        for id in ids {
            let (Some(known), Some(there)) = (known.remove(id), mine.get(id)) else { continue };
            let action = decide(&Situation {
                direction: Direction::MastocToStokt,
                local: local_side(Some(&known)),
                remote: Remote::Here(&there.canonical),
                base: known.link.base.as_ref(),
                is_own: true,
                open_conflict: known.conflict.is_some(),
                unsettled: false,
                policy: session.options.policy,
                allow_delete: session.options.allow_delete,
                selected: false,
            });
            let name = known.climb.as_ref().map_or(&there.canonical.name, |climb| &climb.name).clone();
            items.push(Change { known, action, name, face: there.import.face_stokt_id });
        }
        let texts: Vec<&str> = items.iter().map(|one| one.known.link.local_id.as_str()).collect();
        let last = outbox::latest(conn, &texts)?;
        let told = outbox::done_before(conn, &texts)?;
        let faces: Vec<StoktId> = items.iter().map(|one| one.face).collect();
        let board = board(conn, items.iter().filter_map(|one| one.known.climb.as_ref()), &faces)?;
        Ok(Self { items, last, told, board })
    }

    /// What is to become of one of them.
    pub(super) fn verdict(&self, session: &Session<'_>, one: &Change) -> Verdict {
        match &one.action {
            Action::Rebase => return Verdict::Agree,
            Action::Skip { why } => return Verdict::Not(Decided::Skipped, why.to_string()),
            action if !action.is_sent() => return Verdict::Rest,
            _ => {}
        }
        let link = &one.known.link;
        let last = self.last.get(&(EntityKind::Climb, link.local_id.clone()));
        if let Some(not) = last.and_then(|row| before(row, link.local_rev, false)) {
            return not;
        }
        let frozen = match self.freeze(one) {
            Ok(Some(frozen)) => frozen,
            Ok(None) => return Verdict::Agree,
            Err(why) => return Verdict::Not(Decided::Rejected, why),
        };
        let action = match frozen.send {
            Send::Create(_) => OutboxAction::Create,
            Send::Patch { .. } => OutboxAction::Update,
            Send::Privacy(_) => OutboxAction::Privacy,
            Send::Delete => OutboxAction::Delete,
        };
        let (id, local_id, account) = (link.stokt_id, link.local_id.clone(), session.account);
        let fingerprint = format!("{action}:{id}");
        let claim = claim_of(local_id, action, Some(id), account, &frozen, fingerprint, link.local_rev);
        Verdict::Send(Box::new(claim))
    }

    /// What is sent; `None` when nothing of it is for Stokt.
    fn freeze(&self, one: &Change) -> Result<Option<Frozen>, String> {
        let Some(side) = &one.known.climb else {
            let gym = self.board.gyms.get(&one.face).copied().ok_or("its board is not here")?;
            let base = one.known.link.base.as_ref().map(CanonicalClimb::to_json).unwrap_or_default();
            let (name, expected) = (one.name.clone(), serde_json::Value::Null);
            return Ok(Some(Frozen { name, gym, face: one.face, base, expected, send: Send::Delete }));
        };
        let sent: &[Field] = match &one.action {
            Action::Patch { fields, .. } => fields,
            Action::SetPrivate { .. } => &[Field::IsPrivate],
            _ => &[],
        };
        let placed = place(side, &self.board, sent)?;
        let told = self.told.get(&(EntityKind::Climb, one.known.link.local_id.clone()));
        let told = told.map(|rows| Told::by(rows)).unwrap_or_default();
        Ok(match &one.action {
            Action::Patch { fields, expected, base } => placed.patch(fields, expected, base, &told),
            Action::SetPrivate { is_private, expected, base } => {
                Some(placed.privacy(*is_private, expected, base))
            }
            Action::PatchOutside => {
                let base = one.known.link.base.as_ref().unwrap_or(&side.canonical);
                placed.patch(&[], &side.canonical, base, &told)
            }
            _ => None,
        })
    }
}
