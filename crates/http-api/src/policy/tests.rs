//! The table of callers, actions and owners.

use mastoc_domain::SessionId;

use super::Action::{Administer, BuildBoards, Inspect, Participate, ReadBoard, Synchronise, WriteClimbs};
use super::*;

const ACTIONS: [Action; 7] =
    [ReadBoard, WriteClimbs, Participate, BuildBoards, Synchronise, Administer, Inspect];

fn person(role: AccountRole) -> Caller {
    Caller::Person(Person { id: UserId::generate(), role, session: SessionId::generate() })
}

/// One letter for each of [`ACTIONS`]: `y` allowed, `a` credentials needed, `s` scope, `p` person, `n` not theirs.
fn row(mode: AccessMode, caller: &Caller) -> String {
    ACTIONS
        .iter()
        .map(|action| match may(mode, caller, *action) {
            Ok(()) => 'y',
            Err(Denied::Anonymous) => 'a',
            Err(Denied::NeedsScope(_)) => 's',
            Err(Denied::NeedsPerson) => 'p',
            Err(Denied::NotYours | Denied::OwnersOnly) => 'n',
        })
        .collect()
}

#[test]
fn s10_s11_the_table_of_callers_and_actions() {
    for mode in [AccessMode::Private, AccessMode::PublicRead] {
        assert_eq!(row(mode, &Caller::Key(Scope::Read)), "yspssss");
        assert_eq!(row(mode, &Caller::Key(Scope::Write)), "yypysss");
        assert_eq!(row(mode, &Caller::Key(Scope::Sync)), "yspsyss");
        assert_eq!(row(mode, &Caller::Key(Scope::Admin)), "yypyyyy");
        assert_eq!(row(mode, &person(AccountRole::User)), "yyyynnn");
        assert_eq!(row(mode, &person(AccountRole::Admin)), "yyyyyyy");
    }
    assert_eq!(row(AccessMode::Private, &Caller::Nobody), "aaaaaaa");
    assert_eq!(row(AccessMode::PublicRead, &Caller::Nobody), "yaaaaaa");
}

#[test]
fn s11_only_owners_and_admins_touch_what_somebody_owns() {
    let (owner, other, admin) =
        (person(AccountRole::User), person(AccountRole::User), person(AccountRole::Admin));
    let Caller::Person(Person { id, .. }) = owner else { unreachable!("a person") };
    for (caller, own, foreign) in [
        (&owner, Ok(()), Err(Denied::NotYours)),
        (&other, Err(Denied::NotYours), Err(Denied::NotYours)),
        (&admin, Ok(()), Ok(())),
        (&Caller::Key(Scope::Write), Ok(()), Ok(())),
        (&Caller::Nobody, Err(Denied::Anonymous), Err(Denied::Anonymous)),
    ] {
        assert_eq!(may_touch(caller, Some(id)), own, "{caller:?}");
        assert_eq!(may_touch(caller, None), foreign, "{caller:?}");
    }
}

#[test]
fn s11_nobody_speaks_for_somebody_else_not_even_admins_and_keys() {
    for role in AccountRole::ALL {
        let caller = person(*role);
        let Caller::Person(Person { id, .. }) = caller else { unreachable!("a person") };
        assert_eq!(may_speak_for(&caller, Some(id)), Ok(()), "{role}");
        for owner in [None, Some(UserId::generate())] {
            assert_eq!(may_speak_for(&caller, owner), Err(Denied::OwnersOnly), "{role}");
        }
    }
    let owner = Some(UserId::generate());
    assert_eq!(may_speak_for(&Caller::Key(Scope::Admin), owner), Err(Denied::NeedsPerson));
    assert_eq!(may_speak_for(&Caller::Nobody, owner), Err(Denied::Anonymous));
}

#[test]
fn s10_s11_only_sync_and_admin_keys_see_what_is_private_to_others() {
    for scope in Scope::ALL {
        let sees = matches!(viewer(&Caller::Key(*scope)), Viewer::Service);
        assert_eq!(sees, matches!(scope, Scope::Sync | Scope::Admin), "{scope}");
    }
    assert!(matches!(viewer(&Caller::Nobody), Viewer::Public));
    for role in [AccountRole::User, AccountRole::Admin] {
        assert!(matches!(viewer(&person(role)), Viewer::Person(_)));
    }
}
