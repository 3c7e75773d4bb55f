//! Counting the climbs of a listing that is read more than once: each climb once, as the last reading found it.

use crate::decision::Decided;
use crate::report::{Issue, Report, Tally};

/// What a report says when a listing begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListingMark {
    climbs: Tally,
    decisions: usize,
    problems: usize,
    notes: usize,
    /// Climbs that earlier readings of this run wrote: the last one finds them unchanged.
    written_before: u64,
}

impl ListingMark {
    /// The mark of a listing that begins now.
    pub(crate) fn of(report: &Report) -> Self {
        Self {
            climbs: report.counts.climbs,
            decisions: report.decisions.listed.len(),
            problems: report.problems.len(),
            notes: report.notes.len(),
            written_before: 0,
        }
    }

    /// The listing is read again. What was refused, kept or unchanged comes again, and is told then; in a dry run,
    /// which writes nothing, everything does.
    pub(crate) fn begin_again(&mut self, report: &mut Report) {
        let now = report.counts.climbs;
        let comes_again = |decided: Decided| match decided {
            Decided::Created | Decided::Updated => report.dry_run,
            _ => true,
        };
        let again = if report.dry_run {
            now.created + now.updated + now.quarantined
                - (self.climbs.created + self.climbs.updated + self.climbs.quarantined)
        } else {
            now.quarantined - self.climbs.quarantined
        };
        report.counts.climbs = if report.dry_run {
            self.climbs
        } else {
            Tally { created: now.created, updated: now.updated, ..self.climbs }
        };
        self.written_before = report.counts.climbs.created + report.counts.climbs.updated
            - (self.climbs.created + self.climbs.updated);
        let mut listed = 0;
        retain_from(&mut report.decisions.listed, self.decisions, |one| {
            let goes = one.kind == "climb" && comes_again(one.decision);
            listed += u64::from(goes && one.decision != Decided::KeptLocal);
            !goes
        });
        report.decisions.omitted = report.decisions.omitted.saturating_sub(again.saturating_sub(listed));
        for (issues, from, omitted) in [
            (&mut report.problems, self.problems, &mut report.problems_omitted),
            (&mut report.notes, self.notes, &mut report.notes_omitted),
        ] {
            // What was not listed any more was the listing's: nothing else comes by the thousand.
            *omitted = 0;
            retain_from(issues, from, |issue: &Issue| issue.kind != "climb");
        }
    }

    /// The listing was read for the last time, or to the point where the run stops.
    pub(crate) fn end(&self, report: &mut Report) {
        let unchanged = &mut report.counts.climbs.unchanged;
        let found = *unchanged - self.climbs.unchanged;
        *unchanged = self.climbs.unchanged + found.saturating_sub(self.written_before);
    }
}

/// Keeps everything before `from`, and of the rest what `keep` says.
fn retain_from<T>(list: &mut Vec<T>, from: usize, mut keep: impl FnMut(&T) -> bool) {
    let mut at = 0;
    list.retain(|item| {
        at += 1;
        at <= from || keep(item)
    });
}

#[cfg(test)]
mod tests {
    use mastoc_domain::sync_state::EntityKind;

    use super::*;
    use crate::decision::Decision;
    use crate::report::Written;

    fn written(tally: Tally) -> Written {
        let quarantined = tally.quarantined > 0;
        let issue =
            Issue { kind: "climb".into(), stokt_id: "9".into(), code: "c".into(), detail: "d".into() };
        let mut decisions =
            vec![Decision::new(EntityKind::Climb, "1", Decided::Created); tally.created as usize];
        decisions.extend(quarantined.then(|| Decision::new(EntityKind::Climb, "9", Decided::Quarantined)));
        let problems = if quarantined { vec![issue] } else { vec![] };
        Written { kind: EntityKind::Climb, tally, decisions, problems, notes: vec![] }
    }

    fn report(dry_run: bool) -> Report {
        let mut report = Report::begin("https://x.org/", "sqlite://x".into(), dry_run);
        // Another gym's climbs came before.
        report.add(written(Tally { created: 2, unchanged: 5, quarantined: 1, ..Tally::default() }));
        report
    }

    #[test]
    fn a_second_reading_counts_nothing_twice() {
        let mut report = report(false);
        let mut mark = ListingMark::of(&report);
        report.add(written(Tally { created: 3, unchanged: 10, quarantined: 1, ..Tally::default() }));
        mark.begin_again(&mut report);
        report.add(written(Tally { created: 1, unchanged: 13, quarantined: 1, ..Tally::default() }));
        mark.end(&mut report);
        let expected = Tally { created: 2 + 3 + 1, updated: 0, unchanged: 5 + 10, quarantined: 1 + 1 };
        assert_eq!(report.counts.climbs, expected);
        assert_eq!((report.problems.len(), report.decisions.listed.len()), (2, 8));
        assert_eq!(report.decisions.omitted, 0);
    }

    #[test]
    fn in_a_dry_run_the_last_reading_alone_counts() {
        let mut report = report(true);
        let mut mark = ListingMark::of(&report);
        report.add(written(Tally { created: 13, quarantined: 1, ..Tally::default() }));
        mark.begin_again(&mut report);
        report.add(written(Tally { created: 14, quarantined: 1, ..Tally::default() }));
        mark.end(&mut report);
        let expected = Tally { created: 2 + 14, updated: 0, unchanged: 5, quarantined: 1 + 1 };
        assert_eq!(report.counts.climbs, expected);
        assert_eq!((report.problems.len(), report.decisions.listed.len()), (2, 18));
    }

    #[test]
    fn a_single_reading_stays_as_it_was_counted() {
        let mut report = report(false);
        let mark = ListingMark::of(&report);
        report.add(written(Tally { created: 3, unchanged: 10, ..Tally::default() }));
        let counted = report.counts.climbs;
        mark.end(&mut report);
        assert_eq!(report.counts.climbs, counted);
    }
}
