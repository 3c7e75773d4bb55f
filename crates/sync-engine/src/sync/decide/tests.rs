//! A model of both sides, on which decisions are carried out.

use super::*;

mod combinations;
mod documented;
mod stories;

/// A climb on both sides, as a database and Stokt would keep it.
#[derive(Debug, Clone, PartialEq)]
struct World {
    local: Side,
    is_dirty: bool,
    is_archived: bool,
    remote: There,
    base: Option<CanonicalClimb>,
    open_conflict: Option<Action>,
}

#[derive(Debug, Clone, PartialEq)]
enum Side {
    Never,
    Row(CanonicalClimb),
    Deleted,
}

#[derive(Debug, Clone, PartialEq)]
enum There {
    Never,
    Here(CanonicalClimb),
    Unseen,
    Missing,
    Gone,
}

/// What does not change while a run works.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Setting {
    is_own: bool,
    unsettled: bool,
    policy: ConflictPolicy,
    allow_delete: bool,
    selected: bool,
}

const PULL: Direction = Direction::StoktToMastoc;
const PUSH: Direction = Direction::MastocToStokt;
const POLICIES: [ConflictPolicy; 3] = [ConflictPolicy::Manual, ConflictPolicy::Stokt, ConflictPolicy::Mastoc];

impl World {
    fn decide(&self, direction: Direction, setting: Setting) -> Action {
        let local = match &self.local {
            Side::Never => Local::Never,
            Side::Row(content) => {
                Local::Row { content, is_dirty: self.is_dirty, is_archived: self.is_archived }
            }
            Side::Deleted => Local::Deleted,
        };
        let remote = match &self.remote {
            There::Never => Remote::Never,
            There::Here(content) => Remote::Here(content),
            There::Unseen => Remote::Unseen,
            There::Missing => Remote::Missing,
            There::Gone => Remote::Gone,
        };
        let Setting { is_own, unsettled, policy, allow_delete, selected } = setting;
        decide(&Situation {
            direction,
            local,
            remote,
            base: self.base.as_ref(),
            is_own,
            open_conflict: self.open_conflict.is_some(),
            unsettled,
            policy,
            allow_delete,
            selected,
        })
    }

    fn ours(&self) -> &CanonicalClimb {
        let Side::Row(content) = &self.local else { panic!("no row: {self:?}") };
        content
    }

    fn theirs(&self) -> &CanonicalClimb {
        let There::Here(content) = &self.remote else { panic!("not there: {self:?}") };
        content
    }

    /// What the engine does to both sides.
    fn carry_out(&self, action: &Action) -> Self {
        let mut world = self.clone();
        if action.closes_conflict() {
            world.open_conflict = None;
        }
        let agree = |world: &mut Self, base: &CanonicalClimb| {
            world.base = Some(base.clone());
            world.is_dirty = false;
        };
        match action {
            Action::Nothing | Action::Keep | Action::KeepDeleted | Action::Skip { .. } => {}
            Action::Insert | Action::FastForward => {
                world.local = Side::Row(self.theirs().clone());
                agree(&mut world, self.theirs());
            }
            Action::Rebase => agree(&mut world, self.theirs()),
            Action::Merge { content, base, is_dirty } => {
                world.local = Side::Row((**content).clone());
                agree(&mut world, base);
                world.is_dirty = *is_dirty;
            }
            Action::Conflict { hide, .. } => {
                if *hide {
                    world.local = Side::Row(CanonicalClimb { is_private: true, ..self.ours().clone() });
                }
                world.open_conflict = Some(action.clone());
            }
            Action::Unarchive { then } => {
                assert!(!matches!(**then, Action::Unarchive { .. }), "{self:?}");
                world.is_archived = false;
                world = world.carry_out(then);
            }
            Action::Archive => world.is_archived = true,
            Action::RetireLink => world.base = None,
            Action::Create => {
                world.remote = There::Here(self.ours().clone());
                agree(&mut world, self.ours());
            }
            Action::Patch { fields, expected, base } => {
                let answered = with_fields(self.theirs(), self.ours(), fields);
                assert_eq!(answered, **expected, "{self:?}");
                world.remote = There::Here(answered);
                agree(&mut world, base);
            }
            Action::SetPrivate { is_private, expected, base } => {
                let answered = CanonicalClimb { is_private: *is_private, ..self.theirs().clone() };
                assert_eq!(answered, **expected, "{self:?}");
                world.remote = There::Here(answered);
                agree(&mut world, base);
            }
            Action::PatchOutside => world.is_dirty = false,
            Action::Delete => world.remote = There::Gone,
        }
        world
    }

    fn step(&self, direction: Direction, setting: Setting) -> (Action, Self) {
        let action = self.decide(direction, setting);
        let after = self.carry_out(&action);
        (action, after)
    }
}
