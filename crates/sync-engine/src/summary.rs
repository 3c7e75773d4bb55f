//! The report as a short table for people.

use std::fmt::Write as _;

use mastoc_domain::Timestamp;

use crate::decision::clean;
use crate::ending::Ending;
use crate::report::{Issue, ListingReport, Report, Tally, Traffic};

/// Most problems that the table shows.
const MOST_SHOWN: usize = 10;
/// Most characters of a reason: the cause stands at its end, behind the request and what it asked for.
const LONGEST_REASON: usize = 500;

impl Report {
    /// A table of what was done, what went wrong, and what to do next. It ends with a line break.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut out = String::new();
        // Writing to a text never fails.
        let _ = self.write_summary(&mut out);
        out
    }

    /// What the operator can do now. `serve`: the command that serves what was imported.
    pub(crate) fn advice(&self, serve: &str) -> Vec<String> {
        let mut steps = Vec::new();
        match self.ending {
            Ending::Done if self.dry_run => {
                steps.push("nothing was written; run it without --dry-run to do this".to_owned());
            }
            Ending::Done if self.target.starts_with("http") => {
                steps.push(format!("the board is served at {}", self.target));
            }
            Ending::Done => steps.push(format!("serve the board with: {serve}")),
            Ending::Partial => {
                if !self.problems.is_empty() {
                    steps.push("look at the problems listed; what they name was left out".to_owned());
                }
                if self.counts.sum().quarantined > 0 {
                    steps.push(
                        "what was kept aside as quarantined comes by itself once Stokt sends it in order; until then \
                         running again does not help"
                            .to_owned(),
                    );
                }
                if self.images.missing_wall_pictures > 0
                    || self.gyms.iter().any(|gym| self.may_come(&gym.listing))
                {
                    steps.push(if self.is_stored {
                        "what is missing is not in the snapshot, or is damaged there: import from Stokt itself, or \
                         from a snapshot that is saved anew"
                            .to_owned()
                    } else {
                        "run the same command again to fetch what is missing".to_owned()
                    });
                }
            }
            Ending::Temporary | Ending::Interrupted => {
                steps.push("run the same command again later: it goes on where it stopped".to_owned());
            }
            Ending::Credentials => {
                steps.push(
                    "get a new token or check the password, then run again: it goes on where it stopped"
                        .to_owned(),
                );
            }
            Ending::Waiting => {
                steps.push("see what waits with: mastoc-sync conflicts, mastoc-sync outbox".to_owned());
            }
            Ending::Failed | Ending::Usage | Ending::Guard | Ending::Locked => {}
        }
        steps
    }

    /// Whether reading the listing again may show more. It does not where all that is missing are records that nobody
    /// can read, which count at Stokt and are known here by no id.
    fn may_come(&self, listing: &ListingReport) -> bool {
        let missing = listing.last.count_first.and_then(|count| count.checked_sub(listing.distinct));
        let is_explained = listing.last.ended
            && !listing.last.count_changed
            && missing.is_some_and(|missing| missing <= self.counts.climbs.quarantined);
        !listing.complete && !is_explained
    }

    fn write_summary(&self, out: &mut String) -> std::fmt::Result {
        let names: Vec<&str> = self.gyms.iter().map(|gym| gym.name.as_str()).collect();
        let what = if self.dry_run { "Dry run of the import" } else { "Import" };
        writeln!(
            out,
            "{what} of {} from {} into {}",
            clean(&names.join(", "), 200),
            self.origin,
            self.target
        )?;
        writeln!(out)?;
        writeln!(
            out,
            "{:<10}{:>10}{:>10}{:>12}{:>13}",
            "", "created", "updated", "unchanged", "quarantined"
        )?;
        for (name, tally) in self.counts.rows() {
            if name == "lists" && tally == Tally::default() {
                continue;
            }
            writeln!(
                out,
                "{name:<10}{:>10}{:>10}{:>12}{:>13}",
                tally.created, tally.updated, tally.unchanged, tally.quarantined
            )?;
        }
        writeln!(out)?;
        let images = &self.images;
        if self.dry_run {
            writeln!(out, "pictures   {} to be copied", images.wanted)?;
        } else {
            writeln!(
                out,
                "pictures   {} copied ({}), {} wall pictures and {} avatars missing",
                images.copied,
                bytes(images.bytes),
                images.missing_wall_pictures,
                images.missing_avatars
            )?;
        }
        traffic(out, &self.traffic)?;
        writeln!(out, "took       {:.1} s", self.seconds)?;
        for gym in &self.gyms {
            if let Some(flaw) = &gym.listing.flaw {
                writeln!(out, "incomplete {}: {}", clean(&gym.name, 60), clean(flaw, LONGEST_REASON))?;
            }
        }
        list(out, "problems", &self.problems, self.problems_omitted)?;
        list(out, "notes", &self.notes, self.notes_omitted)?;
        writeln!(out)?;
        writeln!(out, "{}", verdict(self.ending))?;
        for step in &self.next_steps {
            writeln!(out, "next: {step}")?;
        }
        Ok(())
    }
}

/// What was asked of Stokt, in a line.
pub(crate) fn traffic(out: &mut String, traffic: &Traffic) -> std::fmt::Result {
    writeln!(
        out,
        "Stokt      {} requests, {} repeated, {} throttled, {} read, {:.1} s waited",
        traffic.requests,
        traffic.retries,
        traffic.throttles,
        bytes(traffic.bytes),
        traffic.slept_seconds
    )
}

/// Problems or notes, the first of them.
pub(crate) fn list(out: &mut String, title: &str, issues: &[Issue], omitted: u64) -> std::fmt::Result {
    if issues.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:")?;
    for issue in issues.iter().take(MOST_SHOWN) {
        let (id, detail) = (clean(&issue.stokt_id, 60), clean(&issue.detail, LONGEST_REASON));
        writeln!(out, "  {} {id}: {} ({detail})", issue.kind, issue.code)?;
    }
    let rest = u64::try_from(issues.len().saturating_sub(MOST_SHOWN)).unwrap_or(u64::MAX) + omitted;
    if rest > 0 {
        writeln!(out, "  and {rest} more (--json lists up to 1000)")?;
    }
    Ok(())
}

/// The end in a few words.
pub(crate) fn verdict(ending: Ending) -> &'static str {
    match ending {
        Ending::Done => "done",
        Ending::Partial => "done in part",
        Ending::Waiting => "done; something waits for a person",
        Ending::Interrupted => "stopped on request; what is written stays",
        Ending::Temporary => "stopped for now; what is written stays",
        Ending::Failed | Ending::Usage | Ending::Guard | Ending::Credentials | Ending::Locked => "not done",
    }
}

/// A time as people read it: without fractions of seconds.
#[must_use]
pub fn in_seconds(at: Timestamp) -> String {
    at.as_utc().format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// How much, in a unit that fits.
pub(crate) fn bytes(count: u64) -> String {
    // Exact enough for people: an f64 holds whole numbers up to 9 PB.
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let count = count as f64;
    if count >= 1e6 {
        format!("{:.1} MB", count / 1e6)
    } else if count >= 1e3 {
        format!("{:.1} kB", count / 1e3)
    } else {
        format!("{count:.0} B")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_counts_problems_and_what_to_do() {
        let mut report = Report::begin("https://x.org/", "sqlite://board".into(), false);
        report.counts.climbs = Tally { created: 3, updated: 2, unchanged: 1, quarantined: 12 };
        for n in 0..12 {
            report.problem(Issue {
                kind: "climb".into(),
                stokt_id: n.to_string(),
                code: "bad_text".into(),
                detail: "a\u{1b}[31m\nb".into(),
            });
        }
        report.ending = Ending::Partial;
        report.next_steps = vec!["look".into()];
        let table = report.summary();
        assert!(table.contains("climbs             3         2           1           12"), "{table}");
        assert!(table.contains("and 2 more"), "{table}");
        assert!(!table.contains('\u{1b}') && table.ends_with("next: look\n"), "{table}");
    }
    #[test]
    fn running_again_is_advised_only_where_it_can_help() {
        let mut report = Report::begin("https://x.org/", "sqlite://board".into(), false);
        report.ending = Ending::Partial;
        report.counts.climbs.quarantined = 2;
        let again =
            |report: &Report| report.advice("serve").iter().any(|step| step.contains("run the same command"));
        assert!(!again(&report));
        assert!(report.advice("serve").iter().any(|step| step.contains("quarantined")));
        let mut listing = ListingReport { distinct: 8, ..ListingReport::default() };
        listing.last.page(Some(10), 0, true);
        assert!(!report.may_come(&listing), "the two that are missing are the two that nobody can read");
        listing.distinct = 7;
        assert!(report.may_come(&listing), "a third may come");
        listing.distinct = 8;
        listing.last.ended = false;
        assert!(report.may_come(&listing), "it broke off");
        report.images.missing_wall_pictures = 1;
        assert!(again(&report));
        report.is_stored = true;
        assert!(!again(&report), "a snapshot says the same every time");
        assert!(report.advice("serve").iter().any(|step| step.contains("saved anew")));
    }
}
