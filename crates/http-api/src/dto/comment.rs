//! Comments as JSON, and the body that makes and changes them.

use mastoc_domain::{ClimbId, CommentId, Timestamp, UserId};
use mastoc_storage::comments::Comment;
use serde::Serialize;
use utoipa::ToSchema;

use crate::fields::Fields;

/// The longest comment, in characters.
const LONGEST: usize = 2_000;

/// A comment on a climb.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Comment)]
pub(crate) struct CommentJson<'a> {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: CommentId,
    /// What it is about.
    #[schema(value_type = Uuid)]
    climb_id: ClimbId,
    /// Who wrote it.
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// The writer's name.
    user_name: &'a str,
    /// What they say.
    text: &'a str,
    /// When they said it.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When they last changed it.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a Comment> for CommentJson<'a> {
    fn from(comment: &'a Comment) -> Self {
        Self {
            id: comment.id,
            climb_id: comment.climb_id,
            user_id: comment.user_id,
            user_name: &comment.user_name,
            text: &comment.text,
            created_at: comment.created_at,
            updated_at: comment.updated_at,
        }
    }
}

/// A page of comments.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommentPage<'a> {
    /// The comments of this page.
    pub(crate) results: Vec<CommentJson<'a>>,
    /// How many comments there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many comments a page has.
    pub(crate) page_size: i64,
}

/// What somebody says about a climb.
#[derive(ToSchema)]
#[schema(as = CommentText)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct CommentInput {
    /// The text; it may have lines.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*[^\s\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
    )]
    text: String,
}

/// Reads the text of a comment; what is wrong is noted in `fields`.
pub(crate) fn text(fields: &mut Fields) -> String {
    let sent = fields.long_text("text", LONGEST);
    let text = fields.required("text", sent).map(|text| text.trim().to_owned());
    if text.as_ref().is_some_and(String::is_empty) {
        fields.refuse("text", "must not be empty");
    }
    text.unwrap_or_default()
}
