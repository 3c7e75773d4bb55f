//! A gym at a glance as JSON.

use mastoc_storage::gyms::GymSummary;
use serde::Serialize;
use utoipa::ToSchema;

use super::board::{GymJson, SetterJson};
use super::climb::ClimbJson;

/// How many climbs have a grade.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GradeCount)]
pub(crate) struct GradeCountJson {
    /// Font grade; `?` stands for every ungraded climb.
    grade: String,
    /// How many climbs have it.
    climbs: i64,
}

/// A gym at a glance; only what the caller may see counts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GymSummary)]
pub(crate) struct GymSummaryJson<'a> {
    /// The gym.
    #[serde(flatten)]
    gym: GymJson<'a>,
    /// How many walls it has.
    walls_count: i64,
    /// How many faces.
    faces_count: i64,
    /// How many holds in the faces' current versions.
    holds_count: i64,
    /// How many climbs.
    climbs_count: i64,
    /// How many people set them.
    setters_count: i64,
    /// Climbs by grade, the easiest first; grades without climbs are left out.
    grades: Vec<GradeCountJson>,
    /// The newest climbs, the latest first.
    newest: Vec<ClimbJson<'a>>,
    /// Who set most, most first.
    setters: Vec<SetterJson<'a>>,
}

impl<'a> From<&'a GymSummary> for GymSummaryJson<'a> {
    fn from(summary: &'a GymSummary) -> Self {
        let grades = summary.grades.iter();
        Self {
            gym: GymJson::from(&summary.gym),
            walls_count: summary.walls,
            faces_count: summary.faces,
            holds_count: summary.holds,
            climbs_count: summary.climbs,
            setters_count: summary.setters_count,
            grades: grades
                .map(|count| GradeCountJson { grade: count.grade.to_string(), climbs: count.climbs })
                .collect(),
            newest: summary.newest.iter().map(ClimbJson::from).collect(),
            setters: summary.setters.iter().map(SetterJson::from).collect(),
        }
    }
}
