//! What a person should hear of at once, and has not heard yet.

use std::collections::BTreeSet;

use mastoc_storage::Store;
use mastoc_storage::runs::{self, RunDirection};

use crate::decision::Decided;
use crate::ending::Ending;
use crate::report::Report;

/// Decisions that wait for a person, or are on record until somebody does something. An open conflict is decided about
/// again only when Stokt says something new; of these the run before may have told the same.
const STANDING: [Decided; 4] =
    [Decided::Ambiguous, Decided::HeldBack, Decided::Rejected, Decided::Quarantined];

impl Report {
    /// Whether this run came upon anything that a person should hear of at once: a new conflict, a climb that Stokt
    /// refuses, a problem, an end that does not heal by itself. What waits since an earlier run, or was told by the run
    /// before, is no news.
    #[must_use]
    pub fn is_news(&self) -> bool {
        let tellings = self.tellings();
        let is_new = tellings.iter().any(|one| !self.told_before.contains(one));
        let heals = match self.ending {
            // Whatever was not done stands among the problems.
            Ending::Partial => !tellings.is_empty(),
            Ending::Done | Ending::Waiting | Ending::Temporary | Ending::Locked | Ending::Interrupted => true,
            Ending::Failed | Ending::Usage | Ending::Guard | Ending::Credentials => false,
        };
        !heals || is_new || self.count(Decided::Conflict) > 0
    }

    /// What would be told again by a run that finds everything as it is now, in words that are the same then.
    fn tellings(&self) -> BTreeSet<String> {
        let problems = self
            .problems
            .iter()
            .map(|one| format!("{} {} {}: {}", one.kind, one.stokt_id, one.code, one.detail));
        let is_partial = self.ending == Ending::Partial;
        let is_told = |decided| STANDING.contains(&decided) || (decided == Decided::Unknown && is_partial);
        let decisions = self.decisions.listed.iter().filter(|one| is_told(one.decision)).map(|one| {
            // How far the looking for what was cut came is no news.
            let why = one.why.as_deref().filter(|_| one.decision != Decided::Unknown).unwrap_or_default();
            format!("{} {} {:?}: {why}", one.kind, one.stokt_id, one.decision)
        });
        let incomplete = self.gyms.iter().filter(|gym| is_partial && !gym.listing.complete);
        let incomplete = incomplete.map(|gym| format!("gym {} is not listed completely", gym.stokt_id));
        problems.chain(decisions).chain(incomplete).collect()
    }

    /// Reads what the run before in the same direction told, where that matters.
    pub(super) fn compare_with_last(&mut self, store: &Store, direction: RunDirection) {
        if self.tellings().is_empty() {
            return;
        }
        // Where it cannot be read, everything is news.
        let last = store.read(|conn| runs::last_report(conn, direction, &self.origin)).ok().flatten();
        let last = last.and_then(|report| serde_json::from_value::<Self>(report).ok());
        self.told_before = last.map(|report| report.tellings()).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use mastoc_domain::sync_state::EntityKind;

    use super::*;
    use crate::decision::Decision;
    use crate::report::Issue;

    fn report() -> Report {
        let mut report = Report::begin("https://x.org/", "sqlite://board".into(), false);
        report.ending = Ending::Done;
        report
    }

    fn climb(decided: Decided, name: &str) -> Decision {
        Decision::new(EntityKind::Climb, "77", decided).named(name)
    }

    #[test]
    fn only_what_needs_a_person_is_news() {
        assert!(!report().is_news());
        for decided in
            [Decided::Created, Decided::Sent, Decided::Archived, Decided::Unknown, Decided::Skipped]
        {
            let mut report = report();
            report.decide(climb(decided, "x"));
            assert!(!report.is_news(), "{decided:?}");
        }
        for decided in [
            Decided::Conflict,
            Decided::Ambiguous,
            Decided::HeldBack,
            Decided::Rejected,
            Decided::Quarantined,
        ] {
            let mut report = report();
            report.decide(climb(decided, "x"));
            assert!(report.is_news(), "{decided:?}");
        }
        for (ending, news) in [
            (Ending::Waiting, false),
            (Ending::Temporary, false),
            (Ending::Locked, false),
            (Ending::Interrupted, false),
            (Ending::Partial, true),
            (Ending::Failed, true),
            (Ending::Guard, true),
            (Ending::Credentials, true),
            (Ending::Usage, true),
        ] {
            let mut report = report();
            report.ending = ending;
            assert_eq!(report.is_news(), news, "{ending:?}");
        }
        let mut report = report();
        let (kind, stokt_id) = ("climb".to_owned(), "1".to_owned());
        report.problem(Issue { kind, stokt_id, code: "bad".into(), detail: "d".into() });
        assert!(report.is_news());
    }

    #[test]
    fn what_the_run_before_told_is_no_news_but_anything_beside_it_is() {
        let problem = |detail: &str| Issue {
            kind: "climb".into(),
            stokt_id: "77".into(),
            code: "rejected".into(),
            detail: detail.into(),
        };
        let mut first = report();
        first.ending = Ending::Partial;
        first.problem(problem("its name is too short"));
        first.decide(climb(Decided::Rejected, "ab").because("its name is too short"));
        first.decide(climb(Decided::Ambiguous, "twin").because("which?"));
        first.decide(climb(Decided::HeldBack, "restored").because("Stokt already has one"));
        assert!(first.is_news());
        let after = |change: &dyn Fn(&mut Report)| {
            let mut next = first.clone();
            next.told_before = first.tellings();
            change(&mut next);
            next.is_news()
        };
        assert!(!after(&|_| ()));
        assert!(!after(&|next| next.problems.clear()), "less than before");
        assert!(after(&|next| next.problem(problem("it has no top"))));
        assert!(after(&|next| next.decide(climb(Decided::Conflict, "x"))));
        assert!(after(&|next| next.decide(Decision::new(EntityKind::Climb, "78", Decided::Rejected))));
        assert!(
            after(&|next| next.ending = Ending::Guard),
            "a run that was stopped is told as long as it is"
        );
    }
}
