//! The tables of `docs/sync.md` against the decisions: each row is a situation, each cell what is done about it.

use super::*;

/// A table of the documentation, by the first words of its head, as rows of cells.
fn table(head: &str) -> Vec<Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sync.md");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

fn version(name: &str, feet: &str) -> CanonicalClimb {
    CanonicalClimb::new(name, "S1 T2", Some(feet), false, false, "", "", "", "")
}

/// The account's own climb, chosen, and deletions allowed: all that may be done is done.
fn world(here: &str, there: &str) -> World {
    let base = version("Slab", "No foot");
    let ours = version("Ours", "No foot");
    let (local, is_dirty, is_archived) = match here {
        "–" => (Side::Never, false, false),
        "new" => (Side::Row(ours.clone()), false, false),
        "same" => (Side::Row(base.clone()), false, false),
        "changed" => (Side::Row(ours.clone()), true, false),
        "archived" => (Side::Row(base.clone()), false, true),
        "deleted" => (Side::Deleted, false, false),
        other => panic!("this test does not know what {other:?} is, here"),
    };
    let remote = match there {
        "–" => There::Never,
        "new" | "same" | "there again" => There::Here(base.clone()),
        "changed alike" => There::Here(ours),
        "changed" | "changed in the same field" => There::Here(version("Theirs", "No foot")),
        "changed in other fields" => There::Here(version("Slab", "Any foot")),
        "not listed for the first time" => There::Missing,
        "gone" => There::Gone,
        other => panic!("this test does not know what {other:?} is, at Stokt"),
    };
    let base = (here != "new" && there != "new").then_some(base);
    World { local, is_dirty, is_archived, remote, base, open_conflict: None }
}

fn setting(policy: ConflictPolicy) -> Setting {
    Setting { is_own: true, unsettled: false, policy, allow_delete: true, selected: true }
}

/// Whether an action is what a cell says.
#[track_caller]
fn is_said(cell: &str, action: &Action) -> bool {
    match cell {
        "nothing" => *action == Action::Nothing,
        "creates it there, if it was chosen" => *action == Action::Create,
        "creates it here" => *action == Action::Insert,
        "takes over Stokt's" => *action == Action::FastForward,
        "keeps ours" => *action == Action::Keep,
        "sends the changes" | "sends our fields" => {
            matches!(action, Action::Patch { fields, .. } if *fields == [Field::Name])
        }
        "agrees" => *action == Action::Rebase,
        "merges, field by field" => {
            matches!(action, Action::Merge { content, is_dirty: true, .. } if **content == version("Ours", "Any foot"))
        }
        "conflict: keeps both, ours is shown"
        | "conflict: it stays deleted meanwhile"
        | "waits for a person" => {
            matches!(action, Action::Conflict { hide: false, .. })
        }
        "waits" => matches!(action, Action::Skip { .. }),
        "archives it, never deletes" | "archives it" => *action == Action::Archive,
        "shows it again" => matches!(action, Action::Unarchive { .. }),
        "keeps it deleted" => *action == Action::KeepDeleted,
        "deletes it there, with `--allow-delete`" => *action == Action::Delete,
        "ends the link" => *action == Action::RetireLink,
        "takes Stokt's" => {
            matches!(action, Action::Merge { content, is_dirty: false, .. } if content.name == "Theirs")
        }
        "takes ours, and sends it" => {
            matches!(action, Action::Merge { content, is_dirty: true, .. } if content.name == "Ours")
        }
        other => panic!("this test does not know what {other:?} does"),
    }
}

#[test]
fn the_documented_table_is_what_is_decided() {
    let rows = table("| here | at Stokt |");
    assert!(rows.len() >= 16, "{rows:?}");
    for row in &rows {
        let [here, there, pull, push] = &row[..] else { panic!("{row:?}") };
        let world = world(here, there);
        for (direction, cell) in [(PULL, pull), (PUSH, push)] {
            let action = world.decide(direction, setting(ConflictPolicy::Manual));
            assert!(
                is_said(cell, &action),
                "{here} | {there}: {direction:?} is said to be {cell:?}, and is {action:?}"
            );
        }
    }
    // What the text below the table says of exceptions.
    let changed = world("changed", "same");
    let others = changed.decide(PUSH, Setting { is_own: false, ..setting(ConflictPolicy::Manual) });
    assert_eq!(others, Action::Skip { why: Why::OtherSetter });
    let unchosen =
        world("new", "–").decide(PUSH, Setting { selected: false, ..setting(ConflictPolicy::Manual) });
    assert_eq!(unchosen, Action::Nothing);
    let kept = world("deleted", "same")
        .decide(PUSH, Setting { allow_delete: false, ..setting(ConflictPolicy::Manual) });
    assert_eq!(kept, Action::Skip { why: Why::DeleteNotAllowed });
}

#[test]
fn the_documented_policies_are_what_is_decided() {
    let rows = table("| conflict | `--conflict manual`");
    assert_eq!(rows.len(), 3, "{rows:?}");
    for row in &rows {
        let (here, there) = match row[0].as_str() {
            "the same field changed on both sides" => ("changed", "changed in the same field"),
            "changed here, gone from Stokt" => ("changed", "gone"),
            "deleted here, changed at Stokt" => ("deleted", "changed"),
            other => panic!("this test does not know the conflict {other:?}"),
        };
        for (policy, cell) in POLICIES.into_iter().zip(&row[1..]) {
            let action = world(here, there).decide(PULL, setting(policy));
            assert!(is_said(cell, &action), "{row:?}: {policy:?} is said to do {cell:?}, and is {action:?}");
        }
    }
}
