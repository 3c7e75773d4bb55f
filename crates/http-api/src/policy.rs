//! Who may do what: the only place that decides. Handlers name an [`Action`], and ask nothing else.
//!
//! Callers are nobody and API keys by scope; persons join them here when accounts exist.

use mastoc_domain::access::Scope;
use mastoc_storage::Viewer;

use crate::settings::AccessMode;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Somebody without credentials.
    Nobody,
    /// A key of the service.
    Key(Scope),
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Reading gyms, faces, holds, climbs, setters, pictures and changes.
    ReadBoard,
    /// Importing, and the counts that speak of it.
    Synchronise,
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
}

/// Whether this caller may do this.
pub(crate) fn may(mode: AccessMode, caller: &Caller, action: Action) -> Result<(), Denied> {
    let needed = match action {
        Action::ReadBoard => Scope::Read,
        Action::Synchronise => Scope::Sync,
        Action::Inspect => Scope::Admin,
    };
    match caller {
        Caller::Nobody if action == Action::ReadBoard && mode == AccessMode::PublicRead => Ok(()),
        Caller::Nobody => Err(Denied::Anonymous),
        Caller::Key(scope) if scope.allows(needed) => Ok(()),
        Caller::Key(_) => Err(Denied::NeedsScope(needed)),
    }
}

/// Through whose eyes this caller reads.
pub(crate) fn viewer(caller: &Caller) -> Viewer {
    match caller {
        Caller::Key(scope) if scope.sees_private() => Viewer::Service,
        Caller::Nobody | Caller::Key(_) => Viewer::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_the_table_of_callers_and_actions() {
        use Action::{Inspect, ReadBoard, Synchronise};
        let allowed = |mode, caller: &Caller| {
            [ReadBoard, Synchronise, Inspect].map(|action| may(mode, caller, action).is_ok())
        };
        for mode in [AccessMode::Private, AccessMode::PublicRead] {
            assert_eq!(allowed(mode, &Caller::Key(Scope::Read)), [true, false, false]);
            assert_eq!(allowed(mode, &Caller::Key(Scope::Write)), [true, false, false]);
            assert_eq!(allowed(mode, &Caller::Key(Scope::Sync)), [true, true, false]);
            assert_eq!(allowed(mode, &Caller::Key(Scope::Admin)), [true, true, true]);
        }
        assert_eq!(allowed(AccessMode::Private, &Caller::Nobody), [false, false, false]);
        assert_eq!(allowed(AccessMode::PublicRead, &Caller::Nobody), [true, false, false]);
    }

    #[test]
    fn s10_only_sync_and_admin_keys_see_private_climbs() {
        for scope in Scope::ALL {
            let sees = matches!(viewer(&Caller::Key(*scope)), Viewer::Service);
            assert_eq!(sees, matches!(scope, Scope::Sync | Scope::Admin), "{scope}");
        }
        assert!(matches!(viewer(&Caller::Nobody), Viewer::Public));
    }
}
