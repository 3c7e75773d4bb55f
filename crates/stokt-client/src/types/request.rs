//! What is sent to Stokt: new climbs, changes, comments, and the filters of lists.

use serde::{Deserialize, Serialize};

/// The holds of a climb by role, ids as text, as `POST api/faces/{face}/climbs` wants them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHolds {
    /// Start holds, one or two.
    pub start: Vec<String>,
    /// Holds for hands and feet.
    pub others: Vec<String>,
    /// Top holds, one or two.
    pub top: Vec<String>,
    /// Holds for the feet only.
    #[serde(rename = "feetOnly")]
    pub feet_only: Vec<String>,
}

/// A grade proposed by the setter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGrade {
    /// The scale, for instance `font`.
    #[serde(rename = "gradingSystem")]
    pub grading_system: String,
    /// The grade on that scale, for instance `6a+`.
    pub value: String,
}

/// A climb to be created. Stokt has no idempotency key: read
/// [`Error::outcome`](crate::Error::outcome) before sending one again.
///
/// ```
/// use mastoc_stokt_client::types::{NewClimb, NewGrade, NewHolds};
/// let climb = NewClimb {
///     name: "Le pilier".into(),
///     holds_list: NewHolds {
///         start: vec!["400166".into()],
///         others: vec!["399938".into()],
///         top: vec!["400602".into()],
///         feet_only: vec![],
///     },
///     grade: Some(NewGrade { grading_system: "font".into(), value: "6a+".into() }),
///     description: String::new(),
///     is_private: true,
///     feet_rule: "Tous pieds".into(),
/// };
/// assert_eq!(serde_json::to_value(&climb).unwrap()["holdsList"]["feetOnly"], serde_json::json!([]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewClimb {
    /// The name, at least three characters.
    pub name: String,
    /// The holds by role.
    #[serde(rename = "holdsList")]
    pub holds_list: NewHolds,
    /// The setter's grade; left out when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<NewGrade>,
    /// Free text.
    pub description: String,
    /// Whether only the setter sees it.
    #[serde(rename = "isPrivate")]
    pub is_private: bool,
    /// What feet may stand on, one of the face's options.
    #[serde(rename = "feetRule")]
    pub feet_rule: String,
}

/// A change to a climb: only what is `Some` is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClimbPatch {
    /// The new name, at least three characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// All the holds, by role.
    #[serde(rename = "holdsList", skip_serializing_if = "Option::is_none")]
    pub holds_list: Option<NewHolds>,
    /// The setter's grade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<NewGrade>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether only the setter sees it.
    #[serde(rename = "isPrivate", skip_serializing_if = "Option::is_none")]
    pub is_private: Option<bool>,
    /// What feet may stand on.
    #[serde(rename = "feetRule", skip_serializing_if = "Option::is_none")]
    pub feet_rule: Option<String>,
}

/// A comment to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewComment {
    /// What it says.
    pub text: String,
    /// The comment it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replied_to_id: Option<String>,
}

/// A change of a climb's bookmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookmarkChange {
    /// The bookmark is set.
    pub added: bool,
    /// The bookmark is taken away.
    pub removed: bool,
}

/// A change to a list: only what is `Some` is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPatch {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Whose lists `GET api/lists` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListsFilter {
    /// A user's own.
    User,
    /// A gym's.
    Gym,
    /// Lists by style.
    Style,
    /// Other people's.
    FromOthers,
}

impl ListsFilter {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Gym => "gym",
            Self::Style => "style",
            Self::FromOthers => "from_others",
        }
    }
}

/// Filters of `GET api/lists`; what is `None` is not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListsQuery {
    /// Whose lists.
    pub filter_for: Option<ListsFilter>,
    /// Id of the owner.
    pub owner_id: Option<String>,
    /// Id of the gym.
    pub gym_id: Option<String>,
    /// At least so many climbs.
    pub climbs_count_gte: Option<u32>,
}

/// Filters of `GET api/lists/{list}/items`; what is `None` is not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListItemsQuery {
    /// Rows per page; the server may choose otherwise.
    pub page_size: Option<u32>,
    /// Field to sort by, `-` in front for descending.
    pub ordering: Option<String>,
    /// Text in the climb's name.
    pub search: Option<String>,
    /// Lowest grade.
    pub grade_from: Option<String>,
    /// Highest grade.
    pub grade_to: Option<String>,
    /// Tags, separated by commas.
    pub tags: Option<String>,
    /// Without the asking account's own climbs.
    pub exclude_mine: Option<bool>,
}
