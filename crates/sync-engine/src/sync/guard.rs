//! Guards: what a run would do to climbs that both sides know is looked at as a whole before anything is written.
//!
//! One wrong listing, a changed contract or a fault of ours can look like edits and deletions that somebody made. So a
//! run stops, with nothing written, if
//!
//! - Stokt, asked for everything, shows no climb although some are linked here (`--max-delete` with at least that many
//!   says that this is right; the usual limit never does, not even for three climbs);
//! - more climbs than `--max-delete` would be archived here, or deleted at Stokt: the usual limit is five, or two of a
//!   hundred linked climbs, whichever is more;
//! - everything would change: every single climb that both sides know, if there are more than five; or nearly
//!   everything: of those that the run saw, at least nine of ten, and at least 20 (`--accept-changes` says that this is
//!   right). The floors are there because on a tiny board, or in the few climbs of an incremental run, all can well
//!   have been edited in one evening. New climbs are not counted: a first run changes nothing. After months without a
//!   full run many climbs have changed, but not nine of ten.

use super::options::{MaxDelete, SyncOptions};

/// Fewest changed climbs that can look like nearly everything.
const MANY: u64 = 20;
/// So many climbs can be all there are, and all be edited in one evening.
const FEW: u64 = 5;

/// What a run would do, in numbers. All climbs counted are linked ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects {
    /// Climbs that both sides know, archived ones left out.
    pub linked: u64,
    /// Different climbs that Stokt showed, when asked for everything and answering in full; none otherwise.
    pub listed: Option<u64>,
    /// Climbs that would be archived here.
    pub archived: u64,
    /// Climbs that would be deleted at Stokt.
    pub deleted: u64,
    /// Linked climbs that Stokt showed in this run.
    pub seen: u64,
    /// Of those, climbs whose content would change here or come into conflict.
    pub changed: u64,
    /// Linked climbs of the account that Stokt showed in this run.
    pub mine: u64,
    /// Of those, climbs that would be changed at Stokt.
    pub sent: u64,
}

/// Why a guard stopped the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Guard {
    /// Stokt shows nothing any more.
    #[error(
        "Stokt shows no climb at all, though {linked} are linked here; nothing was written. Check gym and account; if \
         the board was really cleared, run again with --max-delete {linked}"
    )]
    Empty {
        /// Climbs linked here.
        linked: u64,
    },
    /// Too many would be archived.
    #[error(
        "{archived} of {linked} linked climbs are gone from Stokt and would be archived here, {most} are allowed; \
         nothing was written. If they are really gone, run again with --max-delete {archived}"
    )]
    Archive {
        /// Climbs to archive.
        archived: u64,
        /// Climbs linked here.
        linked: u64,
        /// So many are allowed.
        most: u64,
    },
    /// Too many would be deleted at Stokt.
    #[error(
        "{deleted} of {linked} linked climbs would be deleted at Stokt, {most} are allowed; nothing was written. If \
         that is meant, run again with --max-delete {deleted}"
    )]
    Delete {
        /// Climbs to delete.
        deleted: u64,
        /// Climbs linked here.
        linked: u64,
        /// So many are allowed.
        most: u64,
    },
    /// Nearly everything would change here.
    #[error(
        "{changed} of {seen} climbs that both sides know would change here; nothing was written. Look at some of them \
         with --dry-run; if they really changed, run again with --accept-changes"
    )]
    ChangesHere {
        /// Climbs to change.
        changed: u64,
        /// Climbs seen on both sides.
        seen: u64,
    },
    /// Nearly everything would change at Stokt.
    #[error(
        "{sent} of {mine} climbs of this account would be changed at Stokt; nothing was sent. Look at some of them \
         with --dry-run; if that is meant, run again with --accept-changes"
    )]
    ChangesThere {
        /// Climbs to change.
        sent: u64,
        /// Climbs of the account seen on both sides.
        mine: u64,
    },
}

/// Whether so many of the `seen` climbs, or of all `linked` ones, look like everything.
fn is_everything(changed: u64, seen: u64, linked: u64) -> bool {
    let nearly = changed >= MANY && u128::from(changed) * 10 >= u128::from(seen) * 9;
    nearly || (changed > FEW && changed >= linked)
}

/// Looks at what a run would do, before anything is written.
///
/// # Errors
/// The [`Guard`] that stops it: exit code 4.
pub fn check(effects: &Effects, options: &SyncOptions) -> Result<(), Guard> {
    let Effects { linked, listed, archived, deleted, seen, changed, mine, sent } = *effects;
    let most = options.max_delete.of(linked);
    let is_said = options.max_delete != MaxDelete::Usual && most >= linked;
    if listed == Some(0) && linked > 0 && !is_said {
        return Err(Guard::Empty { linked });
    }
    if archived > most {
        return Err(Guard::Archive { archived, linked, most });
    }
    if deleted > most {
        return Err(Guard::Delete { deleted, linked, most });
    }
    if !options.accept_changes {
        if is_everything(changed, seen, linked) {
            return Err(Guard::ChangesHere { changed, seen });
        }
        if is_everything(sent, mine, linked) {
            return Err(Guard::ChangesThere { sent, mine });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(max_delete: MaxDelete) -> SyncOptions {
        SyncOptions { max_delete, ..SyncOptions::default() }
    }

    fn accepting() -> SyncOptions {
        SyncOptions { accept_changes: true, ..SyncOptions::default() }
    }

    #[test]
    fn five_or_two_of_a_hundred_may_go() {
        let gone = |linked, archived| Effects { linked, archived, ..Effects::default() };
        let stops =
            |linked, archived, options: &SyncOptions| check(&gone(linked, archived), options).is_err();
        for (linked, most) in
            [(0, 5), (5, 5), (100, 5), (250, 5), (299, 5), (300, 6), (1_000, 20), (100_000, 2_000)]
        {
            assert!(!stops(linked, most, &with(MaxDelete::Usual)), "{linked}");
            assert!(stops(linked, most + 1, &with(MaxDelete::Usual)), "{linked}");
            assert!(
                check(&Effects { linked, deleted: most + 1, ..Effects::default() }, &with(MaxDelete::Usual))
                    .is_err()
            );
        }
        assert!(stops(1_000, 30, &with(MaxDelete::Usual)), "3 %");
        assert!(!stops(1_000, 30, &with(MaxDelete::Percent(3))));
        assert!(stops(1_000, 1, &with(MaxDelete::Count(0))));
        let told = check(&gone(1_000, 30), &with(MaxDelete::Usual)).unwrap_err().to_string();
        for part in ["30 of 1000", "20 are allowed", "--max-delete 30"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn a_board_that_is_suddenly_empty_stops_the_run_however_small() {
        let empty = |linked| Effects { linked, listed: Some(0), ..Effects::default() };
        assert_eq!(check(&empty(3), &with(MaxDelete::Usual)), Err(Guard::Empty { linked: 3 }));
        assert_eq!(check(&empty(3), &with(MaxDelete::Count(2))), Err(Guard::Empty { linked: 3 }));
        assert_eq!(check(&empty(3), &with(MaxDelete::Count(3))), Ok(()));
        assert_eq!(check(&empty(1_000), &with(MaxDelete::Percent(100))), Ok(()));
        assert_eq!(check(&empty(0), &with(MaxDelete::Usual)), Ok(()), "a board that was empty all along");
        let quiet = Effects { linked: 3, listed: None, ..Effects::default() };
        assert_eq!(check(&quiet, &with(MaxDelete::Usual)), Ok(()), "an incremental run without news");
    }

    #[test]
    fn everything_changed_is_asked_about_and_much_changed_is_not() {
        let changes = |seen, changed| Effects { linked: 2_000, seen, changed, ..Effects::default() };
        let sends = |mine, sent| Effects { linked: 2_000, mine, sent, ..Effects::default() };
        let usual = SyncOptions::default();
        for (all, some, stops) in [
            (19, 19, false),
            (20, 20, true),
            (22, 20, true),
            (23, 20, false),
            (1_000, 900, true),
            (1_000, 899, false),
        ] {
            assert_eq!(check(&changes(all, some), &usual).is_err(), stops, "{some} of {all}");
            assert_eq!(check(&sends(all, some), &usual).is_err(), stops, "{some} of {all}");
            assert_eq!(check(&changes(all, some), &accepting()), Ok(()));
            assert_eq!(check(&sends(all, some), &accepting()), Ok(()));
        }
        // On a small board everything is every single climb.
        let all = |linked, changed| Effects { linked, seen: linked, changed, ..Effects::default() };
        for (linked, changed, stops) in
            [(5, 5, false), (6, 6, true), (6, 5, false), (19, 19, true), (19, 18, false)]
        {
            assert_eq!(check(&all(linked, changed), &usual).is_err(), stops, "{changed} of {linked}");
            assert_eq!(check(&all(linked, changed), &accepting()), Ok(()));
        }
        let told = check(&changes(1_000, 1_000), &usual).unwrap_err().to_string();
        assert!(told.contains("1000 of 1000") && told.contains("--accept-changes"), "{told}");
    }

    proptest! {
        #[test]
        fn what_a_message_tells_to_say_lets_the_run_go_on(
            linked in 0..u64::MAX, listed in proptest::option::of(0..3_u64), archived: u64, deleted: u64,
            changed: u64, more: u64,
        ) {
            let seen = changed.saturating_add(more);
            let effects = Effects { linked, listed, archived, deleted, seen, changed, mine: seen, sent: changed };
            let mut options = SyncOptions::default();
            for _ in 0..5 {
                match check(&effects, &options) {
                    Ok(()) => return Ok(()),
                    Err(Guard::Empty { linked: count } | Guard::Archive { archived: count, .. } | Guard::Delete { deleted: count, .. }) => {
                        options.max_delete = MaxDelete::Count(count.max(match options.max_delete { MaxDelete::Count(before) => before, _ => 0 }));
                    }
                    Err(Guard::ChangesHere { .. } | Guard::ChangesThere { .. }) => options.accept_changes = true,
                }
            }
            prop_assert!(check(&effects, &options).is_ok(), "{effects:?}");
        }
    }
}
