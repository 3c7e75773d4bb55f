//! Decisions over all combinations: every situation that a climb with two fields can be in, and every setting.

use std::sync::LazyLock;

use super::*;

/// Every version of a climb that differs in two fields: `x` is what it was, `a` and `b` are edits.
static VERSIONS: LazyLock<Vec<CanonicalClimb>> = LazyLock::new(|| {
    let mut versions = Vec::new();
    for name in ["x", "a", "b"] {
        for is_private in [false, true] {
            versions.push(CanonicalClimb::new(name, "S1 T2", None, is_private, false, "", "", "", ""));
        }
    }
    versions
});

fn settings() -> Vec<Setting> {
    let flags = [false, true];
    let mut all = Vec::new();
    for policy in POLICIES {
        for bits in 0..16_u8 {
            let [is_own, unsettled, allow_delete, selected] =
                [1, 2, 4, 8].map(|bit| flags[usize::from(bits & bit != 0)]);
            all.push(Setting { is_own, unsettled, policy, allow_delete, selected });
        }
    }
    all
}

/// Every world.
fn worlds() -> impl Iterator<Item = World> {
    let sides = || {
        let rows = VERSIONS.iter().cloned().map(Side::Row);
        [Side::Never, Side::Deleted].into_iter().chain(rows)
    };
    let theres = || {
        let here = VERSIONS.iter().cloned().map(There::Here);
        [There::Never, There::Unseen, There::Missing, There::Gone].into_iter().chain(here)
    };
    let bases = || std::iter::once(None).chain(VERSIONS.iter().cloned().map(Some));
    let conflict = || Action::Conflict { kind: ConflictKind::Fields, fields: vec![Field::Name], hide: false };
    sides().flat_map(move |local| {
        theres().flat_map(move |remote| {
            let local = local.clone();
            bases().flat_map(move |base| {
                let (local, remote) = (local.clone(), remote.clone());
                // Only a row can be dirty or archived.
                let is_row = matches!(local, Side::Row(_));
                (0..8_u8).filter(move |bits| is_row || bits & 3 == 0).map(move |bits| World {
                    local: local.clone(),
                    is_dirty: bits & 1 != 0,
                    is_archived: bits & 2 != 0,
                    remote: remote.clone(),
                    base: base.clone(),
                    open_conflict: (bits & 4 != 0).then(conflict),
                })
            })
        })
    })
}

fn everywhere(check: impl Fn(&World, Setting)) {
    let settings = settings();
    for world in worlds() {
        for setting in &settings {
            check(&world, *setting);
        }
    }
}

fn is_changed(world: &World) -> bool {
    world.is_dirty || world.base.as_ref().is_some_and(|base| base != world.ours())
}

#[test]
fn what_was_carried_out_leaves_nothing_to_do() {
    everywhere(|world, setting| {
        for direction in [PULL, PUSH] {
            let (action, after) = world.step(direction, setting);
            let again = after.decide(direction, setting);
            assert!(again.is_rest(), "{direction} {setting:?}\n{world:?}\n{action:?}\n{again:?}");
            if let (
                Action::Conflict { kind, fields, .. },
                Action::Conflict { kind: same, fields: then, .. },
            ) = (&action, &again)
            {
                assert_eq!((kind, fields), (same, then), "{setting:?}\n{world:?}");
            }
            assert_eq!(after.carry_out(&again).open_conflict.is_some(), after.open_conflict.is_some());
            assert!(!(action.is_rest() && action.is_sent()), "{action:?}");
        }
    });
}

#[test]
fn a_second_run_both_ways_is_at_rest() {
    everywhere(|world, setting| {
        let (first, after) = world.step(PULL, setting);
        let (second, after) = after.step(PUSH, setting);
        let told = || format!("{setting:?}\n{world:?}\n{first:?} {second:?}\n{after:?}");
        if second == Action::Delete {
            assert_eq!(after.decide(PULL, setting), Action::RetireLink, "{}", told());
        } else {
            assert!(after.decide(PULL, setting).is_rest(), "{}", told());
        }
        assert!(after.decide(PUSH, setting).is_rest(), "{}", told());
    });
}

#[test]
fn what_nobody_changed_is_left_alone() {
    for version in VERSIONS.iter() {
        let world = World {
            local: Side::Row(version.clone()),
            is_dirty: false,
            is_archived: false,
            remote: There::Here(version.clone()),
            base: Some(version.clone()),
            open_conflict: None,
        };
        for setting in settings() {
            for direction in [PULL, PUSH] {
                assert_eq!(world.decide(direction, setting), Action::Nothing);
            }
        }
    }
}

/// The three versions of each field, before an action and after it.
fn each_field(
    before: &World,
    after: &World,
    check: impl Fn(Field, [&CanonicalClimb; 3], [&CanonicalClimb; 3]),
) {
    let (Some(base), Some(then)) = (&before.base, &after.base) else { return };
    for field in [Field::Name, Field::IsPrivate] {
        check(field, [before.ours(), base, before.theirs()], [after.ours(), then, after.theirs()]);
    }
}

#[test]
fn an_edit_made_on_one_side_only_is_never_lost_and_never_turned_round() {
    everywhere(|world, setting| {
        if !matches!((&world.local, &world.remote), (Side::Row(_), There::Here(_))) {
            return;
        }
        for direction in [PULL, PUSH] {
            let (action, after) = world.step(direction, setting);
            let told = || format!("{direction} {setting:?}\n{world:?}\n{action:?}\n{after:?}");
            each_field(world, &after, |field, [ours, base, theirs], [local, agreed, remote]| {
                let (here, there) = (!field.is_same(ours, base), !field.is_same(theirs, base));
                match (here, there) {
                    (false, false) => {
                        assert!(field.is_same(local, base) && field.is_same(remote, base), "{}", told());
                    }
                    // Ours alone: it stays here, and still is ours to send, or was sent.
                    (true, false) => {
                        let is_open = field.is_same(agreed, base) && field.is_same(remote, base);
                        let is_sent = field.is_same(agreed, ours) && field.is_same(remote, ours);
                        assert!(field.is_same(local, ours) && (is_open || is_sent), "{}", told());
                    }
                    // Theirs alone: it stays there, and still is theirs to be pulled, or was pulled.
                    (false, true) => {
                        let is_open = field.is_same(agreed, base) && field.is_same(local, base);
                        let is_pulled = field.is_same(agreed, theirs) && field.is_same(local, theirs);
                        assert!(
                            field.is_same(remote, theirs)
                                && (is_open || is_pulled || field == Field::IsPrivate && local.is_private),
                            "{}",
                            told()
                        );
                    }
                    (true, true)
                        if setting.policy == ConflictPolicy::Manual && !field.is_same(ours, theirs) =>
                    {
                        assert!(field.is_same(local, ours) && field.is_same(remote, theirs), "{}", told());
                        assert!(field.is_same(agreed, base), "{}", told());
                    }
                    (true, true) => {}
                }
            });
        }
    });
}

#[test]
fn nothing_comes_back_and_nothing_is_made_twice() {
    everywhere(|world, setting| {
        let mut after = world.clone();
        let mut made = 0;
        for direction in [PULL, PUSH, PUSH, PULL, PUSH] {
            let (action, then) = after.step(direction, setting);
            let told = || format!("{direction} {setting:?}\n{world:?}\n{after:?}\n{action:?}");
            assert!(
                world.local != Side::Deleted || then.local == Side::Deleted,
                "comes back here: {}",
                told()
            );
            if action == Action::Create {
                made += 1;
                assert!(world.remote == There::Never && world.base.is_none(), "{}", told());
                assert!(setting.selected && !setting.unsettled, "{}", told());
            } else if matches!(after.remote, There::Never | There::Gone) {
                assert_eq!(then.remote, after.remote, "comes back there: {}", told());
            }
            if action == Action::Insert {
                assert!(after.local == Side::Never && !setting.unsettled, "{}", told());
            }
            after = then;
        }
        assert!(made <= 1, "{setting:?} {world:?}");
    });
}

#[test]
fn a_pull_changes_nothing_there_and_a_push_nothing_here() {
    everywhere(|world, setting| {
        let (action, after) = world.step(PULL, setting);
        assert_eq!(after.remote, world.remote, "{action:?}");
        assert!(!action.is_sent());
        let (action, after) = world.step(PUSH, setting);
        assert_eq!((&after.local, after.is_archived), (&world.local, world.is_archived), "{action:?}");
        assert_eq!(after.open_conflict.is_some(), world.open_conflict.is_some(), "{action:?}");
        if world.remote != after.remote {
            assert!(action.is_sent(), "{action:?}");
            assert!(setting.is_own || action == Action::Create, "another setter's: {world:?} {action:?}");
            assert!(world.open_conflict.is_none(), "a conflict waits: {world:?} {action:?}");
            assert!(!world.is_archived, "{world:?} {action:?}");
        }
        if action == Action::Delete {
            assert!(setting.allow_delete && setting.is_own && world.local == Side::Deleted);
            let stands = setting.policy == ConflictPolicy::Mastoc;
            assert!(stands || world.base.as_ref() == Some(world.theirs()), "{world:?}");
        }
    });
}

#[test]
fn identical_edits_converge() {
    everywhere(|world, setting| {
        if let (Side::Row(ours), There::Here(theirs)) = (&world.local, &world.remote)
            && ours == theirs
        {
            let (action, after) = world.step(PULL, setting);
            assert_eq!(after.base.as_ref(), Some(theirs), "{world:?} {action:?}");
            assert!(after.open_conflict.is_none() && !after.is_archived, "{world:?} {action:?}");
            assert!(
                !matches!(action, Action::Insert | Action::FastForward | Action::Merge { .. }),
                "{action:?}"
            );
        }
    });
}

#[test]
fn own_climbs_agree_after_one_run_unless_a_person_has_to_decide() {
    everywhere(|world, setting| {
        if !setting.is_own || !matches!((&world.local, &world.remote), (Side::Row(_), There::Here(_))) {
            return;
        }
        let (first, after) = world.step(PULL, setting);
        let (second, after) = after.step(PUSH, setting);
        let told = || format!("{setting:?}\n{world:?}\n{first:?} {second:?}\n{after:?}");
        if after.open_conflict.is_some() {
            assert_eq!(setting.policy, ConflictPolicy::Manual, "{}", told());
            return;
        }
        assert_eq!(after.ours(), after.theirs(), "{}", told());
        assert_eq!(after.base.as_ref(), Some(after.ours()), "{}", told());
        assert!(!after.is_dirty && !after.is_archived, "{}", told());
    });
}

#[test]
fn who_asked_for_privacy_has_it_after_a_pull_whatever_else_is_in_conflict() {
    everywhere(|world, setting| {
        if !matches!((&world.local, &world.remote), (Side::Row(_), There::Here(_))) {
            return;
        }
        let (ours, theirs) = (world.ours().is_private, world.theirs().is_private);
        let was = world.base.as_ref().map(|base| base.is_private);
        // Either side said so since both agreed, or nobody knows what both agreed on.
        let is_asked = match was {
            Some(true) => ours && theirs,
            Some(false) => ours || theirs,
            None => is_changed(world) && (ours || theirs),
        };
        let (action, after) = world.step(PULL, setting);
        if is_asked {
            assert!(after.ours().is_private, "{setting:?}\n{world:?}\n{action:?}");
        }
    });
}

#[test]
fn the_policies_are_each_others_mirror() {
    let with =
        |policy| Setting { is_own: true, unsettled: false, policy, allow_delete: false, selected: false };
    let row = |ours: &CanonicalClimb, theirs: &CanonicalClimb, base: &CanonicalClimb| World {
        local: Side::Row(ours.clone()),
        is_dirty: true,
        is_archived: false,
        remote: There::Here(theirs.clone()),
        base: Some(base.clone()),
        open_conflict: None,
    };
    for base in VERSIONS.iter() {
        for one in VERSIONS.iter().filter(|one| *one != base) {
            for other in VERSIONS.iter().filter(|other| *other != base) {
                let settled =
                    |world: World, policy| world.step(PULL, with(policy)).1.step(PUSH, with(policy)).1;
                let theirs = settled(row(one, other, base), ConflictPolicy::Stokt);
                let ours = settled(row(other, one, base), ConflictPolicy::Mastoc);
                assert_eq!(theirs, ours, "{base:?} {one:?} {other:?}");
            }
            // What was changed on one side and deleted on the other waits for a person, unless the deletion counts.
            let deleted_here = World { local: Side::Deleted, is_dirty: false, ..row(base, one, base) };
            let gone_there = World { remote: There::Gone, ..row(one, base, base) };
            for (changed_side, deleted_side, world) in [
                (ConflictPolicy::Stokt, ConflictPolicy::Mastoc, &deleted_here),
                (ConflictPolicy::Mastoc, ConflictPolicy::Stokt, &gone_there),
            ] {
                for policy in [ConflictPolicy::Manual, changed_side] {
                    let action = world.decide(PULL, with(policy));
                    assert!(matches!(action, Action::Conflict { .. }), "{policy:?} {world:?} {action:?}");
                }
                let action = world.decide(PULL, with(deleted_side));
                assert!(matches!(action, Action::Archive | Action::KeepDeleted), "{world:?} {action:?}");
            }
        }
    }
}
