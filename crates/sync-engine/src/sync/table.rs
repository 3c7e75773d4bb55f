//! The report of a synchronisation as a short table for people: what happened to how many climbs, and to which.
//!
//! It is fit for a mailbox: plain text, no line longer than it has to be, the most important things last, where a
//! reader of a terminal looks, and nothing at all where nothing needs a person and only that was asked for.

use std::fmt::Write as _;

use crate::decision::{Decided, Decision, clean};
use crate::ending::Ending;
use crate::report::{GymReport, Report, Tally};
use crate::summary;

/// Most names that a line shows.
const MOST_NAMES: usize = 8;
/// Most climbs that are told one by one, with their reasons.
const MOST_TOLD: usize = 20;
/// Most characters of a reason that says what to type.
const MOST_TYPED: usize = 2_000;

/// The lines of the table, in their order: what was decided, and what people call it, done or in a dry run.
const LINES: &[(Decided, &str)] = &[
    (Decided::Created, "new here"),
    (Decided::Updated, "changed here"),
    (Decided::Merged, "merged here"),
    (Decided::Rebased, "changed alike"),
    (Decided::Unarchived, "back again"),
    (Decided::Archived, "archived here"),
    (Decided::Removed, "removed here"),
    (Decided::Retired, "gone on both sides"),
    (Decided::KeptDeleted, "stays deleted here"),
    (Decided::KeptLocal, "kept as changed here"),
    (Decided::Sent, "new at Stokt"),
    (Decided::Adopted, "found at Stokt"),
    (Decided::Patched, "changed at Stokt"),
    (Decided::DeletedThere, "deleted at Stokt"),
];

/// What is told one by one, with its reason: what somebody may have to do something about.
const TOLD: &[(Decided, &str)] = &[
    (Decided::Skipped, "not done by this run"),
    (Decided::Unknown, "sent, but what became of it is not known yet; the next runs will look"),
    (Decided::Rejected, "not sent, or refused by Stokt"),
    (Decided::Quarantined, "kept aside"),
    (Decided::Ambiguous, "sent, and several at Stokt may be it; a person decides"),
    (Decided::HeldBack, "held back and not sent, since Stokt has one just like it; a person decides"),
    (Decided::Conflict, "changed on both sides"),
];

impl Report {
    /// A table of what a synchronisation did, or would do, and what to do next. It ends with a line break.
    #[must_use]
    pub fn sync_summary(&self) -> String {
        let mut out = String::new();
        // Writing to a text never fails.
        let _ = self.write_sync(&mut out);
        out
    }

    /// What the operator can do after a synchronisation.
    pub(crate) fn sync_advice(&self) -> Vec<String> {
        let mut steps = Vec::new();
        if self.dry_run && matches!(self.ending, Ending::Done | Ending::Waiting) {
            steps.push("nothing was written; run it without --dry-run to do this".to_owned());
        }
        match self.ending {
            Ending::Waiting => steps.push(
                "see what waits with mastoc-sync conflicts and mastoc-sync outbox, and settle it there"
                    .to_owned(),
            ),
            Ending::Partial => {
                steps.push("look at what is listed; run the same command again to do what is left".to_owned())
            }
            Ending::Temporary | Ending::Interrupted => {
                steps.push("run the same command again later: it goes on where it stopped".to_owned());
            }
            Ending::Credentials => {
                steps.push("get a new token or check the password, then run again".to_owned());
            }
            Ending::Locked => {
                steps.push("wait for the other run to end, or see it with mastoc-sync status".to_owned());
            }
            Ending::Done | Ending::Failed | Ending::Usage | Ending::Guard => {}
        }
        steps
    }

    fn write_sync(&self, out: &mut String) -> std::fmt::Result {
        let what = match (self.dry_run, self.ending) {
            (true, _) => "Dry run",
            (false, Ending::Done | Ending::Waiting | Ending::Partial) => "Synchronised",
            (false, _) => "Stopped synchronising",
        };
        // A gym that nobody knows yet has no name.
        let name = |gym: &GymReport| match gym.name.as_str() {
            "" => format!("gym {}", gym.stokt_id),
            name => name.to_owned(),
        };
        let names: Vec<String> = self.gyms.iter().map(name).collect();
        let names = clean(&names.join(", "), 200);
        let way = match self.direction.as_str() {
            "stokt-to-mastoc" => "from Stokt to here",
            "mastoc-to-stokt" => "from here to Stokt",
            _ => "both ways",
        };
        let how = if self.mode == "full" { "everything" } else { "what is new" };
        let said: Vec<&str> =
            [names.as_str(), way, how].into_iter().filter(|part| !part.is_empty()).collect();
        writeln!(out, "{what}: {}", said.join(", "))?;
        writeln!(out, "Stokt at {}, board in {}\n", self.origin, self.target)?;
        let mut any = self.board(out)?;
        for (decided, label) in LINES {
            any |= self.line(out, *decided, label)?;
        }
        for (decided, label) in TOLD {
            any |= self.told(out, *decided, label, any)?;
        }
        if !any {
            writeln!(out, "nothing changed")?;
        }
        writeln!(out)?;
        summary::traffic(out, &self.traffic)?;
        writeln!(out, "took       {:.1} s", self.seconds)?;
        for gym in &self.gyms {
            if let Some(flaw) = &gym.listing.flaw {
                writeln!(out, "incomplete {}: {}", clean(&gym.name, 60), clean(flaw, 200))?;
            }
        }
        summary::list(out, "problems", &self.problems, self.problems_omitted)?;
        summary::list(out, "notes", &self.notes, self.notes_omitted)?;
        writeln!(out, "\n{}", summary::verdict(self.ending))?;
        for step in &self.next_steps {
            writeln!(out, "next: {step}")?;
        }
        Ok(())
    }

    /// What came of the board itself and of pictures. Whether there was anything to say.
    fn board(&self, out: &mut String) -> Result<bool, std::fmt::Error> {
        let made = |what: fn(&Tally) -> u64| -> String {
            let rows = self.counts.rows();
            // Climbs are told one by one.
            let rows =
                rows.iter().filter(|(name, tally)| !["climbs", "lists"].contains(name) && what(tally) > 0);
            let told = rows.map(|(name, tally)| match what(tally) {
                1 => format!("1 {}", name.trim_end_matches('s')),
                count => format!("{count} {name}"),
            });
            told.collect::<Vec<_>>().join(", ")
        };
        let mut any = false;
        for (label, text) in [
            ("board, new here", made(|tally| tally.created)),
            ("board, changed here", made(|tally| tally.updated)),
        ] {
            if !text.is_empty() {
                any = true;
                writeln!(out, "{label:<26}   {text}")?;
            }
        }
        let images = &self.images;
        if images.copied > 0 {
            any = true;
            writeln!(
                out,
                "{:<20}{:>6}   {}",
                "pictures copied",
                images.copied,
                summary::bytes(images.bytes)
            )?;
        }
        let missing = images.missing_wall_pictures + images.missing_avatars;
        if missing > 0 {
            any = true;
            let walls = images.missing_wall_pictures;
            writeln!(out, "{:<20}{missing:>6}   {walls} of them of walls", "pictures missing")?;
        }
        Ok(any)
    }

    fn of(&self, decided: Decided) -> impl Iterator<Item = &Decision> {
        self.decisions.listed.iter().filter(move |one| one.decision == decided)
    }

    /// One line of the table: how many, and their names. Whether there was anything to say.
    fn line(&self, out: &mut String, decided: Decided, label: &str) -> Result<bool, std::fmt::Error> {
        let count = self.count(decided);
        if count == 0 {
            return Ok(false);
        }
        let names: Vec<&str> =
            self.of(decided).filter_map(|one| one.name.as_deref()).take(MOST_NAMES).collect();
        let rest = count.saturating_sub(names.len() as u64);
        let more = match (names.is_empty(), rest) {
            (true, _) | (_, 0) => String::new(),
            (false, rest) => format!(" and {rest} more"),
        };
        writeln!(out, "{label:<20}{count:>6}   {}{more}", names.join(", "))?;
        Ok(true)
    }

    /// Climbs one by one, with their reasons, set off from what stands above. Whether there was anything to say.
    fn told(
        &self,
        out: &mut String,
        decided: Decided,
        label: &str,
        is_anything_above: bool,
    ) -> Result<bool, std::fmt::Error> {
        // What a pull leaves to a person, a push passes over as well; and what is held back names what it is held back
        // for: that is told once.
        let names = |held: &Decision, id: &str| held.why.as_deref().is_some_and(|why| why.contains(id));
        let twice = |one: &&Decision| {
            decided == Decided::Skipped
                && (self.of(Decided::Conflict).any(|other| other.stokt_id == one.stokt_id)
                    || self.of(Decided::HeldBack).any(|held| names(held, &one.stokt_id)))
        };
        let again = self.of(decided).filter(twice).count() as u64;
        let count = self.count(decided).saturating_sub(again);
        if count == 0 {
            return Ok(false);
        }
        if is_anything_above {
            writeln!(out)?;
        }
        writeln!(out, "{label}: {count}")?;
        let mut shown = 0;
        for one in self.of(decided).filter(|one| !twice(one)).take(MOST_TOLD) {
            shown += 1;
            write!(out, "  {} ({} {})", one.called(), one.kind, one.stokt_id)?;
            match &one.why {
                // What somebody is to type is of no use if it is cut.
                Some(why) if matches!(decided, Decided::Ambiguous | Decided::HeldBack) => {
                    writeln!(out, ": {}", clean(why, MOST_TYPED))?;
                }
                Some(why) => writeln!(out, ": {}", clean(why, 200))?,
                None => writeln!(out)?,
            }
        }
        if count > shown {
            writeln!(out, "  and {} more (--json lists them)", count - shown)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use mastoc_domain::sync_state::EntityKind;

    use super::*;

    fn report() -> Report {
        let mut report = Report::begin("https://x.org/", "sqlite://board".into(), false);
        report.direction = "both".to_owned();
        report.mode = "incremental".to_owned();
        report.ending = Ending::Done;
        report
    }

    fn climb(decided: Decided, name: &str) -> Decision {
        Decision::new(EntityKind::Climb, "77", decided).named(name)
    }

    #[test]
    fn the_table_names_what_changed_and_leaves_out_what_did_not() {
        let mut report = report();
        for n in 0..11 {
            report.decide(climb(Decided::Created, &format!("Slab {n}")));
        }
        report.decide(climb(Decided::Sent, "Home\u{1b} made"));
        report.decide(climb(Decided::Conflict, "Roof").because("name"));
        report.decide(climb(Decided::Skipped, "Roof").because("a conflict waits"));
        let table = report.sync_summary();
        assert!(table.starts_with("Synchronised: both ways, what is new\n"), "{table}");
        assert!(table.contains("new here                11   Slab 0, Slab 1, "), "{table}");
        assert!(table.contains("Slab 7 and 3 more\n"), "{table}");
        assert!(table.contains("new at Stokt             1   Home  made\n"), "{table}");
        assert!(table.contains("changed on both sides: 1\n  Roof (climb 77): name\n"), "{table}");
        assert!(
            !table.contains("archived")
                && !table.contains("not done by")
                && !table.contains("nothing changed"),
            "{table}"
        );
        assert!(!table.contains('\u{1b}') && table.ends_with("\ndone\n"), "{table}");
        // A run that found nothing says that.
        assert!(super::tests::report().sync_summary().contains("\nnothing changed\n"));
    }

    #[test]
    fn a_conflict_alone_leaves_no_hole_and_a_run_that_was_stopped_does_not_say_that_it_synchronised() {
        let mut report = report();
        report.decide(climb(Decided::Conflict, "Roof").because("fields: name"));
        let table = report.sync_summary();
        assert!(
            table.contains("board\n\nchanged on both sides: 1\n  Roof") && !table.contains("\n\n\n"),
            "{table}"
        );
        report.ending = Ending::Guard;
        assert!(report.sync_summary().starts_with("Stopped synchronising: "), "{}", report.sync_summary());
    }

    #[test]
    fn a_board_and_pictures_that_came_are_no_nothing() {
        let mut report = report();
        report.counts.holds.created = 60;
        report.counts.faces.created = 1;
        report.counts.setters.updated = 2;
        report.images.copied = 25;
        report.images.missing_avatars = 1;
        let table = report.sync_summary();
        for line in [
            "board, new here              1 face, 60 holds\n",
            "board, changed here          2 setters\n",
            "pictures copied         25   0 B\n",
            "pictures missing         1   0 of them of walls\n",
        ] {
            assert!(table.contains(line), "{line}{table}");
        }
        assert!(!table.contains("nothing changed"), "{table}");
    }

    #[test]
    fn every_decision_has_its_place_in_the_table() {
        let all: Vec<Decided> = LINES.iter().chain(TOLD).map(|(decided, _)| *decided).collect();
        for decided in &all {
            assert_eq!(all.iter().filter(|one| *one == decided).count(), 1, "{decided:?}");
            let mut report = report();
            report.decide(climb(*decided, "Somewhere"));
            assert!(report.sync_summary().contains("Somewhere"), "{decided:?}");
        }
        // As many as there are: a new one is not forgotten.
        assert_eq!(all.len(), 21);
    }
}
