//! Sends, comments, likes and bookmarks of one climb.

use std::fmt::Display;

use crate::{
    client::Client,
    endpoints::{Answered, add_query},
    error::Error,
    paging::{Pages, rows},
    record::{Record, WireRecord},
    source::Method,
    types::{BookmarkChange, Comment, Like, NewComment, Send},
};

impl Client {
    /// `GET api/climbs/{climb}/latest-sends?limit=n`.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown climb.
    pub fn latest_sends(&self, climb: impl Display, limit: u32) -> Result<Vec<Record<Send>>, Error> {
        self.limited(&climb, "latest-sends", limit)
    }

    /// `GET api/climbs/{climb}/comments?limit=n`.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown climb.
    pub fn comments(&self, climb: impl Display, limit: u32) -> Result<Vec<Record<Comment>>, Error> {
        self.limited(&climb, "comments", limit)
    }

    fn limited<T: WireRecord>(
        &self,
        climb: &dyn Display,
        what: &str,
        limit: u32,
    ) -> Result<Vec<Record<T>>, Error> {
        let mut url = self.url(&[&"api", &"climbs", climb, &what])?;
        add_query(&mut url, &[("limit", Some(limit.to_string()))]);
        let target = self.origin().target(&url);
        rows(self.get_value(url)?).map_err(|error| error.in_call(Method::Get, &target))
    }

    /// `POST api/climbs/{climb}/comments`.
    ///
    /// # Errors
    /// Never repeated: read [`Error::outcome`] before writing it again.
    pub fn create_comment(
        &self,
        climb: impl Display,
        comment: &NewComment,
    ) -> Result<Answered<Comment>, Error> {
        self.change_record(Method::Post, self.url(&[&"api", &"climbs", &climb, &"comments"])?, comment)
    }

    /// `DELETE api/climbs/{climb}/comments/{comment}`.
    ///
    /// # Errors
    /// [`Error::is_not_found`] when it is gone already.
    pub fn delete_comment(&self, climb: impl Display, comment: impl Display) -> Result<(), Error> {
        self.delete(self.url(&[&"api", &"climbs", &climb, &"comments", &comment])?)
    }

    /// `GET api/climbs/{climb}/likes`.
    ///
    /// # Errors
    /// When `climb` cannot be an id; each page has its own errors.
    pub fn likes(&self, climb: impl Display) -> Result<Pages<Like>, Error> {
        Ok(Pages::new(self.clone(), self.url(&[&"api", &"climbs", &climb, &"likes"])?))
    }

    /// `POST api/climbs/{climb}/likes`: likes it.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown climb.
    pub fn like(&self, climb: impl Display) -> Result<(), Error> {
        self.change(Method::Post, self.url(&[&"api", &"climbs", &climb, &"likes"])?, None::<&()>)
    }

    /// `DELETE api/climbs/{climb}/likes`: likes it no longer.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown climb.
    pub fn unlike(&self, climb: impl Display) -> Result<(), Error> {
        self.delete(self.url(&[&"api", &"climbs", &climb, &"likes"])?)
    }

    /// `PATCH api/climbs/{climb}/bookmarked`: sets or takes away the bookmark.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown climb.
    pub fn set_bookmarked(&self, climb: impl Display, bookmarked: bool) -> Result<(), Error> {
        let url = self.url(&[&"api", &"climbs", &climb, &"bookmarked"])?;
        self.change(Method::Patch, url, Some(&BookmarkChange { added: bookmarked, removed: !bookmarked }))
    }
}
