//! Contract watch: whether Stokt's records still have the shape that we know.
//!
//! Every record that a run reads is shown to the [`Watch`] before anything is written. It counts and keeps none, so
//! its memory does not grow with the board. At the end, [`Watch::finish`]:
//!
//! - stops the run where a field that matters is missing, or of another type, in the great majority of a kind's
//!   records (at least nine of ten; of climbs, holds and setters also at least three). Fewer than that are odd
//!   records: [`flaw`] tells of each, so that it is set aside and the others go on;
//! - reports, once per kind and field, fields that are new (their content is kept with the record) and fields that do
//!   not matter to synchronising but changed their type or went away.
//!
//! A field matters when nothing can be done without it (ids, holds, times), or when its absence would pass for an edit
//! that somebody made to every climb (name, privacy, tags, ...).

mod shapes;

use std::collections::BTreeMap;

use mastoc_domain::import::ItemProblem;
use mastoc_stokt_client::Page;
use mastoc_stokt_client::types::Climb;
use serde_json::{Value, json};

use self::shapes::{Checked, Shape};
use crate::convert::Refused;
use crate::error::EngineError;
use crate::report::Issue;

/// Most new fields of one kind that are told apart; more are not counted.
const MOST_NEW: usize = 64;
/// Most characters of a new field's name that are kept.
const LONGEST_NAME: usize = 80;

/// What a record is. Records inside records have kinds of their own, and are found by the watch itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `users/me`.
    Account,
    /// A gym's summary, with its walls.
    Gym,
    /// A wall of the list of walls, with what it says of its faces.
    Wall,
    /// A face as its wall lists it.
    FaceOfWall,
    /// A face's set-up, with its holds.
    Face,
    /// A hold.
    Hold,
    /// What surrounds the records of a listing.
    Page,
    /// A climb, with its setter and grade.
    Climb,
    /// A climb's setter.
    Setter,
    /// A climb's grade.
    Grade,
}

impl Kind {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Gym => "gym",
            Self::Wall => "wall",
            Self::FaceOfWall => "face of a wall",
            Self::Face => "face",
            Self::Hold => "hold",
            Self::Page => "page",
            Self::Climb => "climb",
            Self::Setter => "setter",
            Self::Grade => "grade",
        }
    }

    /// Fewest records that can show that the shape has changed: there are many of these kinds, and one may be odd.
    fn fewest(self) -> u64 {
        match self {
            Self::Hold | Self::Climb | Self::Setter | Self::Grade => 3,
            _ => 1,
        }
    }
}

/// What is wrong with one field, counted.
#[derive(Debug, Clone, Copy, Default)]
struct Wrong {
    records: u64,
    /// What the first of them had.
    found: &'static str,
}

/// What was seen of one kind.
#[derive(Debug, Default)]
struct Seen {
    records: u64,
    /// For each checked field of the shape, in its order.
    wrong: Vec<Wrong>,
    /// New fields: in how many records, and what the first had.
    new: BTreeMap<String, Wrong>,
}

/// Watches over the shapes of all records of a run.
///
/// ```
/// use mastoc_sync_engine::sync::contract::{Kind, Watch};
/// let mut watch = Watch::new();
/// let me = serde_json::json!({"id": "1f0c6c7e-6f3c-4a53-9d2c-1f2e3d4c5b6a", "shoeSize": 42});
/// watch.record(Kind::Account, &me);
/// let issues = watch.finish().unwrap();
/// assert!(issues.iter().any(|issue| issue.stokt_id == "shoeSize" && issue.code == "new_field"));
/// ```
#[derive(Debug, Default)]
pub struct Watch {
    seen: BTreeMap<Kind, Seen>,
}

impl Watch {
    /// A watch that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at a record as it came, and at the records in it.
    pub fn record(&mut self, kind: Kind, record: &Value) {
        let shape = shapes::of(kind);
        let seen = self.seen.entry(kind).or_default();
        seen.look(shape, record);
        for inner in shape.inner {
            match record.get(inner.field) {
                Some(Value::Array(records)) if inner.is_list => {
                    records.iter().for_each(|record| self.record(inner.kind, record));
                }
                Some(record @ Value::Object(_)) if !inner.is_list => self.record(inner.kind, record),
                _ => {}
            }
        }
    }

    /// Looks at a page of a paged listing of climbs: at what surrounds the records, and at each of them.
    pub fn page(&mut self, page: &Page<Climb>) {
        self.record(Kind::Page, &json!({ "count": page.count, "next": page.next, "results": [] }));
        for climb in &page.records {
            self.record(Kind::Climb, &climb.raw);
        }
    }

    /// What is to be reported of the shapes seen.
    ///
    /// # Errors
    /// [`EngineError::Shape`], which ends the run as a guard does, when a field that matters has changed.
    pub fn finish(&self) -> Result<Vec<Issue>, EngineError> {
        let mut issues = Vec::new();
        let mut broken = Vec::new();
        for (kind, seen) in &self.seen {
            for (checked, wrong) in shapes::of(*kind).checked.iter().zip(&seen.wrong) {
                if wrong.records * 10 < seen.records * 9 || seen.records < kind.fewest() {
                    continue;
                }
                let told = format!(
                    "{}: field `{}` should be {}, found {} in {} of {} records",
                    kind.as_str(),
                    checked.field,
                    checked.expects,
                    wrong.found,
                    wrong.records,
                    seen.records
                );
                if checked.matters {
                    broken.push(told);
                } else {
                    issues.push(issue(*kind, checked.field, "changed_field", told));
                }
            }
            for (field, new) in &seen.new {
                let told = format!(
                    "{}: field `{field}` is new: {} in {} of {} records; it is kept as it comes",
                    kind.as_str(),
                    new.found,
                    new.records,
                    seen.records
                );
                issues.push(issue(*kind, field, "new_field", told));
            }
        }
        if broken.is_empty() { Ok(issues) } else { Err(Refused::new("contract", broken.join("; ")).into()) }
    }
}

fn issue(kind: Kind, field: &str, code: &str, detail: String) -> Issue {
    Issue { kind: kind.as_str().to_owned(), stokt_id: field.to_owned(), code: code.to_owned(), detail }
}

impl Seen {
    fn look(&mut self, shape: &Shape, record: &Value) {
        self.records += 1;
        self.wrong.resize(shape.checked.len(), Wrong::default());
        for (checked, wrong) in shape.checked.iter().zip(&mut self.wrong) {
            let found = record.get(checked.field);
            if !checked.fits(found) {
                if wrong.records == 0 {
                    wrong.found = shapes::type_of(found);
                }
                wrong.records += 1;
            }
        }
        let Value::Object(fields) = record else { return };
        for (field, value) in fields.iter().filter(|(field, _)| !shape.knows(field)) {
            let name: String =
                field.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
            if self.new.len() < MOST_NEW || self.new.contains_key(&name) {
                let new = self.new.entry(name).or_default();
                if new.records == 0 {
                    new.found = shapes::type_of(Some(value));
                }
                new.records += 1;
            }
        }
    }
}

/// What is wrong with one record: a field that matters is missing or of another type. Such a record is set aside, since
/// to write it would pass for an edit.
#[must_use]
pub fn flaw(kind: Kind, record: &Value) -> Option<ItemProblem> {
    let wrong = |checked: &&Checked| checked.matters && !checked.fits(record.get(checked.field));
    let checked = shapes::of(kind).checked.iter().find(wrong)?;
    let found = shapes::type_of(record.get(checked.field));
    Some(ItemProblem {
        code: "odd_field".to_owned(),
        detail: format!("field `{}` should be {}, found {found}", checked.field, checked.expects),
    })
}

#[cfg(test)]
mod tests;
