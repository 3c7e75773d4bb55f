//! The table of synchronisation as one pure function: local side x Stokt's side x what both last agreed on -> action.
//!
//! - Nothing here knows a time: what was changed is told by comparing with the base, never by who was later.
//! - Carrying out an action and deciding again leads to rest: [`Action::is_rest`].
//! - A policy may let a deletion stand. None brings back by itself what one side deleted: that waits for a person.
//! - While a conflict is open nothing is sent; a pull refreshes it, or closes it ([`Action::closes_conflict`]).
//! - Whether a climb that Stokt shows is what became of an attempt to create ours is for `settle.rs` to find out;
//!   until then it is [unsettled](Situation::unsettled), and neither side makes it again.

mod why;

use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::sync_state::Direction;

pub use mastoc_domain::sync_merge::{ConflictKind, Field};
use mastoc_domain::sync_merge::{Merged, differing_fields, merge, with_fields};

pub use self::why::Why;
use super::options::ConflictPolicy;

/// A climb as it stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local<'s> {
    /// It was never here.
    Never,
    /// It is here.
    Row {
        /// What it is.
        content: &'s CanonicalClimb,
        /// Whether it was changed here since both sides agreed (`local_rev > base_rev`), be it in what the form does
        /// not hold (grade, description).
        is_dirty: bool,
        /// Whether it was archived since it was gone from Stokt.
        is_archived: bool,
    },
    /// It was deleted here: a tombstone stands for it.
    Deleted,
}

/// A climb as Stokt shows it in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remote<'s> {
    /// It was never there: no link knows of it.
    Never,
    /// It is there.
    Here(&'s CanonicalClimb),
    /// This run did not look where it would be.
    Unseen,
    /// It is not there, but that is not confirmed yet.
    Missing,
    /// It is not there, and that is confirmed: two complete full listings, far enough apart.
    Gone,
}

/// All that a decision about one climb depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation<'s> {
    /// Which half of a run asks. A run in both directions pulls first, and asks again for the push.
    pub direction: Direction,
    /// Our side.
    pub local: Local<'s>,
    /// Stokt's side.
    pub remote: Remote<'s>,
    /// What both sides last agreed on; none while there is no link.
    pub base: Option<&'s CanonicalClimb>,
    /// Whether the account is the climb's setter as Stokt knows it (a climb that was sent from here keeps its own
    /// setter here, and is the account's there).
    pub is_own: bool,
    /// Whether a conflict about it waits for a person.
    pub open_conflict: bool,
    /// Whether an earlier attempt to create it has no known outcome: our row has an unsettled outbox row, or Stokt's
    /// record has the fingerprint of one and was not there before the attempt.
    pub unsettled: bool,
    /// How conflicts are settled.
    pub policy: ConflictPolicy,
    /// Whether climbs deleted here may be deleted at Stokt.
    pub allow_delete: bool,
    /// Whether it was chosen to be sent, should Stokt not know it.
    pub selected: bool,
}

/// What to do about one climb.
///
/// "Agreed" below: the base becomes that content, and the row's revision counts as agreed on (`base_rev = local_rev` as
/// it was when this was decided, so that an edit made meanwhile stays dirty).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing: both sides agree, or there is nothing that this half of the run could do.
    Nothing,
    /// Pull: write a new row, its link with the base, and the mapping.
    Insert,
    /// Pull: the row takes over Stokt's content, which is agreed.
    FastForward,
    /// Pull: the row has changes of ours and Stokt has none. Nothing is written.
    Keep,
    /// Both sides say the same, which is agreed. The row's content is not written.
    Rebase,
    /// Pull: the row becomes `content` and the base `base`, which is what Stokt shows. Where `is_dirty`, the row still
    /// has changes to send (`local_rev > base_rev` afterwards); otherwise it is agreed.
    Merge {
        /// The row from now on.
        content: Box<CanonicalClimb>,
        /// The base from now on.
        base: Box<CanonicalClimb>,
        /// Whether it differs from Stokt's.
        is_dirty: bool,
    },
    /// Pull: record the conflict, or refresh the open one with what both sides say now. Row and base stay.
    Conflict {
        /// What is to be decided.
        kind: ConflictKind,
        /// The fields that it is about; none when the climb is gone from Stokt.
        fields: Vec<Field>,
        /// Whether the row becomes private at once: somebody asked for that at Stokt, and it does not wait. Only
        /// `is_private` changes, and the row stays as dirty as it was.
        hide: bool,
    },
    /// Pull: it is at Stokt again: not archived any more. `then` is what to do about its content.
    Unarchive {
        /// What to do besides; never another un-archiving.
        then: Box<Action>,
    },
    /// Pull: gone from Stokt: archive the row. Its content and its link stay, and what was changed until now counts as
    /// settled (not dirty): only another change makes a conflict of it.
    Archive,
    /// The row was deleted here and stays so; Stokt's climb stays as well.
    KeepDeleted,
    /// Pull: deleted here and gone there: the link is over. The tombstone stays.
    RetireLink,
    /// Push: create it at Stokt, by the outbox.
    Create,
    /// Push: send these fields of the row (never none), and its own grade and description if it has any. Once Stokt
    /// answered, `base` is the base and the row's revision is agreed.
    Patch {
        /// The fields to send.
        fields: Vec<Field>,
        /// What Stokt should answer.
        expected: Box<CanonicalClimb>,
        /// The base once it did. It differs from `expected` where Stokt has changes that were not pulled yet.
        base: Box<CanonicalClimb>,
    },
    /// Push: as [`Action::Patch`], but privacy is all that differs, which has a call of its own.
    SetPrivate {
        /// Whether it becomes private.
        is_private: bool,
        /// What Stokt should show then.
        expected: Box<CanonicalClimb>,
        /// The base once it did.
        base: Box<CanonicalClimb>,
    },
    /// Push: the row was changed in what the form does not hold: send its own grade and description, if it has any.
    /// Then its revision is agreed; the base stays.
    PatchOutside,
    /// Push: delete it at Stokt; that it is unknown there counts as done.
    Delete,
    /// There is something to do that this run does not do.
    Skip {
        /// Why not.
        why: Why,
    },
}

impl Action {
    /// Whether nothing changes on either side, so that deciding again would say the same. A conflict is rest too: once
    /// recorded, recording it again changes nothing.
    #[must_use]
    pub fn is_rest(&self) -> bool {
        matches!(
            self,
            Self::Nothing
                | Self::Keep
                | Self::KeepDeleted
                | Self::Skip { .. }
                | Self::Conflict { hide: false, .. }
        )
    }

    /// Whether a conflict that is open is over with it.
    #[must_use]
    pub fn closes_conflict(&self) -> bool {
        match self {
            Self::Nothing | Self::Conflict { .. } | Self::Skip { .. } => false,
            Self::Unarchive { then } => then.closes_conflict(),
            _ => true,
        }
    }

    /// Whether it changes something at Stokt.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        matches!(
            self,
            Self::Create | Self::Patch { .. } | Self::SetPrivate { .. } | Self::PatchOutside | Self::Delete
        )
    }
}

/// Decides what to do about one climb.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Action {
    match situation.direction {
        Direction::StoktToMastoc => pull(situation),
        Direction::MastocToStokt => push(situation),
    }
}

fn skip(why: Why) -> Action {
    Action::Skip { why }
}

fn pull(s: &Situation<'_>) -> Action {
    match (s.local, s.remote) {
        (Local::Never, Remote::Here(_)) if s.unsettled => skip(Why::Unsettled),
        (Local::Never, Remote::Here(_)) => Action::Insert,
        (Local::Row { content, is_dirty, is_archived: true }, Remote::Here(_)) => {
            let local = Local::Row { content, is_dirty, is_archived: false };
            Action::Unarchive { then: Box::new(pull(&Situation { local, ..*s })) }
        }
        (Local::Row { content, is_dirty, .. }, Remote::Here(remote)) => {
            pull_row(s, content, is_dirty, remote)
        }
        (Local::Row { content, is_dirty, is_archived }, Remote::Gone) if is_dirty || !is_archived => {
            // To archive it settles what was changed until then; what is changed since is another matter.
            let is_changed = is_dirty || s.base.is_some_and(|base| base != content);
            // To keep it would mean to create it again one day, which no policy decides.
            if is_changed && s.policy != ConflictPolicy::Stokt {
                Action::Conflict { kind: ConflictKind::Gone, fields: Vec::new(), hide: false }
            } else {
                Action::Archive
            }
        }
        (Local::Deleted, Remote::Here(remote)) => match s.base {
            // To bring it back is nothing that a policy decides.
            Some(base) if base != remote && s.policy != ConflictPolicy::Mastoc => {
                let fields = differing_fields(base, remote);
                Action::Conflict { kind: ConflictKind::Deleted, fields, hide: false }
            }
            _ => Action::KeepDeleted,
        },
        (Local::Deleted, Remote::Gone) if s.base.is_some() => Action::RetireLink,
        (Local::Never | Local::Row { .. } | Local::Deleted, _) => Action::Nothing,
    }
}

/// Pull: it is on both sides.
fn pull_row(s: &Situation<'_>, content: &CanonicalClimb, is_dirty: bool, remote: &CanonicalClimb) -> Action {
    if content == remote {
        return match s.base {
            Some(base) if base == remote && !s.open_conflict => {
                if is_dirty {
                    Action::Keep
                } else {
                    Action::Nothing
                }
            }
            _ => Action::Rebase,
        };
    }
    match s.base {
        Some(base) if base == remote => return Action::Keep,
        Some(base) if base == content && !is_dirty => return Action::FastForward,
        // Nobody changed the row since it was written: Stokt's is what it should be.
        None if !is_dirty => return Action::FastForward,
        _ => {}
    }
    let merged = merge(s.base, content, remote);
    let becomes = match s.policy {
        ConflictPolicy::Manual if !merged.conflicts.is_empty() => {
            let hide = merged.content.is_private && !content.is_private;
            return Action::Conflict { kind: ConflictKind::Fields, fields: merged.conflicts, hide };
        }
        ConflictPolicy::Stokt => merged.taking_theirs(remote),
        ConflictPolicy::Manual | ConflictPolicy::Mastoc => merged.content,
    };
    // What was changed beside the form is still to be sent.
    let is_outside = s.base == Some(content);
    let is_dirty = becomes != *remote || is_outside;
    Action::Merge { content: Box::new(becomes), base: Box::new(remote.clone()), is_dirty }
}

fn push(s: &Situation<'_>) -> Action {
    match s.local {
        Local::Never => Action::Nothing,
        // There again, or gone: for a pull to see to.
        Local::Row { is_archived: true, is_dirty, .. } => match s.remote {
            Remote::Here(_) => Action::Nothing,
            _ if s.open_conflict => skip(Why::ConflictOpen),
            _ if is_dirty => skip(Why::Gone),
            _ => Action::Nothing,
        },
        Local::Row { content, is_dirty, .. } => push_row(s, content, is_dirty),
        Local::Deleted => push_deleted(s),
    }
}

fn push_row(s: &Situation<'_>, content: &CanonicalClimb, is_dirty: bool) -> Action {
    let is_changed = is_dirty || s.base.is_some_and(|base| base != content);
    if s.open_conflict {
        return skip(Why::ConflictOpen);
    }
    if s.remote == Remote::Never && s.base.is_none() {
        return match (s.selected, s.unsettled) {
            (false, _) => Action::Nothing,
            (true, true) => skip(Why::Unsettled),
            (true, false) => Action::Create,
        };
    }
    if let Remote::Here(remote) = s.remote
        && content == remote
        && s.base != Some(remote)
    {
        return Action::Rebase;
    }
    if !is_changed {
        return Action::Nothing;
    }
    if !s.is_own {
        return skip(Why::OtherSetter);
    }
    match s.remote {
        Remote::Here(remote) => match s.base {
            Some(base) => send(s.policy, base, content, remote),
            None => skip(Why::PullFirst),
        },
        Remote::Never | Remote::Unseen => skip(Why::NotSeen),
        Remote::Missing => skip(Why::Missing),
        Remote::Gone => skip(Why::Gone),
    }
}

/// Push: an own climb that was changed here.
fn send(
    policy: ConflictPolicy,
    base: &CanonicalClimb,
    content: &CanonicalClimb,
    remote: &CanonicalClimb,
) -> Action {
    let ours = differing_fields(base, content);
    if ours.is_empty() {
        return Action::PatchOutside;
    }
    let Merged { conflicts, .. } = merge(Some(base), content, remote);
    if !conflicts.is_empty() && policy == ConflictPolicy::Manual {
        return skip(Why::ChangedOnBothSides);
    }
    let counts = |field: &Field| policy == ConflictPolicy::Mastoc || !conflicts.contains(field);
    let wanted: Vec<Field> =
        ours.iter().copied().filter(|field| counts(field) && !field.is_same(content, remote)).collect();
    let fields: Vec<Field> = wanted.iter().copied().filter(|field| field.is_sendable()).collect();
    if fields.is_empty() {
        return skip(if wanted.is_empty() { Why::PullFirst } else { Why::NotSendable });
    }
    let expected = Box::new(with_fields(remote, content, &fields));
    // What Stokt changed beside it was not pulled: were it in the base, our row would seem to undo it.
    let agreed: Vec<Field> = ours.into_iter().filter(|field| field.is_same(content, &expected)).collect();
    let base = Box::new(with_fields(base, content, &agreed));
    if fields == [Field::IsPrivate] {
        return Action::SetPrivate { is_private: content.is_private, expected, base };
    }
    Action::Patch { fields, expected, base }
}

/// Push: it was deleted here.
fn push_deleted(s: &Situation<'_>) -> Action {
    let (Remote::Here(remote), Some(base)) = (s.remote, s.base) else {
        return Action::Nothing;
    };
    if s.open_conflict {
        return skip(Why::ConflictOpen);
    }
    if !s.is_own {
        return Action::KeepDeleted;
    }
    if base != remote && s.policy != ConflictPolicy::Mastoc {
        return skip(Why::ChangedOnBothSides);
    }
    if s.allow_delete { Action::Delete } else { skip(Why::DeleteNotAllowed) }
}

#[cfg(test)]
mod tests;
