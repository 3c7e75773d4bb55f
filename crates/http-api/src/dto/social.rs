//! Likes, bookmarks and counts of a climb as JSON.

use mastoc_domain::board::Climb;
use mastoc_domain::{ClimbId, Timestamp};
use mastoc_storage::social::Social;
use serde::Serialize;
use utoipa::ToSchema;

use super::climb::ClimbJson;

/// What happened to one climb here; Stokt's own counters stand in the climb.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Social)]
pub(crate) struct SocialJson {
    /// Which climb.
    #[schema(value_type = Uuid)]
    climb_id: ClimbId,
    /// How many people like it.
    likes: i64,
    /// How many comments there are.
    comments: i64,
    /// How many ascents were logged.
    ascents: i64,
    /// By how many people.
    climbers: i64,
    /// Whether the caller bookmarked it.
    bookmarked: bool,
    /// Whether the caller likes it.
    liked: bool,
    /// Whether the caller logged an ascent of it.
    sent: bool,
}

impl From<&Social> for SocialJson {
    fn from(social: &Social) -> Self {
        Self {
            climb_id: social.climb_id,
            likes: social.likes,
            comments: social.comments,
            ascents: social.ascents,
            climbers: social.climbers,
            bookmarked: social.bookmarked,
            liked: social.liked,
            sent: social.sent,
        }
    }
}

/// A climb that the caller wants to find again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bookmark)]
pub(crate) struct BookmarkJson<'a> {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    bookmarked_at: Timestamp,
    /// The climb.
    climb: ClimbJson<'a>,
}

impl<'a> From<&'a (Timestamp, Climb)> for BookmarkJson<'a> {
    fn from((bookmarked_at, climb): &'a (Timestamp, Climb)) -> Self {
        Self { bookmarked_at: *bookmarked_at, climb: climb.into() }
    }
}

/// A page of bookmarks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BookmarkPage<'a> {
    /// The bookmarks of this page.
    pub(crate) results: Vec<BookmarkJson<'a>>,
    /// How many bookmarks there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many bookmarks a page has.
    pub(crate) page_size: i64,
}
