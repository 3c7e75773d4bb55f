//! Climbs as they are sent to be written, and their history as JSON.

use mastoc_domain::Timestamp;
use mastoc_domain::UserId;
use mastoc_domain::board::PersonalFields;
use mastoc_domain::climb_edit::ClimbDraft;
use mastoc_storage::climb_edits::ClimbEdit;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::fields::Fields;

/// Longer texts are not even read; what a field may hold at most is for the domain to say.
const LONGEST_TEXT: usize = 100_000;
/// The longest personal notes, in characters.
const LONGEST_NOTES: usize = 10_000;

/// A climb to be created.
#[derive(ToSchema)]
#[schema(as = NewClimb)]
#[expect(dead_code, reason = "describes a body that is read field by field")]
pub(crate) struct NewClimbBody {
    /// The face it is on.
    face_id: Uuid,
    /// Its name.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// Its holds with their roles: `S400166 O399906 F399901 T400009`; at least one `S` and one `T`, 2 to 100 in all,
    /// each of them on the face.
    #[schema(min_length = 5)]
    holds_list: String,
    /// Font grade, or `?`.
    #[schema(required = false)]
    grade_font: Option<String>,
    /// The same on the IRCRA scale; follows from the Font grade when left out.
    #[schema(required = false, minimum = 0, maximum = 40)]
    grade_ircra: Option<f64>,
    /// What feet may use.
    #[schema(required = false, max_length = 100)]
    feet_rule: Option<String>,
    /// Free text.
    #[schema(required = false, max_length = 2000)]
    description: Option<String>,
    /// Whether only its setter may see it; false by default.
    #[schema(required = false)]
    is_private: Option<bool>,
}

/// What is to change of a climb. What is left out stays; null empties what may be empty. The personal fields are the
/// caller's own.
#[derive(ToSchema)]
#[schema(as = ClimbPatch)]
#[expect(dead_code, reason = "describes a body that is read field by field")]
pub(crate) struct ClimbPatchBody {
    /// Its name.
    #[schema(required = false, nullable = false, min_length = 1)]
    name: Option<String>,
    /// Its holds with their roles.
    #[schema(required = false, nullable = false, min_length = 2)]
    holds_list: Option<String>,
    /// Font grade, or `?`.
    #[schema(required = false)]
    grade_font: Option<String>,
    /// What feet may use.
    #[schema(required = false)]
    feet_rule: Option<String>,
    /// Free text.
    #[schema(required = false)]
    description: Option<String>,
    /// Whether only its setter may see it.
    #[schema(required = false, nullable = false)]
    is_private: Option<bool>,
    /// The caller's own notes.
    #[schema(required = false, max_length = 10000)]
    personal_notes: Option<String>,
    /// The caller's own rating.
    #[schema(required = false, minimum = 1, maximum = 5)]
    personal_rating: Option<i16>,
    /// Whether it is one of the caller's projects.
    #[schema(required = false)]
    is_project: Option<bool>,
}

/// Reads what a climb is to be; what is of the wrong kind is noted in `fields`.
pub(crate) fn draft(fields: &mut Fields, is_new: bool) -> ClimbDraft {
    let name = fields.long_text("name", LONGEST_TEXT);
    let holds_list = fields.long_text("holds_list", LONGEST_TEXT);
    let grade_font = fields.long_text("grade_font", LONGEST_TEXT);
    let feet_rule = fields.long_text("feet_rule", LONGEST_TEXT);
    let description = fields.long_text("description", LONGEST_TEXT);
    let is_private = fields.flag("is_private");
    ClimbDraft {
        name: if is_new { fields.required("name", name) } else { fields.not_null("name", name) },
        holds_list: if is_new {
            fields.required("holds_list", holds_list)
        } else {
            fields.not_null("holds_list", holds_list)
        },
        grade_font,
        // Whoever sends a climb back with another Font grade has not thought of the other scale.
        grade_ircra: if is_new { fields.number("grade_ircra", 0.0..=40.0).flatten() } else { None },
        feet_rule,
        description,
        is_private: if is_new { is_private.flatten() } else { fields.not_null("is_private", is_private) },
    }
}

/// What somebody wants to keep to themselves about a climb; outside `None` is what was not said.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct PersonalDraft {
    notes: Option<Option<String>>,
    rating: Option<Option<i16>>,
    is_project: Option<bool>,
}

impl PersonalDraft {
    /// Reads it; what is of the wrong kind is noted in `fields`.
    pub(crate) fn read(fields: &mut Fields) -> Self {
        let notes = fields.long_text("personal_notes", LONGEST_NOTES);
        let rating = fields.integer("personal_rating", 1..=5);
        let is_project = fields.flag("is_project");
        Self {
            notes: notes.map(|notes| notes.filter(|notes| !notes.is_empty())),
            rating: rating.map(|rating| rating.and_then(|rating| i16::try_from(rating).ok())),
            is_project: is_project.map(Option::unwrap_or_default),
        }
    }

    /// What is kept then.
    pub(crate) fn apply(self, before: &PersonalFields) -> PersonalFields {
        PersonalFields {
            notes: self.notes.unwrap_or_else(|| before.notes.clone()),
            rating: self.rating.unwrap_or(before.rating),
            is_project: self.is_project.unwrap_or(before.is_project),
        }
    }
}

/// Whether a body speaks of personal fields at all.
pub(crate) fn has_personal(fields: &Fields) -> bool {
    ["personal_notes", "personal_rating", "is_project"].into_iter().any(|name| fields.has(name))
}

/// Whether a body speaks of what everybody sees.
pub(crate) fn has_shared(fields: &Fields) -> bool {
    ["name", "holds_list", "grade_font", "feet_rule", "description", "is_private"]
        .into_iter()
        .any(|name| fields.has(name))
}

/// One field that an edit changed; what was or is not there is null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldChange)]
pub(crate) struct FieldChangeJson<'a> {
    /// Which field.
    field: &'a str,
    /// What it was.
    #[schema(value_type = Option<Value>)]
    before: &'a Value,
    /// What it is.
    #[schema(value_type = Option<Value>)]
    after: &'a Value,
}

/// Something that was done to a climb here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClimbEdit)]
pub(crate) struct ClimbEditJson<'a> {
    /// Its id.
    id: Uuid,
    /// `created`, `updated` or `deleted`.
    action: &'static str,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `person`, or `key` for a key of the service.
    by: &'static str,
    /// The person; null for keys, and for people who are gone.
    #[schema(value_type = Option<Uuid>)]
    user_id: Option<UserId>,
    /// The name that person shows.
    user_name: Option<&'a str>,
    /// What changed.
    changes: Vec<FieldChangeJson<'a>>,
}

impl<'a> From<&'a ClimbEdit> for ClimbEditJson<'a> {
    fn from(edit: &'a ClimbEdit) -> Self {
        let changes = edit.changes.iter().map(|change| FieldChangeJson {
            field: &change.field,
            before: &change.before,
            after: &change.after,
        });
        Self {
            id: edit.id,
            action: edit.action.as_str(),
            at: edit.at,
            by: if edit.by_key { "key" } else { "person" },
            user_id: edit.user_id,
            user_name: edit.user_name.as_deref(),
            changes: changes.collect(),
        }
    }
}

/// A page of a climb's history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClimbHistory<'a> {
    /// The newest first.
    pub(crate) results: Vec<ClimbEditJson<'a>>,
    /// How many there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many a page has.
    pub(crate) page_size: i64,
}
