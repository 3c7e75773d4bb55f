//! Random stories: two people edit all fields of one climb on both sides while runs of either direction come and go.

use mastoc_domain::sync_merge::Field;
use proptest::prelude::*;

use super::*;

/// What happens next.
#[derive(Debug, Clone)]
enum Event {
    Here(Field, u8),
    There(Field, u8),
    /// What the form does not hold: the grade.
    Grade,
    Pull,
    Push,
    /// A person settles the open conflict: ours count, or theirs.
    Settle(bool),
}

fn event() -> impl Strategy<Value = Event> {
    let field = || proptest::sample::select(Field::ALL);
    prop_oneof![
        3 => (field(), 0..3_u8).prop_map(|(field, value)| Event::Here(field, value)),
        3 => (field(), 0..3_u8).prop_map(|(field, value)| Event::There(field, value)),
        1 => Just(Event::Grade),
        3 => Just(Event::Pull),
        2 => Just(Event::Push),
        1 => any::<bool>().prop_map(Event::Settle),
    ]
}

fn edited(climb: &CanonicalClimb, field: Field, value: u8) -> CanonicalClimb {
    let text = ["x", "a", "b"][usize::from(value)];
    let yes = value > 0;
    let from = CanonicalClimb::new(text, text, Some(text), yes, yes, text, text, text, text);
    with_fields(climb, &from, &[field])
}

fn start() -> World {
    let climb = CanonicalClimb::new("x", "x", Some("x"), false, false, "x", "x", "x", "x");
    World {
        local: Side::Row(climb.clone()),
        is_dirty: false,
        is_archived: false,
        remote: There::Here(climb.clone()),
        base: Some(climb),
        open_conflict: None,
    }
}

impl World {
    fn live(&self, event: &Event, setting: Setting) -> Self {
        let mut world = self.clone();
        match event {
            Event::Here(field, value) => {
                world.local = Side::Row(edited(self.ours(), *field, *value));
                world.is_dirty |= world.local != self.local;
            }
            Event::There(field, value) => world.remote = There::Here(edited(self.theirs(), *field, *value)),
            Event::Grade => world.is_dirty = true,
            Event::Pull => {
                world = self.step(PULL, setting).1;
                check_step(self, &world, setting);
            }
            Event::Push => {
                world = self.step(PUSH, setting).1;
                check_step(self, &world, setting);
            }
            Event::Settle(is_ours) if self.open_conflict.is_some() => {
                let policy = if *is_ours { ConflictPolicy::Mastoc } else { ConflictPolicy::Stokt };
                world = self.step(PULL, Setting { policy, ..setting }).1;
                assert!(world.open_conflict.is_none(), "{self:?} {policy:?}");
            }
            Event::Settle(_) => {}
        }
        world
    }
}

/// No step takes away what one side alone said, nor lets it look like the other side's doing.
fn check_step(before: &World, after: &World, setting: Setting) {
    let (base, then) = (before.base.as_ref().unwrap(), after.base.as_ref().unwrap());
    for field in Field::ALL.iter().copied() {
        let (here, there) = (!field.is_same(before.ours(), base), !field.is_same(before.theirs(), base));
        let told = || format!("{field} {setting:?}\n{before:?}\n{after:?}");
        let hidden = field == Field::IsPrivate && after.ours().is_private;
        if here && !there {
            assert!(field.is_same(after.ours(), before.ours()), "{}", told());
            let is_open = field.is_same(then, after.theirs()) && field.is_same(then, base);
            assert!(
                is_open || field.is_same(after.theirs(), before.ours()) && field.is_same(then, after.ours()),
                "{}",
                told()
            );
        }
        if there && !here {
            assert!(field.is_same(after.theirs(), before.theirs()), "{}", told());
            let is_open = field.is_same(then, after.ours()) && field.is_same(then, base);
            let is_taken =
                field.is_same(after.ours(), before.theirs()) && field.is_same(then, after.theirs());
            assert!(is_open || is_taken || hidden, "{}", told());
        }
        if !here && !there {
            assert!(field.is_same(after.ours(), base) && field.is_same(after.theirs(), base), "{}", told());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_two_runs_bring_both_sides_together(
        events in proptest::collection::vec(event(), 0..14),
        policy in proptest::sample::select(&POLICIES),
        is_own: bool,
    ) {
        let setting = Setting { is_own, unsettled: false, policy, allow_delete: false, selected: false };
        let mut world = start();
        for event in events.iter().chain(&[Event::Pull, Event::Push]) {
            world = world.live(event, setting);
        }
        for direction in [PULL, PUSH] {
            let action = world.decide(direction, setting);
            prop_assert!(action.is_rest(), "{action:?} {world:?}");
        }
        if world.open_conflict.is_some() {
            prop_assert_eq!(policy, ConflictPolicy::Manual);
            return Ok(());
        }
        // All of Stokt's is here; of ours, all that Stokt takes from this account is there.
        let base = world.base.as_ref().unwrap();
        prop_assert_eq!(base, world.theirs());
        for field in differing_fields(world.ours(), world.theirs()) {
            prop_assert!(!is_own || !field.is_sendable(), "{field} {world:?}");
        }
        prop_assert!(!is_own || !world.is_dirty || world.ours() != world.theirs(), "{world:?}");
    }
}

#[test]
fn a_grade_given_here_is_still_sent_after_stokts_changes_were_pulled() {
    let setting = Setting {
        is_own: true,
        unsettled: false,
        policy: ConflictPolicy::Manual,
        allow_delete: false,
        selected: false,
    };
    let world = start().live(&Event::Grade, setting).live(&Event::There(Field::Name, 1), setting);
    let (_, pulled) = world.step(PULL, setting);
    assert_eq!(pulled.ours(), world.theirs());
    assert_eq!(pulled.decide(PUSH, setting), Action::PatchOutside);
    // Pushed first, the name is left for a pull.
    let (action, pushed) = world.step(PUSH, setting);
    assert_eq!(action, Action::PatchOutside);
    assert_eq!(pushed.decide(PULL, setting), Action::FastForward);
}
