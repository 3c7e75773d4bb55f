//! Who may do what: the only place that decides. Handlers name an [`Action`], and, where it is about somebody's own
//! thing, ask [`may_touch`] with its owner; they ask nothing else.
//!
//! What a caller may not see does not exist for them (404); that is the storage's [`Viewer`], which [`viewer`] chooses.

#[cfg(test)]
mod tests;

use mastoc_domain::UserId;
use mastoc_domain::access::{AccountRole, Scope};
use mastoc_storage::Viewer;
use mastoc_storage::sessions::Person;

use crate::settings::AccessMode;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Somebody without credentials.
    Nobody,
    /// Somebody who is logged in.
    Person(Person),
    /// A key of the service.
    Key(Scope),
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Reading gyms, faces, holds, climbs, setters, public lists, comments, pictures and changes.
    ReadBoard,
    /// Creating climbs, and editing or deleting one's own; admins edit everybody's.
    WriteClimbs,
    /// What needs somebody to belong to: one's own account, notes, lists, logbook, likes, comments, annotations.
    /// Whoever moderates touches those of others too.
    Participate,
    /// Creating gyms, and changing the walls, faces and holds of one's own; admins change everybody's.
    BuildBoards,
    /// Importing, and the counts that speak of it.
    Synchronise,
    /// Other people's accounts, and whatever else only those who run the server may do.
    Administer,
    /// Looking into the service: metrics and detailed health.
    Inspect,
}

/// Why something may not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Credentials are needed.
    Anonymous,
    /// The key's scope is too small; this one would do.
    NeedsScope(Scope),
    /// A person is needed, and a key is none.
    NeedsPerson,
    /// The person is no admin, and it is not their own.
    NotYours,
    /// It is not the person's own, and so personal that being an admin does not help.
    OwnersOnly,
}

/// Whether this caller may do this kind of thing at all.
pub(crate) fn may(mode: AccessMode, caller: &Caller, action: Action) -> Result<(), Denied> {
    match caller {
        Caller::Nobody if action == Action::ReadBoard && mode == AccessMode::PublicRead => Ok(()),
        Caller::Nobody => Err(Denied::Anonymous),
        Caller::Person(person) => match action {
            Action::ReadBoard | Action::WriteClimbs | Action::Participate | Action::BuildBoards => Ok(()),
            Action::Synchronise | Action::Administer | Action::Inspect => {
                if person.role == AccountRole::Admin { Ok(()) } else { Err(Denied::NotYours) }
            }
        },
        Caller::Key(scope) => {
            let needed = match action {
                Action::ReadBoard => Scope::Read,
                Action::WriteClimbs | Action::BuildBoards => Scope::Write,
                Action::Synchronise => Scope::Sync,
                Action::Administer | Action::Inspect => Scope::Admin,
                Action::Participate => return Err(Denied::NeedsPerson),
            };
            if scope.allows(needed) { Ok(()) } else { Err(Denied::NeedsScope(needed)) }
        }
    }
}

/// Whether a caller who may do this kind of thing may do it to what `owner` owns; `None` owns what came from outside.
/// The caller is known to see the thing.
pub(crate) fn may_touch(caller: &Caller, owner: Option<UserId>) -> Result<(), Denied> {
    match caller {
        Caller::Nobody => Err(Denied::Anonymous),
        Caller::Person(person) if person.role == AccountRole::Admin || owner == Some(person.id) => Ok(()),
        Caller::Person(_) => Err(Denied::NotYours),
        // Which scope it takes was settled by `may`.
        Caller::Key(_) => Ok(()),
    }
}

/// Whether a caller is who owns it: words and lists of others are not even for those who moderate to rewrite.
pub(crate) fn may_speak_for(caller: &Caller, owner: Option<UserId>) -> Result<(), Denied> {
    match caller {
        Caller::Nobody => Err(Denied::Anonymous),
        Caller::Person(person) if owner == Some(person.id) => Ok(()),
        Caller::Person(_) => Err(Denied::OwnersOnly),
        Caller::Key(_) => Err(Denied::NeedsPerson),
    }
}

/// Through whose eyes this caller reads. Admins see no private climbs or lists of other people: those are private.
pub(crate) fn viewer(caller: &Caller) -> Viewer {
    match caller {
        Caller::Key(scope) if scope.sees_private() => Viewer::Service,
        Caller::Nobody | Caller::Key(_) => Viewer::Public,
        Caller::Person(person) => Viewer::Person(person.id),
    }
}
