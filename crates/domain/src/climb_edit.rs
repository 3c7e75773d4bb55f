//! What may be written of a climb here: a draft is checked field by field against the rules and against what is
//! there, and becomes content; two contents tell what changed between them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::board::ClimbGrade;
use crate::grade::{FontGrade, Ircra, dankyu, hueco};
use crate::holds_list::{HoldsList, HoldsListViolation};
use crate::ids::HoldId;
use crate::text::{ClimbName, Description, FeetRule};

/// So many Font grades a position on the IRCRA scale may be away from the grade that it comes with: tables differ.
const GRADES_APART: i32 = 1;

/// The part of a climb that people edit, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ClimbContent {
    /// Its name.
    pub name: String,
    /// Its holds with their roles.
    pub holds_list: String,
    /// Its grade.
    pub grade: ClimbGrade,
    /// What feet may use.
    pub feet_rule: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Whether only its setter may see it.
    pub is_private: bool,
}

/// What somebody wants a climb to be. `None` is what was not said; `Some(None)` empties a field.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClimbDraft {
    /// Its name.
    pub name: Option<String>,
    /// Its holds with their roles.
    pub holds_list: Option<String>,
    /// Font grade, or `?`.
    pub grade_font: Option<Option<String>>,
    /// Position on the IRCRA scale; only said of new climbs.
    pub grade_ircra: Option<f64>,
    /// What feet may use.
    pub feet_rule: Option<Option<String>>,
    /// Free text.
    pub description: Option<Option<String>>,
    /// Whether only its setter may see it.
    pub is_private: Option<bool>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// Whether a climb may use a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldFit {
    /// It may.
    Fits,
    /// The hold is not on the climb's face, or not in the version of it that the climb was set on.
    Elsewhere,
    /// The hold is not on the wall any more.
    Retired,
}

impl ClimbDraft {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The holds it names, each once, so that they can be looked up; none where the list cannot be read.
    #[must_use]
    pub fn holds(&self) -> Vec<HoldId> {
        let list = self.holds_list.as_deref().and_then(|text| HoldsList::parse(text.trim()).ok());
        let holds: BTreeSet<HoldId> = list.iter().flat_map(HoldsList::iter).map(|token| token.hold).collect();
        holds.into_iter().collect()
    }

    /// What the climb becomes. Without `before` it is a new one. What is sent as it is stored is taken as it is, since
    /// imported climbs may break the rules; so are holds that the climb uses already.
    ///
    /// # Errors
    /// Everything that is wrong, each with its field.
    pub fn apply(
        &self,
        before: Option<&ClimbContent>,
        fit: impl Fn(HoldId) -> HoldFit,
    ) -> Result<ClimbContent, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let content = ClimbContent {
            name: self.new_name(before, &mut problems),
            holds_list: self.new_holds(before, fit, &mut problems),
            grade: self.new_grade(before, &mut problems),
            feet_rule: optional(
                "feet_rule",
                &self.feet_rule,
                before.map(|b| &b.feet_rule),
                &mut problems,
                |text| FeetRule::parse(text).map(|rule| rule.as_str().to_owned()),
            ),
            description: optional(
                "description",
                &self.description,
                before.map(|b| &b.description),
                &mut problems,
                |text| Description::parse(text).map(|text| text.as_str().to_owned()),
            ),
            is_private: self.is_private.or(before.map(|b| b.is_private)).unwrap_or(false),
        };
        if problems.is_empty() { Ok(content) } else { Err(problems) }
    }

    fn new_name(&self, before: Option<&ClimbContent>, problems: &mut Vec<FieldProblem>) -> String {
        match (&self.name, before) {
            (None, Some(before)) => return before.name.clone(),
            (Some(text), Some(before)) if *text == before.name => return text.clone(),
            (Some(text), _) => match ClimbName::parse(text) {
                Ok(name) => return name.as_str().to_owned(),
                Err(error) => problems.push(problem("name", error)),
            },
            (None, None) => problems.push(problem("name", "is needed")),
        }
        String::new()
    }

    fn new_holds(
        &self,
        before: Option<&ClimbContent>,
        fit: impl Fn(HoldId) -> HoldFit,
        problems: &mut Vec<FieldProblem>,
    ) -> String {
        let text = match (&self.holds_list, before) {
            (None, Some(before)) => return before.holds_list.clone(),
            (Some(text), Some(before)) if *text == before.holds_list => return text.clone(),
            (Some(text), _) => text.trim(),
            (None, None) => {
                problems.push(problem("holds_list", "is needed"));
                return String::new();
            }
        };
        let list = match HoldsList::parse(text) {
            Ok(list) => list,
            Err(error) => {
                problems.push(problem("holds_list", error));
                return String::new();
            }
        };
        let used = before.and_then(|before| HoldsList::parse(&before.holds_list).ok());
        let used: BTreeSet<HoldId> = used.iter().flat_map(HoldsList::iter).map(|token| token.hold).collect();
        problems.extend(list.violations().into_iter().map(|broken| problem("holds_list", broken)));
        for hold in self.holds() {
            match fit(hold) {
                HoldFit::Fits => {}
                _ if used.contains(&hold) => {}
                HoldFit::Elsewhere => {
                    problems.push(problem("holds_list", HoldsListViolation::NotOnFace(hold)));
                }
                HoldFit::Retired => {
                    problems.push(problem("holds_list", format!("hold {hold} is not on the wall any more")));
                }
            }
        }
        list.to_string()
    }

    fn new_grade(&self, before: Option<&ClimbContent>, problems: &mut Vec<FieldProblem>) -> ClimbGrade {
        if let Some(before) = before
            && self.grade_font.as_ref().is_none_or(|font| *font == before.grade.font)
        {
            return before.grade.clone();
        }
        let ircra = self.grade_ircra.and_then(|value| match Ircra::new(value) {
            Ok(ircra) => Some(ircra),
            Err(error) => {
                problems.push(problem("grade_ircra", error));
                None
            }
        });
        let font = match self.grade_font.as_ref().and_then(|font| filled(font.as_deref())) {
            None => ircra.map(FontGrade::from_ircra).filter(|grade| *grade != FontGrade::Ungraded),
            Some(text) => match FontGrade::parse(text) {
                Ok(grade) => Some(grade),
                Err(error) => {
                    problems.push(problem("grade_font", error));
                    return ClimbGrade::default();
                }
            },
        };
        let Some(font) = font else { return ClimbGrade::default() };
        if let Some(said) = ircra {
            let apart = (FontGrade::from_ircra(said).rank() - font.rank()).abs();
            // An ungraded climb has no position at all.
            let most = if font == FontGrade::Ungraded { 0 } else { GRADES_APART };
            if apart > most {
                let message =
                    format!("{} is far from the grade {font}; leave it out, and it follows", said.value());
                problems.push(problem("grade_ircra", message));
            }
        }
        let position = if font == FontGrade::Ungraded { None } else { ircra.or(font.ircra()) };
        ClimbGrade {
            font: Some(font.as_str().to_owned()),
            ircra: position.map(Ircra::value),
            hueco: Some(position.map_or("?", hueco).to_owned()),
            dankyu: Some(position.map_or("?", dankyu).to_owned()),
        }
    }
}

fn problem(field: &'static str, message: impl ToString) -> FieldProblem {
    FieldProblem { field, message: message.to_string() }
}

/// Text that says something.
fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

fn optional<E: std::fmt::Display>(
    field: &'static str,
    wanted: &Option<Option<String>>,
    before: Option<&Option<String>>,
    problems: &mut Vec<FieldProblem>,
    read: impl Fn(&str) -> Result<String, E>,
) -> Option<String> {
    match wanted {
        None => before.cloned().flatten(),
        Some(same) if Some(same) == before => same.clone(),
        Some(text) => match filled(text.as_deref()).map(read).transpose() {
            Ok(text) => text,
            Err(error) => {
                problems.push(problem(field, error));
                None
            }
        },
    }
}

/// One field that an edit changed. What was not there is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which field.
    pub field: String,
    /// What it was.
    pub before: Value,
    /// What it is.
    pub after: Value,
}

impl ClimbContent {
    fn fields(&self) -> [(&'static str, Value); 7] {
        [
            ("name", json!(self.name)),
            ("holds_list", json!(self.holds_list)),
            ("grade_font", json!(self.grade.font)),
            ("grade_ircra", json!(self.grade.ircra)),
            ("feet_rule", json!(self.feet_rule)),
            ("description", json!(self.description)),
            ("is_private", json!(self.is_private)),
        ]
    }
}

/// Which fields differ between two contents; a climb that is new or gone differs from null in all that say something.
#[must_use]
pub fn changes(before: Option<&ClimbContent>, after: Option<&ClimbContent>) -> Vec<FieldChange> {
    let fields = |content: Option<&ClimbContent>| content.map(ClimbContent::fields).unwrap_or_default();
    let names = after.or(before).map(ClimbContent::fields).unwrap_or_default();
    fields(before)
        .into_iter()
        .zip(fields(after))
        .zip(names)
        .filter(|(((_, before), (_, after)), _)| before != after)
        .map(|(((_, before), (_, after)), (field, _))| FieldChange { field: field.to_owned(), before, after })
        .collect()
}

#[cfg(test)]
mod tests;
