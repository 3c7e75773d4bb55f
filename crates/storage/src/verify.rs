//! Whether what is stored agrees with itself: links with rows, the audit with links, what both sides agreed on with what
//! stands here, the change log with the rows, the outbox and conflicts with the climbs, rows with what they refer to.
//!
//! Nothing is changed. The number of statements does not depend on how much there is, and neither does the memory: of
//! each kind of finding only the first ones are named.

mod contents;
mod queries;
mod references;

use diesel::prelude::*;
use mastoc_domain::StoktId;

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::gyms;
use crate::types::Id;

/// How many things a finding names.
pub const MOST_NAMED: usize = 20;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth a look; nothing is broken.
    Note,
    /// Something is wrong.
    Fault,
}

/// A kind of thing that may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// A stable word.
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What is wrong.
    pub what: &'static str,
    /// How to mend it.
    pub mend: &'static str,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is.
    pub check: Check,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub named: Vec<String>,
}

impl Finding {
    /// Nothing of this kind yet.
    #[must_use]
    pub fn none_of(check: Check) -> Self {
        Self { check, count: 0, named: Vec::new() }
    }

    /// Counts one more.
    pub fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(name());
        }
    }
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many rows of each kind there are, by table.
    pub counts: Vec<(&'static str, i64)>,
    /// What was found; kinds of which nothing was found are left out.
    pub findings: Vec<Finding>,
    /// How many kinds of things were looked for.
    pub checks: usize,
}

/// Looks for everything. `tell` hears what is looked for next. Call it in one consistent view of the data.
///
/// # Errors
/// When the database fails.
pub fn verify(conn: &mut ReadConn<'_>, tell: &mut dyn FnMut(&'static str)) -> Result<Verified, StoreError> {
    tell("counts");
    let mut verified = Verified { counts: queries::counts(conn)?, ..Verified::default() };
    for (check, of) in queries::CHECKS {
        tell(check.code);
        let found = queries::run(conn, *check, of())?;
        verified.take_in(found);
    }
    for found in references::check(conn, tell)? {
        verified.take_in(found);
    }
    tell(contents::NAME);
    for found in contents::check(conn)? {
        verified.take_in(found);
    }
    verified.findings.sort_by_key(|finding| std::cmp::Reverse(finding.check.level));
    Ok(verified)
}

impl Verified {
    fn take_in(&mut self, finding: Finding) {
        self.checks += 1;
        if finding.count > 0 {
            self.findings.push(finding);
        }
    }
}

/// The gyms that are linked to Stokt, by its ids.
///
/// # Errors
/// When the database fails.
pub fn linked_gyms(conn: &mut ReadConn<'_>) -> Result<Vec<StoktId>, StoreError> {
    let gyms: Vec<Option<Id>> = on_backend!(conn, |c| gyms::table
        .filter(gyms::stokt_id.is_not_null())
        .order(gyms::stokt_id.asc())
        .select(gyms::stokt_id)
        .load(c))?;
    Ok(gyms.into_iter().flatten().map(|gym| StoktId(gym.0)).collect())
}

/// Selects the names that a fragment selects as `s`, the first of them, and how many there are.
fn named(inner: &Fragment) -> Fragment {
    let mut sql = Fragment::new("SELECT q.s, count(*) OVER () FROM (");
    sql.append(inner).sql(") q ORDER BY q.s LIMIT ");
    sql.big(i64::try_from(MOST_NAMED).unwrap_or(i64::MAX));
    sql
}
